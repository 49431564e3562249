//! Races among three nodes.

use netkernel_core::net_kernel::Answer;

use crate::kernels::{Op, State, explore};
use crate::two_nodes::{all, linked_with, outcome, own_link};
use crate::world::{World, name};

const A: &str = "a@vm";
const B: &str = "b@vm";
const C: &str = "c@vm";

#[test]
fn two_nodes_connect_to_one_that_restarts() {
    let mut world = World::default();
    let [a, b, c] = [A, B, C].map(|node| world.start(node));
    let ops = [(a, Op::Connect(B)), (c, Op::Connect(B)), (b, Op::Stop), (b, Op::Start(B))];
    let explored = explore("restart", State::new(world, &ops), move |end| {
        let started = *end.answer(b, Op::Start(B)) == Answer::Started(Ok(name(B)));
        let (to_a, to_c) = (outcome(end, a, B), outcome(end, c, B));
        assert!([to_a, to_c].iter().all(|to| ["connected", "closed", "not there"].contains(to)));
        format!("started {started}, {}", linked_with(end, b))
    });
    assert_eq!(
        explored.outcomes(),
        all([
            "started false, linked with []",
            "started true, linked with []",
            "started true, linked with [\"a@vm\"]",
            "started true, linked with [\"a@vm\", \"c@vm\"]",
            "started true, linked with [\"c@vm\"]",
        ])
    );
}

#[test]
fn a_node_in_the_middle_connects_and_is_connected() {
    let mut world = World::default();
    let [a, b, c] = [A, B, C].map(|node| world.start(node));
    let ops = [(a, Op::Connect(B)), (b, Op::Connect(C)), (c, Op::Connect(B))];
    let explored = explore("in the middle", State::new(world, &ops), move |end| {
        assert_eq!([outcome(end, a, B), outcome(end, b, C), outcome(end, c, B)], ["connected"; 3]);
        assert_eq!(end.world.nodes_of(b), [A, C]);
        let up = |node: &str| {
            let line = format!("nodeup {node} visible");
            end.world.nodes[b].host.log.iter().position(|other| *other == line).unwrap()
        };
        let first = if up(A) < up(C) { A } else { C };
        let by_c = own_link(end, c).unwrap();
        format!("{first} first, by {}", if by_c { C } else { B })
    });
    let expected = [
        "a@vm first, by b@vm",
        "a@vm first, by c@vm",
        "c@vm first, by b@vm",
        "c@vm first, by c@vm",
    ];
    assert_eq!(explored.outcomes(), all(expected));
}
