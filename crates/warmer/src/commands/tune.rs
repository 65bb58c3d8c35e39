//! `warmer tune`: gives pools of running instances another size for a while, and tells what came of it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::bail;
use bytesize::ByteSize;
use warmer_pipeline::Stage;
use warmer_query::{Rates, StageSpeed, TunedPool, Tuning, Verdict};
use warmer_store::{Reported, Role, Store, StoreError, Tune, TuneId};

use crate::args;
use crate::context::Context;
use crate::database;
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
    let meant = meant(store, arguments.instance.as_deref()).await?;
    let (before, said) = (rates(store, arguments.lasts.min(RATES_MOST)).await?, store.reports().await?);
    let (asked, ends) = (ask(context, store, &arguments).await?, Instant::now() + arguments.lasts);
    let mut signals = Signals::listen()?;
    let Some(taken) = signals.unless_signalled(taken(store, &asked, meant)).await.transpose()? else {
        return Ok(Exit::Interrupted);
    };
    output::note(&told(&taken, meant, arguments.lasts));
    let began = Instant::now();
    // Until the sizes end: what is told is of the time in which they held.
    let left = if arguments.no_wait { Duration::ZERO } else { ends.saturating_duration_since(began) };
    // Whoever does not wait to the end is told what is known by then; the sizes hold on.
    signals.unless_signalled(tokio::time::sleep(left)).await;
    let now = rates(store, began.elapsed().clamp(LOOK, RATES_MOST)).await?;
    let speeds = if began.elapsed() < SAID { vec![] } else { speeds(&asked, &said, &store.reports().await?) };
    let tuning = Tuning::of(before, now, pools(store, &asked).await?, speeds);
    store.close_at_exit().await;
    if arguments.json {
        output::print_json(&tuning)?;
    } else {
        output::print(&text(&tuning))?;
    }
    Ok(Exit::Done)
}

/// How many running instances are meant.
async fn meant(store: &dyn Store, named: Option<&str>) -> anyhow::Result<usize> {
    let instances = store.status().await?.instances;
    let daemons = instances.iter().filter(|instance| instance.takes_any);
    let is_meant = |host: &str, id: String| named.is_none_or(|named| host == named || id.starts_with(named));
    let meant = daemons.filter(|instance| is_meant(&instance.host, instance.id.0.to_string())).count();
    match (meant, named) {
        (0, None) => bail!("no instance is running: start `warmer run`"),
        (0, Some(named)) => bail!("no instance {} is running: `warmer status` tells which are", printable(named)),
        _ => Ok(meant),
    }
}

async fn rates(store: &dyn Store, time: Duration) -> Result<Rates, StoreError> {
    let missing = store.status().await?.texts_missing;
    Ok(Rates::of(store.ended_within(time).await?, time, missing))
}

/// Writes down what is asked for.
async fn ask(context: &Context, store: &dyn Store, arguments: &args::Tune) -> Result<Vec<(Stage, TuneId)>, StoreError> {
    let user = context.environment.text("USER").unwrap_or("somebody");
    let set_by = format!("{user} on {}", database::host());
    let mut asked = Vec::new();
    for (stage, workers) in &arguments.sizes {
        let (id, instance) = (TuneId::random(), arguments.instance.clone().unwrap_or_default());
        let (stage, workers, left) = (*stage, *workers, arguments.lasts);
        let tune = Tune { id, stage: stage.as_str().to_owned(), workers, instance, set_by: set_by.clone(), left };
        store.tune(&tune).await?;
        asked.push((stage, id));
    }
    Ok(asked)
}

/// Waits until every instance that is meant has taken every size, or should have.
async fn taken(store: &dyn Store, asked: &[(Stage, TuneId)], meant: usize) -> Result<Vec<TunedPool>, StoreError> {
    let until = Instant::now() + TAKEN;
    loop {
        let pools = pools(store, asked).await?;
        if pools.len() >= meant * asked.len() || Instant::now() > until {
            return Ok(pools);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn pools(store: &dyn Store, asked: &[(Stage, TuneId)]) -> Result<Vec<TunedPool>, StoreError> {
    let mut pools = Vec::new();
    for (stage, id) in asked {
        let tuned = store.tuned(*id).await?;
        pools.extend(tuned.iter().map(|tuned| TunedPool::of(stage.as_str(), tuned)));
    }
    Ok(pools)
}

/// What the stages that are meant did, before and now.
fn speeds(asked: &[(Stage, TuneId)], before: &[Reported], now: &[Reported]) -> Vec<StageSpeed> {
    asked.iter().map(|(stage, _)| StageSpeed::of(stage.as_str(), before, now)).collect()
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
