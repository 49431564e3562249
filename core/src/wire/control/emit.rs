//! Writing control messages.

use alloc::vec::Vec;
use bytes::Bytes;

use super::{Content, Control, Monitored, Receiver, SpawnRequest, Spawned, Token, op};
use crate::flags::Flags;
use crate::term::{Atom, Pid, Reference, write};
use crate::wire::framing::{FrameTooLong, Framing};

/// The first byte of every frame.
const PASS_THROUGH: u8 = b'p';

impl Control {
    /// Appends the whole frame, length included, in the form that these agreed flags lead to.
    ///
    /// # Errors
    /// [`FrameTooLong`] for a message or a reason of 4 GiB; `out` is then as it was.
    //= docs/spec/channel.md#ch-pass-through
    pub fn emit(&self, flags: Flags, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
        let shape = self.shape(flags);
        Framing::Long.put(out, |out| {
            out.push(PASS_THROUGH);
            write::version(out);
            shape.emit(out);
            if let Some(payload) = shape.payload {
                write::version(out);
                out.extend_from_slice(payload.term());
            }
        })
    }

    /// How many bytes [`emit`](Self::emit) appends.
    #[must_use]
    pub fn encoded_len(&self, flags: Flags) -> usize {
        let shape = self.shape(flags);
        let payload = shape.payload.map_or(0, |payload| 1 + payload.term().len());
        4 + 2 + shape.encoded_len() + payload
    }

    /// Appends the control message alone, without version byte.
    pub fn emit_term(&self, flags: Flags, out: &mut Vec<u8>) {
        self.shape(flags).emit(out);
    }

    /// Appends the control message up to the reason that is its last element, without version byte, and gives that reason, which is
    /// not copied. If none is, in this form, it appends all of it.
    pub(crate) fn emit_up_to_reason(&self, flags: Flags, out: &mut Vec<u8>) -> Option<Bytes> {
        let shape = self.shape(flags);
        shape.emit_up_to_reason(out);
        shape.reason.cloned()
    }

    /// The term that follows the control message in this form, without version byte. It is not copied.
    #[must_use]
    pub fn payload(&self, flags: Flags) -> Option<Bytes> {
        let payload = self.shape(flags).payload?;
        Some(payload.bytes.slice(payload.begin..))
    }

    //= docs/spec/channel.md#ch-forms
    fn shape(&self, flags: Flags) -> Shape<'_> {
        let payload = flags.contains(Flags::EXIT_PAYLOAD);
        match self {
            Self::Link { from, to } => Shape::new(op::LINK).pid(from).pid(to),
            Self::LinkNoPid { from, to } => Shape::new(op::LINK).pid(from).raw(to),
            Self::ExitNoPid { from, to, reason } => {
                let op = if payload { op::PAYLOAD_EXIT } else { op::EXIT };
                Shape::new(op).raw(from).pid(to).reason(reason, payload)
            }
            Self::Send { from: Some(from), to, message, token }
                if flags.contains(Flags::SEND_SENDER) =>
            {
                Shape::traced(op::SEND_SENDER, token).pid(from).pid(to).token().message(message)
            }
            Self::Send { to, message, token, .. } => {
                Shape::traced(op::SEND, token).nothing().pid(to).token().message(message)
            }
            Self::Exit { from, to, reason, token } => {
                let op = if payload { op::PAYLOAD_EXIT } else { op::EXIT };
                Shape::traced(op, token).pid(from).pid(to).token().reason(reason, payload)
            }
            Self::UnlinkId { id, from, to } => {
                Shape::new(op::UNLINK_ID).integer(id.get()).pid(from).pid(to)
            }
            Self::UnlinkIdAck { id, from, to } => {
                Shape::new(op::UNLINK_ID_ACK).integer(*id).pid(from).pid(to)
            }
            Self::RegSend { from, to, message, token } => {
                let shape = Shape::traced(op::REG_SEND, token).pid(from).nothing().atom(to);
                shape.token().message(message)
            }
            Self::GroupLeader { leader, to } => Shape::new(op::GROUP_LEADER).pid(leader).pid(to),
            Self::Exit2 { from, to, reason, token } => {
                let op = if payload { op::PAYLOAD_EXIT2 } else { op::EXIT2 };
                Shape::traced(op, token).pid(from).pid(to).token().reason(reason, payload)
            }
            Self::MonitorP { from, to, reference } => {
                Shape::new(op::MONITOR_P).pid(from).monitored(to).reference(reference)
            }
            Self::DemonitorP { from, to, reference } => {
                Shape::new(op::DEMONITOR_P).pid(from).monitored(to).reference(reference)
            }
            Self::MonitorPExit { from, to, reference, reason } => {
                let op = if payload { op::PAYLOAD_MONITOR_P_EXIT } else { op::MONITOR_P_EXIT };
                let shape = Shape::new(op).monitored(from).pid(to).reference(reference);
                shape.reason(reason, payload)
            }
            Self::SpawnRequest(spawn) => spawn.shape(),
            Self::SpawnReply { request, to, flags, result, token } => {
                let shape = Shape::traced(op::SPAWN_REPLY, token).reference(request).pid(to);
                let shape = shape.integer(flags.bits().into());
                match result {
                    Spawned::Pid(pid) => shape.pid(pid),
                    Spawned::Error(error) => shape.atom(error),
                }
                .token()
            }
            //= docs/spec/channel.md#ch-alias-form
            Self::AliasSend { from: Some(from), to, message, token }
                if flags.contains(Flags::ALTACT_SIG) =>
            {
                let bits = op::altact::ALIAS | traced_bit(token.is_some());
                let shape = Shape::traced(op::ALTACT_SIG_SEND, token).integer(bits.into());
                shape.pid(from).reference(to).token().message(message)
            }
            Self::AliasSend { from, to, message, token } => {
                let shape = Shape::traced(op::ALIAS_SEND, token);
                let shape = shape.push(from.as_ref().map_or(Element::Nothing, Element::Pid));
                shape.reference(to).token().message(message)
            }
            Self::Altact { from, to, priority, content, token } => {
                let bits = altact_bits(to, *priority, content, token.is_some());
                let shape = Shape::traced(op::ALTACT_SIG_SEND, token).integer(bits.into());
                let shape = match to {
                    Receiver::Pid(pid) => shape.pid(from).pid(pid),
                    Receiver::Name(name) => shape.pid(from).atom(name),
                    Receiver::Alias(alias) => shape.pid(from).reference(alias),
                };
                match content {
                    Content::Message(message) => shape.token().message(message),
                    Content::Exit(reason) => shape.token().reason(reason, true),
                }
            }
        }
    }
}

