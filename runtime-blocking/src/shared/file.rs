//! Reads small files.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

/// What is in a file, if `check` lets it pass: at most `max` bytes, and one more of a longer file.
///
/// It is asked before the file is opened, for to open a pipe waits for a writer; and again of what was opened, which may be another by
/// then.
pub(crate) fn read<E: From<io::Error>>(
    path: &Path,
    max: u64,
    check: impl Fn(&Metadata) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    check(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    check(&file.metadata()?)?;
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
