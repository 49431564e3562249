//! Targets for EPMD: its messages, and the three machines that speak with it.

use alloc::vec::Vec;
use core::time::Duration;

use super::source::{Source, pieces};
use crate::epmd::{
    Lookup, LookupError, LookupStep, Names, NamesError, RegisterError, Registration,
    RegistrationStep,
};
use crate::name::NodeName;
use crate::net_kernel::OpenError;
use crate::time::Instant;
use crate::wire::epmd::{
    Alive2Resp, Entry, KillResp, Listing, NameLine, Port2Head, Port2Resp, REQUEST_MAX, Request,
    StopResp,
};

/// Requests: what parses is emitted and parses again, in no more bytes, and no earlier than with its last byte.
pub fn epmd_request(input: &[u8]) {
    let Ok(Some(request)) = Request::parse(input) else { return };
    let bytes = request.to_bytes();
    assert!(bytes.len() <= input.len() && bytes.len() < REQUEST_MAX);
    assert_eq!(bytes.len(), request.encoded_len());
    assert_eq!(Request::parse(&bytes), Ok(Some(request)));
    for len in 0..input.len() {
        assert_eq!(Request::parse(&input[..len]), Ok(None), "{len} of {} bytes", input.len());
    }
}

/// Answers: what parses is emitted and parses again, and more bytes never change an answer that was there.
pub fn epmd_response(input: &[u8]) {
    fixed(input, Alive2Resp::parse, Alive2Resp::emit, Alive2Resp::encoded_len, true);
    fixed(input, KillResp::parse, KillResp::emit, KillResp::encoded_len, false);
    fixed(input, StopResp::parse, StopResp::emit, StopResp::encoded_len, false);
    port2(input);
    listing(input);
}

fn fixed<M: Copy + core::fmt::Debug + PartialEq, E: Copy + core::fmt::Debug + PartialEq>(
    input: &[u8],
    parse: impl Fn(&[u8]) -> Result<Option<M>, E>,
    emit: impl Fn(&M, &mut Vec<u8>),
    encoded_len: impl Fn(&M) -> usize,
    exact: bool,
) {
    let mut result = parse(&[]);
    for len in 0..=input.len() {
        let now = parse(&input[..len]);
        // Once there is a result, it stays; but bytes behind an exact answer make it garbage.
        assert!(now == result || result == Ok(None) || exact, "{result:?}, and then {now:?}");
        result = now;
        let Ok(Some(message)) = result else { continue };
        let mut out = Vec::new();
        emit(&message, &mut out);
        assert_eq!((parse(&out), out.len()), (Ok(Some(message)), encoded_len(&message)));
        assert!(!exact || out == input[..len]);
    }
}

fn port2(input: &[u8]) {
    let head = Port2Head::parse(input);
    let Ok(Some(answer)) = Port2Resp::parse(input) else { return };
    let mut out = Vec::new();
    answer.emit(&mut out);
    assert_eq!(out.len(), answer.encoded_len());
    assert_eq!(Port2Resp::parse(&out), Ok(Some(answer)));
    match answer {
        Port2Resp::Found(Entry { info, .. }) => {
            assert_eq!(head, Ok(Some(Port2Head::Found(info))));
            assert!(input.starts_with(&out));
            assert_eq!(Port2Resp::parse(&input[..out.len() - 1]), Ok(None));
        }
        Port2Resp::NotFound => assert_eq!(head, Ok(Some(Port2Head::NotFound))),
    }
}

fn listing(input: &[u8]) {
    let Some(listing) = Listing::parse(input) else { return };
    let mut out = Vec::new();
    listing.emit(&mut out);
    assert_eq!((&out[..], out.len()), (input, listing.encoded_len()));
    let mut names = 0;
    for line in listing.names() {
        out.clear();
        line.emit(&mut out);
        assert_eq!((NameLine::parse(&out), out.len()), (Some(line), line.encoded_len()));
        names += line.name.len() + 1;
    }
    for record in listing.records() {
        out.clear();
        record.emit(&mut out);
        assert_eq!(out.len(), record.encoded_len());
        assert_eq!(crate::wire::epmd::DumpRecord::parse(&out), Some(record));
    }
    assert!(names <= input.len(), "no name is told twice");
}

/// The three machines: events in any order, and answers in any pieces.
pub fn epmd_client(input: &[u8]) {
    let mut source = Source::new(input);
    match source.below(3) {
        0 => registration(&mut source),
        1 => lookup(&mut source),
        _ => names(&mut source),
    }
}

