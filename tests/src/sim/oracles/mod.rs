//! What must hold in every run. Each oracle has a file, and says in its doc what it relies on.
#![allow(clippy::wildcard_enum_match_arm, reason = "an oracle names the facts that concern it")]

mod admission;
mod answers;
mod bounds;
mod canary;
mod detection;
mod epmd;
mod fifo;
mod model;
mod monitor;
mod one_link;
mod peers;
mod senders;
mod streams;
mod ticktime;
mod up_down;

use super::observe::Oracle;

pub use admission::Admission;
pub use answers::Answers;
pub use bounds::Bounds;
pub use canary::Canary;
pub use detection::Detection;
pub use epmd::Epmd;
pub use fifo::Fifo;
pub use model::Agreement;
pub use monitor::Monitor;
pub use one_link::OneLink;
pub use peers::Peers;
pub use senders::Senders;
pub use streams::Streams;
pub use ticktime::Ticktime;
pub use up_down::UpDown;

/// All oracles, new.
#[must_use]
pub fn all() -> Vec<Box<dyn Oracle>> {
    vec![
        Box::<UpDown>::default(),
        Box::<Fifo>::default(),
        Box::<Streams>::default(),
        Box::<Bounds>::default(),
        Box::<Answers>::default(),
        Box::<OneLink>::default(),
        Box::<Admission>::default(),
        Box::<Detection>::default(),
        Box::<Ticktime>::default(),
        Box::<Monitor>::default(),
        Box::<Epmd>::default(),
        Box::<Agreement>::default(),
        Box::new(Peers),
        Box::new(Senders),
    ]
}
