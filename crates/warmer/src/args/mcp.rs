//! `mcp`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `mcp`
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Mcp {
    /// The directory whose repository is meant where a call names none. Default: the working directory
    #[arg(long, value_name = "PATH", value_parser = directory)]
    pub(crate) directory: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<McpCommand>,
}

fn directory(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    if path.is_dir() { Ok(path) } else { Err("there is no such directory") }
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// Print what makes a client start `warmer mcp`, or write it into the client's configuration
    Install(Install),
}

/// `mcp install`
#[derive(Clone, Debug, Args)]
pub(crate) struct Install {
    /// The client
    #[arg(value_enum)]
    pub(crate) client: Client,
    /// Write it into the configuration of this user; comments and order stay, and a copy of what was there
    #[arg(long)]
    pub(crate) write: bool,
    /// Take it out of there again
    #[arg(long, conflicts_with = "write")]
    pub(crate) remove: bool,
}

/// A client of the Model Context Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// Claude Code
    Claude,
    /// Cursor
    Cursor,
    /// Codex
    Codex,
    /// Visual Studio Code
    Vscode,
    /// Zed
    Zed,
}

impl Client {
    /// What it is called on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}
