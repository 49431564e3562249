//! Follows a cluster from outside: which nodes come and go, and why.
//!
//! It is a hidden node. Those of the cluster do not connect to it, nor count it among `nodes()`, and `global` does not wait for it. So it has to ask who is
//! there.
//!
//! ```sh
//! erl -name b@127.0.0.1 -setcookie secret         # or: iex --name b@127.0.0.1 --cookie secret
//! cargo run -p netkernel-blocking --example observer -- observer@127.0.0.1 secret b@127.0.0.1
//! erl -name c@127.0.0.1 -setcookie secret         # there: net_adm:ping('b@127.0.0.1'). And later: q().
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example is for")]

use core::error::Error;
use core::time::Duration;
use std::collections::BTreeSet;
use std::env;

use netkernel_blocking::core::net_kernel::NodeEvent;
use netkernel_blocking::core::term::Term;
use netkernel_blocking::core::{Cookie, NodeName, atom};
use netkernel_blocking::{
    Item, Mailbox, MonitorOptions, Node, NodeConfig, NodeKinds, ProcessEvent, StartOptions,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, cookie, peer] = arguments.as_slice() else {
        return Err("arguments: NAME@HOST COOKIE PEER@HOST".into());
    };
    let peer: NodeName = peer.parse()?;
    let mut config = NodeConfig::new(Cookie::new(cookie)?);
    config.apply_env()?;
    let node = Node::new(config)?;
    node.start(StartOptions { hidden: true, ..StartOptions::new(name.parse()?) })?;
    let own = node.mailbox();
    own.monitor_nodes(true, MonitorOptions::ALL);
    node.connect_node(peer.clone())?;
    loop {
        look_around(&node, &own, &peer);
        let item = own.recv_timeout(Duration::from_secs(1));
        if let Some(Item::Event(event)) = &item {
            println!("{}", told(event));
        }
        if matches!(item, Some(Item::Process(ProcessEvent::Ended { .. }))) {
            return Err("an exit signal has ended the process that is told".into());
        }
    }
}

/// Connects to the nodes that the others see, and to the first one if that is gone.
fn look_around(node: &Node, own: &Mailbox, peer: &NodeName) {
    let known: Vec<_> = node.nodes(NodeKinds::CONNECTED).into_iter().map(|it| it.node).collect();
    // In Erlang: erpc:multicall(Known, erlang, nodes, [], 1000). Who does not answer is asked again.
    let limit = Some(Duration::from_secs(1));
    let answers = own.erpc_multicall(&known, &atom!("erlang"), &atom!("nodes"), &[], limit);
    let answers = answers.iter().flatten().filter_map(Term::as_list).flatten();
    let seen = answers.filter_map(|name| name.as_atom()?.as_str().parse().ok());
    let seen: BTreeSet<NodeName> = seen.chain([peer.clone()]).collect();
    for new in seen.into_iter().filter(|name| !known.contains(name)) {
        // Of one that is gone there is nothing to tell.
        let _ = node.connect_node(new);
    }
}

fn told(event: &NodeEvent) -> String {
    match event.nodedown_reason() {
        Some(reason) => format!("nodedown {}: {reason}", event.node()),
        None => format!("nodeup {}", event.node()),
    }
}
