//! At most one link between two nodes, and which of two attempts it is made by.

use std::collections::{BTreeMap, BTreeSet};

use netkernel_core::net_kernel::{ConnectError, Diagnostic, Purpose};
use netkernel_core::{LinkId, NodeName, StreamId};

use crate::sim::ActorId;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// Each side has one attempt or link with a name at a time, and whoever dialled has a link only if the other side has had it on the same
/// connection, or is just about to have it: its acknowledgement may be read before it goes on. So the links that are up on both sides of a pair are one at most. Of two attempts that overlap to the end, the one that
/// the node with the greater name began survives.
///
/// *Antecedent*: a side may hold a link that the other has lost, until it learns of that; such half-open links are not counted. Names
/// are compared, not machines: a node that was given another name is another node. An attempt has begun, as far as this looks, when it
/// has dialled the other node; what it does before can go unnoticed.
#[derive(Debug, Default)]
pub struct OneLink {
    rows: BTreeMap<(ActorId, NodeName), Row>,
    names: BTreeMap<ActorId, NodeName>,
    accepted: BTreeMap<(ActorId, StreamId), u64>,
    /// Connections on which the side that accepted had the link, and those on which it owes it.
    up_at_acceptor: BTreeSet<u64>,
    owed: BTreeSet<u64>,
}

#[derive(Debug)]
struct Row {
    link: LinkId,
    /// This side has dialled the other for it.
    dialled: bool,
    up: bool,
}

impl Oracle for OneLink {
    fn name(&self) -> &'static str {
        "one-link"
    }

    fn wants(&self) -> Kinds {
        Kinds::LINKS.and(Kinds::STREAMS).and(Kinds::LIFE).and(Kinds::CALLS)
    }

    fn observe(&mut self, seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { .. } => {
                self.rows.retain(|(of, _), _| *of != actor);
                let owed = &mut self.owed;
                self.accepted.retain(|(of, _), conn| {
                    if *of == actor {
                        owed.remove(conn);
                    }
                    *of != actor
                });
                self.names.remove(&actor);
            }
            Fact::Alive { name, .. } => drop(self.names.insert(actor, name.clone())),
            Fact::NotAlive => drop(self.names.remove(&actor)),
            Fact::Accepted { stream, conn } => {
                self.accepted.insert((actor, *stream), *conn);
            }
            Fact::Closed { stream, .. } => {
                let conn = self.accepted.remove(&(actor, *stream));
                if let Some(conn) = conn.filter(|conn| self.owed.contains(conn)) {
                    return Err(format!("conn#{conn} was a link for its other side only"));
                }
            }
            Fact::Opening { purpose: Purpose::Peer(node), .. } => {
                if let Some(row) = self.rows.get_mut(&(actor, node.clone())) {
                    row.dialled = true;
                }
            }
            Fact::Attempting { node, link } => {
                let row = Row { link: *link, dialled: false, up: false };
                if let Some(before) = self.rows.insert((actor, node.clone()), row) {
                    return Err(format!("{link:?} with {node}, where there is {before:?}"));
                }
            }
            Fact::Promoted { stream, conn, promotion } => {
                let dialled = !self.accepted.contains_key(&(actor, *stream));
                return self.came_up(
                    (actor, promotion.node.clone()),
                    promotion.link,
                    *conn,
                    dialled,
                );
            }
            Fact::Disconnected { node, link, was_up } => {
                let row = self.rows.remove(&(actor, node.clone()));
                if row.as_ref().is_none_or(|row| (row.link, row.up) != (*link, *was_up)) {
                    return Err(format!(
                        "{link:?} with {node} ends, up {was_up}: there is {row:?}"
                    ));
                }
            }
            Fact::Diagnosed(Diagnostic::AcceptFailed {
                name: Some(peer),
                error: ConnectError::Handshake(failure),
            }) => {
                let ours = netkernel_core::handshake::NokCause::OurAttempt;
                let own = self.names.get(&actor).map(|name| name.as_str().as_bytes());
                if *failure == netkernel_core::handshake::Failure::Nok(ours)
                    && own.is_some_and(|own| own < peer.as_bytes())
                {
                    return Err(format!("{peer} was refused, though its name is greater"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl OneLink {
    fn came_up(
        &mut self,
        key: (ActorId, NodeName),
        link: LinkId,
        conn: u64,
        dialled: bool,
    ) -> Result<(), String> {
        let own = self.names.get(&key.0);
        let node = key.1.clone();
        let Some(row) = self.rows.get_mut(&key).filter(|row| row.link == link && !row.up) else {
            return Err(format!("{link:?} with {node} is up without an attempt"));
        };
        row.up = true;
        if dialled && !row.dialled {
            return Err(format!("{link:?} with {node} came up by a dial that was not made"));
        }
        if dialled && !self.up_at_acceptor.remove(&conn) {
            self.owed.insert(conn);
        }
        if !dialled {
            if !self.owed.remove(&conn) {
                self.up_at_acceptor.insert(conn);
            }
            if row.dialled && own > Some(&node) {
                return Err(format!("{node} began {link:?}, and our attempt should have stayed"));
            }
        }
        Ok(())
    }
}
