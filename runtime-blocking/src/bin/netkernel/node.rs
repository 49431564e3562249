//! `netkernel node`: runs a node, prints what happens, and obeys commands on standard input.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use netkernel_blocking::core::term::Atom;
use netkernel_blocking::{Identity, Mailbox, MonitorOptions, Node, StartOptions};
use serde_json::json;

use crate::args::NodeArgs;
use crate::calls::Calls;
use crate::console::{self, Call, Command};
use crate::obey::{Session, error_line};
use crate::report::{Line, Report};
use crate::{Failed, events};

/// The registered name of the mailbox whose messages are told.
const MAILBOX: &str = "netkernel";

/// What the command waits for.
pub(crate) enum Event {
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
    let mailbox = Arc::new(open_mailbox(&node, &events)?);
    let options = StartOptions { hidden: args.hidden, ..StartOptions::new(args.name.clone()) };
    let identity =
        node.start(options).map_err(|error| Failed::Because(format!("{}: {error}", args.name)))?;
    let allowed: Vec<&str> = args.allow.iter().map(String::as_str).collect();
    node.allow(&allowed).map_err(|error| Failed::Because(error.to_string()))?;
    report.print(&started(&identity))?;
    let session = Session::new(node.clone(), Arc::clone(&mailbox));
    let calls = Calls::new(node.clone(), events.clone());
    let commands = work(session, calls, events.clone())?;
    for peer in args.connect.clone() {
        let _ = commands.send(Command::Call(peer, Call::Connect));
    }
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
        report.print(&events::line(&item))?;
    }
    Ok(())
}

/// Carries commands out in a thread, while events are printed: one after the other, but none waits for another node's
/// answer to an earlier one.
fn work(
    mut session: Session,
    mut calls: Calls,
    results: Sender<Event>,
) -> io::Result<Sender<Command>> {
    let (commands, queue) = channel();
    let work = move || {
        for command in queue {
            let done = if let Command::Call(peer, call) = command {
                calls.make(peer, call)
            } else {
                Some(session.obey(command))
            };
            if done.is_some_and(|line| results.send(Event::Done(line)).is_err()) {
                return;
            }
        }
    };
    thread::Builder::new().spawn(work)?;
    Ok(commands)
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
