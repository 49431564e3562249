//! The life of a node and its connection table: kinds of nodes, the allow list, automatic and hidden attempts, given names.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod world;

use core::time::Duration;

use netkernel_core::handshake::{Failure, Stage};
use netkernel_core::net_kernel::{
    Answer, AutoConnect, Config, ConnectError, Diagnostic, DistAutoConnect, Input, NameDomain,
    NameType, NetState, NodeKind, NodeKinds, NotAlive, OwnName, SetupStage, StartError,
    StartOptions, Started, StopError, TicktimeState, TimerName,
};
use netkernel_core::{Entropy, LinkId, NameError, NodeName, RequestId};
use proptest::prelude::*;
use world::{Far, World, cookie, name, ticktime};

const A: &str = "a@vm";
const B: &str = "b@vm";
const C: &str = "c@vm";
const SETUP: Duration = Duration::from_secs(7);

const CONNECTED: Option<Answer> = Some(Answer::Connected(Ok(())));

fn failed(error: ConnectError) -> Option<Answer> {
    Some(Answer::Connected(Err(error)))
}

fn config() -> Config {
    Config::new(cookie("C"), ticktime(60))
}

fn once() -> Config {
    let mut config = config();
    config.auto_connect = DistAutoConnect::Once;
    config
}

fn answer(world: &World, id: usize, request: RequestId) -> Option<Answer> {
    world.nodes[id].host.answers.get(&request).cloned()
}

fn hidden_connect(world: &mut World, from: usize, to: &str) -> Option<Answer> {
    let request = world.nodes[from].kernel.hidden_connect_node(world.now, name(to));
    world.settle();
    answer(world, from, request)
}

/// A wish of a sender that saw `seen`; settles.
fn auto(
    world: &mut World,
    from: usize,
    to: &str,
    seen: Option<LinkId>,
) -> Result<AutoConnect, ConnectError> {
    let request = world.nodes[from].kernel.auto_connect(world.now, &name(to), seen);
    world.settle();
    match answer(world, from, request) {
        Some(Answer::AutoConnect(result)) => result,
        other => panic!("answered at once, but {other:?}"),
    }
}

/// The nodes of these kinds, as `name type`.
fn kinds(world: &World, id: usize, kinds: NodeKinds) -> Vec<String> {
    let nodes = world.nodes[id].kernel.nodes(kinds);
    nodes.map(|info| format!("{} {}", info.node.as_str(), info.node_type)).collect()
}

fn link_of(world: &World, id: usize, node: &str) -> Option<LinkId> {
    let mut nodes = world.nodes[id].kernel.nodes(NodeKinds::CONNECTED);
    nodes.find(|info| info.node == name(node)).and_then(|info| info.link)
}

/// The lines of the log after the first `from`.
fn log_after(world: &World, id: usize, from: usize) -> Vec<&str> {
    world.nodes[id].host.log[from..].iter().map(String::as_str).collect()
}

fn start_nameless(world: &mut World) -> usize {
    let id = world.add(config());
    let answer = world.start_again(id, StartOptions::nameless("vm".into()));
    assert_eq!(answer, Some(Answer::Started(Ok(NodeName::nonode()))));
    id
}

