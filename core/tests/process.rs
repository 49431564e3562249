//! Processes of several nodes: monitors, aliases, exit signals, and the end of links between nodes. Signals travel in
//! queues that the tests empty when they like, so that whatever can cross does.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod cluster;

use cluster::{Cluster, Got, atom, name, pair, reason};
use netkernel_core::process::{AliasOption, Limits, MonitorAlias, Target};
use netkernel_core::stream::Violation;
use netkernel_core::term::{Pid, Reference};
use netkernel_core::wire::control::{Content, Control, Monitored, Receiver};
use netkernel_core::{Creation, NodeName};

//= docs/spec/process.md#process-monitor
//= type=test
//= docs/spec/process.md#process-monitor-received
//= type=test
//= docs/spec/process.md#process-down
//= type=test
#[test]
fn monitors_tell_once_why_a_process_ended_by_the_name_it_was_given() {
    for watched in [0, 1] {
        let (mut cluster, [one, _], _) = pair();
        let other = cluster.spawn(watched);
        let pid = cluster.pid(watched, other);
        cluster.processes(watched).register(atom("x"), other).unwrap();
        let targets = [Target::Name(atom("x"), name(watched)), Target::Pid(pid)];
        let references = targets.clone().map(|it| cluster.monitor(0, one, it, None));
        cluster.settle();
        // A name is looked up once.
        cluster.processes(watched).unregister("x");
        cluster.terminate(watched, other, "bye");
        cluster.settle();
        let mut got = cluster.take_got(0);
        let mut expected: Vec<_> = references
            .into_iter()
            .zip(targets)
            .map(|(reference, it)| (one, Got::Down(reference, it, reason("bye"))))
            .collect();
        got.sort();
        expected.sort();
        assert_eq!(got, expected);
        assert!(cluster.is_forgotten());
    }
}

//= docs/spec/process.md#process-monitor
//= type=test
//= docs/spec/process.md#process-monitor-noproc
//= type=test
#[test]
fn monitors_of_nobody_say_noproc_and_noconnection() {
    let (mut cluster, [one, two], pids) = pair();
    cluster.terminate(1, two, "normal");
    let former = Pid { creation: Creation(1), ..pids[0].clone() };
    for (target, text) in [
        (Target::Pid(pids[1].clone()), "noproc"),
        (Target::Name(atom("nobody"), name(1)), "noproc"),
        (Target::Name(atom("nobody"), name(0)), "noproc"),
        (Target::Pid(former), "noproc"),
        (Target::Pid(Pid { node: atom("x@y"), ..pids[1].clone() }), "noconnection"),
        (Target::Name(atom("nobody"), NodeName::new("x@y").unwrap()), "noconnection"),
    ] {
        let alias = Some(MonitorAlias::Demonitor);
        let reference = cluster.monitor(0, one, target.clone(), alias);
        cluster.settle();
        let down = Got::Down(reference.clone(), target, reason(text));
        assert_eq!(cluster.take_got(0), [(one, down)]);
        assert!(!cluster.processes(0).unalias(one, &reference), "it ended with the monitor");
    }
    assert!(cluster.is_forgotten());
}

//= docs/spec/process.md#process-down
//= type=test
#[test]
fn a_monitor_ends_by_the_word_of_its_node_to_its_process_and_by_no_other() {
    let mut cluster = Cluster::new(3);
    let [one, other] = [0, 0].map(|node| cluster.spawn(node));
    let [two, three] = [1, 2].map(|node| (cluster.spawn(node), node));
    let [two_pid, three_pid] = [two, three].map(|(mailbox, node)| cluster.pid(node, mailbox));
    let target = Target::Pid(two_pid.clone());
    let reference = cluster.monitor(0, one, target.clone(), None);
    for (node, from, to) in [(2, &three_pid, one), (1, &two_pid, other)] {
        let (from, to) = (Monitored::Pid(from.clone()), cluster.pid(0, to));
        let (reference, reason) = (reference.clone(), reason("lie"));
        cluster.inject(node, 0, Control::MonitorPExit { from, to, reference, reason });
        cluster.settle();
        assert_eq!(cluster.got(0), []);
    }
    cluster.terminate(1, two.0, "bye");
    cluster.settle();
    assert_eq!(cluster.got(0), [(one, Got::Down(reference, target, reason("bye")))]);
}

