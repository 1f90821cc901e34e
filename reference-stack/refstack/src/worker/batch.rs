//! Classifies a batch of fish. An image that cannot be read is an entry with an error; a neighbour that fails sends the whole
//! batch back.

use futures::StreamExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::Worker;
use super::attempt::Verdict;
use crate::messages::{BatchMessage, Image};
use crate::ports::PortError;
use crate::ports::inference::InferenceError;
use crate::ports::jobs::Outcome;
use crate::ports::queue::Delivery;

/// Images of one batch that are loaded and classified at once.
const IMAGES_AT_ONCE: usize = 8;

/// What one image came to: an entry of the answer, or a reason to try the batch later.
type Entry = Result<Result<(String, f64), String>, String>;

pub(super) async fn classify(worker: &Worker, delivery: &Delivery) -> Verdict {
    let Ok(message) = serde_json::from_slice::<BatchMessage>(&delivery.body) else {
        return Verdict::Ended(Outcome::Failed { error: String::from("the message about this batch cannot be read") });
    };
    let mut results = vec![Value::Null; message.images.len()];
    let (mut done, mut failed) = (0, 0);
    let mut work: Vec<BoxFuture<'_, (usize, Entry)>> = Vec::new();
    for (index, image) in message.images.iter().enumerate() {
        work.push(Box::pin(async move { (index, one(worker, image, message.allow_private).await) }));
    }
    let mut entries = futures::stream::iter(work).buffer_unordered(IMAGES_AT_ONCE);
    while let Some((index, entry)) = entries.next().await {
        done += 1;
        results[index] = match entry {
            Ok(Ok((class, score))) => json!({"index": index, "class": class, "score": score}),
            Ok(Err(error)) => {
                failed += 1;
                json!({"index": index, "error": error})
            }
            Err(reason) => return Verdict::TryLater(reason),
        };
        if let Err(error) = worker.ports.jobs.progress(&delivery.lease, done, failed).await {
            tracing::warn!(%error, "progress was not recorded");
        }
    }
    keep(worker, delivery, results, (done, failed)).await
}

/// Removes what was uploaded for a batch that has ended.
pub(super) async fn clear(worker: &Worker, delivery: &Delivery) {
    let Ok(message) = serde_json::from_slice::<BatchMessage>(&delivery.body) else { return };
    for image in message.images {
        if let Image::Object(key) = image
            && let Err(error) = worker.ports.objects.delete(&key).await
        {
            tracing::warn!(%error, key, "an image that is done with stays");
        }
    }
}

async fn keep(worker: &Worker, delivery: &Delivery, results: Vec<Value>, (done, failed): (u32, u32)) -> Verdict {
    let id = delivery.lease.job.unwrap_or_default();
    // Two attempts may overlap when a lease is lost: each writes its own object, and the settled one is named in the record.
    let name = format!("results/{id}-{}.json", delivery.lease.attempt);
    match worker.ports.objects.put(&name, Value::from(results).to_string().into()).await {
        Ok(result) => Verdict::Ended(Outcome::Succeeded { result, done, failed }),
        Err(error) => Verdict::TryLater(error.to_string()),
    }
}

async fn one(worker: &Worker, image: &Image, allow_private: bool) -> Entry {
    let bytes = match image {
        Image::Object(key) => match worker.ports.objects.get(key).await {
            Ok(bytes) => bytes,
            Err(PortError::Missing { .. }) => return Ok(Err(String::from("the stored image is gone"))),
            Err(error) => return Err(error.to_string()),
        },
        Image::Url(url) => {
            let allow_private = allow_private || worker.settings.allow_private_urls;
            match worker.ports.fetch.image(url, allow_private).await {
                Ok(bytes) => bytes,
                Err(error) => return Ok(Err(error.to_string())),
            }
        }
    };
    match worker.ports.inference.best(bytes).await {
        Ok(best) => Ok(Ok(best)),
        Err(error @ InferenceError::Refused(_)) => Ok(Err(error.to_string())),
        Err(error @ InferenceError::Unavailable(_)) => Err(error.to_string()),
    }
}
