//! Calls of `sys`, which every process of OTP answers.

use super::{elements, is_atom};
use crate::term::Term;

/// What a caller of `sys` wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum System {
    /// The server is to end for this reason (`gen_server:stop/3`, `sys:terminate/2`), and answers `ok` before.
    Terminate(Term),
    /// Anything else, which concerns how processes of OTP are made inside.
    Other(Term),
}

impl System {
    pub(super) fn of(request: Term) -> Self {
        match elements::<2>(request) {
            Ok([what, reason]) if is_atom(&what, "terminate") => Self::Terminate(reason),
            Ok(other) => Self::Other(Term::tuple(other)),
            Err(other) => Self::Other(other),
        }
    }

    /// What the caller is answered: `ok`, or `{error,{unknown_system_msg,Request}}`, by which `sys:get_state/1` and its like fail at once.
    //= docs/spec/calls.md#call-system
    #[must_use]
    pub fn answer(&self) -> Term {
        match self {
            Self::Terminate(_) => Term::literal("ok"),
            Self::Other(request) => {
                let unknown = Term::tuple([Term::literal("unknown_system_msg"), request.clone()]);
                Term::tuple([Term::literal("error"), unknown])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    //= docs/spec/calls.md#call-system
    //= type=test
    #[test]
    fn servers_can_be_told_to_end_and_say_what_else_they_do_not_know() {
        let answer = |text: &str| {
            let system = System::of(text.parse().unwrap());
            (system.answer().to_string(), matches!(system, System::Terminate(_)))
        };
        assert_eq!(answer("{terminate,normal}"), ("ok".to_string(), true));
        for other in ["get_state", "{debug,{trace,true}}", "{terminate,a,b}"] {
            let expected = alloc::format!("{{error,{{unknown_system_msg,{other}}}}}");
            assert_eq!(answer(other), (expected, false));
        }
    }
}
