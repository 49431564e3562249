//! One node as the requirements of `docs/spec` have it, in sets and rules: what it was asked, what it said, and what must be true now.
//!
//! The model is told the calls and the few inputs that change what a node is, and then each thing that the node says, in order. It knows
//! no bytes, streams or timers. Whether a handshake succeeds, and when, it takes from the node's word; everything that follows from
//! that it knows by itself. Where the requirements leave a choice, it allows each.

use std::collections::{BTreeMap, VecDeque};

use netkernel_core::net_kernel::{Answer, ConnectError, StartError, StopError, TicktimeState};
use netkernel_core::{LinkId, NodeName, NodeType, RequestId};

use super::call::Call;
use super::plan::{MILLI, SECOND};

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
    /// Answers that must come before anything else of this kind.
    due: VecDeque<(RequestId, Answer)>,
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
}

/// How a node is started, each time.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Its host.
    pub host: String,
    /// Its first peer gives it a name.
    pub dynamic: bool,
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

/// The ticktime of a node that is alive, by its clock.
#[derive(Clone, Copy, Debug)]
struct Pace {
    seconds: u32,
    /// A change to these seconds; it ends between these two moments.
    change: Option<(u32, u64, u64)>,
    /// Whether a call found a change or not cannot be known.
    unsure: bool,
}

