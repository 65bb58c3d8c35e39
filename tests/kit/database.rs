//! A look into the database file from outside: plain SQL, so that no test asks the code under test whether it was
//! right.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use warmer_content::Digest;

// A line of a dump is a text and, behind it, the digest of a blob where there is one.
const SERVED: &str = "select 'served ' || remote || ' ' || reference || ' ' || served_reference || ' ' || served_commit
        || ' ' || lower(hex(served_embedding)) || ' ' || lower(hex(served_chunking)) || ' ' || lower(hex(served_rules)),
        null
    from repository_served where served_commit is not null";
const ENTRIES: &str =
    "select 'entry ' || remote || ' ' || reference || ' ' || path || ' ' || oid || ' ' || language_hint || ' '
        || coalesce(lower(hex(artifact)), skip), null
    from entry join repository_served repository
        on repository.id = entry.repository and repository.chunking = entry.chunking";
const ARTIFACTS: &str = "select 'artifact ' || lower(hex(key)) || ' ' || language || ' '
        || coalesce((select group_concat(lower(hex(text)), ' ' order by number)
            from artifact_chunk where artifact = id), ''),
        envelope
    from artifact";
const VECTORS: &str = "select 'vector ' || lower(hex(digest)) || ' ' || lower(hex(text)), bytes
    from vector join fingerprint on fingerprint.id = vector.embedding";
const KNOWN_BLOBS: &str =
    "select 'blob ' || hash_kind || ' ' || oid || ' ' || language_hint || ' ' || lower(hex(c.digest)) || ' '
        || lower(hex(r.digest)) || ' ' || coalesce(lower(hex(artifact)), skip), null
    from known_blob join fingerprint c on c.id = chunking join fingerprint r on r.id = rules";

/// Only the artifacts that an entry names.
const REACHED_ARTIFACT: &str = " where key in (select artifact from entry join repository_served repository
        on repository.id = entry.repository and repository.chunking = entry.chunking)";
/// Only the vectors that such an artifact needs under the recipe that is served.
const REACHED_VECTOR: &str = " where (digest, text) in (
        select served_embedding, artifact_chunk.text
        from entry join repository_served repository
                on repository.id = entry.repository and repository.chunking = entry.chunking
            join artifact on artifact.key = entry.artifact
            join artifact_chunk on artifact_chunk.artifact = artifact.id)";

/// Served entries without their artifact, and served chunks without their vector.
const BROKEN: &str = "select 'no artifact ' || path from entry
        where artifact is not null and artifact not in (select key from artifact)
    union all
    select 'no vector ' || path || ' ' || number
        from entry join repository_served repository
                on repository.id = entry.repository and repository.chunking = entry.chunking
            join artifact on artifact.key = entry.artifact
            join artifact_chunk on artifact_chunk.artifact = artifact.id
        where not exists (select 1 from vector join fingerprint on fingerprint.id = vector.embedding
            where fingerprint.digest = repository.served_embedding and vector.text = artifact_chunk.text)";

/// How many rows there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Repositories.
    pub repositories: i64,
    /// Jobs that are queued or running.
    pub jobs: i64,
    /// Entries, the skipped ones too.
    pub entries: i64,
    /// Artifacts, reached or not.
    pub artifacts: i64,
    /// Chunks of these artifacts.
    pub chunks: i64,
    /// Vectors, reached or not.
    pub vectors: i64,
    /// Blobs whose outcome is known.
    pub known_blobs: i64,
    /// Staged entries.
    pub staged: i64,
}

/// A database file. Every question opens it anew, so that it may be replaced or written to in between.
#[derive(Clone, Debug)]
pub struct Database {
    file: PathBuf,
}

impl Database {
    /// The database in this file.
    #[must_use]
    pub fn open(file: &Path) -> Self {
        Self { file: file.to_owned() }
    }

    /// The whole cache as text, a line per row, sorted; internal ids and times left out. Two dumps are equal when the
    /// caches are.
    #[must_use]
    pub fn dump(&self) -> String {
        self.lines(&[SERVED, ENTRIES, ARTIFACTS, VECTORS, KNOWN_BLOBS].map(str::to_owned))
    }

    /// What an agent can see: served states, entries, and the artifacts and vectors they reach. What an interrupted
    /// run left beside it does not count.
    #[must_use]
    pub fn dump_served(&self) -> String {
        let (artifacts, vectors) = (ARTIFACTS.to_owned() + REACHED_ARTIFACT, VECTORS.to_owned() + REACHED_VECTOR);
        self.lines(&[SERVED.to_owned(), ENTRIES.to_owned(), artifacts, vectors])
    }

    /// The entries alone: repository, path, oid, language hint, artifact or reason.
    #[must_use]
    pub fn entries(&self) -> String {
        self.lines(&[ENTRIES.to_owned()])
    }

    /// Asserts W-2: every served entry's artifact is there, and every vector of it.
    pub fn assert_whole(&self) {
        let broken = self.query(BROKEN);
        assert!(broken.is_empty(), "served, but not readable:\n{}", broken.join("\n"));
    }

