//! The network to the lock session is cut: nothing is refused, nothing arrives. The instance has to stop before the
//! server frees its locks.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::super::clock::{now, pass, seconds};
use super::super::fleet::Variables;
use super::super::ledger::Event;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};
use crate::Repo;
use crate::proxy::Proxy;

/// Work that shows each tenth of a second that it goes on.
const PACE: &str = "embedder:100";
/// The server lets a silent session go after 10 s.
const FREED: Duration = Duration::from_secs(20);
/// From then until the network is back: a process that did not stop would show here.
const AFTER: Duration = Duration::from_secs(5);

pub(super) fn run(round: &Round) -> Result<Report> {
    round.environment.past_grace()?;
    let plan = Plan { repositories: 3, pace: PACE, ..Plan::default() };
    let mut scenario = Scenario::empty(round, &plan)?;
    let server = round.environment.address()?;
    let proxy = Proxy::start(round.environment.runtime().handle(), server.clone())?;
    let lock_url = proxy.url(&scenario.base.url, &server);
    scenario.fleet.add(Variables::from([("WARMER__DATABASE__LOCK_URL".to_owned(), lock_url)]))?;
    scenario.settle_in()?;
    let (until, mut margins) = (Instant::now() + round.time, vec![]);
    loop {
        // The only process, so that the long work is its own.
        let long = scenario.repositories.add(Repo::generated(120, 1_500, scenario.random.number()))?;
        scenario.repositories.trigger(long)?;
        scenario.busy()?;
        pass(Duration::from_secs(3));
        margins.push(cut(&mut scenario, &proxy)?);
        scenario.quiet()?;
        if Instant::now() >= until {
            break;
        }
    }
    let mut closed = scenario.close()?;
    let least = margins.iter().copied().fold(f64::INFINITY, f64::min);
    closed.report.must_be_exact().must_not_overlap().must_keep_the_cap();
    closed.report.must(format!("margin {least:.2} s > 0"), least > 0.0);
    let margins: Vec<String> = margins.iter().map(|margin| format!("{margin:.2}")).collect();
    closed.report.note(format!("margins: {} s", margins.join(", ")));
    closed.done()
}

/// Cuts, waits for the server to free the locks, heals; gives how long before that the last work was done: seconds.
fn cut(scenario: &mut Scenario, proxy: &Proxy) -> Result<f64> {
    let instance = scenario.fleet.instance(0).context("a process that works has a name")?;
    let from = now();
    scenario.fleet.fault();
    proxy.cut();
    let freed = scenario.freed(&instance, FREED);
    pass(AFTER);
    let until = now();
    proxy.heal();
    let freed = freed?;
    let pid = scenario.fleet.pid(0);
    let last = scenario.fleet.ledger.look(|lines| {
        let works = lines.iter().filter(|line| line.pid == pid && line.event == Event::Work);
        works.map(|line| line.at).filter(|at| (from..until).contains(at)).max()
    });
    let last = last.context("nothing was done after the cut: the work was too short")?;
    // Of times this near each other the difference is exact to the microsecond, whichever comes first.
    Ok(if freed >= last { seconds(freed - last) } else { -seconds(last - freed) })
}
