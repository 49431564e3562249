//! What a node does, as events of `tracing`: who wants to know takes those of the target [`TARGET`], as `netkernel node --trace` does.
//!
//! They come on the threads and tasks of the node, some of them under its locks, so whoever takes them must not block.

use netkernel_core::link::{Batch, Frame};
use netkernel_core::net_kernel::{Diagnostic, Input, NodeEvent, Promotion, Target};
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, LinkId, NodeName, StreamId};

/// Of all events here.
const TARGET: &str = "netkernel::trace";

macro_rules! fact {
    ($($field:tt)*) => { tracing::trace!(target: TARGET, $($field)*) };
}

pub(super) fn alive(node: &NodeName, creation: Creation) {
    fact!(node = node.as_str(), creation = creation.0, "alive");
}

pub(super) fn not_alive() {
    fact!("not_alive");
}

pub(super) fn dialling(stream: StreamId, target: &Target) {
    fact!(stream = ?stream, address = %target.address, "dial");
}

pub(super) fn accepted(stream: StreamId) {
    fact!(stream = ?stream, "accepted");
}

/// What the kernel is told of a stream.
pub(super) fn input(input: &Input) {
    match input {
        Input::Opened { stream, .. } => fact!(stream = ?stream, "opened"),
        Input::OpenFailed { stream, error } => {
            fact!(stream = ?stream, reason = %error, "open_failed");
        }
        Input::Closed { stream, cause } => fact!(stream = ?stream, reason = ?cause, "closed"),
        Input::ListenerLost => fact!("listener_lost"),
        Input::Timeout
        | Input::Listening { .. }
        | Input::ListenFailed { .. }
        | Input::Accepted { .. }
        | Input::Received { .. }
        | Input::Sampled { .. }
        | Input::OptsSet { .. }
        | Input::OptsGot { .. } => {}
    }
}

pub(super) fn closing(stream: StreamId, abort: bool) {
    fact!(stream = ?stream, abort, "close");
}

pub(super) fn attempting(node: &NodeName, link: LinkId) {
    fact!(node = node.as_str(), link = ?link, "attempting");
}

/// The handshake is done.
pub(super) fn up(stream: StreamId, promotion: &Promotion) {
    let Promotion { node, link, node_type, .. } = promotion;
    fact!(node = node.as_str(), link = ?link, stream = ?stream, node_type = %node_type, "up");
}

pub(super) fn down(node: &NodeName, link: LinkId, was_up: bool) {
    fact!(node = node.as_str(), link = ?link, was_up, "down");
}

/// A subscriber is told.
pub(super) fn told(event: &NodeEvent) {
    match (event, event.nodedown_reason()) {
        (NodeEvent::NodeUp { node, .. }, _) => fact!(node = node.as_str(), "nodeup"),
        (NodeEvent::NodeDown { node, .. }, Some(reason)) => {
            fact!(node = node.as_str(), reason = %reason, "nodedown");
        }
        (NodeEvent::NodeDown { node, .. }, None) => fact!(node = node.as_str(), "nodedown"),
    }
}

pub(super) fn ticked(node: &NodeName) {
    fact!(node = node.as_str(), "tick");
}

pub(super) fn diagnosed(diagnostic: &Diagnostic) {
    fact!(text = %diagnostic, "diagnostic");
}

/// What is told of a signal: Erlang's name of the operation, and the bytes of its message, reason or arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gist {
    op: &'static str,
    bytes: usize,
}

impl Gist {
    pub(super) fn of(signal: &Control) -> Self {
        let op = match signal {
            Control::Link { .. } | Control::LinkNoPid { .. } => "LINK",
            Control::Send { .. } => "SEND",
            Control::Exit { .. } | Control::ExitNoPid { .. } => "EXIT",
            Control::UnlinkId { .. } => "UNLINK_ID",
            Control::UnlinkIdAck { .. } => "UNLINK_ID_ACK",
            Control::RegSend { .. } => "REG_SEND",
            Control::GroupLeader { .. } => "GROUP_LEADER",
            Control::Exit2 { .. } => "EXIT2",
            Control::MonitorP { .. } => "MONITOR_P",
            Control::DemonitorP { .. } => "DEMONITOR_P",
            Control::MonitorPExit { .. } => "MONITOR_P_EXIT",
            Control::SpawnRequest(_) => "SPAWN_REQUEST",
            Control::SpawnReply { .. } => "SPAWN_REPLY",
            Control::AliasSend { .. } => "ALIAS_SEND",
            Control::Altact { .. } => "ALTACT_SIG_SEND",
        };
        Self { op, bytes: signal.unbounded_len() }
    }

    /// Of what the node answers by itself, which is a message to a pid or an alias; all bytes of it.
    pub(super) fn of_answer(frame: &Frame) -> Self {
        Self { op: "ANSWER", bytes: frame.wire_len() }
    }
}

/// A signal is queued on a link. To be called under the lock of the queue: so nobody has it before.
pub(super) fn sent(to: &str, gist: Gist) {
    fact!(node = to, op = gist.op, bytes = gist.bytes, "out");
}

/// A signal waits for the link.
pub(super) fn waits(to: &str, gist: Gist) {
    fact!(node = to, op = gist.op, bytes = gist.bytes, "wait");
}

/// These signals have come, and are about to be handled.
pub(super) fn received(batch: &Batch) {
    if tracing::enabled!(target: TARGET, tracing::Level::TRACE) {
        for signal in &batch.signals {
            let Gist { op, bytes } = Gist::of(signal);
            fact!(node = batch.origin.node.as_str(), op, bytes, "in");
        }
    }
}
