//! Our own attempts: ask EPMD for the port, dial, shake hands.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::opts::Begun;
use super::table::{Outgoing, Role, RowState};
use super::{
    Address, ConnectError, Diagnostic, NetKernel, OpenError, Purpose, SetupStage, Target, TimerName,
};
use crate::entropy::Entropy;
use crate::epmd::{LOOKUP_TIMEOUT, Lookup, LookupError, LookupStep};
use crate::family::Family;
use crate::flags::{Flags, NodeType};
use crate::handshake::{Failure, Initiator, InitiatorConfig, InitiatorStep};
use crate::ids::StreamId;
use crate::name::NodeName;
use crate::time::Instant;
use crate::wire::framing::Framing;

impl NetKernel {
    pub(super) fn outgoing_opened(
        &mut self,
        stream: StreamId,
        node: NodeName,
        step: Outgoing,
        entropy: Entropy,
    ) {
        match step {
            Outgoing::DialEpmd => {
                let (lookup, question) = Lookup::ask(&node);
                self.transmit(stream, question);
                self.outgoing_waits(stream, node, Outgoing::Lookup(lookup));
            }
            Outgoing::Dial => self.introduce(stream, node, entropy),
            step @ (Outgoing::Lookup(_) | Outgoing::Handshake(_)) => {
                self.streams.insert(stream, Role::Outgoing { node, step });
            }
        }
    }

    pub(super) fn outgoing_received(
        &mut self,
        stream: StreamId,
        node: NodeName,
        step: Outgoing,
        bytes: &[u8],
    ) {
        match step {
            Outgoing::Lookup(lookup) => match lookup.receive(bytes) {
                Ok(LookupStep::Wait(lookup)) => {
                    self.outgoing_waits(stream, node, Outgoing::Lookup(lookup))
                }
                Ok(LookupStep::Found(info)) => {
                    self.end(stream, false);
                    let address = Address::Port { host: node.host().into(), port: info.port };
                    let stream = self.dial(&node, address, self.config.family);
                    if let Some(row) = self.table.get_mut(&node) {
                        row.state = RowState::Pending { stream };
                    }
                }
                Err(error) => {
                    self.end(stream, false);
                    self.outgoing_failed(stream, &node, &ConnectError::Lookup(error));
                }
            },
            Outgoing::Handshake(initiator) => {
                let mut out = Vec::new();
                let step = initiator.receive(self.clock, bytes, &mut out);
                self.initiator_step(stream, node, step, out);
            }
            // Nothing can have been received before the stream was open.
            Outgoing::DialEpmd | Outgoing::Dial => {}
        }
    }

    pub(super) fn outgoing_open_failed(
        &mut self,
        stream: StreamId,
        node: &NodeName,
        step: &Outgoing,
        error: OpenError,
    ) {
        let error = match step {
            Outgoing::DialEpmd | Outgoing::Lookup(_) => {
                ConnectError::Lookup(LookupError::Open(error))
            }
            Outgoing::Dial | Outgoing::Handshake(_) => ConnectError::Dial(error),
        };
        self.outgoing_failed(stream, node, &error);
    }

    pub(super) fn outgoing_closed(&mut self, stream: StreamId, node: &NodeName, step: Outgoing) {
        let error = match step {
            Outgoing::DialEpmd | Outgoing::Dial => {
                debug_assert!(false, "a stream that was never open cannot be closed");
                ConnectError::Dial(OpenError::Refused)
            }
            Outgoing::Lookup(lookup) => ConnectError::Lookup(lookup.closed()),
            Outgoing::Handshake(initiator) => ConnectError::PeerClosed(initiator.stage()),
        };
        self.outgoing_failed(stream, node, &error);
    }

