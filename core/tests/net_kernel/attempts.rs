//! Hidden and automatic attempts, and barred nodes.

use netkernel_core::handshake::Stage;
use netkernel_core::net_kernel::{
    Answer, AutoConnect, ConnectError, ConnectionState, DistAutoConnect, NodeKinds, StartOptions,
};
use netkernel_core::{LinkId, NameError};

use crate::common::{
    CONNECTED, answer, auto, config, failed, hidden_connect, kinds, link_of, once,
};
use crate::scripted::ScriptedInitiator;
use crate::world::{World, cookie, name};

const A: &str = "a@vm";
const B: &str = "b@vm";
const C: &str = "c@vm";

//= docs/spec/kernel.md#kernel-hidden-connect
//= type=test
#[test]
fn a_hidden_attempt_makes_a_hidden_link_and_changes_no_link_or_attempt_that_is_there() {
    let mut world = World::default();
    let (a, b) = (world.start(A), world.start(B));
    assert_eq!(hidden_connect(&mut world, a, B), CONNECTED);
    assert_eq!(kinds(&world, a, NodeKinds::CONNECTED), ["b@vm hidden"]);
    assert_eq!(kinds(&world, b, NodeKinds::CONNECTED), ["a@vm hidden"]);
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(kinds(&world, a, NodeKinds::CONNECTED), ["b@vm hidden"], "as it came up");

    // The first of two callers decides, also for the attempt after a link that is just ending.
    for (hidden_first, expected) in [(true, "b@vm hidden"), (false, "b@vm visible")] {
        for with_link in [true, false] {
            if !with_link {
                world.disconnect(a, B);
            }
            let (now, kernel) = (world.now, &mut world.nodes[a].kernel);
            if with_link {
                let _ = kernel.disconnect_node(now, &name(B));
            }
            let requests = if hidden_first {
                [kernel.hidden_connect_node(now, name(B)), kernel.connect_node(now, name(B))]
            } else {
                [kernel.connect_node(now, name(B)), kernel.hidden_connect_node(now, name(B))]
            };
            world.settle();
            assert!(requests.iter().all(|&request| answer(&world, a, request) == CONNECTED));
            assert_eq!(kinds(&world, a, NodeKinds::CONNECTED), [expected]);
        }
    }
}

//= docs/spec/kernel.md#kernel-auto-connect
//= type=test
#[test]
fn a_wish_begins_an_attempt_unless_there_is_one_or_none_may_be() {
    let mut world = World::default();
    let (a, _) = (world.start(A), world.start(B));
    assert_eq!(auto(&mut world, a, B, None), Ok(AutoConnect::Begun));
    assert_eq!(kinds(&world, a, NodeKinds::CONNECTED), ["b@vm visible"]);
    let seen = link_of(&world, a, B);
    assert_eq!(auto(&mut world, a, B, seen), Ok(AutoConnect::Present));
    assert_eq!(auto(&mut world, a, A, None), Ok(AutoConnect::Present), "oneself");
    let domain = ConnectError::Name(NameError::OtherDomain);
    assert_eq!(auto(&mut world, a, "b@a.long.one", None), Err(domain));

    let mut config = config();
    config.auto_connect = DistAutoConnect::Never;
    let c = world.start_with(C, config, false);
    assert_eq!(auto(&mut world, c, B, None), Err(ConnectError::NotAutomatic));
    assert_eq!(world.connect(c, B), CONNECTED);
}

//= docs/spec/kernel.md#kernel-hidden-connect
//= type=test
#[test]
fn an_attempt_that_began_by_itself_stays_visible_whoever_waits_for_it() {
    let mut world = World::default();
    let (a, _) = (world.start(A), world.start(B));
    let (now, kernel) = (world.now, &mut world.nodes[a].kernel);
    kernel.auto_connect(now, &name(B), None);
    let hidden = kernel.hidden_connect_node(now, name(B));
    world.settle();
    assert_eq!(answer(&world, a, hidden), CONNECTED);
    assert_eq!(kinds(&world, a, NodeKinds::CONNECTED), ["b@vm visible"]);
}

