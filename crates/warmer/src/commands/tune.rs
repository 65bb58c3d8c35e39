//! `warmer tune`: gives pools of running instances another size for a while, and tells what came of it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::bail;
use bytesize::ByteSize;
use warmer_pipeline::Stage;
use warmer_query::{Looks, Rates, StageSpeed, TunedPool, Tuning, Verdict, listed};
use warmer_store::{InstanceStatus, Reported, Role, Store, StoreError, Tune, TuneId};

use crate::args;
use crate::context::Context;
use crate::database::{self, patiently};
use crate::exit::Exit;
use crate::output::{self, counted, duration, printable};
use crate::signals::Signals;

/// Checks that found nothing new are known for so long, and rates are of this time at most.
const RATES_MOST: Duration = Duration::from_mins(10);
/// Within which every instance has looked for orders twice.
const TAKEN: Duration = Duration::from_secs(30);
/// What instances say of their stages is of the last minute, and up to five seconds old.
const SAID: Duration = Duration::from_secs(65);
/// Between two looks at what has become of it.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks at whether there is anything to do.
const WORK: Duration = Duration::from_secs(5);

/// Runs the command.
pub(crate) async fn run(context: &Context, arguments: args::Tune) -> anyhow::Result<Exit> {
    let store = database::open_existing(context, Role::Writer).await?;
    let store = store.as_ref();
    if arguments.end {
        let ended = store.end_tunes().await?;
        output::print(&format!("{} ended: pools have again what is configured\n", counted(ended, "size")))?;
        store.close_at_exit().await;
        return Ok(Exit::Done);
    }
    let whom = Whom::of(&store.status().await?.instances, arguments.instance.as_deref())?;
    let mut looks = Looks::default();
    looks.note(&store.status().await?);
    let (before, said) = (rates(store, arguments.lasts.min(RATES_MOST)).await?, store.reports().await?);
    let (asked, ends) = (ask(context, store, &arguments, &whom).await?, Instant::now() + arguments.lasts);
    let mut signals = Signals::listen()?;
    let Some(taken) = signals.unless_signalled(taken(store, &asked, whom.count)).await.transpose()? else {
        return Ok(Exit::Interrupted);
    };
    output::note(&told(&taken, whom.count, arguments.lasts));
    let began = Instant::now();
    // Until the sizes end: what is told is of the time in which they held.
    // Where no pool has another size, nothing comes of waiting.
    let waits = !arguments.no_wait && taken.iter().any(TunedPool::has_another_size);
    let left = if waits { ends.saturating_duration_since(began) } else { Duration::ZERO };
    // Whoever does not wait to the end is told what is known by then; the sizes hold on.
    signals.unless_signalled(watch(store, left, &mut looks)).await;
    // What was waited for so long is not thrown away because the database is away just then.
    let judged = patiently(async || judged(store, &asked, (before, &said), looks, began).await);
    let Some(tuning) = signals.unless_signalled(judged).await.transpose()? else { return Ok(Exit::Interrupted) };
    store.close_at_exit().await;
    if arguments.json {
        output::print_json(&tuning)?;
    } else {
        output::print(&text(&tuning))?;
    }
    Ok(Exit::Done)
}

/// What came of it by now.
async fn judged(
    store: &dyn Store,
    asked: &[Size],
    (before, said): (Rates, &[Reported]),
    looks: Looks,
    began: Instant,
) -> Result<Tuning, StoreError> {
    let now = rates(store, began.elapsed().clamp(LOOK, RATES_MOST)).await?;
    let speeds = if began.elapsed() < SAID { vec![] } else { speeds(asked, said, &store.reports().await?) };
    Ok(Tuning::of((before, now), looks, pools(store, asked).await?, speeds))
}

/// The running instances that are meant.
#[derive(Debug, PartialEq, Eq)]
struct Whom {
    /// As an order names them: a host, the whole of an id, or nothing, which is all.
    named: String,
    count: usize,
}

