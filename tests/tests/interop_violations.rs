//! What ends a link: the same frames are sent to a real node and to ours, and the same becomes of the link, but where this says so.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

mod violations;

use netkernel_blocking::core::Flags;
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Release};
use violations::headed::HEADED;
use violations::{FORMS, Outcome, Target, raw};

/// What becomes of a link.
#[derive(Clone, Copy)]
enum Fate {
    Kept,
    /// Ended, with the reason `killed`.
    Killed,
    /// Ended, with the reason `emsgsize`.
    TooLong,
    /// Ended with the whole node.
    Died,
}
use Fate::{Died, Kept, Killed, TooLong};

impl Fate {
    fn outcome(self) -> Outcome {
        match self {
            Kept => Outcome::Kept,
            Killed => Outcome::Ended("killed".to_owned()),
            TooLong => Outcome::Ended("emsgsize".to_owned()),
            Died => Outcome::Died,
        }
    }
}

/// A control message, bytes behind it, and what becomes of the link: with OTP 25, 27 and the newest, and with us.
type Row = (&'static str, &'static [u8], [Fate; 4]);

const fn all(control: &'static str, behind: &'static [u8], fate: Fate) -> Row {
    (control, behind, [fate; 4])
}

const NO: &[u8] = b"";
const NIL: &[u8] = b"\x83\x6a";

/// What is no control message in itself.
const FORM: &[Row] = &[
    all("5", NO, Killed),
    all("{}", NO, Killed),
    all("[]", NO, Killed),
    all("{link,from,nobody}", NO, Killed),
    all("{1.0,from,nobody}", NO, Killed),
    all("{-1,from,nobody}", NO, Killed),
    all("{257,from,nobody}", NO, Killed),
    all("{1180591620717411303424,from,nobody}", NO, Killed),
    all("{0,from,nobody}", NO, Killed),
    all("{5,from,nobody}", NO, Killed),
    all("{9,from,nobody}", NO, Killed),
    all("{10,from,nobody}", NO, Killed),
    all("{11,from,nobody}", NO, Killed),
    all("{14,from,nobody}", NO, Killed),
    all("{15,from,nobody}", NO, Killed),
    all("{17,from,nobody}", NO, Killed),
    all("{38,from,nobody}", NO, Killed),
    all("{99,from,nobody}", NO, Killed),
    // The unlink of old: OTP 25 still knows it.
    ("{4,from,nobody}", NO, [Kept, Killed, Killed, Killed]),
    // Too few elements and too many.
    all("{1,from}", NO, Killed),
    all("{1,from,nobody,x}", NO, Killed),
    all("{2,''}", NIL, Killed),
    all("{2,'',nobody,[]}", NIL, Killed),
    all("{3,from,nobody}", NO, Killed),
    all("{3,from,nobody,[],x}", NO, Killed),
    all("{6,from,''}", NIL, Killed),
    all("{6,from,'',registered,[]}", NIL, Killed),
    all("{7,from}", NO, Killed),
    all("{7,from,nobody,x}", NO, Killed),
    all("{8,from,nobody}", NO, Killed),
    all("{8,from,nobody,[],x}", NO, Killed),
    all("{12,'',nobody}", NIL, Killed),
    all("{13,from,nobody,[]}", NO, Killed),
    all("{16,from,'',nobody}", NIL, Killed),
    all("{18,from,nobody,[]}", NO, Killed),
    all("{19,from,nobody}", NO, Killed),
    all("{19,from,nobody,ref,x}", NO, Killed),
    all("{20,from,nobody}", NO, Killed),
    all("{20,from,nobody,ref,x}", NO, Killed),
    all("{21,from,nobody,ref}", NO, Killed),
    all("{21,from,nobody,ref,x,y}", NO, Killed),
    all("{22,from}", NIL, Killed),
    all("{22,from,nobody,[]}", NIL, Killed),
    all("{23,from,nobody}", NIL, Killed),
    all("{24,from}", NIL, Killed),
    all("{24,from,nobody,[]}", NIL, Killed),
    all("{25,from,nobody}", NIL, Killed),
    all("{26,from}", NIL, Killed),
    all("{26,from,nobody,[]}", NIL, Killed),
    all("{27,from,nobody}", NIL, Killed),
    all("{28,from,nobody}", NIL, Killed),
    all("{28,from,nobody,ref,x}", NIL, Killed),
    all("{29,ref,from,from,{m,f,0}}", NIL, Killed),
    all("{29,ref,from,from,{m,f,0},[],[]}", NIL, Killed),
    all("{30,ref,from,from,{m,f,0},[]}", NIL, Killed),
    all("{31,own_ref,nobody,0}", NO, Killed),
    all("{31,own_ref,nobody,0,badopt,[]}", NO, Killed),
    all("{32,own_ref,nobody,0,badopt}", NO, Killed),
    all("{33,from}", NIL, Killed),
    all("{33,from,own_ref,[]}", NIL, Killed),
    all("{34,from,own_ref}", NIL, Killed),
    all("{35,1,from}", NO, Killed),
    all("{35,1,from,nobody,x}", NO, Killed),
    all("{36,1,from}", NO, Killed),
    all("{36,1,from,nobody,x}", NO, Killed),
];

