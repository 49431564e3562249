//! The channel of a link, bytes in and bytes out: captures of real nodes, and two nodes in memory.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod end;

use bytes::Bytes;
use end::*;
use netkernel_core::driver::pump;
use netkernel_core::link::{Batch, Frame, Limits, LinkReader, LinkWriter, Violation};
use netkernel_core::process::{Deliver, Mfa, Origin, ProcessEvent, Processes, Reach, Request};
use netkernel_core::term::{Atom, Pid};
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, Flags, MailboxId, NodeName, PingId};
use proptest::collection::vec as many;
use proptest::prelude::*;

fn yes_by_send(tag: &str) -> Vec<u8> {
    frame(&["68 03 61 02 7700", OTP, "83 68 02", tag, YES])
}

/// As ALTACT_SIG_SEND.
fn yes_to_alias(tag: &str) -> Vec<u8> {
    frame(&["68 04 61 25 61 04", OWN_NET_KERNEL, REF, "83 68 02", tag, YES])
}

//= docs/spec/channel.md#ch-is-auth
//= type=test
//= docs/spec/channel.md#ch-monitor-net-kernel
//= type=test
#[test]
fn a_ping_of_an_otp_node_is_answered_by_its_alias() {
    let tag = format!("6c 00000001 7705 'alias' {REF}");
    let mut end = end();
    end.receive(&frame(&["68 04 61 13", OTP, NET_KERNEL, REF])).unwrap();
    assert_eq!(end.delivered, Delivered::default(), "the monitor is not answered");
    end.receive(&is_auth(&tag)).unwrap();
    assert_eq!(end.delivered.answers, yes_to_alias(&tag));
    end.delivered.answers.clear();
    end.receive(&frame(&["68 04 61 14", OTP, NET_KERNEL, REF])).unwrap();
    assert_eq!(end.delivered, Delivered::default());
}

//= docs/spec/channel.md#ch-is-auth
//= type=test
#[test]
fn every_form_of_a_tag_comes_back_as_it_was() {
    let alias = format!("6c 00000001 7705 'alias' {REF}");
    let deep = format!("6c 00000001 {alias} 7704 'more'");
    for tag in [&alias, &deep] {
        assert_eq!(answers_to(&[is_auth(tag)]), yes_to_alias(tag), "{tag}");
    }
    let old_encoding = "72 0003 64 000d 'otp@localhost' 03 00002ff5 ab0d0001 03f4d9f5";
    let third = alias.replace("otp@", "abc@");
    let other = alias.replace("'alias'", "'other'");
    for tag in [REF, &third, &other, old_encoding, "7703 'tag'", "62 00000001"] {
        assert_eq!(answers_to(&[is_auth(tag)]), yes_by_send(tag), "{tag}");
    }
    let alias_send = frame(&["68 03 61 21", OWN_NET_KERNEL, REF, "83 68 02", &alias, YES]);
    for (missing, answer) in
        [(Flags::ALTACT_SIG, alias_send), (Flags::ALTACT_SIG | Flags::ALIAS, yes_by_send(&alias))]
    {
        let mut end = End::new(PASS_THROUGH.without(missing));
        end.receive(&is_auth(&alias)).unwrap();
        assert_eq!(end.delivered.answers, answer, "without {missing:?}");
    }
}

//= docs/spec/channel.md#ch-is-auth
//= type=test
//= docs/spec/channel.md#ch-is-auth-elsewhere
//= type=test
#[test]
fn what_is_not_the_question_gets_no_reply_and_does_no_harm() {
    let call = "83 68 03 7709 '$gen_call' 68 02";
    let third = OTP.replace("otp@", "abc@");
    let to_net_kernel =
        |parts: &[&str]| frame(&[&["68 04 61 06", OTP, "7700", NET_KERNEL], parts].concat());
    for message in [
        to_net_kernel(&["83 6a"]),
        to_net_kernel(&["83 68 03 7709 '$gen_cast' 68 02", OTP, REF, "68 02 7707 'is_auth' 6a"]),
        to_net_kernel(&[call, OTP, "7703 'tag'", "7709 'get_state'"]),
        to_net_kernel(&[call, "61 05", REF, "68 02 7707 'is_auth' 6a"]),
        to_net_kernel(&[call, &third, REF, "68 02 7707 'is_auth' 6a"]),
    ] {
        let mut end = end();
        assert_eq!(end.receive(&message), Ok(()));
        assert_eq!(end.delivered, Delivered::default());
    }
}

