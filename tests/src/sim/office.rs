//! Processes, mailboxes, and what applications that send hold: the table that a runtime keeps under its one lock.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use netkernel_core::link::{Busy, Frame, Limits, Peer, Sending, Violation};
use netkernel_core::net_kernel::Promotion;
use netkernel_core::process::{Deliver, Mfa, ProcessEvent, Processes, Reach, Request};
use netkernel_core::term::Atom;
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, LinkId, MailboxId, NodeName, PingId, StreamId};

use super::ActorId;
use super::body::{Body, Message};
use super::call::Call;
use super::letter::Letter;
use super::observe::{Fact, Kinds};
use super::shared::Shared;
use super::stream::Stream;

/// The name that the mailbox of a node is registered under.
const MAILBOX: &str = "sim";

/// Processes and peers of one node.
#[derive(Debug)]
pub struct Office {
    pub(super) processes: Processes,
    /// Gets all events and all letters.
    pub witness: MailboxId,
    /// Subscribed by operators, with all sorts of options.
    pub other: MailboxId,
    name: Atom,
    /// The nodes that are not absent.
    peers: BTreeMap<NodeName, Peer>,
    /// The streams of the links that are up or closing.
    links: BTreeMap<LinkId, StreamId>,
    /// The link or attempt that began last, with whatever node.
    latest: Option<LinkId>,
    /// Applications that wait, in the order in which they began to.
    waiting: VecDeque<Waiting>,
    letters: u64,
}

/// What an application waits for.
#[derive(Debug)]
enum Waiting {
    /// The answer to a wish for a link.
    Wish { node: NodeName, signal: Control, answered: bool },
    /// A change of the peer, whose queue is full.
    Peer { node: NodeName, signal: Control },
    /// Room on the link that the frame is made for.
    Room { link: LinkId, frame: Frame },
}

impl Office {
    pub(super) fn new() -> Self {
        let mut processes = Processes::new();
        let (witness, other) = (processes.spawn_mailbox(), processes.spawn_mailbox());
        let name = Atom::new(MAILBOX).unwrap_or_else(|_| unreachable!("short"));
        let registered = processes.register(name.clone(), witness);
        debug_assert_eq!(registered, Ok(()));
        Self {
            processes,
            witness,
            other,
            name,
            peers: BTreeMap::new(),
            links: BTreeMap::new(),
            latest: None,
            waiting: VecDeque::new(),
            letters: 0,
        }
    }

