//! The texts in flight: which are wanted by which batches, and how many each batch still lacks.
//!
//! Workers take texts, not batches. A batch is forwarded by whoever delivered its last text; nobody waits for a worker,
//! so nothing can deadlock, and a text that several batches want is embedded once (W-5). A text belongs to no job:
//! cancelling one never cancels what another wants. A memory of recent vectors covers the time until a Storer has
//! committed them (without it 2.5 % of the texts were embedded twice, measured).

mod ready;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::Span;
use warmer_content::{SkipReason, TextKey, Vector};
use warmer_embedding::{CallLimits, Embedding};
use warmer_store::Lane;
use warmer_supervision::{Permit, Wait};

use crate::batch::{Embed, Texts, Wanted};
use crate::call::System;
use crate::open_step::OpenStep;
use crate::stopwatch::Doing;
use crate::ticket::Ticket;
use ready::Ready;

/// A batch that waits for vectors, or is on its way on, with its permit from the Embedder's mailbox.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The batch.
    pub batch: Texts,
    /// Given back when the Storer has taken the batch: that is the backpressure.
    pub permit: Permit<Embed>,
    /// What the Embedder does for it.
    pub step: OpenStep,
}

#[derive(Debug)]
struct Row {
    waiting: Waiting,
    lacks: usize,
    /// Texts of it that a worker has.
    taken: usize,
}

impl Row {
    /// A worker has one of its texts: it waits for none meanwhile.
    fn take(&mut self) {
        self.taken += 1;
        self.waiting.step.turn(Doing::Elsewhere);
    }

    /// No worker has it any more.
    fn release(&mut self) {
        self.taken = self.taken.saturating_sub(1);
        if self.taken == 0 {
            self.waiting.step.turn(Doing::Wait(Wait::Session));
        }
    }
}

#[derive(Debug)]
struct Text {
    wanted: Wanted,
    batches: Vec<u64>,
    /// A worker has it: it is in a queue no more, or only by a name that is left over there.
    taken: bool,
    /// From then on it is taken alone, and the second time it is given up.
    failed_once: bool,
}

