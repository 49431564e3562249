//! What the owner, the links and the senders share: processes, peers and mailboxes, under one lock.
//!
//! The lock is taken before a stream's or a mailbox's, never the other way round. Nothing is sent to the owner under it,
//! for that may wait, and the owner takes it too.

use core::mem::take;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use netkernel_core::link::{Batch, Busy, Frame, Limits, Peer, Sending, Violation};
use netkernel_core::net_kernel::Promotion;
use netkernel_core::process::{Deliver, Processes, RegisterNameError, Request};
use netkernel_core::term::{Atom, Pid};
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, LinkId, MailboxId, NodeName, PingId};

use super::{Awaited, Bell, Queue, Reply, Stream, lock, reply};
use crate::item::Item;

/// The table of one node.
#[derive(Debug, Default)]
pub struct Table {
    state: Mutex<State>,
    /// A peer has changed its state.
    changed: Bell,
}

#[derive(Debug, Default)]
struct State {
    own: Option<NodeName>,
    processes: Processes,
    mailboxes: Mailboxes,
    pings: BTreeMap<PingId, Reply<bool>>,
    /// The nodes that are not absent.
    peers: BTreeMap<NodeName, Peer>,
    /// The streams of the links that are up or closing.
    links: BTreeMap<LinkId, Arc<Stream>>,
    /// The link or attempt that began last, with whatever node.
    latest: Option<LinkId>,
}

type Mailboxes = BTreeMap<MailboxId, Arc<Queue>>;

/// What became of a signal.
#[derive(Debug)]
pub enum Outcome {
    /// It is on its way, as far as this side goes.
    Sent,
    /// There is no link and no attempt.
    Absent {
        /// It comes back.
        signal: Control,
        /// The latest link or attempt of all: what there was with the node, this table has seen the end of.
        seen: Option<LinkId>,
    },
    /// The link is going down, or the peer does not know such signals.
    Dropped,
    /// Longer than a frame can be.
    TooLong,
}

/// Mailboxes.
impl Table {
    /// A new mailbox.
    pub fn add_mailbox(&self) -> (MailboxId, Arc<Queue>) {
        let mut state = lock(&self.state);
        let id = state.processes.spawn_mailbox();
        let queue = Arc::<Queue>::default();
        state.mailboxes.insert(id, Arc::clone(&queue));
        (id, queue)
    }

    /// Ends a mailbox.
    pub fn remove_mailbox(&self, id: MailboxId) {
        let mut state = lock(&self.state);
        state.processes.remove(id);
        state.mailboxes.remove(&id);
    }

    /// The pid of a mailbox; `None` while the node is not alive.
    pub fn pid(&self, id: MailboxId) -> Option<Pid> {
        lock(&self.state).processes.pid(id)
    }

    /// Gives a mailbox a name.
    ///
    /// # Errors
    /// Why it cannot have it.
    pub fn register(&self, name: Atom, id: MailboxId) -> Result<(), RegisterNameError> {
        lock(&self.state).processes.register(name, id)
    }

    /// Frees a name; `false` if no mailbox had it.
    pub fn unregister(&self, name: &str) -> bool {
        lock(&self.state).processes.unregister(name).is_some()
    }

    /// Puts an item into a mailbox, if it is still there.
    pub(crate) fn push(&self, to: MailboxId, item: Item) {
        push(&lock(&self.state).mailboxes, to, item);
    }

    /// Delivers a message to a process of this node; `false` if the pid is another node's.
    pub fn send_locally(&self, to: &Pid, message: &Bytes) -> bool {
        let state = lock(&self.state);
        if state.own.as_ref().is_none_or(|own| *own.as_atom() != to.node) {
            return false;
        }
        if let Some(mailbox) = state.processes.mailbox(to) {
            push(&state.mailboxes, mailbox, Item::Message(message.clone()));
        }
        true
    }

    /// Delivers a message to a registered process of this node; `false` if `node` is another one.
    pub fn send_locally_by_name(&self, node: &NodeName, to: &str, message: &Bytes) -> bool {
        let state = lock(&self.state);
        if state.own.as_ref() != Some(node) {
            return false;
        }
        if let Some(mailbox) = state.processes.whereis(to) {
            push(&state.mailboxes, mailbox, Item::Message(message.clone()));
        }
        true
    }
}

