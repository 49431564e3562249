//! See `netkernel_core::fuzzing::epmd_client`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::epmd_client;

fuzz_target!(|input: &[u8]| epmd_client(input));
