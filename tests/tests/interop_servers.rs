//! A server of ours in the place of one of Erlang: how it starts, goes on and ends, by itself, by signals and by crashes, and what those who deal with it
//! from Erlang and Elixir are told. Each row is evaluated twice, with either server.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use netkernel_blocking::core::atom;
use netkernel_blocking::core::term::Term;
use netkernel_blocking::{CallReaction, Client};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Elixir, Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::Ours;
use netkernel_tests::scripted;

const RUST: &str = "rust@127.0.0.1";
const REASONS: &str = "[normal, shutdown, {shutdown, x}, {a, 1}, kill]";

/// How servers start. `N` is the node of the server, and `S` its name there.
const STARTS: [&str; 12] = [
    "see:during_init(N, [], ok)",
    "[see:during_init(N, [], {stop, R}) || R <- [normal, shutdown, {shutdown, x}, {a, 1}]]",
    "see:during_init(N, [], ignore)",
    "see:with(N, [{tell, init}], {ok, {continue, {[{tell, continue}], noreply}}}, fun(P) -> see:told(P) end)",
    "see:with(N, [{tell, init}], {ok, {continue, {[{tell, one}], {noreply, {continue, {[{tell, two}], noreply}}}}}}, fun(P) -> see:told(P) end)",
    "see:with(N, [], {ok, 5}, fun(_) -> receive It -> It end end)",
    "see:with(N, [], {ok, infinity}, fun(P) -> see:told(P) end)",
    "see:with(N, [], {ok, hibernate}, fun(P) -> see:told(P) end)",
    "see:with(N, [], {ok, {continue, {[], {noreply, 5}}}}, fun(P) -> [receive It -> It end | see:told(P)] end)",
    // Whoever starts it goes on while it does what is left to be done, and gets the end.
    "[see:with(N, [], {ok, {continue, {[wait], {stop, R}}}}, fun(P) -> M = monitor(process, P), P ! go, receive {'DOWN', M, _, _, D} -> {D, see:flush()} end end) || R <- [normal, {a, 1}]]",
    // What came during init/1 comes after that.
    "see:with(N, [], {ok, {continue, {[wait, {tell, continue}], noreply}}}, fun(P) -> gen_server:cast(S, {[{tell, cast}], noreply}), P ! go, see:told(P) end)",
    "{see:with(N, fun(P) -> {see:start(N, [], ok), is_pid(P)} end), see:with(N, fun(_) -> again end)}",
];

/// Since OTP 26.
const ERROR: &str = "see:during_init(N, [], {error, {a, 1}})";

/// What is left to be done after a reaction.
const CONTINUES: [&str; 6] = [
    "see:with(N, fun(P) -> gen_server:send_request(P, {[{tell, call}], {reply, it, {continue, {[{tell, continue}], noreply}}}}), see:told(P) end)",
    "see:with(N, fun(P) -> {gen_server:call(P, {[{keep, k}], {noreply, {continue, {[{answer, k, it}], noreply}}}}), see:told(P)} end)",
    "see:with(N, fun(P) -> gen_server:cast(P, {[wait, {tell, one}], {noreply, {continue, {[{tell, two}], {noreply, {continue, {[{tell, three}], noreply}}}}}}}),
         gen_server:cast(P, {[{tell, four}], noreply}), P ! go, see:told(P) end)",
    "see:with(N, fun(P) -> P ! {[{tell, info}], {noreply, {continue, {[{tell, continue}], {noreply, 5}}}}}, [receive A -> A end, receive B -> B end, receive C -> C end] end)",
    "see:ends(N, [], fun(P) -> gen_server:call(P, {[{tell, call}], {reply, it, {continue, {[{tell, continue}], {stop, {a, 1}}}}}}) end)",
    "see:ends(N, [], fun(P) -> gen_server:call(P, {[{tell, call}], {noreply, {continue, {[{tell, continue}], {stop, shutdown}}}}}) end)",
];

