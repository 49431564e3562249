//! What arrives in the mailbox, as lines.

use netkernel_smol::Item;
use netkernel_smol::core::net_kernel::{ConnectionId, NodeEvent};
use serde_json::{Value, json};

use crate::report::Line;

/// What to print of an item.
pub(crate) fn line(item: &Item) -> Line {
    match item {
        Item::Event(event) => Line::new(event, event_json(event)),
        Item::Diagnostic(diagnostic) => Line::new(
            format_args!("diagnostic: {diagnostic}"),
            json!({"event": "diagnostic", "text": diagnostic.to_string()}),
        ),
        Item::Message(message) => Line::new(
            format_args!("message of {} bytes", message.len()),
            json!({"event": "message", "bytes": message.len()}),
        ),
        Item::Process(event) => Line::new(
            format_args!("{event:?}"),
            json!({"event": "process", "text": format!("{event:?}")}),
        ),
        other => Line::new(
            format_args!("{other:?}"),
            json!({"event": "other", "text": format!("{other:?}")}),
        ),
    }
}

/// Of the information, exactly what the subscription asked for.
fn event_json(event: &NodeEvent) -> Value {
    let name = match event {
        NodeEvent::NodeUp { .. } => "nodeup",
        NodeEvent::NodeDown { .. } => "nodedown",
    };
    let mut object =
        json!({"event": name, "node": event.node().as_str(), "term": event.to_string()});
    let connection_id = event.connection_id().map(|id| match id {
        ConnectionId::Link(link) => link.connection_id().into(),
        ConnectionId::Undefined => Value::Null,
    });
    let node_type = event.node_type().map(|node_type| node_type.to_string().into());
    let reason = event.nodedown_reason().map(|reason| reason.to_string().into());
    for (key, value) in
        [("connection_id", connection_id), ("node_type", node_type), ("nodedown_reason", reason)]
    {
        if let Some(value) = value {
            object[key] = value;
        }
    }
    object
}
