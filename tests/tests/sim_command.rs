//! `cargo sim` as a program: what it prints of runs that fail, how it ends, and that its output depends on the seed alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, process};

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use netkernel_tests::sim::run::run_seed;
use netkernel_tests::sim::scenario::Scenario;
use netkernel_tests::sim::trace::Tracing;

fn sim(words: &str) -> Output {
    let words = words.split_whitespace();
    Command::new(env!("CARGO_BIN_EXE_sim")).args(words).output().expect("it can be run")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("it is text")
}

/// A file of this test process that is not there yet.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn another_process_makes_the_same_run_as_this_one_does_twice() {
    for seed in [2, 5] {
        let here = || {
            let mut lines = String::new();
            let report = run_seed(seed, Tracing::FULL, &mut |line| {
                lines.push_str(line);
                lines.push('\n');
            });
            let replay = format!("replay: cargo sim --seed {seed} --trace full");
            format!("{}\n{lines}{report}\n{replay}\n", report.plan)
        };
        let there = sim(&format!("--seed {seed} --trace full"));
        assert!(there.status.success());
        let (first, second, there) = (here(), here(), stdout(&there));
        assert!(first.lines().count() > 1000, "something happens");
        assert!(first == second && first == there, "seed {seed} differs");
    }
}

/// Of a picture.
fn height(file: &str) -> f64 {
    let height = file.split_once(" height=\"").expect("it has one").1;
    height.split('"').next().unwrap_or_default().parse().expect("a number")
}

#[test]
fn a_run_is_drawn_with_its_nodes_links_and_the_moment_that_is_wrong() {
    let picture = Temporary::new("picture.svg");
    let path = picture.0.to_str().expect("it is text");
    let wrong = "--seed 0 --plan violent --nodes 3 --hours 1 --until 60 --canary";
    for (words, code) in [(wrong, 1), ("--seed 0 --plan calm --nodes 5 --hours 1", 0)] {
        let drawn = sim(&format!("{words} --svg {path}"));
        assert_eq!(drawn.status.code(), Some(code));
        assert_eq!(stdout(&drawn), stdout(&sim(words)), "to draw a run does not change it");
        let file = fs::read_to_string(&picture.0).expect("it was written");
        assert!(file.starts_with("<svg ") && file.ends_with("</svg>"));
        for text in ["n0@h0", "alive: n1@h1, creation ", "nodeup n2@h", "<line "] {
            assert!(file.contains(text), "{text}");
        }
        assert_eq!(file.contains("canary at 6.354916666: lost n0@h0"), code == 1);
        assert_eq!(file.contains("nodedown n0@h0: disconnect"), code == 1);
        // A person can still go through it.
        assert!(height(&file) < 2000.0, "{}", height(&file));
    }
    // Far too much for a page: what was important all the time, and the end whole; or a part that is named.
    let hour = format!("--seed 2 --plan violent --nodes 5 --hours 1 --svg {path}");
    let file = |words: &str| {
        assert_eq!(sim(&format!("{hour} {words}")).status.code(), Some(0));
        fs::read_to_string(&picture.0).expect("it was written")
    };
    let lines = |file: &str| file.matches("<line ").count();
    let (whole, part) = (file(""), file("--from 3000"));
    assert!(whole.contains(" messages and notes are left out") && lines(&whole) > 100);
    assert!(part.contains(", all of those before 3000.000 s") && lines(&part) > lines(&whole));
    for file in [whole, part] {
        assert!((5000.0..20_000.0).contains(&height(&file)), "{}", height(&file));
    }
    for bad in [
        "--seeds 3 --svg x",
        "--seed 3 --shrink --svg x",
        "--seed 3 --svg",
        "--seed 3 --from 9",
        "--seed 3 --svg x --from y",
        "--seed 3 --svg x --from -5",
        "--seed 3 --svg x --from inf",
        "--seed 3 --until nan",
    ] {
        assert_eq!(sim(bad).status.code(), Some(2), "{bad}");
    }
}

