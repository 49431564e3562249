//! What one peer may make this node remember.

/// Bounds of one peer. They are this library's own: Erlang is bounded by memory. A peer that exceeds one is disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// Links that the peer's processes have made with processes of this node.
    pub links_per_peer: usize,
    /// Monitors that the peer's processes have of processes of this node.
    pub monitors_per_peer: usize,
}

impl Default for Limits {
    /// 262144 of each.
    //= docs/spec/process.md#process-limits
    fn default() -> Self {
        Self { links_per_peer: 1 << 18, monitors_per_peer: 1 << 18 }
    }
}
