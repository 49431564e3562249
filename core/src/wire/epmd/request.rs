//! What EPMD is asked.

use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

use super::{Entry, EntryFault, Name, RawEntry};

/// The length of the buffer for one request, its length field included. A request must be shorter.
pub const REQUEST_MAX: usize = 3060;

const ALIVE2: u8 = b'x';
const DUMP: u8 = b'd';
const KILL: u8 = b'k';
const NAMES: u8 = b'n';
const PORT_PLEASE2: u8 = b'z';
const STOP: u8 = b's';

/// A request to EPMD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum Request<'a> {
    /// Register this node for as long as the stream is open. Answered by [`Alive2Resp`](super::Alive2Resp).
    Alive2(Entry<'a>),
    /// Everything that EPMD knows. Answered by [`Listing`](super::Listing).
    Dump,
    /// End EPMD. Answered by [`KillResp`](super::KillResp).
    Kill,
    /// All registered names. Answered by [`Listing`](super::Listing).
    Names,
    /// How the node of this name is reached. Answered by [`Port2Resp`](super::Port2Resp).
    PortPlease2 {
        /// The name, without a host.
        name: Name<'a>,
    },
    /// Unregister a node by force. Answered by [`StopResp`](super::StopResp).
    Stop {
        /// The name, without a host.
        name: Name<'a>,
    },
}

impl<'a> Request<'a> {
    /// Parses all that a stream has carried so far, the `u16` length first. `None`: more bytes are needed.
    ///
    /// # Errors
    /// Why EPMD does not serve it. [`RequestError::Refused`] and [`RequestError::NoSuchNode`] are answered, all others
    /// close the stream.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<Self>, RequestError> {
        //= docs/spec/epmd.md#epmd-request-framing
        let Some((length, body)) = bytes.split_first_chunk() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*length));
        //= docs/spec/epmd.md#epmd-limit-request
        if length == 0 || length + 2 >= REQUEST_MAX {
            return Err(RequestError::Length);
        }
        //= docs/spec/epmd.md#epmd-request-surplus
        if body.len() > length {
            return Err(RequestError::Surplus);
        }
        match body.split_first() {
            Some((&opcode, fields)) if body.len() == length => {
                Self::parse_body(opcode, fields).map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }

    fn parse_body(opcode: u8, fields: &'a [u8]) -> Result<Self, RequestError> {
        match opcode {
            ALIVE2 => parse_alive2(fields).map(Self::Alive2),
            //= docs/spec/epmd.md#epmd-bare-request
            DUMP => Ok(Self::Dump),
            KILL => Ok(Self::Kill),
            NAMES => Ok(Self::Names),
            //= docs/spec/epmd.md#epmd-port-please
            PORT_PLEASE2 => {
                let name = Name::new(fields.strip_suffix(b"\0").unwrap_or(fields));
                name.map(|name| Self::PortPlease2 { name }).map_err(RequestError::Name)
            }
            STOP => parse_stop(fields),
            //= docs/spec/epmd.md#epmd-unknown-request
            _ => Err(RequestError::Opcode(opcode)),
        }
    }

    /// Appends the request, the `u16` length first.
    pub fn emit(&self, out: &mut Vec<u8>) {
        // The types of the fields keep every request below `REQUEST_MAX`.
        let length = (self.encoded_len() - 2) as u16;
        out.extend_from_slice(&length.to_be_bytes());
        match self {
            Self::Alive2(entry) => {
                out.push(ALIVE2);
                entry.emit(out);
            }
            Self::Dump => out.push(DUMP),
            Self::Kill => out.push(KILL),
            Self::Names => out.push(NAMES),
            Self::PortPlease2 { name } => {
                out.push(PORT_PLEASE2);
                out.extend_from_slice(name.0.as_bytes());
            }
            Self::Stop { name } => {
                out.push(STOP);
                out.extend_from_slice(name.0.as_bytes());
            }
        }
    }

    /// How many bytes [`emit`](Self::emit) appends.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        3 + match self {
            Self::Alive2(entry) => entry.encoded_len(),
            Self::Dump | Self::Kill | Self::Names => 0,
            Self::PortPlease2 { name } | Self::Stop { name } => name.0.len(),
        }
    }

    /// The emitted request, to be transmitted.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.emit(&mut out);
        out.into()
    }
}

//= docs/spec/epmd.md#epmd-stop-request
fn parse_stop(fields: &[u8]) -> Result<Request<'_>, RequestError> {
    if fields.is_empty() {
        return Err(RequestError::Fields);
    }
    let name = fields.split(|&b| b == 0).next().unwrap_or_default();
    Name::new(name).map(|name| Request::Stop { name }).map_err(|_| RequestError::NoSuchNode)
}

//= docs/spec/epmd.md#epmd-alive2-request
fn parse_alive2(fields: &[u8]) -> Result<Entry<'_>, RequestError> {
    let (_, raw) = RawEntry::parse(fields).map_err(|_| RequestError::Fields)?;
    let highest = raw.info.highest;
    raw.check().map_err(|fault| match fault {
        EntryFault::EmptyName | EntryFault::Nul => RequestError::Name(fault),
        //= docs/spec/epmd.md#epmd-alive2-refused
        EntryFault::ExtraTooLong | EntryFault::NameTooLong | EntryFault::NotUtf8 => {
            RequestError::Refused { highest, fault }
        }
    })
}

/// Why EPMD does not serve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestError {
    /// The fields do not fit into the request, or there are none.
    Fields,
    /// The length is zero, or the request would not fit into [`REQUEST_MAX`].
    Length,
    /// The name is none, and there is no answer to say so.
    Name(EntryFault),
    /// A request to stop what cannot be a node's name. Where that request is allowed, the answer is
    /// [`StopResp::NoExist`](super::StopResp::NoExist).
    NoSuchNode,
    /// There is no such request.
    Opcode(u8),
    /// A well-formed registration of something that EPMD does not take. Where registering is allowed, the answer is
    /// [`Alive2Resp::refused`](super::Alive2Resp::refused), and the stream stays open.
    Refused {
        /// The newest version that the node speaks: it decides on the form of the answer.
        highest: u16,
        /// What is wrong.
        fault: EntryFault,
    },
    /// There are more bytes than the length says.
    Surplus,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields => f.write_str("the fields do not fit into the request"),
            Self::Length => f.write_str("the request is empty or too long"),
            Self::Name(fault) | Self::Refused { fault, .. } => fmt::Display::fmt(fault, f),
            Self::NoSuchNode => f.write_str("no node can have that name"),
            Self::Opcode(opcode) => write!(f, "unknown request {opcode:#04x}"),
            Self::Surplus => f.write_str("more bytes than the length says"),
        }
    }
}

impl core::error::Error for RequestError {}
