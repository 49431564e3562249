//! What can be asked and is answered at once.

use core::ops::BitOr;

use super::table::RowState;
use super::{NetKernel, Started};
use crate::creation::Creation;
use crate::flags::NodeType;
use crate::ids::LinkId;
use crate::name::NodeName;
use crate::term::Term;

/// A set of kinds of nodes, as `nodes/1` takes it. Put together with `|`; twice the same is once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeKinds(u8);

impl NodeKinds {
    /// Those with a visible link.
    pub const VISIBLE: Self = Self(1);
    /// Those with a hidden link.
    pub const HIDDEN: Self = Self(2);
    /// Those with a link.
    pub const CONNECTED: Self = Self(Self::VISIBLE.0 | Self::HIDDEN.0);
    /// This node.
    pub const THIS: Self = Self(4);
    /// Every node that the connection table has, and this one.
    pub const KNOWN: Self = Self(8 | Self::CONNECTED.0 | Self::THIS.0);

    /// No node (`nodes([])`).
    pub const NONE: Self = Self(0);

    /// The argument of `nodes/1`, an atom or a list of atoms; `None` if it is none.
    #[must_use]
    pub fn of_term(term: &Term) -> Option<Self> {
        let kind = |term: &Term| match term.as_atom()?.as_str() {
            "visible" => Some(Self::VISIBLE),
            "hidden" => Some(Self::HIDDEN),
            "connected" => Some(Self::CONNECTED),
            "this" => Some(Self::THIS),
            "known" => Some(Self::KNOWN),
            _ => None,
        };
        match term.as_list() {
            Some(kinds) => {
                kinds.iter().try_fold(Self::NONE, |all, term| kind(term).map(|one| all | one))
            }
            None => kind(term),
        }
    }

    const fn contains(self, kind: NodeKind) -> bool {
        let bits = match kind {
            NodeKind::Visible => Self::VISIBLE.0,
            NodeKind::Hidden => Self::HIDDEN.0,
            NodeKind::This => Self::THIS.0,
            NodeKind::Known => 8,
        };
        self.0 & bits != 0
    }
}

impl BitOr for NodeKinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a node is to us (`node_type` of `nodes/2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// There is a visible link.
    Visible,
    /// There is a hidden link.
    Hidden,
    /// There is an attempt, a link that ends, or one that has ended and may not be begun again automatically.
    Known,
    /// It is this node.
    This,
}

impl From<NodeType> for NodeKind {
    fn from(node_type: NodeType) -> Self {
        match node_type {
            NodeType::Visible => Self::Visible,
            NodeType::Hidden => Self::Hidden,
        }
    }
}

impl NodeKind {
    /// Erlang's atom.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Hidden => "hidden",
            Self::Known => "known",
            Self::This => "this",
        }
    }
}

impl core::fmt::Display for NodeKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A node, as [`NetKernel::nodes`] tells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeInfo {
    /// Its name.
    pub node: NodeName,
    /// What it is to us.
    pub node_type: NodeKind,
    /// The link that is up, if there is one.
    pub link: Option<LinkId>,
}

impl NodeInfo {
    /// Erlang's `connection_id`; `None` is `undefined`.
    #[must_use]
    pub fn connection_id(&self) -> Option<u32> {
        self.link.map(LinkId::connection_id)
    }
}

/// What `net_kernel:get_state/0` says of a node that is alive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetState {
    /// `started`.
    pub started: Started,
    /// `name`; `None` is `undefined`, a dynamic name that is not given yet.
    pub name: Option<NodeName>,
    /// `name_type`: whether the name was chosen here, or is given by a peer.
    pub name_type: NameType,
    /// `name_domain`.
    pub name_domain: NameDomain,
}

impl NetState {
    /// The map of `net_kernel:get_state/0`. That of a node that is not alive is `#{started => no}`.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let started = match self.started {
            Started::Static => "static",
            Started::Dynamic => "dynamic",
        };
        let name = self.name.as_ref();
        let name_type = match self.name_type {
            NameType::Static => "static",
            NameType::Dynamic => "dynamic",
        };
        let name_domain = match self.name_domain {
            NameDomain::Longnames => "longnames",
            NameDomain::Shortnames => "shortnames",
        };
        Term::map([
            (Term::literal("started"), Term::literal(started)),
            (
                Term::literal("name"),
                name.map_or_else(
                    || Term::literal("undefined"),
                    |name| Term::from(name.as_atom().clone()),
                ),
            ),
            (Term::literal("name_type"), Term::literal(name_type)),
            (Term::literal("name_domain"), Term::literal(name_domain)),
        ])
    }
}

