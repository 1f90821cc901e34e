//! What a gateway writes into a message and a worker reads out of it.

use serde::{Deserialize, Serialize};

/// A study to diagnose.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StudyMessage {
    /// Where its image is.
    pub(crate) object: String,
    /// What the image was when it came in.
    pub(crate) input_sha256: String,
}

/// A batch of fish to classify.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BatchMessage {
    /// The images, in the order of the answer.
    pub(crate) images: Vec<Image>,
    /// Whether the gateway was told to allow private hosts.
    pub(crate) allow_private: bool,
}

/// Where one image of a batch is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Image {
    /// In the object store, under this key.
    Object(String),
    /// At an address that the client named.
    Url(String),
}

impl StudyMessage {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("two strings serialise")
    }
}

impl BatchMessage {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings serialise")
    }
}
