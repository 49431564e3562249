//! What a node says of itself and of others in each state of its life.

use netkernel_core::net_kernel::{
    Answer, ConnectError, NameDomain, NameType, NetState, NodeKind, NodeKinds, NotAlive,
    StartError, StartOptions, Started, StopError,
};
use netkernel_core::{Entropy, NodeName};

use crate::common::{
    CONNECTED, answer, auto, config, failed, hidden_connect, kinds, log_after, once,
};
use crate::world::{World, name};

const A: &str = "a@vm";
const B: &str = "b@vm";
const C: &str = "c@vm";

//= docs/spec/kernel.md#kernel-nodes
//= type=test
//= docs/spec/kernel.md#kernel-known
//= type=test
#[test]
fn nodes_come_in_kinds_and_each_only_once() {
    let mut world = World::default();
    let a = world.add(once());
    assert_eq!(kinds(&world, a, NodeKinds::KNOWN), ["nonode@nohost this"]);
    world.start_again(a, StartOptions::new(name(A)));
    world.start(B);
    world.start_with(C, config(), true);
    world.start("gone@vm");
    for node in [B, C, "gone@vm"] {
        assert_eq!(world.connect(a, node), CONNECTED);
    }
    world.disconnect(a, "gone@vm");
    world.script_listens("silent@vm");
    assert_eq!(world.connect(a, "silent@vm"), None);

    assert_eq!(kinds(&world, a, NodeKinds::VISIBLE), ["b@vm visible"]);
    assert_eq!(kinds(&world, a, NodeKinds::HIDDEN), ["c@vm hidden"]);
    assert_eq!(kinds(&world, a, NodeKinds::CONNECTED), ["b@vm visible", "c@vm hidden"]);
    assert_eq!(kinds(&world, a, NodeKinds::THIS), ["a@vm this"]);
    let known = ["b@vm visible", "c@vm hidden", "gone@vm known", "silent@vm known", "a@vm this"];
    assert_eq!(kinds(&world, a, NodeKinds::KNOWN), known);
    assert_eq!(kinds(&world, a, NodeKinds::KNOWN | NodeKinds::VISIBLE | NodeKinds::THIS), known);
    assert_eq!(kinds(&world, a, NodeKinds::THIS | NodeKinds::HIDDEN), ["c@vm hidden", "a@vm this"]);
    for info in world.nodes[a].kernel.nodes(NodeKinds::KNOWN) {
        let linked = matches!(info.node_type, NodeKind::Visible | NodeKind::Hidden);
        assert_eq!(info.connection_id().is_some(), linked, "{info:?}");
    }
}

//= docs/spec/kernel.md#kernel-state
//= type=test
//= docs/spec/kernel.md#kernel-start
//= type=test
#[test]
fn the_state_tells_how_the_node_was_started_and_who_chose_its_name() {
    let mut world = World::default();
    let a = world.add(config());
    let state = |world: &World| world.nodes[a].kernel.get_state();
    assert_eq!((state(&world), world.nodes[a].kernel.is_alive()), (None, false));
    let request = world.nodes[a].kernel.start(
        world.now,
        StartOptions { started: Started::Static, ..StartOptions::new(name("a@127.0.0.1")) },
        Entropy::new([1; 16]),
    );
    assert_eq!(state(&world), None, "not before EPMD has answered");
    world.settle();
    let started = Answer::Started(Ok(name("a@127.0.0.1")));
    assert_eq!(answer(&world, a, request), Some(started));
    let expected = NetState {
        started: Started::Static,
        name: Some(name("a@127.0.0.1")),
        name_type: NameType::Static,
        name_domain: NameDomain::Longnames,
    };
    assert_eq!(state(&world), Some(expected));
    assert_eq!(world.start_again(a, StartOptions::new(name(B))), already_started());

    assert_eq!(world.stop(a), Some(Answer::Stopped(Err(StopError::NotAllowed))));
    assert!(world.nodes[a].kernel.is_alive());
    let now = world.now;
    let halted = world.nodes[a].kernel.halt(now);
    world.settle();
    assert_eq!(answer(&world, a, halted), Some(Answer::Stopped(Ok(()))));
    assert_eq!(state(&world), None);

    world.start_again(a, StartOptions::nameless("vm".into()));
    let expected = NetState {
        started: Started::Dynamic,
        name: None,
        name_type: NameType::Dynamic,
        name_domain: NameDomain::Shortnames,
    };
    assert_eq!(state(&world), Some(expected));
    assert!(world.nodes[a].kernel.is_alive());
    assert_eq!(world.nodes[a].kernel.node(), NodeName::nonode());
    assert_eq!(world.nodes[a].kernel.creation(), None);
}

