//! What an EPMD service is made with.

use core::net::IpAddr;

use netkernel_core::epmd_server;
use netkernel_core::wire::epmd::EPMD_PORT;

/// Descriptors that are left for what is no connection: listeners, standard streams, and whatever else the process does.
const DESCRIPTORS_RESERVED: usize = 32;
/// Connections at a time, whatever the operating system allows.
const CONNECTIONS_MAX: usize = 1 << 20;

/// Configuration of an [`EpmdServer`](crate::EpmdServer).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EpmdConfig {
    /// The addresses to listen on, besides those of loopback. An empty list: all that the host has.
    pub addresses: Vec<IpAddr>,
    /// The port; 0 lets the operating system choose.
    pub port: u16,
    /// What the machine needs. [`unix_time`](epmd_server::Config::unix_time) is raised to the host's clock when the service
    /// begins; a higher one holds.
    pub server: epmd_server::Config,
}

impl EpmdConfig {
    /// What OTP's daemon does without options; but with as many connections as the process may have open files by now.
    #[must_use]
    pub fn new() -> Self {
        let server = epmd_server::Config { connections: connections(), ..Default::default() };
        Self { addresses: Vec::new(), port: EPMD_PORT, server }
    }
}

impl Default for EpmdConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// How many connections the process may have, by its limit of open files.
fn connections() -> usize {
    let files = open_files().map_or(CONNECTIONS_MAX, |files| {
        usize::try_from(files).unwrap_or(CONNECTIONS_MAX).min(CONNECTIONS_MAX)
    });
    files.saturating_sub(DESCRIPTORS_RESERVED).max(1)
}

/// The limit of open files; `None` if there is no limit.
#[cfg(unix)]
fn open_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// What `select` allows OTP's daemon elsewhere.
#[cfg(not(unix))]
fn open_files() -> Option<u64> {
    Some(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_other_descriptors() {
        let connections = EpmdConfig::new().server.connections;
        assert!((1..=CONNECTIONS_MAX).contains(&connections));
        if let Some(files) = open_files() {
            assert!((connections as u64) < files.max(2));
        }
    }
}