impl Whom {
    /// By the name of a host, which all that run there have, or by the beginning of one id.
    fn of(instances: &[InstanceStatus], named: Option<&str>) -> anyhow::Result<Self> {
        let daemons = || instances.iter().filter(|instance| instance.takes_any);
        let Some(named) = named else {
            let count = daemons().count();
            if count == 0 {
                bail!("no instance is running: start `warmer run`");
            }
            return Ok(Self { named: String::new(), count });
        };
        let there = daemons().filter(|instance| instance.host == named).count();
        if there > 0 {
            return Ok(Self { named: named.to_owned(), count: there });
        }
        let ids: Vec<_> = daemons().filter(|instance| instance.id.0.to_string().starts_with(named)).collect();
        let shown = printable(named);
        match ids[..] {
            [] => bail!("no instance {shown} is running: `warmer status` tells which are"),
            [one] => Ok(Self { named: one.id.0.to_string(), count: 1 }),
            _ => {
                let candidates = listed(ids.iter().map(|one| format!("{} on {}", one.id.0, printable(&one.host))));
                bail!("{shown} may be any of {candidates}: name more of the id, or the host");
            }
        }
    }
}

async fn rates(store: &dyn Store, time: Duration) -> Result<Rates, StoreError> {
    let status = store.status().await?;
    let missing = status.texts_missing + status.texts_building_missing;
    Ok(Rates::of(store.ended_within(time).await?, time, missing))
}

/// Waits, and looks whether there is anything to do meanwhile. A database that is away is looked at again.
async fn watch(store: &dyn Store, time: Duration, looks: &mut Looks) {
    let until = Instant::now() + time;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(WORK)).await;
        if let Ok(status) = store.status().await {
            looks.note(&status);
        }
    }
}

/// A size that was asked for.
struct Size {
    stage: Stage,
    workers: u32,
    id: TuneId,
}

/// Writes down what is asked for.
async fn ask(
    context: &Context,
    store: &dyn Store,
    arguments: &args::Tune,
    whom: &Whom,
) -> Result<Vec<Size>, StoreError> {
    let user = context.environment.text("USER").unwrap_or("somebody");
    let set_by = format!("{user} on {}", database::host());
    let mut asked = Vec::new();
    for (stage, workers) in &arguments.sizes {
        let (id, instance) = (TuneId::random(), whom.named.clone());
        let (stage, workers, left) = (*stage, *workers, arguments.lasts);
        let tune = Tune { id, stage: stage.as_str().to_owned(), workers, instance, set_by: set_by.clone(), left };
        store.tune(&tune).await?;
        asked.push(Size { stage, workers, id });
    }
    Ok(asked)
}

