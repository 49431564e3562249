//! A small world for kernels: a clock, byte streams that lose nothing, and an EPMD that answers at once.
//!
//! It drives the machines as a runtime does, through `turn` and `pump`, and looks at what comes out.
#![allow(dead_code, reason = "each test file uses its own part of the world")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(unreachable_pub, reason = "a module of tests has nobody to be reached by")]

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use netkernel_core::driver::pump;
use netkernel_core::driver::{Host, Machine, turn};
use netkernel_core::link::{Limits, LinkReader};
use netkernel_core::liveness::Traffic;
use netkernel_core::net_kernel::{
    Answer, CloseCause, Config, ConnectionId, Diagnostic, Endpoint, Input, MonitorOptions,
    NetKernel, NetTicktime, NodeEvent, NodeInfo, NodeKinds, OpenError, OptionName, OptsError,
    Output, Promotion, SocketOption, StartOptions, Target,
};
use netkernel_core::process::{Deliver, Processes};
use netkernel_core::wire::control::Control;
use netkernel_core::wire::epmd::{
    Alive2Resp, Entry, Extra, Name, NameLine, Port2Resp, PortInfo, Request,
};
use netkernel_core::{
    Cookie, Creation, Entropy, Instant, LinkId, MailboxId, NodeName, PingId, RequestId, StreamId,
};

pub const EPMD_PORT: u16 = 4369;

/// Who is at the other end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Far {
    Epmd,
    Node(usize, StreamId),
    Script(usize),
    /// Nobody answers there, as in a black hole.
    Nobody,
}

/// One side of a stream.
#[derive(Debug)]
pub struct Side {
    pub far: Far,
    pub inbox: Vec<u8>,
    pub eof: bool,
    outbox: Vec<u8>,
    /// To be closed once the outbox is empty.
    leaving: bool,
    reading: bool,
    reader: Option<LinkReader>,
    pub received: u64,
    sent: u64,
    pub queued: u64,
    pub paused: bool,
    pub counters_fail: bool,
}

/// A kernel, and what its host knows.
#[derive(Debug)]
pub struct Node {
    pub kernel: NetKernel,
    pub host: TestHost,
    /// Each event in the order in which it came out, and `nodes()` at that moment.
    pub seen: Vec<(String, Vec<NodeInfo>)>,
    /// Does nothing and hears nothing, as a stopped process.
    pub frozen: bool,
}

/// A kernel whose events are looked at on their way out.
struct Watched<'a> {
    kernel: &'a mut NetKernel,
    seen: &'a mut Vec<(String, Vec<NodeInfo>)>,
}

impl Machine for Watched<'_> {
    fn handle(&mut self, now: Instant, input: Input) {
        self.kernel.handle(now, input);
    }

    fn poll(&mut self) -> Option<Output> {
        let output = self.kernel.poll();
        if let Some(Output::Event { event, .. }) = &output {
            let nodes = self.kernel.nodes(NodeKinds::CONNECTED).collect();
            self.seen.push((event.to_string(), nodes));
        }
        output
    }

    fn deadline(&self) -> Option<Instant> {
        self.kernel.deadline()
    }

    fn mint_stream(&mut self) -> StreamId {
        self.kernel.mint_stream()
    }
}

fn names_of(kernel: &NetKernel) -> Vec<String> {
    kernel.nodes(NodeKinds::CONNECTED).map(|info| info.node.as_str().to_owned()).collect()
}

/// One item of a mailbox.
#[derive(Clone, Debug)]
pub enum Mail {
    Event(NodeEvent),
    Message(Bytes),
}

