//! Which of two terms is less.

use core::cmp::Ordering;

use super::{Float, Fun, Integer, List, Map, Pid, Port, Record, Reference, Term};

impl Term {
    /// Erlang's `<` and `==`: numbers compare by value, so that `1` and `1.0` are [`Equal`](Ordering::Equal) though they are not `==` in Rust, nor
    /// `=:=` in Erlang; `0.0` and `-0.0` are, too. Do not sort what is looked up by `Eq` with it.
    //= docs/spec/term.md#term-order-numbers
    #[must_use]
    pub fn cmp_erlang(&self, other: &Self) -> Ordering {
        compare(self, other, Numbers::ByValue)
    }
}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of keys in Erlang's maps: the standard order of terms, but every integer is less than every float.
//= docs/spec/term.md#term-order
impl Ord for Term {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self, other, Numbers::ByType)
    }
}

impl PartialOrd for Fun {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As that of [`Term`].
impl Ord for Fun {
    fn cmp(&self, other: &Self) -> Ordering {
        funs(self, other, Numbers::ByType)
    }
}

/// How numbers of the two types compare.
#[derive(Clone, Copy)]
pub(super) enum Numbers {
    /// Integers before floats, and `-0.0` before `0.0`.
    ByType,
    ByValue,
}

pub(super) fn compare(one: &Term, other: &Term, numbers: Numbers) -> Ordering {
    #[cfg(test)]
    steps::take();
    match (one, other) {
        (Term::Integer(one), Term::Integer(other)) => one.cmp(other),
        (Term::Float(one), Term::Float(other)) => match numbers {
            Numbers::ByType => one.cmp(other),
            Numbers::ByValue => by_value(one.get(), other.get()),
        },
        (Term::Integer(one), Term::Float(other)) => mixed(one, *other, numbers),
        (Term::Float(one), Term::Integer(other)) => mixed(other, *one, numbers).reverse(),
        (Term::Atom(one), Term::Atom(other)) => one.cmp(other),
        (Term::Reference(one), Term::Reference(other)) => references(one, other),
        (Term::Fun(one), Term::Fun(other)) => funs(one, other, numbers),
        (Term::Export(one), Term::Export(other)) => one.cmp(other),
        (Term::Port(one), Term::Port(other)) => ports(one, other),
        (Term::Pid(one), Term::Pid(other)) => pids(one, other),
        (Term::Tuple(one), Term::Tuple(other)) => {
            one.len().cmp(&other.len()).then_with(|| sequences(one, other, numbers))
        }
        (Term::Record(one), Term::Record(other)) => records(one, other, numbers),
        (Term::Map(one), Term::Map(other)) => maps(one, other, numbers),
        (Term::List(one), Term::List(other)) => lists(one, other, numbers),
        _ => match (bits(one), bits(other)) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => rank(one).cmp(&rank(other)),
        },
    }
}

/// number < atom < reference < fun < port < pid < tuple < record < map < [] < list < bit string.
const fn rank(term: &Term) -> u8 {
    match term {
        Term::Integer(_) | Term::Float(_) => 0,
        Term::Atom(_) => 1,
        Term::Reference(_) => 2,
        Term::Fun(_) => 3,
        Term::Export(_) => 4,
        Term::Port(_) => 5,
        Term::Pid(_) => 6,
        Term::Tuple(_) => 7,
        Term::Record(_) => 8,
        Term::Map(_) => 9,
        Term::List(_) => 10,
        Term::Binary(_) | Term::BitString(_) => 11,
    }
}

