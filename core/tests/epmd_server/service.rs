//! The service as a whole: its life, its limits, its time and its creations.

use core::time::Duration;

use netkernel_core::Instant;
use netkernel_core::driver::Machine as _;
use netkernel_core::epmd::ServerDiagnostic;
use netkernel_core::epmd_server::{Config, Server, State, StopCause};
use netkernel_core::net_kernel::{Input, OpenError};

use super::daemon::{Daemon, PORT, alive2, framed};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

//= docs/spec/epmd.md#epmd-server-service
//= type=test
#[test]
fn it_serves_from_its_listener_until_it_is_stopped() {
    let mut daemon = Daemon::new(Config::default());
    let early = daemon.accept(true);
    assert!(daemon.host.listens && daemon.got(early).1);
    assert_eq!(daemon.server.state(), State::Starting);
    daemon.tell(Input::Listening { port: PORT });
    assert_eq!(daemon.server.state(), State::Serving { port: PORT });
    let (held, _) = daemon.register("a");
    let silent = daemon.accept(false);
    daemon.server.stop();
    daemon.settle();
    assert_eq!(daemon.server.state(), State::Stopped(StopCause::Asked));
    assert!(!daemon.host.listens && daemon.got(held).1 && daemon.got(silent).1);
    assert_eq!(daemon.server.deadline(), None);

    // Nothing brings it back.
    daemon.server.stop();
    for input in [Input::ListenerLost, Input::Listening { port: 1 }, Input::Timeout] {
        daemon.tell(input);
    }
    assert_eq!(daemon.server.state(), State::Stopped(StopCause::Asked));
    assert_eq!(daemon.ask(&framed(b"n")), (Vec::new(), true));
}

//= docs/spec/epmd.md#epmd-server-service
//= type=test
#[test]
fn it_ends_with_its_listener() {
    let mut daemon = Daemon::new(Config::default());
    daemon.tell(Input::ListenFailed { error: OpenError::AddressInUse });
    let cause = StopCause::ListenFailed(OpenError::AddressInUse);
    assert_eq!(daemon.server.state(), State::Stopped(cause));

    let mut daemon = Daemon::serving(Config::default());
    let (held, _) = daemon.register("a");
    daemon.tell(Input::ListenerLost);
    assert_eq!(daemon.server.state(), State::Stopped(StopCause::ListenerLost));
    assert!(daemon.got(held).1);
}

//= docs/spec/epmd.md#epmd-server-kill
//= type=test
#[test]
fn kill_is_refused_while_there_are_nodes_unless_the_check_is_relaxed() {
    let mut daemon = Daemon::serving(Config::default());
    let (held, _) = daemon.register("a");
    assert_eq!(daemon.ask(&framed(b"k")), (b"NO".to_vec(), true));
    assert_eq!(daemon.server.state(), State::Serving { port: PORT });
    daemon.leave(held);
    let silent = daemon.accept(true);
    assert_eq!(daemon.ask(&framed(b"k")), (b"OK".to_vec(), true));
    assert_eq!(daemon.server.state(), State::Stopped(StopCause::Killed));
    assert!(!daemon.host.listens && daemon.got(silent).1);

    let mut daemon = Daemon::serving(Config { relaxed_command_check: true, ..Config::default() });
    let (held, _) = daemon.register("a");
    assert_eq!(daemon.ask(&framed(b"k")), (b"OK".to_vec(), true));
    assert_eq!(daemon.server.state(), State::Stopped(StopCause::Killed));
    assert!(daemon.got(held).1);
}

