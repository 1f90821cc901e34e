//! Queues, sheds, deadlines and draining. An engine that the test holds and releases stands in for rten, so nothing depends on timing.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use refstack_inference::{
    Batch, Engine, EngineError, Input, ModelFiles, PredictError, Prediction, Predictor, PredictorConfig, Session,
};
use tokio::task::JoinHandle;

use crate::world::{World, digit_json};

/// Runs a batch only when told how to; reports each batch's size as it starts.
struct HeldEngine {
    started: Sender<usize>,
    verdicts: Arc<Mutex<Receiver<Verdict>>>,
}

#[derive(Clone, Copy)]
enum Verdict {
    Run,
    Panic,
}

struct HeldSession {
    started: Sender<usize>,
    verdicts: Arc<Mutex<Receiver<Verdict>>>,
    classes: usize,
}

impl Engine for HeldEngine {
    fn name(&self) -> &'static str {
        "held"
    }

    fn load(&self, model: &ModelFiles, count: usize) -> Result<Vec<Box<dyn Session>>, EngineError> {
        let session = || HeldSession {
            started: self.started.clone(),
            verdicts: Arc::clone(&self.verdicts),
            classes: model.labels.len(),
        };
        Ok((0..count).map(|_| Box::new(session()) as Box<dyn Session>).collect())
    }
}

impl Session for HeldSession {
    fn run(&mut self, batch: Batch) -> Result<Vec<f32>, EngineError> {
        self.started.send(batch.len).map_err(|_| EngineError("the test is over".to_owned()))?;
        let verdict = self.verdicts.lock().unwrap().recv();
        match verdict {
            Ok(Verdict::Panic) => panic!("planted"),
            _ => Ok(vec![0.1; batch.len * self.classes]),
        }
    }
}

struct Held {
    predictor: Predictor,
    started: Receiver<usize>,
    verdicts: Sender<Verdict>,
}

impl Held {
    fn new(config: PredictorConfig) -> Self {
        let (started_sender, started) = channel();
        let (verdicts, verdict_receiver) = channel();
        let engine = HeldEngine { started: started_sender, verdicts: Arc::new(Mutex::new(verdict_receiver)) };
        let config = PredictorConfig { only: vec!["digits_cnn".to_owned()], ..config };
        Self { predictor: Predictor::open_with(config, &engine).unwrap(), started, verdicts }
    }

    fn predict(&self, count: usize) -> JoinHandle<Result<Prediction, PredictError>> {
        let predictor = self.predictor.clone();
        let inputs = vec![Input::Tensor(vec![0.0; 64]); count];
        tokio::spawn(async move { predictor.predict("digits_cnn", inputs).await })
    }