impl SpawnRequest {
    fn shape(&self) -> Shape<'_> {
        let shape = Shape::traced(op::SPAWN_REQUEST, &self.token).reference(&self.request);
        let function = Element::Function(&self.module, &self.function, self.arity);
        let shape = shape.pid(&self.from).pid(&self.leader).push(function);
        shape.raw(&self.options).token().reason(&self.arguments, true)
    }
}

/// The flags of ALTACT_SIG_SEND.
//= docs/spec/channel.md#ch-altact
const fn altact_bits(to: &Receiver, priority: bool, content: &Content, traced: bool) -> u8 {
    let receiver = match to {
        Receiver::Pid(_) => 0,
        Receiver::Name(_) => op::altact::NAME,
        Receiver::Alias(_) => op::altact::ALIAS,
    };
    receiver
        | if priority { op::altact::PRIORITY } else { 0 }
        | traced_bit(traced)
        | if matches!(content, Content::Exit(_)) { op::altact::EXIT } else { 0 }
}

const fn traced_bit(traced: bool) -> u8 {
    if traced { op::altact::TOKEN } else { 0 }
}

/// As many elements has the longest control message.
const MAX_ARITY: usize = 7;

/// A control message as it stands on the wire: the elements of its tuple, and what follows it.
struct Shape<'a> {
    elements: [Element<'a>; MAX_ARITY],
    arity: u8,
    token: Option<&'a [u8]>,
    /// One more element, the last.
    reason: Option<&'a Bytes>,
    payload: Option<Payload<'a>>,
}

/// One term, behind the version byte if the bytes have one.
#[derive(Clone, Copy)]
struct Payload<'a> {
    bytes: &'a Bytes,
    begin: usize,
}

impl<'a> Payload<'a> {
    fn term(self) -> &'a [u8] {
        self.bytes.get(self.begin..).unwrap_or_default()
    }
}

