//! What EPMD answers, but for the listings.

use alloc::vec::Vec;
use core::fmt;

use super::{Entry, PortInfo, RawEntry};
use crate::creation::Creation;

/// The bytes are not the beginning of an answer to that request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Garbage;

impl fmt::Display for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer makes no sense")
    }
}

impl core::error::Error for Garbage {}

/// The creation in a refusal. It means nothing.
pub const REFUSED_CREATION: u8 = 99;

const ALIVE2: u8 = b'y';
const ALIVE2_X: u8 = b'v';
const PORT2: u8 = b'w';

/// The answer to a registration. The stream stays open, whatever the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Alive2Resp {
    /// `ALIVE2_RESP`, to a node whose highest version is below 6.
    Old {
        /// 0 if the name is registered.
        result: u8,
        /// 1 to 3.
        creation: u16,
    },
    /// `ALIVE2_X_RESP`, to all others.
    New {
        /// 0 if the name is registered.
        result: u8,
        /// The creation.
        creation: u32,
    },
}

impl Alive2Resp {
    /// The length of the longer form.
    pub const MAX_LEN: usize = 6;

    /// The grant that a node of this highest version gets.
    //= docs/spec/epmd.md#epmd-server-creation
    #[must_use]
    pub const fn granted(highest: u16, creation: Creation) -> Self {
        if highest >= 6 {
            Self::New { result: 0, creation: creation.0 }
        } else {
            Self::Old { result: 0, creation: (creation.0 % 3 + 1) as u16 }
        }
    }

    /// The refusal that a node of this highest version gets.
    //= docs/spec/epmd.md#epmd-alive2-refused
    #[must_use]
    pub const fn refused(highest: u16) -> Self {
        if highest >= 6 {
            Self::New { result: 1, creation: REFUSED_CREATION as u32 }
        } else {
            Self::Old { result: 1, creation: REFUSED_CREATION as u16 }
        }
    }

    /// The creation that was given with the name; `None` if the name was refused.
    #[must_use]
    pub fn creation(&self) -> Option<Creation> {
        match *self {
            Self::Old { result: 0, creation } => Some(Creation(creation.into())),
            Self::New { result: 0, creation } => Some(Creation(creation)),
            Self::Old { .. } | Self::New { .. } => None,
        }
    }

    /// Parses all that the stream has carried so far. `None`: more bytes are needed.
    ///
    /// # Errors
    /// [`Garbage`] for other bytes, and for bytes behind the answer.
    //= docs/spec/epmd.md#epmd-alive2-reply
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Garbage> {
        match *bytes {
            [ALIVE2, result, a, b] => {
                Ok(Some(Self::Old { result, creation: u16::from_be_bytes([a, b]) }))
            }
            [ALIVE2_X, result, a, b, c, d] => {
                Ok(Some(Self::New { result, creation: u32::from_be_bytes([a, b, c, d]) }))
            }
            [] => Ok(None),
            [ALIVE2, ..] if bytes.len() < 4 => Ok(None),
            [ALIVE2_X, ..] if bytes.len() < 6 => Ok(None),
            [..] => Err(Garbage),
        }
    }

    /// Appends the answer.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Old { result, creation } => {
                out.extend_from_slice(&[ALIVE2, *result]);
                out.extend_from_slice(&creation.to_be_bytes());
            }
            Self::New { result, creation } => {
                out.extend_from_slice(&[ALIVE2_X, *result]);
                out.extend_from_slice(&creation.to_be_bytes());
            }
        }
    }

    /// How many bytes [`emit`](Self::emit) appends.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        match self {
            Self::Old { .. } => 4,
            Self::New { .. } => Self::MAX_LEN,
        }
    }
}

/// The answer to a look-up. EPMD closes the stream behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum Port2Resp<'a> {
    /// The node is registered.
    Found(Entry<'a>),
    /// It is not.
    NotFound,
}

/// The beginning of a [`Port2Resp`]: all that a node needs of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Port2Head {
    /// The node is registered, and is reached like this.
    Found(PortInfo),
    /// It is not.
    NotFound,
}

impl Port2Head {
    /// The length up to the name, with the length of the name.
    pub const LEN: usize = 2 + PortInfo::LEN + 2;

    /// Parses all that the stream has carried so far, and ignores what stands behind. `None`: more bytes are needed.
    ///
    /// # Errors
    /// [`Garbage`] for other bytes.
    //= docs/spec/epmd.md#epmd-port2-reply
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Garbage> {
        match bytes {
            [] | [PORT2] => Ok(None),
            [PORT2, 0, fields @ ..] if bytes.len() >= Self::LEN => PortInfo::parse(fields)
                .map(|(_, info)| Some(Self::Found(info)))
                .map_err(|_| Garbage),
            [PORT2, 0, ..] => Ok(None),
            [PORT2, ..] => Ok(Some(Self::NotFound)),
            [..] => Err(Garbage),
        }
    }
}

