//! Every order of what can happen to two or three nodes at the same time, and what must hold in each. `cargo explore` prints how many states
//! there are.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]
#![expect(clippy::disallowed_types, reason = "how long the search took is told")]

mod checker;
#[path = "../cluster/mod.rs"]
mod cluster;
mod judge;
mod kernels;
mod lost_streams;
mod replacement;
mod three_nodes;
mod ticktime;
mod two_nodes;
mod unlink;
#[path = "../world/mod.rs"]
mod world;
