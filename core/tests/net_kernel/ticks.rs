//! Ticks on a link, and a peer that says nothing.

use core::time::Duration;

use netkernel_core::net_kernel::{Config, Diagnostic, NodeDownReason, StartOptions};

use crate::common::{CONNECTED, MS, pair};
use crate::scripted::up_as;
use crate::world::{World, cookie, name, ticktime};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

//= docs/spec/tick.md#tick-timeout
//= type=test
//= docs/spec/tick.md#tick-missed
//= type=test
#[test]
fn a_silent_peer_is_declared_down_t_to_t_plus_one_interval_after_its_last_byte() {
    for (phase_ms, seconds) in [(0, 8), (1, 8), (700, 8), (1999, 8), (333, 60)] {
        let mut world = World::default();
        let a = world.start_with(A, Config::new(cookie("C"), ticktime(seconds)), false);
        let b = world.start_with(B, Config::new(cookie("C"), ticktime(seconds)), false);
        assert_eq!(world.connect(a, B), CONNECTED);
        world.pass(Duration::from_secs(5 * u64::from(seconds)));
        assert_eq!(world.nodes[a].host.events.len(), 1, "links that tick live");
        let (interval, whole) =
            (Duration::from_secs(seconds.into()) / 4, Duration::from_secs(seconds.into()));
        // Up to its last byte, which may be an interval old when the peer freezes.
        let mut last_byte = None;
        let mut received = world.link(a).received;
        let running = interval + Duration::from_millis(phase_ms);
        for _ in 0..running.as_millis() {
            world.pass(MS);
            if world.link(a).received != received {
                received = world.link(a).received;
                last_byte = Some(world.now);
            }
        }
        let last_byte = last_byte.unwrap();
        world.nodes[b].frozen = true;
        let stopped = world.now;
        world.nodes[a].host.diagnostics.clear();
        while world.nodes[a].host.events.len() == 1 {
            world.pass(MS);
        }
        let silence = world.now.saturating_since(last_byte);
        assert!(silence >= whole && silence <= whole + interval, "{silence:?}");
        let stopped = world.now.saturating_since(stopped);
        assert!(stopped > whole - interval && stopped <= whole + interval, "{stopped:?}");
        let last = world.nodes[a].host.events.last().unwrap();
        assert_eq!(last.nodedown_reason(), Some(&NodeDownReason::NetTickTimeout));
        let missed = world.nodes[a].host.diagnostics.iter();
        let missed =
            missed.filter(|diagnostic| matches!(diagnostic, Diagnostic::TickMissed { .. })).count();
        assert_eq!(missed, 3, "each missed tick is told, the last one by the nodedown");
    }
}

//= docs/spec/kernel.md#kernel-start-options
//= type=test
//= docs/spec/tick.md#tick-timeout
//= type=test
#[test]
fn links_are_judged_with_the_intensity_that_the_node_was_started_with() {
    let mut world = World::default();
    let a = world.start(A);
    world.stop(a).unwrap();
    let options = StartOptions {
        net_ticktime: Some(16),
        net_tickintensity: Some(16),
        ..StartOptions::new(name(A))
    };
    world.start_again(a, options).unwrap();
    let b = world.start_with(B, Config::new(cookie("C"), ticktime(16)), false);
    assert_eq!(world.connect(a, B), CONNECTED);
    world.pass(Duration::from_secs(100));
    world.nodes[b].frozen = true;
    world.nodes[a].host.diagnostics.clear();
    let (silent, events) = (world.now, world.nodes[a].host.events.len());
    while world.nodes[a].host.events.len() == events {
        world.pass(MS);
    }
    let silence = world.now.saturating_since(silent).as_secs_f32();
    // The last byte of the other node may be four seconds old.
    assert!((12.0..=17.0).contains(&silence), "{silence}");
    assert_eq!(world.nodes[a].host.events.last().unwrap().node().as_str(), B);
    let of = |told: &Diagnostic| {
        let Diagnostic::TickMissed { missed, intensity, .. } = told else { return None };
        Some((*missed, *intensity))
    };
    let missed: Vec<_> = world.nodes[a].host.diagnostics.iter().filter_map(of).collect();
    assert!(missed.ends_with(&[(14, 16), (15, 16)]), "{missed:?}");
}

//= docs/spec/tick.md#tick-late
//= type=test
#[test]
fn a_host_that_slept_long_rings_once_and_kills_no_healthy_link() {
    let (mut world, a, b) = pair();
    world.pass(Duration::from_secs(60));
    world.nodes[a].frozen = true;
    world.nodes[b].frozen = true;
    world.pass(Duration::from_secs(3600));
    world.nodes[a].frozen = false;
    world.nodes[b].frozen = false;
    world.pass(Duration::from_secs(120));
    assert_eq!((world.nodes_of(a), world.nodes_of(b)), (vec![B.to_owned()], vec![A.to_owned()]));
}

//= docs/spec/tick.md#tick-no-counters
//= type=test
#[test]
fn counters_that_cannot_be_read_end_the_link_at_the_tick() {
    let (mut world, a, _) = pair();
    world.link(a).counters_fail = true;
    world.pass(Duration::from_secs(15));
    assert_eq!(
        world.nodes[a].host.log.last().unwrap(),
        "nodedown 'b@127.0.0.1' {send_net_tick_failed,{error,einval}}"
    );
}

//= docs/spec/tick.md#tick-send-visible
//= type=test
//= docs/spec/tick.md#tick-timeout
//= type=test
#[test]
fn v14_a_peer_that_says_nothing_is_ticked_three_times_and_dropped_as_otp_does() {
    // Capture V14, with T = 8 s: hidden, OTP accepts; its ticks at 2.56, 4.56 and 6.56 s, and the close at 8.57 s after a
    // handshake at 0 s that came 0.56 s after a tick of the node. Visible, OTP initiates: the same, 1.4 s later.
    for phase_ms in [1440, 40] {
        let mut world = World::default();
        let node = world.start_with(A, Config::new(cookie("C"), ticktime(8)), false);
        world.pass(Duration::from_millis(phase_ms));
        let peer = up_as(&mut world, node, B);
        let up = world.now;
        let (mut ticks, mut closed) = (Vec::new(), None);
        world.heard(peer.script);
        while closed.is_none() {
            world.pass(MS);
            let at = world.now.saturating_since(up).as_millis() as u64;
            match world.heard(peer.script).as_slice() {
                [] => {}
                [0, 0, 0, 0] => ticks.push(at),
                other => panic!("no tick: {other:?}"),
            }
            closed = world.scripts[peer.script].closed.then_some(at);
        }
        let first = 2000 - phase_ms;
        assert_eq!(ticks, [first + 2000, first + 4000, first + 6000], "none in the first interval");
        assert_eq!(closed, Some(first + 8000));
    }
}
