//! Host files, and the walk of `world/1`.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "this is test code")]

use netkernel_core::epmd::NamesError;
use netkernel_core::net_adm::{
    Answer, Call, HOST_FILE_MAX, Host, HostFileError, Posix, Question, Step, SystemQuestion, World,
    WorldError, WorldStep, parse_hosts, search,
};
use netkernel_core::net_kernel::mfa;
use netkernel_core::stream::OpenError;
use netkernel_core::term::Term;
use proptest::prelude::*;

/// What `host_file/0` answers to a file, as Erlang prints it.
fn answer(bytes: &[u8]) -> String {
    match search([bytes], |bytes| Ok(bytes.to_vec())) {
        Ok(hosts) => Term::list(hosts).to_string(),
        Err(error) => format!("{{error,{error}}}"),
    }
}

//= docs/spec/net_adm.md#adm-host-file-syntax
//= type=test
#[test]
fn terms_end_with_dots() {
    for (file, hosts) in [
        ("", "[]"),
        ("'a.b'.\n'c'.\n", "['a.b',c]"),
        ("% hosts\na. b.%c\n c.% d.", "[a,b,c]"),
        ("a.\r\nb.\r\n", "[a,b]"),
        (
            "\"a.b\". {127,0,0,1}. 'it\\'s'. $.. 1.5. #{a => [b|c]}.",
            "[\"a.b\",{127,0,0,1},'it\\'s',46,1.5,#{a => [b|c]}]",
        ),
        (
            "-5. + 5. <<1,2:4,\"x\"/utf8>>. fun a:b/1. \"a\" \"b\".",
            "[-5,5,<<1,39,8:4>>,fun a:b/1,\"ab\"]",
        ),
        ("$\\s. $\\x{41}. $\\x41. $\\101. $\\^a.", "[32,65,65,65,1]"),
        ("a\x0c. {a,\x0bb}. a\u{A0}. a.\u{85}b.", "[a,{a,b},a,a,b]"),
        ("{ }. [ ]. #{ }. << >>.", "[{},[],#{},<<>>]"),
        ("#{a => 1,b => [fun a:b/2]}. [a,[]|b].", "[#{a => 1,b => [fun a:b/2]},[a,[]|b]]"),
        ("1.5. 1.25e3. 1.5e+3. 1.5e-3. 12.50.", "[1.5,1250.0,1.5e3,0.0015,12.5]"),
    ] {
        assert_eq!(answer(file.as_bytes()), hosts, "{file}");
    }
}

//= docs/spec/net_adm.md#adm-host-file-syntax
//= type=test
#[test]
fn escapes_are_cut_between_characters() {
    for file in
        ["$\\^é", "$\\^é.", "$\\^日 b.", "$\\é.", "$é.", "$\\x", "$\\xé.", "$\\x{é}.", "$\\7é."]
    {
        let told = answer(file.as_bytes());
        assert!(told.starts_with(['[', '"']) || told.starts_with("{error,{1,"), "{file}: {told}");
    }
    assert_eq!(answer("$é. $\\é.".as_bytes()), "\"éé\"");
}

