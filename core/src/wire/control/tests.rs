//! What is emitted is what is parsed, in every form; and what is no control message is refused.

use alloc::{vec, vec::Vec};

use super::*;
use crate::creation::Creation;
use crate::name::NodeName;
use crate::stream::Violation;
use crate::term::write;
use crate::wire::framing::{FrameBuffer, Framing};

mod properties;

/// Every flag that changes a form.
const FORMS: Flags = Flags::from_bits(Flags::EXIT_PAYLOAD.bits() | Flags::SEND_SENDER.bits());

fn peer() -> NodeName {
    NodeName::new("a@h").unwrap()
}

fn theirs() -> Pid {
    Pid { node: peer().as_atom().clone(), id: 1, serial: 2, creation: Creation(7) }
}

fn ours() -> Pid {
    Pid { node: Atom::literal("b@h"), id: 3, serial: 4, creation: Creation(8) }
}

fn reference() -> Reference {
    Reference::new(theirs().node, Creation(7), &[1, 2, 3]).unwrap()
}

fn spawn(token: Option<Token>) -> Control {
    Control::SpawnRequest(Box::new(SpawnRequest {
        request: reference(),
        from: theirs(),
        leader: theirs(),
        module: Atom::literal("m"),
        function: Atom::literal("f"),
        arity: 1,
        options: Bytes::from_static(&[0x6A]),
        arguments: Bytes::from_static(&[0x68, 0]),
        token,
    }))
}

/// One of each kind, with the reason or message `{}`.
fn one_of_each(token: Option<Token>) -> Vec<Control> {
    let (from, to, name) = (theirs(), ours(), Atom::literal("x"));
    let reason = Bytes::from_static(&[0x68, 0]);
    let message = Bytes::from_static(&[0x83, 0x68, 0]);
    let altact = |to, content| {
        let (from, token) = (theirs(), token.clone());
        Control::Altact { from, to, priority: true, content, token }
    };
    [
        Control::Link { from: theirs(), to: ours() },
        Control::Send { from: None, to: ours(), message: message.clone(), token: token.clone() },
        Control::Exit { from: theirs(), to: ours(), reason: reason.clone(), token: token.clone() },
        Control::UnlinkId { id: NonZeroU64::MAX, from: theirs(), to: ours() },
        Control::UnlinkIdAck { id: 0, from: theirs(), to: ours() },
        Control::RegSend {
            from: theirs(),
            to: name.clone(),
            message: message.clone(),
            token: token.clone(),
        },
        Control::GroupLeader { leader: theirs(), to: ours() },
        Control::Exit2 { from: theirs(), to: ours(), reason: reason.clone(), token: token.clone() },
        Control::MonitorP {
            from: theirs(),
            to: Monitored::Pid(to.clone()),
            reference: reference(),
        },
        Control::DemonitorP {
            from: from.clone(),
            to: Monitored::Name(name.clone()),
            reference: reference(),
        },
        Control::MonitorPExit {
            from: Monitored::Name(name.clone()),
            to: to.clone(),
            reference: reference(),
            reason: reason.clone(),
        },
        spawn(token.clone()),
        Control::SpawnReply {
            request: reference(),
            to: to.clone(),
            flags: SpawnFlags::LINK,
            result: Spawned::Pid(from.clone()),
            token: token.clone(),
        },
        Control::AliasSend {
            from: Some(from),
            to: reference(),
            message: message.clone(),
            token: token.clone(),
        },
        altact(Receiver::Pid(to), Content::Exit(reason)),
        altact(Receiver::Name(name), Content::Message(message.clone())),
        altact(Receiver::Alias(reference()), Content::Message(message)),
    ]
    .into()
}

/// The frame of this control message, without its length.
fn frame(control: &Control, flags: Flags) -> Vec<u8> {
    let mut out = Vec::new();
    control.emit(flags, &mut out).unwrap();
    assert_eq!(out.len(), control.encoded_len(flags));
    out.split_off(4)
}

fn parsed(frame: impl Into<Bytes>) -> Result<Control, Violation> {
    parse(&frame.into(), &peer())
}

/// A frame with this control message, which is given without the header of the tuple, and no payload.
fn tuple(arity: u8, elements: &[&[u8]]) -> Vec<u8> {
    [&[b'p', 0x83, 0x68, arity][..], &elements.concat()].concat()
}

fn pid_bytes(pid: &Pid) -> Vec<u8> {
    let mut out = Vec::new();
    write::pid(&mut out, pid);
    out
}

