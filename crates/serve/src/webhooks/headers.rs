//! Where each host writes what: its proof, its event, and the name of the delivery.
//!
//! | host | proof | event | delivery |
//! |---|---|---|---|
//! | GitHub | HMAC-SHA256 of the body, `X-Hub-Signature-256: sha256=HEX` | `X-GitHub-Event` | `X-GitHub-Delivery` |
//! | GitLab | the token, `X-Gitlab-Token` | `X-Gitlab-Event` | `Idempotency-Key`, `X-Gitlab-Event-UUID` |
//! | Gitea, Forgejo | HMAC, `X-Gitea-Signature: HEX` or `X-Forgejo-Signature` | `X-Gitea-Event` | `X-Gitea-Delivery` |
//! | Gogs | HMAC, `X-Gogs-Signature: HEX` | `X-Gogs-Event` | `X-Gogs-Delivery` |
//! | Bitbucket | HMAC, `X-Hub-Signature: sha256=HEX` | `X-Event-Key` | `X-Request-UUID`, `X-Request-Id` |

use axum::http::HeaderMap;

use warmer_settings::Secret;

use super::host::HookHost;
use super::signature;

/// The headers of one host, as it names them.
struct Names {
    proof: &'static [&'static str],
    event: &'static [&'static str],
    delivery: &'static [&'static str],
}

fn names(host: HookHost) -> Names {
    match host {
        HookHost::GitHub => {
            Names { proof: &["x-hub-signature-256"], event: &["x-github-event"], delivery: &["x-github-delivery"] }
        }
        HookHost::GitLab => Names {
            proof: &["x-gitlab-token"],
            event: &["x-gitlab-event"],
            delivery: &["idempotency-key", "x-gitlab-event-uuid"],
        },
        HookHost::Gitea => Names {
            proof: &["x-gitea-signature", "x-forgejo-signature"],
            event: &["x-gitea-event", "x-forgejo-event"],
            delivery: &["x-gitea-delivery", "x-forgejo-delivery"],
        },
        HookHost::Gogs => {
            Names { proof: &["x-gogs-signature"], event: &["x-gogs-event"], delivery: &["x-gogs-delivery"] }
        }
        HookHost::Bitbucket => Names {
            proof: &["x-hub-signature"],
            event: &["x-event-key"],
            delivery: &["x-request-uuid", "x-request-id"],
        },
    }
}

/// The first of these headers that is there; empty where none is.
fn first<'a>(headers: &'a HeaderMap, names: &[&str]) -> &'a str {
    names.iter().map(|name| text(headers, name)).find(|text| !text.is_empty()).unwrap_or_default()
}

/// A header; empty where it is not there.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether the request comes from who knows the secret.
pub(super) fn is_authentic(host: HookHost, secret: &Secret, headers: &HeaderMap, body: &[u8]) -> bool {
    let proof = first(headers, names(host).proof);
    match host {
        HookHost::GitLab => signature::same(secret, proof),
        HookHost::GitHub | HookHost::Bitbucket => {
            proof.strip_prefix("sha256=").is_some_and(|hex| signature::signed(secret, hex, body))
        }
        HookHost::Gitea | HookHost::Gogs => signature::signed(secret, proof, body),
    }
}

/// What happened, in the host's word.
pub(super) fn event(host: HookHost, headers: &HeaderMap) -> &str {
    first(headers, names(host).event)
}

/// The host's name of this delivery; the same when it is sent again.
pub(super) fn delivery(host: HookHost, headers: &HeaderMap) -> &str {
    first(headers, names(host).delivery)
}

/// Whether the body is a form with the JSON in its field `payload`, which GitHub, Gitea and Gogs can be set to send.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    text(headers, "content-type").to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}
