//! What others write to a group leader.

use netkernel_core::calls::io::Log;
use netkernel_core::term::Pid;

/// What a group leader is given ([`Mailbox::serve_output`](crate::Mailbox::serve_output)).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Output {
    /// A process has written this.
    Text {
        /// It.
        from: Pid,
        /// What it has written.
        text: String,
    },
    /// The logger of another node has sent this.
    Log(Log),
}