impl<'a> Port2Resp<'a> {
    /// Parses all that the stream has carried so far, and ignores what stands behind. `None`: more bytes are needed.
    ///
    /// # Errors
    /// [`Garbage`] for other bytes, and for a name or an extra field that EPMD would not have registered.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<Self>, Garbage> {
        match Port2Head::parse(bytes)? {
            None => Ok(None),
            Some(Port2Head::NotFound) => Ok(Some(Self::NotFound)),
            Some(Port2Head::Found(_)) => {
                match RawEntry::parse(bytes.get(2..).unwrap_or_default()) {
                    Ok((_, raw)) => {
                        raw.check().map(|entry| Some(Self::Found(entry))).map_err(|_| Garbage)
                    }
                    Err(_) => Ok(None),
                }
            }
        }
    }

    /// Appends the answer.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Found(entry) => {
                out.extend_from_slice(&[PORT2, 0]);
                entry.emit(out);
            }
            Self::NotFound => out.extend_from_slice(&[PORT2, 1]),
        }
    }

    /// How many bytes [`emit`](Self::emit) appends.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        2 + match self {
            Self::Found(entry) => entry.encoded_len(),
            Self::NotFound => 0,
        }
    }
}

/// The answer to [`Request::Kill`](super::Request::Kill).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum KillResp {
    /// EPMD has nodes, and goes on.
    No,
    /// EPMD ends.
    Ok,
}

impl KillResp {
    /// Parses all that the stream has carried so far, and ignores what stands behind. `None`: more bytes are needed.
    ///
    /// # Errors
    /// [`Garbage`] for other bytes.
    //= docs/spec/epmd.md#epmd-kill-reply
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Garbage> {
        parse_text(bytes, [Self::No, Self::Ok], Self::text)
    }

    /// Appends the answer.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text());
    }

    /// How many bytes [`emit`](Self::emit) appends.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.text().len()
    }

    const fn text(&self) -> &'static [u8] {
        match self {
            Self::No => b"NO",
            Self::Ok => b"OK",
        }
    }
}

/// The answer to [`Request::Stop`](super::Request::Stop).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum StopResp {
    /// There is no node of that name. EPMD says both texts.
    NoExist,
    /// The node is unregistered.
    Stopped,
}

impl StopResp {
    /// Parses all that the stream has carried so far, and ignores what stands behind. `None`: more bytes are needed.
    ///
    /// # Errors
    /// [`Garbage`] for other bytes.
    //= docs/spec/epmd.md#epmd-stop-reply
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Garbage> {
        parse_text(bytes, [Self::NoExist, Self::Stopped], |answer| match answer {
            Self::NoExist => b"NOEXIST",
            Self::Stopped => b"STOPPED",
        })
    }

    /// Appends the answer.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text());
    }

    /// How many bytes [`emit`](Self::emit) appends.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.text().len()
    }

    const fn text(&self) -> &'static [u8] {
        match self {
            Self::NoExist => b"NOEXISTSTOPPED",
            Self::Stopped => b"STOPPED",
        }
    }
}

/// The answer whose text `bytes` begin with, or may yet begin with.
fn parse_text<T: Copy>(
    bytes: &[u8],
    answers: [T; 2],
    text: impl Fn(&T) -> &'static [u8],
) -> Result<Option<T>, Garbage> {
    match answers.into_iter().find(|answer| bytes.starts_with(text(answer))) {
        Some(answer) => Ok(Some(answer)),
        None if answers.iter().any(|answer| text(answer).starts_with(bytes)) => Ok(None),
        None => Err(Garbage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/epmd.md#epmd-kill-reply
    //= type=test
    //= docs/spec/epmd.md#epmd-stop-reply
    //= type=test
    #[test]
    fn what_no_answer_begins_with_is_garbage_at_once() {
        for (bytes, kill) in [
            (&b""[..], Ok(None)),
            (b"O", Ok(None)),
            (b"OK", Ok(Some(KillResp::Ok))),
            (b"NO", Ok(Some(KillResp::No))),
            (b"OX", Err(Garbage)),
            (b"S", Err(Garbage)),
        ] {
            assert_eq!(KillResp::parse(bytes), kill, "{bytes:?}");
        }
        for (bytes, stop) in [
            (&b"NOEXIS"[..], Ok(None)),
            (b"NOEXISTS", Ok(Some(StopResp::NoExist))),
            (b"STOPPE", Ok(None)),
            (b"STOPPED", Ok(Some(StopResp::Stopped))),
            (b"STAY", Err(Garbage)),
            (b"OK", Err(Garbage)),
        ] {
            assert_eq!(StopResp::parse(bytes), stop, "{bytes:?}");
        }
    }
}
