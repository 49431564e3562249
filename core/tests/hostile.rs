//! What a peer says costs memory in proportion to the bytes that it sent, whatever they announce, and nothing is left of it.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering};
use std::alloc::System;

use bytes::Bytes;
use netkernel_core::driver::pump;
use netkernel_core::link::{Frame, Limits, LinkReader, LinkWriter, Violation};
use netkernel_core::process::{Deliver, Mfa, Origin, ProcessEvent, Processes, Reach, Request};
use netkernel_core::term::{Atom, Pid, Reference, write};
use netkernel_core::wire::control::{Control, Monitored};
use netkernel_core::{Creation, Flags, MailboxId, NodeName, PingId};

/// Counts the bytes that are in use, and remembers the most.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "counting what is allocated needs an allocator; it only passes on")]
// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

/// How a runtime reads: so many bytes at a time at most.
const READ: usize = 64 * 1024;

/// Throws away what it gets.
struct Nobody;

impl Deliver for Nobody {
    fn message(&mut self, _: MailboxId, _: Bytes) {}
    fn start(&mut self, _: MailboxId, _: Mfa) {}
    fn event(&mut self, _: MailboxId, _: ProcessEvent) {}
    fn signal(&mut self, _: &Atom, _: Control) -> Reach {
        Reach::NoConnection
    }
    fn is_reached(&mut self, _: &NodeName) -> bool {
        false
    }
    fn answer(&mut self, _: Frame) -> Result<(), Violation> {
        Ok(())
    }
    fn pong(&mut self, _: PingId, _: bool) {}
    fn request(&mut self, _: Request) {}
}

/// Queues what is for the other node on the only link.
struct Wire(LinkWriter, Flags);

impl Deliver for Wire {
    fn message(&mut self, _: MailboxId, _: Bytes) {}
    fn start(&mut self, _: MailboxId, _: Mfa) {}
    fn event(&mut self, _: MailboxId, _: ProcessEvent) {}
    fn signal(&mut self, _: &Atom, signal: Control) -> Reach {
        self.0.push_signal(Frame::new(&signal, self.1).expect("a frame is long enough"));
        Reach::Sent
    }
    fn is_reached(&mut self, _: &NodeName) -> bool {
        true
    }
    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        self.0.push_forced(frame)
    }
    fn pong(&mut self, _: PingId, _: bool) {}
    fn request(&mut self, _: Request) {}
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).expect("a good name")
}

fn pid(node: &str, creation: u32) -> Vec<u8> {
    let node = Atom::new(node).expect("a short name");
    let mut out = Vec::new();
    write::pid(&mut out, &Pid { node, id: 1, serial: 0, creation: Creation(creation) });
    out
}

/// A frame of these pieces.
fn frame(pieces: &[&[u8]]) -> Vec<u8> {
    let body = [&b"p\x83"[..], &pieces.concat()].concat();
    [&(body.len() as u32).to_be_bytes(), &body[..]].concat()
}

/// A frame with a header of one atom, whose entry is in front of the terms.
fn with_atom(entry: &[u8], terms: &[&[u8]]) -> Vec<u8> {
    let body = [&b"\x83\x44\x01"[..], entry, &terms.concat()].concat();
    [&(body.len() as u32).to_be_bytes(), &body[..]].concat()
}

/// Sends all of it; what becomes of the link, and the most memory that was in use meanwhile.
fn feed(stream: &[u8]) -> (Result<(), Violation>, usize) {
    feed_with(Flags::NONE, stream)
}

/// The same on a link on which these flags were agreed on, too.
fn feed_with(flags: Flags, stream: &[u8]) -> (Result<(), Violation>, usize) {
    let before = IN_USE.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let mut processes = Processes::new();
    processes.alive(node("us@h"), Creation(7));
    let flags = Flags::MANDATORY_26 | Flags::MONITORS | flags;
    let origin = Origin { node: node("them@h"), creation: Creation(7), flags };
    let mut reader = LinkReader::from_origin(origin, Limits::default());
    let mut result = Ok(());
    for piece in stream.chunks(READ) {
        result = pump(&mut reader, piece, &mut processes, &mut Nobody);
        if result.is_err() {
            break;
        }
    }
    let most = MOST.load(Ordering::Relaxed) - before;
    drop((reader, processes));
    assert_eq!(IN_USE.load(Ordering::Relaxed), before, "something is left of it");
    (result, most)
}

