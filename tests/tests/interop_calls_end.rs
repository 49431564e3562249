//! A node ends while it is called, one of ours or one of Erlang: whoever waits for it is told the same, Erlang's callers by the end of ours as by the end of Erlang's, and ours as Erlang's.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;

use netkernel_blocking::core::term::{Atom, Pid, Term};
use netkernel_blocking::core::{NodeName, NodeType};
use netkernel_blocking::{CallError, RpcError, Target};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, next_message, node_name};
use netkernel_tests::runtime::{Mailbox, Runtime};
use netkernel_tests::told::{raised, rpc_multicall};

/// A server that answers `pid` by its own, and a function: where they are called to wait they tell so and wait, where not they answer at once.
/// And callers of every kind, who tell the witness that all wait, and what comes of it.
const WAITS: &str = "
-module(waits).
-behaviour(gen_server).
-export([start/1, init/1, handle_call/3, handle_cast/2, wait/1, calls/1, gone/1]).
start(Waits) ->
    persistent_term:put(waits, Waits),
    {ok, _} = gen_server:start({local, waits}, ?MODULE, [], []), ok.
init(_) -> {ok, none}.
handle_call(pid, _, S) -> {reply, self(), S};
handle_call({wait, To}, _, S) ->
    case persistent_term:get(waits) of
        true -> To ! arrived, {noreply, S};
        false -> {reply, there, S}
    end.
handle_cast(_, S) -> {noreply, S}.
wait(To) ->
    case persistent_term:get(waits) of
        true -> To ! arrived, timer:sleep(infinity);
        false -> there
    end.
calls(N) ->
    Calls = fun() ->
        Own = self(),
        persistent_term:put(N, gen_server:call({waits, N}, pid)),
        [spawn(fun() -> Own ! {Label, outcome(Call)} end) || {Label, Call} <- calls(N, Own)],
        Labels = [Label || {Label, _} <- calls(N, Own)],
        [receive arrived -> ok end || _ <- Labels],
        witness ! {waiting, N},
        witness ! {told, N, [receive {Label, Outcome} -> {Label, Outcome} end || Label <- Labels]}
    end,
    spawn(Calls), ok.
gone(N) -> [{Label, outcome(Call)} || {Label, Call} <- calls(N, self())].
outcome(Call) ->
    try Call() catch exit:{Reason, {gen_server, call, _}} -> {exit, Reason}; C:E -> {C, E} end.
calls(N, To) ->
    Server = {waits, N}, Request = {wait, To}, Both = [N, node()], Long = 600000,
    [{call, fun() -> gen_server:call(Server, Request, infinity) end},
     {call_pid, fun() -> gen_server:call(persistent_term:get(N), Request, Long) end},
     {request, fun() -> gen_server:receive_response(gen_server:send_request(Server, Request), Long) end},
     {request_pid, fun() ->
         Pid = persistent_term:get(N),
         {error, {Reason, Pid}} = gen_server:receive_response(gen_server:send_request(Pid, Request), infinity),
         {error, {Reason, pid}}
     end},
     {request_wait, fun() -> gen_server:wait_response(gen_server:send_request(Server, Request), Long) end},
     {request_check, fun() -> R = gen_server:send_request(Server, Request), any(fun(M) -> gen_server:check_response(M, R) end) end},
     {requests, fun() ->
         Ask = fun(It, All) -> gen_server:send_request({waits, It}, Request, It =:= N, All) end,
         lists:sort(all(lists:foldl(Ask, gen_server:reqids_new(), Both)))
     end},
     {multi_call, fun() -> gen_server:multi_call(Both, waits, Request) end},
     {multi_call_limit, fun() -> gen_server:multi_call(Both, waits, Request, Long) end},
     {erpc, fun() -> erpc:call(N, waits, wait, [To]) end},
     {erpc_limit, fun() -> erpc:call(N, waits, wait, [To], Long) end},
     {erpc_request, fun() -> erpc:receive_response(erpc:send_request(N, waits, wait, [To]), Long) end},
     {erpc_wait, fun() -> erpc:wait_response(erpc:send_request(N, waits, wait, [To]), Long) end},
     {erpc_check, fun() -> R = erpc:send_request(N, waits, wait, [To]), any(fun(M) -> erpc:check_response(M, R) end) end},
     {erpc_requests, fun() ->
         Ask = fun(It, All) -> erpc:send_request(It, waits, wait, [To], It =:= N, All) end,
         lists:sort(erpc_all(lists:foldl(Ask, erpc:reqids_new(), Both)))
     end},
     {erpc_multicall, fun() -> erpc:multicall(Both, waits, wait, [To]) end},
     {erpc_multicall_limit, fun() -> erpc:multicall(Both, waits, wait, [To], Long) end},
     {rpc, fun() -> rpc:call(N, waits, wait, [To]) end},
     {rpc_limit, fun() -> rpc:call(N, waits, wait, [To], Long) end},
     {rpc_multicall, fun() -> rpc:multicall(Both, waits, wait, [To]) end},
     {rpc_async, fun() -> rpc:yield(rpc:async_call(N, waits, wait, [To])) end},
     {rpc_block, fun() -> rpc:block_call(N, waits, wait, [To]) end}].
