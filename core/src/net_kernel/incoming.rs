//! Other nodes' attempts: who may connect, and when.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::opts::Begun;
use super::table::{Callers, IncomingStep, Role, Row, RowState, Stranger};
use super::{ConnectError, Diagnostic, NetKernel, NodeDownReason, SetupStage, TimerName};
use crate::entropy::Entropy;
use crate::flags::Flags;
use crate::handshake::{
    Acceptor, AcceptorConfig, AcceptorStep, Admission, Confirmation, Failure, Greeting, NokCause,
    Refusal, Stage, Welcome,
};
use crate::ids::StreamId;
use crate::name::{NameError, NodeName};
use crate::wire::framing::Framing;

impl NetKernel {
    pub(super) fn accepted(&mut self, stream: StreamId, entropy: Entropy) {
        //= docs/spec/kernel.md#kernel-early
        if self.life.is_starting() {
            let early = self.streams.values().filter(|role| matches!(role, Role::Early { .. }));
            if early.count() < self.config.effective_strangers_max() {
                self.streams.insert(stream, Role::Early { entropy });
            } else {
                self.end(stream, true);
            }
            return;
        }
        //= docs/spec/kernel.md#kernel-deaf
        let Some(alive) = self.life.alive().filter(|alive| alive.manner.listens) else {
            self.end(stream, true);
            return;
        };
        let config = AcceptorConfig {
            name: alive.wire_name.clone(),
            creation: alive.creation,
            flags: alive.manner.flags,
            mandatory: Flags::MANDATORY_26,
            allowed: self.allowed.clone(),
            setup_time: self.config.setup_time,
            framing: Framing::Short,
        };
        self.make_room_for_a_stranger();
        self.strangers.insert(stream);
        let who = Stranger { entropy, claimed: None, node: None };
        self.incoming_waits(stream, who, Acceptor::new(self.clock, config, entropy));
    }

    /// The start is over: who came early is let in, in turn, or closed if the node is not alive.
    pub(super) fn take_early(&mut self) {
        let early = self.streams.iter().filter_map(|(stream, role)| {
            let Role::Early { entropy } = role else { return None };
            Some((*stream, *entropy))
        });
        for (stream, entropy) in early.collect::<Vec<_>>() {
            self.accepted(stream, entropy);
        }
    }

    //= docs/spec/handshake.md#hs-strangers
    fn make_room_for_a_stranger(&mut self) {
        if self.strangers.len() < self.config.effective_strangers_max() {
            return;
        }
        let Some(oldest) = self.strangers.pop_first() else { return };
        if let Some(Role::Incoming { who, .. }) = self.streams.remove(&oldest) {
            self.end(oldest, true);
            self.incoming_failed(oldest, who, &ConnectError::Evicted);
        }
    }

    pub(super) fn incoming_received(
        &mut self,
        stream: StreamId,
        who: Stranger,
        step: IncomingStep,
        bytes: &[u8],
    ) {
        match step {
            IncomingStep::Handshake(acceptor) => {
                let mut out = Vec::new();
                let step = acceptor.receive(self.clock, bytes, &mut out);
                self.acceptor_step(stream, who, step, out);
            }
            // Not read while it waits.
            step @ (IncomingStep::Parked(_) | IncomingStep::Confirmed(_)) => {
                self.streams.insert(stream, Role::Incoming { who, step });
            }
        }
    }

    pub(super) fn incoming_closed(&mut self, stream: StreamId, who: Stranger, step: &IncomingStep) {
        self.incoming_failed(stream, who, &ConnectError::PeerClosed(step.stage()));
    }

    pub(super) fn incoming_timeout(
        &mut self,
        stream: StreamId,
        who: Stranger,
        step: &IncomingStep,
    ) {
        let error = ConnectError::SetupTimeout(SetupStage::Handshake(step.stage()));
        self.end(stream, true);
        self.incoming_failed(stream, who, &error);
    }

