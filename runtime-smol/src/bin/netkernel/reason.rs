//! At which step a connect failed, in one word for programs.

use netkernel_smol::core::epmd::LookupError;
use netkernel_smol::core::handshake::{Failure, Stage};
use netkernel_smol::core::net_kernel::{ConnectError, OpenError};

/// The word.
pub(crate) const fn step(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Lookup(LookupError::Open(OpenError::Resolve))
        | ConnectError::Dial(OpenError::Resolve) => "resolve",
        ConnectError::Lookup(_) => "epmd",
        ConnectError::Dial(_) => "dial",
        ConnectError::Name(_) => "name",
        ConnectError::Handshake(failure) => step_of_handshake(*failure),
        ConnectError::PeerClosed(stage) => step_of_stage(*stage),
        ConnectError::SetupTimeout(_) => "setup_timeout",
        ConnectError::NotAllowed => "not_allowed",
        ConnectError::NotAlive => "not_alive",
        ConnectError::Cancelled => "cancelled",
        ConnectError::Evicted | _ => "other",
    }
}

const fn step_of_handshake(failure: Failure) -> &'static str {
    match failure {
        Failure::BadCookie => "digest",
        Failure::MissingFlags(_) => "flags",
        Failure::PeerNotAllowed | Failure::WrongName => "name",
        Failure::Malformed(stage) => step_of_stage(stage),
        Failure::AlreadyPending
        | Failure::Declined
        | Failure::Nok(_)
        | Failure::NotAllowed
        | Failure::UnexpectedStatus => "status",
        Failure::GivenName | _ => "name",
    }
}

const fn step_of_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Name => "name",
        Stage::Status | Stage::OtherAttempt | Stage::Alive | Stage::OldLink => "status",
        Stage::Challenge => "challenge",
        Stage::Complement => "flags",
        Stage::Reply | Stage::Ack => "digest",
    }
}
