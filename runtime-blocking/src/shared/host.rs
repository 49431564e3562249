//! Carries the kernel's outputs out. Nothing here blocks: what takes time is a thread's or a task's.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use netkernel_core::driver::Host;
use netkernel_core::liveness::Traffic;
use netkernel_core::net_kernel::{
    self, Answer, Diagnostic, Endpoint, Input, NodeEvent, OpenError, OptionName, OptsError,
    OwnName, Promotion, Purpose, SocketOption, StartOptions, Target,
};
use netkernel_core::process::Caller;
use netkernel_core::{Creation, Family, LinkId, MailboxId, NodeName, RequestId, StreamId};
use socket2::Socket;

use super::embedded_epmd::EmbeddedEpmd;
use super::trace::{self, Gist};
use super::{
    EpmdListeners, Listener, Origin, Port, Reply, Stream, Table, Wish, listen, open_error,
    socket_options,
};
use crate::config::{EpmdMode, NodeConfig};
use crate::epmd_handle::EpmdHandle;
use crate::identity::Identity;
use crate::item::Item;

/// Serves streams and the listener, by threads or tasks. Neither method may block.
pub trait Carrier {
    /// Begins to serve a stream: to open it, to read and write as is wished, and to report its end.
    ///
    /// # Errors
    /// The operating system gives no thread.
    fn run(&self, stream: Arc<Stream>, origin: Origin) -> io::Result<()>;

    /// Begins to accept, until the port is closed.
    ///
    /// # Errors
    /// As above.
    fn accept(&self, port: Arc<Port>) -> io::Result<()>;

    /// Begins to serve an EPMD, until it is stopped or killed.
    ///
    /// # Errors
    /// As above.
    fn serve_epmd(&self, listeners: EpmdListeners) -> io::Result<EpmdHandle>;
}

/// The effects of one node.
#[derive(Debug)]
pub struct RuntimeHost<C> {
    config: NodeConfig,
    table: Arc<Table>,
    carrier: C,
    bind: IpAddr,
    listener: Option<Listener>,
    epmd: EmbeddedEpmd,
    identity: Option<(NodeName, Creation)>,
    streams: BTreeMap<StreamId, Entry>,
    /// What happened at once, while the kernel was being served.
    inputs: VecDeque<Input>,
    calls: BTreeMap<RequestId, Reply<Answer>>,
    /// Processes of other nodes that wait for an answer, with the stream that the request came on.
    callers: BTreeMap<RequestId, (StreamId, Caller)>,
    /// Mailboxes that want diagnostics.
    logs: BTreeSet<MailboxId>,
}

#[derive(Debug)]
struct Entry {
    stream: Arc<Stream>,
    /// Dialled, and the kernel has not heard yet how that ended.
    opening: bool,
    /// Where to dial once more if nobody is there, after an EPMD was served there.
    retry: Option<Target>,
    /// The link, once it is up.
    link: Option<(NodeName, LinkId)>,
}

impl<C> RuntimeHost<C> {
    /// Frees those who wait for a link.
    pub(crate) fn abandon(&self) {
        self.epmd.stop();
        self.table.abandon();
    }
}

impl<C: Carrier> RuntimeHost<C> {
    pub(crate) fn new(config: NodeConfig, table: Arc<Table>, carrier: C) -> Self {
        Self {
            config,
            table,
            carrier,
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            listener: None,
            epmd: EmbeddedEpmd::new(),
            identity: None,
            streams: BTreeMap::new(),
            inputs: VecDeque::new(),
            calls: BTreeMap::new(),
            callers: BTreeMap::new(),
            logs: BTreeSet::new(),
        }
    }

    /// The next thing that happened while the kernel was being served.
    pub(crate) fn next_input(&mut self) -> Option<Input> {
        self.inputs.pop_front()
    }

    /// Whether the kernel is to hear of this: what comes of a stream that it has given up is dropped.
    pub(crate) fn admits(&mut self, input: &Input) -> bool {
        trace::input(input);
        match input {
            Input::Opened { stream, .. } => {
                let entry = self.streams.get_mut(stream);
                entry.map(|entry| entry.opening = false).is_some()
            }
            Input::Received { stream, .. } => self.streams.contains_key(stream),
            Input::OpenFailed { stream, error } if self.redials(*stream, *error) => false,
            Input::OpenFailed { stream, .. } | Input::Closed { stream, .. } => {
                self.streams.remove(stream).is_some()
            }
            Input::Timeout
            | Input::Listening { .. }
            | Input::ListenFailed { .. }
            | Input::ListenerLost
            | Input::Accepted { .. }
            | Input::Sampled { .. }
            | Input::OptsSet { .. }
            | Input::OptsGot { .. } => true,
        }
    }

