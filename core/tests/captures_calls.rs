//! What calls look like that real nodes of OTP 25 make, as it was captured: V11 and V13.

#![expect(clippy::unwrap_used, reason = "what is captured is known to be valid")]

use netkernel_core::Creation;
use netkernel_core::calls::erpc::{self, Exception, Execution};
use netkernel_core::calls::gen_server::{self, Message, ReplyTo};
use netkernel_core::calls::rpc::{self, Rex};
use netkernel_core::term::{Atom, Limits, List, Pid, Reference, Term};

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn name(text: &str) -> Term {
    atom(text).into()
}

fn process(node: &str, id: u32, creation: u32) -> Pid {
    Pid { node: atom(node), id, serial: 0, creation: Creation(creation) }
}

fn reference() -> Reference {
    Reference::new(atom("otp@localhost"), Creation(0x6B01_62F5), &[1, 2, 3]).unwrap()
}

fn encoded(term: &Term) -> Vec<u8> {
    let mut out = Vec::new();
    term.encode(&mut out).unwrap();
    out
}

/// The reasons with which the process of a call ends: of `erlang:node()`, and of `erlang:error(foo)`.
//= docs/spec/calls.md#erpc-result
//= type=test
#[test]
fn v11_the_ends_of_calls_say_what_they_gave() {
    let mark = Term::from(reference());
    let returned = Term::tuple([mark.clone(), name("return"), name("otp@localhost")]);
    let result = erpc::outcome(&encoded(&returned), &mark, &Limits::default());
    assert_eq!(result, Ok(name("otp@localhost")));

    let entry = Term::tuple([name("erlang"), name("error"), Term::list([name("foo")]), Term::NIL]);
    let stack = Term::list([entry]);
    let failed = Term::tuple([mark.clone(), name("error"), name("foo"), stack.clone()]);
    let result = erpc::outcome(&encoded(&failed), &mark, &Limits::default());
    assert_eq!(result, Err(Exception::Error(Box::new((name("foo"), stack)))));
}

/// `{erpc,execute_call,4}` with `[Ref,erlang,node,[]]`, and `{erpc,execute_cast,3}` with `[erlang,node,[]]`.
//= docs/spec/calls.md#erpc-request
//= type=test
#[test]
fn v13_calls_of_functions_are_made_and_read_as_erlangs() {
    let mark = Term::from(reference());
    let call = [mark.clone(), name("erlang"), name("node"), Term::NIL];
    let ours = erpc::execute_call(&mark, &atom("erlang"), &atom("node"), &[]).unwrap();
    assert_eq!(ours.function().to_string(), "erpc:execute_call/4");
    assert_eq!(ours.arguments(&Limits::default()), Ok(call.to_vec()));
    let ours = erpc::execute_cast(&atom("erlang"), &atom("node"), &[]).unwrap();
    assert_eq!(ours.function().to_string(), "erpc:execute_cast/3");
    assert_eq!(ours.arguments(&Limits::default()), Ok(call[1..].to_vec()));

    let asked = Ok((atom("erlang"), atom("node"), Vec::new()));
    let read = Execution::parse(call.to_vec());
    assert_eq!(read, Execution { result: Some(mark), call: asked.clone() });
    assert_eq!(Execution::parse(call[1..].to_vec()), Execution { result: None, call: asked });
}

/// `gen_server:call({foo,N},req)` with an alias, and `global:set_lock/2` without one.
//= docs/spec/calls.md#call-request
//= type=test
//= docs/spec/calls.md#call-reply-to
//= type=test
#[test]
fn v13_calls_of_servers_are_made_and_answered_as_erlangs() {
    let own = process("otp@localhost", 0x59, 0x6B01_62F5);
    let alias: Term = List::with_tail(vec![name("alias")], reference().into());
    let from = Term::tuple([own.clone().into(), alias.clone()]);
    let call = Term::tuple([name("$gen_call"), from, name("req")]);
    assert_eq!(gen_server::call(&own, &reference(), &name("req")).unwrap(), encoded(&call));
    let Message::Call(client, body) = Message::of(call) else { panic!("it is a call") };
    assert_eq!((client.pid(), &body), (&own, &name("req")));
    let reply = Term::tuple([alias, name("yes")]);
    let expected = (ReplyTo::Alias(reference()), encoded(&reply).into());
    assert_eq!(client.reply(&name("yes")), Ok(expected));

    let tag = Term::tuple([reference().into(), name("pysrv@localhost")]);
    let lock = Term::tuple([name("set_lock"), Term::tuple([name("lk"), name("me")])]);
    let from = Term::tuple([own.clone().into(), tag.clone()]);
    let call = Term::tuple([name("$gen_call"), from, lock.clone()]);
    let Message::Call(client, body) = Message::of(call) else { panic!("it is a call") };
    assert_eq!(body, lock);
    let reply = Term::tuple([tag, name("true")]);
    assert_eq!(client.reply(&name("true")), Ok((ReplyTo::Pid(own), encoded(&reply).into())));
}

/// What each visible node asks `rex` when a node comes up.
//= docs/spec/calls.md#rex-features
//= type=test
#[test]
fn v13_the_question_for_features_is_answered() {
    let own = process("otp@localhost", 0x36, 0x6B01_62F5);
    let question = Term::tuple([own.clone().into(), name("features_request")]);
    assert_eq!(Rex::of(question), Rex::Features(own));
    let answer = rpc::features(atom("rust@localhost"));
    assert_eq!(answer.to_string(), "{features_reply,rust@localhost,[erpc]}");
}
