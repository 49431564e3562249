//! From terms to values.

use ::serde::de::value::{MapDeserializer, SeqDeserializer};
use ::serde::de::{
    self, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, Unexpected, VariantAccess,
    Visitor,
};
use ::serde::forward_to_deserialize_any;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Error, TERM};
use crate::term::{Integer, Term};

/// Bytes of the largest integers that are about as large as a float can be.
const FLOAT_MAX_BYTES: usize = f64::MAX_EXP as usize / 8;

/// Gives the parts of a term to whom they are for.
#[derive(Clone, Copy)]
pub(super) struct Deserializer<'de>(pub(super) &'de Term);

impl<'de> Deserializer<'de> {
    fn wrong<T>(self, visitor: &impl Visitor<'de>) -> Result<T, Error> {
        Err(Error::invalid_type(Unexpected::Other(kind(self.0)), visitor))
    }

    fn is_none(self) -> bool {
        matches!(self.0.as_atom().map(|atom| atom.as_str()), Some("undefined" | "nil"))
    }

    /// The elements of a tuple or of a proper list.
    fn elements(self) -> Option<&'de [Term]> {
        self.0.as_tuple().or_else(|| self.0.as_list())
    }

    /// A list of characters.
    fn text(self) -> Option<String> {
        let char = |term| char::from_u32(u32::try_from(term).ok()?);
        self.0.as_list()?.iter().map(char).collect()
    }
}

const fn kind(term: &Term) -> &'static str {
    match term {
        Term::Integer(_) => "integer",
        Term::Float(_) => "float",
        Term::Atom(_) => "atom",
        Term::Reference(_) => "reference",
        Term::Fun(_) | Term::Export(_) => "fun",
        Term::Port(_) => "port",
        Term::Pid(_) => "pid",
        Term::Tuple(_) => "tuple",
        Term::Record(_) => "record",
        Term::Map(_) => "map",
        Term::List(_) => "list",
        Term::Binary(_) => "binary",
        Term::BitString(_) => "bit string",
    }
}

impl<'de> IntoDeserializer<'de, Error> for Deserializer<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn integer<'de, V: Visitor<'de>>(integer: &Integer, visitor: V) -> Result<V::Value, Error> {
    if let Some(value) = integer.to_i64() {
        return visitor.visit_i64(value);
    }
    if let Some(value) = integer.to_u64() {
        return visitor.visit_u64(value);
    }
    let term = Term::Integer(integer.clone());
    if let Ok(value) = i128::try_from(&term) {
        return visitor.visit_i128(value);
    }
    match u128::try_from(&term) {
        Ok(value) => visitor.visit_u128(value),
        Err(_) => Err(Error::invalid_type(Unexpected::Other("large integer"), &visitor)),
    }
}

fn sequence<'de, V: Visitor<'de>>(terms: &'de [Term], visitor: V) -> Result<V::Value, Error> {
    let mut sequence = SeqDeserializer::new(terms.iter().map(Deserializer));
    let value = visitor.visit_seq(&mut sequence)?;
    sequence.end()?;
    Ok(value)
}

/// The nearest float, if there is one of that size.
fn float(integer: &Integer) -> Option<f64> {
    if let Some(value) = integer.to_i64() {
        return Some(value as f64);
    }
    // By its text, which for integers beyond all floats would take long.
    let is_short = integer.as_big().is_some_and(|(_, bytes)| bytes.len() <= FLOAT_MAX_BYTES);
    let value: f64 = is_short.then(|| integer.to_string().parse().ok())??;
    value.is_finite().then_some(value)
}

macro_rules! floats {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0 {
                Term::Integer(integer) => match float(integer) {
                    Some(value) => visitor.visit_f64(value),
                    None => self.wrong(&visitor),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Deserializer<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Term::Integer(value) => integer(value, visitor),
            Term::Float(value) => visitor.visit_f64(value.get()),
            Term::Atom(atom) => match atom.as_str() {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                "undefined" | "nil" => visitor.visit_unit(),
                text => visitor.visit_borrowed_str(text),
            },
            Term::Tuple(elements) => sequence(elements, visitor),
            Term::List(list) if list.tail().is_none() => sequence(list.elements(), visitor),
            Term::Map(_) | Term::Record(_) => self.deserialize_map(visitor),
            Term::Binary(bytes) => match core::str::from_utf8(bytes) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => visitor.visit_borrowed_bytes(bytes),
            },
            Term::Reference(_)
            | Term::Fun(_)
            | Term::Export(_)
            | Term::Port(_)
            | Term::Pid(_)
            | Term::List(_)
            | Term::BitString(_) => self.wrong(&visitor),
        }
    }

    floats!(deserialize_f32 deserialize_f64);

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Term::Atom(atom) = self.0 {
            return visitor.visit_borrowed_str(atom);
        }
        match self.text() {
            Some(text) => visitor.visit_string(text),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Term::Binary(bytes) = self.0 {
            return visitor.visit_borrowed_bytes(bytes);
        }
        let bytes = |terms: &[Term]| terms.iter().map(|term| u8::try_from(term).ok()).collect();
        let list: Option<Vec<u8>> = self.0.as_list().and_then(bytes);
        match list {
            Some(bytes) => visitor.visit_byte_buf(bytes),
            None => self.wrong(&visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_none() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_none() { visitor.visit_unit() } else { self.wrong(&visitor) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let is_name = self.0.as_atom().is_some_and(|atom| atom.as_str() == name);
        if is_name { visitor.visit_unit() } else { self.wrong(&visitor) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name != TERM {
            return visitor.visit_newtype_struct(self);
        }
        let mut bytes = Vec::new();
        self.0.encode(&mut bytes).map_err(|_| Error::TooLong)?;
        visitor.visit_byte_buf(bytes)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.elements() {
            Some(terms) => sequence(terms, visitor),
            None => self.wrong(&visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Term::Record(record) = self.0 {
            let fields = record.fields().iter();
            let fields = fields.map(|(name, value)| (name.as_str(), Deserializer(value)));
            let mut fields = MapDeserializer::new(fields);
            let value = visitor.visit_map(&mut fields)?;
            fields.end()?;
            return Ok(value);
        }
        let Term::Map(pairs) = self.0 else { return self.wrong(&visitor) };
        let pairs = pairs.iter().map(|(key, value)| (Deserializer(key), Deserializer(value)));
        let mut pairs = MapDeserializer::new(pairs);
        let value = visitor.visit_map(&mut pairs)?;
        pairs.end()?;
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (name, inside) = match (self.0.as_tuple().and_then(<[Term]>::split_first), self.0) {
            (Some((name @ Term::Atom(_), inside)), _) => (name, Some(inside)),
            (None, name @ Term::Atom(_)) => (name, None),
            _ => return self.wrong(&visitor),
        };
        visitor.visit_enum(Variant { name, inside })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! { bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 }
}

/// A variant: its name, and what stands behind the name in a tuple.
struct Variant<'de> {
    name: &'de Term,
    inside: Option<&'de [Term]>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        Ok((seed.deserialize(Deserializer(self.name))?, self))
    }
}

impl<'de> Variant<'de> {
    fn one(self) -> Result<Deserializer<'de>, Error> {
        match self.inside {
            Some([inside]) => Ok(Deserializer(inside)),
            _ => Err(Error::custom("a variant without the one value that it has")),
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.inside {
            None => Ok(()),
            Some(_) => Err(Error::custom("values of a variant that has none")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.one()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        sequence(self.inside.unwrap_or_default(), visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_map(self.one()?, visitor)
    }
}