//= docs/spec/kernel.md#kernel-auto-wait
//= type=test
#[test]
fn who_waits_for_an_automatic_attempt_is_told_its_outcome_or_that_there_is_none() {
    let mut world = World::default();
    let a = world.start(A);
    let nobody = automatically(&mut world, a, B);
    assert!(matches!(nobody, Some(Answer::Connected(Err(_)))), "{nobody:?}");
    let b = world.start_with(B, once(), false);
    assert_eq!(automatically(&mut world, a, B), CONNECTED);
    assert_eq!(automatically(&mut world, b, A), CONNECTED, "the link is there");
    world.disconnect(a, B);
    assert_eq!(automatically(&mut world, b, A), failed(ConnectError::Barred));
    assert_eq!(world.connect(b, A), CONNECTED);
    assert_eq!(automatically(&mut world, b, A), CONNECTED);

    let mut never = config();
    never.auto_connect = DistAutoConnect::Never;
    let c = world.add(never);
    assert_eq!(automatically(&mut world, c, A), failed(ConnectError::NotAlive));
    world.start_again(c, StartOptions { hidden: true, ..StartOptions::new(name(C)) });
    assert_eq!(automatically(&mut world, c, C), CONNECTED, "oneself");
    assert_eq!(automatically(&mut world, c, A), failed(ConnectError::NotAutomatic));
    assert_eq!(world.connect(c, A), CONNECTED);
    assert_eq!(automatically(&mut world, c, A), CONNECTED);
}

//= docs/spec/kernel.md#kernel-auto-wait
//= type=test
#[test]
fn nobody_waits_for_an_automatic_attempt_behind_a_link_that_ends() {
    for (auto_connect, refusal) in [
        (DistAutoConnect::Never, Some(ConnectError::NotAutomatic)),
        (DistAutoConnect::Once, Some(ConnectError::Barred)),
        (DistAutoConnect::Always, None),
    ] {
        let mut world = World::default();
        let a = world.start(A);
        let mut config = config();
        config.auto_connect = auto_connect;
        let b = world.start_with(B, config, false);
        assert_eq!(world.connect(b, A), CONNECTED);
        let (now, kernel) = (world.now, &mut world.nodes[b].kernel);
        let _ = kernel.disconnect_node(now, &name(A));
        let request = kernel.connect_automatically(now, name(A));
        world.settle();
        let answer = answer(&world, b, request);
        assert_eq!(answer, refusal.map_or(CONNECTED, failed), "{auto_connect:?}");
        assert_eq!(world.nodes_of(a).len(), usize::from(answer == CONNECTED));
    }
}

fn automatically(world: &mut World, from: usize, to: &str) -> Option<Answer> {
    let request = world.nodes[from].kernel.connect_automatically(world.now, name(to));
    world.settle();
    answer(world, from, request)
}

//= docs/spec/kernel.md#kernel-auto-stale
//= type=test
#[test]
fn a_late_wish_is_ignored() {
    let mut world = World::default();
    let (a, b) = (world.start(A), world.start(B));
    assert_eq!(world.connect(a, B), CONNECTED);
    let first = link_of(&world, a, B);
    assert_eq!(auto(&mut world, a, B, None), Ok(AutoConnect::Stale), "there is a link since");
    world.disconnect(a, B);
    assert_eq!(auto(&mut world, a, B, None), Ok(AutoConnect::Stale), "there has been one");
    assert!(world.nodes_of(a).is_empty());
    assert_eq!(world.connect(b, A), CONNECTED);
    world.disconnect(b, A);
    assert_eq!(auto(&mut world, a, B, first), Ok(AutoConnect::Stale), "and another");
    assert_eq!(world.connect(a, B), CONNECTED);
    let last = link_of(&world, a, B);
    world.disconnect(a, B);
    assert_eq!(auto(&mut world, a, B, last), Ok(AutoConnect::Begun));
    assert_eq!(world.nodes_of(a), [B]);
}