//= docs/spec/process.md#process-demonitor
//= type=test
//= docs/spec/process.md#process-demonitor-received
//= type=test
#[test]
fn nothing_comes_after_a_demonitor() {
    for watched in [0, 1] {
        let (mut cluster, [one, two], _) = pair();
        let other = cluster.spawn(watched);
        let target = Target::Pid(cluster.pid(watched, other));
        let reference = cluster.monitor(0, one, target.clone(), None);
        cluster.settle();
        let stranger = if watched == 0 { other } else { cluster.spawn(0) };
        assert!(!cluster.demonitor(0, stranger, &reference), "it is another's");
        assert!(cluster.demonitor(0, one, &reference));
        assert!(!cluster.demonitor(0, one, &reference));
        // It crosses what comes of the end.
        cluster.terminate(watched, other, "bye");
        cluster.settle();
        assert_eq!(cluster.got(0), []);
        assert!(cluster.is_forgotten());
        // Who monitored and has ended is forgotten, too.
        cluster.monitor(0, one, Target::Pid(cluster.pid(1, two)), None);
        cluster.settle();
        cluster.terminate(0, one, "bye");
        cluster.settle();
        assert!(cluster.is_forgotten());
    }
}

//= docs/spec/process.md#process-monitor
//= type=test
#[test]
fn a_monitor_that_the_peer_does_not_take_still_sees_the_link_end() {
    let (mut cluster, [one, _], pids) = pair();
    cluster.no_monitors = true;
    let target = Target::Pid(pids[1].clone());
    let reference = cluster.monitor(0, one, target.clone(), None);
    cluster.settle();
    assert_eq!(cluster.got(0), []);
    cluster.disconnect(0, 1);
    assert_eq!(cluster.got(0), [(one, Got::Down(reference, target, reason("noconnection")))]);
}

//= docs/spec/process.md#process-exit-sent
//= type=test
//= docs/spec/process.md#process-kill
//= type=test
//= docs/spec/process.md#process-exit-signal
//= type=test
#[test]
fn exit_2_ends_who_does_not_trap_and_kill_ends_everybody() {
    for (text, trap, got) in [
        ("bye", false, Some(Got::Ended(reason("bye")))),
        ("bye", true, Some(Got::Exit(reason("bye")))),
        ("normal", false, None),
        ("normal", true, Some(Got::Exit(reason("normal")))),
        ("kill", false, Some(Got::Ended(reason("killed")))),
        ("kill", true, Some(Got::Ended(reason("killed")))),
    ] {
        for node in [0, 1] {
            let (mut cluster, [one, two], pids) = pair();
            let by = if node == 0 { cluster.spawn(0) } else { two };
            cluster.processes(0).trap_exit(one, trap).unwrap();
            cluster.exit(node, by, &pids[0], text);
            cluster.settle();
            let got: Vec<_> = got.clone().map(|got| (one, got)).into_iter().collect();
            assert_eq!(cluster.got(0), got, "{text} {trap}");
        }
    }
    let (mut cluster, [one, two], pids) = pair();
    cluster.exit(0, one, &pids[0], "normal");
    assert_eq!(cluster.got(0), [(one, Got::Ended(reason("normal")))], "itself");
    // A stale pid, and one of a node without a link: nobody is there.
    cluster.exit(1, two, &Pid { creation: Creation(1), ..pids[1].clone() }, "kill");
    cluster.exit(1, two, &Pid { node: atom("x@y"), ..pids[0].clone() }, "kill");
    cluster.settle();
    assert_eq!(cluster.got(1), []);
}

//= docs/spec/process.md#process-kill
//= type=test
#[test]
fn an_exit_signal_of_the_new_operation_is_one_of_exit_2() {
    let (mut cluster, [one, _], pids) = pair();
    let content = Content::Exit(reason("kill"));
    let signal = |to| Control::Altact {
        from: pids[1].clone(),
        to,
        priority: true,
        content: content.clone(),
        token: None,
    };
    cluster.inject(1, 0, signal(Receiver::Name(atom("nobody"))));
    cluster.inject(1, 0, signal(Receiver::Pid(pids[0].clone())));
    cluster.settle();
    assert_eq!(cluster.got(0), [(one, Got::Ended(reason("killed")))]);
}

