//! Much traffic between many pairs of processes of our nodes, of either runtime.
#![expect(clippy::unwrap_used, reason = "scenarios are functions")]

use std::thread;

use netkernel_tests::our_epmd::OurEpmd;
use netkernel_tests::ours::Ours;
use netkernel_tests::runtime::Runtime;
use netkernel_tests::traffic::{Ends, Seen};

const PAIRS: u8 = 50;
/// So many messages each way of each pair are 100,000 each way.
const MESSAGES: u32 = 2000;

fn messages_of_many_pairs_arrive_whole_and_in_order(runtimes: [Runtime; 2]) {
    let epmd = OurEpmd::start(runtimes[0], Default::default());
    let start = |(name, runtime): (&str, Runtime)| {
        runtime.with(|| Ours::start(name, Ours::config(epmd.port())))
    };
    let [left, right] = [("left", runtimes[0]), ("right", runtimes[1])].map(start);
    left.connect(right.name());
    let [ours, theirs] = [&left, &right].map(|it| Ends::new(&it.node, PAIRS, Some(MESSAGES)));
    let (to_left, to_right) = (ours.addresses(), theirs.addresses());
    let seen = thread::scope(|scope| {
        let runs = [scope.spawn(|| ours.run(&to_right)), scope.spawn(|| theirs.run(&to_left))];
        runs.map(|run| run.join().unwrap())
    });
    let all = vec![Seen { messages: MESSAGES, losses: Vec::new() }; PAIRS.into()];
    assert_eq!(seen, [all.clone(), all]);
}

//= docs/spec/channel.md#ch-send
//= type=test
#[test]
fn blocking() {
    messages_of_many_pairs_arrive_whole_and_in_order([Runtime::Blocking; 2]);
}

#[test]
fn smol() {
    messages_of_many_pairs_arrive_whole_and_in_order([Runtime::Smol; 2]);
}

#[test]
fn smol_with_blocking() {
    messages_of_many_pairs_arrive_whole_and_in_order([Runtime::Smol, Runtime::Blocking]);
}
