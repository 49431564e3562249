//! Links between two nodes: how they come up, what they are, and how they end.

use core::time::Duration;

use netkernel_core::net_kernel::{Answer, Config};

use crate::common::{CONNECTED, pair};
use crate::world::{World, cookie, name, ticktime};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

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
fn the_same_inputs_give_the_same_outputs() {
    let run = || {
        let (mut world, a, _) = pair();
        world.pass(Duration::from_secs(100));
        world.disconnect(a, B);
        world.nodes.into_iter().map(|node| (node.host.log, node.kernel)).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
