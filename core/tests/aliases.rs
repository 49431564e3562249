//! Aliases, monitors of nodes, and references.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod cluster;

use cluster::{Cluster, Got, atom, name, reason};
use netkernel_core::MailboxId;
use netkernel_core::process::{AliasOption, MonitorAlias, Target};
use netkernel_core::term::Pid;
use netkernel_core::wire::control::Control;

/// Two nodes with a link between them, and a process on each.
fn pair() -> (Cluster, [MailboxId; 2], [Pid; 2]) {
    let mut cluster = Cluster::new(2);
    let mailboxes = [0, 1].map(|node| cluster.spawn(node));
    let pids = [0, 1].map(|node| cluster.pid(node, mailboxes[node]));
    (cluster, mailboxes, pids)
}

//= docs/spec/process.md#process-alias
//= type=test
//= docs/spec/process.md#process-alias-reply
//= type=test
#[test]
fn aliases_last_as_long_as_their_options_say() {
    let (mut cluster, [one, _], _) = pair();
    let message = (one, Got::Message(b"\x83\x61\x01".as_slice().into()));
    let explicit = cluster.processes(0).alias(one, AliasOption::ExplicitUnalias).unwrap();
    let reply = cluster.processes(0).alias(one, AliasOption::Reply).unwrap();
    for (alias, messages) in [(&explicit, 3), (&reply, 1)] {
        for _ in 0..3 {
            cluster.send_alias(1, 0, alias, &message.1);
        }
        cluster.settle();
        assert_eq!(cluster.take_got(0), vec![message.clone(); messages]);
    }
    let other = cluster.spawn(0);
    assert!(!cluster.processes(0).unalias(other, &explicit), "it is another's");
    assert!(!cluster.processes(0).unalias(one, &reply));
    cluster.processes(0).unalias(one, &explicit);
    cluster.send_alias(1, 0, &explicit, &message.1);
    cluster.settle();
    assert_eq!(cluster.got(0), []);
}

//= docs/spec/process.md#process-monitor-self
//= type=test
#[test]
fn a_monitor_of_oneself_is_nothing() {
    let (mut cluster, [one, _], [pid, _]) = pair();
    cluster.processes(0).register(atom("own"), one).unwrap();
    let named = |node| Target::Name(atom("own"), name(node));
    for alias in [None, Some(MonitorAlias::ExplicitUnalias), Some(MonitorAlias::ReplyDemonitor)] {
        for me in [Target::Pid(pid.clone()), named(0)] {
            let monitor = cluster.monitor(0, one, me, alias);
            let message = Got::Message(b"\x83\x61\x01".as_slice().into());
            cluster.send_alias(1, 0, &monitor, &message);
            cluster.settle();
            assert!(
                !cluster.demonitor(0, one, &monitor)
                    && !cluster.processes(0).unalias(one, &monitor)
            );
        }
    }
    // The same name elsewhere is another's, or nobody's.
    let elsewhere = cluster.monitor(0, one, named(1), None);
    cluster.settle();
    assert_eq!(cluster.take_got(0), [(one, Got::Down(elsewhere, named(1), reason("noproc")))]);
    assert_eq!(cluster.processes(0).usage().monitors, 0);
    cluster.terminate(0, one, "bye");
    assert!(!cluster.got(0).iter().any(|(_, got)| matches!(got, Got::Down(..))));
}