    /// Waits until a batch is in the session; its size.
    async fn batch(&mut self) -> usize {
        loop {
            match self.started.try_recv() {
                Ok(len) => return len,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    async fn depth(&self, wanted: usize) {
        let line = format!("refstack_inference_queue_depth{{model_name=\"digits_cnn\"}} {wanted}");
        while !self.predictor.metrics_text().contains(&line) {
            tokio::task::yield_now().await;
        }
    }
}

fn config(max_batch: usize, max_queue: usize) -> PredictorConfig {
    let limit = |n| NonZeroUsize::new(n).unwrap();
    PredictorConfig { max_batch: limit(max_batch), max_queue: limit(max_queue), ..PredictorConfig::default() }
}

#[tokio::test]
async fn an_idle_session_takes_all_that_waits_up_to_a_batch() {
    let mut held = Held::new(config(4, 16));
    let first = held.predict(1);
    assert_eq!(held.batch().await, 1, "nothing is held back for company");
    let others = [held.predict(3), held.predict(2)];
    held.depth(5).await;
    held.verdicts.send(Verdict::Run).unwrap();
    assert_eq!(held.batch().await, 4);
    held.verdicts.send(Verdict::Run).unwrap();
    assert_eq!(held.batch().await, 1);
    held.verdicts.send(Verdict::Run).unwrap();
    assert_eq!(first.await.unwrap().unwrap().scores.len(), 1);
    let [three, two] = others;
    assert_eq!(three.await.unwrap().unwrap().scores.len(), 3);
    assert_eq!(two.await.unwrap().unwrap().scores.len(), 2);
}

#[tokio::test]
async fn a_full_queue_sheds_and_says_when_to_come_back() {
    let mut held = Held::new(config(1, 2));
    let first = held.predict(1);
    held.batch().await;
    let waiting = held.predict(2);
    held.depth(2).await;
    let shed = held.predict(1).await.unwrap().unwrap_err();
    assert!(
        matches!(shed, PredictError::Overloaded { retry_after } if retry_after >= Duration::from_secs(1)),
        "{shed}"
    );
    assert!(shed.is_retryable());
    assert!(held.predictor.metrics_text().contains("refstack_inference_sheds_total{model_name=\"digits_cnn\"} 1"));
    let too_many = held.predict(3).await.unwrap().unwrap_err();
    assert_eq!(too_many.to_string(), "Task size 3 is larger than maximum input batch size 2");
    for _ in 0..3 {
        held.verdicts.send(Verdict::Run).unwrap();
    }
    assert!(first.await.unwrap().is_ok() && waiting.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_late_request_is_given_up_and_not_run() {
    let mut held = Held::new(PredictorConfig { deadline: Duration::from_millis(30), ..config(1, 8) });
    let first = held.predict(1);
    held.batch().await;
    let second = held.predict(1);
    assert_eq!(first.await.unwrap().unwrap_err(), PredictError::DeadlineExceeded);
    assert_eq!(second.await.unwrap().unwrap_err(), PredictError::DeadlineExceeded);
    held.verdicts.send(Verdict::Run).unwrap();
    held.depth(0).await;
    assert!(held.started.try_recv().is_err(), "the second never reached the engine");
}

#[tokio::test]
async fn a_panic_in_the_engine_costs_one_batch() {
    let mut held = Held::new(config(8, 8));
    let first = held.predict(2);
    held.batch().await;
    held.verdicts.send(Verdict::Panic).unwrap();
    assert!(matches!(first.await.unwrap(), Err(PredictError::Engine(_))));
    held.verdicts.send(Verdict::Run).unwrap();
    assert!(held.predict(1).await.unwrap().is_ok());
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_takes_no_more() {
    let mut held = Held::new(config(1, 8));
    let first = held.predict(2);
    held.batch().await;
    held.depth(1).await;
    let closing = tokio::spawn({
        let predictor = held.predictor.clone();
        async move { predictor.close().await }
    });
    tokio::task::yield_now().await;
    let refused = held.predict(1).await.unwrap();
    held.verdicts.send(Verdict::Run).unwrap();
    held.verdicts.send(Verdict::Run).unwrap();
    assert!(first.await.unwrap().is_ok());
    closing.await.unwrap();
    assert_eq!(refused.unwrap_err(), PredictError::ShuttingDown);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test looks at the clock to see the hold")]
async fn min_service_time_holds_the_session_for_each_image() {
    let each = Duration::from_millis(40);
    let world = World::with(PredictorConfig { min_service_time: Some(each), ..PredictorConfig::default() }).await;
    let image = digit_json(0);
    let started = Instant::now();
    let (status, _) =
        world.post("/v1/models/digits_cnn:predict", format!(r#"{{"instances": [{image}, {image}, {image}]}}"#)).await;
    assert_eq!(status, 200);
    assert!(started.elapsed() >= each * 3);
}

#[tokio::test]
async fn a_request_in_hand_is_answered_while_draining() {
    let each = Duration::from_millis(300);
    let world = World::with(PredictorConfig { min_service_time: Some(each), ..PredictorConfig::default() }).await;
    let request = world.client.post(format!("{}/v1/models/digits_cnn:predict", world.base));
    let request = tokio::spawn(request.body(format!(r#"{{"instances": [{}]}}"#, digit_json(0))).send());
    // In hand once it has been parsed and queued: the session has taken it from the queue then or soon after.
    while !world.get("/metrics").await.1.contains("queuing_latency_count{model_name=\"digits_cnn\"} 1") {}
    let stopped = world.stop();
    assert_eq!(request.await.unwrap().unwrap().status(), 200);
    stopped.await.unwrap();
}
