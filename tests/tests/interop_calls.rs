//! What Erlang's processes ask of ours: messages both ways, and calls to processes that we do not have. Nobody hangs.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::net_kernel::NodeDownReason;
use netkernel_blocking::core::term::{Atom, write};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, next_message, node_name, pid_expression, term_expression};
use netkernel_tests::runtime::Mailbox;

/// A node of each kind, and a visible link between them.
fn linked(release: Release) -> (Epmd, Erl, Ours) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    rust.connect(erl.name());
    rust.expect_up(erl.name(), NodeType::Visible);
    (epmd, erl, rust)
}

/// Sends to a registered process of an Erlang node.
fn send(mailbox: &Mailbox, name: &str, erl: &Erl, message: Vec<u8>) {
    let name = Atom::new(name).unwrap();
    mailbox.send_to_name(&name, &node_name(erl.name()), message).unwrap();
}

/// The external term of an integer.
fn integer(value: i64) -> Vec<u8> {
    let mut term = Vec::new();
    write::version(&mut term);
    write::integer(&mut term, value);
    term
}

each_release_and_runtime! {
    //= docs/spec/channel.md#ch-send
    //= type=test
    #[test]
    fn any_term_arrives_and_comes_back(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let shop = rust.mailbox("shop");
        let pid = pid_expression(&shop.pid().unwrap());
        let large = "binary:copy(<<\"0123456789abcdef\">>, 65536)"; // 1 MiB
        for term in [
            "hello",
            "'ünïcode \\x{1F40C}'",
            "{1, -1, 255, 256, 1 bsl 31, -(1 bsl 200), 1.5}",
            "[a | b]",
            "\"a string\"",
            "[]",
            "{<<>>, <<1, 2, 3>>, <<5:3>>}",
            "#{a => 1, {b} => [#{}]}",
            "[self(), make_ref(), hd(erlang:ports())]",
            "{fun lists:map/2, fun(X) -> X end}",
            large,
        ] {
            for to in ["{shop, 'rust@127.0.0.1'}", &pid] {
                // Only what our mailbox has received comes back, through `judge`.
                let sent = format!(
                    "Judge = spawn(fun() ->
                         true = register(judge, self()),
                         Term = {term},
                         {to} ! Term,
                         receive Back -> witness ! {{judged, Back =:= Term}} end
                     end),
                     is_pid(Judge)"
                );
                assert_eq!(erl.eval(&sent), "true");
                let message = next_message(&shop);
                if term != large {
                    let read = format!("{} =:= {term}", term_expression(&message));
                    let identical = !term.contains("fun(") && !term.contains("self()");
                    assert!(!identical || erl.eval(&read) == "true", "{read}");
                }
                send(&shop, "judge", &erl, message);
                let judged = erl.wait_event(GIVE_UP, |event| event.starts_with("{judged,"));
                assert_eq!(judged, "{judged,true}", "{term}");
            }
        }
    }

    #[test]
    fn many_messages_keep_their_order(release: Release) {
        const MESSAGES: i64 = 10_000;
        let (_epmd, erl, rust) = linked(release);
        let shop = rust.mailbox("shop");
        let theirs = format!(
            "[{{shop, 'rust@127.0.0.1'}} ! N || N <- lists:seq(1, {MESSAGES})], ok"
        );
        assert_eq!(erl.eval(&theirs), "ok");
        for number in 1..=MESSAGES {
            assert_eq!(next_message(&shop), integer(number));
        }

        let collector = format!(
            "spawn(fun() ->
                 register(collector, self()),
                 witness ! ready,
                 All = [receive M -> M end || _ <- lists:seq(1, {MESSAGES})],
                 witness ! {{collected, All =:= lists:seq(1, {MESSAGES})}}
             end), ok"
        );
        assert_eq!(erl.eval(&collector), "ok");
        erl.wait_event(GIVE_UP, |event| event == "ready");
        for number in 1..=MESSAGES {
            send(&shop, "collector", &erl, integer(number));
        }
        let collected = erl.wait_event(GIVE_UP, |event| event.starts_with("{collected,"));
        assert_eq!(collected, "{collected,true}");
    }

    //= docs/spec/process.md#process-monitor-noproc
    //= type=test
    //= docs/spec/process.md#process-link-noproc
    //= type=test
    #[test]
    fn calls_to_nobody_fail_at_once(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        // One that has ended.
        let gone = rust.mailbox("gone");
        let pid = pid_expression(&gone.pid().unwrap());
        drop(gone);
        // Without time limits in them: what is not answered fails the test.
        for (call, result) in [
            (
                "catch gen_server:call({nosuch, 'rust@127.0.0.1'}, x, infinity)",
                "{'EXIT',{noproc,{gen_server,call,[{nosuch,'rust@127.0.0.1'},x,infinity]}}}",
            ),
            (
                "R = erlang:monitor(process, {nosuch, 'rust@127.0.0.1'}),
                 receive {'DOWN', R, process, Who, Why} -> {Who, Why} end",
                "{{nosuch,'rust@127.0.0.1'},noproc}",
            ),
            (
                &format!(
                    "Pid = {pid}, R = erlang:monitor(process, Pid),
                     receive {{'DOWN', R, process, Pid, Why}} -> Why end"
                ),
                "noproc",
            ),
            (
                &format!(
                    "process_flag(trap_exit, true), Pid = {pid}, true = link(Pid),
                     receive {{'EXIT', Pid, Why}} -> Why end"
                ),
                "noproc",
            ),
            (&format!("Pid = {pid}, true = link(Pid), unlink(Pid)"), "true"),
            (
                "gen_server:multi_call(['rust@127.0.0.1'], nosuch, x, infinity)",
                "{[],['rust@127.0.0.1']}",
            ),
            // Nobody serves the function here.
            (
                "rpc:call('rust@127.0.0.1', erlang, node, [], infinity)",
                "{badrpc,{'EXIT',{undef,[{erlang,node,[],[]}]}}}",
            ),
            (
                "try erpc:call('rust@127.0.0.1', erlang, node, [], infinity) catch C:R -> {C, R} end",
                "{error,{exception,undef,[{erlang,node,[],[]}]}}",
            ),
        ] {
            assert_eq!(erl.eval(call), result, "{call}");
        }
        rust.expect_silence(Duration::ZERO);
        assert!(erl.ping(rust.name()));
    }

    /// `global` knows visible nodes only. It works with one that has no `global_name_server`, but for `global:sync/0`: that
    /// waits for the names of every visible node, and ours has none to tell. Be hidden where that matters.
    #[test]
    fn global_goes_on_without_us(release: Release) {
        let epmd = Epmd::start(release);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let [b, c] = ["b", "c"].map(|name| {
            let options = ErlOptions::new(release, &epmd, name).without_auto_connect();
            let erl = Erl::start(&options);
            rust.connect(erl.name());
            rust.expect_up(erl.name(), NodeType::Visible);
            erl
        });
        assert_eq!(b.eval("net_kernel:connect_node('c@127.0.0.1')"), "true");
        for (call, result) in [
            ("global:set_lock({lock, self()}, [node() | nodes()])", "true"),
            ("global:trans({lock2, self()}, fun() -> done end)", "done"),
            ("global:register_name(wit, whereis(witness))", "yes"),
            ("global:whereis_name(wit) =:= whereis(witness)", "true"),
        ] {
            assert_eq!(b.eval(call), result, "{call}");
        }
        let seen = "(fun Look() -> case global:whereis_name(wit) of
                         undefined -> timer:sleep(10), Look();
                         Pid -> node(Pid) =:= 'b@127.0.0.1' end end)()";
        assert_eq!(c.eval(seen), "true", "b and c are in the same mesh");

        // This waits until one of us goes.
        assert_eq!(b.eval("spawn(fun() -> witness ! {synced, global:sync()} end), ok"), "ok");
        assert_eq!(rust.node.disconnect_node(&node_name(b.name())), Some(true));
        rust.expect_down(b.name(), NodeDownReason::Disconnect);
        assert_eq!(b.wait_event(GIVE_UP, |event| event.starts_with("{synced,")), "{synced,ok}");
    }

    #[test]
    fn a_hidden_node_is_no_concern_of_global(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let rust = Ours::start_hidden("rust", Ours::config(epmd.port()));
        rust.connect(erl.name());
        rust.expect_up(erl.name(), NodeType::Hidden);
        assert_eq!(erl.eval("global:sync()"), "ok");
        assert_eq!(erl.eval("global:trans({lock, self()}, fun() -> done end)"), "done");
        assert!(erl.ping(rust.name()));
    }
}
