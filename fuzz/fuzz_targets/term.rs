//! See `netkernel_core::fuzzing::term`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::term;

fuzz_target!(|input: &[u8]| term(input));
