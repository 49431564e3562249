//! Our own attempts: ask EPMD for the port, dial, shake hands.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::table::{Outgoing, Role, RowState};
use super::{
    Answer, ConnectError, Diagnostic, NetKernel, OpenError, Purpose, SetupStage, TimerName,
};
use crate::entropy::Entropy;
use crate::epmd::{Lookup, LookupError, LookupStep};
use crate::flags::Flags;
use crate::handshake::{Failure, Initiator, InitiatorConfig, InitiatorStep, Own};
use crate::ids::{RequestId, StreamId};
use crate::name::{NameError, NodeName};
use crate::time::Instant;
use crate::wire::framing::Framing;

impl NetKernel {
    /// Sees to a link with `node` (`net_kernel:connect_node/1`), and answers [`Answer::Connected`]: at once if there is one,
    /// else with the result of the attempt that is under way or begins now.
    pub fn connect_node(&mut self, now: Instant, node: NodeName) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        let Some(alive) = self.life.alive() else {
            self.answer(request, Answer::Connected(Err(ConnectError::NotAlive)));
            return request;
        };
        if alive.name == node {
            self.answer(request, Answer::Connected(Ok(())));
            return request;
        }
        match self.table.get_mut(&node) {
            None => self.begin_attempt(&node, [request].into()),
            Some(row) => match row.state {
                RowState::Up { successor: None, .. } => {
                    self.answer(request, Answer::Connected(Ok(())))
                }
                RowState::Pending { .. } | RowState::Up { .. } | RowState::Closing { .. } => {
                    row.waiting.push(request)
                }
            },
        }
        request
    }

    //= docs/spec/handshake.md#hs-initiator-timer
    pub(super) fn begin_attempt(&mut self, node: &NodeName, waiting: Vec<RequestId>) {
        let error = match self.life.alive() {
            None => Some(ConnectError::Cancelled),
            Some(alive) => check_domain(&alive.name, node).err().map(ConnectError::Name),
        };
        if let Some(error) = error {
            self.answer_connected(waiting, &Err(error));
            return;
        }
        let role = Role::Outgoing { node: node.clone(), step: Outgoing::DialEpmd };
        let stream = self.open(node.host().into(), self.config.epmd_port, Purpose::Epmd, role);
        self.timers.set(TimerName::Setup(stream), self.clock + self.config.setup_time);
        self.attempt(node, stream, waiting);
    }

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
                    self.dial(node, info.port);
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
        let stage = match step {
            Outgoing::DialEpmd | Outgoing::Lookup(_) => SetupStage::Lookup,
            Outgoing::Dial => SetupStage::Dial,
            Outgoing::Handshake(initiator) => SetupStage::Handshake(initiator.stage()),
        };
        self.end(stream, true);
        self.outgoing_failed(stream, node, &ConnectError::SetupTimeout(stage));
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

    fn dial(&mut self, node: NodeName, port: u16) {
        let role = Role::Outgoing { node: node.clone(), step: Outgoing::Dial };
        let stream = self.open(node.host().into(), port, Purpose::Peer(node.clone()), role);
        self.timers.set(TimerName::Setup(stream), self.clock + self.config.setup_time);
        if let Some(row) = self.table.get_mut(&node) {
            row.state = RowState::Pending { stream };
        }
    }

    fn introduce(&mut self, stream: StreamId, node: NodeName, entropy: Entropy) {
        let Some(alive) = self.life.alive() else { return };
        let config = InitiatorConfig {
            own: Own::Named { name: alive.wire_name.clone(), creation: alive.creation },
            cookie: self.cookies.get(&node).clone(),
            flags: alive.flags,
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
                self.come_up(stream, established);
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

//= docs/spec/handshake.md#hs-initiator-domain
/// Nodes with long names do not dial short ones, and the other way round.
fn check_domain(own: &NodeName, peer: &NodeName) -> Result<(), NameError> {
    if own.is_long() == peer.is_long() { Ok(()) } else { Err(NameError::OtherDomain) }
}
