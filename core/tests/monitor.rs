//! `monitor_nodes` on kernels in memory: who is told what, when, and in which order with everything else.

mod world;

use netkernel_core::driver::Machine as _;
use netkernel_core::net_kernel::subscriptions::NodeTypes;
use netkernel_core::net_kernel::{
    Answer, Config, Input, MonitorOptions, NetKernel, NodeKinds, Output, StartOptions,
};
use netkernel_core::process::Processes;
use netkernel_core::{Entropy, Instant, MailboxId};
use world::{World, cookie, name, ticktime};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";
const CONNECTED: Option<Answer> = Some(Answer::Connected(Ok(())));
const LIST: MonitorOptions = MonitorOptions::LIST;
/// The number 1 as a term.
const ONE: &[u8] = &[131, 97, 1];
const MAP: MonitorOptions = MonitorOptions::MAP;

fn config() -> Config {
    Config::new(cookie("C"), ticktime(60))
}

/// Two visible nodes without a link, and a mailbox of the first with these subscriptions.
fn strangers(subscriptions: &[MonitorOptions]) -> (World, usize, usize, MailboxId) {
    let mut world = World::default();
    let (a, b) = (world.start(A), world.start(B));
    let mailbox = world.mailbox(a, subscriptions);
    (world, a, b, mailbox)
}

fn position(log: &[String], line: &str) -> usize {
    log.iter().position(|other| other == line).unwrap_or_else(|| panic!("no {line:?} in {log:#?}"))
}

//= docs/spec/monitor.md#monitor-own-node
//= type=test
#[test]
fn the_own_node_comes_and_goes_as_a_visible_one_without_a_connection() {
    let mut world = World::default();
    let a = world.add(config());
    let all = LIST.node_types(NodeTypes::All).connection_id().nodedown_reason();
    let expected = [
        (LIST, "}", "}"),
        (MAP, ",#{}}", ",#{}}"),
        (LIST.nodedown_reason(), ",[]}", ",[{nodedown_reason,net_kernel_terminated}]}"),
        (
            all,
            ",[{connection_id,undefined},{node_type,visible}]}",
            ",[{connection_id,undefined},{nodedown_reason,net_kernel_terminated},{node_type,visible}]}",
        ),
        (
            MonitorOptions::ALL,
            ",#{connection_id => undefined,node_type => visible}}",
            ",#{connection_id => undefined,node_type => visible,nodedown_reason => net_kernel_terminated}}",
        ),
    ];
    let mailboxes = expected.map(|(options, ..)| world.mailbox(a, &[options]));
    let hidden = world.mailbox(a, &[LIST.node_types(NodeTypes::Hidden)]);
    world.start_again(a, StartOptions { hidden: true, ..StartOptions::new(name(A)) });
    world.stop(a);
    for (mailbox, (_, up, down)) in mailboxes.into_iter().zip(expected) {
        let told =
            [["{nodeup,'a@127.0.0.1'", up].concat(), ["{nodedown,'a@127.0.0.1'", down].concat()];
        assert_eq!(world.mail(a, mailbox), told);
    }
    assert!(world.mail(a, hidden).is_empty());
}

//= docs/spec/monitor.md#monitor-own-node
//= type=test
#[test]
fn the_own_node_comes_first_and_goes_last() {
    let mut world = World::default();
    let a = world.add(config());
    let mailbox = world.mailbox(a, &[LIST.nodedown_reason()]);
    world.start_again(a, StartOptions::new(name(A)));
    for node in [B, "c@127.0.0.1"] {
        world.start(node);
        assert_eq!(world.connect(a, node), CONNECTED);
    }
    world.nodes[a].host.log.retain(|line| !line.starts_with("nodeup"));
    assert_eq!(
        world.nodes[a].host.log[..3],
        [
            "alive 'a@127.0.0.1' 101".to_owned(),
            format!("{mailbox:?} got {{nodeup,'a@127.0.0.1',[]}}"),
            "answer Started(Ok('a@127.0.0.1'))".to_owned(),
        ]
    );
    world.stop(a);
    let down = |node| format!("{{nodedown,'{node}',[{{nodedown_reason,net_kernel_terminated}}]}}");
    assert_eq!(world.mail(a, mailbox)[3..], [down(B), down("c@127.0.0.1"), down(A)]);
    let log = &world.nodes[a].host.log;
    assert_eq!(
        log[log.len() - 3..],
        [
            "not alive".to_owned(),
            format!("{mailbox:?} got {}", down(A)),
            "answer Stopped(Ok(()))".to_owned()
        ]
    );
}

