//! A machine of the cluster and its process: a node, or an EPMD. Both are driven by the same `turn`.

use core::cell::Cell;
use core::time::Duration;

use bytes::Bytes;
use netkernel_core::driver::{Machine, SLICE, turn};
use netkernel_core::epmd_server::{self, Server};
use netkernel_core::net_kernel::{
    Config, Input, MonitorOptions, NetKernel, NodeKinds, OpenError, Output, StartOptions,
};
use netkernel_core::term::Term;
use netkernel_core::wire::epmd::EPMD_PORT;
use netkernel_core::{Cookie, Instant, LinkId, NodeName, StreamId};

use super::body::{Body, Message};
use super::call::Call;
use super::choice::Topic;
use super::clock::Clock;
use super::guest::Seat;
use super::host::Carrier;
use super::inquiry::Inquirer;
use super::net::{End, Owner, Piece};
use super::observe::{Fact, Kinds};
use super::shared::{Event, Shared};
use super::stream::Stream;
use super::{ActorId, HostId};

/// A node or an EPMD, whether its process runs or not.
#[derive(Debug)]
pub struct Actor {
    /// Its place in the world.
    pub id: ActorId,
    /// Its host.
    pub host: HostId,
    /// What it is to be.
    pub role: Role,
    /// Its clock.
    pub clock: Clock,
    /// How often it was booted.
    pub life: u32,
    /// It does nothing and hears nothing before this.
    pub paused_until: Option<u64>,
    /// What was to happen to it meanwhile.
    deferred: Vec<Event>,
    /// `None` while it is down, and always for a guest.
    pub process: Option<Process>,
    /// A guest sits here.
    pub(super) seat: Option<Box<Seat>>,
}

/// What an actor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A node.
    Node {
        /// Its name; one with a dynamic name is only called so in traces.
        name: NodeName,
        /// Whether its links are to be hidden.
        hidden: bool,
        /// Whether it is given its name by the first node that it connects to.
        dynamic: bool,
    },
    /// The EPMD of its host.
    Epmd,
}

/// What runs.
#[derive(Debug)]
pub struct Process {
    /// The machine.
    pub brain: Brain,
    /// What a runtime keeps around it.
    pub body: Body,
    /// When its deadline is, in the time of the world.
    wake: Option<u64>,
}

/// The machine of a process.
#[derive(Debug)]
#[expect(missing_docs, reason = "the machines of core")]
pub enum Brain {
    Kernel(Box<NetKernel>),
    Epmd(Box<Server>),
}

impl Brain {
    /// The kernel, if it is a node's.
    #[must_use]
    pub const fn kernel(&self) -> Option<&NetKernel> {
        match self {
            Self::Kernel(kernel) => Some(kernel),
            Self::Epmd(_) => None,
        }
    }

    /// As above, for a test that makes a call of its own.
    #[cfg(test)]
    pub(super) const fn kernel_mut(&mut self) -> Option<&mut NetKernel> {
        match self {
            Self::Kernel(kernel) => Some(kernel),
            Self::Epmd(_) => None,
        }
    }
}

impl Machine for Brain {
    fn handle(&mut self, now: Instant, input: Input) {
        match self {
            Self::Kernel(kernel) => kernel.handle(now, input),
            Self::Epmd(server) => server.handle(now, input),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        match self {
            Self::Kernel(kernel) => kernel.poll(),
            Self::Epmd(server) => server.poll(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Kernel(kernel) => kernel.deadline(),
            Self::Epmd(server) => server.deadline(),
        }
    }

    fn mint_stream(&mut self) -> StreamId {
        match self {
            Self::Kernel(kernel) => kernel.mint_stream(),
            Self::Epmd(server) => server.mint_stream(),
        }
    }
}

/// A machine whose events are looked at on their way out, and whose owner thread may lose its processor between two outputs.
struct Watched<'a> {
    brain: &'a mut Brain,
    listed: &'a Cell<Option<LinkId>>,
    /// Somebody wants to know.
    watching: bool,
    /// Outputs that come out before other threads do steps.
    left: usize,
}

impl Machine for Watched<'_> {
    fn handle(&mut self, now: Instant, input: Input) {
        self.brain.handle(now, input);
    }

