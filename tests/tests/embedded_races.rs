//! Nodes of both runtimes that serve EPMD themselves, where several want to at the same moment: one does, and all are there.

#![allow(clippy::unwrap_used, reason = "this is test code")]

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;
use std::time::Instant as Moment;

use netkernel_blocking::{EpmdMode, NodeKinds};
use netkernel_tests::GIVE_UP;
use netkernel_tests::ports::free_port;
use netkernel_tests::runtime::{Node, Runtime};
use netkernel_tests::serving::{self, name, node, start, wait_for_names};

/// How often two nodes of each two runtimes and modes start at once.
const ROUNDS: usize = 30;

/// Every runtime with every mode that serves.
const KINDS: [(Runtime, EpmdMode); 4] = [
    (Runtime::Blocking, EpmdMode::Auto),
    (Runtime::Blocking, EpmdMode::Embedded),
    (Runtime::Smol, EpmdMode::Auto),
    (Runtime::Smol, EpmdMode::Embedded),
];

fn new((runtime, mode): (Runtime, EpmdMode), port: u16) -> Node {
    runtime.with(|| node(mode, port))
}

/// The names that the EPMD at this port knows.
fn names(port: u16) -> Option<BTreeSet<String>> {
    Some(serving::names(port)?.into_iter().collect())
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// Both are registered when their start has succeeded, find each other, and end at once, too.
fn two_at_once(kinds: [(Runtime, EpmdMode); 2], port: u16) {
    let [a, b] = &kinds.map(|kind| new(kind, port));
    let at_once = Barrier::new(2);
    thread::scope(|scope| {
        for (node, called) in [(a, "a"), (b, "b")] {
            scope.spawn(|| {
                at_once.wait();
                start(node, called);
            });
        }
    });
    assert_eq!(names(port).unwrap(), set(["a", "b"]), "{kinds:?}");
    a.connect_node(name("b")).unwrap();
    assert_eq!(a.nodes(NodeKinds::CONNECTED)[0].node, name("b"));
    assert_eq!(b.names("127.0.0.1").unwrap().len(), 2);
    b.ping(&name("a"), GIVE_UP).unwrap();
    thread::scope(|scope| {
        for node in [a, b] {
            scope.spawn(|| {
                at_once.wait();
                assert_eq!(node.stop(), Ok(()));
            });
        }
    });
    // The service ends with its node, and the next round needs the port.
    let begin = Moment::now();
    while names(port).is_some() {
        assert!(begin.elapsed() < GIVE_UP, "{kinds:?}: the service outlives its node");
    }
}

#[test]
fn two_that_start_at_the_same_moment_share_one_epmd() {
    for a in KINDS {
        for b in KINDS {
            let port = free_port();
            for _ in 0..ROUNDS {
                two_at_once([a, b], port);
            }
        }
    }
}

#[test]
fn whoever_is_left_takes_over_from_the_one_that_dies_and_keeps_its_creation() {
    let mut pairs = Vec::new();
    for a in KINDS {
        for b in KINDS {
            let port = free_port();
            let (holder, other) = (new(a, port), new(b, port));
            start(&holder, "holder");
            start(&other, "other");
            holder.connect_node(name("other")).unwrap();
            let before = other.identity().unwrap();
            // Without a word, as if its process were killed.
            drop(holder);
            pairs.push((a, port, other, before));
        }
    }
    for (a, port, other, before) in pairs {
        wait_for_names(port, &["other"]);
        assert_eq!(other.identity().unwrap(), before);
        // The dead one comes back under its name, and is a client now.
        let back = new(a, port);
        start(&back, "holder");
        assert_eq!(names(port).unwrap(), set(["holder", "other"]));
        back.connect_node(name("other")).unwrap();
    }
}

/// All of those who wait try at the same moment, two seconds after the service has ended.
#[test]
fn one_of_many_takes_over_until_nobody_is_left() {
    let port = free_port();
    let kinds = KINDS.into_iter().cycle().take(2 * KINDS.len());
    let mut nodes: Vec<_> =
        kinds.enumerate().map(|(at, kind)| (format!("n{at}"), new(kind, port))).collect();
    for (called, node) in &nodes {
        start(node, called);
    }
    // Often it is the one that serves.
    while nodes.len() > 1 {
        let (_, gone) = nodes.remove(0);
        gone.stop().unwrap();
        wait_for_names(port, &nodes.iter().map(|(called, _)| called.as_str()).collect::<Vec<_>>());
        for (called, _) in &nodes[1..] {
            nodes[0].1.connect_node(name(called)).unwrap();
        }
    }
}
