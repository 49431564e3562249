//! What a group leader is asked for: to write, mostly (`io:format/2,3`, `io:put_chars/2`), and what a node's logger sends to those of others.
//!
//! A process that is spawned writes to the group leader of who has spawned it, wherever that is, and waits for the answer.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

use super::chars::{Encoding, text};
use super::{elements, external, is_atom};
use crate::term::{Atom, Limits, Pid, Reader, Term, TermError};

/// The name of the process that is the group leader of those that have no other.
pub const USER: &str = "user";

/// The name of the process that the loggers of other nodes send to: what a process there ends by whose group leader is here.
pub const LOGGER_PROXY: &str = "logger_proxy";

/// How long a text that is none may be in the external term format to be told to who has sent it.
const ECHO_MAX: usize = 256;

/// The functions that `io` has a group leader call, and their arities.
const FORMATS: [(&str, usize); 3] = [("format", 2), ("fwrite", 2), ("write", 1)];

/// The reply to a request whose own has no room in the external term format: `{io_reply,undefined,{error,badterm}}`.
const BADTERM: &[u8] = b"\x83h\x03w\x08io_replyw\x09undefinedh\x02w\x05errorw\x07badterm";

/// What a message to a group leader, or to [`LOGGER_PROXY`], means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Somebody waits for this to be done.
    Request(Request),
    /// Another node would have this logged.
    Log(Log),
    /// Anything else.
    Other(Term),
}

impl Message {
    /// What a complete external term means. A request that breaks the limits has the answer `{error,badterm}`, so that nobody waits for it.
    ///
    /// # Errors
    /// What is wrong with it, or which limit it breaks.
    //= docs/spec/calls.md#io-request
    pub fn parse(message: &[u8], limits: &Limits) -> Result<Self, TermError> {
        match Term::decode(message, limits) {
            Ok(term) => Ok(Self::of(term)),
            Err(error) => Request::refused(message, limits).map(Self::Request).ok_or(error),
        }
    }

    /// What a term means.
    #[must_use]
    pub fn of(term: Term) -> Self {
        match elements::<4>(term) {
            Ok([label, Term::Pid(from), reply_as, request]) if is_atom(&label, "io_request") => {
                Self::Request(Request::new(from, reply_as, Ok(request)))
            }
            Ok([label, Term::Atom(level), event, meta]) if is_atom(&label, "log") => {
                Self::Log(Log { level, event, arguments: None, meta })
            }
            Ok(other) => Self::Other(Term::tuple(other)),
            Err(term) => match elements::<5>(term) {
                Ok([label, Term::Atom(level), event, arguments, meta])
                    if is_atom(&label, "log") =>
                {
                    Self::Log(Log { level, event, arguments: Some(arguments), meta })
                }
                Ok(other) => Self::Other(Term::tuple(other)),
                Err(other) => Self::Other(other),
            },
        }
    }
}

/// What another node would have logged: `{log,Level,Format,Arguments,Metadata}`, or `{log,Level,Event,Metadata}` of a text or a report.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Log {
    /// `error`, `warning` and so on (`logger:level()`).
    pub level: Atom,
    /// A format, if there are arguments for it (`io_lib:format/2`), else a text or a report: a map or a list of pairs.
    pub event: Term,
    /// What the format is for: a list.
    pub arguments: Option<Term>,
    /// A map: the process as `pid`, its group leader as `gl`, `time` in microseconds, and what else the logger knows.
    pub meta: Term,
}

/// A request to a group leader that is carried out. It is asked for one [`Step`] after the other, until the reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    from: Pid,
    reply_as: Term,
    todo: VecDeque<Term>,
    /// What a function that makes the text is called, and how that is encoded.
    applies: Option<(Atom, Encoding)>,
    reply: Term,
}

/// What is to be done for a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// This is to be written.
    Write(String),
    /// What this function gives is to be written: [`Request::applied`] takes it. It is one of those by which Erlang's `io` makes texts, such as `io_lib:format/2`, and no other:
    /// a group leader without Erlang's modules has it called on the asking node, in its own name, and the pid of who asks is what somebody has written into a message.
    Apply(Apply),
    /// This is to be sent to whoever asks, and is the end.
    Reply(Bytes),
}

