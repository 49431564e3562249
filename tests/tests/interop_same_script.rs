//! The same script of links, monitors, exit signals, aliases and spawns, played by two nodes of Erlang, by one of Erlang and one of ours in either
//! role, and by two of ours: all processes see the same, term by term.

use std::env;

use netkernel_blocking::core::net_kernel::DistAutoConnect;
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release};
use netkernel_tests::ours::Ours;
use same_script::erlang::Erlang;
use same_script::generate;
use same_script::op::Step;
use same_script::ours::Rust;
use same_script::stage::{Side, Told, play};
use same_script::written::SCRIPTS;

mod same_script;

/// Scripts that are always the same, and as many others for each `PROPTEST_RNG_SEED`.
const GENERATED: u64 = 8;

/// Two nodes of each kind. Links are only where a play makes them.
struct Stage {
    theirs: [Erlang; 2],
    ours: [Rust; 2],
    _epmd: Epmd,
}

impl Stage {
    fn new(release: Release) -> Self {
        let epmd = Epmd::start(release);
        let theirs = |name| {
            Erlang::new(Erl::start(&ErlOptions::new(release, &epmd, name).without_auto_connect()))
        };
        let ours = |name| {
            let mut config = Ours::config(epmd.port());
            config.kernel.auto_connect = DistAutoConnect::Never;
            Rust::new(Ours::start(name, config))
        };
        Self { theirs: ["e1", "e2"].map(theirs), ours: ["r1", "r2"].map(ours), _epmd: epmd }
    }

    /// Plays the script in all castings.
    fn compare(&mut self, title: &str, script: &[Step]) {
        let lines: Vec<_> = script.iter().map(ToString::to_string).collect();
        eprintln!("{title}:\n    {}", lines.join("\n    ")); // shown if the test fails
        let ([e1, e2], [r1, r2]) = (&mut self.theirs, &mut self.ours);
        let expected = play(script, &mut [e1, e2]);
        let casting = |what: &str, mut sides: [&mut dyn Side; 2]| {
            eprintln!("  {what}");
            assert_same(&expected, &play(script, &mut sides));
        };
        casting("ours is a", [r1, e2]);
        casting("ours is b", [e1, r2]);
        casting("both are ours", [r1, r2]);
    }
}

fn assert_same(expected: &[Told], told: &[Told]) {
    assert_eq!(expected.len(), told.len());
    for (expected, told) in expected.iter().zip(told) {
        assert!(expected == told, "of two nodes of Erlang:\n  {expected}\nhere:\n  {told}");
    }
}

each_release_and_runtime! {
    //= docs/spec/process.md#process-link
    //= type=test
    //= docs/spec/process.md#process-unlink
    //= type=test
    //= docs/spec/process.md#process-exit-signal
    //= type=test
    //= docs/spec/process.md#process-kill
    //= type=test
    //= docs/spec/process.md#process-end
    //= type=test
    //= docs/spec/process.md#process-monitor
    //= type=test
    //= docs/spec/process.md#process-demonitor
    //= type=test
    //= docs/spec/process.md#process-alias
    //= type=test
    //= docs/spec/process.md#process-alias-reply
    //= type=test
    //= docs/spec/process.md#process-loss
    //= type=test
    //= docs/spec/process.md#process-monitor-node-count
    //= type=test
    //= docs/spec/process.md#process-spawn
    //= type=test
    //= docs/spec/process.md#process-spawn-reply
    //= type=test
    //= docs/spec/process.md#process-spawn-link
    //= type=test
    //= docs/spec/process.md#process-spawn-undef
    //= type=test
    //= docs/spec/process.md#process-spawn-badopt
    //= type=test
    //= docs/spec/process.md#process-spawn-noconnection
    //= type=test
    //= docs/spec/process.md#process-spawn-here
    //= type=test
    #[test]
    fn written_scripts_go_as_between_two_nodes_of_erlang(release: Release) {
        let mut stage = Stage::new(release);
        for (title, text) in SCRIPTS {
            let script: Vec<_> = text.lines().map(Step::parse).collect();
            stage.compare(title, &script);
        }
    }

    /// A script that fails is in the output, as text that can be a written one.
    //= docs/spec/process.md#process-link-received
    //= type=test
    //= docs/spec/process.md#process-down
    //= type=test
    #[test]
    fn generated_scripts_go_as_between_two_nodes_of_erlang(release: Release) {
        let given = env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok());
        let given = given.unwrap_or(1_u64 << 32);
        let mut stage = Stage::new(release);
        for seed in (0..GENERATED).chain((given..=u64::MAX).take(GENERATED as usize)) {
            stage.compare(&format!("seed {seed}"), &generate::script(seed));
        }
    }
}
