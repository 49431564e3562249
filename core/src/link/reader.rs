//! What was read from one link.

use alloc::vec::Vec;

use super::{Limits, Violation};
use crate::net_kernel::Promotion;
use crate::process::{Deliver, Origin, Processes};
use crate::wire::control::{self, Control, Received};
use crate::wire::framing::{FrameBuffer, Framing};

/// Turns the bytes of one link into signals, however they come in.
#[derive(Debug)]
pub struct LinkReader {
    origin: Origin,
    frames: FrameBuffer,
    violation: Option<Violation>,
}

/// The signals that one read brought, in order, and perhaps a violation behind them.
///
/// Messages are not decoded, and share the memory of what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "signals that are not applied are lost"]
pub struct Batch {
    /// Where they came from.
    pub origin: Origin,
    /// The signals. Ticks, and operations that need a flag which we do not offer, are not among them.
    pub signals: Vec<Control>,
    /// What ends the link after the signals before it were applied.
    pub violation: Option<Violation>,
}

impl LinkReader {
    /// A reader of the link that was promoted. The bytes that came behind the handshake are the first it decodes: call
    /// [`decode`](Self::decode) with no bytes at once, for they may hold whole frames.
    #[must_use]
    pub fn new(promotion: &Promotion, limits: Limits) -> Self {
        let mut frames = FrameBuffer::new(Framing::Long, limits.max_frame_bytes);
        frames.push(&promotion.residue);
        let origin = Origin { node: promotion.node.clone(), flags: promotion.flags };
        Self { origin, frames, violation: None }
    }

    /// Decodes the frames that these bytes complete. After a violation nothing is decoded any more.
    ///
    /// Needs no lock: it changes nothing but the reader.
    //= docs/spec/channel.md#ch-violation-order
    pub fn decode(&mut self, bytes: &[u8]) -> Batch {
        let mut signals = Vec::new();
        if self.violation.is_none() {
            self.frames.push(bytes);
            self.violation = self.drain(&mut signals).err();
        }
        Batch { origin: self.origin.clone(), signals, violation: self.violation }
    }

    fn drain(&mut self, signals: &mut Vec<Control>) -> Result<(), Violation> {
        while let Some(frame) = self.frames.next_frame().map_err(|_| Violation::FrameTooLong)? {
            //= docs/spec/channel.md#ch-tick-ignored
            if frame.is_empty() {
                continue;
            }
            match control::parse(&frame, &self.origin.node)? {
                Received::Control(control) => signals.push(control),
                Received::NotServed { .. } => {}
            }
        }
        Ok(())
    }
}

impl Batch {
    /// Has all signals handled, in order.
    ///
    /// # Errors
    /// What ends the link: the violation behind the signals, or one that [`Deliver::answer`] reports. Signals behind
    /// the latter are not handled.
    pub fn apply(
        self,
        processes: &mut Processes,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        for signal in self.signals {
            processes.handle(&self.origin, signal, deliver)?;
        }
        self.violation.map_or(Ok(()), Err)
    }
}
