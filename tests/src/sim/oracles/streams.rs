//! Every stream comes to its end, once.

use std::collections::BTreeMap;

use netkernel_core::StreamId;

use crate::sim::ActorId;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::plan::{Plan, SECOND};
use crate::sim::trace::time;
use crate::sim::world::World;

/// Every Open and every accepted stream ends in exactly one way, nothing happens to a stream after its end, and what the
/// machine has closed is closed and released soon. Once faults have stopped, no Open is without its end for longer than a set-up, and
/// what the other side has closed is released in that time, too.
///
/// *Antecedent*: a crash ends all streams of a process without a word, and that of a host without a word to its peers, of what it closed
/// before neither: a dial that was cancelled is denied by its host when it is answered. Soon is two
/// seconds, not counting pauses of the machine; a flush takes at most one of them. What happened before has its whole time from the
/// moment when faults stop.
#[derive(Debug, Default)]
pub struct Streams {
    live: BTreeMap<(ActorId, StreamId), Live>,
    /// Who has a stream on a connection.
    sides: BTreeMap<u64, Vec<(ActorId, StreamId)>>,
    peace: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Live {
    state: State,
    conn: u64,
    /// When it began, or when the other side ended it.
    due: Option<u64>,
    /// Who that other side is.
    told_by: Option<ActorId>,
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

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        if matches!(seen.fact, Fact::Liveness) {
            self.peace = Some(seen.at);
        }
        let Some(actor) = seen.actor else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { host } => self.crashed(actor, *host, seen.at),
            Fact::Resumed => self.resumed(actor, seen.at),
            Fact::Opening { stream, conn, .. } => {
                return self.begin((actor, *stream), *conn, State::Opening, seen.at);
            }
            Fact::Accepted { stream, conn } => {
                return self.begin((actor, *stream), *conn, State::Open, seen.at);
            }
            Fact::Opened { stream }
            | Fact::Closing { stream, .. }
            | Fact::Released { stream }
            | Fact::OpenFailed { stream, .. }
            | Fact::Cancelled { stream }
            | Fact::Closed { stream, .. } => {
                return self.go_on((actor, *stream), seen, &world.shared.plan);
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        for (key, live) in &self.live {
            if world.actors[key.0.0].is_working() {
                self.in_time(*key, *live, world.shared.now, &world.shared.plan)?;
            }
        }
        Ok(())
    }
}

impl Streams {
    fn begin(
        &mut self,
        key: (ActorId, StreamId),
        conn: u64,
        state: State,
        now: u64,
    ) -> Result<(), String> {
        let due = (state == State::Opening).then_some(now);
        if let Some(before) = self.live.insert(key, Live { state, conn, due, told_by: None }) {
            return Err(format!("{:?} begins, and is {before:?}", key.1));
        }
        self.sides.entry(conn).or_default().push(key);
        Ok(())
    }

    fn go_on(&mut self, key: (ActorId, StreamId), seen: &Seen, plan: &Plan) -> Result<(), String> {
        let fact = &seen.fact;
        let before = self.live.get(&key).copied();
        let state = before.map(|live| live.state);
        let (allowed, next) = match fact {
            Fact::Opened { .. } => (state == Some(State::Opening), Some(State::Open)),
            // A close of what has ended by itself changes nothing.
            Fact::Closing { .. } if state == Some(State::Released) => (true, state),
            Fact::Closing { .. } => (state == Some(State::Open), Some(State::Closing(seen.at))),
            // Before it is told that it is open, too: the other side was quick.
            Fact::Released { .. } => {
                (state.is_some_and(|state| state != State::Released), Some(State::Released))
            }
            Fact::Closed { .. } => (state == Some(State::Released), None),
            _ => (state == Some(State::Opening), None),
        };
        let Some(live) = before.filter(|_| allowed) else {
            return Err(format!("{fact:?} of a stream that is {before:?}"));
        };
        if matches!(fact, Fact::Released { .. } | Fact::OpenFailed { .. } | Fact::Opened { .. }) {
            self.in_time(key, live, seen.at, plan)?;
        }
        if matches!(fact, Fact::Released { .. } | Fact::Cancelled { .. }) {
            self.tell_peer(key, live.conn, seen.at);
        }
        match next {
            Some(state) => {
                let due = if matches!(fact, Fact::Opened { .. }) { None } else { live.due };
                self.live.insert(key, Live { state, due, ..live });
            }
            None => self.forget(key, live.conn),
        }
        Ok(())
    }

