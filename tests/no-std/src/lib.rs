//! Links the core where there is no std. A std anywhere below would bring a second panic handler, which is an error.
#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use netkernel_core as _;

/// The core allocates, so the program must have an allocator. This one is never run.
struct Nothing;

// SAFETY: a null pointer is the answer of an allocator without memory; nothing was ever handed out to be freed.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Nothing = Nothing;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
