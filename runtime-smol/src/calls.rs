//! Calls of servers, as `gen_server` makes them.

use core::future::Future;
use core::time::Duration;
use std::time::Instant as Moment;

use async_io::Timer;
use bytes::Bytes;
use futures_lite::future;
use netkernel_blocking::shared::{Outcome, call_not_sent, called, is_answer};
use netkernel_blocking::{CallError, CallRequest, Item, MultiCall, SendError};
use netkernel_core::NodeName;
use netkernel_core::calls::gen_server::{self, CallFailure, Client, ReplyTo};
use netkernel_core::process::{MonitorAlias, Target};
use netkernel_core::term::{Atom, Reference, Term};
use netkernel_core::wire::control::Control;

use crate::mailbox::Mailbox;

impl Mailbox {
    /// Calls a server, and waits for its reply (`gen_server:call/2,3`), for at most `limit` from when the request is sent. A server of Erlang is a `gen_server` or anything else that
    /// answers calls in its manner, such as a `gen_statem` or a `GenServer` of Elixir. One that is registered elsewhere, as `{global,Name}` or `{via,Module,Name}`, is
    /// called by the pid that is found there.
    ///
    /// Connects to the node, and waits, as [`Self::send`] does. Other items stay in the mailbox. If the future is dropped, the request is void.
    ///
    /// # Errors
    /// [`CallError`]: what Erlang's function exits with.
    pub async fn call(
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
        let result = match self.ask(server, request).await {
            Ok((request, waiting)) => request.result(waiting.answer(after(limit)).await),
            Err(error) => Err(error),
        };
        called(result, &node)
    }