/// Notes what the kernel wants; the world carries it out.
#[derive(Debug, Default)]
pub struct TestHost {
    todo: VecDeque<Todo>,
    pub sides: BTreeMap<StreamId, Side>,
    processes: Processes,
    pub port: Option<u16>,
    /// Everything that can be seen from outside, in order.
    pub log: Vec<String>,
    pub answers: BTreeMap<RequestId, Answer>,
    pub pongs: Vec<(PingId, bool)>,
    /// Subscribed to everything from the beginning. Of its events `log` and `events` have those of links.
    witness: Option<MailboxId>,
    pub events: Vec<NodeEvent>,
    /// What came into mailboxes, in order.
    pub mail: Vec<(MailboxId, Mail)>,
    /// The links of the streams that were promoted.
    pub links: BTreeMap<StreamId, LinkId>,
    pub diagnostics: Vec<Diagnostic>,
    /// The socket options that were set, in order.
    pub options: Vec<(Endpoint, SocketOption)>,
    /// What setting options comes to, if not success.
    pub options_fail: Option<OptsError>,
    /// When ticks were sent.
    pub ticks: Vec<Instant>,
    now: Instant,
}

#[derive(Debug)]
enum Todo {
    Listen,
    Open(StreamId, Target),
    Send(StreamId, Bytes),
    Close { stream: StreamId, abort: bool },
}

/// A peer that the test plays itself.
#[derive(Debug, Default)]
pub struct Script {
    pub received: Vec<u8>,
    pub closed: bool,
    to: Option<(usize, StreamId)>,
}

#[derive(Debug)]
pub struct World {
    pub now: Instant,
    pub nodes: Vec<Node>,
    pub scripts: Vec<Script>,
    /// Names that EPMD knows: port, and who holds it.
    pub epmd: BTreeMap<String, u16>,
    holders: BTreeMap<(usize, StreamId), String>,
    pub epmd_down: bool,
    /// Bytes that one read brings at most.
    pub segment: usize,
    /// Bytes that a stream between two nodes takes in one step at most; what is over is queued.
    pub window: usize,
    /// Ports where nobody answers a dial.
    pub black_holes: Vec<u16>,
    entropy: u8,
    next_port: u16,
    pub next_creation: u32,
}

pub fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

pub fn cookie(text: &str) -> Cookie {
    Cookie::new(text).unwrap()
}

pub fn ticktime(seconds: u32) -> NetTicktime {
    NetTicktime::new(seconds, 4).unwrap()
}

impl Default for World {
    fn default() -> Self {
        Self {
            now: Instant::from_millis(1000),
            nodes: Vec::new(),
            scripts: Vec::new(),
            epmd: BTreeMap::new(),
            holders: BTreeMap::new(),
            epmd_down: false,
            segment: usize::MAX,
            window: usize::MAX,
            black_holes: Vec::new(),
            entropy: 0,
            next_port: 40_000,
            next_creation: 100,
        }
    }
}

impl World {
    /// Adds a kernel that is not alive.
    pub fn add(&mut self, config: Config) -> usize {
        let mut host = TestHost::default();
        let witness = host.processes.spawn_mailbox();
        host.witness = Some(witness);
        let mut kernel = NetKernel::new(config);
        kernel.monitor_nodes(witness, true, MonitorOptions::ALL);
        self.nodes.push(Node { kernel, host, seen: Vec::new(), frozen: false });
        self.nodes.len() - 1
    }

    /// Adds a kernel and starts it as a visible node.
    pub fn start(&mut self, node: &str) -> usize {
        self.start_with(node, Config::new(cookie("C"), ticktime(60)), false)
    }

    pub fn start_with(&mut self, node: &str, config: Config, hidden: bool) -> usize {
        let id = self.add(config);
        let answer = self.start_again(id, StartOptions { hidden, ..StartOptions::new(name(node)) });
        assert_eq!(answer, Some(Answer::Started(Ok(name(node)))));
        id
    }

    pub fn start_again(&mut self, id: usize, options: StartOptions) -> Option<Answer> {
        let entropy = self.entropy();
        let request = self.nodes[id].kernel.start(self.now, options, entropy);
        self.settle();
        self.nodes[id].host.answers.get(&request).cloned()
    }

    /// Calls `connect_node` and lets things settle: `Some` if it was answered by then.
    pub fn connect(&mut self, from: usize, to: &str) -> Option<Answer> {
        let request = self.nodes[from].kernel.connect_node(self.now, name(to));
        self.settle();
        self.nodes[from].host.answers.get(&request).cloned()
    }

