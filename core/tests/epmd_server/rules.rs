//! What each request does.

use core::time::Duration;

use netkernel_core::epmd::ServerDiagnostic;
use netkernel_core::epmd_server::Config;
use netkernel_core::wire::epmd::{EntryFault, RequestError};

use super::daemon::{Daemon, alive2, framed};

const REFUSED: &[u8] = b"v\x01\0\0\0\x63";
const NOT_FOUND: &[u8] = b"w\x01";

fn found(name: &str) -> Vec<u8> {
    let length = name.len() as u8;
    let fields = [b"w\0\x0F\xA1M\0\0\x06\0\x05", &[0, length][..], name.as_bytes()];
    [&fields.concat(), &[0, length][..], name.as_bytes()].concat()
}

fn port_please(name: &str) -> Vec<u8> {
    framed(&[b"z", name.as_bytes()].concat())
}

fn relaxed() -> Config {
    Config { relaxed_command_check: true, ..Config::default() }
}

//= docs/spec/epmd.md#epmd-server-one-request
//= type=test
#[test]
fn every_answer_but_that_to_a_registration_ends_the_connection() {
    let mut daemon = Daemon::serving(relaxed());
    for (request, closed) in [
        (alive2("a", 6).to_vec(), false),
        (alive2("a", 6).to_vec(), false),
        (alive2("b", 5).to_vec(), false),
        (port_please("a"), true),
        (port_please("x"), true),
        (framed(b"n"), true),
        (framed(b"nn"), true),
        (framed(b"d"), true),
        (framed(b"sx"), true),
        (framed(b"sa"), true),
    ] {
        let (answer, ended) = daemon.ask(&request);
        assert!(!answer.is_empty(), "{request:?}");
        assert_eq!(ended, closed, "{request:?}");
    }
    let stream = daemon.accept(true);
    daemon.write(stream, &framed(b"n"));
    assert_eq!(daemon.write(stream, &framed(b"n")).0.len(), daemon.ask(&framed(b"n")).0.len());
}

//= docs/spec/epmd.md#epmd-server-register
//= type=test
#[test]
fn a_name_is_found_from_then_on_and_belongs_to_one_node() {
    let mut daemon = Daemon::serving(Config::default());
    assert_eq!(daemon.ask(&port_please("a")), (NOT_FOUND.to_vec(), true));
    daemon.register("a");
    daemon.host.told.clear();
    assert_eq!(daemon.ask(&port_please("a")), (found("a"), true));
    assert_eq!(daemon.ask(&port_please("a\0")).0, found("a"), "with the NUL of old nodes");
    assert_eq!(daemon.ask(&port_please("ab")).0, NOT_FOUND);
    assert_eq!(daemon.ask(&alive2("a", 6)), (REFUSED.to_vec(), false));
    assert_eq!(daemon.host.told, [ServerDiagnostic::NameTaken { name: "a".into() }]);
    assert_eq!(daemon.ask(&alive2("a", 5)), (b"y\x01\0\x63".to_vec(), false));
    assert_eq!(daemon.ask(&port_please("a")).0, found("a"));
}

//= docs/spec/epmd.md#epmd-alive2-refused
//= type=test
#[test]
fn a_name_that_is_none_is_refused_and_the_connection_stays() {
    let mut daemon = Daemon::serving(Config::default());
    let request = framed(b"x\x0F\xA1M\0\0\x06\0\x05\0\x01\xFF\0\0");
    assert_eq!(daemon.ask(&request), (REFUSED.to_vec(), false));
    let error = RequestError::Refused { highest: 6, fault: EntryFault::NotUtf8 };
    assert_eq!(daemon.host.told, [ServerDiagnostic::BadRequest(error)]);
    assert_eq!(daemon.names(), "");
}

