//! What the calls about monitors answer, and when: Erlang's nodes and ours, asked the same.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::net_kernel::NodeDownReason;
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::{
    DistAutoConnect, Function, Item, Mfa, MonitorNodeOptions, ProcessEvent, Target,
};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Mailbox;

/// Unless a node is told another one.
const SETUP_TIME: Duration = Duration::from_secs(7);
const X: &str = "x@127.0.0.1";

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

/// A process that monitors a node, in a node that connects once by itself.
enum Watcher<'a> {
    /// A process that is registered as `watcher`.
    Theirs(&'a Erl),
    Ours(&'a Mailbox),
}

impl<'a> Watcher<'a> {
    fn theirs(erl: &'a Erl) -> Self {
        let watcher = "register(watcher, spawn(fun Loop() ->
            receive {do, From, F} -> From ! {did, F()} end, Loop() end)), ok";
        assert_eq!(erl.eval(watcher), "ok");
        Self::Theirs(erl)
    }

    fn eval(erl: &Erl, expression: &str) -> String {
        erl.eval(&format!(
            "watcher ! {{do, self(), fun() -> {expression} end}}, receive {{did, R}} -> R end"
        ))
    }

    /// Calls `monitor_node(X, true)`, with `[allow_passive_connect]` or without.
    fn monitor(&self, passive: bool) {
        match self {
            Self::Theirs(erl) => {
                let options = if passive { ", [allow_passive_connect]" } else { "" };
                let call = format!("erlang:monitor_node('{X}', true{options})");
                assert_eq!(Self::eval(erl, &call), "true");
            }
            Self::Ours(mailbox) => {
                let options = MonitorNodeOptions { allow_passive_connect: passive };
                mailbox.monitor_node_opt(&node_name(X), true, options).unwrap();
            }
        }
    }

    /// Waits until its node does not connect by itself any more, which Erlang's takes note of behind the end of the link.
    fn wait_until_barred(&self) {
        if let Self::Theirs(erl) = self {
            let row = format!("[element(1, Row) || Row <- ets:lookup(sys_dist, '{X}')]");
            eventually("it is barred", || erl.eval(&row) == "[barred_connection]");
        }
    }

    /// That it is told of the end of a link, or of none; and of nothing more.
    fn expect_told(&self) {
        match self {
            Self::Theirs(erl) => {
                let receive = format!(
                    "{{receive {{nodedown, '{X}'}} -> told end, process_info(self(), message_queue_len)}}"
                );
                assert_eq!(Self::eval(erl, &receive), "{told,{message_queue_len,0}}");
            }
            Self::Ours(mailbox) => {
                let down = Item::Process(ProcessEvent::NodeDown(node_name(X)));
                assert_eq!(mailbox.recv_timeout(GIVE_UP), Some(down));
                assert_eq!(mailbox.try_recv(), None);
            }
        }
    }
}

/// What a node that connects once sees of one that goes and comes.
fn watch(watcher: &Watcher<'_>, node: &str, x: &Ours) {
    let go = || {
        x.expect_up(node, NodeType::Visible);
        assert_eq!(x.node.disconnect_node(&node_name(node)), Some(true));
        x.expect_down(node, NodeDownReason::Disconnect);
        watcher.expect_told();
    };
    watcher.monitor(true);
    go();
    // From now on it does not connect by itself.
    watcher.wait_until_barred();
    watcher.monitor(false);
    watcher.expect_told();
    let begin = Instant::now();
    watcher.monitor(true);
    assert!(begin.elapsed() >= SETUP_TIME);
    watcher.expect_told();
    thread::scope(|scope| {
        scope.spawn(|| watcher.monitor(true));
        x.connect(node);
    });
    go();
}

