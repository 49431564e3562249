//! Mailboxes: where everything that concerns one local process arrives, in one order.

use core::time::Duration;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use netkernel_blocking::shared::{self, Call, Handle, Message, Outcome, Queue, Way};
use netkernel_blocking::{Bound, Item, MonitorNodeOptions, SendError, Verbosity};
use netkernel_core::net_kernel::mfa::{self, Exception};
use netkernel_core::net_kernel::{Answer, AutoConnect, ConnectError, MonitorOptions};
use netkernel_core::process::{AliasOption, MonitorAlias, RegisterNameError, Target};
use netkernel_core::term::{Atom, Pid, Reference, Term};
use netkernel_core::wire::control::Control;
use netkernel_core::{LinkId, MailboxId, NodeName};

use crate::calls::{after, before};
use crate::node::{Node, part};
use crate::stream::Spawner;

/// A process of a [`Node`]: its mailbox, and what it does. Dropping it ends the process, with the reason `normal`, or `panic` if a panic
/// drops it.
///
/// Its queue has no bound, as Erlang's, unless [`Self::set_bound`] gives it one. Between the node events of a node come all messages from that link, and no other.
#[derive(Debug)]
pub struct Mailbox {
    pub(crate) id: MailboxId,
    pub(crate) queue: Arc<Queue>,
    pub(crate) handle: Arc<Handle>,
    pub(crate) spawner: Spawner,
}

impl Mailbox {
    pub(crate) fn new(handle: Arc<Handle>, spawner: Spawner) -> Self {
        let (id, queue) = handle.table.add_mailbox();
        Self { id, queue, handle, spawner }
    }

    /// Waits for the next item.
    #[must_use]
    pub async fn recv(&self) -> Item {
        self.queue.receive().await
    }

    /// Waits for the next item, for at most `limit`.
    #[must_use]
    pub async fn recv_timeout(&self, limit: Duration) -> Option<Item> {
        before(after(Some(limit)), self.queue.receive()).await
    }

    /// The next item, if there is one.
    #[must_use]
    pub fn try_recv(&self) -> Option<Item> {
        self.queue.try_receive()
    }

    /// Waits for the first item that is `wanted`, past others, which stay as they are (a `receive` with patterns). No item is looked at
    /// twice while this waits, so that a long queue costs no more than a short one. If an exit signal has ended the process it is
    /// given, wanted or not. `wanted` may call this mailbox.
    #[must_use]
    pub async fn recv_match(&self, wanted: impl FnMut(&Item) -> bool) -> Item {
        self.queue.receive_match(wanted).await
    }

    /// As [`Self::recv_match`], for at most `limit`.
    #[must_use]
    pub async fn recv_match_timeout(
        &self,
        limit: Duration,
        wanted: impl FnMut(&Item) -> bool,
    ) -> Option<Item> {
        before(after(Some(limit)), self.queue.receive_match(wanted)).await
    }

    /// As [`Self::recv_match`], if there is such an item.
    #[must_use]
    pub fn try_recv_match(&self, mut wanted: impl FnMut(&Item) -> bool) -> Option<Item> {
        self.queue.try_receive_match(&mut 0, &mut wanted)
    }

    /// Bounds what waits in this mailbox; `None`, as at first: it has no bound, as Erlang's.
    pub fn set_bound(&self, bound: Option<Bound>) {
        self.queue.set_bound(bound);
    }

    /// Items that wait (`process_info(Pid, message_queue_len)`), node events and all else among them.
    #[must_use]
    pub fn message_queue_len(&self) -> usize {
        self.queue.count()
    }

    /// Messages that [`Overflow::DropNewest`](crate::Overflow::DropNewest) has dropped.
    #[must_use]
    pub fn messages_dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// Has `waker` called after each item that arrives from now on, so that whoever has other things to wait for need not
    /// wait here: it is told, and takes the items by [`Self::try_recv`]. Only the first waker counts; `false` for others.
    ///
    /// It is called by the tasks of the node, which do nothing else meanwhile: it must not block, nor wait for this node. They may call it once
    /// for items that come together. A panic in it goes no further.
    pub fn set_waker(&self, waker: impl Fn() + Send + Sync + 'static) -> bool {
        self.queue.set_waker(Box::new(waker))
    }