    fn poll(&mut self) -> Option<Output> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let output = self.brain.poll();
        if let Some(Output::Event { event, .. }) = &output
            && self.watching
            && let Some(kernel) = self.brain.kernel()
        {
            let mut nodes = kernel.nodes(NodeKinds::CONNECTED);
            let info = nodes.find(|info| info.node == *event.node());
            self.listed.set(info.and_then(|info| info.link));
        }
        output
    }

    fn deadline(&self) -> Option<Instant> {
        self.brain.deadline()
    }

    fn mint_stream(&mut self) -> StreamId {
        self.brain.mint_stream()
    }
}

impl Actor {
    pub(super) const fn new(id: ActorId, host: HostId, role: Role, clock: Clock) -> Self {
        Self {
            id,
            host,
            role,
            clock,
            life: 0,
            paused_until: None,
            deferred: Vec::new(),
            process: None,
            seat: None,
        }
    }

    /// The name of a node.
    #[must_use]
    pub const fn name(&self) -> Option<&NodeName> {
        match &self.role {
            Role::Node { name, .. } => Some(name),
            Role::Epmd => None,
        }
    }

    /// The kernel, while it runs.
    #[must_use]
    pub fn kernel(&self) -> Option<&NetKernel> {
        self.process.as_ref()?.brain.kernel()
    }

    /// Whether it runs and is not paused.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.runs() && self.paused_until.is_none()
    }

    fn runs(&self) -> bool {
        self.process.is_some() || self.seat.as_ref().is_some_and(|seat| seat.runs())
    }

    /// Begins a process.
    pub(super) fn boot(&mut self, shared: &mut Shared<'_>) {
        if self.runs() || !shared.hosts[self.host.0].up {
            return;
        }
        self.life += 1;
        if let Some(seat) = &mut self.seat {
            shared.note((self.id, self.life), Kinds::LIFE, || Fact::Booted);
            return seat.boot(self.id, shared);
        }
        let mut body = Body::new(self.id, self.host, self.life);
        shared.note(body.who(), Kinds::LIFE, || Fact::Booted);
        let brain = match &self.role {
            Role::Node { .. } => {
                let mut kernel = NetKernel::new(config(shared));
                kernel.monitor_nodes(body.office.witness, true, MonitorOptions::ALL);
                body.tell(Message::Call(Call::Start), shared);
                Brain::Kernel(Box::new(kernel))
            }
            Role::Epmd => {
                let config = epmd_server::Config {
                    unix_time: 1_700_000_000,
                    delay_write: Duration::from_nanos(shared.plan.epmd_delay_ns),
                    ..epmd_server::Config::default()
                };
                body.serve(shared);
                Brain::Epmd(Box::new(Server::new(config)))
            }
        };
        self.process = Some(Process { brain, body, wake: None });
    }

    /// Ends the process at once.
    pub(super) fn crash(&mut self, host: bool, shared: &mut Shared<'_>) {
        if !self.runs() {
            return;
        }
        shared.counts.crashes += 1;
        shared.note((self.id, self.life), Kinds::LIFE, || Fact::Crashed { host });
        if let Some(mut process) = self.process.take() {
            process.body.die(host, shared);
        }
        if let Some(seat) = &mut self.seat {
            seat.die(self.host, host, shared);
        }
        self.paused_until = None;
        self.deferred.clear();
    }

    pub(super) fn pause(&mut self, until: u64, shared: &mut Shared<'_>) {
        if !self.is_working() {
            return;
        }
        self.paused_until = Some(until);
        shared.note((self.id, self.life), Kinds::LIFE, || Fact::Paused { until });
        shared.at(until, Event::Resume(self.id));
    }

    pub(super) fn resume(&mut self, shared: &mut Shared<'_>) {
        if self.paused_until.is_none_or(|until| until > shared.now && !shared.peace) {
            return;
        }
        self.paused_until = None;
        shared.note((self.id, self.life), Kinds::LIFE, || Fact::Resumed);
        for event in core::mem::take(&mut self.deferred) {
            shared.at(shared.now, event);
        }
    }

    /// Keeps an event for the end of a pause; `false` if there is none.
    pub(super) fn defer(&mut self, event: Event) -> bool {
        let paused = self.paused_until.is_some();
        if paused {
            self.deferred.push(event);
        }
        paused
    }

    /// The deadline has come, unless it was moved.
    pub(super) fn wake(&mut self, at: u64, shared: &mut Shared<'_>) {
        if let Some(seat) = &mut self.seat {
            return seat.wake(self.id, at, shared);
        }
        // A wake that a pause has delayed is late, and still the one.
        if let Some(process) = &mut self.process
            && process.wake.is_some_and(|wake| wake <= at)
        {
            process.wake = None;
            self.serve(shared);
        }
    }

    /// The owner thread: turns, and takes what waits, until nothing is left or another thread comes first.
    pub(super) fn serve(&mut self, shared: &mut Shared<'_>) {
        if let Some(seat) = &mut self.seat {
            return seat.serve((self.id, self.life), self.host, self.clock, shared);
        }
        let now = self.clock.local(shared.now);
        let Self { process: Some(process), role, .. } = self else { return };
        let Process { brain, body, wake } = process;
        body.served = false;
        body.local = now;
        let listed = Cell::new(None);
        let port = matches!(role, Role::Epmd).then_some(EPMD_PORT);
        let deadline = loop {
            let watching = shared.notes.wants(Kinds::LINKS);
            let left = slice(shared);
            let mut watched = Watched { brain, listed: &listed, watching, left };
            let mut carrier = Carrier { body, shared, port, listed: &listed };
            let wake = turn(&mut watched, now, &mut carrier);
            let interrupted = watched.left == 0;
            shared.counts.turns += 1;
            let cut_off = left - watched.left >= SLICE;
            let (outputs, inputs) = (body.outputs, body.taken);
            (body.outputs, body.taken) = (0, 0);
            let turned = Fact::Turned { now, outputs, inputs, cut_off, wake };
            shared.note(body.who(), Kinds::TURNS, || turned);
            body.settled = !interrupted && !cut_off;
            if interrupted {
                body.serve(shared);
                break None;
            }
            if let Some(input) = body.inputs.pop_front() {
                body.taken += 1;
                brain.handle(now, input);
                continue;
            }
            let left = wake.is_some_and(|wake| wake <= now);
            if !left && body.inbox.is_empty() {
                break wake;
            }
            if shared.plan.step_max_ns > 0 && shared.choice.chance(Topic::Schedule, 100) {
                body.serve(shared);
                break None;
            }
            if let Some(message) = body.inbox.pop_front() {
                body.taken += 1;
                process_message(brain, body, role, now, message, shared);
            }
        };
        let at = deadline.map(|deadline| self.clock.world(deadline).max(shared.now));
        if let Some(at) = at.filter(|at| *wake != Some(*at)) {
            *wake = Some(at);
            shared.at(at, Event::Wake(self.id));
        }
    }
}

