//! Local processes as other nodes see them: pids, registered names, and what a signal to them means.
//!
//! A process is no more than a mailbox yet. The registry says whom a message is for, and owns no queue: the runtime's
//! [`Deliver`] does. What Erlang processes wait for is answered, so that none of them ever hangs on this node.

mod addressed;
mod net_kernel;
mod ping;
mod registry;
mod signals;

pub use net_kernel::{Caller, Request};
pub use registry::{Processes, RegisterNameError};
pub use signals::Deliver;

pub use crate::link::Origin;
