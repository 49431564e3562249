//! Monitors of processes, by pid and by name.

use alloc::collections::btree_map::Entry;
use bytes::Bytes;

use super::addressed::Place;
use super::reason::{NOCONNECTION, NOPROC, Reason};
use super::relations::{Monitor, Watch, Watcher};
use super::signals::answer;
use super::{Deliver, MonitorAlias, NoProcess, Origin, ProcessEvent, Processes, Reach, Target};
use crate::ids::MailboxId;
use crate::stream::Violation;
use crate::term::{Atom, Pid, Reference};
use crate::wire::control::{Control, Monitored};

/// What local processes do.
impl Processes {
    /// Has a process told once when another one ends (`erlang:monitor/3`), or at once if that is not there or cannot be reached:
    /// the reference that [`ProcessEvent::Down`] will have. With `alias`, messages can be sent to the reference, too. A monitor of oneself is nothing, and no alias
    /// either.
    ///
    /// A peer that did not agree to monitors is not told; the end of the link ends the monitor all the same.
    ///
    /// # Errors
    /// [`NoProcess`].
    //= docs/spec/process.md#process-monitor
    pub fn monitor(
        &mut self,
        by: MailboxId,
        of: Target,
        alias: Option<MonitorAlias>,
        deliver: &mut impl Deliver,
    ) -> Result<Reference, NoProcess> {
        self.process(by)?;
        let (reference, local) = (self.make_reference(), self.find(&of));
        //= docs/spec/process.md#process-monitor-self
        if local == Some(by) {
            return Ok(reference);
        }
        if let Some(option) = alias {
            self.add_monitor_alias(by, &reference, option);
        }
        let monitor = Monitor { by, local, of, tag: None };
        let failure = if self.is_elsewhere(&monitor.of) {
            let (from, to) = (self.identity().pid(by), monitor.of.monitored());
            let signal = Control::MonitorP { from, to, reference: reference.clone() };
            let reach = self.send_to(monitor.of.node(), signal, deliver);
            (reach == Reach::NoConnection).then_some(NOCONNECTION)
        } else {
            monitor.local.is_none().then_some(NOPROC)
        };
        match failure {
            None => self.add_monitor(monitor, &reference),
            Some(reason) => {
                self.monitor_of_alias_ended(&reference);
                Self::down(monitor, reference.clone(), &reason, deliver);
            }
        }
        Ok(reference)
    }

    /// Ends a monitor of a process (`erlang:demonitor/1`): whether it had it still. What is in the mailbox already stays there;
    /// nothing comes any more.
    //= docs/spec/process.md#process-demonitor
    pub fn demonitor(
        &mut self,
        by: MailboxId,
        reference: &Reference,
        deliver: &mut impl Deliver,
    ) -> bool {
        if self.monitors.get(reference).is_none_or(|monitor| monitor.by != by) {
            return false;
        }
        let Some(monitor) = self.end_monitor(reference) else { return false };
        if monitor.local.is_none() {
            self.send_demonitor(&monitor, reference.clone(), deliver);
        }
        true
    }

    pub(super) fn send_demonitor(
        &self,
        monitor: &Monitor,
        reference: Reference,
        deliver: &mut impl Deliver,
    ) {
        let (from, to) = (self.identity().pid(monitor.by), monitor.of.monitored());
        let signal = Control::DemonitorP { from, to, reference };
        let _ = deliver.signal(monitor.of.node(), signal);
    }

    /// Tells the process that had this monitor. The monitor is no more.
    pub(super) fn down(
        monitor: Monitor,
        reference: Reference,
        reason: &Reason,
        deliver: &mut impl Deliver,
    ) {
        let Monitor { by, of: object, tag, .. } = monitor;
        let event = ProcessEvent::Down { reference, object, reason: reason.external(), tag };
        deliver.event(by, event);
    }

    fn is_elsewhere(&self, target: &Target) -> bool {
        match target {
            Target::Pid(pid) => self.identity().place(pid) == Place::Elsewhere,
            Target::Name(_, node) => self.identity().name != *node,
        }
    }

    /// The process, if it is one of this node.
    fn find(&self, target: &Target) -> Option<MailboxId> {
        match target {
            Target::Pid(pid) => self.mailbox(pid),
            Target::Name(name, node) => {
                self.whereis(name).filter(|_| self.identity().name == *node)
            }
        }
    }
}