//= docs/spec/kernel.md#kernel-nodes
//= type=test
//= docs/spec/kernel.md#kernel-known
//= type=test
#[test]
fn nodes_come_in_kinds_and_each_only_once() {
    let mut world = World::default();
    let a = world.add(once());
    assert_eq!(kinds(&world, a, NodeKinds::KNOWN), ["nonode@nohost this"]);
    world.start_again(a, StartOptions::new(name(A)));
    world.start(B);
    world.start_with(C, config(), true);
    world.start("gone@vm");
    for node in [B, C, "gone@vm"] {
        assert_eq!(world.connect(a, node), CONNECTED);
    }
    world.disconnect(a, "gone@vm");
    world.script_listens("silent@vm");
    assert_eq!(world.connect(a, "silent@vm"), None);

    assert_eq!(kinds(&world, a, NodeKinds::VISIBLE), ["b@vm visible"]);
    assert_eq!(kinds(&world, a, NodeKinds::HIDDEN), ["c@vm hidden"]);
    assert_eq!(kinds(&world, a, NodeKinds::CONNECTED), ["b@vm visible", "c@vm hidden"]);
    assert_eq!(kinds(&world, a, NodeKinds::THIS), ["a@vm this"]);
    let known = ["b@vm visible", "c@vm hidden", "gone@vm known", "silent@vm known", "a@vm this"];
    assert_eq!(kinds(&world, a, NodeKinds::KNOWN), known);
    assert_eq!(kinds(&world, a, NodeKinds::KNOWN | NodeKinds::VISIBLE | NodeKinds::THIS), known);
    assert_eq!(kinds(&world, a, NodeKinds::THIS | NodeKinds::HIDDEN), ["c@vm hidden", "a@vm this"]);
    for info in world.nodes[a].kernel.nodes(NodeKinds::KNOWN) {
        let linked = matches!(info.node_type, NodeKind::Visible | NodeKind::Hidden);
        assert_eq!(info.connection_id().is_some(), linked, "{info:?}");
    }
}

//= docs/spec/kernel.md#kernel-state
//= type=test
//= docs/spec/kernel.md#kernel-start
//= type=test
#[test]
fn the_state_tells_how_the_node_was_started_and_who_chose_its_name() {
    let mut world = World::default();
    let a = world.add(config());
    let state = |world: &World| world.nodes[a].kernel.get_state();
    assert_eq!((state(&world), world.nodes[a].kernel.is_alive()), (None, false));
    let request = world.nodes[a].kernel.start(
        world.now,
        StartOptions { started: Started::Static, ..StartOptions::new(name("a@127.0.0.1")) },
        Entropy::new([1; 16]),
    );
    assert_eq!(state(&world), None, "not before EPMD has answered");
    world.settle();
    let started = Answer::Started(Ok(name("a@127.0.0.1")));
    assert_eq!(answer(&world, a, request), Some(started));
    let expected = NetState {
        started: Started::Static,
        name: Some(name("a@127.0.0.1")),
        name_type: NameType::Static,
        name_domain: NameDomain::Longnames,
    };
    assert_eq!(state(&world), Some(expected));
    assert_eq!(world.start_again(a, StartOptions::new(name(B))), already_started());

    assert_eq!(world.stop(a), Some(Answer::Stopped(Err(StopError::NotAllowed))));
    assert!(world.nodes[a].kernel.is_alive());
    let now = world.now;
    let halted = world.nodes[a].kernel.halt(now);
    world.settle();
    assert_eq!(answer(&world, a, halted), Some(Answer::Stopped(Ok(()))));
    assert_eq!(state(&world), None);

    world.start_again(a, StartOptions::nameless("vm".into()));
    let expected = NetState {
        started: Started::Dynamic,
        name: None,
        name_type: NameType::Dynamic,
        name_domain: NameDomain::Shortnames,
    };
    assert_eq!(state(&world), Some(expected));
    assert!(world.nodes[a].kernel.is_alive());
    assert_eq!(world.nodes[a].kernel.node(), NodeName::nonode());
    assert_eq!(world.nodes[a].kernel.creation(), None);
}

fn already_started() -> Option<Answer> {
    Some(Answer::Started(Err(StartError::AlreadyStarted)))
}

//= docs/spec/kernel.md#kernel-ignored
//= type=test
#[test]
fn a_node_that_is_not_alive_ignores_calls() {
    let mut world = World::default();
    let a = world.add(config());
    assert_eq!(world.connect(a, B), failed(ConnectError::NotAlive));
    assert_eq!(hidden_connect(&mut world, a, B), failed(ConnectError::NotAlive));
    assert_eq!(world.disconnect(a, B), Some(Answer::Disconnected(Err(NotAlive))));
    assert_eq!(auto(&mut world, a, B, None), Err(ConnectError::NotAlive));
    assert_eq!(world.nodes[a].kernel.allow(&[B]), Err(NotAlive));
    assert_eq!(world.nodes[a].kernel.allowed().count(), 0);
}