fn already_started() -> Option<Answer> {
    Some(Answer::Started(Err(StartError::AlreadyStarted)))
}

//= docs/spec/kernel.md#kernel-ignored
//= type=test
#[test]
fn a_node_that_is_not_alive_ignores_calls() {
    let mut world = World::default();
    let a = world.add(config());
    assert_eq!(world.connect(a, B), failed(ConnectError::NotAlive));
    assert_eq!(hidden_connect(&mut world, a, B), failed(ConnectError::NotAlive));
    assert_eq!(world.disconnect(a, B), Some(Answer::Disconnected(Err(NotAlive))));
    assert_eq!(auto(&mut world, a, B, None), Err(ConnectError::NotAlive));
    assert_eq!(world.nodes[a].kernel.allow(&[B]), Err(NotAlive));
    assert_eq!(world.nodes[a].kernel.allowed().count(), 0);
    assert_eq!(world.stop(a), Some(Answer::Stopped(Err(StopError::NotFound))));
    assert_eq!(world.nodes[a].kernel.node(), NodeName::nonode());
}

//= docs/spec/kernel.md#kernel-ignored
//= type=test
#[test]
fn a_node_that_stops_ignores_a_wish_that_it_would_refuse() {
    let mut world = World::default();
    let a = world.start_with(A, once(), false);
    world.start(B);
    assert_eq!(world.connect(a, B), CONNECTED);
    let (now, kernel) = (world.now, &mut world.nodes[a].kernel);
    kernel.disconnect_node(now, &name(B));
    let refused = kernel.connect_automatically(now, name(B));
    kernel.stop(now);
    let ignored = kernel.connect_automatically(now, name(B));
    world.settle();
    for (request, error) in [(refused, ConnectError::Barred), (ignored, ConnectError::NotAlive)] {
        assert_eq!(answer(&world, a, request), Some(Answer::Connected(Err(error))));
    }
}

//= docs/spec/kernel.md#kernel-stop
//= type=test
//= docs/spec/kernel.md#kernel-stopping
//= type=test
#[test]
fn calls_while_the_node_stops() {
    let mut world = World::default();
    let (a, _) = (world.start(A), world.start(B));
    world.script_listens("silent@vm");
    assert_eq!(world.stop(a), Some(Answer::Stopped(Ok(()))));
    assert_eq!(world.stop(a), Some(Answer::Stopped(Err(StopError::NotFound))));
    world.start_again(a, StartOptions::new(name(A)));
    assert_eq!(world.connect(a, B), CONNECTED);

    let (now, kernel) = (world.now, &mut world.nodes[a].kernel);
    let pending = kernel.connect_node(now, name("silent@vm"));
    let down = kernel.disconnect_node(now, &name(B));
    let again = kernel.connect_node(now, name(B));
    let stop = kernel.stop(now);
    assert!(!kernel.is_alive());
    let late = kernel.connect_node(now, name(B));
    let start = kernel.start(now, StartOptions::new(name(A)), Entropy::new([1; 16]));
    let second = kernel.stop(now);
    assert_eq!(kernel.allow(&[B]), Err(NotAlive));
    let before = world.nodes[a].host.log.len();
    world.settle();
    assert_eq!(
        log_after(&world, a, before),
        [
            "attempting silent@vm",
            "disconnected silent@vm attempt",
            "answer Connected(Err(Cancelled))",
            "answer Connected(Err(NotAlive))",
            "answer Started(Err(AlreadyStarted))",
            "disconnected b@vm link",
            "nodedown b@vm disconnect",
            "answer Disconnected(Ok(true))",
            "answer Connected(Err(Cancelled))",
            "not alive",
            "answer Stopped(Ok(()))",
            "answer Stopped(Ok(()))",
        ]
    );
    for (request, expected) in [
        (pending, Answer::Connected(Err(ConnectError::Cancelled))),
        (down, Answer::Disconnected(Ok(true))),
        (again, Answer::Connected(Err(ConnectError::Cancelled))),
        (late, Answer::Connected(Err(ConnectError::NotAlive))),
        (start, already_started().unwrap()),
        (stop, Answer::Stopped(Ok(()))),
        (second, Answer::Stopped(Ok(()))),
    ] {
        assert_eq!(answer(&world, a, request), Some(expected));
    }
}
