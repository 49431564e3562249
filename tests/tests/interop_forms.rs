//! Signals in forms that are seldom: with more attributes, as OTP 28 and later send them, and with trace tokens.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use bytes::Bytes;
use netkernel_blocking::Item;
use netkernel_blocking::core::process::{AliasOption, ProcessEvent};
use netkernel_blocking::core::term::{Atom, Limits, Pid, Reference, Term};
use netkernel_blocking::core::wire::control::{
    Control, SpawnFlags, SpawnRequest, Spawned, Token, parse,
};
use netkernel_blocking::core::{Flags, NodeType};
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, node_name, pid_expression, term_expression};
use netkernel_tests::runtime::Mailbox;
use netkernel_tests::script::{FLAGS, Script};
use netkernel_tests::{each_release, each_release_and_runtime, each_runtime};

fn linked(release: Release) -> (Epmd, Erl, Ours) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    rust.connect(erl.name());
    rust.expect_up(erl.name(), NodeType::Visible);
    (epmd, erl, rust)
}

fn encoded(term: impl Into<Term>) -> Vec<u8> {
    let mut out = Vec::new();
    term.into().encode(&mut out).unwrap();
    out
}

fn decoded(term: &[u8]) -> Term {
    Term::decode(term, &Limits::default()).unwrap()
}

fn reference_expression(reference: &Reference) -> String {
    term_expression(&encoded(reference.clone()))
}

/// The next item: a message as Erlang prints it, or an exit signal as `exit Reason`.
fn next(mailbox: &Mailbox) -> String {
    match mailbox.recv_timeout(GIVE_UP) {
        Some(Item::Message(message)) => decoded(&message).to_string(),
        Some(Item::Process(ProcessEvent::Exit { reason, .. })) => {
            format!("exit {}", decoded(&reason))
        }
        Some(Item::Process(ProcessEvent::Ended { reason })) => {
            format!("ended {}", decoded(&reason))
        }
        other => panic!("{other:?}"),
    }
}

fn next_all<const N: usize>(mailbox: &Mailbox) -> [String; N] {
    [(); N].map(|()| next(mailbox))
}

each_runtime! {
    /// Aliases of ours are made without the option `priority`, so that what has priority comes in its turn, as to such an alias of Erlang.
    //= docs/spec/channel.md#ch-altact
    //= type=test
    //= docs/spec/channel.md#ch-alias-form
    //= type=test
    //= docs/spec/process.md#process-alias-exit
    //= type=test
    #[test]
    fn what_has_priority_and_what_is_for_an_alias_arrives() {
        let (_epmd, erl, rust) = linked(Release::Newest);
        let shop = rust.mailbox("shop");
        shop.trap_exit(true).unwrap();
        let pid = pid_expression(&shop.pid().unwrap());
        let [lasting, reply] = [AliasOption::ExplicitUnalias, AliasOption::Reply]
            .map(|option| reference_expression(&shop.alias(option).unwrap()));
        let sent = format!(
            "Pid = {pid}, A = {lasting}, R = {reply},
             A ! one, erlang:send(A, two, [priority]), erlang:send(Pid, three, [priority]),
             erlang:send({{shop, 'rust@127.0.0.1'}}, four, [priority]),
             exit(A, five), exit(R, six, [priority]), exit(R, seven), exit(A, normal, [priority]),
             R ! eight, R ! lost, exit(R, lost), exit(Pid, nine, [priority]), Pid ! ten, ok"
        );
        assert_eq!(erl.eval(&sent), "ok");
        assert_eq!(
            next_all(&shop),
            ["one", "two", "three", "four", "exit five", "exit six", "exit seven", "exit normal",
                "eight", "exit nine", "ten"]
        );
        // And ours to an alias of Erlang, in the newer form.
        let alias = "A = alias([reply]), {shop, 'rust@127.0.0.1'} ! A,
            receive M -> M after 60000 -> nothing end";
        let (asked, told) = (|| erl.eval(alias), || {
            let Item::Message(message) = shop.recv_timeout(GIVE_UP).unwrap() else { panic!() };
            let Term::Reference(alias) = decoded(&message) else { panic!() };
            shop.send_to_alias(&alias, encoded(Atom::new("hello").unwrap())).unwrap();
        });
        std::thread::scope(|scope| {
            let asked = scope.spawn(asked);
            told();
            assert_eq!(asked.join().unwrap(), "hello");
        });
        assert_eq!(erl.eval(&format!("exit({lasting}, kill, [priority])")), "true");
        assert_eq!(next(&shop), "ended killed");
    }
}

