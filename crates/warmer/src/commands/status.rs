//! `warmer status`: the queue in five lines whose wording is a contract.

mod running;
mod sizes;
mod troubles;
mod watching;

use std::fmt::Write as _;
use std::time::Duration;

use warmer_query::{Difference, Instance, Status, Workload};

use super::reading::{self, ALL};
use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, Column, Style, Table, ago, counted, duration, printable, printable_line, until};

/// An instance tells its figures each five seconds: whose newest are older, in seconds, has missed two.
const SILENT: f64 = 12.0;
/// Runs the command.
pub(crate) async fn run(context: &Context, arguments: args::Status) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    if arguments.watch {
        return watching::watch(context, store.as_ref(), &arguments, picture).await;
    }
    let status = Status::of(&*store, ALL, arguments.overdue_max).await.map_err(reading::failed)?;
    if arguments.json {
        output::print_json(&status)?;
    } else {
        output::print(&picture(context, &status))?;
    }
    if !arguments.check {
        return Ok(Exit::Done);
    }
    status.problems.iter().for_each(|problem| output::note(&format!("check: {problem}")));
    Ok(if status.problems.is_empty() { Exit::Done } else { Exit::Failed })
}

/// All of it, for people.
fn picture(context: &Context, status: &Status) -> String {
    let style = Style::of_stdout(&context.environment);
    let lines = [text(status), counted_ago(status), overdue(status), away(status), vectors(status)];
    let who = [
        instances(status, style),
        troubles::named(&status.troubles, style),
        troubles::last_errors(&status.instances, style),
    ];
    lines.concat() + &work(&status.workload, style) + &who.concat()
}

fn text(status: &Status) -> String {
    format!(
        "Queue depth: {} pending jobs\nOldest job: {}\nActive workers: {} ({} total slots)\nCompletion rate: {} \
        jobs/min\n\
         Error rate: {} jobs/min\n",
        status.queue_depth,
        duration(seconds(status.oldest_job_seconds)),
        status.active_workers,
        status.total_slots,
        rate(status.completed_per_min),
        rate(status.failed_per_min),
    )
}

/// Told only where the figures are not of this moment.
fn counted_ago(status: &Status) -> String {
    match status.counted_seconds_ago {
        Some(age) => format!("Counted: {} ago, by one instance for all\n", duration(seconds(Some(age)))),
        None => String::new(),
    }
}

/// Told only where it is so: the five lines above look the same with nobody at work as with nothing to do.
fn overdue(status: &Status) -> String {
    match status.oldest_overdue_seconds {
        Some(age) => {
            let age = duration(seconds(Some(age)));
            format!("Overdue: {}, the first for {age}\n", counted(status.overdue, "repository"))
        }
        None => String::new(),
    }
}

/// Told only where there are such.
fn away(status: &Status) -> String {
    let Status { dead, quarantined, stale, refused, .. } = *status;
    let states = [(dead, "dead"), (quarantined, "in quarantine"), (stale, "stale"), (refused, "refused")];
    let told: Vec<_> =
        states.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if told.is_empty() { String::new() } else { format!("Repositories: {} (`warmer repos list`)\n", told.join(", ")) }
}

/// What the stages did in the last minute, and what holds them up.
fn work(workload: &Workload, style: Style) -> String {
    let Some(bottleneck) = &workload.bottleneck else { return String::new() };
    let columns = [
        Column::left("STAGE"),
        Column::right("WORKERS"),
        Column::right("BUSY"),
        Column::right("STARVED"),
        Column::right("BLOCKED"),
        Column::right("HELD"),
        Column::right("ITEMS/S"),
    ];
    let mut table = Table::new(style, columns);
    for stage in &workload.stages {
        let cells = [
            stage.stage.into(),
            stage.workers.to_string().into(),
            share(stage.busy).into(),
            share(stage.starved).into(),
            share(stage.blocked.values().sum()).into(),
            format!("{}/{}", stage.held, stage.held_max).into(),
            format!("{:.1}", stage.items_per_second).into(),
        ];
        table.row(cells, []);
    }
    let sentence = style.wrapped(&format!("Bottleneck: {}", printable_line(&bottleneck.sentence)), "");
    format!("{}\n\n{}", sentence.trim_end(), table.text())
}

/// In percent. A sum of nothing is -0, and `max(0.0)` may leave its sign.
fn share(share: f64) -> String {
    format!("{:.0} %", plain(share * 100.0))
}

/// What rounds to nothing has no sign.
fn plain(number: f64) -> f64 {
    if number > 0.0 { number } else { 0.0 }
}

