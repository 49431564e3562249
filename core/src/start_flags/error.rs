//! What a node cannot be started with.

use alloc::string::String;
use core::fmt;

use crate::cookie::CookieError;
use crate::term::Term;

/// Why flags make no node. What it prints is what OTP prints, as far as that says something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FlagError {
    /// A text behind `-kernel` that is no term (`bad_environment_value`).
    BadEnvironmentValue(String),
    /// Both `-erl_epmd_port` and `erl_epmd_node_listen_port` (`invalid_configuration`).
    BothListenPorts,
    /// The node needs a full host, and does not know its own domain.
    CannotSetLong,
    /// A short name whose host has a dot.
    CannotSetShort,
    /// A cookie that no handshake can be made with; of OTP's nodes, all others refuse it.
    Cookie(CookieError),
    /// A flag of the emulator, as `+P`: there is none.
    Emulator(String),
    /// An address in `ERL_EPMD_ADDRESS` that is none.
    EpmdAddress(String),
    /// The port of EPMD is none.
    EpmdPort(String),
    /// `inet_dist_use_interface` is no address of the node's family (`badarg`).
    Interface(Term),
    /// A part of the name has characters that it must not have.
    InvalidName,
    /// A name that the virtual machine does not take.
    InvalidNodeName(String),
    /// A port to listen on that is none (`badarg`).
    ListenPort(Term),
    /// `-no_epmd`, with which no node has the only protocol that there is.
    NoEpmd,
    /// A value that a parameter cannot have (`invalid_parameter_value`).
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: Term,
    },
    /// `-proto_dist` names a protocol that is not there, or none.
    Protocol(String),
    /// `-start_epmd` without `true` or `false`.
    StartEpmd,
}

impl fmt::Display for FlagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadEnvironmentValue(text) => write!(f, "{{bad_environment_value,{text:?}}}"),
            Self::BothListenPorts => f.write_str(
                "{invalid_configuration,\"either -erl_epmd_port or kernel erl_epmd_node_listen_port \
                 should be specified, not both\"}",
            ),
            Self::CannotSetLong => f.write_str("Can't set long node name!"),
            Self::CannotSetShort => f.write_str("Can't set short node name!"),
            Self::Cookie(error) => error.fmt(f),
            Self::Emulator(flag) => write!(f, "{flag} is a flag of the emulator, which there is none of"),
            Self::EpmdAddress(text) => write!(f, "ERL_EPMD_ADDRESS: {text:?} is no address"),
            Self::EpmdPort(text) => write!(f, "{text:?} is not a port of EPMD, from 1 to 65535"),
            Self::Interface(term) => write!(f, "inet_dist_use_interface {term}: badarg"),
            Self::InvalidName => f.write_str("Invalid node name!"),
            Self::InvalidNodeName(name) => write!(f, "invalid node name: {name}"),
            Self::ListenPort(term) => write!(f, "port {term}: badarg"),
            Self::NoEpmd => {
                f.write_str("Missing -proto_dist option, expected when using -no_epmd.")
            }
            Self::Parameter { name, value } => {
                write!(f, "{{invalid_parameter_value,{name},{value}}}")
            }
            Self::Protocol(name) => write!(f, "Protocol '{name}': not supported"),
            Self::StartEpmd => f.write_str("Expected boolean argument for '-start_epmd'."),
        }
    }
}

impl core::error::Error for FlagError {}
