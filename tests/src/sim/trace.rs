//! The trace: a line a fact, in columns that `diff` can compare.

use netkernel_core::net_kernel::NodeEvent;

use super::guest::Deed;
use super::observe::{Fact, Kinds, Seen};
use super::world::World;

/// Which facts are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracing {
    /// Facts of these kinds.
    pub kinds: Kinds,
}

impl Tracing {
    /// No trace.
    pub const OFF: Self = Self { kinds: Kinds::NONE };
    /// What operators and subscribers see.
    pub const SHORT: Self = Self { kinds: Kinds::LIFE.and(Kinds::CALLS).and(Kinds::LINKS) };
    /// Everything but what is on the wire.
    pub const FULL: Self = Self { kinds: Kinds::ALL.without(Kinds::WIRE) };
}

/// A moment in seconds, with all its digits.
#[must_use]
pub fn time(nanos: u64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

/// The columns: time, machine, incarnation, what, detail.
#[must_use]
pub fn line(seen: &Seen, world: &World<'_>) -> String {
    let who = seen.actor.map_or_else(|| "-".to_owned(), |id| world.label(id));
    let (what, detail) = columns(&seen.fact, world);
    format!("{:>16} {who:<9} {:>3} {what:<12} {detail}", time(seen.at), seen.life)
        .trim_end()
        .to_owned()
}

fn columns(fact: &Fact, world: &World<'_>) -> (&'static str, String) {
    match fact {
        Fact::Booted => ("boot", String::new()),
        Fact::Crashed { host } => {
            ("crash", if *host { "with its host".into() } else { String::new() })
        }
        Fact::Paused { until } => ("pause", format!("until {}", time(*until))),
        Fact::ListenerLost => ("listener_lost", String::new()),
        Fact::Resumed => ("resume", String::new()),
        Fact::Fault { what, host, until } => {
            let host = host.map_or_else(String::new, |host| format!("h{}", host.0));
            ("fault", format!("{what:?} {host} until {}", time(*until)))
        }
        Fact::Liveness => ("liveness", "faults have stopped".into()),
        Fact::Alive { name, creation } => ("alive", format!("{name} creation {}", creation.0)),
        Fact::NotAlive => ("not_alive", String::new()),
        Fact::Called { request: Some(request), call } => ("call", format!("{request:?} {call}")),
        Fact::Called { request: None, call } => ("call", call.to_string()),
        Fact::Answered { request, answer } => ("answer", format!("{request:?} {answer:?}")),
        Fact::Inquired { number, call } => ("inquire", format!("{number} {call:?}")),
        Fact::Concluded { number, answer } => ("conclude", format!("{number} {answer:?}")),
        Fact::Diagnosed(diagnostic) => ("diagnostic", diagnostic.to_string()),
        Fact::Opening { stream, purpose, conn } => {
            ("open", format!("{stream:?} conn#{conn} {purpose:?}"))
        }
        Fact::Opened { stream } => ("opened", format!("{stream:?}")),
        Fact::OpenFailed { stream, error } => ("open_failed", format!("{stream:?} {error}")),
        Fact::Accepted { stream, conn } => ("accepted", format!("{stream:?} conn#{conn}")),
        Fact::Closing { stream, abort } => ("close", format!("{stream:?} abort {abort}")),
        Fact::Closed { stream, cause } => ("closed", format!("{stream:?} {cause:?}")),
        Fact::Cancelled { stream } => ("cancelled", format!("{stream:?}")),
        Fact::Released { stream } => ("released", format!("{stream:?}")),
        Fact::Attempting { node, link } => ("attempting", format!("{node} {link:?}")),
        Fact::Promoted { stream, conn, promotion } => {
            let (node, link) = (&promotion.node, promotion.link);
            ("promote", format!("{node} {link:?} {stream:?} conn#{conn} {:?}", promotion.node_type))
        }
        Fact::Disconnected { node, link, was_up } => {
            ("disconnected", format!("{node} {link:?} was_up {was_up}"))
        }
        Fact::Told { to, event, .. } => {
            let what = match event {
                NodeEvent::NodeUp { .. } => "nodeup",
                NodeEvent::NodeDown { .. } => "nodedown",
            };
            (what, format!("{to:?} {event}"))
        }
        Fact::Sent { to, letter } => {
            ("sent", format!("to {} letter {}", world.label(*to), letter.number))
        }
        Fact::Queued { link, conn, letter } => {
            ("queued", format!("{link:?} conn#{conn} letter {}", letter.number))
        }
        Fact::Delivered { link, conn, letter, .. } => {
            let letter = letter.map_or_else(
                || "in pieces".to_owned(),
                |letter| format!("{} of {}", letter.number, world.label(letter.from)),
            );
            ("delivered", format!("{link:?} conn#{conn} letter {letter}"))
        }
        Fact::Refused { link, violation } => ("refused", format!("{link:?} {violation}")),
        Fact::Acted { by, did } => ("act", format!("{by:?} {}", did.act)),
        Fact::Signalled { link, conn, signal } => {
            ("signalled", format!("{link:?} conn#{conn} {signal:?}"))
        }
        Fact::Arrived { link, conn, signal, .. } => {
            ("arrived", format!("{link:?} conn#{conn} {signal:?}"))
        }
        Fact::Got { to, got } => ("got", format!("{to:?} {got:?}")),
        Fact::Started { process, runs } => {
            ("started", format!("{process:?}{}", if *runs { "" } else { " is one too many" }))
        }
        Fact::Lost { node } => ("lost", node.to_string()),
        Fact::Ticked { stream } => ("tick", format!("{stream:?}")),
        Fact::Sampled { stream, traffic } => {
            let (received, sent, queued) = (traffic.received, traffic.sent, traffic.queued);
            ("sample", format!("{stream:?} received {received} sent {sent} queued {queued}"))
        }
        Fact::Wrote { stream, bytes } => ("wrote", format!("{stream:?} {bytes}")),
        Fact::Read { stream, bytes } => ("read", format!("{stream:?} {bytes}")),
        Fact::Left { route, piece } => ("left", format!("{route:?} {piece:?}")),
        Fact::Came { route, piece } => ("came", format!("{route:?} {piece:?}")),
        Fact::Guest(deed) => {
            let what = match deed {
                Deed::Named { .. } => "alive",
                Deed::Dialled { .. } => "open",
                Deed::Accepted { .. } => "accepted",
                Deed::Closed { .. } => "closed",
                Deed::Read { .. } => "read",
                Deed::Wrote { .. } => "wrote",
                Deed::Asked { .. } => "asked",
                Deed::Received { .. } => "delivered",
                Deed::Up { .. } => "nodeup",
                Deed::Down { .. } => "nodedown",
            };
            (what, deed.to_string())
        }
        Fact::Turned { outputs, wake, .. } => {
            let wake = wake.map_or_else(|| "never".into(), |wake| time(wake.as_nanos()));
            ("turn", format!("outputs {outputs} wake {wake}"))
        }
    }
}