    /// The pid of this process (`erlang:self/0`); `None` while the node is not alive, or when an exit signal has ended the process.
    /// It changes with the node's name and creation.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.handle.table.pid(self.id)
    }

    /// Gives this process a name (`erlang:register/2`). It keeps it until [`Self::unregister`] or the end.
    ///
    /// # Errors
    /// Why it cannot have the name.
    pub fn register(&self, name: Atom) -> Result<(), RegisterNameError> {
        self.handle.table.register(name, self.id)
    }

    /// Frees a registered name of this node (`erlang:unregister/1`); `false` if no process had it.
    pub fn unregister(&self, name: &str) -> bool {
        self.handle.table.unregister(name)
    }

    /// Begins or ends the delivery of an [`Item::Event`] for each node that comes or goes from now on, this node itself
    /// among them (`net_kernel:monitor_nodes/2`). Works before the node is started, and survives its stop.
    ///
    /// Each call with `true` brings one more copy of each event; a call with `false` ends them all. Subscriptions with
    /// different options are independent. [`MonitorOptions::ALL`] is all there is to know.
    pub async fn monitor_nodes(&self, flag: bool, options: MonitorOptions) {
        let message = |done| Message::MonitorNodes { mailbox: self.id, flag, options, done };
        self.handle.request(message).await;
    }

    /// Makes a call as Erlang's processes make it, and gives what it returns: any of [`mfa::Call`], in the name of this process. A call
    /// of a node that is gone is `ignored`. What the call prints is lost: [`Self::apply_printing`] keeps it.
    ///
    /// # Errors
    /// What the call raises.
    pub async fn apply(&self, call: mfa::Call) -> Result<Term, Exception> {
        self.apply_printing(call, &mut |_| ()).await
    }

    /// As [`Self::apply`]. `print` gets what the call prints, which only verbose ones of `net_adm` do: in pieces, `Pinging b@h -> ` before a
    /// ping, and `pong` or `pang` and the end of the line after it.
    ///
    /// # Errors
    /// What the call raises.
    pub async fn apply_printing(
        &self,
        call: mfa::Call,
        print: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Term, Exception> {
        if let mfa::Call::NetAdm(call) = call {
            let (handle, spawner) = (Arc::clone(&self.handle), self.spawner.clone());
            let node = Node { handle, spawner };
            let directories = &self.handle.host_dirs;
            return node.inquire(call, directories, Verbosity::Verbose(print)).await.to_result();
        }
        let call = if call == mfa::Call::Stop {
            Call::Stop(part(&self.handle).await)
        } else {
            Call::Apply(self.id, call)
        };
        let answer = self.handle.call(call).await;
        if let Some(Answer::MonitorNode { node, flag, allow_passive_connect }) = answer {
            let options = MonitorNodeOptions { allow_passive_connect };
            return shared::node_monitored(self.monitor_node_opt(&node, flag, options).await);
        }
        answer.and_then(|answer| answer.to_result()).unwrap_or_else(|| Ok(mfa::ignored()))
    }

    /// Begins or ends the delivery of an [`Item::Diagnostic`] for all that an Erlang node would log, in order with the
    /// node events. While 1024 items wait they are dropped: strangers can cause any number of them.
    pub async fn monitor_diagnostics(&self, on: bool) {
        self.handle.request(|done| Message::MonitorDiagnostics(self.id, on, done)).await;
    }

    /// Sends a message to a process. `message` is one complete external term, version byte included.
    ///
    /// Connects to the node if there is no link and `dist_auto_connect` allows it
    /// ([`Config::auto_connect`](netkernel_core::net_kernel::Config::auto_connect)). Waits while too much is queued for that node. As in Erlang, success says
    /// nothing about the arrival.
    ///
    /// # Errors
    /// [`SendError`]: the message was not even tried.
    pub async fn send(&self, to: &Pid, message: impl Into<Bytes>) -> Result<(), SendError> {
        let message = message.into();
        if self.handle.table.send_locally(self.id, to, &message)? {
            return Ok(());
        }
        let node = NodeName::new(&to.node).map_err(|_| SendError::NoSuchNode)?;
        let from = self.handle.table.known_sender(self.id)?;
        self.send_signal(&node, Control::Send { from, to: to.clone(), message, token: None }).await
    }

    /// Sends a message to the process that is registered under `name` on `node`; else as [`Self::send`].
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_to_name(
        &self,
        name: &Atom,
        node: &NodeName,
        message: impl Into<Bytes>,
    ) -> Result<(), SendError> {
        let message = message.into();
        if self.handle.table.send_locally_by_name(self.id, node, name, &message)? {
            return Ok(());
        }
        let from = self.handle.table.sender(self.id)?;
        self.send_signal(node, Control::RegSend { from, to: name.clone(), message, token: None })
            .await
    }

    /// Sends a message to an alias; else as [`Self::send`].
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_to_alias(
        &self,
        alias: &Reference,
        message: impl Into<Bytes>,
    ) -> Result<(), SendError> {
        let message = message.into();
        if self.handle.table.send_locally_to_alias(self.id, alias, &message)? {
            return Ok(());
        }
        let node = NodeName::new(alias.node()).map_err(|_| SendError::NoSuchNode)?;
        let from = self.handle.table.known_sender(self.id)?;
        let signal = Control::AliasSend { from, to: alias.clone(), message, token: None };
        self.send_signal(&node, signal).await
    }

    async fn send_signal(&self, node: &NodeName, signal: Control) -> Result<(), SendError> {
        let table = &self.handle.table;
        let outcome = match table.send(Some(self.id), node, signal).await {
            Outcome::Absent { signal, seen } => {
                self.wish(node.clone(), seen).await?;
                // The attempt has begun, so that the signal can wait for it, or there will be none.
                table.send(Some(self.id), node, signal).await
            }
            outcome @ (Outcome::Sent | Outcome::Dropped | Outcome::TooLong | Outcome::Ended) => {
                outcome
            }
        };
        match outcome {
            // Absent still: no attempt is allowed, or it has failed already.
            Outcome::Sent | Outcome::Absent { .. } | Outcome::Dropped => Ok(()),
            Outcome::TooLong => Err(SendError::TooLong),
            Outcome::Ended => Err(SendError::Ended),
        }
    }

    /// Links this process with another one (`erlang:link/1`): when either ends, the other gets an exit signal. Nothing happens
    /// if they are linked. If there is no such process, or its node cannot be reached, that exit signal comes at once.
    ///
    /// Connects to the node, and waits, as [`Self::send`] does.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn link(&self, to: &Pid) -> Result<(), SendError> {
        self.approach(&to.node).await?;
        self.handle.table.link(self.id, to)
    }

    /// Ends the link of this process with another one, if there is one (`erlang:unlink/1`). No exit signal comes of it from now
    /// on; one that has come, as an item, stays.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn unlink(&self, from: &Pid) -> Result<(), SendError> {
        self.handle.table.unlink(self.id, from)
    }

    /// The processes that this one is linked with, those of this node last (`process_info(Pid, links)`).
    #[must_use]
    pub fn links(&self) -> Vec<Pid> {
        self.handle.table.links(self.id)
    }

    /// Has this process told when another one ends (`erlang:monitor/2`), by a [`ProcessEvent::Down`](crate::ProcessEvent::Down) with the reference that is
    /// given back. It comes at once if there is no such process, or its node cannot be reached.
    ///
    /// Connects to the node, and waits, as [`Self::send`] does.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn monitor(&self, of: impl Into<Target>) -> Result<Reference, SendError> {
        let of = of.into();
        self.approach(of.node()).await?;
        self.handle.table.monitor(self.id, of, None)
    }

    /// As [`Self::monitor`], and the reference is an alias, too (the option `alias` of `erlang:monitor/3`).
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn monitor_with_alias(
        &self,
        of: impl Into<Target>,
        alias: MonitorAlias,
    ) -> Result<Reference, SendError> {
        let of = of.into();
        self.approach(of.node()).await?;
        self.handle.table.monitor(self.id, of, Some(alias))
    }

    /// Ends a monitor of this process (`erlang:demonitor/2`): whether there was one still, which is what Erlang answers with the option
    /// `info`, and without it `true` always. Nothing comes of it from now on; what has come stays, unless `flush` is set (the option of
    /// that name).
    pub fn demonitor(&self, monitor: &Reference, flush: bool) -> bool {
        let found = self.handle.table.demonitor(self.id, monitor);
        if flush {
            self.queue.flush(monitor);
        }
        found
    }

    /// Sends an exit signal (`erlang:exit/2`): it ends the receiver, unless that traps exits or `reason` is `normal`; `kill` ends
    /// it always.
    ///
    /// Connects to the node, and waits, as [`Self::send`] does.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn exit(&self, to: &Pid, reason: &Term) -> Result<(), SendError> {
        let reason = shared::reason(reason)?;
        self.approach(&to.node).await?;
        self.handle.table.exit(self.id, to, reason)
    }

    /// Whether exit signals become items instead of ending this process (`process_flag(trap_exit, On)`): the old value. It is
    /// `false` at first.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn trap_exit(&self, on: bool) -> Result<bool, SendError> {
        self.handle.table.trap_exit(self.id, on)
    }

    /// Ends this process for a reason (`erlang:exit/1`). Dropping it does so with the reason `normal`.
    ///
    /// # Errors
    /// [`SendError::TooLong`]: the reason is. It has ended normally then.
    pub fn terminate(self, reason: &Term) -> Result<(), SendError> {
        let reason = shared::reason(reason)?;
        self.end(&reason);
        Ok(())
    }

    /// Ends this process for an encoded reason.
    pub(crate) fn end(self, reason: &Bytes) {
        self.handle.table.remove_mailbox(self.id, Some(reason));
    }

    /// A reference that has never been (`erlang:make_ref/0`).
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn make_ref(&self) -> Result<Reference, SendError> {
        self.handle.table.make_ref(self.id)
    }

    /// A new alias of this process (`erlang:alias/1`).
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn alias(&self, option: AliasOption) -> Result<Reference, SendError> {
        self.handle.table.alias(self.id, option)
    }

    /// Ends an alias of this process (`erlang:unalias/1`); `false` if it has no such alias.
    pub fn unalias(&self, alias: &Reference) -> bool {
        self.handle.table.unalias(self.id, alias)
    }

    /// The group leader of this process (`erlang:group_leader/0`): the one that it has been given, or else the process of this node that is registered as `user`. What
    /// this process spawns has the same; without any it has this process, and whatever it writes is a message for this mailbox
    /// ([`Self::serve_output`]).
    #[must_use]
    pub fn group_leader(&self) -> Option<Pid> {
        self.handle.table.group_leader(self.id)
    }

    /// Gives this process a group leader (`erlang:group_leader/2`).
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn set_group_leader(&self, leader: &Pid) -> Result<(), SendError> {
        self.handle.table.set_group_leader(self.id, leader)
    }

    /// Sees to it that there is a link with a node, or an attempt, if that may be, and that it has room.
    pub(crate) async fn approach(&self, node: &Atom) -> Result<(), SendError> {
        let Way::Absent(seen) = self.handle.table.way(node).await else { return Ok(()) };
        let node = NodeName::new(node).map_err(|_| SendError::NoSuchNode)?;
        // The attempt has begun, or there will be none: then there is no connection.
        self.wish(node, seen).await
    }

    /// Wishes for a link with a node. An attempt that has to wait for the node's own name is waited for, since nothing can wait
    /// for a link before it.
    async fn wish(&self, node: NodeName, seen: Option<LinkId>) -> Result<(), SendError> {
        match self.handle.call(Call::AutoConnect(node.clone(), seen)).await {
            Some(Answer::AutoConnect(Err(ConnectError::NotAlive))) | None => {
                Err(SendError::NotAlive)
            }
            Some(Answer::AutoConnect(Ok(AutoConnect::Deferred))) => {
                self.handle.call(Call::ConnectAutomatically(node)).await;
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let panicked = thread::panicking().then_some(shared::PANIC);
        self.handle.table.remove_mailbox(self.id, panicked.as_ref());
        self.handle.tell(Message::Forget(self.id));
    }
}
