//! A real node that takes nothing for a while: senders wait, and nothing is lost.
//!
//! How much the buffers of the system hold is not known: senders send until they wait.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;
use std::thread;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::term::{Atom, write};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Mailbox;

/// Messages of this length count for the mark.
const SMALL: usize = 32 << 10;
/// Messages of this length do not: each sender waits for its own.
const LARGE: usize = 1 << 20;
/// A sender that has sent so many bytes was never made to wait.
const NEVER_WAITED: usize = 1 << 30;

/// `{Sender,Number,Binary}`.
fn message(sender: usize, number: u32, len: usize) -> Vec<u8> {
    let mut term = Vec::with_capacity(len + 64);
    write::version(&mut term);
    write::tuple(&mut term, 3);
    write::unsigned(&mut term, sender as u64);
    write::unsigned(&mut term, number.into());
    term.push(109);
    term.extend((len as u32).to_be_bytes());
    term.resize(term.len() + len, 7);
    term
}

/// A process that takes the numbered messages of so many senders until each has sent an empty one. It tells how many came
/// from each, or the first that is not the next one of its sender.
fn collector(senders: usize, len: usize) -> String {
    format!(
        "spawn(fun() ->
             register(collector, self()),
             witness ! ready,
             Collect = fun
                 Collect(Next, 0) -> [N || {{_, N}} <- lists:sort(maps:to_list(Next))];
                 Collect(Next, Left) ->
                     receive
                         {{S, N, <<>>}} when map_get(S, Next) =:= N -> Collect(Next, Left - 1);
                         {{S, N, B}} when map_get(S, Next) =:= N, byte_size(B) =:= {len} -> Collect(Next#{{S := N + 1}}, Left);
                         {{S, N, B}} -> {{wrong, S, N, byte_size(B), Next}}
                     end
             end,
             witness ! {{collected, Collect(maps:from_list([{{S, 0}} || S <- lists:seq(0, {senders} - 1)]), {senders})}}
         end), ok"
    )
}

/// These senders send to a node that is suspended until all wait, and end when it goes on. Before, each has sent so many
/// bytes at least.
/// Then somebody else sends one small message: while they wait if that `passes` theirs.
fn send_until_they_wait(release: Release, senders: usize, len: usize, least: usize, passes: bool) {
    let epmd = Epmd::start(release);
    let busy = Erl::start(&ErlOptions::new(release, &epmd, "busy"));
    let other = Erl::start(&ErlOptions::new(release, &epmd, "other"));
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    for erl in [&busy, &other] {
        rust.connect(erl.name());
        rust.expect_up(erl.name(), NodeType::Visible);
    }
    // One more, who sends meanwhile.
    assert_eq!(busy.eval(&collector(senders + 1, len)), "ok");
    busy.wait_event(GIVE_UP, |event| event == "ready");

    let (to, name) = (node_name(busy.name()), Atom::new("collector").unwrap());
    let send = |mailbox: &Mailbox, sender: usize, number: u32, len: usize| {
        mailbox.send_to_name(&name, &to, message(sender, number, len)).unwrap();
    };
    let (sent, enough): (Vec<_>, _) =
        ((0..senders).map(|_| AtomicU32::new(0)).collect(), AtomicBool::new(false));
    let bystander = rust.node.mailbox();
    busy.signal(Signal::Stop);
    thread::scope(|scope| {
        for (sender, sent) in sent.iter().enumerate() {
            let (mailbox, send, enough) = (rust.node.mailbox(), &send, &enough);
            scope.spawn(move || {
                let mut number = 0;
                while !enough.load(Ordering::Relaxed) && number as usize * len < NEVER_WAITED {
                    send(&mailbox, sender, number, len);
                    number += 1;
                    sent.store(number, Ordering::Relaxed);
                }
                send(&mailbox, sender, number, 0);
            });
        }
        // They get no further for a while.
        let mut before = Vec::new();
        eventually("all senders wait", || {
            thread::sleep(Duration::from_secs(1));
            let now: Vec<_> = sent.iter().map(|sent| sent.load(Ordering::Relaxed)).collect();
            let wait = now == before && now.iter().all(|&sent| sent as usize * len >= least);
            before = now;
            wait
        });
        // Other links go on, and so does what passes the mark on this one: it still is ticked.
        assert!(other.ping(rust.name()));
        rust.node.ping(&node_name(other.name()), GIVE_UP).unwrap();
        if passes {
            send(&bystander, senders, 0, 0);
        }
        enough.store(true, Ordering::Relaxed);
        busy.signal(Signal::Continue);
        before
            .iter()
            .for_each(|&sent| assert!((sent as usize) * len < NEVER_WAITED, "nobody waited"));
    });
    if !passes {
        send(&bystander, senders, 0, 0);
    }
    let sent = sent.into_iter().map(AtomicU32::into_inner).chain([0]);
    let expected = sent.map(|sent| sent.to_string()).collect::<Vec<_>>().join(",");
    let collected = busy.wait_event(GIVE_UP, |event| event.starts_with("{collected,"));
    assert_eq!(collected, format!("{{collected,[{expected}]}}"));
    assert!(busy.ping(rust.name()));
    rust.expect_silence(Duration::ZERO);
}

each_release_and_runtime! {
    //= docs/spec/channel.md#ch-writer-marks
    //= type=test
    #[test]
    fn a_sender_waits_for_a_suspended_node_and_loses_nothing(release: Release) {
        send_until_they_wait(release, 1, SMALL, 1 << 20, false);
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn senders_of_large_messages_wait_each_for_its_own_and_small_ones_of_others_are_taken(release: Release) {
        send_until_they_wait(release, 3, LARGE, LARGE, true);
    }
}
