//! Our client of servers beside Erlang's: a node of Erlang in our place makes the same calls of the same servers, and is told the same. Functions: `interop_client_functions`.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::thread;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::calls::gen_server::{CallFailure, Message};
use netkernel_blocking::core::term::{Atom, Limits, Pid, Term};
use netkernel_blocking::{CallError, Item, SendError, Target};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal, alone};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::{Mailbox, Node};

const NOBODY: &str = "nobody@127.0.0.1";

/// Servers, one for each of the two callers.
const CALLEE: &str = "
-module(callee).
-behaviour(gen_server).
-export([fresh/0, left/0, gone/0, init/1, handle_call/3, handle_cast/2]).
fresh() -> [begin stop(Name), {ok, Pid} = gen_server:start({local, Name}, ?MODULE, [], []), Pid end || Name <- [theirs, ours]].
stop(Name) ->
    case whereis(Name) of
        undefined -> ok;
        Pid -> M = monitor(process, Pid), exit(Pid, kill), receive {'DOWN', M, _, _, _} -> ok end
    end.
left() -> [process_info(Pid, monitored_by) || Name <- [theirs, ours], Pid <- [whereis(Name)], is_pid(Pid)].
gone() -> {Pid, M} = spawn_monitor(fun() -> ok end), receive {'DOWN', M, _, _, _} -> Pid end.
init(_) -> {ok, none}.
handle_call({echo, X}, _, S) -> {reply, X, S};
handle_call(never, _, S) -> {noreply, S};
handle_call(get, _, S) -> {reply, S, S};
handle_call({crash}, _, _) -> error(boom);
handle_call({signal, Reason}, _, S) -> exit(self(), Reason), {noreply, S};
handle_call({stop, Reason, Reply}, _, S) -> {stop, Reason, Reply, S};
handle_call({stop, Reason}, _, S) -> {stop, Reason, S}.
handle_cast({put, V}, _) -> {noreply, V}.
";

/// The same in Elixir.
const ELIXIRS_CALLEE: &str = "
defmodule :callee do
  use GenServer
  def fresh do
    for name <- [:theirs, :ours] do
      stop(Process.whereis(name))
      {:ok, pid} = GenServer.start(__MODULE__, [], name: name)
      pid
    end
  end
  defp stop(nil), do: :ok
  defp stop(pid) do
    m = Process.monitor(pid)
    Process.exit(pid, :kill)
    receive do {:DOWN, ^m, _, _, _} -> :ok end
  end
  def left, do: for(name <- [:theirs, :ours], pid = Process.whereis(name), do: Process.info(pid, :monitored_by))
  def gone do
    {pid, m} = spawn_monitor(fn -> :ok end)
    receive do {:DOWN, ^m, _, _, _} -> pid end
  end
  def init(_), do: {:ok, :none}
  def handle_call({:echo, x}, _, s), do: {:reply, x, s}
  def handle_call(:never, _, s), do: {:noreply, s}
  def handle_call(:get, _, s), do: {:reply, s, s}
  def handle_call({:crash}, _, _), do: :erlang.error(:boom)
  def handle_call({:signal, reason}, _, s) do
    Process.exit(self(), reason)
    {:noreply, s}
  end
  def handle_call({:stop, reason, reply}, _, s), do: {:stop, reason, reply, s}
  def handle_call({:stop, reason}, _, s), do: {:stop, reason, s}
  def handle_cast({:put, v}, _), do: {:noreply, v}
end
Logger.configure(level: :emergency)
";

/// Erlang in our place.
const CLIENT: &str = "
-module(client).
-export([server/4, servers/4, itself/1, cast/2, stranger/1, knows/1]).
server(Kind, S, Request, Limit) ->
    It = try ask(Kind, S, Request, Limit) of
        {error, {Reason, S}} -> {error, {Reason, server}};
        Other -> Other
    catch exit:{Reason, {gen_server, call, _}} -> {exit, Reason}; C:E -> {C, E} end,
    {It, left()}.
left() -> {message_queue_len, N} = process_info(self(), message_queue_len), N.
ask(call, S, Request, Limit) -> {ok, gen_server:call(S, Request, Limit)};
ask(receive_response, S, Request, Limit) -> gen_server:receive_response(gen_server:send_request(S, Request), Limit);
ask(wait_response, S, Request, Limit) -> gen_server:wait_response(gen_server:send_request(S, Request), Limit);
ask(check_response, S, Request, _) ->
    R = gen_server:send_request(S, Request), self() ! hello,
    receive hello -> no_reply = gen_server:check_response(hello, R) end,
    receive M -> gen_server:check_response(M, R) end.
