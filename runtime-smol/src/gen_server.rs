//! Servers in the manner of `gen_server`.

use core::future::Future;
use core::panic::AssertUnwindSafe;
use std::panic::resume_unwind;
use std::sync::Arc;

use futures_lite::{FutureExt as _, future};
use netkernel_blocking::shared::{Handle, PANIC, Received, Reply, reply};
use netkernel_blocking::{CallReaction, Info, Reaction, StartServerError};
use netkernel_core::MailboxId;
use netkernel_core::calls::gen_server::Client;
use netkernel_core::calls::sys::System;
use netkernel_core::term::{Atom, Pid, Term};

use crate::mailbox::Mailbox;
use crate::node::Node;
use crate::owner::SLICE;

/// A server that processes of Erlang, Elixir and this node call by `gen_server:call/2,3` and `cast/2`. Its value is the state.
///
/// An exit signal ends it without [`terminate`](Self::terminate), unless it traps exits ([`Mailbox::trap_exit`]): then it is an [`Info`]. A panic ends it for the
/// reason `panic`, without `terminate`. Its functions must not block. `gen_server:stop/1,3` ends it; other calls of `sys` it does not know.
pub trait GenServer: Send {
    /// Called once, before anything else, in the process of the server (`init/1`).
    ///
    /// # Errors
    /// The reason for which there is to be no server.
    fn init(&mut self, own: &Mailbox) -> impl Future<Output = Result<(), Term>> + Send {
        let _ = own;
        async { Ok(()) }
    }

    /// Called once after `init`, before any message, while whoever started the server goes on already (`handle_continue/2`, to which `init/1` leads by
    /// `{ok,State,{continue,Continue}}`; by a [`Reaction::Timeout`], `{ok,State,Timeout}`). What a call leaves to be done after its reply is done after [`Mailbox::reply`].
    fn handle_continue(&mut self, own: &Mailbox) -> impl Future<Output = Reaction> + Send {
        let _ = own;
        async { Reaction::Continue }
    }

    /// A call (`handle_call/3`). `client` is for a reply that is given later, by [`Mailbox::reply`].
    fn handle_call(
        &mut self,
        own: &Mailbox,
        request: Term,
        client: Client,
    ) -> impl Future<Output = CallReaction> + Send;

    /// A cast (`handle_cast/2`). At first they are dropped.
    fn handle_cast(
        &mut self,
        own: &Mailbox,
        request: Term,
    ) -> impl Future<Output = Reaction> + Send {
        let _ = (own, request);
        async { Reaction::Continue }
    }

    /// Anything else (`handle_info/2`). At first it is dropped.
    fn handle_info(&mut self, own: &Mailbox, info: Info) -> impl Future<Output = Reaction> + Send {
        let _ = (own, info);
        async { Reaction::Continue }
    }

    /// The server is about to end for this reason (`terminate/2`).
    fn terminate(&mut self, own: &Mailbox, reason: &Term) -> impl Future<Output = ()> + Send {
        let _ = (own, reason);
        async {}
    }
}

