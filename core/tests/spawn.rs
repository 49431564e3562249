//! Spawning, both ways: requests and answers between nodes that have nothing but processes.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod cluster;

use bytes::Bytes;
use cluster::{Cluster, Got, atom, name, reason};
use netkernel_core::process::{
    Function, Limits, Mfa, MonitorAlias, NoProcess, ReplyOptions, ReplyWhen, SpawnFailure,
    SpawnMonitor, SpawnOptions, Spawning, Target,
};
use netkernel_core::term::{Pid, Reference, Term, write};
use netkernel_core::wire::control::{Control, Monitored, SpawnFlags, SpawnRequest, Spawned};
use netkernel_core::{Creation, Flags, MailboxId};
use proptest::collection::vec as many;
use proptest::prelude::*;

/// Two nodes, of which the second serves `m:f/1`, and a process on the first.
fn pair() -> (Cluster, MailboxId, Pid) {
    pair_with(Limits::default())
}

fn pair_with(limits: Limits) -> (Cluster, MailboxId, Pid) {
    let mut cluster = Cluster::with_limits(2, limits);
    for node in [0, 1] {
        assert!(cluster.processes(node).serve_function(served()));
    }
    let parent = cluster.spawn(0);
    let pid = cluster.pid(0, parent);
    (cluster, parent, pid)
}

fn served() -> Function {
    Function { module: atom("m"), function: atom("f"), arity: 1 }
}

fn mfa(function: &str) -> Mfa {
    Mfa::new(atom("m"), atom(function), &[7_i64.into()]).unwrap()
}

fn spawning(function: &str, options: &SpawnOptions) -> Spawning {
    Spawning::new(mfa(function), options, &ReplyOptions::default()).unwrap()
}

fn linked() -> SpawnOptions {
    SpawnOptions { link: true, ..SpawnOptions::default() }
}

fn monitored() -> SpawnOptions {
    SpawnOptions { monitor: Some(SpawnMonitor::default()), ..SpawnOptions::default() }
}

fn both() -> SpawnOptions {
    SpawnOptions { link: true, ..monitored() }
}

/// `{undef,[{m,Function,[7],[]}]}`.
fn undef(function: &str) -> Bytes {
    let term: Term = format!("{{undef,[{{m,{function},[7],[]}}]}}").parse().unwrap();
    // The list of a small integer stays what the request has.
    let mut out = Vec::new();
    write::term(&mut out, &term).unwrap();
    let string = b"k\0\x01\x07";
    let at = out.windows(4).position(|four| four == string).unwrap();
    [&out[..at], b"l\0\0\0\x01a\x07j", &out[at + 4..]].concat().into()
}

fn told(request: &Reference, result: Result<Pid, SpawnFailure>) -> Got {
    Got::SpawnReply(reason("spawn_reply"), request.clone(), result)
}

/// The process that node 1 was to start last.
fn child(cluster: &mut Cluster) -> (MailboxId, Pid) {
    let got = cluster.take_got(1);
    let [(mailbox, Got::Start(function))] = &got[..] else { panic!("{got:?}") };
    assert_eq!(*function, served());
    (*mailbox, cluster.pid(1, *mailbox))
}

//= docs/spec/process.md#process-spawn
//= type=test
//= docs/spec/process.md#process-spawn-reply
//= type=test
//= docs/spec/process.md#process-spawn-received
//= type=test
//= docs/spec/process.md#process-spawn-served
//= type=test
#[test]
fn a_process_is_there_and_its_end_is_told_to_those_who_asked() {
    for (options, link, monitor) in [
        (SpawnOptions::default(), false, false),
        (linked(), true, false),
        (monitored(), false, true),
        (both(), true, true),
    ] {
        let (mut cluster, parent, parent_pid) = pair();
        cluster.processes(0).trap_exit(parent, true).unwrap();
        let request = cluster.spawn_request(0, parent, 1, spawning("f", &options));
        cluster.settle();
        let (child, pid) = child(&mut cluster);
        assert_eq!(cluster.take_got(0), [(parent, told(&request, Ok(pid.clone())))]);
        let links = if link { vec![pid.clone()] } else { vec![] };
        assert_eq!(cluster.processes(0).links(parent), links);
        assert_eq!(cluster.processes(1).group_leader(child), Some(parent_pid));
        cluster.terminate(1, child, "bye");
        cluster.settle();
        let exit = link.then(|| (parent, Got::Exit(reason("bye"))));
        let down =
            monitor.then(|| (parent, Got::Down(request.clone(), Target::Pid(pid), reason("bye"))));
        let expected: Vec<_> = exit.into_iter().chain(down).collect();
        assert_eq!(cluster.got(0), expected, "the link before the monitor");
        assert!(cluster.is_forgotten());
    }
}

