//! `netkernel node`: runs a node, prints what happens, and obeys commands on standard input.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use netkernel_blocking::core::NodeName;
use netkernel_blocking::core::net_kernel::{ConnectError, ConnectionId, NodeEvent};
use netkernel_blocking::core::term::Atom;
use netkernel_blocking::{Identity, Item, Mailbox, MonitorOptions, Node, NodeInfo, StartOptions};
use serde_json::{Value, json};

use crate::args::NodeArgs;
use crate::console::{self, Command};
use crate::report::{Line, Report};
use crate::{Failed, ping, reason};

/// The registered name of the mailbox whose messages are told.
const MAILBOX: &str = "netkernel";

/// What the command waits for.
enum Event {
    /// Something is in the mailbox.
    Mail,
    Input(String),
    /// The result of a command.
    Done(Line),
    Stop,
}

pub(crate) fn run(args: &NodeArgs, report: &Report) -> Result<(), Failed> {
    let node = Node::new(args.config()?).map_err(|error| Failed::Because(error.to_string()))?;
    let (events, incoming) = channel();
    watch_signals(&events)?;
    let mailbox = open_mailbox(&node, &events)?;
    let options = StartOptions { name: args.name.clone(), hidden: args.hidden, listen: true };
    let identity =
        node.start(options).map_err(|error| Failed::Because(format!("{}: {error}", args.name)))?;
    report.print(&started(&identity))?;
    // All at once: one that does not answer must not delay the others.
    for peer in &args.connect {
        let _ = work(&node, events.clone())?.send(Command::Connect(peer.clone()));
    }
    let commands = work(&node, events.clone())?;
    watch_input(events);
    let result = serve(report, &commands, &mailbox, &incoming);
    node.stop();
    result?;
    print_mail(report, &mailbox)?;
    report.print(&Line::new("stopped", json!({"event": "stopped"})))?;
    Ok(())
}

fn serve(
    report: &Report,
    commands: &Sender<Command>,
    mailbox: &Mailbox,
    incoming: &Receiver<Event>,
) -> io::Result<()> {
    // The signal handler has a sender as long as the process lives, so there is always a next event to wait for.
    while let Ok(event) = incoming.recv() {
        // The mailbox comes first: what led to a result arrived there before the result.
        print_mail(report, mailbox)?;
        match event {
            Event::Mail => {}
            Event::Done(line) => report.print(&line)?,
            Event::Input(line) => match console::parse(&line) {
                Ok(None) => {}
                Ok(Some(Command::Stop)) => break,
                Ok(Some(command)) => drop(commands.send(command)),
                Err(text) => report.print(&error_line(&text))?,
            },
            Event::Stop => break,
        }
    }
    Ok(())
}

fn print_mail(report: &Report, mailbox: &Mailbox) -> io::Result<()> {
    while let Some(item) = mailbox.try_recv() {
        report.print(&line_of(&item))?;
    }
    Ok(())
}

