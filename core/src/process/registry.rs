//! Which local processes there are, and under which names.

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt;
use core::num::NonZeroU64;

use super::aliases::Alias;
use super::identity::Incarnation;
use super::ping::Pings;
use super::relations::{Leader, Monitor, Process, Relations, Spawn};
use super::{Deliver, Function, Limits, Reach};
use crate::creation::Creation;
use crate::ids::{MailboxId, Minter, PingId};
use crate::name::NodeName;
use crate::term::{Atom, Pid, Reference};
use crate::wire::control::Control;

/// All processes of this node, and who of them has to do with whom.
///
/// Deterministic, and without a queue of its own. What peers can make it remember is bounded by [`Limits`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Processes {
    pub(super) own: Option<Incarnation>,
    pub(super) table: BTreeMap<MailboxId, Process>,
    pub(super) names: BTreeMap<Atom, MailboxId>,
    /// What each node has to do with processes here; nothing is no entry.
    pub(super) nodes: BTreeMap<Atom, Relations>,
    /// The monitors that processes of this node have.
    pub(super) monitors: BTreeMap<Reference, Monitor>,
    pub(super) aliases: BTreeMap<Reference, Alias>,
    /// The requests that wait for their answers.
    pub(super) spawns: BTreeMap<Reference, Spawn>,
    /// How many processes of this node each node has had started.
    pub(super) spawned: BTreeMap<Atom, usize>,
    /// What processes can be started with.
    pub(super) functions: BTreeSet<Function>,
    pub(super) limits: Limits,
    minter: Minter,
    /// Of the numbers of references, whatever they are for.
    pub(super) references: Minter,
    unlink_id: NonZeroU64,
    /// The process that pings other nodes. It has no mailbox.
    pub(super) pinger: MailboxId,
    pub(super) pings: Pings,
    /// Whether what other nodes ask of `net_kernel` is for the kernel.
    pub(super) serves_requests: bool,
}