//= docs/spec/process.md#process-spawn-undef
//= type=test
//= docs/spec/process.md#process-spawn-link
//= type=test
#[test]
fn who_cannot_run_ends_behind_its_answer() {
    let (mut cluster, parent, _) = pair();
    cluster.processes(0).trap_exit(parent, true).unwrap();
    let request = cluster.spawn_request(0, parent, 1, spawning("g", &both()));
    cluster.settle();
    let got = cluster.take_got(0);
    let [(_, Got::SpawnReply(_, _, Ok(pid))), ends @ ..] = &got[..] else { panic!("{got:?}") };
    let down = Got::Down(request, Target::Pid(pid.clone()), undef("g"));
    assert_eq!(ends, [(parent, Got::Exit(undef("g"))), (parent, down)]);
    assert_eq!(cluster.got(1), [], "the host had nothing to start");
    // What the host cannot run ends, too.
    cluster.spawn_request(0, parent, 1, spawning("f", &linked()));
    cluster.settle();
    let (child, _) = child(&mut cluster);
    cluster.not_started(1, child);
    cluster.settle();
    assert_eq!(cluster.got(0)[1], (parent, Got::Exit(reason("system_limit"))));
    assert!(cluster.processes(1).unserve_function(&served()));
    assert!(!cluster.processes(1).unserve_function(&served()));
    cluster.spawn_request(0, parent, 1, spawning("f", &linked()));
    cluster.settle();
    assert_eq!(cluster.got(0)[3], (parent, Got::Exit(undef("f"))));
    assert!(cluster.is_forgotten());
}

//= docs/spec/process.md#process-spawn-reply
//= type=test
//= docs/spec/process.md#process-spawn
//= type=test
#[test]
fn which_answers_are_told_is_as_the_request_says() {
    for (when, success, failure) in [
        (ReplyWhen::Yes, true, true),
        (ReplyWhen::No, false, false),
        (ReplyWhen::SuccessOnly, true, false),
        (ReplyWhen::ErrorOnly, false, true),
    ] {
        let (mut cluster, parent, _) = pair();
        let reply = ReplyOptions { when, tag: Some(7_i64.into()) };
        let bogus = vec![Term::from(atom("bogus"))];
        let options = SpawnOptions { process: bogus, ..SpawnOptions::default() };
        for (options, told, good) in
            [(SpawnOptions::default(), success, true), (options, failure, false)]
        {
            for on in [0, 1] {
                let spawning = Spawning::new(mfa("f"), &options, &reply).unwrap();
                let request = cluster.spawn_request(0, parent, on, spawning);
                cluster.settle();
                let mut got = cluster.take_got(0);
                got.retain(|(_, got)| !matches!(got, Got::Start(_)));
                assert_eq!(got.len(), usize::from(told), "{when:?} {good}");
                let Some((_, Got::SpawnReply(tag, of, result))) = got.pop() else { continue };
                assert_eq!((&tag[..], of), (&b"a\x07"[..], request));
                assert_eq!(result.is_ok(), good);
                assert_eq!(result.err(), (!good).then_some(SpawnFailure::BadOption));
            }
        }
    }
}

