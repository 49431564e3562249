//! What is known of the rows of the table, with the counters of the links: `net_kernel:node_info/1` and `nodes_info/0`.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use super::mfa::{error, ok};
use super::table::{Role, Row, RowState};
use super::{Answer, NetKernel, NodeDownReason, Output, SamplePurpose};
use crate::flags::NodeType;
use crate::ids::{RequestId, StreamId};
use crate::liveness::Traffic;
use crate::name::NodeName;
use crate::term::{Atom, Term};
use crate::time::Instant;

/// What the connection table has on a node. Erlang tells the address and the owner as well; here they are the host's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionInfo {
    /// Its name.
    pub node: NodeName,
    /// `state`.
    pub state: ConnectionState,
    /// `type`, where Erlang says `normal` for visible: that of the link, or what our attempt asks for. `None` for an
    /// attempt of the peer's and for a barred node.
    pub node_type: Option<NodeType>,
    /// `in`: bytes received, with those of the handshake. Zero unless the state is up.
    pub received: u64,
    /// `out`: frames sent, with those of the handshake. Zero unless the state is up.
    pub sent: u64,
}

/// Erlang's `connection_state`, and two that it does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionState {
    /// An attempt, from either side.
    Pending,
    /// A link.
    Up,
    /// A link, and the same node connects anew.
    UpPending,
    /// A link that this side ends, and whose stream has not ended yet. Erlang's table has no such state.
    Closing,
    /// A link that has ended, and may not be begun again automatically. Erlang answers `bad_node`.
    Barred,
}

impl ConnectionState {
    /// Erlang's atom.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Up => "up",
            Self::UpPending => "up_pending",
            Self::Closing => "closing",
            Self::Barred => "barred",
        }
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key of what is told of a node, for `net_kernel:node_info/2`. Erlang has `owner` and `address`, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum InfoKey {
    /// `state`.
    State,
    /// `type`.
    Type,
    /// `in`.
    In,
    /// `out`.
    Out,
}

impl InfoKey {
    /// All of them, in Erlang's order.
    pub const ALL: [Self; 4] = [Self::State, Self::Type, Self::In, Self::Out];

    /// Erlang's atom.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Type => "type",
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// The key with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }
}

impl ConnectionInfo {
    /// What stands under a key, as Erlang's term.
    #[must_use]
    pub fn value(&self, key: InfoKey) -> Term {
        match key {
            InfoKey::State => Term::literal(self.state.as_str()),
            InfoKey::Type => Term::literal(match self.node_type {
                Some(NodeType::Visible) => "normal",
                Some(NodeType::Hidden) => "hidden",
                None => "undefined",
            }),
            InfoKey::In => self.received.into(),
            InfoKey::Out => self.sent.into(),
        }
    }
}

/// The table does not have this node, or its link ended before the counters were read (`{error,bad_node}`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BadNode;

impl fmt::Display for BadNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no connection with this node")
    }
}

impl core::error::Error for BadNode {}

/// Calls that wait for counters.
pub(super) type Inquiries = BTreeMap<RequestId, Inquiry>;

/// A call, what it has found, and the links whose counters are missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Inquiry {
    about: About,
    found: Vec<ConnectionInfo>,
    missing: BTreeMap<StreamId, ConnectionInfo>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum About {
    One,
    /// What stands under a key, or under one that is none.
    Key(Option<InfoKey>),
    All,
}

impl Inquiry {
    fn into_answer(mut self) -> Answer {
        match self.about {
            About::One => Answer::NodeInfo(self.found.pop().ok_or(BadNode)),
            About::Key(key) => Answer::Applied(Ok(match (self.found.pop(), key) {
                (Some(info), Some(key)) => ok(info.value(key)),
                (Some(_), None) => error("invalid_key"),
                (None, _) => BadNode.to_term(),
            })),
            About::All => {
                self.found.sort_by(|one, other| one.node.cmp(&other.node));
                Answer::NodesInfo(self.found)
            }
        }
    }
}

impl NetKernel {
    //= docs/spec/nodedown.md#nodedown-node-info
    /// Asks for what the connection table has on `node` (`net_kernel:node_info/1`). Answers [`Answer::NodeInfo`], of a link
    /// after its counters were read; a link whose counters cannot be read ends.
    pub fn node_info(&mut self, now: Instant, node: &NodeName) -> RequestId {
        self.node_info_of(now, Some(node.as_atom()))
    }

