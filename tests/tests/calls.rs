//! Servers and calls between nodes of ours, where no Erlang node is to compare with: ends, refusals, and what is given up.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::future::Future;
use core::time::Duration;
use std::sync::mpsc::{Sender, channel};

use futures_lite::future::{block_on, poll_once};
use netkernel_blocking::core::calls::erpc::{ErpcFailure, Exception};
use netkernel_blocking::core::calls::gen_server::CallFailure;
use netkernel_blocking::core::term::{Atom, Limits, Pid, Term};
use netkernel_blocking::{
    CallError, CallReaction, Client, ErpcError, Function, Info, Item, NodeConfig, Outcome,
    ProcessEvent, Reaction, StartServerError, Target,
};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::{Mailbox, Node, Runtime};
use netkernel_tests::script::Directory;
use netkernel_tests::{GIVE_UP, each_runtime};

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

/// A server that does what it is told.
struct Told {
    init: Result<(), Term>,
    traps: bool,
    /// What it saw at its end.
    end: Sender<String>,
}

impl Told {
    fn new(end: &Sender<String>) -> Self {
        Self { init: Ok(()), traps: false, end: end.clone() }
    }

    fn call(request: Term) -> CallReaction {
        assert_ne!(request, term("panic"), "on purpose");
        CallReaction::Reply(request)
    }

    fn init(&self) -> Result<(), Term> {
        assert_ne!(self.init, Err(term("panic")), "on purpose");
        self.init.clone()
    }

    fn info(info: Info) -> Reaction {
        match info {
            Info::Item(Item::Process(ProcessEvent::Exit { reason, .. })) => {
                Reaction::Stop(Term::decode(&reason, &Limits::default()).unwrap())
            }
            Info::Item(_) | Info::Message(_) => Reaction::Continue,
        }
    }
}

macro_rules! serves {
    ($runtime:ident, [$($async:tt)?]) => {
        impl $runtime::GenServer for Told {
            $($async)? fn init(&mut self, own: &$runtime::Mailbox) -> Result<(), Term> {
                own.trap_exit(self.traps).unwrap();
                Self::init(self)
            }

            $($async)? fn handle_call(
                &mut self,
                _: &$runtime::Mailbox,
                request: Term,
                _: Client,
            ) -> CallReaction {
                Self::call(request)
            }

            $($async)? fn handle_info(&mut self, _: &$runtime::Mailbox, info: Info) -> Reaction {
                Self::info(info)
            }

            $($async)? fn terminate(&mut self, _: &$runtime::Mailbox, reason: &Term) {
                self.end.send(reason.to_string()).unwrap();
            }
        }
    };
}

serves!(netkernel_blocking, []);
serves!(netkernel_smol, [async]);

/// A node that serves, and one that calls.
struct Stage {
    server: Ours,
    client: Ours,
    _directory: Directory,
}

impl Stage {
    fn new(change: impl FnOnce(&mut NodeConfig)) -> Self {
        let directory = Directory::start();
        let mut config = Ours::config(directory.port());
        change(&mut config);
        let server = Ours::start("server", config);
        let client = Ours::start("client", Ours::config(directory.port()));
        Self { server, client, _directory: directory }
    }

    fn connected() -> Self {
        let stage = Self::new(|_| ());
        stage.client.node.set_address(
            node_name(stage.server.name()),
            Some(format!("127.0.0.1:{}", stage.server.port()).parse().unwrap()),
        );
        stage.client.connect(stage.server.name());
        stage
    }

    fn srv(&self) -> Target {
        Target::Name(atom("srv"), node_name(self.server.name()))
    }

    fn start(&self, server: Told) -> Pid {
        self.server.node.start_server(Some(&atom("srv")), server).unwrap()
    }
}

fn exit(result: Result<Term, CallError>) -> Term {
    match result {
        Err(CallError::Failed(failure)) => failure.to_reason(),
        other => panic!("{other:?}"),
    }
}

