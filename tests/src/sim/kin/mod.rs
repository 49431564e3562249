//! The processes of one node as `docs/spec/process.md` has them: who has to do with whom, and what they are told.
//!
//! The model is told what processes do, which signals come in and which nodes are lost, and says what has to come into which mailbox
//! because of it. It knows no pids of its own node, and no order of the events of one step.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use netkernel_core::process::{AliasOption, MonitorAlias, ProcessEvent};
use netkernel_core::term::{Atom, Pid, Reference};
use netkernel_core::wire::control::Control;
use netkernel_core::{MailboxId, NodeName};

use super::act::{Act, Receiver};
use super::delivery::Got;
use super::letter::Letter;
use super::observe::Did;

mod rules;
mod spawns;

use spawns::{Answer, Due, Request};

/// The processes of a node.
#[derive(Clone, Debug, Default)]
pub struct Kin {
    processes: BTreeMap<MailboxId, Process>,
    names: BTreeMap<Atom, MailboxId>,
    /// With processes of other nodes.
    links: BTreeMap<(MailboxId, Pid), Link>,
    /// Inside the node; each is here twice.
    local_links: BTreeSet<(MailboxId, MailboxId)>,
    monitors: BTreeMap<Reference, Monitor>,
    aliases: BTreeMap<Reference, (MailboxId, Until)>,
    node_monitors: BTreeMap<(Atom, MailboxId), u64>,
    /// To spawn, and not answered.
    requests: BTreeMap<Reference, Request>,
    /// Nodes that there is a link with, and that do not spawn.
    mute: BTreeSet<Atom>,
    due: Due,
    owed: Vec<(MailboxId, Owed)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Process {
    trap: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Active,
    /// Unlinked with this id; whatever else is known of it, there is no link.
    Unlinked(u64),
}

#[derive(Clone, Debug)]
struct Monitor {
    by: MailboxId,
    of: Watched,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Watched {
    Here(MailboxId),
    At(Atom),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Unalias,
    Reply,
    Demonitor,
    ReplyDemonitor,
}

impl Until {
    const fn of(alias: MonitorAlias) -> Self {
        match alias {
            MonitorAlias::ExplicitUnalias => Self::Unalias,
            MonitorAlias::Demonitor => Self::Demonitor,
            MonitorAlias::ReplyDemonitor => Self::ReplyDemonitor,
        }
    }
}

/// Who a signal comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Here(MailboxId),
    Pid(Pid),
    /// A process of this node that has ended as soon as it began.
    New,
}

/// What has to come into a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owed {
    Letter(Letter),
    Exit(From, Bytes),
    Down(Reference, Bytes),
    NodeDown(Atom),
    SpawnReply(Reference, Answer),
    Ended(Bytes),
}

/// A signal that is not delivered yet.
enum Signal {
    Exit { to: MailboxId, from: From, reason: Bytes, exit_2: bool },
    Down { by: MailboxId, reference: Reference, reason: Bytes },
}

const NORMAL: &[u8] = b"\x77\x06normal";
const KILL: &[u8] = b"\x77\x04kill";
const KILLED: Bytes = Bytes::from_static(b"\x77\x06killed");
const NOPROC: Bytes = Bytes::from_static(b"\x77\x06noproc");
const NOCONNECTION: Bytes = Bytes::from_static(b"\x77\x0cnoconnection");

