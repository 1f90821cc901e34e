//! What a case works with: it sends calls, makes tokens, waits for jobs, and everything it sends goes on record.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proofload_core::conformance::{Exchange, Redactor, SkipReason};
use serde_json::Value;
use url::Url;

use super::answer::Answer;
use super::call::Call;
use super::case::{CaseResult, Stop, unexpected};
use super::options::{Options, Timeouts};
use super::profile::{Places, places};
use super::token;
use crate::clock::unix_ms;

/// The last exchanges of a case tell what decided it.
const EXCHANGES_MAX: usize = 4;

/// What a case works with. Each case gets its own, so that its record is its own.
pub(super) struct Context {
    options: Arc<Options>,
    client: reqwest::Client,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    exchanges: VecDeque<Exchange>,
    repro: Option<String>,
    redactor: Redactor,
}

impl Context {
    pub(super) fn new(options: &Arc<Options>, client: &reqwest::Client) -> Self {
        let mut record = Record::default();
        if let Some(source) = &options.token {
            record.redactor.hide(&String::from_utf8_lossy(&source.secret));
        }
        record.redactor.hide(options.target.password().unwrap_or_default());
        Self { options: Arc::clone(options), client: client.clone(), record: Mutex::new(record) }
    }

    pub(super) fn places(&self) -> &'static Places {
        places(self.options.profile)
    }

    pub(super) fn body_max_bytes(&self) -> usize {
        self.options.body_max_bytes
    }

    pub(super) fn timeouts(&self) -> Timeouts {
        self.options.timeouts
    }

    /// Sends a call. No answer is the target's fault: a target that hangs or hangs up does not conform.
    pub(super) async fn send(&self, call: Call) -> CaseResult<Answer> {
        let name = shortened(&format!("{} {}", call.method, call.path));
        let url = self.url(&call.path)?;
        let repro = call.as_curl(without_credentials(&url).as_str());
        let sent = self.request(call, url).send().await;
        let answer = match sent {
            Ok(response) => read(&name, response).await,
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|error| causes(&error));
        self.note(&name, &repro, &answer);
        answer.map_err(|why| unexpected(&format!("an answer to {name}"), why))
    }

    /// Sends a call with a good token, where the contract asks for one on uploads and jobs.
    pub(super) async fn send_as_user(&self, call: Call) -> CaseResult<Answer> {
        if !self.places().guarded {
            return self.send(call).await;
        }
        let token = self.token()?;
        self.send(call.bearer(&token)).await
    }

    /// A good token.
    pub(super) fn token(&self) -> CaseResult<String> {
        self.token_with(|_, _| ())
    }

    /// A token signed with the right key, whose header and claims were changed.
    pub(super) fn token_with(&self, change: impl FnOnce(&mut Value, &mut Value)) -> CaseResult<String> {
        let source = self.token_source()?;
        let (mut header, mut claims) = (token::header(), token::claims(source, unix_ms() / 1000));
        change(&mut header, &mut claims);
        let algorithm = jsonwebtoken::Algorithm::HS256;
        Ok(token::sign(&header.to_string(), &claims.to_string(), algorithm, &source.secret))
    }

    /// How tokens are made, or why this case cannot be carried out.
    pub(super) fn token_source(&self) -> CaseResult<&super::TokenSource> {
        let none = || {
            Stop::Skip(SkipReason::Unsupported, "no key for tokens was given: `--jwt-secret-file`, or a `jwt` token source of the system in the environment".to_owned())
        };
        self.options.token.as_ref().ok_or_else(none)
    }

    /// Turns a `Location` into a path of the target; another host is not followed, for it would be sent the token.
    pub(super) fn path_of(&self, location: &str) -> CaseResult<String> {
        let base = &self.options.target;
        let url = base.join(location).map_err(|_| unexpected("a Location that is a URL reference", location))?;
        if url.origin() != base.origin() {
            return Err(unexpected("a Location at the target itself", location));
        }
        let prefix = base.path().trim_end_matches('/');
        Ok(url.path().strip_prefix(prefix).unwrap_or(url.path()).to_owned())
    }

    /// What was recorded: exchanges and the command that repeats the last, then `message` without secrets.
    pub(super) fn close(self, message: &str) -> (Vec<Exchange>, Option<String>, String) {
        let record = self.record.into_inner().unwrap_or_else(PoisonError::into_inner);
        let message = record.redactor.clean(message);
        (record.exchanges.into(), record.repro, message)
    }

    fn request(&self, call: Call, url: Url) -> reqwest::RequestBuilder {
        let request = self.client.request(call.method, url).headers(call.headers);
        if call.chunked {
            let pieces: Vec<_> =
                call.body.chunks(64 * 1024).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
            return request.body(reqwest::Body::wrap_stream(futures::stream::iter(pieces)));
        }
        if call.body.is_empty() { request } else { request.body(call.body) }
    }

    fn url(&self, path: &str) -> CaseResult<Url> {
        let base = self.options.target.as_str().trim_end_matches('/');
        format!("{base}{path}").parse().map_err(|error| Stop::Error(format!("{path} makes no URL: {error}")))
    }

    fn note(&self, name: &str, repro: &str, answer: &Result<Answer, String>) {
        let mut record = self.record();
        let (status, text) = match answer {
            Ok(answer) => (Some(answer.status), answer.excerpt()),
            Err(why) => (None, why.clone()),
        };
        let clean = |text: &str| record.redactor.clean(text);
        let exchange = Exchange { request: clean(name), status, answer: clean(&text) };
        let repro = clean(repro);
        record.repro = Some(repro);
        if record.exchanges.len() == EXCHANGES_MAX {
            record.exchanges.pop_front();
        }
        record.exchanges.push_back(exchange);
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address as reports may show it.
pub(super) fn without_credentials(url: &Url) -> Url {
    let mut shown = url.clone();
    // Both fail only for addresses that cannot carry credentials.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown
}

/// An error with what caused it; the outermost alone says only that something failed.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "none in time".to_owned() } else { "none".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Some checks ask for paths of kilobytes; their start names them.
fn shortened(name: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 120;
    match name.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

async fn read(name: &str, response: reqwest::Response) -> Result<Answer, reqwest::Error> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await?;
    Ok(Answer { request: name.to_owned(), status, headers, body })
}