any(Check) -> receive M -> case Check(M) of no_reply -> any(Check); no_response -> any(Check); It -> It end end.
all(Requests) ->
    case gen_server:receive_response(Requests, 600000, true) of
        {Response, Label, Rest} -> [{Label, Response} | all(Rest)];
        no_request -> []
    end.
erpc_all(Requests) ->
    try erpc:receive_response(Requests, 600000, true) of
        {Result, Label, Rest} -> [{Label, {response, Result}} | erpc_all(Rest)];
        no_request -> []
    catch C:{E, Label, Rest} -> [{Label, {C, E}} | erpc_all(Rest)] end.
";

/// Those kinds that we have, too.
const OURS: [&str; 20] = [
    "call",
    "call_pid",
    "request",
    "request_pid",
    "request_wait",
    "request_check",
    "requests",
    "multi_call",
    "multi_call_limit",
    "erpc",
    "erpc_limit",
    "erpc_request",
    "erpc_wait",
    "erpc_check",
    "erpc_requests",
    "erpc_multicall",
    "erpc_multicall_limit",
    "rpc",
    "rpc_limit",
    "rpc_multicall",
];

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

fn start(release: Release, epmd: &Epmd, name: &str, waits: bool) -> Erl {
    let erl = Erl::start(&ErlOptions::new(release, epmd, name));
    erl.load("waits", WAITS);
    assert_eq!(erl.eval(&format!("waits:start({waits})")), "ok");
    erl
}

/// Has the callers of `client` call, and waits until all calls have come.
fn calls_wait(client: &Erl, node: &str) {
    assert_eq!(client.eval(&format!("waits:calls('{node}')")), "ok");
    let waiting = format!("{{waiting,'{node}'}}");
    client.wait_event(GIVE_UP, |event| event == waiting);
}

/// What they are told.
fn told(client: &Erl, node: &str) -> String {
    let label = format!("{{told,'{node}',");
    let told = client.wait_event(GIVE_UP, |event| event.starts_with(&label));
    told.strip_prefix(&label).unwrap().strip_suffix('}').unwrap().to_owned()
}

/// What callers are told of that node, while they wait and afterwards.
fn outcomes(client: &Erl, node: &str, end: impl FnOnce()) -> [String; 2] {
    calls_wait(client, node);
    end();
    let told = [told(client, node), client.eval(&format!("waits:gone('{node}')"))];
    told.map(|it| it.replace(node, "node"))
}

/// A node of ours in a process of its own.
struct Callee(Child);

