//! Terms in bytes, in text and in order, compared with real nodes.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::cmp::Ordering;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::collections::BTreeSet;
use std::panic::catch_unwind;

use netkernel_blocking::core::term::{Atom, Limits, Term};
use netkernel_tests::otp::{Erl, Release};
use netkernel_tests::ours::term_expression;
use netkernel_tests::{each_release, each_release_and_runtime};
use terms::corpus::{Difference, Verdict, differences, inputs, kinds};
use terms::{
    Choice, OPTIONS, answers, bytes_of, decode, drawn, echo, echoed, encoded, fun, has_new_words,
    hex, node, without_makers, without_old_numbers,
};

mod terms;

/// For what a node has taken.
const WIDE: Limits = Limits { depth: 1000, integer_bytes: 1 << 20, terms: 1 << 24 };

/// What a node does with these bytes.
fn verdicts(erl: &Erl, inputs: impl IntoIterator<Item = Vec<u8>>) -> Vec<Verdict> {
    let inputs: Vec<_> = inputs.into_iter().map(|bytes| Term::Binary(bytes.into())).collect();
    let each = format!(
        "fun(B) -> try binary_to_term(B) of T -> term_to_binary(T, {OPTIONS})
            catch error:badarg -> refused end end"
    );
    let answers = answers(erl, &inputs, &each);
    assert_eq!(answers.len(), inputs.len());
    let verdict = |answer: &Term| {
        let Term::Binary(bytes) = answer else { return Verdict::Refused };
        Verdict::Taken(Term::decode(bytes, &WIDE).map(without_makers))
    };
    answers.iter().map(verdict).collect()
}

/// What we do with them.
fn our_verdict(bytes: &[u8]) -> Verdict {
    let taken = |term| Verdict::Taken(Ok(without_makers(term)));
    Term::decode(bytes, &Limits::default()).map_or(Verdict::Refused, taken)
}

/// Texts of which we know that a release reads them in its own way, or that the blank behind them would count.
fn reads_differently(release: Release, text: &str) -> bool {
    let is_open = text.ends_with(['$', '\\', '^']);
    is_open
        || match release {
            Release::Otp25 => text.contains("\\^") || text.contains("\"\""),
            Release::Otp27 => false,
            // Floats of other bases.
            Release::Newest => text.contains('#') && text.contains('.'),
        }
}

/// That a node ends when it decodes this.
fn ends_a_node(release: Release, bytes: &[u8]) {
    let (_epmd, mut erl) = node(release);
    let asked = catch_unwind(AssertUnwindSafe(|| erl.try_eval(&term_expression(bytes))));
    assert!(asked.is_err(), "{release} lives on: {asked:?}");
    erl.wait_end();
}

