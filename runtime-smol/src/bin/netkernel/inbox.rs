//! The messages of the console's process, for `receive` and `flush`.

use core::cell::RefCell;
use core::time::Duration;
use std::collections::VecDeque;

use async_channel::{Receiver, Sender, bounded};
use async_io::Timer;
use futures_lite::future;
use netkernel_smol::core::term::Term;
use netkernel_smol::{Item, ProcessEvent};

use crate::events;

/// So many messages wait, and
const MESSAGES_MAX: usize = 10_000;
/// so many bytes of them, as they were sent; those that came first are forgotten, which were printed when they came.
const BYTES_MAX: usize = 64 << 20;

/// Messages in the order in which they came.
#[derive(Debug)]
pub(crate) struct Inbox {
    waiting: RefCell<Waiting>,
    filled: (Sender<()>, Receiver<()>),
}

#[derive(Debug, Default)]
struct Waiting {
    /// As they were sent: terms take many times as much.
    messages: VecDeque<Item>,
    bytes: usize,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { waiting: RefCell::default(), filled: bounded(1) }
    }

    /// Appends a message.
    pub(crate) fn push(&self, message: Item) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.bytes += bytes(&message);
        waiting.messages.push_back(own(message));
        while waiting.messages.len() > MESSAGES_MAX || waiting.bytes > BYTES_MAX {
            if waiting.pop().is_none() {
                break;
            }
        }
        // It need not be told twice.
        let _ = self.filled.0.try_send(());
    }

    /// The first message, for which this waits for so long; one that waits at a time.
    pub(crate) async fn receive(&self, limit: Option<Duration>) -> Option<Term> {
        let message = async {
            loop {
                if let Some(message) = self.take() {
                    return events::message_of(&message);
                }
                let _ = self.filled.1.recv().await;
            }
        };
        let late = async {
            match limit {
                Some(limit) => Timer::after(limit).await,
                None => future::pending().await,
            };
            None
        };
        future::or(message, late).await
    }

    /// The first message, if there is one.
    pub(crate) fn take(&self) -> Option<Item> {
        self.waiting.borrow_mut().pop()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.borrow().messages.len()
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Item> {
        let message = self.messages.pop_front()?;
        self.bytes -= bytes(&message);
        Some(message)
    }
}

/// What others have sent of it.
fn bytes(message: &Item) -> usize {
    match message {
        Item::Message(message) => message.len(),
        Item::Process(ProcessEvent::Exit { reason, .. }) => reason.len(),
        Item::Process(ProcessEvent::Down { reason, tag, .. }) => {
            reason.len() + tag.as_ref().map_or(0, |tag| tag.len())
        }
        Item::Event(_) | Item::Process(_) | Item::Diagnostic(_) | _ => 0,
    }
}

/// In memory of its own: what has come is a part of all that was read with it.
fn own(mut message: Item) -> Item {
    match &mut message {
        Item::Message(message) => *message = message.to_vec().into(),
        Item::Process(ProcessEvent::Exit { reason, .. }) => *reason = reason.to_vec().into(),
        Item::Process(ProcessEvent::Down { reason, tag, .. }) => {
            *reason = reason.to_vec().into();
            *tag = tag.as_ref().map(|tag| tag.to_vec().into());
        }
        Item::Event(_) | Item::Process(_) | Item::Diagnostic(_) | _ => {}
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;
    use netkernel_smol::core::Creation;
    use netkernel_smol::core::term::{Atom, Pid};

    fn message(term: impl Into<Term>) -> Item {
        let mut bytes = Vec::new();
        term.into().encode(&mut bytes).unwrap();
        Item::Message(bytes.into())
    }

    fn exit(reason: Vec<u8>) -> Item {
        let node = Atom::new("a@h").unwrap();
        let from = Pid { node, id: 1, serial: 0, creation: Creation(7) };
        Item::Process(ProcessEvent::Exit { from, reason: reason.into() })
    }

    /// The first one, which is there.
    fn next(inbox: &Inbox) -> Option<Term> {
        block_on(inbox.receive(Some(Duration::ZERO)))
    }

    #[test]
    fn messages_are_taken_in_their_order() {
        let inbox = Inbox::new();
        assert_eq!(next(&inbox), None);
        for number in 0..3_i64 {
            inbox.push(message(number));
        }
        assert_eq!(inbox.len(), 3);
        assert_eq!([next(&inbox), next(&inbox)], [Some(0.into()), Some(1.into())]);
        assert_eq!(inbox.take(), Some(message(2)));
        assert_eq!(inbox.take(), None);
        let late = async {
            future::yield_now().await;
            inbox.push(message(7));
            future::pending().await
        };
        assert_eq!(block_on(future::or(inbox.receive(None), late)), Some(7.into()));
        inbox.push(exit([131, 97, 1].into()));
        assert_eq!(next(&inbox).unwrap().to_string(), "{'EXIT',<a@h.1.0>,1}");
    }

    #[test]
    fn too_many_push_the_first_ones_out() {
        let inbox = Inbox::new();
        for number in 0..=MESSAGES_MAX {
            inbox.push(message(number as i64));
        }
        assert_eq!(inbox.len(), MESSAGES_MAX);
        assert_eq!(inbox.take(), Some(message(1)));
    }

    #[test]
    fn too_many_bytes_push_the_first_ones_out() {
        for large in [|len| Item::Message(vec![0; len].into()), |len| exit(vec![0; len])] {
            let inbox = Inbox::new();
            inbox.push(message(1));
            for len in [BYTES_MAX / 2, BYTES_MAX / 2 - 1] {
                inbox.push(large(len));
            }
            assert_eq!(inbox.take(), Some(large(BYTES_MAX / 2)));
            inbox.push(large(BYTES_MAX / 2));
            inbox.push(large(2));
            assert_eq!(inbox.take(), Some(large(BYTES_MAX / 2)));
            inbox.push(large(BYTES_MAX + 1));
            assert_eq!(inbox.take(), None, "it is printed, and not kept");
            assert_eq!(inbox.waiting.borrow().bytes, 0);
        }
    }
}