//= docs/spec/monitor.md#monitor-own-node
//= type=test
#[test]
fn a_lost_listener_is_told_as_no_network_and_a_failed_start_not_at_all() {
    let mut world = World::default();
    let a = world.add(config());
    let mailbox = world.mailbox(a, &[LIST.nodedown_reason()]);
    let options = || StartOptions::new(name(A));
    world.epmd_down = true;
    world.start_again(a, options());
    world.nodes[a].kernel.start(world.now, options(), Entropy::new([1; 16]));
    assert_eq!(world.stop(a), Some(Answer::Stopped(Ok(()))), "while it starts");
    assert!(world.mail(a, mailbox).is_empty());

    world.epmd_down = false;
    world.start_again(a, options());
    world.tell(a, Input::ListenerLost);
    world.settle();
    let down = "{nodedown,'a@127.0.0.1',[{nodedown_reason,no_network}]}";
    assert_eq!(world.mail(a, mailbox), ["{nodeup,'a@127.0.0.1',[]}", down]);
}

//= docs/spec/monitor.md#monitor-states
//= type=test
#[test]
fn subscriptions_come_before_the_start_and_outlive_the_stop() {
    let mut world = World::default();
    let a = world.add(config());
    let mailbox = world.mailbox(a, &[LIST]);
    world.start_again(a, StartOptions::new(name(A)));
    world.stop(a);
    world.start_again(a, StartOptions::new(name("other@127.0.0.1")));
    world.nodes[a].kernel.monitor_nodes(mailbox, false, LIST);
    world.stop(a);
    assert_eq!(
        world.mail(a, mailbox),
        ["{nodeup,'a@127.0.0.1'}", "{nodedown,'a@127.0.0.1'}", "{nodeup,'other@127.0.0.1'}"]
    );
}

//= docs/spec/monitor.md#monitor-count
//= type=test
//= docs/spec/monitor.md#monitor-key
//= type=test
//= docs/spec/monitor.md#monitor-order
//= type=test
#[test]
fn each_subscription_has_its_own_copies() {
    let (mut world, a, _, mailbox) = strangers(&[LIST, MAP, LIST]);
    let nobody = world.mailbox(a, &[]);
    world.connect(a, B);
    let (plain, map) = ("{nodeup,'b@127.0.0.1'}", "{nodeup,'b@127.0.0.1',#{}}");
    assert_eq!(world.mail(a, mailbox), [plain, plain, map]);
    world.nodes[a].kernel.monitor_nodes(mailbox, false, LIST);
    world.disconnect(a, B);
    assert_eq!(world.mail(a, mailbox)[3..], ["{nodedown,'b@127.0.0.1',#{}}"]);
    assert!(world.mail(a, nobody).is_empty());
}

//= docs/spec/monitor.md#monitor-types
//= type=test
#[test]
fn hidden_links_are_told_only_to_those_who_asked() {
    let (mut world, a, _, visible) = strangers(&[LIST.node_types(NodeTypes::Visible)]);
    let hidden = world.mailbox(a, &[LIST.node_types(NodeTypes::Hidden)]);
    let all = world.mailbox(a, &[LIST.node_types(NodeTypes::All)]);
    world.start_with("h@127.0.0.1", config(), true);
    world.connect(a, B);
    world.connect(a, "h@127.0.0.1");
    let b = "{nodeup,'b@127.0.0.1',[{node_type,visible}]}";
    let h = "{nodeup,'h@127.0.0.1',[{node_type,hidden}]}";
    assert_eq!(world.mail(a, visible), [b]);
    assert_eq!(world.mail(a, hidden), [h]);
    assert_eq!(world.mail(a, all), [b, h]);
}

