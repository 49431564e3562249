//! The initiator's timer, as the kernel around it starts it.

use netkernel_core::driver::Machine;
use netkernel_core::handshake::Stage;
use netkernel_core::net_kernel::{
    Answer, CloseCause, Config, ConnectError, Input, NetKernel, NetTicktime, Output, Purpose,
    SetupStage, StartOptions, TimerName,
};
use netkernel_core::{Instant, StreamId};

use crate::parties::{at, cookie, entropy, node, packet};

fn outputs(kernel: &mut NetKernel) -> Vec<Output> {
    core::iter::from_fn(|| kernel.poll()).collect()
}

/// The stream that is to be opened, and whether to an EPMD.
fn opened(outputs: &[Output]) -> (StreamId, bool) {
    let open = outputs.iter().find_map(|output| {
        let Output::Open { stream, target } = output else { return None };
        Some((*stream, target.purpose == Purpose::Epmd))
    });
    open.unwrap()
}

fn setup_deadline(kernel: &NetKernel, stream: StreamId) -> Instant {
    let (at, timer) = kernel.next_timer().unwrap();
    assert_eq!(timer, TimerName::Setup(stream));
    at
}

/// A node that looked `b@h` up from second 0 to 2, dialled it, and introduced itself at second 5.
fn introduced() -> (NetKernel, StreamId) {
    let config = Config::new(cookie("SECRET"), NetTicktime::new(60, 4).unwrap());
    let mut kernel = NetKernel::new(config);
    let options = StartOptions { listen: false, ..StartOptions::new(node("a@h")) };
    kernel.start(at(0), options, entropy(1));
    kernel.connect_node(at(0), node("b@h"));
    let (epmd, is_epmd) = opened(&outputs(&mut kernel));
    assert!(is_epmd);
    assert_eq!(setup_deadline(&kernel, epmd), at(7), "the look-up counts");

    kernel.handle(at(1), Input::Opened { stream: epmd, entropy: entropy(2) });
    assert_eq!(setup_deadline(&kernel, epmd), at(7));
    let port: &[u8] = b"w\0\x0f\xa1M\0\0\x06\0\x05\0\x01b\0\0";
    kernel.handle(at(2), Input::Received { stream: epmd, bytes: port.into() });
    kernel.handle(at(2), Input::Closed { stream: epmd, cause: CloseCause::Eof });
    let (peer, is_epmd) = opened(&outputs(&mut kernel));
    assert!(!is_epmd);
    assert_eq!(setup_deadline(&kernel, peer), at(9), "anew before it dials");

    kernel.handle(at(5), Input::Opened { stream: peer, entropy: entropy(3) });
    assert_eq!(setup_deadline(&kernel, peer), at(9), "the connection counts");
    assert!(outputs(&mut kernel).contains(&Output::Read { stream: peer }));
    (kernel, peer)
}

//= docs/spec/handshake.md#hs-initiator-timer
//= type=test
#[test]
fn look_up_has_a_time_of_its_own_and_connection_status_and_challenge_share_one() {
    let (mut kernel, peer) = introduced();
    kernel.handle(at(6), Input::Received { stream: peer, bytes: packet(b"sok").into() });
    assert_eq!(setup_deadline(&kernel, peer), at(9), "the status");
    kernel.handle(at(9), Input::Timeout);
    let timeout = ConnectError::SetupTimeout(SetupStage::Handshake(Stage::Challenge));
    assert_gives_up(&outputs(&mut kernel), peer, timeout);
}

//= docs/spec/handshake.md#hs-initiator-nok
//= type=test
#[test]
fn after_nok_the_connection_is_held_unread_until_the_timer_rings() {
    let (mut kernel, peer) = introduced();
    kernel.handle(at(6), Input::Received { stream: peer, bytes: packet(b"snok").into() });
    assert_eq!(outputs(&mut kernel), [], "neither read nor closed");
    assert_eq!(setup_deadline(&kernel, peer), at(9));
    kernel.handle(at(9), Input::Timeout);
    let timeout = ConnectError::SetupTimeout(SetupStage::Handshake(Stage::OtherAttempt));
    assert_gives_up(&outputs(&mut kernel), peer, timeout);
}

#[track_caller]
fn assert_gives_up(outputs: &[Output], stream: StreamId, error: ConnectError) {
    assert!(outputs.contains(&Output::Close { stream, abort: true }));
    let answer = Answer::Connected(Err(error));
    assert!(
        outputs.iter().any(|out| matches!(out, Output::Answer { answer: a, .. } if *a == answer))
    );
}
