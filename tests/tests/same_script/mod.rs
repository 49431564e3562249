//! Scripts of links, monitors, exit signals, aliases and new processes, played by processes of two nodes, whichever nodes these are.
//!
//! The processes of node `a` are called `a1` to `a3`, those of `b` likewise, and those that are spawned as a script says, but
//! for the first letter, which is that of their node; `ak` and `bk` monitor all of them. A step is a call of one
//! of them: see [`op`]. It is over when all has arrived that it leads to: [`model`] says how much that is, and what it is the nodes say.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::wildcard_enum_match_arm,
    reason = "this is test code"
)]

pub(crate) mod erlang;
pub(crate) mod generate;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod op;
pub(crate) mod ours;
pub(crate) mod spawns;
pub(crate) mod stage;
pub(crate) mod written;