/// How a server ends by itself. `Rs` is every kind of reason.
const ENDS: [&str; 8] = [
    "[see:ends(N, [], fun(P) -> gen_server:cast(P, {[{tell, cast}], {stop, R}}) end) || R <- Rs]",
    "[see:ends(N, [], fun(P) -> P ! {[{tell, info}], {stop, R}} end) || R <- Rs]",
    "[see:ends(N, [], fun(P) -> gen_server:call(P, {[{tell, call}], {stop, R}}, infinity) end) || R <- Rs]",
    "[see:ends(N, [], fun(P) -> gen_server:call(S, {[{tell, call}], {stop, R, it}}, infinity) end) || R <- Rs]",
    // `terminate/2` comes before the reply.
    "[see:ends(N, [{at_end, [{tell, late}]}], fun(P) -> A = alias(), P ! {'$gen_call', {self(), [alias | A]}, {[{reply, first}], {stop, R, it}}} end) || R <- [normal, {a, 1}]]",
    "[see:ends(N, [], fun(P) -> gen_server:stop(P, R, infinity) end) || R <- Rs]",
    "see:ends(N, [], fun(_) -> gen_server:stop(S) end)",
    // A server that is busy is told to end when it is not.
    "see:ends(N, [], fun(P) -> gen_server:cast(P, {[wait], noreply}), R = see:outcome(fun() -> gen_server:stop(P, {a, 1}, 20) end), P ! go, R end)",
];

/// Exit signals, with and without `trap_exit`.
const SIGNALS: [&str; 7] = [
    "[see:signalled(N, [{trap, T}], fun(P) -> exit(P, R) end) || T <- [false, true], R <- Rs]",
    "[see:linked(N, T, R) || T <- [false, true], R <- Rs]",
    "[see:parent(N, T, ends, R) || T <- [false, true], R <- Rs]",
    "[see:parent(N, T, sends, R) || T <- [false, true], R <- Rs -- [kill]]",
    "[see:parent(N, T, sends, kill) || T <- [false, true]]",
    // What waits when the server ends is lost, and it does nothing more.
    "see:ends(N, [], fun(P) -> gen_server:cast(P, {[wait, {tell, no}], noreply}), gen_server:cast(P, {[{tell, no}], noreply}), exit(P, kill), P ! go end)",
    "see:ends(N, [], fun(P) -> gen_server:cast(P, {[wait, {tell, no}], {stop, normal}}), exit(P, {a, 1}), P ! go end)",
];