fn node() -> NodeName {
    NodeName::new("alpha@localhost").unwrap()
}

/// What the last step left behind, as the owner of a registration knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Opening,
    Asked,
    Held,
    Lost,
    Failed,
}

fn registration(source: &mut Source<'_>) {
    let mut machine = Registration::new(&node(), 4001);
    let (mut now, mut known, mut was_held) = (Instant::ORIGIN, Known::Opening, false);
    while !source.is_empty() {
        let before = machine.clone();
        let step = match source.below(5) {
            0 => machine.opened(now),
            1 => machine.open_failed(now, OpenError::Refused),
            2 => machine.received(now, source.data()),
            3 => machine.closed(now),
            _ => {
                now = now + Duration::from_millis(u64::from(source.byte()) * 100);
                machine.timeout(now)
            }
        };
        if step == RegistrationStep::Idle {
            assert_eq!(machine, before, "nothing happened");
            continue;
        }
        let (from, to) = match step {
            RegistrationStep::Idle => (known, known),
            RegistrationStep::Open => (Known::Lost, Known::Opening),
            RegistrationStep::Ask(_) => (Known::Opening, Known::Asked),
            RegistrationStep::Read => (known, known),
            RegistrationStep::Registered(creation) => {
                assert!(!was_held && creation == creation.usable());
                (Known::Asked, Known::Held)
            }
            RegistrationStep::Renewed => {
                assert!(was_held);
                (Known::Asked, Known::Held)
            }
            RegistrationStep::Failed(error) => {
                assert!(!was_held);
                (came_of(error, known), Known::Failed)
            }
            RegistrationStep::Lost(error) => {
                assert!(was_held);
                (came_of(error, known), Known::Lost)
            }
        };
        assert_eq!(known, from, "on the way to {to:?}");
        assert!(!matches!(known, Known::Failed), "a failure is final");
        known = to;
        was_held |= known == Known::Held;
        let waits = matches!(known, Known::Asked | Known::Lost);
        assert_eq!(machine.deadline().is_some(), waits, "time matters while something is awaited");
        assert!(machine.deadline().is_none_or(|at| at > now || known == Known::Asked));
    }
}

/// The state in which such an error can come up.
const fn came_of(error: RegisterError, known: Known) -> Known {
    match error {
        RegisterError::Open(_) => Known::Opening,
        RegisterError::DuplicateName | RegisterError::Garbage | RegisterError::NoReply => {
            Known::Asked
        }
        RegisterError::Closed => match known {
            Known::Held => Known::Held,
            Known::Opening | Known::Asked | Known::Lost | Known::Failed => Known::Asked,
        },
    }
}

fn lookup(source: &mut Source<'_>) {
    let cuts = source.data();
    let answer = source.rest();
    let run = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut machine, _) = Lookup::ask(&node());
        for piece in pieces {
            match machine.receive(piece) {
                Ok(LookupStep::Wait(next)) => machine = next,
                Ok(LookupStep::Found(info)) => return Ok(info),
                Err(error) => return Err(error),
            }
        }
        Err(machine.closed())
    };
    let whole = run(&mut core::iter::once(answer));
    assert_eq!(run(&mut pieces(answer, cuts)), whole);
    let head = Port2Head::parse(answer);
    let expected = match head {
        Ok(Some(Port2Head::Found(info))) => Ok(info),
        Ok(Some(Port2Head::NotFound)) => Err(LookupError::NotRegistered),
        Ok(None) if answer.len() < 2 => Err(LookupError::Closed),
        Ok(None) => Err(LookupError::CutShort),
        Err(_) => Err(LookupError::Garbage),
    };
    assert_eq!(whole, expected);
}

fn names(source: &mut Source<'_>) {
    let port = u16::from_be_bytes([source.byte(), source.byte()]);
    let cuts = source.data();
    let answer = source.rest();
    let run = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut machine, _) = Names::ask(port);
        for piece in pieces {
            machine = machine.receive(piece)?;
        }
        Ok::<_, NamesError>(machine.closed())
    };
    let whole = run(&mut core::iter::once(answer));
    assert_eq!(run(&mut pieces(answer, cuts)), whole);
    if let Ok(names) = whole {
        let bytes: usize = names.iter().map(|(name, _)| name.len() + 1).sum();
        assert!(bytes <= answer.len());
    }
}
