//! The words of the command line.

use core::mem::take;
use std::thread;

use netkernel_tests::sim::observe::Oracle;
use netkernel_tests::sim::oracles::{self, Canary};
use netkernel_tests::sim::run::Budget;
use netkernel_tests::sim::trace::Tracing;

use crate::source::Template;

pub(crate) const USAGE: &str = "\
usage: cargo sim --seed N [PLAN] [RUN] [PICTURES | --shrink [--out FILE]]
       cargo sim --scenario FILE [RUN] [PICTURES | --shrink [--out FILE]]
       cargo sim --live TRACE... --svg FILE [--from SECONDS]
       cargo sim --seeds COUNT [--start N] [--keep-going] [--threads N] [PLAN] [RUN]
       PLAN: --plan swarm|calm|violent [--nodes N] [--hours N]; swarm draws its own
       RUN:  [--trace short|full] [--until SECONDS] [--canary]
       PICTURES: [--svg FILE [--from SECONDS]] [--pcap FILE]
--svg draws the run: a column a node, time downwards; with --live what nodes have written with `netkernel node --trace`; --from leaves out what was before then. --pcap writes all its bytes as a capture for Wireshark.
--until ends the run then, and what would have come is not judged. --canary adds an oracle that is wrong.";

/// What is to be done.
pub(crate) struct Options {
    pub(crate) mode: Mode,
    pub(crate) shrink: bool,
    pub(crate) out: Option<String>,
    pub(crate) svg: Option<String>,
    /// Where the picture begins, in nanoseconds.
    pub(crate) from: Option<u64>,
    pub(crate) pcap: Option<String>,
    pub(crate) keep_going: bool,
    pub(crate) threads: usize,
    pub(crate) tracing: Tracing,
    pub(crate) budget: Budget,
    until: Option<String>,
    canary: bool,
}

pub(crate) enum Mode {
    Seed { template: Template, seed: u64 },
    Hunt { template: Template, start: u64, seeds: u64 },
    Scenario(String),
    Live(Vec<String>),
}

impl Options {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Option<Self> {
        let mut words = words.peekable();
        let mut options = Self {
            mode: Mode::Scenario(String::new()),
            shrink: false,
            out: None,
            svg: None,
            from: None,
            pcap: None,
            keep_going: false,
            threads: thread::available_parallelism().map_or(1, usize::from),
            tracing: Tracing::OFF,
            budget: Budget::ALL,
            until: None,
            canary: false,
        };
        let (mut seed, mut seeds, mut start, mut scenario) = (None, None, 0, None);
        let mut live = Vec::new();
        let (mut plan, mut nodes, mut hours) = (None, None, None);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--seed" => seed = Some(number(words.next())?),
                "--seeds" => seeds = Some(number(words.next())?),
                "--start" => start = number(words.next())?,
                "--scenario" => scenario = Some(words.next()?),
                "--plan" => plan = Some(words.next()?),
                "--nodes" => nodes = Some(number(words.next())?.clamp(1, 20_000) as usize),
                "--hours" => hours = Some(number(words.next())?),
                "--shrink" => options.shrink = true,
                "--out" => options.out = Some(words.next()?),
                "--svg" => options.svg = Some(words.next()?),
                "--from" => options.from = Some(nanoseconds(&words.next()?)?),
                "--pcap" => options.pcap = Some(words.next()?),
                "--live" => {
                    while let Some(path) = words.next_if(|word| !word.starts_with("--")) {
                        live.push(path);
                    }
                }
                "--keep-going" => options.keep_going = true,
                "--threads" => options.threads = number(words.next())?.max(1) as usize,
                "--canary" => options.canary = true,
                "--trace" => options.tracing = tracing(&words.next()?)?,
                "--until" => {
                    let word = words.next()?;
                    options.budget.until = nanoseconds(&word)?;
                    options.until = Some(word);
                }
                _ => return None,
            }
        }
        let planned = plan.is_some() || nodes.is_some() || hours.is_some();
        let (nodes, hours) = (nodes.unwrap_or(5), hours.unwrap_or(1));
        let template = match plan.as_deref() {
            None | Some("swarm") => Template::Swarm,
            Some("calm") => Template::Calm { nodes, hours },
            Some("violent") => Template::Violent { nodes, hours },
            Some(_) => return None,
        };
        options.mode = match (seed, seeds, scenario) {
            (Some(seed), None, None) => Mode::Seed { template, seed },
            (None, Some(seeds), None) if !options.shrink => Mode::Hunt { template, start, seeds },
            (None, None, Some(path)) if !planned && live.is_empty() => Mode::Scenario(path),
            (None, None, None) if !planned && !live.is_empty() => Mode::Live(take(&mut live)),
            _ => return None,
        };
        let drawn = options.svg.is_some() && options.pcap.is_none() && !options.shrink;
        if !live.is_empty() || matches!(options.mode, Mode::Live(_)) && !drawn {
            return None;
        }
        let one = !options.shrink && !matches!(options.mode, Mode::Hunt { .. });
        let pictures = options.svg.is_some() || options.pcap.is_some();
        if options.from.is_some() && options.svg.is_none() {
            return None;
        }
        ((one || !pictures) && (options.shrink || options.out.is_none())).then_some(options)
    }

    /// Who judges.
    pub(crate) fn judges(&self) -> Vec<Box<dyn Oracle>> {
        let mut judges = oracles::all();
        if self.canary {
            judges.push(Box::new(Canary));
        }
        judges
    }

    /// The words that change what comes of a run.
    pub(crate) fn flags(&self) -> String {
        let until = self.until.as_ref().map_or_else(String::new, |time| format!(" --until {time}"));
        let canary = if self.canary { " --canary" } else { "" };
        until + canary
    }
}

fn number(word: Option<String>) -> Option<u64> {
    word?.parse().ok()
}

fn nanoseconds(seconds: &str) -> Option<u64> {
    let seconds = seconds.parse::<f64>().ok().filter(|it| it.is_finite() && *it >= 0.0);
    Some((seconds? * 1e9) as u64)
}

fn tracing(word: &str) -> Option<Tracing> {
    match word {
        "full" => Some(Tracing::FULL),
        "short" => Some(Tracing::SHORT),
        _ => None,
    }
}
