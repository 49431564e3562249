//! Terms in bytes, in text and in order, compared with real nodes.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::cmp::Ordering;

use netkernel_blocking::core::Creation;
use netkernel_blocking::core::term::{
    Atom, BitString, Export, Float, Integer, Limits, List, Pid, Port, Reference, Term,
};
use netkernel_tests::each_release;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release};

/// Any terms, the same each time.
struct Choice(u64);

impl Choice {
    /// The generator SplitMix64.
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    const fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn some<T>(&mut self, up_to: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
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

    fn text(&mut self) -> String {
        self.some(6, Self::char).into_iter().collect()
    }

    /// UTF-8, or what does not even begin with a character of several bytes: the releases do not agree on that.
    fn bytes(&mut self) -> Vec<u8> {
        match self.below(3) {
            0 => self.text().into_bytes(),
            1 => self.some(6, |choice| choice.below(0xC0) as u8),
            _ => self.some(6, |choice| 0xC0 + choice.below(0x40) as u8),
        }
    }

    fn atom(&mut self) -> Atom {
        Atom::new(&self.text()).unwrap()
    }

    fn number(&mut self) -> Term {
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
    fn readable(&mut self, depth: u32) -> Term {
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
                // Erlang prints other names in another way there than elsewhere.
                let mut name = || loop {
                    let atom = self.atom();
                    if atom.chars().all(|c| c.is_ascii_graphic() && c != '@') {
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

    /// A pid, a port or a reference of one of a few nodes.
    fn identifier(&mut self) -> Term {
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

/// This one, or another if there is none, or it is a zero, whose sign the releases do not agree on.
fn float(value: f64) -> Term {
    let one = Float::new(1.0).unwrap();
    Float::new(value).filter(|_| value != 0.0).unwrap_or(one).into()
}

fn hex(term: &Term) -> String {
    let mut bytes = Vec::new();
    term.encode(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn decode(bytes: &[u8]) -> Term {
    Term::decode(bytes, &Limits::default()).unwrap()
}

/// What a node makes of these terms, element by element; `each` is a fun of Erlang.
fn answers(erl: &Erl, terms: &[Term], each: &str) -> Vec<Term> {
    let given = hex(&Term::list(terms.to_vec()));
    let answer = bytes_of(
        erl,
        &format!("lists:map({each}, binary_to_term(binary:decode_hex(<<\"{given}\">>)))"),
    );
    decode(&answer).as_list().unwrap().to_vec()
}

/// The value of an expression, encoded by the node.
fn bytes_of(erl: &Erl, expression: &str) -> Vec<u8> {
    let options = "[deterministic, {minor_version, 2}]";
    let text = erl.eval(&format!(
        "binary_to_list(binary:encode_hex(term_to_binary({expression}, {options})))"
    ));
    let digits = text.trim_matches('"').as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn node(release: Release) -> (Epmd, Erl) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "terms"));
    (epmd, erl)
}

/// These two words are reserved since OTP 27.
fn has_new_words(text: &str) -> bool {
    ["maybe", "else"].iter().any(|word| text.contains(word))
}

each_release! {
    //= docs/spec/term.md#term-display
    //= type=test
    //= docs/spec/term.md#term-display-map
    //= type=test
    //= docs/spec/term.md#term-display-quoted
    //= type=test
    //= docs/spec/term.md#term-display-string
    //= type=test
    //= docs/spec/term.md#term-display-binary
    //= type=test
    //= docs/spec/term.md#term-display-float
    //= type=test
    //= docs/spec/term.md#term-parse
    //= type=test
    #[test]
    fn erlang_prints_and_reads_what_we_do(release: Release) {
        let (_epmd, erl) = node(release);
        let mut choice = Choice(1);
        let terms: Vec<Term> = (0..2000).map(|_| choice.readable(3)).collect();
        let format = if release == Release::Otp25 { "~0tp" } else { "~0ktp" };
        let printed = answers(&erl, &terms, &format!(
            "fun(T) -> unicode:characters_to_binary(io_lib:format(\"{format}\", [T])) end"
        ));
        for (term, printed) in terms.iter().zip(&printed) {
            let Term::Binary(printed) = printed else { panic!("{printed}") };
            let printed = core::str::from_utf8(printed).unwrap();
            assert!(!has_new_words(printed), "{printed}");
            assert_eq!(term.to_string(), printed);
            assert_eq!(printed.parse().as_ref(), Ok(term));
        }
        // And they read what we print.
        let ours = Term::list(terms.iter().map(|term| Term::Binary(format!("{term} .").into())));
        let read = answers(&erl, ours.as_list().unwrap(),
            "fun(B) -> {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(B)), \
                {ok, T} = erl_parse:parse_term(Tokens), T end");
        assert_eq!(read, terms);
    }

    //= docs/spec/term.md#term-decode
    //= type=test
    //= docs/spec/term.md#term-encode
    //= type=test
    //= docs/spec/term.md#term-encode-string
    //= type=test
    #[test]
    fn bytes_of_erlang_lead_to_terms_and_back_to_the_same_bytes(release: Release) {
        let (_epmd, erl) = node(release);
        for expression in [
            "self()",
            "make_ref()",
            "monitor(process, self(), [{alias, explicit_unalias}])",
            "fun lists:map/2",
            "(fun(X) -> fun(Y) -> {X, Y} end end)([a, #{}])",
            "fun() -> self() end",
            "erlang:system_info(otp_release)",
            "lists:seq(0, 255)",
            "lists:duplicate(65535, $a)",
            "lists:duplicate(65536, $a)",
            "list_to_tuple(lists:seq(1, 300))",
            "1 bsl 3000",
            "-1 bsl 2039",
            "[1 bsl N || N <- lists:seq(0, 70)]",
            "[-1 bsl N || N <- lists:seq(0, 70)]",
            "[a, b | <<1:3>>]",
            "[list_to_atom(lists:duplicate(N, 16#20AC)) || N <- [0, 85, 86, 255]]",
            "#{1 => a, 1.0 => b, \"k\" => <<>>, {} => [], z => #{b => 1, a => 2}}",
            "erlang:process_info(self())",
        ] {
            let theirs = bytes_of(&erl, expression);
            let term = decode(&theirs);
            let mut ours = Vec::new();
            term.encode(&mut ours).unwrap();
            assert_eq!(ours, theirs, "{expression}: {term}");
        }
        let mut choice = Choice(2);
        let terms: Vec<Term> = (0..1000)
            .map(|at| if at % 10 == 0 { choice.identifier() } else { choice.readable(3) })
            .collect();
        let options = "[deterministic, {minor_version, 2}]";
        let theirs = answers(&erl, &terms, &format!("fun(T) -> term_to_binary(T, {options}) end"));
        for (term, theirs) in terms.iter().zip(&theirs) {
            let Term::Binary(theirs) = theirs else { panic!("{theirs}") };
            assert_eq!(decode(theirs), *term);
            if release == Release::Otp25 && matches!(term, Term::Port(_)) {
                continue;
            }
            let mut ours = Vec::new();
            term.encode(&mut ours).unwrap();
            assert_eq!(ours, *theirs, "{term}");
        }
    }

    //= docs/spec/term.md#term-order
    //= type=test
    //= docs/spec/term.md#term-order-map
    //= type=test
    //= docs/spec/term.md#term-order-numbers
    //= type=test
    #[test]
    fn terms_have_the_order_of_erlang(release: Release) {
        let (_epmd, erl) = node(release);
        let mut choice = Choice(3);
        let mut terms: Vec<Term> = Vec::new();
        terms.extend((0..60).map(|_| choice.number()));
        terms.extend((0..40).map(|_| choice.identifier()));
        // No funs: their order is ours.
        let readable = (0..).map(|_| choice.readable(2)).filter(|term| !term.to_string().contains("fun "));
        terms.extend(readable.take(150));
        terms.extend(["[1]", "[1.0]", "[1|2]", "[1,2]", "{1}", "{1.0}", "#{1 => 1}", "#{1.0 => 1}",
            "#{a => 1.0}", "#{a => 1}", "9007199254740993", "9007199254740992.0", "1.0e30",
            "1000000000000000019884624838656", "1000000000000000019884624838657"]
            .map(|text| text.parse().unwrap()));
        let all = Term::list(terms.clone());
        for (compare, ours) in [
            ("erts_internal:cmp_term(A, B)", Term::cmp as fn(&Term, &Term) -> Ordering),
            ("if A < B -> -1; A > B -> 1; true -> 0 end", Term::cmp_erlang),
        ] {
            let each = format!(
                "fun(A) -> [case {compare} of N when N < 0 -> 0; 0 -> 1; _ -> 2 end \
                    || B <- binary_to_term(binary:decode_hex(<<\"{}\">>))] end", hex(&all)
            );
            let rows = answers(&erl, &terms, &each);
            for (one, row) in terms.iter().zip(&rows) {
                for (other, theirs) in terms.iter().zip(row.as_list().unwrap()) {
                    let theirs = [Ordering::Less, Ordering::Equal, Ordering::Greater]
                        [usize::try_from(theirs.as_i64().unwrap()).unwrap()];
                    assert_eq!(ours(one, other), theirs, "{one} and {other} by {compare}");
                }
            }
        }
    }
}
