//! What `net_adm` says of hosts and nodes.

use std::collections::{BTreeMap, BTreeSet};

use netkernel_core::epmd::ServerDiagnostic;
use netkernel_core::net_adm::{Answer, Call, Host, WorldError};
use netkernel_core::net_kernel::Diagnostic;
use netkernel_core::term::Term;
use netkernel_core::{NodeName, StreamId};

use crate::sim::ActorId;
use crate::sim::inquiry::host_file;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::plan::{Plan, SECOND};
use crate::sim::world::World;

/// The names that are told of a host are those that its EPMD had during the call: all that it had all the time, and none that it never
/// had. A node that answers a ping had a link meanwhile, and who had one all the time answers. The world is all that, host by host;
/// what the host itself knows is told as it is; and wrong arguments are refused.
///
/// *Antecedent*: EPMDs need not answer where anything goes wrong, nor to the end: what has come of an answer is all that there is. What
/// goes wrong is that of the moment at which the call begins, since the end of a run is calmer than the rest.
#[derive(Debug, Default)]
pub struct NetAdm {
    /// By host.
    registered: BTreeMap<usize, BTreeSet<String>>,
    nodes: BTreeMap<ActorId, Node>,
    going: BTreeMap<(ActorId, u64), Going>,
}

#[derive(Debug, Default)]
struct Node {
    own: Option<NodeName>,
    streams: BTreeMap<StreamId, NodeName>,
    /// Links that go on.
    links: BTreeSet<NodeName>,
}

/// A call, and what was true since it began.
#[derive(Debug)]
struct Going {
    call: Call,
    /// Nothing went wrong when it began.
    calm: bool,
    /// Registered at some time, and all the time, by host.
    ever: BTreeMap<usize, BTreeSet<String>>,
    always: BTreeMap<usize, BTreeSet<String>>,
    /// Linked, or this node's own name.
    linked_ever: BTreeSet<NodeName>,
    linked_always: BTreeSet<NodeName>,
}

