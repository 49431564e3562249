//! Capture V1: what was said between clients and a real EPMD, in both directions.
#![expect(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

use netkernel_core::Creation;
use netkernel_core::wire::epmd::{
    Alive2Resp, DumpRecord, Entry, EntryFault, Extra, KillResp, Listing, NODE_TYPE_HIDDEN,
    NODE_TYPE_NORMAL, Name, NameLine, Port2Resp, PortInfo, Request, RequestError, StopResp,
};

/// The bytes written as hexadecimal digits, with blanks for the reader.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn name(text: &str) -> Name<'_> {
    Name::new(text.as_bytes()).unwrap()
}

const ALPHA: PortInfo =
    PortInfo { port: 4001, node_type: NODE_TYPE_NORMAL, protocol: 0, highest: 6, lowest: 5 };
const BETA: PortInfo =
    PortInfo { port: 4002, node_type: NODE_TYPE_HIDDEN, protocol: 0, highest: 5, lowest: 5 };

fn alpha() -> Entry<'static> {
    Entry { info: ALPHA, name: name("alpha"), extra: Extra::default() }
}

fn beta() -> Entry<'static> {
    Entry { info: BETA, name: name("beta"), extra: Extra::new(b"xyz").unwrap() }
}

/// The bytes are the request, and the request is the bytes.
#[track_caller]
fn asks(request: &Request<'_>, bytes: &str) {
    let bytes = hex(bytes);
    assert_eq!(Request::parse(&bytes), Ok(Some(*request)));
    assert_eq!(request.to_bytes(), bytes);
}

macro_rules! answers {
    ($answer:expr, $type:ident, $bytes:expr) => {
        let bytes = hex($bytes);
        assert_eq!($type::parse(&bytes), Ok(Some($answer)));
        let mut out = Vec::new();
        $answer.emit(&mut out);
        assert_eq!(out, bytes);
    };
}

//= docs/spec/epmd.md#epmd-alive2-request
//= type=test
//= docs/spec/epmd.md#epmd-request-framing
//= type=test
#[test]
fn registrations() {
    asks(&Request::Alive2(alpha()), "0012 78 0fa1 4d 00 0006 0005 0005 616c706861 0000");
    asks(&Request::Alive2(beta()), "0014 78 0fa2 48 00 0005 0005 0004 62657461 0003 78797a");
}

//= docs/spec/epmd.md#epmd-alive2-reply
//= type=test
#[test]
fn answers_to_registrations() {
    answers!(Alive2Resp::New { result: 0, creation: 0x6b01_6225 }, Alive2Resp, "76 00 6b016225");
    answers!(Alive2Resp::Old { result: 0, creation: 2 }, Alive2Resp, "79 00 0002");
    answers!(Alive2Resp::New { result: 1, creation: 99 }, Alive2Resp, "76 01 00000063");
    answers!(Alive2Resp::Old { result: 1, creation: 99 }, Alive2Resp, "79 01 0063");
}

//= docs/spec/epmd.md#epmd-alive2-reply
//= type=test
#[test]
fn creations_of_one_name_registered_again_and_again() {
    for (bytes, creation) in [
        ("76 00 6b016225", Creation(0x6b01_6225)),
        ("76 00 6b016226", Creation(0x6b01_6226)),
        ("76 00 6b016229", Creation(0x6b01_6229)),
        ("79 00 0003", Creation(3)),
        ("79 00 0001", Creation(1)),
    ] {
        let answer = Alive2Resp::parse(&hex(bytes)).unwrap().unwrap();
        assert_eq!(answer.creation(), Some(creation));
    }
    for bytes in ["76 01 00000063", "79 01 0063"] {
        assert_eq!(Alive2Resp::parse(&hex(bytes)).unwrap().unwrap().creation(), None);
    }
}

//= docs/spec/epmd.md#epmd-port-please
//= type=test
#[test]
fn look_ups() {
    asks(&Request::PortPlease2 { name: name("alpha") }, "0006 7a 616c706861");
    asks(&Request::PortPlease2 { name: name("beta") }, "0005 7a 62657461");
    asks(&Request::PortPlease2 { name: name("nope") }, "0005 7a 6e6f7065");
    let with_nul = hex("0007 7a 616c706861 00");
    let request = Request::PortPlease2 { name: name("alpha") };
    assert_eq!(Request::parse(&with_nul), Ok(Some(request)));
}

