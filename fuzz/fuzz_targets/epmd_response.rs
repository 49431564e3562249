//! See `netkernel_core::fuzzing::epmd_response`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::epmd_response;

fuzz_target!(|input: &[u8]| epmd_response(input));