/// A function that makes a text: `format/2`, `fwrite/2` or `write/1` of `io_lib`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Apply {
    /// Its module.
    pub module: Atom,
    /// Its name.
    pub function: Atom,
    /// Its arguments.
    pub arguments: Vec<Term>,
}

impl Request {
    fn new(from: Pid, reply_as: Term, request: Result<Term, Term>) -> Self {
        let mut new = Self {
            from,
            reply_as,
            todo: VecDeque::new(),
            applies: None,
            reply: Term::literal("ok"),
        };
        match request {
            Ok(request) => new.todo.push_back(request),
            Err(reply) => new.reply = reply,
        }
        new
    }

    /// One that is too large. Who asks must be told still.
    fn refused(message: &[u8], limits: &Limits) -> Option<Self> {
        let (from, mut reader) = begin(message)?;
        let reply_as = reader.term(limits).ok()?;
        Some(Self::new(from, reply_as, Err(error(Term::literal("badterm")))))
    }

    /// Who sends a complete external term that is a request, if it is a term at all: what is behind is not looked at.
    #[must_use]
    pub fn asker(message: &[u8]) -> Option<Pid> {
        begin(message).map(|(from, _)| from)
    }

    /// Who asks.
    #[must_use]
    pub const fn from(&self) -> &Pid {
        &self.from
    }

    /// What is to be done next. After a [`Step::Apply`] that was not followed by [`Self::applied`], that has failed.
    //= docs/spec/calls.md#io-requests
    pub fn step(&mut self) -> Step {
        if let Some((function, _)) = self.applies.take() {
            self.fail(function.into());
        }
        while let Some(request) = self.todo.pop_front() {
            if let Some(step) = self.perform(request) {
                return step;
            }
        }
        let reply = [Term::literal("io_reply"), self.reply_as.clone(), self.reply.clone()];
        Step::Reply(external(&Term::tuple(reply)).unwrap_or(Bytes::from_static(BADTERM)))
    }

    /// Has it answered by `{error,system_limit}`, and nothing of it done.
    pub fn refuse(&mut self) {
        self.applies = None;
        self.fail(Term::literal("system_limit"));
    }

    /// What the function has given that was to be called, if it has: the text, if it is one.
    #[must_use]
    pub fn applied(&mut self, value: &Term) -> Option<String> {
        let (function, encoding) = self.applies.take()?;
        let text = text(value, encoding);
        if text.is_none() {
            self.fail(function.into());
        }
        text
    }

    /// What one request leads to. Those without a step only have a reply.
    fn perform(&mut self, request: Term) -> Option<Step> {
        if let Term::Atom(name) = &request {
            return match name.as_str() {
                "getopts" => self.end(options()),
                _ => self.fail(Term::literal("request")),
            };
        }
        let Term::Tuple(mut parts) = request else { return self.fail(Term::literal("request")) };
        let label = if parts.is_empty() { None } else { parts.remove(0).as_atom().cloned() };
        let label = label.as_ref().map_or("", Atom::as_str);
        match (label, &mut parts[..]) {
            ("put_chars", [chars]) => self.put(Encoding::Latin1, "latin1", chars),
            ("put_chars", [encoding, chars]) => match Encoding::of(encoding) {
                Some(Encoding::Unicode) => self.put(Encoding::Unicode, "unicode", chars),
                Some(Encoding::Latin1) => self.put(Encoding::Latin1, "latin1", chars),
                None => self.fail(Term::literal("request")),
            },
            ("put_chars", [m, f, a]) => self.apply(Encoding::Latin1, m, f, a),
            ("put_chars", [encoding, m, f, a]) => match Encoding::of(encoding) {
                Some(encoding) => self.apply(encoding, m, f, a),
                None => self.fail(Term::literal("request")),
            },
            ("requests", [list]) => match Vec::try_from(core::mem::replace(list, Term::NIL)) {
                Ok(more) => {
                    more.into_iter().rev().for_each(|request| self.todo.push_front(request));
                    None
                }
                Err(_) => self.fail(Term::literal("request")),
            },
            //= docs/spec/calls.md#io-no-input
            ("get_line" | "get_chars" | "get_until", _) => self.end(Term::literal("eof")),
            ("setopts", [list]) if is_harmless(list) => None,
            ("get_password" | "get_geometry" | "setopts", [_]) => {
                self.fail(Term::literal("enotsup"))
            }
            _ => self.fail(Term::literal("request")),
        }
    }

