//! Pids, ports and references, with the names of their nodes.

use alloc::vec::Vec;
use nom::Parser as _;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::combinator::map_opt;
use nom::multi::many1;
use nom::sequence::{delimited, pair, preceded};

use super::error::{ParseErrorKind, failure};
use super::{Parsed, scan};
use crate::creation::Creation;
use crate::term::{Atom, Pid, Port, Reference, Term};

/// A pid, a port or a reference, as `Display` prints it. What begins so, and is none, is a text that does not say which term it is.
pub(super) fn id<'t>(input: &'t str, creation_of: &dyn Fn(&Atom) -> Creation) -> Parsed<'t, Term> {
    let pid = map_opt(delimited(tag("<"), numbered, tag(">")), |(node, numbers)| {
        let [id, serial] = *words(&numbers)? else { return None };
        let creation = creation_of(&node);
        Some(Term::Pid(Pid { node, id, serial, creation }))
    });
    let port = map_opt(delimited(tag("#Port<"), numbered, tag(">")), |(node, numbers)| {
        let [id] = *numbers else { return None };
        let creation = creation_of(&node);
        Some(Term::Port(Port { node, id, creation }))
    });
    let reference = map_opt(delimited(tag("#Ref<"), numbered, tag(">")), |(node, numbers)| {
        let creation = creation_of(&node);
        Reference::new(node, creation, &words(&numbers)?).map(Term::from)
    });
    match alt((pid, port, reference)).parse(input) {
        Ok(read) => Ok(read),
        Err(_) => failure(input, ParseErrorKind::Unreadable),
    }
}

/// A node and the numbers behind it.
fn numbered(input: &str) -> Parsed<'_, (Atom, Vec<u64>)> {
    let number = map_opt(scan::digits, |digits| digits.parse().ok());
    pair(scan::atom, many1(preceded(tag("."), number))).parse(input)
}

fn words(numbers: &[u64]) -> Option<Vec<u32>> {
    numbers.iter().map(|&number| u32::try_from(number).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{Atom, is_character};
    use crate::term::{Limits, ParseError};
    use alloc::string::ToString as _;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Term, ParseError> {
        Term::parse_with_ids(text, &Limits::default(), &|node| match node.as_str() {
            "b@h" => Creation(7),
            _ => Creation::NONE,
        })
    }

    //= docs/spec/term.md#term-parse-ids
    //= type=test
    #[test]
    fn ids_are_of_the_incarnation_that_is_told() {
        let node = || Atom::literal("b@h");
        let pid = Pid { node: node(), id: 95, serial: 1, creation: Creation(7) };
        assert_eq!(parse("{<b@h.95.1>}"), Ok(Term::tuple([pid.into()])));
        let reference = Reference::new(node(), Creation(7), &[1, 2, 3]).unwrap();
        assert_eq!(parse("[#Ref<b@h.1.2.3>]"), Ok(Term::list([reference.into()])));
        let port = Port { node: node(), id: u64::MAX, creation: Creation(7) };
        assert_eq!(parse("#Port<b@h.18446744073709551615>"), Ok(Term::Port(port)));
        let Ok(Term::Pid(other)) = parse("<'c@127.0.0.1'.1.0>") else { panic!("a pid") };
        assert_eq!((other.node.as_str(), other.creation), ("c@127.0.0.1", Creation::NONE));
    }

    //= docs/spec/term.md#term-parse-ids
    //= type=test
    #[test]
    fn what_does_not_name_its_node_is_refused() {
        for text in [
            "<0.1.0>",
            "<b@h.1>",
            "<b@h.1.2.3>",
            "<b@h.4294967296.0>",
            "<b@h.1.0",
            "#Ref<0.1>",
            "#Ref<b@h>",
            "#Ref<b@h.1.2.3.4.5.6>",
            "#Port<b@h.1.2>",
            "#Port<b@h.18446744073709551616>",
            "#Fun<a.1.2>",
            "#m:n{a = 1}",
        ] {
            let error = ParseError { offset: 1, kind: ParseErrorKind::Unreadable };
            assert_eq!(parse(&["[", text, "]"].concat()), Err(error), "{text}");
        }
    }

    proptest! {
        //= docs/spec/term.md#term-parse-ids
        //= type=test
        #[test]
        fn ids_that_are_printed_are_read_as_the_same(
            pid: Pid,
            reference: Reference,
            id in any::<u64>(),
        ) {
            // Erlang's scanner takes not all.
            let is_written = |node: &Atom| node.chars().all(is_character);
            prop_assume!(is_written(&pid.node) && is_written(reference.node()));
            let port = Port { node: pid.node.clone(), id, creation: pid.creation };
            for (term, creation) in [
                (Term::from(port), pid.creation),
                (Term::from(pid.clone()), pid.creation),
                (Term::from(reference.clone()), reference.creation()),
            ] {
                let read = Term::parse_with_ids(&term.to_string(), &Limits::default(), &|_| creation);
                prop_assert_eq!(read, Ok(term));
            }
        }
    }
}
