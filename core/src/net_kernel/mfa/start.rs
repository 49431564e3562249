//! The arguments of `net_kernel:start/1` and `start/2`.

use alloc::string::String;

use super::Exception;
use crate::name::{NameError, NodeName};
use crate::net_kernel::{NameDomain, OwnName, StartOptions};
use crate::term::{Atom, Map, Term};

/// What is a name with options, or a name that no node can have.
type Arguments = Result<StartOptions, NameError>;

//= docs/spec/kernel.md#kernel-start-list
/// `[Name]`, `[Name,NameDomain]` or `[Name,NameDomain,TickInterval]`, the last in milliseconds between two of four ticks.
pub(super) fn of_list(list: &Term, host: &str) -> Result<Arguments, Exception> {
    let clause = Exception::function_clause;
    let elements = list.as_list().ok_or_else(clause)?;
    let (name, rest) = elements.split_first().ok_or_else(clause)?;
    let name = name.as_atom().ok_or_else(clause)?;
    let (domain, interval) = match rest {
        [] => (None, None),
        [domain @ Term::Atom(_)] => (Some(domain), None),
        [domain @ Term::Atom(_), interval] => {
            let ms = interval.as_i64().and_then(|ms| u32::try_from(ms).ok());
            (Some(domain), Some(ms.filter(|&ms| ms > 0).ok_or_else(clause)?))
        }
        _ => return Err(clause()),
    };
    let key = Term::literal("name_domain");
    let domain = match domain {
        None => NameDomain::Longnames,
        Some(value) => name_domain(value).ok_or_else(|| Exception::invalid_option(&key, value))?,
    };
    let ticktime = interval.map(|ms| (u64::from(ms) * 4).div_ceil(1000) as u32);
    Ok(own_name(name, domain, host).map(|name| StartOptions {
        name_domain: Some(domain),
        net_ticktime: ticktime,
        net_tickintensity: ticktime.map(|_| 4),
        ..StartOptions::of(name)
    }))
}

//= docs/spec/kernel.md#kernel-start-options
/// A name, and a map of options.
pub(super) fn of_map(name: &Term, options: &Term, host: &str) -> Result<Arguments, Exception> {
    let Term::Map(options) = options else {
        return Err(Exception::error("invalid_options"));
    };
    let name = name.as_atom().ok_or_else(|| Exception::error("invalid_name"))?;
    let read = Options::read(options)?;
    let domain = read.name_domain;
    Ok(own_name(name, domain, host).map(|name| StartOptions {
        hidden: read.hidden,
        listen: read.dist_listen,
        name_domain: Some(domain),
        net_ticktime: read.net_ticktime,
        net_tickintensity: read.net_tickintensity,
        ..StartOptions::of(name)
    }))
}

struct Options {
    name_domain: NameDomain,
    net_ticktime: Option<u32>,
    net_tickintensity: Option<u16>,
    dist_listen: bool,
    hidden: bool,
}

impl Options {
    fn read(pairs: &Map) -> Result<Self, Exception> {
        let mut options = Self {
            name_domain: NameDomain::Longnames,
            net_ticktime: None,
            net_tickintensity: None,
            dist_listen: true,
            hidden: false,
        };
        for (key, value) in pairs {
            options.take(key, value).ok_or_else(|| Exception::invalid_option(key, value))?;
        }
        Ok(options)
    }

    fn take(&mut self, key: &Term, value: &Term) -> Option<()> {
        match key.as_atom()?.as_str() {
            "name_domain" => self.name_domain = name_domain(value)?,
            "net_ticktime" => {
                let seconds = u32::try_from(value.as_i64()?).ok()?;
                self.net_ticktime = Some(seconds).filter(|&seconds| seconds > 0);
                self.net_ticktime?;
            }
            "net_tickintensity" => {
                let intensity = u16::try_from(value.as_i64()?).ok()?;
                self.net_tickintensity =
                    Some(intensity).filter(|intensity| (4..=1000).contains(intensity));
                self.net_tickintensity?;
            }
            "dist_listen" => self.dist_listen = value.as_atom()?.parse().ok()?,
            "hidden" => self.hidden = value.as_atom()?.parse().ok()?,
            _ => return None,
        }
        Some(())
    }
}

fn name_domain(term: &Term) -> Option<NameDomain> {
    match term.as_atom()?.as_str() {
        "longnames" => Some(NameDomain::Longnames),
        "shortnames" => Some(NameDomain::Shortnames),
        _ => None,
    }
}

//= docs/spec/kernel.md#kernel-start-host
/// The name that a node gets: without a host it is this machine's, whole for a long name, and cut at its first dot for a short one.
fn own_name(name: &Atom, domain: NameDomain, here: &str) -> Result<OwnName, NameError> {
    let (name, host) = match (name.split_once('@'), domain) {
        (Some((name, host)), _) => (name, host),
        (None, NameDomain::Shortnames) => (name.as_str(), here.split('.').next().unwrap_or(here)),
        (None, NameDomain::Longnames) if here.contains('.') => (name.as_str(), here),
        (None, NameDomain::Longnames) => return Err(NameError::NoHost),
    };
    let full: String = [name, "@", host].concat();
    let full = NodeName::new(&full)?;
    if name == "undefined" {
        return Ok(OwnName::Dynamic { host: host.into() });
    }
    Ok(OwnName::Static(full))
}

