//! The items of one mailbox, and its bound: without a lock, and without anybody who waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use netkernel_core::process::{ProcessEvent, SpawnFailure};
use netkernel_core::term::{Pid, Reference};
use netkernel_core::wire::framing::SHARED_MAX;

use super::Bell;
use crate::item::{Bound, Item, Overflow};

/// Items that wait, above which diagnostics are dropped.
const DIAGNOSTICS_MAX: usize = 1024;

/// The answer to a request to spawn.
pub(super) type SpawnAnswer = Result<Pid, SpawnFailure>;

/// What waits in a mailbox, in the order in which it came.
#[derive(Debug, Default)]
pub(super) struct Items {
    waiting: VecDeque<Waiting>,
    /// Of the last item that came.
    number: u64,
    /// What comes when nothing waits.
    last: Option<Item>,
    bound: Option<Bound>,
    /// Those that count for the bound, and their bytes.
    counted: usize,
    bytes: usize,
    /// The bound was reached, and half of it is still there.
    overfull: bool,
    dropped: u64,
    /// Rung when this is no longer so.
    held: Vec<Arc<Bell>>,
    /// Requests to spawn whose answers somebody waits for: those are no items.
    awaited: BTreeMap<Reference, Option<SpawnAnswer>>,
}

#[derive(Debug)]
struct Waiting {
    /// It only grows: who looks for an item remembers the last one that it has seen.
    number: u64,
    /// The bytes of what counts for the bound.
    weight: Option<usize>,
    item: Item,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It waits.
    Taken,
    /// It waits, and who brings more is to be held.
    Full,
    /// It is gone.
    Dropped,
    /// It is gone, and the process is to end.
    Overflow,
}

/// What comes in.
impl Items {
    /// Appends an item, unless the bound is against it.
    //= docs/spec/process.md#process-mailbox-bound
    pub(super) fn push(&mut self, item: Item) -> Pushed {
        if let Item::Process(ProcessEvent::SpawnReply { request, result, .. }) = &item {
            if let Some(awaited) = self.awaited.get_mut(request) {
                *awaited = Some(result.clone());
                return Pushed::Taken;
            }
        }
        if matches!(item, Item::Diagnostic(_)) && self.waiting.len() >= DIAGNOSTICS_MAX {
            return Pushed::Dropped;
        }
        let weight = weight(&item);
        match self.policy().filter(|_| weight.is_some() && self.is_full()) {
            Some(Overflow::DropNewest) if matches!(item, Item::Message(_)) => {
                self.dropped += 1;
                return Pushed::Dropped;
            }
            Some(Overflow::Kill) => return Pushed::Overflow,
            Some(Overflow::Pause | Overflow::DropNewest) | None => {}
        }
        self.append(self.without_others(item), weight);
        if weight.is_some() && self.is_full() && self.policy() == Some(Overflow::Pause) {
            self.overfull = true;
            return Pushed::Full;
        }
        Pushed::Taken
    }

    /// Appends the answer to a call, which counts for no bound.
    pub(super) fn push_reply(&mut self, message: Bytes) {
        self.append(Item::Message(message), None);
    }

    /// An item that keeps nothing but its own bytes, if those are counted: what was read with it would not be. Longer messages have their
    /// memory for themselves: no more is read at once than the shortest of them have.
    //= docs/spec/process.md#process-mailbox-bound
    fn without_others(&self, mut item: Item) -> Item {
        if let Item::Message(message) = &mut item {
            if self.bound.is_some() && message.len() <= SHARED_MAX {
                *message = Bytes::copy_from_slice(message);
            }
        }
        item
    }

    fn append(&mut self, item: Item, weight: Option<usize>) {
        self.counted += usize::from(weight.is_some());
        self.bytes += weight.unwrap_or(0);
        self.number += 1;
        self.waiting.push_back(Waiting { number: self.number, weight, item });
    }

    /// Drops what waits; from now on there is this item.
    pub(super) fn end(&mut self, last: Item) {
        self.clear();
        self.last = Some(last);
    }

    /// Drops what waits.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        (self.counted, self.bytes) = (0, 0);
    }
}

/// What goes out.
impl Items {
    /// The next item, or the last one if that is all there is.
    pub(super) fn next(&mut self) -> Option<Item> {
        self.take(0).or_else(|| self.last.clone())
    }

