//! Registering this node with the EPMD of its host, and holding on to it (`erl_epmd:register_node/3`).

use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

use super::RegisterError;
use crate::creation::Creation;
use crate::name::NodeName;
use crate::stream::OpenError;
use crate::time::Instant;
use crate::wire::epmd::{
    Alive2Resp, DIST_HIGHEST, DIST_LOWEST, Entry, Extra, NODE_TYPE_NORMAL, Name, PortInfo, Request,
};

/// How long to wait for the answer to a registration.
//= docs/spec/epmd.md#epmd-register-timeout
pub const REGISTER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long after a loss, or after a failed attempt to repair it, the next attempt begins.
//= docs/spec/epmd.md#epmd-retry
pub const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// This node's registration, from the first attempt on for as long as the node lives.
///
/// The name is registered for as long as the stream is open; there is no message to give it back. The owner opens the
/// streams and tells what happens to the one at hand; events of earlier streams are none of this machine's business.
/// It reads without pause, for that is how the loss is noticed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Registration {
    request: Bytes,
    /// Whether the name was ever ours. Before, a failure is final; afterwards it is repaired.
    was_held: bool,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    /// The stream is being opened.
    Dialling,
    /// The request is out.
    Asked { deadline: Instant, received: Vec<u8> },
    /// The name is ours.
    Held,
    /// No stream; the next attempt waits for its time.
    Lost { retry_at: Instant },
    /// The first attempt failed.
    Failed,
}

/// What the owner has to do next.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegistrationStep {
    /// Nothing.
    Idle,
    /// Open a stream to the EPMD of this host.
    Open,
    //= docs/spec/epmd.md#epmd-silence
    /// Transmit these bytes, then read once. Nothing else is ever written: EPMD drops a node that says more.
    Ask(Bytes),
    /// Read once.
    Read,
    /// The name is ours, and this is the node's creation. Read once.
    Registered(Creation),
    /// The name is ours again. The creation that EPMD gave this time is not told: the node keeps its own. Read once.
    Renewed,
    /// The first attempt failed, and the node cannot start. Close the stream if there is one: EPMD keeps it open.
    Failed(RegisterError),
    /// EPMD does not have the name any more, or not yet again. Close the stream if there is one; the next attempt begins
    /// at the [`deadline`](Registration::deadline).
    Lost(RegisterError),
}

impl Registration {
    /// Of `node`, which listens at `port`. Begin by opening a stream to the EPMD of this host, as for
    /// [`RegistrationStep::Open`].
    #[must_use]
    pub fn new(node: &NodeName, port: u16) -> Self {
        Self { request: request(node, port), was_held: false, state: State::Dialling }
    }

    /// When [`timeout`](Self::timeout) is due.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Asked { deadline, .. } => Some(*deadline),
            State::Lost { retry_at } => Some(*retry_at),
            State::Dialling | State::Held | State::Failed => None,
        }
    }

    /// The stream is open.
    pub fn opened(&mut self, now: Instant) -> RegistrationStep {
        match self.state {
            State::Dialling => {
                let deadline = now + REGISTER_TIMEOUT;
                self.state = State::Asked { deadline, received: Vec::new() };
                RegistrationStep::Ask(self.request.clone())
            }
            State::Asked { .. } | State::Held | State::Lost { .. } | State::Failed => {
                RegistrationStep::Idle
            }
        }
    }

    /// The stream could not be opened.
    pub fn open_failed(&mut self, now: Instant, error: OpenError) -> RegistrationStep {
        match self.state {
            State::Dialling => self.fail(now, RegisterError::Open(error)),
            State::Asked { .. } | State::Held | State::Lost { .. } | State::Failed => {
                RegistrationStep::Idle
            }
        }
    }

    /// Bytes arrived.
    pub fn received(&mut self, now: Instant, bytes: &[u8]) -> RegistrationStep {
        let answer = match &mut self.state {
            State::Asked { received, .. } => {
                // One byte more than the longest answer is enough to see that there are too many.
                let missing = (Alive2Resp::MAX_LEN + 1).saturating_sub(received.len());
                received.extend(bytes.iter().take(missing));
                Alive2Resp::parse(received)
            }
            //= docs/spec/epmd.md#epmd-held-bytes
            State::Held => return RegistrationStep::Read,
            State::Dialling | State::Lost { .. } | State::Failed => return RegistrationStep::Idle,
        };
        //= docs/spec/epmd.md#epmd-register-errors
        match answer {
            Ok(None) => RegistrationStep::Read,
            Ok(Some(answer)) => self.answered(now, answer),
            Err(_) => self.fail(now, RegisterError::Garbage),
        }
    }

    /// The stream has ended, and not because this side closed it.
    pub fn closed(&mut self, now: Instant) -> RegistrationStep {
        match self.state {
            State::Asked { .. } | State::Held => self.fail(now, RegisterError::Closed),
            State::Dialling | State::Lost { .. } | State::Failed => RegistrationStep::Idle,
        }
    }

    /// The deadline may have passed.
    pub fn timeout(&mut self, now: Instant) -> RegistrationStep {
        match self.state {
            State::Asked { deadline, .. } if deadline <= now => {
                self.fail(now, RegisterError::NoReply)
            }
            State::Lost { retry_at } if retry_at <= now => {
                self.state = State::Dialling;
                RegistrationStep::Open
            }
            State::Asked { .. }
            | State::Lost { .. }
            | State::Dialling
            | State::Held
            | State::Failed => RegistrationStep::Idle,
        }
    }

    fn answered(&mut self, now: Instant, answer: Alive2Resp) -> RegistrationStep {
        //= docs/spec/epmd.md#epmd-duplicate
        let Some(creation) = answer.creation() else {
            return self.fail(now, RegisterError::DuplicateName);
        };
        self.state = State::Held;
        //= docs/spec/epmd.md#epmd-keep-creation
        if core::mem::replace(&mut self.was_held, true) {
            RegistrationStep::Renewed
        } else {
            //= docs/spec/epmd.md#epmd-usable-creation
            RegistrationStep::Registered(creation.usable())
        }
    }

    fn fail(&mut self, now: Instant, error: RegisterError) -> RegistrationStep {
        if self.was_held {
            self.state = State::Lost { retry_at: now + RETRY_INTERVAL };
            RegistrationStep::Lost(error)
        } else {
            //= docs/spec/epmd.md#epmd-first-attempt
            self.state = State::Failed;
            RegistrationStep::Failed(error)
        }
    }
}

