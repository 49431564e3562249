//! The messages of a channel on which neither an atom cache nor fragments were agreed: "pass through" frames.
//!
//! A frame is one byte that nobody looks at, a control message, and for some operations a payload.

use alloc::vec::Vec;
use bytes::Bytes;
use core::num::NonZeroU64;

use super::framing::{FrameTooLong, Framing};
use crate::link::Violation;
use crate::name::NodeName;
use crate::term::{Atom, Pid, Reader, Reference, TermError, write};

/// The first byte of every frame we send.
const PASS_THROUGH: u8 = b'p';

/// The numbers of the operations (`dist.h`, `enum dop`).
mod op {
    pub(super) const LINK: u8 = 1;
    pub(super) const SEND: u8 = 2;
    pub(super) const EXIT: u8 = 3;
    pub(super) const REG_SEND: u8 = 6;
    pub(super) const GROUP_LEADER: u8 = 7;
    pub(super) const EXIT2: u8 = 8;
    pub(super) const SEND_TT: u8 = 12;
    pub(super) const EXIT_TT: u8 = 13;
    pub(super) const REG_SEND_TT: u8 = 16;
    pub(super) const EXIT2_TT: u8 = 18;
    pub(super) const MONITOR_P: u8 = 19;
    pub(super) const DEMONITOR_P: u8 = 20;
    pub(super) const MONITOR_P_EXIT: u8 = 21;
    pub(super) const SEND_SENDER: u8 = 22;
    pub(super) const ALIAS_SEND_TT: u8 = 34;
    pub(super) const UNLINK_ID: u8 = 35;
    pub(super) const UNLINK_ID_ACK: u8 = 36;
    pub(super) const ALTACT_SIG_SEND: u8 = 37;
}

/// What a process is monitored by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Monitored {
    /// Its pid.
    Pid(Pid),
    /// The name that it is, or is not, registered under.
    Name(Atom),
}

/// A signal from a process to a process, or the kernel's answer to one.
///
/// A `reason` is the bytes of one term without version byte; a `message` is a complete external term, version byte
/// included. Both are well-formed if they come from [`parse`], and have to be for [`Control::emit`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields have the names of Erlang's manual")]
pub enum Control {
    /// `from` links with `to`.
    Link { from: Pid, to: Pid },
    /// A message to a pid.
    Send { to: Pid, message: Bytes },
    /// `from` has ended, and `to` was linked with it.
    Exit { from: Pid, to: Pid, reason: Bytes },
    /// `from` ends its link with `to`, which answers by [`Control::UnlinkIdAck`] with the same id.
    UnlinkId { id: NonZeroU64, from: Pid, to: Pid },
    /// The answer to [`Control::UnlinkId`]: the pids have changed places.
    UnlinkIdAck { id: NonZeroU64, from: Pid, to: Pid },
    /// A message to a registered name.
    RegSend { from: Pid, to: Atom, message: Bytes },
    /// `leader` is the group leader of `to` from now on.
    GroupLeader { leader: Pid, to: Pid },
    /// `exit/2`.
    Exit2 { from: Pid, to: Pid, reason: Bytes },
    /// `from` monitors `to`.
    MonitorP { from: Pid, to: Monitored, reference: Reference },
    /// `from` does not monitor `to` any more.
    DemonitorP { from: Pid, to: Monitored, reference: Reference },
    /// `from` has ended, or was not there, and `to` monitored it under this reference.
    MonitorPExit { from: Monitored, to: Pid, reference: Reference, reason: Bytes },
}

/// What a frame holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Received {
    /// A message of an operation that is served.
    Control(Control),
    /// A message of an operation that exists, but is used only if both sides agree on a flag that we do not offer. Nothing
    /// of it was looked at but that its control message is a term.
    NotServed {
        /// The number of the operation.
        op: u8,
    },
}

/// Reads the frame, which is not a tick, of a peer of this name (`dist.c`, `erts_net_message`).
///
/// Reasons and messages share the memory of the frame. Trace tokens are dropped. Whether pids at the receiving end are
/// ours is for the caller to find out.
///
/// # Errors
/// [`Violation::Term`] if the control message or a payload is no term, [`Violation::Control`] if the control message is a
/// term of another form.
//= docs/spec/channel.md#ch-pass-through
pub fn parse(frame: &Bytes, peer: &NodeName) -> Result<Received, Violation> {
    let mut reader = Reader::new(frame.get(1..).unwrap_or_default());
    let control = external(&mut reader)?;
    let mut fields = Fields { frame, peer: peer.as_atom(), reader: Reader::new(control) };
    let (op, arity) = fields.head().map_err(|_| Violation::Control)?;
    //= docs/spec/channel.md#ch-not-served
    if is_not_served(op) {
        return Ok(Received::NotServed { op });
    }
    let body = fields.body(op, arity).map_err(|_| Violation::Control)?;
    let mut message = || {
        let payload = reader.remaining();
        external(&mut reader)?;
        // Bytes behind the payload are not looked at.
        //= docs/spec/channel.md#ch-trailing
        Ok(frame.slice_ref(&payload[..payload.len() - reader.remaining().len()]))
    };
    Ok(Received::Control(match body {
        Body::Whole(control) => control,
        Body::Send { to } => Control::Send { to, message: message()? },
        Body::RegSend { from, to } => Control::RegSend { from, to, message: message()? },
    }))
}