//= docs/spec/channel.md#ch-gen-call-unserved
//= type=test
#[test]
fn the_caller_of_what_is_not_served_is_told_noproc_whatever_its_tag() {
    let alias = format!("6c 00000001 7705 'alias' {REF}");
    let deep = format!("6c 00000001 {alias} 7704 'more'");
    let noproc = frame(&["68 04 61 1c", NET_KERNEL, OTP, REF, "83", NOPROC]);
    for tag in [REF, &alias, &deep] {
        for request in ["7709 'get_state'", "68 02 7707 'is_self' 6a", "7707 'is_auth'", "68 01 6a"]
        {
            let call = [
                "68 04 61 06",
                OTP,
                "7700",
                NET_KERNEL,
                "83 68 03 7709 '$gen_call' 68 02",
                OTP,
                tag,
                request,
            ];
            assert_eq!(answers_to(&[frame(&call)]), noproc, "{tag} {request}");
        }
    }
}

/// The capture of a ping without monitor: the question as it was sent, the answer as it is without SEND_SENDER.
//= docs/spec/channel.md#ch-is-auth
//= type=test
#[test]
fn a_ping_without_monitor_is_answered_as_otp_answers_it() {
    let py1 = "58 770d 'py1@localhost' 00000001 00000000 11223344";
    let reference = "5a 0003 770d 'py1@localhost' 11223344 00000001 00000002 00000003";
    let question = frame(&[
        "68 04 61 06",
        py1,
        "7700 770a 6e65745f6b65726e656c 83 68 03 7709 2467656e5f63616c6c 68 02",
        py1,
        reference,
        "68 02 7707 69735f61757468 770d 'py1@localhost'",
    ]);
    assert_eq!(question[..4], [0, 0, 0, 0x98]);
    let mut processes = Processes::new();
    processes.alive(node("otp@localhost"), Creation(0x6b01_626f));
    let origin = Origin { node: node("py1@localhost"), creation: Creation(7), flags: PASS_THROUGH };
    let mut reader = LinkReader::from_origin(origin, Limits::default());
    let mut delivered = Delivered::default();
    pump(&mut reader, &question, &mut processes, &mut delivered).unwrap();
    let answer = frame(&["68 03 61 02 7700", py1, "83 68 02", reference, YES]);
    assert_eq!(delivered, Delivered { answers: answer, ..Delivered::default() });
}

//= docs/spec/process.md#process-monitor-noproc
//= type=test
#[test]
fn monitors_of_names_and_pids_are_answered_noproc_with_what_was_given() {
    let stale = PY.replace("11223344", "00003039");
    for watched in ["770a 'nosuchname'", "7703 'zzz'", "7712 'global_name_server'", PY, &stale] {
        assert_eq!(
            answers_to(&[frame(&["68 04 61 13", OTP, watched, REF])]),
            frame(&["68 04 61 1c", watched, OTP, REF, "83", NOPROC]),
        );
    }
}

//= docs/spec/requests.md#request-switch
//= type=test
#[test]
fn requests_are_handed_to_the_kernel_of_a_node_that_serves_them() {
    let call = "83 68 03 7709 '$gen_call' 68 02";
    let request =
        frame(&["68 04 61 06", OTP, "7700", NET_KERNEL, call, OTP, REF, "7708 'nodename'"]);
    for serve in [false, true] {
        let mut end = end();
        end.processes.serve_requests(serve);
        end.receive(&request).unwrap();
        let Delivered { requests, answers, .. } = end.delivered;
        assert_eq!((requests.len(), answers.is_empty()), (usize::from(serve), serve));
    }
}

