//! How links with real nodes are kept, and how they end when a node dies or falls silent.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::net_kernel::{Diagnostic, NodeDownReason};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::Ours;

/// `net_ticktime` of these tests, in seconds. Much less would not survive a busy machine.
const TICKTIME: u32 = 8;

each_release_and_runtime! {
    #[test]
    fn a_killed_node_is_connection_closed(release: Release) {
        let epmd = Epmd::start(release);
        let mut erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        rust.connect(erl.name());
        rust.expect_up(erl.name(), NodeType::Visible);
        erl.signal(Signal::Kill);
        rust.expect_down(erl.name(), NodeDownReason::ConnectionClosed);
        assert_eq!(rust.nodes(), []);
        erl.wait_end();

        // Its successor has another creation, and is welcome.
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        assert!(erl.ping(rust.name()));
        rust.expect_up(erl.name(), NodeType::Visible);
    }

    /// Of every kind of link: idle for longer than the ticktime it stays, and a frozen node is missed, in time but not
    /// too soon.
    //= docs/spec/tick.md#tick-timeout
    //= type=test
    //= docs/spec/tick.md#tick-send-visible
    //= type=test
    //= docs/spec/tick.md#tick-send-hidden
    //= type=test
    //= docs/spec/tick.md#tick-missed
    //= type=test
    #[test]
    fn ticks_keep_idle_links_and_end_silent_ones(release: Release) {
        let epmd = Epmd::start(release);
        let pairs: Vec<_> = [("a", 4, NodeType::Visible), ("b", 4, NodeType::Hidden), ("c", 10, NodeType::Visible)]
            .into_iter()
            .map(|(name, intensity, node_type)| {
                let erl = Erl::start(&ErlOptions {
                    ticktime: Some(TICKTIME),
                    intensity: Some(intensity),
                    hidden: node_type == NodeType::Hidden,
                    ..ErlOptions::new(release, &epmd, name)
                });
                let config = Ours::ticking(epmd.port(), TICKTIME, u16::try_from(intensity).unwrap());
                let rust = Ours::start(&format!("rust-{name}"), config);
                rust.connect(erl.name());
                rust.expect_up(erl.name(), node_type);
                (erl, rust, intensity)
            })
            .collect();
        thread::sleep(Duration::from_secs(u64::from(TICKTIME) * 5 / 2));
        for (erl, rust, _) in &pairs {
            rust.expect_silence(Duration::ZERO);
            assert_eq!(erl.events().len(), 1, "one nodeup: {:?}", erl.events());
        }

        let stops: Vec<_> = pairs
            .iter()
            .map(|(erl, rust, _)| {
                assert!(erl.ping(rust.name()));
                let stop = Instant::now();
                erl.signal(Signal::Stop);
                stop
            })
            .collect();
        for ((erl, rust, intensity), stop) in pairs.iter().zip(stops) {
            rust.expect_down(erl.name(), NodeDownReason::NetTickTimeout);
            let least = Duration::from_secs(TICKTIME.into()) * (intensity - 1) / *intensity;
            assert!(stop.elapsed() >= least, "{:?} with {intensity}", stop.elapsed());
            rust.wait_diagnostic(|told| matches!(told, Diagnostic::TickMissed { missed, .. }
                if u32::from(*missed) == intensity - 1));
            assert_eq!(rust.nodes(), []);

            // It finds out when it goes on.
            erl.signal(Signal::Continue);
            let down = format!("{{nodedown,'{}'", rust.name());
            erl.wait_event(GIVE_UP, |event| event.starts_with(&down));
        }
    }
}
