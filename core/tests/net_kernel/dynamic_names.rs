//! A node that gets its name from its first link.

use netkernel_core::handshake::{Own, Stage};
use netkernel_core::net_kernel::{
    Answer, AutoConnect, CloseCause, ConnectError, NameType, NodeKinds, OwnName, SetupStage,
    StartError, StartOptions, TicktimeState, TimerName,
};
use netkernel_core::{LinkId, NameError, NodeName, PeerName};

use crate::common::{
    CONNECTED, SETUP, answer, auto, config, failed, kinds, link_of, log_after, once, start_nameless,
};
use crate::scripted::ScriptedInitiator;
use crate::world::{World, name};

const A: &str = "a@vm";
const B: &str = "b@vm";
const C: &str = "c@vm";

//= docs/spec/kernel.md#kernel-dynamic-name
//= type=test
#[test]
fn the_first_link_brings_the_name_before_it_carries_anything() {
    let mut world = World::default();
    world.start(B);
    world.start(C);
    let d = start_nameless(&mut world);
    assert!(world.nodes[d].host.sides.is_empty() && world.nodes[d].host.port.is_none());
    let before = world.nodes[d].host.log.len();
    assert_eq!(world.connect(d, B), CONNECTED);
    let given = world.nodes[d].kernel.node();
    let creation = world.nodes[d].kernel.creation().unwrap();
    assert_eq!((given.host(), creation.0 > 3), ("vm", true));
    assert_eq!(
        log_after(&world, d, before),
        [
            "attempting b@vm",
            &format!("alive {given} {}", creation.0),
            "nodeup b@vm hidden",
            "promote b@vm",
            "answer Connected(Ok(()))",
        ]
    );
    let state = world.nodes[d].kernel.get_state().unwrap();
    assert_eq!((state.name, state.name_type), (Some(given.clone()), NameType::Dynamic));
    assert_eq!(world.connect(d, C), CONNECTED, "under the name that it has now");
    assert_eq!(kinds(&world, 1, NodeKinds::CONNECTED), [format!("{} hidden", given.as_str())]);
    assert!(world.ping(d, B));
    let no_host = OwnName::Dynamic { host: "a b".into() };
    let bad = StartOptions { name: no_host, ..StartOptions::new(name(A)) };
    let e = world.add(config());
    let error = StartError::Name(NameError::IllegalHost);
    assert_eq!(world.start_again(e, bad), Some(Answer::Started(Err(error))));
}

//= docs/spec/kernel.md#kernel-dynamic-wait
//= type=test
#[test]
fn wishes_wait_for_the_name_in_their_order() {
    let mut world = World::default();
    let (b, c) = (world.start(B), world.start(C));
    world.script_listens("silent@vm");
    let d = start_nameless(&mut world);
    let before = world.nodes[d].host.log.len();
    let (now, kernel) = (world.now, &mut world.nodes[d].kernel);
    let silent = kernel.connect_node(now, name("silent@vm"));
    let refused = kernel.connect_node(now, name("far@away.long"));
    let to_c = kernel.connect_node(now, name(C));
    let wish = kernel.auto_connect(now, &name(B), None);
    let to_b = [kernel.connect_node(now, name(B)), kernel.hidden_connect_node(now, name(B))];
    world.pass(SETUP);
    let stage = SetupStage::Handshake(Stage::Status);
    assert_eq!(answer(&world, d, silent), failed(ConnectError::SetupTimeout(stage)));
    let domain = ConnectError::Name(NameError::OtherDomain);
    assert_eq!(answer(&world, d, refused), failed(domain));
    assert_eq!(answer(&world, d, wish), Some(Answer::AutoConnect(Ok(AutoConnect::Deferred))));
    for request in [to_c, to_b[0], to_b[1]] {
        assert_eq!(answer(&world, d, request), CONNECTED);
    }
    let attempts: Vec<_> = log_after(&world, d, before)
        .into_iter()
        .filter(|line| line.starts_with("attempting") || line.starts_with("promote"))
        .collect();
    assert_eq!(
        attempts,
        [
            "attempting silent@vm",
            "attempting c@vm",
            "promote c@vm",
            "attempting b@vm",
            "promote b@vm"
        ]
    );
    assert_eq!((world.nodes_of(b).len(), world.nodes_of(c).len()), (1, 1));
}

