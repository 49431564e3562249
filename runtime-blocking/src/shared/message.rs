//! What the owner is sent.

use netkernel_core::net_adm::Host;
use netkernel_core::net_kernel::mfa;
use netkernel_core::net_kernel::{
    Address, Answer, Input, MonitorOptions, NetState, NodeInfo, NodeKinds, NotAlive, OptionName,
    SocketOption, StartOptions, TicktimeChange, TicktimeError, TicktimeState,
};
use netkernel_core::process::Request;
use netkernel_core::{Cookie, LinkId, MailboxId, NodeName, StreamId};
use socket2::Socket;

use super::{Parting, Reply};
use crate::identity::Identity;

/// What the owner is sent.
#[derive(Debug)]
#[expect(missing_docs, reason = "fields are what the kernel's function of that name takes")]
pub enum Message {
    /// Of a stream or the listener.
    Input(Input),
    /// Of the listener.
    Accepted(Socket),
    /// A call that the kernel answers later.
    Call(Call, Reply<Answer>),
    /// Subscribes a mailbox to node events, or ends its subscription.
    MonitorNodes { mailbox: MailboxId, flag: bool, options: MonitorOptions, done: Reply<()> },
    /// Subscribes a mailbox to diagnostics, or ends its subscription.
    MonitorDiagnostics(MailboxId, bool, Reply<()>),
    /// Sets the cookie to use with a peer.
    SetCookie(NodeName, Cookie, Reply<()>),
    /// Sets the cookie to use with all others.
    SetOwnCookie(Cookie, Reply<()>),
    /// Which cookie is used with this peer? Without a peer: with those that have none of their own.
    GetCookie(Option<NodeName>, Reply<Cookie>),
    /// Says where a peer is, or that EPMD knows.
    SetAddress(NodeName, Option<Address>, Reply<()>),
    /// Changes the ticktime.
    SetNetTicktime { seconds: u32, transition_seconds: u32, reply: Reply<TicktimeAnswer> },
    /// What is the ticktime?
    GetNetTicktime(Reply<Option<TicktimeState>>),
    /// Appends to the allow list.
    Allow(Vec<String>, Reply<Result<(), NotAlive>>),
    /// Which nodes of these kinds are there?
    Nodes(NodeKinds, Reply<Vec<NodeInfo>>),
    /// What is the state of the node?
    State(Reply<Option<NetState>>),
    /// Who are we?
    Identity(Reply<Option<Identity>>),
    /// What came for `net_kernel` on a link's stream.
    Request(StreamId, Request),
    /// A mailbox is gone.
    Forget(MailboxId),
    /// The last handle is gone: stop the node and end.
    Leave,
}

/// What a call to change the ticktime gives; `None` while the node is not alive.
pub type TicktimeAnswer = Result<Option<TicktimeChange>, TicktimeError>;

/// A call of [`Message::Call`].
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the function of the same name")]
pub enum Call {
    Start(StartOptions),
    Stop(Parting),
    Halt(Parting),
    Connect(NodeName),
    HiddenConnect(NodeName),
    ConnectAutomatically(NodeName),
    /// A sender found no link with this node, and no attempt. The link is the latest that it knew of.
    AutoConnect(NodeName, Option<LinkId>),
    Disconnect(NodeName),
    Names(Host),
    NodeInfo(NodeName),
    NodesInfo,
    GetOpts(NodeName, Vec<OptionName>),
    SetOpts(NodeName, Vec<SocketOption>),
    SetOptsNew(Vec<SocketOption>),
    Apply(MailboxId, mfa::Call),
}
