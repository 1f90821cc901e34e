//! What the kernel says of a shard's own thread.

use serde::{Deserialize, Serialize};

/// Readings since the last one, as shares of wall time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct AuditReading {
    /// The thread computed.
    pub(crate) busy: f64,
    /// The thread could have computed and was not let; unknown where the kernel does not say.
    pub(crate) run_queue: Option<f64>,
}

/// Reads `/proc/thread-self/schedstat`: time on the CPU and time waiting for it, ns (`proc_pid_schedstat`, kernel
/// `Documentation/scheduler/sched-stats.rst`).
#[derive(Debug, Default)]
pub(super) struct ThreadAudit {
    last: Option<(u64, u64, u64)>,
}

impl ThreadAudit {
    /// The shares since the last call; `None` on the first and where the kernel does not say.
    pub(super) fn read(&mut self, now_ns: u64) -> Option<AuditReading> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let mut numbers = text.split_whitespace().map(|word| word.parse::<u64>().ok());
        let (ran, waited) = (numbers.next()??, numbers.next()??);
        let last = self.last.replace((now_ns, ran, waited))?;
        let wall = now_ns.saturating_sub(last.0);
        if wall == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a second fit a double")]
        let share = |part: u64| part as f64 / wall as f64;
        Some(AuditReading {
            busy: share(ran.saturating_sub(last.1)),
            run_queue: Some(share(waited.saturating_sub(last.2))),
        })
    }
}
