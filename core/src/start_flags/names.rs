//! `-name` and `-sname`: which names a node may take.

use alloc::string::String;

use super::{FlagError, StartFlags};
use crate::name::NodeName;
use crate::net_kernel::{NameDomain, OwnName};

/// The name of the host, for names without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct ThisHost<'a> {
    /// Its own name; what is behind the first dot does not count.
    pub hostname: &'a str,
    /// Its domain, if that is known.
    pub domain: Option<&'a str>,
}

//= docs/spec/flags.md#flags-name-which
/// The name that the flags give, and of which kind it is; `None` without any, or with one that makes no sense. A short name goes
/// before a long one; of several the first.
pub(super) fn name(
    flags: &StartFlags,
    host: &ThisHost<'_>,
) -> Result<Option<(OwnName, NameDomain)>, FlagError> {
    let name = |(name, domain)| create(name, domain, host).map(|name| (name, domain));
    given(flags).map(name).transpose()
}

fn given(flags: &StartFlags) -> Option<(&str, NameDomain)> {
    let kinds = [("sname", NameDomain::Shortnames), ("name", NameDomain::Longnames)];
    kinds.into_iter().find_map(|(flag, domain)| match flags.first(flag)? {
        [name] => Some((name.as_str(), domain)),
        _ => None,
    })
}

//= docs/spec/flags.md#flags-name-rules
/// `net_kernel:create_name/3`.
fn create(text: &str, domain: NameDomain, this: &ThisHost<'_>) -> Result<OwnName, FlagError> {
    let (head, host) = text.split_once('@').unwrap_or((text, ""));
    let host = match domain {
        NameDomain::Shortnames if host.contains('.') => return Err(FlagError::CannotSetShort),
        _ if !host.is_empty() => String::from(host),
        NameDomain::Shortnames => short(this).ok_or(FlagError::CannotSetShort)?.into(),
        NameDomain::Longnames => {
            let (short, domain) = short(this).zip(this.domain).ok_or(FlagError::CannotSetLong)?;
            [short, ".", domain].concat()
        }
    };
    if !host.chars().all(|c| matches!(c, '!'..='\u{FF}')) {
        return Err(FlagError::InvalidName);
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if head.is_empty() || !head.bytes().all(legal) {
        return Err(FlagError::InvalidName);
    }
    let full = [head, "@", &host].concat();
    match NodeName::new(&full) {
        Ok(_) if head == "undefined" => Ok(OwnName::Dynamic { host }),
        Ok(name) if name.check_own().is_ok() => Ok(OwnName::Static(name)),
        Ok(_) | Err(_) => Err(FlagError::InvalidNodeName(full)),
    }
}

impl StartFlags {
    /// Whether [`ThisHost`] counts: the name that they give has no host.
    #[must_use]
    pub fn needs_host(&self) -> bool {
        given(self)
            .is_some_and(|(name, _)| name.split_once('@').is_none_or(|(_, host)| host.is_empty()))
    }
}

fn short<'a>(this: &ThisHost<'a>) -> Option<&'a str> {
    this.hostname.split('.').next().filter(|host| !host.is_empty())
}
