//! Processes that processes of this node spawn, on other nodes and here.
//!
//! A request waits for its answer as a monitor waits for the end of a process, and ends with the link to the node as that
//! does. Who ends meanwhile leaves the reason behind if it asked for a link: the new process is to get it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;

use super::crash::DIST_SPAWN_INIT;
use super::reason::Reason;
use super::relations::{Leader, Monitor, Spawn};
use super::spawn_options::Asked;
use super::{
    Deliver, NoProcess, Origin, ProcessEvent, Processes, Reach, SpawnFailure, Spawning, Target,
};
use crate::flags::Flags;
use crate::ids::MailboxId;
use crate::name::NodeName;
use crate::stream::Violation;
use crate::term::{Pid, Reference};
use crate::wire::control::{Control, Monitored, SpawnFlags, SpawnRequest, Spawned};

/// Why a process ends that was asked for and is not wanted any more.
const ABANDONED: Bytes = Bytes::from_static(b"w\x09abandoned");

/// What local processes do.
impl Processes {
    /// Asks a node for a new process (`erlang:spawn_request/5`): the request, which [`ProcessEvent::SpawnReply`] tells the answer
    /// of. On this node a process can run what is served, as one that a peer spawns ([`Self::serve_function`]).
    ///
    /// # Errors
    /// [`NoProcess`].
    //= docs/spec/process.md#process-spawn
    pub fn spawn_request(
        &mut self,
        by: MailboxId,
        node: &NodeName,
        spawning: Spawning,
        deliver: &mut impl Deliver,
    ) -> Result<Reference, NoProcess> {
        let request = self.make_ref(by)?;
        self.spawn_request_as(by, node, &request, spawning, deliver)?;
        Ok(request)
    }

    /// A reference that has never been (`erlang:make_ref/0`), such as [`Self::spawn_request_as`] needs.
    ///
    /// # Errors
    /// [`NoProcess`].
    pub fn make_ref(&mut self, by: MailboxId) -> Result<Reference, NoProcess> {
        self.process(by)?;
        Ok(self.make_reference())
    }

    /// As [`Self::spawn_request`], under a reference of [`Self::make_ref`] that no other request has had: so the host can know it
    /// before the answer, which may come within this call.
    ///
    /// # Errors
    /// [`NoProcess`].
    pub fn spawn_request_as(
        &mut self,
        by: MailboxId,
        node: &NodeName,
        request: &Reference,
        spawning: Spawning,
        deliver: &mut impl Deliver,
    ) -> Result<(), NoProcess> {
        self.process(by)?;
        let spawned = if self.is_own(node.as_atom()) {
            self.spawn_here(by, request, &spawning, deliver)
        } else {
            self.spawn_elsewhere(by, node, request, &spawning, deliver)
        };
        if let Err(reason) = spawned {
            let node = node.as_atom().clone();
            let spawn = Spawn { by, node, asks: spawning.asks, left: None };
            Self::spawn_failed(spawn, request.clone(), reason, deliver);
        }
        Ok(())
    }

    /// Gives up a request that waits for its answer (`erlang:spawn_request_abandon/1`): whether there was one. It is not
    /// answered any more, and a process that was to be linked ends by the reason `abandoned`.
    //= docs/spec/process.md#process-spawn-abandon
    pub fn spawn_request_abandon(&mut self, by: MailboxId, request: &Reference) -> bool {
        let is_own = self.spawns.get(request).is_some_and(|it| it.by == by && it.left.is_none());
        // The answer will be one that nobody waits for.
        is_own && self.end_spawn(request).is_some()
    }

