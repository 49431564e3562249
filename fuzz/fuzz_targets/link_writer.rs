//! See `netkernel_core::fuzzing::link_writer`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::link_writer;

fuzz_target!(|input: &[u8]| link_writer(input));
