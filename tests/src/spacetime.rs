//! Space-time diagrams: a column for each node, time downwards, messages as slanted lines. Nothing here knows what the nodes are or say.
//!
//! Time has no scale: where nothing happens it is short, and where much does, every text has a line of its own.

use std::collections::{BTreeMap, BTreeSet};

use svg::Document;
use svg::node::element::{Line, Rectangle, Text, Title};

/// What happened when: nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: u64,
    /// What.
    pub what: What,
}

/// Something to be drawn. Numbers are those of columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// From now on a node is this.
    Life(usize, Life),
    /// From now on a node has this to do with another one: `None` is nothing.
    Link(usize, usize, Option<Link>),
    /// A text beside a node, or beside all of them.
    Note(Option<usize>, Tone, String),
    /// A message has arrived that was under way since then.
    Message {
        /// Whose.
        from: usize,
        /// To whom.
        to: usize,
        /// Since when.
        since: u64,
        /// In which colour.
        tone: Tone,
        /// What it is.
        label: String,
    },
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// No process, or no name.
    Absent,
    /// A node with a name.
    Alive,
    /// It stands still.
    Paused,
}

/// What a node has to do with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It tries to have a link.
    Attempt,
    /// It has one.
    Up,
}

/// What kind of thing a text or a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// One of many, which is left out where there are too many.
    Chatter,
    /// Of a link that begins.
    Attempt,
    /// Something begins.
    Good,
    /// Something ends.
    Bad,
    /// Somebody's doing from outside.
    Fault,
}

impl Tone {
    const fn colour(self) -> &'static str {
        match self {
            Self::Chatter => "#9aa7b5",
            Self::Attempt => "#8a6d1d",
            Self::Good => "#1d6b3f",
            Self::Bad => "#b3261e",
            Self::Fault => "#7a2e9d",
        }
    }
}

/// A diagram in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    title: String,
    columns: Vec<String>,
    marks: Vec<Mark>,
    failure: Option<(u64, String)>,
}

/// With more marks than that, those of the lowest tones are left out.
const MARKS_MAX: usize = 3000;
const LEFT: f64 = 90.0;
const TOP: f64 = 70.0;
/// A column is as wide as its longest text, within these bounds; what is longer is cut off, and whole in a tooltip.
const COLUMN_MIN: f64 = 220.0;
const TEXT_MAX: usize = 60;
/// Of a letter, about.
const LETTER: f64 = 5.8;
/// After so much the names of the columns come again.
const PAGE: f64 = 1000.0;
const ROW: f64 = 12.0;
const SPINE: f64 = 8.0;
const LANE: f64 = 5.0;
/// One for each column, then anew.
const COLOURS: [&str; 8] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a00", "#5b4b9a"];

impl Chart {
    /// With these columns.
    #[must_use]
    pub fn new(title: String, columns: Vec<String>) -> Self {
        Self { title, columns, ..Self::default() }
    }

    /// What stands above it.
    pub fn set_title(&mut self, title: String) {
        self.title = title;
    }

    /// Adds something. Marks come in the order of time.
    pub fn add(&mut self, at: u64, what: What) {
        self.marks.push(Mark { at, what });
    }

    /// What was added so far.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The text of the last note of a column, if it is of this moment, to be changed.
    pub fn note_at(&mut self, at: u64, column: usize) -> impl Iterator<Item = &mut String> {
        let marks = self.marks.iter_mut().rev().take_while(move |mark| mark.at == at);
        marks.filter_map(move |mark| match &mut mark.what {
            What::Note(Some(of), _, text) if *of == column => Some(text),
            What::Life(..) | What::Link(..) | What::Note(..) | What::Message { .. } => None,
        })
    }

    /// The moment at which something went wrong, and what.
    pub fn fail(&mut self, at: u64, what: String) {
        self.failure = Some((at, what));
    }

    /// Leaves marks of the lowest tones out until there are few enough. How many of them.
    fn thin_out(&mut self) -> usize {
        let all = self.marks.len();
        for tone in [Tone::Chatter, Tone::Attempt] {
            if self.marks.len() <= MARKS_MAX {
                break;
            }
            let mut up = BTreeSet::new();
            self.marks.retain(|mark| match &mark.what {
                What::Note(_, of, _) | What::Message { tone: of, .. } => *of != tone,
                What::Life(..) => true,
                What::Link(..) if tone != Tone::Attempt => true,
                // Of links that come up, all but the attempt.
                What::Link(of, other, Some(Link::Up)) => up.insert((*of, *other)),
                What::Link(_, _, Some(Link::Attempt)) => false,
                What::Link(of, other, None) => up.remove(&(*of, *other)),
            });
        }
        all - self.marks.len()
    }

