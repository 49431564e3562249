//! Letters arrive as they were sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use netkernel_core::net_kernel::{ConnectionId, NodeEvent};
use netkernel_core::{LinkId, NodeName};

use crate::sim::ActorId;
use crate::sim::guest::Deed;
use crate::sim::letter::Letter;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// What is delivered on a connection is for each process that writes there a prefix of what it queued on the other side, each letter whole
/// and once (small letters of one pass between the fragments of another's large one); and it is
/// delivered to the witness between the nodeup and the nodedown of that very link. What was queued on a link that is up on both sides
/// at the end has arrived.
///
/// Of a guest it is known what it was told to send, and by which connection it was linked then. What arrives of that is in this order, each
/// letter whole and once, and nothing else does; none is left out by the link that was there, and all have come in the end if that is still
/// up on both sides. What a guest says it has received is judged like what is delivered to a node.
///
/// *Antecedent*: both sides are machines of this world, so that what was queued is known; hostile peers never get so far as to
/// have a link. The witness's events and letters share one order. What a guest is told to send without a link it may lose.
#[derive(Debug, Default)]
pub struct Fifo {
    /// By number of the connection, node and process that writes: what was queued and has not been delivered.
    under_way: BTreeMap<(u64, ActorId, u64), VecDeque<Letter>>,
    up: BTreeMap<ActorId, BTreeSet<LinkId>>,
    /// The connections of the links of each machine.
    conns: BTreeMap<(ActorId, LinkId), u64>,
    /// By guest and node: what it was told to send and has not been delivered, and its link at that time.
    asked: BTreeMap<(ActorId, NodeName), VecDeque<Asked>>,
    /// The connections of the links of each guest.
    guests: BTreeMap<(ActorId, NodeName), u64>,
}

