//! The writing half of a stream.

use std::net::Shutdown;

use async_io::Timer;
use futures_lite::future;
use netkernel_blocking::shared::{Outgoing, Written};

use crate::stream::Socket;

/// Writes what is queued, until the end that [`Outgoing`] tells, or until the socket takes no more.
pub(crate) async fn write_loop(outgoing: &Outgoing, socket: &Socket) {
    loop {
        outgoing.wait_for_work().await;
        match outgoing.write(socket.get_ref()) {
            Written::Some => future::yield_now().await,
            Written::Blocked => future::or(writable(socket), overdue(outgoing)).await,
            Written::End => break,
        }
    }
    outgoing.abort();
    // The reader ends after what has arrived already.
    let _ = socket.get_ref().shutdown(Shutdown::Both);
}

async fn writable(socket: &Socket) {
    // An error shows at the next write.
    let _ = socket.writable().await;
}

/// Until the stream was to be closed by now.
async fn overdue(outgoing: &Outgoing) {
    let end = outgoing.wait_for_end().await;
    Timer::at(end).await;
}
