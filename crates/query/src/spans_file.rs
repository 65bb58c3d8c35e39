//! `SpansFile`: the jobs of a file of finished spans, as far as those tell of them. No database is asked.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use warmer_store::{AttemptOutcome, JobKind};
use warmer_traces::otlp::{Attribute, Exported, Resource, Span, Value};
use warmer_traces::{TraceContext, TraceFile, names};

use crate::freshness::by_name;
use crate::moment::Moment;
use crate::names::{HEAD, listed};
use crate::text::{counted, printable};
use crate::trace::{ATTEMPTS, STAGES, Trace, TracedAttempt, TracedStage};

/// Jobs that are listed, the latest ones.
const JOBS: usize = 20;
/// Batches that are told of, the slowest ones: as many as the history keeps.
const SLOWEST: usize = 10;
/// Of an error in OTLP.
const FAILED: u8 = 2;

/// What was read of a file.
#[derive(Debug)]
pub struct SpansFile {
    path: PathBuf,
    exported: Vec<Exported>,
    /// Lines that are none.
    unread: u64,
}

/// Why a file tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum SpansFileError {
    /// It cannot be read.
    #[error("cannot read {}: {error}", printable(&.path.display().to_string()))]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Nothing is in it.
    #[error("{} is empty: nothing was written to it yet", printable(&.path.display().to_string()))]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// It is no file of spans.
    #[error("{} has no spans: it is another program's, or torn; `[telemetry] traces_file` names ours",
        printable(&.path.display().to_string()))]
    NoSpans {
        /// Which file.
        path: PathBuf,
    },
    /// It has none of ours.
    #[error("{} has spans of {service}, but of no job whose attempt has ended",
        printable(&.path.display().to_string()))]
    NoJobs {
        /// Which file.
        path: PathBuf,
        /// Whose they are.
        service: String,
    },
    /// It has none of this job.
    #[error("{} has no attempt of job {job}; its jobs are {jobs}", printable(&.path.display().to_string()))]
    NoJob {
        /// Which file.
        path: PathBuf,
        /// Which job.
        job: i64,
        /// Some that it has, the latest first.
        jobs: String,
    },
}

/// The jobs of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TracedJobs {
    /// At most 20, the latest first.
    pub jobs: Vec<TracedJob>,
    /// How many more there are.
    pub left_out: u64,
}

/// A job of a file, by its attempts that ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TracedJob {
    /// How many there are.
    pub attempts: u64,
    /// When the last one ended.
    pub ended_at: Moment,
    /// The job's number.
    pub job: i64,
    /// What it is for.
    #[serde(serialize_with = "by_name")]
    pub kind: JobKind,
    /// How the last one ended.
    #[serde(serialize_with = "by_name")]
    pub outcome: AttemptOutcome,
    /// The ref that its repository follows; `None`: the remote's HEAD.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its repository's remote.
    pub repository: String,
    /// Of the last one, from its claim to its end.
    pub seconds: f64,
}

impl SpansFile {
    /// Reads the file, and what was put aside before it.
    ///
    /// # Errors
    /// When it cannot be read, or has no span of a job.
    pub fn read(path: &Path) -> Result<Self, SpansFileError> {
        let owned = || path.to_owned();
        let read = TraceFile::read(path).map_err(|error| SpansFileError::Unreadable { path: owned(), error })?;
        if read.exported.is_empty() && read.unread == 0 {
            return Err(SpansFileError::Empty { path: owned() });
        }
        let file = Self { path: owned(), exported: read.exported, unread: read.unread };
        let Some((resource, _)) = file.spans().next() else { return Err(SpansFileError::NoSpans { path: owned() }) };
        if file.roots().next().is_none() {
            let service = text(&resource.attributes, names::SERVICE_NAME).unwrap_or("another program");
            return Err(SpansFileError::NoJobs { path: owned(), service: printable(service).into_owned() });
        }
        Ok(file)
    }

