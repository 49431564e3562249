//! Both machines, one against the other.

use core::time::Duration;

use netkernel_core::handshake::{
    Acceptor, AcceptorStep, Failure, Greeting, NokCause, Own, Refusal, Stage, Welcome,
};
use netkernel_core::wire::framing::Framing;
use netkernel_core::wire::handshake::{ChallengeReply, Complement, SendName};
use netkernel_core::{Challenge, Creation, Digest, Flags, Instant, NodeType, PeerName};

use crate::parties::{
    Answer, Dialler, Listener, OTP, OTP_VISIBLE, Outcome, SETUP, at, bodies, cookie, entropy,
    listening, node, packet,
};
use crate::play::{FIRST_FRAMES, OURS, Pair, THEIRS};

//= docs/spec/handshake.md#hs-flags-agreed
//= type=test
#[test]
fn version_6_comes_up_on_both_sides() {
    let outcomes = Pair::new().play();
    let [dialler, listener] = outcomes.each_ref().map(Outcome::up);
    assert_eq!((&dialler.node, dialler.creation), (&node("b@h"), Creation(6)));
    assert_eq!((&listener.node, listener.creation), (&node("a@h"), Creation(4)));
    assert_eq!((dialler.flags, listener.flags), (OTP_VISIBLE, OTP_VISIBLE));
    assert_eq!((dialler.given.clone(), listener.given.clone()), (None, None));
}

//= docs/spec/handshake.md#hs-framing
//= type=test
#[test]
fn lengths_of_four_bytes_change_nothing_else() {
    let long = Pair { framing: Framing::Long, ..Pair::new() }.play_in(&[usize::MAX]);
    assert_eq!(long.outcomes, Pair::new().play());
    assert_eq!(long.said[0][..5], [0, 0, 0, 18, b'N']);
}

//= docs/spec/handshake.md#hs-acceptor-digest
//= type=test
//= docs/spec/handshake.md#hs-initiator-ack
//= type=test
#[test]
fn a_wrong_cookie_on_either_side_ends_it_at_the_reply() {
    for cookies in [["SECRET", "OTHER"], ["OTHER", "SECRET"]] {
        let played = Pair { cookies, ..Pair::new() }.play_in(&[usize::MAX]);
        let refused = Outcome::Failed(Failure::BadCookie);
        assert_eq!(played.outcomes, [Outcome::Waits(Stage::Ack), refused]);
        assert_eq!(bodies(&played.said[1]).len(), 2, "status and challenge, no acknowledgement");
    }
}

#[test]
fn a_cookie_and_the_digits_of_the_challenge_are_not_told_apart_by_erlang() {
    // There is no separator between them: the digest of ("AB", 12) is that of ("AB1", 2).
    let digest = |text: &str, challenge| cookie(text).digest(Challenge(challenge));
    assert_eq!(digest("AB", 12), digest("AB1", 2));
}

//= docs/spec/handshake.md#hs-visible
//= type=test
#[test]
fn a_link_is_visible_if_both_wish_it() {
    for (flags, expected) in [
        ([OTP_VISIBLE, OTP_VISIBLE], NodeType::Visible),
        ([OTP_VISIBLE, OTP], NodeType::Hidden),
        ([OTP, OTP_VISIBLE], NodeType::Hidden),
        ([OTP, OTP], NodeType::Hidden),
    ] {
        for outcome in (Pair { flags, ..Pair::new() }).play() {
            assert_eq!(outcome.up().node_type, expected);
        }
    }
}

//= docs/spec/handshake.md#hs-flags-mandatory
//= type=test
//= docs/spec/handshake.md#hs-initiator-challenge
//= type=test
//= docs/spec/handshake.md#hs-acceptor-flags
//= type=test
#[test]
fn each_mandatory_flag_is_missed_by_name_on_each_side() {
    let without_digest = OTP_VISIBLE.without(Flags::MANDATORY_25_DIGEST);
    let mandatory = (0..64).map(|bit| Flags::from_bits(1 << bit));
    let mandatory: Vec<_> = mandatory.filter(|&f| Flags::MANDATORY_26.contains(f)).collect();
    assert_eq!(mandatory.len(), 13);
    for flag in mandatory {
        let missing = Outcome::Failed(Failure::MissingFlags(flag));
        let lacking = without_digest.without(flag);
        let pair = Pair { flags: [lacking, OTP_VISIBLE], ..Pair::new() };
        let not_allowed = Outcome::Failed(Failure::NotAllowed);
        assert_eq!(pair.play(), [not_allowed, missing.clone()]);
        let pair = Pair { flags: [OTP_VISIBLE, lacking], ..Pair::new() };
        assert_eq!(pair.play(), [missing, Outcome::Waits(Stage::Reply)]);
        let text = Failure::MissingFlags(flag).to_string();
        assert_eq!(text, format!("flags: the peer lacks {}", flag.names().next().unwrap()));
    }
}