/// After how many outputs the owner thread is interrupted; mostly never.
fn slice(shared: &mut Shared<'_>) -> usize {
    if shared.plan.step_max_ns > 0 && shared.choice.chance(Topic::Schedule, 100) {
        shared.choice.range(Topic::Schedule, 1, 8) as usize
    } else {
        usize::MAX
    }
}

fn process_message(
    brain: &mut Brain,
    body: &mut Body,
    role: &Role,
    now: Instant,
    message: Message,
    shared: &mut Shared<'_>,
) {
    match message {
        Message::Input(input) => {
            if body.admits(&input, shared) {
                brain.handle(now, input);
            }
        }
        Message::Accepted(end) => accept(brain, body, now, end, shared),
        Message::Call(Call::NetAdm(call)) => {
            if let Brain::Kernel(kernel) = brain {
                Inquirer { kernel, body, now, shared }.begin(call);
            }
        }
        Message::Heard(heard) => {
            if let Brain::Kernel(kernel) = brain {
                Inquirer { kernel, body, now, shared }.hear(heard);
            }
        }
        Message::Call(call) => {
            if let (Brain::Kernel(kernel), Role::Node { name, hidden, dynamic }) = (brain, role) {
                let options = if *dynamic {
                    StartOptions::nameless(name.host().into())
                } else {
                    StartOptions { hidden: *hidden, ..StartOptions::new(name.clone()) }
                };
                make_call(kernel, body, now, options, call, shared);
            }
        }
    }
}

fn accept(brain: &mut Brain, body: &mut Body, now: Instant, end: End, shared: &mut Shared<'_>) {
    let stream = brain.mint_stream();
    let local = shared.net.host(end) == shared.net.host(end.other());
    shared.net.set_owner(end, Owner::Actor(body.id, Some(stream)));
    let conn = shared.net.serial(end);
    shared.note(body.who(), Kinds::STREAMS, || Fact::Accepted { stream, conn });
    body.insert(Stream::new(stream, end, false, shared));
    let entropy = shared.entropy();
    brain.handle(now, Input::Accepted { stream, entropy, local });
}

