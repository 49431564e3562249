//! One node as the requirements of `docs/spec` have it, in sets and rules: what it was asked, what it said, and what must be true now.
//!
//! The model is told the calls and the few inputs that change what a node is, and then each thing that the node says, in order. It knows
//! no bytes, streams or timers. Whether a handshake succeeds, and when, it takes from the node's word; everything that follows from
//! that it knows by itself. Where the requirements leave a choice, it allows each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use netkernel_core::net_kernel::{
    Answer, ConnectError, DistAutoConnect, StartError, StopError, TicktimeState,
};
use netkernel_core::term::Term;
use netkernel_core::{LinkId, NodeName, NodeType, RequestId, StreamId};

use super::call::Call;
use super::model_info::Inquiry;
use super::model_opts::ModelOptions;
use super::model_pace::{Pace, interval_ms};

/// A node.
#[derive(Clone, Debug)]
pub struct Model {
    started: Started,
    /// `None` as long as there is none.
    name: Option<NodeName>,
    rows: BTreeMap<NodeName, Row>,
    /// Callers of `connect_node` that have not been answered.
    callers: Vec<(RequestId, NodeName)>,
    /// Callers of `disconnect_node`.
    enders: Vec<(RequestId, NodeName)>,
    /// Answers that must come before anything else of this kind: one of each list.
    due: VecDeque<(RequestId, Vec<Answer>)>,
    /// In the order in which they came, each once.
    allowed: Vec<String>,
    /// Whom a start or a stop in force is owed an answer.
    starter: Option<RequestId>,
    stoppers: Vec<RequestId>,
    pace: Option<Pace>,
    configured: (u32, u16),
    manner: Manner,
    /// Who has given the name.
    namer: Option<NodeName>,
    /// Whoever gave it is gone, and so is the name as soon as all links are.
    loses_name: bool,
    /// Whether a cookie that was set is right: this node's, and those for others.
    own_cookie: bool,
    cookies: BTreeMap<NodeName, bool>,
    /// With whom no attempt begins by itself, since there was a link.
    barred: BTreeSet<NodeName>,
    /// With whom a hidden link was asked for.
    hidden_wishes: BTreeSet<NodeName>,
    /// Connections that others have begun and that are no links. Any may be to replace one.
    accepted: BTreeSet<StreamId>,
    /// Calls about the table.
    pub(super) inquiries: BTreeMap<RequestId, Inquiry>,
    pub(super) opts: ModelOptions,
    /// What `verbose` has set.
    pub(super) verbosity: Term,
    /// Callers who may be told that no attempt begins by itself.
    pub(super) perhaps_refused: BTreeSet<RequestId>,
}

/// How a node is started, each time.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Its host.
    pub host: String,
    /// Its first peer gives it a name.
    pub dynamic: bool,
    /// Some node around is started like that.
    pub among_dynamic: bool,
    /// `dist_auto_connect`.
    pub auto_connect: DistAutoConnect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Started {
    No,
    Starting,
    Alive,
    Stopping,
}

/// What there is with another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    link: LinkId,
    /// Visible or hidden, once it is up.
    up: Option<NodeType>,
    /// This side ends it: it is none of `nodes()` any more, and its end is told later.
    closing: bool,
}

impl Model {
    /// A node that is not alive; its ticktime and intensity once it is.
    #[must_use]
    pub fn new(configured: (u32, u16), manner: Manner) -> Self {
        Self {
            started: Started::No,
            name: None,
            rows: BTreeMap::new(),
            callers: Vec::new(),
            enders: Vec::new(),
            due: VecDeque::new(),
            allowed: Vec::new(),
            starter: None,
            stoppers: Vec::new(),
            pace: None,
            configured,
            manner,
            namer: None,
            loses_name: false,
            own_cookie: true,
            cookies: BTreeMap::new(),
            barred: BTreeSet::new(),
            hidden_wishes: BTreeSet::new(),
            accepted: BTreeSet::new(),
            inquiries: BTreeMap::new(),
            opts: ModelOptions::default(),
            verbosity: 0_i64.into(),
            perhaps_refused: BTreeSet::new(),
        }
    }