    pub fn disconnect(&mut self, from: usize, to: &str) -> Option<Answer> {
        let request = self.nodes[from].kernel.disconnect_node(self.now, &name(to));
        self.settle();
        self.nodes[from].host.answers.get(&request).cloned()
    }

    pub fn stop(&mut self, id: usize) -> Option<Answer> {
        let request = self.nodes[id].kernel.stop(self.now);
        self.settle();
        self.nodes[id].host.answers.get(&request).cloned()
    }

    /// The names that a node says it has links with.
    pub fn nodes_of(&self, id: usize) -> Vec<String> {
        names_of(&self.nodes[id].kernel)
    }

    /// A new mailbox, with these subscriptions. What it gets is in the log of its node.
    pub fn mailbox(&mut self, id: usize, subscriptions: &[MonitorOptions]) -> MailboxId {
        let node = &mut self.nodes[id];
        let mailbox = node.host.processes.spawn_mailbox();
        for &options in subscriptions {
            node.kernel.monitor_nodes(mailbox, true, options);
        }
        mailbox
    }

    /// What of the log of a node is this mailbox's, without its name.
    pub fn mail(&self, id: usize, mailbox: MailboxId) -> Vec<String> {
        let name = format!("{mailbox:?} got ");
        let log = self.nodes[id].host.log.iter();
        log.filter_map(|line| line.strip_prefix(&name)).map(str::to_owned).collect()
    }

    /// Sends a message from one node to a mailbox of another, over the one link that there is.
    pub fn send(&mut self, from: usize, to: usize, mailbox: MailboxId, message: &'static [u8]) {
        let sides = self.nodes[from].host.sides.iter();
        let stream = *sides.into_iter().find(|(_, side)| side.reader.is_some()).unwrap().0;
        self.send_on(from, stream, to, mailbox, Bytes::from_static(message));
    }

    /// Sends a message on this stream of a node.
    pub fn send_on(
        &mut self,
        from: usize,
        stream: StreamId,
        to: usize,
        mailbox: MailboxId,
        message: Bytes,
    ) {
        let pid = self.nodes[to].host.processes.pid(mailbox).unwrap();
        let mut frame = Vec::new();
        Control::Send { to: pid, message }.emit(&mut frame).unwrap();
        self.nodes[from].host.todo.push_back(Todo::Send(stream, frame.into()));
    }

    /// The streams of a node that carry links.
    pub fn link_streams(&self, id: usize) -> Vec<StreamId> {
        let sides = self.nodes[id].host.sides.iter();
        sides.filter(|(_, side)| side.reader.is_some()).map(|(stream, _)| *stream).collect()
    }

    /// A peer of the test's own connects to a node.
    pub fn script(&mut self, to: usize) -> usize {
        let script = self.scripts.len();
        let stream = self.arrive(to, Far::Script(script));
        self.scripts.push(Script { to: Some((to, stream)), ..Script::default() });
        self.settle();
        script
    }

    /// Listens as a peer of the test's own, under this name.
    pub fn script_listens(&mut self, node: &str) -> u16 {
        let port = self.next_port;
        self.next_port += 1;
        self.epmd.insert(name(node).name().to_owned(), port);
        port
    }

    pub fn say(&mut self, script: usize, bytes: &[u8]) {
        if let Some((node, stream)) = self.scripts[script].to
            && let Some(side) = self.nodes[node].host.sides.get_mut(&stream)
        {
            side.inbox.extend_from_slice(bytes);
        }
        self.settle();
    }

    pub fn hang_up(&mut self, script: usize) {
        if let Some((node, stream)) = self.scripts[script].to
            && let Some(side) = self.nodes[node].host.sides.get_mut(&stream)
        {
            side.eof = true;
        }
        self.settle();
    }

    /// Bytes that the script has got and not looked at.
    pub fn heard(&mut self, script: usize) -> Vec<u8> {
        core::mem::take(&mut self.scripts[script].received)
    }

    /// The stream of a link.
    pub fn link(&mut self, node: usize) -> &mut Side {
        self.nodes[node].host.sides.values_mut().find(|side| side.reader.is_some()).unwrap()
    }

