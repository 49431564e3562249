//! Requests to spawn: those that processes of this node make, and those that come in.

use std::collections::VecDeque;

use bytes::Bytes;
use netkernel_core::process::{ReplyWhen, SpawnFailure};
use netkernel_core::term::{Atom, Limits, Pid, Reader, Reference};
use netkernel_core::wire::control::{Control, Monitored, SpawnFlags, SpawnRequest, Spawned};
use netkernel_core::{Flags, MailboxId, NodeName};

use super::{From, Kin, Link, Monitor, Owed, Process, Signal, Until, Watched};
use crate::sim::act::{SERVED, Wanted};
use crate::sim::observe::Did;

const ABANDONED: Bytes = Bytes::from_static(b"\x77\x09abandoned");
const SYSTEM_LIMIT: Bytes = Bytes::from_static(b"\x77\x0csystem_limit");

/// A request that another node has not answered.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) by: MailboxId,
    pub(super) node: Atom,
    wanted: Wanted,
    /// The process has ended, for this reason; the new one is to be told.
    left: Option<Bytes>,
}

/// What has to be answered and sent in this step.
#[derive(Clone, Debug, Default)]
pub(super) struct Due {
    answers: Vec<SpawnRequest>,
    signals: Vec<Control>,
    /// A process that is not known to run: its pid, and who is linked with it.
    born: Option<Born>,
}

#[derive(Clone, Debug)]
struct Born {
    pid: Pid,
    parent: Pid,
    request: Reference,
    flags: SpawnFlags,
}

/// What is told of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Pid(Pid),
    /// A process of this node, if it is still there.
    Here(Option<MailboxId>),
    Failed(Atom),
}

impl Answer {
    pub(super) fn is(&self, result: &Result<Pid, SpawnFailure>) -> bool {
        match (self, result) {
            (Self::Pid(pid), Ok(got)) => pid == got,
            (Self::Here(process), Ok(got)) => {
                process.is_none_or(|process| process.get() == u64::from(got.id))
            }
            (Self::Failed(reason), Err(got)) => *reason == got.to_atom(),
            (Self::Pid(_) | Self::Here(_), Err(_)) | (Self::Failed(_), Ok(_)) => false,
        }
    }
}

/// What happens to requests of this node's processes.
impl Kin {
    pub(super) fn asked(&mut self, by: MailboxId, node: &NodeName, wanted: &Wanted, did: &Did) {
        let Some(request) = did.reference.clone() else { return };
        if !did.elsewhere {
            return self.spawned_here(by, request, wanted, did.to);
        }
        let failure = if did.reached == Some(false) {
            SpawnFailure::NoConnection
        } else if self.mute.contains(node.as_atom()) {
            SpawnFailure::NotSupported
        } else {
            let node = node.as_atom().clone();
            self.requests.insert(request, Request { by, node, wanted: *wanted, left: None });
            return;
        };
        self.refused(by, &request, wanted, &failure.to_atom());
    }

    fn spawned_here(
        &mut self,
        by: MailboxId,
        request: Reference,
        wanted: &Wanted,
        child: Option<MailboxId>,
    ) {
        if wanted.bad_option {
            return self.refused(by, &request, wanted, &SpawnFailure::BadOption.to_atom());
        }
        self.tell(by, &request, wanted, Answer::Here(child));
        if let Some(alias) = wanted.monitor.flatten() {
            self.aliases.insert(request.clone(), (by, Until::of(alias)));
        }
        if let Some(child) = child {
            self.processes.insert(child, Process::default());
            if wanted.link {
                self.local_links.extend([(by, child), (child, by)]);
            }
            if wanted.monitor.is_some() {
                self.monitors.insert(request, Monitor { by, of: Watched::Here(child) });
            }
            return;
        }
        // It has ended as soon as it began.
        let reason = match wanted.mfa() {
            Some(mfa) if !wanted.served => {
                let called = mfa.function();
                undef(&called.module, &called.function, mfa.encoded())
            }
            _ => SYSTEM_LIMIT,
        };
        let mut signals = VecDeque::new();
        if wanted.link {
            let (from, reason) = (From::New, reason.clone());
            signals.push_back(Signal::Exit { to: by, from, reason, exit_2: false });
        }
        if wanted.monitor.is_some() {
            self.monitor_of_alias_ended(&request);
            signals.push_back(Signal::Down { by, reference: request, reason });
        }
        self.deliver_all(signals);
    }

