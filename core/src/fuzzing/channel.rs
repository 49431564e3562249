//! The target for the data plane of one link: bytes in, deliveries and answers out.

use alloc::vec::Vec;
use bytes::Bytes;

use super::source::{Source, pieces};
use crate::creation::Creation;
use crate::driver::pump;
use crate::flags::Flags;
use crate::ids::{MailboxId, PingId};
use crate::link::{Frame, Limits, LinkReader, Violation};
use crate::name::NodeName;
use crate::process::{Deliver, Function, Mfa, Origin, ProcessEvent, Processes, Reach, Request};
use crate::term::Atom;
use crate::wire::control::{self, Control};

/// Any bytes behind a handshake: how they are cut changes nothing, answers are frames and no more than the signals, and
/// nothing is delivered to what is not there.
pub fn channel(input: &[u8]) {
    let mut source = Source::new(input);
    let monitors = source.flag();
    let limits = Limits { max_frame_bytes: usize::from(source.byte()) * 16, ..Limits::default() };
    let pings = source.below(4);
    let cuts = source.data();
    let bytes = source.rest();
    let origin = Origin {
        node: NodeName::new("otp@localhost").unwrap(),
        creation: Creation(7),
        flags: if monitors {
            Flags::SERVED.without(Flags::DIST_HEADER)
        } else {
            Flags::MANDATORY_26
        },
    };
    let reader = LinkReader::from_origin(origin.clone(), limits);

    let whole = reader.clone().decode(bytes);
    let (mut cut_reader, mut signals, mut violation) = (reader.clone(), Vec::new(), None);
    for piece in pieces(bytes, cuts) {
        let batch = cut_reader.decode(piece);
        assert!(violation.is_none() || (batch.signals.is_empty() && batch.violation == violation));
        signals.extend(batch.signals);
        violation = batch.violation;
    }
    assert_eq!((&signals, violation), (&whole.signals, whole.violation));

    let (processes, delivered, result) = run(&reader, core::iter::once(bytes), pings);
    let again = run(&reader, pieces(bytes, cuts), pings);
    assert_eq!((&processes, &delivered, result), (&again.0, &again.1, again.2));
    // A signal that was read may name processes that it must not, or lack the payload that somebody waits for.
    let lacking = signals.iter().any(Control::lacks_payload);
    if result != Err(Violation::Control) && !(lacking && result == Err(Violation::Term)) {
        assert_eq!(result, violation.map_or(Ok(()), Err));
    }
    delivered.check(&origin, signals.len(), pings);
}

/// A node with two mailboxes, one of which has a name, and some pings that wait for an answer.
fn world(pings: usize) -> Processes {
    let mut processes = Processes::new();
    processes.alive(NodeName::new("py1@localhost").unwrap(), Creation(0x1122_3344));
    let named = processes.spawn_mailbox();
    processes.spawn_mailbox();
    processes.register(Atom::new("rex").unwrap(), named).unwrap();
    processes.serve_function(served_function());
    for _ in 0..pings {
        assert!(processes.ping(&NodeName::new("otp@localhost").unwrap()).is_some());
    }
    processes
}

fn served_function() -> Function {
    let [module, function] = ["m", "f"].map(|name| Atom::new(name).unwrap());
    Function { module, function, arity: 0 }
}

fn run<'a>(
    reader: &LinkReader,
    pieces: impl Iterator<Item = &'a [u8]>,
    pings: usize,
) -> (Processes, Delivered, Result<(), Violation>) {
    let (mut reader, mut processes) = (reader.clone(), world(pings));
    let (mut delivered, mut result) = (Delivered::default(), Ok(()));
    for piece in pieces {
        result = pump(&mut reader, piece, &mut processes, &mut delivered);
        if result.is_err() {
            break;
        }
    }
    (processes, delivered, result)
}

#[derive(Debug, Default, PartialEq)]
struct Delivered {
    messages: Vec<(MailboxId, Bytes)>,
    answers: Vec<Bytes>,
    pongs: Vec<(PingId, bool)>,
    events: Vec<(MailboxId, ProcessEvent)>,
    signals: Vec<Control>,
    started: Vec<(MailboxId, Mfa)>,
}

impl Deliver for Delivered {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        self.messages.push((to, message));
    }

    fn start(&mut self, process: MailboxId, mfa: Mfa) {
        self.started.push((process, mfa));
    }

    fn event(&mut self, to: MailboxId, event: ProcessEvent) {
        self.events.push((to, event));
    }

    fn signal(&mut self, node: &Atom, signal: Control) -> Reach {
        assert_eq!(&**node, "otp@localhost", "the only node that anybody here knows");
        self.signals.push(signal);
        Reach::Sent
    }

    fn is_reached(&mut self, _node: &NodeName) -> bool {
        true
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        self.answers.push(frame.to_bytes().into());
        Ok(())
    }

    fn pong(&mut self, ping: PingId, alive: bool) {
        self.pongs.push((ping, alive));
    }

    fn request(&mut self, request: Request) {
        panic!("nobody allowed {request:?}");
    }
}

impl Delivered {
    fn check(&self, origin: &Origin, signals: usize, pings: usize) {
        assert!(self.answers.len() <= signals, "at most one answer for each signal");
        // An old node that spawns is sent a link and the answer.
        let served = self.messages.len() + self.answers.len();
        assert!(served <= 2 * signals, "a signal is served once");
        assert!(self.started.iter().all(|(_, mfa)| *mfa.function() == served_function()));
        let processes = world(0);
        for (mailbox, _) in &self.messages {
            assert!(processes.pid(*mailbox).is_some(), "there is no {mailbox:?}");
        }
        for frame in &self.answers {
            let (length, body) = frame.split_first_chunk().unwrap();
            assert_eq!(u32::from_be_bytes(*length) as usize, body.len());
            let ours = NodeName::new("py1@localhost").unwrap();
            let Ok(answer) = control::parse(&frame.slice(4..), &ours) else {
                // The only one that nobody reads: to a link with what is no pid.
                let noproc = b"\x77\x06noproc";
                assert!(frame.ends_with(noproc), "{frame:02x?}");
                continue;
            };
            assert!(origin.flags.contains(answer.needed_flags()), "not agreed: {answer:?}");
        }
        for (at, (ping, _)) in self.pongs.iter().enumerate() {
            assert!(self.pongs[..at].iter().all(|(other, _)| other != ping), "{ping:?} ends twice");
        }
        assert!(self.pongs.len() <= pings);
    }
}
