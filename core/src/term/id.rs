//! Identifiers: pids, ports and references.

use core::fmt;

use super::Atom;
use crate::creation::Creation;

/// The identity of a process.
///
/// Equal only if all four fields are: a process of another incarnation of the same node is another process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Pid {
    /// The node that the process lives on.
    pub node: Atom,
    /// Its number there.
    pub id: u32,
    /// Counts how often the numbers wrapped around.
    pub serial: u32,
    /// The incarnation of the node.
    pub creation: Creation,
}

/// Like Erlang's `<0.59.0>`, but with the name of the node for its number, which is known only inside one virtual
/// machine: `<'b@127.0.0.1'.59.0>`.
impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}.{}>", self.node, self.id, self.serial)
    }
}

/// The identity of a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Port {
    /// The node that it belongs to.
    pub node: Atom,
    /// Its number there.
    pub id: u64,
    /// The incarnation of the node.
    pub creation: Creation,
}

/// Like Erlang's `#Port<0.5>`, with the name of the node for its number.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#Port<{}.{}>", self.node, self.id)
    }
}

/// As many words can a reference have.
pub const REFERENCE_MAX_WORDS: usize = 5;

/// A reference: unique in its node, and opaque to everybody else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    node: Atom,
    creation: Creation,
    /// Zero behind `len`, so that comparing works.
    words: [u32; REFERENCE_MAX_WORDS],
    len: u8,
}

impl Reference {
    /// The reference with these words, in the order in which they stand on the wire. `None` unless there are one to
    /// [`REFERENCE_MAX_WORDS`].
    #[must_use]
    pub fn new(node: Atom, creation: Creation, words: &[u32]) -> Option<Self> {
        if words.is_empty() {
            return None;
        }
        let mut own = [0; REFERENCE_MAX_WORDS];
        own.get_mut(..words.len())?.copy_from_slice(words);
        Some(Self { node, creation, words: own, len: words.len() as u8 })
    }

    /// The reference with the first `len` of these words, of which the others are zero.
    pub(super) const fn from_array(
        node: Atom,
        creation: Creation,
        words: [u32; REFERENCE_MAX_WORDS],
        len: usize,
    ) -> Self {
        Self { node, creation, words, len: len as u8 }
    }

    /// The reference with these three words, which is what nodes make.
    pub(crate) const fn of_words(node: Atom, creation: Creation, words: [u32; 3]) -> Self {
        let [low, middle, high] = words;
        Self { node, creation, words: [low, middle, high, 0, 0], len: 3 }
    }

    /// The node that made it.
    #[must_use]
    pub const fn node(&self) -> &Atom {
        &self.node
    }

    /// The incarnation of that node.
    #[must_use]
    pub const fn creation(&self) -> Creation {
        self.creation
    }

    /// Its words, in the order of the wire.
    #[must_use]
    pub fn words(&self) -> &[u32] {
        &self.words[..usize::from(self.len)]
    }
}

/// Like Erlang's `#Ref<0.1.2.3>`, with the name of the node for its number, and the words in the order of the wire.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#Ref<{}", self.node)?;
        for word in self.words() {
            write!(f, ".{word}")?;
        }
        f.write_str(">")
    }
}

made_of!(Reference, (Atom, Creation, u32, [u32; REFERENCE_MAX_WORDS - 1], u8), |(
    node,
    creation,
    first,
    others,
    len,
)| {
    let mut words = alloc::vec![first];
    words.extend(others.iter().take(usize::from(len) % REFERENCE_MAX_WORDS));
    Reference::new(node, creation, &words).unwrap()
});

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn print_with_the_name_of_the_node() {
        let node = Atom::new("b@127.0.0.1").unwrap();
        let pid = Pid { node: node.clone(), id: 59, serial: 1, creation: Creation(7) };
        assert_eq!(pid.to_string(), "<'b@127.0.0.1'.59.1>");
        let port = Port { node: node.clone(), id: 5, creation: Creation(7) };
        assert_eq!(port.to_string(), "#Port<'b@127.0.0.1'.5>");
        let reference = Reference::new(node, Creation(7), &[3, 0, 1]).unwrap();
        assert_eq!(reference.to_string(), "#Ref<'b@127.0.0.1'.3.0.1>");
    }

    #[test]
    fn references_have_one_to_five_words() {
        let new = |words: &[u32]| Reference::new(Atom::literal("a@b"), Creation(4), words);
        assert_eq!(new(&[]), None);
        assert_eq!(new(&[1; 6]), None);
        assert_eq!(new(&[1, 2, 3, 4, 5]).unwrap().words(), [1, 2, 3, 4, 5]);
        assert_ne!(new(&[1]), new(&[1, 0]));
    }
}
