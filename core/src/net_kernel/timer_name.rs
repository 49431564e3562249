//! What the kernel waits for.

use crate::ids::StreamId;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerName {
    /// The ticker: a tick round, an aux tick of a change of `net_ticktime`, or both.
    Tick,
    /// EPMD's answer to our registration is overdue, or a lost registration is to be tried again.
    Registration,
    /// A stream that is being set up takes too long.
    Setup(StreamId),
}
