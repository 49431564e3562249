//! Peers that name processes which are not theirs, or send signals of another shape: their link ends, and nothing else does.
//! `interop_violations` compares what ends a link with real nodes; here it is who else is told.

use std::collections::BTreeSet;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::net_kernel::NodeDownReason;
use netkernel_blocking::core::term::{Pid, Reference, Term};
use netkernel_blocking::core::wire::control::{Control, Monitored, parse};
use netkernel_blocking::{Item, NodeKind, ProcessEvent};
use netkernel_tests::forged::Names;
use netkernel_tests::ours::{Ours, next_message, node_name};
use netkernel_tests::runtime::Mailbox;
use netkernel_tests::script::{Directory, FLAGS, Script};
use netkernel_tests::{GIVE_UP, each_runtime};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";
const NIL: &[u8] = b"\x83\x6a";

/// What ends the link. `from` is of the peer, `sink` of the node, `stale` of its former incarnation, `third` of another node.
const ENDS: [(&str, &[u8]); 31] = [
    ("{1,third,sink}", b""),
    ("{1,sink,sink}", b""),
    ("{1,from,third}", b""),
    ("{1,from}", b""),
    ("{1,from,sink,x}", b""),
    ("{3,third,sink,[]}", b""),
    ("{3,from,stale,[]}", b""),
    ("{3,from,sink}", b""),
    ("{8,third,sink,kill}", b""),
    ("{8,from,third,kill}", b""),
    ("{8,from,sink}", b""),
    ("{24,third,sink}", NIL),
    ("{24,from,stale}", NIL),
    ("{24,from}", NIL),
    ("{26,third,sink}", NIL),
    ("{26,from,sink,x}", NIL),
    ("{19,third,sink,ref}", b""),
    ("{19,from,third,ref}", b""),
    ("{19,from,sink}", b""),
    ("{20,third,sink,ref}", b""),
    ("{21,sink,sink,ref,[]}", b""),
    ("{28,from,third,ref}", NIL),
    ("{29,own_ref,from,from,{m,f,0},[]}", NIL),
    ("{29,ref,sink,from,{m,f,0},[]}", NIL),
    ("{29,ref,from,from,{m,f,0}}", NIL),
    ("{31,own_ref,third,0,badopt}", b""),
    ("{31,ref,sink,0,badopt}", b""),
    ("{35,1,third,sink}", b""),
    ("{35,1,from,stale}", b""),
    ("{35,1,from}", b""),
    ("{36,1,third,sink}", b""),
];

/// What is void: nobody is told, and nothing changes.
const VOID: [(&str, &[u8]); 11] = [
    ("{2,'',stale}", NIL),
    ("{2,'',third}", NIL),
    ("{8,from,stale,kill}", b""),
    ("{20,from,sink,third_ref}", b""),
    ("{21,third,sink,ref,[]}", b""),
    ("{28,from,sink,own_ref}", NIL),
    ("{28,from,stale,ref}", NIL),
    ("{31,own_ref,sink,0,from}", b""),
    ("{31,stale_ref,sink,0,badopt}", b""),
    ("{33,third,own_ref}", NIL),
    ("{36,7,from,sink}", b""),
];

/// A node whose process `sink` has to do with one of another node, which is well-behaved.
struct Stage {
    a: Ours,
    b: Ours,
    sink: Mailbox,
    friend: Mailbox,
    _directory: Directory,
}

/// A peer whose process is linked with `sink`, and monitors it; and `sink` monitors that process.
struct Hostile {
    script: Script,
    names: Names,
    monitor: Reference,
}

impl Stage {
    fn new() -> Self {
        let directory = Directory::start();
        let [a, b] = ["a", "b"].map(|name| Ours::start(name, Ours::config(directory.port())));
        let (sink, friend) = (a.mailbox("sink"), b.mailbox("friend"));
        for mailbox in [&sink, &friend] {
            mailbox.trap_exit(true).expect("alive");
        }
        friend.link(&sink.pid().expect("alive")).expect("alive");
        friend.monitor(sink.pid().expect("alive")).expect("alive");
        sink.monitor(friend.pid().expect("alive")).expect("alive");
        // What comes behind them says that both are there.
        friend.send(&sink.pid().expect("alive"), NIL).expect("alive");
        assert_eq!(next_message(&sink), NIL);
        a.expect_up(B, NodeType::Visible);
        Self { a, b, sink, friend, _directory: directory }
    }

    fn join(&self, number: usize) -> Hostile {
        let peer = format!("c{number}@127.0.0.1");
        let mut script = Script::join(self.a.port(), &peer);
        self.a.expect_up(&peer, NodeType::Visible);
        let sink = self.sink.pid().expect("alive");
        let names = Names::new(peer, self.a.name().to_owned(), sink.clone());
        let (from, reference) = (names.from(), script.reference());
        let mut frames = Vec::new();
        for signal in [
            Control::Link { from: from.clone(), to: sink.clone() },
            Control::MonitorP { from: from.clone(), to: Monitored::Pid(sink), reference },
        ] {
            signal.emit(FLAGS, &mut frames).expect("it fits");
        }
        script.send(&frames);
        let monitor = self.sink.monitor(from).expect("alive");
        let mut hostile = Hostile { script, names, monitor };
        assert!(matches!(hostile.next_signal(), Some(Control::MonitorP { .. })));
        assert!(hostile.is_answered(1), "both are made");
        hostile
    }

