//! A change of `net_ticktime` as a picture: what rings when, and when a silent peer is declared down.

use core::time::Duration;

use netkernel_smol::core::ticker::{Stretch, Timeline};

use crate::svg::{Anchor, Font, Svg};
use crate::ticktime::{Change, seconds};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 520.0;
/// Where the time axis begins and ends; the names of the rows are left of it.
const LEFT: f64 = 205.0;
const RIGHT: f64 = 975.0;
/// From the uppermost row to the axis.
const TOP: f64 = 126.0;
const AXIS: f64 = 430.0;

const TITLE: Font = Font { size: 21.0, bold: true, colour: INK };
const PLAIN: Font = Font { size: 13.5, bold: false, colour: INK };
const ROW: Font = Font { size: 13.5, bold: true, colour: INK };
const INK: &str = "#1f2328";
const GREY: &str = "#8c959f";
const TRANSITION: &str = "#fff3cf";
const OLD: &str = "#0b57b8";
const NEW: &str = "#7b35c4";
const AUX: &str = "#bc4c00";
const DOWN: &str = "#f1a9a0";

/// Marks that are closer, in pixels, are drawn as one band.
const MARKS_APART: f64 = 4.0;
/// How wide a letter of a plain text is, in pixels, roughly; to keep texts inside.
const LETTER: f64 = 6.6;

/// The picture, as an SVG file.
pub(crate) fn draw(change: &Change, plan: &Timeline) -> String {
    let mut picture = Picture {
        svg: Svg::new(WIDTH, HEIGHT, &change.title()),
        time: Scale::of(plan),
        plan: *plan,
    };
    picture.background();
    picture.svg.text((20.0, 34.0), Anchor::Start, TITLE, &change.title());
    let ticks = if plan.aux_tick_count == 1 { "aux tick" } else { "aux ticks" };
    let conditions = format!("{}: {} {ticks}", change.conditions(), plan.aux_tick_count);
    picture.svg.text((20.0, 58.0), Anchor::Start, PLAIN, &conditions);
    picture.moments();
    picture.main_ticks(162.0);
    picture.aux_ticks(224.0);
    picture.silences(258.0);
    picture.axis();
    picture.legend(AXIS + 54.0);
    picture.svg.finish()
}

/// From seconds since the start to pixels.
#[derive(Clone, Copy, Debug)]
struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    /// Wide enough for the detection windows of all stretches.
    fn of(plan: &Timeline) -> Self {
        let silent_at_start = plan.during.detection.max;
        let silent_at_end = plan.end + plan.after.detection.max;
        Self {
            from: -plan.before.detection.max.as_secs_f64(),
            to: silent_at_start.max(silent_at_end).as_secs_f64(),
        }
    }

    fn x(self, moment: f64) -> f64 {
        LEFT + self.pixels(moment - self.from)
    }

    fn pixels(self, length: f64) -> f64 {
        length * (RIGHT - LEFT) / (self.to - self.from)
    }
}

struct Picture {
    svg: Svg,
    time: Scale,
    plan: Timeline,
}

impl Picture {
    fn background(&mut self) {
        let (start, end) = (self.time.x(0.0), self.time.x(self.plan.end.as_secs_f64()));
        self.svg.rect((start, TOP), (end - start, AXIS - TOP), TRANSITION);
    }

    /// The start and the end, each in a line of its own: they may be at the same place.
    fn moments(&mut self) {
        let end = self.plan.end;
        let (start_text, end_text) = if self.plan.switch.is_zero() && !end.is_zero() {
            ("the change begins, the new interval holds", "the change ends")
        } else {
            ("the change begins", "the change ends, the new interval holds")
        };
        for (moment, y, text) in [(Duration::ZERO, 92.0, start_text), (end, 114.0, end_text)] {
            let x = self.time.x(moment.as_secs_f64());
            self.svg.line((x, y - 12.0), (x, AXIS), GREY);
            let text = format!("{}: {text}", seconds(moment));
            self.text_beside(x, y, &text);
        }
    }

