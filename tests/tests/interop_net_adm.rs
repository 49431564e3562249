//! `net_adm`: the same calls on a real node and on ours, with the same files and the same EPMD.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::{fs, path::Path};

use netkernel_blocking::core::net_adm::{HOST_FILE, Host};
use netkernel_blocking::core::term::Term;
use netkernel_blocking::{HostDirs, Verbosity};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, TempDir};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Node;

/// Files of which OTP 25 reads what newer releases refuse.
const SINCE_27: [&str; 4] = ["\"a\nb\"\"c\".", "{\"a\"\"b\",\n\nB}.", "\"a\n\n\"\"b", "$\\^1."];

/// Files whose answer is the same term.
const FILES: [&str; 80] = [
    "",
    "'a.b'.\n'c'.\n",
    "a.\nb.",
    "a.\nb",
    "a.\nb\n\n% c\n",
    "a b.",
    "a.\n\nb c.\nd.",
    "\"str\".",
    "5. {a,b}. [x|y]. #{a=>1}. <<1,2>>. \"x\" \"y\".",
    "% comment\na.\n% more\n",
    "a.%x\nb.",
    "a.b.c.\n",
    "10.0.0.1.",
    "a..",
    "..\n",
    ".",
    "{a,,b}.",
    "{a,b",
    "{x,\ny\nz}.",
    "{x,\ny\n.",
    "[a|",
    "a)",
    "}",
    "Host.",
    "_.",
    "1+2.",
    "h-1.",
    "foo().",
    "a.\nfoo(\nb).\n",
    "{a,\nB}.",
    "#{a:=1}.",
    "a.\n#foo{}.",
    "a => b.",
    "a \"s\".",
    "a 16#ff.",
    "a end.",
    "a B.",
    "-5. + 5. $a. $\\n. 2#101.",
    "a.\r\nb.\r\n",
    "end.",
    "- a.",
    "- -1.",
    "-{}.",
    "- .",
    "#r{}.",
    "#r s.",
    "#5.",
    "#{a=>1 b=>2}.",
    "#{a=>1;b=>2}.",
    "fun a/1.",
    "fun a:b/1.",
    "fun A/1.",
    "fun a/B.",
    "fun end:b/1.",
    "fun A(",
    "fun A(X) -> X end.",
    "\n$\\x{.\n",
    "$\\x{41.",
    "a\x0c.",
    "{a,\x0bb}.",
    "a\u{A0}.",
    "a.\u{85}b.",
    "fun A:b/1.",
    "fun() -> ok end.",
    "fun a b.",
    "fun a:b.",
    "fun a:b/c.",
    "a + .",
    "a\n+\nb.",
    "a\n×.",
    "a÷.",
    "日.",
    "É.",
    "é.",
    "1.5. 1.25e3. 1.5e-3.",
    "a.\n'x\n\u{FFFE}'.",
    "a.\n% x\u{FFFE}\nb.",
    "$\u{FFFF}.",
    "\"\\x{FFFE}\".",
    "\"\\x4g\".",
];

/// Files that are not all UTF-8.
const BYTES: [&[u8]; 22] = [
    b"a.\n\n'\xE9'.",
    b"%% coding: latin-1\n'\xE9'.",
    b"'\xC3\xA9'.",
    b"\xE6\x97\xA5.\nb.\n'\xE9'.",
    b"'a\nb\nc\xE9'.",
    b"a.\nb\n\xE9.",
    b"a.\n\nb.\xE9",
    b"a.\n\nb c.\xE9",
    b"a.\n\n%%\xE9\nb.",
    b"%% coding: utf-8\n%% coding: latin-1\n'\xE9'.",
    b"%%\nb.\n%% coding: latin-1\n'\xE9'.",
    b"a. %% coding: latin-1\n'\xE9'.",
    b"%% coding: Latin-1\n'\xE9'.",
    b"%% -*- coding: latin-1-unix -*-\n'\xE9'.",
    b"%% coding: latin-12\n'\xE9'.",
    b"%% coding: latin1\n'\xE9'.",
    b"%% coding: latin_1\n'\xE9'.",
    b"%% coding rules; coding: latin-1\n'\xE9'.",
    b"%% coding: koi8-r\n%% coding: latin-1\n'\xE9'.",
    b"%% coding\t: latin-1\n'\xE9'.",
    b"%% coding  =  latin-1\n'\xE9'.",
    b"coding: latin-1 %% \n'\xE9'.",
];

