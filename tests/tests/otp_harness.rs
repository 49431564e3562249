//! The harness itself, with nothing of ours in between: what it reports of Erlang's nodes is what they do.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use netkernel_tests::each_release;
use netkernel_tests::otp::{Elixir, Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal, free_port};

each_release! {
    #[test]
    fn witnesses_report_a_node_that_comes_and_is_killed(release: Release) {
        let epmd = Epmd::start(release);
        let a = Erl::start(&ErlOptions::new(release, &epmd, "a"));
        let mut b = Erl::start(&ErlOptions { hidden: true, ..ErlOptions::new(release, &epmd, "b") });
        assert!(epmd.names().contains("name a at port") && epmd.names().contains("name b at port"));

        assert!(a.ping(b.name()));
        let up = "{nodeup,'b@127.0.0.1',#{connection_id => ";
        let event = a.wait_event(GIVE_UP, |event| event.starts_with(up));
        assert!(event.ends_with("node_type => hidden}}"), "{event}");
        assert!(b.ping(a.name()));
        assert_eq!(b.eval("{nodes(), nodes(hidden)}"), "{[],['a@127.0.0.1']}");

        b.signal(Signal::Kill);
        b.wait_end();
        let event = a.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,'b@127.0.0.1',"));
        assert!(event.contains("nodedown_reason => connection_closed"), "{event}");
        assert!(!a.ping(b.name()));
    }

    #[test]
    fn frozen_nodes_are_missed_after_the_tick_time(release: Release) {
        let epmd = Epmd::start(release);
        let options = |name| ErlOptions {
            ticktime: Some(4),
            intensity: Some(4),
            ..ErlOptions::new(release, &epmd, name)
        };
        let (a, b) = (Erl::start(&options("a")), Erl::start(&options("b")));
        assert_eq!(a.eval("net_kernel:get_net_ticktime()"), "4");
        assert!(a.ping(b.name()));
        b.signal(Signal::Stop);
        let event = a.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,"));
        assert!(event.contains("nodedown_reason => net_tick_timeout"), "{event}");
        b.signal(Signal::Continue);
        b.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,"));
    }

    #[test]
    fn failures_are_shown(release: Release) {
        let epmd = Epmd::start(release);
        let a = Erl::start(&ErlOptions::new(release, &epmd, "a"));
        assert_eq!(a.try_eval("error(no)"), Err("{error,no}".to_owned()));
        assert_eq!(a.eval("witness ! {told, \"é\"}, X = 1, X + 1"), "2");
        assert_eq!(a.wait_event(GIVE_UP, |event| event.starts_with("{told")), "{told,\"é\"}");

        let taken = Erl::try_start(&ErlOptions::new(release, &epmd, "a")).unwrap_err();
        assert!(taken.contains("seems to be in use"), "{taken}");
        let nowhere = ErlOptions { epmd: free_port(), ..ErlOptions::new(release, &epmd, "c") };
        assert!(Erl::try_start(&nowhere).is_err());

        let waited = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
            a.wait_event(Duration::from_millis(50), |_| false);
        }));
        let message = *waited.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("gave up") && message.contains("{told,"), "{message}");
    }

    #[test]
    fn elixirs_evaluate_and_report(release: Release) {
        let epmd = Epmd::start(release);
        let (erl, elixir) = (Erl::start(&ErlOptions::new(release, &epmd, "a")), Elixir::start(release, &epmd, "ex"));
        assert_eq!(elixir.eval("{String.upcase(\"é\"), Node.self()}"), "{\"É\", :\"ex@127.0.0.1\"}");
        assert_eq!(
            elixir.eval("System.otp_release()"),
            format!("{:?}", erl.eval("list_to_atom(erlang:system_info(otp_release))").trim_matches('\'')),
        );
        let raised = elixir.try_eval("raise ArgumentError, \"no\"").unwrap_err();
        assert_eq!(raised, "{:error, %ArgumentError{message: \"no\"}}");
        assert_eq!(elixir.try_eval("exit({:shutdown, 1})").unwrap_err(), "{:exit, {:shutdown, 1}}");
        assert!(erl.ping(elixir.name()));
        elixir.erl().wait_event(GIVE_UP, |event| event.starts_with("{nodeup,'a@127.0.0.1',"));
    }
}