//= docs/spec/process.md#process-spawn-alias
//= type=test
#[test]
fn a_monitor_has_its_tag_and_its_alias_from_the_answer_on() {
    use MonitorAlias::{Demonitor, ExplicitUnalias, ReplyDemonitor};
    for (alias, messages, downs, outlives) in
        [(ExplicitUnalias, 2, 1, true), (Demonitor, 2, 1, false), (ReplyDemonitor, 1, 0, false)]
    {
        for on in [0, 1] {
            let (mut cluster, parent, _) = pair();
            let message = Got::Message(b"\x83a\x01".as_slice().into());
            let monitor = SpawnMonitor { alias: Some(alias), tag: Some(8_i64.into()) };
            let options = SpawnOptions { monitor: Some(monitor), ..SpawnOptions::default() };
            let request = cluster.spawn_request(0, parent, on, spawning("f", &options));
            if on == 1 {
                assert!(!cluster.demonitor(0, parent, &request), "it is none yet");
                cluster.send_alias(1, 0, &request, &message);
                assert!(cluster.carry(1, 0));
                assert_eq!(cluster.got(0), []);
            }
            cluster.settle();
            let started = cluster.got(on).iter().find(|(_, got)| matches!(got, Got::Start(_)));
            let child = started.unwrap().0;
            cluster.take_got(0);
            for _ in 0..2 {
                cluster.send_alias(1, 0, &request, &message);
            }
            cluster.settle();
            assert_eq!(cluster.take_got(0), vec![(parent, message.clone()); messages]);
            cluster.terminate(on, child, "bye");
            cluster.settle();
            let down = Got::Tagged(b"a\x08".as_slice().into(), request.clone(), reason("bye"));
            assert_eq!(cluster.take_got(0), vec![(parent, down); downs]);
            cluster.send_alias(1, 0, &request, &message);
            cluster.settle();
            assert_eq!(cluster.take_got(0).len(), usize::from(outlives));
        }
    }
    // Without a process there is no alias.
    let (mut cluster, parent, _) = pair();
    let monitor = SpawnMonitor { alias: Some(ExplicitUnalias), tag: None };
    let options = SpawnOptions { monitor: Some(monitor), ..SpawnOptions::default() };
    let request = cluster.spawn_request(0, parent, 1, spawning("f", &options));
    cluster.disconnect(0, 1);
    assert!(!cluster.processes(0).unalias(parent, &request));
    assert_eq!(cluster.got(0), [(parent, told(&request, Err(SpawnFailure::NoConnection)))]);
}

//= docs/spec/process.md#process-spawn-abandon
//= type=test
#[test]
fn an_abandoned_process_ends_if_it_is_linked() {
    for (options, ends) in [(linked(), true), (both(), true), (monitored(), false)] {
        let (mut cluster, parent, _) = pair();
        let other = cluster.spawn(0);
        let request = cluster.spawn_request(0, parent, 1, spawning("f", &options));
        assert!(!cluster.processes(0).spawn_request_abandon(other, &request));
        assert!(cluster.processes(0).spawn_request_abandon(parent, &request));
        assert!(!cluster.processes(0).spawn_request_abandon(parent, &request));
        cluster.settle();
        let got = cluster.take_got(1);
        let expected = ends.then(|| Got::Ended(reason("abandoned")));
        assert_eq!(got.get(1).map(|(_, got)| got.clone()), expected);
        assert_eq!(cluster.got(0), []);
        if !ends {
            cluster.terminate(1, got[0].0, "bye");
        }
        cluster.settle();
        assert_eq!(cluster.got(0), [], "it is not monitored, either");
        assert!(cluster.is_forgotten());
    }
    let (mut cluster, parent, _) = pair();
    let request = cluster.spawn_request(0, parent, 1, spawning("f", &linked()));
    cluster.settle();
    assert!(!cluster.processes(0).spawn_request_abandon(parent, &request), "it was answered");
}

//= docs/spec/process.md#process-spawn-left
//= type=test
#[test]
fn a_child_gets_the_exit_of_a_parent_that_did_not_wait() {
    for (options, exits) in [(linked(), true), (both(), true), (monitored(), false)] {
        let (mut cluster, parent, _) = pair();
        let request = cluster.spawn_request(0, parent, 1, spawning("f", &options));
        cluster.terminate(0, parent, "bye");
        assert!(!cluster.processes(0).spawn_request_abandon(parent, &request));
        assert_eq!(cluster.is_forgotten(), !exits, "what it has left behind waits for the child");
        cluster.settle();
        let got = cluster.take_got(1);
        let exit = exits.then(|| Got::Ended(reason("bye")));
        assert_eq!(got.get(1).map(|(_, got)| got.clone()), exit);
        assert_eq!(cluster.got(0), []);
        cluster.terminate(1, got[0].0, "normal");
        cluster.settle();
        assert!(cluster.is_forgotten());
    }
    // The link ends before the answer: there is nobody to tell.
    let (mut cluster, parent, _) = pair();
    cluster.spawn_request(0, parent, 1, spawning("f", &linked()));
    cluster.terminate(0, parent, "bye");
    cluster.disconnect(0, 1);
    assert_eq!(cluster.got(0), []);
    assert!(cluster.is_forgotten());
}