impl Callee {
    fn start(epmd: &Epmd, name: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callee"));
        command.args([Runtime::current().name(), &epmd.port().to_string(), name]);
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Has it stop its node, and waits until it is alive no more.
    fn stop(&mut self) {
        writeln!(self.0.stdin.as_ref().unwrap()).unwrap();
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "stopped\n");
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// As Erlang shows it.
fn called(result: Result<Term, CallError>) -> String {
    match result {
        Err(CallError::Failed(failure)) => format!("{{exit,{}}}", failure.to_reason()),
        other => panic!("{other:?}"),
    }
}

/// As the functions show it that wait for a response of that server. A pid is `pid`.
fn response(result: Result<Term, CallError>, server: &Target) -> String {
    match result {
        Ok(reply) => format!("{{reply,{reply}}}"),
        Err(CallError::Failed(failure)) => {
            let server = match server {
                Target::Pid(_) => term("pid"),
                Target::Name(name, node) => {
                    Term::tuple([name.clone().into(), node.as_atom().clone().into()])
                }
            };
            format!("{{error,{{{},{server}}}}}", failure.to_reason())
        }
        Err(other) => panic!("{other}"),
    }
}

fn bad(result: Result<Term, RpcError>) -> String {
    match result {
        Err(RpcError::Bad(bad)) => bad.to_term().to_string(),
        other => panic!("{other:?}"),
    }
}

/// One of our callers: what comes of its call of `node`, with `other` beside it where there are several, which tells `to`.
fn outcome(own: &Mailbox, kind: &str, [node, other]: [&str; 2], pid: &Pid, to: &Pid) -> String {
    let (waits, wait) = (atom("waits"), atom("wait"));
    let both = [node, other].map(node_name);
    let to = [Term::Pid(to.clone())];
    let request = Term::tuple([term("wait"), to[0].clone()]);
    let server = Target::Name(waits.clone(), both[0].clone());
    let long = Some(Duration::from_secs(600));
    let limit = long.filter(|_| kind.ends_with("_limit"));
    match kind {
        "call" => called(own.call(server, &request, None)),
        "call_pid" => called(own.call(pid.clone(), &request, long)),
        "request" => {
            let asked = own.send_request(server.clone(), &request).unwrap();
            response(own.receive_response(asked, long), &server)
        }
        "request_pid" => {
            let server = Target::Pid(pid.clone());
            let asked = own.send_request(server.clone(), &request).unwrap();
            response(own.receive_response(asked, None), &server)
        }
        "request_wait" => {
            let asked = own.send_request(server, &request).unwrap();
            response(own.wait_response(&asked, long).unwrap(), asked.server())
        }
        "request_check" => {
            let asked = own.send_request(server, &request).unwrap();
            let answer = own.recv_match(|item| asked.is_answer(item));
            response(asked.result(Some(answer)), asked.server())
        }
        "requests" => {
            let ask = |node: &NodeName| {
                own.send_request(Target::Name(waits.clone(), node.clone()), &request)
            };
            let mut asked: Vec<_> = both.iter().map(|node| ask(node).unwrap()).collect();
            let mut outcomes = Vec::new();
            while !asked.is_empty() {
                let item = own.recv_match(|item| asked.iter().any(|it| it.is_answer(item)));
                let found = asked.iter().position(|it| it.is_answer(&item)).unwrap();
                let it = asked.remove(found);
                // As `check_response/3` does.
                own.demonitor(it.reference(), true);
                let outcome = response(it.result(Some(item)), it.server());
                outcomes.push(format!("{{{},{outcome}}}", it.server().node().as_str() == node));
            }
            outcomes.sort();
            format!("[{}]", outcomes.join(","))
        }
        "multi_call" | "multi_call_limit" => {
            let called = own.multi_call(&both, &waits, &request, limit).unwrap();
            let replies = called.replies.into_iter();
            let replies =
                replies.map(|(node, reply)| Term::tuple([term(&node.to_string()), reply]));
            let bad = called.bad_nodes.iter().map(|node| term(&node.to_string()));
            Term::tuple([Term::list(replies), Term::list(bad)]).to_string()
        }
        "erpc" | "erpc_limit" => raised(own.erpc_call(&both[0], &waits, &wait, &to, limit), "ok"),
        "erpc_request" => {
            let asked = own.erpc_send_request(&both[0], &waits, &wait, &to);
            raised(asked.and_then(|asked| own.erpc_receive_response(asked, long)), "ok")
        }
        "erpc_wait" => {
            let asked = own.erpc_send_request(&both[0], &waits, &wait, &to).unwrap();
            raised(own.erpc_wait_response(&asked, long).unwrap(), "response")
        }
        "erpc_check" => {
            let asked = own.erpc_send_request(&both[0], &waits, &wait, &to).unwrap();
            let answer = own.recv_match(|item| asked.is_answer(item));
            raised(asked.result(Some(answer)), "response")
        }
        "erpc_requests" => {
            let ask = |node| (node, own.erpc_send_request(node, &waits, &wait, &to).unwrap());
            let mut asked: Vec<_> = both.iter().map(ask).collect();
            let mut outcomes = Vec::new();
            while !asked.is_empty() {
                let item = own.recv_match(|item| asked.iter().any(|(_, it)| it.is_answer(item)));
                let found = asked.iter().position(|(_, it)| it.is_answer(&item)).unwrap();
                let (asked_node, it) = asked.remove(found);
                let outcome = raised(it.result(Some(item)), "response");
                outcomes.push(format!("{{{},{outcome}}}", *asked_node == both[0]));
            }
            outcomes.sort();
            format!("[{}]", outcomes.join(","))
        }
        "rpc_multicall" => {
            let all = own.erpc_multicall(&both, &waits, &wait, &to, None);
            rpc_multicall(&both, all).to_string()
        }
        "erpc_multicall" | "erpc_multicall_limit" => {
            let all = own.erpc_multicall(&both, &waits, &wait, &to, limit);
            let all: Vec<_> = all.into_iter().map(|it| raised(it, "ok")).collect();
            format!("[{}]", all.join(","))
        }
        "rpc" | "rpc_limit" => bad(own.rpc_call(&both[0], &waits, &wait, &to, limit)),
        _ => panic!("{kind}"),
    }
}

/// As Erlang's callers show it.
fn labelled(outcomes: impl IntoIterator<Item = (&'static str, String)>) -> Vec<String> {
    outcomes.into_iter().map(|(kind, outcome)| format!("{{{kind},{outcome}}}")).collect()
}

/// What Erlang's callers show of kinds that we have.
fn of_ours(outcomes: &str) -> Vec<String> {
    let outcomes = Vec::try_from(term(outcomes)).unwrap();
    let kind = |it: &Term| it.as_tuple().unwrap()[0].to_string();
    outcomes.iter().filter(|it| OURS.contains(&&*kind(it))).map(Term::to_string).collect()
}

each_release_and_runtime! {
    //= docs/spec/calls.md#call-failures
    //= type=test
    //= docs/spec/calls.md#rpc-result
    //= type=test
    #[test]
    fn erlangs_calls_of_a_node_of_ours(release: Release) {
        let epmd = Epmd::start(release);
        let client = start(release, &epmd, "client", false);
        let mut b = start(release, &epmd, "b", true);
        let theirs = outcomes(&client, "b@127.0.0.1", || {
            b.signal(Signal::Kill);
            b.wait_end();
        });
        let kill: fn(&mut Callee) = Callee::kill;
        for (name, end) in [("killed", kill), ("stopped", Callee::stop)] {
            let mut callee = Callee::start(&epmd, name);
            let node = format!("{name}@127.0.0.1");
            eventually("it serves", || {
                client.eval(&format!("is_pid(catch gen_server:call({{waits, '{node}'}}, pid))")) == "true"
            });
            let ours = outcomes(&client, &node, || end(&mut callee));
            assert_eq!(ours, theirs, "{name}");
        }
    }

    //= docs/spec/calls.md#call-failures
    //= type=test
    //= docs/spec/calls.md#erpc-result
    //= type=test
    //= docs/spec/calls.md#rpc-result
    //= type=test
    #[test]
    fn our_calls_of_a_node_of_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let client = start(release, &epmd, "client", false);
        let mut b = start(release, &epmd, "b", true);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let own = rust.node.mailbox();
        // Before anybody asks what it serves.
        let before = rust.node.usage();
        for erl in [&client, &b] {
            rust.connect(erl.name());
            rust.expect_up(erl.name(), NodeType::Visible);
        }
        let Term::Pid(pid) = b.apply("erlang", "whereis", vec![term("waits")]) else { panic!("it is there") };
        let (to, name) = (own.pid().unwrap(), b.name().to_owned());
        let nodes = [&*name, client.name()];
        calls_wait(&client, &name);
        let during = thread::scope(|threads| {
            let callers: Vec<_> = OURS
                .into_iter()
                .map(|kind| {
                    let (caller, pid, to) = (rust.node.mailbox(), &pid, &to);
                    threads.spawn(move || {
                        let outcome = outcome(&caller, kind, nodes, pid, to);
                        assert_eq!(caller.message_queue_len(), 0, "{kind}");
                        (kind, outcome)
                    })
                })
                .collect();
            for _ in OURS {
                assert_eq!(next_message(&own), b"\x83w\x07arrived");
            }
            b.signal(Signal::Kill);
            b.wait_end();
            labelled(callers.into_iter().map(|caller| caller.join().unwrap()))
        });
        assert_eq!(during, of_ours(&told(&client, &name)));
        // And of a node that is gone.
        let gone = labelled(OURS.map(|kind| (kind, outcome(&own, kind, nodes, &pid, &to))));
        assert_eq!(gone, of_ours(&client.eval(&format!("waits:gone('{name}')"))));
        assert_eq!(own.message_queue_len(), 0);
        eventually("nothing is left", || {
            let mut now = rust.node.usage();
            now.nodes = before.nodes; // its rows stay
            now == before
        });
    }
}
