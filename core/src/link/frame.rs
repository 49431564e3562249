//! A signal, made ready for a link.

use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

use super::{Limits, LinkWriter};
use crate::flags::Flags;
use crate::term::Pid;
use crate::wire::control::{Control, Monitored};
use crate::wire::dist_header::{EMPTY, FRAGMENT_HEADER_LEN};
use crate::wire::framing::Framing;

/// As many bytes of control message and payload has a fragment, but for the last one. A message with no more goes in one piece
/// (`dist.h`, `ERTS_DIST_FRAGMENT_SIZE`).
pub const FRAGMENT_BYTES: usize = 64 * 1024;

/// A longer payload, or reason, is not copied behind its control message, but written from where it is.
const COPY_MAX: usize = 4 * 1024;

/// The same for the reason of a process that has ended: as many frames have it as there are processes to be told.
const SHARED_COPY_MAX: usize = 256;

/// Bytes for a header and a control message; few are longer.
const HEAD_BYTES: usize = 128;

/// Bytes of the length field of a frame.
const LENGTH: usize = Framing::Long.header_len();

/// A signal as it will stand on the wire of one link: one frame, or a message that [`LinkWriter`] cuts into fragments.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Frame {
    sender: Option<Sender>,
    /// It comes from a process that it does not name.
    unnamed: bool,
    form: Form,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// Two pieces of one frame, of which the second may be empty: it is a payload, or the reason that a control message ends with.
    Whole { head: Bytes, payload: Bytes },
    /// A control message and its payload, without anything around them.
    Fragments { control: Bytes, payload: Bytes },
}

/// The process of this node that a signal comes from, by the number of its pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sender(u64);

impl Frame {
    /// Makes a frame of a signal for a link on which these flags were agreed; `None` if it is longer than a frame can be. Takes no
    /// lock, and copies no large payload and no large reason, in whatever form.
    //= docs/spec/channel.md#ch-header-empty
    //= docs/spec/channel.md#ch-fragment-send
    //= docs/spec/channel.md#ch-reason-shared
    #[must_use]
    pub fn new(signal: &Control, flags: Flags) -> Option<Self> {
        let ends = matches!(signal, Control::Exit { .. } | Control::MonitorPExit { .. });
        let copy_max = if ends { SHARED_COPY_MAX } else { COPY_MAX };
        let mut payload = signal.payload(flags);
        let sender = signal.sender().map(Sender::of);
        // The end of a process that was monitored by name.
        let unnamed = matches!(signal, Control::MonitorPExit { from: Monitored::Name(_), .. });
        let copied = payload.as_ref().map_or(0, Bytes::len);
        let copied = if copied <= copy_max { copied } else { 0 };
        let mut head = Vec::with_capacity(HEAD_BYTES + copied);
        head.extend_from_slice(&[0; LENGTH]);
        let header = flags.has_dist_header();
        head.extend_from_slice(if header { &EMPTY[..] } else { b"p\x83" });
        let front = head.len();
        let reason = signal.emit_up_to_reason(flags, &mut head);
        let large = |payload: &mut Bytes| {
            flags.contains(Flags::FRAGMENTS) && head.len() - front + payload.len() > FRAGMENT_BYTES
        };
        if let Some(payload) = payload.take_if(large) {
            let control = Bytes::from(head).slice(front..);
            return Some(Self { sender, unnamed, form: Form::Fragments { control, payload } });
        }
        if !header && payload.is_some() {
            head.push(131);
        }
        // In no form are there both.
        let payload = payload.or(reason).unwrap_or_default();
        let length = u32::try_from(head.len() - LENGTH + payload.len()).ok()?;
        head.get_mut(..LENGTH)?.copy_from_slice(&length.to_be_bytes());
        let payload = if payload.len() <= copy_max {
            head.extend_from_slice(&payload);
            Bytes::new()
        } else {
            payload
        };
        Some(Self { sender, unnamed, form: Form::Whole { head: head.into(), payload } })
    }

