//! Calls of servers: Erlang's client and ours of the same server, and Erlang's server and ours for the same client, get the same answers.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::calls::gen_server::CallFailure;
use netkernel_blocking::core::term::{Atom, Map, Pid, Term};
use netkernel_blocking::{
    CallError, CallReaction, Client, Info, Reaction, StartServerError, Target,
};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, node_name, pid_expression};
use netkernel_tests::runtime::Mailbox;

const RUST: &str = "rust@127.0.0.1";
const NOBODY: &str = "nobody@127.0.0.1";

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

fn ms(ms: u64) -> Option<Duration> {
    Some(Duration::from_millis(ms))
}

fn srv(node: &str) -> Target {
    Target::Name(atom("srv"), node_name(node))
}

fn duration(ms: &Term) -> Duration {
    Duration::from_millis(ms.as_i64().unwrap().try_into().unwrap())
}

/// The server of Erlang that ours does the same as.
const SRV: &str = "
-module(srv).
-behaviour(gen_server).
-export([start/0, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).
start() -> {ok, _} = gen_server:start({local, ?MODULE}, ?MODULE, [], []), ok.
init(_) -> {ok, #{}}.
handle_call({echo, X}, _, S) -> {reply, X, S};
handle_call({later, X}, From, S) -> {noreply, S#{{waits, X} => From}};
handle_call({release, X}, _, S) ->
    gen_server:reply(maps:get({waits, X}, S), {released, X}),
    {reply, ok, maps:remove({waits, X}, S)};
handle_call(never, _, S) -> {noreply, S};
handle_call({get, K}, _, S) -> {reply, maps:get(K, S, none), S};
handle_call({idle, T}, _, S) -> {reply, ok, S, T};
handle_call({idle, X, T}, From, S) -> {noreply, S#{{waits, X} => From}, T};
handle_call({crash}, _, _) -> error(boom);
handle_call({stop, Reason, Reply}, _, S) -> {stop, Reason, Reply, S};
handle_call({stop, Reason}, _, S) -> {stop, Reason, S}.
handle_cast({put, K, V}, S) -> {noreply, S#{K => V}};
handle_cast({idle, T}, S) -> {noreply, S, T};
handle_cast({stop, Reason}, S) -> {stop, Reason, S}.
handle_info(Info, S) -> [To ! {info, Info} || {tell, To} <- maps:to_list(S)], {noreply, S#{info => Info}}.
terminate(Reason, S) -> [To ! {terminated, Reason} || {tell, To} <- maps:to_list(S)], ok.
";

/// Ours.
#[derive(Default)]
struct Srv {
    state: Map,
    waiting: Vec<(Term, Client)>,
}

impl Srv {
    fn call(&mut self, request: &Term, client: Client) -> (CallReaction, Option<(Client, Term)>) {
        let none = CallReaction::NoReply;
        let (label, rest) = match request.as_tuple() {
            Some([label, rest @ ..]) => (label.as_atom().unwrap().as_str(), rest),
            _ => return (none, None),
        };
        match (label, rest) {
            ("echo", [it]) => (CallReaction::Reply(it.clone()), None),
            ("later", [it]) => {
                self.waiting.push((it.clone(), client));
                (none, None)
            }
            ("release", [it]) => {
                let at = self.waiting.iter().position(|(waits, _)| waits == it).unwrap();
                let (it, client) = self.waiting.remove(at);
                let released = Term::tuple([term("released"), it]);
                (CallReaction::Reply(term("ok")), Some((client, released)))
            }
            ("idle", [ms]) => {
                (CallReaction::Timeout { reply: Some(term("ok")), after: duration(ms) }, None)
            }
            ("idle", [it, ms]) => {
                self.waiting.push((it.clone(), client));
                (CallReaction::Timeout { reply: None, after: duration(ms) }, None)
            }
            ("crash", []) => panic!("on purpose"),
            ("get", [key]) => {
                let value = self.state.get(key).cloned().unwrap_or_else(|| term("none"));
                (CallReaction::Reply(value), None)
            }
            ("stop", [reason, reply]) => {
                let (reason, reply) = (reason.clone(), Some(reply.clone()));
                (CallReaction::Stop { reason, reply }, None)
            }
            ("stop", [reason]) => {
                (CallReaction::Stop { reason: reason.clone(), reply: None }, None)
            }
            _ => (none, None),
        }
    }

    fn cast(&mut self, request: &Term) -> Reaction {
        match request.as_tuple().unwrap() {
            [_, key, value] => {
                self.put(key.clone(), value.clone());
                Reaction::Continue
            }
            [what, ms] if *what == term("idle") => Reaction::Timeout(duration(ms)),
            [_, reason] => Reaction::Stop(reason.clone()),
            _ => Reaction::Continue,
        }
    }

    fn put(&mut self, key: Term, value: Term) {
        let pairs = self.state.clone().into_iter().chain([(key, value)]);
        self.state = pairs.collect();
    }

    /// What is to be sent of this, and to whom.
    fn tell(&self, label: &str, it: &Term) -> Option<(Pid, Vec<u8>)> {
        let Some(Term::Pid(to)) = self.state.get(&term("tell")) else { return None };
        let mut message = Vec::new();
        Term::tuple([term(label), it.clone()]).encode(&mut message).unwrap();
        Some((to.clone(), message))
    }
}

macro_rules! serves {
    ($runtime:ident, [$($async:tt)?], [$($wait:tt)*]) => {
        impl $runtime::GenServer for Srv {
            $($async)? fn handle_call(
                &mut self,
                own: &$runtime::Mailbox,
                request: Term,
                client: Client,
            ) -> CallReaction {
                let (reaction, deferred) = self.call(&request, client);
                if let Some((client, reply)) = deferred {
                    own.reply(&client, &reply)$($wait)*.unwrap();
                }
                reaction
            }

            $($async)? fn handle_cast(&mut self, _: &$runtime::Mailbox, request: Term) -> Reaction {
                self.cast(&request)
            }

            $($async)? fn handle_info(&mut self, own: &$runtime::Mailbox, info: Info) -> Reaction {
                if let Info::Message(message) = info {
                    if let Some((to, message)) = self.tell("info", &message) {
                        own.send(&to, message)$($wait)*.unwrap();
                    }
                    self.put(term("info"), message);
                }
                Reaction::Continue
            }

            $($async)? fn terminate(&mut self, own: &$runtime::Mailbox, reason: &Term) {
                if let Some((to, message)) = self.tell("terminated", reason) {
                    own.send(&to, message)$($wait)*.unwrap();
                }
            }
        }
    };
}

serves!(netkernel_blocking, [], []);
serves!(netkernel_smol, [async], [.await]);

/// A node of Erlang with its server, and one of ours.
fn nodes(release: Release) -> (Epmd, Erl, Ours) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
    erl.load("srv", SRV);
    assert_eq!(erl.eval("srv:start()"), "ok");
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    (epmd, erl, rust)
}

fn connect(erl: &Erl, rust: &Ours) {
    rust.connect(erl.name());
    rust.expect_up(erl.name(), NodeType::Visible);
}

/// What Erlang shows of a call: `{ok,Reply}` or `{exit,Reason}`.
fn shown(result: Result<Term, CallError>) -> String {
    match result {
        Ok(reply) => Term::tuple([term("ok"), reply]).to_string(),
        Err(CallError::Failed(failure)) => {
            Term::tuple([term("exit"), failure.to_reason()]).to_string()
        }
        Err(other) => panic!("{other}"),
    }
}

/// Whether that call ends the server, which is then started anew.
fn after_call(erl: &Erl, request: &str) {
    if request.starts_with("{stop") || request == "{crash}" {
        erl.eval("(fun Gone() -> case whereis(srv) of undefined -> ok; _ -> timer:sleep(2), Gone() end end)(), srv:start()");
    }
}

/// No message waits, and nobody monitors the server.
fn nothing_is_left(erl: &Erl, mailbox: &Mailbox) {
    eventually("no monitors are left", || {
        erl.eval("process_info(whereis(srv), monitored_by)") == "{monitored_by,[]}"
    });
    assert_eq!(mailbox.message_queue_len(), 0);
}

each_release_and_runtime! {
    //= docs/spec/calls.md#call-request
    //= type=test
    //= docs/spec/calls.md#call-failures
    //= type=test
    #[test]
    fn our_client_is_told_what_erlangs_is(release: Release) {
        let (epmd, erl, rust) = nodes(release);
        connect(&erl, &rust);
        let client = Erl::start(&ErlOptions::new(release, &epmd, "client"));
        let mailbox = rust.node.mailbox();
        let b = erl.name();
        for (name, node, request, limit) in [
            ("srv", b, "{echo,[1,{2},<<3>>]}", Some(60_000)),
            ("srv", b, "{echo,[]}", None),
            ("srv", b, "never", Some(50)),
            ("srv", b, "never", Some(0)),
            ("srv", b, "{stop,normal,bye}", None),
            ("srv", b, "{stop,normal}", None),
            ("srv", b, "{stop,{shutdown,why}}", None),
            ("srv", b, "{stop,noconnection}", None),
            ("srv", b, "{crash}", None),
            ("other", b, "{echo,1}", None),
            ("srv", NOBODY, "{echo,1}", None),
        ] {
            let shown_limit = limit.map_or_else(|| "infinity".to_owned(), |ms: u64| ms.to_string());
            let theirs = client.eval(&format!(
                "try {{ok, gen_server:call({{{name}, '{node}'}}, {request}, {shown_limit})}}
                 catch exit:{{Reason, {{gen_server, call, _}}}} -> {{exit, Reason}} end"
            ));
            after_call(&erl, request);
            let server = Target::Name(atom(name), node_name(node));
            let ours = mailbox.call(server, &term(request), limit.map(Duration::from_millis));
            after_call(&erl, request);
            assert_eq!(shown(ours), theirs, "{name} {node} {request}");
        }
        // By pid, of one that is there and of one that was.
        let called = "fun(S) -> try {ok, gen_server:call(S, {echo, 1})} catch exit:{R, {gen_server, call, _}} -> {exit, R} end end";
        for found in ["whereis(srv)", "spawn(erlang, node, [])"] {
            let gone = "is_process_alive(P) andalso P =/= whereis(srv) andalso Gone(P)";
            let code = format!("P = {found}, (fun Gone(P) -> {gone} end)(P), P");
            erl.eval(&format!("persistent_term:put(found, begin {code} end)"));
            let pid = erl.apply("persistent_term", "get", vec![term("found")]);
            let Term::Pid(pid) = pid else { panic!("{pid}") };
            let theirs = client.eval(&format!("({called})(erpc:call('{b}', persistent_term, get, [found]))"));
            assert_eq!(shown(mailbox.call(pid, &term("{echo,1}"), None)), theirs, "{found}");
        }
        // One that replies to the pid, as C nodes do.
        let echo = "spawn(fun Loop() -> receive {'$gen_call', {P, T}, X} -> P ! {T, X}, Loop() end end)";
        erl.eval(&format!("register(echo, {echo})"));
        let echo = Target::Name(atom("echo"), node_name(b));
        for _ in 0..3 {
            assert_eq!(shown(mailbox.call(echo.clone(), &term("[1]"), None)), "{ok,[1]}");
        }
        eventually("no monitors of it are left", || {
            erl.eval("process_info(whereis(echo), monitored_by)") == "{monitored_by,[]}"
        });
        erl.eval("exit(whereis(echo), kill)");
        // A name of this node that nobody has.
        let theirs = client.eval(&format!("({called})({{srv, node()}})"));
        assert_eq!(shown(mailbox.call(srv(RUST), &term("x"), None)), theirs);
        nothing_is_left(&erl, &mailbox);
    }

    //= docs/spec/calls.md#call-reply
    //= type=test
    //= docs/spec/calls.md#call-cast
    //= type=test
    #[test]
    fn our_client_waits_for_what_it_asked(release: Release) {
        let (_epmd, erl, rust) = nodes(release);
        connect(&erl, &rust);
        let mailbox = rust.node.mailbox();
        let ask = |request: &str| mailbox.send_request(srv(erl.name()), &term(request)).unwrap();
        // Deferred replies come in another order than their requests, past messages that are none.
        let [one, two] = ["{later,1}", "{later,2}"].map(ask);
        let own = pid_expression(&mailbox.pid().unwrap());
        erl.eval(&format!("{own} ! hello"));
        for which in [2, 1] {
            let released = mailbox.call(srv(erl.name()), &term(&format!("{{release,{which}}}")), None);
            assert_eq!(released, Ok(term("ok")));
        }
        assert_eq!(mailbox.receive_response(one, None), Ok(term("{released,1}")));
        assert_eq!(mailbox.receive_response(two, ms(0)), Ok(term("{released,2}")));
        assert_eq!(mailbox.message_queue_len(), 1, "hello is there still");
        assert!(mailbox.try_recv().is_some());
        // What comes after the time-out reaches nobody.
        let late = ask("{later,3}");
        let timeout = mailbox.receive_response(late, ms(1));
        assert_eq!(timeout, Err(CallError::Failed(CallFailure::Timeout)));
        assert_eq!(mailbox.call(srv(erl.name()), &term("{release,3}"), None), Ok(term("ok")));

        // A request stands after a wait, as Erlang's do.
        let stands = ask("{later,4}");
        assert_eq!(mailbox.wait_response(&stands, ms(0)), None);
        let theirs = erl.eval("gen_server:wait_response(gen_server:send_request(srv, never), 0)");
        assert_eq!(theirs, "timeout");
        assert_eq!(mailbox.call(srv(erl.name()), &term("{release,4}"), None), Ok(term("ok")));
        assert_eq!(mailbox.wait_response(&stands, None), Some(Ok(term("{released,4}"))));

        // Who looks for an answer among his items himself finds what `check_response/2` does.
        for name in ["srv", "other"] {
            let target = || Target::Name(atom(name), node_name(erl.name()));
            let request = mailbox.send_request(target(), &term("{echo,1}")).unwrap();
            let another = mailbox.send_request(target(), &term("{echo,2}")).unwrap();
            let answer = mailbox.recv_match(|item| request.is_answer(item));
            assert!(!another.is_answer(&answer), "{answer:?}");
            let theirs = erl.eval(&format!(
                "S = {{{name}, node()}}, [R, O] = [gen_server:send_request(S, {{echo, N}}) || N <- [1, 2]],
                 (fun Get() -> receive M -> case gen_server:check_response(M, R) of
                     no_reply -> Get();
                     {{reply, X}} -> {{{{ok, X}}, gen_server:check_response(M, O)}};
                     {{error, {{E, S}}}} -> {{{{exit, E}}, gen_server:check_response(M, O)}}
                 end end end)()"
            ));
            assert_eq!(format!("{{{},no_reply}}", shown(request.result(Some(answer)))), theirs);
            drop(mailbox.receive_response(another, None));
        }

        mailbox.cast(srv(erl.name()), &term("{put,key,[1]}")).unwrap();
        assert_eq!(mailbox.call(srv(erl.name()), &term("{get,key}"), None), Ok(term("[1]")));

        let nodes = [node_name(erl.name()), node_name(NOBODY), node_name(RUST)];
        let called = mailbox.multi_call(&nodes, &atom("srv"), &term("{echo,x}"), None).unwrap();
        let theirs = erl.eval(&format!(
            "{{Replies, Bad}} = gen_server:multi_call([node(), '{NOBODY}', '{RUST}'], srv, {{echo, x}}), {{Replies, lists:sort(Bad)}}"
        ));
        assert_eq!(theirs, format!("{{[{{'{}',x}}],['{NOBODY}','{RUST}']}}", erl.name()));
        let [b, nobody, own] = nodes;
        assert_eq!(called.replies, [(b.clone(), term("x"))]);
        assert_eq!(called.bad_nodes, [nobody, own]);
        let b = [b];
        let none = mailbox.multi_call(&b, &atom("srv"), &term("never"), ms(10)).unwrap();
        assert_eq!((none.replies, none.bad_nodes), (vec![], b.to_vec()));
        // Nor does a reply that comes later reach anybody.
        let late = mailbox.multi_call(&b, &atom("srv"), &term("{later,9}"), ms(0)).unwrap();
        assert_eq!((late.replies, late.bad_nodes), (vec![], b.to_vec()));
        assert_eq!(mailbox.call(srv(erl.name()), &term("{release,9}"), None), Ok(term("ok")));
        nothing_is_left(&erl, &mailbox);
    }

    //= docs/spec/calls.md#call-server
    //= type=test
    //= docs/spec/calls.md#call-reply-to
    //= type=test
    //= docs/spec/calls.md#call-system
    //= type=test
    //= docs/spec/calls.md#call-timeout
    //= type=test
    //= docs/spec/calls.md#call-stop
    //= type=test
    #[test]
    fn our_server_answers_as_erlangs_does(release: Release) {
        let (_epmd, erl, rust) = nodes(release);
        connect(&erl, &rust);
        let start = || rust.node.start_server(Some(&atom("srv")), Srv::default()).unwrap();
        start();
        let client = Erl::start(&ErlOptions::new(release, &_epmd, "client"));
        for call in [
            "gen_server:call(S, {echo, [1, {2}, <<3>>, #{a => 1.5}]})",
            "gen_server:call(S, {echo, lists:seq(1, 1000)}, infinity)",
            "catch gen_server:call(S, never, 50)",
            "[gen_server:cast(S, {put, K, K}) || K <- [1, 2]], gen_server:call(S, {get, 2})",
            "S ! {hello, 1}, gen_server:call(S, {get, info})",
                "S ! {'$gen_cast'}, gen_server:call(S, {get, info})",
            "gen_server:multi_call([N], srv, {echo, 1})",
            "gen_server:abcast([N], srv, {put, 7, 8}), gen_server:call(S, {get, 7})",
            "R = gen_server:send_request(S, {echo, 1}), gen_server:receive_response(R, 60000)",
            "R = gen_server:send_request(S, {later, x}), ok = gen_server:call(S, {release, x}), gen_server:wait_response(R, 60000)",
            "S ! {'$gen_call', {self(), tag}, {echo, 1}}, receive {tag, X} -> X end",
            "T = make_ref(), S ! {'$gen_call', {self(), T}, {echo, 1}}, receive {T, X} -> X end",
            "A = alias(), S ! {'$gen_call', {self(), [[alias|A]|x]}, {echo, 1}}, receive {[[alias|A]|x], X} -> unalias(A), X end",
            // The end, told by a reply, by the monitor, and to the server itself.
            "gen_server:cast(S, {put, tell, self()}), E = fun Get() -> receive {terminated, R} -> [R | Get()] after 0 -> [] end end,
             M = monitor(process, S), {gen_server:call(S, {stop, why, bye}), E(), receive {'DOWN', M, _, _, D} -> D end}",
            "catch gen_server:call(S, {stop, normal})",
            "catch gen_server:call(S, {stop, {shutdown, [1]}})",
            "M = monitor(process, S), gen_server:cast(S, {stop, {a, b}}), receive {'DOWN', M, _, _, R} -> R end",
            "gen_server:stop(S)",
            "gen_server:stop(S, {shutdown, x}, 60000)",
            "catch gen_server:call(other, {echo, 1})",
            // A client sees the reason of a crash beside its call; ours is `panic`.
            "{'EXIT', {_, {gen_server, call, [S, {crash}]}}} = (catch gen_server:call(S, {crash})), crashed",
            // Nothing comes in time, once; or something does.
            "gen_server:cast(S, {put, tell, self()}), I = fun(T) -> receive {info, I} -> I after T -> none end end,
             {gen_server:call(S, {idle, 5}), I(60000), I(20), gen_server:cast(S, {idle, 5}), I(60000), I(20)}",
            "gen_server:cast(S, {put, tell, self()}), R = gen_server:send_request(S, {idle, x, 5}), receive {info, timeout} -> ok end,
             gen_server:call(S, {release, x}), gen_server:receive_response(R, 60000)",
            "gen_server:cast(S, {put, tell, self()}), gen_server:call(S, {idle, 100}), catch sys:no_such(S), catch sys:log(S, get),
             receive {info, I} -> I end",
        ] {
            let seen = |node: &str| {
                let seen = client.eval(&format!(
                    "N = '{node}', S = {{srv, N}},
                     Hide = fun Hide(A) when A =:= N -> node; Hide(T) when is_tuple(T) -> list_to_tuple(Hide(tuple_to_list(T)));
                            Hide([H | T]) -> [Hide(H) | Hide(T)]; Hide(X) -> X end,
                     Hide(begin {call} end)"
                ));
                // It has ended, or it has not.
                eventually("the server is there, or gone", || {
                    let there = "catch gen_server:call({srv, N}, {echo, here}, 60000)";
                    let there = client.eval(&format!("N = '{node}', {there}"));
                    if there == "here" {
                        return true;
                    }
                    if node == RUST {
                        rust.node.start_server(Some(&atom("srv")), Srv::default()).is_ok()
                    } else {
                        erl.eval("catch srv:start()") == "ok"
                    }
                });
                seen
            };
            assert_eq!(seen(RUST), seen(erl.name()), "{call}");
        }
        // What a server of ours does not know fails at once.
        let unknown = client.eval(&format!("catch sys:get_state({{srv, '{RUST}'}}, 60000)"));
        assert!(unknown.contains("unknown_system_msg"), "{unknown}");
        // There is one.
        let second = rust.node.start_server(Some(&atom("srv")), Srv::default());
        assert!(matches!(second, Err(StartServerError::Name(_))), "{second:?}");
    }

    /// Many calls at a time, of which some are in vain, and nothing is left of any.
    //= docs/spec/calls.md#call-reply
    //= type=test
    #[test]
    fn ten_thousand_calls_at_a_time(release: Release) {
        const CALLS: u32 = 10_000;
        let (_epmd, erl, rust) = nodes(release);
        connect(&erl, &rust);
        let mailbox = rust.node.mailbox();
        let requests: Vec<_> = (0..CALLS)
            .map(|number| {
                let request = match number % 100 {
                    0 => term("never"),
                    _ => Term::tuple([term("echo"), number.into()]),
                };
                mailbox.send_request(srv(erl.name()), &request).unwrap()
            })
            .collect();
        // All replies have come when this one has.
        assert_eq!(mailbox.call(srv(erl.name()), &term("{echo,last}"), None), Ok(term("last")));
        for (number, request) in (0..CALLS).zip(requests) {
            let expected = match number % 100 {
                0 => Err(CallError::Failed(CallFailure::Timeout)),
                _ => Ok(number.into()),
            };
            assert_eq!(mailbox.receive_response(request, ms(0)), expected);
        }
        nothing_is_left(&erl, &mailbox);
    }

    /// A node that dies while it is called.
    //= docs/spec/calls.md#call-failures
    //= type=test
    #[test]
    fn calls_end_with_their_node(release: Release) {
        let (_epmd, mut erl, rust) = nodes(release);
        connect(&erl, &rust);
        let mailbox = rust.node.mailbox();
        let ask = |_| mailbox.send_request(srv(erl.name()), &term("never")).unwrap();
        let requests: Vec<_> = (0..100).map(ask).collect();
        assert_eq!(mailbox.call(srv(erl.name()), &term("{echo,1}"), None), Ok(term("1")));
        erl.signal(Signal::Kill);
        let down = || Err(CallError::Failed(CallFailure::NodeDown(atom("b@127.0.0.1"))));
        for request in requests {
            let lost = CallError::Failed(CallFailure::NoConnection);
            assert_eq!(mailbox.receive_response(request, None), Err(lost));
        }
        assert_eq!(mailbox.call(srv("b@127.0.0.1"), &term("{echo,1}"), None), down());
        assert_eq!(mailbox.message_queue_len(), 0);
        erl.wait_end();
    }
}