/// What Erlang's clients do with a server.
const CLIENTS: [&str; 28] = [
    "see:with(N, fun(P) -> [gen_server:call(To, {[], {reply, it}}, T) || To <- [P, S], T <- [60000, infinity]] end)",
    "see:outcome(fun() -> gen_server:call(S, {[], {reply, it}}) end)",
    "see:outcome(fun() -> gen_server:call({nobody, N}, it, infinity) end)",
    "see:with(N, fun(P) -> M = monitor(process, P), exit(P, kill), receive {'DOWN', M, _, _, R} -> {R, see:outcome(fun() -> gen_server:call(P, {[], {reply, it}}) end)} end end)",
    // A reply that comes too late reaches nobody.
    "see:with(N, fun(P) -> {see:outcome(fun() -> gen_server:call(P, {[{keep, k}], noreply}, 20) end), gen_server:call(P, {[{answer, k, late}], {reply, it}}), see:told(P)} end)",
    "see:with(N, fun(P) -> {see:outcome(fun() -> gen_server:call(P, {[{keep, k}], noreply}, 0) end), gen_server:call(P, {[{answer, k, late}], {reply, it}}), see:told(P)} end)",
    // Nor does one whose client is gone.
    "see:with(N, fun(P) -> {C, M} = spawn_monitor(fun() -> gen_server:call(P, {[{keep, k}, {tell, kept}], noreply}, infinity) end), receive kept -> exit(C, kill) end,
         receive {'DOWN', M, _, _, killed} -> ok end, {gen_server:call(P, {[{answer, k, late}], {reply, it}}), see:told(P)} end)",
    // A call takes the first of several replies. Others come in order, until its alias ends: how many is a matter of time. Who does not wait by a call gets all.
    "see:with(N, fun(P) -> {gen_server:call(P, {[{reply, one}, {reply, two}], {reply, three}}), lists:prefix(see:told(P), [{reply, two}, {reply, three}])} end)",
    "see:with(N, fun(P) -> gen_server:send_request(P, {[{reply, one}, {reply, two}], {reply, three}}), see:told(P) end)",
    "see:with(N, fun(P) -> {gen_server:cast(S, {[{tell, cast}], noreply}), gen_server:cast({nobody, N}, x), gen_server:cast(P, {[{tell, pid}], noreply}), see:told(P)} end)",
    "see:with(N, fun(P) -> {gen_server:abcast([N], scripted, {[{tell, cast}], noreply}), gen_server:abcast([N], nobody, x), see:told(P)} end)",
    // Several nodes, of which one has no server and one is not there.
    "see:with(N, fun(P) -> {R, B} = gen_server:multi_call([N, node(), 'nobody@127.0.0.1'], scripted, {[], {reply, it}}), {R, lists:sort(B), see:told(P)} end)",
    "see:with(N, fun(P) -> {R, B} = gen_server:multi_call([N, node(), 'nobody@127.0.0.1'], scripted, {[], {reply, it}}, 60000), {R, lists:sort(B), see:told(P)} end)",
    "gen_server:multi_call([N, N], nobody, x, infinity)",
    "see:with(N, fun(P) -> {gen_server:multi_call([N], scripted, {[{keep, k}], noreply}, 20), gen_server:call(P, {[{answer, k, late}], {reply, it}}), see:told(P)} end)",
    "see:with(N, fun(_) -> gen_server:multi_call([N, N], scripted, {[], {stop, normal, it}}, 60000) end)",
    // Requests.
    "see:with(N, fun(P) -> R = gen_server:send_request(P, {[{keep, k}], noreply}), A = gen_server:wait_response(R, 20), B = gen_server:call(P, {[{answer, k, it}], {reply, ok}}),
         [A, B, gen_server:wait_response(R, infinity) | see:told(P)] end)",
    "see:with(N, fun(P) -> R = gen_server:send_request(P, {[{keep, k}], noreply}), A = gen_server:receive_response(R, 20), B = gen_server:call(P, {[{answer, k, it}], {reply, ok}}),
         [A, B | see:told(P)] end)",
    "see:with(N, fun(_) -> [gen_server:receive_response(gen_server:send_request(To, {[], {stop, {a, 1}}}), infinity) || To <- [S, {nobody, N}]] end)",
    "see:with(N, fun(P) -> self() ! other, [R, O] = [gen_server:send_request(P, {[], {reply, It}}) || It <- [one, two]],
         Get = fun Get() -> receive M -> case gen_server:check_response(M, R) of no_reply -> [M =:= other | Get()]; A -> [A, gen_server:check_response(M, O)] end end end, Get() end)",
    // Collections of them.
    "{gen_server:reqids_size(gen_server:reqids_new()), gen_server:receive_response(gen_server:reqids_new(), 0, true)}",
    "see:with(N, fun(P) -> A = gen_server:send_request(P, {[{keep, k}], noreply}, one, gen_server:reqids_new()), B = gen_server:send_request(S, {[], {reply, two}}, two, A),
         C = gen_server:reqids_add(gen_server:send_request({nobody, N}, x), {three}, B), gen_server:cast(P, {[{answer, k, one}], noreply}),
         {gen_server:reqids_size(C), [L || {_, L} <- gen_server:reqids_to_list(C)], see:all(C), see:told(P)} end)",
    "see:with(N, fun(P) -> C = gen_server:send_request(P, {[{keep, k}], noreply}, one, gen_server:reqids_new()), A = gen_server:wait_response(C, 20, true), B = gen_server:receive_response(C, 20, true),
         gen_server:call(P, {[{answer, k, late}], {reply, ok}}), {A, B, see:told(P)} end)",
    "see:with(N, fun(P) -> C = gen_server:send_request(P, {[], {reply, it}}, one, gen_server:reqids_new()), {A, L, D} = gen_server:receive_response(C, infinity, false),
         {A, L, gen_server:reqids_size(D), see:told(P)} end)",
    "see:with(N, fun(P) -> C = gen_server:send_request(P, {[], {stop, shutdown}}, one, gen_server:reqids_new()), {A, L, D} = gen_server:wait_response(C, infinity, true),
         {A, L, gen_server:reqids_size(D), gen_server:wait_response(D, 0, true)} end)",
    "see:with(N, fun(P) -> self() ! other, C = gen_server:send_request(P, {[], {reply, it}}, one, gen_server:reqids_new()),
         Get = fun Get() -> receive M -> case gen_server:check_response(M, C, true) of no_reply -> [M | Get()]; {A, L, D} -> {A, L, gen_server:reqids_size(D), gen_server:check_response(M, D, true)} end end end, Get() end)",
    // By a process of the server's node.
    "see:with(N, fun(_) -> erpc:call(N, gen_server, call, [S, {[], {reply, it}}]) end)",
    "[see:outcome(fun() -> erpc:call(N, gen_server, call, [S, x]) end), see:with(N, fun(_) -> see:outcome(fun() -> erpc:call(N, gen_server, call, [S, {[], {stop, {a, 1}}}]) end) end)]",
];

