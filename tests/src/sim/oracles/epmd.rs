//! Names and creations of an EPMD.

use std::collections::{BTreeMap, BTreeSet};

use netkernel_core::Creation;
use netkernel_core::epmd::ServerDiagnostic;
use netkernel_core::net_kernel::Diagnostic;

use crate::sim::ActorId;
use crate::sim::actor::Role;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::plan::SECOND;
use crate::sim::world::World;

/// An EPMD has no two registrations of a name at a time, and never gives a name the same creation again. Once faults have stopped, each
/// node that has a name of its own stands in the EPMD of its host, with its own port.
///
/// *Antecedent*: in the life of one daemon. Before the last is looked at, `RENEWED` has passed: a node that lost its registration
/// renews it every two seconds, and each try may take as long as EPMD takes to answer.
#[derive(Debug, Default)]
pub struct Epmd {
    daemons: BTreeMap<ActorId, Daemon>,
    peace: Option<u64>,
}

#[derive(Debug, Default)]
struct Daemon {
    /// Registered, with their ports.
    live: BTreeMap<String, u16>,
    given: BTreeMap<String, BTreeSet<Creation>>,
}

/// Nanoseconds.
const RENEWED: u64 = 20 * SECOND;

impl Oracle for Epmd {
    fn name(&self) -> &'static str {
        "epmd"
    }

    fn wants(&self) -> Kinds {
        Kinds::LIFE.and(Kinds::CALLS)
    }

    fn observe(&mut self, seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        if matches!(seen.fact, Fact::Liveness) {
            self.peace = Some(seen.at);
        }
        let Some(actor) = seen.actor else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { .. } => drop(self.daemons.remove(&actor)),
            Fact::Diagnosed(Diagnostic::EpmdServer(ServerDiagnostic::Registered {
                name,
                port,
                creation,
            })) => {
                let daemon = self.daemons.entry(actor).or_default();
                if let Some(before) = daemon.live.insert(name.clone(), *port) {
                    return Err(format!("{name} is registered twice, also at port {before}"));
                }
                if !daemon.given.entry(name.clone()).or_default().insert(*creation) {
                    return Err(format!("{name} has had {creation:?} before"));
                }
            }
            Fact::Diagnosed(Diagnostic::EpmdServer(ServerDiagnostic::Unregistered { name })) => {
                self.daemons.entry(actor).or_default().live.remove(name);
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        if self.peace.is_none_or(|peace| world.shared.now < peace + RENEWED) {
            return Ok(());
        }
        for node in world.nodes() {
            let Role::Node { name, dynamic: false, .. } = &node.role else { continue };
            let own = match (&node.process, &node.seat) {
                (Some(process), _) => process.body.port,
                (None, Some(seat)) if seat.runs() => seat.port(),
                (None, _) => continue,
            };
            let daemon = self.daemons.get(&ActorId(world.nodes().len() + node.host.0));
            let port = daemon.and_then(|daemon| daemon.live.get(name.name()));
            if own.as_ref() != port {
                return Err(format!("{name} is at {own:?}, and EPMD tells {port:?}"));
            }
        }
        Ok(())
    }
}
