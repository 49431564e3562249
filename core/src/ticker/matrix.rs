//! Every event in every state of a ticker.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::diagram::{Matrix, compare_with_docs};

const NOW: Instant = Instant::from_millis(100_000);
/// How far from now something is that is not due.
const LATER: Duration = Duration::from_millis(1);

/// With 20 s, where an interval is 5 s.
fn steady() -> Ticker {
    Ticker::new(Instant::ORIGIN, NetTicktime::new(20, 4).unwrap())
}

/// Each state, as it is reached. In a change there is more than one aux tick to come, or only the last.
fn states() -> [(&'static str, Ticker); 5] {
    let changing = |seconds, period_seconds| {
        let mut ticker = steady();
        let change = ticker.set(NOW, seconds, period_seconds);
        assert_eq!(change, Ok(TicktimeChange::ChangeInitiated));
        ticker
    };
    [
        ("20 s", steady()),
        ("to 60 s", changing(60, 12)),
        ("to 60 s, last aux tick", changing(60, 0)),
        ("to 8 s", changing(8, 12)),
        ("to 8 s, last aux tick", changing(8, 0)),
    ]
}

fn state_of(ticker: &Ticker) -> String {
    match &ticker.phase {
        Phase::Steady(ticktime) => format!("{} s", ticktime.seconds()),
        Phase::Changing { transition, aux_ticks_left, .. } => {
            let last = if *aux_ticks_left == 1 { ", last aux tick" } else { "" };
            format!("to {} s{last}", transition.to().seconds())
        }
    }
}

/// An event, if it can happen: what is answered, or what is due.
type Event = fn(&mut Ticker) -> Option<String>;

const EVENTS: [(&str, Event); 11] = [
    ("set 20 s", |ticker| set(ticker, 20, 12)),
    ("set 60 s", |ticker| set(ticker, 60, 12)),
    ("set 60 s, no period", |ticker| set(ticker, 60, 0)),
    ("set 8 s", |ticker| set(ticker, 8, 12)),
    ("set 8 s, no period", |ticker| set(ticker, 8, 0)),
    ("set 0 s", |ticker| set(ticker, 0, 12)),
    ("nothing is due", |ticker| ring(ticker, false, false)),
    ("the main ticker is due", |ticker| ring(ticker, true, false)),
    ("the aux ticker is due", |ticker| ring(ticker, false, true)),
    ("both are due", |ticker| ring(ticker, true, true)),
    ("the last aux tick but one is due", |ticker| {
        let Phase::Changing { aux_ticks_left: left @ 2.., .. } = &mut ticker.phase else {
            return None;
        };
        *left = 2;
        ring(ticker, false, true)
    }),
];

fn set(ticker: &mut Ticker, seconds: u32, period_seconds: u32) -> Option<String> {
    Some(match ticker.set(NOW, seconds, period_seconds) {
        Ok(change) => format!("`{change}`"),
        Err(error) => format!("{error:?}"),
    })
}

/// The time of either ticker has come, or of both.
fn ring(ticker: &mut Ticker, main: bool, aux: bool) -> Option<String> {
    ticker.next_tick = if main { NOW } else { NOW + LATER };
    match &mut ticker.phase {
        Phase::Changing { next_aux_tick, .. } => {
            *next_aux_tick = if aux { NOW } else { NOW + LATER };
        }
        Phase::Steady(_) if aux => return None,
        Phase::Steady(_) => {}
    }
    let Ring { tick, transition_ended, aux_tick } = ticker.ring(NOW);
    let what = [(tick, "tick"), (transition_ended, "end"), (aux_tick, "aux tick")];
    let what: Vec<_> = what.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
    Some(what.join(", "))
}

/// How long the tickers wait from now on, as far as an event has changed that.
fn waits(ticker: &Ticker) -> Vec<String> {
    let wait = |who: &str, until: Instant| {
        let wait = until.saturating_since(NOW);
        (wait > LATER).then(|| format!("{who} {} s", wait.as_secs()))
    };
    let aux = match ticker.phase {
        Phase::Changing { next_aux_tick, .. } => wait("aux", next_aux_tick),
        Phase::Steady(_) => None,
    };
    wait("main", ticker.next_tick).into_iter().chain(aux).collect()
}

//= docs/spec/ticktime.md#ticktime-longer
//= type=test
//= docs/spec/ticktime.md#ticktime-shorter
//= type=test
//= docs/spec/ticktime.md#ticktime-ongoing
//= type=test
//= docs/spec/ticktime.md#ticktime-order
//= type=test
#[test]
fn every_event_in_every_state() {
    let mut matrix = Matrix::new(states().iter().map(|(state, _)| *state));
    for (state, ticker) in states() {
        assert_eq!(state, state_of(&ticker), "the way to the state leads there");
        for (event, happens) in EVENTS {
            let mut after = ticker.clone();
            // What waits as it did is not told.
            after.next_tick = NOW + LATER;
            let Some(said) = happens(&mut after) else { continue };
            let said: Vec<_> = [said].into_iter().chain(waits(&after)).collect();
            let said = said.join(", ");
            matrix.add(state, event, &state_of(&after), said.trim_start_matches(", "));
        }
    }
    compare_with_docs("ticker", &matrix.written());
}
