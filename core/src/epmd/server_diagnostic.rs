//! What an EPMD tells of its work.

use alloc::string::String;
use core::fmt;

use crate::creation::Creation;
use crate::wire::epmd::RequestError;

/// What OTP's daemon prints with `-d`, of what it does and of what it refuses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerDiagnostic {
    /// A request that is not served.
    BadRequest(RequestError),
    /// Something was sent on the connection of a registration, which ends it.
    HeldSpoke,
    /// The service ends, as it was asked to.
    Killed,
    /// The service goes on, because nodes are registered.
    KillRefused,
    /// The name of a registration belongs to another node.
    NameTaken {
        /// The name.
        name: String,
    },
    /// A request that is served only to clients of this host.
    NotLocal,
    /// A connection ended in the middle of a request.
    Partial,
    /// A node is registered.
    Registered {
        /// Its name.
        name: String,
        /// Its port.
        port: u16,
        /// The counter of the name, which nodes of old get in another form.
        creation: Creation,
    },
    /// A stop, which is served only with the relaxed command check.
    StopRefused,
    /// A request did not come in time.
    TimedOut,
    /// There are too many connections for another one.
    TooManyConnections,
    /// A node is not registered any more.
    Unregistered {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for ServerDiagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(error) => write!(f, "request not served: {error}"),
            Self::HeldSpoke => f.write_str("a registered node sent something"),
            Self::Killed => f.write_str("killed"),
            Self::KillRefused => f.write_str("not killed: nodes are registered"),
            Self::NameTaken { name } => write!(f, "{name} is registered already"),
            Self::NotLocal => f.write_str("request of another host not served"),
            Self::Partial => f.write_str("a connection ended in the middle of a request"),
            Self::Registered { name, port, creation } => {
                write!(f, "{name} is registered at port {port}, creation {}", creation.0)
            }
            Self::StopRefused => f.write_str("stop not served: the command check is not relaxed"),
            Self::TimedOut => f.write_str("a request did not come in time"),
            Self::TooManyConnections => f.write_str("too many connections"),
            Self::Unregistered { name } => write!(f, "{name} is not registered any more"),
        }
    }
}
