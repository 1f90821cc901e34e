//! TF Serving's REST interface, as a client sees it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use refstack_inference::{Config, PredictorConfig};

use crate::world::{World, digit, digit_json, payload};

async fn check_get(world: &World, path: &str, status: u16, expected: &str) {
    let (seen, body) = world.get(path).await;
    assert_eq!((seen, squeeze(&body)), (status, squeeze(expected)), "GET {path}");
}

async fn check_post(world: &World, path: &str, body: &str, status: u16, expected: &str) {
    let (seen, answer) = world.post(path, body.to_owned()).await;
    assert_eq!((seen, squeeze(&answer)), (status, squeeze(expected)), "POST {path} {body}");
}

/// Without white space outside words.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn error(text: &str) -> String {
    serde_json::json!({ "error": text }).to_string()
}

const PREDICT: &str = "/v1/models/digits_cnn:predict";

#[tokio::test]
async fn status_metadata_and_labels() {
    let world = World::start().await;
    let status = r#"{ "model_version_status": [ { "version": "1", "state": "AVAILABLE", "status": { "error_code": "OK", "error_message": "" } } ] }"#;
    for path in ["/v1/models/digits_cnn", "/V1/MODELS/digits_cnn/Versions/1"] {
        check_get(&world, path, 200, status).await;
    }
    check_get(&world, "/v1/models/none", 404, &error("Could not find any versions of model none")).await;
    check_get(&world, "/v1/models/digits_cnn/versions/7", 404, &error("Could not find version 7 of model digits_cnn"))
        .await;
    check_get(&world, "/v1/models", 400, &error("Missing model name in request.")).await;
    check_get(&world, "/v1/other", 400, &error("Malformed request: GET /v1/other")).await;
    check_get(
        &world,
        "/v1/models/digits_cnn/labels/stable",
        400,
        &error("Unrecognized servable version label: stable"),
    )
    .await;
    check_get(&world, "/v1/models/none/metadata", 404, &error("Servable not found for request: Latest(none)")).await;
    check_get(&world, "/other", 404, &error("Not found: /other; models are under /v1/models/")).await;

    let (_, metadata) = world.get("/v1/models/fish_classifier/metadata").await;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let signature = &metadata["metadata"]["signature_def"]["signature_def"]["serving_default"];
    assert_eq!(
        metadata["model_spec"],
        serde_json::json!({ "name": "fish_classifier", "signature_name": "", "version": "1" })
    );
    let sides: Vec<_> = signature["inputs"]["image"]["tensor_shape"]["dim"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dim| dim["size"].as_str().unwrap())
        .collect();
    assert_eq!(sides, ["-1", "224", "224", "3"]);
    assert_eq!(signature["method_name"], "tensorflow/serving/predict");

    let labels = r#"{ "model": "resnet50_chest_xray", "version": "1", "labels": [ "normal", "pneumonia", "effusion", "cardiomegaly" ] }"#;
    check_get(&world, "/models/resnet50_chest_xray/labels", 200, labels).await;
    check_get(&world, "/models/none/labels", 404, &error("Servable not found for request: Latest(none)")).await;
}

fn scores(answer: &(u16, String), key: &str) -> Vec<Vec<f32>> {
    assert_eq!(answer.0, 200, "{}", answer.1);
    let mut body: serde_json::Value = serde_json::from_str(&answer.1).unwrap();
    serde_json::from_value(body[key].take()).unwrap()
}

/// Batches of different sizes round differently in the last digits.
fn check_close(seen: &[Vec<f32>], expected: &[Vec<f32>], tolerance: f32) {
    assert_eq!(seen.len(), expected.len());
    for (seen, expected) in seen.concat().iter().zip(expected.concat()) {
        assert!((seen - expected).abs() < tolerance, "{seen} is not {expected}");
    }
}

