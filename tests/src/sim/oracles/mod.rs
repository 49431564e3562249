//! What must hold in every run. Each oracle has a file, and says in its doc what it relies on.
#![allow(clippy::wildcard_enum_match_arm, reason = "an oracle names the facts that concern it")]

mod admission;
mod answers;
mod bounds;
mod canary;
mod detection;
mod epmd;
mod fifo;
mod guests;
mod loss;
mod model;
mod monitor;
mod net_adm;
mod one_link;
mod order;
mod peers;
mod relations;
mod senders;
mod signals;
mod streams;
mod symmetry;
mod ticktime;
mod up_down;

use super::observe::Oracle;

pub use admission::Admission;
pub use answers::Answers;
pub use bounds::Bounds;
pub use canary::Canary;
pub use detection::Detection;
pub use epmd::Epmd;
pub use fifo::Fifo;
pub use guests::{GuestLinks, GuestTicks};
pub use loss::Loss;
pub use model::Agreement;
pub use monitor::Monitor;
pub use net_adm::NetAdm;
pub use one_link::OneLink;
pub use order::Order;
pub use peers::Peers;
pub use relations::Relations;
pub use senders::Senders;
pub use signals::Signals;
pub use streams::Streams;
pub use symmetry::Symmetry;
pub use ticktime::Ticktime;
pub use up_down::UpDown;

/// All oracles, new.
#[must_use]
pub fn all() -> Vec<Box<dyn Oracle>> {
    vec![
        Box::<UpDown>::default(),
        Box::<Fifo>::default(),
        Box::<Streams>::default(),
        Box::<Bounds>::default(),
        Box::<Answers>::default(),
        Box::<OneLink>::default(),
        Box::<Admission>::default(),
        Box::<Detection>::default(),
        Box::<Ticktime>::default(),
        Box::<Monitor>::default(),
        Box::<NetAdm>::default(),
        Box::<Epmd>::default(),
        Box::<Agreement>::default(),
        Box::new(Peers),
        Box::new(Senders),
        Box::<Signals>::default(),
        Box::<Order>::default(),
        Box::<Relations>::default(),
        Box::<Loss>::default(),
        Box::new(Symmetry),
    ]
}

/// All oracles, new, with those for [guests](super::guest). These are the more exact ones of what a guest does, so they come first.
#[must_use]
pub fn with_guests() -> Vec<Box<dyn Oracle>> {
    let guests: [Box<dyn Oracle>; 2] = [Box::<GuestLinks>::default(), Box::<GuestTicks>::default()];
    guests.into_iter().chain(all()).collect()
}

#[cfg(test)]
mod tests {
    use crate::sim::ActorId;
    use crate::sim::choice::{Replay, Tapes};
    use crate::sim::observe::{Fact, Oracle, Seen};
    use crate::sim::plan::{Plan, SECOND, Topology};
    use crate::sim::world::World;
    use netkernel_core::process::Processes;
    use netkernel_core::{LinkId, MailboxId};

    /// What an oracle says of facts, each of which is a step of the first incarnation of a machine.
    pub(super) fn judge(oracle: &mut impl Oracle, facts: Vec<(usize, Fact)>) -> Result<(), String> {
        let mut choice = Replay::new(Tapes::default());
        let world = World::new(Plan::calm(2, Topology::Mesh), &mut choice);
        for (actor, fact) in facts {
            let seen = Seen { at: 0, actor: Some(ActorId(actor)), life: 1, fact };
            oracle.observe(&seen, &world)?;
            oracle.after_step(&world)?;
        }
        oracle.at_end(&world)
    }

    /// Some mailbox, always the same.
    pub(super) fn mailbox() -> MailboxId {
        Processes::new().spawn_mailbox()
    }

    /// Some link, always the same.
    pub(super) fn link() -> LinkId {
        let mut choice = Replay::new(Tapes::default());
        let mut world = World::new(Plan::calm(2, Topology::Mesh), &mut choice);
        pass(&mut world, 20);
        world.wish_for_links();
        pass(&mut world, 1);
        let body = &world.actors[0].process.as_ref().unwrap().body;
        body.live_streams().find_map(|stream| stream.link.clone()).unwrap().1
    }

    /// So much time passes.
    pub(super) fn pass(world: &mut World<'_>, seconds: u64) {
        let until = world.shared.now + seconds * SECOND;
        while world.step(until) {}
        world.shared.now = until;
    }
}
