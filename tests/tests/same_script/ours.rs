//! A node of ours that plays: each process is a mailbox with a thread.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use netkernel_blocking::core::NodeName;
use netkernel_blocking::core::term::{Limits, Pid, Term};
use netkernel_blocking::{Item, ProcessEvent, Target};
use netkernel_tests::GIVE_UP;
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::runtime::{Mailbox, Node};

use super::names::{Names, atom};
use super::op::{Dest, Name, Op, Step};
use super::stage::Side;

/// A node and its actors.
pub(crate) struct Rust {
    ours: Ours,
    /// Sends what wakes an actor.
    director: Mailbox,
    actors: BTreeMap<Name, Actor>,
    log: Arc<Log>,
}

struct Actor {
    pid: Pid,
    /// What to do; it is looked at when [`act`] has come.
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

struct Order {
    ops: Vec<Op>,
    syncs: Vec<Pid>,
    names: Names,
    results: Sender<Vec<Term>>,
}

/// What all actors of the node saw.
#[derive(Default)]
struct Log {
    seen: Mutex<BTreeMap<Name, Vec<Term>>>,
    more: Condvar,
}

impl Rust {
    pub(crate) fn new(ours: Ours) -> Self {
        let director = ours.node.mailbox();
        Self { ours, director, actors: BTreeMap::new(), log: Arc::default() }
    }

    fn wake(&self, actor: &Actor) {
        self.director.send(&actor.pid, encoded(&act())).unwrap();
    }

    fn stop(&mut self) {
        for mut actor in core::mem::take(&mut self.actors).into_values() {
            actor.orders = None;
            self.wake(&actor);
            actor.thread.take().unwrap().join().unwrap();
        }
    }
}

impl Side for Rust {
    fn node(&self) -> &str {
        self.ours.name()
    }

    fn connect(&self, other: &str) -> bool {
        let other = node_name(other);
        self.ours.node.connect_node(other.clone()).is_ok()
            && self.ours.node.ping(&other, GIVE_UP).is_ok()
    }

    fn cast(&mut self, names: &[Name]) -> Vec<Term> {
        self.stop();
        self.log = Arc::default();
        let mut pids = Vec::new();
        for name in names {
            let mailbox = self.ours.node.mailbox();
            let (pid, (orders, received)) = (mailbox.pid().unwrap(), channel());
            let playing = Playing { mailbox, name: name.clone(), log: Arc::clone(&self.log) };
            let node = self.ours.node.clone();
            let thread = thread::spawn(move || playing.run(&node, &received));
            pids.push(pid.clone().into());
            let actor = Actor { pid, orders: Some(orders), thread: Some(thread) };
            self.actors.insert(name.clone(), actor);
        }
        pids
    }

    fn step(
        &mut self,
        by: &Name,
        ops: &[&Step],
        syncs: &[Name],
        names: &Names,
    ) -> Option<Vec<Term>> {
        let actor = &self.actors[by];
        let (results, told) = channel();
        let ops = ops.iter().map(|step| step.op.clone()).collect();
        let syncs = syncs.iter().map(|name| names.pid(name)).collect();
        let order = Order { ops, syncs, names: names.clone(), results };
        actor.orders.as_ref().unwrap().send(order).unwrap();
        self.wake(actor);
        told.recv().ok()
    }

    fn seen(&mut self, counts: &[(Name, usize)]) -> BTreeMap<Name, Vec<Term>> {
        let lacks = |seen: &mut BTreeMap<Name, Vec<Term>>| {
            counts.iter().any(|(name, count)| seen.get(name).map_or(0, Vec::len) < *count)
        };
        let waited =
            self.log.more.wait_timeout_while(self.log.seen.lock().unwrap(), GIVE_UP, lacks);
        let (mut seen, waited) = waited.unwrap();
        assert!(!waited.timed_out(), "waits for {counts:?}, has {seen:?}");
        core::mem::take(&mut *seen)
    }
}

impl Drop for Rust {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.stop();
        }
    }
}

/// What an actor's thread has.
struct Playing {
    mailbox: Mailbox,
    name: Name,
    log: Arc<Log>,
}

/// What came that was not seen.
enum Heard {
    Act,
    Synced(Term),
    Ended,
}

impl Playing {
    fn run(self, node: &Node, orders: &Receiver<Order>) {
        while let Heard::Act = self.next() {
            let Ok(order) = orders.recv() else { return };
            let mut results = Vec::new();
            for op in &order.ops {
                if let Op::End(reason) = op {
                    let reason = order.names.resolved(reason);
                    self.mailbox.terminate(&reason).unwrap();
                    return self.log.add(&self.name, ended(reason));
                }
                results.push(self.call(op, &order.names, node));
            }
            if !self.sync(&order.syncs) {
                return;
            }
            _ = order.results.send(results);
        }
    }

    /// The next item that is not merely seen.
    fn next(&self) -> Heard {
        loop {
            let item = match self.mailbox.recv() {
                Item::Message(message) => {
                    let message = decoded(&message);
                    match message.as_tuple() {
                        Some([tag, from, sync]) if *tag == atom("$sync").into() => {
                            let Term::Pid(to) = from else { panic!("{from}") };
                            let synced = Term::tuple([atom("$synced").into(), sync.clone()]);
                            // Whoever has ended meanwhile does not wait for it.
                            _ = self.mailbox.send(to, encoded(&synced));
                            continue;
                        }
                        Some([tag, sync]) if *tag == atom("$synced").into() => {
                            return Heard::Synced(sync.clone());
                        }
                        _ if message == act() => return Heard::Act,
                        _ => message,
                    }
                }
                Item::Process(ProcessEvent::Ended { reason }) => {
                    self.log.add(&self.name, ended(decoded(&reason)));
                    return Heard::Ended;
                }
                Item::Process(event) => event_term(event),
                other => panic!("{}: {other:?}", self.name),
            };
            self.log.add(&self.name, item);
        }
    }

