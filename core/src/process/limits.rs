//! What one peer may make this node remember.

/// Bounds, most of them of one peer. They are this library's own: Erlang is bounded by memory, and by the number of its processes.
/// A peer that makes too many links or monitors is disconnected; one that spawns too much is answered `system_limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub struct Limits {
    /// Links that the peer's processes have made with processes of this node.
    pub links_per_peer: usize,
    /// Monitors that the peer's processes have of processes of this node.
    pub monitors_per_peer: usize,
    /// Requests of processes of this node that the peer has not yet answered. One more is answered `system_limit`, here.
    pub pending_spawns_per_peer: usize,
    /// Processes that the peer has had started, and that live.
    pub spawned_per_peer: usize,
    /// Processes that all peers have had started, and that live.
    pub spawned: usize,
}

impl Default for Limits {
    /// 262144 links, monitors and requests; 1024 processes for one peer and 4096 for all, each of which may be a thread.
    //= docs/spec/process.md#process-limits
    //= docs/spec/process.md#process-spawn-limits
    fn default() -> Self {
        Self {
            links_per_peer: 1 << 18,
            monitors_per_peer: 1 << 18,
            pending_spawns_per_peer: 1 << 18,
            spawned_per_peer: 1 << 10,
            spawned: 1 << 12,
        }
    }
}
