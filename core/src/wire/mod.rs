//! Bytes to values and back. No state.
//!
//! Every message has `parse`, `emit` and `encoded_len`. Parsing never panics, whatever the bytes, and allocates only what
//! the bytes in hand justify.

pub mod control;
pub mod dist_header;
pub mod epmd;
pub mod framing;
pub mod handshake;
