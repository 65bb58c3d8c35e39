//! What this process may use of its machine: cores, memory, and what the model takes of that.

use std::fs;
use std::path::{Path, PathBuf};

use warmer_embedding::ModelFiles;
use warmer_pipeline::Machine;

use crate::config::Config;
use crate::paths::Paths;

/// The machine, as pools are sized by it.
pub(crate) fn here(config: &Config, paths: &Paths) -> Machine {
    let files = ModelFiles::locate(&paths.model, config.model.length_max());
    let model = files.ok().and_then(|files| fs::metadata(files.graph).ok()).map(|graph| graph.len());
    Machine::here(memory_max(Path::new("/")), model)
}

/// Bytes of memory that this process may have: those of the machine, or of the narrowest of the cgroups that it is in.
/// `root` is where `proc` and `sys` are.
fn memory_max(root: &Path) -> Option<u64> {
    let machine = fs::read_to_string(root.join("proc/meminfo")).ok().and_then(|text| total(&text));
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().filter_map(|line| group_limit(root, line));
    machine.into_iter().chain(limits).min()
}

/// What this process may use of its machine, at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Bytes of memory; `None`: the system does not say.
    pub(crate) memory: Option<u64>,
    /// Cores; a quota may be a part of one.
    pub(crate) cores: f64,
}

/// Of the machine, or of the cgroups that it is in.
pub(crate) fn limits() -> Limits {
    let there = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    let root = Path::new("/");
    Limits { memory: memory_max(root), cores: quota(root).map_or(there, |quota| quota.min(there)) }
}

/// Cores by the narrowest quota of the cgroups that this process is in; `None`: there is no quota.
fn quota(root: &Path) -> Option<f64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    groups.lines().filter_map(|line| group_quota(root, line)).min_by(f64::total_cmp)
}

/// As [`group_limit`], of the time of CPUs: a quota of microseconds in a period of them. Without one it is "max", or in
/// version 1 -1.
fn group_quota(root: &Path, line: &str) -> Option<f64> {
    let (controllers, path) = parts(line)?;
    let read = |file: PathBuf| fs::read_to_string(file).ok();
    let mount = root.join(if controllers.is_empty() { "sys/fs/cgroup" } else { "sys/fs/cgroup/cpu" });
    let quota = |group: &Path| {
        let group = mount.join(group);
        let text = match controllers {
            "" => read(group.join("cpu.max"))?,
            v1 if v1.split(',').any(|name| name == "cpu") => {
                read(group.join("cpu.cfs_quota_us"))? + " " + &read(group.join("cpu.cfs_period_us"))?
            }
            _ => return None,
        };
        let mut numbers = text.split_whitespace().map(str::parse::<f64>);
        let (quota, period) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        (quota > 0.0 && period > 0.0).then(|| quota / period)
    };
    groups(path).filter_map(quota).min_by(f64::total_cmp)
}

/// The controllers and the path of a line of `/proc/self/cgroup`.
fn parts(line: &str) -> Option<(&str, &str)> {
    let mut parts = line.splitn(3, ':').skip(1);
    Some((parts.next()?, parts.next()?))
}

/// A group and all above it, below the mount.
fn groups(path: &str) -> impl Iterator<Item = &Path> {
    Path::new(path.trim_start_matches('/')).ancestors()
}

/// `MemTotal:       16 kB`
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The narrowest limit of one line of `/proc/self/cgroup`: `0::PATH` is version 2, `N:memory:PATH` version 1. Each
/// group above has a limit too; a container sees its own group as the root, whatever its path is called outside.
/// <https://docs.kernel.org/admin-guide/cgroup-v2.html>
fn group_limit(root: &Path, line: &str) -> Option<u64> {
    let (controllers, path) = parts(line)?;
    let (mount, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        v1 if v1.split(',').any(|name| name == "memory") => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        _ => return None,
    };
    let limit = |group: &Path| fs::read_to_string(root.join(mount).join(group).join(file)).ok()?.trim().parse().ok();
    // Without a limit it is "max", or in version 1 a number near the largest there is.
    groups(path).filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// A machine of 16 GiB with these files.
    fn machine(files: &[(&str, &str)]) -> Option<u64> {
        memory_max(root_of(files).path())
    }

    fn root_of(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let all = [("proc/meminfo", "MemFree: 1 kB\nMemTotal:       16777216 kB\n")];
        for (path, text) in all.iter().chain(files) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn without_a_group_the_machines_memory_counts() {
        assert_eq!(machine(&[]), Some(16 * GIB));
        let unlimited = [("proc/self/cgroup", "0::/user.slice\n"), ("sys/fs/cgroup/user.slice/memory.max", "max\n")];
        assert_eq!(machine(&unlimited), Some(16 * GIB));
        assert_eq!(memory_max(Path::new("/nowhere")), None);
    }

    #[test]
    fn a_quota_of_cpus_may_be_a_part_of_one_and_the_narrowest_counts_in_both_versions() {
        let cores = |files: &[(&str, &str)]| quota(root_of(files).path());
        let v2 = [
            ("proc/self/cgroup", "0::/a.slice/b.service\n"),
            ("sys/fs/cgroup/a.slice/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n"),
        ];
        assert_eq!(cores(&v2), Some(1.5), "the group above has one");
        let v1 = [
            ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/1f\n"),
            ("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(cores(&v1), Some(0.5));
        assert_eq!(cores(&v1[..3]), None);
        assert_eq!(cores(&[]), None);
    }

    #[test]
    fn of_groups_the_narrowest_counts_in_both_versions() {
        let v2 = [
            ("proc/self/cgroup", "0::/a.slice/b.service\n"),
            ("sys/fs/cgroup/a.slice/memory.max", "2147483648\n"),
            ("sys/fs/cgroup/a.slice/b.service/memory.max", "4294967296\n"),
        ];
        assert_eq!(machine(&v2), Some(2 * GIB), "the group above is narrower");
        let contained = [("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "1073741824\n")];
        assert_eq!(machine(&contained), Some(GIB));
        let v1 = [
            ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/1f\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "3221225472\n"),
        ];
        assert_eq!(machine(&v1), Some(3 * GIB), "it is the root of what the container sees");
        let none = [
            ("proc/self/cgroup", "4:memory:/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        assert_eq!(machine(&none), Some(16 * GIB));
    }
}
