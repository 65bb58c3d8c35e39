//! The ledger: one line of JSON for each event, appended by one write, so that neither another process nor a death
//! can break a line.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde_json::json;
use warmer_pipeline::{Ended, Event, Identity, Listener};
use warmer_store::{Claim, Fill};

use crate::environment::Environment;

/// This process' share of the ledger.
pub(super) struct Ledger {
    file: File,
    identity: Identity,
}

impl Ledger {
    /// The file that the environment names, if it names one.
    pub(super) fn of(environment: &Environment, identity: Identity) -> anyhow::Result<Option<Self>> {
        let Some(path) = environment.get("WARMER_CHAOS_LEDGER").map(Path::new) else { return Ok(None) };
        let file = File::options().create(true).append(true).open(path);
        let file = file.with_context(|| format!("the ledger {} cannot be written to", path.display()))?;
        Ok(Some(Self { file, identity }))
    }

    /// This process is there.
    pub(super) fn started(&self) {
        self.write("started", None, "");
    }

    /// A job was claimed a moment ago; nothing of it has been done.
    pub(super) fn claimed(&self, claim: &Claim) {
        self.write("claimed", Some(claim), "");
    }

    /// A stage goes on with a message.
    pub(super) fn works(&self, stage: &str) {
        self.write("work", None, stage);
    }

    /// This process is about to be killed or harmed.
    pub(super) fn dies(&self, by: &str) {
        self.write("dies", None, by);
    }

    fn write(&self, event: &str, claim: Option<&Claim>, extra: &str) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = json!({
            "at": u64::try_from(at.as_micros()).unwrap_or(u64::MAX),
            "pid": std::process::id(),
            "instance": self.identity.get().0.to_string(),
            "event": event,
            "job": claim.map(|claim| claim.job.0),
            "claim": claim.map(|claim| claim.id.0.to_string()),
            "repository": claim.map(|claim| &claim.repository.remote),
            "fill": claim.and_then(|claim| claim.fill.as_ref()).map(key),
            "extra": extra,
        })
        .to_string();
        line.push('\n');
        if let Err(error) = (&self.file).write_all(line.as_bytes()) {
            tracing::error!(%error, "the ledger is not whole");
        }
    }
}

impl Listener for Ledger {
    fn on_event(&self, event: &Event) {
        match event {
            Event::Slot { ticket, held } => {
                self.write("slot", Some(&ticket.claim), if *held { "held" } else { "free" });
            }
            Event::Ended(ended) => self.write("ended", Some(&ended.ticket.claim), &ending(ended)),
            // That an attempt began is written at the claim itself.
            _ => {}
        }
    }
}

/// A word, and why.
fn ending(ended: &Ended) -> String {
    let why = ended.error.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("{}{why}", ended.outcome)
}

/// What tells a fill from others of its repository.
fn key(fill: &Fill) -> String {
    let Fill { generation, lane, shard, .. } = fill;
    format!("{generation} {lane} {}-{}", shard.first, shard.last)
}
