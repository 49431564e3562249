//! Incoming connections of whoever finds the port.

use netkernel_core::handshake::{Failure, NokCause, Own, Stage};
use netkernel_core::net_kernel::{ConnectError, Diagnostic, SetupStage};
use netkernel_core::wire::framing::Framing;
use netkernel_core::{Flags, NameError, PeerName};

use crate::common::{MS, SETUP, pair};
use crate::scripted::{ScriptedInitiator, up_as};
use crate::world::World;

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

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
//= docs/spec/handshake.md#hs-acceptor-told
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
    let told: Vec<_> = world.nodes[a]
        .host
        .diagnostics
        .iter()
        .filter_map(|diagnostic| {
            let Diagnostic::AcceptFailed { name, error } = diagnostic else { return None };
            let ConnectError::Handshake(failure) = error else { return None };
            Some((name.clone()?, *failure))
        })
        .collect();
    let illegal = Failure::Nok(NokCause::Name(NameError::IllegalCharacter));
    let lacking = Failure::MissingFlags(Flags::MANDATORY_26);
    let expected = [
        (PeerName::new(A), Failure::Nok(NokCause::OwnName)),
        (PeerName::new(b"h\xE9@localhost".as_slice()), illegal),
        (PeerName::new("p.z@localhost"), illegal),
        (PeerName::new("x@localhost"), lacking),
        (PeerName::new("p.z@localhost"), lacking),
    ];
    assert_eq!(told, expected, "those whose name had the right form are told by name");
    assert_eq!(world.nodes[a].host.sides.len(), 1);
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