//= docs/spec/channel.md#ch-monitor-flags
//= type=test
#[test]
fn a_monitor_that_was_not_agreed_on_is_not_answered() {
    let mut end = End::new(Flags::MANDATORY_26);
    end.receive(&frame(&["68 04 61 13", OTP, "7703 'zzz'", REF])).unwrap();
    assert_eq!(end.delivered, Delivered::default());
}

//= docs/spec/process.md#process-link-noproc
//= type=test
#[test]
fn links_are_answered_noproc_even_to_a_stale_pid() {
    let stale = PY.replace("11223344", "00003039");
    for to in [PY, &stale] {
        assert_eq!(
            answers_to(&[frame(&["68 03 61 01", OTP, to])]),
            frame(&["68 03 61 18", to, OTP, "83", NOPROC]),
        );
    }
}

//= docs/spec/process.md#process-unlink-received
//= type=test
#[test]
fn unlinks_are_acknowledged_with_the_pids_swapped() {
    for id in ["61 4d", "6e 08 00 ffffffffffffffff"] {
        assert_eq!(
            answers_to(&[frame(&["68 04 61 23", id, OTP, PY])]),
            frame(&["68 04 61 24", id, PY, OTP]),
        );
    }
}

//= docs/spec/channel.md#ch-ignored
//= type=test
#[test]
fn signals_that_nobody_waits_on_lead_to_nothing() {
    let mut end = end();
    let mailbox = end.processes.spawn_mailbox();
    let before = end.processes.clone();
    for signal in [
        frame(&["68 04 61 03", OTP, PY, NOPROC]),
        frame(&["68 04 61 08", OTP, PY, "7704 'kill'"]),
        frame(&["68 03 61 07", OTP, PY]),
        frame(&["68 04 61 14", OTP, NET_KERNEL, REF]),
        frame(&["68 04 61 24 61 4d", OTP, PY]),
        frame(&["68 05 61 15", NET_KERNEL, PY, REF, NOPROC]),
        frame(&["68 03 61 1a", OTP, PY, "83 7704 'kill'"]),
        frame(&["68 03 61 21", OTP, REF, "83 6a"]),
        frame(&["68 04 61 25 61 04", OTP, REF, "83 6a"]),
        frame(&["68 04 61 25 61 10", OTP, PY, "83 7704 'kill'"]),
        frame(&["68 05 61 1f", OWN_REF, PY, "61 00 7706 'badopt'"]),
    ] {
        assert_eq!(end.receive(&signal), Ok(()));
    }
    assert_eq!((end.delivered, &end.processes), (Delivered::default(), &before));
    assert!(before.pid(mailbox).is_some());
}

//= docs/spec/channel.md#ch-send-dropped
//= type=test
#[test]
fn what_a_visible_node_says_first_needs_no_answer() {
    let rex = "83 68 02 58 770d 'otp@localhost' 00000036 00000000 6b016381 7710 'features_request'";
    let connect = "83 68 02 7709 '$gen_cast' 68 04 770c 'init_connect' 68 02 61 08 6e 08 01 f2ffffffffffff07 \
        770d 'otp@localhost' 68 04 7706 'locker' 770f 'no_longer_a_pid' \
        74 00000001 68 02 770d 'connection_id' 770f 'pysrv@localhost' 62 00cfa3b5";
    let mut end = end();
    end.receive(&frame(&["68 04 61 06", OTP, "7700 7703 'rex'", rex])).unwrap();
    end.receive(&frame(&["68 04 61 06", OTP, "7700 7712 'global_name_server'", connect, OTP]))
        .unwrap();
    assert_eq!(end.delivered, Delivered::default());
}

