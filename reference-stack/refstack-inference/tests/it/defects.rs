//! Each planted defect can be seen from outside.

use std::time::{Duration, Instant};

use refstack_inference::{Defect, PredictorConfig};

use crate::world::{World, digit_json};

const PREDICT: &str = "/v1/models/digits_cnn:predict";

async fn with(defect: &str) -> World {
    let defects: Vec<Defect> = vec![defect.parse().unwrap()];
    World::with(PredictorConfig { defects, ..PredictorConfig::default() }).await
}

fn body() -> String {
    format!(r#"{{"instances": [{}]}}"#, digit_json(0))
}

fn first_row(body: &str) -> Vec<f32> {
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    serde_json::from_value(body["predictions"][0].take()).unwrap()
}

#[tokio::test]
async fn error_every_third() {
    let world = with("error-every=3").await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(world.post(PREDICT, body()).await.0);
    }
    assert_eq!(seen, [200, 200, 500, 200, 200, 500]);
}

#[tokio::test]
async fn wrong_scores_are_moved_on_and_too_large() {
    let (right, wrong) = (World::start().await, with("wrong-scores").await);
    let right = first_row(&right.post(PREDICT, body()).await.1);
    let wrong = first_row(&wrong.post(PREDICT, body()).await.1);
    for (class, score) in right.iter().enumerate() {
        assert!((wrong[(class + 1) % right.len()] - score * 1.5).abs() < 1e-6, "{right:?} {wrong:?}");
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test looks at the clock to see the defect")]
async fn slow_answers_later() {
    let world = with("slow=150ms").await;
    let started = Instant::now();
    assert_eq!(world.post(PREDICT, body()).await.0, 200);
    assert!(started.elapsed() >= Duration::from_millis(150));
}