    fn in_time(
        &self,
        (_, stream): (ActorId, StreamId),
        live: Live,
        now: u64,
        plan: &Plan,
    ) -> Result<(), String> {
        if let State::Closing(since) = live.state
            && now > since + 2 * SECOND
        {
            return Err(format!("{stream:?} was closed at {}", time(since)));
        }
        // What has been released only waits for the machine to hear of it.
        let due = live.due.filter(|_| live.state != State::Released);
        if let (Some(peace), Some(due)) = (self.peace, due)
            && now > due.max(peace) + limit(plan)
        {
            return Err(format!("{stream:?} is {live:?}, at {}", time(now)));
        }
        Ok(())
    }

    /// The other side of the connection has ended it.
    fn tell_peer(&mut self, by: (ActorId, StreamId), conn: u64, now: u64) {
        for side in self.sides.get(&conn).into_iter().flatten().filter(|side| **side != by) {
            if let Some(live) = self.live.get_mut(side).filter(|live| live.due.is_none()) {
                (live.due, live.told_by) = (Some(now), Some(by.0));
            }
        }
    }

    fn forget(&mut self, key: (ActorId, StreamId), conn: u64) {
        self.live.remove(&key);
        if let Some(sides) = self.sides.get_mut(&conn) {
            sides.retain(|side| *side != key);
            if sides.is_empty() {
                self.sides.remove(&conn);
            }
        }
    }

    fn crashed(&mut self, actor: ActorId, host: bool, now: u64) {
        let range = self.live.iter().filter(|((of, _), _)| *of == actor);
        let gone: Vec<_> = range.map(|(key, live)| (*key, live.conn)).collect();
        for (key, conn) in gone {
            if !host {
                self.tell_peer(key, conn, now);
            }
            self.forget(key, conn);
        }
        for live in self.live.values_mut().filter(|live| host && live.told_by == Some(actor)) {
            (live.due, live.told_by) = (None, None);
        }
    }

    /// What was to be closed during a pause is closed after it.
    fn resumed(&mut self, actor: ActorId, now: u64) {
        for (_, live) in self.live.iter_mut().filter(|((of, _), _)| *of == actor) {
            if let State::Closing(since) = &mut live.state {
                *since = now;
            }
            if let Some(due) = &mut live.due {
                *due = now;
            }
        }
    }
}

/// How long a stream may take to open, or a closed one to be found out: one that is not read meanwhile waits for another link's end, or
/// for a set-up timer.
fn limit(plan: &Plan) -> u64 {
    2 * plan.setup_ns + 10 * SECOND
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::choice::{Replay, Tapes};
    use crate::sim::plan::Topology;
    use netkernel_core::driver::Machine as _;
    use netkernel_core::epmd_server::{Config, Server};
    use netkernel_core::net_kernel::{CloseCause, Purpose};

    /// What the oracle says of a connection whose dialler gives up, and whose host may crash; and that the other side closes a minute
    /// later.
    fn closed_late(crash: bool) -> Result<(), String> {
        let mut choice = Replay::new(Tapes::default());
        let world = World::new(Plan::calm(2, Topology::Mesh), &mut choice);
        let mut oracle = Streams::default();
        let mut observe = |at: u64, actor: Option<usize>, fact| {
            let actor = actor.map(ActorId);
            oracle.observe(&Seen { at: at * SECOND, actor, life: 1, fact }, &world)
        };
        let stream = Server::new(Config::default()).mint_stream();
        let (conn, purpose) = (1, Purpose::Registration);
        observe(1, Some(0), Fact::Opening { stream, purpose, conn })?;
        observe(2, Some(1), Fact::Accepted { stream, conn })?;
        observe(3, Some(0), Fact::Cancelled { stream })?;
        if crash {
            observe(4, Some(0), Fact::Crashed { host: true })?;
        }
        observe(5, None, Fact::Liveness)?;
        observe(62, Some(1), Fact::Closing { stream, abort: false })?;
        observe(62, Some(1), Fact::Released { stream })?;
        observe(62, Some(1), Fact::Closed { stream, cause: CloseCause::Local })
    }

    #[test]
    fn a_host_that_crashes_after_a_dial_was_cancelled_tells_nobody() {
        assert_eq!(closed_late(true), Ok(()));
        assert!(closed_late(false).is_err());
    }
}
