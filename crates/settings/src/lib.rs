//! How settings are written, for the crates that have some: durations, sizes, counts, paths and secrets, each with its
//! JSON Schema and with the sentence that says what was expected.
//!
//! A crate's section of the configuration is a plain struct of its own. Its fields have the types that the crate works
//! with; how each is written is said beside it:
//!
//! ```
//! use std::time::Duration;
//!
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use warmer_settings::{AboveZero, Size, Time};
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Section {
//!     #[serde(with = "AboveZero::<usize>")]
//!     workers: usize,
//!     #[serde(with = "Size")]
//!     mailbox_size: u64,
//!     #[serde(with = "Time")]
//!     deadline: Duration,
//! }
//!
//! let text = r#"{ "workers": 2, "mailbox_size": "1MiB", "deadline": "1h 30m" }"#;
//! let section: Section = serde_json::from_str(text).unwrap();
//! assert_eq!((section.workers, section.mailbox_size), (2, 1 << 20));
//! assert_eq!(section.deadline, Duration::from_mins(90));
//! ```
//!
//! What no single value can say (two keys that contradict each other, a text with a grammar of its own) a section tells
//! as [`Mistake`]s.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]

mod duration;
mod mistake;
mod path;
mod secret;
mod units;

pub use duration::duration;
pub use mistake::Mistake;
pub use path::absolute;
pub use secret::{Secret, SecretSource, redacted};
pub use units::{AboveZero, Pause, Price, Size, Time, Workers};
