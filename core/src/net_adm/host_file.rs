//! `.hosts.erlang`: where it is, and what it says (`net_adm:host_file/0`).

use alloc::string::String;
use alloc::vec::Vec;

use super::token::{Kind, Token, form};
use super::{HostFileError, Posix, SyntaxError, syntax};
use crate::term::{Limits, ParseErrorKind, Term};

/// The name of the file.
pub const HOST_FILE: &str = ".hosts.erlang";
/// Bytes of the longest file; a longer one is `efbig`. Erlang reads any number.
pub const HOST_FILE_MAX: usize = 16 << 20;

//= docs/spec/net_adm.md#adm-host-file-path
/// The first file that there is, of those that `read` finds in these directories, in this order. A directory without one, or that is
/// none, is passed over; any other error ends the search.
///
/// # Errors
/// [`HostFileError`]: `enoent` if there is none.
pub fn search<D>(
    directories: impl IntoIterator<Item = D>,
    mut read: impl FnMut(D) -> Result<Vec<u8>, Posix>,
) -> Result<Vec<Term>, HostFileError> {
    for directory in directories {
        match read(directory) {
            Ok(bytes) => return parse_hosts(&bytes).map_err(HostFileError::Syntax),
            Err(Posix::Enoent | Posix::Enotdir) => {}
            Err(error) => return Err(HostFileError::Posix(error)),
        }
    }
    Err(HostFileError::Posix(Posix::Enoent))
}

//= docs/spec/net_adm.md#adm-host-file-syntax
/// The terms of a file, each ended by a dot. They are meant to be atoms, and that is not checked here.
///
/// # Errors
/// The first thing that is no term, and its line.
pub fn parse_hosts(bytes: &[u8]) -> Result<Vec<Term>, SyntaxError> {
    let (text, valid) = decoded(bytes);
    let (mut at, mut line, mut terms) = (0, 1, Vec::new());
    loop {
        // Erlang decodes as it reads: terms before the bad byte are read. What is behind a dot decides whether it ends one.
        let complete = |token: &Token<'_>| token.kind == Kind::Dot && token.at + 1 < text.len();
        let tokens = match form(&text, &mut at, &mut line) {
            Ok(tokens) if valid || tokens.last().is_some_and(complete) => tokens,
            Err(error) if valid || !at_end(&error) => return Err(error),
            _ => return Err(undecoded(&text)),
        };
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return Ok(terms) };
        syntax::check(&tokens)?;
        let written = text.get(first.at..last.at).unwrap_or_default();
        let term = Term::parse(written, &Limits::default());
        terms.push(term.map_err(|error| unread(error.kind, first.line))?);
    }
}

/// Whether a word has no end in the whole text. What stands behind the text might have ended it.
fn at_end(error: &SyntaxError) -> bool {
    matches!(&error.descriptor, Term::Tuple(what) if what.first() == Some(&Term::literal("unterminated")))
}

/// Behind this text.
fn undecoded(text: &str) -> SyntaxError {
    let line = 1 + text.matches('\n').count();
    let descriptor = Term::literal("invalid_unicode");
    SyntaxError { line, module: "file_io_server", descriptor }
}

/// What words of the right kinds can still be.
fn unread(kind: ParseErrorKind, line: usize) -> SyntaxError {
    let illegal = |what| Term::tuple([Term::literal("illegal"), Term::literal(what)]);
    let (module, descriptor) = match kind {
        ParseErrorKind::AtomTooLong => ("erl_scan", illegal("atom")),
        ParseErrorKind::BadChar => ("erl_scan", illegal("character")),
        ParseErrorKind::BadFloat => ("erl_scan", illegal("float")),
        ParseErrorKind::BadInteger => ("erl_scan", illegal("integer")),
        ParseErrorKind::BadSize
        | ParseErrorKind::IntegerTooLong
        | ParseErrorKind::ReservedWord
        | ParseErrorKind::Syntax
        | ParseErrorKind::TooDeep
        | ParseErrorKind::Unreadable => ("erl_parse", Term::string("bad term")),
    };
    SyntaxError { line, module, descriptor }
}

//= docs/spec/net_adm.md#adm-host-file-encoding
/// The text, up to the first byte that is none, and whether that is all.
fn decoded(bytes: &[u8]) -> (String, bool) {
    let head = beginning(bytes).split(|&b| b == b'\n').take(2);
    if head.filter_map(coding).next() == Some(true) {
        return (bytes.iter().map(|&b| char::from(b)).collect(), true);
    }
    match core::str::from_utf8(bytes) {
        Ok(text) => (text.into(), true),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            (String::from_utf8_lossy(valid).into_owned(), false)
        }
    }
}

/// Where Erlang looks for the encoding: in 16 reads of 32 bytes. A name that reaches the end of them may go on; that it does not, at the end of the
/// file, takes one more read to see.
fn beginning(bytes: &[u8]) -> &[u8] {
    const READ: usize = 32;
    if bytes.len() <= 15 * READ {
        return bytes;
    }
    let head = bytes.get(..16 * READ).unwrap_or(bytes);
    let may_go_on = |&b: &u8| b.is_ascii_alphanumeric() || b == b'-';
    let end = head.iter().rposition(|b| !may_go_on(b)).map_or(0, |last| last + 1);
    head.get(..end).unwrap_or_default()
}

/// Whether a comment says that the file is Latin-1; `None` if it names no encoding. One that is not known is UTF-8.
fn coding(line: &[u8]) -> Option<bool> {
    let line = String::from_utf8_lossy(line);
    let mut comment = line.split_once('%')?.1;
    while let Some((_, behind)) = comment.split_once("coding") {
        if let Some(name) = behind.trim_start_matches(' ').strip_prefix([':', '=']) {
            let name = name.trim_start_matches(' ').to_ascii_lowercase();
            let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
            let mut parts = name.split(is_end).next()?.split('-');
            // Behind these there may be more, as in `latin-1-unix`.
            return Some(parts.next() == Some("latin") && parts.next() == Some("1"));
        }
        comment = behind;
    }
    None
}
