//! Pictures as SVG, one element a line. Nothing here knows what it draws.

use core::fmt::{Display, Write as _};

/// A picture in the making. Lengths are pixels, from the upper left corner.
#[derive(Debug)]
pub(crate) struct Svg {
    elements: String,
    width: f64,
    height: f64,
}

/// Which point of a text its place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Font {
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) colour: &'static str,
}

impl Svg {
    /// White. `title` is what readers without eyes get.
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Self {
        let mut svg = Self { elements: String::new(), width, height };
        svg.element(format_args!("<title>{}</title>", escape(title)));
        svg.rect((0.0, 0.0), (width, height), "#ffffff");
        svg
    }

    pub(crate) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        self.element(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"/>"#
        ));
    }

    pub(crate) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), stroke: &str) {
        self.element(format_args!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{stroke}" stroke-width="1.5"/>"#
        ));
    }

    pub(crate) fn dot(&mut self, (x, y): (f64, f64), fill: &str) {
        self.element(format_args!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="4.5" fill="{fill}"/>"#));
    }

    /// `y` is the base line. What is behind the letters is covered.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, font: Font, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if font.bold { r#" font-weight="bold""# } else { "" };
        let Font { size, colour, .. } = font;
        let text = escape(text);
        self.element(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}"{weight} fill="{colour}" stroke="white" stroke-width="3" paint-order="stroke">{text}</text>"#
        ));
    }

    /// The file.
    pub(crate) fn finish(self) -> String {
        let Self { elements, width, height } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\">\n{elements}</svg>\n"
        )
    }

    fn element(&mut self, element: impl Display) {
        // Writing to a string does not fail.
        let _ = writeln!(self.elements, "{element}");
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Checks that the elements of a file are nested and closed, and gives its texts.
    pub(crate) fn texts(file: &str) -> Vec<String> {
        let mut open = Vec::new();
        let mut texts = Vec::new();
        for part in file.split('<').skip(1) {
            let (tag, text) = part.split_once('>').unwrap();
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            let name = tag.split(' ').next().unwrap();
            if let Some(name) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            assert!(open.is_empty() || open[0] == "svg", "one root");
            if !text.trim().is_empty() {
                texts.push(text.trim().to_owned());
            }
        }
        assert!(open.is_empty() && file.starts_with("<svg xmlns="), "{open:?}");
        texts
    }

    #[test]
    fn what_is_drawn_is_well_formed_and_escaped() {
        let font = Font { size: 13.0, bold: true, colour: "#000000" };
        let mut svg = Svg::new(100.0, 50.0, "a < b & c");
        svg.line((0.0, 1.0), (2.0, 3.25), "#111111");
        svg.dot((1.0, 1.0), "#222222");
        svg.text((1.0, 2.0), Anchor::Middle, font, "5 > 4");
        let file = svg.finish();
        assert_eq!(texts(&file), ["a &lt; b &amp; c", "5 &gt; 4"]);
        assert!(file.contains(r#"y2="3.2""#) && file.contains(r#"height="50""#), "{file}");
    }
}
