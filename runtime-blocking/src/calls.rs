//! Calls of servers, as `gen_server` makes them.

use core::time::Duration;
use std::time::Instant as Moment;

use bytes::Bytes;
use netkernel_core::NodeName;
use netkernel_core::calls::gen_server::{self, CallFailure, Client, ReplyTo};
use netkernel_core::process::{MonitorAlias, Target};
use netkernel_core::term::{Atom, Reference, Term};
use netkernel_core::wire::control::Control;

use crate::call_error::CallError;
use crate::item::{Item, SendError};
use crate::mailbox::Mailbox;
use crate::shared::{CallRequest, MultiCall, Outcome, call_not_sent, called, is_answer};

impl Mailbox {
    /// Calls a server, and waits for its reply (`gen_server:call/2,3`), for at most `limit` from when the request is sent. A server of Erlang is a `gen_server` or anything else that
    /// answers calls in its manner, such as a `gen_statem` or a `GenServer` of Elixir. One that is registered elsewhere, as `{global,Name}` or `{via,Module,Name}`, is
    /// called by the pid that is found there.
    ///
    /// Connects to the node, and waits, as [`Self::send`] does. Other items stay in the mailbox.
    ///
    /// # Errors
    /// [`CallError`]: what Erlang's function exits with.
    pub fn call(
        &self,
        server: impl Into<Target>,
        request: &Term,
        limit: Option<Duration>,
    ) -> Result<Term, CallError> {
        let server = server.into();
        if self.handle.table.is_process(self.id, &server) {
            return Err(CallError::Failed(CallFailure::CallingSelf));
        }
        let node = server.node().clone();
        let asked = self.send_request(server, request);
        called(asked.and_then(|request| self.response(&request, after(limit))), &node)
    }

