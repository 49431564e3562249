//! `-setcookie` and `-nocookie`.

use alloc::string::String;
use alloc::vec::Vec;

use super::{FlagError, StartFlags};
use crate::cookie::Cookie;
use crate::name::NodeName;

/// Where the cookie of a node comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CookieSetting {
    /// The user's file.
    File,
    /// This one.
    Given(Cookie),
}

//= docs/spec/flags.md#flags-setcookie
/// The cookie of a node of this name, and those for others. What is given more than once counts as not given.
pub(super) fn cookies(
    flags: &StartFlags,
    own: Option<&NodeName>,
) -> Result<(CookieSetting, Vec<(NodeName, Cookie)>), FlagError> {
    let given: Vec<_> = flags.all("setcookie").collect();
    let times = |wanted: &String| {
        given.iter().filter(|values| matches!(values, [node, _] if node == wanted)).count()
    };
    let mut peers = Vec::new();
    let mut cookie = None;
    for values in &given {
        let [node, text] = values else { continue };
        let (1, Ok(node)) = (times(node), NodeName::new(node)) else { continue };
        if own == Some(&node) {
            cookie = Some(text);
        } else {
            peers.push((node, new(text)?));
        }
    }
    let mut alone = given.iter().filter(|values| values.len() < 2);
    let once = alone.next().filter(|_| alone.next().is_none()).and_then(|values| values.first());
    let setting = match cookie.or(once) {
        Some(text) => CookieSetting::Given(new(text)?),
        None if flags.has("nocookie") => CookieSetting::Given(new("nocookie")?),
        None => CookieSetting::File,
    };
    Ok((setting, peers))
}

fn new(text: &str) -> Result<Cookie, FlagError> {
    Cookie::new(text).map_err(FlagError::Cookie)
}
