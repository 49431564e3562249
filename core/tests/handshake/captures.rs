//! Captures V2 to V7, V9 and V16: what was said between OTP and a script, from the side of either.

use netkernel_core::handshake::{
    AcceptorConfig, Established, Failure, Greeting, InitiatorConfig, NokCause, Refusal, Stage,
};
use netkernel_core::wire::handshake::{
    ChallengeAck, ChallengeMessage, ChallengeReply, Complement, SendName, Status,
};
use netkernel_core::{Challenge, Creation, Flags, Instant, NameError, NodeType, PeerName};

use crate::parties::{
    Answer, Dialler, Listener, OTP, OTP_VISIBLE, Outcome, SCRIPT, dialling, hex, listening, node,
    packet,
};

/// The initiator, or the acceptor, says this packet.
#[derive(Clone, Copy)]
enum Line {
    I(&'static str),
    A(&'static str),
}
use Line::{A, I};

const OK: Answer = Answer::Greet(Greeting::Ok);

/// Plays an initiator against the acceptor's lines: it must say the others, byte for byte.
fn initiates(config: InitiatorConfig, challenge: u32, script: &[Line]) -> Outcome {
    let (mut dialler, mut said) = Dialler::new(config, challenge, true);
    let mut expected = Vec::new();
    for line in script {
        match line {
            I(body) => expected.extend(packet(&hex(body))),
            A(body) => {
                assert_eq!(said, expected);
                said.extend(dialler.hears(Instant::ORIGIN, &packet(&hex(body))));
            }
        }
    }
    assert_eq!(said, expected);
    dialler.outcome
}

/// Plays an acceptor against the initiator's lines: it must say the others, byte for byte.
fn accepts(config: AcceptorConfig, challenge: u32, answer: Answer, script: &[Line]) -> Outcome {
    let mut listener = Listener::new(config, challenge, answer);
    let (mut said, mut expected) = (Vec::new(), Vec::new());
    for line in script {
        match line {
            A(body) => expected.extend(packet(&hex(body))),
            I(body) => {
                assert_eq!(said, expected);
                said.extend(listener.hears(Instant::ORIGIN, &packet(&hex(body))));
            }
        }
    }
    assert_eq!(said, expected);
    listener.outcome
}

#[track_caller]
fn is_up(
    outcome: &Outcome,
    peer: &str,
    creation: u32,
    flags: u64,
    node_type: NodeType,
) -> Established {
    let up = outcome.up();
    assert_eq!((&up.node, up.creation), (&node(peer), Creation(creation)));
    assert_eq!((up.flags.bits(), up.node_type), (flags, node_type));
    assert!(up.residue.is_empty());
    up.clone()
}

const V2: &[Line] = &[
    I("4e 0000000d074f5fbc 11223344 000d 707931406c6f63616c686f7374"),
    A("73 6f6b"),
    A("4e 0000000d07df7fbd 524d5ddf 6b01626f 000d 6f7470406c6f63616c686f7374"),
    I("72 0a0b0c0d eb76a0fa27380780f3225bdd47c83218"),
    A("61 d49a1d946e3b47bd7dcde91de5c44d18"),
];

//= docs/spec/handshake.md#hs-framing
//= type=test
//= docs/spec/handshake.md#hs-send-name-v6
//= type=test
//= docs/spec/handshake.md#hs-digest
//= type=test
#[test]
fn v2_version_6_a_script_dials_otp_and_ends_up_hidden() {
    let script = dialling("py1@localhost", 0x1122_3344, SCRIPT, "otp@localhost");
    let up = initiates(script, 0x0A0B_0C0D, V2);
    is_up(&up, "otp@localhost", 0x6B01_626F, 0xD_074F_5FBC, NodeType::Hidden);

    let otp = listening("otp@localhost", 0x6B01_626F, OTP_VISIBLE);
    let up = accepts(otp, 0x524D_5DDF, OK, V2);
    is_up(&up, "py1@localhost", 0x1122_3344, 0xD_074F_5FBC, NodeType::Hidden);
}

const V3_BAD_COOKIE: &[Line] = &[
    I("4e 0000000d074f5fbc 11223344 000d 707934406c6f63616c686f7374"),
    A("73 6f6b"),
    A("4e 0000000d07df7fbd a0f9ed2d 6b0162f5 000d 6f7470406c6f63616c686f7374"),
    I("72 0a0b0c0d 9909dd44c9ff30b53ce3822f74e1888e"),
];

//= docs/spec/handshake.md#hs-acceptor-digest
//= type=test
#[test]
fn v3_a_wrong_cookie_is_closed_without_a_word() {
    let otp = listening("otp@localhost", 0x6B01_62F5, OTP_VISIBLE);
    let outcome = accepts(otp, 0xA0F9_ED2D, OK, V3_BAD_COOKIE);
    assert_eq!(outcome, Outcome::Failed(Failure::BadCookie));
}

const V3_MISSING_FLAGS: &[Line] = &[
    I("4e 0000000000010104 00000001 000d 707935406c6f63616c686f7374"),
    A("73 6e6f745f616c6c6f776564"),
];

//= docs/spec/handshake.md#hs-acceptor-flags
//= type=test
//= docs/spec/handshake.md#hs-initiator-status
//= type=test
#[test]
fn v3_missing_flags_are_not_allowed() {
    let otp = listening("otp@localhost", 0x6B01_62F5, OTP_VISIBLE);
    let missing = Flags::MANDATORY_26.without(Flags::from_bits(0x1_0104));
    assert_eq!(
        accepts(otp, 0, OK, V3_MISSING_FLAGS),
        Outcome::Failed(Failure::MissingFlags(missing))
    );

    let script = dialling("py5@localhost", 1, Flags::from_bits(0x1_0104), "otp@localhost");
    assert_eq!(initiates(script, 0, V3_MISSING_FLAGS), Outcome::Failed(Failure::NotAllowed));
}

//= docs/spec/handshake.md#hs-name-form
//= type=test
//= docs/spec/handshake.md#hs-malformed
//= type=test
#[test]
fn v3_names_of_no_form_and_other_packets_are_closed_without_a_word() {
    for body in [
        "4e 0000000d074f5fbc 11223344 0003 666f6f",
        "4e 0000000d074f5fbc 11223344 0005 6140624063",
        "4e 0000000d074f5fbc 11223344 0002 4062",
        "4e 0000000d074f5fbc 11223344 0002 6140",
        "4e 0000000d074f5fbc 11223344 0000",
        "4e 0000000f074f5fbc 00000000 0003 614062",
        "4e 0000000f074f5fbc 00000000 0000",
        "4e 0000000d074f5fbc 11223344 00ff 707931406c6f63616c686f7374",
        "",
        "5a 0000000d074f5fbc 11223344 000d 707931406c6f63616c686f7374",
    ] {
        let otp = listening("otp@localhost", 0x6B01_62F5, OTP_VISIBLE);
        let outcome = accepts(otp, 0, OK, &[I(body)]);
        assert_eq!(outcome, Outcome::Failed(Failure::Malformed(Stage::Name)), "{body}");
    }
}

//= docs/spec/handshake.md#hs-name-characters
//= type=test
#[test]
fn v3_names_that_no_node_may_have_are_answered_nok() {
    for body in [
        "4e 0000000d074f5fbc 11223344 000d 70e931406c6f63616c686f7374",
        "4e 0000000d074f5fbc 11223344 000d 702e7a406c6f63616c686f7374",
    ] {
        let otp = listening("otp@localhost", 0x6B01_62F5, OTP_VISIBLE);
        let outcome = accepts(otp, 0, OK, &[I(body), A("73 6e6f6b")]);
        let cause = NokCause::Name(NameError::IllegalCharacter);
        assert_eq!(outcome, Outcome::Failed(Failure::Nok(cause)));
    }
    let own = I("4e 0000000d074f5fbc 11223344 000d 6f7470406c6f63616c686f7374");
    let otp = listening("otp@localhost", 0x6B01_62F5, OTP_VISIBLE);
    let nok = Answer::Refuse(Refusal::Nok(NokCause::OwnName));
    let outcome = accepts(otp, 0, nok, &[own, A("73 6e6f6b")]);
    assert_eq!(outcome, Outcome::Failed(Failure::Nok(NokCause::OwnName)));
}

//= docs/spec/handshake.md#hs-acceptor-domain
//= type=test
//= docs/spec/handshake.md#hs-trailing
//= type=test
#[test]
fn v3_other_domains_and_trailing_bytes_are_accepted_and_a_longer_reply_is_not() {
    let challenge = A("4e 0000000d07df7fbd 524d5ddf 6b0162f5 000d 6f7470406c6f63616c686f7374");
    let otp = || listening("otp@localhost", 0x6B01_62F5, OTP_VISIBLE);
    for (name, peer) in [
        (I("4e 0000000d074f5fbc 11223344 0009 7840612e622e636f6d"), "x@a.b.com"),
        (
            I("4e 0000000d074f5fbc 11223344 000d 70797a406c6f63616c686f7374 4558545241"),
            "pyz@localhost",
        ),
    ] {
        let up = accepts(otp(), 0x524D_5DDF, OK, &[name, V2[1], challenge, V2[3], V2[4]]);
        is_up(&up, peer, 0x1122_3344, 0xD_074F_5FBC, NodeType::Hidden);
    }
    let longer = I("72 0a0b0c0d eb76a0fa27380780f3225bdd47c83218 00");
    let outcome = accepts(otp(), 0x524D_5DDF, OK, &[V2[0], V2[1], challenge, longer]);
    assert_eq!(outcome, Outcome::Failed(Failure::Malformed(Stage::Reply)));
}

const V4: &[Line] = &[
    I("6e 0005 074f5fbc 707935406c6f63616c686f7374"),
    A("73 6f6b"),
    A("4e 0000000d07df7fbd ec289e1d 6b016404 000d 703237406c6f63616c686f7374"),
    I("63 0000000d 11223344"),
    I("72 0a0b0c0d b7293be01d92c20ad82c6551d6996c6d"),
    A("61 d49a1d946e3b47bd7dcde91de5c44d18"),
];

//= docs/spec/handshake.md#hs-send-name-v5
//= type=test
//= docs/spec/handshake.md#hs-complement
//= type=test
//= docs/spec/handshake.md#hs-acceptor-complement
//= type=test
#[test]
fn v4_version_5_is_complemented() {
    let otp = || listening("p27@localhost", 0x6B01_6404, OTP_VISIBLE);
    let up = accepts(otp(), 0xEC28_9E1D, OK, V4);
    is_up(&up, "py5@localhost", 0x1122_3344, 0xD_074F_5FBC, NodeType::Hidden);

    let wrong_tag = [V4[0], V4[1], V4[2], I("64 0000000d 11223344")];
    let outcome = accepts(otp(), 0xEC28_9E1D, OK, &wrong_tag);
    assert_eq!(outcome, Outcome::Failed(Failure::Malformed(Stage::Complement)));
}

const V5_OTP_NAMES: &[Line] = &[
    I("4e 0000000f074f5fbc 00000000 0009 6c6f63616c686f7374"),
    A("73 6e616d65643a 0017 3338564143484b394c5936374b406c6f63616c686f7374 a422dd69"),
    A("4e 0000000f07df7fbc 88fe06d1 6b0162f5 000d 6f7470406c6f63616c686f7374"),
    I("72 00000001 531d82da5fa0caff194be0a8246a568d"),
    A("61 2b7f7aa4d2530580b45094a481224efd"),
];
const NAMED_BY_OTP: &str = "38VACHK9LY67K@localhost";

//= docs/spec/handshake.md#hs-dynamic-acceptor
//= type=test
//= docs/spec/handshake.md#hs-dynamic-initiator
//= type=test
#[test]
fn v5_otp_gives_a_name() {
    // PUBLISHED is wished on both sides, and must not be sent.
    let script = dialling("localhost", 0, SCRIPT | Flags::PUBLISHED, "otp@localhost");
    let up = initiates(script, 1, V5_OTP_NAMES);
    let up = is_up(&up, "otp@localhost", 0x6B01_62F5, 0xF_074F_5FBC, NodeType::Hidden);
    assert_eq!(up.given, Some((node(NAMED_BY_OTP), Creation(0xA422_DD69))));

    let otp = listening("otp@localhost", 0x6B01_62F5, OTP_VISIBLE);
    let name = Answer::Name(NAMED_BY_OTP, 0xA422_DD69);
    let up = accepts(otp, 0x88FE_06D1, name, V5_OTP_NAMES);
    is_up(&up, NAMED_BY_OTP, 0xA422_DD69, 0xF_074F_5FBC, NodeType::Hidden);
}

const V5_OTP_IS_NAMED: &[Line] = &[
    I("4e 0000000f07df7fbc 00000000 0002 766d"),
    A("73 6e616d65643a 0008 676976656e40766d 55667788"),
    A("4e 0000000f074f5fbc 01020304 6b016404 000f 7079737276406c6f63616c686f7374"),
    I("72 117720eb 502940e42a6de3a0023c4738f3d39ca3"),
    A("61 ae8d2482ddff53c48609173bdad9136b"),
];

//= docs/spec/handshake.md#hs-dynamic-acceptor
//= type=test
//= docs/spec/handshake.md#hs-dynamic-initiator
//= type=test
#[test]
fn v5_otp_is_given_a_name() {
    let otp = || dialling("vm", 0, OTP_VISIBLE, "pysrv@localhost");
    let up = initiates(otp(), 0x1177_20EB, V5_OTP_IS_NAMED);
    let up = is_up(&up, "pysrv@localhost", 0x6B01_6404, 0xF_074F_5FBC, NodeType::Hidden);
    assert_eq!(up.given, Some((node("given@vm"), Creation(1_432_778_632))));

    let script = listening("pysrv@localhost", 0x6B01_6404, SCRIPT);
    let name = Answer::Name("given@vm", 0x5566_7788);
    let up = accepts(script, 0x0102_0304, name, V5_OTP_IS_NAMED);
    is_up(&up, "given@vm", 0x5566_7788, 0xF_074F_5FBC, NodeType::Hidden);

    let not_echoed = A("4e 0000000d074f5fbc 01020304 6b016404 000f 7079737276406c6f63616c686f7374");
    let outcome = initiates(otp(), 0, &[V5_OTP_IS_NAMED[0], V5_OTP_IS_NAMED[1], not_echoed]);
    assert_eq!(outcome, Outcome::Failed(Failure::MissingFlags(Flags::NAME_ME)));
}

const V6: &[Line] = &[
    I("4e 0000000d07df7fbd 6b0162f5 000d 6f7470406c6f63616c686f7374"),
    A("73 6f6b"),
    A("4e 0000000d074f5fbc 01020304 6b0162ff 000f 7079737276406c6f63616c686f7374"),
    I("72 3f19a171 502940e42a6de3a0023c4738f3d39ca3"),
    A("61 9c927212000d0da9eb5f13c0b5341686"),
];

fn otp_dials() -> InitiatorConfig {
    dialling("otp@localhost", 0x6B01_62F5, OTP_VISIBLE, "pysrv@localhost")
}

//= docs/spec/handshake.md#hs-challenge
//= type=test
//= docs/spec/handshake.md#hs-reply
//= type=test
//= docs/spec/handshake.md#hs-ack
//= type=test
#[test]
fn v6_otp_dials_a_script() {
    let up = initiates(otp_dials(), 0x3F19_A171, V6);
    is_up(&up, "pysrv@localhost", 0x6B01_62FF, 0xD_074F_5FBC, NodeType::Hidden);

    let script = listening("pysrv@localhost", 0x6B01_62FF, SCRIPT);
    let up = accepts(script, 0x0102_0304, OK, V6);
    is_up(&up, "otp@localhost", 0x6B01_62F5, 0xD_074F_5FBC, NodeType::Hidden);
}

//= docs/spec/handshake.md#hs-initiator-status
//= type=test
//= docs/spec/handshake.md#hs-initiator-alive
//= type=test
//= docs/spec/handshake.md#hs-initiator-nok
//= type=test
#[test]
fn v6_statuses_that_otp_was_answered() {
    let says = |rest: &[Line]| initiates(otp_dials(), 0x3F19_A171, &[&[V6[0]], rest].concat());
    assert_eq!(says(&[A("73 6e6f745f616c6c6f776564")]), Outcome::Failed(Failure::NotAllowed));
    let unknown_word = says(&[A("73 6f6b6179")]);
    assert_eq!(unknown_word, Outcome::Failed(Failure::Malformed(Stage::Status)));
    assert_eq!(says(&[A("73 6e6f6b")]), Outcome::Waits(Stage::OtherAttempt));
    let alive = [A("73 616c697665"), I("73 74727565"), V6[2], V6[3], V6[4]];
    assert!(says(&alive).is_up());
}

//= docs/spec/handshake.md#hs-initiator-challenge
//= type=test
//= docs/spec/handshake.md#hs-initiator-ack
//= type=test
#[test]
fn v6_what_otp_closed_on() {
    let says = |rest: &[Line]| initiates(otp_dials(), 0x3F19_A171, &[&V6[..1], rest].concat());
    let wrong_name = A("4e 0000000d074f5fbc 01020304 6b0162ff 000f 7078737276406c6f63616c686f7374");
    assert_eq!(says(&[V6[1], wrong_name]), Outcome::Failed(Failure::WrongName));
    let version_5 = A("6e 0005 074f5fbc 01020304 7079737276406c6f63616c686f7374");
    let malformed = Outcome::Failed(Failure::Malformed(Stage::Challenge));
    assert_eq!(says(&[V6[1], version_5]), malformed);
    let wrong_digest = A("61 9c927212000d0da9eb5f13c0b5341687");
    let outcome = says(&[V6[1], V6[2], V6[3], wrong_digest]);
    assert_eq!(outcome, Outcome::Failed(Failure::BadCookie));
}

const V7_TRUE: &[Line] = &[
    I("4e 0000000d074f5fbc 11223345 000d 707932406c6f63616c686f7374"),
    A("73 616c697665"),
    I("73 74727565"),
    A("4e 0000000d07df7fbd 499e323a 6b0162f5 000d 6f7470406c6f63616c686f7374"),
    I("72 00000001 7ad3936d8a16cbf6308908d740eb46b9"),
    A("61 2b7f7aa4d2530580b45094a481224efd"),
];
const V7_FALSE: &[Line] = &[V7_TRUE[0], V7_TRUE[1], I("73 66616c7365")];

//= docs/spec/handshake.md#hs-acceptor-alive
//= type=test
#[test]
fn v7_alive_is_answered() {
    let otp = || listening("otp@localhost", 0x6B01_62F5, OTP_VISIBLE);
    let alive = || Answer::Greet(Greeting::Alive);
    let up = accepts(otp(), 0x499E_323A, alive(), V7_TRUE);
    is_up(&up, "py2@localhost", 0x1122_3345, 0xD_074F_5FBC, NodeType::Hidden);
    let outcome = accepts(otp(), 0x499E_323A, alive(), V7_FALSE);
    assert_eq!(outcome, Outcome::Failed(Failure::Declined));

    let script = dialling("py2@localhost", 0x1122_3345, SCRIPT, "otp@localhost");
    let up = initiates(script, 1, V7_TRUE);
    is_up(&up, "otp@localhost", 0x6B01_62F5, 0xD_074F_5FBC, NodeType::Hidden);
}

const V7_SIMULTANEOUS: &[Line] = &[
    I("4e 0000000d074f5fbc 00000001 000d 707933406c6f63616c686f7374"),
    A("73 6f6b5f73696d756c74616e656f7573"),
    A("4e 0000000d07df7fbd 499e323a 6b0162f5 000d 6f7470406c6f63616c686f7374"),
];
const V7_NOK: &[Line] =
    &[I("4e 0000000d074f5fbc 00000001 000f 61616133406c6f63616c686f737430"), A("73 6e6f6b")];

//= docs/spec/handshake.md#hs-status
//= type=test
#[test]
fn v7_and_v16_of_two_attempts_one_goes_on() {
    let otp = || listening("otp@localhost", 0x6B01_62F5, OTP_VISIBLE);
    let simultaneous = Answer::Greet(Greeting::OkSimultaneous);
    let outcome = accepts(otp(), 0x499E_323A, simultaneous, V7_SIMULTANEOUS);
    assert_eq!(outcome, Outcome::Waits(Stage::Reply));
    let nok = Answer::Refuse(Refusal::Nok(NokCause::OurAttempt));
    let outcome = accepts(otp(), 0, nok, V7_NOK);
    assert_eq!(outcome, Outcome::Failed(Failure::Nok(NokCause::OurAttempt)));
}

const V9: &[Line] = &[
    I("4e 0000000406000000 11223344 000d 707937406c6f63616c686f7374"),
    A("73 6f6b"),
    A("4e 0000000d07df7fbd 52328860 6b0162f5 000d 6f7470406c6f63616c686f7374"),
    I("72 0a0b0c0d c4abc591930f9904a48763f87dbbb697"),
    A("61 d49a1d946e3b47bd7dcde91de5c44d18"),
];

//= docs/spec/handshake.md#hs-flags-digest
//= type=test
//= docs/spec/handshake.md#hs-flags-mandatory
//= type=test
#[test]
fn v9_the_smallest_flag_word_stands_for_all_mandatory_flags() {
    let otp = listening("otp@localhost", 0x6B01_62F5, OTP_VISIBLE);
    let up = accepts(otp, 0x5232_8860, OK, V9);
    is_up(&up, "py7@localhost", 0x1122_3344, 0x4_0707_0F94, NodeType::Hidden);
}

//= docs/spec/handshake.md#hs-send-name-v6
//= type=test
//= docs/spec/handshake.md#hs-send-name-v5
//= type=test
//= docs/spec/handshake.md#hs-status
//= type=test
//= docs/spec/handshake.md#hs-challenge
//= type=test
#[test]
fn every_packet_is_emitted_as_it_was_parsed() {
    for line in [
        V2,
        V3_BAD_COOKIE,
        V3_MISSING_FLAGS,
        V4,
        V5_OTP_NAMES,
        V5_OTP_IS_NAMED,
        V6,
        V7_TRUE,
        V7_FALSE,
        V7_SIMULTANEOUS,
        V7_NOK,
        V9,
    ]
    .concat()
    {
        let (I(text) | A(text)) = line;
        let (bytes, mut out) = (hex(text), Vec::new());
        match (line, bytes[0]) {
            (_, b's') => Status::parse(&bytes).unwrap().emit(&mut out),
            (I(_), b'c') => Complement::parse(&bytes).unwrap().emit(&mut out),
            (I(_), b'r') => ChallengeReply::parse(&bytes).unwrap().emit(&mut out),
            (I(_), _) => SendName::parse(&bytes).unwrap().emit(&mut out),
            (A(_), b'a') => ChallengeAck::parse(&bytes).unwrap().emit(&mut out),
            (A(_), _) => ChallengeMessage::parse(&bytes).unwrap().emit(&mut out),
        }
        assert_eq!(out, bytes);
    }
}

//= docs/spec/handshake.md#hs-send-name-v6
//= type=test
//= docs/spec/handshake.md#hs-send-name-v5
//= type=test
//= docs/spec/handshake.md#hs-challenge
//= type=test
//= docs/spec/handshake.md#hs-complement
//= type=test
#[test]
fn fields_stand_where_erlang_puts_them() {
    let parsed = |line: Line| {
        let (I(text) | A(text)) = line;
        hex(text)
    };
    assert_eq!(
        SendName::parse(&parsed(V2[0])),
        Ok(SendName::V6 {
            flags: SCRIPT,
            creation: Creation(0x1122_3344),
            name: PeerName::new("py1@localhost"),
        })
    );
    assert_eq!(
        SendName::parse(&parsed(V4[0])),
        Ok(SendName::V5 { version: 5, flags: SCRIPT.low(), name: PeerName::new("py5@localhost") })
    );
    assert_eq!(
        ChallengeMessage::parse(&parsed(V4[2])),
        Ok(ChallengeMessage {
            flags: OTP | Flags::PUBLISHED,
            challenge: Challenge(3_962_084_893),
            creation: Creation(0x6B01_6404),
            name: PeerName::new("p27@localhost"),
        })
    );
    assert_eq!(
        Complement::parse(&parsed(V4[3])),
        Ok(Complement { flags: SCRIPT.without(SCRIPT.low()), creation: Creation(0x1122_3344) })
    );
}
