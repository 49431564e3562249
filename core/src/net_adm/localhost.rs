//! The name of this host, with its domain (`net_adm:localhost/0`).

use alloc::string::String;

/// The host's name as others know it: the first part of `hostname`, and the domain if there is one.
//= docs/spec/net_adm.md#adm-localhost
#[must_use]
pub fn localhost(hostname: &str, domain: Option<&str>) -> String {
    let host = hostname.split('.').next().unwrap_or_default();
    match domain {
        Some(domain) if !domain.is_empty() => [host, ".", domain].concat(),
        Some(_) | None => host.into(),
    }
}

/// The domain that a host's own name has; `None` if it has none.
#[must_use]
pub fn domain_of(hostname: &str) -> Option<&str> {
    hostname.split_once('.').map(|(_, domain)| domain).filter(|domain| !domain.is_empty())
}

/// The domain that the resolver's file `resolv.conf` has: of its last line `domain NAME`. Only nodes with long names look there.
#[must_use]
pub fn domain_of_resolver(file: &str) -> Option<&str> {
    let domain = |line| {
        let mut words = str::split_ascii_whitespace(line);
        (words.next() == Some("domain")).then(|| words.next()).flatten()
    };
    file.lines().rev().find_map(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/net_adm.md#adm-localhost
    //= type=test
    #[test]
    fn the_domain_is_behind_the_first_part_of_the_name() {
        for (hostname, domain, name) in [
            ("vm", None, "vm"),
            ("vm", Some("example.test"), "vm.example.test"),
            ("vm.old.test", Some("new.test"), "vm.new.test"),
            ("vm.old.test", None, "vm"),
            ("vm", Some(""), "vm"),
        ] {
            assert_eq!(localhost(hostname, domain), name);
        }
        assert_eq!(domain_of("vm.example.test"), Some("example.test"));
        assert_eq!((domain_of("vm"), domain_of("vm.")), (None, None));
    }

    //= docs/spec/net_adm.md#adm-localhost
    //= type=test
    #[test]
    fn the_resolver_has_a_domain_or_not() {
        let file =
            "# domain no.test\nnameserver 192.0.2.1\ndomain example.test\nsearch other.test\n";
        assert_eq!(domain_of_resolver(file), Some("example.test"));
        assert_eq!(domain_of_resolver("search other.test\ndomain\n"), None);
    }
}
