//! Whole clusters in one thread, in virtual time: the machines of core, driven as a runtime drives them, over a network and under
//! clocks and operators that a seed decides about. See `docs/simulation.md`.
//!
//! | module | what it is |
//! |---|---|
//! | [`choice`] | the one source of decisions: a seed, a fuzzer's bytes, a recording |
//! | [`plan`] | the knobs of a run |
//! | [`queue`], [`clock`], [`net`], [`shared`] | time, connections, and what all machines share |
//! | [`body`], [`stream`], [`office`], [`inquiry`], [`options`], `host` | what a runtime keeps around a machine; each step of each of its threads is an event |
//! | [`actor`], [`world`] | machines, and what happens to them |
//! | [`guest`] | nodes of an embedder's own |
//! | [`act`], `crew`, [`delivery`] | processes of applications, what they do, and where it leads |
//! | `fault`, `operator`, `hostile` | who makes it happen |
//! | [`observe`], [`oracles`], [`trace`], [`painter`], [`wiretap`] | what can be seen, and who looks |
//! | [`model`], [`kin`] | what a node and its processes must do, said once more and more simply |
//! | [`run`] | a run from its first event to its report |
//!
//! Nothing here knows the wall clock, an address or a hash seed, and nothing in core knows of this.

pub mod act;
pub mod actor;
pub mod body;
pub mod call;
pub mod choice;
pub mod clock;
mod crew;
pub mod delivery;
mod fault;
pub mod guest;
mod host;
mod hostile;
pub mod inquiry;
pub mod kin;
pub mod knobs;
pub mod letter;
pub mod model;
mod model_asked;
mod model_info;
mod model_opts;
mod model_pace;
mod model_told;
pub mod net;
pub mod observe;
pub mod office;
mod operator;
pub mod options;
pub mod oracles;
pub mod painter;
pub mod plan;
pub mod queue;
pub mod run;
pub mod scenario;
pub mod shared;
pub mod shrink;
pub mod stream;
pub mod trace;
pub mod wiretap;
pub mod world;

/// A machine, by its place in the world: nodes first, then the EPMD of each host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId(pub usize);

/// A host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub usize);
