//! What the tests of netkernel share.

#[cfg(feature = "otp")]
pub mod otp;
pub mod spec;
