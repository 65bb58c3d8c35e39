//! What became of each repository that was asked for, in the order of the arguments.

use std::sync::Arc;
use std::time::{Duration, Instant};

use warmer_git::Remote;
use warmer_pipeline::{Ended, Event, PublishedFiles, Ticket};
use warmer_store::{AttemptOutcome, ClaimId, Coverage, JobId, Repository, RepositoryId};

use crate::exit::Exit;
use crate::output;

/// One repository that was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    /// Its URL, or nothing where the argument was refused: what it said is not repeated.
    pub(super) remote: Option<String>,
    /// The ref that was asked for.
    pub(super) reference: Option<String>,
    /// Its row, once there is one.
    pub(super) repository: Option<RepositoryId>,
    /// The job that will answer for it.
    pub(super) job: Option<JobId>,
    /// When it was asked for.
    pub(super) since: Instant,
    /// The latest attempt that the job had when it was asked for.
    pub(super) before: Option<ClaimId>,
    /// The user knows that another instance has the job.
    pub(super) announced: bool,
    /// An attempt of ours is under way: the pipeline will report how it ends.
    pub(super) open: bool,
    /// Attempts so far: a lost one is followed by another.
    pub(super) attempts: Vec<Arc<Ticket>>,
    /// Attempts that did something, and ended: one that only went back, for want of a slot or for others to take, did
    /// not.
    pub(super) worked: usize,
    /// From the first claim here, or the request where another instance did it, to the end.
    pub(super) took: Option<Duration>,
    /// It was put in the queue again for this process alone, because another gave it up.
    pub(super) taken_over: bool,
    /// How it ended.
    pub(super) answer: Option<Answer>,
    /// Fills of it that ran here.
    pub(super) fills: Vec<Arc<Ticket>>,
    /// Those of them that are under way.
    pub(super) filling: usize,
    /// From the same moment to the end of the last fill here.
    pub(super) filled: Option<Duration>,
    /// What it has of its vectors, once that was looked for.
    pub(super) coverage: Option<Coverage>,
    /// Texts that lacked a vector at the first look.
    pub(super) lacked_first: u64,
    /// How old it was at the last look that found some lacking.
    pub(super) lack_seen: Option<Duration>,
    /// How old it was at the look that found all its vectors.
    pub(super) complete_seen: Option<Duration>,
    /// Its fills by other instances that ran at that look, and have not left the queue yet.
    pub(super) fills_elsewhere: Vec<ClaimId>,
    /// Why its vectors do not come for now.
    pub(super) hold: Option<Hold>,
    /// Its fills were asked for.
    pub(super) fills_asked: bool,
    /// Nobody makes its vectors: a command has searches use another model.
    pub(super) is_left: bool,
    /// The fills that there are to take.
    pub(super) fill_jobs: Vec<JobId>,
    /// The user knows that it is served.
    pub(super) served_told: bool,
    /// That its vectors are complete was told.
    pub(super) complete_told: bool,
    /// Looks in a row that found all of its fills put off.
    pub(super) put_off: u32,
}

/// Why vectors do not come for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    /// As the history has it.
    pub(super) why: String,
    /// This process cannot make any: no model, no runtime.
    pub(super) unfit: bool,
}

/// How one repository ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// `warmed`, `fresh`, `retry` or `dead`.
    pub(super) verdict: &'static str,
    /// Why, where it did not succeed.
    pub(super) error: Option<String>,
    /// What was published.
    pub(super) files: PublishedFiles,
    /// The process could not do it: the model or the disk.
    pub(super) unfit: bool,
    /// Another instance did it.
    pub(super) elsewhere: bool,
}

impl Answer {
    /// It succeeded.
    pub(super) fn good(verdict: &'static str, files: PublishedFiles) -> Self {
        Self { verdict, error: None, files, unfit: false, elsewhere: false }
    }

    /// It did not.
    pub(super) fn failed(verdict: &'static str, error: String) -> Self {
        Self { verdict, error: Some(error), files: PublishedFiles::default(), unfit: false, elsewhere: false }
    }

