//! Frames that no real node would send, written as terms.

use netkernel_blocking::core::Creation;
use netkernel_blocking::core::term::{Atom, Pid, Reference, Term, write};

use crate::script::CREATION;

/// Who is there, as terms.
#[derive(Clone, Debug)]
pub struct Names {
    peer: String,
    target: String,
    sink: Pid,
}

impl Names {
    /// The names of a peer and of the node that it has a link with, and a process there, which is registered as `sink`.
    #[must_use]
    pub const fn new(peer: String, target: String, sink: Pid) -> Self {
        Self { peer, target, sink }
    }

    /// The name of the peer.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// The term with these words in place: `from`, `sink`, `nobody`, `stale`, `third` are pids, of the peer, the node, nobody
    /// at the node, the node's former incarnation and a third node; `ref`, `own_ref`, `stale_ref` and `third_ref` likewise; `registered`
    /// is the name of `sink`.
    ///
    /// # Panics
    /// If it is no term.
    #[must_use]
    pub fn term(&self, text: &str) -> Term {
        self.fill(text.parse().unwrap_or_else(|error| panic!("{text}: {error}")))
    }

    /// A process of the peer.
    ///
    /// # Panics
    /// If its name is too long.
    #[must_use]
    pub fn from(&self) -> Pid {
        Pid {
            node: Atom::new(&self.peer).expect("as written"),
            id: 1,
            serial: 0,
            creation: CREATION,
        }
    }

    /// A process of the node that is not there.
    #[must_use]
    pub fn nobody(&self) -> Pid {
        Pid { id: 0x7FFF, serial: 99, ..self.sink.clone() }
    }

    fn fill(&self, term: Term) -> Term {
        if let Term::Tuple(elements) = term {
            return Term::Tuple(elements.into_iter().map(|element| self.fill(element)).collect());
        }
        if let Term::Atom(word) = term { self.word(word) } else { term }
    }

    fn word(&self, word: Atom) -> Term {
        let third = Atom::new("third@127.0.0.1").expect("as written");
        let target = Atom::new(&self.target).expect("as written");
        let reference = |node, creation| {
            Term::from(Reference::new(node, creation, &[0x0001_0001, 2, 3]).expect("as written"))
        };
        let former = Creation(self.sink.creation.0 ^ 3);
        match &*word {
            "from" => self.from().into(),
            "sink" => self.sink.clone().into(),
            "nobody" => self.nobody().into(),
            "stale" => Pid { creation: former, ..self.sink.clone() }.into(),
            "third" => Pid { node: third, ..self.from() }.into(),
            "ref" => reference(self.from().node, CREATION),
            "own_ref" => reference(target, self.sink.creation),
            "stale_ref" => reference(target, former),
            "registered" => Atom::new("sink").expect("as written").into(),
            "third_ref" => reference(third, CREATION),
            _ => word.into(),
        }
    }

    /// A frame with this control message, and these bytes behind it.
    ///
    /// # Panics
    /// If it is no term.
    #[must_use]
    pub fn frame(&self, control: &str, behind: &[u8]) -> Vec<u8> {
        let mut body = vec![b'p'];
        write::version(&mut body);
        write::term(&mut body, &self.term(control)).expect("as written");
        body.extend_from_slice(behind);
        raw(&body)
    }
}

/// A frame of these bytes.
///
/// # Panics
/// If they are too many.
#[must_use]
pub fn raw(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).expect("as written").to_be_bytes()[..], body].concat()
}
