//! What the model of a node knows of the options of its links: `getopts/2` and `setopts/2`.

use std::collections::{BTreeMap, BTreeSet};

use netkernel_core::net_kernel::{Answer, OptionName, OptsError, SocketOption};
use netkernel_core::{LinkId, RequestId};

use super::model::Model;
use super::options::{Options, is_taken};

/// Options of links that are up, and of those to come.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelOptions {
    /// What calls about `new` have set, the later over the earlier.
    new: BTreeMap<OptionName, SocketOption>,
    links: BTreeMap<LinkId, Options>,
    /// Calls that set options of a link, if there is one when they are answered.
    setting: BTreeMap<RequestId, (LinkId, Vec<SocketOption>)>,
}

impl ModelOptions {
    pub(super) fn came_up(&mut self, link: LinkId) {
        let mut options = Options::default();
        let new: Vec<SocketOption> = self.new.values().copied().collect();
        // Nobody is told of one that the system does not take.
        let _ = options.set(&new);
        self.links.insert(link, options);
    }

    pub(super) fn ended(&mut self, link: LinkId) {
        self.links.remove(&link);
    }

    pub(super) fn answered(&mut self, request: RequestId, answer: &Answer) {
        let Some((link, options)) = self.setting.remove(&request) else { return };
        if matches!(answer, Answer::SetOpts(Ok(()) | Err(OptsError::Invalid)))
            && let Some(of) = self.links.get_mut(&link)
        {
            let _ = of.set(&options);
        }
    }
}

impl Model {
    /// What `getopts` may answer.
    pub(super) fn getopts(
        &self,
        node: &str,
        names: &Result<Vec<OptionName>, OptsError>,
    ) -> Vec<Answer> {
        let of_link = |link| match names {
            Ok(names) => Ok(self.opts.links.get(&link).map(|of| of.get(names)).unwrap_or_default()),
            Err(error) => Err(error.clone()),
        };
        self.about_link(node, of_link).into_iter().map(Answer::GetOpts).collect()
    }

    /// What `setopts` may answer, and what it changes then.
    pub(super) fn setopts(
        &mut self,
        request: RequestId,
        node: &str,
        options: &Result<Vec<SocketOption>, OptsError>,
    ) -> Vec<Answer> {
        let options = options.as_ref().map(|options| first_of_each(options));
        let result = match &options {
            Ok(options) if options.iter().all(is_taken) => Ok(()),
            Ok(_) => Err(OptsError::Invalid),
            Err(error) => Err((*error).clone()),
        };
        if node == "new" {
            return vec![Answer::SetOpts(self.set_new(options.ok(), result))];
        }
        if let (Some(link), Ok(options)) = (self.link(node), options) {
            self.opts.setting.insert(request, (link, options));
        }
        self.about_link(node, |_| result.clone()).into_iter().map(Answer::SetOpts).collect()
    }

    /// A node that does not listen asks nobody whether the options are taken.
    fn set_new(
        &mut self,
        options: Option<Vec<SocketOption>>,
        result: Result<(), OptsError>,
    ) -> Result<(), OptsError> {
        if !self.is_alive() {
            return Err(OptsError::NotAlive);
        }
        let unasked = options.is_some() && self.manner().dynamic;
        let result = if unasked { Ok(()) } else { result };
        if result.is_ok() {
            let options = options.into_iter().flatten();
            self.opts.new.extend(options.map(|option| (option.name(), option)));
        }
        result
    }

    /// Whether a link is being replaced is not known.
    fn about_link<T>(
        &self,
        node: &str,
        of_link: impl FnOnce(LinkId) -> Result<T, OptsError>,
    ) -> Vec<Result<T, OptsError>> {
        if !self.is_alive() {
            return vec![Err(OptsError::NotAlive)];
        }
        let none = || Err(OptsError::NoConnection);
        match self.link(node) {
            Some(link) if self.may_replace() => vec![of_link(link), none()],
            Some(link) => vec![of_link(link)],
            None => vec![none()],
        }
    }
}

/// Of an option that comes twice the first counts.
fn first_of_each(options: &[SocketOption]) -> Vec<SocketOption> {
    let mut seen = BTreeSet::new();
    options.iter().copied().filter(|option| seen.insert(option.name())).collect()
}
