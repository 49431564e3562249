//! What is played.

use netkernel_blocking::NodeKinds;
use netkernel_blocking::core::Creation;
use netkernel_blocking::core::NodeType::{Hidden, Visible};
use netkernel_blocking::core::net_kernel::NodeDownReason::{
    ConnectionClosed, Disconnect, NetTickTimeout,
};
use netkernel_blocking::core::net_kernel::{TicktimeChange, TicktimeState};

use super::expected::down;
use super::failure::Failure;
use super::member::{Kind, MemberId, short};
use super::rules;
use super::stage::Stage;

/// `net_ticktime` of the first acts, in seconds.
const TICKTIME: u32 = 8;
/// To what it is changed.
const NEW_TICKTIME: u32 = 4;
/// Over what period.
const TRANSITION: u32 = 2;

/// Who stays to the end.
struct Cast {
    smol: MemberId,
    blocking: MemberId,
    hidden: MemberId,
}

/// All acts in their order.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failure> {
    welcome(stage)?;
    let (smol, blocking) = two_runtimes(stage)?;
    link(stage, smol, blocking)?;
    let cast = Cast { smol, blocking, hidden: hidden(stage, smol, blocking)? };
    ticktime(stage, &cast)?;
    let (sleeper, creation) = silence(stage, &cast)?;
    disconnect(stage, &cast)?;
    kill(stage, &cast, sleeper, creation)
}

fn welcome(stage: &mut Stage) -> Result<(), Failure> {
    stage.text(
        "netkernel demo: a cluster of Erlang distribution nodes in one process, without Erlang.",
    )?;
    stage.text(
        "The sockets are real, on 127.0.0.1. Each line tells: seconds, node, what it did or was told, and in \
         brackets the rule that says so, an id in docs/spec. Where a rule appears first, its sentence follows.",
    )
}

fn two_runtimes(stage: &mut Stage) -> Result<(MemberId, MemberId), Failure> {
    stage.act(
        "Two nodes",
        "One runs on async tasks (netkernel-smol), one on threads (netkernel-blocking). smol brings EPMD along, on a free \
         port, so that no daemon has to run.",
    )?;
    let smol = stage.start_first("smol", TICKTIME)?;
    let epmd = format!("is served by smol at port {}", stage.epmd_port());
    stage.tell("epmd", &epmd, rules::SERVICE)?;
    let (blocking, _) = stage.start("blocking", Kind::Blocking, TICKTIME)?;
    names(stage, smol)?;
    Ok((smol, blocking))
}

fn link(stage: &mut Stage, smol: MemberId, blocking: MemberId) -> Result<(), Failure> {
    stage.act("A link", "smol asks the EPMD for blocking's port, dials it, and both prove that they know the cookie.")?;
    stage.connect(smol, blocking, Visible, rules::TOLD_FIRST)?;
    stage.ping(smol, "blocking")?;
    stage.ping(blocking, "smol")
}

fn hidden(stage: &mut Stage, smol: MemberId, blocking: MemberId) -> Result<MemberId, Failure> {
    stage.act(
        "A hidden node joins",
        "Its links are hidden on both sides. nodes() does not show them, nodes(hidden) does.",
    )?;
    let (hidden, _) = stage.start("hidden", Kind::Hidden, TICKTIME)?;
    stage.connect(hidden, smol, Hidden, rules::VISIBLE)?;
    stage.connect(hidden, blocking, Hidden, rules::VISIBLE)?;
    for (kinds, kind) in [(NodeKinds::VISIBLE, "visible"), (NodeKinds::HIDDEN, "hidden")] {
        let nodes = stage.node(smol)?.nodes(kinds);
        let nodes: Vec<_> = nodes.iter().map(|info| short(&info.node)).collect();
        stage.tell("smol", &format!("nodes({kind}) -> [{}]", nodes.join(",")), rules::NODES)?;
    }
    Ok(hidden)
}

fn ticktime(stage: &mut Stage, cast: &Cast) -> Result<(), Failure> {
    stage.act(
        "Another net_ticktime, while the links are up",
        &format!(
            "From {TICKTIME} to {NEW_TICKTIME} seconds, over {TRANSITION} seconds. Meanwhile everybody ticks at the pace that is \
             faster (the interval is called MTTI) and expects the one that is slower, so nobody is taken for dead."
        ),
    )?;
    let all = [(cast.smol, "smol"), (cast.blocking, "blocking"), (cast.hidden, "hidden")];
    for (id, name) in all {
        let change = stage.node(id)?.set_net_ticktime(NEW_TICKTIME, TRANSITION);
        let Ok(Some(TicktimeChange::ChangeInitiated)) = change else {
            return Err(Failure::new(format!("{name}: set_net_ticktime -> {change:?}")));
        };
        let what = format!("set_net_ticktime({NEW_TICKTIME},{TRANSITION}) -> change_initiated");
        stage.tell(name, &what, rules::TRANSITION)?;
    }
    get_ticktime(stage, cast.smol, TicktimeState::OngoingChangeTo(NEW_TICKTIME), rules::ONGOING)?;
    for (id, name) in all {
        let node = stage.node(id)?;
        stage.until(&format!("the transition of {name} did not end"), || {
            node.get_net_ticktime() == Some(TicktimeState::Steady(NEW_TICKTIME))
        })?;
    }
    get_ticktime(stage, cast.smol, TicktimeState::Steady(NEW_TICKTIME), rules::SHORTER)?;
    for (id, name) in all {
        let links = stage.node(id)?.nodes(NodeKinds::CONNECTED).len();
        stage.tell(name, &format!("still has {links} links"), rules::NOBODY_DOWN)?;
    }
    Ok(())
}

