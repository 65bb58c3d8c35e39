//! What is said of vectors: which texts have one, and that nothing that lacks one is forgotten.

use anyhow::Result;

use super::environment::Base;
use super::fleet::Variables;
use super::report::Report;
use super::round::Round;
use super::scenario::{Plan, Scenario};

/// Served artifacts with a text that lacks a vector, and of which nothing is noted (I-COV): no fill would come to them.
const FORGOTTEN: &str = "
    SELECT count(*)::text FROM coverage
    JOIN generation ON generation.id = coverage.generation
    JOIN entry ON entry.repository = coverage.repository AND entry.chunking = generation.chunking
    JOIN artifact ON artifact.key = entry.artifact
    JOIN artifact_chunk ON artifact_chunk.artifact = artifact.id
    WHERE NOT EXISTS (SELECT 1 FROM vector
            WHERE vector.embedding = generation.embedding AND vector.text = artifact_chunk.text)
        AND NOT EXISTS (SELECT 1 FROM failed_text
            WHERE failed_text.embedding = generation.embedding AND failed_text.text = artifact_chunk.text
                AND NOT failed_text.again)
        AND NOT EXISTS (SELECT 1 FROM lack
            WHERE lack.repository = coverage.repository AND lack.generation = generation.id
                AND lack.artifact = artifact.id)";
const MISSING: &str = "SELECT coalesce(sum(texts), 0)::text FROM lack";
const FAILED: &str = "SELECT encode(text, 'hex') FROM failed_text";
/// What an agent can see, wherever the repositories lie and however their rows are numbered.
const SERVED: &str = "
    SELECT concat_ws(' ', served_commit, path, oid, language_hint, encode(artifact, 'hex'), skip)
    FROM entry JOIN repository_served AS repository
        ON repository.id = entry.repository AND repository.chunking = entry.chunking ORDER BY 1";
/// The vectors of that.
const VECTORS: &str = "
    SELECT DISTINCT concat_ws(' ', encode(vector.text, 'hex'), encode(sha256(vector.bytes), 'hex')) AS vector
    FROM vector
    JOIN artifact_chunk ON artifact_chunk.text = vector.text
    JOIN artifact ON artifact.id = artifact_chunk.artifact
    JOIN entry ON entry.artifact = artifact.key
    JOIN repository_served AS repository
        ON repository.id = entry.repository AND repository.chunking = entry.chunking ORDER BY 1";

/// Served artifacts that lack something, and that no fill would come to.
pub(super) fn forgotten(base: &Base) -> Result<u64> {
    base.count(FORGOTTEN)
}

/// Texts that lack a vector, as far as that is noted.
pub(super) fn missing(base: &Base) -> Result<u64> {
    base.count(MISSING)
}

/// Everything has its vectors, or a verdict.
pub(super) fn must_be_complete(report: &mut Report, base: &Base) -> Result<()> {
    let (missing, forgotten, failed) = (missing(base)?, forgotten(base)?, given_up(base)?.len());
    report.must(format!("texts without vector {missing} = 0"), missing == 0);
    report.must(format!("forgotten {forgotten} = 0"), forgotten == 0);
    if failed > 0 {
        report.note(format!("{failed} texts were given up"));
    }
    Ok(())
}

/// The texts that got a verdict.
pub(super) fn given_up(base: &Base) -> Result<Vec<String>> {
    base.query(FAILED)
}

/// What is served, its vectors aside.
pub(super) fn served(base: &Base) -> Result<Vec<String>> {
    base.query(SERVED)
}

/// The vectors of what is served, each behind its text.
pub(super) fn vectors(base: &Base) -> Result<Vec<String>> {
    base.query(VECTORS)
}

/// The same repositories, warmed in a new database by one process that nothing happens to.
pub(super) fn from_scratch(round: &Round, of: &Scenario) -> Result<Scenario> {
    let mut other = Scenario::empty(round, &Plan { repositories: 0, pace: "fetcher:0", ..Plan::default() })?;
    other.fleet.add(Variables::new())?;
    other.repositories.follow_all(&of.repositories)?;
    other.settle_in()?;
    Ok(other)
}
