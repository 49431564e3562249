//! Two nodes of ours over loopback: links, messages, and their ends.

#![allow(clippy::unwrap_used, reason = "this is test code")]

mod support;

use core::time::Duration;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant as Moment;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::epmd::{LookupError, RegisterError};
use netkernel_blocking::core::handshake::{Failure, Stage};
use netkernel_blocking::core::net_kernel::{
    ConnectError, Diagnostic, NetTicktime, NodeDownReason, OpenError, StartError, Started,
    StopError,
};
use netkernel_blocking::core::term::Atom;
use netkernel_blocking::{
    BadNode, ConnectionState, Item, MonitorOptions, NodeConfig, NodeKind, NodeKinds, NotAlive,
    OptionName, OptsError, PingError, SendError, SocketOption, StartOptions,
};
use netkernel_tests::each_runtime;
use netkernel_tests::ports::free_port;
use netkernel_tests::runtime::Node;
use support::*;

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

each_runtime! {
    #[test]
    fn nodes_connect_ping_and_part() {
        let epmd = Epmd::start();
        let ((a, a_box), (b, b_box)) = (epmd.node(A), epmd.node(B));
        a.connect_node(name(B)).unwrap();
        expect_up(&a_box, B);
        expect_up(&b_box, A);
        a.connect_node(name(B)).unwrap();
        assert_eq!(a.nodes(NodeKinds::CONNECTED).len(), 1, "the second call has found the link");
        assert_eq!(a.nodes(NodeKinds::CONNECTED)[0].node_type, NodeKind::Visible);
        a.ping(&name(B), GIVE_UP).unwrap();
        b.ping(&name(A), GIVE_UP).unwrap();
        a.ping(&name(A), GIVE_UP).unwrap();

        let info = a.node_info(&name(B)).unwrap();
        assert_eq!((info.state, info.node_type), (ConnectionState::Up, Some(NodeType::Visible)));
        assert!(info.received > 0 && info.sent >= 3, "a handshake and a ping: {info:?}");
        assert_eq!(a.nodes_info().into_iter().map(|info| info.node).collect::<Vec<_>>(), [name(B)]);

        assert_eq!(a.disconnect_node(&name(B)), Some(true));
        assert!(a.nodes(NodeKinds::CONNECTED).is_empty(), "the call answers after the end");
        assert_eq!(a.node_info(&name(B)), Err(BadNode));
        assert_eq!(a.nodes_info(), []);
        expect_down(&a_box, B, NodeDownReason::Disconnect);
        expect_down(&b_box, A, NodeDownReason::ConnectionClosed);
        assert_eq!(a.disconnect_node(&name(B)), Some(false));

        b.ping(&name(A), GIVE_UP).unwrap();
        expect_up(&a_box, B);
        expect_up(&b_box, A);
    }

    //= docs/spec/kernel.md#kernel-getopts
    //= type=test
    //= docs/spec/kernel.md#kernel-setopts
    //= type=test
    //= docs/spec/kernel.md#kernel-setopts-new
    //= type=test
    #[test]
    fn sockets_of_links_have_the_options_that_were_set() {
        let epmd = Epmd::start();
        let ((a, _a_box), (b, _b_box)) = (epmd.node(A), epmd.node(B));
        a.connect_node(name(B)).unwrap();
        let names = vec![OptionName::Nodelay, OptionName::Keepalive, OptionName::Linger];
        let (nodelay, keepalive, linger) =
            (SocketOption::Nodelay, SocketOption::Keepalive, SocketOption::Linger);
        let new = vec![nodelay(true), keepalive(false), linger(None)];
        assert_eq!(a.getopts(&name(B), names.clone()), Ok(new.clone()));
        let set = vec![nodelay(false), keepalive(true), linger(Some(2))];
        a.setopts(&name(B), set.clone()).unwrap();
        assert_eq!(a.getopts(&name(B), names.clone()), Ok(set.clone()));
        assert_eq!(b.getopts(&name(A), names.clone()), Ok(new), "each has its own socket");

        a.setopts_new(vec![keepalive(true), nodelay(false)]).unwrap();
        assert_eq!(a.getopts(&name(B), names.clone()), Ok(set), "a link that is up keeps what it has");
        let given = vec![nodelay(false), keepalive(true), linger(None)];
        for (from, to) in [(&a, B), (&b, A)] {
            assert_eq!(a.disconnect_node(&name(B)), Some(true));
            eventually("both have seen the end", || b.nodes(NodeKinds::CONNECTED).is_empty());
            assert_eq!(a.getopts(&name(B), names.clone()), Err(OptsError::NoConnection));
            from.connect_node(name(to)).unwrap();
            eventually("both have the link", || !a.nodes(NodeKinds::CONNECTED).is_empty());
            assert_eq!(a.getopts(&name(B), names.clone()), Ok(given.clone()), "dialling {to}");
        }
        assert_eq!(a.stop(), Ok(()));
        assert_eq!(a.setopts(&name(B), Vec::new()), Err(OptsError::NotAlive));
        assert_eq!(a.setopts_new(Vec::new()), Err(OptsError::NotAlive));
        eventually("the name is free", || b.names("127.0.0.1").unwrap().len() == 1);
        a.start(visible(A)).unwrap();
        b.connect_node(name(A)).unwrap();
        eventually("both have the link", || !a.nodes(NodeKinds::CONNECTED).is_empty());
        assert_eq!(a.getopts(&name(B), names), Ok(given), "they outlive a stop");
    }

    #[test]
    fn a_stop_ends_links_and_a_start_begins_anew() {
        let epmd = Epmd::start();
        let (a, a_box, first) = epmd.identified(A, epmd.config());
        let (b, b_box) = epmd.node(B);
        let pid = a_box.pid().unwrap();
        a.connect_node(name(B)).unwrap();
        expect_up(&a_box, B);
        expect_up(&b_box, A);
        assert_eq!(a.stop(), Ok(()));
        expect_down(&a_box, B, NodeDownReason::NetKernelTerminated);
        expect_down(&a_box, A, NodeDownReason::NetKernelTerminated);
        expect_down(&b_box, A, NodeDownReason::ConnectionClosed);
        assert_eq!((a.identity(), a_box.pid()), (None, None));
        assert_eq!(a.stop(), Err(StopError::NotFound));
        assert_eq!(a.connect_node(name(B)), Err(ConnectError::NotAlive));
        assert_eq!(a.disconnect_node(&name(B)), None);

        // The EPMD frees the name when it sees the end of the connection, which is no part of our stop.
        eventually("the name is free", || b.names("127.0.0.1").unwrap().len() == 1);
        let second = a.start(visible(A)).unwrap();
        assert_ne!(first.creation, second.creation);
        assert_ne!(a_box.pid().unwrap(), pid);
        expect_up(&a_box, A);
        b.ping(&name(A), GIVE_UP).unwrap();
        expect_up(&a_box, B);
    }

    #[test]
    fn the_last_handle_stops_the_node() {
        let epmd = Epmd::start();
        let ((a, a_box), (_b, b_box)) = (epmd.node(A), epmd.node(B));
        a.connect_node(name(B)).unwrap();
        expect_up(&b_box, A);
        drop(a);
        a_box.monitor_nodes(false, MonitorOptions::ALL);
        drop(a_box);
        expect_down(&b_box, A, NodeDownReason::ConnectionClosed);
    }

    #[test]
    fn messages_go_both_ways_in_order() {
        const MESSAGES: u32 = 2000;
        let epmd = Epmd::start();
        let ((a, a_box), (_b, b_box)) = (epmd.node(A), epmd.node(B));
        a.connect_node(name(B)).unwrap();
        let (a_pid, b_pid) = (a_box.pid().unwrap(), b_box.pid().unwrap());
        let sender = thread::spawn(move || {
            for number in 0..MESSAGES {
                a_box.send(&b_pid, term(&number.to_be_bytes())).unwrap();
            }
            a_box
        });
        for number in 0..MESSAGES {
            assert_eq!(next_message(&b_box), term(&number.to_be_bytes()));
        }
        let a_box = sender.join().unwrap();
        b_box.send(&a_pid, term(b"back")).unwrap();
        assert_eq!(next_message(&a_box), term(b"back"));
    }

    #[test]
    fn large_messages_pass_the_mark_whole() {
        let epmd = Epmd::start();
        let ((a, a_box), (_b, b_box)) = (epmd.node(A), epmd.node(B));
        a.connect_node(name(B)).unwrap();
        let to = b_box.pid().unwrap();
        let sender = thread::spawn(move || {
            for number in 0..8 {
                a_box.send(&to, term(&vec![number; 3 << 20])).unwrap();
            }
            a_box
        });
        for number in 0..8 {
            assert_eq!(next_message(&b_box), term(&vec![number; 3 << 20]));
        }
        sender.join().unwrap();
        drop(a);
    }

    #[test]
    fn registered_names_are_reached_at_home_and_abroad() {
        let epmd = Epmd::start();
        let ((_a, a_box), (_b, b_box)) = (epmd.node(A), epmd.node(B));
        let shop = Atom::new("shop").unwrap();
        b_box.register(shop.clone()).unwrap();
        a_box.send_to_name(&shop, &name(B), term(b"from afar")).unwrap();
        assert_eq!(next_message(&b_box), term(b"from afar"), "the send has made the link");
        b_box.send_to_name(&shop, &name(B), term(b"from home")).unwrap();
        b_box.send(&b_box.pid().unwrap(), term(b"from me")).unwrap();
        assert_eq!(next_message(&b_box), term(b"from home"));
        assert_eq!(next_message(&b_box), term(b"from me"));

        assert!(b_box.unregister("shop") && !b_box.unregister("shop"));
        a_box.send_to_name(&shop, &name(B), term(b"lost")).unwrap();
        a_box.send(&b_box.pid().unwrap(), term(b"arrives")).unwrap();
        assert_eq!(next_message(&b_box), term(b"arrives"));
    }

    //= docs/spec/flags.md#flags-net-setuptime
    //= type=test
    #[test]
    fn a_setup_time_of_zero_is_the_default() {
        let epmd = Epmd::start();
        let _b = epmd.node(B);
        let mut config = epmd.config();
        config.kernel.setup_time = Duration::ZERO;
        let a = Node::new(config).unwrap();
        a.start(StartOptions::new(name(A))).unwrap();
        a.ping(&name(B), GIVE_UP).unwrap();
    }

    #[test]
    fn messages_that_wait_for_the_link_come_in_order_after_nodeup() {
        let epmd = Epmd::start();
        let ((_a, a_box), (_b, b_box)) = (epmd.node(A), epmd.node(B));
        let to = b_box.pid().unwrap();
        for number in 0..100u8 {
            a_box.send(&to, term(&[number])).unwrap();
        }
        assert!(matches!(b_box.recv_timeout(GIVE_UP), Some(Item::Event(_))), "nodeup is first");
        for number in 0..100u8 {
            assert_eq!(next_message(&b_box), term(&[number]));
        }
    }

    #[test]
    fn sends_to_nobody_are_dropped() {
        let epmd = Epmd::start();
        let ((_a, a_box), (b, b_box)) = (epmd.node(A), epmd.node(B));
        let gone = b_box.pid().unwrap();
        drop(b_box);
        a_box.send(&gone, term(b"nobody")).unwrap();
        b.ping(&name(A), GIVE_UP).unwrap();
        a_box.send_to_name(&Atom::new("x").unwrap(), &name("c@127.0.0.1"), term(b"x")).unwrap();

        let asleep = Node::new(epmd.config()).unwrap().mailbox();
        assert_eq!(asleep.send(&gone, term(b"x")), Err(SendError::NotAlive));
        assert_eq!(asleep.pid(), None);
    }

    #[test]
    fn a_waker_is_called_for_each_item() {
        let epmd = Epmd::start();
        let ((a, a_box), (_b, _b_box)) = (epmd.node(A), epmd.node(B));
        let (calls, called) = channel();
        assert!(a_box.set_waker(move || {
            let _ = calls.send(());
        }));
        assert!(!a_box.set_waker(|| {}), "there is one already");
        a.connect_node(name(B)).unwrap();
        called.recv_timeout(GIVE_UP).unwrap();
        assert!(matches!(a_box.try_recv(), Some(Item::Event(_))));
    }

    #[test]
    fn a_waker_may_end_a_process_of_its_node() {
        let epmd = Epmd::start();
        let ((a, a_box), (_b, b_box)) = (epmd.node(A), epmd.node(B));
        a.connect_node(name(B)).unwrap();
        let other = a.mailbox();
        other.register(Atom::new("other").unwrap()).unwrap();
        let other = Mutex::new(Some(other));
        let (calls, called) = channel();
        a_box.set_waker(move || {
            drop(other.lock().unwrap().take());
            let _ = calls.send(());
        });
        b_box.send(&a_box.pid().unwrap(), term(b"x")).unwrap();
        called.recv_timeout(GIVE_UP).unwrap();
        assert_eq!(a.whereis("other"), None);
    }

    #[test]
    fn a_waker_that_panics_costs_no_link() {
        let epmd = Epmd::start();
        let ((a, a_box), (_b, b_box)) = (epmd.node(A), epmd.node(B));
        a.connect_node(name(B)).unwrap();
        assert!(a_box.set_waker(|| panic!("the waker of this test")));
        let to = a_box.pid().unwrap();
        for message in [b"one", b"two"] {
            b_box.send(&to, term(message)).unwrap();
            assert_eq!(next_message(&a_box), term(message));
        }
        a.ping(&name(B), GIVE_UP).unwrap();
        assert_eq!(a.stop(), Ok(()));
    }

    #[test]
    fn a_hidden_node_that_does_not_listen_can_ping() {
        let epmd = Epmd::start();
        let (b, b_box) = epmd.node(B);
        let a = Node::new(epmd.config()).unwrap();
        let options = StartOptions { hidden: true, listen: false, ..StartOptions::new(name(A)) };
        assert_eq!(a.start(options).unwrap().port, None);
        a.ping(&name(B), GIVE_UP).unwrap();
        expect_up(&b_box, A);
        assert_eq!(b.nodes(NodeKinds::CONNECTED)[0].node_type, NodeKind::Hidden);
        assert_eq!(b.names("127.0.0.1").unwrap().len(), 1, "it is not registered");
    }

    #[test]
    fn a_hidden_connect_makes_a_hidden_link() {
        let epmd = Epmd::start();
        let ((a, a_box), (b, b_box)) = (epmd.node(A), epmd.node(B));
        a.hidden_connect_node(name(B)).unwrap();
        expect_up(&a_box, B);
        expect_up(&b_box, A);
        for node in [&a, &b] {
            assert_eq!(node.nodes(NodeKinds::HIDDEN).len(), 1);
            assert_eq!(node.nodes(NodeKinds::VISIBLE), []);
        }
        let names = a.nodes(NodeKinds::HIDDEN | NodeKinds::THIS);
        assert_eq!(names.iter().map(|info| info.node.as_str()).collect::<Vec<_>>(), [B, A]);
    }

    #[test]
    fn only_allowed_nodes_connect_and_are_dialled() {
        let epmd = Epmd::start();
        let ((a, a_box), (b, b_box)) = (epmd.node(A), epmd.node(B));
        let (c, _c_box) = epmd.node("c@127.0.0.1");
        a.allow(&[B]).unwrap();
        assert_eq!(c.connect_node(name(A)), Err(ConnectError::Handshake(Failure::NotAllowed)));
        assert_eq!(a.connect_node(name("c@127.0.0.1")), Err(ConnectError::NotAllowed));
        b.connect_node(name(A)).unwrap();
        expect_up(&a_box, B);
        expect_up(&b_box, A);
        assert_eq!(a.stop(), Ok(()));
        assert_eq!(a.allow(&[B]), Err(NotAlive));
        assert!(!a.is_alive() && a.get_state().is_none());

        // A start brings its list along: there is no moment at which anybody may come.
        eventually("the name is free", || b.names("127.0.0.1").unwrap().len() == 2);
        a.start(StartOptions { allow: vec![B.to_owned()], ..visible(A) }).unwrap();
        assert_eq!(c.connect_node(name(A)), Err(ConnectError::Handshake(Failure::NotAllowed)));
        assert_eq!(a.connect_node(name("c@127.0.0.1")), Err(ConnectError::NotAllowed));
        b.connect_node(name(A)).unwrap();
    }

    //= docs/spec/nodedown.md#nodedown-no-network
    //= type=test
    #[test]
    #[cfg(target_os = "linux")]
    fn a_listener_that_is_lost_ends_all_links_with_no_network() {
        let epmd = Epmd::start();
        let (a, a_box, identity) = epmd.identified(A, epmd.config());
        let (_b, b_box) = epmd.node(B);
        a.connect_node(name(B)).unwrap();
        expect_up(&a_box, B);
        expect_up(&b_box, A);
        shut_listener(identity.port.unwrap());
        expect_down(&a_box, B, NodeDownReason::NoNetwork);
        expect_down(&a_box, A, NodeDownReason::NoNetwork);
        expect_down(&b_box, A, NodeDownReason::ConnectionClosed);
        eventually("the node is not alive any more", || !a.is_alive());
        eventually("the name is free", || a.names("127.0.0.1").unwrap().len() == 1);
        a.start(visible(A)).unwrap();
    }

    #[test]
    fn a_node_that_was_started_with_its_system_is_not_stopped() {
        let epmd = Epmd::start();
        let node = Node::new(epmd.config()).unwrap();
        node.start(StartOptions { started: Started::Static, ..visible(A) }).unwrap();
        assert_eq!(node.stop(), Err(StopError::NotAllowed));
        assert!(node.is_alive());
        let (b, b_box) = epmd.node(B);
        b.connect_node(name(A)).unwrap();
        expect_up(&b_box, A);
        node.halt();
        assert!(!node.is_alive());
        expect_down(&b_box, A, NodeDownReason::ConnectionClosed);
        node.halt();
    }

    #[test]
    fn a_node_without_a_name_gets_one_with_its_first_link() {
        let epmd = Epmd::start();
        let (b, b_box) = epmd.node(B);
        let a = Node::new(epmd.config()).unwrap();
        let a_box = a.mailbox();
        a_box.monitor_nodes(true, MonitorOptions::ALL);
        a.start(StartOptions::nameless("127.0.0.1".into())).unwrap();
        assert!(a.is_alive() && a.identity().is_none() && a_box.pid().is_none());
        assert_eq!(a.get_state().unwrap().name, None);

        a_box.send(&b_box.pid().unwrap(), term(b"who am I?")).unwrap();
        assert_eq!(next_message(&b_box), term(b"who am I?"), "the send has made the link");
        let given = a.identity().unwrap().name;
        assert_eq!(a.get_state().unwrap().name.as_ref(), Some(&given));
        expect_up(&a_box, given.as_str());
        expect_up(&a_box, B);
        a_box.register(Atom::new("shop").unwrap()).unwrap();
        b_box.send(&a_box.pid().unwrap(), term(b"you")).unwrap();
        assert_eq!(next_message(&a_box), term(b"you"));

        assert_eq!(b.disconnect_node(&given), Some(true));
        expect_down(&a_box, B, NodeDownReason::ConnectionClosed);
        expect_down(&a_box, given.as_str(), NodeDownReason::NetKernelTerminated);
        assert!(a.is_alive() && a.identity().is_none());
    }

    //= docs/spec/kernel.md#kernel-dynamic-wait
    //= type=test
    #[test]
    fn what_is_sent_while_another_node_may_give_the_name_waits_for_its_turn() {
        let epmd = Epmd::start();
        let (_b, b_box) = epmd.node(B);
        let silent = epmd.pretend_silent();
        let mut config = epmd.config();
        config.kernel.setup_time = Duration::from_secs(1);
        let a = Node::new(config).unwrap();
        a.start(StartOptions::nameless("127.0.0.1".into())).unwrap();
        let a_box = a.mailbox();
        thread::scope(|scope| {
            let attempt = scope.spawn(|| a.connect_node(name("silent@127.0.0.1")).unwrap_err());
            let (_stream, _) = silent.accept().unwrap();
            a_box.send(&b_box.pid().unwrap(), term(b"late")).unwrap();
            assert_eq!(next_message(&b_box), term(b"late"));
            attempt.join().unwrap();
        });
    }

    #[test]
    fn a_cut_connection_is_connection_closed_on_both_sides() {
        let epmd = Epmd::start();
        let ((a, a_box), (_b, b_box)) = (epmd.node(A), epmd.node(B));
        let relay = Relay::to(epmd.redirect("b", 1));
        epmd.redirect("b", relay.port);
        a.connect_node(name(B)).unwrap();
        expect_up(&a_box, B);
        expect_up(&b_box, A);
        relay.cut();
        expect_down(&a_box, B, NodeDownReason::ConnectionClosed);
        expect_down(&b_box, A, NodeDownReason::ConnectionClosed);
    }

    #[test]
    fn a_silent_connection_is_net_tick_timeout_but_not_too_soon() {
        let epmd = Epmd::start();
        let mut config = epmd.config();
        config.kernel.net_ticktime = NetTicktime::new(4, 4).unwrap();
        let (a, a_box) = epmd.node_with(A, config.clone());
        let (_b, b_box) = epmd.node_with(B, config);
        let relay = Relay::to(epmd.redirect("b", 1));
        epmd.redirect("b", relay.port);
        a.connect_node(name(B)).unwrap();
        expect_up(&a_box, B);
        expect_up(&b_box, A);
        // Ticks keep a link alive on which nothing is said.
        thread::sleep(Duration::from_secs(6));
        a.ping(&name(B), GIVE_UP).unwrap();
        assert!(!a_box.recv_timeout(Duration::ZERO).is_some_and(|item| matches!(item, Item::Event(_))));

        let start = Moment::now();
        relay.stall();
        expect_down(&a_box, B, NodeDownReason::NetTickTimeout);
        expect_down(&b_box, A, NodeDownReason::NetTickTimeout);
        assert!(start.elapsed() > Duration::from_secs(3) - Duration::from_millis(50));
    }

    #[test]
    fn a_wrong_cookie_is_refused_both_ways_and_harms_nobody() {
        let epmd = Epmd::start();
        let ((a, a_box), (b, _b_box)) = (epmd.node(A), epmd.node(B));
        a.ping(&name(B), GIVE_UP).unwrap();
        let mut config = epmd.config();
        config.kernel.cookie = cookie("WRONG");
        let (c, c_box) = epmd.node_with("c@127.0.0.1", config);

        assert_eq!(c.connect_node(name(A)), Err(ConnectError::PeerClosed(Stage::Ack)));
        assert!(a.connect_node(name("c@127.0.0.1")).is_err());
        for mailbox in [&a_box, &c_box] {
            eventually("a diagnostic tells of the refusal", || {
                matches!(mailbox.try_recv(), Some(Item::Diagnostic(Diagnostic::AcceptFailed { .. })))
            });
        }
        assert_eq!((a.nodes(NodeKinds::CONNECTED).len(), c.nodes(NodeKinds::CONNECTED).len()), (1, 0));

        // With a cookie of their own they get along.
        c.set_cookie(name(A), cookie(COOKIE));
        c.ping(&name(A), GIVE_UP).unwrap();
        b.ping(&name(A), GIVE_UP).unwrap();
    }

    #[test]
    fn starts_fail_by_their_cause() {
        let epmd = Epmd::start();
        let (a, _a_box, identity) = epmd.identified(A, epmd.config());
        assert_eq!(a.start(visible(B)), Err(StartError::AlreadyStarted));

        let node = Node::new(epmd.config()).unwrap();
        let duplicate = StartError::Register(RegisterError::DuplicateName);
        assert_eq!(node.start(visible(A)), Err(duplicate));

        let mut config = epmd.config();
        let port = identity.port.unwrap();
        config.listen_ports = port..=port;
        let node = Node::new(config).unwrap();
        assert_eq!(node.start(visible(B)), Err(StartError::Listen(OpenError::AddressInUse)));

        let mut config: NodeConfig = epmd.config();
        config.kernel.epmd_port = free_port();
        let node = Node::new(config).unwrap();
        let refused = RegisterError::Open(OpenError::Refused);
        assert_eq!(node.start(visible(B)), Err(StartError::Register(refused)));
        assert_eq!(node.identity(), None);
    }

    #[test]
    fn connects_fail_by_their_cause() {
        let epmd = Epmd::start();
        let mut config = epmd.config();
        // A resolver may take its time to find nothing.
        config.kernel.setup_time = GIVE_UP;
        let (a, _a_box) = epmd.node_with(A, config);
        let unknown = ConnectError::Lookup(LookupError::NotRegistered);
        assert_eq!(a.connect_node(name(B)), Err(unknown));
        epmd.pretend("b", free_port());
        assert_eq!(a.connect_node(name(B)), Err(ConnectError::Dial(OpenError::Refused)));
        let nowhere = ConnectError::Lookup(LookupError::Open(OpenError::Resolve));
        assert_eq!(a.connect_node(name("b@nohost.invalid")), Err(nowhere));
        assert!(a.names("no host").is_err());
    }

    #[test]
    fn a_stop_cancels_a_connect() {
        let epmd = Epmd::start();
        let (a, _a_box) = epmd.node(A);
        let silent = epmd.pretend_silent();
        let (_b, _b_box) = epmd.node(B);
        a.connect_node(name(B)).unwrap();
        let caller = a.clone();
        let call = thread::spawn(move || caller.connect_node(name("silent@127.0.0.1")));
        let (_stream, _) = silent.accept().unwrap();
        assert_eq!(a.stop(), Ok(()));
        assert_eq!(call.join().unwrap(), Err(ConnectError::Cancelled));
    }

    //= docs/spec/net_adm.md#adm-ping
    //= type=test
    #[test]
    fn the_limit_of_a_ping_counts_from_the_call() {
        let epmd = Epmd::start();
        let mut config = epmd.config();
        config.kernel.setup_time = 2 * GIVE_UP;
        let (a, _a_box) = epmd.node_with(A, config);
        let _silent = epmd.pretend_silent();
        let (limit, begin) = (Duration::from_millis(200), Moment::now());
        assert_eq!(a.ping(&name("silent@127.0.0.1"), limit), Err(PingError::NoAnswer));
        assert!(begin.elapsed() >= limit);
        assert_eq!(a.ping(&name("silent@127.0.0.1"), Duration::ZERO), Err(PingError::NoAnswer));
        assert_eq!(a.ping(&name(A), Duration::ZERO), Ok(()), "oneself");
    }

    #[test]
    fn simultaneous_connects_make_one_link() {
        let epmd = Epmd::start();
        let ((a, a_box), (b, b_box)) = (epmd.node(A), epmd.node(B));
        for _ in 0..20 {
            let (caller, other) = (a.clone(), b.clone());
            let calls = [
                thread::spawn(move || caller.connect_node(name(B))),
                thread::spawn(move || other.connect_node(name(A))),
            ];
            for call in calls {
                // It may fail, as in Erlang: when the losing attempt of the round before is seen only after the end of the
                // winner's link, this call waits for it, and it has ended long ago.
                let _ = call.join().unwrap();
            }
            eventually("there is a link", || a.ping(&name(B), GIVE_UP).is_ok());
            assert_eq!(
                (a.nodes(NodeKinds::CONNECTED).len(), b.nodes(NodeKinds::CONNECTED).len()),
                (1, 1)
            );
            expect_up(&a_box, B);
            expect_up(&b_box, A);
            assert_eq!(a.disconnect_node(&name(B)), Some(true));
            expect_down(&a_box, B, NodeDownReason::Disconnect);
            expect_down(&b_box, A, NodeDownReason::ConnectionClosed);
        }
    }
}

/// Shuts the socket of this process down that listens on `port`, by a descriptor of the same socket.
#[cfg(target_os = "linux")]
fn shut_listener(port: u16) {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let own = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let numbers = descriptors.map(|entry| entry.unwrap().file_name().to_string_lossy().parse());
    let mut sockets = numbers.filter_map(|number| {
        let copy = pidfd_getfd(&own, number.unwrap(), PidfdGetfdFlags::empty()).ok()?;
        Some(socket2::Socket::from(copy))
    });
    let is_ours = |socket: &socket2::Socket| {
        let address = socket.local_addr().ok().and_then(|address| address.as_socket());
        socket.is_listener().unwrap_or(false) && address.is_some_and(|own| own.port() == port)
    };
    let listener = sockets.find(is_ours).unwrap();
    listener.shutdown(std::net::Shutdown::Both).unwrap();
}
