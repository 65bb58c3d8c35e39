//! The repositories of a row: what is pushed to them, and the triggers that say so.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use warmer_store::{Catalogue as _, Enqueue, Queue as _, RepositoryId};

use super::clock::{now, wait};
use super::environment::Base;
use crate::Repo;
use crate::sources::{Random, rust};

/// How long an enqueue is tried: longer than any server is down.
const ENQUEUE: Duration = Duration::from_secs(90);

/// One enqueue that the database took.
#[derive(Clone, Debug)]
pub(super) struct Trigger {
    /// When it was asked for: a claim after it sees what was pushed before it.
    pub(super) at: u64,
    pub(super) url: String,
}

/// One repository that is followed.
struct Followed {
    id: RepositoryId,
    url: String,
    repo: Mutex<Repo>,
}

/// All of a row.
pub(super) struct Repositories {
    base: Arc<Base>,
    all: Mutex<Vec<Arc<Followed>>>,
    triggers: Mutex<Vec<Trigger>>,
}

impl Repositories {
    pub(super) fn new(base: Arc<Base>) -> Self {
        Self { base, all: Mutex::default(), triggers: Mutex::default() }
    }

    /// Follows one more; gives its number. Nobody is told to warm it.
    pub(super) fn add(&self, repo: Repo) -> Result<usize> {
        let url = repo.url();
        let id = self.base.block_on(self.base.store.add_repository(&url, None))?.id;
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::new(Followed { id, url, repo: Mutex::new(repo) }));
        Ok(all.len() - 1)
    }

    /// Follows what another row follows.
    pub(super) fn follow_all(&self, other: &Self) -> Result<()> {
        for followed in other.all.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.add(followed.repo.lock().unwrap_or_else(PoisonError::into_inner).cloned())?;
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn one(&self, number: usize) -> Arc<Followed> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)[number].clone()
    }

    /// Its URL.
    pub(super) fn url(&self, number: usize) -> String {
        self.one(number).url.clone()
    }

    /// A commit with one new file, and the trigger that says so.
    pub(super) fn push(&self, number: usize, seed: u64) -> Result<()> {
        let followed = self.one(number);
        {
            let mut repo = followed.repo.lock().unwrap_or_else(PoisonError::into_inner);
            repo.write(format!("src/pushed_{seed:x}.rs"), rust(seed, 1_000)).commit("pushed");
        }
        self.trigger(number)
    }

    /// Says that there is something new.
    pub(super) fn trigger(&self, number: usize) -> Result<()> {
        self.enqueue(number, Enqueue { force: true, ..Enqueue::default() })
    }

    /// The same, with the best rank there is.
    pub(super) fn trigger_first(&self, number: usize) -> Result<()> {
        self.enqueue(number, Enqueue { force: true, rank: -100, ..Enqueue::default() })
    }

    fn enqueue(&self, number: usize, how: Enqueue) -> Result<()> {
        let followed = self.one(number);
        let mut at = now();
        let taken = wait(ENQUEUE, || {
            at = now();
            self.base.block_on(self.base.store.enqueue(followed.id, how.clone())).ok()
        });
        taken.context("the queue takes no job")?;
        let trigger = Trigger { at, url: followed.url.clone() };
        self.triggers.lock().unwrap_or_else(PoisonError::into_inner).push(trigger);
        Ok(())
    }

    /// All triggers so far.
    pub(super) fn triggers(&self) -> Vec<Trigger> {
        self.triggers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether its last commit is what is served.
    pub(super) fn is_served(&self, number: usize) -> Result<bool> {
        let followed = self.one(number);
        let found = self.base.block_on(self.base.store.repository(followed.id))?;
        let repo = followed.repo.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(found.and_then(|found| found.served).is_some_and(|served| served.commit == repo.tip()))
    }

    /// The repositories whose last commit is not what is served.
    pub(super) fn unserved(&self) -> Result<Vec<String>> {
        let served = self.base.query("SELECT remote || ' ' || coalesce(served_commit, '') FROM repository_served")?;
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_served = |followed: &Followed| {
            let repo = followed.repo.lock().unwrap_or_else(PoisonError::into_inner);
            served.contains(&format!("{} {}", followed.url, repo.tip()))
        };
        Ok(all.iter().filter(|followed| !is_served(followed)).map(|followed| followed.url.clone()).collect())
    }
}

/// Pushes to random repositories until it is stopped.
pub(super) struct Traffic {
    stop: Sender<()>,
    thread: JoinHandle<Result<()>>,
}

impl Traffic {
    /// A push to one of the first `among` repositories each `every`.
    pub(super) fn start(repositories: &Arc<Repositories>, among: usize, every: Duration, seed: u64) -> Self {
        let (stop, stopped) = channel();
        let repositories = repositories.clone();
        let thread = std::thread::spawn(move || {
            let mut random = Random::new(seed);
            while stopped.recv_timeout(every).is_err() {
                repositories.push(random.below(among), random.number())?;
            }
            Ok(())
        });
        Self { stop, thread }
    }

    /// No more pushes.
    pub(super) fn stop(self) -> Result<()> {
        self.stop.send(()).ok();
        self.thread.join().map_err(|_| anyhow::anyhow!("a producer panicked"))?
    }
}
