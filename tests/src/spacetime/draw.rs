//! A diagram as a file of SVG.

use std::collections::BTreeMap;

use svg::Document;
use svg::node::element::{Anchor, Line, Rectangle, Text, Title};

use super::layout::{LANE, LEFT, LETTER, Layout, ROW, SPINE, TEXT_MAX, TOP};
use super::{Chart, Life, Link, Tone, What};

/// One for each column, then anew.
const COLOURS: [&str; 8] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a00", "#5b4b9a"];

/// With more marks than that some are left out, and with fewer as well if the picture would be higher than programs can draw (32,767 points).
const MARKS_MAX: usize = 4000;
const HEIGHT_MAX: f64 = 32_000.0;

impl Chart {
    /// The diagram, no higher than 32,000 points.
    #[must_use]
    pub fn to_svg(mut self) -> String {
        let mut most = MARKS_MAX;
        self.thin_out(most);
        while Layout::of(&self).end > HEIGHT_MAX - 2.0 * ROW {
            most -= most / 4;
            self.thin_out(most);
        }
        self.drawn(&Layout::of(&self))
    }

    fn drawn(&self, layout: &Layout<'_>) -> String {
        let width = layout.column(self.columns.len() + 1);
        let height = layout.end + 2.0 * ROW;
        let mut page = Document::new()
            .set("width", width)
            .set("height", height)
            .set("viewBox", (0.0, 0.0, width, height))
            .set("font-family", "Helvetica, Arial, sans-serif")
            .add(Title::new(self.title.clone()))
            .add(rectangle((0.0, 0.0), (width, height), "#ffffff"));
        if let Some(y) = layout.failure {
            let band = rectangle((0.0, y - ROW), (width, 1.5 * ROW), "#ffd9d6");
            page = page.add(band.set("id", "failure"));
        }
        page = self.bars(page, layout);
        page = self.messages(page, layout);
        for (y, at) in &layout.times {
            page = page.add(text((LEFT - 12.0, *y), "end", "#666666", 9, &seconds(*at)));
        }
        for (place, colour, note) in &layout.notes {
            page = page.add(halo(shortened(*place, colour, 10, TEXT_MAX, note)));
        }
        for y in &layout.heads {
            for (at, name) in self.columns.iter().enumerate() {
                let place = (layout.beside(at), *y);
                page = page.add(halo(text(place, "start", colour(at), 13, name)));
            }
        }
        self.head(page, layout, width).to_string()
    }

    /// What it is, what went wrong, and what is not there.
    fn head(&self, mut page: Document, layout: &Layout<'_>, width: f64) -> Document {
        let bad = Tone::Bad.colour();
        page = page.add(text((8.0, 18.0), "start", "#000000", 13, &self.title));
        if let (Some((_, what)), Some(y)) = (&self.failure, layout.failure) {
            let letters = |x: f64| ((width - x) / LETTER / 1.2) as usize;
            let told = shortened((8.0, 34.0), bad, 12, letters(8.0), what);
            page = page.add(Anchor::new().set("href", "#failure").add(told));
            let x = layout.beside(0);
            page = page.add(halo(shortened((x, y), bad, 12, letters(x), what)));
        }
        if self.left_out > 0 {
            let all = self.begin.map(|at| format!(", all of those before {} s", seconds(at)));
            let all = all.unwrap_or_default();
            let note = format!("{} messages and notes are left out{all}", self.left_out);
            page = page.add(text((8.0, 50.0), "start", bad, 11, &note));
        }
        let legend = "dark: the node; beside it, in a node's colour: its link with that node, thin while it is attempted; \
                      slanted: messages, their names where there is room and under the pointer";
        page.add(text((width - 8.0, layout.end + ROW), "end", "#666666", 10, legend))
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
                    page = spine(page, layout, *of, before, (since, y));
                }
                What::Link(of, other, link) => {
                    if let Some((since, before)) = links.remove(&(*of, *other)) {
                        page = lane(page, layout, (*of, *other), before, (since, y));
                    }
                    links.extend(link.map(|link| ((*of, *other), (y, link))));
                }
                What::Note(..) | What::Message { .. } => {}
            }
        }
        for (of, (since, life)) in lives.into_iter().enumerate() {
            page = spine(page, layout, of, life, (since, layout.end));
        }
        for ((of, other), (since, link)) in links {
            page = lane(page, layout, (of, other), link, (since, layout.end));
        }
        page
    }

    /// Lines, and where there is room for them, their names.
    fn messages(&self, mut page: Document, layout: &Layout<'_>) -> Document {
        let mut room = Room::of(layout, &self.columns);
        let mut names = Vec::new();
        for mark in &self.marks {
            let What::Message { from, to, since, tone, label } = &mark.what else { continue };
            let right = SPINE + LANE * self.columns.len() as f64;
            let (one, two) = (layout.column(*from), layout.column(*to));
            // From the side of the bars that is nearer.
            let (x1, x2) = if from < to { (one + right, two) } else { (one, two + right) };
            let (y1, y2) = (layout.y(*since), layout.y(mark.at));
            let line = Line::new().set("x1", x1).set("y1", y1).set("x2", x2).set("y2", y2);
            let line = line.set("stroke", tone.colour()).set("stroke-width", 1);
            let whole = format!("{label}: {} to {}", seconds(*since), seconds(mark.at));
            page = page.add(line.add(Title::new(whole)));
            // Near its sender: in the middle there may be the bars of another node.
            let near = layout.column / 2.0 / f64::max(1.0, (x2 - x1).abs());
            let place = (x1 + (x2 - x1) * near, y1 + (y2 - y1) * near);
            let half = LETTER * 0.8 * label.chars().count() as f64 / 2.0;
            if room.take(place.1, place.0 - half, place.0 + half) {
                names.push(halo(text(place, "middle", tone.colour(), 8, label)));
            }
        }
        names.into_iter().fold(page, Document::add)
    }
}

