//! Erlang's distribution kernel as pure, deterministic state machines.
//!
//! Nothing in here knows a socket, a thread, a lock, a clock or a random number. Machines take inputs with a `now`, and give
//! outputs; the same inputs give the same outputs, on every platform. That makes them easy to embed in any event loop, to
//! fuzz, and to run by the thousand in a simulation.
//!
//! | layer | what it is |
//! |---|---|
//! | [`term`] | Erlang's terms: bytes and text to values and back |
//! | [`stream`] | what the layers and the host say to each other of a stream |
//! | [`wire`] | messages: bytes to values and back |
//! | [`handshake`], [`epmd`], [`liveness`], [`ticker`] | small machines, each usable alone |
//! | [`net_adm`] | hosts, their nodes, and in which order to ask them |
//! | [`net_kernel`] | the node: its name, its links, who may connect, ticks. Sees no payload |
//! | [`epmd_server`] | the daemon that nodes register with |
//! | [`link`], [`process`] | the data plane: what is sent and received on a link, and for whom |
//! | [`calls`] | how processes call each other: `gen_server`, `erpc`, `rpc` |
//! | [`start_flags`] | the command line of `erl`: what its flags and parameters mean |
//! | [`driver`] | the loop that runtimes share |
//!
//! Each layer uses only those above it in this table. `docs/embedding.md` shows how to drive them.
//!
//! # Features
//!
//! None is on at first. `arbitrary` and `proptest` give each type that is handed to core the trait `Arbitrary` of the crate of that name,
//! with values that keep what the type promises; what borrows has that of `arbitrary` alone. `serde` makes terms of values of Rust.
//! `docs/embedding.md` has an example.
//!
//! # Security
//!
//! Distribution without TLS is open to whoever reaches the port of a node and learns its cookie. The cookie is proved by
//! MD5 digests that can be guessed offline from one recorded handshake, and nothing after it is protected. Whoever is let
//! in is trusted with everything that the node serves. Use it on loopback, or where the network is trusted.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "arbitrary", feature = "proptest"))] // derived code names std
extern crate std;

#[macro_use]
mod any;
pub mod calls;
#[cfg(test)]
mod diagram;
pub mod driver;
pub mod epmd;
pub mod epmd_server;
#[cfg(any(test, feature = "__fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod handshake;
pub mod link;
pub mod liveness;
pub mod net_adm;
pub mod net_kernel;
pub mod process;
pub mod start_flags;
pub mod stream;
pub mod term;
pub mod ticker;
pub mod wire;

mod cookie;
mod creation;
mod entropy;
mod family;
mod flags;
mod ids;
mod name;
mod time;
mod timers;

pub use cookie::{Challenge, Cookie, CookieError, Cookies, Digest};
pub use creation::Creation;
pub use entropy::Entropy;
pub use family::Family;
pub use flags::{Flags, NodeType};
pub use ids::{LinkId, MailboxId, PingId, RequestId, StreamId};
pub use name::{NameError, NodeName, PeerName};
pub use time::Instant;

#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
mod embedding {}