    fn put(&mut self, encoding: Encoding, name: &'static str, chars: &mut Term) -> Option<Step> {
        match text(chars, encoding) {
            Some(text) => Some(Step::Write(text)),
            None => {
                // A long one would have the answer grow with what was sent.
                let is_short = external(chars).is_ok_and(|bytes| bytes.len() <= ECHO_MAX);
                let label = Term::literal("put_chars");
                self.fail(if is_short {
                    let chars = core::mem::replace(chars, Term::NIL);
                    Term::tuple([label, Term::literal(name), chars])
                } else {
                    label
                })
            }
        }
    }

    fn apply(&mut self, encoding: Encoding, m: &Term, f: &Term, a: &mut Term) -> Option<Step> {
        let (Term::Atom(module), Term::Atom(function), Ok(arguments)) =
            (m, f, Vec::try_from(core::mem::replace(a, Term::NIL)))
        else {
            return self.fail(Term::literal("request"));
        };
        //= docs/spec/calls.md#io-apply
        if module.as_str() != "io_lib" || !FORMATS.contains(&(function.as_str(), arguments.len())) {
            return self.fail(Term::literal("request"));
        }
        let (module, function) = (module.clone(), function.clone());
        self.applies = Some((function.clone(), encoding));
        Some(Step::Apply(Apply { module, function, arguments }))
    }

    /// Nothing that is asked for behind is done.
    fn fail(&mut self, reason: Term) -> Option<Step> {
        self.end(error(reason))
    }

    /// A reply that is not `ok` is the last.
    fn end(&mut self, reply: Term) -> Option<Step> {
        self.reply = reply;
        self.todo.clear();
        None
    }
}

/// Who asks, and what is behind.
fn begin(message: &[u8]) -> Option<(Pid, Reader<'_>)> {
    let mut reader = Reader::new(message);
    reader.version().ok()?;
    if reader.tuple().ok()? != 4 || reader.atom_ref().ok()? != *"io_request" {
        return None;
    }
    Some((reader.pid().ok()?, reader))
}

fn error(reason: Term) -> Term {
    Term::tuple([Term::literal("error"), reason])
}

/// What `io:getopts/1` gives.
fn options() -> Term {
    let option = |name, value| Term::tuple([Term::literal(name), Term::literal(value)]);
    Term::list([option("binary", "false"), option("encoding", "unicode")])
}

