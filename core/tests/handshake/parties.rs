//! The two sides of a handshake as the tests drive them: a machine, and what its kernel would say.

use core::time::Duration;

use netkernel_core::handshake::{
    Acceptor, AcceptorConfig, AcceptorStep, Admission, AllowList, Established, Failure, Greeting,
    Initiator, InitiatorConfig, InitiatorStep, NokCause, Own, Refusal, Stage, Welcome,
};
use netkernel_core::wire::framing::Framing;
use netkernel_core::{Cookie, Creation, Entropy, Flags, Instant, NodeName, PeerName};

/// OTP's flag word, without the wish to be visible.
pub(crate) const OTP: Flags = Flags::from_bits(0xD_07DF_7FBC);
/// The same with the wish, which is how OTP answers.
pub(crate) const OTP_VISIBLE: Flags = Flags::from_bits(0xD_07DF_7FBD);
/// What the script of the captures offered.
pub(crate) const SCRIPT: Flags = Flags::from_bits(0xD_074F_5FBC);
/// `net_setuptime`.
pub(crate) const SETUP: Duration = Duration::from_secs(7);

/// The bytes written as hexadecimal digits, with blanks for the reader.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A packet with this body, as it goes over TCP.
pub(crate) fn packet(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Framing::Short.put(&mut out, |out| out.extend_from_slice(body)).unwrap();
    out
}

/// The bodies of the packets that `bytes` consist of.
pub(crate) fn bodies(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut bodies = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (body, rest) = rest.split_at(u16::from_be_bytes(*length).into());
        bodies.push(body);
        bytes = rest;
    }
    bodies
}

pub(crate) fn cookie(text: &str) -> Cookie {
    Cookie::new(text).unwrap()
}

pub(crate) fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

/// Entropy out of which this challenge comes.
pub(crate) fn entropy(challenge: u32) -> Entropy {
    let mut bytes = [0xEE; 16];
    bytes[..4].copy_from_slice(&challenge.to_be_bytes());
    Entropy::new(bytes)
}

pub(crate) const fn at(seconds: u64) -> Instant {
    Instant::from_millis(1000 * seconds)
}

/// An initiator that dialled `peer`.
pub(crate) fn dialling(own: &str, creation: u32, flags: Flags, peer: &str) -> InitiatorConfig {
    let own = if own.contains('@') {
        Own::Named { name: PeerName::new(own.to_owned()), creation: Creation(creation) }
    } else {
        Own::Nameless { host: PeerName::new(own.to_owned()) }
    };
    InitiatorConfig {
        own,
        peer: node(peer),
        cookie: cookie("SECRETCOOKIE"),
        flags,
        mandatory: Flags::MANDATORY_26,
        setup_time: SETUP,
        framing: Framing::Short,
    }
}

/// An acceptor of this name.
pub(crate) fn listening(own: &str, creation: u32, flags: Flags) -> AcceptorConfig {
    AcceptorConfig {
        name: PeerName::new(own.to_owned()),
        creation: Creation(creation),
        flags,
        mandatory: Flags::MANDATORY_26,
        allowed: AllowList::default(),
        setup_time: SETUP,
        framing: Framing::Short,
    }
}

/// How far a side has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Waits(Stage),
    Up(Established),
    Failed(Failure),
}

impl Outcome {
    pub(crate) fn up(&self) -> &Established {
        match self {
            Self::Up(established) => established,
            Self::Waits(_) | Self::Failed(_) => panic!("not up: {self:?}"),
        }
    }

    pub(crate) const fn is_up(&self) -> bool {
        matches!(self, Self::Up(_))
    }
}

/// The side that dialled.
#[derive(Clone, Debug)]
pub(crate) struct Dialler {
    pub(crate) outcome: Outcome,
    /// When it gives up, as long as it waits.
    pub(crate) deadline: Instant,
    machine: Option<Initiator>,
    replace: bool,
}