/// What happens.
impl Kin {
    /// A process has done something.
    pub fn acted(&mut self, by: MailboxId, did: &Did) {
        let lost = did.reached == Some(false);
        match &did.act {
            Act::Begin => drop(self.processes.insert(by, Process::default())),
            Act::Register(name) => {
                if !self.names.values().any(|process| *process == by) {
                    self.names.entry(name.clone()).or_insert(by);
                }
            }
            Act::Link(pid) => self.link(by, pid, did, lost),
            Act::Unlink(pid) => match (did.to, self.links.get_mut(&(by, pid.clone()))) {
                (Some(other), _) => self.unlink_here(by, other),
                (None, Some(link @ Link::Active)) => {
                    *link = Link::Unlinked(did.unlink.map_or(0, Into::into));
                }
                (None, _) => {}
            },
            Act::Monitor(of, alias) => self.monitor(by, of, *alias, did, lost),
            Act::Demonitor(reference) => {
                if self.monitors.get(reference).is_some_and(|monitor| monitor.by == by) {
                    self.end_monitor(reference);
                }
            }
            Act::Send(to, letter, _) if !did.elsewhere => match to {
                Receiver::Pid(_) => self.letter(did.to, *letter),
                Receiver::Name(name, _) => self.letter(self.names.get(name).copied(), *letter),
                Receiver::Alias(alias) => self.letter_to_alias(alias, *letter),
            },
            Act::Send(..) => {}
            Act::Exit(_, reason) => {
                if let Some(to) = did.to {
                    let reason = reason.to_term();
                    self.deliver(Signal::Exit { to, from: From::Here(by), reason, exit_2: true });
                }
            }
            Act::Terminate(reason) => {
                let mut signals = VecDeque::new();
                self.end(by, &reason.to_term(), &mut signals);
                self.deliver_all(signals);
            }
            Act::Trap(on) => {
                if let Some(process) = self.processes.get_mut(&by) {
                    process.trap = *on;
                }
            }
            Act::Alias(option) => {
                let until = match option {
                    AliasOption::ExplicitUnalias => Until::Unalias,
                    AliasOption::Reply => Until::Reply,
                };
                self.aliases.extend(did.reference.clone().map(|it| (it, (by, until))));
            }
            Act::Unalias(alias) => {
                if self.aliases.get(alias).is_some_and(|(of, _)| *of == by) {
                    self.aliases.remove(alias);
                }
            }
            Act::MonitorNode(node, on) => self.monitor_node(by, node, *on, did),
            Act::Spawn(node, wanted) => self.asked(by, node, wanted, did),
            Act::Abandon(request) => self.abandoned(by, request),
        }
    }

    /// A signal came in from that node; `to` is the process that its pid means.
    pub fn arrived(&mut self, node: &NodeName, to: Option<MailboxId>, signal: &Control) {
        match (signal, to.filter(|to| self.processes.contains_key(to))) {
            (Control::Send { message, .. }, Some(to)) => self.message(Some(to), message),
            (Control::RegSend { to, message, .. }, _) => {
                self.message(self.names.get(to).copied(), message);
            }
            (Control::AliasSend { to, message, .. }, _) => {
                if let Some(letter) = Letter::of_term(message) {
                    self.letter_to_alias(to, letter);
                }
            }
            // One that crossed an unlink is void.
            (Control::Link { from, .. }, Some(to)) => {
                self.links.entry((to, from.clone())).or_insert(Link::Active);
            }
            (Control::UnlinkId { from, .. }, Some(to)) => {
                self.remove_link(to, from, Link::Active);
            }
            (Control::UnlinkIdAck { id, from, .. }, Some(to)) => {
                self.remove_link(to, from, Link::Unlinked(*id));
            }
            (Control::Exit { from, reason, .. }, Some(to)) => {
                // An unlink that waits is over, too: of a process of an earlier incarnation there is no acknowledgement.
                if self.links.remove(&(to, from.clone())) == Some(Link::Active) {
                    let (from, reason) = (From::Pid(from.clone()), reason.clone());
                    self.deliver(Signal::Exit { to, from, reason, exit_2: false });
                }
            }
            (Control::Exit2 { from, reason, .. }, Some(to)) => {
                let (from, reason) = (From::Pid(from.clone()), reason.clone());
                self.deliver(Signal::Exit { to, from, reason, exit_2: true });
            }
            (Control::MonitorPExit { reference, reason, .. }, Some(to)) => {
                let is_it = |monitor: &Monitor| {
                    monitor.by == to && monitor.of == Watched::At(node.as_atom().clone())
                };
                if self.monitors.get(reference).is_some_and(is_it) {
                    self.end_monitor(reference);
                    self.owe(to, Owed::Down(reference.clone(), reason.clone()));
                }
            }
            (Control::SpawnRequest(request), _) => self.spawn_arrived(request),
            (Control::SpawnReply { request, to, flags, result, .. }, _) => {
                self.answered(node, request, (to, *flags), result);
            }
            // Who is watched, and by whom, tells no process anything.
            (
                Control::MonitorP { .. }
                | Control::DemonitorP { .. }
                | Control::GroupLeader { .. }
                | Control::LinkNoPid { .. }
                | Control::ExitNoPid { .. }
                | Control::Altact { .. },
                _,
            )
            | (
                Control::Send { .. }
                | Control::Link { .. }
                | Control::UnlinkId { .. }
                | Control::UnlinkIdAck { .. }
                | Control::Exit { .. }
                | Control::Exit2 { .. }
                | Control::MonitorPExit { .. },
                None,
            ) => {}
        }
    }

