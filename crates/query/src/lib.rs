//! What answers: everything that is read out of the cache and the queue, as plain values.
//!
//! A *view* is a type that serialises to what `--json` prints; its fields stand in the order of their names, and are
//! only ever added to. Whoever asks renders it: as text on a terminal, as JSON, as the body of an HTTP response.
//! Nothing here knows an argument, a current directory, a terminal or the environment.
//!
//! | to learn | ask |
//! |---|---|
//! | which code means this | [`search()`], with a [`QuerySession`] |
//! | which files a repository serves | [`Entries`] |
//! | how one file was cut into chunks, and what it defines | [`File`] |
//! | where a repository defines a name | [`definitions_of()`] |
//! | which repositories are followed, and how old what they serve is | [`Repositories`] |
//! | what is queued and running, and how attempts ended | [`Jobs`] |
//! | how the queue does | [`Status`] |
//! | where the time of a job's attempts went | [`Trace`]; from a file of spans, without a database: [`SpansFile`] |
//! | what a demand needs, in slots, instances and what each takes | [`Capacity`] |
//! | what came of pools of another size | [`Tuning`] |
//! | which models vectors are made by, and which searches use | [`Generations`] |
//!
//! Every view takes a [`Scope`], the repositories that it may be about: a repository outside it changes no answer, no
//! count and no sentence.
//!
//! ```no_run
//! use std::path::PathBuf;
//!
//! use warmer_query::{ModelPath, QuerySession, Scope, Search, Snapshots, search};
//! use warmer_store::{Role, Sqlite};
//!
//! # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Sqlite::open(&PathBuf::from("warmer.sqlite"), Role::Reader).await?;
//! let session = QuerySession::new(ModelPath {
//!     directory: "model".into(),
//!     length_max: None,
//!     runtime: Ok("libonnxruntime.so".into()),
//!     graphs: None,
//! });
//! let (snapshots, asked) = (Snapshots::default(), Search::of("where is the retry delay computed"));
//! let report = search(&store, &Scope::All, &snapshots, &session, &asked).await?;
//! for hit in &report.hits {
//!     for range in &hit.ranges {
//!         println!("{}:{}-{}", hit.path, range.start_line, range.end_line);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]

mod bottleneck;
mod capacity;
mod entries;
mod error;
mod file;
mod freshness;
mod generations;
mod jobs;
mod moment;
mod names;
mod paths;
mod rank;
mod refresh;
mod repositories;
mod running;
mod scope;
mod search;
mod segment;
mod session;
mod settings;
mod sizes;
mod spans_file;
mod status;
mod symbols;
pub mod text;
mod trace;
mod trouble;
mod tuning;
mod words;
mod workload;

pub use bottleneck::Bottleneck;
pub use capacity::{Bottlenecks, Capacity, Demand, KnownMemory, Measured, PerInstance, Rollout, Span, Traffic};
pub use entries::{Entries, Entry, Files, Pages};
pub use error::QueryError;
pub use file::{Chunk, File};
pub use freshness::Freshness;
pub use generations::{Generation, Generations};
pub use jobs::{Attempt, Job, Jobs, JobsRequest, Refusal, Shard};
pub use moment::Moment;
pub use names::{find, label, listed, short_name};
pub use paths::BadPattern;
pub use rank::{Reason, Sides, Signals};
pub use refresh::Refresh;
pub use repositories::{Coverage, Repositories, RepositoriesRequest, Repository, Sort};
pub use running::RunningJob;
pub use scope::Scope;
pub use search::{FilterNames, Hit, Location, QueryLength, Range, Report, Search, Searched, Standing, State, search};
pub use segment::{SegmentFiles, Snapshots};
pub use session::{Embed, ModelPath, QuerySession, QueryVector};
pub use settings::SearchSettings;
pub use sizes::TunedSize;
pub use spans_file::{SpansFile, SpansFileError, TracedJob, TracedJobs};
pub use status::{Aliases, Difference, Ended, Fleet, Instance, Status};
pub use symbols::{Defined, Definition, Reference, definitions_of, symbols};
pub use trace::{RunningAttempt, Trace, TracedAttempt, TracedFile, TracedStage};
pub use trouble::Trouble;
pub use tuning::{Looks, Rates, StageSpeed, TunedPool, Tuning, Verdict};
pub use workload::{Figures, StageWork, Workload};
