//! Who may have a link: cookies, allow lists, automatic attempts.

use std::collections::{BTreeMap, BTreeSet};

use netkernel_core::net_kernel::{Answer, AutoConnect, DistAutoConnect, Purpose};
use netkernel_core::{NodeName, RequestId, StreamId};

use crate::sim::ActorId;
use crate::sim::actor::Role;
use crate::sim::call::Call;
use crate::sim::guest::Deed;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// Nobody is up whose cookie differs from that of the other side, nor a peer that means harm; and a guest has no node up that is not at the
/// other end of that very connection. Whoever is up on an accepted connection was on the allow list of the moment when it was accepted; a node is dialled only if the list of the moment when the attempt
/// began has its very name. No
/// automatic attempt is begun where there are to be none, or where a link has ended and nobody has asked for another since.
///
/// *Antecedent*: who dials takes the cookie when the dial is answered; who accepts takes it later, so if it is changed meanwhile
/// either will do. Guests have the right one. Operators allow full names only, and those of guests allow all. What is barred is not looked at for nodes that are given their names.
#[derive(Debug, Default)]
pub struct Admission {
    nodes: BTreeMap<ActorId, Node>,
    /// By number of the connection: whom the dialling machine wanted, and its cookie.
    dials: BTreeMap<u64, Dial>,
    /// By number of the connection: which machine was connected to.
    acceptors: BTreeMap<u64, ActorId>,
    streams: BTreeMap<(ActorId, StreamId), Side>,
}

#[derive(Debug, Default)]
struct Node {
    alive: bool,
    /// Cookies for other nodes that were set, and whether they are right.
    cookies: BTreeMap<NodeName, bool>,
    /// Its own is wrong.
    is_wrong: bool,
    allowed: BTreeSet<NodeName>,
    /// The list when the last attempt with each node began.
    listed: BTreeMap<NodeName, BTreeSet<NodeName>>,
    barred: BTreeSet<NodeName>,
    /// Wishes of automatic attempts, and whether they found the node barred.
    wishes: BTreeMap<RequestId, bool>,
}

#[derive(Debug)]
struct Dial {
    by: ActorId,
    /// Not known of a guest.
    node: Option<NodeName>,
    cookie: Option<bool>,
}

#[derive(Debug)]
enum Side {
    Dialled(u64),
    /// The allow list of that moment, and the cookies that have been changed since.
    Accepted {
        allowed: BTreeSet<NodeName>,
        changed: BTreeSet<NodeName>,
        /// Its own has been changed.
        own_changed: bool,
    },
}

impl Node {
    fn cookie(&self, peer: &NodeName) -> bool {
        self.cookies.get(peer).copied().unwrap_or(!self.is_wrong)
    }
}

