//! The examples, run as their comments say, with nodes of Erlang and Elixir.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::cell::RefCell;
use std::fs;
use std::path::Path;

use netkernel_tests::command::Netkernel;
use netkernel_tests::each_release;
use netkernel_tests::otp::{Elixir, Epmd, Erl, ErlOptions, Release, Signal};
use netkernel_tests::ours::eventually;

/// What the names of the examples begin with, for threads and for async.
const KINDS: [&str; 2] = ["", "async_"];
const RUST: &str = "rust@127.0.0.1";

/// What the comment at the head of an example says to type in that language: code, and what is behind it as a remark.
fn told_to_type(kind: &str, example: &str, language: &str) -> Vec<(String, String)> {
    let package = if kind.is_empty() { "runtime-blocking" } else { "runtime-smol" };
    let path = format!("{}/../{package}/examples/{example}.rs", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(Path::new(&path)).unwrap();
    let lines = text.lines().skip_while(|line| *line != format!("//! ```{language}")).skip(1);
    let lines = lines.take_while(|line| *line != "//! ```");
    let (remark, end) = if language == "erlang" { ('%', ".") } else { ('#', "") };
    let typed = lines.map(|line| {
        let line = line.trim_start_matches("//!");
        let (code, remark) = line.rsplit_once(&format!(" {remark} ")).unwrap_or((line, ""));
        (code.trim().strip_suffix(end).unwrap().to_owned(), remark.to_owned())
    });
    let typed: Vec<_> = typed.collect();
    assert!(!typed.is_empty(), "{path} has nothing in {language}");
    typed
}

/// Waits until a line with each of these beginnings and ends has come, in whichever order.
fn wait_lines(example: &Netkernel, wanted: &[(&str, &str)]) {
    let missing = RefCell::new(wanted.to_vec());
    example.wait_line(&format!("{wanted:?}"), |line| {
        let mut missing = missing.borrow_mut();
        missing.retain(|(begin, end)| !(line.starts_with(begin) && line.ends_with(end)));
        missing.is_empty()
    });
}

fn example(kind: &str, name: &str, epmd: u16, arguments: &[&str]) -> Netkernel {
    Netkernel::example(&format!("{kind}{name}"), epmd, arguments)
}

fn ended(mut example: Netkernel) -> Vec<String> {
    let (status, lines) = example.wait_end();
    assert!(status.success(), "{status}: {lines:?}");
    lines
}

each_release! {
    #[test]
    fn call_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let elixir = Elixir::start(release, &epmd, "ex");
        for kind in KINDS {
            for (peer, upcase) in [(erl.name(), "fails: undef"), (elixir.name(), "returns <<\"HELLO\">>")] {
                let arguments = [RUST, "secret", peer];
                let lines = ended(example(kind, "call_erlang", epmd.port(), &arguments));
                let counted = lines[6].strip_prefix(&format!("{{kernel_sup,'{peer}'}} replies "));
                assert!(counted.is_some_and(|it| it.starts_with("[{specs,")), "{lines:#?}");
                let expected = [
                    "lists:reverse returns [3,2,1]",
                    &format!("'Elixir.String':upcase {upcase}"),
                    "erlang:binary_to_atom fails: badarg",
                    "erlang:exit exits: tired",
                    "erlang:throw throws ball",
                    "timer:sleep gives nothing: error:{erpc,timeout}",
                    &lines[6],
                    &format!("{{nobody,'{peer}'}} is not there"),
                ];
                assert_eq!(lines, expected, "{kind} {peer}");
            }
        }
    }

    #[test]
    fn gen_server(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let elixir = Elixir::start(release, &epmd, "c");
        for kind in KINDS {
            let example = example(kind, "gen_server", epmd.port(), &[RUST, "secret"]);
            example.wait_line("it is there", |line| line == format!("store is at {RUST}"));
            let printed = |erl: &Erl| erl.output().iter().filter(|line| *line == "4").count();
            let before = printed(&erl);

            let typed = told_to_type(kind, "gen_server", "erlang");
            let (server, rest) = typed.split_first().unwrap();
            for (code, remark) in rest {
                let value = erl.eval(&format!("{}, {code}", server.0));
                assert!(value == *remark || code.contains('!') || remark.is_empty() || remark.starts_with("and "), "{code}: {value}");
            }
            eventually("who waited has printed what it got", || printed(&erl) == before + 1);
            assert_eq!(erl.eval(&format!("{}, gen_server:call(S, nonsense)", server.0)), "{error,bad_request}");
            assert_eq!(erl.eval(&format!("{}, gen_server:call(S, {{wait, pear}})", server.0)), "4");

            let typed = told_to_type(kind, "gen_server", "elixir");
            let (server, rest) = typed.split_first().unwrap();
            for (code, remark) in rest {
                let value = elixir.eval(&format!("{}; {code}", server.0));
                assert_eq!(value, remark.split(", and ").next().unwrap(), "{code}");
            }
            for line in ["call {put,apple,3}", "cast {put,pear,4}"] {
                assert!(example.lines().contains(&line.to_owned()), "{:?}", example.lines());
            }
            example.wait_line("its end", |line| line == "stopped: normal");
            example.wait_line("another one is there", |line| line == format!("store is at {RUST}"));
            assert_eq!(elixir.eval(&format!("{}; GenServer.call(store, {{:get, :apple}})", server.0)), ":error");
        }
    }

    #[test]
    fn watch_processes(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let elixir = Elixir::start(release, &epmd, "ex");
        for kind in KINDS {
            for peer in [&erl, elixir.erl()] {
                let is_elixir = peer.name() == elixir.name();
                let typed = told_to_type(kind, "watch_processes", if is_elixir { "elixir" } else { "erlang" });
                if is_elixir { elixir.eval(&typed[0].0) } else { erl.eval(&typed[0].0) };
                let arguments = [RUST, "secret", peer.name()];
                let example = example(kind, "watch_processes", epmd.port(), &arguments);
                example.wait_line("a process", |line| line.starts_with("started <") && line.ends_with(">, with a link"));
                if is_elixir { elixir.eval(&typed[1].0) } else { erl.eval("worker ! tired") };
                let worker = format!("DOWN {{worker,'{}'}}", peer.name());
                wait_lines(&example, &[("DOWN <", ": normal"), ("EXIT <", ": {shutdown,done}"), (&worker, ": tired")]);
                assert_eq!(peer.eval(&format!("erlang:disconnect_node('{RUST}')")), "true");
                let lines = ended(example);
                assert_eq!(lines.last().unwrap(), &format!("nodedown '{}'", peer.name()), "{lines:?}");
            }
        }
    }

    #[test]
    fn observer(release: Release) {
        let epmd = Epmd::start(release);
        let start = || Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let mut erl = start();
        let observers = [("one@127.0.0.1", KINDS[0]), ("two@127.0.0.1", KINDS[1])]
            .map(|(name, kind)| example(kind, "observer", epmd.port(), &[name, "secret", erl.name()]));
        let all_say = |what: &str| {
            for observer in &observers {
                observer.wait_line(what, |line| line == what);
            }
        };
        all_say("nodeup 'b@127.0.0.1'");
        // Another node joins, is killed, and joins again.
        for round in ["first", "second"] {
            let elixir = Elixir::start(release, &epmd, "ex");
            assert_eq!(elixir.eval("Node.connect(:\"b@127.0.0.1\")"), "true", "{round}");
            all_say("nodeup 'ex@127.0.0.1'");
            assert_eq!(elixir.eval("Node.list()"), "[:\"b@127.0.0.1\"]");
            assert_eq!(elixir.eval("Enum.sort(Node.list(:hidden))"), "[:\"one@127.0.0.1\", :\"two@127.0.0.1\"]");
            drop(elixir);
            all_say("nodedown 'ex@127.0.0.1': connection_closed");
        }
        erl.signal(Signal::Kill);
        erl.wait_end();
        all_say("nodedown 'b@127.0.0.1': connection_closed");
        let erl = start();
        all_say("nodeup 'b@127.0.0.1'");
        eventually("both are linked with the new one", || {
            erl.eval("lists:sort(nodes(hidden))") == "['one@127.0.0.1','two@127.0.0.1']"
        });
    }
}
