//! Processes that peers spawn here, and how a new process comes to its function.

use bytes::Bytes;

use super::crash::{DIST_SPAWN_INIT, Frame};
use super::relations::{Relations, Watch};
use super::signals::answer;
use super::spawn_options::Asked;
use super::{Deliver, Function, Origin, Processes, apply};
use crate::flags::Flags;
use crate::ids::MailboxId;
use crate::stream::Violation;
use crate::term::{Atom, Pid, Reference};
use crate::wire::control::{Control, Monitored, SpawnFlags, SpawnRequest, Spawned};

/// Which functions processes can be started with.
impl Processes {
    /// Has processes that are spawned with this function handed to the host, by [`Deliver::start`]: from then on whoever is
    /// connected can start them. `false` if it was served already.
    //= docs/spec/process.md#process-spawn-served
    pub fn serve_function(&mut self, function: Function) -> bool {
        self.functions.insert(function)
    }

    /// Serves a function no longer: a process that is spawned with it ends by `undef`. `false` if it was not served.
    pub fn unserve_function(&mut self, function: &Function) -> bool {
        self.functions.remove(function)
    }

    /// The process that was told by [`Deliver::start`] cannot be run: it ends by `system_limit`.
    pub fn not_started(&mut self, mailbox: MailboxId, deliver: &mut impl Deliver) {
        self.terminate(mailbox, &Bytes::from_static(b"w\x0csystem_limit"), deliver);
    }
}

/// What peers do.
impl Processes {
    /// SPAWN_REQUEST. The answer goes out before anything of the new process.
    //= docs/spec/process.md#process-spawn-received
    pub(super) fn spawn_received(
        &mut self,
        origin: &Origin,
        spawn: SpawnRequest,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        let SpawnRequest { request, from, leader, module, function, options, arguments, .. } =
            spawn;
        //= docs/spec/channel.md#ch-payload-unread
        if arguments.is_empty() && Asked::parse(&options).is_some() {
            return Err(Violation::Term);
        }
        //= docs/spec/process.md#process-spawn-elsewhere
        if !origin.flags.contains(Flags::SPAWN) || from.node != *origin.node.as_atom() {
            return Ok(());
        }
        let child = match Asked::parse(&options) {
            None => Err("badopt"),
            Some(asked) if !self.has_room_for_spawned(origin, asked) => Err("system_limit"),
            Some(asked) => Ok(self.spawn_for(origin, leader, (&from, &request), asked)),
        };
        let (flags, result) = match &child {
            Ok((_, pid, flags)) => (*flags, Spawned::Pid(pid.clone())),
            Err(reason) => (SpawnFlags::NONE, Spawned::Error(Atom::literal(reason))),
        };
        let reply = Control::SpawnReply { request, to: from, flags, result, token: spawn.token };
        let answered = answer(origin, &reply, deliver);
        // Also if the link ends because the answer cannot be sent: the process is there.
        if let Ok((child, ..)) = child {
            self.begin(child, (module, function), arguments, DIST_SPAWN_INIT, deliver);
        }
        answered
    }

    fn spawn_for(
        &mut self,
        origin: &Origin,
        leader: Pid,
        (by, request): (&Pid, &Reference),
        asked: Asked,
    ) -> (MailboxId, Pid, SpawnFlags) {
        let (child, pid) = self.spawn_counted(origin, leader);
        let mut flags = SpawnFlags::NONE;
        if asked.link {
            self.add_link(child, by, true);
            flags = flags.with(SpawnFlags::LINK);
        }
        let watch = Watch { of: child, by: by.clone(), object: Monitored::Pid(pid.clone()) };
        if asked.monitor && self.add_watch(origin.node.as_atom(), request.clone(), watch) {
            flags = flags.with(SpawnFlags::MONITOR);
        }
        (child, pid, flags)
    }

    /// A new process that counts for the peer.
    pub(super) fn spawn_counted(&mut self, origin: &Origin, leader: Pid) -> (MailboxId, Pid) {
        let (child, node) = (self.spawn_mailbox(), origin.node.as_atom());
        let _ = self.give_group_leader(child, leader);
        if let Some(process) = self.table.get_mut(&child) {
            process.spawned_for = Some(node.clone());
        }
        *self.spawned.entry(node.clone()).or_default() += 1;
        (child, self.identity().pid(child))
    }

    /// Whether a peer may start one more process with what it asks for.
    //= docs/spec/process.md#process-spawn-limits
    pub(super) fn has_room_for_spawned(&self, origin: &Origin, asked: Asked) -> bool {
        let (node, limits) = (origin.node.as_atom(), &self.limits);
        let all: usize = self.spawned.values().sum();
        let of_peer = self.spawned.get(node).copied().unwrap_or(0);
        let relations = self.nodes.get(node);
        let links = relations.map_or(0, |it: &Relations| it.links_by_peer);
        let watches = relations.map_or(0, |it| it.watches.len());
        all < limits.spawned
            && of_peer < limits.spawned_per_peer
            && !(asked.link && links >= limits.links_per_peer)
            && !(asked.monitor && watches >= limits.monitors_per_peer)
    }

    /// A process that counted for a peer has ended.
    pub(super) fn uncount(&mut self, node: &Atom) {
        let Some(count) = self.spawned.get_mut(node) else { return };
        *count -= 1;
        if *count == 0 {
            self.spawned.remove(node);
        }
    }

    /// Has a new process call its function, or end as if it had.
    pub(super) fn begin(
        &mut self,
        child: MailboxId,
        (module, function): (Atom, Atom),
        arguments: Bytes,
        called_in: Frame,
        deliver: &mut impl Deliver,
    ) {
        match apply::resolve(&self.functions, (module, function), arguments, called_in) {
            Ok(mfa) => deliver.start(child, mfa),
            Err(reason) => self.terminate(child, &reason, deliver),
        }
    }
}
