//! The pipeline: a claimed job goes one way, in bounded hops, from git to the cache.
//!
//! ```text
//!         Claimed                 Listed                  Embed                    Batch
//! queue ─────────▶ Fetcher pool ─────────▶ Hasher pool ─────────▶ Embedder pool ─────────▶ Storer pool ──▶ cache
//!   ▲   Claimer      git                     CPU                    CPU/GPU                  database      │
//!   └────────────────────────────────── parts done, parts lost, verdicts ──────────────────────────────────┘
//! ```
//!
//! | message | from | to | carries |
//! |---|---|---|---|
//! | [`batch::Claimed`] | Claimer | Fetcher | the job's first part |
//! | [`batch::Listed`] | Fetcher | Hasher | up to 32 changed files; the last one the first part |
//! | [`batch::Embed`] | Hasher | Embedder | digested files, with the texts that have no vector |
//! | [`batch::Batch`] | Embedder | Storer | digested files, with all their vectors |
//!
//! Nothing flows back but parts and verdicts ([`ticket`]). [`start`] puts it all under one supervision tree.

pub mod batch;
pub mod child;
pub mod ticket;

mod assembly;
mod audit;
mod backoff;
mod claimer;
mod cutter;
mod digest;
mod embedder;
mod endings;
mod entrance;
mod fatal;
mod faults;
mod fetcher;
mod file;
mod fleet;
mod hands;
mod hasher;
mod hints;
mod identity;
mod isolation;
mod ledger;
mod message;
mod outcome;
mod part;
mod pause;
mod rescuer;
mod scheduler;
mod session;
mod settings;
mod settling;
mod single_flight;
mod slots;
mod storer;
mod summary;
mod tally;
mod tokens;
mod tools;
mod tree;
mod trust;

pub use assembly::{Assembly, AssemblyError};
pub use backoff::some_of;
pub use entrance::Entered;
pub use faults::{Edge, Faults, NoFaults};
pub use fleet::Fleet;
pub use hands::{GitHands, serve_git};
pub use identity::Identity;
pub use isolation::{Heard, Isolation};
pub use ledger::{Count, Ledger};
pub use message::Order;
pub use outcome::{Event, NO_PLACE, Outcome, Outcomes, Scope, Verdict};
pub use settings::{
    ClaimerSettings, EmbedderSettings, FetcherSettings, HasherSettings, SchedulerSettings, Settings, StorerSettings,
    SupervisionSettings,
};
pub use tally::{Counter, Stage, Tally};
pub use tools::{Tools, Tracer, Untraced, attempt_span};
pub use tree::{Mailboxes, Running, StartError, start};