fn reference_bytes() -> Vec<u8> {
    let mut out = Vec::new();
    write::reference(&mut out, &reference());
    out
}

//= docs/spec/channel.md#ch-pass-through
//= type=test
#[test]
fn each_kind_is_read_as_it_was_written() {
    for control in one_of_each(None) {
        let mut bytes = frame(&control, FORMS);
        assert_eq!(parsed(bytes.clone()), Ok(control.clone()));
        bytes[0] = b'q';
        assert_eq!(parsed(bytes), Ok(control), "any first byte will do");
    }
}

/// The number of each operation, with and without a token, in both forms.
//= docs/spec/channel.md#ch-forms
//= type=test
#[test]
fn flags_and_tokens_choose_the_operation() {
    let token = Token::new(Bytes::from_static(&[0x68, 0])).unwrap();
    let with_sender = |token| {
        let message = Bytes::from_static(&[0x83, 0x6A]);
        Control::Send { from: Some(theirs()), to: ours(), message, token }
    };
    let ops = |token: Option<Token>, flags| -> Vec<u8> {
        let mut controls = one_of_each(token.clone());
        controls.push(with_sender(token));
        controls.iter().map(|control| frame(control, flags)[5]).collect()
    };
    let none = Flags::NONE;
    assert_eq!(ops(None, none), [1, 2, 3, 35, 36, 6, 7, 8, 19, 20, 21, 29, 31, 33, 37, 37, 37, 2]);
    assert_eq!(
        ops(None, FORMS),
        [1, 2, 24, 35, 36, 6, 7, 26, 19, 20, 28, 29, 31, 33, 37, 37, 37, 22]
    );
    assert_eq!(
        ops(Some(token.clone()), none),
        [1, 12, 13, 35, 36, 16, 7, 18, 19, 20, 21, 30, 32, 34, 37, 37, 37, 12]
    );
    assert_eq!(
        ops(Some(token), FORMS),
        [1, 12, 25, 35, 36, 16, 7, 27, 19, 20, 28, 30, 32, 34, 37, 37, 37, 23]
    );
}

//= docs/spec/channel.md#ch-alias-form
//= type=test
#[test]
fn a_message_to_an_alias_has_the_newer_form_where_it_was_agreed_on() {
    let token = Token::new(Bytes::from_static(&[0x68, 0])).unwrap();
    let send = |from, token| {
        let message = Bytes::from_static(&[0x83, 0x6A]);
        Control::AliasSend { from, to: reference(), message, token }
    };
    for (control, old, new) in [
        (send(Some(theirs()), None), [3, 33], [4, 37]),
        (send(Some(theirs()), Some(token.clone())), [4, 34], [5, 37]),
        (send(None, None), [3, 33], [3, 33]),
        (send(None, Some(token)), [4, 34], [4, 34]),
    ] {
        for (flags, [arity, op]) in [(FORMS, old), (FORMS | Flags::ALTACT_SIG, new)] {
            let bytes = frame(&control, flags);
            assert_eq!(bytes[..6], [b'p', 0x83, 0x68, arity, 0x61, op]);
            assert_eq!(parsed(bytes), Ok(control.clone()));
        }
    }
}

//= docs/spec/channel.md#ch-pass-through
//= type=test
#[test]
fn without_version_or_term_there_is_no_message() {
    for bad in [&b""[..], b"p", b"p\x83", b"p\x82\x68\0", b"p\x83\x68\x02\x61\x01", b"p\x83\x50"] {
        assert_eq!(parsed(bad), Err(Violation::Term), "{bad:02x?}");
    }
}

//= docs/spec/channel.md#ch-control-form
//= type=test
#[test]
fn another_number_of_elements_is_no_control_message() {
    let token = Token::new(Bytes::from_static(&[0x68, 0])).unwrap();
    for control in [one_of_each(None), one_of_each(Some(token))].concat() {
        for flags in [Flags::NONE, FORMS] {
            let bytes = frame(&control, flags);
            let end = bytes.len() - control.payload(flags).map_or(0, |payload| 1 + payload.len());
            let mut longer = bytes.clone();
            longer[3] += 1;
            longer.insert(end, 0x6A);
            if !matches!(control, Control::Altact { .. }) {
                assert_eq!(parsed(longer), Err(Violation::Control), "{control:?}");
            }
            let shorter = tuple(1, &[&bytes[4..6]]);
            assert_eq!(parsed(shorter), Err(Violation::Control), "{control:?}");
        }
    }
    assert_eq!(parsed(tuple(0, &[])), Err(Violation::Control));
}