//= docs/spec/epmd.md#epmd-server-timeout
//= type=test
#[test]
fn a_silent_client_is_closed_and_a_held_name_is_not() {
    let config = Config { packet_timeout: 2 * SECOND, ..Config::default() };
    let mut daemon = Daemon::serving(config);
    let (held, _) = daemon.register("a");
    let refused = daemon.accept(true);
    daemon.write(refused, &alive2("a", 6));
    assert_eq!(daemon.server.deadline(), None);
    let (silent, slow) = (daemon.accept(true), daemon.accept(true));
    daemon.pass(2 * SECOND);
    daemon.write(slow, b"\0");
    daemon.pass(SECOND - MILLI);
    assert!(!daemon.got(silent).1);
    daemon.pass(MILLI);
    assert!(daemon.got(silent).1);
    assert_eq!(daemon.host.told.last(), Some(&ServerDiagnostic::TimedOut));
    daemon.pass(2 * SECOND - MILLI);
    assert!(!daemon.got(slow).1, "each byte counts");
    daemon.pass(MILLI);
    assert!(daemon.got(slow).1);
    daemon.pass(1_000_000 * SECOND);
    assert!(!daemon.got(held).1 && !daemon.got(refused).1);
}

//= docs/spec/epmd.md#epmd-server-connections
//= type=test
#[test]
fn a_connection_too_many_is_closed_at_once() {
    let mut daemon = Daemon::serving(Config { connections: 2, ..Config::default() });
    let (held, _) = daemon.register("a");
    let waiting = daemon.accept(true);
    daemon.host.told.clear();
    assert_eq!(daemon.ask(&framed(b"n")), (Vec::new(), true));
    assert_eq!(daemon.host.told, [ServerDiagnostic::TooManyConnections]);
    daemon.leave(waiting);
    assert_eq!(daemon.ask(&framed(b"n")).0.len(), 4 + "name a at port 4001\n".len());
    assert!(!daemon.got(held).1);
}

//= docs/spec/epmd.md#epmd-server-delays
//= type=test
#[test]
fn delays_come_before_the_first_read_and_before_each_write() {
    let config = Config { delay_accept: 3 * SECOND, delay_write: 2 * SECOND, ..Config::default() };
    let mut daemon = Daemon::serving(config);
    let [a, b] = [(); 2].map(|()| daemon.accept(true));
    assert_eq!(daemon.write(a, &framed(b"n")), (Vec::new(), false));
    daemon.pass(3 * SECOND);
    daemon.write(a, &alive2("a", 6));
    daemon.write(b, &alive2("b", 6));
    daemon.pass(2 * SECOND - MILLI);
    assert_eq!((daemon.got(a).0.len(), daemon.got(b).0.len()), (0, 0));
    daemon.pass(MILLI);
    assert_eq!((daemon.got(a).0.len(), daemon.got(b).0.len()), (6, 6), "they wait together");

    let names = daemon.accept(true);
    daemon.pass(3 * SECOND);
    daemon.write(names, &framed(b"n"));
    daemon.pass(6 * SECOND - MILLI);
    assert_eq!(daemon.got(names), (Vec::new(), false), "the port and two lines");
    daemon.leave(b);
    daemon.pass(MILLI);
    let (answer, closed) = daemon.got(names);
    assert!(closed && answer.ends_with(b"name a at port 4001\n"));

    let stop = daemon.accept(true);
    daemon.pass(3 * SECOND);
    daemon.leave(a);
    daemon.write(stop, &framed(b"k"));
    assert_eq!(daemon.server.state(), State::Serving { port: PORT });
    daemon.pass(2 * SECOND);
    assert_eq!(daemon.got(stop), (b"OK".to_vec(), true));
    assert_eq!(daemon.server.state(), State::Stopped(StopCause::Killed));
}

//= docs/spec/epmd.md#epmd-server-delays
//= type=test
#[test]
fn each_line_of_a_dump_and_each_word_of_an_answer_to_stop_is_a_write() {
    let config = Config { delay_write: SECOND, relaxed_command_check: true, ..Config::default() };
    let mut daemon = Daemon::serving(config);
    let nodes = ["a", "b", "c", "d"].map(|name| {
        let stream = daemon.accept(true);
        daemon.write(stream, &alive2(name, 6));
        daemon.pass(SECOND);
        stream
    });
    for node in &nodes[1..] {
        daemon.leave(*node);
    }
    let lines = 4;
    for (request, writes) in [(&b"d"[..], 1 + lines), (b"sx", 2), (b"sa", 1)] {
        let stream = daemon.accept(true);
        daemon.write(stream, &framed(request));
        daemon.pass(writes * SECOND - MILLI);
        assert_eq!(daemon.got(stream), (Vec::new(), false), "{request:?}");
        daemon.pass(MILLI);
        assert!(daemon.got(stream).1, "{request:?}");
    }
}

