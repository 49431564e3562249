//! Calls of `net_adm`, and what they return or raise.

use alloc::string::String;

use super::read::clause;
use super::{Class, Exception};
use crate::net_adm::{Answer, Call, Host, WorldError};
use crate::term::Term;

//= docs/spec/mfa.md#mfa-bad-arguments
/// The call of this function.
pub(super) fn read(function: &str, arguments: &[Term]) -> Result<Call, Exception> {
    Ok(match (function, arguments) {
        ("dns_hostname", [host]) => {
            if matches!(host, Term::List(_)) {
                host_of(host)?;
            }
            Call::DnsHostname(host.clone())
        }
        ("host_file", []) => Call::HostFile,
        ("localhost", []) => Call::Localhost,
        ("names", []) => Call::Names(None),
        ("names", [host]) => Call::Names(Some(host_of(host)?)),
        ("ping", [node]) => Call::Ping(clause(node.as_atom())?),
        ("world", []) => Call::World { verbose: false },
        ("world", [verbosity]) => Call::World { verbose: verbose(verbosity) },
        ("world_list", [hosts]) => Call::WorldList { hosts: list(hosts)?, verbose: false },
        ("world_list", [hosts, verbosity]) => {
            Call::WorldList { hosts: list(hosts)?, verbose: verbose(verbosity) }
        }
        _ => return Err(Exception::undef()),
    })
}

fn host_of(term: &Term) -> Result<Host, Exception> {
    Host::of_term(term).map_err(|_| Exception::function_clause())
}

fn list(term: &Term) -> Result<Term, Exception> {
    let is_list = matches!(term, Term::List(_));
    is_list.then(|| term.clone()).ok_or_else(Exception::function_clause)
}

/// Whatever is not `verbose` is silent to Erlang.
fn verbose(term: &Term) -> bool {
    term.as_atom().is_some_and(|atom| atom.as_str() == "verbose")
}

impl Answer {
    /// What an Erlang caller gets, returned or raised.
    //= docs/spec/mfa.md#mfa-answers
    ///
    /// # Errors
    /// What the call raises.
    pub fn to_result(self) -> Result<Term, Exception> {
        Ok(match self {
            Self::DnsHostname(Ok(name)) => pair("ok", Term::string(&name)),
            Self::DnsHostname(Err(host)) => pair("error", host),
            Self::HostFile(Ok(hosts)) => Term::list(hosts),
            Self::HostFile(Err(error)) => pair("error", error.to_term()),
            Self::Localhost(name) => Term::string(&name),
            Self::Names(Ok(names)) => {
                let name = |(name, port): (String, u16)| {
                    Term::tuple([Term::string(&name), i64::from(port).into()])
                };
                pair("ok", Term::list(names.into_iter().map(name)))
            }
            Self::Names(Err(error)) => pair("error", Term::literal(error.reason())),
            Self::Pinged(pong) => Term::literal(if pong { "pong" } else { "pang" }),
            Self::World(nodes) => {
                Term::list(nodes?.into_iter().map(|node| node.as_atom().clone().into()))
            }
        })
    }
}

impl From<WorldError> for Exception {
    fn from(error: WorldError) -> Self {
        match error {
            WorldError::HostFile(reason) => {
                Self { class: Class::Exit, reason: pair("error", reason.to_term()) }
            }
            WorldError::Badarg => Self::badarg(),
            WorldError::FunctionClause => Self::function_clause(),
            WorldError::SystemLimit => Self::error("system_limit"),
        }
    }
}

fn pair(word: &'static str, term: Term) -> Term {
    Term::tuple([Term::literal(word), term])
}

#[cfg(test)]
mod tests {
    use super::super::Call as Mfa;
    use super::*;
    use alloc::string::ToString as _;
    use alloc::vec;

    fn call(text: &str) -> Result<Call, Exception> {
        let call = Mfa::parse(text, "h").unwrap_or_else(|error| panic!("{text}: {error}"))?;
        let Mfa::NetAdm(call) = call else { panic!("{text} is another call") };
        Ok(call)
    }

