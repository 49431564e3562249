//! Kernels in memory, through `turn` and `pump`.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod addresses;
mod allow;
mod anything;
mod attempts;
mod common;
mod dynamic_names;
mod failures;
mod lifecycle;
mod links;
mod mfa;
mod replace;
mod requests;
mod scripted;
mod simultaneous;
mod state;
mod strangers;
mod ticks;
#[path = "../world/mod.rs"]
mod world;
