//! `netkernel node`: runs a node, prints what happens, and obeys commands on standard input.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::rc::Rc;
use std::thread;

use async_channel::{Receiver, Sender, bounded, unbounded};
use async_executor::LocalExecutor;
use futures_lite::future::{self, block_on};
use netkernel_smol::core::net_kernel::OwnName;
use netkernel_smol::core::term::Atom;
use netkernel_smol::{
    Bound, Identity, Item, Mailbox, MonitorOptions, Node, Output, Overflow, ProcessEvent,
    StartOptions,
};
use serde_json::json;

use crate::call::{group_leader, output_line};
use crate::calls::{Calls, Lane};
use crate::console::{self, Call, Command};
use crate::node_args::NodeArgs;
use crate::obey::{Session, error_line};
use crate::remote_words::Reader;
use crate::report::{Line, Report};
use crate::{Failed, events, remote};

/// The registered name of the mailbox whose messages are told.
const MAILBOX: &str = "netkernel";

/// How much may wait to be printed, before those who send it are held.
const BOUND: Bound = Bound { messages: 10_000, bytes: 16 << 20, overflow: Overflow::Pause };

/// What the command waits for.
pub(crate) enum Event {
    /// Something is in the mailbox, or was written.
    Mail,
    Input(String),
    /// A message that is flushed.
    Got(Item),
    /// The result of a command.
    Done(Line),
    Stop,
}

pub(crate) fn run(args: &NodeArgs, report: &Report) -> Result<(), Failed> {
    let executor = Rc::new(LocalExecutor::new());
    block_on(executor.run(run_on(&executor, args, report)))
}

async fn run_on(
    executor: &Rc<LocalExecutor<'static>>,
    args: &NodeArgs,
    report: &Report,
) -> Result<(), Failed> {
    // On a thread of its own: whoever does not read our output must not delay its ticks.
    let (config, options) = args.config()?;
    let node = Node::new(config).map_err(|error| Failed::Because(error.to_string()))?;
    let (events, results) = unbounded();
    // One is enough: all is printed that is there.
    let (ring, mail) = bounded(1);
    let (stop, stopped) = bounded(1);
    watch_signals(stop)?;
    let mailbox = open_mailbox(&node, ring.clone()).await?;
    let name = name_of(&options);
    let identity =
        node.start(options).await.map_err(|error| Failed::Because(format!("{name}: {error}")))?;
    report.print(&started(&identity))?;
    let session = Session::new(node.clone(), mailbox, events.clone(), Rc::clone(executor));
    serve_output(&session, ring)?;
    let calls = Calls::new(session.clone());
    let (commands, queue) = unbounded();
    executor.spawn(work(session.clone(), calls, queue)).detach();
    for peer in args.connect.clone() {
        let _ = commands.try_send(Command::Call(peer, Call::Connect));
    }
    watch_input(events);
    let incoming = Incoming { results, mail };
    // Whatever comes does not keep it from stopping.
    let signal = async {
        let _ = stopped.recv().await;
        Ok(true)
    };
    let result = future::or(signal, serve(report, &commands, &session, &incoming)).await;
    // Stopped already if the listener was lost.
    node.halt().await;
    let killed = !result?;
    if !killed {
        print_mail(report, &session).await?;
    }
    report.print(&Line::new("stopped", json!({"event": "stopped"})))?;
    if killed { Err(Failed::Told) } else { Ok(()) }
}

/// The name to start with, as it is given.
fn name_of(options: &StartOptions) -> String {
    match &options.name {
        OwnName::Static(name) => name.to_string(),
        OwnName::Dynamic { host } => format!("undefined@{host}"),
    }
}

/// Where events come from.
struct Incoming {
    results: Receiver<Event>,
    mail: Receiver<()>,
}

impl Incoming {
    /// Results and commands come first. `None`: nothing can come any more.
    async fn next(&self) -> Option<Event> {
        let mail = async { self.mail.recv().await.map(|()| Event::Mail) };
        future::or(self.results.recv(), mail).await.ok()
    }
}

