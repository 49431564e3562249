//! Getting a name, and giving it up.

use alloc::vec::Vec;

use super::subscriptions::NodeChange;
use super::table::{Role, RowState};
use super::{
    Answer, ConnectError, ConnectionId, Diagnostic, NetKernel, NodeDownReason, OpenError, Output,
    Purpose, StartError, StartOptions, TimerName,
};
use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::epmd::{Registration, RegistrationStep};
use crate::flags::{Flags, NodeType};
use crate::ids::{RequestId, StreamId};
use crate::name::{NameError, NodeName, PeerName};
use crate::ticker::Ticker;
use crate::time::Instant;

/// Where a node's own EPMD is.
const LOCAL_HOST: &str = "127.0.0.1";

/// What this node is just now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Life {
    NotAlive,
    /// The listener is being opened.
    Listening(Starting),
    /// EPMD is being asked for the name.
    Registering(Starting, Registered),
    Alive(Alive),
    /// All links are being ended.
    Stopping(Stopping),
}

/// A stop that is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Stopping {
    /// The callers that wait for the last link.
    requests: Vec<RequestId>,
    /// The name that is given up, and why; `None` if the start was not over.
    name: Option<(NodeName, NodeDownReason)>,
}

/// A start that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Starting {
    request: RequestId,
    options: StartOptions,
    wire_name: PeerName,
}

/// A node that has a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Alive {
    pub(super) name: NodeName,
    pub(super) wire_name: PeerName,
    pub(super) creation: Creation,
    /// What we offer, `PUBLISHED` included unless this node is hidden.
    pub(super) flags: Flags,
    /// `None` for a node that does not listen.
    pub(super) registered: Option<Registered>,
    pub(super) ticker: Ticker,
}

/// Our registration, and the stream that holds it or shall hold it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Registered {
    machine: Registration,
    stream: StreamId,
}

impl Life {
    pub(super) const fn alive(&self) -> Option<&Alive> {
        match self {
            Self::Alive(alive) => Some(alive),
            Self::NotAlive | Self::Listening(_) | Self::Registering(..) | Self::Stopping(_) => None,
        }
    }

    pub(super) const fn alive_mut(&mut self) -> Option<&mut Alive> {
        match self {
            Self::Alive(alive) => Some(alive),
            Self::NotAlive | Self::Listening(_) | Self::Registering(..) | Self::Stopping(_) => None,
        }
    }

    const fn registered(&mut self) -> Option<&mut Registered> {
        match self {
            Self::Registering(_, registered) => Some(registered),
            Self::Alive(alive) => alive.registered.as_mut(),
            Self::NotAlive | Self::Listening(_) | Self::Stopping(_) => None,
        }
    }
}

