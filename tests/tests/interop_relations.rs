//! Links, monitors, exit signals and aliases between Erlang's processes and ours.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not expected fails the test")]

use std::time::Instant;

use netkernel_blocking::core::net_kernel::{DistAutoConnect, NodeEvent};
use netkernel_blocking::core::term::{Atom, Limits, Pid, Reader, Term, write};
use netkernel_blocking::core::{Creation, NodeType};
use netkernel_blocking::{AliasOption, Item, MonitorAlias, MonitorOptions, ProcessEvent, Target};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, next_message, node_name, pid_expression};
use netkernel_tests::runtime::Mailbox;

/// A node of each kind, and a link between them.
fn linked(release: Release) -> (Epmd, Erl, Ours) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    rust.connect(erl.name());
    rust.expect_up(erl.name(), NodeType::Visible);
    assert!(erl.ping(rust.name()), "its own start of the link is over");
    (epmd, erl, rust)
}

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

/// A process of Erlang that runs `body` with its pid in `Self`, and its pid as we know it.
fn spawn(erl: &Erl, mailbox: &Mailbox, body: &str) -> Pid {
    let to = pid_expression(&mailbox.pid().unwrap());
    let spawn = format!("Rust = {to}, spawn(fun() -> Self = self(), Rust ! Self, {body} end), ok");
    assert_eq!(erl.eval(&spawn), "ok");
    let message = next_message(mailbox);
    let mut reader = Reader::new(&message);
    reader.version().unwrap();
    reader.pid().unwrap()
}

/// The next item, which must be an event of the process.
fn next_event(mailbox: &Mailbox) -> ProcessEvent {
    match mailbox.recv_timeout(GIVE_UP) {
        Some(Item::Process(event)) => event,
        other => panic!("no event of the process but {other:?}"),
    }
}

fn decoded(reason: &[u8]) -> Term {
    Term::decode(reason, &Limits::default()).unwrap()
}

fn expect_exit(mailbox: &Mailbox, who: &Pid, why: &str) {
    match next_event(mailbox) {
        ProcessEvent::Exit { from, reason } => {
            assert_eq!((&from, decoded(&reason)), (who, term(why)));
        }
        other => panic!("no exit signal but {other:?}"),
    }
}

fn expect_ended(mailbox: &Mailbox, why: &str) {
    for _ in 0..2 {
        match next_event(mailbox) {
            ProcessEvent::Ended { reason } => assert_eq!(decoded(&reason), term(why)),
            other => panic!("no end but {other:?}"),
        }
    }
    assert_eq!(mailbox.pid(), None);
}

/// That the monitor tells this.
fn expect_down(mailbox: &Mailbox, of: impl Into<Target>, why: &str, begin: impl FnOnce()) {
    let of = of.into();
    let monitor = mailbox.monitor(of.clone()).unwrap();
    begin();
    match next_event(mailbox) {
        ProcessEvent::Down { reference, object, reason, .. } => {
            assert_eq!((reference, object, decoded(&reason)), (monitor, of, term(why)));
        }
        other => panic!("no DOWN but {other:?}"),
    }
}

/// The external term of an atom.
fn message(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    term(text).encode(&mut out).unwrap();
    out
}

/// Waits for an event of this form, `{Tag,...}`.
fn told(erl: &Erl, tag: &str) -> String {
    erl.wait_event(GIVE_UP, |event| event.starts_with(&format!("{{{tag},")))
}

