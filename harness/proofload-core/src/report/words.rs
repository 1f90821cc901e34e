//! Numbers and times as people read them, the same in every format.

use crate::evidence::Calibration;
use crate::judge::PER_1000;

/// What stands where nothing was measured.
pub(super) const UNKNOWN: &str = "unknown";

/// `12,345`.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A value with its unit, three digits worth reading: `0.42 ms`, `212 ms`, `1.8 s`, `0.1 %`, `3 jobs`.
pub(super) fn value(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    match unit {
        "ms" if value.abs() >= 1000.0 => format!("{} s", digits(value / 1e3)),
        "/s" => format!("{}/s", digits(value)),
        "" => digits(value),
        _ if unit.ends_with(PER_1000) => money(value, unit),
        _ => format!("{} {unit}", digits(value)),
    }
}

/// Money keeps three digits however little it is: a thousand cheap answers cost next to nothing.
pub(super) fn money(amount: f64, unit: &str) -> String {
    let decimals = (3..=12).find(|decimals| amount.abs() * 10f64.powi(*decimals) >= 99.95).unwrap_or(0);
    let text = match usize::try_from(decimals) {
        Ok(decimals) if decimals > 3 => format!("{amount:.decimals$}").trim_end_matches('0').to_owned(),
        _ => digits(amount),
    };
    format!("{text} {}", clip(unit, 40).trim_start())
}

/// A value that may not have been measured.
pub(super) fn maybe(measured: Option<f64>, unit: &str) -> String {
    measured.map_or_else(|| UNKNOWN.to_owned(), |measured| value(measured, unit))
}

/// Three significant digits, at least all whole ones, without trailing zeros.
pub(super) fn digits(value: f64) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    if value.abs() >= 1e9 {
        return format!("{value:.2e}");
    }
    let decimals = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        size if size >= 0.001 => 3,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// `part` of `whole` in percent; `None` of nothing.
pub(super) fn percent(part: u64, whole: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    let share = part as f64 / whole as f64;
    (whole > 0).then_some(share * 100.0)
}

/// A share in percent that never reads 100 unless it is.
pub(super) fn share_of(part: u64, whole: u64) -> String {
    match percent(part, whole) {
        None => UNKNOWN.to_owned(),
        Some(share) if part < whole => format!("{:.2} %", share.min(99.99)),
        Some(share) => format!("{} %", digits(share)),
    }
}

/// A length of time in words: `42 s`, `2 min 5 s`, `1 h 3 min`.
pub(super) fn length(ms: u64) -> String {
    let seconds = ms.div_ceil(1000);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, 0) => format!("{min} min"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

/// A moment as `2026-11-21 09:48:12 UTC`.
pub(super) fn moment(unix_ms: u64) -> String {
    let (day, time) = day_and_time(unix_ms);
    format!("{day} {time} UTC")
}

/// A moment as RFC 3339 has it, UTC, whole seconds.
pub fn rfc3339(unix_ms: u64) -> String {
    let (day, time) = day_and_time(unix_ms);
    format!("{day}T{time}Z")
}

fn day_and_time(unix_ms: u64) -> (String, String) {
    let seconds = unix_ms / 1000;
    let (year, month, day) = date(seconds / 86_400);
    let (h, min, s) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    (format!("{year:04}-{month:02}-{day:02}"), format!("{h:02}:{min:02}:{s:02}"))
}

/// Year, month and day of a day since 1970 (Hinnant, "chrono-compatible low-level date algorithms").
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// What the check before the first request showed.
pub(super) fn calibration(calibration: Option<&Calibration>) -> String {
    match calibration {
        None => "not recorded".to_owned(),
        Some(Calibration::Skipped { why }) => format!("not made: {}", clip(why, 200)),
        Some(Calibration::Rate { per_second, wake_lag_p50_ms, wake_lag_p99_ms, busy }) => format!(
            "{} to a server inside proofload: wake lag p50 {}, p99 {}; generator busy {}",
            value(*per_second, "/s"),
            value(*wake_lag_p50_ms, "ms"),
            value(*wake_lag_p99_ms, "ms"),
            maybe(busy.map(|share| share * 100.0), "%"),
        ),
        Some(Calibration::Ceiling { vus, per_second }) => {
            format!("{vus} virtual users get {} from a server inside proofload", value(*per_second, "/s"))
        }
    }
}

/// At most `most` characters on one line; what was cut is in `report.json`.
pub(super) fn clip(text: &str, most: usize) -> String {
    let mut line: String = text.chars().map(plain).take(most + 1).collect();
    if line.chars().count() > most {
        line.pop();
        line.push('…');
    }
    line
}

/// A control character as a space, and one that turns the direction of what follows as a mark that it was there.
fn plain(c: char) -> char {
    match c {
        _ if c.is_control() => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_worth_reading() {
        let check = |number: f64, unit: &str, expected: &str| assert_eq!(value(number, unit), expected);
        check(0.4216, "ms", "0.422 ms");
        check(3.456, "ms", "3.46 ms");
        check(212.4, "ms", "212 ms");
        check(300.0, "ms", "300 ms");
        check(1804.0, "ms", "1.8 s");
        check(0.0, "%", "0 %");
        check(0.05, "%", "0.05 %");
        check(0.00004, "%", "0 %");
        check(99.999, "%", "100 %");
        check(41.666, "/s", "41.7/s");
        check(1_234_567.0, "jobs", "1234567 jobs");
        check(1.5e300, "jobs", "1.50e300 jobs");
        check(f64::NAN, "ms", "unknown");
        check(-0.000_001, "", "0");
    }

    #[test]
    fn money_keeps_three_digits_however_little_it_is() {
        let check = |amount: f64, expected: &str| assert_eq!(money(amount, "USD"), expected);
        check(1916.4, "1916 USD");
        check(0.314_159, "0.314 USD");
        check(0.018_749, "0.0187 USD");
        check(0.000_018_749, "0.0000187 USD");
        check(0.02, "0.02 USD");
        check(0.0, "0 USD");
        check(f64::NAN, "unknown USD");
        assert_eq!(value(0.000_02, "USD per 1,000"), "0.00002 USD per 1,000");
    }

    #[test]
    fn counts_shares_and_times_read_aloud() {
        assert_eq!([count(0), count(999), count(1000), count(12_345_678)], ["0", "999", "1,000", "12,345,678"]);
        assert_eq!([share_of(3, 3), share_of(99_999, 100_000), share_of(0, 0)], ["100 %", "99.99 %", "unknown"]);
        assert_eq!([length(0), length(1), length(120_000), length(3_780_000)], ["0 s", "1 s", "2 min", "1 h 3 min"]);
        assert_eq!(moment(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(moment(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(moment(1_795_254_492_123), "2026-11-21 09:48:12 UTC");
        assert_eq!(rfc3339(1_795_254_492_123), "2026-11-21T09:48:12Z");
    }

    #[test]
    fn long_texts_are_cut_to_one_line() {
        assert_eq!(clip("a\nb\u{202e}c", 10), "a b\u{fffd}c");
        assert_eq!(clip("äöüß", 4), "äöüß");
        assert_eq!(clip("äöüßx", 4), "äöüß…");
    }
}
