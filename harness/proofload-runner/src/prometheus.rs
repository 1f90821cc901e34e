//! Asking a Prometheus (<https://prometheus.io/docs/prometheus/latest/querying/api/>) for the figures of rules: once
//! before the run, so that a wrong query costs no load, and once after it for the whole run.

use std::time::Duration;

use proofload_core::evidence::ExternalAnswer;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;

use crate::clock::unix_ms;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most points of a series that are asked for; Prometheus itself gives 11,000.
const POINTS_MAX: u64 = 10_000;
/// Shortest distance between two points.
const STEP_MIN_S: u64 = 1;

/// A Prometheus that answers.
pub(crate) struct Prometheus {
    url: String,
    authorization: Option<HeaderValue>,
    http: reqwest::Client,
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The query itself is wrong, in Prometheus's words.
    Refused(String),
    /// Nobody could be asked, or what came was no answer.
    Silent(String),
}

/// A stretch of time by the clock of this machine, ms since 1970.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "units stand last in names")]
pub(crate) struct Asked {
    /// Start of the run's time axis.
    pub(crate) started_unix_ms: u64,
    /// Its length.
    pub(crate) lasted_ms: u64,
    /// How far the clock of Prometheus is ahead of this machine's, ms.
    pub(crate) ahead_ms: i64,
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Series {
    values: Vec<(f64, String)>,
}

impl Prometheus {
    pub(crate) fn new(url: String, authorization: Option<HeaderValue>, http: reqwest::Client) -> Self {
        Self { url, authorization, http }
    }

    /// Whether it answers, and how far its clock is ahead of this machine's, ms.
    ///
    /// # Errors
    /// A sentence naming the address.
    pub(crate) async fn reach(&self) -> Result<i64, String> {
        let before_ms = unix_ms();
        let answer = self.ask("query", &[("query", "time()".to_owned())]).await;
        let after_ms = unix_ms();
        let told = match answer {
            Ok(data) => {
                serde_json::from_value::<(f64, String)>(data.result).ok().and_then(|(_, time)| time.parse().ok())
            }
            Err(Unanswered::Refused(why) | Unanswered::Silent(why)) => return Err(why),
        };
        let told_s: f64 = told.ok_or_else(|| format!("{} does not tell the time as Prometheus does", self.url))?;
        // It read its clock somewhere between the two readings of ours.
        let middle_ms = before_ms.midpoint(after_ms);
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit 63 bits")]
        let theirs_ms = (told_s * 1e3).round() as i64;
        Ok(theirs_ms - i64::try_from(middle_ms).unwrap_or(i64::MAX))
    }

    /// Whether a query can be answered at all.
    pub(crate) async fn check(&self, query: &str) -> Result<(), Unanswered> {
        self.ask("query", &[("query", query.to_owned())]).await.map(drop)
    }

    /// The figures of a query over the run.
    pub(crate) async fn series(&self, query: &str, asked: Asked) -> ExternalAnswer {
        let step_s = (asked.lasted_ms / 1000).div_ceil(POINTS_MAX).max(STEP_MIN_S);
        let start_ms = i64::try_from(asked.started_unix_ms).unwrap_or(i64::MAX).saturating_add(asked.ahead_ms);
        let end_ms = start_ms.saturating_add(i64::try_from(asked.lasted_ms).unwrap_or(i64::MAX));
        let words = [
            ("query", query.to_owned()),
            ("start", seconds(start_ms)),
            ("end", seconds(end_ms)),
            ("step", step_s.to_string()),
        ];
        let points = self.ask("query_range", &words).await.and_then(|data| points(data, start_ms));
        match points {
            Ok(points) => ExternalAnswer::Points(points),
            Err(Unanswered::Refused(why) | Unanswered::Silent(why)) => ExternalAnswer::Failed(why),
        }
    }

    async fn ask(&self, what: &str, words: &[(&str, String)]) -> Result<Data, Unanswered> {
        let address = format!("{}/api/v1/{what}", self.url);
        let silent = |why: String| Unanswered::Silent(format!("{address} {why}"));
        let url =
            url::Url::parse_with_params(&address, words).map_err(|error| silent(format!("is no URL: {error}")))?;
        let mut request = self.http.get(url).timeout(TIMEOUT);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let answer = request.send().await.map_err(|error| match error {
            error if error.is_timeout() => silent(format!("did not answer within {} s", TIMEOUT.as_secs())),
            error if error.is_connect() => silent("cannot be connected to".to_owned()),
            error => silent(format!("did not answer: {}", error.without_url())),
        })?;
        let status = answer.status();
        let told: Result<Answer, _> = answer.json().await;
        match (status.as_u16(), told) {
            (200, Ok(Answer { data: Some(data), .. })) => Ok(data),
            // 400 and 422 are what it says of a query that cannot be read or carried out.
            (400 | 422, Ok(Answer { error: Some(error), .. })) => Err(Unanswered::Refused(error)),
            (_, Ok(Answer { error: Some(error), .. })) => Err(silent(format!("answered {status}: {error}"))),
            (200, _) => Err(silent("answered something else than Prometheus does".to_owned())),
            _ => Err(silent(format!("answered {status}"))),
        }
    }
}

/// The points of the one series of an answer, ms from the start of the run. What is not a number is left out, and what
/// is beyond all numbers is the largest there is: a rule on it fails.
fn points(data: Data, start_ms: i64) -> Result<Vec<(u64, f64)>, Unanswered> {
    let silent = |why: String| Unanswered::Silent(why);
    if data.result_type != "matrix" {
        return Err(silent(format!("the answer is a {}, not a series over time", data.result_type)));
    }
    let series: Vec<Series> =
        serde_json::from_value(data.result).map_err(|error| silent(format!("the answer cannot be read: {error}")))?;
    let [one] = series.as_slice() else {
        return match series.len() {
            0 => Ok(Vec::new()),
            many => Err(silent(format!("the query answers {many} series; make it one, with max(…) or sum(…)"))),
        };
    };
    let point = |(at_s, value): &(f64, String)| {
        let value: f64 = value.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit 63 bits")]
        let at_ms = u64::try_from((at_s * 1e3).round() as i64 - start_ms).ok()?;
        (!value.is_nan()).then(|| (at_ms, value.clamp(f64::MIN, f64::MAX)))
    };
    Ok(one.values.iter().filter_map(point).collect())
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(result: &str, expected: Result<&[(u64, f64)], &str>) {
        let data = Data { result_type: "matrix".to_owned(), result: serde_json::from_str(result).unwrap() };
        let expected = expected.map(<[_]>::to_vec).map_err(|why| Unanswered::Silent(why.to_owned()));
        assert_eq!(points(data, 1_000_000), expected, "{result}");
    }

    #[test]
    fn each_answer_has_its_meaning() {
        check("[]", Ok(&[]));
        check(r#"[{"metric": {}, "values": [[1000, "3"], [1001.5, "0.5"]]}]"#, Ok(&[(0, 3.0), (1_500, 0.5)]));
        check(r#"[{"metric": {}, "values": [[1000, "NaN"], [1001, "+Inf"]]}]"#, Ok(&[(1_000, f64::MAX)]));
        check(
            r#"[{"metric": {}, "values": []}, {"metric": {}, "values": []}]"#,
            Err("the query answers 2 series; make it one, with max(…) or sum(…)"),
        );
        assert_eq!(seconds(1_500), "1.500");
    }
}
