//! An Erlang distribution node on async sockets, for any executor.
//!
//! A [`Node`] joins Erlang clusters: it registers with EPMD, connects and accepts, ticks, and tells of nodes that come and
//! go. A [`Mailbox`] is a process of that node: messages and node events arrive in it in one order.
//!
//! ```no_run
//! use netkernel_smol::{Item, MonitorOptions, Node, NodeConfig, StartOptions};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::new(NodeConfig::from_env()?)?;
//! let mailbox = node.mailbox();
//! mailbox.monitor_nodes(true, MonitorOptions::ALL).await;
//! let name = "rust@127.0.0.1".parse()?;
//! node.start(StartOptions::new(name)).await?;
//! node.connect_node("b@127.0.0.1".parse()?).await?;
//! while let Item::Event(event) = mailbox.recv().await {
//!     println!("{event}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The package `netkernel-blocking` has the same interface for threads, without `async`; `docs/runtimes.md` says which to
//! choose.
//!
//! # Executors
//!
//! A node is one task, the owner, that runs the kernel, has one bounded inbox and waits for nothing else; one task a link,
//! that reads and writes; and one that accepts. [`Node::new`] gives them a thread. [`Node::new_on`] hands them to an executor
//! of yours, be it smol's, tokio's or your own. Sockets and timers are async-io's in either case, which has a thread for
//! them where nobody else waits for them. Names are resolved on the threads of a pool.
//!
//! # Security
//!
//! **A node without TLS is open to whoever reaches its port and learns the cookie**, and whoever is let in is
//! served all that the node serves. The cookie is proved, not sent, but nothing is encrypted, and who records one
//! handshake can guess weak cookies offline. Use it on loopback or in networks that you trust. Without another choice the
//! listener is bound to loopback when the host of the node's name is, and else to all addresses, with a warning.
#![forbid(unsafe_code)]

mod calls;
mod epmd;
mod epmd_clients;
mod erpc;
mod gen_server;
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
mod socket;
mod spawn;
mod stream;
#[cfg(feature = "serde")]
mod values;
mod writer;

pub use epmd::EpmdServer;
pub use gen_server::GenServer;
pub use mailbox::Mailbox;
#[cfg(feature = "serde")]
pub use netkernel_blocking::ValueError;
pub use netkernel_blocking::{
    Bound, CallError, CallReaction, CallRequest, ConfigError, EpmdConfig, EpmdHandle, EpmdMode,
    ErpcError, ErpcRequest, HostDirs, Identity, Info, Item, MonitorNodeOptions, MultiCall,
    NodeConfig, Output, Overflow, PingError, Reaction, RpcError, SendError, SpawnError,
    StartServerError, Verbosity, cookie_file,
};
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
pub use stream::Task;
