//! What the running instance is asked from outside: SIGHUP, a changed file of its configuration, an order by way of the
//! database. One after the other, and none before the pipeline runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use warmer_pipeline::{Observer, some_of};
use warmer_serve::Health;
use warmer_store::{Asked, AskedMark, Heard, Store};
use warmer_traces::names;

use super::reload::Reloader;
use super::watch::{EVERY, Watch};
use crate::service_manager::ServiceManager;

/// How often the database is asked for orders while sizes of pools are in force, and up to half as much later: one
/// statement, which tells how long the database takes, too.
const LOOK: Duration = Duration::from_secs(6);
/// The same without: something else being asked is heard with the figures, but where those cannot be written.
const LOOK_SELDOM: Duration = Duration::from_secs(60);

/// Answers whatever comes; returns when no more signals can.
pub(super) async fn answer(
    mut hangup: Signal,
    mut started: oneshot::Receiver<(Reloader, u64)>,
    (health, manager): (Health, ServiceManager),
) {
    let mut early = false;
    let (mut reloader, seen) = loop {
        tokio::select! {
            begun = &mut started => match begun {
                Ok(begun) => break begun,
                // The process ends before its pipeline ran.
                Err(_) => return,
            },
            Some(()) = hangup.recv() => {
                early = true;
                tracing::info!("SIGHUP: the configuration is read again once this instance has started");
            }
        }
    };
    let orders = look(reloader.tools.store.clone(), reloader.observer.clone(), reloader.heard.clone());
    let mut answering = Answering { orders, seen, watch: Watch::default(), health, manager };
    if early {
        answering.reload(&mut reloader, "SIGHUP").await;
    }
    let mut looks = interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            heard = hangup.recv() => match heard {
                Some(()) => answering.reload(&mut reloader, "SIGHUP").await,
                None => return,
            },
            _ = looks.tick() => {
                reloader.end_tunes();
                if reloader.config.now().reload.watch && answering.watch.look(&reloader.given.files()) {
                    answering.reload(&mut reloader, "a file of the configuration").await;
                }
            }
            Ok(()) = answering.orders.changed() => answering.obey(&mut reloader).await,
        }
    }
}

struct Answering {
    orders: watch::Receiver<Option<(Asked, Duration)>>,
    /// How often a reload had been asked for when that was last looked at; first, when the configuration was read.
    seen: u64,
    watch: Watch,
    health: Health,
    manager: ServiceManager,
}

impl Answering {
    async fn reload(&self, reloader: &mut Reloader, why: &str) {
        // A manager that hears of the end of a reload takes the process for started.
        let is_started = self.health.is_started();
        if is_started {
            self.manager.reloading();
        }
        reloader.reload(why).await;
        if is_started {
            self.manager.reloaded();
        }
    }

    async fn obey(&mut self, reloader: &mut Reloader) {
        let Some((asked, latency)) = self.orders.borrow_and_update().clone() else { return };
        if std::mem::replace(&mut self.seen, asked.reloads) != asked.reloads {
            self.reload(reloader, "warmer reload").await;
        }
        reloader.take(asked.tunes, latency).await;
    }
}

/// Looks for orders from now on. A database that is silent holds up nothing else.
fn look(
    store: Arc<dyn Store>,
    observer: Observer,
    mut heard: watch::Receiver<Option<Heard>>,
) -> watch::Receiver<Option<(Asked, Duration)>> {
    let (tell, orders) = watch::channel(None);
    warmer_supervision::spawn("orders of the database", async move {
        let mut mark = None;
        while !tell.is_closed() {
            let began = Instant::now();
            let mut pause = LOOK;
            match observer.database(names::DB_ORDERS, store.asked()).await {
                Ok(asked) => {
                    if asked.tunes.is_empty() {
                        pause = LOOK_SELDOM;
                    }
                    tell.send_replace(Some((asked, began.elapsed())));
                }
                Err(error) => tracing::debug!(%error, "cannot look for orders"),
            }
            tokio::select! {
                () = tokio::time::sleep(pause + some_of(pause / 2)) => {}
                () = another(&mut heard, &mut mark) => {}
                () = tell.closed() => {}
            }
        }
    });
    orders
}

/// Until something else is asked than by the mark.
async fn another(heard: &mut watch::Receiver<Option<Heard>>, mark: &mut Option<AskedMark>) {
    while heard.changed().await.is_ok() {
        let asked = heard.borrow_and_update().as_ref().map(|heard| heard.asked);
        if asked != *mark {
            *mark = asked;
            return;
        }
    }
    // Nothing is heard any more.
    std::future::pending::<()>().await;
}
