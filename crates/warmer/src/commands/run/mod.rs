//! `warmer run`: keeps the followed repositories warm until it is told to end.

mod configured;
mod hangup;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::mpsc::UnboundedReceiver;
use warmer_git::Location;
use warmer_pipeline::{Event, Observer, Registered, Running, Selection, Tools, job_events, some_of};
use warmer_serve::webhooks::{HookSecrets, Webhooks};
use warmer_serve::{Limits, Listening};
use warmer_store::{Membership, Role, Store, StoreError, Takes};

use crate::context::Context;
use crate::database::Pauses;
use crate::exit::Exit;
use crate::output::duration;
use crate::signals::Signals;
use crate::{assemble, database};
use configured::Followed;

/// Runs until a signal, or until the pipeline gives up.
pub(crate) async fn run(context: &Context) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen()?;
    if let Some(signal) = signals.without_hangup() {
        warmer_supervision::spawn("SIGHUP", hangup::answer(signal, context.given.clone()));
    }
    let secrets = context.config.webhook_secrets(&context.environment)?;
    let opening = database::open_when_there(context, Role::Pipeline);
    let Some(store) = signals.unless_signalled(opening).await.transpose()? else { return Ok(Exit::Done) };
    let tools = assemble::tools(context, store.clone(), assemble::mirrors(context)?)?;
    // A push that is told before the pipeline runs is a row like any other.
    let listening = listen(context, store.clone(), secrets).await?;
    let beginning = begin(context, &tools);
    let Some((followed, registered)) = signals.unless_signalled(beginning).await.transpose()? else {
        return Ok(Exit::Done);
    };
    let (listener, events) = job_events();
    let (settings, listeners) = (context.config.daemon_settings(), vec![listener]);
    #[cfg(feature = "chaos")]
    let (settings, listeners) = (
        crate::chaos::settings(settings, &context.environment),
        crate::chaos::with_ledger(listeners, &tools, &context.environment)?,
    );
    let observer = Observer::of(listeners);
    let running = warmer_pipeline::start(registered, tools.clone(), settings, Selection::any(), observer)
        .await
        .context("the pipeline cannot be started")?;
    tell_start(context, &tools, &followed, listening.as_ref());
    let ended = until_told(&mut signals, &running, events, &tools).await;
    if let Some(listening) = listening {
        listening.stop().await;
    }
    // What a pipeline that gave up has open nobody will end.
    let grace = if ended.is_ok() { context.config.shutdown.grace } else { Duration::ZERO };
    stop(grace, &mut signals, running, &tools).await;
    ended.map(|()| Exit::Done)
}

/// What is done before the pipeline starts. It becomes known last: only then others expect signs of life.
async fn begin(context: &Context, tools: &Tools) -> anyhow::Result<(Followed, Registered)> {
    start_delay(context).await;
    let mut pauses = Pauses::default();
    loop {
        let begun = async {
            let followed = configured::follow(tools.store.as_ref(), &context.config.repositories).await?;
            Ok((followed, enter(context, tools).await?))
        };
        match begun.await {
            Err(error) if StoreError::is_temporary(&error) => pauses.wait(&error).await,
            begun => return Ok(begun?),
        }
    }
}

/// Instances that a deploy starts together do not fall upon the database together. Pushes are heard meanwhile.
async fn start_delay(context: &Context) {
    let claimer = &context.config.claimer;
    let delay = claimer.start_delay + some_of(claimer.start_jitter);
    let wait = duration(delay);
    tracing::info!("waiting {wait} before the first job (claimer.start_delay, claimer.start_jitter)");
    tokio::time::sleep(delay).await;
}

/// Makes this process known, and hears what the fleet runs by.
async fn enter(context: &Context, tools: &Tools) -> Result<Registered, StoreError> {
    let capacity = u32::try_from(context.config.claimer.concurrency).unwrap_or(u32::MAX);
    let registered = Registered::new(tools, capacity, Takes::Any).await?;
    tools.fleet.enter(tools.store.as_ref(), tools.identity.get(), Membership::Joins).await?;
    Ok(registered)
}

fn tell_start(context: &Context, tools: &Tools, followed: &Followed, listening: Option<&Listening>) {
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
    if let Some(listening) = listening {
        tracing::info!(address = %listening.address, "listening for webhooks");
    }
    if followed.all == 0 {
        tracing::info!("no repository is followed yet: add some by [[repositories]] or by `warmer repos add`");
    }
    for absent in &followed.absent {
        tracing::warn!("{absent}");
    }
    if !followed.left.is_empty() {
        let left = followed.left.join(", ");
        tracing::warn!("the configuration no longer names {left}: warmed on, until `warmer repos remove`");
    }
}

/// The listener of webhooks, where there is to be one.
async fn listen(context: &Context, store: Arc<dyn Store>, secrets: HookSecrets) -> anyhow::Result<Option<Listening>> {
    let config = &context.config.webhooks;
    if config.listen.is_empty() {
        return Ok(None);
    }
    let body_max = usize::try_from(config.body_max).unwrap_or(usize::MAX);
    let router = Webhooks { store, secrets, debounce: config.debounce, locate }.router();
    Ok(Some(Listening::start("webhooks", &config.listen, router, Limits::of_body(body_max)).await?))
}

/// Where a URL leads, whatever its protocol: host and path.
fn locate(url: &str) -> Option<String> {
    Some(Location::of_url(url)?.as_reported().to_string())
}

/// Returns at the first signal.
///
/// # Errors
/// When the pipeline gave up.
async fn until_told(
    signals: &mut Signals,
    running: &Running,
    events: UnboundedReceiver<Event>,
    tools: &Tools,
) -> anyhow::Result<()> {
    tokio::select! {
        _ = signals.next() => Ok(()),
        why = running.failed() => bail!("the pipeline gave up: {why}"),
        // Beside the others: a database that is silent must not keep a signal from being heard.
        never = note_served(events, tools) => match never {},
    }
}

/// Searches use the fleet's recipe once nothing that is served is left behind by it.
async fn note_served(mut events: UnboundedReceiver<Event>, tools: &Tools) -> Infallible {
    let mut active = false;
    while let Some(event) = events.recv().await {
        let good = matches!(event, Event::Ended(ended) if ended.is_good());
        if !tools.fleet.makes_ours() {
            // The fleet may come round to it later.
            active = false;
        } else if good && !active {
            match tools.store.activate_when_covered(tools.recipe).await {
                Ok(done) => active = done,
                Err(error) => tracing::warn!("cannot activate the recipe yet: {error}"),
            }
        }
    }
    std::future::pending().await
}

/// Hands everything back, or ends at once at another signal.
async fn stop(grace: Duration, signals: &mut Signals, running: Running, tools: &Tools) {
    let open = running.ledger.count().open;
    tracing::info!(open, "stopping: no more jobs are taken; open jobs have {} to end", duration(grace));
    let stopped = async {
        running.stop(grace).await;
        database::leave(tools.store.as_ref(), tools.identity.get()).await;
    };
    tokio::select! {
        () = stopped => tracing::info!("stopped"),
        exit = signals.next() => exit.now(),
    }
}
