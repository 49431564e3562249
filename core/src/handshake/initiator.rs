//! The side that dialled.
//!
//! ```text
//! send_name -> status -> [alive: true/false] -> challenge -> reply -> ack
//! ```

use alloc::vec::Vec;
use core::time::Duration;

use super::packets::Packets;
use super::{Established, Failure, Own, Stage};
use crate::cookie::{Challenge, Cookie};
use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::flags::{Flags, NodeType};
use crate::name::{NodeName, PeerName};
use crate::time::Instant;
use crate::wire::framing::Framing;
use crate::wire::handshake::{ChallengeAck, ChallengeMessage, ChallengeReply, SendName, Status};

/// What an initiator needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct InitiatorConfig {
    /// How we introduce ourselves.
    pub own: Own,
    /// The node that was dialled.
    pub peer: NodeName,
    /// The cookie to use with it.
    pub cookie: Cookie,
    /// The flags that we offer, with `PUBLISHED` if the link shall be visible. For a node without a name, `NAME_ME` replaces
    /// `PUBLISHED` here.
    pub flags: Flags,
    /// The flags that the peer must have.
    pub mandatory: Flags,
    /// How long the peer may take between the resets of the timer (kernel's `net_setuptime`).
    pub setup_time: Duration,
    /// 2-byte lengths over TCP.
    pub framing: Framing,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Initiator {
    config: InitiatorConfig,
    challenge: Challenge,
    packets: Packets,
    deadline: Instant,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Status,
    OtherAttempt,
    Challenge { given: Option<(NodeName, Creation)> },
    Ack { given: Option<(NodeName, Creation)>, flags: Flags, creation: Creation },
}

/// What follows from an input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum InitiatorStep {
    /// More bytes are needed.
    Wait(Initiator),
    /// The peer answered `nok`. Read no more: either an attempt that the peer began comes up in this one's place, or the
    /// deadline ends it.
    Nok(Initiator),
    /// The peer still has a link of our name.
    Alive(Remark),
    /// The handshake is over.
    Done(Established),
}

impl Initiator {
    /// Appends `send_name` to `out` and waits for the status. The TCP connection counts against `deadline`.
    #[must_use]
    pub fn new(
        mut config: InitiatorConfig,
        entropy: Entropy,
        deadline: Instant,
        out: &mut Vec<u8>,
    ) -> Self {
        let (name, creation) = match &config.own {
            Own::Named { name, creation } => (name.clone(), *creation),
            Own::Nameless { host } => {
                config.flags = config.flags.without(Flags::PUBLISHED) | Flags::NAME_ME;
                (host.clone(), Creation::NONE)
            }
        };
        let packets = Packets::new(config.framing);
        let message = SendName::V6 { flags: config.flags, creation, name };
        packets.put(out, |out| message.emit(out));
        Self {
            challenge: Challenge(entropy.challenge()),
            packets,
            deadline,
            state: State::Status,
            config,
        }
    }

