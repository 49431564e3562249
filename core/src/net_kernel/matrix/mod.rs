//! Every state and every event of the connection table and of the node's life, written down in `docs/state-machines.md`.

mod bench;

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::*;
use crate::diagram::{Diagram, compare_with_docs};
use crate::entropy::Entropy;
use crate::flags::NodeType;
use crate::handshake::{InitiatorStep, Stage};
use bench::{Bench, Build, name};

/// Names of P: ours is `m@h`.
const SMALLER: &str = "a@h";
const GREATER: &str = "z@h";

/// An event, and whether it can happen in the state of a bench.
struct Event {
    name: &'static str,
    can: fn(&Bench) -> bool,
    happens: fn(&mut Bench),
}

const fn event(name: &'static str, can: fn(&Bench) -> bool, happens: fn(&mut Bench)) -> Event {
    Event { name, can, happens }
}

fn always(_: &Bench) -> bool {
    true
}

const ROW_EVENTS: &[Event] = &[
    event("connect_node", always, Bench::connect),
    event("hidden_connect_node", always, hidden_connect),
    event("connect_automatically", always, |bench| {
        bench.ask(|kernel, now, peer| kernel.connect_automatically(now, peer));
    }),
    event("auto_connect", always, auto_connect),
    event(
        "auto_connect, too late",
        |bench| bench.kernel.table.contains_key(&bench.peer),
        |bench| {
            bench.ask(|kernel, now, peer| kernel.auto_connect(now, &peer, None));
        },
    ),
    event("disconnect_node", always, |bench| {
        bench.ask(|kernel, now, peer| kernel.disconnect_node(now, &peer));
    }),
    event("node_info", always, node_info),
    event(
        "node_info, the counters cannot be read",
        |bench| bench.row() == "up",
        |bench| {
            let stream = bench.link.expect("there is one");
            bench.call(|kernel, now, peer| {
                let purpose = SamplePurpose::NodeInfo(kernel.node_info(now, &peer));
                kernel.handle(now, Input::Sampled { stream, purpose, traffic: None });
            });
        },
    ),
    event("getopts", always, getopts),
    event("setopts", always, setopts),
    event("setopts of new links", always, setopts_new),
    event("P connects, its name is greater", |bench| bench.peer == name(GREATER), Bench::accept),
    event("P connects, its name is smaller", |bench| bench.peer == name(SMALLER), Bench::accept),
    event("P answers `true` to `alive`", is_asked, |bench| bench.alive(true)),
    event("P answers `false` to `alive`", is_asked, |bench| bench.alive(false)),
    event("P's digest is right", is_challenged, |bench| bench.digest(true)),
    event("P's digest is wrong", is_challenged, |bench| bench.digest(false)),
    event("P goes through with our attempt", is_shaking, Bench::own_handshake),
    event("P answers `nok` to our attempt", is_shaking, |bench| bench.status("nok")),
    event("P answers `not_allowed`", is_shaking, |bench| bench.status("not_allowed")),
    event("set-up timer", has_attempt, |bench| {
        bench.now = bench.now + SETUP_TIME_DEFAULT;
        bench.tell(Input::Timeout);
    }),
    event("the attempt's stream ends", has_attempt, |bench| {
        let stream = attempt(bench).expect("there is one");
        if bench.kernel.opening.contains(&stream) {
            bench.tell(Input::OpenFailed { stream, error: OpenError::Refused });
        } else {
            bench.tell(Input::Closed { stream, cause: CloseCause::Eof });
        }
    }),
    event("the link's stream ends", has_link, link_ends),
    event("the ticks find the link dead", has_link, Bench::fall_silent),
    event("start", always, |bench| bench.start(StartOptions::new(name("m@h")))),
    event("stop", always, |bench| bench.ask(|kernel, now, _| kernel.stop(now))),
];

fn hidden_connect(bench: &mut Bench) {
    bench.ask(|kernel, now, peer| kernel.hidden_connect_node(now, peer));
}

fn auto_connect(bench: &mut Bench) {
    let seen = bench.kernel.table.get(&bench.peer).map(|row| row.link);
    let seen = seen.or_else(|| bench.kernel.past_links.last(&bench.peer));
    bench.ask(|kernel, now, peer| kernel.auto_connect(now, &peer, seen));
}

fn node_info(bench: &mut Bench) {
    bench.ask(|kernel, now, peer| kernel.node_info(now, &peer));
}

fn getopts(bench: &mut Bench) {
    bench.ask(|kernel, now, peer| kernel.getopts(now, &peer, [OptionName::Nodelay].into()));
}

