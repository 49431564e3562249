//! State x event: what each machine does with each packet in each state.
//!
//! `docs/state-machines.md` has them. Here a cell names the state that follows, or after `!` the failure, and then the tags of the packets that
//! are written, with the word of a status. `=` is that nothing happens, `.` that the packet is malformed: no state waits for most packets.

use core::fmt::Write as _;

use netkernel_core::handshake::{Failure, Greeting, NokCause, Refusal};
use netkernel_core::wire::handshake::{
    ChallengeAck, ChallengeMessage, ChallengeReply, Complement, SendName, Status,
};
use netkernel_core::{Challenge, Creation, Digest, Flags, PeerName};

use crate::diagram::{Matrix, compare_with_docs};
use crate::parties::{
    Answer, Dialler, Listener, OTP, OTP_VISIBLE, Outcome, at, bodies, cookie, dialling, listening,
    packet,
};

/// The challenges of the side that dials and of the one that listens.
const OURS: u32 = 7;
const THEIRS: u32 = 9;

macro_rules! emitted {
    ($message:expr) => {{
        let mut body = Vec::new();
        $message.emit(&mut body);
        body
    }};
}

fn send_name_6(flags: Flags, name: &'static str) -> Vec<u8> {
    let name = PeerName::new(name);
    emitted!(SendName::V6 { flags, creation: Creation(4), name })
}

fn send_name_5(flags: Flags) -> Vec<u8> {
    emitted!(SendName::V5 { version: 5, flags, name: PeerName::new("a@h") })
}

fn named(name: &'static str) -> Vec<u8> {
    emitted!(Status::Named { name: PeerName::new(name), creation: Creation(5) })
}

fn challenge(flags: Flags, name: &'static str) -> Vec<u8> {
    let (challenge, creation, name) = (Challenge(THEIRS), Creation(6), PeerName::new(name));
    emitted!(ChallengeMessage { flags, challenge, creation, name })
}

fn complement(flags: Flags) -> Vec<u8> {
    emitted!(Complement { flags, creation: Creation(4) })
}

fn proof(challenge: u32) -> Digest {
    cookie("SECRETCOOKIE").digest(Challenge(challenge))
}

fn reply(digest: Digest) -> Vec<u8> {
    emitted!(ChallengeReply { challenge: Challenge(OURS), digest })
}

fn ack(digest: Digest) -> Vec<u8> {
    emitted!(ChallengeAck { digest })
}

fn and_a_byte(mut body: Vec<u8>) -> Vec<u8> {
    body.push(0);
    body
}

