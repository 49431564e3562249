//! The bodies of the fuzz targets that need more than core: each takes any bytes, and panics if a promise is broken.
//!
//! `fuzz/` makes programs of them, and `tests/tests/fuzz_corpus.rs` runs every file of their corpora through them. See
//! `docs/fuzzing.md`.

use crate::sim::choice::ByteChoice;
use crate::sim::oracles;
use crate::sim::plan::{Plan, SECOND};
use crate::sim::run::{Audience, Budget};
use crate::sim::scenario::Scenario;
use crate::sim::trace::Tracing;

/// The name that a target has in `fuzz/fuzz_targets` and `fuzz/corpus`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 1] = [("world", world)];

/// An input takes milliseconds, so that many are tried; a violent plan would take seconds for its hours.
const BUDGET: Budget = Budget { until: 600 * SECOND, events: 5_000 };

/// A whole world: the bytes are its plan and everything that is decided in it, before all oracles.
///
/// # Panics
/// An oracle objects. The message is the scenario, for `cargo sim --scenario FILE --shrink`.
pub fn world(input: &[u8]) {
    let mut choice = ByteChoice::new(input);
    let mut plan = Plan::draw(&mut choice);
    plan.safety_ns = plan.safety_ns.min(60 * SECOND);
    let audience = Audience { oracles: oracles::all(), tracing: Tracing::OFF, sink: &mut |_| {} };
    let (scenario, report) = Scenario::record(BUDGET, plan, &mut choice, audience);
    if let Some(violation) = report.violation {
        panic!("{violation}\n{scenario}");
    }
}
