//! The layers of the core go one way: a module uses only those below it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first. Modules of one row know nothing of each other.
const LAYERS: [&[&str]; 13] = [
    &["any", "time", "ids", "entropy", "creation", "family", "flags", "diagram"],
    &["term", "timers"],
    &["name"],
    &["cookie"],
    &["stream"],
    &["wire"],
    &["handshake", "epmd", "liveness", "ticker"],
    &["net_adm"],
    &["net_kernel", "link"],
    &["process", "epmd_server", "start_flags"],
    &["calls"],
    &["driver"],
    &["fuzzing"],
];

/// What `lib.rs` exports again at the root of the crate, and where it is from.
const ROOT: [(&str, &str); 21] = [
    ("Challenge", "cookie"),
    ("Cookie", "cookie"),
    ("CookieError", "cookie"),
    ("Cookies", "cookie"),
    ("Digest", "cookie"),
    ("Creation", "creation"),
    ("Entropy", "entropy"),
    ("Family", "family"),
    ("Flags", "flags"),
    ("NodeType", "flags"),
    ("LinkId", "ids"),
    ("MailboxId", "ids"),
    ("PingId", "ids"),
    ("RequestId", "ids"),
    ("StreamId", "ids"),
    ("NameError", "name"),
    ("NodeName", "name"),
    ("PeerName", "name"),
    ("Instant", "time"),
    ("Mint", "ids"),
    ("Minter", "ids"),
];

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that `crate::` names in a text, tests and comments left out.
fn used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut modules = Vec::new();
    for (at, _) in lines.match_indices("crate::") {
        let rest = &lines[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default(),
            None => {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
            }
        };
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let first = name.split("::").next().unwrap_or_default();
            let module =
                ROOT.iter().find(|(item, _)| *item == first).map_or(first, |(_, module)| module);
            modules.push(module.to_owned());
        }
    }
    modules
}

#[test]
fn every_module_of_the_core_uses_only_what_is_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.sort();
    assert!(files.len() > 50, "the sources are found");
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let module =
            inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        // The tests of a module may look around.
        let is_test = inside
            .iter()
            .any(|part| ["tests.rs", "matrix", "generate.rs"].iter().any(|t| part == *t));
        if module == "lib" || is_test {
            continue;
        }
        let own = rank(&module).unwrap_or_else(|| panic!("{module} has no layer yet"));
        for other in used(&fs::read_to_string(&file).unwrap()) {
            let Some(below) = rank(&other) else {
                wrong.push(format!("{}: what is crate::{other}?", inside.display()));
                continue;
            };
            if other != module && below >= own {
                wrong.push(format!("{}: {module} must not use {other}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_check_sees_uses_and_leaves_comments_and_tests_out() {
    let text = "use crate::link::Limits;\nuse crate::{Creation, process::Origin};\n// use crate::driver;\nlet x = crate::wire::y();\n#[cfg(test)]\nmod tests { use crate::fuzzing; }";
    assert_eq!(used(text), ["link", "creation", "process", "wire"]);
}
