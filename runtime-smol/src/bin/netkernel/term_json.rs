//! Terms as JSON: as `json:encode/1` of Erlang where that takes a term, and objects with a `$` where it does not. docs/command.md has the table.

use core::fmt::Write as _;

use netkernel_smol::core::term::{Integer, Map, Term};
use serde_json::{Map as Object, Value, json};

/// What begins the keys of our own objects.
const OWN: char = '$';

/// The largest integer that JavaScript, jq and others, to whom all numbers are floats, tell from the next one.
const EXACT: i64 = (1 << 53) - 1;

/// The value that a term is. Integers and lists have the same form whatever is in them.
pub(crate) fn json(term: &Term) -> Value {
    match term {
        Term::Integer(number) => integer(number),
        Term::Float(float) => float.get().into(),
        Term::Atom(atom) => match atom.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            "null" => Value::Null,
            text => text.into(),
        },
        Term::Binary(bytes) => core::str::from_utf8(bytes)
            .map_or_else(|_| json!({"$binary": hexadecimal(bytes)}), Value::from),
        Term::BitString(bits) => {
            let (bytes, last) = (bits.as_bytes(), usize::from(bits.last_bits()));
            let size = bytes.len().saturating_sub(1) * 8 + last;
            json!({"$bits": hexadecimal(bytes), "$size": size})
        }
        Term::List(list) => match list.tail() {
            None => array(list.elements()),
            Some(tail) => json!({"$list": array(list.elements()), "$tail": json(tail)}),
        },
        Term::Tuple(elements) => json!({"$tuple": array(elements)}),
        Term::Map(pairs) => map(pairs),
        Term::Record(record) => {
            let fields = record.fields().iter();
            let fields: Vec<_> =
                fields.map(|(name, value)| json!([name.as_str(), json(value)])).collect();
            let (module, name) = (record.module().as_str(), record.name().as_str());
            json!({"$record": {"module": module, "name": name, "fields": fields}})
        }
        Term::Pid(_) => printed("$pid", term),
        Term::Port(_) => printed("$port", term),
        Term::Reference(_) => printed("$reference", term),
        Term::Fun(_) | Term::Export(_) => printed("$fun", term),
        _ => printed("$term", term),
    }
}

fn integer(number: &Integer) -> Value {
    match number.to_i64() {
        Some(small) if (-EXACT..=EXACT).contains(&small) => small.into(),
        _ => json!({"$integer": number.to_string()}),
    }
}

fn array(terms: &[Term]) -> Value {
    terms.iter().map(json).collect()
}

/// An object if all keys are texts, no two of them the same, and none looks like one of ours; else the pairs.
fn map(pairs: &Map) -> Value {
    let mut object = Object::new();
    for (key, value) in pairs {
        let is_new = match text(key) {
            Some(key) => object.insert(key.into(), json(value)).is_none(),
            None => false,
        };
        if !is_new {
            let pairs = pairs.iter().map(|(key, value)| json!([json(key), json(value)]));
            return json!({"$map": pairs.collect::<Vec<_>>()});
        }
    }
    object.into()
}

