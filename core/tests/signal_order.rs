//! What a process sends, and what is sent in its name, arrives in this order, although a large message of it is under way.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "this is test code")]

use core::num::NonZeroU64;

use bytes::Bytes;
use netkernel_core::link::{Frame, Limits, LinkReader, LinkWriter};
use netkernel_core::process::{Deliver, Mfa, Origin, ProcessEvent, Processes, Reach, Request};
use netkernel_core::stream::Violation;
use netkernel_core::term::{Atom, Pid, Reference};
use netkernel_core::wire::control::{Control, Monitored};
use netkernel_core::{Creation, Flags, MailboxId, NodeName, PingId};

const KIB: usize = 1024;
const FLAGS: Flags = Flags::SERVED;

/// The queue of the only link, as the host of the processes.
struct Wire(LinkWriter);

impl Wire {
    fn force(&mut self, signal: &Control) {
        self.0.push_forced(Frame::new(signal, FLAGS).unwrap()).unwrap();
    }
}

impl Deliver for Wire {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        panic!("{to:?} gets {message:?}")
    }

    fn start(&mut self, process: MailboxId, mfa: Mfa) {
        panic!("{process:?} is to run {mfa:?}")
    }

    fn event(&mut self, to: MailboxId, event: ProcessEvent) {
        panic!("{to:?} gets {event:?}")
    }

    fn signal(&mut self, _: &Atom, signal: Control) -> Reach {
        self.0.push_signal(Frame::new(&signal, FLAGS).unwrap());
        Reach::Sent
    }

    fn is_reached(&mut self, _: &NodeName) -> bool {
        true
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        self.0.push_forced(frame)
    }

    fn pong(&mut self, _: PingId, _: bool) {}

    fn request(&mut self, request: Request) {
        panic!("{request:?} is for the kernel")
    }
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

/// A process of the other node.
fn other(id: u32) -> Pid {
    Pid { node: Atom::new("b@localhost").unwrap(), id, serial: 0, creation: Creation(8) }
}

fn reference(number: u32) -> Reference {
    Reference::new(Atom::new("b@localhost").unwrap(), Creation(8), &[number, 0, 0]).unwrap()
}

fn message(from: &Pid, len: usize) -> Control {
    let len_field = (len as u32).to_be_bytes();
    let message = [&[131, 109][..], &len_field, &vec![7; len]].concat().into();
    Control::Send { from: Some(from.clone()), to: other(1), message, token: None }
}

/// What the other node reads, of which it gets so many bytes at a time.
fn read(writer: &mut LinkWriter, portion: usize) -> Vec<Control> {
    let origin = Origin { node: node("a@localhost"), creation: Creation(7), flags: FLAGS };
    let mut reader = LinkReader::from_origin(origin, Limits::default());
    let mut signals = Vec::new();
    while !writer.is_empty() {
        let mut bytes: Vec<u8> = writer.chunks(usize::MAX).flatten().copied().collect();
        bytes.truncate(portion);
        writer.advance(bytes.len());
        let batch = reader.decode(&bytes);
        assert_eq!(batch.violation, None);
        signals.extend(batch.signals);
    }
    signals
}

/// Its form, and its length if it has one without bound.
fn kind(signal: &Control) -> (&'static str, bool) {
    let large = signal.unbounded_len() > 64 * KIB;
    let kind = match signal {
        Control::Send { .. } => "message",
        Control::UnlinkIdAck { .. } => "ack",
        Control::UnlinkId { .. } => "unlink",
        Control::Exit { .. } => "exit",
        Control::Exit2 { .. } => "exit2",
        Control::MonitorPExit { from: Monitored::Pid(_), .. } => "down",
        Control::MonitorPExit { from: Monitored::Name(_), .. } => "down by name",
        signal => panic!("{signal:?}"),
    };
    (kind, large)
}

//= docs/spec/channel.md#ch-lanes
//= type=test
//= docs/spec/process.md#process-end
//= type=test
#[test]
fn nothing_that_a_process_leaves_behind_overtakes_its_large_message() {
    for (reason_len, portion) in
        [(2, 1000), (2, usize::MAX), (100 * KIB, 1000), (100 * KIB, usize::MAX)]
    {
        let origin = Origin { node: node("b@localhost"), creation: Creation(7), flags: FLAGS };
        let mut processes = Processes::new();
        processes.alive(node("a@localhost"), Creation(7));
        let [sender, bystander] = [(); 2].map(|()| processes.spawn_mailbox());
        let [pid, second] = [sender, bystander].map(|it| processes.pid(it).unwrap());
        processes.register(Atom::new("server").unwrap(), sender).unwrap();
        let mut wire = Wire(LinkWriter::new(Limits::default()));
        let name = Monitored::Name(Atom::new("server").unwrap());
        for signal in [
            Control::Link { from: other(1), to: pid.clone() },
            Control::Link { from: other(2), to: pid.clone() },
            Control::Link { from: other(3), to: pid.clone() },
            Control::MonitorP {
                from: other(1),
                to: Monitored::Pid(pid.clone()),
                reference: reference(1),
            },
            Control::MonitorP { from: other(1), to: name, reference: reference(2) },
        ] {
            processes.handle(&origin, signal, &mut wire).unwrap();
        }
        assert!(wire.0.is_empty());
        wire.force(&message(&second, 200 * KIB));
        wire.force(&message(&pid, 700 * KIB));
        let unlink = Control::UnlinkId { id: NonZeroU64::MIN, from: other(2), to: pid.clone() };
        processes.handle(&origin, unlink, &mut wire).unwrap();
        processes.unlink(sender, &other(3), &mut wire).unwrap();
        processes.exit(sender, &other(4), Bytes::from_static(b"\x77\x02no"), &mut wire).unwrap();
        let reason =
            [&[109][..], &(reason_len as u32).to_be_bytes(), &vec![1; reason_len]].concat();
        processes.terminate(sender, &reason.into(), &mut wire);
        wire.force(&message(&second, 1));
        let read = read(&mut wire.0, portion);
        let of = |by: &Pid| -> Vec<_> {
            read.iter().filter(|it| it.sender() == Some(by)).map(kind).collect()
        };
        let large = reason_len > 64 * KIB;
        let [first, ack, unlink, exit2, rest @ ..] = &of(&pid)[..] else { panic!("{read:?}") };
        assert_eq!(
            [first, ack, unlink, exit2],
            [&("message", true), &("ack", false), &("unlink", false), &("exit2", false)]
        );
        assert_eq!(rest, [("exit", large), ("down", large)]);
        assert_eq!(of(&second), [("message", true), ("message", false)]);
        let at = |what| read.iter().position(|it| kind(it) == what && it.sender() != Some(&second));
        let by_name = at(("down by name", large)).unwrap();
        assert!(
            at(("message", true)).unwrap() < by_name,
            "{:?}",
            read.iter().map(kind).collect::<Vec<_>>()
        );
        assert_eq!(read.len(), 9);
        assert_eq!((wire.0.is_empty(), wire.0.queued()), (true, 0));
    }
}
