//! The two tasks of a stream, which are one: the executor sees a single task a stream.
//!
//! The task dials, reads and writes side by side, waits until both halves have ended, and reports the end as its
//! last act ([`StreamGuard`]), also when it is dropped. So that report is the only one, and comes after both halves have ended.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;

use async_io::Async;
use futures_lite::future;
use netkernel_blocking::EpmdHandle;
use netkernel_blocking::shared::{
    Carrier, EpmdListeners, Message, Origin, Port, Stream, StreamGuard, Surroundings, entropy,
    open_error, prepare,
};
use netkernel_core::Entropy;
use netkernel_core::net_kernel::{CloseCause, Input, OpenError};

use crate::epmd::EpmdServer;
use crate::listener::accept_loop;
use crate::reader::read_loop;
use crate::socket::dial;
use crate::writer::write_loop;

/// A socket that tasks can wait for, and that the owner can shut down.
pub(crate) type Socket = Async<Arc<netkernel_blocking::shared::Socket>>;

/// Something to be run to its end: see [`Node::new_on`](crate::Node::new_on).
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Hands tasks to an executor.
pub(crate) type Spawn = Arc<dyn Fn(Task) + Send + Sync>;

/// The same, for a node to hold.
#[derive(Clone)]
pub(crate) struct Spawner(pub(crate) Spawn);

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spawner(..)")
    }
}

/// Serves streams and the listener by tasks of their own.
#[derive(Clone)]
pub(crate) struct Tasks {
    pub(crate) surroundings: Surroundings,
    pub(crate) spawn: Spawn,
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("surroundings", &self.surroundings).finish_non_exhaustive()
    }
}

impl Carrier for Tasks {
    fn run(&self, stream: Arc<Stream>, origin: Origin) -> io::Result<()> {
        let surroundings = self.surroundings.clone();
        let guard = StreamGuard::new(&stream, &origin, &surroundings.inbox);
        (self.spawn)(Box::pin(live(guard, stream, origin, surroundings)));
        Ok(())
    }

    fn accept(&self, port: Arc<Port>) -> io::Result<()> {
        // Here, since only here a failure has somebody to hear of it.
        let socket = Async::new(Arc::clone(port.socket()))?;
        let inbox = Arc::clone(&self.surroundings.inbox);
        (self.spawn)(Box::pin(async move { accept_loop(&port, &socket, &inbox).await }));
        Ok(())
    }

    fn serve_epmd(&self, listeners: EpmdListeners) -> io::Result<EpmdHandle> {
        let server = EpmdServer::of(listeners)?;
        let handle = server.handle();
        (self.spawn)(Box::pin(async move { drop(server.run().await) }));
        Ok(handle)
    }
}

/// The task of a stream, which is guarded before it is first polled.
async fn live(
    mut guard: StreamGuard,
    stream: Arc<Stream>,
    origin: Origin,
    surroundings: Surroundings,
) {
    let (socket, entropy) = match open(&stream, origin).await {
        Ok(Some(opened)) => opened,
        Ok(None) => return guard.cancelled(),
        Err(error) => return guard.failed(error),
    };
    if let Some(entropy) = entropy {
        let opened = Input::Opened { stream: stream.id(), entropy };
        surroundings.inbox.send(Message::Input(opened)).await;
        guard.closes(CloseCause::Reset);
    }
    let read = async {
        let cause = read_loop(&stream, &socket, &surroundings).await;
        if !stream.has_ended() {
            stream.outgoing.abort();
            let _ = socket.get_ref().shutdown(Shutdown::Both);
        }
        cause
    };
    let (cause, ()) = future::zip(read, write_loop(&stream.outgoing, &socket)).await;
    guard.closes(stream.cause(cause));
}

