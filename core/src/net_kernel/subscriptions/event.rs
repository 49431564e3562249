//! What happened to a node, and what a subscriber is told of it.

use core::fmt;

use super::MonitorOptions;
use crate::flags::NodeType;
use crate::ids::LinkId;
use crate::name::NodeName;
use crate::net_kernel::NodeDownReason;
use crate::term::Term;

/// What happened to a node, with all there is to know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum NodeChange {
    /// A link came up, or this node got its name.
    NodeUp {
        /// The node.
        node: NodeName,
        /// Visible or hidden; this node itself is visible.
        node_type: NodeType,
        /// The connection.
        connection_id: ConnectionId,
    },
    /// A link ended, or this node gave its name up.
    NodeDown {
        /// The node.
        node: NodeName,
        /// As at its `NodeUp`.
        node_type: NodeType,
        /// As at its `NodeUp`.
        connection_id: ConnectionId,
        /// Why.
        reason: NodeDownReason,
    },
}

impl NodeChange {
    /// Visible or hidden.
    #[must_use]
    pub const fn node_type(&self) -> NodeType {
        match self {
            Self::NodeUp { node_type, .. } | Self::NodeDown { node_type, .. } => *node_type,
        }
    }

    /// What a subscriber with these options is told.
    #[must_use]
    pub fn into_event(self, options: MonitorOptions) -> NodeEvent {
        match self {
            Self::NodeUp { node, node_type, connection_id } => {
                let info = NodeEventInfo::new(options, node_type, connection_id, None);
                NodeEvent::NodeUp { node, info }
            }
            Self::NodeDown { node, node_type, connection_id, reason } => {
                let info = NodeEventInfo::new(options, node_type, connection_id, Some(reason));
                NodeEvent::NodeDown { node, info }
            }
        }
    }
}

/// Which connection an event is about: Erlang's `connection_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum ConnectionId {
    /// `undefined`: it is about this node itself, which needs none.
    Undefined,
    /// The link; Erlang sees only [`LinkId::connection_id`].
    Link(LinkId),
}

impl ConnectionId {
    /// The term that it is in Erlang.
    #[must_use]
    pub fn to_term(self) -> Term {
        match self {
            Self::Undefined => Term::literal("undefined"),
            Self::Link(link) => i64::from(link.connection_id()).into(),
        }
    }
}

/// The term that it is in Erlang.
impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_term(), f)
    }
}

/// What a subscriber of node events gets (`net_kernel:monitor_nodes/2`): exactly what it asked for.
///
/// `Display` prints the message that an Erlang process gets: `{nodeup,Node}` or `{nodeup,Node,Info}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NodeEvent {
    /// The node is up.
    NodeUp {
        /// The node.
        node: NodeName,
        /// `None` for subscribers without options.
        info: Option<NodeEventInfo>,
    },
    /// The node is down.
    NodeDown {
        /// The node.
        node: NodeName,
        /// `None` for subscribers without options.
        info: Option<NodeEventInfo>,
    },
}

impl NodeEvent {
    /// The node.
    #[must_use]
    pub const fn node(&self) -> &NodeName {
        match self {
            Self::NodeUp { node, .. } | Self::NodeDown { node, .. } => node,
        }
    }

    /// The connection, if it was asked for.
    #[must_use]
    pub fn connection_id(&self) -> Option<ConnectionId> {
        self.info()?.connection_id
    }

    /// Why the node is down, if it is and that was asked for.
    #[must_use]
    pub fn nodedown_reason(&self) -> Option<&NodeDownReason> {
        self.info()?.nodedown_reason.as_ref()
    }

    /// Visible or hidden, if that was asked for.
    #[must_use]
    pub fn node_type(&self) -> Option<NodeType> {
        self.info()?.node_type
    }

    /// The message that an Erlang process gets.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let tag = match self {
            Self::NodeUp { .. } => Term::literal("nodeup"),
            Self::NodeDown { .. } => Term::literal("nodedown"),
        };
        let node = Term::Atom(self.node().as_atom().clone());
        match self.info() {
            None => Term::tuple([tag, node]),
            Some(info) => Term::tuple([tag, node, info.to_term()]),
        }
    }

    const fn info(&self) -> Option<&NodeEventInfo> {
        match self {
            Self::NodeUp { info, .. } | Self::NodeDown { info, .. } => info.as_ref(),
        }
    }
}

impl fmt::Display for NodeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_term(), f)
    }
}

/// The third element of an event. What was not asked for is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeEventInfo {
    /// Whether it is a map, as the options were, and not a list.
    pub map: bool,
    /// Which connection.
    pub connection_id: Option<ConnectionId>,
    /// Why the node is down. Never in a [`NodeEvent::NodeUp`].
    pub nodedown_reason: Option<NodeDownReason>,
    /// Visible or hidden.
    pub node_type: Option<NodeType>,
}

