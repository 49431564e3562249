//! What names stand for in this play.

use netkernel_blocking::core::term::{Atom, List, Map, Pid, Term};

use super::op::Name;

/// Names, with the pids, references and nodes that they stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Vec<(Name, Term)>);

impl Names {
    pub(crate) fn bind(&mut self, name: Name, value: Term) {
        assert!(self.0.iter().all(|(known, _)| *known != name), "{name} has a meaning");
        self.0.push((name, value));
    }

    pub(crate) fn get(&self, name: &str) -> &Term {
        let found = self.0.iter().find(|(known, _)| &**known == name);
        found.map(|(_, value)| value).unwrap_or_else(|| panic!("{name} is nobody"))
    }

    pub(crate) fn pid(&self, name: &str) -> Pid {
        let Term::Pid(pid) = self.get(name) else { panic!("{name} is no process") };
        pid.clone()
    }

    /// The term with what its names stand for.
    pub(crate) fn resolved(&self, term: &Term) -> Term {
        replaced(term, &|term| {
            let name = term.as_atom()?;
            self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        })
    }

    /// The term with names in place of what they stand for.
    pub(crate) fn named(&self, term: &Term) -> Term {
        replaced(term, &|term| {
            let name = self.0.iter().find(|(_, value)| value == term);
            name.map(|(name, _)| name.clone().into())
        })
    }
}

pub(crate) fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn replaced(term: &Term, other: &impl Fn(&Term) -> Option<Term>) -> Term {
    if let Some(other) = other(term) {
        return other;
    }
    let inside = |term: &Term| replaced(term, other);
    match term {
        Term::Tuple(elements) => Term::Tuple(elements.iter().map(inside).collect()),
        Term::List(list) => {
            let elements: Vec<_> = list.elements().iter().map(inside).collect();
            List::with_tail(elements, list.tail().map_or(Term::NIL, inside))
        }
        Term::Map(map) => {
            Term::Map(map.iter().map(|(key, value)| (inside(key), inside(value))).collect::<Map>())
        }
        leaf => leaf.clone(),
    }
}
