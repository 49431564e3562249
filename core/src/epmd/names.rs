//! Asking an EPMD for all the names that it knows (`erl_epmd:names/1`).

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

use super::NamesError;
use crate::wire::epmd::{Listing, Request};

/// How long to wait for the end of the answer before [`NamesError::NoReply`]. The owner keeps the timer.
//= docs/spec/epmd.md#epmd-names-timeout
pub const NAMES_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is taken, in bytes: more than the longest of an EPMD with 1024 connections.
//= docs/spec/epmd.md#epmd-names-limit
pub const NAMES_MAX: usize = 2 * 1024 * 1024;

/// The question for names on an open stream, gathering the answer until the peer closes the stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Names {
    epmd_port: u16,
    received: Vec<u8>,
}

impl Names {
    /// Once a stream to the EPMD at `epmd_port` is open: the machine, and the request to transmit before the first read.
    #[must_use]
    pub fn ask(epmd_port: u16) -> (Self, Bytes) {
        (Self { epmd_port, received: Vec::new() }, Request::Names.to_bytes())
    }

    /// Bytes arrived; read once more.
    ///
    /// # Errors
    /// [`NamesError::Garbage`] and [`NamesError::TooLong`]; close the stream.
    pub fn receive(mut self, bytes: &[u8]) -> Result<Self, NamesError> {
        if bytes.len() > NAMES_MAX - self.received.len() {
            return Err(NamesError::TooLong);
        }
        self.received.extend_from_slice(bytes);
        //= docs/spec/epmd.md#epmd-names-port
        match Listing::parse(&self.received) {
            Some(answer) if answer.epmd_port != u32::from(self.epmd_port) => {
                Err(NamesError::Garbage)
            }
            Some(_) | None => Ok(self),
        }
    }

    /// The peer closed the stream, which ends the answer: the names with their ports, last line first.
    #[must_use]
    pub fn closed(self) -> Vec<(String, u16)> {
        //= docs/spec/epmd.md#epmd-names-empty
        let Some(answer) = Listing::parse(&self.received) else { return Vec::new() };
        //= docs/spec/epmd.md#epmd-names-order
        let mut names: Vec<_> =
            answer.names().map(|line| (String::from(line.name), line.port)).collect();
        names.reverse();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: &[u8]) -> Result<Vec<(String, u16)>, NamesError> {
        let (names, _) = Names::ask(4369);
        names.receive(bytes).map(Names::closed)
    }

    //= docs/spec/epmd.md#epmd-bare-request
    //= type=test
    #[test]
    fn the_request() {
        assert_eq!(Names::ask(4369).1[..], b"\0\x01n"[..]);
    }

    //= docs/spec/epmd.md#epmd-names-order
    //= type=test
    //= docs/spec/epmd.md#epmd-names-line
    //= type=test
    #[test]
    fn lines_come_in_reverse_and_others_are_skipped() {
        let text = b"\0\0\x11\x11name beta at port 4002\nname a b at port 1\nport 5\nname c at port 65536\n\
            name \xFF at port 7\nname alpha at port 4001\nname cut at port 4";
        let expected = [(String::from("alpha"), 4001), (String::from("beta"), 4002)];
        assert_eq!(answer(text).unwrap(), expected);
    }

    //= docs/spec/epmd.md#epmd-names-empty
    //= type=test
    #[test]
    fn an_early_end_means_no_names() {
        assert_eq!(Names::ask(4369).0.closed(), []);
        assert_eq!(answer(b"\0\0\x11"), Ok(Vec::new()));
        assert_eq!(answer(b"\0\0\x11\x11"), Ok(Vec::new()));
    }

    //= docs/spec/epmd.md#epmd-names-port
    //= type=test
    #[test]
    fn another_port_is_garbage() {
        assert_eq!(answer(b"\0\0\x11\x12"), Err(NamesError::Garbage));
        assert_eq!(answer(b"\0\x01\x11\x11"), Err(NamesError::Garbage));
    }

    //= docs/spec/epmd.md#epmd-names-limit
    //= type=test
    #[test]
    fn a_longer_answer_is_refused() {
        assert_eq!(NAMES_MAX, 2 << 20);
        let mut names = Names::ask(4369).0.receive(b"\0\0\x11\x11").unwrap();
        names = names.receive(&alloc::vec![b'x'; NAMES_MAX - 4]).unwrap();
        assert_eq!(names.clone().receive(b"x"), Err(NamesError::TooLong));
        assert_eq!(names.closed(), []);
    }
}
