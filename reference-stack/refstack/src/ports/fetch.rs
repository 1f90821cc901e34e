//! Loads an image from an address that a client named.

use async_trait::async_trait;
use bytes::Bytes;

/// Why an image was not loaded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is not one we go to, wherever it was found: named, resolved or redirected to.
    #[error("the address is refused: {0}")]
    Refused(String),
    /// The server there did not give an image.
    #[error("the image could not be loaded: {0}")]
    Failed(String),
}

/// Loads images from addresses.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Loads one image. With `allow_private`, private and loopback hosts may be asked too.
    async fn image(&self, url: &str, allow_private: bool) -> Result<Bytes, FetchError>;
}
