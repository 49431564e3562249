//! Properties of EPMD's messages, and of the machines that read them.
#![expect(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

use netkernel_core::NodeName;
use netkernel_core::epmd::{Lookup, LookupError, LookupStep, Names, NamesError};
use netkernel_core::wire::epmd::{
    Alive2Resp, DumpRecord, Entry, Extra, KillResp, Listing, Name, NameLine, Port2Head, Port2Resp,
    PortInfo, Request, StopResp,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Text that can stand for a name in a listing too.
fn names() -> impl Strategy<Value = String> {
    "[a-zé0-9_𐀀-]{1,255}"
}

fn entries() -> impl Strategy<Value = (PortInfo, String, Vec<u8>)> {
    (any::<PortInfo>(), names(), vec(any::<u8>(), 0..=1020))
}

fn entry<'a>((info, name, extra): &'a (PortInfo, String, Vec<u8>)) -> Entry<'a> {
    let (name, extra) = (Name::new(name.as_bytes()).unwrap(), Extra::new(extra).unwrap());
    Entry { info: *info, name, extra }
}

/// What `emit` appends, with its length checked.
fn emitted(emit: impl FnOnce(&mut Vec<u8>), encoded_len: usize) -> Vec<u8> {
    let mut out = vec![0xEE];
    emit(&mut out);
    assert_eq!(out.remove(0), 0xEE, "emit appends");
    assert_eq!(out.len(), encoded_len);
    out
}

/// All beginnings of `bytes` but the whole.
fn beginnings(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..bytes.len()).map(|end| &bytes[..end])
}

/// `bytes` in pieces; each number says how long one is.
fn pieces<'a>(mut bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, rest) = bytes.split_at((*cut).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[derive(Debug, PartialEq)]
enum LookupEnd {
    Found(PortInfo),
    Failed(LookupError),
}

/// A look-up that receives these pieces and then the end of the stream.
fn look_up(pieces: &[&[u8]]) -> LookupEnd {
    let (mut lookup, _) = Lookup::ask(&NodeName::new("a@b").unwrap());
    for piece in pieces {
        match lookup.receive(piece) {
            Ok(LookupStep::Wait(next)) => lookup = next,
            Ok(LookupStep::Found(info)) => return LookupEnd::Found(info),
            Err(error) => return LookupEnd::Failed(error),
        }
    }
    LookupEnd::Failed(lookup.closed())
}

/// The same for a question for names, asked at port 4369.
fn ask_names(pieces: &[&[u8]]) -> Result<Vec<(String, u16)>, NamesError> {
    let (mut machine, _) = Names::ask(4369);
    for piece in pieces {
        machine = machine.receive(piece)?;
    }
    Ok(machine.closed())
}