impl Node {
    /// Starts a server in a task of its own, under that name if there is one (`gen_server:start/3,4`), and waits for its `init`: its pid.
    ///
    /// While it runs it keeps the node from stopping by itself. If the future is dropped the server ends by the reason `killed`, and its `init`
    /// goes on no further, as one that takes too long to start in Erlang.
    ///
    /// # Errors
    /// [`StartServerError`].
    //= docs/spec/calls.md#call-start-given-up
    pub async fn start_server(
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
        let (wanted, given_up) = reply::<()>();
        let starting = Starting {
            handle: Arc::clone(&self.handle),
            id: own.id,
            is_over: false,
            _wanted: wanted,
        };
        let run = async move {
            let init = AssertUnwindSafe(server.init(&own)).catch_unwind();
            let init = async { Some(init.await) };
            let given_up = async {
                given_up.wait().await;
                None
            };
            match future::or(init, given_up).await {
                Some(Ok(Ok(()))) => {
                    started.send(Ok(()));
                    let first = server.handle_continue(&own).await;
                    own.serve_from(&mut server, first).await;
                }
                //= docs/spec/calls.md#call-start-fails
                Some(Ok(Err(reason))) => {
                    let _ = own.terminate(&reason);
                    started.send(Err(reason));
                }
                Some(Err(_panic)) => {
                    own.end(&PANIC);
                    drop(started);
                }
                None => {}
            }
        };
        // A panic ends the process alone, and not whoever runs the executor.
        let run = async move { drop(AssertUnwindSafe(run).catch_unwind().await) };
        (self.spawner.0)(Box::pin(run));
        let init = waiting.wait().await;
        starting.succeeds();
        match init {
            Some(Ok(())) => Ok(pid),
            Some(Err(reason)) => Err(StartServerError::Init(reason)),
            None => Err(StartServerError::Died),
        }
    }
}

/// A server that somebody waits for, and that ends if he does so no more.
struct Starting {
    handle: Arc<Handle>,
    id: MailboxId,
    is_over: bool,
    /// Dropping it ends `init`.
    _wanted: Reply<()>,
}

impl Starting {
    fn succeeds(mut self) {
        self.is_over = true;
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if !self.is_over {
            self.handle.table.kill(self.id);
        }
    }
}

impl Mailbox {
    /// Runs a server in this process until it ends, without its `init` (`gen_server:enter_loop/3`).
    pub async fn serve(self, server: &mut impl GenServer) {
        self.serve_from(server, Reaction::Continue).await;
    }

    /// As [`Self::serve`], after that reaction.
    async fn serve_from(self, server: &mut impl GenServer, first: Reaction) {
        let Some((reason, last)) = self.serve_calls(server, first).await else { return };
        if self.handle.table.known_sender(self.id).is_err() {
            return; // an exit signal has come meanwhile
        }
        let terminated = AssertUnwindSafe(server.terminate(&self, &reason)).catch_unwind().await;
        //= docs/spec/calls.md#call-stop
        if let Some((client, reply)) = last {
            let _ = self.reply(&client, &reply).await;
        }
        match terminated {
            Ok(()) => drop(self.terminate(&reason)),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Why the server is to end, and who is told after that; `None` if its process has ended.
    async fn serve_calls(
        &self,
        server: &mut impl GenServer,
        first: Reaction,
    ) -> Option<(Term, Option<(Client, Term)>)> {
        let mut reaction = first;
        let mut taken = 0;
        loop {
            taken += 1;
            if taken == SLICE {
                taken = 0;
                // Who always has messages must not keep others from running.
                future::yield_now().await;
            }
            let item = match reaction {
                Reaction::Continue => Some(self.recv().await),
                Reaction::Timeout(after) => self.recv_timeout(after).await,
                Reaction::Stop(reason) => return Some((reason, None)),
            };
            reaction = match Received::of(item, &self.handle.term_limits) {
                Received::Call(client, request) => {
                    let reacted = server.handle_call(self, request, client.clone()).await;
                    match reacted.split() {
                        (reply, Reaction::Stop(reason)) => {
                            return Some((reason, reply.map(|reply| (client, reply))));
                        }
                        (reply, next) => {
                            if let Some(reply) = reply {
                                // A reply that nobody can get is none.
                                let _ = self.reply(&client, &reply).await;
                            }
                            next
                        }
                    }
                }
                Received::Cast(request) => server.handle_cast(self, request).await,
                Received::System(client, request) => {
                    let _ = self.reply(&client, &request.answer()).await;
                    match request {
                        System::Terminate(reason) => Reaction::Stop(reason),
                        System::Other(_) => reaction,
                    }
                }
                Received::Info(info) => server.handle_info(self, info).await,
                Received::Ended => return None,
            };
        }
    }
}
