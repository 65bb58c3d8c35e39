//! Webhooks: pushes told by a host become jobs within seconds, on a listener of its own.
//!
//! `POST /webhooks/github`, `gitlab`, `gitea`, `gogs` and `bitbucket`; `sender.rs` has a table of what each is believed by. A
//! push leads to a job for each repository that follows the pushed ref, a change of the repository itself (a rename, say) to
//! one for each ref of it that is followed.
//!
//! Every answer is one JSON object with a `message`. A body is not parsed before it is believed. A delivery that was taken
//! already, told again within ten minutes, changes nothing.

mod deliveries;
mod form;
mod payload;
mod place;
mod push;
mod seal;
mod sender;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use warmer_store::{Enqueue, Enqueued, Repository, RepositoryState, Store, StoreError};

use crate::config::{HookHost, WebhookSecrets};
use crate::output::printable;
use crate::seldom::Seldom;
use crate::telemetry::is_traceparent;
use deliveries::Deliveries;
use place::Places;
use push::Told;
use sender::text;

/// What requests are checked by and lead to.
pub(crate) struct Webhooks {
    /// Where jobs go.
    pub(crate) store: Arc<dyn Store>,
    /// What requests are believed by.
    pub(crate) secrets: WebhookSecrets,
    /// From a push to its job, so that a series of pushes is one job.
    pub(crate) debounce: Duration,
}

/// What all requests share.
struct Shared {
    webhooks: Webhooks,
    taken: Deliveries,
    refused: Seldom,
    unread: Seldom,
    unmatched: [Seldom; HookHost::ALL.len()],
}

/// An answer: always one JSON object.
struct Answer(StatusCode, Value);

impl Answer {
    fn new(status: StatusCode, message: &str) -> Self {
        Self(status, json!({ "message": message }))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.0, [("content-type", "application/json")], self.1.to_string()).into_response()
    }
}

impl Webhooks {
    /// Answers the requests of all hosts. The bodies that it is given are whole and bounded.
    pub(crate) fn router(self) -> Router {
        let shared = Arc::new(Shared {
            webhooks: self,
            taken: Deliveries::default(),
            refused: Seldom::default(),
            unread: Seldom::default(),
            unmatched: Default::default(),
        });
        let paths = HookHost::ALL.map(|host| (host, format!("/webhooks/{}", host.name().to_lowercase())));
        let all = paths.each_ref().map(|(_, path)| path.as_str()).join(", ");
        let missing = || async move { Answer::new(StatusCode::NOT_FOUND, &format!("there are {all}")) };
        let mut router = Router::new();
        for (host, path) in paths {
            let hear = async move |State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes| {
                shared.hear(host, &headers, &body).await.unwrap_or_else(|refused| refused)
            };
            router = router.route(&path, post(hear));
        }
        router.fallback(missing).layer(DefaultBodyLimit::disable()).with_state(shared)
    }
}

impl Shared {
    async fn hear(&self, host: HookHost, headers: &HeaderMap, body: &[u8]) -> Result<Answer, Answer> {
        let Some(secret) = self.webhooks.secrets.of(host) else {
            let message = "this host is not set up: name its secret in [webhooks] of the configuration";
            return Err(Answer::new(StatusCode::NOT_FOUND, message));
        };
        if !sender::is_believed(host, &secret, headers, body) {
            return Err(self.refuse(host));
        }
        let delivery = deliveries::delivery(host, sender::delivery(host, headers), body);
        if delivery.as_ref().is_some_and(|delivery| self.taken.knows(delivery)) {
            return Ok(Answer::new(StatusCode::ACCEPTED, "this delivery was taken before: nothing is done"));
        }
        let form = sender::is_form(headers).then(|| form::payload(body)).flatten();
        let told = Told::read(host, sender::event(host, headers), form.as_deref().unwrap_or(body));
        let told = told.map_err(|message| self.unreadable(host, &message))?;
        let answer = self.take(host, headers, told).await?;
        if let Some(delivery) = delivery {
            self.taken.take(delivery);
        }
        Ok(answer)
    }

    fn refuse(&self, host: HookHost) -> Answer {
        if let Some(total) = self.refused.count() {
            let host = host.name();
            tracing::warn!(host, total, "a webhook was refused: its signature or token is missing or wrong");
        }
        Answer::new(StatusCode::UNAUTHORIZED, "the signature or token is missing or wrong")
    }