//= docs/spec/process.md#process-spawn-noconnection
//= type=test
//= docs/spec/process.md#process-loss
//= type=test
//= docs/spec/process.md#process-loss-order
//= type=test
#[test]
fn requests_end_with_the_link_among_the_monitors() {
    let (mut cluster, parent, _) = pair();
    cluster.processes(0).trap_exit(parent, true).unwrap();
    let two = cluster.spawn(1);
    let two = cluster.pid(1, two);
    let unanswered = |cluster: &mut Cluster, options| {
        cluster.spawn_request(0, parent, 1, spawning("f", &options))
    };
    cluster.monitor_node(0, parent, 1, true);
    let first = cluster.monitor(0, parent, two.clone().into(), None);
    let second = unanswered(&mut cluster, both());
    let third = cluster.monitor(0, parent, two.clone().into(), None);
    let fourth = unanswered(&mut cluster, SpawnOptions::default());
    cluster.link(0, parent, &two);
    cluster.disconnect(0, 1);
    let down = |it: Reference| Got::Down(it, two.clone().into(), reason("noconnection"));
    let lost = |it: &Reference| told(it, Err(SpawnFailure::NoConnection));
    let expected = [
        Got::Exit(reason("noconnection")),
        down(first),
        lost(&second),
        down(third),
        lost(&fourth),
        Got::NodeDown(name(1)),
    ];
    let got: Vec<_> = cluster.take_got(0).into_iter().map(|(_, got)| got).collect();
    assert_eq!(got, expected);
    assert!(cluster.is_forgotten());
    let late = unanswered(&mut cluster, both());
    assert_eq!(cluster.take_got(0), [(parent, lost(&late))], "at once");
    // An answer of the next link to a request of the one before is that of nobody.
    cluster.connect(0, 1);
    let (from, to) = (cluster.pid(0, parent), two);
    let answer = Control::SpawnReply {
        request: second.clone(),
        to: from.clone(),
        flags: SpawnFlags::LINK.with(SpawnFlags::MONITOR),
        result: Spawned::Pid(to.clone()),
        token: None,
    };
    cluster.inject(1, 0, answer);
    assert!(cluster.carry(1, 0));
    assert_eq!(cluster.got(0), []);
    let demonitor = Control::DemonitorP {
        from: from.clone(),
        to: Monitored::Pid(to.clone()),
        reference: second,
    };
    let exit = Control::Exit { from, to, reason: reason("abandoned"), token: None };
    assert_eq!(cluster.waiting(0, 1), [demonitor, exit]);
}

//= docs/spec/process.md#process-spawn-notsup
//= type=test
#[test]
fn a_peer_that_does_not_spawn_is_not_asked() {
    let (mut cluster, parent, _) = pair();
    let waited = cluster.spawn_request(0, parent, 1, spawning("f", &both()));
    let monitor = cluster.monitor(0, parent, Target::Name(atom("x"), name(1)), None);
    cluster.connection_up(0, 1, Flags::SERVED);
    assert_eq!(cluster.got(0), []);
    assert_eq!(cluster.processes(0).usage().spawns, 1);
    cluster.connection_up(0, 1, Flags::SERVED.without(Flags::SPAWN));
    assert_eq!(cluster.processes(0).usage().spawns, 0);
    let failed = |request| (parent, told(request, Err(SpawnFailure::NotSupported)));
    assert_eq!(cluster.take_got(0), [failed(&waited)]);
    assert!(cluster.demonitor(0, parent, &monitor), "a monitor waits on");
    cluster.no_monitors = true;
    let late = cluster.spawn_request(0, parent, 1, spawning("f", &both()));
    assert_eq!(cluster.take_got(0), [failed(&late)]);
}

//= docs/spec/process.md#process-spawn-here
//= type=test
#[test]
fn on_the_own_node_the_answer_comes_at_once() {
    let (mut cluster, parent, _) = pair();
    cluster.processes(0).trap_exit(parent, true).unwrap();
    let request = cluster.spawn_request(0, parent, 0, spawning("f", &both()));
    let got = cluster.take_got(0);
    let [(_, Got::SpawnReply(_, of, Ok(pid))), (child, Got::Start(_))] = &got[..] else {
        panic!("{got:?}")
    };
    assert_eq!((of, pid), (&request, &cluster.pid(0, *child)));
    cluster.terminate(0, *child, "bye");
    let down = Got::Down(request, Target::Pid(pid.clone()), reason("bye"));
    assert_eq!(cluster.take_got(0), [(parent, Got::Exit(reason("bye"))), (parent, down)]);
    cluster.spawn_request(0, parent, 0, spawning("g", &linked()));
    assert_eq!(cluster.take_got(0)[1], (parent, Got::Exit(undef("g"))));
    // Nor need it be alive for that.
    cluster.processes(0).not_alive();
    let on = netkernel_core::NodeName::new("nonode@nohost").unwrap();
    let spawned = cluster.on(0, |processes, host| {
        processes.spawn_request(parent, &on, spawning("f", &linked()), host)
    });
    assert!(spawned.is_ok());
    assert_eq!(cluster.take_got(0).len(), 2);
    cluster.terminate(0, parent, "bye");
    let spawned = cluster.on(0, |processes, host| {
        processes.spawn_request(parent, &on, spawning("f", &linked()), host)
    });
    assert_eq!(spawned, Err(NoProcess));
}

