//! `warmer gc`: removes what nothing reaches any more, in two phases; safe beside a running warm.

use std::fmt::Write as _;

use bytesize::ByteSize;
use serde_json::json;
use warmer_store::{Collect, Collected, Role};

use crate::args;
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, counted};

/// Runs the command.
pub(crate) async fn run(context: &Context, arguments: args::Gc) -> anyhow::Result<Exit> {
    // A dry run too: it does everything and takes it back.
    let store = database::open_existing(context, Role::Writer).await?;
    let how = Collect {
        dry_run: arguments.dry_run,
        mark_age: context.config.gc.mark_age,
        history_age: context.config.gc.history,
    };
    let collected = store.collect(&how).await?;
    store.close().await;
    if arguments.json {
        output::print_json(&machine(&collected, arguments.dry_run))?;
    } else {
        output::print(&text(&collected, arguments.dry_run, &output::duration(how.mark_age)))?;
    }
    Ok(Exit::Done)
}

fn text(collected: &Collected, dry_run: bool, mark_age: &str) -> String {
    let mut text = String::new();
    let will = if dry_run { "would be " } else { "" };
    let Collected { artifacts_marked, vectors_marked, artifacts_deleted, vectors_deleted, .. } = *collected;
    let pair = |artifacts, vectors| format!("{}, {}", counted(artifacts, "artifact"), counted(vectors, "vector"));
    let size = ByteSize(collected.bytes_deleted).display().iec();
    let _ = writeln!(text, "{will}deleted: {} ({size})", pair(artifacts_deleted, vectors_deleted));
    let marked = pair(artifacts_marked, vectors_marked);
    let _ = writeln!(text, "{will}marked for deletion: {marked}; deleted by a run after {mark_age}, unless used again");
    let kept = counted(collected.unmarked, "item");
    let _ = writeln!(text, "{will}kept: {kept} that were marked for deletion but are in use again");
    let (blobs, staged) = (counted(collected.blobs_deleted, "blob"), counted(collected.staged_deleted, "staged path"));
    let attempts = counted(collected.attempts_deleted, "attempt");
    let _ = writeln!(text, "{will}forgotten: {blobs}, {staged}, {attempts}");
    if collected.generations_dropped > 0 {
        let generations = counted(collected.generations_dropped, "generation");
        let _ = writeln!(text, "{will}dropped: {generations} that nobody needs any more");
    }
    text
}

fn machine(collected: &Collected, dry_run: bool) -> serde_json::Value {
    json!({
        "dry_run": dry_run,
        "unmarked": collected.unmarked,
        "artifacts_marked": collected.artifacts_marked,
        "vectors_marked": collected.vectors_marked,
        "artifacts_deleted": collected.artifacts_deleted,
        "vectors_deleted": collected.vectors_deleted,
        "bytes_deleted": collected.bytes_deleted,
        "blobs_deleted": collected.blobs_deleted,
        "staged_deleted": collected.staged_deleted,
        "attempts_deleted": collected.attempts_deleted,
        "generations_dropped": collected.generations_dropped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Collected {
        Collected::default()
    }

    #[test]
    fn a_dry_run_says_what_would_be() {
        let collected = Collected {
            artifacts_marked: 1,
            vectors_deleted: 2,
            bytes_deleted: 2048,
            generations_dropped: 1,
            ..none()
        };
        let text = text(&collected, true, "1d");
        assert!(text.starts_with("would be deleted: 0 artifacts, 2 vectors (2.0 KiB)\n"), "{text}");
        assert!(
            text.contains("would be marked for deletion: 1 artifact, 0 vectors; deleted by a run after 1d"),
            "{text}"
        );
        assert!(text.ends_with("would be dropped: 1 generation that nobody needs any more\n"), "{text}");
        assert!(!super::text(&none(), false, "1d").contains("dropped"));
    }
}
