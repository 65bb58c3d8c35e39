//! What the process needs of its machine, and what it counts by itself, whether or not a pipeline runs in it.

use std::fs;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use warmer_embedding::model_loads;
use warmer_serve::webhooks::HookAnswers;
use warmer_supervision::{child, restarts};
use warmer_traces::dropped_spans;

use super::instruments::Instruments;
use super::names;
use crate::machine::Limits;
use crate::{memory, reporting};

/// Observes it from now on.
pub(super) fn observe(of: &Instruments, limits: Limits, answers: HookAnswers) {
    of.gauge(&names::BUILD_INFO, |to| to.observe(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]));
    counted(of, answers);
    used(of, limits);
    of.time(&names::PROCESS_CPU_TIME, |to| {
        let Some([user, system]) = cpu_time(&stat()) else { return };
        for (mode, time) in [("user", user), ("system", system)] {
            to.observe(time.as_secs_f64(), &[KeyValue::new("cpu.mode", mode)]);
        }
    });
    of.gauge(&names::PROCESS_THREAD_COUNT, |to| {
        if let Some(threads) = field(&stat(), THREADS) {
            to.observe(threads, &[]);
        }
    });
    of.gauge(&names::PROCESS_OPEN_FILE_DESCRIPTOR_COUNT, |to| {
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // Of which one reads the directory.
            to.observe((open.count() as u64).saturating_sub(1), &[]);
        }
    });
    let began = Instant::now();
    of.share(&names::PROCESS_UPTIME, move |to| to.observe(began.elapsed().as_secs_f64(), &[]));
}

fn counted(of: &Instruments, answers: HookAnswers) {
    of.sum(&names::MODEL_LOADS, |to| to.observe(model_loads(), &[]));
    of.sum(&names::SPANS_DROPPED, |to| to.observe(dropped_spans(), &[]));
    of.sum(&names::FIGURES_DROPPED, |to| to.observe(reporting::dropped(), &[]));
    of.sum(&names::RESTARTS, |to| {
        for ((actor, level), times) in restarts() {
            to.observe(times, &[KeyValue::new("actor", actor), KeyValue::new("level", level.as_str())]);
        }
    });
    of.sum(&names::WEBHOOKS, move |to| {
        for ((host, status), requests) in answers.counts() {
            let host = KeyValue::new("host", host.name().to_ascii_lowercase());
            to.observe(requests, &[host, KeyValue::new("code", i64::from(status))]);
        }
    });
}

fn used(of: &Instruments, Limits { memory: memory_max, cores }: Limits) {
    of.gauge(&names::CHILD_PROCESSES, |to| to.observe(child::running().len() as u64, &[]));
    of.gauge(&names::PROCESS_MEMORY_USAGE, |to| to.observe(memory::own(), &[]));
    of.gauge(&names::MEMORY_USAGE, |to| to.observe(memory::now(), &[]));
    of.gauge(&names::MEMORY_LIMIT, move |to| {
        if let Some(most) = memory_max {
            to.observe(most, &[]);
        }
    });
    of.share(&names::CPU_LIMIT, move |to| to.observe(cores, &[]));
}

/// Fields of `/proc/PID/stat`, counted from the one behind the name, which is the state.
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
const USER: usize = 11;
const SYSTEM: usize = 12;
const CHILDREN_USER: usize = 13;
const CHILDREN_SYSTEM: usize = 14;
const THREADS: usize = 17;

fn stat() -> String {
    fs::read_to_string("/proc/self/stat").unwrap_or_default()
}

/// Ticks of those times in a second: the kernel shows them so on every architecture that this program is built for,
/// however often its own clock ticks (`USER_HZ`).
const TICKS: f64 = 100.0;

/// The name is in parentheses, and may have spaces and parentheses in it.
fn field(stat: &str, index: usize) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(index)?.parse().ok()
}

/// In user and in system mode, of this process and of its children that have ended.
fn cpu_time(stat: &str) -> Option<[Duration; 2]> {
    let sum = |own, children| Some(field(stat, own)? + field(stat, children)?);
    let time = |ticks: u64| Duration::from_secs_f64(ticks as f64 / TICKS);
    Some([time(sum(USER, CHILDREN_USER)?), time(sum(SYSTEM, CHILDREN_SYSTEM)?)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_moves_no_field() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 2 0 0 0 300 50 100 10 20 0 9 0 1234 5 6";
        assert_eq!((field(stat, USER), field(stat, THREADS)), (Some(300), Some(9)));
        assert_eq!(cpu_time(stat), Some([Duration::from_secs(4), Duration::from_millis(600)]));
        assert_eq!(cpu_time("7 (a) S"), None);
    }

    #[test]
    fn this_process_is_read() {
        assert!(field(&stat(), THREADS).unwrap() >= 1 && cpu_time(&stat()).is_some());
    }
}
