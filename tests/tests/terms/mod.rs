//! Terms for real nodes, and what nodes make of them.
#![expect(clippy::unwrap_used, reason = "this is test code")]

pub(crate) mod corpus;
mod encoded;
mod generate;
mod records;

use core::hash::{BuildHasher as _, Hasher as _};
use std::env;
use std::hash::RandomState;

use netkernel_blocking::core::term::{Atom, Fun, Limits, List, Pid, Record, Term};
use netkernel_blocking::core::{Creation, NodeType};
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, next_message, node_name};
use netkernel_tests::runtime::Mailbox;

pub(crate) use generate::{Choice, fun};

/// What the bytes of a node are to be: as ours, the same for the same term.
pub(crate) const OPTIONS: &str = "[deterministic, {minor_version, 2}]";

/// Choices that every run draws from, and one that is another for each `PROPTEST_RNG_SEED`, or for each run.
pub(crate) fn choices() -> [Choice; 2] {
    let given = env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    eprintln!("PROPTEST_RNG_SEED={seed}"); // shown if the test fails
    [Choice(1), Choice(seed)]
}

/// So many terms from each choice.
pub(crate) fn drawn<T>(each: usize, make: impl Fn(&mut Choice) -> T) -> Vec<T> {
    let terms = |mut choice: Choice| (0..each).map(|_| make(&mut choice)).collect::<Vec<_>>();
    choices().into_iter().flat_map(terms).collect()
}

pub(crate) fn hex(term: &Term) -> String {
    encoded(term).iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The same, but for who made a fun: since OTP 27 a node does not keep that, and says that it was its own `init`.
pub(crate) fn without_makers(term: Term) -> Term {
    let nobody = Pid { node: Atom::new("").unwrap(), id: 0, serial: 0, creation: Creation(0) };
    with_funs(term, &|fun| Fun { pid: nobody.clone(), ..fun })
}

/// The same, but for the numbers that funs had of old: OTP 29 takes those of the fun that came first, of all whose other numbers
/// are the same.
pub(crate) fn without_old_numbers(term: Term) -> Term {
    with_funs(term, &|fun| Fun { old_index: 0, old_unique: 0, ..fun })
}

/// The same with other funs.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others have no terms in them")]
fn with_funs(term: Term, edit: &impl Fn(Fun) -> Fun) -> Term {
    let one = |term| with_funs(term, edit);
    let all = |terms: Vec<Term>| terms.into_iter().map(one).collect::<Vec<_>>();
    match term {
        Term::Fun(fun) => edit(Fun { free: all(fun.free.clone()), ..Fun::clone(&fun) }).into(),
        Term::Tuple(terms) => Term::Tuple(all(terms)),
        Term::Map(map) => Term::map(map.into_iter().map(|(key, value)| (one(key), one(value)))),
        Term::Record(it) => {
            let (module, name) = (it.module().clone(), it.name().clone());
            let exported = it.is_exported();
            let fields = it.into_fields().into_iter();
            let fields = fields.map(|(name, value)| (name, one(value))).collect();
            Record::new(module, name, exported, fields).unwrap().into()
        }
        Term::List(list) => {
            let tail = list.tail().cloned().map_or(Term::NIL, one);
            List::with_tail(all(list.elements().to_vec()), tail)
        }
        leaf => leaf,
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Term {
    Term::decode(bytes, &Limits::default()).unwrap()
}

/// What a node makes of these terms, element by element; `each` is a fun of Erlang.
pub(crate) fn answers(erl: &Erl, terms: &[Term], each: &str) -> Vec<Term> {
    let given = hex(&Term::list(terms.to_vec()));
    let answer = bytes_of(
        erl,
        &format!("lists:map({each}, binary_to_term(binary:decode_hex(<<\"{given}\">>)))"),
    );
    decode(&answer).as_list().unwrap().to_vec()
}

/// The value of an expression, encoded by the node.
pub(crate) fn bytes_of(erl: &Erl, expression: &str) -> Vec<u8> {
    let options = "[deterministic, {minor_version, 2}]";
    let text = erl.eval(&format!(
        "binary_to_list(binary:encode_hex(term_to_binary({expression}, {options})))"
    ));
    let digits = text.trim_matches('"').as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

pub(crate) fn encoded(term: &Term) -> Vec<u8> {
    let mut out = Vec::new();
    term.encode(&mut out).unwrap();
    out
}

/// A node of ours, its mailbox, and a link with a node where a process, `echo`, sends each message back to that mailbox.
pub(crate) fn echo(epmd: &Epmd, erl: &Erl) -> (Ours, Mailbox) {
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    rust.connect(erl.name());
    rust.expect_up(erl.name(), NodeType::Visible);
    let shop = rust.mailbox("shop");
    let echo = "Echo = spawn(fun() ->
            true = register(echo, self()),
            witness ! ready,
            (fun Loop() -> receive M -> {shop, 'rust@127.0.0.1'} ! M, Loop() end end)()
        end),
        is_pid(Echo)";
    assert_eq!(erl.eval(echo), "true");
    erl.wait_event(GIVE_UP, |event| event == "ready");
    (rust, shop)
}

/// Has that process send these back, and tells what comes.
pub(crate) fn echoed(erl: &Erl, shop: &Mailbox, sent: &[Vec<u8>]) -> Vec<Term> {
    let (to, name) = (node_name(erl.name()), Atom::new("echo").unwrap());
    for bytes in sent {
        shop.send_to_name(&name, &to, bytes.clone()).unwrap();
    }
    sent.iter().map(|_| decode(&next_message(shop))).collect()
}

pub(crate) fn node(release: Release) -> (Epmd, Erl) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "terms"));
    (epmd, erl)
}

/// These two words are reserved since OTP 27.
pub(crate) fn has_new_words(text: &str) -> bool {
    ["maybe", "else"].iter().any(|word| text.contains(word))
}