impl Processes {
    /// No process, in a node that is not alive, with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// As [`Self::new`], with these limits.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        let mut minter = Minter::default();
        Self {
            own: None,
            table: BTreeMap::new(),
            names: BTreeMap::new(),
            nodes: BTreeMap::new(),
            monitors: BTreeMap::new(),
            aliases: BTreeMap::new(),
            spawns: BTreeMap::new(),
            spawned: BTreeMap::new(),
            functions: BTreeSet::new(),
            limits,
            pinger: minter.mint(),
            minter,
            references: Minter::default(),
            unlink_id: NonZeroU64::MIN,
            pings: Pings::default(),
            serves_requests: false,
        }
    }

    /// Whether what processes of other nodes ask of `net_kernel` is handed to the kernel, by [`Deliver::request`]. At first it
    /// is not: whoever may ask can reconfigure the node.
    ///
    /// [`Deliver::request`]: super::Deliver::request
    pub fn serve_requests(&mut self, serve: bool) {
        self.serves_requests = serve;
    }

    /// [`Output::Alive`](crate::net_kernel::Output::Alive): the processes have pids from now on.
    pub fn alive(&mut self, name: NodeName, creation: Creation) {
        self.own = Some(Incarnation { name, creation });
    }

    /// [`Output::NotAlive`](crate::net_kernel::Output::NotAlive): the processes stay, but no other node can mean them.
    pub fn not_alive(&mut self) {
        self.own = None;
    }

    /// A new process that has a mailbox and nothing else.
    pub fn spawn_mailbox(&mut self) -> MailboxId {
        let mailbox = self.minter.mint();
        self.table.insert(mailbox, Process::default());
        mailbox
    }

    /// The pid of a process; `None` while the node is not alive, or if there is no such process.
    #[must_use]
    pub fn pid(&self, mailbox: MailboxId) -> Option<Pid> {
        let own = self.own.as_ref()?;
        self.has(mailbox).then(|| own.pid(mailbox))
    }

    /// What a process takes itself for (`erlang:self/0`): as [`Self::pid`], but while the node is not alive that of
    /// `nonode@nohost`, which only processes of this node can use.
    #[must_use]
    pub fn self_pid(&self, mailbox: MailboxId) -> Option<Pid> {
        self.has(mailbox).then(|| self.identity().pid(mailbox))
    }

    /// The process with this pid; `None` if it is not one of this incarnation of this node, or has ended.
    #[must_use]
    //= docs/spec/channel.md#ch-own-pids
    pub fn mailbox(&self, pid: &Pid) -> Option<MailboxId> {
        let number = match &self.own {
            Some(own) => own.number(pid),
            None => Incarnation::nonode().number(pid),
        };
        number.filter(|&mailbox| self.has(mailbox))
    }

    /// Gives a process a name (`erlang:register/2`).
    ///
    /// # Errors
    /// Why it cannot have it.
    pub fn register(&mut self, name: Atom, mailbox: MailboxId) -> Result<(), RegisterNameError> {
        if matches!(name.as_str(), super::net_kernel::NAME | "undefined") {
            return Err(RegisterNameError::Reserved);
        }
        let process = self.table.get_mut(&mailbox).ok_or(RegisterNameError::NoProcess)?;
        if process.name.is_some() {
            return Err(RegisterNameError::HasName);
        }
        if self.names.contains_key(&name) {
            return Err(RegisterNameError::Taken);
        }
        process.name = Some(name.clone());
        self.names.insert(name, mailbox);
        Ok(())
    }

    /// Frees a name (`erlang:unregister/1`); the process that had it.
    pub fn unregister(&mut self, name: &str) -> Option<MailboxId> {
        let mailbox = self.names.remove(name)?;
        if let Some(process) = self.table.get_mut(&mailbox) {
            process.name = None;
        }
        Some(mailbox)
    }

    /// The process with this name (`erlang:whereis/1`).
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<MailboxId> {
        self.names.get(name).copied()
    }

    /// The group leader of a process (`erlang:group_leader/0`): the one that it has been given, or else the process that is registered as `user`, if there is one. Without
    /// any, what the process spawns has the process itself.
    #[must_use]
    pub fn group_leader(&self, mailbox: MailboxId) -> Option<Pid> {
        //= docs/spec/process.md#process-own-name
        match self.leader(mailbox)? {
            Leader::Here(leader) => Some(self.identity().pid(leader)),
            Leader::Elsewhere(leader) => Some(leader),
        }
    }

    pub(super) fn leader(&self, of: MailboxId) -> Option<Leader> {
        let given = self.table.get(&of)?.group_leader.clone();
        //= docs/spec/process.md#process-user
        given.or_else(|| self.whereis("user").map(Leader::Here))
    }

    /// Gives a process a group leader (`erlang:group_leader/2`).
    ///
    /// # Errors
    /// [`NoProcess`].
    pub fn give_group_leader(&mut self, mailbox: MailboxId, leader: Pid) -> Result<(), NoProcess> {
        let leader = self.mailbox(&leader).map_or(Leader::Elsewhere(leader), Leader::Here);
        let process = self.table.get_mut(&mailbox).ok_or(NoProcess)?;
        process.group_leader = Some(leader);
        Ok(())
    }

    /// GROUP_LEADER.
    //= docs/spec/process.md#process-group-leader
    pub(super) fn set_group_leader(&mut self, of: &Pid, leader: Pid) {
        if let Some(mailbox) = self.mailbox(of) {
            let _ = self.give_group_leader(mailbox, leader);
        }
    }

    /// What this node is called (`erlang:node/0`): `nonode@nohost` while it is not alive.
    #[must_use]
    pub fn own_node(&self) -> NodeName {
        self.identity().name
    }

    /// Whether that is what this node is called: `nonode@nohost` while it is not alive.
    #[must_use]
    pub fn is_own(&self, node: &Atom) -> bool {
        match &self.own {
            Some(own) => own.name.as_atom() == node,
            None => Incarnation::nonode().name.as_atom() == node,
        }
    }

    /// Whether there is such a process (`erlang:is_process_alive/1`).
    #[must_use]
    pub fn has(&self, mailbox: MailboxId) -> bool {
        self.table.contains_key(&mailbox)
    }

    pub(super) fn process(&self, mailbox: MailboxId) -> Result<(), NoProcess> {
        if self.has(mailbox) { Ok(()) } else { Err(NoProcess) }
    }

    /// Who this node is: `nonode@nohost` while it is not alive.
    pub(super) fn identity(&self) -> Incarnation {
        self.own.clone().unwrap_or_else(Incarnation::nonode)
    }

    /// Sends the first signal that two processes exchange. Nobody could answer one of a node that has no name (yet), and the peer that
    /// gives it one would end the link for it.
    //= docs/spec/process.md#process-not-alive
    pub(super) fn send_to(
        &self,
        node: &Atom,
        signal: Control,
        deliver: &mut impl Deliver,
    ) -> Reach {
        if self.own.is_some() { deliver.signal(node, signal) } else { Reach::NoConnection }
    }

    //= docs/spec/process.md#process-references
    pub(super) fn make_reference(&mut self) -> Reference {
        let number = self.references.mint::<PingId>().get();
        self.identity().reference(number)
    }

    /// An id that no unlink has that waits for its acknowledgement.
    pub(super) fn next_unlink_id(&mut self) -> NonZeroU64 {
        let id = self.unlink_id;
        self.unlink_id = id.checked_add(1).unwrap_or(NonZeroU64::MIN);
        id
    }

    /// Forgets a node that nobody here has anything to do with.
    pub(super) fn tidy(&mut self, node: &Atom) {
        if self.nodes.get(node).is_some_and(Relations::is_empty) {
            self.nodes.remove(node);
        }
    }
}