    pub(super) fn abandoned(&mut self, by: MailboxId, request: &Reference) {
        let is_it = |it: &Request| it.by == by && it.left.is_none();
        if self.requests.get(request).is_some_and(is_it) {
            self.requests.remove(request);
        }
    }

    /// A process has ended that may wait for answers.
    pub(super) fn leave_requests(&mut self, process: MailboxId, reason: &Bytes) {
        self.requests.retain(|_, it| it.by != process || it.wanted.link);
        for request in self.requests.values_mut().filter(|it| it.by == process) {
            request.left.get_or_insert_with(|| reason.clone());
        }
    }

    /// An answer has come.
    pub(super) fn answered(
        &mut self,
        node: &NodeName,
        request: &Reference,
        (to, flags): (&Pid, SpawnFlags),
        result: &Spawned,
    ) {
        let was_asked = self.requests.get(request).is_some_and(|it| it.node == *node.as_atom());
        let row = if was_asked { self.requests.remove(request) } else { None };
        match (row, result) {
            (Some(Request { by, wanted, left: None, .. }), Spawned::Error(reason)) => {
                self.refused(by, request, &wanted, reason);
            }
            (_, Spawned::Error(_)) => {}
            (Some(Request { by, wanted, left: None, .. }), Spawned::Pid(pid)) => {
                if flags.contains(SpawnFlags::LINK) {
                    self.links.insert((by, pid.clone()), Link::Active);
                }
                if let Some(alias) = wanted.monitor {
                    self.aliases.extend(alias.map(|it| (request.clone(), (by, Until::of(it)))));
                    let of = Watched::At(node.as_atom().clone());
                    self.monitors.insert(request.clone(), Monitor { by, of });
                }
                self.tell(by, request, &wanted, Answer::Pid(pid.clone()));
            }
            (row, Spawned::Pid(pid)) => {
                let reason = row.and_then(|it| it.left).unwrap_or(ABANDONED);
                self.unwanted(request, (to, pid), flags, reason);
            }
        }
    }

    /// What a new process was given is taken back.
    fn unwanted(
        &mut self,
        request: &Reference,
        (parent, child): (&Pid, &Pid),
        flags: SpawnFlags,
        reason: Bytes,
    ) {
        if flags.contains(SpawnFlags::MONITOR) {
            self.due.signals.push(Control::DemonitorP {
                from: parent.clone(),
                to: Monitored::Pid(child.clone()),
                reference: request.clone(),
            });
        }
        if flags.contains(SpawnFlags::LINK) {
            let (from, to) = (parent.clone(), child.clone());
            self.due.signals.push(Control::Exit { from, to, reason, token: None });
        }
    }

    /// A link with that node is up.
    pub fn up(&mut self, node: &NodeName, flags: Flags) {
        if flags.contains(Flags::SPAWN) {
            return;
        }
        self.mute.insert(node.as_atom().clone());
        self.fail_requests(node.as_atom(), &SpawnFailure::NotSupported.to_atom());
    }

    /// That node is not reached any more.
    pub(super) fn requests_lost(&mut self, node: &Atom) {
        self.mute.remove(node);
        self.fail_requests(node, &SpawnFailure::NoConnection.to_atom());
    }

    fn fail_requests(&mut self, node: &Atom, reason: &Atom) {
        let all = core::mem::take(&mut self.requests);
        for (reference, request) in all {
            if request.node != *node {
                self.requests.insert(reference, request);
            } else if request.left.is_none() {
                self.refused(request.by, &reference, &request.wanted, reason);
            }
        }
    }

    fn refused(&mut self, by: MailboxId, request: &Reference, wanted: &Wanted, reason: &Atom) {
        self.tell(by, request, wanted, Answer::Failed(reason.clone()));
    }

