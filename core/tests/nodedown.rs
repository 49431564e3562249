//! Why links end, with a producer for each reason; and what can be asked of the rows of the table.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod world;

use core::time::Duration;

use netkernel_core::driver::Machine as _;
use netkernel_core::net_kernel::{
    Answer, BadNode, CloseCause, Config, ConnectionInfo, ConnectionState, DistAutoConnect, Input,
    Output, SamplePurpose,
};
use netkernel_core::{NodeType, RequestId, StreamId};
use world::{World, cookie, name, ticktime};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";
const C: &str = "c@127.0.0.1";

const CONNECTED: Option<Answer> = Some(Answer::Connected(Ok(())));
const BAD_NODE: Option<Answer> = Some(Answer::NodeInfo(Err(BadNode)));

fn pair() -> (World, usize, usize) {
    let mut world = World::default();
    let (a, b) = (world.start(A), world.start(B));
    assert_eq!(world.connect(a, B), CONNECTED);
    (world, a, b)
}

/// What node A is told of the end of its link with B.
fn reason_after(what: impl FnOnce(&mut World, usize, usize)) -> String {
    let (mut world, a, b) = pair();
    what(&mut world, a, b);
    world.settle();
    let reasons = world.reasons(a);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    reasons.into_iter().next().unwrap()
}

fn carrier(term: &str) -> String {
    let cause = CloseCause::Carrier(term.parse().unwrap());
    reason_after(|world, a, _| world.end_link(a, cause))
}

fn node_info(world: &mut World, id: usize, node: &str) -> RequestId {
    world.nodes[id].kernel.node_info(world.now, &name(node))
}

fn answer(world: &World, id: usize, request: RequestId) -> Option<Answer> {
    world.nodes[id].host.answers.get(&request).cloned()
}

fn asked(world: &mut World, id: usize, node: &str) -> Option<Answer> {
    let request = node_info(world, id, node);
    world.settle();
    answer(world, id, request)
}

fn state(world: &mut World, id: usize, node: &str) -> Option<ConnectionInfo> {
    match asked(world, id, node) {
        Some(Answer::NodeInfo(info)) => info.ok(),
        other => panic!("{other:?}"),
    }
}

//= docs/spec/nodedown.md#nodedown-connection-closed
//= type=test
#[test]
fn a_peer_that_closes_or_resets_is_connection_closed() {
    assert_eq!(reason_after(|world, a, _| world.link(a).eof = true), "connection_closed");
    let reset = |world: &mut World, a, _| world.end_link(a, CloseCause::Reset);
    assert_eq!(reason_after(reset), "connection_closed");
}

//= docs/spec/nodedown.md#nodedown-disconnect
//= type=test
#[test]
fn a_call_is_disconnect_here_and_connection_closed_there() {
    assert_eq!(reason_after(|world, a, _| _ = world.disconnect(a, B)), "disconnect");
    assert_eq!(reason_after(|world, _, b| _ = world.disconnect(b, A)), "connection_closed");
}

//= docs/spec/nodedown.md#nodedown-emsgsize
//= type=test
//= docs/spec/nodedown.md#nodedown-killed
//= type=test
#[test]
fn a_frame_that_is_too_long_is_emsgsize_and_any_other_bad_one_killed() {
    for (frame, reason) in [
        (&[0xFF; 4][..], "emsgsize"),
        (&[0, 0, 0, 4, 0x70, 131, 97, 5], "killed"),
        (&[0, 0, 0, 4, 0x70, 130, 97, 5], "killed"),
    ] {
        let come = |world: &mut World, a, _| world.link(a).inbox.extend_from_slice(frame);
        assert_eq!(reason_after(come), reason, "{frame:?}");
    }
}

//= docs/spec/nodedown.md#nodedown-net-kernel-terminated
//= type=test
//= docs/spec/nodedown.md#nodedown-no-network
//= type=test
#[test]
fn a_node_that_stops_or_loses_its_listener_takes_its_links_down() {
    assert_eq!(reason_after(|world, a, _| _ = world.stop(a)), "net_kernel_terminated");
    assert_eq!(reason_after(|world, a, _| world.tell(a, Input::ListenerLost)), "no_network");
}