    /// Applications that wait to send.
    #[must_use]
    pub fn blocked(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn alive(&mut self, name: &NodeName, creation: Creation) {
        self.processes.alive(name.clone(), creation);
    }

    pub(super) fn attempting(&mut self, node: NodeName, link: LinkId, limits: Limits) {
        self.latest = Some(link);
        self.peers.entry(node).or_insert_with(|| Peer::new(limits)).attempting(link);
    }

    /// What waited for the link is queued before anybody can send behind it.
    pub(super) fn promoted(&mut self, promotion: &Promotion, stream: &mut Stream) -> Vec<Frame> {
        self.links.insert(promotion.link, stream.id);
        let peer = self.peers.get_mut(&promotion.node);
        let waited = peer.map(|peer| peer.promoted(promotion)).unwrap_or_default();
        for frame in &waited {
            stream.writer.push_waited(frame.clone());
        }
        waited
    }

    pub(super) fn closing(&mut self, node: &NodeName, link: LinkId) {
        if let Some(peer) = self.peers.get_mut(node) {
            peer.closing(link);
        }
    }

    pub(super) fn disconnected(&mut self, node: &NodeName, link: LinkId) {
        self.links.remove(&link);
        if let Some(peer) = self.peers.get_mut(node) {
            peer.disconnected(link);
            if !peer.is_absent() {
                return;
            }
            self.peers.remove(node);
        }
        self.processes.connection_down(node, &mut NoDelivery);
    }

    /// The wish for a link with this node was answered.
    pub(super) fn wish_answered(&mut self, wished: &NodeName) {
        let waiting = self.waiting.iter_mut().find_map(|waiting| match waiting {
            Waiting::Wish { node, answered, .. } if !*answered && node == wished => Some(answered),
            Waiting::Wish { .. } | Waiting::Peer { .. } | Waiting::Room { .. } => None,
        });
        if let Some(answered) = waiting {
            *answered = true;
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

/// What applications do.
impl Body {
    /// An application writes a letter to a node, of so many bytes more than it needs.
    pub(super) fn write_letter(
        &mut self,
        to: ActorId,
        node: &NodeName,
        padding: usize,
        shared: &mut Shared<'_>,
    ) {
        let letter = Letter { from: self.id, life: self.life, number: self.office.letters + 1 };
        let writer = [self.office.witness, self.office.other][letter.writer() as usize];
        let Some(from) = self.office.processes.pid(writer) else { return };
        self.office.letters += 1;
        shared.counts.letters += 1;
        shared.note(self.who(), Kinds::LETTERS, || Fact::Sent { to, letter });
        let signal = Control::RegSend {
            from,
            to: self.office.name.clone(),
            message: letter.to_term(padding),
            token: None,
        };
        if let Some(waiting) = self.send(node, signal, true, shared) {
            self.office.waiting.push_back(waiting);
        }
    }

    /// All that wait try again, in order.
    pub(super) fn retry(&mut self, shared: &mut Shared<'_>) {
        for _ in 0..self.office.waiting.len() {
            let Some(waiting) = self.office.waiting.pop_front() else { break };
            let still = match waiting {
                waiting @ Waiting::Wish { answered: false, .. } => Some(waiting),
                // No second wish: no attempt is allowed, or it has failed already.
                Waiting::Wish { node, signal, .. } => self.send(&node, signal, false, shared),
                Waiting::Peer { node, signal } => self.send(&node, signal, true, shared),
                Waiting::Room { link, frame } => self.push(link, frame, shared),
            };
            self.office.waiting.extend(still);
        }
    }

    fn send(
        &mut self,
        node: &NodeName,
        signal: Control,
        wish: bool,
        shared: &mut Shared<'_>,
    ) -> Option<Waiting> {
        let seen = self.office.latest;
        let sending = match self.office.peers.get_mut(node) {
            Some(peer) => peer.send(signal),
            None => Sending::Absent(signal),
        };
        match sending {
            Sending::Push { link, flags, signal } => {
                let frame = Frame::new(&signal, flags)?;
                self.push(link, frame, shared)
            }
            Sending::Full(signal) => Some(Waiting::Peer { node: node.clone(), signal }),
            Sending::Absent(signal) if wish => {
                self.tell(Message::Call(Call::AutoConnect(node.clone(), seen)), shared);
                Some(Waiting::Wish { node: node.clone(), signal, answered: false })
            }
            Sending::Absent(_)
            | Sending::Queued
            | Sending::NotAgreed
            | Sending::TooLong(_)
            | Sending::Dropped => None,
        }
    }

    /// Queues a frame on the link that it is made for. One whose link has ended is dropped.
    fn push(&mut self, link: LinkId, frame: Frame, shared: &mut Shared<'_>) -> Option<Waiting> {
        let id = *self.office.links.get(&link)?;
        let who = self.who();
        let stream = self.stream(id)?;
        let letter = Letter::of_frame(frame.last_piece());
        match stream.writer.push(frame) {
            Ok(()) => {
                stream.wake_writer(shared);
                if let Some(letter) = letter.filter(|_| !stream.ended) {
                    let conn = shared.net.serial(stream.end);
                    shared.note(who, Kinds::LETTERS, || Fact::Queued { link, conn, letter });
                }
                None
            }
            Err(Busy(frame)) => Some(Waiting::Room { link, frame }),
        }
    }
}

/// Carries out what signals of one link lead to.
#[derive(Debug)]
pub(super) struct Delivery<'a, 'c> {
    pub(super) who: (ActorId, u32),
    pub(super) stream: &'a mut Stream,
    pub(super) shared: &'a mut Shared<'c>,
}

impl Deliver for Delivery<'_, '_> {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        self.shared.counts.delivered += 1;
        let Some((_, link)) = self.stream.link else { return };
        let conn = self.shared.net.serial(self.stream.end);
        self.shared.note(self.who, Kinds::LETTERS, || Fact::Delivered {
            link,
            conn,
            to,
            letter: Letter::of_term(&message),
        });
    }

    fn start(&mut self, _process: MailboxId, _mfa: Mfa) {}

    /// No application here asks for any.
    fn event(&mut self, _to: MailboxId, _event: ProcessEvent) {}

    /// Nor does any of them have to do with a process elsewhere.
    fn signal(&mut self, _node: &Atom, _signal: Control) -> Reach {
        Reach::NoConnection
    }

    fn is_reached(&mut self, _node: &NodeName) -> bool {
        false
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        self.stream.writer.push_forced(frame)?;
        self.stream.wake_writer(self.shared);
        Ok(())
    }

    fn pong(&mut self, _ping: PingId, _alive: bool) {}

    fn request(&mut self, _request: Request) {}
}

/// For the end of a link: nothing is delivered then.
struct NoDelivery;

impl Deliver for NoDelivery {
    fn message(&mut self, _to: MailboxId, _message: Bytes) {}

    fn start(&mut self, _process: MailboxId, _mfa: Mfa) {}

    fn event(&mut self, _to: MailboxId, _event: ProcessEvent) {}

    fn signal(&mut self, _node: &Atom, _signal: Control) -> Reach {
        Reach::NoConnection
    }

    fn is_reached(&mut self, _node: &NodeName) -> bool {
        false
    }

    fn answer(&mut self, _frame: Frame) -> Result<(), Violation> {
        Ok(())
    }

    fn pong(&mut self, _ping: PingId, _alive: bool) {}

    fn request(&mut self, _request: Request) {}
}
