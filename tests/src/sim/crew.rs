//! Processes of applications: what they do is drawn, and done as a runtime does it for its mailboxes.

use std::collections::VecDeque;

use bytes::Bytes;
use netkernel_core::link::FRAGMENT_BYTES;
use netkernel_core::process::{AliasOption, MonitorAlias, Processes, Reach, ReplyWhen, Target};
use netkernel_core::term::{Atom, Pid, Reference};
use netkernel_core::wire::control::Control;
use netkernel_core::{MailboxId, NodeName};

use super::act::{Act, Reason, Receiver, Wanted};
use super::body::Body;
use super::choice::{Topic, pick};
use super::delivery::Delivery;
use super::letter::Letter;
use super::observe::{Did, Fact, Kinds};
use super::operator::LARGE_WINDOW;
use super::shared::{Event, Shared};
use super::world::World;

/// A node has no fewer of them for long, and never more.
const FEWEST: usize = 2;
const MOST: usize = 5;

/// Applications that wait on one node, letters included, are no more than this for what processes do.
const WAITING_MAX: usize = 64;

const NAMES: [&str; 3] = ["a", "b", "c"];

const ALIASES: [Option<MonitorAlias>; 5] = [
    None,
    None,
    Some(MonitorAlias::ExplicitUnalias),
    Some(MonitorAlias::Demonitor),
    Some(MonitorAlias::ReplyDemonitor),
];

const WHEN: [ReplyWhen; 5] =
    [ReplyWhen::Yes, ReplyWhen::Yes, ReplyWhen::No, ReplyWhen::SuccessOnly, ReplyWhen::ErrorOnly];

/// What is known in the world, some of it not true any more.
#[derive(Debug, Default)]
pub(super) struct Book {
    pids: VecDeque<Pid>,
    aliases: VecDeque<Reference>,
}

/// Of each so many.
const BOOK_MAX: usize = 16;

fn learn<T: PartialEq>(known: &mut VecDeque<T>, new: T) {
    if !known.contains(&new) {
        if known.len() == BOOK_MAX {
            known.pop_front();
        }
        known.push_back(new);
    }
}