/// What may arrive: a name for the row, and the bytes.
type Event = (&'static str, Vec<u8>);

/// Every packet of either side, whole and well formed, or with one fault.
fn events() -> Vec<Event> {
    let word = |status: Status| packet(&emitted!(status));
    vec![
        ("nothing", vec![]),
        ("part of a packet", packet(b"sok")[..4].to_vec()),
        ("empty packet", packet(b"")),
        ("unknown tag", packet(b"Zok")),
        ("name 6", packet(&send_name_6(OTP, "a@h"))),
        ("name 6 and a byte", packet(&and_a_byte(send_name_6(OTP, "a@h")))),
        ("name 6 few flags", packet(&send_name_6(Flags::PUBLISHED, "a@h"))),
        ("name 6 no @", packet(&send_name_6(OTP, "h"))),
        ("name 6 no @ few", packet(&send_name_6(Flags::PUBLISHED, "h"))),
        ("name 6 illegal few", packet(&send_name_6(Flags::PUBLISHED, "a.b@h"))),
        ("name 6 illegal", packet(&send_name_6(OTP, "a.b@h"))),
        ("name 6 name me", packet(&send_name_6(OTP | Flags::NAME_ME, "h"))),
        ("name 6 name me @", packet(&send_name_6(OTP | Flags::NAME_ME, "a@h"))),
        ("name 5", packet(&send_name_5(OTP))),
        ("name 5 few flags", packet(&send_name_5(Flags::PUBLISHED))),
        ("ok", word(Status::Ok)),
        ("ok_simultaneous", word(Status::OkSimultaneous)),
        ("nok", word(Status::Nok)),
        ("not_allowed", word(Status::NotAllowed)),
        ("alive", word(Status::Alive)),
        ("true", word(Status::True)),
        ("false", word(Status::False)),
        ("ok and a byte", packet(b"sok\0")),
        ("unknown word", packet(b"sokay")),
        ("named", packet(&named("g@h"))),
        ("named and a byte", packet(&and_a_byte(named("g@h")))),
        ("named other host", packet(&named("g@i"))),
        ("named illegal", packet(&named("g.g@h"))),
        ("named cut", packet(&named("g@h")[..12])),
        ("challenge", packet(&challenge(OTP, "b@h"))),
        ("challenge and a byte", packet(&and_a_byte(challenge(OTP, "b@h")))),
        ("challenge name me", packet(&challenge(OTP | Flags::NAME_ME, "b@h"))),
        ("challenge other name", packet(&challenge(OTP, "c@h"))),
        ("challenge few flags", packet(&challenge(Flags::PUBLISHED, "b@h"))),
        ("challenge cut", packet(&challenge(OTP, "b@h")[..21])),
        ("complement", packet(&complement(OTP.without(OTP.low())))),
        ("complement few flags", packet(&complement(Flags::NONE))),
        ("complement and a byte", packet(&and_a_byte(complement(OTP.without(OTP.low()))))),
        ("reply", packet(&reply(proof(THEIRS)))),
        ("reply wrong", packet(&reply(proof(THEIRS + 1)))),
        ("reply and a byte", packet(&and_a_byte(reply(proof(THEIRS))))),
        ("ack", packet(&ack(proof(OURS)))),
        ("ack wrong", packet(&ack(proof(OURS + 1)))),
        ("ack and a byte", packet(&and_a_byte(ack(proof(OURS))))),
    ]
}

fn failure(failure: Failure) -> &'static str {
    match failure {
        Failure::BadCookie => "!BadCookie",
        Failure::Declined => "!Declined",
        Failure::AlreadyPending => "!AlreadyPending",
        Failure::GivenName => "!GivenName",
        Failure::Malformed(_) => ".",
        Failure::MissingFlags(_) => "!MissingFlags",
        Failure::Nok(_) => "!Nok",
        Failure::NotAllowed => "!NotAllowed",
        Failure::PeerNotAllowed => "!PeerNotAllowed",
        Failure::UnexpectedStatus => "!Unexpected",
        Failure::WrongName => "!WrongName",
        _ => panic!("a failure that the matrix does not know: {failure:?}"),
    }
}

fn cell(before: &Outcome, after: &Outcome, said: &[u8]) -> String {
    let mut cell = match after {
        Outcome::Waits(_) if after == before && said.is_empty() => "=".to_owned(),
        Outcome::Waits(stage) => format!("{stage:?}"),
        Outcome::Up(_) => "Up".to_owned(),
        Outcome::Failed(reason) => failure(*reason).to_owned(),
    };
    for body in bodies(said) {
        // Of a status the whole word, up to the name in `named:`.
        let length =
            if body[0] == b's' { body.iter().take_while(|&&b| b != b':').count() } else { 1 };
        write!(cell, " {}", core::str::from_utf8(&body[..length]).unwrap()).unwrap();
    }
    cell
}

/// One row a line: the event, and a cell for each state.
fn table(columns: &[&str], rows: &[(&str, Vec<String>)]) -> Vec<String> {
    let width = |at: usize| {
        let cells = rows.iter().map(|(_, cells)| cells[at].len());
        cells.chain([columns[at].len()]).max().unwrap()
    };
    let line = |name: &str, cells: &[&str]| {
        let cells = cells.iter().enumerate();
        let cells: String = cells.map(|(i, cell)| format!(" | {cell:<0$}", width(i))).collect();
        format!("{name:<21}{cells}").trim_end().to_owned()
    };
    let rows = rows
        .iter()
        .map(|(name, cells)| line(name, &cells.iter().map(String::as_str).collect::<Vec<_>>()));
    core::iter::once(line("", columns)).chain(rows).collect()
}

