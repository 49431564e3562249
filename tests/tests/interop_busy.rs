//! A real node that takes nothing for a while: senders wait, and nothing is lost.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::thread;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::term::{Atom, write};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, node_name};

/// Bytes of each message.
const LENGTH: usize = 64 * 1024;
/// So many messages are more than the marks and all buffers of the system hold.
const MESSAGES: u32 = 1000;

/// `{Number,Binary}`.
fn message(number: u32) -> Vec<u8> {
    let mut term = Vec::new();
    write::version(&mut term);
    write::tuple(&mut term, 2);
    write::unsigned(&mut term, number.into());
    term.push(109);
    term.extend((LENGTH as u32).to_be_bytes());
    term.resize(term.len() + LENGTH, 7);
    term
}

each_release_and_runtime! {
    //= docs/spec/channel.md#ch-writer-marks
    //= type=test
    #[test]
    fn senders_wait_for_a_suspended_node_and_lose_nothing(release: Release) {
        let epmd = Epmd::start(release);
        let busy = Erl::start(&ErlOptions::new(release, &epmd, "busy"));
        let other = Erl::start(&ErlOptions::new(release, &epmd, "other"));
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        for erl in [&busy, &other] {
            rust.connect(erl.name());
            rust.expect_up(erl.name(), NodeType::Visible);
        }
        let collect = format!(
            "spawn(fun() ->
                 register(collector, self()),
                 witness ! ready,
                 Numbers = [receive {{N, B}} when byte_size(B) =:= {LENGTH} -> N end || _ <- lists:seq(1, {MESSAGES})],
                 witness ! {{collected, Numbers =:= lists:seq(1, {MESSAGES})}}
             end), ok"
        );
        assert_eq!(busy.eval(&collect), "ok");
        busy.wait_event(GIVE_UP, |event| event == "ready");

        busy.signal(Signal::Stop);
        let (sent, to, name) = (AtomicU32::new(0), node_name(busy.name()), Atom::new("collector").unwrap());
        let mailbox = rust.node.mailbox();
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 1..=MESSAGES {
                    mailbox.send_to_name(&name, &to, message(number)).unwrap();
                    sent.store(number, Ordering::Relaxed);
                }
            });
            // The sender waits: it gets no further for a while. It has sent as much as the mark, at least.
            let mut before = 0;
            eventually("the sender waits", || {
                thread::sleep(Duration::from_millis(500));
                let now = sent.load(Ordering::Relaxed);
                let waits = now == before && now as usize * LENGTH >= 1 << 20;
                before = now;
                waits
            });
            assert!(before < MESSAGES, "nobody waited");
            // Other links go on, and so does what passes the mark on this one: it still is ticked.
            assert!(other.ping(rust.name()));
            rust.node.ping(&node_name(other.name()), GIVE_UP).unwrap();
            busy.signal(Signal::Continue);
        });
        let collected = busy.wait_event(GIVE_UP, |event| event.starts_with("{collected,"));
        assert_eq!(collected, "{collected,true}");
        assert!(busy.ping(rust.name()));
        rust.expect_silence(Duration::ZERO);
    }
}
