//! See `netkernel_core::fuzzing::handshake_acceptor`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::handshake_acceptor;

fuzz_target!(|input: &[u8]| handshake_acceptor(input));
