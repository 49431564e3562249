//! What goes into a machine and what comes out of it.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

use super::mfa::Exception;
use super::{
    Address, BadNode, ConnectError, ConnectionInfo, Diagnostic, Endpoint, MonitorOptions,
    NodeEvent, NotAlive, OptionName, OptsError, Reply, SocketOption, StartError, StopError,
};
use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::epmd::NamesError;
use crate::family::Family;
use crate::ids::{LinkId, MailboxId, RequestId, StreamId};
use crate::liveness::Traffic;
use crate::name::NodeName;
use crate::stream::{CloseCause, OpenError, Promotion};
use crate::term::Term;
use crate::time::Instant;

/// Everything that can happen to a machine. Exhaustive on purpose: both sides of the seam must know every event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Input {
    /// The deadline may have passed. Harmless at any time.
    Timeout,
    /// [`Output::Listen`] succeeded: the listener is open on this TCP port.
    Listening {
        /// The port that peers can reach.
        port: u16,
    },
    /// [`Output::Listen`] failed.
    ListenFailed {
        /// Why.
        error: OpenError,
    },
    /// The listener broke later on.
    ListenerLost,
    /// [`Output::Open`] succeeded.
    Opened {
        /// The stream that was to be opened.
        stream: StreamId,
        /// For the challenge.
        entropy: Entropy,
    },
    /// [`Output::Open`] failed; the stream is gone.
    OpenFailed {
        /// The stream that was to be opened.
        stream: StreamId,
        /// Why.
        error: OpenError,
    },
    /// The listener accepted a connection.
    Accepted {
        /// An id from [`Machine::mint_stream`].
        stream: StreamId,
        /// For the challenge, and for a name if the peer asks for one.
        entropy: Entropy,
        /// The peer is on this host: its address is a loopback one, or the one that it connected to. Only an
        /// [EPMD](crate::epmd_server) cares.
        local: bool,
    },
    /// Bytes arrived: the answer to one [`Output::Read`]. Never empty.
    Received {
        /// The stream that was read.
        stream: StreamId,
        /// What was read.
        #[cfg_attr(feature = "arbitrary", arbitrary(with = crate::any::bytes))]
        #[cfg_attr(
            any(test, feature = "proptest"),
            proptest(strategy = "crate::any::any_bytes()")
        )]
        bytes: Bytes,
    },
    /// The stream has ended, in both directions, and nothing more will come of it. Exactly once for each opened or
    /// accepted stream.
    Closed {
        /// The stream that ended.
        stream: StreamId,
        /// Why, as far as the host knows.
        cause: CloseCause,
    },
    /// The answer to [`Output::Sample`].
    Sampled {
        /// The stream that was sampled.
        stream: StreamId,
        /// What for, as the output said.
        purpose: SamplePurpose,
        /// Its counters; `None` if they cannot be read.
        traffic: Option<Traffic>,
    },
    /// The answer to an [`Output::SetOpts`] with a request.
    OptsSet {
        /// The request of the output.
        request: RequestId,
        /// Whether all options were set.
        result: Result<(), OptsError>,
    },
    /// The answer to [`Output::GetOpts`].
    OptsGot {
        /// The request of the output.
        request: RequestId,
        /// The options in the order of the names, without those that the operating system does not know.
        result: Result<Vec<SocketOption>, OptsError>,
    },
}