//= docs/spec/kernel.md#kernel-stop
//= type=test
//= docs/spec/kernel.md#kernel-stopping
//= type=test
#[test]
fn calls_while_the_node_stops() {
    let mut world = World::default();
    let (a, _) = (world.start(A), world.start(B));
    world.script_listens("silent@vm");
    assert_eq!(world.stop(a), Some(Answer::Stopped(Ok(()))));
    assert_eq!(world.stop(a), Some(Answer::Stopped(Err(StopError::NotFound))));
    world.start_again(a, StartOptions::new(name(A)));
    assert_eq!(world.connect(a, B), CONNECTED);

    let (now, kernel) = (world.now, &mut world.nodes[a].kernel);
    let pending = kernel.connect_node(now, name("silent@vm"));
    let down = kernel.disconnect_node(now, &name(B));
    let again = kernel.connect_node(now, name(B));
    let stop = kernel.stop(now);
    assert!(!kernel.is_alive());
    let late = kernel.connect_node(now, name(B));
    let start = kernel.start(now, StartOptions::new(name(A)), Entropy::new([1; 16]));
    let second = kernel.stop(now);
    assert_eq!(kernel.allow(&[B]), Err(NotAlive));
    let before = world.nodes[a].host.log.len();
    world.settle();
    assert_eq!(
        log_after(&world, a, before),
        [
            "attempting silent@vm",
            "disconnected silent@vm attempt",
            "answer Connected(Err(Cancelled))",
            "answer Connected(Err(NotAlive))",
            "answer Started(Err(AlreadyStarted))",
            "disconnected b@vm link",
            "nodedown b@vm disconnect",
            "answer Disconnected(Ok(true))",
            "answer Connected(Err(Cancelled))",
            "not alive",
            "answer Stopped(Ok(()))",
            "answer Stopped(Ok(()))",
        ]
    );
    for (request, expected) in [
        (pending, Answer::Connected(Err(ConnectError::Cancelled))),
        (down, Answer::Disconnected(Ok(true))),
        (again, Answer::Connected(Err(ConnectError::Cancelled))),
        (late, Answer::Connected(Err(ConnectError::NotAlive))),
        (start, already_started().unwrap()),
        (stop, Answer::Stopped(Ok(()))),
        (second, Answer::Stopped(Ok(()))),
    ] {
        assert_eq!(answer(&world, a, request), Some(expected));
    }
}

//= docs/spec/kernel.md#kernel-allow-outgoing
//= type=test
//= docs/spec/kernel.md#kernel-allow-life
//= type=test
#[test]
fn an_allow_list_grows_leaves_links_alone_and_goes_with_the_node() {
    let mut world = World::default();
    let (a, b) = (world.start(A), world.start(B));
    let c = world.start(C);
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(world.nodes[a].kernel.allow(&[]), Ok(()));
    assert_eq!(world.nodes[a].kernel.allow(&["vm"]), Ok(()));
    assert_eq!(world.nodes_of(a), [B], "links stay");
    assert_eq!(world.connect(a, C), failed(ConnectError::NotAllowed), "a host is no node");
    assert_eq!(world.nodes[a].kernel.allow(&[C]), Ok(()));
    assert_eq!(world.nodes[a].kernel.allowed().collect::<Vec<_>>(), [C, "vm"]);
    assert_eq!(world.connect(a, C), CONNECTED);
    world.disconnect(a, B);
    assert_eq!(world.connect(a, B), failed(ConnectError::NotAllowed));
    assert_eq!(auto(&mut world, a, "x@vm", None), Err(ConnectError::NotAllowed));
    assert_eq!(world.connect(b, A), CONNECTED, "the host is on the list, for incoming ones");
    world.stop(a);
    world.start_again(a, StartOptions::new(name(A)));
    assert_eq!(world.nodes[a].kernel.allowed().count(), 0);
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(world.nodes_of(c), Vec::<String>::new());
}