impl Model {
    /// A node that is not alive; its ticktime and intensity once it is.
    #[must_use]
    pub const fn new(configured: (u32, u16), manner: Manner) -> Self {
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
        }
    }

    /// A call. `now` is the node's clock, `late` what a ring may be late by.
    pub fn called(&mut self, now: u64, late: u64, request: Option<RequestId>, call: &Call) {
        let alive = self.started == Started::Alive;
        match (call, request) {
            (Call::Start, Some(request)) if self.started == Started::No || self.may_be_over() => {
                (self.started, self.starter) = (Started::Starting, Some(request));
            }
            (Call::Stop, Some(request)) if self.started != Started::No => {
                self.stop();
                self.stoppers.push(request);
            }
            (Call::Connect(node) | Call::HiddenConnect(node), Some(request)) => {
                self.callers.push((request, node.clone()));
                self.answer_at_once(alive, request, node);
            }
            (Call::Disconnect(node), Some(request)) => self.disconnect(alive, request, node),
            (Call::Allow(nodes), _) if alive => {
                for node in nodes.iter().map(|node| node.as_str().to_owned()) {
                    if !self.allowed.contains(&node) {
                        self.allowed.push(node);
                    }
                }
            }
            (Call::SetNetTicktime { seconds, transition_seconds }, _) => {
                let intensity = self.configured.1;
                if let Some(pace) = &mut self.pace {
                    pace.change(now, late, (*seconds, *transition_seconds), intensity);
                }
            }
            (Call::SetCookie(node, right), _) if self.node() == Some(node) => {
                self.own_cookie = *right;
            }
            (Call::SetCookie(node, right), _) => drop(self.cookies.insert(node.clone(), *right)),
            (Call::SetOwnCookie(right), _) => self.own_cookie = *right,
            (Call::Apply(call), Some(request)) => {
                self.due.extend(self.told(call).map(|told| (request, told)));
            }
            (Call::AutoConnect(..) | Call::NodesInfo | Call::MonitorNodes(..), _)
            | (Call::Apply(_) | Call::Start | Call::Stop | Call::Allow(_), _)
            | (Call::Connect(_) | Call::HiddenConnect(_) | Call::Disconnect(_), _) => {}
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
        self.due.push_back((request, Answer::Connected(answer)));
    }

    fn disconnect(&mut self, alive: bool, request: RequestId, node: &NodeName) {
        let row = self.rows.get_mut(node).filter(|row| alive && row.up.is_some());
        match row {
            Some(row) => {
                row.closing = true;
                self.enders.push((request, node.clone()));
            }
            None => {
                let not_alive = netkernel_core::net_kernel::NotAlive;
                let answer = if alive { Ok(false) } else { Err(not_alive) };
                self.due.push_back((request, Answer::Disconnected(answer)));
            }
        }
    }

    fn stop(&mut self) {
        self.started = Started::Stopping;
        self.allowed.clear();
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
        if let Some(right) = name.as_ref().and_then(|name| self.cookies.remove(name)) {
            self.own_cookie = right;
        }
        self.name = name;
    }

    /// `Output::Attempting`.
    ///
    /// # Errors
    /// There is something with that node already, or it is this one.
    pub fn attempting(&mut self, node: &NodeName, link: LinkId) -> Result<(), String> {
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
        if self.manner.dynamic && self.namer.is_none() {
            self.namer = Some(node.clone());
        }
        let told = self.callers.iter().filter(|(_, wanted)| wanted == node);
        self.due.extend(told.map(|(request, _)| (*request, Answer::Connected(Ok(())))));
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
        self.loses_name |= self.namer.as_ref() == Some(node);
        let told = self.enders.iter().filter(|(_, wanted)| wanted == node);
        self.due.extend(told.map(|(request, _)| (*request, Answer::Disconnected(Ok(true)))));
        Ok(())
    }

    /// `Output::Answer`.
    ///
    /// # Errors
    /// It is not what has to be answered, or not yet.
    pub fn answered(&mut self, request: RequestId, answer: &Answer) -> Result<(), String> {
        if let Some(at) = self.due.iter().position(|(due, _)| *due == request) {
            let due = self.due.remove(at);
            if at != 0 || due.as_ref().is_none_or(|(_, due)| due != answer) {
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
                        let (seconds, _) = self.configured;
                        self.pace = Some(Pace { seconds, change: None, unsure: false });
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

    /// Whether there is a link that is up.
    #[must_use]
    pub fn has_link(&self, node: &str) -> bool {
        self.nodes().any(|(up, ..)| up.as_str() == node)
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

/// Whole milliseconds between two ticks, so that `intensity` of them make the ticktime or a little more.
fn interval_ms(seconds: u32, intensity: u16) -> u64 {
    (u64::from(seconds) * 1000).div_ceil(u64::from(intensity))
}

impl Pace {
    fn change(&mut self, now: u64, late: u64, asked: (u32, u32), intensity: u16) {
        let (seconds, period) = asked;
        if let Some((to, earliest, latest)) = self.change {
            if now < earliest {
                return;
            }
            if now <= latest {
                self.unsure = true;
                return;
            }
            (self.seconds, self.change) = (to, None);
        }
        let (old, new) = (interval_ms(self.seconds, intensity), interval_ms(seconds, intensity));
        if old == new {
            return;
        }
        // At the start, and after each of the shorter intervals, until the period is over.
        let apart = old.min(new);
        let waits = (u64::from(period) * 1000).div_ceil(apart);
        let earliest = now + waits * apart * MILLI;
        let latest = earliest + waits * (late + MILLI / 1000);
        self.change = Some((seconds, earliest, latest));
    }

    fn may_be(&mut self, now: u64, told: TicktimeState) -> bool {
        if core::mem::take(&mut self.unsure) {
            // The node's word counts; how long that change takes is not known, but it is no more than a minute and one interval.
            match told {
                TicktimeState::Steady(seconds) => (self.seconds, self.change) = (seconds, None),
                TicktimeState::OngoingChangeTo(seconds) => {
                    let latest = now + 1000 * SECOND;
                    self.change = Some((seconds, now, latest));
                }
            }
            return true;
        }
        let Some((to, earliest, latest)) = self.change else {
            return told == TicktimeState::Steady(self.seconds);
        };
        match told {
            TicktimeState::OngoingChangeTo(seconds) => seconds == to && now <= latest,
            TicktimeState::Steady(seconds) => {
                (self.seconds, self.change) = (to, None);
                seconds == to && now >= earliest
            }
        }
    }
}