fn call(mailbox: &Mailbox, server: Target, request: &str) -> Result<Term, CallError> {
    mailbox.call(server, &term(request), Some(GIVE_UP))
}

fn slow(node: &Node) -> Function {
    let slow = Function { module: atom("m"), function: atom("slow"), arity: 0 };
    node.serve_rpc(slow.clone(), |_| {
        std::thread::sleep(Duration::from_secs(600));
        Outcome::Return(term("late"))
    });
    slow
}

each_runtime! {
    #[test]
    fn a_server_starts_or_tells_why_not() {
        let stage = Stage::new(|_| ());
        let (end, _ended) = channel();
        let start = |server| stage.server.node.start_server(Some(&atom("srv")), server);
        let refuses = |init: &str| Told { init: Err(term(init)), ..Told::new(&end) };
        assert_eq!(start(refuses("why")), Err(StartServerError::Init(term("why"))));
        assert_eq!(start(refuses("panic")), Err(StartServerError::Died));
        // The name is free again, at the latest when the process has ended.
        eventually("it starts", || start(Told::new(&end)).is_ok());
        assert!(matches!(start(Told::new(&end)), Err(StartServerError::Name(_))));
    }

    //= docs/spec/calls.md#call-failures
    //= type=test
    #[test]
    fn a_caller_is_told_how_the_server_ended() {
        let stage = Stage::connected();
        let (mailbox, (end, ended)) = (stage.client.node.mailbox(), channel());
        stage.start(Told::new(&end));
        assert_eq!(call(&mailbox, stage.srv(), "[1]"), Ok(term("[1]")));
        assert_eq!(exit(call(&mailbox, stage.srv(), "panic")), term("panic"));
        assert_eq!(exit(call(&mailbox, stage.srv(), "[1]")), term("noproc"));
        // An exit signal ends it without `terminate`, unless it traps exits.
        let own = stage.server.node.mailbox();
        for traps in [false, true] {
            let pid = stage.start(Told { traps, ..Told::new(&end) });
            let monitor = own.monitor(pid.clone()).unwrap();
            own.exit(&pid, &term("why")).unwrap();
            match own.recv_timeout(GIVE_UP) {
                Some(Item::Process(ProcessEvent::Down { reference, reason, .. })) => {
                    assert_eq!((reference, &reason[..]), (monitor, &b"\x83w\x03why"[..]));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(ended.try_recv().ok(), traps.then(|| "why".to_owned()));
        }
        assert_eq!(mailbox.message_queue_len(), 0);
    }

    //= docs/spec/calls.md#call-failures
    //= type=test
    #[test]
    fn nobody_calls_himself_and_no_node_is_reached_from_nowhere() {
        let stage = Stage::new(|_| ());
        let own = stage.client.mailbox("own");
        let name = Target::Name(atom("own"), node_name(stage.client.name()));
        for me in [Target::Pid(own.pid().unwrap()), name] {
            assert_eq!(exit(own.call(me, &term("x"), None)), term("calling_self"));
        }
        let nowhere = Target::Name(atom("srv"), node_name("nobody@127.0.0.1"));
        let expected = term("{nodedown,'nobody@127.0.0.1'}");
        assert_eq!(exit(own.call(nowhere.clone(), &term("x"), None)), expected);
        stage.client.node.stop().unwrap();
        assert_eq!(exit(own.call(nowhere, &term("x"), None)), expected);
        assert_eq!(own.message_queue_len(), 0);
    }

    /// As many calls run as handlers may, and the next one is told so.
    //= docs/spec/process.md#process-spawn-limits
    //= type=test
    #[test]
    fn calls_of_functions_are_bounded() {
        let stage = Stage::new(|config| config.process_limits.spawned = 1);
        let slow = slow(&stage.server.node);
        let own = stage.server.node.mailbox();
        let node = node_name(stage.server.name());
        let ask = || own.erpc_send_request(&node, &slow.module, &slow.function, &[]).unwrap();
        let first = ask();
        let second = own.erpc_receive_response(ask(), Some(GIVE_UP));
        let limit = ErpcError::Raised(Exception::Signal(term("system_limit")));
        assert_eq!(second, Err(limit));
        let timeout = ErpcError::Raised(Exception::Failed(ErpcFailure::Timeout));
        assert_eq!(own.erpc_receive_response(first, Some(Duration::ZERO)), Err(timeout));
        // A process that was ended from outside still runs its handler.
        let third = own.erpc_receive_response(ask(), Some(GIVE_UP));
        assert_eq!(third, Err(ErpcError::Raised(Exception::Signal(term("system_limit")))));
    }

    #[test]
    fn what_is_given_up_leaves_nothing_behind() {
        let stage = Stage::connected();
        let (mailbox, (end, _ended)) = (stage.client.node.mailbox(), channel());
        let pid = stage.start(Told::new(&end));
        let request = mailbox.send_request(stage.srv(), &term("1")).unwrap();
        assert_eq!(call(&mailbox, stage.srv(), "2"), Ok(term("2")));
        // Its reply is there.
        mailbox.abandon_request(request);
        assert_eq!(mailbox.message_queue_len(), 0);
        // So it is if a future is dropped.
        if let Mailbox::Smol(mailbox) = &mailbox {
            let node = node_name(stage.server.name());
            let (module, function) = (atom("m"), atom("slow"));
            slow(&stage.server.node);
            let nodes = [node.clone(), node.clone()];
            begin(mailbox.call(stage.srv(), &term("1"), None));
            begin(mailbox.multi_call(&nodes, &atom("srv"), &term("1"), None));
            begin(mailbox.erpc_call(&node, &module, &function, &[], None));
            begin(mailbox.erpc_multicall(&nodes, &module, &function, &[], None));
        }
        assert_eq!(call(&mailbox, stage.srv(), "3"), Ok(term("3")));
        let own = stage.server.node.mailbox();
        own.exit(&pid, &term("kill")).unwrap();
        assert_eq!(exit(call(&mailbox, stage.srv(), "4")), term("noproc"));
        // No reply, and no end of what was given up.
        assert_eq!(mailbox.try_recv(), None);
    }
}

/// Runs a future up to where it waits for the first time, and drops it.
fn begin<T: core::fmt::Debug>(future: impl Future<Output = T>) {
    let begun = block_on(poll_once(future));
    drop(begun);
}

#[test]
fn a_server_that_always_has_messages_lets_others_run() {
    /// Casts to itself for ever.
    struct Busy;
    impl netkernel_smol::GenServer for Busy {
        async fn handle_call(
            &mut self,
            own: &netkernel_smol::Mailbox,
            request: Term,
            _: Client,
        ) -> CallReaction {
            own.cast(own.pid().unwrap(), &term("again")).await.unwrap();
            CallReaction::Reply(request)
        }

        async fn handle_cast(&mut self, own: &netkernel_smol::Mailbox, request: Term) -> Reaction {
            own.cast(own.pid().unwrap(), &request).await.unwrap();
            Reaction::Continue
        }
    }
    Runtime::Smol.with(|| {
        let stage = Stage::new(|_| ());
        let Node::Smol(node) = &stage.server.node else { panic!("it is one of smol") };
        let busy = block_on(node.start_server(None, Busy)).unwrap();
        let own = stage.server.node.mailbox();
        assert_eq!(own.call(busy, &term("1"), Some(GIVE_UP)), Ok(term("1")));
        // The node answers still.
        assert!(stage.server.node.get_state().is_some());
        let unknown = own.call(
            Target::Name(atom("nobody"), node_name(stage.server.name())),
            &term("1"),
            None,
        );
        assert_eq!(unknown, Err(CallError::Failed(CallFailure::NoProcess)));
    });
}
