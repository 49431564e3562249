//! The messages of the console's process, for `receive` and `flush`.

use core::cell::RefCell;
use core::time::Duration;
use std::collections::VecDeque;

use async_channel::{Receiver, Sender, bounded};
use async_io::Timer;
use futures_lite::future;
use netkernel_smol::core::term::Term;

/// So many messages wait, and
const MESSAGES_MAX: usize = 10_000;
/// so many bytes of them; those that came first are forgotten, which were printed when they came.
const BYTES_MAX: usize = 64 << 20;

/// Messages in the order in which they came.
#[derive(Debug)]
pub(crate) struct Inbox {
    waiting: RefCell<Waiting>,
    filled: (Sender<()>, Receiver<()>),
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<(Term, usize)>,
    bytes: usize,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { waiting: RefCell::default(), filled: bounded(1) }
    }

    /// Appends a message that had so many bytes.
    pub(crate) fn push(&self, message: Term, bytes: usize) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.messages.push_back((message, bytes));
        waiting.bytes += bytes;
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
                    return Some(message);
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
    pub(crate) fn take(&self) -> Option<Term> {
        self.waiting.borrow_mut().pop()
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Term> {
        let (message, bytes) = self.messages.pop_front()?;
        self.bytes -= bytes;
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    #[test]
    fn messages_are_taken_in_their_order() {
        let inbox = Inbox::new();
        assert_eq!(block_on(inbox.receive(Some(Duration::ZERO))), None);
        for number in 0..3_i64 {
            inbox.push(number.into(), 1);
        }
        assert_eq!(block_on(inbox.receive(None)), Some(0.into()));
        assert_eq!(
            (inbox.take(), inbox.take(), inbox.take()),
            (Some(1.into()), Some(2.into()), None)
        );
        let late = async {
            future::yield_now().await;
            inbox.push(7.into(), 1);
            future::pending().await
        };
        assert_eq!(block_on(future::or(inbox.receive(None), late)), Some(7.into()));
    }

    #[test]
    fn too_many_push_the_first_ones_out() {
        let inbox = Inbox::new();
        for number in 0..=MESSAGES_MAX {
            inbox.push((number as i64).into(), 0);
        }
        assert_eq!(inbox.take(), Some(1.into()));
        for number in [-1, -2_i64] {
            inbox.push(number.into(), BYTES_MAX / 2);
        }
        inbox.push((-3).into(), 1);
        assert_eq!(inbox.take(), Some((-2).into()));
        inbox.push((-4).into(), BYTES_MAX + 1);
        assert_eq!(inbox.take(), None, "it is printed, and not kept");
    }
}
