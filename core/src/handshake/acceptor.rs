//! The side that listens.
//!
//! ```text
//! send_name -> (admission) -> status -> [alive: true/false] -> challenge -> [complement] -> reply -> (confirmation) -> ack
//! ```

use alloc::vec::Vec;
use core::time::Duration;

use super::packets::Packets;
use super::{AllowList, Established, Failure, Stage};
use crate::cookie::{Challenge, Cookie};
use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::flags::{Flags, NodeType};
use crate::name::{NameError, NodeName, PeerName};
use crate::time::Instant;
use crate::wire::framing::Framing;
use crate::wire::handshake::{
    ChallengeAck, ChallengeMessage, ChallengeReply, Complement, SendName, Status,
};

/// What an acceptor needs to know before it hears anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct AcceptorConfig {
    /// Our full name, in the form of the wire.
    pub name: PeerName,
    /// Our creation.
    pub creation: Creation,
    /// The flags that we offer, with `PUBLISHED` if links shall be visible. For a peer that asks for a name, `NAME_ME`
    /// replaces `PUBLISHED` in the answer.
    pub flags: Flags,
    /// The flags that a peer must have.
    pub mandatory: Flags,
    /// Who may connect. A snapshot: a later change does not concern this handshake.
    pub allowed: AllowList,
    /// How long the peer may take between the resets of the timer (kernel's `net_setuptime`).
    pub setup_time: Duration,
    /// 2-byte lengths over TCP.
    pub framing: Framing,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Acceptor {
    config: AcceptorConfig,
    challenge: Challenge,
    packets: Packets,
    deadline: Instant,
    state: State,
}

/// What the peer has said of itself. A version 5 name has no creation until the complement has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Hello {
    flags: Flags,
    creation: Option<Creation>,
    name: PeerName,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Name,
    Alive { hello: Hello, peer: NodeName, cookie: Cookie },
    Complement { hello: Hello, peer: NodeName, cookie: Cookie },
    Reply { agreed: Flags, creation: Creation, peer: NodeName, cookie: Cookie },
}

/// What follows from an input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum AcceptorStep {
    /// More bytes are needed.
    Wait(Acceptor),
    /// The peer has said its name: may it connect now?
    Admit(Admission),
    /// The peer has said its name, and is not let in, whatever the kernel would say. The status is written; close the stream.
    Refused {
        /// What the peer said it is called: full, or only a host if it asked for a name.
        name: PeerName,
        /// Why: the allow list, or flags that it lacks.
        failure: Failure,
    },
    /// The peer knows the cookie: may its link come up now?
    Authenticated(Confirmation),
}

