//! What mailboxes do as processes: each is a call of the processes under the table's lock.

use std::sync::Arc;

use bytes::Bytes;
use netkernel_core::net_kernel::mfa::Exception;
use netkernel_core::process::{
    AliasOption, Function, MonitorAlias, NoProcess, Processes, RegisterNameError, Target, Usage,
};
use netkernel_core::term::{Atom, Pid, Reference, Term, write};
use netkernel_core::wire::control::Control;
use netkernel_core::{MailboxId, NodeName};

use super::delivery::{Delivery, Effects};
use super::{Queue, Table, lock};
use crate::item::SendError;

/// The reason of a process whose thread or task panics.
pub const PANIC: Bytes = Bytes::from_static(b"w\x05panic");

/// The reason of a process that ends as it is meant to.
const NORMAL: Bytes = Bytes::from_static(b"\x77\x06normal");

/// Who they are.
impl Table {
    /// A new mailbox.
    pub fn add_mailbox(&self) -> (MailboxId, Arc<Queue>) {
        let mut state = lock(&self.state);
        let id = state.processes.spawn_mailbox();
        let queue = Arc::<Queue>::default();
        state.mailboxes.insert(id, Arc::clone(&queue));
        (id, queue)
    }

    /// Ends the process of a mailbox from outside, with the reason `killed`. Whoever has the mailbox is told.
    pub fn kill(&self, id: MailboxId) {
        self.act(|processes, deliver| processes.kill(id, deliver));
    }

    /// How many rows there are.
    pub fn usage(&self) -> Usage {
        lock(&self.state).processes.usage()
    }

    /// Ends a mailbox and its process, with this reason or as it is meant to.
    pub fn remove_mailbox(&self, id: MailboxId, reason: Option<&Bytes>) {
        let queue = lock(&self.state).mailboxes.remove(&id);
        queue.inspect(|queue| queue.abandon());
        self.act(|processes, deliver| {
            processes.terminate(id, reason.unwrap_or(&NORMAL), deliver);
        });
    }

    /// The pid of a mailbox; `None` while the node is not alive, or when the process has ended.
    pub fn pid(&self, id: MailboxId) -> Option<Pid> {
        lock(&self.state).processes.pid(id)
    }

    /// The pid of a mailbox that has something to send to another node.
    ///
    /// # Errors
    /// [`SendError::Ended`] and [`SendError::NotAlive`].
    pub fn sender(&self, id: MailboxId) -> Result<Pid, SendError> {
        self.known_sender(id)?.ok_or(SendError::NotAlive)
    }

    /// The pid of who sends to that node, which may be this one while it is not alive.
    ///
    /// # Errors
    /// [`SendError::Ended`] and [`SendError::NotAlive`].
    pub fn sender_to(&self, id: MailboxId, node: &Atom) -> Result<Pid, SendError> {
        let state = lock(&self.state);
        let own = state.processes.self_pid(id).ok_or(SendError::Ended)?;
        let reaches = state.processes.is_own(node) || state.processes.pid(id).is_some();
        if reaches { Ok(own) } else { Err(SendError::NotAlive) }
    }

    /// What this node is called: `nonode@nohost` while it is not alive.
    pub fn own_node(&self) -> NodeName {
        lock(&self.state).processes.own_node()
    }

    /// As [`Self::sender`], but `None` while the node is not alive, or waits for its name: what goes without a sender may be what
    /// makes the link that brings the name.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn known_sender(&self, id: MailboxId) -> Result<Option<Pid>, SendError> {
        let state = lock(&self.state);
        state.processes.has(id).then(|| state.processes.pid(id)).ok_or(SendError::Ended)
    }

    /// Gives a mailbox a name.
    ///
    /// # Errors
    /// Why it cannot have it.
    pub fn register(&self, name: Atom, id: MailboxId) -> Result<(), RegisterNameError> {
        lock(&self.state).processes.register(name, id)
    }

    /// Frees a name; `false` if no mailbox had it.
    pub fn unregister(&self, name: &str) -> bool {
        lock(&self.state).processes.unregister(name).is_some()
    }

    /// The pid of the mailbox with this name.
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        let state = lock(&self.state);
        state.processes.pid(state.processes.whereis(name)?)
    }

    /// As [`Self::whereis`], but also while the node is not alive: who can be sent to from here.
    pub fn whereis_here(&self, name: &str) -> Option<Pid> {
        let state = lock(&self.state);
        state.processes.self_pid(state.processes.whereis(name)?)
    }

    /// The group leader of a mailbox, if it has one.
    pub fn group_leader(&self, id: MailboxId) -> Option<Pid> {
        lock(&self.state).processes.group_leader(id)
    }

    /// Gives a mailbox a group leader.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn set_group_leader(&self, id: MailboxId, leader: &Pid) -> Result<(), SendError> {
        lock(&self.state).processes.give_group_leader(id, leader.clone()).map_err(ended)
    }
}

