//! The handle of a node.

use std::io;
use std::sync::Arc;
use std::thread;

use async_executor::Executor;
use async_io::Timer;
use futures_lite::future;
use netkernel_blocking::shared::{Call, Handle, Message, Owner, Parting, Surroundings};
use netkernel_blocking::{Identity, NodeConfig};
use netkernel_core::net_kernel::{
    Address, Answer, BadNode, ConnectError, ConnectionInfo, NetState, NodeInfo, NodeKinds,
    NotAlive, OptionName, OptsError, SocketOption, StartError, StartOptions, StopError,
    TicktimeChange, TicktimeError, TicktimeState,
};
use netkernel_core::process::Usage;
use netkernel_core::term::Pid;
use netkernel_core::{Cookie, Creation, NodeName};

use crate::mailbox::Mailbox;
use crate::owner;
use crate::stream::{Spawn, Spawner, Task, Tasks};

/// A node. Clones are handles of the same one; when the last of them and the last [`Mailbox`] are gone, it stops, but unlike [`Self::stop`] does not wait until
/// what was sent is written.
///
/// All calls end when they are answered. Each is bounded by the node's own timers; none fails because another one waits.
/// A future that is dropped takes its call not back: it only hears no answer. Otherwise [`Self::stop`], [`Self::halt`], [`Self::ping`]
/// and [`Self::start_server`].
#[derive(Clone, Debug)]
pub struct Node {
    pub(crate) handle: Arc<Handle>,
    pub(crate) spawner: Spawner,
}