    /// The carrier of the link of a node ends, and the host says why. To the other side it looks closed.
    pub fn end_link(&mut self, id: usize, cause: CloseCause) {
        let sides = &self.nodes[id].host.sides;
        let stream = *sides.iter().find(|(_, side)| side.reader.is_some()).unwrap().0;
        self.close_far(id, stream);
        self.nodes[id].host.sides.remove(&stream);
        self.tell(id, Input::Closed { stream, cause });
        self.settle();
    }

    /// Why links of a node ended, in order.
    pub fn reasons(&self, id: usize) -> Vec<String> {
        let events = self.nodes[id].host.events.iter();
        events.filter_map(|event| event.nodedown_reason().map(ToString::to_string)).collect()
    }

    /// Lets time pass, stopping at each deadline on the way.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.settle();
            let next = self
                .nodes
                .iter()
                .filter(|node| !node.frozen)
                .filter_map(|node| node.kernel.deadline())
                .min();
            match next.filter(|&next| next <= end) {
                Some(next) => self.now = self.now.max(next),
                None => break,
            }
        }
        self.now = end;
        self.settle();
    }

    /// Works until nothing happens any more without time passing.
    pub fn settle(&mut self) {
        for _ in 0..1_000_000 {
            let mut busy = false;
            for id in 0..self.nodes.len() {
                if !self.nodes[id].frozen {
                    busy |= self.step(id);
                }
            }
            if !busy {
                return;
            }
        }
        panic!("the world never comes to rest");
    }

    /// One turn of one node, and one read for each of its streams.
    pub fn step(&mut self, id: usize) -> bool {
        let mut busy = self.serve(id);
        for stream in self.streams(id) {
            busy |= self.exchange(id, stream);
        }
        busy
    }

    /// All streams of a node.
    pub fn streams(&self, id: usize) -> Vec<StreamId> {
        self.nodes[id].host.sides.keys().copied().collect()
    }

    /// One turn of a node, and what its host has to do after it.
    pub fn serve(&mut self, id: usize) -> bool {
        let node = &mut self.nodes[id];
        node.host.now = self.now;
        let mut watched = Watched { kernel: &mut node.kernel, seen: &mut node.seen };
        let mut busy = turn(&mut watched, self.now, &mut node.host) == Some(self.now);
        while let Some(todo) = self.nodes[id].host.todo.pop_front() {
            busy = true;
            self.carry_out(id, todo);
        }
        busy
    }

    /// One write and one read of a stream.
    pub fn exchange(&mut self, id: usize, stream: StreamId) -> bool {
        let written = self.write(id, stream);
        self.read(id, stream) || written
    }

    /// Moves what the window lets pass to the other node.
    fn write(&mut self, id: usize, stream: StreamId) -> bool {
        let window = self.window;
        let Some(side) = self.nodes[id].host.sides.get_mut(&stream) else { return false };
        let Far::Node(other, far) = side.far else { return false };
        let bytes: Vec<u8> = side.outbox.drain(..window.min(side.outbox.len())).collect();
        let closes = side.leaving && side.outbox.is_empty();
        if let Some(side) = self.nodes[other].host.sides.get_mut(&far) {
            side.inbox.extend_from_slice(&bytes);
        }
        if closes {
            self.close(id, stream);
        }
        !bytes.is_empty() || closes
    }

    fn carry_out(&mut self, id: usize, todo: Todo) {
        match todo {
            Todo::Listen => {
                let port = self.next_port;
                self.next_port += 1;
                self.nodes[id].host.port = Some(port);
                self.tell(id, Input::Listening { port });
            }
            Todo::Open(stream, target) => self.open(id, stream, &target),
            Todo::Send(stream, bytes) => {
                let Some(side) = self.nodes[id].host.sides.get_mut(&stream) else { return };
                match side.far {
                    Far::Node(..) => {
                        side.outbox.extend_from_slice(&bytes);
                        self.write(id, stream);
                    }
                    Far::Script(script) => self.scripts[script].received.extend_from_slice(&bytes),
                    Far::Epmd => self.epmd_answers(id, stream, &bytes),
                    Far::Nobody => {}
                }
            }
            Todo::Close { stream, abort } => match self.nodes[id].host.sides.get_mut(&stream) {
                Some(side) if !abort && !side.outbox.is_empty() => side.leaving = true,
                _ => self.close(id, stream),
            },
        }
    }

    fn open(&mut self, id: usize, stream: StreamId, target: &Target) {
        let refused = Input::OpenFailed { stream, error: OpenError::Refused };
        let far = if target.host == "nowhere.example" {
            self.tell(id, Input::OpenFailed { stream, error: OpenError::Resolve });
            return;
        } else if self.black_holes.contains(&target.port) {
            Far::Nobody
        } else if target.port == EPMD_PORT {
            if self.epmd_down {
                self.tell(id, refused);
                return;
            }
            Far::Epmd
        } else if let Some(other) =
            self.nodes.iter().position(|node| node.host.port == Some(target.port))
        {
            Far::Node(other, self.arrive(other, Far::Node(id, stream)))
        } else if self.epmd.values().any(|&port| port == target.port) {
            self.scripts.push(Script { to: Some((id, stream)), ..Script::default() });
            Far::Script(self.scripts.len() - 1)
        } else {
            self.tell(id, refused);
            return;
        };
        self.nodes[id].host.sides.insert(stream, Side::new(far));
        let entropy = self.entropy();
        if far != Far::Nobody {
            self.tell(id, Input::Opened { stream, entropy });
        }
    }

    fn arrive(&mut self, id: usize, far: Far) -> StreamId {
        let entropy = self.entropy();
        let node = &mut self.nodes[id];
        let stream = node.kernel.mint_stream();
        node.host.sides.insert(stream, Side::new(far));
        self.tell(id, Input::Accepted { stream, entropy, local: true });
        stream
    }

    fn read(&mut self, id: usize, stream: StreamId) -> bool {
        let segment = self.segment;
        let host = &mut self.nodes[id].host;
        let Some(side) = host.sides.get_mut(&stream) else { return false };
        if side.paused || !(side.reading || side.reader.is_some()) {
            return false;
        }
        if side.inbox.is_empty() {
            if side.eof {
                host.sides.remove(&stream);
                self.tell(id, Input::Closed { stream, cause: CloseCause::Eof });
            }
            return side_gone(self, id, stream);
        }
        let bytes: Vec<u8> = side.inbox.drain(..segment.min(side.inbox.len())).collect();
        side.received += bytes.len() as u64;
        if let Some(mut reader) = side.reader.take() {
            let mut answers = Answers { stream, host };
            let mut processes = core::mem::take(&mut answers.host.processes);
            let result = pump(&mut reader, &bytes, &mut processes, &mut answers);
            host.processes = processes;
            if let Some(side) = host.sides.get_mut(&stream) {
                side.reader = Some(reader);
            }
            if let Err(violation) = result {
                self.close_far(id, stream);
                self.nodes[id].host.sides.remove(&stream);
                self.tell(id, Input::Closed { stream, cause: CloseCause::Violation(violation) });
            }
        } else {
            side.reading = false;
            self.tell(id, Input::Received { stream, bytes: bytes.into() });
        }
        true
    }

    fn close(&mut self, id: usize, stream: StreamId) {
        self.close_far(id, stream);
        let side = self.nodes[id].host.sides.remove(&stream);
        if side.is_some_and(|side| side.far != Far::Nobody) {
            self.tell(id, Input::Closed { stream, cause: CloseCause::Local });
        }
    }

    fn close_far(&mut self, id: usize, stream: StreamId) {
        let Some(side) = self.nodes[id].host.sides.get(&stream) else { return };
        match side.far {
            Far::Node(other, far) => {
                if let Some(side) = self.nodes[other].host.sides.get_mut(&far) {
                    side.eof = true;
                }
            }
            Far::Script(script) => self.scripts[script].closed = true,
            Far::Epmd => {
                if let Some(name) = self.holders.remove(&(id, stream)) {
                    self.epmd.remove(&name);
                }
            }
            Far::Nobody => {}
        }
    }

    fn epmd_answers(&mut self, id: usize, stream: StreamId, request: &[u8]) {
        let mut out = Vec::new();
        let mut closes = true;
        match Request::parse(request).unwrap().unwrap() {
            Request::Alive2(entry) => {
                closes = false;
                let name = entry.name.as_str().to_owned();
                if self.epmd.contains_key(&name) {
                    Alive2Resp::refused(entry.info.highest).emit(&mut out);
                } else {
                    self.next_creation += 1;
                    Alive2Resp::New { result: 0, creation: self.next_creation }.emit(&mut out);
                    self.epmd.insert(name.clone(), entry.info.port);
                    self.holders.insert((id, stream), name);
                }
            }
            Request::PortPlease2 { name } => {
                let port = self.epmd.get(name.as_str()).copied();
                port_answer(name.as_str(), port, &mut out);
            }
            Request::Names => {
                out.extend_from_slice(&u32::from(EPMD_PORT).to_be_bytes());
                for (name, port) in &self.epmd {
                    NameLine { name, port: *port }.emit(&mut out);
                }
            }
            other @ (Request::Dump | Request::Kill | Request::Stop { .. }) => {
                panic!("no node asks {other:?}")
            }
        }
        if let Some(side) = self.nodes[id].host.sides.get_mut(&stream) {
            side.inbox.extend_from_slice(&out);
            side.eof |= closes;
        }
    }

    /// Drops every registration, as a daemon that dies.
    pub fn kill_epmd(&mut self) {
        self.epmd_down = true;
        for ((id, stream), name) in core::mem::take(&mut self.holders) {
            self.epmd.remove(&name);
            if let Some(side) = self.nodes[id].host.sides.get_mut(&stream) {
                side.eof = true;
            }
        }
        self.settle();
    }

    pub fn tell(&mut self, id: usize, input: Input) {
        let now = self.now;
        self.nodes[id].kernel.handle(now, input);
    }

    pub fn ping(&mut self, from: usize, to: &str) -> bool {
        let host = &mut self.nodes[from].host;
        let (ping, signals) = host.processes.ping(&name(to)).unwrap();
        let stream = *host.sides.iter().find(|(_, side)| side.reader.is_some()).unwrap().0;
        for signal in signals {
            let mut frame = Vec::new();
            signal.emit(&mut frame).unwrap();
            host.todo.push_back(Todo::Send(stream, frame.into()));
        }
        self.settle();
        self.nodes[from].host.pongs.contains(&(ping, true))
    }

    fn entropy(&mut self) -> Entropy {
        self.entropy = self.entropy.wrapping_add(1);
        Entropy::new([self.entropy; 16])
    }
}

