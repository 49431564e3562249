//! What operators call.

use core::fmt;

use netkernel_core::net_kernel::{MonitorOptions, mfa};
use netkernel_core::{LinkId, NodeName};

/// A call of the kernel's public functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `net_kernel:start/2`, with the name and manner that the plan gives the node.
    Start,
    /// `net_kernel:stop/0`.
    Stop,
    /// `net_kernel:connect_node/1`.
    Connect(NodeName),
    /// `net_kernel:hidden_connect_node/1`.
    HiddenConnect(NodeName),
    /// A sender found no link; it knows of this one as the last.
    AutoConnect(NodeName, Option<LinkId>),
    /// `erlang:disconnect_node/1`.
    Disconnect(NodeName),
    /// `net_kernel:allow/1`.
    Allow(Vec<NodeName>),
    /// `net_kernel:set_net_ticktime/2`.
    SetNetTicktime {
        /// The new ticktime.
        seconds: u32,
        /// The least time that the change takes.
        transition_seconds: u32,
    },
    /// `net_kernel:monitor_nodes/2`, for a mailbox other than the one that sees everything.
    MonitorNodes(bool, MonitorOptions),
    /// `net_kernel:nodes_info/0`.
    NodesInfo,
    /// `erlang:set_cookie/2`: from now on the right cookie for this node, or a wrong one.
    SetCookie(NodeName, bool),
    /// `erlang:set_cookie/1`: as above, for all that have none of their own.
    SetOwnCookie(bool),
    /// A call in Erlang's form, which changes nothing.
    Apply(mfa::Call),
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Stop => f.write_str("stop"),
            Self::Connect(node) => write!(f, "connect_node {node}"),
            Self::HiddenConnect(node) => write!(f, "hidden_connect_node {node}"),
            Self::AutoConnect(node, None) => write!(f, "auto_connect {node}"),
            Self::AutoConnect(node, Some(seen)) => write!(f, "auto_connect {node} after {seen:?}"),
            Self::Disconnect(node) => write!(f, "disconnect_node {node}"),
            Self::Allow(nodes) => {
                f.write_str("allow")?;
                nodes.iter().try_for_each(|node| write!(f, " {node}"))
            }
            Self::SetNetTicktime { seconds, transition_seconds } => {
                write!(f, "set_net_ticktime {seconds} {transition_seconds}")
            }
            Self::MonitorNodes(flag, options) => write!(f, "monitor_nodes {flag} {options:?}"),
            Self::NodesInfo => f.write_str("nodes_info"),
            Self::SetCookie(node, true) => write!(f, "set_cookie {node} right"),
            Self::SetCookie(node, false) => write!(f, "set_cookie {node} wrong"),
            Self::SetOwnCookie(true) => f.write_str("set_cookie right"),
            Self::SetOwnCookie(false) => f.write_str("set_cookie wrong"),
            Self::Apply(call) => write!(f, "apply {call:?}"),
        }
    }
}
