//! The knobs of a run: how many nodes, how they want to be connected, what goes wrong and how often.

use core::fmt;

use netkernel_core::link::Limits;
use netkernel_core::net_kernel::{DistAutoConnect, NetTicktime};

use super::choice::{Choice, Topic, pick};

/// Nanoseconds.
pub const MICRO: u64 = 1_000;
/// Nanoseconds.
pub const MILLI: u64 = 1_000_000;
/// Nanoseconds.
pub const SECOND: u64 = 1_000_000_000;
/// Nanoseconds.
pub const HOUR: u64 = 3600 * SECOND;

/// Which links are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// Every node with every other.
    Mesh,
    /// The first with every other.
    Star,
    /// Each with the next.
    Ring,
}

/// A class of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultClass {
    /// A connection is broken; the other side may learn of it only when it writes.
    Reset,
    /// One direction of a connection stands still.
    Stall,
    /// Nothing passes between two hosts.
    Partition,
    /// A process ends at once, and begins anew later.
    Crash,
    /// A host ends at once, and begins anew later.
    HostCrash,
    /// A process does nothing for a while.
    Pause,
    /// An EPMD ends at once, and begins anew and empty later.
    EpmdCrash,
    /// An application stops to read a link for a while.
    SlowReader,
    /// The name of a host cannot be resolved for a while.
    Unresolved,
    /// The listener of a node breaks.
    ListenerLost,
    /// The counters of a link cannot be read any more.
    Uncounted,
    /// A node ends, and when it comes back somebody else holds its name at the EPMD, under a port that is not its own.
    NameTaken,
}

impl FaultClass {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Reset,
        Self::Stall,
        Self::Partition,
        Self::Crash,
        Self::HostCrash,
        Self::Pause,
        Self::EpmdCrash,
        Self::SlowReader,
        Self::Unresolved,
        Self::ListenerLost,
        Self::Uncounted,
        Self::NameTaken,
    ];
}

/// A class of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallClass {
    /// `connect_node`, of both sides at once every now and then.
    Connect,
    /// `hidden_connect_node`.
    HiddenConnect,
    /// `disconnect_node`.
    Disconnect,
    /// `set_net_ticktime` on all nodes, within the transition of the first.
    Ticktime,
    /// `set_net_ticktime` on one node alone.
    TicktimeAlone,
    /// `monitor_nodes`.
    Monitor,
    /// `stop`, and `start` some time later.
    StopStart,
    /// `allow`.
    Allow,
    /// `set_cookie`.
    Cookie,
    /// `nodes_info`.
    Info,
    /// Any call of `net_kernel::mfa` that changes nothing, with good and with bad arguments.
    Query,
    /// `setopts` and `getopts`, of links and of `new`.
    Options,
    /// Requests of processes of other nodes to `net_kernel`, and messages that nobody is answered.
    Request,
    /// `net_adm`.
    NetAdm,
}

impl CallClass {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Connect,
        Self::HiddenConnect,
        Self::Disconnect,
        Self::Ticktime,
        Self::TicktimeAlone,
        Self::Monitor,
        Self::StopStart,
        Self::Allow,
        Self::Cookie,
        Self::Info,
        Self::Query,
        Self::Options,
        Self::Request,
        Self::NetAdm,
    ];
}