#[test]
fn all_bytes_of_a_run_are_in_its_capture_and_to_write_it_does_not_change_the_run() {
    let capture = Temporary::new("bytes.pcap");
    let path = capture.0.to_str().expect("it is text");
    for (words, code) in [
        ("--seed 0 --plan calm --nodes 3 --hours 1", 0),
        ("--seed 5 --trace full", 0),
        ("--seed 0 --plan violent --nodes 3 --hours 1 --until 60 --canary", 1),
    ] {
        let picture = Temporary::new("both.svg");
        let both = format!("{words} --pcap {path} --svg {}", picture.0.display());
        let written = sim(&both);
        assert_eq!(written.status.code(), Some(code));
        let text = stdout(&written);
        assert!(text == stdout(&sim(words)), "to write a capture does not change the run");
        assert!(picture.0.exists());
        let file = fs::read(&capture.0).expect("it was written");
        let (mut rest, mut streams) = (&file[24..], BTreeMap::<_, Vec<u8>>::new());
        let mut before = 0;
        while !rest.is_empty() {
            let word = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            let (at, length) = (u64::from(word(0)) << 32 | u64::from(word(4)), word(8) as usize);
            assert!(before <= at, "time goes on");
            before = at;
            let packet = SlicedPacket::from_ethernet(&rest[16..16 + length]).unwrap();
            let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) =
                (packet.net, packet.transport)
            else {
                panic!("{length} bytes are something else");
            };
            let ports = (tcp.source_port(), tcp.destination_port());
            assert_eq!(ip.header().source_addr().octets()[0], 10);
            let way = (ip.header().source_addr(), ip.header().destination_addr(), ports);
            let stream = streams.entry(way).or_default();
            stream.extend_from_slice(tcp.payload());
            rest = &rest[16 + length..];
        }
        let bytes: usize = streams.values().map(Vec::len).sum();
        if code == 0 {
            // Nobody is hostile there: these bytes are not counted.
            let counted = text.split_once(" bytes=").unwrap().1.lines().next().unwrap();
            assert_eq!(bytes.to_string(), counted);
        }
        let to_epmd = streams.iter().filter(|((.., (_, port)), _)| *port == 4369);
        assert!(to_epmd.clone().count() > 5);
        assert!(to_epmd.clone().any(|(_, bytes)| bytes.get(2) == Some(&b'x')), "ALIVE2_REQ");
        let named = |bytes: &Vec<u8>| bytes.get(2) == Some(&b'N') && bytes[15] == 0;
        assert!(streams.values().any(named), "a handshake");
    }
    for bad in ["--seeds 3 --pcap x", "--seed 3 --shrink --pcap x", "--seed 3 --pcap"] {
        assert_eq!(sim(bad).status.code(), Some(2), "{bad}");
    }
    let nowhere = sim("--seed 5 --until 1 --pcap /nowhere/x.pcap");
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nowhere.stderr).starts_with("/nowhere/x.pcap: "));
    if !Path::new("/dev/full").exists() {
        return;
    }
    for (words, code) in
        [("--seed 5", 2), ("--seed 0 --plan violent --nodes 3 --hours 1 --until 60 --canary", 1)]
    {
        let full = sim(&format!("{words} --pcap /dev/full --svg /dev/full"));
        assert_eq!(full.status.code(), Some(code), "who runs out of space is told");
        assert_eq!(stdout(&full), stdout(&sim(words)), "what has come of the run is not lost");
        let errors = String::from_utf8_lossy(&full.stderr).into_owned();
        assert_eq!(errors.matches("\n/dev/full: ").count(), 2, "{errors}");
    }
}

#[test]
fn the_canary_fails_and_is_reported_with_plan_trace_and_replay() {
    let words = "--seed 0 --plan violent --nodes 3 --hours 1 --until 60 --canary";
    let output = sim(words);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("plan nodes=3"), "{text}");
    let tail = &lines[1..=40];
    assert!(tail.iter().any(|line| line.contains(" turn ")), "the trace is full: {text}");
    let lost = |line: &&str| line.contains(" disconnected ") && line.ends_with(" was_up true");
    assert!(tail.iter().rev().take(10).any(lost), "{text}");
    assert!(text.contains("\nFAILED canary at "), "{text}");
    let replay = format!("replay: cargo sim {words} --trace full");
    assert_eq!(*lines.last().unwrap(), replay);

    // What it says is how to have it again.
    let again = stdout(&sim(replay.strip_prefix("replay: cargo sim ").unwrap()));
    let end: Vec<&str> = again.lines().rev().skip(6).take(40).collect();
    assert!(again.ends_with(&text[text.find("passed=").unwrap()..]), "{again}");
    assert!(tail.iter().rev().eq(end.iter()), "the tail is the end of the trace");
    let without = sim(words.strip_suffix(" --canary").unwrap());
    assert!(without.status.success(), "only the canary objects");
}

