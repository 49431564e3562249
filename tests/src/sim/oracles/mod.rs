//! What must hold in every run. Each oracle has a file, and says in its doc what it relies on.
#![allow(clippy::wildcard_enum_match_arm, reason = "an oracle names the facts that concern it")]

mod bounds;
mod fifo;
mod streams;
mod up_down;

use super::observe::Oracle;

pub use bounds::Bounds;
pub use fifo::Fifo;
pub use streams::Streams;
pub use up_down::UpDown;

/// All oracles, new.
#[must_use]
pub fn all() -> Vec<Box<dyn Oracle>> {
    vec![
        Box::<UpDown>::default(),
        Box::<Fifo>::default(),
        Box::<Streams>::default(),
        Box::new(Bounds),
    ]
}
