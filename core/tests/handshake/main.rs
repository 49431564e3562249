//! The handshake, through the public API of its machines and of the kernel around them.
#![expect(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod captures;
#[path = "../../src/diagram.rs"]
mod diagram;
mod kernel;
mod matrix;
mod pair;
mod pair_properties;
mod parties;
mod play;
