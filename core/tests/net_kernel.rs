//! Kernels in memory, through `turn` and `pump`.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod world;

use core::time::Duration;

use netkernel_core::epmd::{LookupError, NamesError, RegisterError};
use netkernel_core::handshake::{
    Established, Failure, Initiator, InitiatorConfig, InitiatorStep, NokCause, Own, Stage,
};
use netkernel_core::net_kernel::{
    Answer, Config, ConnectError, Diagnostic, Input, NodeDownReason, NotAlive, OpenError,
    SetupStage, StartError, StartOptions, StopError,
};
use netkernel_core::wire::framing::Framing;
use netkernel_core::{Creation, Entropy, Flags, Instant, NameError, NodeName, PeerName};
use world::{EPMD_PORT, World, cookie, name, ticktime};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";
const SETUP: Duration = Duration::from_secs(7);
const MS: Duration = Duration::from_millis(1);

fn failed(error: ConnectError) -> Option<Answer> {
    Some(Answer::Connected(Err(error)))
}

const CONNECTED: Option<Answer> = Some(Answer::Connected(Ok(())));

/// Two visible nodes with a link between them.
fn pair() -> (World, usize, usize) {
    let mut world = World::default();
    let (a, b) = (world.start(A), world.start(B));
    assert_eq!(world.connect(a, B), CONNECTED);
    (world, a, b)
}

/// A peer of the test's own, as far as its side of a handshake goes.
struct ScriptedInitiator {
    script: usize,
    step: Option<InitiatorStep>,
}

impl ScriptedInitiator {
    fn begin(world: &mut World, to: usize, as_name: &str, own: Option<Own>, key: &str) -> Self {
        let config = InitiatorConfig {
            own: own.unwrap_or(Own::Named {
                name: PeerName::new(as_name.to_owned()),
                creation: Creation(9),
            }),
            peer: world.nodes[to].kernel.node(),
            cookie: cookie(key),
            flags: Flags::SERVED | Flags::PUBLISHED,
            mandatory: Flags::MANDATORY_26,
            setup_time: SETUP,
            framing: Framing::Short,
        };
        let script = world.script(to);
        let mut out = Vec::new();
        let machine = Initiator::new(config, Entropy::new([77; 16]), Instant::MAX, &mut out);
        world.say(script, &out);
        Self { script, step: Some(InitiatorStep::Wait(machine)) }
    }

    /// Takes one step with what was heard; `Err` if the handshake failed.
    fn go_on(&mut self, world: &mut World) -> Result<Option<Established>, Failure> {
        let heard = world.heard(self.script);
        let mut out = Vec::new();
        let step = match self.step.take() {
            Some(InitiatorStep::Wait(machine)) => machine.receive(world.now, &heard, &mut out)?,
            Some(InitiatorStep::Alive(remark)) => remark.replace(world.now, &mut out)?,
            step => panic!("nothing to go on with: {step:?}"),
        };
        world.say(self.script, &out);
        if let InitiatorStep::Done(established) = step {
            return Ok(Some(established));
        }
        self.step = Some(step);
        Ok(None)
    }
}

fn up_as(world: &mut World, to: usize, as_name: &str) -> ScriptedInitiator {
    let mut peer = ScriptedInitiator::begin(world, to, as_name, None, "C");
    while peer.go_on(world).unwrap().is_none() {}
    peer
}

//= docs/spec/handshake.md#hs-link-order
//= type=test
#[test]
fn a_link_is_told_before_it_carries_anything_and_the_caller_is_answered_last() {
    let (world, a, b) = pair();
    assert_eq!(
        world.nodes[a].host.log,
        [
            "alive 'a@127.0.0.1' 101",
            "answer Started(Ok('a@127.0.0.1'))",
            "attempting 'b@127.0.0.1'",
            "nodeup 'b@127.0.0.1' visible",
            "promote 'b@127.0.0.1'",
            "answer Connected(Ok(()))",
        ]
    );
    assert_eq!(
        world.nodes[b].host.log[2..],
        ["attempting 'a@127.0.0.1'", "nodeup 'a@127.0.0.1' visible", "promote 'a@127.0.0.1'"]
    );
    assert_eq!((world.nodes_of(a), world.nodes_of(b)), (vec![B.to_owned()], vec![A.to_owned()]));
}

