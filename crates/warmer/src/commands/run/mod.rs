//! `warmer run`: keeps the followed repositories warm until it is told to end.

mod asked;
mod beginning;
mod configured;
mod ending;
mod listeners;
mod reload;
mod tunes;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use tokio::sync::oneshot;
use warmer_pipeline::{Listener, Live, Observer, Selection, Tools, Vitals, job_events};
use warmer_serve::{Health, Works};
use warmer_store::Role;

use crate::context::Context;
use crate::exit::Exit;
use crate::output::counted;
use crate::service_manager::ServiceManager;
use crate::signals::Signals;
use crate::telemetry::{AttemptSpans, Attempts};
use crate::{assemble, database, indexing, reporting};
use beginning::Begun;
use configured::Followed;
use ending::{Ending, announce};
use listeners::Listeners;
use reload::Reloader;

/// Runs until a signal, or until the pipeline gives up.
pub(crate) async fn run(context: &Context) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen()?;
    let (health, manager) = (Health::default(), ServiceManager::of(&context.environment));
    let (runs, started) = oneshot::channel();
    if let Some(signal) = signals.without_hangup() {
        warmer_supervision::spawn("SIGHUP", asked::answer(signal, started, (health.clone(), manager.clone())));
    }
    let secrets = context.config.webhook_secrets(&context.environment)?;
    let counting = context.metrics.measure(&context.config, &context.paths);
    let mut listeners = Listeners::open(context, &health).await?;
    health.start();
    manager.started(&health);
    manager.says("waiting for the database");
    let opening = database::open_when_there(context, Role::Pipeline);
    let Some(store) = signals.unless_signalled(opening).await.transpose()? else {
        announce(&health, &manager);
        return Ok(Exit::Done);
    };
    let assembling = assemble::tools(context, store.clone(), assemble::mirrors(context)?);
    let Some(tools) = signals.unless_signalled(assembling).await.transpose()? else {
        announce(&health, &manager);
        return Ok(Exit::Done);
    };
    // A push that is told before the pipeline runs is a row like any other.
    listeners.hear_webhooks(context, store.clone(), secrets).await?;
    manager.says("waiting to start");
    let beginning = beginning::begin(context, &tools);
    let Some(Begun { followed, registered, reloads }) = signals.unless_signalled(beginning).await.transpose()? else {
        announce(&health, &manager);
        return Ok(Exit::Done);
    };
    let (listener, events) = job_events();
    let (published, indexing) = indexing::begin(context, store.clone());
    let settings = context.machine.staff(context.config.daemon_settings());
    let mut listening: Vec<Arc<dyn Listener>> =
        vec![listener, published, Arc::new(Attempts), AttemptSpans::of(context)];
    listening.extend(counting);
    #[cfg(feature = "chaos")]
    let (settings, listening) = (
        crate::chaos::settings(settings, &context.environment),
        crate::chaos::with_ledger(listening, &tools, &context.environment)?,
    );
    let observer = Observer::of(listening);
    let running = warmer_pipeline::start(registered, tools.clone(), settings, Selection::any(), observer.clone())
        .await
        .context("the pipeline cannot be started")?;
    health.watch(Pipeline(running.vitals()));
    let reporting = reporting::begin(
        (store.clone(), observer.clone()),
        tools.identity.clone(),
        running.sampler(),
        context.machine,
        true,
    );
    context.metrics.queue.follow(reporting.heard());
    let _measured = context.metrics.runs(running.measuring());
    let config = Live::new(context.config.clone());
    // Nobody hears of it where nobody listens to signals.
    let reloader = Reloader::of(context, config.clone(), (tools.clone(), observer), &reporting, running.tuner());
    runs.send((reloader, reloads)).ok();
    tell_start(context, &tools, &followed);
    listeners.tell_webhooks();
    manager.says(&format!("keeping {} warm", counted(followed.all as u64, "repository")));

    let mut ending = Ending { signals, running: &running, events, tools: &tools };
    let mut ended = ending.until_told().await;
    announce(&health, &manager);
    // Nobody sends requests to a process that has no port, and who sits before it and presses Ctrl-C has no other.
    if matches!(ended, Ok(Exit::Terminated)) && listeners.any() {
        ended = ending.drain(config.now().shutdown.drain_delay).await.map(|()| Exit::Terminated);
    }
    let mut signals = ending.signals;
    listeners.end_webhooks().await;
    drop(indexing);
    // What a pipeline that gave up has open nobody will end.
    let grace = if ended.is_ok() { config.now().shutdown.grace } else { Duration::ZERO };
    ending::stop(grace, &mut signals, running, &tools).await;
    listeners.end().await;
    ended.map(|_| Exit::Done)
}

/// The pipeline, as probes ask about it.
struct Pipeline(Vitals);

#[async_trait]
impl Works for Pipeline {
    async fn answers(&self) -> bool {
        self.0.answers().await
    }

    fn may_claim(&self) -> bool {
        self.0.may_claim()
    }
}

fn tell_start(context: &Context, tools: &Tools, followed: &Followed) {
    let claimer = &context.config.claimer;
    tracing::info!(
        instance = %tools.identity.get().0,
        database = database::location(context),
        concurrency = claimer.concurrency,
        slots = tools.fleet.slots().unwrap_or(claimer.slots),
        repositories = followed.all,
        configured = followed.configured,
        "started"
    );
    if let Some(why) = tools.provider.missing() {
        tracing::warn!(
            "this instance makes no vectors: {why}. It keeps repositories current, to be found by their words, and \
             leaves vectors to instances that have a model; a restart takes up one that is there by then"
        );
    }
    if followed.all == 0 {
        tracing::info!("no repository is followed yet: add some by [[repositories]] or by `warmer repos add`");
    }
    followed.tell();
}
