//! Peers that do not read what this node's processes have to tell them: no link ends for it, and nothing is lost.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeSet;
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::term::{Atom, Pid, Term};
use netkernel_blocking::core::wire::control::{Control, parse};
use netkernel_blocking::core::{Flags, NodeType};
use netkernel_blocking::{Item, NodeKind, ProcessEvent, SendError, Target};
use netkernel_tests::ours::{Ours, next_message, node_name};
use netkernel_tests::runtime::Mailbox;
use netkernel_tests::script::{Directory, FLAGS, Script};
use netkernel_tests::{GIVE_UP, each_runtime};

const C: &str = "c@127.0.0.1";
/// The exit signals of so many are far more than all marks and buffers of sockets.
const LINKS: u32 = 100_000;

/// A node, and a peer that makes links and does not read.
struct Stage {
    ours: Ours,
    /// A process that the peer sends numbers to.
    shop: Mailbox,
    peer: Script,
    /// Of the channel.
    flags: Flags,
    _directory: Directory,
}

impl Stage {
    fn new() -> Self {
        let directory = Directory::start();
        let ours = Ours::start("a", Ours::config(directory.port()));
        let flags = FLAGS.without(Flags::FRAGMENTS);
        let peer = Script::join_with(ours.port(), C, flags);
        ours.expect_up(C, NodeType::Visible);
        let shop = ours.mailbox("shop");
        Self { ours, shop, peer, flags, _directory: directory }
    }

    /// A process that the peer has made this many links with.
    fn linked(&mut self, links: u32) -> (Mailbox, Pid) {
        let mailbox = self.ours.node.mailbox();
        let pid = mailbox.pid().expect("the node is alive");
        let mut frames = Vec::new();
        for id in 1..=links {
            let from = Pid { id, ..self.peer.pid() };
            self.put(&Control::Link { from, to: pid.clone() }, &mut frames);
        }
        self.peer.send(&frames);
        self.send_number(0);
        self.expect_number(0);
        assert_eq!(mailbox.links().len(), links as usize);
        (mailbox, pid)
    }

    fn put(&self, signal: &Control, frames: &mut Vec<u8>) {
        signal.emit(self.flags, frames).expect("it fits");
    }

    fn send_number(&mut self, number: u8) {
        let (from, to) = (self.peer.pid(), Atom::new("shop").expect("an atom"));
        let message = vec![131, 97, number].into();
        let mut frame = Vec::new();
        self.put(&Control::RegSend { from, to, message, token: None }, &mut frame);
        self.peer.send(&frame);
    }

    fn send_exit(&mut self, to: &Pid, reason: usize) {
        let len = u32::try_from(reason).expect("short").to_be_bytes();
        let reason = [&[109], &len[..], &vec![7; reason]].concat().into();
        let mut frame = Vec::new();
        let exit = Control::Exit2 { from: self.peer.pid(), to: to.clone(), reason, token: None };
        self.put(&exit, &mut frame);
        self.peer.send(&frame);
    }

    fn expect_number(&self, number: u8) {
        assert_eq!(next_message(&self.shop), [131, 97, number]);
    }

    /// Who gets exit signals from this process, with a reason of so many bytes.
    fn read_exits(&mut self, from: &Pid, reason: usize, count: usize) -> BTreeSet<Pid> {
        let node = node_name(self.ours.name());
        let exit = |_| match parse(&self.peer.frame().into(), &node) {
            Ok(Control::Exit { from: gone, to, reason: why, .. }) => {
                assert_eq!((&gone, why.len()), (from, reason));
                to
            }
            other => panic!("no exit signal but {other:?}"),
        };
        (0..count).map(exit).collect()
    }

    fn assert_up(&self) {
        assert_eq!(self.ours.nodes(), [(C.to_owned(), NodeKind::Visible)]);
        self.ours.expect_silence(Duration::ZERO);
    }
}

/// A process, and those of another node that are linked to it and trap exits.
struct Tie {
    one: Mailbox,
    pid: Pid,
    others: Vec<Mailbox>,
}

impl Tie {
    /// Three hundred of them.
    fn new(here: &Ours, there: &Ours) -> Self {
        const OTHERS: usize = 300;
        let one = here.node.mailbox();
        let pid = one.pid().expect("the node is alive");
        let linked = |_| {
            let other = there.node.mailbox();
            other.trap_exit(true).expect("the process is alive");
            other.link(&pid).expect("there is a link");
            other
        };
        let others = (0..OTHERS).map(linked).collect();
        let begin = Instant::now();
        while one.links().len() < OTHERS {
            assert!(begin.elapsed() < GIVE_UP, "{} links", one.links().len());
            thread::sleep(Duration::from_millis(1));
        }
        Self { one, pid, others }
    }

    /// Ends the one. Gives who it was, and the others.
    fn end(self, reason: &Term) -> (Pid, Vec<Mailbox>) {
        self.one.terminate(reason).expect("not too long");
        (self.pid, self.others)
    }
}