    /// Serves a connection that the listener accepted.
    pub(crate) fn accepted(&mut self, id: StreamId, socket: Socket) -> io::Result<()> {
        let stream = self.run(id, Origin::Accepted(Arc::new(socket)))?;
        trace::accepted(id);
        self.streams.insert(id, Entry { stream, opening: false, retry: None, link: None });
        Ok(())
    }

    /// Serves EPMD where nobody does, and dials again; whoever was faster is as good. `false` if there is no reason to.
    fn redials(&mut self, id: StreamId, error: OpenError) -> bool {
        let retry = self.streams.get_mut(&id).and_then(|entry| entry.retry.take());
        let Some(target) = retry.filter(|_| error == OpenError::Refused) else { return false };
        self.serve_epmd();
        let again = self.run(id, Origin::Dial(target, self.config.kernel.effective_setup_time()));
        match (again, self.streams.get_mut(&id)) {
            (Ok(stream), Some(entry)) => {
                entry.stream = stream;
                true
            }
            _ => false,
        }
    }

    fn serve_epmd(&mut self) {
        let addresses = self.config.epmd_addresses(self.bind);
        self.epmd.serve(&self.carrier, addresses, self.config.kernel.epmd_port);
    }

    fn run(&self, id: StreamId, origin: Origin) -> io::Result<Arc<Stream>> {
        let stream = Arc::new(Stream::new(id, &origin, self.config.limits));
        self.carrier.run(Arc::clone(&stream), origin)?;
        Ok(stream)
    }

    /// Remembers what the listener will need.
    pub(crate) fn prepare_start(&mut self, options: &StartOptions) {
        let OwnName::Static(name) = &options.name else { return };
        if options.listen && self.identity.is_none() {
            self.bind = self.config.bind_for(name);
        }
    }

    fn open_listener(&self) -> Result<Listener, OpenError> {
        let backlog = self.config.backlog;
        match &self.config.listen_path {
            Some(path) => Listener::at(path, backlog),
            None => {
                let socket = listen(self.checked_bind()?, self.config.ports(), backlog)?;
                Listener::new(socket).map_err(|error| open_error(&error))
            }
        }
    }

    /// The address to listen on, which must be of the node's family, as Erlang's must.
    fn checked_bind(&self) -> Result<IpAddr, OpenError> {
        let fits = Family::of(self.bind) == self.config.kernel.family;
        fits.then_some(self.bind).ok_or(OpenError::BadAddress)
    }

    pub(crate) fn await_answer(&mut self, request: RequestId, reply: Reply<Answer>) {
        self.calls.insert(request, reply);
    }

    /// The caller of this request is to be told its answer on the stream that it came on. Who has no link any more waits for nothing.
    pub(crate) fn await_reply(&mut self, request: RequestId, stream: StreamId, caller: Caller) {
        if self.streams.contains_key(&stream) {
            self.callers.insert(request, (stream, caller));
        }
    }

    //= docs/spec/requests.md#request-own-link
    /// Answers on the stream that the request came on, if that is still there.
    fn tell_caller(&self, stream: StreamId, caller: &Caller, reply: &net_kernel::Reply) {
        let (Some(entry), Some(frame)) = (self.streams.get(&stream), caller.answer(reply)) else {
            return;
        };
        let gist = Gist::of_answer(&frame);
        let pushed = entry.stream.outgoing.with(|writer| {
            trace::sent(caller.node(), gist);
            writer.push_forced(frame)
        });
        if let Err(violation) = pushed {
            entry.stream.violated(violation);
        }
    }

    pub(crate) fn monitor_diagnostics(&mut self, mailbox: MailboxId, on: bool) {
        if on {
            self.logs.insert(mailbox);
        } else {
            self.logs.remove(&mailbox);
        }
    }

    pub(crate) fn identity(&self) -> Option<Identity> {
        let port = self.listener.as_ref().and_then(Listener::port);
        let (name, creation) = self.identity.clone()?;
        Some(Identity { name, creation, port })
    }

    /// Whether no stream and no listener is left.
    pub(crate) fn is_idle(&self) -> bool {
        self.streams.is_empty() && self.listener.is_none()
    }
}

impl<C: Carrier> Host for RuntimeHost<C> {
    fn listen(&mut self) {
        let opened = self.open_listener().and_then(|listener| {
            self.carrier.accept(listener.share()).map_err(|error| open_error(&error))?;
            Ok(listener)
        });
        self.inputs.push_back(match opened {
            Ok(listener) => {
                // Without one nobody is told of it.
                let port = listener.port().unwrap_or_default();
                self.listener = Some(listener);
                Input::Listening { port }
            }
            Err(error) => Input::ListenFailed { error },
        });
    }

    fn unlisten(&mut self) {
        self.listener = None;
        self.epmd.stop();
        // The kernel wants no answer any more, if it has not had one.
        self.inputs
            .retain(|input| !matches!(input, Input::Listening { .. } | Input::ListenFailed { .. }));
    }

