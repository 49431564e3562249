//! Node events and what may be asked for, compared with a real node term by term.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use std::process::Command;

use netkernel_blocking::core::net_kernel::subscriptions::{MonitorOptions, NodeTypes};
use netkernel_blocking::core::term::Term;
use netkernel_blocking::{Item, StartOptions};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::runtime::{Mailbox, Node};

/// Subscriptions of one process, as Erlang says them and as we do, in this order. Two are the same, and events of the last
/// come last.
fn subscriptions() -> [(&'static str, MonitorOptions); 7] {
    let (list, map) = (MonitorOptions::LIST, MonitorOptions::MAP);
    [
        ("[]", list),
        ("[{node_type, all}]", list.node_types(NodeTypes::All)),
        ("#{}", map),
        ("[nodedown_reason, connection_id]", list.connection_id().nodedown_reason()),
        ("#{node_type => hidden}", map.node_types(NodeTypes::Hidden)),
        ("[{node_type, all}]", list.node_types(NodeTypes::All)),
        (
            "#{connection_id => true, node_type => all, nodedown_reason => true}",
            MonitorOptions::ALL,
        ),
    ]
}

/// Whether an event is one of the last subscription.
fn is_last(event: &str) -> bool {
    event.contains(",#{connection_id => ")
}

/// Somebody who is told of nodes: a process of a real node, or a mailbox of ours.
enum Watcher {
    Theirs(Erl),
    Ours(Ours, Mailbox),
}

impl Watcher {
    fn name(&self) -> &str {
        match self {
            Self::Theirs(erl) => erl.name(),
            Self::Ours(ours, _) => ours.name(),
        }
    }

    /// A process of Erlang that does what it is told, and sends what it gets to the witness.
    fn theirs(erl: Erl) -> Self {
        erl.eval(
            "Watch = fun Loop() -> \
                 receive {do, From, Do} -> From ! {done, Do()}; Event -> witness ! {watched, Event} end, \
                 Loop() \
             end, register(watcher, spawn(fun() -> Watch() end))",
        );
        Self::Theirs(erl)
    }

    fn ours(ours: Ours) -> Self {
        let mailbox = ours.node.mailbox();
        Self::Ours(ours, mailbox)
    }

    fn monitor(&self, flag: bool, (text, options): (&str, MonitorOptions)) {
        match self {
            Self::Theirs(erl) => {
                let call = format!(
                    "watcher ! {{do, self(), fun() -> net_kernel:monitor_nodes({flag}, {text}) end}}, \
                     receive {{done, Result}} -> Result end"
                );
                assert_eq!(erl.eval(&call), "ok", "{text}");
            }
            Self::Ours(_, mailbox) => mailbox.monitor_nodes(flag, options),
        }
    }

    fn disconnect(&self, node: &Erl) {
        match self {
            Self::Theirs(erl) => {
                assert_eq!(erl.eval(&format!("erlang:disconnect_node('{}')", node.name())), "true");
            }
            Self::Ours(ours, _) => {
                assert_eq!(ours.node.disconnect_node(&node_name(node.name())), Some(true));
            }
        }
    }

    fn connect(&self, node: &Erl) {
        match self {
            Self::Theirs(erl) => assert_eq!(connect(erl, node.name()), "true"),
            Self::Ours(ours, _) => ours.connect(node.name()),
        }
    }

    /// What has been told up to the next event of the last subscription.
    fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        while !told.last().is_some_and(|event: &String| is_last(event)) {
            told.push(match self {
                Self::Theirs(erl) => {
                    let event = erl.wait_event(GIVE_UP, |event| event.starts_with("{watched,"));
                    event["{watched,".len()..event.len() - 1].to_owned()
                }
                Self::Ours(_, mailbox) => match mailbox.recv_timeout(GIVE_UP) {
                    Some(Item::Event(event)) => event.to_string(),
                    other => panic!("no node event but {other:?} after {told:?}"),
                },
            });
        }
        told
    }
}

fn connect(erl: &Erl, node: &str) -> String {
    erl.eval(&format!("net_kernel:connect_node('{node}')"))
}

/// Everything that one watcher is told while two nodes, one of them hidden, come and go in all ways.
fn script(watcher: &Watcher, release: Release, epmd: &Epmd) -> Vec<String> {
    let options = |name| ErlOptions::new(release, epmd, name).without_auto_connect();
    let visible = Erl::start(&options("v"));
    let hidden = Erl::start(&ErlOptions { hidden: true, ..options("h") });
    let mut told = Vec::new();
    // Each link is used, so that Erlang has finished its start of it.
    let up = |erl: &Erl, they_dial: bool| {
        if they_dial {
            assert_eq!(connect(erl, watcher.name()), "true");
        } else {
            watcher.connect(erl);
        }
        let events = watcher.told();
        assert!(erl.ping(watcher.name()));
        events
    };
    let leave = |erl: &Erl| {
        let left = erl.eval(&format!("erlang:disconnect_node('{}')", watcher.name()));
        assert_eq!(left, "true");
        watcher.told()
    };

    for subscription in subscriptions() {
        watcher.monitor(true, subscription);
    }
    for erl in [&visible, &hidden] {
        told.extend(up(erl, true));
        watcher.disconnect(erl);
        told.extend(watcher.told());
        told.extend(up(erl, false));
        told.extend(leave(erl));
    }
    // One call with false takes both copies.
    watcher.monitor(false, subscriptions()[1]);
    told.extend(up(&hidden, true));
    told.extend(up(&visible, false));
    drop(hidden);
    told.extend(watcher.told());
    drop(visible);
    told.extend(watcher.told());
    told
}

