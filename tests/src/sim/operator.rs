//! Operators, who call what the manual offers; and applications that write letters.

use netkernel_core::NodeName;
use netkernel_core::link::FRAGMENT_BYTES;
use netkernel_core::net_kernel::subscriptions::NodeTypes;
use netkernel_core::net_kernel::{MonitorOptions, TicktimeState, mfa};
use netkernel_core::term::Term;

use super::ActorId;
use super::actor::Role;
use super::body::Message;
use super::call::Call;
use super::choice::{Topic, pick};
use super::guest::Happening;
use super::plan::{CallClass, SECOND};
use super::shared::Event;
use super::world::World;

/// Letters of so much padding get as much more as makes them go in fragments: one in fifty where letters are long.
const LARGE_FROM: usize = 4_900;

/// Through a window of less, one of them would take minutes.
pub(super) const LARGE_WINDOW: usize = 1000;

const OPTIONS: [MonitorOptions; 5] = [
    MonitorOptions::ALL,
    MonitorOptions::LIST,
    MonitorOptions::MAP,
    MonitorOptions::LIST.node_types(NodeTypes::Hidden).nodedown_reason(),
    MonitorOptions::LIST.node_types(NodeTypes::All).connection_id(),
];

/// Calls of [`CallClass::Query`]; `NODE` is the name of some node.
const QUERIES: [&str; 32] = [
    "net_kernel:get_state()",
    "net_kernel:get_net_ticktime()",
    "is_alive()",
    "node()",
    "nodes()",
    "nodes(hidden)",
    "nodes([connected,this])",
    "nodes([])",
    "nodes(this,#{node_type => true})",
    "nodes(connected,#{connection_id => true,node_type => true})",
    "net_kernel:allowed()",
    "net_kernel:allow(foo)",
    "net_kernel:allow(['x@y'|z])",
    "net_kernel:connect_node(foo)",
    "net_kernel:hidden_connect_node('x@')",
    "disconnect_node(1)",
    "disconnect_node('x@y@z')",
    "get_cookie()",
    "get_cookie(NODE)",
    "get_cookie(foo)",
    "net_kernel:getopts(NODE,[nodelay])",
    "net_kernel:setopts(NODE,[{packet,1},{tos,2}])",
    "net_kernel:setopts(foo,[1|2])",
    "net_kernel:monitor_nodes(true,[foo])",
    "net_kernel:start('x y',#{})",
    "net_kernel:node_info(NODE)",
    "net_kernel:node_info(foo)",
    "net_kernel:node_info(NODE,state)",
    "net_kernel:node_info(NODE,type)",
    "net_kernel:node_info(NODE,in)",
    "net_kernel:node_info(NODE,owner)",
    "net_kernel:nodes_info()",
];

/// Calls of [`CallClass::Options`].
const OPTION_CALLS: [&str; 12] = [
    "net_kernel:getopts(NODE,[nodelay,tos,linger,priority,keepalive,sndbuf,recbuf])",
    "net_kernel:getopts(NODE,[tos,tos])",
    "net_kernel:getopts(NODE,[tos,foo])",
    "net_kernel:setopts(NODE,[{tos,16}])",
    "net_kernel:setopts(NODE,[{nodelay,false},{keepalive,true},{nodelay,true}])",
    "net_kernel:setopts(NODE,[{linger,{true,3}},{tos,300},{priority,2}])",
    "net_kernel:setopts(NODE,[{sndbuf,30000},{recbuf,40000}])",
    "net_kernel:setopts(new,[{nodelay,false},{tos,8}])",
    "net_kernel:setopts(new,[{linger,{true,1}},{linger,{false,1}}])",
    "net_kernel:setopts(new,[{priority,3},{tos,999}])",
    "net_kernel:setopts(new,[{nodelay,true},{active,true}])",
    "net_kernel:setopts(new,[])",
];

