//! The file that holds the cookie, by the rules of Erlang's `auth` server.

use core::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use netkernel_core::{Cookie, CookieError};

use crate::shared::{random_bytes, read_file};

/// The name of the file, in the home directory and in the configuration directory.
const FILE_NAME: &str = ".erlang.cookie";
/// Letters of a cookie that we make.
const NEW_COOKIE_CHARS: usize = 20;
/// Bytes of a file that are looked at; more cannot be a cookie.
const READ_LIMIT: u64 = 1024;

//= docs/spec/kernel.md#kernel-cookie-file
/// The user's cookie, as `erl` finds it: `~/.erlang.cookie`, else `erlang/.erlang.cookie` in the configuration
/// directory (`$XDG_CONFIG_HOME`, `~/.config`), else a new one, written to the home directory.
///
/// # Errors
/// [`CookieFileError`], which names the file and what is wrong with it.
pub fn find() -> Result<Cookie, CookieFileError> {
    let home =
        std::env::home_dir().filter(|home| !home.as_os_str().is_empty()).ok_or_else(|| {
            CookieFileError { path: FILE_NAME.into(), problem: CookieFileProblem::NoHome }
        })?;
    let config = std::env::var_os("XDG_CONFIG_HOME")
        .filter(|config| !config.is_empty())
        .map_or_else(|| home.join(".config"), PathBuf::from);
    find_in(&home, &config)
}

/// [`find`] in these directories.
fn find_in(home: &Path, config: &Path) -> Result<Cookie, CookieFileError> {
    let first = home.join(FILE_NAME);
    for path in [&first, &config.join("erlang").join(FILE_NAME)] {
        match read(path) {
            Err(CookieFileError { problem: CookieFileProblem::Missing, .. }) => {}
            found => return found,
        }
    }
    create(&first)
}

/// Reads the cookie in the file at `path`.
///
/// The file must be a regular one that only its owner can access, and hold printable ASCII, blanks included; line ends behind
/// the cookie, and blanks behind them, are dropped.
///
/// # Errors
/// [`CookieFileError`], which names the file and what is wrong with it.
pub fn read(path: &Path) -> Result<Cookie, CookieFileError> {
    let cookie = read_file(path, READ_LIMIT, check_access).and_then(|bytes| parse(&bytes));
    cookie.map_err(|problem| CookieFileError { path: path.into(), problem })
}

fn parse(bytes: &[u8]) -> Result<Cookie, CookieFileProblem> {
    let end = bytes.iter().position(|b| !(32..=126).contains(b)).unwrap_or(bytes.len());
    let (cookie, rest) = bytes.split_at(end);
    if !rest.iter().all(|b| b"\r\n ".contains(b)) {
        return Err(CookieFileProblem::BadCharacter { at: end });
    }
    let text: String = cookie.iter().map(|&b| char::from(b)).collect();
    Cookie::new(&text).map_err(CookieFileProblem::Cookie)
}

fn check_access(metadata: &fs::Metadata) -> Result<(), CookieFileProblem> {
    if !metadata.is_file() {
        return Err(CookieFileProblem::NotRegular);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(CookieFileProblem::Accessible { mode });
        }
    }
    Ok(())
}

/// Writes a new random cookie to `path`, readable only by its owner. If another node was quicker, its cookie counts.
fn create(path: &Path) -> Result<Cookie, CookieFileError> {
    let error = |problem| CookieFileError { path: path.into(), problem };
    let letters = random_letters().map_err(|e| error(CookieFileProblem::Create(e)))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o400);
    match options.open(path).and_then(|mut file| file.write_all(&letters)) {
        Ok(()) => {
            tracing::info!(path = %path.display(), "made a new cookie");
            parse(&letters).map_err(error)
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(e) => Err(error(CookieFileProblem::Create(e))),
    }
}

/// Random uppercase letters, all equally likely.
fn random_letters() -> io::Result<[u8; NEW_COOKIE_CHARS]> {
    /// The largest multiple of 26 in a byte: what lies above would make some letters likelier.
    const FAIR: u8 = 26 * 9;
    let mut letters = [0; NEW_COOKIE_CHARS];
    let mut filled = 0;
    while filled < letters.len() {
        for byte in random_bytes::<32>()?.into_iter().filter(|&b| b < FAIR) {
            let Some(letter) = letters.get_mut(filled) else { break };
            *letter = b'A' + byte % 26;
            filled += 1;
        }
    }
    Ok(letters)
}

/// Why there is no cookie: a file, and what is wrong with it.
#[derive(Debug)]
pub struct CookieFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: CookieFileProblem,
}

/// What is wrong with a cookie file.
#[derive(Debug)]
#[non_exhaustive]
pub enum CookieFileProblem {
    /// Others than its owner have access to it.
    Accessible {
        /// The permission bits.
        mode: u32,
    },
    /// A character that is not printable ASCII.
    BadCharacter {
        /// Its position, from 0.
        at: usize,
    },
    /// It is empty, or longer than a cookie can be.
    Cookie(CookieError),
    /// A new one could not be written.
    Create(io::Error),
    /// It does not exist.
    Missing,
    /// There is no home directory to look in.
    NoHome,
    /// It is a directory, a pipe or the like.
    NotRegular,
    /// The operating system could not read it.
    Read(io::Error),
}