/// Times for which a server waits, and messages that are no requests.
const MESSAGES: [&str; 7] = [
    "see:with(N, fun(P) -> P ! {[], {noreply, 5}}, [receive It -> It end | see:told(P)] end)",
    "see:with(N, fun(P) -> gen_server:cast(P, {[wait], {noreply, 0}}), P ! hello, P ! go, [receive It -> It end | see:told(P)] end)",
    "see:with(N, fun(P) -> [gen_server:call(P, {[], {reply, it, Next}}) || Next <- [hibernate, infinity, 60000, 0]] ++ [receive It -> It end | see:told(P)] end)",
    "see:with(N, fun(P) -> gen_server:send_request(P, {[{keep, k}], {noreply, 0}}), A = receive It -> It end, gen_server:cast(P, {[{answer, k, it}], noreply}), [A | see:told(P)] end)",
    "see:with(N, fun(P) -> gen_server:cast(P, {[{tell, cast}], {noreply, hibernate}}), P ! hello, see:told(P) end)",
    "see:with(N, fun(P) -> [P ! M || M <- [hello, [], {}, \"text\", {'$gen_cast'}, {'$gen_cast', a, b}, {'$gen_call', a}, {'$gen_call', a, b, c}, {system, a}, {reply, x}, {'EXIT', a, b},
         {'DOWN', a, process, b, c}, timeout]], see:told(P) end)",
    "see:with(N, [{trap, true}], ok, fun(P) -> P ! {'EXIT', self(), because}, see:told(P) end)",
];

