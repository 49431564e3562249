//! Spawning, both ways.

use std::sync::Arc;
use std::thread;

use netkernel_core::NodeName;
use netkernel_core::process::{Function, Mfa, ReplyOptions, SpawnMonitor, SpawnOptions, Spawning};
use netkernel_core::term::{Pid, Reference, Term};

use crate::item::{SendError, SpawnError};
use crate::mailbox::Mailbox;
use crate::node::Node;
use crate::shared::{NewProcess, Slot, SpawnCall, arguments};

impl Node {
    /// Runs a handler in each process that is spawned with this function, whoever spawns it: Erlang's `spawn(Node, Module, Function,
    /// Arguments)` and its kin, of any node that is connected, and processes of this node. `false` if another handler was in its
    /// place.
    ///
    /// The handler has a thread of its own, the mailbox of the new process, and the arguments. When it returns, the process ends
    /// normally; [`Mailbox::terminate`] ends it for another reason, and a panic for the reason `panic`. How many processes others can
    /// start, and how many handlers run, is bounded ([`Limits`](netkernel_core::process::Limits)). A handler that holds a [`Node`] or a mailbox of this node
    /// keeps it from stopping.
    pub fn serve_function(
        &self,
        function: Function,
        handler: impl Fn(Mailbox, Vec<Term>) + Send + Sync + 'static,
    ) -> bool {
        let (handle, handler) = (Arc::downgrade(&self.handle), Arc::new(handler));
        let name = format!("netkernel {function}");
        let start = move |started: NewProcess, slot: Slot| {
            let (Some(handle), handler) = (handle.upgrade(), Arc::clone(&handler)) else {
                return false;
            };
            let run = move || {
                let _slot = slot;
                let NewProcess { id, queue, mfa } = started;
                let mailbox = Mailbox { id, queue, handle };
                match arguments(&mfa, &mailbox.handle.term_limits) {
                    Ok(arguments) => handler(mailbox, arguments),
                    Err(reason) => mailbox.end(&reason),
                }
            };
            thread::Builder::new().name(name.clone()).spawn(run).is_ok()
        };
        self.handle.table.serve_function(function, Arc::new(start))
    }

    /// Serves a function no longer: processes that are spawned with it end by `undef`. Those that run stay. `false` if it was
    /// not served.
    pub fn unserve_function(&self, function: &Function) -> bool {
        self.handle.table.unserve_function(function)
    }
}

impl Mailbox {
    /// Spawns a process on a node (`erlang:spawn/4`), and waits for its pid. On this node it can run what is served
    /// ([`Node::serve_function`]).
    ///
    /// Connects to the node, and waits, as [`Self::send`] does.
    ///
    /// # Errors
    /// [`SpawnError`]. Where the node cannot be reached, Erlang gives the pid of a process that ends at once by `noconnection`.
    pub fn spawn(&self, node: &NodeName, mfa: Mfa) -> Result<Pid, SpawnError> {
        self.spawn_opt(node, mfa, &SpawnOptions::default()).map(|(pid, _)| pid)
    }

    /// As [`Self::spawn`], and links with the process (`erlang:spawn_link/4`).
    ///
    /// # Errors
    /// As [`Self::spawn`].
    pub fn spawn_link(&self, node: &NodeName, mfa: Mfa) -> Result<Pid, SpawnError> {
        let options = SpawnOptions { link: true, ..SpawnOptions::default() };
        self.spawn_opt(node, mfa, &options).map(|(pid, _)| pid)
    }

    /// As [`Self::spawn`], and monitors the process (`erlang:spawn_monitor/4`).
    ///
    /// # Errors
    /// As [`Self::spawn`].
    pub fn spawn_monitor(&self, node: &NodeName, mfa: Mfa) -> Result<(Pid, Reference), SpawnError> {
        let monitor = Some(SpawnMonitor::default());
        let options = SpawnOptions { monitor, ..SpawnOptions::default() };
        self.spawned(node, mfa, &options)
    }

    /// As [`Self::spawn`], with options (`erlang:spawn_opt/5`). If the process is monitored, its reference comes with the pid.
    ///
    /// # Errors
    /// As [`Self::spawn`].
    pub fn spawn_opt(
        &self,
        node: &NodeName,
        mfa: Mfa,
        options: &SpawnOptions,
    ) -> Result<(Pid, Option<Reference>), SpawnError> {
        let (pid, request) = self.spawned(node, mfa, options)?;
        Ok((pid, options.monitor.is_some().then_some(request)))
    }

    /// Asks a node for a process (`erlang:spawn_request/5`). The answer is a
    /// [`ProcessEvent::SpawnReply`](crate::ProcessEvent::SpawnReply) with the reference that is given back, also if the node cannot be
    /// reached.
    ///
    /// Connects to the node, and waits, as [`Self::send`] does, but not for the answer.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn spawn_request(
        &self,
        node: &NodeName,
        mfa: Mfa,
        options: &SpawnOptions,
        reply: &ReplyOptions,
    ) -> Result<Reference, SendError> {
        let spawning = Spawning::new(mfa, options, reply).map_err(|_| SendError::TooLong)?;
        self.approach(node.as_atom())?;
        self.handle.table.spawn_request(self.id, node, spawning)
    }

    /// Gives up a request (`erlang:spawn_request_abandon/1`): whether it waited for its answer. None comes then, and a process that was
    /// to be linked ends by the reason `abandoned`.
    pub fn spawn_request_abandon(&self, request: &Reference) -> bool {
        self.handle.table.spawn_request_abandon(self.id, request)
    }

    /// Asks, and waits for the answer, which is no item then.
    fn spawned(
        &self,
        node: &NodeName,
        mfa: Mfa,
        options: &SpawnOptions,
    ) -> Result<(Pid, Reference), SpawnError> {
        let spawning = Spawning::new(mfa, options, &ReplyOptions::default());
        let spawning = spawning.map_err(|_| SendError::TooLong)?;
        self.approach(node.as_atom())?;
        let own = (self.id, &*self.queue);
        SpawnCall::begin(&self.handle.table, own, node, spawning)?.wait_blocking()
    }
}
