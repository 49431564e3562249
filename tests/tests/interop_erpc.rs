//! Calls of functions by `erpc` and `rpc`: Erlang's callers and ours, of Erlang's functions and ours, see the same.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::calls::erpc::{ErpcFailure, Exception};
use netkernel_blocking::core::calls::rpc::BadRpc;
use netkernel_blocking::core::term::{Atom, Limits, Term};
use netkernel_blocking::{ErpcError, Function, Outcome, RpcError, Target};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, next_message, node_name, term_expression};
use netkernel_tests::runtime::Mailbox;

const RUST: &str = "rust@127.0.0.1";
const NOBODY: &str = "nobody@127.0.0.1";

/// Functions of Erlang that ours do the same as.
const CALC: &str = "
-module(calc).
-export([id/1, two/0, add/2, raise/2, sleep/1, kill/0, die/1, gate/0, hold/1]).
id(X) -> X.
two() -> 2.
add(X, Y) -> X + Y.
raise(Class, Reason) -> erlang:raise(Class, Reason, []).
sleep(T) -> timer:sleep(T).
kill() -> exit(self(), kill), timer:sleep(infinity).
gate() -> register(gate, self()), receive go -> ok end.
hold(To) -> To ! {holding, self()}, receive go -> ok end.
die(Reason) -> exit(self(), Reason), timer:sleep(infinity).
";

/// What shows that a call has been made, and that a message has arrived.
const EAR: &str = "
-module(ear).
-export([told/2, listen/0, heard/0]).
told(To, What) -> To ! {told, What}.
listen() -> Own = self(), spawn(fun() -> register(there, self()), Own ! ready, loop() end), receive ready -> ready end.
loop() -> receive {take, To} -> receive Heard -> To ! {heard, Heard} end, loop() end.
heard() -> there ! {take, self()}, receive {heard, {From, What}} when is_pid(From) -> {node(From), What}; {heard, What} -> What end.
";

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

fn list(text: &str) -> Vec<Term> {
    Vec::try_from(term(text)).unwrap()
}

fn function(name: &str, arity: u32) -> Function {
    Function { module: atom("calc"), function: atom(name), arity }
}

/// Serves what the module `calc` has.
fn serve(rust: &Ours) {
    let serve = |name, arity, handler: fn(Vec<Term>) -> Outcome| {
        assert!(rust.node.serve_rpc(function(name, arity), handler));
    };
    serve("id", 1, |mut it| Outcome::Return(it.remove(0)));
    serve("add", 2, |it| match (it[0].as_i64(), it[1].as_i64()) {
        (Some(one), Some(other)) => Outcome::Return((one + other).into()),
        _ => Outcome::Error { reason: term("badarith"), stack: Term::NIL },
    });
    serve("raise", 2, |mut it| {
        let reason = it.remove(1);
        match it[0].as_atom().unwrap().as_str() {
            "throw" => Outcome::Throw(reason),
            "exit" => Outcome::Exit(reason),
            _ => Outcome::Error { reason, stack: Term::NIL },
        }
    });
    serve("two", 0, |_| Outcome::Return(2.into()));
    serve("sleep", 1, |it| {
        thread::sleep(Duration::from_millis(it[0].as_i64().unwrap().try_into().unwrap()));
        Outcome::Return(term("ok"))
    });
}

/// Serves `ear:told/2`.
fn serve_told(rust: &Ours) {
    let mouth = Mutex::new(rust.node.mailbox());
    let told = Function { module: atom("ear"), function: atom("told"), arity: 2 };
    rust.node.serve_rpc(told, move |it| {
        let Term::Pid(to) = &it[0] else { panic!("{it:?}") };
        let told = Term::tuple([term("told"), it[1].clone()]);
        mouth.lock().unwrap().send(to, encoded(&told)).unwrap();
        Outcome::Return(told)
    });
}

/// The next message, as `ear:heard/0` gives it.
fn heard(there: &Mailbox) -> String {
    let message = Term::decode(&next_message(there), &Limits::default()).unwrap();
    match message.as_tuple() {
        Some([Term::Pid(from), what]) => {
            Term::tuple([from.node.clone().into(), what.clone()]).to_string()
        }
        _ => message.to_string(),
    }
}