impl Node {
    /// A node that is not alive yet: it has no name, and neither listens nor connects. All of its tasks run on one thread
    /// of its own, so that its methods can be called from any executor.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn new(config: NodeConfig) -> io::Result<Self> {
        let executor = Arc::new(Executor::new());
        let spawner = Arc::clone(&executor);
        let (node, owner) = Self::of(config, Arc::new(move |task| spawner.spawn(task).detach()));
        // With the owner ends the executor, and with that whatever still runs on it: a name that is being resolved.
        let run = move || async_io::block_on(executor.run(owner));
        thread::Builder::new().name("netkernel".into()).spawn(run)?;
        Ok(node)
    }

    /// As [`Self::new`], but all tasks run on an executor of yours: `spawn` hands them to it. They need nothing of it but
    /// to be polled when they are woken, by whichever thread.
    ///
    /// `spawn` is called by the tasks, too. It must not block. If the task of a stream is dropped its link or attempt ends, and the node hears of it; with
    /// that of a process ([`Self::serve_function`]) the process ends. Without its owner the node ends, and without the task of the listener nobody is accepted
    /// any more, of which nobody hears: drop no others, unless all are.
    pub fn new_on(config: NodeConfig, spawn: impl Fn(Task) + Send + Sync + 'static) -> Self {
        let spawn: Spawn = Arc::new(spawn);
        let (node, owner) = Self::of(config, Arc::clone(&spawn));
        spawn(owner);
        node
    }

    /// The handle of a new node, and its owner.
    fn of(config: NodeConfig, spawn: Spawn) -> (Self, Task) {
        let surroundings =
            Surroundings::new(config.limits, config.process_limits, config.pause_limit);
        let handle = Arc::new(Handle::new(&config, &surroundings));
        let inbox = Arc::clone(&surroundings.inbox);
        let spawner = Spawner(Arc::clone(&spawn));
        let tasks = Tasks { surroundings: surroundings.clone(), spawn };
        let owner = Owner::new(config, surroundings, tasks);
        let node = Self { handle, spawner };
        node.serve_calls();
        node.serve_rex();
        (node, Box::pin(async move { owner::run(owner, &inbox).await }))
    }

    /// Takes a name, listens, and registers with EPMD (`net_kernel:start/2`). A node that is to be given its name is
    /// `nonode@nohost`, of creation 0, until then.
    ///
    /// # Errors
    /// [`StartError`] says which of it failed.
    pub async fn start(&self, options: StartOptions) -> Result<Identity, StartError> {
        match self.handle.call(Call::Start(options)).await {
            Some(Answer::Started(Ok(name))) if name == NodeName::nonode() => {
                Ok(Identity { name, creation: Creation::NONE, port: None })
            }
            Some(Answer::Started(Ok(_))) => self.identity().await.ok_or(StartError::Stopped),
            Some(Answer::Started(Err(error))) => Err(error),
            Some(_) | None => Err(StartError::Stopped),
        }
    }

    /// Ends all links, stops listening and gives the name up (`net_kernel:stop/0`). What was sent before on links that are up is written first, but for what a node does not take
    /// within a second; a future that is dropped meanwhile stops nothing.
    ///
    /// # Errors
    /// [`StopError`]: Erlang's `{error, not_found}` or `{error, not_allowed}`.
    pub async fn stop(&self) -> Result<(), StopError> {
        match self.handle.call(Call::Stop(part(&self.handle).await)).await {
            Some(Answer::Stopped(result)) => result,
            Some(_) | None => Err(StopError::NotFound),
        }
    }

    /// As [`Self::stop`], but of a node that ends with its program, too, as one that was started by flags does (`init:stop/0`). Does nothing if
    /// it is not alive.
    pub async fn halt(&self) {
        self.handle.call(Call::Halt(part(&self.handle).await)).await;
    }

    /// Connects to a node, or finds that there is a link (`net_kernel:connect_node/1`).
    ///
    /// # Errors
    /// [`ConnectError`] says at which step it failed, and why.
    pub async fn connect_node(&self, node: NodeName) -> Result<(), ConnectError> {
        match self.handle.call(Call::Connect(node)).await {
            Some(Answer::Connected(result)) => result,
            Some(_) | None => Err(ConnectError::NotAlive),
        }
    }

    /// As [`Self::connect_node`], but an attempt that begins now asks for a hidden link
    /// (`net_kernel:hidden_connect_node/1`). A link or an attempt that is there stays what it is.
    ///
    /// # Errors
    /// As [`Self::connect_node`].
    pub async fn hidden_connect_node(&self, node: NodeName) -> Result<(), ConnectError> {
        match self.handle.call(Call::HiddenConnect(node)).await {
            Some(Answer::Connected(result)) => result,
            Some(_) | None => Err(ConnectError::NotAlive),
        }
    }

    /// Appends entries to the allow list (`net_kernel:allow/1`): full names, hosts, or `name@` for any host. From then on
    /// only these nodes may connect, and only those that are on it by their full name are dialled. Links that are there
    /// stay. The list ends with [`Self::stop`].
    ///
    /// # Errors
    /// [`NotAlive`]: Erlang's `ignored`.
    pub async fn allow(&self, nodes: &[&str]) -> Result<(), NotAlive> {
        let nodes = nodes.iter().map(|&node| node.into()).collect();
        self.handle.request(|reply| Message::Allow(nodes, reply)).await.unwrap_or(Err(NotAlive))
    }

    /// Ends the link with a node (`erlang:disconnect_node/1`): whether there was one. `None` is Erlang's `ignored`: this
    /// node is not alive.
    pub async fn disconnect_node(&self, node: &NodeName) -> Option<bool> {
        match self.handle.call(Call::Disconnect(node.clone())).await {
            Some(Answer::Disconnected(result)) => result.ok(),
            Some(_) | None => None,
        }
    }

    /// The nodes of these kinds, in the order of the names, this one last (`nodes/2`). [`NodeKinds::CONNECTED`] are those
    /// with a link.
    #[must_use]
    pub async fn nodes(&self, kinds: NodeKinds) -> Vec<NodeInfo> {
        self.handle.request(|reply| Message::Nodes(kinds, reply)).await.unwrap_or_default()
    }

    /// What the connection table has on a node, with the counters of a link (`net_kernel:node_info/1`).
    ///
    /// # Errors
    /// [`BadNode`]: there is neither a link nor an attempt, or the link has just ended.
    pub async fn node_info(&self, node: &NodeName) -> Result<ConnectionInfo, BadNode> {
        match self.handle.call(Call::NodeInfo(node.clone())).await {
            Some(Answer::NodeInfo(result)) => result,
            Some(_) | None => Err(BadNode),
        }
    }

    /// What the connection table has on every node in it, in the order of the names (`net_kernel:nodes_info/0`).
    #[must_use]
    pub async fn nodes_info(&self) -> Vec<ConnectionInfo> {
        match self.handle.call(Call::NodesInfo).await {
            Some(Answer::NodesInfo(infos)) => infos,
            Some(_) | None => Vec::new(),
        }
    }

    /// Socket options of the link with a node, in the order of the names (`net_kernel:getopts/2`). Those that the operating
    /// system does not know are left out.
    ///
    /// # Errors
    /// [`OptsError`]: Erlang's `ignored` or `{error,Reason}`.
    pub async fn getopts(
        &self,
        node: &NodeName,
        names: Vec<OptionName>,
    ) -> Result<Vec<SocketOption>, OptsError> {
        match self.handle.call(Call::GetOpts(node.clone(), names)).await {
            Some(Answer::GetOpts(result)) => result,
            Some(_) | None => Err(OptsError::NotAlive),
        }
    }

    /// Sets socket options of the link with a node (`net_kernel:setopts/2`).
    ///
    /// # Errors
    /// [`OptsError`]: Erlang's `ignored` or `{error,Reason}`.
    pub async fn setopts(
        &self,
        node: &NodeName,
        options: Vec<SocketOption>,
    ) -> Result<(), OptsError> {
        self.set_options(Call::SetOpts(node.clone(), options)).await
    }

    /// Sets socket options of the listener, and of every link that comes up from now on, also after a [`stop`](Self::stop)
    /// (`net_kernel:setopts(new, Options)`). Links that are up keep what they have.
    ///
    /// # Errors
    /// [`OptsError`]: Erlang's `ignored` or `{error,Reason}`.
    pub async fn setopts_new(&self, options: Vec<SocketOption>) -> Result<(), OptsError> {
        self.set_options(Call::SetOptsNew(options)).await
    }

    async fn set_options(&self, call: Call) -> Result<(), OptsError> {
        match self.handle.call(call).await {
            Some(Answer::SetOpts(result)) => result,
            Some(_) | None => Err(OptsError::NotAlive),
        }
    }

    /// How this node was started, and who chose its name (`net_kernel:get_state/0`). `None` is `#{started => no}`.
    #[must_use]
    pub async fn get_state(&self) -> Option<NetState> {
        self.handle.request(Message::State).await.flatten()
    }

    /// Whether this node is alive, with or without a name (`is_alive/0`).
    #[must_use]
    pub async fn is_alive(&self) -> bool {
        self.get_state().await.is_some()
    }

    /// Uses `cookie` with this peer, from the next attempt on, whoever begins it (`erlang:set_cookie/2`).
    pub async fn set_cookie(&self, peer: NodeName, cookie: Cookie) {
        self.handle.request(|done| Message::SetCookie(peer, cookie, done)).await;
    }

    /// Uses `cookie` with all peers that have none of their own, from the next attempt on (`erlang:set_cookie/1`).
    pub async fn set_own_cookie(&self, cookie: Cookie) {
        self.handle.request(|done| Message::SetOwnCookie(cookie, done)).await;
    }

    /// The cookie for a peer (`erlang:get_cookie/1`), or, without one, this node's own (`get_cookie/0`). `None` if the node is gone.
    #[must_use]
    pub async fn get_cookie(&self, peer: Option<&NodeName>) -> Option<Cookie> {
        let peer = peer.cloned();
        self.handle.request(|reply| Message::GetCookie(peer, reply)).await
    }

    /// Says where a peer is, from the next attempt on: EPMD is not asked. `None`: it is asked again. What the configuration says of
    /// that peer ([`Config::peers`](netkernel_core::net_kernel::Config::peers)) is forgotten.
    pub async fn set_address(&self, peer: NodeName, address: Option<Address>) {
        self.handle.request(|done| Message::SetAddress(peer, address, done)).await;
    }

    /// Changes `net_ticktime` to `seconds`, over a transition of at least `transition_seconds` (`net_kernel:set_net_ticktime/2`;
    /// Erlang takes 60 if it is not told). Every node of a cluster must begin the change within the transition of the
    /// first, or links are taken for dead.
    ///
    /// It holds until the node is stopped. `None` is Erlang's `ignored`: this node is not alive.
    ///
    /// # Errors
    /// [`TicktimeError::Ticktime`] for zero `seconds`.
    pub async fn set_net_ticktime(
        &self,
        seconds: u32,
        transition_seconds: u32,
    ) -> Result<Option<TicktimeChange>, TicktimeError> {
        let message = |reply| Message::SetNetTicktime { seconds, transition_seconds, reply };
        self.handle.request(message).await.unwrap_or(Ok(None))
    }

    /// `net_ticktime` in seconds, or to what it is being changed (`net_kernel:get_net_ticktime/0`). `None` is Erlang's
    /// `ignored`: this node is not alive.
    #[must_use]
    pub async fn get_net_ticktime(&self) -> Option<TicktimeState> {
        self.handle.request(Message::GetNetTicktime).await.flatten()
    }

    /// Who this node is; `None` while it has no name.
    #[must_use]
    pub async fn identity(&self) -> Option<Identity> {
        self.handle.request(Message::Identity).await.flatten()
    }

    /// The process that is registered under this name here (`erlang:whereis/1`); `None` also while this node is not alive.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.handle.table.whereis(name)
    }

    /// How much there is of what processes make this node remember (`process_count` of `erlang:system_info/1`, and its kin).
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.handle.table.usage()
    }

    /// A new process with a mailbox.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        Mailbox::new(Arc::clone(&self.handle), self.spawner.clone())
    }
}

/// Waits until what was sent on all links is written, for as long as a stop waits for that.
pub(crate) async fn part(handle: &Handle) -> Parting {
    let parting = handle.table.part();
    let limit = async {
        Timer::after(Parting::LIMIT).await;
    };
    future::or(parting.wait(), limit).await;
    parting
}
