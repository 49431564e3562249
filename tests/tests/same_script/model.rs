//! How much each process sees of a step. What it is the nodes say; but where this is wrong, a play ends in a wait for nothing, or finds
//! more than it waited for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use netkernel_blocking::core::term::Term;
use netkernel_blocking::{AliasOption, MonitorAlias};

use super::names::atom;
use super::op::{Dest, Name, Op, Step};
use super::spawns::Spawn;

/// Who is there, and what they have to do with each other.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    processes: BTreeMap<Name, Process>,
    references: BTreeMap<Name, Reference>,
    connected: bool,
    waiting: VecDeque<Signal>,
    now: Outcome,
}

/// What a step leads to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// How many items each process sees, its own end among them.
    pub(crate) seen: BTreeMap<Name, usize>,
    /// Which signal came to whom, and from whom, whether or not it shows.
    touched: Vec<(Name, Name)>,
    /// Who has ended, by whose signal.
    ended: BTreeMap<Name, Name>,
    /// Processes that have begun.
    pub(crate) born: Vec<Name>,
    /// It is not in any script: Erlang promises nothing, or we do what Erlang does not, and say so.
    unfit: bool,
}

impl Outcome {
    /// Whether the order of signals from several processes would decide what is seen.
    pub(crate) fn is_fit(&self) -> bool {
        let decided = |(to, from): &(Name, Name)| self.ended.get(to).is_none_or(|by| by == from);
        !self.unfit && self.touched.iter().all(decided)
    }
}

#[derive(Clone, Debug, Default)]
struct Process {
    traps: bool,
    links: BTreeSet<Name>,
    registered: Option<Name>,
    node_monitors: usize,
}

/// A monitor, an alias, or both.
#[derive(Clone, Debug)]
struct Reference {
    of: Name,
    target: Option<Name>,
    is_monitor: bool,
    alias: Option<Until>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Until {
    Unalias,
    Reply,
    Demonitor,
    ReplyDemonitor,
}

impl Until {
    fn of(alias: MonitorAlias) -> Self {
        match alias {
            MonitorAlias::ExplicitUnalias => Self::Unalias,
            MonitorAlias::Demonitor => Self::Demonitor,
            MonitorAlias::ReplyDemonitor => Self::ReplyDemonitor,
        }
    }
}

#[derive(Clone, Debug)]
enum Signal {
    /// Of a link that has ended.
    Exit { from: Name, to: Name, reason: Term },
    /// Of a monitor that has ended.
    Down(Name),
}

impl Model {
    /// These processes, and links between the nodes.
    pub(crate) fn new(names: impl IntoIterator<Item = Name>) -> Self {
        let processes = names.into_iter().map(|name| (name, Process::default())).collect();
        Self {
            processes,
            references: BTreeMap::new(),
            connected: true,
            waiting: VecDeque::new(),
            now: Outcome::default(),
        }
    }

    pub(crate) fn is_alive(&self, name: &str) -> bool {
        self.processes.contains_key(name)
    }

    /// Who lives and can be reached by this process, without itself.
    pub(crate) fn others(&self, of: &Name) -> Vec<Name> {
        let is_other = |it: &&Name| *it != of && self.reaches(of, it);
        self.processes.keys().filter(is_other).cloned().collect()
    }

    pub(crate) fn alive(&self) -> Vec<Name> {
        self.processes.keys().cloned().collect()
    }

    /// Whose end a monitor tells, if there was such a process.
    pub(crate) fn target(&self, monitor: &str) -> Option<&Name> {
        self.references.get(monitor)?.target.as_ref()
    }

    /// Whether a name has been given.
    pub(crate) fn references(&self) -> impl Iterator<Item = (&Name, &Name)> {
        self.references.iter().map(|(name, reference)| (name, &reference.of))
    }

    pub(crate) fn step(&mut self, step: &Step) -> Outcome {
        let by = &step.by;
        assert!(self.is_alive(by), "{step}: {by} has ended");
        self.call(by, &step.op);
        while let Some(signal) = self.waiting.pop_front() {
            self.deliver(signal);
        }
        core::mem::take(&mut self.now)
    }

