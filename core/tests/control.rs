//! Control messages in all their forms, and whom they may name.

mod end;

use bytes::Bytes;
use end::*;
use netkernel_core::Flags;
use netkernel_core::link::Violation;
use netkernel_core::process::AliasOption;

/// As OTP answers a peer that does not take reasons as payload.
//= docs/spec/channel.md#ch-forms
//= type=test
#[test]
fn without_exit_payload_reasons_stand_in_the_control_message() {
    let mut end = End::new(PASS_THROUGH.without(Flags::EXIT_PAYLOAD));
    end.receive(&frame(&["68 04 61 13", OTP, "7703 'zzz'", REF])).unwrap();
    end.receive(&frame(&["68 03 61 01", OTP, PY])).unwrap();
    let down = frame(&["68 05 61 15 7703 'zzz'", OTP, REF, NOPROC]);
    assert_eq!(end.delivered.answers, [down, frame(&["68 04 61 03", PY, OTP, NOPROC])].concat());
}

/// `stale` is a process of our predecessor, `third` one of another node.
//= docs/spec/channel.md#ch-addressed
//= type=test
#[test]
fn signals_name_processes_of_the_right_nodes() {
    let (stale, third) = (PY.replace("11223344", "00003039"), OTP.replace("otp@", "abc@"));
    let (stale_ref, third_ref) =
        (OWN_REF.replace("11223344", "00003039"), REF.replace("otp@", "abc@"));
    let nobody = "7703 'zzz'";
    let mfa = "68 03 7701 'm' 7701 'f' 61 00 6a";
    for (parts, kept) in [
        (&["68 03 61 01", OTP, &stale][..], true),
        (&["68 03 61 01", OTP, &third], false),
        (&["68 04 61 23 61 01", OTP, PY], true),
        (&["68 04 61 23 61 01", OTP, &stale], false),
        (&["68 04 61 23 61 01", OTP, &third], false),
        (&["68 04 61 24 61 00", OTP, PY], true),
        (&["68 04 61 24 61 01", OTP, &stale], false),
        (&["68 04 61 24 61 01", OTP, &third], false),
        (&["68 04 61 03", OTP, &stale, NOPROC], false),
        (&["68 04 61 03", OTP, &third, NOPROC], false),
        (&["68 03 61 18", OTP, &stale, "83", NOPROC], false),
        (&["68 04 61 08", OTP, &stale, NOPROC], true),
        (&["68 04 61 08", OTP, &third, NOPROC], false),
        (&["68 04 61 13", OTP, &stale, REF], true),
        (&["68 04 61 13", OTP, &third, REF], false),
        (&["68 04 61 14", OTP, &stale, REF], true),
        (&["68 04 61 14", OTP, &third, REF], false),
        (&["68 05 61 15", &third, PY, REF, NOPROC], true),
        (&["68 05 61 15", PY, PY, REF, NOPROC], false),
        (&["68 05 61 15", nobody, &stale, REF, NOPROC], true),
        (&["68 05 61 15", nobody, &third, REF, NOPROC], false),
        (&["68 06 61 1d", &third_ref, &third, PY, mfa, "83 6a"], true),
        (&["68 06 61 1d", OWN_REF, OTP, PY, mfa, "83 6a"], false),
        (&["68 06 61 1d", REF, PY, PY, mfa, "83 6a"], false),
        (&["68 05 61 1f", OWN_REF, PY, "61 00", &third], true),
        (&["68 05 61 1f", OWN_REF, PY, "61 00", PY], false),
        (&["68 05 61 1f", &stale_ref, PY, "61 00", OTP], true),
        (&["68 05 61 1f", REF, &stale, "61 00", OTP], true),
        (&["68 05 61 1f", REF, PY, "61 00", OTP], false),
        (&["68 05 61 1f", OWN_REF, &third, "61 00", OTP], false),
        (&["68 03 61 07", &third, &third], true),
        (&["68 03 61 16", &third, &third, "83 6a"], true),
        (&["68 04 61 25 61 00", &third, &third, "83 6a"], true),
    ] {
        let expected = if kept { Ok(()) } else { Err(Violation::Control) };
        assert_eq!(end().receive(&frame(parts)), expected, "{parts:?}");
    }
}