fn setopts(bench: &mut Bench) {
    bench.ask(|kernel, now, peer| kernel.setopts(now, &peer, [SocketOption::Tos(8)].into()));
}

fn setopts_new(bench: &mut Bench) {
    bench.ask(|kernel, now, _| kernel.setopts_new(now, [SocketOption::Tos(8)].into()));
}

fn link_ends(bench: &mut Bench) {
    let stream = bench.link.expect("there is one");
    bench.tell(Input::Closed { stream, cause: CloseCause::Eof });
}

/// The stream of the attempt in P's row, or of the successor.
fn attempt(bench: &Bench) -> Option<StreamId> {
    let row = bench.kernel.table.get(&bench.peer)?;
    match row.state {
        table::RowState::Pending { stream } => Some(stream),
        table::RowState::Up { .. } | table::RowState::Closing { .. } | table::RowState::Barred => {
            row.successor()
        }
    }
}

fn has_attempt(bench: &Bench) -> bool {
    attempt(bench).is_some()
}

fn has_link(bench: &Bench) -> bool {
    use table::RowState::{Closing, Up};
    bench
        .kernel
        .table
        .get(&bench.peer)
        .is_some_and(|row| matches!(row.state, Up { .. } | Closing { .. }))
}

fn is_shaking(bench: &Bench) -> bool {
    bench.row() == "ours, in handshake"
}

fn is_asked(bench: &Bench) -> bool {
    matches!(&bench.theirs, Some(theirs) if matches!(theirs.knowing, Some(InitiatorStep::Alive(_))))
}

fn is_challenged(bench: &Bench) -> bool {
    matches!(&bench.theirs, Some(theirs)
        if matches!(&theirs.knowing, Some(InitiatorStep::Wait(machine)) if machine.stage() == Stage::Challenge)
            && bench.row() != "closing, successor proved")
}

/// The states of a row, each with the events that lead to it.
fn row_states() -> Vec<(&'static str, Build)> {
    fn up(peer: &str, auto: DistAutoConnect) -> Bench {
        let mut bench = Bench::started(peer, auto);
        bench.connect();
        bench.reach();
        bench.own_handshake();
        bench
    }
    fn ours(peer: &str, auto: DistAutoConnect) -> Bench {
        let mut bench = Bench::started(peer, auto);
        bench.connect();
        bench
    }
    fn then(build: fn(&str, DistAutoConnect) -> Bench, more: fn(&mut Bench)) -> Build {
        Box::new(move |peer, auto| {
            let mut bench = build(peer, auto);
            more(&mut bench);
            bench
        })
    }
    fn disconnect(bench: &mut Bench) {
        bench.ask(|kernel, now, peer| kernel.disconnect_node(now, &peer));
    }
    alloc::vec![
        ("absent", then(Bench::started, |_| {})),
        ("barred", then(|peer, _| up(peer, DistAutoConnect::Once), link_ends)),
        ("ours, dialling", then(ours, |_| {})),
        ("ours, in handshake", then(ours, Bench::reach)),
        (
            "ours, after nok",
            then(ours, |bench| {
                bench.reach();
                bench.status("nok");
            })
        ),
        ("theirs, in handshake", then(Bench::started, Bench::accept)),
        (
            "theirs, asked",
            then(up, |bench| {
                bench.accept();
                link_ends(bench);
            })
        ),
        ("up", then(up, |_| {})),
        ("up, successor asked", then(up, Bench::accept)),
        (
            "up, successor in handshake",
            then(up, |bench| {
                bench.accept();
                bench.alive(true);
            })
        ),
        ("closing", then(up, disconnect)),
        (
            "closing, successor parked",
            then(up, |bench| {
                disconnect(bench);
                bench.accept();
            })
        ),
        (
            "closing, successor asked",
            then(up, |bench| {
                bench.accept();
                disconnect(bench);
            })
        ),
        (
            "closing, successor in handshake",
            then(up, |bench| {
                bench.accept();
                bench.alive(true);
                disconnect(bench);
            })
        ),
        (
            "closing, successor proved",
            then(up, |bench| {
                bench.accept();
                bench.alive(true);
                bench.digest(true);
            })
        ),
    ]
}