//= docs/spec/channel.md#ch-send
//= type=test
//= docs/spec/channel.md#ch-send-dropped
//= type=test
#[test]
fn messages_reach_pids_and_names_as_the_bytes_that_came() {
    let mut end = end();
    let (one, two) = (end.processes.spawn_mailbox(), end.processes.spawn_mailbox());
    end.processes.register(atom("inbox"), two).unwrap();
    let Pid { id, .. } = end.processes.pid(one).unwrap();
    let to = |id: u32, creation| {
        let pid = format!("58 770f 'pysrv@localhost' {id:08x} 00000000 {creation}");
        frame(&["68 03 61 02 7700", &pid, "83 7705 'hello'"])
    };
    let name = |name| frame(&["68 04 61 06", OTP, "7700", name, "83 6d 00000002 ffff"]);
    let frames = [
        to(id, "11223344"),
        to(id, "11223345"),
        to(id + 2, "11223344"),
        name("7705 'inbox'"),
        name("7704 'none'"),
    ];
    end.receive(&frames.concat()).unwrap();
    let (hello, ffff) = (bytes(&["83 7705 'hello'"]), bytes(&["83 6d 00000002 ffff"]));
    let messages = vec![(one, hello.into()), (two, ffff.into())];
    assert_eq!(end.delivered, Delivered { messages, ..Delivered::default() });
}

//= docs/spec/channel.md#ch-payload-unread
//= type=test
#[test]
fn a_payload_that_is_none_ends_the_link_only_if_somebody_takes_it() {
    let [taker, nobody] =
        ["00000002", "00000007"].map(|id| PY.replace("00000001 0", &format!("{id} 0")));
    for payload in ["", "83", "82 6a", "83 68 02 6a", "83 ff", "6a"] {
        let to = |control: &[&str]| frame(&[control, &[payload]].concat());
        let mut end = end();
        let mailbox = end.processes.spawn_mailbox();
        end.processes.register(atom("x"), mailbox).unwrap();
        assert_eq!(end.processes.pid(mailbox).map(|pid| pid.id), Some(2));
        for ignored in [
            to(&["68 03 61 02 7700", &nobody]),
            to(&["68 03 61 16", OTP, &nobody]),
            to(&["68 04 61 06", OTP, "7700 7701 'y'"]),
            to(&["68 03 61 18", OTP, &nobody]),
            to(&["68 03 61 18", OTP, &taker]),
            to(&["68 03 61 1a", OTP, &nobody]),
            to(&["68 04 61 1c", OTP, &nobody, OWN_REF]),
            to(&["68 03 61 21", OTP, OWN_REF]),
            to(&["68 04 61 25 61 00", OTP, &nobody]),
            to(&["68 04 61 25 61 08", OTP, "7701 'y'"]),
            to(&["68 04 61 25 61 10", OTP, &nobody]),
        ] {
            assert_eq!(end.receive(&ignored), Ok(()), "{ignored:02x?}");
        }
        assert_eq!(end.delivered, Delivered::default());
        let refused = "68 05 61 1f";
        end.receive(&to(&["68 06 61 1d", REF, OTP, OTP, "68 03 7701 'm' 7701 'f' 61 00 61 01"]))
            .unwrap();
        assert_eq!(end.delivered.answers, frame(&[refused, REF, OTP, "61 00 7706 'badopt'"]));
        for taken in [
            to(&["68 03 61 02 7700", &taker]),
            to(&["68 04 61 06", OTP, "7700 7701 'x'"]),
            to(&["68 04 61 06", OTP, "7700", NET_KERNEL]),
            to(&["68 03 61 1a", OTP, &taker]),
            [frame(&["68 03 61 01", OTP, &taker]), to(&["68 03 61 18", OTP, &taker])].concat(),
            to(&["68 06 61 1d", REF, OTP, OTP, "68 03 7701 'm' 7701 'f' 61 00 6a"]),
            to(&["68 04 61 25 61 00", OTP, &taker]),
            to(&["68 04 61 25 61 08", OTP, "7701 'x'"]),
        ] {
            let mut other = self::end();
            let mailbox = other.processes.spawn_mailbox();
            other.processes.register(atom("x"), mailbox).unwrap();
            assert_eq!(other.processes.pid(mailbox).map(|pid| pid.id), Some(2));
            assert_eq!(other.receive(&taken), Err(Violation::Term), "{taken:02x?}");
            assert_eq!(other.delivered, Delivered::default());
        }
    }
}

