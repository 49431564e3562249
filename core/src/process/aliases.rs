//! Aliases: references that messages can be sent to.

use bytes::Bytes;

use super::{Deliver, NoProcess, Processes};
use crate::ids::MailboxId;
use crate::term::Reference;

/// How long an alias lasts (`erlang:alias/1`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum AliasOption {
    /// Until [`Processes::unalias`].
    #[default]
    ExplicitUnalias,
    /// Until then, or the first message that comes by it.
    Reply,
}

/// How long an alias lasts that is the reference of a monitor, too (the option `alias` of `erlang:monitor/3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum MonitorAlias {
    /// Until [`Processes::unalias`].
    ExplicitUnalias,
    /// As long as the monitor.
    Demonitor,
    /// As long as the monitor, and until the first message that comes by it, which ends the monitor, too.
    ReplyDemonitor,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Alias {
    of: MailboxId,
    until: Until,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Until {
    Unalias,
    Reply,
    Demonitor,
    ReplyDemonitor,
}

impl Processes {
    /// Gives a process a new alias (`erlang:alias/1`).
    ///
    /// # Errors
    /// [`NoProcess`].
    //= docs/spec/process.md#process-alias
    pub fn alias(&mut self, of: MailboxId, option: AliasOption) -> Result<Reference, NoProcess> {
        self.process(of)?;
        let reference = self.make_reference();
        let until = match option {
            AliasOption::ExplicitUnalias => Until::Unalias,
            AliasOption::Reply => Until::Reply,
        };
        self.add_alias(reference.clone(), Alias { of, until });
        Ok(reference)
    }

    /// Ends an alias of a process (`erlang:unalias/1`); `false` if it has no such alias. A monitor with this reference stays.
    pub fn unalias(&mut self, of: MailboxId, alias: &Reference) -> bool {
        let is_own = self.aliases.get(alias).is_some_and(|alias| alias.of == of);
        if is_own {
            self.remove_alias(alias);
        }
        is_own
    }

    /// A message came by an alias. It is dropped if there is no such alias (any more): `false`.
    //= docs/spec/process.md#process-alias
    //= docs/spec/process.md#process-alias-reply
    pub fn send_to_alias(
        &mut self,
        alias: &Reference,
        message: Bytes,
        deliver: &mut impl Deliver,
    ) -> bool {
        let Some(&Alias { of, until }) = self.aliases.get(alias) else { return false };
        match until {
            Until::Unalias | Until::Demonitor => deliver.message(of, message),
            Until::Reply => {
                deliver.reply(of, message);
                self.remove_alias(alias);
            }
            Until::ReplyDemonitor => {
                deliver.reply(of, message);
                self.remove_alias(alias);
                self.demonitor(of, alias, deliver);
            }
        }
        true
    }

    /// The process that has this alias.
    pub(super) fn alias_of(&self, alias: &Reference) -> Option<MailboxId> {
        self.aliases.get(alias).map(|alias| alias.of)
    }

    pub(super) fn add_monitor_alias(
        &mut self,
        of: MailboxId,
        reference: &Reference,
        option: MonitorAlias,
    ) {
        let until = match option {
            MonitorAlias::ExplicitUnalias => Until::Unalias,
            MonitorAlias::Demonitor => Until::Demonitor,
            MonitorAlias::ReplyDemonitor => Until::ReplyDemonitor,
        };
        self.add_alias(reference.clone(), Alias { of, until });
    }

    /// The monitor with this reference is no more.
    pub(super) fn monitor_of_alias_ended(&mut self, reference: &Reference) {
        let alias = self.aliases.get(reference);
        if alias.is_some_and(|it| matches!(it.until, Until::Demonitor | Until::ReplyDemonitor)) {
            self.remove_alias(reference);
        }
    }

    fn add_alias(&mut self, reference: Reference, alias: Alias) {
        if let Some(process) = self.table.get_mut(&alias.of) {
            process.aliases.insert(reference.clone());
            self.aliases.insert(reference, alias);
        }
    }

    fn remove_alias(&mut self, reference: &Reference) {
        let Some(alias) = self.aliases.remove(reference) else { return };
        if let Some(process) = self.table.get_mut(&alias.of) {
            process.aliases.remove(reference);
        }
    }
}
