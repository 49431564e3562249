//! Letters arrive as they were sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use netkernel_core::LinkId;
use netkernel_core::net_kernel::{ConnectionId, NodeEvent};

use crate::sim::ActorId;
use crate::sim::letter::Letter;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// What is delivered on a connection is for each process that writes there a prefix of what it queued on the other side, each letter whole
/// and once (small letters of one pass between the fragments of another's large one); and it is
/// delivered to the witness between the nodeup and the nodedown of that very link. What was queued on a link that is up on both sides
/// at the end has arrived.
///
/// *Antecedent*: both sides are machines of this world, so that what was queued is known; hostile peers never get so far as to
/// have a link. The witness's events and letters share one order.
#[derive(Debug, Default)]
pub struct Fifo {
    /// By number of the connection, node and process that writes: what was queued and has not been delivered.
    under_way: BTreeMap<(u64, ActorId, u64), VecDeque<Letter>>,
    up: BTreeMap<ActorId, BTreeSet<LinkId>>,
    /// The connections of the links of each machine.
    conns: BTreeMap<(ActorId, LinkId), u64>,
}

impl Oracle for Fifo {
    fn name(&self) -> &'static str {
        "fifo"
    }

    fn wants(&self) -> Kinds {
        Kinds::LETTERS.and(Kinds::LINKS).and(Kinds::LIFE)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { .. } => {
                self.up.remove(&actor);
                self.conns.retain(|(of, _), _| *of != actor);
            }
            Fact::Told { to, event, .. } => {
                let process = world.actors[actor.0].process.as_ref();
                if process.is_some_and(|process| process.body.office.witness == *to)
                    && let Some(ConnectionId::Link(link)) = event.connection_id()
                {
                    let up = self.up.entry(actor).or_default();
                    match event {
                        NodeEvent::NodeUp { .. } => up.insert(link),
                        NodeEvent::NodeDown { .. } => up.remove(&link),
                    };
                }
            }
            Fact::Promoted { conn, promotion, .. } => {
                self.conns.insert((actor, promotion.link), *conn);
            }
            Fact::Disconnected { link, .. } => {
                self.conns.remove(&(actor, *link));
            }
            Fact::Queued { conn, letter, .. } => {
                self.under_way
                    .entry((*conn, actor, letter.writer()))
                    .or_default()
                    .push_back(*letter);
            }
            Fact::Delivered { letter: None, link, .. } => {
                return Err(format!("a letter in pieces on {link:?}"));
            }
            Fact::Delivered { link, conn, letter: Some(letter), .. } => {
                let from = (*conn, letter.from, letter.writer());
                let queue = self.under_way.entry(from).or_default();
                let next = queue.pop_front();
                if next != Some(*letter) {
                    return Err(format!("{letter:?} on conn#{conn}, where {next:?} is next"));
                }
                if !self.up.get(&actor).is_some_and(|up| up.contains(link)) {
                    return Err(format!("{letter:?} on {link:?}, which is not up"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, _world: &World<'_>) -> Result<(), String> {
        for ((conn, from, _), letters) in &self.under_way {
            let sides = self.conns.values().filter(|of| *of == conn).count();
            if let Some(next) = letters.front()
                && sides == 2
            {
                return Err(format!("{next:?} of {from:?} is still under way on conn#{conn}"));
            }
        }
        Ok(())
    }
}
