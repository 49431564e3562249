//! Native records: those of the newest release and ours, and what older ones make of them.

use core::cmp::Ordering;
use core::time::Duration;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::net_kernel::NodeDownReason;
use netkernel_blocking::core::term::{Atom, ParseErrorKind, Record, Term};
use netkernel_tests::otp::{GIVE_UP, Release};
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::{each_release_and_runtime, each_runtime};

use super::{Choice, OPTIONS, answers, bytes_of, decode, drawn, echo, echoed, encoded, node};

/// A module that declares records, and an expression for what it makes of them.
const SHAPES: &str = "-module(shapes).
-export([all/0]).
-record #point{x, y = 0}.
-record #'Odd Name'{'Field' = [1]}.
-record #empty{}.
-export_record([point]).
all() -> [#point{x = #{1 => #empty{}}}, #'Odd Name'{}, #empty{}].
";

/// One of a few modules, names and fields, so that many are alike; or others.
fn record(choice: &mut Choice) -> Record {
    let any = choice.below(4) == 0;
    let mut name = |few: &[&str]| {
        let text = few[choice.below(few.len() as u64) as usize];
        if any { choice.atom() } else { Atom::new(text).unwrap() }
    };
    let (module, kind) = (name(&["m", "shapes"]), name(&["n", "point"]));
    let mut fields: Vec<(Atom, Term)> = Vec::new();
    for _ in 0..choice.below(4) {
        let name = match choice.below(5) {
            0 => choice.atom(),
            at => Atom::new(["a", "b", "c", "d"][at as usize - 1]).unwrap(),
        };
        if fields.iter().all(|(other, _)| *other != name) {
            fields.push((name, value(choice)));
        }
    }
    Record::new(module, kind, choice.below(2) == 0, fields).unwrap()
}

/// Few numbers, so that they decide at times; a record, a tuple and a map with one; or anything.
fn value(choice: &mut Choice) -> Term {
    match choice.below(7) {
        0 => Term::tuple([record(choice).into(), 1_i64.into()]),
        1 => Term::map([(record(choice).into(), record(choice).into())]),
        2 => record(choice).into(),
        3 | 4 => choice.number(),
        5 => ["1", "1.0", "2", "2.0"][choice.below(4) as usize].parse().unwrap(),
        _ => choice.readable(2),
    }
}

/// Without funs: their order is ours.
fn without_funs(make: impl Fn(&mut Choice) -> Term) -> impl Fn(&mut Choice) -> Term {
    move |choice| loop {
        let term = make(choice);
        if !term.to_string().contains("fun ") {
            return term;
        }
    }
}

/// The release that has them.
const WITH: Release = Release::Newest;

//= docs/spec/term.md#term-record
//= type=test
//= docs/spec/term.md#term-display-record
//= type=test
//= docs/spec/term.md#term-parse-errors
//= type=test
#[test]
fn records_have_the_bytes_and_the_text_of_erlang() {
    let (_epmd, erl) = node(WITH);
    erl.load("shapes", SHAPES);
    let declared = bytes_of(&erl, "shapes:all()");
    assert_eq!(encoded(&decode(&declared)), declared);
    let text = "[#shapes:point{x = #{1 => #shapes:empty{}},y = 0},#shapes:'Odd Name'{'Field' = [1]},#shapes:empty{}]";
    assert_eq!(decode(&declared).to_string(), text);

    let mut records = drawn(500, |choice| Term::from(record(choice)));
    records.extend(decode(&declared).as_list().unwrap().iter().cloned());
    let theirs = answers(&erl, &records, &format!("fun(R) -> term_to_binary(R, {OPTIONS}) end"));
    let printed = answers(
        &erl,
        &records,
        "fun(R) -> unicode:characters_to_binary(io_lib:format(\"~0ktp\", [R])) end",
    );
    let parsed = answers(
        &erl,
        &printed,
        "fun(B) -> {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(B) ++ \" .\"), \
            element(1, erl_parse:parse_term(Tokens)) end",
    );
    for ((record, theirs), (printed, parsed)) in
        records.iter().zip(&theirs).zip(printed.iter().zip(&parsed))
    {
        let Term::Binary(theirs) = theirs else { panic!("{theirs}") };
        assert_eq!((encoded(record), &decode(theirs)), (theirs.to_vec(), record));
        let Term::Binary(printed) = printed else { panic!("{printed}") };
        let printed = core::str::from_utf8(printed).unwrap();
        assert_eq!(record.to_string(), printed);
        assert_eq!(parsed.as_atom().map(Atom::as_str), Some("error"), "{printed}");
        let kind = printed.parse::<Term>().map_err(|error| error.kind);
        assert_eq!(kind, Err(ParseErrorKind::Unreadable), "{printed}");
    }
    // What its functions tell of ours.
    let told = answers(
        &erl,
        &decode(&declared).as_list().unwrap()[..1],
        "fun(R) -> {records:get_module(R), records:get_name(R), records:is_exported(R), \
            records:get_field_names(R), records:get(y, R)} end",
    );
    assert_eq!(told, ["{shapes,point,true,[x,y],0}".parse().unwrap()]);
}

//= docs/spec/term.md#term-order
//= type=test
//= docs/spec/term.md#term-order-record
//= type=test
#[test]
fn records_have_the_order_of_erlang() {
    let (_epmd, erl) = node(WITH);
    let mut terms = drawn(60, without_funs(|choice| record(choice).into()));
    terms.extend(drawn(10, without_funs(|choice| choice.readable(2))));
    let list = ["{}", "{a}", "#{}", "#{a => 1}", "[]", "[a]", "1", "1.0", "a", "<<>>"];
    terms.extend(list.map(|text| text.parse().unwrap()));
    let all: String =
        encoded(&Term::list(terms.clone())).iter().map(|byte| format!("{byte:02X}")).collect();
    for (compare, ours) in [
        ("erts_internal:cmp_term(A, B)", Term::cmp as fn(&Term, &Term) -> Ordering),
        ("if A < B -> -1; A > B -> 1; true -> 0 end", Term::cmp_erlang),
    ] {
        let each = format!(
            "fun(A) -> [{{case {compare} of N when N < 0 -> 0; 0 -> 1; _ -> 2 end, A =:= B}} \
                || B <- binary_to_term(binary:decode_hex(<<\"{all}\">>))] end"
        );
        let rows = answers(&erl, &terms, &each);
        for (one, row) in terms.iter().zip(&rows) {
            for (other, theirs) in terms.iter().zip(row.as_list().unwrap()) {
                let [order, equal] = theirs.as_tuple().unwrap() else { panic!("{theirs}") };
                let order = [Ordering::Less, Ordering::Equal, Ordering::Greater]
                    [usize::try_from(order.as_i64().unwrap()).unwrap()];
                assert_eq!(ours(one, other), order, "{one} and {other} by {compare}");
                assert_eq!(Term::from(one == other), *equal, "{one} and {other}");
            }
        }
    }
    let sorted = answers(&erl, &[Term::list(terms.clone())], "fun lists:sort/1");
    terms.sort_by(Term::cmp_erlang);
    assert_eq!(sorted, [Term::list(terms)]);
}

each_runtime! {
    //= docs/spec/term.md#term-record
    //= type=test
    //= docs/spec/handshake.md#hs-flags-values
    //= type=test
    #[test]
    fn a_process_of_erlang_sends_records_back() {
        let (epmd, erl) = node(WITH);
        let (rust, shop) = echo(&epmd, &erl);
        let records = drawn(100, |choice| Term::from(record(choice)));
        let sent: Vec<_> = records.iter().map(encoded).collect();
        assert_eq!(echoed(&erl, &shop, &sent), records);
        rust.expect_silence(Duration::ZERO);
    }
}

each_release_and_runtime! {
    //= docs/spec/term.md#term-record
    //= type=test
    #[test]
    fn a_node_that_has_no_records_loses_the_link_for_one(release: Release) {
        let (epmd, erl) = node(release);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        rust.connect(erl.name());
        rust.expect_up(erl.name(), NodeType::Visible);
        let (to, name) = (node_name(erl.name()), Atom::new("witness").unwrap());
        let empty = Record::new(name.clone(), name.clone(), false, Vec::new()).unwrap().into();
        rust.mailbox("shop").send_to_name(&name, &to, encoded(&empty)).unwrap();
        if release == WITH {
            erl.wait_event(GIVE_UP, |event| event == "#witness:witness{}");
            rust.expect_silence(Duration::ZERO);
        } else {
            rust.expect_down(erl.name(), NodeDownReason::ConnectionClosed);
            let killed = "{nodedown,'rust@127.0.0.1',#{connection_id";
            let told = erl.wait_event(GIVE_UP, |event| event.starts_with(killed));
            assert!(told.contains("nodedown_reason => killed"), "{told}");
        }
    }
}
