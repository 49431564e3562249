//! Peers that no real node would be, against a node of ours that has a link with another one all the time.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap, too")]

use core::num::NonZeroU64;
use core::time::Duration;
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::handshake::{Failure, Stage};
use netkernel_blocking::core::net_kernel::{ConnectError, Diagnostic, NodeDownReason, SetupStage};
use netkernel_blocking::core::term::{Atom, Pid, write};
use netkernel_blocking::core::wire::control::{Control, Monitored};
use netkernel_blocking::core::wire::handshake::Status;
use netkernel_blocking::core::{Creation, Flags, NodeType, PeerName};
use netkernel_blocking::{Item, NodeConfig, NodeKind};
use netkernel_tests::GIVE_UP;
use netkernel_tests::ours::{Ours, next_message, node_name};
use netkernel_tests::runtime::Runtime;
use netkernel_tests::script::{CHALLENGE, Directory, Script, ack, packet, reply_to};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";
/// The scripted peer.
const C: &str = "c@127.0.0.1";

const TICK: [u8; 4] = [0; 4];

/// A node, and its link with `b` that must outlive whatever the test does.
struct Victim {
    directory: Directory,
    a: Ours,
    b: Ours,
}

impl Victim {
    fn new(change: impl FnOnce(&mut NodeConfig)) -> Self {
        let directory = Directory::start();
        let mut config = Ours::config(directory.port());
        change(&mut config);
        let a = Ours::start("a", config.clone());
        // The same ticks on both sides.
        let mut other = Ours::config(directory.port());
        other.kernel.net_ticktime = config.kernel.net_ticktime;
        let b = Ours::start("b", other);
        a.connect(B);
        a.expect_up(B, NodeType::Visible);
        Self { directory, a, b }
    }

    /// A link with the scripted peer.
    fn join(&self) -> Script {
        let peer = Script::join(self.a.port(), C);
        self.a.expect_up(C, NodeType::Visible);
        peer
    }

    fn assert_unharmed(&self) {
        self.b.node.ping(&node_name(A), GIVE_UP).unwrap();
        assert_eq!(self.a.nodes(), [(B.to_owned(), NodeKind::Visible)]);
        self.a.expect_silence(Duration::ZERO);
    }
}

/// Dials the scripted peer, which answers by `script`; the result of the call.
fn dial(victim: &Victim, script: impl FnOnce(&mut Script) + Send) -> Result<(), ConnectError> {
    let listener: TcpListener = victim.directory.listen(C);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut peer = Script::accept(&listener, C);
            assert!(!peer.packet().is_empty(), "send_name");
            script(&mut peer);
            peer.read_to_end();
        });
        victim.a.node.connect_node(node_name(C))
    })
}

fn status(status: &Status) -> Vec<u8> {
    packet(|out| status.emit(out))
}

fn frame(control: &Control) -> Vec<u8> {
    let mut out = Vec::new();
    control.emit(Flags::SERVED, &mut out).unwrap();
    out
}

/// A question that is answered by a `noproc`, and the answer.
fn question(peer: &Script) -> (Vec<u8>, Vec<u8>) {
    let to = Monitored::Name(Atom::new("nobody").unwrap());
    let (from, reference) = (peer.pid(), peer.reference());
    let reason = vec![119, 6, b'n', b'o', b'p', b'r', b'o', b'c'].into();
    let answer = Control::MonitorPExit {
        from: to.clone(),
        to: from.clone(),
        reference: reference.clone(),
        reason,
    };
    (frame(&Control::MonitorP { from, to, reference }), frame(&answer)[4..].to_vec())
}

#[test]
fn silence_at_any_stage_is_ended_by_the_setup_timer() {
    let setup_time = Duration::from_secs(2);
    let victim = Victim::new(|config| config.kernel.setup_time = setup_time);
    for (bytes, stage) in [(0, Stage::Name), (5, Stage::Name), (usize::MAX, Stage::Reply)] {
        let mut peer = Script::dial(victim.a.port(), C);
        let name = packet(|out| peer.send_name().emit(out));
        let begin = Instant::now();
        peer.send(&name[..bytes.min(name.len())]);
        peer.read_to_end();
        assert!(begin.elapsed() >= setup_time - Duration::from_millis(50));
        let timeout = ConnectError::SetupTimeout(SetupStage::Handshake(stage));
        victim.a.wait_diagnostic(
            |told| matches!(told, Diagnostic::AcceptFailed { error, .. } if *error == timeout),
        );
    }
    let begin = Instant::now();
    let timeout = ConnectError::SetupTimeout(SetupStage::Handshake(Stage::Status));
    assert_eq!(dial(&victim, |_| {}), Err(timeout));
    assert!(begin.elapsed() >= setup_time - Duration::from_millis(50));
    victim.assert_unharmed();
}

