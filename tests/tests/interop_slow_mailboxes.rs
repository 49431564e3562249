//! A process of ours that does not take what a real node sends to it, and has a bound: only those wait who have to.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::thread;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::term::{Limits, Term};
use netkernel_blocking::{Bound, Item, NodeKind, Overflow, ProcessEvent};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, eventually, next_message};
use netkernel_tests::runtime::Mailbox;

const TICKTIME: u32 = 8;
/// Far more than the buffers of both sides hold.
const MESSAGES: i64 = 50_000;
/// So many may wait.
const BOUND: usize = 1000;
/// One read has no more messages than this.
const READ: usize = 100;

/// Two nodes of Erlang, one of ours that has links with both, and two processes of that.
struct Stage {
    flooding: Erl,
    other: Erl,
    rust: Ours,
    slow: Mailbox,
    quick: Mailbox,
    _epmd: Epmd,
}

impl Stage {
    fn new(release: Release, overflow: Overflow) -> Self {
        let epmd = Epmd::start(release);
        let [flooding, other] = ["b", "c"].map(|name| {
            let mut options = ErlOptions::new(release, &epmd, name).without_auto_connect();
            options.ticktime = Some(TICKTIME);
            Erl::start(&options)
        });
        let rust = Ours::start("rust", Ours::ticking(epmd.port(), TICKTIME, 4));
        for erl in [&flooding, &other] {
            rust.connect(erl.name());
            rust.expect_up(erl.name(), NodeType::Visible);
            assert!(erl.ping(rust.name()));
        }
        let (slow, quick) = (rust.mailbox("slow"), rust.mailbox("quick"));
        slow.set_bound(Some(Bound { messages: BOUND, bytes: usize::MAX, overflow }));
        Self { flooding, other, rust, slow, quick, _epmd: epmd }
    }

    /// Has a process, registered as `flooder`, monitor the slow one and send `{Number,Binary}` to it so often; then it tells the
    /// quick one, and the witness what it was told.
    fn flood(&self) {
        let node = self.rust.name();
        let flood = format!(
            "register(flooder, spawn(fun() ->
                 To = {{slow, '{node}'}}, monitor(process, To), B = binary:copy(<<7>>, 1024),
                 lists:foreach(fun(N) -> To ! {{N, B}} end, lists:seq(1, {MESSAGES})),
                 {{quick, '{node}'}} ! last,
                 witness ! {{flooder, receive {{'DOWN', _, process, _, Why}} -> Why end}}
             end)), ok"
        );
        assert_eq!(self.flooding.eval(&flood), "ok");
    }

    fn flooder_is(&self, status: &str) -> bool {
        let is = self.flooding.eval("process_info(whereis(flooder), status)");
        is == format!("{{status,{status}}}")
    }

    /// What a process of a node of Erlang sends to the quick one arrives.
    fn reaches_quick(&self, erl: &Erl, word: &str) {
        assert_eq!(erl.eval(&format!("{{quick, '{}'}} ! {word}, ok", self.rust.name())), "ok");
        assert_eq!(decoded(&next_message(&self.quick)).to_string(), word);
    }

    fn assert_links_are_up(&self) {
        let links =
            [&self.flooding, &self.other].map(|erl| (erl.name().to_owned(), NodeKind::Visible));
        assert_eq!(self.rust.nodes(), links);
        self.rust.expect_silence(Duration::ZERO);
    }
}

fn decoded(message: &[u8]) -> Term {
    Term::decode(message, &Limits::default()).unwrap()
}

fn number(message: &[u8]) -> i64 {
    decoded(message).as_tuple().unwrap()[0].as_i64().unwrap()
}

each_release_and_runtime! {
    //= docs/spec/process.md#process-mailbox-pause
    //= type=test
    #[test]
    fn who_floods_a_slow_process_is_suspended_and_nothing_is_lost(release: Release) {
        let stage = Stage::new(release, Overflow::Pause);
        stage.flood();
        eventually("it is full", || stage.slow.message_queue_len() >= BOUND);
        eventually("the sender is suspended", || stage.flooder_is("suspended"));
        // For longer than the ticktime: each side hears the other, or knows why it does not.
        thread::sleep(Duration::from_secs(u64::from(TICKTIME) * 3 / 2));
        assert!(stage.slow.message_queue_len() <= BOUND + READ);
        assert!(stage.flooder_is("suspended"));
        stage.reaches_quick(&stage.other, "on_another_link");
        stage.assert_links_are_up();
        for expected in 1..=MESSAGES {
            assert_eq!(number(&next_message(&stage.slow)), expected);
        }
        assert_eq!(decoded(&next_message(&stage.quick)).to_string(), "last");
        assert_eq!((stage.slow.message_queue_len(), stage.slow.messages_dropped()), (0, 0));
        stage.reaches_quick(&stage.flooding, "on_the_same_link");
        stage.assert_links_are_up();
    }

    //= docs/spec/process.md#process-mailbox-bound
    //= type=test
    #[test]
    fn a_flood_is_dropped_or_ends_its_receiver_and_all_else_goes_on(release: Release) {
        let stage = Stage::new(release, Overflow::DropNewest);
        stage.flood();
        assert_eq!(decoded(&next_message(&stage.quick)).to_string(), "last");
        let dropped = MESSAGES as u64 - BOUND as u64;
        assert_eq!((stage.slow.message_queue_len(), stage.slow.messages_dropped()), (BOUND, dropped));
        for expected in 1..=BOUND as i64 {
            assert_eq!(number(&next_message(&stage.slow)), expected);
        }
        stage.assert_links_are_up();
        // The same with another policy.
        stage.slow.set_bound(Some(Bound { messages: BOUND, bytes: usize::MAX, overflow: Overflow::Kill }));
        stage.slow.trap_exit(true).unwrap();
        let end = "R = monitor(process, flooder), exit(whereis(flooder), kill), receive {'DOWN', R, _, _, _} -> whereis(flooder) end";
        assert_eq!(stage.flooding.eval(end), "undefined");
        stage.flood();
        assert_eq!(decoded(&next_message(&stage.quick)).to_string(), "last");
        let told = stage.flooding.wait_event(GIVE_UP, |event| event.starts_with("{flooder,"));
        assert_eq!(told, "{flooder,killed}");
        let ended = stage.slow.recv_timeout(GIVE_UP);
        assert!(matches!(&ended, Some(Item::Process(ProcessEvent::Ended { reason })) if decoded(reason).to_string() == "killed"), "{ended:?}");
        stage.reaches_quick(&stage.flooding, "on_the_same_link");
        stage.assert_links_are_up();
    }
}
