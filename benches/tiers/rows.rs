//! Repositories that are served without git: made of rows by the store, for what only fills need.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use warmer_content::{
    Artifact, ArtifactKey, Chunk, Content, Digest, Language, Recipe, RulesDigest, artifact_key, text_key,
};
use warmer_store::{
    Claim, ClaimFilter, Enqueue, Extracted, InstanceId, Outcome, Publication, Published, Put, RepositoryId, Served,
    StagedEntry, Store, Takes,
};

const FILES_PER_BATCH: usize = 100;

/// What is served.
#[derive(Clone, Copy)]
pub(crate) struct Corpus {
    /// Texts that occur nowhere else, in all its files.
    pub(crate) texts: usize,
    /// Of each file.
    pub(crate) texts_per_file: usize,
    /// What tells its texts from those of others.
    pub(crate) seed: usize,
}

impl Corpus {
    fn files(self) -> Range<usize> {
        0..self.texts / self.texts_per_file
    }

    /// Has each of these remotes serve it, as forks; nothing has a vector.
    pub(crate) async fn serve(self, store: &dyn Store, recipe: Recipe, remotes: &[&str]) -> Vec<RepositoryId> {
        let instance = InstanceId::random();
        let places = u32::try_from(remotes.len()).expect("a few");
        store.register(instance, places, "bench", Takes::Any).await.expect("the database runs");
        let mut claims = vec![];
        for remote in remotes {
            claims.push(claim(store, instance, remote).await);
        }
        let numbers: Vec<_> = self.files().collect();
        for numbers in numbers.chunks(FILES_PER_BATCH) {
            let files: Vec<_> = numbers.iter().map(|number| self.file(recipe, *number)).collect();
            let symbols = Extracted::of(&[]);
            let put = Put { chunking: recipe.chunking, rules: rules(), artifacts: &files, blobs: &[], symbols };
            store.put(put).await.expect("the database runs");
            let entries: Vec<_> = numbers.iter().zip(&files).map(|(number, file)| entry(*number, file.0)).collect();
            for claim in &claims {
                assert!(store.stage(claim.id, &entries).await.expect("the database runs"), "the claim is running");
            }
        }
        for claim in &claims {
            publish(store, recipe, claim).await;
        }
        store.retire(instance).await.expect("the database runs");
        claims.iter().map(|claim| claim.repository.id).collect()
    }

    fn file(self, recipe: Recipe, number: usize) -> (ArtifactKey, Arc<Artifact>) {
        let (mut text, mut chunks, seed) = (String::new(), vec![], self.seed);
        for chunk in 0..self.texts_per_file {
            let (start, line) = (text.len(), 4 * chunk as u32 + 1);
            writeln!(text, "fn of_file_{number}_{chunk}_{seed}() -> u64 {{\n    let it = {chunk};\n    it\n}}")
                .expect("a text");
            let key = text_key(&text[start..]);
            let (start, end) = (start as u32, text.len() as u32);
            let (symbol, header) = (None, String::new());
            chunks.push(Chunk { start, end, start_line: line, end_line: line + 3, symbol, header, size: 16, key });
        }
        let content = Content::plain(text, Language::text());
        (artifact_key(recipe.chunking, &content), Arc::new(Artifact::of(content, chunks)))
    }
}

async fn claim(store: &dyn Store, instance: InstanceId, remote: &str) -> Claim {
    let repository = store.add_repository(remote, None).await.expect("the database runs").id;
    let job = store.enqueue(repository, Enqueue::default()).await.expect("the database runs").job;
    let filter = ClaimFilter { only: Some(vec![job]), ..ClaimFilter::default() };
    store.claim(instance, &filter).await.expect("the database runs").expect("it was queued")
}

async fn publish(store: &dyn Store, recipe: Recipe, claim: &Claim) {
    let commit = format!("{:040x}", 1);
    let (reference, ref_oid) = ("refs/heads/main".to_owned(), commit.clone());
    let publication = Publication {
        claim: claim.id,
        base: None,
        served: Served { reference, ref_oid, commit, recipe, rules: rules() },
        committed_at: None,
        complete: true,
        fills: true,
        cut_anew: false,
        patience: 0,
        summary: serde_json::Value::Null,
        traceparent: None,
    };
    let published = store.publish(&publication).await.expect("the database runs");
    assert!(matches!(published, Published::Done { .. }), "{published:?}");
}

fn entry(number: usize, key: ArtifactKey) -> StagedEntry {
    let path = format!("src/part_{}/module_{number}.rs", number % 97);
    let oid = key.to_string()[..40].to_owned();
    StagedEntry { path, oid, language_hint: "rust".to_owned(), outcome: Outcome::Artifact(key) }
}

fn rules() -> RulesDigest {
    RulesDigest(Digest::of(b"rules"))
}