/// Told only while vectors are made, or are to be.
fn vectors(status: &Status) -> String {
    let Status { texts_missing, texts_building_missing, fills_queued, fills_running, .. } = *status;
    if texts_missing + texts_building_missing + fills_queued + fills_running == 0 {
        return String::new();
    }
    let (texts, fills) = (counted(texts_missing, "text"), counted(fills_running, "fill"));
    let building = match texts_building_missing {
        0 => String::new(),
        texts => format!(", {} for the generation that is being made", counted(texts, "text")),
    };
    let hold =
        status.hold_until.map(|moment| format!("; tried again {} (`warmer repos list` says why)", until(moment)));
    format!(
        "Vectors: {texts} without one{building}, {fills} running, {fills_queued} queued{}\n",
        hold.unwrap_or_default()
    )
}

/// Who is at work, below the five lines.
fn instances(status: &Status, style: Style) -> String {
    let mut text = String::new();
    if let Some(held) = status.slots_held {
        let most = |slots: u32| if slots == 0 { "no limit".to_owned() } else { slots.to_string() };
        let window = match status.slots_in_force == status.slots {
            true => String::new(),
            false => format!(" now, by [[windows]]; else {}", most(status.slots)),
        };
        let _ = writeln!(text, "Slots held: {held} ({}{window})", most(status.slots_in_force));
    }
    let columns = [Column::left("INSTANCE"), Column::right("JOBS"), Column::left("VERSION"), Column::left("STARTED")];
    let mut table = Table::new(style, columns);
    for instance in &status.instances {
        let Instance { id, host, pid, capacity, running, version, started_at, .. } = instance;
        let jobs = format!("{running}/{capacity}");
        let cells = [id.to_string().into(), jobs.into(), printable(version).into(), ago(*started_at).into()];
        let process = format!("process {pid} on host {}", printable(host));
        let without = (!instance.has_model()).then(|| "has no model: it leaves vectors to others".to_owned());
        let told = instance.figures.as_ref().and_then(|figures| told_ago(figures.age_seconds));
        let jobs = instance.figures.iter().flat_map(running::lines);
        let differs = instance.differs.iter().map(differs);
        let sizes = instance.tuned.iter().map(sizes::sentence);
        table.row(cells, [process].into_iter().chain(without).chain(told).chain(sizes).chain(jobs).chain(differs));
    }
    if !status.instances.is_empty() {
        let _ = write!(text, "\n{}", table.text());
    }
    if let Some(fleet) = status.fleet.as_ref().filter(|_| status.instances.iter().any(|one| !one.differs.is_empty())) {
        let (version, since) = (printable(&fleet.version), ago(fleet.set_at));
        let sentence =
            format!("The fleet's configuration was set by instance {}, version {version}, {since}", fleet.set_by);
        text.push_str(&style.wrapped(&sentence, ""));
    }
    text
}

/// Told only where an instance has been silent: all that is shown of it is so old, and it may be gone.
fn told_ago(age_seconds: f64) -> Option<String> {
    (age_seconds > SILENT).then(|| format!("its figures were told {} ago", duration(seconds(Some(age_seconds)))))
}

fn differs(Difference { key, here, fleet }: &Difference) -> String {
    let (key, here, fleet) = (printable(key), printable(here), printable(fleet));
    format!("differs from the fleet in {key}: {here}, the fleet has {fleet}")
}

fn seconds(seconds: Option<f64>) -> Duration {
    Duration::try_from_secs_f64(seconds.unwrap_or_default()).unwrap_or_default()
}

