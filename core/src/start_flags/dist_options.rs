//! `inet_dist_listen_options` and `inet_dist_connect_options`: which of the options of Erlang's sockets have a meaning here.

use alloc::vec::Vec;

use super::parameters::saturated;
use crate::net_kernel::SocketOption;
use crate::term::Term;

/// What a list of options comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DistOptions {
    pub(super) options: Vec<SocketOption>,
    /// How many may wait to be accepted.
    pub(super) backlog: Option<u32>,
}

impl DistOptions {
    //= docs/spec/flags.md#flags-dist-options
    //= docs/spec/flags.md#flags-dist-options-idle
    /// `None` if one of them has no meaning here.
    pub(super) fn read(list: &[Term]) -> Option<Self> {
        let (mut socket, mut backlog) = (Vec::new(), None);
        for option in list {
            let [name, value] = option.as_tuple()? else { return None };
            match name.as_atom()?.as_str() {
                "backlog" => backlog = Some(length(value)?),
                name if is_idle(name, value)? => {}
                _ => socket.push(option.clone()),
            }
        }
        Some(Self { options: SocketOption::check(&socket).ok()?, backlog })
    }
}

/// Of several the last counts; one below zero is as many as the operating system lets wait.
fn length(value: &Term) -> Option<u32> {
    let length = saturated(value)?;
    Some(if length < 0 { u32::MAX } else { u32::try_from(length).unwrap_or(u32::MAX) })
}

/// Whether an Erlang node takes this option, and nobody sees a difference: it overrides the option, or tunes its own driver by it.
/// `None` for one that it does not take.
fn is_idle(name: &str, value: &Term) -> Option<bool> {
    let word = value.as_atom().map(|word| word.as_str());
    let taken = match name {
        "active" | "packet" => true,
        "debug" | "delay_send" | "exit_on_close" | "reuseaddr" | "send_timeout_close"
        | "show_econnreset" => matches!(word, Some("true" | "false")),
        "buffer"
        | "high_msgq_watermark"
        | "high_watermark"
        | "low_msgq_watermark"
        | "low_watermark" => value.as_i64().is_some_and(|bytes| bytes > 0),
        "send_timeout" => word == Some("infinity") || value.as_i64().is_some_and(|ms| ms >= 0),
        _ => return Some(false),
    };
    taken.then_some(true)
}
