//! Two nodes connect at the same time: with and without the loss of a stream, and with hosts that are slow or not.

use std::collections::BTreeSet;

use netkernel_core::net_kernel::{Answer, ConnectError};

use crate::kernels::{Op, State, explore};
use crate::two_nodes::{A, B, strangers};
use crate::world::Slow;

/// The call, and whether there is a link in the end.
fn told(end: &State, id: usize, to: &'static str) -> String {
    let Answer::Connected(result) = end.answer(id, Op::Connect(to)) else { panic!("no answer") };
    let word = match result {
        Ok(()) => "connected",
        Err(ConnectError::PeerClosed(_)) => "closed",
        Err(ConnectError::SetupTimeout(_)) => "timed out",
        Err(other) => panic!("{other}"),
    };
    let linked = end.world.nodes_of(id) == [to];
    format!("{word}{}", if linked { "" } else { ", not linked" })
}

fn simultaneous(slow: Slow, losses: u8) -> BTreeSet<String> {
    let (world, a, b) = strangers();
    let begin = State::new(world, &[(a, Op::Connect(B)), (b, Op::Connect(A))]);
    let what = format!("simultaneous connect, slow: {slow:?}, losses: {losses}");
    let explored = explore(&what, begin.slow(slow).losses(losses), move |end| {
        for id in [a, b] {
            let lost = end.count(id, "nodeup") - end.count(id, "nodedown");
            assert_eq!(lost, end.world.nodes_of(id).len());
        }
        // Nobody is left with half a link.
        assert_eq!(end.world.nodes_of(a).len(), end.world.nodes_of(b).len());
        [told(end, a, B), told(end, b, A)].join("; ")
    });
    explored.outcomes.into_keys().collect()
}

//= docs/spec/handshake.md#hs-admission
//= type=test
//= docs/spec/kernel.md#kernel-one-link
//= type=test
#[test]
fn without_a_loss_both_are_connected_however_slow_their_hosts() {
    for slow in [Slow::Nothing, Slow::Peers, Slow::All] {
        assert_eq!(simultaneous(slow, 0), ["connected; connected".to_owned()].into());
    }
}

/// Who is answered `nok` waits for the attempt of the other, which may be lost: then it times out, as with Erlang.
const WITH_A_LOSS: [&str; 7] = [
    "closed, not linked; closed, not linked",
    "closed; connected",
    "connected, not linked; closed, not linked",
    "connected, not linked; connected, not linked",
    "connected; closed",
    "connected; connected",
    "timed out, not linked; closed, not linked",
];

/// What one has heard of before the loss, the other may hear of afterwards.
const SLOWLY: [&str; 2] =
    ["closed, not linked; connected, not linked", "timed out, not linked; connected, not linked"];

//= docs/spec/kernel.md#kernel-waiters
//= type=test
//= docs/spec/nodedown.md#nodedown-connection-closed
//= type=test
#[test]
fn with_a_stream_lost_at_any_moment_both_are_answered_and_agree() {
    let all = |ends: &[&str]| ends.iter().map(|end| (*end).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(simultaneous(Slow::Nothing, 1), all(&WITH_A_LOSS));
    let slowly = [&WITH_A_LOSS[..], &SLOWLY].concat();
    assert_eq!(simultaneous(Slow::Peers, 1), all(&slowly));
    assert_eq!(simultaneous(Slow::All, 1), all(&slowly));
}