    /// The last item of all, once the process has ended.
    pub(super) fn last(&self) -> Option<Item> {
        self.last.clone()
    }

    /// Takes the first item out that is wanted.
    pub(super) fn remove(&mut self, is_wanted: impl Fn(&Item) -> bool) -> Option<Item> {
        let at = self.waiting.iter().position(|waiting| is_wanted(&waiting.item))?;
        self.take(at)
    }

    /// Takes an item out; `false` if somebody else has.
    pub(super) fn take_numbered(&mut self, number: u64) -> bool {
        let at = self.waiting.binary_search_by_key(&number, |waiting| waiting.number);
        at.is_ok_and(|at| self.take(at).is_some())
    }

    /// At most so many items behind this number, the first ones.
    pub(super) fn behind(&self, seen: u64, most: usize) -> Vec<(u64, Item)> {
        let begin = self.waiting.partition_point(|waiting| waiting.number <= seen);
        let behind = self.waiting.iter().skip(begin).take(most);
        behind.map(|waiting| (waiting.number, waiting.item.clone())).collect()
    }

    fn take(&mut self, at: usize) -> Option<Item> {
        let Waiting { weight, item, .. } = self.waiting.remove(at)?;
        self.counted -= usize::from(weight.is_some());
        self.bytes -= weight.unwrap_or(0);
        Some(item)
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.waiting.len()
    }
}

/// Answers that are waited for.
impl Items {
    /// The answer to this request is for [`Self::answer`].
    pub(super) fn await_answer(&mut self, request: Reference) {
        self.awaited.insert(request, None);
    }

    /// The answer, which nobody waits for any more then; `None` in it if the process has ended.
    pub(super) fn answer(&mut self, of: &Reference) -> Option<Option<SpawnAnswer>> {
        let has_ended = self.last.is_some();
        let is_there = matches!(self.awaited.get(of), Some(Some(_)) | None);
        (has_ended || is_there).then(|| self.awaited.remove(of).flatten().filter(|_| !has_ended))
    }

    /// Nobody waits for the answer any more: what has come.
    pub(super) fn forget_answer(&mut self, of: &Reference) -> Option<SpawnAnswer> {
        self.awaited.remove(of).flatten()
    }
}

/// The bound.
impl Items {
    /// Bounds what waits, or does so no more.
    pub(super) fn set_bound(&mut self, bound: Option<Bound>) {
        self.bound = bound;
        self.overfull = false;
    }

    /// Whether a process of this node is to hear that there is no room.
    pub(super) fn refuses(&self) -> bool {
        self.is_full() && self.policy() == Some(Overflow::Pause)
    }

    /// Messages that the bound has cost.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether there is room for who brings more; if not, this is rung when there is.
    ///
    /// To be asked anew after each ring: whoever was faster may have filled it again.
    pub(super) fn has_room_or_rings(&mut self, bell: &Arc<Bell>) -> bool {
        // Those of links that have ended.
        self.held.retain(|held| Arc::strong_count(held) > 1);
        if self.overfull && !self.held.iter().any(|held| Arc::ptr_eq(held, bell)) {
            self.held.push(Arc::clone(bell));
        }
        !self.overfull
    }

    /// Who is to be told that there is room: when half of the bound is free.
    pub(super) fn relieved(&mut self) -> Vec<Arc<Bell>> {
        let full = |bound: Bound| self.counted > bound.messages / 2 || self.bytes > bound.bytes / 2;
        if self.overfull && self.bound.is_some_and(full) {
            return Vec::new();
        }
        self.overfull = false;
        core::mem::take(&mut self.held)
    }

    fn policy(&self) -> Option<Overflow> {
        self.bound.map(|bound| bound.overflow)
    }

    fn is_full(&self) -> bool {
        self.bound.is_some_and(|bound| self.counted >= bound.messages || self.bytes >= bound.bytes)
    }
}

