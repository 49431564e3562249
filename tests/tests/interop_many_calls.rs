//! Ten thousand calls that wait at the same time, with time-outs among them: each has its own outcome, and nothing is left of any on either side.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::thread;
use std::time::Instant;

use async_executor::Executor;
use futures_lite::future::block_on;
use netkernel_blocking::core::calls::erpc::{ErpcFailure, Exception};
use netkernel_blocking::core::calls::gen_server::CallFailure;
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::core::{NodeName, NodeType};
use netkernel_blocking::{CallError, ErpcError, Target, Usage};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Mailbox;

/// Of so many calls one after the other the last has a limit, and the others wait until all calls have come.
const GROUP: u32 = 11;
/// So many calls of a server, and of a function: 10,000 wait until the last has come, and 1,000 are limited.
const CALLS: u32 = 1000 * GROUP;
/// So many wait while their node ends, for a server and a function in turn.
const WAITING: u32 = 10_000;
/// So many processes of ours make them.
const CALLERS: u32 = 100;

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

/// A server that answers `{Kind,Time,X}` by `X`: `at_once`; `later`, after that time; `held`, when so many calls have come as it was told, the last first;
/// `never`, when it is told to forget them. And a function that does the same.
const MANY: &str = "
-module(many).
-behaviour(gen_server).
-export([start/1, init/1, handle_call/3, handle_cast/2, handle_info/2, call/1, left/0, waiting/0]).
start(All) -> {ok, _} = gen_server:start({local, many}, ?MODULE, All, []), ok.
init(All) -> {ok, {All, [], []}}.
handle_call({at_once, _, X}, From, S) -> gen_server:reply(From, X), arrived(S);
handle_call({later, T, X}, From, S) -> erlang:send_after(T, self(), {reply, From, X}), arrived(S);
handle_call({held, _, X}, From, {N, Held, Never}) -> arrived({N, [{From, X} | Held], Never});
handle_call({never, _, X}, From, {N, Held, Never}) -> arrived({N, Held, [{From, X} | Never]}).
handle_cast(forget, {N, Held, Never}) -> [gen_server:reply(From, X) || {From, X} <- Never], {noreply, {N, Held, []}}.
handle_info({reply, From, X}, S) -> gen_server:reply(From, X), {noreply, S}.
arrived({1, Held, Never}) -> [gen_server:reply(From, X) || {From, X} <- Held], {noreply, {0, [], Never}};
arrived({N, Held, Never}) -> {noreply, {N - 1, Held, Never}}.
call(Request) -> gen_server:call(many, Request, infinity).
waiting() -> {_, _, Never} = sys:get_state(many), length(Never).
left() -> {process_info(whereis(many), [monitors, monitored_by, message_queue_len]), length(processes())}.
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AtOnce,
    Later,
    Held,
    Never,
}

/// A call by its number.
#[derive(Clone, Copy, Debug)]
struct Call {
    number: u32,
    kind: Kind,
    limit: Option<Duration>,
}

impl Call {
    fn new(number: u32) -> Self {
        let kind = match (number % GROUP, number / GROUP % 5) {
            (10, 0) => Kind::AtOnce,
            (10, 1 | 2) => Kind::Never,
            (10, _) => Kind::Later,
            _ => Kind::Held,
        };
        let limit = match kind {
            Kind::Held if number.is_multiple_of(2) => None,
            Kind::Held | Kind::AtOnce => Some(GIVE_UP),
            Kind::Never | Kind::Later => Some(Duration::from_millis((1 + number * 7 % 100).into())),
        };
        Self { number, kind, limit }
    }

    fn request(self) -> Term {
        let kind = match self.kind {
            Kind::AtOnce => "at_once",
            Kind::Later => "later",
            Kind::Held => "held",
            Kind::Never => "never",
        };
        Term::tuple([term(kind), (self.number * 11 % 100).into(), self.number.into()])
    }