    //= docs/spec/mfa.md#mfa-bad-arguments
    //= type=test
    //= docs/spec/net_adm.md#adm-names-host
    //= type=test
    #[test]
    fn bad_arguments_raise_what_net_adm_raises() {
        for text in [
            "net_adm:dns_hostname([a])",
            "net_adm:dns_hostname([97|98])",
            "net_adm:dns_hostname([-1])",
            "net_adm:names(5)",
            "net_adm:names([a])",
            "net_adm:names({1,2,3})",
            "net_adm:names(#{})",
            "net_adm:ping(\"x\")",
            "net_adm:ping(1)",
            "net_adm:world_list(a)",
            "net_adm:world_list({},silent)",
            "net_adm:world_list(<<>>,verbose)",
        ] {
            assert_eq!(call(text), Err(Exception::function_clause()), "{text}");
        }
        for text in
            ["net_adm:foo()", "net_adm:localhost(1)", "net_adm:ping()", "net_adm:world(a,b)"]
        {
            assert_eq!(call(text), Err(Exception::undef()), "{text}");
        }
    }

    #[test]
    fn each_function_is_its_call() {
        let hosts = || "[a|b]".parse::<Term>().unwrap();
        for (text, expected) in [
            ("dns_hostname(5)", Call::DnsHostname(Term::from(5))),
            ("dns_hostname({1,2,3})", Call::DnsHostname("{1,2,3}".parse().unwrap())),
            ("dns_hostname(\"a\")", Call::DnsHostname(Term::string("a"))),
            ("host_file()", Call::HostFile),
            ("localhost()", Call::Localhost),
            ("names()", Call::Names(None)),
            ("names('a.b')", Call::Names(Some("a.b".into()))),
            ("ping('')", Call::Ping(crate::term::Atom::literal(""))),
            ("world()", Call::World { verbose: false }),
            ("world(verbose)", Call::World { verbose: true }),
            ("world(5)", Call::World { verbose: false }),
            ("world_list([a|b])", Call::WorldList { hosts: hosts(), verbose: false }),
            ("world_list([a|b],verbose)", Call::WorldList { hosts: hosts(), verbose: true }),
            ("world_list([a|b],loud)", Call::WorldList { hosts: hosts(), verbose: false }),
        ] {
            assert_eq!(call(&["net_adm:", text].concat()), Ok(expected), "{text}");
        }
    }

    //= docs/spec/mfa.md#mfa-answers
    //= type=test
    //= docs/spec/net_adm.md#adm-world-exits
    //= type=test
    #[test]
    fn answers_are_erlangs_terms() {
        use crate::epmd::NamesError;
        use crate::net_adm::{HostFileError, Posix};
        let enoent = || HostFileError::Posix(Posix::Enoent);
        for (answer, text) in [
            (Answer::DnsHostname(Ok("h".into())), "{ok,\"h\"}"),
            (Answer::DnsHostname(Err(Term::from(5))), "{error,5}"),
            (Answer::HostFile(Ok(vec![Term::literal("a")])), "[a]"),
            (Answer::HostFile(Err(enoent())), "{error,enoent}"),
            (Answer::Localhost("h".into()), "\"h\""),
            (Answer::Names(Ok(vec![("b".into(), 7)])), "{ok,[{\"b\",7}]}"),
            (Answer::Names(Err(NamesError::NoReply)), "{error,address}"),
            (Answer::Pinged(true), "pong"),
            (Answer::Pinged(false), "pang"),
            (Answer::World(Ok(vec!["b@h".parse().unwrap()])), "[b@h]"),
            (Answer::World(Err(WorldError::HostFile(enoent()))), "exception exit: {error,enoent}"),
            (Answer::World(Err(WorldError::Badarg)), "exception error: badarg"),
            (Answer::World(Err(WorldError::FunctionClause)), "exception error: function_clause"),
            (Answer::World(Err(WorldError::SystemLimit)), "exception error: system_limit"),
        ] {
            let told = match answer.to_result() {
                Ok(term) => term.to_string(),
                Err(exception) => exception.to_string(),
            };
            assert_eq!(told, text);
        }
    }
}
