//! A thread's CPU time where the kernel keeps no scheduler statistics: `utime` and `stime` of its `stat`, in ticks of
//! ten milliseconds (`proc_pid_stat(5)`; what `getrusage` would tell the thread itself).

use std::path::Path;

use super::schedstat::Times;

/// `USER_HZ` has been 100 on every Linux since 2.6.
const NS_PER_TICK: u64 = 10_000_000;

/// CPU time of the thread in this folder of `/proc`; waiting stays unknown.
pub(super) fn times(thread: &Path) -> Option<Times> {
    parse(&std::fs::read_to_string(thread.join("stat")).ok()?)
}

fn parse(text: &str) -> Option<Times> {
    // The name is in parentheses and may hold anything; the 14th and 15th field are the 12th and 13th after it.
    let (_, fields) = text.rsplit_once(") ")?;
    let mut fields = fields.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Times { ran_ns: ticks * NS_PER_TICK, waited_ns: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_found_behind_any_name() {
        let text = "7 (gene) rator) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 100 0 0";
        assert_eq!(parse(text), Some(Times { ran_ns: 3_000_000_000, waited_ns: None }));
        assert_eq!(parse("7 (x) S 1"), None);
    }
}
