//! Our calls of functions beside Erlang's: a node of Erlang in our place makes the same calls of the same node, and is told the same. Servers: `interop_client`.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::thread;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::{Function, Outcome, RpcError};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, alone};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::{Mailbox, Node};
use netkernel_tests::told::{raised, rpc_multicall};

const NOBODY: &str = "nobody@127.0.0.1";

/// Functions.
const CALLEE: &str = "
-module(callee).
-export([id/1, raise/2, die/1, sleep/1, put/2, tell/1]).
id(X) -> X.
raise(Class, Reason) -> erlang:raise(Class, Reason, []).
die(Reason) -> exit(self(), Reason), timer:sleep(infinity).
sleep(T) -> timer:sleep(T).
put(Key, Value) -> application:set_env(kernel, Key, Value).
tell(X) -> witness ! {told, X}.
";

/// The same in Elixir.
const ELIXIRS_CALLEE: &str = "
defmodule :callee do
  import Kernel, except: [raise: 2]
  def id(x), do: x
  def raise(class, reason), do: :erlang.raise(class, reason, [])
  def die(reason) do
    Process.exit(self(), reason)
    Process.sleep(:infinity)
  end
  def sleep(t), do: Process.sleep(t)
  def put(key, value), do: Application.put_env(:kernel, key, value)
  def tell(x), do: send(:witness, {:told, x})
end
";

/// Erlang in our place.
const CLIENT: &str = "
-module(client).
-export([function/4, functions/4, knows/1]).
function(Kind, N, {F, A}, Limit) -> {try apply_(Kind, N, F, A, Limit) catch C:E -> {C, E} end, left()}.
apply_(call, N, F, A, Limit) -> {ok, erpc:call(N, callee, F, A, Limit)};
apply_(receive_response, N, F, A, Limit) -> {ok, erpc:receive_response(erpc:send_request(N, callee, F, A), Limit)};
apply_(wait_response, N, F, A, Limit) -> erpc:wait_response(erpc:send_request(N, callee, F, A), Limit);
apply_(check_response, N, F, A, _) ->
    R = erpc:send_request(N, callee, F, A), self() ! hello,
    receive hello -> no_response = erpc:check_response(hello, R) end,
    receive M -> erpc:check_response(M, R) end;
apply_(rpc, N, F, A, Limit) -> rpc:call(N, callee, F, A, Limit);
apply_(cast, N, F, A, _) -> erpc:cast(N, callee, F, A).
functions(Kind, Nodes, {F, A}, Limit) -> {Kind:multicall(Nodes, callee, F, A, Limit), left()}.
left() -> {message_queue_len, N} = process_info(self(), message_queue_len), N.
knows(N) -> lists:member(N, nodes(connected)).
";

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

fn ms(limit: Option<u64>) -> Option<Duration> {
    limit.map(Duration::from_millis)
}

fn shown_limit(limit: Option<u64>) -> String {
    limit.map_or_else(|| "infinity".to_owned(), |ms| ms.to_string())
}

/// As the client of Erlang shows it: what it was told, and how many messages wait.
fn with_left(told: &str, own: &Mailbox) -> String {
    format!("{{{told},{}}}", own.message_queue_len())
}

/// Module, function and arguments.
fn mfa(function: &str) -> (Atom, Atom, Vec<Term>) {
    let function = term(function);
    let Some([Term::Atom(name), arguments]) = function.as_tuple() else { panic!("{function}") };
    (atom("callee"), name.clone(), Vec::try_from(arguments.clone()).unwrap())
}

/// Our `client:function/4`.
fn function(own: &Mailbox, kind: &str, node: &str, call: &str, limit: Option<u64>) -> String {
    let ((m, f, a), node, limit) = (mfa(call), node_name(node), ms(limit));
    let ask = || own.erpc_send_request(&node, &m, &f, &a);
    let told = match kind {
        "call" => raised(own.erpc_call(&node, &m, &f, &a, limit), "ok"),
        "receive_response" => {
            raised(ask().and_then(|it| own.erpc_receive_response(it, limit)), "ok")
        }
        "wait_response" => match ask() {
            Ok(asked) => {
                let waited = own.erpc_wait_response(&asked, limit);
                own.erpc_abandon_request(asked);
                waited.map_or_else(|| "no_response".to_owned(), |it| raised(it, "response"))
            }
            Err(error) => raised(Err(error), "response"),
        },
        "check_response" => {
            let asked = ask().unwrap();
            let item = own.recv_match(|item| asked.is_answer(item));
            raised(asked.result(Some(item)), "response")
        }
        "rpc" => match own.rpc_call(&node, &m, &f, &a, limit) {
            Ok(value) => value.to_string(),
            Err(RpcError::Bad(bad)) => bad.to_term().to_string(),
            Err(other) => panic!("{other}"),
        },
        "cast" => {
            own.erpc_cast(&node, &m, &f, &a).map_or_else(|it| it.to_string(), |()| "ok".into())
        }
        _ => panic!("{kind}"),
    };
    with_left(&told, own)
}