/// Serves what tells who he has to wake.
fn serve_hold(rust: &Ours) {
    let gate = Mutex::new(rust.node.mailbox());
    rust.node.serve_rpc(function("hold", 1), move |it| {
        let Term::Pid(to) = &it[0] else { panic!("{it:?}") };
        let gate = gate.lock().unwrap();
        let holding = Term::tuple([term("holding"), gate.pid().unwrap().into()]);
        gate.send(to, encoded(&holding)).unwrap();
        assert_eq!(next_message(&gate), b"\x83w\x02go");
        Outcome::Return(term("ok"))
    });
}

/// A node of Erlang with its functions, a caller, and a node of ours that serves the same.
fn nodes(release: Release) -> (Epmd, Erl, Erl, Ours) {
    let epmd = Epmd::start(release);
    let [b, client] = ["b", "client"].map(|name| {
        let erl = Erl::start(&ErlOptions::new(release, &epmd, name));
        erl.load("calc", CALC);
        erl
    });
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    serve(&rust);
    rust.connect(b.name());
    rust.expect_up(b.name(), NodeType::Visible);
    (epmd, b, client, rust)
}

/// Erlang's result of that expression, with the stack of an error left out: it tells of the callee's inside.
fn evaluated(erl: &Erl, call: &str) -> String {
    erl.eval(&format!(
        "Hide = fun Hide({{error, {{exception, R, _}}}}) -> {{error, {{exception, R}}}};
                    Hide({{ok, {{badrpc, {{'EXIT', {{R, [_|_]}}}}}}}}) -> {{ok, {{badrpc, {{'EXIT', {{R, stack}}}}}}}};
                    Hide({{ok, {{badrpc, {{'EXIT', {{R, []}}}}}}}}) -> {{ok, {{badrpc, {{'EXIT', {{R, stack}}}}}}}};
                    Hide({{ok, L}}) when is_list(L) -> {{ok, [Hide(X) || X <- L]}};
                    Hide(X) -> X end,
         Hide(try {{ok, begin {call} end}} catch C:E -> {{C, E}} end)"
    ))
}

fn encoded(term: &Term) -> Vec<u8> {
    let mut bytes = Vec::new();
    term.encode(&mut bytes).unwrap();
    bytes
}

/// As [`evaluated`] shows it.
fn shown(result: Result<Term, ErpcError>) -> String {
    match result {
        Ok(value) => Term::tuple([term("ok"), value]).to_string(),
        Err(ErpcError::Raised(Exception::Error(error))) => {
            format!("{{error,{{exception,{}}}}}", error.0)
        }
        Err(ErpcError::Raised(exception)) => exception.to_term().to_string(),
        Err(other) => panic!("{other}"),
    }
}

fn shown_rpc(result: Result<Term, RpcError>) -> String {
    let value = match result {
        Ok(value) => value,
        Err(RpcError::Bad(BadRpc::Exit(reason))) => match reason.as_tuple() {
            Some([reason, Term::List(_)]) => {
                return format!("{{ok,{{badrpc,{{'EXIT',{{{reason},stack}}}}}}}}");
            }
            _ => BadRpc::Exit(reason).to_term(),
        },
        Err(RpcError::Bad(bad)) => bad.to_term(),
        Err(other) => panic!("{other}"),
    };
    Term::tuple([term("ok"), value]).to_string()
}

/// Functions and arguments, and whether ours has them.
const CALLS: [(&str, &str, bool); 15] = [
    ("id", "[[1,{2},<<3>>]]", true),
    ("id", "[{'EXIT',why}]", true),
    ("add", "[1,2]", true),
    ("add", "[1,a]", true),
    ("raise", "[throw,{a,1}]", true),
    ("raise", "[throw,{'EXIT',1}]", true),
    ("raise", "[exit,normal]", true),
    ("raise", "[exit,{a,1}]", true),
    ("raise", "[error,badarg]", true),
    ("nofun", "[a]", true),
    ("id", "[]", true),
    ("kill", "[]", false),
    ("die", "[{a,1}]", false),
    ("die", "[noconnection]", false),
    ("die", "[timeout]", false),
];

