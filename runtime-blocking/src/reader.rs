//! The reading half of a stream.

use std::io::{self, Read as _};

use bytes::Bytes;
use netkernel_core::link::{LinkReader, Violation};
use netkernel_core::net_kernel::{CloseCause, Input, Promotion};
use socket2::Socket;

use crate::shared::{Applied, Message, Stream, Surroundings, Wish, abort};

/// Bytes that one read of a link takes at most.
const READ_MAX: usize = 64 * 1024;
/// Bytes that one read takes at most while a stream is being set up: strangers cost little.
const SETUP_READ_MAX: usize = 2 * 1024;

/// Serves the owner's wishes, and then the link, until the end. Returns why it has ended.
pub(crate) fn read_loop(
    stream: &Stream,
    socket: &Socket,
    surroundings: &Surroundings,
) -> CloseCause {
    let mut buffer = [0; SETUP_READ_MAX];
    loop {
        match stream.next_wish_blocking() {
            Wish::Read => {
                let bytes = match read(stream, socket, &mut buffer) {
                    Ok(bytes) => Bytes::copy_from_slice(bytes),
                    Err(cause) => return cause,
                };
                let input = Input::Received { stream: stream.id(), bytes };
                if !surroundings.inbox.send_blocking(Message::Input(input)) {
                    return CloseCause::Local;
                }
            }
            Wish::Promote(promotion) => {
                return pump_loop(stream, socket, &promotion, surroundings);
            }
            Wish::End => return CloseCause::Local,
        }
    }
}

/// Reads freely: decodes without a lock, and applies under the table's.
fn pump_loop(
    stream: &Stream,
    socket: &Socket,
    promotion: &Promotion,
    surroundings: &Surroundings,
) -> CloseCause {
    let mut buffer = vec![0; READ_MAX];
    let mut reader = LinkReader::new(promotion, surroundings.limits);
    // What came behind the handshake is in the reader already, and may be whole frames.
    let mut bytes: &[u8] = &[];
    loop {
        let batch = reader.decode(bytes);
        // What was not yet handled when our side closed the link is dropped.
        if stream.has_ended() {
            return CloseCause::Local;
        }
        let Applied { requests, full, result } = surroundings.table.apply(batch, stream);
        for request in requests {
            if !surroundings.inbox.send_blocking(Message::Request(stream.id(), request)) {
                return CloseCause::Local;
            }
        }
        if let Err(violation) = result {
            abort(socket);
            return CloseCause::Violation(violation);
        }
        if !stream.wait_for_mailboxes_blocking(&full, surroundings.pause_limit) {
            abort(socket);
            return CloseCause::Violation(Violation::MailboxFull);
        }
        stream.wait_to_read_blocking();
        bytes = match read(stream, socket, &mut buffer) {
            Ok(bytes) => bytes,
            Err(cause) => return cause,
        };
    }
}

/// Reads once, at least one byte.
fn read<'a>(
    stream: &Stream,
    mut socket: &Socket,
    buffer: &'a mut [u8],
) -> Result<&'a [u8], CloseCause> {
    let n = loop {
        match socket.read(buffer) {
            Ok(0) => {
                return Err(if stream.has_ended() { CloseCause::Local } else { CloseCause::Eof });
            }
            Ok(n) => break n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if stream.has_ended() => return Err(CloseCause::Local),
            Err(_) => return Err(CloseCause::Reset),
        }
    };
    stream.count_received(n);
    Ok(buffer.get(..n).unwrap_or_default())
}
