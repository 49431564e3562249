//! Every order of what can happen to two or three kernels at the same time, and what must hold in each.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod explorer;
mod judge;
mod replacement;
mod three_nodes;
mod two_nodes;
#[path = "../world/mod.rs"]
mod world;