/// Carries commands out one after the other, in a thread: they take their time, and events are printed meanwhile.
fn work(node: &Node, results: Sender<Event>) -> io::Result<Sender<Command>> {
    let node = node.clone();
    let (commands, queue) = channel();
    let work = move || {
        for command in queue {
            if results.send(Event::Done(carry_out(&node, command))).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().spawn(work)?;
    Ok(commands)
}

fn carry_out(node: &Node, command: Command) -> Line {
    match command {
        Command::Connect(peer) => connected(&peer, node.connect_node(peer.clone())),
        Command::Disconnect(peer) => disconnected(&peer, node.disconnect_node(&peer)),
        Command::Ping(peer) => ping::line(&peer, &node.ping(&peer, ping::ANSWER_LIMIT)),
        Command::Nodes => nodes(&node.nodes()),
        Command::State => state(node),
        Command::Stop | Command::Help => {
            Line::new(console::HELP, json!({"event": "help", "text": console::HELP}))
        }
    }
}

fn watch_signals(events: &Sender<Event>) -> Result<(), Failed> {
    let events = events.clone();
    ctrlc::set_handler(move || drop(events.send(Event::Stop)))
        .map_err(|error| Failed::Because(format!("signals: {error}")))
}

fn open_mailbox(node: &Node, events: &Sender<Event>) -> Result<Mailbox, Failed> {
    let because = |error: &dyn core::fmt::Display| Failed::Because(error.to_string());
    let mailbox = node.mailbox();
    let events = events.clone();
    mailbox.set_waker(move || drop(events.send(Event::Mail)));
    mailbox.monitor_nodes(true, MonitorOptions::ALL);
    mailbox.monitor_diagnostics(true);
    let name = Atom::new(MAILBOX).map_err(|_| because(&"mailbox name too long"))?;
    mailbox.register(name).map_err(|error| because(&error))?;
    Ok(mailbox)
}

/// The end of the input stops the node only at a terminal: elsewhere it is how nodes run in the background.
fn watch_input(events: Sender<Event>) {
    thread::spawn(move || {
        let input = io::stdin().lock();
        let terminal = input.is_terminal();
        for line in input.lines().map_while(Result::ok) {
            if events.send(Event::Input(line)).is_err() {
                return;
            }
        }
        if terminal {
            let _ = events.send(Event::Stop);
        }
    });
}

fn started(identity: &Identity) -> Line {
    let Identity { name, creation, port } = identity;
    let listening = port.map_or_else(String::new, |port| format!(", listening on port {port}"));
    Line::new(
        format_args!("started {name}, creation {}{listening}", creation.0),
        json!({"event": "started", "node": name.as_str(), "creation": creation.0, "port": port}),
    )
}

fn connected(peer: &NodeName, result: Result<(), ConnectError>) -> Line {
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
        "connection_id": info.link.connection_id(),
    })
}

fn state(node: &Node) -> Line {
    let Some(Identity { name, creation, port }) = node.identity() else {
        return Line::new("not alive", json!({"event": "state", "alive": false}));
    };
    let links = node.nodes();
    let shown: Vec<_> = links
        .iter()
        .map(|info| format!("{} {} {}", info.node, info.node_type, info.link.connection_id()))
        .collect();
    let port_text = port.map_or_else(|| "none".into(), |port| port.to_string());
    Line::new(
        format_args!(
            "alive as {name}, creation {}, port {port_text}, links: [{}]",
            creation.0,
            shown.join(", ")
        ),
        json!({"event": "state", "alive": true, "node": name.as_str(), "creation": creation.0, "port": port,
            "links": links.iter().map(node_json).collect::<Vec<_>>()}),
    )
}

fn line_of(item: &Item) -> Line {
    match item {
        Item::Event(event) => Line::new(event, event_json(event)),
        Item::Diagnostic(diagnostic) => Line::new(
            format_args!("diagnostic: {diagnostic}"),
            json!({"event": "diagnostic", "text": diagnostic.to_string()}),
        ),
        Item::Message(message) => Line::new(
            format_args!("message of {} bytes", message.len()),
            json!({"event": "message", "bytes": message.len()}),
        ),
        other => Line::new(
            format_args!("{other:?}"),
            json!({"event": "other", "text": format!("{other:?}")}),
        ),
    }
}

fn event_json(event: &NodeEvent) -> Value {
    let name = match event {
        NodeEvent::NodeUp { .. } => "nodeup",
        NodeEvent::NodeDown { .. } => "nodedown",
    };
    let connection_id = match event.connection_id() {
        Some(ConnectionId::Link(link)) => Some(link.connection_id()),
        Some(ConnectionId::Undefined) | None => None,
    };
    let mut object = json!({
        "event": name,
        "node": event.node().as_str(),
        "connection_id": connection_id,
        "node_type": event.node_type().map(|node_type| node_type.to_string()),
    });
    if let (Some(reason), Some(fields)) = (event.nodedown_reason(), object.as_object_mut()) {
        fields.insert("nodedown_reason".into(), reason.to_string().into());
    }
    object
}

fn error_line(text: &str) -> Line {
    Line::new(format_args!("error: {text}"), json!({"event": "error", "text": text}))
}
