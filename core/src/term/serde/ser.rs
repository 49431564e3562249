//! From values to terms.

use ::serde::Serialize;
use ::serde::ser::{self, Error as _};
use alloc::vec::Vec;

use super::{Error, TERM};
use crate::term::{Atom, Limits, Map, Term};

/// Makes a term of any value.
pub(super) struct Serializer;

fn atom(name: &str) -> Result<Term, Error> {
    Atom::new(name).map(Term::Atom).map_err(Error::custom)
}

fn float(value: f64) -> Result<Term, Error> {
    Term::try_from(value).map_err(|_| Error::custom("a float that is not a finite number"))
}

/// Values that become terms by [`From`].
macro_rules! as_they_are {
    ($($method:ident($value:ty))*) => {$(
        fn $method(self, value: $value) -> Result<Term, Error> {
            Ok(value.into())
        }
    )*};
}

impl ser::Serializer for Serializer {
    type Ok = Term;
    type Error = Error;
    type SerializeSeq = Terms;
    type SerializeTuple = Terms;
    type SerializeTupleStruct = Terms;
    type SerializeTupleVariant = Terms;
    type SerializeMap = Pairs;
    type SerializeStruct = Pairs;
    type SerializeStructVariant = Pairs;

    as_they_are!(
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_str(&str) serialize_bytes(&[u8])
    );

    fn serialize_f32(self, value: f32) -> Result<Term, Error> {
        float(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Term, Error> {
        float(value)
    }

    fn serialize_char(self, value: char) -> Result<Term, Error> {
        Ok((&*value.encode_utf8(&mut [0; 4])).into())
    }

    fn serialize_none(self) -> Result<Term, Error> {
        Ok(Term::literal("undefined"))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Term, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Term, Error> {
        Ok(Term::literal("nil"))
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Term, Error> {
        atom(name)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Term, Error> {
        atom(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Term, Error> {
        let inner = value.serialize(self)?;
        if let (TERM, Term::Binary(bytes)) = (name, &inner) {
            return Term::decode(bytes, &Limits::NONE).map_err(Error::Term);
        }
        Ok(inner)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Term, Error> {
        Ok(Term::tuple([atom(variant)?, value.serialize(self)?]))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Terms, Error> {
        Ok(Terms { terms: Vec::new(), list: true })
    }

    fn serialize_tuple(self, _: usize) -> Result<Terms, Error> {
        Ok(Terms { terms: Vec::new(), list: false })
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Terms, Error> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Terms, Error> {
        Ok(Terms { terms: [atom(variant)?].into(), list: false })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Pairs, Error> {
        Ok(Pairs::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Pairs, Error> {
        Ok(Pairs::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Pairs, Error> {
        Ok(Pairs { variant: Some(atom(variant)?), ..Pairs::default() })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a list or tuple so far.
pub(super) struct Terms {
    terms: Vec<Term>,
    list: bool,
}

impl Terms {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.terms.push(value.serialize(Serializer)?);
        Ok(())
    }

    fn term(self) -> Term {
        if self.list { Term::list(self.terms) } else { Term::Tuple(self.terms) }
    }
}

macro_rules! sequences {
    ($($kind:ident $method:ident)*) => {$(
        impl ser::$kind for Terms {
            type Ok = Term;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.push(value)
            }

            fn end(self) -> Result<Term, Error> {
                Ok(self.term())
            }
        }
    )*};
}

sequences! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

/// The pairs of a map so far.
#[derive(Default)]
pub(super) struct Pairs {
    variant: Option<Term>,
    pairs: Vec<(Term, Term)>,
    key: Option<Term>,
}

impl Pairs {
    fn push<T: Serialize + ?Sized>(&mut self, key: Term, value: &T) -> Result<(), Error> {
        self.pairs.push((key, value.serialize(Serializer)?));
        Ok(())
    }

    fn term(self) -> Result<Term, Error> {
        let map = Map::from_unique(self.pairs).ok_or_else(|| Error::custom("a key twice"))?;
        Ok(match self.variant {
            Some(variant) => Term::tuple([variant, map.into()]),
            None => map.into(),
        })
    }
}

impl ser::SerializeMap for Pairs {
    type Ok = Term;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = Some(key.serialize(Serializer)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take().ok_or_else(|| Error::custom("a value without a key"))?;
        self.push(key, value)
    }

    fn end(self) -> Result<Term, Error> {
        self.term()
    }
}

macro_rules! structs {
    ($($kind:ident)*) => {$(
        impl ser::$kind for Pairs {
            type Ok = Term;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.push(atom(key)?, value)
            }

            fn end(self) -> Result<Term, Error> {
                self.term()
            }
        }
    )*};
}

structs!(SerializeStruct SerializeStructVariant);
