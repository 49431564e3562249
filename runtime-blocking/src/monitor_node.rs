//! Monitors of nodes.

use std::sync::Arc;

use netkernel_core::NodeName;
use netkernel_core::net_kernel::{Answer, ConnectError, MonitorOptions, NodeEvent};

use crate::item::{Item, MonitorNodeOptions, SendError};
use crate::mailbox::Mailbox;
use crate::shared::Call;

impl Mailbox {
    /// Has this process told once more, or once less, when the link with a node ends (`erlang:monitor_node/2`), by a
    /// [`ProcessEvent::NodeDown`](crate::ProcessEvent::NodeDown). It comes at once if there is no link and none can be made.
    ///
    /// Connects to the node, and waits, as [`Self::send`] does.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn monitor_node(&self, node: &NodeName, on: bool) -> Result<(), SendError> {
        self.monitor_node_opt(node, on, MonitorNodeOptions::default())
    }

    /// As [`Self::monitor_node`], with options (`erlang:monitor_node/3`).
    ///
    /// # Errors
    /// As [`Self::monitor_node`].
    //= docs/spec/process.md#process-monitor-node-passive
    pub fn monitor_node_opt(
        &self,
        node: &NodeName,
        on: bool,
        options: MonitorNodeOptions,
    ) -> Result<(), SendError> {
        let is_own = self.handle.table.is_own(node);
        if on && options.allow_passive_connect && !is_own {
            self.wait_for_link(node)?;
        } else if on {
            self.approach(node.as_atom())?;
        }
        self.handle.table.monitor_node(self.id, node, on)
    }

    /// Waits for the end of an attempt to connect, or, where none may begin by itself any more, for the other side to connect.
    fn wait_for_link(&self, node: &NodeName) -> Result<(), SendError> {
        let answer = self.handle.call_blocking(Call::ConnectAutomatically(node.clone()));
        match answer {
            Some(Answer::Connected(Err(ConnectError::Barred))) => {}
            Some(Answer::Connected(Err(ConnectError::NotAlive))) | None => {
                return Err(SendError::NotAlive);
            }
            Some(_) => return Ok(()),
        }
        let watcher = Self::new(Arc::clone(&self.handle));
        watcher.monitor_nodes(true, MonitorOptions::ALL);
        if !self.handle.table.has_link(node) {
            let is_up = |item: &Item| matches!(item, Item::Event(NodeEvent::NodeUp { node: up, .. }) if up == node);
            let _ = watcher.recv_match_timeout(self.handle.setup_time, is_up);
        }
        Ok(())
    }
}
