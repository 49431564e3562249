//! No machine works without end.

use netkernel_core::driver::SLICE;

use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// After a turn the next deadline is in the future, unless the turn was cut off after its slice of outputs; and one input leads to
/// few outputs for each row, stream and subscription that there is.
///
/// *Antecedent*: a turn takes at most one input before the next one begins, as `Actor::serve` sees to. Samples are counted neither as
/// inputs nor as outputs.
#[derive(Clone, Copy, Debug)]
pub struct Bounds;

impl Oracle for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn wants(&self) -> Kinds {
        Kinds::TURNS
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Fact::Turned { now, outputs, wake, .. } = seen.fact else { return Ok(()) };
        let Some(actor) = seen.actor else { return Ok(()) };
        if wake.is_some_and(|wake| wake < now) {
            return Err(format!("the next deadline {wake:?} is before {now:?}"));
        }
        if outputs <= 16 {
            return Ok(());
        }
        let Some(process) = &world.actors[actor.0].process else { return Ok(()) };
        let streams = process.body.live_streams().count();
        let most = 16 + 8 * streams + 4 * world.actors.len();
        if outputs > most.max(SLICE) {
            return Err(format!("{outputs} outputs with {streams} streams"));
        }
        Ok(())
    }
}