#[test]
fn connecting_again_and_to_oneself_is_true_at_once() {
    let (mut world, a, _) = pair();
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(world.connect(a, A), CONNECTED);
    assert_eq!(world.nodes[a].host.events.len(), 1);
}

#[test]
fn everything_works_in_segments_of_one_byte() {
    let mut world = World::default();
    world.segment = 1;
    let (a, b) = (world.start(A), world.start(B));
    assert_eq!(world.connect(a, B), CONNECTED);
    assert!(world.ping(a, B) && world.ping(b, A));
}

//= docs/spec/handshake.md#hs-visible
//= type=test
#[test]
fn one_hidden_side_makes_a_link_hidden_on_both() {
    for (hidden_a, hidden_b) in [(true, false), (false, true), (true, true)] {
        let mut world = World::default();
        let config = || Config::new(cookie("C"), ticktime(60));
        let a = world.start_with(A, config(), hidden_a);
        let b = world.start_with(B, config(), hidden_b);
        assert_eq!(world.connect(a, B), CONNECTED);
        for node in [a, b] {
            assert!(
                world.nodes[node]
                    .host
                    .log
                    .iter()
                    .any(|line| line.starts_with("nodeup") && line.ends_with("hidden"))
            );
        }
    }
}

//= docs/spec/handshake.md#hs-acceptor-digest
//= type=test
//= docs/spec/handshake.md#hs-reasons
//= type=test
#[test]
fn a_wrong_cookie_is_told_to_both_sides_and_leaves_no_row() {
    let mut world = World::default();
    let a = world.start(A);
    let b = world.start_with(B, Config::new(cookie("OTHER"), ticktime(60)), false);
    assert_eq!(world.connect(a, B), failed(ConnectError::PeerClosed(Stage::Ack)));
    assert!(ConnectError::PeerClosed(Stage::Ack).to_string().contains("cookie"));
    let told = Diagnostic::AcceptFailed {
        name: Some(PeerName::new(A)),
        error: ConnectError::Handshake(Failure::BadCookie),
    };
    assert_eq!(world.nodes[b].host.diagnostics, [told]);
    assert!(world.nodes[a].host.events.is_empty() && world.nodes[b].host.events.is_empty());
    assert_eq!(world.nodes[b].host.sides.len(), 1, "only the registration is left");

    // A cookie for this one peer mends it, on both sides or on one.
    world.nodes[a].kernel.set_cookie(name(B), cookie("OTHER"));
    assert_eq!(world.connect(a, B), CONNECTED);
}

//= docs/spec/handshake.md#hs-reasons
//= type=test
#[test]
fn every_failed_attempt_says_where_and_why() {
    let mut world = World::default();
    let a = world.start(A);
    let lookup = |error| failed(ConnectError::Lookup(error));
    assert_eq!(
        world.connect(a, "x@nowhere.example"),
        lookup(LookupError::Open(OpenError::Resolve))
    );
    assert_eq!(world.connect(a, "x@127.0.0.1"), lookup(LookupError::NotRegistered));
    world.epmd.insert("gone".into(), 9);
    world.epmd.insert("silent".into(), 10);
    world.epmd.insert("hung".into(), 11);
    world.black_holes.push(11);
    // Ports 9 and 10 are played by the test: one closes, the other says nothing.
    let mut closing = world.nodes[a].kernel.connect_node(world.now, name("gone@127.0.0.1"));
    world.settle();
    world.hang_up(0);
    let answer = |world: &World, request| world.nodes[a].host.answers.get(&request).cloned();
    assert_eq!(answer(&world, closing), failed(ConnectError::PeerClosed(Stage::Status)));
    for (peer, stage) in
        [("silent", SetupStage::Handshake(Stage::Status)), ("hung", SetupStage::Dial)]
    {
        closing = world.nodes[a].kernel.connect_node(world.now, name(&format!("{peer}@127.0.0.1")));
        world.pass(SETUP - MS);
        assert_eq!(answer(&world, closing), None, "{peer}");
        world.pass(MS);
        assert_eq!(answer(&world, closing), failed(ConnectError::SetupTimeout(stage)), "{peer}");
    }
    world.epmd_down = true;
    assert_eq!(world.connect(a, B), lookup(LookupError::Open(OpenError::Refused)));
    assert_eq!(world.connect(a, "short@host"), failed(ConnectError::Name(NameError::OtherDomain)));
    assert_eq!(world.nodes[a].host.sides.len(), 1, "only the registration is left");
    let told = world.nodes[a].host.diagnostics.len();
    assert_eq!(told, 7, "each of them was told");
}

