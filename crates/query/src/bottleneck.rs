//! `Bottleneck`: what holds all instances up, told by how their workers spend their time, and the key that helps.
//!
//! A stage is the bottleneck where its workers always have a batch and do not wait for the stage behind it: what is
//! before it waits for it, and what is behind it starves. What its own workers do, work or wait, says why.

mod spread;
mod waits;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;
use warmer_store::{InstanceFigures, StageFigures};

use crate::text::counted;
use spread::Spread;
use waits::{advice, spelt};

/// The stages in the order of the data, each with those that hand batches to it.
pub(crate) const STAGES: [(&str, &[&str]); 5] = [
    ("fetcher", &[]),
    ("hasher", &["fetcher"]),
    ("filler", &[]),
    ("embedder", &["filler"]),
    ("storer", &["hasher", "embedder"]),
];
/// A stage whose workers have less than this without a batch, and wait less than [`HELD_BACK`] for the next one, is
/// never out of work.
const STARVED_MOST: f64 = 0.25;
/// See [`STARVED_MOST`].
const HELD_BACK: f64 = 0.5;
/// Of the limit: beyond it more workers are a risk.
const MEMORY_MOST: f64 = 0.8;
/// Stages whose workers have had a batch for less of the time have no work yet.
const HARDLY: f64 = 0.01;
/// A provider that was left alone for less of the time holds nothing up.
const LEFT_ALONE: f64 = 0.05;

/// What holds all instances up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bottleneck {
    /// Whether turning the key helps.
    pub helps: bool,
    /// The key of the configuration that it is about; `None`: there is none.
    pub key: Option<&'static str>,
    /// All of it in one sentence.
    pub sentence: String,
    /// How much of the last minute: 1 is all of it.
    pub share: f64,
    /// A stage, `slots`, `permits`, `hold`, or `nothing`.
    pub what: &'static str,
}

/// What is to be done by all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Refreshes that are queued and due.
    pub refreshes: u64,
    /// Fills that are queued or run.
    pub fills: u64,
    /// Jobs that run.
    pub running: u64,
    /// Texts that have no vector yet.
    pub lacking: u64,
    /// Slots in force; 0 is without limit.
    pub slots: u32,
    /// The database takes one writer at a time.
    pub one_writer: bool,
}

/// All instances, as if they were one.
#[derive(Default)]
struct All {
    instances: usize,
    stages: BTreeMap<&'static str, StageFigures>,
    /// Workers of a stage in each.
    workers: BTreeMap<&'static str, Spread>,
    /// Of all machines: those that one instance may use are not others than those of another there.
    cores: f64,
    /// Of the instance that uses most of what it may.
    memory: f64,
    short_of: Option<String>,
    hold: Option<String>,
    /// Of the time of their Embedders, how much their providers were left alone; and why, of one of them.
    left_alone: f64,
    left_alone_why: Option<String>,
    running: u64,
    permits: u64,
    /// Permits of each.
    concurrency: Spread,
    fills_running: u64,
}

impl Bottleneck {
    /// Of these instances, each with the name of its machine.
    pub(crate) fn of<'a>(figures: impl Iterator<Item = (&'a str, &'a InstanceFigures)>, demand: Demand) -> Self {
        let all = All::of(figures);
        // What was busy a moment ago holds nothing up where nothing is to be done any more.
        match all.saturated().filter(|_| all.has_work(demand)) {
            Some((stage, figures)) => all.stage(stage, &figures, demand),
            None => all.beside_the_stages(demand),
        }
    }

    fn new(what: &'static str, share: f64, key: Option<&'static str>, helps: bool, sentence: String) -> Self {
        Self { helps, key, sentence, share, what }
    }
}

/// The stages of these instances, as if they were one's.
pub(crate) fn all_of<'a>(
    figures: impl Iterator<Item = (&'a str, &'a InstanceFigures)>,
) -> BTreeMap<&'static str, StageFigures> {
    All::of(figures).stages
}