const LIFE_EVENTS: &[Event] = &[
    event("start", always, |bench| bench.start(StartOptions::new(name("m@h")))),
    event("start without a name", always, |bench| {
        bench.start(StartOptions::nameless("h".into()));
    }),
    event("stop", always, |bench| bench.ask(|kernel, now, _| kernel.stop(now))),
    event("halt", always, |bench| bench.ask(|kernel, now, _| kernel.halt(now))),
    event("connect_node of P", always, Bench::connect),
    event("hidden_connect_node of P", always, hidden_connect),
    event("auto_connect of P", always, auto_connect),
    event("connect_node of another node", always, |bench| {
        bench.ask(|kernel, now, _| kernel.connect_node(now, name("r@h")));
    }),
    event("auto_connect of another node", always, |bench| {
        bench.ask(|kernel, now, _| kernel.auto_connect(now, &name("r@h"), None));
    }),
    event("disconnect_node of P", always, |bench| {
        bench.ask(|kernel, now, peer| kernel.disconnect_node(now, &peer));
    }),
    event("node_info of P", always, node_info),
    event("set_net_ticktime", always, |bench| {
        let answer = bench.kernel.set_net_ticktime(bench.now, 20, 60).unwrap();
        bench.tell_word("set_net_ticktime", answer.map(|change| change.to_string()));
    }),
    event("get_net_ticktime", always, |bench| {
        let answer = bench.kernel.get_net_ticktime();
        bench.tell_word("get_net_ticktime", answer.map(|state| state.to_string()));
    }),
    event("getopts of P", always, getopts),
    event("setopts of P", always, setopts),
    event("setopts of new links", always, setopts_new),
    event("allow", always, |bench| {
        let answer = bench.kernel.allow(&["h"]).ok();
        bench.tell_word("allow", answer.map(|()| "ok".into()));
    }),
    event("somebody connects", always, |bench| {
        let stream = bench.kernel.stream_ids.mint();
        bench.tell(Input::Accepted { stream, entropy: Entropy::new([1; 16]), local: true });
    }),
    event(
        "the listener is open",
        |bench| bench.life() == "starting, listening",
        |bench| {
            bench.tell(Input::Listening { port: 9 });
        },
    ),
    event(
        "the listener cannot be opened",
        |bench| bench.life() == "starting, listening",
        |bench| {
            bench.tell(Input::ListenFailed { error: OpenError::AddressInUse });
        },
    ),
    event(
        "EPMD registers",
        |bench| bench.life() == "starting, registering",
        |bench| {
            bench.epmd_registers(0);
        },
    ),
    event(
        "EPMD has the name already",
        |bench| bench.life() == "starting, registering",
        |bench| {
            bench.epmd_registers(1);
        },
    ),
    event(
        "the listener is lost",
        |bench| bench.kernel.life.clone().registered().is_some(),
        |bench| {
            bench.tell(Input::ListenerLost);
        },
    ),
    event("P goes through with our attempt", is_shaking, Bench::own_handshake),
    event("P answers `not_allowed`", is_shaking, |bench| bench.status("not_allowed")),
    event("the stream of P's link ends", has_link, link_ends),
];

/// The states of a node's life; where there can be a link with P there is one.
fn life_states() -> Vec<(&'static str, Build)> {
    fn begin(more: fn(&mut Bench)) -> Build {
        Box::new(move |peer, auto| {
            let mut bench = Bench::new(peer, auto);
            more(&mut bench);
            bench
        })
    }
    fn starting(bench: &mut Bench) {
        bench.start(StartOptions::new(name("m@h")));
    }
    fn registering(bench: &mut Bench) {
        starting(bench);
        bench.tell(Input::Listening { port: 9 });
    }
    fn linked(bench: &mut Bench) {
        bench.connect();
        bench.reach();
        bench.own_handshake();
    }
    fn nameless(bench: &mut Bench) {
        bench.start(StartOptions::nameless("h".into()));
    }
    alloc::vec![
        ("not alive", begin(|_| {})),
        ("starting, listening", begin(starting)),
        ("starting, registering", begin(registering)),
        (
            "alive",
            begin(|bench| {
                registering(bench);
                bench.epmd_registers(0);
                linked(bench);
            })
        ),
        ("nameless", begin(nameless)),
        (
            "nameless, attempting",
            begin(|bench| {
                nameless(bench);
                bench.connect();
                bench.reach();
            })
        ),
        (
            "alive, name given",
            begin(|bench| {
                nameless(bench);
                linked(bench);
            })
        ),
        // P gave the name; the link with it is gone, that with another node is just ending. P then stands for the other.
        (
            "restarting",
            begin(|bench| {
                nameless(bench);
                linked(bench);
                let namer = bench.link.expect("there is one");
                bench.peer = name("q@h");
                linked(bench);
                bench.tell(Input::Closed { stream: namer, cause: CloseCause::Eof });
            })
        ),
        (
            "stopping",
            begin(|bench| {
                registering(bench);
                bench.epmd_registers(0);
                linked(bench);
                bench.ask(|kernel, now, _| kernel.stop(now));
            })
        ),
    ]
}

