//! What a node does is what a simple model of it says.

use std::collections::{BTreeMap, BTreeSet};

use netkernel_core::net_kernel::{NodeKind, NodeKinds};
use netkernel_core::{LinkId, NodeType, StreamId};

use crate::sim::ActorId;
use crate::sim::actor::Role;
use crate::sim::model::{Manner, Model};
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// Each node says what its [`Model`] says, in this order, and is what it says: whether it is alive, `nodes()`, `allowed()` and
/// `get_net_ticktime()` are compared after every step that it was told or said something in.
///
/// *Antecedent*: a call is made when the machine has nothing left to say, as `Actor::serve` sees to; and the comparison waits for that,
/// too. Rings may be late by a few steps of a thread, and by what the node was paused.
#[derive(Debug, Default)]
pub struct Agreement {
    models: BTreeMap<ActorId, Model>,
    links: BTreeMap<(ActorId, StreamId), LinkId>,
    paused: BTreeMap<ActorId, u64>,
    touched: BTreeSet<ActorId>,
    step_ns: u64,
}

impl Oracle for Agreement {
    fn name(&self) -> &'static str {
        "model"
    }

    fn wants(&self) -> Kinds {
        Kinds::LINKS.and(Kinds::STREAMS).and(Kinds::LIFE).and(Kinds::CALLS).and(Kinds::TICKS)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor.filter(|actor| actor.0 < world.nodes().len()) else {
            return Ok(());
        };
        let plan = &world.shared.plan;
        self.step_ns = self.step_ns.max(plan.step_max_ns);
        if matches!(seen.fact, Fact::Booted) {
            let Role::Node { name, dynamic, .. } = &world.actors[actor.0].role else {
                return Ok(());
            };
            let manner = Manner {
                host: name.host().to_owned(),
                dynamic: *dynamic,
                among_dynamic: plan.dynamic > 0,
                auto_connect: plan.auto_connect,
            };
            self.models.insert(actor, Model::new((plan.ticktime, plan.intensity), manner));
            self.paused.remove(&actor);
        }
        self.touched.insert(actor);
        let now = world.actors[actor.0].clock.local(seen.at).as_nanos();
        let Some(model) = self.models.get_mut(&actor) else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { .. } => {
                self.models.remove(&actor);
                self.links.retain(|(of, _), _| *of != actor);
            }
            Fact::Paused { .. } => drop(self.paused.insert(actor, now)),
            Fact::Resumed => {
                let since = self.paused.remove(&actor).unwrap_or(now);
                model.slept(now - since);
            }
            Fact::ListenerLost => model.listener_lost(),
            Fact::Alive { name, .. } => model.named(Some(name.clone())),
            Fact::NotAlive => model.named(None),
            Fact::Called { request, call } => model.called(now, 6 * self.step_ns, *request, call),
            Fact::Answered { request, answer } => return model.answered(*request, answer),
            Fact::Attempting { node, link } => return model.attempting(node, *link),
            Fact::Accepted { stream, .. } => model.accepted(*stream, true),
            Fact::Sampled { stream, traffic } => {
                if let Some(link) = self.links.get(&(actor, *stream)) {
                    model.sampled(*link, traffic.received, traffic.sent);
                }
            }
            Fact::Promoted { stream, promotion, .. } => {
                model.accepted(*stream, false);
                self.links.insert((actor, *stream), promotion.link);
                return model.came_up(&promotion.node, promotion.link, promotion.node_type);
            }
            Fact::Closing { stream, .. } => {
                if let Some(link) = self.links.get(&(actor, *stream)) {
                    model.closing(*link);
                }
            }
            Fact::Closed { stream, .. } => {
                model.accepted(*stream, false);
                self.links.remove(&(actor, *stream));
            }
            Fact::Disconnected { node, link, was_up } => {
                return model.ended(node, *link, *was_up);
            }
            _ => {}
        }
        Ok(())
    }

    fn after_step(&mut self, world: &World<'_>) -> Result<(), String> {
        while let Some(actor) = self.touched.pop_first() {
            let of = &world.actors[actor.0];
            let Some(process) = of.process.as_ref().filter(|process| process.body.settled) else {
                continue;
            };
            let (Some(kernel), Some(model)) = (process.brain.kernel(), self.models.get_mut(&actor))
            else {
                continue;
            };
            model.settled()?;
            let nodes = kernel.nodes(NodeKinds::CONNECTED);
            let nodes = nodes.map(|info| (info.node, info.link, info.node_type));
            let kind = |of| match of {
                NodeType::Visible => NodeKind::Visible,
                NodeType::Hidden => NodeKind::Hidden,
            };
            let said = model.nodes().map(|(node, link, of)| (node.clone(), Some(link), kind(of)));
            if !nodes.eq(said) {
                return Err(format!("nodes() of n{} are not those of {model:?}", actor.0));
            }
            if kernel.is_alive() != model.is_alive() || !kernel.allowed().eq(model.allowed()) {
                return Err(format!("n{} is not as {model:?}", actor.0));
            }
            let now = of.clock.local(world.shared.now).as_nanos();
            let told = kernel.get_net_ticktime();
            if !model.may_tick(now, told) {
                return Err(format!("n{} tells {told:?} at {now}, and not so {model:?}", actor.0));
            }
        }
        Ok(())
    }
}
