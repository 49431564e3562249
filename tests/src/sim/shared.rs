//! What all machines of a world share: the time, the queue, the network, the choices, and who looks.

use core::fmt;
use std::collections::BTreeMap;

use netkernel_core::Entropy;

use super::choice::{Choice, Topic};
use super::net::{End, Net, Owner, Piece, Route};
use super::observe::{Fact, Kinds, Notes};
use super::plan::Plan;
use super::queue::Queue;
use super::{ActorId, HostId};

/// Something that is going to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A machine takes turns until nothing is left to do.
    Serve(ActorId),
    /// A machine's deadline.
    Wake(ActorId),
    /// A machine goes on after a pause.
    Resume(ActorId),
    /// An operator changes the ticktime of a node.
    Ticktime {
        /// The node.
        node: ActorId,
        /// The new ticktime.
        seconds: u32,
        /// The least time that the change takes.
        transition_seconds: u32,
    },
    /// A process that has ended begins anew.
    Boot(ActorId),
    /// An operator starts a node whose start may have failed.
    StartAgain(ActorId),
    /// A step of the applications of a node that wait to send.
    Retry(ActorId),
    /// An application of a node sends a letter.
    Send(ActorId),
    /// A process of an application does something.
    Act,
    /// To look for what has come to an end.
    Arrive(End),
    /// A step of a reader.
    Read(End),
    /// A step of a writer.
    Write(End),
    /// A dial takes too long.
    DialTimeout(End),
    /// A close in good order takes too long.
    FlushLimit(End),
    /// Both halves of a stream have ended.
    Finish(End),
    /// An application reads a link again.
    Unpause(End),
    /// An operator calls.
    Operate,
    /// A fault comes.
    Strike,
    /// A hostile peer connects, or goes on.
    Hostile(u32),
    /// The host comes back.
    HostUp(HostId),
}

/// One machine in the sense of hardware: its processes share an address and an EPMD.
#[derive(Debug)]
pub struct HostState {
    /// Whether it runs.
    pub up: bool,
    /// Who listens on which port.
    pub listeners: BTreeMap<u16, ActorId>,
    next_port: u16,
    /// Its name is not resolved before this.
    pub unresolved_until: u64,
}

impl HostState {
    pub(super) const fn new() -> Self {
        Self { up: true, listeners: BTreeMap::new(), next_port: 40_000, unresolved_until: 0 }
    }

    pub(super) fn free_port(&mut self) -> u16 {
        self.next_port = if self.next_port == 60_000 { 40_000 } else { self.next_port + 1 };
        self.next_port
    }
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each counts what its name says")]
pub struct Counts {
    pub events: u64,
    pub turns: u64,
    pub dials: u64,
    pub ups: u64,
    pub downs: u64,
    pub ticks: u64,
    pub letters: u64,
    pub delivered: u64,
    pub bytes: u64,
    pub calls: u64,
    pub crashes: u64,
    pub faults: u64,
    pub hostiles: u64,
    pub acts: u64,
}

/// What all machines share.
pub struct Shared<'c> {
    /// Nanoseconds since the world began.
    pub now: u64,
    /// The knobs.
    pub plan: Plan,
    /// What is going to happen.
    pub queue: Queue<Event>,
    /// All connections.
    pub net: Net,
    /// Where decisions come from.
    pub choice: &'c mut dyn Choice,
    /// What was seen in this step.
    pub notes: Notes,
    /// All hosts.
    pub hosts: Vec<HostState>,
    /// How often what happened.
    pub counts: Counts,
    /// Nothing passes between these two hosts before that time.
    pub cuts: Vec<(HostId, HostId, u64)>,
    /// Faults have stopped.
    pub peace: bool,
    entropies: u64,
}

impl fmt::Debug for Shared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("now", &self.now).finish_non_exhaustive()
    }
}

impl<'c> Shared<'c> {
    pub(super) fn new(plan: Plan, choice: &'c mut dyn Choice) -> Self {
        Self {
            now: 0,
            queue: Queue::new(),
            net: Net::new(plan.window),
            hosts: (0..plan.hosts).map(|_| HostState::new()).collect(),
            plan,
            choice,
            notes: Notes::default(),
            counts: Counts::default(),
            cuts: Vec::new(),
            peace: false,
            entropies: 0,
        }
    }

