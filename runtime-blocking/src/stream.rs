//! The two threads of a stream.
//!
//! The reader thread is the stream's life: it dials, starts the writer, reads, waits for the writer's end, and reports
//! the end as its last act ([`StreamGuard`]). So that report is the only one, and comes after both halves have ended, unless the reader panics.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use netkernel_core::Entropy;
use netkernel_core::net_kernel::{CloseCause, Input, OpenError};
use socket2::Socket;

use crate::epmd::EpmdServer;
use crate::epmd_handle::EpmdHandle;
use crate::listener;
use crate::reader::read_loop;
use crate::shared::{
    Carrier, EpmdListeners, Message, Origin, Port, Stream, StreamGuard, Surroundings, entropy,
    open_error, prepare,
};
use crate::socket::dial;
use crate::writer::{SETUP_WRITE_LIMIT, write_loop};

/// The stack of a reader thread, in bytes. It also resolves host names, which the C library does on its stack.
pub const READER_STACK: usize = 256 * 1024;
/// The stack of a writer thread, in bytes.
pub const WRITER_STACK: usize = 64 * 1024;

/// The stack of the thread that serves EPMD, in bytes.
const EPMD_STACK: usize = 256 * 1024;

/// Serves streams and the listener by threads of their own.
#[derive(Debug)]
pub(crate) struct Threads(pub(crate) Surroundings);

impl Carrier for Threads {
    fn run(&self, stream: Arc<Stream>, origin: Origin) -> io::Result<()> {
        let surroundings = self.0.clone();
        thread::Builder::new()
            .name(format!("netkernel read {}", stream.id().get()))
            .stack_size(READER_STACK)
            .spawn(move || live(&stream, origin, &surroundings))?;
        Ok(())
    }

    fn accept(&self, port: Arc<Port>) -> io::Result<()> {
        listener::run(port, Arc::clone(&self.0.inbox))
    }

    fn serve_epmd(&self, listeners: EpmdListeners) -> io::Result<EpmdHandle> {
        let server = EpmdServer::of(listeners)?;
        let handle = server.handle();
        let run = move || drop(server.run().inspect_err(|error| tracing::error!(%error, "EPMD")));
        thread::Builder::new().name("netkernel epmd".into()).stack_size(EPMD_STACK).spawn(run)?;
        Ok(handle)
    }
}

/// The reader thread.
fn live(stream: &Arc<Stream>, origin: Origin, surroundings: &Surroundings) {
    // The first, and so the last to be dropped: the socket is closed by then.
    let mut guard = StreamGuard::new(stream, &origin, &surroundings.inbox);
    let Opened { socket, writer, entropy } = match open(stream, origin) {
        Ok(Some(opened)) => opened,
        Ok(None) => return guard.cancelled(),
        Err(error) => return guard.failed(error),
    };
    if let Some(entropy) = entropy {
        let opened = Input::Opened { stream: stream.id(), entropy };
        surroundings.inbox.send_blocking(Message::Input(opened));
        guard.closes(CloseCause::Reset);
    }
    let cause = read_loop(stream, &socket, surroundings);
    if !stream.has_ended() {
        stream.outgoing.abort();
        let _ = socket.shutdown(Shutdown::Both);
    }
    let _ = writer.join();
    guard.closes(stream.cause(cause));
}

/// Gets the socket and starts the writer. `None` if the dialling was cancelled.
fn open(stream: &Arc<Stream>, origin: Origin) -> Result<Option<Opened>, OpenError> {
    let failed = |error: io::Error| open_error(&error);
    let (socket, entropy) = match origin {
        Origin::Dial(target, limit) => {
            let socket = Arc::new(dial(&target, limit, || stream.has_ended())?);
            if !stream.opened(&socket) {
                return Ok(None);
            }
            (socket, Some(entropy().map_err(failed)?))
        }
        Origin::Accepted(socket) => (socket, None),
    };
    prepare(&socket).map_err(failed)?;
    socket.set_write_timeout(Some(SETUP_WRITE_LIMIT)).map_err(failed)?;
    let (shared, writers) = (Arc::clone(stream), Arc::clone(&socket));
    let writer = thread::Builder::new()
        .name(format!("netkernel write {}", stream.id().get()))
        .stack_size(WRITER_STACK)
        .spawn(move || write_loop(&shared.outgoing, &writers))
        .map_err(failed)?;
    Ok(Some(Opened { socket, writer, entropy }))
}

/// A stream that has been opened.
struct Opened {
    socket: Arc<Socket>,
    writer: JoinHandle<()>,
    /// For the challenge, if we dialled; an accepted stream got it from the owner.
    entropy: Option<Entropy>,
}
