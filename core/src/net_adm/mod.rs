//! Erlang's `net_adm`, as far as it needs no sockets and no files: what `.hosts.erlang` says, whom `world/1` asks and in which order,
//! what its functions answer.
//!
//! [`Inquiry`] is a call of any of its functions, and [`World`] a walk over hosts: machines that say what to ask next. The rest are functions.
//! What must not live here: reading files, resolving names, asking nodes.

mod error;
mod host;
mod host_file;
mod inquiry;
mod localhost;
mod posix;
mod syntax;
mod token;
mod world;

pub use error::{HostFileError, SyntaxError, WorldError};
pub use host::{BadHost, Host};
pub use host_file::{HOST_FILE, HOST_FILE_MAX, parse_hosts, search};
pub use inquiry::{Answer, Call, Inquiry, Question, Step, SystemQuestion};
pub use localhost::{domain_of, domain_of_resolver, localhost};
pub use posix::Posix;
pub use world::{World, WorldStep};
