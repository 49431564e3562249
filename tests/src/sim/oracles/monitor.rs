//! What subscribers are promised, on one mailbox.

use std::collections::{BTreeMap, VecDeque};

use netkernel_core::net_kernel::subscriptions::NodeTypes;
use netkernel_core::net_kernel::{ConnectionId, MonitorOptions, NodeDownReason, NodeEvent};
use netkernel_core::{LinkId, NodeName, NodeType};

use crate::sim::ActorId;
use crate::sim::call::Call;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// A nodeup comes right before its link is handed over, and a nodedown right after the process layer was told that the link is gone. Of
/// each event that the witness is told, the other mailbox is told as many copies as it asked for, in the order of its subscriptions,
/// each with exactly what was asked for, and nothing else; and none of a subscription that it has ended.
///
/// With `up_down` (events alternate, `nodes()` agrees) and `fifo` (letters only in between) these are the five guarantees of
/// `docs/spec/monitor.md`.
///
/// *Antecedent*: the witness is subscribed once to everything, and its mailbox is older, so it is served first. A crash ends everything.
#[derive(Debug, Default)]
pub struct Monitor {
    nodes: BTreeMap<ActorId, Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// The options of the other mailbox, and how often they hold.
    asked: Vec<(MonitorOptions, usize)>,
    /// What it must be told next.
    due: VecDeque<(MonitorOptions, Change)>,
    /// The link whose nodeup has just come out, or that is gone.
    coming: Option<LinkId>,
    going: Option<LinkId>,
}

/// What happened, with all that there is to know.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    up: bool,
    node: NodeName,
    node_type: Option<NodeType>,
    connection_id: Option<ConnectionId>,
    reason: Option<NodeDownReason>,
}

impl Oracle for Monitor {
    fn name(&self) -> &'static str {
        "monitor"
    }

    fn wants(&self) -> Kinds {
        Kinds::LINKS.and(Kinds::LIFE).and(Kinds::CALLS)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        let node = self.nodes.entry(actor).or_default();
        match &seen.fact {
            Fact::Crashed { .. } => *node = Node::default(),
            Fact::Called { call: Call::MonitorNodes(flag, options), .. } => {
                node.subscribe(*flag, *options);
            }
            Fact::Told { to, event, .. } => {
                let Some(process) = &world.actors[actor.0].process else { return Ok(()) };
                if *to == process.body.office.witness {
                    node.nothing_due()?;
                    return node.told_witness(event);
                }
                return node.told_other(event);
            }
            Fact::Promoted { promotion, .. } => {
                node.nothing_due()?;
                if node.coming.take() != Some(promotion.link) {
                    return Err(format!("{:?} is up without its nodeup", promotion.link));
                }
            }
            Fact::Attempting { .. } | Fact::Answered { .. } => node.nothing_due()?,
            Fact::Disconnected { link, was_up, .. } => {
                node.nothing_due()?;
                node.going = was_up.then_some(*link);
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        let settled = |actor: &ActorId| {
            let process = world.actors[actor.0].process.as_ref();
            process.is_some_and(|process| process.body.settled)
        };
        let mut nodes = self.nodes.iter().filter(|(actor, _)| settled(actor));
        nodes.try_for_each(|(_, node)| node.nothing_due())
    }
}

impl Node {
    fn subscribe(&mut self, flag: bool, options: MonitorOptions) {
        if !flag {
            self.asked.retain(|(asked, _)| *asked != options);
            self.due.retain(|(of, _)| *of != options);
        } else if let Some((_, times)) = self.asked.iter_mut().find(|(asked, _)| *asked == options)
        {
            *times += 1;
        } else {
            self.asked.push((options, 1));
        }
    }

    fn nothing_due(&self) -> Result<(), String> {
        let due = self.due.front();
        due.map_or(Ok(()), |(_, change)| {
            Err(format!("a subscriber has not been told of {change:?}"))
        })
    }

    fn told_witness(&mut self, event: &NodeEvent) -> Result<(), String> {
        let change = Change::of(event);
        let link = match change.connection_id {
            Some(ConnectionId::Link(link)) => Some(link),
            Some(ConnectionId::Undefined) | None => None,
        };
        if change.up {
            self.coming = link;
        } else if self.going.take() != link {
            return Err(format!("{event}, and the process layer has not been told"));
        }
        for (options, times) in &self.asked {
            let asked = Asked::of(*options);
            if asked.wants(change.node_type) {
                let told = asked.of_change(&change);
                self.due.extend((0..*times).map(|_| (*options, told.clone())));
            }
        }
        Ok(())
    }

    fn told_other(&mut self, event: &NodeEvent) -> Result<(), String> {
        let due = self.due.pop_front().map(|(_, change)| change);
        if due.as_ref() == Some(&Change::of(event)) {
            return Ok(());
        }
        Err(format!("{event}, where {due:?} was due"))
    }
}

impl Change {
    fn of(event: &NodeEvent) -> Self {
        Self {
            up: matches!(event, NodeEvent::NodeUp { .. }),
            node: event.node().clone(),
            node_type: event.node_type(),
            connection_id: event.connection_id(),
            reason: event.nodedown_reason().cloned(),
        }
    }
}

/// What options ask for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    types: Option<NodeTypes>,
    reason: bool,
    id: bool,
}

impl Asked {
    /// Found by building all options that there can be.
    fn of(options: MonitorOptions) -> Self {
        let types = [None, Some(NodeTypes::All), Some(NodeTypes::Hidden), Some(NodeTypes::Visible)];
        let bools = [false, true];
        for types in types {
            for (reason, id) in bools.into_iter().flat_map(|a| bools.map(|b| (a, b))) {
                for mut built in [MonitorOptions::LIST, MonitorOptions::MAP] {
                    built = types.map_or(built, |types| built.node_types(types));
                    built = if reason { built.nodedown_reason() } else { built };
                    built = if id { built.connection_id() } else { built };
                    if built == options {
                        return Self { types, reason, id };
                    }
                }
            }
        }
        unreachable!("these are all options")
    }

    fn wants(self, node_type: Option<NodeType>) -> bool {
        match self.types {
            Some(NodeTypes::All) => true,
            Some(NodeTypes::Hidden) => node_type == Some(NodeType::Hidden),
            Some(NodeTypes::Visible) | None => node_type == Some(NodeType::Visible),
        }
    }

    fn of_change(self, change: &Change) -> Change {
        Change {
            up: change.up,
            node: change.node.clone(),
            node_type: change.node_type.filter(|_| self.types.is_some()),
            connection_id: change.connection_id.filter(|_| self.id),
            reason: change.reason.clone().filter(|_| self.reason),
        }
    }
}