/// Another kind of term in each place.
const KINDS: &[Row] = &[
    all("{1,x,nobody}", NO, Killed),
    // Who links with it is told that it is not there.
    all("{1,from,x}", NO, Kept),
    all("{1,from,5}", NO, Kept),
    all("{1,from,ref}", NO, Kept),
    all("{1,x,x}", NO, Killed),
    all("{2,x,nobody}", NIL, Kept),
    all("{2,{},nobody}", NIL, Kept),
    all("{2,'',x}", NIL, Killed),
    all("{2,'',ref}", NIL, Killed),
    all("{3,x,nobody,[]}", NO, Killed),
    all("{3,from,x,[]}", NO, Killed),
    all("{6,x,'',registered}", NIL, Killed),
    all("{6,from,x,nosuchname}", NIL, Kept),
    all("{6,from,'',nobody}", NIL, Killed),
    all("{7,x,nobody}", NO, Killed),
    all("{7,from,x}", NO, Killed),
    all("{8,x,nobody,[]}", NO, Killed),
    all("{8,from,x,[]}", NO, Killed),
    all("{19,x,nobody,ref}", NO, Killed),
    all("{19,from,5,ref}", NO, Killed),
    all("{19,from,nobody,x}", NO, Killed),
    all("{20,x,nobody,ref}", NO, Killed),
    all("{20,from,5,ref}", NO, Killed),
    all("{20,from,nobody,x}", NO, Killed),
    all("{21,5,nobody,ref,[]}", NO, Killed),
    all("{21,from,x,ref,[]}", NO, Killed),
    all("{21,from,nobody,x,[]}", NO, Killed),
    all("{22,x,nobody}", NIL, Kept),
    all("{22,5,nobody}", NIL, Kept),
    all("{22,from,x}", NIL, Killed),
    all("{24,x,nobody}", NIL, Killed),
    all("{24,from,x}", NIL, Killed),
    all("{26,x,nobody}", NIL, Killed),
    all("{26,from,x}", NIL, Killed),
    all("{28,5,nobody,ref}", NIL, Killed),
    all("{28,from,x,ref}", NIL, Killed),
    all("{28,from,nobody,x}", NIL, Killed),
    all("{29,x,from,from,{m,f,0},[]}", NIL, Killed),
    all("{29,ref,x,from,{m,f,0},[]}", NIL, Killed),
    all("{29,ref,from,x,{m,f,0},[]}", NIL, Killed),
    all("{29,ref,from,from,x,[]}", NIL, Killed),
    all("{29,ref,from,from,{m,f},[]}", NIL, Killed),
    all("{29,ref,from,from,{1,f,0},[]}", NIL, Killed),
    all("{29,ref,from,from,{m,1,0},[]}", NIL, Killed),
    all("{29,ref,from,from,{m,f,x},[]}", NIL, Killed),
    all("{29,ref,from,from,{m,f,1180591620717411303424},[]}", NIL, Killed),
    all("{29,ref,from,from,{m,f,0},x}", NIL, Kept),
    all("{31,x,nobody,0,badopt}", NO, Killed),
    all("{31,own_ref,x,0,badopt}", NO, Killed),
    all("{31,own_ref,nobody,x,badopt}", NO, Killed),
    all("{31,own_ref,nobody,-1,badopt}", NO, Killed),
    all("{31,own_ref,nobody,134217728,badopt}", NO, Killed),
    all("{31,own_ref,nobody,134217727,badopt}", NO, Kept),
    all("{31,own_ref,nobody,0,5}", NO, Killed),
    all("{33,x,own_ref}", NIL, Kept),
    all("{33,from,nobody}", NIL, Killed),
    all("{33,from,x}", NIL, Killed),
    all("{35,x,from,nobody}", NO, Killed),
    all("{35,0,from,nobody}", NO, Killed),
    all("{35,-1,from,nobody}", NO, Killed),
    all("{35,18446744073709551615,from,nobody}", NO, Kept),
    all("{35,18446744073709551616,from,nobody}", NO, Killed),
    all("{35,1,x,nobody}", NO, Killed),
    all("{35,1,from,x}", NO, Killed),
    all("{36,0,from,nobody}", NO, Kept),
    all("{36,-1,from,nobody}", NO, Killed),
    all("{36,18446744073709551616,from,nobody}", NO, Killed),
    all("{36,1,x,nobody}", NO, Killed),
    all("{36,1,from,x}", NO, Killed),
];

