//! The answers of a search: as the contract has them, and as people read them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;

use serde::Serialize;
use warmer_content::{Artifact, ArtifactKey, Chunk};
use warmer_store::{Repository, RepositoryId, Store};

use crate::commands::reading;
use crate::output::{self, printable};
use crate::search::{Found, Places};

/// Lines of a chunk that are shown to people.
const LINES_SHOWN: usize = 12;

/// Characters of a line that are shown to people.
const WIDTH_SHOWN: usize = 160;

/// Further places of the same text that are told; a vendored file may be in hundreds.
const PLACES_SHOWN: usize = 5;

/// One answer as the contract has it; keys are only ever added.
#[derive(Serialize)]
struct Answer {
    repository: String,
    path: String,
    start_line: u32,
    end_line: u32,
    symbol: Option<String>,
    language: String,
    score: f32,
    text: String,
    commit: Option<String>,
    served_at: Option<String>,
    state: &'static str,
    stale_since: Option<String>,
    failing_since: Option<String>,
    last_error: Option<String>,
    also_in: Vec<Place>,
    more_places: u64,
    #[serde(skip)]
    id: RepositoryId,
}

/// Another place of the same text.
#[derive(Serialize)]
struct Place {
    repository: String,
    path: String,
    start_line: u32,
    end_line: u32,
    #[serde(skip)]
    id: RepositoryId,
}

/// The answers, best first.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Answers(Vec<Answer>);

/// The repositories by their rows.
pub(super) type Repositories = HashMap<RepositoryId, Repository>;

impl Answers {
    /// Loads what was found. What a warm replaced meanwhile is left out.
    pub(super) async fn load(
        store: &dyn Store,
        found: Vec<(f32, Places)>,
        repositories: &Repositories,
    ) -> anyhow::Result<Self> {
        let mut answers = Vec::with_capacity(found.len());
        for (score, Places { first, more }) in found {
            // The places of one text share artifacts; those of several seldom do.
            let mut artifacts = HashMap::new();
            let begin = answers.len();
            for place in first {
                let Some(repository) = repositories.get(&place.repository) else { continue };
                let Some((artifact, chunk)) = chunk(store, &mut artifacts, &place).await? else { continue };
                let other = Place {
                    repository: repository.remote.clone(),
                    path: place.path.to_string(),
                    start_line: chunk.start_line,
                    end_line: chunk.end_line,
                    id: repository.id,
                };
                // The key covers the header and the text: in theory two ways to part the same characters.
                let text = artifact.chunk_text(chunk);
                match answers[begin..].iter_mut().find(|answer: &&mut Answer| answer.text == text) {
                    Some(answer) => answer.also_in.push(other),
                    None => answers.push(Answer::new(repository, other, artifact, chunk, score)),
                }
            }
            if let Some(answer) = answers.get_mut(begin) {
                answer.more_places = more;
            }
        }
        Ok(Self(answers))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The answers for people.
    pub(super) fn text(&self, repositories: &Repositories) -> String {
        let mut text = String::new();
        for (index, answer) in self.0.iter().enumerate() {
            answer.write(&mut text, &self.name(answer, repositories), repositories);
            // How old an answer is stands once below all answers of a repository that follow each other.
            if self.0.get(index + 1).is_none_or(|next| next.id != answer.id)
                && let Some(repository) = repositories.get(&answer.id)
            {
                let _ = writeln!(text, "{}\n", reading::age(repository));
            }
        }
        text
    }

    /// The short name of an answer's repository; the URL where others among the answers are called the same.
    fn name(&self, answer: &Answer, repositories: &Repositories) -> String {
        let name = |id| repositories.get(&id).map(reading::name);
        let own = name(answer.id);
        match own {
            Some(own) if self.0.iter().all(|other| other.id == answer.id || name(other.id).as_ref() != Some(&own)) => {
                own
            }
            _ => printable(&answer.repository).into_owned(),
        }
    }
}

async fn chunk<'a>(
    store: &dyn Store,
    artifacts: &'a mut HashMap<ArtifactKey, Option<Artifact>>,
    place: &Found,
) -> anyhow::Result<Option<(&'a Artifact, &'a Chunk)>> {
    let artifact = match artifacts.entry(place.artifact) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => new.insert(store.artifact(place.artifact).await?),
    };
    Ok(artifact.as_ref().and_then(|artifact| Some((artifact, artifact.chunks.get(place.chunk as usize)?))))
}

impl Answer {
    fn new(repository: &Repository, place: Place, artifact: &Artifact, chunk: &Chunk, score: f32) -> Self {
        Self {
            repository: place.repository,
            path: place.path,
            start_line: place.start_line,
            end_line: place.end_line,
            symbol: chunk.symbol.clone(),
            language: artifact.language.clone(),
            score,
            text: artifact.chunk_text(chunk).to_owned(),
            commit: repository.served.as_ref().map(|served| served.commit.clone()),
            served_at: reading::timestamp(repository.served_at),
            state: repository.state.as_str(),
            stale_since: reading::timestamp(repository.stale_since),
            failing_since: reading::timestamp(repository.failing_since),
            last_error: repository.last_error.clone(),
            also_in: Vec::new(),
            more_places: 0,
            id: place.id,
        }
    }

