//! The end of a stream, as its owner hears of it.

use std::net::Shutdown;
use std::sync::Arc;

use netkernel_core::net_kernel::{CloseCause, Input, OpenError};

use super::{Inbox, Message, Origin, Stream};

/// Held by whatever serves a stream, to its end. When it is dropped the owner is told of the end, as the last thing of all: also
/// if a thread panics, or an executor drops a task, of which nobody would hear otherwise.
///
/// It passes the bound of the inbox, once a stream.
#[derive(Debug)]
pub struct StreamGuard {
    stream: Arc<Stream>,
    inbox: Arc<Inbox>,
    end: Option<Input>,
}

impl StreamGuard {
    /// Of a stream that comes into being in this way.
    #[must_use]
    pub fn new(stream: &Arc<Stream>, origin: &Origin, inbox: &Arc<Inbox>) -> Self {
        let id = stream.id();
        let end = match origin {
            Origin::Dial(..) => Input::OpenFailed { stream: id, error: OpenError::Other(0) },
            Origin::Accepted(_) => Input::Closed { stream: id, cause: CloseCause::Reset },
        };
        Self { stream: Arc::clone(stream), inbox: Arc::clone(inbox), end: Some(end) }
    }

    /// A stream that was dialled could not be opened. An accepted one is open already, and closed for what it is.
    pub fn failed(&mut self, failure: OpenError) {
        if let Some(Input::OpenFailed { error, .. }) = &mut self.end {
            *error = failure;
        }
    }

    /// The owner has been told that the stream is open: from now on it is closed, for this cause unless there will be another one.
    pub fn closes(&mut self, cause: CloseCause) {
        self.end = Some(Input::Closed { stream: self.stream.id(), cause });
    }

    /// The dialling was cancelled: nobody waits for this stream any more.
    pub fn cancelled(&mut self) {
        self.end = None;
    }
}

/// Ends both halves, if they have not ended, and lets go of the socket and of those who wait to send.
impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.stream.outgoing.abort();
        // No reset of ours: what was written is to arrive.
        self.stream.with_socket(|socket| drop(socket.shutdown(Shutdown::Both)));
        self.stream.release();
        if let Some(end) = self.end.take() {
            self.inbox.tell(Message::Input(end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use netkernel_core::driver::Machine as _;
    use netkernel_core::link::Limits;
    use netkernel_core::net_kernel::{Address, Config, NetKernel, NetTicktime, Purpose, Target};
    use netkernel_core::{Cookie, Family};
    use std::panic::resume_unwind;
    use std::thread;
    use std::time::Instant;

    /// What the owner of a dialled stream hears when the thread that serves it does this.
    fn heard(serve: fn(StreamGuard)) -> Option<Result<CloseCause, OpenError>> {
        let target = Target {
            address: Address::Port { host: "127.0.0.1".into(), port: 1 },
            family: Family::Inet,
            purpose: Purpose::Epmd,
        };
        let cookie = Cookie::new("secret").unwrap();
        let config = Config::new(cookie, NetTicktime::new(60, 4).unwrap());
        let id = NetKernel::new(config).mint_stream();
        let (inbox, origin) = (Arc::default(), Origin::Dial(target, Duration::ZERO));
        let stream = Arc::new(Stream::new(id, &origin, Limits::default()));
        let guard = StreamGuard::new(&stream, &origin, &inbox);
        let _ = thread::spawn(move || serve(guard)).join();
        assert!(stream.outgoing.has_ended());
        let Message::Input(told) = inbox.receive_blocking(Some(Instant::now()))? else {
            panic!("no input");
        };
        if let Input::OpenFailed { stream, error } = told {
            assert_eq!(stream, id);
            return Some(Err(error));
        }
        let Input::Closed { stream, cause } = told else { panic!("{told:?}") };
        assert_eq!(stream, id);
        Some(Ok(cause))
    }

    #[test]
    fn an_owner_hears_of_the_end_in_whatever_way_it_comes() {
        let refused = OpenError::Refused;
        assert_eq!(heard(|mut guard| guard.failed(OpenError::Refused)), Some(Err(refused)));
        assert_eq!(heard(|mut guard| guard.closes(CloseCause::Eof)), Some(Ok(CloseCause::Eof)));
        assert_eq!(heard(drop), Some(Err(OpenError::Other(0))));
        let panics = |mut guard: StreamGuard| {
            guard.closes(CloseCause::Reset);
            resume_unwind(Box::new(()))
        };
        assert_eq!(heard(panics), Some(Ok(CloseCause::Reset)));
        assert_eq!(heard(|mut guard| guard.cancelled()), None);
    }
}