/// What peers do.
impl Processes {
    /// MONITOR_P, of anything but a service.
    //= docs/spec/process.md#process-monitor-received
    //= docs/spec/process.md#process-monitor-noproc
    pub(super) fn monitor_received(
        &mut self,
        origin: &Origin,
        by: Pid,
        object: Monitored,
        reference: Reference,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        let of = match &object {
            Monitored::Pid(pid) => self.mailbox(pid),
            Monitored::Name(name) => self.whereis(name),
        };
        let Some(of) = of else {
            let reason = NOPROC.term();
            let noproc = Control::MonitorPExit { from: object, to: by, reference, reason };
            return answer(origin, &noproc, deliver);
        };
        let node = origin.node.as_atom();
        let relations = self.nodes.get(node);
        let is_known = relations.is_some_and(|it| it.watches.contains_key(&reference));
        //= docs/spec/process.md#process-limits
        if !is_known
            && relations.is_some_and(|it| it.watches.len() >= self.limits.monitors_per_peer)
        {
            return Err(Violation::TooManyMonitors);
        }
        self.add_watch(node, reference, Watch { of, by, object });
        Ok(())
    }

    /// DEMONITOR_P.
    //= docs/spec/process.md#process-demonitor-received
    pub(super) fn demonitor_received(&mut self, origin: &Origin, by: &Pid, reference: Reference) {
        let node = origin.node.as_atom();
        let Some(relations) = self.nodes.get_mut(node) else { return };
        if relations.watches.get(&reference).is_none_or(|watch| watch.by != *by) {
            return;
        }
        let Some(watch) = relations.watches.remove(&reference) else { return };
        self.tidy(node);
        if let Some(process) = self.table.get_mut(&watch.of) {
            process.watchers.remove(&Watcher::Remote(node.clone(), reference));
        }
    }

    /// MONITOR_P_EXIT; `false` if there is no such monitor of that node's processes.
    //= docs/spec/process.md#process-down
    pub(super) fn monitor_exit_received(
        &mut self,
        origin: &Origin,
        to: &Pid,
        reference: &Reference,
        reason: &Bytes,
        deliver: &mut impl Deliver,
    ) -> bool {
        let Some(monitor) = self.monitors.get(reference) else { return false };
        if monitor.of.node() != origin.node.as_atom() || self.mailbox(to) != Some(monitor.by) {
            return false;
        }
        if let Some(monitor) = self.end_monitor(reference) {
            Self::down(monitor, reference.clone(), &Reason::new(reason), deliver);
        }
        true
    }
}

/// The rows.
impl Processes {
    /// `false` if there is one with that reference, which is used once.
    pub(super) fn add_watch(&mut self, node: &Atom, reference: Reference, watch: Watch) -> bool {
        let relations = self.nodes.entry(node.clone()).or_default();
        let Entry::Vacant(place) = relations.watches.entry(reference.clone()) else { return false };
        let of = watch.of;
        place.insert(watch);
        if let Some(process) = self.table.get_mut(&of) {
            process.watchers.insert(Watcher::Remote(node.clone(), reference));
        }
        true
    }

    pub(super) fn add_monitor(&mut self, monitor: Monitor, reference: &Reference) {
        if let Some(process) = self.table.get_mut(&monitor.by) {
            process.monitors.insert(reference.clone());
        }
        match monitor.local.map(|of| self.table.get_mut(&of)) {
            Some(Some(process)) => {
                process.watchers.insert(Watcher::Local(reference.clone()));
            }
            Some(None) => {}
            None => {
                let relations = self.nodes.entry(monitor.of.node().clone()).or_default();
                relations.monitors.insert(reference.clone());
            }
        }
        self.monitors.insert(reference.clone(), monitor);
    }

    /// Removes a monitor, and its alias if that lasts no longer.
    pub(super) fn end_monitor(&mut self, reference: &Reference) -> Option<Monitor> {
        let monitor = self.monitors.remove(reference)?;
        self.monitor_of_alias_ended(reference);
        if let Some(process) = self.table.get_mut(&monitor.by) {
            process.monitors.remove(reference);
        }
        match monitor.local {
            Some(of) => {
                if let Some(process) = self.table.get_mut(&of) {
                    process.watchers.remove(&Watcher::Local(reference.clone()));
                }
            }
            None => {
                let node = monitor.of.node();
                if let Some(relations) = self.nodes.get_mut(node) {
                    relations.monitors.remove(reference);
                    self.tidy(node);
                }
            }
        }
        Some(monitor)
    }
}
