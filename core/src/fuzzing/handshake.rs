//! Targets for the machines of the handshake: each alone against any bytes, and both against each other while one
//! direction is damaged.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::source::{Source, pieces};
use crate::cookie::{Challenge, Cookie};
use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::flags::{Flags, NodeType};
use crate::handshake::{
    Acceptor, AcceptorConfig, AcceptorStep, Admission, AllowList, Established, Failure, Greeting,
    Initiator, InitiatorConfig, InitiatorStep, NokCause, Own, Refusal, Welcome,
};
use crate::name::{NameError, NodeName, PeerName};
use crate::time::Instant;
use crate::wire::framing::Framing;

const NOW: Instant = Instant::from_millis(1000);
const DEADLINE: Instant = Instant::from_millis(7000);
/// The challenges of the captures, so that their digests are right here, too.
const INITIATORS: Challenge = Challenge(0x0A0B_0C0D);
const ACCEPTORS: Challenge = Challenge(0x0102_0304);
/// More than a machine ever writes: two names, a challenge, two digests and a few words.
const WRITES_MAX: usize = 1024;

/// The side that dialled.
pub fn handshake_initiator(input: &[u8]) {
    let mut source = Source::new(input);
    let setup = Setup::decide(&mut source);
    if setup.alone {
        let (cuts, bytes) = (source.data(), source.rest());
        let whole = setup.initiate(core::iter::once(bytes));
        assert_eq!(setup.initiate(pieces(bytes, cuts)), whole, "cutting changes nothing");
        setup.check_initiator(&whole.0, bytes);
    } else {
        setup.converse(&mut source, Damaged::ToInitiator);
    }
}

/// The side that listens.
pub fn handshake_acceptor(input: &[u8]) {
    let mut source = Source::new(input);
    let setup = Setup::decide(&mut source);
    if setup.alone {
        let (cuts, bytes) = (source.data(), source.rest());
        let whole = setup.accept(core::iter::once(bytes));
        assert_eq!(setup.accept(pieces(bytes, cuts)), whole, "cutting changes nothing");
        setup.check_acceptor(&whole.0, bytes);
    } else {
        setup.converse(&mut source, Damaged::ToAcceptor);
    }
}

/// What the first bytes of the input decide.
struct Setup {
    alone: bool,
    nameless: bool,
    wrong_cookie: bool,
    initiator_hidden: bool,
    acceptor_hidden: bool,
    framing: Framing,
    greeting: usize,
    keep_old: bool,
}

/// How a machine ended, or the machine that waits for more. The residue has all bytes that the machine did not use.
#[derive(Debug, PartialEq)]
enum End<M> {
    Waits(M),
    Failed(Failure),
    Done {
        established: Established,
        used: usize,
    },
    /// The initiator, after `nok`.
    Nok,
}

impl Setup {
    fn decide(source: &mut Source<'_>) -> Self {
        let (bits, greeting) = (source.byte(), source.byte());
        let bit = |n: u8| bits & (1 << n) != 0;
        Self {
            alone: bit(0),
            nameless: bit(1),
            wrong_cookie: bit(2),
            initiator_hidden: bit(3),
            acceptor_hidden: bit(4),
            framing: if bit(5) { Framing::Long } else { Framing::Short },
            keep_old: bit(6),
            greeting: usize::from(greeting),
        }
    }

    fn initiators_cookie(&self) -> Cookie {
        if self.wrong_cookie { Cookie::new("OTHER").unwrap() } else { acceptors_cookie() }
    }

    fn initiator(&self, out: &mut Vec<u8>) -> Initiator {
        let own = if self.nameless {
            Own::Nameless { host: PeerName::new("localhost") }
        } else {
            Own::Named { name: PeerName::new("py1@localhost"), creation: Creation(0x1122_3344) }
        };
        let config = InitiatorConfig {
            own,
            peer: NodeName::new("otp@localhost").unwrap(),
            cookie: self.initiators_cookie(),
            flags: offered(self.initiator_hidden),
            mandatory: Flags::MANDATORY_26,
            setup_time: Duration::from_secs(7),
            framing: self.framing,
        };
        Initiator::new(config, entropy(INITIATORS), DEADLINE, out)
    }

