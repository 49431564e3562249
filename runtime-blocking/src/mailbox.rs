//! Mailboxes: where everything that concerns one local process arrives, in one order.

use core::fmt;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Instant as Moment;

use bytes::Bytes;
use netkernel_core::net_kernel::{Answer, ConnectError, Diagnostic, MonitorOptions, NodeEvent};
use netkernel_core::process::RegisterNameError;
use netkernel_core::term::{Atom, Pid};
use netkernel_core::wire::control::Control;
use netkernel_core::{MailboxId, NodeName};

use crate::lock;
use crate::node::Handle;
use crate::owner::{Call, Message};
use crate::table::Outcome;

/// What arrives in a [`Mailbox`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Item {
    /// A message: one complete external term, version byte included, not decoded.
    Message(Bytes),
    /// A node came or went. See [`Mailbox::monitor_nodes`].
    Event(NodeEvent),
    /// What an Erlang node would log. See [`Mailbox::monitor_diagnostics`].
    Diagnostic(Diagnostic),
}

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
    pub fn recv(&self) -> Item {
        let mut items = lock(&self.queue.items);
        loop {
            match items.pop_front() {
                Some(item) => return item,
                None => {
                    items = self.queue.wake.wait(items).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Waits for the next item, for at most `limit`.
    #[must_use]
    pub fn recv_timeout(&self, limit: Duration) -> Option<Item> {
        let start = Moment::now();
        let mut items = lock(&self.queue.items);
        loop {
            if let Some(item) = items.pop_front() {
                return Some(item);
            }
            let left = limit.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
            let waited = self.queue.wake.wait_timeout(items, left);
            items = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next item, if there is one.
    #[must_use]
    pub fn try_recv(&self) -> Option<Item> {
        lock(&self.queue.items).pop_front()
    }

    /// Has `waker` called after each item that arrives from now on, so that a thread with other things to wait for need not
    /// wait here: it is told, and takes the items by [`Self::try_recv`]. Only the first waker counts; `false` for others.
    ///
    /// It is called by the threads of the node, under their locks: it must not block, nor call anything of this crate.
    pub fn set_waker(&self, waker: impl Fn() + Send + Sync + 'static) -> bool {
        self.queue.waker.set(Waker(Box::new(waker))).is_ok()
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
    pub fn monitor_nodes(&self, flag: bool, options: MonitorOptions) {
        let message = |done| Message::MonitorNodes { mailbox: self.id, flag, options, done };
        self.handle.request(message);
    }

    /// Begins or ends the delivery of an [`Item::Diagnostic`] for all that an Erlang node would log, in order with the
    /// node events. While 1024 items wait they are dropped: strangers can cause any number of them.
    pub fn monitor_diagnostics(&self, on: bool) {
        self.handle.request(|done| Message::MonitorDiagnostics(self.id, on, done));
    }

    /// Sends a message to a process. `message` is one complete external term, version byte included.
    ///
    /// Connects to the node if there is no link and `dist_auto_connect` allows it
    /// ([`Config::auto_connect`](netkernel_core::net_kernel::Config::auto_connect)). Waits while too much is queued for that node. As in Erlang, success says
    /// nothing about the arrival.
    ///
    /// # Errors
    /// [`SendError`]: the message was not even tried.
    pub fn send(&self, to: &Pid, message: impl Into<Bytes>) -> Result<(), SendError> {
        let message = message.into();
        if self.handle.table.send_locally(to, &message) {
            return Ok(());
        }
        let node = NodeName::new(&to.node).map_err(|_| SendError::NoSuchNode)?;
        self.send_signal(&node, Control::Send { to: to.clone(), message })
    }

    /// Sends a message to the process that is registered under `name` on `node`; else as [`Self::send`].
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_to_name(
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
        self.send_signal(node, Control::RegSend { from, to: name.clone(), message })
    }

    fn send_signal(&self, node: &NodeName, signal: Control) -> Result<(), SendError> {
        let table = &self.handle.table;
        let outcome = match table.send(node, signal) {
            Outcome::Absent { signal, seen } => {
                match self.handle.call(Call::AutoConnect(node.clone(), seen)) {
                    Some(Answer::AutoConnect(Err(ConnectError::NotAlive))) | None => {
                        return Err(SendError::NotAlive);
                    }
                    // The attempt has begun, so that the signal can wait for it, or there will be none.
                    Some(_) => table.send(node, signal),
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

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// The pid is of a node that cannot exist.
    NoSuchNode,
    /// This node is not alive, so it cannot reach another one.
    NotAlive,
    /// Longer than a frame can be: 4 GiB.
    TooLong,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchNode => "the node of the pid has an impossible name",
            Self::NotAlive => "this node is not alive",
            Self::TooLong => "the message is longer than a frame can be",
        })
    }
}

impl core::error::Error for SendError {}

/// Items that wait, above which diagnostics are dropped.
const DIAGNOSTICS_MAX: usize = 1024;

/// What waits in a mailbox.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    items: Mutex<VecDeque<Item>>,
    wake: Condvar,
    waker: OnceLock<Waker>,
}

struct Waker(Box<dyn Fn() + Send + Sync>);

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker(..)")
    }
}

impl Queue {
    pub(crate) fn push(&self, item: Item) {
        let mut items = lock(&self.items);
        if matches!(item, Item::Diagnostic(_)) && items.len() >= DIAGNOSTICS_MAX {
            return;
        }
        items.push_back(item);
        drop(items);
        self.wake.notify_one();
        if let Some(Waker(waker)) = self.waker.get() {
            waker();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_stop_at_a_bound_and_messages_do_not() {
        let queue = Queue::default();
        for _ in 0..2 * DIAGNOSTICS_MAX {
            queue.push(Item::Diagnostic(Diagnostic::RegistrationRenewed));
        }
        assert_eq!(lock(&queue.items).len(), DIAGNOSTICS_MAX);
        queue.push(Item::Message(Bytes::new()));
        assert_eq!(lock(&queue.items).len(), DIAGNOSTICS_MAX + 1);
    }
}