/// A node with `once`, its peer, and the link between them that has ended.
fn barred() -> (World, usize, usize, Option<LinkId>) {
    let mut world = World::default();
    let (a, b) = (world.start_with(A, once(), false), world.start(B));
    assert_eq!(auto(&mut world, a, B, None), Ok(AutoConnect::Begun), "the first time it may");
    let last = link_of(&world, a, B);
    world.disconnect(b, A);
    (world, a, b, last)
}

//= docs/spec/kernel.md#kernel-barred
//= type=test
#[test]
fn after_a_link_has_ended_once_only_explicit_calls_and_the_other_node_connect() {
    let (mut world, a, b, last) = barred();
    assert_eq!(auto(&mut world, a, B, last), Err(ConnectError::Barred));
    assert_eq!(auto(&mut world, a, B, None), Ok(AutoConnect::Stale));
    assert_eq!(kinds(&world, a, NodeKinds::KNOWN), ["b@vm known", "a@vm this"]);
    assert_eq!(world.disconnect(a, B), Some(Answer::Disconnected(Ok(false))));
    assert_eq!(world.connect(a, B), CONNECTED);
    let last = link_of(&world, a, B);
    assert_eq!(world.disconnect(a, B), Some(Answer::Disconnected(Ok(true))));
    assert_eq!(auto(&mut world, a, B, last), Err(ConnectError::Barred));
    assert_eq!(world.connect(b, A), CONNECTED);
    assert_eq!(world.nodes_of(a), [B]);
    world.disconnect(a, B);
    assert_eq!(world.stop(a), Some(Answer::Stopped(Ok(()))), "nothing to wait for");
    assert_eq!(kinds(&world, a, NodeKinds::KNOWN), ["nonode@nohost this"]);
}

//= docs/spec/kernel.md#kernel-unbarred
//= type=test
#[test]
fn a_failed_attempt_lifts_the_bar() {
    let (mut world, a, b, last) = barred();
    // Refused before it begins: nothing changes.
    world.nodes[a].kernel.allow(&[C]).unwrap();
    assert_eq!(world.connect(a, B), failed(ConnectError::NotAllowed));
    assert_eq!(auto(&mut world, a, B, last), Err(ConnectError::Barred));
    world.nodes[a].kernel.allow(&[B]).unwrap();

    world.nodes[b].kernel.set_cookie(name(A), cookie("OTHER"));
    assert_eq!(world.connect(a, B), failed(ConnectError::PeerClosed(Stage::Ack)));
    assert_eq!(auto(&mut world, a, B, last), Ok(AutoConnect::Stale), "the attempt came after");
    assert_eq!(kinds(&world, a, NodeKinds::KNOWN), ["a@vm this"]);

    // The same by the other side, that of a stranger.
    let (mut world, a, b, _) = barred();
    world.nodes[b].kernel.set_cookie(name(A), cookie("OTHER"));
    assert!(matches!(world.connect(b, A), Some(Answer::Connected(Err(_)))));
    assert_eq!(kinds(&world, a, NodeKinds::KNOWN), ["a@vm this"]);
}

//= docs/spec/nodedown.md#nodedown-node-info
//= type=test
#[test]
fn the_type_of_an_attempt_of_the_other_side_is_not_known() {
    let mut world = World::default();
    let a = world.start(A);
    let peer = "p@127.0.0.1";
    let mut theirs = ScriptedInitiator::begin(&mut world, a, peer, None, "C");
    let now = world.now;
    let joins = world.nodes[a].kernel.hidden_connect_node(now, name(peer));
    let asked = world.nodes[a].kernel.node_info(now, &name(peer));
    world.settle();
    let Some(Answer::NodeInfo(Ok(info))) = answer(&world, a, asked) else { panic!("no row") };
    assert_eq!((info.state, info.node_type), (ConnectionState::Pending, None));
    while theirs.go_on(&mut world).unwrap().is_none() {}
    assert_eq!(answer(&world, a, joins), CONNECTED);
}
