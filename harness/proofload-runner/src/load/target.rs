//! A base URL, parsed and resolved before the first request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use proofload_core::environment::HttpVersion;
use rustls::pki_types::ServerName;

/// Where a system's requests go.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The address that was resolved before the run.
    pub(super) address: SocketAddr,
    /// `Host` header.
    pub(super) authority: Arc<str>,
    /// Prefix of every path, without a slash at the end.
    pub(super) prefix: Arc<str>,
    /// Host and port, as they were resolved.
    place: (Arc<str>, u16),
    /// Name for the certificate, for https.
    pub(super) tls: Option<ServerName<'static>>,
    /// The version that is spoken.
    pub(super) http: HttpVersion,
}

impl Target {
    /// Parses and resolves a base URL where this version is spoken.
    ///
    /// # Errors
    /// A sentence naming the URL.
    pub(crate) async fn resolve(url: &str, http: HttpVersion) -> Result<Self, String> {
        let parsed = url::Url::parse(url).map_err(|error| format!("`{url}` is not a URL: {error}"))?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("a base URL may not hold a user or password; give a token source in the environment".to_owned());
        }
        let host = parsed.host_str().ok_or_else(|| format!("`{url}` names no host"))?;
        let port = parsed.port_or_known_default().ok_or_else(|| format!("`{url}` names no port"))?;
        let tls = match parsed.scheme() {
            "http" => None,
            "https" => {
                let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
                Some(name.map_err(|_| format!("`{host}` cannot stand in a certificate"))?)
            }
            other => return Err(format!("`{url}` speaks {other}; only http and https can be driven")),
        };
        let place: (Arc<str>, u16) = (host.trim_matches(['[', ']']).into(), port);
        let found = addresses(&place).await.map_err(|error| format!("`{host}` cannot be resolved: {error}"))?;
        let address = first_that_accepts(&found).await.ok_or_else(|| format!("`{host}` resolves to no address"))?;
        let authority = match parsed.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let prefix = parsed.path().trim_end_matches('/').into();
        Ok(Self { address, authority: authority.into(), prefix, place, tls, http })
    }

    /// The same place, where HTTP/2 is spoken.
    pub(crate) fn over_http2(&self) -> Self {
        Self { http: HttpVersion::Http2, ..self.clone() }
    }

    /// What changed, in a sentence, if its name stands for other addresses by now than the one that was driven.
    pub(crate) async fn moved(&self) -> Option<String> {
        let now = addresses(&self.place).await.ok()?;
        if now.is_empty() || now.contains(&self.address) {
            return None;
        }
        let (name, driven) = (&self.place.0, self.address.ip());
        Some(format!("`{name}` now stands for {}, and the whole run went to {driven}", now[0].ip()))
    }

    /// Where connections go.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The version that is spoken.
    pub(crate) fn http(&self) -> HttpVersion {
        self.http
    }

    /// The host's name or address, as it was resolved.
    #[cfg(feature = "goose")]
    pub(super) fn host(&self) -> &str {
        &self.place.0
    }

    /// The base URL in words.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.prefix)
    }

    /// The path to request: of a whole URL taken from an answer, its path on the same target.
    pub(super) fn path_of(&self, path_or_url: &str) -> String {
        if path_or_url.starts_with("http://") || path_or_url.starts_with("https://") {
            return url::Url::parse(path_or_url).map_or_else(
                |_| path_or_url.to_owned(),
                |url| match url.query() {
                    Some(query) => format!("{}?{query}", url.path()),
                    None => url.path().to_owned(),
                },
            );
        }
        let holds_prefix = path_or_url.strip_prefix(&*self.prefix).is_some_and(|rest| rest.starts_with('/'));
        if holds_prefix && !self.prefix.is_empty() {
            return path_or_url.to_owned();
        }
        if path_or_url.starts_with('/') {
            return format!("{}{path_or_url}", self.prefix);
        }
        format!("{}/{path_or_url}", self.prefix)
    }
}

async fn addresses((host, port): &(Arc<str>, u16)) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((&**host, *port)).await?.collect())
}

/// Longest wait for one address to accept a connection.
const ACCEPTS_WITHIN: Duration = Duration::from_secs(2);

/// The first address that takes a connection, as other clients choose it; the first of all if none does.
async fn first_that_accepts(found: &[SocketAddr]) -> Option<SocketAddr> {
    for address in found {
        let connected = tokio::time::timeout(ACCEPTS_WITHIN, tokio::net::TcpStream::connect(address)).await;
        if matches!(connected, Ok(Ok(_))) {
            return Some(*address);
        }
    }
    found.first().copied()
}
