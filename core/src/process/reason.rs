//! Why a process ends, as all who are told share it.

use alloc::vec::Vec;
use bytes::Bytes;

use crate::term::{Reader, write};

/// Nobody is there.
pub(super) const NOPROC: Reason = Reason(Bytes::from_static(b"\x83\x77\x06noproc"));
/// There is no way to it.
pub(super) const NOCONNECTION: Reason = Reason(Bytes::from_static(b"\x83\x77\x0cnoconnection"));
/// What `kill` makes of a process.
pub(super) const KILLED: Reason = Reason(Bytes::from_static(b"\x83\x77\x06killed"));

/// A complete external term. It is copied once for a signal, however many get it: mailboxes have these bytes, and frames point to them,
/// but for short ones ([`Frame::new`](crate::link::Frame::new)).
#[derive(Clone)]
pub(super) struct Reason(Bytes);

impl Reason {
    /// Of a term without version byte, as signals have it.
    pub(super) fn new(term: &[u8]) -> Self {
        let mut out = Vec::with_capacity(1 + term.len());
        write::version(&mut out);
        out.extend_from_slice(term);
        Self(out.into())
    }

    /// With its version byte, as mailboxes have it.
    pub(super) fn external(&self) -> Bytes {
        self.0.clone()
    }

    /// Without, as signals have it.
    pub(super) fn term(&self) -> Bytes {
        self.0.slice(1..)
    }

    pub(super) fn is(&self, text: &str) -> bool {
        let mut reader = Reader::new(self.0.get(1..).unwrap_or_default());
        reader.at_atom() && reader.atom().is_ok_and(|atom| &*atom == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_who_are_told_share_one_copy() {
        let reason = Reason::new(b"\x77\x03bye");
        let (mailbox, signal) = (reason.external(), reason.term());
        assert_eq!((&mailbox[..], &signal[..]), (&b"\x83\x77\x03bye"[..], &b"\x77\x03bye"[..]));
        assert_eq!(mailbox[1..].as_ptr(), signal.as_ptr());
        assert!(reason.is("bye") && !reason.is("by") && NOPROC.is("noproc"));
    }
}