//= docs/spec/net_adm.md#adm-host-file-syntax
//= type=test
#[test]
fn what_is_wrong_is_told_with_its_line() {
    let before = |line: usize, word: &str| {
        format!("{{error,{{{line},erl_parse,[\"syntax error before: \",{word}]}}}}")
    };
    let bad = |line: usize| format!("{{error,{{{line},erl_parse,\"bad term\"}}}}");
    let scan = |line: usize, what: &str| format!("{{error,{{{line},erl_scan,{what}}}}}");
    for (file, told) in [
        ("a.\nb", before(2, "[]")),
        ("a.\nb\n\n% c\n", before(2, "[]")),
        ("a.\n\nb c.\nd.", before(3, "\"c\"")),
        ("a.b.c.\n", before(1, "\"'.'\"")),
        ("10.0.0.1.", before(1, "\"'.'\"")),
        ("a..b.", before(1, "\"'..'\"")),
        ("{a,,b}.", before(1, "\"','\"")),
        ("{a,{b,[c,,]}}.", before(1, "\"','\"")),
        ("{x,\ny\nz}.", before(3, "\"z\"")),
        ("{x,\ny\n.", before(3, "\"'.'\"")),
        ("'x y' 'z'.", before(1, "\"z\"")),
        ("a end.", before(1, "\"'end'\"")),
        ("a 16#ff.", before(1, "\"255\"")),
        ("a \"s\".", before(1, "\"\\\"s\\\"\"")),
        ("a Name.", before(1, "\"Name\"")),
        ("a )", before(1, "\"')'\"")),
        ("Host.", bad(1)),
        ("\n\n\n_.", bad(4)),
        ("h-1.", bad(1)),
        ("a.\nfoo(\nb).\n", bad(2)),
        ("{a,\nB}.", bad(1)),
        ("'a", scan(1, "{unterminated,atom,\"a\"}")),
        ("a.\n\"0123456789abcdefgh\n", scan(2, "{unterminated,string,\"0123456789abcde\"}")),
        ("a.\n$", scan(2, "{unterminated,char}")),
        ("\n16#zz.", scan(2, "{illegal,integer}")),
        ("end.", before(1, "\"'end'\"")),
        ("- a.", bad(1)),
        ("-A.", bad(1)),
        ("-\"s\".", bad(1)),
        ("- -1.", bad(1)),
        ("-{}.", bad(1)),
        ("- .", before(1, "\"'.'\"")),
        ("-[a", before(1, "[]")),
        ("#r{}.", bad(1)),
        ("#r s.", before(1, "\"s\"")),
        ("#5.", before(1, "\"5\"")),
        ("#{a=>1 b=>2}.", before(1, "\"b\"")),
        ("#{a=>1;b=>2}.", before(1, "\"';'\"")),
        ("fun a/1.", bad(1)),
        ("fun A/1.", before(1, "\"'/'\"")),
        ("fun a/B.", before(1, "\"B\"")),
        ("fun end:b/1.", before(1, "\"'end'\"")),
        ("fun A(", before(1, "[]")),
        ("fun A(X) -> X end.", bad(1)),
        ("\n$\\x{.\n", scan(2, "{illegal,character}")),
        ("$\\x{41.", scan(1, "{illegal,character}")),
        ("$\\x{}.", scan(1, "{illegal,character}")),
        ("fun A:b/1.", bad(1)),
        ("fun a:b/C.", bad(1)),
        ("fun() -> ok end.", bad(1)),
        ("fun (.", before(1, "\"'.'\"")),
        ("fun a b.", before(1, "\"b\"")),
        ("fun a:b.", before(1, "\"'.'\"")),
        ("fun a:5.", before(1, "\"5\"")),
        ("fun a:b/c.", before(1, "\"c\"")),
        ("fun a:", before(1, "[]")),
        ("a + .", before(1, "\"'.'\"")),
        ("a +", before(1, "[]")),
        ("a\n+\nb.", bad(1)),
        ("{a\n+\nb}.", bad(1)),
        ("a\n×.", before(2, "\"'×'\"")),
        ("a÷.", before(1, "\"'÷'\"")),
        ("日.", scan(1, "{illegal,character}")),
        ("a.\n'x\n\u{FFFE}'.", scan(3, "{illegal,character}")),
        ("a.\n% x\u{FFFF}\nb.", scan(2, "{illegal,character}")),
        ("$\u{FFFE}.", scan(1, "{illegal,character}")),
        ("\"\\x{FFFE}\".", scan(1, "{illegal,character}")),
        ("a.\n\"x\n\u{FFFE} y", scan(3, "{illegal,character}")),
        ("\"a\nb\"\"c\".", scan(2, "string_concat")),
        ("\"a\n\n\"\"b", scan(3, "string_concat")),
    ] {
        assert_eq!(answer(file.as_bytes()), told, "{file}");
    }
}

//= docs/spec/net_adm.md#adm-host-file-syntax
//= type=test
#[test]
fn a_term_has_64_levels_at_most() {
    let bad = "{error,{1,erl_parse,\"bad term\"}}";
    for (open, inmost, close) in [
        ("[", "", "]"),
        ("{", "", "}"),
        ("[a|", "[]", "]"),
        ("#{a => ", "#{}", "}"),
        ("#{", "#{}", " => b}"),
    ] {
        let levels =
            |count: usize| format!("{}{inmost}{}.", open.repeat(count), close.repeat(count));
        let most = 64 - usize::from(!inmost.is_empty());
        let (read, refused) = (levels(most), levels(most + 1));
        assert!(!answer(read.as_bytes()).starts_with("{error"), "{open}");
        assert_eq!(answer(refused.as_bytes()), bad, "{open}");
    }
    assert_eq!(answer(format!("{}1.", "- ".repeat(1_000_000)).as_bytes()), bad);
}