/// Has a process with the trace label 17 do this, and wait for what it is told last. The witness is the tracer.
fn traced(erl: &Erl, acts: &str) {
    let run = format!(
        "_ = seq_trace:set_system_tracer(whereis(witness)),
         spawn(fun() ->
             seq_trace:set_token(label, 17), seq_trace:set_token(send, true), seq_trace:set_token(serial, {{0, 7}}),
             {acts}
         end), ok"
    );
    assert_eq!(erl.eval(&run), "ok");
}

each_release_and_runtime! {
    //= docs/spec/channel.md#ch-trace-token
    //= type=test
    //= docs/spec/channel.md#ch-forms
    //= type=test
    #[test]
    fn what_a_traced_process_sends_arrives_without_its_token(release: Release) {
        let (_epmd, erl, rust) = linked(release);
        let shop = rust.mailbox("shop");
        shop.trap_exit(true).unwrap();
        let pid = pid_expression(&shop.pid().unwrap());
        let alias = reference_expression(&shop.alias(AliasOption::Reply).unwrap());
        traced(&erl, &format!(
            "Pid = {pid}, Pid ! one, {{shop, 'rust@127.0.0.1'}} ! {{two, self()}}, {alias} ! three,
             exit(Pid, four), link(Pid), Pid ! binary:copy(<<5>>, 200000), exit(six)"
        ));
        assert_eq!(next(&shop), "one");
        let Item::Message(two) = shop.recv_timeout(GIVE_UP).unwrap() else { panic!() };
        let two = decoded(&two);
        let [two, Term::Pid(sender)] = two.as_tuple().unwrap() else { panic!("{two}") };
        assert_eq!(two.to_string(), "two");
        assert_eq!(next_all(&shop), ["three", "exit four"]);
        let Item::Message(five) = shop.recv_timeout(GIVE_UP).unwrap() else { panic!() };
        assert_eq!(decoded(&five), Term::Binary(vec![5; 200_000].into()));
        assert_eq!(next(&shop), "exit six");
        // Each went with the token: the tracer was told so.
        let to_us = |event: &str| event.starts_with("{seq_trace,17,{send,{") ;
        for message in ["one", "{two,", "three"] {
            let told = erl.wait_event(GIVE_UP, to_us);
            assert!(told.contains(message), "{told}");
        }
        // What we answer has none.
        assert_eq!(sender.node.as_str(), erl.name());
        assert_eq!(erl.eval("seq_trace:reset_trace()"), "true");
        let (to, name) = (node_name(erl.name()), Atom::new("witness").unwrap());
        shop.send_to_name(&name, &to, encoded(name.clone())).unwrap();
        erl.wait_event(GIVE_UP, |event| event == "witness");
        rust.expect_silence(core::time::Duration::ZERO);
    }
}

/// The port of a node of Erlang.
fn port_of(erl: &Erl) -> u16 {
    erl.eval("{port, Port, _} = erl_epmd:port_please(\"b\", {127,0,0,1}), Port").parse().unwrap()
}

/// The next signal with a token: which, from whom, and the token.
fn next_traced(script: &mut Script, peer: &str) -> (&'static str, Pid, Token) {
    loop {
        let control = parse(&Bytes::from(script.frame()), &node_name(peer)).unwrap();
        let sender = control.sender().cloned();
        let (kind, token) = if let Control::Send { token, .. } = control {
            ("send", token)
        } else if let Control::RegSend { token, .. } = control {
            ("reg_send", token)
        } else if let Control::AliasSend { token, .. } = control {
            ("alias_send", token)
        } else if let Control::Exit { token, .. } = control {
            ("exit", token)
        } else if let Control::Exit2 { token, .. } = control {
            ("exit2", token)
        } else {
            continue;
        };
        if let Some(token) = token {
            return (kind, sender.unwrap(), token);
        }
    }
}

