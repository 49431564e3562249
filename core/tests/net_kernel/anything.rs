//! Anything that may happen to three nodes, in any order.

use core::time::Duration;

use netkernel_core::net_kernel::{Input, StartOptions};
use netkernel_core::{Entropy, RequestId};
use proptest::prelude::*;

use crate::common::{SETUP, config, link_of, once};
use crate::world::{Far, World, name};

const A: &str = "a@vm";
const B: &str = "b@vm";
const C: &str = "c@vm";

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
