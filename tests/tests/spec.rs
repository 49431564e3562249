//! The requirements in `docs/spec`, the code and the tests agree; `docs/spec/matrix.md` says how.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use netkernel_tests::spec::{File, SPEC_DIR, check};
use std::fs;
use std::path::Path;

#[test]
fn every_requirement_has_a_test_and_every_citation_a_requirement() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    walk(top, "", &mut files);
    files.sort();
    let (specs, sources): (Vec<File>, Vec<File>) =
        files.into_iter().partition(|(path, _)| path.starts_with(SPEC_DIR));

    let matrix = check(&specs, &sources).unwrap_or_else(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{} problems\n{}", lines.len(), lines.join("\n"))
    });

    let path = top.join(SPEC_DIR).join("matrix.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &matrix).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == matrix,
        "{SPEC_DIR}matrix.md is out of date: run this test with UPDATE_DOCS=1"
    );
}

/// Every Rust file of the repository, and the requirements.
fn walk(top: &Path, path: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(top.join(path)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        let requirements = path.starts_with(SPEC_DIR)
            && name.ends_with(".md")
            && !["README.md", "matrix.md"].contains(&name.as_str());
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && !name.starts_with('.') {
                walk(top, &path, files);
            }
        } else if requirements || name.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).unwrap();
            files.push((path, text));
        }
    }
}
