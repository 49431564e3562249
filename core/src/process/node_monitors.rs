//! Processes that want to know when the link to a node ends (`erlang:monitor_node/2`).

use super::{Deliver, NoProcess, ProcessEvent, Processes};
use crate::ids::MailboxId;
use crate::name::NodeName;

impl Processes {
    /// Has a process told once more when the link with `node` ends, or once less (`erlang:monitor_node/2`). It is told at once
    /// if there is no link and no attempt. This node itself cannot go down.
    ///
    /// # Errors
    /// [`NoProcess`].
    //= docs/spec/process.md#process-monitor-node
    //= docs/spec/process.md#process-monitor-node-count
    pub fn monitor_node(
        &mut self,
        by: MailboxId,
        node: &NodeName,
        on: bool,
        deliver: &mut impl Deliver,
    ) -> Result<(), NoProcess> {
        self.process(by)?;
        if self.identity().name == *node {
            return Ok(());
        }
        if !on {
            self.monitor_node_once_less(by, node);
        } else if deliver.is_reached(node) {
            let relations = self.nodes.entry(node.as_atom().clone()).or_default();
            *relations.node_monitors.entry(by).or_default() += 1;
            if let Some(process) = self.table.get_mut(&by) {
                process.node_monitors.insert(node.as_atom().clone());
            }
        } else {
            deliver.event(by, ProcessEvent::NodeDown(node.clone()));
        }
        Ok(())
    }

    fn monitor_node_once_less(&mut self, by: MailboxId, node: &NodeName) {
        let Some(relations) = self.nodes.get_mut(node.as_atom()) else { return };
        let Some(count) = relations.node_monitors.get_mut(&by) else { return };
        *count -= 1;
        if *count == 0 {
            relations.node_monitors.remove(&by);
            self.tidy(node.as_atom());
            if let Some(process) = self.table.get_mut(&by) {
                process.node_monitors.remove(node.as_atom());
            }
        }
    }
}
