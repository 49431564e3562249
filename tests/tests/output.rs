//! A group leader, and peers that would misuse it or hold it up. They need no Erlang.

use core::time::Duration;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::calls::io::USER;
use netkernel_blocking::core::term::{Atom, Limits, Pid, Term};
use netkernel_blocking::core::wire::control::{Control, SpawnFlags, Spawned, parse};
use netkernel_blocking::core::{Flags, NodeType};
use netkernel_blocking::{NodeKind, Output};
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::runtime::Mailbox;
use netkernel_tests::script::{Directory, FLAGS, Script};
use netkernel_tests::{GIVE_UP, each_runtime};

const B: &str = "b@127.0.0.1";
const C: &str = "c@127.0.0.1";
const FORMAT: &str = "{put_chars,unicode,io_lib,format,[\"a\",[]]}";

fn atom(text: &str) -> Atom {
    Atom::new(text).expect("a short name")
}

fn term(text: &str) -> Term {
    text.parse().expect("a term")
}

/// A node with a group leader that is registered as `user`.
struct Stage {
    ours: Ours,
    user: Pid,
    written: Receiver<Output>,
    directory: Directory,
}

impl Stage {
    fn new() -> Self {
        let directory = Directory::start();
        let ours = Ours::start("a", Ours::config(directory.port()));
        let mailbox: Mailbox = ours.mailbox(USER);
        let user = mailbox.pid().expect("the node is alive");
        let (write, written) = channel();
        thread::spawn(move || mailbox.serve_output(|output| drop(write.send(output))));
        Self { ours, user, written, directory }
    }

    fn peer(&self, name: &str) -> Peer {
        let flags = FLAGS.without(Flags::FRAGMENTS);
        let script = Script::join_with(self.ours.port(), name, flags);
        self.ours.expect_up(name, NodeType::Visible);
        Peer { script, flags, node: self.ours.name().to_owned() }
    }

    fn expect_text(&self, expected: &str) {
        match self.written.recv_timeout(GIVE_UP) {
            Ok(Output::Text { text, .. }) => assert_eq!(text, expected),
            other => panic!("{other:?} and not {expected}"),
        }
    }
}

/// A node that does what a test says.
struct Peer {
    script: Script,
    flags: Flags,
    node: String,
}

impl Peer {
    fn put(&mut self, signal: &Control) {
        let mut frame = Vec::new();
        signal.emit(self.flags, &mut frame).expect("it fits");
        self.script.send(&frame);
    }

    /// Asks the group leader in the name of any process.
    fn ask(&mut self, from: Pid, reply_as: &str, request: &str) {
        let label = term("io_request");
        let request = Term::tuple([label, from.into(), term(reply_as), term(request)]);
        let mut message = Vec::new();
        request.encode(&mut message).expect("short");
        let (from, to) = (self.script.pid(), atom(USER));
        self.put(&Control::RegSend { from, to, message: message.into(), token: None });
    }

    fn signal(&mut self) -> Control {
        let node = node_name(&self.node);
        parse(&self.script.frame().into(), &node).expect("a signal")
    }

    /// Answers the next signal, which must ask for a text, by an error.
    fn refuse_text(&mut self) {
        let signal = self.signal();
        let Control::SpawnRequest(asked) = &signal else { panic!("{signal:?}") };
        let (request, to) = (asked.request.clone(), asked.from.clone());
        let result = Spawned::Error(atom("system_limit"));
        let flags = SpawnFlags::default();
        self.put(&Control::SpawnReply { request, to, flags, result, token: None });
    }

    /// The next signal, which must be this reply to the process of this peer.
    fn expect_reply(&mut self, expected: &str) {
        let signal = self.signal();
        let Control::Send { to, message, .. } = &signal else { panic!("{signal:?}") };
        assert_eq!(*to, self.script.pid());
        let reply = Term::decode(message, &Limits::default()).expect("a term");
        assert_eq!(reply, term(expected));
    }
}

