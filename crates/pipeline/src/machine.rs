//! The machine, as far as the sizes of pools depend on it: `workers = "auto"`.

use crate::settings::{Settings, cores};

/// What a process takes beside the model's sessions: itself, 30 MiB for each of a few processes that do git's work,
/// and texts in its mailboxes.
const BESIDE: u64 = 256 << 20;
/// Of the memory there is, in per cent: the rest is for what a job takes in passing.
const CARRIES: u64 = 80;
/// What a session takes beside the model's file: measured with the default model, whose file has 86 MiB and whose
/// session takes 110.
const SESSION: u64 = 24 << 20;
/// Three sessions and more share their weights: 160 MiB for a file of 86, and 26 for each.
const SHARED: (u64, u64, u64) = (160, 86, 26 << 20);
/// The Storers wait for the database, and the pool of connections is for others too.
const STORERS: std::ops::RangeInclusive<usize> = 2..=4;

/// What this process may use of its machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Cores, by affinity and quota; 0 counts as 1.
    pub cores: usize,
    /// Bytes of memory; `None`: the system does not say.
    pub memory: Option<u64>,
    /// Bytes of the model's graph; `None`: there is no model here.
    pub model: Option<u64>,
}

impl Machine {
    /// One whose cores are those of this process.
    #[must_use]
    pub fn here(memory: Option<u64>, model: Option<u64>) -> Self {
        Self { cores: cores(), memory, model }
    }

    /// The same settings with a number of workers for each pool that left it to the machine: a Fetcher for each job,
    /// which waits for the remote; a Hasher for each core; Embedders for the cores that their threads leave, as many as
    /// the memory carries; Storers by half of the cores, at least two.
    #[must_use]
    pub fn staff(&self, mut settings: Settings) -> Settings {
        let cores = self.cores.max(1);
        let set = |workers: &mut usize, auto: usize| {
            if *workers == 0 {
                *workers = auto;
            }
        };
        set(&mut settings.fetcher.workers, settings.claimer.concurrency);
        set(&mut settings.hasher.workers, cores);
        set(&mut settings.storer.workers, (cores / 2).clamp(*STORERS.start(), *STORERS.end()));
        let threads = settings.embedder.threads.max(1);
        set(&mut settings.embedder.workers, (cores / threads).clamp(1, self.embedders_max()));
        settings
    }

    /// Embedders that the memory carries, at least one.
    #[must_use]
    pub fn embedders_max(&self) -> usize {
        let (Some(memory), Some(_)) = (self.memory, self.model) else { return usize::MAX };
        let room = (memory / 100 * CARRIES).saturating_sub(BESIDE);
        let most = (room / SHARED.2).try_into().unwrap_or(usize::MAX);
        // What three share is more than what two have, so the sum grows with each.
        let (mut fits, mut fails) = (1, most + 1);
        while fits + 1 < fails {
            let middle = fits + (fails - fits) / 2;
            if self.sessions(middle) <= room { fits = middle } else { fails = middle }
        }
        fits
    }

    /// Bytes that so many sessions of the model take.
    #[must_use]
    pub fn sessions(&self, count: usize) -> u64 {
        let Some(model) = self.model else { return 0 };
        let count = count as u64;
        if count < 3 {
            return count.saturating_mul(model.saturating_add(SESSION));
        }
        let (all, of, each) = SHARED;
        // Never less than two that share nothing.
        let shared = (model / of).saturating_mul(all).saturating_add(count.saturating_mul(each));
        shared.max(2 * model.saturating_add(SESSION))
    }

    /// Bytes that a process takes with so many sessions.
    #[must_use]
    pub fn process(&self, sessions: usize) -> u64 {
        self.sessions(sessions).saturating_add(BESIDE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::StorerSettings;

    /// The default model's file.
    const MODEL: Option<u64> = Some(86 << 20);

    fn staffed(machine: Machine) -> [usize; 4] {
        let Settings { fetcher, hasher, embedder, storer, .. } = machine.staff(Settings::default());
        [fetcher.workers, hasher.workers, embedder.workers, storer.workers]
    }

    #[test]
    fn pools_are_as_large_as_cores_and_memory_carry() {
        let machine = |cores, memory: u64| Machine { cores, memory: Some(memory << 20), model: MODEL };
        assert_eq!(staffed(machine(0, 8_192)), [4, 1, 1, 2]);
        assert_eq!(staffed(machine(2, 8_192)), [4, 2, 2, 2]);
        assert_eq!(staffed(machine(8, 8_192)), [4, 8, 8, 4]);
        assert_eq!(staffed(machine(64, 65_536)), [4, 64, 64, 4]);
        // 512 MiB carry one session of 110 MiB beside the rest, a gibibyte what many share.
        assert_eq!(staffed(machine(8, 512))[2], 1);
        assert_eq!(staffed(machine(8, 608))[2], 2);
        assert_eq!(staffed(machine(32, 1_024))[2], 15);
        assert_eq!(staffed(machine(8, 64))[2], 1, "never none");
        assert_eq!(staffed(Machine { cores: 8, memory: None, model: MODEL })[2], 8);
        assert_eq!(staffed(Machine { cores: 8, memory: Some(1), model: None })[2], 8, "an API takes no memory");
    }

    #[test]
    fn what_is_configured_stands_and_threads_take_their_cores() {
        let machine = Machine { cores: 8, memory: None, model: MODEL };
        let mut settings =
            Settings { storer: StorerSettings { workers: 7, ..Default::default() }, ..Default::default() };
        (settings.embedder.threads, settings.claimer.concurrency) = (4, 12);
        let settings = machine.staff(settings);
        assert_eq!((settings.storer.workers, settings.embedder.workers, settings.fetcher.workers), (7, 2, 12));
    }

    #[test]
    fn the_memory_of_sessions_is_what_was_measured() {
        let machine = Machine { cores: 1, memory: None, model: MODEL };
        assert_eq!([1, 2, 8].map(|count| machine.sessions(count) >> 20), [110, 220, 368]);
    }
}
