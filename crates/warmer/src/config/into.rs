//! The configuration as the settings of the crates below.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use warmer_content::{ChunkLimits, Rules, RulesConfig};
use warmer_git::{Credential, Options, Secret};
use warmer_pipeline::{ClaimerSettings, Deadlines, Restarts, Settings};
use warmer_supervision::{Limits, RestartPolicy};

use super::problem::{Place, Problem, Problems};
use super::sections::{self, Config, Content, Protocol};
use super::units::{Size, Time};
use crate::environment::Environment;

/// How often the queue is looked at when nothing else wakes the Claimer.
const POLL: Duration = Duration::from_secs(1);

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
        }
    }

    fn claimer_settings(&self) -> ClaimerSettings {
        let claimer = &self.claimer;
        ClaimerSettings {
            concurrency: claimer.concurrency.get(),
            attempts_max: claimer.attempts_max.get(),
            retry_first: claimer.retry_first.0,
            retry_most: claimer.retry_most.0,
            slots: claimer.slots.get(),
            slot_wait_max: claimer.slot_wait_max.0,
            stall: claimer.stall.0,
            poll: POLL,
        }
    }

    fn restarts(&self) -> Restarts {
        let supervision = &self.supervision;
        let policy = |intensity, period: Time| RestartPolicy {
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

    /// The most tokens that the model reads, where the configuration lowers the model's own limit.
    pub(crate) fn length_max(&self) -> Option<usize> {
        NonZeroUsize::new(self.model.length_max).map(NonZeroUsize::get)
    }

    /// How git may be used, tokens included.
    ///
    /// # Errors
    /// Every credential whose variable or file does not hold a token.
    pub(crate) fn git_options(&self, environment: &Environment) -> Result<Options, Problems> {
        let (mut credentials, mut problems) = (Vec::new(), Vec::new());
        for credential in &self.git.credentials {
            match token(credential, environment) {
                Ok(token) => credentials.push(Credential {
                    host: credential.host.clone(),
                    username: credential.username.clone(),
                    token,
                }),
                Err((place, message)) => {
                    problems.push(Problem { place, key: format!("git.credentials for {}", credential.host), message });
                }
            }
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        Ok(Options {
            protocols: self.git.protocols.iter().copied().map(Protocol::scheme).map(str::to_owned).collect(),
            fetch_bytes_max: self.git.fetch_size_max.0,
            object_bytes_max: self.git.object_size_max.0,
            ssh_command: Some(self.git.ssh_command.clone()).filter(|command| !command.is_empty()),
            credentials,
            ..Options::default()
        })
    }
}

/// The token that a credential names; else where it was looked for and why it is not there.
fn token(credential: &sections::Credential, environment: &Environment) -> Result<Secret, (Place, String)> {
    if let Some(file) = &credential.token_file {
        let place = Place::File { path: file.clone(), line: 1, column: 1 };
        let text = std::fs::read_to_string(file)
            .map_err(|error| (place.clone(), format!("the token's file cannot be read: {error}")))?;
        return match text.trim() {
            "" => Err((place, "the token's file is empty".to_owned())),
            token => Ok(Secret::new(token)),
        };
    }
    let name = credential.token_env.as_deref().unwrap_or_default();
    let missing = || (Place::Variable(name.to_owned()), "the variable with the token is not set".to_owned());
    environment.text(name).map(Secret::new).ok_or_else(missing)
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
    [include, exclude].into_iter().find_map(|(key, rules)| Some((key, Rules::new(&rules).err()?.to_string())))
}

fn limits(workers: usize, mailbox: NonZeroUsize, mailbox_size: Size) -> Limits {
    Limits { workers, mailbox: mailbox.get(), mailbox_bytes: mailbox_size.0 }
}

/// `workers`, or one per core where it is 0.
fn or_cores(workers: usize) -> usize {
    if workers > 0 { workers } else { available_parallelism().map_or(1, NonZeroUsize::get) }
}
