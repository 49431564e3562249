//! Standard output: lines for people, or JSON objects for programs.

use core::fmt::Display;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io::{self, Write as _};

use serde_json::{Value, json};

/// Where results go.
#[derive(Debug)]
pub(crate) struct Report {
    json: bool,
    /// The last piece ended no line.
    is_open: AtomicBool,
}

/// One result, in both forms.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    text: String,
    json: Value,
}

impl Line {
    pub(crate) fn new(text: impl Display, json: Value) -> Self {
        Self { text: text.to_string(), json }
    }
}

impl Report {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json, is_open: AtomicBool::new(false) }
    }

    /// A line in that form only in which it is printed, for what may be long.
    pub(crate) fn line(&self, text: impl Display, json: impl FnOnce() -> Value) -> Line {
        if self.json {
            Line { text: String::new(), json: json() }
        } else {
            Line { text: text.to_string(), json: Value::Null }
        }
    }

    /// Writes one line, and flushes: a program at the other end of a pipe sees it now.
    pub(crate) fn print(&self, line: &Line) -> io::Result<()> {
        let mut out = io::stdout().lock();
        self.end_line(&mut out)?;
        if self.json {
            serde_json::to_writer(&mut out, &line.json)?;
            out.write_all(b"\n")?;
        } else {
            writeln!(out, "{}", line.text)?;
        }
        out.flush()
    }

    /// Writes why there is no result to standard error, if that is there.
    pub(crate) fn fail(&self, line: &Line) {
        // A terminal shows both.
        let _ = self.end_line(&mut io::stdout().lock());
        let text = if self.json { line.json.to_string() } else { line.text.clone() };
        crate::print_error(&text);
    }

    /// Whether results are objects.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Tells why the command failed, if it is no outcome of its own: a line, or what an object says.
    pub(crate) fn error(&self, line: &str, text: &str) {
        self.fail(&Line::new(line, json!({"event": "error", "text": text})));
    }

    /// Tells what may help, to standard error: an object has it by itself.
    pub(crate) fn hint(&self, text: &str) {
        if !self.json {
            let _ = self.end_line(&mut io::stdout().lock());
            crate::tell(text);
        }
    }

    /// Writes a piece of a text as it comes, or the line that it ends.
    pub(crate) fn piece(&self, piece: &str, line: Option<&Line>) -> io::Result<()> {
        if self.json {
            return line.map_or(Ok(()), |line| self.print(line));
        }
        let mut out = io::stdout().lock();
        out.write_all(piece.as_bytes())?;
        if !piece.is_empty() {
            self.is_open.store(!piece.ends_with('\n'), Ordering::Relaxed);
        }
        out.flush()
    }

    /// What comes now is no part of what was printed.
    fn end_line(&self, out: &mut impl io::Write) -> io::Result<()> {
        if self.is_open.swap(false, Ordering::Relaxed) {
            out.write_all(b"\n").and_then(|()| out.flush())
        } else {
            Ok(())
        }
    }
}