/// What senders and callers do.
impl Table {
    /// Sends a signal to a node. Blocks while that node has enough to take.
    pub fn send_blocking(&self, node: &NodeName, signal: Control) -> Outcome {
        let mut signal = Some(signal);
        match self.changed.block_on(|| self.take(node, &mut signal)) {
            Taken::Done(outcome) => outcome,
            Taken::Push(stream, mut frame) => {
                while let Err(back) = push_frame(&stream, frame) {
                    frame = back;
                    stream.outgoing.wait_for_room_blocking(&frame);
                }
                Outcome::Sent
            }
        }
    }

    /// Sends a signal to a node. Waits while that node has enough to take.
    pub async fn send(&self, node: &NodeName, signal: Control) -> Outcome {
        let mut signal = Some(signal);
        match self.changed.wait(|| self.take(node, &mut signal)).await {
            Taken::Done(outcome) => outcome,
            Taken::Push(stream, mut frame) => {
                while let Err(back) = push_frame(&stream, frame) {
                    frame = back;
                    stream.outgoing.wait_for_room(&frame).await;
                }
                Outcome::Sent
            }
        }
    }

    /// Hands a signal to the peer; `None` if that has no room for it now.
    fn take(&self, node: &NodeName, signal: &mut Option<Control>) -> Option<Taken> {
        let offered = signal.take()?;
        let mut state = lock(&self.state);
        let seen = state.latest;
        let Some(peer) = state.peers.get_mut(node) else {
            return Some(Taken::Done(Outcome::Absent { signal: offered, seen }));
        };
        let outcome = match peer.send(offered) {
            Sending::Push { link, flags, signal } => {
                let stream = state.links.get(&link).map(Arc::clone);
                drop(state);
                match (stream, Frame::new(&signal, flags)) {
                    (Some(stream), Some(frame)) => return Some(Taken::Push(stream, frame)),
                    (None, _) => Outcome::Dropped,
                    (Some(_), None) => Outcome::TooLong,
                }
            }
            Sending::Queued | Sending::NotAgreed => Outcome::Sent,
            Sending::Full(back) => {
                *signal = Some(back);
                return None;
            }
            Sending::Absent(signal) => Outcome::Absent { signal, seen },
            Sending::TooLong(_) => Outcome::TooLong,
            Sending::Dropped => Outcome::Dropped,
        };
        Some(Taken::Done(outcome))
    }

    /// Begins a ping: its id, the signals to send, and where its result will be. `None` while the node is not alive.
    pub fn ping(&self, node: &NodeName) -> Option<(PingId, [Control; 2], Awaited<bool>)> {
        let mut state = lock(&self.state);
        let (ping, signals) = state.processes.ping(node)?;
        let (result, receiver) = reply();
        state.pings.insert(ping, result);
        Some((ping, signals, receiver))
    }

    /// Waits no more for the result of a ping.
    pub fn cancel_ping(&self, ping: PingId) {
        let mut state = lock(&self.state);
        state.processes.cancel_ping(ping);
        state.pings.remove(&ping);
    }

    /// Whether that is the name of this node.
    pub fn is_own(&self, node: &NodeName) -> bool {
        lock(&self.state).own.as_ref() == Some(node)
    }
}

/// What readers do.
impl Table {
    /// Has the signals of one read handled. Answers go to the stream that they came from.
    pub fn apply(&self, batch: Batch, stream: &Stream) -> Applied {
        let mut requests = Vec::new();
        // A tick, or a part of a frame.
        if batch.signals.is_empty() {
            return Applied { requests, result: batch.violation.map_or(Ok(()), Err) };
        }
        let mut state = lock(&self.state);
        let State { processes, mailboxes, pings, .. } = &mut *state;
        let stream = Some(stream);
        let mut delivery = Delivery { mailboxes, pings, stream, requests: &mut requests };
        let result = processes.apply(batch, &mut delivery);
        Applied { requests, result }
    }
}

/// What became of a batch.
#[derive(Debug)]
#[must_use = "requests that are not sent to the owner are lost"]
pub struct Applied {
    /// What the owner is to be sent, now that no lock is held.
    pub requests: Vec<Request>,
    /// What ends the link, if anything.
    pub result: Result<(), Violation>,
}