each_release! {
    //= docs/spec/term.md#term-display
    //= type=test
    //= docs/spec/term.md#term-display-map
    //= type=test
    //= docs/spec/term.md#term-display-quoted
    //= type=test
    //= docs/spec/term.md#term-display-string
    //= type=test
    //= docs/spec/term.md#term-display-binary
    //= type=test
    //= docs/spec/term.md#term-display-float
    //= type=test
    //= docs/spec/term.md#term-parse
    //= type=test
    #[test]
    fn erlang_prints_and_reads_what_we_do(release: Release) {
        let (_epmd, erl) = node(release);
        let terms = drawn(1000, |choice| choice.readable(3));
        let format = if release == Release::Otp25 { "~0tp" } else { "~0ktp" };
        let printed = answers(&erl, &terms, &format!(
            "fun(T) -> unicode:characters_to_binary(io_lib:format(\"{format}\", [T])) end"
        ));
        for (term, printed) in terms.iter().zip(&printed) {
            let Term::Binary(printed) = printed else { panic!("{printed}") };
            let printed = core::str::from_utf8(printed).unwrap();
            assert!(!has_new_words(printed), "{printed}");
            assert_eq!(term.to_string(), printed);
            assert_eq!(printed.parse().as_ref(), Ok(term));
        }
        // And they read what we print.
        let ours = Term::list(terms.iter().map(|term| Term::Binary(format!("{term} .").into())));
        let read = answers(&erl, ours.as_list().unwrap(),
            "fun(B) -> {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(B)), \
                {ok, T} = erl_parse:parse_term(Tokens), T end");
        assert_eq!(read, terms);
    }

    //= docs/spec/term.md#term-parse
    //= type=test
    //= docs/spec/term.md#term-parse-errors
    //= type=test
    #[test]
    fn texts_are_terms_for_us_if_they_are_for_erlang(release: Release) {
        let (_epmd, erl) = node(release);
        let mut texts = drawn(10_000, Choice::written);
        texts.retain(|text| !reads_differently(release, text));
        let given: Vec<Term> = texts.iter().map(|text| Term::Binary(text.clone().into())).collect();
        let read = answers(&erl, &given,
            "fun(B) -> case erl_scan:string(unicode:characters_to_list([B, \" .\"])) of \
                {ok, Tokens, _} -> case erl_parse:parse_term(Tokens) of {ok, T} -> [T]; {error, _} -> [] end; \
                {error, _, _} -> [] end end");
        for (text, theirs) in texts.iter().zip(&read) {
            assert_eq!(Term::parse(text, &WIDE).ok().as_ref(), theirs.as_list().unwrap().first(), "{text}");
        }
        let taken = read.iter().filter(|read| read.as_list() != Some(&[])).count();
        // Enough of both kinds.
        assert!((texts.len() / 5..texts.len() / 5 * 4).contains(&taken), "{taken}");
    }

    //= docs/spec/term.md#term-decode
    //= type=test
    //= docs/spec/term.md#term-encode
    //= type=test
    //= docs/spec/term.md#term-encode-string
    //= type=test
    #[test]
    fn bytes_of_erlang_lead_to_terms_and_back_to_the_same_bytes(release: Release) {
        let (_epmd, erl) = node(release);
        for expression in [
            "self()",
            "make_ref()",
            "monitor(process, self(), [{alias, explicit_unalias}])",
            "fun lists:map/2",
            "(fun(X) -> fun(Y) -> {X, Y} end end)([a, #{}])",
            "fun() -> self() end",
            "erlang:system_info(otp_release)",
            "lists:seq(0, 255)",
            "lists:duplicate(65535, $a)",
            "lists:duplicate(65536, $a)",
            "list_to_tuple(lists:seq(1, 300))",
            "1 bsl 3000",
            "-1 bsl 2039",
            "[1 bsl N || N <- lists:seq(0, 70)]",
            "[-1 bsl N || N <- lists:seq(0, 70)]",
            "[a, b | <<1:3>>]",
            "[list_to_atom(lists:duplicate(N, 16#20AC)) || N <- [0, 85, 86, 255]]",
            "#{1 => a, 1.0 => b, \"k\" => <<>>, {} => [], z => #{b => 1, a => 2}}",
            "erlang:process_info(self())",
        ] {
            let theirs = bytes_of(&erl, expression);
            let term = decode(&theirs);
            let mut ours = Vec::new();
            term.encode(&mut ours).unwrap();
            assert_eq!(ours, theirs, "{expression}: {term}");
        }
        let any = |choice: &mut Choice| if choice.below(10) == 0 { choice.identifier() } else { choice.readable(3) };
        let terms = drawn(1000, any);
        let theirs = answers(&erl, &terms, &format!("fun(T) -> term_to_binary(T, {OPTIONS}) end"));
        for (term, theirs) in terms.iter().zip(&theirs) {
            let Term::Binary(theirs) = theirs else { panic!("{theirs}") };
            assert_eq!(decode(theirs), *term);
            if release == Release::Otp25 && matches!(term, Term::Port(_)) {
                continue;
            }
            let mut ours = Vec::new();
            term.encode(&mut ours).unwrap();
            assert_eq!(ours, *theirs, "{term}");
        }
    }

    //= docs/spec/term.md#term-decode
    //= type=test
    //= docs/spec/term.md#term-decode-list
    //= type=test
    #[test]
    fn bytes_in_any_encoding_are_the_same_term_for_both(release: Release) {
        let (_epmd, erl) = node(release);
        let inputs = drawn(500, Choice::encoded);
        let theirs = verdicts(&erl, inputs.iter().cloned());
        for (bytes, theirs) in inputs.iter().zip(&theirs) {
            assert_eq!(our_verdict(bytes), *theirs, "{bytes:02X?}");
        }
        let taken = theirs.iter().filter(|verdict| matches!(verdict, Verdict::Taken(_))).count();
        assert!(taken > inputs.len() / 2, "{taken} of {} taken", inputs.len());
    }

    //= docs/spec/term.md#term-decode
    //= type=test
    //= docs/spec/term.md#term-map-keys
    //= type=test
    //= docs/spec/term.md#term-limits
    //= type=test
    #[test]
    fn what_the_corpora_have_is_taken_and_refused_alike(release: Release) {
        let rows = differences();
        let named = |bytes: &[u8]| -> Vec<&Difference> {
            let kinds = kinds(bytes);
            rows.iter().filter(|row| kinds.contains(&&*row.kind)).collect()
        };
        let ends = |bytes: &[u8]| named(bytes).iter().any(|row| row.is_fatal(release));
        let (fatal, inputs): (Vec<_>, Vec<_>) =
            inputs().into_iter().partition(|(_, bytes)| ends(bytes));
        let mut seen = BTreeSet::new();
        // One of those that a node does not survive tells that of all.
        let taken = fatal.iter().filter(|(_, bytes)| our_verdict(bytes) != Verdict::Refused);
        if let Some((_, bytes)) = taken.min_by_key(|(_, bytes)| bytes.len()) {
            ends_a_node(release, bytes);
            seen.extend(named(bytes).iter().map(|row| &row.kind));
        }
        let (_epmd, erl) = node(release);
        let theirs = verdicts(&erl, inputs.iter().map(|(_, bytes)| bytes.clone()));
        let mut wrong = Vec::new();
        for ((name, bytes), theirs) in inputs.iter().zip(theirs) {
            let (mut ours, mut theirs) = (our_verdict(bytes), theirs);
            if release == Release::Newest {
                (ours, theirs) = (ours.map(without_old_numbers), theirs.map(without_old_numbers));
            }
            if ours == theirs {
                continue;
            }
            match named(bytes).iter().find(|row| row.explains(release, &theirs, &ours)) {
                Some(row) => seen.extend(row.is_certain(release).then_some(&row.kind)),
                None => wrong.push(format!("{name}: they {theirs:?}, we {ours:?}\n")),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.concat());
        let certain = rows.iter().filter(|row| row.is_certain(release));
        assert_eq!(seen, certain.map(|row| &row.kind).collect(), "not seen, or without a row");
    }

    //= docs/spec/term.md#term-order
    //= type=test
    //= docs/spec/term.md#term-order-map
    //= type=test
    //= docs/spec/term.md#term-order-numbers
    //= type=test
    #[test]
    fn lists_are_sorted_as_by_erlang(release: Release) {
        let (_epmd, erl) = node(release);
        let element = |choice: &mut Choice| if choice.below(3) == 0 { choice.number() } else { choice.readable(2) };
        let lists: Vec<Vec<Term>> = drawn(50, |choice| choice.some(30, element));
        let given: Vec<Term> = lists.iter().cloned().map(Term::list).collect();
        // `lists:sort/1` may turn round `1` and `1.0`, `lists:sort/2` leaves what is equal as it was.
        let sorted = answers(&erl, &given, "fun(L) -> lists:sort(fun(A, B) -> A =< B end, L) end");
        for (mut ours, theirs) in lists.into_iter().zip(sorted) {
            ours.sort_by(Term::cmp_erlang);
            assert_eq!(Term::list(ours), theirs);
        }
    }

    //= docs/spec/term.md#term-order
    //= type=test
    //= docs/spec/term.md#term-order-map
    //= type=test
    //= docs/spec/term.md#term-order-numbers
    //= type=test
    //= docs/spec/term.md#term-order-fun
    //= type=test
    #[test]
    fn terms_have_the_order_of_erlang(release: Release) {
        let (_epmd, erl) = node(release);
        let mut choice = Choice(3);
        let mut terms: Vec<Term> = Vec::new();
        terms.extend((0..60).map(|_| choice.number()));
        terms.extend((0..40).map(|_| choice.identifier()));
        terms.extend((0..40).map(|_| choice.fun()));
        terms.extend((0..150).map(|_| choice.readable(2)));
        terms.extend(["fun a:a/1", "fun a:a/2", "fun a:b/0", "fun aa:a/0", "fun b:a/0"].map(|text| text.parse().unwrap()));
        terms.extend(["[1]", "[1.0]", "[1|2]", "[1,2]", "{1}", "{1.0}", "#{1 => 1}", "#{1.0 => 1}",
            "#{a => 1.0}", "#{a => 1}", "9007199254740993", "9007199254740992.0", "1.0e30",
            "1000000000000000019884624838656", "1000000000000000019884624838657"]
            .map(|text| text.parse().unwrap()));
        let all = Term::list(terms.clone());
        for (compare, ours) in [
            ("erts_internal:cmp_term(A, B)", Term::cmp as fn(&Term, &Term) -> Ordering),
            ("if A < B -> -1; A > B -> 1; true -> 0 end", Term::cmp_erlang),
        ] {
            let each = format!(
                "fun(A) -> [case {compare} of N when N < 0 -> 0; 0 -> 1; _ -> 2 end \
                    || B <- binary_to_term(binary:decode_hex(<<\"{}\">>))] end", hex(&all)
            );
            let rows = answers(&erl, &terms, &each);
            for (one, row) in terms.iter().zip(&rows) {
                for (other, theirs) in terms.iter().zip(row.as_list().unwrap()) {
                    let theirs = [Ordering::Less, Ordering::Equal, Ordering::Greater]
                        [usize::try_from(theirs.as_i64().unwrap()).unwrap()];
                    assert_eq!(ours(one, other), theirs, "{one} and {other} by {compare}");
                }
            }
        }
    }

    /// Its order of such funs is none: the sign of a difference in 32 bits.
    //= docs/spec/term.md#term-order-fun
    //= type=test
    #[test]
    fn an_index_of_a_fun_counts_as_erlang_counts_it_where_that_is_an_order(release: Release) {
        let (_epmd, erl) = node(release);
        let indexes = [0, 1, 2, 0x7FFF_FFFE, 0x7FFF_FFFF, 1 << 31, 0x8000_0001, u32::MAX - 1, u32::MAX];
        let funs = indexes.map(|index| Term::from(fun(Atom::new("a").unwrap(), index, Vec::new())));
        let each = format!(
            "fun(A) -> [case A < B of true -> -1; false when A > B -> 1; false -> 0 end \
                || B <- binary_to_term(binary:decode_hex(<<\"{}\">>))] end",
            hex(&Term::list(funs.clone()))
        );
        let rows = answers(&erl, &funs, &each);
        let mut ordered = 0;
        for ((index, one), row) in indexes.iter().zip(&funs).zip(&rows) {
            for ((other_index, other), theirs) in indexes.iter().zip(&funs).zip(row.as_list().unwrap()) {
                let apart = i64::from(*index as i32) - i64::from(*other_index as i32);
                let wrapped = index.wrapping_sub(*other_index) as i32;
                assert_eq!(theirs.as_i64(), Some(wrapped.signum().into()), "{index} and {other_index}");
                if apart == i64::from(wrapped) {
                    assert_eq!(one.cmp_erlang(other), apart.cmp(&0), "{index} and {other_index}");
                    ordered += 1;
                }
            }
        }
        assert_eq!((ordered, indexes.len() * indexes.len()), (61, 81));
    }
}

each_release_and_runtime! {
    //= docs/spec/channel.md#ch-send
    //= type=test
    //= docs/spec/term.md#term-encode
    //= type=test
    #[test]
    fn an_echo_process_sends_every_term_back_in_order(release: Release) {
        let (epmd, erl) = node(release);
        let (rust, shop) = echo(&epmd, &erl);
        let any = |choice: &mut Choice| match choice.below(10) {
            0 => encoded(&choice.identifier()),
            1..=6 => encoded(&choice.readable(3)),
            _ => choice.encoded(),
        };
        // A map that has a key twice would end the link.
        let mut sent = drawn(200, any);
        sent.retain(|bytes| our_verdict(bytes) != Verdict::Refused);
        assert!(sent.len() >= 300, "{} of 400", sent.len());
        for (back, bytes) in echoed(&erl, &shop, &sent).into_iter().zip(&sent) {
            assert_eq!(without_makers(back), without_makers(decode(bytes)), "{bytes:02X?}");
        }
        assert_eq!(shop.try_recv().map(|item| format!("{item:?}")), None);
        rust.expect_silence(Duration::ZERO);
    }
}