/// Whether these options concern only what is read, of which there is nothing, or say how a text is encoded, which each request does itself.
fn is_harmless(options: &Term) -> bool {
    let is_harmless = |option: &Term| match option.as_tuple() {
        Some([name, _]) => is_atom(name, "binary") || is_atom(name, "encoding"),
        _ => is_atom(option, "binary") || is_atom(option, "list"),
    };
    options.as_list().is_some_and(|options| options.iter().all(is_harmless))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creation::Creation;
    use alloc::string::ToString as _;

    fn pid() -> Pid {
        Pid { node: Atom::literal("a@h"), id: 7, serial: 0, creation: Creation(3) }
    }

    fn asked(request: &str) -> Request {
        let request: Term = request.parse().unwrap();
        let term =
            Term::tuple([Term::literal("io_request"), pid().into(), Term::literal("ref"), request]);
        let bytes = external(&term).unwrap();
        match Message::parse(&bytes, &Limits::default()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    /// What is written, with `?` for each function, which gives that, and the reply.
    fn done(request: &str, given: &str) -> (String, String) {
        let mut request = asked(request);
        assert_eq!(*request.from(), pid());
        let mut written = String::new();
        loop {
            match request.step() {
                Step::Write(text) => written.push_str(&text),
                Step::Apply(_) => {
                    written.push('?');
                    if !given.is_empty() {
                        written.extend(request.applied(&given.parse().unwrap()));
                    }
                }
                Step::Reply(reply) => {
                    let reply = Term::decode(&reply, &Limits::default()).unwrap();
                    let Some([label, reply_as, reply]) = reply.as_tuple() else {
                        panic!("a reply")
                    };
                    assert!(is_atom(label, "io_reply") && is_atom(reply_as, "ref"));
                    return (written, reply.to_string());
                }
            }
        }
    }

    //= docs/spec/calls.md#io-request
    //= type=test
    //= docs/spec/calls.md#io-requests
    //= type=test
    //= docs/spec/calls.md#io-no-input
    //= type=test
    #[test]
    fn requests_are_written_and_answered() {
        let format = "{put_chars,unicode,io_lib,format,[\"~p\",[1]]}";
        for (request, given, written, reply) in [
            ("{put_chars,unicode,[97,8364]}", "", "a€", "ok"),
            ("{put_chars,latin1,<<228>>}", "", "ä", "ok"),
            ("{put_chars,\"x\"}", "", "x", "ok"),
            ("{put_chars,latin1,[256]}", "", "", "{error,{put_chars,latin1,[256]}}"),
            ("{put_chars,unicode,[a]}", "", "", "{error,{put_chars,unicode,[a]}}"),
            ("{put_chars,other,\"x\"}", "", "", "{error,request}"),
            (format, "[\"1\",[10]]", "?1\n", "ok"),
            (format, "", "?", "{error,format}"),
            (format, "{no,text}", "?", "{error,format}"),
            ("{put_chars,io_lib,write,[a]}", "<<97>>", "?a", "ok"),
            ("{put_chars,unicode,io_lib,fwrite,[\"a\",[]]}", "<<97>>", "?a", "ok"),
            ("{put_chars,other,io_lib,write,[a]}", "[]", "", "{error,request}"),
            (
                "{requests,[{put_chars,unicode,\"a\"},{requests,[{put_chars,unicode,\"b\"}]},{put_chars,unicode,\"c\"}]}",
                "",
                "abc",
                "ok",
            ),
            (
                "{requests,[{put_chars,unicode,\"a\"},{put_chars,unicode,[a]},{put_chars,unicode,\"c\"}]}",
                "",
                "a",
                "{error,{put_chars,unicode,[a]}}",
            ),
            (
                "{requests,[{put_chars,unicode,io_lib,write,[a]},{put_chars,unicode,\"c\"}]}",
                "",
                "?",
                "{error,write}",
            ),
            ("{requests,[]}", "", "", "ok"),
            (
                "{requests,[getopts,{put_chars,unicode,\"b\"}]}",
                "",
                "",
                "[{binary,false},{encoding,unicode}]",
            ),
            ("{requests,x}", "", "", "{error,request}"),
            ("{get_line,unicode,\"prompt\"}", "", "", "eof"),
            ("{get_line,\"prompt\"}", "", "", "eof"),
            ("{get_chars,unicode,\"prompt\",3}", "", "", "eof"),
            ("{get_until,unicode,\"prompt\",m,f,[]}", "", "", "eof"),
            ("{get_password,unicode}", "", "", "{error,enotsup}"),
            ("{get_geometry,rows}", "", "", "{error,enotsup}"),
            ("getopts", "", "", "[{binary,false},{encoding,unicode}]"),
            ("{setopts,[binary,list,{binary,true},{encoding,latin1}]}", "", "", "ok"),
            ("{setopts,[{echo,true}]}", "", "", "{error,enotsup}"),
            ("{setopts,[binary|list]}", "", "", "{error,enotsup}"),
            ("nonsense", "", "", "{error,request}"),
            ("{}", "", "", "{error,request}"),
            ("{1,2}", "", "", "{error,request}"),
            ("1", "", "", "{error,request}"),
        ] {
            let expected = (written.to_string(), reply.to_string());
            assert_eq!(done(request, given), expected, "{request}");
        }
    }

    //= docs/spec/calls.md#io-apply
    //= type=test
    #[test]
    fn only_what_io_itself_asks_for_is_called() {
        for call in [
            "os,cmd,[\"true\"]",
            "erlang,halt,[]",
            "io,format,[\"a\",[]]",
            "io_lib,nl,[]",
            "io_lib,format,[\"a\"]",
            "io_lib,format,[\"a\",[],[]]",
            "io_lib,write,[]",
            "io_lib,write,[a|b]",
            "io_lib,write,x",
            "io_lib,1,[a]",
            "1,write,[a]",
        ] {
            let refused = (String::new(), "{error,request}".to_string());
            for request in [
                alloc::format!("{{put_chars,{call}}}"),
                alloc::format!("{{put_chars,unicode,{call}}}"),
                alloc::format!("{{requests,[{{put_chars,latin1,{call}}}]}}"),
            ] {
                assert_eq!(done(&request, "[]"), refused, "{request}");
            }
        }
    }

    //= docs/spec/calls.md#io-requests
    //= type=test
    #[test]
    fn what_is_no_text_comes_back_if_it_is_short_and_an_answer_always() {
        let text = |count: usize| {
            let chars = Term::list((0..count).map(|_| Term::literal("no_text")));
            alloc::format!("{{put_chars,unicode,{chars}}}")
        };
        let whole = |count| alloc::format!("{{error,{}}}", text(count));
        // 131, the head of the list with its length, the atoms, and its end.
        let most = (ECHO_MAX - 7) / 9;
        assert_eq!(done(&text(most), "").1, whole(most));
        assert_eq!(done(&text(most + 1), "").1, "{error,put_chars}");
        assert_eq!(done(&text(100_000), "").1, "{error,put_chars}");
        let badterm = Term::decode(BADTERM, &Limits::default()).unwrap();
        assert_eq!(badterm.to_string(), "{io_reply,undefined,{error,badterm}}");
    }

    //= docs/spec/calls.md#io-log
    //= type=test
    #[test]
    fn what_is_no_request_is_a_log_event_or_something_else() {
        let log = |text: &str| {
            let Message::Log(log) = Message::of(text.parse().unwrap()) else { panic!("{text}") };
            let Log { level, event, arguments, meta } = log;
            assert_eq!((level, meta), (Atom::literal("error"), "#{time => 1}".parse().unwrap()));
            (event.to_string(), arguments.map(|arguments| arguments.to_string()))
        };
        let format = ("\"~p\"".to_string(), Some("[1]".to_string()));
        assert_eq!(log("{log,error,\"~p\",[1],#{time => 1}}"), format);
        assert_eq!(log("{log,error,\"text\",#{time => 1}}"), ("\"text\"".to_string(), None));
        assert_eq!(log("{log,error,#{a => 1},#{time => 1}}"), ("#{a => 1}".to_string(), None));
        for other in [
            "{log,1,a,b,c}",
            "{log,1,a,b}",
            "{log,error,a}",
            "{io_request,a,b,c}",
            "{io_request}",
            "a",
        ] {
            let other: Term = other.parse().unwrap();
            assert_eq!(Request::asker(&external(&other).unwrap()), None);
            assert_eq!(Message::of(other.clone()), Message::Other(other));
        }
    }

    #[test]
    fn a_request_can_be_refused() {
        let mut request = asked("{put_chars,unicode,\"a\"}");
        request.refuse();
        let Step::Reply(reply) = request.step() else { panic!("a reply") };
        let reply = Term::decode(&reply, &Limits::default()).unwrap();
        assert_eq!(reply.to_string(), "{io_reply,ref,{error,system_limit}}");
    }

    #[test]
    fn who_asks_for_too_much_is_told() {
        let chars = Term::list((0..100).map(|_| 97_i64.into()));
        let request = Term::tuple([Term::literal("put_chars"), Term::literal("unicode"), chars]);
        let label = Term::literal("io_request");
        let term = Term::tuple([label, pid().into(), Term::literal("ref"), request]);
        let bytes = external(&term).unwrap();
        let limits = Limits { terms: 50, ..Limits::default() };
        let Ok(Message::Request(mut request)) = Message::parse(&bytes, &limits) else {
            panic!("one")
        };
        assert_eq!(Request::asker(&bytes), Some(pid()));
        let Step::Reply(reply) = request.step() else { panic!("a reply") };
        let reply = Term::decode(&reply, &limits).unwrap();
        assert_eq!(reply.to_string(), "{io_reply,ref,{error,badterm}}");
        assert!(Message::parse(b"\x83h\x04a\x01a\x01a\x01", &limits).is_err());
        assert!(Message::parse(b"\x83", &limits).is_err());
    }
}