//= docs/spec/channel.md#ch-link-no-pid
//= type=test
#[test]
fn who_links_with_what_is_no_pid_is_told_noproc_from_it() {
    for to in ["7701 'x'", "61 05", REF, "68 01 6a"] {
        let mut end = end();
        end.receive(&frame(&["68 03 61 01", OTP, to])).unwrap();
        assert_eq!(end.delivered.answers, frame(&["68 03 61 18", to, OTP, "83", NOPROC]));
    }
}

//= docs/spec/channel.md#ch-violation-order
//= type=test
#[test]
fn what_came_before_an_invalid_frame_is_delivered() {
    let bad = |parts: &[&str]| {
        let body = bytes(parts);
        [&(body.len() as u32).to_be_bytes()[..], &body].concat()
    };
    for (bad, violation) in [
        (bad(&["70 83 61 05"]), Violation::Control),
        (bad(&["70 82 61 05"]), Violation::Term),
        (bad(&["70 83 68 02 61 63 6a"]), Violation::Control),
        (bytes(&["ffffffff"]), Violation::FrameTooLong),
    ] {
        let mut end = end();
        assert_eq!(end.receive(&[is_auth(REF), bad, is_auth(REF)].concat()), Err(violation));
        assert_eq!(end.delivered.answers, yes_by_send(REF), "once, for the one before");
        assert_eq!(end.receive(&is_auth(REF)), Err(violation));
    }
    let mut other_first_byte = is_auth(REF);
    other_first_byte[4] = b'q';
    assert_eq!(answers_to(&[other_first_byte]), yes_by_send(REF));
}

//= docs/spec/channel.md#ch-writer-answers
//= type=test
#[test]
fn a_peer_that_asks_and_does_not_read_is_cut_off() {
    struct Unread(LinkWriter);
    impl Deliver for Unread {
        fn message(&mut self, _: MailboxId, _: Bytes) {}
        fn start(&mut self, _: MailboxId, _: Mfa) {}
        fn event(&mut self, _: MailboxId, _: ProcessEvent) {}
        fn signal(&mut self, _: &Atom, _: Control) -> Reach {
            Reach::NoConnection
        }
        fn is_reached(&mut self, _: &NodeName) -> bool {
            false
        }
        fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
            self.0.push_forced(frame)
        }
        fn pong(&mut self, _: PingId, _: bool) {}
        fn request(&mut self, _: Request) {}
    }
    let End { mut reader, mut processes, .. } = end();
    let mut limits = Limits::default();
    limits.high_mark_bytes = 1000;
    let mut unread = Unread(LinkWriter::new(limits));
    let question = is_auth(REF);
    let asked =
        (1..).find(|_| pump(&mut reader, &question, &mut processes, &mut unread).is_err()).unwrap();
    assert_eq!(asked, 8000 / yes_by_send(REF).len() + 1);
    assert!(unread.0.queued() <= 8000);
}

/// Two nodes that are connected, and how many bytes go at a time.
struct Pair {
    ends: [End; 2],
    writers: [LinkWriter; 2],
}

impl Pair {
    fn new() -> Self {
        let names = ["otp@localhost", "pysrv@localhost"];
        let ends = [0, 1].map(|own| {
            let mut end = end();
            end.processes.alive(node(names[own]), Creation(7));
            let origin =
                Origin { node: node(names[1 - own]), creation: Creation(7), flags: Flags::SERVED };
            end.reader = LinkReader::from_origin(origin, Limits::default());
            end
        });
        Self { ends, writers: [0, 1].map(|_| LinkWriter::new(Limits::default())) }
    }

