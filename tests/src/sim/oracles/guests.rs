//! Nodes of embedders: what can be asked of them without looking inside.

use std::collections::{BTreeMap, BTreeSet};

use netkernel_core::NodeName;

use super::detection::{LATE_STEPS, ticktime_ns};
use crate::sim::ActorId;
use crate::sim::guest::Deed;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::plan::{MILLI, SECOND};
use crate::sim::trace::time;
use crate::sim::world::World;

/// A guest tells of each node up and down in turns, beginning with up, by a connection that it has and that is no other link. The
/// connection of a link that is down is closed within two seconds. In the end those are up which have the guest up.
///
/// *Antecedent*: a crash ends everything, and a pause does not count.
#[derive(Debug, Default)]
pub struct GuestLinks {
    open: BTreeSet<(ActorId, u64)>,
    up: BTreeMap<(ActorId, NodeName), u64>,
    /// Connections of links that are down, and since when.
    left: BTreeMap<(ActorId, u64), u64>,
}

/// Nanoseconds in which what is down is to be closed.
const CLOSED_IN: u64 = 2 * SECOND;

impl Oracle for GuestLinks {
    fn name(&self) -> &'static str {
        "guest-links"
    }

    fn wants(&self) -> Kinds {
        Kinds::LINKS.and(Kinds::STREAMS).and(Kinds::LIFE)
    }

    fn observe(&mut self, seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { .. } => {
                self.open.retain(|(of, _)| *of != actor);
                self.up.retain(|(of, _), _| *of != actor);
                self.left.retain(|(of, _), _| *of != actor);
            }
            Fact::Resumed => {
                let own = self.left.iter_mut().filter(|((of, _), _)| *of == actor);
                own.for_each(|(_, since)| *since = seen.at);
            }
            Fact::Guest(Deed::Dialled { conn } | Deed::Accepted { conn }) => {
                self.open.insert((actor, *conn));
            }
            Fact::Guest(Deed::Closed { conn }) => {
                self.open.remove(&(actor, *conn));
                self.left.remove(&(actor, *conn));
            }
            Fact::Guest(Deed::Up { node, conn }) => return self.came_up(actor, node, *conn),
            Fact::Guest(Deed::Down { node, reason }) => {
                let Some(conn) = self.up.remove(&(actor, node.clone())) else {
                    return Err(format!("nodedown of {node}, {reason}, without a nodeup"));
                };
                if self.open.contains(&(actor, conn)) {
                    self.left.insert((actor, conn), seen.at);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn after_step(&mut self, world: &World<'_>) -> Result<(), String> {
        for ((actor, conn), since) in &self.left {
            let of = &world.actors[actor.0];
            if of.is_working() && world.shared.now > since + CLOSED_IN {
                let (guest, since) = (world.label(*actor), time(*since));
                return Err(format!("{guest} keeps conn#{conn}, whose link is down since {since}"));
            }
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        self.after_step(world)?;
        let all = 0..world.nodes().len();
        for guest in all.clone().filter(|node| world.actors[*node].seat.is_some()) {
            for other in all.clone().filter(|other| *other != guest) {
                let (here, there) = (world.has_link(guest, other), world.has_link(other, guest));
                if here != there {
                    let (guest, other) = (ActorId(guest), ActorId(other));
                    let (guest, other) = (world.label(guest), world.label(other));
                    return Err(format!("{guest} has {other} up: {here}; {other} has it: {there}"));
                }
            }
        }
        Ok(())
    }
}

impl GuestLinks {
    fn came_up(&mut self, actor: ActorId, node: &NodeName, conn: u64) -> Result<(), String> {
        if !self.open.contains(&(actor, conn)) {
            return Err(format!("nodeup of {node} by conn#{conn}, which it does not have"));
        }
        let mut others = self.up.iter().filter(|((of, _), link)| *of == actor && **link == conn);
        if let Some(((_, other), _)) = others.next() {
            return Err(format!("nodeup of {node} by conn#{conn}, by which {other} is up"));
        }
        match self.up.insert((actor, node.clone()), conn) {
            Some(old) => Err(format!("nodeup of {node} by conn#{conn} while conn#{old} is up")),
            None => Ok(()),
        }
    }
}

/// On each link a guest writes something at least every T, and gives up a link that it has not heard for `T + T / I`; it says
/// `net_tick_timeout` of no link that it has heard in the last T. All by its own clock.
///
/// *Antecedent*: of the first, that there was room to write; of the first two, that it was not paused meanwhile. Where threads take
/// their time these may be late, by as much as in [`Detection`](super::Detection).
#[derive(Debug, Default)]
pub struct GuestTicks {
    links: BTreeMap<(ActorId, u64), Link>,
    step_ns: u64,
}

#[derive(Debug)]
struct Link {
    node: NodeName,
    /// When it wrote and read last, or went on after a pause.
    wrote: u64,
    heard: u64,
    /// When it read last.
    read: u64,
    /// There was no room for all that it had to write.
    blocked: bool,
}

impl Oracle for GuestTicks {
    fn name(&self) -> &'static str {
        "guest-ticks"
    }

    fn wants(&self) -> Kinds {
        Kinds::LINKS.and(Kinds::STREAMS).and(Kinds::LIFE).and(Kinds::BYTES)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        self.step_ns = self.step_ns.max(world.shared.plan.step_max_ns);
        let Some(actor) = seen.actor else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { .. } => self.links.retain(|(of, _), _| *of != actor),
            Fact::Resumed => {
                for (_, link) in self.links.iter_mut().filter(|((of, _), _)| *of == actor) {
                    (link.wrote, link.heard) = (seen.at, seen.at);
                }
            }
            Fact::Guest(Deed::Up { node, conn }) => {
                let (node, at) = (node.clone(), seen.at);
                let link = Link { node, wrote: at, heard: at, read: at, blocked: false };
                self.links.insert((actor, *conn), link);
            }
            Fact::Guest(Deed::Wrote { conn, bytes, blocked }) => {
                if let Some(link) = self.links.get_mut(&(actor, *conn)) {
                    link.wrote = if *bytes > 0 { seen.at } else { link.wrote };
                    link.blocked = *blocked;
                }
            }
            Fact::Guest(Deed::Read { conn, .. }) => {
                if let Some(link) = self.links.get_mut(&(actor, *conn)) {
                    (link.heard, link.read) = (seen.at, seen.at);
                }
            }
            Fact::Guest(Deed::Closed { conn }) => drop(self.links.remove(&(actor, *conn))),
            Fact::Guest(Deed::Down { node, reason }) => {
                let mut own = self.links.iter();
                let key = own.find(|((of, _), link)| *of == actor && link.node == *node);
                let key = key.map(|(key, _)| *key);
                if let Some(link) = key.and_then(|key| self.links.remove(&key))
                    && reason.contains("net_tick_timeout")
                {
                    let (ticktime, _) = ticktime_ns(world.shared.plan.ticktime, &world.shared.plan);
                    let silence = silence(actor, link.read, world);
                    if silence + LATE_STEPS * self.step_ns < ticktime {
                        return Err(format!("{node} is down, {reason}, after {silence} ns"));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn after_step(&mut self, world: &World<'_>) -> Result<(), String> {
        let plan = &world.shared.plan;
        let (ticktime, interval) = ticktime_ns(plan.ticktime, plan);
        let late = (u64::from(plan.intensity) + 1) * (LATE_STEPS * self.step_ns + MILLI);
        for ((actor, conn), link) in &self.links {
            if !world.actors[actor.0].is_working() {
                continue;
            }
            let (guest, node) = (world.label(*actor), &link.node);
            let mute = silence(*actor, link.wrote, world);
            if !link.blocked && mute > ticktime + late {
                return Err(format!("{guest} has sent {node} nothing for {mute} ns, conn#{conn}"));
            }
            let deaf = silence(*actor, link.heard, world);
            if deaf > ticktime + interval + late {
                return Err(format!("{guest} has not heard {node} for {deaf} ns, conn#{conn}"));
            }
        }
        Ok(())
    }
}

/// Nanoseconds since then, by the clock of that machine.
fn silence(actor: ActorId, since: u64, world: &World<'_>) -> u64 {
    let clock = world.actors[actor.0].clock;
    clock.local(world.shared.now).as_nanos() - clock.local(since).as_nanos()
}