/// Lives of a node from its start to its stop: its name, and how it connects.
const LIVES: [(&str, &str); 2] =
    [("first@127.0.0.1", "connect_node"), ("second@127.0.0.1", "hidden_connect_node")];

/// What a process of Erlang is told of them: one of a system that began without a name.
fn lives_of_erlang(release: Release, epmd: &Epmd, peer: &str) -> Vec<String> {
    let subscribe: String = subscriptions()
        .iter()
        .map(|(options, _)| format!("ok = net_kernel:monitor_nodes(true, {options}), "))
        .collect();
    let lives: String = LIVES
        .iter()
        .map(|(node, connect)| format!("Live('{node}', fun net_kernel:{connect}/1), "))
        .collect();
    // Its own nodedown, to the last subscription, ends a life.
    let script = format!(
        "Told = fun Told(Own) -> \
             receive \
                 {{nodedown, Own, #{{nodedown_reason := _}}}} = Last -> io:format(\"~0tp~n\", [Last]); \
                 Event -> io:format(\"~0tp~n\", [Event]), Told(Own) \
             after 600000 -> halt(1) end \
         end, \
         Live = fun(Own, Connect) -> \
             {{ok, _}} = net_kernel:start(Own, #{{name_domain => longnames}}), \
             true = Connect('{peer}'), pong = net_adm:ping('{peer}'), ok = net_kernel:stop(), Told(Own) \
         end, \
         {subscribe}{lives}halt(0)."
    );
    let output = Command::new(release.program("erl"))
        .env("ERL_EPMD_PORT", epmd.port().to_string())
        .args(["-noinput", "-start_epmd", "false", "-setcookie", "secret"])
        .args(["-kernel", "logger_level", "none", "-eval", &script])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    told.lines().map(str::to_owned).collect()
}

/// What a mailbox of ours is told of them.
fn lives_of_ours(epmd: &Epmd, peer: &str) -> Vec<String> {
    let node = Node::new(Ours::config(epmd.port())).unwrap();
    let mailbox = node.mailbox();
    for (_, options) in subscriptions() {
        mailbox.monitor_nodes(true, options);
    }
    let mut told: Vec<String> = Vec::new();
    for (own, connect) in LIVES {
        node.start(StartOptions::new(node_name(own))).unwrap();
        match connect {
            "hidden_connect_node" => node.hidden_connect_node(node_name(peer)).unwrap(),
            _ => node.connect_node(node_name(peer)).unwrap(),
        }
        node.ping(&node_name(peer), GIVE_UP).unwrap();
        node.stop().unwrap();
        let end = format!("{{nodedown,'{own}',#{{");
        while !told.last().is_some_and(|event| is_last(event) && event.starts_with(&end)) {
            match mailbox.recv_timeout(GIVE_UP) {
                Some(Item::Event(event)) => told.push(event.to_string()),
                other => panic!("no node event but {other:?} after {told:?}"),
            }
        }
    }
    assert!(mailbox.try_recv().is_none(), "nothing comes after it");
    told
}

/// With the connection ids numbered as they come, since each node counts its own.
fn normalized(told: &[String]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    let mut normalize = |event: &String| {
        let at = event.find("connection_id").filter(|at| !event[*at..].contains("undefined"));
        let Some(at) = at else { return event.clone() };
        let number = at + event[at..].find(|c: char| c.is_ascii_digit()).unwrap();
        let end = number + event[number..].find(|c: char| !c.is_ascii_digit()).unwrap();
        let id = &event[number..end];
        let index = seen.iter().position(|other| other == id).unwrap_or_else(|| {
            seen.push(id.to_owned());
            seen.len() - 1
        });
        format!("{}#{index}{}", &event[..number], &event[end..])
    };
    told.iter().map(&mut normalize).collect()
}