    /// What could not be read of it, in a sentence.
    #[must_use]
    pub fn torn(&self) -> Option<String> {
        let path = self.path.display().to_string();
        let lines = counted(self.unread, "line");
        (self.unread > 0).then(|| {
            format!("passed over {lines} of {} without spans: a process may have died there", printable(&path))
        })
    }

    /// The jobs in it.
    #[must_use]
    pub fn jobs(&self) -> TracedJobs {
        let mut jobs = self.all_jobs();
        let left_out = jobs.len().saturating_sub(JOBS) as u64;
        jobs.truncate(JOBS);
        TracedJobs { jobs, left_out }
    }

    /// The attempts of one job: the latest ones, in the order in which they were made. Of jobs of several databases
    /// with this number it is the one that ended last.
    ///
    /// # Errors
    /// When none is in it.
    pub fn trace(&self, job: i64) -> Result<Trace, SpansFileError> {
        let jobs = self.all_jobs();
        let Some(latest) = jobs.iter().find(|one| one.job == job) else {
            let jobs = listed(jobs.iter().map(|job| job.job.to_string()));
            return Err(SpansFileError::NoJob { path: self.path.clone(), job, jobs });
        };
        let mut roots: Vec<_> = self.roots().filter(|root| root.is_of(latest)).collect();
        roots.sort_by_key(|root| root.span.start_time_unix_nano);
        let earlier = roots.len().saturating_sub(ATTEMPTS as usize);
        Ok(Trace {
            attempts: roots[earlier..].iter().map(|root| self.attempt(root)).collect(),
            job,
            kind: latest.kind,
            reference: latest.reference.clone(),
            repository: latest.repository.clone(),
            running: None,
        })
    }

    fn spans(&self) -> impl Iterator<Item = (&Resource, &Span)> {
        self.exported.iter().flat_map(Exported::spans)
    }

    fn roots(&self) -> impl Iterator<Item = Root<'_>> {
        self.spans().filter_map(|(_, span)| Root::of(span))
    }

    /// The latest first.
    fn all_jobs(&self) -> Vec<TracedJob> {
        let mut jobs: BTreeMap<_, (u64, Root<'_>)> = BTreeMap::new();
        for root in self.roots() {
            let (count, last) = jobs.entry((root.job, root.kind, root.repository, root.reference)).or_insert((0, root));
            *count += 1;
            if root.span.end_time_unix_nano >= last.span.end_time_unix_nano {
                *last = root;
            }
        }
        let mut jobs: Vec<_> = jobs.into_values().collect();
        jobs.sort_by_key(|(_, last)| std::cmp::Reverse(last.span.end_time_unix_nano));
        jobs.into_iter().map(|(attempts, last)| last.job(attempts)).collect()
    }

    fn attempt(&self, root: &Root<'_>) -> TracedAttempt {
        let (mut stages, mut slowest) = (vec![], vec![]);
        let trace = self.spans().map(|(_, span)| span).filter(|span| span.trace_id == root.span.trace_id);
        let mut below: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
        trace.for_each(|span| below.entry(&span.parent_span_id).or_default().push(span));
        let children = |of: &Span| below.get(&*of.span_id).map_or(&[][..], |spans| spans);
        for span in children(root.span) {
            let Some(mut stage) = stage(root.span, span) else { continue };
            let batches = || children(span).iter().filter_map(|batch| self::stage(root.span, batch));
            stage.tokens += batches().map(|batch| batch.tokens).sum::<u64>();
            slowest.extend(batches());
            stages.push(stage);
        }
        stages.sort_by_key(|stage| STAGES.iter().position(|name| *name == stage.stage));
        slowest.sort_by(|one, other| took(other).total_cmp(&took(one)));
        slowest.truncate(SLOWEST);
        root.attempt(stages, slowest)
    }
}

/// The root span of an attempt, with what it was about.
#[derive(Clone, Copy)]
struct Root<'a> {
    span: &'a Span,
    job: i64,
    kind: JobKind,
    repository: &'a str,
    reference: &'a str,
    outcome: AttemptOutcome,
}

