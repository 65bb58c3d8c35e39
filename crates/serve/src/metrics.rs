//! `/metrics`: what a process measures, in Prometheus' text format. What that is, its caller knows.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use warmer_supervision::{Outcome, blocking};

/// The text format, as Prometheus asks for it.
/// <https://prometheus.io/docs/instrumenting/exposition_formats/#basic-info>
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Half of the time after which Prometheus gives a scrape up by default. It takes milliseconds.
const DEADLINE: Duration = Duration::from_secs(5);

/// Gives the text of the moment. It may read a file or two of the system, and never waits for a database.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// Answers `/metrics` with what this gives, to `GET` and `HEAD`.
pub fn metrics(render: Render) -> Router {
    let answer = async move || {
        let render = Arc::clone(&render);
        answered(blocking(DEADLINE, Arc::default(), move |_| render()).await)
    };
    Router::new().route("/metrics", get(answer))
}

fn answered(rendered: Outcome<String>) -> Response {
    match rendered {
        Outcome::Done(text) | Outcome::Stopped(text) => ([(CONTENT_TYPE, FORMAT), (CACHE_CONTROL, "no-store")], text),
        Outcome::Panicked(why) => {
            tracing::error!("/metrics cannot be answered: {why}");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Outcome::Late => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
    .into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn the_text_is_prometheus_and_a_panic_of_who_gives_it_is_no_ones_but_this_requests() {
        let response = answered(blocking(DEADLINE, Arc::default(), |_| "up 1\n".to_owned()).await);
        assert_eq!(response.headers()[CONTENT_TYPE], FORMAT);
        assert_eq!(to_bytes(response.into_body(), 9).await.unwrap(), "up 1\n");
        let response = answered(blocking(DEADLINE, Arc::default(), |_| panic!("of a test")).await);
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
