//! The EPMD daemon as a machine (`epmd_srv.c`): which nodes run on this host, and at which ports.
//!
//! It is driven like the kernel, by [`turn`](crate::driver::turn): it asks for a listener at once, for all the addresses
//! that the host was configured with, and reads each accepted stream in lock-step. A name is registered for as long as
//! the stream that registered it is open.
//!
//! The service ends when a client kills it, when the host asks for it by [`Server::stop`], or when its listener is gone;
//! what then becomes of the process is for the host to decide, which sees the end in [`Server::state`].
//!
//! # Memory
//! There are at most [`Config::connections`], each with at most one request of
//! [`REQUEST_MAX`](crate::wire::epmd::REQUEST_MAX) bytes. Names, registered and remembered together, are at most so many and
//! [`Config::remembered`] more. An answer lists all names, and belongs to the host until it is written or its stream has
//! ended.
//!
//! What must not live here: sockets, files, the command line.

mod answers;
mod config;
mod connection;
mod local;
#[cfg(test)]
mod matrix;
mod register;

pub use config::Config;
pub use local::is_local;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

use crate::epmd::ServerDiagnostic;
use crate::ids::{Minter, StreamId};
use crate::net_kernel::{Diagnostic, Input, Machine, Output};
use crate::stream::OpenError;
use crate::time::Instant;
use crate::timers::Timers;
use crate::wire::epmd::Request;

use answers::Reply;
use connection::{After, Connection, Phase, append};
use register::Register;

/// The machine. See the [module](self) for how to drive it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    config: Config,
    state: State,
    connections: BTreeMap<StreamId, Connection>,
    names: Register,
    /// Of connections that are silent or delayed.
    timers: Timers<StreamId>,
    /// The latest `now`.
    clock: Instant,
    outputs: VecDeque<Output>,
    stream_ids: Minter,
}

/// Whether the service is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The listener is being opened.
    Starting,
    /// Requests are served.
    Serving {
        /// The port of the listener, which some answers tell.
        port: u16,
    },
    /// The service has ended, and does not come back.
    Stopped(StopCause),
}

/// Why a service has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopCause {
    /// The host called [`Server::stop`].
    Asked,
    /// A client killed it.
    Killed,
    /// The listener broke.
    ListenerLost,
    /// The listener could not be opened. If the address is in use there is likely an EPMD already.
    ListenFailed(OpenError),
}

impl Server {
    /// A service that asks for its listener.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            names: Register::new(config.remembered),
            config,
            state: State::Starting,
            connections: BTreeMap::new(),
            timers: Timers::new(),
            clock: Instant::ORIGIN,
            outputs: VecDeque::from([Output::Listen]),
            stream_ids: Minter::default(),
        }
    }

    /// Whether the service is there.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Ends the service, and with it all registrations.
    pub fn stop(&mut self) {
        self.shut_down(StopCause::Asked);
    }
}

impl Machine for Server {
    fn handle(&mut self, now: Instant, input: Input) {
        self.clock = self.clock.max(now);
        match input {
            Input::Timeout => self.timeouts(),
            Input::Listening { port } => self.listening(port),
            Input::ListenFailed { error } => self.listen_failed(error),
            Input::ListenerLost => self.shut_down(StopCause::ListenerLost),
            Input::Accepted { stream, entropy: _, local } => self.accepted(stream, local),
            Input::Received { stream, bytes } => self.received(stream, &bytes),
            Input::Closed { stream, cause: _ } => self.closed(stream),
            // It opens no streams and promotes none.
            Input::Opened { .. }
            | Input::OpenFailed { .. }
            | Input::Sampled { .. }
            | Input::OptsSet { .. }
            | Input::OptsGot { .. } => {}
        }
    }

    fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        self.timers.next().map(|(at, _)| at)
    }

    fn mint_stream(&mut self) -> StreamId {
        self.stream_ids.mint()
    }
}

//= docs/spec/epmd.md#epmd-server-service
impl Server {
    fn listening(&mut self, port: u16) {
        if self.state == State::Starting {
            self.state = State::Serving { port };
        }
    }

    fn listen_failed(&mut self, error: OpenError) {
        if self.state == State::Starting {
            self.state = State::Stopped(StopCause::ListenFailed(error));
        }
    }

    fn shut_down(&mut self, cause: StopCause) {
        if matches!(self.state, State::Stopped(_)) {
            return;
        }
        self.state = State::Stopped(cause);
        self.outputs.push_back(Output::Unlisten);
        self.names = Register::new(self.config.remembered);
        let streams: Vec<_> = self.connections.keys().copied().collect();
        for stream in streams {
            self.end(stream);
        }
    }

    fn accepted(&mut self, stream: StreamId, local: bool) {
        let serving = matches!(self.state, State::Serving { .. });
        //= docs/spec/epmd.md#epmd-server-connections
        if !serving || self.connections.len() >= self.config.connections {
            if serving {
                self.tell(ServerDiagnostic::TooManyConnections);
            }
            self.outputs.push_back(Output::Close { stream, abort: false });
            return;
        }
        self.connections.insert(stream, Connection { local, phase: Phase::Delayed, name: None });
        if self.config.delay_accept.is_zero() {
            self.begin(stream);
        } else {
            //= docs/spec/epmd.md#epmd-server-delays
            self.timers.set(stream, self.clock + self.config.delay_accept);
        }
    }

