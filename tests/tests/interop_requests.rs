//! Requests to the process `net_kernel` of a real node and of ours, compared term by term.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;

use netkernel_blocking::core::term::{Atom, Limits, Term};
use netkernel_blocking::{DistAutoConnect, NodeConfig, NodeKinds, StartOptions, Started};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, next_message, node_name};
use netkernel_tests::runtime::Node;

const C: &str = "c@127.0.0.1";
const RUST: &str = "rust@127.0.0.1";

fn quiet(release: Release, epmd: &Epmd, name: &str) -> Erl {
    Erl::start(&ErlOptions::new(release, epmd, name).without_auto_connect())
}

fn config(epmd: &Epmd) -> NodeConfig {
    let mut config = Ours::config(epmd.port());
    config.remote_requests = true;
    config.kernel.auto_connect = DistAutoConnect::Never;
    config
}

/// A node of ours that was started as `erl -name` starts its own.
fn start(config: NodeConfig) -> Node {
    let node = Node::new(config).unwrap();
    let started = Started::Static;
    node.start(StartOptions { started, ..StartOptions::new(node_name(RUST)) }).unwrap();
    node
}

/// Nodes without auto-connect ask only where they have a link.
fn connect(erl: &Erl, node: &str) {
    assert_eq!(erl.eval(&format!("net_kernel:connect_node('{node}')")), "true");
}

/// What a process gets for this request to `net_kernel` of that node; `Own` in it is that node. Its name is `own` in the answer.
fn ask(from: &Erl, node: &str, request: &str) -> String {
    let call = format!(
        "Own = '{node}', try gen_server:call({{net_kernel, Own}}, {request}, infinity) catch exit:{{Why, _}} -> {{exit, Why}} end"
    );
    let told = from.eval(&call).replace(&format!("'{node}'"), "own");
    if !told.starts_with("#{") {
        return told;
    }
    // Their pairs come in any order.
    told.parse::<Term>().unwrap().to_string()
}

/// What a process gets at once for each of these requests, if anything, before the answer to a last one.
fn ask_all(from: &Erl, node: &str, requests: &[&str]) -> String {
    from.eval(&format!(
        "Ids = [gen_server:send_request({{net_kernel, '{node}'}}, Request) || Request <- [{}]], \
         '{node}' = gen_server:call({{net_kernel, '{node}'}}, nodename, infinity), \
         [gen_server:wait_response(Id, 0) || Id <- Ids]",
        requests.join(",")
    ))
}

/// In this order, with a link between the asked node and `c`.
const REQUESTS: &[&str] = &[
    "{is_auth, node()}",
    "{connect, normal, Own}",
    "{connect, foo, Own}",
    "{connect, normal, 'c@127.0.0.1'}",
    "{connect, hidden, 'c@127.0.0.1'}",
    "{connect, foo, 'c@127.0.0.1'}",
    "{connect, normal, 'nobody@127.0.0.1'}",
    "{connect, hidden, 'nobody@127.0.0.1'}",
    "{connect, normal, nohost}",
    "{connect, normal, 5}",
    "{connect, normal, \"c@127.0.0.1\"}",
    "{connect, normal, 'short@host'}",
    "{passive_cnct, Own}",
    "{passive_cnct, 'c@127.0.0.1'}",
    "{getopts, 'c@127.0.0.1', [nodelay, keepalive, linger, priority, tos]}",
    "{getopts, 'c@127.0.0.1', []}",
    "{getopts, 'c@127.0.0.1', [foo]}",
    "{getopts, 'c@127.0.0.1', [5]}",
    "{getopts, 'nobody@127.0.0.1', [foo]}",
    "{getopts, Own, [nodelay]}",
    "{getopts, new, [nodelay]}",
    "{getopts, 5, [nodelay]}",
    "{setopts, 'c@127.0.0.1', [{nodelay, false}, {keepalive, true}]}",
    "{setopts, 'c@127.0.0.1', []}",
    "{setopts, 'c@127.0.0.1', [{foo, 1}]}",
    "{setopts, 'c@127.0.0.1', [{active, true}, {foo, 1}]}",
    "{setopts, 'nobody@127.0.0.1', foo}",
    "{setopts, Own, [{nodelay, true}]}",
    "{setopts, 5, []}",
    "{getopts, 'c@127.0.0.1', [nodelay, keepalive]}",
    "{setopts, new, [{keepalive, true}]}",
    "{setopts, new, [{foo, 1}]}",
    "{disconnect, Own}",
    "{disconnect, 'nobody@127.0.0.1'}",
    "{disconnect, 5}",
    "{disconnect, 'c@127.0.0.1'}",
    "{disconnect, 'c@127.0.0.1'}",
    "{passive_cnct, 'c@127.0.0.1'}",
    "{getopts, 'c@127.0.0.1', [nodelay]}",
    "{connect, normal, 'c@127.0.0.1'}",
    "{getopts, 'c@127.0.0.1', [nodelay, keepalive]}",
    "longnames",
    "nodename",
    "get_state",
    "{verbose, 0}",
    "{verbose, {a, level}}",
    "{verbose, 0}",
    "ticktime",
    "{new_ticktime, 60000, foo}",
    "{new_ticktime, 60000, 0}",
    "{new_ticktime, 80000, 600000}",
    "ticktime",
    "{new_ticktime, 60000, 0}",
    "{new_ticktime, foo, bar}",
    "allowed",
    "{allow, []}",
    "allowed",
    "{allow, foo}",
    "{allow, [foo, \"bar\"]}",
    "{allow, [foo | bar]}",
    "{allow, ['zz@127.0.0.1', 'c@127.0.0.1', '127.0.0.1', foo]}",
    "allowed",
    "{connect, normal, 'a@127.0.0.1'}",
    "{connect, normal, 'nobody@127.0.0.1'}",
    "{connect, normal, 'c@127.0.0.1'}",
];

