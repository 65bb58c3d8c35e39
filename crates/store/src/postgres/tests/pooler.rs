//! A real pooler in transaction mode between the store and its server.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::database::TestDatabase;
use crate::conformance::fixture::*;
use crate::*;

/// The program, which Debian keeps outside of the PATH of most users.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    all.map(|directory| directory.join("pgbouncer")).find(|program| program.is_file())
}

/// pgbouncer on a port of its own, with one connection to the server for each database.
struct Pooler {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Pooler {
    fn start(program: &Path, database: &TestDatabase) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let options: sqlx::postgres::PgConnectOptions = database.url().parse().unwrap();
        let (host, server_port, user) = (options.get_host(), options.get_port(), options.get_username());
        let settings = format!(
            "[databases]\n* = host={host} port={server_port} user={user}\n[pgbouncer]\nlisten_addr = \
            127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 1\n\
             ignore_startup_parameters = extra_float_digits\nlogfile = {0}/log\n",
            directory.path().display()
        );
        let file = directory.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(program);
        if rustix::process::geteuid().is_root() {
            // It refuses to be root.
            use std::os::unix::process::CommandExt as _;
            std::os::unix::fs::chown(directory.path(), Some(65534), Some(65534)).unwrap();
            std::os::unix::fs::chown(&file, Some(65534), Some(65534)).unwrap();
            command.uid(65534).gid(65534);
        }
        let command = command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.spawn().unwrap(), port, _directory: directory }
    }

    /// The way to the same database through this pooler, once it listens.
    fn url(&mut self, database: &TestDatabase) -> String {
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "pgbouncer ended");
            std::thread::yield_now();
        }
        let (front, rest) = database.url().split_once('@').expect("USER@HOST");
        let (_, name) = rest.split_once('/').expect("HOST/NAME");
        format!("{front}@127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn a_pooler_is_refused_by_name_and_served_with_a_lock_url() {
    let Some(program) = program() else { return xtask::not_run("pgbouncer") };
    let Some(database) = TestDatabase::new().await else { return };
    let mut pooler = Pooler::start(&program, &database);
    let url = pooler.url(&database);
    let error = Postgres::open(&url, Role::Pipeline, &PostgresOptions::default()).await.expect_err("it is refused");
    assert!(error.to_string().contains("`[database] lock_url`"), "{error}");

    let through = PostgresOptions { lock_url: Some(url.clone()), ..PostgresOptions::default() };
    let reader = async |options| Postgres::open(database.url(), Role::Reader, options).await.unwrap();
    drop(Postgres::open(database.url(), Role::Pipeline, &PostgresOptions::default()).await.unwrap());
    let error = reader(&through).await.examine().await.expect_err("its lock connection goes through the pooler");
    assert!(error.to_string().contains("`[database] lock_url`"), "{error}");
    let examined = reader(&PostgresOptions::default()).await.examine().await.unwrap();
    assert!(examined.starts_with("PostgreSQL ") && examined.ends_with(", schema warmer"), "{examined}");

    let options = PostgresOptions { lock_url: Some(database.url().to_owned()), ..PostgresOptions::default() };
    let store = Postgres::open(&url, Role::Pipeline, &options).await.unwrap();
    // Two stores meet on the pooler's one connection to the server.
    let other = Postgres::open(&url, Role::Pipeline, &options).await.unwrap();
    let repository = store.add_repository("/a", None).await.unwrap().id;
    let instance = InstanceId::random();
    other.register(instance, 1, "test", Takes::Any).await.unwrap();
    let mut session = other.session(instance).await.unwrap();
    assert!(session.heartbeat().await.unwrap().alive);
    for round in 0..5 {
        store.enqueue(repository, Enqueue::default()).await.unwrap();
        let claim = other.claim(instance, &ClaimFilter::default()).await.unwrap().unwrap();
        let text = format!("one two round{round} ");
        let (artifact, vectors) = (artifact(&text), vectors(&text));
        let (embedding, chunking) = (recipe().embedding, recipe().chunking);
        let blobs = [(blob(&text), Ok(artifact.0))];
        let symbols = Extracted::of(&[]);
        let artifacts = [artifact];
        let put = Put { chunking, rules: rules(), artifacts: &artifacts, blobs: &blobs, symbols };
        store.put(put).await.unwrap();
        let filled = Filled { embedding, vectors: &vectors, failed: &[], artifacts: &[artifacts[0].0] };
        store.put_vectors(filled).await.unwrap();
        assert!(store.stage(claim.id, &[staged("file", &text)]).await.unwrap());
        let base = claim.repository.served.clone();
        let publication = Publication { base, ..publication(&claim, None, &format!("c{round}")) };
        let published = other.publish(&publication).await.unwrap();
        assert!(matches!(published, Published::Done { recognised: false, indexed: 1, .. }), "{published:?}");
    }
}
