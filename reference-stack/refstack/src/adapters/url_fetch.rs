//! Loads images from addresses that clients named. The rule is applied to the address, to what its name resolves to, and to
//! every redirect; time, bytes and redirects are limited.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Url};

use crate::ports::fetch::{Fetch, FetchError};
use crate::url_rule::{check_address, check_parsed, check_url};

const FETCH_MAX: Duration = Duration::from_secs(10);
const CONNECT_MAX: Duration = Duration::from_secs(3);
const IMAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
const REDIRECTS_MAX: usize = 3;

/// Fetches images over HTTP.
pub struct UrlFetch {
    guarded: Client,
    open: Client,
}

impl UrlFetch {
    /// A fetcher.
    pub fn new() -> Result<Self, reqwest::Error> {
        crate::adapters::install_tls_provider();
        let build = |allow_private| {
            Client::builder()
                .timeout(FETCH_MAX)
                .connect_timeout(CONNECT_MAX)
                .no_proxy()
                // Limits hold for what is received, so nothing is unpacked on the way.
                .no_gzip()
                .redirect(Policy::custom(move |attempt| follow(attempt, allow_private)))
        };
        Ok(Self { guarded: build(false).dns_resolver(GuardedResolver).build()?, open: build(true).build()? })
    }
}

#[async_trait]
impl Fetch for UrlFetch {
    async fn image(&self, url: &str, allow_private: bool) -> Result<Bytes, FetchError> {
        let url = check_url(url, allow_private).map_err(FetchError::Refused)?;
        load(if allow_private { &self.open } else { &self.guarded }, url).await
    }
}

async fn load(client: &Client, url: Url) -> Result<Bytes, FetchError> {
    let mut response = client.get(url).send().await.map_err(|error| failed(&error))?;
    if !response.status().is_success() {
        return Err(FetchError::Failed(format!("the host answered {}", response.status())));
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > IMAGE_BYTES_MAX {
            return Err(FetchError::Failed(format!("more than {IMAGE_BYTES_MAX} bytes")));
        }
    }
    Ok(bytes.freeze())
}

fn follow(attempt: Attempt<'_>, allow_private: bool) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error(Refusal(format!("more than {REDIRECTS_MAX} redirects")));
    }
    match check_parsed(attempt.url(), allow_private) {
        Ok(()) => attempt.follow(),
        Err(why) => attempt.error(Refusal(why)),
    }
}

/// Resolves names, and refuses one as soon as any of its addresses leads inside.
struct GuardedResolver;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &found {
                check_address(address.ip()).map_err(Refusal)?;
            }
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

/// Our own refusals come back deep inside the client's error.
fn failed(error: &reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut last = error.to_string();
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return FetchError::Refused(refusal.to_string());
        }
        last = error.to_string();
        cause = error.source();
    }
    FetchError::Failed(last)
}
