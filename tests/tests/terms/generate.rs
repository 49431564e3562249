//! Terms, drawn from a number.

use netkernel_blocking::core::Creation;
use netkernel_blocking::core::term::{
    Atom, BitString, Export, Float, Fun, Integer, List, Pid, Port, Reference, Term,
};

/// Any terms, the same each time for the same number.
pub(crate) struct Choice(pub(crate) u64);

/// Of the text of terms, where a scanner has to decide.
const PIECES: [&str; 55] = [
    "\"",
    "'",
    "\\x41",
    "\\x4",
    "\\x{41}",
    "\\x{20AC}",
    "\\x{",
    "}",
    "\\^a",
    "\\^A",
    "\\^?",
    "\\^",
    "\\1",
    "\\400",
    "\\8",
    "\\n",
    "\\d",
    "\\q",
    "\\",
    "\\\"",
    "$",
    " ",
    "%c\n",
    "\n",
    "a",
    "b@",
    "B",
    "fun",
    "1",
    "0",
    "_",
    "16#",
    "2#",
    ".5",
    "e",
    "e3",
    "E-1",
    "-",
    "+",
    "{",
    "[",
    "]",
    ",",
    "|",
    "#{",
    "=>",
    "<<",
    ">>",
    ":4",
    "/",
    "\u{E9}",
    "\u{20AC}",
    "\u{FFFE}",
    "\\x{FFFE}",
    "\\x{FFFF}",
];

impl Choice {
    /// The generator SplitMix64.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub(crate) const fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(crate) fn some<T>(&mut self, up_to: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(up_to + 1)).map(|_| make(self)).collect()
    }

    /// Characters around the edges of what is printable, quoted and encoded in one byte.
    fn char(&mut self) -> char {
        let code = match self.below(8) {
            0 => self.below(0x20),
            1..=4 => 0x20 + self.below(0x60),
            5 => 0x80 + self.below(0x20),
            6 => 0xA0 + self.below(0x60),
            _ => self.below(0x3000),
        };
        char::from_u32(u32::try_from(code).unwrap()).unwrap()
    }

    pub(super) fn text(&mut self) -> String {
        self.some(6, Self::char).into_iter().collect()
    }

    /// Pieces of what terms are written with, most of them in quotes.
    pub(crate) fn written(&mut self) -> String {
        let quote = ["\"", "'", "$", ""][self.below(4) as usize];
        let piece = |choice: &mut Self| PIECES[choice.below(PIECES.len() as u64) as usize];
        let pieces = self.some(5, piece).concat();
        let end = if quote == "$" { "" } else { quote };
        [quote, &pieces, end].concat()
    }

    /// UTF-8, or what does not even begin with a character of several bytes: the releases do not agree on that.
    pub(super) fn bytes(&mut self) -> Vec<u8> {
        match self.below(3) {
            0 => self.text().into_bytes(),
            1 => self.some(6, |choice| choice.below(0xC0) as u8),
            _ => self.some(6, |choice| 0xC0 + choice.below(0x40) as u8),
        }
    }

    pub(crate) fn atom(&mut self) -> Atom {
        Atom::new(&self.text()).unwrap()
    }

    pub(crate) fn number(&mut self) -> Term {
        match self.below(5) {
            0 => (self.below(7) as i64 - 3).into(),
            1 => (self.next() as i64 >> self.below(64)).into(),
            2 => {
                let magnitude = self.some(12, |choice| choice.next() as u8);
                Integer::from_sign_magnitude(self.below(2) == 0, &magnitude).into()
            }
            3 => float(self.below(7) as f64 * 0.5 - 1.75),
            _ => {
                let (any, digits) = (f64::from_bits(self.next()), self.below(100_000) as f64);
                let value = if self.below(2) == 0 { any } else { digits };
                float(value * 10_f64.powi(self.below(30) as i32 - 15))
            }
        }
    }

    /// A term that both sides print alike.
    pub(crate) fn readable(&mut self, depth: u32) -> Term {
        let leaves = 7;
        let terms = |choice: &mut Self| choice.some(4, |choice| choice.readable(depth - 1));
        match self.below(if depth == 0 { leaves } else { leaves + 4 }) {
            0 | 1 => self.number(),
            2 => self.atom().into(),
            3 => Term::string(&self.text()),
            4 => Term::Binary(self.bytes().into()),
            5 => {
                let (bytes, bits) = (self.bytes(), 1 + self.below(7) as u8);
                BitString::new(bytes, bits).map_or(Term::NIL, Term::BitString)
            }
            6 => {
                // Erlang prints other names in another way there than elsewhere, and does not quote reserved words.
                let mut name = || loop {
                    let atom = self.atom();
                    let is_word = !atom.is_empty() && atom.chars().all(|c| c.is_ascii_lowercase());
                    let reserved = is_word && Term::from(atom.clone()).to_string() != *atom;
                    if !reserved && atom.chars().all(|c| c.is_ascii_graphic() && c != '@') {
                        break atom;
                    }
                };
                let (module, function) = (name(), name());
                Export { module, function, arity: self.next() as u8 }.into()
            }
            7 => Term::Tuple(terms(self)),
            8 => Term::list(terms(self)),
            9 => List::with_tail(terms(self), self.readable(depth - 1)),
            _ => Term::map(terms(self).into_iter().zip(terms(self))),
        }
    }

    /// A fun of one of a few modules. Of each there is one version: the releases do not agree on funs of several.
    pub(crate) fn fun(&mut self) -> Term {
        let module = Atom::new(["a", "b"][self.below(2) as usize]).unwrap();
        // An index has a sign; with any two of these Erlang has an order.
        let index = [0, 1, 0x7FFF_FFFE, u32::MAX][self.below(4) as usize];
        let free = self.some(2, |choice| match choice.below(3) {
            0 => choice.number(),
            1 => Term::from(choice.below(2) as i64),
            _ => float(1.0 + choice.below(2) as f64),
        });
        fun(module, index, free).into()
    }

    /// A pid, a port or a reference of one of a few nodes.
    pub(crate) fn identifier(&mut self) -> Term {
        let node = Atom::new(["a@host", "b@host"][self.below(2) as usize]).unwrap();
        let creation = Creation(self.below(2) as u32 + 4);
        match self.below(3) {
            0 => {
                let (id, serial) = (self.below(3) as u32, self.below(3) as u32);
                Pid { node, id, serial, creation }.into()
            }
            1 => Port { node, id: self.below(3), creation }.into(),
            _ => {
                let words: Vec<u32> = (0..3).map(|_| self.below(3) as u32).collect();
                Reference::new(node, creation, &words).unwrap().into()
            }
        }
    }
}

/// A fun of the one version of a module.
pub(crate) fn fun(module: Atom, index: u32, free: Vec<Term>) -> Fun {
    let pid = Pid { node: Atom::new("a@host").unwrap(), id: 1, serial: 0, creation: Creation(4) };
    let (old_index, old_unique) = (i64::from(index as i32), 7);
    Fun { module, old_index, old_unique, arity: 1, unique: [9; 16], index, pid, free }
}

fn float(value: f64) -> Term {
    Float::new(finite(value)).unwrap().into()
}

/// This one, or another if it is none, or a zero, whose sign the releases do not agree on.
pub(super) fn finite(value: f64) -> f64 {
    if value.is_finite() && value != 0.0 { value } else { 1.0 }
}