/// Waits until every instance that is meant has taken every size, or should have.
async fn taken(store: &dyn Store, asked: &[Size], meant: usize) -> Result<Vec<TunedPool>, StoreError> {
    let until = Instant::now() + TAKEN;
    loop {
        let pools = patiently(async || pools(store, asked).await).await?;
        if pools.len() >= meant * asked.len() || Instant::now() > until {
            return Ok(pools);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn pools(store: &dyn Store, asked: &[Size]) -> Result<Vec<TunedPool>, StoreError> {
    let mut pools = Vec::new();
    for Size { stage, workers, id } in asked {
        let tuned = store.tuned(*id).await?;
        pools.extend(tuned.iter().map(|tuned| TunedPool::of(stage.as_str(), *workers, tuned)));
    }
    Ok(pools)
}

/// What the stages that are meant did, before and now.
fn speeds(asked: &[Size], before: &[Reported], now: &[Reported]) -> Vec<StageSpeed> {
    asked.iter().map(|size| StageSpeed::of(size.stage.as_str(), before, now)).collect()
}

/// Who took it, for whoever waits.
fn told(taken: &[TunedPool], meant: usize, lasts: Duration) -> String {
    let mut hosts: Vec<_> = taken.iter().map(|pool| pool.instance).collect();
    hosts.sort();
    hosts.dedup();
    let (count, lasts) = (hosts.len(), duration(lasts));
    let instances = counted(meant as u64, "instance");
    format!(
        "taken by {count} of {instances}, for {lasts}; Ctrl-C tells what is known by then, `warmer tune --end` ends it"
    )
}

fn text(tuning: &Tuning) -> String {
    let mut text = String::new();
    for pool in &tuning.instances {
        let [was, is] = pool.workers;
        let share = pool.memory_share().map(|share| format!(" ({:.0} % of what there is)", share * 100.0));
        let [memory_was, memory_is] = pool.memory_bytes.map(|bytes| ByteSize(bytes).display().iec().to_string());
        let [slow_was, slow_is] = pool.latency_ms;
        let _ = writeln!(
            text,
            "{} {}: {was} -> {is} workers, memory {memory_was} -> {memory_is}{}, \
             database {slow_was:.1} -> {slow_is:.1} ms",
            printable(&pool.host),
            pool.stage,
            share.unwrap_or_default(),
        );
        if pool.is_bounded() {
            let asked = pool.asked;
            let _ = writeln!(
                text,
                "  {asked} were asked for: {is} is the bound there ([tune] max; \"auto\" goes by cores and memory)"
            );
        }
    }
    let (before, now) = (&tuning.before, &tuning.now);
    for (name, was, is) in [
        ("Completion rate", before.completed_per_min, now.completed_per_min),
        ("Error rate", before.failed_per_min, now.failed_per_min),
        ("Fills", before.filled_per_min, now.filled_per_min),
    ] {
        let _ = writeln!(text, "{name}: {was:.1} -> {is:.1} jobs/min");
    }
    for StageSpeed { items_per_second: [was, is], stage } in &tuning.stages {
        let _ = writeln!(text, "{}: {was:.1} -> {is:.1} items/s", printable(stage));
    }
    let _ = writeln!(text, "Texts without a vector: {} -> {}", before.texts_missing, now.texts_missing);
    let verdict = match tuning.verdict {
        Verdict::Keep => "keep it",
        Verdict::NoGain => "no gain",
        Verdict::TakeBack => "take it back",
        Verdict::Unknown => "not known",
    };
    let _ = writeln!(text, "Judgement: {verdict}");
    for reason in &tuning.reasons {
        let _ = writeln!(text, "  {}", printable(reason));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use warmer_store::InstanceId;

    use super::*;

    fn instance(host: &str, id: &str) -> InstanceStatus {
        InstanceStatus {
            id: InstanceId(id.parse().expect("an id")),
            started_at: SystemTime::UNIX_EPOCH,
            seen_at: SystemTime::UNIX_EPOCH,
            capacity: 4,
            version: "1.2.3".to_owned(),
            host: host.to_owned(),
            pid: 1,
            running: 0,
            takes_any: true,
            model: None,
            differs: vec![],
        }
    }

    #[test]
    fn an_instance_is_meant_by_its_host_or_by_the_beginning_of_its_id_alone() {
        const IDS: [&str; 4] = [
            "abc00000-0000-4000-8000-000000000001",
            "abd00000-0000-4000-8000-000000000002",
            "c0000000-0000-4000-8000-000000000003",
            "d0000000-0000-4000-8000-000000000004",
        ];
        let mut all = vec![instance("one", IDS[0]), instance("one", IDS[1]), instance("c", IDS[3])];
        all.push(InstanceStatus { takes_any: false, ..instance("warms", IDS[2]) });
        let of = |named: Option<&str>| Whom::of(&all, named).map(|Whom { named, count }| (named, count));
        let is = |named: Option<&str>, whom: &str, count| {
            assert_eq!(of(named).expect("it is meant"), (whom.to_owned(), count), "{named:?}");
        };
        is(None, "", 3);
        is(Some("one"), "one", 2);
        is(Some("abd"), IDS[1], 1);
        is(Some("d"), IDS[3], 1);
        is(Some("c"), "c", 1);
        let refused = |named| of(Some(named)).unwrap_err().to_string();
        let candidates =
            format!("ab may be any of {} on one, {} on one: name more of the id, or the host", IDS[0], IDS[1]);
        assert_eq!(refused("ab"), candidates);
        for nowhere in ["c00", "on", "warms", "ABC"] {
            let none = format!("no instance {nowhere} is running: `warmer status` tells which are");
            assert_eq!(refused(nowhere), none);
        }
        assert!(Whom::of(&all[3..], None).is_err_and(|none| none.to_string().contains("start `warmer run`")));
    }
}