/// Our `client:functions/4`.
fn functions(own: &Mailbox, kind: &str, nodes: &[&str], call: &str, limit: Option<u64>) -> String {
    let ((m, f, a), limit) = (mfa(call), ms(limit));
    let nodes: Vec<_> = nodes.iter().map(|node| node_name(node)).collect();
    let all = own.erpc_multicall(&nodes, &m, &f, &a, limit);
    if kind == "erpc" {
        let all: Vec<_> = all.into_iter().map(|it| raised(it, "ok")).collect();
        return with_left(&format!("[{}]", all.join(",")), own);
    }
    with_left(&rpc_multicall(&nodes, all).to_string(), own)
}

/// What the node runs that is called.
#[derive(Clone, Copy)]
enum Called {
    Erlang,
    Elixir,
}

/// The node that is called, and beside it the client of Erlang and ours, each with a link to it.
fn nodes(release: Release, called: Called) -> (Epmd, Erl, Erl, Ours) {
    let epmd = Epmd::start(release);
    let elixir = matches!(called, Called::Elixir);
    let b = Erl::start(&ErlOptions { elixir, ..ErlOptions::new(release, &epmd, "b") });
    if elixir {
        b.apply("'Elixir.Witness'", "eval", vec![Term::from(ELIXIRS_CALLEE)]);
    } else {
        b.load("callee", CALLEE);
    }
    let client = Erl::start(&ErlOptions::new(release, &epmd, "client"));
    client.load("client", CLIENT);
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    rust.connect(b.name());
    rust.expect_up(b.name(), NodeType::Visible);
    assert!(client.ping(b.name()));
    (epmd, b, client, rust)
}

/// Serves those functions of the peer that calls of the own node have.
fn serve(rust: &Ours) {
    let of = |name: &str| Function { module: atom("callee"), function: atom(name), arity: 1 };
    rust.node.serve_rpc(of("id"), |mut it| Outcome::Return(it.remove(0)));
    rust.node.serve_rpc(of("sleep"), |it| {
        thread::sleep(Duration::from_millis(it[0].as_i64().unwrap().try_into().unwrap()));
        Outcome::Return(term("ok"))
    });
}

/// Nothing is left of any call.
const SLEEP: &str = "{sleep,[2000]}";

/// Functions and their arguments.
const FUNCTIONS: [&str; 16] = [
    "{id,[[1,{2},<<3>>]]}",
    "{id,[{'EXIT',why}]}",
    "{raise,[throw,{a,1}]}",
    "{raise,[throw,{'EXIT',1}]}",
    "{raise,[exit,normal]}",
    "{raise,[exit,{a,1}]}",
    "{raise,[error,badarg]}",
    "{raise,[error,{a,1}]}",
    "{nofun,[1]}",
    "{id,[]}",
    "{die,[kill]}",
    "{die,[normal]}",
    "{die,[{a,1}]}",
    "{die,[noconnection]}",
    "{die,[timeout]}",
    SLEEP,
];

/// Those that are called on the own node, too.
const OF_OURS: [&str; 4] = ["{id,[[1,{2},<<3>>]]}", "{id,[{'EXIT',why}]}", "{nofun,[1]}", SLEEP];

