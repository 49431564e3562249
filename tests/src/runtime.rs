//! Both runtimes behind one interface, which is that of the blocking one: what is tested with one, is tested with the other.

use core::cell::Cell;
use core::time::Duration;
use std::sync::Arc;
use std::{io, thread};

use bytes::Bytes;
use futures_lite::future::block_on;
use netkernel_blocking::core::epmd::NamesError;
use netkernel_blocking::core::net_adm::{Host, HostFileError, WorldError};
use netkernel_blocking::core::net_kernel::mfa::{self, Exception};
use netkernel_blocking::core::net_kernel::{
    ConnectError, StartError, StopError, TicktimeChange, TicktimeError, TicktimeState,
};
use netkernel_blocking::core::process::RegisterNameError;
use netkernel_blocking::core::term::{Atom, Pid, Reference, Term};
use netkernel_blocking::core::{Cookie, NodeName};
use netkernel_blocking::shared::reply;
use netkernel_blocking::{
    Address, AliasOption, BadNode, Bound, CallError, CallRequest, Client, ConnectionInfo,
    ErpcError, ErpcRequest, Function, HostDirs, Identity, Item, Mfa, MonitorAlias,
    MonitorNodeOptions, MonitorOptions, MultiCall, NetState, NodeConfig, NodeInfo, NodeKinds,
    NotAlive, OptionName, OptsError, Outcome, PingError, ReplyOptions, RpcError, SendError,
    SocketOption, SpawnError, SpawnOptions, StartOptions, StartServerError, Target, Verbosity,
};

/// Which runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// `netkernel-blocking`.
    Blocking,
    /// `netkernel-smol`, each node on a thread of its own.
    Smol,
}

thread_local! {
    static CURRENT: Cell<Runtime> = const { Cell::new(Runtime::Blocking) };
}

impl Runtime {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Blocking, Self::Smol];

    /// Runs a test whose nodes are made by this runtime, as far as they are made by its own thread.
    pub fn test(self, test: impl FnOnce()) {
        self.with(test);
    }

    /// What is made in here, by this thread, is made by this runtime. For clusters of both.
    pub fn with<T>(self, make: impl FnOnce() -> T) -> T {
        let before = CURRENT.replace(self);
        let made = make();
        CURRENT.set(before);
        made
    }

    /// What the package is called, without the name of the project.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Smol => "smol",
        }
    }

    /// The runtime of the test that runs on this thread.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.get()
    }
}

/// Makes two tests, one for each runtime, of every function `fn name() { .. }` with `#[test]`.
#[macro_export]
macro_rules! each_runtime {
    ($($(#[$attribute:meta])+ fn $name:ident() $body:block)+) => {$(
        mod $name {
            use super::*;

            fn scenario() $body

            #[test]
            fn blocking() {
                $crate::runtime::Runtime::Blocking.test(scenario);
            }

            #[test]
            fn smol() {
                $crate::runtime::Runtime::Smol.test(scenario);
            }
        }
    )+};
}

/// A node of either runtime.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are the names of the runtimes")]
pub enum Node {
    Blocking(netkernel_blocking::Node),
    Smol(netkernel_smol::Node),
}

/// A mailbox of either runtime.
#[derive(Debug)]
#[expect(missing_docs, reason = "they are the names of the runtimes")]
pub enum Mailbox {
    Blocking(netkernel_blocking::Mailbox),
    Smol(netkernel_smol::Mailbox),
}

/// Calls the method of either runtime. What is only a future in one is waited for.
macro_rules! either {
    ($self:ident.$method:ident($($argument:expr),*).await) => {
        match $self {
            Self::Blocking(it) => it.$method($($argument),*),
            Self::Smol(it) => block_on(it.$method($($argument),*)),
        }
    };
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match $self {
            Self::Blocking(it) => it.$method($($argument),*),
            Self::Smol(it) => it.$method($($argument),*),
        }
    };
}

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

    pub fn mailbox(&self) -> Mailbox {
        match self {
            Self::Blocking(node) => Mailbox::Blocking(node.mailbox()),
            Self::Smol(node) => Mailbox::Smol(node.mailbox()),
        }
    }
}

#[expect(missing_docs, clippy::missing_errors_doc, reason = "each is the runtimes' own method")]
#[expect(clippy::must_use_candidate, reason = "as above")]
impl Mailbox {
    pub fn recv(&self) -> Item {
        either!(self.recv().await)
    }

