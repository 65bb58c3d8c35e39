//! The rows of the table: one fault each.

mod busy;
mod checks;
mod clock;
mod embedder;
mod fills;
mod herd;
mod kill;
mod mixed;
mod network;
mod poison;
mod producers;
mod server;
mod sessions;
mod slots;
mod stop;

use anyhow::Result;

use super::report::Report;
use super::round::Round;

/// One row.
pub struct Row {
    /// What it is called.
    pub name: &'static str,
    /// What goes wrong.
    pub fault: &'static str,
    /// Its share of a round's time, against the others'; what takes its own time whatever it is given has 0.
    pub share: u32,
    /// What it does.
    pub(super) run: fn(&Round) -> Result<Report>,
}

/// All rows, those that stop the server last: for a minute after that nobody is rescued.
pub const ROWS: &[Row] = &[
    Row { name: "slots-1", fault: "kill -9 of the holder of the only slot", share: 1, run: slots::one },
    Row { name: "slots-2", fault: "kill -9 of a holder of one of 2 slots", share: 1, run: slots::two },
    Row { name: "slots-8", fault: "kill -9 of a holder of one of 8 slots", share: 1, run: slots::eight },
    Row { name: "checks", fault: "4 long cold warms occupy all permits for heavy work", share: 1, run: checks::run },
    Row { name: "producers", fault: "10 producers on the same 50 repositories", share: 2, run: producers::run },
    Row { name: "kill", fault: "kill -9 of one of three, at any moment and at named points", share: 6, run: kill::run },
    Row { name: "fills-1", fault: "kill -9 of the only one, while it fills", share: 2, run: fills::one },
    Row { name: "fills-8", fault: "kill -9 of one of eight that fills", share: 2, run: fills::eight },
    Row { name: "embedder-dead", fault: "who embeds dies, while pushes go on", share: 1, run: embedder::dead },
    Row { name: "embedder-stalled", fault: "nobody answers who embeds", share: 1, run: embedder::stalled },
    Row { name: "embedder-unfit", fault: "there is no model to embed with", share: 1, run: embedder::unfit },
    Row { name: "embedder-refused", fault: "there is no budget to embed with", share: 1, run: embedder::refused },
    Row { name: "mixed", fault: "one of three would make other vectors", share: 1, run: mixed::run },
    Row { name: "busy", fault: "kill -9 while all others are busy for minutes", share: 0, run: busy::once },
    Row { name: "busy-twice", fault: "the same, twice in a row", share: 0, run: busy::twice },
    Row {
        name: "busy-poison",
        fault: "a file that aborts, while all are busy for minutes",
        share: 0,
        run: busy::poisoned,
    },
    Row { name: "stop-short", fault: "SIGSTOP for 3 and 8 s", share: 3, run: stop::short },
    Row { name: "stop-long", fault: "SIGSTOP for 15 and 30 s", share: 4, run: stop::long },
    Row { name: "stop-unfenced", fault: "the same without self-fencing", share: 4, run: stop::unfenced },
    Row { name: "sessions-lock", fault: "pg_terminate_backend on lock sessions", share: 2, run: sessions::lock },
    Row { name: "sessions-pool", fault: "pg_terminate_backend on pools", share: 2, run: sessions::pool },
    Row { name: "sessions-all", fault: "pg_terminate_backend on all sessions", share: 2, run: sessions::all },
    Row { name: "network", fault: "the network to the lock session cut", share: 2, run: network::run },
    Row { name: "clock", fault: "the clock of one instance off by 10 minutes", share: 1, run: clock::run },
    Row { name: "poison", fault: "files that panic, abort, loop or take all memory", share: 0, run: poison::run },
    Row { name: "herd", fault: "20 instances start at once", share: 0, run: herd::herd },
    Row { name: "rolling", fault: "rolling restart of 3 under load", share: 0, run: herd::rolling },
    Row { name: "server-fast", fault: "the server restarts, -m fast", share: 2, run: server::fast },
    Row { name: "server-immediate", fault: "the server restarts, -m immediate", share: 2, run: server::immediate },
    Row { name: "server-down", fault: "the server is down for 5 to 40 s", share: 3, run: server::down },
];
