//! See `netkernel_core::fuzzing::calls`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::calls;

fuzz_target!(|input: &[u8]| calls(input));
