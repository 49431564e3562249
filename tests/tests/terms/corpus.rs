//! The corpora of the fuzz targets as terms for a real node, and the table of those that it does not take as we do.

use std::fs;
use std::path::{Path, PathBuf};

use netkernel_blocking::core::term::{Head, Limits, Reader, Term, TermError};
use netkernel_tests::otp::Release;

/// What a side does with bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Refused,
    /// The term, as we read what the side makes of it.
    Taken(Result<Term, TermError>),
}

impl Verdict {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Taken(_) => "taken",
        }
    }

    /// The same, but for what `edit` changes in the term.
    pub(crate) fn map(self, edit: impl FnOnce(Term) -> Term) -> Self {
        match self {
            Self::Refused => self,
            Self::Taken(term) => Self::Taken(term.map(edit)),
        }
    }
}

/// A row of the table in `docs/interop.md`. The word `either` for a release is no promise.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) kind: String,
    /// In the order of [`Release::ALL`].
    theirs: [String; 3],
    ours: String,
}

impl Difference {
    fn theirs(&self, release: Release) -> &str {
        let at = Release::ALL.iter().position(|other| *other == release).unwrap();
        &self.theirs[at]
    }

    /// No node of this release survives it.
    pub(crate) fn is_fatal(&self, release: Release) -> bool {
        self.theirs(release) == "the node ends"
    }

    /// It has to be seen with this release.
    pub(crate) fn is_certain(&self, release: Release) -> bool {
        ![&*self.ours, "either"].contains(&self.theirs(release))
    }

    /// Whether it is why these two are not the same.
    pub(crate) fn explains(&self, release: Release, theirs: &Verdict, ours: &Verdict) -> bool {
        [theirs.word(), "either"].contains(&self.theirs(release)) && self.ours == ours.word()
    }
}

/// The table. Each row is a difference with some release, and has a reason.
pub(crate) fn differences() -> Vec<Difference> {
    let text = fs::read_to_string(top().join("docs/interop.md")).unwrap();
    let (_, table) =
        text.split_once("\n| Bytes | OTP 25 | OTP 27 | OTP 29 | netkernel | Why |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [kind, first, second, third, ours, why] = cells[..] else { panic!("{line}") };
        let theirs = [first, second, third];
        assert!(theirs.iter().any(|their| *their != ours) && !why.is_empty(), "{line}");
        Difference {
            kind: kind.to_owned(),
            theirs: theirs.map(str::to_owned),
            ours: ours.to_owned(),
        }
    })
    .collect()
}

/// What is in these bytes of what the table names.
pub(crate) fn kinds(bytes: &[u8]) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    let mut reader = Reader::new(bytes);
    if reader.version().is_err() {
        return kinds;
    }
    let mut left = 1;
    while left > 0 {
        let before = reader.remaining();
        match reader.head() {
            Ok(head) => {
                let own = &before[..before.len() - reader.remaining().len()];
                kinds.extend(kind_taken(&head, own));
                left = left - 1 + head.inside();
            }
            Err(_) => {
                kinds.extend(kind_refused(before));
                break;
            }
        }
    }
    kinds.extend(match Term::decode(bytes, &Limits::default()) {
        Err(TermError::TooDeep) => Some("more than 128 levels"),
        Err(TermError::IntegerTooLong) => Some("an integer of more than 16 KiB"),
        _ => None,
    });
    kinds
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all others are taken alike")]
fn kind_taken(head: &Head<'_>, own: &[u8]) -> Option<&'static str> {
    match head {
        Head::Record(_) => Some("a native record"),
        Head::Export(_) => {
            let mut reader = Reader::new(&own[1..]);
            let names = [reader.atom(), reader.atom()];
            let wide = names.iter().all(Result::is_ok) && reader.unsigned().is_ok_and(|n| n > 255);
            wide.then_some("an external fun with an arity above 255")
        }
        _ => None,
    }
}

fn kind_refused(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x50, ..] => Some("a compressed term"),
        [0x5A | 0x72, 0, 0, ..] => Some("a reference without words"),
        [0x4D, 0, 0, 0, 0, 0, ..] => Some("a bit string without bytes"),
        [0x63, text @ ..] if text.iter().take(31).filter(|&&byte| byte != 0).count() == 31 => {
            Some("a float whose text has no end")
        }
        _ => None,
    }
}

