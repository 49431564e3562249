//! Nodes understand each other.

use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// No node finds fault with what another one sends on a link.
///
/// *Antecedent*: both sides are machines of this world; hostile peers never get so far as to have a link.
#[derive(Clone, Copy, Debug)]
pub struct Peers;

impl Oracle for Peers {
    fn name(&self) -> &'static str {
        "peers"
    }

    fn wants(&self) -> Kinds {
        Kinds::LETTERS
    }

    fn observe(&mut self, seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        match seen.fact {
            Fact::Refused { link, violation } => Err(format!("{violation:?} on {link:?}")),
            _ => Ok(()),
        }
    }
}
