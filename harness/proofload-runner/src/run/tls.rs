//! Whom TLS trusts: the certificate authorities of the machine, and those that the environment names.

use std::path::Path;
use std::sync::Arc;

use proofload_core::environment::HttpVersion;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use super::RunError;

/// Certificate authorities as PEM texts, one per file.
pub(crate) type Authorities = [String];

/// Reads the files of certificate authorities, relative to `folder`.
///
/// # Errors
/// A sentence naming the file that cannot be read, or that holds no certificate.
pub(super) fn read_authorities(files: &[String], folder: &Path) -> Result<Vec<String>, RunError> {
    let read = |file: &String| {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| RunError::Setup(format!("`trust`: {} cannot be read: {error}", path.display())))?;
        match certificates(&text) {
            Ok(found) if !found.is_empty() => Ok(text),
            _ => Err(RunError::Setup(format!(
                "`trust`: {} holds no certificate in PEM form; give the authority that signed the target's certificate",
                path.display()
            ))),
        }
    };
    files.iter().map(read).collect()
}

/// What the load trusts.
pub(crate) fn tls_config(authorities: &Authorities) -> Result<Arc<rustls::ClientConfig>, RunError> {
    let failed = |error: &dyn std::fmt::Display| RunError::Internal(format!("TLS could not be set up: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = Vec::new();
    for text in authorities {
        roots.extend(certificates(text).map_err(|error| failed(&error))?);
    }
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(|error| failed(&error))?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        // The name aside, this is the verifier of the platform.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The client for everything that is not load.
pub(crate) fn http_client(version: HttpVersion, authorities: &Authorities) -> Result<reqwest::Client, RunError> {
    http_builder(version, authorities)
        .and_then(|builder| builder.user_agent(concat!("proofload/", env!("CARGO_PKG_VERSION"))).build())
        .map_err(|error| RunError::Internal(format!("the HTTP client could not be set up: {error}")))
}

/// What every such client has in common: answers come as they are sent, and nobody stands between.
pub(crate) fn http_builder(version: HttpVersion, authorities: &Authorities) -> reqwest::Result<reqwest::ClientBuilder> {
    // Fails only where a provider is installed already, and then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // Goose's features bring decompression into every client of the build; what is measured comes as it is sent.
        .no_gzip();
    for text in authorities {
        builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(text.as_bytes())?);
    }
    if version == HttpVersion::Http2 {
        builder = builder.http2_prior_knowledge();
    }
    Ok(builder)
}

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_slice_iter(text.as_bytes()).collect()
}
