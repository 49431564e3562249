//! Attempts that fail, and what is told of them.

use core::time::Duration;

use netkernel_core::epmd::{LookupError, NamesError};
use netkernel_core::handshake::{Failure, Stage};
use netkernel_core::net_kernel::{
    Answer, Config, ConnectError, Diagnostic, NameDomain, OpenError, SetupStage, StartOptions,
};
use netkernel_core::{NameError, PeerName};

use crate::common::{CONNECTED, MS, SETUP, config, failed};
use crate::world::{EPMD_PORT, World, cookie, name, ticktime};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

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
    for (setup_s, waits_s) in [(7, 7), (10, 10), (60, 10)] {
        let mut world = World::default();
        let mut config = Config::new(cookie("C"), ticktime(60));
        config.setup_time = Duration::from_secs(setup_s);
        let a = world.start_with(A, config, false);
        world.black_holes.push(EPMD_PORT);
        let connect = world.nodes[a].kernel.connect_node(world.now, name(B));
        let names = world.nodes[a].kernel.names(world.now, &"127.0.0.1".into());
        let answer = |world: &World, request| world.nodes[a].host.answers.get(&request).cloned();
        world.pass(Duration::from_secs(waits_s) - MS);
        assert_eq!(answer(&world, connect), None);
        world.pass(MS);
        let error = match setup_s {
            7 | 10 => ConnectError::SetupTimeout(SetupStage::Lookup),
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
    let host = StartOptions {
        name_domain: Some(NameDomain::Shortnames),
        ..StartOptions::new(name("six@::1"))
    };
    let six = world.add(config());
    world.start_again(six, host).unwrap();
    let missing = failed(ConnectError::Lookup(LookupError::NotRegistered));
    assert_eq!(world.connect(six, "s@::1"), missing, "and may be short, without a dot");
    let mapped = "s@::ffff:127.0.0.1";
    assert_eq!(world.connect(six, mapped), failed(ConnectError::Name(NameError::OtherDomain)));
}
