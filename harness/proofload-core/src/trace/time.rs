//! Moments as logs write them: RFC 3339 and decimal units, in integer nanoseconds.

/// Nanoseconds since 1970 of an RFC 3339 moment such as `2026-11-21T13:02:00.125+01:00`; `None` if it is none.
pub(super) fn rfc3339_ns(text: &str) -> Option<i128> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let days = i128::from(days_since_1970(date)?);
    let second_ns = clock_ns(clock)? - i128::from(zone_s(zone)?) * 1_000_000_000;
    Some(days * 86_400_000_000_000 + second_ns)
}

/// Nanoseconds of a decimal number of units, digits beyond the nanosecond dropped; `None` if it is none or not
/// between 0 and 10^15 units.
pub(super) fn decimal_ns(text: &str, unit_ns: i128) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || whole.len() > 15 {
        return None;
    }
    let kept = &fraction[..fraction.len().min(15)];
    let scale = 10i128.pow(u32::try_from(kept.len()).ok()?);
    Some(whole.parse::<i128>().ok()? * unit_ns + kept.parse::<i128>().ok()? * unit_ns / scale)
}

/// `HH:MM:SS` with or without a fraction; 60 seconds are a leap second.
fn clock_ns(clock: &str) -> Option<i128> {
    let mut parts = clock.splitn(3, ':');
    let hour = in_range(parts.next()?, 0, 23)?;
    let minute = in_range(parts.next()?, 0, 59)?;
    let second = parts.next()?;
    in_range(second.split('.').next()?, 0, 60)?;
    Some(i128::from(hour * 3600 + minute * 60) * 1_000_000_000 + decimal_ns(second, 1_000_000_000)?)
}

/// Seconds east of Greenwich: `Z`, `+01:00`, `-0330`.
fn zone_s(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits = zone.get(1..)?.replace(':', "");
    let (hours, minutes) = (digits.get(..2)?, digits.get(2..)?);
    Some(sign * (in_range(hours, 0, 23)? * 3600 + in_range(minutes, 0, 59)? * 60))
}

/// Days from 1970-01-01 to `YYYY-MM-DD` of the Gregorian calendar (Hinnant, "chrono-compatible date algorithms").
fn days_since_1970(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-');
    let year = parts.next().filter(|year| year.len() == 4)?.parse::<u16>().ok().map(i64::from)?;
    let month = in_range(parts.next()?, 1, 12)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let day = in_range(parts.next()?, 1, days_in_month)?;
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn in_range(text: &str, least: i64, most: i64) -> Option<i64> {
    let number = (text.len() == 2).then(|| text.parse::<u8>().ok().map(i64::from))??;
    (least..=most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_to_the_nanosecond() {
        let check = |text: &str, expected: Option<i128>| assert_eq!(rfc3339_ns(text), expected, "{text}");
        check("1970-01-01T00:00:00Z", Some(0));
        check("2000-03-01T00:00:00Z", Some(951_868_800_000_000_000));
        check("2026-11-21T13:02:00.125+01:00", Some(1_795_262_520_125_000_000));
        check("2024-02-29T23:59:60Z", Some(1_709_251_200_000_000_000));
        check("1969-12-31T23:59:59.5-0000", Some(-500_000_000));
        check("2026-13-21T13:02:00Z", None);
        check("2026-11-31T13:02:00Z", None);
        check("2023-02-29T13:02:00Z", None);
        check("2026-11-21T25:02:00Z", None);
        check("2026-11-21T13:02:00", None);
        check("2026-11-21", None);
        check("21/Nov/2026:13:02:00 +0100", None);
        check("2026-11-21T13:02:00.1x5Z", None);
        check("2026-11-21T13:02:00+é0", None);
        check("", None);
    }

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(decimal_ns("1700000000.123", 1_000_000_000), Some(1_700_000_000_123_000_000));
        assert_eq!(decimal_ns("27482", 1_000_000), Some(27_482_000_000));
        assert_eq!(decimal_ns("0.5", 1_000_000), Some(500_000));
        for bad in ["", ".", "1.", "-1", "1e9", "1 ", "NaN", "9999999999999999"] {
            assert_eq!(decimal_ns(bad, 1), None, "{bad}");
        }
    }
}
