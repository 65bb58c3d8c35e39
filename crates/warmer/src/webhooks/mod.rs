//! Webhooks: pushes told by GitHub and GitLab become jobs within seconds, on a listener of its own.
//!
//! | request | is believed by | leads to |
//! |---|---|---|
//! | `POST /webhooks/github` | the HMAC-SHA256 of the body in `X-Hub-Signature-256` | a job for each repository that follows the pushed ref |
//! | `POST /webhooks/gitlab` | the token in `X-Gitlab-Token` | the same |
//!
//! Every answer is one JSON object with a `message`. A body is read, up to `body_max` and for 10 s, but
//! not parsed before it is believed.

mod listener;
mod place;
mod push;
mod seal;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use warmer_store::{Enqueue, Enqueued, RepositoryState, Store, StoreError};

use crate::config::{Secret, SecretSource, WebhookSecrets};
use crate::seldom::Seldom;
use crate::telemetry::is_traceparent;
pub(crate) use listener::Listening;
use push::Push;

/// How long a body may take.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// What requests are checked by and lead to.
pub(crate) struct Webhooks {
    /// Where jobs go.
    pub(crate) store: Arc<dyn Store>,
    /// What requests are believed by.
    pub(crate) secrets: WebhookSecrets,
    /// From a push to its job, so that a series of pushes is one job.
    pub(crate) debounce: Duration,
    /// The largest body that is read, in bytes.
    pub(crate) body_max: usize,
}

/// What all requests share.
struct Shared {
    webhooks: Webhooks,
    refusals: Seldom,
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
    fn router(self) -> Router {
        let shared = Arc::new(Shared { webhooks: self, refusals: Seldom::default() });
        let missing =
            || async { Answer::new(StatusCode::NOT_FOUND, "there are /webhooks/github and /webhooks/gitlab") };
        Router::new()
            .route("/webhooks/github", post(github))
            .route("/webhooks/gitlab", post(gitlab))
            .fallback(missing)
            .with_state(shared)
    }
}

async fn github(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Result<Answer, Answer> {
    let (headers, body) = shared.read(request).await?;
    let secret = secret(shared.webhooks.secrets.github.as_ref())?;
    if !seal::signed(&secret, text(&headers, "x-hub-signature-256"), &body) {
        return Err(shared.refuse("GitHub"));
    }
    match text(&headers, "x-github-event") {
        "push" => shared.pushed(&headers, &body).await,
        "ping" => Ok(Answer::new(StatusCode::OK, "pong")),
        _ => Ok(Answer::new(StatusCode::ACCEPTED, "only pushes are of interest")),
    }
}

async fn gitlab(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Result<Answer, Answer> {
    let (headers, body) = shared.read(request).await?;
    let token = secret(shared.webhooks.secrets.gitlab.as_ref())?;
    if !seal::same(&token, text(&headers, "x-gitlab-token")) {
        return Err(shared.refuse("GitLab"));
    }
    match text(&headers, "x-gitlab-event") {
        "Push Hook" | "Tag Push Hook" => shared.pushed(&headers, &body).await,
        _ => Ok(Answer::new(StatusCode::ACCEPTED, "only pushes are of interest")),
    }
}

/// What the host proves itself by now.
fn secret(source: Option<&SecretSource>) -> Result<Secret, Answer> {
    source.ok_or_else(not_set_up)?.read().map_err(|error| {
        tracing::warn!("a webhook cannot be checked: {error}");
        Answer::new(StatusCode::SERVICE_UNAVAILABLE, "the secret cannot be read here: send it again later")
    })
}

fn not_set_up() -> Answer {
    Answer::new(StatusCode::NOT_FOUND, "this host is not set up: name its secret in [webhooks] of the configuration")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl Shared {
    /// Headers and body, within the bounds of size and time.
    async fn read(&self, request: Request<Body>) -> Result<(HeaderMap, Bytes), Answer> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, self.webhooks.body_max);
        match tokio::time::timeout(BODY_DEADLINE, body).await {
            Ok(Ok(body)) => Ok((head.headers, body)),
            Ok(Err(_)) => Err(Answer::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than webhooks.body_max")),
            Err(_) => Err(Answer::new(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
        }
    }

    fn refuse(&self, host: &str) -> Answer {
        if let Some(total) = self.refusals.count() {
            tracing::warn!(host, total, "a webhook was refused: its signature or token is missing or wrong");
        }
        Answer::new(StatusCode::UNAUTHORIZED, "the signature or token is missing or wrong")
    }

    async fn pushed(&self, headers: &HeaderMap, body: &[u8]) -> Result<Answer, Answer> {
        let push = Push::read(body).ok_or_else(|| {
            let message =
                "this is no push as JSON: choose the content type application/json where the webhook is set up";
            Answer::new(StatusCode::BAD_REQUEST, message)
        })?;
        if push.deleted {
            return Ok(Answer::new(StatusCode::ACCEPTED, "the ref was deleted: there is nothing to warm"));
        }
        let traceparent = Some(text(headers, "traceparent")).filter(|text| is_traceparent(text)).map(str::to_owned);
        self.enqueue(&push, traceparent).await.map_err(|error| {
            tracing::warn!("a push could not be put in the queue: {error}");
            Answer::new(StatusCode::SERVICE_UNAVAILABLE, "the queue cannot be reached: send it again later")
        })
    }

    /// Puts every repository that follows the pushed ref in the queue. A paused one stays as it is.
    async fn enqueue(&self, push: &Push, traceparent: Option<String>) -> Result<Answer, StoreError> {
        let store = &self.webhooks.store;
        let (mut jobs, mut paused) = (Vec::new(), 0);
        for repository in store.repositories().await?.iter().filter(|repository| push.concerns(repository)) {
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
        let message = match (jobs.len(), paused) {
            (0, 0) => "no repository here follows this remote and ref",
            (0, _) => "the repository is paused",
            _ => "queued",
        };
        Ok(Answer(StatusCode::ACCEPTED, json!({ "message": message, "jobs": jobs })))
    }
}

#[cfg(test)]
mod tests;