//= docs/spec/epmd.md#epmd-port2-reply
//= type=test
#[test]
fn answers_to_look_ups() {
    answers!(
        Port2Resp::Found(alpha()),
        Port2Resp,
        "77 00 0fa1 4d 00 0006 0005 0005 616c706861 0000"
    );
    answers!(
        Port2Resp::Found(beta()),
        Port2Resp,
        "77 00 0fa2 48 00 0005 0005 0004 62657461 0003 78797a"
    );
    answers!(Port2Resp::NotFound, Port2Resp, "77 01");
}

//= docs/spec/epmd.md#epmd-names-line
//= type=test
//= docs/spec/epmd.md#epmd-bare-request
//= type=test
#[test]
fn names() {
    asks(&Request::Names, "0001 6e");
    let lines = [NameLine { name: "beta", port: 4002 }, NameLine { name: "alpha", port: 4001 }];
    let mut bytes = hex("00005f31");
    bytes.extend_from_slice(b"name beta at port 4002\nname alpha at port 4001\n");
    let listing = Listing::parse(&bytes).unwrap();
    assert_eq!(listing.epmd_port, 24369);
    assert_eq!(listing.names().collect::<Vec<_>>(), lines);

    let mut text = Vec::new();
    lines.iter().for_each(|line| line.emit(&mut text));
    let mut out = Vec::new();
    Listing { epmd_port: 24369, text: &text }.emit(&mut out);
    assert_eq!(out, bytes);
}

//= docs/spec/epmd.md#epmd-dump-record
//= type=test
#[test]
fn dump() {
    asks(&Request::Dump, "0001 64");
    let records = [
        DumpRecord { active: true, name: "beta", port: 4002, fd: 5 },
        DumpRecord { active: true, name: "alpha", port: 4001, fd: 6 },
        DumpRecord { active: false, name: "beta", port: 4002, fd: 5 },
    ];
    let mut bytes = hex("00005f31");
    bytes.extend_from_slice(b"active name     <beta> at port 4002, fd = 5\n\0");
    bytes.extend_from_slice(b"active name     <alpha> at port 4001, fd = 6\n\0");
    bytes.extend_from_slice(b"old/unused name <beta>, port = 4002, fd = 5 \n\0");
    let listing = Listing::parse(&bytes).unwrap();
    assert_eq!(listing.records().collect::<Vec<_>>(), records);

    let mut text = Vec::new();
    records.iter().for_each(|record| record.emit(&mut text));
    let mut out = Vec::new();
    Listing { epmd_port: 24369, text: &text }.emit(&mut out);
    assert_eq!(out, bytes);
}

//= docs/spec/epmd.md#epmd-kill-reply
//= type=test
#[test]
fn kill() {
    asks(&Request::Kill, "0001 6b");
    answers!(KillResp::No, KillResp, "4e4f");
    answers!(KillResp::Ok, KillResp, "4f4b");
}

//= docs/spec/epmd.md#epmd-stop-request
//= type=test
//= docs/spec/epmd.md#epmd-stop-reply
//= type=test
#[test]
fn stop() {
    asks(&Request::Stop { name: name("alpha") }, "0006 73 616c706861");
    asks(&Request::Stop { name: name("nope1") }, "0006 73 6e6f706531");
    answers!(StopResp::Stopped, StopResp, "53544f50504544");
    answers!(StopResp::NoExist, StopResp, "4e4f4558495354 53544f50504544");
    assert_eq!(StopResp::parse(b"NOEXIS"), Ok(None), "the text is not there yet");
    assert_eq!(StopResp::parse(b"NOEXIST"), Ok(Some(StopResp::NoExist)), "seven bytes are enough");
}

//= docs/spec/epmd.md#epmd-limit-request
//= type=test
//= docs/spec/epmd.md#epmd-request-surplus
//= type=test
//= docs/spec/epmd.md#epmd-unknown-request
//= type=test
#[test]
fn bad_input_is_refused() {
    for (bytes, error) in [
        ("0001 71", RequestError::Opcode(0x71)),
        ("0000", RequestError::Length),
        ("0bf4 7a", RequestError::Length),
        ("0bf2 7a", RequestError::Length),
        ("0001 6e 58", RequestError::Surplus),
        ("0001 7a", RequestError::Name(EntryFault::EmptyName)),
        ("000d 78 000000000000000000000000", RequestError::Name(EntryFault::EmptyName)),
        ("000c 78 0000000000000000000000", RequestError::Fields),
        ("0007 7a 616c00706861", RequestError::Name(EntryFault::Nul)),
        ("0007 7a 616c70680000", RequestError::Name(EntryFault::Nul)),
        ("0003 7a fffe", RequestError::Name(EntryFault::NotUtf8)),
        ("0010 78 0fa1 4d 00 0006 0005 0003 610062 0000", RequestError::Name(EntryFault::Nul)),
        ("0012 78 0fa1 4d 00 0006 0005 0006 616c706861 0000", RequestError::Fields),
        ("0012 78 0fa1 4d 00 0006 0005 0005 616c706861 0001", RequestError::Fields),
    ] {
        assert_eq!(Request::parse(&hex(bytes)), Err(error), "{bytes}");
    }
    assert_eq!(Request::parse(&hex("0005 7a")), Ok(None), "a partial request is waited for");
}