//= docs/spec/channel.md#ch-control-form
//= type=test
#[test]
fn unknown_operations_are_no_control_messages() {
    let (from, to) = (pid_bytes(&theirs()), pid_bytes(&ours()));
    for op in [0, 4, 5, 9, 10, 11, 14, 15, 17, 38, 99, 255] {
        let bytes = tuple(3, &[&[0x61, op], &from, &to]);
        assert_eq!(parsed(bytes), Err(Violation::Control), "{op}");
    }
    for op in [&[0x62, 0, 0, 1, 1][..], &[0x62, 0xFF, 0xFF, 0xFF, 0xFF], &[0x6A]] {
        assert_eq!(parsed(tuple(3, &[op, &from, &to])), Err(Violation::Control), "{op:02x?}");
    }
}

//= docs/spec/channel.md#ch-control-form
//= type=test
//= docs/spec/channel.md#ch-spawn-form
//= type=test
#[test]
fn elements_of_another_kind_are_no_control_messages() {
    let (from, to, name) =
        (&pid_bytes(&theirs())[..], &pid_bytes(&ours())[..], &[0x77, 1, b'x'][..]);
    let (reference, nil) = (&reference_bytes()[..], &[0x6A][..]);
    let function = [&[0x68, 3][..], name, name, &[0x61, 0]].concat();
    let bad_function = [&[0x68, 3][..], name, name, name].concat();
    let wide = [&[0x68, 3][..], name, name, &[0x6E, 8, 0, 0, 0, 0, 0, 0, 0, 0, 8]].concat();
    for elements in [
        &[&[0x61, 1][..], name, to][..],
        &[&[0x61, 2], name, name],
        &[&[0x61, 6], name, name, name],
        &[&[0x61, 6], from, name, to],
        &[&[0x61, 7], from, name],
        &[&[0x61, 19], from, to, name],
        &[&[0x61, 20], from, nil, name],
        &[&[0x61, 21], from, to, from, name],
        &[&[0x61, 22], from, name],
        &[&[0x61, 24], name, to],
        &[&[0x61, 26], from, reference],
        &[&[0x61, 28], nil, to, reference],
        &[&[0x61, 29], from, from, from, &function, nil],
        &[&[0x61, 29], reference, from, name, &function, nil],
        &[&[0x61, 29], reference, from, from, &bad_function, nil],
        &[&[0x61, 29], reference, from, from, &wide, nil],
        &[&[0x61, 29], reference, from, from, name, nil],
        &[&[0x61, 31], reference, to, name, from],
        &[&[0x61, 31], reference, to, &[0x62, 8, 0, 0, 0], from],
        &[&[0x61, 31], reference, to, &[0x61, 0], nil],
        &[&[0x61, 33], from, to],
        &[&[0x61, 35], name, from, to],
        &[&[0x61, 37], &[0x61, 0], from, name],
        &[&[0x61, 37], &[0x61, 0], name, to],
        &[&[0x61, 37], &[0x61, 4], from, to],
        &[&[0x61, 37], &[0x61, 8], from, to],
        &[&[0x61, 37], &[0x61, 12], from, reference],
        &[&[0x61, 37], &[0x61, 2], from, to],
        &[&[0x61, 37], &[0x62, 0xFF, 0xFF, 0xFF, 0xFF], from, to],
        &[&[0x61, 37], name, from, to],
    ] {
        let bytes = [&tuple(elements.len() as u8, elements)[..], &[0x83, 0x6A]].concat();
        assert_eq!(parsed(bytes), Err(Violation::Control), "{elements:02x?}");
    }
}

//= docs/spec/channel.md#ch-control-form
//= type=test
//= docs/spec/channel.md#ch-control-from
//= type=test
#[test]
fn cookies_and_senders_of_messages_may_be_any_term() {
    let message = Bytes::from_static(&[0x83, 0x6A]);
    for op in [2, 22] {
        let bytes = tuple(3, &[&[0x61, op], &[0x68, 0], &pid_bytes(&ours()), &message]);
        let (to, message) = (ours(), message.clone());
        assert_eq!(parsed(bytes), Ok(Control::Send { from: None, to, message, token: None }));
    }
    let bytes = tuple(3, &[&[0x61, 33], &[0x68, 0], &reference_bytes(), &message]);
    let to = reference();
    assert_eq!(parsed(bytes), Ok(Control::AliasSend { from: None, to, message, token: None }));
}