//= docs/spec/epmd.md#epmd-lookup-timeout
//= type=test
//= docs/spec/epmd.md#epmd-names-timeout
//= type=test
#[test]
fn an_epmd_that_says_nothing_is_given_ten_seconds_at_most() {
    for (setup_s, waits_s) in [(7, 7), (60, 10)] {
        let mut world = World::default();
        let mut config = Config::new(cookie("C"), ticktime(60));
        config.setup_time = Duration::from_secs(setup_s);
        let a = world.start_with(A, config, false);
        world.black_holes.push(EPMD_PORT);
        let connect = world.nodes[a].kernel.connect_node(world.now, name(B));
        let names = world.nodes[a].kernel.names(world.now, "127.0.0.1");
        let answer = |world: &World, request| world.nodes[a].host.answers.get(&request).cloned();
        world.pass(Duration::from_secs(waits_s) - MS);
        assert_eq!(answer(&world, connect), None);
        world.pass(MS);
        let error = match setup_s {
            7 => ConnectError::SetupTimeout(SetupStage::Lookup),
            _ => ConnectError::Lookup(LookupError::NoReply),
        };
        assert_eq!(answer(&world, connect), failed(error));
        world.pass(Duration::from_secs(10 - waits_s));
        assert_eq!(answer(&world, names), Some(Answer::Names(Err(NamesError::NoReply))));
    }
}

//= docs/spec/handshake.md#hs-initiator-domain
//= type=test
#[test]
fn long_names_do_not_dial_short_ones() {
    let mut world = World::default();
    let short = world.start("a@host");
    assert_eq!(world.connect(short, B), failed(ConnectError::Name(NameError::OtherDomain)));
    let long = world.start("l@a.example");
    assert_eq!(world.connect(long, "s@host"), failed(ConnectError::Name(NameError::OtherDomain)));
    assert_ne!(world.connect(long, "s@[::1]"), None);
    assert_eq!(
        world.connect(long, "s@::1"),
        failed(ConnectError::Lookup(LookupError::NotRegistered)),
        "an address is long"
    );
}

//= docs/spec/handshake.md#hs-acceptor-timer
//= type=test
#[test]
fn a_silent_stranger_is_dropped_after_the_set_up_time_and_not_before() {
    let mut world = World::default();
    let a = world.start(A);
    let script = world.script(a);
    world.pass(SETUP - MS);
    assert!(!world.scripts[script].closed);
    world.pass(MS);
    assert!(world.scripts[script].closed);
    let error = ConnectError::SetupTimeout(SetupStage::Handshake(Stage::Name));
    assert_eq!(world.nodes[a].host.diagnostics, [Diagnostic::AcceptFailed { name: None, error }]);
}

//= docs/spec/handshake.md#hs-strangers
//= type=test
#[test]
fn a_flood_of_strangers_costs_a_bounded_number_of_streams_and_harms_no_link() {
    let (mut world, a, b) = pair();
    let scripts: Vec<_> = (0..300).map(|_| world.script(a)).collect();
    let open = scripts.iter().filter(|&&script| !world.scripts[script].closed).count();
    assert_eq!(open, 256);
    assert!(
        scripts[..44].iter().all(|&script| world.scripts[script].closed),
        "the oldest go first"
    );
    assert!(world.ping(a, B) && world.ping(b, A));
    let late = up_as(&mut world, a, "late@127.0.0.1");
    assert!(!world.scripts[late.script].closed, "whoever speaks gets in");
}