    fn acceptor(&self) -> Acceptor {
        let config = AcceptorConfig {
            name: PeerName::new("otp@localhost"),
            creation: Creation(0x6B01_626F),
            flags: offered(self.acceptor_hidden),
            mandatory: Flags::MANDATORY_26,
            allowed: AllowList::default(),
            setup_time: Duration::from_secs(7),
            framing: self.framing,
        };
        Acceptor::new(NOW, config, entropy(ACCEPTORS))
    }

    fn initiate<'a>(&self, pieces: impl Iterator<Item = &'a [u8]>) -> (End<Initiator>, Vec<u8>) {
        let mut out = Vec::new();
        let (mut machine, mut fed) = (self.initiator(&mut out), 0);
        for piece in pieces {
            fed += piece.len();
            match self.initiator_step(machine.receive(NOW, piece, &mut out), fed, &mut out) {
                End::Waits(next) => machine = next,
                end @ (End::Failed(_) | End::Done { .. } | End::Nok) => return (end, out),
            }
        }
        (End::Waits(machine), out)
    }

    fn initiator_step(
        &self,
        step: Result<InitiatorStep, Failure>,
        fed: usize,
        out: &mut Vec<u8>,
    ) -> End<Initiator> {
        match step {
            Ok(InitiatorStep::Wait(next)) => End::Waits(next),
            Ok(InitiatorStep::Nok(_)) => End::Nok,
            Ok(InitiatorStep::Alive(remark)) if self.keep_old => End::Failed(remark.keep(out)),
            Ok(InitiatorStep::Alive(remark)) => {
                let step = remark.replace(NOW, out);
                self.initiator_step(step, fed, out)
            }
            Ok(InitiatorStep::Done(established)) => done(established, fed),
            Err(failure) => End::Failed(failure),
        }
    }

    fn accept<'a>(&self, pieces: impl Iterator<Item = &'a [u8]>) -> (End<Acceptor>, Vec<u8>) {
        let (mut machine, mut fed, mut out) = (self.acceptor(), 0, Vec::new());
        for piece in pieces {
            fed += piece.len();
            match self.acceptor_step(machine.receive(NOW, piece, &mut out), fed, &mut out) {
                End::Waits(next) => machine = next,
                end @ (End::Failed(_) | End::Done { .. } | End::Nok) => return (end, out),
            }
        }
        (End::Waits(machine), out)
    }

    fn acceptor_step(
        &self,
        step: Result<AcceptorStep, Failure>,
        fed: usize,
        out: &mut Vec<u8>,
    ) -> End<Acceptor> {
        match step {
            Ok(AcceptorStep::Wait(next)) => End::Waits(next),
            Ok(AcceptorStep::Admit(admission)) => match self.welcome(&admission) {
                Ok(welcome) => {
                    let step = admission.accept(NOW, welcome, out);
                    self.acceptor_step(step, fed, out)
                }
                Err(refusal) => End::Failed(admission.refuse(refusal, out)),
            },
            Ok(AcceptorStep::Authenticated(confirmation)) => done(confirmation.confirm(out), fed),
            Ok(AcceptorStep::Refused { failure, .. }) | Err(failure) => End::Failed(failure),
        }
    }

    /// What a kernel could say.
    fn welcome(&self, admission: &Admission) -> Result<Welcome, Refusal> {
        let bad = |error: NameError| Refusal::Nok(NokCause::Name(error));
        let cookie = acceptors_cookie();
        if admission.wants_name() {
            let host = admission.name().as_bytes().iter().map(|&b| char::from(b));
            let name = format!("X0@{}", host.collect::<alloc::string::String>());
            let greeting = Greeting::Named(Creation(0x5566_7788));
            return Ok(Welcome { greeting, peer: NodeName::new(&name).map_err(bad)?, cookie });
        }
        let peer = admission.name().to_node_name().map_err(bad)?;
        let greeting = match self.greeting % 5 {
            0 => Greeting::Ok,
            1 => Greeting::OkSimultaneous,
            2 => Greeting::Alive,
            3 => return Err(Refusal::Nok(NokCause::OurAttempt)),
            _ => return Err(Refusal::AlreadyPending),
        };
        Ok(Welcome { greeting, peer, cookie })
    }

    fn check_initiator(&self, end: &End<Initiator>, heard: &[u8]) {
        let End::Done { established, .. } = end else { return };
        let digest = self.initiators_cookie().digest(INITIATORS).0;
        assert!(has(heard, &digest), "up, and nobody proved the cookie");
        assert_eq!(established.node.as_str(), "otp@localhost");
        assert_eq!(established.given.is_some(), self.nameless);
        let own = offered(self.initiator_hidden) | Flags::NAME_ME;
        check_flags(established, own);
    }

    fn check_acceptor(&self, end: &End<Acceptor>, heard: &[u8]) {
        let End::Done { established, .. } = end else { return };
        let digest = acceptors_cookie().digest(ACCEPTORS).0;
        assert!(has(heard, &digest), "up, and nobody proved the cookie");
        let own = offered(self.acceptor_hidden) | Flags::NAME_ME;
        check_flags(established, own);
    }
}