/// Calls of [`CallClass::NetAdm`]; `HOST` is the host of some node.
const NET_ADM_CALLS: [&str; 24] = [
    "net_adm:ping(NODE)",
    "net_adm:ping(NODE)",
    "net_adm:ping(NODE)",
    "net_adm:ping('x@nowhere')",
    "net_adm:ping(foo)",
    "net_adm:names()",
    "net_adm:names(HOST)",
    "net_adm:names(\"HOST\")",
    "net_adm:names(nowhere)",
    "net_adm:world()",
    "net_adm:world(verbose)",
    "net_adm:world(silent)",
    "net_adm:world_list(['HOST'])",
    "net_adm:world_list([nowhere,'HOST',h0])",
    "net_adm:world_list(['HOST'|x])",
    "net_adm:world_list([\"HOST\"])",
    "net_adm:world_list([5])",
    "net_adm:world_list(foo)",
    "net_adm:world_list(['HOST',h1],verbose)",
    "net_adm:world_list([nowhere|'HOST'],silent)",
    "net_adm:host_file()",
    "net_adm:localhost()",
    "net_adm:dns_hostname(HOST)",
    "net_adm:dns_hostname(nowhere)",
];

/// Requests of [`CallClass::Request`].
const REQUESTS: [&str; 36] = [
    "get_state",
    "allowed",
    "longnames",
    "nodename",
    "ticktime",
    "foo",
    "{foo,bar}",
    "{is_auth,NODE}",
    "{verbose,1}",
    "{verbose,[foo]}",
    "{connect,normal,NODE}",
    "{connect,normal,NODE}",
    "{connect,hidden,NODE}",
    "{connect,normal,'x@nowhere'}",
    "{connect,normal,foo}",
    "{connect,normal,1}",
    "{passive_cnct,NODE}",
    "{passive_cnct,foo}",
    "{disconnect,NODE}",
    "{disconnect,'x@nowhere'}",
    "{disconnect,1}",
    "{allow,[NODE]}",
    "{allow,foo}",
    "{allow,[NODE,1]}",
    "{allow,[]}",
    "{new_ticktime,8000,10000}",
    "{new_ticktime,2500,0}",
    "{new_ticktime,60000,foo}",
    "{setopts,NODE,[{tos,24},{keepalive,true}]}",
    "{setopts,NODE,[{tos,24},{foo,1}]}",
    "{setopts,NODE,foo}",
    "{setopts,new,[{priority,1}]}",
    "{setopts,new,foo}",
    "{getopts,NODE,[tos,priority,keepalive]}",
    "{getopts,NODE,[foo]}",
    "{getopts,foo,[tos]}",
];

