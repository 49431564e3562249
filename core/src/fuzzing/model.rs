//! What a host knows of its kernel, and what it may rely on: every output is checked against all that came before.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;

use super::calls::Call;
use super::far::{Far, Mood};
use crate::creation::Creation;
use crate::driver::Host;
use crate::flags::Flags;
use crate::ids::{LinkId, MailboxId, RequestId, StreamId};
use crate::link::{Frame, Limits, Peer};
use crate::liveness::Traffic;
use crate::name::NodeName;
use crate::net_kernel::{
    Answer, ConnectionId, Diagnostic, DistAutoConnect, Endpoint, NetKernel, NodeEvent, NodeInfo,
    NodeKind, NodeKinds, OptionName, OptsError, Promotion, Purpose, SocketOption, Target,
};
use crate::time::Instant;

/// One stream, as the host sees it.
pub(super) struct Stream {
    pub(super) state: StreamState,
    /// The kernel said Close. Nothing may follow.
    closed: bool,
    /// The kernel said Read, and has not been answered.
    pub(super) reading: bool,
    promoted: Option<NodeName>,
    traffic: Traffic,
    pub(super) far: Far,
    /// What the far end has written.
    pub(super) inbox: Vec<u8>,
}

impl Stream {
    /// The kernel reads, and will get the end of the stream.
    pub(super) fn is_at_end(&self) -> bool {
        self.reading && self.inbox.is_empty() && matches!(self.far, Far::Mute)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamState {
    Opening,
    Open,
    /// The kernel said Close; Closed is owed to it.
    Closing,
    /// Nothing is owed any more.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    None,
    Asked,
    Open,
}

/// A row of the connection table, as the outputs tell it.
pub(super) struct Row {
    link: LinkId,
    /// The stream that was promoted.
    pub(super) up: Option<StreamId>,
}

pub(super) struct Model {
    pub(super) now: Instant,
    pub(super) mood: Mood,
    pub(super) streams: BTreeMap<StreamId, Stream>,
    pub(super) calls: BTreeMap<RequestId, Call>,
    pub(super) listener: Listener,
    pub(super) alive: Option<NodeName>,
    /// Started without a name.
    pub(super) nameless: bool,
    pub(super) auto_connect: DistAutoConnect,
    /// What is on the allow list: each entry once, in the order of the calls.
    pub(super) allowed: Vec<&'static str>,
    /// Subscribed from the beginning to the end.
    subscriber: MailboxId,
    seen_up: BTreeMap<NodeName, LinkId>,
    pub(super) rows: BTreeMap<NodeName, Row>,
    peers: BTreeMap<NodeName, Peer>,
    /// The last link or attempt of each node.
    pub(super) last_links: BTreeMap<NodeName, LinkId>,
    last_link: Option<LinkId>,
    /// Outputs since they were counted last.
    pub(super) outputs: usize,
}

impl Model {
    pub(super) const fn new(subscriber: MailboxId, auto_connect: DistAutoConnect) -> Self {
        Self {
            now: Instant::ORIGIN,
            mood: Mood(0),
            streams: BTreeMap::new(),
            calls: BTreeMap::new(),
            listener: Listener::None,
            alive: None,
            nameless: false,
            auto_connect,
            allowed: Vec::new(),
            subscriber,
            seen_up: BTreeMap::new(),
            rows: BTreeMap::new(),
            peers: BTreeMap::new(),
            last_links: BTreeMap::new(),
            last_link: None,
            outputs: 0,
        }
    }

    pub(super) fn add_stream(&mut self, id: StreamId, state: StreamState, far: Far) -> &mut Stream {
        assert!(!self.streams.contains_key(&id), "{id:?} was used before");
        self.streams.entry(id).or_insert(Stream {
            state,
            closed: false,
            reading: false,
            promoted: None,
            traffic: Traffic::default(),
            far,
            inbox: Vec::new(),
        })
    }

    /// Streams in this state, oldest first.
    pub(super) fn streams_that(&self, is: impl Fn(&Stream) -> bool) -> Vec<StreamId> {
        self.streams.iter().filter(|(_, stream)| is(stream)).map(|(id, _)| *id).collect()
    }

    /// What can be seen at any time, whether outputs wait or not.
    pub(super) fn observe(&mut self, kernel: &NetKernel) {
        let alive = kernel.is_alive();
        if !alive {
            self.allowed.clear();
        }
        let allowed: Vec<_> = kernel.allowed().collect();
        assert_eq!(allowed, self.allowed, "the list lives as the node does");
        assert_eq!(kernel.get_net_ticktime().is_some(), alive);
        assert_eq!(kernel.get_state().is_some(), alive);
        assert!(alive || kernel.creation().is_none());
        let known = kernel.nodes(NodeKinds::KNOWN);
        assert!(known.filter(|info| info.node_type == NodeKind::This).count() == 1);
    }

    /// What must hold when all outputs were carried out.
    pub(super) fn check_at_rest(&self, kernel: &NetKernel) {
        // A node that stops or loses its name is without one before the last stream that it closed has ended.
        let closing = self.streams_that(|stream| stream.state == StreamState::Closing);
        let ending = !self.rows.is_empty() || !closing.is_empty();
        let losing = kernel.creation().is_none() && ending;
        assert!(losing || kernel.creation().map(|_| kernel.node()) == self.alive);
        let up = |row: &&Row| row.up.is_some_and(|stream| !self.streams[&stream].closed);
        let rows = self.rows.iter().filter(|(_, row)| up(row));
        let told: Vec<_> = rows.map(|(node, row)| (node.clone(), row.link)).collect();
        let infos = kernel.nodes(NodeKinds::CONNECTED);
        let infos = infos.filter_map(|NodeInfo { node, link, .. }| Some((node, link?)));
        assert_eq!(infos.collect::<Vec<_>>(), told, "nodes() are the links that were promoted");
        for (node, peer) in &self.peers {
            let link = told.iter().find(|(up, _)| up == node).map(|(_, link)| *link);
            assert_eq!(peer.link(), link, "senders to {node} know the same");
        }
    }

    /// What must be left when the node was stopped and every stream has ended.
    pub(super) fn check_at_the_end(&self) {
        assert_eq!(self.alive, None);
        assert_eq!(self.listener, Listener::None);
        assert!(self.rows.is_empty() && self.seen_up.is_empty());
        assert!(self.calls.is_empty(), "never answered: {:?}", self.calls);
    }

    /// The stream of an output. Before Opened and after Close nothing may be wanted of it; that it may have ended in the
    /// meantime is none of the kernel's faults.
    fn wanted(&mut self, id: StreamId) -> &mut Stream {
        self.outputs += 1;
        let stream = self.streams.get_mut(&id).unwrap();
        assert!(!stream.closed, "{id:?} was closed");
        assert_ne!(stream.state, StreamState::Opening, "{id:?} is not open");
        stream
    }

    fn setting_up(&mut self, id: StreamId) -> &mut Stream {
        let stream = self.wanted(id);
        assert_eq!(stream.promoted, None, "{id:?} was promoted");
        stream
    }

    fn peer(&mut self, node: &NodeName) -> &mut Peer {
        self.peers.entry(node.clone()).or_insert_with(|| Peer::new(Limits::default()))
    }
}

impl Model {
    fn own_event(&self, event: &NodeEvent) {
        match event {
            NodeEvent::NodeUp { node, .. } => {
                assert_eq!(self.alive.as_ref(), Some(node), "its own nodeup follows Alive");
            }
            NodeEvent::NodeDown { .. } => {
                assert_eq!(self.alive, None, "its own nodedown follows NotAlive")
            }
        }
    }
}

impl Host for Model {
    fn listen(&mut self) {
        self.outputs += 1;
        assert_eq!(self.listener, Listener::None);
        self.listener = Listener::Asked;
    }

    fn unlisten(&mut self) {
        self.outputs += 1;
        self.listener = Listener::None;
    }

    fn open(&mut self, stream: StreamId, target: Target) {
        self.outputs += 1;
        let far = match target.purpose {
            Purpose::Epmd | Purpose::Registration => Far::Epmd,
            Purpose::Peer(node) => Far::acceptor(&node, self.now),
        };
        self.add_stream(stream, StreamState::Opening, far);
    }

    fn read(&mut self, stream: StreamId) {
        let stream = self.setting_up(stream);
        assert!(!stream.reading, "one read at a time");
        stream.reading = stream.state == StreamState::Open;
    }

    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        let mood = self.mood;
        let stream = self.setting_up(stream);
        assert!(!bytes.is_empty());
        let far = core::mem::replace(&mut stream.far, Far::Mute);
        stream.far = far.hear(&bytes, mood, &mut stream.inbox);
    }

    fn attempting(&mut self, node: NodeName, link: LinkId) {
        self.outputs += 1;
        assert!(self.alive.is_some() || self.nameless);
        assert_ne!(self.alive.as_ref(), Some(&node));
        assert!(self.last_link < Some(link), "links are never used again");
        self.last_link = Some(link);
        self.last_links.insert(node.clone(), link);
        self.peer(&node).attempting(link);
        assert!(self.rows.insert(node, Row { link, up: None }).is_none(), "one row for a node");
    }

    fn alive(&mut self, name: NodeName, _creation: Creation) {
        self.outputs += 1;
        assert_eq!(self.alive.replace(name), None);
    }

    fn not_alive(&mut self) {
        self.outputs += 1;
        assert!(self.rows.is_empty(), "a name is given up after the last link");
        self.alive = None;
    }

    fn event(&mut self, to: MailboxId, event: NodeEvent) {
        self.outputs += 1;
        if to != self.subscriber {
            return;
        }
        let node = event.node().clone();
        let link = match event.connection_id() {
            Some(ConnectionId::Link(link)) => link,
            // This node itself: right after Alive, and right after NotAlive.
            Some(ConnectionId::Undefined) => return self.own_event(&event),
            None => panic!("a key that was asked for is missing"),
        };
        match event {
            NodeEvent::NodeUp { .. } => {
                let row = &self.rows[&node];
                assert!(row.link == link && row.up.is_none(), "nodeup comes before Promote");
                assert_eq!(self.seen_up.insert(node, link), None, "a second nodeup");
            }
            NodeEvent::NodeDown { .. } => {
                assert!(!self.rows.contains_key(&node), "nodedown comes after Disconnected");
                assert_eq!(self.seen_up.remove(&node), Some(link), "a nodedown without nodeup");
            }
        }
    }

    fn promote(&mut self, stream: StreamId, promotion: Promotion) {
        let promoted = self.setting_up(stream);
        assert!(!promoted.reading, "the reader is handed over, too");
        promoted.promoted = Some(promotion.node.clone());
        assert!(promotion.flags.contains(Flags::MANDATORY_26));
        assert!(self.alive.is_some());
        let row = self.rows.get_mut(&promotion.node).unwrap();
        assert_eq!((row.link, row.up), (promotion.link, None));
        row.up = Some(stream);
        assert_eq!(self.seen_up.get(&promotion.node), Some(&promotion.link), "nodeup came first");
        assert_eq!(self.peer(&promotion.node).promoted(&promotion), [] as [Frame; 0]);
    }

    fn tick(&mut self, stream: StreamId) {
        let stream = self.wanted(stream);
        assert!(stream.promoted.is_some());
        stream.traffic.sent += 1;
    }

    fn sample(&mut self, stream: StreamId) -> Option<Traffic> {
        let mood = self.mood;
        let stream = self.wanted(stream);
        assert!(stream.promoted.is_some());
        stream.traffic.received += u64::from(mood.talks());
        (!mood.no_counters()).then_some(stream.traffic)
    }

    fn setopts(&mut self, endpoint: Endpoint, _: &[SocketOption]) -> Result<(), OptsError> {
        match endpoint {
            Endpoint::Listener => {
                self.outputs += 1;
                let open = self.listener == Listener::Open;
                if open { Ok(()) } else { Err(OptsError::NoConnection) }
            }
            Endpoint::Stream(stream) => {
                self.wanted(stream);
                if self.mood.no_counters() { Err(OptsError::Invalid) } else { Ok(()) }
            }
        }
    }

    fn getopts(
        &mut self,
        stream: StreamId,
        _: &[OptionName],
    ) -> Result<Vec<SocketOption>, OptsError> {
        assert!(self.wanted(stream).promoted.is_some());
        Ok(Vec::new())
    }

    fn close(&mut self, id: StreamId, _abort: bool) {
        self.outputs += 1;
        let stream = self.streams.get_mut(&id).unwrap();
        assert!(!core::mem::replace(&mut stream.closed, true), "{id:?} is closed twice");
        stream.reading = false;
        stream.state = match stream.state {
            // An Open that is cancelled counts as ended at once.
            StreamState::Opening | StreamState::Ended => StreamState::Ended,
            StreamState::Open | StreamState::Closing => StreamState::Closing,
        };
        let promoted = stream.promoted.clone();
        let row = promoted.as_ref().and_then(|node| self.rows.get(node));
        let link = row.filter(|row| row.up == Some(id)).map(|row| row.link);
        if let (Some(node), Some(link)) = (promoted, link) {
            self.peer(&node).closing(link);
        }
    }

    fn disconnected(&mut self, node: NodeName, link: LinkId, was_up: bool) {
        self.outputs += 1;
        let row = self.rows.remove(&node).unwrap();
        assert_eq!((row.link, row.up.is_some()), (link, was_up));
        self.peer(&node).disconnected(link);
    }

    fn answer(&mut self, request: RequestId, answer: Answer) {
        self.outputs += 1;
        let call = self.calls.remove(&request).unwrap();
        self.judge(call, answer);
    }

    fn diagnostic(&mut self, _diagnostic: Diagnostic) {
        self.outputs += 1;
    }
}