    //= docs/spec/handshake.md#hs-acceptor-told
    /// An attempt is over, and its stream with it.
    pub(super) fn incoming_failed(
        &mut self,
        stream: StreamId,
        who: Stranger,
        error: &ConnectError,
    ) {
        self.timers.clear(TimerName::Setup(stream));
        self.strangers.remove(&stream);
        self.diagnose(Diagnostic::AcceptFailed { name: who.claimed, error: error.clone() });
        if let Some(node) = who.node {
            self.attempt_failed(&node, stream, error);
        }
    }

    /// The link that this attempt waited for is gone, and its row with it.
    pub(super) fn succeed(&mut self, node: &NodeName, stream: StreamId, callers: Callers) {
        match self.streams.remove(&stream) {
            Some(Role::Incoming { who, step: IncomingStep::Parked(admission) }) => {
                self.admit(stream, who, *admission, callers);
            }
            Some(Role::Incoming { who: _, step: IncomingStep::Confirmed(confirmation) }) => {
                self.attempt(node, stream, callers);
                self.confirm(stream, *confirmation);
            }
            Some(role @ Role::Incoming { step: IncomingStep::Handshake(_), .. }) => {
                self.attempt(node, stream, callers);
                self.streams.insert(stream, role);
            }
            // It has ended in the meantime.
            other => {
                if let Some(role) = other {
                    self.streams.insert(stream, role);
                }
                self.dial_anew(node, callers);
            }
        }
    }

    fn acceptor_step(
        &mut self,
        stream: StreamId,
        who: Stranger,
        step: Result<AcceptorStep, Failure>,
        out: Vec<u8>,
    ) {
        self.transmit(stream, out);
        match step {
            Ok(AcceptorStep::Wait(acceptor)) => self.incoming_waits(stream, who, acceptor),
            Ok(AcceptorStep::Admit(admission)) => {
                self.admit(stream, who, admission, Callers::default())
            }
            Ok(AcceptorStep::Authenticated(confirmation)) => {
                self.authenticated(stream, who, confirmation)
            }
            Ok(AcceptorStep::Refused { name, failure }) => {
                self.refused(stream, Stranger { claimed: Some(name), ..who }, failure);
            }
            Err(failure) => self.refused(stream, who, failure),
        }
    }

    /// Decides by the table. `callers` wait for a link with this node, if its row has just gone.
    fn admit(
        &mut self,
        stream: StreamId,
        mut who: Stranger,
        admission: Admission,
        callers: Callers,
    ) {
        who.claimed = Some(admission.name().clone());
        let (node, greeting) = match self.identify(&admission, who.entropy) {
            Ok(identified) => identified,
            Err(error) => {
                return self.refuse(stream, who, admission, Refusal::Nok(NokCause::Name(error)));
            }
        };
        match self.seat(&node, stream, callers) {
            Seat::Refused(refusal) => self.refuse(stream, who, admission, refusal),
            Seat::Parked => {
                who.node = Some(node);
                self.streams.insert(
                    stream,
                    Role::Incoming { who, step: IncomingStep::Parked(Box::new(admission)) },
                );
            }
            Seat::Taken(seat) => {
                who.node = Some(node.clone());
                let greeting = seat.unwrap_or(greeting);
                let cookie = self.cookies.get(&node).clone();
                let mut out = Vec::new();
                let step = admission.accept(
                    self.clock,
                    Welcome { greeting, peer: node, cookie },
                    &mut out,
                );
                self.acceptor_step(stream, who, step, out);
            }
        }
    }

    /// The peer's name, or one for it; and how to greet it if its row is free.
    fn identify(
        &mut self,
        admission: &Admission,
        entropy: Entropy,
    ) -> Result<(NodeName, Greeting), NameError> {
        if admission.wants_name() {
            // A barred row is no peer, and must not use the name up.
            let taken = |name: &NodeName| {
                self.table.get(name).is_some_and(|row| row.state != RowState::Barred)
            };
            let (name, creation) = self.given_names.give(admission.name(), entropy, taken)?;
            return Ok((name, Greeting::Named(creation)));
        }
        Ok((admission.name().to_node_name()?, Greeting::Ok))
    }

