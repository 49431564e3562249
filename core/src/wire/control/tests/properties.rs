//! The same of any control message, and of damaged frames.

use proptest::collection::vec as many;
use proptest::prelude::*;

use super::*;

/// Any control message that [`peer`] may send.
fn control() -> impl Strategy<Value = Control> {
    any::<Control>().prop_filter_map("ours alone", |mut control| {
        match &mut control {
            Control::Link { from, .. }
            | Control::LinkNoPid { from, .. }
            | Control::Exit { from, .. }
            | Control::UnlinkId { from, .. }
            | Control::UnlinkIdAck { from, .. }
            | Control::Exit2 { from, .. }
            | Control::MonitorP { from, .. }
            | Control::DemonitorP { from, .. } => from.node = peer().as_atom().clone(),
            Control::ExitNoPid { .. } => return None,
            Control::Send { .. }
            | Control::RegSend { .. }
            | Control::GroupLeader { .. }
            | Control::MonitorPExit { .. }
            | Control::SpawnRequest(_)
            | Control::SpawnReply { .. }
            | Control::AliasSend { .. }
            | Control::Altact { .. } => {}
        }
        Some(control)
    })
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
        controls in many((control(), any::<Flags>()), 1..4),
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
