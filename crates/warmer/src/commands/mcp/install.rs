//! `warmer mcp install`: what makes a client start the server, printed, or written into its configuration.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde_json::Value;

use super::clients::{NAME, Place, Start, text};
use super::edit::{alone, edited};
use crate::args::Install;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{note, print};

/// What the copy of a file has behind its name.
const BACKUP: &str = ".before-warmer";

/// Runs the command.
pub(super) fn run(context: &Context, install: &Install) -> anyhow::Result<Exit> {
    let place = install.client.place(&context.environment)?;
    let start = start(context)?;
    let entry = install.client.entry(&start);
    if install.write || install.remove {
        let is_changed = change(install, &place, install.write.then_some(&entry))?;
        if !is_changed {
            return Ok(Exit::Done);
        }
    } else {
        print(&alone(&place, &entry)?)?;
        note(&format!("`--write` puts this into {}", place.file.display()));
        if let Some(command) = install.client.command(&start) {
            note(&format!("so does: {command}"));
        }
    }
    if context.config.database.is_shared() && !install.remove {
        note(
            "the database's URL is not in it: start the client with DATABASE_URL in its environment, or set \
             database.url in a configuration file. Whoever holds that URL may ask for every repository in the database",
        );
    }
    let title = install.client.title();
    if install.write || install.remove {
        note(&format!("restart {title}, or have it read its servers again"));
    }
    Ok(Exit::Done)
}

/// This program and its configuration, by their whole paths.
fn start(context: &Context) -> anyhow::Result<Start> {
    let program = std::env::current_exe().context("the system does not tell where this program is")?;
    let config = context.given.file().map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned()));
    Ok(Start { program: text(&program)?, config: config.as_deref().map(text).transpose()? })
}

/// Changes a file, and keeps a copy of what it was. `entry` is what is to be there; nothing, where there is none.
/// Whether it was otherwise before.
fn change(install: &Install, place: &Place, entry: Option<&Value>) -> anyhow::Result<bool> {
    // Of a link the file that it leads to is changed, and the link stays.
    let file = place.file.canonicalize().unwrap_or_else(|_| place.file.clone());
    let shown = file.display();
    let left_alone = |why: &str| {
        let by_hand = match entry {
            Some(_) => format!("add by hand what `warmer mcp install {}` prints", install.client.name()),
            None => format!("take {NAME:?} out by hand"),
        };
        anyhow!("{shown} was left as it is: {why}. Mend that, or {by_hand}")
    };
    let before = match fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(left_alone("it is not UTF-8")),
        Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
    };
    let text = before.as_deref().unwrap_or_default();
    let after = edited(text, place, entry).map_err(|why| left_alone(&why.to_string()))?;
    if after == text {
        let has = if entry.is_some() { "has it already" } else { "does not have it" };
        note(&format!("{shown} {has}: nothing was changed"));
        return Ok(false);
    }
    let mut kept = String::new();
    if before.is_some() {
        let backup = with_suffix(&file, BACKUP);
        fs::copy(&file, &backup).with_context(|| format!("cannot copy {shown} to {}", backup.display()))?;
        kept = format!("; what it was is in {}", backup.display());
    }
    replace(&file, &after).with_context(|| format!("cannot write {shown}"))?;
    note(&format!("{shown} was changed{kept}"));
    Ok(true)
}

/// Puts a text in the place of a file at once: its client may read it at any moment. Its permissions stay.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory)?;
    }
    let new = with_suffix(file, &format!(".{}", std::process::id()));
    let written = (|| {
        fs::File::create_new(&new)?.write_all(text.as_bytes())?;
        if let Ok(known) = fs::metadata(file) {
            fs::set_permissions(&new, known.permissions())?;
        }
        fs::rename(&new, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
