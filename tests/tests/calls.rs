//! Servers and calls between nodes of ours, where no Erlang node is to compare with: ends, refusals, and what is given up.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::future::Future;
use core::time::Duration;
use std::sync::mpsc::{Sender, channel};

use futures_lite::future::{block_on, poll_once};
use netkernel_blocking::core::calls::erpc::{ErpcFailure, Exception};
use netkernel_blocking::core::calls::gen_server::CallFailure;
use netkernel_blocking::core::term::{Atom, Limits, Pid, Term};
use netkernel_blocking::core::{Creation, NodeName};
use netkernel_blocking::{
    Bound, CallError, CallReaction, Client, ErpcError, Function, Info, Item, NodeConfig, Outcome,
    Overflow, ProcessEvent, Reaction, StartServerError, Target,
};
use netkernel_tests::ours::{Ours, eventually, next_message, node_name};
use netkernel_tests::runtime::{Mailbox, Node};
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
    /// What it does behind `init`.
    first: Reaction,
    /// Who waits for a reply of somebody else.
    clients: Option<Sender<Client>>,
    /// What it saw, its end with it.
    end: Sender<String>,
}

impl Told {
    fn new(end: &Sender<String>) -> Self {
        let (first, end) = (Reaction::Continue, end.clone());
        Self { init: Ok(()), traps: false, first, clients: None, end }
    }

    fn call(&self, request: Term, client: Client) -> CallReaction {
        assert_ne!(request, term("panic"), "on purpose");
        match request.as_tuple() {
            Some([what, reason]) if *what == term("stop") => {
                CallReaction::Stop { reason: reason.clone(), reply: Some(term("bye")) }
            }
            Some([what, reason]) if *what == term("fail") => {
                CallReaction::Stop { reason: reason.clone(), reply: None }
            }
            Some([what, ms]) if *what == term("idle") => {
                let after = Duration::from_millis(ms.as_i64().unwrap().try_into().unwrap());
                CallReaction::Timeout { reply: Some(term("ok")), after }
            }
            _ if request == term("later") => {
                self.clients.as_ref().unwrap().send(client).unwrap();
                CallReaction::NoReply
            }
            _ => CallReaction::Reply(request),
        }
    }

    fn terminate(&self, reason: &Term) {
        self.end.send(reason.to_string()).unwrap();
        assert_ne!(*reason, term("panic"), "on purpose");
    }

    fn init(&self) -> Result<(), Term> {
        assert_ne!(self.init, Err(term("panic")), "on purpose");
        self.init.clone()
    }

