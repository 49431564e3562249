//! What `net_adm` asks of the operating system. All of it may block.

use std::fs::Metadata;
use std::io::{self, ErrorKind as Kind};
use std::path::{Path, PathBuf};

use dns_lookup::{AddrInfoHints, getaddrinfo};
use netkernel_core::net_adm::{
    self, Answer, HOST_FILE, HOST_FILE_MAX, HostFileError, Posix, SystemQuestion, domain_of,
    domain_of_resolver,
};
use netkernel_core::net_kernel::{NameDomain, NetState};
use netkernel_core::term::Term;
use socket2::Domain;

use super::read_file;
use crate::host_dirs::HostDirs;

/// `AI_CANONNAME` of `getaddrinfo(3)`: 2 on most systems, and not on those that come of Solaris.
#[cfg(unix)]
const CANONICAL_NAME: i32 = libc::AI_CANONNAME;
#[cfg(not(unix))]
const CANONICAL_NAME: i32 = 2;

/// Answers what only the operating system knows, for a node with a long name or a short one.
#[must_use]
pub fn answer(question: SystemQuestion, directories: &HostDirs, longnames: bool) -> Answer {
    match question {
        SystemQuestion::DnsHostname(host) => {
            Answer::DnsHostname(dns_hostname(&host).map_err(|host| Term::string(&host)))
        }
        SystemQuestion::HostFile => Answer::HostFile(host_file(directories)),
        SystemQuestion::Localhost => Answer::Localhost(localhost(longnames)),
    }
}

/// Whether a node of this state has a long name; `None` if it is not alive.
#[must_use]
pub fn longnames(state: Option<&NetState>) -> Option<bool> {
    state.map(|state| state.name_domain == NameDomain::Longnames)
}

/// The official name of a host (`net_adm:dns_hostname/1`); the error is the host itself.
pub fn dns_hostname(host: &str) -> Result<String, String> {
    let address = Domain::IPV4.into();
    let hints = AddrInfoHints { flags: CANONICAL_NAME, address, ..AddrInfoHints::default() };
    // An empty name is this host for the system, and nobody for Erlang.
    let found =
        if host.is_empty() { None } else { getaddrinfo(Some(host), None, Some(hints)).ok() };
    let named = found.and_then(|mut found| found.find_map(|info| info.ok()?.canonname));
    named.ok_or_else(|| host.into())
}

/// This host's own name, and its domain if that is known.
pub fn this_host() -> (String, Option<String>) {
    let hostname = dns_lookup::get_hostname().unwrap_or_default();
    let domain = domain(&hostname, true);
    (hostname, domain)
}

/// This host's name with its domain (`net_adm:localhost/0`), as a node with a long name or a short one tells it.
pub fn localhost(longnames: bool) -> String {
    let hostname = dns_lookup::get_hostname().unwrap_or_default();
    let domain = domain(&hostname, longnames);
    net_adm::localhost(&hostname, domain.as_deref())
}

//= docs/spec/net_adm.md#adm-localhost
/// The domain of a host of this name: in the name, in the resolver's file, or in the official name.
fn domain(hostname: &str, longnames: bool) -> Option<String> {
    let own = domain_of(hostname).map(str::to_owned);
    let file = || longnames.then(|| std::fs::read_to_string(resolver_file()).ok()).flatten();
    let resolver = || domain_of_resolver(&file()?).map(str::to_owned);
    let official = || domain_of(&dns_hostname(hostname).ok()?).map(str::to_owned);
    resolver().or(own).or_else(official)
}

fn resolver_file() -> PathBuf {
    let etc = std::env::var_os("ERL_INET_ETC_DIR").unwrap_or_else(|| "/etc".into());
    Path::new(&etc).join("resolv.conf")
}

//= docs/spec/net_adm.md#adm-host-file-kind
/// The hosts of the first file in these directories (`net_adm:host_file/0`).
pub fn host_file(directories: &HostDirs) -> Result<Vec<Term>, HostFileError> {
    net_adm::search(&directories.0, |directory| {
        let read = read_file(&directory.join(HOST_FILE), HOST_FILE_MAX as u64, check);
        let bytes = read.map_err(|error| posix(&error))?;
        if bytes.len() > HOST_FILE_MAX { Err(Posix::Efbig) } else { Ok(bytes) }
    })
}