/// The token of a traced process, as Erlang has it: flags, label, serial, who sent it, and the serial that it knew last.
fn token(text: (i64, i64, i64), from: &Pid, last: i64) -> Token {
    let (flags, label, serial) = text;
    let elements = [flags.into(), label.into(), serial.into(), from.clone().into(), last.into()];
    Token::new(encoded(Term::tuple(elements)).split_off(1).into()).unwrap()
}

each_release! {
    //= docs/spec/channel.md#ch-trace-token
    //= type=test
    //= docs/spec/channel.md#ch-forms
    //= type=test
    #[test]
    fn tokens_are_read_and_written_as_by_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
        let mut script = Script::join(port_of(&erl), "c@127.0.0.1");
        let own = pid_expression(&script.pid());
        let alias = reference_expression(&script.reference());
        traced(&erl, &format!(
            "Pid = {own}, link(Pid), Pid ! one, {{shop, 'c@127.0.0.1'}} ! two, {alias} ! three, exit(Pid, four), exit(five)"
        ));
        let mut serial = 7;
        // `exit/2` has no token.
        for kind in ["send", "reg_send", "alias_send", "exit"] {
            let (is, sender, seen) = next_traced(&mut script, erl.name());
            assert_eq!(is, kind);
            let Term::Tuple(elements) = decoded(&[&[131], &seen.as_bytes()[..]].concat()) else { panic!() };
            let [_, label, at, from, last] = &elements[..] else { panic!("{elements:?}") };
            assert_eq!((label.as_i64(), from), (Some(17), &sender.clone().into()));
            assert!(at.as_i64() > Some(serial), "{elements:?}");
            assert_eq!(seen, token((elements[0].as_i64().unwrap(), 17, at.as_i64().unwrap()), &sender, last.as_i64().unwrap()));
            serial = at.as_i64().unwrap();
        }
        // And the other way: who gets a message with a token has that token.
        let sink = "Loop = fun Loop() -> receive M ->
                {label, Label} = seq_trace:get_token(label), {serial, Serial} = seq_trace:get_token(serial),
                witness ! {got, M, Label, Serial}, seq_trace:set_token([]), Loop() end end,
            Me = self(),
            Sink = spawn(fun() -> process_flag(trap_exit, true), Me ! alias(), Loop() end),
            true = register(sink, Sink),
            Alias = receive A -> A end,
            binary_to_list(binary:encode_hex(term_to_binary({Sink, Alias})))";
        let both = from_hex(erl.eval(sink).trim_matches('"'));
        let [Term::Pid(sink), Term::Reference(alias)] = both.as_tuple().unwrap() else { panic!("{both}") };
        let (sink, alias) = (sink.clone(), Reference::clone(alias));
        let from = script.pid();
        let newest = release == Release::Newest;
        let agreed = if newest { FLAGS } else { FLAGS.without(Flags::ALTACT_SIG) };
        let message = |text: &str| Bytes::from(encoded(text.parse::<Term>().unwrap()));
        let with = |at| Some(token((1, 23, at), &from, at - 1));
        let reason = message("five").slice(1..);
        let exit = Control::Exit2 { from: from.clone(), to: sink.clone(), reason, token: with(105) };
        for (signal, said) in [
            (Control::Send { from: Some(from.clone()), to: sink.clone(), message: message("one"), token: with(101) }, "one,23,{100,101}}"),
            (Control::Send { from: None, to: sink, message: message("two"), token: with(102) }, "two,23,{101,102}}"),
            (Control::RegSend { from: from.clone(), to: Atom::new("sink").unwrap(), message: message("three"), token: with(103) }, "three,23,{102,103}}"),
            (Control::AliasSend { from: Some(from.clone()), to: alias, message: message("four"), token: with(104) }, "four,23,{103,104}}"),
            (exit, "five},23,{104,105}}"),
        ] {
            let mut frame = Vec::new();
            signal.emit(agreed, &mut frame).unwrap();
            script.send(&frame);
            erl.wait_event(GIVE_UP, |event| event.starts_with("{got,") && event.ends_with(said));
        }
    }
}

