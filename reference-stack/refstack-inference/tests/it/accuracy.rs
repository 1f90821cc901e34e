//! The digits model is a real classifier, also through this server.

use refstack_inference::{Input, Predictor, PredictorConfig};

use crate::world::{digit, fixture};

#[tokio::test]
async fn reads_held_out_digits() {
    let count = fixture("digits-heldout.bin").len() / 65;
    assert_eq!(count, 397);
    let predictor = Predictor::open(PredictorConfig::default()).unwrap();
    let (labels, images): (Vec<_>, Vec<_>) = (0..count).map(digit).unzip();
    let mut right = 0;
    for (labels, images) in labels.chunks(64).zip(images.chunks(64)) {
        let inputs = images.iter().cloned().map(Input::Tensor).collect();
        let prediction = predictor.predict("digits_cnn", inputs).await.unwrap();
        let best = (0..labels.len()).map(|row| prediction.ranked(row)[0].0.to_owned());
        right += best.zip(labels).filter(|(best, label)| *best == label.to_string()).count();
    }
    assert!(right * 100 >= count * 97, "{right} of {count}");
}
