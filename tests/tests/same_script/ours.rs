//! A node of ours that plays: each process is a mailbox with a thread.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use netkernel_blocking::core::NodeName;
use netkernel_blocking::core::process::Function;
use netkernel_blocking::core::term::{Limits, Pid, Reference, Term};
use netkernel_blocking::{Item, ProcessEvent, SendError, SpawnError, Target};
use netkernel_tests::GIVE_UP;
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::runtime::{Mailbox, Node};

use super::names::{Names, atom};
use super::op::{Dest, Name, Op, Step};
use super::spawns::{Form, Spawn};
use super::stage::Side;

/// A node and its actors.
pub(crate) struct Rust {
    ours: Ours,
    /// Sends what wakes an actor.
    director: Mailbox,
    troupe: Arc<Troupe>,
}

/// The actors of a node, those among them that others have spawned, and what they saw.
#[derive(Default)]
struct Troupe {
    actors: Mutex<BTreeMap<Name, Actor>>,
    seen: Mutex<BTreeMap<Name, Vec<Term>>>,
    more: Condvar,
}

struct Actor {
    pid: Pid,
    /// What to do; it is looked at when [`act`] has come.
    orders: Option<Sender<Order>>,
    /// Ends with the actor.
    done: Receiver<()>,
}

struct Order {
    ops: Vec<Op>,
    syncs: Vec<Pid>,
    names: Names,
    results: Sender<Vec<Term>>,
}

impl Rust {
    pub(crate) fn new(ours: Ours) -> Self {
        let (director, troupe) = (ours.node.mailbox(), Arc::<Troupe>::default());
        let (node, joined) = (ours.node.clone(), Arc::clone(&troupe));
        ours.node.serve_function(child(), move |mailbox, arguments| {
            let name = arguments[0].as_atom().unwrap();
            let playing = joined.join(name, mailbox, &node);
            joined.add(name, Term::tuple([atom("began").into(), playing.pid().into()]));
            playing.run();
        });
        Self { ours, director, troupe }
    }

    fn wake(&self, actor: &Actor) {
        self.director.send(&actor.pid, encoded(&act())).unwrap();
    }

