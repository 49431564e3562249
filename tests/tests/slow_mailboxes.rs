//! Mailboxes with a bound that are not emptied as fast as they are filled, and processes that wait for one item among many.

use core::time::Duration;
use std::thread;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::net_kernel::NodeDownReason;
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::core::wire::control::Control;
use netkernel_blocking::{
    AliasOption, Bound, DistAutoConnect, Item, MonitorOptions, NodeConfig, NodeKind, Overflow,
    ProcessEvent, SendError, Target,
};
use netkernel_tests::ours::{Ours, eventually, next_message, node_name};
use netkernel_tests::runtime::Mailbox;
use netkernel_tests::script::{Directory, FLAGS, Script};
use netkernel_tests::{GIVE_UP, each_runtime};

const C: &str = "c@127.0.0.1";
const MESSAGES: u32 = 20_000;
/// Bytes of each message.
const LEN: usize = 1024;

/// A node with a slow process and another one, and a peer that floods the slow one.
struct Stage {
    ours: Ours,
    slow: Mailbox,
    other: Mailbox,
    peer: Script,
    _directory: Directory,
}

impl Stage {
    fn new(bound: Bound, change: impl FnOnce(&mut NodeConfig)) -> Self {
        let directory = Directory::start();
        let mut config = Ours::ticking(directory.port(), 4, 4);
        change(&mut config);
        let ours = Ours::start("a", config);
        let (slow, other) = (ours.mailbox("slow"), ours.mailbox("other"));
        slow.set_bound(Some(bound));
        let peer = Script::join(ours.port(), C);
        ours.expect_up(C, NodeType::Visible);
        Self { ours, slow, other, peer, _directory: directory }
    }

    fn frame(&self, to: &str, number: u32) -> Vec<u8> {
        frame(&self.peer, to, number)
    }

    /// Sends so many to the slow process, and then one to the other.
    fn flood(&mut self, messages: u32) {
        let mut frames: Vec<u8> =
            (0..messages).flat_map(|number| self.frame("slow", number)).collect();
        frames.extend(self.frame("other", 0));
        self.peer.send(&frames);
    }

    fn assert_up(&self) {
        assert_eq!(self.ours.nodes(), [(C.to_owned(), NodeKind::Visible)]);
    }
}

/// A message of this peer to a name.
fn frame(peer: &Script, to: &str, number: u32) -> Vec<u8> {
    let (from, to) = (peer.pid(), Atom::new(to).expect("an atom"));
    let mut frame = Vec::new();
    let message = message(number).into();
    let signal = Control::RegSend { from, to, message, token: None };
    signal.emit(FLAGS, &mut frame).expect("it fits");
    frame
}

fn message(number: u32) -> Vec<u8> {
    let length = (LEN as u32 - 6).to_be_bytes();
    let mut message = [&[131, 109][..], &length, &number.to_be_bytes()].concat();
    message.resize(LEN, 0);
    message
}

fn bound(messages: usize, overflow: Overflow) -> Bound {
    Bound { messages, bytes: usize::MAX, overflow }
}

