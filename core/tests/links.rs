//! Links between processes of several nodes, and what crosses when they are made and given up. Signals travel in queues that
//! the tests empty when they like.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod cluster;

use cluster::{Got, atom, pair, reason};
use netkernel_core::Creation;
use netkernel_core::process::NoProcess;
use netkernel_core::term::Pid;
use proptest::collection::vec as many;
use proptest::prelude::*;

//= docs/spec/process.md#process-link
//= type=test
//= docs/spec/process.md#process-link-received
//= type=test
//= docs/spec/process.md#process-exit-received
//= type=test
//= docs/spec/process.md#process-exit-signal
//= type=test
#[test]
fn the_end_of_a_process_ends_those_that_it_is_linked_with() {
    for (by, ends) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let (mut cluster, mailboxes, pids) = pair();
        let lives = 1 - ends;
        cluster.link(by, mailboxes[by], &pids[1 - by]);
        cluster.link(by, mailboxes[by], &pids[1 - by]);
        cluster.settle();
        assert_eq!(cluster.processes(lives).links(mailboxes[lives]), [pids[ends].clone()]);
        cluster.terminate(ends, mailboxes[ends], "bye");
        cluster.settle();
        assert_eq!(cluster.got(lives), [(mailboxes[lives], Got::Ended(reason("bye")))]);
        assert_eq!(cluster.processes(lives).pid(mailboxes[lives]), None);
        assert_eq!(cluster.got(ends), [], "who ends by its own will is told nothing");
        assert!(cluster.is_forgotten());
    }
}

//= docs/spec/process.md#process-trap-exit
//= type=test
//= docs/spec/process.md#process-exit-signal
//= type=test
#[test]
fn who_traps_exits_lives_on_and_normal_ends_nobody() {
    for (text, trap, got) in [
        ("bye", true, Some(Got::Exit(reason("bye")))),
        ("normal", true, Some(Got::Exit(reason("normal")))),
        ("kill", true, Some(Got::Exit(reason("kill")))),
        ("normal", false, None),
        ("kill", false, Some(Got::Ended(reason("kill")))),
    ] {
        for local in [false, true] {
            let (mut cluster, [one, two], pids) = pair();
            let (node, other) = if local { (0, cluster.spawn(0)) } else { (1, two) };
            assert_eq!(cluster.processes(0).trap_exit(one, trap), Ok(false));
            assert_eq!(cluster.processes(0).trap_exit(one, trap), Ok(trap));
            cluster.link(node, other, &pids[0]);
            cluster.settle();
            cluster.terminate(node, other, text);
            cluster.settle();
            let ended = matches!(got, Some(Got::Ended(_)));
            let got: Vec<_> = got.clone().map(|got| (one, got)).into_iter().collect();
            assert_eq!(cluster.got(0), got, "{text} {trap}");
            assert_eq!(cluster.processes(0).pid(one).is_none(), ended);
            assert!(cluster.processes(0).links(one).is_empty());
        }
    }
}

//= docs/spec/process.md#process-link
//= type=test
//= docs/spec/process.md#process-link-noproc
//= type=test
#[test]
fn links_with_nobody_end_by_noproc_and_noconnection() {
    let (mut cluster, [one, two], pids) = pair();
    cluster.processes(0).trap_exit(one, true).unwrap();
    cluster.terminate(1, two, "normal");
    let here = Pid { id: 1000, ..pids[0].clone() };
    let former = Pid { creation: Creation(1), ..pids[0].clone() };
    let stale = Pid { creation: Creation(1), ..pids[1].clone() };
    let nowhere = Pid { node: atom("x@y"), ..pids[1].clone() };
    for (pid, text) in [
        (&pids[1], "noproc"),
        (&stale, "noproc"),
        (&here, "noproc"),
        (&former, "noproc"),
        (&nowhere, "noconnection"),
    ] {
        cluster.link(0, one, pid);
        cluster.settle();
        assert_eq!(cluster.take_got(0), [(one, Got::Exit(reason(text)))], "{pid:?}");
    }
    cluster.link(0, one, &pids[0]);
    assert!(cluster.processes(0).links(one).is_empty(), "itself");
    assert_eq!(cluster.got(0), []);
    assert!(cluster.is_forgotten());
    assert_eq!(cluster.try_link(1, two, &pids[0]), Err(NoProcess));
}

//= docs/spec/process.md#process-unlink
//= type=test
#[test]
fn an_unlink_on_one_node_ends_the_link_of_both() {
    let (mut cluster, [one, _], [pid, _]) = pair();
    for ends in [false, true] {
        let other = cluster.spawn(0);
        let other_pid = cluster.pid(0, other);
        cluster.link(0, one, &other_pid);
        assert_eq!(
            (cluster.links(0, one), cluster.links(0, other)),
            (vec![other_pid.clone()], vec![pid.clone()])
        );
        let (by, from) = if ends { (one, &other_pid) } else { (other, &pid) };
        cluster.unlink(0, by, from);
        assert_eq!((cluster.links(0, one), cluster.links(0, other)), (vec![], vec![]));
        cluster.terminate(0, other, "bye");
        assert_eq!(cluster.got(0), []);
        assert!(cluster.lives(0, one));
    }
}