    fn send(&mut self, from: usize, signals: &[Control]) {
        for signal in signals {
            self.writers[from].push(Frame::new(signal, Flags::SERVED).unwrap()).unwrap();
        }
    }

    /// One byte in each direction. Whether there was one.
    fn step(&mut self) -> bool {
        let mut moved = false;
        for from in [0, 1] {
            let Some(&byte) = self.writers[from].chunks(1).flatten().next() else { continue };
            self.writers[from].advance(1);
            let end = &mut self.ends[1 - from];
            end.receive(&[byte]).unwrap();
            let answers = core::mem::take(&mut end.delivered.answers);
            self.writers[1 - from].push_forced(Bytes::from(answers).into()).unwrap();
            moved = true;
        }
        moved
    }
}

//= docs/spec/channel.md#ch-ping
//= type=test
#[test]
fn two_nodes_ping_each_other_byte_by_byte() {
    let mut pair = Pair::new();
    let mut pings = Vec::new();
    for (from, to) in [(0, "pysrv@localhost"), (1, "otp@localhost")] {
        let (ping, signals) = pair.ends[from].processes.ping(&node(to)).unwrap();
        pair.send(from, &signals);
        pair.writers[from].tick();
        pings.push(ping);
    }
    let steps = (0..2000).take_while(|_| pair.step()).count();
    assert!(steps < 2000, "it comes to an end");
    for (end, ping) in pair.ends.iter().zip(pings) {
        assert_eq!(end.delivered, Delivered { pongs: vec![(ping, true)], ..Delivered::default() });
    }
    // Monitor, question, tick and answer, and the demonitor that the answer led to.
    assert_eq!(pair.writers.each_ref().map(LinkWriter::sent), [5, 5]);
}

/// What a ping sends, as `net_adm:ping/1` of a real node does, but for the form of the tag.
//= docs/spec/channel.md#ch-ping
//= type=test
#[test]
fn a_ping_has_the_bytes_of_net_adm_and_ends_with_a_demonitor() {
    let mut end = end();
    let (ping, signals) = end.processes.ping(&node("otp@localhost")).unwrap();
    let mut sent = Vec::new();
    for signal in signals {
        signal.emit(Flags::SERVED, &mut sent).unwrap();
    }
    let reference = "5a 0003 770f 'pysrv@localhost' 11223344 00000001 00000000 00000000";
    let call = "83 68 03 7709 '$gen_call' 68 02";
    let question = "68 02 7707 'is_auth' 770f 'pysrv@localhost'";
    let monitor = frame(&["68 04 61 13", PY, NET_KERNEL, reference]);
    let question = frame(&["68 04 61 06", PY, "7700", NET_KERNEL, call, PY, reference, question]);
    assert_eq!(sent, [monitor, question].concat());

    let answer = frame(&["68 03 61 02 7700", PY, "83 68 02", reference, YES]);
    end.receive(&[answer.clone(), answer].concat()).unwrap();
    let answers = frame(&["68 04 61 14", PY, NET_KERNEL, reference]);
    let pongs = vec![(ping, true)];
    assert_eq!(end.delivered, Delivered { answers, pongs, ..Delivered::default() }, "once");
}