each_runtime! {
    //= docs/spec/process.md#process-mailbox-pause
    //= type=test
    //= docs/spec/tick.md#tick-paused
    //= type=test
    #[test]
    fn a_link_that_waits_for_a_mailbox_lives_and_loses_nothing() {
        let mut stage = Stage::new(bound(100, Overflow::Pause), |_| {});
        stage.slow.monitor_nodes(true, MonitorOptions::ALL);
        let frames: Vec<u8> =
            (0..MESSAGES).flat_map(|number| stage.frame("slow", number)).collect();
        let Stage { ours, slow, peer, .. } = &mut stage;
        thread::scope(|scope| {
            scope.spawn(|| peer.send(&frames));
            eventually("it is full", || slow.message_queue_len() >= 100);
            // The peer says nothing that is heard for longer than the ticktime, nor does it tick.
            thread::sleep(Duration::from_secs(7));
            assert_eq!(ours.nodes(), [(C.to_owned(), NodeKind::Visible)]);
            let most = 100 + 2 * (64 << 10) / LEN;
            let waiting = slow.message_queue_len();
            assert!(waiting <= most, "{waiting} of {MESSAGES}");
            assert_eq!(ours.node.mailbox().send(&slow.pid().expect("alive"), message(0)), Err(SendError::Full));
            // Other links are served meanwhile, and what is no message finds room.
            let third = Script::join(ours.port(), "d@127.0.0.1");
            let event = slow.recv_match_timeout(GIVE_UP, |item| matches!(item, Item::Event(_)));
            assert!(matches!(event, Some(Item::Event(event)) if event.node().as_str() == "d@127.0.0.1"));
            drop(third);
            for expected in (0..MESSAGES).map(message) {
                let item = slow.recv_match_timeout(GIVE_UP, |item| matches!(item, Item::Message(_)));
                assert_eq!(item, Some(Item::Message(expected.into())));
            }
        });
        assert_eq!(stage.slow.messages_dropped(), 0);
    }

    //= docs/spec/process.md#process-mailbox-pause
    //= type=test
    #[test]
    fn a_link_that_waits_for_too_long_ends_and_what_has_come_stays() {
        let limit = Duration::from_secs(1);
        let mut stage = Stage::new(bound(10, Overflow::Pause), |config| config.pause_limit = Some(limit));
        stage.flood(10);
        stage.ours.expect_down(C, NodeDownReason::Killed);
        for number in 0..10 {
            assert_eq!(next_message(&stage.slow), message(number));
        }
        stage.peer.read_to_end();
    }

    //= docs/spec/process.md#process-mailbox-pause
    //= type=test
    #[test]
    fn links_that_fill_one_mailbox_and_a_process_that_does_all_get_through() {
        const EACH: u32 = 3000;
        let mut stage = Stage::new(bound(10, Overflow::Pause), |config| {
            // The peers do not tick, and have time.
            config.kernel.net_ticktime = Ours::config(0).kernel.net_ticktime;
            config.pause_limit = None;
        });
        let mut second = Script::join(stage.ours.port(), "d@127.0.0.1");
        let frames = |peer: &Script, begin: u32| -> Vec<u8> {
            (begin..begin + EACH).flat_map(|number| frame(peer, "slow", number)).collect()
        };
        let (first_frames, second_frames) = (frames(&stage.peer, 0), frames(&second, EACH));
        let Stage { ours, slow, peer, .. } = &mut stage;
        let (pid, local) = (slow.pid().expect("alive"), ours.node.mailbox());
        thread::scope(|scope| {
            scope.spawn(|| peer.send(&first_frames));
            scope.spawn(|| second.send(&second_frames));
            scope.spawn(|| {
                for number in 2 * EACH..3 * EACH {
                    while local.send(&pid, message(number)) == Err(SendError::Full) {
                        thread::yield_now();
                    }
                }
            });
            // Of each sender in order.
            let mut next = [0, EACH, 2 * EACH];
            for _ in 0..3 * EACH {
                let came = next_message(slow);
                let sender = next.iter_mut().find(|number| message(**number) == came);
                *sender.expect("the next one of somebody") += 1;
            }
            assert_eq!(next, [EACH, 2 * EACH, 3 * EACH]);
        });
        assert_eq!((slow.try_recv(), slow.messages_dropped()), (None, 0));
    }

    //= docs/spec/process.md#process-mailbox-pause
    //= type=test
    #[test]
    fn nodes_whose_full_mailboxes_wait_for_each_other_lose_their_link() {
        // More than a link brings on top of the bound.
        const BEFORE: u32 = 400;
        let directory = Directory::start();
        let start = |name| {
            let mut config = Ours::config(directory.port());
            config.kernel.auto_connect = DistAutoConnect::Never;
            config.pause_limit = Some(Duration::from_secs(1));
            let ours = Ours::start(name, config);
            let slow = ours.mailbox("slow");
            slow.set_bound(Some(bound(10, Overflow::Pause)));
            (ours, slow)
        };
        let (a, b) = (start("a"), start("b"));
        a.0.connect(b.0.name());
        a.0.expect_up(b.0.name(), NodeType::Visible);
        b.0.expect_up(a.0.name(), NodeType::Visible);
        let ends = [(&a, &b), (&b, &a)];
        for ((ours, slow), (other, _)) in ends {
            slow.monitor_node(&node_name(other.name()), true).expect("alive");
            // As many as fill the other mailbox, and behind them what its process waits for.
            let (name, node) = (Atom::new("slow").expect("an atom"), node_name(other.name()));
            let sender = ours.node.mailbox();
            for number in 0..=BEFORE {
                sender.send_to_name(&name, &node, message(number)).expect("alive");
            }
        }
        for ((_, slow), (other, _)) in ends {
            let answer = Item::Message(message(BEFORE).into());
            let lost = Item::Process(ProcessEvent::NodeDown(node_name(other.name())));
            let item = slow.recv_match_timeout(GIVE_UP, |item| *item == answer || *item == lost);
            assert_eq!(item, Some(lost));
        }
        // Whose limit is over first ends it, and the other may see that before its own is over.
        let reasons = ends.map(|((ours, _), _)| ours.next_event().nodedown_reason().cloned());
        let is_end = |reason: &Option<NodeDownReason>| {
            matches!(reason, Some(NodeDownReason::Killed | NodeDownReason::ConnectionClosed))
        };
        assert!(reasons.iter().all(is_end), "{reasons:?}");
        assert!(reasons.contains(&Some(NodeDownReason::Killed)), "{reasons:?}");
    }

    //= docs/spec/process.md#process-mailbox-pause
    //= type=test
    #[test]
    fn a_peer_that_goes_while_its_link_waits_is_seen_to_be_gone() {
        let mut stage = Stage::new(bound(10, Overflow::Pause), |config| config.pause_limit = None);
        stage.flood(10);
        eventually("it is full", || stage.slow.message_queue_len() >= 10);
        let Stage { ours, slow, peer, .. } = stage;
        // Nobody reads its end: a tick that it does not take tells of it.
        drop(peer);
        let event = ours.next_event();
        assert!(event.node().as_str() == C && event.nodedown_reason().is_some(), "{event}");
        for number in 0..10 {
            assert_eq!(next_message(&slow), message(number));
        }
    }

    //= docs/spec/process.md#process-mailbox-bound
    //= type=test
    #[test]
    fn answers_to_calls_find_room_in_a_full_mailbox() {
        let mut stage = Stage::new(bound(2, Overflow::DropNewest), |_| {});
        let [answer, stream] = [AliasOption::Reply, AliasOption::ExplicitUnalias]
            .map(|option| stage.slow.alias(option).expect("alive"));
        let mut frames: Vec<u8> = (0..3).flat_map(|number| stage.frame("slow", number)).collect();
        for (alias, number) in [(&answer, 3), (&stream, 4), (&answer, 5)] {
            let (from, to, message) = (Some(stage.peer.pid()), alias.clone(), message(number).into());
            let signal = Control::AliasSend { from, to, message, token: None };
            signal.emit(FLAGS, &mut frames).expect("it fits");
        }
        frames.extend(stage.frame("other", 0));
        stage.peer.send(&frames);
        assert_eq!(next_message(&stage.other), message(0));
        assert_eq!((stage.slow.message_queue_len(), stage.slow.messages_dropped()), (3, 2));
        for number in [0, 1, 3] {
            assert_eq!(next_message(&stage.slow), message(number));
        }
        // The same from a process of this node.
        stage.slow.set_bound(Some(bound(1, Overflow::Pause)));
        let answer = stage.slow.alias(AliasOption::Reply).expect("alive");
        let (other, pid) = (&stage.other, stage.slow.pid().expect("alive"));
        other.send(&pid, message(6)).expect("there is room");
        assert_eq!(other.send(&pid, message(7)), Err(SendError::Full));
        assert_eq!(other.send_to_alias(&stream, message(8)), Err(SendError::Full));
        let name = Atom::new("slow").expect("an atom");
        assert_eq!(other.send_to_name(&name, &node_name(stage.ours.name()), message(8)), Err(SendError::Full));
        other.send_to_alias(&answer, message(9)).expect("it is the answer to a call");
        for number in [6, 9] {
            assert_eq!(next_message(&stage.slow), message(number));
        }
        assert_eq!(stage.slow.try_recv(), None);
    }

    //= docs/spec/process.md#process-mailbox-bound
    //= type=test
    #[test]
    fn what_is_over_the_bound_is_dropped_and_counted() {
        let mut stage = Stage::new(bound(10, Overflow::DropNewest), |_| {});
        stage.flood(1000);
        assert_eq!(next_message(&stage.other), message(0));
        assert_eq!((stage.slow.message_queue_len(), stage.slow.messages_dropped()), (10, 990));
        stage.other.send(&stage.slow.pid().expect("alive"), message(0)).expect("it is dropped");
        assert_eq!(stage.slow.messages_dropped(), 991);
        stage.slow.trap_exit(true).expect("alive");
        stage.other.exit(&stage.slow.pid().expect("alive"), &Term::Binary(vec![1].into())).expect("alive");
        assert_eq!(stage.slow.message_queue_len(), 11, "exit signals are not dropped");
        assert_eq!(next_message(&stage.slow), message(0));
        stage.assert_up();
    }

    //= docs/spec/process.md#process-mailbox-bound
    //= type=test
    #[test]
    fn a_process_with_too_much_in_its_mailbox_is_killed_and_its_monitors_are_told() {
        let mut stage = Stage::new(bound(10, Overflow::Kill), |_| {});
        stage.slow.trap_exit(true).expect("alive");
        let pid = stage.slow.pid().expect("alive");
        let monitor = stage.other.monitor(Target::Pid(pid)).expect("alive");
        stage.flood(1000);
        let killed = b"\x83\x77\x06killed";
        match stage.other.recv_timeout(GIVE_UP) {
            Some(Item::Process(ProcessEvent::Down { reference, reason, .. })) => {
                assert_eq!((reference, &reason[..]), (monitor, &killed[..]));
            }
            other => panic!("{other:?}"),
        }
        let ended = Item::Process(ProcessEvent::Ended { reason: killed[..].into() });
        assert_eq!((stage.slow.recv(), stage.slow.pid()), (ended, None));
        assert_eq!(next_message(&stage.other), message(0));
        stage.assert_up();
    }

    //= docs/spec/process.md#process-mailbox-match
    //= type=test
    #[test]
    fn one_item_among_others_is_taken_and_the_others_stay_in_order() {
        let directory = Directory::start();
        let ours = Ours::start("a", Ours::config(directory.port()));
        let (one, two) = (ours.node.mailbox(), ours.node.mailbox());
        let pid = one.pid().expect("alive");
        one.trap_exit(true).expect("alive");
        one.monitor(Target::Pid(two.pid().expect("alive"))).expect("alive");
        one.link(&two.pid().expect("alive")).expect("alive");
        for number in 0..100 {
            two.send(&pid, message(number)).expect("alive");
        }
        two.terminate(&Term::Binary(vec![1].into())).expect("alive");
        let is_down = |item: &Item| matches!(item, Item::Process(ProcessEvent::Down { .. }));
        let is_exit = |item: &Item| matches!(item, Item::Process(ProcessEvent::Exit { .. }));
        let is = |number| move |item: &Item| *item == Item::Message(message(number).into());
        assert!(is_down(&one.recv_match(is_down)));
        assert_eq!(one.try_recv_match(is(70)), Some(Item::Message(message(70).into())));
        assert_eq!(one.try_recv_match(is(70)), None);
        assert!(is_exit(&one.recv_match(is_exit)));
        assert_eq!(one.recv_match_timeout(Duration::from_millis(20), is_down), None);
        for number in (0..100).filter(|number| *number != 70) {
            assert_eq!(next_message(&one), message(number));
        }
        // What comes while it waits.
        thread::scope(|scope| {
            let waiting = scope.spawn(|| one.recv_match(is(7)));
            let three = ours.node.mailbox();
            (0..10).for_each(|number| three.send(&pid, message(number)).expect("alive"));
            assert_eq!(waiting.join().expect("it waits"), Item::Message(message(7).into()));
        });
        assert_eq!(one.message_queue_len(), 9);
    }
}
