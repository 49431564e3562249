//! What both runtimes need and is the same in both: everything but waiting, sockets' reads and writes, and names' look-up.
//!
//! The package `netkernel-smol` builds on this module. It is no interface for others, and may change with any version.
//!
//! Nothing here waits, but for two methods of each thing that one can wait for: one blocks the thread, the other is a
//! future. A runtime uses one of the two only. A [`Bell`] is how both are woken.

mod bell;
mod calls;
mod clock;
mod delivery;
mod embedded_epmd;
mod epmd;
mod epmd_listeners;
mod file;
mod functions;
mod handle;
mod host;
mod inbox;
mod items;
mod listener;
mod local_socket;
mod message;
pub mod net_adm;
mod outgoing;
mod output;
mod owner;
mod parting;
mod processes;
mod queue;
mod reply;
mod rpc;
mod server;
mod socket;
mod socket_options;
mod spawning;
mod stream;
mod stream_guard;
mod table;
mod trace;
#[cfg(feature = "serde")]
mod values;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use bell::Bell;
pub use calls::{CallRequest, ErpcRequest, call_not_sent, called, erpc_not_sent, is_answer};
pub(crate) use clock::random_bytes;
pub use clock::{Clock, entropy};
pub use epmd::{Clients, Epmd};
pub use epmd_listeners::EpmdListeners;
pub(crate) use file::read as read_file;
pub use functions::{NewProcess, Slot, Starter, arguments};
pub use handle::Handle;
pub use host::{Carrier, RuntimeHost};
#[cfg(test)]
pub(crate) use inbox::INBOX_MAX;
pub use inbox::Inbox;
pub use listener::{AcceptError, Accepted, EXHAUSTED_PAUSE, Listener, Port};
pub use local_socket::{FULL_PAUSE, dial_locally};
pub use message::{Call, Message, TicktimeAnswer};
pub use outgoing::{Outgoing, Written};
pub use output::{Leader, Output, Writers};
pub use owner::{Next, Owner};
pub use parting::Parting;
pub use processes::{PANIC, external, node_monitored, reason};
pub use queue::Queue;
pub use reply::{Awaited, Reply, reply};
pub use rpc::{Done, RpcFunctions, RpcHandler};
pub use server::{CallReaction, Info, MultiCall, Reaction, Received};
pub use socket::{BACKLOG, abort, is_local, listen, open_error, prepare};
pub use socket2::Socket;
pub use spawning::SpawnCall;
pub use stream::{Origin, Stream, Surroundings, Wish};
pub use stream_guard::StreamGuard;
pub use table::{Applied, Outcome, Table, Way};
#[cfg(feature = "serde")]
pub use values::{ValueError, given_value};

/// Locks, whether or not another thread panicked under the lock: every change under our locks is complete in itself.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