proptest! {
    //= docs/spec/epmd.md#epmd-request-framing
    //= type=test
    #[test]
    fn requests_survive_the_wire(fields in entries(), kind in 0..6) {
        let name = entry(&fields).name;
        let request = match kind {
            0 => Request::Alive2(entry(&fields)),
            1 => Request::Dump,
            2 => Request::Kill,
            3 => Request::Names,
            4 => Request::PortPlease2 { name },
            _ => Request::Stop { name },
        };
        let bytes = emitted(|out| request.emit(out), request.encoded_len());
        prop_assert_eq!(Request::parse(&bytes), Ok(Some(request)));
        for part in beginnings(&bytes) {
            prop_assert_eq!(Request::parse(part), Ok(None));
        }
    }

    //= docs/spec/epmd.md#epmd-port2-reply
    //= type=test
    #[test]
    fn answers_to_look_ups_survive_the_wire(fields in entries(), rest in vec(any::<u8>(), 0..4)) {
        let answer = Port2Resp::Found(entry(&fields));
        let mut bytes = emitted(|out| answer.emit(out), answer.encoded_len());
        for part in beginnings(&bytes) {
            prop_assert_eq!(Port2Resp::parse(part), Ok(None));
        }
        bytes.extend(rest);
        prop_assert_eq!(Port2Resp::parse(&bytes), Ok(Some(answer)));
        prop_assert_eq!(Port2Head::parse(&bytes), Ok(Some(Port2Head::Found(fields.0))));
    }

    #[test]
    fn answers_to_registrations_survive_the_wire(answer: Alive2Resp) {
        let mut bytes = emitted(|out| answer.emit(out), answer.encoded_len());
        for part in beginnings(&bytes) {
            prop_assert_eq!(Alive2Resp::parse(part), Ok(None));
        }
        prop_assert_eq!(Alive2Resp::parse(&bytes), Ok(Some(answer)));
        bytes.push(0);
        prop_assert!(Alive2Resp::parse(&bytes).is_err());
    }

    #[test]
    fn listings_survive_the_wire(epmd_port: u32, nodes in vec((names(), any::<u16>(), any::<u32>(), any::<bool>()), 0..5)) {
        let lines: Vec<_> = nodes.iter().map(|(name, port, ..)| NameLine { name, port: *port }).collect();
        let records: Vec<_> = nodes
            .iter()
            .map(|(name, port, fd, active)| DumpRecord { active: *active, name, port: *port, fd: *fd })
            .collect();
        let mut text = Vec::new();
        for line in &lines {
            text.extend(emitted(|out| line.emit(out), line.encoded_len()));
        }
        let listing = Listing { epmd_port, text: &text };
        let bytes = emitted(|out| listing.emit(out), listing.encoded_len());
        prop_assert_eq!(Listing::parse(&bytes), Some(listing));
        prop_assert_eq!(listing.names().collect::<Vec<_>>(), lines);

        let mut text = Vec::new();
        for record in &records {
            text.extend(emitted(|out| record.emit(out), record.encoded_len()));
        }
        prop_assert_eq!(Listing { epmd_port, text: &text }.records().collect::<Vec<_>>(), records);
    }

    #[test]
    fn parsers_never_panic(bytes in vec(any::<u8>(), 0..64), first in prop::sample::select(&b"xzndksvywNSO"[..])) {
        let length = bytes.len() as u16 + 1;
        let mut request = length.to_be_bytes().to_vec();
        request.push(first);
        request.extend_from_slice(&bytes);
        if let Ok(Some(parsed)) = Request::parse(&request) {
            prop_assert!(parsed.encoded_len() <= request.len());
        }
        for input in [&bytes[..], &request[2..]] {
            let _ = Request::parse(input);
            let _ = Alive2Resp::parse(input);
            let _ = Port2Resp::parse(input);
            let _ = KillResp::parse(input);
            let _ = StopResp::parse(input);
            if let Some(listing) = Listing::parse(input) {
                prop_assert!(listing.names().count() + listing.records().count() <= input.len());
            }
        }
    }

    //= docs/spec/epmd.md#epmd-lookup-done
    //= type=test
    #[test]
    fn look_ups_end_alike_however_the_answer_is_cut(
        tail in vec(any::<u8>(), 0..40), result in 0..3u8, cuts in vec(1..9usize, 0..20),
    ) {
        let bytes = [&[b'w', result][..], &tail].concat();
        prop_assert_eq!(look_up(&pieces(&bytes, &cuts)), look_up(&[&bytes]));
        prop_assert_eq!(look_up(&pieces(&tail, &cuts)), look_up(&[&tail]));
    }

    //= docs/spec/epmd.md#epmd-names-port
    //= type=test
    #[test]
    fn names_are_alike_however_the_answer_is_cut(
        nodes in vec((names(), any::<u16>()), 0..5), noise in vec(any::<u8>(), 0..40), cuts in vec(1..9usize, 0..20),
    ) {
        let mut bytes = vec![0, 0, 0x11, 0x11];
        for (name, port) in &nodes {
            NameLine { name, port: *port }.emit(&mut bytes);
        }
        let whole = ask_names(&[&bytes]);
        prop_assert_eq!(&whole, &Ok(nodes.into_iter().rev().collect()));
        prop_assert_eq!(&ask_names(&pieces(&bytes, &cuts)), &whole);
        bytes.extend(&noise);
        prop_assert_eq!(ask_names(&pieces(&bytes, &cuts)), ask_names(&[&bytes]));
        prop_assert_eq!(ask_names(&pieces(&noise, &cuts)), ask_names(&[&noise]));
    }
}

#[test]
fn short_answers_survive_the_wire() {
    for answer in [KillResp::No, KillResp::Ok] {
        let bytes = emitted(|out| answer.emit(out), answer.encoded_len());
        assert_eq!(KillResp::parse(&bytes), Ok(Some(answer)));
    }
    for answer in [StopResp::NoExist, StopResp::Stopped] {
        let bytes = emitted(|out| answer.emit(out), answer.encoded_len());
        assert_eq!(StopResp::parse(&bytes), Ok(Some(answer)));
    }
    let bytes = emitted(|out| Port2Resp::NotFound.emit(out), Port2Resp::NotFound.encoded_len());
    assert_eq!(Port2Resp::parse(&bytes), Ok(Some(Port2Resp::NotFound)));
}
