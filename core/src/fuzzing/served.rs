//! What nodes send to servers, group leaders and `rex`, and what becomes of a call.

use alloc::vec::Vec;
use bytes::Bytes;

use crate::calls::erpc::{self, Execution, Outcome};
use crate::calls::gen_server::{CallFailure, Message};
use crate::calls::io::{self, Step};
use crate::calls::rpc::Rex;
use crate::term::{Limits, Term};

/// More than a description of a refused request takes.
const ANSWER_MAX: usize = 600;

/// A message: what it is to a server, a group leader and `rex` is what was sent, and is answered once, in a bounded length;
/// what a call that has ended so says is what its caller reads.
pub fn calls(input: &[u8]) {
    // Fewer levels than others, so that what is built around the term is no deeper than they take.
    let inner = Limits { depth: Limits::default().depth - 8, ..Limits::default() };
    let Ok(term) = Term::decode(input, &inner) else { return refused(input) };
    let message = bytes(&term);
    server(&message, &term);
    rex(&term);
    group_leader(&message, &term);
    executed(term);
    let _ = CallFailure::of_down(&message, &Limits::default());
}

fn bytes(term: &Term) -> Bytes {
    let mut out = Vec::new();
    term.encode(&mut out).unwrap();
    out.into()
}

fn read(bytes: &[u8]) -> Term {
    Term::decode(bytes, &Limits::default()).unwrap()
}

/// What somebody waits for that is no term, or breaks the limits, is known by who asks still, or by nobody.
fn refused(input: &[u8]) {
    let few = Limits { depth: 3, integer_bytes: 8, terms: 8 };
    if let Ok(io::Message::Request(mut request)) = io::Message::parse(input, &few) {
        assert_eq!(io::Request::asker(input).as_ref(), Some(request.from()));
        answered(&mut request, input.len());
    }
}

fn server(message: &Bytes, term: &Term) {
    let parsed = Message::parse(message, &Limits::default()).unwrap();
    assert_eq!(parsed, Message::of(term.clone()));
    let sent = match parsed {
        Message::Call(client, body) => {
            let (_, reply) = client.reply(&body).unwrap();
            let from = Term::from(&client);
            assert_eq!(read(&reply).as_tuple().map(|it| &it[1]), Some(&body));
            Term::tuple([Term::literal("$gen_call"), from, body])
        }
        Message::Cast(body) => Term::tuple([Term::literal("$gen_cast"), body]),
        Message::System(client, system) => {
            return assert!(read(&client.reply(&system.answer()).unwrap().1).as_tuple().is_some());
        }
        Message::Info(term) => term,
    };
    assert_eq!(sent, *term);
}

/// Names and arguments are those that stand in the message.
fn rex(term: &Term) {
    let shown = |part: &Term| shown(term, part);
    match Rex::of(term.clone()) {
        Rex::Call(_, Ok((module, function, arguments)))
        | Rex::Cast(Ok((module, function, arguments))) => {
            assert!(shown(&module.into()) && shown(&function.into()));
            assert!(shown(&arguments.into()));
        }
        Rex::Features(from) => assert!(shown(&from.into())),
        Rex::Broadcast(_, name, message) | Rex::Send(_, name, message) => {
            assert!(shown(&name.into()) && shown(&message));
        }
        Rex::Call(_, Err(_)) | Rex::Cast(Err(_)) | Rex::Nothing => {}
    }
}

/// Whether this is a part of a term, as far as their texts tell.
fn shown(term: &Term, part: &Term) -> bool {
    alloc::format!("{term}").contains(&alloc::format!("{part}"))
}

fn group_leader(message: &Bytes, term: &Term) {
    let parsed = io::Message::parse(message, &Limits::default()).unwrap();
    assert_eq!(parsed, io::Message::of(term.clone()));
    match parsed {
        io::Message::Request(mut request) => {
            assert_eq!(io::Request::asker(message).as_ref(), Some(request.from()));
            let mut refused = request.clone();
            answered(&mut request, message.len());
            refused.refuse();
            assert!(matches!(refused.step(), Step::Reply(_)));
        }
        io::Message::Log(log) => assert!(shown(term, &log.level.into())),
        io::Message::Other(other) => assert_eq!(other, *term),
    }
}

/// There is one step at most for each byte of the request. A function that is to be called gives its arguments, which are a text or none.
fn answered(request: &mut io::Request, len: usize) {
    let mut written = 0;
    for _ in 0..=len {
        match request.step() {
            Step::Write(text) => written += text.len(),
            Step::Apply(apply) => {
                let text = request.applied(&apply.arguments.into());
                written += text.map_or(0, |text| text.len());
            }
            Step::Reply(reply) => {
                // A character of a byte takes two, and one in a list has at least a byte of its own for each two of it.
                assert!(written <= 4 * len, "{written} bytes are written of {len}");
                assert!(reply.len() <= len + ANSWER_MAX);
                assert_eq!(read(&reply).as_tuple().map(<[Term]>::len), Some(3));
                return assert_eq!(request.step(), Step::Reply(reply));
            }
        }
    }
    panic!("a request of {len} bytes has no end");
}

fn executed(term: Term) {
    let limits = Limits::default();
    let mark = Term::literal("mark");
    let _ = erpc::outcome(&bytes(&term), &mark, &limits);
    for outcome in [
        Outcome::Return(term.clone()),
        Outcome::Throw(term.clone()),
        Outcome::Exit(term.clone()),
        Outcome::Error { reason: term.clone(), stack: Term::NIL },
    ] {
        let reason = bytes(&outcome.clone().into_reason(mark.clone()));
        assert_eq!(erpc::outcome(&reason, &mark, &limits), outcome.into_result());
    }
    if let Ok(arguments) = Vec::try_from(term) {
        let count = arguments.len();
        let execution = Execution::parse(arguments);
        assert_eq!(execution.result.is_some(), count == 4);
        assert!(execution.call.is_err() || count == 3 || count == 4);
    }
}