/// Where texts are: their base lines, and from where to where they go.
#[derive(Debug)]
struct Room(Vec<(f64, f64, f64)>);

impl Room {
    fn of(layout: &Layout<'_>, names: &[String]) -> Self {
        let long = |(x, y): (f64, f64), text: &str, letter: f64| {
            (y, x, x + letter * text.chars().count().min(TEXT_MAX) as f64)
        };
        let notes = layout.notes.iter().map(|(place, _, text)| long(*place, text, LETTER));
        let heads = layout.heads.iter().flat_map(|y| {
            let name = |(at, name): (usize, &String)| long((layout.beside(at), *y), name, 8.0);
            names.iter().enumerate().map(name)
        });
        let failure = layout.failure.map(|y| (y, 0.0, f64::MAX));
        Self(notes.chain(heads).chain(failure).collect())
    }

    /// Whether nothing was there yet.
    fn take(&mut self, y: f64, from: f64, to: f64) -> bool {
        let near = |(line, left, right): &(f64, f64, f64)| {
            (line - y).abs() < ROW && from < *right && *left < to
        };
        let free = !self.0.iter().any(near);
        if free {
            self.0.push((y, from, to));
        }
        free
    }
}

fn spine(
    page: Document,
    layout: &Layout<'_>,
    of: usize,
    life: Life,
    (from, to): (f64, f64),
) -> Document {
    let (width, fill) = match life {
        Life::Absent => (1.0, "#cccccc"),
        Life::Alive => (SPINE - 2.0, "#4a4a4a"),
        Life::Paused => (SPINE - 2.0, "#c9c9c9"),
    };
    page.add(rectangle((layout.column(of), from), (width, to - from), fill))
}