fn sequences(one: &[Term], other: &[Term], numbers: Numbers) -> Ordering {
    let mut pairs = one.iter().zip(other).map(|(one, other)| compare(one, other, numbers));
    pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Element by element; where one has ended, its tail is compared with the rest of the other.
fn lists(one: &List, other: &List, numbers: Numbers) -> Ordering {
    let by_elements = sequences(one.elements(), other.elements(), numbers);
    by_elements.then_with(|| {
        match (one.elements().len().cmp(&other.elements().len()), one.tail(), other.tail()) {
            (Ordering::Equal, None, None) => Ordering::Equal,
            (Ordering::Equal, one, other) => {
                compare(one.unwrap_or(&Term::NIL), other.unwrap_or(&Term::NIL), numbers)
            }
            (Ordering::Less, None, _) => Ordering::Less,
            (Ordering::Greater, _, None) => Ordering::Greater,
            // A tail is no list.
            (Ordering::Less, Some(tail), _) => rank(tail).cmp(&rank(&Term::NIL)),
            (Ordering::Greater, _, Some(tail)) => rank(&Term::NIL).cmp(&rank(tail)),
        }
    })
}

/// By module and index, then by the values that they captured. Erlang looks at nothing else; in keys funs that are not the same differ.
///
/// An index has a sign there. Erlang takes the difference of two in 32 bits, so that of two that are 2^31 apart or more the order is
/// turned round: with those it is no order, and this is one.
//= docs/spec/term.md#term-order-fun
fn funs(one: &Fun, other: &Fun, numbers: Numbers) -> Ordering {
    let index = |fun: &Fun| fun.index as i32;
    let by_place = one.module.cmp(&other.module).then(index(one).cmp(&index(other)));
    let by_values = || {
        let by_count = one.free.len().cmp(&other.free.len());
        by_count.then_with(|| sequences(&one.free, &other.free, numbers))
    };
    let rest = |fun: &Fun| (fun.old_unique, fun.old_index, fun.arity, fun.unique);
    let by_rest = || match numbers {
        Numbers::ByType => rest(one).cmp(&rest(other)).then_with(|| one.pid.cmp(&other.pid)),
        Numbers::ByValue => Ordering::Equal,
    };
    by_place.then_with(by_values).then_with(by_rest)
}

/// By what they are, then by the values of their fields.
fn records(one: &Record, other: &Record, numbers: Numbers) -> Ordering {
    let by_values = || {
        let pairs = one.fields().iter().zip(other.fields());
        let mut orders = pairs.map(|(one, other)| compare(&one.1, &other.1, numbers));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    one.cmp_without_values(other).then_with(by_values)
}

/// By size, then keys in their order, then values in the order of the keys.
//= docs/spec/term.md#term-order-map
fn maps(one: &Map, other: &Map, numbers: Numbers) -> Ordering {
    let by_keys = || one.keys().cmp(other.keys());
    let by_values = || {
        let mut pairs = one.values().zip(other.values()).map(|(a, b)| compare(a, b, numbers));
        pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    one.len().cmp(&other.len()).then_with(by_keys).then_with(by_values)
}

/// The bytes, and how many bits of the last one count. Bits that do not count are zero, so that a part is less than the whole.
fn bits(term: &Term) -> Option<(&[u8], u8)> {
    if let Term::BitString(bits) = term {
        return Some((bits.as_bytes(), bits.last_bits()));
    }
    if let Term::Binary(bytes) = term { Some((bytes, 8)) } else { None }
}

fn pids(one: &Pid, other: &Pid) -> Ordering {
    let key = |pid: &Pid| (pid.serial, pid.id);
    key(one).cmp(&key(other)).then_with(|| one.cmp(other))
}

fn ports(one: &Port, other: &Port) -> Ordering {
    let key = |port: &Port| (port.creation, port.id);
    one.node.cmp(&other.node).then_with(|| key(one).cmp(&key(other)))
}

fn references(one: &Reference, other: &Reference) -> Ordering {
    let by_node = one.node().cmp(other.node()).then(one.creation().cmp(&other.creation()));
    // The last word on the wire counts most.
    let by_words = || one.words().iter().rev().cmp(other.words().iter().rev());
    by_node.then(one.words().len().cmp(&other.words().len())).then_with(by_words)
}

fn mixed(integer: &Integer, float: Float, numbers: Numbers) -> Ordering {
    match numbers {
        Numbers::ByType => Ordering::Less,
        Numbers::ByValue => {
            let (whole, fraction) = split(float.get());
            integer.cmp(&whole).then_with(|| by_value(0.0, fraction))
        }
    }
}

/// Floats are finite, so that two of them always compare.
fn by_value(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other).unwrap_or(Ordering::Equal)
}

/// The whole part of a float, exactly, and what is left, with the sign of the float.
fn split(value: f64) -> (Integer, f64) {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    const MANTISSA_BITS: u32 = 52;
    if value.abs() < TWO_TO_63 {
        let whole = value as i64;
        return (whole.into(), value - whole as f64);
    }
    let bits = value.abs().to_bits();
    let mantissa = bits & ((1 << MANTISSA_BITS) - 1) | 1 << MANTISSA_BITS;
    // The mantissa counts from the lowest bit, and there are at least eleven zeros below it.
    let shift = ((bits >> MANTISSA_BITS) as usize).saturating_sub(1023 + MANTISSA_BITS as usize);
    let mut magnitude = alloc::vec![0; shift / 8];
    magnitude.extend((u128::from(mantissa) << (shift % 8)).to_le_bytes());
    (Integer::from_sign_magnitude(value < 0.0, &magnitude), 0.0)
}

/// How many comparisons this thread has made, for tests of time without a clock.
#[cfg(test)]
pub(super) mod steps {
    use core::cell::Cell;

    std::thread_local!(static STEPS: Cell<usize> = const { Cell::new(0) });

    pub(in crate::term) fn take() {
        STEPS.set(STEPS.get() + 1);
    }

    pub(in crate::term) fn taken() -> usize {
        STEPS.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Creation;
    use crate::term::Atom;
    use alloc::vec::Vec;
    use core::hash::{Hash as _, Hasher as _};
    use proptest::prelude::*;
    use std::hash::DefaultHasher;

    fn parse(text: &str) -> Term {
        text.parse().unwrap()
    }

    //= docs/spec/term.md#term-order
    //= type=test
    //= docs/spec/term.md#term-order-map
    //= type=test
    #[test]
    fn the_standard_order() {
        let sorted: Vec<Term> =
            "[-100000000000000000000, -3, 2, 100000000000000000000, -1.0, 2.5, 'A', a, b, \
            fun a:b/1, {}, {b}, {a,a}, #{}, #{a => 2}, #{b => 1}, #{1 => 1, 2 => 1}, \
            #{1 => 1, 1.0 => 0}, [], [1|a], [1], [1,2], [1,3|a], [1,3], [1|<<>>], [a], \
            <<>>, <<0:1>>, <<0>>, <<0,1:2>>, <<1>>, <<1:1>>, <<128>>]"
                .parse::<Term>()
                .unwrap()
                .as_list()
                .unwrap()
                .to_vec();
        for (at, one) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                assert_eq!(one.cmp(other), at.cmp(&other_at), "{one} {other}");
            }
        }
    }

    //= docs/spec/term.md#term-order-numbers
    //= type=test
    #[test]
    fn erlang_compares_numbers_by_value_but_not_in_keys() {
        for (one, other, order) in [
            ("1", "1.0", Ordering::Equal),
            ("{1}", "{1.0}", Ordering::Equal),
            ("[1|2]", "[1.0|2.0]", Ordering::Equal),
            ("0.0", "-0.0", Ordering::Equal),
            ("2", "1.5", Ordering::Greater),
            ("-1", "-1.5", Ordering::Greater),
            ("-2", "-1.5", Ordering::Less),
            ("0", "-0.5", Ordering::Greater),
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            ("9223372036854775807", "9223372036854775808.0", Ordering::Less),
            ("9223372036854775808", "9223372036854775808.0", Ordering::Equal),
            ("-100000000000000000000001", "-1.0e23", Ordering::Less),
            ("#{1 => 2}", "#{1 => 2.0}", Ordering::Equal),
            ("#{1 => 2}", "#{1.0 => 2}", Ordering::Less),
        ] {
            let (one, other) = (parse(one), parse(other));
            assert_eq!(one.cmp_erlang(&other), order, "{one} {other}");
            assert_eq!(other.cmp_erlang(&one), order.reverse(), "{other} {one}");
            assert_ne!(one, other);
            assert!(one.cmp(&other).is_ne());
        }
    }

    //= docs/spec/term.md#term-order-fun
    //= type=test
    #[test]
    fn funs_compare_by_module_index_and_captured_values() {
        let fun = |module: &str, index, free: &[&str]| Fun {
            module: Atom::new(module).unwrap(),
            old_index: -i64::from(index),
            old_unique: 7,
            arity: 1,
            unique: [9; 16],
            index,
            pid: Pid { node: Atom::literal("a@host"), id: 1, serial: 0, creation: Creation(4) },
            free: free.iter().map(|text| parse(text)).collect(),
        };
        let sorted = [
            fun("a", 1, &[]),
            fun("a", 1, &["2"]),
            fun("a", 1, &["2.5"]),
            fun("a", 1, &["1", "1"]),
            fun("a", 2, &[]),
            fun("b", 0, &[]),
        ];
        for (at, one) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                let (one, other) = (Term::from(one.clone()), Term::from(other.clone()));
                assert_eq!(one.cmp(&other), at.cmp(&other_at), "{one:?} {other:?}");
                assert_eq!(one.cmp_erlang(&other), at.cmp(&other_at), "{one:?} {other:?}");
            }
            assert!(Term::from(one.clone()) < parse("fun a:a/0"));
        }
        // Of another version of the module: the same for Erlang, and another key for us.
        let [one, other] = [7, 8].map(|old_unique| Fun { old_unique, ..fun("a", 1, &["2"]) });
        assert!(one < other && Term::from(one).cmp_erlang(&other.into()).is_eq());
        let [one, other] = ["2", "2.0"].map(|value| Term::from(fun("a", 1, &[value])));
        assert!(one < other && one.cmp_erlang(&other).is_eq());
    }

    fn hash(term: &Term) -> u64 {
        let mut hasher = DefaultHasher::new();
        term.hash(&mut hasher);
        hasher.finish()
    }

    proptest! {
        #[test]
        fn order_and_equality_and_hash_agree(
            a: Term,
            b: Term,
            c: Term,
        ) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b).is_eq(), a == b);
            prop_assert!(hash(&a) == hash(&a.clone()) && (a != b || hash(&a) == hash(&b)));
            let mut sorted = [&a, &b, &c];
            sorted.sort();
            prop_assert!(sorted[0] <= sorted[2]);
            prop_assert_eq!(a.cmp_erlang(&b), b.cmp_erlang(&a).reverse());        }
    }
}
