//! Asking an EPMD for the port of a node (`erl_epmd:port_please/2`).

use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

use super::LookupError;
use crate::name::NodeName;
use crate::wire::epmd::{Name, Port2Head, PortInfo, Request};

/// How long to wait for the answer before [`LookupError::NoReply`]. The owner keeps the timer.
//= docs/spec/epmd.md#epmd-lookup-timeout
pub const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// A look-up on an open stream, waiting for the answer.
///
/// It is over as soon as the fields of fixed size are there, and the owner closes the stream then. Erlang waits for the
/// end of the stream and drops what comes in between.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lookup {
    /// Less than those fields.
    received: Vec<u8>,
}

/// What the bytes received so far say.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LookupStep {
    /// Nothing yet: read once more.
    Wait(Lookup),
    /// The node is registered, and is reached like this. Close the stream.
    Found(PortInfo),
}

impl Lookup {
    /// Once a stream to the EPMD of the node's host is open: the machine, and the request to transmit before the first
    /// read.
    #[must_use]
    pub fn ask(node: &NodeName) -> (Self, Bytes) {
        let request = Request::PortPlease2 { name: Name::from(node) };
        (Self { received: Vec::new() }, request.to_bytes())
    }

    /// Bytes arrived.
    ///
    /// # Errors
    /// [`LookupError::NotRegistered`] and [`LookupError::Garbage`]; close the stream.
    pub fn receive(mut self, bytes: &[u8]) -> Result<LookupStep, LookupError> {
        //= docs/spec/epmd.md#epmd-lookup-done
        // No more than the fields of fixed size are ever kept.
        let missing = Port2Head::LEN.saturating_sub(self.received.len());
        self.received.extend(bytes.iter().take(missing));
        //= docs/spec/epmd.md#epmd-lookup-errors
        match Port2Head::parse(&self.received) {
            Ok(Some(Port2Head::Found(info))) => Ok(LookupStep::Found(info)),
            Ok(Some(Port2Head::NotFound)) => Err(LookupError::NotRegistered),
            Ok(None) => Ok(LookupStep::Wait(self)),
            Err(_) => Err(LookupError::Garbage),
        }
    }

    /// The peer closed the stream before the answer was there.
    #[must_use]
    pub fn closed(self) -> LookupError {
        //= docs/spec/epmd.md#epmd-lookup-closed
        if self.received.len() < 2 { LookupError::Closed } else { LookupError::CutShort }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: &[u8] = b"w\0\x0F\xA1M\0\0\x06\0\x05\0\x05alpha\0\0";

    fn asked(received: &[u8]) -> Lookup {
        let (lookup, _) = Lookup::ask(&NodeName::new("alpha@localhost").unwrap());
        match lookup.receive(received) {
            Ok(LookupStep::Wait(next)) => next,
            other => panic!("{received:?} is no part of an answer: {other:?}"),
        }
    }

    //= docs/spec/epmd.md#epmd-port-please
    //= type=test
    #[test]
    fn the_request_has_the_name_without_the_host() {
        let (_, request) = Lookup::ask(&NodeName::new("alpha@localhost").unwrap());
        assert_eq!(request[..], b"\0\x06zalpha"[..]);
    }

    //= docs/spec/epmd.md#epmd-lookup-done
    //= type=test
    //= docs/spec/epmd.md#epmd-lookup-closed
    //= type=test
    //= docs/spec/epmd.md#epmd-lookup-errors
    //= type=test
    #[test]
    fn every_event_after_every_part_of_an_answer() {
        let info = PortInfo { port: 4001, node_type: 77, protocol: 0, highest: 6, lowest: 5 };
        for part in 0..Port2Head::LEN {
            let (before, rest) = FOUND.split_at(part);
            let missing = Port2Head::LEN - part;
            assert_eq!(asked(before).receive(rest), Ok(LookupStep::Found(info)));
            let head = asked(before).receive(&rest[..missing]);
            assert_eq!(head, Ok(LookupStep::Found(info)), "the name is not waited for");
            let less = asked(before).receive(&rest[..missing - 1]);
            assert!(matches!(less, Ok(LookupStep::Wait(_))));
            let closed = if part < 2 { LookupError::Closed } else { LookupError::CutShort };
            assert_eq!(asked(before).closed(), closed);
        }
        assert_eq!(asked(b"w").receive(&[1]), Err(LookupError::NotRegistered));
        assert_eq!(asked(b"w").receive(&[7]), Err(LookupError::NotRegistered));
        assert_eq!(asked(b"").receive(b"w\x01"), Err(LookupError::NotRegistered));
        assert_eq!(asked(b"").receive(b"v\0"), Err(LookupError::Garbage));
        assert_eq!(asked(b"").receive(b"\0"), Err(LookupError::Garbage));
    }

    //= docs/spec/epmd.md#epmd-lookup-version
    //= type=test
    #[test]
    fn versions_that_overlap() {
        for (lowest, highest, version) in
            [(5, 6, Some(6)), (5, 5, Some(5)), (6, 9, Some(6)), (7, 9, None), (1, 4, None)]
        {
            let info = PortInfo { port: 1, node_type: 77, protocol: 0, highest, lowest };
            assert_eq!(info.version(), version);
        }
    }
}