fn side_gone(world: &World, id: usize, stream: StreamId) -> bool {
    !world.nodes[id].host.sides.contains_key(&stream)
}

fn port_answer(name: &str, port: Option<u16>, out: &mut Vec<u8>) {
    let answer = match port {
        Some(port) => Port2Resp::Found(Entry {
            info: PortInfo { port, node_type: 77, protocol: 0, highest: 6, lowest: 5 },
            name: Name::new(name.as_bytes()).unwrap(),
            extra: Extra::new(&[]).unwrap(),
        }),
        None => Port2Resp::NotFound,
    };
    answer.emit(out);
}

impl Side {
    fn new(far: Far) -> Self {
        Self {
            far,
            inbox: Vec::new(),
            eof: false,
            outbox: Vec::new(),
            leaving: false,
            reading: false,
            reader: None,
            received: 0,
            sent: 0,
            queued: 0,
            paused: false,
            counters_fail: false,
        }
    }
}

struct Answers<'a> {
    stream: StreamId,
    host: &'a mut TestHost,
}

impl Deliver for Answers<'_> {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        self.host.log.push(format!("{to:?} got {} bytes", message.len()));
        self.host.mail.push((to, Mail::Message(message)));
    }

    fn answer(&mut self, frame: Bytes) -> Result<(), netkernel_core::link::Violation> {
        self.host.send(self.stream, frame);
        Ok(())
    }

    fn pong(&mut self, ping: PingId, alive: bool) {
        self.host.pongs.push((ping, alive));
    }
}

