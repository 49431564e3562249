//! Servers in the manner of `gen_server`.

use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};
use std::thread;

use netkernel_core::calls::gen_server::Client;
use netkernel_core::calls::sys::System;
use netkernel_core::term::{Atom, Pid, Term};

use crate::call_error::StartServerError;
use crate::mailbox::Mailbox;
use crate::node::Node;
use crate::shared::{self, CallReaction, Info, Reaction, Received, reply};

/// A server that processes of Erlang, Elixir and this node call by `gen_server:call/2,3` and `cast/2`. Its value is the state.
///
/// An exit signal ends it without [`terminate`](Self::terminate), unless it traps exits ([`Mailbox::trap_exit`]): then it is an [`Info`]. A panic ends it for the
/// reason `panic`, without `terminate`. `gen_server:stop/1,3` ends it; other calls of `sys` it does not know.
pub trait GenServer: Send {
    /// Called once, before anything else, in the process of the server (`init/1`).
    ///
    /// # Errors
    /// The reason for which there is to be no server.
    fn init(&mut self, own: &Mailbox) -> Result<(), Term> {
        let _ = own;
        Ok(())
    }

    /// Called once after `init`, before any message, while whoever started the server goes on already (`handle_continue/2`, to which `init/1` leads by
    /// `{ok,State,{continue,Continue}}`; by a [`Reaction::Timeout`], `{ok,State,Timeout}`). What a call leaves to be done after its reply is done after [`Mailbox::reply`].
    fn handle_continue(&mut self, own: &Mailbox) -> Reaction {
        let _ = own;
        Reaction::Continue
    }

    /// A call (`handle_call/3`). `client` is for a reply that is given later, by [`Mailbox::reply`].
    fn handle_call(&mut self, own: &Mailbox, request: Term, client: Client) -> CallReaction;

    /// A cast (`handle_cast/2`). At first they are dropped.
    fn handle_cast(&mut self, own: &Mailbox, request: Term) -> Reaction {
        let _ = (own, request);
        Reaction::Continue
    }

    /// Anything else (`handle_info/2`). At first it is dropped.
    fn handle_info(&mut self, own: &Mailbox, info: Info) -> Reaction {
        let _ = (own, info);
        Reaction::Continue
    }

    /// The server is about to end for this reason (`terminate/2`).
    fn terminate(&mut self, own: &Mailbox, reason: &Term) {
        let _ = (own, reason);
    }
}

impl Node {
    /// Starts a server in a thread of its own, under that name if there is one (`gen_server:start/3,4`), and waits for its `init`: its pid.
    ///
    /// While it runs it keeps the node from stopping by itself.
    ///
    /// # Errors
    /// [`StartServerError`].
    pub fn start_server(
        &self,
        name: Option<&Atom>,
        mut server: impl GenServer + 'static,
    ) -> Result<Pid, StartServerError> {
        let own = self.mailbox();
        let pid = own.pid().ok_or(StartServerError::NotAlive)?;
        if let Some(name) = name {
            own.register(name.clone()).map_err(StartServerError::Name)?;
        }
        let (started, waiting) = reply();
        let run = move || match catch_unwind(AssertUnwindSafe(|| server.init(&own))) {
            Ok(Ok(())) => {
                started.send(Ok(()));
                let first = server.handle_continue(&own);
                own.serve_from(&mut server, first);
            }
            //= docs/spec/calls.md#call-start-fails
            Ok(Err(reason)) => {
                let _ = own.terminate(&reason);
                started.send(Err(reason));
            }
            Err(panic) => {
                own.end(&shared::PANIC);
                drop(started);
                resume_unwind(panic);
            }
        };
        let label = name.map_or("netkernel server", Atom::as_str).to_owned();
        // A thread's name has no zero byte.
        let builder = thread::Builder::new().name(label.replace('\0', ""));
        builder.spawn(run).map_err(|_| StartServerError::SystemLimit)?;
        match waiting.block() {
            Some(Ok(())) => Ok(pid),
            Some(Err(reason)) => Err(StartServerError::Init(reason)),
            None => Err(StartServerError::Died),
        }
    }
}

impl Mailbox {
    /// Runs a server in this process until it ends, without its `init` (`gen_server:enter_loop/3`).
    pub fn serve(self, server: &mut impl GenServer) {
        self.serve_from(server, Reaction::Continue);
    }

    /// As [`Self::serve`], after that reaction.
    fn serve_from(self, server: &mut impl GenServer, first: Reaction) {
        let Some((reason, last)) = self.serve_calls(server, first) else { return };
        if self.handle.table.known_sender(self.id).is_err() {
            return; // an exit signal has come meanwhile
        }
        let terminate = AssertUnwindSafe(|| server.terminate(&self, &reason));
        let terminated = catch_unwind(terminate);
        //= docs/spec/calls.md#call-stop
        if let Some((client, reply)) = last {
            let _ = self.reply(&client, &reply);
        }
        match terminated {
            Ok(()) => drop(self.terminate(&reason)),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Why the server is to end, and who is told after that; `None` if its process has ended.
    fn serve_calls(
        &self,
        server: &mut impl GenServer,
        first: Reaction,
    ) -> Option<(Term, Option<(Client, Term)>)> {
        let mut reaction = first;
        loop {
            let item = match reaction {
                Reaction::Continue => Some(self.recv()),
                Reaction::Timeout(after) => self.recv_timeout(after),
                Reaction::Stop(reason) => return Some((reason, None)),
            };
            reaction = match Received::of(item, &self.handle.term_limits) {
                Received::Call(client, request) => {
                    let reacted = server.handle_call(self, request, client.clone());
                    match reacted.split() {
                        (reply, Reaction::Stop(reason)) => {
                            return Some((reason, reply.map(|reply| (client, reply))));
                        }
                        (reply, next) => {
                            if let Some(reply) = reply {
                                // A reply that nobody can get is none.
                                let _ = self.reply(&client, &reply);
                            }
                            next
                        }
                    }
                }
                Received::Cast(request) => server.handle_cast(self, request),
                Received::System(client, request) => {
                    let _ = self.reply(&client, &request.answer());
                    match request {
                        System::Terminate(reason) => Reaction::Stop(reason),
                        System::Other(_) => reaction,
                    }
                }
                Received::Info(info) => server.handle_info(self, info),
                Received::Ended => return None,
            };
        }
    }
}
