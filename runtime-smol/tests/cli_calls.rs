//! Calls of Erlang's functions by the `netkernel` command: in their own form, and those that are commands.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "this is test code")]

#[path = "../../tests/tests/support/mod.rs"]
mod support;

mod running;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{self, Output, Stdio};

use netkernel_smol::core::net_kernel::NodeDownReason;
use running::{Running, command, text};
use serde_json::{Value, json};
use support::*;

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

/// A directory with a host file, or without one; removed at the end.
struct Hosts(PathBuf);

impl Hosts {
    fn new(name: &str, file: Option<&str>) -> Self {
        let path = std::env::temp_dir().join(format!("netkernel-{name}-{}", process::id()));
        fs::create_dir(&path).unwrap();
        if let Some(file) = file {
            fs::write(path.join(".hosts.erlang"), file).unwrap();
        }
        Self(path)
    }

    /// Runs the command in the directory, which is also home.
    fn run(&self, args: &str, epmd_port: u16) -> Output {
        let mut command = command(args, epmd_port);
        command.current_dir(&self.0).env("HOME", &self.0).env_remove("ROOTDIR");
        command.stdin(Stdio::null()).output().unwrap()
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn expect(output: &Output, code: i32, out: &str) {
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(code), out.into()),
        "{output:?}"
    );
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn flags_of_erl_make_a_node_that_ends_with_its_program() {
    let epmd = Epmd::start();
    let (b, b_box) = epmd.node(B);
    let flags = format!("-name {A} -setcookie {COOKIE} -start_epmd false -kernel net_ticktime 20");
    let mut a = Running::start(&format!("node --connect {B} -- {flags}"), epmd.port);
    expect_up(&b_box, A);
    let mut told = |call: &str, answer: &str| {
        a.say(call);
        let mut line = a.line();
        while line != answer {
            assert!(!line.is_empty(), "it has ended: {:?}", a.end());
            line = a.line();
        }
    };
    told("net_kernel:get_net_ticktime().", "20");
    told("net_kernel:stop().", "{error,not_allowed}");
    b.ping(&name(A), GIVE_UP).unwrap();
    a.say("stop");
    assert_eq!(a.end().0, Some(0));
    expect_down(&b_box, A, NodeDownReason::ConnectionClosed);
    for wrong in ["node -- -setcookie C", "node a@h --hidden -- -setcookie C", "node"] {
        let output = command(wrong, epmd.port).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn hosts_are_those_of_the_file() {
    let hosts = Hosts::new("hosts", Some("'127.0.0.1'.\nlocalhost.\n{1,2}.\n"));
    expect(&hosts.run("hosts", 1), 0, "['127.0.0.1',localhost,{1,2}]\n");
    let told = json!({"event": "hosts", "hosts": ["127.0.0.1", "localhost", "{1,2}"]});
    assert_eq!(object(&hosts.run("hosts --json", 1)), told);

    let bad = Hosts::new("bad-hosts", Some("a.\nb c.\n"));
    let output = bad.run("hosts", 1);
    let out = text(&output.stdout);
    assert!(output.status.code() == Some(1) && out.starts_with("{error,{2,erl_parse,"), "{out}");

    let none = Hosts::new("no-hosts", None);
    expect(&none.run("hosts", 1), 1, "{error,enoent}\n");
    assert_eq!(object(&none.run("hosts --json", 1)), json!({"event": "hosts", "error": "enoent"}));
    let world = format!("world --cookie {COOKIE}");
    expect(&none.run(&world, 1), 1, "** exception exit: {error,enoent}\n");
    let told = json!({"event": "world", "exception": "{exit,{error,enoent}}"});
    assert_eq!(object(&none.run(&format!("{world} --json"), 1)), told);
}

#[test]
fn the_world_is_who_answers() {
    let epmd = Epmd::start();
    let (_b, _b_box) = epmd.node(B);
    // Whoever connects to it is cut off.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    epmd.pretend("c", gone);
    let hosts = Hosts::new("world", Some("'127.0.0.1'.\n"));
    let run = |flags: &str| hosts.run(&format!("world --cookie {COOKIE}{flags}"), epmd.port);
    expect(&run(""), 0, "['b@127.0.0.1']\n");
    let verbose = run(" --verbose");
    let out = text(&verbose.stdout);
    let mut lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.pop(), Some("['b@127.0.0.1']"));
    lines.sort_unstable();
    assert_eq!(lines, ["Pinging 'b@127.0.0.1' -> pong", "Pinging 'c@127.0.0.1' -> pang"]);
    let json = text(&run(" --verbose --json").stdout);
    let told: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(told.contains(&json!({"event": "ping", "node": B, "result": "pong"})), "{json}");
    assert_eq!(told.last(), Some(&json!({"event": "world", "nodes": [B]})));

    // Where no host has a dot, the names are short.
    let epmd = Epmd::start();
    let (_short, _short_box) = epmd.node("b@localhost");
    let hosts = Hosts::new("short-world", Some("localhost.\n"));
    let output = hosts.run(&format!("world --cookie {COOKIE}"), epmd.port);
    expect(&output, 0, "[b@localhost]\n");
}

#[test]
fn calls_are_answered_as_erlang_prints_them() {
    let epmd = Epmd::start();
    let (_b, _b_box) = epmd.node(B);
    let mut a = Running::start(&format!("node {A} --cookie {COOKIE}"), epmd.port);
    let _ = (a.line(), a.line());
    a.say(&format!("net_kernel:connect_node('{B}')."));
    assert!(a.line().starts_with("{nodeup,'b@127.0.0.1',"));
    assert_eq!(a.line(), "true");
    for (call, answer) in [
        ("node().", "'a@127.0.0.1'"),
        ("nodes()", "['b@127.0.0.1']"),
        ("nodes(hidden).", "[]"),
        ("nodes(visible, #{connection_id => true}).", "[{'b@127.0.0.1',#{connection_id => 1}}]"),
        ("net_kernel:set_net_ticktime(60).", "unchanged"),
        ("net_kernel:set_net_ticktime(20, 0).", "change_initiated"),
        ("net_kernel:get_net_ticktime().", "20"),
        ("nodes(all).", "** exception error: badarg"),
        ("net_kernel:set_net_ticktime(0).", "** exception error: function_clause"),
        ("net_adm:frobnicate().", "** exception error: undef"),
        ("lists:reverse([]).", "** exception error: undef"),
        ("net_adm:ping(1).", "** exception error: function_clause"),
        ("net_adm:ping('b@127.0.0.1').", "pong"),
        ("net_adm:ping(nobody).", "pang"),
        ("net_adm:names([x]).", "** exception error: function_clause"),
        ("net_adm:names(5).", "** exception error: function_clause"),
        ("net_adm:world_list(a).", "** exception error: function_clause"),
        ("net_adm:world_list(['127.0.0.1'], silent).", "['b@127.0.0.1','a@127.0.0.1']"),
        ("net_adm:dns_hostname(5).", "{error,5}"),
        ("nodes(X).", "error: at byte 6: not a term"),
    ] {
        a.say(call);
        assert_eq!(a.line(), answer, "{call}");
    }
    a.say("net_adm:world_list(['127.0.0.1'], verbose).");
    let mut pings = [a.line(), a.line()];
    pings.sort_unstable();
    assert_eq!(pings, ["Pinging 'a@127.0.0.1' -> pong", "Pinging 'b@127.0.0.1' -> pong"]);
    assert_eq!(a.line(), "['b@127.0.0.1','a@127.0.0.1']");
    a.say("net_adm:names('127.0.0.1').");
    let names = a.line();
    assert!(names.starts_with("{ok,[{\"b\",") && names.contains("},{\"a\","), "{names}");
}

#[test]
fn a_node_stops_starts_and_subscribes_by_calls() {
    let epmd = Epmd::start();
    let (b, _b_box) = epmd.node(B);
    let mut a = Running::start(&format!("node {A} --cookie {COOKIE} --json"), epmd.port);
    let _ = (a.object(), a.object());
    a.say("net_kernel:monitor_nodes(true).");
    let told = json!({"event": "call", "function": "net_kernel:monitor_nodes/1", "result": "ok"});
    assert_eq!(a.object(), told);
    a.say("monitor off");
    assert_eq!(a.object()["event"], "monitor");
    a.say("net_kernel:stop().");
    assert_eq!(a.object()["result"], "ok", "no subscription is left to tell of it");
    a.say("nodes(all).");
    assert_eq!(a.object()["exception"], "{error,badarg}");
    a.say("net_kernel:start('c@127.0.0.1', #{}).");
    assert_eq!(a.object()["result"], "{ok,'c@127.0.0.1'}");
    b.ping(&name("c@127.0.0.1"), GIVE_UP).unwrap();
}

#[test]
fn a_call_that_waits_delays_only_what_waits_for_the_same() {
    let epmd = Epmd::start();
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    epmd.pretend("c", silent.local_addr().unwrap().port());
    let mut a = Running::start(&format!("node {A} --cookie {COOKIE} --json"), epmd.port);
    let _ = (a.object(), a.object());
    a.say("net_adm:world_list(['127.0.0.1']).\nnet_kernel:connect_node('c@127.0.0.1').");
    a.say("node().\nnet_adm:ping('a@127.0.0.1').");
    let mut answers = [a.object(), a.object()].map(|object| object["result"].to_string());
    answers.sort_unstable();
    assert_eq!(answers, ["\"'a@127.0.0.1'\"", "\"pong\""]);
}