//= docs/spec/epmd.md#epmd-server-delays
//= type=test
#[test]
fn a_client_that_leaves_during_a_delay_leaves_nothing_behind() {
    let config = Config { delay_write: SECOND, ..Config::default() };
    let mut daemon = Daemon::serving(config);
    let stream = daemon.accept(true);
    daemon.write(stream, &alive2("a", 6));
    daemon.leave(stream);
    assert_eq!(daemon.server.deadline(), None);
    assert!(daemon.host.told.contains(&ServerDiagnostic::Unregistered { name: "a".into() }));
}

//= docs/spec/epmd.md#epmd-server-creation
//= type=test
#[test]
fn creations_begin_at_the_clock_and_count_the_registrations_of_a_name() {
    let mut daemon = Daemon::serving(Config { unix_time: 1000, ..Config::default() });
    daemon.pass(7 * SECOND + 500 * MILLI);
    let mut last = 1007;
    for _ in 0..3 {
        let (stream, creation) = daemon.register("a");
        assert_eq!(creation, last + 1);
        last = creation;
        daemon.leave(stream);
    }
    let old = daemon.accept(true);
    let (answer, _) = daemon.write(old, &alive2("a", 5));
    assert_eq!(answer, [b'y', 0, 0, ((last + 1) % 3 + 1) as u8]);
    daemon.leave(old);
    assert_eq!(daemon.register("a").1, last + 2);
    assert_eq!(daemon.register("b").1, 1008);
}

//= docs/spec/epmd.md#epmd-server-creation
//= type=test
#[test]
fn creations_are_never_below_four() {
    assert_eq!(Daemon::serving(Config::default()).register("a").1, 4);
    let mut daemon = Daemon::serving(Config { unix_time: u32::MAX - 1, ..Config::default() });
    let creations = [(); 3].map(|()| {
        let (stream, creation) = daemon.register("a");
        daemon.leave(stream);
        creation
    });
    assert_eq!(creations, [u32::MAX, 4, 5]);
}

//= docs/spec/epmd.md#epmd-server-remembered
//= type=test
//= docs/spec/epmd.md#epmd-server-creation
//= type=test
#[test]
fn a_new_name_takes_the_place_of_the_oldest_one_and_no_name_goes_back() {
    let mut daemon = Daemon::serving(Config { remembered: 1, ..Config::default() });
    let mut last = 0;
    for _ in 0..10 {
        let (stream, creation) = daemon.register("a");
        daemon.leave(stream);
        last = creation;
    }
    assert_eq!(last, 13);
    let (b, creation) = daemon.register("b");
    assert_eq!(creation, 4, "a is remembered");
    daemon.leave(b);
    assert_eq!(daemon.dump().matches("old/unused").count(), 2, "one more than the limit");
    let (c, creation) = daemon.register("c");
    assert_eq!(creation, 14, "a was forgotten");
    daemon.leave(c);
    assert!(daemon.dump().starts_with("old/unused name <b>"));
    assert_eq!(daemon.register("a").1, 14, "higher than it ever was");
}

#[test]
fn time_that_goes_backwards_is_clamped() {
    let mut daemon = Daemon::serving(Config::default());
    daemon.pass(60 * SECOND);
    let silent = daemon.accept(true);
    daemon.server.handle(Instant::ORIGIN, Input::Timeout);
    daemon.settle();
    assert!(!daemon.got(silent).1);
    assert_eq!(daemon.server.deadline(), Some(daemon.now + 61 * SECOND));
}

#[test]
fn two_servers_with_the_same_inputs_are_equal() {
    let run = || {
        let mut daemon = Daemon::serving(Config::default());
        let (stream, _) = daemon.register("a");
        daemon.register("b");
        daemon.leave(stream);
        daemon.server
    };
    assert!(run() == run() && run() != Server::new(Config::default()));
}
