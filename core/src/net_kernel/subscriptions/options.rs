//! What a subscriber asks for.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::MonitorNodesError;
use crate::flags::NodeType;
use crate::term::Atom;

/// The options of one subscription, normalized: equal if and only if Erlang takes them for the same subscription.
///
/// In Rust they are built from [`Self::LIST`] or [`Self::MAP`]; those of an Erlang caller come from
/// [`Self::from_list`], [`Self::from_map`] or [`OptionsTerm::check`].
///
/// ```
/// use netkernel_core::net_kernel::subscriptions::{MonitorOptions, NodeTypes};
///
/// // #{connection_id => true, node_type => all, nodedown_reason => true}
/// let all = MonitorOptions::MAP.node_types(NodeTypes::All).nodedown_reason().connection_id();
/// assert_eq!(all, MonitorOptions::ALL);
/// ```
//= docs/spec/monitor.md#monitor-key
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorOptions {
    pub(super) visible: bool,
    pub(super) hidden: bool,
    pub(super) nodedown_reason: bool,
    pub(super) connection_id: bool,
    pub(super) map: bool,
}

/// The values of `node_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeTypes {
    /// `all`: visible and hidden nodes.
    All,
    /// `hidden`.
    Hidden,
    /// `visible`.
    Visible,
}

impl MonitorOptions {
    /// `[]`, the same as no options at all (`monitor_nodes/1`): visible nodes, and events without information.
    pub const LIST: Self = Self {
        visible: false,
        hidden: false,
        nodedown_reason: false,
        connection_id: false,
        map: false,
    };

    /// `#{}`: visible nodes, and events with an empty map.
    pub const MAP: Self = Self { map: true, ..Self::LIST };

    /// `#{connection_id => true, node_type => all, nodedown_reason => true}`: all there is to know.
    pub const ALL: Self =
        Self { visible: true, hidden: true, nodedown_reason: true, connection_id: true, map: true };

    /// With `node_type`: events of these nodes, which say it.
    #[must_use]
    pub const fn node_types(mut self, types: NodeTypes) -> Self {
        self.visible = matches!(types, NodeTypes::All | NodeTypes::Visible);
        self.hidden = matches!(types, NodeTypes::All | NodeTypes::Hidden);
        self
    }

    /// With `nodedown_reason`: each `nodedown` says why.
    #[must_use]
    pub const fn nodedown_reason(mut self) -> Self {
        self.nodedown_reason = true;
        self
    }

    /// With `connection_id`: each event says of which connection.
    #[must_use]
    pub const fn connection_id(mut self) -> Self {
        self.connection_id = true;
        self
    }

    /// From the elements of a proper list.
    ///
    /// # Errors
    /// What Erlang answers, checked in its order: `node_type` with two values, `node_type` with a bad one, unknown options.
    pub fn from_list(
        list: impl IntoIterator<Item = ListOption>,
    ) -> Result<Self, MonitorNodesError> {
        let (options, unknown) = Self::read_list(list)?;
        match unknown {
            None => Ok(options),
            Some(unknown) => Err(MonitorNodesError::UnknownOptions(unknown)),
        }
    }