/// Calls of what the node `N` does not have, the place where they fail included.
const UNKNOWN: [&str; 12] = [
    "erpc:call(N, nomod, f, [1])",
    "erpc:call(N, nomod, f, [], 60000)",
    "rpc:call(N, nomod, f, [1])",
    "erpc:multicall([N, 'nobody@127.0.0.1', N], nomod, f, [1])",
    "rpc:multicall([N, 'nobody@127.0.0.1'], nomod, f, [1])",
    "erpc:receive_response(erpc:send_request(N, nomod, f, []))",
    "{_, M} = spawn_monitor(N, erpc, execute_cast, [nomod, f, [1]]), receive {'DOWN', M, _, _, {{exception, {R, [F | _]}}, _}} -> {R, F} end",
    "[erpc:cast(N, nomod, f, []), rpc:cast(N, nomod, f, [])]",
    "{badrpc, {'EXIT', {R, [F | _]}}} = rpc:block_call(N, nomod, f, [1]), {R, F}",
    "{badrpc, {'EXIT', {R, [F | _]}}} = gen_server:call({rex, N}, {call, nomod, f, [1], group_leader()}, infinity), {R, F}",
    "rpc:sbcast([N], nobody, hello)",
    "{rex, N} ! {self(), features_request}, receive {features_reply, N, L} -> L end",
];

/// Calls of `ear:told/2` that do not show what it gives, or need not.
const TOLD: [&str; 6] = [
    "erpc:cast(N, ear, told, [self(), {a, 1}])",
    "erpc:multicast([N], ear, told, [self(), {b, 2}])",
    "rpc:cast(N, ear, told, [self(), {c, 3}])",
    "rpc:eval_everywhere([N], ear, told, [self(), {d, 4}])",
    "gen_server:cast({rex, N}, {cast, ear, told, [self(), {e, 5}], group_leader()})",
    "rpc:block_call(N, ear, told, [self(), {f, 6}])",
];

/// What sends to the process `there`.
const SENT: [&str; 4] = [
    "rpc:abcast([N], there, {a, 1})",
    "rpc:sbcast([N], there, {b, 2})",
    "{rex, N} ! {self(), {send, there, {c, 3}}}, sent",
    "gen_server:abcast([N], there, {d, 4})",
];

