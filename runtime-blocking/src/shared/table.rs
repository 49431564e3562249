//! What the owner, the links and the senders share: processes, peers and mailboxes, under one lock.
//!
//! The lock is taken before a stream's or a mailbox's, never the other way round. Nothing is sent to the owner under it,
//! for that may wait, and the owner takes it too.

use core::mem::take;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant as Moment;

use netkernel_core::link::{Batch, Busy, Frame, Limits, Peer, Sending, Violation};
use netkernel_core::net_kernel::Promotion;
use netkernel_core::process::{self, Processes, Request};
use netkernel_core::term::Atom;
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, LinkId, MailboxId, NodeName, PingId};

use super::delivery::{Delivery, Effects, Mailboxes};
use super::functions::Functions;
use super::trace::{self, Gist};
use super::{Awaited, Bell, Parting, Queue, Reply, Stream, lock, reply};
use crate::item::Item;

/// The table of one node.
#[derive(Debug, Default)]
pub struct Table {
    pub(super) state: Mutex<State>,
    /// A peer has changed its state.
    changed: Bell,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) own: Option<NodeName>,
    pub(super) processes: Processes,
    pub(super) mailboxes: Mailboxes,
    pub(super) functions: Functions,
    pings: BTreeMap<PingId, Reply<bool>>,
    /// The nodes that are not absent.
    peers: BTreeMap<NodeName, Peer>,
    /// The streams of the links that are up or closing.
    links: BTreeMap<LinkId, Arc<Stream>>,
    /// The link or attempt that began last, with whatever node.
    latest: Option<LinkId>,
}

impl State {
    /// Whether that process has ended.
    fn has_ended(&self, by: Option<MailboxId>) -> bool {
        by.is_some_and(|by| !self.processes.has(by))
    }

    /// Does something with the processes; `stream` is that of the link whose signals are handled.
    fn deliver<R>(
        &mut self,
        stream: Option<&Stream>,
        effects: &mut Effects,
        act: impl FnOnce(&mut Processes, &mut Delivery<'_>) -> R,
    ) -> R {
        let Self { processes, mailboxes, pings, peers, links, functions, .. } = self;
        let mut delivery = Delivery { mailboxes, pings, peers, links, functions, stream, effects };
        let result = act(processes, &mut delivery);
        delivery.end_overflowed(processes);
        result
    }
}

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
    /// The link is going down, the peer does not know such signals, or it took none of them in time.
    Dropped,
    /// Longer than a frame can be.
    TooLong,
    /// Whoever sends it has ended meanwhile.
    Ended,
}

/// How a signal would get to a node.
#[derive(Debug)]
pub enum Way {
    /// There is a link, an attempt, or nothing that could be waited for.
    Free,
    /// There is no link and no attempt. The latest of all as in [`Outcome::Absent`].
    Absent(Option<LinkId>),
}

impl Table {
    /// Without processes and peers.
    #[must_use]
    pub fn new(limits: process::Limits) -> Self {
        let processes = Processes::with_limits(limits);
        let functions = Functions::new(limits.spawned);
        let state = Mutex::new(State { processes, functions, ..State::default() });
        Self { state, ..Self::default() }
    }

