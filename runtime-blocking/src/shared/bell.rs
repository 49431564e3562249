//! How one waits for what another does, as a thread or as a task.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant as Moment;

use super::lock;

/// Is rung after a change, outside the lock of what has changed; whoever waits looks again.
#[derive(Debug, Default)]
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rings: u64,
    /// Threads that wait. Without any, a ring need not bother the operating system.
    threads: usize,
    /// Tasks that wait, by their tickets.
    tasks: Vec<(u64, Waker)>,
    tickets: u64,
}

impl Bell {
    /// Wakes everybody.
    pub fn ring(&self) {
        let mut state = lock(&self.state);
        state.rings += 1;
        let tasks = core::mem::take(&mut state.tasks);
        let threads = state.threads;
        drop(state);
        if threads > 0 {
            self.rung.notify_all();
        }
        // Not under the lock: a waker may do anything.
        tasks.into_iter().for_each(|(_, task)| task.wake());
    }

    /// Tries at once and after each ring until there is a result. Blocks the thread meanwhile.
    pub fn block_on<R>(&self, mut attempt: impl FnMut() -> Option<R>) -> R {
        loop {
            if let Some(result) = self.block_until(None, &mut attempt) {
                return result;
            }
        }
    }

    /// As [`Self::block_on`], until that moment: `None` if there is no result by then.
    pub fn block_until<R>(
        &self,
        end: Option<Moment>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        loop {
            let seen = lock(&self.state).rings;
            let result = attempt();
            if result.is_some() || !self.block(seen, end) {
                return result;
            }
        }
    }

    /// Blocks until there are more rings than `seen`; `false` if that moment came first.
    fn block(&self, seen: u64, end: Option<Moment>) -> bool {
        let mut state = lock(&self.state);
        while state.rings == seen {
            let left = end.map(|end| end.saturating_duration_since(Moment::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            state.threads += 1;
            state = match left {
                None => self.rung.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.rung.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.threads -= 1;
        }
        true
    }

    /// Tries at once and after each ring until there is a result.
    pub async fn wait<R>(&self, mut attempt: impl FnMut() -> Option<R>) -> R {
        loop {
            let seen = lock(&self.state).rings;
            if let Some(result) = attempt() {
                return result;
            }
            Ring { bell: self, seen, ticket: None }.await;
        }
    }
}

/// The next ring after those that were seen.
struct Ring<'a> {
    bell: &'a Bell,
    seen: u64,
    ticket: Option<u64>,
}

impl Future for Ring<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.bell.state);
        if state.rings != self.seen {
            return Poll::Ready(());
        }
        let own = state.tasks.iter_mut().find(|(ticket, _)| Some(*ticket) == self.ticket);
        if let Some((_, waker)) = own {
            waker.clone_from(context.waker());
        } else {
            state.tickets += 1;
            let ticket = state.tickets;
            state.tasks.push((ticket, context.waker().clone()));
            drop(state);
            self.ticket = Some(ticket);
        }
        Poll::Pending
    }
}

impl Drop for Ring<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let mut state = lock(&self.bell.state);
            let at = state.tasks.iter().position(|(ticket, _)| Some(*ticket) == self.ticket);
            let own = at.map(|at| state.tasks.swap_remove(at));
            drop(state);
            drop(own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicU32, Ordering};
    use core::time::Duration;
    use std::sync::Arc;
    use std::task::Wake;
    use std::thread;

    #[derive(Default)]
    struct Wakes(AtomicU32);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn threads_that_wait_see_every_change() {
        let (bell, number) = (Bell::default(), AtomicU32::new(0));
        let seen = |wanted| (number.load(Ordering::Acquire) >= wanted).then_some(());
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (1..=100).for_each(|wanted| bell.block_on(|| seen(wanted))));
            }
            for _ in 0..100 {
                number.fetch_add(1, Ordering::Release);
                bell.ring();
            }
        });
        assert_eq!(lock(&bell.state).threads, 0);
    }

    #[test]
    fn a_wait_ends_at_its_moment() {
        let (bell, begin) = (Bell::default(), Moment::now());
        let end = begin + Duration::from_millis(20);
        assert_eq!(bell.block_until(Some(end), || None::<()>), None);
        assert!(begin.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn a_task_is_woken_once_a_ring_and_forgotten_when_it_is_dropped() {
        let (bell, wakes) = (Bell::default(), Arc::new(Wakes::default()));
        let waker = Waker::from(Arc::clone(&wakes));
        let mut context = Context::from_waker(&waker);
        let number = AtomicU32::new(0);
        let mut task = Box::pin(bell.wait(|| (number.load(Ordering::Relaxed) > 1).then_some(7)));
        for _ in 0..3 {
            assert_eq!(task.as_mut().poll(&mut context), Poll::Pending);
        }
        assert_eq!(lock(&bell.state).tasks.len(), 1, "however often it was polled");
        for rings in 1..=2 {
            number.fetch_add(1, Ordering::Relaxed);
            bell.ring();
            assert_eq!(wakes.0.load(Ordering::Relaxed), rings);
            let expected = if rings == 2 { Poll::Ready(7) } else { Poll::Pending };
            assert_eq!(task.as_mut().poll(&mut context), expected);
        }
        drop(task);
        let mut gone = Box::pin(bell.wait(|| None::<()>));
        assert_eq!(gone.as_mut().poll(&mut context), Poll::Pending);
        drop(gone);
        assert_eq!(lock(&bell.state).tasks.len(), 0);
    }
}
