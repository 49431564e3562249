//! Socket options: from the core's names to the operating system's.

use core::time::Duration;
use std::io;

use netkernel_core::net_kernel::{OptionName, OptsError, SocketOption};
use socket2::Socket;

/// Sets options in this order. One that the operating system refuses does not stop the others.
pub(crate) fn set(socket: &Socket, options: &[SocketOption]) -> Result<(), OptsError> {
    let mut result = Ok(());
    for option in options {
        if let Err(error) = set_one(socket, *option) {
            tracing::debug!(%option, %error, "refused by the operating system");
            result = Err(OptsError::Invalid);
        }
    }
    result
}

/// Reads options, without those that the operating system does not know.
pub(crate) fn get(socket: &Socket, names: &[OptionName]) -> Result<Vec<SocketOption>, OptsError> {
    let options = names.iter().filter_map(|name| get_one(socket, *name).transpose());
    options.collect::<io::Result<_>>().map_err(|_| OptsError::Invalid)
}

fn set_one(socket: &Socket, option: SocketOption) -> io::Result<()> {
    match option {
        SocketOption::Keepalive(on) => socket.set_keepalive(on),
        SocketOption::Linger(seconds) => {
            socket.set_linger(seconds.map(|seconds| Duration::from_secs(seconds.into())))
        }
        SocketOption::Nodelay(on) => socket.set_tcp_nodelay(on),
        SocketOption::Priority(priority) => set_priority(socket, priority),
        SocketOption::Recbuf(bytes) => socket.set_recv_buffer_size(size(bytes)),
        SocketOption::Sndbuf(bytes) => socket.set_send_buffer_size(size(bytes)),
        //= docs/spec/kernel.md#kernel-setopts
        // Linux makes a priority of the type of service.
        SocketOption::Tos(tos) => {
            let before = priority(socket)?;
            socket.set_tos_v4(tos)?;
            before.map_or(Ok(()), |before| set_priority(socket, before))
        }
    }
}

fn get_one(socket: &Socket, name: OptionName) -> io::Result<Option<SocketOption>> {
    Ok(Some(match name {
        OptionName::Keepalive => SocketOption::Keepalive(socket.keepalive()?),
        OptionName::Linger => {
            let seconds = socket.linger()?.map(|linger| linger.as_secs());
            SocketOption::Linger(seconds.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)))
        }
        OptionName::Nodelay => SocketOption::Nodelay(socket.tcp_nodelay()?),
        OptionName::Priority => return Ok(priority(socket)?.map(SocketOption::Priority)),
        OptionName::Recbuf => SocketOption::Recbuf(bytes(socket.recv_buffer_size()?)),
        OptionName::Sndbuf => SocketOption::Sndbuf(bytes(socket.send_buffer_size()?)),
        OptionName::Tos => SocketOption::Tos(socket.tos_v4()?),
    }))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn set_priority(socket: &Socket, priority: u32) -> io::Result<()> {
    socket.set_priority(priority)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn priority(socket: &Socket) -> io::Result<Option<u32>> {
    socket.priority().map(Some)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set_priority(_: &Socket, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn priority(_: &Socket) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Where the operating system takes a C `int`, more than that is its greatest.
fn size(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX).min(i32::MAX as usize)
}

fn bytes(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    //= docs/spec/kernel.md#kernel-getopts
    //= type=test
    //= docs/spec/kernel.md#kernel-setopts
    //= type=test
    #[test]
    fn each_option_is_read_as_it_was_set() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let socket = Socket::from(stream);
        let mut expected = vec![
            SocketOption::Keepalive(true),
            SocketOption::Linger(Some(3)),
            SocketOption::Nodelay(true),
            SocketOption::Tos(16),
        ];
        if cfg!(any(target_os = "linux", target_os = "android")) {
            expected.insert(0, SocketOption::Priority(3));
        }
        set(&socket, &expected).unwrap();
        let names: Vec<_> = expected.iter().map(|option| option.name()).collect();
        assert_eq!(get(&socket, &names), Ok(expected), "a tos after a priority, too");

        let off = [
            SocketOption::Keepalive(false),
            SocketOption::Linger(None),
            SocketOption::Nodelay(false),
        ];
        set(&socket, &off).unwrap();
        assert_eq!(get(&socket, &off.map(SocketOption::name)), Ok(off.to_vec()));

        let buffers = [SocketOption::Sndbuf(20_000), SocketOption::Recbuf(30_000)];
        set(&socket, &buffers).unwrap();
        let got = get(&socket, &buffers.map(SocketOption::name)).unwrap();
        assert!(
            matches!(got[..], [SocketOption::Sndbuf(sent), SocketOption::Recbuf(received)]
                if (20_000..100_000).contains(&sent) && (30_000..100_000).contains(&received)),
            "{got:?}"
        );
        set(&socket, &[SocketOption::Sndbuf(u32::MAX)]).unwrap();
    }
}
