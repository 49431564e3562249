//! What operators call.

use core::fmt;

use netkernel_core::net_adm;
use netkernel_core::net_kernel::{MonitorOptions, mfa};
use netkernel_core::term::Term;
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
    /// A call in Erlang's form, which changes nothing but socket options.
    Apply(mfa::Call),
    /// A call of `net_adm`.
    NetAdm(net_adm::Call),
    /// What it needs to know: the names of a host, and whether there is a link.
    Names(String),
    /// As above.
    ConnectAutomatically(NodeName),
    /// What a process of this node asks of `net_kernel`.
    Request(NodeName, Term),
    /// As above, without an answer.
    Cast(Term),
}

impl Call {
    /// Whom it adds to the allow list, if it does.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "of all calls, few do")]
    pub fn allows(&self) -> Option<Vec<NodeName>> {
        match self {
            Self::Allow(nodes) => Some(nodes.clone()),
            Self::Request(_, body) => match body.as_tuple()? {
                [name, nodes] if name.to_string() == "allow" => {
                    let node = |node: &Term| NodeName::new(node.as_atom()?.as_str()).ok();
                    nodes.as_list()?.iter().map(node).collect()
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// For how many seconds it begins a change of the ticktime at least, if it does.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "of all calls, few do")]
    pub fn changes_ticktime_for(&self) -> Option<u32> {
        match self {
            Self::SetNetTicktime { transition_seconds, .. } => Some(*transition_seconds),
            Self::Request(_, body) => match body.as_tuple()? {
                [name, _, ms] if name.to_string() == "new_ticktime" => {
                    u32::try_from(ms.as_i64()?.div_euclid(1000) + 1).ok()
                }
                _ => None,
            },
            _ => None,
        }
    }
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
            Self::NetAdm(call) => write!(f, "net_adm {call:?}"),
            Self::Names(host) => write!(f, "names {host}"),
            Self::ConnectAutomatically(node) => write!(f, "connect_automatically {node}"),
            Self::Request(from, body) => write!(f, "request of {from} {body}"),
            Self::Cast(body) => write!(f, "cast {body}"),
            Self::Apply(call) => write!(f, "apply {call:?}"),
        }
    }
}