/// The bytes of what counts for a bound.
fn weight(item: &Item) -> Option<usize> {
    match item {
        Item::Message(message) => Some(message.len()),
        Item::Process(ProcessEvent::Exit { reason, .. }) => Some(reason.len()),
        Item::Event(_) | Item::Process(_) | Item::Diagnostic(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netkernel_core::net_kernel::Diagnostic;
    use netkernel_core::{Creation, NodeName};

    fn message(byte: u8) -> Item {
        Item::Message(Bytes::copy_from_slice(&[byte]))
    }

    fn bounded(messages: usize, bytes: usize, overflow: Overflow) -> Items {
        let mut items = Items::default();
        items.set_bound(Some(Bound { messages, bytes, overflow }));
        items
    }

    fn pid() -> Pid {
        let node = NodeName::new("a@b").unwrap().as_atom().clone();
        Pid { node, id: 1, serial: 0, creation: Creation(1) }
    }

    fn exit() -> Item {
        Item::Process(ProcessEvent::Exit { from: pid(), reason: Bytes::from_static(b"\x83j") })
    }

    /// An item that no bound is against.
    fn diagnostic() -> Item {
        Item::Diagnostic(Diagnostic::RegistrationRenewed)
    }

    #[test]
    fn diagnostics_stop_at_a_bound_and_messages_do_not() {
        let mut items = Items::default();
        for _ in 0..2 * DIAGNOSTICS_MAX {
            items.push(diagnostic());
        }
        assert_eq!(items.count(), DIAGNOSTICS_MAX);
        assert_eq!(items.push(message(1)), Pushed::Taken);
        assert_eq!(items.count(), DIAGNOSTICS_MAX + 1);
    }

    //= docs/spec/process.md#process-mailbox-bound
    //= type=test
    #[test]
    fn who_brings_more_is_held_from_the_bound_until_half_of_it_is_free() {
        for (mut items, most) in
            [(bounded(4, 1000, Overflow::Pause), 4), (bounded(1000, 6, Overflow::Pause), 6)]
        {
            for byte in 1..most {
                assert_eq!(items.push(message(byte)), Pushed::Taken);
            }
            assert!(!items.overfull && !items.refuses());
            for byte in most..2 * most {
                assert_eq!(items.push(message(byte)), Pushed::Full, "nothing is lost");
            }
            assert_eq!(items.push(diagnostic()), Pushed::Taken);
            let bell = Arc::default();
            assert!(!items.has_room_or_rings(&bell) && items.refuses());
            let last = 3 * most / 2 - 1;
            for byte in 1..last {
                assert_eq!(items.next(), Some(message(byte)));
                assert!(items.relieved().is_empty() && items.overfull);
            }
            assert_eq!(items.next(), Some(message(last)));
            assert_eq!(items.relieved().len(), 1);
            assert!(!items.overfull && items.relieved().is_empty());
        }
    }

    //= docs/spec/process.md#process-mailbox-bound
    //= type=test
    #[test]
    fn what_is_over_the_bound_is_dropped_or_ends_the_process_and_system_items_pass() {
        let mut items = bounded(2, 1000, Overflow::DropNewest);
        let pushed: Vec<_> = (0..5).map(|byte| items.push(message(byte))).collect();
        assert_eq!(pushed[..2], [Pushed::Taken; 2]);
        assert_eq!((&pushed[2..], items.dropped()), (&[Pushed::Dropped; 3][..], 3));
        assert_eq!(items.push(diagnostic()), Pushed::Taken);
        assert_eq!(items.push(exit()), Pushed::Taken, "exit signals are never dropped");
        assert_eq!((items.count(), items.overfull, items.refuses()), (4, false, false));
        let mut items = bounded(2, 1000, Overflow::Kill);
        assert_eq!([message(1), exit()].map(|item| items.push(item)), [Pushed::Taken; 2]);
        assert_eq!(items.push(diagnostic()), Pushed::Taken);
        assert_eq!([message(1), exit()].map(|item| items.push(item)), [Pushed::Overflow; 2]);
    }

    //= docs/spec/process.md#process-mailbox-bound
    //= type=test
    #[test]
    fn a_message_that_counts_keeps_nothing_of_what_was_read_with_it() {
        let read = Bytes::from(vec![1; SHARED_MAX + 1]);
        let is_kept = |mut items: Items, message: Bytes| {
            items.push(Item::Message(message.clone()));
            let Some(Item::Message(kept)) = items.next() else { panic!("no message") };
            assert_eq!(kept, message);
            kept.as_ptr() == message.as_ptr()
        };
        let bound = || bounded(10, 1000, Overflow::Pause);
        assert!(!is_kept(bound(), read.slice(1..2)) && !is_kept(bound(), read.slice(1..)));
        assert!(is_kept(bound(), read.clone()), "it has its memory for itself");
        assert!(is_kept(Items::default(), read.slice(1..2)), "nothing is counted");
    }

    //= docs/spec/process.md#process-mailbox-bound
    //= type=test
    #[test]
    fn answers_to_calls_count_for_no_bound() {
        for overflow in [Overflow::Pause, Overflow::DropNewest, Overflow::Kill] {
            let mut items = bounded(2, 1000, overflow);
            for _ in 0..5 {
                items.push_reply(Bytes::from_static(b"\x83j"));
            }
            assert_eq!(items.push(message(1)), Pushed::Taken);
            items.push(message(2));
            items.push_reply(Bytes::from_static(b"\x83j"));
            assert_eq!((items.count(), items.dropped()), (8, 0));
            assert!((0..8).all(|_| items.next().is_some()));
            assert_eq!((items.counted, items.bytes), (0, 0));
        }
    }

    //= docs/spec/process.md#process-mailbox-bound
    //= type=test
    #[test]
    fn nobody_is_held_by_a_mailbox_that_has_ended_or_has_no_bound_any_more() {
        let ends: [fn(&mut Items); 3] =
            [|items| items.end(message(9)), Items::clear, |items| items.set_bound(None)];
        for end in ends {
            let mut items = bounded(1, 1, Overflow::Pause);
            items.push(message(1));
            let bell = Arc::default();
            assert!(!items.has_room_or_rings(&bell));
            end(&mut items);
            assert_eq!(items.relieved().len(), 1);
            assert!(!items.overfull && !items.refuses());
        }
    }

    #[test]
    fn who_has_ended_is_not_remembered_as_held() {
        let mut items = bounded(1, 1, Overflow::Pause);
        items.push(message(1));
        (0..10).for_each(|_| assert!(!items.has_room_or_rings(&Arc::default())));
        assert!(items.held.len() <= 1);
    }

    //= docs/spec/process.md#process-mailbox-pause
    //= type=test
    #[test]
    fn who_looks_again_when_others_have_filled_it_is_told_again() {
        let mut items = bounded(2, 1000, Overflow::Pause);
        let fill = |items: &mut Items| [1, 2].map(|byte| items.push(message(byte)));
        let bell = Arc::default();
        for _ in 0..3 {
            assert_eq!(fill(&mut items)[1], Pushed::Full);
            // However often somebody looks.
            (0..3).for_each(|_| assert!(!items.has_room_or_rings(&bell)));
            assert_eq!(items.held.len(), 1);
            assert!(items.next().is_some());
            let told = items.relieved();
            assert!(told.len() == 1 && Arc::ptr_eq(&told[0], &bell));
            // Before the second look.
            items.push(message(3));
            assert!(!items.has_room_or_rings(&bell), "it is full again");
            while items.next().is_some() {}
            assert_eq!(items.relieved().len(), 1, "and the second wait ends too");
            assert!(items.has_room_or_rings(&bell) && items.held.is_empty());
        }
    }

    #[test]
    fn an_answer_that_is_waited_for_is_no_item_and_others_are() {
        let mut items = Items::default();
        let request = |word| Reference::new(pid().node, Creation(1), &[word, 0, 0]).unwrap();
        let tag = Bytes::from_static(b"\x83j");
        let reply = |word| {
            let (tag, request) = (tag.clone(), request(word));
            Item::Process(ProcessEvent::SpawnReply { tag, request, result: Ok(pid()) })
        };
        items.await_answer(request(1));
        items.await_answer(request(2));
        assert_eq!(items.answer(&request(1)), None);
        assert_eq!([1, 2, 3].map(|word| items.push(reply(word))), [Pushed::Taken; 3]);
        assert_eq!(items.next(), Some(reply(3)));
        assert_eq!(items.next(), None);
        assert_eq!(items.answer(&request(1)), Some(Some(Ok(pid()))));
        assert_eq!(items.forget_answer(&request(2)), Some(Ok(pid())));
        assert!(items.awaited.is_empty());
        items.await_answer(request(4));
        items.end(message(9));
        assert_eq!(items.answer(&request(4)), Some(None));
        assert!(items.awaited.is_empty());
    }
}
