//! The EPMD machine and its host, but for the sockets and the waiting.

use bytes::Bytes;
use netkernel_core::driver::{Host, Machine as _, turn};
use netkernel_core::epmd_server::{Config, Server, State, StopCause};
use netkernel_core::liveness::Traffic;
use netkernel_core::net_kernel::{
    Answer, Diagnostic, Endpoint, Input, NodeEvent, OptionName, OptsError, Promotion, SocketOption,
    Target,
};
use netkernel_core::{Creation, Entropy, LinkId, MailboxId, NodeName, RequestId, StreamId};

use super::{Clock, Next};

/// What is said in logs comes from here: what OTP's daemon prints with one `-d` as debug, and the rest as trace.
const TARGET: &str = "netkernel::epmd";

/// The connections of clients, as a runtime serves them. What comes of it is an input, if it comes at once. No method may
/// block.
pub trait Clients {
    /// Reads once more, when there is something.
    fn read(&mut self, stream: StreamId);
    /// Writes this, as soon as the client takes it.
    fn transmit(&mut self, stream: StreamId, bytes: Bytes);
    /// Ends a connection, after what is to be written.
    fn close(&mut self, stream: StreamId);
    /// Closes the port.
    fn unlisten(&mut self);
    /// What came at once of one of the above.
    fn next_input(&mut self) -> Option<Input>;
    /// Whether there is no connection any more.
    fn is_idle(&self) -> bool;
}

/// The owner of an EPMD service.
#[derive(Debug)]
pub struct Epmd<C> {
    server: Server,
    host: EpmdHost<C>,
    clock: Clock,
}

impl<C: Clients> Epmd<C> {
    /// A service on `port`, which is open.
    pub fn new(config: Config, port: u16, clients: C) -> Self {
        tracing::debug!(target: TARGET, port, "serving");
        Self {
            server: Server::new(config),
            host: EpmdHost { port, listens: false, clients },
            clock: Clock::start(),
        }
    }

    /// Carries out what the machine wants. To be called before each input.
    pub fn turn(&mut self) -> Next {
        loop {
            let now = self.clock.now();
            let wake = turn(&mut self.server, now, &mut self.host);
            if let Some(input) = self.host.next_input() {
                self.server.handle(now, input);
                continue;
            }
            let outputs_left = wake.is_some_and(|wake| wake <= now);
            if !outputs_left && self.stopped().is_some() && self.host.clients.is_idle() {
                return Next::End;
            }
            return Next::Wait(wake.and_then(|wake| self.clock.moment(wake)));
        }
    }

    /// The connections.
    pub fn clients(&mut self) -> &mut C {
        &mut self.host.clients
    }

    /// An id for a client who was accepted.
    pub fn mint_stream(&mut self) -> StreamId {
        self.server.mint_stream()
    }

    /// A client was accepted, who may be on this host.
    pub fn accepted(&mut self, stream: StreamId, local: bool) {
        tracing::trace!(target: TARGET, ?stream, local, "accepted");
        // An EPMD has no secrets, and needs no randomness.
        let entropy = Entropy::new([0; 16]);
        self.handle(Input::Accepted { stream, entropy, local });
    }

    /// Something has happened.
    pub fn handle(&mut self, input: Input) {
        self.server.handle(self.clock.now(), input);
    }

    /// Ends the service.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Why the service has ended, if it has.
    pub const fn stopped(&self) -> Option<StopCause> {
        match self.server.state() {
            State::Starting | State::Serving { .. } => None,
            State::Stopped(cause) => Some(cause),
        }
    }
}

/// Carries out what the machine wants, of which most is never wanted.
#[derive(Debug)]
struct EpmdHost<C> {
    port: u16,
    /// The machine has asked for its listener, which is open.
    listens: bool,
    clients: C,
}

impl<C: Clients> EpmdHost<C> {
    fn next_input(&mut self) -> Option<Input> {
        if core::mem::take(&mut self.listens) {
            return Some(Input::Listening { port: self.port });
        }
        self.clients.next_input()
    }
}

impl<C: Clients> Host for EpmdHost<C> {
    fn listen(&mut self) {
        self.listens = true;
    }

    fn unlisten(&mut self) {
        self.clients.unlisten();
    }

    fn read(&mut self, stream: StreamId) {
        self.clients.read(stream);
    }

    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        tracing::trace!(target: TARGET, ?stream, length = bytes.len(), "answered");
        self.clients.transmit(stream, bytes);
    }

    fn close(&mut self, stream: StreamId, _abort: bool) {
        tracing::trace!(target: TARGET, ?stream, "closing");
        self.clients.close(stream);
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        tracing::debug!(target: TARGET, "{diagnostic}");
    }

    fn open(&mut self, _: StreamId, _: Target) {}
    fn attempting(&mut self, _: NodeName, _: LinkId) {}
    fn alive(&mut self, _: NodeName, _: Creation) {}
    fn not_alive(&mut self) {}
    fn event(&mut self, _: MailboxId, _: NodeEvent) {}
    fn promote(&mut self, _: StreamId, _: Promotion) {}
    fn tick(&mut self, _: StreamId) {}
    fn sample(&mut self, _: StreamId) -> Option<Traffic> {
        None
    }
    fn setopts(&mut self, _: Endpoint, _: &[SocketOption]) -> Result<(), OptsError> {
        Err(OptsError::NotSupported)
    }
    fn getopts(&mut self, _: StreamId, _: &[OptionName]) -> Result<Vec<SocketOption>, OptsError> {
        Err(OptsError::NotSupported)
    }
    fn disconnected(&mut self, _: NodeName, _: LinkId, _: bool) {}
    fn answer(&mut self, _: RequestId, _: Answer) {}
}
