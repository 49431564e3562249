//! Erlang's distribution kernel as pure, deterministic state machines.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "arbitrary"))] // derived code names std
extern crate std;

pub mod driver;
pub mod epmd;
pub mod handshake;
pub mod link;
pub mod liveness;
pub mod net_kernel;
pub mod process;
pub mod term;
pub mod wire;

mod cookie;
mod creation;
mod entropy;
mod flags;
mod ids;
mod name;
mod time;

pub use cookie::{Challenge, Cookie, CookieError, Cookies, Digest};
pub use creation::Creation;
pub use entropy::Entropy;
pub use flags::{Flags, NodeType};
pub use ids::{LinkId, MailboxId, PingId, RequestId, StreamId};
pub use name::{NameError, NodeName, PeerName};
pub use time::Instant;
