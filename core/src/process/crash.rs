//! Why processes end whose function cannot be called: the reasons of an Erlang node, term by term.

use alloc::vec::Vec;
use bytes::Bytes;

use crate::term::{Atom, write};

/// `{undef,[{Module,Function,Arguments,[]}]}`: there is no such function.
pub(super) fn undef(module: &Atom, function: &Atom, arguments: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(64 + arguments.len());
    write::tuple(&mut out, 2);
    write::literal(&mut out, "undef");
    write::list(&mut out, 1);
    write::tuple(&mut out, 4);
    write::atom(&mut out, module);
    write::atom(&mut out, function);
    out.extend_from_slice(arguments);
    write::nil(&mut out);
    write::nil(&mut out);
    out.into()
}

/// `{undef,[{Fun,Arguments,[]}]}`: the module of the fun is not here.
pub(super) fn undef_fun(fun: &[u8], arguments: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(64 + fun.len() + arguments.len());
    write::tuple(&mut out, 2);
    write::literal(&mut out, "undef");
    write::list(&mut out, 1);
    write::tuple(&mut out, 3);
    out.extend_from_slice(fun);
    out.extend_from_slice(arguments);
    write::nil(&mut out);
    write::nil(&mut out);
    out.into()
}

/// `{{badfun,Term},[{erlang,apply,2,[]}]}`: it is none.
pub(super) fn badfun(term: &[u8]) -> Bytes {
    of_fun("badfun", |out| out.extend_from_slice(term))
}

/// `{{badarity,{Fun,Arguments}},[{erlang,apply,2,[]}]}`: it takes more arguments, or fewer.
pub(super) fn badarity(fun: &[u8], arguments: &[u8]) -> Bytes {
    of_fun("badarity", |out| {
        write::tuple(out, 2);
        out.extend_from_slice(fun);
        out.extend_from_slice(arguments);
    })
}

fn of_fun(reason: &'static str, what: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::new();
    write::tuple(&mut out, 2);
    write::tuple(&mut out, 2);
    write::literal(&mut out, reason);
    what(&mut out);
    write::list(&mut out, 1);
    frame(&mut out, APPLY);
    write::nil(&mut out);
    out.into()
}

/// A function of Erlang's, as a stack trace has it.
pub(super) type Frame = (&'static str, &'static str, u8);

/// Where a fun is called.
pub(super) const APPLY: Frame = ("erlang", "apply", 2);
/// Where the function of a spawn request is called.
pub(super) const DIST_SPAWN_INIT: Frame = ("erts_internal", "dist_spawn_init", 1);
/// Where that of a request to `net_kernel` is.
pub(super) const SPAWN_FUNC: Frame = ("net_kernel", "spawn_func", 6);

/// `[{error_info,#{module => erl_erts_errors}}]`.
const ERROR_INFO: &[u8] =
    b"l\0\0\0\x01h\x02w\x0aerror_infot\0\0\0\x01w\x06modulew\x0ferl_erts_errorsj";

/// `{badarg,[{erlang,Function,Arguments,[{error_info,#{module => erl_erts_errors}}]},{Module,Function,Arity,[]}]}`: a function of
/// Erlang's own was called with what it does not take. Each argument is one term without version byte.
///
/// In Erlang the place in the file is told of functions that are not in the virtual machine; there is none here.
pub(super) fn badarg(function: &'static str, arguments: &[&[u8]], called_in: Frame) -> Bytes {
    let mut out = Vec::new();
    write::tuple(&mut out, 2);
    write::literal(&mut out, "badarg");
    write::list(&mut out, 2);
    write::tuple(&mut out, 4);
    write::literal(&mut out, "erlang");
    write::literal(&mut out, function);
    write::list(&mut out, arguments.len() as u32);
    for argument in arguments {
        out.extend_from_slice(argument);
    }
    write::nil(&mut out);
    out.extend_from_slice(ERROR_INFO);
    frame(&mut out, called_in);
    write::nil(&mut out);
    out.into()
}

fn frame(out: &mut Vec<u8>, (module, function, arity): Frame) {
    write::tuple(out, 4);
    write::literal(out, module);
    write::literal(out, function);
    write::integer(out, arity.into());
    write::nil(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{Limits, Reader, Term};
    use alloc::string::{String, ToString as _};

    fn text(reason: &Bytes) -> String {
        let mut reader = Reader::new(reason);
        let term = reader.term(&Limits::default()).unwrap();
        assert!(reader.is_empty());
        term.to_string()
    }

    fn encoded(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write::term(&mut out, &text.parse::<Term>().unwrap()).unwrap();
        out
    }

    //= docs/spec/process.md#process-spawn-undef
    //= type=test
    //= docs/spec/process.md#process-spawn-fun
    //= type=test
    //= docs/spec/process.md#process-spawn-badarg
    //= type=test
    #[test]
    fn reasons_are_those_of_a_real_node() {
        let (m, f) = (Atom::literal("nomod"), Atom::literal("nof"));
        let list = encoded("[a,<<\"b\">>]");
        assert_eq!(text(&undef(&m, &f, &list)), "{undef,[{nomod,nof,[a,<<\"b\">>],[]}]}");
        assert_eq!(text(&undef_fun(&encoded("x"), &list)), "{undef,[{x,[a,<<\"b\">>],[]}]}");
        assert_eq!(text(&badfun(&encoded("x"))), "{{badfun,x},[{erlang,apply,2,[]}]}");
        let reason = text(&badarity(&encoded("x"), &encoded("[]")));
        assert_eq!(reason, "{{badarity,{x,[]}},[{erlang,apply,2,[]}]}");
        let reason = badarg("apply", &[&encoded("m"), &encoded("[a|b]")], DIST_SPAWN_INIT);
        let expected = "{badarg,[{erlang,apply,[m,[a|b]],[{error_info,#{module => erl_erts_errors}}]},\
                        {erts_internal,dist_spawn_init,1,[]}]}";
        assert_eq!(text(&reason), expected);
    }
}