/// An atom or a binary, if it can be the key of an object.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other term is a text")]
fn text(key: &Term) -> Option<&str> {
    let text = match key {
        Term::Atom(atom) => atom.as_str(),
        Term::Binary(bytes) => core::str::from_utf8(bytes).ok()?,
        _ => return None,
    };
    (!text.starts_with(OWN)).then_some(text)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // A string takes all.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn printed(kind: &str, term: &Term) -> Value {
    json!({ kind: term.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netkernel_smol::core::Creation;
    use netkernel_smol::core::term::{Limits, generate};
    use proptest::prelude::*;

    fn term(text: &str) -> Term {
        Term::parse_with_ids(text, &Limits::default(), &|_| Creation(4)).unwrap()
    }

    #[test]
    fn each_kind_of_term_has_its_form() {
        for (text, value) in [
            ("ok", json!("ok")),
            ("[true,false,null,undefined]", json!([true, false, null, "undefined"])),
            ("<<\"caf\u{E9}\"/utf8>>", json!("caf\u{E9}")),
            ("<<255,0>>", json!({"$binary": "ff00"})),
            ("<<>>", json!("")),
            ("<<1,5:3>>", json!({"$bits": "01a0", "$size": 11})),
            ("\"ab\"", json!([97, 98])),
            ("[]", json!([])),
            ("[a|b]", json!({"$list": ["a"], "$tail": "b"})),
            ("{ok,[1]}", json!({"$tuple": ["ok", [1]]})),
            ("{}", json!({"$tuple": []})),
            ("-1.5", json!(-1.5)),
            ("9007199254740991", json!(9_007_199_254_740_991_i64)),
            ("-9007199254740991", json!(-9_007_199_254_740_991_i64)),
            ("9007199254740992", json!({"$integer": "9007199254740992"})),
            ("-9007199254740992", json!({"$integer": "-9007199254740992"})),
            ("99999999999999999999", json!({"$integer": "99999999999999999999"})),
            ("#{}", json!({})),
            ("#{a => 1,<<\"b\">> => {}}", json!({"a": 1, "b": {"$tuple": []}})),
            ("#{a => 1,<<\"a\">> => 2}", json!({"$map": [["a", 1], ["a", 2]]})),
            ("#{1 => 2}", json!({"$map": [[1, 2]]})),
            ("#{'$tuple' => 2}", json!({"$map": [["$tuple", 2]]})),
            ("#{<<255>> => 2}", json!({"$map": [[{"$binary": "ff"}, 2]]})),
            ("#{\"a\" => 2}", json!({"$map": [[[97], 2]]})),
            ("<'b@127.0.0.1'.95.0>", json!({"$pid": "<'b@127.0.0.1'.95.0>"})),
            ("#Ref<b@h.1.2.3>", json!({"$reference": "#Ref<b@h.1.2.3>"})),
            ("#Port<b@h.5>", json!({"$port": "#Port<b@h.5>"})),
            ("fun lists:map/2", json!({"$fun": "fun lists:map/2"})),
        ] {
            assert_eq!(json(&term(text)), value, "{text}");
        }
        assert_eq!(json(&term("1.0")).to_string(), "1.0", "no integer");
    }

    /// Their last digit may change on the way, for the reader takes a shortcut.
    fn without_floats(value: Value) -> Value {
        match value {
            Value::Number(number) if number.is_f64() => Value::Null,
            Value::Array(values) => values.into_iter().map(without_floats).collect(),
            Value::Object(object) => {
                object.into_iter().map(|(key, value)| (key, without_floats(value))).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
        }
    }

    /// The term of a value, as far as the value says which.
    fn back(value: &Value) -> Term {
        let binary = |text: &str| Term::Binary(text.to_owned().into());
        let terms = |value: &Value| value.as_array().unwrap().iter().map(back).collect::<Vec<_>>();
        let tagged = |name: &str, value: &Value| match name {
            "$tuple" => Some(Term::Tuple(terms(value))),
            "$integer" => Some(term(value.as_str().unwrap())),
            "$map" => {
                let pairs = value.as_array().unwrap().iter();
                Some(Term::map(pairs.map(|pair| (back(&pair[0]), back(&pair[1])))))
            }
            _ => None,
        };
        match value {
            Value::Null => term("null"),
            Value::Bool(on) => (*on).into(),
            Value::Number(_) => term(&value.to_string()),
            Value::String(text) => binary(text),
            Value::Array(_) => Term::list(terms(value)),
            Value::Object(object) => {
                let only = object.iter().next().filter(|_| object.len() == 1);
                let own = only.and_then(|(name, value)| tagged(name, value));
                own.unwrap_or_else(|| {
                    Term::map(object.iter().map(|(key, value)| (binary(key), back(value))))
                })
            }
        }
    }

    proptest! {
        #[test]
        fn any_term_is_the_same_json_that_others_read(term in generate::tree()) {
            let value = json(&term);
            let text = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(&json(&term).to_string(), &text);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(without_floats(read), without_floats(value));
        }

        #[test]
        fn integers_lists_tuples_and_maps_of_binaries_come_back(
            numbers in proptest::collection::vec(any::<i64>(), 0..5),
            keys in proptest::collection::vec("[a$]{0,3}", 0..4),
        ) {
            let numbers = Term::list(numbers.into_iter().map(Term::from));
            let key = |key: String| Term::Binary(key.into());
            let pairs = keys.into_iter().map(|text| (key(text), numbers.clone()));
            let term = Term::tuple([Term::map(pairs), numbers.clone()]);
            prop_assert_eq!(back(&json(&term)), term);
        }
    }
}