    /// The diagram as a file of SVG.
    #[must_use]
    pub fn to_svg(mut self) -> String {
        let left_out = self.thin_out();
        let layout = Layout::of(&self);
        let width = layout.column(self.columns.len() + 1);
        let height = layout.end + 2.0 * ROW;
        let mut page = Document::new()
            .set("width", width)
            .set("height", height)
            .set("viewBox", (0.0, 0.0, width, height))
            .set("font-family", "Helvetica, Arial, sans-serif")
            .add(Title::new(self.title.clone()))
            .add(rectangle((0.0, 0.0), (width, height), "#ffffff"));
        if let Some((at, _)) = &self.failure {
            let y = layout.y(*at) - ROW;
            page = page.add(rectangle((0.0, y), (width, 2.5 * ROW), "#ffd9d6"));
        }
        page = self.bars(page, &layout);
        for mark in &self.marks {
            page = self.message(page, &layout, mark);
        }
        for (y, at) in &layout.times {
            page = page.add(text((LEFT - 12.0, *y), "end", "#666666", 9, &seconds(*at)));
        }
        for (place, colour, note) in &layout.notes {
            page = page.add(halo(shortened(*place, colour, note)));
        }
        if let Some((at, what)) = &self.failure {
            let place = (layout.beside(0), layout.y(*at) + ROW);
            page = page.add(halo(text(place, "start", Tone::Bad.colour(), 12, what)));
        }
        page = page.add(text((8.0, 18.0), "start", "#000000", 13, &self.title));
        if left_out > 0 {
            let note = format!("{left_out} messages and notes are left out: there are too many");
            page = page.add(text((8.0, 34.0), "start", Tone::Bad.colour(), 11, &note));
        }
        let legend = "dark: the node; beside it, in a node's colour: its link with that node, thin while it is attempted";
        page = page.add(text((width - 8.0, 18.0), "end", "#666666", 10, legend));
        for y in &layout.heads {
            for (at, name) in self.columns.iter().enumerate() {
                let place = (layout.beside(at), *y);
                page = page.add(halo(text(place, "start", colour(at), 13, name)));
            }
        }
        page.to_string()
    }

    /// What nodes are, and what they have to do with each other.
    fn bars(&self, mut page: Document, layout: &Layout<'_>) -> Document {
        let mut lives = vec![(TOP, Life::Absent); self.columns.len()];
        let mut links = BTreeMap::new();
        for mark in &self.marks {
            let y = layout.y(mark.at);
            match &mark.what {
                What::Life(of, life) => {
                    let (since, before) = core::mem::replace(&mut lives[*of], (y, *life));
                    page = layout.spine(page, *of, before, (since, y));
                }
                What::Link(of, other, link) => {
                    if let Some((since, before)) = links.remove(&(*of, *other)) {
                        page = layout.lane(page, (*of, *other), before, (since, y));
                    }
                    links.extend(link.map(|link| ((*of, *other), (y, link))));
                }
                What::Note(..) | What::Message { .. } => {}
            }
        }
        for (of, (since, life)) in lives.into_iter().enumerate() {
            page = layout.spine(page, of, life, (since, layout.end));
        }
        for ((of, other), (since, link)) in links {
            page = layout.lane(page, (of, other), link, (since, layout.end));
        }
        page
    }

    fn message(&self, page: Document, layout: &Layout<'_>, mark: &Mark) -> Document {
        let What::Message { from, to, since, tone, label } = &mark.what else { return page };
        let right = SPINE + LANE * self.columns.len() as f64;
        let (one, two) = (layout.column(*from), layout.column(*to));
        // From the side of the bars that is nearer.
        let (x1, x2) = if from < to { (one + right, two) } else { (one, two + right) };
        let (y1, y2) = (layout.y(*since), layout.y(mark.at));
        let line = Line::new().set("x1", x1).set("y1", y1).set("x2", x2).set("y2", y2);
        let page = page.add(line.set("stroke", tone.colour()).set("stroke-width", 1));
        if *tone == Tone::Chatter {
            return page;
        }
        // Near its sender: in the middle there may be the bars of another node.
        let near = layout.column / 2.0 / f64::max(1.0, (x2 - x1).abs());
        let place = (x1 + (x2 - x1) * near, y1 + (y2 - y1) * near);
        page.add(halo(text(place, "middle", tone.colour(), 8, label)))
    }
}

/// Where everything is.
#[derive(Debug)]
struct Layout<'a> {
    /// How far down each moment is.
    moments: BTreeMap<u64, f64>,
    /// Notes, and where they begin.
    notes: Vec<((f64, f64), &'static str, &'a str)>,
    /// Which moments are told at the side.
    times: Vec<(f64, u64)>,
    /// Where the names of the columns are.
    heads: Vec<f64>,
    /// How wide a column is, and its bars.
    column: f64,
    bars: f64,
    end: f64,
}

