//! A node of the demo.

use std::sync::mpsc::Sender;
use std::time::Instant as Moment;

use netkernel_blocking::core::net_kernel::NetTicktime;
use netkernel_blocking::core::{Cookie, NodeName};
use netkernel_blocking::{EpmdMode, MonitorOptions, NodeConfig, StartOptions};

use super::failure::Failure;
use super::puppet::Puppet;
use crate::runtime::{Mailbox, Node};

/// Which node; never used for another one, so that what a dead one was told can be passed over.
pub(super) type MemberId = usize;

/// That a mailbox has something, and since when.
pub(super) type Ring = (MemberId, Moment);

/// How a node is run.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// netkernel-blocking.
    Blocking,
    /// netkernel-blocking, as a hidden node.
    Hidden,
    /// netkernel-smol. It serves EPMD for all.
    Smol,
    /// netkernel-smol on an executor that can be frozen.
    Puppet,
}

/// A node, and the mailbox that is told everything.
pub(super) struct Member {
    /// Its name without host.
    pub(super) name: &'static str,
    pub(super) events: Mailbox,
    pub(super) node: Node,
    pub(super) puppet: Option<Puppet>,
    pub(super) options: StartOptions,
}

impl Member {
    /// A node that is not started. Its mailbox rings for each item.
    pub(super) fn new(
        id: MemberId,
        name: &'static str,
        kind: Kind,
        config: NodeConfig,
        rings: Sender<Ring>,
    ) -> Result<Self, Failure> {
        let mut puppet = None;
        let node = match kind {
            Kind::Blocking | Kind::Hidden => Node::Blocking(netkernel_blocking::Node::new(config)?),
            Kind::Smol => Node::Smol(netkernel_smol::Node::new(config)?),
            Kind::Puppet => {
                let puppet = puppet.insert(Puppet::new()?);
                Node::Smol(netkernel_smol::Node::new_on(config, puppet.spawner()))
            }
        };
        let events = node.mailbox();
        events.set_waker(move || _ = rings.send((id, Moment::now())));
        events.monitor_nodes(true, MonitorOptions::ALL);
        events.monitor_diagnostics(true);
        let hidden = matches!(kind, Kind::Hidden);
        let options = StartOptions { hidden, ..StartOptions::new(full_name(name)?) };
        Ok(Self { name, events, node, puppet, options })
    }

    /// Whether its calls would hang.
    pub(super) fn is_frozen(&self) -> bool {
        self.puppet.as_ref().is_some_and(Puppet::is_frozen)
    }
}

/// The name with the host that all have.
pub(super) fn full_name(name: &str) -> Result<NodeName, Failure> {
    NodeName::new(&format!("{name}@127.0.0.1")).map_err(|error| Failure::new(error.to_string()))
}

/// The name without the host that all have.
pub(super) fn short(name: &NodeName) -> &str {
    name.as_str().split('@').next().unwrap_or_default()
}

/// The configuration of all nodes, but for `net_ticktime`, in seconds.
pub(super) fn config(kind: Kind, epmd_port: u16, ticktime: u32) -> Result<NodeConfig, Failure> {
    let cookie = Cookie::new("demo").map_err(|error| Failure::new(error.to_string()))?;
    let mut config = NodeConfig::new(cookie);
    config.kernel.epmd_port = epmd_port;
    if matches!(kind, Kind::Smol) {
        config.epmd = EpmdMode::Embedded;
    }
    config.kernel.net_ticktime =
        NetTicktime::new(ticktime, 4).map_err(|error| Failure::new(error.to_string()))?;
    Ok(config)
}