    /// Sends a request to a server (`gen_server:cast/2`). As in Erlang, success says nothing about the arrival.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn cast(&self, server: impl Into<Target>, request: &Term) -> Result<(), SendError> {
        let message = gen_server::cast(request).map_err(|_| SendError::TooLong)?;
        match server.into() {
            Target::Pid(pid) => self.send(&pid, message).await,
            Target::Name(name, node) => self.send_to_name(&name, &node, message).await,
        }
    }

    /// Calls a server, and does not wait (`gen_server:send_request/2`): the reply is taken by [`Self::receive_response`], or found among the items
    /// by [`CallRequest::is_answer`].
    ///
    /// # Errors
    /// [`CallError`], of which Erlang's function tells by the response.
    pub async fn send_request(
        &self,
        server: impl Into<Target>,
        body: &Term,
    ) -> Result<CallRequest, CallError> {
        let (request, waiting) = self.ask(server.into(), body).await?;
        waiting.keep();
        Ok(request)
    }

    async fn ask(
        &self,
        server: Target,
        body: &Term,
    ) -> Result<(CallRequest, Waiting<'_>), CallError> {
        let reference = self
            .monitor_with_alias(server.clone(), MonitorAlias::ReplyDemonitor)
            .await
            .map_err(|error| call_not_sent(error, &server))?;
        let waiting = self.waiting(&reference);
        let request = CallRequest::new(reference, server, self.handle.term_limits);
        let sent = self.send_call(&request, body).await;
        sent.map_err(|error| call_not_sent(error, request.server()))?;
        Ok((request, waiting))
    }

    pub(crate) fn waiting(&self, request: &Reference) -> Waiting<'_> {
        Waiting { mailbox: self, request: request.clone(), is_kept: false }
    }

    /// The answer, if it comes before that moment.
    pub(crate) async fn arrived(&self, request: &Reference, end: Option<Moment>) -> Option<Item> {
        let wanted = |item: &Item| is_answer(item, request);
        let item = before(end, self.recv_match(wanted)).await;
        if matches!(item, Some(Item::Message(_))) {
            // It may have been sent to the pid, which ends no monitor.
            self.demonitor(request, true);
        }
        item
    }

    async fn send_call(&self, request: &CallRequest, body: &Term) -> Result<(), SendError> {
        let own = self.handle.table.sender_to(self.id, request.server().node())?;
        let message = gen_server::call(&own, request.reference(), body);
        let message = message.map_err(|_| SendError::TooLong)?;
        self.send_noconnect(request.server(), message).await
    }

    /// Waits for the reply to a request, for at most `limit` (`gen_server:receive_response/2`). After a time-out the request is void, and its
    /// reply reaches nobody; and so it is if the future is dropped.
    ///
    /// # Errors
    /// [`CallError`], with the reason in Erlang's `{error,{Reason,Server}}`.
    pub async fn receive_response(
        &self,
        request: CallRequest,
        limit: Option<Duration>,
    ) -> Result<Term, CallError> {
        request.result(self.waiting(request.reference()).answer(after(limit)).await)
    }

    /// Waits for the reply to a request, for at most `limit` (`gen_server:wait_response/2`). After a time-out, `None`, the request stands, as it does if the future is dropped, and can be waited for again; the answer
    /// comes once.
    pub async fn wait_response(
        &self,
        request: &CallRequest,
        limit: Option<Duration>,
    ) -> Option<Result<Term, CallError>> {
        let item = self.arrived(request.reference(), after(limit)).await?;
        Some(request.result(Some(item)))
    }

    /// Gives a request up: its reply reaches nobody, and what has come of it is dropped.
    pub fn abandon_request(&self, request: CallRequest) {
        drop(self.waiting(request.reference()));
    }

    /// Sends a message if that needs no new link (`erlang:send/3` with `noconnect`).
    async fn send_noconnect(&self, to: &Target, message: Bytes) -> Result<(), SendError> {
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
        match table.send(Some(self.id), &node, signal).await {
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
    pub async fn multi_call(
        &self,
        nodes: &[NodeName],
        name: &Atom,
        request: &Term,
        limit: Option<Duration>,
    ) -> Result<MultiCall, CallError> {
        let mut sent = Vec::with_capacity(nodes.len());
        for node in nodes {
            sent.push(self.ask(Target::Name(name.clone(), node.clone()), request).await);
        }
        let end = after(limit);
        let (mut called, mut not_sent) = (MultiCall::default(), None);
        for (node, sent) in nodes.iter().zip(sent) {
            let result = match sent {
                Ok((request, waiting)) => request.result(waiting.answer(end).await),
                Err(error) => Err(error),
            };
            match result {
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
    pub async fn reply(&self, client: &Client, reply: &Term) -> Result<(), SendError> {
        match client.reply(reply).map_err(|_| SendError::TooLong)? {
            (ReplyTo::Pid(pid), message) => self.send(&pid, message).await,
            (ReplyTo::Alias(alias), message) => self.send_to_alias(&alias, message).await,
        }
    }
}

/// A request that is void, with all that has come of it, unless somebody keeps it.
pub(crate) struct Waiting<'a> {
    mailbox: &'a Mailbox,
    request: Reference,
    is_kept: bool,
}

impl Waiting<'_> {
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }

    /// The answer, if it comes before that moment. Else the request is void.
    pub(crate) async fn answer(mut self, end: Option<Moment>) -> Option<Item> {
        let item = self.mailbox.arrived(&self.request, end).await;
        self.is_kept = true;
        item.or_else(|| self.void())
    }

    /// Nobody waits any more: what has come.
    pub(crate) fn end(mut self) -> Option<Item> {
        self.is_kept = true;
        self.void()
    }

    fn void(&self) -> Option<Item> {
        if !self.mailbox.spawn_request_abandon(&self.request) {
            self.mailbox.demonitor(&self.request, false);
        }
        self.mailbox.try_recv_match(|item| is_answer(item, &self.request))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            drop(self.void());
        }
    }
}

/// What the future gives, if it does before that moment.
pub(crate) async fn before<T>(end: Option<Moment>, future: impl Future<Output = T>) -> Option<T> {
    let late = async {
        match end {
            Some(end) => drop(Timer::at(end).await),
            None => future::pending().await,
        }
        None
    };
    future::or(async { Some(future.await) }, late).await
}

/// The moment that long from now; none if there is no limit, or one beyond what the clock can tell.
pub(crate) fn after(limit: Option<Duration>) -> Option<Moment> {
    limit.and_then(|limit| Moment::now().checked_add(limit))
}
