//! Two nodes on which scripts are played, and what their processes saw.

use core::fmt;
use std::collections::BTreeMap;
use std::time::Instant;

use netkernel_blocking::core::term::Term;
use netkernel_tests::GIVE_UP;

use super::model::{Model, node};
use super::names::{Names, atom};
use super::op::{Name, Op, Step};
use super::spawns::Spawn;

/// Those who watch the others.
const KEEPERS: [&str; 2] = ["ak", "bk"];

/// One of the two nodes.
pub(crate) trait Side {
    /// Its name.
    fn node(&self) -> &str;
    /// Connects to the other one: whether both then are there for each other.
    fn connect(&self, other: &str) -> bool;
    /// New processes in place of all before, called so: their pids.
    fn cast(&mut self, names: &[Name]) -> Vec<Term>;
    /// Has a process make these calls, and then wait until what it has sent is with those others: what was returned, unless it has
    /// ended.
    fn step(
        &mut self,
        by: &Name,
        ops: &[&Step],
        syncs: &[Name],
        names: &Names,
    ) -> Option<Vec<Term>>;
    /// What the processes saw since the last call, once each of these has seen so much.
    fn seen(&mut self, counts: &[(Name, usize)]) -> BTreeMap<Name, Vec<Term>>;
}

/// What a step gave and led to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    step: String,
    /// Nothing if the caller has ended.
    result: Option<Term>,
    /// In the order in which it came from each sender. Between senders there is none, nor among several monitors of one process.
    seen: BTreeMap<Name, Vec<Term>>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |term: &Term| {
            let text = term.to_string();
            if text.len() > 200 { format!("{} bytes of text", text.len()) } else { text }
        };
        write!(
            f,
            "{} -> {}",
            self.step,
            self.result.as_ref().map_or_else(|| "gone".into(), short)
        )?;
        for (who, items) in &self.seen {
            let items: Vec<_> = items.iter().map(short).collect();
            write!(f, "\n    {who}: {}", items.join(" "))?;
        }
        Ok(())
    }
}

/// All processes of a script, those that watch the others among them.
pub(crate) fn everybody() -> impl Iterator<Item = Name> {
    ["a1", "a2", "a3", "ak", "b1", "b2", "b3", "bk"].into_iter().map(atom)
}

/// Plays a script. At its end those who live tell their links.
pub(crate) fn play(script: &[Step], sides: &mut [&mut dyn Side; 2]) -> Vec<Told> {
    connect(sides);
    let mut play = Play::begin(sides);
    let mut told: Vec<_> = script.iter().map(|step| play.step(step)).collect();
    for name in play.model.alive() {
        told.push(play.step(&Step::parse(&format!("{name} links"))));
    }
    for side in sides {
        assert_eq!(side.seen(&[]), BTreeMap::new());
    }
    told
}

fn connect(sides: &[&mut dyn Side; 2]) {
    let begin = Instant::now();
    while !sides[0].connect(sides[1].node()) {
        assert!(
            begin.elapsed() < GIVE_UP,
            "{} has no link with {}",
            sides[0].node(),
            sides[1].node()
        );
    }
}

struct Play<'a, 'b> {
    sides: &'a mut [&'b mut dyn Side; 2],
    model: Model,
    names: Names,
}

