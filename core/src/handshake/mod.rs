//! The distribution handshake, as two machines that exchange bytes.

mod failure;

pub use failure::{Failure, Stage};