//= docs/spec/net_adm.md#adm-host-file-syntax
//= type=test
#[test]
fn a_term_has_a_million_words_at_most() {
    let list = |words: usize| format!("[{}a].", "a,".repeat((words - 4) / 2));
    assert!(!answer(list(1_000_000).as_bytes()).starts_with("{error"));
    let bad = "{error,{1,erl_parse,\"bad term\"}}";
    assert_eq!(answer(list(1_000_002).as_bytes()), bad);
    assert_eq!(answer("{".repeat(4 << 20).as_bytes()), bad);
}

//= docs/spec/net_adm.md#adm-host-file-syntax
//= type=test
#[test]
fn a_brace_is_looked_for_among_digits_only() {
    let told = "{error,{1,erl_scan,{illegal,character}}}";
    assert_eq!(answer("$\\x{".repeat(1 << 20).as_bytes()), told);
}

//= docs/spec/net_adm.md#adm-host-file-encoding
//= type=test
#[test]
fn files_are_utf_8_unless_they_say_that_they_are_latin_1() {
    assert_eq!(answer("'é'.".as_bytes()), "[é]");
    let told = "{error,{3,file_io_server,invalid_unicode}}";
    for file in [
        &b"a.\n\n'\xE9'."[..],
        b"'a\nb\nc\xE9'.",
        b"a.\nb\n\xE9.",
        b"a.\n\nb.\xE9",
        b"a.\n\nb c.\xE9",
        b"a.\n\n%%\xE9\nb.",
        b"%% coding: utf-8\n%% coding: latin-1\n'\xE9'.",
        b"%%\n%%\n'\xE9'. %% coding: latin-1",
    ] {
        assert_eq!(answer(file), told, "{}", file.escape_ascii());
    }
    let illegal = "{error,{1,erl_scan,{illegal,character}}}";
    assert_eq!(
        answer("日.\nb.\n'".bytes().chain(*b"\xE9'.").collect::<Vec<_>>().as_slice()),
        illegal
    );
    assert_eq!(answer(b"a. %% coding: latin-1\n'\xE9'."), "[a,é]");
    assert_eq!(answer(b"%% coding: latin-1\n'\xE9'."), "[é]");
    let far_down = |fill: usize| {
        let comment = [&b"%"[..], &vec![b'x'; fill], b" coding: latin-1"].concat();
        (comment.len(), answer(&[&comment[..], b"\n'\xE9'."].concat()))
    };
    assert_eq!(far_down(511 - 17), (511, "[é]".into()));
    let too_far = "{error,{2,file_io_server,invalid_unicode}}";
    assert_eq!(far_down(512 - 17), (512, too_far.into()), "there may be more of the name");
    let at_end = |fill: usize| {
        let file = [&b"'\xE9'. %"[..], &vec![b'x'; fill], b" coding: latin-1"].concat();
        (file.len(), answer(&file))
    };
    assert_eq!(at_end(480 - 22), (480, "[é]".into()));
    assert_eq!(at_end(481 - 22).0, 481);
    assert_ne!(at_end(481 - 22).1, "[é]", "the end of the file is not seen any more");
    assert_eq!(answer(b"%% -*- coding: utf-8 -*-\n\n'\xE9'."), told);
    assert_eq!(answer(b"a b.\n'\xE9'."), "{error,{1,erl_parse,[\"syntax error before: \",\"b\"]}}");
}

//= docs/spec/net_adm.md#adm-host-file-path
//= type=test
#[test]
fn directories_without_a_file_are_passed_over() {
    use Posix::*;
    let found = |files: &[Result<&str, Posix>]| {
        search(files.iter().copied(), |file| file.map(|text| text.as_bytes().to_vec()))
    };
    let hosts = Ok(vec![Term::from(netkernel_core::term::Atom::new("a").unwrap())]);
    assert_eq!(found(&[Err(Enoent), Err(Enotdir), Ok("a."), Ok("b.")]), hosts);
    assert_eq!(found(&[Err(Enoent), Err(Eisdir), Ok("a.")]), Err(HostFileError::Posix(Eisdir)));
    assert_eq!(found(&[Err(Enotdir)]), Err(HostFileError::Posix(Enoent)));
    assert_eq!(found(&[]), Err(HostFileError::Posix(Enoent)));
    assert!(
        matches!(found(&[Ok("a"), Ok("b.")]), Err(HostFileError::Syntax(_))),
        "that is the file"
    );
}

//= docs/spec/net_adm.md#adm-host-file-kind
//= type=test
#[test]
fn a_file_has_16_mib_at_most() {
    assert_eq!(HOST_FILE_MAX, 16_777_216);
}

