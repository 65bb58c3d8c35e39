//! Agents ask: the Model Context Protocol over stdin and stdout, with three tools that read.
//!
//! `search` finds code, `read` shows it, `repositories` says what there is to ask. Each answer is one block of text
//! within the tokens that were asked for, and its first line says from which commit it is and how fresh that is. What
//! stands in a repository is shown behind line numbers, never as a line of ours, and never in what is said of the
//! server itself.
//!
//! Both eras of the protocol are spoken: 2026-07-28, in which each request says all about itself, and those before it,
//! which begin with `initialize`. Whatever a client asks before its first call needs neither database nor model; both
//! are opened by that.

mod arguments;
mod asked;
mod budget;
mod cache;
mod calls;
mod chosen;
mod defined;
mod found;
mod head;
mod known;
mod laid;
mod listing;
mod nearest;
mod outline;
mod place;
mod read;
mod refused;
mod search;
mod server;
mod source;
mod tokens;
mod tools;

pub use cache::{Cache, Door};
pub use server::{McpError, serve};
