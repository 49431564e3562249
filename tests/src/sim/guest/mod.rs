//! Nodes that are not ours, in a cluster of ours: an embedder's own event loop, or an implementation that shares no code with core.
//!
//! A [`Guest`] is told what its operating system would tell it, and does through [`System`] what a process does through its own: it
//! listens, dials, reads, writes, closes, and looks at its clock. An EPMD is a connection like any other. What nobody can see on the
//! wire it says itself: which name it has, and which nodes it tells its applications are up or down. Everything else is the world's:
//! the network, faults, crashes and restarts, clocks, EPMDs, the nodes of ours that it meets, and the oracles
//! ([`oracles::with_guests`](super::oracles::with_guests())) that look at it from outside. `docs/simulation.md` walks through an example.
#![deny(missing_docs)]

mod seat;
mod system;

use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use netkernel_core::net_kernel::{NetTicktime, OpenError};
use netkernel_core::term::Atom;
use netkernel_core::{Cookie, Creation, NodeName};

use super::choice::{Choice, Prng};
use super::letter::Letter;
use super::net::End;
use super::oracles;
use super::plan::{CallClass, Plan};
use super::run::{Audience, Budget, Report, run_with};
use super::scenario::Scenario;
use super::trace::Tracing;

pub use super::net::Read;
pub(super) use seat::Seat;
pub use system::System;

/// A process of somebody else's, from its start to its end: a crash drops it.
pub trait Guest: fmt::Debug {
    /// Something has happened. What it does about it takes no time; it must not wait for anything.
    fn happen(&mut self, what: Happening, system: &mut System<'_, '_>);
}

/// What happens to a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The process begins. This comes first, and once.
    Started,
    /// The moment has come that it gave to [`System::wake_at`].
    Woken,
    /// A dial was answered: the connection stands.
    Connected(Socket),
    /// A dial has failed. There is no such socket any more.
    Failed(Socket, OpenError),
    /// Somebody has connected to where it listens.
    Accepted(Socket),
    /// Something new can be read: bytes, or the end of them. It is said once for what has arrived, so read until [`Read::Nothing`], or
    /// remember that there is something left.
    Readable(Socket),
    /// After a write that was not taken whole: there is room again.
    Writable(Socket),
    /// An application of its sends this message, an external term with its version byte, to the process that is registered as
    /// [`Duty::mailbox`] on that node (`{Name, Node} ! Message`). What is sent to one node arrives in this order; on a link that is up
    /// now, and stays so, all of it does. Without a link it may be kept for one, or lost.
    Send {
        /// The node.
        to: NodeName,
        /// The message.
        message: Bytes,
    },
    /// Its operator wants a link with this node (`net_kernel:connect_node/1`), which may be there already.
    Connect(NodeName),
    /// Its operator wants the link with this node to end (`erlang:disconnect_node/1`).
    Disconnect(NodeName),
}

/// One end of a connection of a guest's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket(pub(super) End);

/// What a guest is to be.
#[derive(Clone, Debug)]
pub struct Duty {
    /// Its name. EPMD may have it under another process for a while, after a crash or for a fault's sake.
    pub name: NodeName,
    /// The process that messages of other nodes are for is registered under this name, on each node.
    /// [`System::received`] tells what comes to it.
    pub mailbox: Atom,
    /// The cookie of the cluster.
    pub cookie: Cookie,
    /// `net_ticktime` and `net_tickintensity`, which do not change.
    pub net_ticktime: NetTicktime,
    /// How long a handshake may take (`net_setuptime`).
    pub setup_time: Duration,
}

/// Makes the process of a guest, each time that its machine begins one.
pub type Maker = Box<dyn FnMut(Duty) -> Box<dyn Guest>>;

/// What can be seen of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are what their types say; `conn` is as in `Fact`")]
pub enum Deed {
    /// It has a name.
    Named { name: NodeName, creation: Creation },
    /// It dials.
    Dialled { conn: u64 },
    /// It was connected to.
    Accepted { conn: u64 },
    /// It has closed a connection, or a dial of its has failed.
    Closed { conn: u64 },
    /// It has read so many bytes.
    Read { conn: u64, bytes: usize },
    /// It has written so many bytes; `blocked`: there were more.
    Wrote { conn: u64, bytes: usize, blocked: bool },
    /// It was told to send this letter, while the link with that node was this connection.
    Asked { node: NodeName, letter: Letter, conn: Option<u64> },
    /// A message came to its mailbox, by this connection. `None`: it came to pieces.
    Received { conn: u64, letter: Option<Letter> },
    /// It told its applications that a node is up, by this connection.
    Up { node: NodeName, conn: u64 },
    /// It told them that a node is down.
    Down { node: NodeName, reason: String },
}

/// Runs a plan of this seed with guests as its last nodes, before [the oracles for them](oracles::with_guests).
///
/// The same seed is the same run, as long as the guests do the same when the same happens.
pub fn run_seed(
    seed: u64,
    guests: Vec<Maker>,
    tracing: Tracing,
    sink: &mut dyn FnMut(&str),
) -> Report {
    let mut choice = Prng::new(seed);
    let plan = draw_plan(guests.len(), &mut choice);
    let audience = Audience { oracles: oracles::with_guests(), tracing, sink };
    run_with(guests, Budget::ALL, plan, &mut choice, audience)
}

/// The same as a scenario, which [`Scenario::run_with`] runs again and [`shrink_with`](super::shrink::shrink_with) makes simpler, with
/// guests that are made in the same way.
pub fn record_seed(seed: u64, guests: Vec<Maker>, budget: Budget) -> (Scenario, Report) {
    let mut choice = Prng::new(seed);
    let plan = draw_plan(guests.len(), &mut choice);
    let (oracles, tracing) = (oracles::with_guests(), Tracing::OFF);
    let audience = Audience { oracles, tracing, sink: &mut |_| {} };
    Scenario::record_with(guests, budget, plan, &mut choice, audience)
}

/// A swarm's plan for so many guests, with two nodes of ours at least, and without what guests take no part in: dynamic names, changes of
/// the ticktime, processes of applications, and calls of `net_adm`.
pub fn draw_plan(guests: usize, choice: &mut dyn Choice) -> Plan {
    let mut plan = Plan::draw(choice);
    plan.nodes = plan.nodes.max(guests + 2);
    plan.dynamic = 0;
    plan.act_every_ns = 0;
    let not_theirs = [CallClass::Ticktime, CallClass::TicktimeAlone, CallClass::NetAdm];
    // Some requests change the ticktime.
    plan.calls.retain(|class| !not_theirs.contains(class) && *class != CallClass::Request);
    plan
}