/// Files in which the name of an encoding ends so many bytes behind the beginning, with or without more behind it.
fn encodings_far_down() -> Vec<Vec<u8>> {
    let file = |end: usize, before: &[u8], behind: &[u8]| {
        let comment = b" coding: latin-1";
        let filled = vec![b'x'; end - before.len() - comment.len()];
        [before, &filled, comment, behind].concat()
    };
    let ends = [64, 479, 480, 481, 500, 510, 511, 512, 513, 520, 528, 540, 600];
    let files = ends.map(|end| {
        let ended = file(end, b"'\xE9'. %", b"");
        [file(end, b"%", b"\n'\xE9'."), file(end, b"%", b" \n'\xE9'."), ended]
    });
    files.into_iter().flatten().collect()
}

/// Files whose answer has the same line and the same part of the parser: releases of Erlang have several words.
const ERRORS: [&str; 7] =
    ["'a", "a.\n\n\"abc\ndef", "a.\n$", "\n16#zz.", "a;b.", "not a.", "a.\n(b c)."];

fn ours(directory: &Path) -> String {
    match Node::host_file(&HostDirs(vec![directory.into()])) {
        Ok(hosts) => Term::list(hosts).to_string(),
        Err(error) => format!("{{error,{error}}}"),
    }
}

/// Line and module of an error.
fn place(answer: &str) -> Vec<&str> {
    answer.splitn(4, ',').take(3).collect()
}

/// A name that EPMD has, as long as the stream lives, and behind which there is nobody.
fn pretend(epmd: u16, name: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", epmd)).unwrap();
    let length = u16::try_from(name.len()).unwrap();
    let mut request = (13 + length).to_be_bytes().to_vec();
    request.extend([b'x', 0, 1, 77, 0, 0, 6, 0, 5]);
    request.extend(length.to_be_bytes());
    request.extend(name.as_bytes());
    request.extend([0, 0]);
    stream.write_all(&request).unwrap();
    stream.read_exact(&mut [0; 6]).unwrap();
    stream
}

/// What `world_list/2` answers here, and what it prints.
fn walk(node: &Node, hosts: &str) -> (String, String) {
    let mut told = String::new();
    let answer = node.world_list(
        &hosts.parse().unwrap(),
        Verbosity::Verbose(&mut |text: &str| told.push_str(text)),
    );
    let answer = match answer {
        Ok(nodes) => {
            let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
            format!("[{}]", nodes.join(","))
        }
        Err(error) => error.to_string(),
    };
    (answer, told)
}