#[derive(Debug)]
struct Table {
    next: u64,
    rows: HashMap<u64, Row>,
    texts: HashMap<TextKey, Text>,
    ready: Ready,
    recent: HashMap<TextKey, Vector>,
    recent_order: VecDeque<TextKey>,
    recent_most: usize,
    stranded: Vec<Waiting>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct SingleFlight(Mutex<Table>);

/// One text that a worker embeds. Dropped without a result, it goes back once, and fails the second time.
#[derive(Debug)]
pub(crate) struct Taken {
    flight: Arc<SingleFlight>,
    /// What is to be embedded.
    pub wanted: Wanted,
    settled: bool,
}

impl SingleFlight {
    /// Nothing is in flight; this many recent vectors are remembered.
    pub(crate) fn remembering(recent: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Table {
            next: 0,
            rows: HashMap::new(),
            texts: HashMap::new(),
            ready: Ready::default(),
            recent: HashMap::new(),
            recent_order: VecDeque::new(),
            recent_most: recent,
            stranded: vec![],
        })))
    }

    /// Takes the batch in, or gives it back when it lacks nothing (any more).
    pub(crate) fn admit(&self, mut waiting: Waiting) -> Option<Waiting> {
        let mut table = self.table();
        let batch = &mut waiting.batch;
        let ticket = batch.part.ticket().clone();
        let lane = ticket.claim.fill.as_ref().map_or(Lane::New, |fill| fill.lane);
        let turn = (lane, ticket.claim.id);
        let mut lacks = vec![];
        let mut seen = HashSet::new();
        for wanted in std::mem::take(&mut batch.missing) {
            if !seen.insert(wanted.key) {
                continue;
            }
            match table.recent.get(&wanted.key) {
                Some(vector) => {
                    batch.vectors.push((wanted.key, vector.clone()));
                    ticket.counters.reused.add(1);
                }
                None => lacks.push(wanted),
            }
        }
        if lacks.is_empty() {
            return Some(waiting);
        }
        let id = table.next;
        table.next += 1;
        table.rows.insert(id, Row { waiting, lacks: lacks.len(), taken: 0 });
        let Table { texts, ready, .. } = &mut *table;
        for wanted in lacks {
            let key = wanted.key;
            let known = texts.contains_key(&key);
            let text =
                texts.entry(key).or_insert_with(|| Text { wanted, batches: vec![], taken: false, failed_once: false });
            // A text of the bulk that was just published too stands in both queues, and is taken by the first.
            if !known || (lane == Lane::New && !text.taken) {
                ready.push_back(turn, key);
            }
            text.batches.push(id);
        }
        None
    }

    /// The next texts to embed, as many as one call may carry; a text that failed before comes alone, so that it cannot
    /// take others with it again. None is decided under the lock of `admit`, by a worker that was there after the last
    /// admission or will come after the next: no wake-up can be lost.
    pub(crate) fn take(self: &Arc<Self>, most: CallLimits) -> Vec<Taken> {
        let (mut taken, mut gone, mut size) = (vec![], vec![], 0);
        let mut table = self.table();
        while taken.len() < most.texts.max(1)
            && let Some(key) = table.ready.pop()
        {
            let Some(text) = table.texts.get(&key).filter(|text| !text.taken) else { continue };
            if !table.anyone_wants(text) {
                gone.extend(table.clear(key));
                continue;
            }
            let (wanted, alone) = (text.wanted.clone(), text.failed_once);
            size += u64::from(wanted.size);
            if !taken.is_empty() && (alone || size > most.size) {
                table.ready.push_front(key);
                break;
            }
            table.took(key);
            taken.push(Taken { flight: self.clone(), wanted, settled: false });
            if alone {
                break;
            }
        }
        drop(table);
        drop(gone); // parts report outside the lock
        taken
    }

    /// Batches that became complete while no worker was there to forward them.
    pub(crate) fn stranded(&self) -> Vec<Waiting> {
        std::mem::take(&mut self.table().stranded)
    }

    /// Lets go of the batches of jobs that are over, without waiting for their texts. Gives the jobs of the others.
    pub(crate) fn sweep(&self) -> Vec<Arc<Ticket>> {
        let mut table = self.table();
        let over = |row: &Row| row.waiting.batch.part.ticket().is_over();
        let gone: Vec<Row> = table.rows.extract_if(|_, row| over(row)).map(|(_, row)| row).collect();
        // Not what a worker has taken: it would be taken a second time if somebody wanted it now.
        let untaken: Vec<_> = table.texts.iter().filter(|(_, text)| !text.taken).map(|(key, _)| *key).collect();
        for key in untaken {
            if !table.texts.get(&key).is_some_and(|text| table.anyone_wants(text)) {
                table.texts.remove(&key);
            }
        }
        let mut tickets: Vec<_> = table.rows.values().map(|row| row.waiting.batch.part.ticket().clone()).collect();
        tickets.sort_by_key(|ticket| ticket.claim.id);
        tickets.dedup_by_key(|ticket| ticket.claim.id);
        drop(table);
        drop(gone); // parts report outside the lock
        tickets
    }

    /// Texts and batches in flight.
    #[cfg(test)]
    pub(crate) fn size(&self) -> (usize, usize) {
        let table = self.table();
        (table.texts.len(), table.rows.len())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// A worker has it now.
    fn took(&mut self, key: TextKey) {
        if let Some(text) = self.texts.get_mut(&key) {
            text.taken = true;
            for id in &text.batches {
                self.rows.get_mut(id).map(Row::take);
            }
        }
    }

    /// A worker has it no more: it is taken before all others.
    fn give_back(&mut self, key: TextKey) {
        if let Some(text) = self.texts.get_mut(&key) {
            text.taken = false;
            for id in &text.batches {
                self.rows.get_mut(id).map(Row::release);
            }
            self.ready.push_front(key);
        }
    }

    fn anyone_wants(&self, text: &Text) -> bool {
        let alive = |id: &u64| self.rows.get(id).is_some_and(|row| !row.waiting.batch.part.ticket().is_over());
        text.batches.iter().any(alive)
    }

    /// Forgets a text, with the batches (all of jobs that are over) that wanted it.
    fn clear(&mut self, key: TextKey) -> Vec<Row> {
        let batches = self.texts.remove(&key).map(|text| text.batches).unwrap_or_default();
        batches.iter().filter_map(|id| self.rows.remove(id)).collect()
    }

    fn remember(&mut self, key: TextKey, vector: &Vector) {
        if self.recent.insert(key, vector.clone()).is_none() {
            self.recent_order.push_back(key);
        }
        while self.recent_order.len() > self.recent_most {
            let oldest = self.recent_order.pop_front();
            oldest.map(|key| self.recent.remove(&key));
        }
    }

    /// Ends the wait for a text; `tell` sees every batch that waited, the first one marked. Gives the complete ones.
    fn deliver(&mut self, key: TextKey, mut tell: impl FnMut(&mut Waiting, bool)) -> Vec<Waiting> {
        let mut complete = vec![];
        let mut first = true;
        for id in self.texts.remove(&key).map(|text| text.batches).unwrap_or_default() {
            let Some(row) = self.rows.get_mut(&id) else { continue };
            tell(&mut row.waiting, std::mem::take(&mut first));
            row.release();
            row.lacks -= 1;
            if row.lacks == 0 {
                complete.extend(self.rows.remove(&id).map(|row| row.waiting));
            }
        }
        complete
    }
}

