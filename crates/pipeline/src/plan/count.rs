//! What a plan has counted: the texts of all its repositories, each once, and the files of the one in hand.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use warmer_content::{Artifact, ArtifactKey, SkipReason, TextKey};

/// Texts that are kept for a look at the embedder's speed: those with the lowest keys, which is as good as by lot.
const SAMPLE: usize = 64;

/// Files, as a warm would leave them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedFiles {
    /// Those whose artifact is new or another.
    pub indexed: u64,
    /// Those whose artifact is served already.
    pub unchanged: u64,
    /// Served paths that are gone.
    pub removed: u64,
    /// Those that are not indexed, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

/// Texts, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlannedTexts {
    /// All of them.
    pub distinct: u64,
    /// Those that have a vector.
    pub reused: u64,
    /// Those that cannot be embedded.
    pub failed: u64,
    /// Those that are to be embedded.
    pub missing: u64,
    /// Bytes of the missing ones.
    pub bytes: u64,
    /// Tokens of the missing ones, without special ones; 0 where nobody could count them.
    pub tokens: u64,
}

impl PlannedTexts {
    fn add(&mut self, fate: Fate) {
        self.distinct += 1;
        match fate {
            Fate::Stored => self.reused += 1,
            Fate::Failed => self.failed += 1,
            Fate::Missing { bytes, tokens } => {
                self.missing += 1;
                self.bytes += u64::from(bytes);
                self.tokens += u64::from(tokens);
            }
        }
    }

    fn add_all(&mut self, other: Self) {
        let Self { distinct, reused, failed, missing, bytes, tokens } = other;
        self.distinct += distinct;
        self.reused += reused;
        self.failed += failed;
        self.missing += missing;
        self.bytes += bytes;
        self.tokens += tokens;
    }
}

/// What a warm would do about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has a vector.
    Stored,
    /// It cannot have one.
    Failed,
    /// It is embedded.
    Missing { bytes: u32, tokens: u32 },
}

#[derive(Clone, Copy, Debug)]
struct Text {
    /// The repository that it was found in first, by its number in the plan.
    first: u32,
    /// The repository that it was found in last.
    last: u32,
    /// `None` while somebody looks.
    fate: Option<Fate>,
}

/// What is served of the repository in hand: which path shows which artifact, both as hashes.
#[derive(Debug, Default)]
pub(super) struct Before {
    hashes: RandomState,
    paths: HashMap<u64, Option<u64>>,
}

impl Before {
    /// A path that is served.
    pub(super) fn note(&mut self, path: &str, artifact: Option<ArtifactKey>) {
        let artifact = artifact.map(|key| self.hashes.hash_one(key));
        self.paths.insert(self.hashes.hash_one(path), artifact);
    }

    /// Whether the path showed this artifact. It is not gone.
    fn showed(&mut self, path: &str, artifact: Option<ArtifactKey>) -> bool {
        let artifact = artifact.map(|key| self.hashes.hash_one(key));
        self.paths.remove(&self.hashes.hash_one(path)) == Some(artifact)
    }
}

/// What was counted of one repository.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) files: PlannedFiles,
    /// Chunks of all indexed files; a content that is there twice counts twice.
    pub(super) chunks: u64,
    /// Bytes of all indexed files.
    pub(super) bytes: u64,
    pub(super) texts: PlannedTexts,
    /// Those of the texts that no repository before it has.
    new: PlannedTexts,
}

/// What a plan has counted: 60 bytes for a text, 24 for a served path of the repository in hand.
#[derive(Debug, Default)]
pub(super) struct Count {
    texts: HashMap<TextKey, Text>,
    sample: BTreeMap<TextKey, String>,
    total: PlannedTexts,
    /// The number of the repository in hand.
    number: u32,
    before: Before,
    counted: Counted,
}

impl Count {
    /// The next repository, of which this is served.
    pub(super) fn begin(&mut self, before: Before) {
        self.number += 1;
        (self.before, self.counted) = (before, Counted::default());
    }

    /// A file that is not indexed.
    pub(super) fn skip(&mut self, path: &str, reason: SkipReason) {
        self.before.showed(path, None);
        *self.counted.files.skipped.entry(reason).or_default() += 1;
    }

    /// A file that is.
    pub(super) fn index(&mut self, path: &str, key: ArtifactKey, artifact: &Artifact) {
        let unchanged = self.before.showed(path, Some(key));
        self.counted.files.unchanged += u64::from(unchanged);
        self.counted.files.indexed += u64::from(!unchanged);
        self.counted.chunks += artifact.chunks.len() as u64;
        self.counted.bytes += artifact.text.len() as u64;
    }