#[test]
fn a_hunt_tells_of_the_first_that_fails() {
    let output = sim("--seeds 50 --canary --trace short");
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let first = text.lines().next().unwrap();
    let seed = first.strip_prefix("seed ").unwrap().split(':').next().unwrap();
    assert!(first.contains(": canary at ") && text.contains("\nplan nodes="), "{text}");
    assert!(!text.contains(" turn "), "the tail is as short as was asked for: {text}");
    let replay = format!("replay: cargo sim --seed {seed} --canary --trace full\n");
    let shrink = format!("shrink: cargo sim --seed {seed} --canary --shrink --out ");
    assert!(text.ends_with(&replay) && text.contains(&shrink), "{text}");

    let all = sim("--seeds 50 --canary --keep-going");
    assert!(stdout(&all).lines().filter(|line| line.starts_with("seed ")).count() > 10);
    let calm = sim("--seeds 3 --plan calm --nodes 2 --canary");
    assert!(calm.status.success() && stdout(&calm) == "0 of 3 seeds from 0 failed\n");
}

#[test]
fn a_failure_shrinks_to_a_scenario_that_fails_in_the_same_way() {
    let file = Temporary::new("canary.txt");
    let path = file.0.display();
    let hunt = stdout(&sim("--seeds 50 --canary"));
    let seed = hunt.strip_prefix("seed ").and_then(|rest| rest.split_once(':')).unwrap().0;
    let shrink = format!("--seed {seed} --canary --shrink");
    let output = sim(&format!("{shrink} --out {path}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let replay = format!("replay: cargo sim --scenario {path} --canary --trace full\n");
    assert_eq!(stdout(&output), replay);
    let text = fs::read_to_string(&file.0).unwrap();
    let scenario: Scenario = text.parse().unwrap();
    assert_eq!(scenario.to_string(), text);
    assert!(scenario.comment[0].starts_with("Fails: canary at "), "{text}");
    assert!(scenario.plan.nodes == 2 && scenario.tapes.decisions() < 200, "{text}");
    assert!(text.contains(&format!("\n# Found: cargo sim --seed {seed} --canary --trace full\n")));

    let failing = sim(&format!("--scenario {path} --canary"));
    assert_eq!(failing.status.code(), Some(1), "{}", stdout(&failing));
    assert!(sim(&format!("--scenario {path}")).status.success(), "without the canary it holds");
    let again = sim(&shrink);
    assert_eq!(stdout(&again), text, "it always shrinks to the same");
}

#[test]
fn what_holds_cannot_be_shrunk() {
    let output = sim("--seed 1 --shrink");
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""));
}

#[test]
fn a_scenario_that_does_not_parse_fails_with_its_line() {
    let file = Temporary::new("bad.txt");
    fs::write(&file.0, "# bad\nplan nodes 3\nplan colour red\n").unwrap();
    let output = sim(&format!("--scenario {}", file.0.display()));
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(error.ends_with("bad.txt: line 3: no such knob\n"), "{error}");
}

#[test]
fn until_ends_the_run() {
    let output = sim("--seed 7 --until 5 --trace short");
    let text = stdout(&output);
    assert!(output.status.success());
    assert!(text.contains("\npassed=5.000000000 ") && text.contains("\ncut off"), "{text}");
    let whole = stdout(&sim("--seed 7 --trace short"));
    let traced = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with(' ')).map(str::to_owned).collect()
    };
    let (part, whole) = (traced(&text), traced(&whole));
    assert!(!part.is_empty() && part.len() < whole.len() && whole.starts_with(&part));
}

#[test]
fn words_that_say_nothing_are_refused() {
    for words in [
        "",
        "--seed x",
        "--seed 1 --seeds 2",
        "--seeds 3 --shrink",
        "--seed 1 --out x",
        "--scenario x --nodes 3",
        "--seed 1 --plan mad",
        "--start 5",
    ] {
        let output = sim(words);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("usage: "), "{words}");
    }
}
