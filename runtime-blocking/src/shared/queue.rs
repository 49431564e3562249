//! What waits in a mailbox.

use core::fmt;
use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock};
use std::time::Instant as Moment;

use netkernel_core::process::{ProcessEvent, SpawnFailure};
use netkernel_core::term::{Pid, Reference};

use super::{Bell, lock};
use crate::item::Item;

/// Items that wait, above which diagnostics are dropped.
const DIAGNOSTICS_MAX: usize = 1024;

/// The items of one mailbox, in the order in which they came.
#[derive(Debug, Default)]
pub struct Queue {
    items: Mutex<Items>,
    filled: Bell,
    waker: OnceLock<Waker>,
}

#[derive(Debug, Default)]
struct Items {
    waiting: VecDeque<Item>,
    /// What comes when nothing waits.
    last: Option<Item>,
}

struct Waker(Box<dyn Fn() + Send + Sync>);

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker(..)")
    }
}

impl Queue {
    /// Appends an item.
    pub(crate) fn push(&self, item: Item) {
        let mut items = lock(&self.items);
        if matches!(item, Item::Diagnostic(_)) && items.waiting.len() >= DIAGNOSTICS_MAX {
            return;
        }
        items.waiting.push_back(item);
        drop(items);
        self.wake();
    }

    /// Drops what waits; from now on there is this item, as often as it is asked for.
    pub(crate) fn end(&self, last: Item) {
        let mut items = lock(&self.items);
        items.waiting.clear();
        items.last = Some(last);
        drop(items);
        self.wake();
    }

    /// Takes the first item out that is wanted.
    pub(crate) fn remove(&self, is_wanted: impl Fn(&Item) -> bool) -> Option<Item> {
        let mut items = lock(&self.items);
        let at = items.waiting.iter().position(is_wanted)?;
        items.waiting.remove(at)
    }

    fn wake(&self) {
        self.filled.ring();
        if let Some(Waker(waker)) = self.waker.get() {
            waker();
        }
    }

    /// The next item, if there is one.
    pub fn try_receive(&self) -> Option<Item> {
        let mut items = lock(&self.items);
        items.waiting.pop_front().or_else(|| items.last.clone())
    }

    /// Blocks until there is an item, or until that moment.
    pub fn receive_blocking(&self, end: Option<Moment>) -> Option<Item> {
        self.filled.block_until(end, || self.try_receive())
    }

    /// Waits for the next item.
    pub async fn receive(&self) -> Item {
        self.filled.wait(|| self.try_receive()).await
    }

    /// Takes the answer to a request to spawn out when it comes; `None` if the process ends first. Blocks until then.
    pub fn spawn_reply_blocking(&self, request: &Reference) -> Option<Result<Pid, SpawnFailure>> {
        self.filled.block_on(|| self.take_spawn_reply(request))
    }

    /// Takes the answer to a request to spawn out when it comes; `None` if the process ends first.
    pub async fn spawn_reply(&self, request: &Reference) -> Option<Result<Pid, SpawnFailure>> {
        self.filled.wait(|| self.take_spawn_reply(request)).await
    }

    fn take_spawn_reply(&self, of: &Reference) -> Option<Option<Result<Pid, SpawnFailure>>> {
        let is_it = |item: &Item| matches!(item, Item::Process(ProcessEvent::SpawnReply { request, .. }) if request == of);
        match self.remove(is_it) {
            Some(Item::Process(ProcessEvent::SpawnReply { result, .. })) => Some(Some(result)),
            _ => lock(&self.items).last.is_some().then_some(None),
        }
    }

    /// Has `waker` called after each item; `false` if another one is.
    pub fn set_waker(&self, waker: Box<dyn Fn() + Send + Sync>) -> bool {
        self.waker.set(Waker(waker)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use netkernel_core::net_kernel::Diagnostic;

    #[test]
    fn diagnostics_stop_at_a_bound_and_messages_do_not() {
        let queue = Queue::default();
        for _ in 0..2 * DIAGNOSTICS_MAX {
            queue.push(Item::Diagnostic(Diagnostic::RegistrationRenewed));
        }
        assert_eq!(lock(&queue.items).waiting.len(), DIAGNOSTICS_MAX);
        queue.push(Item::Message(Bytes::new()));
        assert_eq!(lock(&queue.items).waiting.len(), DIAGNOSTICS_MAX + 1);
    }

    #[test]
    fn the_end_voids_what_waits_and_stays() {
        let queue = Queue::default();
        let item = |byte: u8| Item::Message(Bytes::copy_from_slice(&[byte]));
        (1..4).for_each(|byte| queue.push(item(byte)));
        assert_eq!(queue.remove(|it| *it == item(2)), Some(item(2)));
        assert_eq!(queue.remove(|it| *it == item(2)), None);
        assert_eq!(queue.try_receive(), Some(item(1)));
        queue.end(item(9));
        for _ in 0..2 {
            assert_eq!(queue.try_receive(), Some(item(9)));
        }
    }
}
