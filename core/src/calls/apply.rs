//! What a call names: a function, or a fun by way of `erlang:apply`.

use alloc::vec;
use alloc::vec::Vec;

use super::erpc::Outcome;
use crate::process::{Function, NESTED_MAX};
use crate::term::{Atom, Term};

/// Module, function and arguments; or what the call raises, which is none.
pub type Apply = Result<(Atom, Atom, Vec<Term>), Outcome>;

/// What is called by `apply(Module,Function,Arguments)`.
pub(super) fn apply(call: [Term; 3]) -> Apply {
    let [Term::Atom(module), Term::Atom(function), arguments] = call else {
        return Err(Outcome::badarg());
    };
    let arguments = Vec::try_from(arguments).map_err(|_| Outcome::badarg())?;
    Ok((module, function, arguments))
}

/// The function that is to be called in the end, which `is_served`, and its arguments: a call of `erlang:apply/2,3` is one of what it names.
///
/// # Errors
/// What the call raises.
//= docs/spec/calls.md#erpc-apply
pub fn resolve(
    mut call: Apply,
    is_served: impl Fn(&Function) -> bool,
) -> Result<(Function, Vec<Term>), Outcome> {
    let mut nested = 0;
    loop {
        let (module, function, arguments) = call?;
        let arity = u32::try_from(arguments.len()).unwrap_or(u32::MAX);
        let named = Function { module, function, arity };
        if is_served(&named) {
            return Ok((named, arguments));
        }
        let Function { module, function, .. } = named;
        let is_apply = module.as_str() == "erlang" && function.as_str() == "apply";
        nested += 1;
        if !is_apply || nested == NESTED_MAX {
            return Err(Outcome::undefined(module, function, arguments.into()));
        }
        call = match <[Term; 3]>::try_from(arguments) {
            Ok(call) => apply(call),
            Err(arguments) => match <[Term; 2]>::try_from(arguments) {
                Ok([fun, arguments]) => apply_fun(fun, arguments),
                Err(arguments) => Err(Outcome::undefined(module, function, arguments.into())),
            },
        };
    }
}

/// `apply(Fun,Arguments)`: of funs, those that name a function can be called here.
fn apply_fun(fun: Term, arguments: Term) -> Apply {
    let (arity, named) = if let Term::Export(export) = &fun {
        (export.arity, Some((export.module.clone(), export.function.clone())))
    } else if let Term::Fun(fun) = &fun {
        (fun.arity, None)
    } else {
        return Err(error("badfun", fun));
    };
    let Ok(given) = Vec::try_from(arguments.clone()) else { return Err(Outcome::badarg()) };
    if given.len() != usize::from(arity) {
        return Err(error("badarity", Term::tuple([fun, arguments])));
    }
    if let Some((module, function)) = named {
        return Ok((module, function, given));
    }
    let call = Term::tuple([fun, arguments, Term::NIL]);
    Err(Outcome::Error { reason: Term::literal("undef"), stack: vec![call].into() })
}

fn error(what: &'static str, of: Term) -> Outcome {
    Outcome::Error { reason: Term::tuple([Term::literal(what), of]), stack: Term::NIL }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{Export, Fun};
    use alloc::string::{String, ToString as _};

    fn term(text: &str) -> Term {
        text.parse().unwrap()
    }

    /// All but `erlang` is served, and a function of `erlang` that nobody there has.
    fn shown(call: [Term; 3]) -> String {
        let is_served = |it: &Function| it.module.as_str() != "erlang" || it.arity == 0;
        match resolve(apply(call), is_served) {
            Ok((Function { module, function, .. }, arguments)) => {
                Term::tuple([module.into(), function.into(), arguments.into()]).to_string()
            }
            Err(Outcome::Error { reason, stack }) => Term::tuple([reason, stack]).to_string(),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn by_apply(arguments: Vec<Term>) -> String {
        shown([term("erlang"), term("apply"), arguments.into()])
    }

    //= docs/spec/calls.md#erpc-apply
    //= type=test
    #[test]
    fn what_apply_names_is_called() {
        for (call, expected) in [
            ("[m,f,[1]]", "{m,f,[1]}"),
            ("[erlang,apply,[m,f,[1]]]", "{m,f,[1]}"),
            ("[erlang,apply,[erlang,apply,[m,f,[]]]]", "{m,f,[]}"),
            ("[erlang,apply,[m,f,1]]", "{badarg,[]}"),
            ("[erlang,apply,[m,1,[]]]", "{badarg,[]}"),
            ("[erlang,apply,[1,[]]]", "{{badfun,1},[]}"),
            ("[erlang,apply,[1]]", "{undef,[{erlang,apply,[1],[]}]}"),
            ("[erlang,node,[1]]", "{undef,[{erlang,node,[1],[]}]}"),
            ("[erlang,apply,[]]", "{erlang,apply,[]}"),
            ("[other,apply,[m,f,[]]]", "{other,apply,[m,f,[]]}"),
        ] {
            let call = Vec::try_from(term(call)).unwrap();
            assert_eq!(shown(call.try_into().unwrap()), expected);
        }
    }

    //= docs/spec/calls.md#erpc-apply
    //= type=test
    #[test]
    fn what_is_served_is_called_and_nesting_ends() {
        let nested = |n: u32| {
            let call = (0..n)
                .fold(term("[m,f,[]]"), |call, _| vec![term("erlang"), term("apply"), call].into());
            let call = Vec::try_from(call).unwrap().try_into().unwrap();
            resolve(apply(call), |it| it.module.as_str() == "m")
        };
        assert!(nested(NESTED_MAX - 1).is_ok() && nested(100).is_err());
        let Err(Outcome::Error { reason, stack }) = nested(NESTED_MAX) else { panic!("it ends") };
        let told = Term::tuple([reason, stack]).to_string();
        assert_eq!(told, "{undef,[{erlang,apply,[m,f,[]],[]}]}", "of the eighth");
        let call =
            || Ok((Atom::literal("erlang"), Atom::literal("apply"), vec![term("f"), term("[]")]));
        let (function, arguments) = resolve(call(), |it| it.arity == 2).unwrap();
        assert_eq!((function.function.as_str(), arguments.len()), ("apply", 2));
    }

    //= docs/spec/calls.md#erpc-apply
    //= type=test
    #[test]
    fn of_funs_those_with_a_name_are_called() {
        let [module, function] = ["m", "f"].map(|name| Atom::new(name).unwrap());
        let named =
            || Term::from(Export { module: module.clone(), function: function.clone(), arity: 1 });
        assert_eq!(by_apply(vec![named(), term("[1]")]), "{m,f,[1]}");
        assert_eq!(by_apply(vec![named(), term("[]")]), "{{badarity,{fun m:f/1,[]}},[]}");
        assert_eq!(by_apply(vec![named(), term("1")]), "{badarg,[]}");
        let code = Fun {
            arity: 0,
            unique: [0; 16],
            index: 0,
            module,
            old_index: 0,
            old_unique: 0,
            pid: crate::term::Pid {
                node: function,
                id: 1,
                serial: 0,
                creation: crate::creation::Creation(1),
            },
            free: vec![],
        };
        let code = Term::from(code);
        let expected = Term::tuple([
            term("undef"),
            vec![Term::tuple([code.clone(), Term::NIL, Term::NIL])].into(),
        ]);
        assert_eq!(by_apply(vec![code, Term::NIL]), expected.to_string());
    }
}
