//! One client.

use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

use crate::wire::epmd::REQUEST_MAX;

/// A connection, from its accept until its end is reported.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Connection {
    /// The client is on this host.
    pub(super) local: bool,
    pub(super) phase: Phase,
    /// The name that is registered for as long as this connection is there.
    pub(super) name: Option<Arc<str>>,
}

/// How far a connection is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// Not read before the delay of accepting is over.
    Delayed,
    /// The request is not complete.
    Reading { received: Vec<u8> },
    /// The answer waits for the delay of writing.
    Answering { answer: Bytes, after: After },
    /// A registration was asked for and answered, whatever the answer. Read only for its end.
    Held,
    /// Told to close.
    Ending,
}

/// What comes behind the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum After {
    /// The end of the connection.
    End,
    /// Nothing: the client ends it.
    Hold,
    /// The end of the service.
    Stop,
}

/// Adds what one read brought, and says whether it brought more. As the daemon reads: all that is there until the length is known, up to the
/// longest request, and no more than the length afterwards.
//= docs/spec/epmd.md#epmd-request-surplus
pub(super) fn append(received: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let whole = match **received {
        [high, low, ..] => 2 + usize::from(u16::from_be_bytes([high, low])),
        [] | [_] => REQUEST_MAX - 1,
    };
    let missing = whole.saturating_sub(received.len());
    received.extend(bytes.iter().take(missing));
    bytes.len() > missing
}
