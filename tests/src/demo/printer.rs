//! How the demo looks: aligned columns, and colours where they can be seen.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::Instant as Moment;

use super::rules::Rule;

/// Columns of a line.
const WIDTH: usize = 100;
/// Columns of time and node.
const INDENT: usize = 20;
/// Columns of what happened. Rules stand behind it.
const WHAT: usize = 51;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const CYAN: &str = "36";

/// What kind of thing a line tells.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    /// What somebody did or was answered.
    Plain,
    /// Something came.
    Good,
    /// Something went.
    Bad,
}

/// Writes the demo.
pub(super) struct Printer {
    out: Box<dyn Write>,
    colour: bool,
    begun: Moment,
    acts: usize,
    /// The rules whose sentences were printed.
    known: BTreeSet<Rule>,
}

impl Printer {
    pub(super) fn new(out: Box<dyn Write>, colour: bool) -> Self {
        Self { out, colour, begun: Moment::now(), acts: 0, known: BTreeSet::new() }
    }

    /// When all times begin.
    pub(super) const fn begun(&self) -> Moment {
        self.begun
    }

    /// A heading, and what is going to happen.
    pub(super) fn act(&mut self, title: &str, text: &str) -> io::Result<()> {
        self.acts += 1;
        let title = self.paint(BOLD, &format!("{}. {title}", self.acts));
        writeln!(self.out, "\n{title}")?;
        self.text(text)
    }

    pub(super) const fn acts(&self) -> usize {
        self.acts
    }

    /// An empty line.
    pub(super) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A paragraph.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        wrap(text, WIDTH).iter().try_for_each(|line| writeln!(self.out, "{line}"))
    }

    /// What happened at a node, the rule, and once its sentence.
    pub(super) fn event(
        &mut self,
        at: Moment,
        node: &str,
        tone: Tone,
        what: &str,
        rule: Rule,
    ) -> io::Result<()> {
        let time = at.saturating_duration_since(self.begun).as_secs_f64();
        let node = self.paint(BOLD, &format!("{node:9}"));
        let what = self.paint(tone.colour(), &format!("{what:WHAT$}"));
        let id = self.paint(CYAN, &format!("[{}]", rule.id));
        writeln!(self.out, "{time:8.3}  {node} {what} {id}")?;
        if self.known.insert(rule) {
            for line in wrap(&rule.text(), WIDTH - INDENT - 2) {
                let line = self.paint(DIM, &format!("| {line}"));
                writeln!(self.out, "{:INDENT$}{line}", "")?;
            }
        }
        self.out.flush()
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour && !colour.is_empty() {
            format!("\u{1b}[{colour}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

impl Tone {
    const fn colour(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => GREEN,
            Self::Bad => RED,
        }
    }
}

/// The words of a text in lines of at most `width` characters.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_and_lines_are_short() {
        let text = "one two  three\nfour a-word-that-is-longer five";
        let lines = wrap(text, 9);
        assert_eq!(lines, ["one two", "three", "four", "a-word-that-is-longer", "five"]);
    }
}