/// One term behind a version byte.
fn external<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Violation> {
    reader.version().and_then(|()| reader.raw()).map_err(|_| Violation::Term)
}

/// Whether the operation exists, but needs a flag that we do not offer.
const fn is_not_served(op: u8) -> bool {
    matches!(op, op::SEND_SENDER..=op::ALIAS_SEND_TT | op::ALTACT_SIG_SEND)
}

/// A control message, of which the payload may be missing yet.
enum Body {
    Whole(Control),
    Send { to: Pid },
    RegSend { from: Pid, to: Atom },
}

/// The elements of the tuple that a control message is, read in order.
struct Fields<'a> {
    frame: &'a Bytes,
    peer: &'a Atom,
    reader: Reader<'a>,
}

/// The element is not what the operation has there.
struct Mismatch;

impl From<TermError> for Mismatch {
    fn from(_: TermError) -> Self {
        Self
    }
}

impl Fields<'_> {
    /// The operation, and how many elements the tuple has with it.
    //= docs/spec/channel.md#ch-control-form
    fn head(&mut self) -> Result<(u8, u32), Mismatch> {
        let arity = self.reader.tuple()?;
        let op = self.reader.unsigned()?;
        Ok((op.try_into().map_err(|_| Mismatch)?, arity))
    }

    /// Everything behind the operation. Fields are read in the order in which they are written here.
    //= docs/spec/channel.md#ch-control-form
    fn body(&mut self, op: u8, arity: u32) -> Result<Body, Mismatch> {
        Ok(Body::Whole(match (op, arity) {
            (op::LINK, 3) => Control::Link { from: self.theirs()?, to: self.reader.pid()? },
            (op::SEND, 3) | (op::SEND_TT, 4) => {
                self.reader.raw()?;
                return Ok(Body::Send { to: self.reader.pid()? });
            }
            (op::EXIT, 4) | (op::EXIT_TT, 5) => {
                let (from, to) = (self.theirs()?, self.reader.pid()?);
                Control::Exit { from, to, reason: self.reason(op == op::EXIT_TT)? }
            }
            (op::REG_SEND, 4) | (op::REG_SEND_TT, 5) => {
                let from = self.reader.pid()?;
                self.reader.raw()?;
                return Ok(Body::RegSend { from, to: self.reader.atom()? });
            }
            (op::GROUP_LEADER, 3) => {
                Control::GroupLeader { leader: self.reader.pid()?, to: self.reader.pid()? }
            }
            (op::EXIT2, 4) | (op::EXIT2_TT, 5) => {
                let (from, to) = (self.theirs()?, self.reader.pid()?);
                Control::Exit2 { from, to, reason: self.reason(op == op::EXIT2_TT)? }
            }
            (op::MONITOR_P, 4) => Control::MonitorP {
                from: self.theirs()?,
                to: self.monitored()?,
                reference: self.reader.reference()?,
            },
            (op::DEMONITOR_P, 4) => Control::DemonitorP {
                from: self.theirs()?,
                to: self.monitored()?,
                reference: self.reader.reference()?,
            },
            (op::MONITOR_P_EXIT, 5) => Control::MonitorPExit {
                from: self.monitored()?,
                to: self.reader.pid()?,
                reference: self.reader.reference()?,
                reason: self.reason(false)?,
            },
            (op::UNLINK_ID, 4) => Control::UnlinkId {
                id: self.unlink_id()?,
                from: self.theirs()?,
                to: self.reader.pid()?,
            },
            (op::UNLINK_ID_ACK, 4) => Control::UnlinkIdAck {
                id: self.unlink_id()?,
                from: self.theirs()?,
                to: self.reader.pid()?,
            },
            _ => return Err(Mismatch),
        }))
    }

    /// A pid of the connected node, of whatever incarnation.
    //= docs/spec/channel.md#ch-control-from
    fn theirs(&mut self) -> Result<Pid, Mismatch> {
        let pid = self.reader.pid()?;
        if pid.node == *self.peer { Ok(pid) } else { Err(Mismatch) }
    }

    fn monitored(&mut self) -> Result<Monitored, Mismatch> {
        Ok(if self.reader.at_atom() {
            Monitored::Name(self.reader.atom()?)
        } else {
            Monitored::Pid(self.reader.pid()?)
        })
    }

    /// The last element, which in a traced signal comes behind the token.
    fn reason(&mut self, traced: bool) -> Result<Bytes, Mismatch> {
        if traced {
            self.reader.raw()?;
        }
        Ok(self.frame.slice_ref(self.reader.raw()?))
    }

    //= docs/spec/channel.md#ch-unlink-id
    fn unlink_id(&mut self) -> Result<NonZeroU64, Mismatch> {
        NonZeroU64::new(self.reader.unsigned()?).ok_or(Mismatch)
    }
}

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