#[derive(Clone, Copy)]
enum Element<'a> {
    Integer(u64),
    /// Where a cookie stood in the messages of old: the empty atom.
    Nothing,
    Atom(&'a Atom),
    Pid(&'a Pid),
    Reference(&'a Reference),
    /// Module, function and arity.
    Function(&'a Atom, &'a Atom, i64),
    /// One term.
    Raw(&'a [u8]),
}

impl<'a> Shape<'a> {
    fn new(op: u8) -> Self {
        let elements = [Element::Nothing; MAX_ARITY];
        Self { elements, arity: 0, token: None, reason: None, payload: None }.integer(op.into())
    }

    /// The traced form of the operation if there is a token, which is still to be put in its place.
    fn traced(op: u8, token: &'a Option<Token>) -> Self {
        let token = token.as_ref().map(|token| &token.as_bytes()[..]);
        Self { token, ..Self::new(op::traced(op, token.is_some())) }
    }

    fn push(mut self, element: Element<'a>) -> Self {
        if let Some(place) = self.elements.get_mut(usize::from(self.arity)) {
            *place = element;
            self.arity += 1;
        }
        self
    }

    fn integer(self, value: u64) -> Self {
        self.push(Element::Integer(value))
    }

    fn nothing(self) -> Self {
        self.push(Element::Nothing)
    }

    fn atom(self, atom: &'a Atom) -> Self {
        self.push(Element::Atom(atom))
    }

    fn pid(self, pid: &'a Pid) -> Self {
        self.push(Element::Pid(pid))
    }

    fn reference(self, reference: &'a Reference) -> Self {
        self.push(Element::Reference(reference))
    }

    fn raw(self, term: &'a [u8]) -> Self {
        self.push(Element::Raw(term))
    }

    fn monitored(self, process: &'a Monitored) -> Self {
        match process {
            Monitored::Pid(pid) => self.pid(pid),
            Monitored::Name(name) => self.atom(name),
        }
    }

    /// The token, if there is one.
    fn token(self) -> Self {
        match self.token {
            Some(token) => self.raw(token),
            None => self,
        }
    }

    /// A complete external term behind the control message.
    fn message(mut self, message: &'a Bytes) -> Self {
        self.payload = Some(Payload { bytes: message, begin: message.len().min(1) });
        self
    }

    /// One term, behind the control message or as its last element.
    fn reason(mut self, reason: &'a Bytes, payload: bool) -> Self {
        if payload {
            self.payload = Some(Payload { bytes: reason, begin: 0 });
        } else {
            self.reason = Some(reason);
        }
        self
    }

    fn elements(&self) -> &[Element<'a>] {
        self.elements.get(..usize::from(self.arity)).unwrap_or_default()
    }

    fn emit(&self, out: &mut Vec<u8>) {
        self.emit_up_to_reason(out);
        out.extend_from_slice(self.reason.map_or(&[], |reason| reason));
    }

    fn emit_up_to_reason(&self, out: &mut Vec<u8>) {
        write::tuple(out, self.arity + u8::from(self.reason.is_some()));
        for element in self.elements() {
            element.emit(out);
        }
    }

    fn encoded_len(&self) -> usize {
        let elements = self.elements().iter().map(Element::encoded_len).sum::<usize>();
        2 + elements + self.reason.map_or(0, Bytes::len)
    }
}

impl Element<'_> {
    fn emit(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Integer(value) => write::unsigned(out, value),
            Self::Nothing => write::literal(out, ""),
            Self::Atom(atom) => write::atom(out, atom),
            Self::Pid(pid) => write::pid(out, pid),
            Self::Reference(reference) => write::reference(out, reference),
            Self::Function(module, function, arity) => {
                write::tuple(out, 3);
                write::atom(out, module);
                write::atom(out, function);
                write::integer(out, arity);
            }
            Self::Raw(term) => out.extend_from_slice(term),
        }
    }

    fn encoded_len(&self) -> usize {
        match *self {
            Self::Integer(value) => integer_len(value <= i32::MAX as u64, value, value),
            Self::Nothing => 2,
            Self::Atom(atom) => atom_len(atom),
            Self::Pid(pid) => 1 + atom_len(&pid.node) + 12,
            Self::Reference(reference) => {
                3 + atom_len(reference.node()) + 4 + 4 * reference.words().len()
            }
            Self::Function(module, function, arity) => {
                let small = i32::try_from(arity).is_ok();
                let arity = integer_len(small, arity as u64, arity.unsigned_abs());
                2 + atom_len(module) + atom_len(function) + arity
            }
            Self::Raw(term) => term.len(),
        }
    }
}

/// The encoded length of an integer: its tag, and one byte, four, or a length, a sign and digits.
const fn integer_len(fits_32_bits: bool, bits: u64, magnitude: u64) -> usize {
    if bits <= 0xFF {
        2
    } else if fits_32_bits {
        5
    } else {
        3 + 8 - magnitude.leading_zeros() as usize / 8
    }
}

fn atom_len(atom: &Atom) -> usize {
    let len = atom.as_str().len();
    len + if len <= 0xFF { 2 } else { 3 }
}
