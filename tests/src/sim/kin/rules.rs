//! What comes of it: who is told what, and which relations end with it.

use std::collections::VecDeque;

use bytes::Bytes;
use netkernel_core::process::{MonitorAlias, Target};
use netkernel_core::term::{Pid, Reference};
use netkernel_core::{MailboxId, NodeName};

use super::{
    From, KILL, KILLED, Kin, Link, Monitor, NOCONNECTION, NOPROC, NORMAL, Owed, Signal, Until,
    Watched,
};
use crate::sim::letter::Letter;
use crate::sim::observe::Did;

impl Kin {
    pub(super) fn link(&mut self, by: MailboxId, pid: &Pid, did: &Did, lost: bool) {
        if let Some(other) = did.to {
            if other != by {
                self.local_links.extend([(by, other), (other, by)]);
            }
            return;
        }
        let key = (by, pid.clone());
        if did.elsewhere && (!lost || self.links.get(&key) == Some(&Link::Active)) {
            self.links.insert(key, Link::Active);
            return;
        }
        let reason = if did.elsewhere { NOCONNECTION } else { NOPROC };
        let from = From::Pid(pid.clone());
        self.deliver(Signal::Exit { to: by, from, reason, exit_2: false });
    }

    pub(super) fn unlink_here(&mut self, one: MailboxId, other: MailboxId) {
        self.local_links.remove(&(one, other));
        self.local_links.remove(&(other, one));
    }

    pub(super) fn remove_link(&mut self, of: MailboxId, with: &Pid, if_it_is: Link) -> bool {
        let key = (of, with.clone());
        let is_it = self.links.get(&key) == Some(&if_it_is);
        if is_it {
            self.links.remove(&key);
        }
        is_it
    }

    pub(super) fn monitor(
        &mut self,
        by: MailboxId,
        of: &Target,
        alias: Option<MonitorAlias>,
        did: &Did,
        lost: bool,
    ) {
        let Some(reference) = did.reference.clone() else { return };
        let here = match of {
            Target::Pid(_) => did.to,
            Target::Name(name, _) => self.names.get(name).copied(),
        };
        if !did.elsewhere && here == Some(by) {
            return;
        }
        if let Some(alias) = alias {
            self.aliases.insert(reference.clone(), (by, Until::of(alias)));
        }
        let of = match (did.elsewhere, here) {
            (true, _) if !lost => Watched::At(of.node().clone()),
            (false, Some(process)) => Watched::Here(process),
            (elsewhere, _) => {
                self.monitor_of_alias_ended(&reference);
                let reason = if elsewhere { NOCONNECTION } else { NOPROC };
                return self.owe(by, Owed::Down(reference, reason));
            }
        };
        self.monitors.insert(reference, Monitor { by, of });
    }

    pub(super) fn end_monitor(&mut self, reference: &Reference) -> Option<Monitor> {
        self.monitor_of_alias_ended(reference);
        self.monitors.remove(reference)
    }

    pub(super) fn monitor_of_alias_ended(&mut self, reference: &Reference) {
        let until = self.aliases.get(reference).map(|(_, until)| *until);
        if matches!(until, Some(Until::Demonitor | Until::ReplyDemonitor)) {
            self.aliases.remove(reference);
        }
    }

    pub(super) fn monitor_node(&mut self, by: MailboxId, node: &NodeName, on: bool, did: &Did) {
        let key = (node.as_atom().clone(), by);
        match (on, did.elsewhere, did.reached) {
            (true, true, Some(true)) => *self.node_monitors.entry(key).or_default() += 1,
            (true, true, _) => self.owe(by, Owed::NodeDown(key.0)),
            (true, false, _) => {}
            (false, ..) => {
                if let Some(count) = self.node_monitors.get_mut(&key) {
                    *count -= 1;
                }
                self.node_monitors.retain(|_, count| *count > 0);
            }
        }
    }

    pub(super) fn message(&mut self, to: Option<MailboxId>, message: &[u8]) {
        if let Some(letter) = Letter::of_term(message) {
            self.letter(to, letter);
        }
    }

    pub(super) fn letter(&mut self, to: Option<MailboxId>, letter: Letter) {
        if let Some(to) = to {
            self.owe(to, Owed::Letter(letter));
        }
    }

    pub(super) fn letter_to_alias(&mut self, alias: &Reference, letter: Letter) {
        let Some(&(of, until)) = self.aliases.get(alias) else { return };
        self.owe(of, Owed::Letter(letter));
        match until {
            Until::Unalias | Until::Demonitor => {}
            Until::Reply => drop(self.aliases.remove(alias)),
            Until::ReplyDemonitor => drop(self.end_monitor(alias)),
        }
    }

    pub(super) fn owe(&mut self, to: MailboxId, owed: Owed) {
        self.owed.push((to, owed));
    }

    pub(super) fn deliver(&mut self, signal: Signal) {
        self.deliver_all(VecDeque::from([signal]));
    }

    /// In the order in which they were sent.
    pub(super) fn deliver_all(&mut self, mut signals: VecDeque<Signal>) {
        while let Some(signal) = signals.pop_front() {
            match signal {
                Signal::Exit { to, from, reason, exit_2 } => {
                    self.exit(to, from, reason, exit_2, &mut signals);
                }
                Signal::Down { by, reference, reason } => {
                    if self.processes.contains_key(&by) {
                        self.owe(by, Owed::Down(reference, reason));
                    }
                }
            }
        }
    }

    fn exit(
        &mut self,
        to: MailboxId,
        from: From,
        reason: Bytes,
        exit_2: bool,
        signals: &mut VecDeque<Signal>,
    ) {
        let Some(process) = self.processes.get(&to) else { return };
        let kills = exit_2 && *reason == *KILL;
        if process.trap && !kills {
            return self.owe(to, Owed::Exit(from, reason));
        }
        if *reason == *NORMAL && !(exit_2 && from == From::Here(to)) {
            return;
        }
        let reason = if kills { KILLED } else { reason };
        self.end(to, &reason, signals);
        self.owe(to, Owed::Ended(reason));
    }

    pub(super) fn end(
        &mut self,
        process: MailboxId,
        reason: &Bytes,
        signals: &mut VecDeque<Signal>,
    ) {
        self.processes.remove(&process);
        self.names.retain(|_, of| *of != process);
        self.aliases.retain(|_, (of, _)| *of != process);
        self.node_monitors.retain(|(_, by), _| *by != process);
        self.links.retain(|(by, _), _| *by != process);
        self.leave_requests(process, reason);
        let linked: Vec<MailboxId> = self
            .local_links
            .iter()
            .filter(|(one, _)| *one == process)
            .map(|(_, other)| *other)
            .collect();
        for other in linked {
            self.unlink_here(process, other);
            let (from, reason) = (From::Here(process), reason.clone());
            signals.push_back(Signal::Exit { to: other, from, reason, exit_2: false });
        }
        let watchers: Vec<Reference> = self
            .monitors
            .iter()
            .filter(|(_, monitor)| monitor.of == Watched::Here(process))
            .map(|(reference, _)| reference.clone())
            .collect();
        for reference in watchers {
            if let Some(Monitor { by, .. }) = self.end_monitor(&reference) {
                let reason = reason.clone();
                signals.push_back(Signal::Down { by, reference, reason });
            }
        }
        self.monitors.retain(|_, monitor| monitor.by != process);
    }
}
