//! Nodes on IPv6, and nodes without an EPMD, with real ones.
#![expect(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "scenarios are functions that the macro makes tests of"
)]

use core::net::Ipv6Addr;
use std::net::{TcpListener, TcpStream};

use netkernel_blocking::core::Family;
use netkernel_blocking::core::epmd::RegisterError;
use netkernel_blocking::core::net_kernel::mfa::Call;
use netkernel_blocking::core::net_kernel::{NameDomain, OpenError, StartError};
use netkernel_blocking::core::term::Term;
use netkernel_blocking::{NodeConfig, StartOptions, Started};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, free_port};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Node;

fn start(name: &str, config: NodeConfig) -> Result<Node, StartError> {
    let node = Node::new(config).unwrap();
    node.start(StartOptions::new(node_name(name))).map(|_| node)
}

/// A node of Erlang's on a host.
fn erl(release: Release, epmd: u16, host: &str, args: &[&str]) -> Result<Erl, String> {
    let mut options = ErlOptions::at(release, epmd, "b");
    host.clone_into(&mut options.host);
    options.args.extend(args.iter().map(|arg| (*arg).to_owned()));
    Erl::try_start(&options)
}

/// Ends the link, and waits until both know.
fn part(ours: &Node, erl: &Erl, left: &str) {
    assert_eq!(ours.disconnect_node(&node_name(erl.name())), Some(true));
    eventually("the link is gone", || erl.eval("nodes(connected)") == left);
}

/// A port that nobody listens on, as long as the stream lives: it is one end of it.
fn port_of_nobody() -> (TcpStream, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let port = stream.local_addr().unwrap().port();
    (stream, port)
}

/// A node that has the port of all nodes, and that port.
fn start_at_free_port(epmd: u16) -> (Node, u16) {
    let attempt = || {
        let mut config = Ours::config(epmd);
        let port = free_port();
        config.kernel.node_listen_port = Some(port);
        start("rust@127.0.0.1", config).map(|node| (node, port))
    };
    // Somebody else may take it.
    (0..10).find_map(|_| attempt().ok()).unwrap()
}

/// A node at a port on which nobody listens on 127.0.0.1, either. The operating system's own choice may be a neighbour's there.
fn start_on_inet6_at_free_port(epmd: u16) -> (Node, u16) {
    let attempt = || {
        let mut config = Ours::config(epmd);
        config.kernel.family = Family::Inet6;
        let port = free_port();
        config.listen_ports = port..=port;
        start("rust@::1", config).map(|node| (node, port))
    };
    (0..10).find_map(|_| attempt().ok()).unwrap()
}