#[test]
fn wrong_answers_to_a_dial_are_told_by_name() {
    let victim = Victim::new(|config| config.kernel.setup_time = Duration::from_secs(5));
    let failed = |failure| Err(ConnectError::Handshake(failure));
    let say = |bytes: Vec<u8>| dial(&victim, move |peer| peer.send(&bytes));

    assert_eq!(say(status(&Status::NotAllowed)), failed(Failure::NotAllowed));
    assert_eq!(say(status(&Status::True)), failed(Failure::UnexpectedStatus));
    assert_eq!(
        say(packet(|out| out.extend(b"swhatever"))),
        failed(Failure::Malformed(Stage::Status))
    );
    assert_eq!(say(vec![0, 0]), failed(Failure::Malformed(Stage::Status)));
    assert_eq!(say(vec![0xFF; 70_000]), failed(Failure::Malformed(Stage::Status)));
    assert!(matches!(
        say(status(&Status::Nok)),
        Err(ConnectError::SetupTimeout(SetupStage::Handshake(Stage::OtherAttempt)))
    ));
    let challenge = |change: fn(&mut Script) -> Vec<u8>| {
        dial(&victim, move |peer| {
            peer.send(&status(&Status::Ok));
            let bytes = change(peer);
            peer.send(&bytes);
        })
    };
    let wrong_name = challenge(|peer| {
        let mut message = peer.own_challenge();
        message.name = PeerName::new("d@127.0.0.1");
        packet(|out| message.emit(out))
    });
    assert_eq!(wrong_name, failed(Failure::WrongName));
    let garbage = challenge(|_| packet(|out| out.extend(b"n garbage")));
    assert_eq!(garbage, failed(Failure::Malformed(Stage::Challenge)));
    let wrong_ack = challenge(|peer| {
        let message = packet(|out| peer.own_challenge().emit(out));
        peer.send(&message);
        let challenge = peer.reply().challenge;
        let mut bytes = ack(challenge);
        bytes[16] ^= 1;
        packet(|out| out.extend(bytes))
    });
    assert_eq!(wrong_ack, failed(Failure::BadCookie));
    assert_eq!(dial(&victim, Script::close), Err(ConnectError::PeerClosed(Stage::Status)));
    victim.assert_unharmed();
}

#[test]
fn a_link_is_made_and_used_byte_by_byte() {
    let victim = Victim::new(|_| {});
    let shop = victim.a.mailbox("shop");
    let mut peer = Script::dial(victim.a.port(), C);
    peer.dribble(&packet(|out| peer.send_name().emit(out)));
    assert_eq!(peer.status(), Status::Ok);
    let challenge = peer.challenge();
    peer.dribble(&packet(|out| reply_to(&challenge).emit(out)));
    assert_eq!(peer.packet(), ack(CHALLENGE));
    victim.a.expect_up(C, NodeType::Visible);

    let message = vec![131, 109, 0, 0, 0, 3, 1, 2, 3];
    let (question, answer) = question(&peer);
    peer.dribble(&frame(&Control::RegSend {
        from: peer.pid(),
        to: Atom::new("shop").unwrap(),
        message: message.clone().into(),
        token: None,
    }));
    peer.dribble(&TICK);
    peer.dribble(&question);
    assert_eq!(next_message(&shop), message);
    assert_eq!(peer.frame(), answer);
    drop(peer);
    victim.a.expect_down(C, NodeDownReason::ConnectionClosed);
    victim.assert_unharmed();
}