impl<'a, 'b> Play<'a, 'b> {
    fn begin(sides: &'a mut [&'b mut dyn Side; 2]) -> Self {
        let mut names = Names::default();
        names.bind(atom("large"), Term::Binary(vec![0xAB; 100_000].into()));
        for (role, side) in ["a", "b"].iter().zip(sides.iter_mut()) {
            names.bind(atom(role), atom(side.node()).into());
            let own: Vec<_> = everybody().filter(|name| node(name) == *role).collect();
            for (name, pid) in own.iter().zip(side.cast(&own)) {
                names.bind(name.clone(), pid);
            }
        }
        let mut play = Self { sides, model: Model::new(everybody()), names };
        for keeper in KEEPERS {
            play.watch(keeper, everybody().filter(|name| &**name != keeper));
        }
        play
    }

    /// Whoever ends has told all others, and whoever is told has it before it is told more, once both keepers know: a process tells links
    /// before monitors, its own node before others, and all of it goes one way.
    fn watch(&mut self, keeper: &str, watched: impl Iterator<Item = Name>) {
        let lines = watched.map(|name| format!("{keeper} monitor {name} w{keeper}_{name}"));
        let steps: Vec<_> = lines.map(|line| Step::parse(&line)).collect();
        for step in &steps {
            self.model.step(step);
        }
        let by = atom(keeper);
        let others = self.model.others(&by);
        let results = self.side(keeper).step(&by, &steps.iter().collect::<Vec<_>>(), &others);
        for (step, result) in steps.iter().zip(results.unwrap()) {
            self.bind(step, &result);
        }
    }

    fn step(&mut self, step: &Step) -> Told {
        let outcome = self.model.step(step);
        assert!(outcome.is_fit(), "{step}: what comes of it is not determined");
        let lives = self.model.is_alive(&step.by);
        let mut others = if lives { self.model.others(&step.by) } else { Vec::new() };
        others.retain(|name| !outcome.born.contains(name));
        let results = self.side(&step.by).step(&step.by, &[step], &others);
        let result =
            lives.then(|| results.unwrap_or_else(|| panic!("{step}: it has ended")).remove(0));
        if let Some(result) = &result {
            self.bind(step, result);
        }
        let mut seen = BTreeMap::new();
        for (role, side) in ["a", "b"].iter().zip(self.sides.iter_mut()) {
            let own = outcome.seen.iter().filter(|(name, _)| node(name) == *role);
            let counts: Vec<_> = own.map(|(name, count)| (name.clone(), *count)).collect();
            // What comes where nothing is expected is found later.
            if !counts.is_empty() {
                seen.extend(side.seen(&counts));
            }
        }
        if let Op::Spawn(spawn) = &step.op {
            self.meet(step, spawn, result.as_ref(), &seen);
        }
        for (name, items) in &mut seen {
            items.iter_mut().for_each(|item| *item = self.names.named(item));
            items.sort_by_key(|item| self.sender(item));
            let downs = |left: &Term, right: &Term| {
                is_down(left) && is_down(right) && self.sender(left) == self.sender(right)
            };
            for downs in items.chunk_by_mut(downs) {
                downs.sort_by_key(ToString::to_string);
            }
            let expected = outcome.seen.get(name).copied().unwrap_or_default();
            assert_eq!(items.len(), expected, "{step}: {name} saw {items:?}");
        }
        for child in outcome.born {
            for keeper in KEEPERS {
                if self.model.reaches(keeper, &child) {
                    self.watch(keeper, [child.clone()].into_iter());
                }
            }
        }
        let result = result.map(|result| sorted(step, self.names.named(&result)));
        Told { step: step.to_string(), result, seen }
    }

    /// Whose signal an item was. An own end is the last.
    fn sender(&self, item: &Term) -> String {
        let Some([tag, who, ..]) = item.as_tuple() else { return String::new() };
        match tag.as_atom().map(|tag| &**tag) {
            Some("EXIT") => who.to_string(),
            Some("DOWN") => {
                let target = who.as_atom().and_then(|monitor| self.model.target(monitor));
                target.map_or_else(|| who.to_string(), ToString::to_string)
            }
            Some("ended") => "z".to_owned(),
            // Before anything else of that process.
            Some("spawn_reply") => item.as_tuple().unwrap()[3].to_string(),
            Some(_) | None => String::new(),
        }
    }

    /// Gives what a step has made its name.
    fn bind(&mut self, step: &Step, result: &Term) {
        let (name, reference) = match &step.op {
            Op::Monitor(_, name, _) | Op::Alias(name, _) => (name, result),
            // `{Pid,Reference}`, or the request.
            Op::Spawn(Spawn { reference: Some(name), .. }) => {
                (name, result.as_tuple().map_or(result, |it| &it[1]))
            }
            _ => return,
        };
        assert!(matches!(reference, Term::Reference(_)), "{step}: {result}");
        self.names.bind(name.clone(), reference.clone());
    }

    /// Gives a new process its name: the call has given its pid, or the answer tells it, or the process itself.
    fn meet(
        &mut self,
        step: &Step,
        spawn: &Spawn,
        result: Option<&Term>,
        seen: &BTreeMap<Name, Vec<Term>>,
    ) {
        let told = seen.get(&step.by).into_iter().flatten();
        let answers = told.filter(|it| {
            it.as_tuple().is_some_and(|it| it.len() == 4 && it[2] == atom("ok").into())
        });
        let began = seen.get(&spawn.child).into_iter().flatten();
        let pid = result.into_iter().chain(answers).chain(began).find_map(pid_of);
        if let Some(pid) = pid {
            self.names.bind(spawn.child.clone(), pid.clone());
        }
    }

    fn side(&mut self, of: &str) -> At<'_, 'b> {
        let number = usize::from(node(of) == "b");
        At { side: self.sides[number], names: &self.names }
    }
}

/// A side, with what names stand for.
struct At<'a, 'b> {
    side: &'a mut (dyn Side + 'b),
    names: &'a Names,
}

impl At<'_, '_> {
    fn step(self, by: &Name, ops: &[&Step], syncs: &[Name]) -> Option<Vec<Term>> {
        self.side.step(by, ops, syncs, self.names)
    }
}

fn is_down(item: &Term) -> bool {
    item.as_tuple().is_some_and(|it| it.first() == Some(&atom("DOWN").into()))
}

/// A pid, or the first one in a tuple.
fn pid_of(term: &Term) -> Option<&Term> {
    let elements = term.as_tuple().into_iter().flatten();
    [term].into_iter().chain(elements).find(|it| matches!(it, Term::Pid(_)))
}

/// Links have no order.
fn sorted(step: &Step, result: Term) -> Term {
    match (&step.op, result.as_list()) {
        (Op::Links, Some(links)) => {
            let mut links = links.to_vec();
            links.sort_by_key(ToString::to_string);
            Term::list(links)
        }
        _ => result,
    }
}