impl Taken {
    /// The batch that waited first, of a job that is not over.
    fn first<'a>(&self, table: &'a Table) -> Option<&'a Waiting> {
        let batches = &table.texts.get(&self.wanted.key)?.batches;
        let mut waiting = batches.iter().filter_map(|id| table.rows.get(id)).map(|row| &row.waiting);
        waiting.find(|waiting| !waiting.batch.part.ticket().is_over())
    }

    /// Whether a job that is not over waits for it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.first(&self.flight.table()).is_some()
    }

    /// The span of the job that waited first.
    pub(crate) fn span(&self) -> Span {
        let table = self.flight.table();
        self.first(&table).map_or_else(Span::none, |waiting| waiting.batch.part.ticket().span.clone())
    }

    /// A worker spent so much of its time on it, for the job that waited first.
    pub(crate) fn worked(&self, time: Duration) {
        if let Some(waiting) = self.first(&self.flight.table()) {
            waiting.step.worked(time);
        }
    }

    /// A call of the provider for it ended, which began then; why it failed, if it did.
    pub(crate) fn called(&self, name: &'static str, began: Instant, failure: Option<&'static str>) {
        let table = self.flight.table();
        let Some(text) = table.texts.get(&self.wanted.key) else { return };
        for row in text.batches.iter().filter_map(|id| table.rows.get(id)) {
            row.waiting.step.call(System::Model, name, began, failure.map(Into::into));
        }
    }

    /// Delivers the vector to every batch that waits, whichever job it is of; gives those that lack nothing any more.
    /// The first that waited counts the text as embedded, the others as reused.
    pub(crate) fn made(mut self, made: &Embedding) -> Vec<Waiting> {
        self.settled = true;
        let (key, Embedding { vector, tokens }) = (self.wanted.key, made);
        let mut table = self.flight.table();
        table.remember(key, vector);
        table.deliver(key, |Waiting { batch, step, .. }, first| {
            let counters = &batch.part.ticket().counters;
            if first {
                counters.embedded.add(1);
                counters.tokens.add(*tokens);
                step.tokens(*tokens);
            } else {
                counters.reused.add(1);
            }
            batch.part.ticket().progressed();
            batch.vectors.push((key, vector.clone()));
        })
    }

    /// Its vector is stored by now: another instance was faster.
    pub(crate) fn stored(mut self) -> Vec<Waiting> {
        self.settled = true;
        self.flight.table().deliver(self.wanted.key, |Waiting { batch, .. }, _| {
            let counters = &batch.part.ticket().counters;
            counters.reused.add(1);
            counters.elsewhere.add(1);
            batch.part.ticket().progressed();
        })
    }

    /// The text could not be embedded. The first time it goes back: a stall may be the machine's. The second time it is
    /// given up, and its chunk is served without a vector (W-7).
    pub(crate) fn failed(mut self, reason: SkipReason) -> Vec<Waiting> {
        self.settled = true;
        self.fail(reason)
    }

    /// The text was not embedded, and that says nothing about it: it is taken again, before all others.
    pub(crate) fn put_back(mut self) {
        self.settled = true;
        self.flight.table().give_back(self.wanted.key);
    }

    fn fail(&self, reason: SkipReason) -> Vec<Waiting> {
        let key = self.wanted.key;
        let mut table = self.flight.table();
        let Some(text) = table.texts.get_mut(&key) else { return vec![] };
        if !std::mem::replace(&mut text.failed_once, true) {
            table.give_back(key);
            return vec![];
        }
        table.deliver(key, |waiting, _| waiting.batch.failed.push((key, reason)))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.settled {
            let complete = self.fail(SkipReason::Panicked);
            self.flight.table().stranded.extend(complete);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
