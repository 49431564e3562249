//! Every event in every state of the way to a node.

use alloc::format;
use alloc::string::String;
use alloc::vec;

use bytes::Bytes;

use super::*;
use crate::diagram::{Matrix, compare_with_docs};
use crate::ids::Mint as _;
use crate::term::{Atom, Pid, Reference};
use crate::wire::control::Monitored;
use crate::{NodeName, NodeType};

pub(super) fn pid() -> Pid {
    Pid { node: Atom::literal("a@b"), id: 1, serial: 0, creation: Creation(7) }
}

pub(super) fn signal(number: u8) -> Control {
    let message = vec![131, 97, number].into();
    Control::Send { from: None, to: pid(), message, token: None }
}

pub(super) fn monitor() -> Control {
    let reference = Reference::new(Atom::literal("a@b"), Creation(7), &[1]).unwrap();
    Control::MonitorP { from: pid(), to: Monitored::Name(Atom::literal("x")), reference }
}

pub(super) fn links() -> [LinkId; 3] {
    [1, 2, 3].map(LinkId::from_number)
}

pub(super) fn promotion(link: LinkId, flags: Flags) -> Promotion {
    Promotion {
        link,
        node: NodeName::new("c@d").unwrap(),
        creation: Creation(8),
        flags,
        node_type: NodeType::Hidden,
        residue: Bytes::new(),
    }
}

pub(super) fn peer() -> Peer {
    Peer::new(Limits { high_mark_bytes: 1000, ..Limits::default() })
}

/// Each state, as it is reached, with the first link. One signal waits at least where any can.
fn states() -> [(&'static str, Peer); 7] {
    let [one, ..] = links();
    let absent = peer();
    let mut pending = absent.clone();
    pending.attempting(one);
    assert_eq!(pending.send(signal(0)), Sending::Queued);
    let mut full = pending.clone();
    while full.send(signal(0)) == Sending::Queued {}
    let mut forced = full.clone();
    while forced.send_forced(signal(0)) == Sending::Queued {}
    let [mut up, mut few] = [pending.clone(), pending.clone()];
    assert_eq!(up.promoted(&promotion(one, Flags::SERVED)).len(), 1);
    assert_eq!(few.promoted(&promotion(one, Flags::MANDATORY_26)).len(), 1);
    let mut closing = up.clone();
    closing.closing(one);
    [
        ("absent", absent),
        ("pending", pending),
        ("pending, full", full),
        ("pending, full of forced", forced),
        ("up", up),
        ("up, few flags", few),
        ("closing", closing),
    ]
}

fn state_of(peer: &Peer) -> &'static str {
    match &peer.state {
        State::Absent => "absent",
        State::Pending { bytes, .. } if *bytes >= peer.limits.max_answer_bytes() => {
            "pending, full of forced"
        }
        State::Pending { .. } if !peer.has_room() => "pending, full",
        State::Pending { .. } => "pending",
        State::Up { flags, .. } if *flags == Flags::SERVED => "up",
        State::Up { .. } => "up, few flags",
        State::Closing { .. } => "closing",
    }
}

/// An event: what comes of it.
type Event = fn(&mut Peer) -> String;

const EVENTS: [(&str, Event); 12] = [
    ("another attempt", |peer| {
        let waits = matches!(peer.state, State::Pending { .. });
        peer.attempting(links()[1]);
        let taken = matches!(peer.state, State::Pending { link, .. } if link == links()[1]);
        if waits && taken { "takes over".into() } else { String::new() }
    }),
    ("promoted", |peer| promoted(peer, links()[0], Flags::SERVED)),
    ("promoted with few flags", |peer| promoted(peer, links()[0], Flags::MANDATORY_26)),
    ("another link promoted", |peer| promoted(peer, links()[2], Flags::SERVED)),
    ("closing", |peer| {
        peer.closing(links()[0]);
        String::new()
    }),
    ("another link closing", |peer| {
        peer.closing(links()[2]);
        String::new()
    }),
    ("disconnected", |peer| {
        peer.disconnected(links()[0]);
        String::new()
    }),
    ("another link disconnected", |peer| {
        peer.disconnected(links()[2]);
        String::new()
    }),
    ("send", |peer| sent(peer.send(signal(1)))),
    ("send, forced", |peer| sent(peer.send_forced(monitor()))),
    ("send an end, forced", |peer| sent(peer.send_forced(end(8)))),
    ("send an end to an earlier incarnation", |peer| sent(peer.send_forced(end(7)))),
];

/// An exit signal for a process of the incarnation with this creation; 8 is the present one.
fn end(creation: u32) -> Control {
    let (from, to) = (pid(), Pid { creation: Creation(creation), ..pid() });
    Control::Exit { from, to, reason: Bytes::from_static(b"\x6a"), token: None }
}

fn promoted(peer: &mut Peer, link: LinkId, flags: Flags) -> String {
    let frames = peer.promoted(&promotion(link, flags));
    if frames.is_empty() { String::new() } else { "what waited".into() }
}

fn sent(sending: Sending) -> String {
    let sending = format!("{sending:?}");
    let name = sending.split(|c: char| !c.is_alphanumeric()).next();
    name.unwrap_or_default().into()
}

//= docs/spec/channel.md#ch-closing
//= type=test
//= docs/spec/channel.md#ch-pending-forced
//= type=test
//= docs/spec/process.md#process-stale-fatal
//= type=test
#[test]
fn every_event_in_every_state() {
    let mut matrix = Matrix::new(states().iter().map(|(state, _)| *state));
    for (state, peer) in states() {
        assert_eq!(state, state_of(&peer), "the way to the state leads there");
        for (event, happens) in EVENTS {
            let mut after = peer.clone();
            let said = happens(&mut after);
            matrix.add(state, event, state_of(&after), &said);
        }
    }
    compare_with_docs("peer", &matrix.written());
}