servers(Nodes, Name, Request, Limit) -> {gen_server:multi_call(Nodes, Name, Request, Limit), left()}.
itself(S) ->
    register(own, self()),
    Called = (catch gen_server:call(S, x)),
    R = gen_server:send_request(S, y),
    receive {'$gen_call', From, y} -> gen_server:reply(From, z) end,
    Replied = gen_server:receive_response(R, 10),
    Waited = gen_server:wait_response(gen_server:send_request(S, a), 10),
    Late = gen_server:receive_response(gen_server:send_request(S, b), 10),
    Cast = gen_server:cast(S, c),
    Many = gen_server:multi_call([node()], own, d, 10),
    {element(1, element(2, Called)), Replied, Waited, Late, Cast, hide(Many), got()}.
got() -> receive {'$gen_call', _, X} -> [{call, X} | got()]; {'$gen_cast', X} -> [{cast, X} | got()]; X -> [X | got()] after 0 -> [] end.
hide({Replies, Bad}) -> {Replies, [case N of _ when N =:= node() -> me; _ -> N end || N <- Bad]}.
cast(S, Request) -> {gen_server:cast(S, Request), left()}.
stranger(N) ->
    Size = byte_size(N), binary_to_term(<<131, 88, 119, Size, N/binary, 97:32, 0:32, 7:32>>).
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

fn name(name: &str, node: &str) -> Target {
    Target::Name(atom(name), node_name(node))
}

/// A process of a node that nobody has reached.
fn stranger(node: &str) -> Pid {
    let creation = netkernel_blocking::core::Creation(7);
    Pid { node: atom(node), id: 97, serial: 0, creation }
}

/// As the client of Erlang shows it: what it was told, and how many messages wait.
fn with_left(told: &str, own: &Mailbox) -> String {
    format!("{{{told},{}}}", own.message_queue_len())
}

fn exit(result: Result<Term, CallError>) -> String {
    match result {
        Ok(reply) => format!("{{ok,{reply}}}"),
        Err(CallError::Failed(failure)) => format!("{{exit,{}}}", failure.to_reason()),
        Err(other) => panic!("{other}"),
    }
}

fn response(result: Result<Term, CallError>) -> String {
    match result {
        Ok(reply) => format!("{{reply,{reply}}}"),
        Err(CallError::Failed(CallFailure::Timeout)) => "timeout".to_owned(),
        Err(CallError::Failed(failure)) => format!("{{error,{{{},server}}}}", failure.to_reason()),
        Err(other) => panic!("{other}"),
    }
}

/// Our `client:server/4`.
fn server(own: &Mailbox, kind: &str, server: Target, request: &str, limit: Option<u64>) -> String {
    let (request, limit) = (term(request), ms(limit));
    let ask = || own.send_request(server.clone(), &request);
    let told = match kind {
        "call" => exit(own.call(server.clone(), &request, limit)),
        "receive_response" => response(ask().and_then(|it| own.receive_response(it, limit))),
        "wait_response" => match ask() {
            Ok(asked) => {
                let waited = own.wait_response(&asked, limit);
                own.abandon_request(asked);
                waited.map_or_else(|| "timeout".to_owned(), response)
            }
            Err(error) => response(Err(error)),
        },
        "check_response" => {
            let asked = ask().unwrap();
            response(asked.result(Some(own.recv_match(|item| asked.is_answer(item)))))
        }
        _ => panic!("{kind}"),
    };
    with_left(&told, own)
}

/// Our `client:servers/4`.
fn servers(own: &Mailbox, nodes: &[&str], name: &str, request: &str, limit: Option<u64>) -> String {
    let nodes: Vec<_> = nodes.iter().map(|node| node_name(node)).collect();
    let called = own.multi_call(&nodes, &atom(name), &term(request), ms(limit)).unwrap();
    let replies = called.replies.into_iter();
    let replies = replies.map(|(node, reply)| Term::tuple([node.as_atom().clone().into(), reply]));
    let bad = called.bad_nodes.iter().map(|node| node.as_atom().clone().into());
    let told = Term::tuple([Term::list(replies), Term::list(bad)]);
    with_left(&told.to_string(), own)
}

fn sent(result: Result<(), SendError>) -> String {
    result.map_or_else(|error| error.to_string(), |()| "ok".to_owned())
}

/// Our `client:cast/2`.
fn cast(own: &Mailbox, server: Target, request: &str) -> String {
    with_left(&sent(own.cast(server, &term(request))), own)
}

