//! What a new process calls.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use bytes::Bytes;

use super::crash::{self, Frame};
use super::mfa::list_len;
use super::{Function, Mfa};
use crate::term::{Atom, Head, Reader, write};

/// How often a call can be that of another one. Nobody who means it nests them.
pub(crate) const NESTED_MAX: u32 = 8;

/// The served function that is to be called in the end, or why the process ends instead. `arguments` is one term without
/// version byte; `called_in` is where an Erlang node would call.
//= docs/spec/process.md#process-spawn-undef
pub(super) fn resolve(
    served: &BTreeSet<Function>,
    (module, function): (Atom, Atom),
    arguments: Bytes,
    called_in: Frame,
) -> Result<Mfa, Bytes> {
    let (mut call, mut nested) = ((module, function, arguments), 0);
    loop {
        let (module, function, arguments) = call;
        //= docs/spec/process.md#process-spawn-badarg
        let Some(mfa) = Mfa::of(module.clone(), function.clone(), arguments.clone()) else {
            let [module, function] = [&module, &function].map(encoded);
            return Err(crash::badarg("apply", &[&module, &function, &arguments], called_in));
        };
        if served.contains(mfa.function()) {
            return Ok(mfa);
        }
        nested += 1;
        let is_apply = module.as_str() == "erlang" && function.as_str() == "apply";
        call = match mfa.function().arity {
            2 if is_apply && nested < NESTED_MAX => apply_fun(&arguments)?,
            3 if is_apply && nested < NESTED_MAX => apply_function(&arguments, called_in)?,
            _ => return Err(crash::undef(&module, &function, &arguments)),
        };
    }
}

type Call = (Atom, Atom, Bytes);

/// `apply(Fun,Arguments)`: of funs, those that name a function can be called here.
//= docs/spec/process.md#process-spawn-fun
fn apply_fun(pair: &Bytes) -> Result<Call, Bytes> {
    let Some([fun, arguments]) = elements(pair) else { return Err(crash::badfun(pair)) };
    let head = Reader::new(&fun).head();
    let (arity, named) = if let Ok(Head::Export(export)) = &head {
        (export.arity, Some(export.to_export()))
    } else if let Ok(Head::Fun(fun)) = &head {
        (fun.arity(), None)
    } else {
        return Err(crash::badfun(&fun));
    };
    match (list_len(&arguments), named) {
        (None, _) => Err(crash::badarg("apply", &[&fun, &arguments], crash::APPLY)),
        (Some(len), _) if len != u32::from(arity) => Err(crash::badarity(&fun, &arguments)),
        (Some(_), Some(named)) => Ok((named.module, named.function, arguments)),
        (Some(_), None) => Err(crash::undef_fun(&fun, &arguments)),
    }
}

/// `apply(Module,Function,Arguments)`.
fn apply_function(triple: &Bytes, called_in: Frame) -> Result<Call, Bytes> {
    let Some([module, function, arguments]) = elements(triple) else {
        return Err(crash::badarg("apply", &[triple], called_in));
    };
    match [&module, &function].map(|name| Reader::new(name).atom()) {
        [Ok(to_module), Ok(to_function)] => Ok((to_module, to_function, arguments)),
        _ => Err(crash::badarg("apply", &[&module, &function, &arguments], called_in)),
    }
}

/// The elements of a proper list of so many, in whatever encoding.
fn elements<const N: usize>(list: &Bytes) -> Option<[Bytes; N]> {
    let mut reader = Reader::new(list);
    let mut elements = Vec::with_capacity(N);
    while elements.len() < N {
        let head = reader.head().ok()?;
        if let Head::String(bytes) = head {
            elements.extend(bytes.iter().map(|&byte| small_integer(byte)));
            break;
        }
        let Head::List(count) = head else { return None };
        for _ in 0..count {
            elements.push(list.slice_ref(reader.raw().ok()?));
        }
    }
    elements.try_into().ok()
}

fn small_integer(value: u8) -> Bytes {
    let mut out = Vec::new();
    write::integer(&mut out, value.into());
    out.into()
}