    /// Does something with the processes on behalf of one of them.
    pub(super) fn act<R>(&self, act: impl FnOnce(&mut Processes, &mut Delivery<'_>) -> R) -> R {
        self.deliver(None, &mut Effects::default(), act)
    }

    /// As [`Self::act`]; `stream` is that of the link whose signals are handled.
    pub(super) fn deliver<R>(
        &self,
        stream: Option<&Stream>,
        effects: &mut Effects,
        act: impl FnOnce(&mut Processes, &mut Delivery<'_>) -> R,
    ) -> R {
        let result = lock(&self.state).deliver(stream, effects, act);
        effects.wake();
        self.start(take(&mut effects.started));
        result
    }

    /// Puts an item into a mailbox, if it is still there.
    pub(crate) fn push(&self, to: MailboxId, item: Item) {
        let queue = lock(&self.state).mailboxes.get(&to).map(Arc::clone);
        if let Some(queue) = queue {
            let _ = queue.push(item);
            queue.wake();
        }
    }
}

/// What senders and callers do.
impl Table {
    /// Sends a signal to a node, of one of its processes or of the node itself. Blocks while that node has enough to take, but not
    /// beyond that moment: then it is dropped.
    pub fn send_blocking(
        &self,
        by: Option<MailboxId>,
        node: &NodeName,
        signal: Control,
        end: Option<Moment>,
    ) -> Outcome {
        let mut signal = Some(signal);
        match self.changed.block_until(end, || self.take(by, node, &mut signal)) {
            None => Outcome::Dropped,
            Some(Taken::Done(outcome)) => outcome,
            Some(Taken::Push(stream, mut frame, gist)) => loop {
                match self.push_frame(by, &stream, frame, (node, gist)) {
                    Ok(outcome) => return outcome,
                    Err(back) => frame = back,
                }
                if !stream.outgoing.wait_for_room_blocking(&frame, end) {
                    return Outcome::Dropped;
                }
            },
        }
    }

    /// As [`Self::send_blocking`], but waits while that node has enough to take.
    pub async fn send(&self, by: Option<MailboxId>, node: &NodeName, signal: Control) -> Outcome {
        let mut signal = Some(signal);
        match self.changed.wait(|| self.take(by, node, &mut signal)).await {
            Taken::Done(outcome) => outcome,
            Taken::Push(stream, mut frame, gist) => loop {
                match self.push_frame(by, &stream, frame, (node, gist)) {
                    Ok(outcome) => return outcome,
                    Err(back) => frame = back,
                }
                stream.outgoing.wait_for_room(&frame).await;
            },
        }
    }

    /// Hands a signal to the peer; `None` if that has no room for it now.
    fn take(
        &self,
        by: Option<MailboxId>,
        node: &NodeName,
        signal: &mut Option<Control>,
    ) -> Option<Taken> {
        let offered = signal.take()?;
        let mut state = lock(&self.state);
        if state.has_ended(by) {
            return Some(Taken::Done(Outcome::Ended));
        }
        let seen = state.latest;
        let Some(peer) = state.peers.get_mut(node) else {
            return Some(Taken::Done(Outcome::Absent { signal: offered, seen }));
        };
        let gist = Gist::of(&offered);
        let outcome = match peer.send(offered) {
            Sending::Push { link, flags, signal } => {
                let stream = state.links.get(&link).map(Arc::clone);
                drop(state);
                match (stream, Frame::new(&signal, flags)) {
                    (Some(stream), Some(frame)) => return Some(Taken::Push(stream, frame, gist)),
                    (None, _) => Outcome::Dropped,
                    (Some(_), None) => Outcome::TooLong,
                }
            }
            Sending::Queued => {
                trace::waits(node.as_str(), gist);
                Outcome::Sent
            }
            Sending::NotAgreed => Outcome::Sent,
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

    /// Gives the frame back if there is no room for it now. The end of a process is told at once, and nothing of it comes behind that: so
    /// no process ends between the look and the push.
    //= docs/spec/process.md#process-end
    fn push_frame(
        &self,
        by: Option<MailboxId>,
        stream: &Stream,
        frame: Frame,
        (node, gist): (&NodeName, Gist),
    ) -> Result<Outcome, Frame> {
        let state = lock(&self.state);
        if state.has_ended(by) {
            return Ok(Outcome::Ended);
        }
        stream.outgoing.with(|writer| match writer.push(frame) {
            Ok(()) => {
                trace::sent(node.as_str(), gist);
                Ok(Outcome::Sent)
            }
            Err(Busy(back)) => Err(back),
        })
    }

    /// The way for what must not be sent before there is room for it. Blocks while there is none.
    pub fn way_blocking(&self, node: &Atom) -> Way {
        loop {
            match self.changed.block_on(|| self.look(node)) {
                Ok(way) => return way,
                Err(stream) => stream.outgoing.wait_for_any_room_blocking(),
            }
        }
    }

    /// The way for what must not be sent before there is room for it. Waits while there is none.
    pub async fn way(&self, node: &Atom) -> Way {
        loop {
            match self.changed.wait(|| self.look(node)).await {
                Ok(way) => return way,
                Err(stream) => stream.outgoing.wait_for_any_room().await,
            }
        }
    }

    /// Has the links be about to be ended.
    //= docs/spec/kernel.md#kernel-stop-written
    pub fn part(&self) -> Parting {
        Parting::new(lock(&self.state).links.values())
    }

    /// Whether a signal gets to this node at once: there is a link that has room, or it is this node.
    pub fn is_free(&self, node: &Atom) -> bool {
        let state = lock(&self.state);
        let link = state.peers.get(node).and_then(Peer::link);
        let stream = link.and_then(|link| state.links.get(&link));
        state.processes.is_own(node) || stream.is_some_and(|stream| stream.outgoing.has_room())
    }

    /// `None` while too much waits for the link to come up, and the stream if too much waits there.
    fn look(&self, node: &Atom) -> Option<Result<Way, Arc<Stream>>> {
        let state = lock(&self.state);
        if state.processes.is_own(node) {
            return Some(Ok(Way::Free));
        }
        let Some(peer) = state.peers.get(node) else { return Some(Ok(Way::Absent(state.latest))) };
        let stream = peer.link().and_then(|link| state.links.get(&link));
        match stream.filter(|stream| !stream.outgoing.has_room()) {
            Some(stream) => Some(Err(Arc::clone(stream))),
            None => peer.has_room().then_some(Ok(Way::Free)),
        }
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
        self.act(|processes, deliver| {
            processes.cancel_ping(ping, deliver);
            deliver.pings.remove(&ping);
        });
    }

    /// Whether there is a link with this node, or one that is just ending.
    pub fn has_link(&self, node: &NodeName) -> bool {
        lock(&self.state).peers.get(node).and_then(Peer::link).is_some()
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
        trace::received(&batch);
        let mut effects = Effects::default();
        // A tick, or a part of a frame.
        let result = if batch.signals.is_empty() {
            batch.violation.map_or(Ok(()), Err)
        } else {
            self.deliver(Some(stream), &mut effects, |processes, deliver| {
                processes.apply(batch, deliver)
            })
        };
        let Effects { requests, full, .. } = effects;
        Applied { requests, full, result }
    }
}

/// What became of a batch.
#[derive(Debug)]
#[must_use = "requests that are not sent to the owner are lost"]
pub struct Applied {
    /// What the owner is to be sent, now that no lock is held.
    pub requests: Vec<Request>,
    /// Mailboxes that are full: the link is not to be read before they have room.
    pub full: Vec<Arc<Queue>>,
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
        let mut effects = Effects::default();
        let mut state = lock(&self.state);
        let State { own, pings, peers, links, functions, .. } = &mut *state;
        *own = None;
        // Whoever runs functions must not hold a node any more: that is gone.
        let gone = (take(pings), take(peers), take(links), functions.take());
        for node in gone.1.keys() {
            state.deliver(None, &mut effects, |processes, deliver| {
                processes.connection_down(node, deliver);
            });
        }
        state.processes.not_alive();
        drop(state);
        effects.wake();
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
        let Promotion { node, flags, .. } = promotion;
        let mut effects = Effects::default();
        state.deliver(None, &mut effects, |processes, deliver| {
            processes.connection_up(node, *flags, deliver);
        });
        drop(state);
        effects.wake();
        self.changed.ring();
    }

    pub(crate) fn closing(&self, node: &NodeName, link: LinkId) {
        if let Some(peer) = lock(&self.state).peers.get_mut(node) {
            peer.closing(link);
        }
    }

    pub(crate) fn disconnected(&self, node: &NodeName, link: LinkId) {
        let mut state = lock(&self.state);
        state.links.remove(&link);
        if let Some(peer) = state.peers.get_mut(node) {
            peer.disconnected(link);
            if !peer.is_absent() {
                // Stale: another attempt has taken this one's place, and what waited for it waits on.
                return;
            }
            state.peers.remove(node);
        }
        let mut effects = Effects::default();
        state.deliver(None, &mut effects, |processes, deliver| {
            processes.connection_down(node, deliver);
        });
        drop(state);
        effects.wake();
        self.changed.ring();
    }
}

/// What the table did with a signal.
enum Taken {
    Done(Outcome),
    /// To be queued on the link that it is made for. If that ends, it is dropped.
    Push(Arc<Stream>, Frame, Gist),
}
