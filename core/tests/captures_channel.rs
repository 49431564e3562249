//! Frames of a channel as they were captured between real nodes of OTP 25 and a program that spoke the protocol, and between two of OTP 29.
//!
//! Hexadecimal is as captured, without the length of the frame; identifiers that the captures abbreviate are filled in.

#![expect(clippy::unwrap_used, reason = "what is captured is known to be valid")]

mod end;

use core::num::NonZeroU64;

use bytes::Bytes;
use netkernel_core::driver::pump;
use netkernel_core::link::{Frame, Limits, LinkReader, Violation};
use netkernel_core::process::{Origin, Processes};
use netkernel_core::term::{Atom, Pid, Reader, Reference};
use netkernel_core::wire::control::{
    Content, Control, Monitored, Receiver, SpawnFlags, SpawnRequest, Spawned, parse,
};
use netkernel_core::wire::framing::{FrameBuffer, FrameTooLong, Framing};
use netkernel_core::{Creation, Flags, NodeName};

/// Bytes written as hexadecimal digits and, between quotes, as text.
fn hex(text: &str) -> Bytes {
    let mut bytes = Vec::new();
    for (i, part) in text.split('"').enumerate() {
        if i % 2 == 1 {
            bytes.extend_from_slice(part.as_bytes());
            continue;
        }
        let digits: Vec<u8> =
            part.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        assert_eq!(digits.len() % 2, 0, "{part}");
        bytes.extend(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]));
    }
    bytes.into()
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn pid(node: &str, id: u32, creation: u32) -> Pid {
    Pid { node: atom(node), id, serial: 0, creation: Creation(creation) }
}

fn reference(node: &str, creation: u32, words: &[u32]) -> Reference {
    Reference::new(atom(node), Creation(creation), words).unwrap()
}

/// The frame is this control message, and this control message is the frame, in the form of all flags that OTP 25 has.
fn both_ways(peer: &str, frame: &Bytes, control: Control) {
    both_ways_with(Flags::SERVED.without(Flags::ALTACT_SIG), peer, frame, control);
}

fn both_ways_with(flags: Flags, peer: &str, frame: &Bytes, control: Control) {
    assert_eq!(parse(frame, &node(peer)), Ok(control.clone()));
    let mut out = Vec::new();
    control.emit(flags, &mut out).unwrap();
    assert_eq!(out.len(), control.encoded_len(flags));
    let mut framed = Vec::from((frame.len() as u32).to_be_bytes());
    framed.extend_from_slice(frame);
    assert_eq!(out, framed);
}

/// The length of `{[alias|Ref],yes}`.
const OTP_ALIAS_YES: usize = 3 + 5 + 7 + 34 + 5;

const PY1: &str = r#"58 770d "py1@localhost" 00000001 00000000 11223344"#;
const OTP_59: &str = r#"58 770d "otp@localhost" 00000059 00000000 6b016381"#;
const OTP_REF: &str = r#"5a 0003 770d "otp@localhost" 6b016381 00002ff5 ab0d0001 03f4d9f5"#;

fn py1() -> Pid {
    pid("py1@localhost", 1, 0x1122_3344)
}

fn otp_59() -> Pid {
    pid("otp@localhost", 0x59, 0x6B01_6381)
}

fn otp_ref() -> Reference {
    reference("otp@localhost", 0x6B01_6381, &[0x2FF5, 0xAB0D_0001, 0x03F4_D9F5])
}