//= docs/spec/process.md#process-alias-exit
//= type=test
#[test]
fn an_exit_signal_to_an_alias_is_one_to_its_process_and_leaves_the_alias() {
    let (mut cluster, [one, _], pids) = pair();
    cluster.processes(0).trap_exit(one, true).unwrap();
    let alias = cluster.processes(0).alias(one, AliasOption::Reply).unwrap();
    let ended = cluster.processes(0).alias(one, AliasOption::Reply).unwrap();
    assert!(cluster.processes(0).unalias(one, &ended));
    let signal = |to: &Reference, text| Control::Altact {
        from: pids[1].clone(),
        to: Receiver::Alias(to.clone()),
        priority: text == "two",
        content: Content::Exit(reason(text)),
        token: None,
    };
    for (to, text) in [(&alias, "one"), (&ended, "lost"), (&alias, "two"), (&alias, "normal")] {
        cluster.inject(1, 0, signal(to, text));
    }
    cluster.send_alias(1, 0, &alias, &Got::Message(b"\x83\x61\x01".as_slice().into()));
    cluster.inject(1, 0, signal(&alias, "late"));
    cluster.settle();
    let exit = |text| (one, Got::Exit(reason(text)));
    let message = (one, Got::Message(b"\x83\x61\x01".as_slice().into()));
    assert_eq!(cluster.take_got(0), [exit("one"), exit("two"), exit("normal"), message]);
    let alias = cluster.processes(0).alias(one, AliasOption::ExplicitUnalias).unwrap();
    cluster.inject(1, 0, signal(&alias, "kill"));
    cluster.settle();
    assert_eq!(cluster.got(0), [(one, Got::Ended(reason("killed")))]);
}

//= docs/spec/process.md#process-end
//= type=test
#[test]
fn the_end_of_one_is_the_end_of_all_that_depend_on_it_links_before_monitors() {
    let (mut cluster, [one, two], pids) = pair();
    let [local, watcher] = [0, 1].map(|_| cluster.spawn(0));
    cluster.processes(0).register(atom("x"), one).unwrap();
    cluster.processes(0).trap_exit(watcher, true).unwrap();
    cluster.processes(1).trap_exit(two, true).unwrap();
    let object = Target::Pid(pids[0].clone());
    let here = cluster.monitor(0, watcher, object.clone(), None);
    cluster.link(0, watcher, &pids[0]);
    cluster.link(0, local, &pids[0]);
    let there = cluster.monitor(1, two, object.clone(), None);
    cluster.link(1, two, &pids[0]);
    cluster.settle();
    cluster.exit(1, two, &pids[0], "bye");
    cluster.settle();
    let expected = [
        (one, Got::Ended(reason("bye"))),
        (local, Got::Ended(reason("bye"))),
        (watcher, Got::Exit(reason("bye"))),
        (watcher, Got::Down(here, object.clone(), reason("bye"))),
    ];
    assert_eq!(cluster.got(0), expected);
    let expected =
        [(two, Got::Exit(reason("bye"))), (two, Got::Down(there, object, reason("bye")))];
    assert_eq!(cluster.got(1), expected);
    assert_eq!(cluster.processes(0).whereis("x"), None);
    assert!(cluster.is_forgotten());
}

//= docs/spec/process.md#process-end
//= type=test
#[test]
fn a_long_chain_of_links_ends_without_recursion() {
    let mut cluster = Cluster::new(1);
    let chain: Vec<_> = (0..20_000).map(|_| cluster.spawn(0)).collect();
    for two in chain.windows(2) {
        let pid = cluster.pid(0, two[1]);
        cluster.link(0, two[0], &pid);
    }
    cluster.terminate(0, chain[0], "bye");
    assert_eq!(cluster.got(0).len(), chain.len() - 1);
}

//= docs/spec/process.md#process-loss
//= type=test
//= docs/spec/process.md#process-loss-order
//= type=test
//= docs/spec/process.md#process-monitor-node
//= type=test
#[test]
fn a_lost_link_ends_links_then_monitors_then_monitors_of_the_node() {
    let (mut cluster, [one, two], pids) = pair();
    let other = cluster.spawn(1);
    let dies = cluster.spawn(0);
    cluster.processes(0).trap_exit(one, true).unwrap();
    let object = Target::Pid(pids[1].clone());
    cluster.monitor_node(0, one, 1, true);
    let reference = cluster.monitor(0, one, object.clone(), None);
    cluster.link(0, one, &pids[1]);
    cluster.link(0, dies, &pids[1]);
    cluster.monitor_node(0, dies, 1, true);
    let to_one = Target::Pid(pids[0].clone());
    let back = cluster.monitor(1, other, to_one.clone(), None);
    cluster.link(1, two, &pids[0]);
    cluster.settle();
    // An unlink that is not acknowledged is no link.
    let third = cluster.spawn(0);
    cluster.link(0, third, &pids[1]);
    cluster.unlink(0, third, &pids[1]);
    cluster.disconnect(0, 1);
    assert_eq!(
        cluster.got(0),
        [
            (one, Got::Exit(reason("noconnection"))),
            (dies, Got::Ended(reason("noconnection"))),
            (one, Got::Down(reference, object, reason("noconnection"))),
            (one, Got::NodeDown(name(1))),
        ]
    );
    assert_eq!(
        cluster.got(1),
        [
            (two, Got::Ended(reason("noconnection"))),
            (other, Got::Down(back, to_one, reason("noconnection"))),
        ]
    );
    assert!(cluster.is_forgotten());
    // What is lost is lost once.
    cluster.disconnect(0, 1);
    assert_eq!((cluster.got(0).len(), cluster.got(1).len()), (4, 2));
}