/// Where they cannot be the same: what Erlang has, and what we have.
const DIFFERENT: [(&str, &str, &str); 14] = [
    (
        "see:during_init(N, [crash], ok)",
        "{{ok,{error,{already_started,server}}},{{ok,{error,{boom,stack}}},free},{error,{{boom,stack},{scripted,node}}},[{down,{boom,stack}}],{exit,{noproc,{gen_server,call,[{scripted,node},x,infinity]}}}}",
        "{{ok,{error,{already_started,server}}},{{ok,{error,died}},free},{error,{panic,{scripted,node}}},[{down,panic}],{exit,{noproc,{gen_server,call,[{scripted,node},x,infinity]}}}}",
    ),
    (
        "see:crash(N, [], fun(P) -> gen_server:call(P, {[crash], noreply}, infinity) end)",
        "{{boom,stack},[{terminate,{boom,stack}},{down,{boom,stack}}],{boom,stack},{boom,stack},noproc}",
        "{panic,[{down,panic}],panic,panic,noproc}",
    ),
    (
        "see:crash(N, [], fun(P) -> gen_server:cast(P, {[crash], noreply}) end)",
        "{ok,[{terminate,{boom,stack}},{down,{boom,stack}}],{boom,stack},{boom,stack},noproc}",
        "{ok,[{down,panic}],panic,panic,noproc}",
    ),
    (
        "see:crash(N, [], fun(P) -> P ! {[crash], noreply}, ok end)",
        "{ok,[{terminate,{boom,stack}},{down,{boom,stack}}],{boom,stack},{boom,stack},noproc}",
        "{ok,[{down,panic}],panic,panic,noproc}",
    ),
    // The reply is on its way already.
    (
        "see:crash(N, [], fun(P) -> gen_server:call(P, {[{reply, it}, crash], noreply}, infinity) end)",
        "{it,[{terminate,{boom,stack}},{down,{boom,stack}}],{boom,stack},{boom,stack},noproc}",
        "{it,[{down,panic}],panic,panic,noproc}",
    ),
    (
        "see:crash(N, [], fun(P) -> gen_server:call(P, {[], {reply, it, {continue, {[crash], noreply}}}}, infinity) end)",
        "{it,[{terminate,{boom,stack}},{down,{boom,stack}}],{boom,stack},{boom,stack},noproc}",
        "{it,[{down,panic}],panic,panic,noproc}",
    ),
    // `terminate/2` crashes.
    (
        "see:crash(N, [{at_end, [crash]}], fun(P) -> gen_server:call(P, {[], {stop, normal, it}}, infinity) end)",
        "{it,[{terminate,normal},{down,{boom,stack}}],{boom,stack},{boom,stack},noproc}",
        "{it,[{terminate,normal},{down,panic}],panic,panic,noproc}",
    ),
    (
        "see:crash(N, [{at_end, [crash]}], fun(P) -> gen_server:call(P, {[], {stop, {a, 1}}}, infinity) end)",
        "{{boom,stack},[{terminate,{a,1}},{down,{boom,stack}}],{boom,stack},{boom,stack},noproc}",
        "{panic,[{terminate,{a,1}},{down,panic}],panic,panic,noproc}",
    ),
    (
        "see:crash(N, [{at_end, [crash]}], fun(P) -> gen_server:stop(P, shutdown, infinity) end)",
        "{{boom,stack},[{terminate,shutdown},{down,{boom,stack}}],{boom,stack},{boom,stack},noproc}",
        "{panic,[{terminate,shutdown},{down,panic}],panic,panic,noproc}",
    ),
    // What looks like a call, by nobody.
    (
        "see:with(N, fun(P) -> P ! {'$gen_call', nobody, {[{tell, call}], noreply}}, see:told(P) end)",
        "[call]",
        "[{info,{'$gen_call',nobody,{[{tell,call}],noreply}}}]",
    ),
    // What `sys` asks for.
    (
        "see:with(N, fun(P) -> see:outcome(fun() -> maps:keys(sys:get_state(P)) end) end)",
        "{ok,[to]}",
        "{error,{unknown_system_msg,get_state}}",
    ),
    (
        "see:with(N, fun(P) -> [sys:suspend(P), sys:resume(P), gen_server:call(P, {[], {reply, it}})] end)",
        "[ok,ok,it]",
        "[{error,{unknown_system_msg,suspend}},{error,{unknown_system_msg,resume}},it]",
    ),
    (
        "see:with(N, fun(P) -> [element(1, sys:get_status(P)) || is_tuple(catch sys:get_status(P)), element(1, sys:get_status(P)) =:= status] end)",
        "[status]",
        "[]",
    ),
    (
        "see:with(N, fun(P) -> [sys:no_debug(P), sys:trace(P, false), sys:statistics(P, get), sys:log(P, get)] end)",
        "[ok,ok,{ok,no_statistics},{ok,[]}]",
        "[{error,{unknown_system_msg,{debug,no_debug}}},{error,{unknown_system_msg,{debug,{trace,false}}}},{error,{unknown_system_msg,{debug,{statistics,get}}}},{error,{unknown_system_msg,{debug,{log,get}}}}]",
    ),
];

