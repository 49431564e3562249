//! Why a call gives nothing.

use core::fmt;

use netkernel_core::calls::erpc::Exception;
use netkernel_core::calls::gen_server::CallFailure;
use netkernel_core::calls::rpc::{self, BadRpc};
use netkernel_core::process::RegisterNameError;
use netkernel_core::term::Term;

use crate::item::SendError;

/// Why a call of a server has no reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallError {
    /// The request was not sent, or the own process has ended.
    Send(SendError),
    /// What Erlang's function exits with.
    Failed(CallFailure),
}

/// Why a call of a function gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErpcError {
    /// The request was not sent, or the own process has ended.
    Send(SendError),
    /// What `erpc:call/5` raises.
    Raised(Exception),
}

/// Why a call of a function gives nothing, as `rpc` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RpcError {
    /// The request was not sent, or the own process has ended.
    Send(SendError),
    /// What `rpc:call/5` returns.
    Bad(BadRpc),
}

macro_rules! wraps {
    ($($error:ident::$kind:ident($inner:ty))*) => {$(
        impl fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Send(error) => error.fmt(f),
                    Self::$kind(inner) => inner.fmt(f),
                }
            }
        }

        impl core::error::Error for $error {}

        impl From<SendError> for $error {
            fn from(error: SendError) -> Self {
                Self::Send(error)
            }
        }

        impl From<$inner> for $error {
            fn from(inner: $inner) -> Self {
                Self::$kind(inner)
            }
        }
    )*};
}

impl RpcError {
    /// What `rpc` makes of the result of a call.
    ///
    /// # Errors
    /// [`RpcError`].
    #[doc(hidden)]
    pub fn of(result: Result<Term, ErpcError>) -> Result<Term, Self> {
        Ok(rpc::result(ErpcError::raised(result)?)?)
    }
}

impl ErpcError {
    /// What the call gave.
    ///
    /// # Errors
    /// [`SendError`]: it was not even sent.
    #[doc(hidden)]
    pub fn raised(result: Result<Term, Self>) -> Result<Result<Term, Exception>, SendError> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(Self::Raised(exception)) => Ok(Err(exception)),
            Err(Self::Send(error)) => Err(error),
        }
    }
}

wraps!(CallError::Failed(CallFailure) ErpcError::Raised(Exception) RpcError::Bad(BadRpc));

/// Why there is no server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartServerError {
    /// It cannot have that name, most often because another process has it (`{already_started,Pid}`).
    Name(RegisterNameError),
    /// Its `init` has refused.
    Init(Term),
    /// It ended before its `init` was through: by a panic, or with its executor.
    Died,
    /// This node is not alive, so that it has no pids.
    NotAlive,
    /// There are too many threads.
    SystemLimit,
}

impl fmt::Display for StartServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::Init(reason) => write!(f, "the server refuses to start: {reason}"),
            Self::Died => f.write_str("the server ended while it started"),
            Self::NotAlive => f.write_str("this node is not alive"),
            Self::SystemLimit => f.write_str("there are too many threads"),
        }
    }
}

impl core::error::Error for StartServerError {}