each_runtime! {
    //= docs/spec/calls.md#io-apply
    //= type=test
    #[test]
    fn nobody_has_functions_called_or_nodes_dialled() {
        let stage = Stage::new();
        let mut peer = stage.peer(B);
        let (b, other) = (peer.script.pid(), stage.directory.listen(C));
        other.set_nonblocking(true).expect("an option of every socket");
        let c = Pid { node: atom(C), ..peer.script.pid() };
        // Of another node: there is no link with it, so that it is neither asked nor answered.
        peer.ask(c.clone(), "1", FORMAT);
        peer.ask(c, "2", "{put_chars,unicode,\"c\"}");
        peer.ask(b.clone(), "3", "{put_chars,unicode,os,cmd,[\"true\"]}");
        peer.ask(b, "4", "{put_chars,unicode,\"b\"}");
        peer.expect_reply("{io_reply,3,{error,request}}");
        peer.expect_reply("{io_reply,4,ok}");
        stage.expect_text("c");
        stage.expect_text("b");
        assert_eq!(stage.ours.nodes(), [(B.to_owned(), NodeKind::Visible)]);
        let dialled = other.accept();
        assert!(dialled.is_err(), "{dialled:?}");
    }

    //= docs/spec/calls.md#io-lanes
    //= type=test
    #[test]
    fn a_node_that_makes_no_text_holds_up_no_other() {
        // One after the other these would take longer than any test waits.
        const SILENT: usize = 20;
        let stage = Stage::new();
        let [mut silent, mut peer] = [B, C].map(|name| stage.peer(name));
        let [b, c] = [&silent, &peer].map(|peer| peer.script.pid());
        let begin = Instant::now();
        for number in 0..SILENT {
            silent.ask(b.clone(), &number.to_string(), FORMAT);
        }
        silent.ask(b, "last", "{put_chars,unicode,\"behind\"}");
        let Control::SpawnRequest(asked) = silent.signal() else { panic!("no question") };
        assert_eq!((&asked.from, &asked.leader), (&stage.user, &stage.user));
        for number in ["1", "2", "3"] {
            peer.ask(c.clone(), number, FORMAT);
            peer.refuse_text();
            peer.expect_reply(&format!("{{io_reply,{number},{{error,format}}}}"));
            peer.ask(c.clone(), number, "{put_chars,unicode,\"c\"}");
            stage.expect_text("c");
            peer.expect_reply(&format!("{{io_reply,{number},ok}}"));
        }
        silent.expect_reply("{io_reply,0,{error,format}}");
        assert!(begin.elapsed() >= Duration::from_secs(5), "{:?}", begin.elapsed());
        // From now on it answers, and what was behind comes in its order.
        for number in 1..SILENT {
            silent.refuse_text();
            silent.expect_reply(&format!("{{io_reply,{number},{{error,format}}}}"));
        }
        silent.expect_reply("{io_reply,last,ok}");
        stage.expect_text("behind");
    }

    //= docs/spec/calls.md#io-reply
    //= type=test
    #[test]
    fn who_does_not_read_holds_up_no_other() {
        const LEN: usize = 32 << 20;
        let stage = Stage::new();
        let [mut deaf, mut peer] = [B, C].map(|name| stage.peer(name));
        let own = stage.ours.node.mailbox();
        // More than all marks and buffers.
        own.exit(&deaf.script.pid(), &Term::Binary(vec![7; LEN].into())).expect("there is a link");
        let [b, c] = [&deaf, &peer].map(|peer| peer.script.pid());
        for (number, text) in [("1", "one"), ("2", "two")] {
            deaf.ask(b.clone(), number, &format!("{{put_chars,unicode,\"{text}\"}}"));
            stage.expect_text(text);
            // Nor is it asked for a text, which it would not hear of.
            deaf.ask(b.clone(), number, FORMAT);
            peer.ask(c.clone(), number, &format!("{{put_chars,unicode,\"{text}\"}}"));
            stage.expect_text(text);
            peer.expect_reply(&format!("{{io_reply,{number},ok}}"));
        }
        let signal = deaf.signal();
        let Control::Exit2 { reason, .. } = &signal else { panic!("no exit signal") };
        assert_eq!(reason.len(), 5 + LEN);
        for number in ["1", "2"] {
            deaf.expect_reply(&format!("{{io_reply,{number},ok}}"));
            deaf.expect_reply(&format!("{{io_reply,{number},{{error,format}}}}"));
        }
    }
}
