//! Everything that can be seen of a run, in the order in which it happened, and what looks at it.

use core::fmt;
use core::num::NonZeroU64;

use netkernel_core::link::Violation as ChannelViolation;
use netkernel_core::liveness::Traffic;
use netkernel_core::net_adm;
use netkernel_core::net_kernel::{
    Answer, CloseCause, Diagnostic, NodeEvent, OpenError, Promotion, Purpose,
};
use netkernel_core::term::Reference;
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, Instant, LinkId, MailboxId, NodeName, RequestId, StreamId};

use super::act::Act;
use super::call::Call;
use super::delivery::Got;
use super::guest::Deed;
use super::letter::Letter;
use super::net::{Piece, Route};
use super::world::World;
use super::{ActorId, HostId};

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When, in nanoseconds of the world.
    pub at: u64,
    /// To whom; `None` if it is the world's own doing.
    pub actor: Option<ActorId>,
    /// The incarnation of that machine: it counts its crashes.
    pub life: u32,
    /// What.
    pub fact: Fact,
}

/// What can happen. A machine is a node or an EPMD.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "fields are what their types say")]
pub enum Fact {
    /// A machine's process began: empty, and not alive as a node.
    Booted,
    /// A machine's process ended at once. `host`: with its whole host, so that no peer is told.
    Crashed {
        host: bool,
    },
    /// A machine does nothing and hears nothing until it is resumed.
    Paused {
        until: u64,
    },
    Resumed,
    /// The machine is told that its listener broke.
    ListenerLost,
    /// The world did something bad, or ended it.
    Fault {
        what: FaultKind,
        host: Option<HostId>,
        until: u64,
    },
    /// Faults have stopped; from now on the cluster has to come together.
    Liveness,

    /// `Output::Alive` and `Output::NotAlive`.
    Alive {
        name: NodeName,
        creation: Creation,
    },
    NotAlive,
    /// An operator's call, and its answer.
    Called {
        request: Option<RequestId>,
        call: Call,
    },
    Answered {
        request: RequestId,
        answer: Answer,
    },
    Diagnosed(Diagnostic),
    /// A call of `net_adm`, and its answer.
    Inquired {
        number: u64,
        call: net_adm::Call,
    },
    Concluded {
        number: u64,
        answer: net_adm::Answer,
    },

    /// Life of a stream: `Open` or an accepted one, its one end, and what the machine wants in between. `conn` is the number
    /// of the TCP connection: the same on both sides.
    Opening {
        stream: StreamId,
        purpose: Purpose,
        conn: u64,
    },
    Opened {
        stream: StreamId,
    },
    OpenFailed {
        stream: StreamId,
        error: OpenError,
    },
    Accepted {
        stream: StreamId,
        conn: u64,
    },
    Closing {
        stream: StreamId,
        abort: bool,
    },
    Closed {
        stream: StreamId,
        cause: CloseCause,
    },
    /// An Open was cancelled: the stream is gone without another word.
    Cancelled {
        stream: StreamId,
    },
    /// The last of a stream is gone: no thread, no socket.
    Released {
        stream: StreamId,
    },

    /// A row of the table.
    Attempting {
        node: NodeName,
        link: LinkId,
    },
    Promoted {
        stream: StreamId,
        conn: u64,
        promotion: Promotion,
    },
    Disconnected {
        node: NodeName,
        link: LinkId,
        was_up: bool,
    },
    /// An event was put into a mailbox. `listed`: the link that `nodes()` had with that node as the event came out.
    Told {
        to: MailboxId,
        event: NodeEvent,
        listed: Option<LinkId>,
    },

    /// An application hands a letter over, for a node by name.
    Sent {
        to: ActorId,
        letter: Letter,
    },
    /// It has been queued on a link, as the last of what was queued so far.
    Queued {
        link: LinkId,
        conn: u64,
        letter: Letter,
    },
    /// It was put into a mailbox. `None`: it came to pieces.
    Delivered {
        link: LinkId,
        conn: u64,
        to: MailboxId,
        letter: Option<Letter>,
    },
    /// The data plane refused what came.
    Refused {
        link: LinkId,
        violation: ChannelViolation,
    },

