//! Unix sockets: whose file is at a path.

use core::time::Duration;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant as Moment;
use std::{fs, io};

use netkernel_core::net_kernel::OpenError;
use socket2::{Domain, SockAddr, Socket, Type};

use super::open_error;

/// How long to wait before one dials again where so many wait to be accepted that there is no room for one more.
pub const FULL_PAUSE: Duration = Duration::from_millis(10);
/// How long another may take to make or remove the file. It takes no longer than some calls of the operating system.
const LOCK_LIMIT: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// The file of a Unix socket on which somebody listens. Dropping it, which must come before the end of the socket, removes the file
/// if it still is that one.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    id: FileId,
}

/// Opens a listener at this path. What a listener that is gone has left there is in the way of none; of several that find it, one
/// has the path.
pub(super) fn listen_locally(path: &Path, backlog: u32) -> Result<(Socket, SocketFile), OpenError> {
    let listen = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(socket)
    };
    let open = || {
        let _lock = Lock::take(path)?;
        let socket = listen().or_else(|error: io::Error| {
            if error.kind() != io::ErrorKind::AddrInUse || !is_deserted(path) {
                return Err(error);
            }
            fs::remove_file(path)?;
            listen()
        })?;
        Ok((socket, SocketFile { path: path.into(), id: FileId::at(path)? }))
    };
    open().map_err(|error: io::Error| {
        // Another has the lock: it is about to listen there.
        let locked = error.kind() == io::ErrorKind::WouldBlock;
        if locked { OpenError::AddressInUse } else { open_error(&error) }
    })
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Without the lock the file might be another's a moment after it was looked at.
        let _lock = Lock::take(&self.path);
        if FileId::at(&self.path).is_ok_and(|id| id == self.id) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether there is a socket that nobody listens on. Any other file is somebody's, and looks the same to who dials it.
fn is_deserted(path: &Path) -> bool {
    #[cfg(unix)]
    let is_socket = {
        use std::os::unix::fs::FileTypeExt as _;
        fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
    };
    #[cfg(not(unix))]
    let is_socket = false;
    is_socket && matches!(dial_locally(path), Err(OpenError::Refused))
}

/// Dials what listens at this path, without waiting; `None` while too many wait to be accepted.
pub fn dial_locally(path: &Path) -> Result<Option<Socket>, OpenError> {
    let dial = || -> io::Result<Socket> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)?;
        socket.set_nonblocking(false)?;
        Ok(socket)
    };
    match dial() {
        Ok(socket) => Ok(Some(socket)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        // There is not even a file.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OpenError::Refused),
        Err(error) => Err(open_error(&error)),
    }
}

/// Which file it is. While it is open, no other has the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    fn at(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|file| Self::of(&file))
    }

    #[cfg(unix)]
    fn of(file: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(file.dev(), file.ino())
    }

    #[cfg(not(unix))]
    fn of(_: &fs::Metadata) -> Self {
        Self(0, 0)
    }
}

/// A lock on a path, for whoever makes or removes a socket there: held by a file beside it, which goes with the lock.
struct Lock {
    path: PathBuf,
    _file: fs::File,
}

impl Lock {
    fn take(path: &Path) -> io::Result<Self> {
        let mut name = OsString::from(path);
        name.push(".lock");
        let path = PathBuf::from(name);
        let end = Moment::now() + LOCK_LIMIT;
        loop {
            let file = open_lock(&path)?;
            match try_lock(&file) {
                // Another may have removed it before it was locked here.
                Ok(()) if is_at(&file, &path) => return Ok(Self { path, _file: file }),
                Ok(()) => {}
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(error) if end <= Moment::now() => return Err(error),
                Err(_) => std::thread::sleep(LOCK_PAUSE),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The file is still locked: whoever waits for it sees that it is gone.
        let _ = fs::remove_file(&self.path);
    }
}

fn is_at(file: &fs::File, path: &Path) -> bool {
    let locked = file.metadata().map(|file| FileId::of(&file));
    locked.is_ok_and(|locked| FileId::at(path).is_ok_and(|there| there == locked))
}

#[cfg(unix)]
fn open_lock(path: &Path) -> io::Result<fs::File> {
    use rustix::fs::{Mode, OFlags, open};
    // Nothing that others have put there is followed.
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::RUSR | Mode::WUSR)?.into())
}

#[cfg(unix)]
fn try_lock(file: &fs::File) -> io::Result<()> {
    use rustix::fs::{FlockOperation, flock};
    Ok(flock(file, FlockOperation::NonBlockingLockExclusive)?)
}

#[cfg(not(unix))]
fn open_lock(_: &Path) -> io::Result<fs::File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
fn try_lock(_: &fs::File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn folder(test: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("nk-local-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        path
    }

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    //= docs/spec/kernel.md#kernel-unix-sockets
    //= type=test
    #[test]
    fn one_of_many_has_a_deserted_path() {
        let folder = folder("race");
        let path = folder.join("s");
        for _ in 0..50 {
            drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
            let start = std::sync::Barrier::new(4);
            let results: Vec<_> = thread::scope(|scope| {
                let listen = || {
                    start.wait();
                    listen_locally(&path, 8)
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(listen)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let (good, bad): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
            assert_eq!(good.len(), 1);
            assert!(bad.into_iter().all(|result| result.unwrap_err() == OpenError::AddressInUse));
            assert!(dial_locally(&path).unwrap().is_some(), "that one is reached");
            drop(good);
            assert!(names(&folder).is_empty(), "nothing is left");
        }
        fs::remove_dir(folder).unwrap();
    }

    //= docs/spec/kernel.md#kernel-unix-sockets
    //= type=test
    #[test]
    fn the_file_of_another_is_not_removed() {
        let folder = folder("other");
        let path = folder.join("s");
        let (_socket, file) = listen_locally(&path, 1).unwrap();
        fs::remove_file(&path).unwrap();
        let (_other, others) = listen_locally(&path, 1).unwrap();
        drop(file);
        assert!(dial_locally(&path).unwrap().is_some());
        drop(others);
        assert!(names(&folder).is_empty());
        fs::remove_dir(folder).unwrap();
    }

    #[test]
    fn there_may_be_no_room() {
        let folder = folder("full");
        let path = folder.join("s");
        let (socket, _file) = listen_locally(&path, 1).unwrap();
        let waiting: Vec<_> = core::iter::from_fn(|| dial_locally(&path).unwrap()).collect();
        assert!(!waiting.is_empty());
        drop(socket.accept().unwrap());
        assert!(dial_locally(&path).unwrap().is_some());
        fs::remove_dir_all(folder).unwrap();
    }
}