/// Messages inside the node.
impl Table {
    /// Delivers a message to a process of this node; `false` if the pid is another node's.
    ///
    /// # Errors
    /// [`SendError::Ended`], [`SendError::Full`].
    pub fn send_locally(
        &self,
        by: MailboxId,
        to: &Pid,
        message: &Bytes,
    ) -> Result<bool, SendError> {
        self.send_here(by, |processes, deliver| {
            if let Some(mailbox) = processes.mailbox(to) {
                processes.hand_over(mailbox, message.clone(), deliver);
            }
            processes.is_own(&to.node)
        })
    }

    /// Delivers a message to a registered process of this node; `false` if `node` is another one.
    ///
    /// # Errors
    /// [`SendError::Ended`], [`SendError::Full`].
    pub fn send_locally_by_name(
        &self,
        by: MailboxId,
        node: &NodeName,
        to: &str,
        message: &Bytes,
    ) -> Result<bool, SendError> {
        self.send_here(by, |processes, deliver| {
            let is_own = processes.is_own(node.as_atom());
            if let Some(mailbox) = processes.whereis(to).filter(|_| is_own) {
                processes.hand_over(mailbox, message.clone(), deliver);
            }
            is_own
        })
    }

    /// Delivers a message to an alias of this node; `false` if it is another node's.
    ///
    /// # Errors
    /// [`SendError::Ended`], [`SendError::Full`].
    pub fn send_locally_to_alias(
        &self,
        by: MailboxId,
        alias: &Reference,
        message: &Bytes,
    ) -> Result<bool, SendError> {
        self.send_here(by, |processes, deliver| {
            //= docs/spec/process.md#process-own-name
            processes.send_to_alias(alias, message.clone(), deliver)
                || processes.is_own(alias.node())
        })
    }

    /// Answers what a process has asked this one for. Never waits and makes no link; a node that does not read its answers is not heard after some of them.
    //= docs/spec/calls.md#io-reply
    pub fn answer(&self, by: MailboxId, to: &Pid, message: Bytes) {
        self.act(|processes, deliver| {
            if !processes.has(by) {
                return;
            }
            if processes.is_own(&to.node) {
                if let Some(mailbox) = processes.mailbox(to) {
                    processes.hand_over(mailbox, message, deliver);
                }
                return;
            }
            let from = processes.pid(by);
            let signal = Control::Send { from, to: to.clone(), message, token: None };
            // Who is gone needs no answer.
            let _ = deliver.send(&to.node, signal, true);
        });
    }

    fn send_here(
        &self,
        by: MailboxId,
        send: impl FnOnce(&mut Processes, &mut Delivery<'_>) -> bool,
    ) -> Result<bool, SendError> {
        let mut effects = Effects::default();
        let is_own = self.deliver(None, &mut effects, |processes, deliver| {
            processes.has(by).then(|| send(processes, deliver))
        });
        if effects.refused { Err(SendError::Full) } else { is_own.ok_or(SendError::Ended) }
    }
}

/// Links, monitors, exit signals and aliases. The way to the other node was looked for before.
impl Table {
    /// `erlang:link/1`.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn link(&self, by: MailboxId, to: &Pid) -> Result<(), SendError> {
        self.act(|processes, deliver| processes.link(by, to, deliver)).map_err(ended)
    }

