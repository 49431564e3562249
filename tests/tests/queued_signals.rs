//! Signals to a node without a link: they begin one attempt to connect, wait for it in order, or are answered by `noconnection`.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not expected fails the test")]

use std::io::ErrorKind;
use std::net::TcpListener;

use netkernel_blocking::core::term::{Atom, Limits, Pid, Term};
use netkernel_blocking::core::wire::control::{Control, Monitored, parse};
use netkernel_blocking::core::{Creation, NodeType};
use netkernel_blocking::{
    DistAutoConnect, Item, Mfa, ProcessEvent, ReplyOptions, SpawnFailure, SpawnOptions, Target,
};
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::runtime::Mailbox;
use netkernel_tests::script::{Directory, Script};
use netkernel_tests::{GIVE_UP, each_runtime};

const A: &str = "a@127.0.0.1";
const C: &str = "c@127.0.0.1";

/// What a process does to one of another node, which has a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Send,
    Link,
    Monitor,
    MonitorNode,
    Spawn,
}

const ACTS: [Act; 5] = [Act::Send, Act::Link, Act::Monitor, Act::MonitorNode, Act::Spawn];
const TIMES: u32 = 5;

impl Act {
    fn perform(self, mailbox: &Mailbox, number: u32) {
        let done = match self {
            Self::Send => mailbox.send(&theirs(number), message(number)),
            Self::Link => mailbox.link(&theirs(number)),
            Self::Monitor => mailbox.monitor(theirs(number)).map(drop),
            Self::MonitorNode => mailbox.monitor_node(&node_name(C), true),
            Self::Spawn => {
                let arguments = [i64::from(number).into()];
                let mfa = Mfa::new(atom("m"), atom("f"), &arguments).expect("it is short");
                let (options, reply) = (SpawnOptions::default(), ReplyOptions::default());
                mailbox.spawn_request(&node_name(C), mfa, &options, &reply).map(drop)
            }
        };
        done.expect("the process and its node are alive");
    }

    /// What the other node gets of it.
    fn signal(self, number: u32) -> Option<String> {
        match self {
            Self::Send => Some(format!("send {number} to {number}")),
            Self::Link => Some(format!("link to {number}")),
            Self::Monitor => Some(format!("monitor {number}")),
            Self::MonitorNode => None,
            Self::Spawn => Some(format!("spawn m:f([{number}])")),
        }
    }

    /// What the process is told if there is no link.
    fn answer(self, number: u32) -> Option<String> {
        match self {
            Self::Send => None,
            Self::Link => Some(format!("EXIT {number} noconnection")),
            Self::Monitor => Some(format!("DOWN {number} noconnection")),
            Self::MonitorNode => Some("nodedown".to_owned()),
            Self::Spawn => Some("no process: noconnection".to_owned()),
        }
    }
}

fn atom(text: &str) -> Atom {
    Atom::new(text).expect("an atom")
}

fn theirs(number: u32) -> Pid {
    Pid { node: atom(C), id: number, serial: 0, creation: Creation(7) }
}

/// A small integer.
fn message(number: u32) -> Vec<u8> {
    vec![131, 97, number as u8]
}

fn decoded(term: &[u8]) -> String {
    Term::decode(term, &Limits::default()).expect("a term").to_string()
}

fn describe_signal(signal: &Control) -> String {
    match signal {
        Control::Send { to, message, .. } => format!("send {} to {}", decoded(message), to.id),
        Control::Link { to, .. } => format!("link to {}", to.id),
        Control::MonitorP { to: Monitored::Pid(pid), .. } => format!("monitor {}", pid.id),
        Control::SpawnRequest(it) => {
            let arguments = decoded(&[b"\x83", &it.arguments[..]].concat());
            format!("spawn {}:{}({arguments})", it.module, it.function)
        }
        _ => panic!("{signal:?}"),
    }
}

fn describe_item(item: Option<Item>) -> String {
    let Some(Item::Process(event)) = item else { panic!("no event but {item:?}") };
    match event {
        ProcessEvent::Exit { from, reason } => format!("EXIT {} {}", from.id, decoded(&reason)),
        ProcessEvent::Down { object: Target::Pid(pid), reason, .. } => {
            format!("DOWN {} {}", pid.id, decoded(&reason))
        }
        ProcessEvent::SpawnReply { result: Err(SpawnFailure::NoConnection), .. } => {
            "no process: noconnection".to_owned()
        }
        ProcessEvent::NodeDown(node) if node.as_str() == C => "nodedown".to_owned(),
        _ => panic!("{event:?}"),
    }
}