/// The diagram and the tables of one machine: what each event does in each state.
fn machine(
    states: &[(&'static str, Build)],
    events: &[Event],
    state_of: fn(&Bench) -> &'static str,
) -> String {
    let mut diagram = Diagram::new(states.iter().map(|(state, _)| *state));
    let mut out = String::new();
    for (state, build) in states {
        writeln!(out, "\n### {state}\n\n| Event | Next | In this order |\n|---|---|---|").unwrap();
        for event in events {
            let mut cells = [SMALLER, GREATER].into_iter().filter_map(|peer| {
                let bench = build(peer, DistAutoConnect::Always);
                assert_eq!(state_of(&bench), *state, "the way to the state leads there");
                happens(bench, event, state_of)
            });
            let Some((next, said)) = cells.next() else { continue };
            let same = cells.all(|other| other == (next, said.clone()));
            assert!(same, "{state}: {}: the names matter", event.name);
            diagram.add(state, event.name, next);
            let next = if next == *state { "" } else { next };
            writeln!(out, "| {} | {next} | {} |", event.name, said.join(", ")).unwrap();
        }
    }
    diagram.mermaid() + &out
}

/// The next state, and what was said; `None` if that cannot happen.
fn happens(
    mut bench: Bench,
    event: &Event,
    state_of: fn(&Bench) -> &'static str,
) -> Option<(&'static str, Vec<String>)> {
    bench.said.clear();
    (event.can)(&bench).then(|| {
        (event.happens)(&mut bench);
        (state_of(&bench), bench.said)
    })
}

/// The states in which a caller waits for what becomes of a link, with one that does.
fn waiting_states() -> Vec<(&'static str, Build)> {
    let mut states = row_states();
    states.retain(|(state, _)| state.starts_with("closing") || state.starts_with("up, "));
    let wait = |build: Build| -> Build {
        Box::new(move |peer, auto| {
            let mut bench = build(peer, auto);
            bench.connect();
            bench
        })
    };
    states.into_iter().map(|(state, build)| (state, wait(build))).collect()
}

//= docs/spec/kernel.md#kernel-barred
//= type=test
//= docs/spec/kernel.md#kernel-auto-wait
//= type=test
#[test]
fn every_end_of_a_link_bars_the_node_if_that_was_configured_and_nothing_else_differs() {
    let mut barred = 0;
    let rows = row_states().into_iter().map(|row| (row, false));
    for ((state, build), waited_for) in
        rows.chain(waiting_states().into_iter().map(|row| (row, true)))
    {
        for (event, peer) in
            ROW_EVENTS.iter().flat_map(|event| [(event, SMALLER), (event, GREATER)])
        {
            let [always, once] = [DistAutoConnect::Always, DistAutoConnect::Once]
                .map(|auto| happens(build(peer, auto), event, Bench::row));
            let Some((mut next, mut said)) = always else {
                assert_eq!(once, None, "{state}: {}", event.name);
                continue;
            };
            // No event alone ends a link and stops the node.
            if next == "absent" && said.iter().any(|said| said == "link gone") {
                next = "barred";
                barred += 1;
            }
            if (state, event.name, waited_for) == ("closing", "connect_automatically", false) {
                said = ["connect: false (Barred)".into()].into();
            }
            assert_eq!(once, Some((next, said)), "{state}: {}", event.name);
        }
    }
    assert!(barred >= 4, "{barred}");
}

//= docs/spec/kernel.md#kernel-stopping
//= type=test
//= docs/spec/kernel.md#kernel-waiters
//= type=test
#[test]
fn every_state_and_event_are_written_down() {
    compare_with_docs("life", &machine(&life_states(), LIFE_EVENTS, Bench::life));
    compare_with_docs("row", &machine(&row_states(), ROW_EVENTS, Bench::row));
    compare_with_docs("waiting", &machine(&waiting_states(), ROW_EVENTS, Bench::row));
}

/// An attempt that stands behind a link may not outlive it, whoever ended it; who waits behind it is answered all the same.
#[test]
fn who_waits_behind_an_attempt_that_has_ended_is_given_one_of_ours() {
    for stream in [None, Some(Role::Ending)] {
        let mut bench = Bench::started(SMALLER, DistAutoConnect::Always);
        let (gone, request) = (bench.kernel.stream_ids.mint(), bench.kernel.request_ids.mint());
        bench.kernel.streams.extend(stream.map(|role| (gone, role)));
        let callers = table::Callers::of(NodeType::Visible, request);
        bench.call(|kernel, _, peer| kernel.succeed(&peer, gone, callers));
        assert_eq!(bench.row(), "ours, dialling");
        bench.reach();
        bench.own_handshake();
        assert!(bench.said.iter().any(|said| said == "connect: true"));
    }
}