/// What Erlang's callers do with functions of the node `N`.
const CALLERS: [&str; 40] = [
    // Of several nodes, each has its result.
    "[erpc:multicall([N, node(), 'nobody@127.0.0.1', N], calc, raise, [C, {x, 1}]) || C <- [throw, exit, error]]",
    "erpc:multicall([N, node(), N], calc, nofun, [1], 60000)",
    "erpc:multicall([N, N], calc, sleep, [60000], 20)",
    "erpc:multicast([N, 'nobody@127.0.0.1'], calc, id, [1])",
    "erpc:multicall([], calc, id, [1])",
    // Requests.
    "erpc:wait_response(erpc:send_request(N, calc, id, [1]), infinity)",
    "R = erpc:send_request(N, calc, sleep, [60000]), [erpc:wait_response(R, 20), see:outcome(fun() -> erpc:receive_response(R, 20) end) | see:flush()]",
    "[see:outcome(fun() -> erpc:receive_response(erpc:send_request(N, calc, raise, [C, {x, 1}])) end) || C <- [throw, exit, error]]",
    "[see:outcome(fun() -> erpc:wait_response(erpc:send_request(N, calc, raise, [C, {x, 1}]), infinity) end) || C <- [throw, exit, error]]",
    "self() ! other, [R, O] = [erpc:send_request(N, calc, id, [It]) || It <- [one, two]],
     Get = fun Get() -> receive M -> case erpc:check_response(M, R) of no_response when M =:= other -> [M | Get()]; no_response -> Get(); A -> [A, erpc:check_response(M, O)] end end end, Get()",
    "R = erpc:send_request(N, calc, raise, [throw, x]), receive M -> see:outcome(fun() -> erpc:check_response(M, R) end) end",
    // Collections of them.
    "C = lists:foldl(fun({L, F, A}, C) -> erpc:send_request(N, calc, F, A, L, C) end, erpc:reqids_new(),
         [{one, id, [1]}, {{two}, raise, [throw, x]}, {three, raise, [exit, x]}, {four, raise, [error, x]}, {five, nofun, []}, {six, add, [1, 2]}]),
     {erpc:reqids_size(C), [L || {_, L} <- erpc:reqids_to_list(C)], see:results(C)}",
    "C = erpc:send_request(N, calc, sleep, [60000], one, erpc:reqids_new()), [erpc:wait_response(C, 20, true), see:outcome(fun() -> erpc:receive_response(C, 20, true) end) | see:flush()]",
    "C = erpc:reqids_add(erpc:send_request(N, calc, id, [1]), one, erpc:reqids_new()), {A, L, D} = erpc:receive_response(C, infinity, false), {A, L, erpc:reqids_size(D)}",
    "self() ! other, C = erpc:send_request(N, calc, id, [1], one, erpc:reqids_new()),
     Get = fun Get() -> receive M -> case erpc:check_response(M, C, true) of no_response -> [M | Get()]; {A, L, D} -> {A, L, erpc:reqids_size(D), erpc:check_response(M, D, true)} end end end, Get()",
    // A result that comes too late reaches nobody.
    "A = see:outcome(fun() -> erpc:call(N, calc, hold, [self()], 20) end), receive {holding, P} -> P ! go end, [A, erpc:call(N, calc, id, [1]) | see:flush()]",
    "A = rpc:call(N, calc, hold, [self()], 20), receive {holding, P} -> P ! go end, [A, rpc:call(N, calc, id, [1]) | see:flush()]",
    "see:outcome(fun() -> erpc:call(N, calc, sleep, [60000], 0) end)",
    // What is no call.
    "[see:outcome(fun() -> erpc:call(N, M, F, A) end) || {M, F, A} <- [{1, id, [1]}, {calc, 1, [1]}, {calc, id, 1}, {calc, id, [1 | 2]}]]",
    "[see:outcome(fun() -> rpc:call(N, M, F, A) end) || {M, F, A} <- [{1, id, [1]}, {calc, 1, [1]}, {calc, id, 1}, {calc, id, [1 | 2]}]]",
    "[begin {_, M} = spawn_monitor(N, erpc, execute_call, [r | A]), receive {'DOWN', M, _, _, R} -> setelement(tuple_size(R), R, end_of_it) end end
      || A <- [[1, id, [1]], [calc, 1, [1]], [calc, id, 1], [calc, id, [1 | 2]], [calc, id, [1]], [calc, nofun, []]]]",
    // Funs with a name are functions, and others are not known.
    "[erpc:call(N, fun calc:two/0), erpc:call(N, fun calc:two/0, 60000), erpc:call(N, erlang, apply, [fun calc:add/2, [1, 2]]), erpc:call(N, erlang, apply, [calc, add, [1, 2]])]",
    "[rpc:call(N, erlang, apply, [fun calc:add/2, [1, 2]]), rpc:call(N, erlang, apply, [calc, add, [1, 2]]), rpc:block_call(N, erlang, apply, [calc, add, [1, 2]])]",
    "[see:outcome(fun() -> erpc:call(N, erlang, apply, A) end) || A <- [[fun calc:add/2, [1]], [fun calc:nofun/0, []], [calc, raise, [throw, x]], [fun calc:raise/2, [exit, x]], [calc, add, 1], [calc, 1, []], [1, []]]]",
    "erpc:multicall([N, N], fun calc:two/0)",
    "erpc:receive_response(erpc:send_request(N, fun calc:two/0))",
    "[erpc:cast(N, fun calc:two/0), erpc:multicast([N], fun calc:two/0), erpc:call(N, fun calc:two/0)]",
    // By `rpc`.
    "[rpc:multicall([N, node(), 'nobody@127.0.0.1'], calc, raise, [C, {x, 1}]) || C <- [throw, exit, error]]",
    "rpc:multicall([N, N], calc, sleep, [60000], 20)",
    "rpc:multicall([N, N], calc, add, [1, 2], infinity)",
    "[rpc:yield(rpc:async_call(N, calc, raise, [C, {x, 1}])) || C <- [throw, exit, error]]",
    "K = rpc:async_call(N, calc, id, [1]), L = fun L() -> case rpc:nb_yield(K, 60000) of timeout -> L(); V -> V end end, L()",
    "K = rpc:async_call(N, calc, sleep, [60000]), [rpc:nb_yield(K), rpc:nb_yield(K, 5)]",
    "rpc:yield(rpc:async_call(N, calc, nofun, [1]))",
    "[rpc:cast(N, calc, id, [1]), rpc:cast(N, calc, nofun, []), rpc:call(N, calc, id, [it])]",
    "[rpc:eval_everywhere([N], calc, id, [1]), rpc:abcast([N], nobody, x)]",
    "[rpc:block_call(N, calc, raise, [C, {x, 1}], 60000) || C <- [throw, exit, error]]",
    "[see:outcome(fun() -> rpc:block_call(N, M, F, A) end) || {M, F, A} <- [{1, id, [1]}, {calc, 1, [1]}, {calc, id, 1}, {calc, id, [1 | 2]}, {calc, nofun, []}]]",
    "[see:outcome(fun() -> erpc:cast(N, calc, id, [1]) end), see:outcome(fun() -> erpc:cast('nobody@127.0.0.1', calc, id, [1]) end)]",
    "[see:outcome(fun() -> erpc:call(N, see:unknown()) end), see:outcome(fun() -> erpc:call(N, erlang, apply, [see:unknown(), [1]]) end)]",
];

