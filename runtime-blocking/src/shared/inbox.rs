//! The owner's inbox: one queue with a bound.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant as Moment;

use super::{Bell, Message, lock};

/// Messages that the inbox holds. Whoever sends more waits: callers, links and the listener, but never the owner.
pub(crate) const INBOX_MAX: usize = 1024;

/// Many send, the owner receives.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
    filled: Bell,
    /// There is room, or nobody receives any more.
    room: Bell,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Message>,
    /// It was full, and those who wait were not yet told that it is not.
    full: bool,
    closed: bool,
}

impl Inbox {
    /// Sends a message when there is room; `false` if nobody receives any more. Blocks until then.
    pub fn send_blocking(&self, message: Message) -> bool {
        let mut message = Some(message);
        self.room.block_on(|| self.try_send(&mut message))
    }

    /// Sends a message when there is room; `false` if nobody receives any more.
    pub async fn send(&self, message: Message) -> bool {
        let mut message = Some(message);
        self.room.wait(|| self.try_send(&mut message)).await
    }

    /// Sends a message of somebody who cannot wait. It passes the bound, so there must be another one on such messages.
    pub fn tell(&self, message: Message) {
        let mut state = lock(&self.state);
        if state.closed {
            return;
        }
        state.messages.push_back(message);
        drop(state);
        self.filled.ring();
    }

    /// Blocks until there is a message, or until that moment.
    pub fn receive_blocking(&self, end: Option<Moment>) -> Option<Message> {
        self.filled.block_until(end, || self.try_receive())
    }

    /// Waits for the next message.
    pub async fn receive(&self) -> Message {
        self.filled.wait(|| self.try_receive()).await
    }

    /// Drops what is there and what comes: the owner is gone.
    pub fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let messages = core::mem::take(&mut state.messages);
        drop(state);
        // This answers those who ask.
        drop(messages);
        self.room.ring();
    }

    fn try_receive(&self) -> Option<Message> {
        let mut state = lock(&self.state);
        let message = state.messages.pop_front();
        // Not at each message: each time all wake who wait.
        let room = state.full && state.messages.len() <= INBOX_MAX / 2;
        if room {
            state.full = false;
        }
        drop(state);
        if room {
            self.room.ring();
        }
        message
    }

    /// `None` if there is no room. The message is taken unless there is none.
    fn try_send(&self, message: &mut Option<Message>) -> Option<bool> {
        let mut state = lock(&self.state);
        if state.closed {
            return Some(false);
        }
        if state.full || state.messages.len() >= INBOX_MAX {
            state.full = true;
            return None;
        }
        state.messages.extend(message.take());
        drop(state);
        self.filled.ring();
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::reply;
    use std::thread;

    #[test]
    fn who_sends_more_than_the_bound_waits_and_who_cannot_wait_does_not() {
        let inbox = Inbox::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..3 * INBOX_MAX {
                    assert!(inbox.send_blocking(Message::Leave));
                }
            });
            while !lock(&inbox.state).full {
                thread::yield_now();
            }
            assert_eq!(lock(&inbox.state).messages.len(), INBOX_MAX);
            inbox.tell(Message::Leave);
            for _ in 0..=3 * INBOX_MAX {
                assert!(matches!(inbox.receive_blocking(None), Some(Message::Leave)));
            }
        });
        assert!(inbox.receive_blocking(Some(Moment::now())).is_none());
    }

    #[test]
    fn a_closed_inbox_answers_those_who_ask_and_wait() {
        let inbox = Inbox::default();
        let (question, answer) = reply();
        assert!(inbox.send_blocking(Message::State(question)));
        while lock(&inbox.state).messages.len() < INBOX_MAX {
            inbox.tell(Message::Leave);
        }
        thread::scope(|scope| {
            let waits = scope.spawn(|| inbox.send_blocking(Message::Leave));
            while !lock(&inbox.state).full {
                thread::yield_now();
            }
            inbox.close();
            assert!(!waits.join().unwrap());
        });
        assert!(answer.block().is_none());
        assert!(!inbox.send_blocking(Message::Leave));
    }
}
