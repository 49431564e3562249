//! What `net_adm` asks of the operating system. All of it may block.

use std::fs::File;
use std::io::{self, ErrorKind as Kind, Read as _};
use std::path::{Path, PathBuf};

use dns_lookup::{AddrInfoHints, getaddrinfo};
use netkernel_core::net_adm::{
    self, HOST_FILE, HOST_FILE_MAX, HostFileError, Posix, domain_of, domain_of_resolver,
};
use netkernel_core::term::Term;

/// `AI_CANONNAME` and `AF_INET` of `getaddrinfo(3)`, the same on all systems that std knows.
const CANONICAL_NAME: i32 = 2;
const INET: i32 = 2;

/// The official name of a host (`net_adm:dns_hostname/1`); the error is the host itself.
pub fn dns_hostname(host: &str) -> Result<String, String> {
    let hints = AddrInfoHints { flags: CANONICAL_NAME, address: INET, ..AddrInfoHints::default() };
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

/// The hosts of the first file in these directories (`net_adm:host_file/0`).
pub fn host_file(directories: &[PathBuf]) -> Result<Vec<Term>, HostFileError> {
    net_adm::search(directories, |directory| {
        read(&directory.join(HOST_FILE)).map_err(|error| posix(&error))
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Erlang opens no directory, and this system may.
    if path.metadata()?.is_dir() {
        return Err(Kind::IsADirectory.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(HOST_FILE_MAX as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn posix(error: &io::Error) -> Posix {
    const NAMED: &[(Kind, Posix)] = &[
        (Kind::IsADirectory, Posix::Eisdir),
        (Kind::NotADirectory, Posix::Enotdir),
        (Kind::NotFound, Posix::Enoent),
        (Kind::PermissionDenied, Posix::Eacces),
    ];
    let named = NAMED.iter().find(|(kind, _)| *kind == error.kind());
    named.map_or(Posix::Eio, |(_, named)| *named)
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
        let directories = ["/nowhere".into(), "/dev/null".into()];
        assert_eq!(host_file(&directories), Err(HostFileError::Posix(Posix::Enoent)));
    }
}