/// The first frames of the channel come in the same segment as the last packet of the handshake, on either side.
#[test]
fn frames_right_behind_the_handshake_are_not_lost() {
    let victim = Victim::new(|_| {});
    let shop = victim.a.mailbox("shop");
    let message = vec![131, 97, 5];
    let to_shop = |peer: &Script| {
        frame(&Control::RegSend {
            from: peer.pid(),
            to: Atom::new("shop").unwrap(),
            message: message.clone().into(),
            token: None,
        })
    };

    let dialled = dial(&victim, |peer| {
        // Status and challenge in one segment, too, and the acknowledgement with the beginning of a frame only.
        let mut bytes = status(&Status::OkSimultaneous);
        bytes.extend(packet(|out| peer.own_challenge().emit(out)));
        peer.send(&bytes);
        let mut bytes = packet(|out| out.extend(ack(peer.reply().challenge)));
        let (question, answer) = question(peer);
        bytes.extend(TICK);
        bytes.extend(to_shop(peer));
        bytes.extend(&question[..7]);
        peer.send(&bytes);
        peer.send(&question[7..]);
        assert_eq!(peer.frame(), answer);
        // Ours ends it.
        victim.a.expect_up(C, NodeType::Visible);
        assert_eq!(victim.a.node.disconnect_node(&node_name(C)), Some(true));
    });
    assert_eq!(dialled, Ok(()));
    assert_eq!(next_message(&shop), message);
    victim.a.expect_down(C, NodeDownReason::Disconnect);

    // A peer that does not wait for our acknowledgement before it goes on.
    let mut peer = Script::dial(victim.a.port(), C);
    peer.send(&packet(|out| peer.send_name().emit(out)));
    assert_eq!(peer.status(), Status::Ok);
    let challenge = peer.challenge();
    let (question, answer) = question(&peer);
    let mut bytes = packet(|out| reply_to(&challenge).emit(out));
    bytes.extend(to_shop(&peer));
    bytes.extend(question);
    peer.send(&bytes);
    assert_eq!(peer.packet(), ack(CHALLENGE));
    assert_eq!(peer.frame(), answer);
    assert_eq!(next_message(&shop), message);
    victim.a.expect_up(C, NodeType::Visible);
    drop(peer);
    victim.a.expect_down(C, NodeDownReason::ConnectionClosed);
    victim.assert_unharmed();
}

//= docs/spec/channel.md#ch-control-form
//= type=test
//= docs/spec/channel.md#ch-control-from
//= type=test
#[test]
fn invalid_frames_end_their_link_as_in_erlang() {
    let victim = Victim::new(|_| {});
    let node = Atom::new("d@127.0.0.1").unwrap();
    let stranger = Pid { node, id: 1, serial: 0, creation: Creation(9) };
    let raw = |body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], body].concat();
    let ours = victim.a.node.mailbox().pid().unwrap();
    let id = NonZeroU64::MIN;
    for (bytes, reason) in [
        (raw(&[0x70, 131, 97, 5]), NodeDownReason::Killed),
        (raw(&[0x70, 130, 97, 5]), NodeDownReason::Killed),
        (raw(&[0x70, 131, 104, 1, 97, 99]), NodeDownReason::Killed),
        (raw(&[0x70]), NodeDownReason::Killed),
        (raw(&[0x70, 131, 104, 3, 97, 1, 106, 106]), NodeDownReason::Killed),
        // A list that announces four thousand million elements, in a frame of a few bytes.
        (raw(&[0x70, 131, 104, 2, 97, 6, 108, 255, 255, 255, 255]), NodeDownReason::Killed),
        (vec![0xFF; 4], NodeDownReason::Emsgsize),
        // From a process of a third node.
        (
            frame(&Control::Link { from: stranger.clone(), to: ours.clone() }),
            NodeDownReason::Killed,
        ),
        (frame(&Control::UnlinkId { id, from: stranger, to: ours }), NodeDownReason::Killed),
    ] {
        let mut peer = victim.join();
        peer.send(&bytes);
        peer.read_to_end();
        victim.a.expect_down(C, reason);
    }

    // Erlang does not look at the first byte.
    let mut peer = victim.join();
    let (mut question, answer) = question(&peer);
    question[4] = b'q';
    peer.send(&question);
    assert_eq!(peer.frame(), answer);
    drop(peer);
    victim.a.expect_down(C, NodeDownReason::ConnectionClosed);
    victim.assert_unharmed();
}

/// The memory of this process, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

