//! Strategies that make terms, for property tests with proptest (feature `proptest`).
#![allow(clippy::unwrap_used, reason = "what is made here fits")]

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proptest::collection::vec as many;
use proptest::prelude::*;

use super::text::is_character;
use super::{
    Atom, BitString, Export, Float, Fun, Integer, List, Pid, Port, REFERENCE_MAX_WORDS, Record,
    Reference, Term,
};
use crate::creation::Creation;

pub(crate) fn atom() -> impl Strategy<Value = Atom> {
    let of = |len| many(any::<char>(), len);
    prop_oneof![9 => of(0..20), 1 => of(250..256)]
        .prop_map(|chars| Atom::new(&chars.into_iter().collect::<String>()).unwrap())
}

pub(crate) fn pid(node: impl Strategy<Value = Atom>) -> impl Strategy<Value = Pid> {
    (node, any::<(u32, u32, u32)>()).prop_map(|(node, (id, serial, creation))| Pid {
        node,
        id,
        serial,
        creation: Creation(creation),
    })
}

/// Any term.
pub fn tree() -> impl Strategy<Value = Term> {
    grown(prop_oneof![3 => readable_leaf(), 1 => identity()]).prop_recursive(2, 60, 4, |inner| {
        let free = many(inner.clone(), 0..3);
        let fun = (atom(), any::<(i32, u32, u8, [u8; 16], u32)>(), pid(atom()), free);
        let fun =
            fun.prop_map(|(module, (old_index, old_unique, arity, unique, index), pid, free)| {
                let (old_index, old_unique) = (old_index.into(), old_unique.into());
                Fun { module, old_index, old_unique, arity, unique, index, pid, free }.into()
            });
        prop_oneof![fun, record_of(inner)]
    })
}

impl Arbitrary for Term {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        tree().boxed()
    }
}

/// Any native record.
pub fn record() -> impl Strategy<Value = Term> {
    record_of(readable_tree())
}

/// Names from a few are often those of another record, in another order.
fn record_of(value: impl Strategy<Value = Term> + 'static) -> impl Strategy<Value = Term> {
    let few = || "[ab]".prop_map(|text| Atom::new(&text).unwrap());
    let name = prop_oneof![4 => "[a-d]".prop_map(|text| Atom::new(&text).unwrap()), 1 => atom()];
    let fields = many((name, value), 0..4);
    (few(), prop_oneof![4 => few().boxed(), 1 => atom().boxed()], any::<bool>(), fields).prop_map(
        |(module, name, exported, mut fields)| {
            let mut seen = BTreeSet::new();
            fields.retain(|(name, _)| seen.insert(name.clone()));
            Record::new(module, name, exported, fields).unwrap().into()
        },
    )
}

/// Any term whose text says which it is.
pub fn readable_tree() -> impl Strategy<Value = Term> {
    grown(readable_leaf())
}

fn grown(leaf: impl Strategy<Value = Term> + 'static) -> impl Strategy<Value = Term> {
    leaf.prop_recursive(4, 60, 6, |inner| {
        let terms = || many(inner.clone(), 0..6);
        prop_oneof![
            terms().prop_map(Term::Tuple),
            terms().prop_map(Term::list),
            (terms(), inner.clone()).prop_map(|(elements, tail)| List::with_tail(elements, tail)),
            many((inner.clone(), inner.clone()), 0..4).prop_map(Term::map),
        ]
    })
}

/// An atom whose characters Erlang's scanner takes.
fn readable_atom() -> impl Strategy<Value = Atom> {
    atom().prop_filter("can be written", |atom| atom.chars().all(is_character))
}

