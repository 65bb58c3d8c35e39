//! The clients: where each keeps its servers, and what it wants to know of one.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use crate::args::Client;
use crate::environment::Environment;

/// What the server is called there.
pub(super) const NAME: &str = "warmer";

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// With comments, where its owner put some.
    Json,
    Toml,
}

/// A client's configuration of this user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) format: Format,
    /// The key below which the servers are.
    pub(super) key: &'static str,
}

/// What starts the server.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// The program, by its whole path: a client that was not started from a shell has another `PATH`.
    pub(super) program: String,
    /// A configuration that was named by a flag.
    pub(super) config: Option<String>,
}

impl Client {
    /// What people call it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Claude => "Claude Code",
            Self::Cursor => "Cursor",
            Self::Codex => "Codex",
            Self::Vscode => "Visual Studio Code",
            Self::Zed => "Zed",
        }
    }

    /// Where it keeps the servers of this user.
    pub(super) fn place(self, environment: &Environment) -> anyhow::Result<Place> {
        let title = self.title();
        let home = || {
            let home = environment.directory("HOME");
            home.with_context(|| format!("HOME is not set, and {title} keeps its configuration below it: set it"))
        };
        let own = |variable: &str, below_home: &str| match environment.directory(variable) {
            Some(directory) => Ok(directory),
            None => Ok::<_, anyhow::Error>(home()?.join(below_home)),
        };
        let (file, format, key) = match self {
            Self::Claude => (own("CLAUDE_CONFIG_DIR", "")?.join(".claude.json"), Format::Json, "mcpServers"),
            Self::Cursor => (home()?.join(".cursor/mcp.json"), Format::Json, "mcpServers"),
            Self::Codex => (own("CODEX_HOME", ".codex")?.join("config.toml"), Format::Toml, "mcp_servers"),
            Self::Vscode if cfg!(target_os = "macos") => {
                (home()?.join("Library/Application Support/Code/User/mcp.json"), Format::Json, "servers")
            }
            Self::Vscode => (own("XDG_CONFIG_HOME", ".config")?.join("Code/User/mcp.json"), Format::Json, "servers"),
            Self::Zed => {
                (own("XDG_CONFIG_HOME", ".config")?.join("zed/settings.json"), Format::Json, "context_servers")
            }
        };
        Ok(Place { file, format, key })
    }

    /// What stands there of the server. No variable of the environment is in it: a database's URL may hold a password.
    pub(super) fn entry(self, start: &Start) -> Value {
        let mut arguments: Vec<&str> = start.config.iter().flat_map(|path| ["--config", path]).collect();
        arguments.push("mcp");
        // Those that start a server elsewhere than in the directory that is worked in say which that is.
        if self == Self::Cursor {
            arguments.extend(["--directory", "${workspaceFolder}"]);
        }
        let mut entry = Map::new();
        match self {
            Self::Claude | Self::Vscode => drop(entry.insert("type".to_owned(), json!("stdio"))),
            Self::Zed => drop(entry.insert("source".to_owned(), json!("custom"))),
            Self::Cursor | Self::Codex => {}
        }
        entry.insert("command".to_owned(), json!(start.program));
        entry.insert("args".to_owned(), json!(arguments));
        if self == Self::Vscode {
            entry.insert("cwd".to_owned(), json!("${workspaceFolder}"));
        }
        Value::Object(entry)
    }

    /// The client's own way, where it has one.
    pub(super) fn command(self, start: &Start) -> Option<String> {
        let config = start.config.iter().map(|path| format!(" --config {}", quoted(path))).collect::<String>();
        let program = quoted(&start.program);
        match self {
            Self::Claude => Some(format!("claude mcp add --scope user {NAME} -- {program}{config} mcp")),
            Self::Codex => Some(format!("codex mcp add {NAME} -- {program}{config} mcp")),
            Self::Cursor | Self::Vscode | Self::Zed => None,
        }
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+@%".contains(character);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// A path as text; a client's file has no other.
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().with_context(|| {
        format!("{} is not UTF-8, and clients take no other path: move it to one that is", path.display())
    })?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Client; 5] = [Client::Claude, Client::Cursor, Client::Codex, Client::Vscode, Client::Zed];

    fn start() -> Start {
        Start { program: "/opt/warmer/bin/warmer".to_owned(), config: Some("/etc/a b.toml".to_owned()) }
    }

    #[test]
    fn every_client_is_told_the_program_by_its_whole_path_and_no_variable() {
        for client in ALL {
            let entry = client.entry(&start());
            assert_eq!(entry["command"], "/opt/warmer/bin/warmer", "{client:?}");
            let arguments: Vec<_> = entry["args"].as_array().unwrap().iter().take(3).collect();
            assert_eq!(arguments, ["--config", "/etc/a b.toml", "mcp"], "{client:?}");
            assert!(entry.get("env").is_none(), "{client:?}");
        }
        let command = Client::Claude.command(&start()).unwrap();
        assert!(command.ends_with("-- /opt/warmer/bin/warmer --config '/etc/a b.toml' mcp"), "{command}");
    }

    #[test]
    fn a_clients_own_variable_says_where_its_configuration_is() {
        let at_home: Environment = [("HOME", "/home/me")].into_iter().collect();
        let elsewhere: Environment =
            [("HOME", "/home/me"), ("CODEX_HOME", "/c"), ("CLAUDE_CONFIG_DIR", "/d"), ("XDG_CONFIG_HOME", "/x")]
                .into_iter()
                .collect();
        let file = |client: Client, environment| client.place(environment).unwrap().file;
        assert_eq!(file(Client::Claude, &at_home), Path::new("/home/me/.claude.json"));
        assert_eq!(file(Client::Claude, &elsewhere), Path::new("/d/.claude.json"));
        assert_eq!(file(Client::Codex, &at_home), Path::new("/home/me/.codex/config.toml"));
        assert_eq!(file(Client::Codex, &elsewhere), Path::new("/c/config.toml"));
        assert_eq!(file(Client::Cursor, &elsewhere), Path::new("/home/me/.cursor/mcp.json"));
        assert_eq!(file(Client::Zed, &elsewhere), Path::new("/x/zed/settings.json"));
        assert!(Client::Zed.place(&Environment::default()).is_err());
    }
}
