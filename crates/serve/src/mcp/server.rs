//! The protocol: what a client may ask of us, by the official crate.

use std::sync::Arc;
use std::time::Duration;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation,
    InitializeResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ToolAnnotations,
};
use rmcp::service::{QuitReason, RequestContext, RoleServer, serve_directly};
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, Semaphore};
use warmer_supervision::{Outcome, call};

use super::cache::{Cache, Opened};
use super::calls;
use super::refused::Refused;
use super::tools::{Tool, instructions, tools};

/// How long a call may take: clients give up after a minute.
const CALL_MAX: Duration = Duration::from_secs(50);

/// Calls that are worked on at once; others wait. Each may read a whole repository's rows.
const CALLS_MAX: usize = 4;

/// How long a client may keep what is said of the server and its tools: they change with the program.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// The conversation broke off.
#[derive(Debug, thiserror::Error)]
#[error("the conversation with the client broke off: {0}")]
pub struct McpError(String);

/// Talks to one client until it closes its side: a line of JSON for each message, in either direction.
///
/// # Errors
/// When the conversation ends otherwise.
pub async fn serve<R, W>(cache: Cache, from: R, to: W) -> Result<(), McpError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let server = Server { opened: Arc::new(Opened::new(cache)), turns: Semaphore::new(CALLS_MAX) };
    // Not by the crate's own handshake: that ends the process at a first message that it does not expect.
    match serve_directly(server, (from, to), None).waiting().await {
        Ok(QuitReason::Closed | QuitReason::Cancelled) => Ok(()),
        Ok(reason) => Err(McpError(format!("{reason:?}"))),
        Err(error) => Err(McpError(error.to_string())),
    }
}

struct Server {
    opened: Arc<Opened>,
    turns: Semaphore,
}

impl ServerHandler for Server {
    fn get_info(&self) -> InitializeResult {
        let who = Implementation::new("warmer", env!("CARGO_PKG_VERSION")).with_title("Warmer");
        InitializeResult::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(who)
            .with_instructions(instructions(self.opened.cache.is_shared))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let all = tools().map(listed).into();
        Ok(ListToolsResult::with_all_items(all).with_ttl_ms(kept()).with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let answer = tokio::select! {
            answer = self.answer(request.name.into_owned(), request.arguments) => answer,
            // Nobody waits for it; what was begun is dropped.
            () = context.ct.cancelled() => Some(Err(Refused::new("the call was cancelled"))),
        };
        let result = match answer {
            Some(Ok(text)) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Some(Err(Refused(sentence))) => CallToolResult::error(vec![ContentBlock::text(sentence)]),
            None => return Err(ErrorData::invalid_params(no_tool(), None)),
        };
        Ok(result.into())
    }
}

impl Server {
    /// The answer of a tool, whatever becomes of it; `None` where there is none of that name.
    async fn answer(&self, tool: String, given: Option<Map<String, Value>>) -> Option<Result<String, Refused>> {
        // It is never closed.
        let _turn = self.turns.acquire().await.ok()?;
        let (opened, stopped) = (self.opened.clone(), Arc::new(Notify::new()));
        let work = {
            let stopped = stopped.clone();
            async move {
                tokio::select! {
                    answer = calls::call(&opened, &tool, given) => answer,
                    () = stopped.notified() => Some(Err(late())),
                }
            }
        };
        match call(CALL_MAX, move || stopped.notify_one(), work).await {
            Outcome::Done(answer) | Outcome::Stopped(answer) => answer,
            Outcome::Late => Some(Err(late())),
            Outcome::Panicked(text) => {
                tracing::error!(text, "a call of a tool panicked");
                Some(Err(Refused::new(format!("the call could not be worked on: {text}"))))
            }
        }
    }
}

fn late() -> Refused {
    let seconds = CALL_MAX.as_secs();
    Refused::new(format!("there was no answer within {seconds} s: ask for fewer `repositories`, or again later"))
}

fn no_tool() -> String {
    let names: Vec<_> = tools().into_iter().map(|tool| tool.name).collect();
    format!("there is no such tool: there are {}", names.join(", "))
}

fn kept() -> u64 {
    KEPT.as_secs() * 1000
}

fn listed(tool: Tool) -> rmcp::model::Tool {
    let reads = ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false);
    rmcp::model::Tool::new(tool.name, tool.description, tool.arguments).with_title(tool.title).with_annotations(reads)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use serde_json::{Value, json};
    use tokio::io::{AsyncWriteExt as _, duplex, split};
    use tokio::sync::mpsc;
    use tokio::time::Instant;
    use warmer_content::EmbeddingId;
    use warmer_query::{Embed, QueryError, QueryVector, Scope, Snapshots};
    use warmer_store::Store;

    use super::super::cache::Door;
    use super::*;

    /// A database that never answers: says when it is asked, and when who asked gave up.
    struct Silent(mpsc::Sender<&'static str>);

    struct Waiting(mpsc::Sender<&'static str>);

    impl Drop for Waiting {
        fn drop(&mut self) {
            let _ = self.0.try_send("given up");
        }
    }

    #[async_trait]
    impl Door for Silent {
        async fn open(&self) -> Result<Arc<dyn Store>, String> {
            let _ = self.0.try_send("asked");
            let _waiting = Waiting(self.0.clone());
            std::future::pending().await
        }
    }

    struct NoModel;

    #[async_trait]
    impl Embed for NoModel {
        async fn embed(&self, _: &str, _: EmbeddingId) -> Result<QueryVector, QueryError> {
            Err(QueryError::Panicked("there is no model".to_owned()))
        }
    }

    fn line(message: &Value) -> String {
        format!("{message}\n")
    }

    fn call(id: usize) -> String {
        let of_client = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "name": "repositories", "arguments": {}, "_meta": of_client });
        line(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }))
    }

    fn cancel(id: usize) -> String {
        let params = json!({ "requestId": id });
        line(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_cancelled_is_given_up_at_once_and_lets_the_next_begin() {
        let (told, mut heard) = mpsc::channel(8);
        let cache = Cache {
            door: Box::new(Silent(told)),
            session: Box::new(NoModel),
            snapshots: Snapshots::default(),
            scope: Scope::All,
            directory: "/".into(),
            is_shared: true,
        };
        let (ours, theirs) = duplex(1 << 16);
        let ((_read, mut write), (from, to)) = (split(ours), split(theirs));
        let talk = async {
            let begun = Instant::now();
            for id in 1..=2 * CALLS_MAX {
                write.write_all(call(id).as_bytes()).await.unwrap();
                assert_eq!(heard.recv().await, Some("asked"));
                write.write_all(cancel(id).as_bytes()).await.unwrap();
                assert_eq!(heard.recv().await, Some("given up"));
            }
            assert_eq!(begun.elapsed(), Duration::ZERO, "the clock stands still unless something waits for it");
        };
        tokio::select! {
            ended = serve(cache, from, to) => panic!("the conversation ended: {ended:?}"),
            () = talk => {}
        }
    }
}
