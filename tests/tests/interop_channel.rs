//! Large messages in fragments, and atoms out of caches, with real nodes.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::term::{Atom, Limits, Term};
use netkernel_blocking::{Item, NodeConfig};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release, Signal};
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::runtime::Mailbox;

/// Bytes of the binary in a large message: 64 MiB and a little.
const LARGE: usize = PERIOD * 267_366;
/// It is made of the bytes from 0 on, over and over: a prime number of them, so that no fragment is like another.
const PERIOD: usize = 251;
/// The same in Erlang.
const LARGE_IN_ERLANG: &str = "binary:copy(list_to_binary(lists:seq(0, 250)), 267366)";
/// Of a large message, on a machine that is busy with others.
const GIVE_UP: Duration = Duration::from_secs(200);
/// `net_ticktime`, in seconds, and `net_tickintensity`.
const TICKTIME: (u32, u16) = (8, 4);
/// A link on which no ticks come is down before this.
const LONGEST_WITHOUT_TICKS: Duration = Duration::from_secs(10);

fn linked(
    release: Release,
    config: impl FnOnce(u16) -> NodeConfig,
    ticktime: Option<u32>,
) -> (Epmd, Erl, Ours) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions { ticktime, ..ErlOptions::new(release, &epmd, "b") });
    let rust = Ours::start("rust", config(epmd.port()));
    rust.connect(erl.name());
    rust.expect_up(erl.name(), NodeType::Visible);
    (epmd, erl, rust)
}

fn encoded(term: &str) -> Vec<u8> {
    let mut out = Vec::new();
    term.parse::<Term>().unwrap().encode(&mut out).unwrap();
    out
}

fn decoded(message: &[u8]) -> Term {
    Term::decode(message, &Limits::default()).unwrap()
}

fn large() -> Bytes {
    let mut term = Vec::with_capacity(LARGE + 6);
    term.extend_from_slice(&[131, 109]);
    term.extend_from_slice(&(LARGE as u32).to_be_bytes());
    term.extend((0..LARGE).map(|at| (at % PERIOD) as u8));
    term.into()
}

fn next_message(mailbox: &Mailbox) -> Bytes {
    match mailbox.recv_timeout(GIVE_UP) {
        Some(Item::Message(message)) => message,
        other => panic!("no message but {other:?}"),
    }
}

/// That the link has never been down.
fn assert_still_up(rust: &Ours, erl: &Erl) {
    rust.expect_silence(Duration::ZERO);
    let events = erl.events();
    assert!(!events.iter().any(|event| event.starts_with("{nodedown,")), "{events:?}");
}