/// A process has so many links and as many monitors with one of ours, which gets an exit signal with a reason of so many bytes: the most
/// memory that was in use from then on.
fn end(flags: Flags, relations: u32, reason_len: usize) -> usize {
    let flags = Flags::MANDATORY_25 | Flags::MONITORS | flags;
    let origin = Origin { node: node("them@h"), creation: Creation(7), flags };
    let mut processes = Processes::new();
    processes.alive(node("us@h"), Creation(7));
    let mailbox = processes.spawn_mailbox();
    let ours = processes.pid(mailbox).expect("it was just made");
    let theirs = |id| {
        let node = Atom::new("them@h").expect("a short name");
        Pid { node, id, serial: 0, creation: Creation(8) }
    };
    let mut wire = Wire(LinkWriter::new(Limits::default()), flags);
    for id in 0..relations {
        let (from, to) = (theirs(id), ours.clone());
        let reference = Reference::new(from.node.clone(), Creation(8), &[id, 0, 0]);
        let reference = reference.expect("three words");
        for signal in [
            Control::Link { from: from.clone(), to: to.clone() },
            Control::MonitorP { from, to: Monitored::Pid(to), reference },
        ] {
            processes.handle(&origin, signal, &mut wire).expect("they may");
        }
    }
    let reason = [&b"\x6d"[..], &(reason_len as u32 - 5).to_be_bytes(), &vec![1; reason_len - 5]];
    let reason = Bytes::from(reason.concat());
    let before = IN_USE.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let exit = Control::Exit2 { from: theirs(0), to: ours, reason, token: None };
    processes.handle(&origin, exit, &mut wire).expect("they may");
    let sent = 2 * u64::from(relations) * reason_len as u64;
    assert!(wire.0.queued() > sent, "all of them are told");
    MOST.load(Ordering::Relaxed) - before
}

