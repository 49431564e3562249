//! Some nodes that have processes and nothing else, with a queue of signals from each to each.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(dead_code, reason = "each test file uses its own part of the cluster")]
#![allow(unreachable_pub, reason = "a module of tests has nobody to be reached by")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use netkernel_core::link::Frame;
use netkernel_core::process::{
    Deliver, Function, Limits, Mfa, MonitorAlias, NoProcess, Origin, ProcessEvent, Processes,
    Reach, Request, SpawnFailure, Spawning, Target,
};
use netkernel_core::stream::Violation;
use netkernel_core::term::{Atom, Pid, Reference};
use netkernel_core::wire::control::{Control, parse};
use netkernel_core::{Creation, Flags, MailboxId, NodeName, PingId};

/// One item of a mailbox. Reasons have no version byte here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Got {
    Message(Bytes),
    Exit(Bytes),
    Down(Reference, Target, Bytes),
    /// One with another tag.
    Tagged(Bytes, Reference, Bytes),
    NodeDown(NodeName),
    Ended(Bytes),
    SpawnReply(Bytes, Reference, Result<Pid, SpawnFailure>),
    /// It is to run this.
    Start(Function),
}

#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Cluster {
    nodes: Vec<Processes>,
    wires: Wires,
    got: Vec<Vec<(MailboxId, Got)>>,
    pub violations: Vec<Violation>,
    /// Whether the peers do without the flags for monitors.
    pub no_monitors: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Hash)]
struct Wires {
    queues: BTreeMap<(usize, usize), VecDeque<Control>>,
    up: BTreeSet<(usize, usize)>,
}

/// Two nodes with a link between them, and a process on each.
pub fn pair() -> (Cluster, [MailboxId; 2], [Pid; 2]) {
    let mut cluster = Cluster::new(2);
    let mailboxes = [0, 1].map(|node| cluster.spawn(node));
    let pids = [0, 1].map(|node| cluster.pid(node, mailboxes[node]));
    (cluster, mailboxes, pids)
}

pub fn name(node: usize) -> NodeName {
    NodeName::new(&format!("n{node}@localhost")).unwrap()
}

pub fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

/// An atom as a reason.
pub fn reason(text: &str) -> Bytes {
    let mut out = vec![119, u8::try_from(text.len()).unwrap()];
    out.extend_from_slice(text.as_bytes());
    out.into()
}

/// The flags of all links here.
fn flags() -> Flags {
    Flags::SERVED.without(Flags::DIST_HEADER)
}

impl Cluster {
    /// So many nodes, each with a link to each.
    pub fn new(nodes: usize) -> Self {
        Self::with_limits(nodes, Limits::default())
    }

    pub fn with_limits(nodes: usize, limits: Limits) -> Self {
        let mut wires = Wires::default();
        for (from, to) in (0..nodes).flat_map(|from| (0..nodes).map(move |to| (from, to))) {
            wires.up.insert((from, to));
        }
        let node = |node| {
            let mut processes = Processes::with_limits(limits);
            processes.alive(name(node), Creation(7));
            processes
        };
        Self {
            nodes: (0..nodes).map(node).collect(),
            wires,
            got: vec![Vec::new(); nodes],
            violations: Vec::new(),
            no_monitors: false,
        }
    }

    pub fn processes(&mut self, node: usize) -> &mut Processes {
        &mut self.nodes[node]
    }

    pub fn spawn(&mut self, node: usize) -> MailboxId {
        self.nodes[node].spawn_mailbox()
    }

    pub fn pid(&self, node: usize, mailbox: MailboxId) -> Pid {
        self.nodes[node].pid(mailbox).unwrap()
    }

    pub fn lives(&self, node: usize, mailbox: MailboxId) -> bool {
        self.nodes[node].pid(mailbox).is_some()
    }

    pub fn links(&self, node: usize, mailbox: MailboxId) -> Vec<Pid> {
        self.nodes[node].links(mailbox)
    }

    /// What came into the mailboxes of a node, in order.
    pub fn got(&self, node: usize) -> &[(MailboxId, Got)] {
        &self.got[node]
    }

    pub fn take_got(&mut self, node: usize) -> Vec<(MailboxId, Got)> {
        core::mem::take(&mut self.got[node])
    }

    pub fn link(&mut self, node: usize, by: MailboxId, to: &Pid) {
        self.try_link(node, by, to).unwrap();
    }

