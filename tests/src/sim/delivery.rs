//! Carries out what signals, calls of processes and the ends of links lead to.

use core::num::NonZeroU64;
use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use netkernel_core::link::{Frame, LinkReader, Peer, Sending, Violation};
use netkernel_core::process::{Deliver, Mfa, Origin, ProcessEvent, Reach, Request};
use netkernel_core::term::Atom;
use netkernel_core::wire::control::Control;
use netkernel_core::{LinkId, MailboxId, NodeName, PingId, StreamId};

use super::ActorId;
use super::letter::Letter;
use super::observe::{Fact, Kinds};
use super::shared::Shared;
use super::stream::Stream;

/// The signals of processes that wait for a link to come up, as far as frames do not tell them.
pub(super) type Pending = BTreeMap<NodeName, VecDeque<Control>>;

/// What there is to deliver to.
#[derive(Debug)]
pub(super) struct Delivery<'a, 'c> {
    pub(super) who: (ActorId, u32),
    pub(super) shared: &'a mut Shared<'c>,
    pub(super) streams: &'a mut Vec<Option<Box<Stream>>>,
    pub(super) peers: &'a mut BTreeMap<NodeName, Peer>,
    pub(super) links: &'a BTreeMap<LinkId, StreamId>,
    pub(super) pending: &'a mut Pending,
    /// Gets all letters, and no signals of processes.
    pub(super) witness: MailboxId,
    /// The name of this node.
    pub(super) own: Option<&'a NodeName>,
    /// The stream and the origin of the signals that are handled.
    pub(super) handled: Option<(StreamId, &'a Origin)>,
    /// What became of the first signal, if there was any, and whether a node was reached that somebody asked for.
    pub(super) reach: Option<Reach>,
    pub(super) reached: Option<bool>,
    /// What has become of pings.
    pub(super) pongs: Vec<(PingId, bool)>,
    /// Of the first UNLINK_ID.
    pub(super) unlink: Option<NonZeroU64>,
    /// How many processes more can run here, and those that are to.
    pub(super) places: usize,
    pub(super) started: Vec<MailboxId>,
    /// Those that there was no place for.
    pub(super) refused: Vec<MailboxId>,
}

impl Delivery<'_, '_> {
    fn stream(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.streams.get_mut(id.get() as usize)?.as_deref_mut()
    }

    fn hand_over(&mut self, node: &Atom, signal: Control) -> Reach {
        let Some((name, peer)) = self.peers.get_key_value(node) else { return Reach::NoConnection };
        let name = name.clone();
        let waits = peer.link().is_none().then(|| signal.clone());
        let Some(peer) = self.peers.get_mut(node) else { return Reach::NoConnection };
        match peer.send_forced(signal) {
            Sending::Push { link, flags, signal } => {
                let Some(frame) = Frame::new(&signal, flags) else { return Reach::Sent };
                self.force(link, frame, signal);
                Reach::Sent
            }
            Sending::Queued => {
                self.pending.entry(name).or_default().extend(waits);
                Reach::Sent
            }
            Sending::NotAgreed => Reach::NotAgreed,
            Sending::Full(_) | Sending::Absent(_) | Sending::TooLong(_) | Sending::Dropped => {
                Reach::NoConnection
            }
        }
    }

    fn force(&mut self, link: LinkId, frame: Frame, signal: Control) {
        let who = self.who;
        let Some(&id) = self.links.get(&link) else { return };
        let Some(stream) = self.streams.get_mut(id.get() as usize).and_then(Option::as_deref_mut)
        else {
            return;
        };
        match self.handled {
            Some((handled, _)) if handled == id => stream.writer.push_caused(frame),
            _ => stream.writer.push_signal(frame),
        }
        stream.wake_writer(self.shared);
        if !stream.ended {
            let conn = self.shared.net.serial(stream.end);
            self.shared.note(who, Kinds::PROCESSES, || Fact::Signalled { link, conn, signal });
        }
    }
}

impl Deliver for Delivery<'_, '_> {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        self.shared.counts.delivered += 1;
        let letter = Letter::of_term(&message);
        if to != self.witness {
            let fact = || Fact::Got { to, got: Got::Letter(letter) };
            return self.shared.note(self.who, Kinds::PROCESSES, fact);
        }
        let Some((id, _)) = self.handled else { return };
        let Some(stream) = self.stream(id) else { return };
        let (end, Some((_, link))) = (stream.end, stream.link.clone()) else { return };
        let conn = self.shared.net.serial(end);
        let fact = || Fact::Delivered { link, conn, to, letter };
        self.shared.note(self.who, Kinds::LETTERS, fact);
    }

    fn start(&mut self, process: MailboxId, _mfa: Mfa) {
        let runs = self.started.len() < self.places;
        let which = if runs { &mut self.started } else { &mut self.refused };
        which.push(process);
        self.shared.note(self.who, Kinds::PROCESSES, || Fact::Started { process, runs });
    }

    fn event(&mut self, to: MailboxId, event: ProcessEvent) {
        let fact = || Fact::Got { to, got: Got::Event(event) };
        self.shared.note(self.who, Kinds::PROCESSES, fact);
    }

    fn signal(&mut self, node: &Atom, signal: Control) -> Reach {
        if let Control::UnlinkId { id, .. } = &signal {
            self.unlink.get_or_insert(*id);
        }
        let reach = self.hand_over(node, signal);
        self.reach.get_or_insert(reach);
        reach
    }

    fn is_reached(&mut self, node: &NodeName) -> bool {
        let reached = self.peers.get(node).is_some_and(Peer::is_reached);
        self.reached = Some(reached);
        reached
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        let Some((id, origin)) = self.handled else { return Ok(()) };
        let who = self.who;
        let limits = self.shared.plan.limits();
        let Some(stream) = self.streams.get_mut(id.get() as usize).and_then(Option::as_deref_mut)
        else {
            return Ok(());
        };
        let bytes = self.shared.notes.wants(Kinds::PROCESSES).then(|| frame.to_bytes());
        stream.writer.push_forced(frame)?;
        stream.wake_writer(self.shared);
        if let Some(bytes) = bytes
            && let Some((_, link)) = stream.link.clone()
        {
            // What it says is known as the other side will read it.
            let node = self.own.unwrap_or(&origin.node).clone();
            let origin = Origin { node, ..origin.clone() };
            let mut reader = LinkReader::from_origin(origin, limits);
            let conn = self.shared.net.serial(stream.end);
            for signal in reader.decode(&bytes).signals {
                self.shared.note(who, Kinds::PROCESSES, || Fact::Signalled { link, conn, signal });
            }
        }
        Ok(())
    }

    fn pong(&mut self, ping: PingId, alive: bool) {
        self.pongs.push((ping, alive));
    }

    fn request(&mut self, _request: Request) {}
}

/// What came into the mailbox of a process of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// A message. `None`: it came to pieces.
    Letter(Option<Letter>),
    /// What is no message.
    Event(ProcessEvent),
}
