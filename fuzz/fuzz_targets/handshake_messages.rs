//! See `netkernel_core::fuzzing::handshake_messages`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::handshake_messages;

fuzz_target!(|input: &[u8]| handshake_messages(input));