impl Acceptor {
    /// Waits for the name of whoever connected.
    #[must_use]
    pub fn new(now: Instant, config: AcceptorConfig, entropy: Entropy) -> Self {
        Self {
            challenge: Challenge(entropy.challenge()),
            packets: Packets::new(config.framing),
            deadline: now + config.setup_time,
            state: State::Name,
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
            State::Name => Stage::Name,
            State::Alive { .. } => Stage::Alive,
            State::Complement { .. } => Stage::Complement,
            State::Reply { .. } => Stage::Reply,
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
    ) -> Result<AcceptorStep, Failure> {
        self.packets.push(bytes);
        self.advance(now, out)
    }

    fn advance(mut self, now: Instant, out: &mut Vec<u8>) -> Result<AcceptorStep, Failure> {
        let Some(packet) = self.packets.next(self.stage())? else {
            return Ok(AcceptorStep::Wait(self));
        };
        match self.state.clone() {
            State::Name => self.name(&packet, out),
            State::Alive { hello, peer, cookie } => {
                Self::alive(&packet)?;
                self.send_challenge(now, hello, peer, cookie, out)
            }
            State::Complement { hello, peer, cookie } => {
                self.complement(now, &packet, hello, peer, cookie, out)
            }
            State::Reply { agreed, creation, peer, cookie } => {
                self.reply(&packet, agreed, creation, peer, cookie)
            }
        }
    }

    //= docs/spec/handshake.md#hs-acceptor-order
    fn name(self, packet: &[u8], out: &mut Vec<u8>) -> Result<AcceptorStep, Failure> {
        let hello = match SendName::parse(packet).map_err(|_| Failure::Malformed(Stage::Name))? {
            SendName::V5 { flags, name, .. } => Hello { flags, creation: None, name },
            SendName::V6 { flags, creation, name } => {
                Hello { flags, creation: Some(creation), name }
            }
        };
        //= docs/spec/handshake.md#hs-name-form
        let well_formed =
            if hello.wants_name() { hello.name.is_host() } else { hello.name.is_full_name() };
        if !well_formed {
            return Err(Failure::Malformed(Stage::Name));
        }
        if let Err(failure) = self.check_allowed(&hello, out) {
            return Ok(AcceptorStep::Refused { name: hello.name, failure });
        }
        Ok(AcceptorStep::Admit(Admission { acceptor: self, hello }))
    }

    fn check_allowed(&self, hello: &Hello, out: &mut Vec<u8>) -> Result<(), Failure> {
        if !self.config.allowed.admits(&hello.name) {
            self.put_status(&Status::NotAllowed, out);
            return Err(Failure::PeerNotAllowed);
        }
        // The upper flags of a version 5 peer come with its complement.
        let mandatory = if hello.creation.is_some() {
            self.config.mandatory
        } else {
            self.config.mandatory.low()
        };
        self.check_flags(hello.flags, mandatory, out)
    }

    //= docs/spec/handshake.md#hs-acceptor-flags
    fn check_flags(
        &self,
        flags: Flags,
        mandatory: Flags,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let missing = flags.expand().missing(mandatory);
        if missing == Flags::NONE {
            return Ok(());
        }
        self.put_status(&Status::NotAllowed, out);
        Err(Failure::MissingFlags(missing))
    }

    //= docs/spec/handshake.md#hs-acceptor-alive
    fn alive(packet: &[u8]) -> Result<(), Failure> {
        match Status::parse(packet) {
            Ok(Status::True) => Ok(()),
            Ok(Status::False) => Err(Failure::Declined),
            Ok(
                Status::Ok
                | Status::OkSimultaneous
                | Status::Nok
                | Status::NotAllowed
                | Status::Alive
                | Status::Named { .. },
            )
            | Err(_) => Err(Failure::Malformed(Stage::Alive)),
        }
    }

    //= docs/spec/handshake.md#hs-acceptor-timer
    fn send_challenge(
        mut self,
        now: Instant,
        hello: Hello,
        peer: NodeName,
        cookie: Cookie,
        out: &mut Vec<u8>,
    ) -> Result<AcceptorStep, Failure> {
        //= docs/spec/handshake.md#hs-dynamic-acceptor
        let flags = if hello.wants_name() {
            self.config.flags.without(Flags::PUBLISHED) | Flags::NAME_ME
        } else {
            self.config.flags
        };
        let message = ChallengeMessage {
            flags,
            challenge: self.challenge,
            creation: self.config.creation,
            name: self.config.name.clone(),
        };
        self.packets.put(out, |out| message.emit(out));
        self.deadline = now + self.config.setup_time;
        self.state = match hello.creation {
            Some(creation) => {
                State::Reply { agreed: flags.agree(hello.flags), creation, peer, cookie }
            }
            None => State::Complement { hello, peer, cookie },
        };
        self.advance(now, out)
    }

    //= docs/spec/handshake.md#hs-acceptor-complement
    fn complement(
        mut self,
        now: Instant,
        packet: &[u8],
        hello: Hello,
        peer: NodeName,
        cookie: Cookie,
        out: &mut Vec<u8>,
    ) -> Result<AcceptorStep, Failure> {
        let message =
            Complement::parse(packet).map_err(|_| Failure::Malformed(Stage::Complement))?;
        let flags = hello.flags | message.flags;
        self.check_flags(flags, self.config.mandatory, out)?;
        self.state = State::Reply {
            agreed: self.config.flags.agree(flags),
            creation: message.creation,
            peer,
            cookie,
        };
        self.advance(now, out)
    }

    //= docs/spec/handshake.md#hs-acceptor-digest
    fn reply(
        self,
        packet: &[u8],
        flags: Flags,
        creation: Creation,
        peer: NodeName,
        cookie: Cookie,
    ) -> Result<AcceptorStep, Failure> {
        let message =
            ChallengeReply::parse(packet).map_err(|_| Failure::Malformed(Stage::Reply))?;
        if message.digest != cookie.digest(self.challenge) {
            return Err(Failure::BadCookie);
        }
        let ack = ChallengeAck { digest: cookie.digest(message.challenge) };
        Ok(AcceptorStep::Authenticated(Confirmation {
            ack,
            packets: self.packets,
            flags,
            creation,
            peer,
        }))
    }

    fn put_status(&self, status: &Status, out: &mut Vec<u8>) {
        self.packets.put(out, |out| status.emit(out));
    }
}

impl Hello {
    const fn wants_name(&self) -> bool {
        self.flags.contains(Flags::NAME_ME)
    }
}

/// A peer has introduced itself with enough flags. The kernel decides by its table, and answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "the peer waits for a status"]
pub struct Admission {
    acceptor: Acceptor,
    hello: Hello,
}

/// How an admitted peer is greeted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Greeting {
    /// `ok`.
    Ok,
    /// `ok_simultaneous`: our own attempt was given up for this one.
    OkSimultaneous,
    /// `alive`: there is a link of that name; the peer says whether it shall be replaced.
    Alive,
    /// `named:`, with this creation, to a peer that asked for a name.
    Named(Creation),
}