impl Oracle for Admission {
    fn name(&self) -> &'static str {
        "admission"
    }

    fn wants(&self) -> Kinds {
        Kinds::LINKS.and(Kinds::STREAMS).and(Kinds::LIFE).and(Kinds::CALLS)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        let node = self.nodes.entry(actor).or_default();
        match &seen.fact {
            Fact::Booted => {
                *node = Node::default();
                self.streams.retain(|(of, _), _| *of != actor);
            }
            Fact::NotAlive => node.barred.clear(),
            // A cookie for the name that it was started with is its own.
            Fact::Alive { name, .. } if !is_dynamic(actor, world) => {
                if let Some(right) = node.cookies.remove(name) {
                    self.own_cookie(actor, right);
                }
            }
            Fact::Called { request, call } => self.called(actor, *request, call, world),
            Fact::Answered { answer: Answer::Started(Ok(_)), .. } => node.alive = true,
            Fact::Answered { request, answer: Answer::AutoConnect(answer) } => {
                let barred = node.wishes.remove(request).unwrap_or_default();
                let never = world.shared.plan.auto_connect == DistAutoConnect::Never;
                let dials = matches!(answer, Ok(AutoConnect::Begun | AutoConnect::Deferred));
                if dials && (barred || never) {
                    return Err(format!("an automatic attempt, barred {barred}, never {never}"));
                }
            }
            Fact::ListenerLost => (node.alive, node.allowed) = (false, BTreeSet::new()),
            Fact::Opening { stream, purpose: Purpose::Peer(peer), conn } => {
                let list = node.listed.get(peer).unwrap_or(&node.allowed);
                if !list.is_empty() && !list.contains(peer) {
                    return Err(format!("{peer} is dialled, and not on the list"));
                }
                self.dials
                    .insert(*conn, Dial { by: actor, node: Some(peer.clone()), cookie: None });
                self.streams.insert((actor, *stream), Side::Dialled(*conn));
            }
            // Guests have the right cookie.
            Fact::Guest(Deed::Dialled { conn }) => {
                self.dials.insert(*conn, Dial { by: actor, node: None, cookie: Some(true) });
            }
            Fact::Guest(Deed::Accepted { conn }) => drop(self.acceptors.insert(*conn, actor)),
            Fact::Guest(Deed::Up { node: peer, conn }) => {
                return self.guest_has_up(actor, *conn, peer, world);
            }
            Fact::Opened { stream } => {
                if let Some(Side::Dialled(conn)) = self.streams.get(&(actor, *stream))
                    && let Some(dial) = self.dials.get_mut(conn)
                {
                    dial.cookie = dial.node.as_ref().map(|peer| node.cookie(peer));
                }
            }
            Fact::Accepted { stream, conn } => {
                self.acceptors.insert(*conn, actor);
                let (allowed, changed) = (node.allowed.clone(), BTreeSet::new());
                let side = Side::Accepted { allowed, changed, own_changed: false };
                self.streams.insert((actor, *stream), side);
            }
            Fact::Closed { stream, .. } | Fact::OpenFailed { stream, .. } => {
                self.streams.remove(&(actor, *stream));
            }
            Fact::Attempting { node: peer, .. } => {
                node.barred.remove(peer);
                node.listed.insert(peer.clone(), node.allowed.clone());
            }
            Fact::Disconnected { node: peer, was_up: true, .. } if node.alive => {
                node.barred.insert(peer.clone());
            }
            Fact::Promoted { stream, conn, promotion } => {
                return self.came_up(actor, *stream, *conn, &promotion.node);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Admission {
    fn own_cookie(&mut self, actor: ActorId, right: bool) {
        if let Some(node) = self.nodes.get_mut(&actor) {
            node.is_wrong = !right;
        }
        for ((of, _), side) in &mut self.streams {
            if let Side::Accepted { own_changed, .. } = side
                && *of == actor
            {
                *own_changed = true;
            }
        }
    }

    fn called(
        &mut self,
        actor: ActorId,
        request: Option<RequestId>,
        call: &Call,
        world: &World<'_>,
    ) {
        let Some(node) = self.nodes.get_mut(&actor) else { return };
        if node.alive {
            node.allowed.extend(call.allows().into_iter().flatten());
        }
        match call {
            Call::Stop => (node.alive, node.allowed) = (false, BTreeSet::new()),
            Call::SetCookie(peer, right) => {
                node.cookies.insert(peer.clone(), *right);
                for ((of, _), side) in &mut self.streams {
                    if let Side::Accepted { changed, .. } = side
                        && *of == actor
                    {
                        changed.insert(peer.clone());
                    }
                }
            }
            Call::SetOwnCookie(right) => self.own_cookie(actor, *right),
            Call::AutoConnect(peer, _) => {
                let once = !is_dynamic(actor, world)
                    && world.shared.plan.auto_connect == DistAutoConnect::Once;
                let barred = once && node.barred.contains(peer);
                node.wishes.extend(request.map(|request| (request, barred)));
            }
            _ => {}
        }
    }

    fn came_up(
        &self,
        actor: ActorId,
        stream: StreamId,
        conn: u64,
        peer: &NodeName,
    ) -> Result<(), String> {
        let Some(Side::Accepted { allowed, changed, own_changed }) =
            self.streams.get(&(actor, stream))
        else {
            return Ok(());
        };
        if !allowed.is_empty() && !allowed.contains(peer) {
            return Err(format!("{peer} is up, and was not on the list of conn#{conn}"));
        }
        let Some(dial) = self.dials.get(&conn) else {
            return Err(format!("{peer} is up on conn#{conn}, which no node has dialled"));
        };
        let own = self.nodes.get(&actor).map(|node| node.cookie(peer));
        if !own_changed && !changed.contains(peer) && dial.cookie != own {
            return Err(format!("{peer} is up on conn#{conn}: right {:?}, {own:?}", dial.cookie));
        }
        Ok(())
    }

    fn guest_has_up(
        &self,
        guest: ActorId,
        conn: u64,
        peer: &NodeName,
        world: &World<'_>,
    ) -> Result<(), String> {
        let Some(dial) = self.dials.get(&conn) else {
            return Err(format!("{peer} is up on conn#{conn}, which no node has dialled"));
        };
        let accepted = dial.by != guest;
        let other = if accepted { Some(&dial.by) } else { self.acceptors.get(&conn) };
        let there = other.map(|other| world.label(*other)).unwrap_or_default();
        if there != peer.as_str() {
            return Err(format!("{peer} is up on conn#{conn}, and at its other end is {there}"));
        }
        if accepted && dial.cookie != Some(true) {
            return Err(format!("{peer} is up on conn#{conn}: right {:?}", dial.cookie));
        }
        Ok(())
    }
}

/// Whether its name is given by another node.
fn is_dynamic(actor: ActorId, world: &World<'_>) -> bool {
    matches!(world.actors[actor.0].role, Role::Node { dynamic: true, .. })
}

#[cfg(test)]
mod tests {
    use netkernel_core::driver::Machine as _;
    use netkernel_core::net_kernel::{Config, NetKernel, NetTicktime};

    use super::super::tests::judge;
    use super::*;
    use crate::sim::actor::cookie;

    fn up(node: &str) -> Fact {
        Fact::Guest(Deed::Up { node: NodeName::new(node).unwrap(), conn: 1 })
    }

    const DIALLED: Fact = Fact::Guest(Deed::Dialled { conn: 1 });
    const ACCEPTED: Fact = Fact::Guest(Deed::Accepted { conn: 1 });

    #[test]
    fn a_guest_has_up_who_is_at_the_other_end() {
        let judged = |guest, node| {
            let facts = vec![(0, DIALLED), (1, ACCEPTED), (guest, up(node))];
            judge(&mut Admission::default(), facts)
        };
        assert_eq!((judged(0, "n1@h1"), judged(1, "n0@h0")), (Ok(()), Ok(())));
        for (guest, other) in [(0, "n0@h0"), (1, "n1@h1"), (0, "stranger@h0"), (1, "stranger@h0")] {
            assert!(judged(guest, other).is_err_and(|what| what.contains("at its other end")));
        }
        let stranger = vec![(1, ACCEPTED), (1, up("stranger@h0"))];
        let what = judge(&mut Admission::default(), stranger).unwrap_err();
        assert!(what.contains("which no node has dialled"), "{what}");
    }

    #[test]
    fn a_guest_lets_nobody_in_who_has_a_wrong_cookie() {
        let judged = |right| {
            let config = Config::new(cookie(true), NetTicktime::default());
            let stream = NetKernel::new(config).mint_stream();
            let call = Call::SetOwnCookie(right);
            let purpose = Purpose::Peer(NodeName::new("n1@h1").unwrap());
            let facts = vec![
                (0, Fact::Called { request: None, call }),
                (0, Fact::Opening { stream, purpose, conn: 1 }),
                (1, ACCEPTED),
                (0, Fact::Opened { stream }),
                (1, up("n0@h0")),
            ];
            judge(&mut Admission::default(), facts)
        };
        assert_eq!(judged(true), Ok(()));
        assert!(judged(false).is_err_and(|what| what.contains("right Some(false)")));
    }
}
