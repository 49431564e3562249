//! The requirements that the demo shows, with the sentences of `docs/spec`.

/// A sentence of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    /// Its id.
    pub(super) id: &'static str,
    /// Which sentence of it, counted from 0.
    sentence: usize,
}

const SPEC: [&str; 8] = [
    include_str!("../../../docs/spec/channel.md"),
    include_str!("../../../docs/spec/epmd.md"),
    include_str!("../../../docs/spec/handshake.md"),
    include_str!("../../../docs/spec/kernel.md"),
    include_str!("../../../docs/spec/monitor.md"),
    include_str!("../../../docs/spec/nodedown.md"),
    include_str!("../../../docs/spec/tick.md"),
    include_str!("../../../docs/spec/ticktime.md"),
];

macro_rules! rules {
    ($($name:ident = $id:literal, $sentence:literal;)+) => {
        $(pub(super) const $name: Rule = Rule { id: $id, sentence: $sentence };)+
        #[cfg(test)]
        const ALL: &[Rule] = &[$($name),+];
    };
}

rules! {
    SERVICE = "epmd-server-service", 0;
    NAMES = "epmd-names-order", 1;
    NAME_HELD = "epmd-server-held", 1;
    CREATION = "epmd-server-creation", 0;
    START = "kernel-start", 0;
    OWN_NODE = "monitor-own-node", 0;
    TOLD_FIRST = "hs-link-order", 0;
    ACCEPTED = "hs-acceptor-ack", 0;
    CONNECTED = "kernel-waiters", 0;
    PING = "ch-ping", 1;
    VISIBLE = "hs-visible", 0;
    NODES = "kernel-nodes", 0;
    TRANSITION = "ticktime-aux-ticks", 0;
    ONGOING = "ticktime-ongoing", 0;
    SHORTER = "ticktime-shorter", 0;
    NOBODY_DOWN = "ticktime-too-late", 0;
    MISSED = "tick-missed", 0;
    SILENT = "tick-timeout", 2;
    LATE = "tick-late", 1;
    DISCONNECTED = "nodedown-disconnect", 0;
    CLOSED = "nodedown-connection-closed", 0;
    NEW_LINK = "monitor-connection-id", 0;
}

impl Rule {
    /// The sentence, as it stands in `docs/spec`.
    pub(super) fn text(self) -> String {
        let heading = format!("### {}\n", self.id);
        let body = SPEC.iter().find_map(|spec| Some(spec.split_once(&heading)?.1));
        let body = body.unwrap_or_default().split("\n*Evidence*").next().unwrap_or_default();
        let body = body.replace('\n', " ");
        let sentence = body.split(". ").nth(self.sentence).unwrap_or_default();
        format!("{}.", sentence.trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_sentence() {
        for rule in ALL {
            let heading = format!("### {}\n", rule.id);
            assert!(SPEC.iter().any(|spec| spec.contains(&heading)), "{rule:?}");
            let text = rule.text();
            assert!(text.len() > 20 && !text.contains(['\n', '#', '*']), "{rule:?}: {text}");
            assert!(
                text.starts_with(|first: char| first.is_uppercase() || first == '`'),
                "{rule:?}: {text}"
            );
        }
    }
}
