//! Processes that Erlang spawns on us, and we on Erlang, with the answers that two Erlang nodes give each other.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not expected fails the test")]

use core::time::Duration;
use std::sync::mpsc::channel;
use std::thread;

use netkernel_blocking::core::net_kernel::DistAutoConnect;
use netkernel_blocking::core::term::{Atom, Limits, Pid, Reference, Term};
use netkernel_blocking::core::{NodeName, NodeType};
use netkernel_blocking::{
    Function, Item, Mfa, MonitorAlias, ProcessEvent, ReplyOptions, ReplyWhen, SendError,
    SpawnError, SpawnFailure, SpawnMonitor, SpawnOptions, Target,
};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, next_message, node_name, pid_expression};
use netkernel_tests::runtime::Mailbox;

const RUST: &str = "rust@127.0.0.1";
const C: &str = "c@127.0.0.1";

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

fn function(module: &str, name: &str, arity: u32) -> Function {
    Function { module: atom(module), function: atom(name), arity }
}

fn mfa(module: &str, name: &str, arguments: &str) -> Mfa {
    let arguments = term(arguments);
    Mfa::new(atom(module), atom(name), arguments.as_list().unwrap()).unwrap()
}

/// The term that a message is.
fn encoded(term: &Term) -> Vec<u8> {
    let mut out = Vec::new();
    term.encode(&mut out).unwrap();
    out
}

/// A node of ours that runs some functions as Erlang's have them.
fn serving(epmd: &Epmd) -> Ours {
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    rust.node.serve_function(function("erlang", "exit", 1), |mailbox, arguments| {
        mailbox.terminate(&arguments[0]).unwrap();
    });
    rust.node.serve_function(function("erlang", "send", 2), |mailbox, arguments| {
        let Term::Pid(to) = &arguments[0] else { panic!("{arguments:?}") };
        mailbox.send(to, encoded(&arguments[1])).unwrap();
    });
    rust.node.serve_function(function("timer", "sleep", 1), |mailbox, arguments| {
        match arguments[0].as_i64() {
            Some(ms) => thread::sleep(Duration::from_millis(ms.try_into().unwrap())),
            // For ever, but for an exit signal.
            None => while !matches!(mailbox.recv(), Item::Process(ProcessEvent::Ended { .. })) {},
        }
    });
    rust
}

/// Calls, with so many messages that come of each, and what the caller sees: pids of the node as `child`, references as `ref`.
fn seen(erl: &Erl, node: &str, cases: &[(&str, usize)]) -> String {
    let cases: Vec<_> =
        cases.iter().map(|(call, n)| format!("{{fun() -> {call} end, {n}}}")).collect();
    erl.eval(&format!(
        "N = '{node}', Own = self(), process_flag(trap_exit, true),
         Name = fun Name(P) when is_pid(P), node(P) =:= N -> child;
                    Name(P) when P =:= Own -> parent;
                    Name(R) when is_reference(R) -> ref;
                    Name([H | T]) -> [Name(H) | Name(T)];
                    Name(T) when is_tuple(T) -> list_to_tuple(Name(tuple_to_list(T)));
                    Name(A) when A =:= N -> node;
                    Name(X) -> X end,
         Take = fun Take(0) -> []; Take(K) -> [receive M -> M end | Take(K - 1)] end,
         Seen = [Name({{try F() catch error:E -> {{error, E}} end, Take(K)}}) || {{F, K}} <- [{}]],
         process_flag(trap_exit, false), {{Seen, receive More -> {{more, More}} after 0 -> nothing end}}",
        cases.join(", ")
    ))
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

fn next_exit(mailbox: &Mailbox) -> (Pid, Term) {
    match next_event(mailbox) {
        ProcessEvent::Exit { from, reason } => (from, decoded(&reason)),
        other => panic!("no exit signal but {other:?}"),
    }
}

fn expect_down(mailbox: &Mailbox, monitor: &Reference, of: &Pid, why: &str, with: Option<&str>) {
    match next_event(mailbox) {
        ProcessEvent::Down { reference, object, reason, tag } => {
            let of = Target::Pid(of.clone());
            assert_eq!((&reference, object, decoded(&reason)), (monitor, of, term(why)));
            assert_eq!(tag.map(|tag| decoded(&tag)), with.map(term));
        }
        other => panic!("no DOWN but {other:?}"),
    }
}

fn expect_reply(mailbox: &Mailbox, of: &Reference, with: &str) -> Result<Pid, SpawnFailure> {
    match next_event(mailbox) {
        ProcessEvent::SpawnReply { tag, request, result } => {
            assert_eq!((decoded(&tag), &request), (term(with), of));
            result
        }
        other => panic!("no answer but {other:?}"),
    }
}

/// Two nodes with a link.
fn linked(release: Release) -> (Epmd, Erl, Ours) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
    let rust = serving(&epmd);
    rust.connect(erl.name());
    rust.expect_up(erl.name(), NodeType::Visible);
    assert!(erl.ping(rust.name()), "its own start of the link is over");
    (epmd, erl, rust)
}