//= docs/spec/monitor.md#monitor-connection-id
//= type=test
#[test]
fn the_connection_id_is_the_links_and_another_one_for_the_next_link() {
    let (mut world, a, _, mailbox) = strangers(&[LIST.connection_id()]);
    let mut expected = Vec::new();
    for _ in 0..2 {
        world.connect(a, B);
        let id = world.nodes[a]
            .kernel
            .nodes(NodeKinds::CONNECTED)
            .next()
            .unwrap()
            .connection_id()
            .unwrap();
        world.disconnect(a, B);
        for tag in ["nodeup", "nodedown"] {
            expected.push(format!("{{{tag},'b@127.0.0.1',[{{connection_id,{id}}}]}}"));
        }
    }
    assert_eq!(world.mail(a, mailbox), expected);
    assert_ne!(expected[0], expected[2]);
}

//= docs/spec/monitor.md#monitor-nodeup-first
//= type=test
#[test]
fn nodeup_comes_before_the_link_carries_anything_and_before_the_callers_answer() {
    for segment in [1, 7, usize::MAX] {
        for (from, to) in [(0, 1), (1, 0)] {
            let (mut world, ..) = strangers(&[]);
            world.segment = segment;
            let mailbox = world.mailbox(to, &[LIST]);
            let (now, peer) = (world.now, world.nodes[1].kernel.node());
            world.nodes[0].kernel.connect_node(now, peer);
            // The sender does not wait for anything once its side is up.
            while world.nodes_of(from).is_empty() {
                world.step(0);
                world.step(1);
            }
            world.step(from);
            world.send(from, to, mailbox, ONE);
            world.settle();
            let up = format!("{{nodeup,'{}'}}", [A, B][from]);
            assert_eq!(world.mail(to, mailbox), [up.clone(), "3 bytes".into()]);
            let log = &world.nodes[to].host.log;
            let up = position(log, &format!("{mailbox:?} got {up}"));
            let promote = position(log, &format!("promote '{}'", [A, B][from]));
            assert!(up < promote);
            if to == 0 {
                assert!(promote < position(log, "answer Connected(Ok(()))"));
            }
        }
    }
}

//= docs/spec/monitor.md#monitor-nodedown-last
//= type=test
#[test]
fn nodedown_comes_after_every_message_and_after_the_process_layer_heard_of_it() {
    for segment in [1, usize::MAX] {
        let (mut world, a, b, mailbox) = strangers(&[LIST]);
        world.connect(a, B);
        world.segment = segment;
        for _ in 0..20 {
            world.send(b, a, mailbox, ONE);
        }
        world.disconnect(b, A);
        let mail = world.mail(a, mailbox);
        assert_eq!(mail.len(), 22);
        assert!(mail[1..21].iter().all(|item| item == "3 bytes"));
        assert_eq!(mail[21], "{nodedown,'b@127.0.0.1'}");
        let log = &world.nodes[a].host.log;
        let disconnected = position(log, "disconnected 'b@127.0.0.1' link");
        let down = position(log, &format!("{mailbox:?} got {{nodedown,'b@127.0.0.1'}}"));
        assert!(disconnected < down);
    }
}

//= docs/spec/monitor.md#monitor-nodes-agree
//= type=test
#[test]
fn nodes_has_the_node_at_nodeup_and_no_more_at_nodedown() {
    let (mut world, a, b, _) = strangers(&[]);
    world.connect(a, B);
    world.disconnect(b, A);
    world.connect(b, A);
    world.stop(b);
    for (node, other, events) in [(a, B, 4), (b, A, 4)] {
        let of_other = world.nodes[node].seen.iter().filter(|(event, _)| event.contains(other));
        let mut count = 0;
        for (event, nodes) in of_other {
            count += 1;
            assert_eq!(nodes.is_empty(), event.starts_with("{nodedown,"), "{event}: {nodes:?}");
        }
        assert_eq!(count, events);
    }
}

