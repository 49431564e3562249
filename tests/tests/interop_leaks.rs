//! Calls of every kind, with answers, time-outs, requests that are given up and nodes that die: afterwards there is as much of everything as before, on both sides.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::future::Future;
use core::time::Duration;

use futures_lite::future::{block_on, poll_once};
use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::{CallReaction, Client, Function, Outcome, Target};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Mailbox;

const RUST: &str = "rust@127.0.0.1";

/// So many calls of each kind.
const ROUNDS: u32 = 20;

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

/// A server that answers `{echo,X}`, ends by `crash`, and answers nothing else; functions that return, raise and wait; callers that go through all that they
/// can call, and die in the middle of it.
const LEAKS: &str = "
-module(leaks).
-behaviour(gen_server).
-export([start/0, init/1, handle_call/3, handle_cast/2, echo/1, hang/0, storm/2, counts/0]).
start() -> {ok, _} = gen_server:start({local, leaks}, ?MODULE, [], []), ok.
init(_) -> {ok, none}.
handle_call({echo, X}, _, S) -> {reply, X, S};
handle_call(_, _, S) -> {noreply, S}.
handle_cast(_, S) -> {noreply, S}.
echo(X) -> X.
hang() -> timer:sleep(1000), ok.
counts() ->
    [{_, Monitors}, {_, By}, {_, Links}, {_, Waiting}] =
        process_info(whereis(leaks), [monitors, monitored_by, links, message_queue_len]),
    {length(Monitors), length(By), length(Links), Waiting}.
storm(N, Times) ->
    Call = fun(Request, Time) -> catch gen_server:call({leaks, N}, Request, Time) end,
    Erpc = fun(F, A, Time) -> catch erpc:call(N, leaks, F, A, Time) end,
    Each = fun(I) ->
        Call({echo, I}, 60000), Call(never, 0), gen_server:cast({leaks, N}, I),
        catch gen_server:call({nobody, N}, x, 60000),
        Erpc(echo, [I], 60000), Erpc(hang, [], 0), Erpc(nofun, [], 60000),
        catch rpc:call(N, leaks, hang, [], 0), rpc:cast(N, leaks, echo, [I]), erpc:cast(N, leaks, echo, [I]),
        gen_server:multi_call([N, N], leaks, {echo, I}, 60000), gen_server:multi_call([N], leaks, never, 0),
        erpc:multicall([N, N], leaks, echo, [I], 60000),
        %% Nobody waits for these.
        spawn(fun() -> gen_server:send_request({leaks, N}, never), erpc:send_request(N, leaks, hang, []) end),
        exit(spawn(fun() -> Call(never, infinity) end), kill),
        exit(spawn(fun() -> Erpc(hang, [], infinity) end), kill)
    end,
    lists:foreach(Each, lists:seq(1, Times)), done.
";

/// As the module `leaks`.
struct Leaks;

macro_rules! serves {
    ($runtime:ident, [$($async:tt)?]) => {
        impl $runtime::GenServer for Leaks {
            $($async)? fn handle_call(
                &mut self,
                _: &$runtime::Mailbox,
                request: Term,
                _: Client,
            ) -> CallReaction {
                match request.as_tuple() {
                    Some([_, it]) => CallReaction::Reply(it.clone()),
                    _ => CallReaction::NoReply,
                }
            }
        }
    };
}

serves!(netkernel_blocking, []);
serves!(netkernel_smol, [async]);

fn serve(rust: &Ours) {
    rust.node.start_server(Some(&atom("leaks")), Leaks).unwrap();
    let function = |name, arity| Function { module: atom("leaks"), function: atom(name), arity };
    rust.node.serve_rpc(function("echo", 1), |mut it| Outcome::Return(it.remove(0)));
    rust.node.serve_rpc(function("hang", 0), |_| {
        std::thread::sleep(Duration::from_secs(1));
        Outcome::Return(term("ok"))
    });
}

