//! The knobs of a plan by name, as text that can be read, and how a plan becomes simpler.

use core::fmt;

use netkernel_core::net_kernel::DistAutoConnect;

use super::plan::{CallClass, FaultClass, HOUR, MICRO, MILLI, Plan, SECOND, Topology};

/// A value that is not of its knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// There is no such knob.
    Knob,
    /// The knob takes no such value.
    Value,
}

/// What differs from a calm plan of as many nodes, a knob and its value each. The number of nodes and the topology come first, and
/// always.
#[must_use]
pub fn settings(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut calm = calm(plan);
    let mut plan = plan.clone();
    let pairs = fields(&mut plan).into_iter().zip(fields(&mut calm));
    let set = pairs.enumerate().filter_map(|(at, ((name, field), (_, calm)))| {
        let (text, calm) = (field.to_string(), calm.to_string());
        (at < ALWAYS || text != calm).then_some((name, text))
    });
    set.collect()
}

/// Turns one knob.
///
/// # Errors
/// There is no such knob, or it takes no such value; the plan is as it was.
pub fn set(plan: &mut Plan, name: &str, value: &str) -> Result<(), Wrong> {
    let mut fields = fields(plan);
    let (_, field) = fields.iter_mut().find(|(knob, _)| *knob == name).ok_or(Wrong::Knob)?;
    field.parse(value).ok_or(Wrong::Value)
}

/// The calm plan that this one differs from.
#[must_use]
pub const fn calm(plan: &Plan) -> Plan {
    Plan::calm(plan.nodes, plan.topology)
}

/// Plans that are simpler by one knob: it is as in a calm plan, or a list is shorter by one, or a number lower.
#[must_use]
pub fn simpler(plan: &Plan) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut calm = calm(plan);
    let calm = fields(&mut calm);
    for (at, (_, calm)) in calm.iter().enumerate() {
        let mut turn = |change: &dyn Fn(&mut Field<'_>) -> bool| {
            let mut other = plan.clone();
            let changed = fields(&mut other).get_mut(at).is_some_and(|(_, field)| change(field));
            // A world has a node and a host, and no more hosts than nodes.
            other.nodes = other.nodes.max(1);
            other.hosts = other.hosts.clamp(1, other.nodes);
            other.dynamic = other.dynamic.min(other.nodes);
            if changed && other != *plan && weight(&other) < weight(plan) {
                plans.push(other);
            }
        };
        turn(&|field| field.parse(&calm.to_string()).is_some());
        for way in 0..CallClass::ALL.len().max(FaultClass::ALL.len()) {
            turn(&|field| field.lower(way));
        }
    }
    plans
}

/// How far from simple: nodes, what is set, how long it takes, and the sum of all values.
#[must_use]
pub fn weight(plan: &Plan) -> (usize, usize, u64, u128) {
    let mut other = plan.clone();
    let values = fields(&mut other).into_iter().map(|(_, field)| field.size());
    let words: usize =
        settings(plan).iter().map(|(_, value)| value.split_whitespace().count().max(1)).sum();
    (plan.nodes, words, plan.safety_ns, values.sum())
}

/// How many of the fields are named always.
const ALWAYS: usize = 2;

