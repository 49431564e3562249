//! `netkernel node --trace FILE`: what the node does, a line for each fact. `docs/command.md` tells the format.

use core::fmt::{self, Debug, Write as _};
use core::sync::atomic::{AtomicU64, Ordering};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Where facts come from.
pub(crate) const TARGET: &str = "netkernel::trace";

/// Lines that wait to be written. What comes beyond them is counted, and lost.
const QUEUE: usize = 16_384;
/// Bytes of a line, about: longer texts are cut off.
const LINE_MAX: usize = 1000;

/// Takes facts, and never blocks: they come on the threads of the node, and under its locks.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// `None` is the end.
    lines: SyncSender<Option<String>>,
    lost: Arc<AtomicU64>,
}

/// The thread that writes. The file is whole once this has [finished](Self::finish).
#[derive(Debug)]
pub(crate) struct Writing {
    path: PathBuf,
    lines: SyncSender<Option<String>>,
    thread: JoinHandle<io::Result<()>>,
}

/// Begins a trace.
///
/// # Errors
/// Why there is no such file.
pub(crate) fn begin(path: &Path) -> Result<(Facts, Writing), String> {
    let told = |error: io::Error| format!("{}: {error}", path.display());
    let file = File::create(path).map_err(told)?;
    let (lines, queue) = sync_channel(QUEUE);
    let facts = Facts { lines: lines.clone(), lost: Arc::default() };
    let lost = Arc::clone(&facts.lost);
    let thread = thread::Builder::new()
        .name("trace".into())
        .spawn(move || write(BufWriter::new(file), &queue, &lost))
        .map_err(told)?;
    Ok((facts, Writing { path: path.to_owned(), lines, thread }))
}

impl Writing {
    /// Writes what is left.
    ///
    /// # Errors
    /// Why the file is not whole.
    pub(crate) fn finish(self) -> Result<(), String> {
        let Self { path, lines, thread } = self;
        // A thread that has failed takes nothing any more, and says why.
        let _ = lines.send(None);
        let written = thread.join().unwrap_or_else(|_| Err(io::Error::other("the writer panics")));
        written.map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Writes until the end. Flushes whenever there is nothing more to write, so that who reads the file sees all.
fn write(
    mut file: impl Write,
    queue: &Receiver<Option<String>>,
    lost: &AtomicU64,
) -> io::Result<()> {
    writeln!(file, "# netkernel trace 1")?;
    loop {
        let line = match queue.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                file.flush()?;
                queue.recv().unwrap_or(None)
            }
        };
        let count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            writeln!(file, "{} lost count={count}", now())?;
        }
        match line {
            Some(line) => file.write_all(line.as_bytes())?,
            None => return file.flush(),
        }
    }
}

impl<S: Subscriber> Layer<S> for Facts {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let Line { what, fields } = line;
        if self.lines.try_send(Some(format!("{} {what}{fields}\n", now()))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Seconds since 1970, with nanoseconds: the same for all nodes of a host.
fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:09}", now.as_secs(), now.subsec_nanos())
}

#[derive(Debug, Default)]
struct Line {
    what: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _ = write!(self.what, "{value:?}");
        } else {
            let _ = write!(self.fields, " {}=", field.name());
            let _ = write!(Escaped(&mut self.fields), "{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// One word, whatever is written: `\s` is a blank, `\n` the end of a line, and `\\` a backslash.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            if self.0.len() > LINE_MAX {
                break;
            }
            match letter {
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                letter if letter.is_whitespace() || letter.is_control() => self.0.push_str("\\s"),
                letter => self.0.push(letter),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    fn traced(room: usize, facts: impl FnOnce()) -> Vec<String> {
        let (lines, queue) = sync_channel(room);
        let taken = Facts { lines, lost: Arc::default() };
        let lost = Arc::clone(&taken.lost);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(taken), facts);
        let mut file = Vec::new();
        write(&mut file, &queue, &lost).unwrap();
        let text = String::from_utf8(file).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// What stands behind the time.
    fn told(line: &str) -> &str {
        let (time, told) = line.split_once(' ').unwrap();
        assert!(time.parse::<f64>().is_ok_and(|time| time > 1e9), "{line}");
        told
    }

    #[test]
    fn a_fact_is_a_line_of_words() {
        let text = "two words\n\\ \u{1b}";
        let lines = traced(9, || {
            tracing::trace!(target: TARGET, node = "a@h", bytes = 7, was_up = true, "out");
            tracing::trace!(target: TARGET, text, link = ?Some(1), "diagnostic");
            tracing::trace!(target: TARGET, text = "x".repeat(3000), "diagnostic");
        });
        assert_eq!(lines[0], "# netkernel trace 1");
        assert_eq!(told(&lines[1]), "out node=a@h bytes=7 was_up=true");
        assert_eq!(told(&lines[2]), "diagnostic text=two\\swords\\n\\\\\\s\\s link=Some(1)");
        assert!(lines[3].len() < 1100 && lines.len() == 4, "{lines:?}");
    }

    #[test]
    fn what_finds_no_room_is_counted_and_holds_nobody() {
        let lines = traced(2, || {
            for number in 0..5 {
                tracing::trace!(target: TARGET, number, "tick");
            }
        });
        let told: Vec<_> = lines[1..].iter().map(|line| told(line)).collect();
        assert_eq!(told, ["lost count=3", "tick number=0", "tick number=1"]);
    }
}