//= docs/spec/channel.md#ch-ping
//= type=test
#[test]
fn a_ping_fails_by_noproc_of_the_node_that_was_asked_and_no_other() {
    let mut end = end();
    let (other, _) = end.processes.ping(&node("abc@localhost")).unwrap();
    let (ping, _) = end.processes.ping(&node("otp@localhost")).unwrap();
    let reference =
        |n: u32| format!("5a 0003 770f 'pysrv@localhost' 11223344 {n:08x} 00000000 00000000");
    for n in [1, 2, 2, 3] {
        end.receive(&frame(&["68 05 61 15", NET_KERNEL, PY, &reference(n), NOPROC])).unwrap();
    }
    assert_eq!(end.delivered.pongs, [(ping, false)]);
    end.receive(&frame(&["68 03 61 02 7700", PY, "83 68 02", &reference(1), YES])).unwrap();
    assert_eq!(end.delivered.pongs, [(ping, false)], "{other:?} was asked of another node");
    assert!(end.delivered.answers.is_empty() && end.delivered.messages.is_empty());
}

//= docs/spec/channel.md#ch-ping-down
//= type=test
#[test]
fn a_ping_fails_when_the_connection_does() {
    let mut end = end();
    let otp = node("otp@localhost");
    let pings: Vec<_> = (0..3).map(|_| end.processes.ping(&otp).unwrap().0).collect();
    end.processes.ping(&node("abc@localhost")).unwrap();
    end.processes.cancel_ping(pings[1], &mut end.delivered);
    end.processes.cancel_ping(pings[1], &mut end.delivered);
    assert!(matches!(end.delivered.signals[..], [Control::DemonitorP { .. }]), "once");
    end.processes.connection_down(&otp, &mut end.delivered);
    assert_eq!(end.delivered.pongs, [(pings[0], false), (pings[2], false)]);
    end.processes.connection_down(&otp, &mut end.delivered);
    assert_eq!(end.delivered.pongs.len(), 2);
    end.processes.not_alive();
    assert_eq!(end.processes.ping(&otp), None);
}

/// A stream of valid frames of many kinds.
fn conversation() -> Vec<u8> {
    [
        frame(&["68 04 61 13", OTP, NET_KERNEL, REF]),
        is_auth(REF),
        vec![0; 4],
        frame(&["68 04 61 13", OTP, PY, REF]),
        frame(&["68 03 61 01", OTP, PY]),
        frame(&["68 04 61 23 61 4d", OTP, PY]),
        frame(&["68 04 61 06", OTP, "7700 7705 'inbox' 83 6a"]),
        vec![0; 4],
        frame(&["68 05 61 15", NET_KERNEL, PY, REF, NOPROC]),
    ]
    .concat()
}

proptest! {
    //= docs/spec/channel.md#ch-frame
    //= type=test
    //= docs/spec/channel.md#ch-violation-order
    //= type=test
    #[test]
    fn any_chunking_and_any_damage_gives_the_same_signals(
        damage in many((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cuts in many(1_usize..60, 1..20),
    ) {
        let mut stream = conversation();
        for (at, byte) in damage {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let whole = end().reader.decode(&stream);
        let (mut end, mut cuts) = (end(), cuts.iter().cycle());
        let (mut rest, mut signals, mut violation) = (&stream[..], Vec::new(), None);
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            let batch = end.reader.decode(chunk);
            prop_assert!(violation.is_none() || batch.signals.is_empty());
            signals.extend(batch.signals);
            violation = batch.violation;
            rest = tail;
        }
        prop_assert_eq!(Batch { origin: whole.origin.clone(), signals, violation }, whole);
    }

    //= docs/spec/channel.md#ch-is-auth
    //= type=test
    #[test]
    fn no_bytes_make_it_panic_or_answer_more_than_it_was_asked(
        damage in many((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        noise in many(any::<u8>(), 0..200),
        noise_first in any::<bool>(),
    ) {
        let mut stream = conversation();
        for (at, byte) in damage {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let mut end = end();
        let mailbox = end.processes.spawn_mailbox();
        end.processes.register(atom("inbox"), mailbox).unwrap();
        let chunks = if noise_first { [noise, stream] } else { [stream, noise] };
        for chunk in &chunks {
            let _ = end.receive(chunk);
        }
        prop_assert!(end.delivered.answers.len() <= chunks.concat().len());
    }
}
