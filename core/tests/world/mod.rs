//! A small world for kernels: a clock, byte streams that lose nothing, and an EPMD that answers at once.
//!
//! It drives the machines as a runtime does, through `turn` and `pump`, and looks at what comes out.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part of the world")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(unreachable_pub, reason = "a module of tests has nobody to be reached by")]

mod carrier;
mod epmd;
mod host;
mod node;
mod script;
mod side;

pub use epmd::EPMD_PORT;
pub use host::{Mail, TestHost};
pub use node::Node;
pub use script::Script;
pub use side::{Far, Side};

use core::time::Duration;
use std::collections::BTreeMap;

use bytes::Bytes;
use netkernel_core::driver::Machine as _;
use netkernel_core::link::Frame;
use netkernel_core::net_kernel::{
    Answer, CloseCause, Config, Input, MonitorOptions, NetKernel, NetTicktime, StartOptions,
};
use netkernel_core::wire::control::Control;
use netkernel_core::{Cookie, Entropy, Flags, Instant, MailboxId, NodeName, StreamId};

use host::Todo;
use node::names_of;

/// Of which streams a node hears late that they are open, accepted or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slow {
    Nothing,
    /// Of those between nodes.
    Peers,
    /// Also of those to EPMD.
    All,
}

#[derive(Clone, Debug, PartialEq, Hash)]
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
    pub slow: Slow,
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
            slow: Slow::Nothing,
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
        self.nodes.push(Node {
            kernel,
            host,
            seen: Vec::new(),
            frozen: false,
            late: Vec::new(),
            entropy: 0,
        });
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
        let entropy = self.entropy(id);
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
        let send = Control::Send { from: None, to: pid, message, token: None };
        let frame = Frame::new(&send, Flags::SERVED).unwrap();
        self.nodes[from].host.todo.push_back(Todo::Send(stream, frame.to_bytes().into()));
    }

    /// The streams of a node that carry links.
    pub fn link_streams(&self, id: usize) -> Vec<StreamId> {
        let sides = self.nodes[id].host.sides.iter();
        let links = sides.filter(|(_, side)| side.reader.is_some() && !side.closing);
        links.map(|(stream, _)| *stream).collect()
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

    /// The links of a node to dead ones are reset.
    pub fn reset_links(&mut self, id: usize) {
        for stream in self.link_streams(id) {
            let Far::Node(other, _) = self.nodes[id].host.sides[&stream].far else { continue };
            let dead = self.nodes[other].frozen;
            self.nodes[id].host.sides.get_mut(&stream).unwrap().eof |= dead;
        }
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

    /// Tells it at once, or notes it if the world is slow.
    fn tell_late(&mut self, id: usize, far: Far, input: Input) {
        match (self.slow, far) {
            (Slow::Nothing, _) | (Slow::Peers, Far::Epmd) => self.tell(id, input),
            (Slow::Peers | Slow::All, _) => self.nodes[id].late.push(input),
        }
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
            let frame = Frame::new(&signal, Flags::SERVED).unwrap();
            host.todo.push_back(Todo::Send(stream, frame.to_bytes().into()));
        }
        self.settle();
        self.nodes[from].host.pongs.contains(&(ping, true))
    }

    /// Other bytes for each node, which do not depend on what other nodes did before.
    pub fn entropy(&mut self, id: usize) -> Entropy {
        let node = &mut self.nodes[id];
        node.entropy = node.entropy.wrapping_add(1);
        let bytes = [id as u8, node.entropy];
        Entropy::new(core::array::from_fn(|at| bytes[at % 2]))
    }
}