/// Walks, with these names of each host, and these nodes that answer; what was done, told and answered.
fn walk(
    mut world: World,
    names: impl Fn(&Host) -> Result<Vec<&'static str>, NamesError>,
    alive: impl Fn(&str) -> bool,
) -> (Vec<String>, String, Result<Vec<String>, WorldError>) {
    let (mut done, mut told) = (Vec::new(), String::new());
    loop {
        let mut tell = |text: &str| told.push_str(text);
        let end = match world.step(&mut tell) {
            Ok(WorldStep::Names(host)) => {
                done.push(format!("names {host}"));
                let found = names(&host);
                let found = found.map(|names| names.iter().map(|n| ((*n).into(), 1)).collect());
                match world.named(found) {
                    Ok(()) => continue,
                    Err(error) => Err(error),
                }
            }
            Ok(WorldStep::Ping(node)) => {
                done.push(format!("ping {node}"));
                world.pinged(alive(node.as_str()), &mut tell);
                continue;
            }
            Ok(WorldStep::Done(nodes)) => Ok(nodes.iter().map(|n| n.as_str().into()).collect()),
            Err(error) => Err(error),
        };
        return (done, told, end);
    }
}

fn world(hosts: &str, longnames: Option<bool>) -> World {
    World::of_term(&hosts.parse().unwrap(), longnames).unwrap()
}

//= docs/spec/net_adm.md#adm-world-order
//= type=test
//= docs/spec/net_adm.md#adm-world-unreachable
//= type=test
//= docs/spec/net_adm.md#adm-world-domain
//= type=test
#[test]
fn nodes_are_pinged_host_by_host() {
    let names = |host: &Host| match host.to_string().as_str() {
        "h1.x" => Ok(vec!["a", "b"]),
        "h2.x" => Ok(vec![]),
        "h3.x" => Err(NamesError::Open(OpenError::Resolve)),
        _ => Ok(vec!["c", "a b"]),
    };
    let hosts = "['h1.x','h2.x','h3.x',h4]";
    let (done, told, nodes) = walk(world(hosts, Some(true)), names, |node| node != "a@h1.x");
    let steps = [
        "names h1.x",
        "ping 'a@h1.x'",
        "ping 'b@h1.x'",
        "names h2.x",
        "names h3.x",
        "names h4",
        "ping c@h4",
    ];
    assert_eq!(done, steps);
    assert_eq!(nodes.unwrap(), ["b@h1.x", "c@h4"]);
    let lines = "Pinging 'a@h1.x' -> pang\nPinging 'b@h1.x' -> pong\nPinging c@h4 -> pong\n\
        Pinging 'a b@h4' -> pang\n";
    assert_eq!(told, lines);

    let (done, _, nodes) = walk(world(hosts, Some(false)), names, |_| true);
    assert_eq!(
        done[..3],
        ["names h1.x", "ping a@h1", "ping b@h1"],
        "hosts are cut for short names"
    );
    assert_eq!(nodes.unwrap(), ["a@h1", "b@h1", "c@h4"]);

    let (done, told, nodes) = walk(world(hosts, None), names, |_| true);
    assert_eq!((done.len(), told.as_str()), (4, ""), "who is not alive pings nobody");
    assert_eq!(nodes.unwrap(), [""; 0]);
}

//= docs/spec/net_adm.md#adm-world-hosts
//= type=test
//= docs/spec/net_adm.md#adm-world-exits
//= type=test
#[test]
fn hosts_that_are_none_end_it_when_their_turn_comes() {
    let reached = |_: &Host| Ok(vec!["a"]);
    let unreached = |_: &Host| Err(NamesError::Open(OpenError::Refused));
    let end = |hosts: &str, names: fn(&Host) -> Result<Vec<&'static str>, NamesError>| {
        let (done, _, end) = walk(world(hosts, Some(true)), names, |_| true);
        (done.len(), end.map(|nodes| nodes.len()))
    };
    assert_eq!(end("[\"h\"]", reached), (1, Err(WorldError::Badarg)));
    assert_eq!(end("[{127,0,0,1}]", reached), (1, Err(WorldError::Badarg)));
    assert_eq!(end("[\"h\",{127,0,0,1},\"\"]", unreached), (3, Ok(0)));
    assert_eq!(end("[h,[x]]", unreached), (1, Err(WorldError::FunctionClause)));
    assert_eq!(end("[h,5,i]", reached), (2, Err(WorldError::FunctionClause)));
    assert_eq!(end("[h|i]", reached), (2, Err(WorldError::FunctionClause)));
    let long = format!("[h,'{}']", "i".repeat(255));
    assert_eq!(end(&long, reached), (3, Err(WorldError::SystemLimit)));
    let no_list = World::of_term(&"h".parse().unwrap(), Some(true));
    assert_eq!(no_list, Err(WorldError::FunctionClause));
    assert_eq!(WorldError::FunctionClause.to_string(), "{error,function_clause}");

    let missing = World::of_file(Err(HostFileError::Posix(Posix::Enoent)), Some(true));
    assert_eq!(missing.unwrap_err().to_string(), "{exit,{error,enoent}}");
}