impl All {
    fn of<'a>(figures: impl Iterator<Item = (&'a str, &'a InstanceFigures)>) -> Self {
        let (mut all, mut cores) = (Self::default(), BTreeMap::<_, f64>::new());
        for (host, one) in figures {
            all.instances += 1;
            let there = cores.entry(host).or_default();
            *there = there.max(one.cores);
            let used = one.memory_max.filter(|most| *most > 0).map_or(0.0, |most| one.memory as f64 / most as f64);
            all.memory = all.memory.max(used);
            all.short_of = all.short_of.take().or_else(|| one.short_of.clone());
            all.hold = all.hold.take().or_else(|| one.hold.clone());
            let refreshes = one.kinds.get("refresh").cloned().unwrap_or_default();
            (all.running, all.permits) = (all.running + refreshes.running, all.permits + refreshes.permits);
            all.concurrency.add(refreshes.permits);
            all.fills_running += one.kinds.get("fill").map_or(0, |fills| fills.running);
            all.left_alone += one.left_alone * one.stages.get("embedder").map_or(0.0, |stage| stage.workers as f64);
            all.left_alone_why = all.left_alone_why.take().or_else(|| one.left_alone_why.clone());
            for (name, _) in STAGES {
                if let Some(stage) = one.stages.get(name) {
                    add(all.stages.entry(name).or_default(), stage);
                    all.workers.entry(name).or_default().add(stage.workers);
                }
            }
        }
        all.cores = cores.values().sum();
        all.left_alone /= all.stages.get("embedder").map_or(1.0, |stage| stage.workers.max(1) as f64);
        all.stages.values_mut().for_each(share);
        all
    }

    /// Whether anything is due, queued or running, or lacks its vector.
    fn has_work(&self, demand: Demand) -> bool {
        let Demand { refreshes, fills, running, lacking, .. } = demand;
        refreshes + fills + running + lacking + self.running + self.fills_running > 0
    }

    /// The stage that is never out of work: of several the one that starves least, and of those the last.
    fn saturated(&self) -> Option<(&'static str, StageFigures)> {
        let is_saturated = |stage: &StageFigures| {
            let waits = stage.blocked.get("next_stage").copied().unwrap_or(0.0);
            stage.workers > 0 && stage.starved <= STARVED_MOST && waits <= HELD_BACK
        };
        let named = STAGES.iter().rev().filter_map(|(name, _)| Some((*name, self.stages.get(name)?)));
        let saturated = named.filter(|(_, stage)| is_saturated(stage));
        let least = saturated.min_by(|(_, one), (_, other)| one.starved.total_cmp(&other.starved));
        least.map(|(name, stage)| (name, stage.clone()))
    }

    fn stage(&self, name: &'static str, stage: &StageFigures, demand: Demand) -> Bottleneck {
        let own = stage.blocked.iter().filter(|(what, _)| *what != "next_stage");
        let longest = own.max_by(|(_, one), (_, other)| one.total_cmp(other)).filter(|(_, time)| **time > stage.busy);
        let key = workers_key(name);
        let (share, did) = match longest {
            Some((what, time)) => (*time, format!("{name}: waited for {} {}", spelt(what), percent(*time))),
            None => (stage.busy, format!("{name}: busy {}", percent(stage.busy))),
        };
        let (helps, advice) = match longest.map(|(what, _)| what.as_str()) {
            Some("session") | None if name == "embedder" && self.left_alone >= LEFT_ALONE => (false, self.provider()),
            Some("remote") => self.remote(demand),
            Some(what) => (false, advice(what, demand.one_writer).to_owned()),
            None => self.more_workers(name, stage, key),
        };
        let sentence = format!("{did} of the last minute{}; {advice}", self.held_up(name));
        Bottleneck::new(name, share, Some(key), helps, sentence)
    }

    /// What waits for it.
    fn held_up(&self, name: &str) -> String {
        let before = STAGES.iter().find(|(stage, _)| *stage == name).map(|(_, before)| *before).unwrap_or_default();
        let waits = before.iter().filter_map(|stage| {
            let time = *self.stages.get(stage)?.blocked.get("next_stage")?;
            (time >= 0.05).then(|| format!(", and the {stage} was blocked by it {}", percent(time)))
        });
        waits.collect()
    }

    /// What its provider did to the Embedder.
    fn provider(&self) -> String {
        let why = self.left_alone_why.as_deref().unwrap_or("it did not answer");
        format!("its provider was left alone {} of the last minute: {why}", percent(self.left_alone))
    }

    /// Behind a value of each instance, where there are several.
    fn each(&self) -> String {
        if self.instances > 1 { format!(" in each of {} instances", self.instances) } else { String::new() }
    }

    fn workers_of(&self, stage: &str) -> Spread {
        self.workers.get(stage).copied().unwrap_or_default()
    }

    fn more_workers(&self, name: &str, stage: &StageFigures, key: &str) -> (bool, String) {
        let (workers, cores) = (stage.workers, self.cores.max(1.0).round() as u64);
        // Each Fetcher has a job of its own: more of them than jobs that may run have nothing to do.
        let is_bound = name == "fetcher" && (1..=workers).contains(&self.permits);
        let (bound, more) = if is_bound {
            (format!(" and [claimer] concurrency {}", self.concurrency), "more of both")
        } else {
            (String::new(), "more workers")
        };
        let (each, in_all) = (self.each(), if self.instances > 1 { " in all" } else { "" });
        let now = format!("{key} is {}{bound}{each} on {}{in_all}", self.workers_of(name), counted(cores, "core"));
        if workers >= cores {
            let or = if name == "embedder" { " or a GPU" } else { "" };
            return (false, format!("{now}: more workers gain nothing here, add an instance{or}"));
        }
        if self.memory > MEMORY_MOST {
            return (false, format!("{now}, but memory is at {} of its limit: more of it first", percent(self.memory)));
        }
        (true, format!("{now}: {more} are faster"))
    }

    /// Who waits for a remote takes no core.
    fn remote(&self, demand: Demand) -> (bool, String) {
        if demand.refreshes == 0 {
            return (false, "no other job is due, and no key makes a remote faster".to_owned());
        }
        let due = counted(demand.refreshes, "job");
        let (workers, each) = (self.workers_of("fetcher"), self.each());
        let now = format!("[fetcher] workers is {workers} and [claimer] concurrency {}{each}", self.concurrency);
        (true, format!("{now}: with more of both it waits for more at once ({due} due)"))
    }

    fn beside_the_stages(&self, demand: Demand) -> Bottleneck {
        if self.short_of.as_deref() == Some("slots") {
            let now = format!("slots: all are taken, of {} in force, and heavy jobs wait", demand.slots);
            let sentence = format!("{now}; [claimer] slots (or [[windows]]) is the key");
            return Bottleneck::new("slots", 1.0, Some("[claimer] slots"), true, sentence);
        }
        let full = self.permits > 0 && self.running >= self.permits && demand.refreshes > 0;
        if full || self.short_of.is_some() {
            return self.permits(full, demand);
        }
        if let Some(hold) = self.hold.as_ref().filter(|_| demand.fills > 0) {
            let sentence = format!("no vectors are made for now: {hold}");
            return Bottleneck::new("hold", 1.0, None, false, sentence);
        }
        if self.left_alone >= LEFT_ALONE && demand.fills + self.fills_running > 0 {
            return Bottleneck::new("hold", self.left_alone, None, false, format!("embedder: {}", self.provider()));
        }
        let (share, sentence) = self.nothing_named(demand);
        Bottleneck::new("nothing", share, None, false, sentence)
    }

    /// What can be said where nothing holds the others up.
    fn nothing_named(&self, demand: Demand) -> (f64, String) {
        let occupied = |stage: &StageFigures| stage.busy + stage.blocked();
        let most = self.stages.iter().map(|(name, stage)| (*name, occupied(stage)));
        let most = most.max_by(|(_, one), (_, other)| one.total_cmp(other)).filter(|(_, share)| *share >= HARDLY);
        let share = most.map_or(0.0, |(_, share)| share);
        let sentence = match most {
            _ if demand.refreshes + demand.fills == 0 => "nothing waits: no key gains anything".to_owned(),
            Some((name, _)) => {
                let had = percent(share);
                format!("no stage holds the others up: the {name} is the busiest, with a batch {had} of the time")
            }
            None if self.stages.is_empty() => {
                format!("no instance has told its figures yet, with {}", to_do(demand))
            }
            None => {
                let look = "`warmer jobs list` says who refuses them, and the log of the instances why";
                let due = to_do(demand);
                format!("no stage has work yet, with {due}: where that lasts longer than a minute, {look}")
            }
        };
        (share, sentence)
    }

    /// Of the lesser of its permits and its Fetchers an instance keeps one from heavy jobs.
    fn permits(&self, full: bool, demand: Demand) -> Bottleneck {
        let workers = self.stages.get("fetcher").map_or(0, |fetcher| fetcher.workers);
        let key = if full || self.permits <= workers { "[claimer] concurrency" } else { "[fetcher] workers" };
        let with = match (full, workers.cmp(&self.permits)) {
            (_, Ordering::Equal) | (true, Ordering::Less) => ", with [fetcher] workers",
            _ => "",
        };
        let kept = match (full, self.instances) {
            (true, _) => "",
            (false, ..=1) => " and one is kept for checks",
            (false, _) => " and one of each is kept for checks",
        };
        let of = if self.instances > 1 { format!(" in {} instances", self.instances) } else { String::new() };
        let now = format!("permits: {} of {} are in use{of}{kept}", self.running, self.permits);
        let sentence = format!("{now}, {} due; {key} is the key{with}", counted(demand.refreshes, "job"));
        let share = self.running as f64 / self.permits.max(1) as f64;
        Bottleneck::new("permits", share, Some(key), true, sentence)
    }
}