    fn open(&mut self, stream: StreamId, target: Target) {
        tracing::debug!(?stream, address = %target.address, "dialling");
        trace::dialling(stream, &target);
        let registers = target.purpose == Purpose::Registration;
        if registers && self.config.epmd == EpmdMode::Embedded {
            self.serve_epmd();
        }
        let retry = (registers && self.config.epmd == EpmdMode::Auto).then(|| target.clone());
        match self.run(stream, Origin::Dial(target, self.config.kernel.effective_setup_time())) {
            Ok(started) => {
                let entry = Entry { stream: started, opening: true, retry, link: None };
                self.streams.insert(stream, entry);
            }
            Err(error) => {
                let error = open_error(&error);
                self.inputs.push_back(Input::OpenFailed { stream, error });
            }
        }
    }

    fn read(&mut self, stream: StreamId) {
        if let Some(entry) = self.streams.get(&stream) {
            entry.stream.wish(Wish::Read);
        }
    }

    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        if let Some(entry) = self.streams.get(&stream) {
            entry.stream.outgoing.with(|writer| writer.push_raw(bytes));
        }
    }

    fn attempting(&mut self, node: NodeName, link: LinkId) {
        trace::attempting(&node, link);
        self.table.attempting(node, link, self.config.limits);
    }

    fn alive(&mut self, name: NodeName, creation: Creation) {
        trace::alive(&name, creation);
        self.table.alive(&name, creation);
        self.epmd.saw(creation);
        self.identity = Some((name, creation));
    }

    fn not_alive(&mut self) {
        trace::not_alive();
        self.table.not_alive();
        self.identity = None;
    }

    fn event(&mut self, to: MailboxId, event: NodeEvent) {
        trace::told(&event);
        self.table.push(to, Item::Event(event));
    }

    fn promote(&mut self, stream: StreamId, promotion: Promotion) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        entry.link = Some((promotion.node.clone(), promotion.link));
        entry.stream.lift_write_limit();
        entry.stream.set_peer(promotion.node.clone());
        trace::up(stream, &promotion);
        self.table.promoted(&promotion, &entry.stream);
        entry.stream.wish(Wish::Promote(Box::new(promotion)));
    }

    fn tick(&mut self, stream: StreamId) {
        if let Some(entry) = self.streams.get(&stream) {
            entry.stream.outgoing.with(netkernel_core::link::LinkWriter::tick);
            if let Some((node, _)) = &entry.link {
                trace::ticked(node);
            }
        }
    }

    fn sample(&mut self, stream: StreamId) -> Option<Traffic> {
        self.streams.get(&stream).map(|entry| entry.stream.traffic())
    }

    fn setopts(&mut self, endpoint: Endpoint, options: &[SocketOption]) -> Result<(), OptsError> {
        let set = |socket: &Socket| socket_options::set(socket, options);
        match endpoint {
            Endpoint::Listener => self.listener.as_ref().map(|listener| set(listener.socket())),
            Endpoint::Stream(stream) => {
                self.streams.get(&stream).and_then(|entry| entry.stream.with_socket(set))
            }
        }
        .unwrap_or(Err(OptsError::NoConnection))
    }

    fn getopts(
        &mut self,
        stream: StreamId,
        names: &[OptionName],
    ) -> Result<Vec<SocketOption>, OptsError> {
        let get = |socket: &Socket| socket_options::get(socket, names);
        self.streams
            .get(&stream)
            .and_then(|entry| entry.stream.with_socket(get))
            .unwrap_or(Err(OptsError::NoConnection))
    }

    fn close(&mut self, stream: StreamId, abort: bool) {
        let Some(entry) = self.streams.get(&stream) else { return };
        trace::closing(stream, abort);
        if let Some((node, link)) = &entry.link {
            self.table.closing(node, *link);
        }
        if entry.opening {
            // Cancelled: the dialling ends by itself, some time, and nobody waits for that.
            entry.stream.close(true);
            self.streams.remove(&stream);
        } else {
            entry.stream.close(abort);
        }
    }

    fn disconnected(&mut self, node: NodeName, link: LinkId, was_up: bool) {
        trace::down(&node, link, was_up);
        self.table.disconnected(&node, link);
    }

    fn answer(&mut self, request: RequestId, answer: Answer) {
        if let Some(reply) = self.calls.remove(&request) {
            reply.send(answer);
        } else if let Some((stream, caller)) = self.callers.remove(&request) {
            self.tell_caller(stream, &caller, &answer.to_reply());
        }
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        trace::diagnosed(&diagnostic);
        // Strangers must not be able to fill a log.
        if matches!(diagnostic, Diagnostic::AcceptFailed { .. }) {
            tracing::debug!(target: "netkernel::diagnostic", "{diagnostic}");
        } else {
            tracing::warn!(target: "netkernel::diagnostic", "{diagnostic}");
        }
        for mailbox in &self.logs {
            self.table.push(*mailbox, Item::Diagnostic(diagnostic.clone()));
        }
    }
}