#[cfg(test)]
mod tests {
    use super::super::Call;
    use super::*;
    use alloc::string::ToString as _;

    fn start(arguments: &str, host: &str) -> Result<Arguments, Exception> {
        let text = ["net_kernel:start(", arguments, ")"].concat();
        let called = Call::parse(&text, host).unwrap_or_else(|error| panic!("{text}: {error}"));
        let Call::Start(arguments) = called? else { panic!("{text} is another call") };
        Ok(arguments)
    }

    fn name(text: &str) -> OwnName {
        OwnName::Static(NodeName::new(text).unwrap())
    }

    //= docs/spec/kernel.md#kernel-start-list
    //= type=test
    #[test]
    fn lists_of_one_to_three_start_nodes() {
        for (list, domain, ticktime) in [
            ("['a@b.c']", NameDomain::Longnames, None),
            ("['a@b.c',longnames]", NameDomain::Longnames, None),
            ("['a@b.c',shortnames]", NameDomain::Shortnames, None),
            ("['a@b.c',longnames,1000]", NameDomain::Longnames, Some(4)),
            ("['a@b.c',longnames,1]", NameDomain::Longnames, Some(1)),
            ("['a@b.c',longnames,4294967295]", NameDomain::Longnames, Some(17_179_870)),
        ] {
            let options = start(list, "h").unwrap().unwrap();
            assert_eq!(options.name, name("a@b.c"), "{list}");
            assert_eq!((options.name_domain, options.net_ticktime), (Some(domain), ticktime));
            assert_eq!(options.net_tickintensity, ticktime.map(|_| 4));
            assert!(options.listen && !options.hidden);
        }
        for list in [
            "[]",
            "foo",
            "[1]",
            "[a,b,c,d]",
            "[a|b]",
            "[a,1]",
            "[a,longnames,0]",
            "[a,longnames,-5]",
            "[a,longnames,foo]",
            "[a,longnames,4294967296]",
            "[a,1,1]",
        ] {
            assert_eq!(start(list, "h"), Err(Exception::function_clause()), "{list}");
        }
        let error = start("[a,foo]", "h").unwrap_err();
        assert_eq!(error.reason.to_string(), "{invalid_option,name_domain,foo}");
    }

    //= docs/spec/kernel.md#kernel-start-options
    //= type=test
    #[test]
    fn options_are_checked_one_by_one() {
        let all = "'a@b.c',#{name_domain => shortnames,net_ticktime => 7,net_tickintensity => 1000,\
                   dist_listen => false,hidden => true}";
        let options = start(all, "h").unwrap().unwrap();
        let expected = StartOptions {
            hidden: true,
            listen: false,
            name_domain: Some(NameDomain::Shortnames),
            net_ticktime: Some(7),
            net_tickintensity: Some(1000),
            ..StartOptions::of(name("a@b.c"))
        };
        assert_eq!(options, expected);
        for (arguments, reason) in [
            ("1,#{}", "invalid_name"),
            ("\"a\",#{}", "invalid_name"),
            ("a,[]", "invalid_options"),
            ("1,foo", "invalid_options"),
            ("a,#{foo => 1}", "{invalid_option,foo,1}"),
            ("a,#{1 => foo}", "{invalid_option,1,foo}"),
            ("a,#{name_domain => foo}", "{invalid_option,name_domain,foo}"),
            ("a,#{net_ticktime => 0}", "{invalid_option,net_ticktime,0}"),
            ("a,#{net_ticktime => a}", "{invalid_option,net_ticktime,a}"),
            ("a,#{net_tickintensity => 3}", "{invalid_option,net_tickintensity,3}"),
            ("a,#{net_tickintensity => 1001}", "{invalid_option,net_tickintensity,1001}"),
            ("a,#{dist_listen => 1}", "{invalid_option,dist_listen,1}"),
            ("a,#{hidden => no}", "{invalid_option,hidden,no}"),
        ] {
            let error = start(arguments, "h").map_err(|error| error.reason.to_string());
            assert_eq!(error, Err(reason.into()), "{arguments}");
        }
    }

    //= docs/spec/kernel.md#kernel-start-host
    //= type=test
    #[test]
    fn names_without_a_host_get_this_machines() {
        let dynamic = |host: &str| Ok(OwnName::Dynamic { host: host.into() });
        for (list, host, own) in [
            ("[a,shortnames]", "box.example.org", Ok(name("a@box"))),
            ("[a,shortnames]", "box", Ok(name("a@box"))),
            ("[a]", "box.example.org", Ok(name("a@box.example.org"))),
            ("[a]", "box", Err(NameError::NoHost)),
            ("['a@c.d']", "box", Ok(name("a@c.d"))),
            ("['undefined@c.d']", "box", dynamic("c.d")),
            ("[undefined,shortnames]", "box", dynamic("box")),
            ("['@c']", "box", Err(NameError::EmptyName)),
            ("['a@']", "box", Err(NameError::EmptyHost)),
            ("['a@b@c']", "box", Err(NameError::SecondAt)),
            ("['a b@c']", "box", Err(NameError::IllegalCharacter)),
        ] {
            let options = start(list, host).unwrap();
            assert_eq!(options.map(|options| options.name), own, "{list} on {host}");
        }
    }
}
