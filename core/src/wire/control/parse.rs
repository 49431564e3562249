//! Reading control messages.

use alloc::boxed::Box;
use bytes::Bytes;
use core::num::NonZeroU64;

use super::{Content, Control, Monitored, Receiver, SpawnFlags, SpawnRequest, Spawned, Token, op};
use crate::name::NodeName;
use crate::stream::Violation;
use crate::term::{Atom, Pid, Reader, TermError};
use crate::wire::framing::SHARED_MAX;

/// Integers that a virtual machine holds in one word, tag included.
const SMALL: core::ops::RangeInclusive<i64> = -(1 << 59)..=(1 << 59) - 1;

/// Reads the frame, which is not a tick, of a peer of this name (`dist.c`, `erts_net_message`), on a link without
/// distribution headers.
///
/// Reasons, messages and tokens share the memory of the frame, but for a payload that is less than half of a long one. Whether pids at the receiving end are ours is for the caller
/// to find out.
///
/// # Errors
/// [`Violation::Term`] if the control message or a payload is no term, [`Violation::Control`] if the control message is a
/// term of another form.
//= docs/spec/channel.md#ch-pass-through
pub fn parse(frame: &Bytes, peer: &NodeName) -> Result<Control, Violation> {
    let control = parse_unread(frame, peer)?;
    if control.lacks_payload() { Err(Violation::Term) } else { Ok(control) }
}

/// The same, but a payload that is missing or no term is left empty ([`Control::lacks_payload`]): an Erlang node notices that only when
/// a process takes it.
///
/// # Errors
/// Those of [`parse`] for a control message.
//= docs/spec/channel.md#ch-payload-unread
pub fn parse_unread(frame: &Bytes, peer: &NodeName) -> Result<Control, Violation> {
    let mut reader = Reader::new(frame.get(1..).unwrap_or_default());
    let control = frame.slice_ref(external(&mut reader)?);
    parse_head(&control, peer)?.complete(|| {
        let payload = reader.remaining();
        if external(&mut reader).is_err() {
            return Ok(Bytes::new());
        }
        // Bytes behind the payload are not looked at.
        //= docs/spec/channel.md#ch-trailing
        Ok(part(frame, &payload[..payload.len() - reader.remaining().len()]))
    })
}

/// A payload shares the memory of its frame, unless most of that is something else: a trace token, or bytes behind the payload.
//= docs/spec/channel.md#ch-frame-memory
fn part(frame: &Bytes, payload: &[u8]) -> Bytes {
    if frame.len() > SHARED_MAX && payload.len() < frame.len() / 2 {
        Bytes::copy_from_slice(payload)
    } else {
        frame.slice_ref(payload)
    }
}

/// One term behind a version byte.
fn external<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Violation> {
    reader.version().and_then(|()| reader.raw()).map_err(|_| Violation::Term)
}

/// Reads a control message, which is one term that was walked already, without its version byte and without its payload.
///
/// # Errors
/// [`Violation::Control`] if it is no control message.
pub fn parse_head(control: &Bytes, peer: &NodeName) -> Result<Head, Violation> {
    let mut fields = Fields { control, peer: peer.as_atom(), reader: Reader::new(control) };
    let head = fields.head().and_then(|(op, arity)| fields.body(op, arity));
    head.map_err(|Mismatch| Violation::Control)
}

/// A control message of which the payload, if it has one, is still missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "it is no message yet"]
pub struct Head {
    /// With nothing where the payload belongs.
    control: Control,
    has_payload: bool,
}

impl Head {
    /// Whether a payload follows the control message.
    #[must_use]
    pub const fn has_payload(&self) -> bool {
        self.has_payload
    }

    /// The whole message. `payload` is asked for a complete external term, version byte included, if one is needed.
    ///
    /// # Errors
    /// That of `payload`.
    //= docs/spec/channel.md#ch-payload
    pub fn complete(
        self,
        payload: impl FnOnce() -> Result<Bytes, Violation>,
    ) -> Result<Control, Violation> {
        let mut control = self.control;
        if !self.has_payload {
            return Ok(control);
        }
        let external = payload()?;
        let term = external.slice(external.len().min(1)..);
        match &mut control {
            Control::Send { message, .. }
            | Control::RegSend { message, .. }
            | Control::AliasSend { message, .. }
            | Control::Altact { content: Content::Message(message), .. } => *message = external,
            Control::Exit { reason, .. }
            | Control::Exit2 { reason, .. }
            | Control::MonitorPExit { reason, .. }
            | Control::Altact { content: Content::Exit(reason), .. } => *reason = term,
            Control::SpawnRequest(spawn) => spawn.arguments = term,
            Control::Link { .. }
            | Control::LinkNoPid { .. }
            | Control::ExitNoPid { .. }
            | Control::UnlinkId { .. }
            | Control::UnlinkIdAck { .. }
            | Control::GroupLeader { .. }
            | Control::MonitorP { .. }
            | Control::DemonitorP { .. }
            | Control::SpawnReply { .. } => {}
        }
        Ok(control)
    }
}

