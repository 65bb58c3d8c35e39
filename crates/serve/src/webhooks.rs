//! Webhooks: pushes that a git host reports become jobs within seconds.
//!
//! `POST /webhooks/github`, `gitlab`, `gitea`, `gogs` and `bitbucket`; `headers.rs` has a table of what proves that
//! each is who it says. A push leads to a job for each repository that follows the pushed ref, a change of the
//! repository itself (a rename, say) to one for each ref of it that is followed.
//!
//! Every answer is one JSON object with a `message`. A body is not parsed before its proof was checked. A delivery that
//! was taken already, sent again within ten minutes, changes nothing.

mod answers;
mod deliveries;
mod event;
mod form;
mod headers;
mod host;
mod location;
mod payload;
mod secrets;
mod settings;
mod signature;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use warmer_store::{Enqueue, Enqueued, Repository, RepositoryState, Store, StoreError};
use warmer_traces::TraceContext;

use crate::client::Client;
use crate::rate_limit::RateLimit;
use deliveries::Deliveries;
use event::Event;
use headers::text;
use location::{Locations, location};

pub use answers::HookAnswers;
pub use host::HookHost;
pub use location::Locate;
pub use secrets::HookSecrets;
pub use settings::WebhookSettings;

/// The most of a name that a stranger chose, in a log line. In bytes.
const NAME_BYTES_MAX: usize = 500;

/// What requests are checked by and lead to.
pub struct Webhooks {
    /// Where jobs go.
    pub store: Arc<dyn Store>,
    /// What requests are checked by.
    pub secrets: HookSecrets,
    /// From a push to its job, so that a series of pushes is one job.
    pub debounce: Duration,
    /// Where a URL leads.
    pub locate: Locate,
    /// Counts how they are answered.
    pub answers: HookAnswers,
}

/// What all requests share.
struct Shared {
    webhooks: Webhooks,
    taken: Deliveries,
    refused: RateLimit,
    unread: RateLimit,
    unmatched: [RateLimit; HookHost::ALL.len()],
}

/// What a host may be answered.
const STATUSES: [StatusCode; 6] = [
    StatusCode::OK,
    StatusCode::ACCEPTED,
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::NOT_FOUND,
    StatusCode::SERVICE_UNAVAILABLE,
];

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
    pub fn router(self) -> Router {
        self.answers.begin(&STATUSES);
        let shared = Arc::new(Shared {
            webhooks: self,
            taken: Deliveries::default(),
            refused: RateLimit::default(),
            unread: RateLimit::default(),
            unmatched: Default::default(),
        });
        let paths = HookHost::ALL.map(|host| (host, format!("/webhooks/{}", host.name().to_lowercase())));
        let all = paths.each_ref().map(|(_, path)| path.as_str()).join(", ");
        let missing = || async move { Answer::new(StatusCode::NOT_FOUND, &format!("there are {all}")) };
        let mut router = Router::new();
        for (host, path) in paths {
            let receive = async move |State(shared): State<Arc<Shared>>,
                                      client: Option<Extension<Client>>,
                                      headers: HeaderMap,
                                      body: Bytes| {
                let client = client.map(|Extension(client)| client);
                let answer = shared.receive(host, client, &headers, &body).await.unwrap_or_else(|refused| refused);
                shared.webhooks.answers.count(host, answer.0);
                answer
            };
            router = router.route(&path, post(receive));
        }
        router.fallback(missing).layer(DefaultBodyLimit::disable()).with_state(shared)
    }
}

