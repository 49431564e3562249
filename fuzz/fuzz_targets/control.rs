//! See `netkernel_core::fuzzing::control`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::control;

fuzz_target!(|input: &[u8]| control(input));