//= docs/spec/handshake.md#hs-flags-digest
//= type=test
#[test]
fn the_digest_flag_of_either_side_stands_for_the_flags_of_25_and_bit_36_does_not() {
    let smallest = Flags::from_bits(0x4_0600_0000);
    let outcomes = Pair { flags: [OTP, smallest], ..Pair::new() }.play();
    // The acceptor offers only what it sent, so that is all it can use.
    assert_eq!(outcomes[0].up().flags, smallest | Flags::MANDATORY_25);
    assert_eq!(outcomes[1].up().flags, smallest);

    let as_printed = Flags::from_bits(1 << 36) | Flags::V4_NC | Flags::UNLINK_ID;
    let outcomes = Pair { flags: [as_printed, OTP], ..Pair::new() }.play();
    let missing = Outcome::Failed(Failure::MissingFlags(Flags::MANDATORY_25));
    assert_eq!(outcomes[1], missing);
}

//= docs/spec/handshake.md#hs-initiator-alive
//= type=test
//= docs/spec/handshake.md#hs-acceptor-alive
//= type=test
#[test]
fn alive_is_answered_true_or_false() {
    let alive = Pair { answer: Answer::Greet(Greeting::Alive), ..Pair::new() };
    assert!(alive.play().iter().all(Outcome::is_up));
    let declined = Outcome::Failed(Failure::Declined);
    let played = Pair { replace: false, ..alive }.play_in(&[usize::MAX]);
    assert_eq!(played.outcomes, [declined.clone(), declined]);
    assert_eq!(bodies(&played.said[0])[1..], [b"sfalse"]);
}

//= docs/spec/handshake.md#hs-acceptor-refusal
//= type=test
//= docs/spec/handshake.md#hs-initiator-nok
//= type=test
#[test]
fn after_nok_the_initiator_waits_and_heeds_nothing() {
    let nok = NokCause::OurAttempt;
    let pair = Pair { answer: Answer::Refuse(Refusal::Nok(nok)), ..Pair::new() };
    let waits = Outcome::Waits(Stage::OtherAttempt);
    assert_eq!(pair.play(), [waits.clone(), Outcome::Failed(Failure::Nok(nok))]);

    let (mut dialler, _) = pair.dialler();
    let _ = dialler.hears(at(1), &packet(b"snok"));
    let before = format!("{dialler:?}");
    for bytes in [&packet(b"sok")[..], b"\xFF\xFF", b"part of a packet"] {
        assert_eq!(dialler.hears(at(2), bytes), [], "nothing is said");
        assert_eq!(format!("{dialler:?}"), before, "and nothing kept");
    }
    assert_eq!((dialler.outcome, dialler.deadline), (waits, at(7)));
}

//= docs/spec/handshake.md#hs-dynamic-initiator
//= type=test
//= docs/spec/handshake.md#hs-dynamic-acceptor
//= type=test
#[test]
fn a_node_without_a_name_is_given_one_of_its_host() {
    let pair = Pair { own: "h", answer: Answer::Name("given@h", 77), ..Pair::new() };
    let outcomes = pair.play();
    let [dialler, listener] = outcomes.each_ref().map(Outcome::up);
    assert_eq!(dialler.given, Some((node("given@h"), Creation(77))));
    assert_eq!((&listener.node, listener.creation), (&node("given@h"), Creation(77)));
    let flags = OTP | Flags::NAME_ME;
    assert_eq!((dialler.flags, listener.flags), (flags, flags), "never visible");

    for not_ours in ["given@hh", "b@h"] {
        let pair = Pair { own: "h", answer: Answer::Name(not_ours, 77), ..Pair::new() };
        assert_eq!(pair.play()[0], Outcome::Failed(Failure::GivenName), "{not_ours}");
    }
}

//= docs/spec/handshake.md#hs-dynamic-initiator
//= type=test
#[test]
fn a_given_name_is_utf_8_although_the_host_was_sent_in_latin_1() {
    let pair = Pair { answer: Answer::Name("g@caf\u{e9}", 77), ..Pair::new() };
    let mut config = pair.dialler_config();
    config.own = Own::Nameless { host: PeerName::new(&b"caf\xE9"[..]) };
    let (mut dialler, hello) = Dialler::new(config, OURS, true);
    let said = pair.listener().hears(at(0), &hello);
    assert!(said.windows(5).any(|bytes| bytes == "caf\u{e9}".as_bytes()));
    assert_eq!(bodies(&dialler.hears(at(0), &said)).len(), 1);
    assert_eq!(dialler.outcome, Outcome::Waits(Stage::Ack));
}