/// All knobs. Times are in nanoseconds; a mean time between events of 0 means never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Nodes.
    pub nodes: usize,
    /// Hosts: node `i` is on host `i % hosts`.
    pub hosts: usize,
    /// Wanted links.
    pub topology: Topology,
    /// Of the nodes, so many of the last have a dynamic name.
    pub dynamic: usize,
    /// Of 1000 nodes, so many are hidden.
    pub hidden_permille: u32,
    /// `dist_auto_connect`.
    pub auto_connect: DistAutoConnect,
    /// How long the first phase lasts.
    pub safety_ns: u64,
    /// `net_ticktime`, in seconds.
    pub ticktime: u32,
    /// `net_tickintensity`.
    pub intensity: u16,
    /// `net_setuptime`.
    pub setup_ns: u64,
    /// From host to host; a tenth of it within a host.
    pub latency_ns: u64,
    /// What is added to it at most.
    pub jitter_ns: u64,
    /// Reads and writes take at most so many bytes, mostly fewer; 0: all there is.
    pub segment: usize,
    /// Bytes that are under way in one direction at most.
    pub window: usize,
    /// The high mark of a link's writer, in bytes.
    pub high_mark: usize,
    /// Events of the same moment come in any order.
    pub ties: bool,
    /// How long a step of a thread waits at most.
    pub step_max_ns: u64,
    /// Clocks are wrong by at most so many millionths.
    pub skew_ppm: u32,
    /// What an EPMD waits before it answers.
    pub epmd_delay_ns: u64,
    /// The operating system's limit for a dial.
    pub dial_limit_ns: u64,
    /// The limit for the flush of a stream that is closed in good order.
    pub flush_limit_ns: u64,
    /// Faults that come.
    pub faults: Vec<FaultClass>,
    /// Mean time between faults.
    pub fault_every_ns: u64,
    /// How long a fault lasts at most.
    pub fault_max_ns: u64,
    /// Calls that operators make.
    pub calls: Vec<CallClass>,
    /// Mean time between calls.
    pub call_every_ns: u64,
    /// Mean time between letters.
    pub letter_every_ns: u64,
    /// Bytes of a letter at most.
    pub letter_max: usize,
    /// Mean time between hostile peers.
    pub hostile_every_ns: u64,
    /// Mean time between what processes of applications do.
    pub act_every_ns: u64,
    /// So many nodes, the first ones, do not offer to spawn.
    pub spawnless: usize,
}

impl Plan {
    /// Nodes that are connected, and where nothing else happens. For an hour.
    #[must_use]
    pub const fn calm(nodes: usize, topology: Topology) -> Self {
        Self {
            nodes,
            hosts: nodes,
            topology,
            dynamic: 0,
            hidden_permille: 0,
            auto_connect: DistAutoConnect::Always,
            safety_ns: HOUR,
            ticktime: 60,
            intensity: 4,
            setup_ns: 7 * SECOND,
            latency_ns: MILLI,
            jitter_ns: 0,
            segment: 0,
            window: 1 << 20,
            high_mark: 1 << 20,
            ties: false,
            step_max_ns: 0,
            skew_ppm: 0,
            epmd_delay_ns: 0,
            dial_limit_ns: 120 * SECOND,
            flush_limit_ns: SECOND,
            faults: Vec::new(),
            fault_every_ns: 0,
            fault_max_ns: 0,
            calls: Vec::new(),
            call_every_ns: 0,
            letter_every_ns: 0,
            letter_max: 0,
            hostile_every_ns: 0,
            act_every_ns: 0,
            spawnless: 0,
        }
    }

    /// All faults, all calls, letters and hostile peers, without a pause.
    #[must_use]
    pub fn violent(nodes: usize) -> Self {
        Self {
            hosts: nodes.div_ceil(2),
            dynamic: nodes / 5,
            hidden_permille: 200,
            safety_ns: HOUR,
            ticktime: 8,
            jitter_ns: 20 * MILLI,
            segment: 64,
            window: 4096,
            high_mark: 8192,
            ties: true,
            step_max_ns: 2 * MILLI,
            skew_ppm: 200,
            epmd_delay_ns: 100 * MILLI,
            faults: FaultClass::ALL.to_vec(),
            fault_every_ns: 10 * SECOND,
            fault_max_ns: 30 * SECOND,
            calls: CallClass::ALL.to_vec(),
            call_every_ns: 2 * SECOND,
            letter_every_ns: SECOND / 2,
            letter_max: 3000,
            hostile_every_ns: 5 * SECOND,
            act_every_ns: SECOND,
            ..Self::calm(nodes, Topology::Mesh)
        }
    }

