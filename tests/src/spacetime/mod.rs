//! Space-time diagrams: a column for each node, time downwards, messages as slanted lines. Nothing here knows what the nodes are or say.
//!
//! Time has no scale: where nothing happens it is short, and where much does, every text has a line of its own. Where there is too much for
//! a page, the least of the oldest is left out.

mod draw;
mod layout;
mod thin;

/// What happened when: nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: u64,
    /// What.
    pub what: What,
}

/// Something to be drawn. Numbers are those of columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// From now on a node is this.
    Life(usize, Life),
    /// From now on a node has this to do with another one: `None` is nothing.
    Link(usize, usize, Option<Link>),
    /// A text beside a node, or beside all of them.
    Note(Option<usize>, Tone, String),
    /// A message has arrived that was under way since then.
    Message {
        /// Whose.
        from: usize,
        /// To whom.
        to: usize,
        /// Since when.
        since: u64,
        /// In which colour.
        tone: Tone,
        /// What it is.
        label: String,
    },
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// No process, or no name.
    Absent,
    /// A node with a name.
    Alive,
    /// It stands still.
    Paused,
}

/// What a node has to do with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It tries to have a link.
    Attempt,
    /// It has one.
    Up,
}

/// What kind of thing a text or a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// One of many, which is left out where there are too many.
    Chatter,
    /// Of a link that begins.
    Attempt,
    /// Something begins.
    Good,
    /// Something ends.
    Bad,
    /// Somebody's doing from outside.
    Fault,
}

impl Tone {
    const fn colour(self) -> &'static str {
        match self {
            Self::Chatter => "#9aa7b5",
            Self::Attempt => "#8a6d1d",
            Self::Good => "#1d6b3f",
            Self::Bad => "#b3261e",
            Self::Fault => "#7a2e9d",
        }
    }
}

/// A diagram in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    title: String,
    columns: Vec<String>,
    marks: Vec<Mark>,
    failure: Option<(u64, String)>,
    /// How many notes and messages are not drawn, and before when there is none.
    left_out: usize,
    begin: Option<u64>,
}

impl Chart {
    /// With these columns.
    #[must_use]
    pub fn new(title: String, columns: Vec<String>) -> Self {
        Self { title, columns, ..Self::default() }
    }

    /// What stands above it.
    pub fn set_title(&mut self, title: String) {
        self.title = title;
    }

    /// Adds something. Marks come in the order of time.
    pub fn add(&mut self, at: u64, what: What) {
        self.marks.push(Mark { at, what });
    }

    /// What was added so far.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The text of the last note of a column, if it is of this moment, to be changed.
    pub fn note_at(&mut self, at: u64, column: usize) -> impl Iterator<Item = &mut String> {
        let marks = self.marks.iter_mut().rev().take_while(move |mark| mark.at == at);
        marks.filter_map(move |mark| match &mut mark.what {
            What::Note(Some(of), _, text) if *of == column => Some(text),
            What::Life(..) | What::Link(..) | What::Note(..) | What::Message { .. } => None,
        })
    }

    /// The moment at which something went wrong, and what.
    pub fn fail(&mut self, at: u64, what: String) {
        self.failure = Some((at, what));
    }
}
