//! Processes that nodes of old and C nodes spawn here, by a request to `net_kernel`.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod cluster;

use bytes::Bytes;
use cluster::{Cluster, Got, atom};
use netkernel_core::MailboxId;
use netkernel_core::process::{Function, Limits as ProcessLimits};
use netkernel_core::term::{Limits, Pid, Term};
use netkernel_core::wire::control::Control;

/// A node that serves `m:f/1`, and a process of another node that traps exits.
struct Old {
    cluster: Cluster,
    by: MailboxId,
    pid: Pid,
}

impl Old {
    fn new(limits: ProcessLimits) -> Self {
        let mut cluster = Cluster::with_limits(2, limits);
        let served = Function { module: atom("m"), function: atom("f"), arity: 1 };
        assert!(cluster.processes(0).serve_function(served));
        let by = cluster.spawn(1);
        cluster.processes(1).trap_exit(by, true).unwrap();
        let pid = cluster.pid(1, by);
        Self { cluster, by, pid }
    }

    /// Asks for a process: `asked`, with the group leader behind it.
    fn ask(&mut self, asked: &str, leader: Term) {
        let asked: Term = asked.parse().unwrap();
        let asked = asked.as_tuple().unwrap().iter().cloned().chain([leader]);
        let from = Term::tuple([self.pid.clone().into(), Term::from(atom("tag"))]);
        let call = [Term::from(atom("$gen_call")), from, Term::Tuple(asked.collect())];
        let mut message = Vec::new();
        Term::tuple(call).encode(&mut message).unwrap();
        let (from, message) = (self.pid.clone(), Bytes::from(message));
        let signal = Control::RegSend { from, to: atom("net_kernel"), message, token: None };
        self.cluster.inject(1, 0, signal);
        assert!(self.cluster.carry(1, 0));
    }

    /// What the process has got: answers without their tag, and reasons of exits.
    fn told(&mut self) -> Vec<Term> {
        self.cluster.settle();
        let told = self.cluster.take_got(1).into_iter().map(|(to, got)| {
            assert_eq!(to, self.by);
            if let Got::Exit(reason) = &got {
                return Term::decode(&[&[131][..], reason].concat(), &Limits::default()).unwrap();
            }
            let Got::Message(message) = got else { panic!("{got:?}") };
            let answer = Term::decode(&message, &Limits::default()).unwrap();
            let [tag, answer] = answer.as_tuple().unwrap() else { panic!("{answer}") };
            assert_eq!(*tag, Term::from(atom("tag")));
            answer.clone()
        });
        told.collect()
    }
}

//= docs/spec/requests.md#request-spawn
//= type=test
#[test]
fn the_new_process_links_then_answers_and_then_has_its_group_leader() {
    for (asked, link) in [
        ("{spawn,m,f,[x]}", false),
        ("{spawn_link,m,f,[x]}", true),
        ("{spawn_opt,m,f,[x],[],no_link}", false),
        ("{spawn_opt,m,f,[x],[{priority,high}],link}", true),
        ("{spawn_opt,m,f,[x],[link],no_link}", false),
    ] {
        let mut old = Old::new(ProcessLimits::default());
        let leader = old.cluster.spawn(1);
        let leader = old.cluster.pid(1, leader);
        old.ask(asked, leader.clone().into());
        let sent = old.cluster.waiting(0, 1);
        let links = sent.iter().position(|signal| matches!(signal, Control::Link { .. }));
        assert_eq!((links, sent.len()), (link.then_some(0), 1 + usize::from(link)), "{asked}");
        let [(child, Got::Start(function))] = &old.cluster.take_got(0)[..] else {
            panic!("{asked}")
        };
        assert_eq!((function.module.as_str(), function.arity), ("m", 1));
        let pid = old.cluster.pid(0, *child);
        assert_eq!(old.cluster.processes(0).group_leader(*child), Some(leader));
        assert_eq!(old.told(), [Term::from(pid.clone())], "{asked}");
        let by = old.by;
        let links = if link { vec![pid] } else { vec![] };
        assert_eq!(old.cluster.links(1, by), links, "{asked}");
        old.cluster.terminate(0, *child, "bye");
        let exit = link.then(|| Term::from(atom("bye")));
        assert_eq!(old.told(), Vec::from_iter(exit), "{asked}");
        assert!(old.cluster.is_forgotten());
    }
}

//= docs/spec/requests.md#request-spawn
//= type=test
#[test]
fn what_is_wrong_is_answered_or_ends_the_process() {
    let mut limits = ProcessLimits::default();
    limits.spawned_per_peer = 1;
    for (asked, reason) in [
        ("{spawn_opt,m,f,[x],[foo],no_link}", "badarg"),
        ("{spawn_opt,m,f,[x],foo,link}", "badarg"),
    ] {
        let mut old = Old::new(limits);
        let leader = old.pid.clone();
        old.ask(asked, leader.into());
        assert_eq!(old.told(), [format!("{{'EXIT',{{{reason},[]}}}}").parse().unwrap()]);
        assert_eq!(old.cluster.got(0), [], "{asked}");
    }
    let mut old = Old::new(limits);
    let leader = Term::from(old.pid.clone());
    old.ask("{spawn,m,f,[x]}", leader.clone());
    assert_eq!(old.told().len(), 1);
    old.ask("{spawn,m,f,[x]}", leader.clone());
    assert_eq!(old.told(), ["{'EXIT',{system_limit,[]}}".parse().unwrap()]);
    old.ask("{spawn_opt,m,f,[x],[foo],link}", leader.clone());
    assert_eq!(old.told(), ["{'EXIT',{badarg,[]}}".parse().unwrap()], "the options come first");

    for (asked, leader, function) in [
        ("{spawn_link,1,f,[x]}", leader.clone(), "apply"),
        ("{spawn_link,m,\"f\",[x]}", leader.clone(), "apply"),
        ("{spawn_link,m,f,x}", leader, "apply"),
        ("{spawn_link,m,f,[x]}", Term::from(atom("foo")), "group_leader"),
    ] {
        let mut old = Old::new(limits);
        old.ask(asked, leader);
        let told = old.told();
        let [Term::Pid(_), reason] = &told[..] else { panic!("{asked}: {told:?}") };
        let reason = reason.to_string();
        let begins = format!("{{badarg,[{{erlang,{function},");
        assert!(reason.starts_with(&begins), "{asked}: {reason}");
        assert!(reason.ends_with("{net_kernel,spawn_func,6,[]}]}"), "{asked}: {reason}");
        assert_eq!(old.cluster.got(0), [], "nothing runs");
    }
    // Of fewer parts, or of others, it is no request for a process.
    for asked in ["{spawn,m,f}", "{spawn_opt,m,f,[x],[]}", "{spawned,m,f,[x]}"] {
        let mut old = Old::new(limits);
        let leader = old.pid.clone();
        old.ask(asked, leader.into());
        assert_eq!((old.told(), old.cluster.got(0).len()), (vec![], 0), "{asked}");
    }
}