/// The same by Elixir, with `n` and `s`.
const ELIXIR: [&str; 10] = [
    "with_server.(fn p -> {GenServer.call(p, {[], {:reply, %{a: \"é\"}}}), GenServer.call(s, {[], {:reply, nil}}, :infinity)} end)",
    "with_server.(fn p -> {GenServer.cast(s, {[tell: 1], :noreply}), GenServer.cast(p, {[tell: 2], :noreply}), :see.told(p)} end)",
    "with_server.(fn p -> {caught.(fn -> GenServer.call(s, {[keep: 1], :noreply}, 20) end), GenServer.call(p, {[{:answer, 1, :late}], {:reply, :ok}}), :see.told(p)} end)",
    "with_server.(fn p -> {replies, bad} = GenServer.multi_call([n, node(), :\"nobody@127.0.0.1\"], :scripted, {[], {:reply, :it}}, 60_000); {replies, Enum.sort(bad), :see.told(p)} end)",
    "with_server.(fn p -> {GenServer.abcast([n], :scripted, {[tell: 1], :noreply}), GenServer.whereis(s) == s, :see.told(p)} end)",
    "for reason <- [:normal, :shutdown, {:shutdown, 1}, %{a: 1}], do: with_server.(fn p -> m = Process.monitor(p); {caught.(fn -> GenServer.call(p, {[], {:stop, reason}}) end), receive(do: ({:DOWN, ^m, _, _, r} -> r)), :see.flush()} end)",
    "for reason <- [:normal, :shutdown, {:shutdown, 1}, %{a: 1}], do: with_server.(fn p -> m = Process.monitor(p); {GenServer.call(s, {[], {:stop, reason, :bye}}), receive(do: ({:DOWN, ^m, _, _, r} -> r)), caught.(fn -> GenServer.call(p, {[], {:reply, 1}}) end)} end)",
    "for reason <- [:normal, :shutdown, {:shutdown, 1}, %{a: 1}], do: with_server.(fn p -> {GenServer.stop(p, reason), caught.(fn -> GenServer.stop(s) end)} end)",
    "with_server.(fn p -> Process.flag(:trap_exit, true); Process.link(p); {GenServer.call(p, {[], {:stop, {:shutdown, 1}, :bye}}), receive(do: ({:EXIT, ^p, r} -> r))} end)",
    "with_server.(fn p -> Task.await(Task.async(fn -> GenServer.call(p, {[], {:reply, :it}}) end)) end)",
];

/// So many bytes are replied, after which the node ends at once.
const LAST: usize = 500_000;

/// A server that replies, and tells that it has.
struct Parting(Sender<()>);

macro_rules! serves {
    ($runtime:ident, [$($async:tt)?], [$($wait:tt)*]) => {
        impl $runtime::GenServer for Parting {
            $($async)? fn handle_call(
                &mut self,
                own: &$runtime::Mailbox,
                _: Term,
                client: Client,
            ) -> CallReaction {
                own.reply(&client, &Term::from(&[0; LAST][..]))$($wait)*.expect("it is there");
                self.0.send(()).expect("somebody waits");
                CallReaction::NoReply
            }
        }
    };
}

serves!(netkernel_blocking, [], []);
serves!(netkernel_smol, [async], [.await]);

/// A node of Erlang and one of ours with the same servers, and one that calls them.
fn nodes(release: Release) -> (Epmd, Erl, Ours, Elixir) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
    erl.load("scripted", include_str!("../otp/scripted.erl"));
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    scripted::serve(&rust);
    let client = Elixir::start(release, &epmd, "client");
    client.erl().load("see", include_str!("../otp/see.erl"));
    (epmd, erl, rust, client)
}

/// What is seen of the server of that node.
fn seen(client: &Elixir, node: &str, row: &str) -> String {
    client.erl().eval(&format!(
        "N = '{node}', S = {{scripted, N}}, Rs = {REASONS}, see:hide(N, begin {row} end)"
    ))
}

