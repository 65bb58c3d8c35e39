//! The pipeline: a claimed job goes one way, in bounded hops, from git to the cache.
//!
//! ```text
//!         Claimed                 Listed                  Embed                    Batch
//! queue ─────────▶ Fetcher pool ─────────▶ Hasher pool ─────────▶ Embedder pool ─────────▶ Storer pool ──▶ cache
//!   ▲   Claimer      git                     CPU                    CPU/GPU                  database      │
//!   └────────────────────────────────── parts done, parts lost, endings ───────────────────────────────────┘
//! ```
//!
//! | message | from | to | carries |
//! |---|---|---|---|
//! | [`batch::Claimed`] | Claimer | Fetcher | the job's first part |
//! | [`batch::Listed`] | Fetcher | Hasher | up to 32 changed files; the last one the first part |
//! | [`batch::Embed`] | Hasher | Embedder | digested files, with the texts that have no vector |
//! | [`batch::Batch`] | Embedder | Storer | digested files, with all their vectors |
//!
//! Nothing flows back but parts and endings ([`Ticket`]). What is the same for all stages is in `stage.rs`; what is
//! measured and what happens leaves by the [`Observer`]. [`start`] puts it all under one supervision tree.

pub mod batch;
pub mod child;

mod assembly;
mod audit;
mod backoff;
mod batcher;
mod check;
mod claimer;
mod claiming;
mod counters;
mod digest;
mod embedder;
mod ending;
mod fatal;
mod faults;
mod fetcher;
mod file;
mod fleet;
mod git_endings;
mod git_worker;
mod git_workers;
mod hasher;
mod identity;
mod isolation;
mod lease;
mod ledger;
mod listing;
mod measurements;
mod message;
mod notifications;
mod observer;
mod part;
mod pause;
mod prefetch;
mod registration;
mod request;
mod rescuer;
mod scheduler;
mod selection;
mod session;
mod settings;
mod settlement;
mod settler;
mod single_flight;
mod slots;
mod stage;
mod starvation;
mod storer;
mod summary;
#[cfg(test)]
mod testing;
mod ticket;
mod tokens;
mod tools;
mod tree;
mod update;
mod upkeep;
mod vitals;

pub use assembly::{Assembly, AssemblyError};
pub use backoff::some_of;
pub use counters::{Counter, Counters, Stage};
pub use ending::{Ending, PublishedFiles};
pub use faults::{Edge, Faults, NoFaults};
pub use fleet::Fleet;
pub use git_workers::{GitWorkers, serve_git};
pub use identity::Identity;
pub use isolation::{Heard, Isolation};
pub use ledger::{Count, Ledger};
pub use measurements::{Measurements, ProviderTotals, StageTotals, Totals};
pub use message::Order;
pub use observer::{Ended, Event, Listener, Observer, job_events};
pub use part::{Part, Publish};
pub use registration::Registered;
pub use selection::Selection;
pub use settings::{
    ClaimerSettings, EmbedderSettings, FetcherSettings, HasherSettings, SchedulerSettings, Settings, StorerSettings,
    SupervisionSettings,
};
pub use ticket::{Report, Reports, Target, Ticket};
pub use tools::{Tools, Tracer, Untraced, attempt_span};
pub use tree::{Mailboxes, Running, StartError, start};
pub use vitals::Vitals;
