//! Cookies, and the digests that prove them.

use alloc::collections::BTreeMap;
use bytes::Bytes;
use core::fmt;
use md5::{Digest as _, Md5};

use crate::name::NodeName;
use crate::term::{ATOM_MAX_CHARS, Atom};

/// The secret that two nodes share. `Debug` never shows it.
///
/// It is all that stands between a stranger who reaches the port and full control of the node; without TLS even the
/// digest can be recorded and guessed offline.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cookie(Bytes);

impl Cookie {
    /// The cookie with this text.
    ///
    /// # Errors
    /// [`CookieError`] if it is empty (Erlang would take it), too long for an atom, or has characters beyond Latin-1
    /// (with which no Erlang node can compute a digest).
    pub fn new(text: &str) -> Result<Self, CookieError> {
        if text.is_empty() {
            return Err(CookieError::Empty);
        }
        if text.chars().count() > ATOM_MAX_CHARS {
            return Err(CookieError::TooLong);
        }
        let bytes: Result<alloc::vec::Vec<u8>, _> =
            text.chars().map(|c| u8::try_from(u32::from(c))).collect();
        bytes.map(|bytes| Self(bytes.into())).map_err(|_| CookieError::NotLatin1)
    }

    /// The text, as the atom that it is in Erlang. Everything else hides it.
    #[must_use]
    pub fn expose(&self) -> Atom {
        let text: alloc::string::String = self.0.iter().map(|&byte| char::from(byte)).collect();
        // As long as an atom may be, or it would be no cookie.
        Atom::new(&text).unwrap_or_else(|_| Atom::literal(""))
    }

    //= docs/spec/handshake.md#hs-digest
    /// The answer to `challenge`: MD5 of the cookie followed by the challenge in unsigned decimal (`dist_util`,
    /// `gen_digest`).
    #[must_use]
    pub fn digest(&self, challenge: Challenge) -> Digest {
        let mut digits = [0; 10];
        let hash = Md5::new()
            .chain_update(&self.0)
            .chain_update(decimal(challenge.0, &mut digits))
            .finalize();
        Digest(hash.into())
    }
}

/// Writes `number` in decimal at the end of `digits` and returns that end.
fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookie(..)")
    }
}

/// Why a text is not a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CookieError {
    /// No characters.
    Empty,
    /// A character beyond U+00FF.
    NotLatin1,
    /// More than 255 characters.
    TooLong,
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a cookie must not be empty",
            Self::NotLatin1 => "a cookie may have only Latin-1 characters",
            Self::TooLong => "a cookie has at most 255 characters",
        })
    }
}

impl core::error::Error for CookieError {}

/// A number that the other side must answer with a [`Digest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Challenge(pub u32);

/// The proof of knowing a cookie. Compared in constant time, and not shown by `Debug`: with the challenge beside it, it can
/// be guessed from.
#[derive(Clone, Copy, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Digest(pub [u8; 16]);

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        // Every byte is looked at, and the optimiser may not learn when a difference was found.
        let difference =
            self.0.iter().zip(&other.0).fold(0, |acc, (a, b)| core::hint::black_box(acc | (a ^ b)));
        difference == 0
    }
}

impl core::hash::Hash for Digest {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

/// The cookie of this node, and those for particular peers (`erlang:set_cookie/1,2`).
///
/// One cookie a peer serves both directions. A change affects only attempts that begin later.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cookies {
    own: Cookie,
    /// By whatever atom was given; only those that are names of nodes are ever asked for.
    peers: BTreeMap<Atom, Cookie>,
}

impl Cookies {
    /// Only a cookie of our own.
    #[must_use]
    pub const fn new(own: Cookie) -> Self {
        Self { own, peers: BTreeMap::new() }
    }

    /// Uses `cookie` wherever a peer has none of its own.
    pub fn set_own(&mut self, cookie: Cookie) {
        self.own = cookie;
    }

    /// The one that is used wherever a peer has none of its own (`auth:get_cookie/0`).
    #[must_use]
    pub const fn own(&self) -> &Cookie {
        &self.own
    }

    /// Uses `cookie` with this peer.
    pub fn set(&mut self, peer: Atom, cookie: Cookie) {
        self.peers.insert(peer, cookie);
    }

    /// This node has a name now: a cookie that was set for the name is its own (`auth`, `sync_cookie`).
    pub fn take_name(&mut self, name: &NodeName) {
        if let Some(cookie) = self.peers.remove(name.as_atom()) {
            self.own = cookie;
        }
    }

    //= docs/spec/handshake.md#hs-cookie
    /// The cookie to use with `peer` (`auth:get_cookie/1`).
    #[must_use]
    pub fn get(&self, peer: &NodeName) -> &Cookie {
        self.of(peer.as_atom())
    }

    /// As [`get`](Self::get), for an atom that may be no name.
    #[must_use]
    pub fn of(&self, peer: &Atom) -> &Cookie {
        self.peers.get(peer).unwrap_or(&self.own)
    }
}

made_of!(Cookie, (u8, crate::any::Raw), |(first, crate::any::Raw(bytes))| {
    let all = core::iter::once(first).chain(bytes.into_iter().take(ATOM_MAX_CHARS - 1));
    Cookie(all.collect())
});

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digest: Digest) -> alloc::string::String {
        digest.0.iter().map(|b| alloc::format!("{b:02x}")).collect()
    }

    //= docs/spec/handshake.md#hs-digest
    //= type=test
    #[test]
    fn digests_are_those_of_the_captures() {
        let cookie = Cookie::new("SECRETCOOKIE").unwrap();
        for (challenge, digest) in [
            (0x0A0B_0C0D, "d49a1d946e3b47bd7dcde91de5c44d18"),
            (1, "2b7f7aa4d2530580b45094a481224efd"),
            (0x0102_0304, "502940e42a6de3a0023c4738f3d39ca3"),
        ] {
            assert_eq!(hex(cookie.digest(Challenge(challenge))), digest);
        }
    }

    //= docs/spec/handshake.md#hs-digest
    //= type=test
    #[test]
    fn challenges_are_printed_unsigned_without_leading_zeros() {
        let mut digits = [0; 10];
        assert_eq!(decimal(0, &mut digits), b"0");
        assert_eq!(decimal(u32::MAX, &mut digits), b"4294967295");
    }

    #[test]
    fn one_differing_byte_anywhere_differs() {
        let digest = Digest([7; 16]);
        assert_eq!(digest, Digest([7; 16]));
        for at in 0..16 {
            let mut other = digest;
            other.0[at] ^= 0x80;
            assert_ne!(digest, other);
        }
    }

    //= docs/spec/handshake.md#hs-cookie
    //= type=test
    #[test]
    fn cookies_are_checked_and_hidden() {
        assert_eq!(Cookie::new(""), Err(CookieError::Empty));
        assert_eq!(Cookie::new("Ā"), Err(CookieError::NotLatin1));
        assert_eq!(Cookie::new(&"x".repeat(256)), Err(CookieError::TooLong));
        let mut cookies = Cookies::new(Cookie::new("SECRET").unwrap());
        assert!(!alloc::format!("{cookies:?}").contains("SECRET"));
        let peer = NodeName::new("a@b").unwrap();
        let other = Cookie::new("OTHER").unwrap();
        cookies.set(peer.as_atom().clone(), other.clone());
        assert_ne!(cookies.get(&peer), cookies.get(&NodeName::new("c@b").unwrap()));
        assert_eq!(cookies.get(&peer).expose().as_str(), "OTHER");
        cookies.take_name(&peer);
        assert_eq!((cookies.own(), cookies.get(&peer)), (&other, &other));
    }
}
