//! What processes of Erlang write whose group leader is of this node, and what comes of them when they crash.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use std::sync::mpsc::{Receiver, channel};
use std::thread;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::calls::io::{LOGGER_PROXY, Log, USER};
use netkernel_blocking::core::term::{Atom, Pid, Term};
use netkernel_blocking::{Mfa, Output};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release};
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
-export([eval/1, crash/0, crash_by_proc_lib/0, log/0]).
eval(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ \".\"),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    try erl_eval:exprs(Expressions, []) of {value, Value, _} -> Value catch C:R -> {C, R} end.
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
            ("io:put_chars(\"abc\")", "ok", "abc"),
            ("io:put_chars(<<\"abc\">>)", "ok", "abc"),
            ("io:put_chars([97, [<<\"b\">>], 8364])", "ok", "ab€"),
            ("io:nl()", "ok", "\n"),
            ("io:write({1, x})", "ok", "{1,x}"),
            ("io:fwrite(\"~w~n\", [x])", "ok", "x\n"),
            ("io:put_chars(standard_io, [lists:seq($a, $z)])", "ok", "abcdefghijklmnopqrstuvwxyz"),
            ("io:requests([{put_chars, unicode, \"1\"}, nl, {put_chars, unicode, \"2\"}])", "ok", "1\n2"),
            ("io:get_line(\"> \")", "eof", ""),
            ("io:get_chars(\"> \", 3)", "eof", ""),
            ("io:read(\"> \")", "eof", ""),
            ("io:fread(\"> \", \"~d\")", "eof", ""),
            ("io:columns()", "{error,enotsup}", ""),
            ("io:getopts()", "[{binary,false},{encoding,unicode}]", ""),
            ("io:setopts([{encoding, unicode}, binary])", "ok", ""),
            ("io:setopts([{echo, false}])", "{error,enotsup}", ""),
            ("element(1, element(2, catch io:format(\"~p\", [])))", "badarg", ""),
            ("element(1, element(2, catch io:put_chars([no_text])))", "badarg", ""),
            // Of another process there, which has the same group leader.
            ("{P, M} = spawn_monitor(fun() -> io:format(\"child~n\") end), receive {'DOWN', M, _, _, R} -> R end", "normal", "child\n"),
            ("length(lists:map(fun(X) -> io:format(\"~b \", [X]) end, lists:seq(1, 10)))", "10", "1 2 3 4 5 6 7 8 9 10 "),
            ("rpc:call(node(), io, format, [\"rpc~n\"])", "ok", "rpc\n"),
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
