//! Sizes, times and addresses as a person writes them.

use std::time::Duration;

/// `80ms`, `10s`, `2m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let milliseconds: f64 = match unit {
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        _ => return Err(String::from("write a number with a unit: 80ms, 10s, 2m")),
    };
    let number: f64 = number.parse().map_err(|_| format!("{number:?} is not a number"))?;
    Duration::try_from_secs_f64(number * milliseconds / 1000.0).map_err(|error| error.to_string())
}

/// `33554432`, `32MiB`, `512KiB`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(String::from("write bytes, or a number with KiB, MiB or GiB")),
    };
    let number: u64 = number.parse().map_err(|_| format!("{number:?} is not a whole number"))?;
    number.checked_mul(factor).ok_or_else(|| String::from("too large"))
}

/// Refuses what is no address of a database. The text is not repeated: it may hold a password.
pub(super) fn database(text: &str) -> Result<&str, String> {
    address(text, &["postgres", "postgresql"], "--database takes postgres://USER:PASSWORD@HOST:PORT/NAME")
}

/// Refuses what is no address of a broker.
pub(super) fn broker(text: &str) -> Result<&str, String> {
    address(text, &["amqp", "amqps"], "--broker takes amqp://USER:PASSWORD@HOST:PORT/VHOST")
}

/// Refuses what is no address of a cache.
pub(super) fn cache(text: &str) -> Result<&str, String> {
    address(text, &["redis", "rediss", "redis+unix"], "--cache takes redis://USER:PASSWORD@HOST:PORT/DATABASE")
}

fn address<'t>(text: &'t str, schemes: &[&str], expected: &str) -> Result<&'t str, String> {
    // `amqp:user:secret@host` has a scheme too, and those who read it further would repeat it.
    let known = url::Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()) && !url.cannot_be_a_base());
    if known { Ok(text) } else { Err(format!("{expected}, and what was given is none")) }
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read() {
        assert_eq!(duration("80ms"), Ok(Duration::from_millis(80)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(bytes("33554432"), Ok(32 << 20));
        assert_eq!(bytes("32MiB"), Ok(32 << 20));
        for wrong in ["", "10", "s", "-1s", "1h", "xs"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(database("postgres://u:p@h:5432/d").is_ok());
        assert!(cache("redis://:p@h:6379/1").is_ok());
        assert!(broker("amqps://u:p@h/%2f").is_ok());
        for wrong in ["", "h:5432", "mysql://u:secret@h/d", "postgres:u:secret@h", "amqp:u:secret@h"] {
            let refused = database(wrong).unwrap_err();
            assert!(refused.contains("postgres://USER") && !refused.contains("secret"), "{refused}");
            assert!(broker(wrong).is_err() && cache(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "MiB", "-1", "1.5MiB", "1MB", "99999999999GiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
