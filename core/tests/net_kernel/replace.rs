//! A peer that comes back while its old link is up.

use netkernel_core::RequestId;
use netkernel_core::handshake::{Failure, InitiatorStep};
use netkernel_core::net_kernel::{Answer, ConnectError, ConnectionState};

use crate::common::{CONNECTED, SETUP, answer, failed};
use crate::scripted::{ScriptedInitiator, up_as};
use crate::world::{Slow, World, name};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

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

/// A link with B, a successor that has got so many answers, and a caller that waits behind it.
fn caller_behind(key: &str, steps: usize) -> (World, usize, usize, ScriptedInitiator, RequestId) {
    let mut world = World::default();
    let node = world.start(A);
    let old = up_as(&mut world, node, B).script;
    let mut new = ScriptedInitiator::begin(&mut world, node, B, None, key);
    for _ in 0..steps {
        new.go_on(&mut world).unwrap();
    }
    let now = world.now;
    let waits = world.nodes[node].kernel.connect_node(now, name(B));
    world.settle();
    assert_eq!(answer(&world, node, waits), None);
    (world, node, old, new, waits)
}

//= docs/spec/kernel.md#kernel-waiters-replaced
//= type=test
#[test]
fn who_waits_behind_a_replacement_is_connected_as_long_as_a_link_stays() {
    // It proves the cookie.
    let (mut world, node, _, mut new, waits) = caller_behind("C", 1);
    while new.go_on(&mut world).unwrap().is_none() {}
    assert_eq!(answer(&world, node, waits), CONNECTED);
    assert_eq!(world.nodes_of(node), [B]);
    // It does not, while the link is up; nor does the other way to fail touch the link.
    for by_time in [false, true] {
        let (mut world, node, old, mut thief, waits) = caller_behind("WRONG", 2);
        if by_time {
            world.pass(SETUP);
        } else {
            let _ = thief.go_on(&mut world);
        }
        assert_eq!(answer(&world, node, waits), CONNECTED);
        assert!(world.nodes_of(node) == [B] && !world.scripts[old].closed);
    }
}

//= docs/spec/kernel.md#kernel-waiters-replaced
//= type=test
#[test]
fn who_waits_behind_a_replacement_that_outlives_the_link_is_answered_as_it_ends() {
    let (mut world, node, old, mut thief, waits) = caller_behind("WRONG", 2);
    world.hang_up(old);
    assert_eq!(answer(&world, node, waits), None, "the attempt is all there is");
    let _ = thief.go_on(&mut world);
    let error = ConnectError::Handshake(Failure::BadCookie);
    assert_eq!(answer(&world, node, waits), failed(error));
    assert!(world.nodes_of(node).is_empty());
}

/// As above, but the successor has proved the cookie, and the old link does not come to its end yet.
fn caller_behind_proved() -> (World, usize, RequestId) {
    let (mut world, node, _, mut new, waits) = caller_behind("C", 2);
    world.slow = Slow::Peers;
    let _ = new.go_on(&mut world);
    let row = ConnectionState::Closing;
    let now = world.now;
    let infos = world.nodes[node].kernel.nodes_info(now);
    world.settle();
    let infos = answer(&world, node, infos);
    assert!(matches!(infos, Some(Answer::NodesInfo(infos)) if infos[0].state == row));
    (world, node, waits)
}

//= docs/spec/kernel.md#kernel-waiters-closing
//= type=test
#[test]
fn an_attempt_that_fails_while_the_old_link_ends_leaves_its_callers_to_one_of_ours() {
    let (mut world, node, waits) = caller_behind_proved();
    world.start(B);
    world.pass(SETUP);
    assert_eq!(answer(&world, node, waits), None, "the link has not ended yet");
    world.hurry();
    world.settle();
    assert_eq!(answer(&world, node, waits), CONNECTED);
    assert_eq!(world.nodes_of(node), [B]);
}

//= docs/spec/kernel.md#kernel-waiters-closing
//= type=test
#[test]
fn a_stop_cancels_who_waits_for_the_end_of_a_link_that_is_replaced() {
    let (mut world, node, waits) = caller_behind_proved();
    assert_eq!(world.stop(node), None);
    assert_eq!(answer(&world, node, waits), None);
    world.hurry();
    world.settle();
    assert_eq!(answer(&world, node, waits), failed(ConnectError::Cancelled));
}