//= docs/spec/process.md#process-spawn-limits
//= type=test
#[test]
fn a_peer_starts_so_many_processes_and_no_more() {
    let mut limits = Limits::default();
    limits.spawned_per_peer = 2;
    limits.spawned = 3;
    limits.monitors_per_peer = 1;
    limits.links_per_peer = 1;
    limits.pending_spawns_per_peer = 3;
    let mut cluster = Cluster::with_limits(3, limits);
    cluster.processes(0).serve_function(served());
    let parents = [1, 2].map(|node| cluster.spawn(node));
    cluster.processes(1).trap_exit(parents[0], true).unwrap();
    // So that the node is not forgotten between two requests.
    cluster.monitor_node(2, parents[1], 0, true);
    let ask = |cluster: &mut Cluster, node: usize, options: &SpawnOptions| {
        cluster.take_got(node);
        cluster.spawn_request(node, parents[node - 1], 0, spawning("f", options));
        cluster.settle();
        let got = cluster.take_got(node);
        let [(_, Got::SpawnReply(_, _, result))] = &got[..] else { panic!("{got:?}") };
        result.clone().map_err(|failure| failure.to_string())
    };
    let none = SpawnOptions::default();
    let first = ask(&mut cluster, 1, &both()).unwrap();
    for options in [linked(), monitored()] {
        assert_eq!(ask(&mut cluster, 1, &options), Err("system_limit".into()), "{options:?}");
    }
    ask(&mut cluster, 1, &none).unwrap();
    assert_eq!(ask(&mut cluster, 1, &none), Err("system_limit".into()), "two of this peer");
    ask(&mut cluster, 2, &none).unwrap();
    assert_eq!(ask(&mut cluster, 2, &none), Err("system_limit".into()), "three of all");
    // They count as long as they live, whatever becomes of the link. The linked one ends with that.
    cluster.disconnect(0, 1);
    cluster.connect(0, 1);
    assert!(cluster.processes(0).mailbox(&first).is_none());
    let next = ask(&mut cluster, 1, &none).unwrap();
    assert_eq!(ask(&mut cluster, 1, &none), Err("system_limit".into()));
    let mailbox = cluster.processes(0).mailbox(&next).unwrap();
    cluster.terminate(0, mailbox, "bye");
    ask(&mut cluster, 1, &none).unwrap();
    assert!(cluster.violations.is_empty());
    // Requests that nobody answers are bounded, too, and those that were answered do not count.
    for asked in 0..4 {
        cluster.spawn_request(2, parents[1], 0, spawning("f", &none));
        assert_eq!(cluster.got(2).len(), usize::from(asked == 3), "{asked}");
    }
}

/// What a process of node 1 asks as it likes.
fn request(cluster: &mut Cluster, from: &Pid, options: &[u8], arguments: &[u8]) -> Reference {
    let words = [1, 2, 3];
    let reference = Reference::new(atom(name(1).as_str()), Creation(7), &words).unwrap();
    let signal = Control::SpawnRequest(Box::new(SpawnRequest {
        request: reference.clone(),
        from: from.clone(),
        leader: from.clone(),
        module: atom("m"),
        function: atom("f"),
        arity: 99,
        options: Bytes::copy_from_slice(options),
        arguments: Bytes::copy_from_slice(arguments),
        token: None,
    }));
    cluster.inject(1, 0, signal);
    cluster.settle();
    reference
}

//= docs/spec/process.md#process-spawn-badarg
//= type=test
//= docs/spec/process.md#process-spawn-received
//= type=test
#[test]
fn the_list_counts_and_not_what_is_said_of_it() {
    let (mut cluster, _, _) = pair();
    let other = cluster.spawn(1);
    cluster.processes(1).trap_exit(other, true).unwrap();
    let from = cluster.pid(1, other);
    request(&mut cluster, &from, b"l\0\0\0\x01w\x07monitorj", b"k\0\x01x");
    let got = cluster.take_got(0);
    assert_eq!(got.len(), 1, "{got:?}");
    // The same reference again is no second monitor.
    request(&mut cluster, &from, b"l\0\0\0\x01w\x07monitorj", b"k\0\x01x");
    assert_eq!(cluster.take_got(0).len(), 1);
    request(&mut cluster, &from, b"l\0\0\0\x01w\x04linkj", b"a\x01");
    assert_eq!(cluster.got(0), [], "it has ended");
    assert!(cluster.violations.is_empty());
}