    /// `erlang:unlink/1`.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn unlink(&self, by: MailboxId, from: &Pid) -> Result<(), SendError> {
        self.act(|processes, deliver| processes.unlink(by, from, deliver)).map_err(ended)
    }

    /// `process_info(Pid, links)`.
    pub fn links(&self, of: MailboxId) -> Vec<Pid> {
        lock(&self.state).processes.links(of)
    }

    /// `erlang:monitor/3`.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn monitor(
        &self,
        by: MailboxId,
        of: Target,
        alias: Option<MonitorAlias>,
    ) -> Result<Reference, SendError> {
        self.act(|processes, deliver| processes.monitor(by, of, alias, deliver)).map_err(ended)
    }

    /// `erlang:demonitor/1`.
    pub fn demonitor(&self, by: MailboxId, reference: &Reference) -> bool {
        self.act(|processes, deliver| processes.demonitor(by, reference, deliver))
    }

    /// `erlang:monitor_node/2`.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn monitor_node(&self, by: MailboxId, node: &NodeName, on: bool) -> Result<(), SendError> {
        self.act(|processes, deliver| processes.monitor_node(by, node, on, deliver)).map_err(ended)
    }

    /// `erlang:exit/2`.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn exit(&self, by: MailboxId, to: &Pid, reason: Bytes) -> Result<(), SendError> {
        self.act(|processes, deliver| processes.exit(by, to, reason, deliver)).map_err(ended)
    }

    /// `process_flag(trap_exit, On)`.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn trap_exit(&self, id: MailboxId, on: bool) -> Result<bool, SendError> {
        lock(&self.state).processes.trap_exit(id, on).map_err(ended)
    }

    /// A process under that name, each of whose messages is handled by a process that runs this function of one argument. It has it
    /// until the node ends, unless somebody here takes it away.
    pub fn dispatch(&self, name: Atom, function: &Function) {
        let (id, _) = self.add_mailbox();
        let mut state = lock(&self.state);
        let _ = state.processes.register(name, id);
        let _ = state.processes.dispatch(id, function.clone());
    }

    /// Whether this process is that one.
    pub fn is_process(&self, id: MailboxId, other: &Target) -> bool {
        let processes = &lock(&self.state).processes;
        match other {
            Target::Pid(pid) => processes.mailbox(pid) == Some(id),
            Target::Name(name, node) => {
                processes.is_own(node.as_atom()) && processes.whereis(name) == Some(id)
            }
        }
    }

    /// `erlang:make_ref/0`.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn make_ref(&self, id: MailboxId) -> Result<Reference, SendError> {
        lock(&self.state).processes.make_ref(id).map_err(ended)
    }

    /// `erlang:alias/1`.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn alias(&self, id: MailboxId, option: AliasOption) -> Result<Reference, SendError> {
        lock(&self.state).processes.alias(id, option).map_err(ended)
    }

    /// `erlang:unalias/1`.
    pub fn unalias(&self, id: MailboxId, alias: &Reference) -> bool {
        lock(&self.state).processes.unalias(id, alias)
    }
}

/// A message: the complete external term.
///
/// # Errors
/// [`SendError::TooLong`].
pub fn external(term: &Term) -> Result<Bytes, SendError> {
    let mut out = Vec::new();
    term.encode(&mut out).map_err(|_| SendError::TooLong)?;
    Ok(out.into())
}

/// A reason as signals have it: the term without version byte.
///
/// # Errors
/// [`SendError::TooLong`].
pub fn reason(term: &Term) -> Result<Bytes, SendError> {
    let mut out = Vec::new();
    write::term(&mut out, term).map_err(|_| SendError::TooLong)?;
    if out.len() > netkernel_core::link::MAX_MESSAGE_BYTES {
        return Err(SendError::TooLong);
    }
    Ok(out.into())
}

/// What `erlang:monitor_node/3` returns or raises. A process that has ended is told nothing, so it matters not.
///
/// # Errors
/// `notalive`, if the node has stopped meanwhile.
pub fn node_monitored(result: Result<(), SendError>) -> Result<Term, Exception> {
    match result {
        Err(SendError::NotAlive) => Err(Exception::notalive()),
        Ok(()) | Err(_) => Ok(true.into()),
    }
}

pub(super) fn ended(NoProcess: NoProcess) -> SendError {
    SendError::Ended
}