/// The kernel's yes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Welcome {
    /// The status to send.
    pub greeting: Greeting,
    /// The peer: the name that it said, or the one that it is given.
    pub peer: NodeName,
    /// The cookie to use with it.
    pub cookie: Cookie,
}

/// The kernel's no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Refusal {
    /// `nok`.
    Nok(NokCause),
    /// No status at all: another attempt already waits for the old link's end.
    AlreadyPending,
}

/// Why a peer is answered `nok`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum NokCause {
    /// The name cannot be a node's.
    Name(NameError),
    /// An attempt to the same node has precedence.
    OurAttempt,
    /// The name is ours.
    OwnName,
}

impl Admission {
    /// The name that the peer said: full, or only a host if it [wants a name](Self::wants_name).
    #[must_use]
    pub const fn name(&self) -> &PeerName {
        &self.hello.name
    }

    /// Whether the peer asks for a name.
    #[must_use]
    pub const fn wants_name(&self) -> bool {
        self.hello.wants_name()
    }

    /// When the peer has waited too long: asking the kernel does not stop the timer.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.acceptor.deadline
    }

    //= docs/spec/handshake.md#hs-acceptor-greeting
    /// Sends the status, and the challenge unless the peer must answer first.
    ///
    /// # Errors
    /// As [`Acceptor::receive`]: more packets may have arrived already.
    pub fn accept(
        self,
        now: Instant,
        welcome: Welcome,
        out: &mut Vec<u8>,
    ) -> Result<AcceptorStep, Failure> {
        let Self { mut acceptor, hello } = self;
        let Welcome { greeting, peer, cookie } = welcome;
        let status = match greeting {
            Greeting::Ok => Status::Ok,
            Greeting::OkSimultaneous => Status::OkSimultaneous,
            Greeting::Alive => Status::Alive,
            Greeting::Named(creation) => {
                Status::Named { name: PeerName::new(peer.as_str().as_bytes().to_vec()), creation }
            }
        };
        acceptor.put_status(&status, out);
        if greeting == Greeting::Alive {
            acceptor.state = State::Alive { hello, peer, cookie };
            return acceptor.advance(now, out);
        }
        // The creation of a peer without a name is the one that it is given.
        let given = if let Greeting::Named(creation) = greeting { Some(creation) } else { None };
        acceptor.send_challenge(
            now,
            Hello { creation: given.or(hello.creation), ..hello },
            peer,
            cookie,
            out,
        )
    }

    //= docs/spec/handshake.md#hs-acceptor-refusal
    /// Sends the status that fits, if any, and ends the handshake.
    #[must_use]
    pub fn refuse(self, refusal: Refusal, out: &mut Vec<u8>) -> Failure {
        match refusal {
            Refusal::Nok(cause) => {
                self.acceptor.put_status(&Status::Nok, out);
                Failure::Nok(cause)
            }
            Refusal::AlreadyPending => Failure::AlreadyPending,
        }
    }
}

/// The peer has proved the cookie. The kernel answers once the old link of that name, if there is one, is gone; the set-up
/// timer runs on until then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "the peer waits for the acknowledgement"]
pub struct Confirmation {
    ack: ChallengeAck,
    packets: Packets,
    flags: Flags,
    creation: Creation,
    peer: NodeName,
}

impl Confirmation {
    /// The peer.
    #[must_use]
    pub const fn peer(&self) -> &NodeName {
        &self.peer
    }

    //= docs/spec/handshake.md#hs-acceptor-ack
    /// Sends the acknowledgement: the link is up.
    #[must_use]
    pub fn confirm(self, out: &mut Vec<u8>) -> Established {
        self.packets.put(out, |out| self.ack.emit(out));
        Established {
            node: self.peer,
            creation: self.creation,
            flags: self.flags,
            node_type: NodeType::of(self.flags),
            given: None,
            residue: self.packets.into_residue(),
        }
    }
}
