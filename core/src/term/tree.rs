//! Terms as owned trees.

use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;

use super::{
    Atom, BitString, Export, Float, Fun, Integer, List, Map, Pid, Port, Record, Reference,
};

/// Any term of Erlang.
///
/// Equal are terms that Erlang's `=:=` finds equal; floats by their bits. `Ord` is the order of keys in Erlang's maps, where every integer is
/// less than every float; Erlang's `<` is [`cmp_erlang`](Self::cmp_erlang). `Display` prints Erlang's syntax, as `~0tp` does; `FromStr` reads it.
///
/// Dropping, cloning, comparing and printing take stack with the depth of the term. Decoder and parser bound it by [`Limits`](super::Limits);
/// who builds terms by hand bounds it by himself.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Term {
    /// An integer.
    Integer(Integer),
    /// A float.
    Float(Float),
    /// An atom.
    Atom(Atom),
    /// A reference.
    Reference(Box<Reference>),
    /// A fun with what it captured.
    Fun(Box<Fun>),
    /// `fun Module:Function/Arity`.
    Export(Box<Export>),
    /// A port.
    Port(Port),
    /// A pid.
    Pid(Pid),
    /// A tuple.
    Tuple(Vec<Self>),
    /// A native record.
    Record(Box<Record>),
    /// A map.
    Map(Map),
    /// A list, a string and `[]` as well.
    List(List),
    /// A binary.
    Binary(Bytes),
    /// A bit string that is no binary.
    BitString(BitString),
}

impl Term {
    /// `[]`.
    pub const NIL: Self = Self::List(List::new(Vec::new()));

    /// A tuple of these.
    #[must_use]
    pub fn tuple<const N: usize>(elements: [Self; N]) -> Self {
        Self::Tuple(elements.into())
    }

    /// A proper list of these.
    #[must_use]
    pub fn list(elements: impl IntoIterator<Item = Self>) -> Self {
        Self::List(elements.into_iter().collect())
    }

    /// A map of these; of several values of one key the last.
    #[must_use]
    pub fn map(pairs: impl IntoIterator<Item = (Self, Self)>) -> Self {
        Self::Map(pairs.into_iter().collect())
    }

    /// The list of the code points of a text, which is a string in Erlang.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::list(text.chars().map(|char| Self::from(i64::from(u32::from(char)))))
    }

    /// The atom with this text, a literal of this crate.
    pub(crate) fn literal(text: &'static str) -> Self {
        Self::Atom(Atom::literal(text))
    }

    /// The text of an atom.
    #[must_use]
    pub fn as_atom(&self) -> Option<&Atom> {
        if let Self::Atom(atom) = self { Some(atom) } else { None }
    }

    /// An integer that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Integer(integer) = self { integer.to_i64() } else { None }
    }

    /// The elements of a tuple.
    #[must_use]
    pub fn as_tuple(&self) -> Option<&[Self]> {
        if let Self::Tuple(elements) = self { Some(elements) } else { None }
    }

    /// The elements of a proper list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self {
            return list.tail().is_none().then_some(list.elements());
        }
        None
    }
}

impl From<Integer> for Term {
    fn from(integer: Integer) -> Self {
        Self::Integer(integer)
    }
}

impl From<i64> for Term {
    fn from(value: i64) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u64> for Term {
    fn from(value: u64) -> Self {
        Self::Integer(value.into())
    }
}

/// `true` and `false` are atoms.
impl From<bool> for Term {
    fn from(value: bool) -> Self {
        Self::literal(if value { "true" } else { "false" })
    }
}

impl From<Float> for Term {
    fn from(float: Float) -> Self {
        Self::Float(float)
    }
}

impl From<Atom> for Term {
    fn from(atom: Atom) -> Self {
        Self::Atom(atom)
    }
}

impl From<Reference> for Term {
    fn from(reference: Reference) -> Self {
        Self::Reference(Box::new(reference))
    }
}

impl From<Fun> for Term {
    fn from(fun: Fun) -> Self {
        Self::Fun(Box::new(fun))
    }
}

impl From<Export> for Term {
    fn from(export: Export) -> Self {
        Self::Export(Box::new(export))
    }
}

impl From<Record> for Term {
    fn from(record: Record) -> Self {
        Self::Record(Box::new(record))
    }
}

impl From<Port> for Term {
    fn from(port: Port) -> Self {
        Self::Port(port)
    }
}

impl From<Pid> for Term {
    fn from(pid: Pid) -> Self {
        Self::Pid(pid)
    }
}

impl From<List> for Term {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<Map> for Term {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<Bytes> for Term {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<BitString> for Term {
    fn from(bits: BitString) -> Self {
        Self::BitString(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_term_has_the_size_that_the_limits_tell() {
        assert_eq!(size_of::<Term>(), 48);
    }
}
