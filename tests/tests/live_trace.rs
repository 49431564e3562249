//! What `netkernel node --trace` writes, and the picture that is drawn of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, str};

use netkernel_tests::command::{self, Netkernel};
use netkernel_tests::each_release;
use netkernel_tests::live;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release, TempDir};
use netkernel_tests::ours::eventually;
use netkernel_tests::ports::free_port;
use netkernel_tests::spacetime::{Life, Link, Mark, What};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

/// A node of ours with its trace, started.
fn node(dir: &TempDir, name: &str, epmd: u16) -> (Netkernel, PathBuf) {
    let trace = dir.path().join(format!("{name}.trace"));
    let (port, path) = (epmd.to_string(), trace.display().to_string());
    let options = ["--cookie", "secret", "--epmd-port", &port, "--ticktime", "4", "--trace", &path];
    let node = Netkernel::start(dir.path(), &[&["node", name][..], &options].concat());
    node.wait_line("it is started", |line| line.starts_with("started "));
    (node, trace)
}

fn end(mut node: Netkernel) {
    node.say("stop");
    let (status, _) = node.wait_end();
    assert!(status.success(), "{status}");
}

fn expect(node: &Netkernel, what: &str) {
    node.wait_line(what, |line| line.contains(what));
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).expect("it was written")
}

fn sim(words: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sim")).args(words).output().expect("it can be run")
}

/// The picture of these traces, and what is in it.
fn draw(dir: &TempDir, traces: &[&PathBuf]) -> (String, Vec<Mark>) {
    let picture = dir.path().join("picture.svg");
    let mut words = vec![Path::new("--live")];
    words.extend(traces.iter().map(|path| path.as_path()));
    words.extend([Path::new("--svg"), &picture]);
    let output = sim(&words);
    assert!(output.status.success(), "{output:?}");
    let named = traces.iter().map(|path| (path.display().to_string(), text(path)));
    let chart = live::draw(&named.collect::<Vec<_>>()).expect("they are traces");
    (text(&picture), chart.marks().to_vec())
}

/// That the lines with these words come in this order.
fn assert_order(trace: &str, wanted: &[&str]) {
    let mut lines = trace.lines();
    assert_eq!(lines.next(), Some("# netkernel trace 1"));
    for words in wanted {
        assert!(lines.any(|line| line.contains(words)), "{words} is not in its place in {trace}");
    }
}

#[test]
fn two_nodes_of_ours_are_drawn_with_what_they_said() {
    let (dir, port) = (TempDir::new(), free_port());
    let ((mut a, a_trace), (b, b_trace)) = (node(&dir, A, port), node(&dir, B, port));
    a.say(format!("connect {B}"));
    expect(&a, &format!("{{nodeup,'{B}'"));
    expect(&b, &format!("{{nodeup,'{A}'"));
    a.say(format!("send netkernel@{B} {{hello,1}}"));
    expect(&b, "message: {hello,1}");
    eventually("a tick", || text(&a_trace).contains(&format!(" tick node={B}")));
    a.say(format!("disconnect {B}"));
    expect(&a, &format!("{{nodedown,'{B}'"));
    expect(&b, &format!("{{nodedown,'{A}'"));
    end(a);
    end(b);

    let (ours, theirs) = (text(&a_trace), text(&b_trace));
    let alive = format!(" alive node={A} creation=");
    let facts =
        ["attempting", "nodeup", "up", "out", "tick"].map(|what| format!(" {what} node={B}"));
    let [attempting, nodeup, up, out, tick] = facts.each_ref().map(String::as_str);
    let nodedown = format!(" nodedown node={B} reason=disconnect");
    assert_order(
        &ours,
        &[&alive, " dial ", attempting, nodeup, up, out, tick, &nodedown, " not_alive"],
    );
    let nodedown = format!(" nodedown node={A} reason=connection_closed");
    let up = format!(" up node={A} link=");
    let message = format!(" in node={A} op=REG_SEND bytes=");
    assert_order(&theirs, &[" accepted ", &up, &message, &nodedown]);

    let (picture, marks) = draw(&dir, &[&a_trace, &b_trace]);
    for text in [
        &format!("alive: {A}, creation "),
        &format!("nodeup {B}"),
        &format!("nodeup {A}"),
        &format!("nodedown {B}: disconnect"),
        &format!("nodedown {A}: connection_closed"),
    ] {
        assert!(picture.contains(text), "{text} is not in {picture}");
    }
    for link in [
        What::Link(0, 1, Some(Link::Attempt)),
        What::Link(0, 1, Some(Link::Up)),
        What::Link(0, 1, None),
    ] {
        assert!(marks.iter().any(|mark| mark.what == link), "{link:?}");
    }
    let slanted = marks.iter().any(|mark| match &mark.what {
        What::Message { from: 0, to: 1, since, label, .. } => {
            since < &mark.at && label == "REG_SEND"
        }
        What::Life(..) | What::Link(..) | What::Note(..) | What::Message { .. } => false,
    });
    assert!(slanted && picture.contains("<line "), "the message is a slanted line");
    assert!(picture.contains("REG_SEND: "), "which tells what it is: {picture}");
}

