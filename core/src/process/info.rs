//! What a process has, as `erlang:process_info/2` tells it, and what all of them take.

use alloc::vec::Vec;

use super::relations::{Relations, Watcher};
use super::{Processes, Target};
use crate::ids::MailboxId;
use crate::term::{Pid, Reference};

/// Rows in the tables of [`Processes`], each of which takes memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Usage {
    /// Processes that have not ended.
    pub processes: usize,
    /// Registered names.
    pub names: usize,
    /// Aliases, those that are references of monitors among them.
    pub aliases: usize,
    /// Monitors that processes of this node have.
    pub monitors: usize,
    /// Monitors that processes of other nodes have of processes here.
    pub watches: usize,
    /// Links with processes of other nodes, those among them whose unlink is not yet acknowledged.
    pub links: usize,
    /// Monitors of nodes, however often each process has one.
    pub node_monitors: usize,
    /// Requests to spawn that are not answered; of one that is to be linked, also when its process has ended.
    pub spawns: usize,
    /// Nodes that any of these are with.
    pub nodes: usize,
}

impl Processes {
    /// The monitors that a process has, in the order of their references (`process_info(Pid, monitors)`).
    #[must_use]
    pub fn monitors(&self, of: MailboxId) -> Vec<(Reference, Target)> {
        let Some(process) = self.table.get(&of) else { return Vec::new() };
        let target = |reference: &Reference| {
            let monitor = self.monitors.get(reference)?;
            Some((reference.clone(), monitor.of.clone()))
        };
        process.monitors.iter().filter_map(target).collect()
    }

    /// The processes that monitor this one, each as often as it does (`process_info(Pid, monitored_by)`).
    #[must_use]
    pub fn monitored_by(&self, of: MailboxId) -> Vec<Pid> {
        let Some(process) = self.table.get(&of) else { return Vec::new() };
        let own = self.identity();
        let watcher = |watcher: &Watcher| match watcher {
            Watcher::Local(reference) => Some(own.pid(self.monitors.get(reference)?.by)),
            Watcher::Remote(node, reference) => {
                Some(self.nodes.get(node)?.watches.get(reference)?.by.clone())
            }
        };
        process.watchers.iter().filter_map(watcher).collect()
    }

    /// How many rows there are.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let sum = |rows: fn(&Relations) -> usize| self.nodes.values().map(rows).sum();
        Usage {
            processes: self.table.len(),
            names: self.names.len(),
            aliases: self.aliases.len(),
            monitors: self.monitors.len(),
            watches: sum(|relations| relations.watches.len()),
            links: sum(|relations| relations.links.len()),
            node_monitors: sum(|relations| relations.node_monitors.len()),
            spawns: self.spawns.len(),
            nodes: self.nodes.len(),
        }
    }
}
