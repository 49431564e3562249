//! A node of either runtime: the runtimes' own methods.

use core::time::Duration;
use std::sync::Arc;
use std::{io, thread};

use futures_lite::future::block_on;
use netkernel_blocking::core::epmd::NamesError;
use netkernel_blocking::core::net_adm::{Host, HostFileError, WorldError};
use netkernel_blocking::core::net_kernel::{
    ConnectError, StartError, StopError, TicktimeChange, TicktimeError, TicktimeState,
};
use netkernel_blocking::core::term::{Atom, Pid, Term};
use netkernel_blocking::core::{Cookie, NodeName};
use netkernel_blocking::shared::reply;
use netkernel_blocking::{
    Address, BadNode, ConnectionInfo, Function, HostDirs, Identity, NetState, NodeConfig, NodeInfo,
    NodeKinds, NotAlive, OptionName, OptsError, Outcome, PingError, SocketOption, StartOptions,
    StartServerError, Usage, Verbosity,
};

use super::{Mailbox, Node, Runtime, either};

#[expect(missing_docs, clippy::missing_errors_doc, reason = "each is the runtimes' own method")]
#[expect(clippy::must_use_candidate, reason = "as above")]
impl Node {
    pub fn new(config: NodeConfig) -> io::Result<Self> {
        Ok(match Runtime::current() {
            Runtime::Blocking => Self::Blocking(netkernel_blocking::Node::new(config)?),
            Runtime::Smol => Self::Smol(netkernel_smol::Node::new(config)?),
        })
    }

    pub fn start(&self, options: StartOptions) -> Result<Identity, StartError> {
        either!(self.start(options).await)
    }

    pub fn stop(&self) -> Result<(), StopError> {
        either!(self.stop().await)
    }

    pub fn halt(&self) {
        either!(self.halt().await);
    }

    pub fn connect_node(&self, node: NodeName) -> Result<(), ConnectError> {
        either!(self.connect_node(node).await)
    }

    pub fn hidden_connect_node(&self, node: NodeName) -> Result<(), ConnectError> {
        either!(self.hidden_connect_node(node).await)
    }

    pub fn allow(&self, nodes: &[&str]) -> Result<(), NotAlive> {
        either!(self.allow(nodes).await)
    }

    pub fn disconnect_node(&self, node: &NodeName) -> Option<bool> {
        either!(self.disconnect_node(node).await)
    }

    pub fn nodes(&self, kinds: NodeKinds) -> Vec<NodeInfo> {
        either!(self.nodes(kinds).await)
    }

    pub fn node_info(&self, node: &NodeName) -> Result<ConnectionInfo, BadNode> {
        either!(self.node_info(node).await)
    }

    pub fn nodes_info(&self) -> Vec<ConnectionInfo> {
        either!(self.nodes_info().await)
    }

    pub fn getopts(
        &self,
        node: &NodeName,
        names: Vec<OptionName>,
    ) -> Result<Vec<SocketOption>, OptsError> {
        either!(self.getopts(node, names).await)
    }

    pub fn setopts(&self, node: &NodeName, options: Vec<SocketOption>) -> Result<(), OptsError> {
        either!(self.setopts(node, options).await)
    }

    pub fn setopts_new(&self, options: Vec<SocketOption>) -> Result<(), OptsError> {
        either!(self.setopts_new(options).await)
    }

    pub fn get_state(&self) -> Option<NetState> {
        either!(self.get_state().await)
    }

    pub fn is_alive(&self) -> bool {
        either!(self.is_alive().await)
    }

    pub fn ping(
        &self,
        node: &NodeName,
        limit: impl Into<Option<Duration>>,
    ) -> Result<(), PingError> {
        either!(self.ping(node, limit).await)
    }

    pub fn names(&self, host: impl Into<Host>) -> Result<Vec<(String, u16)>, NamesError> {
        either!(self.names(host).await)
    }

    pub fn world(
        &self,
        directories: &HostDirs,
        verbosity: Verbosity<'_>,
    ) -> Result<Vec<NodeName>, WorldError> {
        either!(self.world(directories, verbosity).await)
    }

    pub fn world_list(
        &self,
        hosts: &Term,
        verbosity: Verbosity<'_>,
    ) -> Result<Vec<NodeName>, WorldError> {
        either!(self.world_list(hosts, verbosity).await)
    }