//= docs/spec/handshake.md#hs-acceptor-complement
//= type=test
//= docs/spec/handshake.md#hs-send-name-v5
//= type=test
#[test]
fn a_script_of_version_5_brings_its_upper_flags_later() {
    let offered = OTP_VISIBLE.without(Flags::SPAWN);
    let mut name = Vec::new();
    let name_5 = SendName::V5 { version: 1234, flags: offered, name: PeerName::new("a@h") };
    name_5.emit(&mut name);
    let complement = |flags: Flags| {
        let mut body = Vec::new();
        Complement { flags: flags.without(flags.low()), creation: Creation(4) }.emit(&mut body);
        body
    };
    let mut reply = Vec::new();
    let digest = cookie("SECRET").digest(Challenge(THEIRS));
    ChallengeReply { challenge: Challenge(OURS), digest }.emit(&mut reply);

    for greeting in [Greeting::Ok, Greeting::Alive] {
        let mut listener = Pair { answer: Answer::Greet(greeting), ..Pair::new() }.listener();
        let _ = listener.hears(at(1), &packet(&name));
        if greeting == Greeting::Alive {
            let _ = listener.hears(at(1), &packet(b"strue"));
        }
        assert_eq!(listener.outcome, Outcome::Waits(Stage::Complement));
        assert_eq!(listener.hears(at(1), &packet(&complement(offered))), []);
        let _ = listener.hears(at(1), &packet(&reply));
        let up = listener.outcome.up();
        assert_eq!((up.flags, up.creation), (offered, Creation(4)));
    }

    let mut listener = Pair::new().listener();
    let _ = listener.hears(at(1), &packet(&name));
    let said = listener.hears(at(1), &packet(&complement(offered.without(Flags::V4_NC))));
    assert_eq!(bodies(&said), [b"snot_allowed"]);
    assert_eq!(listener.outcome, Outcome::Failed(Failure::MissingFlags(Flags::V4_NC)));
}

//= docs/spec/handshake.md#hs-acceptor-timer
//= type=test
#[test]
fn the_acceptors_timer_starts_anew_with_the_challenge_and_never_again() {
    let (_, hello) = Pair::new().dialler();
    let mut listener = Pair::new().listener();
    assert_eq!(listener.deadline, at(7));
    let _ = listener.hears(at(2), &hello[..9]);
    assert_eq!(listener.deadline, at(7), "part of a name");
    let _ = listener.hears(at(3), &hello[9..]);
    assert_eq!(listener.deadline, at(10), "the challenge was sent");
    let _ = listener.hears(at(5), &[0]);
    assert_eq!(listener.deadline, at(10), "part of a reply");
}

//= docs/spec/handshake.md#hs-acceptor-timer
//= type=test
#[test]
fn the_acceptors_timer_runs_through_alive_and_the_complement() {
    let mut name = Vec::new();
    SendName::V5 { version: 5, flags: OTP, name: PeerName::new("a@h") }.emit(&mut name);
    let mut complement = Vec::new();
    Complement { flags: OTP.without(OTP.low()), creation: Creation(4) }.emit(&mut complement);
    let mut listener = Pair { answer: Answer::Greet(Greeting::Alive), ..Pair::new() }.listener();
    let _ = listener.hears(at(3), &packet(&name));
    assert_eq!((&listener.outcome, listener.deadline), (&Outcome::Waits(Stage::Alive), at(7)));
    let _ = listener.hears(at(5), &packet(b"strue"));
    assert_eq!(listener.deadline, at(12), "the challenge was sent");
    let _ = listener.hears(at(8), &packet(&complement));
    assert_eq!((&listener.outcome, listener.deadline), (&Outcome::Waits(Stage::Reply), at(12)));
}

//= docs/spec/handshake.md#hs-initiator-timer
//= type=test
#[test]
fn the_initiators_timer_starts_anew_with_its_reply_only() {
    let pair = Pair { answer: Answer::Greet(Greeting::Alive), ..Pair::new() };
    let (mut dialler, hello) = pair.dialler();
    let mut listener = pair.listener();
    assert_eq!(dialler.deadline, at(7), "as it was told");
    let alive = listener.hears(at(1), &hello);
    let answer = dialler.hears(at(2), &alive);
    assert_eq!(dialler.deadline, at(7), "the status");
    let challenge = listener.hears(at(3), &answer);
    let _ = dialler.hears(at(4), &challenge);
    assert_eq!(dialler.deadline, at(4) + SETUP, "its reply was sent");
    let _ = dialler.hears(at(6), &[0]);
    assert_eq!(dialler.deadline, at(11), "part of the acknowledgement");
}

