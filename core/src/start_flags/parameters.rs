//! Parameters of the application `kernel`, as `-kernel Parameter Value` gives them, and OTP's silent repairs of them.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;

use super::dist_options::DistOptions;
use super::{FlagError, StartFlags};
use crate::family::Family;
use crate::net_adm::Host;
use crate::net_kernel::{DistAutoConnect, NetTicktime, SETUP_TIME_DEFAULT, SETUP_TIME_MAX};
use crate::term::{Limits, Term};

const TICKTIME_DEFAULT: i64 = 60;
const INTENSITY: RangeInclusive<i64> = 4..=1000;

/// The environment of the application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(BTreeMap<String, Term>);

impl Parameters {
    //= docs/spec/flags.md#flags-parameters
    /// Of the same parameter, the last flag counts, and within a flag the first. A name without a value does not count.
    pub(super) fn of(flags: &StartFlags) -> Result<Self, FlagError> {
        let mut parameters = BTreeMap::new();
        for values in flags.all("kernel") {
            let mut these = BTreeMap::new();
            for pair in values.chunks_exact(2) {
                let [name, value] = pair else { continue };
                let (name, value) = (term(name)?, term(value)?);
                if let Some(name) = name.as_atom() {
                    these.entry(String::from(name.as_str())).or_insert(value);
                }
            }
            parameters.extend(these);
        }
        Ok(Self(parameters))
    }

    fn get(&self, name: &str) -> Option<&Term> {
        self.0.get(name)
    }

    /// One beyond what a number can be here is the nearest that can.
    fn integer(&self, name: &str) -> Option<i64> {
        saturated(self.get(name)?)
    }

    /// That this parameter cannot have its value.
    pub(super) fn invalid(&self, name: &'static str) -> FlagError {
        let value = self.get(name).cloned().unwrap_or_else(|| Term::list([]));
        FlagError::Parameter { name, value }
    }

    //= docs/spec/flags.md#flags-net-ticktime
    pub(super) fn net_ticktime(&self) -> Result<NetTicktime, FlagError> {
        let seconds = self.integer("net_ticktime").unwrap_or(TICKTIME_DEFAULT).max(1);
        let intensity = self.integer("net_tickintensity").unwrap_or(*INTENSITY.start());
        let intensity = intensity.clamp(*INTENSITY.start(), *INTENSITY.end());
        let valid = u32::try_from(seconds).ok().zip(u16::try_from(intensity).ok());
        let ticktime = valid.and_then(|(seconds, of)| NetTicktime::new(seconds, of).ok());
        // A timer of OTP's cannot be that long, either.
        ticktime.ok_or_else(|| self.invalid("net_ticktime"))
    }

    //= docs/spec/flags.md#flags-net-setuptime
    pub(super) fn setup_time(&self) -> Duration {
        let seconds = match self.get("net_setuptime") {
            Some(Term::Float(float)) => float.get(),
            // More than this is as good as this.
            Some(Term::Integer(_)) => {
                self.integer("net_setuptime").map_or(0.0, |s| f64::from(s.clamp(0, 1000) as u16))
            }
            _ => 0.0,
        };
        if seconds <= 0.0 {
            return SETUP_TIME_DEFAULT;
        }
        // Rounded, as Erlang does.
        let milliseconds = seconds.min(SETUP_TIME_MAX.as_secs_f64()) * 1000.0 + 0.5;
        Duration::from_millis((milliseconds as u64).max(1))
    }

    //= docs/spec/flags.md#flags-auto-connect
    pub(super) fn auto_connect(&self) -> DistAutoConnect {
        match self.get("dist_auto_connect").and_then(Term::as_atom).map(|atom| atom.as_str()) {
            Some("never") => DistAutoConnect::Never,
            Some("once") => DistAutoConnect::Once,
            _ => DistAutoConnect::Always,
        }
    }

    //= docs/spec/flags.md#flags-connect-all
    pub(super) fn connect_all(&self) -> Result<Option<bool>, FlagError> {
        let Some(value) = self.get("connect_all") else { return Ok(None) };
        match value.as_atom().map(|atom| atom.as_str()) {
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            _ => Err(FlagError::Parameter { name: "connect_all", value: value.clone() }),
        }
    }

    //= docs/spec/flags.md#flags-listen-ports
    pub(super) fn listen_ports(&self) -> Result<RangeInclusive<u16>, FlagError> {
        let Some(min) = self.integer("inet_dist_listen_min") else { return Ok(0..=0) };
        let max = self.integer("inet_dist_listen_max").unwrap_or(min);
        let first = port(min)?;
        // An empty range is no error yet: no port of it can be had.
        let last = max.clamp(0, i64::from(u16::MAX)) as u16;
        Ok(if max < min { RangeInclusive::new(1, 0) } else { first..=last })
    }

    //= docs/spec/flags.md#flags-dist-options
    /// The socket options that this parameter lists.
    pub(super) fn dist_options(&self, name: &'static str) -> Result<DistOptions, FlagError> {
        let Some(value) = self.get(name) else { return Ok(DistOptions::default()) };
        let options = value.as_list().and_then(DistOptions::read);
        options.ok_or_else(|| self.invalid(name))
    }

    //= docs/spec/flags.md#flags-interface
    pub(super) fn interface(&self, family: Family) -> Result<Option<IpAddr>, FlagError> {
        let Some(value) = self.get("inet_dist_use_interface") else { return Ok(None) };
        let address = match Host::of_term(value) {
            Ok(Host::Address(address)) => Some(address),
            Ok(Host::Name(_)) => match value.as_atom().map(|atom| atom.as_str()) {
                Some("any") => Some(family.unspecified()),
                Some("loopback") => Some(family.loopback()),
                _ => None,
            },
            Err(_) => None,
        };
        let fits = address.filter(|address| Family::of(*address) == family);
        fits.map(Some).ok_or_else(|| FlagError::Interface(value.clone()))
    }

    /// The parameter; the flag is older.
    pub(super) fn node_listen_port(&self) -> Result<Option<u16>, FlagError> {
        let name = "erl_epmd_node_listen_port";
        let Some(value) = self.get(name) else { return Ok(None) };
        let invalid = || FlagError::Parameter { name, value: value.clone() };
        port(saturated(value).ok_or_else(invalid)?).map(Some)
    }
}

pub(super) fn port(number: i64) -> Result<u16, FlagError> {
    u16::try_from(number).map_err(|_| FlagError::ListenPort(number.into()))
}

/// An integer, or the nearest that has 64 bits.
pub(super) fn saturated(term: &Term) -> Option<i64> {
    let Term::Integer(number) = term else { return None };
    let limit = if number.is_negative() { i64::MIN } else { i64::MAX };
    Some(number.to_i64().unwrap_or(limit))
}

fn term(text: &str) -> Result<Term, FlagError> {
    Term::parse(text, &Limits::default()).map_err(|_| FlagError::BadEnvironmentValue(text.into()))
}
