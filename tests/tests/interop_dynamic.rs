//! Nodes that are given their names: the same with a real node and with ours, as the one that gives and the one that is given.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use std::collections::BTreeSet;
use std::thread;

use netkernel_blocking::core::net_kernel::{NodeDownReason, NodeEvent};
use netkernel_blocking::{Item, MonitorOptions, NodeKinds, StartOptions};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::{Mailbox, Node};

const RUST: &str = "rust@127.0.0.1";

fn quiet(release: Release, epmd: &Epmd, name: &str) -> Erl {
    Erl::start(&ErlOptions::new(release, epmd, name).without_auto_connect())
}

/// A real node that gets a name: that, and the creation.
fn named(erl: &Erl, by: &str) -> (String, u32) {
    assert_eq!(erl.eval("node()"), "nonode@nohost");
    assert_eq!(erl.eval(&format!("net_kernel:connect_node('{by}')")), "true");
    let name = erl.eval("node()").replace('\'', "");
    let (first, host) = name.split_once('@').unwrap();
    assert_eq!(host, "127.0.0.1");
    assert!(first.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{name}");
    (name, erl.eval("erlang:system_info(creation)").parse().unwrap())
}

/// Ends the link that brought the name, and waits until both sides have seen it.
fn leaves(erl: &Erl, by: &str, nodes_of_by: impl Fn() -> BTreeSet<String>) {
    let name = erl.eval("node()").replace('\'', "");
    assert_eq!(erl.eval(&format!("erlang:disconnect_node('{by}')")), "true");
    eventually("it has no name again", || erl.eval("node()") == "nonode@nohost");
    eventually("the other side has it no more", || !nodes_of_by().contains(&name));
}

fn connected(erl: &Erl) -> BTreeSet<String> {
    let nodes = erl.eval("nodes(connected)").replace(['\'', '[', ']'], "");
    nodes.split(',').filter(|node| !node.is_empty()).map(Into::into).collect()
}

fn connected_of(node: &Node) -> BTreeSet<String> {
    let nodes = node.nodes(NodeKinds::CONNECTED);
    nodes.iter().map(|info| info.node.as_str().into()).collect()
}

/// The names that `by` gives to two nodes of one host: the name that came back last is given first, with the next creation.
fn expect_pool(one: &Erl, two: &Erl, by: &str, nodes: impl Fn() -> BTreeSet<String> + Copy) {
    let (first, second) = (named(one, by), named(two, by));
    assert_ne!(first.0, second.0);
    assert!(first.1 > 3 && second.1 > 3, "{first:?} {second:?}");
    leaves(one, by, nodes);
    leaves(two, by, nodes);
    let next = |(name, creation): (String, u32)| (name, creation + 1);
    assert_eq!(named(one, by), next(second));
    assert_eq!(named(two, by), next(first.clone()));
    leaves(two, by, nodes);
    assert_eq!(named(two, by), next(next(first)), "what is in use is not given");
    leaves(one, by, nodes);
    leaves(two, by, nodes);
}

/// What `by` gives to two nodes each of two hosts, one after the other: of each node the host, which of that host's names it gets, and by how
/// much the creation has grown since that was given first.
fn sequence(
    epmd: u16,
    by: &str,
    nodes: impl Fn() -> BTreeSet<String>,
) -> Vec<(&'static str, usize, u32)> {
    const HOSTS: [&str; 4] = ["127.0.0.1", "127.0.0.1", "127.0.0.2", "host.test"];
    let asking = HOSTS.map(|host| {
        let node = Node::new(Ours::config(epmd)).unwrap();
        node.start(StartOptions::nameless(host.into())).unwrap();
        node
    });
    let mut first: Vec<(String, u32)> = Vec::new();
    let mut given = Vec::new();
    // Who has a name gives it back, who has none gets one.
    for at in [0, 1, 2, 3, 2, 0, 1, 2, 1, 3, 1, 0, 0, 2, 1, 0, 3, 3] {
        let (node, host) = (&asking[at], HOSTS[at]);
        if let Some(own) = node.identity() {
            assert_eq!(node.disconnect_node(&node_name(by)), Some(true));
            eventually("it has no name again", || node.identity().is_none());
            eventually("the other side has it no more", || !nodes().contains(own.name.as_str()));
            continue;
        }
        node.connect_node(node_name(by)).unwrap();
        let own = node.identity().unwrap();
        assert_eq!(own.name.host(), host);
        let mut of_host = first.iter().filter(|(name, _)| name.split('@').nth(1) == Some(host));
        match of_host.clone().position(|(name, _)| name == own.name.as_str()) {
            Some(which) => {
                let (_, since) = of_host.nth(which).unwrap();
                given.push((host, which, own.creation.0 - since));
            }
            None => {
                given.push((host, of_host.count(), 0));
                first.push((own.name.as_str().to_owned(), own.creation.0));
            }
        }
    }
    given
}

fn next_event(events: &Mailbox) -> NodeEvent {
    match events.recv_timeout(GIVE_UP) {
        Some(Item::Event(event)) => event,
        other => panic!("an event, not {other:?}"),
    }
}

each_release_and_runtime! {
    //= docs/spec/handshake.md#hs-dynamic-pool
    //= type=test
    #[test]
    fn names_given_back_are_given_again_as_by_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let (one, two) = (quiet(release, &epmd, "undefined"), quiet(release, &epmd, "undefined"));
        let b = quiet(release, &epmd, "b");
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        expect_pool(&one, &two, b.name(), || connected(&b));
        expect_pool(&one, &two, RUST, || connected_of(&rust.node));
        // Two pools that know nothing of each other.
        let (of_b, of_ours) = (named(&one, b.name()), named(&two, RUST));
        assert_ne!(of_b.0, of_ours.0);
    }

    //= docs/spec/handshake.md#hs-dynamic-pool
    //= type=test
    #[test]
    fn each_host_has_a_pool_of_its_own_as_with_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let b = quiet(release, &epmd, "b");
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let theirs = sequence(epmd.port(), b.name(), || connected(&b));
        assert_eq!(sequence(epmd.port(), RUST, || connected_of(&rust.node)), theirs);
        let hosts: BTreeSet<_> = theirs.iter().map(|(host, ..)| host).collect();
        assert_eq!(hosts.len(), 3);
        assert!(theirs.iter().any(|&(_, which, _)| which == 1), "two at once: {theirs:?}");
        assert!(theirs.iter().any(|&(.., grown)| grown > 1), "given back twice: {theirs:?}");
    }

    //= docs/spec/kernel.md#kernel-dynamic-lost
    //= type=test
    //= docs/spec/kernel.md#kernel-dynamic-name
    //= type=test
    #[test]
    fn who_loses_its_namer_loses_all_links_as_in_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let (b, c) = (quiet(release, &epmd, "b"), quiet(release, &epmd, "c"));
        let erl = quiet(release, &epmd, "undefined");
        let (name, _) = named(&erl, b.name());
        assert_eq!(erl.eval(&format!("net_kernel:connect_node('{}')", c.name())), "true");
        assert_eq!(connected(&c), [name.clone()].into());
        assert_eq!(b.eval(&format!("erlang:disconnect_node('{name}')")), "true");
        eventually("all is gone", || erl.eval("node()") == "nonode@nohost" && connected(&c).is_empty());
        let (other, _) = named(&erl, c.name());
        assert_ne!(other, name, "another node gives another name");
        assert_eq!(erl.eval(&format!("net_kernel:connect_node('{}')", b.name())), "true");
        assert_eq!(erl.eval(&format!("erlang:disconnect_node('{}')", b.name())), "true");
        assert_eq!(erl.eval("node()").replace('\'', ""), other, "b is not the one that gave it");
        eventually("c alone is left", || connected(&b).is_empty());

        let node = Node::new(Ours::config(epmd.port())).unwrap();
        let events = node.mailbox();
        node.start(StartOptions::nameless("127.0.0.1".into())).unwrap();
        let (to_b, to_c) = (node_name(b.name()), node_name(c.name()));
        node.connect_node(to_b.clone()).unwrap();
        let name = node.identity().unwrap().name;
        node.connect_node(to_c.clone()).unwrap();
        eventually("c has the link, too", || connected(&c).contains(name.as_str()));
        events.monitor_nodes(true, MonitorOptions::ALL);
        assert_eq!(b.eval(&format!("erlang:disconnect_node('{}')", name.as_str())), "true");
        let downs = [next_event(&events), next_event(&events), next_event(&events)];
        assert_eq!(downs.each_ref().map(NodeEvent::node), [&to_b, &to_c, &name]);
        for down in &downs[1..] {
            assert_eq!(down.nodedown_reason(), Some(&NodeDownReason::NetKernelTerminated), "{down}");
        }
        assert_eq!((node.identity(), node.is_alive()), (None, true));
        eventually("c has seen it go", || !connected(&c).contains(name.as_str()));
        node.connect_node(to_c).unwrap();
        let other = node.identity().unwrap().name;
        assert_ne!(other, name);
        node.connect_node(to_b.clone()).unwrap();
        assert_eq!(node.disconnect_node(&to_b), Some(true));
        assert_eq!(node.identity().unwrap().name, other, "b is not the one that gave it");
        assert!(connected(&c).contains(other.as_str()));
    }

    //= docs/spec/kernel.md#kernel-dynamic-wait
    //= type=test
    #[test]
    fn wishes_at_the_same_time_lead_to_one_name(release: Release) {
        let epmd = Epmd::start(release);
        let (b, c) = (quiet(release, &epmd, "b"), quiet(release, &epmd, "c"));
        let node = Node::new(Ours::config(epmd.port())).unwrap();
        node.start(StartOptions::nameless("127.0.0.1".into())).unwrap();
        let callers: Vec<_> = [&b, &c, &b, &c]
            .iter()
            .map(|peer| (node.clone(), node_name(peer.name())))
            .map(|(node, peer)| thread::spawn(move || node.connect_node(peer)))
            .collect();
        for caller in callers {
            caller.join().unwrap().unwrap();
        }
        let name = node.identity().unwrap().name;
        for peer in [&b, &c] {
            assert_eq!(connected(peer), [name.as_str().to_owned()].into());
            node.ping(&node_name(peer.name()), GIVE_UP).unwrap();
        }
    }
}