/// Processes of nodes that they must not be of.
const NAMED: &[Row] = &[
    all("{1,third,nobody}", NO, Killed),
    all("{1,sink,nobody}", NO, Killed),
    all("{1,from,stale}", NO, Kept),
    all("{1,from,third}", NO, Killed),
    all("{1,from,from}", NO, Killed),
    all("{2,'',stale}", NIL, Kept),
    all("{2,'',third}", NIL, Kept),
    all("{2,'',from}", NIL, Kept),
    all("{3,third,nobody,[]}", NO, Killed),
    all("{3,from,stale,[]}", NO, Killed),
    all("{3,from,third,[]}", NO, Killed),
    all("{3,from,nobody,[]}", NO, Kept),
    all("{6,third,'',nosuchname}", NIL, Kept),
    all("{7,third,nobody}", NO, Kept),
    all("{8,third,nobody,[]}", NO, Killed),
    all("{8,from,stale,[]}", NO, Kept),
    all("{8,from,third,[]}", NO, Killed),
    all("{19,third,nobody,ref}", NO, Killed),
    all("{19,from,stale,ref}", NO, Kept),
    all("{19,from,third,ref}", NO, Killed),
    all("{19,from,nobody,ref}", NO, Kept),
    all("{19,from,nobody,third_ref}", NO, Kept),
    all("{19,from,nobody,own_ref}", NO, Kept),
    all("{20,third,nobody,ref}", NO, Killed),
    all("{20,from,stale,ref}", NO, Kept),
    all("{20,from,third,ref}", NO, Killed),
    all("{20,from,nobody,ref}", NO, Kept),
    all("{20,from,nosuchname,ref}", NO, Kept),
    all("{21,third,nobody,ref,[]}", NO, Kept),
    all("{21,sink,nobody,ref,[]}", NO, Killed),
    all("{21,stale,nobody,ref,[]}", NO, Kept),
    all("{21,from,stale,ref,[]}", NO, Kept),
    all("{21,from,third,ref,[]}", NO, Killed),
    all("{21,nosuchname,nobody,ref,[]}", NO, Kept),
    all("{22,from,nobody}", NIL, Kept),
    all("{22,third,nobody}", NIL, Kept),
    all("{22,from,third}", NIL, Kept),
    all("{24,third,nobody}", NIL, Killed),
    all("{24,from,stale}", NIL, Killed),
    all("{24,from,third}", NIL, Killed),
    all("{24,from,nobody}", NIL, Kept),
    all("{26,from,nobody}", NIL, Kept),
    all("{26,third,nobody}", NIL, Killed),
    all("{26,from,stale}", NIL, Kept),
    all("{26,from,third}", NIL, Killed),
    all("{28,from,nobody,ref}", NIL, Kept),
    all("{28,sink,nobody,ref}", NIL, Killed),
    all("{28,from,third,ref}", NIL, Killed),
    all("{28,from,stale,ref}", NIL, Kept),
    all("{29,own_ref,from,from,{m,f,0},[]}", NIL, Killed),
    all("{29,ref,sink,from,{m,f,0},[]}", NIL, Killed),
    all("{31,own_ref,nobody,0,badopt}", NO, Kept),
    all("{31,own_ref,stale,0,badopt}", NO, Kept),
    all("{31,own_ref,third,0,badopt}", NO, Killed),
    all("{31,ref,nobody,0,badopt}", NO, Killed),
    all("{31,stale_ref,nobody,0,badopt}", NO, Kept),
    all("{31,own_ref,nobody,0,sink}", NO, Killed),
    all("{31,own_ref,nobody,0,third}", NO, Kept),
    all("{33,from,own_ref}", NIL, Kept),
    all("{33,third,own_ref}", NIL, Kept),
    all("{33,from,third_ref}", NIL, Kept),
    all("{33,from,stale_ref}", NIL, Kept),
    all("{35,1,third,nobody}", NO, Killed),
    all("{35,1,from,stale}", NO, Killed),
    all("{35,1,from,third}", NO, Killed),
    all("{35,1,from,nobody}", NO, Kept),
    all("{36,1,third,nobody}", NO, Killed),
    all("{36,1,from,stale}", NO, Killed),
    all("{36,1,from,third}", NO, Killed),
];