/// So often is each file of a corpus cut short: those of up to this length anywhere.
const CUTS: usize = 24;

/// Names and bytes: files of the corpora with the version in front, every one cut short, and what no corpus has.
pub(crate) fn inputs() -> Vec<(String, Vec<u8>)> {
    let mut inputs: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, bytes) in files("term") {
        inputs.push((format!("term/{name}"), versioned(&bytes)));
    }
    // A frame is the byte 112, then the control message, and a payload at times.
    for (name, frame) in files("control") {
        let mut rest = frame.get(1..).unwrap_or_default();
        for part in ["", ".payload"] {
            inputs.push((format!("control/{name}{part}"), rest.to_vec()));
            let mut reader = Reader::new(rest);
            if reader.version().is_err() || reader.raw().is_err() || reader.is_empty() {
                break;
            }
            rest = reader.remaining();
        }
    }
    let whole = inputs.clone();
    for (name, bytes) in &whole {
        let cut = |len| (format!("{name}[..{len}]"), bytes[..len].to_vec());
        inputs.extend((0..bytes.len()).step_by(bytes.len().div_ceil(CUTS).max(1)).map(cut));
    }
    let more = MORE.iter().map(|(name, bytes)| ((*name).to_owned(), versioned(bytes)));
    inputs.extend(more);
    inputs.push(("a long integer".to_owned(), versioned(&long_integer())));
    inputs
}

/// What a term may be in a node, and on a link only sometimes.
const MORE: [(&str, &[u8]); 15] = [
    ("a compressed []", b"\x50\0\0\0\x01\x78\x9C\xCB\x02\0\0\x6B\0\x6B"),
    ("a number of an atom", b"\x52\0"),
    ("a pid with large numbers", b"\x58\x77\x06a@host\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\x01"),
    ("an old pid with large numbers", b"\x67\x77\x06a@host\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
    ("an old port with a large number", b"\x66\x77\x06a@host\xFF\xFF\xFF\xFF\x01"),
    ("a port with a large number", b"\x59\x77\x06a@host\xFF\xFF\xFF\xFF\0\0\0\x01"),
    ("a reference with a large number", b"\x5A\0\x01\x77\x06a@host\0\0\0\x01\xFF\xFF\xFF\xFF"),
    ("an old reference with a large number", b"\x72\0\x01\x77\x06a@host\x01\xFF\xFF\xFF\xFF"),
    ("a reference with six words", b"\x5A\0\x06\x77\x06a@host\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01"),
    ("a reference without words", b"\x5A\0\0\x77\x06a@host\0\0\0\x01"),
    ("bits without bytes", b"\x4D\0\0\0\0\x03"),
    ("no bits without bytes", b"\x4D\0\0\0\0\0"),
    ("a creation of one byte that is too large", b"\x67\x77\x06a@host\0\0\0\x01\0\0\0\x01\x04"),
    ("a float without an end", b"\x631.50000000000000000000000000000"),
    ("a float that is no number", b"\x46\x7F\xF8\0\0\0\0\0\0"),
];

/// One byte more than the limit.
fn long_integer() -> Vec<u8> {
    let len = (16_u32 << 10) + 1;
    [&[0x6F], &len.to_be_bytes()[..], &[0], &vec![1; len as usize]].concat()
}

fn versioned(bytes: &[u8]) -> Vec<u8> {
    [&[131], bytes].concat()
}

fn files(corpus: &str) -> Vec<(String, Vec<u8>)> {
    let folder = top().join("fuzz/corpus").join(corpus);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> = paths.map(|path| (name(&path), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