/// Each kind of call of functions that return and that fail, on one node and on several.
fn calls_give_what_erlangs_give(release: Release, called: Called) {
    let (_epmd, b, client, rust) = nodes(release, called);
    client.load("callee", CALLEE);
    serve(&rust);
    let own = rust.node.mailbox();
    for kind in ["call", "receive_response", "wait_response", "check_response", "rpc"] {
        for call in FUNCTIONS {
            let limits = match (kind, call) {
                ("check_response", SLEEP) => &[][..],
                (_, SLEEP) => &[Some(20), Some(0)],
                _ => &[None, Some(60_000)],
            };
            for limit in limits {
                let shown = shown_limit(*limit);
                for node in [b.name(), NOBODY, "me"] {
                    if node == "me" && !OF_OURS.contains(&call) || node == NOBODY && call == SLEEP {
                        continue;
                    }
                    let [theirs, ours] =
                        [client.name(), rust.name()].map(|me| node.replace("me", me));
                    let theirs = client
                        .eval(&format!("client:function({kind}, '{theirs}', {call}, {shown})"));
                    let ours = function(&own, kind, &ours, call, *limit);
                    assert_eq!(ours, theirs, "{kind} {call} {shown} at {node}");
                }
            }
        }
    }
    for kind in ["erpc", "rpc"] {
        for call in FUNCTIONS {
            for nodes in [&[b.name()][..], &[b.name(), NOBODY, b.name()], &[NOBODY], &[]] {
                // Whether nobody is found within so short a limit is a matter of time, here as above.
                if call == SLEEP && nodes.contains(&NOBODY) {
                    continue;
                }
                let limit = (call == SLEEP).then_some(20);
                let all = nodes.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(",");
                let shown = shown_limit(limit);
                let theirs =
                    client.eval(&format!("client:functions({kind}, [{all}], {call}, {shown})"));
                let ours = functions(&own, kind, nodes, call, limit);
                assert_eq!(ours, theirs, "{kind} {call} {shown} at {all}");
            }
        }
    }
    drop(own);
    rust.expect_nothing_left();
}

each_release_and_runtime! {
    //= docs/spec/calls.md#erpc-result
    //= type=test
    //= docs/spec/calls.md#rpc-result
    //= type=test
    #[test]
    fn calls_of_functions(release: Release) {
        calls_give_what_erlangs_give(release, Called::Erlang);
    }

    #[test]
    fn calls_of_functions_of_elixir(release: Release) {
        calls_give_what_erlangs_give(release, Called::Elixir);
    }

    //= docs/spec/calls.md#erpc-request
    //= type=test
    #[test]
    fn casts_and_what_comes_of_them(release: Release) {
        let (epmd, b, client, rust) = nodes(release, Called::Erlang);
        let own = rust.node.mailbox();
        for (node, call) in [
            (b.name(), "{put,[KEY,5]}"),
            (b.name(), "{raise,[error,why]}"),
            (b.name(), "{nofun,[]}"),
            (NOBODY, "{id,[1]}"),
        ] {
            let [theirs, ours] = ["theirs", "ours"].map(|key| call.replace("KEY", key));
            let theirs = client.eval(&format!("client:function(cast, '{node}', {theirs}, infinity)"));
            assert_eq!(function(&own, "cast", node, &ours, None), theirs, "{node} {call}");
        }
        eventually("both were carried out", || {
            b.eval("[application:get_env(kernel, Key) || Key <- [theirs, ours]]") == "[{ok,5},{ok,5}]"
        });

        // A cast connects.
        let c = Erl::start(&ErlOptions { hidden: true, ..ErlOptions::new(release, &epmd, "c") });
        c.load("callee", CALLEE);
        let theirs_know = format!("client:knows('{}')", c.name());
        let knows = || rust.nodes().iter().any(|(node, _)| *node == c.name());
        assert_eq!((knows(), &*client.eval(&theirs_know)), (false, "false"));
        let theirs = client.eval(&format!("client:function(cast, '{}', {{tell, [7]}}, infinity)", c.name()));
        assert_eq!(function(&own, "cast", c.name(), "{tell,[7]}", None), theirs);
        for _ in 0..2 {
            c.wait_event(GIVE_UP, |event| event == "{told,7}");
        }
        assert_eq!((knows(), &*client.eval(&theirs_know)), (true, "true"));
        rust.expect_nothing_left();
    }

    //= docs/spec/calls.md#erpc-result
    //= type=test
    #[test]
    fn calls_without_distribution(release: Release) {
        let epmd = Epmd::start(release);
        let node = Node::new(Ours::config(epmd.port())).unwrap();
        let own = node.mailbox();
        let mut rows = Vec::new();
        for kind in ["call", "receive_response", "wait_response", "rpc"] {
            for limit in [None, Some(60_000)] {
                let ours = function(&own, kind, NOBODY, "{id,[1]}", limit);
                let shown = shown_limit(limit);
                rows.push((format!("client:function({kind}, '{NOBODY}', {{id, [1]}}, {shown})"), ours));
            }
        }
        for kind in ["erpc", "rpc"] {
            let ours = functions(&own, kind, &[NOBODY, NOBODY], "{id,[1]}", None);
            rows.push((format!("client:functions({kind}, ['{NOBODY}', '{NOBODY}'], {{id, [1]}}, infinity)"), ours));
        }
        let calls: Vec<_> = rows.iter().map(|(call, _)| &**call).collect();
        for ((call, ours), theirs) in rows.iter().zip(alone(release, ("client", CLIENT), &calls)) {
            assert_eq!(*ours, theirs, "{call}");
        }
    }
}
