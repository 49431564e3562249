//! See `netkernel_core::fuzzing::epmd_server`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::epmd_server;

fuzz_target!(|input: &[u8]| epmd_server(input));