impl<'a> Layout<'a> {
    fn of(chart: &'a Chart) -> Self {
        let mut notes: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        let mut longest = 0;
        let mut moments: BTreeSet<u64> = chart.failure.iter().map(|(at, _)| *at).collect();
        for mark in &chart.marks {
            moments.insert(mark.at);
            match &mark.what {
                What::Note(of, tone, text) => {
                    notes.entry(mark.at).or_default().push((*of, *tone, text.as_str()));
                    longest = longest.max(text.chars().count().min(TEXT_MAX));
                }
                What::Message { since, .. } => _ = moments.insert(*since),
                What::Life(..) | What::Link(..) => {}
            }
        }
        let all = chart.columns.len();
        let bars = SPINE + LANE * all as f64 + 6.0;
        let mut layout = Self {
            moments: BTreeMap::new(),
            notes: Vec::new(),
            times: Vec::new(),
            heads: vec![TOP - 16.0],
            column: f64::max(COLUMN_MIN, bars + LETTER * longest as f64 + LETTER),
            bars,
            end: TOP,
        };
        // The last base line of each column.
        let mut lines = vec![TOP - ROW; all + 1];
        let (mut y, mut before, mut told) = (TOP, None, f64::MIN);
        for at in moments {
            y += before.map_or(0.0, |before| gap(at - before));
            before = Some(at);
            if layout.heads.last().is_some_and(|head| y - head > PAGE) {
                // Below all that is there so far.
                y = lines.iter().copied().fold(y, f64::max) + 3.0 * ROW;
                layout.heads.push(y - ROW);
                lines.fill(y - ROW);
            }
            let notes = notes.remove(&at).unwrap_or_default();
            for (of, ..) in &notes {
                y = f64::max(y, lines[of.unwrap_or(all)] + ROW);
            }
            layout.moments.insert(at, y);
            for (of, tone, text) in notes {
                let of = of.unwrap_or(all);
                let line = f64::max(y, lines[of] + ROW);
                lines[of] = line;
                layout.notes.push(((layout.beside(of), line), tone.colour(), text));
                layout.end = f64::max(layout.end, line);
            }
            if y - told >= ROW {
                layout.times.push((y, at));
                told = y;
            }
            layout.end = f64::max(layout.end, y);
        }
        layout.end += 3.0 * ROW;
        layout
    }

    fn y(&self, at: u64) -> f64 {
        self.moments.get(&at).copied().unwrap_or(TOP)
    }

    fn column(&self, at: usize) -> f64 {
        LEFT + self.column * at as f64
    }

    /// Right of the bars of a column.
    fn beside(&self, at: usize) -> f64 {
        self.column(at) + self.bars
    }

    fn spine(&self, page: Document, of: usize, life: Life, (from, to): (f64, f64)) -> Document {
        let (width, fill) = match life {
            Life::Absent => (1.0, "#cccccc"),
            Life::Alive => (SPINE - 2.0, "#4a4a4a"),
            Life::Paused => (SPINE - 2.0, "#c9c9c9"),
        };
        page.add(rectangle((self.column(of), from), (width, to - from), fill))
    }

    fn lane(
        &self,
        page: Document,
        (of, other): (usize, usize),
        link: Link,
        (from, to): (f64, f64),
    ) -> Document {
        let (width, opacity) = match link {
            Link::Attempt => (1.5, 0.6),
            Link::Up => (LANE - 1.0, 1.0),
        };
        let x = self.column(of) + SPINE + LANE * other as f64;
        page.add(rectangle((x, from), (width, to - from), colour(other)).set("opacity", opacity))
    }
}

/// How far apart two moments are that are so far apart in time: more for longer, but a day is not much.
fn gap(nanos: u64) -> f64 {
    let milliseconds = nanos as f64 / 1e6;
    (3.0 * (1.0 + milliseconds).log2()).clamp(2.0, 40.0)
}

const fn colour(at: usize) -> &'static str {
    COLOURS[at % COLOURS.len()]
}

fn seconds(nanos: u64) -> String {
    format!("{:.3}", nanos as f64 / 1e9)
}

fn rectangle((x, y): (f64, f64), (width, height): (f64, f64), fill: &str) -> Rectangle {
    let shape = Rectangle::new().set("x", x).set("y", y).set("width", width);
    shape.set("height", height).set("fill", fill)
}

fn text((x, y): (f64, f64), anchor: &str, fill: &str, size: u8, words: &str) -> Text {
    let text = Text::new(words).set("x", x).set("y", y).set("text-anchor", anchor);
    text.set("font-size", size).set("fill", fill)
}

