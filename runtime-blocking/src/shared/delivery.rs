//! Carries out what signals and calls lead to, under the table's lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use netkernel_core::link::{Frame, Peer, Sending, Violation};
use netkernel_core::process::{Deliver, Mfa, ProcessEvent, Reach, Request};
use netkernel_core::term::Atom;
use netkernel_core::wire::control::Control;
use netkernel_core::{LinkId, MailboxId, NodeName, PingId};

use super::{NewProcess, Queue, Reply, Stream};
use crate::item::Item;

pub(super) type Mailboxes = BTreeMap<MailboxId, Arc<Queue>>;

pub(super) fn push(mailboxes: &Mailboxes, to: MailboxId, item: Item) {
    if let Some(queue) = mailboxes.get(&to) {
        queue.push(item);
    }
}

/// What there is to deliver to.
pub(super) struct Delivery<'a> {
    pub(super) mailboxes: &'a mut Mailboxes,
    pub(super) pings: &'a mut BTreeMap<PingId, Reply<bool>>,
    pub(super) peers: &'a mut BTreeMap<NodeName, Peer>,
    pub(super) links: &'a BTreeMap<LinkId, Arc<Stream>>,
    /// Of the link whose signals are handled.
    pub(super) stream: Option<&'a Stream>,
    /// What is for the owner.
    pub(super) requests: &'a mut Vec<Request>,
    /// What is to be run when no lock is held.
    pub(super) started: &'a mut Vec<NewProcess>,
}

impl Deliver for Delivery<'_> {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        push(self.mailboxes, to, Item::Message(message));
    }

    fn start(&mut self, id: MailboxId, mfa: Mfa) {
        let queue = Arc::<Queue>::default();
        self.mailboxes.insert(id, Arc::clone(&queue));
        self.started.push(NewProcess { id, queue, mfa });
    }

    fn event(&mut self, to: MailboxId, event: ProcessEvent) {
        if !matches!(event, ProcessEvent::Ended { .. }) {
            return push(self.mailboxes, to, Item::Process(event));
        }
        if let Some(queue) = self.mailboxes.remove(&to) {
            queue.end(Item::Process(event));
        }
    }

    fn signal(&mut self, node: &Atom, signal: Control) -> Reach {
        let Some(peer) = self.peers.get_mut(node) else { return Reach::NoConnection };
        match peer.send_forced(signal) {
            Sending::Push { link, flags, signal } => {
                let Some(stream) = self.links.get(&link) else { return Reach::NoConnection };
                if let Some(frame) = Frame::new(&signal, flags) {
                    //= docs/spec/channel.md#ch-writer-signals
                    let caused = self.stream.is_some_and(|handled| handled.id() == stream.id());
                    stream.outgoing.with(|writer| {
                        if caused { writer.push_caused(frame) } else { writer.push_signal(frame) }
                    });
                }
                Reach::Sent
            }
            Sending::Queued => Reach::Sent,
            Sending::NotAgreed => Reach::NotAgreed,
            Sending::Full(_) | Sending::Absent(_) | Sending::TooLong(_) | Sending::Dropped => {
                Reach::NoConnection
            }
        }
    }

    fn is_reached(&mut self, node: &NodeName) -> bool {
        self.peers.get(node).is_some_and(Peer::is_reached)
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