    /// A swarm's plan: every knob is drawn, and each class of faults is off half of the time.
    pub fn draw(choice: &mut dyn Choice) -> Self {
        let topic = Topic::Plan;
        let nodes = choice.range(topic, 2, 7) as usize;
        let topology = pick(choice, topic, &[Topology::Mesh, Topology::Star, Topology::Ring]);
        let mut plan = Self::calm(nodes, topology);
        plan.hosts = choice.range(topic, 1, nodes as u64) as usize;
        plan.safety_ns = pick(choice, topic, &[60, 120, 300, 900]) * SECOND;
        plan.ticktime = pick(choice, topic, &[60, 4, 8, 1, 15]);
        plan.intensity = pick(choice, topic, &[4, 5, 10, 7]);
        plan.setup_ns = pick(choice, topic, &[7, 3, 15]) * SECOND;
        plan.latency_ns = pick(choice, topic, &[1000, 10, 100, 20_000, 100_000]) * MICRO;
        if choice.chance(topic, 500) {
            plan.jitter_ns = pick(choice, topic, &[1, 10, 100]) * plan.latency_ns / 2;
        }
        plan.segment = pick(choice, topic, &[0, 0, 1, 2, 7, 100, 5000]);
        plan.window = pick(choice, topic, &[1 << 20, 64, 1000, 20_000]);
        plan.high_mark = pick(choice, topic, &[1 << 20, 200, 5000]);
        plan.ties = choice.chance(topic, 500);
        plan.step_max_ns = pick(choice, topic, &[0, 10_000, MILLI, 50 * MILLI]);
        plan.skew_ppm = pick(choice, topic, &[0, 0, 100, 10_000]) as u32;
        plan.epmd_delay_ns = pick(choice, topic, &[0, 0, 20, 500]) * MILLI;
        if choice.chance(topic, 500) {
            plan.dynamic = choice.range(topic, 0, nodes as u64 / 3) as usize;
        }
        plan.hidden_permille = pick(choice, topic, &[0, 0, 300, 1000]);
        if choice.chance(topic, 700) {
            plan.faults = half(choice, &FaultClass::ALL);
            plan.fault_every_ns = pick(choice, topic, &[60, 20, 5, 1]) * SECOND;
            plan.fault_max_ns = pick(choice, topic, &[1, 10, 60]) * SECOND;
        }
        plan.calls = half(choice, &CallClass::ALL);
        plan.call_every_ns = pick(choice, topic, &[20_000, 5000, 1000, 100]) * MILLI;
        if choice.chance(topic, 700) {
            plan.letter_every_ns = pick(choice, topic, &[5000, 1000, 50]) * MILLI;
            // Small pieces of long letters take long, and show nothing that short ones do not.
            let longest = if (1..=7).contains(&plan.segment) { 100 } else { 5000 };
            plan.letter_max = pick(choice, topic, &[10, 200, 5000]).min(longest);
        }
        if choice.chance(topic, 300) {
            plan.hostile_every_ns = pick(choice, topic, &[30_000, 3000, 300]) * MILLI;
        }
        let always = DistAutoConnect::Always;
        let automatic = [always, always, DistAutoConnect::Once, DistAutoConnect::Never];
        plan.auto_connect = pick(choice, topic, &automatic);
        if choice.chance(Topic::Process, 500) {
            plan.act_every_ns = pick(choice, Topic::Process, &[5000, 1000, 200]) * MILLI;
            plan.spawnless = pick(choice, Topic::Process, &[0, 0, 0, 1]);
            // What cannot wait piles up behind a connection that stands still, and must not be too much for it.
            plan.high_mark = plan.high_mark.max(5000);
        }
        plan
    }

    /// Whether this class of faults comes.
    #[must_use]
    pub fn has(&self, class: FaultClass) -> bool {
        self.fault_every_ns > 0 && self.faults.contains(&class)
    }