    /// The answer that an attempt's end is; `None` where another attempt follows.
    fn of(ended: Ended) -> Option<Self> {
        if ended.goes_on() {
            return None;
        }
        let error = ended.error.unwrap_or_default();
        Some(match ended.outcome {
            AttemptOutcome::Fresh => Self::good("fresh", PublishedFiles::default()),
            AttemptOutcome::Warmed => Self::good("warmed", ended.files),
            _ if ended.given_up => Self::failed("dead", error),
            AttemptOutcome::Unfit => Self { unfit: true, ..Self::failed("retry", error) },
            _ => Self::failed("retry", error),
        })
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Answers(pub(super) Vec<Asked>);

impl Answers {
    /// A repository to be warmed; named twice it is warmed once.
    pub(super) fn expect(&mut self, remote: &Remote, reference: Option<&str>) {
        let location = |asked: &Asked| Some(Remote::from_url(asked.remote.as_deref()?).ok()?.location());
        if !self.0.iter().any(|asked| location(asked) == Some(remote.location())) {
            self.add(Some(remote.url().to_owned()), reference, None);
        }
    }

    /// An argument that names no repository.
    pub(super) fn refuse(&mut self, error: String, reference: Option<&str>) {
        self.add(None, reference, Some(Answer::failed("dead", error)));
    }

    fn add(&mut self, remote: Option<String>, reference: Option<&str>, answer: Option<Answer>) {
        let reference = reference.map(str::to_owned);
        let (repository, job, before) = (None, None, None);
        self.0.push(Asked {
            remote,
            reference,
            repository,
            job,
            since: Instant::now(),
            before,
            announced: false,
            open: false,
            attempts: vec![],
            worked: 0,
            took: None,
            taken_over: false,
            answer,
            fills: vec![],
            filling: 0,
            filled: None,
            coverage: None,
            lacked_first: 0,
            lack_seen: None,
            complete_seen: None,
            fills_elsewhere: vec![],
            hold: None,
            fills_asked: false,
            is_left: false,
            fill_jobs: vec![],
            served_told: false,
            complete_told: false,
            put_off: 0,
        });
    }

    /// Remotes and refs without an answer.
    pub(super) fn unanswered(&self) -> Vec<(String, Option<String>)> {
        let open = self.0.iter().filter(|asked| asked.answer.is_none());
        open.filter_map(|asked| Some((asked.remote.clone()?, asked.reference.clone()))).collect()
    }

    /// The job that will answer for a remote, and the latest attempt that it had. From now on the remote is called as
    /// its repository spells it.
    pub(super) fn bind(&mut self, remote: &str, job: JobId, repository: &Repository, before: Option<ClaimId>) {
        if let Some(asked) = self.0.iter_mut().find(|asked| asked.remote.as_deref() == Some(remote)) {
            (asked.job, asked.repository, asked.before) = (Some(job), Some(repository.id), before);
            asked.remote = Some(repository.remote.clone());
        }
    }

    /// The jobs that are still to answer, and the fills of those that did.
    pub(super) fn jobs(&self) -> Vec<JobId> {
        let open = self.0.iter().filter(|asked| asked.answer.is_none()).filter_map(|asked| asked.job);
        open.chain(self.0.iter().flat_map(|asked| asked.fill_jobs.iter().copied())).collect()
    }

    /// Takes in what the pipeline reports.
    pub(super) fn record(&mut self, event: Event) {
        match event {
            Event::Began(ticket) if ticket.claim.fill.is_some() => {
                if let Some(asked) = self.serving(ticket.claim.repository.id) {
                    asked.fills.push(ticket);
                    asked.filling += 1;
                }
            }
            Event::Began(ticket) => {
                if let Some(asked) = self.of(ticket.claim.job) {
                    asked.attempts.push(ticket);
                    asked.open = true;
                }
            }
            Event::Ended(ended) if ended.ticket.claim.fill.is_some() => {
                if let Some(asked) = self.serving(ended.ticket.claim.repository.id) {
                    asked.hold = Hold::of(&ended);
                    asked.filling = asked.filling.saturating_sub(1);
                    asked.filled = Some(asked.age());
                }
            }
            Event::Ended(ended) => {
                if let Some(asked) = self.of(ended.ticket.claim.job) {
                    if ended.outcome == AttemptOutcome::Refused {
                        let why = ended.error.as_deref().unwrap_or_default();
                        output::note(&format!("{}: waiting for another instance", output::printable_line(why)));
                    }
                    asked.worked += usize::from(has_worked(ended.outcome));
                    asked.answer = Answer::of(ended);
                    asked.open = false;
                    asked.took = asked.attempts.first().map(|first| first.age());
                }
            }
            _ => {}
        }
    }

    fn of(&mut self, job: JobId) -> Option<&mut Asked> {
        self.0.iter_mut().find(|asked| asked.job == Some(job))
    }

    /// Who asked for a repository, by its row.
    fn serving(&mut self, repository: RepositoryId) -> Option<&mut Asked> {
        self.0.iter_mut().find(|asked| asked.repository == Some(repository))
    }

    /// Gives this answer to all that have none.
    pub(super) fn fill(&mut self, answer: &Answer) {
        for asked in &mut self.0 {
            asked.answer.get_or_insert_with(|| answer.clone());
        }
    }

    /// Whether nothing is left to wait for.
    pub(super) fn all_answered(&self) -> bool {
        self.0.iter().all(|asked| asked.answer.is_some())
    }

    /// Whether all that is served has its vectors, or does not get them for now.
    pub(super) fn all_settled(&self) -> bool {
        self.0.iter().filter(|asked| asked.is_served()).all(Asked::is_settled)
    }

    /// Whether something is served by the recipe of this run.
    pub(super) fn any_served(&self) -> bool {
        let here = |answer: &Answer| answer.error.is_none() && !answer.elsewhere;
        let covered = |asked: &Asked| asked.coverage.as_ref().is_some_and(|coverage| coverage.chunks > 0);
        self.0.iter().any(|asked| covered(asked) || asked.answer.as_ref().is_some_and(here))
    }

    /// The worst answer decides: a configuration that cannot work, then what can never succeed, then what may later.
    pub(super) fn exit(&self) -> Exit {
        let answers = || self.0.iter().flat_map(|asked| &asked.answer);
        let holds = || self.0.iter().flat_map(|asked| &asked.hold);
        if answers().any(|answer| answer.unfit) || holds().any(|hold| hold.unfit) {
            return Exit::Unavailable;
        }
        match (answers().any(|answer| answer.verdict == "dead"), answers().any(|answer| answer.verdict == "retry")) {
            (true, _) => Exit::Failed,
            (_, true) => Exit::Temporary,
            _ if holds().next().is_some() => Exit::Temporary,
            _ => Exit::Done,
        }
    }
}

fn has_worked(outcome: AttemptOutcome) -> bool {
    !matches!(outcome, AttemptOutcome::Deferred | AttemptOutcome::Cancelled | AttemptOutcome::Refused)
}

impl Hold {
    /// What the end of a fill says; `None` where it goes on.
    fn of(ended: &Ended) -> Option<Self> {
        let unfit = ended.outcome == AttemptOutcome::Unfit;
        let holds = unfit || ended.outcome == AttemptOutcome::Retry;
        holds.then(|| Self { why: ended.error.clone().unwrap_or_default(), unfit })
    }
}

impl Asked {
    /// Whether something of it may be served: what is gone at its source is served on, and gets its vectors as well.
    pub(super) fn is_served(&self) -> bool {
        self.repository.is_some() && self.answer.as_ref().is_some_and(|answer| !answer.unfit)
    }

    /// Whether its vectors are all there, or do not come for now, and no fill of it is under way: one that has stored
    /// its last vector is still to leave the queue, and one of another instance to say how many it made.
    pub(super) fn is_settled(&self) -> bool {
        self.filling == 0
            && self.fills_elsewhere.is_empty()
            && (self.is_left || self.hold.is_some() || self.is_complete())
    }

    /// Whether its vectors are all there, as far as was seen.
    pub(super) fn is_complete(&self) -> bool {
        self.coverage.as_ref().is_some_and(Coverage::complete)
    }

    /// Whether this process did what it can.
    pub(super) fn tried_itself(&self) -> bool {
        self.taken_over || !self.attempts.is_empty()
    }

    /// From the first claim to the end of the latest attempt here, or to now while it is open. Where another instance
    /// did it, from the request to the look that found it done.
    pub(super) fn seconds(&self) -> f64 {
        let first = self.attempts.first().map_or(Duration::ZERO, |ticket| ticket.age());
        self.took.filter(|_| !self.open).unwrap_or(first).as_secs_f64()
    }

    /// Attempts that did something, an open one among them.
    pub(super) fn worked(&self) -> usize {
        self.worked + usize::from(self.open)
    }
}