//= docs/spec/process.md#process-limits
//= type=test
#[test]
fn a_peer_may_have_so_many_links_and_monitors_and_no_more() {
    let mut limits = Limits::default();
    assert_eq!((limits.links_per_peer, limits.monitors_per_peer), (262_144, 262_144));
    (limits.links_per_peer, limits.monitors_per_peer) = (2, 2);
    let mut cluster = Cluster::with_limits(3, limits);
    let one = cluster.spawn(0);
    let target = cluster.pid(0, one);
    let others: Vec<_> = (0..3).map(|_| cluster.spawn(1)).collect();
    // Our own links and those of others do not count.
    for &other in &others[..2] {
        let ours = cluster.spawn(0);
        let pid = cluster.pid(1, other);
        cluster.link(0, ours, &pid);
    }
    let third = cluster.spawn(2);
    cluster.link(2, third, &target);
    cluster.settle();
    for _ in 0..3 {
        cluster.link(1, others[0], &target);
        cluster.link(1, others[1], &target);
        cluster.settle();
        cluster.unlink(1, others[0], &target);
        cluster.settle();
        assert_eq!(cluster.violations, []);
    }
    cluster.link(1, others[0], &target);
    cluster.link(1, others[2], &target);
    cluster.settle();
    assert_eq!(cluster.violations, [Violation::TooManyLinks]);
    for expected in [1, 1, 2] {
        cluster.monitor(1, others[0], Target::Pid(target.clone()), None);
        cluster.settle();
        assert_eq!(cluster.violations.len(), expected);
    }
    assert_eq!(cluster.violations[1], Violation::TooManyMonitors);
}

//= docs/spec/process.md#process-group-leader
//= type=test
#[test]
fn anybody_may_set_a_group_leader() {
    let (mut cluster, [one, _], pids) = pair();
    assert_eq!(cluster.processes(0).group_leader(one), None);
    let (leader, to) = (pids[1].clone(), pids[0].clone());
    cluster.inject(1, 0, Control::GroupLeader { leader: leader.clone(), to });
    cluster.settle();
    assert_eq!(cluster.processes(0).group_leader(one), Some(leader));
}

//= docs/spec/process.md#process-user
//= type=test
#[test]
fn who_was_given_no_group_leader_has_the_user() {
    let mut cluster = Cluster::new(1);
    let [one, other, user] = [(); 3].map(|()| cluster.spawn(0));
    let [other_pid, user_pid] = [other, user].map(|process| cluster.pid(0, process));
    cluster.processes(0).register(atom("user"), user).unwrap();
    assert_eq!(cluster.processes(0).group_leader(one), Some(user_pid));
    cluster.processes(0).give_group_leader(one, other_pid.clone()).unwrap();
    assert_eq!(cluster.processes(0).group_leader(one), Some(other_pid.clone()));
    cluster.terminate(0, user, "bye");
    assert_eq!(cluster.processes(0).group_leader(other), None);
    cluster.terminate(0, one, "bye");
    assert!(cluster.processes(0).give_group_leader(one, other_pid).is_err());
    assert_eq!(cluster.processes(0).group_leader(one), None);
}