    pub fn try_link(&mut self, node: usize, by: MailboxId, to: &Pid) -> Result<(), NoProcess> {
        self.with(node, |processes, host| processes.link(by, to, host))
    }

    pub fn unlink(&mut self, node: usize, by: MailboxId, from: &Pid) {
        self.with(node, |processes, host| processes.unlink(by, from, host)).unwrap();
    }

    pub fn monitor(
        &mut self,
        node: usize,
        by: MailboxId,
        of: Target,
        alias: Option<MonitorAlias>,
    ) -> Reference {
        self.with(node, |processes, host| processes.monitor(by, of, alias, host)).unwrap()
    }

    pub fn demonitor(&mut self, node: usize, by: MailboxId, reference: &Reference) -> bool {
        self.with(node, |processes, host| processes.demonitor(by, reference, host))
    }

    pub fn monitor_node(&mut self, node: usize, by: MailboxId, other: usize, on: bool) {
        let other = name(other);
        self.with(node, |processes, host| processes.monitor_node(by, &other, on, host)).unwrap();
    }

    pub fn exit(&mut self, node: usize, by: MailboxId, to: &Pid, text: &str) {
        self.with(node, |processes, host| processes.exit(by, to, reason(text), host)).unwrap();
    }

    pub fn terminate(&mut self, node: usize, mailbox: MailboxId, text: &str) {
        self.with(node, |processes, host| processes.terminate(mailbox, &reason(text), host));
    }

    /// A process of the node sends a message to another one.
    pub fn hand_over(&mut self, node: usize, to: MailboxId, message: Bytes) {
        self.with(node, |processes, host| processes.hand_over(to, message, host));
    }

    pub fn spawn_request(
        &mut self,
        node: usize,
        by: MailboxId,
        on: usize,
        spawning: Spawning,
    ) -> Reference {
        let on = name(on);
        self.with(node, |processes, host| processes.spawn_request(by, &on, spawning, host)).unwrap()
    }

    pub fn not_started(&mut self, node: usize, mailbox: MailboxId) {
        self.with(node, |processes, host| processes.not_started(mailbox, host));
    }

    /// A link comes up on which these flags were agreed.
    pub fn connection_up(&mut self, node: usize, other: usize, agreed: Flags) {
        self.with(node, |processes, host| processes.connection_up(&name(other), agreed, host));
    }

    pub fn send_alias(&mut self, from: usize, to: usize, alias: &Reference, message: &Got) {
        let Got::Message(message) = message.clone() else { panic!("{message:?}") };
        self.inject(
            from,
            to,
            Control::AliasSend { from: None, to: alias.clone(), message, token: None },
        );
    }

    /// Sends any signal.
    pub fn inject(&mut self, from: usize, to: usize, signal: Control) {
        self.wires.queues.entry((from, to)).or_default().push_back(signal);
    }

    /// Has the next signal between two nodes arrive; `false` if there is none.
    pub fn carry(&mut self, from: usize, to: usize) -> bool {
        let queue = self.wires.queues.get_mut(&(from, to));
        let Some(signal) = queue.and_then(VecDeque::pop_front) else { return false };
        // As it would be read: every signal here has a form on the wire.
        let mut frame = Vec::new();
        signal.emit(flags(), &mut frame).unwrap();
        let signal = parse(&Bytes::from(frame).slice(4..), &name(from)).unwrap();
        let origin = Origin { node: name(from), creation: Creation(7), flags: flags() };
        let result =
            self.deliver(to, Some(from), |processes, host| processes.handle(&origin, signal, host));
        self.violations.extend(result.err());
        true
    }

    /// The signal that was sent last does not arrive.
    pub fn lose_last(&mut self, from: usize, to: usize) {
        let queue = self.wires.queues.get_mut(&(from, to));
        assert!(queue.and_then(VecDeque::pop_back).is_some());
    }

    /// Has all signals arrive, also those that come of it.
    pub fn settle(&mut self) {
        let pairs: Vec<_> = self.wires.up.iter().copied().collect();
        while pairs.iter().any(|&(from, to)| self.carry(from, to)) {}
    }

    pub fn connect(&mut self, one: usize, two: usize) {
        self.wires.up.extend([(one, two), (two, one)]);
    }

