//! What waits in a mailbox, and who waits for it.

use core::fmt;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant as Moment;

use bytes::Bytes;
use netkernel_core::process::ProcessEvent;
use netkernel_core::term::Reference;

use super::items::{Items, Pushed, SpawnAnswer};
use super::{Bell, lock};
use crate::item::{Bound, Item};

/// So many items are looked at without asking for the lock again.
const PORTION: usize = 32;

/// The items of one mailbox, in the order in which they came.
#[derive(Debug, Default)]
pub struct Queue {
    items: Mutex<Items>,
    filled: Bell,
    waker: OnceLock<Waker>,
}

struct Waker(Box<dyn Fn() + Send + Sync>);

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker(..)")
    }
}

/// Who fills it, and [wakes](Self::wake) who waits once no lock is held.
impl Queue {
    /// Appends an item, unless the bound is against it.
    pub(super) fn push(&self, item: Item) -> Pushed {
        lock(&self.items).push(item)
    }

    /// Appends the answer to a call, which counts for no bound.
    pub(super) fn push_reply(&self, message: Bytes) {
        lock(&self.items).push_reply(message);
    }

    /// Drops what waits; from now on there is this item, as often as it is asked for.
    pub(super) fn end(&self, last: Item) {
        self.change(|items| items.end(last));
    }

    /// Drops what waits: nobody will ask for it.
    pub(super) fn abandon(&self) {
        self.change(Items::clear);
    }

    /// Whether a process of this node is to hear that there is no room.
    pub(super) fn refuses(&self) -> bool {
        lock(&self.items).refuses()
    }

    /// Whether there is room for who brings more; if not, this is rung when there is.
    pub(super) fn has_room_or_rings(&self, bell: &Arc<Bell>) -> bool {
        lock(&self.items).has_room_or_rings(bell)
    }

    /// Wakes who waits for items. That may be anything: a waker may drop the task that it is to wake, and a mailbox with it.
    pub(super) fn wake(&self) {
        self.filled.ring();
        if let Some(Waker(waker)) = self.waker.get() {
            // Whoever brings an item is not to end by what its receiver does wrong: it may be the reader of a link.
            let _ = catch_unwind(AssertUnwindSafe(waker));
        }
    }

    /// Changes the items, and tells who is held if there is room then.
    fn change<R>(&self, change: impl FnOnce(&mut Items) -> R) -> R {
        let mut items = lock(&self.items);
        let result = change(&mut items);
        let held = items.relieved();
        drop(items);
        held.iter().for_each(|bell| bell.ring());
        result
    }
}

/// Who empties it.
impl Queue {
    /// The next item, if there is one.
    pub fn try_receive(&self) -> Option<Item> {
        self.change(Items::next)
    }

    /// Blocks until there is an item, or until that moment.
    pub fn receive_blocking(&self, end: Option<Moment>) -> Option<Item> {
        self.filled.block_until(end, || self.try_receive())
    }

    /// Waits for the next item.
    pub async fn receive(&self) -> Item {
        self.filled.wait(|| self.try_receive()).await
    }

    /// Takes the first item out that is wanted. Of those up to number `seen` none is; the number moves on.
    ///
    /// No lock is held while somebody says what is wanted.
    //= docs/spec/process.md#process-mailbox-match
    pub fn try_receive_match(
        &self,
        seen: &mut u64,
        wanted: &mut impl FnMut(&Item) -> bool,
    ) -> Option<Item> {
        loop {
            let (portion, last) = {
                let items = lock(&self.items);
                (items.behind(*seen, PORTION), items.last())
            };
            if portion.is_empty() {
                return last;
            }
            for (number, item) in portion {
                *seen = number;
                // Unless somebody else has taken it meanwhile.
                if wanted(&item) && self.change(|items| items.take_numbered(number)) {
                    return Some(item);
                }
            }
        }
    }

    /// Blocks until there is an item that is wanted, or until that moment.
    pub fn receive_match_blocking(
        &self,
        end: Option<Moment>,
        mut wanted: impl FnMut(&Item) -> bool,
    ) -> Option<Item> {
        let mut seen = 0;
        self.filled.block_until(end, || self.try_receive_match(&mut seen, &mut wanted))
    }

