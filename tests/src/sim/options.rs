//! The options of sockets, as a simulated operating system keeps them.

use std::collections::BTreeMap;

use netkernel_core::StreamId;
use netkernel_core::net_kernel::{Endpoint, OptionName, OptsError, SocketOption};

/// The options of one socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options(BTreeMap<OptionName, SocketOption>);

impl Default for Options {
    /// Those of a new socket, as the carrier makes it.
    fn default() -> Self {
        let options = [
            SocketOption::Keepalive(false),
            SocketOption::Linger(None),
            SocketOption::Nodelay(true),
            SocketOption::Priority(0),
            SocketOption::Recbuf(131_072),
            SocketOption::Sndbuf(65_536),
            SocketOption::Tos(0),
        ];
        Self(options.map(|option| (option.name(), option)).into())
    }
}

impl Options {
    /// Sets each that the system takes.
    ///
    /// # Errors
    /// It does not take all of them.
    pub fn set(&mut self, options: &[SocketOption]) -> Result<(), OptsError> {
        for option in options.iter().filter(|option| is_taken(option)) {
            self.0.insert(option.name(), *option);
        }
        if options.iter().all(is_taken) { Ok(()) } else { Err(OptsError::Invalid) }
    }

    /// In the order of the names.
    #[must_use]
    pub fn get(&self, names: &[OptionName]) -> Vec<SocketOption> {
        names.iter().filter_map(|name| self.0.get(name).copied()).collect()
    }
}

/// A type of service is one byte.
#[must_use]
pub const fn is_taken(option: &SocketOption) -> bool {
    !matches!(option, SocketOption::Tos(256..))
}

/// The sockets of one process. Those whose options nobody has set are as new.
#[derive(Debug, Default)]
pub struct Sockets(BTreeMap<StreamId, Options>);

impl Sockets {
    pub(super) fn set(
        &mut self,
        endpoint: Endpoint,
        options: &[SocketOption],
    ) -> Result<(), OptsError> {
        match endpoint {
            // Nobody asks what a listener has.
            Endpoint::Listener => Options::default().set(options),
            Endpoint::Stream(stream) => self.0.entry(stream).or_default().set(options),
        }
    }

    pub(super) fn get(&self, stream: StreamId, names: &[OptionName]) -> Vec<SocketOption> {
        self.0.get(&stream).map_or_else(|| Options::default().get(names), |it| it.get(names))
    }

    pub(super) fn closed(&mut self, stream: StreamId) {
        self.0.remove(&stream);
    }
}