/// A node, a process of it that traps exits, and a node that it has no link with.
struct Stage {
    ours: Ours,
    mailbox: Mailbox,
    listener: TcpListener,
    _directory: Directory,
}

impl Stage {
    fn new(auto_connect: DistAutoConnect) -> Self {
        let directory = Directory::start();
        let mut config = Ours::config(directory.port());
        config.kernel.auto_connect = auto_connect;
        let ours = Ours::start("a", config);
        let listener = directory.listen(C);
        let mailbox = ours.node.mailbox();
        mailbox.trap_exit(true).expect("alive");
        Self { ours, mailbox, listener, _directory: directory }
    }

    /// That the process is told this, and nothing else.
    fn expect_told(&self, answers: impl IntoIterator<Item = String>) {
        for answer in answers {
            assert_eq!(describe_item(self.mailbox.recv_timeout(GIVE_UP)), answer);
        }
        assert_eq!(self.mailbox.try_recv(), None);
    }

    /// That nobody has dialled since.
    fn expect_no_attempt(&self) {
        self.listener.set_nonblocking(true).expect("an option of every socket");
        let error = self.listener.accept().expect_err("nobody dials");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}

each_runtime! {
    //= docs/spec/channel.md#ch-pending-order
    //= type=test
    #[test]
    fn what_waits_for_a_link_goes_out_in_its_order() {
        for act in ACTS {
            let stage = Stage::new(DistAutoConnect::Always);
            let numbers = || (1..=TIMES).flat_map(|number| [(act, number), (Act::Send, 100 + number)]);
            numbers().for_each(|(act, number)| act.perform(&stage.mailbox, number));
            let mut peer = Script::accept(&stage.listener, C);
            assert_eq!(stage.mailbox.try_recv(), None, "{act:?}: it waits");
            peer.admit();
            for expected in numbers().filter_map(|(act, number)| act.signal(number)) {
                let signal = parse(&peer.frame().into(), &node_name(A)).expect("a signal");
                assert_eq!(describe_signal(&signal), expected);
            }
            stage.ours.expect_up(C, NodeType::Visible);
            stage.expect_no_attempt();
            stage.expect_told([]);
        }
    }

    //= docs/spec/process.md#process-loss
    //= type=test
    //= docs/spec/process.md#process-loss-order
    //= type=test
    #[test]
    fn what_waits_for_a_link_that_does_not_come_is_answered_once() {
        for act in ACTS {
            let stage = Stage::new(DistAutoConnect::Always);
            let numbers = || 1..=TIMES;
            for number in numbers() {
                act.perform(&stage.mailbox, number);
                Act::Send.perform(&stage.mailbox, number);
            }
            // Who monitors the node is told last.
            Act::MonitorNode.perform(&stage.mailbox, 0);
            let peer = Script::accept(&stage.listener, C);
            assert_eq!(stage.mailbox.try_recv(), None, "{act:?}: it waits");
            drop(peer);
            let answers = numbers().filter_map(|number| act.answer(number));
            stage.expect_told(answers.chain(Act::MonitorNode.answer(0)));
            stage.expect_no_attempt();
        }
    }

    //= docs/spec/kernel.md#kernel-auto-connect
    //= type=test
    #[test]
    fn what_may_not_connect_is_answered_at_once() {
        for act in ACTS {
            let stage = Stage::new(DistAutoConnect::Never);
            (1..=TIMES).for_each(|number| act.perform(&stage.mailbox, number));
            stage.expect_told((1..=TIMES).filter_map(|number| act.answer(number)));
            stage.expect_no_attempt();
        }
    }

    //= docs/spec/kernel.md#kernel-barred
    //= type=test
    #[test]
    fn what_may_connect_once_is_answered_at_once_after_that() {
        for act in ACTS {
            let stage = Stage::new(DistAutoConnect::Once);
            act.perform(&stage.mailbox, 1);
            let mut peer = Script::accept(&stage.listener, C);
            peer.admit();
            stage.ours.expect_up(C, NodeType::Visible);
            drop(peer);
            stage.expect_told(act.answer(1));
            // And its `nodedown` is behind all that.
            let down = stage.ours.next_event();
            assert!(down.nodedown_reason().is_some(), "{down}");
            (2..=TIMES).for_each(|number| act.perform(&stage.mailbox, number));
            stage.expect_told((2..=TIMES).filter_map(|number| act.answer(number)));
            stage.expect_no_attempt();
        }
    }
}