each_runtime! {
    //= docs/spec/channel.md#ch-writer-signals
    //= type=test
    #[test]
    fn the_end_of_a_process_with_a_hundred_thousand_links_does_not_end_the_link() {
        let mut stage = Stage::new();
        let (mailbox, pid) = stage.linked(LINKS);
        mailbox.terminate(&Term::Binary(vec![7; 200].into())).expect("a short reason");
        // The peer has not caused it, and is heard although it does not read.
        for number in 1..=3 {
            stage.send_number(number);
            stage.expect_number(number);
        }
        stage.assert_up();
        let told = stage.read_exits(&pid, 205, LINKS as usize);
        assert_eq!(told.len(), LINKS as usize, "each once");
        stage.assert_up();
    }

    //= docs/spec/channel.md#ch-writer-signals
    //= type=test
    #[test]
    fn a_peer_that_ends_a_process_with_a_hundred_thousand_links_is_not_heard_until_it_reads() {
        let mut stage = Stage::new();
        let (mailbox, pid) = stage.linked(LINKS);
        stage.send_exit(&pid, 200);
        let end = mailbox.recv_timeout(GIVE_UP);
        assert!(matches!(end, Some(Item::Process(ProcessEvent::Ended { .. }))), "{end:?}");
        // The read that brought it is over, and no other comes.
        for number in 1..=3 {
            stage.send_number(number);
        }
        assert_eq!(stage.shop.recv_timeout(Duration::from_millis(300)), None);
        stage.assert_up();
        let told = stage.read_exits(&pid, 205, LINKS as usize);
        assert_eq!(told.len(), LINKS as usize, "each once");
        (1..=3).for_each(|number| stage.expect_number(number));
        stage.assert_up();
    }

    //= docs/spec/process.md#process-end
    //= type=test
    #[test]
    fn who_ends_while_it_waits_for_room_sends_nothing_behind_its_end() {
        const LEN: usize = 50_000;
        let mut stage = Stage::new();
        let (mailbox, pid) = stage.linked(1);
        let to = stage.peer.pid();
        let sent = AtomicUsize::new(0);
        thread::scope(|scope| {
            let sender = scope.spawn(|| loop {
                match mailbox.send(&to, [&[131, 109, 0, 0, 0xC3, 0x50][..], &[7; LEN]].concat()) {
                    Ok(()) => _ = sent.fetch_add(1, Ordering::Relaxed),
                    Err(error) => break error,
                }
            });
            // Until it waits. If it is only slow, it does not wait, and what follows holds all the same.
            let mut before = usize::MAX;
            while before != sent.load(Ordering::Relaxed) {
                before = sent.load(Ordering::Relaxed);
                thread::sleep(Duration::from_millis(200));
            }
            stage.shop.exit(&pid, &"kill".parse::<Term>().expect("a term")).expect("alive");
            let node = node_name(stage.ours.name());
            let mut arrived = 0;
            while let Control::Send { message, .. } = parse(&stage.peer.frame().into(), &node).expect("a signal") {
                assert_eq!(message.len(), 6 + LEN);
                arrived += 1;
            }
            assert_eq!(sender.join().expect("no panic"), SendError::Ended);
            assert_eq!(arrived, sent.load(Ordering::Relaxed));
            stage.shop.send(&to, vec![131, 106]).expect("alive");
            match parse(&stage.peer.frame().into(), &node) {
                Ok(Control::Send { message, .. }) => assert_eq!(message[..], [131, 106]),
                other => panic!("something behind the exit signal: {other:?}"),
            }
        });
    }

    //= docs/spec/channel.md#ch-writer-signals
    //= type=test
    #[test]
    fn two_nodes_that_have_much_to_tell_each_other_do_not_wait_for_each_other() {
        const LEN: usize = 100_000;
        let directory = Directory::start();
        let [a, b] = ["a", "b"].map(|name| Ours::start(name, Ours::config(directory.port())));
        a.connect(b.name());
        a.expect_up(b.name(), NodeType::Visible);
        b.expect_up(a.name(), NodeType::Visible);
        let ties = [Tie::new(&a, &b), Tie::new(&b, &a)];
        // More than all marks and buffers, in both directions.
        let told = ties.map(|tie| tie.end(&Term::Binary(vec![7; LEN].into())));
        for (pid, others) in &told {
            for other in others {
                match other.recv_timeout(GIVE_UP) {
                    Some(Item::Process(ProcessEvent::Exit { from, reason })) => {
                        assert_eq!((&from, reason.len()), (pid, 6 + LEN));
                    }
                    item => panic!("no exit signal but {item:?}"),
                }
            }
        }
        for (node, other) in [(&a, &b), (&b, &a)] {
            assert_eq!(node.nodes(), [(other.name().to_owned(), NodeKind::Visible)]);
            node.expect_silence(Duration::ZERO);
        }
    }

    //= docs/spec/channel.md#ch-writer-signals
    //= type=test
    #[test]
    fn a_reason_longer_than_all_marks_does_not_end_the_link() {
        const LEN: usize = 12 << 20;
        let mut stage = Stage::new();
        let (mailbox, pid) = stage.linked(3);
        let watcher = stage.ours.node.mailbox();
        watcher.monitor(Target::Pid(stage.peer.pid())).expect("there is a link");
        assert!(matches!(parse(&stage.peer.frame().into(), &node_name(stage.ours.name())), Ok(Control::MonitorP { .. })));
        mailbox.terminate(&Term::Binary(vec![7; LEN].into())).expect("not too long");
        stage.assert_up();
        assert_eq!(stage.read_exits(&pid, 5 + LEN, 3).len(), 3);
        stage.send_number(1);
        stage.expect_number(1);
        assert_eq!(watcher.try_recv(), None, "no noconnection");
        stage.assert_up();
    }
}
