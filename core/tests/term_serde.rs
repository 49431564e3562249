//! Values of Rust as terms, by serde.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::fmt::Debug;
use core::str::FromStr as _;
use std::collections::BTreeMap;

use netkernel_core::Creation;
use netkernel_core::term::serde::{from_bytes, from_term, to_bytes, to_term};
use netkernel_core::term::{Atom, Integer, Limits, Pid, Record, Term};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Meters(u32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u8, String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    age: Option<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Empty,
    Circle(f64),
    Box(u8, u8),
    Named { name: String },
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

/// The value is this term, as a tree and as bytes, and comes back from both.
#[track_caller]
fn both_ways<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, text: &str) {
    assert_eq!(to_term(&value), Ok(term(text)));
    assert_eq!(from_term(&term(text)).as_ref(), Ok(&value));
    let bytes = to_bytes(&value).unwrap();
    assert_eq!(from_bytes(&bytes, &Limits::default()), Ok(value));
}

//= docs/spec/term.md#term-serde
//= type=test
#[test]
fn each_form_of_rust_has_one_of_erlang() {
    both_ways(true, "true");
    both_ways(-5_i8, "-5");
    both_ways(u64::MAX, "18446744073709551615");
    both_ways(i128::MIN, "-170141183460469231731687303715884105728");
    both_ways(u128::MAX, "340282366920938463463374607431768211455");
    both_ways(1.5_f32, "1.5");
    both_ways(-2.0_f64, "-2.0");
    both_ways('é', "<<195,169>>");
    both_ways(String::from("text"), "<<\"text\">>");
    both_ways(None::<u8>, "undefined");
    both_ways(Some(7_u8), "7");
    both_ways((), "nil");
    both_ways(Unit, "'Unit'");
    both_ways(Meters(3), "3");
    both_ways(Pair(1, "a".into()), "{1,<<\"a\">>}");
    both_ways((1_u8, -1_i8), "{1,-1}");
    both_ways([1_u16, 2], "{1,2}");
    both_ways(vec![1_u8, 2, 255], "[1,2,255]");
    both_ways(Vec::<u8>::new(), "[]");
    both_ways(BTreeMap::from([(2_u8, false), (1, true)]), "#{1 => true,2 => false}");
    both_ways(User { name: "a".into(), age: None }, "#{name => <<\"a\">>,age => undefined}");
    both_ways(Shape::Empty, "empty");
    both_ways(Shape::Circle(0.5), "{circle,0.5}");
    both_ways(Shape::Box(1, 2), "{box,1,2}");
    both_ways(Shape::Named { name: "x".into() }, "{named,#{name => <<\"x\">>}}");
    both_ways(vec![Shape::Empty, Shape::Box(0, 0)], "[empty,{box,0,0}]");
}

//= docs/spec/term.md#term-serde
//= type=test
#[test]
fn other_forms_are_read_too() {
    assert_eq!(from_term(&term("name")), Ok(String::from("name")));
    assert_eq!(from_term(&term("\"caf\u{E9}\"")), Ok(String::from("caf\u{E9}")));
    assert_eq!(from_term(&term("[]")), Ok(String::new()));
    assert_eq!(from_term(&term("nil")), Ok(None::<u8>));
    assert_eq!(from_term(&term("undefined")), Ok(()));
    assert_eq!(from_term(&term("3")), Ok(3.0_f64));
    assert_eq!(from_term(&term("-100000000000000000000")), Ok(-1e20_f64));
    let ten_to = |power| Term::from_str(&format!("1{}", "0".repeat(power))).unwrap();
    assert_eq!(from_term(&ten_to(308)), Ok(1e308_f64));
    assert!([309, 400].iter().all(|&power| from_term::<f64>(&ten_to(power)).is_err()));
    assert_eq!(from_term(&term("{1,2}")), Ok(vec![1, 2]));
    assert_eq!(from_term(&term("[1,2]")), Ok((1, 2)));
    let user = User { name: "a".into(), age: Some(9) };
    assert_eq!(from_term(&term("#{<<\"name\">> => a,<<\"age\">> => 9,other => {}}")), Ok(user));
    let fields = [("name", term("<<\"a\">>")), ("age", term("9"))];
    let fields = fields.map(|(name, value)| (Atom::new(name).unwrap(), value)).into();
    let [module, name] = ["users", "user"].map(|text| Atom::new(text).unwrap());
    let record = Term::from(Record::new(module, name, true, fields).unwrap());
    assert_eq!(from_term(&record), Ok(User { name: "a".into(), age: Some(9) }));
    assert!(from_term::<BTreeMap<String, Term>>(&record).is_ok_and(|map| map["age"] == term("9")));
    let borrowed = term("<<\"text\">>");
    assert_eq!(from_term::<&str>(&borrowed), Ok("text"));
}