fn readable_leaf() -> impl Strategy<Value = Term> {
    let text =
        || many(prop_oneof![4 => proptest::char::range(' ', '\u{FF}'), 1 => any::<char>()], 0..12);
    prop_oneof![
        readable_atom().prop_map(Term::Atom),
        "[a-z][a-z_@0-9]{0,5}".prop_map(|text| Term::Atom(Atom::new(&text).unwrap())),
        prop_oneof![-3..4_i64, any::<i64>()].prop_map(Term::from),
        (any::<bool>(), many(any::<u8>(), 0..12))
            .prop_map(|(sign, bytes)| Integer::from_sign_magnitude(sign, &bytes).into()),
        (-3..4_i32).prop_map(|small| Float::new(small.into()).unwrap().into()),
        any::<u64>()
            .prop_filter_map("finite", |bits| Float::new(f64::from_bits(bits)).map(Term::from)),
        (-1e6..1e6_f64).prop_map(|float| Float::new(float).unwrap().into()),
        (readable_atom(), readable_atom(), any::<u8>())
            .prop_map(|(module, function, arity)| Export { module, function, arity }.into()),
        text().prop_map(|text| Term::string(&text.into_iter().collect::<String>())),
        text().prop_map(|text| Term::Binary(text.into_iter().collect::<String>().into())),
        many(any::<u8>(), 0..20).prop_map(|bytes| Term::Binary(bytes.into())),
        (many(any::<u8>(), 1..5), 1..8_u8)
            .prop_map(|(bytes, bits)| BitString::new(bytes, bits).unwrap().into()),
    ]
}

fn identity() -> impl Strategy<Value = Term> {
    prop_oneof![
        pid(atom()).prop_map(Term::from),
        any::<Reference>().prop_map(Term::from),
        (atom(), any::<(u64, u32)>()).prop_map(|(node, (id, creation))| {
            Port { node, id, creation: Creation(creation) }.into()
        }),
    ]
}

// Alternatives are boxed where terms are inside terms: a value of each takes stack at each level.
/// The bytes of any term that may be sent between nodes, in any encoding that may be read.
pub fn term() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![atom_bytes(), number(), data(), identifier()].prop_recursive(4, 60, 6, |inner| {
        let terms = || many(inner.clone(), 0..6);
        prop_oneof![
            terms().prop_map(|t| cat(&[&[0x68, t.len() as u8], &t.concat()])),
            terms().prop_map(|t| cat(&[&[0x69], &count(t.len()), &t.concat()])),
            (terms(), inner.clone()).prop_map(|(t, tail)| cat(&[
                &[0x6C],
                &count(t.len()),
                &t.concat(),
                &tail
            ])),
            many((inner.clone(), inner.clone()), 0..3).prop_map(|pairs| {
                let terms = pairs.iter().flat_map(|(key, value)| [&key[..], value]);
                cat(&[&[0x74], &count(pairs.len()), &terms.collect::<Vec<_>>().concat()])
            }),
            (atom_bytes(), atom_bytes(), 0..2_u8, many((atom_bytes(), inner.clone()), 0..3))
                .prop_map(|(module, name, flags, fields)| {
                    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
                    let head = cat(&[&[0x43], &count(values.len()), &[flags], &module, &name]);
                    cat(&[&head, &names.concat(), &values.concat()])
                })
                .boxed(),
            (any::<[u8; 29 - 4]>(), atom_bytes(), pid_bytes(), terms())
                .prop_map(|(fixed, module, pid, variables)| {
                    let small = [0x61, 1, 0x62, 0, 1, 2, 3];
                    let end = [&module[..], &small, &pid, &variables.concat()].concat();
                    cat(&[&[0x70], &fixed, &count(variables.len()), &end])
                })
                .boxed(),
        ]
    })
}

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn count(len: usize) -> [u8; 4] {
    (len as u32).to_be_bytes()
}

fn atom_bytes() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        atom().prop_map(|atom| {
            cat(&[&[0x76], &(atom.len() as u16).to_be_bytes(), atom.as_bytes()])
        }),
        "[a-zé]{0,100}".prop_map(|text| cat(&[&[0x77, text.len() as u8], text.as_bytes()])),
        many(any::<u8>(), 0..=255).prop_map(|text| cat(&[&[0x64, 0, text.len() as u8], &text])),
        many(any::<u8>(), 0..=255).prop_map(|text| cat(&[&[0x73, text.len() as u8], &text])),
    ]
    .boxed()
}