//= docs/spec/nodedown.md#nodedown-net-tick-timeout
//= type=test
//= docs/spec/nodedown.md#nodedown-send-net-tick-failed
//= type=test
#[test]
fn a_tick_ends_a_link_that_is_silent_or_has_no_counters() {
    let silent = |world: &mut World, _, b: usize| {
        world.nodes[b].frozen = true;
        world.pass(Duration::from_secs(80));
    };
    assert_eq!(reason_after(silent), "net_tick_timeout");
    let blind = |world: &mut World, a, _| {
        world.link(a).counters_fail = true;
        world.pass(Duration::from_secs(15));
    };
    assert_eq!(reason_after(blind), "{send_net_tick_failed,{error,einval}}");
}

//= docs/spec/nodedown.md#nodedown-get-status-failed
//= type=test
//= docs/spec/nodedown.md#nodedown-node-info
//= type=test
#[test]
fn an_inquiry_without_counters_ends_the_link_and_is_answered_after_the_nodedown() {
    let failed = "nodedown 'b@127.0.0.1' {get_status_failed,{error,einval}}";
    let (mut world, a, _) = pair();
    world.link(a).counters_fail = true;
    assert_eq!(asked(&mut world, a, B), BAD_NODE);
    let log = &world.nodes[a].host.log;
    assert_eq!(log[log.len() - 2..], [failed, "answer NodeInfo(Err(BadNode))"]);

    let (mut world, a, _) = pair();
    world.link(a).counters_fail = true;
    let request = world.nodes[a].kernel.nodes_info(world.now);
    world.settle();
    assert_eq!(answer(&world, a, request), Some(Answer::NodesInfo(Vec::new())));
    let log = &world.nodes[a].host.log;
    assert_eq!(log[log.len() - 2..], [failed, "answer NodesInfo([])"]);
}

//= docs/spec/nodedown.md#nodedown-connection-setup-failed
//= type=test
#[test]
fn a_host_that_cannot_hand_a_stream_over_says_so() {
    assert_eq!(carrier("connection_setup_failed"), "connection_setup_failed");
}

//= docs/spec/nodedown.md#nodedown-shutdown
//= type=test
#[test]
fn a_carrier_that_was_shut_down_is_shutdown() {
    assert_eq!(carrier("shutdown"), "shutdown");
}

//= docs/spec/nodedown.md#nodedown-carrier
//= type=test
#[test]
fn the_reason_of_a_carrier_is_told_without_its_shutdown() {
    for (term, reason) in [
        ("normal", "connection_closed"),
        ("{shutdown,normal}", "connection_closed"),
        ("{shutdown,idle}", "idle"),
        ("{shutdown,{quic,[1,2]}}", "{quic,[1,2]}"),
        ("{shutdown,shutdown}", "shutdown"),
        ("{shutdown,a,b}", "{shutdown,a,b}"),
        ("{shutdown,{shutdown,x}}", "{shutdown,x}"),
        ("{'shutdown', <<\"gone\">>}", "<<\"gone\">>"),
        ("[shutdown,x]", "[shutdown,x]"),
        ("{tls_alert,'a, b'}", "{tls_alert,'a, b'}"),
    ] {
        assert_eq!(carrier(term), reason);
    }
}

//= docs/spec/nodedown.md#nodedown-first-reason
//= type=test
#[test]
fn the_first_reason_stays_whatever_the_stream_ends_with() {
    let both = |world: &mut World, a: usize, _| {
        let _ = world.nodes[a].kernel.disconnect_node(world.now, &name(B));
        world.end_link(a, CloseCause::Carrier("idle".parse().unwrap()));
    };
    assert_eq!(reason_after(both), "disconnect");
}

//= docs/spec/nodedown.md#nodedown-before-up
//= type=test
#[test]
fn an_attempt_that_fails_has_no_nodedown() {
    let mut world = World::default();
    let a = world.start(A);
    world.script_listens(C);
    assert_eq!(world.connect(a, C), None);
    world.hang_up(0);
    assert!(world.nodes[a].host.log.iter().any(|line| line.ends_with(" attempt")));
    assert!(world.nodes[a].host.events.is_empty());
}

