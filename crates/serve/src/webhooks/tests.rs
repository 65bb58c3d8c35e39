//! What is promised about webhooks, over a real port, with a real queue.

use std::time::SystemTime;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use warmer_settings::{Secret, SecretSource};
use warmer_store::{Job, JobFilter, Role, Sqlite};

use super::*;
use crate::{Exposure, Limits, Listening};

const REMOTE: &str = "https://git.example.com/team/app.git";

/// A listener with a queue behind it.
struct Rig {
    _folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    listening: Listening,
}

/// What came back.
struct Answered {
    status: u16,
    body: Value,
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("w.sqlite"), Role::Pipeline).await.unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let secret = |host| {
            let secret = Secret::new(if host == HookHost::GitLab { "token" } else { "key" });
            (host, SecretSource::Text(secret.clone()), secret)
        };
        let secrets = HookSecrets::new(HookHost::ALL.map(secret));
        let (debounce, locate) = (Duration::from_mins(1), location::locate as Locate);
        let router =
            Webhooks { store: store.clone(), secrets, debounce, locate, answers: HookAnswers::default() }.router();
        let exposure = Exposure { name: "webhooks", listen: "127.0.0.1:0", ..Exposure::default() };
        let listening = Listening::start(exposure, router, Limits::of_body(10_000)).await.unwrap();
        Self { _folder: folder, store, listening }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let mut stream = TcpStream::connect(self.listening.address).await.unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request =
            format!("POST {path} HTTP/1.1\r\nhost: h\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        // What was too large is not read to its end, and the connection then ends hard.
        stream.read_to_string(&mut text).await.ok();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: application/json"), "{head}");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answered { status, body: serde_json::from_str(body).unwrap() }
    }

    /// An event as GitHub tells it, signed.
    async fn github(&self, event: &str, more: &[(&str, &str)], body: &str) -> Answered {
        let signature = format!("sha256={}", signed(body));
        let mut headers = vec![("x-hub-signature-256", &*signature), ("x-github-event", event)];
        headers.extend_from_slice(more);
        self.post("/webhooks/github", &headers, body).await
    }

    async fn push(&self, body: &Value) -> Answered {
        self.github("push", &[], &body.to_string()).await
    }

    async fn jobs(&self) -> Vec<Job> {
        self.store.jobs(&JobFilter::default()).await.unwrap()
    }
}

fn signed(body: &str) -> String {
    signature::signature(&Secret::new("key"), body.as_bytes())
}

fn payload(reference: &str) -> Value {
    let repository = json!({ "ssh_url": "git@git.example.com:team/app.git", "default_branch": "main" });
    json!({ "ref": reference, "after": "1f", "repository": repository })
}

#[tokio::test]
async fn a_push_is_one_job_after_the_debounce_however_often_it_is_sent() {
    let rig = Rig::new().await;
    let repository = rig.store.add_repository(REMOTE, None).await.unwrap();
    rig.store.add_repository(REMOTE, Some("v2")).await.unwrap();
    rig.store.add_repository("https://git.example.com/team/other", None).await.unwrap();
    let first = rig.push(&payload("refs/heads/main")).await;
    let again = rig.push(&payload("refs/heads/main")).await;
    assert_eq!((first.status, &first.body["message"]), (202, &"queued".into()));
    assert_eq!(first.body["jobs"][0]["job"], again.body["jobs"][0]["job"]);
    assert_eq!((&first.body["jobs"][0]["merged"], &again.body["jobs"][0]["merged"]), (&false.into(), &true.into()));
    let [job] = &rig.jobs().await[..] else { panic!("{:?}", rig.jobs().await) };
    assert_eq!((job.repository, job.merged), (repository.id, 1));
    assert!(job.run_at > SystemTime::now() + Duration::from_secs(30), "{job:?}");
}

#[tokio::test]
async fn a_push_reaches_a_dead_repository_but_no_paused_one() {
    let rig = Rig::new().await;
    let repository = rig.store.add_repository(REMOTE, None).await.unwrap();
    rig.store.set_state(repository.id, RepositoryState::Paused).await.unwrap();
    let paused = rig.push(&payload("refs/heads/main")).await;
    assert_eq!((paused.status, &paused.body["message"]), (202, &"the repository is paused".into()));
    assert!(rig.jobs().await.is_empty());
    rig.store.set_state(repository.id, RepositoryState::Dead).await.unwrap();
    rig.push(&payload("refs/heads/main")).await;
    assert_eq!(rig.jobs().await.len(), 1);
}

