//! What is left out where there is too much to be looked at.

use core::mem::take;
use std::collections::{BTreeMap, BTreeSet};

use super::{Chart, Link, Mark, Tone, What};

/// So many last ones are whole: what went wrong is at the end.
const LAST: usize = 500;

impl Chart {
    /// Only what comes from then on is drawn, and what was there already.
    pub fn begin_at(&mut self, at: u64) {
        self.fold(self.marks.partition_point(|mark| mark.at < at), at);
    }

    /// Leaves marks out until there are no more than so many: the oldest of the lowest tones, at last the oldest of all.
    pub(super) fn thin_out(&mut self, most: usize) {
        for tone in [Tone::Chatter, Tone::Attempt] {
            self.without(tone, most);
        }
        let excess = self.marks.len().saturating_sub(most);
        if excess > 0 {
            self.fold(excess, self.marks[excess].at);
        }
    }

    /// As few as needed, of the old ones.
    fn without(&mut self, tone: Tone, most: usize) {
        let old = self.marks.len().saturating_sub(LAST);
        let mut excess = self.marks.len().saturating_sub(most);
        let (mut seen, mut left_out, mut up) = (0, 0, BTreeSet::new());
        self.marks.retain(|mark| {
            seen += 1;
            let kept = excess == 0
                || seen > old
                || match &mark.what {
                    What::Note(_, of, _) | What::Message { tone: of, .. } => *of != tone,
                    What::Life(..) => true,
                    What::Link(..) if tone != Tone::Attempt => true,
                    // Of links that come up, all but the attempt.
                    What::Link(of, other, Some(Link::Up)) => up.insert((*of, *other)),
                    What::Link(_, _, Some(Link::Attempt)) => false,
                    What::Link(of, other, None) => up.remove(&(*of, *other)),
                };
            excess -= usize::from(!kept);
            left_out += usize::from(!kept && mark.what.is_told());
            kept
        });
        self.left_out += left_out;
    }

    /// Of so many marks only what has come of them is left, at this moment.
    fn fold(&mut self, count: usize, at: u64) {
        let (mut lives, mut links) = (BTreeMap::new(), BTreeMap::new());
        let later = self.marks.split_off(count);
        for mark in take(&mut self.marks) {
            self.left_out += usize::from(mark.what.is_told());
            match mark.what {
                What::Life(of, life) => _ = lives.insert(of, life),
                What::Link(of, other, link) => _ = links.insert((of, other), link),
                What::Note(..) | What::Message { .. } => {}
            }
        }
        let lives = lives.into_iter().map(|(of, life)| What::Life(of, life));
        let links = links.into_iter().map(|((of, other), link)| What::Link(of, other, link));
        self.marks = lives.chain(links).map(|what| Mark { at, what }).chain(later).collect();
        for mark in &mut self.marks {
            if let What::Message { since, .. } = &mut mark.what {
                *since = at.max(*since);
            }
        }
        self.begin = Some(at);
    }
}

impl What {
    const fn is_told(&self) -> bool {
        matches!(self, Self::Note(..) | Self::Message { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spacetime::Life;

    const SECOND: u64 = 1_000_000_000;
    const MOST: usize = 2000;

    fn message(at: u64, tone: Tone) -> (u64, What) {
        let label = format!("letter {at}");
        (at, What::Message { from: 0, to: 1, since: at - SECOND, tone, label })
    }

    fn chart(whats: impl IntoIterator<Item = (u64, What)>) -> Chart {
        let mut chart = Chart::new("two nodes".into(), vec!["a@h".into(), "b@h".into()]);
        for (at, what) in whats {
            chart.add(at, what);
        }
        chart
    }

    fn told(chart: &Chart) -> usize {
        chart.marks.iter().filter(|mark| mark.what.is_told()).count()
    }

    #[test]
    fn the_oldest_of_the_least_is_left_out_first() {
        let link = |at, link| (at, What::Link(0, 1, link));
        let before = [
            link(1, Some(Link::Attempt)),
            link(2, None),
            link(3, Some(Link::Attempt)),
            link(4, Some(Link::Up)),
            (5, What::Note(None, Tone::Fault, "a fault".into())),
        ];
        let letters = |tone| (2..MOST as u64 + 102).map(move |at| message(at * SECOND, tone));

        let mut chatter = chart(before.clone().into_iter().chain(letters(Tone::Chatter)));
        chatter.thin_out(MOST);
        assert_eq!((chatter.marks.len(), chatter.left_out, chatter.begin), (MOST, 105, None));
        assert_eq!(chatter.marks[4].what, before[4].1, "what is more than that is there");
        assert_eq!(chatter.marks[5].at, 107 * SECOND);

        let mut attempts = chart(before.clone().into_iter().chain(letters(Tone::Attempt)));
        attempts.thin_out(MOST);
        assert_eq!((attempts.marks.len(), attempts.left_out), (MOST, 102));
        let first = attempts.marks.iter().take(2).map(|mark| &mark.what);
        assert!(first.eq([&before[3].1, &before[4].1]), "and of links those that came up");

        let mut good = chart(before.clone().into_iter().chain(letters(Tone::Good)));
        good.thin_out(MOST);
        // Those that cannot be spared are cut off: a link is there from the beginning.
        assert_eq!((told(&good), good.left_out), (MOST, 101));
        assert_eq!(good.begin, Some(102 * SECOND));
        assert_eq!(good.marks[0], Mark { at: 102 * SECOND, what: before[3].1.clone() });
    }

    #[test]
    fn the_last_ones_are_whole_whatever_they_are() {
        let good = (0..4000).map(|at| (at, What::Note(Some(0), Tone::Good, "up".into())));
        let letters = (5..205).map(|at| message(at * SECOND, Tone::Chatter));
        let mut chart = chart(good.chain(letters));
        chart.thin_out(MOST);
        assert_eq!((chart.marks.len(), chart.left_out), (MOST, 2200));
        let letters = chart.marks.iter().filter(|m| matches!(m.what, What::Message { .. }));
        assert_eq!(letters.count(), 200);
    }

    #[test]
    fn what_was_there_before_the_beginning_is_still_there() {
        let mut chart = chart([
            (0, What::Life(0, Life::Alive)),
            (0, What::Life(1, Life::Alive)),
            (SECOND, What::Link(0, 1, Some(Link::Up))),
            (SECOND, What::Note(Some(0), Tone::Good, "nodeup b@h".into())),
            (2 * SECOND, What::Life(1, Life::Absent)),
            message(5 * SECOND, Tone::Chatter),
        ]);
        let at = 4 * SECOND + 1;
        chart.begin_at(at);
        let wanted = [
            What::Life(0, Life::Alive),
            What::Life(1, Life::Absent),
            What::Link(0, 1, Some(Link::Up)),
        ];
        assert!(chart.marks[..3].iter().map(|mark| &mark.what).eq(&wanted), "{:?}", chart.marks);
        assert!(chart.marks[..3].iter().all(|mark| mark.at == at));
        let label = format!("letter {}", 5 * SECOND);
        let (from, to, tone) = (0, 1, Tone::Chatter);
        assert_eq!(chart.marks[3].what, What::Message { from, to, since: at, tone, label });
        assert_eq!((chart.left_out, chart.begin), (1, Some(at)));
    }
}
