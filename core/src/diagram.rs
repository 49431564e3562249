//! What the matrices of the state machines have tried, as diagrams in `docs/state-machines.md`. Used by tests only.

use core::fmt::Write as _;
use core::panic::Location;
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

/// What each event does in each state: a diagram, and a table with a row for each event and a column for each state.
#[derive(Debug)]
pub(crate) struct Matrix {
    states: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
    diagram: Diagram,
}

impl Matrix {
    /// With these states, the first of which is the beginning. Those that are ends need no column.
    pub(crate) fn new<'a>(states: impl IntoIterator<Item = &'a str>) -> Self {
        let states: Vec<_> = states.into_iter().map(str::to_string).collect();
        let diagram = Diagram::new(states.iter().map(String::as_str));
        Self { states, rows: Vec::new(), diagram }
    }

    /// An event that can happen in a state: the next state, and what comes out.
    ///
    /// # Panics
    /// If there is no such state.
    pub(crate) fn add(&mut self, from: &str, event: &str, next: &str, said: &str) {
        self.add_drawn(from, (event, event), next, said);
    }

    /// As `add`, where the event has another name in the diagram: there many of them are one.
    ///
    /// # Panics
    /// As `add`.
    pub(crate) fn add_drawn(
        &mut self,
        from: &str,
        (event, drawn): (&str, &str),
        next: &str,
        said: &str,
    ) {
        self.diagram.add(from, drawn, next);
        let cell = match (next == from, said) {
            (true, said) => said.to_string(),
            (false, "") => format!("**{next}**"),
            (false, said) => format!("**{next}**: {said}"),
        };
        let row = self.rows.iter().position(|(row, _)| row == event).unwrap_or_else(|| {
            let cells = self.states.iter().map(|_| CANNOT_BE.to_string()).collect();
            self.rows.push((event.to_string(), cells));
            self.rows.len() - 1
        });
        let column = self.states.iter().position(|state| state == from).expect("it is there");
        self.rows[row].1[column] = cell;
    }

    /// The diagram and the table.
    pub(crate) fn written(&self) -> String {
        let mut out = self.diagram.mermaid();
        let _ = writeln!(out, "\n| Event | {} |", self.states.join(" | "));
        let _ = writeln!(out, "|---{}|", "|---".repeat(self.states.len()));
        for (event, cells) in &self.rows {
            let _ = writeln!(out, "| {event} | {} |", cells.join(" | "));
        }
        out
    }
}

const CANNOT_BE: &str = "–";

/// Compares this text with what stands in `docs/state-machines.md` between the comments with this name, or puts it there if
/// `UPDATE_DOCS` is set.
///
/// # Panics
/// If it differs, or if this is called in a file that the command in the docs does not reach.
#[track_caller]
pub(crate) fn compare_with_docs(name: &str, text: &str) {
    assert!(Location::caller().file().contains("matrix"), "the command runs `matrix`");
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