//= docs/spec/epmd.md#epmd-server-held
//= type=test
#[test]
fn a_byte_or_the_end_of_the_connection_ends_a_registration() {
    let mut daemon = Daemon::serving(Config::default());
    let (a, _) = daemon.register("a");
    let (b, _) = daemon.register("b");
    daemon.host.told.clear();
    daemon.leave(a);
    assert_eq!(daemon.ask(&port_please("a")).0, NOT_FOUND);
    assert!(daemon.write(b, b"!").1, "closed");
    assert_eq!(daemon.ask(&port_please("b")).0, NOT_FOUND);
    let gone = |name: &str| ServerDiagnostic::Unregistered { name: name.into() };
    assert_eq!(daemon.host.told, [gone("a"), ServerDiagnostic::HeldSpoke, gone("b")]);
}

//= docs/spec/epmd.md#epmd-server-held
//= type=test
#[test]
fn a_refused_registration_disturbs_nobody_when_it_ends() {
    let mut daemon = Daemon::serving(Config::default());
    daemon.register("a");
    let (other, more) = (daemon.accept(true), daemon.accept(true));
    assert_eq!(daemon.write(other, &alive2("a", 6)).0, REFUSED);
    assert_eq!(daemon.write(more, &alive2("a", 6)).0, REFUSED);
    daemon.leave(other);
    assert!(daemon.write(more, b"!").1, "closed");
    assert_eq!(daemon.ask(&port_please("a")).0, found("a"));
}

//= docs/spec/epmd.md#epmd-server-names
//= type=test
//= docs/spec/epmd.md#epmd-server-dump
//= type=test
#[test]
fn listings_have_the_last_registered_node_first_and_the_first_gone_behind() {
    let mut daemon = Daemon::serving(Config::default());
    assert_eq!(daemon.names(), "");
    assert_eq!(daemon.dump(), "");
    let [(a, _), (b, _), (c, _)] = ["a", "b", "c"].map(|name| daemon.register(name));
    let all = "name c at port 4001\nname b at port 4001\nname a at port 4001\n";
    assert_eq!(daemon.names(), all);
    daemon.leave(b);
    daemon.leave(a);
    let (again, _) = daemon.register("b");
    assert_eq!(daemon.names(), "name b at port 4001\nname c at port 4001\n");
    daemon.leave(c);
    let dump = format!(
        "active name     <b> at port 4001, fd = {}\n\0\
         old/unused name <a>, port = 4001, fd = {} \n\0\
         old/unused name <c>, port = 4001, fd = {} \n\0",
        again.get(),
        a.get(),
        c.get()
    );
    assert_eq!(daemon.dump(), dump);
}

//= docs/spec/epmd.md#epmd-server-local
//= type=test
//= docs/spec/epmd.md#epmd-server-everyone
//= type=test
#[test]
fn clients_elsewhere_may_only_look() {
    let mut daemon = Daemon::serving(relaxed());
    daemon.register("a");
    daemon.host.told.clear();
    let refused: [&[u8]; 6] = [
        &alive2("b", 6),
        &framed(b"x\x0F\xA1M\0\0\x06\0\x05\0\x01\xFF\0\0"),
        &framed(b"d"),
        &framed(b"k"),
        &framed(b"sa"),
        &framed(b"s\xFF"),
    ];
    for request in refused {
        assert_eq!(daemon.ask_from_afar(request), (Vec::new(), true), "{request:?}");
    }
    assert_eq!(daemon.host.told, refused.map(|_| ServerDiagnostic::NotLocal));
    assert_eq!(daemon.ask_from_afar(&port_please("a")), (found("a"), true));
    assert_eq!(daemon.ask_from_afar(&framed(b"n")), daemon.ask(&framed(b"n")));
    assert!(daemon.host.listens);
}

