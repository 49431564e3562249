//! What a subscriber asks for.

use alloc::vec::Vec;

use super::MonitorNodesError;
use crate::flags::NodeType;
use crate::term::{Atom, Map, Term};

/// The options of one subscription, normalized: equal if and only if Erlang takes them for the same subscription.
///
/// In Rust they are built from [`Self::LIST`] or [`Self::MAP`]; those of an Erlang caller come from [`Self::check`].
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
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
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

    /// Checks the arguments of `monitor_nodes(Flag, Options)` as an Erlang node does, and gives them typed.
    ///
    /// # Errors
    /// Exactly what Erlang answers: first of all of a flag that is no boolean, then of the options.
    pub fn check(flag: &Term, options: &Term) -> Result<(bool, Self), MonitorNodesError> {
        //= docs/spec/monitor.md#monitor-error-flag
        let flag = boolean(flag).ok_or(MonitorNodesError::Flag)?;
        Ok((flag, Self::from_term(options)?))
    }

    /// From what an Erlang caller gave: a list or a map.
    ///
    /// # Errors
    /// What Erlang answers, checked in its order: of a list `node_type` with two values, `node_type` with a bad one, unknown options;
    /// of a map a bad value of `connection_id`, of `nodedown_reason`, of `node_type`, unknown keys.
    pub fn from_term(options: &Term) -> Result<Self, MonitorNodesError> {
        if let Term::Map(pairs) = options {
            return Self::from_map(pairs);
        }
        let Term::List(list) = options else {
            return Err(MonitorNodesError::InvalidOptions(options.clone()));
        };
        let read = Self::read_list(list.elements());
        if list.tail().is_some() {
            // The end of the list is only missed once two values of node_type have been looked for.
            return Err(match read {
                Err(mismatch @ MonitorNodesError::OptionValueMismatch { .. }) => mismatch,
                Ok(_) | Err(_) => MonitorNodesError::ImproperList,
            });
        }
        match read? {
            (options, None) => Ok(options),
            (_, Some(unknown)) => Err(MonitorNodesError::UnknownOptions(unknown)),
        }
    }

    fn from_map(pairs: &Map) -> Result<Self, MonitorNodesError> {
        let mut unknown = pairs.clone();
        let mut take = |key: &'static str| unknown.remove(&Term::literal(key));
        let bad = |key, value| MonitorNodesError::BadMapValue { key: Atom::literal(key), value };
        let mut truth = |key| match take(key) {
            None => Ok(false),
            Some(value) => boolean(&value).ok_or_else(|| bad(key, value)),
        };
        let mut options = Self::MAP;
        //= docs/spec/monitor.md#monitor-error-map
        options.connection_id = truth("connection_id")?;
        options.nodedown_reason = truth("nodedown_reason")?;
        if let Some(value) = take("node_type") {
            let Some(types) = node_types(&value) else { return Err(bad("node_type", value)) };
            options = options.node_types(types);
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
    fn read_list(list: &[Term]) -> Result<(Self, Option<Vec<Term>>), MonitorNodesError> {
        let mut options = Self::LIST;
        let mut node_type: Option<&Term> = None;
        let mut others = Vec::new();
        let mut all_known = true;
        for option in list {
            if let Some([key, later]) = option.as_tuple() {
                if *key == Term::literal("node_type") {
                    if let Some(earlier) = node_type.filter(|earlier| *earlier != later) {
                        let (later, earlier) = (later.clone(), earlier.clone());
                        return Err(MonitorNodesError::OptionValueMismatch { later, earlier });
                    }
                    node_type = Some(later);
                    continue;
                }
            }
            match option.as_atom().map(Atom::as_str) {
                Some("nodedown_reason") => {
                    options.nodedown_reason = true;
                    continue;
                }
                Some("connection_id") => options.connection_id = true,
                Some(_) | None => all_known = false,
            }
            others.push(option.clone());
        }
        let typed = node_type.is_some();
        if let Some(value) = node_type {
            match node_types(value) {
                Some(types) => options = options.node_types(types),
                None => return Err(MonitorNodesError::BadNodeType(value.clone())),
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

fn boolean(term: &Term) -> Option<bool> {
    match term.as_atom()?.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn node_types(term: &Term) -> Option<NodeTypes> {
    match term.as_atom()?.as_str() {
        "all" => Some(NodeTypes::All),
        "hidden" => Some(NodeTypes::Hidden),
        "visible" => Some(NodeTypes::Visible),
        _ => None,
    }
}

made_of!(MonitorOptions, (bool, Option<NodeTypes>, bool, bool), |(
    map,
    types,
    connection_id,
    nodedown_reason,
)| {
    let mut options = if map { MonitorOptions::MAP } else { MonitorOptions::LIST };
    if let Some(types) = types {
        options = options.node_types(types);
    }
    if connection_id {
        options = options.connection_id();
    }
    if nodedown_reason { options.nodedown_reason() } else { options }
});

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    fn term(text: &str) -> Term {
        text.parse().unwrap()
    }

    fn check(flag: &str, options: &str) -> Result<(bool, MonitorOptions), String> {
        MonitorOptions::check(&term(flag), &term(options)).map_err(|error| error.to_string())
    }

    fn options(text: &str) -> Result<MonitorOptions, String> {
        check("true", text).map(|(_, options)| options)
    }

    //= docs/spec/monitor.md#monitor-key
    //= type=test
    #[test]
    fn what_means_the_same_is_the_same_key() {
        let (list, map) = (MonitorOptions::LIST, MonitorOptions::MAP);
        assert_eq!(options("[]"), Ok(list));
        assert_eq!(options("#{}"), Ok(map));
        assert_ne!(list, map);
        assert_eq!(options("#{connection_id => false,nodedown_reason => false}"), Ok(map));
        let both = list.connection_id().nodedown_reason();
        assert_eq!(options("[connection_id,nodedown_reason]"), Ok(both));
        assert_eq!(options("[nodedown_reason,connection_id,nodedown_reason]"), Ok(both));
        let all = "[{node_type,all}]";
        assert_eq!(options(all), Ok(list.node_types(NodeTypes::All)));
        assert_eq!(options("[{node_type,all},{node_type,all}]"), options(all));
        let visible = options("[{node_type,visible}]");
        assert_eq!(visible, Ok(list.node_types(NodeTypes::Visible)));
        assert_ne!(options(all), visible);
        assert_ne!(visible, options("[]"), "it is told in the event");
        let all_in_a_map =
            options("#{node_type => all,nodedown_reason => true,connection_id => true}");
        assert_eq!(all_in_a_map, Ok(MonitorOptions::ALL));
        assert_eq!(options("#{node_type => hidden}"), Ok(map.node_types(NodeTypes::Hidden)));
    }

    //= docs/spec/monitor.md#monitor-error-list
    //= type=test
    #[test]
    fn lists_fail_as_in_erlang() {
        for (text, error) in [
            (
                "[{node_type,visible},{node_type,hidden},{node_type,all}]",
                "{option_value_mismatch,[{node_type,hidden},{node_type,visible}]}",
            ),
            (
                "[foo,{node_type,x},{node_type,visible}]",
                "{option_value_mismatch,[{node_type,visible},{node_type,x}]}",
            ),
            (
                "[{node_type,1},{node_type,1.0}]",
                "{option_value_mismatch,[{node_type,1.0},{node_type,1}]}",
            ),
            ("[{node_type,x},{node_type,x},foo]", "{bad_option_value,{node_type,x}}"),
            ("[connection_id,{node_type,'X'}]", "{bad_option_value,{node_type,'X'}}"),
            ("[foo,bar,baz]", "{unknown_options,[foo,bar,baz]}"),
            ("[foo,foo]", "{unknown_options,[foo,foo]}"),
            (
                "[foo,bar,foo,connection_id,nodedown_reason]",
                "{unknown_options,[connection_id,foo,bar,foo]}",
            ),
            (
                "[connection_id,foo,nodedown_reason,{node_type,hidden}]",
                "{unknown_options,[connection_id,foo]}",
            ),
            ("[{nodedown_reason,true}]", "{unknown_options,[{nodedown_reason,true}]}"),
            ("[{connection_id,true}]", "{unknown_options,[{connection_id,true}]}"),
            ("[list,17]", "{unknown_options,[list,17]}"),
        ] {
            let expected = ["{error,", error, "}"].concat();
            assert_eq!(options(text), Err(expected), "{text}");
        }
    }

    //= docs/spec/monitor.md#monitor-error-map
    //= type=test
    #[test]
    fn maps_fail_as_in_erlang() {
        for (text, error) in [
            (
                "#{connection_id => x,nodedown_reason => y,node_type => z,u => 1}",
                "{bad_option_value,#{connection_id => x}}",
            ),
            (
                "#{nodedown_reason => y,node_type => z,u => 1}",
                "{bad_option_value,#{nodedown_reason => y}}",
            ),
            ("#{node_type => z,u => 1}", "{bad_option_value,#{node_type => z}}"),
            ("#{node_type => false}", "{bad_option_value,#{node_type => false}}"),
            ("#{connection_id => 1}", "{bad_option_value,#{connection_id => 1}}"),
            ("#{u => 1,v => 2,node_type => all}", "{unknown_options,#{u => 1,v => 2}}"),
            ("#{list => true,node_type => hidden}", "{unknown_options,#{list => true}}"),
            ("#{17 => x}", "{unknown_options,#{17 => x}}"),
        ] {
            let expected = ["{error,", error, "}"].concat();
            assert_eq!(options(text), Err(expected), "{text}");
        }
    }

    //= docs/spec/monitor.md#monitor-error-flag
    //= type=test
    //= docs/spec/monitor.md#monitor-error-shape
    //= type=test
    #[test]
    fn arguments_of_other_shapes_fail_as_in_erlang() {
        assert_eq!(check("x", "#{u => 1}"), Err("error".into()), "the flag is first");
        assert_eq!(check("1", "[]"), Err("error".into()));
        let unknown = Err("{error,{unknown_options,#{u => 1}}}".into());
        assert_eq!(check("false", "#{u => 1}"), unknown);
        let invalid = Err("{error,{invalid_options,{a,b}}}".into());
        assert_eq!(check("true", "{a,b}"), invalid);
        let connection_id = MonitorOptions::LIST.connection_id();
        assert_eq!(check("false", "[connection_id]"), Ok((false, connection_id)));

        let internal = "{error,{internal_error,{'EXIT',{function_clause,[]}}}}";
        for improper in ["[nodedown_reason|x]", "[foo|y]", "[{node_type,x}|1]"] {
            assert_eq!(options(improper), Err(internal.into()));
        }
        let mismatch = "{error,{option_value_mismatch,[{node_type,b},{node_type,a}]}}";
        assert_eq!(options("[{node_type,a},{node_type,b}|x]"), Err(mismatch.into()));
    }
}