/// What follows a control message.
const BEHIND: &[Row] = &[
    all("{1,from,nobody}", b"\xff\0\x83", Kept),
    all("{1,from,nobody}", NIL, Kept),
    all("{35,1,from,nobody}", NIL, Kept),
    all("{2,'',sink}", b"\x83\x6a\xff\0", Kept),
    all("{2,'',sink}", NO, Killed),
    all("{2,'',sink}", b"\x83", Killed),
    all("{2,'',sink}", b"\x82\x6a", Killed),
    all("{2,'',sink}", b"\x6a", Killed),
    all("{2,'',sink}", b"\x83\x68\x02\x6a", Killed),
    all("{2,'',sink}", b"\x83\x6c\xff\xff\xff\xff", Killed),
    all("{2,'',sink}", b"\x83\x6d\xff\xff\xff\xff\0", Killed),
    all("{2,'',sink}", b"\x83\x52\0", Killed),
    all("{2,'',sink}", b"\x83\xff", Killed),
    all("{6,from,'',registered}", NIL, Kept),
    all("{6,from,'',registered}", NO, Killed),
    all("{6,from,'',registered}", b"\x82\x6a", Killed),
    all("{6,from,'',registered}", b"\x83\x77\x01", Killed),
    all("{22,from,sink}", NO, Killed),
    all("{26,from,sink}", NIL, Kept),
    all("{26,from,sink}", NO, Killed),
    all("{26,from,sink}", b"\x83\xff", Killed),
    // Nobody looks at a payload that nobody takes.
    all("{2,'',nobody}", NO, Kept),
    all("{2,'',nobody}", b"\x83\xff", Kept),
    all("{2,'',third}", NO, Kept),
    all("{6,from,'',nosuchname}", NO, Kept),
    all("{22,from,nobody}", NO, Kept),
    all("{24,from,nobody}", NO, Kept),
    all("{24,from,sink}", NO, Kept),
    all("{26,from,nobody}", NO, Kept),
    all("{28,from,nobody,ref}", NO, Kept),
    all("{28,from,sink,own_ref}", NO, Killed),
    all("{29,ref,from,from,{m,f,0},[]}", NO, Killed),
    all("{29,ref,from,from,{m,f,0},x}", NO, Kept),
    all("{33,from,own_ref}", NO, Kept),
];

