//! Exit signals, and what the end of a process leads to.

use alloc::collections::VecDeque;
use bytes::Bytes;

use super::reason::{KILLED, Reason};
use super::relations::{Monitor, Process, Watcher};
use super::{Deliver, NoProcess, ProcessEvent, Processes};
use crate::ids::MailboxId;
use crate::term::{Pid, Reference};
use crate::wire::control::Control;

/// A signal to a process of this node that is not yet delivered. The end of one process can be that of many.
pub(super) enum Pending {
    Exit { to: MailboxId, from: Pid, reason: Reason, kind: Kind },
    Down { monitor: Monitor, reference: Reference, reason: Reason },
}

/// Why an exit signal is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The sender has ended, and was linked.
    Link,
    /// The sender called `exit/2`.
    Exit2,
}

impl Pending {
    pub(super) const fn link_exit(to: MailboxId, from: Pid, reason: Reason) -> Self {
        Self::Exit { to, from, reason, kind: Kind::Link }
    }
}

impl Processes {
    /// Sends an exit signal (`erlang:exit/2`): `reason` ends the receiver, unless it traps exits, or the reason is `normal`.
    /// `kill` ends it always, with the reason `killed`. Nothing happens if the receiver is not there.
    ///
    /// `reason` is one well-formed term without version byte.
    ///
    /// # Errors
    /// [`NoProcess`]: the sender is none.
    //= docs/spec/process.md#process-exit-sent
    pub fn exit(
        &mut self,
        by: MailboxId,
        to: &Pid,
        reason: Bytes,
        deliver: &mut impl Deliver,
    ) -> Result<(), NoProcess> {
        self.process(by)?;
        let own = self.identity();
        let from = own.pid(by);
        if to.node == *own.name.as_atom() {
            self.exit_signal(from, to, &reason, deliver);
        } else {
            let signal = Control::Exit2 { from, to: to.clone(), reason, token: None };
            let _ = self.send_to(&to.node, signal, deliver);
        }
        Ok(())
    }

    /// Ends a process by its own will (`erlang:exit/1`). Its mailbox is told nothing. `reason` is as for [`Self::exit`].
    //= docs/spec/process.md#process-end
    pub fn terminate(&mut self, mailbox: MailboxId, reason: &Bytes, deliver: &mut impl Deliver) {
        let mut pending = VecDeque::new();
        self.end(mailbox, &Reason::new(reason), &mut pending, deliver);
        self.deliver_all(pending, deliver);
    }

    /// Ends a process that has too much in its mailbox, with the reason `killed`, as the flag `max_heap_size` of Erlang does. Its mailbox
    /// is told.
    //= docs/spec/process.md#process-mailbox-bound
    pub fn kill(&mut self, mailbox: MailboxId, deliver: &mut impl Deliver) {
        if !self.has(mailbox) {
            return;
        }
        let mut pending = VecDeque::new();
        self.end(mailbox, &KILLED, &mut pending, deliver);
        deliver.event(mailbox, ProcessEvent::Ended { reason: KILLED.external() });
        self.deliver_all(pending, deliver);
    }

    /// Whether exit signals become events instead of ending the process (`process_flag(trap_exit, Flag)`): the old value.
    ///
    /// # Errors
    /// [`NoProcess`].
    //= docs/spec/process.md#process-trap-exit
    pub fn trap_exit(&mut self, mailbox: MailboxId, on: bool) -> Result<bool, NoProcess> {
        let process = self.table.get_mut(&mailbox).ok_or(NoProcess)?;
        Ok(core::mem::replace(&mut process.trap_exit, on))
    }

    /// EXIT2, or `exit/2` of a process of this node.
    pub(super) fn exit_signal(
        &mut self,
        from: Pid,
        to: &Pid,
        reason: &[u8],
        deliver: &mut impl Deliver,
    ) {
        let Some(to) = self.mailbox(to) else { return };
        let reason = Reason::new(reason);
        self.deliver_exits(Pending::Exit { to, from, reason, kind: Kind::Exit2 }, deliver);
    }

    /// The same for the process that has this alias, which stays one.
    //= docs/spec/process.md#process-alias-exit
    pub(super) fn exit_by_alias(
        &mut self,
        from: Pid,
        alias: &Reference,
        reason: &[u8],
        deliver: &mut impl Deliver,
    ) {
        let Some(to) = self.alias_of(alias) else { return };
        let reason = Reason::new(reason);
        self.deliver_exits(Pending::Exit { to, from, reason, kind: Kind::Exit2 }, deliver);
    }

    /// Delivers an exit signal, and all to which it leads.
    pub(super) fn deliver_exits(&mut self, first: Pending, deliver: &mut impl Deliver) {
        self.deliver_all(VecDeque::from([first]), deliver);
    }