/// Only a file has an end, and comes without waiting.
fn check(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(if metadata.is_dir() { Kind::IsADirectory } else { Kind::Unsupported }.into())
}

fn posix(error: &io::Error) -> Posix {
    const NAMED: &[(Kind, Posix)] = &[
        (Kind::IsADirectory, Posix::Eisdir),
        (Kind::NotADirectory, Posix::Enotdir),
        (Kind::NotFound, Posix::Enoent),
        (Kind::PermissionDenied, Posix::Eacces),
        (Kind::Unsupported, Posix::Enxio),
    ];
    let named = NAMED.iter().find(|(kind, _)| *kind == error.kind()).map(|(_, named)| *named);
    named.or_else(|| unnamed(error)).unwrap_or(Posix::Eio)
}

/// What has no stable name in Rust.
#[cfg(unix)]
fn unnamed(error: &io::Error) -> Option<Posix> {
    use rustix::io::Errno;
    let numbered = [
        (Errno::LOOP, Posix::Eloop),
        (Errno::MFILE, Posix::Emfile),
        (Errno::NAMETOOLONG, Posix::Enametoolong),
    ];
    let number = Errno::from_io_error(error)?;
    numbered.into_iter().find(|(errno, _)| *errno == number).map(|(_, named)| named)
}

#[cfg(not(unix))]
fn unnamed(_: &io::Error) -> Option<Posix> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_host_are_official_and_others_are_not() {
        for known in ["localhost", "127.0.0.1"] {
            assert_eq!(dns_hostname(known), Ok(known.to_owned()));
        }
        for unknown in ["", "no such host", "no.such.host.invalid", "::1"] {
            assert_eq!(dns_hostname(unknown), Err(unknown.to_owned()));
        }
    }

    #[test]
    fn errors_of_files_have_names() {
        assert_eq!(posix(&Kind::NotFound.into()), Posix::Enoent);
        assert_eq!(posix(&Kind::BrokenPipe.into()), Posix::Eio);
        let directories = HostDirs(vec!["/nowhere".into(), "/dev/null".into()]);
        assert_eq!(host_file(&directories), Err(HostFileError::Posix(Posix::Enoent)));
    }

    //= docs/spec/net_adm.md#adm-host-file-kind
    //= type=test
    #[cfg(unix)]
    #[test]
    fn only_files_of_a_size_are_read_and_nobody_waits_for_them() {
        let home = std::env::temp_dir().join(format!("netkernel-host-file-{}", std::process::id()));
        // One that a failed run has left.
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir(&home).unwrap();
        let (path, directories) = (home.join(HOST_FILE), HostDirs(vec![home.clone()]));
        let told = || host_file(&directories).map(|hosts| hosts.len());
        let link = |to: &Path| {
            let _ = std::fs::remove_file(&path);
            std::os::unix::fs::symlink(to, &path).unwrap();
        };
        let error = |posix| Err(HostFileError::Posix(posix));
        let fifo = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(fifo.success());
        assert_eq!(told(), error(Posix::Enxio), "a pipe");
        link(Path::new("/dev/zero"));
        assert_eq!(told(), error(Posix::Enxio), "a device");
        link(&path);
        assert_eq!(told(), error(Posix::Eloop));
        link(&home);
        assert_eq!(told(), error(Posix::Eisdir));
        link(&home.join("x".repeat(1000)));
        assert_eq!(told(), error(Posix::Enametoolong));
        let file = std::fs::File::create(home.join("file")).unwrap();
        link(&home.join("file"));
        assert_eq!(told(), Ok(0));
        file.set_len(HOST_FILE_MAX as u64 + 1).unwrap();
        assert_eq!(told(), error(Posix::Efbig), "not cut");
        std::fs::remove_dir_all(&home).unwrap();
    }
}
