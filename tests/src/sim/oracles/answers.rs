//! Every call is answered, once, and truly.

use std::collections::BTreeMap;

use netkernel_core::net_kernel::Answer;
use netkernel_core::{LinkId, NodeName, RequestId};

use crate::sim::ActorId;
use crate::sim::call::Call;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::plan::{Plan, SECOND};
use crate::sim::trace::time;
use crate::sim::world::World;

/// Each call has exactly one answer, of its own kind. A node that is said to be connected has a link at that place in the order, one
/// that is said to be disconnected has none, a start that succeeded has brought the name, and a stop has taken it and all links.
/// Once faults have stopped no answer takes longer than `limit`.
///
/// *Antecedent*: a crash takes all calls with it. A call that was made earlier has its whole time from the moment when faults stop.
#[derive(Debug, Default)]
pub struct Answers {
    waiting: BTreeMap<(ActorId, RequestId), (u64, Call)>,
    nodes: BTreeMap<ActorId, Node>,
    peace: Option<u64>,
}

#[derive(Debug, Default)]
struct Node {
    name: Option<NodeName>,
    links: BTreeMap<NodeName, LinkId>,
}

impl Oracle for Answers {
    fn name(&self) -> &'static str {
        "answers"
    }

    fn wants(&self) -> Kinds {
        Kinds::CALLS.and(Kinds::LINKS).and(Kinds::LIFE)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        if matches!(seen.fact, Fact::Liveness) {
            self.peace = Some(seen.at);
        }
        let Some(actor) = seen.actor else { return Ok(()) };
        let node = self.nodes.entry(actor).or_default();
        match &seen.fact {
            Fact::Crashed { .. } => {
                self.waiting.retain(|(of, _), _| *of != actor);
                self.nodes.remove(&actor);
            }
            Fact::Alive { name, .. } => node.name = Some(name.clone()),
            Fact::NotAlive => node.name = None,
            Fact::Promoted { promotion, .. } => {
                node.links.insert(promotion.node.clone(), promotion.link);
            }
            Fact::Disconnected { node: peer, link, .. } if node.links.get(peer) == Some(link) => {
                node.links.remove(peer);
            }
            Fact::Called { request: Some(request), call } => {
                let before = self.waiting.insert((actor, *request), (seen.at, call.clone()));
                if before.is_some() {
                    return Err(format!("{request:?} is the number of two calls"));
                }
            }
            Fact::Answered { request, answer } => {
                let Some((since, call)) = self.waiting.remove(&(actor, *request)) else {
                    return Err(format!("{answer:?} to {request:?}, which nobody waits for"));
                };
                node.judge(&call, answer)?;
                self.in_time(since, &call, seen.at, &world.shared.plan)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        let mut waiting = self.waiting.values();
        waiting.try_for_each(|(since, call)| {
            self.in_time(*since, call, world.shared.now, &world.shared.plan)
        })
    }
}

impl Answers {
    fn in_time(&self, since: u64, call: &Call, now: u64, plan: &Plan) -> Result<(), String> {
        let Some(peace) = self.peace else { return Ok(()) };
        let since = since.max(peace);
        if now > since + limit(call, plan) {
            return Err(format!("{call} had no answer from {} to {}", time(since), time(now)));
        }
        Ok(())
    }
}

/// How long an answer takes at most where nothing goes wrong any more. A close takes two seconds. EPMD has ten to answer. An attempt
/// has its look-up, and three steps in which a peer that is gone is silent for a whole set-up time; a caller may find an attempt and
/// then need one more. A node without a name makes its attempts one after the other.
fn limit(call: &Call, plan: &Plan) -> u64 {
    let attempt = 10 * SECOND + 3 * plan.setup_ns;
    match call {
        Call::Start => 12 * SECOND,
        Call::Connect(_) | Call::HiddenConnect(_) if plan.dynamic > 0 => {
            4 * SECOND + (plan.nodes as u64 + 1) * attempt
        }
        Call::Connect(_) | Call::HiddenConnect(_) => 4 * SECOND + 2 * attempt,
        Call::Stop | Call::Disconnect(_) => 4 * SECOND,
        Call::Names(_) => 12 * SECOND,
        Call::AutoConnect(..)
        | Call::NodesInfo
        | Call::Allow(_)
        | Call::SetNetTicktime { .. }
        | Call::MonitorNodes(..)
        | Call::SetCookie(..)
        | Call::SetOwnCookie(_)
        | Call::Cast(_)
        | Call::NetAdm(_)
        | Call::Apply(_) => SECOND,
        Call::Request(..) | Call::ConnectAutomatically(_) if plan.dynamic > 0 => {
            4 * SECOND + (plan.nodes as u64 + 1) * attempt
        }
        Call::Request(..) | Call::ConnectAutomatically(_) => 4 * SECOND + 2 * attempt,
    }
}

impl Node {
    fn judge(&self, call: &Call, answer: &Answer) -> Result<(), String> {
        let true_or = |holds: bool| {
            if holds { Ok(()) } else { Err(format!("{call} was answered {answer:?}: {self:?}")) }
        };
        match (call, answer) {
            (Call::Start, Answer::Started(Ok(name))) => {
                true_or(*name == NodeName::nonode() || self.name.as_ref() == Some(name))
            }
            (Call::Stop, Answer::Stopped(Ok(()))) => {
                true_or(self.name.is_none() && self.links.is_empty())
            }
            (
                Call::Connect(node) | Call::HiddenConnect(node) | Call::ConnectAutomatically(node),
                Answer::Connected(Ok(())),
            ) => true_or(self.name.as_ref() == Some(node) || self.links.contains_key(node)),
            (Call::Disconnect(node), Answer::Disconnected(Ok(true))) => {
                true_or(!self.links.contains_key(node))
            }
            (Call::Start, Answer::Started(Err(_)))
            | (Call::Stop, Answer::Stopped(Err(_)))
            | (Call::Connect(_) | Call::HiddenConnect(_), Answer::Connected(Err(_)))
            | (Call::ConnectAutomatically(_), Answer::Connected(Err(_)))
            | (Call::Names(_), Answer::Names(_))
            | (Call::Disconnect(_), Answer::Disconnected(_))
            | (Call::AutoConnect(..), Answer::AutoConnect(_))
            | (Call::NodesInfo, Answer::NodesInfo(_)) => Ok(()),
            // The model says what it must be.
            (Call::Apply(_), answer) if answer.to_result().is_some() => Ok(()),
            (
                Call::Request(..),
                Answer::Reply(_)
                | Answer::Connected(_)
                | Answer::Disconnected(_)
                | Answer::SetOpts(_)
                | Answer::GetOpts(_),
            ) => Ok(()),
            _ => true_or(false),
        }
    }
}