    pub fn localhost(&self) -> String {
        either!(self.localhost().await)
    }

    pub fn host_file(directories: &HostDirs) -> Result<Vec<Term>, HostFileError> {
        match Runtime::current() {
            Runtime::Blocking => netkernel_blocking::Node::host_file(directories),
            Runtime::Smol => block_on(netkernel_smol::Node::host_file(directories)),
        }
    }

    pub fn dns_hostname(host: &str) -> Result<String, String> {
        match Runtime::current() {
            Runtime::Blocking => netkernel_blocking::Node::dns_hostname(host),
            Runtime::Smol => block_on(netkernel_smol::Node::dns_hostname(host)),
        }
    }

    pub fn set_cookie(&self, peer: NodeName, cookie: Cookie) {
        either!(self.set_cookie(peer, cookie).await);
    }

    pub fn set_own_cookie(&self, cookie: Cookie) {
        either!(self.set_own_cookie(cookie).await);
    }

    pub fn get_cookie(&self, peer: Option<&NodeName>) -> Option<Cookie> {
        either!(self.get_cookie(peer).await)
    }

    pub fn set_address(&self, peer: NodeName, address: Option<Address>) {
        either!(self.set_address(peer, address).await);
    }

    pub fn set_net_ticktime(
        &self,
        seconds: u32,
        transition_seconds: u32,
    ) -> Result<Option<TicktimeChange>, TicktimeError> {
        either!(self.set_net_ticktime(seconds, transition_seconds).await)
    }

    pub fn get_net_ticktime(&self) -> Option<TicktimeState> {
        either!(self.get_net_ticktime().await)
    }

    pub fn identity(&self) -> Option<Identity> {
        either!(self.identity().await)
    }

    pub fn whereis(&self, name: &str) -> Option<Pid> {
        either!(self.whereis(name))
    }

    /// A handler blocks, so one of a task is run by a thread that the task waits for.
    pub fn serve_function(
        &self,
        function: Function,
        handler: impl Fn(Mailbox, Vec<Term>) + Send + Sync + 'static,
    ) -> bool {
        let handler = Arc::new(handler);
        match self {
            Self::Blocking(node) => node.serve_function(function, move |mailbox, arguments| {
                handler(Mailbox::Blocking(mailbox), arguments);
            }),
            Self::Smol(node) => node.serve_function(function, move |mailbox, arguments| {
                let (handler, (done, ended)) = (Arc::clone(&handler), reply());
                let run = move || {
                    handler(Mailbox::Smol(mailbox), arguments);
                    done.send(());
                };
                async move {
                    thread::spawn(run);
                    ended.wait().await;
                }
            }),
        }
    }

    pub fn unserve_function(&self, function: &Function) -> bool {
        either!(self.unserve_function(function))
    }

    /// As above.
    pub fn serve_rpc(
        &self,
        function: Function,
        handler: impl Fn(Vec<Term>) -> Outcome + Send + Sync + 'static,
    ) -> bool {
        let handler = Arc::new(handler);
        match self {
            Self::Blocking(node) => node.serve_rpc(function, move |arguments| handler(arguments)),
            Self::Smol(node) => node.serve_rpc(function, move |arguments| {
                let (handler, (done, ended)) = (Arc::clone(&handler), reply());
                thread::spawn(move || done.send(handler(arguments)));
                async move { ended.wait().await.expect("the handler does not panic") }
            }),
        }
    }

    pub fn unserve_rpc(&self, function: &Function) -> bool {
        either!(self.unserve_rpc(function))
    }

    pub fn start_server(
        &self,
        name: Option<&Atom>,
        server: impl netkernel_blocking::GenServer + netkernel_smol::GenServer + 'static,
    ) -> Result<Pid, StartServerError> {
        either!(self.start_server(name, server).await)
    }

    pub fn usage(&self) -> Usage {
        either!(self.usage())
    }

    pub fn mailbox(&self) -> Mailbox {
        match self {
            Self::Blocking(node) => Mailbox::Blocking(node.mailbox()),
            Self::Smol(node) => Mailbox::Smol(node.mailbox()),
        }
    }
}
