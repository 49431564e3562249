//! With what a process is spawned: the options of `erlang:spawn_request/5`, as they are given here and as they come from peers.

use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

use super::{Mfa, MonitorAlias};
use crate::term::{Atom, Limits, Map, Reader, Term, TooLong, write};

/// What a new process is to have (the options of `erlang:spawn_opt/5`). At first that is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct SpawnOptions {
    /// It is linked with the process that spawns it (`link`).
    pub link: bool,
    /// It is monitored by that process (`monitor`). The reference of the request is that of the monitor.
    pub monitor: Option<SpawnMonitor>,
    /// What else the other node is to know, such as `{priority,high}`. One that it does not take it answers by
    /// [`SpawnFailure::BadOption`].
    #[cfg_attr(any(test, feature = "proptest"), proptest(strategy = "crate::any::few()"))]
    pub process: Vec<Term>,
}

/// How a new process is monitored (`{monitor,Options}`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct SpawnMonitor {
    /// The reference is an alias, too, from the moment on in which the process is there (`{alias,Option}`).
    pub alias: Option<MonitorAlias>,
    /// What the [`Down`](super::ProcessEvent::Down) has in place of `'DOWN'` (`{tag,Term}`).
    pub tag: Option<Term>,
}

/// How a request is answered (the options `reply` and `reply_tag` of `erlang:spawn_request/5`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct ReplyOptions {
    /// Which answers are told.
    pub when: ReplyWhen,
    /// What a [`SpawnReply`](super::ProcessEvent::SpawnReply) has in place of `spawn_reply`.
    pub tag: Option<Term>,
}

/// Which answers to a request are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum ReplyWhen {
    /// All.
    #[default]
    Yes,
    /// None: the link and the monitor are all there is to see.
    No,
    /// That there is a process.
    SuccessOnly,
    /// That there is none.
    ErrorOnly,
}

impl ReplyWhen {
    pub(super) const fn tells(self, success: bool) -> bool {
        match self {
            Self::Yes => true,
            Self::No => false,
            Self::SuccessOnly => success,
            Self::ErrorOnly => !success,
        }
    }
}

/// Why there is no process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SpawnFailure {
    /// `badopt`: the other node does not take one of the options.
    BadOption,
    /// `noconnection`: the other node cannot be reached, or the link has ended before it answered. There may be a process, then.
    NoConnection,
    /// `notsup`: the other node does not spawn.
    NotSupported,
    /// `system_limit`: there are too many processes, or too many requests without an answer.
    SystemLimit,
    /// The other node says this.
    Other(Atom),
}

impl SpawnFailure {
    pub(super) fn of(atom: Atom) -> Self {
        match atom.as_str() {
            "badopt" => Self::BadOption,
            "noconnection" => Self::NoConnection,
            "notsup" => Self::NotSupported,
            "system_limit" => Self::SystemLimit,
            _ => Self::Other(atom),
        }
    }

    /// The atom that Erlang has for it.
    #[must_use]
    pub fn to_atom(&self) -> Atom {
        match self {
            Self::BadOption => Atom::literal("badopt"),
            Self::NoConnection => Atom::literal("noconnection"),
            Self::NotSupported => Atom::literal("notsup"),
            Self::SystemLimit => Atom::literal("system_limit"),
            Self::Other(atom) => atom.clone(),
        }
    }
}

/// Erlang's atom.
impl fmt::Display for SpawnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_atom().fmt(f)
    }
}

impl core::error::Error for SpawnFailure {}

/// A process to be spawned, made ready to be asked for. Making it takes no lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spawning {
    pub(super) mfa: Mfa,
    /// What the other node is to see: one term without version byte.
    pub(super) options: Bytes,
    pub(super) asks: Asks,
}

/// What a request asks for on this side.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asks {
    pub(super) link: bool,
    pub(super) monitor: Option<Monitoring>,
    pub(super) when: ReplyWhen,
    /// Complete external terms, this and that of the monitor.
    pub(super) tag: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Monitoring {
    pub(super) alias: Option<MonitorAlias>,
    pub(super) tag: Option<Bytes>,
}

impl Spawning {
    /// Whether the process is to be linked with the one that asks.
    #[must_use]
    pub const fn links(&self) -> bool {
        self.asks.link
    }

