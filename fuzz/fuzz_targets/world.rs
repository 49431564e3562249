//! See `netkernel_tests::fuzzing::world`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_tests::fuzzing::world;

fuzz_target!(|input: &[u8]| world(input));