//= docs/spec/process.md#process-spawn-received
//= type=test
//= docs/spec/process.md#process-spawn-undef
//= type=test
//= docs/spec/process.md#process-spawn-badopt
//= type=test
//= docs/spec/process.md#process-spawn-elsewhere
//= type=test
/// As in capture V11, and with a trace token.
#[test]
fn who_spawns_is_answered_and_then_told_of_the_end() {
    let mfa = "68 03 7705 'nomod' 7703 'nof' 61 00";
    let options = "6c 00000002 7707 'monitor' 7704 'link' 6a";
    let request = frame(&["68 06 61 1d", REF, OTP, OTP, mfa, options, "83 6a"]);
    let mut end = end();
    let own = end.processes.spawn_mailbox();
    let own = end.processes.pid(own).unwrap();
    end.receive(&request).unwrap();
    let child = format!("58 770f 'pysrv@localhost' {:08x} 00000000 11223344", own.id + 1);
    let undef = "83 68 02 7705 'undef' 6c 00000001 68 04 7705 'nomod' 7703 'nof' 6a 6a 6a";
    assert_eq!(end.delivered.answers, frame(&["68 05 61 1f", REF, OTP, "61 03", &child]));
    let told: Vec<_> = end
        .delivered
        .signals
        .drain(..)
        .map(|signal| {
            let mut out = Vec::new();
            signal.emit(PASS_THROUGH, &mut out).unwrap();
            out
        })
        .collect();
    assert_eq!(
        told,
        [
            frame(&["68 03 61 18", &child, OTP, undef]),
            frame(&["68 04 61 1c", &child, OTP, REF, undef]),
        ]
    );

    for (request, reply) in [
        (
            frame(&["68 07 61 1e", REF, OTP, OTP, mfa, "7705 'bogus' 61 07 83 6a"]),
            frame(&["68 06 61 20", REF, OTP, "61 00 7706 'badopt' 61 07"]),
        ),
        (
            frame(&["68 06 61 1d", REF, OTP, OTP, mfa, "61 01 83 6a"]),
            frame(&["68 05 61 1f", REF, OTP, "61 00 7706 'badopt'"]),
        ),
        (frame(&["68 06 61 1d", REF, &OTP.replace("otp@", "abc@"), OTP, mfa, "6a 83 6a"]), vec![]),
    ] {
        assert_eq!(answers_to(&[request]), reply);
    }
    let mut unagreed = End::new(PASS_THROUGH.without(Flags::SPAWN));
    unagreed.receive(&request).unwrap();
    assert_eq!(unagreed.delivered, Delivered::default());
}

//= docs/spec/channel.md#ch-altact
//= type=test
//= docs/spec/channel.md#ch-send
//= type=test
#[test]
fn messages_arrive_in_whichever_form() {
    let mut end = end();
    let mailbox = end.processes.spawn_mailbox();
    end.processes.register(atom("rex"), mailbox).unwrap();
    let pid = end.processes.pid(mailbox).unwrap();
    let to = format!("58 770f 'pysrv@localhost' {:08x} 00000000 11223344", pid.id);
    let alias = end.processes.alias(mailbox, AliasOption::ExplicitUnalias).unwrap();
    let words: String = alias.words().iter().map(|word| format!("{word:08x} ")).collect();
    let alias = format!("5a 0003 770f 'pysrv@localhost' 11223344 {words}");
    for head in [
        &["68 03 61 02 7700", &to][..],
        &["68 04 61 0c 7700", &to, "61 07"],
        &["68 03 61 16", OTP, &to],
        &["68 04 61 17", OTP, &to, "61 07"],
        &["68 04 61 06", OTP, "7700 7703 'rex'"],
        &["68 05 61 10", OTP, "7700 7703 'rex' 61 07"],
        &["68 04 61 25 61 00", OTP, &to],
        &["68 05 61 25 61 03", OTP, &to, "61 07"],
        &["68 04 61 25 61 09", OTP, "7703 'rex'"],
        &["68 03 61 21", OTP, &alias],
        &["68 04 61 22", OTP, &alias, "61 07"],
        &["68 04 61 25 61 04", OTP, &alias],
        &["68 05 61 25 61 06", OTP, &alias, "61 07"],
        &["68 04 61 25 61 05", OTP, &alias],
    ] {
        end.receive(&frame(&[head, &["83 61 05"]].concat())).unwrap();
        let message = Bytes::from_static(&[0x83, 0x61, 5]);
        assert_eq!(end.delivered.messages.pop(), Some((mailbox, message)), "{head:?}");
    }
    assert_eq!(end.delivered, Delivered::default());
}
