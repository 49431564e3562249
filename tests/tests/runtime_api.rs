//! The public items of both runtimes are the same up to `async`.
#![expect(clippy::wildcard_enum_match_arm, reason = "of all syntax, little concerns this test")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::{Attribute, ImplItem, Item, Signature, Type, UseTree, Visibility};

/// What only one of them has, and why.
const EXPLAINED: [(&str, &str); 7] = [
    ("ACCEPT_STACK", "only threads have stacks of a stated size"),
    ("READER_STACK", "as above"),
    ("WRITER_STACK", "as above"),
    ("Task", "only tasks are handed to an executor"),
    ("Node::new_on", "as above"),
    ("Node::serve_function", "a handler is a function there and a future here"),
    ("Node::serve_rpc", "as above"),
];

/// What a crate offers: names at its root, and what its own types are and do.
#[derive(Debug, Default)]
struct Api {
    names: BTreeSet<String>,
    /// By `Type::function`. Without `async`.
    functions: BTreeMap<String, Signature>,
    /// By type: the derives and the traits that are implemented by hand.
    traits: BTreeMap<String, BTreeSet<String>>,
}

#[test]
fn both_runtimes_offer_the_same() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let [blocking, smol] =
        ["runtime-blocking", "runtime-smol"].map(|name| Api::of(&sources(&top.join(name))));
    assert!(blocking.functions.len() > 25 && smol.names.len() > 20, "they were read");
    let explained = BTreeSet::from(EXPLAINED.map(|(name, _)| name.to_owned()));
    assert_eq!(differences(&blocking, &smol), explained, "left: found, right: explained");
}

/// What is in one file there is in the file of the same name here, but for types that one takes from the other.
#[test]
fn both_runtimes_have_the_same_files() {
    const TAKEN: [&str; 9] = [
        "call_error.rs",
        "config.rs",
        "cookie_file.rs",
        "epmd_config.rs",
        "epmd_handle.rs",
        "host_dirs.rs",
        "identity.rs",
        "item.rs",
        "verbosity.rs",
    ];
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let [blocking, smol] = ["runtime-blocking", "runtime-smol"].map(|package| {
        let entries = fs::read_dir(top.join(package).join("src")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".rs")).collect::<BTreeSet<_>>()
    });
    assert!(smol.len() > 5 && smol.is_subset(&blocking), "{smol:?}");
    let taken: BTreeSet<_> = blocking.difference(&smol).map(String::as_str).collect();
    assert_eq!(taken, BTreeSet::from(TAKEN));
}

#[test]
fn each_kind_of_difference_is_found() {
    let base =
        "pub use a::{A, B as C}; pub struct A; impl A { pub fn f(&self, x: u8) -> u8 { x } }";
    let same = base
        .replace("pub fn f", "pub async fn f")
        .replace("{ x }", "{ x + 1 }")
        .replace("u8)", "u8,)");
    assert_eq!(differences(&api(base), &api(&same)), BTreeSet::new());
    for (from, to, found) in [
        ("B as C", "B", &["B", "C"][..]),
        ("fn f", "fn g", &["A::f", "A::g"]),
        ("u8)", "u16)", &["A::f"]),
        ("-> u8", "", &["A::f"]),
        ("pub fn f", "fn f", &["A::f"]),
        ("pub struct A;", "#[derive(Clone)] pub struct A;", &["A"]),
        ("pub struct A;", "pub struct A; impl Drop for A { fn drop(&mut self) {} }", &["A"]),
        ("pub use", "pub mod m {} #[doc(hidden)] pub mod hidden {} pub use", &["m"]),
    ] {
        let found = found.iter().map(ToString::to_string).collect();
        assert_eq!(differences(&api(base), &api(&base.replace(from, to))), found, "{to}");
    }
}

fn api(text: &str) -> Api {
    Api::of(&[text.to_owned()])
}

/// The texts of the files of a runtime: its root first. What both share is in neither.
fn sources(package: &Path) -> Vec<String> {
    let files = fs::read_dir(package.join("src")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect();
    files.sort_by_key(|path| (!path.ends_with("lib.rs"), path.clone()));
    files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

impl Api {
    fn of(sources: &[String]) -> Self {
        let mut api = Self::default();
        for (at, text) in sources.iter().enumerate() {
            for item in syn::parse_file(text).unwrap().items {
                if at == 0 {
                    api.add_name(&item);
                }
                api.add_type(&item);
            }
        }
        let Self { names, functions, traits } = &mut api;
        functions.retain(|function, _| names.contains(function.split("::").next().unwrap()));
        traits.retain(|name, _| names.contains(name));
        api
    }

    /// What the root offers.
    fn add_name(&mut self, item: &Item) {
        match item {
            Item::Use(item) if is_public(&item.vis) => self.add_uses(&item.tree),
            Item::Mod(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                self.names.insert(item.ident.to_string());
            }
            _ => {}
        }
    }

    fn add_uses(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.add_uses(&path.tree),
            UseTree::Name(name) => drop(self.names.insert(name.ident.to_string())),
            UseTree::Rename(rename) => drop(self.names.insert(rename.rename.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_uses(tree)),
            UseTree::Glob(_) => panic!("a glob hides what is public"),
        }
    }

    /// What an item of any file says of a type.
    fn add_type(&mut self, item: &Item) {
        let (name, attributes) = match item {
            Item::Impl(block) => return self.add_impl(block),
            Item::Struct(item) => (&item.ident, &item.attrs),
            Item::Enum(item) => (&item.ident, &item.attrs),
            _ => return,
        };
        let traits = self.traits.entry(name.to_string()).or_default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
            let parsed = attribute.parse_nested_meta(|derive| {
                traits.insert(derive.path.get_ident().unwrap().to_string());
                Ok(())
            });
            parsed.unwrap();
        }
    }

    fn add_impl(&mut self, block: &syn::ItemImpl) {
        let Type::Path(path) = &*block.self_ty else { return };
        let name = path.path.segments.last().unwrap().ident.to_string();
        if let Some((_, of, _)) = &block.trait_ {
            let of = of.segments.last().unwrap().ident.to_string();
            self.traits.entry(name).or_default().insert(of);
            return;
        }
        for item in &block.items {
            let ImplItem::Fn(function) = item else { continue };
            if is_public(&function.vis) {
                let mut signature = function.sig.clone();
                signature.asyncness = None;
                // Where the longer line is broken.
                signature.inputs.pop_punct();
                self.functions.insert(format!("{name}::{}", signature.ident), signature);
            }
        }
    }
}

const fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    let is = |attribute: &&Attribute| attribute.path().is_ident("doc");
    attributes.iter().filter(is).any(|doc| doc.meta.require_list().is_ok())
}

/// What is not the same in both. A type that only one has in its own files is one that the other takes from there.
fn differences(one: &Api, other: &Api) -> BTreeSet<String> {
    let mut found: BTreeSet<_> = one.names.symmetric_difference(&other.names).cloned().collect();
    let own = |api: &Api, name: &str| api.traits.contains_key(name);
    for api in [one, other] {
        for (name, traits) in &api.traits {
            let both = own(one, name) && own(other, name);
            if both
                && (one.traits.get(name), other.traits.get(name)) != (Some(traits), Some(traits))
            {
                found.insert(name.clone());
            }
        }
        for function in api.functions.keys() {
            let name = function.split("::").next().unwrap();
            let both = own(one, name) && own(other, name);
            if both && one.functions.get(function) != other.functions.get(function) {
                found.insert(function.clone());
            }
        }
    }
    found
}
