//! Our own clients against our own server.

use netkernel_core::epmd::{
    Lookup, LookupError, LookupStep, Names, RegisterError, Registration, RegistrationStep,
};
use netkernel_core::epmd_server::Config;
use netkernel_core::{Instant, NodeName};

use super::daemon::{Daemon, PORT};

fn node(name: &str) -> NodeName {
    NodeName::new(&format!("{name}@localhost")).unwrap()
}

fn look_up(daemon: &mut Daemon, name: &str) -> Result<u16, LookupError> {
    let (lookup, request) = Lookup::ask(&node(name));
    let (answer, closed) = daemon.ask_from_afar(&request);
    assert!(closed);
    match lookup.receive(&answer)? {
        LookupStep::Found(info) => Ok(info.port),
        LookupStep::Wait(lookup) => Err(lookup.closed()),
    }
}

//= docs/spec/epmd.md#epmd-server-register
//= type=test
//= docs/spec/epmd.md#epmd-server-held
//= type=test
#[test]
fn a_node_registers_is_found_and_listed_is_lost_and_renewed() {
    let mut daemon = Daemon::serving(Config::default());
    let now = Instant::ORIGIN;
    let mut registration = Registration::new(&node("a"), 4001);
    let RegistrationStep::Ask(request) = registration.opened(now) else { panic!() };
    let stream = daemon.accept(true);
    let (answer, closed) = daemon.write(stream, &request);
    assert!(!closed);
    let step = registration.received(now, &answer);
    assert!(matches!(step, RegistrationStep::Registered(creation) if creation.0 == 4));

    let mut rival = Registration::new(&node("a"), 4002);
    let _ = rival.opened(now);
    let (answer, _) = daemon.ask(&request);
    let taken = RegistrationStep::Failed(RegisterError::DuplicateName);
    assert_eq!(rival.received(now, &answer), taken);

    assert_eq!(look_up(&mut daemon, "a"), Ok(4001));
    assert_eq!(look_up(&mut daemon, "b"), Err(LookupError::NotRegistered));
    daemon.register("b");
    let (names, request) = Names::ask(PORT);
    let (answer, _) = daemon.ask_from_afar(&request);
    let names = names.receive(&answer).unwrap().closed();
    assert_eq!(names, [("a".into(), 4001), ("b".into(), 4001)]);

    daemon.leave(stream);
    assert!(matches!(registration.closed(now), RegistrationStep::Lost(_)));
    assert_eq!(look_up(&mut daemon, "a"), Err(LookupError::NotRegistered));
    let later = registration.deadline().unwrap();
    assert_eq!(registration.timeout(later), RegistrationStep::Open);
    let RegistrationStep::Ask(request) = registration.opened(later) else { panic!() };
    let (answer, _) = daemon.ask(&request);
    assert_eq!(registration.received(later, &answer), RegistrationStep::Renewed);
    assert_eq!(look_up(&mut daemon, "a"), Ok(4001));
}