/// Flags and options, good and bad ones, and several faults at once.
const CALLS: [(&str, &str); 33] = [
    ("true", "[]"),
    ("true", "[nodedown_reason,connection_id,{node_type,visible}]"),
    ("true", "[{node_type,all},{node_type,all}]"),
    ("true", "[{node_type,all},{node_type,hidden},foo]"),
    ("true", "[foo,{node_type,x},{node_type,visible}]"),
    ("true", "[{node_type,x},foo]"),
    ("true", "[{node_type,17}]"),
    ("true", "[{node_type,1},{node_type,1.0}]"),
    ("true", "[foo,bar,baz]"),
    ("true", "[foo,nodedown_reason,bar]"),
    ("true", "[foo,{node_type,all},connection_id,bar]"),
    ("true", "[connection_id,foo,{node_type,all},nodedown_reason,bar]"),
    ("true", "[{nodedown_reason,true}]"),
    ("true", "[{connection_id,true},{connection_id,false}]"),
    ("true", "[17,list,[],<<\"x\">>,{node_type},{node_type,all,all}]"),
    ("true", "[foo,foo]"),
    ("true", "#{}"),
    ("true", "#{connection_id => false,nodedown_reason => true,node_type => hidden}"),
    ("true", "#{connection_id => x,nodedown_reason => y,node_type => z,u => 1}"),
    ("true", "#{nodedown_reason => 17,node_type => z}"),
    ("true", "#{node_type => false,u => 1}"),
    ("true", "#{u => 1,node_type => all}"),
    ("true", "#{list => true}"),
    ("true", "#{17 => \"x\"}"),
    ("true", "foo"),
    ("true", "{node_type,all}"),
    ("true", "17"),
    ("true", "[nodedown_reason|tail]"),
    ("true", "[{node_type,all},{node_type,hidden}|tail]"),
    ("true", "[{node_type,x}|tail]"),
    ("false", "[foo]"),
    ("maybe_not", "[]"),
    ("17", "foo"),
];

each_release_and_runtime! {
    //= docs/spec/monitor.md#monitor-order
    //= type=test
    //= docs/spec/monitor.md#monitor-info
    //= type=test
    //= docs/spec/monitor.md#monitor-info-order
    //= type=test
    //= docs/spec/monitor.md#monitor-types
    //= type=test
    //= docs/spec/monitor.md#monitor-count
    //= type=test
    //= docs/spec/monitor.md#monitor-false
    //= type=test
    //= docs/spec/monitor.md#monitor-connection-id
    //= type=test
    #[test]
    fn a_process_of_erlang_and_ours_are_told_the_same(release: Release) {
        let epmd = Epmd::start(release);
        let theirs = ErlOptions::new(release, &epmd, "watch").without_auto_connect();
        let theirs = Watcher::theirs(Erl::start(&theirs));
        let ours = Watcher::ours(Ours::start("rust", Ours::config(epmd.port())));
        let theirs = normalized(&script(&theirs, release, &epmd));
        let ours = normalized(&script(&ours, release, &epmd));
        assert_eq!(ours, theirs);
        // Six copies of what is visible, four of what is hidden, and two less of each at the end.
        assert_eq!(theirs.len(), 4 * 6 + 4 * 4 + 2 * 4 + 2 * 2, "{theirs:#?}");
    }

    //= docs/spec/kernel.md#kernel-stop
    //= type=test
    //= docs/spec/monitor.md#monitor-own-node
    //= type=test
    //= docs/spec/nodedown.md#nodedown-net-kernel-terminated
    //= type=test
    #[test]
    fn starts_and_stops_are_told_as_by_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let peer = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
        let theirs = normalized(&lives_of_erlang(release, &epmd, peer.name()));
        let ours = normalized(&lives_of_ours(&epmd, peer.name()));
        assert_eq!(ours, theirs);
        // Six copies of what is visible, four of the hidden link.
        assert_eq!(theirs.len(), 4 * 6 + 2 * 6 + 2 * 4, "{theirs:#?}");
        let downs = theirs.iter().filter(|event| event.contains("nodedown_reason"));
        let mut downs = downs.filter(|event| event.starts_with("{nodedown"));
        assert!(downs.all(|event| event.contains("net_kernel_terminated")), "{theirs:#?}");
    }

    //= docs/spec/monitor.md#monitor-error-flag
    //= type=test
    //= docs/spec/monitor.md#monitor-error-shape
    //= type=test
    //= docs/spec/monitor.md#monitor-error-list
    //= type=test
    //= docs/spec/monitor.md#monitor-error-map
    //= type=test
    #[test]
    fn options_are_judged_as_erlang_does(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        for (flag, text) in CALLS {
            let theirs = erl.eval(&format!("net_kernel:monitor_nodes({flag}, {text})"));
            let options: Term = text.parse().unwrap();
            let ours = MonitorOptions::check(&flag.parse().unwrap(), &options);
            let ours = ours.map_or_else(|e| e.to_string(), |_| "ok".into());
            if theirs.contains("internal_error") {
                // Theirs goes on with a stack trace.
                let begin = ours.trim_end_matches("[]}}}}");
                assert!(theirs.starts_with(begin) && begin != ours, "{text}: {ours}, {theirs}");
            } else {
                assert_eq!(ours, theirs, "{flag}, {text}");
            }
        }
    }
}
