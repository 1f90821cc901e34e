//! What this machine allows.

use proofload_core::plan::MachineLimits;

/// Reads the limits of this process and machine.
pub fn machine_limits() -> MachineLimits {
    MachineLimits {
        // An absent limit means that there is none.
        file_descriptors: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
        local_ports: std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok().as_deref().and_then(ports),
        memory_bytes: std::fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(available),
    }
}

/// `32768\t60999`: both ends belong to the range.
fn ports(text: &str) -> Option<u64> {
    let mut ends = text.split_whitespace().map(|word| word.parse::<u64>().ok());
    let (first, last) = (ends.next()??, ends.next()??);
    last.checked_sub(first).map(|span| span + 1)
}

/// The line `MemAvailable:   24018032 kB` (kernel `Documentation/filesystems/proc.rst`).
fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        assert_eq!(ports("32768\t60999\n"), Some(28_232));
        assert_eq!(ports("nothing"), None);
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:     100 kB\n"), Some(102_400));
        assert_eq!(available(""), None);
    }
}
