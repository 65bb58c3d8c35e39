//! The pipeline: a claimed job goes one way, in bounded hops, from git to the cache.
//!
//! ```text
//!               Claimed                 Listed                 Finished
//! refresh  ─────────▶ Fetcher pool ─────────▶ Hasher pool ──────────────────────▶ Storer pool ──▶ entries, artifacts
//! queue                 git                     CPU                                 database      │ makes fills
//! fill     ─────────▶ Filler pool ──────────────────────────▶ Embedder pool ────▶ Storer pool ──▶ vectors
//!   ▲   Claimer Lacking database                  Embed         CPU/GPU   Finished  database      │
//!   └────────────────────────────── parts done, parts lost, endings ──────────────────────────────┘
//! ```
//!
//! | message | from | to | carries |
//! |---|---|---|---|
//! | [`batch::Claimed`] | Claimer | Fetcher | a refresh's first part |
//! | [`batch::Listed`] | Fetcher | Hasher | up to 32 changed files; the last one the first part |
//! | [`batch::Lacking`] | Claimer | Filler | a fill's first part |
//! | [`batch::Embed`] | Filler | Embedder | up to 128 texts that have no vector |
//! | [`batch::Finished`] | Hasher, Embedder | Storer | digested files; texts with what became of them |
//!
//! A refresh never waits for an embedding (W-15): no text is embedded on its way, and the two share the Storer alone.
//! Nothing flows back but parts and endings ([`Ticket`]). What is the same for all stages is in `stage.rs`; what is
//! measured and what happens leaves by the [`Observer`]. [`start`] puts it all under one supervision tree.

pub mod batch;
pub mod child;

mod anew;
mod assembly;
mod audit;
mod backoff;
mod batcher;
mod call;
mod check;
mod claimer;
mod claiming;
mod counters;
mod digest;
mod door;
mod embedder;
mod ending;
mod fatal;
mod faults;
mod fetcher;
mod file;
mod filler;
mod fleet;
mod git_call;
mod git_endings;
mod git_worker;
mod git_workers;
mod hasher;
mod hold;
mod identity;
mod isolation;
mod kept;
mod lease;
mod ledger;
mod listing;
mod live;
mod machine;
mod mailboxes;
mod measurements;
mod measuring;
mod message;
mod model_call;
mod notifications;
mod observer;
mod open_step;
mod part;
mod pause;
mod places;
mod plan;
mod prefetch;
mod registration;
mod request;
mod rescuer;
mod running;
mod sampler;
mod scheduler;
mod selection;
mod session;
mod settings;
mod settlement;
mod settler;
mod single_flight;
mod slots;
mod slowest;
mod stage;
mod starvation;
mod stopwatch;
mod storer;
mod summary;
#[cfg(test)]
mod testing;
mod ticket;
mod timeline;
mod tokens;
mod told;
mod tools;
mod tree;
mod tuner;
mod update;
mod upkeep;
mod vitals;
mod yielding;

pub use assembly::{Assembly, AssemblyError};
pub use backoff::some_of;
pub use call::{Call, System};
pub use counters::{Counter, Counters, Stage};
pub use ending::{Ending, PublishedFiles};
pub use faults::{Edge, Faults, NoFaults};
pub use fleet::Fleet;
pub use git_call::{GitCall, GitOperation, GitOutcome};
pub use git_workers::{GitWorkers, serve_git};
pub use hold::Held;
pub use identity::Identity;
pub use isolation::{Heard, Isolation};
pub use kept::Kept;
pub use ledger::{Count, Ledger};
pub use live::Live;
pub use machine::Machine;
pub use mailboxes::Mailboxes;
pub use measurements::{Limited, Measurements, ProviderTotals, StageTotals, Totals};
pub use measuring::Measuring;
pub use message::Order;
pub use model_call::{ModelCall, ModelOutcome};
pub use observer::{Ended, Event, Listener, Observer, job_events};
pub use part::{Part, Publish};
pub use plan::{Planned, PlannedFiles, PlannedTexts, Planner, Speed, measure_speed};
pub use registration::Registered;
pub use running::Running;
pub use sampler::{Sampler, bounded};
pub use selection::Selection;
pub use settings::{
    ClaimerSettings, EmbedderSettings, FetcherSettings, FillSettings, HasherSettings, SchedulerSettings, Settings,
    StorerSettings, SupervisionSettings,
};
pub use slowest::{Slowest, Took};
pub use ticket::{Report, Reports, Target, Ticket};
pub use timeline::{SlowFile, StageTimes, Step, Timeline, Waits};
pub use tools::{Tools, Tracer, Untraced, attempt_span};
pub use tree::{StartError, start};
pub use tuner::Tuner;
pub use vitals::Vitals;