    /// Of a call that began then: it has its reply, or has timed out and not too soon, as its kind says.
    fn judge(self, began: Instant, outcome: Option<&Term>) {
        let time = began.elapsed();
        match outcome {
            Some(reply) => assert_eq!(reply, &self.number.into(), "{self:?}"),
            None => assert!(time >= self.limit.unwrap(), "{self:?} after {time:?}"),
        }
        match self.kind {
            Kind::AtOnce | Kind::Held => assert!(outcome.is_some(), "{self:?} after {time:?}"),
            Kind::Never => assert_eq!(outcome, None, "{self:?}"),
            Kind::Later => {}
        }
    }
}

/// What is called.
#[derive(Clone, Copy)]
enum Way {
    Server,
    Function,
}

fn server(node: &NodeName) -> Target {
    Target::Name(atom("many"), node.clone())
}

/// The reply, or a time-out.
fn reply(result: Result<Term, CallError>) -> Option<Term> {
    match result {
        Ok(reply) => Some(reply),
        Err(CallError::Failed(CallFailure::Timeout)) => None,
        Err(other) => panic!("{other}"),
    }
}

/// The same of a function.
fn value(result: Result<Term, ErpcError>) -> Option<Term> {
    match result {
        Ok(value) => Some(value),
        Err(ErpcError::Raised(Exception::Failed(ErpcFailure::Timeout))) => None,
        Err(other) => panic!("{other}"),
    }
}

/// The calls of one thread: those that are held are asked for, and then waited for, and those with short limits come and go meanwhile.
fn calls_of_a_thread(own: &netkernel_blocking::Mailbox, way: Way, node: &NodeName, calls: &[Call]) {
    let (many, function, began) = (atom("many"), atom("call"), Instant::now());
    match way {
        Way::Server => {
            let mut asked = Vec::new();
            for call in calls {
                let (request, began) = (call.request(), Instant::now());
                if call.kind == Kind::Held {
                    asked.push((call, own.send_request(server(node), &request).unwrap()));
                } else {
                    let outcome = own.call(server(node), &request, call.limit);
                    call.judge(began, reply(outcome).as_ref());
                }
            }
            for (call, request) in asked {
                let outcome = own.receive_response(request, call.limit);
                call.judge(began, reply(outcome).as_ref());
            }
        }
        Way::Function => {
            let mut asked = Vec::new();
            for call in calls {
                let (request, began) = ([call.request()], Instant::now());
                if call.kind == Kind::Held {
                    let sent = own.erpc_send_request(node, &many, &function, &request);
                    asked.push((call, sent.unwrap()));
                } else {
                    let outcome = own.erpc_call(node, &many, &function, &request, call.limit);
                    call.judge(began, value(outcome).as_ref());
                }
            }
            for (call, request) in asked {
                let outcome = own.erpc_receive_response(request, call.limit);
                call.judge(began, value(outcome).as_ref());
            }
        }
    }
}

/// One call, which a task makes.
async fn call_of_a_task(own: &netkernel_smol::Mailbox, way: Way, node: &NodeName, call: Call) {
    let (request, began) = (call.request(), Instant::now());
    let outcome = match way {
        Way::Server => reply(own.call(server(node), &request, call.limit).await),
        Way::Function => {
            let (many, function) = (atom("many"), atom("call"));
            value(own.erpc_call(node, &many, &function, &[request], call.limit).await)
        }
    };
    call.judge(began, outcome.as_ref());
}

/// All calls, by those mailboxes: in the blocking runtime by a thread each, in the other by a task for each call.
fn make_calls(mailboxes: &[Mailbox], way: Way, node: &NodeName) {
    let calls: Vec<_> = (0..CALLS).map(Call::new).collect();
    let shares = mailboxes.iter().zip(calls.chunks(calls.len() / mailboxes.len()));
    let executor = Executor::new();
    thread::scope(|threads| {
        let mut tasks = Vec::new();
        for (own, share) in shares {
            match own {
                Mailbox::Blocking(own) => {
                    threads.spawn(move || calls_of_a_thread(own, way, node, share));
                }
                Mailbox::Smol(own) => {
                    let calls = share.iter().map(|call| call_of_a_task(own, way, node, *call));
                    executor.spawn_many(calls, &mut tasks);
                }
            }
        }
        block_on(executor.run(async {
            for task in tasks {
                task.await;
            }
        }));
    });
}