/// Whether it was told to end: `false` if its process was killed.
async fn serve(
    report: &Report,
    commands: &Sender<Command>,
    session: &Session,
    incoming: &Incoming,
) -> io::Result<bool> {
    // The session has a sender, so there is always a next event to wait for.
    while let Some(event) = incoming.next().await {
        // The mailbox comes first: what led to a result arrived there before the result.
        if !print_mail(report, session).await? {
            return Ok(false);
        }
        match event {
            Event::Mail => {}
            Event::Done(line) => report.print(&line)?,
            Event::Got(item) => {
                if let Some(message) = events::message_of(&item) {
                    report.print(&remote::got(&message, report))?;
                }
            }
            Event::Input(line) => match console::parse(&line, Reader::new(session.mailbox.pid())) {
                Ok(None) => {}
                Ok(Some(Command::Stop)) => break,
                Ok(Some(command)) => drop(commands.try_send(command)),
                Err(text) => report.print(&error_line(&text))?,
            },
            Event::Stop => break,
        }
    }
    Ok(true)
}

/// Prints what is there, and keeps messages. What comes meanwhile waits: whoever sends without end does not hold the console. `false` if
/// the process was killed, to which nothing comes any more.
async fn print_mail(report: &Report, session: &Session) -> io::Result<bool> {
    // Its end does not count.
    for _ in 0..session.mailbox.message_queue_len().max(1) {
        print_output(report, session)?;
        let Some(item) = session.mailbox.try_recv() else { return Ok(true) };
        let (line, is_message) = events::told(&item, report);
        report.print(&line)?;
        if matches!(item, Item::Process(ProcessEvent::Ended { .. })) {
            return Ok(false);
        }
        if is_message {
            session.inbox.push(item);
        }
        future::yield_now().await;
    }
    print_output(report, session)?;
    Ok(true)
}

fn print_output(report: &Report, session: &Session) -> io::Result<()> {
    for text in session.output.take() {
        report.piece(&text, Some(&output_line(&text)))?;
    }
    Ok(())
}

/// Has what processes print that were started from here printed before whatever they do behind it.
fn serve_output(session: &Session, ring: Sender<()>) -> Result<(), Failed> {
    let user = group_leader(&session.node)?;
    // It calls who writes: a link must not wait for it.
    user.set_bound(Some(Bound { overflow: Overflow::DropNewest, ..BOUND }));
    let output = Rc::clone(&session.output);
    let print = move |written| {
        if let Output::Text { text, .. } = written {
            output.borrow_mut().push_back(text);
            let _ = ring.try_send(());
        }
    };
    session.executor.spawn(user.serve_output(print)).detach();
    Ok(())
}

/// Carries commands out beside the printing of events: one after the other, but none waits for another node's answer to an
/// earlier one.
async fn work(session: Session, mut calls: Calls, commands: Receiver<Command>) {
    while let Ok(command) = commands.recv().await {
        if let Some(lane) = Lane::of(&command) {
            calls.make(lane, command);
            continue;
        }
        let result = session.obey(command).await;
        if session.results.try_send(Event::Done(result)).is_err() {
            return;
        }
    }
}

fn watch_signals(stop: Sender<()>) -> Result<(), Failed> {
    ctrlc::set_handler(move || {
        let _ = stop.try_send(());
    })
    .map_err(|error| Failed::Because(format!("signals: {error}")))
}

async fn open_mailbox(node: &Node, ring: Sender<()>) -> Result<Mailbox, Failed> {
    let because = |error: &dyn core::fmt::Display| Failed::Because(error.to_string());
    let mailbox = node.mailbox();
    mailbox.set_bound(Some(BOUND));
    mailbox.set_waker(move || {
        let _ = ring.try_send(());
    });
    mailbox.monitor_nodes(true, MonitorOptions::ALL).await;
    mailbox.monitor_diagnostics(true).await;
    let name = Atom::new(MAILBOX).map_err(|_| because(&"mailbox name too long"))?;
    mailbox.register(name).map_err(|error| because(&error))?;
    mailbox.trap_exit(true).map_err(|error| because(&error))?;
    Ok(mailbox)
}

/// The end of the input stops the node only at a terminal: elsewhere it is how nodes run in the background.
fn watch_input(events: Sender<Event>) {
    thread::spawn(move || {
        let input = io::stdin().lock();
        let terminal = input.is_terminal();
        // What is no UTF-8 is a command that is not known, and not the end.
        for line in input.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            let line = line.strip_suffix('\r').unwrap_or(&line);
            if events.try_send(Event::Input(line.to_owned())).is_err() {
                return;
            }
        }
        if terminal {
            let _ = events.try_send(Event::Stop);
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
