//! The owner: the one task that has the kernel.

use std::time::Instant as Moment;

use futures_lite::future;
use netkernel_blocking::shared::{Inbox, Message, Next, Owner};

use crate::calls::before;
use crate::stream::Tasks;

/// Messages after which other tasks get their turn, so that a flood cannot take an executor for itself.
pub(crate) const SLICE: u32 = 32;

/// The task.
pub(crate) async fn run(mut owner: Owner<Tasks>, inbox: &Inbox) {
    let mut taken = 0_u32;
    while let Next::Wait(end) = owner.turn() {
        if let Some(message) = receive(inbox, end).await {
            owner.take(message);
            taken += 1;
        }
        if taken == SLICE {
            taken = 0;
            future::yield_now().await;
        }
    }
}

/// The next message, or none until that moment.
pub(crate) async fn receive(inbox: &Inbox, end: Option<Moment>) -> Option<Message> {
    before(end, inbox.receive()).await
}
