//! Which local processes there are, and under which names.

use alloc::collections::BTreeMap;
use core::fmt;

use super::ping::Pings;
use crate::creation::Creation;
use crate::ids::{MailboxId, Mint as _, Minter};
use crate::name::NodeName;
use crate::term::{Atom, Pid};

/// Bits of a pid's `id`; its `serial` counts on from there. So many are valid whatever was negotiated.
const ID_BITS: u32 = 28;

/// All processes of this node.
///
/// Deterministic, and without a queue of its own. Everything in it was made locally, so peers cannot make it grow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Processes {
    pub(super) own: Option<Incarnation>,
    /// Each mailbox, with its registered name.
    mailboxes: BTreeMap<MailboxId, Option<Atom>>,
    names: BTreeMap<Atom, MailboxId>,
    minter: Minter,
    /// The process that pings other nodes. It has no mailbox.
    pub(super) pinger: MailboxId,
    pub(super) pings: Pings,
    /// Whether what other nodes ask of `net_kernel` is for the kernel.
    pub(super) serves_requests: bool,
}

/// What this node is called while it is alive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Incarnation {
    pub(super) name: NodeName,
    pub(super) creation: Creation,
}

impl Processes {
    /// No mailbox, in a node that is not alive.
    #[must_use]
    pub fn new() -> Self {
        let mut minter = Minter::default();
        Self {
            own: None,
            mailboxes: BTreeMap::new(),
            names: BTreeMap::new(),
            pinger: minter.mint(),
            minter,
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
        self.mailboxes.insert(mailbox, None);
        mailbox
    }

    /// Ends a process, and frees its name. Messages to it are dropped from now on.
    pub fn remove(&mut self, mailbox: MailboxId) {
        if let Some(Some(name)) = self.mailboxes.remove(&mailbox) {
            self.names.remove(&name);
        }
    }

    /// The pid of a process; `None` while the node is not alive, or if there is no such process.
    #[must_use]
    pub fn pid(&self, mailbox: MailboxId) -> Option<Pid> {
        let own = self.own.as_ref()?;
        self.has(mailbox).then(|| own.pid(mailbox))
    }

    /// The process with this pid; `None` if it is not one of this incarnation of this node, or has ended.
    #[must_use]
    //= docs/spec/channel.md#ch-own-pids
    pub fn mailbox(&self, pid: &Pid) -> Option<MailboxId> {
        let mailbox = self.own.as_ref()?.number(pid)?;
        self.has(mailbox).then_some(mailbox)
    }

    /// Gives a process a name (`erlang:register/2`).
    ///
    /// # Errors
    /// Why it cannot have it.
    pub fn register(&mut self, name: Atom, mailbox: MailboxId) -> Result<(), RegisterNameError> {
        if matches!(name.as_str(), super::net_kernel::NAME | "undefined") {
            return Err(RegisterNameError::Reserved);
        }
        let own_name = self.mailboxes.get_mut(&mailbox).ok_or(RegisterNameError::NoProcess)?;
        if own_name.is_some() {
            return Err(RegisterNameError::HasName);
        }
        if self.names.contains_key(&name) {
            return Err(RegisterNameError::Taken);
        }
        *own_name = Some(name.clone());
        self.names.insert(name, mailbox);
        Ok(())
    }

    /// Frees a name (`erlang:unregister/1`); the process that had it.
    pub fn unregister(&mut self, name: &str) -> Option<MailboxId> {
        let mailbox = self.names.remove(name)?;
        if let Some(own_name) = self.mailboxes.get_mut(&mailbox) {
            *own_name = None;
        }
        Some(mailbox)
    }

    /// The process with this name (`erlang:whereis/1`).
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<MailboxId> {
        self.names.get(name).copied()
    }

    pub(super) fn has(&self, mailbox: MailboxId) -> bool {
        self.mailboxes.contains_key(&mailbox)
    }
}

impl Default for Processes {
    fn default() -> Self {
        Self::new()
    }
}

impl Incarnation {
    /// The pid with the number of a mailbox.
    pub(super) fn pid(&self, mailbox: MailboxId) -> Pid {
        let number = mailbox.get();
        Pid {
            node: self.name.as_atom().clone(),
            id: (number & ((1 << ID_BITS) - 1)) as u32,
            serial: (number >> ID_BITS) as u32,
            creation: self.creation,
        }
    }

    /// The other way round; `None` for a pid that this incarnation cannot have made.
    pub(super) fn number(&self, pid: &Pid) -> Option<MailboxId> {
        let ours = pid.creation == self.creation && pid.node == *self.name.as_atom();
        (ours && pid.id < 1 << ID_BITS)
            .then(|| MailboxId::from_number(u64::from(pid.serial) << ID_BITS | u64::from(pid.id)))
    }
}

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
        processes.remove(first);
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
        processes.remove(one);
        assert_eq!(processes.whereis("y"), None);
        assert_eq!(processes.register(atom("z"), one), Err(RegisterNameError::NoProcess));
        assert_eq!(processes.register(atom("y"), two), Ok(()), "the name is free again");
    }
}
