//! HTTP archives (HAR 1.2), as browsers and proxies save them.

use serde::{Deserialize, Deserializer, de};

use super::access_log::request;
use super::time::rfc3339_ns;
use super::{Recorded, TraceEntry, Wrong, shown};

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    started_date_time: Moment,
    request: Request,
}

/// Nanoseconds since 1970.
struct Moment(i128);

/// What was sent.
struct Request(TraceEntry);

pub(super) fn entries(text: &str) -> Result<Vec<Recorded>, Wrong> {
    let har: Har = serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or_default();
        (error.line(), format!("{what}; an HTTP archive (HAR 1.2) is expected"))
    })?;
    Ok(har.log.entries.into_iter().map(|entry| (entry.started_date_time.0, entry.request.0)).collect())
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        rfc3339_ns(&text)
            .map(Moment)
            .ok_or_else(|| de::Error::custom(format!("startedDateTime is `{}`, no RFC 3339 moment", shown(&text))))
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            method: String,
            url: String,
            /// -1 where it is not known.
            #[serde(rename = "bodySize", default = "unknown")]
            body_size: i64,
        }
        let written = Written::deserialize(deserializer)?;
        let entry = request(&written.method, &written.url).map_err(de::Error::custom)?;
        Ok(Request(TraceEntry { bytes: u64::try_from(written.body_size).ok(), ..entry }))
    }
}

fn unknown() -> i64 {
    -1
}
