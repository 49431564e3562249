//! Ups and downs alternate.

use std::collections::BTreeMap;

use netkernel_core::net_kernel::{ConnectionId, NodeEvent, NodeKinds};
use netkernel_core::{LinkId, MailboxId, NodeName};

use crate::sim::ActorId;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// Each subscriber is told of a node up and down in turns, beginning with up, each down with the link of its up; `nodes()` has the
/// link as the nodeup comes out, and has it no more as the nodedown does. What was told up last is what `nodes()` has at the end.
///
/// *Antecedent*: the mailbox is subscribed, once, to everything, from before the start of the node to its crash. The world's witness
/// is; those that operators subscribe are not looked at. A crash ends everything.
#[derive(Debug, Default)]
pub struct UpDown {
    up: BTreeMap<(ActorId, MailboxId, NodeName), Option<LinkId>>,
}

impl Oracle for UpDown {
    fn name(&self) -> &'static str {
        "up-down"
    }

    fn wants(&self) -> Kinds {
        Kinds::LINKS.and(Kinds::LIFE)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { .. } => {
                self.up.retain(|(of, ..), _| *of != actor);
                Ok(())
            }
            Fact::Told { to, event, listed } => {
                let process = world.actors[actor.0].process.as_ref();
                if process.is_none_or(|process| process.body.office.witness != *to) {
                    return Ok(());
                }
                self.told((actor, *to, event.node().clone()), event, *listed)
            }
            _ => Ok(()),
        }
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        for actor in world.nodes() {
            let Some(process) = actor.process.as_ref().filter(|process| process.body.settled)
            else {
                continue;
            };
            let open = self.up.iter().filter(|((of, ..), link)| *of == actor.id && link.is_some());
            let told: Vec<_> = open.map(|((.., node), link)| (node.clone(), *link)).collect();
            let nodes = process.brain.kernel().into_iter();
            let nodes = nodes.flat_map(|kernel| kernel.nodes(NodeKinds::CONNECTED));
            let listed: Vec<_> = nodes.map(|info| (info.node, info.link)).collect();
            if told != listed {
                return Err(format!("{told:?} are up, and nodes() has {listed:?}"));
            }
        }
        Ok(())
    }
}

impl UpDown {
    fn told(
        &mut self,
        key: (ActorId, MailboxId, NodeName),
        event: &NodeEvent,
        listed: Option<LinkId>,
    ) -> Result<(), String> {
        let link = match event.connection_id() {
            Some(ConnectionId::Link(link)) => Some(link),
            Some(ConnectionId::Undefined) => None,
            None => return Err(format!("{event} lacks its connection")),
        };
        match event {
            NodeEvent::NodeUp { .. } => {
                if let Some(old) = self.up.insert(key, link) {
                    return Err(format!("{event} while {old:?} is up"));
                }
                if link.is_some() && listed != link {
                    return Err(format!("{event} while nodes() has {listed:?}"));
                }
            }
            NodeEvent::NodeDown { .. } => {
                match self.up.remove(&key) {
                    Some(old) if old == link => {}
                    Some(old) => return Err(format!("{event} of {link:?} while {old:?} is up")),
                    None => return Err(format!("{event} without a nodeup")),
                }
                if link.is_some() && listed == link {
                    return Err(format!("{event} while nodes() still has {listed:?}"));
                }
            }
        }
        Ok(())
    }
}