fn number() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<u8>().prop_map(|value| vec![0x61, value]),
        any::<i32>().prop_map(|value| cat(&[&[0x62], &value.to_be_bytes()])),
        many(any::<u8>(), 1..12).prop_map(|big| cat(&[&[0x6E, big.len() as u8 - 1], &big])),
        many(any::<u8>(), 1..300).prop_map(|big| cat(&[&[0x6F], &count(big.len() - 1), &big])),
        (-1e300..1e300).prop_map(|float: f64| cat(&[&[0x46], &float.to_be_bytes()])),
        (-1e300..1e300).prop_map(|float: f64| {
            let mut text = alloc::format!("{float:.20e}").into_bytes();
            text.resize(31, 0);
            cat(&[&[0x63], &text])
        }),
    ]
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(vec![0x6A]),
        many(any::<u8>(), 0..300).prop_map(|bytes| cat(&[
            &[0x6B],
            &(bytes.len() as u16).to_be_bytes(),
            &bytes
        ])),
        many(any::<u8>(), 0..300).prop_map(|bytes| cat(&[&[0x6D], &count(bytes.len()), &bytes])),
        (many(any::<u8>(), 1..20), 1..=8_u8).prop_map(|(bytes, bits)| cat(&[
            &[0x4D],
            &count(bytes.len()),
            &[bits],
            &bytes
        ])),
    ]
}

fn identifier() -> impl Strategy<Value = Vec<u8>> {
    let of_node = |tag: u8, len: usize| {
        (atom_bytes(), many(any::<u8>(), len))
            .prop_map(move |(node, id)| cat(&[&[tag], &node, &id]))
    };
    let of_old = |tag: u8, id: usize| {
        (of_node(tag, id), 0..=3_u8).prop_map(|(bytes, creation)| cat(&[&bytes, &[creation]]))
    };
    let words = || (1..=REFERENCE_MAX_WORDS, many(any::<u8>(), 4 * REFERENCE_MAX_WORDS));
    let reference =
        (words(), atom_bytes(), any::<[u8; 4]>()).prop_map(|((count, words), node, creation)| {
            cat(&[&[0x5A, 0, count as u8], &node, &creation, &words[..4 * count]])
        });
    let reference_of_old = (words(), atom_bytes(), 0..=3_u8, 0..=3_u8).prop_map(
        |((count, words), node, creation, high)| {
            let rest = &words[2..4 * count];
            cat(&[&[0x72, 0, count as u8], &node, &[creation, 0, high], rest])
        },
    );
    let one_word_of_old =
        (atom_bytes(), 0..=3_u8, any::<u16>(), 0..=3_u8).prop_map(|(node, high, low, creation)| {
            cat(&[&[0x65], &node, &[0, high], &low.to_be_bytes(), &[creation]])
        });
    prop_oneof![
        pid_bytes(),
        of_old(0x67, 8),
        of_node(0x78, 12),
        of_node(0x59, 8),
        of_old(0x66, 4),
        one_word_of_old,
        reference,
        reference_of_old,
        (atom_bytes(), atom_bytes(), any::<u8>()).prop_map(|(module, function, arity)| cat(&[
            &[0x71],
            &module,
            &function,
            &[0x61, arity]
        ])),
    ]
}

fn pid_bytes() -> BoxedStrategy<Vec<u8>> {
    (atom_bytes(), any::<[u8; 12]>()).prop_map(|(node, id)| cat(&[&[0x58], &node, &id])).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    /// Of terms inside others only the first is looked at: that is enough.
    #[test]
    fn every_tag_is_made() {
        let mut runner = TestRunner::deterministic();
        let mut tags = BTreeSet::new();
        for _ in 0..5000 {
            let bytes = term().new_tree(&mut runner).unwrap().current();
            tags.insert(bytes[0]);
        }
        let all = [
            0x43, 0x46, 0x4D, 0x58, 0x59, 0x5A, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
            0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70, 0x71, 0x72, 0x73, 0x74, 0x76, 0x77,
            0x78,
        ];
        assert_eq!(tags.into_iter().collect::<Vec<u8>>(), all);
    }
}
