//! What the links have carried.

use std::collections::BTreeMap;

use netkernel_blocking::core::NodeName;
use netkernel_blocking::core::net_kernel::ConnectionInfo;

use super::member::MemberId;

/// Counts links, and what each end of them has received when its counters were read last.
#[derive(Default)]
pub(super) struct Tally {
    /// Ends of links that came up.
    ends: u64,
    /// Bytes by those that are up.
    open: BTreeMap<(MemberId, NodeName), u64>,
    /// Bytes by those that are gone.
    closed: u64,
}

impl Tally {
    /// A link came up.
    pub(super) fn up(&mut self, at: MemberId, peer: &NodeName) {
        self.ends += 1;
        self.open.insert((at, peer.clone()), 0);
    }

    /// A link ended.
    pub(super) fn down(&mut self, at: MemberId, peer: &NodeName) {
        self.closed += self.open.remove(&(at, peer.clone())).unwrap_or_default();
    }

    /// The counters of a link whose `up` was seen.
    pub(super) fn read(&mut self, at: MemberId, info: &ConnectionInfo) {
        if let Some(bytes) = self.open.get_mut(&(at, info.node.clone())) {
            *bytes = info.received;
        }
    }

    /// How many links there were. Each has two ends.
    pub(super) const fn links(&self) -> u64 {
        self.ends / 2
    }

    /// How many bytes all ends received.
    pub(super) fn bytes(&self) -> u64 {
        self.closed + self.open.values().sum::<u64>()
    }
}
