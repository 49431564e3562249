//! See `netkernel_core::fuzzing::fragments`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::fragments;

fuzz_target!(|input: &[u8]| fragments(input));