/// A knob.
enum Field<'a> {
    Topology(&'a mut Topology),
    Automatic(&'a mut DistAutoConnect),
    Size(&'a mut usize),
    Number(&'a mut u32),
    Short(&'a mut u16),
    Switch(&'a mut bool),
    Nanos(&'a mut u64),
    /// The mean time between events of a series; 0 is never.
    Every(&'a mut u64),
    Faults(&'a mut Vec<FaultClass>),
    Calls(&'a mut Vec<CallClass>),
}

/// All of them, the names those that files have.
fn fields(plan: &mut Plan) -> Vec<(&'static str, Field<'_>)> {
    // No `..`: a new knob has to come here.
    let Plan {
        nodes,
        hosts,
        topology,
        dynamic,
        hidden_permille,
        auto_connect,
        safety_ns,
        ticktime,
        intensity,
        setup_ns,
        latency_ns,
        jitter_ns,
        segment,
        window,
        high_mark,
        ties,
        step_max_ns,
        skew_ppm,
        epmd_delay_ns,
        dial_limit_ns,
        flush_limit_ns,
        faults,
        fault_every_ns,
        fault_max_ns,
        calls,
        call_every_ns,
        letter_every_ns,
        letter_max,
        hostile_every_ns,
        act_every_ns,
        spawnless,
    } = plan;
    vec![
        ("nodes", Field::Size(nodes)),
        ("topology", Field::Topology(topology)),
        ("hosts", Field::Size(hosts)),
        ("dynamic", Field::Size(dynamic)),
        ("hidden_permille", Field::Number(hidden_permille)),
        ("auto_connect", Field::Automatic(auto_connect)),
        ("safety", Field::Nanos(safety_ns)),
        ("ticktime", Field::Number(ticktime)),
        ("intensity", Field::Short(intensity)),
        ("setup", Field::Nanos(setup_ns)),
        ("latency", Field::Nanos(latency_ns)),
        ("jitter", Field::Nanos(jitter_ns)),
        ("segment", Field::Size(segment)),
        ("window", Field::Size(window)),
        ("high_mark", Field::Size(high_mark)),
        ("ties", Field::Switch(ties)),
        ("step_max", Field::Nanos(step_max_ns)),
        ("skew_ppm", Field::Number(skew_ppm)),
        ("epmd_delay", Field::Nanos(epmd_delay_ns)),
        ("dial_limit", Field::Nanos(dial_limit_ns)),
        ("flush_limit", Field::Nanos(flush_limit_ns)),
        ("faults", Field::Faults(faults)),
        ("fault_every", Field::Every(fault_every_ns)),
        ("fault_max", Field::Nanos(fault_max_ns)),
        ("calls", Field::Calls(calls)),
        ("call_every", Field::Every(call_every_ns)),
        ("letter_every", Field::Every(letter_every_ns)),
        ("letter_max", Field::Size(letter_max)),
        ("hostile_every", Field::Every(hostile_every_ns)),
        ("act_every", Field::Every(act_every_ns)),
        ("spawnless", Field::Size(spawnless)),
    ]
}

const TOPOLOGIES: [Topology; 3] = [Topology::Mesh, Topology::Star, Topology::Ring];
const AUTOMATIC: [DistAutoConnect; 3] =
    [DistAutoConnect::Always, DistAutoConnect::Once, DistAutoConnect::Never];

impl Field<'_> {
    fn parse(&mut self, text: &str) -> Option<()> {
        match self {
            Self::Topology(topology) => **topology = named(&TOPOLOGIES, text)?,
            Self::Automatic(automatic) => **automatic = named(&AUTOMATIC, text)?,
            Self::Size(size) => **size = text.parse().ok()?,
            Self::Number(number) => **number = text.parse().ok()?,
            Self::Short(short) => **short = text.parse().ok()?,
            Self::Switch(switch) => **switch = text.parse().ok()?,
            Self::Nanos(nanos) | Self::Every(nanos) => **nanos = parse_time(text)?,
            Self::Faults(faults) => **faults = list(&FaultClass::ALL, text)?,
            Self::Calls(calls) => **calls = list(&CallClass::ALL, text)?,
        }
        Some(())
    }

    /// One of the ways to less, if this is one: 0 halves a number, or makes a series twice as seldom, 1 takes one from a small number; a list loses the element with that number.
    fn lower(&mut self, way: usize) -> bool {
        match (self, way) {
            (Self::Size(size), 0) => **size /= 2,
            (Self::Size(size), 1) if **size < 16 => **size = size.saturating_sub(1),
            (Self::Nanos(nanos), 0) => **nanos /= 2,
            (Self::Every(nanos), 0) if **nanos < HOUR => **nanos *= 2,
            (Self::Faults(faults), way) if way < faults.len() => drop(faults.remove(way)),
            (Self::Calls(calls), way) if way < calls.len() => drop(calls.remove(way)),
            _ => return false,
        }
        true
    }

    fn size(&self) -> u128 {
        match self {
            Self::Topology(topology) => **topology as u128,
            Self::Automatic(automatic) => u128::from(**automatic != DistAutoConnect::Always),
            Self::Size(size) => **size as u128,
            Self::Number(number) => u128::from(**number),
            Self::Short(short) => u128::from(**short),
            Self::Switch(switch) => u128::from(**switch),
            Self::Nanos(nanos) => u128::from(**nanos),
            // The more seldom the simpler, and never is simplest.
            Self::Every(nanos) if **nanos == 0 => 0,
            Self::Every(nanos) => u128::from(u64::MAX - **nanos),
            Self::Faults(faults) => faults.len() as u128,
            Self::Calls(calls) => calls.len() as u128,
        }
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topology(topology) => write!(f, "{topology:?}"),
            Self::Automatic(automatic) => write!(f, "{automatic:?}"),
            Self::Size(size) => write!(f, "{size}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Short(short) => write!(f, "{short}"),
            Self::Switch(switch) => write!(f, "{switch}"),
            Self::Nanos(nanos) | Self::Every(nanos) => f.write_str(&time(**nanos)),
            Self::Faults(faults) => f.write_str(&names(faults)),
            Self::Calls(calls) => f.write_str(&names(calls)),
        }
    }
}

fn names<T: fmt::Debug>(of: &[T]) -> String {
    of.iter().map(|class| format!("{class:?}")).collect::<Vec<_>>().join(" ")
}

fn named<T: Copy + fmt::Debug>(of: &[T], text: &str) -> Option<T> {
    of.iter().copied().find(|class| format!("{class:?}") == text)
}

fn list<T: Copy + fmt::Debug>(of: &[T], text: &str) -> Option<Vec<T>> {
    text.split_whitespace().map(|word| named(of, word)).collect()
}

const UNITS: [(&str, u64); 4] = [("ns", 1), ("us", MICRO), ("ms", MILLI), ("s", SECOND)];

/// In the largest unit that leaves no rest.
fn time(nanos: u64) -> String {
    let whole = |(_, unit): &&(&str, u64)| nanos.is_multiple_of(*unit);
    let (name, unit) = UNITS.iter().rev().find(whole).unwrap_or(&UNITS[0]);
    format!("{}{name}", nanos / unit)
}

fn parse_time(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, name) = text.split_at(digits);
    let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == name)?;
    number.parse::<u64>().ok()?.checked_mul(*unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::choice::Prng;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (nanos, text) in [(0, "0s"), (1, "1ns"), (1500, "1500ns"), (20_000, "20us")] {
            assert_eq!((time(nanos).as_str(), parse_time(text)), (text, Some(nanos)));
        }
        assert_eq!(time(7 * SECOND), "7s");
        assert_eq!(parse_time(&time(u64::MAX)), Some(u64::MAX));
        for text in
            ["", "s", "7", "7 s", "-1s", "7min", "99999999999999999999s", "18446744073709552s"]
        {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_set_makes_the_same_plan_of_a_calm_one() {
        for seed in 0..300 {
            let plan = Plan::draw(&mut Prng::new(seed));
            let mut other = calm(&plan);
            for (name, value) in settings(&plan) {
                set(&mut other, name, &value).unwrap();
            }
            assert_eq!(other, plan, "seed {seed}");
        }
    }

    #[test]
    fn to_simplify_ends_with_a_calm_plan_of_no_time() {
        let mut plan = Plan::violent(5);
        let mut steps = 0;
        while let Some(other) = simpler(&plan).into_iter().next() {
            assert!(weight(&other) < weight(&plan));
            (plan, steps) = (other, steps + 1);
        }
        assert!((10..1000).contains(&steps), "{steps}");
        assert!(plan.faults.is_empty() && plan.calls.is_empty() && plan.nodes <= 1, "{plan}");
    }

    #[test]
    fn a_simpler_plan_is_one_of_a_world_that_can_be() {
        for nodes in 1..4 {
            for hosts in 1..=nodes {
                let plan = Plan { hosts, dynamic: nodes, ..Plan::violent(nodes) };
                for other in simpler(&plan) {
                    assert!((1..=other.nodes).contains(&other.hosts), "{other}");
                    assert!(other.dynamic <= other.nodes, "{other}");
                    let _ = crate::sim::world::World::new(other, &mut Prng::new(1));
                }
            }
        }
    }

    #[test]
    fn what_is_no_knob_or_no_value_is_refused() {
        let mut plan = Plan::calm(2, Topology::Mesh);
        assert_eq!(set(&mut plan, "colour", "1"), Err(Wrong::Knob));
        assert_eq!(set(&mut plan, "faults", "Reset Rest"), Err(Wrong::Value));
        assert_eq!(set(&mut plan, "nodes", "-1"), Err(Wrong::Value));
        assert_eq!(plan, Plan::calm(2, Topology::Mesh));
    }
}
