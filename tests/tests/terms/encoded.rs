//! Terms in every encoding that a node reads, also those that no node has sent for years.

use super::generate::{Choice, finite};

impl Choice {
    /// Bytes that a node takes, with the version in front; or a map that has a key twice, which no node takes.
    pub(crate) fn encoded(&mut self) -> Vec<u8> {
        [vec![131], self.encoding(3)].concat()
    }

    fn encoding(&mut self, depth: u32) -> Vec<u8> {
        let leaves = 16;
        match self.below(if depth == 0 { leaves } else { leaves + 6 }) {
            0 => vec![0x61, self.next() as u8],
            1 => [&[0x62], &self.word()[..]].concat(),
            2 => {
                let (sign, digits) = (self.below(2) as u8, self.raw(12));
                [&[0x6E, digits.len() as u8, sign], &digits[..]].concat()
            }
            3 => {
                let (sign, digits) = (self.below(2) as u8, self.raw(300));
                [&[0x6F], &count(&digits)[..], &[sign], &digits].concat()
            }
            4 => [&[0x46], &self.float().to_be_bytes()[..]].concat(),
            5 => {
                let mut text = as_c_prints(self.float()).into_bytes();
                text.resize(31, 0);
                [&[0x63], &text[..]].concat()
            }
            6 | 7 => self.atom_encoding(),
            8 => vec![0x6A],
            9 => {
                let bytes = self.raw(300);
                [&[0x6B], &(bytes.len() as u16).to_be_bytes()[..], &bytes].concat()
            }
            10 => {
                let bytes = self.raw(300);
                [&[0x6D], &count(&bytes)[..], &bytes].concat()
            }
            11 => {
                let bytes = [self.raw(6), vec![self.next() as u8]].concat();
                let bits = 1 + self.below(8) as u8;
                [&[0x4D], &count(&bytes)[..], &[bits], &bytes].concat()
            }
            12 => self.pid_encoding(),
            13 => self.port_encoding(),
            14 => self.reference_encoding(),
            15 => {
                let (module, function) = (self.atom_encoding(), self.atom_encoding());
                [&[0x71], &module[..], &function, &[0x61, self.next() as u8]].concat()
            }
            16 => {
                let terms = self.encodings(4, depth);
                [&[0x68, terms.len() as u8], &terms.concat()[..]].concat()
            }
            17 => {
                let terms = self.encodings(4, depth);
                [&[0x69], &count(&terms)[..], &terms.concat()].concat()
            }
            18 | 19 => {
                let (terms, tail) = (self.encodings(4, depth), self.encoding(depth - 1));
                [&[0x6C], &count(&terms)[..], &terms.concat(), &tail].concat()
            }
            20 => {
                let keys = self.encodings(3, depth);
                let pairs = keys.iter().map(|key| [&key[..], &self.encoding(depth - 1)].concat());
                let pairs: Vec<_> = pairs.collect();
                [&[0x74], &count(&pairs)[..], &pairs.concat()].concat()
            }
            _ => self.fun_encoding(depth),
        }
    }

    fn encodings(&mut self, up_to: u64, depth: u32) -> Vec<Vec<u8>> {
        self.some(up_to, |choice| choice.encoding(depth - 1))
    }

    fn raw(&mut self, up_to: u64) -> Vec<u8> {
        self.some(up_to, |choice| choice.next() as u8)
    }

    fn word(&mut self) -> [u8; 4] {
        (self.next() as u32).to_be_bytes()
    }

    /// Four bytes with a number below.
    fn id(&mut self, below: u64) -> [u8; 4] {
        (self.below(below) as u32).to_be_bytes()
    }

    fn float(&mut self) -> f64 {
        finite(f64::from_bits(self.next()))
    }

    fn atom_encoding(&mut self) -> Vec<u8> {
        let (text, latin1) = (self.text().into_bytes(), self.raw(6));
        match self.below(4) {
            0 => [&[0x76, 0, text.len() as u8], &text[..]].concat(),
            1 => [&[0x77, text.len() as u8], &text[..]].concat(),
            2 => [&[0x64, 0, latin1.len() as u8], &latin1[..]].concat(),
            _ => [&[0x73, latin1.len() as u8], &latin1[..]].concat(),
        }
    }

    fn node(&mut self) -> Vec<u8> {
        [b"\x77\x06a@host", b"\x77\x06b@host"][self.below(2) as usize].to_vec()
    }

    /// A creation of one byte, as those of old.
    fn small_creation(&mut self) -> u8 {
        1 + self.below(3) as u8
    }

    fn pid_encoding(&mut self) -> Vec<u8> {
        let (node, id, serial) = (self.node(), self.id(1 << 15), self.id(1 << 13));
        if self.below(2) == 0 {
            [&[0x58], &node[..], &self.word(), &self.word(), &self.word()].concat()
        } else {
            [&[0x67], &node[..], &id, &serial, &[self.small_creation()]].concat()
        }
    }

    fn port_encoding(&mut self) -> Vec<u8> {
        let (node, id) = (self.node(), self.id(1 << 28));
        match self.below(3) {
            0 => [&[0x78], &node[..], &self.word(), &self.word(), &self.word()].concat(),
            1 => [&[0x59], &node[..], &id, &self.word()].concat(),
            _ => [&[0x66], &node[..], &id, &[self.small_creation()]].concat(),
        }
    }

    fn reference_encoding(&mut self) -> Vec<u8> {
        let (node, first, creation) = (self.node(), self.id(1 << 18), self.small_creation());
        let words = 1 + self.below(5) as u8;
        let old_words = words.min(3);
        let mut rest = |words: u8| (1..words).flat_map(|_| self.word()).collect::<Vec<_>>();
        let (rest, old_rest) = (rest(words), rest(old_words));
        match self.below(3) {
            0 => [&[0x5A, 0, words], &node[..], &self.word(), &first, &rest].concat(),
            1 => [&[0x72, 0, old_words], &node[..], &[creation], &first, &old_rest].concat(),
            _ => [&[0x65], &node[..], &first, &[creation]].concat(),
        }
    }

    fn fun_encoding(&mut self, depth: u32) -> Vec<u8> {
        let free = self.encodings(2, depth);
        let mut after = vec![self.below(8) as u8]; // its arity
        after.extend((0..4).flat_map(|_| self.word()));
        after.extend(self.id(1 << 16));
        after.extend(count(&free));
        after.extend([b"\x77\x04nofm", &[0x61, self.next() as u8][..]].concat());
        after.extend([&[0x62], &self.id(1 << 27)[..]].concat());
        after.extend(self.pid_encoding());
        after.extend(free.concat());
        [&[0x70], &(4 + after.len() as u32).to_be_bytes()[..], &after].concat()
    }
}

fn count<T>(items: &[T]) -> [u8; 4] {
    (items.len() as u32).to_be_bytes()
}

/// `%.20e`: a point, and a sign and two digits at least in the exponent.
fn as_c_prints(value: f64) -> String {
    let text = format!("{value:.20e}");
    let (digits, exponent) = text.split_once('e').unwrap();
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
    format!("{digits}e{sign}{exponent:0>2}")
}
