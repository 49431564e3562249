//! `netkernel ticktime`: what will happen when, if a node changes its `net_ticktime`. It needs no node.

use core::time::Duration;
use std::fs;

use netkernel_smol::core::ticker::{NetTicktime, Stretch, Timeline, Transition};
use serde_json::{Value, json};

use crate::args::TicktimeArgs;
use crate::report::{Line, Report};
use crate::{Failed, picture};

/// Aux ticks that are told one by one. Of more, people see the first and the last.
const AUX_TICKS_TEXT: u64 = 10;
const AUX_TICKS_JSON: u64 = 1000;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) old: NetTicktime,
    /// In seconds.
    pub(crate) new: u32,
    /// In seconds.
    pub(crate) period: u32,
}

impl Change {
    pub(crate) fn title(&self) -> String {
        format!("net_ticktime {} s → {} s", self.old.seconds(), self.new)
    }

    pub(crate) fn conditions(&self) -> String {
        let (intensity, period) = (self.old.intensity(), self.period);
        format!("net_tickintensity {intensity}, transition of at least {period} s")
    }
}

pub(crate) fn run(args: &TicktimeArgs, report: &Report) -> Result<(), Failed> {
    let change = args.change()?;
    let transition = Transition::new(change.old, change.new, change.period)
        .map_err(|error| Failed::Because(error.to_string()))?;
    let Some(transition) = transition else {
        report
            .print(&Line::new("unchanged", json!({"event": "timeline", "result": "unchanged"})))?;
        return match &args.svg {
            Some(_) => Err(Failed::Because("nothing changes, so there is no picture".into())),
            None => Ok(()),
        };
    };
    let plan = transition.timeline();
    if let Some(path) = &args.svg {
        fs::write(path, picture::draw(&change, &plan))
            .map_err(|error| Failed::Because(format!("{}: {error}", path.display())))?;
    }
    report.print(&Line::new(text(&change, &plan), timeline_json(&change, &plan)))?;
    Ok(())
}

fn text(change: &Change, plan: &Timeline) -> String {
    let (old, new) = (seconds(plan.before.interval), seconds(plan.after.interval));
    let when = if plan.switch.is_zero() { "start" } else { "end" };
    let mut lines = vec![
        change.title(),
        change.conditions(),
        String::new(),
        format!("MTTI       {}", seconds(plan.mtti)),
        format!("aux ticks  {}, at {}", plan.aux_tick_count, aux_ticks(plan)),
        format!(
            "interval   {old}, from {} on {new}: it changes at the {when}",
            seconds(plan.switch)
        ),
        format!("end        {}", seconds(plan.end)),
        String::new(),
        row(["", "interval", "silent peer is down after"]),
    ];
    for (name, stretch) in [("before", plan.before), ("during", plan.during), ("after", plan.after)]
    {
        let window = stretch.detection;
        let window = format!("{} to {}", seconds(window.min), seconds(window.max));
        lines.push(row([name, &seconds(stretch.interval), &window]));
    }
    lines.join("\n")
}

fn row([name, interval, window]: [&str; 3]) -> String {
    format!("{name:<9}  {interval:<10}  {window}").trim_end().to_owned()
}

fn aux_ticks(plan: &Timeline) -> String {
    let bare = |moment: Duration| moment.as_secs_f64().to_string();
    let end = bare(plan.end);
    if plan.aux_tick_count <= AUX_TICKS_TEXT {
        let all: Vec<_> = plan.aux_ticks().map(bare).collect();
        return format!("{} s", all.join(", "));
    }
    let first: Vec<_> = plan.aux_ticks().take(4).map(bare).collect();
    format!("{}, ..., {end} s", first.join(", "))
}

fn timeline_json(change: &Change, plan: &Timeline) -> Value {
    let stretch = |stretch: Stretch| {
        json!({
            "interval_ms": ms(stretch.interval),
            "down_after_min_ms": ms(stretch.detection.min),
            "down_after_max_ms": ms(stretch.detection.max),
        })
    };
    let aux_ticks: Option<Vec<_>> =
        (plan.aux_tick_count <= AUX_TICKS_JSON).then(|| plan.aux_ticks().map(ms).collect());
    json!({
        "event": "timeline",
        "result": "change_initiated",
        "old_s": change.old.seconds(),
        "new_s": change.new,
        "transition_s": change.period,
        "intensity": change.old.intensity(),
        "mtti_ms": ms(plan.mtti),
        "aux_tick_count": plan.aux_tick_count,
        "aux_ticks_ms": aux_ticks,
        "switch_ms": ms(plan.switch),
        "end_ms": ms(plan.end),
        "before": stretch(plan.before),
        "during": stretch(plan.during),
        "after": stretch(plan.after),
    })
}

/// A time as people read it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(old: u32, new: u32, period: u32, intensity: u16) -> (String, Value) {
        let old = NetTicktime::new(old, intensity).unwrap();
        let change = Change { old, new, period };
        let plan = Transition::new(old, new, period).unwrap().unwrap().timeline();
        (text(&change, &plan), timeline_json(&change, &plan))
    }

    #[test]
    fn a_shorter_ticktime() {
        let (text, json) = told(60, 20, 12, 4);
        let expected = "\
net_ticktime 60 s → 20 s
net_tickintensity 4, transition of at least 12 s

MTTI       5 s
aux ticks  4, at 0, 5, 10, 15 s
interval   15 s, from 15 s on 5 s: it changes at the end
end        15 s

           interval    silent peer is down after
before     15 s        60 s to 75 s
during     15 s        20 s to 80 s
after      5 s         20 s to 25 s";
        assert_eq!(text, expected);
        assert_eq!((&json["mtti_ms"], &json["end_ms"]), (&5000.into(), &15000.into()));
        assert_eq!(json["aux_ticks_ms"], json!([0, 5000, 10000, 15000]));
        assert_eq!(json["during"]["down_after_max_ms"], 80000);
    }

    #[test]
    fn a_longer_ticktime_with_many_aux_ticks() {
        let (text, json) = told(8, 60, 60, 7);
        assert!(text.contains("aux ticks  54, at 0, 1.143, 2.286, 3.429, ..., 60.579 s"), "{text}");
        assert!(text.contains("8.572 s: it changes at the start"), "{text}");
        assert_eq!(json["aux_ticks_ms"].as_array().unwrap().len(), 54);
    }

    #[test]
    fn the_largest_change_is_told_in_a_few_lines() {
        let (text, json) = told(1, u32::MAX, u32::MAX, 1000);
        assert!(text.len() < 1000 && json["aux_ticks_ms"].is_null());
    }
}
