//! Checks that requirements and tests cite each other, and writes the matrix requirement -> code -> test.
//!
//! The forms are described in `docs/spec/README.md`. Everything here works on texts; `tests/spec.rs` brings the files.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

/// A file: its path from the top of the repository with `/`, and its text.
pub type File = (String, String);

/// Where the requirements live.
pub const SPEC_DIR: &str = "docs/spec/";

/// Something that the requirements, or who cites them, got wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// A `### ` heading that is not made of `a-z 0-9 -`.
    BadId(String),
    /// A code citation that stands above a test: its `type=test` was forgotten.
    CodeAboveTest(String),
    /// Two requirements with the same id.
    DuplicateId(String),
    /// A `//=` line of another form.
    Malformed(String),
    /// A requirement without a line that begins with `*Evidence*`.
    NoEvidence(String),
    /// A requirement that no test cites.
    NoTest(String),
    /// A test citation that does not stand right above a `#[test]` function.
    NotAboveTest(String),
    /// A citation of a requirement that does not exist.
    UnknownId(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, what) = match self {
            Self::BadId(place) => (place, "a requirement's id is made of a-z, 0-9 and -"),
            Self::CodeAboveTest(place) => (place, "stands above a test without type=test"),
            Self::DuplicateId(place) => (place, "this id is taken"),
            Self::Malformed(place) => (place, "neither a citation nor a type=test right below one"),
            Self::NoEvidence(place) => (place, "has no *Evidence* line"),
            Self::NoTest(place) => (place, "no test cites it"),
            Self::NotAboveTest(place) => (place, "type=test, but not right above a #[test] fn"),
            Self::UnknownId(place) => (place, "there is no such requirement"),
        };
        write!(f, "{place}: {what}")
    }
}

/// Who cites a requirement.
#[derive(Debug, Default)]
struct Cited {
    /// Paths of the files whose code cites it.
    code: BTreeSet<String>,
    /// Path and function of the tests that cite it.
    tests: BTreeSet<(String, String)>,
}

/// Requirements as `file.md#id`, in the order of the files, and who cites them.
#[derive(Debug, Default)]
struct Matrix(Vec<(String, Cited)>);

/// Checks the Rust files `sources` against the requirements in `specs`, and returns the text of the matrix.
///
/// # Errors
/// Everything that is wrong, in the order of the files.
pub fn check(specs: &[File], sources: &[File]) -> Result<String, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut matrix = Matrix::default();
    for (path, text) in specs {
        requirements(path, text, &mut matrix, &mut problems);
    }
    let index: BTreeMap<String, usize> =
        matrix.0.iter().enumerate().map(|(at, (id, _))| (id.clone(), at)).collect();
    for (path, text) in sources {
        for citation in citations(path, text, &mut problems) {
            let Some(&at) = index.get(citation.target) else {
                let place = format!("{path}:{} {}", citation.line, citation.target);
                problems.push(Problem::UnknownId(place));
                continue;
            };
            let cited = &mut matrix.0[at].1;
            match citation.test {
                Some(test) => _ = cited.tests.insert((path.clone(), test.to_owned())),
                None => _ = cited.code.insert(path.clone()),
            }
        }
    }
    for (id, cited) in &matrix.0 {
        if cited.tests.is_empty() {
            problems.push(Problem::NoTest(format!("{SPEC_DIR}{id}")));
        }
    }
    if problems.is_empty() { Ok(matrix.to_string()) } else { Err(problems) }
}

