//! Goes through seeds.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use netkernel_tests::sim::trace::Tracing;

use crate::options::Options;
use crate::source::{Source, Template};
use crate::{speed, tail};

/// A line for each seed that fails, in their order whatever the threads do; all that is known of the first, unless it is to go on.
pub(crate) fn hunt(options: &Options, template: Template, start: u64, count: u64) -> ExitCode {
    let began = Instant::now();
    let end = start.saturating_add(count);
    let next = AtomicU64::new(start);
    let (mut passed, mut seeds, mut failures) = (0, 0_u64, 0_u64);
    let mut first = None;
    thread::scope(|scope| {
        let (reports, inbox) = mpsc::sync_channel(1024);
        for _ in 0..options.threads {
            let (next, reports) = (&next, reports.clone());
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let source = Source::Seed { template, seed };
                    let report = source.run(options, Tracing::OFF, &mut |_| {});
                    if reports.send((seed, report)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(reports);
        let (mut early, mut due) = (BTreeMap::new(), start);
        'all: for (seed, report) in inbox {
            early.insert(seed, report);
            while let Some(report) = early.remove(&due) {
                (seeds, passed) = (seeds + 1, passed + report.passed);
                if let Some(violation) = report.violation {
                    failures += 1;
                    println!("seed {due}: {violation}");
                    if !options.keep_going {
                        first = Some(Source::Seed { template, seed: due });
                        next.store(end, Ordering::Relaxed);
                        break 'all;
                    }
                }
                due += 1;
            }
        }
    });
    if let Some(source) = &first {
        println!("{}", source.plan());
        tail(options, source);
    }
    println!("{failures} of {seeds} seeds from {start} failed");
    if let Some(source) = &first {
        println!("shrink: {}", source.shrink_command(options));
        println!("replay: {}", source.replay_command(options));
    }
    speed(passed, began);
    if failures > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
