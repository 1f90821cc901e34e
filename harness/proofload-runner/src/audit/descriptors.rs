//! Open file descriptors against the limit; every connection is one.

use rustix::process::{Resource, getrlimit};

/// The share of the soft limit that is open; `None` where there is no limit, or no `/proc`.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 descriptors")]
pub(super) fn share() -> Option<f64> {
    let limit = getrlimit(Resource::Nofile).current.filter(|limit| *limit > 0)?;
    Some(open()? as f64 / limit as f64)
}

fn open() -> Option<u64> {
    // Since Linux 6.2 the folder's size is their number; before, they are counted.
    match std::fs::metadata("/proc/self/fd").ok()?.len() {
        0 => Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as u64),
        counted => Some(counted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_file_is_counted() {
        let Some(before) = open() else { return };
        let held: Vec<_> = (0..50).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        assert!(open().unwrap() > before, "{} files more", held.len());
    }
}
