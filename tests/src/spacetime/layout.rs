//! Where everything in a diagram is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Chart, What};

pub(super) const LEFT: f64 = 90.0;
pub(super) const TOP: f64 = 88.0;
/// A column is as wide as its longest text, within these bounds; what is longer is cut off, and whole in a tooltip.
const COLUMN_MIN: f64 = 220.0;
pub(super) const TEXT_MAX: usize = 60;
/// Of a letter, about.
pub(super) const LETTER: f64 = 5.8;
/// After so much the names of the columns come again.
const PAGE: f64 = 1000.0;
/// The room between moments is no more than that in all.
const GAPS: f64 = 5000.0;
pub(super) const ROW: f64 = 12.0;
pub(super) const SPINE: f64 = 8.0;
pub(super) const LANE: f64 = 5.0;

#[derive(Debug)]
pub(super) struct Layout<'a> {
    /// How far down each moment is.
    moments: BTreeMap<u64, f64>,
    /// Notes, and where they begin.
    pub(super) notes: Vec<((f64, f64), &'static str, &'a str)>,
    /// Which moments are told at the side.
    pub(super) times: Vec<(f64, u64)>,
    /// Where the names of the columns are.
    pub(super) heads: Vec<f64>,
    /// The line of what went wrong.
    pub(super) failure: Option<f64>,
    /// How wide a column is, and its bars.
    pub(super) column: f64,
    bars: f64,
    pub(super) end: f64,
}

impl<'a> Layout<'a> {
    pub(super) fn of(chart: &'a Chart) -> Self {
        let mut notes: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        let mut longest = 0;
        let failure = chart.failure.as_ref().map(|(at, _)| *at);
        let mut moments = BTreeSet::from_iter(failure);
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
            failure: None,
            column: f64::max(COLUMN_MIN, bars + LETTER * longest as f64 + LETTER),
            bars,
            end: TOP,
        };
        let pairs = moments.iter().zip(moments.iter().skip(1));
        let gaps: f64 = pairs.map(|(one, two)| gap(two - one)).sum();
        let scale = f64::min(1.0, GAPS / gaps);
        // The last base line of each column.
        let mut lines = vec![TOP - ROW; all + 1];
        let (mut y, mut before, mut told) = (TOP, None, f64::MIN);
        for at in moments {
            y += before.map_or(0.0, |before| scale * gap(at - before));
            before = Some(at);
            // Below all that is there so far.
            let below = lines.iter().copied().fold(y, f64::max);
            if layout.heads.last().is_some_and(|head| y - head > PAGE) {
                y = below + 3.0 * ROW;
                layout.heads.push(y - ROW);
                lines.fill(y - ROW);
            }
            if failure == Some(at) {
                y = f64::max(y, below + 2.0 * ROW);
                layout.failure = Some(y);
                lines.fill(y + ROW / 2.0);
                layout.end = y;
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

    pub(super) fn y(&self, at: u64) -> f64 {
        self.moments.get(&at).copied().unwrap_or(TOP)
    }

    pub(super) fn column(&self, at: usize) -> f64 {
        LEFT + self.column * at as f64
    }

    /// Right of the bars of a column.
    pub(super) fn beside(&self, at: usize) -> f64 {
        self.column(at) + self.bars
    }
}

/// How far apart two moments are that are so far apart in time: more for longer, but a day is not much.
fn gap(nanos: u64) -> f64 {
    let milliseconds = nanos as f64 / 1e6;
    (3.0 * (1.0 + milliseconds).log2()).clamp(2.0, 40.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spacetime::Tone;

    const HOUR: u64 = 3_600_000_000_000;

    fn note(of: usize, text: &str) -> What {
        What::Note(Some(of), Tone::Bad, text.into())
    }

    fn chart() -> Chart {
        let mut chart = Chart::new("two nodes".into(), vec!["a@h".into(), "b@h".into()]);
        chart.add(0, note(1, "alive"));
        for at in [6_000_000, 6_000_000, 6_000_001] {
            chart.add(at, note(0, "nodeup"));
        }
        chart
    }

    #[test]
    fn later_is_below_and_no_two_notes_of_a_column_cover_each_other() {
        let mut chart = chart();
        chart.add(HOUR, What::Link(0, 1, None));
        let layout = Layout::of(&chart);
        assert!(layout.moments.values().is_sorted_by(|one, two| one < two));
        let lines: Vec<_> = layout.notes.iter().skip(1).map(|((_, y), ..)| *y).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.windows(2).all(|pair| pair[1] - pair[0] >= ROW), "{lines:?}");
        assert!(layout.end < 400.0, "an hour without anything is short");
    }

    #[test]
    fn a_long_page_tells_the_names_again_and_a_long_text_keeps_to_its_column() {
        let mut chart = chart();
        for at in 0..250 {
            chart.add(HOUR + at, note(1, "again"));
        }
        chart.add(HOUR + 1000, note(0, &"x".repeat(TEXT_MAX + 1)));
        let layout = Layout::of(&chart);
        assert!(layout.heads.len() > 2 && layout.end > 2.0 * PAGE, "{:?}", layout.heads);
        assert!(layout.heads.windows(2).all(|pair| pair[1] - pair[0] > PAGE));
        for ((x, y), _, text) in &layout.notes {
            let right = x + LETTER * text.len().min(TEXT_MAX) as f64;
            assert!((1..3).any(|at| *x < layout.column(at) && right < layout.column(at)), "{text}");
            assert!(layout.heads.iter().all(|head| (head - y).abs() > ROW / 2.0), "{text}");
        }
    }

    #[test]
    fn what_went_wrong_has_a_line_of_its_own_between_those_before_and_those_after() {
        let mut chart = chart();
        chart.add(HOUR, note(1, "before"));
        chart.add(HOUR, note(1, "at the same time"));
        chart.add(HOUR + 1, note(0, "after"));
        for failing in [0, HOUR - 1, HOUR, HOUR + 1, HOUR + 2] {
            chart.fail(failing, "it broke".into());
            let layout = Layout::of(&chart);
            let line = layout.failure.unwrap();
            let apart = |y: &f64| (y - line).abs() > ROW;
            assert!(layout.notes.iter().all(|((_, y), ..)| apart(y)), "{failing}: {layout:?}");
            assert!(layout.heads.iter().all(apart), "{failing}: {layout:?}");
            let above = layout.notes.iter().filter(|((_, y), ..)| *y < line).count();
            let before = chart.marks.iter().filter(|mark| mark.at < failing);
            assert_eq!(above, before.filter(|m| matches!(m.what, What::Note(..))).count());
            assert!(layout.end > line);
        }
    }
}