    fn spawn_elsewhere(
        &mut self,
        by: MailboxId,
        node: &NodeName,
        request: &Reference,
        spawning: &Spawning,
        deliver: &mut impl Deliver,
    ) -> Result<(), SpawnFailure> {
        let pending = self.nodes.get(node.as_atom()).map_or(0, |relations| relations.spawns);
        //= docs/spec/process.md#process-spawn-limits
        if pending >= self.limits.pending_spawns_per_peer {
            return Err(SpawnFailure::SystemLimit);
        }
        let from = self.identity().pid(by);
        let (mfa, options) = (&spawning.mfa, spawning.options.clone());
        let signal = Control::SpawnRequest(Box::new(SpawnRequest {
            request: request.clone(),
            leader: self.group_leader(by).unwrap_or_else(|| from.clone()),
            from,
            module: mfa.function().module.clone(),
            function: mfa.function().function.clone(),
            arity: mfa.function().arity.into(),
            options,
            arguments: mfa.encoded().clone(),
            token: None,
        }));
        match self.send_to(node.as_atom(), signal, deliver) {
            Reach::Sent => {
                let (node, asks) = (node.as_atom().clone(), spawning.asks.clone());
                self.add_spawn(request, Spawn { by, node, asks, left: None });
                Ok(())
            }
            //= docs/spec/process.md#process-spawn-notsup
            Reach::NotAgreed => Err(SpawnFailure::NotSupported),
            //= docs/spec/process.md#process-spawn-noconnection
            Reach::NoConnection => Err(SpawnFailure::NoConnection),
        }
    }

    //= docs/spec/process.md#process-spawn-here
    fn spawn_here(
        &mut self,
        by: MailboxId,
        request: &Reference,
        spawning: &Spawning,
        deliver: &mut impl Deliver,
    ) -> Result<(), SpawnFailure> {
        Asked::parse(&spawning.options).ok_or(SpawnFailure::BadOption)?;
        let leader = self.leader(by).unwrap_or(Leader::Here(by));
        let child = self.spawn_mailbox();
        if let Some(process) = self.table.get_mut(&child) {
            process.group_leader = Some(leader);
        }
        if spawning.asks.link {
            self.link_here(by, child);
        }
        let (node, asks) = (self.identity().name.as_atom().clone(), spawning.asks.clone());
        let pid = self.identity().pid(child);
        let spawn = Spawn { by, node, asks, left: None };
        self.spawned(spawn, request.clone(), pid, Some(child), deliver);
        let function = spawning.mfa.function().clone();
        let arguments = spawning.mfa.encoded().clone();
        let name = (function.module, function.function);
        self.begin(child, name, arguments, DIST_SPAWN_INIT, deliver);
        Ok(())
    }

    /// There is a process: its monitor and alias begin, and the answer is told.
    fn spawned(
        &mut self,
        spawn: Spawn,
        request: Reference,
        pid: Pid,
        local: Option<MailboxId>,
        deliver: &mut impl Deliver,
    ) {
        let Spawn { by, asks, .. } = spawn;
        if let Some(monitor) = asks.monitor {
            if let Some(option) = monitor.alias {
                self.add_monitor_alias(by, &request, option);
            }
            let of = Target::Pid(pid.clone());
            self.add_monitor(Monitor { by, of, local, tag: monitor.tag }, &request);
        }
        if asks.when.tells(true) {
            let event = ProcessEvent::SpawnReply { tag: asks.tag, request, result: Ok(pid) };
            deliver.event(by, event);
        }
    }

    /// There is none, which is told unless its parent has ended.
    pub(super) fn spawn_failed(
        spawn: Spawn,
        request: Reference,
        reason: SpawnFailure,
        deliver: &mut impl Deliver,
    ) {
        let Spawn { by, asks, left, .. } = spawn;
        if left.is_none() && asks.when.tells(false) {
            let event = ProcessEvent::SpawnReply { tag: asks.tag, request, result: Err(reason) };
            deliver.event(by, event);
        }
    }
}

