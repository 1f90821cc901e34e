//! Diagnoses one study.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Worker;
use super::attempt::Verdict;
use crate::hex::hex;
use crate::messages::StudyMessage;
use crate::ports::PortError;
use crate::ports::inference::InferenceError;
use crate::ports::jobs::Outcome;
use crate::ports::queue::Delivery;

pub(super) async fn diagnose(worker: &Worker, delivery: &Delivery) -> Verdict {
    let Ok(message) = serde_json::from_slice::<StudyMessage>(&delivery.body) else {
        return failed("the message about this study cannot be read");
    };
    let image = match worker.ports.objects.get(&message.object).await {
        Ok(image) => image,
        Err(PortError::Missing { .. }) => return failed("the stored image is gone"),
        Err(error) => return Verdict::TryLater(error.to_string()),
    };
    if hex(&Sha256::digest(&image)) != message.input_sha256 {
        return failed("the stored image is not the one that came in");
    }
    let answer = async {
        let ranked = worker.ports.inference.rank(image).await?;
        Ok((ranked, worker.ports.inference.model().await?))
    };
    let (ranked, model) = match answer.await {
        Ok(answer) => answer,
        Err(error @ InferenceError::Refused(_)) => return failed(error.to_string()),
        Err(error @ InferenceError::Unavailable(_)) => return Verdict::TryLater(error.to_string()),
    };
    let predictions: Vec<_> =
        ranked.into_iter().map(|(label, score)| json!({"label": label, "score": score})).collect();
    let result = json!({
        "id": delivery.lease.job,
        "model": model.name,
        "model_version": model.version,
        "input_sha256": message.input_sha256,
        "predictions": predictions,
    });
    Verdict::Ended(Outcome::Succeeded { result: result.to_string(), done: 1, failed: 0 })
}

fn failed(error: impl Into<String>) -> Verdict {
    Verdict::Ended(Outcome::Failed { error: error.into() })
}
