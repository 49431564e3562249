//! Erlang's `net_kernel` as one machine.

mod io;
mod reason;

pub use io::{Answer, CloseCause, Input, NodeEvent, OpenError, Output, Promotion, Purpose, Target};
pub use reason::{ConnectError, Diagnostic, NodeDownReason, SetupStage, StartError};

/// The machine.
#[derive(Debug)]
pub struct NetKernel;
impl NetKernel {
    /// a
    pub fn start() {}
    /// a
    pub fn stop() {}
    /// a
    pub fn connect_node() {}
    /// a
    pub fn disconnect_node() {}
    /// a
    pub fn names() {}
}
