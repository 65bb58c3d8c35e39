//! What a person sees while it works: one line for each open job on a terminal, a line now and then elsewhere.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::Write as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;
use warmer_pipeline::{Ledger, Ticket};
use warmer_query::short_name;
use warmer_store::{ClaimId, RepositoryId};

use super::pace::{Done, Pace};
use super::vectors::{Filling, Fillings};
use crate::output;
use crate::telemetry::{Console, Hooked};

/// Redrawn this often on a terminal.
const FRAME: Duration = Duration::from_millis(100);
/// Elsewhere a line this often.
const LINE: Duration = Duration::from_secs(10);

/// Draws until it is finished.
pub(crate) struct Progress {
    drawer: Option<JoinHandle<()>>,
    bars: MultiProgress,
    _hooked: Option<Hooked>,
}

impl Progress {
    /// Starts to draw; nothing when `quiet`.
    pub(crate) fn start(console: &Console, ledger: Ledger, fillings: Fillings, quiet: bool) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let terminal = !bars.is_hidden();
        let hooked = (terminal && !quiet).then(|| {
            let bars = bars.clone();
            // Log lines go between two drawings, so that neither tears the other.
            console.hook(move |line| drop(bars.suspend(|| std::io::stderr().lock().write_all(line))))
        });
        let drawing = draw(ledger, fillings, bars.clone(), terminal);
        let drawer = (!quiet).then(|| warmer_supervision::spawn("progress", drawing));
        Self { drawer, bars, _hooked: hooked }
    }

    /// Says something between two drawings.
    pub(super) fn note(&self, line: &str) {
        self.bars.suspend(|| output::note(line));
    }

    /// Takes the lines away.
    pub(crate) fn finish(self) {
        if let Some(drawer) = &self.drawer {
            drawer.abort();
        }
        // A terminal that is gone needs no clearing.
        self.bars.clear().ok();
    }
}

async fn draw(ledger: Ledger, fillings: Fillings, bars: MultiProgress, terminal: bool) {
    let mut refreshes: Lines<ClaimId> = Lines::new(bars.clone(), terminal);
    let mut fills: Lines<RepositoryId> = Lines::new(bars, terminal);
    let began = Instant::now();
    let mut frames = tokio::time::interval(if terminal { FRAME } else { LINE });
    frames.tick().await;
    loop {
        frames.tick().await;
        let tickets: Vec<_> = ledger.tickets().into_iter().filter(|ticket| ticket.claim.fill.is_none()).collect();
        refreshes.retain(|claim| tickets.iter().any(|ticket| ticket.claim.id == *claim));
        for ticket in &tickets {
            refreshes.draw(ticket.claim.id, done(ticket), |pace| line(ticket, pace));
        }
        let open = fillings.open();
        fills.retain(|repository| open.iter().any(|(id, _)| id == repository));
        for (id, filling) in &open {
            fills.draw(*id, filled(filling, began.elapsed()), |pace| fill_line(filling, pace));
        }
    }
}

/// The lines of one kind, with the pace of each.
struct Lines<K> {
    bars: MultiProgress,
    terminal: bool,
    lines: HashMap<K, (ProgressBar, Pace)>,
}

impl<K: Eq + Hash> Lines<K> {
    fn new(bars: MultiProgress, terminal: bool) -> Self {
        Self { bars, terminal, lines: HashMap::new() }
    }

    /// Takes away the others.
    fn retain(&mut self, is_open: impl Fn(&K) -> bool) {
        self.lines.retain(|key, (bar, _)| {
            let open = is_open(key);
            if !open {
                bar.finish_and_clear();
            }
            open
        });
    }

    fn draw(&mut self, key: K, now: Done, line: impl FnOnce(&Pace) -> String) {
        let new = || (if self.terminal { self.bars.add(bar()) } else { ProgressBar::hidden() }, Pace::default());
        let (bar, pace) = self.lines.entry(key).or_insert_with(new);
        pace.note(now);
        let line = line(pace);
        if self.terminal {
            bar.set_position(pace.percent().unwrap_or(0));
            bar.set_message(line);
            bar.tick();
        } else {
            output::note(&line);
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {bar:16} {wide_msg}").unwrap_or_else(|_| {
        unreachable!("the template is constant and a test draws it");
    });
    ProgressBar::new(100).with_style(style)
}

fn done(ticket: &Ticket) -> Done {
    let (counters, age) = (&ticket.counters, ticket.age());
    Done { age, stored: counters.stored.get(), listed: counters.listed.get(), embedded: 0 }
}

/// What one job is doing.
fn line(ticket: &Ticket, pace: &Pace) -> String {
    let counters = &ticket.counters;
    let name = short_name(&ticket.claim.repository.remote, None);
    let doing = match (counters.received.get(), counters.listed.get()) {
        (0, 0) => format!("asking the remote, {}", output::duration(ticket.age())),
        (bytes, 0) => format!("fetching, {}, {}", size(bytes), output::duration(ticket.age())),
        (_, listed) => {
            format!("{}, {} of {}", pace.text(), counters.stored.get(), output::counted(listed, "file"))
        }
    };
    format!("{name}: {doing}")
}

/// What of its texts has a vector by now.
fn filled(filling: &Filling, age: Duration) -> Done {
    Done { age, stored: filling.total - filling.missing, listed: filling.total, embedded: filling.embedded }
}

/// How far the vectors of a repository are.
fn fill_line(filling: &Filling, pace: &Pace) -> String {
    let name = short_name(&filling.remote, None);
    let (done, total) = (filling.total - filling.missing, output::counted(filling.total, "text"));
    format!("{name}: vectors {}, {done} of {total}", pace.text())
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_can_be_drawn() {
        bar().tick();
    }
}
