//! Where messages of EPMD, of handshakes and of links end in a stream of bytes.

/// One direction of a connection. Bytes go in as they come, and come out as whole messages; long ones as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    held: Vec<u8>,
    kind: Kind,
    /// Bytes that are left of a long message.
    passing: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A length of two bytes, once.
    Request,
    /// What EPMD answers: its length depends on its tag, and many go on until the connection ends.
    Answer,
    /// Each has a length of two bytes, until the digest.
    Handshake,
    /// Each has a length of four bytes; 0 is a tick.
    Frames,
}

/// Longer messages are passed on in pieces.
const HELD_MAX: usize = 70_000;

impl Messages {
    /// What is sent to an EPMD.
    #[must_use]
    pub const fn of_epmd_client() -> Self {
        Self::of(Kind::Request)
    }

    /// What an EPMD sends.
    #[must_use]
    pub const fn of_epmd() -> Self {
        Self::of(Kind::Answer)
    }

    /// What a node sends to another one.
    #[must_use]
    pub const fn of_node() -> Self {
        Self::of(Kind::Handshake)
    }

    const fn of(kind: Kind) -> Self {
        Self { held: Vec::new(), kind, passing: 0 }
    }

    /// These bytes come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next message, if it is whole.
    #[expect(clippy::should_implement_trait, reason = "more may come after the end")]
    pub fn next(&mut self) -> Option<Vec<u8>> {
        if self.passing == 0 {
            let length = self.length()?;
            if length <= HELD_MAX && length > self.held.len() {
                return None;
            }
            self.passing = length;
            if self.kind == Kind::Handshake && matches!(self.held.get(2), Some(b'r' | b'a')) {
                self.kind = Kind::Frames;
            }
        }
        let length = self.passing.min(self.held.len());
        self.passing -= length;
        (length > 0).then(|| self.held.drain(..length).collect())
    }

    /// All that is left.
    pub fn rest(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.held)
    }

    /// That of the next message, if it can be known.
    fn length(&self) -> Option<usize> {
        match (self.kind, &self.held[..]) {
            (Kind::Request | Kind::Handshake, [high, low, ..]) => {
                Some(2 + usize::from(u16::from_be_bytes([*high, *low])))
            }
            (Kind::Frames, [a, b, c, d, ..]) => {
                Some(4 + u32::from_be_bytes([*a, *b, *c, *d]) as usize)
            }
            (Kind::Answer, [b'y', ..]) => Some(4),
            (Kind::Answer, [b'v', ..]) => Some(6),
            (Kind::Answer, held) if held.len() > HELD_MAX => Some(held.len()),
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
        assert_eq!(one, two);
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
        let all = b"\0\x03sok\0\x02Nx\0\x03aXY\0\0\0\0\0\0\0\x02p!\0\0";
        let wanted: [&[u8]; 6] =
            [b"\0\x03sok", b"\0\x02Nx", b"\0\x03aXY", &[0; 4], b"\0\0\0\x02p!", &[0; 2]];
        assert_eq!(cut(&node, all), wanted);
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

        let mut messages = Messages { kind: Kind::Frames, ..Messages::of_node() };
        messages.push(b"\0\x02\0\0p");
        assert_eq!(messages.next().as_deref(), Some(&b"\0\x02\0\0p"[..]));
        assert_eq!(messages.next(), None);
        messages.push(&[1; 0x2_0000]);
        assert_eq!(messages.next().map(|whole| whole.len()), Some(0x2_0000 - 1));
        assert_eq!(messages.next(), None);
        messages.push(&[0; 3]);
        assert_eq!(messages.next().map(|whole| whole.len()), Some(4), "a tick");
    }
}
