//! `tune` and `reload`: what running instances are asked by way of the database.

use std::time::Duration;

use clap::Args;
use warmer_pipeline::Stage;

/// `reload`
#[derive(Clone, Debug, Args)]
pub(crate) struct Reload {
    /// All of them; a single one is sent a SIGHUP
    #[arg(long, required = true)]
    pub(crate) all: bool,
}

/// `tune`
#[derive(Clone, Debug, Args)]
pub(crate) struct Tune {
    /// A stage (fetcher, hasher, filler, embedder, storer) and the workers of its pool; each instance bounds them by
    /// its own `[tune] max`
    #[arg(value_name = "STAGE=N", value_parser = size, required_unless_present = "end")]
    pub(crate) sizes: Vec<(Stage, u32)>,
    /// For how long, by the database's clock; at most a day
    #[arg(long = "for", value_name = "DURATION", default_value = "10m", value_parser = time)]
    pub(crate) lasts: Duration,
    /// Only the instances of this host, or the one whose id begins so
    #[arg(long, value_name = "HOST|ID", value_parser = instance)]
    pub(crate) instance: Option<String>,
    /// Do not wait for the end of the time: tell how it was before, and end once the instances have taken it
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// End all sizes that were set so; the pools have again what is configured
    #[arg(long, conflicts_with_all = ["sizes", "instance", "no_wait"])]
    pub(crate) end: bool,
    /// What came of it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Tune {
    /// A stage that has two sizes, of which one would be the other's `before`.
    pub(crate) fn named_twice(&self) -> Option<Stage> {
        let is_twice = |stage: &Stage| self.sizes.iter().filter(|(named, _)| named == stage).count() > 1;
        self.sizes.iter().map(|(stage, _)| *stage).find(is_twice)
    }
}

/// Longer is what the configuration is for.
const LASTS_MAX: Duration = Duration::from_hours(24);

fn time(text: &str) -> Result<Duration, String> {
    let lasts = humantime::parse_duration(text).ok().filter(|lasts| !lasts.is_zero() && *lasts <= LASTS_MAX);
    lasts.ok_or_else(|| "expected a duration of a day at most, such as \"10m\" or \"1h 30m\"".to_owned())
}

/// An empty one would be the beginning of every id: a variable that is not set is not the whole fleet.
fn instance(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("expected a host, or the beginning of an instance's id, and not an empty text; without --instance \
                   all instances are meant"
            .to_owned()),
        named => Ok(named.to_owned()),
    }
}

fn size(text: &str) -> Result<(Stage, u32), String> {
    let wrong =
        || "expected STAGE=N: fetcher, hasher, filler, embedder or storer, and a number of at least 1".to_owned();
    let (name, workers) = text.split_once('=').ok_or_else(wrong)?;
    let stage = Stage::ALL.into_iter().find(|stage| stage.as_str() == name).ok_or_else(wrong)?;
    let workers = workers.parse().ok().filter(|workers| *workers > 0).ok_or_else(wrong)?;
    Ok((stage, workers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_stage_and_a_number_above_zero() {
        assert_eq!(size("hasher=8"), Ok((Stage::Hasher, 8)));
        for wrong in ["hasher", "hasher=0", "hasher=-1", "hasher=many", "git.ssh_command=1", "=3", "Hasher=2"] {
            assert!(size(wrong).unwrap_err().contains("expected STAGE=N"), "{wrong}");
        }
        for empty in ["", " ", "\t"] {
            assert!(instance(empty).unwrap_err().contains("without --instance all instances are meant"), "{empty:?}");
        }
        assert_eq!(instance("box"), Ok("box".to_owned()));
        assert!(time("25h").is_err() && time("0s").is_err() && time("10m").is_ok());
    }
}
