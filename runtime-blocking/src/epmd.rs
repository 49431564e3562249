//! The EPMD service: one thread that serves whoever is ready.

use core::sync::atomic::{AtomicBool, Ordering};
use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpListener};
use std::sync::{Arc, Weak};
use std::time::Instant as Moment;

use mio::{Events, Interest, Poll, Waker};
use netkernel_core::epmd_server::{Config, StopCause};
use socket2::SockRef;

use crate::epmd_clients::{ACCEPT_TOKEN, Sockets, WAKE_TOKEN};
use crate::epmd_config::EpmdConfig;
use crate::epmd_handle::EpmdHandle;
use crate::shared::{Epmd, EpmdListeners, Next};

/// Events that are taken at a time.
const EVENTS_MAX: usize = 256;

/// An EPMD: tells who runs on this host at which port (`epmd`).
///
/// Its port is open as soon as this value is there; clients are served by [`Self::run`].
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use netkernel_blocking::{EpmdConfig, EpmdServer};
///
/// let server = EpmdServer::bind(&EpmdConfig::new())?;
/// let cause = server.run()?;
/// println!("{cause:?}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EpmdServer {
    port: u16,
    config: Config,
    listeners: Vec<Arc<mio::net::TcpListener>>,
    poll: Poll,
    stop: Arc<Stop>,
}

/// That somebody has the service end.
#[derive(Debug)]
struct Stop {
    asked: AtomicBool,
    waker: Waker,
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
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE_TOKEN)?;
        let stop = Arc::new(Stop { asked: AtomicBool::new(false), waker });
        let EpmdListeners { sockets, port, config } = listeners;
        let mut listeners = Vec::new();
        for socket in sockets {
            let mut listener = mio::net::TcpListener::from_std(socket);
            poll.registry().register(&mut listener, ACCEPT_TOKEN, Interest::READABLE)?;
            listeners.push(Arc::new(listener));
        }
        Ok(Self { port, config, listeners, poll, stop })
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// To end the service from elsewhere.
    #[must_use]
    pub fn handle(&self) -> EpmdHandle {
        let stop = Arc::clone(&self.stop);
        let listeners: Vec<_> = self.listeners.iter().map(Arc::downgrade).collect();
        EpmdHandle::new(move || {
            stop.asked.store(true, Ordering::Release);
            for listener in listeners.iter().filter_map(Weak::upgrade) {
                // Where this is not known, the service closes it.
                let _ = SockRef::from(&*listener).shutdown(Shutdown::Both);
            }
            // Without a waker there is no service any more.
            let _ = stop.waker.wake();
        })
    }

    /// Serves clients until the service ends, and says why it has. All by this thread: a client costs a descriptor and
    /// a few hundred bytes. Answers that were given before the end are written, for at most a second.
    ///
    /// # Errors
    /// The operating system cannot watch sockets any more.
    pub fn run(self) -> io::Result<StopCause> {
        let Self { port, config, listeners, mut poll, stop } = self;
        let clients = Sockets::new(poll.registry().try_clone()?, listeners);
        let mut epmd = Epmd::new(config, port, clients);
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            let deadline = match epmd.turn() {
                Next::Wait(deadline) => deadline,
                Next::End => return Ok(epmd.stopped().unwrap_or(StopCause::Asked)),
            };
            wait(&mut poll, &mut events, earliest(deadline, epmd.clients().deadline()))?;
            if stop.asked.swap(false, Ordering::Acquire) {
                epmd.stop();
            }
            for event in &events {
                match event.token() {
                    WAKE_TOKEN => {}
                    ACCEPT_TOKEN => epmd.clients().accept_soon(),
                    client => epmd.clients().ready(client),
                }
            }
            epmd.clients().close_overdue();
            accept(&mut epmd);
        }
    }
}

/// Takes in those who have dialled.
fn accept(epmd: &mut Epmd<Sockets>) {
    for (socket, local) in epmd.clients().accept() {
        let stream = epmd.mint_stream();
        if epmd.clients().insert(stream, socket) {
            epmd.accepted(stream, local);
        }
    }
}

fn wait(poll: &mut Poll, events: &mut Events, end: Option<Moment>) -> io::Result<()> {
    let span = end.map(|end| end.saturating_duration_since(Moment::now()));
    match poll.poll(events, span) {
        Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn earliest(one: Option<Moment>, other: Option<Moment>) -> Option<Moment> {
    one.into_iter().chain(other).min()
}
