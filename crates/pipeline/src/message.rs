//! What a process and the child that runs one of its jobs say to each other: one JSON value in each frame.
//!
//! A lease is an answer to a moment of the child's own clock, and counts from that: one that was long on its way is
//! shorter, never longer, than what the parent has.

use std::io;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use warmer_content::Recipe;

use crate::ending::Ending;
use crate::timeline::Timeline;
use crate::told::Told;

/// The first message to a child: its job, and all that it needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// The parent's process id.
    pub parent: u32,
    /// The fence of the attempt.
    pub claim: Uuid,
    /// The parent's name in the queue.
    pub instance: Uuid,
    /// What the parent makes vectors and chunks by.
    pub recipe: Recipe,
    /// The trace that the attempt goes on in.
    pub traceparent: Option<String>,
    /// As [`warmer_store::Publication::fills`].
    pub fills: bool,
    /// Bytes that the child may write to.
    pub memory_max: u64,
    /// The configuration in force, as the program wrote it.
    pub configuration: String,
}

/// Further messages to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ToChild {
    /// Nobody else can have the parent's locks for so long.
    Lease {
        /// From this moment on, as the child said it.
        from: Duration,
        /// For so long.
        time: Duration,
    },
    /// The job is to end.
    End,
}

/// Messages of a child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromChild {
    /// It lives, and this is what it has done.
    Goes {
        /// The moment, by its own clock.
        at: Duration,
        /// As [`crate::Counters::figures`].
        figures: Vec<u64>,
        /// When, and for how long.
        timeline: Box<Timeline>,
        /// What happened since the last message.
        told: Vec<Told>,
        /// Something of the job went on since the last such message.
        progressed: bool,
    },
    /// It is done, and ends.
    Ended {
        /// As [`crate::Counters::figures`].
        figures: Vec<u64>,
        /// When, and for how long.
        timeline: Box<Timeline>,
        /// What happened since the last message.
        told: Vec<Told>,
        /// How the job ended. What was published is published.
        ending: Ending,
    },
}

/// A message as bytes.
pub(crate) fn written(message: &impl Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(message).map_err(io::Error::other)
}

/// The message that bytes are.
///
/// # Errors
/// When they are none: the other side is of another version.
pub(crate) fn read<M: DeserializeOwned>(bytes: &[u8]) -> io::Result<M> {
    serde_json::from_slice(bytes).map_err(io::Error::other)
}
