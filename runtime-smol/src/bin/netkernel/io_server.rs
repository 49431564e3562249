//! What a process prints that was started from here: it asks its group leader, which is the process that started it.

use core::convert::Infallible;
use core::time::Duration;

use futures_lite::future;
use netkernel_smol::core::NodeName;
use netkernel_smol::core::term::{Atom, Limits, Pid, Reader, Term};
use netkernel_smol::{Item, Mailbox};

/// How long the formatting of one output may take, which is done where it comes from.
const LIMIT: Duration = Duration::from_secs(30);

/// A request of the I/O protocol.
pub(crate) struct Request {
    from: Pid,
    reply_as: Term,
    what: Term,
}

/// Answers all requests that come to this mailbox, beside whatever else waits there. `helper` is another one.
pub(crate) async fn serve(own: &Mailbox, helper: &Mailbox, print: &dyn Fn(&str)) -> Infallible {
    loop {
        let item = own.recv_match(|item| matches!(item, Item::Message(m) if is_request(m))).await;
        let Item::Message(message) = &item else {
            // The end of this process: nothing comes any more.
            return future::pending().await;
        };
        if let Some(request) = Request::of(message) {
            request.answer(helper, print).await;
        }
    }
}

/// Whether a message is `{io_request,_,_,_}`, by a look at its first bytes.
pub(crate) fn is_request(message: &[u8]) -> bool {
    let mut reader = Reader::new(message);
    reader.version().is_ok()
        && reader.tuple() == Ok(4)
        && reader.atom().is_ok_and(|label| label.as_str() == "io_request")
}

impl Request {
    pub(crate) fn of(message: &[u8]) -> Option<Self> {
        let Ok(Term::Tuple(elements)) = Term::decode(message, &Limits::default()) else {
            return None;
        };
        match <[Term; 4]>::try_from(elements).ok()? {
            [_, Term::Pid(from), reply_as, what] => Some(Self { from, reply_as, what }),
            _ => None,
        }
    }

    /// Prints what there is to print, and says so.
    pub(crate) async fn answer(self, helper: &Mailbox, print: &dyn Fn(&str)) {
        let reply = self.carry_out(helper, print).await;
        let reply = Term::tuple([atom("io_reply"), self.reply_as, reply]);
        let mut message = Vec::new();
        if reply.encode(&mut message).is_ok() {
            // Who has gone needs no answer.
            let _ = helper.send(&self.from, message).await;
        }
    }

    async fn carry_out(&self, helper: &Mailbox, print: &dyn Fn(&str)) -> Term {
        let all = core::slice::from_ref(&self.what);
        let requests = match self.what.as_tuple() {
            Some([label, Term::List(list)]) if is(label, "requests") => list.elements(),
            _ => all,
        };
        for request in requests {
            match self.text(request, helper).await {
                Ok(text) => print(&text),
                Err(reason) => return Term::tuple([atom("error"), atom(reason)]),
            }
        }
        atom("ok")
    }

    async fn text(&self, request: &Term, helper: &Mailbox) -> Result<String, &'static str> {
        let elements = request.as_tuple().unwrap_or_default();
        let (encoding, what) = match elements {
            [label, rest @ ..] if is(label, "put_chars") => match rest {
                [encoding @ Term::Atom(_), rest @ ..] if rest.len() != 2 => (Some(encoding), rest),
                rest => (None, rest),
            },
            _ => return Err("enotsup"),
        };
        let is_latin1 = encoding.is_none_or(|encoding| is(encoding, "latin1"));
        let chars = match what {
            [chars] => chars,
            [Term::Atom(module), Term::Atom(function), Term::List(arguments)] => {
                let node = NodeName::new(&self.from.node).map_err(|_| "put_chars")?;
                let arguments = arguments.elements();
                let call = helper.erpc_call(&node, module, function, arguments, Some(LIMIT));
                &call.await.map_err(|_| "put_chars")?
            }
            _ => return Err("enotsup"),
        };
        let mut text = String::new();
        append(&mut text, chars, is_latin1).ok_or("put_chars")?;
        Ok(text)
    }
}

/// Adds characters: their codes, binaries of them, and lists of both.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is a text")]
fn append(text: &mut String, chars: &Term, is_latin1: bool) -> Option<()> {
    match chars {
        Term::Integer(_) => text.push(char::from_u32(chars.as_i64()?.try_into().ok()?)?),
        Term::Binary(bytes) if is_latin1 => text.extend(bytes.iter().map(|&byte| char::from(byte))),
        Term::Binary(bytes) => text.push_str(core::str::from_utf8(bytes).ok()?),
        Term::List(list) => {
            for chars in list.elements().iter().chain(list.tail()) {
                append(text, chars, is_latin1)?;
            }
        }
        _ => return None,
    }
    Some(())
}

fn is(term: &Term, text: &str) -> bool {
    term.as_atom().is_some_and(|atom| atom.as_str() == text)
}

fn atom(text: &str) -> Term {
    Atom::new(text).map_or(Term::NIL, Term::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(chars: &str, is_latin1: bool) -> Option<String> {
        let mut text = String::new();
        append(&mut text, &chars.parse().unwrap(), is_latin1)?;
        Some(text)
    }

    #[test]
    fn characters_come_in_lists_and_binaries() {
        assert_eq!(printed("[\"a\",[98|<<\"c\">>],8364]", false).unwrap(), "abc\u{20AC}");
        assert_eq!(printed("<<\"\u{E9}\"/utf8>>", false).unwrap(), "\u{E9}");
        assert_eq!(printed("<<233>>", true).unwrap(), "\u{E9}");
        for wrong in ["<<233>>", "[a]", "-1", "[16#D800]", "{}"] {
            assert_eq!(printed(wrong, false), None, "{wrong}");
        }
    }

    #[test]
    fn requests_are_known_by_their_first_bytes() {
        let message = |text: &str| {
            let mut message = Vec::new();
            text.parse::<Term>().unwrap().encode(&mut message).unwrap();
            message
        };
        assert!(is_request(&message("{io_request,a,b,c}")));
        assert!(Request::of(&message("{io_request,a,b,c}")).is_none(), "from nobody");
        for other in ["{io_request,a,b}", "{io_reply,a,b,c}", "io_request", "{1,2,3,4}"] {
            assert!(!is_request(&message(other)), "{other}");
        }
        assert!(!is_request(b""));
    }
}
