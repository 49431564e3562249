//! Flags with their values, as `init` tells them apart.

use alloc::string::String;
use alloc::vec::Vec;

/// What a node is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct StartFlags {
    flags: Vec<(String, Vec<String>)>,
    /// The first flag of the emulator.
    emulator: Option<String>,
    environment: Vec<(String, String)>,
}

impl StartFlags {
    //= docs/spec/flags.md#flags-arguments
    /// The flags of a command line: `-name a@h -kernel net_ticktime 20`. What begins with a dash is a flag, and what follows up to the
    /// next one are its values. What comes behind `-extra`, and behind `--` up to the next flag, is none of ours. What begins with a plus
    /// is a flag of the emulator, which [`Self::settings`] refuses: whether the next argument is its value is known only to the emulator.
    #[must_use]
    pub fn parse<S: AsRef<str>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut flags: Vec<(String, Vec<String>)> = Vec::new();
        let (mut plain, mut emulator) = (true, None);
        for argument in arguments {
            let argument = argument.as_ref();
            if argument.starts_with('+') {
                emulator.get_or_insert_with(|| argument.into());
                continue;
            }
            match argument.strip_prefix('-') {
                Some("extra") => break,
                Some("-") => plain = true,
                Some(flag) => {
                    flags.push((flag.into(), Vec::new()));
                    plain = false;
                }
                None if plain => {}
                None => flags.iter_mut().next_back().into_iter().for_each(|(_, values)| {
                    values.push(argument.into());
                }),
            }
        }
        Self { flags, emulator, environment: Vec::new() }
    }

    /// The same with a variable of the environment.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub(super) fn emulator(&self) -> Option<&str> {
        self.emulator.as_deref()
    }

    /// All flags in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.flags.iter().map(|(flag, values)| (flag.as_str(), &**values))
    }

    /// The values of a flag, each time that it is given (`init:get_argument/1`).
    pub(super) fn all<'a>(&'a self, flag: &'a str) -> impl Iterator<Item = &'a [String]> {
        self.flags.iter().filter(move |(name, _)| name == flag).map(|(_, values)| &**values)
    }

    /// Those of the first time.
    pub(super) fn first<'a>(&'a self, flag: &'a str) -> Option<&'a [String]> {
        self.all(flag).next()
    }

    pub(super) fn has(&self, flag: &str) -> bool {
        self.first(flag).is_some()
    }

    pub(super) fn env(&self, name: &str) -> Option<&str> {
        let set = self.environment.iter().rev().find(|(set, _)| set == name);
        set.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/flags.md#flags-arguments
    //= type=test
    #[test]
    fn flags_and_values() {
        let flags = StartFlags::parse([
            "plain", "-name", "a@h", "-kernel", "k", "1", "--", "x", "-kernel", "l", "-5",
            "-hidden", "-extra", "-no",
        ]);
        let kernel: Vec<_> = flags.all("kernel").collect();
        assert_eq!(kernel, [&["k", "1"][..], &["l"]], "a number below zero is a flag");
        assert_eq!(flags.first("name"), Some(&["a@h".into()][..]));
        assert!(flags.has("5") && flags.has("hidden") && !flags.has("no") && !flags.has("x"));
        assert_eq!(flags.emulator(), None);
        let flags = flags.with_env("V", "1").with_env("V", "2");
        assert_eq!((flags.env("V"), flags.env("W")), (Some("2"), None));
        let flags = StartFlags::parse(["+P", "5000", "-sname", "a", "+K", "true", "-extra", "+x"]);
        assert_eq!(flags.emulator(), Some("+P"));
        let flags = StartFlags::parse(["-sname", "a", "-extra", "+x"]);
        assert_eq!(flags.emulator(), None);
    }
}