each_release_and_runtime! {
    //= docs/spec/net_adm.md#adm-host-file-syntax
    //= type=test
    //= docs/spec/net_adm.md#adm-host-file-encoding
    //= type=test
    //= docs/spec/net_adm.md#adm-host-file-path
    //= type=test
    #[test]
    fn host_files_are_read_as_by_erlang(release: Release) {
        let (epmd, directory) = (Epmd::start(release), TempDir::new());
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let path = directory.path().join(HOST_FILE);
        erl.eval(&format!("file:set_cwd({:?})", directory.path().display().to_string()));
        let both = || (ours(directory.path()), erl.eval("net_adm:host_file()"));
        let (mine, theirs) = both();
        assert_eq!((mine.as_str(), theirs.as_str()), ("{error,enoent}", "{error,enoent}"));
        for file in FILES {
            fs::write(&path, file).unwrap();
            let (mine, theirs) = both();
            assert_eq!(mine, theirs, "{file}");
        }
        for file in SINCE_27.iter().filter(|_| release != Release::Otp25) {
            fs::write(&path, file).unwrap();
            let (mine, theirs) = both();
            assert_eq!(mine, theirs, "{file}");
        }
        for file in ERRORS {
            fs::write(&path, file).unwrap();
            let (mine, theirs) = both();
            assert_eq!(place(&mine), place(&theirs), "{file}: {mine} and {theirs}");
        }
        for file in BYTES {
            fs::write(&path, file).unwrap();
            let (mine, theirs) = both();
            assert_eq!(mine, theirs, "{}", file.escape_ascii());
        }
        for file in encodings_far_down() {
            fs::write(&path, &file).unwrap();
            let (mine, theirs) = both();
            assert_eq!(mine, theirs, "{} {}", file.len(), file.escape_ascii());
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let (mine, theirs) = both();
        assert_eq!((mine.as_str(), theirs.as_str()), ("{error,eisdir}", "{error,eisdir}"));
    }

    //= docs/spec/net_adm.md#adm-host-file-kind
    //= type=test
    #[test]
    fn host_files_are_files_of_any_size(release: Release) {
        let (epmd, directory) = (Epmd::start(release), TempDir::new());
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let path = directory.path().join(HOST_FILE);
        erl.eval(&format!("file:set_cwd({:?})", directory.path().display().to_string()));
        let both = || {
            let (mine, theirs) = (ours(directory.path()), erl.eval("net_adm:host_file()"));
            assert_eq!(mine, theirs);
            mine
        };
        let link = |to: &Path| {
            let _ = fs::remove_file(&path);
            symlink(to, &path).unwrap();
        };
        let socket = UnixListener::bind(&path).unwrap();
        assert_eq!(both(), "{error,enxio}");
        drop(socket);
        link(&path);
        assert_eq!(both(), "{error,eloop}");
        link(directory.path());
        assert_eq!(both(), "{error,eisdir}");
        link(&directory.path().join("file"));
        assert_eq!(both(), "{error,enoent}");
        // More than a mebibyte.
        let hosts = 70_000;
        fs::write(directory.path().join("file"), "'host.example.test'.\n".repeat(hosts)).unwrap();
        assert_eq!(erl.eval("length(net_adm:host_file())"), hosts.to_string());
        let read = Node::host_file(&HostDirs(vec![directory.path().into()])).unwrap();
        assert_eq!(read.len(), hosts);

        // Erlang waits for whoever writes into the pipe, and ends where the device does not.
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert_eq!(ours(directory.path()), "{error,enxio}");
        link(Path::new("/dev/zero"));
        assert_eq!(ours(directory.path()), "{error,enxio}");
    }

    //= docs/spec/net_adm.md#adm-dns-hostname
    //= type=test
    //= docs/spec/net_adm.md#adm-localhost
    //= type=test
    //= docs/spec/net_adm.md#adm-names-errors
    //= type=test
    //= docs/spec/net_adm.md#adm-names-host
    //= type=test
    //= docs/spec/net_adm.md#adm-names-family
    //= type=test
    #[test]
    fn hosts_are_what_they_are_to_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        for host in ["localhost", "127.0.0.1", "::1", "", "no such", "no.such.host.invalid"] {
            let mine = match Node::dns_hostname(host) {
                Ok(name) => format!("{{ok,{:?}}}", name),
                Err(host) => format!("{{error,{}}}", Term::string(&host)),
            };
            assert_eq!(mine, erl.eval(&format!("net_adm:dns_hostname({host:?})")), "{host}");
        }
        assert_eq!(format!("{:?}", rust.node.localhost()), erl.eval("net_adm:localhost()"));

        let names = |term: &str| {
            let host = match Host::of_term(&term.parse().unwrap()) {
                Ok(host) => host,
                Err(error) => return Err(format!("{{error,{error}}}")),
            };
            Ok(match rust.node.names(host) {
                Ok(names) => {
                    let names: Vec<_> =
                        names.iter().map(|(name, port)| format!("{{{name:?},{port}}}")).collect();
                    format!("{{ok,[{}]}}", names.join(","))
                }
                Err(error) => format!("{{error,{}}}", error.reason()),
            })
        };
        let compare = || {
            for host in [
                "localhost", "'127.0.0.1'", "\"127.0.0.1\"", "{127,0,0,1}", "{127,0,0,2}", "{0,0,0,0,0,0,0,1}",
                "\"::1\"", "[]", "'no.such.host.invalid'", "\"no such\"", "5", "{1,2,3}", "{1,2,3,400}", "<<\"a\">>",
            ] {
                assert_eq!(names(host), erl.try_eval(&format!("net_adm:names({host})")), "{host}");
            }
        };
        compare();
        assert!(names("localhost").unwrap().starts_with("{ok,[{\"rust\","));
        drop(epmd);
        eventually("nobody answers", || names("localhost") == Ok("{error,address}".into()));
        compare();
    }

    //= docs/spec/net_adm.md#adm-ping
    //= type=test
    #[test]
    fn pings_are_answered_as_by_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let asleep = Node::new(Ours::config(epmd.port())).unwrap();
        let own = node_name("rust@127.0.0.1");
        assert!(asleep.ping(&own, None).is_err() && asleep.ping(&node_name("nonode@nohost"), None).is_err());
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let nameless = Erl::start(&ErlOptions::new(release, &epmd, "undefined"));
        assert!(nameless.ping("nonode@nohost"), "itself");
        let of_ours = Node::new(Ours::config(epmd.port())).unwrap();
        of_ours.start(netkernel_blocking::StartOptions::nameless("127.0.0.1".into())).unwrap();
        assert_eq!(of_ours.ping(&node_name("nonode@nohost"), None), Ok(()));
        for node in ["rust@127.0.0.1", "b@127.0.0.1", "z@127.0.0.1", "b@localhost", "nonode@nohost", "b@no.such.host.invalid"] {
            assert_eq!(rust.node.ping(&node_name(node), None).is_ok(), erl.ping(node), "{node}");
        }
        let links: Vec<_> = rust.nodes().into_iter().map(|(node, _)| node).collect();
        assert_eq!(links, [erl.name()]);

        // Its net_kernel takes no calls: the link comes up, and there is no answer.
        erl.eval("sys:suspend(net_kernel)");
        assert!(rust.node.ping(&node_name(erl.name()), core::time::Duration::from_millis(50)).is_err());
        assert!(rust.nodes().is_empty(), "the link is ended");
        erl.eval("sys:resume(net_kernel)");
        rust.node.ping(&node_name(erl.name()), GIVE_UP).unwrap();
    }

    //= docs/spec/net_adm.md#adm-world-order
    //= type=test
    //= docs/spec/net_adm.md#adm-world-unreachable
    //= type=test
    //= docs/spec/net_adm.md#adm-world-domain
    //= type=test
    //= docs/spec/net_adm.md#adm-world-hosts
    //= type=test
    //= docs/spec/net_adm.md#adm-world-exits
    //= type=test
    #[test]
    fn the_world_is_the_same(release: Release) {
        let (epmd, directory) = (Epmd::start(release), TempDir::new());
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let _ghost = pretend(epmd.port(), "ghost");
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let _odd = pretend(epmd.port(), "o.dd");
        // What it logs comes in between.
        erl.eval("logger:set_primary_config(level, none)");
        for (at, hosts) in [
            "['127.0.0.1']",
            "['no.such.host.invalid','127.0.0.1',localhost]",
            "[]",
            "[\"no.such.host.invalid\",{127,0,0,77}]",
            "['127.0.0.1',\"127.0.0.1\"]",
            "[{127,0,0,1}]",
            "['127.0.0.1',5,'127.0.0.1']",
            "['127.0.0.1'|localhost]",
            "localhost",
        ].into_iter().enumerate() {
            let (mine, told) = walk(&rust.node, hosts);
            let theirs = erl.try_eval(&format!(
                "io:format(\"walk {at}~n\"), try net_adm:world_list({hosts},verbose) after io:format(\"end {at}~n\") end"
            ));
            assert_eq!(mine, theirs.unwrap_or_else(|error| error), "{hosts}");
            let (begin, end) = (format!("walk {at}"), format!("end {at}"));
            eventually("it is printed", || erl.output().contains(&end));
            let lines = erl.output();
            let printed = lines.iter().skip_while(|line| **line != begin).skip(1).take_while(|line| **line != end);
            assert_eq!(told, printed.map(|line| format!("{line}\n")).collect::<String>(), "{hosts}");
        }
        assert!(walk(&rust.node, "['127.0.0.1']").0.contains("rust@127.0.0.1"), "this node, too");

        let world = || match rust.node.world(&HostDirs(vec![directory.path().into()]), Verbosity::Silent) {
            Ok(nodes) => Ok(nodes.len()),
            Err(error) => Err(error.to_string()),
        };
        erl.eval(&format!("file:set_cwd({:?})", directory.path().display().to_string()));
        assert_eq!(world().unwrap_err(), erl.try_eval("net_adm:world()").unwrap_err());
        fs::write(directory.path().join(HOST_FILE), "'127.0.0.1'.\n").unwrap();
        assert_eq!(world().map(|nodes| nodes.to_string()), erl.try_eval("length(net_adm:world())"));
        fs::write(directory.path().join(HOST_FILE), "127.0.0.1.\n").unwrap();
        assert_eq!(world().unwrap_err(), erl.try_eval("net_adm:world(silent)").unwrap_err());

        let asleep = Node::new(Ours::config(epmd.port())).unwrap();
        assert_eq!(walk(&asleep, "['127.0.0.1']"), ("[]".into(), String::new()));
    }
}
