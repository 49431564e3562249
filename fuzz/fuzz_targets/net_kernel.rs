//! See `netkernel_core::fuzzing::net_kernel`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::net_kernel;

fuzz_target!(|input: &[u8]| net_kernel(input));
