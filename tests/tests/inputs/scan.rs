//! Which types of core its users hand to it, and which change: read from its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::punctuated::Punctuated;
use syn::{
    Attribute, Fields, FnArg, GenericArgument, ImplItem, Item, PathArguments, ReturnType,
    Signature, Token, TraitItem, Type, UseTree, Visibility,
};

/// Traits that users implement: what these take comes out of core, and what they return is handed to it.
const OF_USERS: [&str; 2] = ["Deliver", "Host"];

/// Where something is defined: its modules, and its name.
pub(crate) type At = Vec<String>;

/// What is known of the sources.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Names that a module knows by `use`, and what they mean, seen from the root.
    uses: BTreeMap<At, At>,
    /// Modules of which everything is used.
    globs: BTreeMap<At, Vec<At>>,
    /// Public types.
    types: BTreeSet<At>,
    /// Names that a module defines.
    defined: BTreeSet<At>,
    /// Types that public functions take, as they are written, and from which module.
    taken: Vec<(At, Type)>,
    /// Types of what is public in a type.
    parts: Vec<(At, At, Type)>,
    /// Types that are `Copy`.
    copied: BTreeSet<At>,
    /// Types that a public function of their own changes or takes away, and from which module.
    moved: Vec<(At, Type)>,
}

impl Sources {
    /// Those of a package, from the folder that has its `lib.rs`.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut sources = Self::default();
        sources.file(&folder.join("lib.rs"), folder, &[]);
        sources
    }

    /// Those of a `lib.rs` with this text, whose module `a::b` has that one.
    pub(crate) fn of(root: &str, inner: &str) -> Self {
        let mut sources = Self::default();
        let file = |text| syn::parse_file(text).unwrap().items;
        for item in file(root) {
            sources.item(&item, Path::new("nowhere"), &[]);
        }
        for item in file(inner) {
            sources.item(&item, Path::new("nowhere"), &["a".to_owned(), "b".to_owned()]);
        }
        sources
    }

    /// Where the type of a list is defined: `core::net_kernel::Input`, with blanks or without.
    pub(crate) fn find(&self, path: &str) -> At {
        let path = path.split('<').next().unwrap_or_default();
        let path: At = path.split("::").skip(1).map(|part| part.trim().to_owned()).collect();
        self.resolve(&[], &path).unwrap_or(path)
    }

    /// All types that are machines, or may be parts of one: a public function of theirs changes them, or makes something else of
    /// them. What can be copied is a value, and what borrows is a cursor.
    pub(crate) fn machines(&self) -> BTreeSet<At> {
        let mut found = Vec::new();
        for (module, moved) in &self.moved {
            self.named(module, moved, &mut found);
        }
        found.retain(|at| self.types.contains(at) && !self.copied.contains(at));
        found.into_iter().collect()
    }

    /// All types that are inputs: what a public function takes by value or to look at, what a function of users returns, messages that
    /// can be emitted, and what is public in one of these.
    pub(crate) fn inputs(&self) -> BTreeSet<At> {
        let mut found = BTreeSet::new();
        let mut next: Vec<At> = Vec::new();
        for (module, taken) in &self.taken {
            self.named(module, taken, &mut next);
        }
        while let Some(at) = next.pop() {
            if self.types.contains(&at) && found.insert(at.clone()) {
                for (_, module, part) in self.parts.iter().filter(|(owner, ..)| *owner == at) {
                    self.named(module, part, &mut next);
                }
            }
        }
        found
    }

    /// What a path means, from a module.
    pub(crate) fn resolve(&self, module: &[String], path: &[String]) -> Option<At> {
        let (first, rest) = path.split_first()?;
        let base: At = match first.as_str() {
            "crate" | "netkernel_core" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module[..module.len() - 1].to_vec(),
            name => {
                let here = [module, &[name.to_owned()]].concat();
                if self.defined.contains(&here) {
                    here
                } else if let Some(target) = self.uses.get(&here) {
                    self.resolve(&[], target)?
                } else {
                    let globs = self.globs.get(module)?;
                    return globs.iter().find_map(|glob| {
                        let from = self.resolve(&[], glob).unwrap_or_else(|| glob.clone());
                        (from != module).then(|| self.resolve(&from, path))?
                    });
                }
            }
        };
        if rest.is_empty() { Some(base) } else { self.resolve(&base, rest) }
    }

    fn file(&mut self, file: &Path, folder: &Path, module: &[String]) {
        let text = fs::read_to_string(file).unwrap();
        for item in syn::parse_file(&text).unwrap().items {
            self.item(&item, folder, module);
        }
    }

    fn item(&mut self, item: &Item, folder: &Path, module: &[String]) {
        let here = |name: &dyn ToString| [module, &[name.to_string()]].concat();
        match item {
            Item::Mod(item) if !is_optional(&item.attrs) => {
                let name = item.ident.to_string();
                let inner = here(&name);
                self.defined.insert(inner.clone());
                let folder = folder.join(&name);
                if let Some((_, items)) = &item.content {
                    items.iter().for_each(|item| self.item(item, &folder, &inner));
                } else if folder.join("mod.rs").exists() {
                    self.file(&folder.join("mod.rs"), &folder, &inner);
                } else if folder.with_extension("rs").exists() {
                    self.file(&folder.with_extension("rs"), &folder, &inner);
                }
            }
            Item::Use(item) => self.import(&item.tree, module, Vec::new()),
            Item::Struct(item) => {
                let at = here(&item.ident);
                self.defined.insert(at.clone());
                self.copied.extend(is_copy(&item.attrs).then(|| at.clone()));
                if is_public(&item.vis) {
                    self.types.insert(at.clone());
                    self.fields(&at, module, &item.fields, false);
                }
            }
            Item::Enum(item) => {
                let at = here(&item.ident);
                self.defined.insert(at.clone());
                self.copied.extend(is_copy(&item.attrs).then(|| at.clone()));
                if is_public(&item.vis) {
                    self.types.insert(at.clone());
                    for variant in &item.variants {
                        self.fields(&at, module, &variant.fields, true);
                    }
                }
            }
            Item::Fn(item) if is_public(&item.vis) => self.function(module, &item.sig),
            Item::Trait(item) if is_public(&item.vis) => {
                let of_users = OF_USERS.contains(&&*item.ident.to_string());
                for item in &item.items {
                    if let TraitItem::Fn(function) = item {
                        if of_users {
                            self.function_of_users(module, &function.sig);
                        } else {
                            self.function(module, &function.sig);
                        }
                    }
                }
            }
            Item::Impl(block) if block.trait_.is_none() => {
                for item in &block.items {
                    if let ImplItem::Fn(function) = item
                        && is_public(&function.vis)
                    {
                        self.function(module, &function.sig);
                        if function.sig.ident == "emit" {
                            self.taken.push((module.to_vec(), (*block.self_ty).clone()));
                        }
                        if moves(&function.sig) && !borrows(&block.self_ty) {
                            self.moved.push((module.to_vec(), (*block.self_ty).clone()));
                        }
                    }
                }
            }
            // Of ids, which are `Copy`: what is documented, and the name.
            Item::Macro(item) if item.mac.path.is_ident("id") => {
                let tokens = item.mac.tokens.to_string();
                let before = tokens.rsplit(',').nth(1);
                let name = before.and_then(|before| before.split_whitespace().next_back());
                let at = here(&name.unwrap());
                self.defined.insert(at.clone());
                self.copied.insert(at.clone());
                self.types.insert(at);
            }
            _ => {}
        }
    }

    fn fields(&mut self, at: &At, module: &[String], fields: &Fields, all: bool) {
        for field in fields.iter().filter(|field| all || is_public(&field.vis)) {
            self.parts.push((at.clone(), module.to_vec(), field.ty.clone()));
        }
    }

    fn function(&mut self, module: &[String], signature: &Signature) {
        for argument in &signature.inputs {
            if let FnArg::Typed(argument) = argument
                && !matches!(&*argument.ty, Type::Reference(it) if it.mutability.is_some())
            {
                self.taken.push((module.to_vec(), (*argument.ty).clone()));
            }
        }
    }

    fn function_of_users(&mut self, module: &[String], signature: &Signature) {
        if let ReturnType::Type(_, returned) = &signature.output {
            self.taken.push((module.to_vec(), (**returned).clone()));
        }
    }

    fn import(&mut self, tree: &UseTree, module: &[String], mut path: At) {
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.import(&tree.tree, module, path);
            }
            UseTree::Group(tree) => {
                tree.items.iter().for_each(|tree| self.import(tree, module, path.clone()));
            }
            UseTree::Name(tree) => {
                let name = tree.ident.to_string();
                path.push(name.clone());
                if name == "self" {
                    path.pop();
                }
                self.rename(module, path.last().cloned().unwrap(), path);
            }
            UseTree::Rename(tree) => {
                path.push(tree.ident.to_string());
                self.rename(module, tree.rename.to_string(), path);
            }
            UseTree::Glob(_) => {
                let from = absolute(module, path);
                self.globs.entry(module.to_vec()).or_default().push(from);
            }
        }
    }

    fn rename(&mut self, module: &[String], name: String, path: At) {
        let from = absolute(module, path);
        let here = [module, &[name]].concat();
        if from != here {
            self.uses.insert(here, from);
        }
    }

    /// Every type of the package that is named in one.
    fn named(&self, module: &At, of: &Type, found: &mut Vec<At>) {
        match of {
            Type::Path(of) => {
                let path: At = of.path.segments.iter().map(|it| it.ident.to_string()).collect();
                found.extend(self.resolve(module, &path));
                for segment in &of.path.segments {
                    if let PathArguments::AngleBracketed(arguments) = &segment.arguments {
                        for argument in &arguments.args {
                            if let GenericArgument::Type(of) = argument {
                                self.named(module, of, found);
                            }
                        }
                    }
                }
            }
            Type::Reference(of) => self.named(module, &of.elem, found),
            Type::Slice(of) => self.named(module, &of.elem, found),
            Type::Array(of) => self.named(module, &of.elem, found),
            Type::Tuple(of) => of.elems.iter().for_each(|of| self.named(module, of, found)),
            Type::Paren(of) => self.named(module, &of.elem, found),
            _ => {}
        }
    }
}