    /// Right of `x` if there is room, else left of it.
    fn text_beside(&mut self, x: f64, y: f64, text: &str) {
        let fits = x + 6.0 + width(text) < WIDTH;
        let (x, anchor) = if fits { (x + 6.0, Anchor::Start) } else { (x - 6.0, Anchor::End) };
        self.svg.text((x, y), anchor, PLAIN, text);
    }

    /// They depend on when the change is asked for, so this is an example.
    fn main_ticks(&mut self, y: f64) {
        let (old, new) = (self.plan.before.interval, self.plan.after.interval);
        self.row(y, "Main ticker looks");
        let every = format!("every {}", seconds(old));
        self.svg.text((20.0, y + 12.0), Anchor::Start, Font { colour: OLD, ..PLAIN }, &every);
        let then = format!("then every {}", seconds(new));
        self.svg.text((20.0, y + 28.0), Anchor::Start, Font { colour: NEW, ..PLAIN }, &then);

        let (old, new) = (old.as_secs_f64(), new.as_secs_f64());
        let switch = self.plan.switch.as_secs_f64();
        let first = ((self.time.from / old - 0.5).ceil() + 0.5) * old;
        self.marks(y, [first, old, switch], OLD);
        self.marks(y, [switch + new, new, self.time.to], NEW);
    }

    fn aux_ticks(&mut self, y: f64) {
        self.row(y, "Aux ticks");
        let every = format!("every {} (MTTI)", seconds(self.plan.mtti));
        self.svg.text((20.0, y + 12.0), Anchor::Start, Font { colour: AUX, ..PLAIN }, &every);
        let end = self.plan.end.as_secs_f64();
        self.marks(y, [0.0, self.plan.mtti.as_secs_f64(), end], AUX);
    }

    /// Marks at `first` and after each `interval`, up to `last`.
    fn marks(&mut self, y: f64, [first, interval, last]: [f64; 3], colour: &'static str) {
        let (above, height) = (y - 16.0, 26.0);
        if self.time.pixels(interval) < MARKS_APART {
            let (x, end) = (self.time.x(first), self.time.x(last));
            self.svg.rect((x, above), ((end - x).max(1.5), height), colour);
            return;
        }
        // At most a few hundred, as they are so far apart. What is due at the last moment is due, however it was rounded.
        let mut number = 0.0;
        while first + number * interval <= last + interval / 1000.0 {
            let x = self.time.x(first + number * interval);
            self.svg.line((x, above), (x, above + height), colour);
            number += 1.0;
        }
    }

    fn silences(&mut self, y: f64) {
        let plan = self.plan;
        self.svg.line((20.0, y), (RIGHT, y), "#d8dee4");
        let before = -plan.before.detection.max.as_secs_f64();
        let rows = [
            ("Silent before the start", before, plan.before),
            ("Silent from the start", 0.0, plan.during),
            ("Silent from the end", plan.end.as_secs_f64(), plan.after),
        ];
        for (row, (name, last_byte, stretch)) in rows.into_iter().enumerate() {
            self.silence(y + 38.0 + 48.0 * row as f64, name, last_byte, &stretch);
        }
    }

    fn legend(&mut self, y: f64) {
        let mut x = LEFT;
        for (colour, text) in [(DOWN, "declared down"), (TRANSITION, "transition")] {
            self.svg.rect((x, y - 11.0), (24.0, 12.0), colour);
            self.svg.text((x + 32.0, y), Anchor::Start, PLAIN, text);
            x += 150.0;
        }
        self.svg.dot((x + 5.0, y - 5.0), INK);
        self.svg.text((x + 16.0, y), Anchor::Start, PLAIN, "last byte of a peer");
        let text = "seconds since the start";
        self.svg.text((RIGHT, y), Anchor::End, PLAIN, text);
        let text = "The looks are an example: here a wait is half over when the change begins.";
        self.svg.text((LEFT, y + 24.0), Anchor::Start, PLAIN, text);
    }