    /// From the pairs of a map. Of a key that comes twice the last pair counts.
    ///
    /// # Errors
    /// What Erlang answers, checked in its order: a bad value of `connection_id`, of `nodedown_reason`, of `node_type`,
    /// unknown keys.
    pub fn from_map(
        pairs: impl IntoIterator<Item = (OptionTerm, OptionTerm)>,
    ) -> Result<Self, MonitorNodesError> {
        let mut unknown: BTreeMap<OptionTerm, OptionTerm> = pairs.into_iter().collect();
        let mut take = |key: &'static str| {
            let key = Atom::literal(key);
            unknown.remove(&OptionTerm::Atom(key.clone())).map(|value| (key, value))
        };
        let mut options = Self::MAP;
        //= docs/spec/monitor.md#monitor-error-map
        options.connection_id = boolean(take("connection_id"))?;
        options.nodedown_reason = boolean(take("nodedown_reason"))?;
        if let Some((key, value)) = take("node_type") {
            match value.node_types() {
                Some(types) => options = options.node_types(types),
                None => return Err(MonitorNodesError::BadMapValue { key, value }),
            }
        }
        if unknown.is_empty() { Ok(options) } else { Err(MonitorNodesError::UnknownKeys(unknown)) }
    }

    /// Whether events of such nodes are wanted.
    //= docs/spec/monitor.md#monitor-types
    #[must_use]
    pub const fn wants(self, node_type: NodeType) -> bool {
        match node_type {
            NodeType::Visible => self.visible || !self.hidden,
            NodeType::Hidden => self.hidden,
        }
    }

    /// The options, and if there are unknown ones among them, what Erlang tells of these.
    //= docs/spec/monitor.md#monitor-error-list
    fn read_list(
        list: impl IntoIterator<Item = ListOption>,
    ) -> Result<(Self, Option<Vec<ListOption>>), MonitorNodesError> {
        let mut options = Self::LIST;
        let mut node_type: Option<OptionTerm> = None;
        let mut others = Vec::new();
        let mut all_known = true;
        for option in list {
            match &option {
                ListOption::Atom(atom) if atom.as_str() == "nodedown_reason" => {
                    options.nodedown_reason = true;
                }
                ListOption::Atom(atom) if atom.as_str() == "connection_id" => {
                    options.connection_id = true;
                    others.push(option);
                }
                ListOption::Pair(key, later) if key.as_str() == "node_type" => match &node_type {
                    Some(earlier) if earlier != later => {
                        return Err(MonitorNodesError::OptionValueMismatch {
                            later: later.clone(),
                            earlier: earlier.clone(),
                        });
                    }
                    Some(_) | None => node_type = Some(later.clone()),
                },
                ListOption::Atom(_) | ListOption::Pair(..) | ListOption::Other(_) => {
                    all_known = false;
                    others.push(option);
                }
            }
        }
        let typed = node_type.is_some();
        if let Some(value) = node_type {
            match value.node_types() {
                Some(types) => options = options.node_types(types),
                None => return Err(MonitorNodesError::BadNodeType(value)),
            }
        }
        if all_known {
            return Ok((options, None));
        }
        // OTP takes node_type out of the list, and then nodedown_reason; what is left turns around each time.
        if typed != options.nodedown_reason {
            others.reverse();
        }
        Ok((options, Some(others)))
    }
}

fn boolean(option: Option<(Atom, OptionTerm)>) -> Result<bool, MonitorNodesError> {
    let Some((key, value)) = option else { return Ok(false) };
    match value.text() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) | None => Err(MonitorNodesError::BadMapValue { key, value }),
    }
}

/// A term that an Erlang caller gave for a value or a key: an atom, or one that can only be compared and told back.
///
/// There is no term tree in this crate, and none is needed: the text that a codec prints is enough.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OptionTerm {
    /// An atom, `true` and `false` among them.
    Atom(Atom),
    /// Anything else, as `io:format("~tp")` prints it. Terms with the same text count as equal.
    Other(String),
}

impl OptionTerm {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Atom(atom) => Some(atom),
            Self::Other(_) => None,
        }
    }

    fn node_types(&self) -> Option<NodeTypes> {
        match self.text()? {
            "all" => Some(NodeTypes::All),
            "hidden" => Some(NodeTypes::Hidden),
            "visible" => Some(NodeTypes::Visible),
            _ => None,
        }
    }
}

impl fmt::Display for OptionTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Atom(atom) => fmt::Display::fmt(atom, f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// An element of a list of options.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListOption {
    /// An atom: `nodedown_reason` and `connection_id` are known.
    Atom(Atom),
    /// A tuple of an atom and a term: `{node_type, _}` is known.
    Pair(Atom, OptionTerm),
    /// Anything else, as `io:format("~tp")` prints it.
    Other(String),
}

impl fmt::Display for ListOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Atom(atom) => fmt::Display::fmt(atom, f),
            Self::Pair(key, value) => write!(f, "{{{key},{value}}}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// What an Erlang caller gave for the second argument of `monitor_nodes/2`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OptionsTerm {
    /// A proper list.
    List(Vec<ListOption>),
    /// The elements before the tail of an improper list.
    ImproperList(Vec<ListOption>),
    /// A map.
    Map(Vec<(OptionTerm, OptionTerm)>),
    /// Anything else.
    Other(OptionTerm),
}

