//! What Erlang takes for a host.

use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::family::Family;
use crate::term::Term;

/// A host to ask: a name, or an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Host {
    /// A name, or the text of an IPv4 address: an atom or a string in Erlang.
    Name(String),
    /// An address: a tuple in Erlang.
    Address(IpAddr),
}

/// Something that is no host (`function_clause`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BadHost;

impl Host {
    //= docs/spec/net_adm.md#adm-names-host
    /// The host that a term stands for.
    ///
    /// # Errors
    /// [`BadHost`].
    pub fn of_term(term: &Term) -> Result<Self, BadHost> {
        if let Some(name) = term.as_atom() {
            return Ok(Self::Name(name.as_str().into()));
        }
        if let Some(elements) = term.as_tuple() {
            return address(elements).map(Self::Address).ok_or(BadHost);
        }
        term.as_list().and_then(text).map(Self::Name).ok_or(BadHost)
    }

    //= docs/spec/net_adm.md#adm-names-family
    /// Which of a host's addresses are asked: names are looked up as IPv4, whatever the node's own family is.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Name(_) => Family::Inet,
            Self::Address(address) => Family::of(*address),
        }
    }
}

/// A number between the characters counts as one, and no resolver knows either.
fn text(elements: &[Term]) -> Option<String> {
    let char = |term: &Term| match u32::try_from(term.as_i64()?).ok()? {
        0xD800..=0xDFFF => Some(char::REPLACEMENT_CHARACTER),
        number => char::from_u32(number),
    };
    elements.iter().map(char).collect()
}

fn address(elements: &[Term]) -> Option<IpAddr> {
    fn numbers<N: TryFrom<i64>, const L: usize>(elements: &[Term]) -> Option<[N; L]> {
        let numbers: Option<alloc::vec::Vec<N>> =
            elements.iter().map(|term| N::try_from(term.as_i64()?).ok()).collect();
        numbers?.try_into().ok()
    }
    let inet = numbers(elements).map(|octets: [u8; 4]| Ipv4Addr::from(octets).into());
    inet.or_else(|| numbers(elements).map(|parts: [u16; 8]| Ipv6Addr::from(parts).into()))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl From<&str> for Host {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl From<&String> for Host {
    fn from(name: &String) -> Self {
        Self::Name(name.clone())
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl fmt::Display for BadHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("function_clause")
    }
}

impl core::error::Error for BadHost {}

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/net_adm.md#adm-names-host
    //= type=test
    //= docs/spec/net_adm.md#adm-names-family
    //= type=test
    #[test]
    fn atoms_texts_and_tuples_are_hosts() {
        let host = |text: &str| Host::of_term(&text.parse().unwrap());
        let name = |name: &str| Ok(Host::from(name));
        for (term, found) in [
            ("localhost", name("localhost")),
            ("'a.b'", name("a.b")),
            ("\"a.b\"", name("a.b")),
            ("[]", name("")),
            ("[55296]", name("\u{FFFD}")),
            ("[a]", Err(BadHost)),
            ("[97|98]", Err(BadHost)),
            ("[-1]", Err(BadHost)),
            ("[1114112]", Err(BadHost)),
            ("[97,1.0]", Err(BadHost)),
            ("[\"a\"]", Err(BadHost)),
            ("5", Err(BadHost)),
            ("<<\"a\">>", Err(BadHost)),
            ("{1,2,3}", Err(BadHost)),
            ("{1,2,3,400}", Err(BadHost)),
            ("{}", Err(BadHost)),
        ] {
            assert_eq!(host(term), found, "{term}");
        }
        for (term, address, family) in [
            ("{127,0,0,1}", "127.0.0.1", Family::Inet),
            ("{0,0,0,0,0,0,0,1}", "::1", Family::Inet6),
        ] {
            let found = host(term).unwrap();
            assert_eq!(found, Host::Address(address.parse().unwrap()));
            assert_eq!(found.family(), family);
            assert_eq!(Host::from(address).family(), Family::Inet, "a text is a name");
        }
    }
}