/// What differs, so that all of it is told at once.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, row: &str, what: &str, seen: &str, expected: &str) {
        if seen != expected {
            self.0.push(format!("{row}\n{what} {seen}\n  not {expected}"));
        }
    }
}

each_release_and_runtime! {
    //= docs/spec/calls.md#call-server
    //= type=test
    //= docs/spec/calls.md#call-start-fails
    //= type=test
    //= docs/spec/calls.md#call-stop
    //= type=test
    //= docs/spec/calls.md#call-system
    //= type=test
    //= docs/spec/calls.md#call-timeout
    //= type=test
    //= docs/spec/calls.md#call-reply-to
    //= type=test
    #[test]
    fn our_server_in_the_place_of_erlangs(release: Release) {
        let (_epmd, erl, _rust, client) = nodes(release);
        let mut differences = Differences::default();
        let errors = [ERROR].into_iter().filter(|_| release != Release::Otp25);
        let rows = [&STARTS[..], &CONTINUES, &ENDS, &SIGNALS, &CLIENTS, &MESSAGES];
        for row in rows.into_iter().flatten().copied().chain(errors) {
            let [ours, theirs] = [RUST, erl.name()].map(|node| seen(&client, node, row));
            differences.compare(row, "ours", &ours, &theirs);
        }
        for (row, theirs, ours) in DIFFERENT {
            differences.compare(row, "theirs", &seen(&client, erl.name(), row), theirs);
            differences.compare(row, "ours", &seen(&client, RUST, row), ours);
        }
        for row in ELIXIR {
            let [ours, theirs] = [RUST, erl.name()].map(|node| {
                client.eval(&format!(
                    "n = :\"{node}\"; s = {{:scripted, n}}
                     with_server = fn use -> :see.with(n, use) end
                     caught = fn call -> try do call.() catch :exit, reason -> {{:exit, reason}} end end
                     :see.hide(n, ({row}))"
                ))
            });
            differences.compare(row, "ours", &ours, &theirs);
        }
        assert!(differences.0.is_empty(), "{}", differences.0.join("\n\n"));
    }

    //= docs/spec/kernel.md#kernel-stop-written
    //= type=test
    #[test]
    fn a_reply_before_the_end_of_a_node_arrives(release: Release) {
        let epmd = Epmd::start(release);
        let client = Erl::start(&ErlOptions::new(release, &epmd, "client"));
        // What the client says to each new node is read before: a socket that is closed while more comes is reset, and then Erlang reads no more.
        let call = |node: &str| {
            assert!(client.ping(node));
            client.eval("[sys:get_state(Name) || Name <- [global_name_server, rex]], ok");
            assert!(client.ping(node));
            client.eval(&format!(
                "spawn(fun() -> witness ! {{replied, try byte_size(gen_server:call({{parting, '{node}'}}, x, infinity)) catch exit:_ -> lost end}} end), ok"
            ));
        };
        let replied = || client.wait_event(GIVE_UP, |event| event.starts_with("{replied,"));
        let mut erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        erl.eval(&format!(
            "register(parting, spawn(fun() -> receive {{'$gen_call', From, _}} -> gen_server:reply(From, <<0:{LAST}/unit:8>>), init:stop() end end))"
        ));
        call(erl.name());
        let theirs = replied();
        erl.wait_end();
        assert_eq!(theirs, format!("{{replied,{LAST}}}"));
        // A stop has a second, which may be too short on a busy machine: that round does not count.
        let mut in_time = 0;
        for round in 0..50 {
            let ours = Ours::start(&format!("rust{round}"), Ours::config(epmd.port()));
            let (tell, told) = channel();
            ours.node.start_server(Some(&atom!("parting")), Parting(tell)).unwrap();
            call(ours.name());
            told.recv_timeout(GIVE_UP).unwrap();
            let begin = Instant::now();
            ours.node.stop().unwrap();
            let was_in_time = begin.elapsed() < Duration::from_secs(1);
            assert!(replied() == theirs || !was_in_time);
            in_time += u32::from(was_in_time);
            if in_time == 5 {
                return;
            }
        }
        panic!("no stop but {in_time} was in time");
    }
}
