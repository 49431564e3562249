//! The owner: the one thread that has the kernel.

use crate::shared::{Inbox, Next, Owner};
use crate::stream::Threads;

/// The thread.
pub(crate) fn run(mut owner: Owner<Threads>, inbox: &Inbox) {
    while let Next::Wait(end) = owner.turn() {
        if let Some(message) = inbox.receive_blocking(end) {
            owner.take(message);
        }
    }
}