/// To which there is no answer.
const UNKNOWN: &[&str] = &[
    "foo",
    "5",
    "[]",
    "{}",
    "{foo}",
    "{\"connect\", normal, a}",
    "connect",
    "{connect, normal}",
    "{connect, normal, a, b}",
    "{disconnect}",
    "{allowed}",
    "{apply, erlang, node, []}",
    "{ticktime, 5}",
    "#{}",
];

each_release_and_runtime! {
    //= docs/spec/requests.md#request-answers
    //= type=test
    //= docs/spec/requests.md#request-ticktime
    //= type=test
    //= docs/spec/requests.md#request-malformed
    //= type=test
    #[test]
    fn requests_are_answered_as_by_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let (a, b, c) = (quiet(release, &epmd, "a"), quiet(release, &epmd, "b"), quiet(release, &epmd, "c"));
        let rust = start(config(&epmd));
        connect(&a, RUST);
        connect(&a, b.name());
        for request in REQUESTS {
            assert_eq!(ask(&a, RUST, request), ask(&a, b.name(), request), "{request}");
        }
        let silent = vec!["timeout"; UNKNOWN.len()].join(",");
        for node in [b.name(), RUST] {
            assert_eq!(ask_all(&a, node, UNKNOWN), format!("[{silent}]"), "{node}");
        }
        assert!(c.eval("nodes()").contains(RUST) && rust.nodes(NodeKinds::CONNECTED).len() == 2);

        // What an Erlang node does not survive.
        let nothing = "{exit,noproc}";
        for request in ["{setopts, new, foo}", "{setopts, 'c@127.0.0.1', foo}", "{getopts, 'c@127.0.0.1', [nodelay | foo]}"] {
            assert_eq!(ask(&a, RUST, request), nothing, "{request}");
        }
        assert!(ask(&a, b.name(), "{setopts, new, foo}").starts_with("{exit,"));
        a.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,'b@127.0.0.1',"));
        assert_eq!(ask(&a, RUST, "nodename"), "own");
    }

    //= docs/spec/requests.md#request-waiting
    //= type=test
    //= docs/spec/requests.md#request-own-link
    //= type=test
    //= docs/spec/requests.md#request-casts
    //= type=test
    #[test]
    fn a_request_that_waits_delays_no_other(release: Release) {
        let epmd = Epmd::start(release);
        let (a, b, c) = (quiet(release, &epmd, "a"), quiet(release, &epmd, "b"), quiet(release, &epmd, "c"));
        let _rust = start(config(&epmd));
        for node in [b.name(), RUST] {
            connect(&a, node);
            // The operating system of c answers, and c does not.
            c.signal(Signal::Stop);
            a.eval(&format!(
                "spawn(fun() -> witness ! {{told, gen_server:call({{net_kernel, '{node}'}}, {{connect, normal, '{C}'}}, infinity)}} end)"
            ));
            assert_eq!(ask(&a, node, "nodename"), "own");
            assert_eq!(ask(&a, node, &format!("{{getopts, '{C}', []}}")), "{error,noconnection}");
            c.signal(Signal::Continue);
            a.wait_event(GIVE_UP, |event| event == "{told,true}");

            a.eval(&format!(
                "gen_server:cast({{net_kernel, '{node}'}}, foo), gen_server:cast({{net_kernel, '{node}'}}, {{async_disconnect, foo, bar}}), \
                 gen_server:cast({{net_kernel, '{node}'}}, {{async_disconnect, '{node}'}}), gen_server:cast({{net_kernel, '{node}'}}, {{async_disconnect, 5}})"
            ));
            assert_eq!(ask(&a, node, &format!("{{getopts, '{C}', []}}")), "{ok,[]}");
            a.eval(&format!("gen_server:cast({{net_kernel, '{node}'}}, {{async_disconnect, '{C}'}})"));
            eventually("the link goes", || ask(&a, node, &format!("{{getopts, '{C}', []}}")) == "{error,noconnection}");

            // The caller's own link, one way and the other.
            assert_eq!(ask(&a, node, "{disconnect, node()}"), "{exit,{nodedown,own}}");
            eventually("it is down", || a.eval(&format!("lists:member('{node}', nodes())")) == "false");
            connect(&a, node);
            a.eval(&format!("gen_server:cast({{net_kernel, '{node}'}}, {{async_disconnect, node()}})"));
            eventually("it is down", || a.eval(&format!("lists:member('{node}', nodes())")) == "false");
        }
    }

    //= docs/spec/channel.md#ch-is-auth
    //= type=test
    //= docs/spec/requests.md#request-answers
    //= type=test
    #[test]
    fn who_has_given_up_hears_no_late_answer(release: Release) {
        let epmd = Epmd::start(release);
        let (a, b, c) = (quiet(release, &epmd, "a"), quiet(release, &epmd, "b"), quiet(release, &epmd, "c"));
        let _rust = start(config(&epmd));
        for asked in [b.name(), RUST] {
            connect(&a, asked);
            c.signal(Signal::Stop);
            a.eval(&format!(
                "spawn(fun() -> \
                     Ask = fun(Limit) -> gen_server:call({{net_kernel, '{asked}'}}, {{connect, normal, '{C}'}}, Limit) end, \
                     {{'EXIT', {{timeout, _}}}} = (catch Ask(300)), \
                     witness ! given_up, \
                     witness ! {{asked_again, Ask(infinity), process_info(self(), messages)}} \
                 end)"
            ));
            a.wait_event(GIVE_UP, |event| event == "given_up");
            c.signal(Signal::Continue);
            let again = a.wait_event(GIVE_UP, |event| event.starts_with("{asked_again"));
            // The `net_kernel` of OTP 25 sends it to the pid.
            let to_pid = release == Release::Otp25 && asked != RUST;
            let nothing = "{asked_again,true,{messages,[]}}";
            assert_eq!(again == nothing, !to_pid, "{asked}: {again}");
        }
    }

    //= docs/spec/requests.md#request-limits
    //= type=test
    #[test]
    fn only_so_many_callers_wait(release: Release) {
        let epmd = Epmd::start(release);
        let (a, b, c) = (quiet(release, &epmd, "a"), quiet(release, &epmd, "b"), quiet(release, &epmd, "c"));
        let mut patient = config(&epmd);
        patient.kernel.setup_time = Duration::from_secs(120);
        let _rust = start(patient);
        connect(&a, RUST);
        connect(&b, RUST);
        c.signal(Signal::Stop);
        a.eval(&format!(
            "spawn(fun() -> \
                 Ids = [gen_server:send_request({{net_kernel, '{RUST}'}}, {{connect, normal, '{C}'}}) || _ <- lists:seq(1, 1030)], \
                 {{Waiting, More}} = lists:split(1024, Ids), \
                 Told = fun(Some) -> lists:usort([gen_server:wait_response(Id, infinity) || Id <- Some]) end, \
                 witness ! {{more, [Why || {{error, {{Why, _}}}} <- Told(More)]}}, \
                 witness ! {{waited, Told(Waiting)}} \
             end)"
        ));
        a.wait_event(GIVE_UP, |event| event == "{more,[noproc]}");
        // What needs no waiting is answered, and so is another node.
        for (request, told) in [
            ("nodename", "own"),
            ("{connect, normal, Own}", "true"),
            ("{connect, normal, 'b@127.0.0.1'}", "true"),
            ("{passive_cnct, 'b@127.0.0.1'}", "true"),
            ("{disconnect, 'nobody@127.0.0.1'}", "false"),
            ("{connect, normal, 'c@127.0.0.1'}", "{exit,noproc}"),
            ("{disconnect, 'b@127.0.0.1'}", "{exit,noproc}"),
        ] {
            assert_eq!(ask(&a, RUST, request), told, "{request}");
        }
        b.eval(&format!(
            "spawn(fun() -> witness ! {{told, gen_server:call({{net_kernel, '{RUST}'}}, {{connect, normal, '{C}'}}, infinity)}} end)"
        ));
        assert_eq!(ask(&b, RUST, "nodename"), "own");
        c.signal(Signal::Continue);
        a.wait_event(GIVE_UP, |event| event == "{waited,[{reply,true}]}");
        b.wait_event(GIVE_UP, |event| event == "{told,true}");
        assert_eq!(ask(&a, RUST, "nodename"), "own");
    }

    //= docs/spec/requests.md#request-switch
    //= type=test
    //= docs/spec/requests.md#request-spawn
    //= type=test
    #[test]
    fn without_the_switch_nobody_answers(release: Release) {
        let epmd = Epmd::start(release);
        let a = quiet(release, &epmd, "a");
        let mut off = config(&epmd);
        off.remote_requests = NodeConfig::new(off.kernel.cookie.clone()).remote_requests;
        let rust = start(off);
        connect(&a, RUST);
        for request in REQUESTS.iter().chain(UNKNOWN).filter(|request| **request != "{is_auth, node()}") {
            assert_eq!(ask(&a, RUST, request), "{exit,noproc}", "{request}");
        }
        a.eval(&format!("gen_server:cast({{net_kernel, '{RUST}'}}, {{async_disconnect, node()}})"));
        assert_eq!(ask(&a, RUST, "{is_auth, node()}"), "yes");
        assert_eq!(rust.get_net_ticktime().unwrap().to_string(), "60");
        // Processes are another matter.
        for (request, told) in [
            ("{spawn, erlang, node, [], self()}", "own"),
            ("{spawn_opt, erlang, node, [], [{priority, high}], no_link, self()}", "own"),
            ("{spawn_opt, erlang, node, [], [bogus], link, self()}", "{'EXIT',{badarg,[]}}"),
        ] {
            let call = format!("case gen_server:call({{net_kernel, '{RUST}'}}, {request}, infinity) of Pid when node(Pid) =:= '{RUST}' -> own; Told -> Told end");
            assert_eq!(a.eval(&call), told, "{request}");
        }
    }

    //= docs/spec/requests.md#request-registered-send
    //= type=test
    //= docs/spec/requests.md#request-system
    //= type=test
    #[test]
    fn messages_to_net_kernel_are_passed_on(release: Release) {
        let epmd = Epmd::start(release);
        let (a, b) = (quiet(release, &epmd, "a"), quiet(release, &epmd, "b"));
        let rust = start(config(&epmd));
        let witness = rust.mailbox();
        witness.register(Atom::new("witness").unwrap()).unwrap();
        for node in [b.name(), RUST] {
            connect(&a, node);
            a.eval(&format!(
                "[{{net_kernel, '{node}'}} ! {{foo, registered_send, To, {{passed_on, [1, two]}}}} || To <- [nobody, witness]], ok"
            ));
        }
        b.wait_event(GIVE_UP, |event| event == "{passed_on,[1,two]}");
        let passed_on = Term::decode(&next_message(&witness), &Limits::default()).unwrap();
        assert_eq!(passed_on.to_string(), "{passed_on,[1,two]}");

        // This one has no state to tell.
        let state = |node: &str| {
            let call = format!("try sys:get_state({{net_kernel, '{node}'}}, infinity), state catch exit:{{Why, _}} -> Why end");
            a.eval(&call)
        };
        assert_eq!([state(b.name()), state(RUST)], ["state", "noproc"]);
    }
}
