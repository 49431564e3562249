//! The owner: the one thread that has the kernel.

use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};

use netkernel_core::driver::{Machine as _, turn};
use netkernel_core::net_kernel::{
    Answer, Input, MonitorOptions, NetKernel, NetState, NodeInfo, NodeKinds, NotAlive, OptionName,
    SocketOption, StartOptions, TicktimeChange, TicktimeError, TicktimeState,
};
use netkernel_core::{Cookie, Instant, LinkId, MailboxId, NodeName};

use crate::clock::{Clock, entropy};
use crate::host::BlockingHost;
use crate::node::Identity;
use crate::socket;

/// Messages that the inbox holds. Whoever sends more waits: callers, reader threads and the accept thread, but never the
/// owner.
pub(crate) const INBOX_MAX: usize = 1024;

/// What the owner is sent.
#[derive(Debug)]
pub(crate) enum Message {
    /// Of a stream or the listener.
    Input(Input),
    /// Of the listener.
    Accepted(TcpStream),
    /// A call that the kernel answers later.
    Call(Call, SyncSender<Answer>),
    /// Subscribes a mailbox to node events, or ends its subscription.
    MonitorNodes { mailbox: MailboxId, flag: bool, options: MonitorOptions, done: SyncSender<()> },
    /// Subscribes a mailbox to diagnostics, or ends its subscription.
    MonitorDiagnostics(MailboxId, bool, SyncSender<()>),
    /// Sets the cookie to use with a peer.
    SetCookie(NodeName, Cookie, SyncSender<()>),
    /// Changes the ticktime.
    SetNetTicktime { seconds: u32, transition_seconds: u32, reply: SyncSender<TicktimeAnswer> },
    /// What is the ticktime?
    GetNetTicktime(SyncSender<Option<TicktimeState>>),
    /// Appends to the allow list.
    Allow(Vec<String>, SyncSender<Result<(), NotAlive>>),
    /// Which nodes of these kinds are there?
    Nodes(NodeKinds, SyncSender<Vec<NodeInfo>>),
    /// What is the state of the node?
    State(SyncSender<Option<NetState>>),
    /// Who are we?
    Identity(SyncSender<Option<Identity>>),
    /// A mailbox is gone.
    Forget(MailboxId),
    /// The last handle is gone: stop the node and end.
    Leave,
}

/// What a call to change the ticktime gives; `None` while the node is not alive.
pub(crate) type TicktimeAnswer = Result<Option<TicktimeChange>, TicktimeError>;

/// A call of [`Message::Call`].
#[derive(Debug)]
pub(crate) enum Call {
    Start(StartOptions),
    Stop,
    Connect(NodeName),
    HiddenConnect(NodeName),
    /// A sender found no link with this node, and no attempt. The link is the latest that it knew of.
    AutoConnect(NodeName, Option<LinkId>),
    Disconnect(NodeName),
    Names(String),
    NodeInfo(NodeName),
    NodesInfo,
    GetOpts(NodeName, Vec<OptionName>),
    SetOpts(NodeName, Vec<SocketOption>),
    SetOptsNew(Vec<SocketOption>),
}

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) kernel: NetKernel,
    pub(crate) host: BlockingHost,
    pub(crate) clock: Clock,
    pub(crate) inbox: Receiver<Message>,
    pub(crate) leaving: bool,
}

impl Owner {
    /// The thread. A turn comes before each message, so deadlines that have passed are served before the inbox.
    pub(crate) fn run(mut self) {
        loop {
            let now = self.clock.now();
            let wake = turn(&mut self.kernel, now, &mut self.host);
            if let Some(input) = self.host.next_input() {
                self.kernel.handle(now, input);
                continue;
            }
            let outputs_left = wake.is_some_and(|wake| wake <= now);
            if !outputs_left && self.leaving && self.host.is_idle() {
                return;
            }
            match self.wait(wake) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn wait(&self, wake: Option<Instant>) -> Result<Message, RecvTimeoutError> {
        match wake {
            None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wake) => self.inbox.recv_timeout(wake.saturating_since(self.clock.now())),
        }
    }

    fn take(&mut self, message: Message) {
        let now = self.clock.now();
        match message {
            Message::Input(input) => {
                if self.host.admits(&input) {
                    self.kernel.handle(now, input);
                }
            }
            Message::Accepted(socket) => self.accept(now, socket),
            Message::Call(call, reply) => self.call(now, call, reply),
            Message::MonitorNodes { mailbox, flag, options, done } => {
                self.kernel.monitor_nodes(mailbox, flag, options);
                let _ = done.send(());
            }
            Message::MonitorDiagnostics(mailbox, on, done) => {
                self.host.monitor_diagnostics(mailbox, on);
                let _ = done.send(());
            }
            Message::SetCookie(peer, cookie, done) => {
                self.kernel.set_cookie(peer, cookie);
                let _ = done.send(());
            }
            Message::SetNetTicktime { seconds, transition_seconds, reply } => {
                let _ = reply.send(self.kernel.set_net_ticktime(now, seconds, transition_seconds));
            }
            Message::GetNetTicktime(reply) => drop(reply.send(self.kernel.get_net_ticktime())),
            Message::Allow(nodes, reply) => {
                let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
                let _ = reply.send(self.kernel.allow(&nodes));
            }
            Message::Nodes(kinds, reply) => drop(reply.send(self.kernel.nodes(kinds).collect())),
            Message::State(reply) => drop(reply.send(self.kernel.get_state())),
            Message::Identity(reply) => drop(reply.send(self.host.identity())),
            Message::Forget(mailbox) => {
                self.kernel.mailbox_died(mailbox);
                self.host.monitor_diagnostics(mailbox, false);
            }
            Message::Leave => {
                self.leaving = true;
                let _ = self.kernel.halt(now);
            }
        }
    }

    fn call(&mut self, now: Instant, call: Call, reply: SyncSender<Answer>) {
        let request = match call {
            Call::Start(options) => {
                // Without randomness there is no creation; the caller is told that the node is gone.
                let Ok(entropy) = entropy() else { return };
                self.host.prepare_start(&options);
                self.kernel.start(now, options, entropy)
            }
            Call::Stop => self.kernel.stop(now),
            Call::Connect(node) => self.kernel.connect_node(now, node),
            Call::HiddenConnect(node) => self.kernel.hidden_connect_node(now, node),
            Call::AutoConnect(node, seen) => self.kernel.auto_connect(now, &node, seen),
            Call::Disconnect(node) => self.kernel.disconnect_node(now, &node),
            Call::Names(host) => self.kernel.names(now, &host),
            Call::NodeInfo(node) => self.kernel.node_info(now, &node),
            Call::NodesInfo => self.kernel.nodes_info(now),
            Call::GetOpts(node, names) => self.kernel.getopts(now, &node, names),
            Call::SetOpts(node, options) => self.kernel.setopts(now, &node, options),
            Call::SetOptsNew(options) => self.kernel.setopts_new(now, options),
        };
        self.host.await_answer(request, reply);
    }

    /// Takes a connection in; without randomness or threads it is dropped, as if nobody had accepted it.
    fn accept(&mut self, now: Instant, socket: TcpStream) {
        let (stream, local) = (self.kernel.mint_stream(), socket::is_local(&socket));
        match entropy().and_then(|entropy| self.host.accepted(stream, socket).map(|()| entropy)) {
            Ok(entropy) => self.kernel.handle(now, Input::Accepted { stream, entropy, local }),
            Err(error) => tracing::warn!(%error, "dropping an incoming connection"),
        }
    }
}
