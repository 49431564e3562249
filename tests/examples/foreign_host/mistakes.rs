//! What a host can do wrong, for the oracles to say so.

use bytes::Bytes;
use netkernel_core::wire::framing::{FrameBuffer, Framing};
use netkernel_core::wire::handshake::{ChallengeMessage, ChallengeReply};
use netkernel_core::{Challenge, Cookie};

/// What the host does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// Nothing.
    None,
    /// Ticks are not sent.
    Mute,
    /// Connections of links are not closed, though the kernel is told so.
    Leaky,
    /// Whoever connects is let in, whatever the digest ([`Trust`]).
    Trusting,
    /// What a link has no room for is not sent.
    Lossy,
    /// Of what waits for room the latest is sent first.
    Hasty,
    /// Messages of other nodes are not handed over.
    Deaf,
}

impl Mistake {
    pub(crate) fn called(word: &str) -> Option<Self> {
        Some(match word {
            "" => Self::None,
            "mute" => Self::Mute,
            "leaky" => Self::Leaky,
            "trusting" => Self::Trusting,
            "lossy" => Self::Lossy,
            "hasty" => Self::Hasty,
            "deaf" => Self::Deaf,
            _ => return None,
        })
    }
}

/// How a `trusting` host spoils a set-up: where somebody answers its challenge, the kernel is told the right answer.
#[derive(Debug)]
pub(crate) struct Trust {
    cookie: Cookie,
    challenge: Challenge,
    said: FrameBuffer,
    heard: FrameBuffer,
}

impl Trust {
    pub(crate) fn new(cookie: Cookie) -> Self {
        let packets = FrameBuffer::new(Framing::Short, Framing::Short.max_len());
        Self { cookie, challenge: Challenge(0), said: packets.clone(), heard: packets }
    }

    pub(crate) fn said(&mut self, bytes: &[u8]) {
        self.said.push(bytes);
        while let Ok(Some(packet)) = self.said.next_frame() {
            if let Ok(message) = ChallengeMessage::parse(&packet) {
                self.challenge = message.challenge;
            }
        }
    }

    /// The packets that are whole now.
    pub(crate) fn heard(&mut self, bytes: &[u8]) -> Bytes {
        self.heard.push(bytes);
        let mut packets = Vec::new();
        while let Ok(Some(mut packet)) = self.heard.next_frame() {
            if let Ok(reply) = ChallengeReply::parse(&packet) {
                let digest = self.cookie.digest(self.challenge);
                let mut right = Vec::new();
                ChallengeReply { digest, ..reply }.emit(&mut right);
                packet = right.into();
            }
            let put = Framing::Short.put(&mut packets, |out| out.extend_from_slice(&packet));
            put.expect("as long as it was");
        }
        packets.into()
    }
}
