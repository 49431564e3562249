//! What this node is just now.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use super::registration::Registered;
use super::table::Callers;
use super::{NameDomain, NetTicktime, NodeDownReason, StartError, StartOptions, Started};
use crate::creation::Creation;
use crate::flags::Flags;
use crate::handshake::{AllowList, Own};
use crate::ids::RequestId;
use crate::name::{NodeName, PeerName};
use crate::ticker::Ticker;

/// The state of the node's life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Life {
    NotAlive,
    /// The listener is being opened.
    Listening(Starting),
    /// EPMD is being asked for the name.
    Registering(Starting, Registered),
    Alive(Alive),
    /// Alive, and without a name until the first link brings one.
    Nameless(Nameless),
    /// The link that brought the name is gone, and all others are being ended. Then the node is nameless again.
    Restarting(Nameless),
    /// All links are being ended.
    Stopping(Stopping),
}

/// A stop that is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Stopping {
    /// The callers that wait for the last link.
    pub(super) requests: Vec<RequestId>,
    /// The name that is given up, and why; `None` if there was none.
    pub(super) name: Option<(NodeName, NodeDownReason)>,
}

/// A start that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Starting {
    pub(super) request: RequestId,
    pub(super) name: NodeName,
    pub(super) wire_name: PeerName,
    pub(super) manner: Manner,
    /// In force once the node is alive.
    pub(super) allowed: AllowList,
    /// For a node that gets none from EPMD.
    pub(super) random_creation: Creation,
}

/// What stays the same from start to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Manner {
    pub(super) started: Started,
    pub(super) listens: bool,
    pub(super) name_domain: NameDomain,
    /// What it began to tick with.
    pub(super) ticktime: NetTicktime,
    /// What we offer, `PUBLISHED` included unless this node is hidden.
    pub(super) flags: Flags,
}

/// A node that has a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Alive {
    pub(super) name: NodeName,
    pub(super) wire_name: PeerName,
    pub(super) creation: Creation,
    pub(super) manner: Manner,
    /// `None` for a node that EPMD does not have.
    pub(super) registered: Option<Registered>,
    /// Who gave the name, if it is a dynamic one.
    pub(super) namer: Option<Namer>,
    pub(super) ticker: Ticker,
}

/// The node that gave us our name, and the host that we asked with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Namer {
    pub(super) node: NodeName,
    pub(super) wire_host: PeerName,
}

/// A node that has no name, or not any more, and will ask the first peer for one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Nameless {
    pub(super) host: String,
    pub(super) wire_host: PeerName,
    pub(super) manner: Manner,
    /// Who is to be dialled next, and who waits for it.
    pub(super) deferred: VecDeque<(NodeName, Callers)>,
    pub(super) ticker: Ticker,
    /// The name that is being given up.
    pub(super) lost: Option<NodeName>,
}

impl Manner {
    /// # Errors
    /// What of the options no node can have.
    pub(super) fn of(options: &StartOptions, configured: NetTicktime) -> Result<Self, StartError> {
        let name_domain = options.domain().map_err(StartError::Name)?;
        let ticktime = options.ticktime(configured).map_err(StartError::Ticktime)?;
        let listens = options.listens();
        let hidden = options.hidden || !listens;
        let flags = if hidden { Flags::SERVED } else { Flags::SERVED | Flags::PUBLISHED };
        Ok(Self { started: options.started, listens, name_domain, ticktime, flags })
    }
}

impl Nameless {
    pub(super) fn defer(&mut self, node: &NodeName, callers: Callers) {
        match self.deferred.iter_mut().find(|(deferred, _)| deferred == node) {
            Some((_, waiting)) => waiting.join(callers),
            None => self.deferred.push_back((node.clone(), callers)),
        }
    }
}

impl Life {
    /// The name and what belongs to it, if there is one.
    pub(super) const fn alive(&self) -> Option<&Alive> {
        match self {
            Self::Alive(alive) => Some(alive),
            Self::NotAlive
            | Self::Listening(_)
            | Self::Registering(..)
            | Self::Nameless(_)
            | Self::Restarting(_)
            | Self::Stopping(_) => None,
        }
    }

    /// The ticker, if the node is alive, with or without a name.
    pub(super) const fn ticker(&self) -> Option<&Ticker> {
        match self {
            Self::Alive(Alive { ticker, .. })
            | Self::Nameless(Nameless { ticker, .. })
            | Self::Restarting(Nameless { ticker, .. }) => Some(ticker),
            Self::NotAlive | Self::Listening(_) | Self::Registering(..) | Self::Stopping(_) => None,
        }
    }

    pub(super) const fn ticker_mut(&mut self) -> Option<&mut Ticker> {
        match self {
            Self::Alive(Alive { ticker, .. })
            | Self::Nameless(Nameless { ticker, .. })
            | Self::Restarting(Nameless { ticker, .. }) => Some(ticker),
            Self::NotAlive | Self::Listening(_) | Self::Registering(..) | Self::Stopping(_) => None,
        }
    }

    /// How the node was started, if it is alive, with or without a name.
    pub(super) const fn manner(&self) -> Option<Manner> {
        match self {
            Self::Alive(alive) => Some(alive.manner),
            Self::Nameless(nameless) | Self::Restarting(nameless) => Some(nameless.manner),
            Self::NotAlive | Self::Listening(_) | Self::Registering(..) | Self::Stopping(_) => None,
        }
    }

    /// How the node was started, if it is alive or is going to be.
    pub(super) const fn started(&self) -> Option<Started> {
        match self {
            Self::Listening(starting) | Self::Registering(starting, _) => {
                Some(starting.manner.started)
            }
            Self::Alive(Alive { manner, .. })
            | Self::Nameless(Nameless { manner, .. })
            | Self::Restarting(Nameless { manner, .. }) => Some(manner.started),
            Self::NotAlive | Self::Stopping(_) => None,
        }
    }

    /// How to introduce ourselves to a peer.
    pub(super) fn own(&self) -> Option<Own> {
        match self {
            Self::Alive(alive) => {
                Some(Own::Named { name: alive.wire_name.clone(), creation: alive.creation })
            }
            Self::Nameless(nameless) => Some(Own::Nameless { host: nameless.wire_host.clone() }),
            Self::NotAlive
            | Self::Listening(_)
            | Self::Registering(..)
            | Self::Restarting(_)
            | Self::Stopping(_) => None,
        }
    }

    /// Whether a start is under way.
    pub(super) const fn is_starting(&self) -> bool {
        matches!(self, Self::Listening(_) | Self::Registering(..))
    }

    /// Whether the listener is open.
    pub(super) const fn is_open(&self) -> bool {
        match self {
            Self::Registering(..) => true,
            Self::Alive(alive) => alive.manner.listens,
            Self::NotAlive
            | Self::Listening(_)
            | Self::Nameless(_)
            | Self::Restarting(_)
            | Self::Stopping(_) => false,
        }
    }

    pub(super) const fn registered(&mut self) -> Option<&mut Registered> {
        match self {
            Self::Registering(_, registered) => Some(registered),
            Self::Alive(alive) => alive.registered.as_mut(),
            Self::NotAlive
            | Self::Listening(_)
            | Self::Nameless(_)
            | Self::Restarting(_)
            | Self::Stopping(_) => None,
        }
    }
}