/// A letter, and the connection of the link that there was.
type Asked = (Letter, Option<u64>);

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
                self.guests.retain(|(of, _), _| *of != actor);
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
                self.is_next(actor, *letter, *conn, world)?;
                if !self.up.get(&actor).is_some_and(|up| up.contains(link)) {
                    return Err(format!("{letter:?} on {link:?}, which is not up"));
                }
            }
            Fact::Guest(deed) => return self.guest(actor, deed, world),
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, _world: &World<'_>) -> Result<(), String> {
        for ((conn, from, _), letters) in &self.under_way {
            if let Some(next) = letters.front()
                && self.is_up(*conn)
            {
                return Err(format!("{next:?} of {from:?} is still under way on conn#{conn}"));
            }
        }
        for ((from, node), letters) in &self.asked {
            for (letter, conn) in letters {
                if let Some(conn) = conn
                    && self.is_up(*conn)
                {
                    return Err(format!(
                        "{letter:?} of {from:?} has not come to {node}, conn#{conn}"
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Fifo {
    /// On both sides.
    fn is_up(&self, conn: u64) -> bool {
        self.conns.values().chain(self.guests.values()).filter(|of| **of == conn).count() == 2
    }

    fn guest(&mut self, actor: ActorId, deed: &Deed, world: &World<'_>) -> Result<(), String> {
        match deed {
            Deed::Up { node, conn } => drop(self.guests.insert((actor, node.clone()), *conn)),
            Deed::Down { node, .. } => drop(self.guests.remove(&(actor, node.clone()))),
            Deed::Asked { node, letter, conn } => {
                let asked = self.asked.entry((actor, node.clone())).or_default();
                asked.push_back((*letter, *conn));
            }
            Deed::Received { conn, letter: None } => {
                return Err(format!("a letter in pieces on conn#{conn}"));
            }
            Deed::Received { conn, letter: Some(letter) } => {
                self.is_next(actor, *letter, *conn, world)?;
                let mut links = self.guests.iter();
                if !links.any(|((of, _), link)| *of == actor && link == conn) {
                    return Err(format!("{letter:?} on conn#{conn}, which is not up"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether this letter is the next that is to come to this node by this connection.
    fn is_next(
        &mut self,
        to: ActorId,
        letter: Letter,
        conn: u64,
        world: &World<'_>,
    ) -> Result<(), String> {
        let key = world.name_of(to.0).map(|node| (letter.from, node));
        let Some(asked) = key.and_then(|key| self.asked.get_mut(&key)) else {
            let from = (conn, letter.from, letter.writer());
            let next = self.under_way.get_mut(&from).and_then(VecDeque::pop_front);
            return if next == Some(letter) {
                Ok(())
            } else {
                Err(format!("{letter:?} on conn#{conn}, where {next:?} is next"))
            };
        };
        while let Some((next, by)) = asked.pop_front() {
            if next == letter {
                return Ok(());
            }
            // What goes by the same link comes by it. Any other link has ended, and what was sent without one may be lost.
            if by == Some(conn) {
                return Err(format!("{letter:?} on conn#{conn}, where {next:?} is next"));
            }
        }
        Err(format!("{letter:?} on conn#{conn}, which nobody was told to send, or not then"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::judge;
    use super::*;

    fn letter(number: u64) -> Letter {
        Letter { from: ActorId(0), life: 1, number }
    }

    fn guest(deed: Deed) -> Fact {
        Fact::Guest(deed)
    }

    fn up(node: &str) -> Fact {
        guest(Deed::Up { node: NodeName::new(node).unwrap(), conn: 1 })
    }

    fn asked(number: u64, conn: Option<u64>) -> (usize, Fact) {
        let node = NodeName::new("n1@h1").unwrap();
        (0, guest(Deed::Asked { node, letter: letter(number), conn }))
    }

    fn received(number: u64) -> (usize, Fact) {
        (1, guest(Deed::Received { conn: 1, letter: Some(letter(number)) }))
    }

    /// Two guests, which are linked by the first connection.
    fn judged(facts: impl IntoIterator<Item = (usize, Fact)>) -> Result<(), String> {
        let linked = [(0, up("n1@h1")), (1, up("n0@h0"))];
        judge(&mut Fifo::default(), linked.into_iter().chain(facts).collect())
    }

    #[test]
    fn what_guests_send_comes_in_order_and_all_of_it() {
        let by = Some(1);
        let all = [asked(1, None), asked(2, by), asked(3, by), received(2), received(3)];
        assert_eq!(judged(all), Ok(()));
        let kept = [asked(1, None), asked(2, Some(7)), asked(3, by), received(2), received(3)];
        assert_eq!(judged(kept), Ok(()), "for a later link, or lost with an earlier one");
        let says = |what: &str, facts: Vec<(usize, Fact)>| {
            let said = judged(facts).unwrap_err();
            assert!(said.contains(what), "{said}");
        };
        says("is next", vec![asked(1, by), asked(2, by), received(2)]);
        says("has not come", vec![asked(1, by), asked(2, by), received(1)]);
        says("nobody was told", vec![asked(1, None), asked(2, None), received(2), received(1)]);
        says("nobody was told", vec![asked(1, by), received(1), received(1)]);
        says("where None is next", vec![received(1)]);
        says("in pieces", vec![(1, guest(Deed::Received { conn: 1, letter: None }))]);
        let node = NodeName::new("n0@h0").unwrap();
        let down = (1, guest(Deed::Down { node, reason: String::new() }));
        says("not up", vec![asked(1, by), down.clone(), received(1)]);
        assert_eq!(judged([asked(1, by), down]), Ok(()), "lost with its link");
    }

    #[test]
    fn what_a_node_sends_comes_to_a_guest() {
        let queued = |number| {
            let letter = letter(number);
            (0, Fact::Queued { link: super::super::tests::link(), conn: 1, letter })
        };
        assert_eq!(judged([queued(1), queued(2), received(2), received(1)]), Ok(()), "two writers");
        for facts in [
            vec![queued(1), queued(3), received(3)],
            vec![queued(1), queued(3), received(1)],
            vec![queued(1), received(1), received(1)],
        ] {
            assert!(judged(facts).is_err());
        }
    }
}