    fn deliver_all(&mut self, mut pending: VecDeque<Pending>, deliver: &mut impl Deliver) {
        while let Some(signal) = pending.pop_front() {
            match signal {
                Pending::Exit { to, from, reason, kind } => {
                    self.take_exit(to, from, reason, kind, &mut pending, deliver);
                }
                Pending::Down { monitor, reference, reason } => {
                    if self.table.contains_key(&monitor.by) {
                        Self::down(monitor, reference, &reason, deliver);
                    }
                }
            }
        }
    }

    //= docs/spec/process.md#process-exit-signal
    //= docs/spec/process.md#process-kill
    fn take_exit(
        &mut self,
        to: MailboxId,
        from: Pid,
        reason: Reason,
        kind: Kind,
        pending: &mut VecDeque<Pending>,
        deliver: &mut impl Deliver,
    ) {
        let Some(process) = self.table.get(&to) else { return };
        if process.dispatch.is_some() {
            return;
        }
        let kills = kind == Kind::Exit2 && reason.is("kill");
        if process.trap_exit && !kills {
            return deliver.event(to, ProcessEvent::Exit { from, reason: reason.external() });
        }
        // A process that exits itself normally means it.
        if reason.is("normal") && (kind == Kind::Link || self.mailbox(&from) != Some(to)) {
            return;
        }
        let reason = if kills { KILLED } else { reason };
        self.end(to, &reason, pending, deliver);
        deliver.event(to, ProcessEvent::Ended { reason: reason.external() });
    }

    /// Takes a process out of everything, and tells those who are to know: of this node first, then links, then monitors.
    //= docs/spec/process.md#process-end
    fn end(
        &mut self,
        mailbox: MailboxId,
        reason: &Reason,
        pending: &mut VecDeque<Pending>,
        deliver: &mut impl Deliver,
    ) {
        let Some(process) = self.table.remove(&mailbox) else { return };
        let pid = self.identity().pid(mailbox);
        if let Some(name) = &process.name {
            self.names.remove(name);
        }
        for alias in &process.aliases {
            self.aliases.remove(alias);
        }
        for node in &process.node_monitors {
            if let Some(relations) = self.nodes.get_mut(node) {
                relations.node_monitors.remove(&mailbox);
                self.tidy(node);
            }
        }
        if let Some(node) = &process.spawned_for {
            self.uncount(node);
        }
        for request in &process.spawns {
            self.leave_spawn(request, reason);
        }
        self.end_here(mailbox, &pid, &process, reason, pending);
        self.end_links(mailbox, &pid, &process, reason, deliver);
        self.end_monitors(process, reason, deliver);
    }

    fn end_here(
        &mut self,
        mailbox: MailboxId,
        pid: &Pid,
        process: &Process,
        reason: &Reason,
        pending: &mut VecDeque<Pending>,
    ) {
        for &other in &process.local_links {
            if let Some(other) = self.table.get_mut(&other) {
                other.local_links.remove(&mailbox);
            }
            pending.push_back(Pending::link_exit(other, pid.clone(), reason.clone()));
        }
        for watcher in &process.watchers {
            let Watcher::Local(reference) = watcher else { continue };
            if let Some(monitor) = self.end_monitor(reference) {
                let (reference, reason) = (reference.clone(), reason.clone());
                pending.push_back(Pending::Down { monitor, reference, reason });
            }
        }
    }

    fn end_links(
        &mut self,
        mailbox: MailboxId,
        pid: &Pid,
        process: &Process,
        reason: &Reason,
        deliver: &mut impl Deliver,
    ) {
        for (to, link) in &process.links {
            self.forget_link(mailbox, to, link);
            if link.unlink.is_none() {
                let (from, to, reason) = (pid.clone(), to.clone(), reason.term());
                let node = to.node.clone();
                let _ = deliver.signal(&node, Control::Exit { from, to, reason, token: None });
            }
        }
    }

    fn end_monitors(&mut self, process: Process, reason: &Reason, deliver: &mut impl Deliver) {
        for watcher in process.watchers {
            let Watcher::Remote(node, reference) = watcher else { continue };
            let Some(relations) = self.nodes.get_mut(&node) else { continue };
            let Some(watch) = relations.watches.remove(&reference) else { continue };
            self.tidy(&node);
            let (from, to, reason) = (watch.object, watch.by, reason.term());
            let signal = Control::MonitorPExit { from, to, reference, reason };
            let _ = deliver.signal(&node, signal);
        }
        for reference in process.monitors {
            let Some(monitor) = self.end_monitor(&reference) else { continue };
            if monitor.local.is_none() {
                self.send_demonitor(&monitor, reference, deliver);
            }
        }
    }
}
