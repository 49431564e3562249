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
        // No more than the fields of fixed size are ever kept.
        let missing = Port2Head::LEN.saturating_sub(self.received.len());
        self.received.extend(bytes.iter().take(missing));
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