/// Gets the socket. `None` if the dialling was cancelled.
async fn open(
    stream: &Stream,
    origin: Origin,
) -> Result<Option<(Socket, Option<Entropy>)>, OpenError> {
    let failed = |error: io::Error| open_error(&error);
    let (socket, entropy) = match origin {
        Origin::Dial(target, limit) => {
            let dialled = async { Some(dial(&target, limit).await) };
            let cancelled = async {
                stream.wait_for_end().await;
                None
            };
            let Some(socket) = future::or(cancelled, dialled).await else { return Ok(None) };
            let socket = Arc::new(socket?);
            if !stream.opened(&socket) {
                return Ok(None);
            }
            (socket, Some(entropy().map_err(failed)?))
        }
        Origin::Accepted(socket) => (socket, None),
    };
    prepare(&socket).map_err(failed)?;
    Ok(Some((Async::new(socket).map_err(failed)?, entropy)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_io::block_on;
    use core::net::{IpAddr, Ipv4Addr};
    use core::time::Duration;
    use netkernel_blocking::shared::{BACKLOG, listen};
    use netkernel_core::driver::Machine as _;
    use netkernel_core::link::Limits;
    use netkernel_core::net_kernel::{Address, Config, NetKernel, NetTicktime, Purpose, Target};
    use netkernel_core::{Cookie, Family, StreamId, process};
    use std::io::Read as _;
    use std::net::TcpStream;
    use std::sync::Mutex;

    fn stream_id() -> StreamId {
        let cookie = Cookie::new("secret").unwrap();
        NetKernel::new(Config::new(cookie, NetTicktime::new(60, 4).unwrap())).mint_stream()
    }

    /// The task that serves this stream.
    fn served(surroundings: Surroundings, stream: &Arc<Stream>, origin: Origin) -> Task {
        let tasks = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&tasks);
        let spawn: Spawn = Arc::new(move |task| kept.lock().unwrap().push(task));
        Tasks { surroundings, spawn }.run(Arc::clone(stream), origin).unwrap();
        let task = tasks.lock().unwrap().pop();
        task.unwrap()
    }

    fn surroundings() -> Surroundings {
        Surroundings::new(Limits::default(), process::Limits::default(), None)
    }

    #[test]
    fn the_owner_hears_of_a_stream_whose_task_is_dropped() {
        let id = stream_id();
        for polled in [false, true] {
            let listener = listen(IpAddr::V4(Ipv4Addr::LOCALHOST), 0..=0, BACKLOG).unwrap();
            let mut theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            // The owner may have it in its hands.
            let socket = Arc::new(listener.accept().unwrap().0.into());
            let origin = Origin::Accepted(Arc::clone(&socket));
            let surroundings = surroundings();
            let inbox = Arc::clone(&surroundings.inbox);
            let stream = Arc::new(Stream::new(id, &origin, Limits::default()));
            let mut task = served(surroundings, &stream, origin);
            if polled {
                assert_eq!(block_on(future::poll_once(&mut task)), None);
            }
            drop(task);
            let Message::Input(told) = block_on(inbox.receive()) else { panic!("no input") };
            let reset = CloseCause::Reset;
            assert_eq!(told, Input::Closed { stream: id, cause: reset });
            assert_eq!(theirs.read(&mut [0]).unwrap(), 0, "the socket is shut down");
        }
    }

    #[test]
    fn an_owner_that_was_not_told_of_the_opening_hears_of_none() {
        let listener = listen(IpAddr::V4(Ipv4Addr::LOCALHOST), 0..=0, BACKLOG).unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Target {
            address: Address::Port { host: "127.0.0.1".into(), port },
            family: Family::Inet,
            purpose: Purpose::Epmd,
        };
        let origin = Origin::Dial(target, Duration::from_secs(60));
        let surroundings = surroundings();
        let inbox = Arc::clone(&surroundings.inbox);
        while block_on(future::poll_once(inbox.send(Message::Leave))).is_some() {}
        let id = stream_id();
        let stream = Arc::new(Stream::new(id, &origin, Limits::default()));
        let mut task = served(surroundings, &stream, origin);
        // With its socket it goes on to tell the owner, who has no room for that.
        while stream.with_socket(|_| ()).is_none() {
            assert_eq!(block_on(future::poll_once(&mut task)), None);
        }
        drop(task);
        let told = core::iter::from_fn(|| block_on(future::poll_once(inbox.receive())));
        let told: Vec<_> = told.filter(|message| !matches!(message, Message::Leave)).collect();
        let [Message::Input(told)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(*told, Input::OpenFailed { stream: id, error: OpenError::Other(0) });
    }
}
