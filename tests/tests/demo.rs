//! `cargo demo`, the first command of a new reader: it works, explains itself, and says when something went wrong.
#![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "this is test code")]

use core::time::Duration;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

/// Four times what the demo promises: the machine may be busy.
const GIVE_UP: Duration = Duration::from_secs(120);

/// Exit code, standard output, and standard error.
fn demo(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Somebody else's EPMD is not asked.
    command.env("ERL_EPMD_PORT", "1");
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    // Both pipes have room for all that it prints.
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > GIVE_UP {
            child.kill().unwrap();
            break child.wait().unwrap();
        }
        thread::sleep(Duration::from_millis(20));
    };
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (status.code(), out, err)
}

/// A line that tells what happened.
#[derive(Debug)]
struct Told<'a> {
    seconds: f64,
    node: &'a str,
    what: &'a str,
    rule: &'a str,
}

fn told(line: &str) -> Option<Told<'_>> {
    let (rest, rule) = line.strip_suffix(']')?.rsplit_once('[')?;
    let (seconds, rest) = rest.trim().split_once("  ")?;
    let (node, what) = rest.split_once(' ')?;
    Some(Told { seconds: seconds.parse().ok()?, node, what: what.trim(), rule })
}

/// Acts and events, in an order that cannot be another: `# ` and the beginning of a heading, or node, beginning, rule.
const ORDER: &[&str] = &[
    "# 1. Two nodes",
    "smol|nodeup   smol, visible|monitor-own-node",
    "smol|started: port |kernel-start",
    "epmd|is served by smol at port |epmd-server-service",
    "blocking|nodeup   blocking, visible|monitor-own-node",
    "blocking|started: port |kernel-start",
    "smol|names() -> smol, blocking|epmd-names-order",
    "# 2. A link",
    "smol|nodeup   blocking, visible, connection 1|hs-link-order",
    "smol|connect_node(blocking) -> true|kernel-waiters",
    "smol|ping(blocking) -> pong|ch-ping",
    "blocking|ping(smol) -> pong|ch-ping",
    "# 3. A hidden node",
    "hidden|nodeup   smol, hidden, connection 1|hs-visible",
    "hidden|connect_node(smol) -> true|kernel-waiters",
    "hidden|nodeup   blocking, hidden, connection 2|hs-visible",
    "smol|nodes(visible) -> [blocking]|kernel-nodes",
    "smol|nodes(hidden) -> [hidden]|kernel-nodes",
    "# 4. Another net_ticktime",
    "smol|set_net_ticktime(4,2) -> change_initiated|ticktime-aux-ticks",
    "hidden|set_net_ticktime(4,2) -> change_initiated|ticktime-aux-ticks",
    "smol|get_net_ticktime() -> {ongoing_change_to,4}|ticktime-ongoing",
    "smol|get_net_ticktime() -> 4|ticktime-shorter",
    "blocking|still has 2 links|ticktime-too-late",
    "# 5. A peer goes silent",
    "sleeper|nodeup   blocking, visible|hs-link-order",
    "blocking|ping(sleeper) -> pong|ch-ping",
    "sleeper|is frozen|tick-timeout",
    "smol|heard nothing from sleeper for 1 of 4 ticks|tick-missed",
    "smol|heard nothing from sleeper for 3 of 4 ticks|tick-missed",
    "smol|nodedown sleeper, net_tick_timeout, connection 3|tick-timeout",
    "sleeper|runs again|tick-late",
    "sleeper|nodedown smol, connection_closed|nodedown-connection-closed",
    "# 6. A link is cut",
    "blocking|nodedown hidden, disconnect, connection 2|nodedown-disconnect",
    "# 7. A node is killed",
    "smol|nodeup   sleeper, visible, connection 4|hs-acceptor-ack",
    "sleeper|is killed|nodedown-connection-closed",
    "smol|nodedown sleeper, connection_closed, connection 4|nodedown-connection-closed",
    "epmd|has freed the name|epmd-server-held",
    "sleeper|started: port |kernel-start",
    "epmd|gave creation |epmd-server-creation",
    "smol|nodeup   sleeper, visible, connection 5|monitor-connection-id",
    "smol|ping(sleeper) -> pong|ch-ping",
    "smol|names() -> smol, blocking, hidden, sleeper|epmd-names-order",
];

const ACTS: usize = 7;