    /// That node is not reached any more: each relation with it ends, once.
    pub fn lost(&mut self, node: &NodeName) {
        let node = node.as_atom();
        let links: Vec<_> =
            self.links.keys().filter(|(_, pid)| pid.node == *node).cloned().collect();
        for (to, pid) in links {
            if self.links.remove(&(to, pid.clone())) == Some(Link::Active) {
                let (from, reason) = (From::Pid(pid), NOCONNECTION);
                self.deliver(Signal::Exit { to, from, reason, exit_2: false });
            }
        }
        let there = |monitor: &Monitor| monitor.of == Watched::At(node.clone());
        let monitors: Vec<Reference> = self
            .monitors
            .iter()
            .filter(|(_, monitor)| there(monitor))
            .map(|(reference, _)| reference.clone())
            .collect();
        for reference in monitors {
            if let Some(monitor) = self.end_monitor(&reference) {
                self.owe(monitor.by, Owed::Down(reference, NOCONNECTION));
            }
        }
        self.requests_lost(node);
        let all = core::mem::take(&mut self.node_monitors);
        for ((other, by), count) in all {
            if other == *node {
                (0..count).for_each(|_| self.owe(by, Owed::NodeDown(other.clone())));
            } else {
                self.node_monitors.insert((other, by), count);
            }
        }
    }

    /// Something came into a mailbox.
    ///
    /// # Errors
    /// It did not have to.
    pub fn got(&mut self, to: MailboxId, got: &Got) -> Result<(), String> {
        let is_it = |(of, owed): &(MailboxId, Owed)| *of == to && owed.is(got);
        match self.owed.iter().position(is_it) {
            Some(at) => drop(self.owed.remove(at)),
            None => return Err(format!("{to:?} got {got:?}, which nobody sent it")),
        }
        Ok(())
    }

    /// What has not come.
    ///
    /// # Errors
    /// That.
    pub fn settled(&self) -> Result<(), String> {
        match self.owed.first() {
            Some((to, owed)) => Err(format!("{to:?} did not get {owed:?}")),
            None => self.nothing_due(),
        }
    }
}

/// What can be asked.
impl Kin {
    /// The processes that there are.
    pub fn processes(&self) -> impl Iterator<Item = MailboxId> {
        self.processes.keys().copied()
    }

    /// Aliases of all processes.
    #[must_use]
    pub fn aliases(&self) -> usize {
        self.aliases.len()
    }

    /// Processes of other nodes that a process is linked with.
    pub fn links(&self, of: MailboxId) -> impl Iterator<Item = &Pid> {
        let links =
            self.links.iter().filter(move |((by, _), link)| *by == of && **link == Link::Active);
        links.map(|((_, pid), _)| pid)
    }

    /// Processes of this node that a process is linked with.
    #[must_use]
    pub fn local_links(&self, of: MailboxId) -> usize {
        self.local_links.iter().filter(|(one, _)| *one == of).count()
    }

