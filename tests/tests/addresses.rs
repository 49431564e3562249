//! Nodes without EPMD: at ports that are told, and at Unix sockets.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

mod support;

use core::time::Duration;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::net_kernel::{
    ConnectError, NodeDownReason, OpenError, SetupStage, StartError,
};
use netkernel_blocking::core::term::Atom;
use netkernel_blocking::{
    Address, Item, MonitorOptions, NodeConfig, NodeKinds, OptionName, StartOptions,
};
use netkernel_tests::each_runtime;
use netkernel_tests::runtime::{Mailbox, Node, Runtime};
use socket2::{Domain, SockAddr, Socket, Type};
use support::{GIVE_UP, eventually, expect_down, expect_up, term};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

/// A new empty directory, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let id = std::process::id();
        let runtime = Runtime::current();
        let path = std::env::temp_dir().join(format!("nk-{test}-{runtime:?}-{id}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Nobody serves EPMD there.
fn config() -> NodeConfig {
    let mut config = NodeConfig::new(support::cookie(support::COOKIE));
    config.kernel.epmd_port = 1;
    config.kernel.registers = false;
    config
}

fn local(path: &Path) -> Address {
    Address::Local(path.to_str().unwrap().into())
}

fn start(name: &str, config: NodeConfig) -> (Node, Mailbox) {
    let node = Node::new(config).unwrap();
    let events = node.mailbox();
    node.start(StartOptions::new(support::name(name))).unwrap();
    events.monitor_nodes(true, MonitorOptions::ALL);
    (node, events)
}

/// A node at a Unix socket.
fn start_at(name: &str, path: &Path) -> (Node, Mailbox) {
    let mut config = config();
    config.kernel.registers = true;
    config.listen_path = Some(path.into());
    start(name, config)
}

/// That there is a link with all that a link has.
fn expect_link(a: (&Node, &Mailbox), b: (&Node, &Mailbox)) {
    expect_up(a.1, B);
    expect_up(b.1, A);
    a.0.ping(&support::name(B), GIVE_UP).unwrap();
    b.0.ping(&support::name(A), GIVE_UP).unwrap();
    let to = Atom::new("events").unwrap();
    b.1.register(to.clone()).unwrap();
    let long = vec![7; 1 << 20];
    a.1.send_to_name(&to, &support::name(B), term(&long)).unwrap();
    match b.1.recv_timeout(GIVE_UP) {
        Some(Item::Message(message)) => assert_eq!(message.to_vec(), term(&long)),
        other => panic!("the message, not {other:?}"),
    }
    b.1.unregister("events");
}

each_runtime! {
    //= docs/spec/kernel.md#kernel-address
    //= type=test
    //= docs/spec/kernel.md#kernel-unregistered
    //= type=test
    #[test]
    fn nodes_at_ports_that_are_told_need_no_epmd() {
        let (b, in_b) = start(B, config());
        let port = b.identity().unwrap().port.unwrap();
        let mut with_peers = config();
        with_peers.kernel.peers.insert(support::name(B), format!("localhost:{port}").parse().unwrap());
        let (a, in_a) = start(A, with_peers);
        assert!(b.connect_node(support::name(A)).is_err(), "nobody told it where that is");
        a.connect_node(support::name(B)).unwrap();
        expect_link((&a, &in_a), (&b, &in_b));
        assert_eq!(a.disconnect_node(&support::name(B)), Some(true));
        expect_down(&in_a, B, NodeDownReason::Disconnect);
        expect_down(&in_b, A, NodeDownReason::ConnectionClosed);

        let port = a.identity().unwrap().port.unwrap();
        b.set_address(support::name(A), Some(Address::Port { host: "127.0.0.1".into(), port }));
        b.connect_node(support::name(A)).unwrap();
        expect_link((&a, &in_a), (&b, &in_b));
        a.disconnect_node(&support::name(B));
        a.set_address(support::name(B), None);
        assert!(a.connect_node(support::name(B)).is_err(), "EPMD is asked again");
    }

    //= docs/spec/kernel.md#kernel-unix-sockets
    //= type=test
    #[test]
    fn nodes_at_unix_sockets_are_linked_by_their_paths() {
        let folder = Folder::new("link");
        let (at_a, at_b) = (folder.path("a"), folder.path("b"));
        let ((a, in_a), (b, in_b)) = (start_at(A, &at_a), start_at(B, &at_b));
        assert_eq!(b.identity().unwrap().port, None);
        assert!(fs::metadata(&at_b).unwrap().file_type().is_socket());
        a.set_address(support::name(B), Some(local(&at_b)));
        a.connect_node(support::name(B)).unwrap();
        expect_link((&a, &in_a), (&b, &in_b));
        assert_eq!(a.getopts(&support::name(B), vec![OptionName::Keepalive]).unwrap().len(), 1);
        assert_eq!(b.disconnect_node(&support::name(A)), Some(true));
        expect_down(&in_a, B, NodeDownReason::ConnectionClosed);
        expect_down(&in_b, A, NodeDownReason::Disconnect);
        b.set_address(support::name(A), Some(local(&at_a)));
        b.connect_node(support::name(A)).unwrap();
        expect_link((&a, &in_a), (&b, &in_b));

        // The end of one takes its file along, and whoever dials there is told.
        b.stop().unwrap();
        expect_down(&in_a, B, NodeDownReason::ConnectionClosed);
        eventually("the file goes", || !at_b.exists());
        let refused = Err(ConnectError::Dial(OpenError::Refused));
        assert_eq!(a.connect_node(support::name(B)), refused);
        b.start(StartOptions::new(support::name(B))).unwrap();
        a.connect_node(support::name(B)).unwrap();
        assert_eq!(a.nodes(NodeKinds::CONNECTED).len(), 1);
    }

    //= docs/spec/kernel.md#kernel-unix-sockets
    //= type=test
    #[test]
    fn a_dial_waits_for_room_among_those_who_wait_to_be_accepted() {
        let folder = Folder::new("full");
        let at_b = folder.path("b");
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        listener.bind(&SockAddr::unix(&at_b).unwrap()).unwrap();
        listener.listen(1).unwrap();
        listener.set_nonblocking(true).unwrap();
        let dial = || {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket.connect(&SockAddr::unix(&at_b).unwrap()).is_ok().then_some(socket)
        };
        let waiting: Vec<_> = core::iter::from_fn(dial).collect();
        let dialling = |setup_time| {
            let mut config = config();
            config.kernel.setup_time = setup_time;
            config.kernel.peers.insert(support::name(B), local(&at_b));
            start(A, config).0
        };
        let setup_time = Duration::from_secs(2);
        let (a, begin) = (dialling(setup_time), Instant::now());
        let late = a.connect_node(support::name(B)).unwrap_err();
        let dial = [ConnectError::SetupTimeout(SetupStage::Dial), ConnectError::Dial(OpenError::TimedOut)];
        assert!(dial.contains(&late), "{late}");
        assert!(begin.elapsed() >= setup_time - Duration::from_millis(50), "it is not given up at once");

        // Once there is room, it is taken.
        let caller = dialling(2 * GIVE_UP);
        let call = thread::spawn(move || caller.connect_node(support::name(B)));
        for _ in &waiting {
            listener.accept().unwrap();
        }
        // It comes after those, and is the first to send; the other may have tried once more.
        eventually("it is there", || match listener.accept() {
            Ok((mut next, _)) => {
                next.set_nonblocking(false).unwrap();
                next.set_read_timeout(Some(GIVE_UP)).unwrap();
                next.read(&mut [0; 1]).is_ok_and(|n| n == 1)
            }
            Err(_) => false,
        });
        assert!(call.join().unwrap().is_err(), "nobody answers it");
        drop(waiting);
    }

    //= docs/spec/kernel.md#kernel-unix-sockets
    //= type=test
    #[test]
    fn one_of_two_nodes_has_a_deserted_path_and_the_other_leaves_it_alone() {
        let folder = Folder::new("two");
        let path = folder.path("s");
        for _ in 0..10 {
            drop(UnixListener::bind(&path).unwrap());
            let begin = Barrier::new(2);
            let runtime = Runtime::current();
            let started: Vec<_> = thread::scope(|scope| {
                let starts = [A, "c@127.0.0.1"].map(|name| {
                    let (begin, path) = (&begin, &path);
                    scope.spawn(move || runtime.with(|| {
                        let mut config = config();
                        config.listen_path = Some(path.clone());
                        let node = Node::new(config).unwrap();
                        begin.wait();
                        let result = node.start(StartOptions::new(support::name(name)));
                        (node, result.map(drop))
                    }))
                });
                starts.into_iter().map(|start| start.join().unwrap()).collect()
            });
            let taken = Err(StartError::Listen(OpenError::AddressInUse));
            let (first, second) = (&started[0].1, &started[1].1);
            assert!([(first, second), (second, first)].contains(&(&Ok(()), &taken)), "{first:?} {second:?}");
            let (mut there, mut other): (Vec<_>, Vec<_>) =
                started.into_iter().partition(|(_, result)| result.is_ok());
            drop(other.pop());
            let node = there.pop().unwrap().0;
            let own = node.identity().unwrap().name;
            let (b, _) = start(B, config());
            b.set_address(own.clone(), Some(local(&path)));
            b.connect_node(own).unwrap();
            node.stop().unwrap();
            eventually("the file goes", || !path.exists());
        }
    }

    //= docs/spec/kernel.md#kernel-unix-sockets
    //= type=test
    #[test]
    fn the_file_of_another_stays_when_a_node_stops() {
        let folder = Folder::new("other");
        let path = folder.path("s");
        let (a, _) = start_at(A, &path);
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        a.stop().unwrap();
        // A second start comes after the end of the first.
        let mut config = config();
        config.listen_path = Some(path.clone());
        let taken = Some(StartError::Listen(OpenError::AddressInUse));
        assert_eq!(Node::new(config).unwrap().start(StartOptions::new(support::name(B))).err(), taken);
        assert!(path.exists());
    }

    //= docs/spec/kernel.md#kernel-unix-sockets
    //= type=test
    #[test]
    fn a_file_that_is_in_the_way_is_replaced_only_if_it_is_a_deserted_socket() {
        let folder = Folder::new("file");
        let failure = |path: &Path| {
            let mut config = config();
            config.listen_path = Some(path.into());
            Node::new(config).unwrap().start(StartOptions::new(support::name(A))).err()
        };
        let taken = Some(StartError::Listen(OpenError::AddressInUse));
        let (file, used, deserted) = (folder.path("file"), folder.path("used"), folder.path("left"));
        fs::write(&file, "mine").unwrap();
        assert_eq!(failure(&file), taken);
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        let _other = UnixListener::bind(&used).unwrap();
        assert_eq!(failure(&used), taken);
        drop(UnixListener::bind(&deserted).unwrap());
        assert!(deserted.exists());
        let (_a, _) = start_at(A, &deserted);
        assert!(matches!(failure(&folder.path("no/such/folder")), Some(StartError::Listen(OpenError::Other(_)))));
        assert!(matches!(failure(&folder.path(&"x".repeat(200))), Some(StartError::Listen(OpenError::Other(_)))));
    }
}
