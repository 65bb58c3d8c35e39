//! Rescuer: returns the jobs of dead instances.
//!
//! takes    names of instances that may have died, from the session's look around.
//! gives    nothing; the queue has their jobs again.
//! keeps    nothing: the store decides who is dead, and any instance may ask it.
//! on crash the next heartbeat names them again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use warmer_store::{InstanceId, Rescued, Store};
use warmer_traces::names;

use crate::observer::{Event, Observer};

/// Instances that may have died.
pub(crate) struct Suspects(Vec<InstanceId>);

/// The rescuer.
#[derive(Clone)]
pub(crate) struct Rescuer {
    /// Who decides.
    pub store: Arc<dyn Store>,
    /// The way to it.
    pub rescues: Rescues,
    /// Who hears of jobs that went back.
    pub observer: Observer,
}

/// The way to the rescuer of the moment. A clone is the same way.
#[derive(Clone, Default)]
pub(crate) struct Rescues {
    rescuer: Arc<RwLock<Option<ActorRef<Suspects>>>>,
    /// It is at work: the next heartbeat names them again.
    busy: Arc<AtomicBool>,
}

impl Rescues {
    pub(crate) fn send(&self, suspects: Vec<InstanceId>) {
        let rescuer = self.rescuer.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(rescuer) = &*rescuer
            && !suspects.is_empty()
            && !self.busy.swap(true, Ordering::AcqRel)
        {
            // One that just died has a successor.
            rescuer.cast(Suspects(suspects)).ok();
        }
    }
}

impl Actor for Rescuer {
    type Msg = Suspects;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Suspects>, (): ()) -> Result<(), ActorProcessingErr> {
        *self.rescues.rescuer.write().unwrap_or_else(PoisonError::into_inner) = Some(myself);
        self.rescues.busy.store(false, Ordering::Release);
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Suspects>,
        Suspects(suspects): Suspects,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        for suspect in suspects {
            match self.observer.database(names::DB_RESCUE, self.store.rescue(suspect)).await {
                Ok(Some(Rescued { jobs, host, pid })) => {
                    self.observer.tell(&Event::Rescued(jobs));
                    let s = if jobs == 1 { "" } else { "s" };
                    let (id, host) = (suspect.0, host.escape_debug());
                    tracing::warn!(
                        "instance {id} (host {host}, process {pid}) disappeared; {jobs} job{s} returned to the queue"
                    );
                }
                Ok(None) => tracing::debug!(instance = %suspect.0, "a silent instance may live"),
                Err(error) => {
                    tracing::warn!(instance = %suspect.0, %error, "cannot find out whether an instance lives");
                }
            }
        }
        self.rescues.busy.store(false, Ordering::Release);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, heard};

    #[tokio::test]
    async fn while_the_rescuer_is_at_work_nobody_else_is_named_and_nobody_is_not_news() {
        let (actor, mut heard) = heard().await;
        let mut asked = async || heard.recv().await.map(|Suspects(suspects)| suspects);
        let rescues = Rescues::default();
        let [one, two, three] = [(); 3].map(|()| InstanceId::random());
        *rescues.rescuer.write().expect("nobody panics with it") = Some(actor);
        rescues.send(vec![]);
        rescues.send(vec![one]);
        rescues.send(vec![two]);
        assert_eq!(asked().await, Some(vec![one]));
        rescues.busy.store(false, Ordering::Release);
        rescues.send(vec![three]);
        assert_eq!(asked().await, Some(vec![three]), "nobody was named while it was at work");
    }

    #[tokio::test]
    async fn an_instance_that_lives_keeps_its_jobs_and_the_rescuer_is_free_for_the_next() {
        let bench = Bench::new().await;
        let claim = bench.claim("/a").await;
        let rescues = Rescues::default();
        let rescuer = Rescuer { store: bench.store.clone(), rescues: rescues.clone(), observer: Observer::default() };
        let (actor, ended) = Actor::spawn(None, rescuer, ()).await.expect("it starts");
        rescues.send(vec![bench.instance]);
        actor.drain().expect("it lives");
        ended.await.expect("it has done what was asked");
        assert!(!rescues.busy.load(Ordering::Acquire));
        let running = bench.store.running(bench.instance).await.expect("rows");
        assert_eq!(running.iter().map(|running| running.claim).collect::<Vec<_>>(), [claim.id]);
    }
}