/// One thing that happens to a node and its peer.
#[derive(Clone, Debug)]
enum Act {
    Spawn { on: usize, link: bool, monitor: bool, served: bool },
    Abandon(usize),
    Terminate { node: usize, process: usize },
    Carry { from: usize, to: usize },
    Break,
}

fn act() -> impl Strategy<Value = Act> {
    let spawn = (0..2_usize, any::<bool>(), any::<bool>(), any::<bool>());
    prop_oneof![
        4 => spawn.prop_map(|(on, link, monitor, served)| Act::Spawn { on, link, monitor, served }),
        1 => any::<prop::sample::Index>().prop_map(|at| Act::Abandon(at.index(64))),
        2 => (0..2_usize, any::<prop::sample::Index>())
            .prop_map(|(node, at)| Act::Terminate { node, process: at.index(64) }),
        6 => (0..2_usize).prop_map(|from| Act::Carry { from, to: 1 - from }),
        1 => Just(Act::Break),
    ]
}

proptest! {
    //= docs/spec/process.md#process-spawn
    //= type=test
    //= docs/spec/process.md#process-spawn-noconnection
    //= type=test
    /// Each request is answered once if its process lives and did not give it up, and each monitor tells once; nothing is
    /// left when all is over.
    #[test]
    fn every_request_is_answered_once(acts in many(act(), 0..80)) {
        let (mut cluster, parent, _) = pair();
        cluster.processes(0).trap_exit(parent, true).unwrap();
        let (mut asked, mut abandoned) = (Vec::new(), Vec::new());
        let mut started: [Vec<MailboxId>; 2] = [Vec::new(), Vec::new()];
        for act in acts {
            match act {
                Act::Spawn { on, link, monitor, served } => {
                    let monitor = monitor.then(SpawnMonitor::default);
                    let options = SpawnOptions { link, monitor, process: vec![] };
                    let function = if served { "f" } else { "g" };
                    let spawning = spawning(function, &options);
                    asked.push((cluster.spawn_request(0, parent, on, spawning), options));
                }
                Act::Abandon(at) => {
                    if let Some((request, _)) = asked.get(at) {
                        if cluster.processes(0).spawn_request_abandon(parent, request) {
                            abandoned.push(request.clone());
                        }
                    }
                }
                Act::Terminate { node, process } => {
                    if let Some(&mailbox) = started[node].get(process) {
                        cluster.terminate(node, mailbox, "bye");
                    }
                }
                Act::Carry { from, to } => drop(cluster.carry(from, to)),
                Act::Break => {
                    cluster.disconnect(0, 1);
                    cluster.connect(0, 1);
                }
            }
            for node in [0, 1] {
                let new = cluster.got(node).iter().filter(|(_, got)| matches!(got, Got::Start(_)));
                started[node] = new.map(|(mailbox, _)| *mailbox).collect();
            }
        }
        cluster.settle();
        for node in [0, 1] {
            let all: Vec<_> = cluster.got(node).iter().filter(|(_, got)| matches!(got, Got::Start(_))).map(|(mailbox, _)| *mailbox).collect();
            for mailbox in all {
                cluster.terminate(node, mailbox, "over");
            }
        }
        cluster.settle();
        for (request, options) in &asked {
            let answered = |got: &Got| {
                let Got::SpawnReply(_, of, result) = got else { return None };
                (of == request).then_some(result.is_ok())
            };
            let answers: Vec<_> =
                cluster.got(0).iter().filter_map(|(_, got)| answered(got)).collect();
            let given_up = abandoned.contains(request);
            prop_assert_eq!(answers.len(), usize::from(!given_up));
            let downs = cluster.got(0).iter().filter(|(_, got)| matches!(got, Got::Down(of, ..) if of == request)).count();
            let lives = answers == [true] && options.monitor.is_some();
            prop_assert_eq!(downs, usize::from(lives));
        }
        prop_assert!(cluster.violations.is_empty());
        prop_assert!(cluster.is_forgotten());
    }
}
