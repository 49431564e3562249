//! Our EPMD on a loopback port, by either runtime.

use core::net::Ipv4Addr;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::Instant as Moment;

use futures_lite::future::block_on;
use netkernel_blocking::core::epmd_server::{Config, StopCause};
use netkernel_blocking::{EpmdConfig, EpmdHandle};

use crate::GIVE_UP;
use crate::ports::free_port;
use crate::runtime::Runtime;

/// A served port. The service ends when this is dropped, if it was not killed before.
#[derive(Debug)]
pub struct OurEpmd {
    port: u16,
    handle: EpmdHandle,
    thread: Option<JoinHandle<io::Result<StopCause>>>,
}

impl OurEpmd {
    /// Serves a free port.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn start(runtime: Runtime, config: Config) -> Self {
        Self::try_start(runtime, free_port(), config).expect("a free port")
    }

    /// Serves this port, as soon as it is free: the successor of one that has ended.
    ///
    /// # Panics
    /// If it stays taken.
    #[must_use]
    pub fn start_at(runtime: Runtime, port: u16, config: &Config) -> Self {
        let begin = Moment::now();
        loop {
            match Self::try_start(runtime, port, config.clone()) {
                Ok(epmd) => return epmd,
                Err(error) => assert!(begin.elapsed() < GIVE_UP, "port {port}: {error}"),
            }
            thread::yield_now();
        }
    }

    /// Serves this port.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn try_start(runtime: Runtime, port: u16, server: Config) -> io::Result<Self> {
        let mut config = EpmdConfig::new();
        config.addresses = vec![Ipv4Addr::LOCALHOST.into()];
        config.port = port;
        config.server = server;
        Ok(match runtime {
            Runtime::Blocking => {
                let server = netkernel_blocking::EpmdServer::bind(&config)?;
                let (port, handle) = (server.port(), server.handle());
                Self { port, handle, thread: Some(thread::spawn(|| server.run())) }
            }
            Runtime::Smol => {
                let server = netkernel_smol::EpmdServer::bind(&config)?;
                let (port, handle) = (server.port(), server.handle());
                Self { port, handle, thread: Some(thread::spawn(|| block_on(server.run()))) }
            }
        })
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// To end it from elsewhere.
    #[must_use]
    pub const fn handle(&self) -> &EpmdHandle {
        &self.handle
    }

    /// Waits until it has ended, and says why it has.
    ///
    /// # Panics
    /// If it failed.
    #[must_use]
    pub fn wait_end(mut self) -> StopCause {
        let thread = self.thread.take().expect("it ends once");
        thread.join().expect("no panic").expect("sockets can be watched")
    }
}

impl Drop for OurEpmd {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed; the test sees that nobody answers.
            drop(thread.join());
        }
    }
}
