//! Nodes that are dialled without asking an EPMD, and nodes that none knows.

use core::time::Duration;

use netkernel_core::Family;
use netkernel_core::driver::Machine as _;
use netkernel_core::net_kernel::{
    Address, Answer, ConnectError, OpenError, Output, SetupStage, StartOptions,
};

use crate::common::{CONNECTED, SETUP, config, failed};
use crate::world::{World, name};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

fn at(host: &str, port: u16) -> Address {
    Address::Port { host: host.into(), port }
}

/// A node that no EPMD knows.
fn unregistered(world: &mut World, node: &str) -> usize {
    let mut config = config();
    config.registers = false;
    let id = world.add(config);
    let started = world.start_again(id, StartOptions::new(name(node)));
    assert_eq!(started, Some(Answer::Started(Ok(name(node)))));
    id
}

//= docs/spec/kernel.md#kernel-address
//= type=test
//= docs/spec/kernel.md#kernel-unregistered
//= type=test
#[test]
fn who_knows_an_address_asks_no_epmd() {
    let mut world = World::default();
    world.epmd_down = true;
    let (a, b) = (unregistered(&mut world, A), unregistered(&mut world, B));
    assert!(world.epmd.is_empty());
    let creations = [a, b].map(|id| world.nodes[id].kernel.creation().unwrap().0);
    assert!(creations.iter().all(|&creation| creation > 3) && creations[0] != creations[1]);
    assert!(world.connect(a, B) != CONNECTED, "an EPMD is asked, and there is none");

    let port = world.nodes[b].host.port.unwrap();
    world.nodes[a].kernel.set_address(name(B), Some(at("127.0.0.1", port)));
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(world.nodes_of(b), [A]);
    world.disconnect(a, B);
    assert_eq!(world.connect(a, B), CONNECTED, "it is kept");
    world.disconnect(a, B);
    world.nodes[a].kernel.set_address(name(B), None);
    assert!(world.connect(a, B) != CONNECTED, "EPMD is asked again");

    // It is in the configuration of another, whose first node gives it a name.
    let mut with_peers = config();
    with_peers.peers.insert(name(B), at("127.0.0.1", port));
    let c = world.add(with_peers);
    world.start_again(c, StartOptions::nameless("127.0.0.1".into()));
    assert_eq!(world.connect(c, B), CONNECTED);
    assert_eq!(world.nodes_of(c), [B]);
}

//= docs/spec/kernel.md#kernel-address
//= type=test
#[test]
fn an_address_where_nobody_is_fails_as_a_dial() {
    let mut world = World::default();
    let a = world.start(A);
    world.start(B);
    world.black_holes.push(7);
    for (address, error) in [
        (at("127.0.0.1", 9), ConnectError::Dial(OpenError::Refused)),
        (at("nowhere.example", 9), ConnectError::Dial(OpenError::Resolve)),
        (Address::Local("/nowhere".into()), ConnectError::Dial(OpenError::Refused)),
    ] {
        world.nodes[a].kernel.set_address(name(B), Some(address));
        assert_eq!(world.connect(a, B), failed(error));
    }
    world.nodes[a].kernel.set_address(name(B), Some(at("127.0.0.1", 7)));
    let request = world.nodes[a].kernel.connect_node(world.now, name(B));
    world.settle();
    assert_eq!(world.nodes[a].host.answers.get(&request), None);
    world.pass(SETUP - Duration::from_millis(1));
    assert_eq!(world.nodes[a].host.answers.get(&request), None);
    world.pass(Duration::from_millis(1));
    let error = Err(ConnectError::SetupTimeout(SetupStage::Dial));
    assert_eq!(world.nodes[a].host.answers[&request], Answer::Connected(error));
}

//= docs/spec/kernel.md#kernel-address
//= type=test
#[test]
fn a_host_that_is_an_address_is_dialled_in_its_own_family_and_any_other_in_that_of_the_node() {
    for own in [Family::Inet, Family::Inet6] {
        for (address, family) in [
            (at("127.0.0.1", 7), Family::Inet),
            (at("::1", 7), Family::Inet6),
            (at("localhost", 7), own),
            (Address::Local("/run/node".into()), own),
        ] {
            let mut config = config();
            config.family = own;
            let mut world = World::default();
            let a = world.start_with(A, config, false);
            let kernel = &mut world.nodes[a].kernel;
            kernel.set_address(name(B), Some(address.clone()));
            kernel.connect_node(world.now, name(B));
            let dialled = core::iter::from_fn(|| kernel.poll()).find_map(|output| {
                let Output::Open { target, .. } = output else { return None };
                Some((target.address, target.family))
            });
            assert_eq!(dialled, Some((address, family)));
        }
    }
}