    /// `false` if it ends meanwhile.
    fn sync(&self, with: &[Pid]) -> bool {
        let Some(own) = self.mailbox.pid() else { return true };
        let tag = Term::from(self.name.clone());
        let sync = encoded(&Term::tuple([atom("$sync").into(), own.into(), tag.clone()]));
        with.iter().for_each(|to| self.mailbox.send(to, sync.clone()).unwrap());
        for _ in with {
            match self.next() {
                Heard::Synced(told) => assert_eq!(told, tag),
                Heard::Act => panic!("{}: one order after the other", self.name),
                Heard::Ended => return false,
            }
        }
        true
    }

    fn call(&self, op: &Op, names: &Names, node: &Node) -> Term {
        let mailbox = &self.mailbox;
        let at = |role: &str| node_of(names, role);
        match op {
            Op::Link(to) => mailbox.link(&names.pid(to)).map(|()| true.into()).unwrap(),
            Op::Unlink(from) => mailbox.unlink(&names.pid(from)).map(|()| true.into()).unwrap(),
            Op::Links => Term::list(mailbox.links().into_iter().map(Term::from)),
            Op::Monitor(dest, _, alias) => {
                let target = match dest {
                    Dest::Name(name) => Target::Pid(names.pid(name)),
                    Dest::Registered(name, node) => Target::Name(name.clone(), at(node)),
                };
                let reference = match alias {
                    None => mailbox.monitor(target),
                    Some(alias) => mailbox.monitor_with_alias(target, *alias),
                };
                reference.unwrap().into()
            }
            Op::Demonitor(monitor) => {
                let Term::Reference(monitor) = names.get(monitor) else { panic!("{monitor}") };
                mailbox.demonitor(monitor, false).into()
            }
            Op::Exit(to, reason) => {
                mailbox.exit(&names.pid(to), &names.resolved(reason)).map(|()| true.into()).unwrap()
            }
            Op::End(reason) => panic!("{reason} ends it"),
            Op::TrapExit(on) => mailbox.trap_exit(*on).unwrap().into(),
            Op::Alias(_, option) => mailbox.alias(*option).unwrap().into(),
            Op::Unalias(alias) => {
                let Term::Reference(alias) = names.get(alias) else { panic!("{alias}") };
                mailbox.unalias(alias).into()
            }
            Op::Send(to, message) => {
                let message = encoded(&names.resolved(message));
                match to {
                    Dest::Registered(name, node) => {
                        mailbox.send_to_name(name, &at(node), message).unwrap()
                    }
                    Dest::Name(name) => match names.get(name) {
                        Term::Reference(alias) => mailbox.send_to_alias(alias, message).unwrap(),
                        _ => mailbox.send(&names.pid(name), message).unwrap(),
                    },
                }
                atom("sent").into()
            }
            Op::Register(name) => match mailbox.register(name.clone()) {
                Ok(()) => true.into(),
                Err(_) => atom("badarg").into(),
            },
            Op::Unregister(name) if mailbox.unregister(name) => true.into(),
            Op::Unregister(_) => atom("badarg").into(),
            Op::MonitorNode(of, on) => {
                mailbox.monitor_node(&at(of), *on).map(|()| true.into()).unwrap()
            }
            Op::Disconnect(from) => node.disconnect_node(&at(from)).unwrap().into(),
        }
    }
}

impl Log {
    fn add(&self, name: &Name, item: Term) {
        self.seen.lock().unwrap().entry(name.clone()).or_default().push(item);
        self.more.notify_all();
    }
}

/// As Erlang's processes see it.
fn event_term(event: ProcessEvent) -> Term {
    match event {
        ProcessEvent::Exit { from, reason } => {
            Term::tuple([atom("EXIT").into(), from.into(), decoded(&reason)])
        }
        ProcessEvent::Down { reference, object, reason, .. } => {
            let object = match object {
                Target::Pid(pid) => pid.into(),
                Target::Name(name, node) => {
                    Term::tuple([name.into(), node.as_atom().clone().into()])
                }
            };
            let [down, process] = ["DOWN", "process"].map(|text| atom(text).into());
            Term::Tuple(vec![down, reference.into(), process, object, decoded(&reason)])
        }
        ProcessEvent::NodeDown(node) => {
            Term::tuple([atom("nodedown").into(), node.as_atom().clone().into()])
        }
        other => panic!("{other:?} is not of these scripts"),
    }
}

fn ended(reason: Term) -> Term {
    Term::tuple([atom("ended").into(), reason])
}

/// Has an actor look at its orders.
fn act() -> Term {
    atom("$act").into()
}

fn node_of(names: &Names, role: &str) -> NodeName {
    node_name(names.get(role).as_atom().unwrap())
}

fn encoded(term: &Term) -> Vec<u8> {
    let mut out = Vec::new();
    term.encode(&mut out).unwrap();
    out
}

fn decoded(bytes: &[u8]) -> Term {
    Term::decode(bytes, &Limits::default()).unwrap()
}
