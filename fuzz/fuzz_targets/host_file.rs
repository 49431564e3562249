//! See `netkernel_core::fuzzing::host_file`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkernel_core::fuzzing::host_file;

fuzz_target!(|input: &[u8]| host_file(input));
