//! Names that this node gives to peers that ask for one (`NAME_ME`).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::name::{NameError, NodeName, PeerName};

/// Names given back and kept for the next peer of the same host; the oldest is forgotten when there are more.
const KEPT_PER_HOST: usize = 64;
/// Hosts of which names are kept. A stranger has to know the cookie to make us remember its host.
const KEPT_HOSTS: usize = 1024;

/// The names in use, and those given back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct GivenNames {
    in_use: BTreeSet<NodeName>,
    free: BTreeMap<String, Vec<(NodeName, Creation)>>,
}

impl GivenNames {
    //= docs/spec/handshake.md#hs-dynamic-pool
    /// A name under `host`: the one given back last by a peer of that host, with its creation counted up, or a new one.
    pub(super) fn give(
        &mut self,
        host: &PeerName,
        entropy: Entropy,
    ) -> Result<(NodeName, Creation), NameError> {
        let mut name = base36(entropy.name());
        name.push('@');
        name.extend(host.as_bytes().iter().map(|&b| char::from(b)));
        let fresh = NodeName::new(&name)?;
        let kept = self.free.get_mut(fresh.host()).and_then(Vec::pop);
        let (name, creation) = match kept {
            Some((name, creation)) => (name, creation.next()),
            None => (fresh, Creation(entropy.creation()).usable()),
        };
        self.in_use.insert(name.clone());
        Ok((name, creation))
    }

    /// Takes a name back, if it is one of ours; to be reused only if its peer had proved the cookie.
    pub(super) fn give_back(&mut self, name: &NodeName, creation: Option<Creation>) {
        if !self.in_use.remove(name) {
            return;
        }
        let Some(creation) = creation else { return };
        if self.free.len() >= KEPT_HOSTS && !self.free.contains_key(name.host()) {
            return;
        }
        let kept = self.free.entry(name.host().into()).or_default();
        if kept.len() >= KEPT_PER_HOST {
            kept.remove(0);
        }
        kept.push((name.clone(), creation));
    }
}

/// Upper-case base 36, as Erlang's `integer_to_list(N, 36)` writes it.
fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut digits = Vec::new();
    loop {
        digits.push(char::from(DIGITS[(number % 36) as usize]));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entropy(byte: u8) -> Entropy {
        Entropy::new([byte; 16])
    }

    //= docs/spec/handshake.md#hs-dynamic-pool
    //= type=test
    #[test]
    fn a_name_given_back_goes_to_the_next_peer_of_the_host_with_the_next_creation() {
        let mut names = GivenNames::default();
        let host = PeerName::new("vm");
        let (first, creation) = names.give(&host, entropy(1)).unwrap();
        assert_eq!((first.host(), creation), ("vm", Creation(0x0101_0101)));
        let (second, _) = names.give(&host, entropy(2)).unwrap();
        assert_ne!(first, second);
        names.give_back(&first, Some(creation));
        assert_eq!(names.give(&host, entropy(3)).unwrap(), (first.clone(), Creation(0x0101_0102)));
        names.give_back(&second, None);
        let (third, _) = names.give(&host, entropy(4)).unwrap();
        assert!(third != second && third != first, "a name whose peer proved nothing is not kept");
    }

    #[test]
    fn base_36() {
        assert_eq!(
            (base36(0).as_str(), base36(35).as_str(), base36(36).as_str()),
            ("0", "Z", "10")
        );
        assert_eq!(base36(u64::MAX), "3W5E11264SGSF");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut names = GivenNames::default();
        let given: Vec<_> =
            (0..200_u8).map(|i| names.give(&PeerName::new("vm"), entropy(i)).unwrap()).collect();
        for (name, creation) in &given {
            names.give_back(name, Some(*creation));
        }
        assert_eq!(names.free["vm"].len(), KEPT_PER_HOST);
    }
}
