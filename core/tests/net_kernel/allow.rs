//! The allow list.

use netkernel_core::handshake::Failure;
use netkernel_core::net_kernel::{ConnectError, Diagnostic, StartOptions};

use netkernel_core::PeerName;

use crate::common::{CONNECTED, auto, config, failed, start_nameless};
use crate::world::{World, name};

const A: &str = "a@vm";
const B: &str = "b@vm";
const C: &str = "c@vm";

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
    assert_eq!(world.nodes[a].kernel.allowed().collect::<Vec<_>>(), ["vm", C]);
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
//= docs/spec/handshake.md#hs-acceptor-told
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
    let told = |claimed: &'static str| Diagnostic::AcceptFailed {
        name: Some(PeerName::new(claimed)),
        error: ConnectError::Handshake(Failure::PeerNotAllowed),
    };
    assert_eq!(world.nodes[a].host.diagnostics, [told(C), told("vm")]);

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

//= docs/spec/kernel.md#kernel-allow-start
//= type=test
#[test]
fn a_list_that_a_node_is_started_with_is_in_force_before_anybody_can_connect() {
    let mut world = World::default();
    let a = world.add(config());
    let options = |text: &str| {
        let allow = vec![C.to_owned(), "x@".to_owned()];
        StartOptions { allow, ..StartOptions::new(name(text)) }
    };
    let entropy = world.entropy(a);
    let now = world.now;
    world.nodes[a].kernel.start(now, options(A), entropy);
    // As soon as the node is alive, before anybody could have called it.
    while !world.nodes[a].kernel.is_alive() {
        world.step(a);
    }
    let early = world.script(a);
    world.settle();
    world.say(early, b"\0\x14N\0\0\0\0\0\0\0\0\0\0\0\x09\0\x05q@far");
    assert_eq!(world.heard(early), b"\0\x0Csnot_allowed");
    let (b, c) = (world.start(B), world.start(C));
    assert_eq!(world.connect(b, A), failed(ConnectError::Handshake(Failure::NotAllowed)));
    assert_eq!(world.connect(c, A), CONNECTED);
    assert_eq!(world.nodes[a].kernel.allow(&[B]), Ok(()), "appends");
    assert_eq!(world.nodes[a].kernel.allowed().collect::<Vec<_>>(), [C, "x@", B]);

    // One that fails leaves no list, and a node without a name has it from the start on, too.
    world.stop(a);
    world.start_again(a, options("b@vm"));
    assert!(!world.nodes[a].kernel.is_alive());
    assert_eq!(world.nodes[a].kernel.allowed().count(), 0);
    let allow = vec![C.to_owned()];
    world.start_again(a, StartOptions { allow, ..StartOptions::nameless("vm".into()) });
    assert_eq!(world.connect(a, B), failed(ConnectError::NotAllowed));
    assert_eq!(world.connect(a, C), CONNECTED);
}