//= docs/spec/handshake.md#hs-malformed
//= type=test
#[test]
fn odd_names_are_closed_or_answered_nok_as_erlang_does() {
    let mut world = World::default();
    let a = world.start(A);
    let send_name = |flags: Flags, claimed: &[u8]| {
        let mut packet = vec![b'N'];
        packet.extend_from_slice(&flags.bits().to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 9]);
        packet.extend_from_slice(&u16::try_from(claimed.len()).unwrap().to_be_bytes());
        packet.extend_from_slice(claimed);
        let mut out = Vec::new();
        Framing::Short.put(&mut out, |out| out.extend_from_slice(&packet)).unwrap();
        out
    };
    let served = Flags::SERVED;
    let wants_name = served | Flags::NAME_ME;
    let long = [b"n@".as_slice(), &[b'h'; 300]].concat();
    let cases: &[(Vec<u8>, &[u8])] = &[
        (send_name(served, b"foo"), b""),
        (send_name(served, b"a@b@c"), b""),
        (send_name(served, &long), b""),
        (send_name(wants_name, b"a@host"), b""),
        (vec![0, 0], b""),
        (vec![0, 3, b'Z', 1, 2], b""),
        (send_name(served, A.as_bytes()), b"\0\x04snok"),
        (send_name(served, b"h\xE9@localhost"), b"\0\x04snok"),
        (send_name(served, b"p.z@localhost"), b"\0\x04snok"),
        (send_name(Flags::NONE, b"x@localhost"), b"\0\x0Csnot_allowed"),
        (send_name(Flags::NONE, b"p.z@localhost"), b"\0\x0Csnot_allowed"),
    ];
    for (packet, answer) in cases {
        let script = world.script(a);
        world.say(script, packet);
        assert_eq!(world.heard(script), *answer, "{packet:?}");
        assert!(world.scripts[script].closed, "{packet:?}");
    }
    let names: Vec<_> = world.nodes[a]
        .host
        .diagnostics
        .iter()
        .filter_map(|diagnostic| {
            let Diagnostic::AcceptFailed { error, .. } = diagnostic else { return None };
            let ConnectError::Handshake(Failure::Nok(cause)) = error else { return None };
            Some(*cause)
        })
        .collect();
    let illegal = NokCause::Name(NameError::IllegalCharacter);
    assert_eq!(names, [NokCause::OwnName, illegal, illegal]);
    assert_eq!(world.nodes[a].host.sides.len(), 1);
}

//= docs/spec/handshake.md#hs-admission
//= type=test
#[test]
fn of_two_simultaneous_attempts_the_one_of_the_greater_name_survives() {
    for order in [[0, 1], [1, 0]] {
        let mut world = World::default();
        let ids = [world.start(A), world.start(B)];
        let requests = [
            world.nodes[ids[0]].kernel.connect_node(world.now, name(B)),
            world.nodes[ids[1]].kernel.connect_node(world.now, name(A)),
        ];
        // In step, so that both have dialled before either has heard of the other.
        for _ in 0..200 {
            for id in order {
                world.step(ids[id]);
            }
        }
        world.settle();
        for (id, request) in ids.iter().zip(requests) {
            let host = &world.nodes[*id].host;
            assert_eq!(host.answers[&request], Answer::Connected(Ok(())));
            assert_eq!(host.events.len(), 1, "one nodeup, and no nodedown: {:?}", host.log);
            assert_eq!(host.sides.len(), 2, "the registration and one link: {:?}", host.sides);
        }
        assert!(world.ping(ids[0], B));
    }
}

//= docs/spec/handshake.md#hs-admission
//= type=test
#[test]
fn a_second_attempt_of_the_same_peer_wins_or_loses_by_the_names() {
    let mut world = World::default();
    let node = world.start("m@127.0.0.1");
    for (peer, second_wins) in [("z@127.0.0.1", true), ("b@127.0.0.1", false)] {
        let mut first = ScriptedInitiator::begin(&mut world, node, peer, None, "C");
        let mut second = ScriptedInitiator::begin(&mut world, node, peer, None, "C");
        assert_eq!(world.scripts[first.script].closed, second_wins);
        let winner = if second_wins { &mut second } else { &mut first };
        while winner.go_on(&mut world).unwrap().is_none() {}
        assert!(world.nodes_of(node).contains(&peer.to_owned()));
        if !second_wins {
            assert!(matches!(second.go_on(&mut world), Ok(None)));
            assert!(matches!(second.step, Some(InitiatorStep::Nok(_))));
        }
    }
}

