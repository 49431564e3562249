//! What all handles of one node share.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant as Moment;

use netkernel_core::net_kernel::Answer;
use netkernel_core::term;

use super::{Call, Inbox, Message, Parting, Reply, RpcFunctions, Surroundings, Table, reply};
use crate::config::NodeConfig;
use crate::host_dirs::HostDirs;

/// The way to one node. The end of the last clone of the `Arc` around it stops the node.
#[derive(Debug)]
pub struct Handle {
    inbox: Arc<Inbox>,
    /// The node's processes and peers.
    pub table: Arc<Table>,
    /// How long an attempt of a peer to connect is waited for.
    pub setup_time: Duration,
    /// Where host files are, for calls in Erlang's form.
    pub host_dirs: HostDirs,
    /// How large the terms may be that are decoded for the user.
    pub term_limits: term::Limits,
    /// What others may call here.
    pub rpc: Arc<RpcFunctions>,
}

impl Handle {
    /// The handle of a node of this configuration and these surroundings.
    #[must_use]
    pub fn new(config: &NodeConfig, of: &Surroundings) -> Self {
        Self {
            inbox: Arc::clone(&of.inbox),
            table: Arc::clone(&of.table),
            setup_time: config.kernel.effective_setup_time(),
            host_dirs: config.host_dirs.clone(),
            term_limits: config.term_limits,
            rpc: Arc::default(),
        }
    }

    /// Makes a call and waits for its answer; `None` if the node cannot even try.
    pub async fn call(&self, call: Call) -> Option<Answer> {
        self.request(|reply| Message::Call(call, reply)).await
    }

    /// Sends a message and waits for the reply; `None` if it was dropped.
    pub async fn request<R>(&self, message: impl FnOnce(Reply<R>) -> Message) -> Option<R> {
        let (reply, answer) = reply();
        self.inbox.send(message(reply)).await;
        answer.wait().await
    }

    /// As [`Self::call`], but blocks.
    pub fn call_blocking(&self, call: Call) -> Option<Answer> {
        self.request_blocking(|reply| Message::Call(call, reply))
    }

    /// As [`Self::request`], but blocks.
    pub fn request_blocking<R>(&self, message: impl FnOnce(Reply<R>) -> Message) -> Option<R> {
        let (reply, answer) = reply();
        self.inbox.send_blocking(message(reply));
        answer.block()
    }

    /// As [`Self::call_blocking`], until that moment: the outer `None`.
    pub fn call_until(&self, call: Call, end: Option<Moment>) -> Option<Option<Answer>> {
        let (reply, answer) = reply();
        self.inbox.send_blocking(Message::Call(call, reply));
        answer.block_until(end)
    }

    /// Blocks until what was sent on all links is written, for as long as a stop waits for that.
    pub fn part_blocking(&self) -> Parting {
        let parting = self.table.part();
        parting.wait_blocking();
        parting
    }

    /// Sends a message that has no reply, from where nobody can wait.
    pub fn tell(&self, message: Message) {
        self.inbox.tell(message);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.tell(Message::Leave);
    }
}