//= docs/spec/term.md#term-serde
//= type=test
#[test]
fn terms_inside_values_stay_what_they_are() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Call {
        from: Pid,
        tag: Term,
        name: Atom,
    }
    let from = Pid { node: Atom::new("a@b").unwrap(), id: 1, serial: 2, creation: Creation(3) };
    let call = Call { from: from.clone(), tag: term("[alias|1.5]"), name: Atom::new("x").unwrap() };
    let whole = to_term(&call).unwrap();
    let Term::Map(map) = &whole else { panic!("{whole}") };
    assert_eq!(map.get(&term("from")), Some(&from.into()));
    assert_eq!(map.get(&term("tag")), Some(&term("[alias|1.5]")));
    assert_eq!(map.get(&term("name")), Some(&term("x")));
    assert_eq!(from_term(&whole), Ok(call));
    assert!(from_term::<Pid>(&term("x")).is_err());
}

//= docs/spec/term.md#term-serde
//= type=test
#[test]
fn a_term_inside_a_value_is_as_large_as_it_was() {
    let limits = Limits::default();
    let integer = Integer::from_sign_magnitude(true, &vec![7; limits.integer_bytes + 1]);
    let list = vec![Term::NIL; limits.terms + 1];
    let json = serde_json::to_string(&Term::Integer(integer.clone())).unwrap();
    assert_eq!(serde_json::from_str::<Term>(&json).unwrap(), Term::Integer(integer.clone()));
    for large in [Term::Integer(integer), Term::List(list.into())] {
        assert_eq!(
            from_term::<Vec<Term>>(&Term::List(vec![large.clone()].into())),
            Ok(vec![large])
        );
    }
}

//= docs/spec/term.md#term-serde
//= type=test
#[test]
fn in_other_formats_a_term_is_its_bytes() {
    let value = (1, term("{ok,[1.5|x],<<\"a\">>}"));
    let json = serde_json::to_string(&value).unwrap();
    assert!(json.starts_with("[1,[131,104,3,"), "{json}");
    assert_eq!(serde_json::from_str::<(u8, Term)>(&json).unwrap(), value);
    let levels = [vec![131], [104, 1].repeat(Limits::default().depth), vec![106]].concat();
    for wrong in ["[1,[131]]", "[1,[131,106,256]]", "[1,\"x\"]", &format!("[1,{levels:?}]")] {
        assert!(serde_json::from_str::<(u8, Term)>(wrong).is_err(), "{wrong}");
    }
}

//= docs/spec/term.md#term-serde
//= type=test
#[test]
fn what_does_not_fit_is_refused() {
    assert!(to_term(&f64::NAN).is_err());
    assert!(from_term::<u8>(&term("256")).is_err());
    assert!(from_term::<bool>(&term("yes")).is_err());
    assert!(from_term::<(u8, u8)>(&term("{1,2,3}")).is_err());
    assert!(from_term::<(u8, u8)>(&term("{1}")).is_err());
    assert!(from_term::<Vec<u8>>(&term("[1|2]")).is_err());
    assert!(from_term::<u128>(&term("340282366920938463463374607431768211456")).is_err());
    assert!(from_term::<String>(&term("<<255>>")).is_err());
    assert!(from_term::<Unit>(&term("unit")).is_err());
    for text in
        ["square", "{circle}", "circle", "{empty,1}", "{circle,1.0,2.0}", "{}", "{1,2}", "7"]
    {
        assert!(from_term::<Shape>(&term(text)).is_err(), "{text}");
    }
    assert!(from_bytes::<u8>(&[131, 97], &Limits::default()).is_err());
}
