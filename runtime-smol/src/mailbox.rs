//! Mailboxes: where everything that concerns one local process arrives, in one order.

use core::time::Duration;
use std::sync::Arc;

use async_io::Timer;
use bytes::Bytes;
use futures_lite::future;
use netkernel_blocking::shared::{Call, Handle, Message, Outcome, Queue};
use netkernel_blocking::{Item, SendError};
use netkernel_core::net_kernel::mfa::{self, Exception};
use netkernel_core::net_kernel::{Answer, ConnectError, MonitorOptions};
use netkernel_core::process::RegisterNameError;
use netkernel_core::term::{Atom, Pid, Term};
use netkernel_core::wire::control::Control;
use netkernel_core::{MailboxId, NodeName};

/// A process of a [`Node`](crate::Node) that has a mailbox and nothing else. Dropping it ends the process.
///
/// Its queue has no bound, as Erlang's. Between the node events of a node come all messages from that link, and no other.
#[derive(Debug)]
pub struct Mailbox {
    id: MailboxId,
    queue: Arc<Queue>,
    handle: Arc<Handle>,
}

impl Mailbox {
    pub(crate) fn new(handle: Arc<Handle>) -> Self {
        let (id, queue) = handle.table.add_mailbox();
        Self { id, queue, handle }
    }

    /// Waits for the next item.
    #[must_use]
    pub async fn recv(&self) -> Item {
        self.queue.receive().await
    }

    /// Waits for the next item, for at most `limit`.
    #[must_use]
    pub async fn recv_timeout(&self, limit: Duration) -> Option<Item> {
        let item = async { Some(self.queue.receive().await) };
        let late = async {
            Timer::after(limit).await;
            None
        };
        future::or(item, late).await
    }

    /// The next item, if there is one.
    #[must_use]
    pub fn try_recv(&self) -> Option<Item> {
        self.queue.try_receive()
    }

    /// Has `waker` called after each item that arrives from now on, so that whoever has other things to wait for need not
    /// wait here: it is told, and takes the items by [`Self::try_recv`]. Only the first waker counts; `false` for others.
    ///
    /// It is called by the tasks of the node, under their locks: it must not block, nor call anything of this crate.
    pub fn set_waker(&self, waker: impl Fn() + Send + Sync + 'static) -> bool {
        self.queue.set_waker(Box::new(waker))
    }

    /// The pid of this process; `None` while the node is not alive. It changes with the node's name and creation.
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
    /// of a node that is gone is `ignored`.
    ///
    /// # Errors
    /// What the call raises.
    pub async fn apply(&self, call: mfa::Call) -> Result<Term, Exception> {
        let answer = self.handle.call(Call::Apply(self.id, call)).await;
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
        if self.handle.table.send_locally(to, &message) {
            return Ok(());
        }
        let node = NodeName::new(&to.node).map_err(|_| SendError::NoSuchNode)?;
        self.send_signal(
            &node,
            Control::Send { from: self.pid(), to: to.clone(), message, token: None },
        )
        .await
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
        if self.handle.table.send_locally_by_name(node, name, &message) {
            return Ok(());
        }
        let from = self.pid().ok_or(SendError::NotAlive)?;
        self.send_signal(node, Control::RegSend { from, to: name.clone(), message, token: None })
            .await
    }

    async fn send_signal(&self, node: &NodeName, signal: Control) -> Result<(), SendError> {
        let table = &self.handle.table;
        let outcome = match table.send(node, signal).await {
            Outcome::Absent { signal, seen } => {
                match self.handle.call(Call::AutoConnect(node.clone(), seen)).await {
                    Some(Answer::AutoConnect(Err(ConnectError::NotAlive))) | None => {
                        return Err(SendError::NotAlive);
                    }
                    // The attempt has begun, so that the signal can wait for it, or there will be none.
                    Some(_) => table.send(node, signal).await,
                }
            }
            outcome @ (Outcome::Sent | Outcome::Dropped | Outcome::TooLong) => outcome,
        };
        match outcome {
            // Absent still: no attempt is allowed, or it has failed already.
            Outcome::Sent | Outcome::Absent { .. } | Outcome::Dropped => Ok(()),
            Outcome::TooLong => Err(SendError::TooLong),
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.handle.table.remove_mailbox(self.id);
        self.handle.tell(Message::Forget(self.id));
    }
}
