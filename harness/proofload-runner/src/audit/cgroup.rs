//! Whether the kernel stopped this process for having used up its control group's CPU quota: `nr_throttled` of
//! `cpu.stat`, version 2 and 1, of the own group and of every group above it that can be seen.

use std::path::{Path, PathBuf};

/// Where control groups are mounted.
const MOUNTED_AT: &str = "/sys/fs/cgroup";

/// The own control group.
#[derive(Debug, Default)]
pub(super) struct Throttling {
    first: Option<u64>,
}

impl Throttling {
    /// How often it was throttled since the first call; `None` where the kernel does not say.
    pub(super) fn read(&mut self) -> Option<u64> {
        let now = throttled(Path::new(MOUNTED_AT), &std::fs::read_to_string("/proc/self/cgroup").ok()?)?;
        Some(now.saturating_sub(*self.first.get_or_insert(now)))
    }
}

/// The sum over the first hierarchy that counts it.
fn throttled(mounted_at: &Path, own: &str) -> Option<u64> {
    hierarchies(mounted_at, own).iter().find_map(|(root, path)| {
        let own_folder = root.join(path.trim_start_matches('/'));
        // In a container the own group may be mounted as the root, under a path that only the host knows.
        let start = if own_folder.is_dir() { own_folder } else { root.clone() };
        let folders = start.ancestors().take_while(|folder| folder.starts_with(root));
        let counts = folders.filter_map(|folder| parse(&std::fs::read_to_string(folder.join("cpu.stat")).ok()?));
        counts.reduce(|sum, count| sum + count)
    })
}

/// Roots of hierarchies that may hold the CPU controller, with the own path in each; lines read `0::/path` in version
/// 2 and `4:cpu,cpuacct:/path` in version 1.
fn hierarchies(mounted_at: &Path, own: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        if controllers.is_empty() {
            found.extend([mounted_at.to_owned(), mounted_at.join("unified")].map(|root| (root, path.to_owned())));
        } else if controllers.split(',').any(|controller| controller == "cpu") {
            found.extend([controllers, "cpu"].map(|name| (mounted_at.join(name), path.to_owned())));
        }
    }
    found
}

fn parse(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("nr_throttled "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: &str, files: &[(&str, &str)], expected: Option<u64>) {
        let folder = tempfile::tempdir().unwrap();
        for (group, content) in files {
            let group = folder.path().join(group);
            std::fs::create_dir_all(&group).unwrap();
            std::fs::write(group.join("cpu.stat"), content).unwrap();
        }
        assert_eq!(throttled(folder.path(), own), expected, "{own}");
    }

    const V2: &str = "usage_usec 5\nnr_periods 9\nnr_throttled 3\nthrottled_usec 7\n";
    const V1: &str = "nr_periods 9\nnr_throttled 4\nthrottled_time 7\n";

    #[test]
    fn the_own_group_and_those_above_it_count() {
        check("0::/pods/mine\n", &[("pods/mine", V2), ("pods", V2), ("", "usage_usec 5\n")], Some(6));
        check("5:memory:/m\n4:cpu,cpuacct:/mine\n", &[("cpu,cpuacct/mine", V1)], Some(4));
        check("4:cpu:/mine\n0::/\n", &[("cpu/mine", V1)], Some(4));
    }

    #[test]
    fn in_a_container_the_root_is_the_own_group() {
        check("0::/docker/only-the-host-knows\n", &[("", V2)], Some(3));
        check("4:cpu:/docker/only-the-host-knows\n", &[("cpu", V1)], Some(4));
    }

    #[test]
    fn where_nobody_counts_it_stays_unknown() {
        check("0::/\n", &[("", "usage_usec 5\n")], None);
        check("0::/\n", &[], None);
        check("nonsense", &[], None);
    }
}