each_release_and_runtime! {
    //= docs/spec/process.md#process-link-received
    //= type=test
    //= docs/spec/process.md#process-trap-exit
    //= type=test
    //= docs/spec/process.md#process-end
    //= type=test
    #[test]
    fn erlang_links_and_monitors_ours(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let shop = rust.mailbox("shop");
        let mailbox = rust.mailbox("watched");
        let pid = pid_expression(&mailbox.pid().unwrap());
        let watch = format!(
            "process_flag(trap_exit, true), P = {pid}, link(P), R1 = monitor(process, P),
             R2 = monitor(process, {{watched, 'rust@127.0.0.1'}}), witness ! {{watches, now}},
             receive {{'EXIT', P, E}} ->
                 receive {{'DOWN', R1, process, P, D1}} -> ok end,
                 receive {{'DOWN', R2, process, O, D2}} -> witness ! {{saw, E, D1, O, D2}} end
             end"
        );
        let _ = spawn(&erl, &shop, &watch);
        told(&erl, "watches");
        // What they set up is here before their next message.
        erl.eval("{shop, 'rust@127.0.0.1'} ! done");
        let _ = next_message(&shop);
        eventually("the link is here", || mailbox.links().len() == 1);
        mailbox.terminate(&term("{bye,1}")).unwrap();
        assert_eq!(
            told(&erl, "saw"),
            "{saw,{bye,1},{bye,1},{watched,'rust@127.0.0.1'},{bye,1}}"
        );
        assert_eq!(rust.node.whereis("watched"), None);

        // A drop is a normal end, and a demonitor and an unlink are the end of it.
        let mailbox = rust.mailbox("watched");
        let pid = pid_expression(&mailbox.pid().unwrap());
        let watch = format!(
            "process_flag(trap_exit, true), P = {pid}, R = monitor(process, P), demonitor(R), link(P), unlink(P),
             R2 = monitor(process, P), witness ! {{watches, again}},
             receive M -> witness ! {{saw, element(1, M), element(5, M), element(2, M) =:= R2}} end"
        );
        let _ = spawn(&erl, &shop, &watch);
        told(&erl, "watches");
        assert_eq!(erl.eval("{shop, 'rust@127.0.0.1'} ! done, ok"), "ok");
        let _ = next_message(&shop);
        drop(mailbox);
        assert_eq!(told(&erl, "saw"), "{saw,'DOWN',normal,true}");
    }

    //= docs/spec/process.md#process-link
    //= type=test
    //= docs/spec/process.md#process-monitor
    //= type=test
    //= docs/spec/process.md#process-down
    //= type=test
    #[test]
    fn ours_link_and_monitor_those_of_erlang(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let shop = rust.mailbox("shop");
        shop.trap_exit(true).unwrap();
        let waits = "receive Why -> exit(Why) end";
        let b = node_name(erl.name());
        // Links.
        let pid = spawn(&erl, &shop, waits);
        shop.link(&pid).unwrap();
        assert_eq!(shop.links().first(), Some(&pid));
        shop.send(&pid, message("{bye,2}")).unwrap();
        expect_exit(&shop, &pid, "{bye,2}");
        shop.link(&pid).unwrap();
        expect_exit(&shop, &pid, "noproc");
        // Monitors by pid, and by name.
        let pid = spawn(&erl, &shop, waits);
        expect_down(&shop, pid.clone(), "bye", || shop.send(&pid, message("bye")).unwrap());
        expect_down(&shop, pid, "noproc", || {});
        let pid = spawn(&erl, &shop, &format!("register(it, Self), Rust ! go, {waits}"));
        let _ = next_message(&shop);
        let it = Target::Name(atom("it"), b);
        expect_down(&shop, it.clone(), "bye", || shop.send(&pid, message("bye")).unwrap());
        expect_down(&shop, it, "noproc", || {});
        // An unlink and a demonitor are the end of it, and a flush voids what has come.
        let pid = spawn(&erl, &shop, waits);
        shop.link(&pid).unwrap();
        let monitor = shop.monitor(pid.clone()).unwrap();
        assert!(shop.demonitor(&monitor, false) && !shop.demonitor(&monitor, false));
        shop.unlink(&pid).unwrap();
        let other = rust.mailbox("other");
        expect_down(&other, pid.clone(), "bye", || shop.send(&pid, message("bye")).unwrap());
        let gone = rust.node.mailbox();
        let monitor = shop.monitor(gone.pid().unwrap()).unwrap();
        drop(gone);
        assert!(!shop.demonitor(&monitor, true), "it has told");
        assert!(erl.ping(rust.name()), "what was under way is here");
        assert_eq!(shop.try_recv(), None);
        // Who does not trap exits ends with it.
        let pid = spawn(&erl, &other, waits);
        other.link(&pid).unwrap();
        shop.send(&pid, message("bye")).unwrap();
        expect_ended(&other, "bye");
    }

    //= docs/spec/process.md#process-exit-signal
    //= type=test
    //= docs/spec/process.md#process-exit-sent
    //= type=test
    //= docs/spec/process.md#process-kill
    //= type=test
    #[test]
    fn exit_signals_go_both_ways(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let [traps, dies, killed] = ["traps", "dies", "killed"].map(|name| rust.mailbox(name));
        traps.trap_exit(true).unwrap();
        killed.trap_exit(true).unwrap();
        let [to_traps, to_dies, to_killed] = [&traps, &dies, &killed].map(|mailbox| pid_expression(&mailbox.pid().unwrap()));
        let exits = format!(
            "exit({to_traps}, normal), exit({to_traps}, {{a, b}}), exit({to_dies}, normal), exit({to_dies}, bye),
             exit({to_killed}, kill)"
        );
        let from = spawn(&erl, &traps, &exits);
        expect_exit(&traps, &from, "normal");
        expect_exit(&traps, &from, "{a,b}");
        expect_ended(&dies, "bye");
        expect_ended(&killed, "killed");
        assert!(dies.send(&from, message("hello")).is_err(), "the dead send nothing");

        let own = pid_expression(&traps.pid().unwrap());
        let pid = spawn(&erl, &traps, &format!(
            "process_flag(trap_exit, true), witness ! {{ready, now}},
             [receive {{'EXIT', P, W}} -> witness ! {{got, P =:= {own}, W}} end || _ <- [1, 2]],
             receive never -> ok end"
        ));
        told(&erl, "ready");
        for why in ["normal", "{a,b}"] {
            traps.exit(&pid, &term(why)).unwrap();
            assert_eq!(told(&erl, "got"), format!("{{got,true,{why}}}"));
        }
        expect_down(&traps, pid.clone(), "killed", || traps.exit(&pid, &term("kill")).unwrap());
    }

    //= docs/spec/process.md#process-monitor-received
    //= type=test
    #[test]
    fn gen_server_calls_see_a_process(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let server = rust.mailbox("server");
        let call = "spawn(fun() -> witness ! {called, catch gen_server:call({server, 'rust@127.0.0.1'}, hello, infinity)} end), ok";
        assert_eq!(erl.eval(call), "ok");
        // {'$gen_call',{From,Tag},hello}
        let asked = next_message(&server);
        let mut reader = Reader::new(&asked);
        reader.version().unwrap();
        assert_eq!((reader.tuple(), &*reader.atom().unwrap(), reader.tuple()), (Ok(3), "$gen_call", Ok(2)));
        let from = reader.pid().unwrap();
        let tag = reader.raw().unwrap();
        let mut answer = Vec::new();
        write::version(&mut answer);
        write::tuple(&mut answer, 2);
        answer.extend_from_slice(tag);
        write::atom(&mut answer, &atom("world"));
        server.send(&from, answer).unwrap();
        assert_eq!(told(&erl, "called"), "{called,world}");
        // Who ends instead of answering is seen to end.
        assert_eq!(erl.eval(call), "ok");
        let _ = next_message(&server);
        server.terminate(&term("busy")).unwrap();
        assert_eq!(
            told(&erl, "called"),
            "{called,{'EXIT',{busy,{gen_server,call,[{server,'rust@127.0.0.1'},hello,infinity]}}}}"
        );
    }

    //= docs/spec/process.md#process-loss
    //= type=test
    //= docs/spec/process.md#process-loss-order
    //= type=test
    //= docs/spec/process.md#process-monitor-node
    //= type=test
    #[test]
    fn all_that_a_lost_node_had_ends_before_nodedown(release: Release) {
        let (_epmd, mut erl, rust) = linked(release);
        let shop = rust.mailbox("shop");
        shop.trap_exit(true).unwrap();
        let other = rust.mailbox("other");
        let pid = spawn(&erl, &shop, &format!("P = {}, link(P), Rust ! ok, receive never -> ok end",
            pid_expression(&other.pid().unwrap())));
        let _ = next_message(&shop);
        shop.monitor_nodes(true, MonitorOptions::ALL);
        shop.monitor_node(&node_name(erl.name()), true).unwrap();
        shop.monitor_node(&node_name(erl.name()), true).unwrap();
        let monitor = shop.monitor(pid.clone()).unwrap();
        shop.link(&pid).unwrap();
        erl.signal(Signal::Kill);
        erl.wait_end();
        expect_exit(&shop, &pid, "noconnection");
        match next_event(&shop) {
            ProcessEvent::Down { reference, .. } => assert_eq!(reference, monitor),
            other => panic!("{other:?}"),
        }
        for _ in 0..2 {
            assert_eq!(next_event(&shop), ProcessEvent::NodeDown(node_name(erl.name())));
        }
        assert!(matches!(shop.recv_timeout(GIVE_UP), Some(Item::Event(NodeEvent::NodeDown { .. }))));
        assert_eq!(shop.try_recv(), None);
        expect_ended(&other, "noconnection");
    }

    //= docs/spec/process.md#process-loss
    //= type=test
    #[test]
    fn erlang_sees_ours_lost(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let shop = rust.mailbox("shop");
        let _ = spawn(&erl, &shop, "process_flag(trap_exit, true), link(Rust), R = monitor(process, Rust),
            Rust ! ok, monitor_node('rust@127.0.0.1', true),
            receive {'EXIT', Rust, E} -> receive {'DOWN', R, process, Rust, D} ->
                receive {nodedown, N} -> witness ! {saw, E, D, N} end end end");
        let _ = next_message(&shop);
        eventually("the link is here", || shop.links().len() == 1);
        rust.node.disconnect_node(&node_name(erl.name()));
        assert_eq!(told(&erl, "saw"), "{saw,noconnection,noconnection,'rust@127.0.0.1'}");
        // Here the link has ended, too.
        expect_ended(&shop, "noconnection");
    }

    //= docs/spec/process.md#process-unlink
    //= type=test
    //= docs/spec/process.md#process-unlink-received
    //= type=test
    //= docs/spec/process.md#process-unlink-ack
    //= type=test
    #[test]
    fn unlinks_that_cross_leave_both_sides_of_one_mind(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let shop = rust.mailbox("shop");
        shop.trap_exit(true).unwrap();
        for ends_linked in [true, false] {
            let last = if ends_linked { "link(Rust)" } else { "unlink(Rust)" };
            let pid = spawn(&erl, &shop, &format!(
                "[begin link(Rust), unlink(Rust) end || _ <- lists:seq(1, 500)], {last}, Rust ! done,
                 receive stop -> {{links, L}} = process_info(self(), links), witness ! {{linked, lists:member(Rust, L)}} end,
                 exit(bye)"
            ));
            for _ in 0..500 {
                shop.link(&pid).unwrap();
                shop.unlink(&pid).unwrap();
            }
            let _ = next_message(&shop);
            if ends_linked {
                // Their last LINK may have crossed our last UNLINK_ID, and be void.
                shop.link(&pid).unwrap();
            } else {
                shop.unlink(&pid).unwrap();
            }
            let stop = || shop.send(&pid, message("stop")).unwrap();
            if ends_linked {
                stop();
                expect_exit(&shop, &pid, "bye");
            } else {
                expect_down(&shop, pid.clone(), "bye", stop);
            }
            assert_eq!(told(&erl, "linked"), format!("{{linked,{ends_linked}}}"));
            assert!(shop.links().is_empty());
        }
        assert_eq!(rust.nodes().len(), 1, "the link between the nodes has lived on");
    }

    //= docs/spec/process.md#process-alias
    //= type=test
    //= docs/spec/process.md#process-alias-reply
    //= type=test
    #[test]
    fn aliases_are_reached_both_ways(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let shop = rust.mailbox("shop");
        let pid = spawn(&erl, &shop, "F = fun F() -> receive {to, A} -> A ! one, A ! two, Rust ! sent, F() end end, F()");
        let ask = |alias: &netkernel_blocking::core::term::Reference| {
            let mut out = Vec::new();
            write::version(&mut out);
            write::tuple(&mut out, 2);
            write::atom(&mut out, &atom("to"));
            write::reference(&mut out, alias);
            shop.send(&pid, out).unwrap();
        };
        let explicit = shop.alias(AliasOption::ExplicitUnalias).unwrap();
        let reply = shop.alias(AliasOption::Reply).unwrap();
        let monitor = shop.monitor_with_alias(pid.clone(), MonitorAlias::ReplyDemonitor).unwrap();
        for (alias, expected) in [(&explicit, &["one", "two"][..]), (&reply, &["one"]), (&monitor, &["one"])] {
            ask(alias);
            for text in expected.iter().chain(&["sent"]) {
                assert_eq!(next_message(&shop), message(text));
            }
        }
        assert!(shop.unalias(&explicit) && !shop.unalias(&reply));
        assert!(!shop.demonitor(&monitor, false), "the reply has ended it");
        ask(&explicit);
        assert_eq!(next_message(&shop), message("sent"));
        // Theirs.
        let pid = spawn(&erl, &shop, "A = alias([reply]), Rust ! A, receive M -> witness ! {got, M} end, receive stop -> ok end");
        let told_alias = next_message(&shop);
        let mut reader = Reader::new(&told_alias);
        reader.version().unwrap();
        let alias = reader.reference().unwrap();
        shop.send_to_alias(&alias, message("hello")).unwrap();
        assert_eq!(told(&erl, "got"), "{got,hello}");
        expect_down(&shop, pid.clone(), "bye", || shop.exit(&pid, &term("bye")).unwrap());
    }

    //= docs/spec/process.md#process-link
    //= type=test
    //= docs/spec/process.md#process-monitor
    //= type=test
    //= docs/spec/process.md#process-monitor-node
    //= type=test
    #[test]
    fn links_and_monitors_connect_or_tell_noconnection(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let shop = rust.mailbox("shop");
        shop.trap_exit(true).unwrap();
        let (b, nobody) = (node_name(erl.name()), node_name("nobody@127.0.0.1"));
        let begin = Instant::now();
        // To a node that is there: what is sent first waits for the link.
        for step in 0..3 {
            match step {
                0 => expect_down(&shop, Target::Name(atom("nobody"), b.clone()), "noproc", || {}),
                1 => shop.monitor_node(&b, true).unwrap(),
                _ => {
                    // EPMD may have given both nodes the same creation: ours would be a process there.
                    let (node, creation) = (atom(erl.name()), Creation(1));
                    let pid = Pid { node, creation, ..shop.pid().unwrap() };
                    shop.link(&pid).unwrap();
                    expect_exit(&shop, &pid, "noproc");
                }
            }
            rust.expect_up(erl.name(), NodeType::Visible);
            assert!(erl.ping(rust.name()));
            assert_eq!(rust.node.disconnect_node(&b), Some(true));
            let _ = rust.next_event();
            if step == 1 {
                assert_eq!(next_event(&shop), ProcessEvent::NodeDown(b.clone()));
            }
        }
        // To one that is not.
        let pid = Pid { node: atom("nobody@127.0.0.1"), ..shop.pid().unwrap() };
        shop.link(&pid).unwrap();
        expect_exit(&shop, &pid, "noconnection");
        expect_down(&shop, pid.clone(), "noconnection", || {});
        shop.monitor_node(&nobody, true).unwrap();
        assert_eq!(next_event(&shop), ProcessEvent::NodeDown(nobody));
        shop.exit(&pid, &term("bye")).unwrap();
        assert!(begin.elapsed() < GIVE_UP);

        // dist_auto_connect = never.
        let mut config = Ours::config(epmd.port());
        config.kernel.auto_connect = DistAutoConnect::Never;
        let never = Ours::start("never", config);
        let shy = never.mailbox("shy");
        shy.trap_exit(true).unwrap();
        expect_down(&shy, Target::Name(atom("witness"), b.clone()), "noconnection", || {});
        let pid = Pid { node: atom(erl.name()), ..shy.pid().unwrap() };
        shy.link(&pid).unwrap();
        expect_exit(&shy, &pid, "noconnection");
        shy.monitor_node(&b, true).unwrap();
        assert_eq!(next_event(&shy), ProcessEvent::NodeDown(b));
        assert!(never.nodes().is_empty());
    }
}