/// Who does what.
impl World<'_> {
    /// Some process of a node acts, and the next act is planned.
    pub(super) fn act(&mut self) {
        if self.shared.peace {
            return;
        }
        let node = self.any_node(Topic::Process);
        for _ in 0..self.shared.choice.range(Topic::Process, 1, 4) {
            self.act_once(node);
        }
        self.plan_next(self.shared.plan.act_every_ns, Topic::Process, Event::Act);
    }

    fn act_once(&mut self, node: usize) {
        if !self.actors[node].is_working() {
            return;
        }
        let Some(by) = self.who_acts(node) else { return };
        let Some(act) = self.draw_act(node, by) else { return };
        self.shared.counts.acts += 1;
        let Some(process) = &mut self.actors[node].process else { return };
        let has_alias = matches!(
            act,
            Act::Alias(_)
                | Act::Monitor(_, Some(_))
                | Act::Spawn(_, Wanted { monitor: Some(Some(_)), .. })
        );
        let is_request = matches!(act, Act::Spawn(..));
        let Some(made) = process.body.act(by, act, &mut self.shared) else { return };
        if has_alias {
            learn(&mut self.book.aliases, made.clone());
        }
        if is_request && self.shared.choice.chance(Topic::Process, 150) {
            process.body.act(by, Act::Abandon(made), &mut self.shared);
        }
    }

    /// A process that waits for nothing. There may be a new one.
    fn who_acts(&mut self, node: usize) -> Option<MailboxId> {
        let office = &self.actors[node].process.as_ref()?.body.office;
        let free: Vec<MailboxId> =
            office.crew.iter().copied().filter(|process| !office.is_busy(*process)).collect();
        let crew = office.crew.len();
        if crew < FEWEST || (crew < MOST && self.shared.choice.chance(Topic::Process, 100)) {
            let name = self.shared.choice.chance(Topic::Process, 500);
            let name = name.then(|| pick(self.shared.choice, Topic::Process, &NAMES));
            let trap = self.shared.choice.chance(Topic::Process, 400);
            let body = &mut self.actors[node].process.as_mut()?.body;
            return Some(body.begin(name, trap, &mut self.shared));
        }
        if free.is_empty() {
            return None;
        }
        Some(pick(self.shared.choice, Topic::Process, &free))
    }

    fn draw_act(&mut self, node: usize, by: MailboxId) -> Option<Act> {
        Some(match self.shared.choice.draw(Topic::Process, 36) {
            0..=7 => {
                let to = Receiver::Pid(self.any_pid()?);
                self.letter_to(node, by, to)?
            }
            8 | 9 => {
                let Target::Name(name, at) = self.any_name()? else { return None };
                self.letter_to(node, by, Receiver::Name(name, at))?
            }
            10 | 11 => {
                let alias = self.any_alias()?;
                self.letter_to(node, by, Receiver::Alias(alias))?
            }
            12..=15 => Act::Link(self.any_pid()?),
            16..=18 => {
                let links = self.processes(node)?.links(by);
                Act::Unlink(self.one_of(&links)?)
            }
            number @ 19..=22 => {
                let of = if number == 22 { self.any_name()? } else { self.any_pid()?.into() };
                Act::Monitor(of, pick(self.shared.choice, Topic::Process, &ALIASES))
            }
            23 | 24 => {
                let monitors = self.processes(node)?.monitors(by);
                Act::Demonitor(self.one_of(&monitors)?.0)
            }
            number @ (25 | 26) => {
                let other = self.any_node(Topic::Process);
                Act::MonitorNode(self.name_of(other)?, number == 25)
            }
            27 => Act::Trap(self.shared.choice.chance(Topic::Process, 600)),
            28 => {
                let to = self.any_pid()?;
                Act::Exit(to, self.reason(node, by)?)
            }
            29 => Act::Terminate(self.reason(node, by)?),
            30 => {
                let reply = self.shared.choice.chance(Topic::Process, 500);
                Act::Alias(if reply { AliasOption::Reply } else { AliasOption::ExplicitUnalias })
            }
            31 => Act::Unalias(self.any_alias()?),
            _ => {
                let other = self.any_node(Topic::Process);
                Act::Spawn(self.name_of(other)?, self.any_wanted(node, by)?)
            }
        })
    }

    fn any_wanted(&mut self, node: usize, by: MailboxId) -> Option<Wanted> {
        let letter = self.number(node, by)?;
        let choice = &mut *self.shared.choice;
        let mut chance = |permille| choice.chance(Topic::Process, permille);
        let (unserved, link, monitor) = (chance(200), chance(500), chance(500));
        let bad_option = chance(100);
        let monitor = monitor.then(|| pick(choice, Topic::Process, &ALIASES));
        let when = pick(choice, Topic::Process, &WHEN);
        Some(Wanted { served: !unserved, link, monitor, when, bad_option, letter })
    }

    fn processes(&self, node: usize) -> Option<&Processes> {
        Some(&self.actors[node].process.as_ref()?.body.office.processes)
    }

    /// Of some node, its own among them; now and then one that may be gone.
    fn any_pid(&mut self) -> Option<Pid> {
        let node = self.any_node(Topic::Process);
        let office = self.actors[node].process.as_ref().map(|process| &process.body.office);
        let pids = |office: &super::office::Office| -> Vec<Pid> {
            office.crew.iter().filter_map(|process| office.processes.pid(*process)).collect()
        };
        let pids = office.map(pids).unwrap_or_default();
        if pids.is_empty() || self.shared.choice.chance(Topic::Process, 50) {
            let known: Vec<Pid> = self.book.pids.iter().cloned().collect();
            return self.one_of(&known);
        }
        let pid = self.one_of(&pids)?;
        learn(&mut self.book.pids, pid.clone());
        Some(pid)
    }

    fn any_name(&mut self) -> Option<Target> {
        let node = self.any_node(Topic::Process);
        let name = atom(pick(self.shared.choice, Topic::Process, &NAMES));
        Some(Target::Name(name, self.name_of(node)?))
    }

    fn any_alias(&mut self) -> Option<Reference> {
        let known: Vec<Reference> = self.book.aliases.iter().cloned().collect();
        self.one_of(&known)
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let at = self.shared.choice.draw(Topic::Process, of.len() as u64) as usize;
        of.get(at).cloned()
    }

    fn letter_to(&mut self, node: usize, by: MailboxId, to: Receiver) -> Option<Act> {
        let plan = &self.shared.plan;
        let wide = plan.window > LARGE_WINDOW && (plan.segment == 0 || plan.segment > 7);
        let large = wide && self.shared.choice.chance(Topic::Process, 30);
        let padding = if large { FRAGMENT_BYTES + 5000 } else { 0 };
        Some(Act::Send(to, self.number(node, by)?, padding))
    }

    fn reason(&mut self, node: usize, by: MailboxId) -> Option<Reason> {
        Some(match self.shared.choice.draw(Topic::Process, 6) {
            0 => Reason::Normal,
            1 => Reason::Kill,
            _ => Reason::Letter(self.number(node, by)?),
        })
    }

    /// The next letter of a process: its number has whose it is in front, and which of the names of its node it then had: with another it is
    /// another process to others.
    fn number(&mut self, node: usize, by: MailboxId) -> Option<Letter> {
        let body = &mut self.actors[node].process.as_mut()?.body;
        body.office.numbered += 1;
        let name = body.office.names_had.min(255);
        let number = by.get() << 40 | name << 32 | body.office.numbered;
        Some(Letter { from: body.id, life: body.life, number })
    }
}