#[tokio::test]
async fn what_nobody_follows_is_answered_without_a_job() {
    let rig = Rig::new().await;
    rig.store.add_repository(REMOTE, None).await.unwrap();
    let mut deleted = payload("refs/heads/main");
    deleted["deleted"] = true.into();
    for (body, word) in [(payload("refs/heads/other"), "no repository here follows"), (deleted, "deleted")] {
        let answered = rig.push(&body).await;
        assert_eq!(answered.status, 202);
        assert!(answered.body["message"].as_str().unwrap().contains(word), "{}", answered.body);
    }
    assert!(rig.jobs().await.is_empty());
}

#[tokio::test]
async fn whoever_does_not_know_the_secret_is_refused() {
    let rig = Rig::new().await;
    rig.store.add_repository(REMOTE, None).await.unwrap();
    let body = payload("refs/heads/main").to_string();
    let wrong = format!("sha256={}", signature::signature(&Secret::new("another"), body.as_bytes()));
    for signature in [&*wrong, "", "sha256=00"] {
        let headers = [("x-hub-signature-256", signature), ("x-github-event", "push")];
        assert_eq!(rig.post("/webhooks/github", &headers, &body).await.status, 401);
    }
    assert_eq!(rig.post("/webhooks/github", &[("x-github-event", "ping")], "{}").await.status, 401);
    let headers = [("x-gitlab-token", "key"), ("x-gitlab-event", "Push Hook")];
    assert_eq!(rig.post("/webhooks/gitlab", &headers, &body).await.status, 401);
    assert!(rig.jobs().await.is_empty());
}

#[tokio::test]
async fn gitlab_proves_itself_by_its_token() {
    let rig = Rig::new().await;
    rig.store.add_repository(REMOTE, Some("v1")).await.unwrap();
    let project = json!({ "git_http_url": REMOTE, "default_branch": "main" });
    let body = json!({ "ref": "refs/tags/v1", "after": "1f", "project": project }).to_string();
    let headers = |event| [("x-gitlab-token", "token"), ("x-gitlab-event", event)];
    assert_eq!(rig.post("/webhooks/gitlab", &headers("Issue Hook"), &body).await.status, 202);
    assert!(rig.jobs().await.is_empty());
    assert_eq!(rig.post("/webhooks/gitlab", &headers("Tag Push Hook"), &body).await.status, 202);
    assert_eq!(rig.jobs().await.len(), 1);
}

