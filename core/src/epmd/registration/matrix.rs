//! Every event in every state of a registration.

use alloc::format;
use alloc::string::String;

use super::*;
use crate::diagram::{Matrix, compare_with_docs};

pub(super) const NOW: Instant = Instant::from_millis(60_000);
const GRANTED: &[u8] = &[b'v', 0, 0, 0, 0, 9];
const TAKEN: &[u8] = &[b'v', 1, 0, 0, 0, 99];

pub(super) fn new() -> Registration {
    Registration::new(&NodeName::new("alpha@localhost").unwrap(), 4001)
}

/// Every state, with and without a registration before it, reached at the origin of time.
pub(super) fn states() -> [(&'static str, Registration); 7] {
    let zero = Instant::ORIGIN;
    let first_dialling = new();
    let mut first_asked = first_dialling.clone();
    assert!(matches!(first_asked.opened(zero), RegistrationStep::Ask(_)));
    let mut held = first_asked.clone();
    assert_eq!(held.received(zero, GRANTED), RegistrationStep::Registered(Creation(9)));
    let mut lost = held.clone();
    assert_eq!(lost.closed(zero), RegistrationStep::Lost(RegisterError::Closed));
    let mut dialling = lost.clone();
    assert_eq!(dialling.timeout(zero + RETRY_INTERVAL), RegistrationStep::Open);
    let mut asked = dialling.clone();
    assert!(matches!(asked.opened(zero), RegistrationStep::Ask(_)));
    let mut failed = first_dialling.clone();
    let refused = failed.open_failed(zero, OpenError::Refused);
    assert_eq!(refused, RegistrationStep::Failed(RegisterError::Open(OpenError::Refused)));
    [
        ("first dialling", first_dialling),
        ("first asked", first_asked),
        ("held", held),
        ("lost", lost),
        ("dialling", dialling),
        ("asked", asked),
        ("failed", failed),
    ]
}

pub(super) type Event = fn(&mut Registration) -> RegistrationStep;

pub(super) const EVENTS: [(&str, Event); 11] = [
    ("opened", |r| r.opened(NOW)),
    ("open failed", |r| r.open_failed(NOW, OpenError::Refused)),
    ("part", |r| r.received(NOW, &GRANTED[..3])),
    ("granted", |r| r.received(NOW, GRANTED)),
    ("granted, old", |r| r.received(NOW, &[b'y', 0, 0, 9])),
    ("taken", |r| r.received(NOW, TAKEN)),
    ("garbage", |r| r.received(NOW, b"?")),
    ("surplus", |r| r.received(NOW, &[GRANTED, b"?"].concat())),
    ("closed", |r| r.closed(NOW)),
    ("early timeout", |r| r.timeout(Instant::from_millis(1_999))),
    ("timeout", |r| r.timeout(NOW)),
];

/// The next state, and the step, if there is one.
fn outcome(before: &Registration, event: Event) -> (&'static str, String) {
    let mut after = before.clone();
    let step = event(&mut after);
    let state = match (&after.state, after.was_held) {
        (State::Dialling, false) => "first dialling",
        (State::Dialling, true) => "dialling",
        (State::Asked { .. }, false) => "first asked",
        (State::Asked { .. }, true) => "asked",
        (State::Held, _) => "held",
        (State::Lost { .. }, _) => "lost",
        (State::Failed, _) => "failed",
    };
    if let State::Lost { retry_at } = after.state {
        assert!(after == *before || retry_at == NOW + RETRY_INTERVAL);
    }
    let said = match step {
        RegistrationStep::Idle => {
            assert_eq!(after, *before, "nothing happened");
            String::new()
        }
        RegistrationStep::Ask(_) => "Ask".into(),
        RegistrationStep::Failed(_)
        | RegistrationStep::Lost(_)
        | RegistrationStep::Open
        | RegistrationStep::Read
        | RegistrationStep::Registered(_)
        | RegistrationStep::Renewed => format!("{step:?}"),
    };
    (state, said)
}

//= docs/spec/epmd.md#epmd-first-attempt
//= type=test
//= docs/spec/epmd.md#epmd-retry
//= type=test
//= docs/spec/epmd.md#epmd-duplicate
//= type=test
//= docs/spec/epmd.md#epmd-held-bytes
//= type=test
//= docs/spec/epmd.md#epmd-register-errors
//= type=test
#[test]
fn every_event_in_every_state() {
    let mut matrix = Matrix::new(states().iter().map(|(state, _)| *state));
    for (state, machine) in states() {
        for (event, apply) in EVENTS {
            let (next, said) = outcome(&machine, apply);
            matrix.add(state, event, next, &said);
        }
    }
    compare_with_docs("registration", &matrix.written());
}