fn make_call(
    kernel: &mut NetKernel,
    body: &mut Body,
    now: Instant,
    options: StartOptions,
    call: Call,
    shared: &mut Shared<'_>,
) {
    shared.counts.calls += 1;
    let request = match &call {
        Call::Start => Some(kernel.start(now, options, shared.entropy())),
        Call::Stop => Some(kernel.stop(now)),
        Call::Connect(node) => Some(kernel.connect_node(now, node.clone())),
        Call::HiddenConnect(node) => Some(kernel.hidden_connect_node(now, node.clone())),
        Call::AutoConnect(node, seen) => Some(kernel.auto_connect(now, node, *seen)),
        Call::Disconnect(node) => Some(kernel.disconnect_node(now, node)),
        Call::NodesInfo => Some(kernel.nodes_info(now)),
        Call::Allow(nodes) => {
            let nodes: Vec<&str> = nodes.iter().map(NodeName::as_str).collect();
            let _ = kernel.allow(&nodes);
            None
        }
        Call::SetNetTicktime { seconds, transition_seconds } => {
            let _ = kernel.set_net_ticktime(now, *seconds, *transition_seconds);
            None
        }
        Call::MonitorNodes(flag, options) => {
            kernel.monitor_nodes(body.office.other, *flag, *options);
            None
        }
        Call::SetCookie(node, right) => {
            kernel.set_cookie(node.clone(), cookie(*right));
            None
        }
        Call::SetOwnCookie(right) => {
            kernel.set_own_cookie(cookie(*right));
            None
        }
        Call::Request(from, body) => Some(kernel.request(now, from.as_atom(), &encoded(body))),
        // These have a machine of their own.
        Call::NetAdm(_) | Call::Names(_) | Call::ConnectAutomatically(_) => None,
        Call::Cast(body) => {
            kernel.cast(now, &encoded(body));
            None
        }
        Call::Apply(call) => {
            let entropy = shared.entropy();
            Some(kernel.apply(now, body.office.other, call.clone(), entropy))
        }
    };
    shared.note(body.who(), Kinds::CALLS, || Fact::Called { request, call: call.clone() });
    if let Some(request) = request {
        body.calls.insert(request, call);
    }
}

/// Without version byte.
fn encoded(term: &Term) -> Bytes {
    let mut out = Vec::new();
    let written = term.encode(&mut out);
    debug_assert_eq!(written, Ok(()));
    Bytes::from(out).slice(1..)
}

pub(super) fn cookie(right: bool) -> Cookie {
    Cookie::new(if right { "right" } else { "wrong" }).unwrap_or_else(|_| unreachable!("short"))
}

fn config(shared: &Shared<'_>) -> Config {
    let mut config = Config::new(cookie(true), shared.plan.net_ticktime());
    config.auto_connect = shared.plan.auto_connect;
    config.setup_time = Duration::from_nanos(shared.plan.setup_ns);
    config
}

/// What comes to a stream.
impl Process {
    /// `prompt`: its reader does its step at once.
    pub(super) fn arrived(
        &mut self,
        id: StreamId,
        piece: &Piece,
        prompt: bool,
        shared: &mut Shared<'_>,
    ) {
        let Some(stream) = self.body.stream(id) else { return };
        match piece {
            Piece::SynAck if stream.dialling => {
                stream.dialling = false;
                let entropy = shared.entropy();
                self.body.tell(Message::Input(Input::Opened { stream: id, entropy }), shared);
            }
            // An end before the answer: the connection was broken before the dialler heard of it.
            Piece::Rst | Piece::Fin if stream.dialling => {
                self.dial_failed(id, OpenError::Refused, shared);
            }
            Piece::Data(_) if prompt && stream.is_link() => self.body.read_step(id, shared),
            Piece::Data(_) | Piece::Fin => stream.wake_reader(shared),
            Piece::Rst => {
                stream.wake_reader(shared);
                stream.wake_writer(shared);
            }
            Piece::Syn | Piece::SynAck => {}
        }
    }

    pub(super) fn dial_failed(&mut self, id: StreamId, error: OpenError, shared: &mut Shared<'_>) {
        let Some(stream) = self.body.stream(id).filter(|stream| stream.dialling) else { return };
        stream.dialling = false;
        shared.net.release(stream.end);
        self.body.tell(Message::Input(Input::OpenFailed { stream: id, error }), shared);
    }
}
