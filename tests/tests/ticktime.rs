//! Two nodes of ours over loopback change their `net_ticktime`.

#![allow(clippy::unwrap_used, reason = "this is test code")]

mod support;

use core::time::Duration;
use std::thread;
use std::time::Instant as Moment;

use netkernel_blocking::core::net_kernel::{
    NetTicktime, NodeDownReason, TicktimeChange, TicktimeError, TicktimeState,
};
use netkernel_blocking::{Item, NodeConfig};
use netkernel_tests::each_runtime;
use netkernel_tests::runtime::{Mailbox, Node};
use support::*;

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

fn config(epmd: &Epmd, seconds: u32) -> NodeConfig {
    let mut config = epmd.config();
    config.kernel.net_ticktime = NetTicktime::new(seconds, 4).unwrap();
    config
}

each_runtime! {
    #[test]
    fn a_change_is_answered_as_erlang_answers_it() {
        let epmd = Epmd::start();
        let a = Node::new(config(&epmd, 8)).unwrap();
        assert_eq!((a.get_net_ticktime(), a.set_net_ticktime(4, 0)), (None, Ok(None)), "ignored");
        assert_eq!(a.set_net_ticktime(0, 60), Err(TicktimeError::Ticktime));
        a.start(visible(A)).unwrap();
        assert_eq!(a.get_net_ticktime(), Some(TicktimeState::Steady(8)));
        assert_eq!(a.set_net_ticktime(8, 60), Ok(Some(TicktimeChange::Unchanged)));
        assert_eq!(a.set_net_ticktime(0, 60), Err(TicktimeError::Ticktime));

        assert_eq!(a.set_net_ticktime(12, 0), Ok(Some(TicktimeChange::ChangeInitiated)));
        assert_eq!(a.get_net_ticktime(), Some(TicktimeState::Steady(12)), "no period, no wait");
        assert_eq!(a.set_net_ticktime(2, 4), Ok(Some(TicktimeChange::ChangeInitiated)));
        assert_eq!(a.get_net_ticktime(), Some(TicktimeState::OngoingChangeTo(2)));
        assert_eq!(a.set_net_ticktime(2, 1), Ok(Some(TicktimeChange::OngoingChangeTo(2))));
        eventually("the transition ends", || a.get_net_ticktime() == Some(TicktimeState::Steady(2)));

        assert_eq!(a.stop(), Ok(()));
        assert_eq!(a.get_net_ticktime(), None);
        eventually("the name is free", || a.names("127.0.0.1").unwrap().is_empty());
        a.start(visible(A)).unwrap();
        assert_eq!(a.get_net_ticktime(), Some(TicktimeState::Steady(8)), "as configured");
    }

    #[test]
    fn an_idle_link_lives_through_changes_and_dies_at_the_new_pace() {
        let epmd = Epmd::start();
        // At the first ticktime, a silence is found after 60 s, which is later than a test waits.
        let ((a, a_box), (b, b_box)) =
            (epmd.node_with(A, config(&epmd, 60)), epmd.node_with(B, config(&epmd, 60)));
        let relay = Relay::to(epmd.redirect("b", 1));
        epmd.redirect("b", relay.port);
        a.connect_node(name(B)).unwrap();
        expect_up(&a_box, B);
        expect_up(&b_box, A);
        for node in [&a, &b] {
            assert_eq!(node.set_net_ticktime(4, 1), Ok(Some(TicktimeChange::ChangeInitiated)));
        }
        // Five seconds after the end of the transition a node that does not tick would be dead.
        thread::sleep(Duration::from_secs(8));
        for (node, mailbox) in [(&a, &a_box), (&b, &b_box)] {
            assert_eq!(node.get_net_ticktime(), Some(TicktimeState::Steady(4)));
            assert!(!any_event(mailbox), "the link is up");
        }

        a.ping(&name(B), GIVE_UP).unwrap();
        let start = Moment::now();
        relay.stall();
        expect_down(&a_box, B, NodeDownReason::NetTickTimeout);
        expect_down(&b_box, A, NodeDownReason::NetTickTimeout);
        assert!(start.elapsed() > Duration::from_secs(3) - Duration::from_millis(50));
    }
}

fn any_event(mailbox: &Mailbox) -> bool {
    core::iter::from_fn(|| mailbox.try_recv()).any(|item| matches!(item, Item::Event(_)))
}