    /// Waits for an item that is wanted.
    pub async fn receive_match(&self, mut wanted: impl FnMut(&Item) -> bool) -> Item {
        let mut seen = 0;
        self.filled.wait(|| self.try_receive_match(&mut seen, &mut wanted)).await
    }

    /// Takes the `DOWN` of a monitor out, if it has come (the option `flush` of `erlang:demonitor/2`).
    pub fn flush(&self, monitor: &Reference) -> bool {
        let is_it = |item: &Item| matches!(item, Item::Process(ProcessEvent::Down { reference, .. }) if reference == monitor);
        self.change(|items| items.remove(is_it)).is_some()
    }

    /// Items that wait.
    pub fn count(&self) -> usize {
        lock(&self.items).count()
    }

    /// Messages that the bound has cost.
    pub fn dropped(&self) -> u64 {
        lock(&self.items).dropped()
    }

    /// Bounds what waits, or does so no more.
    pub fn set_bound(&self, bound: Option<Bound>) {
        self.change(|items| items.set_bound(bound));
    }

    /// Has `waker` called after each item; `false` if another one is.
    pub fn set_waker(&self, waker: Box<dyn Fn() + Send + Sync>) -> bool {
        self.waker.set(Waker(waker)).is_ok()
    }
}

/// Who waits for the answer to a request to spawn, which is no item then.
impl Queue {
    /// The answer to this request, which has not come, is waited for.
    pub(super) fn await_answer(&self, request: &Reference) {
        lock(&self.items).await_answer(request.clone());
    }

    /// Nobody waits for it any more: what has come.
    pub(super) fn forget_answer(&self, request: &Reference) -> Option<SpawnAnswer> {
        lock(&self.items).forget_answer(request)
    }

    /// The answer when it comes; `None` if the process ends first. Blocks until then.
    pub(super) fn answer_blocking(&self, request: &Reference) -> Option<SpawnAnswer> {
        self.filled.block_on(|| lock(&self.items).answer(request))
    }

    /// The answer when it comes; `None` if the process ends first.
    pub(super) async fn answer(&self, request: &Reference) -> Option<SpawnAnswer> {
        self.filled.wait(|| lock(&self.items).answer(request)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(byte: u8) -> Item {
        Item::Message(Bytes::copy_from_slice(&[byte]))
    }

    #[test]
    fn the_end_voids_what_waits_and_stays() {
        let queue = Queue::default();
        (1..4).for_each(|byte| assert_eq!(queue.push(message(byte)), Pushed::Taken));
        assert_eq!(queue.try_receive_match(&mut 0, &mut |it| *it == message(2)), Some(message(2)));
        assert_eq!(queue.try_receive_match(&mut 0, &mut |it| *it == message(2)), None);
        assert_eq!(queue.try_receive(), Some(message(1)));
        queue.end(message(9));
        for _ in 0..2 {
            assert_eq!(queue.try_receive(), Some(message(9)));
            assert_eq!(queue.try_receive_match(&mut 0, &mut |_| false), Some(message(9)));
        }
    }

    //= docs/spec/process.md#process-mailbox-match
    //= type=test
    #[test]
    fn each_item_is_looked_at_once_and_what_is_not_wanted_keeps_its_place() {
        const WAITING: usize = 10_000;
        let queue = Queue::default();
        let before = || (0..WAITING).map(|number| message((number % 200) as u8));
        before().for_each(|item| assert_eq!(queue.push(item), Pushed::Taken));
        let (mut seen, mut looks) = (0, 0);
        let mut look = |seen: &mut u64| {
            queue.try_receive_match(seen, &mut |item| {
                looks += 1;
                *item == message(201)
            })
        };
        assert_eq!(look(&mut seen), None);
        // As many come, one by one, while somebody waits.
        for _ in 0..WAITING {
            queue.push(message(200));
            assert_eq!(look(&mut seen), None);
        }
        queue.push(message(201));
        queue.push(message(202));
        assert_eq!(look(&mut seen), Some(message(201)));
        assert_eq!(looks, 2 * WAITING + 1);
        let all = before().chain((0..WAITING).map(|_| message(200))).chain([message(202)]);
        assert!(all.eq(core::iter::from_fn(|| queue.try_receive())));
    }
}
