//! Processes, mailboxes, and what applications that send hold: the table that a runtime keeps under its one lock.

use std::collections::{BTreeMap, VecDeque};

use netkernel_core::link::{Busy, Frame, Limits, Peer, Sending};
use netkernel_core::net_kernel::Promotion;
use netkernel_core::process::{Function, Origin, Processes};
use netkernel_core::term::Atom;
use netkernel_core::wire::control::{Control, Monitored};
use netkernel_core::{Creation, Flags, LinkId, MailboxId, NodeName, StreamId};

use super::ActorId;
use super::act::{Act, SERVED};
use super::body::{Body, Message};
use super::call::Call;
use super::delivery::{Delivery, Pending};
use super::inquiry::Heard;
use super::letter::Letter;
use super::observe::{Fact, Kinds};
use super::shared::Shared;
use super::stream::Stream;

/// So many processes of applications run on a node at the most.
const CREW_MAX: usize = 8;

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
    /// Processes that have to do with each other, oldest first.
    pub crew: Vec<MailboxId>,
    /// What they have numbered: letters and reasons.
    pub(super) numbered: u64,
    /// The names that the node has had.
    pub(super) names_had: u64,
    /// The signals of processes that wait for a link.
    pending: Pending,
}

/// A process that waits, and does nothing else meanwhile.
#[derive(Debug)]
struct Waiting {
    by: MailboxId,
    what: Awaited,
}

/// What it waits for.
#[derive(Debug)]
enum Awaited {
    /// The answer to a wish for a link.
    Wish { node: NodeName, then: Then, answered: bool },
    /// A change of the peer, whose queue is full.
    Peer { node: NodeName, signal: Control },
    /// Room on the link that the frame is made for.
    Room { link: LinkId, frame: Frame, signal: Control },
}

/// What there is to do once the wish was answered.
#[derive(Debug)]
enum Then {
    Send(Control),
    Act(Act),
}