fn get_ticktime(
    stage: &mut Stage,
    id: MemberId,
    wanted: TicktimeState,
    rule: rules::Rule,
) -> Result<(), Failure> {
    match stage.node(id)?.get_net_ticktime() {
        Some(state) if state == wanted => {
            stage.tell("smol", &format!("get_net_ticktime() -> {state}"), rule)
        }
        other => Err(Failure::new(format!("smol: get_net_ticktime() -> {other:?}"))),
    }
}

fn silence(stage: &mut Stage, cast: &Cast) -> Result<(MemberId, Creation), Failure> {
    stage.act(
        "A peer goes silent",
        "sleeper joins, and then its executor stands still, as a process that hangs: its sockets stay open, nothing \
         comes out of them. Only ticks that are missing can tell the others. One missing tick alone means nothing: it may \
         come right behind the look, and right after a transition all nodes leave one out.",
    )?;
    let (sleeper, creation) = stage.start("sleeper", Kind::Puppet, NEW_TICKTIME)?;
    stage.connect(sleeper, cast.smol, Visible, rules::TOLD_FIRST)?;
    stage.connect(sleeper, cast.blocking, Visible, rules::TOLD_FIRST)?;
    for own in [cast.smol, cast.blocking] {
        stage.ping(own, "sleeper")?;
    }
    stage.freeze(sleeper)?;
    stage.tell("sleeper", "is frozen from now on", rules::SILENT)?;
    stage.expect(&[
        down(cast.smol, "sleeper", NetTickTimeout, rules::SILENT),
        down(cast.blocking, "sleeper", NetTickTimeout, rules::SILENT),
    ])?;
    stage.tell("sleeper", "runs again, and finds out what happened", rules::LATE)?;
    stage.thaw(sleeper)?;
    stage.expect(&[
        down(sleeper, "smol", ConnectionClosed, rules::CLOSED),
        down(sleeper, "blocking", ConnectionClosed, rules::CLOSED),
    ])?;
    Ok((sleeper, creation))
}

fn disconnect(stage: &mut Stage, cast: &Cast) -> Result<(), Failure> {
    stage.act(
        "A link is cut on purpose",
        "The reason depends on the side: who cuts has another than who is cut off.",
    )?;
    stage.disconnect(cast.blocking, "hidden")?;
    stage.expect(&[
        down(cast.blocking, "hidden", Disconnect, rules::DISCONNECTED),
        down(cast.hidden, "blocking", ConnectionClosed, rules::CLOSED),
    ])
}

fn kill(stage: &mut Stage, cast: &Cast, sleeper: MemberId, old: Creation) -> Result<(), Failure> {
    stage.act(
        "A node is killed, and comes back",
        "sleeper connects again, and then everything that it has is dropped, its sockets too, without a goodbye. The next \
         node of that name has a new creation, so that nobody takes it for the old one.",
    )?;
    stage.connect(sleeper, cast.smol, Visible, rules::NEW_LINK)?;
    stage.connect(sleeper, cast.blocking, Visible, rules::NEW_LINK)?;
    stage.kill(sleeper)?;
    stage.tell("sleeper", &format!("is killed; its creation was {}", old.0), rules::CLOSED)?;
    stage.expect(&[
        down(cast.smol, "sleeper", ConnectionClosed, rules::CLOSED),
        down(cast.blocking, "sleeper", ConnectionClosed, rules::CLOSED),
    ])?;
    let node = stage.node(cast.smol)?;
    stage.until("EPMD still has the name sleeper", || {
        node.names("127.0.0.1").is_ok_and(|names| names.iter().all(|(name, _)| name != "sleeper"))
    })?;
    stage.tell("epmd", "has freed the name", rules::NAME_HELD)?;
    let (sleeper, new) = stage.start("sleeper", Kind::Puppet, NEW_TICKTIME)?;
    if new == old {
        return Err(Failure::new(format!(
            "the new sleeper has the creation of the old one, {}",
            old.0
        )));
    }
    stage.tell(
        "epmd",
        &format!("gave creation {}, which is not {}", new.0, old.0),
        rules::CREATION,
    )?;
    stage.connect(cast.smol, sleeper, Visible, rules::NEW_LINK)?;
    stage.ping(cast.smol, "sleeper")?;
    names(stage, cast.smol)
}

/// What the EPMD has.
fn names(stage: &mut Stage, id: MemberId) -> Result<(), Failure> {
    let names = stage.node(id)?.names("127.0.0.1");
    let names = names.map_err(|error| Failure::new(format!("smol: names() failed: {error}")))?;
    let names: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
    stage.tell("smol", &format!("names() -> {}", names.join(", ")), rules::NAMES)
}
