//! What connects by itself, as `dist_auto_connect` says.

#![allow(clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::thread;
use std::time::Instant;

use netkernel_blocking::core::net_kernel::{ConnectError, NodeDownReason};
use netkernel_blocking::{
    DistAutoConnect, Item, MonitorNodeOptions, NodeKinds, PingError, ProcessEvent, SendError,
};
use netkernel_tests::each_runtime;
use netkernel_tests::runtime::{Mailbox, Node};
use support::*;

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

/// A node of this name that connects automatically or not.
fn automatic(epmd: &Epmd, node: &str, when: DistAutoConnect) -> (Node, Mailbox) {
    let mut config = epmd.config();
    config.kernel.auto_connect = when;
    epmd.node_with(node, config)
}

each_runtime! {
    #[test]
    fn sends_connect_only_as_configured() {
        let epmd = Epmd::start();
        let (b, b_box) = epmd.node(B);
        let to = b_box.pid().unwrap();
        let (never, never_box) = automatic(&epmd, A, DistAutoConnect::Never);
        never_box.send(&to, term(b"lost")).unwrap();
        assert_eq!(never.nodes(NodeKinds::KNOWN).len(), 1, "only itself");
        never.connect_node(name(B)).unwrap();
        never_box.send(&to, term(b"arrives")).unwrap();
        assert_eq!(next_message(&b_box), term(b"arrives"));

        let (once, once_box) = automatic(&epmd, "once@127.0.0.1", DistAutoConnect::Once);
        once_box.send(&to, term(b"first")).unwrap();
        assert_eq!(next_message(&b_box), term(b"first"));
        assert_eq!(once.disconnect_node(&name(B)), Some(true));
        once_box.send(&to, term(b"lost, too")).unwrap();
        // Until it has seen the end, its connect would find the old link.
        expect_down(&b_box, "once@127.0.0.1", NodeDownReason::ConnectionClosed);
        b.connect_node(name("once@127.0.0.1")).unwrap();
        once_box.send(&to, term(b"second")).unwrap();
        assert_eq!(next_message(&b_box), term(b"second"));

        let (always, always_box) = automatic(&epmd, "always@127.0.0.1", DistAutoConnect::Always);
        for number in 0..20u8 {
            always_box.send(&to, term(&[number])).unwrap();
            assert_eq!(next_message(&b_box), term(&[number]), "a link that has ended is made anew");
            assert_eq!(always.disconnect_node(&name(B)), Some(true));
        }
    }

    //= docs/spec/kernel.md#kernel-auto-wait
    //= type=test
    #[test]
    fn pings_connect_where_messages_do() {
        let epmd = Epmd::start();
        let (_b, _b_box) = epmd.node(B);
        for mode in [DistAutoConnect::Never, DistAutoConnect::Once] {
            let (a, _a_box) = automatic(&epmd, A, mode);
            let why = if mode == DistAutoConnect::Never {
                ConnectError::NotAutomatic
            } else {
                a.ping(&name(B), None).unwrap();
                assert_eq!(a.disconnect_node(&name(B)), Some(true));
                ConnectError::Barred
            };
            assert_eq!(a.ping(&name(B), None), Err(PingError::Connect(why)));
            a.connect_node(name(B)).unwrap();
            a.ping(&name(B), None).unwrap();
            a.stop().unwrap();
            eventually("the name is free", || a.names("127.0.0.1").unwrap().len() == 1);
        }
    }

    //= docs/spec/process.md#process-monitor-node-passive
    //= type=test
    #[test]
    fn who_allows_it_waits_for_the_other_side_to_connect() {
        const PASSIVE: MonitorNodeOptions = MonitorNodeOptions { allow_passive_connect: true };
        let epmd = Epmd::start();
        let (b, b_box) = epmd.node(B);
        let mut config = epmd.config();
        config.kernel.auto_connect = DistAutoConnect::Once;
        let setup_time = config.kernel.setup_time;
        let (a, events) = epmd.node_with(A, config);
        let mailbox = a.mailbox();
        let is_told = || {
            let down = Item::Process(ProcessEvent::NodeDown(name(B)));
            assert_eq!(mailbox.recv_timeout(GIVE_UP), Some(down));
        };
        // An attempt is waited for, and oneself is no other node.
        mailbox.monitor_node_opt(&name(B), true, PASSIVE).unwrap();
        assert_eq!(a.nodes(NodeKinds::CONNECTED).len(), 1);
        expect_up(&b_box, A);
        mailbox.monitor_node_opt(&name(A), true, PASSIVE).unwrap();
        assert_eq!(b.disconnect_node(&name(A)), Some(true));
        is_told();
        expect_down(&b_box, A, NodeDownReason::Disconnect);

        // There may be no attempt any more: nobody comes...
        mailbox.monitor_node(&name(B), true).unwrap();
        is_told();
        let begin = Instant::now();
        mailbox.monitor_node_opt(&name(B), true, PASSIVE).unwrap();
        assert!(begin.elapsed() >= setup_time);
        is_told();
        mailbox.monitor_node_opt(&name(B), false, PASSIVE).unwrap();
        // ... or the other side, while several wait.
        expect_up(&events, B);
        expect_down(&events, B, NodeDownReason::ConnectionClosed);
        thread::scope(|scope| {
            let waits = scope.spawn(|| while a.nodes(NodeKinds::CONNECTED).is_empty() {
                mailbox.monitor_node_opt(&name(B), true, PASSIVE).unwrap();
            });
            b.connect_node(name(A)).unwrap();
            expect_up(&events, B);
            waits.join().unwrap();
        });
        while mailbox.try_recv().is_some() {}
        mailbox.monitor_node_opt(&name(B), true, PASSIVE).unwrap();
        assert_eq!(mailbox.try_recv(), None);
        assert_eq!(b.disconnect_node(&name(A)), Some(true));
        is_told();
    }

    #[test]
    fn a_node_that_is_not_alive_monitors_no_other() {
        let node = Node::new(Epmd::start().config()).unwrap();
        for allow_passive_connect in [false, true] {
            let options = MonitorNodeOptions { allow_passive_connect };
            let told = node.mailbox().monitor_node_opt(&name(B), true, options);
            assert_eq!(told, Err(SendError::NotAlive));
        }
    }
}
