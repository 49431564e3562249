//! The reading half of a stream.

use core::cell::RefCell;
use core::time::Duration;
use std::io::{self, ErrorKind as Kind, Read as _};
use std::sync::Arc;

use async_io::Timer;
use bytes::Bytes;
use futures_lite::future;
use netkernel_blocking::shared::{Applied, Message, Queue, Stream, Surroundings, Wish, abort};
use netkernel_core::link::{LinkReader, Violation};
use netkernel_core::net_kernel::{CloseCause, Input, Promotion};

use crate::stream::Socket;

/// Bytes that one read of a link takes at most.
const READ_MAX: usize = 64 * 1024;
/// Bytes that one read takes at most while a stream is being set up: strangers cost little.
const SETUP_READ_MAX: usize = 2 * 1024;

thread_local! {
    /// What a read brings is used up before anybody waits, so one buffer a thread is enough, and an idle link has none.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_MAX]);
}

/// Serves the owner's wishes, and then the link, until the end. Returns why it has ended.
pub(crate) async fn read_loop(
    stream: &Stream,
    socket: &Socket,
    surroundings: &Surroundings,
) -> CloseCause {
    loop {
        match stream.next_wish().await {
            Wish::Read => {
                let bytes = match read(stream, socket, SETUP_READ_MAX, Bytes::copy_from_slice).await
                {
                    Ok(bytes) => bytes,
                    Err(cause) => return cause,
                };
                let input = Input::Received { stream: stream.id(), bytes };
                if !surroundings.inbox.send(Message::Input(input)).await {
                    return CloseCause::Local;
                }
            }
            Wish::Promote(promotion) => {
                return pump_loop(stream, socket, *promotion, surroundings).await;
            }
            Wish::End => return CloseCause::Local,
        }
    }
}

/// Reads freely: decodes without a lock, and applies under the table's.
async fn pump_loop(
    stream: &Stream,
    socket: &Socket,
    promotion: Promotion,
    surroundings: &Surroundings,
) -> CloseCause {
    let mut reader = LinkReader::new(&promotion, surroundings.limits);
    drop(promotion);
    let mut pump = |bytes: &[u8]| {
        let batch = reader.decode(bytes);
        // What was not yet handled when our side closed the link is dropped.
        if stream.has_ended() {
            return Err(CloseCause::Local);
        }
        Ok(surroundings.table.apply(batch, stream))
    };
    // What came behind the handshake is in the reader already, and may be whole frames.
    let mut pumped = pump(&[]);
    loop {
        let Applied { requests, full, result } = match pumped {
            Ok(applied) => applied,
            Err(cause) => return cause,
        };
        for request in requests {
            if !surroundings.inbox.send(Message::Request(stream.id(), request)).await {
                return CloseCause::Local;
            }
        }
        if let Err(violation) = result {
            abort(socket.get_ref());
            return CloseCause::Violation(violation);
        }
        if !wait_for_mailboxes(stream, &full, surroundings.pause_limit).await {
            abort(socket.get_ref());
            return CloseCause::Violation(Violation::MailboxFull);
        }
        stream.wait_to_read().await;
        pumped = match read(stream, socket, READ_MAX, &mut pump).await {
            Ok(pumped) => pumped,
            Err(cause) => return cause,
        };
        // A link that always has something to read must not take the executor for itself.
        future::yield_now().await;
    }
}

/// Waits until these mailboxes have room, or the stream has ended; `false` if they have none for so long.
async fn wait_for_mailboxes(stream: &Stream, full: &[Arc<Queue>], limit: Option<Duration>) -> bool {
    if full.is_empty() {
        return true;
    }
    let room = async {
        stream.wait_for_mailboxes(full).await;
        true
    };
    let late = async {
        match limit {
            Some(limit) => drop(Timer::after(limit).await),
            None => future::pending().await,
        }
        false
    };
    future::or(room, late).await
}

/// Reads once, at least one byte and at most `max`, and uses what came.
async fn read<R>(
    stream: &Stream,
    socket: &Socket,
    max: usize,
    mut used: impl FnMut(&[u8]) -> R,
) -> Result<R, CloseCause> {
    loop {
        let result = BUFFER.with_borrow_mut(|buffer| {
            let buffer = buffer.get_mut(..max).unwrap_or_default();
            let n = (&**socket.get_ref()).read(buffer)?;
            stream.count_received(n);
            io::Result::Ok((n > 0).then(|| used(buffer.get(..n).unwrap_or_default())))
        });
        match result {
            Ok(Some(result)) => return Ok(result),
            Err(error) if error.kind() == Kind::Interrupted => {}
            // An error of the wait shows at the next read.
            Err(error) if error.kind() == Kind::WouldBlock => drop(socket.readable().await),
            Ok(None) | Err(_) if stream.has_ended() => return Err(CloseCause::Local),
            Ok(None) => return Err(CloseCause::Eof),
            Err(_) => return Err(CloseCause::Reset),
        }
    }
}
