//! What nodes must be told.

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::net_kernel::{NodeDownReason, NodeEvent};

use super::member::{MemberId, short};
use super::rules::Rule;

/// An event that must come.
#[derive(Clone)]
pub(super) struct Expected {
    pub(super) at: MemberId,
    peer: &'static str,
    what: What,
    pub(super) rule: Rule,
}

#[derive(Clone, PartialEq)]
enum What {
    Up(NodeType),
    Down(NodeDownReason),
}

/// That `at` is told that this peer is up, by this rule.
pub(super) const fn up(at: MemberId, peer: &'static str, of: NodeType, rule: Rule) -> Expected {
    Expected { at, peer, what: What::Up(of), rule }
}

/// That `at` is told that this peer is down, by this rule.
pub(super) const fn down(
    at: MemberId,
    peer: &'static str,
    reason: NodeDownReason,
    rule: Rule,
) -> Expected {
    Expected { at, peer, what: What::Down(reason), rule }
}

impl Expected {
    pub(super) fn is(&self, event: &NodeEvent) -> bool {
        short(event.node()) == self.peer
            && match (&self.what, event) {
                (What::Up(of), NodeEvent::NodeUp { .. }) => event.node_type() == Some(*of),
                (What::Down(why), NodeEvent::NodeDown { .. }) => {
                    event.nodedown_reason() == Some(why)
                }
                (What::Up(_) | What::Down(_), _) => false,
            }
    }

    /// For those who miss it; `at` is the name of the node.
    pub(super) fn describe(&self, at: &str) -> String {
        let what = match &self.what {
            What::Up(of) => format!("nodeup {}, {of}", self.peer),
            What::Down(reason) => format!("nodedown {}, {reason}", self.peer),
        };
        format!("{what} at {at} [{}]", self.rule.id)
    }
}