    /// Something happens at that time; where ties are open, before or after what else happens then.
    pub fn at(&mut self, time: u64, event: Event) {
        let tie = if self.plan.ties { self.choice.draw(Topic::Schedule, 3) as u16 } else { 0 };
        self.queue.push(time, tie, event);
    }

    /// Whether every thread does its steps at once: then a step need not wait in the queue.
    #[must_use]
    pub const fn is_prompt(&self) -> bool {
        self.plan.step_max_ns == 0 && !self.plan.ties
    }

    /// A thread does its next step as soon as it is scheduled.
    pub fn soon(&mut self, event: Event) {
        let longest = self.plan.step_max_ns;
        let delay = if longest > 0 && self.choice.chance(Topic::Schedule, 300) {
            self.choice.range(Topic::Schedule, 0, longest)
        } else {
            0
        };
        self.at(self.now + delay, event);
    }

    /// Notes a fact of a machine.
    pub fn note(&mut self, who: (ActorId, u32), kind: Kinds, fact: impl FnOnce() -> Fact) {
        self.notes.note(self.now, Some(who), kind, fact);
    }

    /// Notes what the world does itself.
    pub fn note_world(&mut self, kind: Kinds, fact: impl FnOnce() -> Fact) {
        self.notes.note(self.now, None, kind, fact);
    }

    /// Notes what is on the wire.
    pub(super) fn note_wire(&mut self, end: End, fact: impl FnOnce(Route) -> Fact) {
        if self.notes.wants(Kinds::WIRE)
            && let Some(route) = self.net.route(end)
        {
            self.note_world(Kinds::WIRE, || fact(route));
        }
    }

    /// Sends a piece to the other end.
    pub fn send(&mut self, end: End, piece: Piece) {
        let (Some(from), Some(to)) = (self.net.host(end), self.net.host(end.other())) else {
            return;
        };
        if let Some(until) = self.cut(from, to) {
            self.net.stall(end, until);
        }
        let delay = self.delay(from, to);
        self.note_wire(end, |route| Fact::Left { route, piece: piece.clone() });
        if let Some(at) = self.net.send(end, self.now, delay, piece) {
            self.at(at, Event::Arrive(end.other()));
        }
    }

    fn delay(&mut self, from: HostId, to: HostId) -> u64 {
        let base = if from == to { self.plan.latency_ns / 10 } else { self.plan.latency_ns };
        let jitter = self.plan.jitter_ns;
        base + if jitter > 0 { self.choice.range(Topic::Network, 0, jitter) } else { 0 }
    }

    fn cut(&self, from: HostId, to: HostId) -> Option<u64> {
        let cuts = self.cuts.iter().filter(|(one, two, until)| {
            ((*one, *two) == (from, to) || (*one, *two) == (to, from)) && *until > self.now
        });
        cuts.map(|(.., until)| *until).max()
    }

    /// The host with this name, as the resolver of another finds it.
    pub(super) fn resolve(&self, own: HostId, name: &str) -> Option<HostId> {
        if name == "127.0.0.1" {
            return Some(own);
        }
        let number: usize = name.strip_prefix('h')?.parse().ok()?;
        let host = self.hosts.get(number)?;
        (host.unresolved_until <= self.now).then_some(HostId(number))
    }

    /// Dials; the piece that does it is on its way.
    pub fn dial(&mut self, owner: Owner, from: HostId, to: HostId, port: u16) -> End {
        self.counts.dials += 1;
        let end = self.net.dial(owner, from, to, port);
        self.send(end, Piece::Syn);
        end
    }

    /// Sixteen bytes that no node has had before.
    pub fn entropy(&mut self) -> Entropy {
        self.entropies += 1;
        let drawn = self.choice.draw(Topic::Entropy, u64::MAX);
        let (high, low) = (mix(self.entropies), mix(self.entropies ^ drawn.rotate_left(32)));
        Entropy::new((u128::from(high ^ drawn) << 64 | u128::from(low)).to_be_bytes())
    }

    /// Bytes that one read or write takes at most, of at most `max`.
    pub fn portion(&mut self, max: usize) -> usize {
        match self.plan.segment {
            0 => max,
            // Mostly small pieces, so that cuts fall inside of length fields. Large ones are the more harmless.
            segment => {
                let most = segment.min(max);
                most - self.choice.draw(Topic::Network, most as u64) as usize
            }
        }
    }
}

/// The finalizer of SplitMix64: different numbers give different ones.
const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
