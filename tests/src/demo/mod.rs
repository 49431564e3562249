//! `cargo demo`: a cluster in one process, over real sockets, where every event is told with the rule behind it.
//!
//! `acts` is what is played, `stage` keeps the nodes and compares what they are told with what must come, `puppet` runs a
//! node that can be frozen and killed, `rules` knows the requirements, `printer` the layout, and `tally` counts.
//!
//! What must not live here: anything that a node does not let every program do.

mod acts;
mod expected;
mod failure;
mod member;
mod printer;
mod puppet;
mod rules;
mod stage;
mod tally;

pub use failure::Failure;

use core::time::Duration;
use std::io::Write;

use printer::Printer;
use stage::Stage;

/// How long the whole demo takes at most on a machine that is not busy with something else. It is told at the end, and
/// not enforced: slowness of the machine is no fault of a node.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How long to wait for each event, unless told otherwise.
pub const GIVE_UP: Duration = Duration::from_secs(20);

/// Plays all acts, and writes what happens to `out`, with colours or without.
///
/// # Errors
/// What went another way than it must: an event that did not come within `give_up`, one that nobody expected, a call that
/// failed.
pub fn run(out: Box<dyn Write>, colour: bool, give_up: Duration) -> Result<(), Failure> {
    let mut stage = Stage::new(Printer::new(out, colour), give_up);
    let played = acts::play(&mut stage).and_then(|()| stage.summary(LIMIT));
    played.map_err(|failure| stage.blame(&failure))
}