    fn silence(&mut self, y: f64, name: &str, last_byte: f64, stretch: &Stretch) {
        self.row(y + 10.0, name);
        let window = stretch.detection;
        let x = self.time.x(last_byte);
        let from = self.time.x(last_byte + window.min.as_secs_f64());
        let to = self.time.x(last_byte + window.max.as_secs_f64());
        self.svg.rect((from, y - 8.0), ((to - from).max(2.0), 16.0), DOWN);
        self.svg.line((x, y), (from, y), INK);
        self.svg.dot((x, y), INK);
        let text = format!("down after {} to {}", seconds(window.min), seconds(window.max));
        self.text_beside(x, y - 14.0, &text);
    }

    fn row(&mut self, y: f64, name: &str) {
        self.svg.text((20.0, y - 5.0), Anchor::Start, ROW, name);
    }

    fn axis(&mut self) {
        self.svg.line((LEFT, AXIS), (RIGHT, AXIS), INK);
        let step = round_step((self.time.to - self.time.from) / 10.0);
        let mut number = (self.time.from / step).ceil();
        while number * step <= self.time.to {
            let moment = number * step;
            let x = self.time.x(moment);
            self.svg.line((x, AXIS), (x, AXIS + 6.0), INK);
            // Steps of tenths are no exact fractions of two; and zero is to have no sign.
            let text = ((moment * 1000.0).round() / 1000.0 + 0.0).to_string();
            self.svg.text((x, AXIS + 22.0), Anchor::Middle, PLAIN, &text);
            number += 1.0;
        }
    }
}

fn width(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}

/// The smallest of 1, 2, 5, 10, 20, ... that is not less; and so with fractions.
fn round_step(step: f64) -> f64 {
    let ten = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|digit| digit * ten)
        .find(|round| *round >= step)
        .unwrap_or(10.0 * ten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::tests::texts;
    use netkernel_smol::core::ticker::{NetTicktime, Transition};

    fn picture(old: u32, new: u32, period: u32, intensity: u16) -> String {
        let old = NetTicktime::new(old, intensity).unwrap();
        let transition = Transition::new(old, new, period).unwrap().unwrap();
        draw(&Change { old, new, period }, &transition.timeline())
    }

    #[test]
    fn a_picture_says_what_the_text_says() {
        let file = picture(60, 20, 12, 4);
        let texts = texts(&file);
        for text in [
            "net_ticktime 60 s → 20 s",
            "every 15 s",
            "then every 5 s",
            "every 5 s (MTTI)",
            "0 s: the change begins",
            "15 s: the change ends, the new interval holds",
            "down after 60 s to 75 s",
            "down after 20 s to 80 s",
            "down after 20 s to 25 s",
        ] {
            assert!(texts.iter().any(|found| found == text), "{text}: {texts:?}");
        }
        let marks = |colour| file.matches(&format!(r#"stroke="{colour}""#)).count();
        // Four aux ticks; looks from -67.5 s to 7.5 s, and from 20 s to 80 s.
        assert_eq!((marks(AUX), marks(OLD), marks(NEW)), (4, 6, 13));
    }

    #[test]
    fn the_new_interval_holds_at_once_when_it_is_the_longer() {
        let texts = texts(&picture(20, 60, 12, 4));
        assert!(texts.contains(&"0 s: the change begins, the new interval holds".into()));
        assert!(texts.contains(&"15 s: the change ends".into()));
    }

    #[test]
    fn any_change_makes_a_bounded_well_formed_picture() {
        for (old, new, period, intensity) in [
            (1, u32::MAX, u32::MAX, 1000),
            (u32::MAX, 1, 0, 4),
            (1, 2, 3600, 4),
            (60, 61, 0, 7),
            (3600, 1, 60, 1000),
        ] {
            let file = picture(old, new, period, intensity);
            assert!(!texts(&file).is_empty() && file.len() < 100_000, "{}", file.len());
            assert!(!file.contains("NaN") && !file.contains("inf"));
        }
    }

    #[test]
    fn steps_of_the_axis_are_round() {
        for (step, round) in [(0.7, 1.0), (1.0, 1.0), (1.1, 2.0), (15.5, 20.0), (51.0, 100.0)] {
            assert_eq!(round_step(step), round);
        }
    }
}
