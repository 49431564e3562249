//! Calls of servers, as `gen_server` makes them.

use core::time::Duration;
use std::time::Instant as Moment;

use bytes::Bytes;
use netkernel_core::NodeName;
use netkernel_core::calls::gen_server::{self, Client, ReplyTo};
use netkernel_core::process::{MonitorAlias, Target};
use netkernel_core::term::{Atom, Term};
use netkernel_core::wire::control::Control;

use crate::call_error::CallError;
use crate::item::{Item, SendError};
use crate::mailbox::Mailbox;
use crate::shared::{CallRequest, MultiCall, Outcome, Pending, call_not_sent};

impl Mailbox {
    /// Calls a server, and waits for its reply (`gen_server:call/2,3`), for at most `limit`. A server of Erlang is a `gen_server` or anything else that
    /// answers calls in its manner, such as a `gen_statem` or a `GenServer` of Elixir.
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
        let end = limit.and_then(|limit| Moment::now().checked_add(limit));
        let request = self.send_request(server, request)?;
        self.response(&request, end)
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
    /// [`CallError`].
    pub fn send_request(
        &self,
        server: impl Into<Target>,
        request: &Term,
    ) -> Result<CallRequest, CallError> {
        let server = server.into();
        let reference = self
            .monitor_with_alias(server.clone(), MonitorAlias::ReplyDemonitor)
            .map_err(|error| call_not_sent(error, &server))?;
        let own = self.pid().ok_or(SendError::Ended)?;
        let sent = gen_server::call(&own, &reference, request)
            .map_err(|_| SendError::TooLong)
            .and_then(|message| self.send_noconnect(&server, message));
        if let Err(error) = sent {
            self.demonitor(&reference, true);
            return Err(error.into());
        }
        Ok(CallRequest::new(reference, server))
    }

    /// Waits for the reply to a request, for at most `limit` (`gen_server:receive_response/2`). After a time-out the request is void, and its
    /// reply reaches nobody.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn receive_response(
        &self,
        request: &CallRequest,
        limit: Option<Duration>,
    ) -> Result<Term, CallError> {
        let end = limit.and_then(|limit| Moment::now().checked_add(limit));
        self.response(request, end)
    }

    fn response(&self, request: &CallRequest, end: Option<Moment>) -> Result<Term, CallError> {
        request.result(self.answer_to(request, end))
    }

    /// The answer, if it comes before that moment. Else the request is void.
    pub(crate) fn answer_to(&self, request: &impl Pending, end: Option<Moment>) -> Option<Item> {
        let is_answer = |item: &Item| request.is_answer(item);
        let item = match end {
            None => Some(self.recv_match(is_answer)),
            Some(_) => self.queue.receive_match_blocking(end, is_answer),
        };
        item.or_else(|| {
            if !self.spawn_request_abandon(request.reference()) {
                self.demonitor(request.reference(), false);
            }
            // It may have come meanwhile.
            self.try_recv_match(is_answer)
        })
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
        match table.send_blocking(&node, signal, None) {
            Outcome::Sent | Outcome::Absent { .. } | Outcome::Dropped => Ok(()),
            Outcome::TooLong => Err(SendError::TooLong),
        }
    }

    /// Calls servers with the same name on several nodes, and waits until all have answered, or for `limit` (`gen_server:multi_call/4`): the replies, and
    /// the nodes that gave none, both in the order of `nodes`.
    ///
    /// # Errors
    /// [`CallError::Send`].
    pub fn multi_call(
        &self,
        nodes: &[NodeName],
        name: &Atom,
        request: &Term,
        limit: Option<Duration>,
    ) -> Result<MultiCall, CallError> {
        let end = limit.and_then(|limit| Moment::now().checked_add(limit));
        let server = |node: &NodeName| Target::Name(name.clone(), node.clone());
        let sent: Vec<_> = nodes.iter().map(|it| self.send_request(server(it), request)).collect();
        let mut called = MultiCall::default();
        for (node, sent) in nodes.iter().zip(sent) {
            match sent.and_then(|it| self.response(&it, end)) {
                Ok(reply) => called.replies.push((node.clone(), reply)),
                Err(CallError::Failed(_)) => called.bad_nodes.push(node.clone()),
                Err(error) => return Err(error),
            }
        }
        Ok(called)
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