    /// A call. `now` is the node's clock, `late` what a ring may be late by.
    pub fn called(&mut self, now: u64, late: u64, request: Option<RequestId>, call: &Call) {
        match (call, request) {
            (Call::Start, Some(request)) if self.started == Started::No || self.may_be_over() => {
                (self.started, self.starter) = (Started::Starting, Some(request));
            }
            (Call::Stop, Some(request)) if self.started != Started::No => {
                self.stop();
                self.stoppers.push(request);
            }
            (Call::Connect(node) | Call::HiddenConnect(node), Some(request)) => {
                self.connect(request, node, matches!(call, Call::HiddenConnect(_)));
            }
            (Call::Disconnect(node), Some(request)) => self.disconnect(request, node),
            (Call::Allow(nodes), _) => self.allow(nodes.iter().map(NodeName::as_str)),
            (Call::SetNetTicktime { seconds, transition_seconds }, _) => {
                self.change_ticktime(now, late, (*seconds, *transition_seconds));
            }
            (Call::SetCookie(node, right), _) if self.node() == Some(node) => {
                self.own_cookie = *right;
            }
            (Call::SetCookie(node, right), _) => drop(self.cookies.insert(node.clone(), *right)),
            (Call::SetOwnCookie(right), _) => self.own_cookie = *right,
            (Call::Apply(call), Some(request)) => {
                let told = self.told(now, request, call);
                self.owe(request, told);
            }
            (Call::NodesInfo, Some(request)) => self.asked_of_all(request),
            (Call::ConnectAutomatically(node), Some(request)) => {
                self.connect_automatically(request, node);
            }
            (Call::Request(_, body), Some(request)) => self.asked(now, late, request, body),
            (Call::Cast(body), _) => self.cast(body),
            (Call::AutoConnect(..) | Call::NodesInfo | Call::MonitorNodes(..), _)
            | (Call::NetAdm(_) | Call::Names(_) | Call::ConnectAutomatically(_), _)
            | (Call::Apply(_) | Call::Request(..) | Call::Start | Call::Stop, _)
            | (Call::Connect(_) | Call::HiddenConnect(_) | Call::Disconnect(_), _) => {}
        }
    }

    /// One of these is the answer, and comes next; none of them: it comes some time.
    pub(super) fn owe(&mut self, request: RequestId, answers: Vec<Answer>) {
        if !answers.is_empty() {
            self.due.push_back((request, answers));
        }
    }

    /// If an answer is owed, it may as well be this one.
    pub(super) fn may_also(&mut self, request: RequestId, answer: Answer) {
        if let Some((_, answers)) = self.due.iter_mut().find(|(of, _)| *of == request) {
            answers.push(answer);
        }
    }

    pub(super) fn connect(&mut self, request: RequestId, node: &NodeName, hidden: bool) {
        if hidden {
            self.hidden_wishes.insert(node.clone());
        }
        self.callers.push((request, node.clone()));
        self.answer_at_once(self.started == Started::Alive, request, node);
    }

