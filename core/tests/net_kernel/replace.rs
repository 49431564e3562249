//! A peer that comes back while its old link is up.

use netkernel_core::handshake::InitiatorStep;

use crate::scripted::{ScriptedInitiator, up_as};
use crate::world::World;

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