impl<'a> Root<'a> {
    fn of(span: &'a Span) -> Option<Self> {
        let text = |key| text(&span.attributes, key);
        Some(Self {
            span,
            job: number(span, names::JOB)? as i64,
            kind: JobKind::from_name(text(names::JOB_KIND)?)?,
            repository: text(names::VCS_URL)?,
            reference: text(names::VCS_REF)?,
            outcome: AttemptOutcome::from_name(text(names::OUTCOME)?)?,
        })
        .filter(|root| root.span.name == names::PROCESS)
    }

    fn is_of(&self, job: &TracedJob) -> bool {
        (self.job, self.kind, self.repository) == (job.job, job.kind, &*job.repository)
            && self.reference() == job.reference
    }

    fn reference(&self) -> Option<String> {
        Some(self.reference).filter(|reference| *reference != HEAD).map(str::to_owned)
    }

    fn job(&self, attempts: u64) -> TracedJob {
        TracedJob {
            attempts,
            ended_at: moment(self.span.end_time_unix_nano),
            job: self.job,
            kind: self.kind,
            outcome: self.outcome,
            reference: self.reference(),
            repository: self.repository.to_owned(),
            seconds: seconds(self.span.start_time_unix_nano, self.span.end_time_unix_nano),
        }
    }

    fn attempt(&self, stages: Vec<TracedStage>, slowest: Vec<TracedStage>) -> TracedAttempt {
        let Self { span, outcome, .. } = *self;
        let parent = format!("00-{}-{}-01", span.trace_id, span.span_id);
        TracedAttempt {
            attempt: count(span, names::JOB_ATTEMPT) as u32,
            ended_at: moment(span.end_time_unix_nano),
            error: (span.status.code == FAILED).then(|| span.status.message.clone()),
            outcome,
            queued_seconds: number(span, names::JOB_WAIT).unwrap_or_default(),
            seconds: seconds(span.start_time_unix_nano, span.end_time_unix_nano),
            slot_wait_seconds: number(span, names::JOB_SLOT_WAIT),
            // No span tells of a file.
            slow_files: vec![],
            slowest,
            stages,
            started_at: moment(span.start_time_unix_nano),
            told_seconds: None,
            traceparent: TraceContext::new(&parent, None).map(|context| context.traceparent().to_owned()),
        }
    }
}

/// What a span tells of a stage, or of one batch of it; `None`: it is of none that there is.
fn stage(root: &Span, span: &Span) -> Option<TracedStage> {
    let stage = text(&span.attributes, names::STAGE).filter(|stage| STAGES.contains(stage))?;
    let prefix = names::wait("");
    let waits = span
        .attributes
        .iter()
        .filter_map(|Attribute { key, .. }| Some((key.strip_prefix(&prefix)?.to_owned(), rounded(number(span, key)?))));
    Some(TracedStage {
        batches: count(span, names::BATCHES),
        bytes: count(span, names::BYTES),
        first_seconds: seconds(root.start_time_unix_nano, span.start_time_unix_nano),
        items: count(span, names::ITEMS),
        last_seconds: seconds(root.start_time_unix_nano, span.end_time_unix_nano),
        stage: stage.to_owned(),
        tokens: count(span, names::GEN_AI_TOKENS),
        waits: waits.collect(),
        work_seconds: rounded(number(span, names::WORK).unwrap_or_default()),
    })
}

fn took(batch: &TracedStage) -> f64 {
    batch.last_seconds - batch.first_seconds
}

fn text<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a str> {
    match &attributes.iter().find(|attribute| attribute.key == key)?.value {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn number(span: &Span, key: &str) -> Option<f64> {
    match span.attributes.iter().find(|attribute| attribute.key == key)?.value {
        Value::IntValue(number) => Some(number as f64),
        Value::DoubleValue(number) => Some(number),
        _ => None,
    }
}

fn count(span: &Span, key: &str) -> u64 {
    number(span, key).unwrap_or_default() as u64
}

fn moment(nanoseconds: u64) -> Moment {
    Moment(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds))
}

fn seconds(from: u64, to: u64) -> f64 {
    rounded(Duration::from_nanos(to.saturating_sub(from)).as_secs_f64())
}

/// To the microsecond, as the history has them.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
