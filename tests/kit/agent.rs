//! An agent's side of `warmer mcp`: a line of JSON for each message, as a client writes them.

use std::io::Write as _;
use std::path::Path;
use std::process::{ChildStdin, Stdio};

use serde_json::{Value, json};

use crate::process::Warmer;
use crate::running::{Ran, Running};

/// The era of the protocol that a client speaks.
const LEGACY: &str = "2025-06-18";
const MODERN: &str = "2026-07-28";

/// A client that has started `warmer mcp`. Killed when dropped.
pub struct Agent {
    running: Running,
    to: ChildStdin,
    next: u64,
    is_modern: bool,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its one block of text.
    pub text: String,
    /// Whether that says why there is no answer.
    pub is_error: bool,
}

impl Agent {
    /// Starts it in a directory; nothing was said yet. It says everything about itself with each request.
    #[must_use]
    pub fn start(warmer: &Warmer, directory: &Path) -> Self {
        let mut command = warmer.command();
        command.arg("mcp").current_dir(directory).stdin(Stdio::piped());
        let mut running = Running::start(&mut command);
        let to = running.stdin();
        Self { running, to, next: 0, is_modern: true }
    }

    /// The same, after the handshake of a client of before.
    #[must_use]
    pub fn legacy(warmer: &Warmer, directory: &Path) -> Self {
        let mut agent = Self { is_modern: false, ..Self::start(warmer, directory) };
        let who = json!({ "name": "test", "version": "1" });
        agent.ask("initialize", json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": who }));
        agent.tell("notifications/initialized", json!({}));
        agent
    }

    /// Writes a line as it is.
    pub fn line(&mut self, line: &str) {
        writeln!(self.to, "{line}").expect("it reads");
    }

    /// Sends a notification.
    pub fn tell(&mut self, method: &str, params: Value) {
        self.line(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
    }

    /// Sends a request without waiting for its response; its number.
    pub fn begin(&mut self, method: &str, mut params: Value) -> u64 {
        self.next += 1;
        if self.is_modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        self.line(&json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params }).to_string());
        self.next
    }

    /// Sends a request, and waits for its response.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        self.response(id)
    }

    /// The response of a request; waits for it where it has not come before those of others.
    ///
    /// # Panics
    /// When there is none.
    pub fn response(&mut self, id: u64) -> Value {
        let mark = format!("\"id\":{id},");
        let come = self.running.stdout().lines().find(|line| line.contains(&mark)).map(str::to_owned);
        let line = come.unwrap_or_else(|| self.running.wait_for(&mark));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
    }

    /// Calls a tool.
    ///
    /// # Panics
    /// When the answer is not one block of text.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Said {
        let response = self.ask("tools/call", json!({ "name": tool, "arguments": arguments }));
        let result = &response["result"];
        assert!(result.get("structuredContent").is_none(), "{response}");
        let [block] = result["content"].as_array().map(Vec::as_slice).unwrap_or_default() else {
            panic!("not one block: {response}")
        };
        let text = block["text"].as_str().unwrap_or_else(|| panic!("no text: {response}")).to_owned();
        Said { text, is_error: result["isError"] == true }
    }

    /// The answer of a call that has one.
    ///
    /// # Panics
    /// When it has none.
    pub fn answer(&mut self, tool: &str, arguments: Value) -> String {
        let said = self.call(tool, arguments.clone());
        assert!(!said.is_error, "{tool} {arguments}: {}", said.text);
        said.text
    }

    /// The sentence of a call that has no answer.
    ///
    /// # Panics
    /// When it has one.
    pub fn refusal(&mut self, tool: &str, arguments: Value) -> String {
        let said = self.call(tool, arguments.clone());
        assert!(said.is_error, "{tool} {arguments}: {}", said.text);
        said.text
    }

    /// Closes its stdin, and waits for its end.
    #[must_use]
    pub fn end(self) -> Ran {
        drop(self.to);
        self.running.finish()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(self) -> Ran {
        self.running.kill()
    }
}
