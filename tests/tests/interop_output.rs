//! What processes of Erlang write whose group leader is of this node, and what comes of them when they crash.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use std::sync::mpsc::{Receiver, channel};
use std::thread;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::calls::io::{LOGGER_PROXY, Log, USER};
use netkernel_blocking::core::term::{Atom, Pid, Term};
use netkernel_blocking::{Mfa, Output};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Elixir, Epmd, Erl, ErlOptions, Release};
use netkernel_tests::ours::{Ours, node_name, term_expression};
use netkernel_tests::{GIVE_UP, runtime::Mailbox};

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

/// Runs expressions, and writes to whoever it is told.
const RUN: &str = "
-module(run).
-export([eval/1, to_file/1, ask/1, crash/0, crash_by_proc_lib/0, log/0]).
eval(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ \".\"),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    try erl_eval:exprs(Expressions, []) of {value, Value, _} -> Value catch C:R -> {C, R} end.
to_file(Text) ->
    Name = filename:join(os:getenv(\"HOME\"), \"written\"),
    _ = file:delete(Name),
    {ok, File} = file:open(Name, [read, write, {encoding, utf8}]),
    Leader = group_leader(),
    group_leader(File, self()),
    Value = eval(Text),
    group_leader(Leader, self()),
    ok = file:close(File),
    {ok, Written} = file:read_file(Name),
    {Value, Written}.
ask(Request) ->
    group_leader() ! {io_request, self(), ref, Request},
    receive {io_reply, ref, Reply} -> Reply end.
crash() -> error(boom).
crash_by_proc_lib() -> proc_lib:init_p(self(), [], run, crash, []).
log() -> logger:error(\"one ~p\", [1]), logger:warning(\"two\"), error_logger:format(\"three\", []), ok.
";

/// A group leader, and what is written to it.
fn leader(rust: &Ours, name: &str) -> (Pid, Receiver<Output>) {
    let mailbox = rust.mailbox(name);
    let (pid, (write, written)) = (mailbox.pid().unwrap(), channel());
    thread::spawn(move || mailbox.serve_output(|output| drop(write.send(output))));
    (pid, written)
}

/// All that is written up to this text.
fn written(leader: &Receiver<Output>, end: &str) -> String {
    let mut all = String::new();
    while !all.ends_with(end) {
        match leader.recv_timeout(GIVE_UP) {
            Ok(Output::Text { text, .. }) => all.push_str(&text),
            other => panic!("{other:?} behind {all:?}"),
        }
    }
    all
}

/// What these expressions give, run by a process that `own` has spawned.
fn run(own: &Mailbox, node: &str, text: &str) -> Term {
    let text = Term::string(text);
    own.erpc_call(&node_name(node), &atom("run"), &atom("eval"), &[text], Some(GIVE_UP)).unwrap()
}

/// What is the same with an empty file of Erlang as the group leader: what each gives, and what is written.
const AS_A_FILE: [&str; 29] = [
    "io:format(\"~p ~ts~n\", [{a, [1]}, [8364]])",
    "io:format(\"~s~n\", [[228]])",
    "io:put_chars(\"abc\")",
    "io:put_chars(<<\"abc\">>)",
    "io:put_chars([97, [<<\"b\">>], 8364])",
    "io:put_chars(\"\")",
    "io:nl()",
    "io:write({1, x})",
    "io:fwrite(\"~w~n\", [x])",
    "io:put_chars(standard_io, [lists:seq($a, $z)])",
    "io:requests([{put_chars, unicode, \"1\"}, nl, {put_chars, unicode, \"2\"}])",
    "io:get_line(\"> \")",
    "io:get_chars(\"> \", 3)",
    "io:read(\"> \")",
    "io:fread(\"> \", \"~d\")",
    "io:columns()",
    "io:rows()",
    "io:setopts([{encoding, unicode}, binary])",
    "io:setopts([{echo, false}])",
    "io:setopts([])",
    "element(1, element(2, catch io:format(\"~p\", [])))",
    // Of another process there, which has the same group leader.
    "{P, M} = spawn_monitor(fun() -> io:format(\"child~n\") end), receive {'DOWN', M, _, _, R} -> R end",
    "length(lists:map(fun(X) -> io:format(\"~b \", [X]) end, lists:seq(1, 10)))",
    "rpc:call(node(), io, format, [\"rpc~n\"])",
    "run:ask({put_chars, latin1, <<228>>})",
    "run:ask({put_chars, <<228>>})",
    "run:ask({put_chars, unicode, [228, <<\"b\">>]})",
    "run:ask({put_chars, unicode, io_lib, format, [\"~p\", [x]]})",
    "run:ask({get_line, unicode, \"> \"})",
];

/// What a file of Erlang gives otherwise: what ours gives, and what the file does.
const UNLIKE_A_FILE: [(&str, &str, &str); 5] = [
    // What reads by a function of the node that asks is not called.
    ("io:scan_erl_exprs(\"> \")", "eof", "{eof,1}"),
    ("io:parse_erl_form(\"> \")", "eof", "{eof,1}"),
    ("element(1, element(2, catch io:put_chars([no_text])))", "badarg", "terminated"),
    ("run:ask({requests, [{get_line, unicode, \"> \"}, {put_chars, unicode, \"\"}]})", "eof", "ok"),
    ("run:ask(nonsense)", "{error,request}", "{error,{request,nonsense}}"),
];

/// What is the same with an empty `StringIO` of Elixir as the group leader.
const AS_A_STRING: [&str; 25] = [
    "IO.puts(\"abc\")",
    "IO.puts([97, \"é\", 8364])",
    "IO.puts(:stdio, :atom)",
    "IO.puts(1.5)",
    "IO.write(\"a\\nb\")",
    "IO.write(\"\")",
    "IO.binwrite(<<228>>)",
    "IO.inspect({1, \"a\", [x: 1]})",
    "IO.inspect(%{a: 1..2}, label: \"it\")",
    "IO.inspect(Enum.to_list(1..100), limit: 5, width: 20)",
    "IO.inspect(:x, syntax_colors: [])",
    "IO.gets(\"> \")",
    "IO.getn(\"> \")",
    "IO.getn(\"> \", 3)",
    "IO.read(:line)",
    "IO.read(3)",
    "IO.read(:eof)",
    "IO.binread(:line)",
    "IO.binread(3)",
    "Enum.to_list(IO.stream(:stdio, :line))",
    "Enum.into([\"a\", \"b\"], IO.stream(:stdio, :line)); :ok",
    "Task.await(Task.async(fn -> IO.puts(\"child\") end))",
    ":io.format(\"~p ~ts~n\", [{:a, [1]}, [8364]])",
    ":io.columns()",
    "{:error, IO.puts(\"one\"), IO.puts(\"two\")}",
];

each_release_and_runtime! {
    //= docs/spec/calls.md#io-requests
    //= type=test
    //= docs/spec/calls.md#io-no-input
    //= type=test
    //= docs/spec/process.md#process-user
    //= type=test
    #[test]
    fn what_processes_there_write_comes_here(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        erl.load("run", RUN);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let (own, b) = (rust.node.mailbox(), erl.name());
        rust.connect(b);
        rust.expect_up(b, NodeType::Visible);
        let (user, output) = leader(&rust, USER);
        assert_eq!(own.group_leader(), Some(user));
        for (call, value, text) in [
            ("io:format(\"~p ~ts~n\", [{a, [1]}, [8364]])", "ok", "{a,[1]} €\n"),
            ("io:put_chars([97, [<<\"b\">>], 8364])", "ok", "ab€"),
            ("io:get_line(\"> \")", "eof", ""),
            ("io:getopts()", "[{binary,false},{encoding,unicode}]", ""),
            ("element(1, element(2, catch io:put_chars([no_text])))", "badarg", ""),
            ("length(lists:map(fun(X) -> io:format(\"~b \", [X]) end, lists:seq(1, 10)))", "10", "1 2 3 4 5 6 7 8 9 10 "),
        ] {
            assert_eq!(run(&own, b, call), term(value), "{call}");
            let end = format!("<end of {call}>");
            assert_eq!(run(&own, b, &format!("io:put_chars({:?})", end)), term("ok"));
            assert_eq!(written(&output, &end).strip_suffix(&end).unwrap(), text, "{call}");
        }
        // Erlang's own functions, without a module of ours.
        own.rpc_call(&node_name(b), &atom("io"), &atom("format"), &[Term::string("hello~n")], None).unwrap();
        assert_eq!(written(&output, "\n"), "hello\n");
        // Who is given another group leader writes to that one.
        let (other, others) = leader(&rust, "other");
        own.set_group_leader(&other).unwrap();
        assert_eq!(run(&own, b, "io:format(\"other~n\")"), term("ok"));
        assert_eq!(written(&others, "\n"), "other\n");
        // By name, from wherever.
        let asked = erl.eval(&format!(
            "{{{USER}, '{}'}} ! {{io_request, self(), ref, {{put_chars, unicode, <<\"by name\\n\">>}}}}, receive {{io_reply, ref, R}} -> R end",
            rust.name()
        ));
        assert_eq!(asked, "ok");
        assert_eq!(written(&output, "\n"), "by name\n");
        // The end of the group leader is an error to who writes.
        own.exit(&other, &term("kill")).unwrap();
        let gone = run(&own, b, "element(1, element(2, catch io:format(\"nobody~n\")))");
        assert_eq!(gone, term("terminated"));
    }

    //= docs/spec/calls.md#io-requests
    //= type=test
    //= docs/spec/calls.md#io-no-input
    //= type=test
    #[test]
    fn our_group_leader_in_the_place_of_theirs(release: Release) {
        let epmd = Epmd::start(release);
        let elixir = Elixir::start(release, &epmd, "b");
        elixir.erl().load("run", RUN);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let (own, b) = (rust.node.mailbox(), elixir.name());
        rust.connect(b);
        rust.expect_up(b, NodeType::Visible);
        let (_, output) = leader(&rust, USER);
        let mut differences = Vec::new();
        let mut compare = |row: &str, ours: (String, String), theirs: (String, String)| {
            if ours != theirs {
                differences.push(format!("{row}\nours {ours:?}\n not {theirs:?}"));
            }
        };
        let end = "<end>";
        let ours = |row: &str| {
            let value = run(&own, b, row).to_string();
            assert_eq!(run(&own, b, &format!("io:put_chars({end:?})")), term("ok"));
            (value, written(&output, end).strip_suffix(end).unwrap().to_owned())
        };
        let theirs = |row: &str| {
            let row = [Term::string(row)];
            let seen = own.erpc_call(&node_name(b), &atom("run"), &atom("to_file"), &row, Some(GIVE_UP)).unwrap();
            let Some([value, text]) = seen.as_tuple() else { panic!("{seen}") };
            (value.to_string(), <&str>::try_from(text).unwrap().to_owned())
        };
        for row in AS_A_FILE {
            compare(row, ours(row), theirs(row));
        }
        for (row, of_ours, of_theirs) in UNLIKE_A_FILE {
            assert_eq!((&*ours(row).0, &*theirs(row).0), (of_ours, of_theirs), "{row}");
        }
        let eval = |code: &str| {
            let code = Term::from(code);
            let shown = own.erpc_call(&node_name(b), &atom("Elixir.Witness"), &atom("eval"), &[code], Some(GIVE_UP));
            let shown = shown.unwrap();
            let Some([_, text]) = shown.as_tuple() else { panic!("{shown}") };
            <&str>::try_from(text).unwrap().to_owned()
        };
        for row in AS_A_STRING {
            let value = eval(row);
            eval(&format!("IO.write({end:?})"));
            let ours = (value, written(&output, end).strip_suffix(end).unwrap().to_owned());
            let value = eval(&format!(
                "own = Process.group_leader(); {{:ok, io}} = StringIO.open(\"\"); Process.group_leader(self(), io);
                 value = ({row})
                 Process.group_leader(self(), own); {{:ok, {{_, text}}}} = StringIO.close(io); IO.write(text <> {end:?}); value"
            ));
            compare(row, ours, (value, written(&output, end).strip_suffix(end).unwrap().to_owned()));
        }
        assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    }

    //= docs/spec/calls.md#io-log
    //= type=test
    #[test]
    fn how_processes_there_crash_is_told_here(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        erl.load("run", RUN);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let (own, b) = (rust.node.mailbox(), erl.name());
        rust.connect(b);
        rust.expect_up(b, NodeType::Visible);
        let (user, output) = leader(&rust, USER);
        let (_, logged) = leader(&rust, LOGGER_PROXY);
        let spawn = |function: &str| {
            let mfa = Mfa::new(atom("run"), atom(function), &[]).unwrap();
            own.spawn(&node_name(b), mfa).unwrap()
        };
        let next = || match logged.recv_timeout(GIVE_UP) {
            Ok(Output::Log(log)) => log,
            other => panic!("no event of a logger but {other:?}"),
        };
        let value = |map: &Term, key: &str| {
            let Term::Map(map) = map else { panic!("{map}") };
            map.get(&term(key)).cloned()
        };
        let meta = |log: &Log, key: &str| value(&log.meta, key);
        let is_report = |log: &Log, label: &str| value(&log.event, "label") == Some(term(label));
        let logs = Some(spawn("log").into());
        let (one, two, three) = (next(), next(), next());
        assert_eq!((&one.level, &one.event, one.arguments.clone()), (&atom("error"), &Term::string("one ~p"), Some(term("[1]"))));
        assert_eq!((&two.level, &two.event, two.arguments.clone()), (&atom("warning"), &Term::string("two"), None));
        assert!(three.arguments.is_none() && is_report(&three, "{error_logger,error_msg}"));
        for log in [one, two, three] {
            assert_eq!((meta(&log, "pid"), meta(&log, "gl")), (logs.clone(), Some(user.clone().into())));
        }
        let crashed = spawn("crash");
        let log = next();
        assert_eq!(log.level, atom("error"));
        let mut encoded = Vec::new();
        Term::tuple([log.event.clone(), log.arguments.clone().unwrap()]).encode(&mut encoded).unwrap();
        let shown = erl.eval(&format!("{{F, A}} = {}, lists:flatten(io_lib:format(F, A))", term_expression(&encoded)));
        assert!(shown.starts_with("\"Error in process") && shown.contains("boom"), "{shown}");
        assert_eq!(meta(&log, "pid"), Some(crashed.into()));
        spawn("crash_by_proc_lib");
        assert!(is_report(&next(), "{proc_lib,crash}"));
        assert!(output.try_recv().is_err(), "nothing of that was written");
    }
}