each_release! {
    #[test]
    fn a_session_with_erlang_is_drawn(release: Release) {
        let (dir, epmd) = (TempDir::new(), Epmd::start(release));
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
        let (mut rust, trace) = node(&dir, A, epmd.port());
        rust.say(format!("connect {B}"));
        expect(&rust, &format!("{{nodeup,'{B}'"));
        assert_eq!(erl.eval(&format!("{{netkernel, '{A}'}} ! hello")), "hello");
        expect(&rust, "message: hello");
        rust.say(format!("ping {B}"));
        expect(&rust, "pong");
        drop(erl);
        expect(&rust, &format!("{{nodedown,'{B}'"));
        end(rust);

        let (picture, marks) = draw(&dir, &[&trace]);
        for text in [
            &format!("alive: {A}, creation "),
            &format!("nodeup {B}"),
            &format!("nodedown {B}: connection_closed"),
        ] {
            assert!(picture.contains(text), "{text} is not in {picture}");
        }
        for wanted in [
            What::Life(0, Life::Alive),
            What::Link(0, 1, Some(Link::Up)),
            // As far as we see it.
            What::Life(1, Life::Alive),
            What::Link(0, 1, None),
            What::Life(1, Life::Absent),
        ] {
            assert!(marks.iter().any(|mark| mark.what == wanted), "{wanted:?}");
        }
        let messages = |of: usize| marks.iter().any(|mark| {
            matches!(&mark.what, What::Message { from, .. } if *from == of)
        });
        assert!(messages(0) && messages(1), "both have said something");
    }
}

#[test]
fn what_cannot_be_written_or_read_is_told() {
    let dir = TempDir::new();
    let output = command::run(dir.path(), &["node", A, "--cookie", "c", "--trace", "/nowhere/x"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("/nowhere/x: "), "{error}");

    let (bad, picture) = (dir.path().join("bad.trace"), dir.path().join("x.svg"));
    fs::write(&bad, "# netkernel trace 1\nnonsense\n").expect("a file");
    for (words, wanted) in [
        (
            vec![Path::new("--live"), &bad, Path::new("--svg"), &picture],
            "bad.trace: line 2: no fact\n",
        ),
        (vec![Path::new("--live"), &bad], "usage: "),
        (vec![Path::new("--live"), Path::new("--svg"), &picture], "usage: "),
        (
            vec![Path::new("--live"), Path::new("/nowhere/x"), Path::new("--svg"), &picture],
            "/nowhere/x: ",
        ),
    ] {
        let output = sim(&words);
        let error = str::from_utf8(&output.stderr).expect("it is text");
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(wanted), "{error}");
    }
}