/// What peers do.
impl Processes {
    /// SPAWN_REPLY. A process that nobody waits for is told so, if it has a link or a monitor.
    //= docs/spec/process.md#process-spawn-reply
    pub(super) fn spawn_reply_received(
        &mut self,
        origin: &Origin,
        request: Reference,
        (to, flags): (Pid, SpawnFlags),
        result: Spawned,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        let node = origin.node.as_atom();
        //= docs/spec/process.md#process-spawn-elsewhere
        if matches!(&result, Spawned::Pid(pid) if pid.node != *node) {
            return Ok(());
        }
        let was_asked = self.spawns.get(&request).is_some_and(|spawn| spawn.node == *node);
        let spawn = if was_asked { self.end_spawn(&request) } else { None };
        let pid = match result {
            Spawned::Pid(pid) => pid,
            Spawned::Error(reason) => {
                if let Some(spawn) = spawn {
                    Self::spawn_failed(spawn, request, SpawnFailure::of(reason), deliver);
                }
                return Ok(());
            }
        };
        let unwanted = match spawn {
            Some(spawn @ Spawn { left: None, .. }) => {
                //= docs/spec/process.md#process-spawn-link
                if flags.contains(SpawnFlags::LINK) {
                    self.add_link(spawn.by, &pid, false);
                }
                self.spawned(spawn, request, pid, None, deliver);
                return Ok(());
            }
            Some(Spawn { left: Some(reason), .. }) => reason,
            None => ABANDONED,
        };
        reject(origin, request, (to, pid), (flags, unwanted), deliver);
        Ok(())
    }

    /// A link has come up ([`Output::Promote`](crate::net_kernel::Output::Promote)): if the peer does not spawn, those who asked
    /// it for a process during the attempt are told. It has to be called before anybody sends on that link.
    //= docs/spec/process.md#process-spawn-notsup
    pub fn connection_up(&mut self, node: &NodeName, agreed: Flags, deliver: &mut impl Deliver) {
        let Some(relations) = self.nodes.get(node.as_atom()) else { return };
        if agreed.contains(Flags::SPAWN) || relations.spawns == 0 {
            return;
        }
        let waiting = relations.monitors.iter().filter(|it| self.spawns.contains_key(*it));
        for request in waiting.cloned().collect::<Vec<_>>() {
            if let Some(spawn) = self.end_spawn(&request) {
                Self::spawn_failed(spawn, request, SpawnFailure::NotSupported, deliver);
            }
        }
    }
}

/// Takes back what a new process was given. The reason may be longer than any answer, for it is that of the parent.
fn reject(
    origin: &Origin,
    reference: Reference,
    (parent, child): (Pid, Pid),
    (flags, reason): (SpawnFlags, Bytes),
    deliver: &mut impl Deliver,
) {
    let node = origin.node.as_atom();
    if flags.contains(SpawnFlags::MONITOR) {
        let to = Monitored::Pid(child.clone());
        let _ = deliver.signal(node, Control::DemonitorP { from: parent.clone(), to, reference });
    }
    if flags.contains(SpawnFlags::LINK) {
        let _ =
            deliver.signal(node, Control::Exit { from: parent, to: child, reason, token: None });
    }
}

/// The rows. A request stands among the monitors of its node: it ends with the link, in their order.
impl Processes {
    fn add_spawn(&mut self, request: &Reference, spawn: Spawn) {
        if let Some(process) = self.table.get_mut(&spawn.by) {
            process.spawns.insert(request.clone());
        }
        let relations = self.nodes.entry(spawn.node.clone()).or_default();
        relations.monitors.insert(request.clone());
        relations.spawns += 1;
        self.spawns.insert(request.clone(), spawn);
    }

    pub(super) fn end_spawn(&mut self, request: &Reference) -> Option<Spawn> {
        let spawn = self.spawns.remove(request)?;
        if let Some(process) = self.table.get_mut(&spawn.by) {
            process.spawns.remove(request);
        }
        if let Some(relations) = self.nodes.get_mut(&spawn.node) {
            relations.monitors.remove(request);
            relations.spawns -= 1;
            self.tidy(&spawn.node);
        }
        Some(spawn)
    }

    /// The process that made the request has ended for this reason.
    //= docs/spec/process.md#process-spawn-left
    pub(super) fn leave_spawn(&mut self, request: &Reference, reason: &Reason) {
        match self.spawns.get_mut(request) {
            Some(spawn) if spawn.asks.link => spawn.left = Some(reason.term()),
            Some(_) => drop(self.end_spawn(request)),
            None => {}
        }
    }
}