impl Oracle for NetAdm {
    fn name(&self) -> &'static str {
        "net_adm"
    }

    fn wants(&self) -> Kinds {
        Kinds::CALLS.and(Kinds::LINKS).and(Kinds::STREAMS).and(Kinds::LIFE)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        let host = world.actors[actor.0].host.0;
        match &seen.fact {
            Fact::Crashed { .. } if actor.0 < world.nodes().len() => {
                self.nodes.remove(&actor);
                self.going.retain(|(of, _), _| *of != actor);
            }
            Fact::Crashed { .. } => {
                for name in self.registered.remove(&host).unwrap_or_default() {
                    self.unregistered(host, &name);
                }
            }
            Fact::Diagnosed(Diagnostic::EpmdServer(ServerDiagnostic::Registered {
                name, ..
            })) => {
                self.registered.entry(host).or_default().insert(name.clone());
                for going in self.going.values_mut() {
                    going.ever.entry(host).or_default().insert(name.clone());
                }
            }
            Fact::Diagnosed(Diagnostic::EpmdServer(ServerDiagnostic::Unregistered { name })) => {
                self.registered.entry(host).or_default().remove(name);
                self.unregistered(host, name);
            }
            Fact::Alive { name, .. } => {
                self.nodes.entry(actor).or_default().own = Some(name.clone());
                self.linked(actor, name);
            }
            Fact::NotAlive => {
                if let Some(own) = self.nodes.entry(actor).or_default().own.take() {
                    self.unlinked(actor, &own);
                }
            }
            Fact::Promoted { stream, promotion, .. } => {
                let node = self.nodes.entry(actor).or_default();
                node.streams.insert(*stream, promotion.node.clone());
                node.links.insert(promotion.node.clone());
                self.linked(actor, &promotion.node);
            }
            Fact::Closing { stream, .. } | Fact::Closed { stream, .. } => {
                if let Some(node) = self.nodes.entry(actor).or_default().streams.remove(stream) {
                    self.nodes.entry(actor).or_default().links.remove(&node);
                    self.unlinked(actor, &node);
                }
            }
            Fact::Inquired { number, call } => {
                let node = self.nodes.entry(actor).or_default();
                let linked: BTreeSet<NodeName> =
                    node.links.iter().chain(&node.own).cloned().collect();
                let registered = self.registered.clone();
                self.going.insert(
                    (actor, *number),
                    Going {
                        call: call.clone(),
                        calm: is_calm(&world.shared.plan),
                        ever: registered.clone(),
                        always: registered,
                        linked_ever: linked.clone(),
                        linked_always: linked,
                    },
                );
            }
            Fact::Concluded { number, answer } => {
                let Some(going) = self.going.remove(&(actor, *number)) else {
                    return Err(format!("{answer:?} to {number}, which nobody waits for"));
                };
                if !going.allows(answer, host, &world.shared.plan) {
                    return Err(format!("{answer:?} to {going:?}"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A walk over all hosts may last longer than any run.
    fn at_end(&mut self, _world: &World<'_>) -> Result<(), String> {
        let walks = |call: &Call| matches!(call, Call::World { .. } | Call::WorldList { .. });
        let mut going = self.going.values();
        going
            .find(|going| !walks(&going.call))
            .map_or(Ok(()), |going| Err(format!("no answer to {going:?}")))
    }
}

impl NetAdm {
    fn unregistered(&mut self, host: usize, name: &str) {
        for going in self.going.values_mut() {
            going.always.entry(host).or_default().remove(name);
        }
    }

    fn linked(&mut self, actor: ActorId, node: &NodeName) {
        for (_, going) in self.going.iter_mut().filter(|((of, _), _)| *of == actor) {
            going.linked_ever.insert(node.clone());
        }
    }

    fn unlinked(&mut self, actor: ActorId, node: &NodeName) {
        for (_, going) in self.going.iter_mut().filter(|((of, _), _)| *of == actor) {
            going.linked_always.remove(node);
        }
    }
}

impl Going {
    fn allows(&self, answer: &Answer, own: usize, plan: &Plan) -> bool {
        match (&self.call, answer) {
            (Call::DnsHostname(host), Answer::DnsHostname(result)) => match result {
                Ok(name) => Host::of_term(host) == Ok(Host::Name(name.clone())),
                Err(told) => told == host && (self.number(host, plan).is_none() || !self.calm),
            },
            (Call::HostFile, Answer::HostFile(result)) => {
                *result == host_file(crate::sim::HostId(own), plan.hosts)
            }
            (Call::Localhost, Answer::Localhost(name)) => *name == format!("h{own}"),
            (Call::Names(host), Answer::Names(names)) => {
                let asked = match host {
                    None => Some(own),
                    Some(host) => number(&host.to_string(), plan),
                };
                match (asked, names) {
                    (Some(host), Ok(names)) => self.are_those_of(host, names),
                    (None, Ok(_)) => false,
                    (Some(_), Err(_)) => !self.calm,
                    (None, Err(_)) => true,
                }
            }
            (Call::Ping(node), Answer::Pinged(pong)) => {
                let is = |of: &BTreeSet<NodeName>| of.iter().any(|it| it.as_atom() == node);
                if *pong { is(&self.linked_ever) } else { !is(&self.linked_always) }
            }
            (Call::World { .. }, Answer::World(result)) => {
                match host_file(crate::sim::HostId(own), plan.hosts) {
                    Ok(hosts) => self.is_world(&hosts, result, plan),
                    Err(error) => *result == Err(WorldError::HostFile(error)),
                }
            }
            (Call::WorldList { hosts, .. }, Answer::World(result)) => {
                let Term::List(list) = hosts else {
                    return *result == Err(WorldError::FunctionClause);
                };
                let is_host = |host: &Term| Host::of_term(host).is_ok();
                let wrong = list.tail().is_some() || !list.elements().iter().all(is_host);
                let text = list.elements().iter().any(|host| host.as_atom().is_none());
                match result {
                    Ok(_) if wrong => false,
                    Err(WorldError::FunctionClause) => wrong,
                    Err(WorldError::Badarg) => text,
                    result => self.is_world(list.elements(), result, plan),
                }
            }
            _ => false,
        }
    }

    fn are_those_of(&self, host: usize, names: &[(String, u16)]) -> bool {
        let none = BTreeSet::new();
        let (ever, always) =
            (self.ever.get(&host).unwrap_or(&none), self.always.get(&host).unwrap_or(&none));
        let told: BTreeSet<String> = names.iter().map(|(name, _)| name.clone()).collect();
        told.len() == names.len() && told.is_subset(ever) && (!self.calm || always.is_subset(&told))
    }

    /// Who is told had a link; and where nothing goes wrong, all are told that had one, and their names.
    fn is_world(
        &self,
        hosts: &[Term],
        result: &Result<Vec<NodeName>, WorldError>,
        plan: &Plan,
    ) -> bool {
        let Ok(nodes) = result else { return false };
        let asked: Vec<usize> = hosts.iter().filter_map(|host| self.number(host, plan)).collect();
        let on_host =
            |node: &NodeName| number(node.host(), plan).is_some_and(|it| asked.contains(&it));
        let all = nodes.iter().all(|node| self.linked_ever.contains(node) && on_host(node));
        let registered = |node: &NodeName| {
            let host = number(node.host(), plan).and_then(|host| self.always.get(&host));
            host.is_some_and(|names| names.contains(node.name()))
        };
        let mut expected =
            self.linked_always.iter().filter(|node| on_host(node) && registered(node));
        all && (!self.calm || expected.all(|node| nodes.contains(node)))
    }

    fn number(&self, host: &Term, plan: &Plan) -> Option<usize> {
        number(&Host::of_term(host).ok()?.to_string(), plan)
    }
}

/// The host with this name.
fn number(name: &str, plan: &Plan) -> Option<usize> {
    (0..plan.hosts).find(|number| format!("h{number}") == name)
}

/// Nothing goes wrong, and a question and its answer, each byte a step of its own, take less than the ten seconds that EPMD has.
fn is_calm(plan: &Plan) -> bool {
    let trip = plan.latency_ns + plan.jitter_ns;
    let steps = if plan.segment == 0 { 20 } else { 2000 };
    let length = 8 * trip + steps * plan.step_max_ns + plan.epmd_delay_ns;
    !plan.has_faults() && plan.hostile_every_ns == 0 && length < 8 * SECOND
}
