//! What one process tells another comes in this order.

use std::collections::BTreeMap;

use netkernel_core::process::{ProcessEvent, Target};
use netkernel_core::term::{Atom, Pid};
use netkernel_core::{Creation, MailboxId};

use crate::sim::ActorId;
use crate::sim::act::{Act, Reason};
use crate::sim::delivery::Got;
use crate::sim::letter::Letter;
use crate::sim::observe::{Did, Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// Each process numbers its letters and its reasons, and no other process gets a lower number of it after a higher one: neither in a
/// message, by whatever address it came, nor in an exit signal, nor in the end of a monitor; over all connections that there are, one after
/// the other, and inside a node. A message comes once.
///
/// *Antecedent*: a reason is followed from the process that gave it, in what comes of that call and no further. One that ends by the reason
/// of another has one that is not its own; and what it has sent with `exit/2` may come back to it as the end of the process that it went
/// to, so that it ends by a reason that it gave long ago.
#[derive(Debug, Default)]
pub struct Order {
    /// By who gets it, and who sent it: the highest number, and whether a message had it.
    last: BTreeMap<(Owner, Author), (u64, bool)>,
    /// Whose pids have this name and creation.
    lives: BTreeMap<(Atom, Creation), (ActorId, u32)>,
    /// The reasons that were given, and to whom: `None` is all who are to know of an end.
    given: BTreeMap<Letter, Option<Pid>>,
    /// In this step. The call that leads to it may be seen behind it.
    got: Vec<(Owner, Got)>,
}

/// A mailbox of one incarnation of a machine.
type Owner = (ActorId, u32, MailboxId);

/// A process of one incarnation of a machine, under one of its names.
type Author = (ActorId, u32, u64);

impl Oracle for Order {
    fn name(&self) -> &'static str {
        "order"
    }

    fn wants(&self) -> Kinds {
        Kinds::PROCESSES.and(Kinds::LIFE).and(Kinds::CALLS)
    }

    fn observe(&mut self, seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { .. } => self.last.retain(|((of, ..), _), _| *of != actor),
            Fact::Alive { name, creation } => {
                self.lives.insert((name.as_atom().clone(), *creation), (actor, seen.life));
            }
            Fact::Acted { did: Did { act, .. }, .. } => match act {
                Act::Terminate(Reason::Letter(letter)) => drop(self.given.insert(*letter, None)),
                Act::Exit(to, Reason::Letter(letter)) => {
                    self.given.insert(*letter, Some(to.clone()));
                }
                _ => {}
            },
            Fact::Got { to, got } => self.got.push(((actor, seen.life, *to), got.clone())),
            _ => {}
        }
        Ok(())
    }

    fn after_step(&mut self, _world: &World<'_>) -> Result<(), String> {
        for (to, got) in core::mem::take(&mut self.got) {
            let (letter, message) = match &got {
                Got::Letter(Some(letter)) => (Some(*letter), true),
                Got::Letter(None) => return Err(format!("{to:?} got a letter in pieces")),
                Got::Event(event) => (self.own_reason(to, event), false),
            };
            if let Some(letter) = letter {
                self.told(to, letter, message)?;
            }
        }
        Ok(())
    }
}

impl Order {
    fn told(&mut self, to: Owner, letter: Letter, message: bool) -> Result<(), String> {
        let author = (letter.from, letter.life, letter.number >> 32);
        let before = self.last.insert((to, author), (letter.number, message));
        match before {
            Some((last, had))
                if last > letter.number || (last == letter.number && (had || message)) =>
            {
                Err(format!("{to:?} got {letter:?} after number {last} of the same process"))
            }
            _ => Ok(()),
        }
    }

    /// The letter that is the reason of an event, if whoever it is about gave it, and to this one.
    fn own_reason(&self, (actor, life, mailbox): Owner, event: &ProcessEvent) -> Option<Letter> {
        let (pid, reason, is_end): (&Pid, _, _) = match event {
            ProcessEvent::Exit { from, reason } => (from, reason, false),
            ProcessEvent::Down { object: Target::Pid(pid), reason, .. } => (pid, reason, true),
            _ => return None,
        };
        let letter = Letter::of_term(reason)?;
        let is_own = self.is(pid, (letter.from, letter.life), letter.number >> 40);
        let is_meant = match self.given.get(&letter)? {
            None => true,
            Some(to) => !is_end && self.is(to, (actor, life), mailbox.get()),
        };
        (is_own && is_meant).then_some(letter)
    }

    /// Whether this is the pid of that process.
    fn is(&self, pid: &Pid, life: (ActorId, u32), process: u64) -> bool {
        self.lives.get(&(pid.node.clone(), pid.creation)) == Some(&life)
            && u64::from(pid.id) == process
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::oracles::tests::{judge, mailbox};

    fn letter(number: u64) -> Letter {
        Letter { from: ActorId(1), life: 1, number: 5 << 40 | number }
    }

    fn got(got: Got) -> (usize, Fact) {
        (0, Fact::Got { to: mailbox(), got })
    }

    #[test]
    fn letters_in_another_order_or_in_pieces_are_found() {
        let told = |numbers: &[u64]| {
            let letters = numbers.iter().map(|it| got(Got::Letter(Some(letter(*it)))));
            judge(&mut Order::default(), letters.collect())
        };
        assert_eq!(told(&[1, 2, 4]), Ok(()));
        assert!(told(&[2, 1]).is_err() && told(&[1, 1]).is_err());
        assert!(judge(&mut Order::default(), vec![got(Got::Letter(None))]).is_err());
    }

    #[test]
    fn the_end_of_a_process_comes_behind_its_letters_unless_its_reason_is_an_old_one() {
        let name: netkernel_core::NodeName = "n1@h".parse().unwrap();
        let creation = Creation(7);
        let pid = Pid { node: name.as_atom().clone(), id: 5, serial: 0, creation };
        let reason = Reason::Letter(letter(1));
        let end = ProcessEvent::Exit { from: pid.clone(), reason: letter(1).to_term(0) };
        let after = |act: Act| {
            let did = Did {
                act,
                to: None,
                elsewhere: true,
                reached: None,
                reference: None,
                unlink: None,
            };
            let facts = vec![
                (1, Fact::Alive { name: name.clone(), creation }),
                (1, Fact::Acted { by: mailbox(), did }),
                got(Got::Letter(Some(letter(2)))),
                got(Got::Event(end.clone())),
            ];
            judge(&mut Order::default(), facts)
        };
        assert!(after(Act::Terminate(reason)).is_err());
        assert_eq!(after(Act::Exit(pid, reason)), Ok(()), "it went to another one");
    }
}