    /// That `sink` is told of the end of the peer's link, and of nothing else.
    fn expect_lost(&self, hostile: &Hostile, why: NodeDownReason, what: &str) {
        self.a.expect_down(hostile.names.peer(), why);
        let told = [self.sink.try_recv(), self.sink.try_recv()];
        let [Some(Item::Process(ProcessEvent::Exit { from, reason })), Some(Item::Process(down))] =
            told
        else {
            panic!("{what}: {told:?}")
        };
        assert_eq!(
            (from, &reason[..]),
            (hostile.names.from(), &b"\x83\x77\x0cnoconnection"[..]),
            "{what}"
        );
        let ProcessEvent::Down { reference, .. } = down else { panic!("{what}: {down:?}") };
        assert_eq!(reference, hostile.monitor, "{what}");
        self.assert_unharmed(what);
    }

    /// That what others have to do with `sink` stands, and nobody was told anything more.
    fn assert_unharmed(&self, what: &str) {
        let friend = self.friend.pid().expect("alive");
        assert_eq!(self.sink.links(), [friend], "{what}");
        assert_eq!(self.a.nodes(), [(B.to_owned(), NodeKind::Visible)], "{what}");
        for mailbox in [&self.sink, &self.friend] {
            assert_eq!(mailbox.try_recv(), None, "{what}");
        }
    }

    /// The friend is told when `sink` ends, of link and monitor.
    fn end(self) {
        let sink = self.sink.pid().expect("alive");
        self.friend.send(&sink, NIL).expect("alive");
        assert_eq!(next_message(&self.sink), NIL);
        self.sink.terminate(&"bye".parse::<Term>().expect("a term")).expect("it is short");
        let ended = |item: Option<Item>| match item {
            Some(Item::Process(ProcessEvent::Exit { from, reason })) => (from, reason),
            Some(Item::Process(ProcessEvent::Down { object, reason, .. })) => {
                assert_eq!(object.to_string(), sink.to_string());
                (sink.clone(), reason)
            }
            other => panic!("{other:?}"),
        };
        for _ in 0..2 {
            let bye = (sink.clone(), b"\x83\x77\x03bye"[..].into());
            assert_eq!(ended(self.friend.recv_timeout(GIVE_UP)), bye);
        }
        assert_eq!(self.b.nodes(), [(A.to_owned(), NodeKind::Visible)]);
    }
}

impl Hostile {
    fn next_signal(&mut self) -> Option<Control> {
        let frame = self.script.next_frame()?;
        Some(parse(&frame.into(), &node_name(A)).expect("a signal"))
    }

    /// Whether the node goes on to answer on the link, and has sent nothing else before.
    fn is_answered(&mut self, number: u32) -> bool {
        let from = Pid { id: 1000 + number, ..self.names.from() };
        let mut probe = Vec::new();
        let to = self.names.nobody();
        Control::Link { from: from.clone(), to }.emit(FLAGS, &mut probe).expect("it fits");
        // The node may have ended the link.
        _ = self.script.try_send(&probe);
        match self.next_signal() {
            None => false,
            Some(Control::Exit { to, .. }) if to == from => true,
            Some(other) => panic!("{other:?}"),
        }
    }
}

each_runtime! {
    //= docs/spec/channel.md#ch-control-from
    //= type=test
    //= docs/spec/channel.md#ch-control-form
    //= type=test
    #[test]
    fn who_names_processes_that_are_not_its_own_loses_its_link_alone() {
        let stage = Stage::new();
        for (number, (control, behind)) in ENDS.iter().enumerate() {
            let mut hostile = stage.join(number);
            let frame = hostile.names.frame(control, behind);
            hostile.script.send(&frame);
            assert!(!hostile.is_answered(2), "{control}");
            stage.expect_lost(&hostile, NodeDownReason::Killed, control);
        }
        assert_eq!(BTreeSet::from(ENDS).len(), ENDS.len());
        stage.end();
    }

    //= docs/spec/process.md#process-spawn-reply
    //= type=test
    //= docs/spec/process.md#process-down
    //= type=test
    #[test]
    fn what_is_void_changes_nothing() {
        let stage = Stage::new();
        for (number, (control, behind)) in VOID.iter().enumerate() {
            let mut hostile = stage.join(number);
            let frame = hostile.names.frame(control, behind);
            hostile.script.send(&frame);
            assert!(hostile.is_answered(2), "{control}");
            assert_eq!(stage.sink.try_recv(), None, "{control}");
            hostile.script.close();
            stage.expect_lost(&hostile, NodeDownReason::ConnectionClosed, control);
        }
        stage.end();
    }
}
