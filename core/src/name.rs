//! Node names: raw as a peer sent them, and validated.

use bytes::Bytes;
use core::borrow::Borrow;
use core::fmt;

use crate::term::{ATOM_MAX_CHARS, Atom};

/// A name as it stood on the wire, before anybody judged it.
///
/// The handshake must be able to carry any bytes here, because a bad name is *answered* (`nok`, `not_allowed`) rather
/// than refused by the parser. Bytes of handshake messages are Latin-1, as Erlang writes them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerName(Bytes);

impl PeerName {
    /// Wraps the bytes of a name.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this has the form that a peer with a name of its own must send: one `@` with something on both sides.
    #[must_use]
    pub fn is_full_name(&self) -> bool {
        let mut parts = self.0.split(|&b| b == b'@');
        matches!((parts.next(), parts.next(), parts.next()), (Some(n), Some(h), None) if !n.is_empty() && !h.is_empty())
            && self.0.len() <= ATOM_MAX_CHARS
    }

    /// Whether this has the form that a peer which asks for a name must send: its host, without `@`.
    #[must_use]
    pub fn is_host(&self) -> bool {
        !self.0.is_empty() && !self.0.contains(&b'@') && self.0.len() <= ATOM_MAX_CHARS
    }

    //= docs/spec/handshake.md#hs-name-characters
    /// The name as a node name, if the virtual machine would take it as one.
    ///
    /// # Errors
    /// What is wrong with it; an acceptor answers `nok`.
    pub fn to_node_name(&self) -> Result<NodeName, NameError> {
        let text: alloc::string::String = self.0.iter().map(|&b| char::from(b)).collect();
        NodeName::new(&text)
    }
}

impl fmt::Debug for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// With everything but printable ASCII escaped: the bytes are a stranger's.
impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// A full node name, `name@host`.
///
/// The name part is one or more of `A-Z a-z 0-9 _ -`, the host part is anything without `@` (`dist.c`,
/// `is_node_name`). Ordered as Erlang orders the atoms: by code point.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Atom);

/// Names are found by their atoms in maps, since pids have those.
impl Borrow<Atom> for NodeName {
    fn borrow(&self) -> &Atom {
        &self.0
    }
}

impl NodeName {
    /// Checks `text` and makes a name of it.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let (name, host) = text.split_once('@').ok_or(NameError::NoHost)?;
        if name.is_empty() {
            return Err(NameError::EmptyName);
        }
        if host.is_empty() {
            return Err(NameError::EmptyHost);
        }
        if host.contains('@') {
            return Err(NameError::SecondAt);
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(NameError::IllegalCharacter);
        }
        Atom::new(text).map(Self).map_err(|_| NameError::TooLong)
    }

    /// `nonode@nohost`: what `node/0` says of a node that has no name.
    #[must_use]
    pub fn nonode() -> Self {
        Self(Atom::literal("nonode@nohost"))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as an atom.
    #[must_use]
    pub const fn as_atom(&self) -> &Atom {
        &self.0
    }

    /// The part before the `@`: what EPMD knows the node by.
    #[must_use]
    pub fn name(&self) -> &str {
        self.split().0
    }

    /// The part after the `@`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.split().1
    }

    /// Whether a node may *take* this name: its host must be printable Latin-1 without blanks, and it is not that of a node without
    /// one (`net_kernel:start/2`). That is not asked of a peer's.
    ///
    /// # Errors
    /// [`NameError::IllegalHost`], [`NameError::Nonode`].
    //= docs/spec/flags.md#flags-name-rules
    pub fn check_own(&self) -> Result<(), NameError> {
        if *self == Self::nonode() {
            Err(NameError::Nonode)
        } else if self.host().chars().all(|c| matches!(c, '!'..='\u{FF}')) {
            Ok(())
        } else {
            Err(NameError::IllegalHost)
        }
    }

    /// The name in Latin-1, as handshake messages carry it; `None` if the host has characters beyond it.
    #[must_use]
    pub fn to_peer_name(&self) -> Option<PeerName> {
        let bytes: Result<alloc::vec::Vec<u8>, _> =
            self.0.chars().map(|c| u8::try_from(u32::from(c))).collect();
        bytes.ok().map(PeerName::new)
    }

    fn split(&self) -> (&str, &str) {
        self.0.split_once('@').unwrap_or((&self.0, ""))
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// As Erlang prints the atom: `'b@127.0.0.1'`.
impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl core::str::FromStr for NodeName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// Why a text is not a node name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum NameError {
    /// Nothing after the `@`.
    EmptyHost,
    /// Nothing before the `@`.
    EmptyName,
    /// The part before the `@` has something else than `A-Z a-z 0-9 _ -`.
    IllegalCharacter,
    /// The host has blanks, control characters or characters beyond Latin-1.
    IllegalHost,
    /// There is no `@`.
    NoHost,
    /// `nonode@nohost`, which says that there is no name.
    Nonode,
    /// One node has a long name (with a dot in the host, or an address for a host), the other a short one.
    OtherDomain,
    /// There is more than one `@`.
    SecondAt,
    /// More than 255 characters.
    TooLong,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyHost => "no host after the '@'",
            Self::EmptyName => "no name before the '@'",
            Self::IllegalCharacter => "the part before the '@' may have only A-Z a-z 0-9 _ -",
            Self::IllegalHost => {
                "the host may have only printable Latin-1 characters without blanks"
            }
            Self::NoHost => "a node name has the form name@host",
            Self::Nonode => "nonode@nohost is no name",
            Self::OtherDomain => "long and short names do not connect: one host has a dot or is an address, the other not",
            Self::SecondAt => "more than one '@'",
            Self::TooLong => "longer than 255 characters",
        })
    }
}