impl World<'_> {
    /// An operator calls, and the next call is planned.
    pub(super) fn operate(&mut self) {
        if self.shared.peace || self.shared.plan.calls.is_empty() {
            return;
        }
        let calls = self.shared.plan.calls.clone();
        let class = pick(self.shared.choice, Topic::Operator, &calls);
        let node = self.any_node(Topic::Operator);
        let other = self.any_node(Topic::Operator);
        let Some(name) = self.name_of(other) else {
            return self.plan_call();
        };
        match class {
            CallClass::Connect => {
                self.call(node, Call::Connect(name));
                // Both at once, every now and then.
                if self.shared.choice.chance(Topic::Operator, 500)
                    && let Some(name) = self.name_of(node)
                {
                    self.call(other, Call::Connect(name));
                }
            }
            CallClass::HiddenConnect => self.call(node, Call::HiddenConnect(name)),
            CallClass::Disconnect => self.call(node, Call::Disconnect(name)),
            CallClass::Ticktime => self.change_ticktime(0..self.shared.plan.nodes),
            CallClass::TicktimeAlone => self.change_ticktime(node..node + 1),
            CallClass::Monitor => {
                let flag = !self.shared.choice.chance(Topic::Operator, 400);
                let options = pick(self.shared.choice, Topic::Operator, &OPTIONS);
                self.call(node, Call::MonitorNodes(flag, options));
            }
            CallClass::StopStart => {
                let stop = self.shared.choice.chance(Topic::Operator, 500);
                self.call(node, if stop { Call::Stop } else { Call::Start });
            }
            CallClass::Allow => {
                let all = 0..self.shared.plan.nodes;
                let allowed = all.filter(|_| self.shared.choice.chance(Topic::Operator, 500));
                let allowed: Vec<usize> = allowed.collect();
                let names = allowed.into_iter().filter_map(|node| self.name_of(node)).collect();
                self.call(node, Call::Allow(names));
            }
            CallClass::Cookie => {
                let right = !self.shared.choice.chance(Topic::Operator, 500);
                if node == other {
                    if !right {
                        self.wrong_own_cookies.insert(node);
                    }
                    self.call(node, Call::SetOwnCookie(right));
                } else {
                    if !right {
                        self.wrong_cookies.insert((node, name.clone()));
                    }
                    self.call(node, Call::SetCookie(name, right));
                }
            }
            CallClass::Info => self.call(node, Call::NodesInfo),
            CallClass::Query => self.query(node, &name, &QUERIES),
            CallClass::NetAdm => self.query(node, &name, &NET_ADM_CALLS),
            CallClass::Options => self.query(node, &name, &OPTION_CALLS),
            CallClass::Request => self.request(node, other, &name),
        }
        self.plan_call();
    }

    /// One of these calls, in Erlang's form. What it raises at once no node is asked.
    fn query(&mut self, node: usize, name: &NodeName, calls: &[&'static str]) {
        let text = pick(self.shared.choice, Topic::Operator, calls);
        let text = text.replace("NODE", &name.to_string()).replace("HOST", name.host());
        match mfa::Call::parse(&text, "here") {
            Ok(Ok(mfa::Call::NetAdm(call))) => self.call(node, Call::NetAdm(call)),
            Ok(Ok(call)) => self.call(node, Call::Apply(call)),
            Ok(Err(_)) | Err(_) => {}
        }
    }

    /// A process of another node sends something to `net_kernel`.
    fn request(&mut self, node: usize, other: usize, name: &NodeName) {
        let asker = self.any_node(Topic::Operator);
        let text = pick(self.shared.choice, Topic::Operator, &REQUESTS);
        let text = text.replace("NODE", &name.to_string());
        let (Some(asker), Ok(body)) = (self.name_of(asker), text.parse()) else { return };
        let is_cast = node != other && self.shared.choice.chance(Topic::Operator, 50);
        let call = if is_cast {
            let name = Term::from(name.as_atom().clone());
            let disconnect = "async_disconnect".parse().unwrap_or(Term::NIL);
            Call::Cast(Term::tuple([disconnect, name]))
        } else {
            Call::Request(asker, body)
        };
        self.call(node, call);
    }

    fn plan_call(&mut self) {
        self.plan_next(self.shared.plan.call_every_ns, Topic::Operator, Event::Operate);
    }

    /// On these nodes: at once, or within the transition of the first.
    fn change_ticktime(&mut self, nodes: core::ops::Range<usize>) {
        let seconds = pick(self.shared.choice, Topic::Operator, &[8, 4, 20, 60, 1]);
        let transition_seconds = pick(self.shared.choice, Topic::Operator, &[60, 10, 0]);
        let period = u64::from(transition_seconds) * SECOND;
        let spread = self.shared.choice.chance(Topic::Operator, 500);
        for node in nodes {
            let late =
                if spread { self.shared.choice.range(Topic::Operator, 0, period) } else { 0 };
            let change = Event::Ticktime { node: ActorId(node), seconds, transition_seconds };
            self.shared.at(self.shared.now + late, change);
        }
    }

    /// An operator changes the ticktime of a node.
    pub(super) fn set_ticktime(&mut self, node: ActorId, seconds: u32, transition_seconds: u32) {
        if !self.shared.peace {
            self.call(node.0, Call::SetNetTicktime { seconds, transition_seconds });
        }
    }

    /// Puts a call into the inbox of a node.
    pub(super) fn call(&mut self, node: usize, call: Call) {
        let actor = &mut self.actors[node];
        if let Some(process) = &mut actor.process {
            process.body.tell(Message::Call(call), &mut self.shared);
        } else if let Some(seat) = &mut actor.seat {
            // Of guests nothing else is asked.
            if let Call::Connect(node) | Call::HiddenConnect(node) = call {
                seat.tell(actor.id, Happening::Connect(node), &mut self.shared);
            } else if let Call::Disconnect(node) = call {
                seat.tell(actor.id, Happening::Disconnect(node), &mut self.shared);
            }
        }
    }

    pub(super) fn any_node(&mut self, topic: Topic) -> usize {
        self.shared.choice.draw(topic, self.shared.plan.nodes as u64) as usize
    }

    /// An application of some node writes to some other, and the next letter is planned.
    pub(super) fn send_letter(&mut self) {
        if self.shared.peace {
            return;
        }
        let from = self.any_node(Topic::Traffic);
        let to = self.any_node(Topic::Traffic);
        let longest = self.shared.plan.letter_max as u64;
        let mut padding = self.shared.choice.range(Topic::Traffic, 0, longest) as usize;
        if padding >= LARGE_FROM && self.shared.plan.window >= LARGE_WINDOW {
            padding += FRAGMENT_BYTES;
        }
        let times = self.shared.choice.range(Topic::Traffic, 1, 4);
        let writes = from != to && self.actors[from].paused_until.is_none();
        if let Some(name) = self.name_of(to).filter(|_| writes) {
            let actor = &mut self.actors[from];
            if let Some(process) = &mut actor.process
                && process.body.office.blocked() < 64
            {
                for _ in 0..times {
                    process.body.write_letter(ActorId(to), &name, padding, &mut self.shared);
                }
            }
            if let Some(seat) = &mut actor.seat {
                let who = (actor.id, actor.life);
                for _ in 0..times {
                    seat.send_letter(who, (ActorId(to), &name), padding, &mut self.shared);
                }
            }
        }
        let next = Event::Send(ActorId(0));
        self.plan_next(self.shared.plan.letter_every_ns, Topic::Traffic, next);
    }

    /// Nodes that are to be linked, dialler first: who has a dynamic name has to dial, and two of them cannot meet.
    #[must_use]
    pub fn wanted(&self) -> Vec<(usize, usize)> {
        let dynamic =
            |node: usize| matches!(self.actors[node].role, Role::Node { dynamic: true, .. });
        let pairs = self.shared.plan.wanted();
        let pairs = pairs.filter(|&(one, two)| !(dynamic(one) && dynamic(two)));
        pairs.map(|(one, two)| if dynamic(two) { (two, one) } else { (one, two) }).collect()
    }

    /// Asks for all links that are wanted and not there, and for nodes that are not alive. Whether all is there.
    pub(super) fn wish_for_links(&mut self) -> bool {
        for node in 0..self.shared.plan.nodes {
            if self.actors[node].kernel().is_some_and(|kernel| !kernel.is_alive()) {
                self.call(node, Call::Start);
            }
        }
        let mut all = true;
        for (one, two) in self.wanted() {
            if !self.are_linked(one, two) {
                all = false;
                if let Some(name) = self.name_of(two) {
                    self.call(one, Call::Connect(name));
                }
            }
        }
        all
    }

    /// Takes back what operators did that keeps nodes apart: cookies are right, and whoever has an allow list, or another
    /// ticktime than the plan's, begins anew.
    pub(super) fn make_up(&mut self) {
        for node in core::mem::take(&mut self.wrong_own_cookies) {
            self.call(node, Call::SetOwnCookie(true));
        }
        for (node, name) in core::mem::take(&mut self.wrong_cookies) {
            self.call(node, Call::SetCookie(name, true));
        }
        let ticktime = TicktimeState::Steady(self.shared.plan.ticktime);
        for node in 0..self.shared.plan.nodes {
            let Some(kernel) = self.actors[node].kernel() else { continue };
            let changed = kernel.get_net_ticktime().is_some_and(|now| now != ticktime);
            if changed || kernel.allowed().next().is_some() {
                self.actors[node].crash(false, &mut self.shared);
                self.shared.at(self.shared.now, Event::Boot(ActorId(node)));
            }
        }
    }
}
