//! The fuzz targets of this package hold on their corpora; and every program of `fuzz/` is a target of core or of this package.

use std::fs;
use std::path::{Path, PathBuf};

use netkernel_tests::fuzzing::TARGETS;

fn fuzz(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(folder)
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<_> = files.flatten().map(|file| file.path()).collect();
    files.sort();
    files
}

#[test]
fn every_target_holds_on_its_corpus_and_on_the_empty_input() {
    for (name, target) in TARGETS {
        target(&[]);
        let files = sorted(&fuzz("corpus").join(name));
        assert!(!files.is_empty(), "{name} has no corpus");
        for file in files {
            eprintln!("{}", file.display()); // shown if it panics
            target(&fs::read(&file).unwrap());
        }
    }
}

#[test]
fn every_program_runs_a_target_of_core_or_of_this_package_and_has_a_corpus() {
    let mut ours = Vec::new();
    let mut names = Vec::new();
    for file in sorted(&fuzz("fuzz_targets")) {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let runs = |package: &str| text.contains(&format!("\nuse {package}::fuzzing::{name};\n"));
        // Core's own tests compare its list with the programs that name it.
        assert!(runs("netkernel_core") != runs("netkernel_tests"), "{file:?}");
        if runs("netkernel_tests") {
            ours.push(name.clone());
        }
        names.push(name);
    }
    assert_eq!(ours, TARGETS.map(|(name, _)| name));
    let corpora = sorted(&fuzz("corpus")).into_iter();
    let corpora: Vec<_> =
        corpora.flat_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect();
    assert_eq!(corpora, names);
}
