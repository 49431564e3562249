//! Every file of `tests/scenarios` is a run that once failed, made simple: now it must hold.

use std::fs;
use std::path::Path;

use netkernel_tests::sim::oracles;
use netkernel_tests::sim::run::{Audience, Budget};
use netkernel_tests::sim::scenario::Scenario;
use netkernel_tests::sim::trace::Tracing;

#[test]
fn no_oracle_objects_to_any_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let name = file.display();
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let scenario: Scenario = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!scenario.comment.is_empty(), "{name} says what it shows");
        assert_eq!(scenario.to_string(), text, "{name} is as it would be written");
        let (oracles, tracing) = (oracles::all(), Tracing::OFF);
        let report = scenario.run(Budget::ALL, Audience { oracles, tracing, sink: &mut |_| {} });
        if let Some(violation) = report.violation {
            panic!("{violation}\nreplay: cargo sim --scenario {name} --trace full");
        }
    }
}
