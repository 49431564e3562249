//! Links with real nodes without any EPMD: each knows where the other is.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::net::Ipv4Addr;

use netkernel_blocking::core::net_kernel::{ConnectError, OpenError};
use netkernel_blocking::{Address, NodeConfig, NodeKinds, StartOptions};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Erl, ErlOptions, GIVE_UP, Release, free_port};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Node;

const RUST: &str = "rust@127.0.0.2";
/// Where nobody serves EPMD.
const NO_EPMD: u16 = 1;

/// Ours, at this port of an address that the real node does not have.
fn start(port: u16) -> Option<Node> {
    let mut config: NodeConfig = Ours::config(NO_EPMD);
    config.bind = Some(Ipv4Addr::new(127, 0, 0, 2).into());
    config.listen_ports = port..=port;
    config.kernel.registers = false;
    let node = Node::new(config).unwrap();
    node.start(StartOptions::new(node_name(RUST))).ok().map(|_| node)
}

/// A real node for which all nodes listen on this port, and that does so itself.
fn erl(release: Release, port: u16) -> Option<Erl> {
    let mut options = ErlOptions::at(release, NO_EPMD, "b").without_auto_connect();
    options.args.extend(
        ["-erl_epmd_port", &port.to_string(), "-kernel", "inet_dist_use_interface", "{127,0,0,1}"]
            .map(str::to_owned),
    );
    Erl::try_start(&options).ok()
}

/// Both, at one port that was free.
fn pair(release: Release) -> (u16, Node, Erl) {
    for _ in 0..20 {
        let port = free_port();
        if let Some((node, erl)) = start(port).zip(erl(release, port)) {
            return (port, node, erl);
        }
    }
    panic!("no port is free on both addresses");
}

each_release_and_runtime! {
    //= docs/spec/kernel.md#kernel-address
    //= type=test
    //= docs/spec/kernel.md#kernel-unregistered
    //= type=test
    #[test]
    fn links_with_nodes_at_known_ports_need_no_epmd(release: Release) {
        let (port, rust, erl) = pair(release);
        let b = node_name(erl.name());
        // Theirs finds ours by the port that all have.
        assert_eq!(erl.eval(&format!("net_kernel:connect_node('{RUST}')")), "true");
        assert!(erl.ping(RUST));
        rust.ping(&b, GIVE_UP).unwrap();
        assert_eq!(rust.disconnect_node(&b), Some(true));
        eventually("it has seen us go", || erl.eval("nodes()") == "[]");

        // Ours is told.
        assert!(matches!(rust.connect_node(b.clone()), Err(ConnectError::Lookup(_))));
        rust.set_address(b.clone(), Some(Address::Port { host: "127.0.0.1".into(), port }));
        rust.connect_node(b.clone()).unwrap();
        rust.ping(&b, GIVE_UP).unwrap();
        assert_eq!(erl.eval("nodes()"), format!("['{RUST}']"));
        assert_eq!(erl.eval(&format!("erlang:disconnect_node('{RUST}')")), "true");
        eventually("the link goes", || rust.nodes(NodeKinds::CONNECTED).is_empty());
        drop(erl);
        eventually("nobody is there", || {
            rust.connect_node(b.clone()) == Err(ConnectError::Dial(OpenError::Refused))
        });
    }
}
