//! The two tasks of a stream, which are one: the executor sees a single task a stream.
//!
//! The task dials, reads and writes side by side, waits until both halves have ended, and reports [`Input::Closed`] as its
//! last act. So that report is the only one, and comes after both halves have ended.

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
    Carrier, EpmdListeners, Message, Origin, Port, Stream, Surroundings, entropy, open_error,
    prepare,
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
        (self.spawn)(Box::pin(live(stream, origin, self.surroundings.clone())));
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

/// The task of a stream.
async fn live(stream: Arc<Stream>, origin: Origin, surroundings: Surroundings) {
    let _life = Life(Arc::clone(&stream));
    let id = stream.id();
    let report = async |input| surroundings.inbox.send(Message::Input(input)).await;
    let dialled = matches!(origin, Origin::Dial(..));
    let (socket, entropy) = match open(&stream, origin).await {
        Ok(Some(opened)) => opened,
        // Cancelled: nobody waits for this stream any more.
        Ok(None) => return,
        Err(error) => {
            report(if dialled {
                Input::OpenFailed { stream: id, error }
            } else {
                Input::Closed { stream: id, cause: CloseCause::Reset }
            })
            .await;
            return;
        }
    };
    if let Some(entropy) = entropy {
        report(Input::Opened { stream: id, entropy }).await;
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
    // The last handles: this closes the socket.
    stream.release();
    drop(socket);
    report(Input::Closed { stream: id, cause: stream.cause(cause) }).await;
}

/// Lets go of the socket and of those who wait to send, also if the task is dropped before its end.
struct Life(Arc<Stream>);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.outgoing.abort();
        self.0.release();
    }
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