    /// Bytes on the wire.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        let around = match &self.form {
            Form::Whole { .. } => 0,
            Form::Fragments { control, .. } => {
                usize::from(!control.is_empty())
                    + self.frames().saturating_mul(LENGTH + FRAGMENT_HEADER_LEN)
            }
        };
        let (first, second) = self.pieces();
        around.saturating_add(first.len()).saturating_add(second.len())
    }

    /// Frames on the wire.
    #[must_use]
    pub fn frames(&self) -> usize {
        match &self.form {
            Form::Whole { .. } => 1,
            Form::Fragments { control, payload } => {
                let first = FRAGMENT_BYTES.saturating_sub(control.len());
                1 + payload.len().saturating_sub(first).div_ceil(FRAGMENT_BYTES)
            }
        }
    }

    /// The last bytes of the signal: as many as there are in one piece.
    #[must_use]
    pub fn last_piece(&self) -> &Bytes {
        let (first, second) = self.pieces();
        if second.is_empty() { first } else { second }
    }

    /// The bytes on the wire, if nothing else is written meanwhile.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = LinkWriter::new(Limits::default());
        writer.push_waited(self.clone());
        let mut out = Vec::with_capacity(self.wire_len());
        loop {
            let Some(chunk) = writer.chunks(1).next().cloned() else { break out };
            out.extend_from_slice(&chunk);
            writer.advance(chunk.len());
        }
    }

    /// The rest of a message, of which the first fragment was written.
    pub(super) const fn rest(sender: Option<Sender>, payload: Bytes) -> Self {
        Self { sender, unnamed: false, form: Form::Fragments { control: Bytes::new(), payload } }
    }

    /// Whether it is to be cut into fragments.
    pub(super) const fn is_large(&self) -> bool {
        matches!(self.form, Form::Fragments { .. })
    }

    pub(super) const fn sender(&self) -> Option<Sender> {
        self.sender
    }

    /// Whether all that was sent before has to be on the wire before it.
    pub(super) const fn waits_for_all(&self) -> bool {
        self.unnamed
    }

    pub(super) fn into_form(self) -> Form {
        self.form
    }

    /// Of a frame that is not large: its two pieces.
    pub(super) fn into_pieces(self) -> (Bytes, Bytes) {
        match self.form {
            Form::Whole { head: first, payload: second }
            | Form::Fragments { control: first, payload: second } => (first, second),
        }
    }

    const fn pieces(&self) -> (&Bytes, &Bytes) {
        match &self.form {
            Form::Whole { head: first, payload: second }
            | Form::Fragments { control: first, payload: second } => (first, second),
        }
    }
}

/// A frame that was made elsewhere, with its length field. It comes from nobody that other signals come from.
impl From<Bytes> for Frame {
    fn from(frame: Bytes) -> Self {
        let form = Form::Whole { head: frame, payload: Bytes::new() };
        Self { sender: None, unnamed: false, form }
    }
}

/// Without the bytes: they may be a letter.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frames = self.frames();
        write!(f, "Frame({} bytes in {frames})", self.wire_len())
    }
}

impl Sender {
    const fn of(pid: &Pid) -> Self {
        Self((pid.serial as u64) << 32 | pid.id as u64)
    }

    #[cfg(test)]
    pub(super) const fn number(number: u64) -> Self {
        Self(number)
    }
}

#[cfg(test)]
impl Frame {
    /// A message of this sender, of so many bytes in all its fragments.
    pub(super) fn large(sender: u64, control: &[u8], payload: Vec<u8>) -> Self {
        let control = Bytes::copy_from_slice(control);
        Self {
            sender: Some(Sender::number(sender)),
            unnamed: false,
            form: Form::Fragments { control, payload: payload.into() },
        }
    }

    /// A frame of this sender.
    pub(super) fn small(sender: u64, frame: Vec<u8>) -> Self {
        Self { sender: Some(Sender::number(sender)), ..Self::from(Bytes::from(frame)) }
    }

    /// The same of a process that it does not name.
    pub(super) fn without_sender(self) -> Self {
        Self { sender: None, unnamed: true, form: self.form }
    }
}

