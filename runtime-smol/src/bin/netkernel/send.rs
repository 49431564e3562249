//! `netkernel send`.

use core::time::Duration;

use netkernel_smol::core::NodeName;
use netkernel_smol::core::calls::gen_server::CallFailure;
use netkernel_smol::core::term::{Atom, Limits, Reference, Term};
use netkernel_smol::{CallError, Item, Mailbox, ProcessEvent, SendError, Target};
use serde_json::json;

use crate::args::SendArgs;
use crate::failure::code;
use crate::ids::Ids;
use crate::read::{Destination, destination, term};
use crate::report::{Line, Report};
use crate::temporary::{self, Limit};
use crate::{Failed, because};

/// How long sending may take, until the other node says that it has read it.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) async fn run(args: &SendArgs, report: &Report) -> Result<(), Failed> {
    let mut ids = Ids::of(None);
    let (mut to, mut message) = read(args, &ids)?;
    let limit = Limit::new(args.timeout.map_or(Some(LIMIT), |timeout| timeout.0));
    let node = temporary::start_connected(args.config()?, &args.node, &limit, report).await?;
    let own = node.mailbox();
    let sent = async {
        if !ids.are_known() {
            ids.learn(&own).await;
            (to, message) = read(args, &ids)?;
        }
        sent(&own, &to, &message, &args.node).await.map_err(because)
    };
    let sent = limit.within(sent).await.unwrap_or(Ok(Sent::NotConfirmed));
    let _ = node.stop().await;
    let sent = sent?;
    let line = sent.line(&to, &args.node);
    match sent.code() {
        None => Ok(report.print(&line)?),
        Some(code) => {
            report.fail(&line);
            Err(Failed::With(code))
        }
    }
}

/// Receiver and message.
fn read(args: &SendArgs, ids: &Ids) -> Result<(Destination, Term), Failed> {
    let to = destination(&args.name, &args.node, ids).map_err(Failed::Usage)?;
    if to.node() != args.node.as_atom() {
        return Err(Failed::Usage(format!("{to} is not of {}", args.node)));
    }
    Ok((to, term("TERM", &args.term, ids).map_err(Failed::Usage)?))
}

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// The node has it.
    Arrived,
    /// The node has it, and there was no such process.
    NoProcess,
    /// The link has ended.
    LinkLost,
    /// The node has not answered in time.
    NotConfirmed,
}

/// Sends a message, and asks a question behind it: when that is answered, whatever the answer is, the node has read the message. Signals of one
/// process to another node arrive in their order.
async fn sent(
    own: &Mailbox,
    to: &Destination,
    message: &Term,
    node: &NodeName,
) -> Result<Sent, SendError> {
    let message = encoded(message)?;
    // Before the message, which may end the process.
    let monitor = match to {
        Destination::Process(target) => Some(own.monitor(target.clone()).await?),
        Destination::Alias(_) => None,
    };
    deliver(own, to, message).await?;
    let word = |text| Atom::new(text).map_err(|_| SendError::TooLong);
    let net_kernel = Target::Name(word("net_kernel")?, node.clone());
    let question = Term::tuple([word("is_auth")?.into(), node.as_atom().clone().into()]);
    match own.call(net_kernel, &question, None).await {
        Err(CallError::Send(error)) => return Err(error),
        Err(CallError::Failed(CallFailure::NodeDown(_))) => return Ok(Sent::LinkLost),
        Ok(_) | Err(_) => {}
    }
    let is_gone = monitor.is_some_and(|monitor| was_nobody(own, &monitor));
    Ok(if is_gone { Sent::NoProcess } else { Sent::Arrived })
}

pub(crate) fn encoded(term: &Term) -> Result<Vec<u8>, SendError> {
    let mut message = Vec::new();
    term.encode(&mut message).map_err(|_| SendError::TooLong)?;
    Ok(message)
}

/// Sends a message, as Erlang's `!`.
pub(crate) async fn deliver(
    own: &Mailbox,
    to: &Destination,
    message: Vec<u8>,
) -> Result<(), SendError> {
    match to {
        Destination::Process(Target::Pid(pid)) => own.send(pid, message).await,
        Destination::Process(Target::Name(name, node)) => {
            own.send_to_name(name, node, message).await
        }
        Destination::Alias(alias) => own.send_to_alias(alias, message).await,
    }
}

/// Whether the monitor has found no process.
fn was_nobody(own: &Mailbox, monitor: &Reference) -> bool {
    let down = own.try_recv_match(|item| {
        matches!(item, Item::Process(ProcessEvent::Down { reference, .. }) if reference == monitor)
    });
    let Some(Item::Process(ProcessEvent::Down { reason, .. })) = down else { return false };
    let reason = Term::decode(&reason, &Limits::default()).ok();
    reason.as_ref().and_then(Term::as_atom).is_some_and(|reason| reason.as_str() == "noproc")
}

impl Sent {
    const fn code(self) -> Option<u8> {
        match self {
            Self::Arrived => None,
            Self::NoProcess => Some(code::NO_PROCESS),
            Self::LinkLost => Some(code::NO_CONNECTION),
            Self::NotConfirmed => Some(code::TIMEOUT),
        }
    }

    fn line(self, to: &Destination, node: &NodeName) -> Line {
        let (result, text) = match self {
            Self::Arrived => {
                ("ok", format!("ok: {node} has it; whether {to} reads it cannot be known"))
            }
            Self::NoProcess => {
                ("noproc", format!("{node} has no process {to}: the message is lost"))
            }
            Self::LinkLost => (
                "noconnection",
                format!(
                    "the link with {node} has ended: whether the message has arrived is not known"
                ),
            ),
            Self::NotConfirmed => (
                "timeout",
                format!("{node} does not answer: whether the message has arrived is not known"),
            ),
        };
        Line::new(
            text,
            json!({"event": "send", "node": node.as_str(), "to": to.to_string(), "result": result}),
        )
    }
}
