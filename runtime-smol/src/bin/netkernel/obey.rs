//! Carries out the commands of the input, and tells what they came to.

use core::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use async_channel::Sender;
use async_executor::LocalExecutor;
use netkernel_smol::core::net_kernel::{
    ConnectError, NameDomain, NameType, TicktimeChange, TicktimeError, TicktimeState,
};
use netkernel_smol::core::{NodeName, NodeType};
use netkernel_smol::{
    Address, BadNode, ConnectionInfo, Identity, Mailbox, MonitorOptions, NetState, Node, NodeInfo,
    NodeKinds, OptionName, OptsError, SocketOption, Started,
};
use serde_json::{Value, json};

use crate::console::{self, Call, Command};
use crate::inbox::Inbox;
use crate::node::Event;
use crate::report::Line;
use crate::{ping, reason};

/// What commands work on.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) node: Node,
    pub(crate) mailbox: Rc<Mailbox>,
    /// What processes have printed that were started from here.
    pub(crate) output: Rc<RefCell<VecDeque<String>>>,
    /// Messages that have come.
    pub(crate) inbox: Rc<Inbox>,
    /// Where results go that come before that of the command.
    pub(crate) results: Sender<Event>,
    pub(crate) executor: Rc<LocalExecutor<'static>>,
    /// The options of the subscriptions that the mailbox has.
    monitored: Rc<RefCell<BTreeSet<MonitorOptions>>>,
}

impl Session {
    /// The mailbox is subscribed with [`MonitorOptions::ALL`].
    pub(crate) fn new(
        node: Node,
        mailbox: Mailbox,
        results: Sender<Event>,
        executor: Rc<LocalExecutor<'static>>,
    ) -> Self {
        let monitored = BTreeSet::from([MonitorOptions::ALL]);
        Self {
            node,
            mailbox: Rc::new(mailbox),
            output: Rc::default(),
            inbox: Rc::new(Inbox::new()),
            results,
            executor,
            monitored: Rc::new(RefCell::new(monitored)),
        }
    }

    /// Takes as long as it takes.
    pub(crate) async fn obey(&self, command: Command) -> Line {
        let node = &self.node;
        match command {
            Command::Call(peer, call) => self::call(node, &peer, call).await,
            Command::Nodes(kinds) => nodes(&node.nodes(kinds).await),
            Command::Info(peer) => info(&peer, node.node_info(&peer).await),
            Command::GetOpts(peer, names) => getopts(node, &peer, names).await,
            Command::SetOpts(peer, options) => setopts(node, peer.as_ref(), options).await,
            Command::Allow(nodes) => allow(node, &nodes).await,
            Command::Peer(peer, address) => peer_at(node, peer, address).await,
            Command::State => state(node).await,
            Command::Ticktime => ticktime(node.get_net_ticktime().await),
            Command::SetTicktime { seconds, transition_seconds } => {
                ticktime_set(node.set_net_ticktime(seconds, transition_seconds).await)
            }
            Command::Monitor(options) => self.monitor(options).await,
            Command::MonitorOff(options) => self.monitor_off(options).await,
            Command::Apply(call) => self.apply(&call).await,
            Command::Remote(written) => self.written(written).await,
            Command::Stop | Command::Help => {
                Line::new(console::HELP, json!({"event": "help", "text": console::HELP}))
            }
        }
    }

    async fn monitor(&self, options: MonitorOptions) -> Line {
        self.mailbox.monitor_nodes(true, options).await;
        self.monitors(true, options);
        Line::new("ok", json!({"event": "monitor", "on": true, "result": "ok"}))
    }

    async fn monitor_off(&self, options: Option<MonitorOptions>) -> Line {
        let all = || self.monitored.borrow().clone();
        for options in options.map_or_else(all, |options| [options].into()) {
            self.mailbox.monitor_nodes(false, options).await;
            self.monitors(false, options);
        }
        Line::new("ok", json!({"event": "monitor", "on": false, "result": "ok"}))
    }

    /// Remembers what the mailbox is subscribed with.
    pub(crate) fn monitors(&self, on: bool, options: MonitorOptions) {
        let mut monitored = self.monitored.borrow_mut();
        if on {
            monitored.insert(options)
        } else {
            monitored.remove(&options)
        };
    }
}