/// Calls of every kind, by `own`.
fn storm(own: &Mailbox, node: &str) {
    let (node, leaks) = (node_name(node), atom("leaks"));
    let server = |name: &str| Target::Name(atom(name), node.clone());
    let (echo, hang) = (atom("echo"), atom("hang"));
    let (now, long) = (Some(Duration::ZERO), Some(netkernel_tests::GIVE_UP));
    let nodes = [node.clone(), node.clone()];
    for number in 0..ROUNDS {
        let one = [number.into()];
        let request = Term::tuple([term("echo"), number.into()]);
        assert_eq!(own.call(server("leaks"), &request, long), Ok(number.into()));
        own.call(server("leaks"), &term("never"), now).unwrap_err();
        own.call(server("nobody"), &request, long).unwrap_err();
        own.cast(server("leaks"), &request).unwrap();
        own.multi_call(&nodes, &leaks, &request, long).unwrap();
        own.multi_call(&nodes, &leaks, &term("never"), now).unwrap();
        assert_eq!(own.erpc_call(&node, &leaks, &echo, &one, long), Ok(number.into()));
        own.erpc_call(&node, &leaks, &hang, &[], now).unwrap_err();
        own.erpc_call(&node, &leaks, &atom("nofun"), &[], long).unwrap_err();
        own.rpc_call(&node, &leaks, &hang, &[], now).unwrap_err();
        own.erpc_cast(&node, &leaks, &echo, &one).unwrap();
        own.erpc_multicall(&nodes, &leaks, &echo, &one, long);
        // Given up, before or after the answer has come.
        let asked = [&request, &term("never")].map(|it| own.send_request(server("leaks"), it));
        let called = [(&echo, &one[..]), (&hang, &[])]
            .map(|(function, it)| own.erpc_send_request(&node, &leaks, function, it));
        own.call(server("leaks"), &request, long).unwrap();
        asked.into_iter().for_each(|it| own.abandon_request(it.unwrap()));
        called.into_iter().for_each(|it| own.erpc_abandon_request(it.unwrap()));
        if let Mailbox::Smol(own) = own {
            begin(own.call(server("leaks"), &term("never"), None));
            begin(own.multi_call(&nodes, &leaks, &term("never"), None));
            begin(own.erpc_call(&node, &leaks, &hang, &[], None));
            begin(own.erpc_multicall(&nodes, &leaks, &hang, &[], None));
        }
    }
}

/// Runs a future up to where it waits for the first time, and drops it.
fn begin<T>(future: impl Future<Output = T>) {
    drop(block_on(poll_once(future)));
}

/// What there is on Erlang's side: of its server, and processes.
fn counts(erl: &Erl) -> String {
    erl.eval("{leaks:counts(), length(processes())}")
}

each_release_and_runtime! {
    #[test]
    fn nothing_is_left_of_calls(release: Release) {
        let epmd = Epmd::start(release);
        let [mut a, b] = ["a", "b"].map(|name| {
            let erl = Erl::start(&ErlOptions::new(release, &epmd, name));
            erl.load("leaks", LEAKS);
            erl.eval("leaks:start()");
            erl
        });
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        serve(&rust);
        let own = rust.node.mailbox();
        for erl in [&a, &b] {
            rust.connect(erl.name());
            rust.expect_up(erl.name(), NodeType::Visible);
            // What Erlang starts at the first call stays: processes of `erpc`, `rpc` and of links.
            erl.eval(&format!("leaks:storm('{RUST}', 1)"));
        }
        let quiet = |what: &str, is_quiet: &mut dyn FnMut() -> bool| {
            // What hangs does so for a second.
            let mut times = 0;
            eventually(what, || {
                times = if is_quiet() { times + 1 } else { 0 };
                times == 3
            });
        };
        let mut seen = None;
        quiet("the first calls are over", &mut || {
            let now = (rust.usage(), counts(&b));
            let same = now.0.spawns == 0 && now.0.watches == 0 && seen.as_ref() == Some(&now);
            std::thread::sleep(Duration::from_millis(400));
            seen = Some(now);
            same
        });
        let (before, there) = seen.unwrap();
        assert_eq!((before.monitors, before.aliases, before.spawns), (0, 0, 0), "{before:?}");

        storm(&own, b.name());
        b.eval(&format!("leaks:storm('{RUST}', {ROUNDS})"));
        quiet("all is as before here", &mut || rust.usage() == before);
        quiet("all is as before there", &mut || counts(&b) == there);
        assert_eq!(own.message_queue_len(), 0);

        // A node that dies while it is called, and calls.
        let node = node_name(a.name());
        let (leaks, hang) = (atom("leaks"), atom("hang"));
        let server = Target::Name(leaks.clone(), node.clone());
        let asked: Vec<_> = (0..ROUNDS)
            .map(|_| own.send_request(server.clone(), &term("never")).unwrap())
            .collect();
        let called: Vec<_> = (0..ROUNDS)
            .map(|_| own.erpc_send_request(&node, &leaks, &hang, &[]).unwrap())
            .collect();
        a.eval(&format!(
            "[spawn(fun() -> gen_server:call({{leaks, '{RUST}'}}, never, infinity) end) || _ <- lists:seq(1, {ROUNDS})]"
        ));
        let busy = rust.node.usage();
        assert!(busy.monitors >= ROUNDS as usize && busy.aliases >= ROUNDS as usize, "{busy:?}");
        eventually("they call", || rust.node.usage().watches >= ROUNDS as usize);
        a.signal(Signal::Kill);
        a.wait_end();
        // Half are waited for, and half are given up.
        for (number, (asked, called)) in asked.into_iter().zip(called).enumerate() {
            if number % 2 == 0 {
                own.receive_response(asked, None).unwrap_err();
                own.erpc_receive_response(called, None).unwrap_err();
            } else {
                own.abandon_request(asked);
                own.erpc_abandon_request(called);
            }
        }
        quiet("nothing of that node is left", &mut || rust.usage() == before);
        assert_eq!(own.message_queue_len(), 0);
    }
}
