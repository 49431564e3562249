//! Much traffic between many pairs of processes, of Erlang and of ours; and the end of a node in the middle of it.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use std::process::{Child, Command, Stdio};
use std::thread;

use netkernel_blocking::core::net_kernel::DistAutoConnect;
use netkernel_blocking::core::net_kernel::NodeEvent;
use netkernel_blocking::core::term::Term;
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Runtime;
use netkernel_tests::traffic::{Ends, Seen};

const PAIRS: u8 = 50;
/// So many messages each way of each pair are 100,000 each way.
const MESSAGES: u32 = 2000;
/// So many have come before a node is killed.
const WARM: u64 = 5000;

fn erlang(release: Release, epmd: &Epmd) -> Erl {
    let erl = Erl::start(&ErlOptions::new(release, epmd, "b").without_auto_connect());
    erl.load("traffic", include_str!("../otp/traffic.erl"));
    erl.eval("traffic:start()");
    erl
}

/// A node of ours, connected.
fn rust(epmd: &Epmd, erl: &Erl) -> Ours {
    let mut config = Ours::config(epmd.port());
    config.kernel.auto_connect = DistAutoConnect::Never;
    let rust = Ours::start("rust", config);
    rust.connect(erl.name());
    assert!(rust.next_event().node().as_str() == erl.name() && erl.ping(rust.name()));
    rust
}

/// What came to each of Erlang's processes.
fn results(erl: &Erl) -> Vec<Seen> {
    let results = erl.apply("traffic", "results", vec![]);
    let seen = |result: &Term| {
        let [messages, losses] = result.as_tuple().unwrap() else { panic!("{result}") };
        Seen {
            messages: u32::try_from(messages.as_i64().unwrap()).unwrap(),
            losses: losses.as_list().unwrap().iter().map(ToString::to_string).collect(),
        }
    };
    results.as_list().unwrap().iter().map(seen).collect()
}

/// That each was told the end once, and links before the rest: all else of it was judged by the processes themselves.
fn assert_lost(seen: &[Seen]) {
    assert_eq!(seen.len(), usize::from(PAIRS));
    for one in seen {
        let mut losses = one.losses.clone();
        assert_eq!(losses.first().map(String::as_str), Some("exit"), "{one:?}");
        losses.sort();
        assert_eq!(losses, ["down", "exit", "nodedown"]);
    }
    assert!(seen.iter().map(|it| u64::from(it.messages)).sum::<u64>() > 0);
}

/// A node of ours in a process of its own.
struct Peer(Child);

impl Peer {
    fn start(epmd: &Epmd, erl: &Erl) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_traffic_peer"));
        let (port, pairs) = (epmd.port().to_string(), PAIRS.to_string());
        command.args([Runtime::current().name(), &port, "rust", &pairs, erl.name()]);
        Self(command.stdin(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

each_release_and_runtime! {
    //= docs/spec/channel.md#ch-send
    //= type=test
    //= docs/spec/process.md#process-alias
    //= type=test
    #[test]
    fn messages_of_many_pairs_arrive_whole_and_in_order(release: Release) {
        let epmd = Epmd::start(release);
        let erl = erlang(release, &epmd);
        let rust = rust(&epmd, &erl);
        let ends = Ends::new(&rust.node, PAIRS, Some(MESSAGES));
        let others = ends.meet(&rust.node, &node_name(erl.name()));
        let all = vec![Seen { messages: MESSAGES, losses: Vec::new() }; PAIRS.into()];
        assert_eq!(ends.run(&others), all);
        eventually("all have come there", || erl.eval("traffic:progress()") == (MESSAGES * u32::from(PAIRS)).to_string());
        assert_eq!(results(&erl), all);
    }

    //= docs/spec/process.md#process-loss
    //= type=test
    //= docs/spec/process.md#process-loss-order
    //= type=test
    #[test]
    fn a_node_of_erlang_is_killed_in_the_middle(release: Release) {
        let epmd = Epmd::start(release);
        let mut erl = erlang(release, &epmd);
        let rust = rust(&epmd, &erl);
        let ends = Ends::new(&rust.node, PAIRS, None);
        let others = ends.meet(&rust.node, &node_name(erl.name()));
        let seen = thread::scope(|scope| {
            let runs = scope.spawn(|| ends.run(&others));
            eventually("it goes well", || ends.progress() >= WARM);
            erl.signal(Signal::Kill);
            erl.wait_end();
            assert!(matches!(rust.next_event(), NodeEvent::NodeDown { .. }));
            // All that the loss leads to has been told.
            ends.finish(&rust.mailbox("last"));
            runs.join().unwrap()
        });
        assert_lost(&seen);
        assert!(rust.nodes().is_empty());
    }

    //= docs/spec/process.md#process-loss
    //= type=test
    #[test]
    fn a_node_of_ours_is_killed_in_the_middle(release: Release) {
        let epmd = Epmd::start(release);
        let erl = erlang(release, &epmd);
        let peer = Peer::start(&epmd, &erl);
        let progress = || erl.eval("traffic:progress()").parse::<u64>().unwrap();
        eventually("it goes well", || progress() >= WARM);
        drop(peer);
        erl.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,'rust@127.0.0.1'"));
        assert_lost(&results(&erl));
        assert_eq!(erl.eval("nodes()"), "[]");
    }
}