#[tokio::test]
async fn each_host_proves_itself_by_its_own_header_alone() {
    let rig = Rig::new().await;
    rig.store.add_repository("https://git.example.com/team/app.git", None).await.unwrap();
    let plain = payload("refs/heads/main").to_string();
    let cloud = json!({ "push": { "changes": [{ "new": { "type": "branch", "name": "main" } }] },
        "repository": { "links": { "html": { "href": "https://git.example.com/team/app" } } } })
    .to_string();
    let (bare, prefixed) = (signed(&plain), format!("sha256={}", signed(&cloud)));
    for (path, headers, body) in [
        ("gitea", [("x-gitea-signature", &*bare), ("x-gitea-event", "push")], &plain),
        ("gitea", [("x-forgejo-signature", &*bare), ("x-forgejo-event", "push")], &plain),
        ("gogs", [("x-gogs-signature", &*bare), ("x-gogs-event", "push")], &plain),
        ("bitbucket", [("x-hub-signature", &*prefixed), ("x-event-key", "repo:push")], &cloud),
        ("gitlab", [("x-gitlab-token", "token"), ("x-gitlab-event", "Push Hook")], &plain),
    ] {
        let path = format!("/webhooks/{path}");
        let told = rig.post(&path, &headers, body).await;
        assert_eq!((told.status, &told.body["message"]), (202, &"queued".into()), "{path}");
        let others = rig.post(&path, &[("x-hub-signature-256", &*bare), headers[1]], body).await;
        assert_eq!(others.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_system_hook_of_gitlab_reports_a_push_as_a_hook_of_the_project_does() {
    let rig = Rig::new().await;
    rig.store.add_repository(REMOTE, None).await.unwrap();
    let project = json!({ "git_http_url": REMOTE, "default_branch": "main" });
    let body =
        json!({ "object_kind": "push", "ref": "refs/heads/main", "after": "1f", "project": project }).to_string();
    let headers = [("x-gitlab-token", "token"), ("x-gitlab-event", "System Hook")];
    assert_eq!(rig.post("/webhooks/gitlab", &headers, &body).await.body["message"], "queued");
    let other = rig.post("/webhooks/gitlab", &headers, r#"{"event_name": "user_create"}"#).await;
    assert!(other.status == 202 && other.body["message"].as_str().unwrap().contains("only pushes"), "{}", other.body);
}

#[tokio::test]
async fn a_delivery_that_was_taken_changes_nothing_when_it_is_sent_again() {
    let rig = Rig::new().await;
    let repository = rig.store.add_repository(REMOTE, None).await.unwrap();
    let (body, id) = (payload("refs/heads/main").to_string(), [("x-github-delivery", "72d3162e")]);
    assert_eq!(rig.github("push", &id, &body).await.body["message"], "queued");
    let before = rig.jobs().await;
    // Whoever holds a request that was heard once can send it again, after the job too.
    for _ in 0..3 {
        let again = rig.github("push", &id, &body).await;
        assert!(
            again.status == 202 && again.body["message"].as_str().unwrap().contains("taken before"),
            "{}",
            again.body
        );
    }
    assert_eq!(rig.jobs().await, before);
    // Another delivery is another push, however equal: there, back, and there again.
    assert_eq!(rig.github("push", &[("x-github-delivery", "72d3162f")], &body).await.body["message"], "queued");
    assert_eq!((rig.jobs().await.len(), rig.jobs().await[0].repository), (1, repository.id));
}

#[tokio::test]
async fn a_delivery_that_could_not_be_taken_is_taken_when_it_is_sent_again() {
    let rig = Rig::new().await;
    rig.store.add_repository(REMOTE, None).await.unwrap();
    let id = [("x-github-delivery", "72d3162e")];
    assert_eq!(rig.github("push", &id, "{").await.status, 400);
    assert_eq!(rig.github("push", &id, "{").await.status, 400);
    rig.store.close().await;
    let body = payload("refs/heads/main").to_string();
    assert_eq!(rig.github("push", &id, &body).await.status, 503);
    assert_eq!(rig.github("push", &id, &body).await.status, 503);
}

#[tokio::test]
async fn a_rename_is_a_job_for_each_ref_that_is_followed_at_either_location() {
    let rig = Rig::new().await;
    for (remote, reference) in [(REMOTE, None), (REMOTE, Some("v1")), ("git@git.example.com:team/new.git", None)] {
        rig.store.add_repository(remote, reference).await.unwrap();
    }
    rig.store.add_repository("https://git.example.com/team/other", None).await.unwrap();
    let body = json!({ "action": "renamed", "changes": { "repository": { "name": { "from": "app" } } },
        "repository": { "html_url": "https://git.example.com/team/new" } });
    let told = rig.github("repository", &[], &body.to_string()).await;
    assert_eq!((told.status, told.body["jobs"].as_array().unwrap().len()), (202, 3), "{}", told.body);
}

#[tokio::test]
async fn a_push_in_a_form_is_checked_by_the_form_and_read_from_it() {
    let rig = Rig::new().await;
    rig.store.add_repository(REMOTE, None).await.unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let escaped: String = payload("refs/heads/main").to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    assert_eq!(rig.github("push", &form, &format!("payload={escaped}")).await.body["message"], "queued");
    let nothing = rig.github("push", &form, "payload=%7B%7D").await;
    assert!(nothing.status == 400 && nothing.body["message"].as_str().unwrap().contains("no ref"), "{}", nothing.body);
}

#[tokio::test]
async fn a_job_is_linked_to_the_trace_of_its_push() {
    let rig = Rig::new().await;
    rig.store.add_repository(REMOTE, None).await.unwrap();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("traceparent", trace), ("tracestate", "vendor=1")];
    rig.github("push", &headers, &payload("refs/heads/main").to_string()).await;
    let instance = warmer_store::InstanceId::random();
    rig.store.register(instance, 1, "1", warmer_store::Takes::Any).await.unwrap();
    let repository = rig.jobs().await[0].repository;
    rig.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
    let claim = rig.store.claim(instance, &warmer_store::ClaimFilter::default()).await.unwrap().unwrap();
    assert_eq!(claim.traces, [TraceContext::new(trace, Some("vendor=1")).unwrap()]);
}

#[tokio::test]
async fn other_requests_get_an_answer_that_helps() {
    let rig = Rig::new().await;
    assert_eq!(rig.github("ping", &[], "{}").await.status, 200);
    assert_eq!(rig.github("issues", &[], "{}").await.status, 202);
    assert_eq!(rig.post("/", &[], "").await.status, 404);
    let form = rig.github("push", &[], "payload=%7B%7D").await;
    assert!(form.status == 400 && form.body["message"].as_str().unwrap().contains("application/json"), "{}", form.body);
    assert_eq!(rig.github("push", &[], &"x".repeat(10_001)).await.status, 413);
}

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_hold_up_the_end() {
    let rig = Rig::new().await;
    let silent = TcpStream::connect(rig.listening.address).await.unwrap();
    let address = rig.listening.address;
    tokio::time::timeout(Duration::from_secs(20), rig.listening.stop()).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    drop(silent);
}
