//! The `netkernel` command as a user or a script sees it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "this is test code")]

#[path = "../../tests/tests/support/mod.rs"]
mod support;

mod running;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use netkernel_smol::core::net_kernel::NodeDownReason;
use netkernel_smol::core::term::{Atom, Limits, Term};
use netkernel_tests::ports::free_port;
use running::{Running, run, text};
use serde_json::Value;
use support::*;

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

#[test]
fn exit_codes_tell_done_failed_and_usage() {
    let epmd = Epmd::start();
    let (_b, _b_box) = epmd.node(B);
    let ping = |node: &str, cookie: &str| {
        let output = run(&format!("ping {node} --cookie {cookie}"), epmd.port);
        (output.status.code(), text(&output.stdout))
    };
    assert_eq!(ping(B, COOKIE), (Some(0), "pong\n".into()));
    let (code, out) = ping(B, "WRONG");
    assert!(code == Some(1) && out.starts_with("pang: ") && out.contains("cookie"), "{out}");
    let (code, out) = ping("c@127.0.0.1", COOKIE);
    assert!(code == Some(1) && out.contains("no node of that name"), "{out}");
    for usage in ["ping", "ping nohost", "frobnicate", "node a@b --tickintensity 2", "ticktime 60"]
    {
        assert_eq!(run(usage, epmd.port).status.code(), Some(2), "{usage}");
    }
    assert_eq!(run("--help", epmd.port).status.code(), Some(0));
}

#[test]
fn names_are_printed_as_epmd_prints_them() {
    let epmd = Epmd::start();
    epmd.pretend("b", 4711);
    let output = run("names", epmd.port);
    let expected =
        format!("epmd: up and running on port {} with data:\nname b at port 4711\n", epmd.port);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), expected));

    let output = run("names", free_port());
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    assert!(text(&output.stderr).contains("connection refused"));
}