    /// A process that calls a function, with these options.
    ///
    /// # Errors
    /// [`TooLong`]: one of the options is.
    pub fn new(mfa: Mfa, options: &SpawnOptions, reply: &ReplyOptions) -> Result<Self, TooLong> {
        let monitor = options.monitor.as_ref().map(|monitor| {
            let tag = monitor.tag.as_ref().map(external).transpose()?;
            Ok(Monitoring { alias: monitor.alias, tag })
        });
        let tag = match &reply.tag {
            Some(tag) => external(tag)?,
            None => Bytes::from_static(b"\x83w\x0bspawn_reply"),
        };
        let (link, monitor, when) = (options.link, monitor.transpose()?, reply.when);
        let asks = Asks { link, monitor, when, tag };
        Ok(Self { mfa, options: encode(options)?, asks })
    }
}

/// The options that the other node is to see.
//= docs/spec/process.md#process-spawn-sent
fn encode(options: &SpawnOptions) -> Result<Bytes, TooLong> {
    let (link, monitor) = (options.link, options.monitor.is_some());
    let count = usize::from(link) + usize::from(monitor) + options.process.len();
    let mut out = Vec::new();
    if count > 0 {
        write::list(&mut out, u32::try_from(count).map_err(|_| TooLong)?);
    }
    for (given, name) in [(link, "link"), (monitor, "monitor")] {
        if given {
            write::literal(&mut out, name);
        }
    }
    for option in &options.process {
        write::term(&mut out, option)?;
    }
    write::nil(&mut out);
    Ok(out.into())
}

/// The complete external term.
fn external(term: &Term) -> Result<Bytes, TooLong> {
    let mut out = Vec::new();
    term.encode(&mut out)?;
    Ok(out.into())
}

/// What the options of a peer ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) link: bool,
    pub(super) monitor: bool,
}

impl Asked {
    /// What these options, one term, ask for; `None` if an Erlang node would not take them (`badopt`). What a process of Erlang
    /// has and one of ours has not, such as a priority, is checked and means nothing.
    //= docs/spec/process.md#process-spawn-badopt
    pub(super) fn parse(options: &[u8]) -> Option<Self> {
        const LIMITS: Limits = Limits { depth: 8, integer_bytes: 64, terms: 1024 };
        let options = Reader::new(options).term(&LIMITS).ok()?;
        let mut asked = Self::default();
        for option in options.as_list()? {
            if let Some([name, value]) = option.as_tuple() {
                is_option(name.as_atom()?, value).then_some(())?;
                continue;
            }
            match option.as_atom()?.as_str() {
                "link" => asked.link = true,
                "monitor" => asked.monitor = true,
                _ => return None,
            }
        }
        Some(asked)
    }
}

/// The smallest heap that can be the largest one, but for none at all: a heap of Erlang is never smaller.
const MIN_HEAP_SIZE: i64 = 233;

fn is_option(name: &Atom, value: &Term) -> bool {
    let size = value.as_i64().filter(|&size| size >= 0);
    match name.as_str() {
        "priority" => is_one_of(value, &["max", "high", "normal", "low"]),
        "min_heap_size" | "min_bin_vheap_size" | "fullsweep_after" | "scheduler" => size.is_some(),
        "max_heap_size" => {
            if let Term::Map(map) = value {
                return is_heap_limit(map);
            }
            size.is_some_and(|size| size == 0 || size >= MIN_HEAP_SIZE)
        }
        "message_queue_data" => is_one_of(value, &["on_heap", "off_heap"]),
        "async_dist" => is_one_of(value, &["true", "false"]),
        _ => false,
    }
}

/// `#{size => Size, kill => _, error_logger => _, include_shared_binaries => _}`.
fn is_heap_limit(map: &Map) -> bool {
    map.into_iter().all(|(key, value)| match key.as_atom().map(Atom::as_str) {
        Some("size") => value.as_i64().is_some_and(|size| size == 0 || size >= MIN_HEAP_SIZE),
        Some("kill" | "error_logger" | "include_shared_binaries") => {
            is_one_of(value, &["true", "false"])
        }
        _ => true,
    })
}

fn is_one_of(value: &Term, atoms: &[&str]) -> bool {
    value.as_atom().is_some_and(|atom| atoms.contains(&atom.as_str()))
}

