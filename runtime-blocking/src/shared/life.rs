//! The life of a stream, as its owner hears of it.

use std::sync::Arc;

use netkernel_core::net_kernel::{CloseCause, Input, OpenError};

use super::{Inbox, Message, Origin, Stream};

/// Held by whatever serves a stream, to its end. When it is dropped the owner is told of the end, as the last thing of all: also
/// if a thread panics, or an executor drops a task, of which nobody would hear otherwise.
///
/// It passes the bound of the inbox, once a stream.
#[derive(Debug)]
pub struct Life {
    stream: Arc<Stream>,
    inbox: Arc<Inbox>,
    end: Option<Input>,
}

impl Life {
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

    /// The socket could not be had.
    pub fn failed(&mut self, failure: OpenError) {
        if let Some(Input::OpenFailed { error, .. }) = &mut self.end {
            *error = failure;
        }
    }

    /// The socket is there: from now on the stream is closed, for this cause unless there will be another one.
    pub fn closes(&mut self, cause: CloseCause) {
        self.end = Some(Input::Closed { stream: self.stream.id(), cause });
    }

    /// The dialling was cancelled: nobody waits for this stream any more.
    pub fn cancelled(&mut self) {
        self.end = None;
    }
}

/// Lets go of the socket, and of those who wait to send.
impl Drop for Life {
    fn drop(&mut self) {
        self.stream.outgoing.abort();
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
    fn heard(serve: fn(Life)) -> Option<Result<CloseCause, OpenError>> {
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
        let life = Life::new(&stream, &origin, &inbox);
        let _ = thread::spawn(move || serve(life)).join();
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
        assert_eq!(heard(|mut life| life.failed(OpenError::Refused)), Some(Err(refused)));
        assert_eq!(heard(|mut life| life.closes(CloseCause::Eof)), Some(Ok(CloseCause::Eof)));
        assert_eq!(heard(drop), Some(Err(OpenError::Other(0))));
        let panics = |mut life: Life| {
            life.closes(CloseCause::Reset);
            resume_unwind(Box::new(()))
        };
        assert_eq!(heard(panics), Some(Ok(CloseCause::Reset)));
        assert_eq!(heard(|mut life| life.cancelled()), None);
    }
}
