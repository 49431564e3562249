//! Traces of live nodes (`netkernel node --trace`) as a space-time diagram.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::spacetime::{Chart, Life, Link, Tone, What};

/// Facts of the same text are one note within this: each subscriber is told.
const SAME_NS: u64 = 100_000_000;

/// A line of a trace.
#[derive(Debug)]
struct Fact {
    /// Nanoseconds since 1970.
    at: u64,
    /// The trace.
    file: usize,
    what: String,
    fields: BTreeMap<String, String>,
}

impl Fact {
    /// The columns are: time, what, and words of a name and a value.
    fn parse(file: usize, line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (seconds, nanos) = words.next()?.split_once('.')?;
        let nanos = Some(nanos).filter(|nanos| nanos.len() == 9)?.parse::<u64>().ok()?;
        let at = seconds.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nanos)?;
        let what = words.next()?.to_owned();
        let field = |word: &str| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_owned(), unescaped(value)))
        };
        Some(Self { at, file, what, fields: words.map(field).collect::<Option<_>>()? })
    }

    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

fn unescaped(value: &str) -> String {
    let mut text = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            // The end of a line has no place in a picture.
            '\\' => match letters.next() {
                Some('\\') => '\\',
                _ => ' ',
            },
            letter => letter,
        });
    }
    text
}

/// Draws these traces, of which each has the name of its file and its text. Nodes without a trace that one of them speaks of have columns, too,
/// as far as the others see them.
///
/// # Errors
/// Which line is none of a trace.
pub fn draw(traces: &[(String, String)]) -> Result<Chart, String> {
    let mut facts = Vec::new();
    for (file, (path, text)) in traces.iter().enumerate() {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let fact = Fact::parse(file, line);
            facts.push(fact.ok_or_else(|| format!("{path}: line {}: no fact", number + 1))?);
        }
    }
    facts.sort_by_key(|fact| fact.at);
    let mut drawing = Drawing::new(traces, &facts);
    for fact in &facts {
        drawing.add(fact);
    }
    Ok(drawing.chart)
}

/// A signal that is under way.
#[derive(Debug)]
struct Sent {
    at: u64,
    op: String,
    bytes: String,
    /// It is for the next link.
    waits: bool,
}

#[derive(Debug)]
struct Drawing {
    chart: Chart,
    begin: u64,
    columns: BTreeMap<String, usize>,
    /// The column of each trace.
    traced: Vec<usize>,
    /// The links of each column, by the other one: the name of the link, and whether it is up.
    links: BTreeMap<(usize, usize), (String, bool)>,
    under_way: BTreeMap<(usize, usize), VecDeque<Sent>>,
    /// The last notes, so that none is there twice.
    told: BTreeMap<(usize, String), u64>,
}

