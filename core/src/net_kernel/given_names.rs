//! Names that this node gives to peers that ask for one (`NAME_ME`).

use alloc::collections::BTreeMap;
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
    /// With the creation that the name had before, if it was not new.
    in_use: BTreeMap<NodeName, Option<Creation>>,
    free: BTreeMap<String, Vec<(NodeName, Creation)>>,
}

impl GivenNames {
    //= docs/spec/handshake.md#hs-dynamic-pool
    /// A name under `host` that is not `taken`: the one given back last by a peer of that host, with its creation counted
    /// up, or a new one.
    pub(super) fn give(
        &mut self,
        host: &PeerName,
        entropy: Entropy,
        taken: impl Fn(&NodeName) -> bool,
    ) -> Result<(NodeName, Creation), NameError> {
        let mut number = entropy.name();
        let mut fresh = numbered(number, host)?;
        while taken(&fresh) {
            number = number.wrapping_add(1);
            fresh = numbered(number, host)?;
        }
        let kept = self.free.get_mut(fresh.host()).and_then(|kept| {
            let last = kept.iter().rposition(|(name, _)| !taken(name))?;
            Some(kept.remove(last))
        });
        let (name, creation, before) = match kept {
            Some((name, before)) => (name, before.next(), Some(before)),
            None => (fresh, Creation(entropy.creation()).usable(), None),
        };
        self.in_use.insert(name.clone(), before);
        Ok((name, creation))
    }

    /// Takes a name back, if it is one of ours. `used` is the creation under which its peer had a link; without one a new
    /// name is forgotten, and an old one is as if it had not been given. The answer is the name that is not kept any more.
    pub(super) fn give_back(
        &mut self,
        name: &NodeName,
        used: Option<Creation>,
    ) -> Option<NodeName> {
        let before = self.in_use.remove(name)?;
        let Some(creation) = used.or(before) else { return Some(name.clone()) };
        if self.free.len() >= KEPT_HOSTS && !self.free.contains_key(name.host()) {
            return Some(name.clone());
        }
        let kept = self.free.entry(name.host().into()).or_default();
        let forgotten = (kept.len() >= KEPT_PER_HOST).then(|| kept.remove(0).0);
        kept.push((name.clone(), creation));
        forgotten
    }
}

fn numbered(number: u64, host: &PeerName) -> Result<NodeName, NameError> {
    let mut name = base36(number);
    name.push('@');
    name.extend(host.as_bytes().iter().map(|&b| char::from(b)));
    NodeName::new(&name)
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

    fn nobody(_: &NodeName) -> bool {
        false
    }

    fn entropy(byte: u8) -> Entropy {
        Entropy::new([byte; 16])
    }

    //= docs/spec/handshake.md#hs-dynamic-pool
    //= type=test
    #[test]
    fn a_name_given_back_goes_to_the_next_peer_of_the_host_with_the_next_creation() {
        let mut names = GivenNames::default();
        let host = PeerName::new("vm");
        let (first, creation) = names.give(&host, entropy(1), nobody).unwrap();
        assert_eq!((first.host(), creation), ("vm", Creation(0x0101_0101)));
        let (second, _) = names.give(&host, entropy(2), nobody).unwrap();
        assert_ne!(first, second);
        names.give_back(&first, Some(creation));
        assert_eq!(
            names.give(&host, entropy(3), nobody).unwrap(),
            (first.clone(), Creation(0x0101_0102))
        );
        names.give_back(&second, None);
        let (third, _) = names.give(&host, entropy(4), nobody).unwrap();
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
        let given: Vec<_> = (0..200_u8)
            .map(|i| names.give(&PeerName::new("vm"), entropy(i), nobody).unwrap())
            .collect();
        for (name, creation) in &given {
            names.give_back(name, Some(*creation));
        }
        assert_eq!(names.free["vm"].len(), KEPT_PER_HOST);
    }

    //= docs/spec/handshake.md#hs-dynamic-pool
    //= type=test
    #[test]
    fn names_are_kept_of_so_many_hosts_and_of_these_all_go_on() {
        let mut names = GivenNames::default();
        let give_and_take = |names: &mut GivenNames, host: usize, byte| {
            let host = PeerName::new(alloc::format!("vm{host}"));
            let (name, creation) = names.give(&host, entropy(byte), nobody).unwrap();
            (names.give_back(&name, Some(creation)), name)
        };
        for host in 0..KEPT_HOSTS {
            assert_eq!(give_and_take(&mut names, host, 1).0, None);
        }
        let (forgotten, name) = give_and_take(&mut names, KEPT_HOSTS, 1);
        assert_eq!(forgotten, Some(name), "there is no room for one more host");
        let (first, _) = names.give(&PeerName::new("vm0"), entropy(2), nobody).unwrap();
        let (second, creation) = names.give(&PeerName::new("vm0"), entropy(3), nobody).unwrap();
        assert_eq!(names.give_back(&first, None), None, "it is kept as before");
        assert_eq!(names.give_back(&second, Some(creation)), None, "nor is another of that host");
        assert_eq!(names.free["vm0"].len(), 2);
        assert_eq!(names.free.len(), KEPT_HOSTS);
    }

    //= docs/spec/handshake.md#hs-dynamic-pool
    //= type=test
    #[test]
    fn a_peer_that_proves_nothing_does_not_use_a_kept_name_up() {
        let mut names = GivenNames::default();
        let host = PeerName::new("vm");
        let (first, creation) = names.give(&host, entropy(1), nobody).unwrap();
        names.give_back(&first, Some(creation));
        for _ in 0..100 {
            let (stranger, _) = names.give(&host, entropy(2), nobody).unwrap();
            names.give_back(&stranger, None);
        }
        assert_eq!(names.give(&host, entropy(3), nobody).unwrap(), (first, creation.next()));
    }

    #[test]
    fn a_name_that_is_taken_is_not_given() {
        let mut names = GivenNames::default();
        let host = PeerName::new("vm");
        let (first, creation) = names.give(&host, entropy(1), nobody).unwrap();
        names.give_back(&first, Some(creation));
        let (other, _) = names.give(&host, entropy(1), |name| *name == first).unwrap();
        assert_ne!(other, first);
        names.give_back(&other, None);
        assert_eq!(names.give(&host, entropy(1), nobody).unwrap().0, first, "and is still kept");
    }
}
