//! Messages, calls and processes that are commands of the console.

use core::time::Duration;

use futures_lite::future;
use netkernel_smol::core::NodeName;
use netkernel_smol::core::term::{Atom, Term};
use netkernel_smol::{Mfa, SendError, SpawnError, SpawnMonitor, SpawnOptions};
use serde_json::json;

use crate::call::{Style, Wanted, value_line};
use crate::console::{self, Command, Written};
use crate::failure::Timeout;
use crate::node::Event;
use crate::obey::{Session, error_line};
use crate::read::Destination;
use crate::report::{Line, Report};
use crate::send::{deliver, encoded};
use crate::term_json;

/// So many flushed messages wait to be printed.
const FLUSHED_MAX: usize = 16;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remote {
    /// A message, and what the command returns: `!` gives the message, and others `ok`.
    Send(Destination, Term, Term),
    /// The same for a call that nobody waits for.
    Cast(NodeName, Function, Term),
    Call(NodeName, Wanted),
    Spawn(NodeName, Function, Relation),
    Receive(Timeout),
    Flush,
    /// `self/0`.
    Own,
}

/// Module, function and arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) module: Atom,
    pub(crate) function: Atom,
    pub(crate) arguments: Vec<Term>,
}

/// What a process is to whom it is spawned by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) link: bool,
    pub(crate) monitor: bool,
}

impl Remote {
    /// The node that it waits for.
    pub(crate) fn node(&self) -> Option<NodeName> {
        match self {
            Self::Send(to, ..) => NodeName::new(to.node()).ok(),
            Self::Cast(node, ..) | Self::Call(node, _) | Self::Spawn(node, ..) => {
                Some(node.clone())
            }
            Self::Receive(_) | Self::Flush | Self::Own => None,
        }
    }
}

impl Session {
    pub(crate) async fn written(&self, written: Written) -> Line {
        match self.known(written).await {
            Ok(remote) => self.remote(remote).await,
            Err(line) => line,
        }
    }

    /// Carries a command out, or sends the request of a call, whose result is to be waited for (`Ok`): what is sent behind it neither
    /// waits nor overtakes it.
    pub(crate) async fn begin(&self, command: Command) -> Result<future::BoxedLocal<Line>, Line> {
        let Command::Remote(written) = command else { return Err(self.obey(command).await) };
        let remote = self.known(written).await?;
        if let Remote::Call(node, wanted) = remote {
            return Ok(self.ask(node, wanted).await);
        }
        Err(self.remote(remote).await)
    }

    /// Asks of which incarnations the pids in it are.
    async fn known(&self, written: Written) -> Result<Remote, Line> {
        let Written { mut remote, line, mut reader } = written;
        if !reader.ids.are_known() {
            reader.ids.learn(&self.mailbox).await;
            match console::parse(&line, reader) {
                Ok(Some(Command::Remote(known))) => remote = known.remote,
                Ok(_) => {}
                Err(text) => return Err(error_line(&text)),
            }
        }
        Ok(remote)
    }

    async fn remote(&self, command: Remote) -> Line {
        match command {
            Remote::Send(to, message, answer) => {
                let told =
                    json!({"event": "send", "to": to.to_string(), "node": to.node().as_str()});
                done(self.send(&to, &message).await, &answer, told)
            }
            Remote::Cast(node, function, answer) => {
                let Function { module, function, arguments } = function;
                let name = format!("{module}:{function}/{}", arguments.len());
                let told = json!({"event": "cast", "node": node.as_str(), "function": name});
                let sent = self.mailbox.erpc_cast(&node, &module, &function, &arguments).await;
                done(sent, &answer, told)
            }
            Remote::Call(node, wanted) => self.ask(node, wanted).await.await,
            Remote::Spawn(node, function, relation) => {
                let spawned = self.spawn(&node, &function, relation).await;
                let told = json!({"event": "spawn", "node": node.as_str()});
                spawned
                    .map_or_else(|error| error_line(&error.to_string()), |it| value_line(&it, told))
            }
            Remote::Receive(limit) => match self.inbox.receive(limit.0).await {
                Some(message) => value_line(&message, json!({"event": "receive"})),
                None => Line::new("timeout", json!({"event": "receive", "timeout": true})),
            },
            Remote::Flush => {
                for _ in 0..self.inbox.len() {
                    // What is printed need not wait in memory twice.
                    while self.results.len() > FLUSHED_MAX {
                        future::yield_now().await;
                    }
                    let Some(message) = self.inbox.take() else { break };
                    let _ = self.results.try_send(Event::Got(message));
                }
                Line::new("ok", json!({"event": "flush", "result": "ok"}))
            }
            Remote::Own => match self.mailbox.pid() {
                Some(pid) => value_line(&pid.into(), json!({"event": "self"})),
                None => error_line(&SendError::NotAlive.to_string()),
            },
        }
    }

    async fn send(&self, to: &Destination, message: &Term) -> Result<(), SendError> {
        deliver(&self.mailbox, to, encoded(message)?).await
    }

    /// The call is made by a process of its own: what waits in the console's is not looked through.
    async fn ask(&self, node: NodeName, wanted: Wanted) -> future::BoxedLocal<Line> {
        let own = self.node.mailbox();
        let asked = wanted.asked_by(&own, &node).await;
        Box::pin(async move {
            let event = wanted.event(&node);
            match asked.result(&own).await {
                Ok(value) => value_line(&value, event),
                Err(failure) => failure.line(event),
            }
        })
    }

    async fn spawn(
        &self,
        node: &NodeName,
        function: &Function,
        relation: Relation,
    ) -> Result<Term, SpawnError> {
        let Function { module, function, arguments } = function;
        let mfa = Mfa::new(module.clone(), function.clone(), arguments);
        let mfa = mfa.map_err(|_| SendError::TooLong)?;
        let monitor = relation.monitor.then(SpawnMonitor::default);
        let options = SpawnOptions { link: relation.link, monitor, ..SpawnOptions::default() };
        let (pid, reference) = self.mailbox.spawn_opt(node, mfa, &options).await?;
        Ok(match reference {
            Some(reference) => Term::tuple([pid.into(), reference.into()]),
            None => pid.into(),
        })
    }
}

/// As Erlang's shell flushes.
pub(crate) fn got(message: &Term, report: &Report) -> Line {
    report.line(
        format_args!("Shell got {message}"),
        || json!({"event": "flush", "term": message.to_string(), "value": term_json::json(message)}),
    )
}

fn done(result: Result<(), SendError>, answer: &Term, told: serde_json::Value) -> Line {
    match result {
        Ok(()) => value_line(answer, told),
        Err(error) => error_line(&error.to_string()),
    }
}

impl Function {
    pub(crate) fn call(self, limit: Option<Duration>, style: Style) -> Wanted {
        let Self { module, function, arguments } = self;
        Wanted::Function { module, function, arguments, limit, style }
    }
}
