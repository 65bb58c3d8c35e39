//! `warmer git-worker`: does git's work for the process that started it. It reads neither configuration nor database,
//! and loads no model.

use std::io;

use anyhow::Context as _;

use crate::exit::Exit;

/// Works until its parent is gone; then it does not return. What it logs its parent hears, line by line.
pub(crate) fn run(memory: u64) -> anyhow::Result<Exit> {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .without_time()
        .with_level(false)
        .with_target(false)
        .with_max_level(tracing::Level::WARN)
        .init();
    warmer_pipeline::serve_git(memory).context("git's work cannot be answered")?;
    Ok(Exit::Done)
}
