//! Reading the frames of a pass-through channel.

use bytes::Bytes;
use core::num::NonZeroU64;

use super::{Control, Monitored, Received, op};
use crate::name::NodeName;
use crate::stream::Violation;
use crate::term::{Atom, Pid, Reader, TermError};

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
    //= docs/spec/channel.md#ch-payload
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
    //= docs/spec/channel.md#ch-trace-token
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creation::Creation;
    use crate::term::{Reference, write};
    use alloc::vec;
    use alloc::vec::Vec;

    fn peer() -> NodeName {
        NodeName::new("a@h").unwrap()
    }

    fn theirs() -> Pid {
        Pid { node: peer().as_atom().clone(), id: 1, serial: 2, creation: Creation(7) }
    }

    fn ours() -> Pid {
        Pid { node: Atom::literal("b@h"), id: 3, serial: 4, creation: Creation(8) }
    }

    /// One of each kind, with the reason or message `{}`.
    fn one_of_each() -> Vec<Control> {
        let (from, to, name) = (theirs(), ours(), Atom::literal("x"));
        let id = NonZeroU64::MAX;
        let reference = Reference::new(from.node.clone(), from.creation, &[1, 2, 3]).unwrap();
        let reason = Bytes::from_static(&[0x68, 0]);
        let message = Bytes::from_static(&[0x83, 0x68, 0]);
        [
            Control::Link { from: theirs(), to: ours() },
            Control::Send { to: ours(), message: message.clone() },
            Control::Exit { from: theirs(), to: ours(), reason: reason.clone() },
            Control::UnlinkId { id, from: theirs(), to: ours() },
            Control::UnlinkIdAck { id, from: theirs(), to: ours() },
            Control::RegSend { from: theirs(), to: name.clone(), message },
            Control::GroupLeader { leader: theirs(), to: ours() },
            Control::Exit2 { from: theirs(), to: ours(), reason: reason.clone() },
            Control::MonitorP {
                from: theirs(),
                to: Monitored::Pid(to.clone()),
                reference: reference.clone(),
            },
            Control::DemonitorP {
                from,
                to: Monitored::Name(name.clone()),
                reference: reference.clone(),
            },
            Control::MonitorPExit { from: Monitored::Name(name), to, reference, reason },
        ]
        .into()
    }

    /// The frame of this control message, without its length.
    fn frame(control: &Control) -> Vec<u8> {
        let mut out = Vec::new();
        control.emit(&mut out).unwrap();
        out.split_off(4)
    }

    fn parsed(frame: impl Into<Bytes>) -> Result<Received, Violation> {
        parse(&frame.into(), &peer())
    }

    /// A frame with this control message, which is given without the header of the tuple, and no payload.
    fn tuple(arity: u8, elements: &[&[u8]]) -> Vec<u8> {
        [&[b'p', 0x83, 0x68, arity][..], &elements.concat()].concat()
    }

    fn pid_bytes(pid: &Pid) -> Vec<u8> {
        let mut out = Vec::new();
        write::pid(&mut out, pid);
        out
    }

    //= docs/spec/channel.md#ch-pass-through
    //= type=test
    #[test]
    fn each_kind_is_read_as_it_was_written() {
        for control in one_of_each() {
            let mut bytes = frame(&control);
            assert_eq!(parsed(bytes.clone()), Ok(Received::Control(control.clone())));
            bytes[0] = b'q';
            assert_eq!(parsed(bytes), Ok(Received::Control(control)), "any first byte will do");
        }
    }

    //= docs/spec/channel.md#ch-pass-through
    //= type=test
    #[test]
    fn without_version_or_term_there_is_no_message() {
        for bad in
            [&b""[..], b"p", b"p\x83", b"p\x82\x68\0", b"p\x83\x68\x02\x61\x01", b"p\x83\x50"]
        {
            assert_eq!(parsed(bad), Err(Violation::Term), "{bad:02x?}");
        }
    }

    //= docs/spec/channel.md#ch-control-form
    //= type=test
    #[test]
    fn another_number_of_elements_is_no_control_message() {
        for control in one_of_each() {
            let bytes = frame(&control);
            let payload = matches!(control, Control::Send { .. } | Control::RegSend { .. });
            let end = bytes.len() - if payload { 3 } else { 0 };
            let mut longer = bytes.clone();
            longer[3] += 1;
            longer.insert(end, 0x6A);
            assert_eq!(parsed(longer), Err(Violation::Control), "{control:?}");
            let shorter = tuple(1, &[&bytes[4..6]]);
            assert_eq!(parsed(shorter), Err(Violation::Control), "{control:?}");
        }
        assert_eq!(parsed(tuple(0, &[])), Err(Violation::Control));
    }

    //= docs/spec/channel.md#ch-control-form
    //= type=test
    #[test]
    fn unknown_operations_are_no_control_messages() {
        let (from, to) = (pid_bytes(&theirs()), pid_bytes(&ours()));
        for op in [0, 4, 5, 9, 10, 11, 14, 15, 17, 38, 99, 255] {
            let bytes = tuple(3, &[&[0x61, op], &from, &to]);
            assert_eq!(parsed(bytes), Err(Violation::Control), "{op}");
        }
        for op in [&[0x62, 0, 0, 1, 1][..], &[0x62, 0xFF, 0xFF, 0xFF, 0xFF], &[0x6A]] {
            assert_eq!(parsed(tuple(3, &[op, &from, &to])), Err(Violation::Control), "{op:02x?}");
        }
    }

    //= docs/spec/channel.md#ch-control-form
    //= type=test
    #[test]
    fn elements_of_another_kind_are_no_control_messages() {
        let (from, to, name) = (pid_bytes(&theirs()), pid_bytes(&ours()), &[0x77, 1, b'x'][..]);
        for elements in [
            &[&[0x61, 1][..], &from, name][..],
            &[&[0x61, 2], name, name],
            &[&[0x61, 6], name, name, name],
            &[&[0x61, 6], &from, name, &to],
            &[&[0x61, 7], &from, name],
            &[&[0x61, 19], &from, &to, name],
            &[&[0x61, 20], &from, &[0x6A], name],
            &[&[0x61, 21], &from, &to, &from, name],
            &[&[0x61, 35], name, &from, &to],
        ] {
            let bytes = tuple(elements.len() as u8, elements);
            assert_eq!(parsed(bytes), Err(Violation::Control), "{elements:02x?}");
        }
    }

    //= docs/spec/channel.md#ch-control-form
    //= type=test
    #[test]
    fn the_place_of_the_cookie_takes_any_term() {
        let bytes = tuple(3, &[&[0x61, 2], &[0x68, 0], &pid_bytes(&ours()), &[0x83, 0x6A]]);
        let message = Bytes::from_static(&[0x83, 0x6A]);
        assert_eq!(parsed(bytes), Ok(Received::Control(Control::Send { to: ours(), message })));
    }

    //= docs/spec/channel.md#ch-control-from
    //= type=test
    #[test]
    fn signals_come_from_the_connected_node() {
        let stranger = NodeName::new("c@h").unwrap();
        for control in one_of_each() {
            let unchecked = matches!(
                control,
                Control::Send { .. }
                    | Control::RegSend { .. }
                    | Control::GroupLeader { .. }
                    | Control::MonitorPExit { .. }
            );
            let result = parse(&frame(&control).into(), &stranger);
            let expected =
                if unchecked { Ok(Received::Control(control)) } else { Err(Violation::Control) };
            assert_eq!(result, expected);
        }
        let mut reborn = theirs();
        reborn.creation = reborn.creation.next();
        let link = Control::Link { from: reborn, to: ours() };
        assert_eq!(parsed(frame(&link)), Ok(Received::Control(link)), "creations are not compared");
    }

    //= docs/spec/channel.md#ch-unlink-id
    //= type=test
    #[test]
    fn unlink_ids_are_positive_and_fit_64_bits() {
        let (from, to) = (pid_bytes(&theirs()), pid_bytes(&ours()));
        for op in [35, 36] {
            let with = |id: &[u8]| parsed(tuple(4, &[&[0x61, op], id, &from, &to]));
            for bad in [
                &[0x61, 0][..],
                &[0x62, 0xFF, 0xFF, 0xFF, 0xFF],
                &[0x6E, 1, 1, 1],
                &[0x6E, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            ] {
                assert_eq!(with(bad), Err(Violation::Control), "{bad:02x?}");
            }
            assert!(with(&[0x61, 1]).is_ok());
            assert!(with(&[0x6E, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255]).is_ok());
        }
    }

    //= docs/spec/channel.md#ch-trace-token
    //= type=test
    #[test]
    fn traced_signals_lose_their_token() {
        let (from, to) = (pid_bytes(&theirs()), pid_bytes(&ours()));
        let (no_cookie, token, name) =
            (&[0x77, 0][..], &[0x68, 1, 0x61, 9][..], &[0x77, 1, b'x'][..]);
        let (reason, message) =
            (Bytes::from_static(&[0x61, 5]), Bytes::from_static(&[0x83, 0x61, 5]));
        for (bytes, control) in [
            (
                tuple(4, &[&[0x61, 12], no_cookie, &to, token, &message]),
                Control::Send { to: ours(), message: message.clone() },
            ),
            (
                tuple(5, &[&[0x61, 13], &from, &to, token, &reason]),
                Control::Exit { from: theirs(), to: ours(), reason: reason.clone() },
            ),
            (
                tuple(5, &[&[0x61, 16], &from, no_cookie, name, token, &message]),
                Control::RegSend {
                    from: theirs(),
                    to: Atom::literal("x"),
                    message: message.clone(),
                },
            ),
            (
                tuple(5, &[&[0x61, 18], &from, &to, token, &reason]),
                Control::Exit2 { from: theirs(), to: ours(), reason: reason.clone() },
            ),
        ] {
            assert_eq!(parsed(bytes), Ok(Received::Control(control)));
        }
    }

    //= docs/spec/channel.md#ch-not-served
    //= type=test
    #[test]
    fn operations_of_flags_not_offered_are_told_apart() {
        for op in (22..=34).chain([37]) {
            let bytes = tuple(2, &[&[0x61, op], &[0x6A]]);
            assert_eq!(parsed(bytes), Ok(Received::NotServed { op }));
            assert_eq!(parsed(tuple(2, &[&[0x61, op]])), Err(Violation::Term));
        }
    }

    //= docs/spec/channel.md#ch-payload
    //= type=test
    #[test]
    fn a_message_needs_a_payload() {
        let no_payload = tuple(3, &[&[0x61, 2], &[0x77, 0], &pid_bytes(&ours())]);
        for payload in [&[][..], &[0x83], &[0x82, 0x6A], &[0x83, 0x68, 2, 0x6A], &[0x6A]] {
            let bytes = [&no_payload[..], payload].concat();
            assert_eq!(parsed(bytes), Err(Violation::Term), "{payload:02x?}");
        }
    }

    //= docs/spec/channel.md#ch-trailing
    //= type=test
    #[test]
    fn bytes_behind_the_last_term_are_not_looked_at() {
        for control in one_of_each() {
            let bytes = [&frame(&control)[..], &[0xFF, 0]].concat();
            assert_eq!(parsed(bytes), Ok(Received::Control(control)));
        }
    }

    #[test]
    fn messages_share_the_memory_of_the_frame() {
        let message = Bytes::from(vec![0x83, 0x68, 0]);
        let frame = Bytes::from(frame(&Control::Send { to: ours(), message }));
        let Ok(Received::Control(Control::Send { message, .. })) = parse(&frame, &peer()) else {
            panic!("not the message that was sent");
        };
        assert_eq!(message.as_ptr(), frame[frame.len() - 3..].as_ptr());
    }
}