    pub(super) fn allow<'a>(&mut self, nodes: impl Iterator<Item = &'a str>) {
        if self.started != Started::Alive {
            return;
        }
        for node in nodes.map(str::to_owned) {
            if !self.allowed.contains(&node) {
                self.allowed.push(node);
            }
        }
    }

    pub(super) fn change_ticktime(&mut self, now: u64, late: u64, asked: (u32, u32)) {
        let intensity = self.configured.1;
        if let Some(pace) = &mut self.pace {
            pace.change(now, late, asked, intensity);
        }
    }

    /// Whether it stops without a name and without a caller: nobody is told of that end.
    fn may_be_over(&self) -> bool {
        self.started == Started::Stopping && self.name.is_none() && self.stoppers.is_empty()
    }

    /// What needs no attempt to be answered.
    fn answer_at_once(&mut self, alive: bool, request: RequestId, node: &NodeName) {
        // Who has lost its namer has lost its name, too.
        let own = self.name.as_ref().is_some_and(|name| !self.loses_name && name == node);
        let row = self.rows.contains_key(node);
        let refused = !self.allowed.is_empty()
            && !self.allowed.iter().any(|allowed| allowed == node.as_str());
        let answer = match (alive, own || row, refused) {
            (false, ..) => Err(ConnectError::NotAlive),
            (true, true, _) if own => Ok(()),
            (true, false, true) => Err(ConnectError::NotAllowed),
            // Of a link, unless it is being replaced: its callers learn of that end. Of an attempt, at its end.
            (true, ..) => return,
        };
        self.owe(request, vec![Answer::Connected(answer)]);
    }

    pub(super) fn disconnect(&mut self, request: RequestId, node: &NodeName) {
        let alive = self.started == Started::Alive;
        let row = self.rows.get_mut(node).filter(|row| alive && row.up.is_some());
        match row {
            Some(row) => {
                row.closing = true;
                self.enders.push((request, node.clone()));
            }
            None => {
                let not_alive = netkernel_core::net_kernel::NotAlive;
                let answer = if alive { Ok(false) } else { Err(not_alive) };
                self.owe(request, vec![Answer::Disconnected(answer)]);
            }
        }
    }

    fn stop(&mut self) {
        // A second stop changes nothing.
        if self.started != Started::Stopping {
            self.verbosity = 0_i64.into();
        }
        self.started = Started::Stopping;
        self.allowed.clear();
        self.barred.clear();
        self.pace = None;
        self.rows.values_mut().for_each(|row| row.closing = true);
    }

    /// The listener broke.
    pub fn listener_lost(&mut self) {
        if self.started != Started::No {
            self.stop();
        }
    }

    /// The node has slept for so long.
    pub fn slept(&mut self, ns: u64) {
        if let Some(Pace { change: Some((.., latest)), .. }) = &mut self.pace {
            *latest += ns;
        }
    }

    /// `Output::Alive` and `Output::NotAlive`.
    pub fn named(&mut self, name: Option<NodeName>) {
        if name.is_none() && self.started == Started::Stopping {
            self.started = Started::No;
        }
        (self.namer, self.loses_name) = (None, false);
        let own = name.as_ref().filter(|_| !self.manner.dynamic);
        if let Some(right) = own.and_then(|name| self.cookies.remove(name)) {
            self.own_cookie = right;
        }
        self.name = name;
    }

    /// `Output::Attempting`.
    ///
    /// # Errors
    /// There is something with that node already, or it is this one.
    pub fn attempting(&mut self, node: &NodeName, link: LinkId) -> Result<(), String> {
        self.barred.remove(node);
        let row = Row { link, up: None, closing: false };
        if self.name.as_ref() == Some(node) || self.rows.insert(node.clone(), row).is_some() {
            return Err(format!("an attempt with {node}, where none can be"));
        }
        Ok(())
    }

    /// `Output::Promote`: all who wait are told, in their order.
    ///
    /// # Errors
    /// There is no attempt.
    pub fn came_up(&mut self, node: &NodeName, link: LinkId, of: NodeType) -> Result<(), String> {
        let row = self.rows.get_mut(node).filter(|row| row.link == link && row.up.is_none());
        let Some(row) = row else { return Err(format!("{node} is up without an attempt")) };
        row.up = Some(of);
        self.opts.came_up(link);
        if self.manner.dynamic && self.namer.is_none() {
            self.namer = Some(node.clone());
        }
        let told = self.callers.iter().filter(|(_, wanted)| wanted == node);
        self.due.extend(told.map(|(request, _)| (*request, vec![Answer::Connected(Ok(()))])));
        Ok(())
    }

    /// This side closes the link.
    pub fn closing(&mut self, link: LinkId) {
        if let Some(row) = self.rows.values_mut().find(|row| row.link == link) {
            row.closing = true;
        }
    }

    /// `Output::Disconnected`: who wanted just that is told.
    ///
    /// # Errors
    /// There is no such attempt or link.
    pub fn ended(&mut self, node: &NodeName, link: LinkId, was_up: bool) -> Result<(), String> {
        let row = self.rows.remove(node).filter(|row| row.link == link);
        if row.is_none_or(|row| row.up.is_some() != was_up) {
            return Err(format!("{link:?} with {node} ends, up {was_up}, and is {row:?}"));
        }
        self.opts.ended(link);
        if was_up && self.manner.auto_connect == DistAutoConnect::Once && self.name.is_some() {
            let is_alive = self.started == Started::Alive;
            self.barred.extend(is_alive.then(|| node.clone()));
        }
        if self.namer.as_ref() == Some(node) {
            self.lose_name();
        }
        let told = self.enders.iter().filter(|(_, wanted)| wanted == node);
        self.due.extend(told.map(|(request, _)| (*request, vec![Answer::Disconnected(Ok(true))])));
        Ok(())
    }

    /// What was set while it had a name goes with it.
    fn lose_name(&mut self) {
        self.loses_name = true;
        self.verbosity = 0_i64.into();
        if let Some(pace) = &mut self.pace {
            *pace = Pace::of(self.configured.0);
        }
    }

    /// `Output::Answer`.
    ///
    /// # Errors
    /// It is not what has to be answered, or not yet.
    pub fn answered(&mut self, request: RequestId, answer: &Answer) -> Result<(), String> {
        self.opts.answered(request, answer);
        if let Some(holds) = self.informed(request, answer) {
            let wrong = || format!("{request:?} about the table was answered {answer:?}: {self:?}");
            return if holds { Ok(()) } else { Err(wrong()) };
        }
        if let Some(at) = self.due.iter().position(|(due, _)| *due == request) {
            let due = self.due.remove(at);
            let told = Answer::Reply(answer.to_reply());
            let is_due = |due: &[Answer]| due.contains(answer) || due.contains(&told);
            if at != 0 || due.as_ref().is_none_or(|(_, due)| !is_due(due)) {
                return Err(format!("{request:?} was answered {answer:?}, not {due:?} at {at}"));
            }
            self.callers.retain(|(of, _)| *of != request);
            self.enders.retain(|(of, _)| *of != request);
            return Ok(());
        }
        match answer {
            Answer::Started(result) if self.starter == Some(request) => {
                self.starter = None;
                match (result, self.started) {
                    (Ok(_), Started::Starting) => {
                        self.started = Started::Alive;
                        self.pace = Some(Pace::of(self.configured.0));
                    }
                    // It was not over.
                    (Err(StartError::AlreadyStarted), Started::Starting) => {
                        self.started = Started::Stopping;
                    }
                    (Err(_), Started::Starting) => self.started = Started::No,
                    (Err(_), _) => {}
                    (Ok(_), _) => return Err(format!("{answer:?} when {:?}", self.started)),
                }
            }
            Answer::Started(result) if result.is_ok() => return Err("two starts".to_owned()),
            Answer::Stopped(Ok(())) => return self.stopped(request),
            Answer::Stopped(Err(error)) => return self.not_stopped(request, *error),
            Answer::Connected(result) => return self.connected(request, result),
            Answer::Disconnected(_) => return Err(format!("{answer:?} to {request:?}, too early")),
            Answer::Started(_)
            | Answer::AutoConnect(_)
            | Answer::Names(_)
            | Answer::NodeInfo(_)
            | Answer::NodesInfo(_)
            | Answer::MonitorNode { .. }
            | Answer::Applied(_)
            | Answer::GetOpts(_)
            | Answer::SetOpts(_)
            | Answer::Reply(_) => {}
        }
        Ok(())
    }

    /// The end that this call seemed to wait for had come before it, unheard.
    fn not_stopped(&mut self, request: RequestId, error: StopError) -> Result<(), String> {
        let Some(at) = self.stoppers.iter().position(|of| *of == request) else { return Ok(()) };
        self.stoppers.remove(at);
        if error != StopError::NotFound || !self.may_be_over() {
            return Err(format!("{error:?}: {self:?}"));
        }
        self.started = Started::No;
        Ok(())
    }

    fn stopped(&mut self, request: RequestId) -> Result<(), String> {
        let asked =
            self.stoppers.iter().position(|of| *of == request).map(|at| self.stoppers.remove(at));
        // A node that never had a name gives none up, and ends with the answer.
        if self.name.is_none() {
            self.named(None);
        }
        if asked.is_none() || !self.rows.is_empty() || self.started != Started::No {
            return Err(format!("stopped: {self:?}"));
        }
        Ok(())
    }

    /// Callers are answered in their order, by what has become of the row that they waited for.
    fn connected(
        &mut self,
        request: RequestId,
        result: &Result<(), ConnectError>,
    ) -> Result<(), String> {
        let Some(at) = self.callers.iter().position(|(of, _)| *of == request) else {
            return Err(format!("{request:?} has not asked"));
        };
        let (_, node) = self.callers.remove(at);
        let is_refusal = matches!(result, Err(ConnectError::NotAutomatic | ConnectError::Barred));
        if self.perhaps_refused.remove(&request) && is_refusal {
            return Ok(());
        }
        let first = !self.callers[..at].iter().any(|(_, other)| *other == node);
        let row = self.rows.get(&node);
        let up = self.name.as_ref() == Some(&node) || row.is_some_and(|row| row.up.is_some());
        let holds = if result.is_ok() { up } else { row.is_none() };
        if !(first && holds) {
            return Err(format!("{request:?} for {node} has {result:?}, first {first}, {row:?}"));
        }
        Ok(())
    }

    /// What must have been said once the node has nothing more to say.
    ///
    /// # Errors
    /// What has not.
    pub fn settled(&self) -> Result<(), String> {
        if let Some(due) = self.due.front() {
            return Err(format!("{due:?} has not been answered"));
        }
        let lost = self
            .callers
            .iter()
            .find(|(_, node)| self.started == Started::No || self.node() == Some(node));
        lost.map_or(Ok(()), |lost| Err(format!("{lost:?} waits for nothing")))
    }

    /// Whether the node is alive, with or without a name.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.started == Started::Alive
    }

    /// `node()`, as long as there is a name.
    #[must_use]
    pub fn node(&self) -> Option<&NodeName> {
        self.name.as_ref().filter(|_| self.started == Started::Alive && !self.loses_name)
    }

    /// How it is started.
    #[must_use]
    pub const fn manner(&self) -> &Manner {
        &self.manner
    }

    /// Whether a start may begin; `None` if that is not known.
    #[must_use]
    pub fn is_over(&self) -> Option<bool> {
        (!self.may_be_over()).then_some(self.started == Started::No)
    }

    /// The link that is up.
    #[must_use]
    pub fn link(&self, node: &str) -> Option<LinkId> {
        self.nodes().find(|(up, ..)| up.as_str() == node).map(|(_, link, _)| link)
    }

    /// What there is with other nodes: the link or attempt, its type once it is up, and whether this side ends it.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&NodeName, LinkId, Option<NodeType>, bool)> {
        self.rows.iter().map(|(node, row)| (node, row.link, row.up, row.closing))
    }

    /// Nodes that are barred.
    pub(super) fn barred(&self) -> impl Iterator<Item = &NodeName> {
        self.barred.iter().filter(|node| !self.rows.contains_key(*node))
    }

    pub(super) fn has_hidden_wish(&self, node: &NodeName) -> bool {
        self.hidden_wishes.contains(node)
    }

    /// A connection that somebody else has begun, and that it is no more.
    pub fn accepted(&mut self, stream: StreamId, goes_on: bool) {
        if goes_on {
            self.accepted.insert(stream);
        } else {
            self.accepted.remove(&stream);
        }
    }

    /// Whether some link may be being replaced.
    pub(super) fn may_replace(&self) -> bool {
        !self.accepted.is_empty()
    }

    pub(super) fn is_awaited(&self, node: &NodeName) -> bool {
        self.callers.iter().any(|(_, wanted)| wanted == node)
    }

    /// What the ticktime may be in milliseconds, and whether it is changing to that; nothing if that is not known. `None` of a node
    /// that is not alive.
    pub(super) fn paces(&self, now: u64) -> Option<Vec<(u64, bool)>> {
        let (pace, intensity) = (self.pace?, self.configured.1);
        let ms = |seconds| interval_ms(seconds, intensity) * u64::from(intensity);
        Some(match pace.change {
            _ if pace.unsure => Vec::new(),
            None => vec![(ms(pace.seconds), false)],
            Some((to, earliest, _)) if now < earliest => vec![(ms(to), true)],
            Some((to, _, latest)) if now <= latest => vec![(ms(to), true), (ms(to), false)],
            Some((to, ..)) => vec![(ms(to), false)],
        })
    }

    /// What the ticktime is cannot be known until the node tells it.
    pub(super) fn forget_pace(&mut self) {
        if let Some(pace) = &mut self.pace {
            pace.unsure = true;
        }
    }

    /// Whether the cookie for this node is right; that of this one without another.
    #[must_use]
    pub fn has_right_cookie(&self, node: Option<&NodeName>) -> bool {
        node.and_then(|node| self.cookies.get(node)).copied().unwrap_or(self.own_cookie)
    }

    /// `nodes()`: those with a link.
    pub fn nodes(&self) -> impl Iterator<Item = (&NodeName, LinkId, NodeType)> {
        let up = self.rows.iter().filter(|(_, row)| !row.closing);
        up.filter_map(|(node, row)| Some((node, row.link, row.up?)))
    }

    /// `allowed()`.
    pub fn allowed(&self) -> impl Iterator<Item = &str> {
        self.allowed.iter().map(String::as_str)
    }

    /// Whether `get_net_ticktime` may say so now.
    pub fn may_tick(&mut self, now: u64, told: Option<TicktimeState>) -> bool {
        match (&mut self.pace, told) {
            (None, None) => true,
            (None, Some(_)) | (Some(_), None) => false,
            (Some(pace), Some(told)) => pace.may_be(now, told),
        }
    }
}