/// A registration of `name` as bytes, whatever the name.
fn alive2(name: &[u8], extra: &[u8], highest: u16) -> Vec<u8> {
    let length = 13 + name.len() + extra.len();
    let mut out = (length as u16).to_be_bytes().to_vec();
    out.extend_from_slice(&hex("78 0fa1 4d 00"));
    out.extend_from_slice(&highest.to_be_bytes());
    out.extend_from_slice(&hex("0005"));
    for field in [name, extra] {
        out.extend_from_slice(&(field.len() as u16).to_be_bytes());
        out.extend_from_slice(field);
    }
    out
}

//= docs/spec/epmd.md#epmd-limit-name
//= type=test
#[test]
fn names_of_255_characters_are_taken() {
    for name in ["a".repeat(255), "é".repeat(255), "\u{10000}".repeat(255)] {
        let bytes = alive2(name.as_bytes(), b"", 6);
        let Ok(Some(Request::Alive2(entry))) = Request::parse(&bytes) else { panic!("{name}") };
        assert_eq!(entry.name.as_str(), name);
        assert_eq!(Request::Alive2(entry).to_bytes(), bytes);
    }
}

//= docs/spec/epmd.md#epmd-alive2-refused
//= type=test
//= docs/spec/epmd.md#epmd-limit-extra
//= type=test
#[test]
fn what_cannot_be_registered_is_answered_in_the_form_of_the_version() {
    let long = "a".repeat(256);
    for (name, extra, fault) in [
        (long.as_bytes(), 0, EntryFault::NameTooLong),
        (&b"\xC3"[..], 0, EntryFault::NotUtf8),
        (&b"\xED\xA0\x80"[..], 0, EntryFault::NotUtf8),
        (b"ok", 1021, EntryFault::ExtraTooLong),
    ] {
        for (highest, answer) in [(6, "76 01 00000063"), (5, "79 01 0063")] {
            let bytes = alive2(name, &vec![b'e'; extra], highest);
            assert_eq!(Request::parse(&bytes), Err(RequestError::Refused { highest, fault }));
            let mut out = Vec::new();
            Alive2Resp::refused(highest).emit(&mut out);
            assert_eq!(out, hex(answer));
        }
    }
    let longest = alive2(b"ok", &[b'e'; 1020], 6);
    assert!(matches!(Request::parse(&longest), Ok(Some(Request::Alive2(_)))));
}

//= docs/spec/epmd.md#epmd-bare-request
//= type=test
//= docs/spec/epmd.md#epmd-alive2-request
//= type=test
//= docs/spec/epmd.md#epmd-stop-request
//= type=test
#[test]
fn bytes_behind_the_fields_are_tolerated_inside_the_length() {
    for (bytes, request) in [
        ("0003 6e 5859", Request::Names),
        ("0003 64 5859", Request::Dump),
        ("0003 6b 5858", Request::Kill),
        ("0014 78 0fa1 4d 00 0006 0005 0005 616c706861 0000 5a5a", Request::Alive2(alpha())),
        ("0009 73 616c706861 00 7a7a", Request::Stop { name: name("alpha") }),
    ] {
        assert_eq!(Request::parse(&hex(bytes)), Ok(Some(request)), "{bytes}");
    }
    let mut long = hex("0101 73");
    long.extend_from_slice(&[b'a'; 256]);
    assert_eq!(Request::parse(&long), Err(RequestError::NoSuchNode));
    assert_eq!(Request::parse(&hex("0002 73 ff")), Err(RequestError::NoSuchNode));
    assert_eq!(Request::parse(&hex("0002 73 00")), Err(RequestError::NoSuchNode));
    assert_eq!(Request::parse(&hex("0001 73")), Err(RequestError::Fields));
}
