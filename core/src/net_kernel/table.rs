//! The connection table: one row for each node that we have, try to have, or just lost.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::NodeDownReason;
use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::epmd::{Lookup, Names};
use crate::flags::NodeType;
use crate::handshake::{Acceptor, Admission, Confirmation, Initiator};
use crate::ids::{LinkId, RequestId, StreamId};
use crate::liveness::Liveness;
use crate::name::{NodeName, PeerName};

/// The rows, by node.
pub(super) type Table = BTreeMap<NodeName, Row>;

/// What there is with one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) link: LinkId,
    pub(super) state: RowState,
    pub(super) callers: Callers,
}

/// Who waits for a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Callers {
    /// The type of link that the first of them asked for; `None` if nobody on this side did.
    pub(super) wish: Option<NodeType>,
    /// Calls of `connect_node`, in their order.
    pub(super) requests: Vec<RequestId>,
}

impl Callers {
    pub(super) fn of(wish: NodeType, request: RequestId) -> Self {
        Self { wish: Some(wish), requests: [request].into() }
    }

    pub(super) fn join(&mut self, others: Self) {
        self.wish = self.wish.or(others.wish);
        self.requests.extend(others.requests);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RowState {
    /// An attempt, by whichever side, on this stream.
    Pending { stream: StreamId },
    /// A link.
    Up { up: Up, successor: Option<StreamId> },
    /// A link that this side ends, until its stream has ended.
    Closing {
        up: Up,
        reason: NodeDownReason,
        successor: Option<StreamId>,
        disconnecting: Vec<RequestId>,
    },
    /// A link that has ended, and may not be begun again automatically (`dist_auto_connect` is `once`).
    Barred,
}

/// A link that came up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Up {
    pub(super) stream: StreamId,
    pub(super) node_type: NodeType,
    pub(super) creation: Creation,
    pub(super) liveness: Liveness,
}

/// What a stream is used for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// Our registration with EPMD.
    Registration,
    /// A `names` call; the conversation begins once the stream is open.
    Names { request: RequestId, names: Option<Names> },
    /// Our attempt to have a link with `node`.
    Outgoing { node: NodeName, step: Outgoing },
    /// Accepted while the node is being started: what it says is read when the node is alive.
    Early { entropy: Entropy },
    /// Somebody's attempt to have a link with us.
    Incoming { who: Stranger, step: IncomingStep },
    /// The link with this node.
    Link { node: NodeName },
    /// Closed by us; only the host's word that it ended is missing.
    Ending,
}

/// How far an outgoing attempt is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Outgoing {
    /// Dialling the EPMD of the node's host.
    DialEpmd,
    /// Asking it.
    Lookup(Lookup),
    /// Dialling the node.
    Dial,
    /// Speaking with it.
    Handshake(Box<Initiator>),
}

/// Who stands behind an incoming attempt, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stranger {
    /// For a name, if the peer asks for one.
    pub(super) entropy: Entropy,
    /// What the peer said it is called.
    pub(super) claimed: Option<PeerName>,
    /// The node whose row has this stream, as its attempt or as its link's successor.
    pub(super) node: Option<NodeName>,
}

/// How far an incoming attempt is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum IncomingStep {
    /// Exchanging messages.
    Handshake(Box<Acceptor>),
    /// There is a link of the claimed name that is just ending: to be admitted after that.
    Parked(Box<Admission>),
    /// The peer proved the cookie: to come up once the old link is gone.
    Confirmed(Box<Confirmation>),
}

impl Row {
    /// The link, if there is one that counts as up.
    pub(super) const fn up(&self) -> Option<&Up> {
        match &self.state {
            RowState::Up { up, .. } => Some(up),
            RowState::Pending { .. } | RowState::Closing { .. } | RowState::Barred => None,
        }
    }

    /// The incoming attempt that waits to take this row's link over.
    pub(super) const fn successor(&self) -> Option<StreamId> {
        match self.state {
            RowState::Pending { .. } | RowState::Barred => None,
            RowState::Up { successor, .. } | RowState::Closing { successor, .. } => successor,
        }
    }

    pub(super) fn set_successor(&mut self, stream: Option<StreamId>) {
        match &mut self.state {
            RowState::Pending { .. } | RowState::Barred => {
                debug_assert!(false, "only a link has a successor")
            }
            RowState::Up { successor, .. } | RowState::Closing { successor, .. } => {
                *successor = stream
            }
        }
    }
}
