//! Processes that are spawned without any Erlang: who waits for them, and what becomes of their handlers.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;

use async_executor::Executor;
use bytes::Bytes;
use futures_lite::future::{self, block_on};
use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::term::{Atom, Limits, Pid, Reference, Term};
use netkernel_blocking::core::wire::control::{Control, SpawnFlags, SpawnRequest, Spawned, parse};
use netkernel_blocking::{
    Function, Item, Mfa, ProcessEvent, SpawnMonitor, SpawnOptions, StartOptions, Target,
};
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::runtime::{Mailbox, Node, Runtime};
use netkernel_tests::script::{Directory, FLAGS, Script};
use netkernel_tests::{GIVE_UP, each_runtime};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

fn atom(text: &str) -> Atom {
    Atom::new(text).expect("an atom")
}

fn function(name: &str) -> Function {
    Function { module: atom("m"), function: atom(name), arity: 0 }
}

fn mfa(name: &str) -> Mfa {
    Mfa::new(atom("m"), atom(name), &[]).expect("it is short")
}

fn decoded(term: &[u8]) -> String {
    Term::decode(term, &Limits::default()).expect("a term").to_string()
}

fn next_event(mailbox: &Mailbox) -> ProcessEvent {
    match mailbox.recv_timeout(GIVE_UP) {
        Some(Item::Process(event)) => event,
        other => panic!("no event but {other:?}"),
    }
}

/// The reason for which this process has ended.
fn expect_down(mailbox: &Mailbox, of: &Pid, monitor: &Reference) -> String {
    let event = next_event(mailbox);
    let ProcessEvent::Down { reference, object, reason, .. } = event else {
        panic!("no DOWN but {event:?}")
    };
    assert_eq!((&reference, object), (monitor, Target::Pid(of.clone())));
    decoded(&reason)
}

/// Serves a function whose handler panics, at its first step or after a message.
fn serve_panics(node: &Node) {
    match node {
        Node::Blocking(node) => {
            node.serve_function(function("at_once"), |_, _| panic!("as it is meant to"));
            node.serve_function(function("later"), |mailbox, _| {
                drop(mailbox.recv());
                panic!("as it is meant to");
            });
        }
        Node::Smol(node) => {
            node.serve_function(function("at_once"), |_, _| -> core::future::Ready<()> {
                panic!("as it is meant to")
            });
            node.serve_function(function("later"), |mailbox, _| async move {
                drop(mailbox.recv().await);
                panic!("as it is meant to");
            });
        }
    }
}

each_runtime! {
    #[test]
    fn who_receives_beside_a_spawn_does_not_get_its_answer() {
        const SPAWNS: u32 = 300;
        let directory = Directory::start();
        let [a, b] = ["a", "b"].map(|name| Ours::start(name, Ours::config(directory.port())));
        b.node.serve_function(function("f"), |_, _| {});
        let mailbox = a.node.mailbox();
        let pid = mailbox.pid().expect("alive");
        thread::scope(|scope| {
            let taken = scope.spawn(|| {
                let mut taken = 0;
                loop {
                    match mailbox.recv_timeout(GIVE_UP) {
                        Some(Item::Message(message)) if *message == *b"\x83\x6a" => return taken,
                        Some(Item::Message(_)) => taken += 1,
                        other => panic!("{other:?}"),
                    }
                }
            });
            let other = a.node.mailbox();
            for _ in 0..SPAWNS {
                let _ = mailbox.spawn(&node_name(B), mfa("f")).expect("it is served");
                other.send(&pid, &b"\x83\x61\x01"[..]).expect("alive");
            }
            other.send(&pid, &b"\x83\x6a"[..]).expect("alive");
            assert_eq!(taken.join().expect("only messages"), SPAWNS);
        });
        assert_eq!(mailbox.try_recv(), None);
    }

    //= docs/spec/process.md#process-spawn-served
    //= type=test
    #[test]
    fn the_panic_of_a_handler_ends_its_process_alone() {
        let directory = Directory::start();
        let [a, b] = ["a", "b"].map(|name| Ours::start(name, Ours::config(directory.port())));
        serve_panics(&b.node);
        b.node.serve_function(function("good"), |mailbox, _| drop(mailbox.recv()));
        let (mailbox, node) = (a.node.mailbox(), node_name(B));
        mailbox.trap_exit(true).expect("alive");
        let (good, good_monitor) = mailbox.spawn_monitor(&node, mfa("good")).expect("it is served");
        for name in ["at_once", "later"] {
            let monitor = Some(SpawnMonitor::default());
            let options = SpawnOptions { link: true, monitor, ..SpawnOptions::default() };
            let (child, monitor) = mailbox.spawn_opt(&node, mfa(name), &options).expect("it is served");
            mailbox.send(&child, &b"\x83\x6a"[..]).expect("alive");
            let exit = next_event(&mailbox);
            let ProcessEvent::Exit { from, reason } = exit else { panic!("no exit signal but {exit:?}") };
            assert_eq!((from, decoded(&reason)), (child.clone(), "panic".to_owned()));
            assert_eq!(expect_down(&mailbox, &child, &monitor.expect("asked for")), "panic");
        }
        // All else goes on.
        mailbox.send(&good, &b"\x83\x6a"[..]).expect("alive");
        assert_eq!(expect_down(&mailbox, &good, &good_monitor), "normal");
    }

    #[test]
    fn a_function_is_served_or_not_and_nothing_between() {
        const CHANGES: u32 = 5000;
        let directory = Directory::start();
        let ours = Ours::start("a", Ours::config(directory.port()));
        let node = &ours.node;
        let (mailbox, own) = (node.mailbox(), node_name(A));
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..CHANGES {
                    node.serve_function(function("f"), |_, _| {});
                }
            });
            scope.spawn(|| {
                for _ in 0..CHANGES {
                    node.unserve_function(&function("f"));
                }
            });
            for _ in 0..300 {
                let (child, monitor) = mailbox.spawn_monitor(&own, mfa("f")).expect("room");
                let why = expect_down(&mailbox, &child, &monitor);
                assert!(["normal", "{undef,[{m,f,[],[]}]}"].contains(&&*why), "{why}");
            }
        });
        node.serve_function(function("f"), |_, _| {});
        let (child, monitor) = mailbox.spawn_monitor(&own, mfa("f")).expect("it is served");
        assert_eq!(expect_down(&mailbox, &child, &monitor), "normal");
        assert!(node.unserve_function(&function("f")));
        assert!(!node.unserve_function(&function("f")));
    }
}