/// Everything that a machine asks for or tells, in the order in which it must be carried out. Exhaustive on purpose: a
/// new effect must break an embedder that ignores it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Open the listener for peers. Answered by exactly one [`Input::Listening`] or [`Input::ListenFailed`], unless an
    /// [`Output::Unlisten`] comes first: that cancels it, and no answer may come any more.
    Listen,
    /// Close the listener.
    Unlisten,
    /// Resolve and dial. Ends in exactly one [`Input::Opened`] or [`Input::OpenFailed`], unless a
    /// [`Output::Close`] comes first: that cancels it, and no answer is expected any more.
    Open {
        /// The id of the stream to be.
        stream: StreamId,
        /// Where to.
        target: Target,
    },
    /// Read once from a stream that is being set up, and answer by one [`Input::Received`] or [`Input::Closed`].
    Read {
        /// The stream to read.
        stream: StreamId,
    },
    /// Write these bytes. Never after [`Output::Promote`].
    Transmit {
        /// The stream to write.
        stream: StreamId,
        /// What to write.
        bytes: Bytes,
    },
    /// An attempt to have a link with `node` has begun, from our side or from theirs.
    Attempting {
        /// The other node.
        node: NodeName,
        /// The id of the attempt, and of the link if it comes up.
        link: LinkId,
    },
    /// This node has a name now.
    Alive {
        /// Its name.
        name: NodeName,
        /// Its creation.
        creation: Creation,
    },
    /// This node has no name any more: the counterpart of an [`Output::Alive`] before.
    NotAlive,
    /// To push into a subscriber's mailbox.
    Event {
        /// The subscriber.
        to: MailboxId,
        /// The subscription.
        options: MonitorOptions,
        /// What this subscriber is told.
        event: NodeEvent,
    },
    /// The link is up: hand the stream over to the data plane. Cannot fail; a host that cannot do it reports
    /// [`Input::Closed`].
    Promote {
        /// The stream.
        stream: StreamId,
        /// What the data plane needs to know.
        promotion: Promotion,
    },
    /// Queue a tick behind what is queued. Only after [`Output::Promote`].
    Tick {
        /// The stream.
        stream: StreamId,
    },
    /// Read the counters of a promoted stream now, and answer by [`Input::Sampled`]. [`turn`](crate::driver::turn) does.
    Sample {
        /// The stream.
        stream: StreamId,
        /// What for: to be given back with the counters.
        purpose: SamplePurpose,
    },
    /// Set socket options now, in this order, and answer by one [`Input::OptsSet`] if there is a request.
    /// [`turn`](crate::driver::turn) does. Of an endpoint that is gone the answer is [`OptsError::NoConnection`].
    SetOpts {
        /// Whose.
        endpoint: Endpoint,
        /// The options.
        options: Vec<SocketOption>,
        /// Who wants to know; `None`: nobody, and an option that cannot be set is passed over.
        request: Option<RequestId>,
    },
    /// Read options of a promoted stream now, and answer by one [`Input::OptsGot`]. [`turn`](crate::driver::turn) does. Of
    /// a stream that is gone the answer is [`OptsError::NoConnection`].
    GetOpts {
        /// The stream.
        stream: StreamId,
        /// Which options, in this order.
        names: Vec<OptionName>,
        /// To be given back with the options.
        request: RequestId,
    },
    /// End a stream. Exactly one [`Input::Closed`] follows, unless the stream was still being opened.
    Close {
        /// The stream.
        stream: StreamId,
        /// `true`: drop what is queued and what was not read, at once. `false`: write what is queued first, for at most
        /// one second.
        abort: bool,
    },
    /// An attempt failed, or a link has ended, and the table no longer has it. Comes before the events that tell so.
    Disconnected {
        /// The other node.
        node: NodeName,
        /// The attempt or link that is gone.
        link: LinkId,
        /// Whether it was a link.
        was_up: bool,
    },
    /// The result of a call.
    Answer {
        /// The call.
        request: RequestId,
        /// Its result.
        answer: Answer,
    },
    /// What an Erlang node would log.
    Diagnostic(Diagnostic),
}

/// A machine that is driven by inputs and time, and answers with outputs.
pub trait Machine {
    /// Takes one input. `now` never goes backwards; one that does is clamped.
    fn handle(&mut self, now: Instant, input: Input);
    /// The next output, in order.
    fn poll(&mut self) -> Option<Output>;
    /// When [`Input::Timeout`] is due.
    fn deadline(&self) -> Option<Instant>;
    /// An id for a stream that the host accepted, to be given in [`Input::Accepted`].
    fn mint_stream(&mut self) -> StreamId;
}

