//! Calls of functions on other nodes, as `erpc` and `rpc` make them.

use core::time::Duration;
use std::time::Instant as Moment;

use netkernel_core::NodeName;
use netkernel_core::calls::erpc;
use netkernel_core::process::{ReplyOptions, ReplyWhen, SpawnMonitor, SpawnOptions, Spawning};
use netkernel_core::term::{Atom, Term};

use crate::call_error::{ErpcError, RpcError};
use crate::calls::after;
use crate::item::SendError;
use crate::mailbox::Mailbox;
use crate::shared::{ErpcRequest, erpc_not_sent};

impl Mailbox {
    /// Calls a function on a node, and waits for what it returns (`erpc:call/4,5`), for at most `limit` from when it is asked for. On this node it can be one that is
    /// served ([`Node::serve_rpc`](crate::Node::serve_rpc)).
    ///
    /// What the function writes comes to the group leader of this process ([`Self::group_leader`]), and waits there: for this process itself if it has none.
    ///
    /// Connects to the node, and waits, as [`Self::send`] does. Other items stay in the mailbox.
    ///
    /// # Errors
    /// [`ErpcError`]: what Erlang's function raises.
    pub fn erpc_call(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
        limit: Option<Duration>,
    ) -> Result<Term, ErpcError> {
        let request = self.erpc_send_request(node, module, function, arguments)?;
        self.erpc_result(&request, after(limit))
    }

    /// Calls a function on a node, and does not wait (`erpc:cast/4`). As in Erlang, success says nothing.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn erpc_cast(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
    ) -> Result<(), SendError> {
        let mfa =
            erpc::execute_cast(module, function, arguments).map_err(|_| SendError::TooLong)?;
        let reply = ReplyOptions { when: ReplyWhen::No, ..ReplyOptions::default() };
        self.spawn_request(node, mfa, &SpawnOptions::default(), &reply).map(drop)
    }

    /// Calls a function on a node, and does not wait (`erpc:send_request/4`): the result is taken by [`Self::erpc_receive_response`], or found among the
    /// items by [`ErpcRequest::is_answer`].
    ///
    /// # Errors
    /// [`ErpcError`].
    pub fn erpc_send_request(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
    ) -> Result<ErpcRequest, ErpcError> {
        let (result, spawning) = self.erpc_spawning(module, function, arguments)?;
        self.approach(node.as_atom()).map_err(erpc_not_sent)?;
        self.erpc_spawn(node, result, spawning)
    }

    /// As [`Self::erpc_send_request`], if that needs no new link, and does not wait for room.
    pub(crate) fn erpc_send_noconnect(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
    ) -> Result<ErpcRequest, ErpcError> {
        let (result, spawning) = self.erpc_spawning(module, function, arguments)?;
        self.erpc_spawn(node, result, spawning)
    }

    /// What marks the result, and the process that makes the call.
    fn erpc_spawning(
        &self,
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
    ) -> Result<(Term, Spawning), ErpcError> {
        let result = Term::from(self.make_ref().map_err(erpc_not_sent)?);
        let mfa = erpc::execute_call(&result, module, function, arguments)
            .map_err(|_| SendError::TooLong)?;
        let monitor = Some(SpawnMonitor::default());
        let options = SpawnOptions { monitor, ..SpawnOptions::default() };
        let reply = ReplyOptions { when: ReplyWhen::ErrorOnly, ..ReplyOptions::default() };
        let spawning = Spawning::new(mfa, &options, &reply).map_err(|_| SendError::TooLong)?;
        Ok((result, spawning))
    }

    fn erpc_spawn(
        &self,
        node: &NodeName,
        result: Term,
        spawning: Spawning,
    ) -> Result<ErpcRequest, ErpcError> {
        let reference = self.handle.table.spawn_request(self.id, node, spawning);
        let reference = reference.map_err(erpc_not_sent)?;
        Ok(ErpcRequest::new(reference, result, self.handle.term_limits))
    }

    /// Waits for the result of a call, for at most `limit` (`erpc:receive_response/2`). After a time-out the request is void.
    ///
    /// # Errors
    /// [`ErpcError`].
    pub fn erpc_receive_response(
        &self,
        request: ErpcRequest,
        limit: Option<Duration>,
    ) -> Result<Term, ErpcError> {
        self.erpc_result(&request, after(limit))
    }

    /// Waits for the result of a call, for at most `limit` (`erpc:wait_response/2`). After a time-out, `None`, the request stands, and can be waited for again; the answer
    /// comes once.
    pub fn erpc_wait_response(
        &self,
        request: &ErpcRequest,
        limit: Option<Duration>,
    ) -> Option<Result<Term, ErpcError>> {
        let item = self.arrived(request.reference(), after(limit))?;
        Some(request.result(Some(item)))
    }

    /// Gives a call up, which may go on: what comes of it is dropped.
    pub fn erpc_abandon_request(&self, request: ErpcRequest) {
        drop(self.void(request.reference()));
    }

    /// Calls a function on several nodes, and waits until all have ended, or for `limit` (`erpc:multicall/4,5`): the results in the order of
    /// `nodes`.
    pub fn erpc_multicall(
        &self,
        nodes: &[NodeName],
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
        limit: Option<Duration>,
    ) -> Vec<Result<Term, ErpcError>> {
        let send = |node| self.erpc_send_request(node, module, function, arguments);
        let sent: Vec<_> = nodes.iter().map(send).collect();
        let end = after(limit);
        sent.into_iter().map(|sent| self.erpc_result(&sent?, end)).collect()
    }

    /// Calls a function on a node, and waits for what it returns (`rpc:call/4,5`), for at most `limit`: as [`Self::erpc_call`], but for how it
    /// tells errors.
    ///
    /// # Errors
    /// [`RpcError`]: what Erlang's function returns as `{badrpc,Reason}`.
    pub fn rpc_call(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &[Term],
        limit: Option<Duration>,
    ) -> Result<Term, RpcError> {
        RpcError::of(self.erpc_call(node, module, function, arguments, limit))
    }

    fn erpc_result(&self, request: &ErpcRequest, end: Option<Moment>) -> Result<Term, ErpcError> {
        request.result(self.answer_to(request.reference(), end))
    }
}