impl Drawing {
    fn new(traces: &[(String, String)], facts: &[Fact]) -> Self {
        let (mut names, mut columns, mut traced) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut column = |name: &str| {
            *columns.entry(name.to_owned()).or_insert_with(|| {
                names.push(name.to_owned());
                names.len() - 1
            })
        };
        for (file, (path, _)) in traces.iter().enumerate() {
            let alive = facts.iter().find(|fact| fact.file == file && fact.what == "alive");
            traced.push(column(alive.map_or(path, |fact| fact.field("node"))));
        }
        for fact in facts.iter().filter(|fact| !fact.field("node").is_empty()) {
            if fact.what != "alive" {
                column(fact.field("node"));
            }
        }
        let begin = facts.first().map_or(0, |fact| fact.at);
        let title = format!("trace from {}.{:09}", begin / 1_000_000_000, begin % 1_000_000_000);
        Self {
            chart: Chart::new(title, names),
            begin,
            columns,
            traced,
            links: BTreeMap::new(),
            under_way: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    fn add(&mut self, fact: &Fact) {
        let (at, own) = (fact.at - self.begin, self.traced[fact.file]);
        let name = fact.field("node");
        let other = self.columns.get(name).copied().unwrap_or(own);
        let reason = fact.field("reason");
        match fact.what.as_str() {
            "alive" => {
                self.chart.add(at, What::Life(own, Life::Alive));
                let text = format!("alive: {name}, creation {}", fact.field("creation"));
                self.note(at, own, Tone::Good, text);
            }
            "not_alive" => {
                self.chart.add(at, What::Life(own, Life::Absent));
                self.note(at, own, Tone::Bad, "not alive".into());
            }
            "attempting" | "up" => self.link(at, (own, other), fact),
            "down" => self.unlink(at, (own, other), fact),
            "nodeup" => self.note(at, own, Tone::Good, format!("nodeup {name}")),
            "nodedown" => {
                let reason = if reason.is_empty() { "" } else { &format!(": {reason}") };
                self.note(at, own, Tone::Bad, format!("nodedown {name}{reason}"));
            }
            "dial" => {
                self.note(at, own, Tone::Chatter, format!("dials {}", fact.field("address")));
            }
            "accepted" => self.note(at, own, Tone::Chatter, "is dialled".into()),
            "open_failed" => self.note(at, own, Tone::Bad, format!("not connected: {reason}")),
            "listener_lost" => self.note(at, own, Tone::Fault, "its listener breaks".into()),
            "diagnostic" => self.note(at, own, Tone::Bad, fact.field("text").to_owned()),
            "lost" => {
                let text = format!("{} facts are not in the trace", fact.field("count"));
                self.note(at, own, Tone::Fault, text);
            }
            "out" | "wait" => self.sent(at, (own, other), fact),
            "in" => self.received(at, (other, own), fact),
            // Ticks and streams, and what a later version may tell.
            _ => {}
        }
    }

    fn note(&mut self, at: u64, column: usize, tone: Tone, text: String) {
        let before = self.told.insert((column, text.clone()), at);
        if before.is_none_or(|before| at - before > SAME_NS) {
            self.chart.add(at, What::Note(Some(column), tone, text));
        }
    }

    fn link(&mut self, at: u64, (own, other): (usize, usize), fact: &Fact) {
        let up = fact.what == "up";
        if self.links.get(&(own, other)).is_some_and(|(_, is_up)| *is_up && !up) {
            return;
        }
        self.links.insert((own, other), (fact.field("link").to_owned(), up));
        let link = if up { Link::Up } else { Link::Attempt };
        self.chart.add(at, What::Link(own, other, Some(link)));
        if up {
            // What the link before has not brought never comes.
            let under_way = self.under_way.entry((own, other)).or_default();
            under_way.retain(|sent| sent.waits);
            if !self.traced.contains(&other) {
                self.chart.add(at, What::Life(other, Life::Alive));
            }
        }
    }

    fn unlink(&mut self, at: u64, (own, other): (usize, usize), fact: &Fact) {
        if self.links.get(&(own, other)).is_none_or(|(link, _)| link != fact.field("link")) {
            return;
        }
        self.links.remove(&(own, other));
        self.chart.add(at, What::Link(own, other, None));
        let seen: BTreeSet<usize> =
            self.links.iter().filter(|(_, (_, up))| *up).map(|((_, other), _)| *other).collect();
        if !self.traced.contains(&other) && !seen.contains(&other) {
            self.chart.add(at, What::Life(other, Life::Absent));
        }
    }

    /// Where nobody tells of the arrival, it is drawn at once.
    fn sent(&mut self, at: u64, way: (usize, usize), fact: &Fact) {
        let (op, bytes) = (fact.field("op").to_owned(), fact.field("bytes").to_owned());
        if self.traced.contains(&way.1) {
            let sent = Sent { at, op, bytes, waits: fact.what == "wait" };
            self.under_way.entry(way).or_default().push_back(sent);
        } else {
            self.message(at, way, at, &op);
        }
    }

    fn received(&mut self, at: u64, way: (usize, usize), fact: &Fact) {
        let (op, bytes) = (fact.field("op"), fact.field("bytes"));
        let mut since = at;
        if let Some(under_way) = self.under_way.get_mut(&way) {
            let same = under_way.iter().position(|sent| sent.op == op && sent.bytes == bytes);
            let answer = || under_way.iter().position(|sent| sent.op == "ANSWER");
            if let Some(sent) = same.or_else(answer).and_then(|place| under_way.remove(place)) {
                since = sent.at;
            }
        }
        self.message(at, way, since, op);
    }

    fn message(&mut self, at: u64, (from, to): (usize, usize), since: u64, op: &str) {
        if from != to {
            let label = op.to_owned();
            self.chart.add(at, What::Message { from, to, since, tone: Tone::Chatter, label });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(traces: &[&str]) -> Result<Chart, String> {
        let name = |(at, text): (usize, &&str)| (format!("file{at}"), (*text).to_owned());
        draw(&traces.iter().enumerate().map(name).collect::<Vec<_>>())
    }

    const A: &str = "# netkernel trace 1
1700000000.000000000 alive node=a@h creation=5
1700000000.100000000 wait node=b@h op=SEND bytes=3
1700000000.100000001 attempting node=b@h link=link#1
1700000000.200000000 up node=b@h link=link#1 stream=stream#2 node_type=visible
1700000000.200000001 nodeup node=b@h
1700000000.200000002 nodeup node=b@h
1700000000.300000000 out node=b@h op=REG_SEND bytes=70
1700000000.300000001 out node=b@h op=ANSWER bytes=99
1700000001.000000000 tick node=b@h
1700000002.000000000 lost count=3
1700000003.000000000 down node=b@h link=link#7 was_up=false
1700000004.000000000 down node=b@h link=link#1 was_up=true
1700000004.000000000 nodedown node=b@h reason={net_tick\\stimeout,\\\\}
";
    const B: &str = "# netkernel trace 1
1700000000.050000000 alive node=b@h creation=6
1700000000.210000000 up node=a@h link=link#4 stream=stream#1 node_type=visible
1700000000.400000000 in node=a@h op=SEND bytes=3
1700000000.500000000 in node=a@h op=SEND bytes=8
1700000000.600000000 in node=a@h op=REG_SEND bytes=70
1700000000.700000000 in node=a@h op=LINK bytes=0
";

    fn messages(chart: &Chart) -> Vec<(usize, usize, u64, u64)> {
        let message = |mark: &crate::spacetime::Mark| match mark.what {
            What::Message { from, to, since, .. } => Some((from, to, since, mark.at)),
            What::Life(..) | What::Link(..) | What::Note(..) => None,
        };
        chart.marks().iter().filter_map(message).collect()
    }

    #[test]
    fn messages_go_from_the_moment_they_were_sent_to_that_at_which_they_came() {
        let ms = |ms: u64| ms * 1_000_000;
        let chart = drawn(&[A, B]).unwrap();
        let wanted = [
            (0, 1, ms(100), ms(400)),
            (0, 1, ms(300) + 1, ms(500)),
            (0, 1, ms(300), ms(600)),
            // Nobody has told of its start.
            (0, 1, ms(700), ms(700)),
        ];
        assert_eq!(messages(&chart), wanted);
        // Who has no trace is drawn as others see it.
        let alone = drawn(&[A]).unwrap();
        let at_once = [ms(100), ms(300), ms(300) + 1].map(|at| (0, 1, at, at));
        assert_eq!(messages(&alone), at_once);
        let life = |of, life, at| {
            alone.marks().iter().any(|mark| mark.what == What::Life(of, life) && mark.at == at)
        };
        assert!(life(1, Life::Alive, ms(200)) && life(1, Life::Absent, ms(4000)));
    }

    #[test]
    fn links_and_reasons_are_in_the_picture() {
        let chart = drawn(&[A, B]).unwrap();
        let links: Vec<_> = chart
            .marks()
            .iter()
            .filter_map(|mark| match mark.what {
                What::Link(0, 1, link) => Some(link),
                What::Life(..) | What::Link(..) | What::Note(..) | What::Message { .. } => None,
            })
            .collect();
        assert_eq!(
            links,
            [Some(Link::Attempt), Some(Link::Up), None],
            "a stale end changes nothing"
        );
        let file = chart.to_svg();
        for text in ["a@h", "b@h", "alive: a@h, creation 5", "3 facts are not in the trace"] {
            assert!(file.contains(text), "{text}");
        }
        assert!(file.contains("nodedown b@h: {net_tick timeout,\\}"), "{file}");
        assert_eq!(file.matches("nodeup b@h").count(), 1, "whoever is told of it");
    }

    #[test]
    fn what_is_no_trace_is_refused_with_its_line() {
        for bad in ["x", "1.5 up", "1.000000000", "1.000000000 up node", "99999999999.000000000 up"]
        {
            let error = drawn(&["", &format!("# netkernel trace 1\n{bad}\n")]).unwrap_err();
            assert_eq!(error, "file1: line 2: no fact", "{bad}");
        }
        assert!(drawn(&["1.000000000 later thing=1\n"]).is_ok(), "it may be of a later version");
        assert!(drawn(&[""]).is_ok());
    }
}