    pub(super) fn outgoing_timeout(&mut self, stream: StreamId, node: &NodeName, step: &Outgoing) {
        let epmd_is_slow = self.config.setup_time > LOOKUP_TIMEOUT;
        let error = match step {
            Outgoing::DialEpmd | Outgoing::Lookup(_) if epmd_is_slow => {
                ConnectError::Lookup(LookupError::NoReply)
            }
            Outgoing::DialEpmd | Outgoing::Lookup(_) => {
                ConnectError::SetupTimeout(SetupStage::Lookup)
            }
            Outgoing::Dial => ConnectError::SetupTimeout(SetupStage::Dial),
            Outgoing::Handshake(initiator) => {
                ConnectError::SetupTimeout(SetupStage::Handshake(initiator.stage()))
            }
        };
        self.end(stream, true);
        self.outgoing_failed(stream, node, &error);
    }

    /// An attempt is over, and its stream with it.
    pub(super) fn outgoing_failed(
        &mut self,
        stream: StreamId,
        node: &NodeName,
        error: &ConnectError,
    ) {
        self.timers.clear(TimerName::Setup(stream));
        self.diagnose(Diagnostic::ConnectFailed { node: node.clone(), error: error.clone() });
        self.attempt_failed(node, stream, error);
    }

    /// Dials the node.
    pub(super) fn dial(&mut self, node: &NodeName, address: Address, family: Family) -> StreamId {
        let role = Role::Outgoing { node: node.clone(), step: Outgoing::Dial };
        let purpose = Purpose::Peer(node.clone());
        let stream = self.open_to(Target { address, family, purpose }, role);
        self.timers.set(TimerName::Setup(stream), self.clock + self.config.setup_time);
        stream
    }

    fn introduce(&mut self, stream: StreamId, node: NodeName, entropy: Entropy) {
        let (Some(own), Some(manner)) = (self.life.own(), self.life.manner()) else { return };
        let wish = self.table.get(&node).and_then(|row| row.callers.wish);
        let visible = if wish == Some(NodeType::Hidden) { Flags::NONE } else { Flags::PUBLISHED };
        let config = InitiatorConfig {
            own,
            cookie: self.cookies.get(&node).clone(),
            flags: manner.flags & (Flags::SERVED | visible),
            mandatory: Flags::MANDATORY_26,
            setup_time: self.config.setup_time,
            framing: Framing::Short,
            peer: node.clone(),
        };
        let deadline = self.timers.get(TimerName::Setup(stream)).unwrap_or(self.clock);
        let mut out = Vec::new();
        let initiator = Initiator::new(config, entropy, deadline, &mut out);
        self.transmit(stream, out);
        self.outgoing_waits(stream, node, Outgoing::Handshake(Box::new(initiator)));
    }

    fn initiator_step(
        &mut self,
        stream: StreamId,
        node: NodeName,
        step: Result<InitiatorStep, Failure>,
        mut out: Vec<u8>,
    ) {
        match step {
            Ok(InitiatorStep::Wait(initiator)) => {
                self.transmit(stream, out);
                self.set_setup_timer(stream, initiator.deadline());
                self.outgoing_waits(stream, node, Outgoing::Handshake(Box::new(initiator)));
            }
            // Not read any more: the attempt that the peer prefers takes the row over, or the timer ends this one.
            Ok(InitiatorStep::Nok(initiator)) => {
                self.streams.insert(
                    stream,
                    Role::Outgoing { node, step: Outgoing::Handshake(Box::new(initiator)) },
                );
            }
            // An attempt that is not the one of its row any more has been closed already, so this one is.
            Ok(InitiatorStep::Alive(remark)) => {
                let step = remark.replace(self.clock, &mut out);
                self.initiator_step(stream, node, step, out);
            }
            Ok(InitiatorStep::Done(established)) => {
                self.transmit(stream, out);
                self.come_up(stream, Begun::ByUs, established);
            }
            Err(failure) => {
                self.transmit(stream, out);
                self.end(stream, false);
                self.outgoing_failed(stream, &node, &ConnectError::Handshake(failure));
            }
        }
    }

    fn outgoing_waits(&mut self, stream: StreamId, node: NodeName, step: Outgoing) {
        self.streams.insert(stream, Role::Outgoing { node, step });
        self.read(stream);
    }

    pub(super) fn set_setup_timer(&mut self, stream: StreamId, deadline: Instant) {
        self.timers.set(TimerName::Setup(stream), deadline);
    }
}
