//! The outside world behind the ports.

pub mod brokered;
pub mod embedded;
pub mod postgres;
pub mod rabbitmq;
pub mod redis_cache;
pub mod s3_objects;
pub mod tf_serving;
pub mod url_fetch;

/// TLS needs one provider of cryptography for the whole process; the first to ask chooses ring.
pub(crate) fn install_tls_provider() {
    // An error says that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