/// Something that the user is to be told, and that ends nothing.
pub(crate) fn error_line(text: &str) -> Line {
    Line::new(format_args!("error: {text}"), json!({"event": "error", "text": text}))
}

/// Takes as long as the other node takes.
async fn call(node: &Node, peer: &NodeName, call: Call) -> Line {
    match call {
        Call::Connect => connected(peer, node.connect_node(peer.clone()).await),
        Call::HiddenConnect => connected(peer, node.hidden_connect_node(peer.clone()).await),
        Call::Disconnect => disconnected(peer, node.disconnect_node(peer).await),
        Call::Ping => ping::line(peer, &node.ping(peer, ping::LIMIT).await),
    }
}

pub(crate) fn connected(peer: &NodeName, result: Result<(), ConnectError>) -> Line {
    match result {
        Ok(()) => Line::new(
            format_args!("connected to {peer}"),
            json!({"event": "connect", "node": peer.as_str(), "result": true}),
        ),
        Err(error) => Line::new(
            format_args!("not connected to {peer}: {error}"),
            json!({"event": "connect", "node": peer.as_str(), "result": false,
                "step": reason::step(&error), "reason": error.to_string()}),
        ),
    }
}

fn disconnected(peer: &NodeName, result: Option<bool>) -> Line {
    let text = match result {
        Some(true) => "disconnected from",
        Some(false) => "no link with",
        None => "this node is not alive, and has no link with",
    };
    Line::new(
        format_args!("{text} {peer}"),
        json!({"event": "disconnect", "node": peer.as_str(), "result": result}),
    )
}

async fn allow(node: &Node, nodes: &[String]) -> Line {
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    let result = if node.allow(&nodes).await.is_ok() { "ok" } else { "ignored" };
    Line::new(result, json!({"event": "allow", "nodes": nodes, "result": result}))
}

async fn peer_at(node: &Node, peer: NodeName, address: Option<Address>) -> Line {
    let told = address.as_ref().map(ToString::to_string);
    let line = json!({"event": "peer", "node": peer.as_str(), "address": told});
    node.set_address(peer, address).await;
    Line::new("ok", line)
}

fn nodes(nodes: &[NodeInfo]) -> Line {
    let names: Vec<_> = nodes.iter().map(|info| info.node.to_string()).collect();
    Line::new(
        format_args!("[{}]", names.join(",")),
        json!({"event": "nodes", "nodes": nodes.iter().map(node_json).collect::<Vec<_>>()}),
    )
}

fn node_json(info: &NodeInfo) -> Value {
    json!({
        "node": info.node.as_str(),
        "node_type": info.node_type.to_string(),
        "connection_id": info.connection_id(),
    })
}

/// In Erlang's words.
fn info(peer: &NodeName, result: Result<ConnectionInfo, BadNode>) -> Line {
    let Ok(ConnectionInfo { state, node_type, received, sent, .. }) = result else {
        return Line::new(
            "{error,bad_node}",
            json!({"event": "info", "node": peer.as_str(), "result": "bad_node"}),
        );
    };
    let node_type = match node_type {
        Some(NodeType::Visible) => "normal",
        Some(NodeType::Hidden) => "hidden",
        None => "undefined",
    };
    Line::new(
        format_args!(
            "{{ok,[{{state,{state}}},{{type,{node_type}}},{{in,{received}}},{{out,{sent}}}]}}"
        ),
        json!({"event": "info", "node": peer.as_str(), "result": "ok", "state": state.to_string(),
            "type": node_type, "in": received, "out": sent}),
    )
}

/// In Erlang's words. What is wrong with the names is told only if there is a link.
async fn getopts(node: &Node, peer: &NodeName, names: Result<Vec<OptionName>, OptsError>) -> Line {
    let result = match names {
        Ok(names) => node.getopts(peer, names).await,
        Err(error) => node.getopts(peer, Vec::new()).await.and(Err(error)),
    };
    let event = |result: &str| json!({"event": "getopts", "node": peer.as_str(), "result": result});
    match result {
        Ok(options) => {
            let told: Vec<_> = options.iter().map(ToString::to_string).collect();
            let mut json = event("ok");
            for option in options {
                json["options"][option.name().as_str()] = option_json(option);
            }
            Line::new(format_args!("{{ok,[{}]}}", told.join(",")), json)
        }
        Err(error) => Line::new(&error, event(&error.to_string())),
    }
}