//= docs/spec/process.md#process-alias
//= type=test
//= docs/spec/process.md#process-alias-reply
//= type=test
#[test]
fn aliases_of_monitors_end_with_them_as_the_options_say() {
    use MonitorAlias::{Demonitor, ExplicitUnalias, ReplyDemonitor};
    for (option, messages, is_monitored, outlives) in [
        (ExplicitUnalias, 2, true, true),
        (Demonitor, 2, true, false),
        (ReplyDemonitor, 1, false, false),
    ] {
        for node in [0, 1] {
            let (mut cluster, [one, _], _) = pair();
            let other = cluster.spawn(node);
            let message = (one, Got::Message(b"\x83\x61\x01".as_slice().into()));
            let target = Target::Pid(cluster.pid(node, other));
            let alias = cluster.monitor(0, one, target.clone(), Some(option));
            for _ in 0..2 {
                cluster.send_alias(1, 0, &alias, &message.1);
                cluster.settle();
            }
            assert_eq!(cluster.take_got(0), vec![message.clone(); messages]);
            cluster.terminate(node, other, "bye");
            cluster.settle();
            assert_eq!(cluster.take_got(0).len(), usize::from(is_monitored));
            cluster.send_alias(1, 0, &alias, &message.1);
            cluster.settle();
            assert_eq!(cluster.take_got(0).len(), usize::from(outlives), "{option:?}");
        }
    }
    // An unalias leaves the monitor, a demonitor the alias that is to be ended explicitly.
    let (mut cluster, [one, _], pids) = pair();
    let target = Target::Pid(pids[1].clone());
    let alias = cluster.monitor(0, one, target.clone(), Some(ReplyDemonitor));
    assert!(cluster.processes(0).unalias(one, &alias));
    assert!(cluster.demonitor(0, one, &alias));
    let alias = cluster.monitor(0, one, target, Some(ExplicitUnalias));
    assert!(cluster.demonitor(0, one, &alias));
    assert!(cluster.processes(0).unalias(one, &alias));
    let alias = cluster.processes(0).alias(one, AliasOption::Reply).unwrap();
    cluster.terminate(0, one, "bye");
    cluster.send_alias(1, 0, &alias, &Got::Message(b"\x83\x61\x01".as_slice().into()));
    cluster.settle();
    assert_eq!(cluster.got(0), [], "aliases end with the process");
}

//= docs/spec/process.md#process-monitor-node
//= type=test
//= docs/spec/process.md#process-monitor-node-count
//= type=test
#[test]
fn monitors_of_a_node_count_and_are_answered_at_once_without_a_link() {
    let (mut cluster, [one, _], _) = pair();
    let down = (one, Got::NodeDown(name(1)));
    cluster.monitor_node(0, one, 1, false);
    cluster.monitor_node(0, one, 0, true);
    for on in [true, true, true, false] {
        cluster.monitor_node(0, one, 1, on);
    }
    cluster.disconnect(0, 1);
    assert_eq!(cluster.take_got(0), [down.clone(), down.clone()]);
    cluster.monitor_node(0, one, 1, true);
    assert_eq!(cluster.take_got(0), [down], "no link");
    cluster.connect(0, 1);
    cluster.monitor_node(0, one, 1, true);
    cluster.monitor_node(0, one, 1, false);
    cluster.monitor_node(0, one, 1, false);
    assert!(cluster.is_forgotten());
    cluster.monitor_node(0, one, 1, true);
    cluster.terminate(0, one, "bye");
    assert!(cluster.is_forgotten());
    cluster.disconnect(0, 1);
    assert_eq!(cluster.got(0), []);
}

//= docs/spec/process.md#process-references
//= type=test
#[test]
fn references_are_new_whatever_they_are_for() {
    let (mut cluster, [one, _], pids) = pair();
    let mut references: Vec<_> = (0..10)
        .flat_map(|_| {
            let monitor = cluster.monitor(0, one, Target::Pid(pids[1].clone()), None);
            let alias = cluster.processes(0).alias(one, AliasOption::Reply).unwrap();
            let (_, [_, ping]) = cluster.processes(0).ping(&name(1)).unwrap();
            let Control::RegSend { message, .. } = ping else { panic!("{ping:?}") };
            assert!(!message.is_empty());
            [monitor, alias]
        })
        .collect();
    references.sort();
    references.dedup();
    assert_eq!(references.len(), 20);
    let numbers: Vec<_> = references.iter().map(|it| it.words()[0]).collect();
    assert_eq!(numbers.last(), Some(&29), "pings have numbers of the same count");
    assert!(references.iter().all(|it| it.creation() == pids[0].creation));
}