    /// As above, of whatever the caller takes for a node.
    pub(super) fn node_info_of(&mut self, now: Instant, node: Option<&Atom>) -> RequestId {
        let rows = self.info_of(node);
        self.inquire(now, About::One, rows)
    }

    //= docs/spec/nodedown.md#nodedown-node-info-key
    /// `net_kernel:node_info/2`.
    pub(super) fn node_info_key(
        &mut self,
        now: Instant,
        node: Option<&Atom>,
        key: Option<InfoKey>,
    ) -> RequestId {
        let rows = self.info_of(node);
        self.inquire(now, About::Key(key), rows)
    }

    fn info_of(&self, node: Option<&Atom>) -> Vec<(ConnectionInfo, Option<StreamId>)> {
        let row = node.and_then(|node| self.table.get_key_value(node));
        row.map(|(node, row)| self.info(node, row)).into_iter().collect()
    }

    //= docs/spec/nodedown.md#nodedown-nodes-info
    /// As [`node_info`](Self::node_info), of every node in the connection table (`net_kernel:nodes_info/0`). Answers
    /// [`Answer::NodesInfo`], after the counters of all links were read, in the order of the names. Links that end before
    /// are left out.
    pub fn nodes_info(&mut self, now: Instant) -> RequestId {
        let rows = self.table.iter().map(|(node, row)| self.info(node, row)).collect();
        self.inquire(now, About::All, rows)
    }

    fn inquire(
        &mut self,
        now: Instant,
        about: About,
        rows: Vec<(ConnectionInfo, Option<StreamId>)>,
    ) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        let mut inquiry = Inquiry { about, found: Vec::new(), missing: BTreeMap::new() };
        for (info, stream) in rows {
            match stream {
                Some(stream) => {
                    inquiry.missing.insert(stream, info);
                    let purpose = SamplePurpose::NodeInfo(request);
                    self.outputs.push_back(Output::Sample { stream, purpose });
                }
                None => inquiry.found.push(info),
            }
        }
        self.inquiries.insert(request, inquiry);
        self.conclude(request);
        request
    }

    /// The counters of a link, for a call. Without them the call waits until the link has ended.
    pub(super) fn informed(
        &mut self,
        request: RequestId,
        stream: StreamId,
        node: &NodeName,
        traffic: Option<Traffic>,
    ) {
        //= docs/spec/nodedown.md#nodedown-get-status-failed
        let Some(traffic) = traffic else {
            self.close_link(node, NodeDownReason::GetStatusFailed);
            return;
        };
        let Some(inquiry) = self.inquiries.get_mut(&request) else { return };
        if let Some(info) = inquiry.missing.remove(&stream) {
            let Traffic { received, sent, .. } = traffic;
            inquiry.found.push(ConnectionInfo { received, sent, ..info });
        }
        self.conclude(request);
    }

    /// A link has ended: nobody waits for its counters any more.
    pub(super) fn uninformed(&mut self, stream: StreamId) {
        for inquiry in self.inquiries.values_mut() {
            inquiry.missing.remove(&stream);
        }
        let requests: Vec<RequestId> = self.inquiries.keys().copied().collect();
        for request in requests {
            self.conclude(request);
        }
    }

    /// Answers a call that has all it needs.
    fn conclude(&mut self, request: RequestId) {
        let is_done = |inquiry: &Inquiry| inquiry.missing.is_empty();
        if !self.inquiries.get(&request).is_some_and(is_done) {
            return;
        }
        if let Some(inquiry) = self.inquiries.remove(&request) {
            self.answer(request, inquiry.into_answer());
        }
    }

    /// What a row tells by itself, and the stream to be sampled for the rest.
    fn info(&self, node: &NodeName, row: &Row) -> (ConnectionInfo, Option<StreamId>) {
        let (state, node_type, stream) = match &row.state {
            RowState::Pending { stream } => {
                let is_ours = matches!(self.streams.get(stream), Some(Role::Outgoing { .. }));
                (ConnectionState::Pending, row.callers.wish.filter(|_| is_ours), None)
            }
            RowState::Up { up, successor: None } => {
                (ConnectionState::Up, Some(up.node_type), Some(up.stream))
            }
            RowState::Up { up, successor: Some(_) } => {
                (ConnectionState::UpPending, Some(up.node_type), None)
            }
            RowState::Closing { up, .. } => (ConnectionState::Closing, Some(up.node_type), None),
            RowState::Barred => (ConnectionState::Barred, None, None),
        };
        (ConnectionInfo { node: node.clone(), state, node_type, received: 0, sent: 0 }, stream)
    }
}
