//! What `--json` makes of terms, beside `json:encode/1` of the releases that have it, and read by their `json:decode/1`.
#![expect(clippy::unwrap_used, reason = "this is test code")]

use netkernel_blocking::core::term::Term;
use netkernel_tests::command;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release, TempDir};

#[allow(dead_code, unreachable_pub, reason = "others use the rest")]
#[path = "terms/generate.rs"]
mod generate;

const PAGE: &str = include_str!("../../docs/command.md");

/// Reads what the command has printed, and tells of each value how `json:encode/1` has the term: as it stands there, otherwise, or not at all.
const COMPARE: &str = "
-module(compare).
-export([terms/0, with/1]).
terms() -> persistent_term:get(terms).
with(Line) ->
    #{<<\"value\">> := Values} = json:decode(Line),
    [compare(Term, Value) || {Term, Value} <- lists:zip(terms(), Values)].
compare(Term, Value) ->
    try iolist_to_binary(json:encode(Term)) of
        Text -> case json:decode(Text) =:= Value of true -> same; false -> Text end
    catch error:_ -> refused
    end.
";

/// The largest number that all readers tell from the next one.
const EXACT: i64 = (1 << 53) - 1;

/// Whether docs/command.md has the term as `json:encode/1` has it.
#[expect(clippy::wildcard_enum_match_arm, reason = "JSON has nothing else")]
fn is_plain(term: &Term) -> bool {
    let is_text = |bytes: &[u8]| core::str::from_utf8(bytes).is_ok();
    match term {
        Term::Integer(number) => number.to_i64().is_some_and(|it| (-EXACT..=EXACT).contains(&it)),
        Term::Float(_) | Term::Atom(_) => true,
        Term::Binary(bytes) => is_text(bytes),
        Term::List(list) => list.tail().is_none() && list.elements().iter().all(is_plain),
        Term::Map(map) => {
            let text = |key: &Term| match key {
                Term::Atom(atom) => Some(atom.as_str().to_owned()),
                other => <&str>::try_from(other).ok().map(str::to_owned),
            };
            let keys: Vec<_> = map.iter().map(|(key, _)| text(key)).collect();
            let is_own = |key: &Option<String>| key.as_ref().is_none_or(|key| key.starts_with('$'));
            let mut known = keys.clone();
            known.sort();
            known.dedup();
            known.len() == keys.len()
                && !keys.iter().any(is_own)
                && map.iter().all(|(_, value)| is_plain(value))
        }
        _ => false,
    }
}

/// What the command prints for `netkernel call NODE compare:terms --json`.
fn printed(erl: &Erl, epmd: u16) -> String {
    let home = TempDir::new();
    let port = epmd.to_string();
    let arguments = ["call", erl.name(), "compare:terms", "--json", "--cookie", "secret"];
    let output = command::run(home.path(), &[&arguments[..], &["--epmd-port", &port]].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// How each of these is in JSON by Erlang, if not as here.
fn compared(erl: &Erl, epmd: u16, terms: &[Term]) -> Vec<Term> {
    let atom = |text: &str| text.parse().unwrap();
    erl.apply("persistent_term", "put", vec![atom("terms"), Term::list(terms.to_vec())]);
    let verdicts = erl.apply("compare", "with", vec![printed(erl, epmd).as_str().into()]);
    let verdicts = Vec::try_from(verdicts).unwrap();
    assert_eq!(verdicts.len(), terms.len());
    verdicts
}

/// Term, what is printed here, and what `json:encode/1` gives, of the rows of the page.
fn rows() -> Vec<[String; 3]> {
    let (_, table) = PAGE.split_once("| Term | Here | `json:encode/1` |\n|---|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|')).map(|line| {
        let line = line.replace("\\|", "\u{0}");
        let cells: Vec<_> = line.trim_matches('|').split('|').collect();
        let cell = |at: usize| cells[at].trim().trim_matches('`').replace('\u{0}', "|");
        assert_eq!(cells.len(), 3, "{line}");
        [cell(0), cell(1), cell(2)]
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() > 10, "{rows:?}");
    rows
}

fn scenario(release: Release) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
    erl.load("compare", COMPARE);
    // Those of the page, to the letter.
    let rows = rows();
    let terms: Vec<Term> = rows.iter().map(|[term, ..]| term.parse().unwrap()).collect();
    let verdicts = compared(&erl, epmd.port(), &terms);
    let line = printed(&erl, epmd.port());
    let (_, values) = line.split_once("\"value\":[").unwrap();
    let mut rest = values.trim_end().strip_suffix("]}").unwrap();
    for ([term, here, theirs], verdict) in rows.iter().zip(&verdicts) {
        rest = rest.strip_prefix(&**here).unwrap_or_else(|| panic!("{term}: {rest}"));
        rest = rest.strip_prefix(',').unwrap_or(rest);
        let verdict = <&str>::try_from(verdict).map_or_else(|_| verdict.to_string(), str::to_owned);
        assert_eq!(verdict, *theirs, "{term}");
    }
    assert_eq!(rest, "");

    let mut choice = generate::Choice(1);
    let mut terms: Vec<_> = (0..800).map(|_| choice.readable(3)).collect();
    let written = [
        "0",
        "-9007199254740991",
        "1.0",
        "-0.0",
        "1.0e22",
        "5.0e-324",
        "1.7976931348623157e308",
        "true",
        "'TRUE'",
        "''",
        "'\u{E9}t\u{E9}'",
        "<<>>",
        "<<0,31,34,92,127>>",
        "<<\"\u{20AC}\u{1F600}\"/utf8>>",
        "[]",
        "\"text\"",
        "[[],[[a]],#{}]",
        "#{a => #{<<\"b\">> => [null]},<<\"\">> => false}",
        "[<<\"io\">>,\"data\"]",
    ];
    terms.extend(written.map(|text| text.parse::<Term>().unwrap()));
    let verdicts = compared(&erl, epmd.port(), &terms);
    let mut plain = 0;
    for (term, verdict) in terms.iter().zip(&verdicts) {
        let is_same = verdict.as_atom().is_some_and(|atom| atom.as_str() == "same");
        assert_eq!(is_same, is_plain(term), "{term}: {verdict}");
        plain += usize::from(is_same);
    }
    assert!(plain > 100 && plain < terms.len() - 100, "{plain} of {}", terms.len());
}

#[test]
fn otp27() {
    scenario(Release::Otp27);
}

#[test]
fn newest() {
    scenario(Release::Newest);
}