/// Signals with more attributes, which came with OTP 28.
const ALTACT: &[Row] = &[
    ("{37,0,from,nobody}", NIL, [Killed, Killed, Kept, Kept]),
    ("{37,0,from,nobody,x,y}", NIL, [Killed, Killed, Kept, Kept]),
    ("{37,1,from,nobody}", NIL, [Killed, Killed, Kept, Kept]),
    ("{37,224,from,nobody}", NIL, [Killed, Killed, Kept, Kept]),
    ("{37,1180591620717411303424,from,nobody}", NIL, [Killed, Killed, Kept, Kept]),
    ("{37,4,from,own_ref}", NIL, [Killed, Killed, Kept, Kept]),
    ("{37,8,from,nosuchname}", NIL, [Killed, Killed, Kept, Kept]),
    ("{37,0,third,nobody}", NIL, [Killed, Killed, Kept, Kept]),
    ("{37,17,from,sink}", NIL, [Killed, Killed, Kept, Kept]),
    ("{37,0,from,nobody}", NO, [Killed, Killed, Kept, Kept]),
    ("{37,16,from,nobody}", NO, [Killed, Killed, Kept, Kept]),
    ("{37,4,from,own_ref}", NO, [Killed, Killed, Kept, Kept]),
    ("{37,8,from,nosuchname}", NO, [Killed, Killed, Kept, Kept]),
    all("{37,0,from,sink}", NO, Killed),
    all("{37,8,from,registered}", NO, Killed),
    all("{37,0,from}", NIL, Killed),
    all("{37,-1,from,nobody}", NIL, Killed),
    all("{37,-1180591620717411303424,from,nobody}", NIL, Killed),
    all("{37,x,from,nobody}", NIL, Killed),
    all("{37,0,x,nobody}", NIL, Killed),
    all("{37,0,from,x}", NIL, Killed),
    all("{37,2,from,nobody}", NIL, Killed),
    all("{37,4,from,nobody}", NIL, Killed),
    all("{37,8,from,nobody}", NIL, Killed),
    all("{37,12,from,own_ref}", NIL, Killed),
];

/// What is served although it was not agreed on, as where it was.
const UNAGREED: &[Row] = &[
    all("{19,from,nobody,ref}", NO, Kept),
    all("{20,from,nobody,ref}", NO, Kept),
    all("{28,from,nobody,ref}", NIL, Kept),
    all("{22,from,nobody}", NIL, Kept),
    all("{24,from,nobody}", NIL, Kept),
    all("{24,from,x}", NIL, Killed),
    all("{26,from,nobody}", NIL, Kept),
    all("{29,ref,from,from,{m,f,0},x}", NIL, Kept),
    all("{31,own_ref,nobody,0,badopt}", NO, Kept),
    all("{33,from,own_ref}", NIL, Kept),
];

/// What some releases do not survive.
const DANGEROUS: &[Row] = &[
    ("{8,sink,nobody,[]}", NO, [Died, Died, Died, Killed]),
    ("{26,sink,nobody}", NIL, [Died, Died, Died, Killed]),
    ("{12,'',sink,x}", NIL, [Died, Died, Died, Kept]),
    all("{12,'',sink,{}}", NIL, Kept),
    ("{16,from,'',registered,5}", NIL, [Died, Died, Died, Kept]),
    ("{18,from,sink,x,normal}", NO, [Died, Died, Died, Kept]),
    all("{12,'',nobody,x}", NIL, Kept),
    all("{12,'',sink,[]}", NIL, Kept),
    all("{12,'',sink,{0,7,1,from,0}}", NIL, Kept),
];