/// The elements of a token, as terms.
fn elements_of(token: &Token) -> Vec<Term> {
    let Term::Tuple(elements) = decoded(&[&[131], &token.as_bytes()[..]].concat()) else {
        panic!("{token:?}")
    };
    elements
}

each_release! {
    //= docs/spec/channel.md#ch-trace-token
    //= type=test
    //= docs/spec/channel.md#ch-spawn-form
    //= type=test
    #[test]
    fn spawns_and_labels_of_any_kind_are_traced_as_by_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
        let mut script = Script::join(port_of(&erl), "c@127.0.0.1");
        let agreed = if release == Release::Newest { FLAGS } else { FLAGS.without(Flags::ALTACT_SIG) };
        // Erlang asks for a process, and is answered, each with a token.
        traced(&erl, "seq_trace:set_token(label, {big,label}),
            R = spawn_request('c@127.0.0.1', m, f, [x], []),
            receive {spawn_reply, R, error, Why} -> witness ! {refused, Why, seq_trace:get_token(label)} end");
        let asked = loop {
            if let Ok(Control::SpawnRequest(asked)) = parse(&Bytes::from(script.frame()), &node_name(erl.name())) {
                break asked;
            }
        };
        let label: Term = "{big,label}".parse().unwrap();
        let seen = asked.token.clone().unwrap();
        let elements = elements_of(&seen);
        assert_eq!((&elements[1], &elements[3]), (&label, &asked.from.clone().into()));
        assert_eq!((asked.module.as_str(), asked.function.as_str(), asked.arity), ("m", "f", 1));
        let (request, to) = (asked.request.clone(), asked.from.clone());
        let result = Spawned::Error(Atom::new("notsup").unwrap());
        let reply = Control::SpawnReply { request, to, flags: SpawnFlags::NONE, result, token: Some(seen) };
        let mut frame = Vec::new();
        reply.emit(agreed, &mut frame).unwrap();
        script.send(&frame);
        erl.wait_event(GIVE_UP, |event| event.starts_with("{refused,notsup,") && event.contains("{big,label}"));
        // And the other way: the process has the token, and the answer, too.
        let (from, request) = (script.pid(), script.reference());
        let traced = Term::tuple([1.into(), label.clone(), 101.into(), from.clone().into(), 100.into()]);
        let code = "[fun() -> witness ! {spawned, seq_trace:get_token(label)} end]";
        let arguments = erl.eval(&format!("binary_to_list(binary:encode_hex(term_to_binary({code})))"));
        let spawn = SpawnRequest {
            request: request.clone(),
            leader: from.clone(),
            module: Atom::new("erlang").unwrap(),
            function: Atom::new("apply").unwrap(),
            arity: 2,
            options: encoded(Term::NIL).split_off(1).into(),
            arguments: encoded(Term::list([from_hex(arguments.trim_matches('"')).as_list().unwrap()[0].clone(), Term::NIL])).split_off(1).into(),
            token: Some(Token::new(encoded(traced).split_off(1).into()).unwrap()),
            from,
        };
        let mut frame = Vec::new();
        Control::SpawnRequest(Box::new(spawn)).emit(agreed, &mut frame).unwrap();
        script.send(&frame);
        erl.wait_event(GIVE_UP, |event| event.starts_with("{spawned,") && event.contains("{big,label}"));
        let token = loop {
            if let Ok(Control::SpawnReply { request: answered, result, token, .. }) =
                parse(&Bytes::from(script.frame()), &node_name(erl.name()))
            {
                assert_eq!(answered, request);
                assert!(matches!(result, Spawned::Pid(_)), "{result:?}");
                break token.unwrap();
            }
        };
        assert_eq!(elements_of(&token)[1], label);
    }
}

fn from_hex(digits: &str) -> Term {
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    decoded(&digits.as_bytes().chunks(2).map(byte).collect::<Vec<_>>())
}
