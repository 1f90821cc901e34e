//! Sends a run's metrics to an OTLP/HTTP receiver. A receiver that is away is told of once and changes nothing else.

use std::time::Duration;

use proofload_core::environment::HttpVersion;
use url::Url;

use crate::run::http_client;

/// How often a receiver is asked that is busy or away for a moment.
const TRIES: u32 = 3;
/// The pause before the second try, unless the receiver names another; it doubles before the third.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// Longest pause that a receiver may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Longest wait for a receiver, connection included.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are looked at.
const ANSWER_MAX: usize = 64 * 1024;
/// Where receivers take metrics.
const METRICS: &str = "v1/metrics";

/// Where to send, and what the receiver wants to see besides.
#[derive(Debug, Clone)]
pub struct Receiver {
    url: Url,
    headers: Vec<(String, String)>,
}

impl Receiver {
    /// A base address, to which `/v1/metrics` is added, or the whole address. `headers` is as in
    /// `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`.
    ///
    /// # Errors
    /// A sentence that repeats neither address nor headers, since both may hold secrets.
    pub fn new(address: &str, headers: Option<&str>) -> Result<Self, String> {
        let wrong = || "the address of an OTLP receiver is http://HOST:PORT or https://…".to_owned();
        let mut url = Url::parse(address).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(wrong());
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with(METRICS) {
            url.set_path(&format!("{path}/{METRICS}"));
        }
        let header = |pair: &str| {
            let (name, value) = pair.split_once('=').ok_or("OTEL_EXPORTER_OTLP_HEADERS is name=value,name=value")?;
            Ok((name.trim().to_owned(), percent_decoded(value.trim())))
        };
        let pairs = headers.unwrap_or_default().split(',').filter(|pair| !pair.trim().is_empty());
        Ok(Self { url, headers: pairs.map(header).collect::<Result<_, String>>()? })
    }

    /// The address without user, password and query.
    pub fn shown(&self) -> String {
        let mut url = self.url.clone();
        // Only addresses without a host have no place for them, and those were refused.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.to_string()
    }

    /// Sends an `ExportMetricsServiceRequest` in JSON, again where the OTLP specification (OTLP/HTTP, failures) has a
    /// client try again: on 429, 502, 503 and 504, after the pause that `Retry-After` names, and where no connection
    /// could be made.
    ///
    /// # Errors
    /// One sentence: the receiver is away, refused, or took only a part.
    pub async fn send(&self, request: Vec<u8>) -> Result<(), String> {
        let failed = |why: String| format!("the metrics were not taken by {}: {why}", self.shown());
        let client = http_client(HttpVersion::Http1, &[]).map_err(|error| failed(error.to_string()))?;
        let request = bytes::Bytes::from(request);
        let mut pause = PAUSE_FIRST;
        for _ in 1..TRIES {
            match self.post(&client, request.clone()).await {
                Err(refusal) if refusal.is_passing => {
                    tokio::time::sleep(refusal.pause.unwrap_or(pause).min(PAUSE_MAX)).await;
                }
                decided => return decided.map_err(|refusal| failed(refusal.why)),
            }
            pause *= 2;
        }
        self.post(&client, request).await.map_err(|refusal| failed(refusal.why))
    }

    async fn post(&self, client: &reqwest::Client, request: bytes::Bytes) -> Result<(), Refusal> {
        let mut post = client.post(self.url.clone()).timeout(WAIT_MAX).header("content-type", "application/json");
        for (name, value) in &self.headers {
            post = post.header(name, value);
        }
        let answer = post.body(request).send().await.map_err(|error| Refusal {
            is_passing: error.is_connect(),
            pause: None,
            why: why(error),
        })?;
        let (status, pause) = (answer.status(), retry_after(&answer));
        let body = start_of(answer).await;
        if !status.is_success() {
            let is_passing = matches!(status.as_u16(), 429 | 502..=504);
            return Err(Refusal { is_passing, pause, why: format!("it answered {status}") });
        }
        match rejected(&body) {
            0 => Ok(()),
            count => Err(Refusal { is_passing: false, pause, why: format!("it rejected {count} data points") }),
        }
    }
}

/// Why one try came to nothing.
struct Refusal {
    /// Whether another may come to more.
    is_passing: bool,
    /// After what pause, if the receiver named one.
    pause: Option<Duration>,
    why: String,
}

/// `Retry-After` in seconds; a date there is left out, for ours and the receiver's clock may differ.
fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    answer.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The deepest reason: `Connection refused`, not `error sending request`.
fn why(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", WAIT_MAX.as_secs());
    }
    let error = error.without_url();
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

async fn start_of(mut answer: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(part)) = answer.chunk().await {
        body.extend_from_slice(&part);
        if body.len() > ANSWER_MAX {
            break;
        }
    }
    body
}

/// Data points that a receiver says it left out; 64-bit integers are texts in OTLP's JSON.
fn rejected(body: &[u8]) -> u64 {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let count = &answer["partialSuccess"]["rejectedDataPoints"];
    count.as_u64().or_else(|| count.as_str()?.parse().ok()).unwrap_or(0)
}

/// Header values are written with `%2C` for a comma.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = |bytes: &[u8]| u8::from_str_radix(std::str::from_utf8(bytes.get(..2)?).ok()?, 16).ok();
        if let Some(value) = (byte == b'%').then(|| hex(after)).flatten() {
            decoded.push(value);
            rest = &after[2..];
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: &str) {
        assert_eq!(Receiver::new(address, None).unwrap().shown(), expected);
    }

    #[test]
    fn an_address_is_completed_and_shown_without_secrets() {
        check("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics");
        check("http://127.0.0.1:4318/otlp/", "http://127.0.0.1:4318/otlp/v1/metrics");
        check("https://me:secret@host/v1/metrics?key=secret", "https://host/v1/metrics");
        for wrong in ["host:4318", "file:///x", "http://", "secret"] {
            assert!(!Receiver::new(wrong, None).unwrap_err().contains("secret"), "{wrong}");
        }
    }

    #[test]
    fn headers_are_read_as_the_variable_has_them() {
        let receiver = Receiver::new("http://h", Some("a=b, c = d%2Ce%,,")).unwrap();
        assert_eq!(receiver.headers, [("a".to_owned(), "b".to_owned()), ("c".to_owned(), "d,e%".to_owned())]);
        assert!(Receiver::new("http://h", Some("secret")).unwrap_err().starts_with("OTEL_EXPORTER_OTLP_HEADERS"));
    }

    #[test]
    fn a_receiver_may_take_a_part() {
        assert_eq!(rejected(br#"{"partialSuccess":{"rejectedDataPoints":"3"}}"#), 3);
        assert_eq!([rejected(b"{}"), rejected(b""), rejected(b"\x08\x01")], [0, 0, 0]);
    }
}