/// What the owner does, on the kernel's outputs.
impl Table {
    pub(crate) fn alive(&self, name: &NodeName, creation: Creation) {
        let mut state = lock(&self.state);
        state.processes.alive(name.clone(), creation);
        state.own = Some(name.clone());
    }

    pub(crate) fn serve_requests(&self, serve: bool) {
        lock(&self.state).processes.serve_requests(serve);
    }

    pub(crate) fn not_alive(&self) {
        let mut state = lock(&self.state);
        state.processes.not_alive();
        state.own = None;
    }

    /// There will be no link any more.
    pub(crate) fn abandon(&self) {
        let mut state = lock(&self.state);
        state.processes.not_alive();
        let State { own, pings, peers, links, .. } = &mut *state;
        *own = None;
        let gone = (take(pings), take(peers), take(links));
        drop(state);
        drop(gone);
        self.changed.ring();
    }

    pub(crate) fn attempting(&self, node: NodeName, link: LinkId, limits: Limits) {
        let mut state = lock(&self.state);
        // Ids only grow, and attempts begin in their order.
        state.latest = Some(link);
        state.peers.entry(node).or_insert_with(|| Peer::new(limits)).attempting(link);
        drop(state);
        self.changed.ring();
    }

    /// What waited for the link is queued before anybody can send behind it.
    pub(crate) fn promoted(&self, promotion: &Promotion, stream: &Arc<Stream>) {
        let mut state = lock(&self.state);
        let waited = state.peers.get_mut(&promotion.node).map(|peer| peer.promoted(promotion));
        stream.outgoing.with(|writer| {
            for frame in waited.unwrap_or_default() {
                writer.push_waited(frame);
            }
        });
        state.links.insert(promotion.link, Arc::clone(stream));
        drop(state);
        self.changed.ring();
    }

    pub(crate) fn closing(&self, node: &NodeName, link: LinkId) {
        if let Some(peer) = lock(&self.state).peers.get_mut(node) {
            peer.closing(link);
        }
    }

    pub(crate) fn disconnected(&self, node: &NodeName, link: LinkId) {
        let mut state = lock(&self.state);
        let State { processes, mailboxes, pings, peers, links, .. } = &mut *state;
        links.remove(&link);
        if let Some(peer) = peers.get_mut(node) {
            peer.disconnected(link);
            if !peer.is_absent() {
                // Stale: another attempt has taken this one's place, and what waited for it waits on.
                return;
            }
            peers.remove(node);
        }
        let requests = &mut Vec::new();
        let mut delivery = Delivery { mailboxes, pings, stream: None, requests };
        processes.connection_down(node, &mut delivery);
        drop(state);
        self.changed.ring();
    }
}

/// What the table did with a signal.
enum Taken {
    Done(Outcome),
    /// To be queued on the link that it is made for. If that ends, it is dropped.
    Push(Arc<Stream>, Frame),
}

/// Gives the frame back if there is no room for it now.
fn push_frame(stream: &Stream, frame: Frame) -> Result<(), Frame> {
    stream.outgoing.with(|writer| writer.push(frame)).map_err(|Busy(back)| back)
}

fn push(mailboxes: &Mailboxes, to: MailboxId, item: Item) {
    if let Some(queue) = mailboxes.get(&to) {
        queue.push(item);
    }
}

/// Carries out what signals lead to.
struct Delivery<'a> {
    mailboxes: &'a Mailboxes,
    pings: &'a mut BTreeMap<PingId, Reply<bool>>,
    stream: Option<&'a Stream>,
    requests: &'a mut Vec<Request>,
}

impl Deliver for Delivery<'_> {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        push(self.mailboxes, to, Item::Message(message));
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        self.stream
            .map_or(Ok(()), |stream| stream.outgoing.with(|writer| writer.push_forced(frame)))
    }

    fn pong(&mut self, ping: PingId, alive: bool) {
        if let Some(result) = self.pings.remove(&ping) {
            result.send(alive);
        }
    }

    fn request(&mut self, request: Request) {
        self.requests.push(request);
    }
}