fn options(link: bool, monitor: bool) -> SpawnOptions {
    let monitor = monitor.then(SpawnMonitor::default);
    SpawnOptions { link, monitor, ..SpawnOptions::default() }
}

/// How many processes of Erlang sleep for ever.
fn sleepers(erl: &Erl) -> String {
    erl.eval(
        "length([P || P <- processes(), process_info(P, current_function) =:= {current_function, {timer, sleep, 1}}])",
    )
}

each_release_and_runtime! {
    //= docs/spec/process.md#process-spawn-received
    //= type=test
    //= docs/spec/process.md#process-spawn-served
    //= type=test
    //= docs/spec/process.md#process-spawn-undef
    //= type=test
    //= docs/spec/process.md#process-spawn-badarg
    //= type=test
    //= docs/spec/process.md#process-spawn-fun
    //= type=test
    //= docs/spec/process.md#process-spawn-badopt
    //= type=test
    //= docs/spec/requests.md#request-spawn
    //= type=test
    #[test]
    fn erlang_sees_of_us_what_it_sees_of_its_own(release: Release) {
        let epmd = Epmd::start(release);
        let b = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let _c = Erl::start(&ErlOptions::new(release, &epmd, "c"));
        let _rust = serving(&epmd);
        let cases: &[(&str, usize)] = &[
            // The function.
            ("spawn_request(N, nomod, nof, [a, <<\"b\">>], [link, monitor])", 3),
            ("spawn_request(N, nomod, nof, \"abc\", [monitor])", 2),
            ("spawn_request(N, lists, nof, [], [monitor])", 2),
            ("spawn_request(N, erlang, exit, [{bye, 1}], [link, monitor])", 3),
            ("spawn_request(N, erlang, exit, [normal], [monitor, link])", 3),
            ("spawn_request(N, timer, sleep, [1], [monitor])", 2),
            ("spawn_request(N, erlang, send, [Own, hello])", 2),
            ("spawn_request(N, erlang, apply, [erlang, exit, [bye]], [monitor])", 2),
            ("spawn_request(N, erlang, apply, [nomod, nof, [x]], [monitor])", 2),
            ("spawn_request(N, erlang, apply, [nomod, 1, [x]], [monitor])", 2),
            ("spawn_request(N, erlang, apply, [nomod, nof, [x | y]], [monitor])", 2),
            // Funs.
            ("spawn_request(N, erlang, apply, [fun erlang:exit/1, [{bye, 2}]], [monitor])", 2),
            ("spawn_request(N, erlang, apply, [fun nomod:nof/0, []], [monitor])", 2),
            ("spawn_request(N, erlang, apply, [fun nomod:nof/1, []], [monitor])", 2),
            ("spawn_request(N, erlang, apply, [fun nomod:nof/0, [a | b]], [monitor])", 2),
            ("spawn_request(N, erlang, apply, [x, []], [monitor])", 2),
            ("spawn_request(N, erlang, apply, [{nomod, nof}, []], [monitor])", 2),
            ("spawn_monitor(N, fun nomod:nof/0)", 1),
            // Options.
            ("spawn_request(N, timer, sleep, [0], [bogus])", 1),
            ("spawn_request(N, timer, sleep, [0], [{link, true}])", 1),
            ("spawn_request(N, timer, sleep, [0], [link, link])", 2),
            ("spawn_request(N, timer, sleep, [0], [monitor, monitor])", 2),
            ("spawn_request(N, timer, sleep, [0], [{monitor, [{tag, t}]}, {reply_tag, {x, y}}])", 2),
            ("spawn_request(N, timer, sleep, [0], [{monitor, [bogus]}])", 1),
            ("spawn_request(N, timer, sleep, [0], [monitor, {reply, no}])", 1),
            ("spawn_request(N, timer, sleep, [0], [bogus, {reply, error_only}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{priority, high}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{priority, foo}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{min_heap_size, 1}, {fullsweep_after, 3}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{min_heap_size, -1}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{min_bin_vheap_size, a}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{max_heap_size, 100}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{max_heap_size, #{size => 100000, kill => true}}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{max_heap_size, #{size => foo}}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{message_queue_data, off_heap}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{message_queue_data, x}])", 1),
            ("spawn_request(N, timer, sleep, [0], [{scheduler, -1}])", 1),
            // The calls that wait.
            ("spawn(N, erlang, send, [Own, hello])", 1),
            ("spawn_link(N, erlang, exit, [bye])", 1),
            ("spawn_monitor(N, erlang, exit, [bye])", 1),
            ("spawn_opt(N, erlang, exit, [bye], [link, monitor, {priority, low}])", 2),
            ("spawn_opt(N, erlang, exit, [bye], [bogus])", 0),
            ("spawn(N, erlang, exit, [bye | bye])", 0),
            // The way of old.
            ("gen_server:call({net_kernel, N}, {spawn_link, erlang, exit, [bye], Own})", 1),
            ("gen_server:call({net_kernel, N}, {spawn_link, nomod, nof, [a], Own})", 1),
            ("gen_server:call({net_kernel, N}, {spawn_opt, erlang, exit, [bye], [{priority, low}], link, Own})", 1),
            ("gen_server:call({net_kernel, N}, {spawn_opt, erlang, exit, [bye], [bogus], link, Own})", 0),
            ("gen_server:call({net_kernel, N}, {spawn_opt, erlang, exit, [bye], foo, link, Own})", 0),
            ("gen_server:call({net_kernel, N}, {spawn, erlang, send, [Own, hello], Own})", 1),
            ("element(1, begin gen_server:call({net_kernel, N}, {spawn_link, nomod, nof, [a | b], Own}),
                  receive {'EXIT', _, Why} -> Why end end)", 0),
            ("element(1, begin gen_server:call({net_kernel, N}, {spawn_link, 1, nof, [a], Own}),
                  receive {'EXIT', _, Why} -> Why end end)", 0),
            ("element(1, begin gen_server:call({net_kernel, N}, {spawn_link, nomod, nof, [a], foo}),
                  receive {'EXIT', _, Why} -> Why end end)", 0),
        ];
        let (theirs, ours) = (seen(&b, C, cases), seen(&b, RUST, cases));
        assert_eq!(ours, theirs);
        assert!(theirs.ends_with(",nothing}") && theirs.contains("child"), "{theirs}");
    }

    //= docs/spec/process.md#process-spawn-fun
    //= type=test
    //= docs/spec/process.md#process-spawn-received
    //= type=test
    //= docs/spec/process.md#process-group-leader
    //= type=test
    #[test]
    fn a_handler_is_a_process_of_its_own(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        // A fun is code of a module that is not here.
        assert_eq!(
            erl.eval(&format!(
                "F = fun() -> ok end, {{P, R}} = spawn_monitor('{RUST}', F),
                 receive {{'DOWN', R, process, P, Why}} -> Why =:= {{undef, [{{F, [], []}}]}} end"
            )),
            "true"
        );
        // Pid, group leader, mailbox, link.
        rust.node.serve_function(function("rust", "echo", 1), |mailbox, arguments| {
            let Term::Pid(to) = &arguments[0] else { panic!("{arguments:?}") };
            let leader = mailbox.group_leader().unwrap();
            let hello = Term::tuple([mailbox.pid().unwrap().into(), leader.into()]);
            mailbox.send(to, encoded(&hello)).unwrap();
            let message = next_message(&mailbox);
            mailbox.send(to, message).unwrap();
            assert_eq!(mailbox.links().first(), Some(to));
        });
        let echoed = format!(
            "process_flag(trap_exit, true), GL = group_leader(), Own = self(),
             P = spawn_link('{RUST}', rust, echo, [Own]),
             {{P, GL}} = receive M1 -> M1 end, P ! {{hello, \"you\", 1.5}},
             E = receive M2 -> M2 end, Exit = receive M3 -> M3 end,
             {{'EXIT', P, normal}} = Exit, process_flag(trap_exit, false), E"
        );
        assert_eq!(erl.eval(&echoed), "{hello,\"you\",1.5}");
        // Its panic is an exit, and not the end of the node.
        rust.node.serve_function(function("rust", "panic", 0), |_mailbox, _| panic!("as it is to"));
        assert_eq!(
            erl.eval(&format!(
                "{{P, R}} = spawn_monitor('{RUST}', rust, panic, []),
                 receive {{'DOWN', R, process, P, Why}} -> Why end"
            )),
            "panic"
        );
        // Serving ends, and another handler takes the place of one.
        assert!(!rust.node.serve_function(function("rust", "echo", 1), |mailbox, _| {
            mailbox.terminate(&term("other")).unwrap();
        }));
        let ends = format!(
            "{{P, R}} = spawn_monitor('{RUST}', rust, echo, [self()]),
             receive {{'DOWN', R, process, P, Why}} -> Why end"
        );
        assert_eq!(erl.eval(&ends), "other");
        assert!(rust.node.unserve_function(&function("rust", "echo", 1)));
        assert!(erl.eval(&ends).starts_with("{undef,[{rust,echo,["));
        assert!(erl.ping(rust.name()));
    }

    //= docs/spec/process.md#process-spawn-limits
    //= type=test
    //= docs/spec/process.md#process-spawn-abandon
    //= type=test
    //= docs/spec/process.md#process-spawn-left
    //= type=test
    #[test]
    fn what_erlang_starts_here_is_bounded_and_ends_with_who_did_not_wait(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let mut config = Ours::config(epmd.port());
        config.process_limits.spawned_per_peer = 2;
        let rust = Ours::start("rust", config);
        let (ends, ended) = channel();
        rust.node.serve_function(function("rust", "wait", 0), move |mailbox, _| {
            // Whether or not it is ended before it gets here.
            let event = next_event(&mailbox);
            let ProcessEvent::Ended { reason } = event else { panic!("{event:?}") };
            ends.send(decoded(&reason)).unwrap();
        });
        assert_eq!(
            erl.eval(&format!(
                "Ask = fun(Options) -> R = spawn_request('{RUST}', rust, wait, [], Options), receive {{_, R, _, What}} -> What end end,
                 One = Ask([{{reply_tag, {{a, b}}}}]), Two = Ask([]), Three = Ask([link]),
                 exit(One, bye), exit(Two, bye), {{is_pid(One), is_pid(Two), Three}}"
            )),
            "{true,true,system_limit}"
        );
        for _ in 0..2 {
            assert_eq!(ended.recv_timeout(GIVE_UP).unwrap(), term("bye"));
        }
        // Now there is room. One that was answered faster than given up is not meant.
        assert_eq!(
            erl.eval(&format!(
                "Ask = fun Ask() ->
                     R = spawn_request('{RUST}', rust, wait, [], [link]),
                     case spawn_request_abandon(R) of
                         true -> ok;
                         false -> receive {{spawn_reply, R, ok, P}} -> unlink(P), exit(P, again), Ask() end
                     end
                 end, Ask()"
            )),
            "ok"
        );
        let mut whys = core::iter::from_fn(|| ended.recv_timeout(GIVE_UP).ok());
        assert_eq!(whys.find(|why| *why != term("again")), Some(term("abandoned")));
        // The parent ends at once: the child ends for the same reason.
        assert_eq!(erl.eval(&format!(
            "spawn(fun() -> spawn_request('{RUST}', rust, wait, [], [link]), exit(gone) end), ok"
        )), "ok");
        assert_eq!(whys.find(|why| *why != term("again")), Some(term("gone")));
    }

    //= docs/spec/process.md#process-spawn
    //= type=test
    //= docs/spec/process.md#process-spawn-sent
    //= type=test
    //= docs/spec/process.md#process-spawn-reply
    //= type=test
    //= docs/spec/process.md#process-spawn-link
    //= type=test
    //= docs/spec/process.md#process-spawn-alias
    //= type=test
    #[test]
    fn we_spawn_on_erlang(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let b = node_name(erl.name());
        let shop = rust.mailbox("shop");
        shop.trap_exit(true).unwrap();
        let own = shop.pid().unwrap();
        let send = |what: &str| {
            let arguments = [own.clone().into(), term(what)];
            Mfa::new(atom("erlang"), atom("send"), &arguments).unwrap()
        };
        // The calls that wait, and what comes of them.
        let _ = shop.spawn(&b, send("hello")).unwrap();
        assert_eq!(decoded(&next_message(&shop)), term("hello"));
        let child = shop.spawn_link(&b, mfa("erlang", "exit", "[{bye,1}]")).unwrap();
        assert_eq!(next_exit(&shop), (child, term("{bye,1}")));
        let (child, monitor) = shop.spawn_monitor(&b, mfa("nomod", "nof", "[a,<<\"b\">>]")).unwrap();
        expect_down(&shop, &monitor, &child, "{undef,[{nomod,nof,[a,<<\"b\">>],[]}]}", None);
        let (child, monitor) =
            shop.spawn_opt(&b, mfa("timer", "sleep", "[1]"), &options(true, true)).unwrap();
        assert_eq!(next_exit(&shop), (child.clone(), term("normal")));
        expect_down(&shop, &monitor.unwrap(), &child, "normal", None);
        // Options of the process, and its group leader.
        let mut given = options(true, false);
        given.process = vec![term("{priority,high}"), term("{min_heap_size,1000}")];
        let (child, monitor) = shop.spawn_opt(&b, mfa("timer", "sleep", "[infinity]"), &given).unwrap();
        assert_eq!(monitor, None);
        assert_eq!(shop.links().first(), Some(&child));
        let info = format!(
            "Own = {}, P = {}, [{{_, Prio}}, {{_, GL}}, {{_, Links}}] = process_info(P, [priority, group_leader, links]),
             {{Prio, GL =:= Own, Links =:= [Own]}}",
            pid_expression(&own), pid_expression(&child)
        );
        assert_eq!(erl.eval(&info), "{high,true,true}");
        shop.exit(&child, &term("bye")).unwrap();
        assert_eq!(next_exit(&shop), (child, term("bye")));
        // Those that it does not take.
        for bad in ["bogus", "{priority,foo}", "{link,true}"] {
            let given = SpawnOptions { process: vec![term(bad)], ..SpawnOptions::default() };
            let failed = shop.spawn_opt(&b, mfa("timer", "sleep", "[0]"), &given);
            assert_eq!(failed, Err(SpawnError::Failed(SpawnFailure::BadOption)), "{bad}");
        }
        // Requests: tags, and which answers are told.
        let tagged = |when| ReplyOptions { when, tag: Some(term("{x,y}")) };
        let monitor = SpawnMonitor { alias: None, tag: Some(term("t")) };
        let given = SpawnOptions { monitor: Some(monitor), ..SpawnOptions::default() };
        let request =
            shop.spawn_request(&b, send("first"), &given, &tagged(ReplyWhen::Yes)).unwrap();
        let child = expect_reply(&shop, &request, "{x,y}").unwrap();
        assert_eq!(decoded(&next_message(&shop)), term("first"));
        expect_down(&shop, &request, &child, "normal", Some("t"));
        let bogus = SpawnOptions { process: vec![term("bogus")], ..SpawnOptions::default() };
        for (given, when, told) in [
            (&options(false, false), ReplyWhen::SuccessOnly, true),
            (&options(false, false), ReplyWhen::ErrorOnly, false),
            (&options(false, false), ReplyWhen::No, false),
            (&bogus, ReplyWhen::ErrorOnly, true),
            (&bogus, ReplyWhen::SuccessOnly, false),
        ] {
            let request =
                shop.spawn_request(&b, mfa("timer", "sleep", "[0]"), given, &tagged(when)).unwrap();
            if told {
                assert_eq!(expect_reply(&shop, &request, "{x,y}").is_ok(), when == ReplyWhen::SuccessOnly);
            }
        }
        // An alias of the monitor: the child sends to it.
        let monitor = SpawnMonitor { alias: Some(MonitorAlias::Demonitor), tag: None };
        let given = SpawnOptions { monitor: Some(monitor), ..SpawnOptions::default() };
        let mfa_sleep = mfa("timer", "sleep", "[infinity]");
        let (child, alias) = shop.spawn_opt(&b, mfa_sleep, &given).unwrap();
        let alias = alias.unwrap();
        let to_alias = Mfa::new(atom("erlang"), atom("send"), &[alias.clone().into(), term("by_alias")]).unwrap();
        let _ = shop.spawn(&b, to_alias.clone()).unwrap();
        assert_eq!(decoded(&next_message(&shop)), term("by_alias"));
        shop.exit(&child, &term("kill")).unwrap();
        expect_down(&shop, &alias, &child, "killed", None);
        // What a process sends comes before its end.
        let (late, monitor) = shop.spawn_monitor(&b, to_alias).unwrap();
        expect_down(&shop, &monitor, &late, "normal", None);
        assert_eq!(shop.try_recv(), None, "the alias is no more");
    }

    //= docs/spec/process.md#process-spawn-abandon
    //= type=test
    //= docs/spec/process.md#process-spawn-left
    //= type=test
    #[test]
    fn what_we_do_not_wait_for_ends_on_erlang(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let b = node_name(erl.name());
        let shop = rust.mailbox("shop");
        let sleep = || mfa("timer", "sleep", "[infinity]");
        let reply = ReplyOptions::default();
        let before = sleepers(&erl);
        erl.signal(Signal::Stop);
        let request = shop.spawn_request(&b, sleep(), &options(true, true), &reply).unwrap();
        assert!(shop.spawn_request_abandon(&request));
        assert!(!shop.spawn_request_abandon(&request));
        let gone = rust.node.mailbox();
        let _ = gone.spawn_request(&b, sleep(), &options(true, false), &reply).unwrap();
        gone.terminate(&term("gone")).unwrap();
        let kept = shop.spawn_request(&b, sleep(), &options(false, false), &reply).unwrap();
        erl.signal(Signal::Continue);
        let kept = expect_reply(&shop, &kept, "spawn_reply").unwrap();
        shop.exit(&kept, &term("kill")).unwrap();
        eventually("all have ended", || sleepers(&erl) == before);
        assert!(shop.try_recv().is_none());
        let (_, monitor) = shop.spawn_monitor(&b, mfa("timer", "sleep", "[0]")).unwrap();
        assert!(!shop.spawn_request_abandon(&monitor), "it was answered");
    }

    //= docs/spec/process.md#process-spawn-noconnection
    //= type=test
    #[test]
    fn a_spawn_connects_or_tells_noconnection_once(release: Release) {
        let epmd = Epmd::start(release);
        let mut erl = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
        let (b, nobody) = (node_name(erl.name()), node_name("nobody@127.0.0.1"));
        let failed = || Err(SpawnError::Failed(SpawnFailure::NoConnection));
        let exit = |why: &str| mfa("erlang", "exit", &format!("[{why}]"));
        let spawns = |rust: &Ours, node: &NodeName| {
            let mailbox = rust.node.mailbox();
            mailbox.trap_exit(true).unwrap();
            let child = mailbox.spawn_link(node, exit("bye"))?;
            assert_eq!(next_exit(&mailbox), (child, term("bye")));
            Ok(())
        };
        // Never, and once.
        for (auto, before) in [(DistAutoConnect::Never, failed()), (DistAutoConnect::Once, Ok(()))] {
            let mut config = Ours::config(epmd.port());
            config.kernel.auto_connect = auto;
            let rust = Ours::start("rust", config);
            assert_eq!(spawns(&rust, &b), before);
            if before.is_ok() {
                rust.expect_up(erl.name(), NodeType::Visible);
                assert_eq!(rust.node.disconnect_node(&b), Some(true));
                let _ = rust.next_event();
                assert_eq!(spawns(&rust, &b), failed(), "not again");
            }
            rust.connect(erl.name());
            assert_eq!(spawns(&rust, &b), Ok(()), "there is a link");
            drop(rust);
            eventually("EPMD has forgotten it", || !epmd.names().contains("rust"));
        }
        let rust = serving(&epmd);
        assert_eq!(spawns(&rust, &nobody), failed());
        assert_eq!(spawns(&rust, &node_name(RUST)), Ok(()), "here no link is needed");
        // The link ends while a request waits.
        assert_eq!(spawns(&rust, &b), Ok(()));
        rust.expect_up(erl.name(), NodeType::Visible);
        let mailbox = rust.node.mailbox();
        mailbox.trap_exit(true).unwrap();
        erl.signal(Signal::Stop);
        let reply = ReplyOptions::default();
        let requests: Vec<_> = (0..3)
            .map(|_| mailbox.spawn_request(&b, exit("bye"), &options(true, true), &reply).unwrap())
            .collect();
        erl.signal(Signal::Kill);
        for request in &requests {
            let answer = expect_reply(&mailbox, request, "spawn_reply");
            assert_eq!(answer, Err(SpawnFailure::NoConnection));
        }
        assert!(matches!(rust.next_event(), netkernel_blocking::core::net_kernel::NodeEvent::NodeDown { .. }));
        assert!(mailbox.try_recv().is_none());
        erl.wait_end();
        // Who has ended asks nobody.
        let gone = rust.node.mailbox();
        let own = gone.pid().unwrap();
        mailbox.exit(&own, &term("kill")).unwrap();
        eventually("it has ended", || gone.pid().is_none());
        assert_eq!(gone.spawn(&b, exit("bye")), Err(SpawnError::Send(SendError::Ended)));
    }
}