    fn write(&self, text: &mut String, name: &str, repositories: &Repositories) {
        let symbol = self.symbol.as_deref().unwrap_or("-");
        let (path, start, end) = (printable(&self.path), self.start_line, self.end_line);
        let _ = writeln!(text, "{path}:{start}-{end}  {name}  {}  {:.3}", printable(symbol), self.score);
        let mut lines = self.text.trim_end().lines();
        for line in lines.by_ref().take(LINES_SHOWN) {
            let _ = writeln!(text, "    {}", cut(&printable(line)));
        }
        let more = lines.count();
        if more > 0 {
            let _ = writeln!(text, "    … {}", output::counted(more as u64, "more line"));
        }
        for place in self.also_in.iter().take(PLACES_SHOWN) {
            let Place { path, start_line, end_line, .. } = place;
            let _ = write!(text, "  also in {}:{start_line}-{end_line}", printable(path));
            match repositories.get(&place.id).filter(|repository| repository.id != self.id) {
                Some(repository) => drop(writeln!(text, "  {}", reading::age(repository))),
                None => text.push('\n'),
            }
        }
        let more = self.also_in.len().saturating_sub(PLACES_SHOWN) as u64 + self.more_places;
        if more > 0 {
            let _ = writeln!(text, "  and in {}", output::counted(more, "more place"));
        }
        text.push('\n');
    }
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDTH_SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use warmer_store::{Policy, RepositoryState};

    use super::*;

    fn repositories() -> Repositories {
        let repository = |id, remote: &str| Repository {
            id: RepositoryId(id),
            remote: remote.to_owned(),
            reference: None,
            state: RepositoryState::Active,
            served: None,
            served_at: Some(SystemTime::now()),
            stale_since: None,
            last_error: None,
            failing_since: None,
            policy: Policy::default(),
            committed_at: None,
            failures: 0,
            retry: None,
        };
        [repository(1, "https://h/one"), repository(2, "https://h/two")].map(|one| (one.id, one)).into()
    }

    fn answer(id: i64, text: &str, also_in: Vec<Place>) -> Answer {
        Answer {
            repository: format!("https://h/{id}"),
            path: "src/\u{1b}a.rs".to_owned(),
            start_line: 3,
            end_line: 5,
            symbol: Some("Queue::claim".to_owned()),
            language: "rust".to_owned(),
            score: 0.71234,
            text: text.to_owned(),
            commit: None,
            served_at: None,
            state: "active",
            stale_since: None,
            failing_since: None,
            last_error: None,
            also_in,
            more_places: 0,
            id: RepositoryId(id),
        }
    }

    fn place(id: i64) -> Place {
        Place {
            repository: "https://h/2".to_owned(),
            path: "b.rs".to_owned(),
            start_line: 1,
            end_line: 2,
            id: RepositoryId(id),
        }
    }

    #[test]
    fn an_answer_is_where_what_and_how_near_on_one_line_then_its_lines() {
        let text =
            Answers(vec![answer(1, "fn a() {\n\u{1b}[2J\n}\n\n", vec![place(1), place(2)])]).text(&repositories());
        let expected = "src/\\u{1b}a.rs:3-5  one  Queue::claim  0.712\n    fn a() {\n    \\u{1b}[2J\n    }\n  also in b.rs:1-2\n  \
                        also in b.rs:1-2  two, never served\n\none, never served\n\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn long_texts_and_many_places_are_cut() {
        let long = format!("{}\n{}", "x".repeat(200), "y\n".repeat(20));
        let places = (0..8).map(|_| place(1)).collect();
        let text = Answers(vec![answer(1, &long, places)]).text(&repositories());
        assert!(text.contains(&format!("    {}…\n", "x".repeat(WIDTH_SHOWN))), "{text}");
        assert!(text.contains("    … 9 more lines\n") && text.contains("  and in 3 more places\n"), "{text}");
    }

    #[test]
    fn how_old_it_is_is_told_once_for_neighbours_of_one_repository() {
        let answers = Answers(vec![answer(1, "a", vec![]), answer(1, "b", vec![]), answer(2, "c", vec![])]);
        let text = answers.text(&repositories());
        assert_eq!((text.matches("one, never").count(), text.matches("two, never").count()), (1, 1), "{text}");
    }

    #[test]
    fn repositories_of_the_same_name_are_told_apart_on_the_first_line() {
        let mut repositories = repositories();
        repositories
            .values_mut()
            .for_each(|repository| repository.remote = format!("https://h/{}/app", repository.id.0));
        let text = Answers(vec![answer(1, "a", vec![])]).text(&repositories);
        assert!(text.starts_with("src/\\u{1b}a.rs:3-5  app  Queue::claim"), "{text}");
        let text = Answers(vec![answer(1, "a", vec![]), answer(2, "b", vec![])]).text(&repositories);
        assert!(
            text.contains("a.rs:3-5  https://h/1  Queue") && text.contains("a.rs:3-5  https://h/2  Queue"),
            "{text}"
        );
    }

    #[test]
    fn the_keys_of_the_contract_are_there() {
        let value = serde_json::to_value(Answers(vec![answer(1, "a", vec![])])).unwrap();
        let keys = [
            "repository",
            "path",
            "start_line",
            "end_line",
            "symbol",
            "language",
            "score",
            "text",
            "commit",
            "served_at",
            "state",
            "stale_since",
            "failing_since",
            "last_error",
            "also_in",
            "more_places",
        ];
        for key in keys {
            assert!(value[0].get(key).is_some(), "{key} is not in {value}");
        }
    }
}
