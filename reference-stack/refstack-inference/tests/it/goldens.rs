//! rten against Python's onnxruntime, on batches both sides make from whole numbers, and on the scenarios' pictures.

use std::collections::BTreeMap;

use refstack_inference::{Input, Predictor, PredictorConfig};
use serde::Deserialize;

use crate::world::{fixture, payload, payloads};

#[derive(Deserialize)]
struct Golden {
    batches: BTreeMap<u64, Vec<Vec<f32>>>,
    pictures: BTreeMap<String, Vec<f32>>,
}

fn goldens() -> BTreeMap<String, Golden> {
    serde_json::from_slice(&fixture("goldens.json")).unwrap()
}

/// The same arithmetic as `instance` in models/make/goldens.py.
fn instance(number: u64, shape: &[usize]) -> Vec<f32> {
    let [_, width, channels] = [shape[0], shape[1], shape[2]].map(|side| side as u64);
    let len = shape.iter().product::<usize>() as u64;
    let value = |i: u64| {
        let (y, x, c) = (i / (width * channels), i / channels % width, i % channels);
        let noise = (i * 2_654_435_761 % (1 << 32)) >> 28;
        let sum = x * (3 + number) + y * (5 + 2 * number) + c * 40 * (number + 1) + noise;
        f32::from(u8::try_from(sum % 256).unwrap()) / 256.0
    };
    (0..len).map(value).collect()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[tokio::test]
async fn batches_agree_with_onnxruntime() {
    let predictor = Predictor::open(PredictorConfig::default()).unwrap();
    for (model, golden) in goldens() {
        let shape = &predictor.model(&model).unwrap().spec.input.shape;
        for (size, expected) in golden.batches {
            let inputs = (0..size).map(|n| Input::Tensor(instance(n, shape))).collect();
            let seen = predictor.predict(&model, inputs).await.unwrap().scores;
            assert_eq!(seen.len(), expected.len());
            for (seen, expected) in seen.iter().zip(&expected) {
                assert!((seen.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                let difference = largest_difference(seen, expected);
                assert!(difference < 1e-5, "{model} at batch {size}: {difference}");
            }
        }
    }
}

#[tokio::test]
async fn pictures_agree_with_pillow_and_onnxruntime() {
    let predictor = Predictor::open(PredictorConfig::default()).unwrap();
    let mut count = 0;
    for (model, golden) in goldens() {
        for (file, expected) in golden.pictures {
            let inputs = vec![Input::Encoded(payload(&file).into())];
            let seen = predictor.predict(&model, inputs).await.unwrap().scores.remove(0);
            let difference = largest_difference(&seen, &expected);
            // Decoders and filters round differently by one step of 256 here and there.
            assert!(difference < 0.02, "{file}: {difference}");
            count += 1;
        }
    }
    assert!(count >= 10, "{count} pictures");
}

#[tokio::test]
async fn pictures_are_told_apart() {
    let predictor = Predictor::open(PredictorConfig::default()).unwrap();
    for (folder, model, classes) in [("xray", "resnet50_chest_xray", 3), ("fish", "fish_classifier", 3)] {
        let files = std::fs::read_dir(payloads().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let inputs: Vec<_> = files.map(|path| Input::Encoded(std::fs::read(path).unwrap().into())).collect();
        let prediction = predictor.predict(model, inputs).await.unwrap();
        let best: std::collections::BTreeSet<_> =
            (0..prediction.scores.len()).map(|row| prediction.ranked(row)[0].0).collect();
        assert!(best.len() >= classes, "{folder}: {best:?}");
    }
}