/// The request of an Erlang node: it names itself normal even if it is hidden.
//= docs/spec/epmd.md#epmd-register-request
fn request(node: &NodeName, port: u16) -> Bytes {
    let info = PortInfo {
        port,
        node_type: NODE_TYPE_NORMAL,
        protocol: 0,
        highest: DIST_HIGHEST,
        lowest: DIST_LOWEST,
    };
    Request::Alive2(Entry { info, name: Name::from(node), extra: Extra::default() }).to_bytes()
}

#[cfg(test)]
mod matrix;

#[cfg(test)]
mod tests {
    use super::matrix::{EVENTS, NOW, new, states};
    use super::*;

    //= docs/spec/epmd.md#epmd-register-request
    //= type=test
    //= docs/spec/epmd.md#epmd-silence
    //= type=test
    #[test]
    fn the_request_is_that_of_an_erlang_node_and_all_that_is_ever_written() {
        let mut registration = new();
        let RegistrationStep::Ask(request) = registration.opened(NOW) else { panic!("no request") };
        assert_eq!(request[..], b"\0\x12x\x0F\xA1M\0\0\x06\0\x05\0\x05alpha\0\0"[..]);
        for (state, machine) in states() {
            let writes = EVENTS
                .map(|(_, event)| matches!(event(&mut machine.clone()), RegistrationStep::Ask(_)));
            let dialling = matches!(machine.state, State::Dialling);
            assert_eq!(writes[0], dialling, "opened in state {state}");
            assert!(!writes[1..].contains(&true), "state {state}");
        }
    }

    //= docs/spec/epmd.md#epmd-keep-creation
    //= type=test
    #[test]
    fn a_lost_registration_never_changes_the_creation() {
        let mut registration = new();
        let mut told = 0;
        for round in 0..5 {
            let now = Instant::from_millis(round * 10_000);
            let _ = registration.timeout(now);
            let _ = registration.opened(now);
            let step = registration.received(now, &[b'v', 0, 0, 0, 1, round as u8]);
            told += u32::from(matches!(step, RegistrationStep::Registered(_)));
            assert_eq!(registration.state, State::Held);
            assert_eq!(registration.closed(now), RegistrationStep::Lost(RegisterError::Closed));
        }
        assert_eq!(told, 1, "the creation is told once");
    }

    //= docs/spec/epmd.md#epmd-usable-creation
    //= type=test
    #[test]
    fn a_reserved_creation_is_made_usable() {
        let mut registration = new();
        let _ = registration.opened(NOW);
        let step = registration.received(NOW, &[b'y', 0, 0, 2]);
        assert_eq!(step, RegistrationStep::Registered(Creation::MIN));
    }

    //= docs/spec/epmd.md#epmd-register-timeout
    //= type=test
    #[test]
    fn deadlines() {
        let ten = Some(Instant::ORIGIN + Duration::from_secs(10));
        let two = Some(Instant::ORIGIN + Duration::from_secs(2));
        let deadlines = states().map(|(_, machine)| machine.deadline());
        assert_eq!(deadlines, [None, ten, None, two, None, ten, None]);
        let (_, mut asked) = states().into_iter().nth(1).unwrap();
        assert_eq!(asked.timeout(Instant::from_millis(9_999)), RegistrationStep::Idle);
        // Bytes do not move the deadline: ten seconds are all there is.
        let _ = asked.received(NOW, b"v");
        assert_eq!(asked.deadline(), ten);
    }

    proptest::proptest! {
        #[test]
        fn registrations_end_alike_however_the_answer_is_cut(
            head in proptest::sample::select(std::vec![&b"v\0"[..], b"y\0", b"v\x01", b"", b"w"]),
            tail in proptest::collection::vec(0..255u8, 0..9),
        ) {
            // A surplus is garbage in the read that brings the answer, and nothing in a later one.
            let longest = if head.first() == Some(&b'y') { 4 } else { 6 };
            let mut bytes = [head, &tail].concat();
            bytes.truncate(longest);
            let mut whole = new();
            let _ = whole.opened(NOW);
            if !bytes.is_empty() {
                let _ = whole.received(NOW, &bytes);
            }
            let mut cut = new();
            let _ = cut.opened(NOW);
            for byte in bytes.chunks(1) {
                let _ = cut.received(NOW, byte);
            }
            assert_eq!(whole, cut);
        }
    }
}