    /// The monitors that a process has.
    pub fn monitors(&self, of: MailboxId) -> impl Iterator<Item = &Reference> {
        let monitors = self.monitors.iter().filter(move |(_, monitor)| monitor.by == of);
        monitors.map(|(reference, _)| reference)
    }

    /// Requests to spawn that are not answered.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    /// Pairs of a process and a node that it monitors.
    #[must_use]
    pub fn node_monitors(&self) -> usize {
        self.node_monitors.len()
    }

    /// The nodes that any link, monitor, monitor of a node or request to spawn is with.
    #[must_use]
    pub fn nodes(&self) -> BTreeSet<Atom> {
        let links = self.links.keys().map(|(_, pid)| &pid.node);
        let monitors = self.monitors.values().filter_map(|monitor| match &monitor.of {
            Watched::Here(_) => None,
            Watched::At(node) => Some(node),
        });
        let node_monitors = self.node_monitors.keys().map(|(node, _)| node);
        let requests = self.requests.values().map(|request| &request.node);
        links.chain(monitors).chain(node_monitors).chain(requests).cloned().collect()
    }
}

impl Owed {
    fn is(&self, got: &Got) -> bool {
        match (self, got) {
            (Self::Letter(letter), Got::Letter(got)) => Some(*letter) == *got,
            (
                Self::Exit(from, reason),
                Got::Event(ProcessEvent::Exit { from: pid, reason: got }),
            ) => {
                is_reason(reason, got)
                    && match from {
                        From::Here(process) => process.get() == u64::from(pid.id),
                        From::Pid(from) => from == pid,
                        From::New => true,
                    }
            }
            (
                Self::Down(reference, reason),
                Got::Event(ProcessEvent::Down { reference: of, reason: got, .. }),
            ) => reference == of && is_reason(reason, got),
            (Self::NodeDown(node), Got::Event(ProcessEvent::NodeDown(got))) => {
                node == got.as_atom()
            }
            (
                Self::SpawnReply(request, answer),
                Got::Event(ProcessEvent::SpawnReply { request: of, result, .. }),
            ) => request == of && answer.is(result),
            (Self::Ended(reason), Got::Event(ProcessEvent::Ended { reason: got })) => {
                is_reason(reason, got)
            }
            (
                Self::Letter(_)
                | Self::Exit(..)
                | Self::Down(..)
                | Self::NodeDown(_)
                | Self::SpawnReply(..)
                | Self::Ended(_),
                _,
            ) => false,
        }
    }
}

/// A term is the same with its version byte.
fn is_reason(reason: &[u8], got: &[u8]) -> bool {
    got.strip_prefix(&[131]) == Some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::num::NonZeroU64;
    use netkernel_core::Creation;
    use netkernel_core::process::Processes;

    #[test]
    fn the_end_of_a_process_ends_the_unlink_that_waits_for_it() {
        let by = Processes::new().spawn_mailbox();
        let node = NodeName::new("n1@h").unwrap();
        let pid = |node: &str| {
            let node = Atom::new(node).unwrap();
            Pid { node, id: 3, serial: 0, creation: Creation(4) }
        };
        let [own, other] = ["n0@h", "n1@h"].map(pid);
        let did = |act, unlink| Did {
            act,
            to: None,
            elsewhere: true,
            reached: None,
            reference: None,
            unlink,
        };
        let mut kin = Kin::default();
        kin.acted(by, &did(Act::Begin, None));
        kin.acted(by, &did(Act::Link(other.clone()), None));
        kin.acted(by, &did(Act::Unlink(other.clone()), NonZeroU64::new(1)));
        assert_eq!((kin.links(by).count(), kin.nodes().len()), (0, 1));
        let end = Control::Exit { from: other, to: own, reason: NOPROC, token: None };
        kin.arrived(&node, Some(by), &end);
        assert_eq!((kin.nodes().len(), kin.settled()), (0, Ok(())));
    }
}