/// Our `client:itself/1`.
fn itself(own: &Mailbox, me: &Target) -> String {
    let ask = |request: &str| own.send_request(me.clone(), &term(request)).unwrap();
    let short = Some(Duration::from_millis(10));
    let Err(CallError::Failed(called)) = own.call(me.clone(), &term("x"), None) else { panic!() };
    let asked = ask("y");
    let Message::Call(client, _) = message(&own.recv()) else { panic!("a call") };
    own.reply(&client, &term("z")).unwrap();
    let replied = response(own.receive_response(asked, short));
    let stands = ask("a");
    let waited = own.wait_response(&stands, short).map_or_else(|| "timeout".to_owned(), response);
    let late = response(own.receive_response(ask("b"), short));
    let cast = sent(own.cast(me.clone(), &term("c")));
    let node = node_name(&own.pid().unwrap().node);
    let many = own.multi_call(core::slice::from_ref(&node), &atom("own"), &term("d"), short);
    let many = many.unwrap();
    assert_eq!((many.replies, many.bad_nodes), (vec![], vec![node]));
    let mut got = Vec::new();
    while let Some(item) = own.try_recv() {
        got.push(match message(&item) {
            Message::Call(_, it) => format!("{{call,{it}}}"),
            Message::Cast(it) => format!("{{cast,{it}}}"),
            other @ (Message::System(..) | Message::Info(_)) => panic!("{other:?}"),
        });
    }
    own.abandon_request(stands);
    let (reason, got) = (called.to_reason(), got.join(","));
    format!("{{{reason},{replied},{waited},{late},{cast},{{[],[me]}},[{got}]}}")
}

