//! Functions as terms.

use alloc::vec::Vec;
use core::fmt;

use super::{Atom, Pid, Term};

/// `fun Module:Function/Arity`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Export {
    /// The module.
    pub module: Atom,
    /// The function.
    pub function: Atom,
    /// How many arguments it takes.
    pub arity: u8,
}

impl fmt::Display for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fun {}:{}/{}", self.module, self.function, self.arity)
    }
}

/// A fun that was made in a module: which one, and the values that it captured. It can only be sent back to who can run it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fun {
    /// The module.
    pub module: Atom,
    /// The index of the fun in the module, in the numbering of old.
    pub old_index: i64,
    /// The hash of its code, in the way of old.
    pub old_unique: i64,
    /// How many arguments it takes.
    pub arity: u8,
    /// The checksum of the module.
    pub unique: [u8; 16],
    /// The index of the fun in the module.
    pub index: u32,
    /// The process that made it.
    pub pid: Pid,
    /// The values that it captured: at most 255 come over the wire.
    pub free: Vec<Term>,
}

/// As Erlang prints funs, which says too little to read one back.
impl fmt::Display for Fun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#Fun<{}.{}.{}>", self.module, self.old_index, self.old_unique)
    }
}

made_of!(Fun, ((Atom, i32, u32), u8, [u8; 16], u32, Pid, crate::any::Few<Term>), |(
    (module, old_index, old_unique),
    arity,
    unique,
    index,
    pid,
    crate::any::Few(free),
)| {
    let (old_index, old_unique) = (old_index.into(), old_unique.into());
    Fun { module, old_index, old_unique, arity, unique, index, pid, free }
});
