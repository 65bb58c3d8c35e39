//! `warmer show`: a repository's entries, or one file's chunks, keys and definitions.

use std::fmt::Write as _;

use bytesize::ByteSize;
use warmer_query::{Definition, Entries, Entry, File, Pages, label};
use warmer_store::{RepositoryId, Store};

use super::reading::{self, ALL, failed};
use crate::args::Show;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, counted, printable};

/// The digits of a key that people are shown.
const KEY_SHOWN: usize = 12;

/// Runs the command.
pub(crate) async fn run(context: &Context, show: Show) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let id = reading::one(&*store, &show.repository, show.reference.as_deref()).await?.id;
    match (&show.path, show.json) {
        (Some(path), json) => {
            let file = File::of(&*store, ALL, id, path).await.map_err(failed)?;
            if json { output::print_json(&file)? } else { output::print(&describe(&file))? }
        }
        (None, true) => output::print_json(&Entries::all(&*store, ALL, id).await.map_err(failed)?)?,
        (None, false) => listing(&*store, id).await?,
    }
    Ok(Exit::Done)
}

async fn listing(store: &dyn Store, id: RepositoryId) -> anyhow::Result<()> {
    output::print(&head(&Entries::summed(store, ALL, id).await.map_err(failed)?))?;
    let mut pages = Pages::of(store, ALL, id);
    while let Some(page) = pages.next().await.map_err(failed)? {
        output::print(&page.iter().map(line).collect::<String>())?;
    }
    Ok(())
}

fn head(of: &Entries) -> String {
    let mut text = format!("{}\n{}\n", label(&of.repository, of.reference.as_deref()), of.freshness());
    let bytes = ByteSize(of.bytes).display().iec();
    let (files, chunks) = (counted(of.files.indexed, "file"), counted(of.chunks, "chunk"));
    let _ = write!(text, "{files}, {chunks}, size {}, {bytes}", of.size);
    for (index, (reason, count)) in of.files.skipped.iter().enumerate() {
        let _ = write!(text, "{} {count} {reason}", if index == 0 { "; skipped:" } else { "," });
    }
    if of.masked > 0 {
        let _ = write!(text, "; masked: {}", counted(of.masked, "secret"));
    }
    text.push_str("\n\n");
    text
}

/// What a path shows, then the path: an artifact's key, or why there is none.
fn line(entry: &Entry) -> String {
    let what = match (&entry.artifact, &entry.skip) {
        (Some(artifact), _) => short(artifact),
        (None, Some(reason)) => reason.as_str(),
        (None, None) => "-",
    };
    format!("{what:<12}  {}\n", printable(&entry.path))
}

fn short(key: &str) -> &str {
    key.get(..KEY_SHOWN).unwrap_or(key)
}

fn describe(file: &File) -> String {
    let (path, blob) = (printable(&file.path), &file.oid);
    let (Some(key), Some(language), Some(chunks)) = (&file.artifact, &file.language, &file.chunks) else {
        let reason = file.skip.map_or("unknown", warmer_content::SkipReason::as_str);
        return format!("{path}  blob {blob}\nnot indexed: {reason}\n");
    };
    let encoding = file.encoding.iter().filter(|name| *name != "UTF-8");
    let encoding: String = encoding.map(|name| format!(", from {name}")).collect();
    let masked = match file.masked {
        None | Some(0) => String::new(),
        Some(count) => format!(", {} masked", counted(count.into(), "secret")),
    };
    let bytes = file.bytes;
    let mut text = format!("{path}  {language}, {bytes} bytes{encoding}{masked}, blob {blob}\nartifact {key}\n\n");
    for chunk in chunks {
        let lines = format!("{}-{}", chunk.start_line, chunk.end_line);
        let symbol = printable(chunk.symbol.as_deref().unwrap_or("-"));
        let _ = writeln!(text, "{lines:<12} size {:<7} {}  {symbol}", chunk.size, short(&chunk.key));
    }
    text + &outline(file.definitions.as_deref().unwrap_or_default())
}

/// Lines, kind and name of each definition, indented by what it is inside of.
fn outline(definitions: &[Definition]) -> String {
    let mut depths: Vec<usize> = vec![];
    let mut text = String::new();
    for definition in definitions {
        let outer = definition.parent.and_then(|parent| depths.get(parent as usize));
        let depth = outer.map_or(0, |outer| outer + 1);
        depths.push(depth);
        let lines = format!("{}-{}", definition.start_line, definition.end_line);
        let (kind, name) = (definition.kind, printable(&definition.name));
        let _ = writeln!(text, "{lines:<12} {kind:<12} {:width$}{name}", "", width = 2 * depth);
    }
    if text.is_empty() { text } else { format!("\ndefinitions\n{text}") }
}
