//! Modules of tests, compiled once for each release: to start the compiler takes a node longer than all else it does.

use core::hash::{Hash as _, Hasher as _};
use std::collections::hash_map::DefaultHasher;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::{Release, TempDir};

/// The module for `code:load_abs/1`: its file without the extension. It is kept beside the programs of the tests, for other processes, too.
///
/// # Panics
/// If it does not compile.
pub(super) fn compiled(release: Release, module: &str, source: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    let programs = env::current_exe().expect("the program of this test");
    let version = format!("{release}-{:016x}", hasher.finish());
    let folder = programs.with_file_name("beams").join(version);
    let path = folder.join(module);
    if !path.with_extension("beam").exists() {
        fs::create_dir_all(&folder).expect("a folder beside the programs");
        compile(release, module, source, &folder);
    }
    path
}

/// Several processes may do so at once: each renames a file of its own.
fn compile(release: Release, module: &str, source: &str, folder: &Path) {
    let home = TempDir::new();
    let text = home.path().join(module).with_extension("erl");
    fs::write(&text, source).expect("a file in a new folder");
    let mut erlc = Command::new(release.program("erlc"));
    erlc.env("HOME", home.path()).arg("-o").arg(home.path()).arg(&text);
    let told = erlc.output().expect("erlc runs");
    assert!(told.status.success(), "{module}: {}", String::from_utf8_lossy(&told.stdout));
    let name = home.path().file_name().expect("it has a name");
    let own = folder.join(name);
    fs::copy(text.with_extension("beam"), &own).expect("what erlc has written");
    fs::rename(&own, folder.join(module).with_extension("beam"))
        .expect("a file in the same folder");
}