/// Whole frames.
const FRAMES: &[(&[u8], Fate)] = &[
    (b"\0\0\0\0", Kept),
    (b"\0\0\0\x01p", Killed),
    (b"\0\0\0\x02p\x83", Killed),
    (b"\0\0\0\x04p\x82\x61\x05", Killed),
    (b"\0\0\0\x04p\x83\x61\x05", Killed),
    (b"\0\0\0\x04p\x83\x68\xff", Killed),
    (b"\0\0\0\x08p\x83\x69\xff\xff\xff\xff\x61", Killed),
    (b"\0\0\0\x08p\x83\x50\0\0\0\x01\x78", Killed),
    (b"\0\0\0\x04p\x83\x52\0", Killed),
    (b"\xff\xff\xff\xff", TooLong),
];

/// Compares rows with what becomes of links of both nodes; every difference is told.
fn compare(release: Release, flags: Flags, rows: &[Row]) {
    let epmd = Epmd::start(release);
    let (theirs, ours) = (Target::theirs(release, &epmd, "b"), Target::ours(&epmd, "rust"));
    let at = Release::ALL.iter().position(|one| *one == release).unwrap();
    let mut differences = Vec::new();
    for (control, behind, fates) in rows {
        for (target, fate, who) in [(&theirs, fates[at], "erlang"), (&ours, fates[3], "ours")] {
            let expected = fate.outcome();
            let found = target.send(flags, &expected, |names| names.frame(control, behind));
            if found != expected {
                differences.push(format!("{who}: {control} {behind:02x?}: {found}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

each_release_and_runtime! {
    //= docs/spec/channel.md#ch-control-form
    //= type=test
    #[test]
    fn what_is_no_control_message_ends_the_link(release: Release) {
        compare(release, FORMS, FORM);
    }

    //= docs/spec/channel.md#ch-control-form
    //= type=test
    //= docs/spec/channel.md#ch-unlink-id
    //= type=test
    //= docs/spec/channel.md#ch-spawn-form
    //= type=test
    #[test]
    fn terms_of_the_wrong_kind_end_the_link(release: Release) {
        compare(release, FORMS, KINDS);
    }

    //= docs/spec/channel.md#ch-control-from
    //= type=test
    //= docs/spec/channel.md#ch-addressed
    //= type=test
    #[test]
    fn processes_of_the_wrong_nodes_end_the_link(release: Release) {
        compare(release, FORMS, NAMED);
    }

    //= docs/spec/channel.md#ch-link-no-pid
    //= type=test
    #[test]
    fn a_link_with_what_is_no_pid_is_answered_as_by_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let (theirs, ours) = (Target::theirs(release, &epmd, "b"), Target::ours(&epmd, "rust"));
        for control in ["{1,from,x}", "{1,from,5}", "{1,from,ref}", "{1,from,{x,[1]}}"] {
            for flags in [FORMS, FORMS.without(Flags::EXIT_PAYLOAD)] {
                let [one, other] = [&theirs, &ours].map(|target| target.answer(flags, control));
                assert_eq!(one, other, "{control}");
            }
        }
    }

    //= docs/spec/channel.md#ch-payload
    //= type=test
    //= docs/spec/channel.md#ch-payload-unread
    //= type=test
    //= docs/spec/channel.md#ch-trailing
    //= type=test
    #[test]
    fn payloads_that_are_none_end_the_link(release: Release) {
        compare(release, FORMS, BEHIND);
    }

    //= docs/spec/channel.md#ch-altact
    //= type=test
    #[test]
    fn signals_with_more_attributes_are_read_as_by_otp_28(release: Release) {
        compare(release, FORMS, ALTACT);
    }

    //= docs/spec/channel.md#ch-forms
    //= type=test
    #[test]
    fn what_was_not_agreed_on_is_read_all_the_same(release: Release) {
        compare(release, Flags::MANDATORY_26 | Flags::MANDATORY_25_DIGEST, UNAGREED);
    }

    /// Each in a node of its own, which may not survive it.
    //= docs/spec/channel.md#ch-trace-token
    //= type=test
    #[test]
    fn what_erlang_does_not_survive_ends_no_more_than_a_link(release: Release) {
        let epmd = Epmd::start(release);
        let ours = Target::ours(&epmd, "rust");
        let at = Release::ALL.iter().position(|one| *one == release).unwrap();
        let mut differences = Vec::new();
        for (number, (control, behind, fates)) in DANGEROUS.iter().enumerate() {
            let theirs = Target::theirs(release, &epmd, &format!("b{number}"));
            for (fate, found) in [
                (fates[at], theirs.send_dangerous(|names| names.frame(control, behind))),
                (fates[3], ours.send(FORMS, &fates[3].outcome(), |names| names.frame(control, behind))),
            ] {
                if found != fate.outcome() {
                    differences.push(format!("{control}: {found}, not {}", fate.outcome()));
                }
            }
        }
        // A label as long as it likes.
        for len in [33_000, 60_000] {
            let control = format!("{{12,'',sink,{{0,\"{}\",1,from,0}}}}", "x".repeat(len));
            let theirs = Target::theirs(release, &epmd, &format!("t{len}"));
            let found = [
                theirs.send_dangerous(|names| names.frame(&control, NIL)),
                ours.send(FORMS, &Outcome::Kept, |names| names.frame(&control, NIL)),
            ];
            if found != [Outcome::Kept, Outcome::Kept] {
                differences.push(format!("a label of {len}: {found:?}"));
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    //= docs/spec/channel.md#ch-header
    //= type=test
    //= docs/spec/channel.md#ch-header-empty-slot
    //= type=test
    //= docs/spec/channel.md#ch-fragment
    //= type=test
    //= docs/spec/channel.md#ch-fragment-order
    //= type=test
    #[test]
    fn corrupt_headers_and_fragments_out_of_order_end_the_link(release: Release) {
        let epmd = Epmd::start(release);
        let (theirs, ours) = (Target::theirs(release, &epmd, "b"), Target::ours(&epmd, "rust"));
        let mut differences = Vec::new();
        for (name, frames, their_fate, our_fate) in HEADED {
            for (target, fate, who) in [(&theirs, *their_fate, "erlang"), (&ours, Some(*our_fate), "ours")] {
                let Some(fate) = fate else { continue };
                let expected = fate.outcome();
                let found = target.send(FORMS | Flags::DIST_HDR_ATOM_CACHE | Flags::FRAGMENTS, &expected, |names| {
                    // The term of a frame without its length, 'p' and the version.
                    let message = names.frame("{2,'',sink}", b"\x6A");
                    frames(&message[6..])
                });
                if found != fate.outcome() {
                    differences.push(format!("{who}: {name}: {found}, not {}", fate.outcome()));
                }
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    //= docs/spec/channel.md#ch-frame-limit
    //= type=test
    #[test]
    fn frames_that_are_none_end_the_link(release: Release) {
        let epmd = Epmd::start(release);
        for target in [Target::theirs(release, &epmd, "b"), Target::ours(&epmd, "rust")] {
            for (bytes, fate) in FRAMES {
                let expected = fate.outcome();
                let found = target.send(FORMS, &expected, |_| bytes.to_vec());
                assert_eq!(found, expected, "{bytes:02x?}");
            }
            let killed = Killed.outcome();
            assert_eq!(target.send(FORMS, &killed, |_| raw(b"q\x83\x61\x05")), killed);
        }
    }
}