//= docs/spec/channel.md#ch-frame-memory
//= type=test
//= docs/spec/channel.md#ch-trace-token
//= type=test
#[test]
fn what_is_announced_or_nested_costs_its_sender_the_link_and_nobody_memory() {
    const PEERS: usize = 16;
    let victim = Victim::new(|_| {});
    let flags = Flags::MANDATORY_26 | Flags::MANDATORY_25_DIGEST;
    let join = |name: &str| {
        let peer = Script::join_with(victim.a.port(), name, flags);
        victim.a.expect_up(name, NodeType::Hidden);
        peer
    };
    // Two gigabytes are announced, and a kilobyte each is sent.
    let before = resident();
    let names: Vec<_> = (0..PEERS).map(|number| format!("h{number}@127.0.0.1")).collect();
    let mut peers = Vec::new();
    for name in &names {
        let mut peer = join(name);
        peer.send(&(128_u32 << 20).to_be_bytes());
        peer.send(&[112; 1024]);
        peers.push(peer);
        victim.b.node.ping(&node_name(A), GIVE_UP).unwrap();
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes for {PEERS} links");
    for (peer, name) in peers.into_iter().zip(&names) {
        drop(peer);
        victim.a.expect_down(name, NodeDownReason::ConnectionClosed);
    }

    let raw = |body: &[&[u8]]| {
        let body = [&b"p\x83"[..], &body.concat()].concat();
        [&(body.len() as u32).to_be_bytes()[..], &body].concat()
    };
    let deep = [[104, 1].repeat(1 << 20), vec![106]].concat();
    let wide = [&[105, 0, 0x20, 0, 0][..], &vec![106; 1 << 21]].concat();
    let mailbox = victim.a.node.mailbox();
    let mut to = Vec::new();
    write::pid(&mut to, &mailbox.pid().unwrap());
    for frame in [
        raw(&[b"\x68\x01", &deep]),
        raw(&[&wide]),
        raw(&[b"\x68\x03\x61\x02\x77\0", &to, b"\x83\x6c\xff\xff\xff\xff"]),
    ] {
        let mut peer = join(C);
        // It may be closed before all of it is sent.
        _ = peer.try_send(&frame);
        peer.read_to_end();
        victim.a.expect_down(C, NodeDownReason::Killed);
    }
    // Nobody looks into a token, and its bytes are those of the frame.
    let mut peer = join(C);
    peer.send(&raw(&[b"\x68\x04\x61\x0c\x77\0", &to, &deep, b"\x83\x6a"]));
    assert_eq!(mailbox.recv_timeout(GIVE_UP), Some(Item::Message(b"\x83\x6a"[..].into())));
    drop(peer);
    victim.a.expect_down(C, NodeDownReason::ConnectionClosed);
    victim.assert_unharmed();
}

//= docs/spec/tick.md#tick-timeout
//= type=test
#[test]
fn ticks_alone_keep_a_link_and_their_end_ends_it() {
    const TICKTIME: u64 = 4;
    let victim = Victim::new(|config| {
        config.kernel.net_ticktime = Ours::ticking(0, TICKTIME as u32, 4).kernel.net_ticktime;
    });
    let mut peer = victim.join();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(TICKTIME * 2) {
        peer.send(&TICK);
        thread::sleep(Duration::from_millis(200));
    }
    victim.a.expect_silence(Duration::ZERO);
    peer.send(&TICK);
    let last = Instant::now();
    let ticks = peer.read_to_end();
    assert!(last.elapsed() >= Duration::from_secs(TICKTIME * 3 / 4), "{:?}", last.elapsed());
    victim.a.expect_down(C, NodeDownReason::NetTickTimeout);
    // Nothing else was sent on the idle link, and it was ticked at least as often as in Erlang.
    assert!(ticks.len() >= 4 * 8 && ticks.iter().all(|byte| *byte == 0), "{ticks:?}");
    victim.assert_unharmed();
}

#[test]
fn a_flood_of_half_open_connections_harms_no_link() {
    let victim = Victim::new(|config| config.kernel.strangers_max = 16);
    let port = victim.a.port();
    thread::scope(|scope| {
        let flood: Vec<_> = (0..3)
            .map(|thread| {
                scope.spawn(move || {
                    let mut streams = Vec::new();
                    for number in 0..150 {
                        let name = format!("flood-{thread}-{number}@127.0.0.1");
                        let mut peer = Script::dial(port, &name);
                        let bytes = packet(|out| peer.send_name().emit(out));
                        // Nothing, half a name, or a name that gets an answer. The node may close it meanwhile.
                        drop(peer.try_send(&bytes[..bytes.len() * (number % 3) / 2]));
                        streams.push(peer);
                    }
                    streams
                })
            })
            .collect();
        while !flood.iter().all(|thread| thread.is_finished()) {
            victim.b.node.ping(&node_name(A), GIVE_UP).unwrap();
        }
    });
    // Whoever knows the cookie still gets in.
    drop(victim.join());
    victim.a.expect_down(C, NodeDownReason::ConnectionClosed);
    victim.assert_unharmed();
}

//= docs/spec/channel.md#ch-header
//= type=test
//= docs/spec/channel.md#ch-header-empty-slot
//= type=test
//= docs/spec/channel.md#ch-fragment-order
//= type=test
//= docs/spec/channel.md#ch-fragment-limits
//= type=test
#[test]
fn corrupt_headers_and_floods_of_fragments_end_their_link() {
    let victim = Victim::new(|_| {});
    let raw = |body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], body].concat();
    let fragment = |kind: u8, sequence: u64, number: u64, rest: &[u8]| {
        let place = [sequence.to_be_bytes(), number.to_be_bytes()].concat();
        raw(&[&[131, kind][..], &place, rest].concat())
    };
    // An EXIT2 of nobody to nobody, and a megabyte of what could be a payload.
    let control = [0, 104, 2, 97, 31, 106];
    let megabyte = [&control[..], &vec![0; 1 << 20]].concat();
    let flood = |rest: &[u8], count: u64| {
        (1..=count).flat_map(|at| fragment(69, at, u64::MAX, rest)).collect::<Vec<_>>()
    };
    for (_what, bytes, reason) in [
        ("no header", raw(&[112, 131, 104, 0]), NodeDownReason::Killed),
        ("an empty slot", raw(&[131, 68, 1, 0, 7, 104, 0]), NodeDownReason::Killed),
        ("a list that is not there", raw(&[131, 68, 255]), NodeDownReason::Killed),
        ("no fragment before it", fragment(70, 1, 1, &[]), NodeDownReason::Killed),
        ("many messages", flood(&control, 5000), NodeDownReason::Killed),
        ("many bytes", flood(&megabyte, 600), NodeDownReason::Killed),
        (
            "a message without end",
            [
                fragment(69, 1, u64::MAX, &control),
                (1..200).flat_map(|at| fragment(70, 1, u64::MAX - at, &megabyte)).collect(),
            ]
            .concat(),
            NodeDownReason::Emsgsize,
        ),
    ] {
        let flags = Flags::SERVED | Flags::PUBLISHED;
        let mut peer = Script::join_with(victim.a.port(), C, flags);
        victim.a.expect_up(C, NodeType::Visible);
        // The node may be gone before it has read all.
        drop(peer.try_send(&bytes));
        peer.read_to_end();
        victim.a.expect_down(C, reason);
    }
    victim.assert_unharmed();
}

