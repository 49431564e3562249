//! Nodes that serve EPMD themselves, without any daemon.

#![allow(clippy::unwrap_used, reason = "this is test code")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Instant as Moment;

use netkernel_blocking::core::Creation;
use netkernel_blocking::core::epmd::RegisterError;
use netkernel_blocking::core::epmd_server::{Config, StopCause};
use netkernel_blocking::core::net_kernel::{OpenError, StartError};
use netkernel_blocking::{EpmdMode, StartOptions};
use netkernel_tests::our_epmd::OurEpmd;
use netkernel_tests::ports::free_port;
use netkernel_tests::runtime::{Node, Runtime};
use netkernel_tests::serving::{self, name, names, node, wait_for_names};
use netkernel_tests::{GIVE_UP, each_runtime};

const SERVING: [EpmdMode; 2] = [EpmdMode::Auto, EpmdMode::Embedded];

fn start(epmd: EpmdMode, port: u16, called: &str) -> Node {
    let node = node(epmd, port);
    serving::start(&node, called);
    node
}

fn creation(node: &Node, called: &str) -> Creation {
    node.start(StartOptions::new(name(called))).unwrap().creation
}

each_runtime! {
    #[test]
    fn the_first_node_serves_and_when_it_stops_the_next_one_does() {
        for mode in SERVING {
            let port = free_port();
            let a = start(mode, port, "a");
            let b = start(mode, port, "b");
            wait_for_names(port, &["a", "b"]);
            b.connect_node(name("a")).unwrap();
            assert_eq!(a.stop(), Ok(()));
            wait_for_names(port, &["b"]);
            // Who comes later finds it there.
            let c = start(EpmdMode::External, port, "c");
            c.connect_node(name("b")).unwrap();
            wait_for_names(port, &["b", "c"]);
            drop((b, c));
        }
    }

    #[test]
    fn nodes_that_start_at_once_find_each_other() {
        for mode in SERVING {
            let port = free_port();
            let nodes: Vec<_> = (0..6).map(|_| node(mode, port)).collect();
            thread::scope(|scope| {
                for (number, node) in nodes.iter().enumerate() {
                    let options = StartOptions::new(name(&format!("n{number}")));
                    scope.spawn(move || node.start(options).unwrap());
                }
            });
            assert_eq!(names(port).unwrap().len(), nodes.len());
            nodes[0].connect_node(name("n5")).unwrap();
        }
    }

    #[test]
    fn a_node_that_serves_nothing_does_not_start_without_a_daemon() {
        let port = free_port();
        let node = node(EpmdMode::External, port);
        let failed = node.start(StartOptions::new(name("a"))).unwrap_err();
        assert_eq!(failed, StartError::Register(RegisterError::Open(OpenError::Refused)));
        assert_eq!(names(port), None);
    }

    #[test]
    fn a_daemon_that_is_there_is_used_and_replaced_when_it_ends() {
        for mode in SERVING {
            let daemon = OurEpmd::start(Runtime::current(), Config::default());
            let port = daemon.port();
            let a = start(mode, port, "a");
            assert_eq!(names(port).unwrap(), ["a"]);
            let before = a.identity().unwrap();
            daemon.handle().stop();
            assert_eq!(daemon.wait_end(), StopCause::Asked);
            wait_for_names(port, &["a"]);
            assert_eq!(a.identity().unwrap(), before, "a node keeps its creation");
            assert_eq!(a.stop(), Ok(()));
            let begin = Moment::now();
            while names(port).is_some() {
                assert!(begin.elapsed() < GIVE_UP, "the service outlives its node");
            }
        }
    }

    #[test]
    fn a_kill_is_refused_while_the_node_is_registered() {
        let port = free_port();
        let a = start(EpmdMode::Embedded, port, "a");
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.write_all(b"\0\x01k").unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"NO");
        assert!(a.is_alive());
        assert_eq!(names(port).unwrap(), ["a"]);
    }

    //= docs/spec/epmd.md#epmd-server-creation
    //= type=test
    #[test]
    fn creations_of_a_node_that_serves_itself_grow_with_each_start() {
        for mode in SERVING {
            let node = node(mode, free_port());
            let mut last = Creation::NONE;
            for _ in 0..5 {
                let next = creation(&node, "a");
                assert!(next > last, "{next:?} after {last:?}");
                last = next;
                assert_eq!(node.stop(), Ok(()));
            }
        }
    }

    #[test]
    fn a_node_on_loopback_serves_on_loopback_only() {
        let port = free_port();
        let _a = start(EpmdMode::Embedded, port, "a");
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
        assert!(TcpStream::connect(("127.0.0.2", port)).is_err(), "an address of this host, too");
    }
}