#[test]
fn a_node_serves_epmd_where_there_is_none_unless_it_is_told_not_to() {
    for mode in ["", " --epmd auto", " --epmd embedded"] {
        let port = free_port();
        let mut node = Running::start(&format!("node a@127.0.0.1 --cookie C --json{mode}"), port);
        assert_eq!(node.object()["event"], "started", "{mode}");
        let listed = run("names", port);
        assert!(text(&listed.stdout).contains("\nname a at port "), "{mode}: {listed:?}");
        node.say("stop");
        assert_eq!(node.end().0, Some(0));
        assert_eq!(run("names", port).status.code(), Some(1), "{mode}: gone with the node");
    }
    let output = run("node a@127.0.0.1 --cookie C --epmd external", free_port());
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn nodes_at_unix_sockets_are_linked_without_epmd() {
    let folder = std::env::temp_dir().join(format!("netkernel-cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let start = |node: &str, more: &str| {
        let listen = path(&node[..1]);
        let args = format!("node {node} --cookie C --json --epmd external --listen {listen}{more}");
        Running::start(&args, free_port())
    };
    let mut a = start(A, "");
    let started = a.object();
    assert_eq!(started["event"], "started");
    assert!(started["port"].is_null() && started["creation"].is_u64());
    let mut b = start(B, &format!(" --peer {A}={} --connect {A}", path("a")));
    for (node, events) in [(&mut b, 3), (&mut a, 1)] {
        let events: Vec<Value> = (0..events).map(|_| node.object()).collect();
        assert!(events.iter().all(|event| event["event"] != "connect"), "{events:?}");
    }
    assert_eq!(b.object()["result"], true);
    assert_eq!(a.object()["node"], B);
    b.say(&format!("peer {A} epmd"));
    assert_eq!(b.object()["event"], "peer");
    b.say(&format!("disconnect {A}"));
    while b.object()["event"] != "disconnect" {}
    b.say(&format!("connect {A}"));
    assert_eq!(b.object()["result"], false, "nobody knows where that is");
    b.say(&format!("peer {A} {}", path("a")));
    assert_eq!(b.object()["address"], path("a"));
    b.say(&format!("connect {A}"));
    while b.object()["event"] != "connect" {}
    for node in [&mut a, &mut b] {
        node.say("stop");
        assert_eq!(node.end().0, Some(0));
    }
    assert!(!folder.join("a").exists() && !folder.join("b").exists());
    std::fs::remove_dir(&folder).unwrap();
}

#[test]
fn a_node_serves_requests_if_it_is_told_to() {
    let epmd = Epmd::start();
    let (_b, b_box) = epmd.node(B);
    let args = format!("node {A} --cookie {COOKIE} --connect {B} --json --serve-requests");
    let _a = Running::start(&args, epmd.port);
    expect_up(&b_box, A);
    let from = Term::from(b_box.pid().unwrap());
    let caller = Term::tuple([from, "tag".parse().unwrap()]);
    let call = Term::tuple(["'$gen_call'".parse().unwrap(), caller, "nodename".parse().unwrap()]);
    let mut message = Vec::new();
    call.encode(&mut message).unwrap();
    b_box.send_to_name(&Atom::new("net_kernel").unwrap(), &name(A), message).unwrap();
    let told = Term::decode(&next_message(&b_box), &Limits::default()).unwrap();
    assert_eq!(told.to_string(), format!("{{tag,'{A}'}}"));
}

#[test]
fn a_node_tells_what_happens_and_obeys() {
    let epmd = Epmd::start();
    let (b, b_box) = epmd.node(B);
    let mut a =
        Running::start(&format!("node {A} --cookie {COOKIE} --connect {B} --json"), epmd.port);
    let started = a.object();
    assert_eq!((&started["event"], &started["node"]), (&"started".into(), &A.into()));
    assert!(started["port"].is_u64() && started["creation"].is_u64());
    let own = a.object();
    assert_eq!((&own["event"], &own["node"]), (&"nodeup".into(), &A.into()));
    assert!(own["connection_id"].is_null());
    let up = a.object();
    assert_eq!(
        (&up["event"], &up["node"], &up["node_type"]),
        (&"nodeup".into(), &B.into(), &"visible".into())
    );
    assert_eq!(a.object()["result"], true, "the nodeup came first");
    expect_up(&b_box, A);

    a.say("frobnicate");
    assert_eq!(a.object()["event"], "error");
    a.say("nodes");
    assert_eq!(a.object()["nodes"][0]["node"], B);
    a.say(&format!("ping {B}"));
    assert_eq!(a.object()["result"], "pong");
    a.say("connect c@127.0.0.1");
    let failed = a.object();
    assert_eq!((&failed["result"], &failed["step"]), (&false.into(), &"epmd".into()));
    let to = Atom::new("netkernel").unwrap();
    b_box.send_to_name(&to, &name(A), term(b"hello")).unwrap();
    assert_eq!(a.object()["bytes"], term(b"hello").len());
    b.disconnect_node(&name(A)).unwrap();
    let down = a.object();
    assert_eq!(down["nodedown_reason"], "connection_closed");

    a.say(&format!("connect {B}"));
    assert_eq!((&a.object()["event"], &a.object()["event"]), (&"nodeup".into(), &"connect".into()));
    a.say("stop");
    for node in [B, A] {
        let down = a.object();
        assert_eq!(
            (&down["node"], &down["nodedown_reason"]),
            (&node.into(), &"net_kernel_terminated".into())
        );
    }
    assert_eq!(a.object()["event"], "stopped");
    let (code, errors) = a.end();
    assert_eq!(code, Some(0));
    assert!(errors.contains("--cookie"), "others can read the command line: {errors}");
}

#[test]
fn events_have_erlangs_form() {
    let epmd = Epmd::start();
    let (b, _b_box) = epmd.node(B);
    let mut a = Running::start(&format!("node {A} --cookie {COOKIE}"), epmd.port);
    assert!(a.line().starts_with("started 'a@127.0.0.1', creation "));
    assert_eq!(
        a.line(),
        "{nodeup,'a@127.0.0.1',#{connection_id => undefined,node_type => visible}}"
    );
    b.connect_node(name(A)).unwrap();
    assert_eq!(a.line(), "{nodeup,'b@127.0.0.1',#{connection_id => 1,node_type => visible}}");
    assert_eq!(b.stop(), Ok(()));
    assert_eq!(
        a.line(),
        "{nodedown,'b@127.0.0.1',#{connection_id => 1,node_type => visible,nodedown_reason => connection_closed}}"
    );
}

#[test]
fn a_node_changes_its_ticktime() {
    let epmd = Epmd::start();
    let mut a = Running::start(&format!("node {A} --cookie {COOKIE} --ticktime 8"), epmd.port);
    assert!(a.line().starts_with("started "));
    assert!(a.line().starts_with("{nodeup,"));
    for (command, answer) in [
        ("ticktime", "8"),
        ("ticktime 8", "unchanged"),
        ("ticktime 20 0", "change_initiated"),
        ("ticktime", "20"),
        ("ticktime 4", "change_initiated"),
        ("ticktime", "{ongoing_change_to,4}"),
        ("ticktime 9 1", "{ongoing_change_to,4}"),
        ("ticktime 0", "error: net_ticktime must be at least one second"),
    ] {
        a.say(command);
        assert_eq!(a.line(), answer, "{command}");
    }

    let b = format!("node {B} --cookie {COOKIE} --json");
    let mut b = Running::start(&b, epmd.port);
    let _ = (b.object(), b.object());
    b.say("ticktime 4");
    assert_eq!(b.object()["result"], "change_initiated");
    b.say("ticktime");
    let ticktime = b.object();
    assert_eq!(
        (&ticktime["result"], &ticktime["seconds"]),
        (&"ongoing_change_to".into(), &4.into())
    );
}

#[test]
fn a_node_keeps_a_list_and_tells_of_kinds_of_nodes() {
    let epmd = Epmd::start();
    let (_b, _b_box) = epmd.node(B);
    let (c, _c_box) = epmd.node("c@127.0.0.1");
    let a = format!("node {A} --cookie {COOKIE} --allow {B}");
    let mut a = Running::start(&a, epmd.port);
    let _ = (a.line(), a.line());
    assert!(c.connect_node(name(A)).is_err());
    while !a.line().starts_with("diagnostic: ") {}
    a.say(&format!("hconnect {B}"));
    assert_eq!(a.line(), "{nodeup,'b@127.0.0.1',#{connection_id => 1,node_type => hidden}}");
    assert_eq!(a.line(), "connected to 'b@127.0.0.1'");
    for (command, answer) in [
        ("nodes", "['b@127.0.0.1']"),
        ("nodes visible", "[]"),
        ("nodes hidden this", "['b@127.0.0.1','a@127.0.0.1']"),
        ("allow c@", "ok"),
    ] {
        a.say(command);
        assert_eq!(a.line(), answer, "{command}");
    }
    a.say("info c@127.0.0.1");
    assert_eq!(a.line(), "{error,bad_node}");
    a.say(&format!("info {B}"));
    let info = a.line();
    assert!(info.starts_with("{ok,[{state,up},{type,hidden},{in,"), "{info}");
    c.connect_node(name(A)).unwrap();
    assert!(a.line().starts_with("{nodeup,'c@127.0.0.1',"));
    a.say("state");
    let state = a.line();
    let term =
        "#{name => 'a@127.0.0.1',name_domain => longnames,name_type => static,started => dynamic}";
    assert!(state.starts_with("alive as 'a@127.0.0.1', ") && state.ends_with(term), "{state}");
}

#[test]
fn a_call_that_waits_delays_only_calls_for_the_same_node() {
    let epmd = Epmd::start();
    let (_b, _b_box) = epmd.node(B);
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    epmd.pretend("c", silent.local_addr().unwrap().port());
    let mut a = Running::start(&format!("node {A} --cookie {COOKIE} --json"), epmd.port);
    let _ = (a.object(), a.object());
    a.say("connect c@127.0.0.1\nping c@127.0.0.1\ninfo c@127.0.0.1\nnodes");
    assert_eq!(a.object()["event"], "info");
    assert_eq!(a.object()["event"], "nodes");
    a.say(&format!("connect {B}\nping {B}\ndisconnect {B}\nconnect {B}"));
    // On a slow machine the attempt with the silent node may fail meanwhile.
    let next = |a: &mut Running| loop {
        let object = a.object();
        if object["node"] != "c@127.0.0.1" {
            return object;
        }
    };
    for event in ["nodeup", "connect", "ping", "nodedown", "disconnect", "nodeup", "connect"] {
        assert_eq!(next(&mut a)["event"], event);
    }
    a.say("stop");
    assert_eq!((&next(&mut a)["node"], &next(&mut a)["node"]), (&B.into(), &A.into()));
    assert_eq!(a.object()["event"], "stopped");
    assert_eq!(a.end().0, Some(0));
}

#[test]
fn a_node_sets_and_tells_socket_options() {
    let epmd = Epmd::start();
    let (b, _b_box) = epmd.node(B);
    let mut a = Running::start(&format!("node {A} --cookie {COOKIE}"), epmd.port);
    let _ = (a.line(), a.line());
    for (command, answer) in [
        (format!("getopts {B} foo"), "{error,noconnection}"),
        (format!("setopts {B} active=true"), "{error,noconnection}"),
        ("setopts new foo=1".into(), "{error,einval}"),
        ("setopts new keepalive=true linger={true,3}".into(), "ok"),
    ] {
        a.say(&command);
        assert_eq!(a.line(), answer, "{command}");
    }
    b.connect_node(name(A)).unwrap();
    assert!(a.line().starts_with("{nodeup,"));
    for (command, answer) in [
        (
            format!("getopts {B} nodelay linger keepalive"),
            "{ok,[{nodelay,true},{linger,{true,3}},{keepalive,true}]}",
        ),
        (format!("getopts {B}"), "{ok,[]}"),
        (format!("getopts {B} foo"), "{error,einval}"),
        (format!("setopts {B} nodelay=false"), "ok"),
        (format!("getopts {B} nodelay"), "{ok,[{nodelay,false}]}"),
        (format!("setopts {B} nodelay=true active=once"), "{error,{badopts,[{active,once}]}}"),
        (format!("getopts {B} nodelay"), "{ok,[{nodelay,false}]}"),
    ] {
        a.say(&command);
        assert_eq!(a.line(), answer, "{command}");
    }

    let c = format!("node c@127.0.0.1 --cookie {COOKIE} --connect {B} --json");
    let mut c = Running::start(&c, epmd.port);
    while c.object()["event"] != "connect" {}
    c.say(&format!("getopts {B} nodelay linger"));
    let told = c.object();
    assert_eq!((&told["event"], &told["result"]), (&"getopts".into(), &"ok".into()));
    assert_eq!(told["options"], serde_json::json!({"nodelay": true, "linger": null}));
}

#[test]
fn each_subscription_prints_its_own_form_of_an_event() {
    let epmd = Epmd::start();
    let (b, _b_box) = epmd.node(B);
    let mut a = Running::start(&format!("node {A} --cookie {COOKIE}"), epmd.port);
    let _ = (a.line(), a.line());
    for command in ["monitor off", "monitor list", "monitor nodedown_reason"] {
        a.say(command);
        assert_eq!(a.line(), "ok", "{command}");
    }
    b.connect_node(name(A)).unwrap();
    assert_eq!(a.line(), "{nodeup,'b@127.0.0.1'}");
    assert_eq!(a.line(), "{nodeup,'b@127.0.0.1',#{}}");
    a.say("monitor off list");
    assert_eq!(a.line(), "ok");
    assert_eq!(b.stop(), Ok(()));
    assert_eq!(a.line(), "{nodedown,'b@127.0.0.1',#{nodedown_reason => connection_closed}}");
    a.say("monitor frobnicate");
    assert_eq!(a.line(), "error: {error,{unknown_options,#{frobnicate => true}}}");
}

#[test]
fn a_change_of_the_ticktime_is_computed_without_a_node() {
    let path = std::env::temp_dir().join(format!("netkernel-cli-{}.svg", std::process::id()));
    let output = run(&format!("ticktime 60 20 --transition 12 --svg {}", path.display()), 1);
    let picture = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("aux ticks  4, at 0, 5, 10, 15 s"));
    assert!(picture.contains("15 s: the change ends, the new interval holds"));

    let output = run("ticktime 60 20 --json", 1);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&object["event"], &object["switch_ms"]), (&"timeline".into(), &60000.into()));
    assert_eq!(text(&run("ticktime 60 60", 1).stdout), "unchanged\n");
    for failed in ["ticktime 60 60 --svg unwritten.svg", "ticktime 60 20 --svg /nonexistent/x.svg"]
    {
        assert_eq!(run(failed, 1).status.code(), Some(1), "{failed}");
    }
}

