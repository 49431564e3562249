//! Trace tokens.

use bytes::Bytes;

use crate::term::{TermError, skip};

/// The longest token to be sent, in bytes. Those of real nodes have about a hundred, unless a label is something big; what comes may be as
/// long as its frame.
pub const MAX_TOKEN_BYTES: usize = 1 << 15;

/// What a process has by `seq_trace:set_token/1`, and passes on with every signal that it sends.
///
/// It may be any one term, without version byte: nobody but the tracer has to understand it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token(Bytes);

impl Token {
    /// The token with these bytes.
    ///
    /// # Errors
    /// [`TermError::Truncated`] for what is longer than [`MAX_TOKEN_BYTES`] or not exactly one term; else what is wrong with the
    /// term.
    //= docs/spec/channel.md#ch-trace-token
    pub fn new(term: Bytes) -> Result<Self, TermError> {
        if term.len() > MAX_TOKEN_BYTES || skip(&term)? != term.len() {
            return Err(TermError::Truncated);
        }
        Ok(Self(term))
    }

    /// A term that was walked already, and shares the memory of its frame, however long it is.
    pub(super) const fn from_walked(term: Bytes) -> Self {
        Self(term)
    }

    /// The term.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_token_is_one_term_of_bounded_length() {
        assert!(Token::new(Bytes::from_static(b"\x68\x00")).is_ok());
        assert_eq!(Token::new(Bytes::from_static(b"\x68\x00\x6a")), Err(TermError::Truncated));
        assert_eq!(Token::new(Bytes::new()), Err(TermError::Truncated));
        assert_eq!(Token::new(Bytes::from_static(b"\x00")), Err(TermError::Unexpected(0)));
        let binary = |len: usize| {
            let mut bytes = vec![0x6D];
            bytes.extend((len as u32 - 5).to_be_bytes());
            bytes.resize(len, 0);
            Token::new(bytes.into())
        };
        assert!(binary(MAX_TOKEN_BYTES).is_ok());
        assert_eq!(binary(MAX_TOKEN_BYTES + 1), Err(TermError::Truncated));
    }
}