/// Its answers are of processes of ours in the one case, and of the kernel in the other.
//= docs/spec/requests.md#request-own-link
//= type=test
#[test]
fn who_asks_and_does_not_read_loses_its_link_as_one_whose_frames_are_invalid() {
    for (runtime, served) in Runtime::ALL.into_iter().flat_map(|r| [(r, true), (r, false)]) {
        let victim = runtime.with(|| {
            Victim::new(|config| {
                config.remote_requests = served;
                config.limits.high_mark_bytes = 1 << 10;
            })
        });
        let mut peer = victim.join();
        let request = if served { verbose(&peer) } else { question(&peer).0 };
        while peer.try_send(&request).is_ok() {}
        victim.a.expect_down(C, NodeDownReason::Killed);
        victim.assert_unharmed();
    }
}

/// A request for `net_kernel` that is answered by what such a one had in it before: much.
fn verbose(peer: &Script) -> Vec<u8> {
    let mut message = Vec::new();
    write::version(&mut message);
    write::tuple(&mut message, 3);
    write::atom(&mut message, &Atom::new("$gen_call").unwrap());
    write::tuple(&mut message, 2);
    write::pid(&mut message, &peer.pid());
    write::reference(&mut message, &peer.reference());
    write::tuple(&mut message, 2);
    write::atom(&mut message, &Atom::new("verbose").unwrap());
    write::term(&mut message, &[7_u8; 50_000][..].into()).unwrap();
    let to = Atom::new("net_kernel").unwrap();
    frame(&Control::RegSend { from: peer.pid(), to, message: message.into(), token: None })
}
