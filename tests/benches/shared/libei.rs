//! Builds C programs with `ei`, the C library of OTP, and modules of Erlang.
#![allow(dead_code, unreachable_pub, reason = "each benchmark has its own copy, and uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netkernel_tests::otp::Release;

/// A program out of one file of C, with the newest release's `ei`. It needs a C compiler.
pub fn program(folder: &Path, text: &str) -> PathBuf {
    let find = "io:put_chars(code:lib_dir(erl_interface)), halt().";
    let found = Release::Newest.erl().args(["-noinput", "-eval", find]).output().unwrap();
    let home = PathBuf::from(String::from_utf8(found.stdout).unwrap());
    let (source, program) = (folder.join("ei.c"), folder.join("ei"));
    fs::write(&source, text).unwrap();
    fs::write(folder.join("libei.h"), include_str!("libei.h")).unwrap();
    // Linkers of before 2024 rewrite code of libei of OTP 29 so that it crashes, unless told not to.
    let status = Command::new("cc")
        .args(["-std=gnu99", "-O2", "-Wl,--no-relax", "-o"])
        .args([&program, &source])
        .arg(format!("-I{}", home.join("include").display()))
        .arg(format!("-L{}", home.join("lib").display()))
        .args(["-lei", "-lpthread"])
        .status();
    assert!(status.unwrap().success(), "a C compiler builds it");
    program
}
