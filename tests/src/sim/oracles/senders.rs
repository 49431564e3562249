//! Who waits to send gets on.

use crate::sim::observe::{Kinds, Oracle, Seen};
use crate::sim::world::World;

/// Nobody waits to send in the end: neither for the answer to a wish, nor for room.
///
/// *Antecedent*: faults have stopped, all wanted links are up, and letters have gone on as long as any arrived.
#[derive(Clone, Copy, Debug)]
pub struct Senders;

impl Oracle for Senders {
    fn name(&self) -> &'static str {
        "senders"
    }

    fn wants(&self) -> Kinds {
        Kinds::NONE
    }

    fn observe(&mut self, _seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        Ok(())
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        for actor in world.nodes() {
            let waiting = actor.process.as_ref().map_or(0, |it| it.body.office.blocked());
            if waiting > 0 {
                return Err(format!("{waiting} wait on {}", world.label(actor.id)));
            }
        }
        Ok(())
    }
}
