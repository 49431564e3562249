//! The end of a link: everything that it carried ends in one step, in OTP's order.

use super::exits::Pending;
use super::reason::NOCONNECTION;
use super::relations::{Relations, Watcher};
use super::{Deliver, ProcessEvent, Processes, SpawnFailure};
use crate::name::NodeName;

impl Processes {
    /// [`Output::Disconnected`](crate::net_kernel::Output::Disconnected), if the node is not reached otherwise: links with its
    /// processes, monitors of them and requests to spawn there end with `noconnection`, monitors of the node are told, nobody will
    /// answer what was asked of it, and what its processes had of ours is forgotten.
    ///
    /// It has to be called before anybody can send to the node again, and before `nodedown` is delivered.
    //= docs/spec/process.md#process-loss
    //= docs/spec/process.md#process-loss-order
    pub fn connection_down(&mut self, node: &NodeName, deliver: &mut impl Deliver) {
        self.pings_down(node, deliver);
        let Some(relations) = self.nodes.remove(node.as_atom()) else { return };
        let Relations { links, monitors, watches, node_monitors, .. } = relations;
        for (mailbox, pid) in links {
            let Some(process) = self.table.get_mut(&mailbox) else { continue };
            let Some(link) = process.links.remove(&pid) else { continue };
            if link.unlink.is_none() {
                let exit = Pending::link_exit(mailbox, pid, NOCONNECTION);
                self.deliver_exits(exit, deliver);
            }
        }
        for reference in monitors {
            if let Some(spawn) = self.end_spawn(&reference) {
                Self::spawn_failed(spawn, reference, SpawnFailure::NoConnection, deliver);
            } else if let Some(monitor) = self.end_monitor(&reference) {
                Self::down(monitor, reference, &NOCONNECTION, deliver);
            }
        }
        for (reference, watch) in watches {
            if let Some(process) = self.table.get_mut(&watch.of) {
                process.watchers.remove(&Watcher::Remote(node.as_atom().clone(), reference));
            }
        }
        for (mailbox, count) in node_monitors {
            let Some(process) = self.table.get_mut(&mailbox) else { continue };
            process.node_monitors.remove(node.as_atom());
            for _ in 0..count {
                deliver.event(mailbox, ProcessEvent::NodeDown(node.clone()));
            }
        }
    }
}