/// A node of Erlang, and one of ours, with a link, and what there is on ours before the other one asks what it serves.
fn nodes(release: Release) -> (Epmd, Erl, Ours, Usage) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
    erl.load("many", MANY);
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    let here = rust.usage();
    rust.connect(erl.name());
    rust.expect_up(erl.name(), NodeType::Visible);
    (epmd, erl, rust, here)
}

fn as_before(erl: &Erl, rust: &Ours, here: &Usage, there: &str) {
    eventually("all is as before here", || rust.usage() == *here);
    eventually("all is as before there", || erl.eval("many:left()") == there);
}

/// Makes all calls of ours to Erlang.
fn we_call(erl: &Erl, rust: &Ours, way: Way, here: &Usage) {
    let node = node_name(erl.name());
    // What Erlang starts at the first call stays.
    let own = rust.node.mailbox();
    erl.eval("many:start(1)");
    own.erpc_call(&node, &atom("many"), &atom("call"), &[Call::new(0).request()], None).unwrap();
    erl.eval("gen_server:stop(many)");
    assert_eq!(erl.eval(&format!("many:start({CALLS})")), "ok");
    let there = erl.eval("many:left()");

    let mailboxes: Vec<_> = (0..CALLERS).map(|_| rust.node.mailbox()).collect();
    make_calls(&mailboxes, way, &node);
    // Replies to those who have given up reach nobody; this one comes behind them.
    own.cast(server(&node), &term("forget")).unwrap();
    assert_eq!(own.call(server(&node), &term("{at_once,0,last}"), None), Ok(term("last")));
    for own in mailboxes.iter().chain([&own]) {
        assert_eq!(own.message_queue_len(), 0);
    }
    drop((mailboxes, own));
    as_before(erl, rust, here, &there);
}

each_release_and_runtime! {
    //= docs/spec/calls.md#call-reply
    //= type=test
    //= docs/spec/calls.md#call-failures
    //= type=test
    #[test]
    fn our_calls_of_erlangs_server(release: Release) {
        let (_epmd, erl, rust, here) = nodes(release);
        we_call(&erl, &rust, Way::Server, &here);
    }

    //= docs/spec/calls.md#erpc-result
    //= type=test
    #[test]
    fn our_calls_of_erlangs_function(release: Release) {
        let (_epmd, erl, rust, here) = nodes(release);
        we_call(&erl, &rust, Way::Function, &here);
    }

    //= docs/spec/calls.md#call-failures
    //= type=test
    //= docs/spec/calls.md#erpc-result
    //= type=test
    #[test]
    fn the_node_ends_while_all_wait(release: Release) {
        let (_epmd, erl, rust, here) = nodes(release);
        let (node, many, call) = (node_name(erl.name()), atom("many"), atom("call"));
        let request = term("{never,0,x}");
        erl.eval(&format!("many:start({CALLS})"));
        let mailboxes: Vec<_> = (0..CALLERS).map(|_| rust.node.mailbox()).collect();
        let each = |own: &Mailbox| {
            let server = server(&node);
            let of_server = own.send_request(server, &request).unwrap();
            let of_function = own.erpc_send_request(&node, &many, &call, core::slice::from_ref(&request));
            (of_server, of_function.unwrap())
        };
        let asked: Vec<_> = mailboxes.iter().map(|own| (own, (0..WAITING / CALLERS / 2).map(|_| each(own)).collect::<Vec<_>>())).collect();
        eventually("all have come", || erl.eval("many:waiting()") == WAITING.to_string());

        erl.signal(Signal::Kill);
        for (own, asked) in asked {
            for (of_server, of_function) in asked {
                let response = own.receive_response(of_server, None);
                assert_eq!(response, Err(CallError::Failed(CallFailure::NoConnection)));
                let response = own.erpc_receive_response(of_function, None);
                let lost = Exception::Failed(ErpcFailure::NoConnection);
                assert_eq!(response, Err(ErpcError::Raised(lost)));
            }
            assert_eq!(own.message_queue_len(), 0);
        }
        drop(mailboxes);
        eventually("all is as before here", || rust.usage() == here);
    }
}
