//! Puts a configuration in force that was read again, and sizes of pools that were asked for, while the pipeline runs.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use warmer_pipeline::{Live, Machine, Observer, Settings, Tools, Tuner};
use warmer_store::{Heard, Tune};

use super::configured;
use super::tunes::{Bound, Tunes};
use crate::config::{Change, Config, Effect, Given, Problems, Reload};
use crate::context::Context;
use crate::output::printable_line;
use crate::reporting::{Refused, Reporting};
use crate::telemetry;

/// What a running pipeline goes by, and how that is changed.
pub(super) struct Reloader {
    /// How the configuration came about.
    pub(super) given: Given,
    /// It.
    pub(super) config: Live<Config>,
    /// The queue, and who makes children that run by the same.
    pub(super) tools: Tools,
    /// Who hears of what the database is asked.
    pub(super) observer: Observer,
    /// What this instance hears where it says what it does.
    pub(super) heard: watch::Receiver<Option<Heard>>,
    /// Where it says that a configuration is wrong.
    refused: Refused,
    machine: Machine,
    tuner: Tuner,
    tunes: Tunes,
}

impl Reloader {
    /// Of a pipeline that was just started from this.
    pub(super) fn of(
        context: &Context,
        config: Live<Config>,
        (tools, observer): (Tools, Observer),
        reporting: &Reporting,
        tuner: Tuner,
    ) -> Self {
        let (heard, refused) = (reporting.heard(), reporting.refused());
        let (given, machine, tunes) = (context.given.clone(), context.machine, Tunes::default());
        Self { given, config, tools, observer, heard, refused, machine, tuner, tunes }
    }

    /// Reads the configuration again, because of `why`. One that is wrong changes nothing.
    pub(super) async fn reload(&mut self, why: &str) {
        match Reload::of(&self.given) {
            Ok(reload) => {
                self.refused.set(None);
                self.adopt(why, reload).await;
            }
            Err(problems) => self.refused.set(Some(tell_wrong(why, &problems))),
        }
    }

    async fn adopt(&mut self, why: &str, reload: Reload) {
        let waiting = reload.keys(Effect::Restart).join(", ");
        let changed = reload.changes.iter().filter(|change| change.effect != Effect::Restart);
        if changed.clone().next().is_none() && waiting.is_empty() {
            tracing::info!("{why}: the configuration is what it was");
            return;
        }
        changed.for_each(|change| tell(why, change));
        if !waiting.is_empty() {
            tracing::warn!("{why}: these keys have changed and count from the next start on: {waiting}");
        }
        reload.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let follows = reload.keys(Effect::Now).contains(&"repositories");
        let before = self.config.replace(reload.config);
        let now = self.config.now();
        self.given = reload.given;
        if now.telemetry.log != before.telemetry.log
            && let Err(error) = telemetry::set_level(&now.telemetry.log)
        {
            tracing::warn!("the log goes on by the level of before, telemetry.log cannot be taken: {error:#}");
        }
        if let Some(isolation) = &self.tools.isolation {
            isolation.configuration.replace(reload.in_force);
            isolation.memory_max.replace(now.claimer.child_memory_max);
        }
        self.apply();
        if follows {
            self.follow().await;
        }
    }

    /// Takes the sizes of pools that are asked for now; the database took so long to tell them.
    pub(super) async fn take(&mut self, asked: Vec<Tune>, latency: Duration) {
        let bound = Bound::of(self.config.now().tune.max, &self.machine);
        let settings = self.tuner.settings();
        let taken = self.tunes.take(asked, &bound, (self.tools.identity.get(), settings.as_ref()), latency);
        if taken {
            self.apply();
        }
        self.tunes.note(self.tools.store.as_ref(), self.tools.identity.get(), self.machine.memory, latency).await;
    }

    /// Ends the sizes whose time is over, also where the database does not say so.
    pub(super) fn end_tunes(&mut self) {
        if self.tunes.end(Instant::now()) {
            self.apply();
        }
    }

    /// Puts the configuration in force, with the sizes that were asked for laid over it.
    fn apply(&self) {
        let configured = self.configured();
        self.tuner.tune(self.tunes.laid_over(configured));
    }

    /// The settings of the configuration alone.
    fn configured(&self) -> Settings {
        self.machine.staff(self.config.now().daemon_settings())
    }

    async fn follow(&self) {
        match configured::follow(self.tools.store.as_ref(), &self.config.now().repositories).await {
            Ok(followed) => followed.tell(),
            Err(error) => tracing::warn!(
                "cannot follow the repositories of the configuration now ({error}): the next reload or start does"
            ),
        }
    }
}

fn tell(why: &str, change: &Change) {
    let key = &change.key;
    let from_to = match &change.values {
        Some((before, now)) => format!(" from {before} to {now}"),
        None => String::new(),
    };
    match change.effect {
        Effect::Fleet => tracing::info!(
            "{why}: {key} has changed{from_to}: it counts once no instance runs by what the fleet has now"
        ),
        _ => tracing::info!("{why}: {key} has changed{from_to}"),
    }
}

/// In the log, and in the words that it returns.
fn tell_wrong(why: &str, problems: &Problems) -> String {
    let problems = problems.in_one_line();
    let problems = printable_line(&problems);
    let told = format!("{why}: nothing was changed, and a restart would fail: {problems}");
    tracing::warn!("{told}");
    warmer_pipeline::bounded(&told)
}