fn message(item: &Item) -> Message {
    let Item::Message(message) = item else { panic!("{item:?}") };
    Message::parse(message, &Limits::default()).unwrap()
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

fn pids(list: Term) -> Vec<Pid> {
    let pid = |it| if let Term::Pid(pid) = it { pid } else { panic!("{it}") };
    Vec::try_from(list).unwrap().into_iter().map(pid).collect()
}

/// A process that was there.
fn gone(b: &Erl) -> Pid {
    b.eval("persistent_term:put(gone, callee:gone())");
    let found = b.apply("persistent_term", "get", vec![term("gone")]);
    let Term::Pid(pid) = found else { panic!("{found}") };
    pid
}

/// Nobody monitors the servers any more.
fn nothing_is_left(b: &Erl, rust: &Ours) {
    let none = "[{monitored_by,[]},{monitored_by,[]}]";
    b.eval("callee:fresh()");
    eventually("no monitors are left there", || b.eval("callee:left()") == none);
    rust.expect_nothing_left();
}

const KINDS: [&str; 4] = ["call", "receive_response", "wait_response", "check_response"];

/// Each kind of call of one server, and of those that are not there.
fn calls_are_answered_as_erlangs(release: Release, called: Called) {
    let (_epmd, b, client, rust) = nodes(release, called);
    let at = b.name();
    for kind in KINDS {
        for (request, limit) in [
            ("{echo,[1,{2},<<3>>,#{a=>1.5}]}", Some(60_000)),
            ("{echo,[]}", None),
            ("never", Some(20)),
            ("never", Some(0)),
            ("{stop,normal}", None),
            ("{stop,shutdown}", Some(60_000)),
            ("{stop,{shutdown,why}}", None),
            ("{stop,{a,[1]}}", None),
            ("{stop,why,bye}", None),
            ("{stop,noproc}", None),
            ("{stop,noconnection}", None),
            ("{stop,timeout}", None),
            ("{stop,{nodedown,x}}", None),
            ("{stop,calling_self}", None),
            ("{crash}", None),
            ("{signal,kill}", None),
            ("{signal,{a,1}}", Some(60_000)),
        ] {
            if kind == "check_response" && request == "never" {
                continue;
            }
            for by in ["name", "pid"] {
                let found = pids(b.apply("callee", "fresh", vec![]));
                let (theirs, ours) = match by {
                    "name" => (format!("{{theirs, '{at}'}}"), name("ours", at)),
                    _ => (
                        format!("erpc:call('{at}', erlang, whereis, [theirs])"),
                        Target::Pid(found[1].clone()),
                    ),
                };
                let shown = shown_limit(limit);
                let theirs =
                    client.eval(&format!("client:server({kind}, {theirs}, {request}, {shown})"));
                let ours = server(&rust.node.mailbox(), kind, ours, request, limit);
                assert_eq!(ours, theirs, "{kind} {request} {shown} by {by}");
            }
        }
        // Of nobody, and of nobody's node.
        let gone = gone(&b);
        for (theirs, ours) in [
            (format!("{{nosuch, '{at}'}}"), name("nosuch", at)),
            ("{nosuch, node()}".to_owned(), name("nosuch", rust.name())),
            (format!("{{theirs, '{NOBODY}'}}"), name("ours", NOBODY)),
            (format!("client:stranger(<<\"{NOBODY}\">>)"), Target::Pid(stranger(NOBODY))),
            (format!("erpc:call('{at}', persistent_term, get, [gone])"), Target::Pid(gone)),
        ] {
            for limit in [None, Some(60_000)] {
                let shown = shown_limit(limit);
                let told =
                    client.eval(&format!("client:server({kind}, {theirs}, {{echo, 1}}, {shown})"));
                let ours = server(&rust.node.mailbox(), kind, ours.clone(), "{echo,1}", limit);
                assert_eq!(ours, told, "{kind} of {theirs} {shown}");
            }
        }
    }
    nothing_is_left(&b, &rust);
}

/// Calls of a server on several nodes at once, and of oneself.
fn calls_of_several_are_answered_as_erlangs(release: Release, called: Called) {
    let (_epmd, b, client, rust) = nodes(release, called);
    let at = b.name();
    let each = |nodes: &[&str], me: &str| -> String {
        nodes.iter().map(|it| format!("'{}'", it.replace("me", me))).collect::<Vec<_>>().join(",")
    };
    for (nodes, request, limit) in [
        (&[at][..], "{echo,1}", None),
        (&[at], "{echo,1}", Some(60_000)),
        (&[at, NOBODY, "me"], "{echo,1}", None),
        (&["me", NOBODY, at, "c@127.0.0.1"], "{echo,1}", Some(60_000)),
        (&[at, at], "{echo,1}", None),
        (&[], "{echo,1}", None),
        (&[], "{echo,1}", Some(0)),
        (&[at], "never", Some(20)),
        (&[at], "never", Some(0)),
        (&[at, NOBODY, at, "me"], "never", Some(20)),
        (&[at], "{stop,why}", None),
        (&[at, at], "{stop,why,bye}", Some(60_000)),
        (&[at], "{crash}", None),
        (&[at], "{signal,kill}", Some(60_000)),
    ] {
        for server in ["", "nosuch"] {
            b.eval("callee:fresh()");
            let [theirs, ours] = if server.is_empty() { ["theirs", "ours"] } else { [server; 2] };
            let (all, limit_shown) = (each(nodes, client.name()), shown_limit(limit));
            let theirs = client
                .eval(&format!("client:servers([{all}], {theirs}, {request}, {limit_shown})"));
            let nodes: Vec<_> =
                nodes.iter().map(|it| if *it == "me" { rust.name() } else { it }).collect();
            let ours = servers(&rust.node.mailbox(), &nodes, ours, request, limit);
            assert_eq!(
                ours.replace(rust.name(), client.name()),
                theirs,
                "{nodes:?} {request} {limit_shown}"
            );
        }
    }

    // Of oneself: who sends a request can answer it.
    for by_name in [false, true] {
        let own = rust.mailbox("own");
        let (me, theirs) = match by_name {
            false => (Target::Pid(own.pid().unwrap()), "self()"),
            true => (name("own", rust.name()), "{own, node()}"),
        };
        assert_eq!(itself(&own, &me), client.eval(&format!("client:itself({theirs})")), "{theirs}");
    }

    nothing_is_left(&b, &rust);
}

each_release_and_runtime! {
    //= docs/spec/calls.md#call-failures
    //= type=test
    //= docs/spec/calls.md#call-reply
    //= type=test
    #[test]
    fn calls_of_a_server(release: Release) {
        calls_are_answered_as_erlangs(release, Called::Erlang);
    }

    #[test]
    fn calls_of_a_server_of_elixir(release: Release) {
        calls_are_answered_as_erlangs(release, Called::Elixir);
    }

    //= docs/spec/calls.md#call-failures
    //= type=test
    #[test]
    fn calls_of_several_servers_and_of_oneself(release: Release) {
        calls_of_several_are_answered_as_erlangs(release, Called::Erlang);
    }

    #[test]
    fn calls_of_several_servers_of_elixir(release: Release) {
        calls_of_several_are_answered_as_erlangs(release, Called::Elixir);
    }

    //= docs/spec/calls.md#call-cast
    //= type=test
    #[test]
    fn casts_and_what_comes_of_them(release: Release) {
        let (epmd, b, client, rust) = nodes(release, Called::Erlang);
        let at = b.name();
        let found = pids(b.apply("callee", "fresh", vec![]));
        let gone = gone(&b);
        for (theirs, ours) in [
            (format!("{{nosuch, '{at}'}}"), name("nosuch", at)),
            (format!("erpc:call('{at}', persistent_term, get, [gone])"), Target::Pid(gone)),
            ("{nosuch, node()}".to_owned(), name("nosuch", rust.name())),
            (format!("{{theirs, '{NOBODY}'}}"), name("ours", NOBODY)),
            (format!("client:stranger(<<\"{NOBODY}\">>)"), Target::Pid(stranger(NOBODY))),
            (format!("{{theirs, '{at}'}}"), name("ours", at)),
            (format!("erpc:call('{at}', erlang, whereis, [theirs])"), Target::Pid(found[1].clone())),
        ] {
            let told = client.eval(&format!("client:cast({theirs}, {{put, 5}})"));
            assert_eq!(cast(&rust.node.mailbox(), ours, "{put,5}"), told, "{theirs}");
        }
        let own = rust.node.mailbox();
        assert_eq!(client.eval(&format!("gen_server:call({{theirs, '{at}'}}, get)")), "5");
        assert_eq!(own.call(name("ours", at), &term("get"), None), Ok(term("5")));

        // A cast connects.
        let c = Erl::start(&ErlOptions { hidden: true, ..ErlOptions::new(release, &epmd, "c") });
        let theirs_know = format!("client:knows('{}')", c.name());
        let knows = || rust.nodes().iter().any(|(node, _)| *node == c.name());
        assert_eq!((knows(), &*client.eval(&theirs_know)), (false, "false"));
        let theirs = client.eval(&format!("client:cast({{witness, '{}'}}, {{put, 7}})", c.name()));
        assert_eq!(cast(&own, name("witness", c.name()), "{put,7}"), theirs);
        for _ in 0..2 {
            c.wait_event(GIVE_UP, |event| event == "{'$gen_cast',{put,7}}");
        }
        assert_eq!((knows(), &*client.eval(&theirs_know)), (true, "true"));
        drop(own);
        nothing_is_left(&b, &rust);
    }

    //= docs/spec/calls.md#call-unreached
    //= type=test
    #[test]
    fn calls_without_distribution(release: Release) {
        let epmd = Epmd::start(release);
        let node = Node::new(Ours::config(epmd.port())).unwrap();
        let own = node.mailbox();
        let mut rows = Vec::new();
        for kind in ["call", "receive_response", "wait_response"] {
            for limit in [None, Some(60_000)] {
                let shown = shown_limit(limit);
                for (theirs, server_of) in [
                    (format!("{{srv, '{NOBODY}'}}"), name("srv", NOBODY)),
                    (format!("client:stranger(<<\"{NOBODY}\">>)"), Target::Pid(stranger(NOBODY))),
                ] {
                    let ours = server(&own, kind, server_of, "x", limit);
                    rows.push((format!("client:server({kind}, {theirs}, x, {shown})"), ours));
                }
            }
        }
        let ours = servers(&own, &[NOBODY], "srv", "x", Some(60_000));
        rows.push((format!("client:servers(['{NOBODY}'], srv, x, 60000)"), ours));
        let pong = if node.ping(&node_name(NOBODY), None).is_ok() { "pong" } else { "pang" };
        rows.push((format!("net_adm:ping('{NOBODY}')"), pong.to_owned()));
        let calls: Vec<_> = rows.iter().map(|(call, _)| &**call).collect();
        for ((call, ours), theirs) in rows.iter().zip(alone(release, ("client", CLIENT), &calls)) {
            assert_eq!(*ours, theirs, "{call}");
        }
    }

    /// Nodes that end while they are called otherwise: `interop_calls_end`.
    //= docs/spec/net_adm.md#adm-ping
    //= type=test
    #[test]
    fn a_node_ends_while_it_is_pinged(release: Release) {
        let (_epmd, mut b, client, rust) = nodes(release, Called::Erlang);
        // Its net_kernel takes no calls.
        b.eval("sys:suspend(net_kernel)");
        let pinged = thread::scope(|threads| {
            let ours = threads.spawn(|| rust.node.ping(&node_name(b.name()), None).is_ok());
            client.eval(&format!("spawn(fun() -> witness ! {{pinged, net_adm:ping('{}')}} end)", b.name()));
            eventually("both wait", || {
                b.eval("{_, N} = process_info(whereis(net_kernel), message_queue_len), N >= 2") == "true"
            });
            b.signal(Signal::Kill);
            ours.join().unwrap()
        });
        client.wait_event(GIVE_UP, |event| event == "{pinged,pang}");
        assert!(!pinged);
        b.wait_end();
        assert!(!client.ping(b.name()) && rust.node.ping(&node_name(b.name()), None).is_err());
    }
}
