//! Messages that say who they are, so that each can be followed from a mailbox to a mailbox.

use bytes::Bytes;

use super::ActorId;

/// What stands at the end of a message of the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Letter {
    /// The node that sent it.
    pub from: ActorId,
    /// The incarnation of that node.
    pub life: u32,
    /// Its number among all letters of that incarnation.
    pub number: u64,
}

impl Letter {
    /// Which of the two writers of its node wrote it: what one of them sends stays in order.
    #[must_use]
    pub const fn writer(&self) -> u64 {
        self.number % 2
    }
}

/// Bytes of a letter without padding.
const LEN: usize = 20;
/// Version, tag and length of a binary.
const HEAD: usize = 6;

impl Letter {
    /// The letter as a term: a binary of some padding and itself, with a checksum of both.
    #[must_use]
    pub fn to_term(self, padding: usize) -> Bytes {
        let mut out = Vec::with_capacity(HEAD + padding + LEN);
        out.extend_from_slice(&[131, 109]);
        out.extend_from_slice(&((padding + LEN) as u32).to_be_bytes());
        out.extend((0..padding).map(|at| (at as u64 ^ self.number) as u8));
        out.extend_from_slice(&(self.from.0 as u32).to_be_bytes());
        out.extend_from_slice(&self.life.to_be_bytes());
        out.extend_from_slice(&self.number.to_be_bytes());
        let sum = checksum(&out[HEAD..]);
        out.extend_from_slice(&sum.to_be_bytes());
        out.into()
    }

    /// The letter in a message; `None` if it is not one any more.
    #[must_use]
    pub fn of_term(term: &[u8]) -> Option<Self> {
        let (head, body) = term.split_at_checked(HEAD)?;
        let length = u32::from_be_bytes(*head.last_chunk()?) as usize;
        let (body, sum) = body.split_last_chunk()?;
        let intact = head[..2] == [131, 109]
            && length == body.len() + 4
            && checksum(body) == u32::from_be_bytes(*sum);
        intact.then(|| Self::at_end(body)).flatten()
    }

    /// The letter in a frame that ends with one.
    #[must_use]
    pub fn of_frame(frame: &[u8]) -> Option<Self> {
        Self::at_end(frame.get(..frame.len().checked_sub(4)?)?)
    }

    fn at_end(body: &[u8]) -> Option<Self> {
        let (rest, number) = body.split_last_chunk()?;
        let (rest, life) = rest.split_last_chunk()?;
        let (_, from) = rest.split_last_chunk()?;
        Some(Self {
            from: ActorId(u32::from_be_bytes(*from) as usize),
            life: u32::from_be_bytes(*life),
            number: u64::from_be_bytes(*number),
        })
    }
}

/// FNV-1a: any single changed byte changes it.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |sum, &byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_comes_out_as_it_went_in_and_no_other_bytes_do() {
        let letter = Letter { from: ActorId(3), life: 2, number: 1 << 40 };
        for padding in [0, 1, 700] {
            let term = letter.to_term(padding);
            assert_eq!(
                (Letter::of_term(&term), Letter::of_frame(&term)),
                (Some(letter), Some(letter))
            );
            for at in 0..term.len() {
                let mut other = term.to_vec();
                other[at] ^= 1;
                assert_eq!(Letter::of_term(&other), None, "{at}");
                assert_eq!(Letter::of_term(&term[..at]), None);
            }
        }
    }
}
