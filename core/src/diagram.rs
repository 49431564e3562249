//! What the matrices of the state machines have tried, as diagrams in `docs/state-machines.md`. Used by tests only.

use core::fmt::Write as _;
use std::format;
use std::path::Path;
use std::string::{String, ToString as _};
use std::vec::Vec;
use std::{env, fs};

/// States, and the events that lead from one to another.
#[derive(Debug, Default)]
pub(crate) struct Diagram {
    states: Vec<String>,
    edges: Vec<(usize, usize, Vec<String>)>,
}

impl Diagram {
    /// With these states, the first of which is the beginning.
    pub(crate) fn new<'a>(states: impl IntoIterator<Item = &'a str>) -> Self {
        Self { states: states.into_iter().map(str::to_string).collect(), edges: Vec::new() }
    }

    /// An event that leads from a state to another one.
    pub(crate) fn add(&mut self, from: &str, event: &str, to: &str) {
        let (from, to) = (self.state(from), self.state(to));
        if from == to {
            return;
        }
        let edge = self.edges.iter_mut().find(|edge| (edge.0, edge.1) == (from, to));
        match edge {
            Some((.., events)) if events.iter().any(|other| other == event) => {}
            Some((.., events)) => events.push(event.to_string()),
            None => self.edges.push((from, to, [event.to_string()].into())),
        }
    }

    fn state(&mut self, name: &str) -> usize {
        let known = self.states.iter().position(|state| state == name);
        known.unwrap_or_else(|| {
            self.states.push(name.to_string());
            self.states.len() - 1
        })
    }

    /// As a flowchart of Mermaid, which web sites for code draw.
    pub(crate) fn mermaid(&self) -> String {
        let mut out = String::from("```mermaid\nflowchart TD\n");
        for (number, name) in self.states.iter().enumerate() {
            let _ = writeln!(out, "    s{number}([\"{name}\"])");
        }
        for (from, to, events) in &self.edges {
            let events: Vec<_> = events.iter().map(|event| event.replace('`', "")).collect();
            let _ = writeln!(out, "    s{from} -- \"{}\" --> s{to}", events.join("<br>"));
        }
        out + "```\n"
    }
}

/// Compares this text with what stands in `docs/state-machines.md` between the comments with this name, or puts it there if
/// `UPDATE_DOCS` is set.
///
/// # Panics
/// If it differs.
pub(crate) fn compare_with_docs(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/state-machines.md");
    let docs = fs::read_to_string(&path).expect("it is there");
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
    let (before, rest) = docs.split_once(&begin).expect("the comment is there");
    let (written, after) = rest.split_once(&end).expect("it ends");
    let text = format!("\n{}\n\n", text.trim());
    if env::var_os("UPDATE_DOCS").is_some() && written != text {
        fs::write(&path, [before, &begin, &text, &end, after].concat()).expect("it can be written");
        return;
    }
    assert!(
        written == text,
        "docs/state-machines.md is out of date: run its command, which its beginning tells"
    );
}