/// How Erlang answers `demonitor/2` with `info`, and how many messages wait then, for monitors of a process there.
fn theirs(erl: &Erl, node: &str) -> String {
    erl.eval(&format!(
        "P = spawn('{node}', m, wait, []), Self = self(),
         Wait = fun W(N) -> case process_info(self(), message_queue_len) of {{_, N}} -> N; _ -> timer:sleep(5), W(N) end end,
         R1 = monitor(process, P),
         A1 = [demonitor(R1, [info]), demonitor(R1, [info]), demonitor(R1, [flush, info])],
         R2 = monitor(process, P), P ! stop, Wait(1),
         A2 = [demonitor(R2, [info]), Wait(1), demonitor(R2, [flush, info]), Wait(0), demonitor(R2, [flush, info])],
         R3 = monitor(process, P), Wait(1),
         A3 = [demonitor(R3, [info, flush]), Wait(0)],
         spawn(fun() -> R = monitor(process, Self), Self ! {{r, R}}, receive never -> ok end end),
         A4 = receive {{r, R4}} -> [demonitor(R4, [info]), demonitor(make_ref(), [info, flush])] end,
         {{A1, A2, A3, A4}}"
    ))
}

/// The same of ours.
fn ours(rust: &Ours, node: &str) -> String {
    let (mailbox, node) = (rust.node.mailbox(), node_name(node));
    let mfa = Mfa::new(atom("timer"), atom("sleep"), &[term("infinity")]).unwrap();
    let pid = mailbox.spawn(&node, mfa).unwrap();
    let wait = |count: usize| {
        eventually("so many wait", || mailbox.message_queue_len() == count);
        count.to_string()
    };
    let info = |reference, flush| mailbox.demonitor(reference, flush).to_string();
    let one = mailbox.monitor(Target::Pid(pid.clone())).unwrap();
    let first = [info(&one, false), info(&one, false), info(&one, true)];
    let two = mailbox.monitor(Target::Pid(pid.clone())).unwrap();
    mailbox.exit(&pid, &term("kill")).unwrap();
    wait(1);
    let second = [info(&two, false), wait(1), info(&two, true), wait(0), info(&two, true)];
    let three = mailbox.monitor(Target::Pid(pid)).unwrap();
    wait(1);
    let third = [info(&three, true), wait(0)];
    let other = rust.node.mailbox();
    let four = other.monitor(Target::Pid(mailbox.pid().unwrap())).unwrap();
    let unknown = mailbox.alias(netkernel_blocking::AliasOption::Reply).unwrap();
    let fourth = [info(&four, false), info(&unknown, true)];
    let list = |answers: &[String]| format!("[{}]", answers.join(","));
    format!("{{{},{},{},{}}}", list(&first), list(&second), list(&third), list(&fourth))
}

each_release_and_runtime! {
    //= docs/spec/process.md#process-demonitor
    //= type=test
    #[test]
    fn demonitor_answers_as_erlangs_does(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let wait = Function { module: atom("m"), function: atom("wait"), arity: 0 };
        rust.node.serve_function(wait, |mailbox, _| drop(mailbox.recv()));
        rust.connect(erl.name());
        assert!(erl.ping(rust.name()));
        let seen = theirs(&erl, rust.name());
        assert_eq!(seen, "{[true,false,false],[false,1,false,0,false],[false,0],[false,false]}");
        assert_eq!(ours(&rust, erl.name()), seen);
    }

    //= docs/spec/process.md#process-monitor-node-passive
    //= type=test
    #[test]
    fn monitors_of_a_node_wait_for_it_where_erlangs_do(release: Release) {
        let epmd = Epmd::start(release);
        let mut options = ErlOptions::new(release, &epmd, "erlang");
        let once = ["-kernel", "dist_auto_connect", "once"];
        options.args.extend(once.map(str::to_owned));
        let erl = Erl::start(&options);
        let mut config = Ours::config(epmd.port());
        config.kernel.auto_connect = DistAutoConnect::Once;
        assert_eq!(config.kernel.setup_time, SETUP_TIME);
        let rust = Ours::start("rust", config);
        let x = Ours::start("x", Ours::config(epmd.port()));

        watch(&Watcher::theirs(&erl), erl.name(), &x);
        watch(&Watcher::Ours(&rust.node.mailbox()), rust.name(), &x);
    }
}
