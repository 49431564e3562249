//! The socket options that `getopts` and `setopts` know, by Erlang's names (`inet:setopts/2`).

use alloc::vec::Vec;
use core::fmt;

use crate::ids::StreamId;
use crate::term::Term;

/// One option of a socket, and its value.
///
/// `Display` prints Erlang's tuple, such as `{nodelay,true}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum SocketOption {
    /// Whether the operating system probes a silent connection (`SO_KEEPALIVE`).
    Keepalive(bool),
    /// For how many seconds a close waits for what is not written yet; `None` is `{false,0}` (`SO_LINGER`).
    Linger(Option<u32>),
    /// Whether small writes go out at once (`TCP_NODELAY`).
    Nodelay(bool),
    /// The priority of what is sent (`SO_PRIORITY`). Systems that do not know it ignore it.
    Priority(u32),
    /// Bytes of the receive buffer (`SO_RCVBUF`). The operating system may take another number.
    Recbuf(u32),
    /// Bytes of the send buffer (`SO_SNDBUF`). The operating system may take another number.
    Sndbuf(u32),
    /// The type of service of what is sent (`IP_TOS`). The priority stays what it is.
    Tos(u32),
}

/// The name of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum OptionName {
    /// [`SocketOption::Keepalive`].
    Keepalive,
    /// [`SocketOption::Linger`].
    Linger,
    /// [`SocketOption::Nodelay`].
    Nodelay,
    /// [`SocketOption::Priority`].
    Priority,
    /// [`SocketOption::Recbuf`].
    Recbuf,
    /// [`SocketOption::Sndbuf`].
    Sndbuf,
    /// [`SocketOption::Tos`].
    Tos,
}

/// Why Erlang does not do what `getopts` or `setopts` asks for.
///
/// `Display` prints the whole term that the caller gets; it is returned, not raised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum OptsError {
    /// Options that only the carrier of a link may change: `active`, `deliver` and `packet`.
    BadOpts(
        #[cfg_attr(any(test, feature = "proptest"), proptest(strategy = "crate::any::few()"))]
        Vec<Term>,
    ),
    /// No option, no value of that option, or one that the operating system refuses (`einval`).
    Invalid,
    /// There is no link with this node, or none that is just up (`noconnection`).
    NoConnection,
    /// This node is not alive (`ignored`).
    NotAlive,
    /// The carrier of the link has no options (`enotsup`). TCP has.
    NotSupported,
}

/// What `setopts` sets options of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// The listener.
    Listener,
    /// A stream that is or becomes a link.
    Stream(StreamId),
}

impl OptionName {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Keepalive,
        Self::Linger,
        Self::Nodelay,
        Self::Priority,
        Self::Recbuf,
        Self::Sndbuf,
        Self::Tos,
    ];

    //= docs/spec/kernel.md#kernel-opts-invalid
    /// The option of this name.
    ///
    /// # Errors
    /// [`OptsError::Invalid`] if there is none.
    pub fn named(name: &str) -> Result<Self, OptsError> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or(OptsError::Invalid)
    }

    /// Erlang's name of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keepalive => "keepalive",
            Self::Linger => "linger",
            Self::Nodelay => "nodelay",
            Self::Priority => "priority",
            Self::Recbuf => "recbuf",
            Self::Sndbuf => "sndbuf",
            Self::Tos => "tos",
        }
    }
}

impl SocketOption {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> OptionName {
        match self {
            Self::Keepalive(_) => OptionName::Keepalive,
            Self::Linger(_) => OptionName::Linger,
            Self::Nodelay(_) => OptionName::Nodelay,
            Self::Priority(_) => OptionName::Priority,
            Self::Recbuf(_) => OptionName::Recbuf,
            Self::Sndbuf(_) => OptionName::Sndbuf,
            Self::Tos(_) => OptionName::Tos,
        }
    }

    /// Checks the options of an Erlang caller (`inet_tcp_dist:setopts/2`). Erlang asks for the link first: of a call that
    /// finds none these errors are not told.
    ///
    /// # Errors
    /// [`OptsError::BadOpts`] with all options of the carrier, or [`OptsError::Invalid`]. Nothing is set then.
    pub fn check(list: &[Term]) -> Result<Vec<Self>, OptsError> {
        //= docs/spec/kernel.md#kernel-opts-badopts
        let bad: Vec<Term> = list.iter().filter(|it| is_carriers(it)).cloned().collect();
        if !bad.is_empty() {
            return Err(OptsError::BadOpts(bad));
        }
        //= docs/spec/kernel.md#kernel-opts-invalid
        list.iter().map(|option| Self::read(option).ok_or(OptsError::Invalid)).collect()
    }