    fn tell(&mut self, by: MailboxId, request: &Reference, wanted: &Wanted, answer: Answer) {
        let told = match (&wanted.when, &answer) {
            (ReplyWhen::Yes, _) => true,
            (ReplyWhen::No, _) => false,
            (ReplyWhen::SuccessOnly, answer) => !matches!(answer, Answer::Failed(_)),
            (ReplyWhen::ErrorOnly, answer) => matches!(answer, Answer::Failed(_)),
        };
        if told {
            self.owe(by, Owed::SpawnReply(request.clone(), answer));
        }
    }
}

/// What happens to requests of other nodes.
impl Kin {
    pub(super) fn spawn_arrived(&mut self, request: &SpawnRequest) {
        self.due.answers.push(request.clone());
    }

    /// A signal was sent.
    ///
    /// # Errors
    /// It is an answer to a request to spawn, and another one than it has to be.
    pub fn signalled(&mut self, signal: &Control) -> Result<(), String> {
        if let Some(at) = self.due.signals.iter().position(|due| due == signal) {
            self.due.signals.remove(at);
        }
        let Control::SpawnReply { request, to, flags, result, .. } = signal else { return Ok(()) };
        let is_it = |it: &SpawnRequest| it.request == *request && it.from == *to;
        let Some(at) = self.due.answers.iter().position(is_it) else {
            return Err(format!("{signal:?}, which nobody asked for"));
        };
        let asked = self.due.answers.remove(at);
        let right = match (options(&asked.options), result) {
            (None, Spawned::Error(reason)) => reason.as_str() == "badopt",
            (Some(wanted), Spawned::Pid(_)) => *flags == wanted,
            (None, Spawned::Pid(_)) | (Some(_), Spawned::Error(_)) => false,
        };
        if !right {
            return Err(format!("{signal:?} is the answer to {asked:?}"));
        }
        if let Spawned::Pid(pid) = result {
            let (pid, parent, request) = (pid.clone(), to.clone(), request.clone());
            let born = Born { pid, parent, request, flags: *flags };
            if (asked.module.as_str(), asked.function.as_str()) == SERVED {
                self.due.born = Some(born);
            } else {
                let reason = undef(&asked.module, &asked.function, &asked.arguments);
                self.due_end(&born, &reason);
            }
        }
        Ok(())
    }

    /// A new process runs, or cannot.
    pub fn started(&mut self, process: MailboxId, runs: bool) {
        // One that was spawned here is told of with the call.
        let is_it = |born: &mut Born| u64::from(born.pid.id) == process.get();
        let Some(born) = self.due.born.take_if(is_it) else { return };
        if !runs {
            return self.due_end(&born, &SYSTEM_LIMIT);
        }
        self.processes.insert(process, Process::default());
        if born.flags.contains(SpawnFlags::LINK) {
            self.links.insert((process, born.parent), Link::Active);
        }
    }

    fn due_end(&mut self, born: &Born, reason: &Bytes) {
        let Born { pid, parent, request, flags } = born;
        if flags.contains(SpawnFlags::LINK) {
            let (from, to) = (pid.clone(), parent.clone());
            let exit = Control::Exit { from, to, reason: reason.clone(), token: None };
            self.due.signals.push(exit);
        }
        if flags.contains(SpawnFlags::MONITOR) {
            self.due.signals.push(Control::MonitorPExit {
                from: Monitored::Pid(pid.clone()),
                to: parent.clone(),
                reference: request.clone(),
                reason: reason.clone(),
            });
        }
    }

    /// What was not answered or sent.
    ///
    /// # Errors
    /// That.
    pub(super) fn nothing_due(&self) -> Result<(), String> {
        let Due { answers, signals, born } = &self.due;
        if answers.is_empty() && signals.is_empty() && born.is_none() {
            return Ok(());
        }
        Err(format!("did not send {:?}", self.due))
    }
}

