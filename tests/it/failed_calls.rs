//! The span of a call that failed says by which class, in a word of few, and of which remote it was.

use serde_json::json;
use warmer_tests::daemon::get;
use warmer_tests::server::{Ask, Fault};
use warmer_tests::traces::{Span, ended, named};
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Traces, Warmer, needs};

/// A traced process that asks a server of its own.
fn asking() -> (Traces, Warmer, Server, Repo) {
    let (traces, mut warmer, repo) = (Traces::receive(), Engine::Sqlite.warmer(), Repo::generated(2, 500, 1));
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    let server = Server::serve(repo.path());
    (traces, warmer, server, repo)
}

/// What went wrong with a call, by its span.
fn failure(span: &Span) -> (Option<&str>, Option<&str>) {
    (span.attributes.get("error.type").and_then(|class| class.as_str()), span.error.as_deref())
}

#[test]
fn a_call_of_git_says_how_it_failed_and_of_which_remote_it_was() {
    needs!(GIT, Need::Runtime);
    let (traces, mut warmer, server, _repo) = asking();
    server.refuse(Ask::Refs, 500);
    warmer.warm([server.url()]).ran.exits(75);
    server.heal();
    server.fault(Ask::Refs, Fault::Hang);
    warmer.set("fetcher.deadline", r#""300ms""#);
    warmer.warm([server.url()]).ran.exits(75);
    server.heal();
    warmer.set("fetcher.deadline", r#""1m""#);
    warmer.warm([server.url()]).ran.exits(0);
    let spans = traces.wait_until(|spans| !ended(spans, "filled").is_empty());
    let [refused, late, answered] = named(&spans, "list refs")[..] else { panic!("{spans:#?}") };
    assert_eq!(failure(refused), (Some("failed"), Some("failed")));
    assert_eq!(failure(late), (Some("timeout"), Some("timeout")));
    assert_eq!(failure(answered), (None, None));
    let [fetch] = named(&spans, "fetch")[..] else { panic!("{spans:#?}") };
    let [warmed] = ended(&spans, "warmed")[..] else { panic!("{spans:#?}") };
    for call in [refused, late, answered, fetch] {
        for name in ["vcs.repository.url.full", "vcs.ref.head.name"] {
            assert_eq!(call.attributes[name], warmed.attributes[name], "{call:#?}");
        }
    }
    assert_eq!(warmed.attributes["vcs.repository.url.full"], json!(server.url()));
    let received = &fetch.attributes["warmer.pack.bytes"];
    assert!(received.as_u64() > Some(0) && *received == warmed.attributes["warmer.pack.bytes"], "{fetch:#?}");
    assert_eq!(answered.attributes.get("warmer.pack.bytes"), None, "a listing receives no pack");
}

/// Not even where PostgreSQL says no more than a code.
#[test]
fn a_call_of_the_database_says_where_it_is_and_its_failure_is_of_the_same_class_in_spans_and_metrics() {
    needs!(GIT, Need::Runtime);
    let Some(engine) = Engine::all().find(|engine| matches!(engine, Engine::Postgres(_))) else { return };
    let (traces, mut warmer, repo) = (Traces::receive(), engine.warmer(), Repo::generated(2, 500, 1));
    let Engine::Postgres(postgres) = &engine else { return };
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint()).set("admin.listen", r#""127.0.0.1:0""#);
    let mut daemon = Daemon::begin(&warmer);
    let admin = daemon.listens("admin");
    daemon.wait_for("started instance=");
    postgres.change(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON artifact EXECUTE FUNCTION full_disk()",
    );
    let path = repo.path().display().to_string();
    warmer.run(["repos", "add", &path, "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", &path]).exits(0);
    let spans =
        traces.wait_until(|spans| !named(spans, "put artifact").is_empty() && !named(spans, "settle job").is_empty());
    let failed = named(&spans, "put artifact")[0];
    assert_eq!(failure(failed), (Some("full"), Some("full")), "{failed:#?}");
    assert_eq!(failed.attributes["db.response.status_code"], json!("53100"));
    let settled = named(&spans, "settle job")[0];
    assert_eq!(settled.attributes.get("db.response.status_code"), None, "it did not fail");
    let (_, place) = postgres.url().split_once('@').expect("a URL with a user");
    let (server, database) = place.trim_end_matches('?').split_once('/').expect("a URL with a database");
    for call in [failed, settled] {
        let of = |name: &str| call.attributes[name].to_string().trim_matches('"').to_owned();
        assert_eq!(format!("{}:{}", of("server.address"), of("server.port")), server);
        assert_eq!(of("db.namespace"), format!("{database}|warmer"));
    }
    let (_, text) = get(&admin, "/metrics");
    let calls: Vec<_> =
        text.lines().filter(|line| line.starts_with("db_client_operation_duration_seconds_count")).collect();
    let is = |what: &str| calls.iter().any(|line| line.contains("operation_name=\"put\"") && line.contains(what));
    assert!(is("error_type=\"full\"") && !is("_OTHER"), "{calls:#?}");
    daemon.kill();
}