    //= docs/spec/handshake.md#hs-admission
    /// Gives an attempt its place in the table, if there is one for it.
    fn seat(&mut self, node: &NodeName, stream: StreamId, callers: Callers) -> Seat {
        let own = self.life.alive().map(|alive| &alive.name);
        if own == Some(node) {
            return Seat::Refused(Refusal::Nok(NokCause::OwnName));
        }
        let ours_wins = own > Some(node);
        match self.table.get_mut(node) {
            None | Some(Row { state: RowState::Barred, .. }) => {
                self.attempt(node, stream, callers);
                Seat::Taken(None)
            }
            Some(Row { state: RowState::Pending { .. }, .. }) if ours_wins => {
                Seat::Refused(Refusal::Nok(NokCause::OurAttempt))
            }
            Some(Row { state: RowState::Pending { stream: held }, .. }) => {
                let old = core::mem::replace(held, stream);
                // What was said on the old stream is void; its role is replaced.
                self.end(old, true);
                Seat::Taken(Some(Greeting::OkSimultaneous))
            }
            Some(Row {
                state:
                    RowState::Up { successor: Some(_), .. }
                    | RowState::Closing { successor: Some(_), .. },
                ..
            }) => Seat::Refused(Refusal::AlreadyPending),
            Some(Row { state: RowState::Up { successor: successor @ None, .. }, .. }) => {
                *successor = Some(stream);
                Seat::Taken(Some(Greeting::Alive))
            }
            Some(Row { state: RowState::Closing { successor: successor @ None, .. }, .. }) => {
                *successor = Some(stream);
                Seat::Parked
            }
        }
    }

    fn refuse(&mut self, stream: StreamId, who: Stranger, admission: Admission, refusal: Refusal) {
        let mut out = Vec::new();
        let failure = admission.refuse(refusal, &mut out);
        self.transmit(stream, out);
        self.refused(stream, who, failure);
    }

    /// What there was to say to the stranger has been said.
    fn refused(&mut self, stream: StreamId, who: Stranger, failure: Failure) {
        self.end(stream, false);
        self.incoming_failed(stream, who, &ConnectError::Handshake(failure));
    }

    /// The peer is who it says. A link that it replaces goes first.
    fn authenticated(&mut self, stream: StreamId, who: Stranger, confirmation: Confirmation) {
        self.strangers.remove(&stream);
        let node = confirmation.peer().clone();
        if self.table.get(&node).is_some_and(|row| row.successor() == Some(stream)) {
            self.streams.insert(
                stream,
                Role::Incoming { who, step: IncomingStep::Confirmed(Box::new(confirmation)) },
            );
            //= docs/spec/nodedown.md#nodedown-wait-pending
            self.close_link(&node, NodeDownReason::WaitPending);
        } else {
            self.confirm(stream, confirmation);
        }
    }

    fn confirm(&mut self, stream: StreamId, confirmation: Confirmation) {
        let mut out = Vec::new();
        let established = confirmation.confirm(&mut out);
        self.transmit(stream, out);
        self.come_up(stream, Begun::ByThem, established);
    }

    fn incoming_waits(&mut self, stream: StreamId, who: Stranger, acceptor: Acceptor) {
        self.set_setup_timer(stream, acceptor.deadline());
        self.streams.insert(
            stream,
            Role::Incoming { who, step: IncomingStep::Handshake(Box::new(acceptor)) },
        );
        self.read(stream);
    }
}

/// The table's word on an attempt.
enum Seat {
    /// It has a row, or stands behind the link that has it. The greeting says so, unless the row was free.
    Taken(Option<Greeting>),
    /// It waits for the end of a link.
    Parked,
    /// There is no place for it.
    Refused(Refusal),
}

impl IncomingStep {
    const fn stage(&self) -> Stage {
        match self {
            Self::Handshake(acceptor) => acceptor.stage(),
            Self::Parked(_) | Self::Confirmed(_) => Stage::OldLink,
        }
    }
}