each_release_and_runtime! {
    /// While Erlang stands still, only a part of the large message fits into the buffers of the system.
    //= docs/spec/channel.md#ch-lanes
    //= type=test
    //= docs/spec/channel.md#ch-fragment-send
    //= type=test
    #[test]
    fn a_small_message_of_another_sender_arrives_before_a_large_one_of_ours(release: Release) {
        let (_epmd, erl, rust) = linked(release, Ours::config, None);
        let (writer, other) = (rust.mailbox("writer"), rust.mailbox("other"));
        erl.eval(
            "register(sink, spawn(fun() -> \
                 Loop = fun Next() -> receive \
                     Large when is_binary(Large) -> {writer, 'rust@127.0.0.1'} ! erlang:md5(Large); \
                     Small -> {writer, 'rust@127.0.0.1'} ! Small \
                 end, Next() end, Loop() end))",
        );
        let md5 = erl.eval(&format!("erlang:md5({LARGE_IN_ERLANG})"));
        let (sink, to) = (Atom::new("sink").unwrap(), node_name(erl.name()));
        erl.signal(Signal::Stop);
        writer.send_to_name(&sink, &to, large()).unwrap();
        other.send_to_name(&sink, &to, encoded("other")).unwrap();
        erl.signal(Signal::Continue);
        writer.send_to_name(&sink, &to, encoded("writer")).unwrap();
        let answers = [(); 3].map(|()| decoded(&next_message(&writer)));
        assert_eq!(answers, [encoded("other"), encoded(&md5), encoded("writer")].map(|term| decoded(&term)));
        assert_still_up(&rust, &erl);
    }

    /// All that ours sends meanwhile is ticks. Who of Erlang's processes is served when is Erlang's choice, so large ones are sent until
    /// one was overtaken.
    //= docs/spec/channel.md#ch-fragment
    //= type=test
    //= docs/spec/channel.md#ch-writer-tick
    //= type=test
    #[test]
    fn small_messages_and_ticks_go_on_while_erlang_sends_large_ones(release: Release) {
        let (seconds, intensity) = TICKTIME;
        let ticking = |epmd| Ours::ticking(epmd, seconds, intensity);
        let (_epmd, erl, rust) = linked(release, ticking, Some(seconds));
        let mixed = rust.mailbox("mixed");
        erl.eval(
            "register(smalls, spawn(fun() -> \
                 Loop = fun Next(N) -> {mixed, 'rust@127.0.0.1'} ! {small, N}, \
                     receive stop -> ok after 1 -> Next(N + 1) end end, Loop(1) end))",
        );
        erl.eval(&format!("persistent_term:put(large, {LARGE_IN_ERLANG})"));
        let (expected, began) = (large(), Instant::now());
        let (mut last, mut overtaken) = (0, false);
        while !overtaken || began.elapsed() < LONGEST_WITHOUT_TICKS {
            assert!(began.elapsed() < GIVE_UP, "no small message passed");
            erl.eval("spawn(fun() -> To = {mixed, 'rust@127.0.0.1'}, To ! 'begin', To ! persistent_term:get(large) end)");
            let mut begun = false;
            loop {
                let message = next_message(&mixed);
                if message.len() == expected.len() {
                    assert!(begun && message == expected, "behind what its sender sent before");
                    break;
                }
                let term = decoded(&message);
                let Some([_, number]) = term.as_tuple() else {
                    assert_eq!(term.to_string(), "'begin'");
                    begun = true;
                    continue;
                };
                last += 1;
                assert_eq!(number.to_string(), last.to_string(), "in order");
                overtaken |= begun;
            }
        }
        erl.eval("smalls ! stop");
        assert_still_up(&rust, &erl);
    }

    /// All that Erlang sends meanwhile is ticks.
    //= docs/spec/channel.md#ch-lanes
    //= type=test
    //= docs/spec/channel.md#ch-fragment-send
    //= type=test
    #[test]
    fn small_messages_and_ticks_go_on_while_ours_sends_large_ones(release: Release) {
        let (seconds, intensity) = TICKTIME;
        let ticking = |epmd| Ours::ticking(epmd, seconds, intensity);
        let (_epmd, erl, rust) = linked(release, ticking, Some(seconds));
        let (writer, other) = (rust.mailbox("writer"), rust.mailbox("other"));
        erl.eval(&format!("persistent_term:put(large, {LARGE_IN_ERLANG})"));
        // How many large ones came, how many small ones, whether one of these came where a large one was due, and what was wrong.
        erl.eval(
            "register(sink, spawn(fun() -> \
                 Loop = fun Next(Larges, Smalls, Due, Overtaken, Wrong) -> receive \
                     {ask, From} -> From ! {sink, Larges, Smalls, Overtaken, Wrong}, Next(Larges, Smalls, Due, Overtaken, Wrong); \
                     start when not Due -> Next(Larges, Smalls, true, Overtaken, Wrong); \
                     {small, N} when N =:= Smalls + 1 -> Next(Larges, N, Due, Overtaken orelse Due, Wrong); \
                     Large when is_binary(Large), Due -> \
                         Same = Large =:= persistent_term:get(large), \
                         Next(Larges + 1, Smalls, false, Overtaken, Wrong orelse not Same); \
                     _ -> Next(Larges, Smalls, Due, Overtaken, true) \
                 end end, Loop(0, 0, false, false, false) end))",
        );
        let asked = || erl.eval("sink ! {ask, self()}, receive {sink, L, S, O, W} -> {L, S, O, W} end");
        let (sink, to) = (Atom::new("sink").unwrap(), node_name(erl.name()));
        let (large, began, done) = (large(), Instant::now(), AtomicBool::new(false));
        let (larges, smalls) = std::thread::scope(|scope| {
            let small = scope.spawn(|| {
                let mut sent = 0;
                while !done.load(Ordering::Relaxed) {
                    sent += 1;
                    other.send_to_name(&sink, &to, encoded(&format!("{{small,{sent}}}"))).unwrap();
                    std::thread::sleep(Duration::from_millis(1));
                }
                sent
            });
            let mut larges = 0;
            while began.elapsed() < LONGEST_WITHOUT_TICKS
                || !asked().ends_with(",true,false}") && began.elapsed() < GIVE_UP
            {
                writer.send_to_name(&sink, &to, encoded("start")).unwrap();
                writer.send_to_name(&sink, &to, large.clone()).unwrap();
                larges += 1;
            }
            done.store(true, Ordering::Relaxed);
            (larges, small.join().unwrap())
        });
        // In order, whole, and small ones have passed large ones.
        let expected = format!("{{{larges},{smalls},true,false}}");
        let (mut told, began) = (asked(), Instant::now());
        while told != expected && began.elapsed() < GIVE_UP {
            std::thread::sleep(Duration::from_millis(100));
            told = asked();
        }
        assert_eq!(told, expected);
        assert_still_up(&rust, &erl);
    }

    //= docs/spec/channel.md#ch-header-atoms
    //= type=test
    #[test]
    fn thousands_of_atoms_in_rounds_arrive_through_the_cache(release: Release) {
        const MESSAGES: usize = 3000;
        let (_epmd, erl, rust) = linked(release, Ours::config, None);
        let shop = rust.mailbox("shop");
        let mixed = |number: usize| match number % 50 {
            0 => format!("{number:0>255}"),
            1 => format!("{}{number}", "\u{20AC}".repeat(200)),
            2 => format!("\u{E9}{number}"),
            _ => format!("a{number}"),
        };
        erl.eval(&format!(
            "Text = fun(N) -> D = integer_to_list(N), case N rem 50 of \
                 0 -> lists:duplicate(255 - length(D), $0) ++ D; \
                 1 -> lists:duplicate(200, 16#20AC) ++ D; \
                 2 -> [16#E9 | D]; \
                 _ -> [$a | D] end end, \
             spawn(fun() -> [{{shop, 'rust@127.0.0.1'}} ! \
                 [list_to_atom(Text((K * 7 + J * 13) rem 5000)) || J <- lists:seq(0, (K rem 10) * (K rem 40))] \
                 || K <- lists:seq(1, {MESSAGES})] end)"
        ));
        for k in 1..=MESSAGES {
            let message = next_message(&shop);
            let atoms = (0..=(k % 10) * (k % 40)).map(|j| mixed((k * 7 + j * 13) % 5000));
            let atoms = atoms.map(|text| Term::Atom(Atom::new(&text).unwrap())).collect::<Vec<_>>();
            assert_eq!(decoded(&message), Term::list(atoms), "message {k}");
        }
        assert_still_up(&rust, &erl);
    }
}