/// The same for the docs. What is behind a state's name is that of the states that follow.
fn matrix(states: &[&str], rows: &[(&str, Vec<String>)]) -> Matrix {
    let mut matrix = Matrix::new(states.iter().copied());
    for (event, cells) in rows {
        for (from, cell) in states.iter().zip(cells) {
            let kind = from.trim_start_matches(char::is_alphabetic);
            let (word, written) = cell.split_once(' ').unwrap_or((cell, ""));
            let (next, failure) = match word {
                "=" => (*from, ""),
                "." => ("failed", "malformed"),
                "Up" => ("up", ""),
                stage => match stage.strip_prefix('!') {
                    Some(failure) => ("failed", failure),
                    // A name of version 5 leads to the states of that version.
                    None => {
                        let named = states.iter().find(|state| **state == [stage, kind].concat());
                        let found =
                            named.or_else(|| states.iter().find(|state| state.starts_with(stage)));
                        (*found.unwrap(), "")
                    }
                },
            };
            let mut said = failure.to_owned();
            for packet in written.split_whitespace() {
                write!(said, " `{packet}`").unwrap();
            }
            let said = said.trim();
            if word == "." {
                matrix.add_drawn(from, (event, "malformed"), next, said);
            } else {
                matrix.add(from, event, next, said);
            }
        }
    }
    matrix
}

#[track_caller]
fn assert_table(actual: &[String], expected: &str) {
    let expected: Vec<&str> = expected.lines().skip(1).collect();
    assert!(actual == expected, "the table is now\n{}", actual.join("\n"));
}

fn initiator_in(state: &str) -> Dialler {
    let own = if state.ends_with('?') { "h" } else { "a@h" };
    let (mut dialler, _) = Dialler::new(dialling(own, 4, OTP_VISIBLE, "b@h"), OURS, true);
    let way: &[&[u8]] = match state {
        "Status" | "Status?" => &[],
        "OtherAttempt" => &[b"snok"],
        "Challenge" => &[b"sok"],
        "Challenge?" => &[&named("g@h")],
        "Ack" => &[b"sok", &challenge(OTP, "b@h")],
        "Ack?" => &[&named("g@h"), &challenge(OTP | Flags::NAME_ME, "b@h")],
        _ => panic!("no state {state}"),
    };
    for body in way {
        let _ = dialler.hears(at(1), &packet(body));
    }
    assert_eq!(format!("{:?}", dialler.outcome), format!("Waits({})", state.trim_end_matches('?')));
    dialler
}

//= docs/spec/handshake.md#hs-initiator-status
//= type=test
//= docs/spec/handshake.md#hs-initiator-nok
//= type=test
//= docs/spec/handshake.md#hs-dynamic-initiator
//= type=test
//= docs/spec/handshake.md#hs-initiator-challenge
//= type=test
//= docs/spec/handshake.md#hs-initiator-ack
//= type=test
#[test]
fn initiator() {
    let states = ["Status", "Status?", "OtherAttempt", "Challenge", "Challenge?", "Ack", "Ack?"];
    let rows: Vec<_> = events()
        .into_iter()
        .map(|(name, bytes)| {
            let cells = states.map(|state| {
                let mut dialler = initiator_in(state);
                let before = dialler.outcome.clone();
                let said = dialler.hears(at(1), &bytes);
                cell(&before, &dialler.outcome, &said)
            });
            (name, cells.to_vec())
        })
        .collect();
    compare_with_docs("initiator", &matrix(&states, &rows).written());
}