    fn stop(&self) {
        let actors = core::mem::take(&mut *self.troupe.actors.lock().unwrap());
        for mut actor in actors.into_values() {
            actor.orders = None;
            self.wake(&actor);
            assert!(actor.done.recv().is_err());
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
        self.troupe.seen.lock().unwrap().clear();
        let mut pids = Vec::new();
        for name in names {
            let playing = self.troupe.join(name, self.ours.node.mailbox(), &self.ours.node);
            pids.push(playing.pid().into());
            thread::spawn(move || playing.run());
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
        let (results, told) = channel();
        let ops = ops.iter().map(|step| step.op.clone()).collect();
        let syncs = syncs.iter().map(|name| names.pid(name)).collect();
        let order = Order { ops, syncs, names: names.clone(), results };
        let actors = self.troupe.actors.lock().unwrap();
        let actor = &actors[by];
        actor.orders.as_ref().unwrap().send(order).unwrap();
        self.wake(actor);
        drop(actors);
        told.recv().ok()
    }

    fn seen(&mut self, counts: &[(Name, usize)]) -> BTreeMap<Name, Vec<Term>> {
        let lacks = |seen: &mut BTreeMap<Name, Vec<Term>>| {
            counts.iter().any(|(name, count)| seen.get(name).map_or(0, Vec::len) < *count)
        };
        let seen = self.troupe.seen.lock().unwrap();
        let waited = self.troupe.more.wait_timeout_while(seen, GIVE_UP, lacks);
        let (mut seen, waited) = waited.unwrap();
        assert!(!waited.timed_out(), "waits for {counts:?}, has {seen:?}");
        core::mem::take(&mut *seen)
    }
}

impl Drop for Rust {
    fn drop(&mut self) {
        // What serves it holds the node.
        self.ours.node.unserve_function(&child());
        if !thread::panicking() {
            self.stop();
        }
    }
}

/// `player:child/1`.
fn child() -> Function {
    Function { module: atom("player"), function: atom("child"), arity: 1 }
}

/// What an actor's thread has.
struct Playing {
    mailbox: Mailbox,
    name: Name,
    node: Node,
    troupe: Arc<Troupe>,
    orders: Receiver<Order>,
    /// The last that is dropped.
    _done: Sender<()>,
}

/// What came that was not seen.
enum Heard {
    Act,
    Synced(Term),
    Ended,
}

impl Playing {
    fn pid(&self) -> Pid {
        self.mailbox.pid().unwrap()
    }

    fn run(self) {
        while let Heard::Act = self.next() {
            let Ok(order) = self.orders.recv() else { return };
            let mut results = Vec::new();
            for op in &order.ops {
                if let Op::End(reason) = op {
                    let reason = order.names.resolved(reason);
                    self.mailbox.terminate(&reason).unwrap();
                    return self.troupe.add(&self.name, ended(reason));
                }
                results.push(self.call(op, &order.names));
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
                    self.troupe.add(&self.name, ended(decoded(&reason)));
                    return Heard::Ended;
                }
                Item::Process(event) => event_term(event),
                other => panic!("{}: {other:?}", self.name),
            };
            self.troupe.add(&self.name, item);
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

    fn call(&self, op: &Op, names: &Names) -> Term {
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
            Op::Disconnect(from) => self.node.disconnect_node(&at(from)).unwrap().into(),
            Op::Spawn(spawn) => {
                self.spawn(spawn, &at(&spawn.node)).unwrap_or_else(|| atom("gone").into())
            }
            Op::Abandon(request) => {
                let Term::Reference(request) = names.get(request) else { panic!("{request}") };
                mailbox.spawn_request_abandon(request).into()
            }
        }
    }

    /// Nothing if the process has ended meanwhile.
    fn spawn(&self, spawn: &Spawn, node: &NodeName) -> Option<Term> {
        let (mailbox, mfa, options) = (&self.mailbox, spawn.mfa(), &spawn.options);
        let both = |(pid, monitor): (Pid, Reference)| Term::tuple([pid.into(), monitor.into()]);
        let pid = match spawn.form {
            Form::Spawn => mailbox.spawn(node, mfa).map(Term::from),
            Form::Link => mailbox.spawn_link(node, mfa).map(Term::from),
            Form::Monitor => mailbox.spawn_monitor(node, mfa).map(both),
            Form::Opt => {
                mailbox.spawn_opt(node, mfa, options).map(|(pid, monitor)| match monitor {
                    Some(monitor) => both((pid, monitor)),
                    None => pid.into(),
                })
            }
            Form::Request => {
                let request = mailbox.spawn_request(node, mfa, options, &spawn.reply);
                request.map(Term::from).map_err(SpawnError::from)
            }
        };
        match pid {
            Ok(pid) => Some(pid),
            Err(SpawnError::Send(SendError::Ended)) => None,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }
}

impl Troupe {
    /// Has a new actor wait for orders.
    fn join(self: &Arc<Self>, name: &Name, mailbox: Mailbox, node: &Node) -> Playing {
        let ((orders, received), (playing, done)) = (channel(), channel());
        let pid = mailbox.pid().unwrap();
        let actor = Actor { pid, orders: Some(orders), done };
        self.actors.lock().unwrap().insert(name.clone(), actor);
        let (name, node, troupe) = (name.clone(), node.clone(), Arc::clone(self));
        Playing { mailbox, name, node, troupe, orders: received, _done: playing }
    }

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
        ProcessEvent::SpawnReply { tag, request, result } => {
            let [ok, what] = match result {
                Ok(pid) => [atom("ok").into(), pid.into()],
                Err(failure) => [atom("error").into(), failure.to_atom().into()],
            };
            Term::Tuple(vec![decoded(&tag), request.into(), ok, what])
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