/// Who chose the name of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameType {
    /// The node itself.
    Static,
    /// Its first peer.
    Dynamic,
}

/// Whether a name is a long or a short one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum NameDomain {
    /// The host has a dot, or is an address.
    Longnames,
    /// Anything else.
    Shortnames,
}

impl NameDomain {
    /// The domain of names on this host.
    #[must_use]
    pub fn of(host: &str) -> Self {
        let is_long = host.contains('.') || host.parse::<core::net::IpAddr>().is_ok();
        if is_long { Self::Longnames } else { Self::Shortnames }
    }

    /// Whether a node with such names dials nodes on this host. An address without a dot is one of IPv6, and good for both.
    pub(super) fn dials(self, host: &str) -> bool {
        match self {
            Self::Longnames => Self::of(host) == Self::Longnames,
            Self::Shortnames => !host.contains('.'),
        }
    }
}

impl NetKernel {
    /// The name of this node, `nonode@nohost` while it has none (`node/0`).
    #[must_use]
    pub fn node(&self) -> NodeName {
        self.life.alive().map_or_else(NodeName::nonode, |alive| alive.name.clone())
    }

    /// The creation of this node, while it has a name.
    #[must_use]
    pub fn creation(&self) -> Option<Creation> {
        self.life.alive().map(|alive| alive.creation)
    }

    //= docs/spec/kernel.md#kernel-state
    /// Whether this node is alive, with or without a name (`is_alive/0`). It is not while it starts or stops.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.life.manner().is_some()
    }

    /// What this node is (`net_kernel:get_state/0`); `None` is `#{started => no}`.
    #[must_use]
    pub fn get_state(&self) -> Option<NetState> {
        let manner = self.life.manner()?;
        let alive = self.life.alive();
        let chosen = alive.is_some_and(|alive| alive.namer.is_none());
        Some(NetState {
            started: manner.started,
            name: alive.map(|alive| alive.name.clone()),
            name_type: if chosen { NameType::Static } else { NameType::Dynamic },
            name_domain: manner.name_domain,
        })
    }

    //= docs/spec/kernel.md#kernel-nodes
    /// The nodes of these kinds, in the order of their names, this one last (`nodes/2` with all information).
    pub fn nodes(&self, kinds: NodeKinds) -> impl Iterator<Item = NodeInfo> {
        let this = NodeInfo { node: self.node(), node_type: NodeKind::This, link: None };
        let others = self.table.iter().map(|(node, row)| match &row.state {
            RowState::Up { up, .. } => NodeInfo {
                node: node.clone(),
                node_type: up.node_type.into(),
                link: Some(row.link),
            },
            RowState::Pending { .. } | RowState::Closing { .. } | RowState::Barred => {
                NodeInfo { node: node.clone(), node_type: NodeKind::Known, link: None }
            }
        });
        others.chain([this]).filter(move |info| kinds.contains(info.node_type))
    }

    /// The entries of the allow list (`net_kernel:allowed/0`).
    pub fn allowed(&self) -> impl Iterator<Item = &str> {
        self.allowed.entries()
    }
}

made_of!(NodeKinds, [bool; 4], |which| {
    let kinds =
        [NodeKinds::VISIBLE, NodeKinds::HIDDEN, NodeKinds::THIS, NodeKinds::KNOWN].into_iter();
    kinds.zip(which).filter(|(_, is_in)| *is_in).fold(NodeKinds::NONE, |all, (one, _)| all | one)
});

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/kernel.md#kernel-nodes
    //= type=test
    #[test]
    fn kinds_are_named_by_an_atom_or_by_a_list_of_atoms() {
        let read = |text: &str| NodeKinds::of_term(&text.parse().unwrap());
        for (text, kinds) in [
            ("visible", NodeKinds::VISIBLE),
            ("hidden", NodeKinds::HIDDEN),
            ("connected", NodeKinds::CONNECTED),
            ("this", NodeKinds::THIS),
            ("known", NodeKinds::KNOWN),
            ("[]", NodeKinds::NONE),
            ("[visible,hidden,visible]", NodeKinds::CONNECTED),
            ("[this,connected]", NodeKinds::THIS | NodeKinds::CONNECTED),
        ] {
            assert_eq!(read(text), Some(kinds), "{text}");
        }
        for text in ["foo", "5", "[this,foo]", "[this|hidden]", "{this}"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