fn best(row: &[f32]) -> usize {
    (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap()
}

#[tokio::test]
async fn rows_columns_and_names_give_the_same_scores() {
    let world = World::start().await;
    let (label, _) = digit(0);
    let image = digit_json(0);
    let row =
        scores(&world.post(PREDICT, format!(r#"{{"instances": [{image}, {}]}}"#, digit_json(1))).await, "predictions");
    assert_eq!(row.len(), 2);
    assert_eq!(best(&row[0]), label);
    for body in [
        format!(r#"{{"inputs": [{image}]}}"#),
        format!(r#"{{"signature_name": "serving_default", "inputs": {{"image": [{image}]}}}}"#),
    ] {
        check_close(&scores(&world.post(PREDICT, body).await, "outputs"), &row[..1], 1e-5);
    }
    let named = format!(r#"{{"instances": [{{"image": {image}}}]}}"#);
    check_close(
        &scores(&world.post("/v1/Models/digits_cnn/versions/1:Predict", named).await, "predictions"),
        &row[..1],
        1e-5,
    );
}

#[tokio::test]
async fn not_a_number_is_a_number_here() {
    let world = World::start().await;
    let image = format!("[{}]", ["[[NaN],[NaN],[NaN],[NaN],[NaN],[NaN],[NaN],[NaN]]"; 8].join(","));
    // rten's Relu makes zeros of them; that scores which are NaN are written as such is tested beside the writer.
    assert_eq!(scores(&world.post(PREDICT, format!(r#"{{"instances": [{image}]}}"#)).await, "predictions").len(), 1);
}

#[tokio::test]
async fn encoded_pictures_are_decoded_here() {
    let world = World::start().await;
    let encoded = |file: &str| format!(r#"{{"b64": "{}"}}"#, STANDARD.encode(payload(file)));
    let (png, dicom) = (encoded("xray/cell.png"), encoded("xray/cell-inverted.dcm"));
    let path = "/v1/models/resnet50_chest_xray:predict";
    let both =
        scores(&world.post(path, format!(r#"{{"instances": [{png}, {{"image": {dicom}}}]}}"#)).await, "predictions");
    check_close(&both[..1], &both[1..], 0.05);
    check_close(&scores(&world.post(path, format!(r#"{{"inputs": {png}}}"#)).await, "outputs"), &both[..1], 1e-5);
    let broken = format!(r#"{{"instances": [{png}, {{"b64": "bm8gcGljdHVyZQ=="}}]}}"#);
    check_post(&world, path, &broken, 400, &error("instance 1: the bytes are neither PNG, JPEG nor DICOM")).await;
}

#[tokio::test]
async fn bad_requests_get_upstreams_words() {
    let world = World::start().await;
    let failed = |why: &str| error(&format!("Failed to process element: 0 of 'instances' list. Error: {why}"));
    let good = format!(r#"{{"instances": [{}]}}"#, digit_json(0));
    for (path, body, status, expected) in [
        (PREDICT, "", 400, error("JSON Parse error: The document is empty")),
        (PREDICT, "{}", 400, error("Missing 'inputs' or 'instances' key")),
        (PREDICT, r#"{"instances": []}"#, 400, error("No values in 'instances' array")),
        (
            PREDICT,
            r#"{"instances": [[1, 2]]}"#,
            400,
            failed("JSON Value: 1, 2]]} found at incorrect level: 1 in the JSON DOM. Expected at level: 3"),
        ),
        (
            PREDICT,
            r#"{"instances": ["seven"]}"#,
            400,
            failed("JSON Value: \"seven\"]} Type: String is not of expected type: float"),
        ),
        (PREDICT, r#"{"instances": [{"b64": "#, 400, failed("JSON Value: not formatted correctly for base64 data")),
        ("/v1/models/none:predict", &good, 404, error("Servable not found for request: Latest(none)")),
        (
            "/v1/models/digits_cnn/versions/2:predict",
            &good,
            404,
            error("Servable not found for request: Specific(digits_cnn, 2)"),
        ),
        ("/v1/models/digits_cnn/labels/a:predict", &good, 400, error("Unrecognized servable version label: a")),
        ("/v1/models/digits_cnn:explain", &good, 400, error("Malformed request: POST /v1/models/digits_cnn:explain")),
        ("/v1/models/digits_cnn", &good, 400, error("Malformed request: POST /v1/models/digits_cnn")),
        (
            "/v1/models/digits_cnn:classify",
            &good,
            400,
            error(
                "Expected classification signature method_name to be tensorflow/serving/classify. Was: tensorflow/serving/predict",
            ),
        ),
    ] {
        check_post(&world, path, body, status, &expected).await;
    }
    let other = good.replacen('{', r#"{"signature_name": "other", "#, 1);
    check_post(&world, PREDICT, &other, 400, &error("Serving signature name: \"other\" not found in signature def"))
        .await;
    let delete = world.client.delete(format!("{}/v1/models/digits_cnn", world.base)).send().await.unwrap();
    assert_eq!(delete.status(), 400);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let world = World::build(Config { max_body_bytes: 1000, ..Config::default() }).await;
    let (status, body) = world.post(PREDICT, vec![b' '; 1001]).await;
    assert_eq!((status, body), (413, error("The request body did not arrive whole, or has more than 1000 bytes")));
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let world = World::start().await;
    world.post(PREDICT, format!(r#"{{"instances": [{}, {}]}}"#, digit_json(0), digit_json(1))).await;
    world.post(PREDICT, "{}").await;
    world.post("/v1/models/none:predict", "{}").await;
    let (status, text) = world.get("/metrics").await;
    assert_eq!(status, 200);
    for line in [
        ":tensorflow:serving:request_count{model_name=\"digits_cnn\",status=\"OK\"} 1",
        ":tensorflow:serving:request_count{model_name=\"digits_cnn\",status=\"INVALID_ARGUMENT\"} 1",
        ":tensorflow:serving:request_latency_count{model_name=\"digits_cnn\",API=\"predict\",entrypoint=\"REST\"} 2",
        "refstack_inference_images_total{model_name=\"digits_cnn\"} 2",
        "refstack_inference_queue_depth{model_name=\"digits_cnn\"} 0",
    ] {
        assert!(text.lines().any(|seen| seen == line), "{line}\nnot in\n{text}");
    }
    assert!(!text.contains("none"), "an unknown name must not grow the metrics");
    assert_eq!(world.get("/monitoring/prometheus/metrics").await.0, 200);
}

#[tokio::test]
async fn one_model_alone() {
    let only = vec!["fish_classifier".to_owned()];
    let world = World::with(PredictorConfig { only, ..PredictorConfig::default() }).await;
    assert_eq!(world.get("/v1/models/fish_classifier").await.0, 200);
    assert_eq!(world.get("/v1/models/digits_cnn").await.0, 404);
}