/// Collects the requirements of one file.
fn requirements(path: &str, text: &str, matrix: &mut Matrix, problems: &mut Vec<Problem>) {
    let file = path.strip_prefix(SPEC_DIR).unwrap_or(path);
    let mut open: Option<String> = None; // a requirement whose evidence was not seen yet
    let close = |open: &mut Option<String>, problems: &mut Vec<Problem>| {
        problems.extend(open.take().map(Problem::NoEvidence));
    };
    for (line, text) in text.lines().enumerate() {
        let place = || format!("{path}:{}", line + 1);
        if text.starts_with("*Evidence*") {
            open = None;
        } else if text.starts_with('#') {
            close(&mut open, problems);
        }
        let Some(id) = text.strip_prefix("### ").map(str::trim_end) else { continue };
        if id.is_empty() || !id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            problems.push(Problem::BadId(place()));
        } else if matrix.0.iter().any(|(other, _)| other.ends_with(&format!("#{id}"))) {
            problems.push(Problem::DuplicateId(place()));
        } else {
            matrix.0.push((format!("{file}#{id}"), Cited::default()));
        }
        open = Some(place());
    }
    close(&mut open, problems);
}

/// One citation in a Rust file.
struct Citation<'a> {
    /// `file.md#id`.
    target: &'a str,
    /// Line, counted from 1.
    line: usize,
    /// The function, for a test's.
    test: Option<&'a str>,
}

/// Collects the citations of one file: runs of `//=` lines, and what stands below each run.
fn citations<'a>(path: &str, text: &'a str, problems: &mut Vec<Problem>) -> Vec<Citation<'a>> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let run = lines[at..].iter().take_while(|line| line.starts_with("//=")).count();
        let test = test_below(&lines[at + run..]);
        let end = at + run;
        while at < end {
            let line = at + 1;
            let place = || format!("{path}:{line}");
            let target = lines[at].strip_prefix("//= ").and_then(|t| t.strip_prefix(SPEC_DIR));
            let typed = lines[at + 1..end].first() == Some(&"//= type=test");
            at += 1;
            let Some(target) = target else {
                problems.push(Problem::Malformed(place()));
                continue;
            };
            match (typed, test) {
                (true, None) => problems.push(Problem::NotAboveTest(place())),
                (false, Some(_)) => problems.push(Problem::CodeAboveTest(place())),
                (true, Some(_)) | (false, None) => {}
            }
            found.push(Citation { target, line, test: test.filter(|_| typed) });
            at += usize::from(typed);
        }
        at += usize::from(run == 0);
    }
    found
}

/// The names of the test functions in a Rust file.
pub fn tests_of(text: &str) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let tests = (0..lines.len()).filter(|&at| lines[at] == "#[test]");
    tests.filter_map(|at| test_below(&lines[at..])).collect::<Vec<_>>().into_iter()
}

/// The name of the test function that `lines` begin with: attributes, one of them `#[test]`, comments, then `fn`.
fn test_below<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let mut is_test = false;
    let mut in_attribute = false;
    for line in lines {
        if in_attribute || line.starts_with("#[") {
            is_test |= *line == "#[test]";
            in_attribute = !line.ends_with(']');
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            return is_test.then_some(&rest[..end]);
        } else if !line.starts_with("//") {
            return None;
        }
    }
    None
}

/// The committed file `docs/spec/matrix.md`. It names no lines, so that it changes only when the citations do.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Requirements, the code that meets them, the tests that show it\n")?;
        writeln!(f, "Written by `UPDATE_DOCS=1 cargo test -p netkernel-tests --test spec`.")?;
        let mut last = "";
        for (target, cited) in &self.0 {
            let (file, id) = target.split_once('#').unwrap_or((target, ""));
            if file != last {
                writeln!(f, "\n## {file}\n\n| Requirement | Code | Tests |\n|---|---|---|")?;
                last = file;
            }
            let code: Vec<String> = cited.code.iter().map(|path| format!("`{path}`")).collect();
            writeln!(f, "| [{id}]({target}) | {} | {} |", code.join("<br>"), tests(&cited.tests))?;
        }
        Ok(())
    }
}