impl core::error::Error for NameError {}

made_of!(PeerName, crate::any::Raw, |crate::any::Raw(bytes)| PeerName::new(bytes));
made_of!(NodeName, (alloc::string::String, alloc::string::String), |(name, host)| {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut text: alloc::string::String = name.chars().filter(legal).take(120).collect();
    if text.is_empty() {
        text.push('n');
    }
    text.push('@');
    let before = text.len();
    text.extend(host.chars().filter(|c| *c != '@').take(120));
    if text.len() == before {
        text.push('h');
    }
    NodeName::new(&text).unwrap()
}; {
    use proptest::strategy::Strategy as _;
    "[A-Za-z0-9_-]{1,9}@([a-z0-9.-]{1,9}|[^@]{1,3})".prop_map(|text| Self::new(&text).unwrap())
});

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn node_names() {
        let name = NodeName::new("b@127.0.0.1").unwrap();
        assert_eq!(
            (name.name(), name.host(), name.to_string().as_str()),
            ("b", "127.0.0.1", "'b@127.0.0.1'")
        );
        for (text, error) in [
            ("foo", NameError::NoHost),
            ("@h", NameError::EmptyName),
            ("a@", NameError::EmptyHost),
            ("a@b@c", NameError::SecondAt),
            ("p.z@localhost", NameError::IllegalCharacter),
            ("é@localhost", NameError::IllegalCharacter),
        ] {
            assert_eq!(NodeName::new(text), Err(error), "{text}");
        }
        let long = alloc::format!("a@{}", "h".repeat(254));
        assert_eq!(NodeName::new(&long), Err(NameError::TooLong));
        assert_eq!(NodeName::new("a@b c").unwrap().check_own(), Err(NameError::IllegalHost));
    }

    #[test]
    fn raw_names_keep_what_they_are() {
        assert!(PeerName::new("py1@localhost").is_full_name());
        assert!(PeerName::new("p.z@localhost").is_full_name(), "characters are judged later");
        for bad in ["foo", "a@b@c", "@b", "a@", ""] {
            assert!(!PeerName::new(bad).is_full_name(), "{bad}");
        }
        assert!(PeerName::new("localhost").is_host());
        assert!(!PeerName::new("a@localhost").is_host() && !PeerName::new("").is_host());
        let odd = PeerName::new(&b"h\xE9@localhost"[..]);
        assert_eq!(odd.to_node_name(), Err(NameError::IllegalCharacter));
        assert_eq!(odd.to_string(), "\"h\\xe9@localhost\"");
        let host = PeerName::new(&b"h@caf\xE9"[..]).to_node_name().unwrap();
        assert_eq!(host.host(), "café");
        assert_eq!(host.to_peer_name().unwrap().as_bytes(), b"h@caf\xE9");
    }
}
