//! Native records, which Erlang/OTP has since 29.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::{Atom, AtomRef, Reader, Term, TermError};

/// A native record: a value with named fields, each name once, in the order of their declaration. It tells all about itself, so that no module
/// has to declare it: the functions of Erlang's module `records`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Record {
    module: Atom,
    name: Atom,
    exported: bool,
    fields: Vec<(Atom, Term)>,
}

impl Record {
    /// The record of these fields in their order, as `records:create/4` makes it. `None` if a field is there twice.
    #[must_use]
    pub fn new(
        module: Atom,
        name: Atom,
        exported: bool,
        fields: Vec<(Atom, Term)>,
    ) -> Option<Self> {
        let mut names: Vec<&Atom> = fields.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let unique = names.windows(2).all(|pair| matches!(pair, [one, other] if one != other));
        unique.then_some(Self { module, name, exported, fields })
    }

    /// The module that declares it: `records:get_module/1`.
    #[must_use]
    pub const fn module(&self) -> &Atom {
        &self.module
    }

    /// Its name there: `records:get_name/1`.
    #[must_use]
    pub const fn name(&self) -> &Atom {
        &self.name
    }

    /// Whether other modules may look at its fields: `records:is_exported/1`.
    #[must_use]
    pub const fn is_exported(&self) -> bool {
        self.exported
    }

    /// Its fields, name and value, in their order.
    #[must_use]
    pub fn fields(&self) -> &[(Atom, Term)] {
        &self.fields
    }

    /// The same, taken out.
    #[must_use]
    pub fn into_fields(self) -> Vec<(Atom, Term)> {
        self.fields
    }

    /// The value of a field: `records:get/2`.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Term> {
        self.fields.iter().find(|(name, _)| name.as_str() == field).map(|(_, value)| value)
    }

    /// The order of two records as far as their values do not matter.
    //= docs/spec/term.md#term-order-record
    pub(super) fn cmp_without_values(&self, other: &Self) -> Ordering {
        let head = |record: &Self| (record.exported, record.fields.len());
        let by_names = || {
            let (one, other) = (self.fields.iter(), other.fields.iter());
            one.map(|(name, _)| name).cmp(other.map(|(name, _)| name))
        };
        let by_name = self.module.cmp(&other.module).then_with(|| self.name.cmp(&other.name));
        by_name.then_with(|| head(self).cmp(&head(other))).then_with(by_names)
    }
}

/// A native record that stays in its bytes, without the values of its fields.
#[derive(Clone, Copy, Debug)]
pub struct RecordRef<'a> {
    exported: bool,
    len: u32,
    /// Module, name, and the names of the fields, and what stands behind them.
    names: &'a [u8],
    atoms: &'a [Atom],
}

impl<'a> RecordRef<'a> {
    /// The module that declares it.
    #[must_use]
    pub fn module(&self) -> AtomRef<'a> {
        self.all().next().unwrap_or(AtomRef::EMPTY)
    }

    /// Its name there.
    #[must_use]
    pub fn name(&self) -> AtomRef<'a> {
        self.all().nth(1).unwrap_or(AtomRef::EMPTY)
    }

    /// Whether other modules may look at its fields.
    #[must_use]
    pub const fn is_exported(&self) -> bool {
        self.exported
    }

    /// How many fields it has.
    #[must_use]
    pub const fn fields_len(&self) -> u32 {
        self.len
    }

    /// The names of its fields, in their order.
    pub fn field_names(&self) -> impl Iterator<Item = AtomRef<'a>> + use<'a> {
        self.names()
    }

    pub(super) fn names(&self) -> Names<'a> {
        let mut names = self.all();
        _ = (names.next(), names.next());
        names
    }

    fn all(&self) -> Names<'a> {
        let reader = Reader::with_atoms(self.names, self.atoms);
        Names { reader, left: u64::from(self.len) + 2 }
    }

    /// Whether no field is there twice. A few are compared each with each, and more are sorted.
    pub(super) fn is_unique(&self) -> bool {
        const FEW: u32 = 8;
        let names = || self.field_names();
        if self.len <= FEW {
            return names().enumerate().all(|(at, name)| names().take(at).all(|it| it != name));
        }
        let mut sorted: Vec<_> = names().collect();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| matches!(pair, [one, other] if one != other))
    }

    /// As that of [`Record`].
    pub(super) fn cmp_without_values(&self, other: &RecordRef<'_>) -> Ordering {
        let by_name = self.all().take(2).cmp(other.all().take(2));
        let head = |record: &RecordRef<'_>| (record.exported, record.len);
        by_name
            .then_with(|| head(self).cmp(&head(other)))
            .then_with(|| self.field_names().cmp(other.field_names()))
    }
}