/// Those that a second node is told at about the same time.
const SOMEWHERE: &[&str] = &[
    "blocking|nodeup   smol, visible, connection 1|hs-acceptor-ack",
    "smol|nodeup   hidden, hidden, connection 2|hs-visible",
    "blocking|nodeup   hidden, hidden, connection 2|hs-visible",
    "blocking|nodedown sleeper, net_tick_timeout, connection 3|tick-timeout",
    "sleeper|nodedown blocking, connection_closed|nodedown-connection-closed",
    "hidden|nodedown blocking, connection_closed, connection 2|nodedown-connection-closed",
    "blocking|nodedown sleeper, connection_closed, connection 4|nodedown-connection-closed",
];

fn is(line: &str, wanted: &str) -> bool {
    if let Some(heading) = wanted.strip_prefix("# ") {
        return line.starts_with(heading);
    }
    let mut parts = wanted.split('|');
    told(line).is_some_and(|told| {
        parts.next() == Some(told.node)
            && parts.next().is_some_and(|what| told.what.starts_with(what))
            && parts.next() == Some(told.rule)
    })
}

fn seconds(lines: &[&str], wanted: &str) -> f64 {
    let line = lines.iter().find(|line| is(line, wanted)).unwrap_or_else(|| panic!("no {wanted}"));
    told(line).unwrap().seconds
}

/// All ports that it tells of. One may begin with the digits of another.
fn ports(out: &str) -> Vec<&str> {
    let behind = out.split("port ").skip(1);
    behind.filter_map(|rest| rest.split(|other: char| !other.is_ascii_digit()).next()).collect()
}

fn requirements() -> Vec<String> {
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec");
    let texts =
        fs::read_dir(spec).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let ids = |text: String| -> Vec<String> {
        text.lines().filter_map(|line| Some(line.strip_prefix("### ")?.to_owned())).collect()
    };
    texts.flat_map(ids).collect()
}

#[test]
fn all_acts_are_played_and_every_event_has_a_rule_that_exists() {
    let (code, out, err) = demo(&[]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let lines: Vec<_> = out.lines().collect();

    let mut rest = lines.iter();
    for wanted in ORDER {
        assert!(rest.any(|line| is(line, wanted)), "not in its place: {wanted}\n{out}");
    }
    for wanted in SOMEWHERE {
        assert!(lines.iter().any(|line| is(line, wanted)), "nowhere: {wanted}\n{out}");
    }

    let acts = lines.iter().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    assert_eq!(acts.count(), ACTS);
    assert!(!ports(&out).contains(&"4369"), "the EPMD of this host is not touched");

    let requirements = requirements();
    let mut known: Vec<&str> = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with(' ')) {
        let Some(told) = told(line) else {
            assert!(line.trim().starts_with("| "), "neither an event nor a rule: {line}");
            continue;
        };
        assert!(requirements.iter().any(|id| id == told.rule), "no such requirement: {told:?}");
        let explained = lines[at + 1].trim().starts_with("| ");
        assert_eq!(explained, !known.contains(&told.rule), "once each: {told:?}");
        known.push(told.rule);
    }
    assert!(known.len() >= ORDER.len() + SOMEWHERE.len() - ACTS, "{known:?}");

    let transition = seconds(&lines, "smol|get_net_ticktime() -> 4|ticktime-shorter")
        - seconds(&lines, "smol|set_net_ticktime(4,2)|ticktime-aux-ticks");
    assert!(transition > 1.9, "shorter than its period: {transition}");
    let silence = seconds(&lines, "smol|nodedown sleeper, net_tick_timeout|tick-timeout")
        - seconds(&lines, "sleeper|is frozen|tick-timeout");
    assert!(silence > 2.9, "less than T - T/I: {silence}");

    let last = lines.last().unwrap();
    assert!(last.starts_with("Summary: 7 acts, 5 nodes, 8 links, "), "{last}");
    assert!(last.contains("(limit 30 s"), "{last}");
    assert!(!out.contains('\u{1b}'), "no colours outside of a terminal");
}

#[test]
fn ports_are_told_from_those_that_begin_alike() {
    assert_eq!(ports("started: port 43690, creation 1\nat port 4369 [rule]"), ["43690", "4369"]);
}

#[test]
fn an_event_that_does_not_come_is_told_and_ends_it() {
    let (code, out, err) = demo(&["--give-up", "0"]);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.starts_with("demo: FAILED: act ") && err.lines().count() == 1, "{err}");
    assert!(!out.contains("Summary"), "{out}");
}

#[test]
fn wrong_arguments_are_answered_by_the_usage() {
    for arguments in
        [&["--slow"][..], &["--give-up"], &["--give-up", "-1"], &["--give-up", "1", "2"]]
    {
        let (code, out, err) = demo(arguments);
        assert!(code == Some(2) && out.is_empty() && err.starts_with("usage: cargo demo"), "{err}");
    }
}
