//! What a real node has seen of one of ours.

use netkernel_blocking::core::NodeType;

use crate::otp::{Erl, GIVE_UP};
use crate::ours::{Ours, node_name};

/// Waits until a node has seen ours come up with this type, and uses the link: one that ends while Erlang still busies
/// itself with its start goes down for the reason `shutdown`, whatever has ended it.
///
/// # Panics
/// If it sees something else, or nothing.
pub fn saw_up(erl: &Erl, ours: &Ours, node_type: NodeType) {
    let node = ours.name();
    let event = erl.wait_event(GIVE_UP, |event| event.contains(node));
    let up = event.starts_with(&format!("{{nodeup,'{node}',#{{connection_id => "));
    assert!(up && event.ends_with(&format!("node_type => {node_type}}}}}")), "{event}");
    ours.node.ping(&node_name(erl.name()), GIVE_UP).expect("the link works");
}

/// Waits until a node has seen ours go down for this reason.
///
/// # Panics
/// If it sees something else, or nothing.
pub fn saw_down(erl: &Erl, ours: &Ours, reason: &str) {
    let node = ours.name();
    let event = erl.wait_event(GIVE_UP, |event| event.contains(node));
    let down = event.starts_with(&format!("{{nodedown,'{node}',"));
    assert!(down && event.contains(&format!("nodedown_reason => {reason}}}")), "{event}");
}
