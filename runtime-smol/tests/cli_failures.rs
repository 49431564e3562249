//! What `netkernel call`, `netkernel send` and others say when they cannot do what they are told, and for how long they try.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "this is test code")]

#[path = "../../tests/tests/support/mod.rs"]
mod support;

mod running;

use std::net::TcpListener;
use std::process::{Child, Output, Stdio};

use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::{Function, Node, Outcome};
use netkernel_tests::script::{Directory, Script};
use running::{command, text};
use serde_json::{Value, json};
use support::{COOKIE, Epmd, visible};

const B: &str = "b@127.0.0.1";

fn start(epmd_port: u16, cookie: &str, arguments: &[&str]) -> Child {
    let mut command = command(arguments[0], epmd_port);
    command.args(&arguments[1..]).args(["--cookie", cookie]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn run(epmd_port: u16, arguments: &[&str]) -> Output {
    start(epmd_port, COOKIE, arguments).wait_with_output().unwrap()
}

/// The exit code, and standard error without the warning of the cookie. Nothing was printed.
#[track_caller]
fn told(output: &Output) -> (i32, String) {
    let errors = text(&output.stderr);
    let errors: Vec<_> = errors.lines().filter(|line| !line.contains("warning: ")).collect();
    assert_eq!(text(&output.stdout), "");
    (output.status.code().unwrap(), errors.join("\n"))
}

fn object(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Calls of functions and servers, and messages.
const COMMANDS: [&[&str]; 3] = [
    &["call", B, "calc", "none"],
    &["call", B, "--server", "shop", "x"],
    &["send", B, "shop", "x"],
];

#[test]
fn the_limit_is_over_the_whole_command() {
    // They take connections, and say nothing: a host, and an EPMD.
    let [host, mute] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let epmd = Epmd::start();
    epmd.pretend("b", host.local_addr().unwrap().port());
    for port in [mute.local_addr().unwrap().port(), epmd.port] {
        for command in COMMANDS {
            let limited = [command, &["--timeout", "0.25"]].concat();
            let why = "no link within 0.25 s";
            let (code, errors) = told(&run(port, &limited));
            assert_eq!((code, errors), (3, format!("not connected to 'b@127.0.0.1': {why}")));
            let (code, errors) = told(&run(port, &[&limited[..], &["--json"]].concat()));
            let told_so = json!({"event": "connect", "node": B, "result": false, "step": "timeout", "reason": why});
            assert_eq!((code, object(&errors)), (3, told_so));
        }
    }
}

#[test]
fn a_node_that_does_not_answer_is_waited_for_as_long_as_is_said() {
    let epmd = Directory::start();
    let listener = epmd.listen(B);
    let late = "'b@127.0.0.1' does not answer: whether the message has arrived is not known";
    let mut waiting = Vec::new();
    let exit = "{timeout,{gen_server,call,[{shop,'b@127.0.0.1'},x,20000]}}";
    for (command, text, told_so) in [
        (
            COMMANDS[0],
            "** exception error: {erpc,timeout}".to_owned(),
            json!({"event": "call", "node": B, "function": "calc:none/0", "class": "error",
                "exception": "{error,{erpc,timeout}}", "reason": {"$tuple": ["erpc", "timeout"]}}),
        ),
        (
            COMMANDS[1],
            format!("** exception exit: {exit}"),
            json!({"event": "call", "node": B, "server": "shop", "class": "exit", "exception": format!("{{exit,{exit}}}"),
                "reason": {"$tuple": ["timeout", {"$tuple": ["gen_server", "call",
                    [{"$tuple": ["shop", B]}, "x", 20000]]}]}}),
        ),
        (
            COMMANDS[2],
            late.to_owned(),
            json!({"event": "send", "node": B, "to": "shop", "result": "timeout"}),
        ),
    ] {
        for is_json in [false, true] {
            let more = if is_json { &["--json"][..] } else { &[] };
            let arguments = [command, &["--timeout", "20"], more].concat();
            let child = start(epmd.port(), "secret", &arguments);
            let mut peer = Script::accept(&listener, B);
            peer.admit();
            let expected = if is_json { Ok(told_so.clone()) } else { Err(text.clone()) };
            waiting.push((child, peer, expected));
        }
    }
    for (child, _peer, expected) in waiting {
        let (code, errors) = told(&child.wait_with_output().unwrap());
        assert_eq!(code, 5, "{errors}");
        match expected {
            Ok(told_so) => assert_eq!(object(&errors), told_so),
            Err(text) => assert_eq!(errors, text),
        }
    }
}

#[test]
fn who_calls_what_is_not_there_is_given_a_hint() {
    let epmd = Epmd::start();
    let node = Node::new(epmd.config()).unwrap();
    node.start(visible(B)).unwrap();
    let serve = |name: &str, handler: fn(Vec<Term>) -> Outcome| {
        let [module, function] = ["calc", name].map(|name| Atom::new(name).unwrap());
        assert!(node.serve_rpc(Function { module, function, arity: 1 }, handler));
    };
    // Another function that is not there is nothing that was called here.
    serve("calls", |_| Outcome::Error {
        reason: "undef".parse().unwrap(),
        stack: "[{other,f,[1],[]}]".parse().unwrap(),
    });
    let list = "; ARGS is a list of the arguments, so that a list as the only one has two pairs of brackets";
    for (call, exception, hint) in [
        (&["calc", "nope"][..], "{calc,nope,[],[]}", Some("calc:nope/0".to_owned())),
        (&["calc", "calls", "[1,2]"], "{calc,calls,[1,2],[]}", Some(format!("calc:calls/2{list}"))),
        (&["calc", "calls", "[1]"], "{other,f,[1],[]}", None),
        (
            &["String", "upcase", "[<<\"a\">>]"],
            "{'String',upcase,[<<\"a\">>],[]}",
            Some(format!("'String':upcase/1; Elixir's String is Elixir.String{list}")),
        ),
        (
            &["Elixir.String", "upcase", "[a]"],
            "{'Elixir.String',upcase,[a],[]}",
            Some(format!("'Elixir.String':upcase/1{list}")),
        ),
    ] {
        let exception = format!("** exception error: {{exception,undef,[{exception}]}}");
        let hint = hint.map(|hint| format!("there is no {hint}"));
        let line = hint.as_ref().map_or_else(String::new, |hint| format!("netkernel: {hint}\n"));
        let arguments = [&["call", B], call].concat();
        assert_eq!(told(&run(epmd.port, &arguments)), (8, format!("{line}{exception}")));
        let (code, errors) = told(&run(epmd.port, &[&arguments[..], &["--json"]].concat()));
        assert_eq!((code, &object(&errors)["hint"]), (8, &hint.into()));
    }
}

#[test]
fn what_cannot_be_read_is_told_with_the_usage_of_its_command_or_as_an_object() {
    for (arguments, told_so, usage) in [
        (
            &["call", B, "m", "f", "[1"][..],
            "ARGS: at byte 2: not a whole term\n  [1\n    ^",
            "call [OPTIONS] NODE MODULE",
        ),
        (
            &["call", B, "m", "f", "1"],
            "ARGS: a list is wanted, such as [1,a], and not 1",
            "call [OPTIONS] NODE MODULE",
        ),
        (
            &["send", B, "shop", "X"],
            "TERM: at byte 0: not a term\n  X\n  ^",
            "send [OPTIONS] <NODE> <NAME> <TERM>",
        ),
        (
            &["send", B, "shop"],
            "the following required arguments were not provided:\n  <TERM>",
            "send --cookie <C> <NODE> <NAME> <TERM>",
        ),
        (
            &["call", B, "m", "f", "--timeout", "soon"],
            "invalid value 'soon' for '--timeout <S>': seconds or infinity is wanted",
            "",
        ),
        (
            &["call", "b", "m", "f"],
            "invalid value 'b' for '<NODE>': a node name has the form name@host",
            "",
        ),
        (
            &["node", "a@h", "--listen-min", "5", "--listen-max", "4"],
            "--listen-max is less than --listen-min",
            "node [OPTIONS] [NAME] [-- <ERL FLAGS>...]",
        ),
    ] {
        let (code, errors) = told(&run(1, arguments));
        assert_eq!(code, 2, "{errors}");
        assert!(errors.starts_with(&format!("error: {told_so}\n")), "{errors}");
        assert!(
            usage.is_empty() || errors.contains(&format!("\nUsage: netkernel {usage}")),
            "{errors}"
        );
        let (code, errors) = told(&run(1, &[arguments, &["--json"]].concat()));
        let object = object(&errors);
        let text = object["text"].as_str().unwrap();
        assert_eq!((code, &object["event"]), (2, &"error".into()));
        assert!(text.starts_with(told_so), "{text}");
    }
    // What fails before anything is asked.
    let arguments = ["call", B, "m", "f", "--cookie-file", "/nonexistent"];
    let no_cookie = |more: &[&str]| {
        let output = command(arguments[0], 1).args(&arguments[1..]).args(more).output().unwrap();
        told(&output)
    };
    let (code, errors) = no_cookie(&[]);
    let why = errors.strip_prefix("netkernel: ").unwrap();
    assert!(code == 1 && why.starts_with("cookie file /nonexistent: "), "{errors}");
    let (code, errors) = no_cookie(&["--json"]);
    assert_eq!((code, object(&errors)), (1, json!({"event": "error", "text": why})));
}
