//! Tries every order in which things can happen, breadth first, so that the way to a wrong end is a shortest one.
//!
//! The search is stateright's (`docs/decisions/0023-model-checker.md`); here is what our scenes have in common.

use core::any::Any;
use core::fmt::{Debug, Write as _};
use core::hash::Hash;
use core::panic::AssertUnwindSafe;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::time::Instant;

use stateright::{Checker as _, Model, Property};

/// Everything there is at one moment. Those that are equal have the same future.
pub(crate) trait Scene: Clone + Debug + Hash + PartialEq + Send + Sync + 'static {
    /// One thing that can happen next.
    type Act: Clone + Debug + PartialEq + Send + Sync;

    /// All that can happen next; nothing at an end.
    fn acts(&self) -> Vec<Self::Act>;

    /// Has it happen.
    fn act(&mut self, act: Self::Act);

    /// What a reader of a wrong end wants to see.
    fn tell(&self) -> String;
}

/// What has been tried, and what came of it.
#[derive(Debug)]
pub(crate) struct Explored {
    /// States that differ.
    pub(crate) states: usize,
    /// The ends, by what is worth telling of them, and how many there are of each.
    pub(crate) outcomes: BTreeMap<String, usize>,
}

impl Explored {
    /// The ends that there are.
    pub(crate) fn outcomes(&self) -> BTreeSet<&str> {
        self.outcomes.keys().map(String::as_str).collect()
    }
}

/// What is worth telling of an end, or what is wrong with it. It may panic, too.
pub(crate) trait Judge<S>: Fn(&S) -> Result<String, String> + Send + Sync + 'static {}

impl<S, J: Fn(&S) -> Result<String, String> + Send + Sync + 'static> Judge<S> for J {}

/// Steps, to states that were there before, too. More of them would take too long for a test.
const STEPS_MAX: usize = 3_000_000;

/// Tries every order from `begin`, judges each end, and sorts the ends by what the judge says of them.
///
/// # Panics
/// At a wrong end, or if something panicked on the way: with a shortest path to it.
pub(crate) fn explore<S: Scene>(what: &str, begin: S, judge: impl Judge<S>) -> Explored {
    match search(what, begin, judge) {
        Ok(explored) => explored,
        Err(wrong) => panic!("{wrong}"),
    }
}

fn search<S: Scene>(what: &str, begin: S, judge: impl Judge<S>) -> Result<Explored, String> {
    let (clock, begin) = (Instant::now(), Step { scene: begin, broken: None });
    let tree = Tree { begin, judge, outcomes: Mutex::new(BTreeMap::new()) };
    // With one thread, the path is a shortest one.
    let checker = tree.checker().threads(1).target_state_count(STEPS_MAX).spawn_bfs().join();
    if let Some(path) = checker.discovery(RIGHT) {
        let last = path.last_state().clone();
        let mut text = format!("{what}: {}\nafter\n", judged(checker.model(), &last).unwrap_err());
        for (at, act) in path.into_actions().iter().enumerate() {
            let _ = writeln!(text, "{:4}. {act:?}", at + 1);
        }
        return Err(text + &last.scene.tell());
    }
    let (states, steps) = (checker.unique_state_count(), checker.state_count() - 1);
    assert!(steps + 1 < STEPS_MAX, "{what}: too much to try");
    let outcomes = checker.model().outcomes.lock().map_err(|error| error.to_string())?.clone();
    eprintln!(
        "{what}: {states} states, {steps} steps, depth {}, {:.1} s, {outcomes:#?}",
        checker.max_depth(),
        clock.elapsed().as_secs_f64()
    );
    Ok(Explored { states, outcomes })
}

/// The name of the one property.
const RIGHT: &str = "every end is right, and nothing panics";

struct Tree<S, J> {
    begin: Step<S>,
    judge: J,
    outcomes: Mutex<BTreeMap<String, usize>>,
}

/// A scene, or the last one before something panicked.
#[derive(Clone, Debug, PartialEq, Hash)]
struct Step<S> {
    scene: S,
    broken: Option<String>,
}

impl<S: Scene, J: Judge<S>> Model for Tree<S, J> {
    type State = Step<S>;
    type Action = S::Act;

    fn init_states(&self) -> Vec<Self::State> {
        vec![self.begin.clone()]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        if state.broken.is_none() {
            actions.extend(state.scene.acts());
        }
    }

    fn next_state(&self, last: &Self::State, action: Self::Action) -> Option<Self::State> {
        let mut scene = last.scene.clone();
        let broken = caught(|| scene.act(action)).err();
        // What a panic leaves behind may be in pieces.
        let scene = if broken.is_none() { scene } else { last.scene.clone() };
        Some(Step { scene, broken })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(RIGHT, |tree: &Self, state: &Step<S>| {
            if state.broken.is_none() && !state.scene.acts().is_empty() {
                return true;
            }
            let judged = judged(tree, state);
            if let Ok(outcome) = &judged {
                let mut outcomes = tree.outcomes.lock().unwrap();
                *outcomes.entry(outcome.clone()).or_default() += 1;
            }
            judged.is_ok()
        })]
    }
}

fn judged<S: Scene, J: Judge<S>>(tree: &Tree<S, J>, end: &Step<S>) -> Result<String, String> {
    match &end.broken {
        Some(panic) => Err(panic.clone()),
        None => caught(|| (tree.judge)(&end.scene)).and_then(|judged| judged),
    }
}

fn caught<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "a panic without words".to_owned())
    })
}

mod tests {
    use super::*;

    /// Three numbers; who is at three of the first panics.
    #[derive(Clone, Debug, PartialEq, Hash)]
    struct Counters([u8; 3]);

    impl Scene for Counters {
        type Act = usize;

        fn acts(&self) -> Vec<usize> {
            if self.0.iter().sum::<u8>() < 5 { vec![0, 1, 2] } else { Vec::new() }
        }

        fn act(&mut self, act: usize) {
            self.0[act] += 1;
            assert_ne!(self.0, [3, 1, 0], "a bad place");
        }

        fn tell(&self) -> String {
            format!("at {:?}", self.0)
        }
    }

    #[test]
    fn every_state_is_visited_once_and_every_end_is_judged() {
        let begin = Counters([2, 0, 0]);
        let explored = search("avoided", Counters([0, 2, 0]), |end| Ok(end.0[2].to_string()));
        let explored = explored.unwrap();
        // Three more of three kinds: 1 + 3 + 6 + 10.
        assert_eq!(explored.states, 20);
        assert_eq!(explored.outcomes, [0, 1, 2, 3].map(|at| (at.to_string(), 4 - at)).into());
        assert!(search("met", begin, |_| Ok(String::new())).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_with_a_shortest_path_to_it() {
        let wrong = search("panic", Counters([1, 0, 0]), |_| Ok(String::new())).unwrap_err();
        assert!(wrong.contains("a bad place") && wrong.ends_with("at [3, 0, 0]"), "{wrong}");
        assert_eq!(wrong.matches("\n   3. ").count(), 1);
        assert!(!wrong.contains("\n   4. "), "{wrong}");
        let judge = |end: &Counters| match end.0 {
            [_, _, 5] => Err("four".to_owned()),
            _ => Ok("other".to_owned()),
        };
        let wrong = search("end", Counters([0, 0, 2]), judge).unwrap_err();
        assert!(wrong.starts_with("end: four\nafter\n   1. "), "{wrong}");
        assert!(wrong.contains("   3. ") && wrong.ends_with(", 5]"), "{wrong}");
    }
}
