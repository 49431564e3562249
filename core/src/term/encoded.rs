//! The bytes of any term: parts of messages that hold some.

use bytes::Bytes;

/// One term without version byte, in any encoding that may be read.
#[derive(Clone, Debug)]
pub(crate) struct Encoded(pub(crate) Bytes);

/// A complete external term.
#[derive(Clone, Debug)]
pub(crate) struct Message(pub(crate) Bytes);

// These bytes, or a binary of them if they are no term.
made_of!(Encoded, alloc::vec::Vec<u8>, |bytes: alloc::vec::Vec<u8>| {
    if super::skip(&bytes) == Ok(bytes.len()) {
        return Encoded(bytes.into());
    }
    let mut out = alloc::vec::Vec::new();
    let written = super::Term::Binary(bytes.into()).encode(&mut out);
    debug_assert_eq!(written, Ok(()));
    Encoded(Bytes::from(out).slice(1..))
}; {
    use proptest::strategy::Strategy as _;
    super::generate::term().prop_map(|bytes| Self(bytes.into()))
});
made_of!(Message, Encoded, |Encoded(term)| Message([b"\x83", &term[..]].concat().into()));
