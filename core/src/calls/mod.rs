//! How processes call each other: `gen_server`, `sys`, `erpc`, `rpc` and `io`, as messages and values.
//!
//! Nothing in here waits. A caller monitors the server with an alias, sends what [`gen_server::call`] makes, and asks
//! [`gen_server::reply`] of each message whether it is the reply; or it spawns what [`erpc::execute_call`] makes, and asks
//! [`erpc::outcome`] what became of it. A server asks [`gen_server::Message`] what a message means, and its
//! [`Client`](gen_server::Client) what to answer. What others write to a group leader is an [`io::Request`]. The runtimes put mailboxes and clocks around that.

mod apply;
#[cfg(feature = "serde")]
mod arguments;
mod chars;
pub mod erpc;
pub mod gen_server;
pub mod io;
pub mod rpc;
pub mod sys;
#[cfg(feature = "serde")]
pub mod values;

use alloc::vec::Vec;
use bytes::Bytes;

use crate::term::{Term, TooLong};

/// The complete external term.
fn external(term: &Term) -> Result<Bytes, TooLong> {
    let mut out = Vec::new();
    term.encode(&mut out)?;
    Ok(out.into())
}

/// The elements of a tuple of that many.
fn elements<const N: usize>(term: Term) -> Result<[Term; N], Term> {
    let Term::Tuple(elements) = term else { return Err(term) };
    elements.try_into().map_err(Term::Tuple)
}

fn is_atom(term: &Term, text: &str) -> bool {
    term.as_atom().is_some_and(|atom| atom.as_str() == text)
}