//= docs/spec/ticktime.md#ticktime-while-alive
//= type=test
#[test]
fn a_ticktime_that_was_changed_without_a_name_stays_when_the_name_comes_and_ends_when_it_goes() {
    let mut world = World::default();
    let b = world.start(B);
    let d = start_nameless(&mut world);
    let now = world.now;
    world.nodes[d].kernel.set_net_ticktime(now, 20, 0).unwrap().unwrap();
    let is_20 =
        |world: &World| world.nodes[d].kernel.get_net_ticktime() == Some(TicktimeState::Steady(20));
    assert!(is_20(&world));
    assert_eq!(world.connect(d, B), CONNECTED);
    let given = world.nodes[d].kernel.node();
    assert!(given != NodeName::nonode() && is_20(&world));
    world.disconnect(b, given.as_str());
    let kernel = &world.nodes[d].kernel;
    assert_eq!(kernel.node(), NodeName::nonode());
    assert_eq!(kernel.get_net_ticktime(), Some(TicktimeState::Steady(60)), "as it was started");
}

//= docs/spec/kernel.md#kernel-dynamic-lost
//= type=test
#[test]
fn a_lost_namer_takes_the_name_and_all_links_and_then_all_begins_anew() {
    let mut world = World::default();
    let (b, c) = (world.start(B), world.start(C));
    world.script_listens("silent@vm");
    let d = start_nameless(&mut world);
    for node in [B, C] {
        assert_eq!(world.connect(d, node), CONNECTED);
    }
    let (now, kernel) = (world.now, &mut world.nodes[d].kernel);
    kernel.allow(&[B, C, "silent@vm"]).unwrap();
    let pending = kernel.connect_node(now, name("silent@vm"));
    let first = kernel.node();
    let (before, seen) = (world.nodes[d].host.log.len(), link_of(&world, d, C));
    world.disconnect(b, first.as_str());
    assert_eq!(
        log_after(&world, d, before),
        [
            "attempting silent@vm",
            "disconnected b@vm link",
            "nodedown b@vm connection_closed",
            "disconnected silent@vm attempt",
            "answer Connected(Err(Cancelled))",
            "disconnected c@vm link",
            "nodedown c@vm net_kernel_terminated",
            "not alive",
        ]
    );
    assert_eq!(answer(&world, d, pending), failed(ConnectError::Cancelled));
    let kernel = &world.nodes[d].kernel;
    assert!(kernel.is_alive() && kernel.get_state().unwrap().name.is_none());
    let timer = kernel.next_timer().map(|(_, timer)| timer);
    assert_eq!(timer, Some(TimerName::Tick), "the ticker goes on, and nothing else is left");
    assert_eq!(kernel.allowed().count(), 3, "the list stays");
    assert_eq!(world.nodes_of(c), Vec::<String>::new());

    assert_eq!(auto(&mut world, d, C, seen), Ok(AutoConnect::Begun));
    let second = world.nodes[d].kernel.node();
    assert!(second != first && second != NodeName::nonode());

    // A wish while the name is being lost waits for the next one.
    assert_eq!(world.connect(d, B), CONNECTED);
    let now = world.now;
    let down = world.nodes[d].kernel.disconnect_node(now, &name(C));
    let again = world.nodes[d].kernel.connect_node(now, name(C));
    world.settle();
    assert_eq!(answer(&world, d, down), Some(Answer::Disconnected(Ok(true))));
    assert_eq!(answer(&world, d, again), CONNECTED);
    assert_eq!(world.nodes_of(d), [C]);
    assert_eq!(world.stop(d), Some(Answer::Stopped(Ok(()))));
}

//= docs/spec/kernel.md#kernel-dynamic-name
//= type=test
#[test]
fn a_name_may_be_given_on_a_host_beyond_ascii_and_asked_for_again() {
    let mut world = World::default();
    world.start("b@caf\u{e9}");
    let d = world.add(config());
    world.start_again(d, StartOptions::nameless("caf\u{e9}".into()));
    for _ in 0..2 {
        assert_eq!(world.connect(d, "b@caf\u{e9}"), CONNECTED);
        assert_eq!(world.nodes[d].kernel.node().host(), "caf\u{e9}");
        world.disconnect(d, "b@caf\u{e9}");
        assert_eq!(world.nodes[d].kernel.node(), NodeName::nonode());
    }
}

