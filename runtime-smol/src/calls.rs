//! Calls of servers, as `gen_server` makes them.

use core::mem;
use core::time::Duration;
use std::time::Instant as Moment;

use async_io::Timer;
use bytes::Bytes;
use futures_lite::future;
use netkernel_blocking::shared::{Outcome, Pending, call_not_sent};
use netkernel_blocking::{CallError, CallRequest, Item, MultiCall, SendError};
use netkernel_core::NodeName;
use netkernel_core::calls::gen_server::{self, Client, ReplyTo};
use netkernel_core::process::{MonitorAlias, Target};
use netkernel_core::term::{Atom, Term};
use netkernel_core::wire::control::Control;

use crate::mailbox::Mailbox;

impl Mailbox {
    /// Calls a server, and waits for its reply (`gen_server:call/2,3`), for at most `limit`. A server of Erlang is a `gen_server` or anything else that
    /// answers calls in its manner, such as a `gen_statem` or a `GenServer` of Elixir.
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
        let end = limit.and_then(|limit| Moment::now().checked_add(limit));
        let request = self.send_request(server, request).await?;
        self.response(&request, end).await
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
    /// [`CallError`].
    pub async fn send_request(
        &self,
        server: impl Into<Target>,
        request: &Term,
    ) -> Result<CallRequest, CallError> {
        let server = server.into();
        let reference = self
            .monitor_with_alias(server.clone(), MonitorAlias::ReplyDemonitor)
            .await
            .map_err(|error| call_not_sent(error, &server))?;
        let sent = CallRequest::new(reference, server.clone());
        let void = Void { mailbox: self, request: &sent };
        let own = self.pid().ok_or(SendError::Ended)?;
        let message = gen_server::call(&own, sent.reference(), request);
        self.send_noconnect(&server, message.map_err(|_| SendError::TooLong)?).await?;
        void.keep();
        Ok(sent)
    }

    /// Waits for the reply to a request, for at most `limit` (`gen_server:receive_response/2`). After a time-out the request is void, and its
    /// reply reaches nobody; so it is if the future is dropped.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn receive_response(
        &self,
        request: &CallRequest,
        limit: Option<Duration>,
    ) -> Result<Term, CallError> {
        let end = limit.and_then(|limit| Moment::now().checked_add(limit));
        self.response(request, end).await
    }

    async fn response(
        &self,
        request: &CallRequest,
        end: Option<Moment>,
    ) -> Result<Term, CallError> {
        request.result(self.answer_to(request, end).await)
    }

    /// The answer, if it comes before that moment. Else the request is void.
    pub(crate) async fn answer_to(
        &self,
        request: &impl Pending,
        end: Option<Moment>,
    ) -> Option<Item> {
        let void = Void { mailbox: self, request };
        let answer = async { Some(self.recv_match(|item| request.is_answer(item)).await) };
        let late = async {
            match end {
                Some(end) => drop(Timer::at(end).await),
                None => future::pending().await,
            }
            None
        };
        match future::or(answer, late).await {
            Some(item) => {
                void.keep();
                Some(item)
            }
            None => void.end(),
        }
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
        match table.send(&node, signal).await {
            Outcome::Sent | Outcome::Absent { .. } | Outcome::Dropped => Ok(()),
            Outcome::TooLong => Err(SendError::TooLong),
        }
    }

    /// Calls servers with the same name on several nodes, and waits until all have answered, or for `limit` (`gen_server:multi_call/4`): the replies, and
    /// the nodes that gave none, both in the order of `nodes`.
    ///
    /// # Errors
    /// [`CallError::Send`].
    pub async fn multi_call(
        &self,
        nodes: &[NodeName],
        name: &Atom,
        request: &Term,
        limit: Option<Duration>,
    ) -> Result<MultiCall, CallError> {
        let end = limit.and_then(|limit| Moment::now().checked_add(limit));
        let mut sent = Vec::with_capacity(nodes.len());
        for node in nodes {
            let server = Target::Name(name.clone(), node.clone());
            sent.push(self.send_request(server, request).await);
        }
        let mut called = MultiCall::default();
        for (node, sent) in nodes.iter().zip(sent) {
            let result = match sent {
                Ok(sent) => self.response(&sent, end).await,
                Err(error) => Err(error),
            };
            match result {
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
    pub async fn reply(&self, client: &Client, reply: &Term) -> Result<(), SendError> {
        match client.reply(reply).map_err(|_| SendError::TooLong)? {
            (ReplyTo::Pid(pid), message) => self.send(&pid, message).await,
            (ReplyTo::Alias(alias), message) => self.send_to_alias(&alias, message).await,
        }
    }
}

/// Makes a request void unless somebody keeps it: nothing comes of it any more.
struct Void<'a, R: Pending> {
    mailbox: &'a Mailbox,
    request: &'a R,
}

impl<R: Pending> Void<'_, R> {
    fn keep(self) {
        mem::forget(self);
    }

    /// What has come of it before.
    fn end(self) -> Option<Item> {
        let item = self.make_void();
        self.keep();
        item
    }

    fn make_void(&self) -> Option<Item> {
        if !self.mailbox.spawn_request_abandon(self.request.reference()) {
            self.mailbox.demonitor(self.request.reference(), false);
        }
        self.mailbox.try_recv_match(|item| self.request.is_answer(item))
    }
}

impl<R: Pending> Drop for Void<'_, R> {
    fn drop(&mut self) {
        drop(self.make_void());
    }
}
