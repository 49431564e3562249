//! The answer to one question.

use std::sync::{Arc, Mutex};
use std::time::Instant as Moment;

use super::{Bell, lock};

/// Whoever has it answers, once. Dropping it is an answer, too: there will be none.
#[derive(Debug)]
pub struct Reply<T>(Arc<Slot<T>>);

/// Whoever has it waits for the answer.
#[derive(Debug)]
pub struct Awaited<T>(Arc<Slot<T>>);

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    bell: Bell,
}

#[derive(Debug)]
enum State<T> {
    Open,
    Answered(T),
    /// There is none, or it was taken.
    Over,
}

/// A question's two ends.
#[must_use]
pub fn reply<T>() -> (Reply<T>, Awaited<T>) {
    let slot = Arc::new(Slot { state: Mutex::new(State::Open), bell: Bell::default() });
    (Reply(Arc::clone(&slot)), Awaited(slot))
}

impl<T> Reply<T> {
    /// Answers. Whoever asked may be gone.
    pub fn send(self, answer: T) {
        // Dropping it rings.
        *lock(&self.0.state) = State::Answered(answer);
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        if matches!(*state, State::Open) {
            *state = State::Over;
        }
        drop(state);
        self.0.bell.ring();
    }
}

impl<T> Awaited<T> {
    /// Blocks until the answer comes; `None` if there is none.
    #[must_use]
    pub fn block(self) -> Option<T> {
        self.0.bell.block_on(|| self.take())
    }

    /// Blocks until the answer comes, or until that moment, if there is one; then the outer `None`.
    #[must_use]
    pub fn block_until(&self, end: Option<Moment>) -> Option<Option<T>> {
        self.0.bell.block_until(end, || self.take())
    }

    /// Waits for the answer; `None` if there is none.
    pub async fn wait(self) -> Option<T> {
        self.0.bell.wait(|| self.take()).await
    }

    /// What has come; the outer `None` is nothing yet.
    fn take(&self) -> Option<Option<T>> {
        let mut state = lock(&self.0.state);
        match core::mem::replace(&mut *state, State::Over) {
            State::Open => {
                *state = State::Open;
                None
            }
            State::Answered(answer) => Some(Some(answer)),
            State::Over => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn an_answer_comes_or_its_absence() {
        let (ours, theirs) = reply();
        let thread = thread::spawn(move || ours.send(5));
        assert_eq!(theirs.block(), Some(5));
        thread.join().unwrap();

        let (ours, theirs) = reply::<()>();
        assert_eq!(theirs.block_until(Some(Moment::now())), None);
        drop(ours);
        assert_eq!(theirs.block(), None);
    }
}
