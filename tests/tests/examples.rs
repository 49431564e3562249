//! The examples of both runtimes are the same up to `async`.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What only one of them has: an executor is needed for `smol` alone.
const OWN: [&str; 1] = ["tokio.rs"];

/// By file name: the text without what differs, and without the layout, which follows from that.
fn examples(package: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(package);
    let entries = fs::read_dir(folder.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let named = entries.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    let own = |name: &String| !OWN.contains(&name.as_str());
    named.filter(|(name, _)| own(name)).map(|(name, text)| (name, sync(&text))).collect()
}

fn sync(text: &str) -> String {
    const RESULT: &str = "-> Result<(), Box<dyn Error>> {";
    let main =
        format!("fn main() {RESULT}\n    future::block_on(run())\n}}\n\nasync fn run() {RESULT}");
    let text = text.replace(&main, &format!("fn main() {RESULT}"));
    let text = text.replace("use futures_lite::future;\n", "").replace("smol", "blocking");
    let text = text.replace("async_", "").replace("async ", "");
    let bare: String = text.split_whitespace().collect();
    bare.replace(".await", "").replace(",)", ")").replace(",}", "}")
}

#[test]
fn both_runtimes_have_the_same_examples() {
    let (blocking, smol) = (examples("runtime-blocking"), examples("runtime-smol"));
    assert!(blocking.len() >= 4, "they were read");
    assert_eq!(blocking.keys().collect::<Vec<_>>(), smol.keys().collect::<Vec<_>>());
    for (name, text) in &blocking {
        assert_eq!(text, &smol[name], "{name}");
    }
}