    fn call(&mut self, by: &Name, op: &Op) {
        match op {
            Op::Link(to) => self.link(by, to),
            Op::Unlink(from) => self.unlink(by, from),
            Op::Links => {}
            Op::Monitor(dest, name, alias) => self.monitor(by, dest, name, *alias),
            Op::Demonitor(monitor) => {
                self.now.unfit |= self.references.get(monitor).is_none_or(|it| it.of != *by);
                self.monitor_ends(monitor);
            }
            Op::Exit(to, reason) if self.reaches(by, to) => self.exit(by, to, reason),
            Op::Exit(..) => {}
            Op::End(reason) => self.end(by, by, reason),
            Op::TrapExit(on) => self.process(by).traps = *on,
            Op::Alias(name, option) => {
                let until = match option {
                    AliasOption::ExplicitUnalias => Until::Unalias,
                    AliasOption::Reply => Until::Reply,
                };
                self.refer(
                    name,
                    Reference {
                        of: by.clone(),
                        target: None,
                        is_monitor: false,
                        alias: Some(until),
                    },
                );
            }
            Op::Unalias(alias) => {
                self.now.unfit |= self.references.get(alias).is_none_or(|it| it.of != *by);
                if let Some(it) = self.references.get_mut(alias) {
                    it.alias = None;
                }
            }
            Op::Send(to, _) => self.send(by, to),
            Op::Register(name) => {
                let is_free = self.whereis(name, node(by)).is_none();
                let own = &mut self.process(by).registered;
                if is_free && own.is_none() {
                    *own = Some(name.clone());
                }
            }
            Op::Unregister(name) => {
                if let Some(of) = self.whereis(name, node(by)) {
                    self.process(&of).registered = None;
                }
            }
            Op::MonitorNode(of, on) => {
                let own = **of == *node(by);
                match (on, self.connected) {
                    _ if own => {}
                    (true, true) => self.process(by).node_monitors += 1,
                    (true, false) => self.see(by, of),
                    (false, _) => {
                        let count = &mut self.process(by).node_monitors;
                        *count = count.saturating_sub(1);
                    }
                }
            }
            Op::Disconnect(from) => self.disconnect(by, from),
            Op::Spawn(spawn) => self.spawn(by, spawn),
            Op::Abandon(_) => {}
        }
    }

    fn link(&mut self, by: &Name, to: &Name) {
        if by == to {
        } else if self.reaches(by, to) {
            self.process(by).links.insert(to.clone());
            self.process(to).links.insert(by.clone());
        } else {
            // In Erlang the call raises an exception then, here it does not.
            self.now.unfit |= node(by) == node(to) && !self.process(by).traps;
            let why =
                if node(by) == node(to) || self.connected { "noproc" } else { "noconnection" };
            self.exit_of_link(to, by, &atom(why).into());
        }
    }

    fn unlink(&mut self, by: &Name, from: &Name) {
        self.process(by).links.remove(from);
        if let Some(other) = self.processes.get_mut(from) {
            other.links.remove(by);
        }
    }

    fn monitor(&mut self, by: &Name, dest: &Dest, name: &Name, alias: Option<MonitorAlias>) {
        let target = match dest {
            Dest::Name(target) => Some(target.clone()),
            Dest::Registered(name, node) => self.whereis(name, node),
        };
        self.now.unfit |= target.as_ref() == Some(by);
        let alias = alias.map(Until::of);
        let is_there = target.as_ref().is_some_and(|target| self.reaches(by, target));
        self.refer(name, Reference { of: by.clone(), target, is_monitor: true, alias });
        if !is_there {
            self.waiting.push_back(Signal::Down(name.clone()));
        }
    }

    fn spawn(&mut self, by: &Name, spawn: &Spawn) {
        let (child, here) = (&spawn.child, *spawn.node == *node(by));
        let (link, monitors) = (spawn.options.link, spawn.monitors());
        // Erlang raises an exception where ours is an error, or gives the pid of a process that was never there.
        if spawn.is_bad() || !(here || self.connected) {
            self.now.unfit |= !spawn.is_request() || (here && spawn.is_bad());
            if spawn.tells(false) {
                self.see(by, child);
            }
            return;
        }
        if let Some(monitor) = spawn.reference.clone().filter(|_| monitors) {
            let (of, target) = (by.clone(), Some(child.clone()));
            let alias = spawn.options.monitor.as_ref().and_then(|it| it.alias).map(Until::of);
            self.refer(&monitor, Reference { of, target, is_monitor: true, alias });
        }
        if spawn.tells(true) {
            self.see(by, child);
        }
        if spawn.plays {
            self.processes.insert(child.clone(), Process::default());
            self.see(child, child);
            self.now.born.push(child.clone());
            if link {
                self.link(by, child);
            }
            return;
        }
        // Nobody would know who has ended, or what the reference is.
        self.now.unfit |= spawn.is_request() && !spawn.tells(true) && (link || monitors);
        self.now.unfit |= link && spawn.reference.is_some() && !self.process(by).traps;
        if link {
            self.exit_of_link(child, by, &atom("undef").into());
        }
        if let Some(monitor) = spawn.reference.clone().filter(|_| monitors) {
            self.waiting.push_back(Signal::Down(monitor));
        }
    }

    fn refer(&mut self, name: &Name, reference: Reference) {
        let other = self.references.insert(name.clone(), reference);
        assert!(other.is_none(), "{name} has a meaning");
    }

    fn exit(&mut self, by: &Name, to: &Name, reason: &Term) {
        self.now.touched.push((to.clone(), by.clone()));
        let is = |what: &str| reason.as_atom().is_some_and(|it| &**it == what);
        if is("kill") {
            self.end(to, by, &atom("killed").into());
        } else if self.process(to).traps {
            self.see(to, by);
        } else if !is("normal") || by == to {
            self.end(to, by, reason);
        }
    }

