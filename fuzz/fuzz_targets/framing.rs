//! See `netkernel_core::fuzzing::framing`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::framing;

fuzz_target!(|input: &[u8]| framing(input));
