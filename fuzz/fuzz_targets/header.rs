//! See `netkernel_core::fuzzing::header`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::header;

fuzz_target!(|input: &[u8]| header(input));