impl NodeEventInfo {
    //= docs/spec/monitor.md#monitor-info
    fn new(
        options: MonitorOptions,
        node_type: NodeType,
        connection_id: ConnectionId,
        reason: Option<NodeDownReason>,
    ) -> Option<Self> {
        (options != MonitorOptions::LIST).then(|| Self {
            map: options.map,
            connection_id: options.connection_id.then_some(connection_id),
            nodedown_reason: reason.filter(|_| options.nodedown_reason),
            node_type: (options.visible || options.hidden).then_some(node_type),
        })
    }

    /// The term that it is in Erlang, with the keys of a list in its order.
    //= docs/spec/monitor.md#monitor-info-order
    #[must_use]
    pub fn to_term(&self) -> Term {
        let pairs = [
            ("connection_id", self.connection_id.map(ConnectionId::to_term)),
            ("nodedown_reason", self.nodedown_reason.as_ref().map(NodeDownReason::to_term)),
            ("node_type", self.node_type.map(node_type)),
        ];
        let pairs = pairs.into_iter().filter_map(|(key, value)| Some((Term::literal(key), value?)));
        if self.map {
            Term::map(pairs)
        } else {
            Term::list(pairs.map(|(key, value)| Term::tuple([key, value])))
        }
    }
}

fn node_type(node_type: NodeType) -> Term {
    Term::literal(match node_type {
        NodeType::Visible => "visible",
        NodeType::Hidden => "hidden",
    })
}

#[cfg(test)]
mod tests {
    use super::super::NodeTypes;
    use super::*;
    use crate::ids::Minter;
    use alloc::string::ToString;

    fn node() -> NodeName {
        NodeName::new("b@127.0.0.1").unwrap()
    }

    fn changes() -> [NodeChange; 2] {
        let (node, node_type) = (node(), NodeType::Hidden);
        let connection_id = ConnectionId::Link(Minter::default().mint());
        [
            NodeChange::NodeUp { node: node.clone(), node_type, connection_id },
            NodeChange::NodeDown {
                node,
                node_type,
                connection_id,
                reason: NodeDownReason::Disconnect,
            },
        ]
    }

    //= docs/spec/monitor.md#monitor-info
    //= type=test
    //= docs/spec/monitor.md#monitor-info-order
    //= type=test
    #[test]
    fn subscribers_get_what_they_asked_for_and_nothing_else() {
        let (list, map) = (MonitorOptions::LIST, MonitorOptions::MAP);
        let all = |options: MonitorOptions| {
            options.node_types(NodeTypes::All).connection_id().nodedown_reason()
        };
        for (options, up, down) in [
            (list, "}", "}"),
            (map, ",#{}}", ",#{}}"),
            (list.nodedown_reason(), ",[]}", ",[{nodedown_reason,disconnect}]}"),
            (map.nodedown_reason(), ",#{}}", ",#{nodedown_reason => disconnect}}"),
            (list.connection_id(), ",[{connection_id,1}]}", ",[{connection_id,1}]}"),
            (
                list.node_types(NodeTypes::Hidden),
                ",[{node_type,hidden}]}",
                ",[{node_type,hidden}]}",
            ),
            (
                all(list),
                ",[{connection_id,1},{node_type,hidden}]}",
                ",[{connection_id,1},{nodedown_reason,disconnect},{node_type,hidden}]}",
            ),
            (
                all(map),
                ",#{connection_id => 1,node_type => hidden}}",
                ",#{connection_id => 1,node_type => hidden,nodedown_reason => disconnect}}",
            ),
        ] {
            let told = changes().map(|change| change.into_event(options).to_string());
            let expected = [
                ["{nodeup,'b@127.0.0.1'", up].concat(),
                ["{nodedown,'b@127.0.0.1'", down].concat(),
            ];
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn the_parts_of_an_event_are_there_if_they_were_asked_for() {
        let [up, down] = changes();
        let (plain, full) =
            (down.clone().into_event(MonitorOptions::LIST), down.into_event(MonitorOptions::ALL));
        assert_eq!(*plain.node(), node());
        assert_eq!(
            (plain.connection_id(), plain.node_type(), plain.nodedown_reason()),
            (None, None, None)
        );
        assert!(matches!(full.connection_id(), Some(ConnectionId::Link(_))));
        assert_eq!(full.node_type(), Some(NodeType::Hidden));
        assert_eq!(full.nodedown_reason(), Some(&NodeDownReason::Disconnect));
        assert_eq!(up.into_event(MonitorOptions::ALL).nodedown_reason(), None);
        assert_eq!(full.connection_id().unwrap().to_string(), "1");
        assert_eq!(ConnectionId::Undefined.to_string(), "undefined");
    }
}