    /// When the peer has taken too long. The machine has no clock: whoever drives it drops it then.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What this side waits for.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self.state {
            State::Status => Stage::Status,
            State::OtherAttempt => Stage::OtherAttempt,
            State::Challenge { .. } => Stage::Challenge,
            State::Ack { .. } => Stage::Ack,
        }
    }

    /// Takes bytes from the stream and appends what is to be written to `out`.
    ///
    /// # Errors
    /// Why there will be no link. What was appended to `out` should still be written before the stream is closed.
    pub fn receive(
        mut self,
        now: Instant,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<InitiatorStep, Failure> {
        //= docs/spec/handshake.md#hs-initiator-nok
        // Whatever follows `nok` is not worth its memory.
        if self.state == State::OtherAttempt {
            return Ok(InitiatorStep::Nok(self));
        }
        self.packets.push(bytes);
        self.advance(now, out)
    }

    fn advance(mut self, now: Instant, out: &mut Vec<u8>) -> Result<InitiatorStep, Failure> {
        let Some(packet) = self.packets.next(self.stage())? else {
            return Ok(InitiatorStep::Wait(self));
        };
        match self.state.clone() {
            State::Status => self.status(now, &packet, out),
            State::OtherAttempt => Ok(InitiatorStep::Nok(self)),
            State::Challenge { given } => self.challenge(now, &packet, given, out),
            State::Ack { given, flags, creation } => self.ack(&packet, given, flags, creation),
        }
    }

    //= docs/spec/handshake.md#hs-initiator-status
    fn status(
        mut self,
        now: Instant,
        packet: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<InitiatorStep, Failure> {
        let status = Status::parse(packet).map_err(|_| Failure::Malformed(Stage::Status))?;
        let given = match (status, &self.config.own) {
            (Status::NotAllowed, _) => return Err(Failure::NotAllowed),
            (Status::Ok | Status::OkSimultaneous, Own::Named { .. }) => None,
            (Status::Nok, Own::Named { .. }) => {
                self.state = State::OtherAttempt;
                return Ok(InitiatorStep::Nok(self));
            }
            (Status::Alive, Own::Named { .. }) => return Ok(InitiatorStep::Alive(Remark(self))),
            (Status::Named { name, creation }, Own::Nameless { host }) => {
                let given = given_name(&name, host)
                    .filter(|given| *given != self.config.peer)
                    .ok_or(Failure::GivenName)?;
                Some((given, creation))
            }
            (
                Status::Ok
                | Status::OkSimultaneous
                | Status::Nok
                | Status::Alive
                | Status::True
                | Status::False
                | Status::Named { .. },
                Own::Named { .. } | Own::Nameless { .. },
            ) => return Err(Failure::UnexpectedStatus),
        };
        self.state = State::Challenge { given };
        self.advance(now, out)
    }

    //= docs/spec/handshake.md#hs-initiator-challenge
    fn challenge(
        mut self,
        now: Instant,
        packet: &[u8],
        given: Option<(NodeName, Creation)>,
        out: &mut Vec<u8>,
    ) -> Result<InitiatorStep, Failure> {
        let message =
            ChallengeMessage::parse(packet).map_err(|_| Failure::Malformed(Stage::Challenge))?;
        if message.name.to_node_name().as_ref() != Ok(&self.config.peer) {
            return Err(Failure::WrongName);
        }
        let flags = self.config.flags.agree(message.flags);
        let asked = if given.is_some() { Flags::NAME_ME } else { Flags::NONE };
        let missing = flags.missing(self.config.mandatory | asked);
        if missing != Flags::NONE {
            return Err(Failure::MissingFlags(missing));
        }
        let reply = ChallengeReply {
            challenge: self.challenge,
            digest: self.config.cookie.digest(message.challenge),
        };
        self.packets.put(out, |out| reply.emit(out));
        //= docs/spec/handshake.md#hs-initiator-timer
        self.deadline = now + self.config.setup_time;
        self.state = State::Ack { given, flags, creation: message.creation };
        self.advance(now, out)
    }

    //= docs/spec/handshake.md#hs-initiator-ack
    fn ack(
        self,
        packet: &[u8],
        given: Option<(NodeName, Creation)>,
        flags: Flags,
        creation: Creation,
    ) -> Result<InitiatorStep, Failure> {
        let message = ChallengeAck::parse(packet).map_err(|_| Failure::Malformed(Stage::Ack))?;
        if message.digest != self.config.cookie.digest(self.challenge) {
            return Err(Failure::BadCookie);
        }
        Ok(InitiatorStep::Done(Established {
            node: self.config.peer,
            creation,
            flags,
            node_type: NodeType::of(flags),
            given,
            residue: self.packets.into_residue(),
        }))
    }

    fn put_status(&self, status: &Status, out: &mut Vec<u8>) {
        self.packets.put(out, |out| status.emit(out));
    }
}

//= docs/spec/handshake.md#hs-dynamic-initiator
/// The name in a `named:` status, which is UTF-8, if a node may have it and it is of the host that asked.
fn given_name(name: &PeerName, host: &PeerName) -> Option<NodeName> {
    let given = NodeName::new(core::str::from_utf8(name.as_bytes()).ok()?).ok()?;
    let asked = host.as_bytes().iter().copied().map(char::from);
    given.host().chars().eq(asked).then_some(given)
}

/// The peer answered `alive`: it has a link of our name. Is this attempt still the one that we want?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "the peer waits for the answer"]
pub struct Remark(Initiator);

impl Remark {
    //= docs/spec/handshake.md#hs-initiator-alive
    /// Yes: the peer shall end its old link.
    ///
    /// # Errors
    /// As [`Initiator::receive`]: more packets may have arrived already.
    pub fn replace(mut self, now: Instant, out: &mut Vec<u8>) -> Result<InitiatorStep, Failure> {
        self.0.put_status(&Status::True, out);
        self.0.state = State::Challenge { given: None };
        self.0.advance(now, out)
    }

    /// No: the peer shall keep its old link. Ends this attempt.
    #[must_use]
    pub fn keep(self, out: &mut Vec<u8>) -> Failure {
        self.0.put_status(&Status::False, out);
        Failure::Declined
    }
}