/// Carries a call out on the node with a long name on `vm.test`, where EPMD knows `b` and `c`, and `b` answers: what is asked, what is
/// printed, and what comes of it.
fn apply(text: &str, file: Result<&str, Posix>) -> (Vec<String>, String, String) {
    let call = match mfa::Call::parse(&format!("net_adm:{text}"), "h").unwrap() {
        Ok(mfa::Call::NetAdm(call)) => call,
        other => panic!("{text}: {other:?}"),
    };
    let (mut asked, mut told) = (Vec::new(), String::new());
    let mut step = call.begin(Some(true), &mut |text| told.push_str(text));
    let answer = loop {
        let (question, inquiry) = match step {
            Step::Ask(question, inquiry) => (question, inquiry),
            Step::Done(answer) => break answer,
        };
        let answer = match &question {
            Question::Names(Host::Name(host)) if host == "vm.test" => {
                Answer::Names(Ok(vec![("b".into(), 1), ("c".into(), 2)]))
            }
            Question::Names(_) => Answer::Names(Err(NamesError::Open(OpenError::Resolve))),
            Question::Ping(node) => Answer::Pinged(node.as_str() == "b@vm.test"),
            Question::System(SystemQuestion::DnsHostname(host)) => {
                let known = host == "vm";
                Answer::DnsHostname(
                    known.then(|| "vm.test".into()).ok_or_else(|| Term::string(host)),
                )
            }
            Question::System(SystemQuestion::HostFile) => {
                let read = |file: Result<&str, Posix>| file.map(|file| file.as_bytes().to_vec());
                Answer::HostFile(search([file], read))
            }
            Question::System(SystemQuestion::Localhost) => Answer::Localhost("vm.test".into()),
        };
        asked.push(match question {
            Question::Names(host) => format!("names {host}"),
            Question::Ping(node) => format!("ping {node}"),
            Question::System(question) => format!("{question:?}"),
        });
        step = inquiry.told(answer, &mut |text| told.push_str(text));
    };
    let result = match answer.to_result() {
        Ok(term) => term.to_string(),
        Err(exception) => exception.to_string(),
    };
    (asked, told, result)
}

//= docs/spec/mfa.md#mfa-answers
//= type=test
//= docs/spec/net_adm.md#adm-dns-hostname
//= type=test
#[test]
fn a_call_asks_for_what_it_needs() {
    for (call, asked, result) in [
        ("dns_hostname(vm)", &["DnsHostname(\"vm\")"][..], "{ok,\"vm.test\"}"),
        ("dns_hostname(no)", &["DnsHostname(\"no\")"], "{error,no}"),
        ("dns_hostname({127,0,0,1})", &[], "{error,{127,0,0,1}}"),
        ("dns_hostname(5)", &[], "{error,5}"),
        ("host_file()", &["HostFile"], "['vm.test',other]"),
        ("localhost()", &["Localhost"], "\"vm.test\""),
        ("names()", &["Localhost", "names vm.test"], "{ok,[{\"b\",1},{\"c\",2}]}"),
        ("names(other)", &["names other"], "{error,nxdomain}"),
        ("ping('b@vm.test')", &["ping 'b@vm.test'"], "pong"),
        ("ping('c@vm.test')", &["ping 'c@vm.test'"], "pang"),
        ("ping(nobody)", &[], "pang"),
        (
            "world()",
            &["HostFile", "names vm.test", "ping 'b@vm.test'", "ping 'c@vm.test'", "names other"],
            "['b@vm.test']",
        ),
        (
            "world_list(['vm.test'])",
            &["names vm.test", "ping 'b@vm.test'", "ping 'c@vm.test'"],
            "['b@vm.test']",
        ),
        ("world_list([other|x])", &["names other"], "exception error: function_clause"),
        ("world_list([5])", &[], "exception error: function_clause"),
        ("world_list([\"vm.test\"])", &["names vm.test"], "exception error: badarg"),
    ] {
        let done = apply(call, Ok("'vm.test'.\nother.\n"));
        assert_eq!(
            done,
            (asked.iter().map(|&asked| asked.into()).collect(), "".into(), result.into())
        );
    }
    let (_, told, _) = apply("world_list(['vm.test'],verbose)", Ok(""));
    assert_eq!(told, "Pinging 'b@vm.test' -> pong\nPinging 'c@vm.test' -> pang\n");
    assert_eq!(apply("world(verbose)", Ok("'vm.test'.\n")).1, told);
    assert_eq!(apply("world(loud)", Ok("'vm.test'.\n")).1, "");
}

