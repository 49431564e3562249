//! See `netkernel_core::fuzzing::handshake_initiator`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::handshake_initiator;

fuzz_target!(|input: &[u8]| handshake_initiator(input));
