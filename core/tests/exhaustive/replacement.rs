//! Races of two connections that come under one name: a peer that was started anew, or somebody who says so.

use netkernel_core::net_kernel::{Answer, Config};

use crate::kernels::{Op, State, explore};
use crate::two_nodes::{all, outcome};
use crate::world::{World, cookie, name, ticktime};

const M: &str = "m@vm";
const SMALLER: &str = "a@vm";
const GREATER: &str = "z@vm";

/// Starts another node under a name that is taken, as after a crash that nobody has heard of.
fn again(world: &mut World, node: &str, key: &str) -> usize {
    world.epmd.remove(name(node).name());
    world.start_with(node, Config::new(cookie(key), ticktime(60)), false)
}

/// A node with a link to a peer that is dead, which nobody knows; and the peer's successor.
fn after_a_crash(peer: &str) -> (World, usize, usize) {
    let mut world = World::default();
    let (m, old) = (world.start(M), world.start(peer));
    assert_eq!(world.connect(m, peer), Some(Answer::Connected(Ok(()))));
    world.nodes[old].frozen = true;
    world.nodes[old].host.port = None;
    let new = again(&mut world, peer, "C");
    (world, m, new)
}

//= docs/spec/handshake.md#hs-replace
//= type=test
//= docs/spec/nodedown.md#nodedown-wait-pending
//= type=test
#[test]
fn a_peer_that_comes_back_against_the_end_of_its_old_link() {
    for peer in [SMALLER, GREATER] {
        let (world, m, new) = after_a_crash(peer);
        let ops = [(m, Op::Reset), (new, Op::Connect(M))];
        let explored = explore("old link", State::new(world, &ops), move |end| {
            assert_eq!(end.world.nodes_of(m), [peer]);
            assert_eq!(outcome(end, new, M), "connected");
            format!("{:?}", end.world.reasons(m))
        });
        let expected = ["[\"connection_closed\"]", "[\"wait_pending\"]"];
        assert_eq!(explored.outcomes(), all(expected), "before and after the digest");
    }
}

/// The old link is ended by a call, a new one is asked for, and the peer connects as well.
//= docs/spec/handshake.md#hs-replace
//= type=test
//= docs/spec/handshake.md#hs-initiator-nok
//= type=test
#[test]
fn a_peer_that_comes_back_against_calls() {
    let usual = [
        "connected, [\"disconnect\"], parked false",
        "connected, [\"disconnect\"], parked true",
        "connected, [\"wait_pending\", \"disconnect\"], parked false",
        "connected, [\"wait_pending\"], parked false",
    ];
    // A greater peer answers `nok` for an attempt of its own whose link has already been ended here, of which it has not
    // read yet. What we wait for then does not come; Erlang has the same.
    let late = "timed out, [\"wait_pending\", \"disconnect\"], parked false";
    for (peer, more) in [(SMALLER, None), (GREATER, Some(late))] {
        let (world, m, new) = after_a_crash(peer);
        let ops = [(m, Op::Disconnect(peer)), (m, Op::Connect(peer)), (new, Op::Connect(M))];
        let explored = explore("old link, calls", State::new(world, &ops), move |end| {
            assert_eq!(outcome(end, new, M), "connected");
            let (outcome, reasons) = (outcome(end, m, peer), end.world.reasons(m));
            format!("{outcome}, {reasons:?}, parked {}", end.parked)
        });
        assert_eq!(explored.outcomes(), usual.into_iter().chain(more).collect());
    }
}

//= docs/spec/handshake.md#hs-admission
//= type=test
#[test]
fn two_incoming_attempts_under_one_name() {
    // Who is answered `nok` waits; whose attempt is given up for the other is closed.
    for (peer, loses) in [(SMALLER, "timed out"), (GREATER, "closed")] {
        let mut world = World::default();
        let (m, first) = (world.start(M), world.start(peer));
        let second = again(&mut world, peer, "C");
        let ops = [(first, Op::Connect(M)), (second, Op::Connect(M))];
        let explored = explore("two attempts", State::new(world, &ops), move |end| {
            assert_eq!(end.world.nodes_of(m), [peer]);
            let outcomes = [outcome(end, first, M), outcome(end, second, M)];
            match end.world.reasons(m).as_slice() {
                [] => assert!(outcomes.contains(&"connected")),
                reasons => {
                    assert_eq!(
                        (reasons, outcomes),
                        (&["wait_pending".into()][..], ["connected"; 2])
                    );
                }
            }
            outcomes.join(", ")
        });
        let expected = [
            "connected, connected".into(),
            format!("connected, {loses}"),
            format!("{loses}, connected"),
        ];
        assert_eq!(explored.outcomes(), expected.iter().map(|text| &**text).collect());
    }
}

//= docs/spec/handshake.md#hs-replace
//= type=test
#[test]
fn a_thief_against_the_peer() {
    let expected = [
        (SMALLER, ["connected, closed", "connected, timed out", "timed out, closed"].as_slice()),
        (GREATER, ["connected, closed", "closed, closed"].as_slice()),
    ];
    for (peer, expected) in expected {
        let mut world = World::default();
        let (m, first) = (world.start(M), world.start(peer));
        let thief = again(&mut world, peer, "OTHER");
        let ops = [(first, Op::Connect(M)), (thief, Op::Connect(M))];
        let explored = explore("a thief", State::new(world, &ops), move |end| {
            assert_eq!(end.world.reasons(m), [""; 0], "who has no cookie ends no link");
            format!("{}, {}", outcome(end, first, M), outcome(end, thief, M))
        });
        assert_eq!(explored.outcomes(), expected.iter().copied().collect());
    }
}
