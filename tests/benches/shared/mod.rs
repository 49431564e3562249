//! What the benchmarks share: an allocator that counts, and a kernel with links.
#![allow(dead_code, unreachable_pub, reason = "each benchmark has its own copy, and uses a part")]

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::alloc::System;

use netkernel_core::driver::Machine as _;
use netkernel_core::handshake::{Initiator, InitiatorConfig, InitiatorStep, Own};
use netkernel_core::net_kernel::{
    Config, Input, NetKernel, NetTicktime, Output, Promotion, StartOptions,
};
use netkernel_core::wire::framing::Framing;
use netkernel_core::{Cookie, Creation, Entropy, Flags, Instant, NodeName, PeerName};

/// Counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[allow(unsafe_code, reason = "counting what is allocated needs an allocator; it only passes on")]
// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

/// The bytes that are allocated just now.
pub fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

pub fn name(text: &str) -> NodeName {
    text.parse().unwrap()
}

/// A kernel that accepts links from machines in memory.
pub struct Kernel {
    pub kernel: NetKernel,
    pub now: Instant,
}

impl Kernel {
    /// Not alive.
    pub fn new() -> Self {
        let config = Config::new(Cookie::new("C").unwrap(), NetTicktime::default());
        Self { kernel: NetKernel::new(config), now: Instant::from_millis(1) }
    }

    /// Alive, with nothing left over.
    pub fn alive() -> Self {
        let mut own = Self::new();
        own.start();
        while own.kernel.poll().is_some() {}
        own
    }

    pub fn start(&mut self) {
        let options = StartOptions::new(name("a@127.0.0.1"));
        self.kernel.start(self.now, options, Entropy::new([9; 16]));
        self.kernel.handle(self.now, Input::Listening { port: 9 });
        let outputs: Vec<Output> = core::iter::from_fn(|| self.kernel.poll()).collect();
        let epmd = outputs.iter().find_map(|output| {
            let Output::Open { stream, .. } = output else { return None };
            Some(*stream)
        });
        let stream = epmd.unwrap();
        let entropy = Entropy::new([9; 16]);
        self.kernel.handle(self.now, Input::Opened { stream, entropy });
        // ALIVE2_X_RESP: registered, with creation 5.
        let bytes = (&[118, 0, 0, 0, 0, 5][..]).into();
        self.kernel.handle(self.now, Input::Received { stream, bytes });
    }

    /// A link with `n{number}@127.0.0.1`; nothing of what the kernel wants is left over.
    pub fn connect(&mut self, number: usize) -> Promotion {
        let own = PeerName::new(format!("n{number}@127.0.0.1"));
        let config = InitiatorConfig {
            own: Own::Named { name: own, creation: Creation(5) },
            peer: name("a@127.0.0.1"),
            cookie: Cookie::new("C").unwrap(),
            flags: Flags::SERVED,
            mandatory: Flags::MANDATORY_26,
            setup_time: Duration::from_secs(7),
            framing: Framing::Short,
        };
        let stream = self.kernel.mint_stream();
        self.kernel.handle(
            self.now,
            Input::Accepted { stream, entropy: Entropy::new([1; 16]), local: true },
        );
        let mut out = Vec::new();
        let machine = Initiator::new(config, Entropy::new([2; 16]), Instant::MAX, &mut out);
        let mut step = Some(machine);
        loop {
            if !out.is_empty() {
                let bytes = core::mem::take(&mut out).into();
                self.kernel.handle(self.now, Input::Received { stream, bytes });
            }
            let mut heard = Vec::new();
            let mut promotion = None;
            while let Some(output) = self.kernel.poll() {
                if let Output::Transmit { bytes, .. } = output {
                    heard.extend_from_slice(&bytes);
                } else if let Output::Promote { promotion: p, .. } = output {
                    promotion = Some(p);
                }
            }
            if let Some(promotion) = promotion {
                return promotion;
            }
            let InitiatorStep::Wait(machine) =
                step.take().unwrap().receive(self.now, &heard, &mut out).unwrap()
            else {
                panic!("the link is not up")
            };
            step = Some(machine);
        }
    }
}