#[test]
fn a_deadline_beyond_the_end_of_time_never_comes() {
    let mut config = listening("b@h", 6, OTP);
    config.setup_time = Duration::MAX;
    assert_eq!(Listener::new(config, 0, Answer::Greet(Greeting::Ok)).deadline, Instant::MAX);
}

//= docs/spec/handshake.md#hs-residue
//= type=test
#[test]
fn frames_right_behind_the_last_packet_are_handed_on() {
    let played = Pair::new().play_in(&[usize::MAX]);
    assert_eq!(played.outcomes[0].up().residue, FIRST_FRAMES, "with the acknowledgement");

    // Nobody may send before the acknowledgement has come. Bytes of one who does are not lost.
    let pair = Pair::new();
    let (mut dialler, hello) = pair.dialler();
    let mut listener = pair.listener();
    let mut reply = dialler.hears(at(1), &listener.hears(at(1), &hello));
    reply.extend(FIRST_FRAMES);
    let _ = listener.hears(at(1), &reply);
    assert_eq!(listener.outcome.up().residue, FIRST_FRAMES);
}

//= docs/spec/handshake.md#hs-packet-limit
//= type=test
#[test]
fn a_length_beyond_two_bytes_ends_it_at_once() {
    let pair = Pair { framing: Framing::Long, ..Pair::new() };
    for (length, outcome) in [
        ([0, 0, 0xFF, 0xFF], Outcome::Waits(Stage::Name)),
        ([0, 1, 0, 0], Outcome::Failed(Failure::Malformed(Stage::Name))),
    ] {
        let mut listener = pair.listener();
        assert_eq!(listener.hears(at(1), &length), []);
        assert_eq!(listener.outcome, outcome);
    }
}

//= docs/spec/handshake.md#hs-acceptor-ack
//= type=test
#[test]
fn nothing_is_acknowledged_before_the_kernel_says_so() {
    let config = listening("b@h", 6, OTP);
    let mut out = Vec::new();
    let name = SendName::V6 { flags: OTP, creation: Creation(4), name: PeerName::new("a@h") };
    name.emit(&mut out);
    let machine = Acceptor::new(at(0), config, entropy(THEIRS));
    let step = machine.receive(at(1), &packet(&out), &mut Vec::new());
    let Ok(AcceptorStep::Admit(admission)) = step else { panic!("{step:?}") };
    assert_eq!(admission.deadline(), at(7), "the timer runs on while the kernel is asked");
    let secret = cookie("SECRET");
    let welcome = Welcome { greeting: Greeting::Ok, peer: node("a@h"), cookie: secret.clone() };
    let step = admission.accept(at(1), welcome, &mut Vec::new());
    let Ok(AcceptorStep::Wait(machine)) = step else { panic!("{step:?}") };

    let digest = secret.digest(Challenge(THEIRS));
    let (mut reply, mut out) = (Vec::new(), Vec::new());
    ChallengeReply { challenge: Challenge(OURS), digest }.emit(&mut reply);
    let step = machine.receive(at(2), &packet(&reply), &mut out);
    let Ok(AcceptorStep::Authenticated(confirmation)) = step else { panic!("{step:?}") };
    assert_eq!((confirmation.peer(), &out[..]), (&node("a@h"), &[][..]));
    let up = confirmation.confirm(&mut out);
    assert_eq!((up.node, bodies(&out)[0][0]), (node("a@h"), b'a'));
}

//= docs/spec/handshake.md#hs-digest
//= type=test
#[test]
fn the_digests_prove_each_others_challenge() {
    let played = Pair::new().play_in(&[usize::MAX]);
    let secret = cookie("SECRET");
    let reply =
        ChallengeReply { challenge: Challenge(OURS), digest: secret.digest(Challenge(THEIRS)) };
    let mut expected = Vec::new();
    reply.emit(&mut expected);
    let said = &played.said[0];
    assert_eq!(bodies(&said[..said.len() - FIRST_FRAMES.len()])[1], expected);
    let Digest(ack) = secret.digest(Challenge(OURS));
    assert!(played.said[1].windows(17).any(|bytes| bytes[0] == b'a' && bytes[1..] == ack));
}
