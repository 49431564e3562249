//! The messages of the distribution handshake, versions 5 and 6.
//!
//! A message is the body of one packet; [`framing`](super::framing) puts the length before it. Bytes behind a message are
//! ignored in `send_name` (version 6), `named:` and the challenge, as Erlang does, and nowhere else.

use alloc::vec::Vec;
use bytes::Bytes;
use nom::bytes::complete::{tag, take};
use nom::combinator::{all_consuming, map, rest};
use nom::multi::length_data;
use nom::number::complete::{be_u16, be_u32, be_u64};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use crate::cookie::{Challenge, Digest};
use crate::creation::Creation;
use crate::flags::Flags;
use crate::name::PeerName;

/// The bytes are not the message that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Malformed;

type Parsed<'a, T> = IResult<&'a [u8], T>;

const TAG_SEND_NAME_5: &[u8] = b"n";
const TAG_SEND_NAME_6: &[u8] = b"N";
const TAG_STATUS: &[u8] = b"s";
const TAG_CHALLENGE: &[u8] = b"N";
const TAG_COMPLEMENT: &[u8] = b"c";
const TAG_REPLY: &[u8] = b"r";
const TAG_ACK: &[u8] = b"a";
const NAMED: &[u8] = b"named:";

/// The initiator introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SendName {
    /// Tag `n`: only the lower flags, and no creation; a [`Complement`] brings the rest.
    V5 {
        /// Says 5; the value is ignored.
        version: u16,
        /// The lower 32 flags.
        flags: Flags,
        /// The initiator's full name.
        name: PeerName,
    },
    /// Tag `N`.
    V6 {
        /// All flags.
        flags: Flags,
        /// The initiator's creation, [`Creation::NONE`] if it asks for a name.
        creation: Creation,
        /// Its full name, or only its host if it asks for a name.
        name: PeerName,
    },
}

impl SendName {
    //= docs/spec/handshake.md#hs-send-name-v6
    //= docs/spec/handshake.md#hs-send-name-v5
    /// Reads a packet.
    ///
    /// # Errors
    /// [`Malformed`] for another tag or a name longer than the packet.
    pub fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        let v6 = (flags64, creation, length_data(be_u16)).map(|(flags, creation, name)| Self::V6 {
            flags,
            creation,
            name: owned_name(name),
        });
        let v5 = (be_u16, map(be_u32, |low| Flags::from_bits(low.into())), rest)
            .map(|(version, flags, name)| Self::V5 { version, flags, name: owned_name(name) });
        match packet {
            [b'N', body @ ..] => ignoring_rest(v6, body),
            [b'n', body @ ..] => exactly(v5, body),
            _ => Err(Malformed),
        }
    }

    /// Appends the message.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::V5 { version, flags, name } => {
                out.extend_from_slice(TAG_SEND_NAME_5);
                out.extend_from_slice(&version.to_be_bytes());
                out.extend_from_slice(&low_word(*flags).to_be_bytes());
                out.extend_from_slice(name.as_bytes());
            }
            Self::V6 { flags, creation, name } => {
                out.extend_from_slice(TAG_SEND_NAME_6);
                out.extend_from_slice(&flags.bits().to_be_bytes());
                out.extend_from_slice(&creation.0.to_be_bytes());
                put_name(name, out);
            }
        }
    }

    /// How many bytes [`SendName::emit`] appends.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::V5 { name, .. } => 7 + name.as_bytes().len(),
            Self::V6 { name, .. } => 15 + name.as_bytes().len(),
        }
    }
}

/// The acceptor's first word, and the initiator's answer to `alive`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Status {
    /// Go on.
    Ok,
    /// Go on; an attempt of the acceptor's own to the initiator was given up for this one.
    OkSimultaneous,
    /// Stop; an attempt of the acceptor's own has precedence, or the name cannot be used.
    Nok,
    /// Stop: the allow list or the flags forbid it.
    NotAllowed,
    /// There is a link of this name already; is it to be replaced?
    Alive,
    /// Answer to `alive`: replace it.
    True,
    /// Answer to `alive`: keep it.
    False,
    /// Go on, under this name.
    Named {
        /// The full name given to the initiator. On the wire it is UTF-8.
        name: PeerName,
        /// The creation given to it.
        creation: Creation,
    },
}

/// The statuses that are one word.
const WORDS: [(Status, &[u8]); 7] = [
    (Status::Ok, b"ok"),
    (Status::OkSimultaneous, b"ok_simultaneous"),
    (Status::Nok, b"nok"),
    (Status::NotAllowed, b"not_allowed"),
    (Status::Alive, b"alive"),
    (Status::True, b"true"),
    (Status::False, b"false"),
];

