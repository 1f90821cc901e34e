//! The inference server: an encoded image in, one score per label out.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

/// The model that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The version that is served now.
    pub version: String,
    /// What each score is about, in order; empty when the server does not tell.
    pub labels: Vec<String>,
}

impl Model {
    /// A label for each of `scores`. A server that tells no labels has numbered classes.
    fn labels_for(&self, scores: usize) -> Result<Vec<String>, InferenceError> {
        if self.labels.is_empty() {
            return Ok((0..scores).map(|class| format!("class_{class}")).collect());
        }
        if self.labels.len() == scores {
            return Ok(self.labels.clone());
        }
        Err(InferenceError::Unavailable(format!("{scores} scores for {} labels", self.labels.len())))
    }
}

/// Why there are no scores.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InferenceError {
    /// The image cannot be read; trying again would not help.
    #[error("the image cannot be read: {0}")]
    Refused(String),
    /// The server does not answer or is not well; a later try may succeed.
    #[error("the inference server is not available: {0}")]
    Unavailable(String),
}

/// An inference server with one model.
#[async_trait]
pub trait Inference: Send + Sync {
    /// The model being served.
    async fn model(&self) -> Result<Arc<Model>, InferenceError>;

    /// Scores for one image, in the order of the labels.
    async fn predict(&self, image: Bytes) -> Result<Vec<f64>, InferenceError>;

    /// Scores for one image with their labels, best first.
    async fn rank(&self, image: Bytes) -> Result<Vec<(String, f64)>, InferenceError> {
        let scores = self.predict(image).await?;
        let model = self.model().await?;
        let labels = model.labels_for(scores.len())?;
        let mut ranked: Vec<_> = labels.into_iter().zip(scores).collect();
        ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
        Ok(ranked)
    }

    /// The best label of one image, and its score.
    async fn best(&self, image: Bytes) -> Result<(String, f64), InferenceError> {
        let ranked = self.rank(image).await?;
        ranked.into_iter().next().ok_or_else(|| InferenceError::Unavailable(String::from("the model has no labels")))
    }
}
