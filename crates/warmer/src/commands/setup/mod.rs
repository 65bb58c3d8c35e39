//! `warmer setup`: the default model and the ONNX Runtime, from an archive of Warmer or through pip. It needs no
//! configuration, and so runs before there is a context.

mod download;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use warmer_setup::{Bundle, Cache, Digest, Outcome, setup_from};

use crate::args::Setup;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output;
use crate::paths;
use download::Download;

/// Runs the command.
pub(crate) fn run(setup: &Setup, environment: &Environment) -> anyhow::Result<Exit> {
    let bundle = paths::program().as_deref().and_then(Bundle::of_program);
    match (&setup.from, bundle) {
        (None, Some(bundle)) => {
            let root = bundle.root().display();
            output::note(&format!("set-up: model and runtime are there: this program is part of the bundle in {root}"));
        }
        (Some(_), Some(bundle)) => bail!(
            "this program is part of the bundle in {}, and takes model and runtime from there: nothing was set up",
            bundle.root().display()
        ),
        (None, None) => {
            let outcome = warmer_setup::setup(&paths::cache(environment)?)?;
            if outcome == Outcome::Nothing {
                output::note("set-up: everything is there");
            }
        }
        (Some(from), None) => from_bundle(&paths::cache(environment)?, from, setup.sha256.as_ref())?,
    }
    Ok(Exit::Done)
}

fn from_bundle(cache: &Cache, from: &str, sha256: Option<&Digest>) -> anyhow::Result<()> {
    if !(from.starts_with("https://") || from.starts_with("http://")) {
        return set_up(cache, &PathBuf::from(from), sha256);
    }
    let download = Download::of(from, cache)?;
    let done = set_up(cache, download.fetch()?, sha256);
    // Of an archive that is damaged no byte is worth going on from; of one that was used none is needed.
    download.remove();
    done
}

fn set_up(cache: &Cache, from: &Path, sha256: Option<&Digest>) -> anyhow::Result<()> {
    if let Some(wanted) = sha256 {
        ensure!(!from.is_dir(), "--sha256 is the digest of an archive, and {} is a directory", from.display());
        let found = Digest::of_file(from).with_context(|| format!("cannot read {}", from.display()))?;
        ensure!(found == *wanted, "{} has the SHA-256 digest {found}, not the one of --sha256", from.display());
    }
    setup_from(cache, from)?;
    Ok(())
}