each_release_and_runtime! {
    //= docs/spec/flags.md#flags-inet6
    //= type=test
    #[test]
    fn nodes_on_ipv6_connect_both_ways(release: Release) {
        let epmd = Epmd::start(release);
        let (rust, port) = start_on_inet6_at_free_port(epmd.port());
        let erl = erl(release, epmd.port(), "::1", &["-proto_dist", "inet6_tcp"]).unwrap();
        let names: Vec<_> =
            rust.names(Family::Inet6.loopback()).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["rust", "b"]);
        rust.ping(&node_name(erl.name()), GIVE_UP).unwrap();
        assert_eq!(erl.eval("nodes()"), "['rust@::1']");
        part(&rust, &erl, "[]");
        assert!(erl.ping("rust@::1"));

        assert_eq!(rust.identity().unwrap().port, Some(port));
        assert!(TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok());
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "loopback, as its name is");
    }

    //= docs/spec/handshake.md#hs-initiator-domain
    //= type=test
    //= docs/spec/kernel.md#kernel-start-domain
    //= type=test
    #[test]
    fn short_names_may_have_an_address_of_ipv6(release: Release) {
        const CALLS: [&str; 6] = [
            "net_kernel:get_state()",
            "net_kernel:connect_node('short@::1')",
            "net_kernel:connect_node('long@::1')",
            "net_kernel:connect_node('short@::ffff:127.0.0.1')",
            "net_kernel:connect_node('short@nobody')",
            "lists:sort(nodes())",
        ];
        let epmd = Epmd::start(release);
        let args = |name: &'static str| ["-proto_dist", "inet6_tcp", "-sname", name];
        let begin = |name: &str, args: &[&str]| {
            let mut options = ErlOptions::at(release, epmd.port(), name).without_auto_connect();
            "::1".clone_into(&mut options.host);
            options.args.extend(args.iter().map(|arg| (*arg).to_owned()));
            Erl::start(&options)
        };
        // Of both flags, the one of short names counts.
        let (short, long) = (begin("short", &args("short@::1")), begin("long", &args("")[..2]));
        let erl = begin("a", &args("a@::1"));
        let theirs: Vec<Term> = CALLS.iter().map(|call| erl.eval(call).replace("a@", "rust@").parse().unwrap()).collect();

        let mut config = Ours::config(epmd.port());
        config.kernel.family = Family::Inet6;
        let rust = Node::new(config).unwrap();
        let options = StartOptions::new(node_name("rust@::1"));
        let (name_domain, started) = (Some(NameDomain::Shortnames), Started::Static);
        rust.start(StartOptions { name_domain, started, ..options }).unwrap();
        let ours = CALLS.map(|call| {
            let call = call.replace("lists:sort(nodes())", "nodes()");
            rust.mailbox().apply(Call::parse(&call, "h").unwrap().unwrap()).unwrap()
        });
        assert_eq!(theirs, ours);
        for peer in [&short, &long] {
            eventually("both are there", || peer.eval("length(nodes())") == "2");
            part(&rust, peer, "['a@::1']");
            assert_eq!(peer.eval("net_kernel:connect_node('rust@::1')"), "true", "{}", peer.name());
        }
    }

    //= docs/spec/flags.md#flags-inet6
    //= type=test
    #[test]
    fn addresses_that_cannot_be_had_are_refused(release: Release) {
        let epmd = Epmd::start(release);
        for (family, bind, proto, interface, error, said) in [
            (Family::Inet, "::1", "inet_tcp", "{0,0,0,0,0,0,0,1}", OpenError::BadAddress, "badarg"),
            (Family::Inet6, "127.0.0.1", "inet6_tcp", "{127,0,0,1}", OpenError::BadAddress, "badarg"),
            (Family::Inet6, "2001:db8::1", "inet6_tcp", "{8193,3512,0,0,0,0,0,1}", OpenError::AddressNotAvailable, "eaddrnotavail"),
        ] {
            let mut config = Ours::config(epmd.port());
            config.kernel.family = family;
            config.bind = Some(bind.parse().unwrap());
            assert_eq!(start("rust@127.0.0.1", config).unwrap_err(), StartError::Listen(error), "{bind}");
            let args = ["-proto_dist", proto, "-kernel", "inet_dist_use_interface", interface];
            let output = erl(release, epmd.port(), "127.0.0.1", &args).unwrap_err();
            assert!(output.contains("register/listen error") && output.contains(said), "{output}");
        }
    }

    //= docs/spec/flags.md#flags-node-listen-port
    //= type=test
    #[test]
    fn a_known_port_needs_no_epmd(release: Release) {
        let (_held, nobody) = port_of_nobody();
        let refused = start("rust@127.0.0.1", Ours::config(nobody)).unwrap_err();
        assert_eq!(refused, StartError::Register(RegisterError::Open(OpenError::Refused)));
        let (rust, port) = start_at_free_port(nobody);
        let identity = rust.identity().unwrap();
        assert!(identity.port == Some(port) && identity.creation.0 >= 4, "{identity:?}");
        let args = [
            "-erl_epmd_port", &port.to_string(), "-kernel", "inet_dist_use_interface", "{127,0,0,2}",
        ];
        let erl = erl(release, nobody, "127.0.0.2", &args).unwrap();
        rust.ping(&node_name(erl.name()), GIVE_UP).unwrap();
        part(&rust, &erl, "[]");
        assert!(erl.ping("rust@127.0.0.1"));
        rust.stop().unwrap();
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the port is closed");
    }
}
