//! Races between two nodes that both do as they should.

use std::collections::BTreeSet;

use netkernel_core::net_kernel::{Answer, Config, ConnectError, DistAutoConnect, StartOptions};

use crate::kernels::{Op, State, explore};
use crate::world::{World, cookie, ticktime};

pub(crate) const A: &str = "a@vm";
pub(crate) const B: &str = "b@vm";

/// Two nodes; the second has the greater name.
pub(crate) fn strangers() -> (World, usize, usize) {
    let mut world = World::default();
    let (a, b) = (world.start(A), world.start(B));
    (world, a, b)
}

pub(crate) fn linked() -> (World, usize, usize) {
    let (mut world, a, b) = strangers();
    assert_eq!(world.connect(a, B), Some(Answer::Connected(Ok(()))));
    for id in [a, b] {
        world.nodes[id].host.dialled.clear();
    }
    (world, a, b)
}

/// Whether a node's link is one that it dialled; `None` if it has none.
pub(crate) fn own_link(end: &State, id: usize) -> Option<bool> {
    let stream = *end.world.link_streams(id).first()?;
    Some(end.world.nodes[id].host.sides[&stream].dialled)
}

pub(crate) fn all<const N: usize>(outcomes: [&'static str; N]) -> BTreeSet<&'static str> {
    outcomes.into()
}

//= docs/spec/handshake.md#hs-admission
//= type=test
//= docs/spec/kernel.md#kernel-one-link
//= type=test
//= docs/spec/kernel.md#kernel-waiters
//= type=test
#[test]
fn simultaneous_connect() {
    let (world, a, b) = strangers();
    let begin = State::new(world, &[(a, Op::Connect(B)), (b, Op::Connect(A))]);
    let explored = explore("simultaneous connect", begin.slow_epmd(), move |end| {
        for (id, other) in [(a, B), (b, A)] {
            assert_eq!(*end.answer(id, Op::Connect(other)), Answer::Connected(Ok(())));
            assert_eq!((end.count(id, "nodeup"), end.count(id, "nodedown")), (1, 0));
        }
        let dialled = [a, b].map(|id| !end.world.nodes[id].host.dialled.is_empty());
        let by_a = own_link(end, a).unwrap();
        assert_ne!(own_link(end, b), Some(by_a));
        // Of two attempts that overlap, that of the greater name survives.
        assert!(!by_a || dialled != [true, true]);
        format!("dialled {dialled:?}, by {}", if by_a { A } else { B })
    });
    assert_eq!(
        explored.outcomes(),
        all([
            "dialled [false, true], by b@vm",
            "dialled [true, false], by a@vm",
            "dialled [true, true], by b@vm"
        ])
    );
}

/// What came of a call of `connect_node`, in one word.
pub(crate) fn outcome(end: &State, id: usize, to: &'static str) -> &'static str {
    let Answer::Connected(result) = end.answer(id, Op::Connect(to)) else {
        panic!("no answer to connect_node")
    };
    match result {
        Ok(()) => "connected",
        Err(ConnectError::Cancelled) => "cancelled",
        Err(ConnectError::NotAlive) => "not alive",
        Err(ConnectError::Lookup(_) | ConnectError::Dial(_)) => "not there",
        Err(ConnectError::SetupTimeout(_)) => "timed out",
        Err(ConnectError::PeerClosed(_)) => "closed",
        Err(other) => panic!("{other}"),
    }
}

/// Whom a node has links with in the end.
pub(crate) fn linked_with(end: &State, id: usize) -> String {
    format!("linked with {:?}", end.world.nodes_of(id))
}

//= docs/spec/kernel.md#kernel-waiters
//= type=test
#[test]
fn connect_against_disconnect() {
    let (world, a, b) = strangers();
    let ops = [(a, Op::Connect(B)), (a, Op::Disconnect(B)), (b, Op::Connect(A))];
    let explored = explore("connect against disconnect", State::new(world, &ops), move |end| {
        assert_eq!([outcome(end, a, B), outcome(end, b, A)], ["connected"; 2]);
        format!("{:?}, {}", end.answer(a, Op::Disconnect(B)), linked_with(end, a))
    });
    assert_eq!(
        explored.outcomes(),
        all([
            "Disconnected(Ok(false)), linked with [\"b@vm\"]",
            "Disconnected(Ok(true)), linked with []",
            "Disconnected(Ok(true)), linked with [\"b@vm\"]",
        ])
    );
}

#[test]
fn both_disconnect_and_one_connects_again() {
    let (world, a, b) = linked();
    let ops = [(a, Op::Disconnect(B)), (a, Op::Connect(B)), (b, Op::Disconnect(A))];
    let explored = explore("both disconnect, one connects", State::new(world, &ops), move |end| {
        assert_eq!(outcome(end, a, B), "connected");
        let answers = [end.answer(a, Op::Disconnect(B)), end.answer(b, Op::Disconnect(A))];
        let downs = answers.map(|answer| *answer == Answer::Disconnected(Ok(true)));
        format!("{downs:?}, {}", linked_with(end, a))
    });
    assert_eq!(
        explored.outcomes(),
        all([
            "[false, true], linked with [\"b@vm\"]",
            "[true, false], linked with [\"b@vm\"]",
            "[true, true], linked with [\"b@vm\"]",
            "[true, true], linked with []",
        ])
    );
}

//= docs/spec/handshake.md#hs-admission
//= type=test
#[test]
fn connect_while_closing_and_an_attempt_comes_in() {
    let (world, a, b) = linked();
    let ops = [(a, Op::Disconnect(B)), (a, Op::Connect(B)), (b, Op::Connect(A))];
    let explored = explore("connect while closing", State::new(world, &ops), move |end| {
        assert_eq!([outcome(end, a, B), outcome(end, b, A)], ["connected"; 2]);
        assert_eq!((end.count(a, "nodeup"), end.count(a, "nodedown")), (2, 1));
        let by_a = own_link(end, a).unwrap();
        assert!(!(by_a && end.parked), "whoever waits already comes first");
        format!("parked {}, by {}", end.parked, if by_a { A } else { B })
    });
    assert_eq!(
        explored.outcomes(),
        all(["parked false, by a@vm", "parked false, by b@vm", "parked true, by b@vm"])
    );
}

#[test]
fn connect_against_the_peers_stop() {
    let (world, a, b) = strangers();
    let ops = [(a, Op::Connect(B)), (b, Op::Stop)];
    let explored =
        explore("connect against stop", State::new(world, &ops).slow_epmd(), move |end| {
            assert_eq!(*end.answer(b, Op::Stop), Answer::Stopped(Ok(())));
            format!("{}, {}", outcome(end, a, B), linked_with(end, a))
        });
    assert_eq!(
        explored.outcomes(),
        all(["closed, linked with []", "connected, linked with []", "not there, linked with []"])
    );
}

//= docs/spec/kernel.md#kernel-stopping
//= type=test
#[test]
fn stop_against_attempts_both_ways() {
    let (world, a, b) = strangers();
    let ops = [(a, Op::Connect(B)), (a, Op::Stop), (b, Op::Connect(A))];
    let explored = explore("stop against attempts", State::new(world, &ops), move |end| {
        assert_eq!(*end.answer(a, Op::Stop), Answer::Stopped(Ok(())));
        assert!(end.world.nodes_of(b).is_empty());
        format!("{}, {}", outcome(end, a, B), outcome(end, b, A))
    });
    assert_eq!(
        explored.outcomes(),
        all([
            "cancelled, closed",
            "cancelled, connected",
            "cancelled, not there",
            "connected, connected",
            "connected, not there",
        ])
    );
}

//= docs/spec/handshake.md#hs-acceptor-timer
//= type=test
#[test]
fn the_set_up_timer_against_every_packet() {
    let (world, a, b) = strangers();
    let begin = State::new(world, &[(a, Op::Connect(B))]).passes(1);
    let explored = explore("set-up timer, one attempt", begin, move |end| {
        format!("{}, {}", outcome(end, a, B), linked_with(end, b))
    });
    let expected = [
        "closed, linked with []",
        "connected, linked with [\"a@vm\"]",
        "timed out, linked with []",
    ];
    assert_eq!(explored.outcomes(), all(expected));

    let (world, a, b) = strangers();
    let ops = [(a, Op::Connect(B)), (b, Op::Connect(A))];
    let explored = explore("set-up timer", State::new(world, &ops).passes(1), move |end| {
        format!("{}, {}", outcome(end, a, B), outcome(end, b, A))
    });
    assert_eq!(
        explored.outcomes(),
        all([
            "closed, connected",
            "closed, timed out",
            "connected, closed",
            "connected, connected",
            "connected, timed out",
            "timed out, closed",
            "timed out, connected",
            "timed out, timed out",
        ])
    );
}

//= docs/spec/kernel.md#kernel-hidden-connect
//= type=test
#[test]
fn a_hidden_attempt_against_a_visible_one() {
    let (world, a, b) = strangers();
    let ops = [(a, Op::HiddenConnect(B)), (b, Op::Connect(A))];
    let explored = explore("hidden against visible", State::new(world, &ops), move |end| {
        assert_eq!(*end.answer(a, Op::HiddenConnect(B)), Answer::Connected(Ok(())));
        assert_eq!(outcome(end, b, A), "connected");
        let by_a = own_link(end, a).unwrap();
        let node_type = if by_a { "hidden" } else { "visible" };
        let ups =
            [(a, B), (b, A)].map(|(id, node)| end.count(id, &format!("nodeup {node} {node_type}")));
        assert_eq!(ups, [1, 1], "both see what the attempt that came up has asked for");
        node_type.into()
    });
    assert_eq!(explored.outcomes(), all(["hidden", "visible"]));
}

//= docs/spec/kernel.md#kernel-barred
//= type=test
#[test]
fn an_automatic_attempt_against_the_end_of_the_link_that_bars_it() {
    let mut world = World::default();
    let mut config = Config::new(cookie("C"), ticktime(60));
    config.auto_connect = DistAutoConnect::Once;
    let (a, b) = (world.start_with(A, config, false), world.start(B));
    assert_eq!(world.connect(a, B), Some(Answer::Connected(Ok(()))));
    let ops = [(a, Op::AutoConnect(B)), (b, Op::Disconnect(A)), (b, Op::Connect(A))];
    let explored = explore("automatic against the end", State::new(world, &ops), move |end| {
        assert_eq!(outcome(end, b, A), "connected");
        format!("{:?}", end.answer(a, Op::AutoConnect(B)))
    });
    assert_eq!(
        explored.outcomes(),
        all(["AutoConnect(Err(Barred))", "AutoConnect(Ok(Present))", "AutoConnect(Ok(Stale))"])
    );
}

//= docs/spec/kernel.md#kernel-dynamic-lost
//= type=test
#[test]
fn a_nameless_node_against_the_stop_of_its_namer() {
    let mut world = World::default();
    let b = world.start(B);
    let d = world.add(Config::new(cookie("C"), ticktime(60)));
    world.start_again(d, StartOptions::nameless("vm".into()));
    let ops = [(d, Op::Connect(B)), (d, Op::Disconnect(B)), (b, Op::Stop), (b, Op::Start(B))];
    let explored = explore("nameless against stop", State::new(world, &ops), move |end| {
        let named = end.world.nodes[d].kernel.creation().is_some();
        assert_eq!(named, !end.world.nodes_of(d).is_empty(), "the name is that of the link");
        assert_eq!(end.count(d, "alive"), end.count(d, "not alive") + usize::from(named));
        format!("{}, named {named}", outcome(end, d, B))
    });
    assert_eq!(
        explored.outcomes(),
        all([
            "closed, named false",
            "connected, named false",
            "connected, named true",
            "not there, named false",
        ])
    );
}

//= docs/spec/kernel.md#kernel-listener-lost
//= type=test
#[test]
fn the_loss_of_a_listener_against_attempts_both_ways() {
    let (world, a, b) = strangers();
    let ops = [(a, Op::Connect(B)), (b, Op::Connect(A)), (b, Op::LoseListener)];
    let explored = explore("loss of a listener", State::new(world, &ops), move |end| {
        assert!(!end.world.nodes[b].kernel.is_alive() && end.world.nodes_of(a).is_empty());
        format!("{}, {}", outcome(end, a, B), outcome(end, b, A))
    });
    assert_eq!(
        explored.outcomes(),
        all([
            "closed, cancelled",
            "connected, cancelled",
            "connected, connected",
            "not there, cancelled",
            "not there, connected",
            "timed out, cancelled",
        ])
    );
}