fn acceptors_cookie() -> Cookie {
    Cookie::new("SECRETCOOKIE").unwrap()
}

fn offered(hidden: bool) -> Flags {
    if hidden { Flags::SERVED } else { Flags::SERVED | Flags::PUBLISHED }
}

fn entropy(challenge: Challenge) -> Entropy {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&challenge.0.to_be_bytes());
    Entropy::new(bytes)
}

/// Without the residue, but with what was used: that must not depend on how the bytes were cut.
fn done<M>(mut established: Established, fed: usize) -> End<M> {
    let used = fed - established.residue.len();
    established.residue.clear();
    End::Done { established, used }
}

fn check_flags(established: &Established, own: Flags) {
    assert!(own.contains(established.flags), "nothing is agreed on that was not offered");
    assert!(established.flags.contains(Flags::MANDATORY_26));
    assert_eq!(established.node_type, NodeType::of(established.flags));
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The direction in which bytes may be changed.
#[derive(Clone, Copy, PartialEq)]
enum Damaged {
    ToAcceptor,
    ToInitiator,
}

/// What is on its way to one side, and what arrived there.
#[derive(Default)]
struct Way {
    waiting: Vec<u8>,
    heard: Vec<u8>,
}

impl<M: Clone> End<M> {
    /// The next piece for a machine that waits, if there is any.
    fn take_piece(&self, way: &mut Way, source: &mut Source<'_>) -> Option<(M, Vec<u8>)> {
        match self {
            Self::Waits(machine) => Some((machine.clone(), way.next(source)?)),
            Self::Failed(_) | Self::Done { .. } | Self::Nok => None,
        }
    }
}

impl Setup {
    /// Both sides talk, in pieces of any length.
    fn converse(&self, source: &mut Source<'_>, damaged: Damaged) {
        let (mut to_acceptor, mut to_initiator) = (Way::default(), Way::default());
        let mut initiator = End::Waits(self.initiator(&mut to_acceptor.waiting));
        let mut acceptor = End::Waits(self.acceptor());
        let (mut written, mut changed) = ([to_acceptor.waiting.len(), 0], false);
        loop {
            let mut busy = false;
            if let Some((machine, mut piece)) = acceptor.take_piece(&mut to_acceptor, source) {
                busy = true;
                changed |= damaged == Damaged::ToAcceptor && damage(&mut piece, source);
                to_acceptor.heard.extend_from_slice(&piece);
                let mut out = Vec::new();
                let step = machine.receive(NOW, &piece, &mut out);
                acceptor = self.acceptor_step(step, to_acceptor.heard.len(), &mut out);
                written[1] += out.len();
                to_initiator.waiting.append(&mut out);
            }
            if let Some((machine, mut piece)) = initiator.take_piece(&mut to_initiator, source) {
                busy = true;
                changed |= damaged == Damaged::ToInitiator && damage(&mut piece, source);
                to_initiator.heard.extend_from_slice(&piece);
                let mut out = Vec::new();
                let step = machine.receive(NOW, &piece, &mut out);
                initiator = self.initiator_step(step, to_initiator.heard.len(), &mut out);
                written[0] += out.len();
                to_acceptor.waiting.append(&mut out);
            }
            if !busy {
                break;
            }
        }
        assert!(written.iter().all(|&bytes| bytes <= WRITES_MAX));
        self.check_initiator(&initiator, &to_initiator.heard);
        self.check_acceptor(&acceptor, &to_acceptor.heard);
        if !changed {
            self.check_undamaged(&initiator, &acceptor);
        }
    }

    fn check_undamaged(&self, initiator: &End<Initiator>, acceptor: &End<Acceptor>) {
        let greeted = self.nameless || self.greeting % 5 < 3;
        let declined = self.keep_old && self.greeting % 5 == 2 && !self.nameless;
        match (initiator, acceptor) {
            (End::Done { established: ours, .. }, End::Done { established: theirs, .. }) => {
                assert!(greeted && !declined && !self.wrong_cookie);
                assert_eq!((ours.flags, ours.node_type), (theirs.flags, theirs.node_type));
                assert_eq!(ours.creation, Creation(0x6B01_626F));
                let given = ours.given.as_ref().map(|(name, creation)| (name.as_str(), creation.0));
                let named = given.unwrap_or(("py1@localhost", 0x1122_3344));
                assert_eq!((theirs.node.as_str(), theirs.creation.0), named);
            }
            (_, End::Failed(Failure::BadCookie)) => assert!(self.wrong_cookie && greeted),
            (End::Failed(Failure::Declined), _) => assert!(declined),
            (End::Failed(Failure::NotAllowed), End::Failed(Failure::PeerNotAllowed))
            | (End::Nok, End::Failed(Failure::Nok(_)))
            | (End::Waits(_), End::Failed(Failure::AlreadyPending)) => assert!(!greeted),
            end => panic!("undamaged, and yet {end:?}"),
        }
    }
}

impl Way {
    /// Some of what waits: as much as a byte of the input says, or all.
    fn next(&mut self, source: &mut Source<'_>) -> Option<Vec<u8>> {
        if self.waiting.is_empty() {
            return None;
        }
        let length = match source.byte() {
            0 => self.waiting.len(),
            n => usize::from(n).min(self.waiting.len()),
        };
        Some(self.waiting.drain(..length).collect())
    }
}

/// Changes a piece as the input says; whether it did.
fn damage(piece: &mut Vec<u8>, source: &mut Source<'_>) -> bool {
    let before = piece.clone();
    let at = |source: &mut Source<'_>, len: usize| source.below(len.clamp(1, 256));
    match source.below(8) {
        1 => {
            let at = at(source, piece.len());
            piece[at] ^= 1 << source.below(8);
        }
        2 => {
            let at = at(source, piece.len());
            piece.splice(at..at, source.data().iter().copied());
        }
        3 => {
            let at = at(source, piece.len());
            piece.drain(at..(at + source.below(32)).min(piece.len()));
        }
        4 => {
            let at = at(source, piece.len());
            for (byte, new) in piece.iter_mut().skip(at).zip(source.data()) {
                *byte = *new;
            }
        }
        5 => piece.extend_from_slice(source.data()),
        6 => *piece = source.data().to_vec(),
        _ => {}
    }
    *piece != before
}