    pub fn recv_timeout(&self, limit: Duration) -> Option<Item> {
        either!(self.recv_timeout(limit).await)
    }

    pub fn try_recv(&self) -> Option<Item> {
        either!(self.try_recv())
    }

    pub fn recv_match(&self, wanted: impl FnMut(&Item) -> bool) -> Item {
        either!(self.recv_match(wanted).await)
    }

    pub fn recv_match_timeout(
        &self,
        limit: Duration,
        wanted: impl FnMut(&Item) -> bool,
    ) -> Option<Item> {
        either!(self.recv_match_timeout(limit, wanted).await)
    }

    pub fn try_recv_match(&self, wanted: impl FnMut(&Item) -> bool) -> Option<Item> {
        either!(self.try_recv_match(wanted))
    }

    pub fn set_bound(&self, bound: Option<Bound>) {
        either!(self.set_bound(bound));
    }

    pub fn message_queue_len(&self) -> usize {
        either!(self.message_queue_len())
    }

    pub fn messages_dropped(&self) -> u64 {
        either!(self.messages_dropped())
    }

    pub fn set_waker(&self, waker: impl Fn() + Send + Sync + 'static) -> bool {
        either!(self.set_waker(waker))
    }

    pub fn pid(&self) -> Option<Pid> {
        either!(self.pid())
    }

    pub fn register(&self, name: Atom) -> Result<(), RegisterNameError> {
        either!(self.register(name))
    }

    pub fn unregister(&self, name: &str) -> bool {
        either!(self.unregister(name))
    }

    pub fn monitor_nodes(&self, flag: bool, options: MonitorOptions) {
        either!(self.monitor_nodes(flag, options).await);
    }

    pub fn apply(&self, call: mfa::Call) -> Result<Term, Exception> {
        either!(self.apply(call).await)
    }

