//! A node of ours in the process of the test, on the runtime of that test.

use core::time::Duration;
use std::thread;
use std::time::Instant;

use crate::runtime::{Mailbox, Node};
use netkernel_blocking::core::net_kernel::{Diagnostic, NetTicktime, NodeDownReason, NodeEvent};
use netkernel_blocking::core::term::{Atom, Pid};
use netkernel_blocking::core::{Cookie, NodeName, NodeType};
use netkernel_blocking::{Item, MonitorOptions, NodeConfig, StartOptions, Usage};
use netkernel_blocking::{NodeKind, NodeKinds};

use crate::GIVE_UP;

/// The cookie of all nodes that are not told another.
pub const COOKIE: &str = "secret";

/// A started node, and what it has told.
#[derive(Debug)]
pub struct Ours {
    /// Its handle.
    pub node: Node,
    name: String,
    events: Mailbox,
    log: Mailbox,
}

impl Ours {
    /// Erlang's defaults, the cookie [`COOKIE`], and the EPMD at this port.
    #[must_use]
    pub fn config(epmd: u16) -> NodeConfig {
        let mut config = NodeConfig::new(cookie(COOKIE));
        config.kernel.epmd_port = epmd;
        config
    }

    /// The same with another `net_ticktime`, in seconds, and `net_tickintensity`.
    ///
    /// # Panics
    /// If there are no such.
    #[must_use]
    pub fn ticking(epmd: u16, ticktime: u32, intensity: u16) -> NodeConfig {
        let mut config = Self::config(epmd);
        config.kernel.net_ticktime = NetTicktime::new(ticktime, intensity).expect("good values");
        config
    }

    /// Starts the visible node `NAME@127.0.0.1`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(name: &str, config: NodeConfig) -> Self {
        Self::start_as(name, false, config)
    }

    /// Starts the hidden node `NAME@127.0.0.1`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_hidden(name: &str, config: NodeConfig) -> Self {
        Self::start_as(name, true, config)
    }

    fn start_as(name: &str, hidden: bool, config: NodeConfig) -> Self {
        let name = format!("{name}@127.0.0.1");
        let node = Node::new(config).expect("threads");
        let (events, log) = (node.mailbox(), node.mailbox());
        events.monitor_nodes(true, MonitorOptions::ALL);
        log.monitor_diagnostics(true);
        let options = StartOptions { hidden, ..StartOptions::new(node_name(&name)) };
        node.start(options).unwrap_or_else(|error| panic!("{name}: {error}"));
        let ours = Self { node, name, events, log };
        ours.expect_up(&ours.name, NodeType::Visible);
        ours
    }

    /// Its full name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its port.
    ///
    /// # Panics
    /// If it is not alive.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.node.identity().and_then(|own| own.port).expect("it listens")
    }

    /// Connects, and waits for the `nodeup`.
    ///
    /// # Panics
    /// If that fails.
    pub fn connect(&self, node: &str) {
        self.node
            .connect_node(node_name(node))
            .unwrap_or_else(|e| panic!("{} to {node}: {e}", self.name));
    }

    /// The links that are up: names and types.
    #[must_use]
    pub fn nodes(&self) -> Vec<(String, NodeKind)> {
        let nodes = self.node.nodes(NodeKinds::CONNECTED);
        nodes.iter().map(|info| (info.node.as_str().to_owned(), info.node_type)).collect()
    }

    /// The next node event.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn next_event(&self) -> NodeEvent {
        match self.events.recv_timeout(GIVE_UP) {
            Some(Item::Event(event)) => event,
            other => panic!("{}: no node event but {other:?}", self.name),
        }
    }

    /// That the next event is the `nodeup` of this node.
    ///
    /// # Panics
    /// If it is not.
    pub fn expect_up(&self, node: &str, node_type: NodeType) {
        let event = self.next_event();
        let as_expected = matches!(event, NodeEvent::NodeUp { .. })
            && event.node().as_str() == node
            && event.node_type() == Some(node_type);
        assert!(as_expected, "{}: expected nodeup of {node}, {node_type}, got {event}", self.name);
    }

    /// That the next event is the `nodedown` of this node, for this reason.
    ///
    /// # Panics
    /// If it is not.
    pub fn expect_down(&self, node: &str, reason: NodeDownReason) {
        let event = self.next_event();
        let as_expected = event.node().as_str() == node && event.nodedown_reason() == Some(&reason);
        assert!(as_expected, "{}: expected nodedown of {node}, {reason}, got {event}", self.name);
    }

    /// That no event comes for so long.
    ///
    /// # Panics
    /// If one comes.
    pub fn expect_silence(&self, time: Duration) {
        if let Some(item) = self.events.recv_timeout(time) {
            panic!("{}: unexpected {item:?}", self.name);
        }
    }

    /// The next diagnostic that is wanted; others are passed over.
    ///
    /// # Panics
    /// If it does not come.
    pub fn wait_diagnostic(&self, wanted: impl Fn(&Diagnostic) -> bool) -> Diagnostic {
        let begin = Instant::now();
        let mut passed = Vec::new();
        while let Some(left) = GIVE_UP.checked_sub(begin.elapsed()) {
            match self.log.recv_timeout(left) {
                Some(Item::Diagnostic(diagnostic)) if wanted(&diagnostic) => return diagnostic,
                Some(item) => passed.push(item),
                None => break,
            }
        }
        panic!("{}: the diagnostic did not come, but {passed:?}", self.name)
    }

    /// What there is on its side. With a link or without there is a row of a node, so these do not count.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let mut usage = self.node.usage();
        usage.nodes = 0;
        usage
    }

    /// Waits until nobody here waits for anybody any more.
    ///
    /// # Panics
    /// If somebody goes on.
    pub fn expect_nothing_left(&self) {
        eventually("nothing is left here", || {
            let usage = self.node.usage();
            (usage.monitors, usage.aliases, usage.spawns, usage.watches) == (0, 0, 0, 0)
        });
    }

    /// A new mailbox with a registered name.
    ///
    /// # Panics
    /// If the name is taken.
    #[must_use]
    pub fn mailbox(&self, name: &str) -> Mailbox {
        let mailbox = self.node.mailbox();
        mailbox.register(Atom::new(name).expect("an atom")).expect("a free name");
        mailbox
    }
}

/// A validated name.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn node_name(text: &str) -> NodeName {
    NodeName::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A cookie.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn cookie(text: &str) -> Cookie {
    Cookie::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The next item of a mailbox, which must be a message.
///
/// # Panics
/// If none comes.
#[must_use]
pub fn next_message(mailbox: &Mailbox) -> Vec<u8> {
    match mailbox.recv_timeout(GIVE_UP) {
        Some(Item::Message(message)) => message.to_vec(),
        other => panic!("no message but {other:?}"),
    }
}

/// A pid as an Erlang expression.
#[must_use]
pub fn pid_expression(pid: &Pid) -> String {
    let mut term = vec![131, 88, 119, u8::try_from(pid.node.len()).unwrap_or(0)];
    term.extend_from_slice(pid.node.as_bytes());
    term.extend([pid.id, pid.serial, pid.creation.0].into_iter().flat_map(u32::to_be_bytes));
    term_expression(&term)
}

/// An external term as an Erlang expression.
#[must_use]
pub fn term_expression(term: &[u8]) -> String {
    let bytes: Vec<_> = term.iter().map(u8::to_string).collect();
    format!("binary_to_term(<<{}>>)", bytes.join(","))
}

/// Waits until something holds.
///
/// # Panics
/// If it never does.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < GIVE_UP, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