/// A note that leaves the next column free.
fn shortened(place: (f64, f64), fill: &str, words: &str) -> Text {
    match words.char_indices().nth(TEXT_MAX) {
        None => text(place, "start", fill, 10, words),
        Some(_) => {
            let cut: String = words.chars().take(TEXT_MAX - 1).chain(['…']).collect();
            text(place, "start", fill, 10, &cut).add(Title::new(words))
        }
    }
}

/// Covers what is behind the letters.
fn halo(text: Text) -> Text {
    text.set("stroke", "#ffffff").set("stroke-width", 3).set("paint-order", "stroke")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        let mut chart = Chart::new("two nodes".into(), vec!["a@h".into(), "b@h".into()]);
        let message = |from, to, since| {
            let label = "connect".into();
            What::Message { from, to, since, tone: Tone::Attempt, label }
        };
        chart.add(0, What::Life(0, Life::Alive));
        chart.add(0, What::Life(1, Life::Alive));
        chart.add(5_000_000, message(0, 1, 1_000_000));
        chart.add(5_000_000, What::Link(0, 1, Some(Link::Up)));
        for at in [6_000_000, 6_000_000, 6_000_001] {
            chart.add(at, What::Note(Some(0), Tone::Good, "nodeup 'b@h' <&>".into()));
        }
        chart.add(3_600_000_000_000, What::Link(0, 1, None));
        chart
    }

    #[test]
    fn later_is_below_and_no_two_notes_of_a_column_cover_each_other() {
        let chart = chart();
        let layout = Layout::of(&chart);
        assert!(layout.moments.values().is_sorted_by(|one, two| one < two));
        let lines: Vec<_> = layout.notes.iter().map(|((_, y), ..)| *y).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.windows(2).all(|pair| pair[1] - pair[0] >= ROW), "{lines:?}");
        assert!(layout.end < 400.0, "an hour without anything is short");
    }

    #[test]
    fn a_long_page_tells_the_names_again_and_a_long_text_keeps_to_its_column() {
        let mut chart = chart();
        for at in 0..250 {
            chart.add(4_000_000_000_000 + at, What::Note(Some(1), Tone::Bad, "again".into()));
        }
        let long = "x".repeat(TEXT_MAX + 1);
        chart.add(4_000_000_001_000, What::Note(Some(0), Tone::Bad, long.clone()));
        let layout = Layout::of(&chart);
        assert!(layout.heads.len() > 2 && layout.end > 2.0 * PAGE, "{:?}", layout.heads);
        assert!(layout.heads.windows(2).all(|pair| pair[1] - pair[0] > PAGE));
        for ((x, y), _, text) in &layout.notes {
            let right = x + LETTER * text.len().min(TEXT_MAX) as f64;
            assert!((1..3).any(|at| *x < layout.column(at) && right < layout.column(at)), "{text}");
            assert!(layout.heads.iter().all(|head| (head - y).abs() > ROW / 2.0), "{text}");
        }
        let file = chart.to_svg();
        let cut = format!("{}…", "x".repeat(TEXT_MAX - 1));
        assert!(file.contains(&cut) && file.contains(&long), "the whole is a tooltip");
        assert!(file.matches("\nb@h\n").count() > 2, "{file}");
    }

    #[test]
    fn messages_slant_downwards_and_texts_are_escaped() {
        let file = chart().to_svg();
        assert!(file.contains("nodeup 'b@h' &lt;&amp;&gt;"), "{file}");
        let line = file.lines().find(|line| line.contains("<line")).unwrap();
        let number = |name: &str| -> f64 {
            let rest = line.split_once(&format!(" {name}=\"")).unwrap().1;
            rest.split('"').next().unwrap().parse().unwrap()
        };
        assert!(number("x1") < number("x2") && number("y1") < number("y2"), "{line}");
    }

    #[test]
    fn where_there_is_too_much_the_least_is_left_out_and_that_is_told() {
        let mut chart = chart();
        chart.add(3_700_000_000_000, What::Link(1, 0, Some(Link::Attempt)));
        chart.add(3_700_000_000_001, What::Link(1, 0, None));
        for at in 0..MARKS_MAX as u64 {
            let what = What::Note(Some(1), Tone::Chatter, format!("letter {at}"));
            chart.add(4_000_000_000_000 + at, what);
        }
        chart.fail(4_000_000_000_000, "it broke".into());
        let file = chart.to_svg();
        assert!(!file.contains("letter 7") && file.contains("nodeup"));
        assert!(file.contains(&format!("{MARKS_MAX} messages and notes are left out")));
        assert!(file.contains("it broke"));
    }
}