fn lane(
    page: Document,
    layout: &Layout<'_>,
    (of, other): (usize, usize),
    link: Link,
    (from, to): (f64, f64),
) -> Document {
    let (width, opacity) = match link {
        Link::Attempt => (1.5, 0.6),
        Link::Up => (LANE - 1.0, 1.0),
    };
    let x = layout.column(of) + SPINE + LANE * other as f64;
    page.add(rectangle((x, from), (width, to - from), colour(other)).set("opacity", opacity))
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

/// A text of so many letters at most; what is longer is whole in its tooltip.
fn shortened(place: (f64, f64), fill: &str, size: u8, letters: usize, words: &str) -> Text {
    match words.char_indices().nth(letters) {
        None => text(place, "start", fill, size, words),
        Some(_) => {
            let cut: String = words.chars().take(letters.saturating_sub(1)).chain(['…']).collect();
            text(place, "start", fill, size, &cut).add(Title::new(words))
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

    const SECOND: u64 = 1_000_000_000;

    fn message(from: usize, to: usize, since: u64, label: &str) -> What {
        What::Message { from, to, since, tone: Tone::Chatter, label: label.into() }
    }

    fn note(of: usize, text: &str) -> What {
        What::Note(Some(of), Tone::Good, text.into())
    }

    fn chart() -> Chart {
        let mut chart = Chart::new("two nodes".into(), vec!["a@h".into(), "b@h".into()]);
        chart.add(0, What::Life(0, Life::Alive));
        chart.add(0, What::Life(1, Life::Alive));
        chart.add(5 * SECOND, message(0, 1, SECOND, "letter <&>"));
        chart.add(5 * SECOND, What::Link(0, 1, Some(Link::Up)));
        chart
    }

    /// Of the attribute of this name in the first line with such an element.
    fn number(file: &str, element: &str, name: &str) -> f64 {
        let line = file.lines().find(|line| line.contains(element)).unwrap();
        let rest = line.split_once(&format!(" {name}=\"")).unwrap().1;
        rest.split('"').next().unwrap().parse().unwrap()
    }

    #[test]
    fn messages_slant_downwards_and_have_a_name_and_texts_are_escaped() {
        let file = chart().to_svg();
        let line = |name| number(&file, "<line", name);
        assert!(line("x1") < line("x2") && line("y1") < line("y2"), "{file}");
        assert!(file.contains("letter &lt;&amp;&gt;: 1.000 to 5.000"), "{file}");
        assert_eq!(file.matches("letter &lt;&amp;&gt;").count(), 2, "there is room for it");
    }

    #[test]
    fn where_there_is_no_room_for_a_name_it_is_only_under_the_pointer() {
        let mut chart = chart();
        for at in [SECOND, 3 * SECOND, 5 * SECOND] {
            // As long as the column is wide.
            chart.add(at, note(0, &"x".repeat(TEXT_MAX)));
        }
        chart.marks.sort_by_key(|mark| mark.at);
        for at in 0..20 {
            chart.add(6 * SECOND + at, message(1, 0, 6 * SECOND + at, "tick"));
        }
        let file = chart.to_svg();
        assert_eq!(file.matches("letter &lt;").count(), 1, "{file}");
        let names = file.matches("\ntick\n").count();
        assert!((1..10).contains(&names), "not one upon another: {names}");
        assert_eq!(file.matches("tick: 6.000").count(), 20);
    }

    #[test]
    fn a_long_text_is_cut_off_and_whole_in_its_tooltip() {
        let mut chart = chart();
        let long = "x".repeat(TEXT_MAX + 1);
        chart.add(6 * SECOND, note(0, &long));
        chart.fail(6 * SECOND, "y".repeat(500));
        let file = chart.to_svg();
        assert!(file.contains(&format!("{}…", "x".repeat(TEXT_MAX - 1))) && file.contains(&long));
        assert!(file.contains("yyy…") && file.contains(&"y".repeat(500)));
    }

    #[test]
    fn what_went_wrong_is_told_at_the_top_and_from_there_it_is_found() {
        let mut chart = chart();
        chart.fail(6 * SECOND, "it broke".into());
        let file = chart.to_svg();
        assert_eq!(file.matches("\nit broke\n").count(), 2, "{file}");
        assert!(file.contains("<a href=\"#failure\">"), "{file}");
        let top = file.split_once("<a href").unwrap().1;
        assert!(number(top, "<text", "y") < TOP);
        assert!(number(&file, "id=\"failure\"", "y") > TOP);
        assert!(!self::chart().to_svg().contains("failure"), "if something did");
    }

    /// Everything happens to one node, and every moment is far from the one before.
    #[test]
    fn however_much_there_is_a_picture_can_be_drawn_and_its_end_is_whole() {
        let mut chart = chart();
        let mut at = 10 * SECOND;
        for number in 0..20_000 {
            at += 5 * SECOND;
            chart.add(at, note(1, &format!("nodeup {number}")));
        }
        for number in 0..100 {
            chart.add(at + number, message(0, 1, at - SECOND, &format!("letter {number}")));
        }
        chart.fail(at + 99, "it broke".into());
        let file = chart.to_svg();
        let height = number(&file, "<svg ", "height");
        assert!((20_000.0..HEIGHT_MAX).contains(&height), "{height}");
        assert!(file.contains("nodeup 19999") && !file.contains("nodeup 7\n"));
        assert!((0..100).all(|number| file.contains(&format!("letter {number}: "))));
        let notes = file.matches("\nnodeup ").count();
        let before = seconds(10 * SECOND + 5 * SECOND * (20_000 - notes as u64 + 1));
        let (all, left_out) = ("all of those before", 20_000 + 1 - notes);
        let told = format!("{left_out} messages and notes are left out, {all} {before} s");
        assert!(file.contains(&told), "{told}");
        assert_eq!(file.matches("<line").count(), 100);
    }
}
