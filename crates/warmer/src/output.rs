//! What goes to stdout: data, and nothing but data.

mod style;
mod table;

use std::io::{self, Write as _};

use anyhow::Context as _;
use serde::Serialize;

pub(crate) use style::{Colour, Style};
pub(crate) use table::{Cell, Column, Table};
pub(crate) use warmer_query::text::{ago, counted, duration, printable, printable_line, until};

/// Whoever read our stdout has gone (`warmer show … | head`): no failure, and nothing to say.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output has gone")]
pub(crate) struct Closed;

/// Writes `text` to stdout.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
        result => result.context("cannot write the output to stdout"),
    }
}

/// Writes `value` to stdout as indented JSON.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value).context("cannot write the output as JSON")?;
    text.push('\n');
    print(&text)
}

/// Writes one line to stderr; a closed stderr is no reason to fail.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
