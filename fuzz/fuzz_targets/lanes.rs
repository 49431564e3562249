//! See `netkernel_core::fuzzing::lanes`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::lanes;

fuzz_target!(|input: &[u8]| lanes(input));
