//! Which values are arguments: their types say so, and not the terms that they become.

use alloc::string::ToString as _;
use alloc::vec::Vec;

use ::serde::Serialize;
use ::serde::ser::{self, Impossible, SerializeSeq, SerializeTuple};

use crate::term::Term;
use crate::term::serde::{Error, to_term};

/// Takes tuples, arrays, sequences and `()`, and refuses all else: an `enum` becomes a tuple, too, and must not be arguments with its name in front.
pub(super) struct Arguments;

/// The arguments so far.
pub(super) struct Parts(Vec<Term>);

fn refused<T>() -> Result<T, Error> {
    Err(Error::Message("the arguments are no tuple and no sequence".to_string()))
}

macro_rules! refuse {
    ($($method:ident($value:ty))*) => {$(
        fn $method(self, _: $value) -> Result<Vec<Term>, Error> {
            refused()
        }
    )*};
}

type Refused = Impossible<Vec<Term>, Error>;

impl ser::Serializer for Arguments {
    type Ok = Vec<Term>;
    type Error = Error;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Refused;
    type SerializeTupleVariant = Refused;
    type SerializeMap = Refused;
    type SerializeStruct = Refused;
    type SerializeStructVariant = Refused;

    refuse!(
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_f32(f32) serialize_f64(f64) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_unit_struct(&'static str)
    );

    fn serialize_unit(self) -> Result<Vec<Term>, Error> {
        Ok(Vec::new())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Error> {
        Ok(Parts(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, Error> {
        Ok(Parts(Vec::new()))
    }

    fn serialize_none(self) -> Result<Vec<Term>, Error> {
        refused()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Vec<Term>, Error> {
        refused()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<Vec<Term>, Error> {
        refused()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<Vec<Term>, Error> {
        refused()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Vec<Term>, Error> {
        refused()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Refused, Error> {
        refused()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Refused, Error> {
        refused()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Refused, Error> {
        refused()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Refused, Error> {
        refused()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Refused, Error> {
        refused()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! sequences {
    ($($kind:ident)*) => {$(
        impl $kind for Parts {
            type Ok = Vec<Term>;
            type Error = Error;

            fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.0.push(to_term(value)?);
                Ok(())
            }

            fn end(self) -> Result<Vec<Term>, Error> {
                Ok(self.0)
            }
        }
    )*};
}

sequences!(SerializeSeq SerializeTuple);
