//! The oracle that has to object.

use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// No link that was up ever goes down.
///
/// *Antecedent*: none; it is wrong, in every cluster where anything goes wrong. It is not one of [`all`](super::all): it shows that
/// oracles are asked, and how a run is reported that fails.
#[derive(Clone, Copy, Debug)]
pub struct Canary;

impl Oracle for Canary {
    fn name(&self) -> &'static str {
        "canary"
    }

    fn wants(&self) -> Kinds {
        Kinds::LINKS
    }

    fn observe(&mut self, seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        match &seen.fact {
            Fact::Disconnected { node, was_up: true, .. } => Err(format!("lost {node}")),
            _ => Ok(()),
        }
    }
}