    /// Sends a request to a server (`gen_server:cast/2`). As in Erlang, success says nothing about the arrival.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn cast(&self, server: impl Into<Target>, request: &Term) -> Result<(), SendError> {
        let message = gen_server::cast(request).map_err(|_| SendError::TooLong)?;
        match server.into() {
            Target::Pid(pid) => self.send(&pid, message),
            Target::Name(name, node) => self.send_to_name(&name, &node, message),
        }
    }

    /// Calls a server, and does not wait (`gen_server:send_request/2`): the reply is taken by [`Self::receive_response`], or found among the items
    /// by [`CallRequest::is_answer`].
    ///
    /// # Errors
    /// [`CallError`], of which Erlang's function tells by the response.
    pub fn send_request(
        &self,
        server: impl Into<Target>,
        body: &Term,
    ) -> Result<CallRequest, CallError> {
        let server = server.into();
        let reference = self
            .monitor_with_alias(server.clone(), MonitorAlias::ReplyDemonitor)
            .map_err(|error| call_not_sent(error, &server))?;
        let request = CallRequest::new(reference, server, self.handle.term_limits);
        match self.send_call(&request, body) {
            Ok(()) => Ok(request),
            Err(error) => {
                self.void(request.reference());
                Err(call_not_sent(error, request.server()))
            }
        }
    }

    fn send_call(&self, request: &CallRequest, body: &Term) -> Result<(), SendError> {
        let own = self.handle.table.sender_to(self.id, request.server().node())?;
        let message = gen_server::call(&own, request.reference(), body);
        self.send_noconnect(request.server(), message.map_err(|_| SendError::TooLong)?)
    }

    /// Waits for the reply to a request, for at most `limit` (`gen_server:receive_response/2`). After a time-out the request is void, and its
    /// reply reaches nobody.
    ///
    /// # Errors
    /// [`CallError`], with the reason in Erlang's `{error,{Reason,Server}}`.
    pub fn receive_response(
        &self,
        request: CallRequest,
        limit: Option<Duration>,
    ) -> Result<Term, CallError> {
        self.response(&request, after(limit))
    }

    /// Waits for the reply to a request, for at most `limit` (`gen_server:wait_response/2`). After a time-out, `None`, the request stands, and can be waited for again; the answer
    /// comes once.
    pub fn wait_response(
        &self,
        request: &CallRequest,
        limit: Option<Duration>,
    ) -> Option<Result<Term, CallError>> {
        let item = self.arrived(request.reference(), after(limit))?;
        Some(request.result(Some(item)))
    }

    /// Gives a request up: its reply reaches nobody, and what has come of it is dropped.
    pub fn abandon_request(&self, request: CallRequest) {
        drop(self.void(request.reference()));
    }

    fn response(&self, request: &CallRequest, end: Option<Moment>) -> Result<Term, CallError> {
        request.result(self.answer_to(request.reference(), end))
    }

    /// The answer, if it comes before that moment. Else the request is void.
    pub(crate) fn answer_to(&self, request: &Reference, end: Option<Moment>) -> Option<Item> {
        self.arrived(request, end).or_else(|| self.void(request))
    }

    /// The answer, if it comes before that moment.
    pub(crate) fn arrived(&self, request: &Reference, end: Option<Moment>) -> Option<Item> {
        let wanted = |item: &Item| is_answer(item, request);
        let item = match end {
            None => Some(self.recv_match(wanted)),
            Some(_) => self.queue.receive_match_blocking(end, wanted),
        };
        if matches!(item, Some(Item::Message(_))) {
            // It may have been sent to the pid, which ends no monitor.
            self.demonitor(request, true);
        }
        item
    }

    /// Nobody waits any more: what has come.
    pub(crate) fn void(&self, request: &Reference) -> Option<Item> {
        if !self.spawn_request_abandon(request) {
            self.demonitor(request, false);
        }
        self.try_recv_match(|item| is_answer(item, request))
    }

    /// Sends a message if that needs no new link (`erlang:send/3` with `noconnect`).
    fn send_noconnect(&self, to: &Target, message: Bytes) -> Result<(), SendError> {
        let table = &self.handle.table;
        let (node, signal) = match to {
            Target::Pid(pid) => {
                if table.send_locally(self.id, pid, &message)? {
                    return Ok(());
                }
                let node = NodeName::new(&pid.node).map_err(|_| SendError::NoSuchNode)?;
                let (from, to) = (table.known_sender(self.id)?, pid.clone());
                (node, Control::Send { from, to, message, token: None })
            }
            Target::Name(name, node) => {
                if table.send_locally_by_name(self.id, node, name, &message)? {
                    return Ok(());
                }
                let (from, to) = (table.sender(self.id)?, name.clone());
                (node.clone(), Control::RegSend { from, to, message, token: None })
            }
        };
        match table.send_blocking(Some(self.id), &node, signal, None) {
            Outcome::Sent | Outcome::Absent { .. } | Outcome::Dropped => Ok(()),
            Outcome::TooLong => Err(SendError::TooLong),
            Outcome::Ended => Err(SendError::Ended),
        }
    }

    /// Calls servers with the same name on several nodes, and waits until all have answered, or for `limit` (`gen_server:multi_call/4`): the replies, and
    /// the nodes that gave none, both in the order of `nodes`.
    ///
    /// # Errors
    /// [`CallError::Send`]: the request is too long, or the own process has ended.
    pub fn multi_call(
        &self,
        nodes: &[NodeName],
        name: &Atom,
        request: &Term,
        limit: Option<Duration>,
    ) -> Result<MultiCall, CallError> {
        let server = |node: &NodeName| Target::Name(name.clone(), node.clone());
        let sent: Vec<_> = nodes.iter().map(|it| self.send_request(server(it), request)).collect();
        let end = after(limit);
        let (mut called, mut not_sent) = (MultiCall::default(), None);
        for (node, sent) in nodes.iter().zip(sent) {
            match sent.and_then(|it| self.response(&it, end)) {
                Ok(reply) => called.replies.push((node.clone(), reply)),
                Err(CallError::Send(error @ (SendError::Ended | SendError::TooLong))) => {
                    not_sent = Some(error);
                }
                Err(_) => called.bad_nodes.push(node.clone()),
            }
        }
        not_sent.map_or(Ok(called), |error| Err(error.into()))
    }

    /// Answers a call (`gen_server:reply/2`).
    ///
    /// # Errors
    /// [`SendError`].
    pub fn reply(&self, client: &Client, reply: &Term) -> Result<(), SendError> {
        match client.reply(reply).map_err(|_| SendError::TooLong)? {
            (ReplyTo::Pid(pid), message) => self.send(&pid, message),
            (ReplyTo::Alias(alias), message) => self.send_to_alias(&alias, message),
        }
    }
}

/// The moment that long from now; none if there is no limit, or one beyond what the clock can tell.
pub(crate) fn after(limit: Option<Duration>) -> Option<Moment> {
    limit.and_then(|limit| Moment::now().checked_add(limit))
}