    /// Erlang's tuple.
    #[must_use]
    pub fn to_term(self) -> Term {
        let value = match self {
            Self::Keepalive(on) | Self::Nodelay(on) => on.into(),
            Self::Linger(seconds) => {
                Term::tuple([seconds.is_some().into(), u64::from(seconds.unwrap_or(0)).into()])
            }
            Self::Priority(number)
            | Self::Recbuf(number)
            | Self::Sndbuf(number)
            | Self::Tos(number) => u64::from(number).into(),
        };
        Term::tuple([Term::literal(self.name().as_str()), value])
    }

    fn read(option: &Term) -> Option<Self> {
        let [name, value] = option.as_tuple()? else { return None };
        Some(match OptionName::named(name.as_atom()?).ok()? {
            OptionName::Keepalive => Self::Keepalive(boolean(value)?),
            OptionName::Linger => Self::Linger(linger(value)?),
            OptionName::Nodelay => Self::Nodelay(boolean(value)?),
            OptionName::Priority => Self::Priority(number(value)?),
            OptionName::Recbuf => Self::Recbuf(number(value)?),
            OptionName::Sndbuf => Self::Sndbuf(number(value)?),
            OptionName::Tos => Self::Tos(number(value)?),
        })
    }
}

fn is_carriers(option: &Term) -> bool {
    let Some([name, _]) = option.as_tuple() else { return false };
    name.as_atom().is_some_and(|name| ["active", "deliver", "packet"].contains(&name.as_str()))
}

fn boolean(value: &Term) -> Option<bool> {
    value.as_atom()?.parse().ok()
}

fn number(value: &Term) -> Option<u32> {
    value.as_i64()?.try_into().ok()
}

/// `{true,Seconds}`, or `{false,_}`.
fn linger(value: &Term) -> Option<Option<u32>> {
    let [on, seconds] = value.as_tuple()? else { return None };
    let seconds = number(seconds)?;
    Some(boolean(on)?.then_some(seconds))
}

impl fmt::Display for OptionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for SocketOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_term().fmt(f)
    }
}

impl OptsError {
    /// The whole term that the caller gets.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let reason = match self {
            Self::BadOpts(options) => {
                Term::tuple([Term::literal("badopts"), Term::list(options.iter().cloned())])
            }
            Self::Invalid => Term::literal("einval"),
            Self::NoConnection => Term::literal("noconnection"),
            Self::NotAlive => return Term::literal("ignored"),
            Self::NotSupported => Term::literal("enotsup"),
        };
        Term::tuple([Term::literal("error"), reason])
    }
}

impl fmt::Display for OptsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_term().fmt(f)
    }
}

impl core::error::Error for OptsError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    fn pair(name: &str, value: &str) -> Term {
        alloc::format!("{{{name},{value}}}").parse().unwrap()
    }

    #[test]
    fn each_option_is_printed_as_it_is_read() {
        for (name, value) in [
            ("keepalive", "true"),
            ("linger", "{true,5}"),
            ("linger", "{false,0}"),
            ("nodelay", "false"),
            ("priority", "3"),
            ("recbuf", "65536"),
            ("sndbuf", "4294967295"),
            ("tos", "16"),
        ] {
            let read = SocketOption::check(&[pair(name, value)]).unwrap();
            assert_eq!(read[0].to_string(), alloc::format!("{{{name},{value}}}"));
            assert_eq!(OptionName::named(name), Ok(read[0].name()));
            assert_eq!(read[0].name().to_string(), name);
        }
        assert_eq!(
            SocketOption::check(&[pair("linger", "{false,5}")]),
            Ok([SocketOption::Linger(None)].into())
        );
    }

    //= docs/spec/kernel.md#kernel-opts-invalid
    //= type=test
    #[test]
    fn what_no_socket_has_is_einval() {
        for (name, value) in [
            ("foo", "1"),
            ("nodelay", "1"),
            ("nodelay", "foo"),
            ("keepalive", "{true}"),
            ("sndbuf", "-1"),
            ("sndbuf", "4294967296"),
            ("recbuf", "foo"),
            ("linger", "5"),
            ("linger", "{true,-1}"),
            ("linger", "{perhaps,1}"),
            ("linger", "true"),
        ] {
            let options = [pair("nodelay", "true"), pair(name, value)];
            assert_eq!(SocketOption::check(&options), Err(OptsError::Invalid), "{name} {value}");
        }
        assert_eq!(SocketOption::check(&[Term::literal("nodelay")]), Err(OptsError::Invalid));
        assert_eq!(OptionName::named("active"), Err(OptsError::Invalid));
        assert_eq!(OptsError::Invalid.to_string(), "{error,einval}");
    }

    //= docs/spec/kernel.md#kernel-opts-badopts
    //= type=test
    #[test]
    fn options_of_the_carrier_are_told_before_all_else() {
        let options = [
            pair("foo", "1"),
            pair("deliver", "term"),
            pair("nodelay", "true"),
            pair("packet", "2"),
            pair("active", "once"),
        ];
        let error = SocketOption::check(&options).unwrap_err();
        assert_eq!(
            error.to_string(),
            "{error,{badopts,[{deliver,term},{packet,2},{active,once}]}}"
        );
    }
}