//= docs/spec/process.md#process-unlink
//= type=test
#[test]
fn an_unlink_that_cannot_be_sent_waits_for_no_acknowledgement() {
    let (mut cluster, [one, _], pids) = pair();
    cluster.link(0, one, &pids[1]);
    cluster.cut(0, 1);
    cluster.unlink(0, one, &pids[1]);
    assert!(cluster.is_forgotten());
    assert_eq!(cluster.got(0), []);
}

//= docs/spec/process.md#process-unlink
//= type=test
//= docs/spec/process.md#process-unlink-received
//= type=test
//= docs/spec/process.md#process-unlink-ack
//= type=test
#[test]
fn an_exit_that_crosses_an_unlink_is_void() {
    let (mut cluster, [one, two], pids) = pair();
    cluster.link(0, one, &pids[1]);
    cluster.settle();
    cluster.unlink(0, one, &pids[1]);
    assert!(cluster.processes(0).links(one).is_empty(), "at once");
    cluster.terminate(1, two, "bye");
    cluster.settle();
    assert_eq!(cluster.got(0), []);
    assert!(cluster.is_forgotten(), "an unlink is acknowledged for a process that is gone, too");
}

//= docs/spec/process.md#process-unlink
//= type=test
//= docs/spec/process.md#process-link-received
//= type=test
//= docs/spec/process.md#process-unlink-ack
//= type=test
#[test]
fn a_link_made_anew_outlives_the_unlink_before_it() {
    let (mut cluster, [one, two], pids) = pair();
    // A late acknowledgement does not end the new link.
    cluster.link(0, one, &pids[1]);
    cluster.settle();
    cluster.unlink(0, one, &pids[1]);
    cluster.link(0, one, &pids[1]);
    cluster.settle();
    assert_eq!(cluster.processes(0).links(one), [pids[1].clone()]);
    assert_eq!(cluster.processes(1).links(two), [pids[0].clone()]);
    // Both unlink at once.
    cluster.unlink(0, one, &pids[1]);
    cluster.unlink(1, two, &pids[0]);
    cluster.settle();
    assert!(cluster.is_forgotten());
    // A LINK that crosses an UNLINK_ID is void.
    cluster.link(0, one, &pids[1]);
    cluster.settle();
    cluster.unlink(1, two, &pids[0]);
    cluster.link(0, one, &pids[1]);
    cluster.settle();
    assert!(cluster.is_forgotten(), "to link with whom one is linked with is nothing");
}

//= docs/spec/process.md#process-exit-received
//= type=test
#[test]
fn an_unlink_of_a_process_of_an_earlier_incarnation_is_over_with_its_end() {
    let (mut cluster, [one, _], pids) = pair();
    let stale = Pid { creation: Creation(1), ..pids[1].clone() };
    cluster.link(0, one, &stale);
    // As if it had waited for the link of the nodes: what is for another incarnation is left out then.
    cluster.unlink(0, one, &stale);
    cluster.lose_last(0, 1);
    cluster.settle();
    assert_eq!(cluster.got(0), []);
    assert!(cluster.is_forgotten());
}

/// What somebody does in the property below.
#[derive(Clone, Copy, Debug)]
enum Act {
    Link,
    Unlink,
    Carry,
}

proptest! {
    //= docs/spec/process.md#process-unlink-ack
    //= type=test
    //= docs/spec/process.md#process-unlink-received
    //= type=test
    #[test]
    fn both_sides_agree_on_a_link_whatever_crosses(
        acts in many((0_usize..2, prop_oneof![Just(Act::Link), Just(Act::Unlink), Just(Act::Carry)]), 0..40)
    ) {
        let (mut cluster, mailboxes, pids) = pair();
        for (node, act) in acts {
            match act {
                Act::Link => cluster.link(node, mailboxes[node], &pids[1 - node]),
                Act::Unlink => cluster.unlink(node, mailboxes[node], &pids[1 - node]),
                Act::Carry => {
                    cluster.carry(node, 1 - node);
                }
            }
        }
        cluster.settle();
        let linked = [0, 1].map(|node| !cluster.processes(node).links(mailboxes[node]).is_empty());
        prop_assert_eq!(linked[0], linked[1]);
        prop_assert_eq!(cluster.is_forgotten(), !linked[0]);
        cluster.terminate(0, mailboxes[0], "bye");
        cluster.settle();
        prop_assert_eq!(cluster.got(1).len(), usize::from(linked[0]));
        prop_assert!(cluster.is_forgotten());
    }
}
