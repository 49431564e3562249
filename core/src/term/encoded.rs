//! The bytes of any term: parts of messages that hold some.

use alloc::vec::Vec;
use bytes::Bytes;

use super::{Term, skip};

/// One term without version byte, in any encoding that may be read.
#[derive(Clone, Debug)]
pub(crate) struct Encoded(pub(crate) Bytes);

/// A complete external term.
#[derive(Clone, Debug)]
pub(crate) struct Message(pub(crate) Bytes);

impl Encoded {
    /// These bytes, or a binary of them if they are no term.
    fn of(bytes: Vec<u8>) -> Self {
        if skip(&bytes) == Ok(bytes.len()) {
            return Self(bytes.into());
        }
        let mut out = Vec::new();
        let written = Term::Binary(bytes.into()).encode(&mut out);
        debug_assert_eq!(written, Ok(()));
        Self(Bytes::from(out).slice(1..))
    }
}

made_of!(Encoded, Vec<u8>, Encoded::of; {
    use proptest::strategy::Strategy as _;
    super::generate::term().prop_map(|bytes| Self(bytes.into()))
});
made_of!(Message, Encoded, |Encoded(term)| Message([b"\x83", &term[..]].concat().into()));