/// In Erlang's words. What is wrong with the options is told only if there is something to set them of.
async fn setopts(
    node: &Node,
    peer: Option<&NodeName>,
    options: Result<Vec<SocketOption>, OptsError>,
) -> Line {
    let set = async |options| match peer {
        Some(peer) => node.setopts(peer, options).await,
        None => node.setopts_new(options).await,
    };
    let result = match options {
        Ok(options) => set(options).await,
        Err(error) => set(Vec::new()).await.and(Err(error)),
    };
    let result = result.map_or_else(|error| error.to_string(), |()| "ok".into());
    let peer = peer.map_or("new", NodeName::as_str);
    Line::new(&result, json!({"event": "setopts", "node": peer, "result": result}))
}

fn option_json(option: SocketOption) -> Value {
    match option {
        SocketOption::Keepalive(on) | SocketOption::Nodelay(on) => on.into(),
        SocketOption::Linger(seconds) => seconds.into(),
        SocketOption::Priority(number)
        | SocketOption::Recbuf(number)
        | SocketOption::Sndbuf(number)
        | SocketOption::Tos(number) => number.into(),
    }
}

/// In Erlang's words.
fn ticktime(state: Option<TicktimeState>) -> Line {
    let text = state.map_or_else(|| "ignored".into(), |state| state.to_string());
    let json = match state {
        None => json!({"event": "ticktime", "result": "ignored"}),
        Some(TicktimeState::Steady(seconds)) => {
            json!({"event": "ticktime", "result": "steady", "seconds": seconds})
        }
        Some(TicktimeState::OngoingChangeTo(seconds)) => {
            json!({"event": "ticktime", "result": "ongoing_change_to", "seconds": seconds})
        }
    };
    Line::new(text, json)
}

/// In Erlang's words.
fn ticktime_set(result: Result<Option<TicktimeChange>, TicktimeError>) -> Line {
    let change = match result {
        Ok(change) => change,
        Err(error) => return error_line(&error.to_string()),
    };
    let text = change.map_or_else(|| "ignored".into(), |change| change.to_string());
    let json = match change {
        Some(TicktimeChange::OngoingChangeTo(seconds)) => {
            json!({"event": "set_ticktime", "result": "ongoing_change_to", "seconds": seconds})
        }
        Some(TicktimeChange::Unchanged | TicktimeChange::ChangeInitiated) | None => {
            json!({"event": "set_ticktime", "result": text})
        }
    };
    Line::new(text, json)
}

async fn state(node: &Node) -> Line {
    let (identity, state) = (node.identity().await, node.get_state().await);
    let links = node.nodes(NodeKinds::CONNECTED).await;
    let shown: Vec<_> = links
        .iter()
        .filter_map(|info| Some((info, info.connection_id()?)))
        .map(|(info, id)| format!("{} {} {id}", info.node, info.node_type))
        .collect();
    let term = state_term(state.as_ref());
    let mut json = json!({"event": "state", "alive": state.is_some(), "get_state": term,
        "links": links.iter().map(node_json).collect::<Vec<_>>()});
    let text = match identity {
        None if state.is_some() => format!("alive without a name, {term}"),
        None => format!("not alive, {term}"),
        Some(Identity { name, creation, port }) => {
            json["node"] = name.as_str().into();
            json["creation"] = creation.0.into();
            json["port"] = port.into();
            let port = port.map_or_else(|| "none".into(), |port| port.to_string());
            let (creation, links) = (creation.0, shown.join(", "));
            format!("alive as {name}, creation {creation}, port {port}, links: [{links}], {term}")
        }
    };
    Line::new(text, json)
}

/// What `net_kernel:get_state/0` answers.
fn state_term(state: Option<&NetState>) -> String {
    let Some(NetState { started, name, name_type, name_domain }) = state else {
        return "#{started => no}".into();
    };
    let name = name.as_ref().map_or_else(|| "undefined".into(), ToString::to_string);
    let started = match started {
        Started::Static => "static",
        Started::Dynamic => "dynamic",
    };
    let name_type = match name_type {
        NameType::Static => "static",
        NameType::Dynamic => "dynamic",
    };
    let domain = match name_domain {
        NameDomain::Longnames => "longnames",
        NameDomain::Shortnames => "shortnames",
    };
    format!(
        "#{{name => {name},name_domain => {domain},name_type => {name_type},started => {started}}}"
    )
}
