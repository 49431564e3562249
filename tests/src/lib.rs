//! What the tests of netkernel share.
