//! Carries out what signals and calls lead to, under the table's lock.

use core::mem::take;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use netkernel_core::link::{Frame, Peer, Sending, Violation};
use netkernel_core::process::{Deliver, Mfa, ProcessEvent, Processes, Reach, Request};
use netkernel_core::term::Atom;
use netkernel_core::wire::control::Control;
use netkernel_core::{LinkId, MailboxId, NodeName, PingId};

use super::functions::{Functions, Start};
use super::items::Pushed;
use super::trace::{self, Gist};
use super::{Queue, Reply, Stream};
use crate::item::Item;

pub(super) type Mailboxes = BTreeMap<MailboxId, Arc<Queue>>;

/// What there is to deliver to.
pub(super) struct Delivery<'a> {
    pub(super) mailboxes: &'a mut Mailboxes,
    pub(super) pings: &'a mut BTreeMap<PingId, Reply<bool>>,
    pub(super) peers: &'a mut BTreeMap<NodeName, Peer>,
    pub(super) links: &'a BTreeMap<LinkId, Arc<Stream>>,
    pub(super) functions: &'a Functions,
    /// Of the link whose signals are handled.
    pub(super) stream: Option<&'a Stream>,
    /// What comes of it.
    pub(super) effects: &'a mut Effects,
}

/// What is to be done when no lock is held.
#[derive(Default)]
#[must_use = "who waits is not woken"]
pub(super) struct Effects {
    /// Mailboxes that have got something: who waits there is to be woken.
    pub(super) filled: Vec<Arc<Queue>>,
    /// Results of pings, for those who wait for them.
    pub(super) pongs: Vec<(Reply<bool>, bool)>,
    /// For the owner.
    pub(super) requests: Vec<Request>,
    /// Processes that are to be run.
    pub(super) started: Vec<Start>,
    /// Mailboxes that hold who fills them.
    pub(super) full: Vec<Arc<Queue>>,
    /// A mailbox has refused the message of a process of this node.
    pub(super) refused: bool,
    /// Processes that are to end because of their mailboxes: at once, under the lock.
    overflowed: Vec<MailboxId>,
}

impl Effects {
    /// A mailbox has got something. Most that come together are for one.
    fn fill(&mut self, queue: &Arc<Queue>) {
        if !self.filled.last().is_some_and(|last| Arc::ptr_eq(last, queue)) {
            self.filled.push(Arc::clone(queue));
        }
    }

    /// Wakes who has waited for this.
    pub(super) fn wake(&mut self) {
        take(&mut self.filled).iter().for_each(|queue| queue.wake());
        take(&mut self.pongs).into_iter().for_each(|(result, alive)| result.send(alive));
    }
}

impl Delivery<'_> {
    /// Ends the processes whose mailboxes were filled beyond what they may hold.
    pub(super) fn end_overflowed(&mut self, processes: &mut Processes) {
        while let Some(mailbox) = self.effects.overflowed.pop() {
            processes.kill(mailbox, self);
        }
    }

    /// Sends a signal at once, if there is a link or an attempt. What that node has caused counts for what it may cause while it does not read: all that is sent while its
    /// signals are handled, and else what is said to be.
    pub(super) fn send(&mut self, node: &Atom, signal: Control, is_caused: bool) -> Reach {
        let Some(peer) = self.peers.get_mut(node) else { return Reach::NoConnection };
        let gist = Gist::of(&signal);
        match peer.send_forced(signal) {
            Sending::Push { link, flags, signal } => {
                let Some(stream) = self.links.get(&link) else { return Reach::NoConnection };
                if let Some(frame) = Frame::new(&signal, flags) {
                    //= docs/spec/channel.md#ch-writer-signals
                    let is_handled = self.stream.is_some_and(|it| it.id() == stream.id());
                    stream.outgoing.with(|writer| {
                        if is_caused || is_handled {
                            writer.push_caused(frame);
                        } else {
                            writer.push_signal(frame);
                        }
                        trace::sent(node, gist);
                    });
                }
                Reach::Sent
            }
            Sending::Queued => {
                trace::waits(node, gist);
                Reach::Sent
            }
            Sending::NotAgreed => Reach::NotAgreed,
            Sending::Full(_) | Sending::Absent(_) | Sending::TooLong(_) | Sending::Dropped => {
                Reach::NoConnection
            }
        }
    }

    fn push(&mut self, to: MailboxId, item: Item) {
        let Some(queue) = self.mailboxes.get(&to) else { return };
        let Effects { full, overflowed, .. } = &mut *self.effects;
        let pushed = queue.push(item);
        match pushed {
            Pushed::Taken | Pushed::Dropped => {}
            Pushed::Full if full.iter().any(|full| Arc::ptr_eq(full, queue)) => {}
            Pushed::Full => full.push(Arc::clone(queue)),
            Pushed::Overflow => overflowed.push(to),
        }
        if matches!(pushed, Pushed::Taken | Pushed::Full) {
            self.effects.fill(queue);
        }
    }
}

impl Deliver for Delivery<'_> {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        let is_local = self.stream.is_none();
        if is_local && self.mailboxes.get(&to).is_some_and(|queue| queue.refuses()) {
            self.effects.refused = true;
            return;
        }
        self.push(to, Item::Message(message));
    }

    fn reply(&mut self, to: MailboxId, message: Bytes) {
        if let Some(queue) = self.mailboxes.get(&to) {
            queue.push_reply(message);
            self.effects.fill(queue);
        }
    }

    fn start(&mut self, id: MailboxId, mfa: Mfa) {
        let queue = Arc::<Queue>::default();
        self.mailboxes.insert(id, Arc::clone(&queue));
        self.effects.started.push(self.functions.start(id, queue, mfa));
    }

    fn event(&mut self, to: MailboxId, event: ProcessEvent) {
        if !matches!(event, ProcessEvent::Ended { .. }) {
            return self.push(to, Item::Process(event));
        }
        if let Some(queue) = self.mailboxes.remove(&to) {
            queue.end(Item::Process(event));
            self.effects.fill(&queue);
        }
    }

    fn signal(&mut self, node: &Atom, signal: Control) -> Reach {
        self.send(node, signal, false)
    }

    fn is_reached(&mut self, node: &NodeName) -> bool {
        self.peers.get(node).is_some_and(Peer::is_reached)
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        let Some(stream) = self.stream else { return Ok(()) };
        let gist = Gist::of_answer(&frame);
        stream.outgoing.with(|writer| {
            trace::sent(stream.peer(), gist);
            writer.push_forced(frame)
        })
    }

    fn pong(&mut self, ping: PingId, alive: bool) {
        self.effects.pongs.extend(self.pings.remove(&ping).map(|result| (result, alive)));
    }

    fn request(&mut self, request: Request) {
        self.effects.requests.push(request);
    }
}
