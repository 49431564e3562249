//! An Erlang distribution node on blocking sockets and threads.
//!
//! A [`Node`] joins Erlang clusters: it registers with EPMD, connects and accepts, ticks, and tells of nodes that come and
//! go. A [`Mailbox`] is a process of that node: messages and node events arrive in it in one order.
//!
//! ```no_run
//! use netkernel_blocking::{Item, MonitorOptions, Node, NodeConfig, StartOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::new(NodeConfig::from_env()?)?;
//! let mailbox = node.mailbox();
//! mailbox.monitor_nodes(true, MonitorOptions::ALL);
//! let name = "rust@127.0.0.1".parse()?;
//! node.start(StartOptions::new(name))?;
//! node.connect_node("b@127.0.0.1".parse()?)?;
//! while let Item::Event(event) = mailbox.recv() {
//!     println!("{event}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Security
//!
//! **A node without TLS is open to whoever reaches its port and learns the cookie**, and whoever is let in is
//! served all that the node serves. The cookie is proved, not sent, but nothing is encrypted, and who records one
//! handshake can guess weak cookies offline. Use it on loopback or in networks that you trust. Without another choice the
//! listener is bound to loopback when the host of the node's name is, and else to all addresses, with a warning.
//!
//! # Threads
//!
//! One owner thread runs the kernel. It has one bounded inbox and never blocks elsewhere. A stream has two threads, with
//! stacks of [`READER_STACK`] and [`WRITER_STACK`] bytes of address space, be it a link or a conversation with EPMD, of which the registration lasts
//! as long as the name; an open listener has one more ([`ACCEPT_STACK`]). Each server ([`Node::start_server`]), each process that somebody spawns here
//! ([`Node::serve_function`]) and each call that is served ([`Node::serve_rpc`]) has one as long as it runs. An EPMD has
//! one thread, however many clients it has: the one that calls [`EpmdServer::run`], or one of the node that serves it.
#![forbid(unsafe_code)]

mod call_error;
mod calls;
mod config;
pub mod cookie_file;
mod epmd;
mod epmd_clients;
mod epmd_config;
mod epmd_handle;
mod erpc;
mod gen_server;
mod host_dirs;
mod identity;
mod item;
mod listener;
mod mailbox;
mod monitor_node;
mod net_adm;
mod node;
mod output;
mod owner;
mod ping;
mod reader;
mod rex;
mod rpc_server;
#[doc(hidden)]
pub mod shared;
mod socket;
mod spawn;
mod stream;
#[cfg(feature = "serde")]
mod values;
mod verbosity;
mod writer;

pub use call_error::{CallError, ErpcError, RpcError, StartServerError};
pub use config::{ConfigError, EpmdMode, NodeConfig};
pub use epmd::EpmdServer;
pub use epmd_config::EpmdConfig;
pub use epmd_handle::EpmdHandle;
pub use gen_server::GenServer;
pub use host_dirs::HostDirs;
pub use identity::Identity;
pub use item::{Bound, Item, MonitorNodeOptions, Overflow, SendError, SpawnError};
pub use listener::ACCEPT_STACK;
pub use mailbox::Mailbox;
pub use netkernel_core as core;
pub use netkernel_core::calls::erpc::Outcome;
pub use netkernel_core::calls::gen_server::Client;
pub use netkernel_core::net_kernel::{
    Address, AddressError, BadNode, ConnectionInfo, ConnectionState, DistAutoConnect,
    MonitorOptions, NetState, NodeInfo, NodeKind, NodeKinds, NotAlive, OptionName, OptsError,
    OwnName, SocketOption, StartOptions, Started,
};
pub use netkernel_core::process::{
    AliasOption, Function, Mfa, MonitorAlias, ProcessEvent, ReplyOptions, ReplyWhen, SpawnFailure,
    SpawnMonitor, SpawnOptions, Target, Usage,
};
pub use node::Node;
pub use ping::PingError;
#[cfg(feature = "serde")]
pub use shared::ValueError;
pub use shared::{CallReaction, CallRequest, ErpcRequest, Info, MultiCall, Output, Reaction};
pub use stream::{READER_STACK, WRITER_STACK};
pub use verbosity::Verbosity;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/processes.md")]
mod processes {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/getting-started.md")]
mod getting_started {}

#[cfg(all(doctest, feature = "serde"))]
#[doc = include_str!("../../docs/calls.md")]
mod pages_calls {}