impl Status {
    //= docs/spec/handshake.md#hs-status
    /// Reads a packet.
    ///
    /// # Errors
    /// [`Malformed`] for another tag, an unknown word, or a name longer than the packet.
    pub fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        let text = packet.strip_prefix(TAG_STATUS).ok_or(Malformed)?;
        if let Some(body) = text.strip_prefix(NAMED) {
            let named = (length_data(be_u16), creation)
                .map(|(name, creation)| Self::Named { name: owned_name(name), creation });
            return ignoring_rest(named, body);
        }
        WORDS.into_iter().find(|(_, word)| *word == text).map(|(status, _)| status).ok_or(Malformed)
    }

    /// Appends the message.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(TAG_STATUS);
        out.extend_from_slice(self.word());
        if let Self::Named { name, creation } = self {
            put_name(name, out);
            out.extend_from_slice(&creation.0.to_be_bytes());
        }
    }

    /// How many bytes [`Status::emit`] appends.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let named = if let Self::Named { name, .. } = self { 6 + name.as_bytes().len() } else { 0 };
        1 + self.word().len() + named
    }

    const fn word(&self) -> &'static [u8] {
        match self {
            Self::Ok => b"ok",
            Self::OkSimultaneous => b"ok_simultaneous",
            Self::Nok => b"nok",
            Self::NotAllowed => b"not_allowed",
            Self::Alive => b"alive",
            Self::True => b"true",
            Self::False => b"false",
            Self::Named { .. } => NAMED,
        }
    }
}

/// The acceptor introduces itself and asks for proof of the cookie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct ChallengeMessage {
    /// The acceptor's flags.
    pub flags: Flags,
    /// To be answered by a digest.
    pub challenge: Challenge,
    /// The acceptor's creation.
    pub creation: Creation,
    /// The acceptor's full name.
    pub name: PeerName,
}

impl ChallengeMessage {
    //= docs/spec/handshake.md#hs-challenge
    /// Reads a packet.
    ///
    /// # Errors
    /// [`Malformed`] for another tag or a name longer than the packet.
    pub fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        let message = preceded(
            tag(TAG_CHALLENGE),
            (flags64, map(be_u32, Challenge), creation, length_data(be_u16)),
        )
        .map(|(flags, challenge, creation, name)| Self {
            flags,
            challenge,
            creation,
            name: owned_name(name),
        });
        ignoring_rest(message, packet)
    }

    /// Appends the message.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(TAG_CHALLENGE);
        out.extend_from_slice(&self.flags.bits().to_be_bytes());
        out.extend_from_slice(&self.challenge.0.to_be_bytes());
        out.extend_from_slice(&self.creation.0.to_be_bytes());
        put_name(&self.name, out);
    }

    /// How many bytes [`ChallengeMessage::emit`] appends.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        19 + self.name.as_bytes().len()
    }
}

/// What a version 5 `send_name` could not carry. Exactly 9 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Complement {
    /// The upper 32 flags, in their own places of the whole word; the lower 32 are clear.
    pub flags: Flags,
    /// The initiator's creation.
    pub creation: Creation,
}

impl Complement {
    //= docs/spec/handshake.md#hs-complement
    /// Reads a packet.
    ///
    /// # Errors
    /// [`Malformed`] for another tag or length.
    pub fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        let message = preceded(tag(TAG_COMPLEMENT), (be_u32, creation)).map(|(high, creation)| {
            Self { flags: Flags::from_bits(u64::from(high) << 32), creation }
        });
        exactly(message, packet)
    }

    /// Appends the message.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(TAG_COMPLEMENT);
        out.extend_from_slice(&high_word(self.flags).to_be_bytes());
        out.extend_from_slice(&self.creation.0.to_be_bytes());
    }

    /// How many bytes [`Complement::emit`] appends.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        9
    }
}

/// The initiator proves the cookie and asks for the same. Exactly 21 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct ChallengeReply {
    /// The initiator's own challenge.
    pub challenge: Challenge,
    /// The answer to the acceptor's.
    pub digest: Digest,
}

impl ChallengeReply {
    //= docs/spec/handshake.md#hs-reply
    /// Reads a packet.
    ///
    /// # Errors
    /// [`Malformed`] for another tag or length.
    pub fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        let message = preceded(tag(TAG_REPLY), (map(be_u32, Challenge), digest))
            .map(|(challenge, digest)| Self { challenge, digest });
        exactly(message, packet)
    }

    /// Appends the message.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(TAG_REPLY);
        out.extend_from_slice(&self.challenge.0.to_be_bytes());
        out.extend_from_slice(&self.digest.0);
    }

    /// How many bytes [`ChallengeReply::emit`] appends.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        21
    }
}

/// The acceptor proves the cookie. Exactly 17 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct ChallengeAck {
    /// The answer to the initiator's challenge.
    pub digest: Digest,
}

impl ChallengeAck {
    //= docs/spec/handshake.md#hs-ack
    /// Reads a packet.
    ///
    /// # Errors
    /// [`Malformed`] for another tag or length.
    pub fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        exactly(preceded(tag(TAG_ACK), digest).map(|digest| Self { digest }), packet)
    }

    /// Appends the message.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(TAG_ACK);
        out.extend_from_slice(&self.digest.0);
    }

    /// How many bytes [`ChallengeAck::emit`] appends.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        17
    }
}