impl OptionsTerm {
    /// Checks the arguments of `monitor_nodes(Flag, Options)` as an Erlang node does, and gives them typed.
    ///
    /// # Errors
    /// Exactly what Erlang answers: first of all of a flag that is no boolean, then of the options.
    pub fn check(self, flag: &OptionTerm) -> Result<(bool, MonitorOptions), MonitorNodesError> {
        //= docs/spec/monitor.md#monitor-error-flag
        let flag = match flag.text() {
            Some("true") => true,
            Some("false") => false,
            Some(_) | None => return Err(MonitorNodesError::Flag),
        };
        let options = match self {
            Self::List(list) => MonitorOptions::from_list(list)?,
            Self::ImproperList(list) => {
                // The end of the list is only missed once two values of node_type have been looked for.
                match MonitorOptions::read_list(list) {
                    Err(mismatch @ MonitorNodesError::OptionValueMismatch { .. }) => {
                        return Err(mismatch);
                    }
                    Ok(_) | Err(_) => return Err(MonitorNodesError::ImproperList),
                }
            }
            Self::Map(pairs) => MonitorOptions::from_map(pairs)?,
            Self::Other(term) => return Err(MonitorNodesError::InvalidOptions(term)),
        };
        Ok((flag, options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn term(text: &str) -> OptionTerm {
        if text.starts_with(|c: char| c.is_ascii_lowercase()) {
            OptionTerm::Atom(Atom::new(text).unwrap())
        } else {
            OptionTerm::Other(text.into())
        }
    }

    /// Elements of a list without commas inside: `a`, `{a b}`, or anything else.
    fn list(text: &str) -> Vec<ListOption> {
        let element = |text: &str| {
            let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            match (inner.and_then(|inner| inner.split_once(' ')), term(text)) {
                (Some((key, value)), _) => ListOption::Pair(Atom::new(key).unwrap(), term(value)),
                (None, OptionTerm::Atom(atom)) => ListOption::Atom(atom),
                (None, OptionTerm::Other(text)) => ListOption::Other(text),
            }
        };
        text.split(',').filter(|text| !text.is_empty()).map(element).collect()
    }

    /// Pairs of a map: `a=b,c=d`.
    fn map(text: &str) -> Vec<(OptionTerm, OptionTerm)> {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (term(key), term(value))).collect()
    }

    fn from_list(text: &str) -> Result<MonitorOptions, String> {
        MonitorOptions::from_list(list(text)).map_err(|error| error.to_string())
    }

    fn from_map(text: &str) -> Result<MonitorOptions, String> {
        MonitorOptions::from_map(map(text)).map_err(|error| error.to_string())
    }

    //= docs/spec/monitor.md#monitor-key
    //= type=test
    #[test]
    fn what_means_the_same_is_the_same_key() {
        let (list, map) = (MonitorOptions::LIST, MonitorOptions::MAP);
        assert_eq!(from_list(""), Ok(list));
        assert_eq!(from_map(""), Ok(map));
        assert_ne!(list, map);
        assert_eq!(from_map("connection_id=false,nodedown_reason=false"), Ok(map));
        let both = list.connection_id().nodedown_reason();
        assert_eq!(from_list("connection_id,nodedown_reason"), Ok(both));
        assert_eq!(from_list("nodedown_reason,connection_id,nodedown_reason"), Ok(both));
        let all = "{node_type all}";
        assert_eq!(from_list(all), Ok(list.node_types(NodeTypes::All)));
        assert_eq!(from_list(&[all, all].join(",")), from_list(all));
        assert_ne!(from_list(all), from_list("{node_type visible}"));
        assert_ne!(from_list("{node_type visible}"), from_list(""), "it is told in the event");
        let all_in_a_map = from_map("node_type=all,nodedown_reason=true,connection_id=true");
        assert_eq!(all_in_a_map, Ok(MonitorOptions::ALL));
        assert_eq!(from_map("node_type=hidden"), Ok(map.node_types(NodeTypes::Hidden)));
    }

    //= docs/spec/monitor.md#monitor-error-list
    //= type=test
    #[test]
    fn lists_fail_as_in_erlang() {
        for (options, error) in [
            (
                "{node_type visible},{node_type hidden},{node_type all}",
                "{option_value_mismatch,[{node_type,hidden},{node_type,visible}]}",
            ),
            (
                "foo,{node_type x},{node_type visible}",
                "{option_value_mismatch,[{node_type,visible},{node_type,x}]}",
            ),
            (
                "{node_type 1},{node_type 1.0}",
                "{option_value_mismatch,[{node_type,1.0},{node_type,1}]}",
            ),
            ("{node_type x},{node_type x},foo", "{bad_option_value,{node_type,x}}"),
            ("connection_id,{node_type 'X'}", "{bad_option_value,{node_type,'X'}}"),
            ("foo,bar,baz", "{unknown_options,[foo,bar,baz]}"),
            ("foo,foo", "{unknown_options,[foo,foo]}"),
            (
                "foo,bar,foo,connection_id,nodedown_reason",
                "{unknown_options,[connection_id,foo,bar,foo]}",
            ),
            (
                "connection_id,foo,nodedown_reason,{node_type hidden}",
                "{unknown_options,[connection_id,foo]}",
            ),
            ("{nodedown_reason true}", "{unknown_options,[{nodedown_reason,true}]}"),
            ("{connection_id true}", "{unknown_options,[{connection_id,true}]}"),
            ("list,17", "{unknown_options,[list,17]}"),
        ] {
            let expected = ["{error,", error, "}"].concat();
            assert_eq!(from_list(options), Err(expected), "{options}");
        }
    }

    //= docs/spec/monitor.md#monitor-error-map
    //= type=test
    #[test]
    fn maps_fail_as_in_erlang() {
        for (options, error) in [
            (
                "connection_id=x,nodedown_reason=y,node_type=z,u=1",
                "{bad_option_value,#{connection_id => x}}",
            ),
            ("nodedown_reason=y,node_type=z,u=1", "{bad_option_value,#{nodedown_reason => y}}"),
            ("node_type=z,u=1", "{bad_option_value,#{node_type => z}}"),
            ("node_type=false", "{bad_option_value,#{node_type => false}}"),
            ("connection_id=1", "{bad_option_value,#{connection_id => 1}}"),
            ("u=1,v=2,node_type=all", "{unknown_options,#{u => 1,v => 2}}"),
            ("list=true,node_type=hidden", "{unknown_options,#{list => true}}"),
            ("17=x", "{unknown_options,#{17 => x}}"),
        ] {
            let expected = ["{error,", error, "}"].concat();
            assert_eq!(from_map(options), Err(expected), "{options}");
        }
    }

    //= docs/spec/monitor.md#monitor-error-flag
    //= type=test
    //= docs/spec/monitor.md#monitor-error-shape
    //= type=test
    #[test]
    fn arguments_of_other_shapes_fail_as_in_erlang() {
        let check = |flag: &str, options: OptionsTerm| {
            options.check(&term(flag)).map_err(|error| error.to_string())
        };
        let bad_map = || OptionsTerm::Map(map("u=1"));
        assert_eq!(check("x", bad_map()), Err("error".into()), "the flag is first");
        assert_eq!(check("1", OptionsTerm::List(Vec::new())), Err("error".into()));
        let unknown = Err("{error,{unknown_options,#{u => 1}}}".into());
        assert_eq!(check("false", bad_map()), unknown);
        let invalid = Err("{error,{invalid_options,{a,b}}}".into());
        assert_eq!(check("true", OptionsTerm::Other(term("{a,b}"))), invalid);
        assert_eq!(
            check("false", OptionsTerm::List(list("connection_id"))),
            Ok((false, MonitorOptions::LIST.connection_id()))
        );

        let improper = |text: &str| check("true", OptionsTerm::ImproperList(list(text)));
        let internal = "{error,{internal_error,{'EXIT',{function_clause,[]}}}}";
        for elements in ["nodedown_reason", "foo", "{node_type x}"] {
            assert_eq!(improper(elements), Err(internal.into()));
        }
        let mismatch = "{error,{option_value_mismatch,[{node_type,b},{node_type,a}]}}";
        assert_eq!(improper("{node_type a},{node_type b}"), Err(mismatch.into()));
    }
}
