//! The EPMD service: one task, with a task of its own for each client.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Weak};

use async_executor::Executor;
use futures_lite::future;
use netkernel_blocking::shared::{
    Carrier as _, Epmd, EpmdListeners, Inbox, Listener, Message, Next, Surroundings, is_local,
};
use netkernel_blocking::{EpmdConfig, EpmdHandle};
use netkernel_core::epmd_server::{Config, StopCause};
use netkernel_core::link::Limits;
use netkernel_core::process;

use crate::epmd_clients::Streams;
use crate::owner::{SLICE, receive};
use crate::stream::Tasks;

/// An EPMD: tells who runs on this host at which port (`epmd`).
///
/// Its port is open as soon as this value is there; clients are served by [`Self::run`].
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// use netkernel_smol::{EpmdConfig, EpmdServer};
///
/// let server = EpmdServer::bind(&EpmdConfig::new())?;
/// let cause = server.run().await?;
/// println!("{cause:?}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EpmdServer {
    port: u16,
    config: Config,
    listeners: Vec<Listener>,
    surroundings: Surroundings,
}

impl EpmdServer {
    /// Opens the port.
    ///
    /// # Errors
    /// What the operating system says. [`io::ErrorKind::AddrInUse`]: there is likely an EPMD already.
    pub fn bind(config: &EpmdConfig) -> io::Result<Self> {
        Self::of(EpmdListeners::bind(config)?)
    }

    /// A service on listeners that somebody else has opened, all on one port.
    ///
    /// # Errors
    /// There are none, or more than 16, or the operating system cannot watch them.
    pub fn on(listeners: Vec<TcpListener>, config: Config) -> io::Result<Self> {
        Self::of(EpmdListeners::on(listeners, config)?)
    }

    pub(crate) fn of(listeners: EpmdListeners) -> io::Result<Self> {
        let EpmdListeners { sockets, port, config } = listeners;
        let listeners = sockets.into_iter().map(Listener::new).collect::<io::Result<_>>()?;
        Ok(Self {
            port,
            config,
            listeners,
            surroundings: Surroundings::new(Limits::default(), process::Limits::default(), None),
        })
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// To end the service from elsewhere.
    #[must_use]
    pub fn handle(&self) -> EpmdHandle {
        let inbox = Arc::clone(&self.surroundings.inbox);
        let ports: Vec<_> =
            self.listeners.iter().map(|listener| Arc::downgrade(&listener.share())).collect();
        EpmdHandle::new(move || {
            inbox.tell(Message::Leave);
            for port in ports.iter().filter_map(Weak::upgrade) {
                // Where this is not known, the service closes it.
                let _ = port.close();
            }
        })
    }

    /// Serves clients until the service ends, and says why it has. All in this future, which is to be polled by whatever
    /// executor: a client costs a descriptor and few kilobytes. Answers that were given before the end are written, for
    /// at most a second.
    ///
    /// # Errors
    /// The operating system cannot watch sockets any more.
    pub async fn run(self) -> io::Result<StopCause> {
        let Self { port, config, listeners, surroundings } = self;
        let inbox = Arc::clone(&surroundings.inbox);
        // The tasks of the clients end with the service, at the latest.
        let executor = Arc::new(Executor::new());
        let spawner = Arc::clone(&executor);
        let spawn = Arc::new(move |task| spawner.spawn(task).detach());
        let tasks = Tasks { surroundings, spawn };
        for listener in &listeners {
            tasks.accept(listener.share())?;
        }
        let epmd = Epmd::new(config, port, Streams::new(tasks, listeners));
        let cause = executor.run(serve(epmd, &inbox)).await;
        inbox.close();
        Ok(cause)
    }
}

async fn serve(mut epmd: Epmd<Streams>, inbox: &Inbox) -> StopCause {
    let mut taken = 0_u32;
    while let Next::Wait(end) = epmd.turn() {
        if let Some(message) = receive(inbox, end).await {
            take(&mut epmd, message);
            taken += 1;
        }
        if taken == SLICE {
            taken = 0;
            future::yield_now().await;
        }
    }
    epmd.stopped().unwrap_or(StopCause::Asked)
}

fn take(epmd: &mut Epmd<Streams>, message: Message) {
    if let Message::Input(input) = message {
        if epmd.clients().admits(&input) {
            epmd.handle(input);
        }
    } else if let Message::Accepted(socket) = message {
        let (stream, local) = (epmd.mint_stream(), is_local(&socket));
        if epmd.clients().insert(stream, socket) {
            epmd.accepted(stream, local);
        }
    } else if matches!(message, Message::Leave) {
        epmd.stop();
    }
}
