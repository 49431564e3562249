//! What was read from one link.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::assembly::Assembly;
use super::{Limits, Violation};
use crate::creation::Creation;
use crate::flags::Flags;
use crate::name::NodeName;
use crate::stream::Promotion;
use crate::wire::control::{self, Control};
use crate::wire::framing::{FrameBuffer, Framing};

/// Turns the bytes of one link into signals, however they come in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkReader {
    origin: Origin,
    frames: FrameBuffer,
    /// Of links whose frames have headers.
    assembly: Option<Box<Assembly>>,
    violation: Option<Violation>,
}

/// Where a signal came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Origin {
    /// The node on the other side of the link.
    pub node: NodeName,
    /// Its creation.
    pub creation: Creation,
    /// The flags that were agreed on.
    pub flags: Flags,
}

/// The signals that one read brought, in order, and perhaps a violation behind them.
///
/// Messages are not decoded. They share the memory of what was read, unless atoms had to be written into them, they came in
/// fragments, or they are little of a long frame. A payload that was none is empty: [`Processes::apply`](crate::process::Processes::apply) finds out whether anybody would have taken
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[must_use = "signals that are not applied are lost"]
pub struct Batch {
    /// Where they came from.
    pub origin: Origin,
    /// The signals. Ticks are not among them.
    #[cfg_attr(any(test, feature = "proptest"), proptest(strategy = "crate::any::few()"))]
    pub signals: Vec<Control>,
    /// What ends the link after the signals before it were applied.
    pub violation: Option<Violation>,
}

impl LinkReader {
    /// A reader of the link that was promoted. The bytes that came behind the handshake are the first it decodes: call
    /// [`decode`](Self::decode) with no bytes at once, for they may hold whole frames.
    #[must_use]
    pub fn new(promotion: &Promotion, limits: Limits) -> Self {
        let Promotion { node, creation, flags, .. } = promotion;
        let origin = Origin { node: node.clone(), creation: *creation, flags: *flags };
        let mut reader = Self::from_origin(origin, limits);
        reader.frames.push(&promotion.residue);
        reader
    }

    /// A reader of bytes that came from there, without a link: for tests and tools.
    #[must_use]
    pub fn from_origin(origin: Origin, limits: Limits) -> Self {
        let frames = FrameBuffer::new(Framing::Long, limits.max_frame_bytes);
        let assembly = Assembly::new(origin.flags, limits).map(Box::new);
        Self { origin, frames, assembly, violation: None }
    }

    /// Decodes the frames that these bytes complete. After a violation nothing is decoded any more.
    ///
    /// Needs no lock: it changes nothing but the reader.
    //= docs/spec/channel.md#ch-violation-order
    pub fn decode(&mut self, bytes: &[u8]) -> Batch {
        let mut signals = Vec::new();
        if self.violation.is_none() {
            //= docs/spec/channel.md#ch-tick-ignored
            self.frames.push(self.frames.behind_ticks(bytes));
            self.violation = self.drain(&mut signals).err();
        }
        Batch { origin: self.origin.clone(), signals, violation: self.violation }
    }

