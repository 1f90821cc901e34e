//! What keeps the server from starting is said in one sentence.

use std::fs;
use std::path::Path;

use refstack_inference::{Config, PredictorConfig, StartError};

async fn refusal(config: Config) -> StartError {
    config.build().await.expect_err("this must not start")
}

#[tokio::test]
async fn an_address_in_use() {
    let first = Config::default().build().await.unwrap();
    let error = refusal(Config { listen: first.address(), ..Config::default() }).await;
    assert!(error.is_address());
    let expected = format!("cannot listen on {}: Address already in use", first.address());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn a_model_the_engine_cannot_load() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let dir = tempfile::tempdir().unwrap();
    let version = dir.path().join("digits_cnn/1");
    fs::create_dir_all(&version).unwrap();
    for file in ["labels.txt", "model.json"] {
        fs::copy(models.join("digits_cnn/1").join(file), version.join(file)).unwrap();
    }
    let config = || {
        let models_dir = Some(dir.path().to_owned());
        Config { predictor: PredictorConfig { models_dir, ..PredictorConfig::default() }, ..Config::default() }
    };
    let whole = fs::read(models.join("digits_cnn/1/model.onnx")).unwrap();
    let other = fs::read(models.join("fish_classifier/1/model.onnx")).unwrap();
    for onnx in [&b"no model"[..], &whole[..whole.len() / 2], &other] {
        fs::write(version.join("model.onnx"), onnx).unwrap();
        let error = refusal(config()).await;
        assert!(!error.is_address());
        let said = error.to_string();
        let path = version.join("model.onnx");
        assert!(said.starts_with(&format!("the engine cannot load {}: ", path.display())), "{said}");
    }
    fs::write(version.join("model.onnx"), whole).unwrap();
    assert_eq!(config().build().await.unwrap().predictor().models().len(), 1);
}