impl NetKernel {
    /// Gives this node a name (`net_kernel:start/2`): opens the listener, registers with EPMD, and answers
    /// [`Answer::Started`]. The creation is EPMD's, or comes out of `entropy` for a node that does not listen.
    pub fn start(&mut self, now: Instant, options: StartOptions, entropy: Entropy) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        let error = if self.life == Life::NotAlive {
            options.name.check_own().err().map(StartError::Name)
        } else {
            Some(StartError::AlreadyStarted)
        };
        let wire_name = options.name.to_peer_name();
        match (error, wire_name) {
            (Some(error), _) => self.answer(request, Answer::Started(Err(error))),
            (None, None) => {
                self.answer(request, Answer::Started(Err(StartError::Name(NameError::IllegalHost))))
            }
            (None, Some(wire_name)) => {
                let starting = Starting { request, options, wire_name };
                if starting.options.listen {
                    self.life = Life::Listening(starting);
                    self.outputs.push_back(Output::Listen);
                } else {
                    self.become_alive(starting, Creation(entropy.creation()).usable(), None);
                }
            }
        }
        request
    }

    /// Ends every link and gives the name up (`net_kernel:stop/0`). Answers [`Answer::Stopped`] after the last link is down.
    pub fn stop(&mut self, now: Instant) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        self.shut_down(NodeDownReason::NetKernelTerminated);
        if let Life::Stopping(stopping) = &mut self.life {
            stopping.requests.push(request);
        } else {
            self.answer(request, Answer::Stopped(false));
        }
        self.finish_stopping();
        request
    }

    pub(super) fn listening(&mut self, port: u16) {
        let Life::Listening(starting) = &self.life else { return };
        let starting = starting.clone();
        let machine = Registration::new(&starting.options.name, port);
        let stream = self.open_registration();
        self.life = Life::Registering(starting, Registered { machine, stream });
    }

    pub(super) fn listen_failed(&mut self, error: OpenError) {
        if let Life::Listening(starting) = &self.life {
            let request = starting.request;
            self.life = Life::NotAlive;
            self.answer(request, Answer::Started(Err(StartError::Listen(error))));
        }
    }

    /// Lets the registration take an event of its stream, and does what it wants. The stream is still in `streams` if it is
    /// still open.
    pub(super) fn registration(
        &mut self,
        stream: StreamId,
        event: impl FnOnce(&mut Registration, Instant) -> RegistrationStep,
    ) {
        let now = self.clock;
        let Some(registered) =
            self.life.registered().filter(|registered| registered.stream == stream)
        else {
            return;
        };
        let step = event(&mut registered.machine, now);
        match registered.machine.deadline() {
            Some(at) => self.timers.set(TimerName::Registration, at),
            None => self.timers.clear(TimerName::Registration),
        }
        match step {
            RegistrationStep::Idle => {}
            RegistrationStep::Open => {
                let stream = self.open_registration();
                if let Some(registered) = self.life.registered() {
                    registered.stream = stream;
                }
            }
            RegistrationStep::Ask(request) => {
                self.transmit(stream, request);
                self.read(stream);
            }
            RegistrationStep::Read => self.read(stream),
            RegistrationStep::Registered(creation) => {
                self.read(stream);
                if let Life::Registering(starting, registered) = self.life.clone() {
                    self.become_alive(starting, creation, Some(registered));
                }
            }
            RegistrationStep::Renewed => {
                self.read(stream);
                self.diagnose(Diagnostic::RegistrationRenewed);
            }
            RegistrationStep::Failed(error) => {
                self.end_registration(stream);
                if let Life::Registering(starting, _) = &self.life {
                    let request = starting.request;
                    self.life = Life::NotAlive;
                    self.outputs.push_back(Output::Unlisten);
                    self.answer(request, Answer::Started(Err(StartError::Register(error))));
                }
            }
            RegistrationStep::Lost(error) => {
                self.end_registration(stream);
                self.diagnose(Diagnostic::RegistrationLost(error));
            }
        }
    }

    pub(super) fn registration_timeout(&mut self) {
        if let Some(stream) = self.life.registered().map(|registered| registered.stream) {
            self.registration(stream, |registration, now| registration.timeout(now));
        }
    }

    fn open_registration(&mut self) -> StreamId {
        self.open(LOCAL_HOST.into(), self.config.epmd_port, Purpose::Epmd, Role::Registration)
    }

    fn end_registration(&mut self, stream: StreamId) {
        // A registration that was lost before has been closed, and may still be ending.
        if matches!(self.streams.get(&stream), Some(Role::Registration)) {
            self.end(stream, false);
        }
    }

    fn become_alive(
        &mut self,
        starting: Starting,
        creation: Creation,
        registered: Option<Registered>,
    ) {
        let Starting { request, options: StartOptions { name, hidden, listen }, wire_name } =
            starting;
        let flags =
            if hidden || !listen { Flags::SERVED } else { Flags::SERVED | Flags::PUBLISHED };
        //= docs/spec/ticktime.md#ticktime-while-alive
        let ticker = Ticker::new(self.clock, self.config.net_ticktime);
        self.timers.set(TimerName::Tick, ticker.deadline());
        self.life = Life::Alive(Alive {
            name: name.clone(),
            wire_name,
            creation,
            flags,
            registered,
            ticker,
        });
        self.outputs.push_back(Output::Alive { name: name.clone(), creation });
        //= docs/spec/monitor.md#monitor-own-node
        self.tell(&NodeChange::NodeUp {
            node: name.clone(),
            node_type: NodeType::Visible,
            connection_id: ConnectionId::Undefined,
        });
        self.answer(request, Answer::Started(Ok(name)));
    }

    /// Ends everything that the name brought, with this reason for the links.
    pub(super) fn shut_down(&mut self, reason: NodeDownReason) {
        let life = core::mem::replace(&mut self.life, Life::Stopping(Stopping::default()));
        let registered = match life {
            Life::NotAlive | Life::Stopping(_) => {
                self.life = life;
                return;
            }
            Life::Listening(starting) => {
                self.answer(starting.request, Answer::Started(Err(StartError::Stopped)));
                self.outputs.push_back(Output::Unlisten);
                None
            }
            Life::Registering(starting, registered) => {
                self.answer(starting.request, Answer::Started(Err(StartError::Stopped)));
                Some(registered)
            }
            Life::Alive(alive) => {
                let name = Some((alive.name, reason));
                self.life = Life::Stopping(Stopping { requests: Vec::new(), name });
                alive.registered
            }
        };
        self.timers.clear(TimerName::Tick);
        self.timers.clear(TimerName::Registration);
        if let Some(registered) = registered {
            self.outputs.push_back(Output::Unlisten);
            self.end_registration(registered.stream);
        }
        self.cancel_attempts();
        let up: Vec<NodeName> = self.table.keys().cloned().collect();
        for node in up {
            self.close_link(&node, reason);
        }
    }

    /// Gives up whatever is being set up, from both sides.
    fn cancel_attempts(&mut self) {
        let streams: Vec<StreamId> = self.streams.keys().copied().collect();
        for stream in streams {
            match self.streams.remove(&stream) {
                Some(Role::Outgoing { node, step: _ }) => {
                    self.end(stream, true);
                    self.outgoing_failed(stream, &node, &ConnectError::Cancelled);
                }
                Some(Role::Incoming { who, step: _ }) => {
                    self.end(stream, true);
                    self.incoming_failed(stream, who, &ConnectError::Cancelled);
                }
                Some(role) => {
                    self.streams.insert(stream, role);
                }
                None => {}
            }
        }
    }

    /// The node is gone when its last link is.
    pub(super) fn finish_stopping(&mut self) {
        let Life::Stopping(stopping) = &mut self.life else { return };
        if !self.table.is_empty() {
            debug_assert!(
                self.table.values().all(|row| matches!(row.state, RowState::Closing { .. })),
                "a node that stops has only links that end"
            );
            return;
        }
        let Stopping { requests, name } = core::mem::take(stopping);
        self.life = Life::NotAlive;
        self.outputs.push_back(Output::NotAlive);
        //= docs/spec/monitor.md#monitor-own-node
        if let Some((node, reason)) = name {
            self.tell(&NodeChange::NodeDown {
                node,
                node_type: NodeType::Visible,
                connection_id: ConnectionId::Undefined,
                reason,
            });
        }
        for request in requests {
            self.answer(request, Answer::Stopped(true));
        }
    }
}
