//! What cannot be fetched any more is cut anew from what is stored.
//!
//! Chunks of another kind than the fleet's get no vectors of a new model. A refresh whose remote is out of reach
//! therefore takes the commit that is served through the stages once more: its entries as they stand, its texts as they
//! are stored. Nothing is listed or read from git. The publication stands beside what was cut before, as any other, and
//! the attempt ends as it failed.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use warmer_content::{ArtifactKey, ChunkingId, Content, artifact_key};
use warmer_store::{Entry, Outcome, RepositoryState, Served, StagedEntry};
use warmer_supervision::{Outcome as Ran, blocking};
use warmer_traces::names;

use crate::batch::{BATCH_BYTES, BATCH_FILES, Listed};
use crate::batcher::DigestedFile;
use crate::ending::Ending;
use crate::fetcher::Fetcher;
use crate::file::{File, Unchunked};
use crate::hasher::Hasher;
use crate::part::Part;
use crate::stage::{Run, Stop};
use crate::ticket::{Target, Ticket};

/// Entries that are read at once.
const PAGE: u32 = 256;

impl Fetcher {
    /// Nothing can be fetched, because of `ending`: what is served is cut anew, if it is to be.
    pub(crate) async fn unreached(&self, part: &Part, ending: Ending, run: &Run<'_>) -> Result<(), Stop> {
        let ticket = run.ticket;
        let Some(latest) = self.left(ticket, &ending) else { return Err(ending.into()) };
        self.take_slot(ticket).await?;
        ticket.aim(Target {
            served: Served { recipe: self.tools.published_recipe(&ticket.claim.repository.remote), ..latest.clone() },
            committed_at: ticket.claim.repository.committed_at,
            complete: true,
            unreached: Some(ending),
        });
        let mut after = String::new();
        loop {
            let page = (ticket.claim.repository.id, latest.recipe.chunking);
            let page = self.tools.store.entries_under(page.0, page.1, &after, PAGE);
            let page = run.database(names::DB_ENTRIES, page).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.path);
            for entries in page.chunks(BATCH_FILES) {
                run.holds(entries.len() as u64, 0);
                let listed = Listed { stored: entries.to_vec(), ..Listed::of(part.split()) };
                run.send(&self.next, listed).await?;
            }
        }
    }

    /// What is served, where it is not cut as the fleet does and nobody can fetch it.
    fn left<'a>(&self, ticket: &'a Ticket, ending: &Ending) -> Option<&'a Served> {
        let claim = &ticket.claim;
        let followed = self.tools.fleet.followed(claim.repository.remote.starts_with("file://"));
        let latest = &claim.states.first()?.served;
        let cut_so = claim.current_under(self.tools.recipe.chunking).is_some();
        let makes = followed.is_none_or(|followed| followed.serves_the_same);
        (makes && !cut_so && self.is_out_of_reach(ticket, ending)).then_some(latest)
    }

    /// A temporary error is waited for, as long as attempts are left.
    fn is_out_of_reach(&self, ticket: &Ticket, ending: &Ending) -> bool {
        match ending {
            Ending::Refused(otherwise) => self.is_out_of_reach(ticket, otherwise),
            Ending::Gone(_) | Ending::Dead(_) => true,
            Ending::Retry(_) | Ending::Stuck(_) | Ending::Later(..) => {
                let given_up = [RepositoryState::Dead, RepositoryState::Quarantined];
                given_up.contains(&ticket.claim.repository.state)
                    || ticket.claim.attempt >= self.settings.now().claimer.attempts_max
            }
            _ => false,
        }
    }
}

impl Hasher {
    /// Digests files that are served, from their stored texts; passes them on as those that are read from git. No blob
    /// is said to be known by it: nobody read it.
    pub(crate) async fn cut_anew(&self, listed: &mut Listed, run: &Run<'_>) -> Result<Vec<DigestedFile>, Stop> {
        let (mut done, mut group, mut bytes) = (vec![], vec![], 0);
        for entry in std::mem::take(&mut listed.stored) {
            let Some(key) = entry.artifact else {
                done.push(skipped(entry, run)?);
                continue;
            };
            let text = self.stored(entry, key, run).await?;
            bytes += text.content.text.len() as u64;
            run.holds(0, text.content.text.len() as u64);
            group.push(text);
            if bytes >= BATCH_BYTES {
                done.extend(self.chunk(run, std::mem::take(&mut group)).await?.into_iter().map(unread));
                bytes = 0;
                self.pass(listed.part.split(), std::mem::take(&mut done), run).await?;
            }
        }
        done.extend(self.chunk(run, group).await?.into_iter().map(unread));
        Ok(done)
    }

    /// The text of an entry. One that is damaged or gone leaves the whole repository as it is.
    async fn stored(&self, entry: Entry, key: ArtifactKey, run: &Run<'_>) -> Result<Unchunked, Stop> {
        let artifact = run.database(names::DB_READ, self.tools.store.artifact(key)).await?;
        let (Some(artifact), Some(from), Ok(oid), Ok(language_hint)) =
            (artifact, run.ticket.claim.states.first(), entry.oid.parse(), entry.language_hint.parse())
        else {
            return Err(unreadable(run, &entry.path));
        };
        let (from, anew) = (from.served.recipe.chunking, self.tools.recipe.chunking);
        let work = move |_: &AtomicBool| {
            let content = artifact.is_of(from, key).then(|| artifact.into_content()).flatten()?;
            Some(keyed(anew, content))
        };
        match blocking(self.deadline(), Arc::default(), work).await {
            Ran::Done(Some((content, key))) => {
                Ok(Unchunked { file: File { path: entry.path, oid, language_hint }, content, key })
            }
            Ran::Done(None) | Ran::Panicked(_) | Ran::Stopped(_) | Ran::Late => Err(unreadable(run, &entry.path)),
        }
    }
}

fn keyed(chunking: ChunkingId, content: Content) -> (Content, ArtifactKey) {
    let key = artifact_key(chunking, &content);
    (content, key)
}

/// What is skipped stays so.
fn skipped(entry: Entry, run: &Run<'_>) -> Result<DigestedFile, Stop> {
    let Some(reason) = entry.skip else { return Err(unreadable(run, &entry.path)) };
    let Entry { path, oid, language_hint, .. } = entry;
    let entry = StagedEntry { path, oid, language_hint, outcome: Outcome::Skip(reason) };
    Ok(DigestedFile { entry, artifact: None, symbols: None, blob: None })
}

fn unread(file: DigestedFile) -> DigestedFile {
    DigestedFile { blob: None, ..file }
}

/// The attempt ends as it failed, and says why nothing was cut anew.
fn unreadable(run: &Run<'_>, path: &str) -> Stop {
    let why = format!("what is served stays cut as it was, as the stored text of {path} cannot be read");
    let ending = run.ticket.target().and_then(|target| target.unreached);
    Stop::End(ending.map_or_else(|| Ending::Lost(why.clone()), |ending| ending.and(&why)))
}
