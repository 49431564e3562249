//! Writing the frames of a pass-through channel.

use alloc::vec::Vec;
use core::num::NonZeroU64;

use super::{Control, Monitored, op};
use crate::term::{Pid, Reference, write};
use crate::wire::framing::{FrameTooLong, Framing};

/// The first byte of every frame.
const PASS_THROUGH: u8 = b'p';

impl Control {
    /// Appends the whole frame, length included.
    ///
    /// # Errors
    /// [`FrameTooLong`] for a message or a reason of 4 GiB; `out` is then as it was.
    //= docs/spec/channel.md#ch-pass-through
    pub fn emit(&self, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
        Framing::Long.put(out, |out| {
            out.push(PASS_THROUGH);
            write::version(out);
            self.emit_body(out);
        })
    }

    fn emit_body(&self, out: &mut Vec<u8>) {
        match self {
            Self::Link { from, to } => {
                head(out, op::LINK, 3);
                write::pid(out, from);
                write::pid(out, to);
            }
            Self::Send { to, message } => {
                head(out, op::SEND, 3);
                no_cookie(out);
                write::pid(out, to);
                out.extend_from_slice(message);
            }
            Self::Exit { from, to, reason } => exit(out, op::EXIT, from, to, reason),
            Self::UnlinkId { id, from, to } => unlink(out, op::UNLINK_ID, *id, from, to),
            Self::UnlinkIdAck { id, from, to } => unlink(out, op::UNLINK_ID_ACK, *id, from, to),
            Self::RegSend { from, to, message } => {
                head(out, op::REG_SEND, 4);
                write::pid(out, from);
                no_cookie(out);
                write::atom(out, to);
                out.extend_from_slice(message);
            }
            Self::GroupLeader { leader, to } => {
                head(out, op::GROUP_LEADER, 3);
                write::pid(out, leader);
                write::pid(out, to);
            }
            Self::Exit2 { from, to, reason } => exit(out, op::EXIT2, from, to, reason),
            Self::MonitorP { from, to, reference } => {
                monitor(out, op::MONITOR_P, from, to, reference);
            }
            Self::DemonitorP { from, to, reference } => {
                monitor(out, op::DEMONITOR_P, from, to, reference);
            }
            Self::MonitorPExit { from, to, reference, reason } => {
                head(out, op::MONITOR_P_EXIT, 5);
                monitored(out, from);
                write::pid(out, to);
                write::reference(out, reference);
                out.extend_from_slice(reason);
            }
        }
    }
}

fn head(out: &mut Vec<u8>, op: u8, arity: u8) {
    write::tuple(out, arity);
    write::unsigned(out, op.into());
}

/// Where a cookie stood in the messages of old, there is the empty atom.
fn no_cookie(out: &mut Vec<u8>) {
    write::literal(out, "");
}

fn exit(out: &mut Vec<u8>, op: u8, from: &Pid, to: &Pid, reason: &[u8]) {
    head(out, op, 4);
    write::pid(out, from);
    write::pid(out, to);
    out.extend_from_slice(reason);
}

fn unlink(out: &mut Vec<u8>, op: u8, id: NonZeroU64, from: &Pid, to: &Pid) {
    head(out, op, 4);
    write::unsigned(out, id.get());
    write::pid(out, from);
    write::pid(out, to);
}

fn monitor(out: &mut Vec<u8>, op: u8, from: &Pid, to: &Monitored, reference: &Reference) {
    head(out, op, 4);
    write::pid(out, from);
    monitored(out, to);
    write::reference(out, reference);
}

fn monitored(out: &mut Vec<u8>, process: &Monitored) {
    match process {
        Monitored::Pid(pid) => write::pid(out, pid),
        Monitored::Name(name) => write::atom(out, name),
    }
}