    fn unreadable(&self, host: HookHost, message: &str) -> Answer {
        if let Some(total) = self.unread.count() {
            tracing::warn!(host = host.name(), total, "a webhook could not be read: {message}");
        }
        Answer::new(StatusCode::BAD_REQUEST, message)
    }

    /// Does what is told.
    async fn take(&self, host: HookHost, headers: &HeaderMap, told: Told) -> Result<Answer, Answer> {
        let traceparent = Some(text(headers, "traceparent")).filter(|text| is_traceparent(text)).map(str::to_owned);
        let enqueued = match &told {
            Told::Ping => return Ok(Answer::new(StatusCode::OK, "pong")),
            Told::Nothing => return Ok(Answer::new(StatusCode::ACCEPTED, "only pushes and renames are of interest")),
            Told::Push(push) if push.only_deletes() => {
                return Ok(Answer::new(StatusCode::ACCEPTED, "the ref was deleted: there is nothing to warm"));
            }
            Told::Push(push) => self.enqueue(&|remote, reference| push.concerns(remote, reference), traceparent).await,
            Told::Change(change) => {
                let (now, what) = (printable(change.places.first()), printable(&change.what));
                tracing::info!(host = host.name(), repository = %now, %what, "a change of a repository was told");
                self.enqueue(&|remote, _| change.places.have(remote), traceparent).await
            }
        };
        let (jobs, paused) = enqueued.map_err(|error| {
            tracing::warn!("a push could not be put in the queue: {error}");
            Answer::new(StatusCode::SERVICE_UNAVAILABLE, "the queue cannot be reached: send it again later")
        })?;
        let message = match (jobs.len(), paused) {
            (0, 0) => {
                self.matches_nothing(host, &told);
                "no repository here follows this remote and ref"
            }
            (0, _) => "the repository is paused",
            _ => "queued",
        };
        Ok(Answer(StatusCode::ACCEPTED, json!({ "message": message, "jobs": jobs })))
    }

    fn matches_nothing(&self, host: HookHost, told: &Told) {
        let (places, references): (&Places, &[String]) = match told {
            Told::Push(push) => (&push.places, &push.moved),
            Told::Change(change) => (&change.places, &[]),
            Told::Ping | Told::Nothing => return,
        };
        if let Some(total) = self.unmatched[host as usize].count() {
            let named = references.join(" ");
            let (repository, reference) = (printable(places.first()), printable(&named));
            let host = host.name();
            tracing::info!(host, %repository, %reference, total, "a push was told that no repository here follows");
        }
    }

    /// Puts every repository that this concerns in the queue; those jobs, and how many are paused and stay as they are.
    async fn enqueue(
        &self,
        concerns: &(dyn Fn(&str, Option<&str>) -> bool + Send + Sync),
        traceparent: Option<String>,
    ) -> Result<(Vec<Value>, usize), StoreError> {
        let store = &self.webhooks.store;
        let (mut jobs, mut paused) = (Vec::new(), 0);
        let repositories = store.repositories().await?;
        let concerned = |of: &&Repository| concerns(&of.remote, of.reference.as_deref());
        for repository in repositories.iter().filter(concerned) {
            if repository.state == RepositoryState::Paused {
                paused += 1;
                continue;
            }
            let how = Enqueue {
                rank: repository.policy.rank,
                delay: self.webhooks.debounce,
                traceparent: traceparent.clone(),
                force: true,
                ..Enqueue::default()
            };
            let Enqueued { job, merged } = match store.enqueue(repository.id, how).await {
                Ok(enqueued) => enqueued,
                Err(error) if error.is_temporary() => return Err(error),
                // It was removed meanwhile, say: the others have their push all the same.
                Err(error) => {
                    tracing::warn!(repository = repository.remote, "a push could not be put in the queue: {error}");
                    continue;
                }
            };
            tracing::info!(job.id = job.0, repository = repository.remote, merged, "a push was told");
            jobs.push(json!({ "job": job.0, "merged": merged }));
        }
        Ok((jobs, paused))
    }
}

#[cfg(test)]
mod tests;
