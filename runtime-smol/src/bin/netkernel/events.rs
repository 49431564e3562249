//! What arrives in the mailbox, as lines.

use netkernel_smol::core::net_kernel::{ConnectionId, NodeEvent};
use netkernel_smol::core::term::{Atom, Limits, Term};
use netkernel_smol::{Item, ProcessEvent, Target};
use serde_json::{Value, json};

use crate::report::{Line, Report};
use crate::term_json;

/// What to print of an item, and whether it is a message, which waits for `receive`.
pub(crate) fn told(item: &Item, report: &Report) -> (Line, bool) {
    match message_of(item) {
        Some(message) => (message_line(&message, item, report), true),
        None => (line(item), false),
    }
}

fn message_line(message: &Term, item: &Item, report: &Report) -> Line {
    report.line(format_args!("message: {message}"), || {
        let mut object = if let Item::Message(bytes) = item {
            json!({"event": "message", "bytes": bytes.len()})
        } else {
            json!({"event": "process"})
        };
        object["term"] = message.to_string().into();
        object["value"] = term_json::json(message);
        object
    })
}

fn line(item: &Item) -> Line {
    match item {
        Item::Event(event) => Line::new(event, event_json(event)),
        Item::Diagnostic(diagnostic) => Line::new(
            format_args!("diagnostic: {diagnostic}"),
            json!({"event": "diagnostic", "text": diagnostic.to_string()}),
        ),
        // Beyond the limits of terms.
        Item::Message(message) => Line::new(
            format_args!("message of {} bytes", message.len()),
            json!({"event": "message", "bytes": message.len()}),
        ),
        Item::Process(ProcessEvent::Ended { reason }) => {
            let reason = Term::decode(reason, &Limits::default()).unwrap_or(Term::NIL);
            Line::new(
                format_args!("this process has ended: {reason}"),
                json!({"event": "ended", "reason": reason.to_string()}),
            )
        }
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

/// What an Erlang process would receive; `None` of what is printed in another way.
pub(crate) fn message_of(item: &Item) -> Option<Term> {
    let term = |bytes: &[u8]| Term::decode(bytes, &Limits::default()).ok();
    let word = |text: &str| Atom::new(text).ok().map(Term::from);
    let event = match item {
        Item::Message(message) => return term(message),
        Item::Process(event) => event,
        Item::Event(_) | Item::Diagnostic(_) | _ => return None,
    };
    Some(match event {
        ProcessEvent::Exit { from, reason } => {
            Term::tuple([word("EXIT")?, from.clone().into(), term(reason)?])
        }
        ProcessEvent::Down { reference, object, reason, tag } => {
            let tag = match tag {
                Some(tag) => term(tag)?,
                None => word("DOWN")?,
            };
            let object = match object {
                Target::Pid(pid) => pid.clone().into(),
                Target::Name(name, node) => {
                    Term::tuple([name.clone().into(), node.as_atom().clone().into()])
                }
            };
            let reference = reference.clone().into();
            Term::tuple([tag, reference, word("process")?, object, term(reason)?])
        }
        ProcessEvent::NodeDown(node) => {
            Term::tuple([word("nodedown")?, node.as_atom().clone().into()])
        }
        ProcessEvent::SpawnReply { .. } | ProcessEvent::Ended { .. } => return None,
    })
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
