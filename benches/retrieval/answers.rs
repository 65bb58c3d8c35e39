//! What agents get: answers of the tool `search`, by the protocol, and the tokens that they have.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tokio::runtime::Runtime;
use warmer_query::{Embed, Scope, Snapshots};
use warmer_serve::mcp::{Cache, Door, serve};
use warmer_store::{Sqlite, Store};

use super::asked::tokens;
use super::corpora::Corpus;

/// The most tokens that are asked for: few, the default, and all there may be.
pub const BUDGETS: [u64; 3] = [500, 2000, 8000];

/// An answer that an agent got.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The code base.
    pub corpus: String,
    /// What was asked.
    pub question: String,
    /// How many tokens there was room for.
    pub max_tokens: u64,
    /// How many it has, by o200k.
    pub tokens: u64,
    /// How many it says that it has at the most.
    pub counted: u64,
    /// How long it is.
    pub bytes: u64,
    /// Whether hits, or lines of them, had no room.
    pub is_full: bool,
}

/// An agent that talks to a cache.
pub struct Agent<'a> {
    tokio: &'a Runtime,
    from: BufReader<ReadHalf<DuplexStream>>,
    to: WriteHalf<DuplexStream>,
}

impl<'a> Agent<'a> {
    /// Talks to whoever answers from this store.
    pub(super) fn of(tokio: &'a Runtime, store: Arc<Sqlite>, session: Box<dyn Embed>) -> Self {
        let cache = Cache {
            door: Box::new(Open(store)),
            session,
            snapshots: Snapshots::default(),
            scope: Scope::All,
            directory: "/".into(),
            is_shared: false,
        };
        let (ours, theirs) = duplex(1 << 16);
        let (from, to) = split(theirs);
        tokio.spawn(serve(cache, from, to));
        let (from, to) = split(ours);
        Self { tokio, from: BufReader::new(from), to }
    }

    /// Asks the tool `search`.
    ///
    /// # Panics
    /// When it does not answer, or refuses.
    #[must_use]
    pub fn ask(&mut self, corpus: &Corpus, question: &str, max_tokens: u64) -> Answer {
        let of_client = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let arguments = json!({ "query": question, "repositories": ["*"], "max_tokens": max_tokens });
        let params = json!({ "name": "search", "arguments": arguments, "_meta": of_client });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let answered: Value = self.tokio.block_on(async {
            self.to.write_all(format!("{call}\n").as_bytes()).await.expect("it listens");
            let mut line = String::new();
            self.from.read_line(&mut line).await.expect("it answers");
            serde_json::from_str(&line).expect("a message")
        });
        let result = &answered["result"];
        let text = result["content"][0]["text"].as_str().filter(|_| result["isError"] != true);
        let text = text.unwrap_or_else(|| panic!("{question:?}: {answered}"));
        let last = text.lines().last().unwrap_or_default();
        let counted = said(last).unwrap_or_else(|| panic!("{question:?}: {text}"));
        Answer {
            corpus: corpus.name.clone(),
            question: question.to_owned(),
            max_tokens,
            tokens: tokens(text),
            counted,
            bytes: text.len() as u64,
            is_full: ["raise max_tokens", "read its place"].iter().any(|way| last.contains(way)),
        }
    }
}

/// `1870` of `shown 4 of 12 · 1870 of 2000 tokens · for more: …`.
fn said(last: &str) -> Option<u64> {
    last.split(" · ").find_map(|part| part.strip_suffix(" tokens")?.split(' ').next()?.parse().ok())
}

/// A store that is open.
struct Open(Arc<Sqlite>);

#[async_trait]
impl Door for Open {
    async fn open(&self) -> Result<Arc<dyn Store>, String> {
        Ok(self.0.clone())
    }
}

/// Two tables: how much of their room answers use that could have used more, and by code base how many bytes a token
/// has and how many tokens each of them counts as.
#[must_use]
pub fn budgets(answers: &[Answer]) -> String {
    let mut table = "max_tokens   answers   full   used of it by those: mean   median     most   above it\n".to_owned();
    for max_tokens in BUDGETS {
        let of: Vec<_> = answers.iter().filter(|answer| answer.max_tokens == max_tokens).collect();
        let used = |answer: &&&Answer| answer.tokens as f64 / max_tokens as f64;
        let full = Spread::of(of.iter().filter(|answer| answer.is_full).map(|answer| used(&answer)));
        let most = of.iter().map(|answer| used(&answer)).fold(0.0, f64::max);
        let above = of.iter().filter(|answer| answer.tokens > max_tokens).count();
        let Some(full) = full else { continue };
        let _ = writeln!(
            table,
            "{max_tokens:>10}   {:>7}   {:>4}   {:>26.3}   {:>6.3}   {most:>6.3}   {above:>8}",
            of.len(),
            full.count,
            full.mean,
            full.median
        );
    }
    table += "\nanswers      bytes a token: least   median     most   counts as: least   median     most\n";
    let names: BTreeSet<_> = answers.iter().map(|answer| &*answer.corpus).collect();
    for name in names {
        let of = || answers.iter().filter(|answer| answer.corpus == name);
        let bytes = Spread::of(of().map(|answer| answer.bytes as f64 / answer.tokens as f64));
        let counted = Spread::of(of().map(|answer| answer.counted as f64 / answer.tokens as f64));
        let (Some(bytes), Some(counted)) = (bytes, counted) else { continue };
        let _ = writeln!(
            table,
            "{name:<10} {:>22.2}   {:>6.2}   {:>6.2} {:>18.2}   {:>6.2}   {:>6.2}",
            bytes.least, bytes.median, bytes.most, counted.least, counted.median, counted.most
        );
    }
    table
}

/// How values are spread.
struct Spread {
    count: usize,
    mean: f64,
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    /// `None` where there are none.
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let (count, mean) = (values.len(), values.iter().sum::<f64>() / values.len() as f64);
        let (least, most) = (*values.first()?, *values.last()?);
        Some(Self { count, mean, least, median: crate::median(values), most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(max_tokens: u64, tokens: u64, counted: u64, is_full: bool) -> Answer {
        let (corpus, question) = ("tree".to_owned(), "what".to_owned());
        Answer { corpus, question, max_tokens, tokens, counted, bytes: 4 * tokens, is_full }
    }

    #[test]
    fn how_much_of_its_room_is_used_is_told_of_answers_that_could_use_more() {
        let all = [
            answer(500, 400, 500, true),
            answer(500, 450, 500, true),
            answer(500, 20, 24, false),
            answer(2000, 2001, 2000, true),
        ];
        let table = budgets(&all);
        let line = |max: &str| table.lines().find(|line| line.trim_start().starts_with(max)).unwrap();
        assert_eq!(
            line("500").split_whitespace().collect::<Vec<_>>(),
            ["500", "3", "2", "0.850", "0.800", "0.900", "0"]
        );
        assert!(line("2000").ends_with("   1.000          1"), "one is above it: {table}");
        let of_tree: Vec<_> = line("tree").split_whitespace().collect();
        assert_eq!(of_tree, ["tree", "4.00", "4.00", "4.00", "1.00", "1.11", "1.25"], "{table}");
        assert!(table.lines().all(|line| line.len() <= 100), "{table}");
    }

    #[test]
    fn an_answer_says_what_it_counts_as() {
        assert_eq!(said("shown 4 of 12 · 1870 of 2000 tokens · for more: raise max_tokens"), Some(1870));
        assert_eq!(said("shown 0 of 0 · 24 of 500 tokens"), Some(24));
        assert_eq!(said("7\tlet tokens = 3;"), None);
    }
}