impl Dialler {
    /// Also returns what it says first. `replace` is its kernel's answer to `alive`.
    pub(crate) fn new(config: InitiatorConfig, challenge: u32, replace: bool) -> (Self, Vec<u8>) {
        let mut out = Vec::new();
        let machine = Initiator::new(config, entropy(challenge), Instant::ORIGIN + SETUP, &mut out);
        let dialler = Self {
            outcome: Outcome::Waits(machine.stage()),
            deadline: machine.deadline(),
            machine: Some(machine),
            replace,
        };
        (dialler, out)
    }

    /// What it says to these bytes. Once it is up or has failed, nothing.
    pub(crate) fn hears(&mut self, now: Instant, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let Some(machine) = self.machine.take() else { return out };
        let mut step = machine.receive(now, bytes, &mut out);
        if let Ok(InitiatorStep::Alive(remark)) = step {
            step = if self.replace {
                remark.replace(now, &mut out)
            } else {
                Err(remark.keep(&mut out))
            };
        }
        self.outcome = match step {
            Ok(InitiatorStep::Wait(machine) | InitiatorStep::Nok(machine)) => {
                let stage = machine.stage();
                self.deadline = machine.deadline();
                self.machine = Some(machine);
                Outcome::Waits(stage)
            }
            Ok(InitiatorStep::Alive(_)) => panic!("asked twice"),
            Ok(InitiatorStep::Done(established)) => Outcome::Up(established),
            Err(failure) => Outcome::Failed(failure),
        };
        out
    }
}

/// What the kernel of an acceptor says to an admission.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Greet(Greeting),
    /// `named:` with this name and creation.
    Name(&'static str, u32),
    Refuse(Refusal),
}

/// The side that listens.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) outcome: Outcome,
    /// When it gives up, as long as it waits.
    pub(crate) deadline: Instant,
    machine: Option<Acceptor>,
    answer: Answer,
    cookie: Cookie,
}

impl Listener {
    pub(crate) fn new(config: AcceptorConfig, challenge: u32, answer: Answer) -> Self {
        let machine = Acceptor::new(Instant::ORIGIN, config, entropy(challenge));
        Self {
            outcome: Outcome::Waits(machine.stage()),
            deadline: machine.deadline(),
            machine: Some(machine),
            answer,
            cookie: cookie("SECRETCOOKIE"),
        }
    }

    pub(crate) fn with_cookie(self, cookie: Cookie) -> Self {
        Self { cookie, ..self }
    }

    /// What it says to these bytes. Once it is up or has failed, nothing.
    pub(crate) fn hears(&mut self, now: Instant, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let Some(machine) = self.machine.take() else { return out };
        let mut step = machine.receive(now, bytes, &mut out);
        if let Ok(AcceptorStep::Admit(admission)) = step {
            step = self.admit(now, admission, &mut out);
        }
        self.outcome = match step {
            Ok(AcceptorStep::Wait(machine)) => {
                let stage = machine.stage();
                self.deadline = machine.deadline();
                self.machine = Some(machine);
                Outcome::Waits(stage)
            }
            Ok(AcceptorStep::Admit(_)) => panic!("asked twice"),
            Ok(AcceptorStep::Authenticated(confirmation)) => {
                Outcome::Up(confirmation.confirm(&mut out))
            }
            Ok(AcceptorStep::Refused { failure, .. }) | Err(failure) => Outcome::Failed(failure),
        };
        out
    }

    /// What a kernel does: who wants a name gets one, and a name that cannot be is answered `nok`.
    fn admit(
        &self,
        now: Instant,
        admission: Admission,
        out: &mut Vec<u8>,
    ) -> Result<AcceptorStep, Failure> {
        let (peer, greeting) = match self.answer {
            Answer::Refuse(refusal) => return Err(admission.refuse(refusal, out)),
            Answer::Name(name, creation) => (node(name), Greeting::Named(Creation(creation))),
            Answer::Greet(_) if admission.wants_name() => {
                (node("g@h"), Greeting::Named(Creation(5)))
            }
            Answer::Greet(greeting) => match admission.name().to_node_name() {
                Ok(name) => (name, greeting),
                Err(error) => {
                    return Err(admission.refuse(Refusal::Nok(NokCause::Name(error)), out));
                }
            },
        };
        admission.accept(now, Welcome { greeting, peer, cookie: self.cookie.clone() }, out)
    }
}