/// What options ask for; `None` if they are not to be taken.
fn options(options: &[u8]) -> Option<SpawnFlags> {
    let term = Reader::new(options).term(&Limits::default()).ok()?;
    let mut flags = SpawnFlags::NONE;
    for option in term.as_list()? {
        match option.as_atom().map(Atom::as_str) {
            Some("link") => flags = flags.with(SpawnFlags::LINK),
            Some("monitor") => flags = flags.with(SpawnFlags::MONITOR),
            Some(_) => return None,
            None => {}
        }
    }
    Some(flags)
}

/// `{undef,[{Module,Function,Arguments,[]}]}`.
fn undef(module: &Atom, function: &Atom, arguments: &[u8]) -> Bytes {
    let atom = |atom: &Atom| [&[119, atom.len() as u8], atom.as_bytes()].concat();
    let undef = b"\x68\x02\x77\x05undef\x6c\0\0\0\x01\x68\x04";
    [&undef[..], &atom(module), &atom(function), arguments, b"\x6a\x6a"].concat().into()
}

#[cfg(test)]
mod tests {
    use netkernel_core::Creation;
    use netkernel_core::process::Processes;

    use super::*;
    use crate::sim::ActorId;
    use crate::sim::letter::Letter;

    fn pid(node: &str, id: u32) -> Pid {
        Pid { node: Atom::new(node).unwrap(), id, serial: 0, creation: Creation(4) }
    }

    /// A request for a linked process, and its answer with these flags.
    fn request(served: bool, flags: SpawnFlags, child: u32) -> (Control, Control) {
        let request = Reference::new(Atom::new("a@h").unwrap(), Creation(4), &[1, 2, 3]).unwrap();
        let letter = Letter { from: ActorId(0), life: 1, number: 1 };
        let wanted = Wanted {
            served,
            link: true,
            monitor: None,
            when: ReplyWhen::Yes,
            bad_option: false,
            letter,
        };
        let (mfa, parent) = (wanted.mfa().unwrap(), pid("a@h", 1));
        let asked = Control::SpawnRequest(Box::new(SpawnRequest {
            request: request.clone(),
            from: parent.clone(),
            leader: parent.clone(),
            module: mfa.function().module.clone(),
            function: mfa.function().function.clone(),
            arity: 1,
            options: Bytes::from_static(b"l\0\0\0\x01w\x04linkj"),
            arguments: mfa.encoded().clone(),
            token: None,
        }));
        let result = Spawned::Pid(pid("b@h", child));
        (asked, Control::SpawnReply { request, to: parent, flags, result, token: None })
    }

    #[test]
    fn a_request_of_another_node_is_answered_at_once_and_as_it_asks() {
        let (node, process) = ("a@h".parse().unwrap(), Processes::new().spawn_mailbox());
        let child = u32::try_from(process.get()).unwrap();
        let (asked, answer) = request(true, SpawnFlags::LINK, child);
        let mut kin = Kin::default();
        kin.arrived(&node, None, &asked);
        assert!(kin.settled().is_err(), "it is not answered");
        let (_, wrong) = request(true, SpawnFlags::NONE, child);
        assert!(kin.clone().signalled(&wrong).is_err(), "it is not linked");
        assert_eq!(kin.signalled(&answer), Ok(()));
        assert!(kin.settled().is_err(), "nothing runs");
        kin.started(process, true);
        assert_eq!(kin.settled(), Ok(()));
        assert!(kin.signalled(&answer).is_err(), "it is answered once");
        assert_eq!(kin.links(process).count(), 1);
    }

    #[test]
    fn a_process_that_cannot_run_says_so_behind_its_answer() {
        let node = "a@h".parse().unwrap();
        let (asked, answer) = request(false, SpawnFlags::LINK, 7);
        let Control::SpawnRequest(of) = &asked else { unreachable!() };
        let mut kin = Kin::default();
        kin.arrived(&node, None, &asked);
        assert_eq!(kin.signalled(&answer), Ok(()));
        assert!(kin.settled().is_err(), "its end is not told");
        let reason = undef(&of.module, &of.function, &of.arguments);
        let (from, to) = (pid("b@h", 7), of.from.clone());
        assert_eq!(kin.signalled(&Control::Exit { from, to, reason, token: None }), Ok(()));
        assert_eq!(kin.settled(), Ok(()));
    }
}