/// `use` of 2018 and later: what begins with no keyword is of the module, or of another package.
fn absolute(module: &[String], path: At) -> At {
    let mut base = module.to_vec();
    let mut rest = path.as_slice();
    while let [first, others @ ..] = rest {
        match first.as_str() {
            "crate" => base.clear(),
            "super" => {
                base.pop();
            }
            "self" => {}
            _ => break,
        }
        rest = others;
    }
    [["crate".to_owned()].as_slice(), &base, rest].concat()
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_copy(attributes: &[Attribute]) -> bool {
    let derived = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let mut paths = derived.flat_map(|attribute| {
        attribute.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated).unwrap()
    });
    paths.any(|path| path.is_ident("Copy"))
}

/// Whether this changes, or takes away, what it is called of.
fn moves(signature: &Signature) -> bool {
    let of = signature.receiver();
    of.is_some_and(|of| of.reference.is_none() || of.mutability.is_some())
}

/// Whether the type has a lifetime.
fn borrows(of: &Type) -> bool {
    let Type::Path(of) = of else { return false };
    let mut arguments = of.path.segments.iter().map(|segment| &segment.arguments);
    arguments.any(|arguments| {
        matches!(arguments, PathArguments::AngleBracketed(it)
            if it.args.iter().any(|it| matches!(it, GenericArgument::Lifetime(_))))
    })
}

/// Also what only some features have: strategies, and values of serde, whose types are not ours.
fn is_optional(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg"))
}
