//! Every stream comes to its end, once.

use std::collections::BTreeMap;

use netkernel_core::StreamId;

use crate::sim::ActorId;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::plan::SECOND;
use crate::sim::trace::time;
use crate::sim::world::World;

/// Every Open and every accepted stream ends in exactly one way, nothing happens to a stream after its end, and what the
/// machine has closed is closed and released soon.
///
/// *Antecedent*: a crash ends all streams of a process without a word. Soon is two seconds, not counting pauses of the machine;
/// a flush takes at most one of them.
#[derive(Debug, Default)]
pub struct Streams {
    live: BTreeMap<(ActorId, StreamId), State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening,
    Open,
    /// The machine closed it then.
    Closing(u64),
    Released,
}

impl Oracle for Streams {
    fn name(&self) -> &'static str {
        "streams"
    }

    fn wants(&self) -> Kinds {
        Kinds::STREAMS.and(Kinds::LIFE)
    }

    fn observe(&mut self, seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        let fact = &seen.fact;
        let (stream, next) = match fact {
            Fact::Crashed { .. } => {
                self.live.retain(|(of, _), _| *of != actor);
                return Ok(());
            }
            // What was to be closed during a pause is closed after it.
            Fact::Resumed => {
                let closing = self.live.iter_mut().filter(|((of, _), _)| *of == actor);
                for (_, state) in closing {
                    if let State::Closing(since) = state {
                        *since = seen.at;
                    }
                }
                return Ok(());
            }
            Fact::Opening { stream, .. } => (*stream, Some(State::Opening)),
            Fact::Accepted { stream, .. } | Fact::Opened { stream } => (*stream, Some(State::Open)),
            Fact::Closing { stream, .. } => (*stream, Some(State::Closing(seen.at))),
            Fact::Released { stream } => (*stream, Some(State::Released)),
            Fact::OpenFailed { stream, .. }
            | Fact::Cancelled { stream }
            | Fact::Closed { stream, .. } => (*stream, None),
            _ => return Ok(()),
        };
        let key = (actor, stream);
        let before = self.live.get(&key).copied();
        let allowed = match fact {
            Fact::Opening { .. } | Fact::Accepted { .. } => before.is_none(),
            Fact::Opened { .. } | Fact::OpenFailed { .. } | Fact::Cancelled { .. } => {
                before == Some(State::Opening)
            }
            Fact::Closing { .. } => matches!(before, Some(State::Open | State::Released)),
            Fact::Released { .. } => {
                if let Some(State::Closing(since)) = before
                    && seen.at > since + 2 * SECOND
                {
                    return Err(format!("{stream:?} was closed at {}", time(since)));
                }
                // Before it is told that it is open, too: the other side was quick.
                matches!(before, Some(State::Opening | State::Open | State::Closing(_)))
            }
            Fact::Closed { .. } => before == Some(State::Released),
            _ => true,
        };
        if !allowed {
            return Err(format!("{fact:?} of a stream that is {before:?}"));
        }
        match next {
            // A close of what has ended by itself changes nothing.
            Some(State::Closing(_)) if before == Some(State::Released) => {}
            Some(next) => drop(self.live.insert(key, next)),
            None => drop(self.live.remove(&key)),
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        let now = world.shared.now;
        for ((actor, stream), state) in &self.live {
            if let State::Closing(since) = state
                && now > since + 2 * SECOND
                && world.actors[actor.0].is_working()
            {
                let who = world.label(*actor);
                return Err(format!("{stream:?} of {who} was closed at {}", time(*since)));
            }
        }
        Ok(())
    }
}
