//! What verbose calls of `net_adm` print.

use netkernel_smol::core::term::Term;
use serde_json::json;

use crate::report::Line;

/// What a verbose walk tells in pieces, as lines.
#[derive(Debug, Default)]
pub(crate) struct Pings(String);

impl Pings {
    /// The line that this piece ends.
    pub(crate) fn add(&mut self, piece: &str) -> Option<Line> {
        self.0.push_str(piece);
        let line = self.0.strip_suffix('\n')?;
        let (node, result) = line.strip_prefix("Pinging ")?.rsplit_once(" -> ")?;
        let atom = node.parse::<Term>().ok();
        let node = atom.as_ref().and_then(Term::as_atom).map_or(node, |atom| atom.as_str());
        let line = Line::new(line, json!({"event": "ping", "node": node, "result": result}));
        self.0.clear();
        Some(line)
    }
}