//= docs/spec/process.md#process-own-name
//= type=test
#[test]
fn a_group_leader_here_stays_the_same_process_when_the_node_gets_another_name() {
    let (mut cluster, [one, _], pids) = pair();
    let leader = cluster.spawn(0);
    let first = cluster.pid(0, leader);
    cluster.processes(0).give_group_leader(one, first).unwrap();
    let leader_now = |cluster: &mut Cluster| {
        let processes = cluster.processes(0);
        (processes.group_leader(one), processes.self_pid(leader))
    };
    cluster.processes(0).not_alive();
    let (told, nonode) = leader_now(&mut cluster);
    assert_eq!((&*nonode.clone().unwrap().node, told), ("nonode@nohost", nonode));
    cluster.processes(0).alive(NodeName::new("c@h").unwrap(), Creation(9));
    let (told, second) = leader_now(&mut cluster);
    assert_eq!((second.clone().unwrap().creation, told), (Creation(9), second));
    // One elsewhere keeps its pid.
    cluster.processes(0).give_group_leader(one, pids[1].clone()).unwrap();
    cluster.processes(0).not_alive();
    assert_eq!(cluster.processes(0).group_leader(one), Some(pids[1].clone()));
}

//= docs/spec/process.md#process-not-alive
//= type=test
#[test]
fn a_node_without_a_name_reaches_nobody() {
    let (mut cluster, [one, _], pids) = pair();
    cluster.processes(0).not_alive();
    cluster.processes(0).trap_exit(one, true).unwrap();
    cluster.link(0, one, &pids[1]);
    assert_eq!(cluster.take_got(0), [(one, Got::Exit(reason("noconnection")))]);
    let target = Target::Pid(pids[1].clone());
    let reference = cluster.monitor(0, one, target.clone(), None);
    assert_eq!(cluster.take_got(0), [(one, Got::Down(reference, target, reason("noconnection")))]);
    cluster.exit(0, one, &pids[1], "kill");
    assert!(!cluster.carry(0, 1), "nothing is sent");
    assert!(cluster.is_forgotten());
}

#[test]
fn what_a_process_has_can_be_asked_and_is_counted() {
    let (mut cluster, [one, two], pids) = pair();
    let local = cluster.spawn(0);
    let here = cluster.pid(0, local);
    let there = cluster.monitor(0, one, Target::Pid(pids[1].clone()), None);
    let near = cluster.monitor(0, one, Target::Pid(here.clone()), Some(MonitorAlias::Demonitor));
    cluster.link(0, one, &pids[1]);
    cluster.link(0, one, &here);
    cluster.monitor_node(0, local, 1, true);
    cluster.monitor_node(0, local, 1, true);
    cluster.settle();
    let monitors = [(there, Target::Pid(pids[1].clone())), (near, Target::Pid(here))];
    assert_eq!(cluster.processes(0).monitors(one), monitors);
    assert_eq!(cluster.processes(0).monitored_by(local), [pids[0].clone()]);
    assert_eq!(cluster.processes(1).monitored_by(two), [pids[0].clone()]);
    let usage = cluster.processes(0).usage();
    let rows = (usage.processes, usage.monitors, usage.watches, usage.links, usage.aliases);
    assert_eq!(rows, (2, 2, 0, 1, 1));
    let rows = (usage.names, usage.node_monitors, usage.nodes, usage.spawns);
    assert_eq!(rows, (0, 1, 1, 0));
    cluster.unlink(0, one, &pids[1]);
    assert_eq!(cluster.processes(0).usage().links, 1, "it is not acknowledged");
    cluster.settle();
    assert_eq!(cluster.processes(0).usage().links, 0);
    let usage = cluster.processes(1).usage();
    assert_eq!((usage.monitors, usage.watches, usage.nodes), (0, 1, 1));
    cluster.terminate(0, one, "bye");
    cluster.settle();
    assert!(cluster.processes(0).monitored_by(local).is_empty());
    assert_eq!(cluster.processes(1).usage().watches, 0);
}

//= docs/spec/process.md#process-mailbox-bound
//= type=test
#[test]
fn a_process_is_told_that_it_was_killed_for_its_mailbox_and_so_are_those_that_depend_on_it() {
    let (mut cluster, [one, two], pids) = pair();
    cluster.link(1, two, &pids[0]);
    cluster.settle();
    cluster.processes(0).trap_exit(one, true).unwrap();
    cluster.on(0, |processes, host| processes.kill(one, host));
    cluster.settle();
    assert_eq!(cluster.take_got(0), [(one, Got::Ended(reason("killed")))]);
    assert_eq!(cluster.take_got(1), [(two, Got::Ended(reason("killed")))]);
    assert!(!cluster.lives(0, one) && !cluster.lives(1, two) && cluster.is_forgotten());
    cluster.on(0, |processes, host| processes.kill(one, host));
    assert_eq!(cluster.got(0), [], "it had ended");
}