/// One test, for all of them would count in each other's memory.
//= docs/spec/channel.md#ch-frame-memory
//= type=test
//= docs/spec/channel.md#ch-term-counts
//= type=test
//= docs/spec/channel.md#ch-term-walk
//= type=test
//= docs/spec/channel.md#ch-trace-token
//= type=test
//= docs/spec/channel.md#ch-header-expanded
//= type=test
//= docs/spec/channel.md#ch-reason-shared
//= type=test
#[test]
fn memory_follows_what_arrived_and_not_what_was_announced() {
    let (us, them) = (pid("us@h", 7), pid("them@h", 8));
    let max = &[0xFF, 0xFF, 0xFF, 0xFF][..];
    let term = Err(Violation::Term);

    // Frames and terms that announce what never comes.
    for (what, stream, expected) in [
        ("a frame of 128 MiB", [&(128_u32 << 20).to_be_bytes()[..], b"p"].concat(), Ok(())),
        ("a frame that is too long", max.to_vec(), Err(Violation::FrameTooLong)),
        ("a tuple", frame(&[b"\x69", max]), term),
        ("a list", frame(&[b"\x68\x03\x61\x02\x6c", max]), term),
        ("a map", frame(&[b"\x68\x03\x61\x02\x74", max]), term),
        ("a binary", frame(&[b"\x68\x03\x61\x02\x6d", max]), term),
        ("an integer", frame(&[b"\x68\x03\x61\x02\x6f", max]), term),
        ("an operation", frame(&[b"\x68\x01\x6f", max]), term),
        ("a fun", frame(&[b"\x68\x02\x61\x02\x70", max, &[0; 21], max]), term),
        ("a message", frame(&[b"\x68\x03\x61\x02\x77\x00", &us, b"\x83\x6c", max]), term),
    ] {
        let (result, most) = feed(&stream);
        assert_eq!(result, expected, "{what}");
        assert!(most < 16 * 1024, "{what}: {most} bytes");
    }

    // What is large and well-formed, in the place of a cookie, a token, a reason, or as a whole.
    let depth = 1 << 18;
    let deep = [[0x68, 1].repeat(depth), vec![0x6A]].concat();
    let wide = [&b"\x69\x00\x08\x00\x00"[..], &vec![0x6A; 1 << 19]].concat();
    let atoms: Vec<u8> = (0..20_000_u32)
        .flat_map(|number| [&b"\x77\x08"[..], format!("{number:08x}").as_bytes()].concat())
        .collect();
    let atoms = [&b"\x6c"[..], &20_000_u32.to_be_bytes(), &atoms, b"\x6a"].concat();
    let long = [&b"\x6d"[..], &(1_u32 << 20).to_be_bytes(), &[0; 1 << 20]];
    let long = long.concat();
    let control = Err(Violation::Control);
    for (what, stream, expected) in [
        ("a deep cookie", frame(&[b"\x68\x03\x61\x02", &deep, &us, b"\x83\x6a"]), Ok(())),
        ("a deep message", frame(&[b"\x68\x03\x61\x02\x77\x00", &us, b"\x83", &deep]), Ok(())),
        ("a deep operation", frame(&[b"\x68\x01", &deep]), control),
        ("many elements", frame(&[&wide]), control),
        ("many atoms", frame(&[b"\x68\x03\x61\x02\x77\x00", &us, b"\x83", &atoms]), Ok(())),
        (
            "many atoms for a name",
            frame(&[b"\x68\x04\x61\x06", &them, &atoms, b"\x77\0\x83\x6a"]),
            Ok(()),
        ),
        ("a long token", frame(&[b"\x68\x04\x61\x0c\x77\x00", &us, &long, b"\x83\x6a"]), Ok(())),
        ("a deep token", frame(&[b"\x68\x04\x61\x0c\x77\x00", &us, &deep, b"\x83\x6a"]), Ok(())),
        ("a wide reason", frame(&[b"\x68\x04\x61\x08", &them, &us, &wide]), Ok(())),
    ] {
        let (result, most) = feed(&stream);
        assert_eq!(result, expected, "{what}");
        // The frame grows by doubling, and is there twice while it is moved.
        assert!(most < 4 * stream.len() + READ, "{what}: {most} bytes for {}", stream.len());
    }

    // Many small frames: each makes a value, but no more than one read brings at a time.
    for (what, elements) in [
        (
            "names",
            [
                &b"\x68\x04\x61\x13"[..],
                &them,
                b"\x77\x08NNNNNNNN",
                b"\x5a\0\x01\x77\x06them@h\0\0\0\x08\0\0\0\x01",
            ]
            .concat(),
        ),
        ("pids", [&b"\x68\x03\x61\x01"[..], &them, &us].concat()),
    ] {
        let stream: Vec<u8> = (0..10_000_u32)
            .flat_map(|number| {
                let mut bytes = frame(&[&elements]);
                if let Some(at) = bytes.windows(8).position(|part| part == b"NNNNNNNN") {
                    bytes[at..at + 8].copy_from_slice(format!("{number:08x}").as_bytes());
                }
                bytes
            })
            .collect();
        let (result, most) = feed(&stream);
        assert_eq!(result, Ok(()), "{what}");
        assert!(most < 32 * READ, "{what}: {most} bytes for {}", stream.len());
    }

    // A reference of two bytes stands for an atom of 1020: what one read brings is there with its atoms, and no more.
    let long = "\u{10000}".repeat(255);
    let new = [&b"\x18\x00\x03\xfc"[..], long.as_bytes()].concat();
    let control = [&b"\x68\x04\x61\x06"[..], &them, b"\x77\0\x77\x01x"].concat();
    let message = [&b"\x6c\0\0\x03\xe8"[..], &[0x52, 0].repeat(1000), b"\x6a"].concat();
    let known = with_atom(b"\x00\x00", &[&control, &message]);
    let stream = [with_atom(&new, &[&control, b"\x6a"]), known.repeat(100)].concat();
    let (result, most) = feed_with(Flags::DIST_HDR_ATOM_CACHE, &stream);
    assert_eq!(result, Ok(()));
    let expanded = 1000 * (3 + long.len());
    let in_one_read = READ.div_ceil(known.len()) + 1;
    assert!(most > 10 * expanded, "{most} bytes: nothing came of it");
    assert!(most < 2 * in_one_read * expanded, "{most} bytes for {}", stream.len());

    // The end of a process with many relations: each costs a frame, and none a reason.
    for flags in [
        Flags::NONE,
        Flags::EXIT_PAYLOAD,
        Flags::DIST_HDR_ATOM_CACHE | Flags::FRAGMENTS,
        Flags::DIST_HDR_ATOM_CACHE | Flags::FRAGMENTS | Flags::EXIT_PAYLOAD,
    ] {
        for reason_len in [1000, 4096, 60_000, 300_000] {
            let most = end(flags, 500, reason_len);
            assert!(most < 2 * reason_len + 2 * 500 * 600, "{reason_len} bytes, {flags}: {most}");
        }
    }
}