    fn begin(&mut self, stream: StreamId) {
        self.set_phase(stream, Phase::Reading { received: Vec::new() });
        self.await_request(stream);
    }

    /// Reads once more, for as long as a client may be silent.
    //= docs/spec/epmd.md#epmd-server-timeout
    fn await_request(&mut self, stream: StreamId) {
        let silence = self.config.packet_timeout.saturating_add(Duration::from_secs(1));
        self.timers.set(stream, self.clock + silence);
        self.outputs.push_back(Output::Read { stream });
    }

    fn received(&mut self, stream: StreamId, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(&stream) else { return };
        let local = connection.local;
        match &mut connection.phase {
            Phase::Reading { received } => {
                let more = append(received, bytes);
                let whole = core::mem::take(received);
                match Request::parse(&whole).transpose() {
                    None => {
                        *received = whole;
                        self.await_request(stream);
                    }
                    Some(request) => {
                        let reply = self.serve(stream, local, request);
                        self.reply(stream, reply, more);
                    }
                }
            }
            //= docs/spec/epmd.md#epmd-server-held
            Phase::Held => {
                self.tell(ServerDiagnostic::HeldSpoke);
                self.end(stream);
            }
            // Nothing was asked for.
            Phase::Delayed | Phase::Answering { .. } | Phase::Ending => {}
        }
    }

    /// `more` came behind the request.
    fn reply(&mut self, stream: StreamId, reply: Result<Reply, ServerDiagnostic>, more: bool) {
        let mut reply = match reply {
            Ok(reply) => reply,
            Err(told) => {
                self.tell(told);
                return self.end(stream);
            }
        };
        //= docs/spec/epmd.md#epmd-request-surplus
        if more && reply.after == After::Hold {
            self.tell(ServerDiagnostic::HeldSpoke);
            reply.after = After::End;
        }
        if let Some(connection) = self.connections.get_mut(&stream) {
            connection.name = reply.name;
        }
        let answer = Bytes::from(reply.bytes);
        if self.config.delay_write.is_zero() {
            return self.answer(stream, answer, reply.after);
        }
        let writes = u32::try_from(reply.writes).unwrap_or(u32::MAX);
        let delay = self.config.delay_write.saturating_mul(writes);
        self.set_phase(stream, Phase::Answering { answer, after: reply.after });
        self.timers.set(stream, self.clock + delay);
    }

    //= docs/spec/epmd.md#epmd-server-one-request
    fn answer(&mut self, stream: StreamId, answer: Bytes, after: After) {
        self.outputs.push_back(Output::Transmit { stream, bytes: answer });
        match after {
            After::End => self.end(stream),
            After::Hold => {
                self.set_phase(stream, Phase::Held);
                self.timers.clear(stream);
                self.outputs.push_back(Output::Read { stream });
            }
            After::Stop => self.shut_down(StopCause::Killed),
        }
    }

    fn closed(&mut self, stream: StreamId) {
        self.unregister(stream);
        self.timers.clear(stream);
        let phase = self.connections.remove(&stream).map(|connection| connection.phase);
        if matches!(phase, Some(Phase::Reading { received }) if !received.is_empty()) {
            self.tell(ServerDiagnostic::Partial);
        }
    }

    fn timeouts(&mut self) {
        while let Some(stream) = self.timers.pop_due(self.clock) {
            let Some(connection) = self.connections.get_mut(&stream) else { continue };
            match &mut connection.phase {
                Phase::Delayed => self.begin(stream),
                Phase::Reading { .. } => {
                    self.tell(ServerDiagnostic::TimedOut);
                    self.end(stream);
                }
                Phase::Answering { answer, after } => {
                    let (answer, after) = (core::mem::take(answer), *after);
                    self.answer(stream, answer, after);
                }
                Phase::Held | Phase::Ending => {}
            }
        }
    }

    /// Closes a connection, and unregisters what it holds.
    fn end(&mut self, stream: StreamId) {
        self.unregister(stream);
        self.timers.clear(stream);
        let Some(connection) = self.connections.get_mut(&stream) else { return };
        if connection.phase != Phase::Ending {
            connection.phase = Phase::Ending;
            self.outputs.push_back(Output::Close { stream, abort: false });
        }
    }

    fn unregister(&mut self, stream: StreamId) {
        let connection = self.connections.get_mut(&stream);
        let Some(name) = connection.and_then(|connection| connection.name.take()) else { return };
        if self.names.unregister(&name) {
            self.tell(ServerDiagnostic::Unregistered { name: String::from(&*name) });
        }
    }

    fn set_phase(&mut self, stream: StreamId, phase: Phase) {
        if let Some(connection) = self.connections.get_mut(&stream) {
            connection.phase = phase;
        }
    }

    fn tell(&mut self, told: ServerDiagnostic) {
        self.outputs.push_back(Output::Diagnostic(Diagnostic::EpmdServer(told)));
    }
}