//= docs/spec/handshake.md#hs-replace
//= type=test
//= docs/spec/nodedown.md#nodedown-wait-pending
//= type=test
#[test]
fn a_peer_that_comes_back_replaces_its_old_link_once_it_has_proved_the_cookie() {
    let mut world = World::default();
    let node = world.start(A);
    let old = up_as(&mut world, node, B);
    let mut new = ScriptedInitiator::begin(&mut world, node, B, None, "C");
    new.go_on(&mut world).unwrap();
    assert!(matches!(new.step, Some(InitiatorStep::Alive(_))));
    new.go_on(&mut world).unwrap();
    assert!(!world.scripts[old.script].closed, "not before the digest");
    while new.go_on(&mut world).unwrap().is_none() {}
    assert!(world.scripts[old.script].closed);
    let lines = &world.nodes[node].host.log;
    let from = lines.iter().position(|line| line.starts_with("disconnected")).unwrap();
    assert_eq!(
        lines[from..],
        [
            "disconnected 'b@127.0.0.1' link",
            "nodedown 'b@127.0.0.1' wait_pending",
            "attempting 'b@127.0.0.1'",
            "nodeup 'b@127.0.0.1' visible",
            "promote 'b@127.0.0.1'",
        ]
    );
}

//= docs/spec/handshake.md#hs-replace
//= type=test
#[test]
fn a_wrong_cookie_cannot_kick_a_link_and_a_third_attempt_gets_no_status() {
    let mut world = World::default();
    let node = world.start(A);
    let old = up_as(&mut world, node, B);
    let mut thief = ScriptedInitiator::begin(&mut world, node, B, None, "WRONG");
    let mut third = ScriptedInitiator::begin(&mut world, node, B, None, "C");
    assert_eq!(world.heard(third.script), b"", "already pending: no status");
    assert!(world.scripts[third.script].closed);
    thief.go_on(&mut world).unwrap();
    thief.go_on(&mut world).unwrap();
    thief.go_on(&mut world).unwrap();
    assert!(world.scripts[thief.script].closed && !world.scripts[old.script].closed);
    assert_eq!(world.nodes_of(node), [B]);
    assert_eq!(world.nodes[node].host.events.len(), 1);
    third = ScriptedInitiator::begin(&mut world, node, B, None, "C");
    third.go_on(&mut world).unwrap();
    assert!(
        matches!(third.step, Some(InitiatorStep::Alive(_))),
        "there is room for another successor"
    );
}

#[test]
fn a_link_that_dies_while_its_successor_shakes_hands_makes_way_for_it() {
    let mut world = World::default();
    let node = world.start(A);
    let old = up_as(&mut world, node, B);
    let mut new = ScriptedInitiator::begin(&mut world, node, B, None, "C");
    new.go_on(&mut world).unwrap();
    world.hang_up(old.script);
    let waiting = world.connect(node, B);
    assert_eq!(waiting, None, "waits for the attempt that is under way");
    while new.go_on(&mut world).unwrap().is_none() {}
    let reasons: Vec<_> =
        world.nodes[node].host.log.iter().filter(|line| line.starts_with("node")).collect();
    assert_eq!(
        reasons,
        [
            "nodeup 'b@127.0.0.1' visible",
            "nodedown 'b@127.0.0.1' connection_closed",
            "nodeup 'b@127.0.0.1' visible"
        ]
    );
    assert_eq!(world.nodes[node].host.log.last().unwrap(), "answer Connected(Ok(()))");
}

//= docs/spec/handshake.md#hs-dynamic-acceptor
//= type=test
#[test]
fn a_peer_without_a_name_is_given_one_and_a_later_one_gets_it_again_with_the_next_creation() {
    let mut world = World::default();
    let node = world.start(A);
    let mut join = || {
        let own = Own::Nameless { host: PeerName::new("vm") };
        let mut peer = ScriptedInitiator::begin(&mut world, node, "", Some(own), "C");
        let established = loop {
            if let Some(established) = peer.go_on(&mut world).unwrap() {
                break established;
            }
        };
        let seen = world.nodes_of(node);
        world.hang_up(peer.script);
        let (given, creation) = established.given.unwrap();
        assert_eq!(seen, [given.as_str()]);
        assert!(
            world.nodes[node].host.log.iter().any(|line| *line == format!("nodeup {given} hidden"))
        );
        (given, creation)
    };
    let (first, creation) = join();
    assert_eq!(first.host(), "vm");
    assert_eq!(join(), (first, creation.next()));
}

