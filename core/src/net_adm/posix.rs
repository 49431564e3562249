//! Errors of files, by the names that Erlang has for them.

use core::fmt;

/// Why a file could not be read (`file:posix/0`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum Posix {
    /// Not permitted.
    Eacces,
    /// Input or output failed.
    Eio,
    /// It is too large.
    Efbig,
    /// It is a directory.
    Eisdir,
    /// Symbolic links that lead to each other.
    Eloop,
    /// No descriptors left.
    Emfile,
    /// The name is too long.
    Enametoolong,
    /// There is none.
    Enoent,
    /// Something on the way is no directory.
    Enotdir,
    /// It is a pipe, a socket or a device.
    Enxio,
}

impl Posix {
    /// Erlang's name for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eacces => "eacces",
            Self::Eio => "eio",
            Self::Efbig => "efbig",
            Self::Eisdir => "eisdir",
            Self::Eloop => "eloop",
            Self::Emfile => "emfile",
            Self::Enametoolong => "enametoolong",
            Self::Enoent => "enoent",
            Self::Enotdir => "enotdir",
            Self::Enxio => "enxio",
        }
    }
}

impl fmt::Display for Posix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