impl Office {
    pub(super) fn new() -> Self {
        let mut processes = Processes::new();
        let (witness, other) = (processes.spawn_mailbox(), processes.spawn_mailbox());
        let name = mailbox();
        let registered = processes.register(name.clone(), witness);
        debug_assert_eq!(registered, Ok(()));
        processes.serve_function(served());
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
            crew: Vec::new(),
            numbered: 0,
            names_had: 0,
            pending: Pending::new(),
        }
    }

    /// Applications that wait to send.
    #[must_use]
    pub fn blocked(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn alive(&mut self, name: &NodeName, creation: Creation) {
        self.names_had += 1;
        self.processes.alive(name.clone(), creation);
    }

    pub(super) fn attempting(&mut self, node: NodeName, link: LinkId, limits: Limits) {
        self.latest = Some(link);
        self.peers.entry(node).or_insert_with(|| Peer::new(limits)).attempting(link);
    }

    /// What waited for the link is queued before anybody can send behind it.
    pub(super) fn promoted(&mut self, promotion: &Promotion, stream: &mut Stream) -> Vec<Waited> {
        self.links.insert(promotion.link, stream.id);
        let peer = self.peers.get_mut(&promotion.node);
        let frames = peer.map(|peer| peer.promoted(promotion)).unwrap_or_default();
        let mut signals = self.pending.remove(&promotion.node).unwrap_or_default();
        let mut waited = Vec::new();
        for frame in frames {
            // Those that are not sent are left out.
            let is_it =
                |signal: &Control| Frame::new(signal, promotion.flags).as_ref() == Some(&frame);
            match signals.iter().position(is_it) {
                Some(at) => waited.extend(signals.drain(..=at).next_back().map(Waited::Signal)),
                None => waited.extend(Letter::of_frame(frame.last_piece()).map(Waited::Letter)),
            }
            stream.writer.push_waited(frame);
        }
        waited
    }

    pub(super) fn closing(&mut self, node: &NodeName, link: LinkId) {
        if let Some(peer) = self.peers.get_mut(node) {
            peer.closing(link);
        }
    }

    /// Whether the node is not reached otherwise.
    fn disconnected(&mut self, node: &NodeName, link: LinkId) -> bool {
        self.links.remove(&link);
        if let Some(peer) = self.peers.get_mut(node) {
            peer.disconnected(link);
            if !peer.is_absent() {
                return false;
            }
            self.peers.remove(node);
        }
        self.pending.remove(node);
        true
    }

    /// The wish for a link with this node was answered.
    pub(super) fn wish_answered(&mut self, wished: &NodeName) {
        let waiting = self.waiting.iter_mut().find_map(|waiting| match &mut waiting.what {
            Awaited::Wish { node, answered, .. } if !*answered && node == wished => Some(answered),
            Awaited::Wish { .. } | Awaited::Peer { .. } | Awaited::Room { .. } => None,
        });
        if let Some(answered) = waiting {
            *answered = true;
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether this process waits.
    pub(super) fn is_busy(&self, process: MailboxId) -> bool {
        self.waiting.iter().any(|waiting| waiting.by == process)
    }

    /// The process that a signal by pid is for, if it is one of this incarnation.
    pub(super) fn meant(&self, signal: &Control) -> Option<MailboxId> {
        let to = match signal {
            Control::Link { to, .. }
            | Control::Send { to, .. }
            | Control::Exit { to, .. }
            | Control::UnlinkId { to, .. }
            | Control::UnlinkIdAck { to, .. }
            | Control::Exit2 { to, .. }
            | Control::MonitorPExit { to, .. }
            | Control::MonitorP { to: Monitored::Pid(to), .. } => to,
            // Who asks to spawn has no process yet.
            Control::RegSend { .. }
            | Control::AliasSend { .. }
            | Control::Altact { .. }
            | Control::GroupLeader { .. }
            | Control::LinkNoPid { .. }
            | Control::ExitNoPid { .. }
            | Control::MonitorP { .. }
            | Control::DemonitorP { .. }
            | Control::SpawnRequest(_)
            | Control::SpawnReply { .. } => return None,
        };
        self.processes.mailbox(to)
    }

    /// Whether it is a letter from office to office.
    pub(super) fn is_letter(&self, signal: &Control) -> bool {
        matches!(signal, Control::RegSend { to, .. } if *to == self.name)
    }

    /// Whether there is a link with that node, or an attempt.
    pub(super) fn has_peer(&self, node: &Atom) -> bool {
        self.peers.contains_key(node)
    }
}

/// What had waited for a link.
pub(super) enum Waited {
    Letter(Letter),
    Signal(Control),
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
        self.submit(writer, node, signal, true, shared);
    }

    /// All that wait try again, in order.
    pub(super) fn retry(&mut self, shared: &mut Shared<'_>) {
        for _ in 0..self.office.waiting.len() {
            let Some(Waiting { by, what }) = self.office.waiting.pop_front() else { break };
            // Who has ended sends nothing any more.
            if !self.office.processes.has(by) {
                continue;
            }
            let still = match what {
                waiting @ Awaited::Wish { answered: false, .. } => Some(waiting),
                // No second wish: no attempt is allowed, or it has failed already.
                Awaited::Wish { node, then: Then::Send(signal), .. } => {
                    self.send(&node, signal, false, shared)
                }
                Awaited::Wish { then: Then::Act(act), .. } => {
                    self.perform(by, act, shared);
                    None
                }
                Awaited::Peer { node, signal } => self.send(&node, signal, true, shared),
                Awaited::Room { link, frame, signal } => self.push(link, frame, signal, shared),
            };
            self.office.waiting.extend(still.map(|what| Waiting { by, what }));
        }
    }

    /// Sends what can wait, and lets the process wait if it has to.
    pub(super) fn submit(
        &mut self,
        by: MailboxId,
        node: &NodeName,
        signal: Control,
        wish: bool,
        shared: &mut Shared<'_>,
    ) {
        let waits = self.send(node, signal, wish, shared);
        self.office.waiting.extend(waits.map(|what| Waiting { by, what }));
    }

    /// Wishes for a link with that node. The process acts once that was answered.
    pub(super) fn act_later(
        &mut self,
        by: MailboxId,
        node: NodeName,
        act: Act,
        shared: &mut Shared<'_>,
    ) {
        let seen = self.office.latest;
        self.tell(Message::Call(Call::AutoConnect(node.clone(), seen)), shared);
        let what = Awaited::Wish { node, then: Then::Act(act), answered: false };
        self.office.waiting.push_back(Waiting { by, what });
    }

    fn send(
        &mut self,
        node: &NodeName,
        signal: Control,
        wish: bool,
        shared: &mut Shared<'_>,
    ) -> Option<Awaited> {
        let seen = self.office.latest;
        let Some(peer) = self.office.peers.get_mut(node) else {
            return self.wish(node, signal, wish, seen, shared);
        };
        // A letter is known by its frame.
        let kept =
            (peer.link().is_none() && !self.office.is_letter(&signal)).then(|| signal.clone());
        let peer = self.office.peers.get_mut(node)?;
        match peer.send(signal) {
            Sending::Push { link, flags, signal } => {
                let frame = Frame::new(&signal, flags)?;
                self.push(link, frame, signal, shared)
            }
            Sending::Full(signal) => Some(Awaited::Peer { node: node.clone(), signal }),
            Sending::Absent(signal) => self.wish(node, signal, wish, seen, shared),
            Sending::Queued => {
                if let Some(kept) = kept {
                    self.office.pending.entry(node.clone()).or_default().push_back(kept);
                }
                None
            }
            Sending::NotAgreed | Sending::TooLong(_) | Sending::Dropped => None,
        }
    }

    fn wish(
        &mut self,
        node: &NodeName,
        signal: Control,
        wish: bool,
        seen: Option<LinkId>,
        shared: &mut Shared<'_>,
    ) -> Option<Awaited> {
        if !wish {
            return None;
        }
        self.tell(Message::Call(Call::AutoConnect(node.clone(), seen)), shared);
        Some(Awaited::Wish { node: node.clone(), then: Then::Send(signal), answered: false })
    }

    /// Queues a frame on the link that it is made for. One whose link has ended is dropped.
    fn push(
        &mut self,
        link: LinkId,
        frame: Frame,
        signal: Control,
        shared: &mut Shared<'_>,
    ) -> Option<Awaited> {
        let id = *self.office.links.get(&link)?;
        let who = self.who();
        let is_letter = self.office.is_letter(&signal);
        let stream = self.stream(id)?;
        let letter = Letter::of_frame(frame.last_piece()).filter(|_| is_letter);
        match stream.writer.push(frame) {
            Ok(()) => {
                stream.wake_writer(shared);
                if stream.ended {
                    return None;
                }
                let conn = shared.net.serial(stream.end);
                match letter {
                    Some(letter) => {
                        shared.note(who, Kinds::LETTERS, || Fact::Queued { link, conn, letter })
                    }
                    None => shared.note(who, Kinds::PROCESSES, || Fact::Signalled {
                        link,
                        conn,
                        signal,
                    }),
                }
                None
            }
            Err(Busy(frame)) => Some(Awaited::Room { link, frame, signal }),
        }
    }
}

/// The name that letters are for.
pub(super) fn mailbox() -> Atom {
    Atom::new(MAILBOX).unwrap_or_else(|_| unreachable!("short"))
}

fn served() -> Function {
    let atom = |text| Atom::new(text).unwrap_or_else(|_| unreachable!("short"));
    Function { module: atom(SERVED.0), function: atom(SERVED.1), arity: 1 }
}

/// What becomes of processes.
impl Body {
    /// Does something with the processes; `handled` is the link whose signals are.
    pub(super) fn with_processes<R>(
        &mut self,
        handled: Option<(StreamId, &Origin)>,
        shared: &mut Shared<'_>,
        work: impl FnOnce(&mut Processes, &mut Delivery<'_, '_>) -> R,
    ) -> R {
        let who = self.who();
        let Self { streams, office, identity, .. } = self;
        let Office { processes, peers, links, pending, witness, crew, .. } = office;
        let mut delivery = Delivery {
            who,
            shared: &mut *shared,
            streams,
            peers,
            links,
            pending,
            witness: *witness,
            own: identity.as_ref().map(|(name, _)| name),
            handled,
            reach: None,
            reached: None,
            unlink: None,
            places: CREW_MAX.saturating_sub(crew.len()),
            started: Vec::new(),
            refused: Vec::new(),
            pongs: Vec::new(),
        };
        let result = work(processes, &mut delivery);
        delivery.handled = None;
        for process in core::mem::take(&mut delivery.refused) {
            processes.not_started(process, &mut delivery);
        }
        let Delivery { started, pongs, .. } = delivery;
        crew.extend(started);
        crew.retain(|process| processes.has(*process));
        for (ping, alive) in pongs {
            self.tell(Message::Heard(Heard::Pong(ping, alive)), shared);
        }
        result
    }

    /// A link has come up, and nobody has sent on it yet.
    pub(super) fn connected(&mut self, node: &NodeName, flags: Flags, shared: &mut Shared<'_>) {
        self.with_processes(None, shared, |processes, deliver| {
            processes.connection_up(node, flags, deliver);
        });
    }

    /// The end of a link.
    pub(super) fn disconnected(&mut self, node: &NodeName, link: LinkId, shared: &mut Shared<'_>) {
        if self.office.disconnected(node, link) {
            shared.note(self.who(), Kinds::PROCESSES, || Fact::Lost { node: node.clone() });
            self.with_processes(None, shared, |processes, deliver| {
                processes.connection_down(node, deliver);
            });
        }
    }
}
