//! The messages of EPMD, the Erlang port mapper daemon (`epmd_srv.c`, `erl_epmd.erl`).
//!
//! All integers are big-endian. A request is a `u16` length and that many bytes, of which the first is the opcode. An
//! answer has no length: it is as long as its fields say, and a [`Listing`] ends where the stream ends.
//! One connection carries one request.

mod listing;
#[cfg(feature = "arbitrary")]
mod made;
mod request;
mod response;

pub use listing::{DumpRecord, Listing, NameLine};
pub use request::{REQUEST_MAX, Request, RequestError};
pub use response::{
    Alive2Resp, Garbage, KillResp, Port2Head, Port2Resp, REFUSED_CREATION, StopResp,
};

use alloc::vec::Vec;
use core::fmt;
use nom::bytes::complete::take;
use nom::number::complete::{be_u8, be_u16};
use nom::{IResult, Parser as _};

use crate::name::NodeName;

/// The TCP port of EPMD, unless it is configured.
pub const EPMD_PORT: u16 = 4369;

/// The longest name, in Unicode code points; so in UTF-8 it has at most 1020 bytes.
pub const NAME_MAX_CHARS: usize = 255;

/// The longest extra field, in bytes.
pub const EXTRA_MAX: usize = 1020;

/// The node type of every Erlang node, hidden ones included (`M`).
pub const NODE_TYPE_NORMAL: u8 = 77;

/// The node type of a C node that does not take part in the mesh (`H`).
pub const NODE_TYPE_HIDDEN: u8 = 72;

/// The newest version of the distribution protocol that nodes of OTP 23 and later name, and so do we.
pub const DIST_HIGHEST: u16 = 6;

/// The oldest one. It stands for the `n` handshake, which we accept.
pub const DIST_LOWEST: u16 = 5;

/// What nodes are registered by: one to [`NAME_MAX_CHARS`] code points of UTF-8 without NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<'a>(&'a str);

impl<'a> Name<'a> {
    /// Checks the bytes of a name, as EPMD does.
    ///
    /// # Errors
    /// What is wrong with them.
    //= docs/spec/epmd.md#epmd-limit-name
    pub fn new(bytes: &'a [u8]) -> Result<Self, EntryFault> {
        if bytes.is_empty() {
            return Err(EntryFault::EmptyName);
        }
        // Before the encoding: of a bad name with a NUL the NUL counts.
        if bytes.contains(&0) {
            return Err(EntryFault::Nul);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| EntryFault::NotUtf8)?;
        if text.chars().count() > NAME_MAX_CHARS {
            return Err(EntryFault::NameTooLong);
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

/// The part before the `@`: a node name is short enough, and that part has only letters, digits, `_` and `-`.
impl<'a> From<&'a NodeName> for Name<'a> {
    fn from(node: &'a NodeName) -> Self {
        Self(node.name())
    }
}

/// What a node registers beside its name: at most [`EXTRA_MAX`] bytes of any kind. Erlang nodes leave it empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extra<'a>(&'a [u8]);

impl<'a> Extra<'a> {
    /// Checks the length.
    ///
    /// # Errors
    /// [`EntryFault::ExtraTooLong`].
    //= docs/spec/epmd.md#epmd-limit-extra
    pub const fn new(bytes: &'a [u8]) -> Result<Self, EntryFault> {
        if bytes.len() > EXTRA_MAX { Err(EntryFault::ExtraTooLong) } else { Ok(Self(bytes)) }
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

/// Why EPMD does not take a name or an extra field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryFault {
    /// The name is empty.
    EmptyName,
    /// The extra field has more than [`EXTRA_MAX`] bytes.
    ExtraTooLong,
    /// The name has more than [`NAME_MAX_CHARS`] code points.
    NameTooLong,
    /// The name is not UTF-8.
    NotUtf8,
    /// The name has a NUL inside.
    Nul,
}

impl fmt::Display for EntryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyName => "the name is empty",
            Self::ExtraTooLong => "the extra field is longer than 1020 bytes",
            Self::NameTooLong => "the name is longer than 255 characters",
            Self::NotUtf8 => "the name is not UTF-8",
            Self::Nul => "the name has a NUL inside",
        })
    }
}

impl core::error::Error for EntryFault {}

/// How a registered node is reached: the fields of fixed size of an [`Entry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct PortInfo {
    /// The TCP port that the node listens at.
    pub port: u16,
    /// [`NODE_TYPE_NORMAL`], [`NODE_TYPE_HIDDEN`], or what the node said.
    pub node_type: u8,
    /// 0 is TCP, for any kind of address and also below TLS.
    pub protocol: u8,
    /// The newest version of the distribution protocol that the node speaks.
    pub highest: u16,
    /// The oldest one.
    pub lowest: u16,
}

impl PortInfo {
    const LEN: usize = 8;

    /// The version of the distribution protocol that both this node and that one speak (`best_version`). Erlang nodes
    /// of OTP 25 and later do not care, and neither do we: the handshake settles it.
    //= docs/spec/epmd.md#epmd-lookup-version
    #[must_use]
    pub fn version(&self) -> Option<u16> {
        let overlap = self.lowest <= DIST_HIGHEST && DIST_LOWEST <= self.highest;
        overlap.then(|| self.highest.min(DIST_HIGHEST))
    }

    fn parse(input: &[u8]) -> IResult<&[u8], Self, ()> {
        (be_u16, be_u8, be_u8, be_u16, be_u16)
            .map(|(port, node_type, protocol, highest, lowest)| Self {
                port,
                node_type,
                protocol,
                highest,
                lowest,
            })
            .parse(input)
    }

    fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.port.to_be_bytes());
        out.extend_from_slice(&[self.node_type, self.protocol]);
        out.extend_from_slice(&self.highest.to_be_bytes());
        out.extend_from_slice(&self.lowest.to_be_bytes());
    }
}

/// A node as EPMD knows it: what is registered, and what is answered to a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Entry<'a> {
    /// How the node is reached.
    pub info: PortInfo,
    /// Its name, without a host.
    pub name: Name<'a>,
    /// Whatever else it registered.
    pub extra: Extra<'a>,
}

impl Entry<'_> {
    fn emit(&self, out: &mut Vec<u8>) {
        self.info.emit(out);
        for field in [self.name.0.as_bytes(), self.extra.0] {
            // Both types are far shorter than 65536 bytes.
            out.extend_from_slice(&(field.len() as u16).to_be_bytes());
            out.extend_from_slice(field);
        }
    }

    const fn encoded_len(&self) -> usize {
        PortInfo::LEN + 2 + self.name.0.len() + 2 + self.extra.0.len()
    }
}

/// An [`Entry`] whose name and extra field nobody judged yet.
struct RawEntry<'a> {
    info: PortInfo,
    name: &'a [u8],
    extra: &'a [u8],
}

impl<'a> RawEntry<'a> {
    /// Takes the fields from the front of `input`; an error only says that they do not fit.
    fn parse(input: &'a [u8]) -> IResult<&'a [u8], Self, ()> {
        let (input, info) = PortInfo::parse(input)?;
        let (input, name) = be_u16.flat_map(take).parse(input)?;
        let (input, extra) = be_u16.flat_map(take).parse(input)?;
        Ok((input, Self { info, name, extra }))
    }

    fn check(self) -> Result<Entry<'a>, EntryFault> {
        let name = Name::new(self.name)?;
        Ok(Entry { info: self.info, name, extra: Extra::new(self.extra)? })
    }
}