/// How it is done.
impl Body {
    /// A process begins.
    pub(super) fn begin(
        &mut self,
        name: Option<&str>,
        trap: bool,
        shared: &mut Shared<'_>,
    ) -> MailboxId {
        let by = self.office.processes.spawn_mailbox();
        self.office.crew.push(by);
        self.did(by, did(Act::Begin), shared);
        if let Some(name) = name {
            self.perform(by, Act::Register(atom(name)), shared);
        }
        if trap {
            self.perform(by, Act::Trap(true), shared);
        }
        by
    }

    /// A process acts: now, or once it is known whether there is a way to that node. The reference that was made.
    fn act(&mut self, by: MailboxId, act: Act, shared: &mut Shared<'_>) -> Option<Reference> {
        let office = &self.office;
        let absent = |node: &&Atom| !office.processes.is_own(node) && !office.has_peer(node);
        if let Some(node) = act.node().filter(absent)
            && office.blocked() < WAITING_MAX
            && let Ok(node) = NodeName::new(node)
        {
            self.act_later(by, node, act, shared);
            return None;
        }
        self.perform(by, act, shared)
    }

    /// A process does this now. The reference that was made.
    pub(super) fn perform(
        &mut self,
        by: MailboxId,
        act: Act,
        shared: &mut Shared<'_>,
    ) -> Option<Reference> {
        let processes = &self.office.processes;
        if !processes.has(by) {
            return None;
        }
        let elsewhere = act.node().is_some_and(|node| !processes.is_own(node));
        let mut done = Did { elsewhere, to: meant(processes, &act), ..did(act.clone()) };
        if let Act::Send(to, letter, padding) = act {
            let message = letter.to_term(padding);
            self.did(by, done, shared);
            if elsewhere {
                self.send_elsewhere(by, to, message, shared);
            } else {
                self.with_processes(None, shared, |processes, deliver| {
                    send_here(processes, to, message, deliver);
                });
            }
            return None;
        }
        // Without a name it reaches nobody.
        let nameless = processes.pid(by).is_none().then_some(false);
        let reference = self.with_processes(None, shared, |processes, deliver| {
            let reference = call(processes, by, act, deliver);
            let reach = deliver.reach.map(|reach| reach != Reach::NoConnection);
            done.reached = deliver.reached.or(reach).or(nameless);
            done.unlink = deliver.unlink;
            done.to = done.to.or_else(|| deliver.started.first().copied());
            reference
        });
        done.reference.clone_from(&reference);
        self.did(by, done, shared);
        reference
    }