    /// Whether any fault comes.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        self.fault_every_ns > 0 && !self.faults.is_empty()
    }

    /// Whether operators make calls of this class.
    #[must_use]
    pub fn has_call(&self, class: CallClass) -> bool {
        self.call_every_ns > 0 && self.calls.contains(&class)
    }

    /// The ticktime that nodes start with.
    #[must_use]
    pub fn net_ticktime(&self) -> NetTicktime {
        NetTicktime::new(self.ticktime.max(1), self.intensity.clamp(4, 1000))
            .unwrap_or_else(|_| unreachable!("both are in range"))
    }

    /// Limits of a link.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.high_mark_bytes = self.high_mark;
        limits
    }

    /// The pairs of nodes that are to be linked, the first of which dials.
    pub fn wanted(&self) -> impl Iterator<Item = (usize, usize)> {
        let (nodes, topology) = (self.nodes, self.topology);
        (0..nodes).flat_map(move |one| {
            let others = match topology {
                Topology::Mesh => one + 1..nodes,
                Topology::Star if one == 0 => 1..nodes,
                Topology::Star => 0..0,
                Topology::Ring if nodes == 2 && one == 1 => 0..0,
                Topology::Ring => (one + 1) % nodes..(one + 1) % nodes + 1,
            };
            others.filter(move |other| *other != one).map(move |other| (one, other))
        })
    }
}

/// Each of them in half of the cases.
fn half<T: Copy>(choice: &mut dyn Choice, of: &[T]) -> Vec<T> {
    of.iter().copied().filter(|_| choice.chance(Topic::Plan, 500)).collect()
}

/// One line, every knob in it.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |nanos: u64| nanos as f64 / 1e9;
        let millis = |nanos: u64| nanos as f64 / 1e6;
        write!(
            f,
            "plan nodes={} hosts={} topology={:?} dynamic={} hidden={}/1000 safety={}s",
            self.nodes,
            self.hosts,
            self.topology,
            self.dynamic,
            self.hidden_permille,
            seconds(self.safety_ns),
        )?;
        write!(
            f,
            " ticktime={}/{} setup={}s latency={}ms jitter={}ms segment={} window={} mark={}",
            self.ticktime,
            self.intensity,
            seconds(self.setup_ns),
            millis(self.latency_ns),
            millis(self.jitter_ns),
            self.segment,
            self.window,
            self.high_mark,
        )?;
        write!(
            f,
            " ties={} step={}ms skew={}ppm epmd={}ms faults={:?}/{}s<={}s",
            self.ties,
            millis(self.step_max_ns),
            self.skew_ppm,
            millis(self.epmd_delay_ns),
            self.faults,
            seconds(self.fault_every_ns),
            seconds(self.fault_max_ns),
        )?;
        write!(
            f,
            " calls={:?}/{}s letters={}ms<={} hostile={}s auto={:?} acts={}ms spawnless={}",
            self.calls,
            seconds(self.call_every_ns),
            millis(self.letter_every_ns),
            self.letter_max,
            seconds(self.hostile_every_ns),
            self.auto_connect,
            millis(self.act_every_ns),
            self.spawnless,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::choice::{Prng, Replay, Tapes};

    #[test]
    fn no_choice_is_a_calm_plan() {
        let plan = Plan::draw(&mut Replay::new(Tapes::default()));
        assert!(plan.faults.is_empty() && plan.calls.is_empty());
        assert_eq!((plan.nodes, plan.hosts, plan.step_max_ns, plan.ties), (2, 1, 0, false));
    }

    #[test]
    fn each_class_is_off_half_of_the_time() {
        let plans: Vec<Plan> = (0..400).map(|seed| Plan::draw(&mut Prng::new(seed))).collect();
        for class in CallClass::ALL {
            let on = plans.iter().filter(|plan| plan.has_call(class)).count();
            assert!((150..250).contains(&on), "{class:?} {on}");
        }
    }

    #[test]
    fn topologies_have_their_links_once() {
        let links = |nodes, topology| Plan::calm(nodes, topology).wanted().count();
        assert_eq!([2, 5].map(|nodes| links(nodes, Topology::Mesh)), [1, 10]);
        assert_eq!([2, 5].map(|nodes| links(nodes, Topology::Star)), [1, 4]);
        assert_eq!([2, 5].map(|nodes| links(nodes, Topology::Ring)), [1, 5]);
    }
}