//= docs/spec/tick.md#tick-timeout
//= type=test
//= docs/spec/tick.md#tick-missed
//= type=test
#[test]
fn a_silent_peer_is_declared_down_between_t_minus_and_t_plus_one_interval_after_its_last_byte() {
    for (phase_ms, seconds) in [(0, 8), (1, 8), (700, 8), (1999, 8), (333, 60)] {
        let mut world = World::default();
        let a = world.start_with(A, Config::new(cookie("C"), ticktime(seconds)), false);
        let b = world.start_with(B, Config::new(cookie("C"), ticktime(seconds)), false);
        assert_eq!(world.connect(a, B), CONNECTED);
        world.pass(Duration::from_secs(5 * u64::from(seconds)) + Duration::from_millis(phase_ms));
        assert_eq!(world.nodes[a].host.events.len(), 1, "links that tick live");
        let (interval, whole) =
            (Duration::from_secs(seconds.into()) / 4, Duration::from_secs(seconds.into()));
        world.nodes[b].frozen = true;
        let last_byte = world.now;
        world.nodes[a].host.diagnostics.clear();
        while world.nodes[a].host.events.len() == 1 {
            world.pass(MS);
        }
        let silence = world.now.saturating_since(last_byte);
        // The peer's last byte may be as old as one interval when it freezes.
        assert!(silence > whole - interval && silence <= whole + interval, "{silence:?}");
        let last = world.nodes[a].host.events.last().unwrap();
        assert_eq!(last.nodedown_reason(), Some(&NodeDownReason::NetTickTimeout));
        let missed = world.nodes[a].host.diagnostics.iter();
        let missed =
            missed.filter(|diagnostic| matches!(diagnostic, Diagnostic::TickMissed { .. })).count();
        assert_eq!(missed, 3, "each missed tick is told, the last one by the nodedown");
    }
}

//= docs/spec/tick.md#tick-late
//= type=test
#[test]
fn a_host_that_slept_long_rings_once_and_kills_no_healthy_link() {
    let (mut world, a, b) = pair();
    world.pass(Duration::from_secs(60));
    world.nodes[a].frozen = true;
    world.nodes[b].frozen = true;
    world.pass(Duration::from_secs(3600));
    world.nodes[a].frozen = false;
    world.nodes[b].frozen = false;
    world.pass(Duration::from_secs(120));
    assert_eq!((world.nodes_of(a), world.nodes_of(b)), (vec![B.to_owned()], vec![A.to_owned()]));
}

//= docs/spec/tick.md#tick-no-counters
//= type=test
#[test]
fn counters_that_cannot_be_read_end_the_link_at_the_tick() {
    let (mut world, a, _) = pair();
    world.link(a).counters_fail = true;
    world.pass(Duration::from_secs(15));
    assert_eq!(
        world.nodes[a].host.log.last().unwrap(),
        "nodedown 'b@127.0.0.1' {send_net_tick_failed,{error,einval}}"
    );
}

#[test]
fn disconnecting_answers_after_the_nodedown_and_the_other_side_sees_the_connection_closed() {
    let (mut world, a, b) = pair();
    assert_eq!(world.disconnect(a, B), Some(Answer::Disconnected(Ok(true))));
    let tail = |world: &World, id: usize, n: usize| {
        world.nodes[id].host.log.iter().rev().take(n).rev().cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        tail(&world, a, 3),
        [
            "disconnected 'b@127.0.0.1' link",
            "nodedown 'b@127.0.0.1' disconnect",
            "answer Disconnected(Ok(true))"
        ]
    );
    assert_eq!(tail(&world, b, 1), ["nodedown 'a@127.0.0.1' connection_closed"]);
    assert_eq!(world.disconnect(a, B), Some(Answer::Disconnected(Ok(false))));
    assert_eq!(world.disconnect(a, A), Some(Answer::Disconnected(Ok(false))), "oneself");
    assert_eq!(world.connect(a, B), CONNECTED);
}