impl Shared {
    async fn receive(
        &self,
        host: HookHost,
        client: Option<Client>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Answer, Answer> {
        let Some(secret) = self.webhooks.secrets.of(host) else {
            let message = "this host is not set up: name its secret in [webhooks] of the configuration";
            return Err(Answer::new(StatusCode::NOT_FOUND, message));
        };
        if !headers::is_authentic(host, &secret, headers, body) {
            return Err(self.refuse(host, client));
        }
        let delivery = deliveries::delivery(host, headers::delivery(host, headers), body);
        if delivery.as_ref().is_some_and(|delivery| self.taken.knows(delivery)) {
            return Ok(Answer::new(StatusCode::ACCEPTED, "this delivery was taken before: nothing is done"));
        }
        let form = headers::is_form(headers).then(|| form::payload(body)).flatten();
        let body = form.as_deref().unwrap_or(body);
        let event = Event::read(host, headers::event(host, headers), body, self.webhooks.locate);
        let event = event.map_err(|message| self.unreadable(host, &message))?;
        let answer = self.take(host, headers, event).await?;
        if let Some(delivery) = delivery {
            self.taken.take(delivery);
        }
        Ok(answer)
    }

    fn refuse(&self, host: HookHost, client: Option<Client>) -> Answer {
        if let Some(total) = self.refused.count() {
            let (host, client) = (host.name(), client.map(|Client(address)| tracing::field::display(address)));
            tracing::warn!(client, total, "refused a webhook of {host}: its signature or token is missing or wrong");
        }
        Answer::new(StatusCode::UNAUTHORIZED, "the signature or token is missing or wrong")
    }

    fn unreadable(&self, host: HookHost, message: &str) -> Answer {
        if let Some(total) = self.unread.count() {
            tracing::warn!(total, "cannot read a webhook of {}: {message}", host.name());
        }
        Answer::new(StatusCode::BAD_REQUEST, message)
    }

    /// Does what the event asks for.
    async fn take(&self, host: HookHost, headers: &HeaderMap, event: Event) -> Result<Answer, Answer> {
        let trace = TraceContext::new(text(headers, "traceparent"), Some(text(headers, "tracestate")));
        let enqueued = match &event {
            Event::Ping => return Ok(Answer::new(StatusCode::OK, "pong")),
            Event::Ignored => {
                return Ok(Answer::new(StatusCode::ACCEPTED, "only pushes and renames are of interest"));
            }
            Event::Push(push) if push.only_deletes() => {
                return Ok(Answer::new(StatusCode::ACCEPTED, "the ref was deleted: there is nothing to warm"));
            }
            Event::Push(push) => {
                let follows = |of: &Repository| push.moved_ref(of.reference.as_deref());
                self.enqueue(host, "push", &push.locations, &follows, trace).await
            }
            Event::Change(change) => self.enqueue(host, brief(&change.what), &change.locations, &|_| true, trace).await,
        };
        let (jobs, paused) = enqueued.map_err(|error| {
            tracing::warn!("cannot queue a job for a webhook of {}: {error}", host.name());
            Answer::new(StatusCode::SERVICE_UNAVAILABLE, "the queue cannot be reached: send it again later")
        })?;
        let message = match (jobs.len(), paused) {
            (0, 0) => {
                self.matches_nothing(host, &event);
                "no repository here follows this remote and ref"
            }
            (0, _) => "the repository is paused",
            _ => "queued",
        };
        Ok(Answer(StatusCode::ACCEPTED, json!({ "message": message, "jobs": jobs })))
    }

    fn matches_nothing(&self, host: HookHost, event: &Event) {
        let (locations, references): (&Locations, &[String]) = match event {
            Event::Push(push) => (&push.locations, &push.moved),
            Event::Change(change) => (&change.locations, &[]),
            Event::Ping | Event::Ignored => return,
        };
        if let Some(total) = self.unmatched[host as usize].count() {
            let named = references.join(" ");
            let (location, reference, host) = (brief(locations.first()), brief(&named), host.name());
            tracing::info!(reference, total, "ignored a webhook of {host}: no repository here follows {location}");
        }
    }

    /// Puts every repository in the queue that is at these locations and of which `concerns` is true; those jobs, and
    /// how many are paused and stay as they are. `what` is the event, for the log.
    async fn enqueue(
        &self,
        host: HookHost,
        what: &str,
        locations: &Locations,
        concerns: &(dyn Fn(&Repository) -> bool + Send + Sync),
        trace: Option<TraceContext>,
    ) -> Result<(Vec<Value>, usize), StoreError> {
        let store = &self.webhooks.store;
        let (mut jobs, mut paused) = (Vec::new(), 0);
        let repositories = store.repositories().await?;
        let there = |of: &Repository| location(&of.remote, self.webhooks.locate).filter(|at| locations.contain(at));
        let concerned = repositories.iter().filter(|of| concerns(of));
        for (repository, location) in concerned.filter_map(|of| Some((of, there(of)?))) {
            if repository.state == RepositoryState::Paused {
                paused += 1;
                continue;
            }
            let how = Enqueue {
                rank: repository.policy.rank,
                delay: self.webhooks.debounce,
                trace: trace.clone(),
                force: true,
                ..Enqueue::default()
            };
            let Enqueued { job, merged } = match store.enqueue(repository.id, how).await {
                Ok(enqueued) => enqueued,
                Err(error) if error.is_temporary() => return Err(error),
                // It was removed meanwhile, say: the others have their push all the same.
                Err(error) => {
                    tracing::warn!("cannot queue a job for the {what} of {location}: {error}");
                    continue;
                }
            };
            let queued = if merged { "is queued already" } else { "queued" };
            let (number, host) = (job.0, host.name());
            tracing::info!(job.id = number, "{what} received from {host} for {location}: job {number} {queued}");
            jobs.push(json!({ "job": number, "merged": merged }));
        }
        Ok((jobs, paused))
    }
}

/// The beginning of a name that a stranger chose.
fn brief(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES_MAX)]
}

#[cfg(test)]
mod tests;