/// A node, and a peer that is asked for processes.
struct Asked {
    ours: Ours,
    peer: Script,
    _directory: Directory,
}

impl Asked {
    fn new() -> Self {
        let directory = Directory::start();
        let ours = Ours::start("a", Ours::config(directory.port()));
        let peer = Script::join(ours.port(), B);
        ours.expect_up(B, NodeType::Visible);
        Self { ours, peer, _directory: directory }
    }

    fn next_signal(&mut self) -> Control {
        parse(&self.peer.frame().into(), &node_name(A)).expect("a signal")
    }

    /// Answers a request with a process that is linked and monitored, and has the one that asked know of the answer.
    fn answer(&mut self, request: &SpawnRequest, mailbox: &netkernel_smol::Mailbox) {
        let flags = SpawnFlags::LINK.with(SpawnFlags::MONITOR);
        let result = Spawned::Pid(self.peer.pid());
        let (request, to) = (request.request.clone(), request.from.clone());
        let message = Bytes::from_static(b"\x83\x6a");
        let mut frames = Vec::new();
        for signal in [
            Control::SpawnReply { request, to: to.clone(), flags, result, token: None },
            Control::Send { from: None, to, message: message.clone(), token: None },
        ] {
            signal.emit(FLAGS, &mut frames).expect("it fits");
        }
        self.peer.send(&frames);
        let item = block_on(mailbox.recv_timeout(GIVE_UP));
        assert_eq!(item, Some(Item::Message(message)));
    }

    /// That the new process gets the exit signal `abandoned` and is monitored no more.
    fn expect_taken_back(&mut self) {
        let (mut is_told, mut is_free) = (false, false);
        while !is_told || !is_free {
            let signal = self.next_signal();
            if let Control::Exit { to, reason, .. } | Control::Exit2 { to, reason, .. } = signal {
                let reason = decoded(&[b"\x83", &reason[..]].concat());
                assert_eq!((to, reason), (self.peer.pid(), "abandoned".to_owned()));
                is_told = true;
            } else if matches!(signal, Control::DemonitorP { .. }) {
                is_free = true;
            } else {
                assert!(matches!(signal, Control::UnlinkId { .. }), "{signal:?}");
            }
        }
    }
}

//= docs/spec/process.md#process-spawn-abandon
//= type=test
#[test]
fn a_spawn_whose_future_is_dropped_is_abandoned() {
    Runtime::Smol.test(|| {
        let mut asked = Asked::new();
        let Node::Smol(node) = &asked.ours.node else { unreachable!("it was asked for") };
        let mailbox = node.mailbox();
        let monitor = Some(SpawnMonitor::default());
        let options = SpawnOptions { link: true, monitor, ..SpawnOptions::default() };
        let b = node_name(B);
        for answer_comes_first in [false, true] {
            let mut call = Box::pin(mailbox.spawn_opt(&b, mfa("f"), &options));
            assert_eq!(block_on(future::poll_once(&mut call)), None);
            let Control::SpawnRequest(request) = asked.next_signal() else {
                panic!("it was asked for")
            };
            if answer_comes_first {
                asked.answer(&request, &mailbox);
                drop(call);
            } else {
                drop(call);
                asked.answer(&request, &mailbox);
            }
            asked.expect_taken_back();
            assert_eq!(mailbox.links(), []);
            assert_eq!(mailbox.try_recv(), None, "no answer, and no DOWN");
        }
    });
}

#[test]
fn a_handler_that_is_never_run_ends_its_process() {
    let directory = Directory::start();
    let executor = Arc::new(Executor::new());
    let is_full = Arc::new(AtomicBool::new(false));
    let (runs, refuses) = (Arc::clone(&executor), Arc::clone(&is_full));
    thread::spawn(move || block_on(runs.run(future::pending::<()>())));
    // An executor that drops tasks, as one does that ends.
    let node = netkernel_smol::Node::new_on(Ours::config(directory.port()), move |task| {
        if !refuses.load(Ordering::Relaxed) {
            executor.spawn(task).detach();
        }
    });
    block_on(node.start(StartOptions::new(node_name(A)))).expect("a free name");
    node.serve_function(function("f"), |_, _| future::pending::<()>());
    let mailbox = Mailbox::Smol(node.mailbox());
    is_full.store(true, Ordering::Relaxed);
    let (child, monitor) = mailbox.spawn_monitor(&node_name(A), mfa("f")).expect("it is served");
    assert_eq!(expect_down(&mailbox, &child, &monitor), "normal");
}
