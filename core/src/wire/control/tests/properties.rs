//! The same of any control message, and of damaged frames.

use proptest::collection::vec as many;
use proptest::option::of as maybe;
use proptest::prelude::*;

use super::*;
use crate::term::{Reader, generate};

fn monitored() -> impl Strategy<Value = Monitored> {
    prop_oneof![
        generate::pid(generate::atom()).prop_map(Monitored::Pid),
        generate::atom().prop_map(Monitored::Name),
    ]
}

fn token() -> impl Strategy<Value = Option<Token>> {
    maybe(generate::term().prop_filter_map("too long", |term| Token::new(term.into()).ok()))
}

/// Any control message that [`peer`] may send.
fn control() -> impl Strategy<Value = Control> {
    let theirs = || generate::pid(Just(peer().as_atom().clone()));
    let pid = || generate::pid(generate::atom());
    let pids = move || (theirs(), pid());
    let reason = || generate::term().prop_map(Bytes::from);
    let message = || generate::term().prop_map(|term| [&[0x83][..], &term].concat().into());
    let watch = move || (theirs(), monitored(), generate::reference());
    let receiver = prop_oneof![
        pid().prop_map(Receiver::Pid),
        generate::atom().prop_map(Receiver::Name),
        generate::reference().prop_map(Receiver::Alias),
    ];
    let content =
        prop_oneof![message().prop_map(Content::Message), reason().prop_map(Content::Exit)];
    let result =
        prop_oneof![pid().prop_map(Spawned::Pid), generate::atom().prop_map(Spawned::Error)];
    let flags = (0..1_u32 << 27).prop_map(|bits| SpawnFlags::from_bits(bits).unwrap());
    let asked = (generate::reference(), pid(), pid(), generate::atom(), generate::atom());
    let how = (-(1_i64 << 59)..1 << 59, reason(), reason(), token());
    prop_oneof![
        pids().prop_map(|(from, to)| Control::Link { from, to }),
        (theirs(), reason()).prop_filter_map("a pid", |(from, to)| {
            let is_pid = Reader::new(&to).pid().is_ok();
            (!is_pid).then_some(Control::LinkNoPid { from, to })
        }),
        (maybe(pid()), pid(), message(), token())
            .prop_map(|(from, to, message, token)| Control::Send { from, to, message, token }),
        (pids(), reason(), token()).prop_map(|((from, to), reason, token)| Control::Exit {
            from,
            to,
            reason,
            token
        }),
        (any::<NonZeroU64>(), pids()).prop_map(|(id, (from, to))| Control::UnlinkId {
            id,
            from,
            to
        }),
        (any::<u64>(), pids()).prop_map(|(id, (from, to))| Control::UnlinkIdAck { id, from, to }),
        (pid(), generate::atom(), message(), token())
            .prop_map(|(from, to, message, token)| Control::RegSend { from, to, message, token }),
        (pid(), pid()).prop_map(|(leader, to)| Control::GroupLeader { leader, to }),
        (pids(), reason(), token()).prop_map(|((from, to), reason, token)| Control::Exit2 {
            from,
            to,
            reason,
            token
        }),
        watch().prop_map(|(from, to, reference)| Control::MonitorP { from, to, reference }),
        watch().prop_map(|(from, to, reference)| Control::DemonitorP { from, to, reference }),
        (monitored(), pid(), generate::reference(), reason()).prop_map(
            |(from, to, reference, reason)| Control::MonitorPExit { from, to, reference, reason }
        ),
        (asked, how).prop_map(
            |((request, from, leader, module, function), (arity, options, arguments, token))| {
                Control::SpawnRequest(Box::new(SpawnRequest {
                    request,
                    from,
                    leader,
                    module,
                    function,
                    arity,
                    options,
                    arguments,
                    token,
                }))
            }
        ),
        (generate::reference(), pid(), flags, result, token()).prop_map(
            |(request, to, flags, result, token)| Control::SpawnReply {
                request,
                to,
                flags,
                result,
                token
            }
        ),
        (maybe(pid()), generate::reference(), message(), token())
            .prop_map(|(from, to, message, token)| Control::AliasSend { from, to, message, token }),
        (pid(), receiver, any::<bool>(), content, token()).prop_map(
            |(from, to, priority, content, token)| Control::Altact {
                from,
                to,
                priority,
                content,
                token
            }
        ),
    ]
}

/// What arrives of a signal in this form: a message in one without a place for the sender loses it.
fn received(mut control: Control, flags: Flags) -> Control {
    if let Control::Send { from, .. } = &mut control {
        *from = from.take().filter(|_| flags.contains(Flags::SEND_SENDER));
    }
    // An ordinary message to an alias is one in either form.
    if let Control::Altact {
        from,
        to: Receiver::Alias(to),
        priority: false,
        content: Content::Message(message),
        token,
    } = &control
    {
        let (from, to, message) = (Some(from.clone()), to.clone(), message.clone());
        return Control::AliasSend { from, to, message, token: token.clone() };
    }
    control
}

proptest! {
    //= docs/spec/channel.md#ch-pass-through
    //= type=test
    //= docs/spec/channel.md#ch-forms
    //= type=test
    #[test]
    fn parse_gives_back_what_was_emitted(
        controls in many((control(), any::<u64>().prop_map(Flags::from_bits)), 1..4),
    ) {
        let mut stream = Vec::new();
        for (control, flags) in &controls {
            let before = stream.len();
            control.emit(*flags, &mut stream).unwrap();
            prop_assert_eq!(stream.len() - before, control.encoded_len(*flags));
        }
        let mut frames = FrameBuffer::new(Framing::Long, stream.len());
        frames.push(&stream);
        for (control, flags) in controls {
            let frame = frames.next_frame().unwrap().unwrap();
            prop_assert_eq!(parse(&frame, &peer()), Ok(received(control, flags)));
        }
        prop_assert_eq!(frames.next_frame(), Ok(None));
    }

    #[test]
    fn no_strict_prefix_of_a_frame_is_a_message(control in control(), payloads in any::<bool>()) {
        let bytes = Bytes::from(frame(&control, if payloads { FORMS } else { Flags::NONE }));
        for len in 0..bytes.len() {
            prop_assert_eq!(parse(&bytes.slice(..len), &peer()), Err(Violation::Term));
        }
    }

    #[test]
    fn what_a_damaged_frame_is_read_as_can_be_emitted_and_read_again(
        control in control(),
        payloads in any::<bool>(),
        damage in many((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = frame(&control, if payloads { FORMS } else { Flags::NONE });
        for (at, byte) in damage {
            *at.get_mut(&mut bytes) = byte;
        }
        if let Ok(read) = parse(&bytes.into(), &peer()) {
            prop_assert_eq!(parse(&frame(&read, FORMS).into(), &peer()), Ok(read));
        }
    }
}
