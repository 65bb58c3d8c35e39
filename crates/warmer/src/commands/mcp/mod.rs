//! `warmer mcp`: agents ask over stdin and stdout.

mod clients;
mod edit;
mod install;

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use tokio::fs::File;
use warmer_query::Scope;
use warmer_serve::mcp::{Cache, Door, serve};
use warmer_store::{Role, Store, StoreError, StoreErrorKind};

use super::search;
use crate::args::{Mcp, McpCommand};
use crate::context::Context;
use crate::database::Existing;
use crate::exit::Exit;
use crate::indexing;

/// Of a database that a newer program has taken over, while this one talks on as what it was started as.
const RESTART: &str = ". If `warmer` was brought up to date meanwhile, restart this server: by the client's list of \
                       servers, or with the client";

/// Runs the command. Talking, it ends with its stdin.
pub(crate) async fn run(context: &Context, mcp: Mcp) -> anyhow::Result<Exit> {
    if let Some(McpCommand::Install(install)) = mcp.command {
        return install::run(context, &install);
    }
    let cache = Cache {
        door: Box::new(Opening(Existing::of(context))),
        session: Box::new(search::session(context)),
        snapshots: indexing::snapshots(context),
        // Who may open the database sees all of it.
        scope: Scope::All,
        directory: directory(mcp.directory)?,
        is_shared: context.config.database.is_shared(),
    };
    let [from, to] = [handle(std::io::stdin())?, handle(std::io::stdout())?];
    serve(cache, from, to).await?;
    Ok(Exit::Done)
}

/// A standard stream as tokio reads and writes it, on its blocking threads.
fn handle(stream: impl AsFd) -> anyhow::Result<File> {
    let own = stream.as_fd().try_clone_to_owned().context("stdin or stdout is closed")?;
    Ok(File::from_std(own.into()))
}

/// Absolute: what is looked up later must not depend on where this process is then.
fn directory(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the working directory is gone: name one by --directory")?;
    Ok(given.map_or_else(|| here.clone(), |given| here.join(given)))
}

/// Opens what is there, when it is first asked.
struct Opening(Existing);

#[async_trait]
impl Door for Opening {
    async fn open(&self) -> Result<Arc<dyn Store>, String> {
        self.0.open(Role::Reader).await.map_err(|error| {
            let is_newer = error.downcast_ref().map(StoreError::kind) == Some(StoreErrorKind::Newer);
            let way_out = if is_newer { RESTART } else { "" };
            format!("{error:#}{way_out}")
        })
    }
}