impl From<io::Error> for CookieFileProblem {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Missing } else { Self::Read(error) }
    }
}

impl fmt::Display for CookieFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cookie file {}: {}", self.path.display(), self.problem)
    }
}

impl fmt::Display for CookieFileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accessible { mode } => {
                write!(f, "must be accessible only by its owner, but has mode {mode:04o}")
            }
            Self::BadCharacter { at } => {
                write!(f, "character {at} is not printable ASCII")
            }
            Self::Cookie(error) => error.fmt(f),
            Self::Create(error) => write!(f, "cannot be created: {error}"),
            Self::Missing => f.write_str("does not exist"),
            Self::NoHome => f.write_str("there is no home directory"),
            Self::NotRegular => f.write_str("is not a regular file"),
            Self::Read(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl core::error::Error for CookieFileError {}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// A directory of this test's own, removed at the end.
    struct Dir(PathBuf);

    impl Dir {
        fn new(test: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("netkernel-{test}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(dir.join("config/erlang")).unwrap();
            Self(dir)
        }

        fn file(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        }

        fn find(&self) -> Result<Cookie, CookieFileError> {
            find_in(&self.0, &self.0.join("config"))
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn cookie(text: &str) -> Cookie {
        Cookie::new(text).unwrap()
    }

    //= docs/spec/kernel.md#kernel-cookie-file
    //= type=test
    #[test]
    fn line_ends_and_blanks_behind_them_are_dropped() {
        for content in ["SECRET", "SECRET\n", "SECRET\r\n \n "] {
            assert_eq!(parse(content.as_bytes()).unwrap(), cookie("SECRET"));
        }
        for text in ["two words", " before and behind  ", " "] {
            assert_eq!(parse(format!("{text}\n").as_bytes()).unwrap(), cookie(text));
        }
    }

    #[test]
    fn other_characters_and_sizes_are_refused() {
        for (content, at) in [(&b"A\tB"[..], 1), (b"\xE9", 0), (b"AB\x7F\n", 2), (b"A\nB", 1)] {
            let problem = parse(content).unwrap_err();
            assert!(
                matches!(problem, CookieFileProblem::BadCharacter { at: found } if found == at),
                "{content:?}: {problem}"
            );
        }
        for (content, error) in
            [(vec![], CookieError::Empty), (vec![b'x'; 256], CookieError::TooLong)]
        {
            let problem = parse(&content).unwrap_err();
            assert!(matches!(problem, CookieFileProblem::Cookie(found) if found == error));
        }
    }

    //= docs/spec/kernel.md#kernel-cookie-file
    //= type=test
    #[test]
    fn the_file_must_be_private_and_regular() {
        let dir = Dir::new("modes");
        for mode in [0o400, 0o600, 0o700] {
            let path = dir.file("good", b"SECRET\n", mode);
            assert_eq!(read(&path).unwrap(), cookie("SECRET"), "{mode:o}");
            fs::remove_file(path).unwrap();
        }
        for mode in [0o640, 0o604, 0o444, 0o610] {
            let error = read(&dir.file("bad", b"SECRET", mode)).unwrap_err();
            assert!(
                matches!(error.problem, CookieFileProblem::Accessible { mode: m } if m == mode)
            );
            assert!(error.to_string().contains("/bad: "), "names the file: {error}");
        }
        let error = read(&dir.0).unwrap_err();
        assert!(matches!(error.problem, CookieFileProblem::NotRegular));
    }

    //= docs/spec/kernel.md#kernel-cookie-file
    //= type=test
    #[test]
    fn home_comes_first_then_the_configuration() {
        let dir = Dir::new("order");
        dir.file("config/erlang/.erlang.cookie", b"CONFIG", 0o400);
        assert_eq!(dir.find().unwrap(), cookie("CONFIG"));
        dir.file(".erlang.cookie", b"HOME", 0o400);
        assert_eq!(dir.find().unwrap(), cookie("HOME"));
    }

    //= docs/spec/kernel.md#kernel-cookie-file
    //= type=test
    #[test]
    fn a_bad_file_in_the_home_directory_is_not_passed_over() {
        let dir = Dir::new("bad-home");
        dir.file("config/erlang/.erlang.cookie", b"CONFIG", 0o400);
        dir.file(".erlang.cookie", b"HOME", 0o644);
        assert!(matches!(dir.find().unwrap_err().problem, CookieFileProblem::Accessible { .. }));
    }

    //= docs/spec/kernel.md#kernel-cookie-file
    //= type=test
    #[test]
    fn a_missing_file_is_created_once() {
        let dir = Dir::new("create");
        let made = dir.find().unwrap();
        let path = dir.0.join(FILE_NAME);
        let content = fs::read(&path).unwrap();
        assert_eq!(content.len(), 20);
        assert!(content.iter().all(u8::is_ascii_uppercase));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
        assert_eq!(dir.find().unwrap(), made);
        assert_eq!(create(&path).unwrap(), made, "an existing file is never overwritten");
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named() {
        let dir = Dir::new("nowhere");
        let error = find_in(&dir.0.join("missing"), &dir.0).unwrap_err();
        assert!(matches!(error.problem, CookieFileProblem::Create(_)));
    }
}