/// To one decimal, and without it where it is zero: `12`, `0.3`.
fn rate(per_minute: f64) -> String {
    let text = format!("{:.1}", plain(per_minute));
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use warmer_query::{Aliases, Figures, Moment};
    use warmer_store::InstanceId;

    use super::*;

    /// Nobody is at work, and nothing is to be done.
    fn idle() -> Status {
        Status {
            active_workers: 0,
            aliases: Aliases::default(),
            completed_per_min: 0.0,
            counted_seconds_ago: None,
            daemons: 0,
            dead: 0,
            delayed: 0,
            due: 0,
            ended_24h: None,
            failed_per_min: 0.0,
            fills_queued: 0,
            fills_running: 0,
            fleet: None,
            hold_until: None,
            instances: vec![],
            oldest_job_seconds: None,
            oldest_overdue_seconds: None,
            overdue: 0,
            problems: vec![],
            quarantined: 0,
            queue_depth: 0,
            refused: 0,
            repositories: 0,
            running: 0,
            served: 0,
            slots: 0,
            slots_held: None,
            slots_in_force: 0,
            stale: 0,
            texts: 0,
            texts_building: 0,
            texts_building_missing: 0,
            texts_missing: 0,
            total_slots: 0,
            troubles: vec![],
            workload: Workload::default(),
        }
    }

    #[test]
    fn the_five_lines_are_in_the_wording_of_the_contract() {
        let status = Status {
            queue_depth: 47,
            oldest_job_seconds: Some(202.4),
            active_workers: 3,
            total_slots: 24,
            completed_per_min: 12.0,
            failed_per_min: 0.3,
            ..idle()
        };
        let expected = "Queue depth: 47 pending jobs\nOldest job: 3m 22s\nActive workers: 3 (24 total slots)\n\
                        Completion rate: 12 jobs/min\nError rate: 0.3 jobs/min\n";
        assert_eq!(text(&status), expected);
        assert!(text(&idle()).contains("Oldest job: 0s\n"));
    }

    #[test]
    fn the_instances_and_the_slots_they_share_come_below() {
        let now = Moment(SystemTime::now() + Duration::from_secs(1));
        let id = InstanceId::random().0;
        let differs = vec![Difference { key: "content.generated".into(), here: "true".into(), fleet: "false".into() }];
        let instance = Instance {
            capacity: 4,
            differs,
            figures: None,
            host: "box".to_owned(),
            id,
            model: Some("none".to_owned()),
            pid: 77,
            running: 3,
            seen_at: now,
            started_at: now,
            tuned: vec![],
            version: "1.2.3".to_owned(),
        };
        let lines = format!(
            "Slots held: 2 (24)\n\nINSTANCE{:28}  JOBS  VERSION  STARTED\n{id}   3/4  1.2.3    0s ago\n    \
             process 77 on host box\n    has no model: it leaves vectors to others\n    \
             differs from the fleet in content.generated: true, the fleet has false\n",
            ""
        );
        let status = Status { slots: 24, slots_in_force: 24, slots_held: Some(2), instances: vec![instance], ..idle() };
        assert_eq!(instances(&status, Style::PLAIN), lines);
        let mut silent = status;
        silent.instances[0].figures = Some(Figures { age_seconds: 25.3, ..Figures::default() });
        let told = instances(&silent, Style::PLAIN);
        assert!(told.contains("leaves vectors to others\n    its figures were told 25s ago\n    differs"), "{told}");
        silent.instances[0].figures = Some(Figures { age_seconds: 5.0, ..Figures::default() });
        assert_eq!(instances(&silent, Style::PLAIN), lines, "as often as it should");
        let window = Status { slots: 24, slots_in_force: 4, slots_held: Some(9), ..idle() };
        assert_eq!(instances(&window, Style::PLAIN), "Slots held: 9 (4 now, by [[windows]]; else 24)\n");
        assert_eq!(instances(&idle(), Style::PLAIN), "");
    }

    #[test]
    fn vectors_that_are_made_are_told() {
        let filling = Status { texts_missing: 312, fills_queued: 3, fills_running: 1, ..idle() };
        assert_eq!(vectors(&filling), "Vectors: 312 texts without one, 1 fill running, 3 queued\n");
        let hold_until = Some(Moment(SystemTime::now() + Duration::from_secs(90)));
        let held = vectors(&Status { hold_until, ..filling });
        assert!(held.contains("3 queued; tried again in 1m ") && held.contains("`warmer repos list`"), "{held}");
        assert_eq!(vectors(&idle()), "");
        let beside = vectors(&Status { texts_building_missing: 954, fills_running: 1, ..idle() });
        let expected =
            "Vectors: 0 texts without one, 954 texts for the generation that is being made, 1 fill running, 0 queued\n";
        assert_eq!(beside, expected);
    }

    #[test]
    fn nothing_is_told_as_less_than_nothing() {
        let told = [-0.0, std::iter::empty::<f64>().sum(), -1e-9, 0.004, 0.126, 1.0].map(share);
        assert_eq!(told, ["0 %", "0 %", "0 %", "0 %", "13 %", "100 %"]);
        assert_eq!([rate(-0.0), rate(-1e-9), rate(0.3)], ["0", "0", "0.3"]);
    }

    #[test]
    fn what_is_overdue_is_told() {
        let status = Status { overdue: 500, oldest_overdue_seconds: Some(60.0), ..idle() };
        assert_eq!(overdue(&status), "Overdue: 500 repositories, the first for 1m\n");
        let refused = Status { dead: 3, refused: 1, ..idle() };
        assert_eq!(away(&refused), "Repositories: 3 dead, 1 refused (`warmer repos list`)\n");
    }

    #[test]
    fn figures_that_are_not_of_this_moment_say_so() {
        assert_eq!(counted_ago(&idle()), "");
        let status = Status { counted_seconds_ago: Some(12.3), ..idle() };
        assert_eq!(counted_ago(&status), "Counted: 12s ago, by one instance for all\n");
    }
}