    pub fn apply_printing(
        &self,
        call: mfa::Call,
        print: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Term, Exception> {
        either!(self.apply_printing(call, print).await)
    }

    pub fn monitor_diagnostics(&self, on: bool) {
        either!(self.monitor_diagnostics(on).await);
    }

    pub fn send(&self, to: &Pid, message: impl Into<Bytes>) -> Result<(), SendError> {
        either!(self.send(to, message).await)
    }

    pub fn send_to_name(
        &self,
        name: &Atom,
        node: &NodeName,
        message: impl Into<Bytes>,
    ) -> Result<(), SendError> {
        either!(self.send_to_name(name, node, message).await)
    }

    pub fn send_to_alias(
        &self,
        alias: &Reference,
        message: impl Into<Bytes>,
    ) -> Result<(), SendError> {
        either!(self.send_to_alias(alias, message).await)
    }

    pub fn link(&self, to: &Pid) -> Result<(), SendError> {
        either!(self.link(to).await)
    }

    pub fn unlink(&self, from: &Pid) -> Result<(), SendError> {
        either!(self.unlink(from))
    }

    pub fn links(&self) -> Vec<Pid> {
        either!(self.links())
    }

    pub fn monitor(&self, of: impl Into<Target>) -> Result<Reference, SendError> {
        either!(self.monitor(of).await)
    }

    pub fn monitor_with_alias(
        &self,
        of: impl Into<Target>,
        alias: MonitorAlias,
    ) -> Result<Reference, SendError> {
        either!(self.monitor_with_alias(of, alias).await)
    }

    pub fn demonitor(&self, monitor: &Reference, flush: bool) -> bool {
        either!(self.demonitor(monitor, flush))
    }

    pub fn monitor_node(&self, node: &NodeName, on: bool) -> Result<(), SendError> {
        either!(self.monitor_node(node, on).await)
    }

    pub fn monitor_node_opt(
        &self,
        node: &NodeName,
        on: bool,
        options: MonitorNodeOptions,
    ) -> Result<(), SendError> {
        either!(self.monitor_node_opt(node, on, options).await)
    }

    pub fn exit(&self, to: &Pid, reason: &Term) -> Result<(), SendError> {
        either!(self.exit(to, reason).await)
    }

    pub fn trap_exit(&self, on: bool) -> Result<bool, SendError> {
        either!(self.trap_exit(on))
    }

    pub fn terminate(self, reason: &Term) -> Result<(), SendError> {
        either!(self.terminate(reason))
    }

    pub fn spawn(&self, node: &NodeName, mfa: Mfa) -> Result<Pid, SpawnError> {
        either!(self.spawn(node, mfa).await)
    }

    pub fn spawn_link(&self, node: &NodeName, mfa: Mfa) -> Result<Pid, SpawnError> {
        either!(self.spawn_link(node, mfa).await)
    }

    pub fn spawn_monitor(&self, node: &NodeName, mfa: Mfa) -> Result<(Pid, Reference), SpawnError> {
        either!(self.spawn_monitor(node, mfa).await)
    }

    pub fn spawn_opt(
        &self,
        node: &NodeName,
        mfa: Mfa,
        options: &SpawnOptions,
    ) -> Result<(Pid, Option<Reference>), SpawnError> {
        either!(self.spawn_opt(node, mfa, options).await)
    }

    pub fn spawn_request(
        &self,
        node: &NodeName,
        mfa: Mfa,
        options: &SpawnOptions,
        reply: &ReplyOptions,
    ) -> Result<Reference, SendError> {
        either!(self.spawn_request(node, mfa, options, reply).await)
    }

    pub fn spawn_request_abandon(&self, request: &Reference) -> bool {
        either!(self.spawn_request_abandon(request))
    }

    pub fn call(
        &self,
        server: impl Into<Target>,
        request: &Term,
        limit: Option<Duration>,
    ) -> Result<Term, CallError> {
        either!(self.call(server, request, limit).await)
    }

    pub fn cast(&self, server: impl Into<Target>, request: &Term) -> Result<(), SendError> {
        either!(self.cast(server, request).await)
    }

    pub fn send_request(
        &self,
        server: impl Into<Target>,
        request: &Term,
    ) -> Result<CallRequest, CallError> {
        either!(self.send_request(server, request).await)
    }

    pub fn receive_response(
        &self,
        request: CallRequest,
        limit: Option<Duration>,
    ) -> Result<Term, CallError> {
        either!(self.receive_response(request, limit).await)
    }

    pub fn abandon_request(&self, request: CallRequest) {
        either!(self.abandon_request(request));
    }

    pub fn multi_call(
        &self,
        nodes: &[NodeName],
        name: &Atom,
        request: &Term,
        limit: Option<Duration>,
    ) -> Result<MultiCall, CallError> {
        either!(self.multi_call(nodes, name, request, limit).await)
    }

    pub fn reply(&self, client: &Client, reply: &Term) -> Result<(), SendError> {
        either!(self.reply(client, reply).await)
    }

    pub fn erpc_call(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
        limit: Option<Duration>,
    ) -> Result<Term, ErpcError> {
        either!(self.erpc_call(node, module, function, arguments, limit).await)
    }

    pub fn erpc_cast(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
    ) -> Result<(), SendError> {
        either!(self.erpc_cast(node, module, function, arguments).await)
    }

    pub fn erpc_send_request(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
    ) -> Result<ErpcRequest, ErpcError> {
        either!(self.erpc_send_request(node, module, function, arguments).await)
    }

    pub fn erpc_receive_response(
        &self,
        request: ErpcRequest,
        limit: Option<Duration>,
    ) -> Result<Term, ErpcError> {
        either!(self.erpc_receive_response(request, limit).await)
    }

    pub fn erpc_abandon_request(&self, request: ErpcRequest) {
        either!(self.erpc_abandon_request(request));
    }

    pub fn erpc_multicall(
        &self,
        nodes: &[NodeName],
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
        limit: Option<Duration>,
    ) -> Vec<Result<Term, ErpcError>> {
        either!(self.erpc_multicall(nodes, module, function, arguments, limit).await)
    }

    pub fn rpc_call(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
        limit: Option<Duration>,
    ) -> Result<Term, RpcError> {
        either!(self.rpc_call(node, module, function, arguments, limit).await)
    }

    pub fn alias(&self, option: AliasOption) -> Result<Reference, SendError> {
        either!(self.alias(option))
    }

    pub fn unalias(&self, alias: &Reference) -> bool {
        either!(self.unalias(alias))
    }

    pub fn group_leader(&self) -> Option<Pid> {
        either!(self.group_leader())
    }
}