/// Where to dial.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The port of a host, or a Unix socket.
    pub address: Address,
    /// Whether the host's IPv4 or its IPv6 addresses are dialled.
    pub family: Family,
    /// What the connection is for. A host need not care.
    pub purpose: Purpose,
}

/// What a stream is opened for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A conversation with an EPMD.
    Epmd,
    /// The conversation with the EPMD of this host that shall hold our name. A host that can serve an EPMD does so before
    /// it dials, if there is none.
    Registration,
    /// A link with this node.
    Peer(NodeName),
}

/// What the counters of a stream are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum SamplePurpose {
    /// A tick: whether the link is alive, and whether to send one.
    Tick,
    /// An aux tick of a change of `net_ticktime`: whether output is queued.
    AuxTick,
    /// A call of [`node_info`](super::NetKernel::node_info) or [`nodes_info`](super::NetKernel::nodes_info).
    NodeInfo(RequestId),
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Of [`NetKernel::start`](super::NetKernel::start): the node is alive under this name, or why not. It is
    /// `nonode@nohost` until the name is given, if it is to be given.
    Started(Result<NodeName, StartError>),
    /// Of [`NetKernel::stop`](super::NetKernel::stop): every link is down and the node has no name, or why it goes on.
    Stopped(Result<(), StopError>),
    /// Of [`NetKernel::connect_node`](super::NetKernel::connect_node): Erlang's `true` is `Ok`, its `false` says why.
    Connected(Result<(), ConnectError>),
    /// Of [`NetKernel::auto_connect`](super::NetKernel::auto_connect): what the wish found. Erlang has no such answer.
    AutoConnect(Result<AutoConnect, ConnectError>),
    /// Of [`NetKernel::disconnect_node`](super::NetKernel::disconnect_node): Erlang's `true` or `false`.
    Disconnected(Result<bool, NotAlive>),
    /// Of [`NetKernel::names`](super::NetKernel::names): the names that an EPMD knows, with their ports.
    Names(Result<Vec<(String, u16)>, NamesError>),
    /// Of [`NetKernel::node_info`](super::NetKernel::node_info).
    NodeInfo(Result<ConnectionInfo, BadNode>),
    /// Of [`NetKernel::nodes_info`](super::NetKernel::nodes_info).
    NodesInfo(Vec<ConnectionInfo>),
    /// Of [`NetKernel::getopts`](super::NetKernel::getopts): the options, in the order of the names.
    GetOpts(Result<Vec<SocketOption>, OptsError>),
    /// Of [`NetKernel::setopts`](super::NetKernel::setopts) and [`NetKernel::setopts_new`](super::NetKernel::setopts_new).
    SetOpts(Result<(), OptsError>),
    /// Of [`NetKernel::request`](super::NetKernel::request), if no call answers it.
    Reply(Reply),
    /// Of [`NetKernel::apply`](super::NetKernel::apply), of `erlang:monitor_node/3`: it may be, and returns `true`. Whoever has the processes
    /// does it, by [`Processes::monitor_node`](crate::process::Processes::monitor_node) of the caller.
    MonitorNode {
        /// Another node.
        node: NodeName,
        /// Once more, or once less.
        flag: bool,
        /// Whether to wait for the other side to connect where this one may not.
        allow_passive_connect: bool,
    },
    /// Of [`NetKernel::apply`](super::NetKernel::apply), of a call whose typed function answers at once: what it returns or raises.
    Applied(Result<Term, Exception>),
}

/// What a wish for a link found, if it was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AutoConnect {
    /// An attempt begins.
    Begun,
    /// An attempt will begin when this node has a name, or when the one that may bring the name has failed. Who has something to send asks by
    /// [`NetKernel::connect_automatically`](super::NetKernel::connect_automatically), whose answer comes when that attempt has ended.
    Deferred,
    /// There is a link or an attempt, or one that is just ending.
    Present,
    /// It came too late: there has been another attempt since.
    Stale,
}