    /// Nothing is sent any more that way, and nobody was told yet.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.wires.up.remove(&(from, to));
    }

    /// The link ends. What was under way is lost.
    pub fn disconnect(&mut self, one: usize, two: usize) {
        for (node, other) in [(one, two), (two, one)] {
            self.wires.up.remove(&(node, other));
            self.wires.queues.remove(&(node, other));
        }
        for (node, other) in [(one, two), (two, one)] {
            self.with(node, |processes, host| processes.connection_down(&name(other), host));
        }
    }

    /// Whether no node remembers anything of another one: but for the counters it is as a new one with the same processes.
    pub fn is_forgotten(&self) -> bool {
        self.nodes.iter().all(|node| {
            let text = format!("{node:?}");
            text.contains("nodes: {}, monitors: {}, aliases: {}, spawns: {}, spawned: {}")
        })
    }

    /// Any call.
    pub fn on<R>(
        &mut self,
        node: usize,
        act: impl FnOnce(&mut Processes, &mut Host<'_>) -> R,
    ) -> R {
        self.with(node, act)
    }

    /// The signals under way between two nodes, in order.
    pub fn waiting(&self, from: usize, to: usize) -> Vec<Control> {
        self.wires.queues.get(&(from, to)).into_iter().flatten().cloned().collect()
    }

    fn with<R>(&mut self, node: usize, act: impl FnOnce(&mut Processes, &mut Host<'_>) -> R) -> R {
        self.deliver(node, None, act)
    }

    fn deliver<R>(
        &mut self,
        node: usize,
        peer: Option<usize>,
        act: impl FnOnce(&mut Processes, &mut Host<'_>) -> R,
    ) -> R {
        let got = &mut self.got[node];
        let no_monitors = self.no_monitors;
        let mut host = Host { node, peer, no_monitors, wires: &mut self.wires, got };
        act(&mut self.nodes[node], &mut host)
    }
}

pub struct Host<'a> {
    node: usize,
    /// Of the link that is being handled.
    peer: Option<usize>,
    no_monitors: bool,
    wires: &'a mut Wires,
    got: &'a mut Vec<(MailboxId, Got)>,
}

impl Host<'_> {
    fn reached(&self, other: &str) -> Option<usize> {
        let pair = self
            .wires
            .up
            .iter()
            .find(|(from, to)| *from == self.node && name(*to).as_str() == other);
        pair.map(|(_, to)| *to)
    }
}

impl Deliver for Host<'_> {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        self.got.push((to, Got::Message(message)));
    }

    fn start(&mut self, process: MailboxId, mfa: Mfa) {
        self.got.push((process, Got::Start(mfa.function().clone())));
    }

    fn event(&mut self, to: MailboxId, event: ProcessEvent) {
        let bare = |reason: Bytes| {
            assert_eq!(reason[0], 131);
            reason.slice(1..)
        };
        let got = match event {
            ProcessEvent::Exit { reason, .. } => Got::Exit(bare(reason)),
            ProcessEvent::Down { reference, object, reason, tag: None } => {
                Got::Down(reference, object, bare(reason))
            }
            ProcessEvent::Down { reference, reason, tag: Some(tag), .. } => {
                Got::Tagged(bare(tag), reference, bare(reason))
            }
            ProcessEvent::SpawnReply { tag, request, result } => {
                Got::SpawnReply(bare(tag), request, result)
            }
            ProcessEvent::NodeDown(node) => Got::NodeDown(node),
            ProcessEvent::Ended { reason } => Got::Ended(bare(reason)),
        };
        self.got.push((to, got));
    }

    fn signal(&mut self, node: &Atom, signal: Control) -> Reach {
        let Some(to) = self.reached(node) else { return Reach::NoConnection };
        if self.no_monitors && !Flags::MANDATORY_26.contains(signal.needed_flags()) {
            return Reach::NotAgreed;
        }
        self.wires.queues.entry((self.node, to)).or_default().push_back(signal);
        Reach::Sent
    }

    fn is_reached(&mut self, node: &NodeName) -> bool {
        self.reached(node.as_str()).is_some()
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        let peer = self.peer.expect("a link is being handled");
        let signal = parse(&Bytes::from(frame.to_bytes()).slice(4..), &name(self.node))?;
        self.wires.queues.entry((self.node, peer)).or_default().push_back(signal);
        Ok(())
    }

    fn pong(&mut self, _ping: PingId, _alive: bool) {}

    fn request(&mut self, request: Request) {
        panic!("{request:?} is for the kernel")
    }
}