//= docs/spec/monitor.md#monitor-no-overlap
//= type=test
#[test]
fn the_old_connection_is_down_before_the_new_one_is_up() {
    let reason = LIST.nodedown_reason();
    let up = "{nodeup,'b@127.0.0.1',[]}".to_owned();
    let down = |reason: &str| format!("{{nodedown,'b@127.0.0.1',[{{nodedown_reason,{reason}}}]}}");

    // Our own caller wants it back at once.
    let (mut world, a, _, mailbox) = strangers(&[reason]);
    world.connect(a, B);
    let now = world.now;
    world.nodes[a].kernel.disconnect_node(now, &name(B));
    world.nodes[a].kernel.connect_node(now, name(B));
    world.settle();
    assert_eq!(world.mail(a, mailbox), [up.clone(), down("disconnect"), up.clone()]);

    // The peer died unheard, and connects anew.
    let (mut world, a, b, mailbox) = strangers(&[reason]);
    world.connect(a, B);
    world.nodes[b].frozen = true;
    world.epmd.remove("b");
    let b = world.start(B);
    assert_eq!(world.connect(b, A), CONNECTED);
    assert_eq!(world.mail(a, mailbox), [up.clone(), down("wait_pending"), up]);
}

/// A kernel that has become alive, with nothing of its outputs polled, and as many mailboxes.
fn unpolled<const N: usize>(subscriptions: [&[MonitorOptions]; N]) -> (NetKernel, [MailboxId; N]) {
    let mut processes = Processes::new();
    let mut kernel = NetKernel::new(config());
    let mailboxes = subscriptions.map(|subscriptions| {
        let mailbox = processes.spawn_mailbox();
        for options in subscriptions {
            kernel.monitor_nodes(mailbox, true, *options);
        }
        mailbox
    });
    let options = StartOptions { listen: false, ..StartOptions::new(name(A)) };
    kernel.start(Instant::ORIGIN, options, Entropy::new([1; 16]));
    (kernel, mailboxes)
}

fn events(kernel: &mut NetKernel) -> Vec<(MailboxId, MonitorOptions)> {
    let outputs = core::iter::from_fn(|| kernel.poll());
    let event = |output| {
        let Output::Event { to, options, .. } = output else { return None };
        Some((to, options))
    };
    outputs.filter_map(event).collect()
}

//= docs/spec/monitor.md#monitor-false-drops
//= type=test
#[test]
fn no_event_comes_out_after_its_subscription_ended() {
    let (mut kernel, [one, other]) = unpolled([&[LIST, MAP, LIST], &[LIST]]);
    kernel.monitor_nodes(one, false, LIST);
    assert_eq!(events(&mut kernel), [(one, MAP), (other, LIST)]);
}

//= docs/spec/monitor.md#monitor-death
//= type=test
#[test]
fn a_mailbox_that_died_gets_nothing_more() {
    let (mut kernel, [one, other]) = unpolled([&[LIST, MAP], &[MAP]]);
    kernel.mailbox_died(one);
    assert_eq!(events(&mut kernel), [(other, MAP)]);
    kernel.stop(Instant::ORIGIN);
    assert_eq!(events(&mut kernel), [(other, MAP)], "later ones neither");
}

//= docs/spec/monitor.md#monitor-order
//= type=test
#[test]
fn ten_thousand_subscribers_are_told_in_order() {
    const SUBSCRIBERS: usize = 10_000;
    let (mut world, a, ..) = strangers(&[]);
    let mailboxes: Vec<_> = (0..SUBSCRIBERS).map(|_| world.mailbox(a, &[LIST])).collect();
    world.nodes[a].host.log.clear();
    world.connect(a, B);
    let log = world.nodes[a].host.log.iter();
    let told: Vec<_> = log.filter(|line| line.ends_with(" got {nodeup,'b@127.0.0.1'}")).collect();
    assert_eq!(told.len(), SUBSCRIBERS);
    for (mailbox, line) in mailboxes.iter().zip(told) {
        assert!(line.starts_with(&format!("{mailbox:?} ")));
    }
    assert_eq!(world.nodes[a].host.log.last().unwrap(), "answer Connected(Ok(()))");
}
