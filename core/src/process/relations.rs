//! Who has to do with whom: the rows that links, monitors and aliases are made of.

use alloc::collections::{BTreeMap, BTreeSet};
use bytes::Bytes;
use core::num::NonZeroU64;

use super::Target;
use super::spawn_options::Asks;
use crate::ids::MailboxId;
use crate::term::{Atom, Pid, Reference};
use crate::wire::control::Monitored;

/// One process of this node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) name: Option<Atom>,
    pub(super) trap_exit: bool,
    pub(super) group_leader: Option<Leader>,
    /// With processes of other nodes.
    pub(super) links: BTreeMap<Pid, Link>,
    pub(super) local_links: BTreeSet<MailboxId>,
    /// Those that it has.
    pub(super) monitors: BTreeSet<Reference>,
    /// Those that others have of it.
    pub(super) watchers: BTreeSet<Watcher>,
    pub(super) aliases: BTreeSet<Reference>,
    pub(super) node_monitors: BTreeSet<Atom>,
    /// Its requests that wait for their answers.
    pub(super) spawns: BTreeSet<Reference>,
    /// The node that had it started.
    pub(super) spawned_for: Option<Atom>,
    /// The module and the function that handle its messages.
    pub(super) dispatch: Option<(Atom, Atom)>,
}

/// A group leader. One of this node stays the same process when the node gets another name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Leader {
    Here(MailboxId),
    Elsewhere(Pid),
}

/// A link with a process of another node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Link {
    /// The other side made it, so it counts for the other side's limit.
    pub(super) by_peer: bool,
    /// The id of the UNLINK_ID that was sent and is not acknowledged: this side has no link any more, the other side may.
    pub(super) unlink: Option<NonZeroU64>,
}

/// Who monitors a process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Watcher {
    /// A process of this node.
    Local(Reference),
    /// A process of that node.
    Remote(Atom, Reference),
}

/// A monitor that a process of this node has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Monitor {
    pub(super) by: MailboxId,
    pub(super) of: Target,
    /// Who it is, if it is a process of this node.
    pub(super) local: Option<MailboxId>,
    /// What is told in place of `'DOWN'`: a complete external term.
    pub(super) tag: Option<Bytes>,
}

/// A request to spawn that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Spawn {
    pub(super) by: MailboxId,
    pub(super) node: Atom,
    pub(super) asks: Asks,
    /// Why its process has ended, if it has: the other side is to get that if there will be a link.
    pub(super) left: Option<Bytes>,
}

/// A monitor that a process of another node has of one of this node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Watch {
    pub(super) of: MailboxId,
    pub(super) by: Pid,
    /// What it was named.
    pub(super) object: Monitored,
}

/// What ends with the link to one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Relations {
    pub(super) links: BTreeSet<(MailboxId, Pid)>,
    /// Those of them that the peer has made.
    pub(super) links_by_peer: usize,
    /// Those that processes here have of processes there, and the requests to spawn there.
    pub(super) monitors: BTreeSet<Reference>,
    /// How many of these are requests.
    pub(super) spawns: usize,
    pub(super) watches: BTreeMap<Reference, Watch>,
    /// How often each process monitors the node.
    pub(super) node_monitors: BTreeMap<MailboxId, u64>,
}

impl Relations {
    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
            && self.monitors.is_empty()
            && self.watches.is_empty()
            && self.node_monitors.is_empty()
    }
}