//= docs/spec/handshake.md#hs-malformed
fn exactly<'a, T>(
    parser: impl Parser<&'a [u8], Output = T, Error = nom::error::Error<&'a [u8]>>,
    packet: &'a [u8],
) -> Result<T, Malformed> {
    all_consuming(parser).parse(packet).map(|(_, message)| message).map_err(|_| Malformed)
}

//= docs/spec/handshake.md#hs-trailing
fn ignoring_rest<'a, T>(
    mut parser: impl Parser<&'a [u8], Output = T, Error = nom::error::Error<&'a [u8]>>,
    packet: &'a [u8],
) -> Result<T, Malformed> {
    parser.parse(packet).map(|(_, message)| message).map_err(|_| Malformed)
}

fn flags64(input: &[u8]) -> Parsed<'_, Flags> {
    map(be_u64, Flags::from_bits).parse(input)
}

fn creation(input: &[u8]) -> Parsed<'_, Creation> {
    map(be_u32, Creation).parse(input)
}

fn digest(input: &[u8]) -> Parsed<'_, Digest> {
    map(take(16_usize), |bytes: &[u8]| {
        let mut digest = [0; 16];
        digest.copy_from_slice(bytes);
        Digest(digest)
    })
    .parse(input)
}

fn owned_name(name: &[u8]) -> PeerName {
    PeerName::new(Bytes::copy_from_slice(name))
}

/// A name and the length before it. Ours are at most 510 bytes; a longer one is cut rather than mis-framed.
fn put_name(name: &PeerName, out: &mut Vec<u8>) {
    let length = u16::try_from(name.as_bytes().len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&name.as_bytes()[..usize::from(length)]);
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn low_word(flags: Flags) -> u32 {
    flags.bits() as u32
}

const fn high_word(flags: Flags) -> u32 {
    (flags.bits() >> 32) as u32
}

made_of!(SendName, (Option<u16>, Flags, Creation, PeerName), |(version, flags, creation, name)| {
    match version {
        // Its flags have 32 bits.
        Some(version) => {
            SendName::V5 { version, flags: Flags::from_bits(flags.bits() & 0xFFFF_FFFF), name }
        }
        None => SendName::V6 { flags, creation, name },
    }
});

// The high half of the flags: the low one was in the first message.
made_of!(Complement, (Flags, Creation), |(flags, creation)| Complement {
    flags: flags.without(flags.low()),
    creation,
});

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    macro_rules! survives {
        ($value:expr, $type:ty, trailing = $trailing:expr) => {
            let (value, mut bytes) = ($value, Vec::new());
            value.emit(&mut bytes);
            prop_assert_eq!(bytes.len(), value.encoded_len());
            prop_assert_eq!(<$type>::parse(&bytes), Ok(value.clone()));
            let shorter = <$type>::parse(&bytes[..bytes.len() - 1]);
            prop_assert_ne!(shorter, Ok(value.clone()));
            bytes.push(0);
            prop_assert_eq!(<$type>::parse(&bytes) == Ok(value), $trailing);
        };
    }

    proptest! {
        //= docs/spec/handshake.md#hs-trailing
        //= type=test
        #[test]
        fn what_is_emitted_parses_back_and_trailing_bytes_pass_only_where_erlang_lets_them(
            send_name: SendName, status: Status, challenge: ChallengeMessage,
            complement: Complement, reply: ChallengeReply, ack: ChallengeAck,
        ) {
            let v6 = matches!(send_name, SendName::V6 { .. });
            survives!(send_name, SendName, trailing = v6);
            let named = matches!(status, Status::Named { .. });
            survives!(status, Status, trailing = named);
            survives!(challenge, ChallengeMessage, trailing = true);
            survives!(complement, Complement, trailing = false);
            survives!(reply, ChallengeReply, trailing = false);
            survives!(ack, ChallengeAck, trailing = false);
        }

        #[test]
        fn no_parser_panics_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            for tag in [&b""[..], b"N", b"n", b"s", b"snamed:", b"c", b"r", b"a"] {
                let packet: Vec<u8> = tag.iter().chain(&bytes).copied().collect();
                let _ = SendName::parse(&packet);
                let _ = Status::parse(&packet);
                let _ = ChallengeMessage::parse(&packet);
                let _ = Complement::parse(&packet);
                let _ = ChallengeReply::parse(&packet);
                let _ = ChallengeAck::parse(&packet);
            }
        }
    }

    //= docs/spec/handshake.md#hs-malformed
    //= type=test
    #[test]
    fn wrong_tags_lengths_and_words_are_malformed() {
        assert_eq!(SendName::parse(b""), Err(Malformed));
        assert_eq!(SendName::parse(b"Zanything"), Err(Malformed));
        assert_eq!(
            SendName::parse(b"N\0\0\0\0\0\0\0\0\0\0\0\0\0\x05abcd"),
            Err(Malformed),
            "nlen beyond the packet"
        );
        assert_eq!(Status::parse(b"sokay"), Err(Malformed));
        assert_eq!(Status::parse(b"s"), Err(Malformed));
        assert_eq!(Status::parse(b"snamed:\0\x09short"), Err(Malformed));
        assert_eq!(ChallengeMessage::parse(b"n\0\x05"), Err(Malformed));
    }
}
