//! `capacity`: the figures that are given. What is not is measured, where a database has a history, or the guide's.

use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;

/// `capacity`
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Capacity {
    /// Repositories that are followed
    #[arg(long, value_name = "N")]
    pub(crate) repositories: Option<u64>,
    /// How often each is checked. Default: as their own intervals say, on the average
    #[arg(long, value_name = "DURATION", value_parser = time)]
    pub(crate) refresh: Option<Duration>,
    /// Seconds of a job that finds something to warm
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub(crate) job_seconds: Option<Duration>,
    /// Seconds of a check that finds nothing new
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub(crate) check_seconds: Option<Duration>,
    /// Of the checks, the share that finds something to warm
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    pub(crate) changed: Option<f64>,
    /// Jobs of one instance at the same time. Default: claimer.concurrency
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) concurrency: Option<u32>,
    /// Instances. Default: as many as the slots need
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) instances: Option<u32>,
    /// Slots in all instances together; 0 is without limit. Default: the fleet's
    #[arg(long, value_name = "N")]
    pub(crate) slots: Option<u32>,
    /// Cores of an instance's machine. Default: those of this one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) cores: Option<u32>,
    /// Memory of an instance's machine. Default: that of this one
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<ByteSize>,
    /// Requests in an hour that the host of the remotes allows
    #[arg(long, value_name = "N")]
    pub(crate) rate_limit: Option<u64>,
    /// Requests of one job
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) requests_per_job: u32,
    /// The same as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).ok().filter(|time| !time.is_zero());
    time.ok_or_else(|| "expected a duration such as \"15m\"".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "expected seconds, such as 120 or 0.5".to_owned())
}

/// `5%`, or a share as a number up to 1.
fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok().map(|percent| percent / 100.0),
        None => text.parse().ok(),
    };
    share.filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "expected a share such as 5% or 0.05".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_in_per_cent_or_as_a_number() {
        assert_eq!((share("5%"), share("0.05"), share("100%")), (Ok(0.05), Ok(0.05), Ok(1.0)));
        assert!(share("5").is_err() && share("-1%").is_err() && share("some").is_err());
        assert!(seconds("-1").is_err() && seconds("1e400").is_err() && time("0s").is_err());
    }
}
