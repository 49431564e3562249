//! A mailbox of either runtime: the runtimes' own methods.

use core::time::Duration;

use bytes::Bytes;
use netkernel_blocking::core::NodeName;
use netkernel_blocking::core::net_kernel::mfa::{self, Exception};
use netkernel_blocking::core::process::RegisterNameError;
use netkernel_blocking::core::term::{Atom, Pid, Reference, Term};
use netkernel_blocking::{
    AliasOption, Bound, CallError, CallRequest, Client, ErpcError, ErpcRequest, Item, Mfa,
    MonitorAlias, MonitorNodeOptions, MonitorOptions, MultiCall, Output, ReplyOptions, RpcError,
    SendError, SpawnError, SpawnOptions, Target,
};

use super::{Mailbox, either};

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

    pub fn wait_response(
        &self,
        request: &CallRequest,
        limit: Option<Duration>,
    ) -> Option<Result<Term, CallError>> {
        either!(self.wait_response(request, limit).await)
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

    pub fn serve(
        self,
        server: &mut (impl netkernel_blocking::GenServer + netkernel_smol::GenServer),
    ) {
        either!(self.serve(server).await);
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

    pub fn erpc_wait_response(
        &self,
        request: &ErpcRequest,
        limit: Option<Duration>,
    ) -> Option<Result<Term, ErpcError>> {
        either!(self.erpc_wait_response(request, limit).await)
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

    pub fn set_group_leader(&self, leader: &Pid) -> Result<(), SendError> {
        either!(self.set_group_leader(leader))
    }

    pub fn serve_output(self, output: impl FnMut(Output)) {
        either!(self.serve_output(output).await);
    }

    pub fn group_leader(&self) -> Option<Pid> {
        either!(self.group_leader())
    }
}