made_of!(Frame, (Control, Flags), |(signal, flags)| {
    Frame::new(&signal, flags | signal.needed_flags()).unwrap()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creation::Creation;
    use crate::term::{Atom, Reference};
    use alloc::vec;

    /// With and without EXIT_PAYLOAD, and both with and without headers and fragments.
    fn forms() -> [Flags; 4] {
        let without = |flags: Flags| Flags::from_bits(flags.bits() & !Flags::EXIT_PAYLOAD.bits());
        [Flags::NONE, Flags::EXIT_PAYLOAD, without(Flags::SERVED), Flags::SERVED]
    }

    fn pid(node: &str) -> Pid {
        Pid { node: Atom::new(node).unwrap(), id: 1, serial: 2, creation: Creation(7) }
    }

    /// A binary whose external form has so many bytes, without version byte, behind one: as the reason of a process lies there.
    fn reason(len: usize) -> Bytes {
        let mut out = vec![131, 109];
        out.extend_from_slice(&(len as u32 - 5).to_be_bytes());
        out.resize(1 + len, 7);
        Bytes::from(out).slice(1..)
    }

    /// Every signal that has a reason, and whether many may have the same one.
    fn with_reason(reason: &Bytes) -> [(Control, bool); 4] {
        let ends = || (pid("a@h"), pid("b@h"), reason.clone());
        let reference = Reference::new(Atom::new("b@h").unwrap(), Creation(8), &[1, 2, 3]).unwrap();
        let down = |from| {
            let ((_, to, reason), reference) = (ends(), reference.clone());
            (Control::MonitorPExit { from, to, reference, reason }, true)
        };
        let exit = |(from, to, reason)| Control::Exit { from, to, reason, token: None };
        let exit2 = |(from, to, reason)| Control::Exit2 { from, to, reason, token: None };
        let [by_pid, by_name] =
            [Monitored::Pid(pid("a@h")), Monitored::Name(Atom::new("x").unwrap())].map(down);
        [(exit(ends()), true), by_pid, by_name, (exit2(ends()), false)]
    }

    //= docs/spec/channel.md#ch-reason-shared
    //= type=test
    #[test]
    fn all_frames_of_one_end_share_its_reason_in_every_form() {
        let lengths = [5, 255, 256, 257, 4095, 4096, 4097, FRAGMENT_BYTES, 1 << 20];
        for (len, flags) in lengths.into_iter().flat_map(|len| forms().map(|flags| (len, flags))) {
            let reason = reason(len);
            for (signal, many) in with_reason(&reason) {
                let frame = Frame::new(&signal, flags).unwrap();
                let (first, second) = frame.pieces();
                let copied = len <= if many { 256 } else { 4096 };
                assert_eq!(second.is_empty(), copied, "{len} bytes, {flags}");
                if !copied {
                    assert_eq!((second.as_ptr(), second.len()), (reason.as_ptr(), len));
                    assert!(first.len() < 128, "the reason alone is long: {}", first.len());
                }
            }
        }
    }

    //= docs/spec/channel.md#ch-forms
    //= type=test
    #[test]
    fn a_reason_stands_where_its_form_has_it_copied_or_not() {
        let lengths = [5, 255, 256, 257, 4095, 4096, 4097, FRAGMENT_BYTES - 200, 200_000];
        for (len, flags) in lengths.into_iter().flat_map(|len| forms().map(|flags| (len, flags))) {
            let payload = flags.contains(Flags::EXIT_PAYLOAD);
            for (signal, _) in with_reason(&reason(len)) {
                let frame = Frame::new(&signal, flags).unwrap();
                let bytes = frame.to_bytes();
                assert_eq!(frame.wire_len(), bytes.len(), "{len} bytes, {flags}");
                let large = payload && flags.contains(Flags::FRAGMENTS) && len > FRAGMENT_BYTES;
                assert_eq!(frame.is_large(), large, "{len} bytes, {flags}");
                let mut body = Vec::new();
                signal.emit_term(flags, &mut body);
                assert_eq!(body.ends_with(&reason(len)), !payload);
                body.extend_from_slice(&signal.payload(flags).unwrap_or_default());
                assert!(body.ends_with(&reason(len)));
                let (first, second) = frame.pieces();
                let expected = if large {
                    assert!([first, &second[..]].concat() == body, "{len} bytes, {flags}");
                    continue;
                } else if flags.has_dist_header() {
                    let length = (EMPTY.len() + body.len()) as u32;
                    [&length.to_be_bytes(), &EMPTY[..], &body].concat()
                } else {
                    let mut frame = Vec::new();
                    signal.emit(flags, &mut frame).unwrap();
                    frame
                };
                assert!(bytes == expected, "{len} bytes, {flags}");
            }
        }
    }

    #[test]
    fn senders_differ_in_the_serials_of_their_pids_too() {
        let pid =
            |id, serial| Pid { node: Atom::literal("a@b"), id, serial, creation: Creation(1) };
        let senders =
            [(1, 0), (1, 1), (2, 0), (0, 1)].map(|(id, serial)| Sender::of(&pid(id, serial)));
        for (at, sender) in senders.iter().enumerate() {
            assert_eq!(senders.iter().position(|other| other == sender), Some(at));
        }
    }
}