fn encoded(atom: &Atom) -> Bytes {
    let mut out = Vec::new();
    write::atom(&mut out, atom);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::crash::DIST_SPAWN_INIT;
    use crate::term::{Limits, Term};
    use alloc::string::{String, ToString};

    fn atom(text: &str) -> Atom {
        Atom::new(text).unwrap()
    }

    fn bytes(term: &Term) -> Bytes {
        let mut out = Vec::new();
        write::term(&mut out, term).unwrap();
        out.into()
    }

    /// What a call comes to, where `m:f/1` is served: arguments, or a reason.
    fn called(module: &str, function: &str, arguments: Bytes) -> Result<String, String> {
        let served = [Function { module: atom("m"), function: atom("f"), arity: 1 }].into();
        let called = resolve(&served, (atom(module), atom(function)), arguments, DIST_SPAWN_INIT);
        let text = |term: &[u8]| Reader::new(term).term(&Limits::default()).unwrap().to_string();
        called.map(|mfa| text(mfa.encoded())).map_err(|reason| text(&reason))
    }

    //= docs/spec/process.md#process-spawn-served
    //= type=test
    //= docs/spec/process.md#process-spawn-undef
    //= type=test
    //= docs/spec/process.md#process-spawn-badarg
    //= type=test
    #[test]
    fn what_is_served_is_called_and_all_else_ends_as_in_erlang() {
        for (module, function, arguments, result) in [
            ("m", "f", "[x]", Ok("[x]")),
            ("erlang", "apply", "[m,f,[x]]", Ok("[x]")),
            ("erlang", "apply", "[erlang,apply,[m,f,[x]]]", Ok("[x]")),
            ("m", "f", "[]", Err("{undef,[{m,f,[],[]}]}")),
            ("m", "g", "[x]", Err("{undef,[{m,g,[x],[]}]}")),
            ("erlang", "self", "[]", Err("{undef,[{erlang,self,[],[]}]}")),
            ("erlang", "apply", "[m,g,[x]]", Err("{undef,[{m,g,[x],[]}]}")),
            ("erlang", "put", "[x,y]", Err("{undef,[{erlang,put,[x,y],[]}]}")),
            ("m", "apply", "[fun m:f/1,[x]]", Err("{undef,[{m,apply,[fun m:f/1,[x]],[]}]}")),
            ("m", "apply", "[m,f,[x]]", Err("{undef,[{m,apply,[m,f,[x]],[]}]}")),
            (
                "m",
                "f",
                "[x|y]",
                Err(
                    "{badarg,[{erlang,apply,[m,f,[x|y]],[{error_info,#{module => erl_erts_errors}}]},\
                    {erts_internal,dist_spawn_init,1,[]}]}",
                ),
            ),
            (
                "erlang",
                "apply",
                "[m,1,[x]]",
                Err(
                    "{badarg,[{erlang,apply,[m,1,[x]],[{error_info,#{module => erl_erts_errors}}]},\
                    {erts_internal,dist_spawn_init,1,[]}]}",
                ),
            ),
        ] {
            let result = result.map(ToString::to_string).map_err(ToString::to_string);
            let arguments = bytes(&arguments.parse().unwrap());
            assert_eq!(called(module, function, arguments), result, "{module}:{function}");
        }
    }

    //= docs/spec/process.md#process-spawn-undef
    //= type=test
    #[test]
    fn nesting_ends_where_it_ends_for_calls() {
        let nested = |n: u32| {
            let inner = (1..n).fold(String::from("[m,f,[x]]"), |inner, _| {
                alloc::format!("[erlang,apply,{inner}]")
            });
            called("erlang", "apply", bytes(&inner.parse().unwrap()))
        };
        assert_eq!(nested(NESTED_MAX - 1), Ok("[x]".to_string()));
        let eighth = "{undef,[{erlang,apply,[m,f,[x]],[]}]}";
        assert_eq!(nested(NESTED_MAX), Err(eighth.to_string()));
    }

    //= docs/spec/process.md#process-spawn-fun
    //= type=test
    #[test]
    fn of_funs_those_are_called_that_name_a_served_function() {
        let export = |function: &'static str, arity| {
            let (module, function) = (atom("m"), atom(function));
            Term::from(crate::term::Export { module, function, arity })
        };
        let pid =
            crate::term::Pid { node: atom("a@b"), id: 1, serial: 0, creation: crate::Creation(7) };
        let fun = |arity| {
            Term::from(crate::term::Fun {
                module: atom("t"),
                old_index: 1,
                old_unique: 2,
                arity,
                unique: [0; 16],
                index: 1,
                pid: pid.clone(),
                free: Vec::new(),
            })
        };
        let call = |fun: Term, arguments: &str| {
            let pair = Term::list([fun, arguments.parse().unwrap()]);
            called("erlang", "apply", bytes(&pair))
        };
        assert_eq!(call(export("f", 1), "[x]"), Ok("[x]".into()));
        assert_eq!(call(export("f", 1), "\"x\""), Ok("\"x\"".into()));
        for (fun, arguments, reason) in [
            (export("g", 0), "[]", "{undef,[{m,g,[],[]}]}"),
            (export("f", 1), "[]", "{{badarity,{fun m:f/1,[]}},[{erlang,apply,2,[]}]}"),
            (fun(0), "[]", "{undef,[{#Fun<t.1.2>,[],[]}]}"),
            (fun(1), "[]", "{{badarity,{#Fun<t.1.2>,[]}},[{erlang,apply,2,[]}]}"),
            (Term::literal("x"), "[]", "{{badfun,x},[{erlang,apply,2,[]}]}"),
            (
                export("f", 1),
                "[x|y]",
                "{badarg,[{erlang,apply,[fun m:f/1,[x|y]],[{error_info,#{module => erl_erts_errors}}]},\
                 {erlang,apply,2,[]}]}",
            ),
        ] {
            assert_eq!(call(fun, arguments), Err(reason.into()));
        }
        // Two characters are a list of two, too, but of no fun.
        let string = called("erlang", "apply", Bytes::from_static(b"k\0\x02ab"));
        assert_eq!(string, Err("{{badfun,97},[{erlang,apply,2,[]}]}".into()));
    }
}
