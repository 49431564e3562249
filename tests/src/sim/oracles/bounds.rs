//! No machine works without end.

use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// After a turn the next deadline is in the future, unless the turn was cut off after its slice of outputs; and one input leads to
/// few outputs for each stream and row that there is: `EACH` for a stream or another node, and `OTHER` more. Answers are not
/// counted, nor is what the mailbox with many subscriptions is told: `answers` and `monitor` count these.
///
/// *Antecedent*: a turn takes at most one input before the next one begins, as `Actor::serve` sees to. Samples are counted neither as
/// inputs nor as outputs. Ticks that are due at the same time count with that input.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// Answers, and events for that mailbox, in this turn.
    told: usize,
}

/// Of a stream or a row: its ends and what follows them, a tick, an aux tick, a diagnostic, events, answers, a new attempt.
const EACH: usize = 8;
/// Of the node itself: its name, its listener, its registration, their events and answers.
const OTHER: usize = 16;

impl Oracle for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn wants(&self) -> Kinds {
        Kinds::TURNS.and(Kinds::LINKS).and(Kinds::CALLS)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        let Fact::Turned { now, outputs, cut_off, wake, .. } = seen.fact else {
            self.told += match seen.fact {
                Fact::Told { to, .. } => {
                    let process = world.actors[actor.0].process.as_ref();
                    usize::from(process.is_some_and(|it| it.body.office.other == to))
                }
                Fact::Answered { .. } => 1,
                _ => 0,
            };
            return Ok(());
        };
        let outputs_told = core::mem::take(&mut self.told);
        if !cut_off && wake.is_some_and(|wake| wake <= now) {
            return Err(format!("the next deadline {wake:?} is not after {now:?}"));
        }
        let counted = outputs.saturating_sub(outputs_told);
        if counted <= OTHER {
            return Ok(());
        }
        let Some(process) = &world.actors[actor.0].process else { return Ok(()) };
        let streams = process.body.live_streams().count();
        if counted > OTHER + EACH * (streams + world.actors.len()) {
            return Err(format!("{counted} outputs with {streams} streams"));
        }
        Ok(())
    }
}
