//! A queue.

use std::collections::VecDeque;

/// Waiting jobs.
#[derive(Debug)]
pub struct Queue<T> {
    jobs: VecDeque<T>,
    claimed: usize,
}

impl<T: Clone> Queue<T> {
    /// Takes the oldest job.
    #[must_use]
    pub fn claim(&mut self) -> Option<T> {
        let job = self.jobs.pop_front()?;
        self.claimed += 1;
        Some(job)
    }

    pub fn put(&mut self, job: T) {
        self.jobs.push_back(job.clone());
        self.jobs.make_contiguous();
    }
}

impl<T> std::fmt::Display for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.claimed, self.jobs.len())
    }
}

mod inner {
    pub trait Job {
        fn run(&self) -> Result<(), String>;
        fn name(&self) -> String { "a job without a name".to_owned() }
    }
    macro_rules! twice { ($e:expr) => { $e; $e }; }
}
