//! How long pushes take until they are served, made one by one.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::clock::{now, seconds, wait};
use super::report::Report;
use super::scenario::Scenario;

/// Until somebody is sure that a push is never served.
const SERVED: Duration = Duration::from_secs(30);
/// What twice the healthy time may always be: seconds. On two cores a process that is woken waits for its turn behind
/// two instances, a server and git, some ten times from the trigger to the publication, and 10 ms each time are nothing
/// unusual. It is far less than a text of a stalled embedder takes, or than any pause of its pool.
const NOISE: f64 = 0.4;

/// The seconds that each of many pushes took.
#[derive(Debug, Default)]
pub(super) struct Pushes(Vec<f64>);

impl Pushes {
    /// So many, to one of the first `among` repositories each, and only while nothing is queued and nothing runs.
    pub(super) fn idle(scenario: &mut Scenario, among: usize, count: usize) -> Result<Self> {
        let mut all = Self::default();
        while all.0.len() < count {
            ensure!(scenario.quiet()?, "no work ends:\n{}", scenario.fleet.log(0));
            all.push(scenario, among)?;
        }
        Ok(all)
    }

    /// At least so many and for so long, whatever else is done.
    pub(super) fn busy(scenario: &mut Scenario, among: usize, least: usize, time: Duration) -> Result<Self> {
        let (mut all, until) = (Self::default(), Instant::now() + time);
        while all.0.len() < least || Instant::now() < until {
            all.push(scenario, among)?;
        }
        Ok(all)
    }

    /// From the trigger on: git's own commit is not of the product.
    fn push(&mut self, scenario: &mut Scenario, among: usize) -> Result<()> {
        let (number, seed) = (scenario.random.below(among), scenario.random.number());
        scenario.repositories.push(number, seed)?;
        let from = scenario.repositories.triggers().last().context("a push triggers")?.at;
        let served = || scenario.repositories.is_served(number).ok().filter(|served| *served);
        wait(SERVED, served).with_context(|| format!("a push is never served:\n{}", scenario.fleet.log(0)))?;
        self.0.push(seconds(now() - from));
        Ok(())
    }

    pub(super) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What so many percent of them did not exceed; 0 of none.
    fn at(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or(0.0)
    }

    /// W-15: p99 is at most twice what it is when all is well and nothing else is done.
    pub(super) fn must_be_as_fast_as(&self, idle: &Self, report: &mut Report) {
        let (p99, most) = (self.at(99), (2.0 * idle.at(99)).max(NOISE));
        report.must(format!("push to served p99 {p99:.2} <= {most:.2} s"), p99 <= most);
        report.note(format!(
            "push to served p50 / p99: well and idle {:.2} / {:.2} s of {}, unwell {:.2} / {p99:.2} s of {}; \
             ratios {:.2} / {:.2}",
            idle.at(50),
            idle.at(99),
            idle.len(),
            self.at(50),
            self.len(),
            self.at(50) / idle.at(50),
            p99 / idle.at(99),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_push_of_fifty_misses_and_twice_the_idle_time_does_not() {
        let of = |slow: f64| Pushes((0..50).map(|number| if number == 7 { slow } else { 0.3 }).collect());
        assert_eq!((of(2.0).at(50), of(2.0).at(99), Pushes::default().at(99)), (0.3, 2.0, 0.0));
        for (slow, holds) in [(1.2, true), (1.3, false)] {
            let mut report = Report::default();
            of(slow).must_be_as_fast_as(&of(0.6), &mut report);
            assert_eq!(report.holds(), holds, "{report:?}");
        }
        let mut report = Report::default();
        Pushes(vec![NOISE]).must_be_as_fast_as(&Pushes(vec![0.1]), &mut report);
        assert!(report.holds() && report.notes[0].ends_with("ratios 4.00 / 4.00"), "{report:?}");
    }
}
