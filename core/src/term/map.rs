//! Maps.

use alloc::vec::{self, Vec};
use core::slice;

use super::Term;

/// A map: each key once, in the order of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Map(Vec<(Term, Term)>);

impl Map {
    /// `#{}`.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The map of these pairs in any order. `None` if a key is there twice.
    #[must_use]
    pub fn from_unique(mut pairs: Vec<(Term, Term)>) -> Option<Self> {
        let in_order = |pairs: &[(Term, Term)]| {
            pairs.windows(2).all(|pair| matches!(pair, [one, other] if one.0 < other.0))
        };
        if !in_order(&pairs) {
            pairs.sort_unstable_by(|one, other| one.0.cmp(&other.0));
            return in_order(&pairs).then_some(Self(pairs));
        }
        Some(Self(pairs))
    }

    /// How many pairs it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is `#{}`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &Term) -> Option<&Term> {
        self.0.get(self.place(key).ok()?).map(|(_, value)| value)
    }

    /// Gives a key a value, and returns the one that it had. Takes time with the number of keys.
    pub fn insert(&mut self, key: Term, value: Term) -> Option<Term> {
        match self.place(&key) {
            Ok(at) => self.0.get_mut(at).map(|(_, old)| core::mem::replace(old, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes a key out, and returns its value. Takes time with the number of keys.
    pub fn remove(&mut self, key: &Term) -> Option<Term> {
        let at = self.place(key).ok()?;
        Some(self.0.remove(at).1)
    }

    /// The pairs, in the order of keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Term, &Term)> + DoubleEndedIterator {
        self.0.iter().map(pair)
    }

    /// The keys, in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Term> + DoubleEndedIterator {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Term> + DoubleEndedIterator {
        self.0.iter().map(|(_, value)| value)
    }

    fn place(&self, key: &Term) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| own.cmp(key))
    }
}

/// Of several values of one key the last.
impl FromIterator<(Term, Term)> for Map {
    fn from_iter<I: IntoIterator<Item = (Term, Term)>>(pairs: I) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        pairs.reverse();
        pairs.sort_by(|one, other| one.0.cmp(&other.0));
        pairs.dedup_by(|one, other| one.0 == other.0);
        Self(pairs)
    }
}

const fn pair(pair: &(Term, Term)) -> (&Term, &Term) {
    (&pair.0, &pair.1)
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Term, &'a Term);
    type IntoIter =
        core::iter::Map<slice::Iter<'a, (Term, Term)>, fn(&(Term, Term)) -> (&Term, &Term)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(pair)
    }
}

impl IntoIterator for Map {
    type Item = (Term, Term);
    type IntoIter = vec::IntoIter<(Term, Term)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

made_of!(Map, crate::any::Few<(Term, Term)>, |crate::any::Few(pairs)| {
    let unique: alloc::collections::BTreeMap<_, _> = pairs.into_iter().collect();
    Map::from_unique(unique.into_iter().collect()).unwrap()
});

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec as many;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_key_is_there_once() {
        let pairs = |keys: &[i64]| {
            keys.iter().enumerate().map(|(at, &key)| (key.into(), Term::from(at as i64))).collect()
        };
        assert_eq!(Map::from_unique(pairs(&[2, 1, 2])), None);
        assert_eq!(Map::from_unique(pairs(&[1, 1])), None);
        let map = Map::from_unique(pairs(&[2, 1, 0])).unwrap();
        assert_eq!((map.len(), map.get(&2_i64.into())), (3, Some(&0_i64.into())));
        assert_eq!(map.get(&3_i64.into()), None);
    }

    proptest! {
        #[test]
        fn does_what_a_tree_does(steps in many((-9..9_i64, any::<Option<i64>>()), 0..40)) {
            let (mut map, mut tree) = (Map::new(), BTreeMap::new());
            for (key, value) in &steps {
                let key = Term::from(*key);
                match value {
                    Some(value) => prop_assert_eq!(
                        map.insert(key.clone(), (*value).into()),
                        tree.insert(key, Term::from(*value))
                    ),
                    None => prop_assert_eq!(map.remove(&key), tree.remove(&key)),
                }
            }
            prop_assert!(map.iter().eq(&tree) && map.len() == tree.len());
            prop_assert!(map.keys().eq(tree.keys()) && map.values().eq(tree.values()));
            let pairs = || steps.iter().map(|(key, value)| (Term::from(*key), value.unwrap_or(0).into()));
            let tree: BTreeMap<Term, Term> = pairs().collect();
            prop_assert!(pairs().collect::<Map>().into_iter().eq(tree));
        }
    }
}