fn acceptor_in(state: &str) -> Listener {
    let answer = match state {
        "Alive" | "Alive 5" => Greeting::Alive,
        _ => Greeting::Ok,
    };
    let config = listening("b@h", 6, OTP_VISIBLE);
    let mut listener = Listener::new(config, THEIRS, Answer::Greet(answer));
    let way: &[&[u8]] = match state {
        "Name" => &[],
        "Alive" | "Reply" => &[&send_name_6(OTP, "a@h")],
        "Alive 5" | "Complement 5" => &[&send_name_5(OTP)],
        "Reply 5" => &[&send_name_5(OTP), &complement(OTP.without(OTP.low()))],
        _ => panic!("no state {state}"),
    };
    for body in way {
        let _ = listener.hears(at(1), &packet(body));
    }
    assert_eq!(
        format!("{:?}", listener.outcome),
        format!("Waits({})", state.trim_end_matches(" 5"))
    );
    listener
}

//= docs/spec/handshake.md#hs-acceptor-order
//= type=test
//= docs/spec/handshake.md#hs-acceptor-flags
//= type=test
//= docs/spec/handshake.md#hs-acceptor-alive
//= type=test
//= docs/spec/handshake.md#hs-acceptor-complement
//= type=test
//= docs/spec/handshake.md#hs-acceptor-digest
//= type=test
//= docs/spec/handshake.md#hs-malformed
//= type=test
#[test]
fn acceptor() {
    let states = ["Name", "Alive", "Alive 5", "Complement 5", "Reply", "Reply 5"];
    let rows: Vec<_> = events()
        .into_iter()
        .map(|(name, bytes)| {
            let cells = states.map(|state| {
                let mut listener = acceptor_in(state);
                let before = listener.outcome.clone();
                let said = listener.hears(at(1), &bytes);
                cell(&before, &listener.outcome, &said)
            });
            (name, cells.to_vec())
        })
        .collect();
    compare_with_docs("acceptor", &matrix(&states, &rows).written());
}

/// What the kernel of an acceptor may say to each kind of name. Who asks for a name and is greeted gets one.
const ANSWERS: &str = "
                      | name 6                   | name 5                        | name me
ok                    | Reply sok N              | Complement sok N              | Reply snamed N
ok_simultaneous       | Reply sok_simultaneous N | Complement sok_simultaneous N | Reply snamed N
alive                 | Alive salive             | Alive salive                  | Reply snamed N
nok                   | !Nok snok                | !Nok snok                     | !Nok snok
already pending       | !AlreadyPending          | !AlreadyPending               | !AlreadyPending
";

//= docs/spec/handshake.md#hs-acceptor-greeting
//= type=test
//= docs/spec/handshake.md#hs-acceptor-refusal
//= type=test
//= docs/spec/handshake.md#hs-dynamic-acceptor
//= type=test
#[test]
fn answers_of_the_kernel() {
    let answers = [
        ("ok", Answer::Greet(Greeting::Ok)),
        ("ok_simultaneous", Answer::Greet(Greeting::OkSimultaneous)),
        ("alive", Answer::Greet(Greeting::Alive)),
        ("nok", Answer::Refuse(Refusal::Nok(NokCause::OurAttempt))),
        ("already pending", Answer::Refuse(Refusal::AlreadyPending)),
    ];
    let names = [send_name_6(OTP, "a@h"), send_name_5(OTP), send_name_6(OTP | Flags::NAME_ME, "h")];
    let rows: Vec<_> = answers
        .into_iter()
        .map(|(name, answer)| {
            let cells = names.iter().map(|body| {
                let config = listening("b@h", 6, OTP_VISIBLE);
                let mut listener = Listener::new(config, THEIRS, answer.clone());
                let before = listener.outcome.clone();
                let said = listener.hears(at(1), &packet(body));
                cell(&before, &listener.outcome, &said)
            });
            (name, cells.collect())
        })
        .collect();
    assert_table(&table(&["name 6", "name 5", "name me"], &rows), ANSWERS);
}