#[test]
fn connecting_while_the_old_link_ends_waits_and_dials_anew() {
    let (mut world, a, _) = pair();
    let now = world.now;
    let down = world.nodes[a].kernel.disconnect_node(now, &name(B));
    let again = world.nodes[a].kernel.connect_node(now, name(B));
    assert!(world.nodes_of(a).is_empty(), "a link that ends is no link");
    world.settle();
    let answers = &world.nodes[a].host.answers;
    assert_eq!(
        (&answers[&down], &answers[&again]),
        (&Answer::Disconnected(Ok(true)), &Answer::Connected(Ok(())))
    );
    assert_eq!(world.nodes[a].host.events.len(), 3);
}

#[test]
fn a_node_that_is_not_alive_ignores_calls() {
    let mut world = World::default();
    let a = world.add(Config::new(cookie("C"), ticktime(60)));
    assert_eq!(world.connect(a, B), failed(ConnectError::NotAlive));
    assert_eq!(world.disconnect(a, B), Some(Answer::Disconnected(Err(NotAlive))));
    assert_eq!(world.stop(a), Some(Answer::Stopped(Err(StopError::NotFound))));
    assert_eq!(world.nodes[a].kernel.node(), NodeName::nonode());
}

#[test]
fn stopping_takes_every_link_down_and_gives_the_name_back() {
    let (mut world, a, b) = pair();
    let pending = world.script(a);
    assert_eq!(world.stop(a), Some(Answer::Stopped(Ok(()))));
    assert!(world.scripts[pending].closed);
    assert!(
        world.nodes[a]
            .host
            .log
            .contains(&"nodedown 'b@127.0.0.1' net_kernel_terminated".to_owned())
    );
    assert_eq!(
        world.nodes[a].host.log.iter().rev().take(2).collect::<Vec<_>>(),
        ["answer Stopped(Ok(()))", "not alive"]
    );
    assert!(!world.epmd.contains_key("a") && world.nodes[a].host.sides.is_empty());
    assert_eq!(world.nodes[a].kernel.next_timer(), None);
    assert_eq!(world.nodes[b].host.log.last().unwrap(), "nodedown 'a@127.0.0.1' connection_closed");
    let options = StartOptions::new(name(A));
    assert_eq!(
        world.start_again(a, options),
        Some(Answer::Started(Ok(name(A)))),
        "and may start again"
    );
}

#[test]
fn a_listener_that_breaks_takes_the_node_down_with_no_network() {
    let (mut world, a, _) = pair();
    world.tell(a, Input::ListenerLost);
    world.settle();
    assert!(world.nodes[a].host.log.contains(&"nodedown 'b@127.0.0.1' no_network".to_owned()));
    assert_eq!(world.nodes[a].kernel.node(), NodeName::nonode());
}

#[test]
fn a_start_that_fails_says_why() {
    let mut world = World::default();
    world.start(A);
    let options = |text: &str| StartOptions::new(name(text));
    let again = world.start_again(0, options(B));
    assert_eq!(again, Some(Answer::Started(Err(StartError::AlreadyStarted))));
    let b = world.add(Config::new(cookie("C"), ticktime(60)));
    assert_eq!(
        world.start_again(b, options("a@127.0.0.1")),
        Some(Answer::Started(Err(StartError::Register(RegisterError::DuplicateName))))
    );
    let illegal = NodeName::new("a@b c").unwrap();
    let options_illegal = StartOptions::new(illegal);
    assert_eq!(
        world.start_again(b, options_illegal),
        Some(Answer::Started(Err(StartError::Name(NameError::IllegalHost))))
    );
    world.epmd_down = true;
    let refused = StartError::Register(RegisterError::Open(OpenError::Refused));
    assert_eq!(world.start_again(b, options(B)), Some(Answer::Started(Err(refused))));
    let request = world.nodes[b].kernel.start(world.now, options(B), Entropy::new([1; 16]));
    world.tell(b, Input::ListenFailed { error: OpenError::AddressInUse });
    world.settle();
    let answer = &world.nodes[b].host.answers[&request];
    assert_eq!(*answer, Answer::Started(Err(StartError::Listen(OpenError::AddressInUse))));
    assert!(world.nodes[b].host.sides.is_empty());
}

