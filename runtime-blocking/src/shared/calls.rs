//! Calls that wait for what they give.

use netkernel_core::calls::erpc::{self, ErpcFailure, Exception};
use netkernel_core::calls::gen_server::{self, CallFailure};
use netkernel_core::process::{ProcessEvent, Target};
use netkernel_core::term::{Limits, Reader, Reference, Term};

use crate::call_error::{CallError, ErpcError};
use crate::item::{Item, SendError};

/// What somebody waits for an answer to.
pub trait Pending {
    /// The monitor that tells of the end of who is to answer.
    fn reference(&self) -> &Reference;

    /// Whether this item is the answer, or tells that there will be none.
    fn is_answer(&self, item: &Item) -> bool;
}

impl Pending for CallRequest {
    fn reference(&self) -> &Reference {
        &self.reference
    }

    fn is_answer(&self, item: &Item) -> bool {
        Self::is_answer(self, item)
    }
}

impl Pending for ErpcRequest {
    fn reference(&self) -> &Reference {
        &self.reference
    }

    fn is_answer(&self, item: &Item) -> bool {
        Self::is_answer(self, item)
    }
}

/// A call whose reply has not been taken (`gen_server:request_id()`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallRequest {
    reference: Reference,
    server: Target,
}

impl CallRequest {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(reference: Reference, server: Target) -> Self {
        Self { reference, server }
    }

    /// The monitor of the server, which is an alias for the reply.
    #[must_use]
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Whether this item is the reply, or tells that there will be none (`gen_server:check_response/2`).
    #[must_use]
    pub fn is_answer(&self, item: &Item) -> bool {
        if let Item::Message(message) = item {
            return gen_server::reply(message, &self.reference).is_some();
        }
        is_down(item, &self.reference)
    }

    /// What an item that [`is_answer`](Self::is_answer) says.
    ///
    /// # Errors
    /// [`CallError`]. The end of the own process is one, and any other item is a time-out.
    pub fn result(&self, item: Option<Item>) -> Result<Term, CallError> {
        let failure = match item {
            Some(Item::Message(message)) => match gen_server::reply(&message, &self.reference) {
                Some(reply) => match Reader::new(&reply).term(&Limits::default()) {
                    Ok(reply) => return Ok(reply),
                    Err(error) => CallFailure::Refused(error),
                },
                None => CallFailure::Timeout,
            },
            Some(Item::Process(ProcessEvent::Down { reason, .. })) => {
                CallFailure::of_down(&reason, &self.server, &Limits::default())
            }
            Some(Item::Process(ProcessEvent::Ended { .. })) => {
                return Err(CallError::Send(SendError::Ended));
            }
            _ => CallFailure::Timeout,
        };
        Err(CallError::Failed(failure))
    }
}

/// Why a request was not even made. A node that cannot be reached is one that is down.
#[must_use]
pub fn call_not_sent(error: SendError, server: &Target) -> CallError {
    if is_down_node(error) {
        return CallError::Failed(CallFailure::NodeDown(server.node().clone()));
    }
    CallError::Send(error)
}

/// A call of a function whose result has not been taken (`erpc:request_id()`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErpcRequest {
    reference: Reference,
    result: Term,
}

impl ErpcRequest {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(reference: Reference, result: Term) -> Self {
        Self { reference, result }
    }

    /// The request to spawn, which is the monitor of the process.
    #[must_use]
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Whether this item tells the result (`erpc:check_response/2`).
    #[must_use]
    pub fn is_answer(&self, item: &Item) -> bool {
        if let Item::Process(ProcessEvent::SpawnReply { request, .. }) = item {
            return *request == self.reference;
        }
        is_down(item, &self.reference)
    }

    /// What an item that [`is_answer`](Self::is_answer) says.
    ///
    /// # Errors
    /// [`ErpcError`]. The end of the own process is one, and any other item is a time-out.
    pub fn result(&self, item: Option<Item>) -> Result<Term, ErpcError> {
        let exception = match item {
            Some(Item::Process(ProcessEvent::Down { reason, .. })) => {
                return Ok(erpc::outcome(&reason, &self.result, &Limits::default())?);
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

fn is_down(item: &Item, monitor: &Reference) -> bool {
    matches!(item, Item::Process(ProcessEvent::Down { reference, .. }) if reference == monitor)
}
