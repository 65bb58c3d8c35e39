//! The configuration as the settings of the crates below.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use warmer_content::{ChunkLimits, EmbeddingId, Rules, RulesConfig};
use warmer_pipeline::{ClaimerSettings, Deadlines, Restarts, Schedule, Settings};
use warmer_supervision::{Limits, RestartLimits};

use super::repositories::too_many_globs;
use super::sections::{Config, Content};
use super::units::{Size, Time};

/// How often the queue is looked at when nothing else wakes the Claimer.
const POLL: Duration = Duration::from_millis(1_500);

/// Abandoned threads above which the process exits: each may hold a core and the memory of a file.
const ABANDONED_MAX: usize = 8;

impl Config {
    /// The pipeline's settings.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            claimer: self.claimer_settings(),
            fetcher: limits(self.fetcher.workers.get(), self.fetcher.mailbox, self.fetcher.mailbox_size),
            hasher: limits(or_cores(self.hasher.workers), self.hasher.mailbox, self.hasher.mailbox_size),
            embedder: limits(or_cores(self.embedder.workers), self.embedder.mailbox, self.embedder.mailbox_size),
            storer: limits(self.storer.workers.get(), self.storer.mailbox, self.storer.mailbox_size),
            deadlines: Deadlines {
                fetch: self.fetcher.deadline.0.into(),
                file: self.hasher.file_deadline.0.into(),
                text: self.embedder.text_deadline.0.into(),
            },
            recent_texts: self.embedder.recent,
            self_fencing: true,
            restarts: self.restarts(),
            abandoned_max: ABANDONED_MAX,
            schedule: None,
        }
    }

    /// The pipeline's settings for a process that stays: it also puts what is due in the queue.
    pub(crate) fn daemon_settings(&self) -> Settings {
        let scheduler = &self.scheduler;
        let schedule = Schedule {
            every: scheduler.every.0,
            list_batch: scheduler.list_batch.get(),
            list_pause: scheduler.list_pause.0,
        };
        Settings { schedule: Some(schedule), ..self.settings() }
    }

    fn claimer_settings(&self) -> ClaimerSettings {
        let claimer = &self.claimer;
        ClaimerSettings {
            concurrency: claimer.concurrency.get(),
            attempts_max: claimer.attempts_max.get(),
            retry_first: claimer.retry_first.0,
            retry_most: claimer.retry_most.0,
            slots: claimer.slots,
            slot_wait_max: claimer.slot_wait_max.0,
            stall: claimer.stall.0,
            poll: POLL,
        }
    }

    fn restarts(&self) -> Restarts {
        let supervision = &self.supervision;
        let policy = |intensity, period: Time| RestartLimits {
            intensity,
            period: period.0,
            first_delay: supervision.first_delay.0,
            most_delay: supervision.most_delay.0,
        };
        Restarts {
            workers: policy(supervision.intensity, supervision.period),
            line: policy(supervision.line_intensity, supervision.line_period),
            root: policy(supervision.root_intensity, supervision.root_period),
        }
    }

    /// What all instances of a database are to have alike, by key: names what differs, to people.
    pub(crate) fn agreed_keys(&self, model: EmbeddingId) -> BTreeMap<String, String> {
        let Content { include, exclude, file_size_max, generated, vendored, lock_files, minified, .. } = &self.content;
        let Content { chunk_tokens, chunk_bytes, structure_size_max, .. } = &self.content;
        let model: String = model.to_string().chars().take(16).collect();
        [
            ("model", model),
            ("model.length_max", self.model.length_max.to_string()),
            ("content.include", format!("{include:?}")),
            ("content.exclude", format!("{exclude:?}")),
            ("content.file_size_max", file_size_max.0.to_string()),
            ("content.generated", generated.to_string()),
            ("content.vendored", vendored.to_string()),
            ("content.lock_files", lock_files.to_string()),
            ("content.minified", minified.to_string()),
            ("content.chunk_tokens", chunk_tokens.to_string()),
            ("content.chunk_bytes", chunk_bytes.to_string()),
            ("content.structure_size_max", structure_size_max.0.to_string()),
            ("claimer.slots", self.claimer.slots.to_string()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    /// What is indexed.
    pub(crate) fn rules(&self) -> RulesConfig {
        rules(&self.content)
    }

    /// The limits of a chunk for a model that reads at most `tokens_max` tokens of a text, special ones not counted.
    pub(crate) fn chunk_limits(&self, tokens_max: u32) -> ChunkLimits {
        let content = &self.content;
        ChunkLimits {
            tokens: content.chunk_tokens.get().min(tokens_max),
            tokens_max,
            bytes: content.chunk_bytes.get(),
            structure_bytes: content.structure_size_max.0,
            parse_deadline: content.parse_deadline.0,
        }
    }

    /// The time that one file may take, over all that is done to it: in milliseconds.
    pub(crate) fn patience(&self) -> u64 {
        let limits = [self.content.parse_deadline.0, self.hasher.file_deadline.0, self.embedder.text_deadline.0];
        limits.iter().map(Duration::as_millis).sum::<u128>().try_into().unwrap_or(u64::MAX)
    }

    /// The most tokens that the model reads, where the configuration lowers the model's own limit.
    pub(crate) fn length_max(&self) -> Option<usize> {
        NonZeroUsize::new(self.model.length_max).map(NonZeroUsize::get)
    }
}

/// What is indexed, by this section.
pub(super) fn rules(content: &Content) -> RulesConfig {
    RulesConfig {
        include: content.include.clone(),
        exclude: content.exclude.clone(),
        file_bytes_max: content.file_size_max.0,
        generated: content.generated,
        vendored: content.vendored,
        lock_files: content.lock_files,
        minified: content.minified,
    }
}

/// The key whose glob does not read, and why.
pub(super) fn bad_rules(content: &Content) -> Option<(&'static str, String)> {
    let only = |include: &[String], exclude: &[String]| RulesConfig {
        include: include.to_vec(),
        exclude: exclude.to_vec(),
        ..rules(content)
    };
    let include = ("content.include", only(&content.include, &[]));
    let exclude = ("content.exclude", only(&[], &content.exclude));
    [include, exclude].into_iter().find_map(|(key, rules)| {
        let too_many = too_many_globs(&rules.include).or_else(|| too_many_globs(&rules.exclude));
        Some((key, too_many.or_else(|| Some(Rules::new(&rules).err()?.to_string()))?))
    })
}

fn limits(workers: usize, mailbox: NonZeroUsize, mailbox_size: Size) -> Limits {
    Limits { workers, mailbox: mailbox.get(), mailbox_bytes: mailbox_size.0 }
}

/// `workers`, or one per core where it is 0.
fn or_cores(workers: usize) -> usize {
    if workers > 0 { workers } else { available_parallelism().map_or(1, NonZeroUsize::get) }
}