made_of!(Spawning, (Mfa, SpawnOptions, ReplyOptions), |(mfa, options, reply)| {
    Spawning::new(mfa, &options, &reply).unwrap()
});

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(bool, bool)> {
        let mut out = Vec::new();
        write::term(&mut out, &text.parse().unwrap()).unwrap();
        Asked::parse(&out).map(|asked| (asked.link, asked.monitor))
    }

    //= docs/spec/process.md#process-spawn-badopt
    //= type=test
    #[test]
    fn options_are_taken_or_not_as_by_erlang() {
        for (text, asked) in [
            ("[]", (false, false)),
            ("[link]", (true, false)),
            ("[monitor,monitor]", (false, true)),
            ("[{priority,high},link,{min_heap_size,1},monitor]", (true, true)),
            ("[{fullsweep_after,0},{min_bin_vheap_size,3},{scheduler,1}]", (false, false)),
            ("[{max_heap_size,0},{max_heap_size,233}]", (false, false)),
            ("[{max_heap_size,#{size => 100000,kill => true}}]", (false, false)),
            ("[{max_heap_size,#{size => 0}},{max_heap_size,#{size => 233}}]", (false, false)),
            ("[{message_queue_data,off_heap},{async_dist,true}]", (false, false)),
        ] {
            assert_eq!(parse(text), Some(asked), "{text}");
        }
        for text in [
            "1",
            "link",
            "[link|monitor]",
            "[bogus]",
            "[{link,true}]",
            "[{monitor,[]}]",
            "[{reply,no}]",
            "[{reply_tag,x}]",
            "[{priority,foo}]",
            "[{priority,high,low}]",
            "[{1,2}]",
            "[{min_heap_size,-1}]",
            "[{min_heap_size,a}]",
            "[{fullsweep_after,-1}]",
            "[{max_heap_size,100}]",
            "[{max_heap_size,#{size => foo}}]",
            "[{max_heap_size,#{size => 232}}]",
            "[{max_heap_size,#{size => 100000,kill => x}}]",
            "[{message_queue_data,x}]",
            "[{async_dist,x}]",
            "[{scheduler,-1}]",
            "\"string\"",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    //= docs/spec/process.md#process-spawn-sent
    //= type=test
    #[test]
    fn the_other_node_sees_what_concerns_it() {
        let monitor =
            SpawnMonitor { alias: Some(MonitorAlias::Demonitor), tag: Some(7_i64.into()) };
        for (link, monitor, process, text) in [
            (false, None, "[]", "[]"),
            (true, None, "[]", "[link]"),
            (false, Some(monitor.clone()), "[{priority,low}]", "[monitor,{priority,low}]"),
            (true, Some(monitor), "[]", "[link,monitor]"),
        ] {
            let process = process.parse::<Term>().unwrap().as_list().unwrap().to_vec();
            let encoded = encode(&SpawnOptions { link, monitor, process }).unwrap();
            let term = Reader::new(&encoded).term(&Limits::default()).unwrap();
            assert_eq!(term, text.parse().unwrap());
            let spawning = SpawnOptions { link, ..SpawnOptions::default() };
            let mfa = Mfa::new(Atom::literal("m"), Atom::literal("f"), &[]).unwrap();
            let spawning = Spawning::new(mfa, &spawning, &ReplyOptions::default()).unwrap();
            assert_eq!(spawning.links(), link);
        }
        let nothing = encode(&SpawnOptions::default()).unwrap();
        assert_eq!(&*nothing, b"j", "as Erlang has an empty list");
    }

    //= docs/spec/process.md#process-spawn-reply
    //= type=test
    #[test]
    fn a_failure_is_known_by_its_atom() {
        for (failure, atom) in [
            (SpawnFailure::BadOption, "badopt"),
            (SpawnFailure::NoConnection, "noconnection"),
            (SpawnFailure::NotSupported, "notsup"),
            (SpawnFailure::SystemLimit, "system_limit"),
            (SpawnFailure::Other(Atom::literal("foo")), "foo"),
        ] {
            assert_eq!(failure.to_atom().as_str(), atom);
            assert_eq!(SpawnFailure::of(Atom::literal(atom)), failure);
        }
    }
}