impl Default for Processes {
    fn default() -> Self {
        Self::new()
    }
}

/// There is no such process: it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoProcess;

impl fmt::Display for NoProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the process has ended")
    }
}

impl core::error::Error for NoProcess {}

/// Why a process cannot have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegisterNameError {
    /// The process has a name already; Erlang gives a process one at most.
    HasName,
    /// There is no such process.
    NoProcess,
    /// The name is not free to use: `undefined`, or that of a service of this node.
    Reserved,
    /// Another process has this name.
    Taken,
}

impl fmt::Display for RegisterNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HasName => "the process has a registered name already",
            Self::NoProcess => "there is no such process",
            Self::Reserved => "the name is reserved",
            Self::Taken => "the name is taken",
        })
    }
}

impl core::error::Error for RegisterNameError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Mint as _;
    use crate::process::deliver::Nobody;
    use crate::process::identity::ID_BITS;
    use bytes::Bytes;

    const REASON: Bytes = Bytes::from_static(b"\x77\x06normal");

    fn alive() -> Processes {
        let mut processes = Processes::new();
        processes.alive(NodeName::new("a@b").unwrap(), Creation(7));
        processes
    }

    fn atom(text: &str) -> Atom {
        Atom::new(text).unwrap()
    }

    //= docs/spec/channel.md#ch-own-pids
    //= type=test
    #[test]
    fn only_pids_of_this_incarnation_are_ours() {
        let mut processes = alive();
        let mailbox = processes.spawn_mailbox();
        let pid = processes.pid(mailbox).unwrap();
        assert_eq!(processes.mailbox(&pid), Some(mailbox));
        for other in [
            Pid { creation: Creation(8), ..pid.clone() },
            Pid { node: atom("a@c"), ..pid.clone() },
            Pid { id: pid.id + 1, ..pid.clone() },
            Pid { serial: 1, ..pid.clone() },
            Pid { id: pid.id | 1 << ID_BITS, ..pid.clone() },
        ] {
            assert_eq!(processes.mailbox(&other), None, "{other:?}");
        }
        processes.not_alive();
        assert_eq!((processes.pid(mailbox), processes.mailbox(&pid)), (None, None));
        processes.alive(NodeName::new("a@b").unwrap(), Creation(8));
        assert_eq!(processes.mailbox(&pid), None);
        assert_eq!(processes.pid(mailbox).unwrap().creation, Creation(8), "it has lived on");
    }

    //= docs/spec/channel.md#ch-own-pids
    //= type=test
    #[test]
    fn numbers_go_on_in_the_serial_and_are_never_used_twice() {
        let mut processes = alive();
        let first = processes.spawn_mailbox();
        let pid = processes.pid(first).unwrap();
        processes.terminate(first, &REASON, &mut Nobody);
        assert_ne!(processes.spawn_mailbox(), first);
        assert_eq!((processes.mailbox(&pid), processes.pid(first)), (None, None));
        let own = processes.own.as_ref().unwrap();
        for (number, id, serial) in [(1, 1, 0), (0x0FFF_FFFF, 0x0FFF_FFFF, 0), (0x1000_0000, 0, 1)]
        {
            let pid = own.pid(MailboxId::from_number(number));
            assert_eq!((pid.id, pid.serial), (id, serial));
            assert_eq!(own.number(&pid), Some(MailboxId::from_number(number)));
        }
    }

    #[test]
    fn names_are_given_as_by_register() {
        let mut processes = alive();
        let (one, two) = (processes.spawn_mailbox(), processes.spawn_mailbox());
        assert_eq!(processes.register(atom("x"), one), Ok(()));
        assert_eq!(processes.register(atom("x"), two), Err(RegisterNameError::Taken));
        assert_eq!(processes.register(atom("y"), one), Err(RegisterNameError::HasName));
        for reserved in ["net_kernel", "undefined"] {
            assert_eq!(processes.register(atom(reserved), two), Err(RegisterNameError::Reserved));
        }
        assert_eq!(processes.whereis("x"), Some(one));
        assert_eq!(processes.unregister("x"), Some(one));
        assert_eq!((processes.unregister("x"), processes.whereis("x")), (None, None));
        assert_eq!(processes.register(atom("y"), one), Ok(()));
        processes.terminate(one, &REASON, &mut Nobody);
        assert_eq!(processes.whereis("y"), None);
        assert_eq!(processes.register(atom("z"), one), Err(RegisterNameError::NoProcess));
        assert_eq!(processes.register(atom("y"), two), Ok(()), "the name is free again");
    }
}
