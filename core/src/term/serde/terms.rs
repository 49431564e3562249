//! Terms as parts of other values.

use ::serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use ::serde::ser::{Error as _, Serialize, Serializer};
use alloc::vec::Vec;
use core::fmt;

use super::TERM;
use crate::term::{Atom, Limits, Pid, Port, Reference, Term};

struct Encoded<'a>(&'a [u8]);

impl Serialize for Encoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Term {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes).map_err(S::Error::custom)?;
        serializer.serialize_newtype_struct(TERM, &Encoded(&bytes))
    }
}

struct TermVisitor;

impl<'de> Visitor<'de> for TermVisitor {
    type Value = Term;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a term")
    }

    fn visit_bytes<E: ::serde::de::Error>(self, bytes: &[u8]) -> Result<Term, E> {
        // Whoever handed them over has limited their size. Nothing else is limited but what could exhaust the stack.
        let size = bytes.len();
        let limits = Limits { integer_bytes: size, terms: size, ..Limits::default() };
        Term::decode(bytes, &limits).map_err(E::custom)
    }

    /// Formats without bytes have numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Term, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = sequence.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Term, D::Error> {
        inner.deserialize_bytes(self)
    }
}

impl<'de> Deserialize<'de> for Term {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TERM, TermVisitor)
    }
}

macro_rules! parts {
    ($($part:ident)*) => {$(
        impl Serialize for $part {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Term::from(self.clone()).serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $part {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::try_from(Term::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )*};
}

parts!(Atom Pid Port Reference);
