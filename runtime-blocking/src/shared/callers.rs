//! Processes of other nodes that wait for an answer of `net_kernel`.

use std::collections::BTreeMap;

use netkernel_core::process::Caller;
use netkernel_core::{NodeName, RequestId, StreamId};

/// Callers of one node that may wait at a time, over all of its links.
const CALLERS_MAX: usize = 1024;

/// Who waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Callers {
    waiting: BTreeMap<RequestId, Waiting>,
    /// How many wait, of each node of which any does.
    by_peer: BTreeMap<NodeName, usize>,
}

/// One that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The stream that the request came on.
    pub(super) stream: StreamId,
    pub(super) caller: Caller,
    peer: NodeName,
}

impl Callers {
    pub(super) fn has_room(&self, peer: &NodeName) -> bool {
        self.by_peer.get(peer).is_none_or(|waiting| *waiting < CALLERS_MAX)
    }

    pub(super) fn insert(
        &mut self,
        request: RequestId,
        stream: StreamId,
        peer: NodeName,
        caller: Caller,
    ) {
        *self.by_peer.entry(peer.clone()).or_default() += 1;
        self.waiting.insert(request, Waiting { stream, caller, peer });
    }

    pub(super) fn remove(&mut self, request: RequestId) -> Option<Waiting> {
        let waiting = self.waiting.remove(&request)?;
        if let Some(count) = self.by_peer.get_mut(&waiting.peer) {
            *count -= 1;
            if *count == 0 {
                self.by_peer.remove(&waiting.peer);
            }
        }
        Some(waiting)
    }
}