    /// A text of the repository. Whether somebody has to look what becomes of it.
    pub(super) fn meet(&mut self, text: TextKey) -> bool {
        let number = self.number;
        match self.texts.entry(text) {
            Entry::Vacant(unknown) => {
                unknown.insert(Text { first: number, last: number, fate: None });
                true
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if let Some(fate) = known.fate.filter(|_| known.last != number) {
                    self.counted.texts.add(fate);
                }
                known.last = number;
                false
            }
        }
    }

    /// What becomes of a text that was met.
    pub(super) fn learn(&mut self, text: TextKey, fate: Fate) {
        if let Some(met) = self.texts.get_mut(&text) {
            met.fate = Some(fate);
            self.counted.texts.add(fate);
            self.counted.new.add(fate);
        }
    }

    /// Keeps a text that is to be embedded, if it is one of the sample.
    pub(super) fn keep(&mut self, key: TextKey, text: String) {
        if self.sample.len() < SAMPLE || self.sample.last_key_value().is_some_and(|(last, _)| key < *last) {
            self.sample.insert(key, text);
        }
        if self.sample.len() > SAMPLE {
            self.sample.pop_last();
        }
    }

    /// All of the repository was seen.
    pub(super) fn end(&mut self) -> Counted {
        let mut counted = std::mem::take(&mut self.counted);
        counted.files.removed = std::mem::take(&mut self.before).paths.len() as u64;
        self.total.add_all(counted.new);
        counted
    }

    /// The repository is not counted: not all of it was seen. What others have too stays.
    pub(super) fn forget(&mut self) {
        let number = self.number;
        self.texts.retain(|_, text| text.first != number);
        (self.before, self.counted) = Default::default();
    }

    /// The texts of all repositories, each once.
    pub(super) fn total(&self) -> PlannedTexts {
        self.total
    }

    /// Some of the texts that are to be embedded.
    pub(super) fn sample(&self) -> Vec<String> {
        self.sample.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use warmer_content::{Content, Digest, Language, text_key};

    use super::*;

    const MISSING: Fate = Fate::Missing { bytes: 10, tokens: 3 };

    /// A repository of these texts, which nobody has embedded.
    fn meet_all(count: &mut Count, texts: &[&str]) {
        count.begin(Before::default());
        for text in texts {
            let key = text_key(text);
            if count.meet(key) {
                count.learn(key, MISSING);
            }
        }
    }

    fn missing(texts: u64) -> PlannedTexts {
        PlannedTexts { distinct: texts, missing: texts, bytes: 10 * texts, tokens: 3 * texts, ..Default::default() }
    }

    #[test]
    fn a_text_of_several_repositories_is_one_of_each_and_one_in_total() {
        let mut count = Count::default();
        meet_all(&mut count, &["a", "b", "a"]);
        assert_eq!(count.end().texts, missing(2));
        meet_all(&mut count, &["b", "c", "b"]);
        assert_eq!(count.end().texts, missing(2));
        assert_eq!(count.total(), missing(3));
    }

    #[test]
    fn a_repository_that_was_not_seen_as_a_whole_leaves_nothing() {
        let mut count = Count::default();
        meet_all(&mut count, &["a"]);
        count.end();
        meet_all(&mut count, &["a", "b"]);
        count.meet(text_key("nobody looked"));
        count.forget();
        assert_eq!(count.total(), missing(1));
        meet_all(&mut count, &["a", "b", "nobody looked"]);
        assert_eq!((count.end().texts, count.total()), (missing(3), missing(3)));
    }

    #[test]
    fn files_are_new_changed_unchanged_skipped_or_gone() {
        let key = |name: &str| ArtifactKey(Digest::of(name.as_bytes()));
        let artifact = Artifact::of(Content::plain("text".to_owned(), Language::text()), vec![]);
        let mut before = Before::default();
        for (path, shows) in
            [("same", Some("same")), ("changed", Some("old")), ("was skipped", None), ("skipped", None), ("gone", None)]
        {
            before.note(path, shows.map(key));
        }
        let mut count = Count::default();
        count.begin(before);
        for (path, shows) in [("same", "same"), ("changed", "new"), ("was skipped", "new"), ("new", "new")] {
            count.index(path, key(shows), &artifact);
        }
        count.skip("skipped", SkipReason::Binary);
        let counted = count.end();
        let skipped = [(SkipReason::Binary, 1)].into();
        assert_eq!(counted.files, PlannedFiles { indexed: 3, unchanged: 1, removed: 1, skipped });
        assert_eq!(counted.bytes, 16);
    }

    #[test]
    fn the_sample_is_bounded_and_the_same_whatever_the_order() {
        let texts: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
        let sample = |texts: &[String]| {
            let mut count = Count::default();
            texts.iter().for_each(|text| count.keep(text_key(text), text.clone()));
            count.sample()
        };
        let backwards: Vec<_> = texts.iter().rev().cloned().collect();
        assert_eq!(sample(&texts).len(), SAMPLE);
        assert_eq!(sample(&texts), sample(&backwards));
    }
}