    /// A process of an application has done something.
    Acted {
        by: MailboxId,
        did: Did,
    },
    /// A signal of a process was queued on a link, as the last of what was queued so far.
    Signalled {
        link: LinkId,
        conn: u64,
        signal: Control,
    },
    /// One came in, and is handled in this step. `to`: who is meant by its pid.
    Arrived {
        link: LinkId,
        conn: u64,
        to: Option<MailboxId>,
        signal: Control,
    },
    /// Something was put into the mailbox of a process of an application.
    Got {
        to: MailboxId,
        got: Got,
    },
    /// There is a new process, which calls a function that is served; `runs`: it is not one too many.
    Started {
        process: MailboxId,
        runs: bool,
    },
    /// A node is not reached any more: what its processes had to do with ours ends in this step.
    Lost {
        node: NodeName,
    },

    Ticked {
        stream: StreamId,
    },
    Sampled {
        stream: StreamId,
        traffic: Traffic,
    },
    /// Bytes went to or came from the operating system.
    Wrote {
        stream: StreamId,
        bytes: usize,
    },
    Read {
        stream: StreamId,
        bytes: usize,
    },
    /// A piece of a TCP connection has left a host, or has come to one that knows of the connection.
    Left {
        route: Route,
        piece: Piece,
    },
    Came {
        route: Route,
        piece: Piece,
    },

    /// What a guest does, as far as it can be seen.
    Guest(Deed),

    /// A turn ended: outputs carried out, inputs taken since the last one, whether it was cut off after its slice of outputs and
    /// samples, and when to come back.
    Turned {
        now: Instant,
        outputs: usize,
        inputs: usize,
        cut_off: bool,
        wake: Option<Instant>,
    },
}

/// What a process of an application has done, and what came of it at once.
#[derive(Clone, Debug)]
pub struct Did {
    /// What.
    pub act: Act,
    /// The process of this node that was meant, or that was made, if there was one.
    pub to: Option<MailboxId>,
    /// Another node was meant.
    pub elsewhere: bool,
    /// There was a link with that node, or an attempt. `None`: nobody asked.
    pub reached: Option<bool>,
    /// The reference that was made.
    pub reference: Option<Reference>,
    /// The id of the UNLINK_ID that was sent.
    pub unlink: Option<NonZeroU64>,
}

/// Faults that are not one machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A connection was broken, perhaps with only one side knowing.
    Reset,
    /// Nothing passes in one direction of a connection.
    Stall,
    /// Nothing passes between two hosts.
    Partition,
    /// The name of a host cannot be resolved.
    Unresolved,
    /// A node has ended, and somebody takes its name.
    NameTaken,
    /// All of a host is gone.
    HostDown,
    /// It is back.
    HostUp,
}

/// Sets of facts, for who does not want all of them. Whatever nobody wants costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u32);

