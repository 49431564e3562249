//! Two attempts at the same time.

use netkernel_core::handshake::InitiatorStep;
use netkernel_core::net_kernel::Answer;

use crate::scripted::ScriptedInitiator;
use crate::world::{World, name};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

//= docs/spec/handshake.md#hs-admission
//= type=test
//= docs/spec/kernel.md#kernel-simultaneous
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
