//! Links with real nodes: made from either side, hidden and visible, proved by cookies, and ended.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::thread;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::epmd::LookupError;
use netkernel_blocking::core::handshake::{Failure, Stage};
use netkernel_blocking::core::net_kernel::{ConnectError, Diagnostic, NodeDownReason};
use netkernel_blocking::{NodeKind, PingError};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, cookie, node_name};
use netkernel_tests::seen::{saw_down, saw_up};

const RUST: &str = "rust@127.0.0.1";

each_release_and_runtime! {
    #[test]
    fn links_are_visible_if_both_sides_wish_it(release: Release) {
        let epmd = Epmd::start(release);
        let options = |name| ErlOptions::new(release, &epmd, name).without_auto_connect();
        let visible = Erl::start(&options("visible"));
        let hidden = Erl::start(&ErlOptions { hidden: true, ..options("hidden") });
        let ours = [
            Ours::start("rust", Ours::config(epmd.port())),
            Ours::start_hidden("shy", Ours::config(epmd.port())),
        ];
        for (our, we_hide) in ours.iter().zip([false, true]) {
            for (erl, they_hide) in [(&visible, false), (&hidden, true)] {
                let node_type =
                    if we_hide || they_hide { NodeType::Hidden } else { NodeType::Visible };
                let us = our.name();
                for we_dial in [true, false] {
                    if we_dial {
                        our.connect(erl.name());
                    } else {
                        assert_eq!(erl.eval(&format!("net_kernel:connect_node('{us}')")), "true");
                    }
                    our.expect_up(erl.name(), node_type);
                    saw_up(erl, our, node_type);
                    assert_eq!(our.nodes(), [(erl.name().to_owned(), NodeKind::from(node_type))]);
                    let (shown, not_shown) = match node_type {
                        NodeType::Visible => ("visible", "hidden"),
                        NodeType::Hidden => ("hidden", "visible"),
                    };
                    let seen = erl.eval(&format!("{{nodes({shown}), nodes({not_shown})}}"));
                    assert_eq!(seen, format!("{{['{us}'],[]}}"));

                    // Whoever ends it knows that it did, the other side only that it is over.
                    if we_dial {
                        assert_eq!(our.node.disconnect_node(&node_name(erl.name())), Some(true));
                        our.expect_down(erl.name(), NodeDownReason::Disconnect);
                        saw_down(erl, our, "connection_closed");
                    } else {
                        assert_eq!(erl.eval(&format!("erlang:disconnect_node('{us}')")), "true");
                        saw_down(erl, our, "disconnect");
                        our.expect_down(erl.name(), NodeDownReason::ConnectionClosed);
                    }
                    assert_eq!((our.nodes(), erl.eval("nodes(connected)")), (vec![], "[]".into()));
                }
            }
        }
    }

    //= docs/spec/channel.md#ch-ping
    //= type=test
    //= docs/spec/channel.md#ch-is-auth
    //= type=test
    #[test]
    fn pings_are_answered_both_ways(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let b = node_name(erl.name());

        assert!(erl.ping(RUST), "it has made the link, too");
        assert!(rust.node.disconnect_node(&b).is_some());
        rust.expect_up(erl.name(), NodeType::Visible);
        rust.expect_down(erl.name(), NodeDownReason::Disconnect);
        rust.node.ping(&b, GIVE_UP).unwrap();
        rust.expect_up(erl.name(), NodeType::Visible);

        // Both at once, and quickly.
        thread::scope(|scope| {
            scope.spawn(|| {
                let all = format!("lists:usort([net_adm:ping('{RUST}') || _ <- lists:seq(1, 200)])");
                assert_eq!(erl.eval(&all), "[pong]");
            });
            for _ in 0..200 {
                rust.node.ping(&b, GIVE_UP).unwrap();
            }
        });
        // What a visible Erlang node says to a new one (`rex`, `global`) makes neither side give up the link.
        rust.expect_silence(Duration::from_secs(1));
        assert_eq!(rust.nodes(), [(erl.name().to_owned(), NodeKind::Visible)]);
        assert_eq!(erl.eval("nodes()"), format!("['{RUST}']"));

        let absent = rust.node.ping(&node_name("absent@127.0.0.1"), GIVE_UP);
        let unknown = ConnectError::Lookup(LookupError::NotRegistered);
        assert_eq!(absent, Err(PingError::Connect(unknown)));
        assert!(!erl.ping("absent@127.0.0.1"));
    }

    #[test]
    fn a_wrong_cookie_makes_no_link(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions {
            cookie: "other".to_owned(),
            ..ErlOptions::new(release, &epmd, "b")
        });
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let b = node_name(erl.name());

        assert_eq!(rust.node.connect_node(b.clone()), Err(ConnectError::PeerClosed(Stage::Ack)));
        let failed = rust.wait_diagnostic(|told| matches!(told, Diagnostic::ConnectFailed { .. }));
        assert!(failed.to_string().contains("cookie"), "{failed}");

        assert_eq!(erl.eval(&format!("net_kernel:connect_node('{RUST}')")), "false");
        let refused = rust.wait_diagnostic(|told| matches!(told, Diagnostic::AcceptFailed { .. }));
        let bad = ConnectError::Handshake(Failure::BadCookie);
        assert!(
            matches!(&refused, Diagnostic::AcceptFailed { name: Some(name), error }
                if name.as_bytes() == erl.name().as_bytes() && *error == bad),
            "{refused:?}"
        );
        assert!(!erl.ping(RUST));
        rust.expect_silence(Duration::ZERO);
        assert_eq!(erl.events(), Vec::<String>::new());

        // Our cookie for that node alone, then theirs for us alone.
        rust.node.set_cookie(b.clone(), cookie("other"));
        rust.connect(erl.name());
        rust.expect_up(erl.name(), NodeType::Visible);
        saw_up(&erl, &rust, NodeType::Visible);
        assert_eq!(rust.node.disconnect_node(&b), Some(true));
        rust.expect_down(erl.name(), NodeDownReason::Disconnect);
        saw_down(&erl, &rust, "connection_closed");

        let third = Ours::start("third", Ours::config(epmd.port()));
        assert_eq!(erl.eval(&format!("net_kernel:connect_node('{}')", third.name())), "false");
        assert_eq!(erl.eval(&format!("erlang:set_cookie('{}', secret)", third.name())), "true");
        assert_eq!(erl.eval(&format!("net_kernel:connect_node('{}')", third.name())), "true");
        third.expect_up(erl.name(), NodeType::Visible);
        third.node.ping(&b, GIVE_UP).unwrap();
    }

    //= docs/spec/kernel.md#kernel-simultaneous
    //= type=test
    #[test]
    fn simultaneous_connects_make_one_link(release: Release) {
        let epmd = Epmd::start(release);
        let options = |name| ErlOptions::new(release, &epmd, name).without_auto_connect();
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        // One name is less than ours, the other greater: they win in turn.
        for (name, overlap) in [("a", "ok_pending"), ("z", "nok_pending")] {
            let erl = Erl::start(&options(name));
            erl.eval(NOTE_ADMISSIONS);
            let mut overlaps = 0;
            for round in 0..1000 {
                if round >= 200 && overlaps > 0 {
                    break;
                }
                let both = thread::scope(|scope| {
                    let theirs = scope.spawn(|| {
                        erl.eval(&format!("net_kernel:connect_node('{RUST}')"))
                    });
                    // Erlang has to parse first. So the attempts overlap now more, now less.
                    thread::sleep(Duration::from_micros(100) * (round % 25));
                    let ours = rust.node.connect_node(node_name(erl.name()));
                    (ours, theirs.join().unwrap())
                });
                // A call may fail, as between Erlang's nodes: the losing attempt of the round before, if it is seen only
                // now, is waited for, and it is dead. Whoever asks again gets the link.
                let expected = matches!(&both.0, Ok(()) | Err(ConnectError::PeerClosed(_)));
                assert!(expected, "round {round} with {name}: {both:?}");
                let at_once = both.0.is_ok() && both.1 == "true";
                if both.0.is_err() {
                    rust.connect(erl.name());
                }
                if both.1 != "true" {
                    assert_eq!(erl.eval(&format!("net_kernel:connect_node('{RUST}')")), "true");
                }
                rust.expect_up(erl.name(), NodeType::Visible);
                saw_up(&erl, &rust, NodeType::Visible);
                assert_eq!(rust.nodes(), [(erl.name().to_owned(), NodeKind::Visible)]);
                assert_eq!(erl.eval("nodes()"), format!("['{RUST}']"));
                // What Erlang answered our attempt while its own was pending, and whose attempt the link then is.
                let admissions = erl.eval("witness_admissions ! {take, self()}, receive {taken, All} -> All end");
                if at_once && admissions == format!("[{overlap}]") {
                    overlaps += 1;
                    let dialled: u16 = erl.eval(PORT_OF_LINK).parse().unwrap();
                    let theirs = dialled == rust.port();
                    assert_eq!(theirs, name == "z", "round {round}: the greater name's attempt wins");
                }
                if round % 2 == 0 {
                    assert_eq!(rust.node.disconnect_node(&node_name(erl.name())), Some(true));
                    rust.expect_down(erl.name(), NodeDownReason::Disconnect);
                    saw_down(&erl, &rust, "connection_closed");
                } else {
                    assert_eq!(erl.eval(&format!("erlang:disconnect_node('{RUST}')")), "true");
                    rust.expect_down(erl.name(), NodeDownReason::ConnectionClosed);
                    saw_down(&erl, &rust, "disconnect");
                }
            }
            assert!(overlaps > 0, "no attempts overlapped with {name}");
        }
        rust.expect_silence(Duration::ZERO);
    }
}

/// A process that notes how `net_kernel` answers those who ask for admission, until it is asked for them.
const NOTE_ADMISSIONS: &str = "Self = self(), \
    spawn(fun() -> \
        register(witness_admissions, self()), \
        erlang:trace(whereis(net_kernel), true, [send]), \
        Self ! traced, \
        (fun Loop(All) -> \
            receive \
                {trace, _, send, {_, {accept_pending, What}}, _} -> Loop([What | All]); \
                {take, Who} -> Who ! {taken, lists:reverse(All)}, Loop([]); \
                _ -> Loop(All) \
            end \
        end)([]) \
    end), \
    receive traced -> ok end";

/// The port at the other end of the link with us: our listener's, if Erlang dialled.
const PORT_OF_LINK: &str = "{ok, Info} = net_kernel:node_info('rust@127.0.0.1'), \
    {net_address, {_, Port}, _, _, _} = proplists:get_value(address, Info), Port";