impl Kinds {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Machines and faults.
    pub const LIFE: Self = Self(1);
    /// Calls, answers, diagnostics.
    pub const CALLS: Self = Self(1 << 1);
    /// Streams.
    pub const STREAMS: Self = Self(1 << 2);
    /// Rows of the table, and events in mailboxes.
    pub const LINKS: Self = Self(1 << 3);
    /// Letters.
    pub const LETTERS: Self = Self(1 << 4);
    /// Ticks and samples.
    pub const TICKS: Self = Self(1 << 5);
    /// Reads and writes.
    pub const BYTES: Self = Self(1 << 6);
    /// Turns.
    pub const TURNS: Self = Self(1 << 7);
    /// Processes of applications, and their signals.
    pub const PROCESSES: Self = Self(1 << 8);
    /// What is on the wire, with its bytes.
    pub const WIRE: Self = Self(1 << 9);
    /// Everything.
    pub const ALL: Self = Self(u32::MAX);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This one without the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether any of `other` is in here.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Fact {
    /// The set that it belongs to.
    #[must_use]
    pub const fn kind(&self) -> Kinds {
        match self {
            Self::Booted
            | Self::Crashed { .. }
            | Self::Paused { .. }
            | Self::Resumed
            | Self::ListenerLost
            | Self::Fault { .. }
            | Self::Liveness => Kinds::LIFE,
            Self::Alive { .. }
            | Self::NotAlive
            | Self::Called { .. }
            | Self::Answered { .. }
            | Self::Inquired { .. }
            | Self::Concluded { .. }
            | Self::Diagnosed(_) => Kinds::CALLS,
            Self::Opening { .. }
            | Self::Opened { .. }
            | Self::OpenFailed { .. }
            | Self::Accepted { .. }
            | Self::Closing { .. }
            | Self::Closed { .. }
            | Self::Cancelled { .. }
            | Self::Released { .. } => Kinds::STREAMS,
            Self::Attempting { .. }
            | Self::Promoted { .. }
            | Self::Disconnected { .. }
            | Self::Told { .. } => Kinds::LINKS,
            Self::Sent { .. }
            | Self::Queued { .. }
            | Self::Delivered { .. }
            | Self::Refused { .. } => Kinds::LETTERS,
            Self::Acted { .. }
            | Self::Signalled { .. }
            | Self::Arrived { .. }
            | Self::Got { .. }
            | Self::Started { .. }
            | Self::Lost { .. } => Kinds::PROCESSES,
            Self::Ticked { .. } | Self::Sampled { .. } => Kinds::TICKS,
            Self::Wrote { .. } | Self::Read { .. } => Kinds::BYTES,
            Self::Left { .. } | Self::Came { .. } => Kinds::WIRE,
            Self::Turned { .. } => Kinds::TURNS,
            Self::Guest(deed) => deed.kind(),
        }
    }
}

/// Where facts are noted down until the step that they belong to is over.
#[derive(Debug, Default)]
pub struct Notes {
    wanted: Kinds,
    seen: Vec<Seen>,
}

impl Notes {
    pub(super) fn want(&mut self, kinds: Kinds) {
        self.wanted = self.wanted.and(kinds);
    }

    /// Whether anybody wants facts of this kind.
    #[must_use]
    pub const fn wants(&self, kinds: Kinds) -> bool {
        self.wanted.has(kinds)
    }

    /// Notes a fact, if anybody wants its kind; else it is not even made.
    pub(super) fn note(
        &mut self,
        at: u64,
        who: Option<(ActorId, u32)>,
        kind: Kinds,
        fact: impl FnOnce() -> Fact,
    ) {
        if self.wanted.has(kind) {
            let (actor, life) = who.map_or((None, 0), |(actor, life)| (Some(actor), life));
            let fact = fact();
            debug_assert_eq!(fact.kind(), kind, "{fact:?}");
            self.seen.push(Seen { at, actor, life, fact });
        }
    }

    /// What was noted since the last time.
    pub(super) fn take(&mut self) -> Vec<Seen> {
        core::mem::take(&mut self.seen)
    }

    /// Gives the memory of what was taken back.
    pub(super) fn put_back(&mut self, mut seen: Vec<Seen>) {
        seen.clear();
        if self.seen.is_empty() {
            self.seen = seen;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

/// What must not happen, did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Who says so.
    pub oracle: &'static str,
    /// When, in nanoseconds of the world.
    pub at: u64,
    /// What.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.oracle, super::trace::time(self.at), self.what)
    }
}

/// Judges a run by what it sees. Each says in its doc what it relies on: its antecedent.
pub trait Oracle {
    /// Its name in violations.
    fn name(&self) -> &'static str;

    /// The facts that it wants to see.
    fn wants(&self) -> Kinds;

    /// Looks at one fact. The step that brought it is over, and `world` is as it left it; more facts of that step may follow.
    ///
    /// # Errors
    /// What is wrong.
    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String>;

    /// Looks at the world after a step that brought facts which it wants.
    ///
    /// # Errors
    /// What is wrong.
    fn after_step(&mut self, world: &World<'_>) -> Result<(), String> {
        let _ = world;
        Ok(())
    }

    /// Looks at the world when the run is over.
    ///
    /// # Errors
    /// What is wrong.
    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        let _ = world;
        Ok(())
    }
}
