//! Local processes as other nodes see them: pids, names, links, monitors, aliases, exit signals, and how they are spawned.
//!
//! [`Processes`] is one deterministic machine for all of a node's processes. It owns no mailbox and no link: what is to be put
//! into which mailbox, and what is to be sent to which node, it tells the runtime's [`Deliver`]. What local processes want, what
//! peers send and what becomes of links are calls; a host with several threads makes them under one lock, and so the order of
//! the calls is the order of all signals.
//!
//! Erlang's functions that concern a process are methods here. Those of another process take effect at once, so there is no
//! time at which a signal is under way inside a node.

mod addressed;
mod aliases;
mod apply;
mod crash;
mod deliver;
mod dispatch;
mod exits;
mod identity;
mod info;
mod limits;
mod links;
mod loss;
mod mfa;
mod monitors;
mod net_kernel;
mod node_monitors;
mod old_spawn;
mod ping;
mod reason;
mod registry;
mod relations;
mod signals;
mod spawn;
mod spawn_options;
mod start;
mod target;

pub use aliases::{AliasOption, MonitorAlias};
pub(crate) use apply::NESTED_MAX;
pub use deliver::{Deliver, ProcessEvent, Reach};
pub use info::Usage;
pub use limits::Limits;
pub use mfa::{Function, Mfa};
pub use net_kernel::{Caller, Request};
pub use registry::{NoProcess, Processes, RegisterNameError};
pub use spawn_options::{
    ReplyOptions, ReplyWhen, SpawnFailure, SpawnMonitor, SpawnOptions, Spawning,
};
pub use target::Target;

pub use crate::link::Origin;
