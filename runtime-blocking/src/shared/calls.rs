//! Calls that wait for what they give.

use netkernel_core::calls::erpc::{self, ErpcFailure, Exception};
use netkernel_core::calls::gen_server::{self, CallFailure};
use netkernel_core::process::{ProcessEvent, Target};
use netkernel_core::term::{Atom, Limits, Reader, Reference, Term};

use crate::call_error::{CallError, ErpcError};
use crate::item::{Item, SendError};

/// Whether this item is what somebody waits for who has this reference: the reply to a call, or the end of whoever was to answer.
#[must_use]
pub fn is_answer(item: &Item, to: &Reference) -> bool {
    match item {
        Item::Message(message) => gen_server::reply(message, to).is_some(),
        Item::Process(ProcessEvent::SpawnReply { request, .. }) => request == to,
        Item::Process(ProcessEvent::Down { reference, .. }) => reference == to,
        Item::Process(_) | Item::Event(_) | Item::Diagnostic(_) => false,
    }
}

/// A call whose reply has not been taken (`gen_server:request_id()`).
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "a request that nobody waits for leaves its monitor and its reply behind"]
pub struct CallRequest {
    reference: Reference,
    server: Target,
    limits: Limits,
}

impl CallRequest {
    #[doc(hidden)]
    pub const fn new(reference: Reference, server: Target, limits: Limits) -> Self {
        Self { reference, server, limits }
    }

    /// The monitor of the server, which is an alias for the reply.
    #[must_use]
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The server that was called.
    #[must_use]
    pub const fn server(&self) -> &Target {
        &self.server
    }

    /// Whether this item is the reply, or tells that there will be none (`gen_server:check_response/2`). Who takes it out of the mailbox by himself ends
    /// the monitor, too ([`Mailbox::demonitor`](crate::Mailbox::demonitor)): a server may reply to the pid, which does not end it.
    #[must_use]
    pub fn is_answer(&self, item: &Item) -> bool {
        is_answer(item, &self.reference)
    }

    /// What an item that [`is_answer`](Self::is_answer) says.
    ///
    /// # Errors
    /// [`CallError`], with the reason in `{error,{Reason,Server}}`. The end of the own process is one, and any other item is a time-out.
    pub fn result(&self, item: Option<Item>) -> Result<Term, CallError> {
        let failure = match item {
            Some(Item::Message(message)) => match gen_server::reply(&message, &self.reference) {
                Some(reply) => match Reader::new(&reply).term(&self.limits) {
                    Ok(reply) => return Ok(reply),
                    Err(error) => CallFailure::Refused(error),
                },
                None => CallFailure::Timeout,
            },
            Some(Item::Process(ProcessEvent::Down { reason, .. })) => {
                CallFailure::of_down(&reason, &self.limits)
            }
            Some(Item::Process(ProcessEvent::Ended { .. })) => {
                return Err(CallError::Send(SendError::Ended));
            }
            _ => CallFailure::Timeout,
        };
        Err(CallError::Failed(failure))
    }
}

/// Why a request was not even made. A node that cannot be reached is one without connection.
#[must_use]
pub fn call_not_sent(error: SendError, server: &Target) -> CallError {
    if is_down_node(error) {
        let is_alive = error != SendError::NotAlive;
        return CallError::Failed(CallFailure::unreached(server, is_alive));
    }
    CallError::Send(error)
}

/// What `gen_server:call/3` gives, by what has come of its request.
pub fn called(result: Result<Term, CallError>, node: &Atom) -> Result<Term, CallError> {
    result.map_err(|error| match error {
        CallError::Failed(failure) => CallError::Failed(failure.of_call(node)),
        CallError::Send(_) => error,
    })
}

/// A call of a function whose result has not been taken (`erpc:request_id()`).
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "a request that nobody waits for leaves its monitor and its result behind"]
pub struct ErpcRequest {
    reference: Reference,
    result: Term,
    limits: Limits,
}

impl ErpcRequest {
    #[doc(hidden)]
    pub const fn new(reference: Reference, result: Term, limits: Limits) -> Self {
        Self { reference, result, limits }
    }

    /// The request to spawn, which is the monitor of the process.
    #[must_use]
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Whether this item tells the result (`erpc:check_response/2`).
    #[must_use]
    pub fn is_answer(&self, item: &Item) -> bool {
        is_answer(item, &self.reference)
    }

    /// What an item that [`is_answer`](Self::is_answer) says.
    ///
    /// # Errors
    /// [`ErpcError`]. The end of the own process is one, and any other item is a time-out.
    pub fn result(&self, item: Option<Item>) -> Result<Term, ErpcError> {
        let exception = match item {
            Some(Item::Process(ProcessEvent::Down { reason, .. })) => {
                return Ok(erpc::outcome(&reason, &self.result, &self.limits)?);
            }
            Some(Item::Process(ProcessEvent::SpawnReply { result: Err(failure), .. })) => {
                failure.into()
            }
            Some(Item::Process(ProcessEvent::Ended { .. })) => {
                return Err(ErpcError::Send(SendError::Ended));
            }
            _ => Exception::Failed(ErpcFailure::Timeout),
        };
        Err(ErpcError::Raised(exception))
    }
}

/// Why a call was not even made. A node that cannot be reached is one without connection.
#[must_use]
pub const fn erpc_not_sent(error: SendError) -> ErpcError {
    if is_down_node(error) {
        return ErpcError::Raised(Exception::Failed(ErpcFailure::NoConnection));
    }
    ErpcError::Send(error)
}

const fn is_down_node(error: SendError) -> bool {
    matches!(error, SendError::NotAlive | SendError::NoSuchNode)
}