each_release_and_runtime! {
    //= docs/spec/calls.md#erpc-served
    //= type=test
    //= docs/spec/calls.md#rex-features
    //= type=test
    #[test]
    fn a_node_that_serves_nothing_is_as_one_without_modules(release: Release) {
        let epmd = Epmd::start(release);
        let [b, client] = ["b", "client"].map(|name| Erl::start(&ErlOptions::new(release, &epmd, name)));
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let seen = |node: &str, call: &str| {
            let seen = format!("N = '{node}', try {{ok, begin {call} end}} catch C:E -> {{C, E}} end");
            client.eval(&seen).replace(node, "node")
        };
        for call in UNKNOWN {
            assert_eq!(seen(RUST, call), seen(b.name(), call), "{call}");
        }
        // Its own calls, too.
        let (own, f) = (rust.node.mailbox(), atom("f"));
        let own = own.erpc_call(&node_name(RUST), &atom("nomod"), &f, &list("[1]"), None);
        let Err(ErpcError::Raised(own)) = own else { panic!("{own:?}") };
        assert_eq!(own.to_term().to_string(), "{error,{exception,undef,[{nomod,f,[1],[]}]}}");
    }

    //= docs/spec/calls.md#rex-requests
    //= type=test
    //= docs/spec/calls.md#rex-broadcast
    //= type=test
    #[test]
    fn what_is_sent_arrives_as_with_erlang(release: Release) {
        let (_epmd, b, client, rust) = nodes(release);
        b.load("ear", EAR);
        b.eval("ear:listen()");
        serve_told(&rust);
        let there = rust.mailbox("there");
        let seen = |node: &str, call: &str| client.eval(&format!("N = '{node}', {call}")).replace(node, "node");
        for call in TOLD {
            let told = format!("Result = {call}, {{Result, receive {{told, What}} -> What end}}");
            assert_eq!(seen(RUST, &told), seen(b.name(), &told), "{call}");
        }
        for call in SENT {
            assert_eq!(seen(RUST, call), seen(b.name(), call), "{call}");
            assert_eq!(heard(&there), b.eval("ear:heard()"), "{call}");
        }
    }

    //= docs/spec/calls.md#erpc-request
    //= type=test
    //= docs/spec/calls.md#erpc-result
    //= type=test
    //= docs/spec/calls.md#rpc-result
    //= type=test
    #[test]
    fn our_calls_give_what_erlangs_give(release: Release) {
        let (_epmd, b, client, rust) = nodes(release);
        let mailbox = rust.node.mailbox();
        let (calc, node, nobody) = (atom("calc"), node_name(b.name()), node_name(NOBODY));
        for (name, arguments, _) in CALLS {
            for limit in [None, Some(60_000)] {
                let until = limit.map_or_else(|| "infinity".to_owned(), |ms: u64| ms.to_string());
                let call = format!("call({node}, calc, {name}, {arguments}, {until})");
                let limit = limit.map(Duration::from_millis);
                let ours = mailbox.erpc_call(&node, &calc, &atom(name), &list(arguments), limit);
                assert_eq!(shown(ours), evaluated(&client, &format!("erpc:{call}")), "{call}");
                let ours = mailbox.rpc_call(&node, &calc, &atom(name), &list(arguments), limit);
                assert_eq!(shown_rpc(ours), evaluated(&client, &format!("rpc:{call}")), "{call}");
            }
        }
        for (node, arguments, limit) in [(&node, "[60000]", Some(20)), (&nobody, "[1]", None)] {
            let until = limit.map_or_else(|| "infinity".to_owned(), |ms: u64| ms.to_string());
            let call = format!("call({node}, calc, sleep, {arguments}, {until})");
            let limit = limit.map(Duration::from_millis);
            let ours = mailbox.erpc_call(node, &calc, &atom("sleep"), &list(arguments), limit);
            assert_eq!(shown(ours), evaluated(&client, &format!("erpc:{call}")), "{call}");
            let ours = mailbox.rpc_call(node, &calc, &atom("sleep"), &list(arguments), limit);
            assert_eq!(shown_rpc(ours), evaluated(&client, &format!("rpc:{call}")), "{call}");
        }
        let nodes = [node.clone(), nobody, node.clone()];
        let all = mailbox.erpc_multicall(&nodes, &calc, &atom("id"), &[1.into()], None);
        let all: Vec<_> = all.into_iter().map(shown).collect();
        assert_eq!(all, ["{ok,1}", "{error,{erpc,noconnection}}", "{ok,1}"]);
        // Each has its own place, whoever is the first to answer.
        let nodes = [client.name(), NOBODY, b.name()].map(node_name);
        let all = mailbox.erpc_multicall(&nodes, &atom("erlang"), &atom("node"), &[], None);
        let all: Vec<_> = all.into_iter().map(shown).collect();
        assert_eq!(all, ["{ok,'client@127.0.0.1'}", "{error,{erpc,noconnection}}", "{ok,'b@127.0.0.1'}"]);
        let slow = [&client, &b].map(|erl| node_name(erl.name()));
        let late = Some(Duration::from_millis(20));
        let all = mailbox.erpc_multicall(&slow, &calc, &atom("sleep"), &list("[60000]"), late);
        let all = all.into_iter().map(shown).collect::<Vec<_>>().join(",");
        let theirs = slow.map(|node| node.to_string()).join(",");
        let theirs = evaluated(&b, &format!("erpc:multicall([{theirs}], calc, sleep, [60000], 20)"));
        assert_eq!(format!("{{ok,[{all}]}}"), theirs);
        // The stack of an error is the callee's.
        let error = mailbox.erpc_call(&node, &calc, &atom("add"), &list("[1,a]"), None);
        let Err(ErpcError::Raised(error)) = error else { panic!("{error:?}") };
        let stack = format!("try erpc:call({node}, calc, add, [1, a]) catch C:R -> {{C, R}} end");
        let theirs = client.eval(&stack);
        let same = term_expression(&encoded(&error.to_term()));
        let same = client.eval(&format!("{same} =:= ({stack})"));
        assert_eq!(same, "true", "{error} and {theirs}");
        // A request stands after a wait.
        let request = mailbox.erpc_send_request(&node, &calc, &atom("gate"), &[]).unwrap();
        let waited = mailbox.erpc_wait_response(&request, Some(Duration::ZERO));
        let theirs = client.eval(&format!("erpc:wait_response(erpc:send_request({node}, calc, sleep, [60000]), 0)"));
        assert_eq!((waited, &*theirs), (None, "no_response"));
        eventually("it can go on", || b.eval("catch gate ! go") == "go");
        assert_eq!(mailbox.erpc_wait_response(&request, None), Some(Ok(term("ok"))));
        // `block_call` is a call of `rex`.
        let rex = Target::Name(atom("rex"), node.clone());
        assert_eq!(mailbox.call(rex, &term("{block_call,calc,add,[1,2],user}"), None), Ok(term("3")));
        assert_eq!(mailbox.message_queue_len(), 0);

        mailbox
            .erpc_cast(&node, &atom("application"), &atom("set_env"), &list("[calc,cast,there]"))
            .unwrap();
        eventually("the cast is carried out", || {
            b.eval("application:get_env(calc, cast)") == "{ok,there}"
        });
    }

    //= docs/spec/calls.md#erpc-outcome
    //= type=test
    //= docs/spec/calls.md#erpc-served
    //= type=test
    #[test]
    fn erlangs_calls_of_our_functions_give_what_calls_of_its_own_give(release: Release) {
        let (_epmd, b, client, rust) = nodes(release);
        let seen = |node: &str, call: &str| evaluated(&client, &format!("N = '{node}', {call}"));
        let both = |call: &str| assert_eq!(seen(RUST, call), seen(b.name(), call), "{call}");
        for (name, arguments, is_ours) in CALLS {
            if is_ours {
                for module in ["erpc", "rpc"] {
                    both(&format!("{module}:call(N, calc, {name}, {arguments})"));
                    both(&format!("{module}:call(N, calc, {name}, {arguments}, 60000)"));
                }
            }
        }
        for call in [
            "erpc:call(N, calc, sleep, [60000], 20)",
            "rpc:call(N, calc, sleep, [60000], 20)",
            "erpc:multicall([N, 'nobody@127.0.0.1', N], calc, add, [1, 2])",
            "rpc:multicall([N, 'nobody@127.0.0.1', N], calc, add, [1, 2]), element(1, rpc:multicall([N], calc, id, [7]))",
            "R = erpc:send_request(N, calc, id, [1]), erpc:receive_response(R)",
            "K = rpc:async_call(N, calc, id, [1]), rpc:yield(K)",
            "erpc:cast(N, calc, id, [1])",
            "{_, M} = spawn_monitor(N, erpc, execute_cast, [calc, raise, [exit, why]]), receive {'DOWN', M, _, _, R} -> R end",
            "{_, M} = spawn_monitor(N, erpc, execute_cast, [calc, raise, [throw, why]]), receive {'DOWN', M, _, _, {R, _}} -> R end",
            "{_, M} = spawn_monitor(N, erpc, execute_cast, [calc, raise, [error, why]]), receive {'DOWN', M, _, _, {{exception, {R, _}}, _}} -> R end",
            "{_, M} = spawn_monitor(N, erpc, execute_call, [r, 1, id, [1]]), receive {'DOWN', M, _, _, {r, error, badarg, _}} -> ok end",
        ] {
            both(call);
        }
        // A cast runs.
        let (send, told) = channel();
        rust.node.serve_rpc(function("told", 1), move |it| {
            send.send(it[0].to_string()).unwrap();
            Outcome::Return(term("ok"))
        });
        client.eval(&format!("erpc:cast('{RUST}', calc, told, [{{a, 1}}])"));
        assert_eq!(told.recv_timeout(netkernel_tests::GIVE_UP).unwrap(), "{a,1}");
        // A panic is an exit signal, and the node goes on.
        rust.node.serve_rpc(function("panic", 0), |_| panic!("on purpose"));
        let panicked = seen(RUST, "erpc:call(N, calc, panic, [])");
        assert_eq!(panicked, "{exit,{signal,panic}}");
        assert!(rust.node.unserve_rpc(&function("panic", 0)));
        assert!(seen(RUST, "erpc:call(N, calc, panic, [])").contains("undef"));
        // Our own calls of our own functions.
        let own = rust.node.mailbox();
        let sum = own.erpc_call(&node_name(RUST), &atom("calc"), &atom("add"), &list("[1,2]"), None);
        assert_eq!(sum, Ok(term("3")));
    }

    //= docs/spec/calls.md#erpc-outcome
    //= type=test
    //= docs/spec/calls.md#erpc-apply
    //= type=test
    //= docs/spec/calls.md#rpc-result
    //= type=test
    #[test]
    fn erlangs_callers_see_the_same_of_our_functions(release: Release) {
        let (_epmd, b, client, rust) = nodes(release);
        serve_hold(&rust);
        client.load("see", include_str!("../otp/see.erl"));
        let seen = |node: &str, row: &str| {
            client.eval(&format!("N = '{node}', see:hide(N, begin {row} end)"))
        };
        let differences: Vec<_> = CALLERS
            .into_iter()
            .map(|row| (row, seen(RUST, row), seen(b.name(), row)))
            .filter(|(_, ours, theirs)| ours != theirs)
            .map(|(row, ours, theirs)| format!("{row}\nours {ours}\n not {theirs}"))
            .collect();
        assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    }

    //= docs/spec/calls.md#rex-requests
    //= type=test
    //= docs/spec/calls.md#rex-reply
    //= type=test
    //= docs/spec/calls.md#rex-features
    //= type=test
    //= docs/spec/calls.md#rex-broadcast
    //= type=test
    #[test]
    fn our_rex_answers_as_erlangs_does(release: Release) {
        let (_epmd, b, client, rust) = nodes(release);
        let seen = |node: &str, call: &str| {
            let hidden = evaluated(&client, &format!("N = '{node}', {call}"));
            hidden.replace(node, "node")
        };
        let both = |call: &str| assert_eq!(seen(RUST, call), seen(b.name(), call), "{call}");
        for (name, arguments, is_ours) in CALLS {
            if is_ours {
                both(&format!("rpc:block_call(N, calc, {name}, {arguments})"));
                both(&format!(
                    "gen_server:call({{rex, N}}, {{call, calc, {name}, {arguments}, group_leader()}}, infinity)"
                ));
            }
        }
        let there = rust.mailbox("there");
        b.eval("spawn(fun() -> register(there, self()), receive stop -> ok end end)");
        for call in [
            "{rex, N} ! {self(), {call, calc, add, [1, 2], group_leader()}}, receive {rex, R} -> R end",
            "{rex, N} ! {self(), features_request}, receive {features_reply, N, L} -> L end",
            "rpc:sbcast([N], there, hello)",
            "rpc:sbcast([N], nobody, hello)",
            "{rex, N} ! {self(), {send, nobody, hello}}, receive {rex, N, R} -> R end",
            "gen_server:call({rex, N}, {call, calc, id, not_a_list, group_leader()}, infinity)",
            "rpc:eval_everywhere([N], calc, id, [1])",
            "{rex, N} ! nonsense, gen_server:cast({rex, N}, nonsense), rpc:block_call(N, calc, id, [1])",
        ] {
            both(call);
        }
        assert_eq!(next_message(&there), b"\x83w\x05hello");
    }

    //= docs/spec/calls.md#erpc-result
    //= type=test
    #[test]
    fn calls_end_with_their_node(release: Release) {
        let (_epmd, mut b, _client, rust) = nodes(release);
        let (mailbox, node) = (rust.node.mailbox(), node_name(b.name()));
        let requests: Vec<_> = (0..100)
            .map(|_| {
                mailbox.erpc_send_request(&node, &atom("calc"), &atom("sleep"), &list("[100000]")).unwrap()
            })
            .collect();
        let there = mailbox.erpc_call(&node, &atom("calc"), &atom("id"), &[1.into()], None);
        assert_eq!(there, Ok(term("1")));
        b.signal(Signal::Kill);
        let down = ErpcError::Raised(Exception::Failed(ErpcFailure::NoConnection));
        for request in requests {
            assert_eq!(mailbox.erpc_receive_response(request, None), Err(down.clone()));
        }
        assert_eq!(mailbox.message_queue_len(), 0);
        b.wait_end();
    }
}
