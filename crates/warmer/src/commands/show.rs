//! `warmer show`: a repository's entries, or one file's chunks and keys.

use std::fmt::Write as _;

use anyhow::bail;
use bytesize::ByteSize;
use serde_json::{Value, json};
use warmer_content::Artifact;
use warmer_store::{Entry, Repository, Store, Totals};

use super::reading;
use crate::args::Show;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, counted, printable};

/// Entries read at once.
const PAGE: u32 = 1000;

/// Runs the command.
pub(crate) async fn run(context: &Context, show: Show) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let repository = reading::one(&*store, &show.repository, show.reference.as_deref()).await?;
    match (&show.path, show.json) {
        (Some(path), json) => file(&*store, &repository, path, json).await?,
        (None, true) => {
            let entries: Vec<_> = all(&*store, &repository).await?.iter().map(machine_entry).collect();
            let totals = store.totals(repository.id).await?;
            output::print_json(&machine(&repository, &totals, entries))?;
        }
        (None, false) => listing(&*store, &repository).await?,
    }
    Ok(Exit::Done)
}

async fn listing(store: &dyn Store, repository: &Repository) -> anyhow::Result<()> {
    output::print(&head(repository, &store.totals(repository.id).await?))?;
    let mut after: Option<String> = None;
    loop {
        let page = store.entries_page(repository.id, after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.path.clone());
        output::print(&page.iter().map(line).collect::<String>())?;
    }
}

fn head(repository: &Repository, totals: &Totals) -> String {
    let mut text = format!("{}\n{}\n", reading::label(repository), reading::age(repository));
    let size = ByteSize(totals.bytes).display().iec();
    let (files, chunks) = (counted(totals.indexed, "file"), counted(totals.chunks, "chunk"));
    let _ = write!(text, "{files}, {chunks}, {}, {size}", counted(totals.tokens, "token"));
    for (index, (reason, count)) in totals.skipped.iter().enumerate() {
        let _ = write!(text, "{} {count} {reason}", if index == 0 { "; skipped:" } else { "," });
    }
    if totals.masked > 0 {
        let _ = write!(text, "; masked: {}", counted(totals.masked, "secret"));
    }
    text.push_str("\n\n");
    text
}

/// What a path shows, then the path: an artifact's key, or why there is none.
fn line(entry: &Entry) -> String {
    let what = match (&entry.artifact, &entry.skip) {
        (Some(artifact), _) => artifact.0.short(),
        (None, Some(reason)) => reason.to_string(),
        (None, None) => "-".to_owned(),
    };
    format!("{what:<12}  {}\n", printable(&entry.path))
}

async fn all(store: &dyn Store, repository: &Repository) -> anyhow::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.path.as_str());
        let page = store.entries_page(repository.id, after, PAGE).await?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}

/// The entry of a path. Pages begin behind a path, so the search begins at the path without its last character.
async fn entry(store: &dyn Store, repository: &Repository, path: &str) -> anyhow::Result<Option<Entry>> {
    let mut end = path.char_indices();
    end.next_back();
    let mut after = end.as_str().to_owned();
    loop {
        let page = store.entries_page(repository.id, Some(&after), PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        after = last.path.clone();
        let passed = after.as_str() >= path;
        if let Some(entry) = page.into_iter().find(|entry| entry.path == path) {
            return Ok(Some(entry));
        }
        if passed {
            return Ok(None);
        }
    }
}

async fn file(store: &dyn Store, repository: &Repository, path: &str, json: bool) -> anyhow::Result<()> {
    let Some(entry) = entry(store, repository, path).await? else {
        bail!("{} is no path of {}", printable(path), reading::label(repository));
    };
    let artifact = match entry.artifact {
        Some(key) => store.artifact(key).await?,
        None => None,
    };
    if entry.artifact.is_some() && artifact.is_none() {
        bail!("the artifact of {} does not read: mend it by `warmer warm --full`", printable(path));
    }
    if json {
        let mut value = machine_entry(&entry);
        value["repository"] = repository.remote.clone().into();
        value["language"] = artifact.as_ref().map(|artifact| artifact.language.clone()).into();
        value["encoding"] = artifact.as_ref().map(|artifact| artifact.encoding.as_deref().unwrap_or("UTF-8")).into();
        value["masked"] = artifact.as_ref().map(|artifact| artifact.masked).into();
        value["chunks"] = artifact.as_ref().map(chunks).into();
        return output::print_json(&value);
    }
    output::print(&describe(&entry, artifact.as_ref()))
}

fn describe(entry: &Entry, artifact: Option<&Artifact>) -> String {
    let path = printable(&entry.path);
    let (Some(key), Some(artifact)) = (&entry.artifact, artifact) else {
        let reason = entry.skip.map_or("unknown", warmer_content::SkipReason::as_str);
        return format!("{path}  blob {}\nnot indexed: {reason}\n", entry.oid);
    };
    let (language, bytes) = (&artifact.language, artifact.text.len());
    let encoding = artifact.encoding.as_ref().map(|name| format!(", from {name}")).unwrap_or_default();
    let masked = match artifact.masked {
        0 => String::new(),
        count => format!(", {} masked", counted(count.into(), "secret")),
    };
    let blob = &entry.oid;
    let mut text = format!("{path}  {language}, {bytes} bytes{encoding}{masked}, blob {blob}\nartifact {key}\n\n");
    for chunk in &artifact.chunks {
        let lines = format!("{}-{}", chunk.start_line, chunk.end_line);
        let symbol = printable(chunk.symbol.as_deref().unwrap_or("-")).into_owned();
        let (tokens, text_key) = (counted(chunk.tokens.into(), "token"), chunk.key.0.short());
        let _ = writeln!(text, "{lines:<12} {tokens:<12} {text_key}  {symbol}");
    }
    text
}

fn machine(repository: &Repository, totals: &Totals, entries: Vec<Value>) -> Value {
    let served = repository.served.as_ref();
    let skipped: serde_json::Map<_, _> =
        totals.skipped.iter().map(|(reason, count)| (reason.to_string(), (*count).into())).collect();
    json!({
        "repository": repository.remote,
        "ref": repository.reference,
        "commit": served.map(|served| &served.commit),
        "served_ref": served.map(|served| &served.reference),
        "served_at": reading::timestamp(repository.served_at),
        "stale_since": reading::timestamp(repository.stale_since),
        "state": repository.state.as_str(),
        "failing_since": reading::timestamp(repository.failing_since),
        "last_error": repository.last_error,
        "files": { "indexed": totals.indexed, "skipped": skipped },
        "chunks": totals.chunks,
        "tokens": totals.tokens,
        "bytes": totals.bytes,
        "masked": totals.masked,
        "entries": entries,
    })
}

fn machine_entry(entry: &Entry) -> Value {
    json!({
        "path": entry.path,
        "oid": entry.oid,
        "language_hint": entry.language_hint,
        "artifact": entry.artifact.map(|key| key.to_string()),
        "skip": entry.skip.map(warmer_content::SkipReason::as_str),
    })
}

fn chunks(artifact: &Artifact) -> Vec<Value> {
    let chunk = |chunk: &warmer_content::Chunk| {
        json!({
            "start_line": chunk.start_line,
            "end_line": chunk.end_line,
            "start_byte": chunk.start,
            "end_byte": chunk.end,
            "symbol": chunk.symbol,
            "header": chunk.header,
            "tokens": chunk.tokens,
            "key": chunk.key.to_string(),
        })
    };
    artifact.chunks.iter().map(chunk).collect()
}