/// Atoms one behind the other, which were checked.
#[derive(Clone, Debug)]
pub(super) struct Names<'a> {
    reader: Reader<'a>,
    left: u64,
}

impl<'a> Iterator for Names<'a> {
    type Item = AtomRef<'a>;

    fn next(&mut self) -> Option<AtomRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        self.reader.atom_ref().ok()
    }
}

impl<'a> Reader<'a> {
    /// A record behind its tag, up to the values of its fields.
    //= docs/spec/term.md#term-record
    pub(super) fn record(&mut self) -> Result<RecordRef<'a>, TermError> {
        let (len, flags) = (self.u32()?, self.u8()?);
        // Before any of them is looked at.
        //= docs/spec/channel.md#ch-term-counts
        if len as usize > self.remaining().len() {
            return Err(TermError::Truncated);
        }
        let exported = match flags {
            0 | 1 => flags == 1,
            _ => return Err(TermError::BadRecord),
        };
        let (names, atoms) = (self.remaining(), self.atoms());
        for _ in 0..u64::from(len) + 2 {
            self.atom_ref()?;
        }
        Ok(RecordRef { exported, len, names, atoms })
    }
}

made_of!(Record, (Atom, Atom, bool, crate::any::Few<(Atom, Term)>), |(
    module,
    name,
    exported,
    crate::any::Few(mut fields),
)| {
    let mut seen = alloc::collections::BTreeSet::new();
    fields.retain(|(name, _)| seen.insert(name.clone()));
    Record::new(module, name, exported, fields).unwrap()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{Limits, TermRef, generate};
    use alloc::string::ToString as _;
    use proptest::prelude::*;

    fn atom(text: &str) -> Atom {
        Atom::new(text).unwrap()
    }

    fn decode(bytes: &[u8]) -> Result<Term, TermError> {
        let borrowed = Reader::new(bytes).term_ref(&Limits::default());
        let term = Reader::new(bytes).term(&Limits::default());
        assert_eq!(borrowed.map(|term| term.to_term()), term);
        term
    }

    /// What `term_to_binary/1` of OTP 29.1.1 gives, without version byte.
    const CAPTURED: [(&[u8], &str); 3] = [
        (
            b"\x43\0\0\0\x02\x01\x77\x03rec\x77\x05point\x77\x01x\x77\x01y\x61\x01\x61\0",
            "#rec:point{x = 1,y = 0}",
        ),
        (b"\x43\0\0\0\0\0\x77\x03rec\x77\x05empty", "#rec:empty{}"),
        (b"\x43\0\0\0\x01\0\x77\x03rec\x77\x08Odd Name\x77\x01a\x61\x01", "#rec:'Odd Name'{a = 1}"),
    ];

    //= docs/spec/term.md#term-record
    //= type=test
    //= docs/spec/term.md#term-display-record
    //= type=test
    #[test]
    fn captured_records_are_read_printed_and_written() {
        for (bytes, text) in CAPTURED {
            let term = decode(bytes).unwrap();
            assert_eq!(term.to_string(), text);
            let mut out = Vec::new();
            term.encode(&mut out).unwrap();
            assert_eq!(out[1..], *bytes);
        }
        let Ok(Term::Record(point)) = decode(CAPTURED[0].0) else { panic!("a record") };
        assert_eq!((point.module(), point.name()), (&atom("rec"), &atom("point")));
        assert!(point.is_exported());
        assert_eq!((point.get("x"), point.get("z")), (Some(&1_i64.into()), None));
        let borrowed = Reader::new(CAPTURED[0].0).term_ref(&Limits::default()).unwrap();
        let head = borrowed.as_record().unwrap();
        assert!(head.module() == *"rec" && head.name() == *"point" && head.is_exported());
        let fields = borrowed.fields().unwrap();
        let fields: Vec<_> =
            fields.map(|(name, value)| (name.to_atom(), value.to_term())).collect();
        assert_eq!(fields, point.into_fields());
        assert!(TermRef::NIL.as_record().is_none() && TermRef::NIL.fields().is_none());
    }

    //= docs/spec/term.md#term-record
    //= type=test
    #[test]
    fn what_is_no_record_is_refused() {
        let names = b"\x77\x01m\x77\x01n\x77\x01a\x73\x01a";
        let record = |len: u8, flags: u8, names: &[u8], values: &[u8]| {
            decode(&[&[0x43, 0, 0, 0, len, flags], names, values].concat())
        };
        assert!(record(1, 0, &names[..9], b"\x6A").is_ok());
        assert_eq!(record(1, 2, &names[..9], b"\x6A"), Err(TermError::BadRecord));
        assert_eq!(record(2, 0, names, b"\x6A\x6A"), Err(TermError::DuplicateKey));
        assert_eq!(record(1, 0, &names[..9], b""), Err(TermError::Truncated));
        assert_eq!(
            record(1, 0, b"\x61\x01\x77\0\x77\0", b"\x6A"),
            Err(TermError::Unexpected(0x61))
        );
        assert_eq!(record(1, 0, b"\x77\0\x77\0\x6A", b"\x6A"), Err(TermError::Unexpected(0x6A)));
        let many = |twice: bool| {
            let mut bytes = [&[0x43, 0, 0, 0, 100, 1][..], &names[..6]].concat();
            for field in 0..100 {
                bytes.extend([0x73, 1, if twice && field == 99 { 40 } else { 100 - field }]);
            }
            decode(&[bytes, [0x6A; 100].into()].concat()).map(drop)
        };
        assert_eq!((many(false), many(true)), (Ok(()), Err(TermError::DuplicateKey)));
        let field = || (atom("a"), Term::NIL);
        assert!(Record::new(atom("m"), atom("n"), true, [field(), field()].into()).is_none());
    }

    //= docs/spec/term.md#term-limits
    //= type=test
    #[test]
    fn limits_hold_for_records() {
        let [lie, most] = [u32::MAX, 1000].map(|len| {
            // 0xFF is no atom, and would be told if it were looked at.
            [&[0x43][..], &len.to_be_bytes(), &[0; 1], &[0xFF; 900]].concat()
        });
        assert_eq!(
            (decode(&lie), decode(&most)),
            (Err(TermError::Truncated), Err(TermError::Truncated))
        );
        // Itself is counted where it is inside another; each field has a name and a value.
        let (bytes, _) = CAPTURED[0];
        for (terms, depth, taken) in [(4, 2, true), (3, 2, false), (4, 1, false)] {
            let limits = Limits { terms, depth, ..Limits::default() };
            assert_eq!(Reader::new(bytes).term(&limits).is_ok(), taken, "{limits:?}");
            assert_eq!(Reader::new(bytes).term_ref(&limits).is_ok(), taken, "{limits:?}");
        }
    }

    //= docs/spec/term.md#term-order-record
    //= type=test
    #[test]
    fn the_order_of_records_is_that_of_a_node() {
        let record = |module, name, exported, fields: &[(&str, f64)]| {
            let fields =
                fields.iter().map(|(name, value)| (atom(name), Term::try_from(*value).unwrap()));
            Term::from(Record::new(atom(module), atom(name), exported, fields.collect()).unwrap())
        };
        // As `lists:sort/1` of OTP 29.1.1 sorts them.
        let sorted = [
            "{a,b}".parse().unwrap(),
            record("a", "n", false, &[("a", 0.0)]),
            record("a", "z", false, &[]),
            record("m", "a", false, &[("a", 9.0)]),
            record("m", "n", false, &[]),
            record("m", "n", false, &[("a", 1.0)]),
            record("m", "n", false, &[("a", 2.0)]),
            record("m", "n", false, &[("z", 0.0)]),
            record("m", "n", false, &[("a", 1.0), ("b", 2.0)]),
            record("m", "n", false, &[("b", 1.0), ("a", 2.0)]),
            record("m", "n", false, &[("b", 2.0), ("a", 1.0)]),
            record("m", "n", true, &[]),
            record("m", "n", true, &[("a", 1.0)]),
            record("m", "zz", false, &[]),
            record("z", "a", false, &[]),
            "#{}".parse().unwrap(),
        ];
        for (at, one) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                assert_eq!(one.cmp(other), at.cmp(&other_at), "{one} {other}");
                assert_eq!(one.cmp_erlang(other), at.cmp(&other_at), "{one} {other}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_record_is_the_same_in_its_bytes(one in generate::record(), other in generate::record()) {
            let bytes = [&one, &other].map(|record| {
                let mut out = Vec::new();
                record.encode(&mut out).unwrap();
                out
            });
            let [first, second] = [&bytes[0], &bytes[1]]
                .map(|bytes| TermRef::decode(bytes, &Limits::default()).unwrap());
            prop_assert_eq!((first.to_term(), second.to_term()), (one.clone(), other.clone()));
            prop_assert_eq!(first.cmp(&second), one.cmp(&other));
            prop_assert_eq!(first.cmp_erlang(&second), one.cmp_erlang(&other));
            prop_assert_eq!(first == second, one == other);
        }
    }
}
