//! The owner: the one thread or task that has the kernel.

use std::sync::Arc;
use std::time::Instant as Moment;

use netkernel_core::Instant;
use netkernel_core::driver::{Machine as _, turn};
use netkernel_core::net_kernel::{Answer, Input, NetKernel, mfa};
use netkernel_core::process::Request;
use socket2::Socket;

use super::{
    Call, Carrier, Clock, Inbox, Message, Parting, Reply, RuntimeHost, Surroundings, entropy,
    is_local,
};
use crate::config::NodeConfig;

/// What the thread or task works with.
#[derive(Debug)]
pub struct Owner<C> {
    kernel: NetKernel,
    host: RuntimeHost<C>,
    clock: Clock,
    inbox: Arc<Inbox>,
    /// Of stops that the kernel has just been told.
    partings: Vec<Parting>,
    leaving: bool,
}

/// What the owner is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Take the next message, and come back, or come back at that moment without one.
    Wait(Option<Moment>),
    /// End.
    End,
}

impl<C: Carrier> Owner<C> {
    /// An owner of a new node. `carrier` serves the streams.
    pub fn new(mut config: NodeConfig, surroundings: Surroundings, carrier: C) -> Self {
        config.settle();
        surroundings.table.serve_requests(config.remote_requests);
        Self {
            kernel: NetKernel::new(config.kernel.clone()),
            inbox: Arc::clone(&surroundings.inbox),
            host: RuntimeHost::new(config, surroundings.table, carrier),
            clock: Clock::start(),
            partings: Vec::new(),
            leaving: false,
        }
    }

    /// Carries out what the kernel wants. To be called before each message, so that deadlines that have passed are served
    /// before the inbox.
    pub fn turn(&mut self) -> Next {
        loop {
            let now = self.clock.now();
            let wake = turn(&mut self.kernel, now, &mut self.host);
            if let Some(input) = self.host.next_input() {
                self.kernel.handle(now, input);
                continue;
            }
            let outputs_left = wake.is_some_and(|wake| wake <= now);
            if !outputs_left {
                // The links are closed, or are not to be.
                self.partings.clear();
            }
            if !outputs_left && self.leaving && self.host.is_idle() {
                return Next::End;
            }
            return Next::Wait(wake.and_then(|wake| self.clock.moment(wake)));
        }
    }

    /// Handles a message.
    pub fn take(&mut self, message: Message) {
        let now = self.clock.now();
        match message {
            Message::Input(input) => {
                if self.host.admits(&input) {
                    self.kernel.handle(now, input);
                }
            }
            Message::Accepted(socket) => self.accept(now, socket),
            Message::Call(call, reply) => self.call(now, call, reply),
            Message::MonitorNodes { mailbox, flag, options, done } => {
                self.kernel.monitor_nodes(mailbox, flag, options);
                done.send(());
            }
            Message::MonitorDiagnostics(mailbox, on, done) => {
                self.host.monitor_diagnostics(mailbox, on);
                done.send(());
            }
            Message::SetCookie(peer, cookie, done) => {
                self.kernel.set_cookie(peer, cookie);
                done.send(());
            }
            Message::SetOwnCookie(cookie, done) => {
                self.kernel.set_own_cookie(cookie);
                done.send(());
            }
            Message::GetCookie(None, reply) => reply.send(self.kernel.own_cookie().clone()),
            Message::GetCookie(Some(peer), reply) => {
                reply.send(self.kernel.get_cookie(&peer).clone());
            }
            Message::SetAddress(peer, address, done) => {
                self.kernel.set_address(peer, address);
                done.send(());
            }
            Message::SetNetTicktime { seconds, transition_seconds, reply } => {
                reply.send(self.kernel.set_net_ticktime(now, seconds, transition_seconds));
            }
            Message::GetNetTicktime(reply) => reply.send(self.kernel.get_net_ticktime()),
            Message::Allow(nodes, reply) => {
                let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
                reply.send(self.kernel.allow(&nodes));
            }
            Message::Nodes(kinds, reply) => reply.send(self.kernel.nodes(kinds).collect()),
            Message::State(reply) => reply.send(self.kernel.get_state()),
            Message::Identity(reply) => reply.send(self.host.identity()),
            Message::Request(stream, Request::Call { body, caller }) => {
                let request = self.kernel.request(now, caller.node(), &body);
                self.host.await_reply(request, stream, caller);
            }
            Message::Request(_, Request::Cast { body }) => self.kernel.cast(now, &body),
            Message::Forget(mailbox) => {
                self.kernel.mailbox_died(mailbox);
                self.host.monitor_diagnostics(mailbox, false);
            }
            Message::Leave => {
                self.leaving = true;
                let _ = self.kernel.halt(now);
            }
        }
    }

    fn call(&mut self, now: Instant, call: Call, reply: Reply<Answer>) {
        let request = match call {
            Call::Start(options) => {
                // Without randomness there is no creation; the caller is told that the node is gone.
                let Ok(entropy) = entropy() else { return };
                self.host.prepare_start(&options);
                self.kernel.start(now, options, entropy)
            }
            Call::Stop(parting) => {
                self.partings.push(parting);
                self.kernel.stop(now)
            }
            Call::Halt(parting) => {
                self.partings.push(parting);
                self.kernel.halt(now)
            }
            Call::Connect(node) => self.kernel.connect_node(now, node),
            Call::HiddenConnect(node) => self.kernel.hidden_connect_node(now, node),
            Call::ConnectAutomatically(node) => self.kernel.connect_automatically(now, node),
            Call::AutoConnect(node, seen) => self.kernel.auto_connect(now, &node, seen),
            Call::Disconnect(node) => self.kernel.disconnect_node(now, &node),
            Call::Names(host) => self.kernel.names(now, &host),
            Call::NodeInfo(node) => self.kernel.node_info(now, &node),
            Call::NodesInfo => self.kernel.nodes_info(now),
            Call::GetOpts(node, names) => self.kernel.getopts(now, &node, names),
            Call::SetOpts(node, options) => self.kernel.setopts(now, &node, options),
            Call::SetOptsNew(options) => self.kernel.setopts_new(now, options),
            Call::Apply(caller, call) => {
                let Ok(entropy) = entropy() else { return };
                if let mfa::Call::Start(Ok(options)) = &call {
                    self.host.prepare_start(options);
                }
                self.kernel.apply(now, caller, call, entropy)
            }
        };
        self.host.await_answer(request, reply);
    }

    /// Takes a connection in; without randomness or threads it is dropped, as if nobody had accepted it.
    fn accept(&mut self, now: Instant, socket: Socket) {
        let (stream, local) = (self.kernel.mint_stream(), is_local(&socket));
        match entropy().and_then(|entropy| self.host.accepted(stream, socket).map(|()| entropy)) {
            Ok(entropy) => self.kernel.handle(now, Input::Accepted { stream, entropy, local }),
            Err(error) => tracing::warn!(%error, "dropping an incoming connection"),
        }
    }
}

/// Whoever waits for the node is told that it is gone, also if it did not end by itself.
impl<C> Drop for Owner<C> {
    fn drop(&mut self) {
        self.inbox.close();
        self.host.abandon();
    }
}