//= docs/spec/channel.md#ch-control-from
//= type=test
#[test]
fn signals_come_from_the_connected_node() {
    let stranger = NodeName::new("c@h").unwrap();
    for control in one_of_each(None) {
        let checked = matches!(
            control,
            Control::Link { .. }
                | Control::Exit { .. }
                | Control::Exit2 { .. }
                | Control::UnlinkId { .. }
                | Control::UnlinkIdAck { .. }
                | Control::MonitorP { .. }
                | Control::DemonitorP { .. }
        );
        for flags in [Flags::NONE, FORMS] {
            let result = parse(&frame(&control, flags).into(), &stranger);
            let expected = if checked { Err(Violation::Control) } else { Ok(control.clone()) };
            assert_eq!(result, expected);
        }
    }
    let mut reborn = theirs();
    reborn.creation = reborn.creation.next();
    let link = Control::Link { from: reborn, to: ours() };
    assert_eq!(parsed(frame(&link, FORMS)), Ok(link), "creations are not compared");
}

//= docs/spec/channel.md#ch-unlink-id
//= type=test
#[test]
fn unlink_ids_fit_64_bits_and_those_of_unlinks_are_positive() {
    let (from, to) = (pid_bytes(&theirs()), pid_bytes(&ours()));
    for op in [35, 36] {
        let with = |id: &[u8]| parsed(tuple(4, &[&[0x61, op], id, &from, &to]));
        for bad in [
            &[0x62, 0xFF, 0xFF, 0xFF, 0xFF][..],
            &[0x6E, 1, 1, 1],
            &[0x6E, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ] {
            assert_eq!(with(bad), Err(Violation::Control), "{bad:02x?}");
        }
        assert_eq!(with(&[0x61, 0]).is_ok(), op == 36);
        assert!(with(&[0x61, 1]).is_ok());
        assert!(with(&[0x6E, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255]).is_ok());
    }
}

//= docs/spec/channel.md#ch-trace-token
//= type=test
#[test]
fn a_token_is_any_term_as_long_as_it_likes() {
    let to = pid_bytes(&ours());
    let with =
        |token: &[u8]| parsed(tuple(4, &[&[0x61, 12], &[0x77, 0], &to, token, &[0x83, 0x6A]]));
    let binary = |len: usize| {
        let mut bytes = vec![0x6D];
        bytes.extend((len as u32 - 5).to_be_bytes());
        bytes.resize(len, 0);
        bytes
    };
    for token in [&[0x6A][..], &[0x61, 9], &binary(MAX_TOKEN_BYTES), &binary(1 << 20)] {
        let Ok(Control::Send { token: Some(read), .. }) = with(token) else {
            panic!("{} bytes", token.len())
        };
        assert_eq!(read.as_bytes(), token);
    }
    assert_eq!(with(&[0x50]), Err(Violation::Term));
}

//= docs/spec/channel.md#ch-payload
//= type=test
#[test]
fn a_payload_is_needed_by_all_that_have_one() {
    let token = Token::new(Bytes::from_static(&[0x68, 0])).unwrap();
    for control in [one_of_each(None), one_of_each(Some(token))].concat() {
        for flags in [Flags::NONE, FORMS] {
            let mut alone = vec![b'p', 0x83];
            control.emit_term(flags, &mut alone);
            let Some(payload) = control.payload(flags) else {
                assert_eq!(alone, frame(&control, flags));
                continue;
            };
            assert_eq!([&alone[..], &[0x83], &payload].concat(), frame(&control, flags));
            for payload in [&[][..], &[0x83], &[0x82, 0x6A], &[0x83, 0x68, 2, 0x6A], &[0x6A]] {
                let bytes = [&alone[..], payload].concat();
                assert_eq!(parsed(bytes), Err(Violation::Term), "{payload:02x?}");
            }
        }
    }
}

//= docs/spec/channel.md#ch-payload-unread
//= type=test
#[test]
fn a_payload_that_is_none_is_left_empty_for_who_takes_it() {
    for control in one_of_each(None) {
        let mut alone = vec![b'p', 0x83];
        control.emit_term(FORMS, &mut alone);
        assert!(!control.lacks_payload());
        for payload in [&[][..], &[0x83], &[0x82, 0x6A], &[0x83, 0x68, 2, 0x6A], &[0x6A]] {
            let frame = Bytes::from([&alone[..], payload].concat());
            let read = parse_unread(&frame, &peer()).unwrap();
            let empty = control.payload(FORMS).is_some();
            assert_eq!(read.lacks_payload(), empty, "{control:?} {payload:02x?}");
            assert_eq!(read.payload(FORMS).unwrap_or_default(), [][..]);
            assert_eq!(read == control, !empty);
        }
    }
}

//= docs/spec/channel.md#ch-link-no-pid
//= type=test
#[test]
fn a_link_with_what_is_no_pid_is_read_and_its_answer_written() {
    let from = pid_bytes(&theirs());
    for to in [&[0x6A][..], &[0x77, 1, b'x'], &reference_bytes(), &[0x68, 1, 0x61, 5]] {
        let bytes = tuple(3, &[&[0x61, 1], &from, to]);
        let Ok(Control::LinkNoPid { from: sender, to: read }) = parsed(bytes.clone()) else {
            panic!("{to:02x?}")
        };
        assert_eq!((&sender, &read[..]), (&theirs(), to));
        assert_eq!(frame(&Control::LinkNoPid { from: sender, to: read.clone() }, FORMS), bytes);
        let reason = Bytes::from_static(b"\x77\x06noproc");
        let answer = Control::ExitNoPid { from: read, to: theirs(), reason: reason.clone() };
        let with = |op, last: &[&[u8]]| {
            [&tuple(if op == 24 { 3 } else { 4 }, &[&[0x61, op], to, &from])[..], &last.concat()]
                .concat()
        };
        assert_eq!(frame(&answer, FORMS), with(24, &[&[0x83], &reason]));
        assert_eq!(frame(&answer, Flags::NONE), with(3, &[&reason]));
        assert_eq!(parsed(frame(&answer, FORMS)), Err(Violation::Control));
    }
    let third = Pid { node: Atom::literal("third@h"), ..theirs() };
    assert_eq!(
        parsed(tuple(3, &[&[0x61, 1], &pid_bytes(&third), &[0x6A]])),
        Err(Violation::Control)
    );
    assert_eq!(parsed(tuple(3, &[&[0x61, 1], &[0x6A], &[0x6A]])), Err(Violation::Control));
}

//= docs/spec/channel.md#ch-trailing
//= type=test
#[test]
fn bytes_behind_the_last_term_are_not_looked_at() {
    for control in one_of_each(None) {
        for flags in [Flags::NONE, FORMS] {
            let bytes = [&frame(&control, flags)[..], &[0xFF, 0]].concat();
            assert_eq!(parsed(bytes), Ok(control.clone()));
        }
    }
}

//= docs/spec/channel.md#ch-altact
//= type=test
#[test]
fn newer_attributes_of_altact_are_passed_over() {
    let (from, to) = (pid_bytes(&theirs()), pid_bytes(&ours()));
    let expected = Control::Altact {
        from: theirs(),
        to: Receiver::Pid(ours()),
        priority: true,
        content: Content::Message(Bytes::from_static(&[0x83, 0x6A])),
        token: None,
    };
    for flags in [
        &[0x61, 1][..],
        &[0x61, 0xE1],
        &[0x62, 0x7F, 0, 0, 1],
        &[0x6E, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0x6F, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
    ] {
        let bytes = tuple(5, &[&[0x61, 37], flags, &from, &to, &[0x6A], &[0x83, 0x6A]]);
        assert_eq!(parsed(bytes).as_ref(), Ok(&expected), "{flags:02x?}");
    }
    let negative = [0x6E, 9, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1];
    let bytes = tuple(4, &[&[0x61, 37], &negative, &from, &to, &[0x83, 0x6A]]);
    assert_eq!(parsed(bytes), Err(Violation::Control));
}

//= docs/spec/channel.md#ch-frame-memory
//= type=test
#[test]
fn messages_share_the_memory_of_a_frame_unless_they_are_little_of_a_long_one() {
    // Behind the message, 40,000 bytes that nobody looks at.
    for (length, shares) in [(3, true), (30_000, false), (41_000, true)] {
        let message =
            [&[0x83, 0x6D][..], &u32::to_be_bytes(length), &vec![7; length as usize]].concat();
        let send = Control::Send { from: None, to: ours(), message: message.into(), token: None };
        let behind = if length == 3 { 0 } else { 40_000 };
        let frame = Bytes::from([frame(&send, FORMS), vec![0; behind]].concat());
        let parsed = parse(&frame, &peer());
        assert_eq!(parsed.as_ref(), Ok(&send));
        let Ok(Control::Send { message, .. }) = parsed else { panic!("not the message") };
        assert_eq!(frame.as_ptr_range().contains(&message.as_ptr()), shares, "{length}");
    }
}