#[test]
fn the_end_of_input_keeps_a_node_running_and_signals_end_it() {
    let epmd = Epmd::start();
    let (b, b_box) = epmd.node(B);
    for signal in ["-TERM", "-INT"] {
        let mut a = Running::start(&format!("node {A} --cookie {COOKIE}"), epmd.port);
        a.line();
        drop(a.child.stdin.take());
        b.ping(&name(A), GIVE_UP).unwrap();
        expect_up(&b_box, A);
        a.signal(signal);
        assert_eq!(a.end().0, Some(0), "{signal}");
        expect_down(&b_box, A, NodeDownReason::ConnectionClosed);
        eventually("the name is free", || b.names("127.0.0.1").unwrap().len() == 1);
    }
}

#[test]
fn a_closed_pipe_ends_a_node_quietly() {
    let epmd = Epmd::start();
    let (b, _b_box) = epmd.node(B);
    let mut a = Running::start(&format!("node {A} --cookie {COOKIE}"), epmd.port);
    a.line();
    drop(a.lines.take());
    // It makes the node print. The node may end so quickly that the call fails.
    let _ = b.connect_node(name(A));
    let (code, errors) = a.end();
    assert_eq!(code, Some(0), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}

#[test]
fn a_bad_cookie_file_is_named() {
    let epmd = Epmd::start();
    let path = std::env::temp_dir().join(format!("netkernel-cli-cookie-{}", std::process::id()));
    std::fs::write(&path, COOKIE).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(&format!("ping {B} --cookie-file {}", path.display()), epmd.port);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    assert!(errors.contains("netkernel-cli-cookie") && errors.contains("0644"), "{errors}");
}
