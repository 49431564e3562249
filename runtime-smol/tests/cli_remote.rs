//! `netkernel call` and `netkernel send`: what they print, and their exit codes; and the same in the console of `netkernel node`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "this is test code")]

#[path = "../../tests/tests/support/mod.rs"]
mod support;

mod running;

use core::sync::atomic::{AtomicBool, Ordering};
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::term::{Atom, Limits, Term};
use netkernel_blocking::{
    CallReaction, Client, Function, GenServer, Item, Mailbox, Node, NodeKinds, Outcome,
};
use running::{Running, command, text};
use serde_json::{Value, json};
use support::{COOKIE, Epmd, GIVE_UP, visible};

const B: &str = "b@127.0.0.1";

/// The command with arguments that have blanks.
fn start(epmd: &Epmd, arguments: &[&str]) -> Child {
    let mut command = command(arguments[0], epmd.port);
    command.args(&arguments[1..]).args(["--cookie", COOKIE]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn run(epmd: &Epmd, arguments: &[&str]) -> Output {
    start(epmd, arguments).wait_with_output().unwrap()
}

/// The exit code, and what was printed: to standard error without the warning of the cookie.
fn told(output: &Output) -> (i32, String, String) {
    let errors = text(&output.stderr);
    let errors: Vec<_> = errors.lines().filter(|line| !line.contains("warning: ")).collect();
    (output.status.code().unwrap(), text(&output.stdout), errors.join("\n"))
}

#[track_caller]
fn expect(epmd: &Epmd, arguments: &[&str], code: i32, out: &str, errors: &str) {
    let expected = (code, out.to_owned(), errors.to_owned());
    assert_eq!(told(&run(epmd, arguments)), expected, "{arguments:?}");
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

/// A node with functions of the module `calc`, and a server that is called `shop`.
fn served(epmd: &Epmd, called: &str) -> Node {
    let node = Node::new(epmd.config()).unwrap();
    node.start(visible(called)).unwrap();
    let serve = |function: &str, arity, handler: fn(Vec<Term>) -> Outcome| {
        let function = Atom::new(function).unwrap();
        let function = Function { module: Atom::new("calc").unwrap(), function, arity };
        assert!(node.serve_rpc(function, handler));
    };
    serve("id", 1, |mut it| Outcome::Return(it.remove(0)));
    serve("none", 0, |_| Outcome::Return(term("none")));
    serve("throw", 1, |mut it| Outcome::Throw(it.remove(0)));
    serve("exit", 1, |mut it| Outcome::Exit(it.remove(0)));
    serve("error", 1, |mut it| Outcome::Error {
        reason: it.remove(0),
        stack: term("[{m,f,1,[]}]"),
    });
    serve("sleep", 0, |_| {
        loop {
            thread::park();
        }
    });
    node.start_server(Some(&Atom::new("shop").unwrap()), Shop).unwrap();
    node
}

struct Shop;

impl GenServer for Shop {
    fn handle_call(&mut self, _: &Mailbox, request: Term, _: Client) -> CallReaction {
        match request.to_string().as_str() {
            "silence" => CallReaction::NoReply,
            "stop" => CallReaction::Stop { reason: term("{bad,1}"), reply: None },
            _ => CallReaction::Reply(Term::tuple([term("sold"), request])),
        }
    }
}

#[test]
fn functions_are_called_and_each_outcome_has_its_exit_code() {
    let epmd = Epmd::start();
    let _b = served(&epmd, B);
    let id = "[[1,\"a\",<<255>>,{x,#{k => 1.0}},18446744073709551616]]";
    expect(
        &epmd,
        &["call", B, "calc", "id", id],
        0,
        "[1,\"a\",<<\"\u{FF}\">>,{x,#{k => 1.0}},18446744073709551616]\n",
        "",
    );
    for (call, code, out, errors) in [
        (&["calc", "none"][..], 0, "none\n", ""),
        (&["calc:none"], 0, "none\n", ""),
        (&["calc:id", "['it is']"], 0, "'it is'\n", ""),
        (&["calc:id([a])."], 0, "[a]\n", ""),
        (&["calc", "id", "[x]", "--timeout", "60"], 0, "x\n", ""),
        (&["calc", "throw", "[ball]"], 7, "", "** exception throw: ball"),
        (&["calc", "error", "[bad]"], 8, "", "** exception error: {exception,bad,[{m,f,1,[]}]}"),
        (&["calc", "exit", "[bye]"], 9, "", "** exception exit: {exception,bye}"),
        (&["--server", "shop", "{apple,2}"], 0, "{sold,{apple,2}}\n", ""),
        (&["--server", "shop", "-1"], 0, "{sold,-1}\n", ""),
        (
            &["--server", "nobody", "1"],
            10,
            "",
            "** exception exit: {noproc,{gen_server,call,[{nobody,'b@127.0.0.1'},1]}}",
        ),
        (
            &["--server", "shop", "stop"],
            9,
            "",
            "** exception exit: {{bad,1},{gen_server,call,[{shop,'b@127.0.0.1'},stop]}}",
        ),
    ] {
        expect(&epmd, &[&["call", B], call].concat(), code, out, errors);
    }
}

#[test]
fn a_node_that_cannot_be_reached_is_told_as_by_ping() {
    let epmd = Epmd::start();
    let _b = served(&epmd, B);
    for command in [&["call", "c@127.0.0.1", "m", "f"][..], &["send", "c@127.0.0.1", "n", "t"]] {
        let (code, out, errors) = told(&run(&epmd, command));
        assert_eq!((code, out.as_str()), (3, ""));
        assert!(errors.starts_with("not connected to 'c@127.0.0.1': "), "{errors}");
        let output = run(&epmd, &[command, &["--json"]].concat());
        let (_, _, errors) = told(&output);
        let object: Value = serde_json::from_str(&errors).unwrap();
        assert_eq!((&object["event"], &object["step"]), (&"connect".into(), &"epmd".into()));
    }
    let wrong = ["call", B, "calc", "none", "--cookie-file", "/nonexistent"];
    let output = command("call", epmd.port).args(&wrong[1..]).output().unwrap();
    assert_eq!(told(&output).0, 1, "no cookie");
}

#[test]
fn errors_of_usage_point_at_the_place() {
    let epmd = Epmd::start();
    for (arguments, told_so) in [
        (&["call", B, "m", "f", "[1,X]"][..], "ARGS: at byte 3: not a term\n  [1,X]\n     ^"),
        (&["call", B, "m", "f", "{1}"], "ARGS: a list is wanted"),
        (&["call", B, "m", "f", "[fun() -> ok end]"], "ARGS: at byte 4: not a term"),
        (&["call", B, "m:f(a,,b)"], "CALL: at byte 6: not a term\n  m:f(a,,b)\n        ^"),
        (&["call", B, "m"], "MODULE FUNCTION or MODULE:FUNCTION is wanted"),
        (&["call", B, "--server", "s", "a", "b"], "one REQUEST is wanted"),
        (&["call", B, "--server", "s", "{"], "REQUEST: at byte 1: "),
        (&["send", B, "shop", "{a,receive}"], "TERM: at byte 3: a reserved word"),
        (&["send", B, "<0.1.0>", "a"], "NAME: at byte 0: a term whose text does not say"),
        (&["send", B, "<'c@127.0.0.1'.1.0>", "a"], "is not of 'b@127.0.0.1'"),
    ] {
        let (code, out, errors) = told(&run(&epmd, arguments));
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(errors.contains(told_so), "{arguments:?}: {errors}");
    }
}

/// Says that it was asked, and does not answer.
struct Silent(Sender<()>);

impl GenServer for Silent {
    fn handle_call(&mut self, _: &Mailbox, _: Term, _: Client) -> CallReaction {
        self.0.send(()).unwrap();
        CallReaction::NoReply
    }
}

#[test]
fn the_end_of_the_link_during_a_call_is_noconnection() {
    let epmd = Epmd::start();
    let node = served(&epmd, B);
    let (asked, questions) = channel();
    let silent = Atom::new("silent").unwrap();
    node.start_server(Some(&silent), Silent(asked.clone())).unwrap();
    let function = Function { module: Atom::new("calc").unwrap(), function: silent, arity: 0 };
    node.serve_rpc(function, move |_| {
        asked.send(()).unwrap();
        loop {
            thread::park();
        }
    });
    for (call, told_so) in [
        (&["calc", "silent"][..], "{error,{erpc,noconnection}}"),
        (
            &["--server", "silent", "x", "--timeout", "infinity"],
            "{exit,{{nodedown,'b@127.0.0.1'},{gen_server,call,[{silent,'b@127.0.0.1'},x,infinity]}}}",
        ),
    ] {
        let child = start(&epmd, &[&["call", B], call, &["--json"]].concat());
        questions.recv_timeout(GIVE_UP).unwrap();
        for caller in node.nodes(NodeKinds::CONNECTED) {
            node.disconnect_node(&caller.node).unwrap();
        }
        let (code, out, errors) = told(&child.wait_with_output().unwrap());
        let object: Value = serde_json::from_str(&errors).unwrap();
        assert_eq!((code, out.as_str()), (4, ""), "{errors}");
        assert_eq!(object["exception"], told_so);
    }
}

#[test]
fn results_and_exceptions_are_objects_with_json() {
    let epmd = Epmd::start();
    let _b = served(&epmd, B);
    let output = run(&epmd, &["call", B, "calc", "id", "[{ok,[1,<<\"a\">>]}]", "--json"]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let value = json!({"$tuple": ["ok", [1, "a"]]});
    let told_so = json!({"event": "call", "node": B, "function": "calc:id/1", "result": "{ok,[1,<<\"a\">>]}",
        "value": value});
    assert_eq!(object, told_so);
    let (_, _, errors) = told(&run(&epmd, &["call", B, "calc", "throw", "[{a}]", "--json"]));
    let object: Value = serde_json::from_str(&errors).unwrap();
    let told_so = json!({"event": "call", "node": B, "function": "calc:throw/1", "class": "throw",
        "exception": "{throw,{a}}", "reason": {"$tuple": ["a"]}});
    assert_eq!(object, told_so);
    let output = run(&epmd, &["call", B, "--server", "shop", "1", "--json"]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&object["server"], &object["result"]), (&"shop".into(), &"{sold,1}".into()));
}

#[test]
fn messages_have_arrived_when_the_command_ends() {
    let epmd = Epmd::start();
    let (_b, inbox) = epmd.node(B);
    inbox.register(Atom::new("inbox").unwrap()).unwrap();
    let next = || loop {
        match inbox.try_recv() {
            Some(Item::Message(message)) => {
                return Term::decode(&message, &Limits::default()).unwrap().to_string();
            }
            Some(_) => {}
            None => panic!("it has not arrived"),
        }
    };
    let known = "ok: 'b@127.0.0.1' has it; whether inbox reads it cannot be known\n";
    expect(&epmd, &["send", B, "inbox", "{order,[3]}"], 0, known, "");
    assert_eq!(next(), "{order,[3]}");
    let large = format!("<<\"{}\">>", "x".repeat(100_000));
    expect(&epmd, &["send", B, "inbox", &large], 0, known, "");
    assert_eq!(next(), large);
    let pid = inbox.pid().unwrap().to_string();
    expect(&epmd, &["send", B, &pid, "-1"], 0, &known.replace("inbox", &pid), "");
    assert_eq!(next(), "-1");
    let output = run(&epmd, &["send", B, "inbox", "a", "--json"]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object, json!({"event": "send", "node": B, "to": "inbox", "result": "ok"}));

    let lost = "'b@127.0.0.1' has no process nobody: the message is lost";
    expect(&epmd, &["send", B, "nobody", "a"], 10, "", lost);
}

const A: &str = "a@127.0.0.1";

/// A console that is connected to the node.
fn console(epmd: &Epmd, more: &str) -> Running {
    let args = format!("node {A} --cookie {COOKIE} --connect {B}{more}");
    let mut console = Running::start(&args, epmd.port);
    let connected = |line: &str| line.starts_with("connected to ") || line.contains("\"connect\"");
    while !connected(&console.line()) {}
    console
}

#[track_caller]
fn answers(console: &mut Running, line: &str, answers: &[&str]) {
    console.say(line);
    for answer in answers {
        assert_eq!(console.line(), *answer, "{line}");
    }
}

#[test]
fn the_console_calls_and_sends_in_words_and_in_erlangs_form() {
    let epmd = Epmd::start();
    let node = served(&epmd, B);
    let inbox = node.mailbox();
    inbox.register(Atom::new("inbox").unwrap()).unwrap();
    let next = || match inbox.recv_timeout(GIVE_UP) {
        Some(Item::Message(message)) => Term::decode(&message, &Limits::default()).unwrap(),
        other => panic!("{other:?}"),
    };
    let mut a = console(&epmd, "");
    for (line, answer) in [
        ("call b@127.0.0.1 calc id [{1, 2}]", "{1,2}"),
        ("call b@127.0.0.1 calc:id([a]).", "[a]"),
        ("call b@127.0.0.1 calc none", "none"),
        ("erpc:call('b@127.0.0.1', calc, throw, [ball]).", "** exception throw: ball"),
        ("rpc:call('b@127.0.0.1', calc, throw, [ball]).", "ball"),
        ("rpc:call('b@127.0.0.1', calc, exit, [x]).", "{badrpc,{'EXIT',x}}"),
        ("erpc:call('b@127.0.0.1', calc, sleep, [], 20).", "** exception error: {erpc,timeout}"),
        ("rpc:cast('b@127.0.0.1', calc, none, []).", "true"),
        ("call shop@b@127.0.0.1 {apple, 2}", "{sold,{apple,2}}"),
        ("gen_server:call({shop,'b@127.0.0.1'}, apple, infinity).", "{sold,apple}"),
        (
            "gen_server:call({nobody,'b@127.0.0.1'}, x).",
            "** exception exit: {noproc,{gen_server,call,[{nobody,'b@127.0.0.1'},x]}}",
        ),
        ("erpc:call(b, m, f, []).", "error: erpc:call/4: bad argument"),
        ("send shop", "error: a receiver and a term are wanted"),
    ] {
        answers(&mut a, line, &[answer]);
    }
    let place = ["error: ARGS: at byte 4: not a term", "  [1, X]", "      ^"];
    answers(&mut a, "call b@127.0.0.1 calc id [1, X]", &place);
    for (line, answer, message) in [
        ("send inbox@b@127.0.0.1 {hello, \"you\"}", "ok", "{hello,\"you\"}"),
        ("{inbox,'b@127.0.0.1'} ! \"!\".", "\"!\"", "\"!\""),
        ("cast inbox@b@127.0.0.1 go", "ok", "{'$gen_cast',go}"),
        ("gen_server:cast({inbox,'b@127.0.0.1'}, go).", "ok", "{'$gen_cast',go}"),
    ] {
        answers(&mut a, line, &[answer]);
        assert_eq!(next(), term(message), "{line}");
    }
    // A pid is read as it is printed, ours and another node's.
    let pid = inbox.pid().unwrap();
    answers(&mut a, &format!("send {pid} {{by, pid}}"), &["ok"]);
    assert_eq!(next(), term("{by,pid}"));
    a.say("self().");
    let own = a.line();
    answers(&mut a, &format!("{own} ! me."), &["message: me", "me"]);
    answers(&mut a, "receive", &["me"]);
    answers(&mut a, &format!("send inbox@b@127.0.0.1 {own}"), &["ok"]);
    let Term::Pid(console) = next() else { panic!("a pid") };
    inbox.send(&console, support::term(b"by pid")).unwrap();
    assert_eq!(a.line(), "message: <<\"by pid\">>");
    answers(&mut a, "flush().", &["Shell got <<\"by pid\">>", "ok"]);

    // An exit signal is a message, unless it kills.
    inbox.exit(&console, &term("away")).unwrap();
    assert_eq!(a.line(), format!("message: {{'EXIT',{pid},away}}"));
    inbox.exit(&console, &term("kill")).unwrap();
    assert_eq!([a.line(), a.line()], ["this process has ended: killed", "stopped"]);
    assert_eq!(a.line(), "", "nothing more");
    assert_eq!(a.end().0, Some(1));
}

#[test]
fn who_sends_without_end_does_not_hold_the_console() {
    let epmd = Epmd::start();
    let node = served(&epmd, B);
    let mut a = console(&epmd, "");
    let (inbox, is_over) = (node.mailbox(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let (name, node) = (Atom::new("netkernel").unwrap(), support::name(A));
            while !is_over.load(Ordering::Relaxed) {
                let _ = inbox.send_to_name(&name, &node, support::term(&[b'x'; 1000]));
            }
        });
        let until = |a: &mut Running, wanted: &str| {
            let begin = Instant::now();
            while a.line() != wanted {
                if begin.elapsed() > GIVE_UP {
                    is_over.store(true, Ordering::Relaxed);
                    panic!("no {wanted}");
                }
            }
        };
        let message = format!("message: <<\"{}\">>", "x".repeat(1000));
        until(&mut a, &message);
        for (line, answer) in
            [("nodes", "['b@127.0.0.1']"), ("call b@127.0.0.1 calc id [done]", "done")]
        {
            a.say(line);
            until(&mut a, answer);
        }
        a.signal("-INT");
        until(&mut a, "stopped");
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(a.end().0, Some(0));
}

#[test]
fn what_is_said_behind_a_call_is_sent_behind_it() {
    let epmd = Epmd::start();
    let node = served(&epmd, B);
    let inbox = node.mailbox();
    inbox.register(Atom::new("inbox").unwrap()).unwrap();
    let mut a = console(&epmd, "");
    // Another node is asked for the incarnation of the pid: there is none.
    a.say("gen_server:call({inbox,'b@127.0.0.1'}, {from, <'c@127.0.0.1'.1.0>}, infinity).\nsend inbox@b@127.0.0.1 behind");
    // The call waits.
    let mut said = a.line();
    while said.starts_with("diagnostic: ") {
        said = a.line();
    }
    assert_eq!(said, "ok");
    let next = || loop {
        match inbox.recv_timeout(GIVE_UP) {
            Some(Item::Message(message)) => {
                return Term::decode(&message, &Limits::default()).unwrap().to_string();
            }
            Some(_) => {}
            None => panic!("nothing comes"),
        }
    };
    let (call, message) = (next(), next());
    assert!(call.starts_with("{'$gen_call',") && call.contains("{from,"), "{call}");
    assert_eq!(message, "behind");
}

#[test]
fn what_waits_in_the_console_holds_nothing_up() {
    let epmd = Epmd::start();
    let node = served(&epmd, B);
    let inbox = node.mailbox();
    inbox.register(Atom::new("inbox").unwrap()).unwrap();
    let mut a = console(&epmd, " --json");
    a.say("receive\nflush");
    assert_eq!(a.object(), json!({"event": "flush", "result": "ok"}));
    a.say("call b@127.0.0.1 calc sleep\ngen_server:call({shop,'b@127.0.0.1'}, silence, infinity).\nping b@127.0.0.1");
    assert_eq!(a.object()["event"], "ping");
    a.say("call b@127.0.0.1 calc id [{a}]");
    let told_so = json!({"event": "call", "node": B, "function": "calc:id/1", "result": "{a}",
        "value": {"$tuple": ["a"]}});
    assert_eq!(a.object(), told_so);
    a.say("netkernel ! {hi,2}.");
    let message =
        json!({"event": "message", "bytes": 9, "term": "{hi,2}", "value": {"$tuple": ["hi", 2]}});
    assert_eq!(a.object(), message);
    let mut events = [a.object(), a.object()];
    events.sort_by_key(|event| event["event"].to_string());
    assert_eq!(
        events[0],
        json!({"event": "receive", "result": "{hi,2}", "value": {"$tuple": ["hi", 2]}})
    );
    assert_eq!((&events[1]["event"], &events[1]["to"]), (&"send".into(), &"netkernel".into()));
    a.say("receive 0");
    assert_eq!(a.object(), json!({"event": "receive", "timeout": true}));
    // Nobody serves that function: the process ends at once.
    a.say("spawn monitor b@127.0.0.1 calc spawned [1]");
    let mut events = [a.object(), a.object()];
    events.sort_by_key(|event| event["event"].to_string());
    let (down, spawned) = (events[0]["term"].as_str().unwrap(), &events[1]["result"]);
    let (pid, reference) =
        spawned.as_str().unwrap().trim_matches(['{', '}']).split_once(',').unwrap();
    let begin = format!("{{'DOWN',{reference},process,{pid},{{undef,");
    assert!(down.starts_with(&begin), "{down} after {spawned}");
    a.say("stop");
    while a.object()["event"] != "stopped" {}
    assert_eq!(a.end().0, Some(0));
}
