//! Where runs come from.

use core::error::Error;
use core::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter};

use netkernel_tests::sim::choice::Prng;
use netkernel_tests::sim::observe::Oracle;
use netkernel_tests::sim::painter::Painter;
use netkernel_tests::sim::plan::{HOUR, Plan, Topology};
use netkernel_tests::sim::run::{Audience, Report, run_within};
use netkernel_tests::sim::scenario::Scenario;
use netkernel_tests::sim::trace::Tracing;
use netkernel_tests::sim::wiretap::Wiretap;

use crate::options::Options;

/// What a run is made of.
pub(crate) enum Source {
    Seed { template: Template, seed: u64 },
    File { path: String, scenario: Box<Scenario> },
}

/// Where the plans of seeds come from.
#[derive(Clone, Copy)]
pub(crate) enum Template {
    Swarm,
    Calm { nodes: usize, hours: u64 },
    Violent { nodes: usize, hours: u64 },
}

impl Source {
    pub(crate) fn read(path: &str) -> Result<Self, Box<dyn Error>> {
        let scenario: Scenario = fs::read_to_string(path)?.parse()?;
        Ok(Self::File { path: path.to_owned(), scenario: Box::new(scenario) })
    }

    pub(crate) fn plan(&self) -> Plan {
        match self {
            Self::Seed { template, seed } => template.plan(&mut Prng::new(*seed)),
            Self::File { scenario, .. } => scenario.plan.clone(),
        }
    }

    pub(crate) fn run(
        &self,
        options: &Options,
        tracing: Tracing,
        sink: &mut dyn FnMut(&str),
    ) -> Report {
        self.run_before(options.judges(), options, tracing, sink)
    }

    /// Runs it, and makes the files of it that are wanted; with the report, what has kept them from being written. If one cannot even be made, there is no run.
    pub(crate) fn show(
        &self,
        options: &Options,
        sink: &mut dyn FnMut(&str),
    ) -> Result<(Report, Vec<String>), String> {
        let mut oracles = options.judges();
        // First, so that they have seen what another one objects to.
        let sketch = options.svg.as_ref().map(|path| {
            let painter = Painter::default();
            let sketch = painter.sketch();
            oracles.insert(0, Box::new(painter));
            (path, sketch)
        });
        let capture = match &options.pcap {
            Some(path) => {
                let file = File::create(path).map_err(|error| format!("{path}: {error}"))?;
                let wiretap = Wiretap::new(BufWriter::new(file));
                let capture = wiretap.capture();
                oracles.insert(0, Box::new(wiretap));
                Some((path, capture))
            }
            None => None,
        };
        let report = self.run_before(oracles, options, options.tracing, sink);
        let mut errors = Vec::new();
        let mut note = |path: &str, outcome: io::Result<()>| {
            errors.extend(outcome.err().map(|error| format!("{path}: {error}")));
        };
        if let Some((path, sketch)) = sketch {
            let title = format!("cargo sim {self}{}", options.flags());
            let mut chart = sketch.borrow_mut().chart(title, report.violation.as_ref());
            options.from.into_iter().for_each(|from| chart.begin_at(from));
            note(path, fs::write(path, chart.to_svg()));
        }
        if let Some((path, capture)) = capture {
            let written = match &mut *capture.borrow_mut() {
                Ok(capture) => capture.flush(),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            note(path, written);
        }
        Ok((report, errors))
    }

    fn run_before(
        &self,
        oracles: Vec<Box<dyn Oracle>>,
        options: &Options,
        tracing: Tracing,
        sink: &mut dyn FnMut(&str),
    ) -> Report {
        let audience = Audience { oracles, tracing, sink };
        match self {
            Self::Seed { template, seed } => {
                let mut choice = Prng::new(*seed);
                let plan = template.plan(&mut choice);
                run_within(options.budget, plan, &mut choice, audience)
            }
            Self::File { scenario, .. } => scenario.run(options.budget, audience),
        }
    }

    /// The run, as far as it gets.
    pub(crate) fn record(&self, options: &Options) -> Scenario {
        match self {
            Self::Seed { template, seed } => {
                let mut choice = Prng::new(*seed);
                let plan = template.plan(&mut choice);
                let (oracles, tracing) = (options.judges(), Tracing::OFF);
                let audience = Audience { oracles, tracing, sink: &mut |_| {} };
                Scenario::record(options.budget, plan, &mut choice, audience).0
            }
            Self::File { scenario, .. } => (**scenario).clone(),
        }
    }

    pub(crate) fn replay_command(&self, options: &Options) -> String {
        format!("cargo sim {self}{} --trace full", options.flags())
    }

    pub(crate) fn shrink_command(&self, options: &Options) -> String {
        let flags = options.flags();
        format!("cargo sim {self}{flags} --shrink --out tests/scenarios/NAME.txt")
    }
}

/// The options that choose it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed { template, seed } => write!(f, "--seed {seed}{template}"),
            Self::File { path, .. } => write!(f, "--scenario {path}"),
        }
    }
}

impl Template {
    pub(crate) fn plan(self, choice: &mut Prng) -> Plan {
        match self {
            Self::Swarm => Plan::draw(choice),
            Self::Calm { nodes, hours } => {
                Plan { safety_ns: hours * HOUR, ..Plan::calm(nodes, Topology::Mesh) }
            }
            Self::Violent { nodes, hours } => {
                Plan { safety_ns: hours * HOUR, ..Plan::violent(nodes) }
            }
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Swarm => Ok(()),
            Self::Calm { nodes, hours } => {
                write!(f, " --plan calm --nodes {nodes} --hours {hours}")
            }
            Self::Violent { nodes, hours } => {
                write!(f, " --plan violent --nodes {nodes} --hours {hours}")
            }
        }
    }
}