    /// The number of rows of each kind.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let count = |table: &str| {
            let rows = self.query(&format!("select cast(count(*) as text) from {table}"));
            rows[0].parse().expect("a count is a number")
        };
        Counts {
            repositories: count("repository"),
            jobs: count("job"),
            entries: count("entry"),
            artifacts: count("artifact"),
            chunks: count("artifact_chunk"),
            vectors: count("vector"),
            known_blobs: count("known_blob"),
            staged: count("staged_entry"),
        }
    }

    /// The first column, a text, of every row that a query finds.
    ///
    /// # Panics
    /// When the query is wrong, or the file no database.
    #[must_use]
    pub fn query(&self, sql: &str) -> Vec<String> {
        self.rows(sql, |row| row.get(0))
    }

    /// Changes the database behind the back of everyone; the number of rows changed.
    ///
    /// # Panics
    /// When the statement is wrong, or the file no database.
    pub fn change(&self, sql: &str) -> u64 {
        self.connected(false, async |connection| {
            let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(connection).await;
            done.unwrap_or_else(|error| panic!("{}: {error}: {sql}", self.file.display())).rows_affected()
        })
    }

    fn lines(&self, queries: &[String]) -> String {
        let line = |row: &SqliteRow| {
            let text: String = row.get(0);
            row.get::<Option<Vec<u8>>, _>(1)
                .map_or(text.clone(), |blob| format!("{text} {}", Digest::of(&blob).short()))
        };
        let mut lines: Vec<String> = queries.iter().flat_map(|sql| self.rows(sql, line)).collect();
        lines.sort_unstable();
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn rows<T: Send>(&self, sql: &str, each: impl Fn(&SqliteRow) -> T + Send) -> Vec<T> {
        self.connected(true, async |connection| {
            let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(connection).await;
            rows.unwrap_or_else(|error| panic!("{}: {error}: {sql}", self.file.display())).iter().map(each).collect()
        })
    }

    /// Keeps everybody else from writing until what it gives is dropped.
    ///
    /// # Panics
    /// When another has written for too long.
    #[must_use]
    pub fn locked(&self) -> Locked {
        let ((release, released), (begun, is_begun)) = (channel(), channel());
        let database = Self::open(&self.file);
        let thread = std::thread::spawn(move || {
            database.connect(false, async |connection| {
                connection.execute("begin immediate").await.expect("nobody writes for long");
                begun.send(()).expect("it is waited for");
                // An error where the other end is dropped: that is what is waited for.
                released.recv().ok();
                connection.execute("rollback").await.expect("a transaction is open");
            });
        });
        is_begun.recv().expect("a transaction begins");
        Locked { release: Some(release), thread: Some(thread) }
    }

    /// On a thread of its own, so that tests that are async themselves can look too.
    fn connected<T: Send>(&self, read_only: bool, work: impl AsyncFnOnce(&mut SqliteConnection) -> T + Send) -> T {
        std::thread::scope(|scope| {
            scope
                .spawn(|| self.connect(read_only, work))
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn connect<T>(&self, read_only: bool, work: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(&self.file).read_only(read_only);
            let mut connection = options
                .connect()
                .await
                .unwrap_or_else(|error| panic!("{} does not open: {error}", self.file.display()));
            let result = work(&mut connection).await;
            connection.close().await.expect("a connection can be closed");
            result
        })
    }
}

/// See [`Database::locked`].
pub struct Locked {
    release: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.release.take();
        // Who is locked out goes on only once the other thread has let go.
        self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database with the schema of the store and one served file, whose internal ids start at `id`.
    fn served(id: i64) -> (tempfile::TempDir, Database) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let database = Database::open(&directory.path().join("test.sqlite"));
        std::fs::write(&database.file, b"").expect("a file in a temporary directory");
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/store/migrations/sqlite");
        for migration in std::fs::read_dir(migrations).expect("the store has migrations") {
            let file = migration.expect("a readable directory").path();
            database.change(&std::fs::read_to_string(file).expect("a migration is text"));
        }
        database.change(&format!(
            "insert into fingerprint values ({id}, x'e0', 0), ({id} + 1, x'c0', 0), ({id} + 2, x'a0', 0);
             insert into repository (id, remote, reference, created_at) values ({id}, 'file:///r', '', 0);
             insert into served (repository, chunking, embedding, rules,
                 reference, ref_oid, commit_oid, publication, published_at, served_at)
                 values ({id}, {id} + 1, {id}, {id} + 2, 'refs/heads/main', 'o', 'c', 1, 0, 0);
             insert into artifact (id, key, bucket, chunking, version, language, bytes, chunks, size, envelope)
                 values ({id}, x'01', 1, {id} + 1, 1, 'rust', 1, 1, 1, x'beef');
             insert into artifact_chunk values ({id}, 0, x'07');
             insert into vector (id, embedding, text, bytes) values ({id}, {id}, x'07', x'0102');
             insert into entry (repository, chunking, path, oid, language_hint, artifact, skip, publication)
                 values ({id}, {id} + 1, 'a.rs', 'oid', 'rust', x'01', null, 1),
                 ({id}, {id} + 1, 'b', 'oid', '?', null, 'binary', 1)"
        ));
        (directory, database)
    }

    #[test]
    fn two_caches_are_equal_whatever_their_internal_ids() {
        let ((_one, one), (_two, two)) = (served(1), served(40));
        assert_eq!(one.dump(), two.dump());
        assert_eq!(one.dump().lines().count(), 5);
        two.change("update vector set bytes = x'0103'");
        assert_ne!(one.dump_served(), two.dump_served());
    }

    #[test]
    fn what_is_not_reached_is_dumped_but_not_served() {
        let (_directory, database) = served(1);
        let (all, seen) = (database.dump(), database.dump_served());
        database.change("insert into vector (embedding, text, bytes) values (1, x'08', x'0102')");
        assert_eq!(database.dump_served(), seen);
        assert_ne!(database.dump(), all);
        assert_eq!(database.counts().vectors, 2);
    }

    #[test]
    fn a_served_chunk_without_its_vector_is_found() {
        let (_directory, database) = served(1);
        database.assert_whole();
        assert_eq!(database.change("delete from vector"), 1);
        assert_eq!(database.query(BROKEN), ["no vector a.rs 0"]);
    }
}