impl TestHost {
    fn send(&mut self, stream: StreamId, bytes: Bytes) {
        if let Some(side) = self.sides.get_mut(&stream) {
            side.sent += 1;
            self.todo.push_back(Todo::Send(stream, bytes));
        }
    }
}

impl Host for TestHost {
    fn listen(&mut self) {
        self.todo.push_back(Todo::Listen);
    }

    fn unlisten(&mut self) {
        self.todo.retain(|todo| !matches!(todo, Todo::Listen));
        self.port = None;
    }

    fn open(&mut self, stream: StreamId, target: Target) {
        self.todo.push_back(Todo::Open(stream, target));
    }

    fn read(&mut self, stream: StreamId) {
        if let Some(side) = self.sides.get_mut(&stream) {
            assert!(!core::mem::replace(&mut side.reading, true), "one read at a time");
        }
    }

    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        assert!(
            self.sides.get(&stream).is_none_or(|side| side.reader.is_none()),
            "never after Promote"
        );
        self.send(stream, bytes);
    }

    fn attempting(&mut self, node: NodeName, _link: LinkId) {
        self.log.push(format!("attempting {node}"));
    }

    fn alive(&mut self, name: NodeName, creation: Creation) {
        self.processes.alive(name.clone(), creation);
        self.log.push(format!("alive {name} {}", creation.0));
    }

    fn not_alive(&mut self) {
        self.processes.not_alive();
        self.log.push("not alive".into());
    }

    fn event(&mut self, to: MailboxId, event: NodeEvent) {
        self.mail.push((to, Mail::Event(event.clone())));
        if self.witness != Some(to) {
            self.log.push(format!("{to:?} got {event}"));
        } else if event.connection_id() != Some(ConnectionId::Undefined) {
            self.log.push(match (event.node(), event.nodedown_reason()) {
                (node, None) => format!("nodeup {node} {}", event.node_type().unwrap()),
                (node, Some(reason)) => format!("nodedown {node} {reason}"),
            });
            self.events.push(event);
        }
    }

    fn promote(&mut self, stream: StreamId, promotion: Promotion) {
        self.log.push(format!("promote {}", promotion.node));
        self.links.insert(stream, promotion.link);
        if let Some(side) = self.sides.get_mut(&stream) {
            side.inbox.splice(0..0, promotion.residue.iter().copied());
            let promotion = Promotion { residue: Bytes::new(), ..promotion };
            side.reader = Some(LinkReader::new(&promotion, Limits::default()));
        }
    }

    fn tick(&mut self, stream: StreamId) {
        self.ticks.push(self.now);
        self.send(stream, Bytes::from_static(&[0; 4]));
    }

    fn sample(&mut self, stream: StreamId) -> Option<Traffic> {
        let side = self.sides.get(&stream).filter(|side| !side.counters_fail)?;
        Some(Traffic {
            received: side.received,
            sent: side.sent,
            queued: side.queued + side.outbox.len() as u64,
            paused: side.paused,
        })
    }

    fn setopts(&mut self, endpoint: Endpoint, options: &[SocketOption]) -> Result<(), OptsError> {
        self.options.extend(options.iter().map(|option| (endpoint, *option)));
        self.options_fail.clone().map_or(Ok(()), Err)
    }

    fn getopts(
        &mut self,
        stream: StreamId,
        names: &[OptionName],
    ) -> Result<Vec<SocketOption>, OptsError> {
        let set =
            self.options.iter().rev().filter(|(socket, _)| *socket == Endpoint::Stream(stream));
        let set = |name: &OptionName| set.clone().find(|(_, option)| option.name() == *name);
        Ok(names.iter().filter_map(set).map(|(_, option)| *option).collect())
    }

    fn close(&mut self, stream: StreamId, abort: bool) {
        self.todo.push_back(Todo::Close { stream, abort });
    }

    fn disconnected(&mut self, node: NodeName, _link: LinkId, was_up: bool) {
        self.log.push(format!("disconnected {node} {}", if was_up { "link" } else { "attempt" }));
    }

    fn answer(&mut self, request: RequestId, answer: Answer) {
        self.log.push(format!("answer {answer:?}"));
        self.answers.insert(request, answer);
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}
