//! `-systemd`: sockets that systemd has opened, and its wish to be told when they are served (`sd_listen_fds(3)`,
//! `sd_notify(3)`).

use std::env;
use std::io;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use listenfd::ListenFd;

/// The listening sockets; none if this process was not started by systemd for some.
pub(super) fn listeners() -> io::Result<Vec<TcpListener>> {
    let mut descriptors = ListenFd::from_env();
    let taken = (0..descriptors.len()).map(|at| descriptors.take_tcp_listener(at).transpose());
    taken.flatten().collect()
}

/// Tells systemd that the service runs, if it wants to know.
pub(super) fn ready() -> io::Result<()> {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => abstract_address(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1\n", &address)?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    SocketAddr::from_abstract_name(name)
}

/// Only Linux has those, and systemd.
#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
