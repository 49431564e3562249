//! `netkernel call` and `netkernel send` beside real nodes: each outcome is what a node of Erlang gets.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::thread;

use netkernel_tests::command::{self, Netkernel};
use netkernel_tests::each_release;
use netkernel_tests::otp::{Elixir, Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal, TempDir};
use netkernel_tests::ours::eventually;

/// What is called: functions, and a server.
const CALC: &str = "
-module(calc).
-behaviour(gen_server).
-export([id/1, add/2, raise/2, sleep/1, kill/0, print/0, loop/0, halt_soon/0]).
-export([start/0, init/1, handle_call/3, handle_cast/2]).
id(X) -> X.
add(X, Y) -> X + Y.
raise(Class, Reason) -> erlang:raise(Class, Reason, []).
sleep(T) -> timer:sleep(T).
kill() -> exit(self(), kill), timer:sleep(infinity).
halt_soon() -> erlang:halt(0, [{flush, false}]).
print() ->
    io:format(\"~s is ~p~n\", [\"\\x{e9}t\\x{e9}\", {a, 1}]),
    io:put_chars([\"chars \", <<\"and more\">>]), io:nl(),
    io:write([x]), io:nl(),
    {io:get_line(\"> \"), io:columns()}.
loop() -> receive {To, Pid} -> To ! {loop, Pid =:= self(), Pid} end, loop().
start() -> {ok, _} = gen_server:start({local, shop}, ?MODULE, [], []).
init([]) -> {ok, []}.
handle_call(silence, _, S) -> {noreply, S};
handle_call(crash, _, S) -> {stop, {bad, 1}, S};
handle_call(Request, _, S) -> {reply, {sold, Request}, S}.
handle_cast(_, S) -> {noreply, S}.
";

/// The same in Elixir.
const KIOSK: &str = "
defmodule Kiosk do
  use GenServer
  def start do
    GenServer.start(__MODULE__, nil, name: __MODULE__)
    :ok
  end
  def init(_), do: {:ok, nil}
  def handle_call({:stop, reason}, _, s), do: {:stop, reason, s}
  def handle_call(request, _, s), do: {:reply, {:sold, request}, s}
  def toss(it), do: throw(it)
  def leave(it), do: exit(it)
  def fail(it), do: :erlang.error(it)
  def no_text, do: raise(ArgumentError, \"no text\")
end
Logger.configure(level: :emergency)
Kiosk.start()
";

/// The command with the cookie and the EPMD of the test.
struct Shell {
    home: TempDir,
    options: Vec<String>,
}

impl Shell {
    fn new(epmd: &Epmd) -> Self {
        let home = TempDir::new();
        let cookie = home.path().join("cookie");
        fs::write(&cookie, "secret").expect("a file");
        fs::set_permissions(&cookie, Permissions::from_mode(0o400)).expect("its mode");
        let port = epmd.port().to_string();
        let cookie = cookie.display().to_string();
        let options = ["--cookie-file", &cookie, "--epmd-port", &port];
        Self { home, options: options.map(str::to_owned).into() }
    }

    fn arguments<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        arguments.iter().copied().chain(self.options.iter().map(String::as_str)).collect()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        command::run(self.home.path(), &self.arguments(arguments))
    }

    /// The exit code, the output, and what is said of a failure.
    fn told(&self, arguments: &[&str]) -> (i32, String, String) {
        told(&self.run(arguments))
    }
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    (output.status.code().expect("no signal"), text(&output.stdout), text(&output.stderr))
}

/// As Erlang has it: without what only the command says.
fn without_hint(told: (i32, String, String)) -> (i32, String, String) {
    let (code, out, errors) = told;
    let errors = errors.lines().filter(|line| !line.starts_with("netkernel: there is no "));
    (code, out, errors.collect::<Vec<_>>().join("\n"))
}

/// What Erlang gets of an expression: the exit code that stands for it, and what is printed.
fn of_erlang(erl: &Erl, expression: &str) -> (i32, String, String) {
    let told = erl.eval(&format!(
        "try {expression} of R -> lists:flatten(io_lib:format(\"0 ~0tp\", [R]))
         catch C:E -> Code = case {{C, E}} of
                 {{_, {{erpc, noconnection}}}} -> 4; {{_, {{{{nodedown, _}}, _}}}} -> 4;
                 {{_, {{erpc, timeout}}}} -> 5; {{exit, {{timeout, {{gen_server, _, _}}}}}} -> 5;
                 {{_, {{erpc, _}}}} -> 6;
                 {{throw, _}} -> 7; {{error, _}} -> 8;
                 {{exit, {{noproc, {{gen_server, _, _}}}}}} -> 10; {{exit, _}} -> 9 end,
             lists:flatten(io_lib:format(\"~w ** exception ~w: ~0tp\", [Code, C, E])) end"
    ));
    let told = told.trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\");
    let (code, text) = told.split_once(' ').expect("a code");
    let code = code.parse().expect("a number");
    if code == 0 { (0, text.into(), String::new()) } else { (code, String::new(), text.into()) }
}

each_release! {
    /// A third node makes the same calls of the same functions.
    //= docs/spec/calls.md#erpc-result
    //= type=test
    //= docs/spec/calls.md#call-failures
    //= type=test
    #[test]
    fn each_outcome_of_a_call_is_the_one_that_erlang_gets(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let client = Erl::start(&ErlOptions::new(release, &epmd, "client"));
        erl.load("calc", CALC);
        erl.eval("calc:start()");
        erl.eval("logger:set_primary_config(level, none)");
        let (shell, b) = (Shell::new(&epmd), erl.name());
        for (function, arguments) in [
            ("id", "[{ok,[1,a,\"text\",<<\"bin\">>,1.5,#{k => v},123456789012345678901234567890]}]"),
            ("id", "[[\"\\x{e9}\",<<1:3>>,'an atom',[a|b],fun lists:map/2]]"),
            ("add", "[1,2]"),
            ("add", "[1,a]"),
            ("raise", "[throw,{ball,1}]"),
            ("raise", "[exit,{bye,1}]"),
            ("raise", "[error,badarg]"),
            ("kill", "[]"),
            ("nofun", "[1]"),
            ("sleep", "[1]"),
        ] {
            let theirs = of_erlang(&client, &format!("erpc:call('{b}', calc, {function}, {arguments})"));
            let ours = without_hint(shell.told(&["call", b, "calc", function, arguments]));
            assert_eq!(ours, theirs, "{function} {arguments}");
        }
        // Long enough for the link, which is a part of it there, too.
        thread::scope(|scope| {
            let late = [
                (&["calc", "sleep", "[infinity]"][..], format!("erpc:call('{b}', calc, sleep, [infinity], 20000)")),
                (&["--server", "shop", "silence"], format!("gen_server:call({{shop, '{b}'}}, silence, 20000)")),
            ];
            let asked = late.map(|(arguments, expression)| {
                let ours = [&["call", b][..], arguments, &["--timeout", "20"]].concat();
                let (shell, client) = (&shell, &client);
                (scope.spawn(move || shell.told(&ours)), scope.spawn(move || of_erlang(client, &expression)))
            });
            for (ours, theirs) in asked {
                assert_eq!(ours.join().expect("no panic"), theirs.join().expect("no panic"));
            }
        });
        for (server, request, timeout) in [
            ("shop", "{apple,2}", None),
            ("nobody", "x", None),
            ("shop", "crash", Some("infinity")),
        ] {
            let erlang = timeout.map_or_else(String::new, |t| format!(", {t}"));
            let mut arguments = vec!["call", b, "--server", server, request];
            arguments.extend(timeout.into_iter().flat_map(|timeout| ["--timeout", timeout]));
            // The command comes first: a crash is the end of the server.
            let ours = shell.told(&arguments);
            erl.eval("whereis(shop) =/= undefined orelse calc:start()");
            let theirs = of_erlang(&client, &format!("gen_server:call({{{server}, '{b}'}}, {request}{erlang})"));
            assert_eq!(ours, theirs, "{server} {request}");
        }

        // What it prints comes before the result; what it wants to read is refused.
        let (code, out, errors) = shell.told(&["call", b, "calc", "print"]);
        let printed = "\u{E9}t\u{E9} is {a,1}\nchars and more\n[x]\n{eof,{error,enotsup}}";
        assert_eq!((code, out.as_str(), errors.as_str()), (0, printed, ""));
        // The result begins a line.
        let half = ["call", b, "io", "format", "[\"abc\"]"];
        assert_eq!(shell.told(&half), (0, "abc\nok".into(), String::new()));
        let objects = "{\"event\":\"output\",\"text\":\"abc\"}\n{\"event\":\"call\",\"function\":\"io:format/1\",\"node\":\"b@127.0.0.1\",\
            \"result\":\"ok\",\"value\":\"ok\"}";
        assert_eq!(shell.told(&[&half[..], &["--json"]].concat()), (0, objects.into(), String::new()));
        let output = shell.run(&["call", b, "erlang:atom_to_binary", "[\u{E9}]", "--json"]);
        let expected = "{\"event\":\"call\",\"function\":\"erlang:atom_to_binary/1\",\"node\":\"b@127.0.0.1\",\
            \"result\":\"<<\\\"\u{E9}\\\"/utf8>>\",\"value\":\"\u{E9}\"}";
        assert_eq!(told(&output), (0, expected.into(), String::new()));
    }

    //= docs/spec/calls.md#erpc-result
    //= type=test
    #[test]
    fn each_outcome_at_a_node_of_elixir_is_the_one_that_erlang_gets(release: Release) {
        let epmd = Epmd::start(release);
        let elixir = Elixir::start(release, &epmd, "b");
        let client = Erl::start(&ErlOptions::new(release, &epmd, "client"));
        assert_eq!(elixir.eval(KIOSK), ":ok");
        let (shell, b) = (Shell::new(&epmd), elixir.name());
        for (module, function, arguments) in [
            ("String", "upcase", "[<<\"stra\u{DF}e\"/utf8>>]"),
            ("Kiosk", "toss", "[{ball,1}]"),
            ("Kiosk", "leave", "[{bye,1}]"),
            ("Kiosk", "fail", "[badarg]"),
            ("Kiosk", "nofun", "[]"),
        ] {
            let theirs = of_erlang(&client, &format!("erpc:call('{b}', 'Elixir.{module}', {function}, {arguments})"));
            let module = format!("Elixir.{module}");
            let ours = without_hint(shell.told(&["call", b, &module, function, arguments]));
            assert_eq!(ours, theirs, "{module} {function} {arguments}");
        }
        // Its keys come in any order.
        let (code, out, errors) = shell.told(&["call", b, "Elixir.Kiosk", "no_text"]);
        assert_eq!((code, &*out), (8, ""), "{errors}");
        for part in ["** exception error: {exception,#{", "'__struct__' => 'Elixir.ArgumentError'", "message => <<\"no text\">>"] {
            assert!(errors.contains(part), "{errors}");
        }
        for request in ["{apple,2}", "{stop,{bad,1}}", "{stop,normal}"] {
            let ours = shell.told(&["call", b, "--server", "Elixir.Kiosk", request]);
            elixir.eval("Kiosk.start()");
            let theirs = of_erlang(&client, &format!("gen_server:call({{'Elixir.Kiosk', '{b}'}}, {request})"));
            elixir.eval("Kiosk.start()");
            assert_eq!(ours, theirs, "{request}");
        }
    }

    //= docs/spec/calls.md#erpc-result
    //= type=test
    #[test]
    fn the_end_of_the_node_during_a_call_is_noconnection(release: Release) {
        let epmd = Epmd::start(release);
        let mut erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        erl.load("calc", CALC);
        let (shell, b) = (Shell::new(&epmd), erl.name().to_owned());
        let lost = (4, String::new(), "** exception error: {erpc,noconnection}".to_owned());
        assert_eq!(shell.told(&["call", &b, "calc:halt_soon"]), lost);
        erl.wait_end();

        let mut erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        erl.load("calc", CALC);
        let options = shell.arguments(&["call", &b, "calc", "sleep", "[infinity]", "--json"]);
        let mut running = Netkernel::start(shell.home.path(), &options);
        let called = || erl.eval("[P || P <- processes(), {current_function, {timer, sleep, 1}} =:= process_info(P, current_function)]");
        eventually("the call", || called() != "[]");
        erl.signal(Signal::Kill);
        erl.wait_end();
        let (status, _) = running.wait_end();
        assert_eq!(status.code(), Some(4));
        let (code, _, errors) = shell.told(&["call", &b, "calc", "id", "[1]"]);
        assert_eq!((code, errors.starts_with("not connected to 'b@127.0.0.1': ")), (3, true), "{errors}");
    }

    /// To names, pids and aliases that were copied from what is printed.
    //= docs/spec/term.md#term-parse-ids
    //= type=test
    #[test]
    fn messages_arrive(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let (shell, b) = (Shell::new(&epmd), erl.name());
        let known = |to: &str| (0, format!("ok: '{b}' has it; whether {to} reads it cannot be known"), String::new());
        assert_eq!(shell.told(&["send", b, "witness", "{order,[3,\"a\"],-1}"]), known("witness"));
        erl.wait_event(GIVE_UP, |event| event == "{order,[3,\"a\"],-1}");
        let large = format!("{{large,<<\"{}\">>}}", "x".repeat(100_000));
        assert_eq!(shell.told(&["send", b, "witness", &large]).0, 0);
        erl.wait_event(GIVE_UP, |event| event == large);

        let (_, pid, _) = shell.told(&["call", b, "erlang:whereis", "[witness]"]);
        assert!(pid.starts_with("<'b@127.0.0.1'."), "{pid}");
        assert_eq!(shell.told(&["send", b, &pid, "by_pid"]), known(&pid));
        erl.wait_event(GIVE_UP, |event| event == "by_pid");
        // What is read is the pid itself, for whoever gets it there.
        let is_alive = ["call", b, "erlang:is_process_alive", &format!("[{pid}]")];
        assert_eq!(shell.told(&is_alive), (0, "true".into(), String::new()));
        erl.eval(
            "Self = self(), spawn(fun() -> Alias = alias(), Self ! {alias, Alias}, register(aliased, self()),
                 receive M -> witness ! {by_alias, M} end end),
             receive {alias, A} -> persistent_term:put(alias, A) end",
        );
        let (_, alias, _) = shell.told(&["call", b, "persistent_term:get", "[alias]"]);
        assert_eq!(shell.told(&["send", b, &alias, "hello"]), known(&alias));
        erl.wait_event(GIVE_UP, |event| event == "{by_alias,hello}");

        let lost = |to: &str| (10, String::new(), format!("'{b}' has no process {to}: the message is lost"));
        assert_eq!(shell.told(&["send", b, "nobody", "x"]), lost("nobody"));
        erl.eval("register(short, spawn(fun() -> receive stop -> ok end end))");
        let (_, pid, _) = shell.told(&["call", b, "erlang:whereis", "[short]"]);
        assert_eq!(shell.told(&["send", b, "short", "stop"]), known("short"));
        eventually("the end of the process", || erl.eval("whereis(short)") == "undefined");
        assert_eq!(shell.told(&["send", b, &pid, "x"]), lost(&pid));
    }

    /// The same as the shell of Erlang, by the console of a node.
    //= docs/spec/calls.md#rpc-result
    //= type=test
    //= docs/spec/term.md#term-parse-ids
    //= type=test
    #[test]
    fn the_console_talks_to_processes(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        erl.load("calc", CALC);
        erl.eval("calc:start()");
        erl.eval("logger:set_primary_config(level, none)");
        let shell = Shell::new(&epmd);
        let options = shell.arguments(&["node", "a@127.0.0.1", "--epmd", "external", "--connect", erl.name()]);
        let mut console = Netkernel::start(shell.home.path(), &options);
        console.wait_line("the link", |line| line.starts_with("connected to "));
        let mut say = |line: &str, answers: &[&str]| {
            console.say(line);
            for answer in answers {
                console.wait_line(answer, |line| line == *answer);
            }
        };
        say("call b@127.0.0.1 lists seq [1, 3]", &["[1,2,3]"]);
        say("call b@127.0.0.1 calc:sleep(infinity)", &[]);
        say("call shop@b@127.0.0.1 {apple, 2}", &["{sold,{apple,2}}"]);
        say("erpc:call('b@127.0.0.1', calc, raise, [exit, bye]).", &["** exception exit: {exception,bye}"]);
        say("rpc:call('b@127.0.0.1', calc, raise, [exit, bye]).", &["{badrpc,{'EXIT',bye}}"]);
        say(
            "gen_server:call({nobody,'b@127.0.0.1'}, x, 50).",
            &["** exception exit: {noproc,{gen_server,call,[{nobody,'b@127.0.0.1'},x,50]}}"],
        );
        say("rpc:cast('b@127.0.0.1', erlang, send, [witness, {cast, there}]).", &["true"]);
        erl.wait_event(GIVE_UP, |event| event == "{cast,there}");
        say("{witness,'b@127.0.0.1'} ! {from, \"here\"}.", &["{from,\"here\"}"]);
        erl.wait_event(GIVE_UP, |event| event == "{from,\"here\"}");
        say("send witness@b@127.0.0.1 #{a => 1}", &["ok"]);
        erl.wait_event(GIVE_UP, |event| event == "#{a => 1}");
        say("call b@127.0.0.1 calc print", &["\u{E9}t\u{E9} is {a,1}", "chars and more", "[x]", "{eof,{error,enotsup}}"]);
        say("call b@127.0.0.1 io:format(\"half a line\")", &["half a line", "ok"]);

        // What Erlang sends is printed, and waits.
        erl.eval("{netkernel, 'a@127.0.0.1'} ! {hello, <<\"from erlang\">>}");
        say("nodes", &["message: {hello,<<\"from erlang\">>}"]);
        say("receive", &["{hello,<<\"from erlang\">>}"]);
        erl.eval("[{netkernel, 'a@127.0.0.1'} ! N || N <- [1, two]]");
        say("nodes", &["message: 1", "message: two"]);
        say("flush().", &["Shell got 1", "Shell got two", "ok"]);
        say("receive 0", &["timeout"]);

        // A process there: its pid is read as it is printed, there too, and its end is told.
        say("spawn link b@127.0.0.1 calc loop []", &[]);
        let pid = console.wait_line("a pid", |line| line.starts_with("<'b@127.0.0.1'."));
        console.say(format!("{pid} ! {{witness, {pid}}}."));
        erl.wait_event(GIVE_UP, |event| event.starts_with("{loop,true,"));
        console.say(format!("call b@127.0.0.1 erlang exit [{pid}, enough]"));
        console.wait_line("its end", |line| line == format!("message: {{'EXIT',{pid},enough}}"));
        console.say("spawn_monitor('b@127.0.0.1', io, format, [\"~w~n\", [printed]]).");
        console.wait_line("its output", |line| line == "printed");
        console.wait_line("its end", |line| line.starts_with("message: {'DOWN',#Ref<'a@127.0.0.1'.") && line.ends_with(",normal}"));
        console.say("self().");
        let own = console.wait_line("a pid", |line| line.starts_with("<'a@127.0.0.1'."));
        console.say(format!("{{witness,'b@127.0.0.1'}} ! {{mine, {own}}}."));
        erl.wait_event(GIVE_UP, |event| event.starts_with("{mine,<"));
        console.say("stop");
        assert!(console.wait_end().0.success());
    }
}