//= docs/spec/kernel.md#kernel-allow-incoming
//= type=test
//= docs/spec/kernel.md#kernel-allow-life
//= type=test
#[test]
fn a_peer_that_is_not_allowed_is_told_so_by_the_list_of_when_it_came() {
    let mut world = World::default();
    let (a, b) = (world.start(A), world.start(B));
    let (early, nameless) = (world.script(a), start_nameless(&mut world));
    assert_eq!(world.nodes[a].kernel.allow(&["x@vm", "b@", "elsewhere"]), Ok(()));
    assert_eq!(world.connect(b, A), CONNECTED, "by its name on any host");
    let c = world.start(C);
    let refused = failed(ConnectError::Handshake(Failure::NotAllowed));
    assert_eq!(world.connect(c, A), refused);
    assert_eq!(world.connect(nameless, A), refused, "its host is not on the list");
    let told = Diagnostic::AcceptFailed {
        name: None,
        error: ConnectError::Handshake(Failure::PeerNotAllowed),
    };
    assert_eq!(world.nodes[a].host.diagnostics.last(), Some(&told));

    // A name without a single flag: the list comes first. Another list was in force for the connection that was there before.
    let bare = b"\0\x14N\0\0\0\0\0\0\0\0\0\0\0\x09\0\x05q@far";
    let late = world.script(a);
    for script in [early, late] {
        world.say(script, bare);
        assert_eq!(world.heard(script), b"\0\x0Csnot_allowed");
    }
    let errors: Vec<_> = world.nodes[a].host.diagnostics.iter().rev().take(2).collect();
    let by_the_list = |told: &Diagnostic| {
        let listed = ConnectError::Handshake(Failure::PeerNotAllowed);
        matches!(told, Diagnostic::AcceptFailed { error, .. } if *error == listed)
    };
    assert!(by_the_list(errors[0]) && !by_the_list(errors[1]), "{errors:?}");
}

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
    assert_eq!(answer(&world, d, wish), Some(Answer::AutoConnect(Ok(AutoConnect::Begun))));
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
fn a_ticktime_that_was_changed_without_a_name_stays_when_the_name_comes_and_goes() {
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
    assert!(world.nodes[d].kernel.node() == NodeName::nonode() && is_20(&world));
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

/// Something that happens in a world of three nodes. Nodes are numbers from 0 to 2, links are taken by their number.
#[derive(Clone, Debug)]
enum Event {
    Connect(usize, usize, bool),
    Auto(usize, usize, bool),
    Disconnect(usize, usize),
    Stop(usize),
    Start(usize),
    ListenerLost(usize),
    /// A stream between two nodes is reset.
    Cut(usize, usize),
    Step(usize),
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let node = 0..3_usize;
    prop_oneof![
        6 => (node.clone(), node.clone(), any::<bool>()).prop_map(|(a, b, hidden)| Event::Connect(a, b, hidden)),
        2 => (node.clone(), node.clone(), any::<bool>()).prop_map(|(a, b, late)| Event::Auto(a, b, late)),
        3 => (node.clone(), node.clone()).prop_map(|(a, b)| Event::Disconnect(a, b)),
        1 => node.clone().prop_map(Event::Stop),
        2 => node.clone().prop_map(Event::Start),
        1 => node.clone().prop_map(Event::ListenerLost),
        2 => (node.clone(), 0..8_usize).prop_map(|(a, n)| Event::Cut(a, n)),
        20 => node.prop_map(Event::Step),
        2 => (0..9000_u64).prop_map(Event::Pass),
    ]
}

const NAMES: [&str; 3] = [A, B, C];

/// The third node is nameless, so that names come and go.
fn options(id: usize) -> StartOptions {
    if id == 2 { StartOptions::nameless("vm".into()) } else { StartOptions::new(name(NAMES[id])) }
}

fn happen(world: &mut World, event: &Event, asked: &mut Vec<(usize, RequestId)>) {
    let now = world.now;
    match *event {
        Event::Connect(from, to, hidden) => {
            let (kernel, to) = (&mut world.nodes[from].kernel, name(NAMES[to]));
            let request = if hidden {
                kernel.hidden_connect_node(now, to)
            } else {
                kernel.connect_node(now, to)
            };
            asked.push((from, request));
        }
        Event::Auto(from, to, late) => {
            let seen = if late { None } else { link_of(world, from, NAMES[to]) };
            asked.push((from, world.nodes[from].kernel.auto_connect(now, &name(NAMES[to]), seen)));
        }
        Event::Disconnect(from, to) => {
            asked.push((from, world.nodes[from].kernel.disconnect_node(now, &name(NAMES[to]))));
        }
        Event::Stop(id) => asked.push((id, world.nodes[id].kernel.stop(now))),
        Event::Start(id) => {
            let entropy = Entropy::new([200 + u8::try_from(id).unwrap(); 16]);
            asked.push((id, world.nodes[id].kernel.start(now, options(id), entropy)));
        }
        Event::ListenerLost(id) => {
            if world.nodes[id].host.port.is_some() {
                world.tell(id, Input::ListenerLost);
            }
        }
        Event::Cut(id, at) => {
            let sides = world.nodes[id].host.sides.iter_mut();
            let mut peers = sides.filter(|(_, side)| matches!(side.far, Far::Node(..)));
            if let Some((_, side)) = peers.nth(at)
                && let Far::Node(other, stream) = side.far
            {
                side.eof = true;
                if let Some(side) = world.nodes[other].host.sides.get_mut(&stream) {
                    side.eof = true;
                }
            }
        }
        Event::Step(id) => _ = world.step(id),
        Event::Pass(ms) => world.pass(Duration::from_millis(ms)),
    }
}

/// What must hold of what a node has told.
fn check_log(world: &World, id: usize) -> Result<(), TestCaseError> {
    let host = &world.nodes[id].host;
    let mut up: Vec<&str> = Vec::new();
    for line in &host.log {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "nodeup" => {
                prop_assert!(!up.contains(&words[1]), "up twice: {:?}", host.log);
                up.push(words[1]);
            }
            "nodedown" => {
                prop_assert!(up.contains(&words[1]), "down without up: {:?}", host.log);
                up.retain(|node| *node != words[1]);
            }
            _ => {}
        }
    }
    let linked = world.nodes_of(id).len();
    prop_assert_eq!(linked, up.len(), "events and nodes() agree once all is told");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    //= docs/spec/kernel.md#kernel-one-link
    //= type=test
    //= docs/spec/kernel.md#kernel-waiters
    //= type=test
    #[test]
    fn whatever_happens_links_are_single_events_alternate_and_every_call_is_answered_once(
        events in proptest::collection::vec(event(), 0..120), segment in 1..40_usize,
    ) {
        let mut world = World::default();
        world.segment = segment;
        world.add(once());
        world.add(config());
        world.add(config());
        for id in 0..3 {
            world.start_again(id, options(id));
        }
        let mut asked = Vec::new();
        let mut at_start = [0; 3];
        for (id, count) in at_start.iter_mut().enumerate() {
            *count = world.nodes[id].host.log.iter().filter(|line| line.starts_with("answer")).count();
        }
        for event in &events {
            happen(&mut world, event, &mut asked);
        }
        // Long enough for every set-up timer and for each of the wishes that wait for a name.
        world.pass(SETUP * 8);
        for (id, before) in at_start.into_iter().enumerate() {
            let requests: Vec<_> = asked.iter().filter(|(from, _)| *from == id).collect();
            let host = &world.nodes[id].host;
            for (_, request) in &requests {
                prop_assert!(host.answers.contains_key(request), "{request:?}: {:?}", host.log);
            }
            let answers = host.log.iter().filter(|line| line.starts_with("answer")).count();
            prop_assert_eq!(answers - before, requests.len(), "none is answered twice");
            check_log(&world, id)?;
            let own = world.nodes[id].kernel.node().as_str().to_owned();
            for node in world.nodes_of(id) {
                let other = world.nodes.iter().position(|other| other.kernel.node() == name(&node));
                let seen_by_it = world.nodes_of(other.unwrap());
                prop_assert_eq!(seen_by_it.iter().filter(|seen| **seen == own).count(), 1);
            }
            let promoted = world.nodes_of(id).len();
            let registration = usize::from(host.port.is_some());
            prop_assert_eq!(host.sides.len(), promoted + registration, "no stream is left over");
        }
    }
}
