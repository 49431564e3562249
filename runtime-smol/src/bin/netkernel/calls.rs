//! Commands that wait for something: in order where they wait for the same, so that they come to what they say, and beside
//! each other else, so that a node that does not answer delays nobody else.

use std::collections::BTreeMap;
use std::rc::Rc;

use async_channel::{Sender, unbounded};
use netkernel_smol::core::NodeName;
use netkernel_smol::core::net_kernel::mfa::Mfa;
use netkernel_smol::core::term::Term;

use crate::console::{Command, Written};
use crate::node::Event;
use crate::obey::Session;
use crate::remote::Remote;

/// What a command may wait for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// This node.
    Peer(NodeName),
    /// EPMDs and resolvers, and whom they name.
    Hosts,
    /// Our own start or stop.
    Life,
    /// The next message.
    Inbox,
}

impl Lane {
    /// `None` for a command that waits for nobody.
    pub(crate) fn of(command: &Command) -> Option<Self> {
        match command {
            Command::Call(peer, _) => Some(Self::Peer(peer.clone())),
            Command::Apply(call) => Self::of_call(call),
            Command::Remote(Written { remote: Remote::Receive(_), .. }) => Some(Self::Inbox),
            Command::Remote(Written { remote, .. }) => remote.node().map(Self::Peer),
            Command::Nodes(_) | Command::Info(_) | Command::GetOpts(..) | Command::SetOpts(..) => {
                None
            }
            Command::Allow(_) | Command::Peer(..) | Command::State | Command::Ticktime => None,
            Command::SetTicktime { .. } | Command::Monitor(_) | Command::MonitorOff(_) => None,
            Command::Stop | Command::Help => None,
        }
    }

    fn of_call(call: &Mfa) -> Option<Self> {
        match (call.module.as_str(), call.function.as_str()) {
            ("net_kernel", "connect_node" | "hidden_connect_node")
            | ("erlang", "disconnect_node")
            | ("net_adm", "ping") => {
                let node = call.arguments.first().and_then(Term::as_atom)?;
                NodeName::new(node).ok().map(Self::Peer)
            }
            ("net_kernel", "start" | "stop") => Some(Self::Life),
            ("net_adm", _) => Some(Self::Hosts),
            _ => None,
        }
    }
}

/// A task for each lane that was needed.
pub(crate) struct Calls {
    session: Session,
    queues: BTreeMap<Lane, Sender<Command>>,
}

impl Calls {
    pub(crate) const fn new(session: Session) -> Self {
        Self { session, queues: BTreeMap::new() }
    }

    /// Carries a command out after all others in this lane. Its result comes as an event.
    pub(crate) fn make(&mut self, lane: Lane, command: Command) {
        let Self { session, queues } = self;
        let queue = queues.entry(lane).or_insert_with(|| begin(session.clone()));
        // A task that has ended could tell its results to nobody.
        let _ = queue.try_send(command);
    }
}

fn begin(session: Session) -> Sender<Command> {
    let (calls, queue) = unbounded();
    let executor = Rc::clone(&session.executor);
    let work = async move {
        while let Ok(next) = queue.recv().await {
            let result = match session.begin(next).await {
                Ok(result) => {
                    let results = session.results.clone();
                    let done = async move { drop(results.try_send(Event::Done(result.await))) };
                    session.executor.spawn(done).detach();
                    continue;
                }
                Err(result) => result,
            };
            if session.results.try_send(Event::Done(result)).is_err() {
                return;
            }
        }
    };
    executor.spawn(work).detach();
    calls
}