    fn drain(&mut self, signals: &mut Vec<Control>) -> Result<(), Violation> {
        while let Some(frame) = self.frames.next_frame_mut().map_err(|_| Violation::FrameTooLong)? {
            //= docs/spec/channel.md#ch-tick-ignored
            if frame.is_empty() {
                continue;
            }
            let frame = match &mut self.assembly {
                None => Some(frame.freeze()),
                Some(assembly) => assembly.take(frame)?,
            };
            if let Some(frame) = frame {
                signals.push(control::parse_unread(&frame, &self.origin.node)?);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::{Flags, NodeType};
    use crate::ids::{LinkId, Mint as _};
    use crate::{Creation, NodeName};
    use alloc::vec;
    use bytes::Bytes;

    /// UNLINK_ID of the pids that the captures have.
    const UNLINK: &[u8] = b"p\x83h\x04a\x23a\x4d\
        X\x77\x0dpy1@localhost\0\0\0\x01\0\0\0\0\x11\x22\x33\x44\
        X\x77\x0dotp@localhost\0\0\0\x59\0\0\0\0\x6b\x01\x62\x6f";

    fn promotion(residue: Vec<u8>) -> Promotion {
        Promotion {
            link: LinkId::from_number(1),
            node: NodeName::new("py1@localhost").unwrap(),
            creation: Creation(0x1122_3344),
            flags: Flags::SERVED.without(Flags::DIST_HEADER),
            node_type: NodeType::Hidden,
            residue: Bytes::from(residue),
        }
    }

    fn framed(bodies: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for body in bodies {
            Framing::Long.put(&mut out, |out| out.extend_from_slice(body)).unwrap();
        }
        out
    }

    //= docs/spec/channel.md#ch-frame
    //= type=test
    #[test]
    fn frames_behind_the_handshake_are_the_first() {
        let mut residue = framed(&[UNLINK, UNLINK]);
        let rest = residue.split_off(residue.len() - 5);
        let mut reader = LinkReader::new(&promotion(residue), Limits::default());
        let batch = reader.decode(&[]);
        assert_eq!((batch.signals.len(), batch.violation), (1, None));
        assert_eq!(batch.origin.node.as_str(), "py1@localhost");
        assert_eq!(reader.decode(&rest).signals.len(), 1);
    }

    //= docs/spec/channel.md#ch-tick-ignored
    //= type=test
    #[test]
    fn ticks_are_no_signals() {
        let mut reader = LinkReader::new(&promotion(vec![]), Limits::default());
        let bytes = framed(&[&[], &[], UNLINK, &[]]);
        let batch = reader.decode(&bytes);
        assert_eq!((batch.signals.len(), batch.violation), (1, None));
    }

    //= docs/spec/channel.md#ch-violation-order
    //= type=test
    #[test]
    fn nothing_behind_a_violation_is_decoded() {
        let mut reader = LinkReader::new(&promotion(vec![]), Limits::default());
        let batch = reader.decode(&framed(&[UNLINK, b"p\x83a\x05", UNLINK]));
        assert_eq!((batch.signals.len(), batch.violation), (1, Some(Violation::Control)));
        let batch = reader.decode(&framed(&[UNLINK]));
        assert_eq!((batch.signals.len(), batch.violation), (0, Some(Violation::Control)));
    }

    //= docs/spec/channel.md#ch-frame-limit-default
    //= type=test
    #[test]
    fn the_limit_of_frames_is_128_mib_or_what_the_embedder_says() {
        let first = |limits, length: u32| {
            let mut reader = LinkReader::new(&promotion(vec![]), limits);
            reader.decode(&length.to_be_bytes()).violation
        };
        let mib = 1 << 20;
        assert_eq!(first(Limits::default(), 128 * mib), None);
        assert_eq!(first(Limits::default(), 128 * mib + 1), Some(Violation::FrameTooLong));
        let small = Limits { max_frame_bytes: 10, ..Limits::default() };
        assert_eq!((first(small, 10), first(small, 11)), (None, Some(Violation::FrameTooLong)));
    }

    #[test]
    fn messages_share_the_memory_of_the_frame() {
        let mut body =
            b"p\x83h\x03a\x02w\0X\x77\x03a@b\0\0\0\x01\0\0\0\0\0\0\0\x07\x83m\0\x01\0\0".to_vec();
        body.extend(vec![1; 1 << 16]);
        let mut reader = LinkReader::new(&promotion(vec![]), Limits::default());
        let batch = reader.decode(&framed(&[&body, &body]));
        let [Control::Send { message: one, .. }, Control::Send { message: two, .. }] =
            &batch.signals[..]
        else {
            panic!("{batch:?}")
        };
        assert_eq!(two.as_ptr() as usize - one.as_ptr() as usize, body.len() + 4);
    }
}
