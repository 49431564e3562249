//! Calls as Erlang makes them: a module, a function, and arguments that are terms; the answer is a term, too.
//!
//! [`Call::of`] reads what a caller gave, and refuses it as Erlang's own function does. [`NetKernel::apply`](super::NetKernel::apply)
//! carries the call out, and [`Answer::to_result`](super::Answer::to_result) gives what the caller gets. For whoever has terms at hand:
//! a command line, a test, a peer. In Rust the typed functions are shorter.
//!
//! ```
//! use netkernel_core::net_kernel::mfa::{Call, Exception};
//!
//! let call = |text: &str| Call::parse(text, "localhost").unwrap();
//! assert_eq!(call("net_kernel:get_net_ticktime()"), Ok(Call::GetNetTicktime));
//! assert_eq!(call("nodes(all)"), Err(Exception::badarg()));
//! ```

mod answer;
mod apply;
mod exception;
mod monitor_node;
mod net_adm;
mod read;
mod start;
mod text;

pub(super) use answer::{error, ok};
pub use apply::ignored;
pub use exception::{Class, Exception};
pub use monitor_node::MonitorNode;
pub use text::Mfa;

use alloc::vec::Vec;

use super::{
    InfoKey, MonitorOptions, NodeKinds, OptionName, OptsError, SocketOption, StartOptions,
    subscriptions::MonitorNodesError,
};
use crate::cookie::Cookie;
use crate::flags::NodeType;
use crate::name::NameError;
use crate::term::Atom;

/// A call of `net_kernel`, `net_adm` or `erlang` whose arguments have the right form. What is wrong with them and is answered, not
/// raised, is in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Call {
    /// `net_kernel:allow/1`; `None` is something that is no list of atoms.
    Allow(Option<Vec<Atom>>),
    /// `net_kernel:allowed/0`.
    Allowed,
    /// `net_kernel:connect_node/1`, and `hidden_connect_node/1`, which wishes for a hidden link.
    Connect(Atom, NodeType),
    /// `erlang:disconnect_node/1`; `None` is something that is no atom, with which there is no link.
    Disconnect(Option<Atom>),
    /// `erlang:get_cookie/1`, or `get_cookie/0` without a node.
    GetCookie(Option<Atom>),
    /// `net_kernel:get_net_ticktime/0`.
    GetNetTicktime,
    /// `net_kernel:getopts/2`.
    GetOpts(Atom, Result<Vec<OptionName>, OptsError>),
    /// `net_kernel:get_state/0`.
    GetState,
    /// `erlang:is_alive/0`.
    IsAlive,
    /// `erlang:monitor_node/2` and `monitor_node/3`. [`NetKernel::apply`](super::NetKernel::apply) only says whether it may be: see
    /// [`Answer::MonitorNode`](super::Answer::MonitorNode).
    MonitorNode(MonitorNode),
    /// `net_kernel:monitor_nodes/1` and `monitor_nodes/2`.
    MonitorNodes(Result<(bool, MonitorOptions), MonitorNodesError>),
    /// A call of `net_adm`, which takes more than a [`NetKernel`](super::NetKernel): see [`Inquiry`](crate::net_adm::Inquiry).
    NetAdm(crate::net_adm::Call),
    /// `erlang:node/0`.
    Node,
    /// `net_kernel:node_info/1`; `None` is something that is no atom, of which nothing is known.
    NodeInfo(Option<Atom>),
    /// `net_kernel:node_info/2`, with a key that stands for nothing as `None`.
    NodeInfoKey(Option<Atom>, Option<InfoKey>),
    /// `erlang:node/1`: the node of a pid, port or reference.
    NodeOf(Atom),
    /// `erlang:nodes/0`, `nodes/1` and, with what is to be told of each, `nodes/2`.
    Nodes(NodeKinds, Option<NodeKeys>),
    /// `net_kernel:nodes_info/0`.
    NodesInfo,
    /// `erlang:set_cookie/2`, or `set_cookie/1` without a node.
    SetCookie(Option<Atom>, Cookie),
    /// `net_kernel:set_net_ticktime/1` and `set_net_ticktime/2`.
    SetNetTicktime {
        /// The new ticktime.
        seconds: u32,
        /// The least time that the change takes.
        transition_seconds: u32,
    },
    /// `net_kernel:setopts/2`; the node may be `new`.
    SetOpts(Atom, Result<Vec<SocketOption>, OptsError>),
    /// `net_kernel:start/1` and `start/2`; or a name that no node can have.
    Start(Result<StartOptions, NameError>),
    /// `net_kernel:stop/0`.
    Stop,
}

/// What `nodes/2` tells of each node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct NodeKeys {
    /// `connection_id`.
    pub connection_id: bool,
    /// `node_type`.
    pub node_type: bool,
}
