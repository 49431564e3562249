//! One term at a time, borrowed from the bytes.

use super::borrowed::{
    AtomRef, BitStringRef, ExportRef, FunRef, IntegerRef, PidRef, PortRef, ReferenceRef, names,
};
use super::{Float, REFERENCE_MAX_WORDS, Reader, RecordRef, TermError, tag};
use crate::creation::Creation;

/// The largest integer that a node of 64 bits keeps in a word.
const ARITY_MAX: u64 = (1 << 59) - 1;

/// A term without others inside, or the head of one that has some: those follow, one after another.
#[derive(Clone, Copy, Debug)]
pub enum Head<'a> {
    /// An integer that fits.
    Integer(i64),
    /// An integer that does not fit an `i64`.
    Big(IntegerRef<'a>),
    /// A float.
    Float(Float),
    /// An atom.
    Atom(AtomRef<'a>),
    /// A reference.
    Reference(ReferenceRef<'a>),
    /// A fun: the values that it captured follow.
    Fun(FunRef<'a>),
    /// `fun Module:Function/Arity`.
    Export(ExportRef<'a>),
    /// A port.
    Port(PortRef<'a>),
    /// A pid.
    Pid(PidRef<'a>),
    /// A tuple: so many elements follow.
    Tuple(u32),
    /// A native record: the values of its fields follow.
    Record(RecordRef<'a>),
    /// A map: so many pairs follow, key and value.
    Map(u32),
    /// `[]`.
    Nil,
    /// A list: so many elements follow, and then its tail. Without elements it is its tail.
    List(u32),
    /// A proper list of these bytes, of which there is one at least.
    String(&'a [u8]),
    /// A binary.
    Binary(&'a [u8]),
    /// A bit string that is no binary.
    BitString(BitStringRef<'a>),
}

impl Head<'_> {
    /// How many terms follow inside this one.
    #[inline]
    #[must_use]
    pub const fn inside(&self) -> u64 {
        match self {
            Self::Tuple(arity) => *arity as u64,
            Self::Record(record) => record.fields_len() as u64,
            Self::Map(pairs) => 2 * *pairs as u64,
            Self::List(elements) => *elements as u64 + 1,
            Self::Fun(fun) => fun.free_len() as u64,
            Self::Integer(_)
            | Self::Big(_)
            | Self::Float(_)
            | Self::Atom(_)
            | Self::Reference(_)
            | Self::Export(_)
            | Self::Port(_)
            | Self::Pid(_)
            | Self::Nil
            | Self::String(_)
            | Self::Binary(_)
            | Self::BitString(_) => 0,
        }
    }
}

impl<'a> Reader<'a> {
    /// The next term of any kind, up to what is inside it. Nothing is allocated and nothing is counted: who goes on for as many terms as
    /// [`Head::inside`] says has visited the whole term, in time and with checks as [`skip`](super::skip) has them.
    ///
    /// # Errors
    /// What is wrong with the term.
    // Who calls it looks at one or two kinds more closely, and the others need not be built.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn head(&mut self) -> Result<Head<'a>, TermError> {
        let tag = self.u8()?;
        Ok(match tag {
            tag::SMALL_INTEGER => Head::Integer(self.u8()?.into()),
            tag::INTEGER => Head::Integer(i32::from_be_bytes(self.array()?).into()),
            tag::SMALL_ATOM_UTF8 => {
                let len = self.u8()?;
                Head::Atom(self.utf8(len.into())?)
            }
            tag::ATOM_CACHE_REF => Head::Atom(self.cached()?),
            tag::SMALL_TUPLE => Head::Tuple(self.u8()?.into()),
            tag::LARGE_TUPLE => Head::Tuple(self.u32()?),
            tag::NIL => Head::Nil,
            tag::LIST => Head::List(self.u32()?),
            tag::MAP => Head::Map(self.u32()?),
            tag::STRING => {
                let len = self.u16()?;
                match self.take(len.into())? {
                    [] => Head::Nil,
                    bytes => Head::String(bytes),
                }
            }
            tag::BINARY => {
                let len = self.u32()?;
                Head::Binary(self.take(len as usize)?)
            }
            tag::NEW_FLOAT => Head::Float(self.new_float()?),
            tag::NEW_PID => Head::Pid(self.pid_behind(tag)?),
            tag::NEWER_REFERENCE => Head::Reference(self.reference_behind(tag)?),
            tag::SMALL_BIG => {
                let len = self.u8()?;
                self.big(len.into())?.into()
            }
            // A reader and a value of its own, so that with the others both can stay in registers.
            _ => {
                let mut reader = self.clone();
                let head = reader.rare_head(tag)?;
                *self = reader;
                head
            }
        })
    }

    /// Those that come seldom, or came from nodes of old.
    #[inline(never)]
    fn rare_head(&mut self, tag: u8) -> Result<Head<'a>, TermError> {
        Ok(match tag {
            tag::ATOM_UTF8 | tag::ATOM | tag::SMALL_ATOM => Head::Atom(self.atom_behind(tag)?),
            tag::LARGE_BIG => {
                let len = self.u32()?;
                self.big(len as usize)?.into()
            }
            tag::FLOAT => Head::Float(self.old_float()?),
            tag::BIT_BINARY => self.bit_binary()?,
            tag::PID => Head::Pid(self.pid_behind(tag)?),
            tag::V4_PORT | tag::NEW_PORT | tag::PORT => Head::Port(self.port_behind(tag)?),
            tag::NEW_REFERENCE | tag::REFERENCE => Head::Reference(self.reference_behind(tag)?),
            tag::NEW_FUN => Head::Fun(self.fun()?),
            tag::EXPORT => Head::Export(self.export()?),
            tag::RECORD => Head::Record(self.record()?),
            //= docs/spec/channel.md#ch-term-refused
            other => return Err(TermError::Unexpected(other)),
        })
    }

    #[inline]
    pub(super) fn pid_behind(&mut self, tag: u8) -> Result<PidRef<'a>, TermError> {
        Ok(PidRef {
            node: self.atom_ref()?,
            id: self.u32()?,
            serial: self.u32()?,
            creation: self.creation(tag == tag::NEW_PID)?,
        })
    }

    #[inline]
    pub(super) fn reference_behind(&mut self, tag: u8) -> Result<ReferenceRef<'a>, TermError> {
        let len = if tag == tag::REFERENCE { 1 } else { self.reference_len()? };
        let node = self.atom_ref()?;
        let (creation, words) = if tag == tag::REFERENCE {
            let words = self.take(4)?;
            (self.creation(false)?, words)
        } else {
            (self.creation(tag == tag::NEWER_REFERENCE)?, self.take(4 * len)?)
        };
        //= docs/spec/term.md#term-decode-old
        if tag != tag::NEWER_REFERENCE && !matches!(words, [0, 0..=3, ..]) {
            return Err(TermError::BadReference);
        }
        Ok(ReferenceRef::new(node, creation, words))
    }

    fn port_behind(&mut self, tag: u8) -> Result<PortRef<'a>, TermError> {
        let node = self.atom_ref()?;
        let id = if tag == tag::V4_PORT {
            u64::from_be_bytes(self.array()?)
        } else {
            self.u32()?.into()
        };
        Ok(PortRef { node, id, creation: self.creation(tag != tag::PORT)? })
    }

    fn bit_binary(&mut self) -> Result<Head<'a>, TermError> {
        let (len, last_bits) = (self.u32()?, self.u8()?);
        // How many bits of the last byte count: there must be one.
        //= docs/spec/term.md#term-decode-bits
        match (last_bits, len) {
            (8, 1..) => self.take(len as usize).map(Head::Binary),
            (1..=7, 1..) => {
                let bytes = self.take(len as usize)?;
                Ok(Head::BitString(BitStringRef::new(bytes, last_bits)))
            }
            _ => Err(TermError::BadBits),
        }
    }

    /// A fun, up to its free variables.
    ///
    /// Nodes since OTP 23.0 may send a size that is too large, so nobody may rely on it (`external.c`, `decoded_size`).
    //= docs/spec/channel.md#ch-term-fun-size
    fn fun(&mut self) -> Result<FunRef<'a>, TermError> {
        let fixed = self.chunk()?;
        let fun = FunRef::new(fixed, self);
        if fun.free_len() > 255 {
            return Err(TermError::TooManyVariables);
        }
        names(self)?;
        Ok(fun)
    }

    //= docs/spec/term.md#term-decode-export
    fn export(&mut self) -> Result<ExportRef<'a>, TermError> {
        let (module, function) = (self.atom_ref()?, self.atom_ref()?);
        let arity = self.unsigned()?;
        if arity > ARITY_MAX {
            return Err(TermError::IntegerRange);
        }
        // That is what a node sends on of an arity that no function has.
        Ok(ExportRef { module, function, arity: arity as u8 })
    }

    /// The number of words of a reference.
    #[inline]
    fn reference_len(&mut self) -> Result<usize, TermError> {
        match self.u16()?.into() {
            len @ 1..=REFERENCE_MAX_WORDS => Ok(len),
            _ => Err(TermError::BadReference),
        }
    }

    #[inline]
    fn creation(&mut self, wide: bool) -> Result<Creation, TermError> {
        if wide { self.u32().map(Creation) } else { self.old_creation() }
    }

    /// A creation of one byte, of which two bits could count.
    //= docs/spec/term.md#term-decode-old
    fn old_creation(&mut self) -> Result<Creation, TermError> {
        match self.u8()? {
            creation @ 0..=3 => Ok(Creation(creation.into())),
            other => Err(TermError::BadCreation(other)),
        }
    }

    /// The eight bytes of a float, behind its tag.
    fn new_float(&mut self) -> Result<Float, TermError> {
        Float::new(f64::from_be_bytes(self.array()?)).ok_or(TermError::BadFloat)
    }

    /// A float as text of up to 30 bytes, filled up with zeros to 31, behind its tag.
    fn old_float(&mut self) -> Result<Float, TermError> {
        let bytes = self.take(31)?;
        let end = bytes.iter().position(|&byte| byte == 0);
        let text = end.and_then(|end| bytes.get(..end));
        text.and_then(Float::from_text).ok_or(TermError::BadFloat)
    }
}