/// The elements of the tuple that a control message is, read in order.
struct Fields<'a> {
    control: &'a Bytes,
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
    fn body(&mut self, op: u8, arity: u32) -> Result<Head, Mismatch> {
        let (op, traced) = op::untraced(op);
        let arity = arity.checked_sub(traced.into()).ok_or(Mismatch)?;
        let (message, mut has_payload) = (Bytes::new(), true);
        let control = match (op, arity) {
            (op::SEND, 3) => {
                self.term()?;
                let (to, token) = (self.pid()?, self.token(traced)?);
                Control::Send { from: None, to, message, token }
            }
            (op::SEND_SENDER, 3) => {
                let (from, to, token) = (self.sender()?, self.pid()?, self.token(traced)?);
                Control::Send { from, to, message, token }
            }
            (op::REG_SEND, 4) => {
                let from = self.pid()?;
                self.term()?;
                let (to, token) = (self.reader.atom()?, self.token(traced)?);
                Control::RegSend { from, to, message, token }
            }
            (op::ALIAS_SEND, 3) => {
                let (from, to) = (self.sender()?, self.reader.reference()?);
                Control::AliasSend { from, to, message, token: self.token(traced)? }
            }
            (op::ALTACT_SIG_SEND, 4..) => self.altact(arity)?,
            (op::SPAWN_REQUEST, 6) => Control::SpawnRequest(Box::new(self.spawn_request(traced)?)),
            (op::EXIT | op::EXIT2, 4) | (op::PAYLOAD_EXIT | op::PAYLOAD_EXIT2, 3) => {
                has_payload = arity == 3;
                self.exit(matches!(op, op::EXIT | op::PAYLOAD_EXIT), has_payload, traced)?
            }
            (op::MONITOR_P_EXIT, 5) | (op::PAYLOAD_MONITOR_P_EXIT, 4) => {
                has_payload = arity == 4;
                let (from, to) = (self.monitored()?, self.pid()?);
                let reference = self.reader.reference()?;
                Control::MonitorPExit { from, to, reference, reason: self.reason(has_payload)? }
            }
            _ => {
                has_payload = false;
                self.alone(op, arity, traced)?
            }
        };
        Ok(Head { control, has_payload })
    }

    /// The operations that never have a payload.
    fn alone(&mut self, op: u8, arity: u32, traced: bool) -> Result<Control, Mismatch> {
        Ok(match (op, arity) {
            (op::LINK, 3) => self.link()?,
            (op::GROUP_LEADER, 3) => Control::GroupLeader { leader: self.pid()?, to: self.pid()? },
            //= docs/spec/channel.md#ch-unlink-id
            (op::UNLINK_ID, 4) => Control::UnlinkId {
                id: NonZeroU64::new(self.reader.unsigned()?).ok_or(Mismatch)?,
                from: self.theirs()?,
                to: self.pid()?,
            },
            (op::UNLINK_ID_ACK, 4) => Control::UnlinkIdAck {
                id: self.reader.unsigned()?,
                from: self.theirs()?,
                to: self.pid()?,
            },
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
            (op::SPAWN_REPLY, 5) => Control::SpawnReply {
                request: self.reader.reference()?,
                to: self.pid()?,
                flags: self.spawn_flags()?,
                result: self.spawned()?,
                token: self.token(traced)?,
            },
            _ => return Err(Mismatch),
        })
    }

    fn link(&mut self) -> Result<Control, Mismatch> {
        let (from, mut other) = (self.theirs()?, self.reader.clone());
        Ok(if let Ok(to) = self.reader.pid() {
            Control::Link { from, to }
        } else {
            Control::LinkNoPid { from, to: self.control.slice_ref(other.raw()?) }
        })
    }

    fn exit(&mut self, linked: bool, payload: bool, traced: bool) -> Result<Control, Mismatch> {
        let (from, to, token) = (self.theirs()?, self.pid()?, self.token(traced)?);
        let reason = self.reason(payload)?;
        Ok(if linked {
            Control::Exit { from, to, reason, token }
        } else {
            Control::Exit2 { from, to, reason, token }
        })
    }

    /// The reason of a form that has it as its last element; nothing yet in the other form.
    fn reason(&mut self, payload: bool) -> Result<Bytes, Mismatch> {
        if payload { Ok(Bytes::new()) } else { self.term() }
    }

    fn pid(&mut self) -> Result<Pid, Mismatch> {
        Ok(self.reader.pid()?)
    }

    /// A pid of the connected node, of whatever incarnation.
    //= docs/spec/channel.md#ch-control-from
    fn theirs(&mut self) -> Result<Pid, Mismatch> {
        let pid = self.reader.pid()?;
        if pid.node == *self.peer { Ok(pid) } else { Err(Mismatch) }
    }

    /// The sender of a message, which may be any term.
    //= docs/spec/channel.md#ch-control-from
    fn sender(&mut self) -> Result<Option<Pid>, Mismatch> {
        let pid = self.reader.clone().pid().ok();
        self.reader.raw()?;
        Ok(pid)
    }

    fn monitored(&mut self) -> Result<Monitored, Mismatch> {
        Ok(if self.reader.at_atom() {
            Monitored::Name(self.reader.atom()?)
        } else {
            Monitored::Pid(self.reader.pid()?)
        })
    }

    /// Any term.
    fn term(&mut self) -> Result<Bytes, Mismatch> {
        Ok(self.control.slice_ref(self.reader.raw()?))
    }

    /// The token of a message in its traced form.
    //= docs/spec/channel.md#ch-trace-token
    fn token(&mut self, traced: bool) -> Result<Option<Token>, Mismatch> {
        if !traced {
            return Ok(None);
        }
        Ok(Some(Token::from_walked(self.term()?)))
    }

    //= docs/spec/channel.md#ch-spawn-form
    fn spawn_request(&mut self, traced: bool) -> Result<SpawnRequest, Mismatch> {
        let (request, from) = (self.reader.reference()?, self.pid()?);
        let leader = self.pid()?;
        if self.reader.tuple()? != 3 {
            return Err(Mismatch);
        }
        let (module, function) = (self.reader.atom()?, self.reader.atom()?);
        let arity = self.reader.integer()?;
        if !SMALL.contains(&arity) {
            return Err(Mismatch);
        }
        let (options, arguments) = (self.term()?, Bytes::new());
        let token = self.token(traced)?;
        Ok(SpawnRequest {
            request,
            from,
            leader,
            module,
            function,
            arity,
            options,
            arguments,
            token,
        })
    }

    //= docs/spec/channel.md#ch-spawn-form
    fn spawn_flags(&mut self) -> Result<SpawnFlags, Mismatch> {
        let bits = u32::try_from(self.reader.unsigned()?).map_err(|_| Mismatch)?;
        SpawnFlags::from_bits(bits).ok_or(Mismatch)
    }

    fn spawned(&mut self) -> Result<Spawned, Mismatch> {
        Ok(if self.reader.at_atom() {
            Spawned::Error(self.reader.atom()?)
        } else {
            Spawned::Pid(self.reader.pid()?)
        })
    }

    //= docs/spec/channel.md#ch-altact
    fn altact(&mut self, arity: u32) -> Result<Control, Mismatch> {
        let bits = self.low_byte()?;
        let is_set = |bit| bits & bit != 0;
        let from = self.pid()?;
        let to = match (is_set(op::altact::ALIAS), is_set(op::altact::NAME)) {
            (false, false) => Receiver::Pid(self.pid()?),
            (false, true) => Receiver::Name(self.reader.atom()?),
            (true, false) => Receiver::Alias(self.reader.reference()?),
            (true, true) => return Err(Mismatch),
        };
        let traced = is_set(op::altact::TOKEN);
        if traced && arity < 5 {
            return Err(Mismatch);
        }
        let token = self.token(traced)?;
        let (priority, exit) = (is_set(op::altact::PRIORITY), is_set(op::altact::EXIT));
        Ok(match to {
            //= docs/spec/channel.md#ch-alias-form
            Receiver::Alias(to) if !priority && !exit => {
                Control::AliasSend { from: Some(from), to, message: Bytes::new(), token }
            }
            Receiver::Pid(_) | Receiver::Name(_) | Receiver::Alias(_) => {
                let content = if exit { Content::Exit } else { Content::Message }(Bytes::new());
                Control::Altact { from, to, priority, content, token }
            }
        })
    }

    /// The lowest byte of an integer of any size that is not negative.
    fn low_byte(&mut self) -> Result<u8, Mismatch> {
        let mut whole = self.reader.clone();
        if let Ok(value) = whole.unsigned() {
            self.reader = whole;
            return Ok(value as u8);
        }
        // Beyond 64 bits: a tag, a length of one byte or four, a sign, and the digits.
        match *self.reader.raw()? {
            [0x6E, _, 0, low, ..] | [0x6F, _, _, _, _, 0, low, ..] => Ok(low),
            _ => Err(Mismatch),
        }
    }
}