//= docs/spec/nodedown.md#nodedown-node-info
//= type=test
#[test]
fn the_table_tells_state_type_and_counters() {
    let mut world = World::default();
    let mut once = Config::new(cookie("C"), ticktime(60));
    once.auto_connect = DistAutoConnect::Once;
    let a = world.start_with(A, once, false);
    let b = world.start(B);
    assert_eq!(asked(&mut world, a, B), BAD_NODE);
    assert_eq!(asked(&mut world, a, A), BAD_NODE, "oneself");

    assert_eq!(world.connect(a, B), CONNECTED);
    let (received, visible) = (world.link(a).received, Some(NodeType::Visible));
    let up = state(&mut world, a, B).unwrap();
    assert_eq!((up.state, up.node_type), (ConnectionState::Up, visible));
    assert_eq!((up.node, up.received, up.sent), (name(B), received, 2), "a name and a reply");
    assert_eq!(world.nodes_of(a), [B], "asking changes nothing");

    let leaving = world.nodes[a].kernel.disconnect_node(world.now, &name(B));
    let during = node_info(&mut world, a, B);
    world.settle();
    assert!(answer(&world, a, leaving).is_some());
    let Some(Answer::NodeInfo(Ok(closing))) = answer(&world, a, during) else { panic!() };
    assert_eq!((closing.state, closing.node_type), (ConnectionState::Closing, visible));
    assert_eq!((closing.received, closing.sent), (0, 0));

    let barred = state(&mut world, a, B).unwrap();
    assert_eq!((barred.state, barred.node_type), (ConnectionState::Barred, None));
    assert_eq!(asked(&mut world, b, A), BAD_NODE, "not barred there");

    world.script_listens(C);
    let attempt = world.nodes[a].kernel.hidden_connect_node(world.now, name(C));
    world.settle();
    let pending = state(&mut world, a, C).unwrap();
    assert_eq!(
        (pending.state, pending.node_type),
        (ConnectionState::Pending, Some(NodeType::Hidden))
    );
    assert_eq!(answer(&world, a, attempt), None);
}

//= docs/spec/nodedown.md#nodedown-nodes-info
//= type=test
#[test]
fn all_nodes_are_told_in_order_once_the_counters_of_all_are_there() {
    let (mut world, a, _) = pair();
    world.start(C);
    assert_eq!(world.connect(a, C), CONNECTED);
    let now = world.now;
    let kernel = &mut world.nodes[a].kernel;
    let request = kernel.nodes_info(now);
    let samples: Vec<(StreamId, SamplePurpose)> = core::iter::from_fn(|| kernel.poll())
        .filter_map(|output| {
            let Output::Sample { stream, purpose } = output else { return None };
            Some((stream, purpose))
        })
        .collect();
    assert_eq!(samples.len(), 2);
    for (at, &(stream, purpose)) in samples.iter().rev().enumerate() {
        assert_eq!(kernel.poll(), None, "not before all {at} are there");
        let traffic = netkernel_core::liveness::Traffic { received: 7, ..Default::default() };
        kernel.handle(now, Input::Sampled { stream, purpose, traffic: Some(traffic) });
    }
    let Some(Output::Answer { request: of, answer: Answer::NodesInfo(infos) }) = kernel.poll()
    else {
        panic!("no answer")
    };
    assert_eq!(of, request);
    let told: Vec<_> = infos.iter().map(|info| (info.node.as_str(), info.received)).collect();
    assert_eq!(told, [(B, 7), (C, 7)]);
}

//= docs/spec/nodedown.md#nodedown-nodes-info
//= type=test
#[test]
fn a_link_that_ends_before_its_counters_came_is_left_out() {
    let (mut world, a, _) = pair();
    let now = world.now;
    let stream = *world.nodes[a].host.sides.iter().next_back().unwrap().0;
    let kernel = &mut world.nodes[a].kernel;
    let (one, all) = (kernel.node_info(now, &name(B)), kernel.nodes_info(now));
    kernel.handle(now, Input::Closed { stream, cause: CloseCause::Eof });
    let answers: Vec<_> = core::iter::from_fn(|| kernel.poll())
        .filter_map(|output| {
            let Output::Answer { request, answer } = output else { return None };
            Some((request, answer))
        })
        .collect();
    assert_eq!(
        answers,
        [(one, Answer::NodeInfo(Err(BadNode))), (all, Answer::NodesInfo(Vec::new()))]
    );
}