    fn exit_of_link(&mut self, from: &Name, to: &Name, reason: &Term) {
        self.now.touched.push((to.clone(), from.clone()));
        let Some(process) = self.processes.get_mut(to) else { return };
        process.links.remove(from);
        if process.traps {
            self.see(to, from);
        } else if reason.as_atom().is_none_or(|reason| &**reason != "normal") {
            self.end(to, from, reason);
        }
    }

    fn end(&mut self, who: &Name, by: &Name, reason: &Term) {
        let Some(process) = self.processes.remove(who) else { return };
        *self.now.seen.entry(who.clone()).or_default() += 1;
        self.now.ended.insert(who.clone(), by.clone());
        for to in process.links {
            self.waiting.push_back(Signal::Exit { from: who.clone(), to, reason: reason.clone() });
        }
        for (name, it) in &mut self.references {
            if it.of == *who {
                (it.is_monitor, it.alias) = (false, None);
            } else if it.target.as_ref() == Some(who)
                && (it.is_monitor || self.now.ended.contains_key(&it.of))
            {
                // To who has ended in this step it may have come before.
                self.waiting.push_back(Signal::Down(name.clone()));
            }
        }
    }

    fn deliver(&mut self, signal: Signal) {
        match signal {
            Signal::Exit { from, to, reason } => {
                // The loss of the node has ended the link before, or the receiver is gone.
                if self.processes.get(&to).is_none_or(|it| it.links.contains(&from)) {
                    self.exit_of_link(&from, &to, &reason);
                }
            }
            Signal::Down(monitor) => {
                let it = self.references[&monitor].clone();
                let from = it.target.as_ref().unwrap_or(&monitor);
                self.now.touched.push((it.of.clone(), from.clone()));
                if it.is_monitor {
                    self.monitor_ends(&monitor);
                    self.see(&it.of, from);
                }
            }
        }
    }

    fn monitor_ends(&mut self, monitor: &Name) {
        let Some(it) = self.references.get_mut(monitor) else { return };
        if core::mem::take(&mut it.is_monitor)
            && matches!(it.alias, Some(Until::Demonitor | Until::ReplyDemonitor))
        {
            it.alias = None;
        }
    }

    fn send(&mut self, by: &Name, to: &Dest) {
        let to = match to {
            Dest::Name(name) => match self.references.get(name) {
                None => Some(name.clone()),
                Some(it) => {
                    let of = it.of.clone();
                    match it.alias {
                        Some(Until::Unalias | Until::Demonitor) => Some(of),
                        Some(Until::Reply | Until::ReplyDemonitor) if self.reaches(by, &of) => {
                            self.monitor_ends(name);
                            self.references.get_mut(name).unwrap().alias = None;
                            Some(of)
                        }
                        Some(Until::Reply | Until::ReplyDemonitor) | None => None,
                    }
                }
            },
            Dest::Registered(name, node) => self.whereis(name, node),
        };
        if let Some(to) = to.filter(|to| self.reaches(by, to)) {
            self.see(&to, by);
        }
    }

    fn disconnect(&mut self, by: &Name, from: &Name) {
        self.now.unfit |= **from == *node(by);
        if !core::mem::take(&mut self.connected) {
            return;
        }
        let noconnection = Term::from(atom("noconnection"));
        for name in self.alive() {
            let Some(process) = self.processes.get(&name) else { continue };
            let lost: Vec<_> =
                process.links.iter().filter(|it| node(it) != node(&name)).cloned().collect();
            lost.iter().for_each(|it| self.exit_of_link(it, &name, &noconnection));
        }
        for (name, it) in &self.references {
            if it.is_monitor
                && it.target.as_ref().is_some_and(|target| node(target) != node(&it.of))
            {
                self.waiting.push_back(Signal::Down(name.clone()));
            }
        }
        for name in self.alive() {
            for _ in 0..core::mem::take(&mut self.process(&name).node_monitors) {
                self.see(&name, from);
            }
        }
    }

    fn whereis(&self, name: &str, at: &str) -> Option<Name> {
        let is_it = |(_, it): &(&Name, &Process)| it.registered.as_deref() == Some(name);
        self.processes.iter().filter(|(of, _)| node(of) == at).find(is_it).map(|(of, _)| of.clone())
    }

    pub(crate) fn reaches(&self, from: &str, to: &str) -> bool {
        self.is_alive(to) && (self.connected || node(from) == node(to))
    }

    fn process(&mut self, name: &Name) -> &mut Process {
        self.processes.get_mut(name).unwrap()
    }

    /// An item comes to somebody, if that one lives.
    fn see(&mut self, who: &Name, from: &Name) {
        self.now.touched.push((who.clone(), from.clone()));
        if self.is_alive(who) {
            *self.now.seen.entry(who.clone()).or_default() += 1;
        }
    }
}

/// The node of a process: the first letter of its name.
pub(crate) fn node(process: &str) -> &str {
    &process[..1]
}
