//! The answers that are text for people, and that programs read nevertheless.

use alloc::vec::Vec;
use core::fmt::{self, Write as _};

/// The answer to [`Request::Names`](super::Request::Names) and to [`Request::Dump`](super::Request::Dump). The end of
/// the stream is its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Listing<'a> {
    /// The port of this EPMD.
    pub epmd_port: u32,
    /// One line or record for each node, last registered node first.
    pub text: &'a [u8],
}

impl<'a> Listing<'a> {
    /// Parses all that the stream has carried so far. `None`: more bytes are needed.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (port, text) = bytes.split_first_chunk()?;
        Some(Self { epmd_port: u32::from_be_bytes(*port), text })
    }

    /// Appends the answer.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.epmd_port.to_be_bytes());
        out.extend_from_slice(self.text);
    }

    /// How many bytes [`emit`](Self::emit) appends.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        4 + self.text.len()
    }

    /// The names, in the order of the text. What is no such line is skipped, and so is a last one without its end.
    //= docs/spec/epmd.md#epmd-names-line
    pub fn names(&self) -> impl Iterator<Item = NameLine<'a>> + use<'a> {
        self.text.split_inclusive(|&b| b == b'\n').filter_map(NameLine::parse)
    }

    /// The records of a dump, in the order of the text. What is no such record is skipped.
    //= docs/spec/epmd.md#epmd-dump-record
    pub fn records(&self) -> impl Iterator<Item = DumpRecord<'a>> + use<'a> {
        self.text.split_inclusive(|&b| b == 0).filter_map(DumpRecord::parse)
    }
}

/// One line of a [`Listing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct NameLine<'a> {
    /// The name, without a host. One with a blank cannot be read back.
    pub name: &'a str,
    /// The TCP port that the node listens at.
    pub port: u16,
}

impl<'a> NameLine<'a> {
    /// Parses a line with its end, `name NAME at port PORT\n`. `None` if it is another one.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let line = core::str::from_utf8(line).ok()?;
        let (name, rest) = line.strip_prefix("name ")?.split_once(' ')?;
        let port = rest.strip_prefix("at port ")?.strip_suffix('\n')?.parse().ok()?;
        Some(Self { name, port })
    }

    /// Appends the line.
    pub fn emit(&self, out: &mut Vec<u8>) {
        append(out, format_args!("{self}"));
    }

    /// How many bytes [`emit`](Self::emit) appends.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        length(format_args!("{self}"))
    }
}

/// As on the wire.
impl fmt::Display for NameLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "name {} at port {}", self.name, self.port)
    }
}

/// One record of a [`Listing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct DumpRecord<'a> {
    /// Whether the node is registered; if not, EPMD remembers it for the sake of its creation.
    pub active: bool,
    /// The name, without a host.
    pub name: &'a str,
    /// The TCP port that the node listens at, or did.
    pub port: u16,
    /// The file descriptor of its connection in EPMD.
    pub fd: u32,
}

impl<'a> DumpRecord<'a> {
    /// Parses a record with its NUL. `None` if it is another text.
    #[must_use]
    pub fn parse(record: &'a [u8]) -> Option<Self> {
        let record = core::str::from_utf8(record).ok()?;
        let (active, rest) = match record.strip_prefix("active name     <") {
            Some(rest) => (true, rest),
            None => (false, record.strip_prefix("old/unused name <")?),
        };
        let (between, end) = if active { ("> at port ", "\n\0") } else { (">, port = ", " \n\0") };
        // From behind: a name may have anything inside.
        let (name, numbers) = rest.strip_suffix(end)?.rsplit_once(between)?;
        let (port, fd) = numbers.split_once(", fd = ")?;
        Some(Self { active, name, port: port.parse().ok()?, fd: fd.parse().ok()? })
    }

    /// Appends the record.
    pub fn emit(&self, out: &mut Vec<u8>) {
        append(out, format_args!("{self}\0"));
    }

    /// How many bytes [`emit`](Self::emit) appends.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        length(format_args!("{self}\0"))
    }
}

/// As on the wire, without the NUL.
impl fmt::Display for DumpRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { active, name, port, fd } = self;
        if *active {
            writeln!(f, "active name     <{name}> at port {port}, fd = {fd}")
        } else {
            writeln!(f, "old/unused name <{name}>, port = {port}, fd = {fd} ")
        }
    }
}

struct Bytes<'a>(&'a mut Vec<u8>);

impl fmt::Write for Bytes<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

fn append(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Neither the writer nor the texts of this file can fail.
    let _ = Bytes(out).write_fmt(text);
}

fn length(text: fmt::Arguments<'_>) -> usize {
    let mut length = Length(0);
    let _ = length.write_fmt(text);
    length.0
}
