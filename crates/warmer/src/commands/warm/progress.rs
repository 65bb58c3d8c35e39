//! What a person sees while it works: one line for each open job on a terminal, a line now and then elsewhere.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;
use warmer_pipeline::{Ledger, Ticket};
use warmer_query::short_name;
use warmer_store::ClaimId;

use super::pace::{Done, Pace};
use crate::output;
use crate::telemetry::{Console, Hooked};

/// Redrawn this often on a terminal.
const FRAME: Duration = Duration::from_millis(100);
/// Elsewhere a line this often.
const LINE: Duration = Duration::from_secs(10);

/// Draws until it is finished.
pub(super) struct Progress {
    drawer: Option<JoinHandle<()>>,
    bars: MultiProgress,
    _hooked: Option<Hooked>,
}

impl Progress {
    /// Starts to draw; nothing when `quiet`.
    pub(super) fn start(console: &Console, ledger: Ledger, quiet: bool) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let terminal = !bars.is_hidden();
        let hooked = (terminal && !quiet).then(|| {
            let bars = bars.clone();
            // Log lines go between two drawings, so that neither tears the other.
            console.hook(move |line| drop(bars.suspend(|| std::io::stderr().lock().write_all(line))))
        });
        let drawer = (!quiet).then(|| warmer_supervision::spawn("progress", draw(ledger, bars.clone(), terminal)));
        Self { drawer, bars, _hooked: hooked }
    }

    /// Takes the lines away.
    pub(super) fn finish(self) {
        if let Some(drawer) = &self.drawer {
            drawer.abort();
        }
        // A terminal that is gone needs no clearing.
        self.bars.clear().ok();
    }
}

async fn draw(ledger: Ledger, bars: MultiProgress, terminal: bool) {
    let mut lines: HashMap<ClaimId, (ProgressBar, Pace)> = HashMap::new();
    let mut frames = tokio::time::interval(if terminal { FRAME } else { LINE });
    frames.tick().await;
    loop {
        frames.tick().await;
        let tickets = ledger.tickets();
        lines.retain(|claim, (bar, _)| {
            let open = tickets.iter().any(|ticket| ticket.claim.id == *claim);
            if !open {
                bar.finish_and_clear();
            }
            open
        });
        for ticket in &tickets {
            let new = || (if terminal { bars.add(bar()) } else { ProgressBar::hidden() }, Pace::default());
            let (bar, pace) = lines.entry(ticket.claim.id).or_insert_with(new);
            pace.note(done(ticket));
            let line = line(ticket, pace);
            if terminal {
                bar.set_position(pace.percent().unwrap_or(0));
                bar.set_message(line);
                bar.tick();
            } else {
                output::note(&line);
            }
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
    Done { age, stored: counters.stored.get(), listed: counters.listed.get(), embedded: counters.embedded.get() }
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

/// Bytes for people.
pub(super) fn size(bytes: u64) -> String {
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