    fn did(&self, by: MailboxId, did: Did, shared: &mut Shared<'_>) {
        shared.note(self.who(), Kinds::PROCESSES, || Fact::Acted { by, did });
    }

    fn send_elsewhere(
        &mut self,
        by: MailboxId,
        to: Receiver,
        message: Bytes,
        shared: &mut Shared<'_>,
    ) {
        let Some(from) = self.office.processes.pid(by) else { return };
        let (node, signal) = match to {
            Receiver::Pid(to) => {
                (to.node.clone(), Control::Send { from: Some(from), to, message, token: None })
            }
            Receiver::Name(to, node) => {
                (node.as_atom().clone(), Control::RegSend { from, to, message, token: None })
            }
            Receiver::Alias(to) => {
                let node = to.node().clone();
                (node, Control::AliasSend { from: Some(from), to, message, token: None })
            }
        };
        if let Ok(node) = NodeName::new(&node) {
            self.submit(by, &node, signal, false, shared);
        }
    }
}

fn call(
    processes: &mut Processes,
    by: MailboxId,
    act: Act,
    deliver: &mut Delivery<'_, '_>,
) -> Option<Reference> {
    // It is there.
    let nothing = |_: Result<(), netkernel_core::process::NoProcess>| None;
    match act {
        Act::Link(pid) => nothing(processes.link(by, &pid, deliver)),
        Act::Unlink(pid) => nothing(processes.unlink(by, &pid, deliver)),
        Act::Monitor(of, alias) => processes.monitor(by, of, alias, deliver).ok(),
        Act::Demonitor(reference) => {
            processes.demonitor(by, &reference, deliver);
            None
        }
        Act::Exit(to, reason) => nothing(processes.exit(by, &to, reason.to_term(), deliver)),
        Act::Terminate(reason) => {
            processes.terminate(by, &reason.to_term(), deliver);
            None
        }
        Act::Trap(on) => nothing(processes.trap_exit(by, on).map(drop)),
        Act::Alias(option) => processes.alias(by, option).ok(),
        Act::Unalias(alias) => {
            processes.unalias(by, &alias);
            None
        }
        Act::MonitorNode(node, on) => nothing(processes.monitor_node(by, &node, on, deliver)),
        Act::Spawn(node, wanted) => {
            processes.spawn_request(by, &node, wanted.spawning()?, deliver).ok()
        }
        Act::Abandon(request) => {
            processes.spawn_request_abandon(by, &request);
            None
        }
        Act::Register(name) => {
            // It may be taken.
            let _ = processes.register(name, by);
            None
        }
        Act::Begin | Act::Send(..) => None,
    }
}

fn send_here(
    processes: &mut Processes,
    to: Receiver,
    message: Bytes,
    deliver: &mut Delivery<'_, '_>,
) {
    let mailbox = match to {
        Receiver::Pid(pid) => processes.mailbox(&pid),
        Receiver::Name(name, _) => processes.whereis(&name),
        Receiver::Alias(alias) => {
            processes.send_to_alias(&alias, message, deliver);
            return;
        }
    };
    if let Some(mailbox) = mailbox {
        processes.hand_over(mailbox, message, deliver);
    }
}

/// The process of this node that an act is about.
fn meant(processes: &Processes, act: &Act) -> Option<MailboxId> {
    match act {
        Act::Link(pid)
        | Act::Unlink(pid)
        | Act::Exit(pid, _)
        | Act::Monitor(Target::Pid(pid), _)
        | Act::Send(Receiver::Pid(pid), ..) => processes.mailbox(pid),
        Act::Begin
        | Act::Register(_)
        | Act::Monitor(Target::Name(..), _)
        | Act::Demonitor(_)
        | Act::Send(..)
        | Act::Terminate(_)
        | Act::Trap(_)
        | Act::Alias(_)
        | Act::Unalias(_)
        | Act::MonitorNode(..)
        | Act::Spawn(..)
        | Act::Abandon(_) => None,
    }
}

const fn did(act: Act) -> Did {
    Did { act, to: None, elsewhere: false, reached: None, reference: None, unlink: None }
}

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap_or_else(|_| unreachable!("short"))
}
