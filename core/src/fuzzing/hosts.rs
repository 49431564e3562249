//! `.hosts.erlang`.

use alloc::format;

use crate::net_adm::parse_hosts;
use crate::term::Term;

/// A file is terms, or an error with one of its lines. Whatever it is, atoms in it are written and read again.
pub fn host_file(input: &[u8]) {
    match parse_hosts(input) {
        Ok(terms) => {
            for atom in terms.iter().filter(|term| matches!(term, Term::Atom(_))) {
                // Its first two lines may say how a file is encoded; an atom may look as if it did.
                let read = parse_hosts(format!("\n\n{atom}.").as_bytes());
                assert_eq!(read.as_deref(), Ok(&[atom.clone()][..]));
            }
        }
        Err(error) => {
            let lines = 1 + input.iter().filter(|&&byte| byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "{error:?}");
        }
    }
}