/// The tests of one requirement, file by file.
fn tests(tests: &BTreeSet<(String, String)>) -> String {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, function) in tests {
        files.entry(path).or_default().push(function);
    }
    let cell = |(path, names): (&str, Vec<&str>)| format!("`{path}`: {}", names.join(", "));
    files.into_iter().map(cell).collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str =
        "# T\n\n### a-one\nText.\n*Evidence*: seen.\n\n### a-two\nText.\n*Evidence*: seen.\n";
    const TESTS: &str = "//= docs/spec/a.md#a-one\n//= type=test\n//= docs/spec/a.md#a-two\n//= type=test\n#[test]\nfn both() {}\n";

    fn run(spec: &str, source: &str) -> Result<String, Vec<Problem>> {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        check(&[file("docs/spec/a.md", spec)], &[file("x.rs", source), file("y.rs", TESTS)])
    }

    #[test]
    fn matrix_names_code_and_tests() {
        let source = "    //= docs/spec/a.md#a-one\n    fn code() {}\n";
        let table = "## a.md\n\n| Requirement | Code | Tests |\n|---|---|---|\n\
            | [a-one](a.md#a-one) | `x.rs` | `y.rs`: both |\n| [a-two](a.md#a-two) |  | `y.rs`: both |\n";
        let text = run(SPEC, source).unwrap();
        assert!(text.ends_with(table), "{text}");
    }

    #[test]
    fn tests_may_have_attributes_and_live_in_macros() {
        let source = "proptest! {\n//= docs/spec/a.md#a-one\n//= type=test\n/// Doc.\n#[cfg_attr(\nmiri,\nignore)]\n\
            #[test]\nfn shrinks(x in 0..3) {}\n}\n";
        assert!(run(SPEC, source).unwrap().contains("| `x.rs`: shrinks<br>`y.rs`: both |"));
    }

    #[test]
    fn faults_of_requirements() {
        for (spec, problem) in [
            ("### a-three\n*Evidence*: seen.\n", Problem::NoTest("docs/spec/a.md#a-three".into())),
            ("### a-one\n*Evidence*: seen.\n", Problem::DuplicateId("docs/spec/a.md:11".into())),
            ("### A one\n*Evidence*: seen.\n", Problem::BadId("docs/spec/a.md:11".into())),
        ] {
            assert_eq!(run(&format!("{SPEC}\n{spec}"), ""), Err(vec![problem]));
        }
        let spec = SPEC.replacen("*Evidence*: seen.\n", "", 1);
        assert_eq!(run(&spec, ""), Err(vec![Problem::NoEvidence("docs/spec/a.md:3".into())]));
        let spec = SPEC.trim_end().strip_suffix("*Evidence*: seen.").unwrap();
        assert_eq!(run(spec, ""), Err(vec![Problem::NoEvidence("docs/spec/a.md:7".into())]));
    }

    #[test]
    fn faults_of_citations() {
        let place = || "x.rs:1".to_owned();
        let unknown = |target: &str| Problem::UnknownId(format!("x.rs:1 {target}"));
        for (source, problem) in [
            ("//= docs/spec/a.md#a-four\n", unknown("a.md#a-four")),
            ("//= docs/spec/b.md#a-one\n", unknown("b.md#a-one")),
            ("//= docs/spec/a.md\n", unknown("a.md")),
            ("//= type=test\n#[test]\nfn t() {}\n", Problem::Malformed(place())),
            ("//= a.md#a-one\n", Problem::Malformed(place())),
            ("//= docs/spec/a.md#a-one\n#[test]\nfn t() {}\n", Problem::CodeAboveTest(place())),
        ] {
            assert_eq!(run(SPEC, source), Err(vec![problem]), "{source}");
        }
        for below in
            ["", "\n#[test]\nfn t() {}\n", "fn t() {}\n", "#[test]\n\nfn t() {}\n", "mod m {\n"]
        {
            let source = format!("//= docs/spec/a.md#a-one\n//= type=test\n{below}");
            assert_eq!(run(SPEC, &source), Err(vec![Problem::NotAboveTest(place())]), "{below}");
        }
    }
}