//= docs/spec/epmd.md#epmd-server-stop
//= type=test
#[test]
fn stop_ends_a_registration_if_the_check_is_relaxed() {
    let mut daemon = Daemon::serving(Config::default());
    daemon.register("a");
    daemon.host.told.clear();
    for request in [&b"sa"[..], b"sx", b"s\xFF"] {
        assert_eq!(daemon.ask(&framed(request)), (Vec::new(), true));
    }
    assert_eq!(daemon.host.told, [(); 3].map(|()| ServerDiagnostic::StopRefused));

    let mut daemon = Daemon::serving(relaxed());
    let (a, _) = daemon.register("a");
    assert_eq!(daemon.ask(&framed(b"sx")), (b"NOEXISTSTOPPED".to_vec(), true));
    assert_eq!(daemon.ask(&framed(b"s\xFF")), (b"NOEXISTSTOPPED".to_vec(), true));
    assert_eq!(daemon.ask(&framed(b"s")), (Vec::new(), true));
    assert!(!daemon.got(a).1);
    assert_eq!(daemon.ask(&framed(b"sa\0b")), (b"STOPPED".to_vec(), true));
    assert!(daemon.got(a).1, "the connection of the node is closed");
    assert_eq!(daemon.ask(&framed(b"sa")), (b"NOEXISTSTOPPED".to_vec(), true));
    assert!(daemon.dump().starts_with("old/unused name <a>"));
}

//= docs/spec/epmd.md#epmd-request-surplus
//= type=test
//= docs/spec/epmd.md#epmd-request-framing
//= type=test
#[test]
fn what_is_not_one_request_is_closed_without_an_answer() {
    let mut daemon = Daemon::serving(Config::default());
    let long = [&[0x0B, 0xF2][..], &[b'n'; 3058]].concat();
    let longest = framed(&[&b"n"[..], &[0; 3056]].concat());
    let nothing = (Vec::new(), true);
    for bad in [&b"\0\0"[..], b"\0\x01nn", b"\0\x01?", b"\0\x01z", b"\0\x03za\0b", &long] {
        assert_eq!(daemon.ask(bad), nothing, "{bad:?}");
    }
    assert_eq!(daemon.ask(&longest).0.len(), 4);
    // Byte by byte, the last one with too many others: the daemon has not read those.
    let stream = daemon.accept(true);
    for byte in [&[0][..], &[1]] {
        assert_eq!(daemon.write(stream, byte), (Vec::new(), false));
    }
    assert_eq!(daemon.write(stream, b"nnnn").0.len(), 4);
    // The longest with one byte more: the daemon does not read it.
    assert_eq!(daemon.ask(&[&longest[..], b"?"].concat()).0.len(), 4);
    assert_eq!(daemon.ask(&[&framed(b"n")[..], b"?"].concat()), nothing);
    // A registration in two reads with a byte behind it is answered, and then a node that speaks.
    for delay_write in [Duration::ZERO, Duration::from_secs(1)] {
        let mut daemon = Daemon::serving(Config { delay_write, ..Config::default() });
        let request = alive2("a", 6);
        let stream = daemon.accept(true);
        assert_eq!(daemon.write(stream, &request[..4]), (Vec::new(), false));
        daemon.write(stream, &[&request[4..], b"?"].concat());
        daemon.pass(delay_write * 9);
        let (answer, closed) = daemon.got(stream);
        assert_eq!((&answer[..2], answer.len(), closed), (&b"v\0"[..], 6, true));
        assert!(daemon.host.told.contains(&ServerDiagnostic::HeldSpoke));
        assert!(!delay_write.is_zero() || daemon.dump().starts_with("old/unused name <a>"));
    }
    // The length in two reads, the second with too much.
    let stream = daemon.accept(true);
    daemon.write(stream, b"\0");
    assert_eq!(daemon.write(stream, b"\x01nn"), nothing);
    // Gone in the middle.
    let stream = daemon.accept(true);
    daemon.write(stream, b"\0\x01");
    daemon.host.told.clear();
    daemon.leave(stream);
    assert_eq!(daemon.host.told, [ServerDiagnostic::Partial]);
}