#[test]
fn a_node_that_does_not_listen_needs_no_epmd_is_hidden_and_takes_its_creation_from_entropy() {
    let mut world = World::default();
    let b = world.start(B);
    let a = world.add(Config::new(cookie("C"), ticktime(60)));
    let options = StartOptions { listen: false, ..StartOptions::new(name(A)) };
    assert_eq!(world.start_again(a, options), Some(Answer::Started(Ok(name(A)))));
    assert!(world.nodes[a].host.sides.is_empty() && world.nodes[a].host.port.is_none());
    assert_eq!(world.nodes[a].kernel.creation().unwrap(), Creation(0x0303_0303));
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(world.nodes[b].host.log.iter().filter(|line| line.ends_with("hidden")).count(), 1);
}

//= docs/spec/epmd.md#epmd-retry
//= type=test
#[test]
fn a_lost_registration_is_tried_again_every_two_seconds_and_the_creation_stays() {
    let (mut world, a, _) = pair();
    let creation = world.nodes[a].kernel.creation().unwrap();
    world.kill_epmd();
    world.pass(Duration::from_secs(5));
    let lost = |world: &World| {
        let told = world.nodes[a].host.diagnostics.iter();
        told.filter(|diagnostic| matches!(diagnostic, Diagnostic::RegistrationLost(_))).count()
    };
    assert_eq!(lost(&world), 3, "at once, after 2 s and after 4 s");
    world.epmd_down = false;
    world.pass(Duration::from_secs(1));
    assert_eq!(world.nodes[a].host.diagnostics.last(), Some(&Diagnostic::RegistrationRenewed));
    assert!(world.epmd.contains_key("a"));
    assert_eq!(world.nodes[a].kernel.creation().unwrap(), creation);
    assert_eq!(world.nodes_of(a), [B], "links do not care");
}

#[test]
fn names_are_asked_in_every_state_and_every_end_has_an_answer() {
    let mut world = World::default();
    world.start(A);
    let b = world.add(Config::new(cookie("C"), ticktime(60)));
    let ask = |world: &mut World, host: &str| {
        let request = world.nodes[b].kernel.names(world.now, host);
        world.settle();
        world.nodes[b].host.answers.remove(&request)
    };
    let port = world.nodes[0].host.port.unwrap();
    assert_eq!(ask(&mut world, "127.0.0.1"), Some(Answer::Names(Ok(vec![("a".to_owned(), port)]))));
    let unresolved = NamesError::Open(OpenError::Resolve);
    assert_eq!(ask(&mut world, "nowhere.example"), Some(Answer::Names(Err(unresolved))));
    world.epmd_down = true;
    let refused = NamesError::Open(OpenError::Refused);
    assert_eq!(ask(&mut world, "127.0.0.1"), Some(Answer::Names(Err(refused))));
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let run = || {
        let (mut world, a, _) = pair();
        world.pass(Duration::from_secs(100));
        world.disconnect(a, B);
        world.nodes.into_iter().map(|node| (node.host.log, node.kernel)).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

//= docs/spec/tick.md#tick-send-visible
//= type=test
//= docs/spec/tick.md#tick-timeout
//= type=test
#[test]
fn v14_a_peer_that_says_nothing_is_ticked_three_times_and_dropped_as_otp_does() {
    // Capture V14, with T = 8 s: hidden, OTP accepts; its ticks at 2.56, 4.56 and 6.56 s, and the close at 8.57 s after a
    // handshake at 0 s that came 0.56 s after a tick of the node. Visible, OTP initiates: the same, 1.4 s later.
    for phase_ms in [1440, 40] {
        let mut world = World::default();
        let node = world.start_with(A, Config::new(cookie("C"), ticktime(8)), false);
        world.pass(Duration::from_millis(phase_ms));
        let peer = up_as(&mut world, node, B);
        let up = world.now;
        let (mut ticks, mut closed) = (Vec::new(), None);
        world.heard(peer.script);
        while closed.is_none() {
            world.pass(MS);
            let at = world.now.saturating_since(up).as_millis() as u64;
            match world.heard(peer.script).as_slice() {
                [] => {}
                [0, 0, 0, 0] => ticks.push(at),
                other => panic!("no tick: {other:?}"),
            }
            closed = world.scripts[peer.script].closed.then_some(at);
        }
        let first = 2000 - phase_ms;
        assert_eq!(ticks, [first + 2000, first + 4000, first + 6000], "none in the first interval");
        assert_eq!(closed, Some(first + 8000));
    }
}
