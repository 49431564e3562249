//! See `netkernel_core::fuzzing::channel`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::channel;

fuzz_target!(|input: &[u8]| channel(input));