//= docs/spec/net_adm.md#adm-world-exits
//= type=test
//= docs/spec/net_adm.md#adm-host-file-kind
//= type=test
#[test]
fn a_file_that_cannot_be_read_is_told_and_ends_the_walk() {
    use Posix::{Eacces, Efbig, Eio, Eisdir, Eloop, Emfile, Enametoolong, Enoent, Enxio};
    for posix in [Eacces, Efbig, Eio, Eisdir, Eloop, Emfile, Enametoolong, Enoent, Enxio] {
        assert_eq!(apply("host_file()", Err(posix)).2, format!("{{error,{posix}}}"));
        assert_eq!(apply("world()", Err(posix)).2, format!("exception exit: {{error,{posix}}}"));
    }
    let cut = apply("world(5)", Ok("a")).2;
    assert!(cut.starts_with("exception exit: {error,{1,erl_parse,"), "{cut}");
}

#[test]
fn who_is_told_what_nobody_asked_says_just_that() {
    let Step::Ask(_, inquiry) = Call::Localhost.begin(None, &mut |_| ()) else { panic!("it asks") };
    assert_eq!(inquiry.told(Answer::Pinged(true), &mut |_| ()), Step::Done(Answer::Pinged(true)));
}

//= docs/spec/net_adm.md#adm-names-errors
//= type=test
#[test]
fn an_unknown_host_is_told_from_one_without_epmd() {
    for (error, reason) in [
        (NamesError::Open(OpenError::Resolve), "nxdomain"),
        (NamesError::Open(OpenError::Refused), "address"),
        (NamesError::Garbage, "address"),
        (NamesError::NoReply, "address"),
        (NamesError::TooLong, "address"),
    ] {
        assert_eq!(error.reason(), reason);
    }
}

proptest! {
    //= docs/spec/net_adm.md#adm-host-file-syntax
    //= type=test
    #[test]
    fn any_bytes_are_hosts_or_an_error_with_a_line_of_theirs(
        parts in proptest::collection::vec(
            prop_oneof![
                8 => proptest::sample::select("ab0x7eA_@ \n\r.,;:'\"`\\$^~#<>{}[]()|=-+/*%".chars().collect::<Vec<_>>())
                    .prop_map(|char| char.to_string().into_bytes()),
                2 => proptest::sample::select(vec!['é', 'É', 'Ā', 'ß', '×', '÷', '\u{A0}', '\u{85}', '∞', '日', '𝄞', '\u{301}'])
                    .prop_map(|char| char.to_string().into_bytes()),
                2 => proptest::sample::select(vec!["$\\^", "$\\x", "$\\", "$", "~s\"", "\"\"\"", "'\\"])
                    .prop_map(|text| text.as_bytes().to_vec()),
                1 => any::<u8>().prop_map(|byte| vec![byte]),
            ],
            0..60,
        ),
        valid in any::<bool>(),
    ) {
        let mut bytes = parts.concat();
        if valid {
            // Otherwise most files end where they stop to be UTF-8.
            bytes = String::from_utf8_lossy(&bytes).into_owned().into_bytes();
        }
        let lines = 1 + bytes.iter().filter(|&&b| b == b'\n').count();
        if let Err(error) = parse_hosts(&bytes) {
            prop_assert!((1..=lines).contains(&error.line), "{error:?}");
        }
    }

    #[test]
    fn atoms_that_are_printed_are_read(names in proptest::collection::vec("\\PC{1,20}", 0..5)) {
        let atoms = names.iter().map(|name| netkernel_core::term::Atom::new(name).unwrap());
        let file: String = atoms.clone().map(|atom| format!("{atom}.\n")).collect();
        prop_assert_eq!(parse_hosts(file.as_bytes()), Ok(atoms.map(Term::from).collect()));
    }
}
