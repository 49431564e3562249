//! Where messages of EPMD and of handshakes end in a stream of bytes.

/// One direction of a connection. Bytes go in as they come, and come out as whole messages, or as they are where nobody cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    held: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A length of two bytes, once.
    Request,
    /// What EPMD answers: its length depends on its tag, and many go on until the connection ends.
    Answer,
    /// Each has a length of two bytes, until the digest.
    Handshake,
    /// Anything.
    Bytes,
}

/// Longer messages are passed on in pieces.
const HELD_MAX: usize = 70_000;

impl Messages {
    /// What is sent to an EPMD.
    #[must_use]
    pub const fn of_epmd_client() -> Self {
        Self { held: Vec::new(), kind: Kind::Request }
    }

    /// What an EPMD sends.
    #[must_use]
    pub const fn of_epmd() -> Self {
        Self { held: Vec::new(), kind: Kind::Answer }
    }

    /// What a node sends to another one.
    #[must_use]
    pub const fn of_node() -> Self {
        Self { held: Vec::new(), kind: Kind::Handshake }
    }

    /// These bytes come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next message, if it is whole.
    #[expect(clippy::should_implement_trait, reason = "more may come after the end")]
    pub fn next(&mut self) -> Option<Vec<u8>> {
        let length = self.length().filter(|length| (1..=self.held.len()).contains(length))?;
        if self.kind == Kind::Handshake && matches!(self.held.get(2), Some(b'r' | b'a')) {
            self.kind = Kind::Bytes;
        }
        Some(self.held.drain(..length).collect())
    }

    /// All that is left.
    pub fn rest(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.held)
    }

    /// That of the next message, if it can be known.
    fn length(&self) -> Option<usize> {
        if self.held.len() > HELD_MAX {
            return Some(self.held.len());
        }
        match (self.kind, &self.held[..]) {
            (Kind::Bytes, held) => Some(held.len()),
            (Kind::Request | Kind::Handshake, [high, low, ..]) => {
                Some(2 + usize::from(u16::from_be_bytes([*high, *low])))
            }
            (Kind::Answer, [b'y', ..]) => Some(4),
            (Kind::Answer, [b'v', ..]) => Some(6),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages of a stream that comes byte for byte, and of one that comes at once, with what is left.
    fn cut(messages: &Messages, bytes: &[u8]) -> Vec<Vec<u8>> {
        let [one, two] = [1, bytes.len()].map(|piece| {
            let (mut messages, mut cut) = (messages.clone(), Vec::new());
            for piece in bytes.chunks(piece) {
                messages.push(piece);
                while let Some(whole) = messages.next() {
                    cut.push(whole);
                }
            }
            cut.push(messages.rest());
            cut
        });
        assert_eq!(one.concat(), bytes);
        if messages.kind != Kind::Handshake {
            assert_eq!(one, two);
        }
        two
    }

    #[test]
    fn messages_are_whole_however_they_come() {
        let epmd = Messages::of_epmd_client();
        assert_eq!(cut(&epmd, b"\0\x01n\0\x02x"), [&b"\0\x01n"[..], b"\0\x02x"]);
        let answer = Messages::of_epmd();
        assert_eq!(cut(&answer, b"v\0\0\0\0\x01"), [&b"v\0\0\0\0\x01"[..], b""]);
        assert_eq!(cut(&answer, b"y\0\0\x01v"), [&b"y\0\0\x01"[..], b"v"]);
        assert_eq!(cut(&answer, b"w\0rest"), [b"w\0rest"]);
        let node = Messages::of_node();
        let all = b"\0\x03sok\0\x02Nx\0\x03aXY\0\0\0\0\0";
        assert_eq!(cut(&node, all), [&b"\0\x03sok"[..], b"\0\x02Nx", b"\0\x03aXY", &[0; 5], b""]);
        assert_eq!(cut(&node, b"\0\x03so"), [b"\0\x03so"]);
    }

    #[test]
    fn what_is_too_long_is_not_held() {
        let mut messages = Messages::of_epmd();
        messages.push(&[b'w'; HELD_MAX]);
        assert_eq!(messages.next(), None);
        messages.push(b"w");
        assert_eq!(messages.next().map(|whole| whole.len()), Some(HELD_MAX + 1));
        assert_eq!(messages.next(), None);
    }
}
