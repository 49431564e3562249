//! Who hears of the pings of `world`.

use core::fmt;

/// The argument of `net_adm:world/1`.
pub enum Verbosity<'a> {
    /// Nobody.
    Silent,
    /// This function gets what Erlang prints, in pieces: `Pinging b@h -> ` before a ping, and `pong` or `pang` and the end of the
    /// line after it.
    Verbose(&'a mut (dyn FnMut(&str) + Send)),
}

impl Verbosity<'_> {
    #[doc(hidden)]
    pub fn tell(&mut self, text: &str) {
        if let Self::Verbose(tell) = self {
            tell(text);
        }
    }
}

impl fmt::Debug for Verbosity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "Silent",
            Self::Verbose(_) => "Verbose(..)",
        })
    }
}