    fn info(&self, info: Info) -> Reaction {
        match info {
            Info::Message(message) => {
                self.end.send(message.to_string()).unwrap();
                Reaction::Continue
            }
            Info::Item(Item::Message(_)) => {
                self.end.send("too large".to_owned()).unwrap();
                Reaction::Continue
            }
            Info::Item(Item::Process(ProcessEvent::Exit { reason, .. })) => {
                Reaction::Stop(Term::decode(&reason, &Limits::default()).unwrap())
            }
            Info::Item(_) => Reaction::Continue,
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
                client: Client,
            ) -> CallReaction {
                self.call(request, client)
            }

            $($async)? fn handle_info(&mut self, _: &$runtime::Mailbox, info: Info) -> Reaction {
                self.info(info)
            }

            $($async)? fn terminate(&mut self, _: &$runtime::Mailbox, reason: &Term) {
                Self::terminate(self, reason);
            }

            $($async)? fn handle_continue(&mut self, _: &$runtime::Mailbox) -> Reaction {
                self.first.clone()
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
    /// With configurations that are changed so: that of the server, and that of the client.
    fn new(change: impl FnOnce(&mut NodeConfig, &mut NodeConfig)) -> Self {
        let directory = Directory::start();
        let [mut server, mut client] = [(); 2].map(|()| Ours::config(directory.port()));
        change(&mut server, &mut client);
        let server = Ours::start("server", server);
        let client = Ours::start("client", client);
        Self { server, client, _directory: directory }
    }

    fn connected(change: impl FnOnce(&mut NodeConfig, &mut NodeConfig)) -> Self {
        let stage = Self::new(change);
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
    //= docs/spec/calls.md#call-start-fails
    //= type=test
    #[test]
    fn a_server_starts_or_tells_why_not() {
        let stage = Stage::new(|_, _| ());
        let (end, _ended) = channel();
        let start = |server| stage.server.node.start_server(Some(&atom("srv")), server);
        let refuses = |init: &str| Told { init: Err(term(init)), ..Told::new(&end) };
        assert_eq!(start(refuses("why")), Err(StartServerError::Init(term("why"))));
        assert_eq!(start(refuses("panic")), Err(StartServerError::Died));
        // The name is free again as soon as that is told.
        start(Told::new(&end)).unwrap();
        assert!(matches!(start(Told::new(&end)), Err(StartServerError::Name(_))));
    }

    //= docs/spec/calls.md#call-failures
    //= type=test
    #[test]
    fn a_caller_is_told_how_the_server_ended() {
        let stage = Stage::connected(|_, _| ());
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
    //= docs/spec/calls.md#call-unreached
    //= type=test
    #[test]
    fn nobody_calls_himself_and_no_node_is_reached_from_nowhere() {
        let stage = Stage::new(|_, _| ());
        let own = stage.client.mailbox("own");
        let name = Target::Name(atom("own"), node_name(stage.client.name()));
        for me in [Target::Pid(own.pid().unwrap()), name] {
            assert_eq!(exit(own.call(me, &term("x"), None)), term("calling_self"));
        }
        let nowhere = Target::Name(atom("srv"), node_name("nobody@127.0.0.1"));
        let expected = term("{nodedown,'nobody@127.0.0.1'}");
        assert_eq!(exit(own.call(nowhere.clone(), &term("x"), None)), expected);
        let stranger = Pid { node: atom("nobody@127.0.0.1"), ..own.pid().unwrap() };
        // Who sends a request is told so by its response.
        for server in [nowhere.clone(), Target::Pid(stranger.clone())] {
            let asked = own.send_request(server, &term("x")).unwrap();
            assert_eq!(exit(own.receive_response(asked, None)), term("noconnection"));
        }
        stage.client.node.stop().unwrap();
        for (server, response) in
            [(nowhere, expected.clone()), (Target::Pid(stranger), term("noconnection"))]
        {
            assert_eq!(exit(own.call(server.clone(), &term("x"), None)), expected);
            let error = own.send_request(server, &term("x")).unwrap_err();
            assert_eq!(exit(Err(error)), response);
        }
        let me = Target::Name(atom("own"), NodeName::nonode());
        assert_eq!(exit(own.call(me, &term("x"), Some(GIVE_UP))), term("calling_self"));
        assert_eq!(own.message_queue_len(), 0);
    }

    //= docs/spec/process.md#process-own-name
    //= type=test
    //= docs/spec/calls.md#call-unreached
    //= type=test
    #[test]
    fn processes_of_a_node_call_each_other_while_it_stops_and_has_stopped() {
        let stage = Stage::new(|_, _| ());
        let ((end, _seen), (later, clients)) = (channel(), channel());
        stage.start(Told { clients: Some(later), ..Told::new(&end) });
        let [own, other] = [(); 2].map(|()| stage.server.node.mailbox());
        let asked = own.send_request(stage.srv(), &term("later")).unwrap();
        let client = clients.recv_timeout(GIVE_UP).unwrap();
        stage.server.node.stop().unwrap();
        other.reply(&client, &term("here")).unwrap();
        assert_eq!(own.receive_response(asked, Some(GIVE_UP)), Ok(term("here")));
        let here = Target::Name(atom("srv"), NodeName::nonode());
        assert_eq!(call(&own, here, "[1]"), Ok(term("[1]")));
        assert_eq!(exit(call(&own, stage.srv(), "[1]")), term(&format!("{{nodedown,'{}'}}", stage.server.name())));
        assert_eq!(own.message_queue_len(), 0);
    }

    //= docs/spec/process.md#process-dispatch
    //= type=test
    //= docs/spec/calls.md#rex-requests
    //= type=test
    #[test]
    fn a_node_can_ask_its_own_rex() {
        let stage = Stage::new(|_, _| ());
        let (node, own) = (&stage.server.node, stage.server.node.mailbox());
        let name = node_name(stage.server.name());
        let rex = || Target::Name(atom("rex"), name.clone());
        // It is there before anything is served.
        let unknown = call(&own, rex(), "{block_call,m,f,[1],user}");
        assert_eq!(unknown, Ok(term("{badrpc,{'EXIT',{undef,[{m,f,[1],[]}]}}}")));
        let (send, told) = channel();
        let f = Function { module: atom("m"), function: atom("f"), arity: 1 };
        node.serve_rpc(f, move |mut it| {
            send.send(it[0].to_string()).unwrap();
            Outcome::Return(it.remove(0))
        });
        for to in [rex(), node.whereis("rex").unwrap().into()] {
            assert_eq!(call(&own, to.clone(), "{call,m,f,[1],user}"), Ok(term("1")));
            assert_eq!(call(&own, to.clone(), "{block_call,m,f,[2],user}"), Ok(term("2")));
            own.cast(to, &term("{cast,m,f,[3],user}")).unwrap();
            let told = [(); 3].map(|()| told.recv_timeout(GIVE_UP).unwrap());
            assert_eq!(told, ["1", "2", "3"]);
        }
        let question = Term::tuple([own.pid().unwrap().into(), term("features_request")]);
        let mut message = Vec::new();
        question.encode(&mut message).unwrap();
        own.send_to_name(&atom("rex"), &name, message).unwrap();
        let features = Term::decode(&next_message(&own), &Limits::default()).unwrap();
        let own_name = name.as_atom().clone().into();
        assert_eq!(features, Term::tuple([term("features_reply"), own_name, term("[erpc]")]));
        // So does a node that is not alive.
        let me = own.pid().unwrap();
        node.stop().unwrap();
        let rex = Target::Name(atom("rex"), NodeName::nonode());
        assert_eq!(call(&own, rex, "{call,m,f,[4],user}"), Ok(term("4")));
        let me = Pid { node: atom("nonode@nohost"), creation: Creation::NONE, ..me };
        own.register(atom("own")).unwrap();
        let mut message = Vec::new();
        let what = Term::tuple([term("sbcast"), term("own"), term("x")]);
        Term::tuple([me.into(), what]).encode(&mut message).unwrap();
        own.send_to_name(&atom("rex"), &NodeName::nonode(), message).unwrap();
        let told = [(); 2].map(|()| Term::decode(&next_message(&own), &Limits::default()).unwrap());
        assert_eq!(told, [term("x"), term("{rex,nonode@nohost,nonode@nohost}")]);
    }

    //= docs/spec/calls.md#rex-broadcast
    //= type=test
    #[test]
    fn who_broadcasts_is_answered_though_there_is_no_room() {
        let stage = Stage::new(|_, _| ());
        let node = &stage.server.node;
        let (own, full, name) = (node.mailbox(), node.mailbox(), node_name(stage.server.name()));
        let bound = Bound { messages: 1, bytes: usize::MAX, overflow: Overflow::Pause };
        full.set_bound(Some(bound));
        full.register(atom("full")).unwrap();
        let from: Term = own.pid().unwrap().into();
        let answer = Term::tuple([term("rex"), name.as_atom().clone().into(), name.as_atom().clone().into()]);
        for number in 0..3_u8 {
            let what = Term::tuple([term("sbcast"), term("full"), number.into()]);
            let mut message = Vec::new();
            Term::tuple([from.clone(), what]).encode(&mut message).unwrap();
            own.send_to_name(&atom("rex"), &name, message).unwrap();
            assert_eq!(Term::decode(&next_message(&own), &Limits::default()).unwrap(), answer);
        }
        assert_eq!(full.message_queue_len(), 1);
    }

    /// As many calls run as handlers may, and the next one is told so.
    //= docs/spec/process.md#process-spawn-limits
    //= type=test
    #[test]
    fn calls_of_functions_are_bounded() {
        let stage = Stage::new(|config, _| config.process_limits.spawned = 1);
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

    //= docs/spec/calls.md#call-timeout
    //= type=test
    #[test]
    fn a_server_is_told_that_nothing_comes() {
        let stage = Stage::new(|_, _| ());
        let (mailbox, (end, seen)) = (stage.server.node.mailbox(), channel());
        let hour = Duration::from_secs(3600);
        // Behind `init`, and once.
        stage.start(Told { first: Reaction::Timeout(Duration::ZERO), ..Told::new(&end) });
        assert_eq!(seen.recv_timeout(GIVE_UP).unwrap(), "timeout");
        assert_eq!(call(&mailbox, stage.srv(), "{idle,0}"), Ok(term("ok")));
        assert_eq!(seen.recv_timeout(GIVE_UP).unwrap(), "timeout");
        // What comes ends the time.
        assert_eq!(call(&mailbox, stage.srv(), "{idle,3600000}"), Ok(term("ok")));
        assert_eq!(call(&mailbox, stage.srv(), "[1]"), Ok(term("[1]")));
        // A time that no clock can tell is none.
        for first in [Reaction::Timeout(hour), Reaction::Timeout(Duration::MAX)] {
            assert_eq!(call(&mailbox, stage.srv(), "{stop,normal}"), Ok(term("bye")));
            assert_eq!(seen.recv_timeout(GIVE_UP).unwrap(), "normal");
            eventually("the name is free", || stage.server.node.whereis("srv").is_none());
            stage.start(Told { first, ..Told::new(&end) });
            assert_eq!(call(&mailbox, stage.srv(), "[1]"), Ok(term("[1]")));
        }
        // What is there already comes in time.
        let (own, asked) = (stage.server.node.mailbox(), ["{idle,0}", "[1]", "{stop,normal}"]);
        let pid = own.pid().unwrap();
        let asked = asked.map(|it| mailbox.send_request(pid.clone(), &term(it)).unwrap());
        own.serve(&mut Told::new(&end));
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["normal"]);
        for (request, reply) in asked.into_iter().zip(["ok", "[1]", "bye"]) {
            assert_eq!(mailbox.receive_response(request, Some(GIVE_UP)), Ok(term(reply)));
        }
        let stops = Told { first: Reaction::Stop(term("early")), ..Told::new(&end) };
        stage.server.node.start_server(None, stops).unwrap();
        assert_eq!(seen.recv_timeout(GIVE_UP).unwrap(), "early");
        assert!(seen.try_recv().is_err());
    }

    //= docs/spec/calls.md#call-stop
    //= type=test
    #[test]
    fn the_last_reply_is_given_even_if_terminate_panics() {
        let stage = Stage::connected(|_, _| ());
        let (mailbox, (end, seen)) = (stage.client.node.mailbox(), channel());
        for (reason, ends_by) in [("why", "why"), ("panic", "panic"), ("normal", "normal")] {
            let pid = stage.start(Told::new(&end));
            let monitor = mailbox.monitor(pid).unwrap();
            let stop = format!("{{stop,{reason}}}");
            assert_eq!(call(&mailbox, stage.srv(), &stop), Ok(term("bye")), "{reason}");
            assert_eq!(seen.try_recv().unwrap(), reason, "it was called before");
            match mailbox.recv_timeout(GIVE_UP) {
                Some(Item::Process(ProcessEvent::Down { reference, reason, .. })) => {
                    let reason = Term::decode(&reason, &Limits::default()).unwrap();
                    assert_eq!((reference, reason), (monitor, term(ends_by)));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    //= docs/spec/calls.md#call-limits
    //= type=test
    #[test]
    fn terms_have_the_limits_that_the_node_has() {
        let few = |config: &mut NodeConfig| config.term_limits.terms = 20;
        let long = Term::list((0..30).map(Term::from));
        let stage = Stage::connected(|server, _| few(server));
        let (mailbox, (end, seen)) = (stage.client.node.mailbox(), channel());
        stage.start(Told::new(&end));
        let sent = mailbox.send_request(stage.srv(), &long).unwrap();
        assert_eq!(seen.recv_timeout(GIVE_UP).unwrap(), "too large");
        let reply = mailbox.wait_response(&sent, Some(Duration::ZERO));
        assert_eq!(reply, None);
        mailbox.abandon_request(sent);
        let (m, f, node) = (atom("m"), atom("f"), node_name(stage.server.name()));
        let id = Function { module: m.clone(), function: f.clone(), arity: 1 };
        stage.server.node.serve_rpc(id.clone(), |mut it| Outcome::Return(it.remove(0)));
        let decoded = mailbox.erpc_call(&node, &m, &f, core::slice::from_ref(&long), None);
        let signal = Exception::Signal(term("argument_list_decode_failure"));
        assert_eq!(decoded, Err(ErpcError::Raised(signal)));
        drop((mailbox, stage));

        let stage = Stage::connected(|_, client| few(client));
        let mailbox = stage.client.node.mailbox();
        stage.start(Told::new(&end));
        let refused = mailbox.call(stage.srv(), &long, None);
        assert!(matches!(refused, Err(CallError::Failed(CallFailure::Refused(_)))), "{refused:?}");
        stage.server.node.serve_rpc(id, |mut it| Outcome::Return(it.remove(0)));
        let node = node_name(stage.server.name());
        let refused = mailbox.erpc_call(&node, &m, &f, core::slice::from_ref(&long), None);
        let Err(ErpcError::Raised(Exception::Failed(ErpcFailure::Refused(_)))) = refused else {
            panic!("{refused:?}")
        };
        // Nor has a reason room that is too large.
        let end = Term::tuple([term("fail"), long]);
        let refused = mailbox.call(stage.srv(), &end, None);
        assert!(matches!(refused, Err(CallError::Failed(CallFailure::Refused(_)))), "{refused:?}");
        assert_eq!(mailbox.message_queue_len(), 0);
    }

    //= docs/spec/calls.md#call-reply-to
    //= type=test
    #[test]
    fn any_process_may_reply_even_when_the_server_is_gone() {
        let stage = Stage::connected(|_, _| ());
        let (mailbox, (end, _seen), (later, clients)) =
            (stage.client.node.mailbox(), channel(), channel());
        stage.start(Told { clients: Some(later), ..Told::new(&end) });
        let asked = [(); 3].map(|()| mailbox.send_request(stage.srv(), &term("later")).unwrap());
        let [one, two, three] = [(); 3].map(|()| clients.recv_timeout(GIVE_UP).unwrap());
        // A process of the server's node, one of another node, and none.
        stage.server.node.mailbox().reply(&one, &term("here")).unwrap();
        let other = stage.client.node.mailbox();
        other.reply(&two, &term("there")).unwrap();
        drop(three);
        let [one, two, three] = asked;
        assert_eq!(mailbox.receive_response(two, Some(GIVE_UP)), Ok(term("there")));
        assert_eq!(mailbox.receive_response(one, Some(GIVE_UP)), Ok(term("here")));
        assert_eq!(call(&mailbox, stage.srv(), "{stop,why}"), Ok(term("bye")));
        assert_eq!(exit(mailbox.receive_response(three, Some(GIVE_UP))), term("why"));
        assert_eq!(mailbox.message_queue_len(), 0);
    }

    /// A request that is waited for in vain can be waited for again, and abandoned.
    //= docs/spec/calls.md#call-reply
    //= type=test
    #[test]
    fn a_request_survives_a_wait() {
        let stage = Stage::connected(|_, _| ());
        let (mailbox, (end, _seen)) = (stage.client.node.mailbox(), channel());
        stage.start(Told::new(&end));
        let (m, f, node) = (atom("m"), atom("gate"), node_name(stage.server.name()));
        let (open, gate) = channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let waits = Function { module: m.clone(), function: f.clone(), arity: 0 };
        stage.server.node.serve_rpc(waits, move |_| {
            gate.lock().unwrap().recv_timeout(GIVE_UP).unwrap();
            Outcome::Return(term("open"))
        });
        let request = mailbox.erpc_send_request(&node, &m, &f, &[]).unwrap();
        for _ in 0..3 {
            assert_eq!(mailbox.erpc_wait_response(&request, Some(Duration::ZERO)), None);
        }
        if let Mailbox::Smol(mailbox) = &mailbox {
            begin(mailbox.erpc_wait_response(&request, None));
        }
        open.send(()).unwrap();
        assert_eq!(mailbox.erpc_wait_response(&request, None).unwrap(), Ok(term("open")));
        let given_up = mailbox.erpc_send_request(&node, &m, &f, &[]).unwrap();
        mailbox.erpc_abandon_request(given_up);
        open.send(()).unwrap();

        let request = mailbox.send_request(stage.srv(), &term("1")).unwrap();
        assert_eq!(mailbox.wait_response(&request, Some(GIVE_UP)).unwrap(), Ok(term("1")));
        let nobody = Target::Name(atom("nobody"), node);
        let request = mailbox.send_request(nobody, &term("1")).unwrap();
        assert_eq!(exit(mailbox.wait_response(&request, None).unwrap()), term("noproc"));
        eventually("nothing is left", || {
            let used = [&stage.server, &stage.client].map(|ours| ours.node.usage());
            used.iter().all(|used| used.monitors + used.aliases + used.watches + used.spawns == 0)
        });
        assert_eq!(mailbox.message_queue_len(), 0);
    }

    #[test]
    fn what_is_given_up_leaves_nothing_behind() {
        let stage = Stage::connected(|_, _| ());
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
