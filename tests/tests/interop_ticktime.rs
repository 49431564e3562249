//! `net_ticktime` changed at run time, together with real nodes.

use core::time::Duration;
use std::time::Instant;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::net_kernel::NodeDownReason;
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, node_name};

const RUST: &str = "rust@127.0.0.1";

/// Seconds of every transition here.
const TRANSITION: u32 = 4;

/// What our node answers to a change, as an Erlang term.
fn set_ours(rust: &Ours, seconds: u32) -> String {
    let change = rust.node.set_net_ticktime(seconds, TRANSITION).expect("a good ticktime");
    change.expect("it is alive").to_string()
}

/// What our node answers when asked, as an Erlang term.
fn get_ours(rust: &Ours) -> String {
    rust.node.get_net_ticktime().expect("it is alive").to_string()
}

fn set_theirs(erl: &Erl, seconds: u32) -> String {
    erl.eval(&format!("net_kernel:set_net_ticktime({seconds}, {TRANSITION})"))
}

/// Begins a change on our node and asks on, without a pause in which the transition could end.
fn begin_ours(rust: &Ours, seconds: u32) -> String {
    let answers = [set_ours(rust, seconds), get_ours(rust), set_ours(rust, 9), get_ours(rust)];
    format!("[{}]", answers.join(","))
}

/// The same on a real node, in one expression.
fn begin_theirs(erl: &Erl, seconds: u32) -> String {
    let set = |seconds: u32| format!("net_kernel:set_net_ticktime({seconds}, {TRANSITION})");
    let get = "net_kernel:get_net_ticktime()";
    erl.eval(&format!("[{}, {get}, {}, {get}]", set(seconds), set(9)))
}

fn get_theirs(erl: &Erl) -> String {
    erl.eval("net_kernel:get_net_ticktime()")
}

/// Changes it on all nodes, and compares all that they answer until the transition is over.
fn change_all(rust: &Ours, erls: &[&Erl], seconds: u32) {
    let begin = Instant::now();
    let ongoing = format!("{{ongoing_change_to,{seconds}}}");
    let answers = format!("[change_initiated,{ongoing},{ongoing},{ongoing}]");
    for erl in erls {
        assert_eq!(begin_theirs(erl, seconds), answers, "no other change is taken");
    }
    assert_eq!(begin_ours(rust, seconds), answers);
    eventually("our transition ends", || get_ours(rust) == seconds.to_string());
    assert!(begin.elapsed() >= Duration::from_secs(TRANSITION.into()), "not too soon");
    for erl in erls {
        eventually("their transition ends", || get_theirs(erl) == seconds.to_string());
        assert_eq!(set_theirs(erl, seconds), "unchanged");
    }
    assert_eq!(set_ours(rust, seconds), "unchanged");
}

/// Has a node ping ours until it is told to stop.
fn begin_pings(erl: &Erl) {
    erl.eval(&format!(
        "Pings = fun Loop(N) -> \
             receive stop -> witness ! {{pings, N}} \
             after 20 -> pong = net_adm:ping('{RUST}'), Loop(N + 1) end \
         end, register(pinger, spawn(fun() -> Pings(0) end))"
    ));
}

/// How many there were. All were answered, or it does not come.
fn end_pings(erl: &Erl) -> u32 {
    erl.eval("pinger ! stop");
    let told = erl.wait_event(GIVE_UP, |event| event.starts_with("{pings,"));
    told.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("a number")
}

each_release_and_runtime! {
    /// One link is busy, one has nothing but ticks. The third peer falls silent after the change to the longer ticktime: at the
    /// shorter one it would be down 10 s later.
    //= docs/spec/ticktime.md#ticktime-longer
    //= type=test
    //= docs/spec/ticktime.md#ticktime-shorter
    //= type=test
    //= docs/spec/ticktime.md#ticktime-ongoing
    //= type=test
    //= docs/spec/ticktime.md#ticktime-unchanged
    //= type=test
    //= docs/spec/ticktime.md#ticktime-length
    //= type=test
    //= docs/spec/ticktime.md#ticktime-detection
    //= type=test
    #[test]
    fn ticktime_changes_on_both_sides_without_a_disconnect(release: Release) {
        let epmd = Epmd::start(release);
        let rust = Ours::start("rust", Ours::ticking(epmd.port(), 12, 4));
        let [busy, idle, frozen] = ["busy", "idle", "frozen"].map(|name| {
            let options = ErlOptions::new(release, &epmd, name).without_auto_connect();
            let erl = Erl::start(&ErlOptions { ticktime: Some(12), ..options });
            rust.connect(erl.name());
            rust.expect_up(erl.name(), NodeType::Visible);
            assert_eq!((get_theirs(&erl), get_ours(&rust)), ("12".to_owned(), "12".to_owned()));
            erl
        });
        begin_pings(&busy);

        change_all(&rust, &[&busy, &idle, &frozen], 24);
        rust.expect_silence(Duration::ZERO);
        let begin = Instant::now();
        rust.node.ping(&node_name(frozen.name()), GIVE_UP).expect("it is alive");
        frozen.signal(Signal::Stop);
        rust.expect_down(frozen.name(), NodeDownReason::NetTickTimeout);
        assert!(begin.elapsed() >= Duration::from_secs(18), "T - T/I: {:?}", begin.elapsed());

        change_all(&rust, &[&busy, &idle], 12);
        rust.expect_silence(Duration::from_secs(15)); // five intervals
        assert_eq!(rust.nodes().len(), 2);
        assert!(end_pings(&busy) > 50, "it was busy");
        for erl in [&busy, &idle] {
            let downs = erl.events().into_iter().filter(|event| event.starts_with("{nodedown,"));
            assert_eq!(downs.collect::<Vec<_>>(), Vec::<String>::new());
            rust.node.ping(&node_name(erl.name()), GIVE_UP).expect("it is linked");
        }
    }
}
