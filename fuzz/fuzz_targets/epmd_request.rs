//! See `netkernel_core::fuzzing::epmd_request`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::epmd_request;

fuzz_target!(|input: &[u8]| epmd_request(input));