//= docs/spec/channel.md#ch-pass-through
//= type=test
#[test]
fn v8_an_is_auth_call_without_monitor() {
    let py1_ref = r#"5a 0003 770d "py1@localhost" 11223344 00000001 00000002 00000003"#;
    let message = hex(&format!(
        r#"83 68 03 7709 "$gen_call" 68 02 {PY1} {py1_ref} 68 02 7707 "is_auth" 770d "py1@localhost""#
    ));
    let control = hex(&format!(r#"70 83 68 04 61 06 {PY1} 7700 770a "net_kernel""#));
    let frame = Bytes::from([control, message.clone()].concat());
    assert_eq!(frame.len(), 0x98, "as captured");
    let to = atom("net_kernel");
    both_ways(
        "py1@localhost",
        &frame,
        Control::RegSend { from: py1(), to, message: message.clone(), token: None },
    );

    let mut call = Reader::new(&message);
    call.version().unwrap();
    assert_eq!((call.tuple(), call.atom()), (Ok(3), Ok(atom("$gen_call"))));
    assert_eq!((call.tuple(), call.pid()), (Ok(2), Ok(py1())));
    assert_eq!(call.reference(), Ok(reference("py1@localhost", 0x1122_3344, &[1, 2, 3])));
    assert_eq!((call.tuple(), call.atom()), (Ok(2), Ok(atom("is_auth"))));
    assert_eq!(call.atom(), Ok(atom("py1@localhost")));
    assert!(call.is_empty());
}

//= docs/spec/channel.md#ch-forms
//= type=test
#[test]
fn v8_the_answer_with_a_sender() {
    let frame = hex(&format!(
        r#"70 83 68 03 61 16 58 770d "otp@localhost" 0000003d 00000000 6b01626f {PY1}
           83 68 02 5a 0003 770d "py1@localhost" 11223344 00000001 00000002 00000003 7703 "yes""#
    ));
    assert_eq!(frame.len(), 104, "as captured");
    let message = frame.slice(frame.len() - 42..);
    assert!(message.starts_with(&hex("83 68 02 5a 0003")));
    let (from, to) = (Some(pid("otp@localhost", 0x3D, 0x6B01_626F)), py1());
    both_ways("otp@localhost", &frame, Control::Send { from, to, message, token: None });
}

//= docs/spec/channel.md#ch-pass-through
//= type=test
#[test]
fn v10_a_ping_from_otp() {
    let peer = "otp@localhost";
    let monitor = hex(&format!(r#"70 83 68 04 61 13 {OTP_59} 770a "net_kernel" {OTP_REF}"#));
    let name = Monitored::Name(atom("net_kernel"));
    let (from, to, reference) = (otp_59(), name.clone(), otp_ref());
    both_ways(peer, &monitor, Control::MonitorP { from, to, reference });

    let tag = format!(r#"6c 00000001 7705 "alias" {OTP_REF}"#);
    let message = hex(&format!(
        r#"83 68 03 7709 "$gen_call" 68 02 {OTP_59} {tag} 68 02 7707 "is_auth" 770d "otp@localhost""#
    ));
    let control = hex(&format!(r#"70 83 68 04 61 06 {OTP_59} 7700 770a "net_kernel""#));
    let frame = Bytes::from([control, message.clone()].concat());
    let to = atom("net_kernel");
    both_ways(
        peer,
        &frame,
        Control::RegSend { from: otp_59(), to, message: message.clone(), token: None },
    );

    let mut call = Reader::new(&message);
    call.version().unwrap();
    assert_eq!((call.tuple(), call.atom()), (Ok(3), Ok(atom("$gen_call"))));
    assert_eq!((call.tuple(), call.pid()), (Ok(2), Ok(otp_59())));
    assert_eq!(call.raw(), Ok(&hex(&tag)[..]), "the tag is an improper list");
    assert_eq!((call.tuple(), call.atom()), (Ok(2), Ok(atom("is_auth"))));
    assert_eq!(call.atom(), Ok(atom("otp@localhost")));
    assert!(call.is_empty());

    let demonitor = hex(&format!(r#"70 83 68 04 61 14 {OTP_59} 770a "net_kernel" {OTP_REF}"#));
    let (from, reference) = (otp_59(), otp_ref());
    both_ways(peer, &demonitor, Control::DemonitorP { from, to: name, reference });
}

//= docs/spec/channel.md#ch-forms
//= type=test
#[test]
fn v10_an_answer_by_alias_and_one_by_the_monitor() {
    let alias_send = hex(&format!(
        r#"70 83 68 03 61 21 58 770f "pysrv@localhost" 00000009 00000000 6b016381 {OTP_REF}
           83 68 02 6c 00000001 7705 "alias" {OTP_REF} 7703 "yes""#
    ));
    let noproc =
        hex(&format!(r#"70 83 68 04 61 1c 770a "net_kernel" {OTP_59} {OTP_REF} 83 7706 "noproc""#));
    let message = alias_send.slice(alias_send.len() - OTP_ALIAS_YES..);
    assert!(message.starts_with(&hex("83 68 02 6c")));
    let from = Some(pid("pysrv@localhost", 9, 0x6B01_6381));
    let send = Control::AliasSend { from, to: otp_ref(), message, token: None };
    both_ways("pysrv@localhost", &alias_send, send);
    let (from, to) = (Monitored::Name(atom("net_kernel")), otp_59());
    let reason = hex(r#"77 06 "noproc""#);
    let down = Control::MonitorPExit { from, to, reference: otp_ref(), reason };
    both_ways("pysrv@localhost", &noproc, down);
}

//= docs/spec/channel.md#ch-pass-through
//= type=test
#[test]
fn v10_a_monitor_of_a_name_that_nobody_has() {
    let py1_ref = r#"5a 0003 770d "py1@localhost" 11223344 00000002 00000002 00000003"#;
    let monitor = hex(&format!(r#"70 83 68 04 61 13 {PY1} 770a "nosuchname" {py1_ref}"#));
    let reference = reference("py1@localhost", 0x1122_3344, &[2, 2, 3]);
    let to = Monitored::Name(atom("nosuchname"));
    both_ways(
        "py1@localhost",
        &monitor,
        Control::MonitorP { from: py1(), to, reference: reference.clone() },
    );
    let noproc =
        hex(&format!(r#"70 83 68 04 61 1c 770a "nosuchname" {PY1} {py1_ref} 83 7706 "noproc""#));
    let py1_name = Monitored::Name(atom("nosuchname"));
    let reason = hex(r#"77 06 "noproc""#);
    let down = Control::MonitorPExit { from: py1_name, to: py1(), reference, reason };
    both_ways("otp@localhost", &noproc, down);
}

//= docs/spec/channel.md#ch-pass-through
//= type=test
#[test]
fn v11_link_and_unlink() {
    let (from, to) = (py1(), otp_59());
    let link = hex(&format!("70 83 68 03 61 01 {PY1} {OTP_59}"));
    both_ways("py1@localhost", &link, Control::Link { from: from.clone(), to: to.clone() });
    let id = NonZeroU64::new(77).unwrap();
    let unlink = hex(&format!("70 83 68 04 61 23 61 4d {PY1} {OTP_59}"));
    let control = Control::UnlinkId { id, from: from.clone(), to: to.clone() };
    both_ways("py1@localhost", &unlink, control);
    let ack = hex(&format!("70 83 68 04 61 24 61 4d {OTP_59} {PY1}"));
    both_ways("otp@localhost", &ack, Control::UnlinkIdAck { id: 77, from: to, to: from });
}

//= docs/spec/channel.md#ch-spawn-form
//= type=test
#[test]
fn v11_spawn_its_reply_and_the_exits_of_the_process() {
    let py1_ref = r#"5a 0003 770d "py1@localhost" 11223344 00000003 00000002 00000003"#;
    let otp_57 = r#"58 770d "otp@localhost" 00000057 00000000 6b01626f"#;
    let request = reference("py1@localhost", 0x1122_3344, &[3, 2, 3]);
    let child = || pid("otp@localhost", 0x57, 0x6B01_626F);
    let (options, arguments) =
        (r#"6c 00000002 7707 "monitor" 7704 "link" 6a"#, "6c 00000001 62 0000012c 6a");
    let asked = hex(&format!(
        r#"70 83 68 06 61 1d {py1_ref} {PY1} {PY1} 68 03 7705 "timer" 7705 "sleep" 61 01 {options} 83 {arguments}"#
    ));
    let spawn = SpawnRequest {
        request: request.clone(),
        from: py1(),
        leader: py1(),
        module: atom("timer"),
        function: atom("sleep"),
        arity: 1,
        options: hex(options),
        arguments: hex(arguments),
        token: None,
    };
    both_ways("py1@localhost", &asked, Control::SpawnRequest(Box::new(spawn)));

    let reply = |flags, result| Control::SpawnReply {
        request: request.clone(),
        to: py1(),
        flags,
        result,
        token: None,
    };
    let both = SpawnFlags::from_bits(3).unwrap();
    assert!(both.contains(SpawnFlags::LINK) && both.contains(SpawnFlags::MONITOR));
    let spawned = hex(&format!("70 83 68 05 61 1f {py1_ref} {PY1} 61 03 {otp_57}"));
    both_ways("otp@localhost", &spawned, reply(both, Spawned::Pid(child())));
    let refused = hex(&format!(r#"70 83 68 05 61 1f {py1_ref} {PY1} 61 00 77 06 "badopt""#));
    let badopt = Spawned::Error(atom("badopt"));
    both_ways("otp@localhost", &refused, reply(SpawnFlags::NONE, badopt));

    let reason = hex(r#"7706 "normal""#);
    let exit = hex(&format!(r#"70 83 68 03 61 18 {otp_57} {PY1} 83 7706 "normal""#));
    let (from, to) = (child(), py1());
    let control = Control::Exit { from, to, reason: reason.clone(), token: None };
    both_ways("otp@localhost", &exit, control);
    let down = hex(&format!(r#"70 83 68 04 61 1c {otp_57} {PY1} {py1_ref} 83 7706 "normal""#));
    let (from, to) = (Monitored::Pid(child()), py1());
    let control = Control::MonitorPExit { from, to, reference: request.clone(), reason };
    both_ways("otp@localhost", &down, control);

    let kill = hex(&format!(r#"70 83 68 03 61 1a {PY1} {OTP_59} 83 77 04 "kill""#));
    let (from, to, reason) = (py1(), otp_59(), hex(r#"77 04 "kill""#));
    both_ways("py1@localhost", &kill, Control::Exit2 { from, to, reason, token: None });
}

/// The control messages that come out of frames, in the order in which these were captured.
fn read_all(reader: &mut LinkReader, frames: &[Bytes]) -> Vec<Control> {
    let framed = |frame: &Bytes| [&(frame.len() as u32).to_be_bytes()[..], frame].concat();
    let batch = reader.decode(&frames.iter().flat_map(framed).collect::<Vec<u8>>());
    assert_eq!(batch.violation, None);
    batch.signals
}

fn reader(peer: &str, flags: Flags) -> LinkReader {
    LinkReader::from_origin(
        Origin { node: node(peer), creation: Creation(7), flags },
        Limits::default(),
    )
}

//= docs/spec/channel.md#ch-header-empty
//= type=test
//= docs/spec/channel.md#ch-header-atoms
//= type=test
//= docs/spec/channel.md#ch-header-expanded
//= type=test
//= docs/spec/channel.md#ch-fragment
//= type=test
#[test]
fn v12_messages_with_headers_and_one_in_fragments() {
    let head = |id: &str| format!("68 04 61 06 58 52 00 {id} 00000000 6b0162f5 52 01 52 02");
    let queued = hex(
        r#"83 44 00 68 04 61 06 58 770d "otp@localhost" 0000008f 00000000 6b0162f5 7700 7708 "someproc"
           77 05 "hello""#,
    );
    let rex = hex(&format!(
        r#"83 44 04 8fdc00 990d "otp@localhost" 0500 7803 "rex" 5f10 "features_request"
           {} 68 02 58 52 00 00000036 00000000 6b0162f5 52 03"#,
        head("00000036")
    ));
    let second = hex(&format!(
        r#"83 44 04 07fd00 99 05 c108 "someproc" ef05 "hello" {} 52 03"#,
        head("00000093")
    ));
    let mut otp = reader("otp@localhost", Flags::SERVED);
    let from = |id| pid("otp@localhost", id, 0x6B01_62F5);
    let send = |id, to: &str, message| Control::RegSend {
        from: from(id),
        to: atom(to),
        message,
        token: None,
    };
    let hello = hex(r#"83 77 05 "hello""#);
    let features = hex(
        r#"83 68 02 58 770d "otp@localhost" 00000036 00000000 6b0162f5 7710 "features_request""#,
    );
    assert_eq!(
        read_all(&mut otp, &[queued, rex, second]),
        [
            send(0x8F, "someproc", hello.clone()),
            send(0x36, "rex", features),
            send(0x93, "someproc", hello)
        ]
    );

    // The name of the other node was put into its slot by a frame that was not captured.
    let names = hex(&format!(
        r#"83 44 04 07d500 99 05 c1 b10d "py1@localhost" {} 52 03"#,
        head("00000096")
    ));
    let exit =
        hex(r#"83 44 03 5708 99 b1 0806 "normal" 68 03 61 18 58 52 00 00000096 00000000 6b0162f5
           58 52 01 00000005 00000000 11223344 52 02"#);
    let (to, reason) = (pid("py1@localhost", 5, 0x1122_3344), hex(r#"77 06 "normal""#));
    let name = hex(r#"83 77 0d "py1@localhost""#);
    assert_eq!(
        read_all(&mut otp, &[names, exit]),
        [send(0x96, "someproc", name), Control::Exit { from: from(0x96), to, reason, token: None }]
    );

    let fragment =
        |first: &str, rest: usize| Bytes::from([&hex(first)[..], &b"x".repeat(rest)[..]].concat());
    let sequence = "000004a000000943";
    let start = format!(
        "83 45 {sequence} 0000000000000003 03 0705 99 05 c1 {} 6d 000249f0",
        head("00000093")
    );
    let frames = [
        fragment(&start, 65536 - 23 - 5),
        fragment(&format!("83 46 {sequence} 0000000000000002"), 65536),
        fragment(&format!("83 46 {sequence} 0000000000000001"), 18956),
    ];
    assert_eq!(frames.each_ref().map(Bytes::len), [65560, 65554, 18974], "as captured");
    let binary = Bytes::from([&hex("83 6d 000249f0")[..], &b"x".repeat(150_000)].concat());
    assert_eq!(read_all(&mut otp, &frames), [send(0x93, "someproc", binary)]);
}

//= docs/spec/channel.md#ch-term-walk
//= type=test
#[test]
fn v13_what_a_visible_node_sends_first() {
    let otp = |id: &str| format!(r#"58 770d "otp@localhost" 000000{id} 00000000 6b0162f5"#);
    let features = format!(r#"83 68 02 {} 7710 "features_request""#, otp("36"));
    let init_connect = format!(
        r#"83 68 02 7709 "$gen_cast" 68 04 770c "init_connect" 68 02 61 08 6e 08 01 f2ffffffffffff07
           770d "otp@localhost" 68 04 7706 "locker" 770f "no_longer_a_pid"
           74 00000001 68 02 770d "connection_id" 770f "pysrv@localhost" 62 00cfa3b5 {}"#,
        otp("38")
    );
    for (id, name, length, message) in
        [(0x36, "rex", "03", features), (0x37, "global_name_server", "12", init_connect)]
    {
        let from = otp(&format!("{id:x}"));
        let control = format!(r#"70 83 68 04 61 06 {from} 7700 77{length} "{name}""#);
        let frame = Bytes::from([hex(&control), hex(&message)].concat());
        let (from, to) = (pid("otp@localhost", id, 0x6B01_62F5), atom(name));
        both_ways(
            "otp@localhost",
            &frame,
            Control::RegSend { from, to, message: hex(&message), token: None },
        );
    }
    let tag = hex("6e 08 01 f2ffffffffffff07");
    assert_eq!(Reader::new(&tag).integer(), Ok(-0x07FF_FFFF_FFFF_FFF2));
}

//= docs/spec/channel.md#ch-control-form
//= type=test
#[test]
fn v15_bad_frames() {
    let otp = node("otp@localhost");
    assert_eq!(parse(&hex("70 83 61 05"), &otp), Err(Violation::Control), "no tuple");
    assert_eq!(parse(&hex("70 82 61 05"), &otp), Err(Violation::Term), "wrong version byte");
    let unknown = hex(&format!("70 83 68 02 61 63 {OTP_59}"));
    assert_eq!(parse(&unknown, &otp), Err(Violation::Control), "operation 99");
    let other_first_byte = hex(&format!(r#"71 83 68 04 61 06 {OTP_59} 7700 7703 "rex" 83 6a"#));
    let (from, to, message) = (otp_59(), atom("rex"), hex("83 6a"));
    let control = Control::RegSend { from, to, message, token: None };
    assert_eq!(parse(&other_first_byte, &otp), Ok(control));
}

//= docs/spec/channel.md#ch-frame-limit
//= type=test
#[test]
fn v15_a_length_beyond_the_limit() {
    let limit = 128 << 20;
    let mut buffer = FrameBuffer::new(Framing::Long, limit);
    buffer.push(&hex("ff ff ff ff"));
    assert_eq!(buffer.next_frame(), Err(FrameTooLong { length: 0xFFFF_FFFF, limit }));
}

//= docs/spec/channel.md#ch-pass-through
//= type=test
#[test]
fn v18_the_forms_without_exit_payload_and_sender() {
    let (otp, py6) = (
        r#"58 770d "otp@localhost" 00007000 00000000 6b0162f5"#,
        r#"58 770d "py6@localhost" 00000001 00000000 11223344"#,
    );
    let py6_ref = r#"5a 0003 770d "py6@localhost" 11223344 00000001 00000002 00000003"#;
    let (from, to) =
        (pid("otp@localhost", 0x7000, 0x6B01_62F5), pid("py6@localhost", 1, 0x1122_3344));
    let reason = hex(r#"77 06 "noproc""#);

    let exit = hex(&format!(r#"70 83 68 04 61 03 {otp} {py6} 77 06 "noproc""#));
    let control = Control::Exit { from, to: to.clone(), reason: reason.clone(), token: None };
    let none = Flags::MANDATORY_26;
    both_ways_with(none, "otp@localhost", &exit, control);

    let message = format!(r#"83 68 02 {py6_ref} 77 03 "yes""#);
    let send = hex(&format!("70 83 68 03 61 02 77 00 {py6} {message}"));
    both_ways_with(
        none,
        "otp@localhost",
        &send,
        Control::Send { from: None, to: to.clone(), message: hex(&message), token: None },
    );

    let down = hex(&format!(r#"70 83 68 05 61 15 77 03 "zzz" {py6} {py6_ref} 77 06 "noproc""#));
    let from = Monitored::Name(atom("zzz"));
    let reference = reference("py6@localhost", 0x1122_3344, &[1, 2, 3]);
    let control = Control::MonitorPExit { from, to, reference, reason };
    both_ways_with(none, "otp@localhost", &down, control);
}

//= docs/spec/channel.md#ch-header-empty
//= type=test
#[test]
fn v18_fragments_alone_bring_headers_without_atoms() {
    let py6 = r#"58 770d "py6@localhost" 00000001 00000000 11223344"#;
    let py6_ref = r#"5a 0003 770d "py6@localhost" 11223344 00000001 00000002 00000003"#;
    let monitor = hex(&format!(r#"83 44 00 68 04 61 13 {py6} 7703 "zzz" {py6_ref}"#));
    let noproc = hex(&format!(r#"83 44 00 68 04 61 1c 7703 "zzz" {py6} {py6_ref} 77 06 "noproc""#));
    let (watcher, name) = (pid("py6@localhost", 1, 0x1122_3344), Monitored::Name(atom("zzz")));
    let reference = reference("py6@localhost", 0x1122_3344, &[1, 2, 3]);
    let (to, r) = (name.clone(), reference.clone());
    let asked = Control::MonitorP { from: watcher.clone(), to, reference: r };
    let reason = hex(r#"77 06 "noproc""#);
    let told = Control::MonitorPExit { from: name, to: watcher, reference, reason };
    let flags = Flags::SERVED.without(Flags::DIST_HDR_ATOM_CACHE);
    for (peer, frame, control) in
        [("py6@localhost", monitor, asked), ("otp@localhost", noproc, told)]
    {
        let written = Frame::new(&control, flags).unwrap().to_bytes();
        assert_eq!(written[4..], frame[..], "what we send");
        assert_eq!(read_all(&mut reader(peer, flags), &[frame]), [control]);
    }
}

//= docs/spec/channel.md#ch-control-from
//= type=test
#[test]
fn v19_a_link_from_a_pid_of_another_node() {
    let link = hex(&format!("70 83 68 03 61 01 {PY1} {OTP_59}"));
    assert_eq!(parse(&link, &node("py2@localhost")), Err(Violation::Control));
}

/// What becomes of a link with `otp@localhost`, and what comes back.
fn received(peer: &str, control: &str) -> (Result<(), Violation>, Vec<u8>) {
    let mut processes = Processes::new();
    processes.alive(node("otp@localhost"), Creation(0x6B01_626F));
    let mut delivered = end::Delivered::default();
    let frame = hex(&format!("70 83 {control}"));
    let bytes = [&(frame.len() as u32).to_be_bytes()[..], &frame].concat();
    let mut reader = reader(peer, end::PASS_THROUGH);
    let result = pump(&mut reader, &bytes, &mut processes, &mut delivered);
    (result, delivered.answers)
}

//= docs/spec/channel.md#ch-addressed
//= type=test
//= docs/spec/process.md#process-link-noproc
//= type=test
#[test]
fn v19_stale_and_foreign_identifiers() {
    let py7 = r#"58 770d "py7@localhost" 00000001 00000000 11223344"#;
    let other = r#"58 770d "py7@localhost" 00000001 00000000 11223345"#;
    let py7_ref = r#"5a 0003 770d "py7@localhost" 11223344 00000001 00000002 00000003"#;
    let stale = r#"58 770d "otp@localhost" 00000005 00000000 00003039"#;
    let alias = r#"5a 0003 770d "otp@localhost" 6b01626f 00000001 00000002 00000003"#;
    let told = |control: String| received("py7@localhost", &control);
    let answer = |text: String| {
        let frame = hex(&format!("70 83 {text}"));
        (Ok(()), [&(frame.len() as u32).to_be_bytes()[..], &frame].concat())
    };
    let closed = (Err(Violation::Control), Vec::new());
    assert_eq!(told(format!(r#"68 03 61 18 {py7} {stale} 83 77 03 "bye""#)), closed);
    assert_eq!(told(format!("68 04 61 23 61 4d {py7} {stale}")), closed);
    assert_eq!(told(format!("68 03 61 01 {PY1} {OTP_59}")), closed);
    for ignored in [
        format!(r#"68 03 61 1a {py7} {stale} 83 77 04 "kill""#),
        format!("68 03 61 16 {py7} {stale} 83 6a"),
        format!("68 03 61 21 {py7} {alias} 83 6a"),
    ] {
        assert_eq!(told(ignored), (Ok(()), Vec::new()));
    }
    for from in [py7, other] {
        let noproc = format!(r#"68 03 61 18 {stale} {from} 83 77 06 "noproc""#);
        assert_eq!(told(format!("68 03 61 01 {from} {stale}")), answer(noproc));
    }
    let spawn =
        format!(r#"68 06 61 1d {py7_ref} {py7} {py7} 68 03 77 01 "m" 77 01 "f" 61 00 61 01 83 6a"#);
    assert_eq!(told(spawn), answer(format!(r#"68 05 61 1f {py7_ref} {py7} 61 00 77 06 "badopt""#)));
}

/// What `erlang:send/3`, `exit/2` and `exit/3` of OTP 29.1.1 send to pids, names and aliases.
//= docs/spec/channel.md#ch-altact
//= type=test
//= docs/spec/channel.md#ch-alias-form
//= type=test
#[test]
fn signals_with_more_attributes_between_nodes_of_otp_29() {
    let a = r#"58 770b "a@127.0.0.1" 0000000a 00000000 11223344"#;
    let b = r#"58 770b "b@127.0.0.1" 0000000a 00000000 6b02c462"#;
    let alias =
        r#"5a 0005 770b "b@127.0.0.1" 6b02c462 0000ef3f 98f90001 7008b18f 00000503 00000000"#;
    let words = [0xEF3F, 0x98F9_0001, 0x7008_B18F, 0x503, 0];
    let to_alias = reference("b@127.0.0.1", 0x6B02_C462, &words);
    let from = pid("a@127.0.0.1", 10, 0x1122_3344);
    let to_pid = Receiver::Pid(pid("b@127.0.0.1", 10, 0x6B02_C462));
    let captured = |flags: &str, to: &str, payload: &str, control| {
        let frame = hex(&format!("70 83 68 04 61 25 61 {flags} {a} {to} 83 {payload}"));
        both_ways_with(Flags::SERVED, "a@127.0.0.1", &frame, control);
    };
    let exit = |to, priority, reason: &str| {
        let content = Content::Exit(hex(reason));
        Control::Altact { from: from.clone(), to, priority, content, token: None }
    };
    let message = |to, text: &str| {
        let content = Content::Message(hex(&format!("83 {text}")));
        Control::Altact { from: from.clone(), to, priority: true, content, token: None }
    };
    let text = r#"77 02 "e1""#;
    captured("14", alias, text, exit(Receiver::Alias(to_alias.clone()), false, text));
    captured("15", alias, text, exit(Receiver::Alias(to_alias.clone()), true, text));
    captured("11", b, text, exit(to_pid, true, text));
    captured("05", alias, text, message(Receiver::Alias(to_alias.clone()), text));
    captured("09", r#"77 01 "b""#, text, message(Receiver::Name(atom("b")), text));
    let message = hex(&format!("83 {text}"));
    let (from, token) = (Some(from), None);
    captured("04", alias, text, Control::AliasSend { from, to: to_alias, message, token });
}