/// Jobs that are due, and fills that are queued or run: what there is of them.
fn to_do(demand: Demand) -> String {
    let of = |count: u64, what| (count > 0).then(|| counted(count, what));
    let counts: Vec<_> = [of(demand.refreshes, "job"), of(demand.fills, "fill")].into_iter().flatten().collect();
    format!("{} due", counts.join(" and "))
}

/// Shares become times of workers.
fn add(sum: &mut StageFigures, one: &StageFigures) {
    let workers = one.workers as f64;
    sum.workers += one.workers;
    sum.busy += one.busy * workers;
    sum.starved += one.starved * workers;
    for (what, share) in &one.blocked {
        *sum.blocked.entry(what.clone()).or_default() += share * workers;
    }
    sum.held += one.held;
    sum.held_max += one.held_max;
    sum.batches += one.batches;
    sum.items += one.items;
    sum.tokens += one.tokens;
}

fn share(stage: &mut StageFigures) {
    let workers = stage.workers.max(1) as f64;
    stage.busy /= workers;
    stage.starved /= workers;
    stage.blocked.values_mut().for_each(|time| *time /= workers);
}

fn workers_key(stage: &str) -> &'static str {
    match stage {
        "fetcher" => "[fetcher] workers",
        "hasher" => "[hasher] workers",
        "filler" => "[fill] concurrency",
        "embedder" => "[embedder] workers",
        _ => "[storer] workers",
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests;
