//! Health: `/livez`, `/readyz` and `/startupz`, which say a state in one word and nothing else.
//!
//! | path | 200 as long as | 503 |
//! |---|---|---|
//! | `/livez` | the root of the supervision tree answers; never asks the database | `stuck`: a restart helps |
//! | `/startupz` | the configuration was read; never asks the database | `starting` |
//! | `/readyz` | jobs may be claimed | `starting`; `waiting` for the database; `draining` after SIGTERM |
//!
//! Before there is a tree the process lives: what it does then ends by itself, or waits for a database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// What works in this process, as far as its health is concerned. Neither question may wait for a database.
#[async_trait]
pub trait Works: Send + Sync + 'static {
    /// Whether it still answers.
    async fn answers(&self) -> bool;
    /// Whether it may take up jobs.
    fn may_claim(&self) -> bool;
}

/// How this process is. A clone is about the same process.
#[derive(Clone, Default)]
pub struct Health(Arc<Inner>);

#[derive(Default)]
struct Inner {
    started: AtomicBool,
    draining: AtomicBool,
    works: OnceLock<Box<dyn Works>>,
}

impl Health {
    /// All that does not need a database is there: `/startupz` holds.
    pub fn start(&self) {
        self.0.started.store(true, Ordering::Release);
    }

    /// From now on this is asked. The first one stays.
    pub fn watch(&self, works: impl Works) {
        self.0.works.set(Box::new(works)).ok();
    }

    /// The process is to end: `/readyz` no longer holds.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Whether `/startupz` holds.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.0.started.load(Ordering::Acquire)
    }

    /// Whether `/livez` holds.
    pub async fn is_live(&self) -> bool {
        match self.0.works.get() {
            Some(works) => works.answers().await,
            None => true,
        }
    }

    /// The answers of the three paths, to `GET` and `HEAD`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/livez", get(async |State(health): State<Self>| health.live().await))
            .route("/readyz", get(async |State(health): State<Self>| health.ready()))
            .route("/startupz", get(async |State(health): State<Self>| health.startup()))
            .with_state(self.clone())
    }

    async fn live(&self) -> Word {
        if self.is_live().await { Word::Holds("live") } else { Word::Fails("stuck") }
    }

    fn startup(&self) -> Word {
        if self.is_started() { Word::Holds("started") } else { Word::Fails("starting") }
    }

    fn ready(&self) -> Word {
        if self.0.draining.load(Ordering::Acquire) {
            return Word::Fails("draining");
        }
        match self.0.works.get() {
            None => Word::Fails("starting"),
            Some(works) if works.may_claim() => Word::Holds("ready"),
            Some(_) => Word::Fails("waiting"),
        }
    }
}

/// A state in one word: 200, or 503.
enum Word {
    Holds(&'static str),
    Fails(&'static str),
}

impl IntoResponse for Word {
    fn into_response(self) -> Response {
        let (status, word) = match self {
            Self::Holds(word) => (StatusCode::OK, word),
            Self::Fails(word) => (StatusCode::SERVICE_UNAVAILABLE, word),
        };
        (status, [(CONTENT_TYPE, "text/plain"), (CACHE_CONTROL, "no-store")], word).into_response()
    }
}

#[cfg(test)]
mod tests;