//= docs/spec/kernel.md#kernel-dynamic-wait
//= type=test
#[test]
fn who_waits_for_the_name_that_the_node_is_given_is_connected() {
    let mut world = World::default();
    let b = world.start(B);
    let d = start_nameless(&mut world);
    assert_eq!(world.connect(d, B), CONNECTED);
    let given = world.nodes[d].kernel.node();
    world.disconnect(b, given.as_str());
    // The name that was given last is given again.
    let (now, kernel) = (world.now, &mut world.nodes[d].kernel);
    let to_b = kernel.connect_node(now, name(B));
    let to_itself = kernel.connect_node(now, given.clone());
    world.settle();
    assert_eq!(world.nodes[d].kernel.node(), given);
    assert_eq!([to_b, to_itself].map(|request| answer(&world, d, request)), [CONNECTED; 2]);
    assert_eq!(world.nodes_of(d), [B]);
}

#[test]
fn a_nameless_node_that_stops_answers_who_waits_for_its_name() {
    let mut world = World::default();
    world.script_listens("silent@vm");
    let d = start_nameless(&mut world);
    let (now, kernel) = (world.now, &mut world.nodes[d].kernel);
    let requests = ["silent@vm", B].map(|node| kernel.connect_node(now, name(node)));
    assert_eq!(world.stop(d), Some(Answer::Stopped(Ok(()))));
    for request in requests {
        assert_eq!(answer(&world, d, request), failed(ConnectError::Cancelled));
    }
    assert!(world.nodes[d].host.sides.is_empty() && world.nodes[d].kernel.next_timer().is_none());
}

/// A peer without a name that gets one, comes up and hangs up: its name, and the link.
fn visit(world: &mut World, node: usize) -> (String, Option<LinkId>) {
    let own = Own::Nameless { host: PeerName::new("vm") };
    let mut peer = ScriptedInitiator::begin(world, node, "", Some(own), "C");
    let given = loop {
        if let Some(established) = peer.go_on(world).unwrap() {
            break established.given.unwrap().0;
        }
    };
    let link = link_of(world, node, given.as_str());
    assert!(link.is_some());
    world.hang_up(peer.script);
    (given.as_str().to_owned(), link)
}

//= docs/spec/kernel.md#kernel-barred-names
//= type=test
//= docs/spec/handshake.md#hs-dynamic-pool
//= type=test
#[test]
fn a_given_name_is_given_again_although_it_is_barred() {
    let mut world = World::default();
    let node = world.start_with(B, once(), false);
    let (first, mut last) = visit(&mut world, node);
    for _ in 0..20 {
        let (given, link) = visit(&mut world, node);
        assert_eq!(given, first);
        last = link;
    }
    assert_eq!(
        kinds(&world, node, NodeKinds::KNOWN),
        [format!("{first} known"), "b@vm this".into()]
    );
    assert_eq!(auto(&mut world, node, &first, last), Err(ConnectError::Barred));
}

//= docs/spec/kernel.md#kernel-barred-names
//= type=test
#[test]
fn a_name_that_is_never_given_again_leaves_no_row() {
    let mut world = World::default();
    let node = world.start_with(B, once(), false);
    let own = || Some(Own::Nameless { host: PeerName::new("vm") });
    let mut peers: Vec<_> = Vec::new();
    for _ in 0..100 {
        let mut peer = ScriptedInitiator::begin(&mut world, node, "", own(), "C");
        while peer.go_on(&mut world).unwrap().is_none() {}
        peers.push(peer);
    }
    assert_eq!(world.nodes_of(node).len(), 100);
    for peer in peers {
        world.hang_up(peer.script);
    }
    let known = world.nodes[node].kernel.nodes(NodeKinds::KNOWN).count();
    assert_eq!(known, 64 + 1, "as many as are kept, and this node");
}

//= docs/spec/kernel.md#kernel-deaf
//= type=test
//= docs/spec/kernel.md#kernel-dynamic-lost
//= type=test
#[test]
fn a_node_with_a_given_name_takes_no_connection_and_answers_all_when_the_name_goes() {
    let mut world = World::default();
    world.start(B);
    let d = start_nameless(&mut world);
    assert_eq!(world.connect(d, B), CONNECTED);
    let late = world.script(d);
    assert!(world.scripts[late].closed, "there is no listener that could have accepted it");
    // The namer would say by it that its link is to be replaced.
    let mut successor = ScriptedInitiator::begin(&mut world, d, B, None, "C");
    assert_eq!(world.heard(successor.script), b"");
    successor.step = None;
    let now = world.now;
    let waits = world.nodes[d].kernel.connect_node(now, name(B));
    world.end_link(d, CloseCause::Eof);
    assert_eq!(answer(&world, d, waits), CONNECTED);
}
