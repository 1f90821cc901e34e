//! CPU time that a hypervisor gave to somebody else: `steal` of `/proc/stat` (`proc_stat(5)`).

/// The machine's CPU time.
#[derive(Debug, Default)]
pub(super) struct Steal {
    last: Option<Cpu>,
}

/// Ticks of all CPUs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cpu {
    stolen: u64,
    all: u64,
}

impl Steal {
    /// The share that was stolen since the last call; `None` on the first and where the kernel does not say.
    pub(super) fn read(&mut self) -> Option<f64> {
        let cpu = parse(&std::fs::read_to_string("/proc/stat").ok()?)?;
        share(self.last.replace(cpu)?, cpu)
    }
}

fn parse(text: &str) -> Option<Cpu> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    // Time of guests is in user time already.
    Some(Cpu { stolen: *ticks.get(7)?, all: ticks.iter().take(8).sum() })
}

#[expect(clippy::cast_precision_loss, reason = "ticks of a second fit a double")]
fn share(before: Cpu, now: Cpu) -> Option<f64> {
    let all = now.all.saturating_sub(before.all);
    (all > 0).then(|| now.stolen.saturating_sub(before.stolen) as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_the_time_between_two_readings() {
        let before = parse("cpu  100 0 50 800 0 0 0 50 9 9\ncpu0 1 2 3\n").unwrap();
        let now = parse("cpu  150 0 50 900 0 0 0 100 9 9\n").unwrap();
        assert_eq!(share(before, now), Some(0.25));
        assert_eq!(share(now, now), None);
        assert_eq!(parse("cpu  1 2 3\n"), None);
    }
}
